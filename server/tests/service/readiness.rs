//! `/healthz`: the process lives. `/readyz`: it can do its work, or says in words what is in the way.

use std::{fs, time::Duration};

use axum::{
    Router,
    http::{StatusCode, header::LOCATION},
    routing::get,
};
use identity_service::admission::{json_web_keys::JsonWebKeys, session_token::SessionKey};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use tokio::time::timeout;

use crate::{
    signing::Site,
    support::{Given, Server, World, problem},
};

impl World {
    async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(self.server.url(path)).send().await.unwrap()
    }

    /// What `/readyz` says of the parts that are not well; nothing when it is ready.
    async fn what_is_wrong(&self) -> String {
        // Whoever asks within half a second is told what the one before was told.
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(self.get("/healthz").await.status(), 200, "the process lives");
        let response = self.get("/readyz").await;
        if response.status() == 200 {
            let body: Value = response.json().await.unwrap();
            assert_eq!(body, json!({ "status": "ready" }));
            return String::new();
        }
        let (status, body, retry_after) = problem(response).await;
        assert_eq!((status, &body["code"]), (503, &json!("not_ready")));
        assert!(retry_after.is_some());
        body["detail"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_service_whose_file_is_gone_is_not_ready() {
    let world = World::new().await;
    assert_eq!(world.what_is_wrong().await, "");
    let file = world.folder.path().join("customers.sqlite");
    let kept = world.folder.path().join("kept");
    fs::rename(&file, &kept).unwrap();
    // Nobody is created whom the next start would know nothing of.
    let answer = world.problem("ada").await;
    assert_eq!((answer.0, &answer.1["code"]), (503, &json!("store_unavailable")));
    assert_eq!(world.customers(), 0);
    assert!(world.what_is_wrong().await.contains("database: the database's file was removed"), "removed");
    fs::write(&file, "").unwrap();
    assert!(world.what_is_wrong().await.contains("database: the database's file was removed"), "replaced");
    fs::rename(&kept, &file).unwrap();
    assert_eq!(world.what_is_wrong().await, "");
    world.service.finish().await;
    assert!(world.what_is_wrong().await.starts_with("database: "), "closed");
}

#[tokio::test]
async fn a_service_that_cannot_write_is_not_ready() {
    let world = World::new().await;
    let file = world.folder.path().join("customers.sqlite");
    let mut other = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    // As a database that was damaged, or is on a disk that takes nothing: reading works, and no write does.
    let trigger = "CREATE TRIGGER full BEFORE INSERT ON creation BEGIN SELECT RAISE(FAIL, 'disk is full'); END";
    sqlx::query(trigger).execute(&mut other).await.unwrap();
    assert!(world.what_is_wrong().await.contains("disk is full"));
    sqlx::query("DROP TRIGGER full").execute(&mut other).await.unwrap();
    assert_eq!(world.what_is_wrong().await, "");
}

#[tokio::test]
async fn a_service_that_lacks_any_of_its_tables_is_not_ready() {
    let world = World::new().await;
    let file = world.folder.path().join("customers.sqlite");
    let mut other = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    for table in ["customer", "customer_record", "authorization_code", "guest", "change", "creation"] {
        // As a restore of only some tables leaves it.
        let renamed = |from: &str, to: &str| AssertSqlSafe(format!("ALTER TABLE {from} RENAME TO {to}"));
        sqlx::raw_sql("PRAGMA legacy_alter_table = ON").execute(&mut other).await.unwrap();
        sqlx::query(renamed(table, "elsewhere")).execute(&mut other).await.unwrap();
        let wrong = world.what_is_wrong().await;
        assert!(wrong.contains("database: ") && wrong.contains(table), "{table}: {wrong}");
        sqlx::query(renamed("elsewhere", table)).execute(&mut other).await.unwrap();
        assert_eq!(world.what_is_wrong().await, "");
    }
}

#[tokio::test]
async fn a_service_without_the_sites_keys_is_not_ready() {
    let site = Server::start(Router::new().route("/keys", get(async || "no keys"))).await;
    let keys = JsonWebKeys::remote(site.url("/keys").parse().unwrap(), Duration::from_secs(5)).unwrap();
    let world = World::with(Given { session_key: Some(SessionKey::PublicKeys(keys)), ..Given::default() }).await;
    let faults = world.what_is_wrong().await;
    assert!(faults.starts_with("session keys: ") && faults.contains("no JSON Web Key Set"), "{faults}");
    assert!(!faults.contains(&site.address.to_string()), "where the keys are is nobody's business: {faults}");
}

#[tokio::test]
async fn why_the_sites_keys_do_not_come_is_told_in_words() {
    let moved = || async { (StatusCode::FOUND, [(LOCATION, "/elsewhere")]) };
    let silent = || async { std::future::pending::<()>().await };
    let site = Server::start(Router::new().route("/moved", get(moved)).route("/silent", get(silent))).await;
    let gone = Server::start(Router::new()).await;
    let nobody = gone.url("/keys");
    gone.stop().await.unwrap();
    let in_clear = site.url("/keys").replace("http:", "https:");
    let unknown = "https://host.invalid/keys".to_owned();
    for (url, words) in [
        (site.url("/moved"), "a redirect, which is not followed"),
        (site.url("/absent"), "status 404"),
        (site.url("/silent"), "no answer in time"),
        (nobody, "Connection refused"),
        (in_clear, "no connection, "),
        (unknown, "lookup"),
    ] {
        let keys = JsonWebKeys::remote(url.parse().unwrap(), Duration::from_millis(500)).unwrap();
        let world = World::with(Given { session_key: Some(SessionKey::PublicKeys(keys)), ..Given::default() }).await;
        let faults = world.what_is_wrong().await;
        assert!(faults.starts_with("session keys: ") && faults.contains(words), "{url}: {faults}");
        assert!(!faults.contains(url.split('/').nth(2).unwrap()), "where the keys are is nobody's business: {faults}");
    }
}

#[tokio::test]
async fn a_service_that_signs_is_ready_with_its_key() {
    let site = Site::new().await;
    assert_eq!(site.world.what_is_wrong().await, "");
}

/// Who reads waits for nobody who writes.
#[tokio::test]
async fn readers_are_answered_while_writers_wait() {
    let site = Site::new().await;
    site.put("ada", json!({ "given_name": "Ada" })).await;
    let file = site.world.folder.path().join("customers.sqlite");
    let mut other = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let put = site.admin("PUT", &format!("customer-{number}")).json(&json!({ "given_name": "Eve" }));
            tokio::spawn(put.send())
        })
        .collect();
    for _ in 0..5 {
        let read = timeout(Duration::from_secs(3), site.admin("GET", "ada").send()).await;
        assert_eq!(read.expect("a reader waits").unwrap().status(), 200);
        assert_eq!(timeout(Duration::from_secs(3), site.world.get("/healthz")).await.unwrap().status(), 200);
    }
    assert!(writers.iter().all(|writer| !writer.is_finished()), "the lock was in nobody's way");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    for writer in writers {
        assert_eq!(writer.await.unwrap().unwrap().status(), 204);
    }
}
