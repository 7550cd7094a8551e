//! The three browsers that the library is tested in: their drivers, and how wasm-bindgen's test runner is told about them.

use std::path::PathBuf;
use std::process::Command;

use crate::compiler::Use;
use crate::failure::{Failure, Outcome, While};
use crate::process;
use crate::setup::Ready;
use crate::workspace::Workspace;

/// A browser engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Browser {
    Chromium,
    Firefox,
    WebKit,
}

const CHROMIUM: &str = r#"{"goog:chromeOptions": {"args": ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"]}}"#;
const NOTHING: &str = "{}";

/// Fails when a browser that setup saw does not start: it is never skipped.
pub fn check() -> Outcome<()> {
    for (program, argument) in [("chromedriver", "--version"), ("chromium", "--version"), (firefox(), "--version")] {
        let mut command = process::command(program);
        command.arg(argument);
        if process::answer(command).is_none() {
            return Err(Failure::new(format!(
                "{program} {argument} fails: the browser is installed but does not start"
            )));
        }
    }
    Ok(())
}

/// Whether somebody sits in front of this machine.
pub fn has_display() -> bool {
    cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The program that opens an address in the person's own browser.
pub fn of_the_person() -> Option<PathBuf> {
    let openers: &[&str] = if cfg!(target_os = "macos") {
        &["open"]
    } else {
        &["xdg-open", "x-www-browser", "firefox", "firefox-esr", "chromium"]
    };
    openers.iter().find_map(|name| process::find(name))
}

fn firefox() -> &'static str {
    if process::find("firefox-esr").is_some() { "firefox-esr" } else { "firefox" }
}

/// The command that runs the library's wasm tests in a browser.
pub fn tests(workspace: &Workspace, ready: &Ready, browser: Browser) -> Outcome<Command> {
    let mut command = ready.compiler.cargo(workspace, "test", Use::Test);
    command.args(["--package", "custom-identity-provider", "--lib", "--tests"]);
    let runner = ready.wasm_bindgen.path();
    let mut words = vec![runner.display().to_string(), "test".to_owned()];
    let (variable, driver, settings) = match browser {
        Browser::Chromium => ("CHROMEDRIVER", process::find("chromedriver"), CHROMIUM),
        Browser::Firefox => ("GECKODRIVER", ready.geckodriver.as_ref().map(|tool| tool.path()), NOTHING),
        Browser::WebKit => {
            // WebKit's driver has no headless mode.
            words.splice(0..0, ["xvfb-run".to_owned(), "--auto-servernum".to_owned()]);
            ("SAFARIDRIVER", process::find("WebKitWebDriver"), NOTHING)
        }
    };
    let driver = driver.ok_or_else(|| Failure::new(format!("the driver of {browser:?} is missing")))?;
    // Another browser's variable would win over the one that is meant.
    for other in ["CHROMEDRIVER", "GECKODRIVER", "SAFARIDRIVER", "MSEDGEDRIVER"] {
        command.env_remove(other).env_remove(format!("{other}_REMOTE")).env_remove(format!("{other}_ARGS"));
    }
    command.env(variable, driver).env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", settings_file(workspace, browser, settings)?);
    // On a busy machine a driver may need longer than the runner's own five seconds.
    command.env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60").env("WASM_BINDGEN_TEST_TIMEOUT", "300");
    command.env_remove("NO_HEADLESS");
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    command.arg("--config").arg(format!("target.wasm32-unknown-unknown.runner=[{}]", words.join(",")));
    Ok(command)
}

fn settings_file(workspace: &Workspace, browser: Browser, settings: &str) -> Outcome<PathBuf> {
    let path = workspace.scratch("webdriver")?.join(format!("{browser:?}.json"));
    std::fs::write(&path, settings).while_doing(format_args!("writing {}", path.display()))?;
    Ok(path)
}
