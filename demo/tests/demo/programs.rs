//! The programs: a missing setting stops them with exit code 2 and its name, a right one lets them start and stop.

use std::process::Output;

use crate::processes::{ended, program, says_where_it_listens};

const STAND_IN: &str = env!("CARGO_BIN_EXE_livechat-accounts-stand-in");
const SITE: &str = env!("CARGO_BIN_EXE_demo-site");

fn refused(output: &Output, setting: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains(setting) && text.contains("expected"), "{setting} in {text}");
}

#[test]
fn the_programs_say_where_they_listen_and_stop_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut stand_in = program(STAND_IN);
    stand_in.args(["--listen", "127.0.0.1:0"]).env("STAND_IN_AGENT_TOKEN", "token");
    let mut site = program(SITE);
    site.args(["--listen", "127.0.0.1:0", "--stand-in-url", "http://127.0.0.1:9"]).env("STAND_IN_AGENT_TOKEN", "token");
    site.arg("--www").arg(folder.path()).arg("--package").arg(folder.path());

    says_where_it_listens("livechat-accounts-stand-in", stand_in);
    says_where_it_listens("demo-site", site);
}

#[test]
fn the_stand_in_says_that_it_is_one() {
    let output = program(STAND_IN).arg("--help").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("not LiveChat"));
}

#[test]
fn a_missing_setting_is_named_with_exit_code_2() {
    refused(&ended(&mut program(STAND_IN)), "agent-token");
    refused(&ended(&mut program(SITE)), "LIVECHAT_CLIENT_ID");
}
