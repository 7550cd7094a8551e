//! `POST /livechat/token` and `/livechat/transfer` when everything goes well.

use std::{collections::HashSet, time::Duration};

use custom_identity_provider::core::{self, Answer, Fields, Moment, Value as Member, read_answer};
use demo::livechat_accounts::Faults;
use futures_util::future::join_all;
use identity_service::{livechat::accounts::Account, proof_key::CodeChallenge};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Given, ORGANIZATION, World, until};

#[tokio::test]
async fn a_token_has_the_documented_members() {
    let world = World::new().await;
    let response = world.post("/livechat/token", "ada").await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    let token: Value = response.json().await.unwrap();
    let mut members: Vec<&String> = token.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["access_token", "entity_id", "expires_in", "organization_id", "token_type"]);
    assert_eq!(token["organization_id"], ORGANIZATION);
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["expires_in"], 28_800);
    assert!(world.stand_in.ledger().tokens.contains_key(token["access_token"].as_str().unwrap()));
}

/// A JSON object as the package's core reads it.
struct Members(Value);

impl Fields for Members {
    fn field(&self, name: &str) -> Member {
        match self.0.get(name) {
            None => Member::Missing,
            Some(Value::String(text)) => Member::Text(text.clone()),
            Some(Value::Number(number)) => Member::Number(number.as_f64().unwrap()),
            Some(_) => Member::Other("something else"),
        }
    }
}

#[tokio::test]
async fn the_package_reads_what_the_service_answers() {
    let world = World::new().await;
    let raw = Members(world.token("ada").await);
    let now = Moment { wall: 1_800_000_000_000, monotonic: 1_000 };
    let account = core::Account { license_id: None, organization_id: Some(ORGANIZATION.to_owned()) };
    let (grant, warnings) = read_answer(&Answer::Object(&raw), &core::Kind::Token(account), now, now).unwrap();
    let core::Credential::Token(token) = grant.credential else { panic!("no token of LiveChat's") };
    assert_eq!(Some(token.access_token.as_str()), raw.0["access_token"].as_str());
    assert_eq!(token.expires_in, 28_800_000);
    assert_eq!(warnings, []);
}

#[tokio::test]
async fn a_kept_token_is_given_with_the_seconds_it_has_left() {
    let world = World::new().await;
    let first = world.token("ada").await;
    world.clock.advance(1000);
    let second = world.token("ada").await;
    assert_eq!(second["access_token"], first["access_token"]);
    assert_eq!(second["expires_in"], 27_800);
    assert_eq!(world.issued(), 1);
}

#[tokio::test]
async fn a_token_with_little_life_left_is_fetched_anew_for_the_same_entity() {
    let world = World::new().await;
    let first = world.token("ada").await;
    world.clock.advance(28_800 * 3 / 4 - 1);
    assert_eq!(world.token("ada").await["access_token"], first["access_token"]);
    world.clock.advance(2);
    let second = world.token("ada").await;
    assert_ne!(second["access_token"], first["access_token"]);
    assert_eq!(second["entity_id"], first["entity_id"]);
    assert_eq!(second["expires_in"], 28_800);
    assert_eq!((world.customers(), world.issued()), (1, 2));
}

#[tokio::test]
async fn a_page_can_ask_for_a_fresh_token_but_not_too_often() {
    let world = World::with(Given { fresh_after: Duration::from_secs(5), ..Given::default() }).await;
    let fresh = async || {
        let request = world.http.post(world.server.url("/livechat/token")).bearer_auth(world.session("ada"));
        let response = request.header("cache-control", "max-age=0, No-Cache").send().await.unwrap();
        response.json::<Value>().await.unwrap()["access_token"].clone()
    };
    let first = world.token("ada").await["access_token"].clone();
    assert_eq!(fresh().await, first);
    world.clock.advance(6);
    assert_eq!(world.token("ada").await["access_token"], first);
    let second = fresh().await;
    assert_ne!(second, first);
    assert_eq!(world.token("ada").await["access_token"], second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_first_requests_of_one_customer_create_one_entity() {
    let world = World::new().await;
    world.faults(Faults { latency_ms: Some(300), ..Faults::default() });
    let tokens = join_all((0..300).map(|_| world.token("ada"))).await;
    let distinct: HashSet<String> = tokens.iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), 1);
    assert_eq!((world.customers(), world.issued()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_database_create_one_entity() {
    let world = World::new().await;
    world.faults(Faults { latency_ms: Some(300), ..Faults::default() });
    let (_service, other) = world.another().await;
    let ask = async |index: usize| {
        let url =
            if index.is_multiple_of(2) { world.server.url("/livechat/token") } else { other.url("/livechat/token") };
        let response = world.http.post(url).bearer_auth(world.session("ada")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json::<Value>().await.unwrap()["entity_id"].clone()
    };
    let entities = join_all((0..20).map(ask)).await;
    assert!(entities.iter().all(|entity| *entity == entities[0]));
    assert_eq!(world.customers(), 1);
}

#[tokio::test]
async fn two_customers_never_share_an_entity_or_a_token() {
    let world = World::new().await;
    let (ada, grace) = (world.token("ada").await, world.token("grace").await);
    assert_ne!(ada["entity_id"], grace["entity_id"]);
    assert_ne!(ada["access_token"], grace["access_token"]);
    assert_eq!(world.token("ada").await, ada);
}

#[tokio::test]
async fn a_caller_who_leaves_in_the_middle_loses_no_entity() {
    let world = World::new().await;
    world.faults(Faults { latency_ms: Some(700), remaining: Some(1), ..Faults::default() });
    let request = world.http.post(world.server.url("/livechat/token")).bearer_auth(world.session("ada")).send();
    let caller = tokio::spawn(request);
    until("the entity was created", || world.customers() == 1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled(), "the caller was answered before it left");
    let token = world.token("ada").await;
    assert!(world.stand_in.ledger().customers.contains(token["entity_id"].as_str().unwrap()));
    assert_eq!((world.customers(), world.issued()), (1, 1));
}

#[tokio::test]
async fn a_restart_keeps_who_is_who() {
    let world = World::new().await;
    let before = world.token("ada").await;
    let (_service, restarted) = world.another().await;
    let request = world.http.post(restarted.url("/livechat/token")).bearer_auth(world.session("ada"));
    let after: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(after["entity_id"], before["entity_id"]);
    assert_ne!(after["access_token"], before["access_token"]);
    assert_eq!(world.customers(), 1);
}

#[tokio::test]
async fn with_a_licence_version_1_is_asked() {
    let world = World::with(Given { account: Account::License { license_id: 12_345 }, ..Given::default() }).await;
    let token = world.token("ada").await;
    assert_eq!(token["license_id"], 12_345);
    assert_eq!(token.get("organization_id"), None);
    assert_eq!(world.stand_in.ledger().requests[0].path, "/customer/token");
}

#[tokio::test]
async fn a_transfer_creates_the_customer_and_its_code_works_once_with_its_verifier() {
    let world = World::new().await;
    let verifier = "a-code-verifier-of-at-least-43-characters-and-more";
    let challenge = CodeChallenge::of_verifier(verifier).unwrap();
    let request = world.http.post(world.server.url("/livechat/transfer")).bearer_auth(world.session("ada"));
    let response = request.json(&json!({ "code_challenge": challenge.as_str() })).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let transfer: Value = response.json().await.unwrap();
    assert_eq!(transfer["expires_in"], 3600);
    let exchange = async || {
        let body = json!({ "grant_type": "identity_token", "client_id": "client",
            "code": transfer["identity_transfer_token"], "code_verifier": verifier });
        let url = world.stand_in_server.url("/v2/customer/token");
        world.http.post(url).json(&body).send().await.unwrap()
    };
    let token: Value = exchange().await.json().await.unwrap();
    assert_eq!(token["entity_id"], world.token("ada").await["entity_id"]);
    assert_eq!(exchange().await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(world.customers(), 1);
}

#[tokio::test]
async fn a_shutdown_lets_a_running_request_finish() {
    let world = World::new().await;
    world.faults(Faults { latency_ms: Some(300), ..Faults::default() });
    let (http, session) = (world.http.clone(), world.session("ada"));
    let url = world.server.url("/livechat/token");
    let request = tokio::spawn(http.post(url.clone()).bearer_auth(session).send());
    until("the stand-in works on it", || world.customers() == 1).await;
    let stopped = world.server.stop();
    assert_eq!(request.await.unwrap().unwrap().status(), StatusCode::OK);
    stopped.await.unwrap();
    world.service.finish().await;
    assert!(http.post(url).send().await.unwrap_err().is_connect());
}
