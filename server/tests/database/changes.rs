//! What one replica or a hand changes is seen by the others within a second, although they keep it in memory.

use std::{
    fs,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use crate::{
    postgres_server::PostgresServer,
    site::{CONTACT, Replica, Site, read},
};

/// Nothing that is older may be told.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

/// What the replica says of a customer: the name in a signed token.
async fn name(site: &Site, replica: &Replica, customer: &str) -> Value {
    let answer = read(site.post(replica, "/omnichannel/token", customer).send().await.unwrap()).await;
    let claims = answer["token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims["given_name"].clone()
}

/// The entity of the LiveChat token that the replica gives a customer.
async fn entity(site: &Site, replica: &Replica, customer: &str) -> Value {
    read(site.post(replica, "/livechat/token", customer).send().await.unwrap()).await["entity_id"].clone()
}

/// Asks until the answer is another one. No request that leaves later than a second after the change may get the old one.
async fn seen(old: &Value, ask: impl AsyncFn() -> Value) -> Value {
    let changed = Instant::now();
    loop {
        let asked = changed.elapsed();
        let answer = ask().await;
        if answer != *old {
            return answer;
        }
        assert!(asked < SEEN_WITHIN, "{old} is told {asked:?} after it was changed");
    }
}

fn record(name: &str) -> Value {
    json!({ "contact_id": CONTACT, "given_name": name })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_another_replica_or_a_hand_changed_is_signed_anew_within_a_second() {
    let server = PostgresServer::start().await;
    let site = Site::new(Some(server.url())).await;
    let replicas = site.replicas(2, 8);
    let [one, other] = replicas.as_slice() else { panic!() };
    assert_eq!(name(&site, one, "ada").await, Value::Null, "that there is none is remembered, too");
    for round in 0..5 {
        let old = name(&site, one, "ada").await;
        assert_eq!(name(&site, one, "ada").await, old);
        let new = format!("name-{round}");
        site.administer(other, "PUT", "ada", record(&new)).await;
        assert_eq!(seen(&old, async || name(&site, one, "ada").await).await, new);
        assert_eq!(name(&site, other, "ada").await, new, "who changed it knows at once");
    }
    let mut database = PgConnection::connect(&server.url()).await.unwrap();
    // Of somebody who may do no more than this, and has another search path.
    sqlx::raw_sql(
        "CREATE ROLE clerk; GRANT SELECT, UPDATE ON customer_record TO clerk; SET ROLE clerk; SET search_path = '';
         UPDATE public.customer_record SET record = replace(record, 'name-4', 'by hand')",
    )
    .execute(&mut database)
    .await
    .unwrap();
    assert_eq!(seen(&json!("name-4"), async || name(&site, one, "ada").await).await, "by hand");
    site.administer(other, "DELETE", "ada", json!({})).await;
    assert_eq!(seen(&json!("by hand"), async || name(&site, one, "ada").await).await, Value::Null);
}

/// A transaction that began earlier and ends later than those that are heard of is heard of, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_is_committed_late_is_not_missed() {
    let server = PostgresServer::start().await;
    let site = Site::new(Some(server.url())).await;
    let replica = site.replica("replica", 8);
    site.administer(&replica, "PUT", "ada", record("early")).await;
    let mut database = PgConnection::connect(&server.url()).await.unwrap();
    let mut late = database.begin().await.unwrap();
    let change = "UPDATE customer_record SET record = replace(record, 'early', 'late') WHERE customer_id = 'ada'";
    sqlx::query(change).execute(&mut *late).await.unwrap();
    for number in 0..5 {
        site.administer(&replica, "PUT", &format!("customer-{number}"), record("other")).await;
        // Longer than the replica takes to hear of it.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(name(&site, &replica, "ada").await, "early");
    }
    late.commit().await.unwrap();
    assert_eq!(seen(&json!("early"), async || name(&site, &replica, "ada").await).await, "late");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_token_of_an_entity_that_another_replica_replaced_or_erased_is_given_out_no_more() {
    let server = PostgresServer::start().await;
    let site = Site::new(Some(server.url())).await;
    let replicas = site.replicas(2, 8);
    let [one, other] = replicas.as_slice() else { panic!() };
    let (old, new) = (entity(&site, one, "ada").await, entity(&site, other, "bob").await);
    assert_eq!(entity(&site, other, "ada").await, old);
    site.administer(other, "PUT", "ada/entity", json!({ "entity_id": new, "replace": true })).await;
    assert_eq!(seen(&old, async || entity(&site, one, "ada").await).await, new);
    let asked = site.stand_in.ledger().tokens_issued;
    for replica in [one, other, one, other] {
        assert_eq!(entity(&site, replica, "ada").await, new);
    }
    assert!(site.stand_in.ledger().tokens_issued <= asked + 1, "tokens of the new entity are kept");

    site.administer(other, "DELETE", "ada", json!({})).await;
    let anew = seen(&new, async || entity(&site, one, "ada").await).await;
    assert_ne!(anew, old, "who comes back is somebody new");
    assert_eq!(entity(&site, other, "bob").await, new, "others keep theirs");
}

/// A dump brings the list of changes along, with the numbers of a server that had seen more transactions than the new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_the_server_from_which_the_database_was_restored_are_heard_no_more() {
    let server = PostgresServer::start().await;
    let site = Site::new(Some(server.url())).await;
    entity(&site, &site.replica("first", 8), "ada").await;
    let mut database = PgConnection::connect(&server.url()).await.unwrap();
    let restored = "INSERT INTO change (number, what, customer_id) VALUES (1000000000000, 'entity', 'ada')";
    sqlx::query(restored).execute(&mut database).await.unwrap();
    let replica = site.replica("second", 8);
    let asked = site.stand_in.ledger().tokens_issued;
    for _ in 0..3 {
        entity(&site, &replica, "ada").await;
        // Longer than the replica takes to hear of it.
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    assert_eq!(site.stand_in.ledger().tokens_issued, asked + 1, "the token is kept");
    let left = "SELECT count(*) FROM change WHERE number = 1000000000000";
    assert_eq!(sqlx::query_scalar::<_, i64>(left).fetch_one(&mut database).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_command_imports_is_heard_by_a_process_on_sqlite() {
    let site = Site::new(None).await;
    let replica = site.replica("replica", 8);
    let (old, new) = (entity(&site, &replica, "ada").await, entity(&site, &replica, "bob").await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("customers.csv");
    fs::write(&file, format!("customer_id,entity_id\nada,{}\n", new.as_str().unwrap())).unwrap();
    site.customers(&["import", "--replace", file.to_str().unwrap()]);
    assert_eq!(seen(&old, async || entity(&site, &replica, "ada").await).await, new);
}
