//! The programs: a wrong setting stops them with exit code 2 and its name, a right one lets them start and stop.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

const SECRET: &str = "a session secret of at least thirty-two bytes";

fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear();
    command
}

fn service() -> Command {
    program(env!("CARGO_BIN_EXE_identity-service"))
}

/// Every setting right.
fn right(folder: &std::path::Path) -> Command {
    let mut command = service();
    command
        .env("IDENTITY_SERVICE_AGENT_TOKEN", "an-agent-token")
        .env("IDENTITY_SERVICE_SESSION_SECRET", SECRET)
        .env("IDENTITY_SERVICE_CLIENT_ID", "client")
        .env("IDENTITY_SERVICE_ORGANIZATION_ID", "organization")
        .env("IDENTITY_SERVICE_LISTEN", "127.0.0.1:0")
        .env("IDENTITY_SERVICE_DATABASE_URL", format!("sqlite:{}", folder.join("customers.sqlite").display()));
    command
}

fn refused(output: &Output, setting: &str) {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains(setting), "{setting} in {text}");
    assert!(text.contains("expected") || text.contains("invalid value"), "{text}");
    for secret in ["an-agent-token", SECRET, "hunter2"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn a_wrong_setting_is_named_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "something").unwrap();
    let path = file.to_str().unwrap();
    for (variable, value, setting) in [
        ("IDENTITY_SERVICE_LISTEN", "nowhere", "--listen"),
        ("IDENTITY_SERVICE_LISTEN", "192.0.2.1:80", "listen"),
        ("IDENTITY_SERVICE_DATABASE_URL", "postgres://me:hunter2@host/db", "database-url"),
        ("IDENTITY_SERVICE_DATABASE_URL", "sqlite:/nowhere/at/all.sqlite", "database-url"),
        ("IDENTITY_SERVICE_ACCOUNTS_URL", "http://accounts.example", "accounts-url"),
        ("IDENTITY_SERVICE_ACCOUNTS_URL", "accounts", "accounts-url"),
        ("IDENTITY_SERVICE_CLIENT_ID", " ", "client-id"),
        ("IDENTITY_SERVICE_ORGANIZATION_ID", "", "organization-id"),
        ("IDENTITY_SERVICE_LICENSE_ID", "many", "--license-id"),
        ("IDENTITY_SERVICE_AGENT_TOKEN", "", "agent-token"),
        ("IDENTITY_SERVICE_AGENT_TOKEN_FILE", path, "agent-token"),
        ("IDENTITY_SERVICE_SESSION_SECRET", "", "session-secret"),
        ("IDENTITY_SERVICE_SESSION_SECRET", "short", "session-secret"),
        ("IDENTITY_SERVICE_SESSION_JWKS_URL", "https://site.example/keys", "session-jwks-url"),
        ("IDENTITY_SERVICE_SESSION_COOKIE", "a b", "session-cookie"),
        ("IDENTITY_SERVICE_CUSTOMER_CLAIM", "", "customer-claim"),
        ("IDENTITY_SERVICE_ALLOWED_ORIGIN", "https://shop.example/path", "allowed-origin"),
        ("IDENTITY_SERVICE_ALLOWED_ORIGIN", "https://a.example,shop", "allowed-origin"),
        ("IDENTITY_SERVICE_ACCOUNTS_TIMEOUT", "-1", "accounts-timeout"),
        ("IDENTITY_SERVICE_ACCOUNTS_TIMEOUT", "NaN", "accounts-timeout"),
        ("IDENTITY_SERVICE_BODY_LIMIT", "0", "body-limit"),
        ("IDENTITY_SERVICE_LEAST_LIFE", "2", "least-life"),
        ("IDENTITY_SERVICE_FRESH_AFTER", "-5", "fresh-after"),
        ("IDENTITY_SERVICE_LOG_LEVEL", "loud", "--log-level"),
    ] {
        let output = right(folder.path()).env(variable, value).output().unwrap();
        refused(&output, setting);
    }
}

#[test]
fn secret_files_that_others_can_read_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent-token");
    fs::write(&file, "an-agent-token\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let mut command = right(folder.path());
    command.env_remove("IDENTITY_SERVICE_AGENT_TOKEN").arg("--agent-token-file").arg(&file);
    let output = command.output().unwrap();
    refused(&output, "agent-token");
    assert!(String::from_utf8(output.stderr).unwrap().contains("chmod o="));
}

#[test]
fn there_is_no_flag_for_a_secret() {
    for flag in ["--agent-token", "--session-secret"] {
        let output = service().arg(flag).arg("something").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
    }
}

/// Starts a program, reads its line, and stops it with SIGTERM: the address, and whether it ended well.
fn start_and_stop(mut command: Command) -> (Value, bool) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let stopped = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(stopped.success());
    (serde_json::from_str(&line).unwrap(), child.wait().unwrap().success())
}

#[test]
fn the_programs_say_where_they_listen_and_stop_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent-token");
    fs::write(&file, "an-agent-token\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let mut with_file = right(folder.path());
    with_file.env_remove("IDENTITY_SERVICE_AGENT_TOKEN").arg("--agent-token-file").arg(&file);

    let mut stand_in = program(env!("CARGO_BIN_EXE_livechat-accounts-stand-in"));
    stand_in.args(["--listen", "127.0.0.1:0"]).env("STAND_IN_AGENT_TOKEN", "token");
    let mut site = program(env!("CARGO_BIN_EXE_demo-site"));
    site.args(["--listen", "127.0.0.1:0", "--stand-in-url", "http://127.0.0.1:9"]).env("STAND_IN_AGENT_TOKEN", "token");
    site.arg("--www").arg(folder.path()).arg("--package").arg(folder.path());

    for (name, command) in
        [("identity-service", with_file), ("livechat-accounts-stand-in", stand_in), ("demo-site", site)]
    {
        let (line, well) = start_and_stop(command);
        assert_eq!(line["name"], name);
        assert!(line["listening"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{line}");
        assert!(!line["listening"].as_str().unwrap().ends_with(":0"));
        assert!(well, "{name}");
    }
}

#[test]
fn the_stand_in_says_that_it_is_one() {
    let output = program(env!("CARGO_BIN_EXE_livechat-accounts-stand-in")).arg("--help").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("not LiveChat"));
    let output = program(env!("CARGO_BIN_EXE_livechat-accounts-stand-in")).output().unwrap();
    refused(&output, "agent-token");
    refused(&program(env!("CARGO_BIN_EXE_demo-site")).output().unwrap(), "LIVECHAT_CLIENT_ID");
}
