//! Which Rust compiler makes WebAssembly on this machine, and how it is called.
//!
//! The toolchain in PATH is used where it can make WebAssembly at all, and the system's own (Debian's `rustc-web`) where it cannot.
//! Whichever it is, std is built for size from its sources where those are there; the std that comes compiled is larger.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::process;
use crate::workspace::Workspace;

pub const TARGET: &str = "wasm32-unknown-unknown";
/// The oldest compiler that the workspace builds with; `rust-version` in Cargo.toml says the same.
pub const OLDEST: (u32, u32) = (1, 95);

const SYSTEM_RUSTC: &str = "/usr/bin/rustc";
const SYSTEM_CARGO: &str = "/usr/bin/cargo";
/// With this a person names a linker for wasm, and that one is used.
const LINKER: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER";

/// Where a compiler comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rust {
    /// The toolchain in PATH: rustup's, a distribution's own, Nix's.
    InPath,
    /// The one that the system's packages bring, as Debian's `rustc-web`, beside a toolchain in PATH that cannot make WebAssembly.
    System,
}

impl Rust {
    fn rustc(self) -> Command {
        match self {
            Self::InPath => process::command(
                std::env::var_os("RUSTC").filter(|name| !name.is_empty()).unwrap_or_else(|| "rustc".into()),
            ),
            Self::System => of_the_system(SYSTEM_RUSTC),
        }
    }
}

/// What a toolchain has of what this project needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    pub sysroot: PathBuf,
    /// Compiler and LLVM by their versions, as rustc says them.
    pub version: String,
    /// std for wasm, compiled by whoever made the toolchain.
    pub compiled_std: bool,
    /// The sources of std.
    pub std_sources: bool,
    /// rust-lld, which links wasm.
    pub linker: Option<PathBuf>,
    pub clippy: bool,
    pub rustfmt: bool,
}

impl Parts {
    fn can_make_wasm(&self) -> bool {
        self.compiled_std || self.std_sources
    }

    /// The number that LLVM's programs carry in their names.
    pub fn llvm(&self) -> Option<u32> {
        self.version.lines().find_map(|line| line.strip_prefix("LLVM version: ")?.split('.').next()?.parse().ok())
    }

    /// The host's own target.
    pub fn host(&self) -> Option<&str> {
        self.version.lines().find_map(|line| line.strip_prefix("host: "))
    }

    fn find(rust: Rust) -> Option<Self> {
        let mut rustc = rust.rustc();
        rustc.args(["--print", "sysroot", "--print", "target-libdir", "--target", TARGET]);
        let folders = process::answer(rustc)?;
        let (sysroot, libraries) = folders.split_once('\n')?;
        let sysroot = PathBuf::from(sysroot);
        let mut rustc = rust.rustc();
        rustc.arg("-vV");
        let (clippy, rustfmt) = match rust {
            Rust::InPath => (has_component("clippy"), has_component("fmt")),
            Rust::System => (
                Path::new("/usr/bin/cargo-clippy").is_file() && Path::new("/usr/bin/clippy-driver").is_file(),
                Path::new("/usr/bin/cargo-fmt").is_file() && Path::new("/usr/bin/rustfmt").is_file(),
            ),
        };
        Some(Self {
            version: process::answer(rustc)?,
            compiled_std: holds_libraries(Path::new(libraries)),
            // The file by which Cargo tells whether it can build std.
            std_sources: sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").is_file(),
            linker: rust_lld(&sysroot),
            clippy,
            rustfmt,
            sysroot,
        })
    }
}

/// The compilers of this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rusts {
    pub in_path: Parts,
    /// Nothing where it is missing, too old, or no other than the one in PATH.
    pub system: Parts,
    /// A linker for wasm that belongs to no toolchain.
    pub linker_in_path: Option<PathBuf>,
    /// The person has named a linker.
    pub linker_is_chosen: bool,
}

impl Rusts {
    pub fn find() -> Outcome<Self> {
        let in_path = Parts::find(Rust::InPath).ok_or_else(|| {
            Failure::new("rustc in PATH does not say where its files are; install Rust with rustup: see rustup.rs")
        })?;
        let is_usable = |parts: &Parts| {
            version(&parts.version).is_some_and(|version| version >= OLDEST)
                && Path::new(SYSTEM_CARGO).is_file()
                && parts.sysroot != in_path.sysroot
        };
        let system = match Path::new(SYSTEM_RUSTC).is_file() {
            true => Parts::find(Rust::System).filter(is_usable).unwrap_or_default(),
            false => Parts::default(),
        };
        // LLVM's own linker carries its version where several are installed side by side.
        let numbered = in_path.llvm().map(|llvm| format!("wasm-ld-{llvm}"));
        let names = numbered.iter().map(String::as_str).chain(["rust-lld", "wasm-ld"]);
        Ok(Self {
            linker_in_path: names.into_iter().find_map(process::find),
            linker_is_chosen: std::env::var_os(LINKER).is_some(),
            in_path,
            system,
        })
    }

    /// The compiler to use, if one can make WebAssembly.
    pub fn compiler(&self) -> Option<WasmCompiler> {
        let (rust, parts) = [(Rust::InPath, &self.in_path), (Rust::System, &self.system)]
            .into_iter()
            .find(|(_, parts)| parts.can_make_wasm())?;
        let std = if parts.std_sources { Std::Sources { compiled_too: parts.compiled_std } } else { Std::Compiled };
        let linker = match self.linker_is_chosen || parts.linker.is_some() {
            true => None,
            false => self.in_path.linker.as_ref().or(self.linker_in_path.as_ref()).cloned(),
        };
        Some(WasmCompiler { rust, std, linker })
    }

    /// Whether wasm can be linked: a toolchain that comes with std for wasm knows its linker, wherever that is.
    pub fn can_link(&self) -> bool {
        self.linker_is_chosen
            || self.linker_in_path.is_some()
            || self.in_path.linker.is_some()
            || self.in_path.compiled_std
    }

    /// Whether `cargo clippy` can lint wasm: it has to be of the compiler that is used.
    pub fn can_lint(&self) -> bool {
        let host = self.in_path.clippy || self.system.clippy;
        host && match self.compiler() {
            Some(compiler) if compiler.rust == Rust::InPath => self.in_path.clippy,
            _ => self.system.clippy,
        }
    }

    /// Whether some rustfmt is there: they all format alike.
    pub fn can_format(&self) -> bool {
        self.in_path.rustfmt || self.system.rustfmt
    }
}

fn holds_libraries(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|extension| extension == "rlib"))
}

/// Rustup's toolchains bring rust-lld in the folder of the host's own target.
fn rust_lld(sysroot: &Path) -> Option<PathBuf> {
    let targets = std::fs::read_dir(sysroot.join("lib/rustlib")).into_iter().flatten().flatten();
    targets.map(|entry| entry.path().join("bin/rust-lld")).find(|path| path.is_file())
}

/// Whether the toolchain in PATH has `cargo fmt` or `cargo clippy`; rustup's minimal profile leaves them out.
fn has_component(word: &str) -> bool {
    let mut cargo = process::command("cargo");
    cargo.args([word, "--version"]);
    process::answer(cargo).is_some()
}

/// `cargo fmt` or `cargo clippy` for the host, by the toolchain in PATH or else by the system's.
pub fn host_component(workspace: &Workspace, word: &str) -> Command {
    let mut command = if has_component(word) {
        process::command("cargo")
    } else {
        let mut command = of_the_system(&format!("/usr/bin/cargo-{word}"));
        command.env("CARGO", SYSTEM_CARGO).env("RUSTC", SYSTEM_RUSTC).env("RUSTFMT", "/usr/bin/rustfmt");
        command.env("CARGO_TARGET_DIR", workspace.target().join("system"));
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

/// Where std for wasm comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Std {
    /// Only compiled, for speed rather than size.
    Compiled,
    /// Its sources are there, so that it can be built for size.
    Sources { compiled_too: bool },
}

/// What the compiled code is for; std is built differently for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The package: small before anything else.
    Release,
    /// Tests and lints: panics must be readable.
    Test,
}

/// A compiler that can make WebAssembly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WasmCompiler {
    rust: Rust,
    std: Std,
    /// Named to Cargo where the compiler would not find one itself.
    linker: Option<PathBuf>,
}

impl WasmCompiler {
    /// A sentence's worth of what it is.
    pub fn describe(&self) -> String {
        let whose = match self.rust {
            Rust::InPath => "the toolchain in PATH",
            Rust::System => "the system's own rustc",
        };
        match self.std {
            Std::Compiled => format!("{whose}, with its own std for {TARGET}"),
            Std::Sources { .. } => format!("{whose}, which builds std for {TARGET} for size"),
        }
    }

    /// Whether std is built for size, as it was where the limit was measured.
    pub fn builds_for_size(&self) -> bool {
        matches!(self.std, Std::Sources { .. })
    }

    /// `cargo <word> --target wasm32-unknown-unknown …` with everything the compiler needs in its environment.
    pub fn cargo(&self, workspace: &Workspace, word: &str, purpose: Use) -> Command {
        let mut command = match self.rust {
            Rust::InPath => process::command("cargo"),
            // The system's cargo would find rustup's cargo-clippy first.
            Rust::System if word == "clippy" => of_the_system("/usr/bin/cargo-clippy"),
            Rust::System => of_the_system(SYSTEM_CARGO),
        };
        if self.rust == Rust::System {
            command.env("RUSTC", SYSTEM_RUSTC).env("CARGO", SYSTEM_CARGO);
        }
        command.current_dir(workspace.root()).env("CARGO_TARGET_DIR", workspace.wasm_target());
        // Flags meant for the host would be taken for wasm too.
        command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        command.args([word, "--target", TARGET]);
        if let Some(linker) = &self.linker {
            command.env(LINKER, linker);
        }
        match (self.std, purpose) {
            (Std::Compiled, _) | (Std::Sources { compiled_too: true }, Use::Test) => {}
            (Std::Sources { .. }, Use::Release) => {
                command.args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"]);
                command.arg("-Zpanic-immediate-abort").env("CARGO_PROFILE_WASM_PANIC", "immediate-abort");
                let flags = "-Zlocation-detail=none -Zfmt-debug=none -Zinline-mir=yes -Zinline-mir-threshold=30 -Zinline-mir-hint-threshold=60";
                command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags);
                with_unstable_flags(&mut command);
            }
            (Std::Sources { compiled_too: false }, Use::Test) => {
                command.arg("-Zbuild-std=std,panic_abort,panic_unwind");
                with_unstable_flags(&mut command);
            }
        }
        command
    }

    /// The WebAssembly features that the compiler may use in its output, by the names of wasm-opt.
    pub fn features(&self) -> Outcome<Vec<String>> {
        let mut rustc = self.rust.rustc();
        rustc.args(["--print", "cfg", "--target", TARGET]);
        let answer = process::answer(rustc).ok_or_else(|| Failure::new(format!("rustc does not know {TARGET}")))?;
        Ok(features(&answer))
    }
}

/// Stable compilers take -Z flags only so; distributions build their own Rust this way too.
fn with_unstable_flags(command: &mut Command) {
    command.env("RUSTC_BOOTSTRAP", "1");
}

/// The system's programs, kept from rustup's settings.
fn of_the_system(program: &str) -> Command {
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

    fn parts(compiled_std: bool, std_sources: bool, linker: Option<&str>) -> Parts {
        Parts { compiled_std, std_sources, linker: linker.map(PathBuf::from), ..Parts::default() }
    }

    fn rustup(compiled_std: bool, std_sources: bool) -> Parts {
        parts(compiled_std, std_sources, Some("/a/rust-lld"))
    }

    fn chosen(in_path: Parts, system: Parts) -> Option<WasmCompiler> {
        Rusts { in_path, system, ..Rusts::default() }.compiler()
    }

    #[test]
    fn the_toolchain_in_path_comes_before_the_systems() {
        let system = parts(false, true, None);
        for (compiled_too, sources) in [(true, true), (false, true), (true, false)] {
            let compiler = chosen(rustup(compiled_too, sources), system.clone()).unwrap();
            assert_eq!((compiler.rust, compiler.builds_for_size()), (Rust::InPath, sources));
            assert_eq!(compiler.linker, None, "it finds its own");
        }
        assert_eq!(chosen(rustup(false, false), Parts::default()), None);
    }

    #[test]
    fn the_systems_compiler_links_with_the_linker_of_the_toolchain_in_path() {
        let compiler = chosen(rustup(false, false), parts(false, true, None)).unwrap();
        assert_eq!((compiler.rust, compiler.builds_for_size()), (Rust::System, true));
        assert_eq!(compiler.linker, Some(PathBuf::from("/a/rust-lld")));
    }

    #[test]
    fn a_toolchain_without_a_linker_uses_llvms_or_the_one_that_the_person_chose() {
        let mut rusts = Rusts { in_path: parts(false, true, None), ..Rusts::default() };
        assert!(!rusts.can_link());
        rusts.linker_in_path = Some(PathBuf::from("/b/wasm-ld"));
        assert!(rusts.can_link());
        assert_eq!(rusts.compiler().unwrap().linker, Some(PathBuf::from("/b/wasm-ld")));
        rusts.linker_is_chosen = true;
        assert_eq!(rusts.compiler().unwrap().linker, None);
    }

    #[test]
    fn a_toolchain_that_comes_with_std_for_wasm_is_trusted_to_link() {
        assert!(Rusts { in_path: parts(true, false, None), ..Rusts::default() }.can_link());
    }

    #[test]
    fn wasm_is_linted_by_the_compiler_that_is_used() {
        let lints = |parts: Parts| Parts { clippy: true, ..parts };
        let can_lint = |in_path, system| Rusts { in_path, system, ..Rusts::default() }.can_lint();
        assert!(can_lint(lints(rustup(true, false)), Parts::default()));
        assert!(can_lint(lints(rustup(false, false)), lints(parts(false, true, None))));
        assert!(!can_lint(lints(rustup(false, false)), parts(false, true, None)));
        assert!(!can_lint(rustup(true, false), lints(parts(false, true, None))));
    }

    fn arguments(std: Std, purpose: Use) -> (Vec<String>, bool) {
        let compiler = WasmCompiler { rust: Rust::InPath, std, linker: None };
        let command = compiler.cargo(&Workspace::here(), "build", purpose);
        let words = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        let bootstraps = command.get_envs().any(|(name, value)| name == "RUSTC_BOOTSTRAP" && value.is_some());
        (words, bootstraps)
    }

    #[test]
    fn std_is_built_for_size_wherever_its_sources_are() {
        for compiled_too in [false, true] {
            let (words, bootstraps) = arguments(Std::Sources { compiled_too }, Use::Release);
            assert!(words.contains(&"-Zbuild-std-features=optimize_for_size".to_owned()) && bootstraps, "{words:?}");
        }
    }

    #[test]
    fn a_compiled_std_serves_the_tests_and_needs_no_unstable_flags() {
        for (std, purpose) in [
            (Std::Compiled, Use::Release),
            (Std::Compiled, Use::Test),
            (Std::Sources { compiled_too: true }, Use::Test),
        ] {
            assert_eq!(arguments(std, purpose), (vec!["build".into(), "--target".into(), TARGET.into()], false));
        }
        let (words, bootstraps) = arguments(Std::Sources { compiled_too: false }, Use::Test);
        assert!(words.iter().any(|word| word.contains("panic_unwind")) && bootstraps, "{words:?}");
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"), Some((1, 96)));
        assert!(version("rustc 1.100.0-nightly").unwrap() > OLDEST);
        assert!(version("rustc 1.63.0").unwrap() < OLDEST);
        assert_eq!(version("gcc 12"), None);
    }

    #[test]
    fn llvms_number_is_read_from_what_rustc_says_of_itself() {
        let version = "rustc 1.96.0\nhost: x86_64-unknown-linux-gnu\nLLVM version: 22.1.2".to_owned();
        assert_eq!(Parts { version, ..Parts::default() }.llvm(), Some(22));
        assert_eq!(Parts::default().llvm(), None);
    }

    #[test]
    fn features_are_named_as_wasm_opt_names_them() {
        let configuration = "panic=\"abort\"\ntarget_feature=\"bulk-memory\"\ntarget_feature=\"nontrapping-fptoint\"\n";
        assert_eq!(features(configuration), ["bulk-memory", "nontrapping-float-to-int"]);
    }
}
