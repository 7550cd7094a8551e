//! Measures; what is measured and against what, each benchmark says itself.

use crate::failure::Outcome;
use crate::process;
use crate::workspace::Workspace;

/// The identity service under load.
pub fn service(workspace: &Workspace) -> Outcome<()> {
    println!("bench: building the service and its load in release");
    let mut cargo = process::command("cargo");
    cargo.current_dir(workspace.root()).args(["bench", "--package", "identity-service", "--bench", "service"]);
    process::run_shown(cargo, |_| ())
}
