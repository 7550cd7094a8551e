//! What happens when accounts is down, slow, or answers nonsense: no entity is lost, none is doubled.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, http::StatusCode, routing::post};
use demo::livechat_accounts::Faults;
use identity_service::{
    customer::{CustomerId, EntityId},
    customer_store::{Creation, CustomerStore},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::support::{Given, ORGANIZATION, Server, World, until};

/// The database counts a lease in whole milliseconds of the wall clock, a test by the monotonic one.
const CLOCKS_DIFFER: Duration = Duration::from_millis(100);

/// Each fault, the answer to expect, and whether `Retry-After` comes with it.
fn faults() -> Vec<(Faults, u16, &'static str, Option<&'static str>)> {
    vec![
        (Faults { status: Some(500), ..Faults::default() }, 503, "accounts_unavailable", Some("5")),
        (
            Faults { status: Some(503), retry_after: Some(17), ..Faults::default() },
            503,
            "accounts_unavailable",
            Some("17"),
        ),
        (
            Faults { status: Some(429), retry_after: Some(7), ..Faults::default() },
            503,
            "accounts_rate_limited",
            Some("7"),
        ),
        (Faults { html: true, ..Faults::default() }, 502, "accounts_nonsense", None),
        (Faults { cut_connection: true, ..Faults::default() }, 503, "accounts_unreachable", Some("5")),
    ]
}

#[tokio::test]
async fn a_failing_first_creation_is_told_and_creates_nothing_twice() {
    let world = World::new().await;
    for (index, (fault, status, code, retry_after)) in faults().into_iter().enumerate() {
        let customer = format!("customer-{index}");
        world.faults(fault.clone());
        let (found, body, found_retry_after) = world.problem(&customer).await;
        assert_eq!((found, body["code"].as_str().unwrap()), (status, code), "{fault:?}");
        assert_eq!(found_retry_after.as_deref(), retry_after, "{fault:?}");
        assert_eq!(world.customers(), index);
        world.faults(Faults::default());
        world.token(&customer).await;
        assert_eq!(world.customers(), index + 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_failure_loses_no_known_entity() {
    let world = World::new().await;
    let before = world.token("ada").await;
    for (fault, status, code, _) in faults() {
        world.clock.advance(28_800);
        world.faults(fault.clone());
        let (found, body, _) = world.problem("ada").await;
        assert_eq!((found, body["code"].as_str().unwrap()), (status, code), "{fault:?}");
        world.faults(Faults::default());
        assert_eq!(world.token("ada").await["entity_id"], before["entity_id"]);
    }
    assert_eq!(world.customers(), 1);
}

#[tokio::test]
async fn accounts_that_is_down_is_503() {
    let dead = Server::start(Router::new()).await;
    let url = dead.url("");
    dead.stop().await.unwrap();
    let world = World::with(Given { accounts_url: Some(url), ..Given::default() }).await;
    let (status, body, retry_after) = world.problem("ada").await;
    assert_eq!((status, body["code"].as_str().unwrap()), (503, "accounts_unreachable"));
    assert_eq!(retry_after.as_deref(), Some("5"));
}

#[tokio::test]
async fn a_slow_creation_is_504_and_its_late_answer_is_still_remembered() {
    let world = World::with(Given { timeout: Duration::from_millis(500), ..Given::default() }).await;
    world.faults(Faults { latency_ms: Some(4000), ..Faults::default() });
    for _ in 0..3 {
        let (status, body, _) = world.problem("ada").await;
        assert_eq!((status, body["code"].as_str().unwrap()), (504, "accounts_slow"));
    }
    world.faults(Faults::default());
    until("the late answer came", || !world.stand_in.ledger().requests.is_empty()).await;
    let store = store(&world).await;
    let ada = CustomerId::parse("ada").unwrap();
    while store.entity(&ada).await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let token = world.token("ada").await;
    assert_eq!(store.entity(&ada).await.unwrap().unwrap().as_str(), token["entity_id"]);
    assert_eq!((world.customers(), world.issued()), (1, 1));
}

#[tokio::test]
async fn a_slow_token_of_a_known_entity_is_504() {
    let world = World::with(Given { timeout: Duration::from_secs(1), ..Given::default() }).await;
    world.token("ada").await;
    world.clock.advance(28_800);
    world.faults(Faults { latency_ms: Some(5_000), ..Faults::default() });
    assert_eq!(world.problem("ada").await.0, 504);
}

#[tokio::test]
async fn a_refused_agent_token_is_the_operators_problem() {
    let given = Given { agent_token: Some("a-wrong-agent-token".to_owned()), ..Given::default() };
    let world = World::with(given).await;
    let (status, body, _) = world.problem("ada").await;
    assert_eq!((status, body["code"].as_str().unwrap()), (502, "accounts_refused_service"));
    assert_eq!(body.get("oauth_exception"), None);
    assert!(!body.to_string().contains("a-wrong-agent-token"));
}

async fn store(world: &World) -> CustomerStore {
    let url = format!("sqlite:{}", world.folder.path().join("customers.sqlite").display());
    CustomerStore::connect(&url, 4, format!("organization:{ORGANIZATION}")).await.unwrap()
}

/// An accounts that answers what it is told to.
async fn scripted() -> (Server, Arc<Mutex<(u16, String)>>, Arc<Mutex<Vec<Value>>>) {
    let script = Arc::new(Mutex::new((200, String::new())));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (answer, log) = (Arc::clone(&script), Arc::clone(&seen));
    let handler = move |body: axum::Json<Value>| async move {
        log.lock().unwrap().push(body.0);
        let (status, text) = answer.lock().unwrap().clone();
        (StatusCode::from_u16(status).unwrap(), text)
    };
    (Server::start(Router::new().route("/v2/customer/token", post(handler))).await, script, seen)
}

fn valid(entity: &str) -> Value {
    json!({ "access_token": "a-token", "entity_id": entity, "expires_in": 100, "token_type": "Bearer",
        "organization_id": ORGANIZATION })
}

#[tokio::test]
async fn an_entity_whose_token_is_nonsense_is_kept() {
    let (accounts, script, seen) = scripted().await;
    let world = World::with(Given { accounts_url: Some(accounts.url("")), ..Given::default() }).await;
    let longest = custom_identity_provider::core::LONGEST_LIFETIME / 1_000;
    for lifetime in [json!("soon"), json!(longest + 1)] {
        let mut nonsense = valid("entity-1");
        nonsense["expires_in"] = lifetime;
        *script.lock().unwrap() = (200, nonsense.to_string());
        let (status, body, _) = world.problem("ada").await;
        assert_eq!(status, 502);
        assert!(body["detail"].as_str().unwrap().contains("expires_in"));
    }
    let mut longest_lived = valid("entity-1");
    longest_lived["expires_in"] = json!(longest);
    *script.lock().unwrap() = (200, longest_lived.to_string());
    assert_eq!(world.token("ada").await["entity_id"], "entity-1");
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0].get("entity_id"), None);
    assert_eq!(seen[1]["entity_id"], "entity-1");
}

#[tokio::test]
async fn another_entity_than_the_stored_one_is_refused_and_the_stored_one_kept() {
    let (accounts, script, seen) = scripted().await;
    let world = World::with(Given { accounts_url: Some(accounts.url("")), ..Given::default() }).await;
    *script.lock().unwrap() = (200, valid("entity-1").to_string());
    world.token("ada").await;
    world.clock.advance(100);
    *script.lock().unwrap() = (200, valid("entity-2").to_string());
    let (status, body, _) = world.problem("ada").await;
    assert_eq!((status, body["code"].as_str().unwrap()), (502, "accounts_nonsense"));
    *script.lock().unwrap() = (200, valid("entity-1").to_string());
    assert_eq!(world.token("ada").await["entity_id"], "entity-1");
    assert!(seen.lock().unwrap()[1..].iter().all(|body| body["entity_id"] == "entity-1"));
}

#[tokio::test]
async fn what_is_final_for_the_customer_is_passed_on_and_nothing_else() {
    let (accounts, script, _) = scripted().await;
    let world = World::with(Given { accounts_url: Some(accounts.url("")), ..Given::default() }).await;
    let say = async |member: &str, name: &str, customer: &str| {
        *script.lock().unwrap() = (401, json!({ member: name, "exception_description": "words" }).to_string());
        let (status, body, _) = world.problem(customer).await;
        (status, body["code"].as_str().unwrap().to_owned(), body.get(member).cloned())
    };
    for name in ["identity_lost", "access_denied", "unauthorized", "invalid_request", "credentials_login_disabled"] {
        let expected = (403, "accounts_refused_customer".to_owned(), Some(json!(name)));
        assert_eq!(say("identity_exception", name, "ada").await, expected);
    }
    for name in ["unauthorized_client", "invalid_client", "access_denied", "resource_not_found", "a-secret-by-mistake"]
    {
        assert_eq!(say("oauth_exception", name, "ada").await, (502, "accounts_refused_service".to_owned(), None));
    }
    for member in ["identity_exception", "oauth_exception"] {
        assert_eq!(say(member, "server_error", "ada").await, (503, "accounts_unavailable".to_owned(), None));
    }
}

#[tokio::test]
async fn an_entity_that_livechat_no_longer_knows_is_told_as_such() {
    let world = World::new().await;
    world.token("ada").await;
    world.clock.advance(28_800);
    world.stand_in.ledger().customers.clear();
    let (status, body, _) = world.problem("ada").await;
    assert_eq!((status, body["oauth_exception"].as_str().unwrap()), (403, "resource_not_found"));
    assert_eq!(world.customers(), 0);
}

#[tokio::test]
async fn after_a_process_died_in_a_creation_another_one_waits_for_its_lease_and_then_creates() {
    let world = World::new().await;
    let store = store(&world).await;
    let ada = CustomerId::parse("ada").unwrap();
    let (began, lease) = (Instant::now(), Duration::from_secs(2));
    let first = store.begin_creation(&ada, lease).await.unwrap();
    assert!(matches!(first, Creation::Begun { one_was_lost: false, .. }));
    let second = store.begin_creation(&ada, Duration::from_secs(1)).await.unwrap();
    assert!(matches!(second, Creation::Elsewhere(_)), "{second:?}");
    world.token("ada").await;
    assert!(began.elapsed() + CLOCKS_DIFFER >= lease, "did not wait for the lease");
    assert_eq!(world.customers(), 1);
}

#[tokio::test]
async fn a_new_entity_that_cannot_be_written_is_written_at_the_next_request() {
    let world = World::new().await;
    world.faults(Faults { latency_ms: Some(500), ..Faults::default() });
    let file = world.folder.path().join("customers.sqlite");
    let mut other = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    let asked = world.problem("ada");
    let locked = async {
        until("the entity was created", || world.customers() == 1).await;
        // Nobody else can write now; the service gives up after its busy timeout.
        sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    };
    let ((status, body, _), ()) = tokio::join!(asked, locked);
    assert_eq!((status, body["code"].as_str().unwrap()), (503, "store_unavailable"));
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    let token = world.token("ada").await;
    assert!(world.stand_in.ledger().customers.contains(token["entity_id"].as_str().unwrap()));
    assert_eq!(world.customers(), 1);
}

/// SQLite takes a whole transaction back when the disk is full. Whatever comes after that is written, or is not said to be.
#[tokio::test]
async fn after_a_write_that_the_database_took_back_what_is_answered_is_on_disk() {
    let world = World::new().await;
    let file = world.database_file();
    let mut other = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    for (table, how) in [("customer", "ROLLBACK"), ("creation", "FAIL")] {
        let trigger = format!(
            "CREATE TRIGGER full_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE({how}, 'disk is full'); END"
        );
        sqlx::query(AssertSqlSafe(trigger)).execute(&mut other).await.unwrap();
        let (status, body, _) = world.problem(table).await;
        assert_eq!((status, &body["code"]), (503, &json!("store_unavailable")), "{table}");
        let response = world.http.get(world.server.url("/readyz")).send().await.unwrap();
        assert_eq!(response.status(), if table == "customer" { 200 } else { 503 }, "{table}");
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    for table in ["customer", "creation"] {
        sqlx::query(AssertSqlSafe(format!("DROP TRIGGER full_{table}"))).execute(&mut other).await.unwrap();
    }
    for customer in ["ada", "grace", "customer"] {
        let token = world.token(customer).await;
        let stored: Option<String> = sqlx::query_scalar("SELECT entity_id FROM customer WHERE customer_id = $1")
            .bind(customer)
            .fetch_optional(&mut other)
            .await
            .unwrap();
        assert_eq!(stored.as_deref(), token["entity_id"].as_str(), "{customer}");
    }
}

#[tokio::test]
async fn the_first_entity_that_is_stored_stays() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("customers.sqlite").display());
    let store = CustomerStore::connect(&url, 4, "organization:one".to_owned()).await.unwrap();
    let (ada, entity) = (CustomerId::parse("ada").unwrap(), |text| EntityId::parse(text).unwrap());
    let Creation::Begun { lease, .. } = store.begin_creation(&ada, Duration::ZERO).await.unwrap() else { panic!() };
    let late = store.begin_creation(&ada, Duration::from_secs(9)).await.unwrap();
    let Creation::Begun { lease: late, one_was_lost: true } = late else { panic!("{late:?}") };
    assert_eq!(store.finish_creation(&ada, &late, &entity("first")).await.unwrap(), entity("first"));
    assert_eq!(store.finish_creation(&ada, &lease, &entity("second")).await.unwrap(), entity("first"));
    let other_account = CustomerStore::connect(&url, 4, "organization:two".to_owned()).await.unwrap();
    assert_eq!(other_account.entity(&ada).await.unwrap(), None);
}
