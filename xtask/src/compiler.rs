//! Which Rust compiler makes WebAssembly on this machine, and how it is called.
//!
//! Rustup's wasm target is used where it is installed. Where it is not, and the Rust distribution cannot be reached, Debian's
//! `rustc-web` is current and brings the sources of std, from which Cargo builds std for wasm.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::process;
use crate::workspace::Workspace;

pub const TARGET: &str = "wasm32-unknown-unknown";
/// The oldest compiler that the workspace builds with; `rust-version` in Cargo.toml says the same.
pub const OLDEST: (u32, u32) = (1, 95);

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_STD_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/Cargo.lock";

/// A compiler that can make WebAssembly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WasmCompiler {
    /// The toolchain in PATH has the target.
    Installed,
    /// Debian's compiler builds std itself; its linker is rustup's, because Debian's packages bring none for wasm.
    Debian { linker: PathBuf },
}

/// What the compiled code is for; std is built differently for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The package: small before anything else.
    Release,
    /// Tests and lints: panics must be readable.
    Test,
}

/// Whether the toolchain in PATH has std for wasm.
pub fn target_is_installed() -> bool {
    let mut rustc = process::command("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    let Some(folder) = process::answer(rustc) else { return false };
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == "rlib"))
}

/// Whether Debian's compiler is here, new enough, and has the sources of std.
pub fn debian_compiler_is_installed() -> bool {
    let mut rustc = debian(DEBIAN_RUSTC);
    rustc.arg("--version");
    process::answer(rustc).as_deref().and_then(version).is_some_and(|version| version >= OLDEST)
        && Path::new(DEBIAN_CARGO).is_file()
        && Path::new(DEBIAN_STD_SOURCES).is_file()
}

/// Debian's clippy, of the same version as its compiler.
pub fn debian_clippy_is_installed() -> bool {
    Path::new("/usr/bin/cargo-clippy").is_file() && Path::new("/usr/bin/clippy-driver").is_file()
}

/// Debian's rustfmt.
pub fn debian_rustfmt_is_installed() -> bool {
    Path::new("/usr/bin/cargo-fmt").is_file() && Path::new("/usr/bin/rustfmt").is_file()
}

/// Whether the toolchain in PATH has `cargo fmt` or `cargo clippy`; rustup's minimal profile leaves them out.
pub fn has_component(word: &str) -> bool {
    let mut cargo = process::command("cargo");
    cargo.args([word, "--version"]);
    process::answer(cargo).is_some()
}

/// `cargo fmt` or `cargo clippy` for the host, by the toolchain in PATH or else by Debian's.
pub fn host_component(workspace: &Workspace, word: &str) -> Command {
    let mut command = if has_component(word) {
        process::command("cargo")
    } else {
        let mut command = debian(&format!("/usr/bin/cargo-{word}"));
        command.env("CARGO", DEBIAN_CARGO).env("RUSTC", DEBIAN_RUSTC).env("RUSTFMT", "/usr/bin/rustfmt");
        command.env("CARGO_TARGET_DIR", workspace.target().join("debian"));
        command
    };
    command.current_dir(workspace.root()).arg(word);
    command
}

/// `rustc 1.96.0 (…)` → (1, 96).
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("rustc ")?.split(['.', '-', ' ']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

impl WasmCompiler {
    /// The compiler to use; everything it needs must have been installed before.
    pub fn find() -> Outcome<Self> {
        if target_is_installed() {
            return Ok(Self::Installed);
        }
        if !debian_compiler_is_installed() {
            return Err(Failure::new(format!(
                "no Rust compiler for {TARGET} is installed; run: rustup target add {TARGET}"
            )));
        }
        let mut rustc = process::command("rustc");
        rustc.args(["--print", "sysroot"]);
        let sysroot = process::answer(rustc).ok_or_else(|| Failure::new("rustc does not say where its files are"))?;
        let linker = std::fs::read_dir(Path::new(&sysroot).join("lib/rustlib"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("bin/rust-lld"))
            .find(|path| path.is_file())
            .ok_or_else(|| {
                Failure::new(format!("rust-lld, the linker for wasm, is not in {sysroot}; install Rust with rustup"))
            })?;
        Ok(Self::Debian { linker })
    }

    /// A sentence's worth of what it is.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Installed => "the installed toolchain's wasm32-unknown-unknown",
            Self::Debian { .. } => "Debian's rustc-web, which builds std for wasm32-unknown-unknown",
        }
    }

    /// `cargo <word> --target wasm32-unknown-unknown …` with everything the compiler needs in its environment.
    pub fn cargo(&self, workspace: &Workspace, word: &str, purpose: Use) -> Command {
        let mut command = match self {
            Self::Installed => process::command("cargo"),
            // Debian's cargo would find rustup's cargo-clippy first.
            Self::Debian { .. } if word == "clippy" => debian("/usr/bin/cargo-clippy"),
            Self::Debian { .. } => debian(DEBIAN_CARGO),
        };
        command.current_dir(workspace.root()).env("CARGO_TARGET_DIR", workspace.wasm_target());
        // Flags meant for the host would be taken for wasm too.
        command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        command.args([word, "--target", TARGET]);
        if let Self::Debian { linker } = self {
            // -Z flags on a stable compiler: Debian builds its own Rust this way too.
            command.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", DEBIAN_RUSTC).env("CARGO", DEBIAN_CARGO);
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            match purpose {
                Use::Release => {
                    command.args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"]);
                    command.arg("-Zpanic-immediate-abort").env("CARGO_PROFILE_WASM_PANIC", "immediate-abort");
                    command.env(
                        "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
                        "-Zlocation-detail=none -Zfmt-debug=none",
                    );
                }
                Use::Test => {
                    command.arg("-Zbuild-std=std,panic_abort,panic_unwind");
                }
            }
        }
        command
    }

    /// The WebAssembly features that the compiler may use in its output, by the names of wasm-opt.
    pub fn features(&self) -> Outcome<Vec<String>> {
        let mut rustc = match self {
            Self::Installed => process::command("rustc"),
            Self::Debian { .. } => debian(DEBIAN_RUSTC),
        };
        rustc.args(["--print", "cfg", "--target", TARGET]);
        let answer = process::answer(rustc).ok_or_else(|| Failure::new(format!("rustc does not know {TARGET}")))?;
        Ok(features(&answer))
    }
}

/// Debian's programs, kept from rustup's settings.
fn debian(program: &str) -> Command {
    let mut command = process::command(program);
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC").env_remove("RUSTDOC");
    command.env_remove("RUSTC_WRAPPER").env_remove("RUSTC_WORKSPACE_WRAPPER");
    command
}

fn features(configuration: &str) -> Vec<String> {
    configuration
        .lines()
        .filter_map(|line| line.strip_prefix("target_feature=\"")?.strip_suffix('"'))
        .map(|name| if name == "nontrapping-fptoint" { "nontrapping-float-to-int" } else { name })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"), Some((1, 96)));
        assert!(version("rustc 1.100.0-nightly").unwrap() > OLDEST);
        assert!(version("rustc 1.63.0").unwrap() < OLDEST);
        assert_eq!(version("gcc 12"), None);
    }

    #[test]
    fn features_are_named_as_wasm_opt_names_them() {
        let configuration = "panic=\"abort\"\ntarget_feature=\"bulk-memory\"\ntarget_feature=\"nontrapping-fptoint\"\n";
        assert_eq!(features(configuration), ["bulk-memory", "nontrapping-float-to-int"]);
    }
}
