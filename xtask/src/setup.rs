//! Brings the machine to where a command can run: quick when nothing is missing, and it says what it does and how long that takes.

use std::time::{Duration, Instant};

use crate::browsers;
use crate::compiler::WasmCompiler;
use crate::failure::{Failure, Outcome};
use crate::npm;
use crate::process;
use crate::system_packages::{self, Installer, Need};
use crate::tools::{self, Tool};
use crate::workspace::Workspace;

/// The Node that the tools need, and what this project is tested with.
const OLDEST_NODE: u32 = 20;

/// What is being prepared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Build,
    Demo,
    Test,
}

/// What setup found or made.
pub struct Ready {
    pub compiler: WasmCompiler,
    pub wasm_bindgen: Tool,
    /// Only for tests.
    pub geckodriver: Option<Tool>,
}

/// Does what is missing for `purpose`; installs nothing at all when something is missing that it may not install.
pub fn run(workspace: &Workspace, purpose: Purpose) -> Outcome<Ready> {
    let began = Instant::now();
    check_node()?;
    let missing = system_packages::missing(needs(purpose));
    let installer = if missing.is_empty() { Installer::Root } else { Installer::find() };
    if matches!(installer, Installer::NotAllowed | Installer::NotDebian) {
        return Err(Failure::new(system_packages::missing_sentence(&missing, installer)));
    }
    let wasm_bindgen = tools::wasm_bindgen(workspace)?;
    let geckodriver = if purpose == Purpose::Test { Some(tools::geckodriver()?) } else { None };
    let folders = npm::outdated(workspace, if purpose == Purpose::Test { npm::FOLDERS } else { &[npm::BUILD] })?;

    // Packages come over the network while the processor compiles the tools.
    let outcomes: Vec<Outcome<()>> = std::thread::scope(|scope| {
        let system = scope.spawn(|| {
            if missing.is_empty() {
                return Ok(());
            }
            let what = format!("system packages {}", missing.join(" "));
            step(&what, || system_packages::install(workspace, &missing, installer))
        });
        let packages = scope.spawn(|| {
            folders.iter().try_for_each(|folder| {
                let shown = folder.strip_prefix(workspace.root()).unwrap_or(folder).display().to_string();
                let place = if shown.is_empty() { "the workspace" } else { &shown };
                step(&format!("npm packages of {place}"), || npm::install(workspace, folder))
            })
        });
        let programs = scope.spawn(|| {
            if !wasm_bindgen.is_built() {
                step(&wasm_bindgen.name, || tools::build_wasm_bindgen(workspace, &wasm_bindgen))?;
            }
            match &geckodriver {
                Some(tool) if !tool.is_built() => step(&tool.name, || tools::build_geckodriver(workspace, tool)),
                _ => Ok(()),
            }
        });
        [system, packages, programs]
            .into_iter()
            .map(|lane| {
                lane.join()
                    .unwrap_or_else(|_| Err(Failure::new("a part of the set-up crashed; this is a bug in xtask")))
            })
            .collect()
    });
    let failures: Vec<String> =
        outcomes.into_iter().filter_map(Result::err).map(|failure| failure.to_string()).collect();
    if !failures.is_empty() {
        return Err(Failure::new(failures.join("\n")));
    }

    // Whatever the installers said, only what is there now counts.
    let still = system_packages::missing(needs(purpose));
    if !still.is_empty() {
        return Err(Failure::new(system_packages::still_missing_sentence(&still)));
    }
    let compiler = WasmCompiler::find()?;
    if purpose == Purpose::Test {
        browsers::check()?;
    }
    say(&format!("ready after {}; WebAssembly by {}", seconds(began.elapsed()), compiler.describe()));
    Ok(Ready { compiler, wasm_bindgen, geckodriver })
}

fn needs(purpose: Purpose) -> impl Iterator<Item = &'static Need> {
    let more: &[&[Need]] = match purpose {
        Purpose::Build => &[],
        Purpose::Demo => &[system_packages::DEMO],
        Purpose::Test => &[system_packages::LINTS, system_packages::BROWSERS, system_packages::DATABASE],
    };
    [system_packages::C_COMPILER, system_packages::WASM_COMPILER].into_iter().chain(more.iter().copied()).flatten()
}

fn check_node() -> Outcome<()> {
    let mut node = process::command("node");
    node.arg("--version");
    let found = process::answer(node);
    let version = found.as_deref().and_then(|text| text.strip_prefix('v')?.split('.').next()?.parse::<u32>().ok());
    match version {
        Some(version) if version >= OLDEST_NODE && process::find("npm").is_some() => Ok(()),
        _ => Err(Failure::new(format!(
            "Node {OLDEST_NODE} or later with npm is missing{}; see nodejs.org",
            found.map(|version| format!(" (node is {version})")).unwrap_or_default()
        ))),
    }
}

fn step(what: &str, work: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
    say(&format!("{what} …"));
    let began = Instant::now();
    let outcome = work();
    let end = if outcome.is_ok() { "done in" } else { "FAILED after" };
    say(&format!("{what}: {end} {}", seconds(began.elapsed())));
    outcome
}

fn say(text: &str) {
    println!("setup: {text}");
}

/// 83.4 s, for people.
pub fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
