//! The database goes away and comes back: refusals that say when to come again, nothing lost, no restart needed.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use demo::livechat_accounts::Faults;
use futures_util::future::join_all;
use identity_service::customer::CustomerId;
use reqwest::RequestBuilder;
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::{
    postgres_server::PostgresServer,
    site::{Replica, Site, read, until},
};

/// A session is waited for 6 s and a statement 4 s; no request may hang for longer than both and some slowness.
const LONGEST_REFUSAL: Duration = Duration::from_secs(12);

/// Everything that needs the database, none of it answered from memory.
fn requests(site: &Site, replica: &Replica, customer: &str, code: &str) -> Vec<RequestBuilder> {
    let posts = ["/livechat/token", "/omnichannel/token", "/live-assist/token", "/live-assist/code"];
    let mut requests: Vec<_> = posts.iter().map(|path| site.post(replica, path, customer)).collect();
    requests.extend([site.put_record(replica, customer), site.redeem(replica, code)]);
    requests
}

/// Sends a request that has to be refused because of the store, and soon.
async fn refused(request: RequestBuilder) {
    let answer = request.timeout(LONGEST_REFUSAL).send().await.unwrap();
    let what = answer.url().path().to_owned();
    assert_eq!(answer.status(), 503, "{what}");
    assert_eq!(answer.headers()["content-type"], "application/problem+json", "{what}");
    let seconds: u32 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{what}: Retry-After {seconds}");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "store_unavailable", "{what}");
}

/// Sends everything to every replica at the same time and wants it refused.
async fn all_refused(site: &Site, replicas: &[Replica], code: &str) {
    let all = replicas.iter().enumerate().flat_map(|(number, replica)| {
        // A customer whom no replica has a token for.
        requests(site, replica, &format!("stranger-{number}"), code)
    });
    join_all(all.map(refused)).await;
}

/// Waits until a replica is well by its own account, then wants everything of it.
async fn all_well(site: &Site, replica: &Replica, customer: &str, code: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while site.http.get(format!("{}/readyz", replica.url)).send().await.unwrap().status() != 200 {
        assert!(Instant::now() < deadline, "{} does not recover", replica.client_id);
    }
    assert_eq!(site.put_record(replica, customer).send().await.unwrap().status(), 204);
    for request in requests(site, replica, customer, code) {
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{} {}", answer.url().path(), answer.status());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_stops_and_comes_back() {
    let mut server = PostgresServer::start().await;
    let site = Site::new(Some(server.url())).await;
    let replicas = site.replicas(2, 8);
    for (number, replica) in replicas.iter().enumerate() {
        assert_eq!(site.put_record(replica, "ada").send().await.unwrap().status(), 204);
        let code = site.code(replica, "ada").await;
        all_well(&site, replica, &format!("before-{number}"), &code).await;
    }
    let kept = read(site.post(&replicas[0], "/livechat/token", "ada").send().await.unwrap()).await;
    let codes = [site.code(&replicas[0], "ada").await, site.code(&replicas[1], "ada").await];

    // The database stops after LiveChat created a customer and before its answer.
    let faults = Faults { latency_ms: Some(1000), remaining: Some(1), ..Faults::default() };
    let known = {
        let mut ledger = site.stand_in.ledger();
        ledger.faults = faults;
        ledger.customers.clone()
    };
    let eve = tokio::spawn(refused(site.post(&replicas[0], "/livechat/token", "eve")));
    until("eve's entity", || site.stand_in.ledger().customers.len() > known.len()).await;
    server.stop();
    eve.await.unwrap();
    let created: Vec<String> = site.stand_in.ledger().customers.difference(&known).cloned().collect();

    all_refused(&site, &replicas, &codes[0]).await;
    let still = read(site.post(&replicas[0], "/livechat/token", "ada").send().await.unwrap()).await;
    assert_eq!(still["access_token"], kept["access_token"], "what is kept in memory needs no database");
    refused(site.post(&replicas[0], "/livechat/token", "eve")).await;

    server.resume().await;
    for (number, (replica, code)) in replicas.iter().zip(&codes).enumerate() {
        // The code was not spent by a redemption that could not be written.
        all_well(&site, replica, &format!("after-{number}"), code).await;
    }
    for replica in &replicas {
        let token = read(site.post(replica, "/livechat/token", "eve").send().await.unwrap()).await;
        assert_eq!([token["entity_id"].as_str().unwrap()], created[..], "eve's entity is lost");
    }
    let stored = site.store().await.entity(&CustomerId::parse("eve").unwrap()).await.unwrap().unwrap();
    assert_eq!(stored.as_str(), created[0]);
}

/// A database that takes every statement and ends none, as when somebody holds a lock and went home.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_does_not_answer_and_does_again() {
    let server = PostgresServer::start().await;
    let site = Site::new(Some(server.url())).await;
    let replicas = site.replicas(1, 8);
    assert_eq!(site.put_record(&replicas[0], "ada").send().await.unwrap().status(), 204);
    let code = site.code(&replicas[0], "ada").await;
    let mut other = PgConnection::connect(&server.url()).await.unwrap();
    let mut transaction = other.begin().await.unwrap();
    let lock = "LOCK TABLE customer, creation, customer_record, authorization_code IN ACCESS EXCLUSIVE MODE";
    sqlx::query(lock).execute(&mut *transaction).await.unwrap();
    for _ in 0..2 {
        // Nothing is redeemed here: the statement may take effect when the lock is gone.
        all_refused(&site, &replicas, "no code").await;
    }
    let connected = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
    let connected: i64 = sqlx::query_scalar(connected).fetch_one(&mut *transaction).await.unwrap();
    assert!(connected <= 9, "{connected} connections, of eight that the replica may have and the test's own");
    transaction.rollback().await.unwrap();
    all_well(&site, &replicas[0], "after", &code).await;
}

/// A file system of one megabyte, which only root can make, and which ends with the test.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder.path()).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Self(folder))
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut file = fs::File::create(self.0.path().join("filler")).unwrap();
        while file.write(&[0; 512]).is_ok_and(|written| written > 0) {}
    }

    fn empty(&self) {
        fs::remove_file(self.0.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The program that is still being ended may have files there.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

/// Nothing can be written, and what is there can be read; with room again, all goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_gets_full_and_has_room_again() {
    let Some(disk) = SmallDisk::new() else {
        println!("not tried: only root can make a small disk");
        return;
    };
    let site = Site::new(Some(format!("sqlite:{}", disk.0.path().join("customers.sqlite").display()))).await;
    let replica = site.replica("replica", 8);
    assert_eq!(site.put_record(&replica, "ada").send().await.unwrap().status(), 204);
    let kept = read(site.post(&replica, "/livechat/token", "ada").send().await.unwrap()).await;
    disk.fill();
    let ready = || site.http.get(format!("{}/readyz", replica.url)).send();
    // What is written into the pages that the file has already may still go through.
    let mut number = 0;
    let deadline = Instant::now() + Duration::from_secs(30);
    while site.put_record(&replica, &format!("customer-{number}")).send().await.unwrap().status() == 204 {
        assert!(Instant::now() < deadline, "the disk is never full");
        number += 1;
    }
    refused(site.put_record(&replica, "eve")).await;
    refused(site.post(&replica, "/livechat/token", "eve")).await;
    let answer: Value = ready().await.unwrap().json().await.unwrap();
    assert!(answer["detail"].as_str().unwrap_or_default().contains("database or disk is full"), "{answer}");
    assert_eq!(site.post(&replica, "/omnichannel/token", "ada").send().await.unwrap().status(), 200);
    let still = read(site.post(&replica, "/livechat/token", "ada").send().await.unwrap()).await;
    assert_eq!(still["access_token"], kept["access_token"]);

    disk.empty();
    let ended = Instant::now();
    while ready().await.unwrap().status() != 200 {
        assert!(ended.elapsed() < Duration::from_secs(2), "not back after {:?}", ended.elapsed());
    }
    assert_eq!(site.put_record(&replica, "eve").send().await.unwrap().status(), 204);
    let eve = read(site.post(&replica, "/livechat/token", "eve").send().await.unwrap()).await;
    assert!(eve["entity_id"].is_string());
}
