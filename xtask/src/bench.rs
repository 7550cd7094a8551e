//! Measures; what is measured and against what, each benchmark says itself.

use crate::browsers::Browser;
use crate::build;
use crate::failure::Outcome;
use crate::npm;
use crate::process;
use crate::setup::{self, Asking, Part, Purpose};
use crate::test;
use crate::workspace::Workspace;

/// The identity service under load.
pub fn service(workspace: &Workspace) -> Outcome<()> {
    println!("bench: building the service and its load in release");
    let mut cargo = process::command("cargo");
    cargo.current_dir(workspace.root()).args(["bench", "--package", "identity-service", "--bench", "service"]);
    process::run_shown(cargo, |_| ())
}

/// What the package costs a page, beside others that keep tokens for one; with all of its parts it writes docs/benchmark.md.
pub fn browser(workspace: &Workspace, parts: &[&str]) -> Outcome<()> {
    let needed = vec![
        Part::Browser(Browser::Chromium),
        Part::Browser(Browser::Firefox),
        Part::Packages(npm::PACKAGING),
        Part::Packages(npm::BENCH),
    ];
    let ready = setup::run(workspace, &Purpose::Test(needed), Asking::Once)?;
    build::package(workspace, &ready)?;
    let mut command = test::npm_script(workspace, npm::BENCH, "bench")?;
    if let Some(geckodriver) = &ready.geckodriver {
        command.env("GECKODRIVER", geckodriver.path());
    }
    command.arg("--").args(parts);
    process::run_shown(command, |_| ())
}
