//! wasm-bindgen's command line and its test runner in one binary, so that one lock file fixes both to the library's version.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let face = (arguments.len() > 1).then(|| arguments.remove(1));
    let outcome = match face.as_ref().and_then(|word| word.to_str()) {
        Some("glue") => wasm_bindgen_cli::wasm_bindgen::run_cli_with_args(arguments),
        Some("test") => wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(arguments),
        _ => {
            eprintln!(
                "usage: wasm-bindgen-command glue <wasm-bindgen's arguments> | test <the test runner's arguments>"
            );
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
