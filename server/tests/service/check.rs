//! `identity-service check`: a line for each thing that the service needs, and exit code 0 only when all are good.

use std::{path::Path, process::Command};

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::json;
use tokio::process::Command as AsyncCommand;

use crate::{
    processes::program,
    signing::Keys,
    support::{Server, World},
};

const SECRET: &str = "a session secret of at least thirty-two bytes";

/// The program with every setting right, told to check.
fn checking(folder: &Path, accounts: &str, agent_token: &str) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_identity-service"));
    command
        .arg("check")
        .env("IDENTITY_SERVICE_ACCOUNTS_URL", accounts)
        .env("IDENTITY_SERVICE_AGENT_TOKEN", agent_token)
        .env("IDENTITY_SERVICE_SESSION_SECRET", SECRET)
        .env("IDENTITY_SERVICE_CLIENT_ID", "client")
        .env("IDENTITY_SERVICE_ORGANIZATION_ID", "organization")
        .env("IDENTITY_SERVICE_DATABASE_URL", format!("sqlite:{}", folder.join("checked.sqlite").display()));
    command
}

/// The exit code and the lines; the servers of the test answer meanwhile.
async fn told(command: Command) -> (i32, Vec<String>) {
    let output = AsyncCommand::from(command).output().await.unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    for secret in [SECRET, "hunter2", "an-agent-token"] {
        assert!(!text.contains(secret), "{text}");
    }
    (output.status.code().unwrap(), text.lines().map(str::to_owned).collect())
}

/// The only line that is not good, and that all else is.
fn only_fault(lines: &[String]) -> &str {
    let faults: Vec<&String> = lines.iter().filter(|line| !line.ends_with(": good")).collect();
    assert_eq!(faults.len(), 1, "{lines:?}");
    faults[0]
}

#[tokio::test]
async fn all_is_good_when_all_is_and_nobody_is_created_for_it() {
    let world = World::new().await;
    let keys = Keys::new();
    let mut command = checking(world.folder.path(), &world.stand_in_server.url(""), &world.agent_token);
    command
        .env("IDENTITY_SERVICE_OMNICHANNEL", "true")
        .env("IDENTITY_SERVICE_ISSUER", "shop.example")
        .env("IDENTITY_SERVICE_SIGNING_KEYS", keys.folder());
    let (code, lines) = told(command).await;
    assert_eq!(code, 0, "{lines:?}");
    let settings: Vec<&str> = lines.iter().map(|line| line.strip_suffix(": good").unwrap()).collect();
    let expected = [
        "database-url",
        "signing-keys",
        "session-secret",
        "accounts-url",
        "agent-token",
        "agent-token's scope customers:own",
        "client-id",
        "organization-id or license-id",
    ];
    assert_eq!(settings, expected);
    assert_eq!((world.customers(), world.issued()), (0, 0));
    assert!(!world.folder.path().join("checked.sqlite").exists(), "whoever checks is not who serves");
}

#[tokio::test]
async fn what_livechat_does_not_like_is_told_with_what_to_do() {
    let world = World::new().await;
    let (code, lines) = told(checking(world.folder.path(), &world.stand_in_server.url(""), "another-token")).await;
    assert_eq!(code, 1);
    assert!(lines.iter().any(|line| line.starts_with("agent-token: refused") && line.contains("access_denied")));
    assert!(lines.iter().any(|line| line.starts_with("client-id: not known")), "{lines:?}");
    for (exception, setting) in [
        ("access_denied", "agent-token: refused"),
        ("forbidden", "agent-token's scope customers:own: refused"),
        ("unauthorized_client", "agent-token's scope customers:own: refused"),
        ("invalid_client", "client-id: refused"),
        ("invalid_request", "organization-id or license-id: refused"),
        ("server_error", "accounts-url: "),
        ("temporarily_unavailable", "accounts-url: "),
    ] {
        let refusing = post(async move || (StatusCode::UNAUTHORIZED, Json(json!({ "oauth_exception": exception }))));
        let accounts = Server::start(Router::new().route("/v2/customer/token", refusing)).await;
        let (code, lines) = told(checking(world.folder.path(), &accounts.url(""), "an-agent-token")).await;
        assert_eq!(code, 1, "{exception}");
        let told = lines.iter().find(|line| !line.ends_with(": good") && !line.contains(": not known")).unwrap();
        assert!(told.starts_with(setting), "{exception}: {lines:?}");
    }
    // Where the answer does not say why, its status does.
    for (status, setting) in [
        (StatusCode::UNAUTHORIZED, "agent-token: refused"),
        (StatusCode::FORBIDDEN, "agent-token's scope customers:own: refused"),
        (StatusCode::NOT_FOUND, "organization-id or license-id: refused"),
        (StatusCode::BAD_GATEWAY, "accounts-url: "),
    ] {
        let refusing = post(async move || (status, "<html>"));
        let accounts = Server::start(Router::new().route("/v2/customer/token", refusing)).await;
        let (code, lines) = told(checking(world.folder.path(), &accounts.url(""), "an-agent-token")).await;
        assert_eq!(code, 1, "{status}");
        let told = lines.iter().find(|line| !line.ends_with(": good") && !line.contains(": not known")).unwrap();
        assert!(told.starts_with(setting), "{status}: {lines:?}");
    }
    // Without the cause, nobody would know where to look.
    let plain = world.stand_in_server.url("").replace("http:", "https:");
    for (accounts, why) in [
        ("http://127.0.0.1:1", "Connection refused"),
        (&plain, "corrupt message"),
        ("https://nowhere.invalid", "failed to lookup address"),
    ] {
        let (code, lines) = told(checking(world.folder.path(), accounts, "an-agent-token")).await;
        assert_eq!(code, 1);
        let told = lines.iter().find(|line| line.starts_with("accounts-url: ")).unwrap();
        assert!(told.contains("reached") && told.contains(why), "{lines:?}");
    }
}

#[tokio::test]
async fn a_source_of_sessions_that_is_none_is_told() {
    let world = World::new().await;
    let with = |variable: &str, value: &str| {
        let mut command = checking(world.folder.path(), &world.stand_in_server.url(""), &world.agent_token);
        command
            .env_remove("IDENTITY_SERVICE_SESSION_SECRET")
            .env(format!("IDENTITY_SERVICE_SESSION_{variable}"), value)
            .env("IDENTITY_SERVICE_SESSION_TIMEOUT", "5");
        command
    };
    let introspect = async |headers: HeaderMap| match headers["authorization"] == "Basic Y2xpZW50Omh1bnRlcjI=" {
        true => Json(json!({ "active": false })).into_response(),
        false => StatusCode::UNAUTHORIZED.into_response(),
    };
    // With a byte order mark, as some editors write it.
    let marked = format!("\u{feff}{}", Keys::new().run(&["publish", "--format", "jwks"]));
    let site = Router::new()
        .route("/nobody", get(async || StatusCode::UNAUTHORIZED))
        .route("/everybody", get(async || Json(json!({ "sub": "ada" }))))
        .route("/html", get(async || "<html>"))
        .route("/keys", get(async || Json(json!({ "keys": [] }))))
        .route("/marked", get(async move || marked.clone()))
        .route("/introspect", post(introspect));
    let site = Server::start(site).await;
    for (variable, path, fault) in [
        ("URL", "/nobody", None),
        ("URL", "/everybody", Some("session-url: it names a customer to who shows no session")),
        ("URL", "/html", Some("session-url: not usable, its answer is no JSON object")),
        ("URL", "/missing", Some("session-url: not usable, it answered with status 404")),
        ("JWKS_URL", "/marked", None),
        ("JWKS_URL", "/keys", Some("session-jwks: no key to check sessions with")),
    ] {
        let (code, lines) = told(with(variable, &site.url(path))).await;
        assert_eq!(code, i32::from(fault.is_some()), "{path}: {lines:?}");
        if let Some(fault) = fault {
            assert!(only_fault(&lines).starts_with(fault), "{lines:?}");
        }
    }
    for (secret, fault) in [("hunter2", None), ("hunter3", Some("check session-client-id and its secret"))] {
        let mut command = with("INTROSPECTION_URL", &site.url("/introspect"));
        command.env("IDENTITY_SERVICE_SESSION_CLIENT_ID", "client");
        let (code, lines) = told({
            command.env("IDENTITY_SERVICE_SESSION_CLIENT_SECRET", secret);
            command
        })
        .await;
        assert_eq!(code, i32::from(fault.is_some()), "{lines:?}");
        if let Some(fault) = fault {
            assert!(only_fault(&lines).contains(fault), "{lines:?}");
        }
    }
}

#[tokio::test]
async fn a_database_that_is_none_is_told_and_a_wrong_setting_ends_with_code_2() {
    let world = World::new().await;
    let command = || checking(world.folder.path(), &world.stand_in_server.url(""), &world.agent_token);
    let mut nowhere = command();
    nowhere.env("IDENTITY_SERVICE_DATABASE_URL", "sqlite:/nowhere/at/all.sqlite");
    let (code, lines) = told(nowhere).await;
    assert_eq!(code, 1);
    assert!(only_fault(&lines).starts_with("database-url: not usable"), "{lines:?}");
    let mut wrong = command();
    wrong.args(["--body-limit", "0"]);
    let (code, lines) = told(wrong).await;
    assert_eq!((code, lines.len()), (2, 1));
    assert!(lines[0].contains("body-limit"), "{lines:?}");
}
