//! What is counted, as Prometheus reads it, and the alerts and the dashboard that go by it.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use demo::livechat_accounts::Faults;
use identity_service::logging::DroppedLines;
use serde_json::{Value, json};
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};

use crate::{
    processes::program,
    signing::Site,
    support::{Server, World},
};

/// The value of a line, whose labels stand in the order of their names.
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} in {text}")).parse().unwrap()
}

async fn metrics(site: &Site) -> String {
    let server = Server::start(site.world.service.metrics_router(DroppedLines::default())).await;
    let response = site.world.http.get(server.url("/metrics")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4");
    response.text().await.unwrap()
}

/// Runs promtool, where there is one: `cargo xtask test` takes it out of Debian's package, and says where it is.
fn promtool(arguments: &[&str], folder: &Path, input: &str) {
    let mut command = Command::new(std::env::var_os("PROMTOOL").unwrap_or_else(|| "promtool".into()));
    let command = command.args(arguments).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.stderr(Stdio::piped()).spawn() else {
        println!("promtool is not there: {arguments:?} is not checked");
        return;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{said}");
}

fn monitoring() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("monitoring")
}

async fn kept_tokens(site: &Site) -> f64 {
    value(&metrics(site).await, "identity_service_kept_tokens")
}

async fn until_no_token_is_kept(site: &Site) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while kept_tokens(site).await > 0.0 {
        assert!(Instant::now() < deadline, "one is kept");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Nobody asks for it any more: it is of no use, and a secret.
#[tokio::test]
async fn a_token_that_is_too_old_leaves_the_memory() {
    let site = Site::new().await;
    site.world.faults(Faults { lifetime_seconds: Some(60), ..Faults::default() });
    site.world.token("ada").await;
    assert_eq!(kept_tokens(&site).await, 1.0);
    // In steps: a service that has listened to no changes for long forgets everything.
    for _ in 0..7 {
        site.world.clock.advance(100);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    until_no_token_is_kept(&site).await;
}

/// After an import of many, asking about each would take longer than a token may be given out after its change.
#[tokio::test]
async fn of_many_changes_at_once_the_tokens_leave_the_memory_unasked() {
    let site = Site::new().await;
    for number in 0..51 {
        site.world.token(&format!("customer-{number}")).await;
    }
    assert_eq!(kept_tokens(&site).await, 51.0);
    let file = SqliteConnectOptions::new().filename(site.world.database_file()).busy_timeout(Duration::from_secs(20));
    // Nobody's entity is another one, which only the database could say.
    let change = "UPDATE customer SET entity_id = entity_id";
    sqlx::query(change).execute(&mut file.connect().await.unwrap()).await.unwrap();
    until_no_token_is_kept(&site).await;
    site.world.token("customer-0").await;
    assert_eq!((site.world.customers(), site.world.issued()), (51, 52));
}

#[tokio::test]
async fn what_happens_is_counted_by_what_came_of_it() {
    let site = Site::new().await;
    site.world.token("ada").await;
    site.world.token("ada").await;
    site.world.http.post(site.world.server.url("/livechat/token")).send().await.unwrap();
    site.world.http.get(site.world.server.url("/a-path-with-a-secret")).send().await.unwrap();
    site.put_contact("ada").await;
    site.token("/live-assist/token", "ada").await;
    site.world.faults(Faults { cut_connection: true, processed: true, remaining: Some(1), ..Faults::default() });
    site.world.problem("bob").await;
    site.world.faults(Faults { status: Some(429), remaining: Some(1), ..Faults::default() });
    site.world.problem("bob").await;

    let text = metrics(&site).await;
    for (series, expected) in [
        (r#"requests_total{outcome="created",route="/livechat/token",status="200"}"#, 1.0),
        (r#"requests_total{outcome="hit",route="/livechat/token",status="200"}"#, 1.0),
        (r#"requests_total{outcome="not_signed_in",route="/livechat/token",status="401"}"#, 1.0),
        (r#"requests_total{outcome="not_found",route="none",status="404"}"#, 1.0),
        (r#"requests_total{outcome="done",route="/admin/customers/{customer_id}",status="204"}"#, 1.0),
        (r#"request_duration_seconds_count{route="/livechat/token"}"#, 5.0),
        (r#"tokens_issued_total{route="/livechat/token"}"#, 2.0),
        (r#"tokens_issued_total{route="/live-assist/token"}"#, 1.0),
        (r#"accounts_requests_total{operation="create",result="ok"}"#, 1.0),
        (r#"accounts_requests_total{operation="create",result="unreachable"}"#, 1.0),
        (r#"accounts_requests_total{operation="create",result="rate_limited"}"#, 1.0),
        (r#"accounts_request_duration_seconds_count{operation="create"}"#, 3.0),
        ("creations_total", 1.0),
        ("creations_lost_total", 1.0),
        (r#"signing_keys{state="active"}"#, 1.0),
        ("log_lines_dropped", 0.0),
        ("database_waiting", 0.0),
    ] {
        assert_eq!(value(&text, &format!("identity_service_{series}")), expected, "{series}");
    }
    assert!(value(&text, r#"identity_service_database_connections{state="open"}"#) >= 1.0);
    for secret in ["ada", "bob", "a-path-with-a-secret"] {
        assert!(!text.contains(secret), "{secret}");
    }
    promtool(&["check", "metrics"], &monitoring(), &text);
}

/// The metrics that a text names.
fn named(text: &str) -> BTreeSet<&str> {
    let is_name = |character: char| character.is_ascii_lowercase() || character == '_';
    let names = text.match_indices("identity_service_").map(|(start, _)| {
        let rest = &text[start..];
        let name = &rest[..rest.find(|character| !is_name(character)).unwrap_or(rest.len())];
        ["_bucket", "_count", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
    });
    names.collect()
}

#[tokio::test]
async fn the_alerts_and_the_dashboard_go_by_metrics_that_there_are() {
    let site = Site::new().await;
    site.world.token("ada").await;
    let text = metrics(&site).await;
    let there = named(&text);
    for file in ["alerts.yml", "alerts.test.yml", "dashboard.json"] {
        let text = fs::read_to_string(monitoring().join(file)).unwrap();
        let missing: Vec<_> = named(&text).difference(&there).copied().map(str::to_owned).collect();
        assert!(missing.is_empty(), "{file}: {missing:?}");
    }
    let dashboard: Value = serde_json::from_slice(&fs::read(monitoring().join("dashboard.json")).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.iter().all(|panel| panel["targets"][0]["expr"].is_string()), "{panels:?}");
    promtool(&["check", "rules", "alerts.yml"], &monitoring(), "");
    promtool(&["test", "rules", "alerts.test.yml"], &monitoring(), "");
}

#[tokio::test]
async fn the_metrics_have_a_listener_of_their_own_and_are_nowhere_else() {
    let world = World::new().await;
    let mut command = program(env!("CARGO_BIN_EXE_identity-service"));
    command
        .env("IDENTITY_SERVICE_AGENT_TOKEN", &world.agent_token)
        .env("IDENTITY_SERVICE_SESSION_SECRET", &world.secret)
        .env("IDENTITY_SERVICE_CLIENT_ID", "client")
        .env("IDENTITY_SERVICE_ORGANIZATION_ID", "organization")
        .env("IDENTITY_SERVICE_ACCOUNTS_URL", world.stand_in_server.url(""))
        .env("IDENTITY_SERVICE_LISTEN", "127.0.0.1:0")
        .env("IDENTITY_SERVICE_METRICS_LISTEN", "127.0.0.1:0")
        .env("IDENTITY_SERVICE_DATABASE_URL", format!("sqlite:{}", world.folder.path().join("c.sqlite").display()));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(2);
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    let [service, metrics] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&service["name"], &metrics["name"]), (&json!("identity-service"), &json!("identity-service metrics")));
    let get = async |from: &Value, path: &str| {
        let url = format!("{}{path}", from["listening"].as_str().unwrap());
        let response = world.http.get(url).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(get(service, "/metrics").await.0, 404);
    assert_eq!(get(metrics, "/healthz").await.0, 404);
    let (status, text) = get(metrics, "/metrics").await;
    assert_eq!(status, 200);
    let seen = r#"identity_service_requests_total{outcome="not_found",route="none",status="404"}"#;
    assert_eq!(value(&text, seen), 1.0);
    child.kill().unwrap();
    child.wait().unwrap();
}
