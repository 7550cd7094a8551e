//! Programs as processes of their own: started with nothing of the test's environment, and waited for.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

pub fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear();
    command
}

/// Runs a program that has to end by itself. One that starts instead says where it listens: it is stopped, and the test
/// fails rather than waits.
pub fn ended(command: &mut Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if line.contains("listening") {
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("it started: {line}");
    }
    child.wait_with_output().unwrap()
}

/// Starts a program, reads its line, and stops it with SIGTERM: the address, and whether it ended well.
pub fn start_and_stop(mut command: Command) -> (Value, bool) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let stopped = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(stopped.success());
    (serde_json::from_str(&line).unwrap(), child.wait().unwrap().success())
}

/// Starts a program that has to say where it listens, and stops it.
pub fn says_where_it_listens(name: &str, command: Command) {
    let (line, well) = start_and_stop(command);
    assert_eq!(line["name"], name);
    assert!(line["listening"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{line}");
    assert!(!line["listening"].as_str().unwrap().ends_with(":0"));
    assert!(well, "{name}");
}
