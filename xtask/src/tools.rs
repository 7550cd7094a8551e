//! Tools that are built from crates once and kept in the per-user cache: wasm-bindgen's command line, geckodriver and cargo-deny.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome, While};
use crate::process;
use crate::workspace::{Workspace, cache, fingerprint};

/// Firefox's driver, which Debian does not package.
const GECKODRIVER: &str = "0.37.1";

/// What holds the dependencies to deny.toml, and asks for their advisories.
const CARGO_DENY: &str = "0.20.2";

/// Dependencies of wasm-bindgen that do its heavy work: worth optimising; the rest only costs compile time.
const WORTH_OPTIMISING: &[&str] = &["walrus", "wasmparser", "gimli", "wasm-bindgen-cli-support"];

/// A program in the cache, which may yet have to be built.
pub struct Tool {
    pub name: String,
    folder: PathBuf,
    program: &'static str,
    /// Builds it, and answers with where it then is.
    build: fn(&Workspace) -> Outcome<PathBuf>,
}

impl Tool {
    /// A program whose crate has its name.
    fn of_crate(program: &'static str, version: &str, build: fn(&Workspace) -> Outcome<PathBuf>) -> Outcome<Self> {
        let folder = cache()?.join(format!("{program}-{version}"));
        Ok(Self { name: format!("{program} {version}"), folder, program, build })
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join(self.program)
    }

    pub fn is_built(&self) -> bool {
        self.path().is_file()
    }

    /// Builds it into the cache.
    pub fn build(&self, workspace: &Workspace) -> Outcome<()> {
        self.keep(&(self.build)(workspace)?)
    }

    /// Puts a program where the cache expects it, by a rename, so that nobody ever finds half of it.
    fn keep(&self, built: &Path) -> Outcome<()> {
        let keeping = format!("keeping {} in {}", self.program, self.folder.display());
        std::fs::create_dir_all(&self.folder).while_doing(&keeping)?;
        let part = self.folder.join(format!("{}.{}", self.program, std::process::id()));
        std::fs::copy(built, &part).while_doing(&keeping)?;
        std::fs::rename(&part, self.path()).while_doing(&keeping)
    }
}

/// wasm-bindgen's command line, of the version in Cargo.lock.
pub fn wasm_bindgen(workspace: &Workspace) -> Outcome<Tool> {
    let lock = read(&workspace.path("Cargo.lock"))?;
    let lock = String::from_utf8_lossy(&lock);
    let (library, command) = (locked(&lock, "wasm-bindgen"), locked(&lock, "wasm-bindgen-cli"));
    let version = match (library, command) {
        (Some(library), Some(command)) if library == command => library,
        (library, command) => {
            return Err(Failure::new(format!(
                "Cargo.lock must hold wasm-bindgen and wasm-bindgen-cli in one version, but holds {} and {}",
                library.unwrap_or("none"),
                command.unwrap_or("none")
            )));
        }
    };
    let manifest = read(&workspace.path("xtask/wasm-bindgen/Cargo.toml"))?;
    let source = read(&workspace.path("xtask/wasm-bindgen/src/main.rs"))?;
    let built_from = fingerprint([manifest.as_slice(), source.as_slice()]);
    Ok(Tool {
        name: format!("wasm-bindgen {version}"),
        folder: cache()?.join(format!("wasm-bindgen-{version}-{built_from}")),
        program: "wasm-bindgen-command",
        build: build_wasm_bindgen,
    })
}

/// Builds wasm-bindgen's command line from the workspace's own lock file.
fn build_wasm_bindgen(workspace: &Workspace) -> Outcome<PathBuf> {
    // A folder of its own, so that its unusual settings do not make Cargo build the host's crates twice.
    let target = workspace.target().join("tools");
    let mut cargo = process::command("cargo");
    cargo.current_dir(workspace.root()).env("CARGO_TARGET_DIR", &target);
    cargo.args(["build", "--package", "wasm-bindgen-command"]);
    for setting in ["debug=false", "incremental=false", "package.\"*\".opt-level=0"] {
        cargo.arg("--config").arg(format!("profile.dev.{setting}"));
    }
    for package in WORTH_OPTIMISING {
        cargo.arg("--config").arg(format!("profile.dev.package.{package}.opt-level=1"));
    }
    process::run_quietly(cargo, &workspace.scratch("logs")?.join("wasm-bindgen.log"))?;
    Ok(target.join("debug").join("wasm-bindgen-command"))
}

/// geckodriver.
pub fn geckodriver() -> Outcome<Tool> {
    Tool::of_crate("geckodriver", GECKODRIVER, |workspace| install(workspace, "geckodriver", GECKODRIVER, &[]))
}

/// cargo-deny; it fetches with the machine's own Git, for one of its own takes minutes to compile.
pub fn cargo_deny() -> Outcome<Tool> {
    Tool::of_crate("cargo-deny", CARGO_DENY, |workspace| {
        install(workspace, "cargo-deny", CARGO_DENY, &["--no-default-features"])
    })
}

/// Builds a program from the crate of its name, with the dependencies its authors locked.
fn install(workspace: &Workspace, program: &str, version: &str, features: &[&str]) -> Outcome<PathBuf> {
    let root = workspace.target().join("tools").join(program);
    let mut cargo = process::command("cargo");
    cargo.current_dir(workspace.root()).env("CARGO_TARGET_DIR", root.join("target"));
    cargo
        .args(["install", "--locked", "--force", "--no-track", "--version", version, program, "--root"])
        .arg(&root)
        .args(features);
    for setting in ["opt-level=0", "lto=false", "debug=false", "codegen-units=16"] {
        cargo.arg("--config").arg(format!("profile.release.{setting}"));
    }
    process::run_quietly(cargo, &workspace.scratch("logs")?.join(format!("{}.log", program)))?;
    Ok(root.join("bin").join(program))
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    std::fs::read(path).while_doing(format_args!("reading {}", path.display()))
}

/// The version of a package in a lock file.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::locked;

    #[test]
    fn versions_are_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n\n[[package]]\nname = \"wasm-bindgen-cli\"\nversion = \"0.2.131\"\n";
        assert_eq!(locked(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked(lock, "wasm-bindgen-cli"), Some("0.2.131"));
        assert_eq!(locked(lock, "wasm"), None);
    }
}
