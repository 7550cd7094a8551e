//! The three browsers that the library is tested in: their drivers, and how wasm-bindgen's test runner is told about them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::compiler::Use;
use crate::core_forms::Form;
use crate::failure::{Failure, Outcome, While};
use crate::process;
use crate::ready::Ready;
use crate::workspace::Workspace;

/// A browser engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Browser {
    Chromium,
    Firefox,
    WebKit,
}

const CHROMIUM_ARGUMENTS: &str = r#"["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"]"#;
const NOTHING: &str = "{}";

/// Chromium or a browser made of it: the one that the environment names, or else one that is installed.
pub fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(|| {
        installed(
            &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
            &["Google Chrome.app/Contents/MacOS/Google Chrome", "Chromium.app/Contents/MacOS/Chromium"],
        )
    })
}

pub fn firefox() -> Option<PathBuf> {
    installed(&["firefox-esr", "firefox"], &["Firefox.app/Contents/MacOS/firefox"])
}

/// WebKitGTK's driver, or Safari's.
pub fn webkit_driver() -> Option<PathBuf> {
    process::find(if cfg!(target_os = "macos") { "safaridriver" } else { "WebKitWebDriver" })
}

/// A program in PATH, or, as macOS has them, among the applications of all users.
fn installed(names: &[&str], applications: &[&str]) -> Option<PathBuf> {
    let applications = applications.iter().map(|path| Path::new("/Applications").join(path));
    names.iter().find_map(|name| process::find(name)).or_else(|| applications.into_iter().find(|path| path.is_file()))
}

/// Fails when a browser that setup saw does not start: it is never skipped.
pub fn check(browser: Browser) -> Outcome<()> {
    let programs = match browser {
        Browser::Chromium => [process::find("chromedriver"), chromium()],
        Browser::Firefox => [firefox(), None],
        // The browser is started by its driver alone, which does not tell its version.
        Browser::WebKit => [None, None],
    };
    for program in programs.into_iter().flatten() {
        let mut command = process::command(&program);
        command.arg("--version");
        if process::answer(command).is_none() {
            return Err(Failure::new(format!(
                "{} --version fails: the browser is installed but does not start",
                program.display()
            )));
        }
    }
    Ok(())
}

/// The command that runs the library's wasm tests in a browser, on the package with its core in one of its forms.
pub fn tests(workspace: &Workspace, ready: &Ready, browser: Browser, form: Form) -> Outcome<Command> {
    take(workspace, form)?;
    let mut command = ready.compiler.cargo(workspace, "test", Use::Test);
    command.args(["--package", "custom-identity-provider", "--lib", "--tests"]);
    let runner = ready.wasm_bindgen.path();
    let mut words = vec![runner.display().to_string(), "test".to_owned()];
    let (variable, driver, settings) = match browser {
        Browser::Chromium => ("CHROMEDRIVER", process::find("chromedriver"), chromium_settings(chromium().as_deref())),
        Browser::Firefox => ("GECKODRIVER", ready.geckodriver.as_ref().map(|tool| tool.path()), NOTHING.to_owned()),
        Browser::WebKit => {
            // WebKit's driver has no headless mode; Safari opens its window on the person's own display.
            if !cfg!(target_os = "macos") {
                words.splice(0..0, ["xvfb-run".to_owned(), "--auto-servernum".to_owned()]);
            }
            ("SAFARIDRIVER", webkit_driver(), NOTHING.to_owned())
        }
    };
    let driver = driver.ok_or_else(|| Failure::new(format!("the driver of {browser:?} is missing")))?;
    // Another browser's variable would win over the one that is meant.
    for other in ["CHROMEDRIVER", "GECKODRIVER", "SAFARIDRIVER", "MSEDGEDRIVER"] {
        command.env_remove(other).env_remove(format!("{other}_REMOTE")).env_remove(format!("{other}_ARGS"));
    }
    command
        .env(variable, driver)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", settings_file(workspace, browser, &settings)?);
    // On a busy machine a driver may need longer than the runner's own five seconds.
    command.env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60").env("WASM_BINDGEN_TEST_TIMEOUT", "900");
    command.env_remove("NO_HEADLESS");
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    command.arg("--config").arg(format!("target.wasm32-unknown-unknown.runner=[{}]", words.join(",")));
    Ok(command)
}

/// Puts the entry where the browser tests find it, with its core in one of its forms.
pub fn take(workspace: &Workspace, form: Form) -> Outcome<()> {
    let entry = workspace.path("pkg/dist").join(match form {
        Form::WebAssembly => "inline.js",
        Form::JavaScript => "inline_javascript.js",
    });
    let tested = workspace.path("pkg/generated/tested.js");
    let taking = format!("copying {} to {}", entry.display(), tested.display());
    let text = std::fs::read(&entry).while_doing(&taking)?;
    // The tests have it inside: what is the same already would have them compiled again.
    if std::fs::read(&tested).is_ok_and(|there| there == text) {
        return Ok(());
    }
    std::fs::write(&tested, text).while_doing(&taking)
}

/// Names the browser too: a driver looks for it only where its own system puts it.
fn chromium_settings(program: Option<&Path>) -> String {
    let binary = program.map(|path| {
        let path = path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"binary\": \"{path}\", ")
    });
    format!("{{\"goog:chromeOptions\": {{{}\"args\": {CHROMIUM_ARGUMENTS}}}}}", binary.unwrap_or_default())
}

fn settings_file(workspace: &Workspace, browser: Browser, settings: &str) -> Outcome<PathBuf> {
    let path = workspace.scratch("webdriver")?.join(format!("{browser:?}.json"));
    std::fs::write(&path, settings).while_doing(format_args!("writing {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chromiums_driver_is_told_which_browser_is_meant() {
        let settings = chromium_settings(Some(Path::new("/Applications/A \"B\".app/A")));
        assert!(
            settings.starts_with(r#"{"goog:chromeOptions": {"binary": "/Applications/A \"B\".app/A", "args": ["--h"#)
        );
        assert!(chromium_settings(None).starts_with(r#"{"goog:chromeOptions": {"args": ["--headless""#));
    }
}
