//! Runs other programs: their surroundings, their output, their exit.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome, While};

/// Lines of a failed program's log that are worth repeating: some programs say the reason first, others last.
const HEAD: usize = 10;
const TAIL: usize = 30;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A program as a person would start it from the workspace: without what `cargo run` put into the environment for us.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    // A target of the person's own would put what is built for this machine where nobody looks for it.
    command.env_remove("CARGO_BUILD_TARGET");
    for (name, _) in std::env::vars_os() {
        if is_left_by_cargo(&name) {
            command.env_remove(name);
        }
    }
    if let Some(paths) = std::env::var_os("LD_LIBRARY_PATH") {
        match without_toolchains(&paths) {
            Some(kept) => command.env("LD_LIBRARY_PATH", kept),
            None => command.env_remove("LD_LIBRARY_PATH"),
        };
    }
    command
}

/// A variable that Cargo sets for the program it runs; left in place it would rebuild crates that watch it.
fn is_left_by_cargo(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| name.starts_with(prefix))
        || ["CARGO", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR", "RUST_RECURSION_COUNT"].contains(&name)
}

/// Rustup and Cargo put their libraries first; the system's compiler must not load rustup's.
fn without_toolchains(paths: &OsStr) -> Option<OsString> {
    let kept: Vec<PathBuf> = std::env::split_paths(paths)
        .filter(|path| {
            let path = path.to_string_lossy();
            !path.is_empty()
                && !path.contains("/toolchains/")
                && !path.contains("/rustlib/")
                && !path.contains("/target/")
        })
        .collect();
    if kept.is_empty() { None } else { std::env::join_paths(kept).ok() }
}

/// Whether a program of this name is in PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Runs a short question and returns its answer; None when it cannot be asked or says no.
pub fn answer(mut command: Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a program whose output matters only when it fails; it goes to `log`.
pub fn run_quietly(command: Command, log: &Path) -> Outcome<()> {
    let mut child = start_quietly(command, log)?;
    let status = child.process.wait().while_doing(format_args!("waiting for {}", child.name))?;
    child.judge(status, log)
}

/// The same for a program that may wait forever; it is ended when its time is over.
pub fn run_quietly_within(limit: Duration, command: Command, log: &Path) -> Outcome<()> {
    let mut child = start_quietly(command, log)?;
    let waiting = format!("waiting for {}", child.name);
    let began = Instant::now();
    while began.elapsed() < limit {
        if let Some(status) = child.process.try_wait().while_doing(&waiting)? {
            return child.judge(status, log);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    child.process.kill().while_doing(format_args!("ending {}", child.name))?;
    child.process.wait().while_doing(&waiting)?;
    Err(Failure::new(format!("{} gave no answer within {} s", child.name, limit.as_secs())))
}

/// A program whose output goes to a log.
struct Quiet {
    name: String,
    process: Child,
}

fn start_quietly(mut command: Command, log: &Path) -> Outcome<Quiet> {
    let name = name_of(&command);
    let writing = format!("writing {}", log.display());
    let file = File::create(log).while_doing(&writing)?;
    let copy = file.try_clone().while_doing(&writing)?;
    let process =
        command.stdin(Stdio::null()).stdout(file).stderr(copy).spawn().while_doing(format_args!("starting {name}"))?;
    Ok(Quiet { name, process })
}

impl Quiet {
    fn judge(&self, status: ExitStatus, log: &Path) -> Outcome<()> {
        if status.success() {
            return Ok(());
        }
        let text = std::fs::read_to_string(log).unwrap_or_default();
        Err(Failure::new(format!("{} failed ({status}); from {}:\n{}", self.name, log.display(), ends(&text))))
    }
}

/// The beginning and the end of a long text, the whole of a short one.
fn ends(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    match (lines.get(..HEAD), lines.get(lines.len().saturating_sub(TAIL)..)) {
        (Some(head), Some(tail)) if lines.len() > HEAD + TAIL => format!("{}\n…\n{}", head.join("\n"), tail.join("\n")),
        _ => lines.join("\n"),
    }
}

/// Runs a program in front of the person and shows each of its lines to `observe` as well.
pub fn run_shown(mut command: Command, mut observe: impl FnMut(&str)) -> Outcome<()> {
    let name = name_of(&command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .while_doing(format_args!("starting {name}"))?;
    let (sender, receiver) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        forward(output, std::io::stdout(), sender.clone());
    }
    if let Some(errors) = child.stderr.take() {
        forward(errors, std::io::stderr(), sender);
    }
    for line in receiver {
        observe(&line);
    }
    let status = child.wait().while_doing(format_args!("waiting for {name}"))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{name} failed ({status})"))) }
}

fn forward(from: impl Read + Send + 'static, mut to: impl Write + Send + 'static, lines: mpsc::Sender<String>) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(from);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            // Even if the terminal is closed, results are still counted.
            drop(to.write_all(&bytes).and_then(|()| to.flush()));
            drop(lines.send(String::from_utf8_lossy(&bytes).trim_end().to_owned()));
            bytes.clear();
        }
    });
}

/// The program's own name, for messages.
pub fn name_of(command: &Command) -> String {
    Path::new(command.get_program()).file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_run_left_is_removed_and_the_persons_own_settings_stay() {
        for name in ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "OUT_DIR"] {
            assert!(is_left_by_cargo(OsStr::new(name)), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_HTTP_CAINFO", "RUSTUP_TOOLCHAIN", "PATH"] {
            assert!(!is_left_by_cargo(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn library_paths_of_toolchains_are_dropped() {
        let paths = "/rustup/toolchains/stable/lib:/mine/lib:/clone/target/debug";
        assert_eq!(without_toolchains(OsStr::new(paths)), Some(OsString::from("/mine/lib")));
        assert_eq!(without_toolchains(OsStr::new("/rustup/toolchains/stable/lib")), None);
    }

    #[test]
    fn a_failed_program_is_quoted() {
        let log = std::env::temp_dir().join(format!("xtask-process-test-{}.log", std::process::id()));
        let mut shell = command("sh");
        shell.args(["-c", "echo the reason >&2; exit 3"]);
        let failure = run_quietly(shell, &log).unwrap_err().to_string();
        std::fs::remove_file(&log).unwrap();
        assert!(failure.contains("sh failed (exit status: 3)") && failure.ends_with("the reason"), "{failure}");
    }

    #[test]
    fn a_program_that_says_nothing_is_ended_when_its_time_is_over() {
        let log = std::env::temp_dir().join(format!("xtask-process-silent-{}.log", std::process::id()));
        let mut silent = command("tail");
        silent.args(["-f", "/dev/null"]);
        let failure = run_quietly_within(Duration::ZERO, silent, &log).unwrap_err().to_string();
        assert_eq!(failure, "tail gave no answer within 0 s");
        assert!(run_quietly_within(Duration::from_secs(60), command("true"), &log).is_ok());
        std::fs::remove_file(&log).unwrap();
    }

    #[test]
    fn long_logs_are_shortened_in_the_middle() {
        let text: String = (1..=100).map(|number| format!("{number}\n")).collect();
        let short = ends(&text);
        assert!(short.starts_with("1\n") && short.contains("\n10\n…\n71\n") && short.ends_with("\n100"), "{short}");
        assert_eq!(ends("one\ntwo\n"), "one\ntwo");
    }

    #[test]
    fn every_line_of_both_outputs_is_observed() {
        let mut shell = command("sh");
        shell.args(["-c", "echo one; echo two >&2"]);
        let mut lines = Vec::new();
        run_shown(shell, |line| lines.push(line.to_owned())).unwrap();
        lines.sort();
        assert_eq!(lines, ["one", "two"]);
    }
}
