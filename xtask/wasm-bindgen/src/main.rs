//! wasm-bindgen's command line and its test runner in one binary, so that one lock file fixes both to the library's version.

use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, ExitCode};
use std::time::Duration;

/// Where the test runner is to serve its page; it reads this itself.
const ADDRESS: &str = "WASM_BINDGEN_TEST_ADDRESS";

const USAGE: &str = "usage: wasm-bindgen-command glue <wasm-bindgen's arguments> | test <the test runner's arguments>";

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let word = (arguments.len() > 1).then(|| arguments.remove(1));
    let outcome = match word.as_deref().and_then(OsStr::to_str) {
        Some("glue") => wasm_bindgen_cli::wasm_bindgen::run_cli_with_args(arguments),
        Some("test") if std::env::var_os(ADDRESS).is_none() => {
            return test_and_knock(arguments.get(1..).unwrap_or_default()).unwrap_or_else(|error| {
                eprintln!("error: the test runner could not be started: {error}");
                ExitCode::FAILURE
            });
        }
        Some("test") => wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(arguments),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:?}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the test runner in a process of its own, and knocks at its server while it runs.
///
/// The server (tiny_http 0.12) has four threads and counts one as free until it has woken. Of more than four connections that come
/// at the same moment, as a browser makes them for a page of many modules, the others are queued for threads that are not free any
/// more, and stay there until a connection ends: the page then waits for a module for ever. Each new connection lets the queue
/// be looked at.
fn test_and_knock(arguments: &[OsString]) -> std::io::Result<ExitCode> {
    let address = free_address()?;
    let mut runner =
        Command::new(std::env::current_exe()?).arg("test").args(arguments).env(ADDRESS, address.to_string()).spawn()?;
    loop {
        if let Some(status) = runner.try_wait()? {
            return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        // Nobody answers before the server is there, nor for tests that need no browser.
        drop(TcpStream::connect_timeout(&address, Duration::from_secs(1)));
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A port that nobody listens on.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
