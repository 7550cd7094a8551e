//! What the machine itself must have, how to see whether it has it, and how Debian installs it.

use std::path::Path;
use std::process::Command;

use crate::browsers;
use crate::compiler;
use crate::failure::{Failure, Outcome};
use crate::process;
use crate::workspace::Workspace;

/// A Debian package, and the sign that what it brings is there, by whatever way it came.
pub struct Need {
    pub package: &'static str,
    is_met: fn() -> bool,
}

pub const C_COMPILER: &[Need] = &[Need {
    package: "build-essential",
    is_met: || process::find("cc").is_some() && Path::new("/usr/include/stdlib.h").is_file(),
}];

pub const WASM_COMPILER: &[Need] = &[
    Need { package: "rustc-web", is_met: wasm_compiler_is_met },
    Need { package: "cargo-web", is_met: wasm_compiler_is_met },
    Need { package: "rust-web-src", is_met: wasm_compiler_is_met },
];

/// Clippy and rustfmt come with rustup's default profile; for wasm, clippy must be of the compiler that is used.
pub const LINTS: &[Need] = &[
    Need {
        package: "rust-web-clippy",
        is_met: || {
            (compiler::target_is_installed() && compiler::has_component("clippy"))
                || compiler::debian_clippy_is_installed()
        },
    },
    Need {
        package: "rustfmt-web",
        is_met: || compiler::has_component("fmt") || compiler::debian_rustfmt_is_installed(),
    },
];

/// The demo opens a browser, if there is a display to see it on.
pub const DEMO: &[Need] =
    &[Need { package: "chromium", is_met: || !browsers::has_display() || browsers::of_the_person().is_some() }];

pub const BROWSERS: &[Need] = &[
    Need { package: "chromium", is_met: || process::find("chromium").is_some() },
    Need { package: "chromium-driver", is_met: || process::find("chromedriver").is_some() },
    Need {
        package: "firefox-esr",
        is_met: || process::find("firefox-esr").or_else(|| process::find("firefox")).is_some(),
    },
    Need { package: "webkit2gtk-driver", is_met: || process::find("WebKitWebDriver").is_some() },
    Need { package: "xvfb", is_met: || process::find("xvfb-run").is_some() && process::find("Xvfb").is_some() },
    Need { package: "xauth", is_met: || process::find("xauth").is_some() },
];

/// The tests start a server of their own.
pub const DATABASE: &[Need] = &[Need { package: "postgresql", is_met: postgres_is_met }];

/// Debian keeps the server out of PATH, in a folder for each version.
fn postgres_is_met() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    process::find("postgres").is_some()
        || versions.into_iter().any(|version| version.path().join("bin/postgres").is_file())
}

fn wasm_compiler_is_met() -> bool {
    compiler::target_is_installed() || compiler::debian_compiler_is_installed()
}

/// The packages that are missing.
pub fn missing<'a>(needs: impl IntoIterator<Item = &'a Need>) -> Vec<&'static str> {
    needs.into_iter().filter(|need| !(need.is_met)()).map(|need| need.package).collect()
}

/// How packages can be installed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installer {
    Root,
    Sudo,
    /// Debian, but this account may not install.
    NotAllowed,
    /// Another system.
    NotDebian,
}

impl Installer {
    pub fn find() -> Self {
        if process::find("apt-get").is_none() {
            return Self::NotDebian;
        }
        let mut id = process::command("id");
        id.arg("-u");
        if process::answer(id).as_deref() == Some("0") {
            return Self::Root;
        }
        let mut sudo = process::command("sudo");
        sudo.args(["-n", "true"]);
        if process::answer(sudo).is_some() { Self::Sudo } else { Self::NotAllowed }
    }

    /// A command that may change the system.
    fn command(self, program: &str) -> Command {
        if self != Self::Sudo {
            return process::command(program);
        }
        let mut sudo = process::command("sudo");
        sudo.args(["-n", "DEBIAN_FRONTEND=noninteractive", program]);
        sudo
    }

    fn apt_get(self) -> Command {
        let mut command = self.command("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet");
        command
    }
}

/// Says to Debian's PostgreSQL, while it is being installed, that no database of its own is wanted: it would be started now and at
/// every start of the machine, and the tests start theirs themselves.
const NO_DATABASE: &str = "/etc/postgresql-common/createcluster.d/custom-identity-provider.conf";

/// Runs an installation during which Debian's PostgreSQL makes no database.
fn without_database(installer: Installer, install: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
    let folder = NO_DATABASE.rsplit_once('/').map_or("", |(folder, _)| folder);
    let run = |program: &str, arguments: &[&str]| {
        let mut command = installer.command(program);
        command.args(arguments);
        process::run_shown(command, |_| ())
    };
    run("mkdir", &["-p", folder])?;
    run("sh", &["-c", &format!("echo 'create_main_cluster = false' > {NO_DATABASE}")])?;
    let installed = install();
    run("rm", &["-f", NO_DATABASE])?;
    installed
}

/// What to tell a person for whom nothing can be installed: what is missing, and how to get it.
pub fn missing_sentence(packages: &[&str], installer: Installer) -> String {
    let list = packages.join(" ");
    let wasm = if packages.contains(&"rustc-web") {
        format!(
            " (rustc-web, cargo-web, rust-web-src and rust-web-clippy are not needed after: rustup target add {})",
            compiler::TARGET
        )
    } else {
        String::new()
    };
    match installer {
        Installer::NotDebian => format!(
            "missing on this machine: {list}; those are Debian's names: install the same with this system's package manager{wasm}"
        ),
        _ => format!(
            "missing on this machine, and this account may not install it: {list}; ask an administrator to run: \
             apt-get install --no-install-recommends {list}{wasm}"
        ),
    }
}

/// What to tell where the installation went well, and these needs are not met all the same.
pub fn still_missing_sentence(packages: &[&str]) -> String {
    let list = packages.join(" ");
    if packages.contains(&"rustc-web") {
        let (major, minor) = compiler::OLDEST;
        return format!(
            "still missing after installing: {list}; Rust {major}.{minor} or newer is needed, which Debian 12 brings with its security \
             updates: add bookworm-security to apt's sources, or run: rustup target add {}",
            compiler::TARGET
        );
    }
    format!("still missing after installing: {list}")
}

/// Installs packages that are missing.
pub fn install(workspace: &Workspace, packages: &[&str], installer: Installer) -> Outcome<()> {
    if matches!(installer, Installer::NotAllowed | Installer::NotDebian) {
        return Err(Failure::new(missing_sentence(packages, installer)));
    }
    let logs = workspace.scratch("logs")?;
    let mut update = installer.apt_get();
    update.arg("update");
    process::run_quietly(update, &logs.join("apt-get-update.log"))?;
    let mut install = installer.apt_get();
    install.args(["install", "--yes", "--no-install-recommends"]).args(packages);
    let install = || process::run_quietly(install, &logs.join("apt-get-install.log"));
    if packages.contains(&"postgresql") { without_database(installer, install) } else { install() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_what_is_missing_and_how_to_get_it() {
        assert_eq!(
            missing_sentence(&["chromium", "xvfb"], Installer::NotAllowed),
            "missing on this machine, and this account may not install it: chromium xvfb; ask an administrator to run: \
             apt-get install --no-install-recommends chromium xvfb"
        );
        assert_eq!(
            missing_sentence(&["xauth"], Installer::NotDebian),
            "missing on this machine: xauth; those are Debian's names: install the same with this system's package manager"
        );
    }

    #[test]
    fn who_has_rustup_is_told_the_shorter_way_to_the_wasm_target() {
        let sentence = missing_sentence(&["rustc-web", "cargo-web"], Installer::NotAllowed);
        assert!(sentence.ends_with("after: rustup target add wasm32-unknown-unknown)"), "{sentence}");
    }

    #[test]
    fn who_has_too_old_a_compiler_is_told_where_a_newer_one_is() {
        let sentence = still_missing_sentence(&["rustc-web", "cargo-web"]);
        assert!(sentence.contains("Rust 1.95 or newer") && sentence.contains("bookworm-security"), "{sentence}");
        assert_eq!(still_missing_sentence(&["xvfb"]), "still missing after installing: xvfb");
    }

    #[test]
    fn only_what_is_missing_is_named() {
        let needs = [Need { package: "there", is_met: || true }, Need { package: "absent", is_met: || false }];
        assert_eq!(missing(&needs), ["absent"]);
    }
}
