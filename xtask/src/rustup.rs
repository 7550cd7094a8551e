//! Asks rustup for what its toolchain lacks; a no is remembered until the toolchain changes or the set-up is called by name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::compiler::{Parts, Rusts, TARGET};
use crate::failure::{Outcome, While};
use crate::process;
use crate::workspace::{Workspace, fingerprint};

/// How long one answer may take: enough for 30 MB over a slow line.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a network may be silent, unless the person says otherwise; versions of rustup that know no such limit have the one above.
const SILENCE: [(&str, &str); 2] = [("RUSTUP_DOWNLOAD_TIMEOUT", "15"), ("RUSTUP_MAX_RETRIES", "1")];

/// What rustup can add to a toolchain, as the words after `rustup`.
pub type Addition = &'static [&'static str];

const WASM_STD: Addition = &["target", "add", TARGET];
const STD_SOURCES: Addition = &["component", "add", "rust-src"];
const CLIPPY: Addition = &["component", "add", "clippy"];
const RUSTFMT: Addition = &["component", "add", "rustfmt"];

/// What to ask for: nothing where the system's compiler already does the work.
pub fn wanted(rusts: &Rusts, lints: bool) -> Vec<Addition> {
    let mut wanted = Vec::new();
    match &rusts.in_path {
        Parts { std_sources: true, .. } => {}
        Parts { compiled_std: true, .. } => wanted.push(STD_SOURCES),
        _ if rusts.compiler().is_none() => wanted.extend([WASM_STD, STD_SOURCES]),
        _ => {}
    }
    // The toolchain that is about to get std for wasm will lint it too.
    let will_be_used = rusts.in_path.compiled_std || rusts.in_path.std_sources || !wanted.is_empty();
    if lints && !rusts.in_path.clippy && (will_be_used || !rusts.can_lint()) {
        wanted.push(CLIPPY);
    }
    if lints && !rusts.can_format() {
        wanted.push(RUSTFMT);
    }
    wanted
}

/// The rustup to which the toolchain in PATH belongs.
pub struct Rustup {
    program: PathBuf,
    memory: PathBuf,
    toolchain: String,
}

impl Rustup {
    /// None if there is no rustup, or if the rustc in PATH is not rustup's.
    pub fn find(workspace: &Workspace, rusts: &Rusts) -> Outcome<Option<Self>> {
        let Some(program) = process::find("rustup") else { return Ok(None) };
        let mut which = process::command(&program);
        which.args(["which", "rustc"]);
        let rustc = process::answer(which);
        if !rustc.is_some_and(|rustc| belongs_to(Path::new(&rustc), &rusts.in_path.sysroot)) {
            return Ok(None);
        }
        let sysroot = rusts.in_path.sysroot.to_string_lossy();
        Ok(Some(Self {
            program,
            memory: workspace.scratch("rustup")?.join("refused"),
            toolchain: fingerprint([sysroot.as_bytes(), rusts.in_path.version.as_bytes()]),
        }))
    }

    /// The command, as a person would give it too.
    pub fn words(addition: Addition) -> String {
        format!("rustup {}", addition.join(" "))
    }

    /// Whether it has said no before: what stood in the way of one addition stands in the way of the others.
    pub fn has_refused(&self) -> bool {
        std::fs::read_to_string(&self.memory).is_ok_and(|toolchain| toolchain == self.toolchain)
    }

    /// Adds it, or remembers that it could not be had.
    pub fn add(&self, workspace: &Workspace, addition: Addition) -> Outcome<()> {
        let mut command = process::command(&self.program);
        command.args(addition);
        for (name, value) in SILENCE.into_iter().filter(|(name, _)| std::env::var_os(name).is_none()) {
            command.env(name, value);
        }
        let added = process::run_quietly_within(PATIENCE, command, &workspace.scratch("logs")?.join("rustup.log"));
        if added.is_err() {
            std::fs::write(&self.memory, &self.toolchain)
                .while_doing(format_args!("writing {}", self.memory.display()))?;
        }
        added
    }
}

/// Whether this rustc lies in the toolchain with this root.
fn belongs_to(rustc: &Path, sysroot: &Path) -> bool {
    let root = rustc.parent().and_then(Path::parent).and_then(|root| root.canonicalize().ok());
    root.is_some() && root == sysroot.canonicalize().ok()
}

/// The part of rustup's answer that says why.
pub fn reason(answer: &str) -> &str {
    let error = answer.lines().find_map(|line| line.strip_prefix("error: "));
    error.or_else(|| answer.lines().next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Parts = Parts {
        sysroot: PathBuf::new(),
        version: String::new(),
        compiled_std: false,
        std_sources: false,
        linker: None,
        clippy: true,
        rustfmt: true,
    };

    fn rusts(in_path: Parts, system: Parts) -> Rusts {
        Rusts { in_path, system, ..Rusts::default() }
    }

    #[test]
    fn a_bare_toolchain_is_completed_and_a_complete_one_left_alone() {
        assert_eq!(wanted(&rusts(NOTHING, Parts::default()), true), [WASM_STD, STD_SOURCES]);
        let complete = Parts { compiled_std: true, std_sources: true, ..NOTHING };
        assert!(wanted(&rusts(complete, Parts::default()), true).is_empty());
        let enough = Parts { std_sources: true, ..NOTHING };
        assert!(wanted(&rusts(enough, Parts::default()), true).is_empty());
    }

    #[test]
    fn an_installed_target_lacks_only_the_sources() {
        let installed = Parts { compiled_std: true, ..NOTHING };
        assert_eq!(wanted(&rusts(installed, Parts { std_sources: true, ..NOTHING }), true), [STD_SOURCES]);
    }

    #[test]
    fn the_systems_compiler_where_it_can_make_wasm_already_is_enough() {
        assert!(wanted(&rusts(NOTHING, Parts { std_sources: true, ..NOTHING }), true).is_empty());
    }

    #[test]
    fn a_minimal_toolchain_is_given_the_lints_only_when_it_is_going_to_lint() {
        let minimal = Parts { clippy: false, rustfmt: false, ..NOTHING };
        assert_eq!(wanted(&rusts(minimal.clone(), Parts::default()), false), [WASM_STD, STD_SOURCES]);
        let all = [WASM_STD, STD_SOURCES, CLIPPY, RUSTFMT];
        assert_eq!(wanted(&rusts(minimal.clone(), Parts::default()), true), all);
        let system = Parts { std_sources: true, ..NOTHING };
        assert!(wanted(&rusts(minimal.clone(), system.clone()), true).is_empty());
        let bare_system = Parts { clippy: false, rustfmt: false, ..system };
        assert_eq!(wanted(&rusts(minimal, bare_system), true), [CLIPPY, RUSTFMT]);
    }

    #[test]
    fn a_rustc_outside_of_rustups_toolchain_is_not_rustups() {
        let folder = std::env::temp_dir().join(format!("xtask-rustup-test-{}", std::process::id()));
        for toolchain in ["stable", "other"] {
            std::fs::create_dir_all(folder.join(toolchain).join("bin")).unwrap();
        }
        let rustc = folder.join("stable/bin/rustc");
        assert!(belongs_to(&rustc, &folder.join("stable")));
        assert!(!belongs_to(&rustc, &folder.join("other")));
        assert!(!belongs_to(Path::new("/nowhere/bin/rustc"), Path::new("/nowhere")));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_no_is_remembered_for_this_toolchain() {
        let memory = std::env::temp_dir().join(format!("xtask-rustup-refused-{}", std::process::id()));
        let rustup = |program: &str, toolchain: &str| Rustup {
            program: program.into(),
            memory: memory.clone(),
            toolchain: toolchain.to_owned(),
        };
        let workspace = Workspace::here();
        assert!(rustup("true", "1.95").add(&workspace, WASM_STD).is_ok());
        assert!(!rustup("true", "1.95").has_refused());
        assert!(rustup("false", "1.95").add(&workspace, WASM_STD).is_err());
        assert!(rustup("false", "1.95").has_refused());
        assert!(!rustup("false", "1.96").has_refused(), "another toolchain may be luckier");
        std::fs::remove_file(&memory).unwrap();
    }

    #[test]
    fn the_reason_is_the_line_of_the_error() {
        assert_eq!(reason("rustup failed; from x:\ninfo: downloading\nerror: no network\nmore"), "no network");
        assert_eq!(reason("rustup gave no answer within 120 s"), "rustup gave no answer within 120 s");
    }
}
