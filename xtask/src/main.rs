//! The only build logic there is: `cargo xtask demo | test | build | bench | rehearse | setup`.

mod advisories;
mod bench;
mod browsers;
mod build;
mod compiler;
mod core_forms;
mod demo;
mod display;
mod failure;
mod glue;
mod last_words;
mod npm;
mod process;
mod promtool;
mod ready;
mod rehearsal;
mod rustup;
mod setup;
mod size_table;
mod summary;
mod system_packages;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use failure::Outcome;
use setup::{Asking, Part, Purpose};
use workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask <command>

  demo [--port N]   set up what is missing, build, start the demo and its identity service on 127.0.0.1, open the browser
  test [STEP…]      set up what is missing, then run every check and test, or only the named steps
  build             build the npm package into pkg/dist and print the size of each file
  bench service     measure the identity service under load, beside the bare signing rate of its cryptographic library
  bench browser [PART…]
                    measure the package in browsers beside others that keep tokens for a page; all parts write docs/benchmark.md
  rehearse          build as where std for wasm came with the toolchain, without std's sources and with them
  setup             only set up what `test` needs (with the word build or demo: what that needs)

Steps of test: ";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let workspace = Workspace::here();
    let outcome = match words.as_slice() {
        ["build"] => {
            setup::run(&workspace, &Purpose::Build, Asking::Once).and_then(|ready| build::run(&workspace, &ready))
        }
        ["bench", "service"] => bench::service(&workspace),
        ["bench", "browser", parts @ ..] => bench::browser(&workspace, parts),
        ["rehearse"] => rehearsal::run(&workspace),
        ["setup"] => set_up(&workspace, &Purpose::Test(Part::ALL.to_vec())),
        ["setup", "build"] => set_up(&workspace, &Purpose::Build),
        ["setup", "demo"] => set_up(&workspace, &Purpose::Demo),
        ["demo", options @ ..] => match demo::Options::parse(options) {
            Some(options) => demo::run(&workspace, &options),
            None => return usage(),
        },
        ["test", names @ ..] => match test::select(names) {
            Some(steps) => test::run(&workspace, &steps),
            None => return usage(),
        },
        _ => return usage(),
    };
    report(outcome)
}

fn set_up(workspace: &Workspace, purpose: &Purpose) -> Outcome<()> {
    setup::run(workspace, purpose, Asking::Anew).map(|_| ())
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}{}", test::names().join(", "));
    ExitCode::from(2)
}

fn report(outcome: Outcome<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
