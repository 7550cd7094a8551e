//! Prometheus' checker of rules, taken out of Debian's package: to install that would start a server that nobody wants here.

use std::path::PathBuf;
use std::time::Duration;

use crate::failure::{Outcome, While};
use crate::process;
use crate::workspace::Workspace;

const PACKAGE: &str = "prometheus";
/// A network that answers nothing is waited for no longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The program, fetched once where Debian has it; none where there is none to be had, and then the rules are not checked.
pub fn find(workspace: &Workspace) -> Outcome<Option<PathBuf>> {
    if let Some(found) = process::find("promtool") {
        return Ok(Some(found));
    }
    let folder = workspace.target().join("tools").join(PACKAGE);
    let program = folder.join("usr/bin/promtool");
    if program.is_file() {
        return Ok(Some(program));
    }
    if ["apt-get", "dpkg-deb"].iter().any(|needed| process::find(needed).is_none()) {
        return Ok(None);
    }
    std::fs::create_dir_all(&folder).while_doing("making a folder for promtool")?;
    let log = workspace.scratch("logs")?.join("promtool.log");
    let mut fetch = process::command("apt-get");
    fetch.current_dir(&folder).args(["download", PACKAGE]);
    if process::run_quietly_within(PATIENCE, fetch, &log).is_err() {
        return Ok(None);
    }
    for entry in std::fs::read_dir(&folder).while_doing("looking for the package of promtool")?.flatten() {
        let package = entry.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            let mut unpack = process::command("dpkg-deb");
            unpack.arg("--extract").arg(&package).arg(&folder);
            process::run_quietly(unpack, &log)?;
            std::fs::remove_file(&package).while_doing("removing the package of promtool")?;
        }
    }
    Ok(program.is_file().then_some(program))
}
