//! Customers who exist already: put in, taken out and erased, by the admin API and by the program.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use demo::livechat_accounts::Faults;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Row, sqlite::SqliteConnectOptions};

use crate::{
    processes::program,
    signing::Site,
    support::{World, log_of_this_thread, problem, until},
};

impl Site {
    async fn put_entity(&self, customer: &str, body: Value) -> (u16, String) {
        let response = self.admin("PUT", &format!("{customer}/entity")).json(&body).send().await.unwrap();
        if response.status() == 204 {
            return (204, String::new());
        }
        let (status, body, _) = problem(response).await;
        (status, body["code"].as_str().unwrap().to_owned())
    }

    async fn shown(&self, customer: &str) -> Value {
        self.admin("GET", customer).send().await.unwrap().json().await.unwrap()
    }

    async fn entity(&self, customer: &str) -> String {
        self.world.token(customer).await["entity_id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_customer_whom_livechat_knows_already_is_served_as_that_one() {
    let site = Site::new().await;
    let (known, another) = (site.entity("somebody").await, site.entity("somebody else").await);
    assert_eq!(site.put_entity("ada", json!({ "entity_id": known })).await.0, 204);
    assert_eq!(site.put_entity("ada", json!({ "entity_id": known })).await.0, 204);
    assert_eq!(site.entity("ada").await, known);
    let conflict = (409, "entity_conflict".to_owned());
    assert_eq!(site.put_entity("ada", json!({ "entity_id": another })).await, conflict);
    assert_eq!(site.put_entity("ada", json!({ "entity_id": another, "replace": false })).await, conflict);
    assert_eq!(site.entity("ada").await, known);
    assert_eq!(site.put_entity("ada", json!({ "entity_id": another, "replace": true })).await.0, 204);
    assert_eq!(site.entity("ada").await, another, "the kept token was of the old one");
    site.put_contact("ada").await;
    let shown = site.shown("ada").await;
    assert_eq!((&shown["entity_id"], &shown["given_name"]), (&json!(another), &json!("Ada")));
    assert_eq!(site.shown("somebody").await, json!({ "entity_id": known }));
    let bad_body = (422, "bad_body".to_owned());
    for body in [json!({}), json!({ "entity_id": 5 }), json!({ "entity_id": known, "entity": known }), json!([])] {
        assert_eq!(site.put_entity("bob", body.clone()).await, bad_body, "{body}");
    }
    for id in ["", "two words", "\u{e9}", &"x".repeat(257), "null", "undefined", "#N/A"] {
        let answer = site.put_entity("bob", json!({ "entity_id": id })).await;
        assert_eq!(answer, (422, "bad_entity_id".to_owned()), "{id}");
    }
    assert_eq!(site.world.customers(), 2);
}

#[tokio::test]
async fn an_imported_entity_that_livechat_refuses_is_reported_and_kept() {
    let site = Site::new().await;
    assert_eq!(site.put_entity("ada", json!({ "entity_id": "nobody-there" })).await.0, 204);
    let (status, body, _) = site.world.problem("ada").await;
    assert_eq!((status, &body["code"]), (403, &json!("accounts_refused_customer")));
    assert_eq!(body["oauth_exception"], "resource_not_found");
    assert_eq!(site.shown("ada").await["entity_id"], "nobody-there");
    assert_eq!(site.world.customers(), 0, "and nobody else is created in its place");
}

#[tokio::test]
async fn an_erased_customer_is_nowhere_any_more_and_what_stays_at_livechat_is_told() {
    let site = Site::new().await;
    let entity = site.entity("ada").await;
    site.put_contact("ada").await;
    let code = site.code("ada", json!({})).await;
    let response = site.admin("DELETE", "ada").send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["cache-control"]), (200, &"no-store".parse().unwrap()));
    let told: Value = response.json().await.unwrap();
    assert_eq!(told["erased"], json!({ "record": true, "entity": true, "codes": 1, "kept_token": true }));
    assert_eq!(told["remains_at_livechat"]["entity_ids"], json!([entity]));
    assert!(told["remains_at_livechat"]["detail"].is_string());
    assert_eq!(site.shown("ada").await["code"], "no_record");
    assert_eq!(site.redeem_code(&code).await.status(), 400);
    let file = SqliteConnectOptions::new().filename(site.world.folder.path().join("customers.sqlite"));
    let mut database = file.connect().await.unwrap();
    let tables =
        sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(&mut database).await.unwrap();
    let own = |name: &String| !name.starts_with('_') && !name.starts_with("sqlite_");
    for table in tables.iter().map(|row| row.get::<String, _>(0)).filter(own) {
        let mut rows = async || -> i64 {
            let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
            sqlx::query_scalar(count).fetch_one(&mut database).await.unwrap()
        };
        if table == "change" {
            // Every replica has to hear of it; after ten minutes they all have.
            while rows().await > 0 {
                site.world.clock.advance(601);
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }
        assert_eq!(rows().await, 0, "{table}");
    }
    assert_ne!(site.entity("ada").await, entity, "who comes back is somebody new");
    assert_eq!(site.admin("DELETE", "nobody").send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn a_token_that_was_under_way_is_not_kept_for_who_was_erased() {
    let site = Site::new().await;
    let entity = site.entity("ada").await;
    site.world.clock.advance(28_800);
    site.world.faults(Faults { latency_ms: Some(300), remaining: Some(1), ..Faults::default() });
    let erase = async {
        until("the request to accounts", || site.world.issued() == 2).await;
        site.admin("DELETE", "ada").send().await.unwrap()
    };
    let (_, erased) = tokio::join!(site.world.post("/livechat/token", "ada"), erase);
    assert_eq!(erased.status(), 200);
    assert_ne!(site.entity("ada").await, entity);
}

#[tokio::test]
async fn a_creation_that_was_under_way_leaves_nothing_of_who_was_erased() {
    let site = Site::new().await;
    site.world.faults(Faults { latency_ms: Some(300), remaining: Some(1), ..Faults::default() });
    let erase = async {
        until("the request to accounts", || site.world.issued() == 1).await;
        site.admin("DELETE", "ada").send().await.unwrap()
    };
    let (token, erased) = tokio::join!(site.world.post("/livechat/token", "ada"), erase);
    let token: Value = token.json().await.unwrap();
    let told: Value = erased.json().await.unwrap();
    assert_eq!(told["remains_at_livechat"]["entity_ids"], json!([token["entity_id"]]));
    assert_eq!(site.shown("ada").await["code"], "no_record");
}

#[tokio::test(flavor = "current_thread")]
async fn every_admin_call_leaves_a_line_that_only_who_has_the_key_can_read() {
    let site = Site::new().await;
    let customer = "ada.lovelace@example.org";
    site.put_contact(customer).await;
    site.put_entity(customer, json!({ "entity_id": "e-1" })).await;
    site.put_entity(customer, json!({ "entity_id": "e-2" })).await;
    site.shown(customer).await;
    site.admin("DELETE", customer).send().await.unwrap();
    let url = site.world.server.url(&format!("/admin/customers/{customer}"));
    let stranger: RequestBuilder = site.world.http.get(url).bearer_auth("another key");
    stranger.send().await.unwrap();
    site.admin("GET", "%FF").send().await.unwrap();
    site.admin("PATCH", customer).send().await.unwrap();

    let log = log_of_this_thread();
    assert!(!log.contains(customer) && !log.contains("another key"));
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let audit: Vec<&Value> = lines.iter().filter(|line| line["message"] == "audit").collect();
    let told: Vec<_> =
        audit.iter().map(|line| (line["action"].as_str().unwrap(), line["outcome"].as_str().unwrap())).collect();
    let expected = [
        ("put_record", "done"),
        ("put_entity", "done"),
        ("put_entity", "entity_conflict"),
        ("show", "done"),
        ("erase", "done"),
        ("show", "admin_key_wrong"),
        ("show", "bad_customer_id"),
        ("none", "method_not_allowed"),
    ];
    assert_eq!(told, expected);
    let key = hmac::Key::new(hmac::HMAC_SHA256, site.admin_key.as_bytes());
    let digest = URL_SAFE_NO_PAD.encode(hmac::sign(&key, customer.as_bytes()));
    assert!(audit[..5].iter().all(|line| line["customer"] == json!(digest)), "{audit:?}");
    assert!(audit[5..].iter().all(|line| line.get("customer").is_none()));
}

/// The program, on a database in this folder.
fn customers(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_identity-service"));
    command.arg("customers").args(arguments).env("IDENTITY_SERVICE_ORGANIZATION_ID", "organization");
    command.env("IDENTITY_SERVICE_DATABASE_URL", format!("sqlite:{}", folder.join("customers.sqlite").display()));
    command
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    told(&customers(folder, arguments).output().unwrap())
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn counts(stdout: &str) -> Value {
    serde_json::from_str(stdout).unwrap()
}

#[test]
fn an_import_with_a_bad_line_and_a_conflict_imports_the_others_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("customers.csv");
    let path = file.to_str().unwrap();
    fs::write(&file, "customer_id,entity_id\nada,e-1\nbob\n\"b,c\",e-2\nada,e-3\nada,e-1\n").unwrap();
    let (code, report, complaints) = run(folder.path(), &["import", path]);
    assert_eq!(code, 1, "{complaints}");
    let expected = json!({ "new": 2, "unchanged": 1, "replaced": 0, "conflicts": 1, "bad_lines": 1, "last_line": 6 });
    assert_eq!(counts(&report), expected);
    let lines: Vec<&str> = complaints.lines().collect();
    assert!(lines[0].starts_with("line 3: entity_id") && lines[1].starts_with("line 5: "), "{complaints}");
    assert!(!complaints.contains("ada") && !complaints.contains("e-3"));

    fs::write(&file, "entity_id,customer_id\ne-3,ada\n").unwrap();
    let (code, report, _) = run(folder.path(), &["import", "--replace", path]);
    assert_eq!((code, &counts(&report)["replaced"]), (0, &json!(1)));
    let (code, exported, _) = run(folder.path(), &["export"]);
    assert_eq!((code, exported.as_str()), (0, "customer_id,entity_id\nada,e-3\n\"b,c\",e-2\n"));
    // The settings may be flags, before what is to be done or after it.
    let url = format!("sqlite:{}", folder.path().join("customers.sqlite").display());
    let flags = ["--database-url", &url, "--organization-id", "organization"];
    for arguments in [
        [&["customers"], flags.as_slice(), &["export"]].concat(),
        [&["customers", "export"], flags.as_slice()].concat(),
    ] {
        let output = program(env!("CARGO_BIN_EXE_identity-service")).args(&arguments).output().unwrap();
        assert_eq!(told(&output), (0, exported.clone(), String::new()), "{arguments:?}");
    }
    // As a file of the environment gives it that was written on Windows: it is the same account, in the same file.
    let mut command = customers(folder.path(), &["export"]);
    let url = format!("sqlite:{}\r", folder.path().join("customers.sqlite").display());
    command.env("IDENTITY_SERVICE_ORGANIZATION_ID", "organization\r").env("IDENTITY_SERVICE_DATABASE_URL", url);
    assert_eq!(told(&command.output().unwrap()).1, exported);
    let (code, exported, _) = run(folder.path(), &["export", "--format", "jsonl", "--after", "ada"]);
    assert_eq!((code, exported.as_str()), (0, "{\"customer_id\":\"b,c\",\"entity_id\":\"e-2\"}\n"));
}

/// Each line is good, and what they say together may still be a mistake of whoever wrote the table.
#[test]
fn an_import_warns_of_what_is_stored_and_hardly_meant() {
    let folder = tempfile::tempdir().unwrap();
    let import = |text: &str| {
        let file = folder.path().join("customers.csv");
        fs::write(&file, format!("customer_id,entity_id\n{text}")).unwrap();
        let (code, report, complaints) = run(folder.path(), &["import", file.to_str().unwrap()]);
        (code, counts(&report)["new"].clone(), complaints)
    };
    assert_eq!(import("ada,e-1\nbob,e-2\n"), (0, json!(2), String::new()));
    let (code, new, complaints) = import("cy,e-1\ndi,e-1\n");
    assert_eq!((code, new), (0, json!(2)), "it may be meant");
    assert!(
        complaints.contains("entities that belong to several customers") && complaints.ends_with(": 1\n"),
        "{complaints}"
    );
    assert!(complaints.lines().count() == 1 && !complaints.contains("e-1"), "{complaints}");
    let (code, new, complaints) = import("ed  ,e-5\n fy,e-6\nada,e-1\n");
    assert_eq!((code, new), (0, json!(2)));
    assert!(complaints.contains("ids that begin or end with a blank") && complaints.ends_with(": 2\n"), "{complaints}");
}

#[test]
fn what_cannot_be_imported_at_all_ends_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("customers.csv");
    fs::write(&file, "ada,e-1\n").unwrap();
    let (code, report, complaints) = run(folder.path(), &["import", file.to_str().unwrap()]);
    assert_eq!((code, report.as_str()), (2, ""));
    assert!(complaints.contains("customer_id") && !complaints.contains("ada"), "{complaints}");
    for (arguments, told) in [
        (["import", "/nowhere/at/all.csv"].as_slice(), "file"),
        (&["import", folder.path().to_str().unwrap()], "file: expected a readable file"),
        (&["import", "--format", "xml"], "csv or jsonl"),
        (&["export", "--after", ""], "after"),
    ] {
        let (code, _, complaints) = run(folder.path(), arguments);
        assert!(code == 2 && complaints.contains(told), "{arguments:?}: {complaints}");
    }
    // The file is made by an import, and not by an export: that would look like one of a service without customers.
    let elsewhere = tempfile::tempdir().unwrap();
    let (code, exported, complaints) = run(elsewhere.path(), &["export"]);
    assert_eq!((code, exported.as_str()), (2, ""));
    assert!(complaints.contains("database-url: expected a database that exists"), "{complaints}");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    for (variable, value, setting) in [
        ("IDENTITY_SERVICE_ORGANIZATION_ID", "", "organization-id"),
        ("IDENTITY_SERVICE_DATABASE_URL", "sqlite:/nowhere/at/all.sqlite", "database-url"),
        ("IDENTITY_SERVICE_DATABASE_URL", "mysql://me:hunter2@host/db", "database-url"),
    ] {
        let (code, _, complaints) = told(&customers(folder.path(), &["export"]).env(variable, value).output().unwrap());
        assert!(code == 2 && complaints.contains(setting) && !complaints.contains("hunter2"), "{complaints}");
    }
}

/// Who looks at the first complaints only, or on a full disk, wants no fewer customers imported.
#[test]
fn an_import_goes_on_where_nobody_reads_its_complaints() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("customer_id,entity_id\n{}-1,e-1\n", "bad\n".repeat(1000));
    let mut command = customers(folder.path(), &["import", "-"]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(full).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let (code, report, _) = told(&child.wait_with_output().unwrap());
    assert_eq!((code, &counts(&report)["bad_lines"], &counts(&report)["new"]), (1, &json!(1000), &json!(1)));
    // Where the last id looks like a flag, an export can be continued too.
    let (code, exported, complaints) = run(folder.path(), &["export", "--after", "-0"]);
    assert_eq!((code, exported.as_str()), (0, "customer_id,entity_id\n-1,e-1\n"), "{complaints}");
}

/// SQLite lets one process write at a time. However long an import goes on, the service beside it comes to write, too.
#[tokio::test]
async fn an_import_leaves_the_file_to_the_service_beside_it() {
    let world = World::new().await;
    let mut child = customers(world.folder.path(), &["import", "--replace"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (is_over, lines) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (told_over, count) = (Arc::clone(&is_over), Arc::clone(&lines));
    let mut stdin = child.stdin.take().unwrap();
    let import = std::thread::spawn(move || {
        stdin.write_all(b"customer_id,entity_id\n").unwrap();
        while !told_over.load(Ordering::Relaxed) {
            let number = count.fetch_add(1, Ordering::Relaxed);
            writeln!(stdin, "c-{},e-{number}", number % 1000).unwrap();
        }
    });
    until("the import", || lines.load(Ordering::Relaxed) > 5000).await;
    let before = lines.load(Ordering::Relaxed);
    const REQUESTS: usize = 20;
    for number in 0..REQUESTS {
        world.token(&format!("new-{number}")).await;
    }
    let imported = lines.load(Ordering::Relaxed) - before;
    is_over.store(true, Ordering::Relaxed);
    import.join().unwrap();
    assert_eq!(told(&child.wait_with_output().unwrap()).0, 0);
    assert!(imported < REQUESTS * 1500, "{imported} lines were imported while {REQUESTS} customers were created");
}

/// More lines than are written at once, through standard input and output, cut off in the middle of the first run.
#[test]
fn an_import_that_was_stopped_is_run_again_and_goes_out_as_it_came_in() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> =
        (0..2500).map(|n| format!("{{\"customer_id\":\"c-{n:05}\",\"entity_id\":\"e-{n}\"}}\n")).collect();
    let import = |lines: &[String]| {
        let mut command = customers(folder.path(), &["import", "--format", "jsonl"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(lines.concat().as_bytes()).unwrap();
        drop(stdin);
        told(&child.wait_with_output().unwrap())
    };
    assert_eq!(import(&lines[..1111]).0, 0);
    let (code, report, complaints) = import(&lines);
    assert_eq!(code, 0, "{complaints}");
    let report = counts(&report);
    assert_eq!(
        (&report["unchanged"], &report["new"], &report["last_line"]),
        (&json!(1111), &json!(1389), &json!(2500))
    );
    let (code, exported, _) = run(folder.path(), &["export", "--format", "jsonl"]);
    assert_eq!(code, 0);
    assert!(exported == lines.concat());
    let (_, rest, _) = run(folder.path(), &["export", "--format", "jsonl", "--after", "c-02498"]);
    assert_eq!(rest, lines[2499]);
}
