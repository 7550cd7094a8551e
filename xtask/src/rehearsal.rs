//! `cargo xtask rehearse`: builds the package as on a machine where std for wasm came with the toolchain, as rustup installs it:
//! without std's sources the sizes are only reported, and with them std is built for size and what was recorded of them holds.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::ONLY_REPORTED;
use crate::compiler::{Parts, Rusts, TARGET};
use crate::failure::{Failure, Outcome, While};
use crate::process;
use crate::workspace::Workspace;

/// The name by which rustup knows the toolchain while it is rehearsed with.
const NAME: &str = "custom-identity-provider-rehearsal";

/// Rehearses both; needs rustup, and a toolchain that has std's sources, the system's or another.
pub fn run(workspace: &Workspace) -> Outcome<()> {
    if process::find("rustup").is_none() {
        return Err(Failure::new("the rehearsal links a toolchain into rustup, which is missing; see rustup.rs"));
    }
    let rusts = Rusts::find()?;
    let parts = [&rusts.in_path, &rusts.system].into_iter().find(|parts| parts.std_sources).ok_or_else(|| {
        Failure::new("the rehearsal compiles std, and its sources are missing; run: rustup component add rust-src")
    })?;
    let folder = workspace.target().join("rehearsal");
    let toolchain = Toolchain { root: folder.join("toolchain"), made_of: parts };
    toolchain.make(rusts.in_path.linker.as_deref())?;
    println!("rehearse: compiling std as rustup's target has it");
    toolchain.add_std(&folder)?;
    let linked = Linked::new(&toolchain.root)?;

    println!("\nrehearse: a toolchain with std for wasm, and without std's sources");
    let lines = linked.build(&folder)?;
    if !lines.iter().any(|line| line.starts_with(ONLY_REPORTED)) {
        return Err(Failure::new("the build does not say that it only reports the sizes"));
    }
    println!("\nrehearse: the same with std's sources");
    toolchain.add_sources()?;
    let lines = linked.build(&folder)?;
    if lines.iter().any(|line| line.starts_with(ONLY_REPORTED)) {
        return Err(Failure::new("the build did not use std's sources, though they are there"));
    }
    println!("\nrehearse: both builds went well; only the second was held to the recorded sizes");
    Ok(())
}

/// A toolchain of its own that runs the compiler of another.
struct Toolchain<'a> {
    root: PathBuf,
    made_of: &'a Parts,
}

impl Toolchain<'_> {
    /// Lays out what every toolchain has, without std for wasm.
    fn make(&self, linker: Option<&Path>) -> Outcome<()> {
        let making = format!("making a toolchain in {}", self.root.display());
        if self.root.is_dir() {
            std::fs::remove_dir_all(&self.root).while_doing(&making)?;
        }
        let host = self.made_of.host().ok_or_else(|| Failure::new("rustc does not say for which host it is"))?;
        let (bin, own) = (self.root.join("bin"), self.rustlib().join(host));
        for folder in [&bin, &own] {
            std::fs::create_dir_all(folder).while_doing(&making)?;
        }
        symlink(self.made_of.sysroot.join("lib/rustlib").join(host).join("lib"), own.join("lib"))
            .while_doing(&making)?;
        if let Some(folder) = linker.and_then(Path::parent) {
            symlink(folder, own.join("bin")).while_doing(&making)?;
        }
        // A compiler takes for its own what lies beside it, unless it is told where to look.
        let sysroot = format!(" --sysroot '{}'", self.root.display());
        for (program, more) in [("rustc", sysroot.as_str()), ("cargo", "")] {
            let script = bin.join(program);
            let original = self.made_of.sysroot.join("bin").join(program);
            std::fs::write(&script, format!("#!/bin/sh\nexec '{}'{more} \"$@\"\n", original.display()))
                .and_then(|()| std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)))
                .while_doing(&making)?;
        }
        Ok(())
    }

    fn rustlib(&self) -> PathBuf {
        self.root.join("lib/rustlib")
    }

    /// Compiles std for wasm with the usual settings, and puts it where this toolchain's rustc looks for it.
    fn add_std(&self, folder: &Path) -> Outcome<()> {
        let adding = "adding std for wasm to the toolchain";
        let package = folder.join("empty");
        std::fs::create_dir_all(package.join("src")).while_doing(adding)?;
        std::fs::write(package.join("src/lib.rs"), "//! Nothing: only std is wanted.\n").while_doing(adding)?;
        let manifest = "[package]\nname = \"empty\"\nedition = \"2024\"\n\n[workspace]\n";
        std::fs::write(package.join("Cargo.toml"), manifest).while_doing(adding)?;
        let target = folder.join("std");
        let bin = self.made_of.sysroot.join("bin");
        let mut cargo = process::command(bin.join("cargo"));
        cargo.current_dir(&package).env("CARGO_TARGET_DIR", &target);
        cargo.env("RUSTC", bin.join("rustc")).env("RUSTC_BOOTSTRAP", "1").env_remove("RUSTUP_TOOLCHAIN");
        cargo.args(["build", "--release", "--target", TARGET, "-Zbuild-std=std,panic_abort"]);
        process::run_shown(cargo, |_| ())?;

        let mut rustc = process::command(self.root.join("bin/rustc"));
        rustc.args(["--print", "target-libdir", "--target", TARGET]);
        let libraries = process::answer(rustc).map(PathBuf::from);
        let libraries = libraries.ok_or_else(|| Failure::new("the toolchain does not say where its libraries are"))?;
        std::fs::create_dir_all(&libraries).while_doing(adding)?;
        for entry in std::fs::read_dir(target.join(TARGET).join("release/deps")).while_doing(adding)? {
            let path = entry.while_doing(adding)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.ends_with(".rlib") && !name.starts_with("libempty-") {
                std::fs::copy(&path, libraries.join(&name)).while_doing(adding)?;
            }
        }
        Ok(())
    }

    fn add_sources(&self) -> Outcome<()> {
        symlink(self.made_of.sysroot.join("lib/rustlib/src"), self.rustlib().join("src"))
            .while_doing("adding std's sources to the toolchain")
    }
}

/// A toolchain that rustup knows, until this is dropped.
struct Linked;

impl Linked {
    fn new(root: &Path) -> Outcome<Self> {
        let mut rustup = process::command("rustup");
        rustup.args(["toolchain", "link", NAME]).arg(root);
        process::run_shown(rustup, |_| ()).map(|()| Self)
    }

    /// `cargo xtask build` by this toolchain; answers with all that it printed.
    fn build(&self, folder: &Path) -> Outcome<Vec<String>> {
        let own = std::env::current_exe().while_doing("finding this program")?;
        let mut command: Command = process::command(own);
        // A target folder of its own: the compiler calls itself by the same version, and has another std.
        command.arg("build").env("RUSTUP_TOOLCHAIN", NAME).env("CARGO_TARGET_DIR", folder.join("target"));
        command.env_remove("RUSTC");
        let mut lines = Vec::new();
        process::run_shown(command, |line| lines.push(line.to_owned()))?;
        Ok(lines)
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        let mut rustup = process::command("rustup");
        rustup.args(["toolchain", "uninstall", NAME]);
        if process::answer(rustup).is_none() {
            eprintln!(
                "rehearse: rustup still knows the toolchain {NAME}; to forget it: rustup toolchain uninstall {NAME}"
            );
        }
    }
}
