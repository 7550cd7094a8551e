//! `cargo xtask test`: every check and test there is, cheap ones first, with a closing table.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::advisories::{self, Answer};
use crate::browsers::{self, Browser};
use crate::build;
use crate::compiler::{self, Use};
use crate::core_forms::Form;
use crate::failure::{Failure, Outcome};
use crate::last_words::LastWords;
use crate::npm;
use crate::process;
use crate::promtool;
use crate::ready::Ready;
use crate::setup::{self, Asking, Part, Purpose, seconds};
use crate::summary::Summary;
use crate::tools::Tool;
use crate::workspace::Workspace;

/// Random schedules that the property tests run, unless the environment says otherwise.
const SCHEDULES: &str = "100000";

/// One step of the test command.
pub struct Step {
    name: &'static str,
    work: Work,
    /// Works on what the step `build` leaves in pkg/dist.
    needs_build: bool,
    /// What must have been set up for it, beyond what building needs.
    parts: &'static [Part],
}

enum Work {
    /// Something this program does itself.
    Task(fn(&Workspace, &Ready) -> Outcome<()>),
    /// Asks somebody on the network, who may not be there: that is told, and is no failure.
    Question(fn(&Workspace, &Ready) -> Outcome<Answer>),
    /// A program that passes by its exit code.
    Check(fn(&Workspace, &Ready) -> Outcome<Command>),
    /// A test runner: one that ran no test at all has failed.
    Runner(fn(&Workspace, &Ready) -> Outcome<Command>),
}

const CHROMIUM: Part = Part::Browser(Browser::Chromium);
const FIREFOX: Part = Part::Browser(Browser::Firefox);
const WEBKIT: Part = Part::Browser(Browser::WebKit);

/// All steps, in their order.
const STEPS: &[Step] = &[
    Step::new("lock-files", Work::Task(|workspace, _| npm::check_lock_files(workspace)), &[]),
    Step::new("dependencies", Work::Check(dependencies), &[Part::Dependencies]),
    Step::new("advisories", Work::Question(known_weaknesses), &[Part::Dependencies]),
    Step::new("workflows", Work::Check(workflows), &[]),
    Step::new("format", Work::Task(format), &[Part::Lints]),
    Step::new("lint-host", Work::Check(lint_host), &[Part::Lints]),
    Step::new("documentation", Work::Check(documentation), &[]),
    Step::new("host-tests", Work::Runner(host_tests), &[Part::Database, Part::Sites, Part::Packages(npm::END_TO_END)]),
    Step::new("schedules", Work::Runner(schedules), &[]),
    Step::new("build", Work::Task(build::run), &[]),
    // The browser tests name pkg/generated/tested.js, so the compiler wants to see it.
    Step::on_build("lint-wasm", Work::Check(lint_wasm), &[Part::Lints]),
    Step::new("servers", Work::Check(servers), &[]),
    Step::on_build("types", Work::Check(types), &[]),
    Step::on_build(
        "chromium",
        Work::Runner(|w, r| browsers::tests(w, r, Browser::Chromium, Form::WebAssembly)),
        &[CHROMIUM],
    ),
    Step::on_build(
        "firefox",
        Work::Runner(|w, r| browsers::tests(w, r, Browser::Firefox, Form::WebAssembly)),
        &[FIREFOX],
    ),
    Step::on_build("webkit", Work::Runner(|w, r| browsers::tests(w, r, Browser::WebKit, Form::WebAssembly)), &[WEBKIT]),
    // The same tests over the core as JavaScript.
    Step::on_build(
        "chromium-javascript",
        Work::Runner(|w, r| browsers::tests(w, r, Browser::Chromium, Form::JavaScript)),
        &[CHROMIUM],
    ),
    Step::on_build(
        "firefox-javascript",
        Work::Runner(|w, r| browsers::tests(w, r, Browser::Firefox, Form::JavaScript)),
        &[FIREFOX],
    ),
    Step::on_build(
        "webkit-javascript",
        Work::Runner(|w, r| browsers::tests(w, r, Browser::WebKit, Form::JavaScript)),
        &[WEBKIT],
    ),
    Step::on_build("packaging", Work::Runner(packaging), &[CHROMIUM, FIREFOX, WEBKIT, Part::Packages(npm::PACKAGING)]),
    Step::on_build(
        "environments",
        Work::Runner(environments),
        &[CHROMIUM, Part::Packages(npm::PACKAGING), Part::Packages(npm::ENVIRONMENTS)],
    ),
    Step::on_build(
        "ratios",
        Work::Runner(|workspace, _| npm_script(workspace, npm::BENCH, "test")),
        &[CHROMIUM, Part::Packages(npm::PACKAGING), Part::Packages(npm::BENCH)],
    ),
    Step::on_build(
        "end-to-end",
        Work::Runner(end_to_end),
        &[CHROMIUM, Part::Endpoints, Part::Packages(npm::END_TO_END)],
    ),
];

impl Step {
    const fn new(name: &'static str, work: Work, parts: &'static [Part]) -> Self {
        Self { name, work, needs_build: false, parts }
    }

    const fn on_build(name: &'static str, work: Work, parts: &'static [Part]) -> Self {
        Self { needs_build: true, ..Self::new(name, work, parts) }
    }
}

fn dependencies(workspace: &Workspace, ready: &Ready) -> Outcome<Command> {
    let mut command = process::command(cargo_deny(ready)?.path());
    command.current_dir(workspace.root()).args(["--workspace", "check", "bans", "licenses", "sources"]);
    Ok(command)
}

fn known_weaknesses(workspace: &Workspace, ready: &Ready) -> Outcome<Answer> {
    advisories::ask(workspace, cargo_deny(ready)?)
}

fn cargo_deny(ready: &Ready) -> Outcome<&Tool> {
    ready.cargo_deny.as_ref().ok_or_else(|| Failure::new("cargo-deny was not set up; this is a bug in xtask"))
}

fn workflows(workspace: &Workspace, _: &Ready) -> Outcome<Command> {
    npm_script(workspace, npm::BUILD, "lint:workflows")
}

fn format(workspace: &Workspace, _: &Ready) -> Outcome<()> {
    let mut rust = compiler::host_component(workspace, "fmt");
    rust.args(["--all", "--check"]);
    process::run_shown(rust, |_| ())?;
    process::run_shown(npm_script(workspace, npm::BUILD, "test:format")?, |_| ())
}

fn lint_host(workspace: &Workspace, _: &Ready) -> Outcome<Command> {
    let mut command = compiler::host_component(workspace, "clippy");
    command.args(["--workspace", "--all-targets", "--", "--deny", "warnings"]);
    Ok(command)
}

fn lint_wasm(workspace: &Workspace, ready: &Ready) -> Outcome<Command> {
    let mut command = ready.compiler.cargo(workspace, "clippy", Use::Test);
    command.args(["--package", "custom-identity-provider", "--all-targets", "--", "--deny", "warnings"]);
    Ok(command)
}

/// The examples in it are compiled and run by the step `schedules`, among the core's other tests.
fn documentation(workspace: &Workspace, _: &Ready) -> Outcome<Command> {
    let mut command = process::command("cargo");
    command.current_dir(workspace.root()).env("RUSTDOCFLAGS", "--deny warnings");
    command.args(["doc", "--no-deps", "--document-private-items"]);
    command.args(["--workspace", "--exclude", "wasm-bindgen-command"]);
    Ok(command)
}

fn host_tests(workspace: &Workspace, _: &Ready) -> Outcome<Command> {
    let mut command = process::command("cargo");
    command.current_dir(workspace.root());
    // The wasm-bindgen command has no tests, and linking it again takes minutes.
    command.args(["test", "--workspace", "--exclude", "wasm-bindgen-command", "--exclude", "custom-identity-provider"]);
    if let Some(promtool) = promtool::find(workspace)? {
        command.env("PROMTOOL", promtool);
    }
    Ok(command)
}

fn schedules(workspace: &Workspace, _: &Ready) -> Outcome<Command> {
    let mut command = process::command("cargo");
    command.current_dir(workspace.root()).args(["test", "--package", "custom-identity-provider"]);
    // A hundred thousand schedules take minutes without the optimiser.
    command.args(["--config", "profile.dev.package.custom-identity-provider.opt-level=2"]);
    if std::env::var_os("SCHEDULES").is_none() {
        command.env("SCHEDULES", SCHEDULES);
    }
    Ok(command)
}

/// The programs that the end-to-end tests start, from the command that `cargo xtask demo` uses too.
pub fn servers(workspace: &Workspace, _: &Ready) -> Outcome<Command> {
    let mut command = process::command("cargo");
    command.current_dir(workspace.root()).env("CARGO_TARGET_DIR", workspace.target());
    command.args(["build", "--package", "identity-service", "--package", "demo", "--bins"]);
    Ok(command)
}

fn types(workspace: &Workspace, _: &Ready) -> Outcome<Command> {
    npm_script(workspace, npm::BUILD, "test:types")
}

fn packaging(workspace: &Workspace, ready: &Ready) -> Outcome<Command> {
    let mut command = npm_script(workspace, npm::PACKAGING, "test")?;
    // Sign-outs are tried in real tabs of all three engines.
    if let Some(geckodriver) = &ready.geckodriver {
        command.env("GECKODRIVER", geckodriver.path());
    }
    Ok(command)
}

fn environments(workspace: &Workspace, _: &Ready) -> Outcome<Command> {
    npm_script(workspace, npm::ENVIRONMENTS, "test")
}

fn end_to_end(workspace: &Workspace, _: &Ready) -> Outcome<Command> {
    npm_script(workspace, npm::END_TO_END, "test")
}

/// A script of a folder with npm packages of its own, told which Chromium and which servers are meant.
pub fn npm_script(workspace: &Workspace, folder: &str, script: &str) -> Outcome<Command> {
    let folder: PathBuf = workspace.path(folder);
    if !folder.join("package.json").is_file() {
        return Err(Failure::new(format!("{} is missing", folder.join("package.json").display())));
    }
    let mut command = process::command("npm");
    command.current_dir(folder).args(["run", "--silent", script]);
    command.env("SERVER_BINARIES", workspace.target().join("debug"));
    if let Some(chromium) = browsers::chromium() {
        command.env("CHROMIUM", chromium);
    }
    Ok(command)
}

/// The names of all steps, in order.
pub fn names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// The named steps, or all of them; None when a name is unknown.
pub fn select(wanted: &[&str]) -> Option<Vec<&'static Step>> {
    if wanted.iter().any(|name| !names().contains(name)) {
        return None;
    }
    Some(STEPS.iter().filter(|step| wanted.is_empty() || wanted.contains(&step.name)).collect())
}

/// How a step ended.
enum End {
    Passed,
    /// Whom it asks did not answer; says who.
    NotReached(String),
    Failed(Failure),
    /// It works on what another step failed to make.
    NotRun,
}

impl End {
    fn is_bad(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::NotRun)
    }
}

struct Line {
    name: &'static str,
    end: End,
    summary: Summary,
    duration: Duration,
    last_words: LastWords,
}

/// What the steps need, each once.
fn parts(steps: &[&Step]) -> Vec<Part> {
    let needed = |part: &&Part| steps.iter().any(|step| step.parts.contains(part));
    Part::ALL.iter().filter(needed).copied().collect()
}

/// Runs the steps; goes on after a failure with whatever does not build on it, and fails in the end.
pub fn run(workspace: &Workspace, steps: &[&Step]) -> Outcome<()> {
    let began = Instant::now();
    let ready = setup::run(workspace, &Purpose::Test(parts(steps)), Asking::Once)?;
    let (summary, last_words) = Default::default();
    let mut lines = vec![Line { name: "setup", end: End::Passed, summary, duration: began.elapsed(), last_words }];
    let mut build_failed = false;
    for step in steps {
        println!("\n── {} ──", step.name);
        let began = Instant::now();
        let (mut summary, mut last_words) = Default::default();
        let end = if step.needs_build && build_failed {
            println!("not run: build failed");
            End::NotRun
        } else {
            match perform(workspace, &ready, step, &mut summary, &mut last_words) {
                Ok(Answer::NothingKnown) => End::Passed,
                Ok(Answer::NotReached(who)) => {
                    println!("not reached: {who}");
                    End::NotReached(who)
                }
                Err(failure) => {
                    eprintln!("error: step {}: {failure}", step.name);
                    End::Failed(failure)
                }
            }
        };
        if step.name == "build" && !matches!(end, End::Passed) {
            build_failed = true;
        }
        lines.push(Line { name: step.name, end, summary, duration: began.elapsed(), last_words });
    }
    close(&lines, began.elapsed())
}

fn perform(
    workspace: &Workspace,
    ready: &Ready,
    step: &Step,
    summary: &mut Summary,
    last_words: &mut LastWords,
) -> Outcome<Answer> {
    match step.work {
        Work::Task(task) => task(workspace, ready)?,
        Work::Question(ask) => return ask(workspace, ready),
        Work::Check(command) => process::run_shown(command(workspace, ready)?, |line| last_words.observe(line))?,
        Work::Runner(command) => {
            process::run_shown(command(workspace, ready)?, |line| {
                summary.observe(line);
                last_words.observe(line);
            })?;
            judge(*summary)?;
        }
    }
    Ok(Answer::NothingKnown)
}

/// A runner that exits well must also have run something, and have said that nothing failed.
fn judge(summary: Summary) -> Outcome<()> {
    match summary {
        Summary { failed: 0, passed: 0 } => Err(Failure::new("it ran no tests")),
        Summary { failed: 0, .. } => Ok(()),
        Summary { failed, .. } => {
            Err(Failure::new(format!("{failed} failed, though its exit code said that all passed")))
        }
    }
}

/// Prints what failed steps said of it, the table of steps and the sum; fails when anything failed or was not run.
fn close(lines: &[Line], total: Duration) -> Outcome<()> {
    for line in lines {
        if let End::Failed(failure) = &line.end {
            println!("\n── what failed in {} ──\n{}{failure}", line.name, line.last_words.text());
        }
    }
    println!("\n{}", closing_table(lines));
    println!("total: {}", seconds(total));
    let sum = sum(lines);
    println!("{} passed, {} failed", sum.passed, sum.failed);
    let failed: Vec<&str> = lines.iter().filter(|line| line.end.is_bad()).map(|line| line.name).collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("these steps did not pass: {}", failed.join(", "))))
}

/// The counts of all runners; a step that failed without naming a failed test counts as one.
fn sum(lines: &[Line]) -> Summary {
    let mut sum = Summary::default();
    for line in lines {
        sum.add(line.summary);
        if line.summary.failed == 0 && line.end.is_bad() {
            sum.failed += 1;
        }
    }
    sum
}

fn closing_table(lines: &[Line]) -> String {
    let mut text = String::new();
    let width = lines.iter().map(|line| line.name.len()).max().unwrap_or_default();
    for line in lines {
        let end = match &line.end {
            End::Passed => "passed",
            End::Failed(_) => "FAILED",
            End::NotReached(_) => "no reply",
            End::NotRun => "NOT RUN",
        };
        let tests = match line.summary {
            Summary { passed: 0, failed: 0 } => String::new(),
            Summary { passed, failed } => format!("{passed} passed, {failed} failed"),
        };
        text += format!("{:width$} {end:8} {:>10}  {tests}", line.name, seconds(line.duration)).trim_end();
        text.push('\n');
        let reason = match &line.end {
            End::Failed(failure) => failure.to_string(),
            End::NotReached(who) => who.clone(),
            End::Passed | End::NotRun => continue,
        };
        text += &format!("{:width$} {}\n", "", reason.lines().next().unwrap_or_default());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &'static str, end: End, passed: u64, failed: u64) -> Line {
        Line {
            name,
            end,
            summary: Summary { passed, failed },
            duration: Duration::from_millis(1250),
            last_words: LastWords::default(),
        }
    }

    #[test]
    fn steps_are_selected_by_name_and_keep_their_order() {
        let chosen: Vec<&str> = select(&["chromium", "format"]).unwrap().iter().map(|step| step.name).collect();
        assert_eq!(chosen, ["format", "chromium"]);
        assert_eq!(select(&[]).unwrap().len(), STEPS.len());
        assert!(select(&["fromat"]).is_none());
    }

    #[test]
    fn only_what_the_chosen_steps_need_is_set_up() {
        let of = |names: &[&str]| parts(&select(names).unwrap());
        assert_eq!(of(&[]), Part::ALL);
        assert_eq!(of(&["format", "lint-host", "build"]), [Part::Lints]);
        assert_eq!(of(&["end-to-end"]), [Part::Endpoints, CHROMIUM, Part::Packages(npm::END_TO_END)]);
    }

    #[test]
    fn a_runner_that_ran_nothing_has_failed() {
        assert!(judge(Summary { passed: 3, failed: 0 }).is_ok());
        assert!(judge(Summary { passed: 0, failed: 0 }).is_err());
        assert!(judge(Summary { passed: 3, failed: 1 }).is_err());
    }

    #[test]
    fn the_sum_counts_a_failed_step_once() {
        let lines = [
            line("format", End::Failed(Failure::new("cargo failed")), 0, 0),
            line("host-tests", End::Failed(Failure::new("cargo failed")), 7, 2),
            line("types", End::NotRun, 0, 0),
            line("chromium", End::Passed, 5, 0),
        ];
        assert_eq!(sum(&lines), Summary { passed: 12, failed: 4 });
    }

    #[test]
    fn who_did_not_answer_is_named_and_is_no_failure() {
        let lines = [line("advisories", End::NotReached("the database cannot be reached".to_owned()), 0, 0)];
        assert_eq!(sum(&lines).failed, 0);
        assert!(close(&lines, Duration::ZERO).is_ok());
        let text = closing_table(&lines);
        assert_eq!(text, "advisories no reply      1.2 s\n           the database cannot be reached\n");
    }

    #[test]
    fn the_table_names_what_failed_and_why() {
        let lines = [
            line("format", End::Failed(Failure::new("cargo failed\nmore")), 0, 0),
            line("chromium", End::Passed, 5, 0),
        ];
        let text = closing_table(&lines);
        assert_eq!(
            text,
            "format   FAILED        1.2 s\n         cargo failed\nchromium passed        1.2 s  5 passed, 0 failed\n"
        );
    }
}
