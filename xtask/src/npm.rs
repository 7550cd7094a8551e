//! npm packages that development needs, installed exactly as the committed lock files say.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome, While};
use crate::process;
use crate::workspace::{Workspace, fingerprint};

/// What building needs: wasm-opt, esbuild, terser, TypeScript.
pub const BUILD: &str = "";
/// What the tests of the packed package need: bundlers and frameworks.
pub const PACKAGING: &str = "tests/packaging";
/// What the tests in other tools need, in which applications are tested, built and rendered: Vitest, Jest, Next.js, Angular, SvelteKit, Astro.
pub const ENVIRONMENTS: &str = "tests/environments";
/// What the tests of the demo need: Playwright.
pub const END_TO_END: &str = "tests/e2e";
/// What the bench in browsers needs: who is measured beside the package.
pub const BENCH: &str = "tests/bench";
/// Every folder with development packages of its own.
pub const FOLDERS: &[&str] = &[BUILD, PACKAGING, ENVIRONMENTS, END_TO_END, BENCH];

const STAMP: &str = "node_modules/.installed-from";

/// The folders, of those given, whose packages are not what their lock file says.
pub fn outdated(workspace: &Workspace, folders: &[&str]) -> Outcome<Vec<PathBuf>> {
    let mut outdated = Vec::new();
    for folder in folders {
        let folder = workspace.path(folder);
        // A folder that is missing altogether fails the test step that works in it.
        if folder.join("package.json").is_file()
            && std::fs::read_to_string(folder.join(STAMP)).ok() != Some(state(&folder)?)
        {
            outdated.push(folder);
        }
    }
    Ok(outdated)
}

fn state(folder: &Path) -> Outcome<String> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).while_doing(format_args!("reading {}", path.display()))
    };
    Ok(fingerprint([read("package.json")?.as_slice(), read("package-lock.json")?.as_slice()]))
}

/// Installs a folder's packages anew; the stamp comes last, so that an interrupted run is not taken for a finished one.
pub fn install(workspace: &Workspace, folder: &Path) -> Outcome<()> {
    let state = state(folder)?;
    let mut npm = process::command("npm");
    npm.current_dir(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    process::run_quietly(npm, &workspace.scratch("logs")?.join(format!("npm-{name}.log")))?;
    let stamp = folder.join(STAMP);
    std::fs::create_dir_all(folder.join("node_modules")).while_doing(format_args!("creating {}", stamp.display()))?;
    std::fs::write(&stamp, state).while_doing(format_args!("writing {}", stamp.display()))
}

/// A program from the root's packages.
pub fn program(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.path("node_modules/.bin").join(name)
}

/// Fails when a lock file names the host it was made with: it would tie everybody to that host.
pub fn check_lock_files(workspace: &Workspace) -> Outcome<()> {
    for folder in FOLDERS.iter().chain(&["pkg"]) {
        let path = workspace.path(folder).join("package-lock.json");
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if let Some(line) = names_a_host(&text) {
            return Err(Failure::new(format!(
                "{} names a registry's host in line {line}; make it anew with omit-lockfile-registry-resolved=true in .npmrc",
                path.display()
            )));
        }
    }
    Ok(())
}

fn names_a_host(lock: &str) -> Option<usize> {
    let found = lock.lines().position(|line| {
        let line = line.trim_start();
        line.starts_with("\"resolved\"") && line.contains("://")
    });
    found.map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::names_a_host;

    #[test]
    fn a_registry_host_in_a_lock_file_is_found() {
        assert_eq!(names_a_host("{\n  \"resolved\": \"https://registry.example/a.tgz\",\n}"), Some(2));
        assert_eq!(
            names_a_host("{\n  \"resolved\": \"../../pkg\",\n  \"url\": \"https://opencollective.example\"\n}"),
            None
        );
    }
}
