//! Known weaknesses of the packages that are used: what the databases say, where they can be reached.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome};
use crate::npm;
use crate::process;
use crate::tools::Tool;
use crate::workspace::Workspace;

/// A database that is copied for the first time takes a while; a network that says nothing is not waited for any longer.
const PATIENCE: Duration = Duration::from_secs(90);

/// What cargo-deny says where it has no database.
const NO_DATABASE: &str = "failed to fetch advisory database";

/// What asking came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    NothingKnown,
    /// Nobody answered: that says nothing of the packages.
    NotReached(String),
}

/// Asks about the crates and about what applications install with the npm package; fails where a weakness is known.
pub fn ask(workspace: &Workspace, cargo_deny: &Tool) -> Outcome<Answer> {
    let crates = of_crates(workspace, cargo_deny)?;
    let packages = of_npm_packages(workspace)?;
    for (what, answer) in [("crates", &crates), ("npm packages", &packages)] {
        if *answer == Answer::NothingKnown {
            println!("{what}: no weakness is known");
        }
    }
    Ok(match (crates, packages) {
        (Answer::NotReached(crates), Answer::NotReached(packages)) => Answer::NotReached([crates, packages].join("; ")),
        (Answer::NotReached(one), _) | (_, Answer::NotReached(one)) => Answer::NotReached(one),
        _ => Answer::NothingKnown,
    })
}

fn of_crates(workspace: &Workspace, cargo_deny: &Tool) -> Outcome<Answer> {
    let mut command = process::command(cargo_deny.path());
    command.current_dir(workspace.root()).args(["--color", "never", "--workspace", "check", "advisories"]);
    // The database is a Git repository: nobody is asked for a password, and a line that goes dead is given up.
    command
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_HTTP_LOW_SPEED_LIMIT", "1000")
        .env("GIT_HTTP_LOW_SPEED_TIME", "20");
    let said = said(workspace, command, "advisories-crates.log")?;
    judge("the database of the crates' advisories", &said, |text| text.contains(NO_DATABASE))
}

fn of_npm_packages(workspace: &Workspace) -> Outcome<Answer> {
    for folder in npm::FOLDERS {
        let mut command = process::command("npm");
        command.current_dir(workspace.path(folder));
        command.args(["audit", "--omit=dev", "--json", "--fetch-retries=0", "--fetch-timeout=20000"]);
        let said = said(workspace, command, "advisories-npm.log")?;
        // A report has the version of its form; anything else is a failure to ask.
        let answer = judge("npm's registry", &said, |text| !text.contains("\"auditReportVersion\""))?;
        if answer != Answer::NothingKnown {
            return Ok(answer);
        }
    }
    Ok(Answer::NothingKnown)
}

/// What a program printed, and how it ended.
struct Said {
    text: String,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Well,
    Badly,
    NotInTime,
}

fn said(workspace: &Workspace, command: Command, log: &str) -> Outcome<Said> {
    let log = workspace.scratch("logs")?.join(log);
    let began = Instant::now();
    let end = match process::run_quietly_within(PATIENCE, command, &log) {
        Ok(()) => End::Well,
        Err(_) if began.elapsed() >= PATIENCE => End::NotInTime,
        Err(_) => End::Badly,
    };
    Ok(Said { text: std::fs::read_to_string(&log).unwrap_or_default(), end })
}

fn judge(asked: &str, said: &Said, was_not_asked: impl Fn(&str) -> bool) -> Outcome<Answer> {
    match said.end {
        End::Well => Ok(Answer::NothingKnown),
        End::NotInTime => Ok(Answer::NotReached(format!("{asked} gave no answer within {} s", PATIENCE.as_secs()))),
        End::Badly if was_not_asked(&said.text) => Ok(Answer::NotReached(format!("{asked} cannot be reached"))),
        End::Badly => {
            println!("{}", said.text.trim_end());
            Err(Failure::new(format!("{asked}: that check failed, see above")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str, end: End) -> Outcome<Answer> {
        judge("the database", &Said { text: text.to_owned(), end }, |text| text.contains(NO_DATABASE))
    }

    #[test]
    fn a_database_that_is_not_reached_is_neither_good_news_nor_bad() {
        let answer =
            judged("[ERROR] failed to fetch advisory database https://db.example: failed to clone", End::Badly);
        assert_eq!(answer, Ok(Answer::NotReached("the database cannot be reached".to_owned())));
        assert!(matches!(judged("", End::NotInTime), Ok(Answer::NotReached(_))));
    }

    #[test]
    fn a_known_weakness_and_an_error_of_the_tools_own_are_failures() {
        assert!(judged("error[vulnerability]: a heap overflow", End::Badly).is_err());
        assert!(judged("error: deny.toml is wrong", End::Badly).is_err());
        assert_eq!(judged("advisories ok", End::Well), Ok(Answer::NothingKnown));
    }
}
