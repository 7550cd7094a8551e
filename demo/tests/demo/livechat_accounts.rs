//! The stand-in keeps to LiveChat's documented behaviour.

use demo::livechat_accounts::Faults;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::{ORGANIZATION, World};

impl World {
    fn accounts(&self, path: &str, body: &Value) -> RequestBuilder {
        // As LiveChat's own client does it: a string body, which is text/plain.
        self.http.post(self.stand_in_server.url(path)).body(body.to_string())
    }
}

async fn refused(response: Response) -> String {
    assert_eq!(response.status(), 401);
    let body: Value = response.json().await.unwrap();
    assert!(body["exception_description"].is_string());
    body["oauth_exception"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_cookie_grant_knows_a_browser_by_its_cookies() {
    let world = World::new().await;
    for (path, cookie_path, account) in [
        ("/v2/customer/token", "Path=/v2/customer;", json!({ "organization_id": ORGANIZATION })),
        ("/customer/token", "Path=/customer;", json!({ "license_id": 12 })),
    ] {
        let mut body = json!({ "grant_type": "cookie", "client_id": "c", "response_type": "token" });
        body.as_object_mut().unwrap().extend(account.as_object().unwrap().clone());
        let ask = |cookies: &str| {
            world.accounts(path, &body).header("origin", "http://127.0.0.1:9").header("cookie", cookies)
        };
        let response = ask("").send().await.unwrap();
        assert_eq!(response.headers()["access-control-allow-origin"], "http://127.0.0.1:9");
        assert_eq!(response.headers()["access-control-allow-credentials"], "true");
        assert!(response.headers()["x-stand-in"].to_str().unwrap().contains("not LiveChat"));
        let set: Vec<String> =
            response.headers().get_all("set-cookie").iter().map(|v| v.to_str().unwrap().to_owned()).collect();
        assert_eq!(set.len(), 2);
        assert!(set.iter().all(|cookie| cookie.contains("HttpOnly") && cookie.contains(cookie_path)), "{set:?}");
        let cookies = set.iter().map(|cookie| cookie.split(';').next().unwrap()).collect::<Vec<_>>().join("; ");
        let first: Value = response.json().await.unwrap();
        let second: Value = ask(&cookies).send().await.unwrap().json().await.unwrap();
        assert_eq!(second["entity_id"], first["entity_id"]);
        assert_ne!(second["access_token"], first["access_token"]);
        let forged = cookies.replace("__lc_cst=", "__lc_cst=x");
        let third: Value = ask(&forged).send().await.unwrap().json().await.unwrap();
        assert_ne!(third["entity_id"], first["entity_id"]);

        body["redirect_uri"] = json!("https://evil.example/page");
        assert_eq!(refused(world.accounts(path, &body).send().await.unwrap()).await, "invalid_request");
    }
}

#[tokio::test]
async fn the_agent_token_grant_wants_the_agent_token_and_a_known_entity() {
    let world = World::new().await;
    let body = json!({ "grant_type": "agent_token", "client_id": "c", "response_type": "token" });
    let ask = |body: &Value, token: &str| world.accounts("/v2/customer/token", body).bearer_auth(token).send();
    assert_eq!(refused(world.accounts("/v2/customer/token", &body).send().await.unwrap()).await, "access_denied");
    assert_eq!(refused(ask(&body, "wrong").await.unwrap()).await, "access_denied");
    let token: Value = ask(&body, &world.agent_token).await.unwrap().json().await.unwrap();
    assert_eq!((token["expires_in"].as_u64(), token["client_id"].as_str()), (Some(28_800), Some("c")));
    let mut known = body.clone();
    known["entity_id"] = token["entity_id"].clone();
    let again: Value = ask(&known, &world.agent_token).await.unwrap().json().await.unwrap();
    assert_eq!(again["entity_id"], token["entity_id"]);
    known["entity_id"] = json!("nobody");
    assert_eq!(refused(ask(&known, &world.agent_token).await.unwrap()).await, "resource_not_found");
    let mut other = body.clone();
    other["grant_type"] = json!("password");
    assert_eq!(refused(ask(&other, &world.agent_token).await.unwrap()).await, "unsupported_grant_type");
    other.as_object_mut().unwrap().remove("client_id");
    assert_eq!(refused(ask(&other, &world.agent_token).await.unwrap()).await, "invalid_request");
}

#[tokio::test]
async fn a_customer_can_transfer_its_own_identity_and_revoke_its_token() {
    let world = World::new().await;
    let token = world.token("ada").await;
    let access_token = token["access_token"].as_str().unwrap();
    let transfer = json!({ "bearer_type": "customer", "client_id": "c" });
    let ask = || world.accounts("/v2/customer/identity_transfer", &transfer).bearer_auth(access_token).send();
    let code: Value = ask().await.unwrap().json().await.unwrap();
    let exchange = json!({ "grant_type": "identity_token", "client_id": "c", "code": code["identity_transfer_token"] });
    let taken: Value = world.accounts("/v2/customer/token", &exchange).send().await.unwrap().json().await.unwrap();
    assert_eq!(taken["entity_id"], token["entity_id"]);

    let late: Value = ask().await.unwrap().json().await.unwrap();
    world.clock.advance(3600);
    let exchange = json!({ "grant_type": "identity_token", "client_id": "c", "code": late["identity_transfer_token"] });
    assert_eq!(refused(world.accounts("/v2/customer/token", &exchange).send().await.unwrap()).await, "invalid_grant");

    let info = || world.http.get(world.stand_in_server.url("/v2/customer/info")).bearer_auth(access_token).send();
    let described: Value = info().await.unwrap().json().await.unwrap();
    assert_eq!(
        (described["entity_id"].clone(), described["expires_in"].as_u64()),
        (token["entity_id"].clone(), Some(25_200))
    );
    let revoke = || world.http.delete(world.stand_in_server.url("/v2/customer/token")).bearer_auth(access_token).send();
    assert_eq!(revoke().await.unwrap().status(), 200);
    assert_eq!(refused(revoke().await.unwrap()).await, "access_denied");
    assert_eq!(refused(info().await.unwrap()).await, "access_denied");
    assert_eq!(refused(ask().await.unwrap()).await, "access_denied");
}

#[tokio::test]
async fn a_code_with_a_challenge_wants_its_verifier_and_is_spent_by_a_wrong_one() {
    let world = World::new().await;
    let token = world.token("ada").await;
    let verifier = "a-code-verifier-of-at-least-43-characters-and-more";
    let challenge = identity_service::proof_key::CodeChallenge::of_verifier(verifier).unwrap();
    let transfer = json!({ "bearer_type": "agent", "client_id": "c", "customer_id": token["entity_id"],
        "code_challenge": challenge.as_str() });
    for (sent, works) in
        [(Some(verifier), true), (Some("another-verifier-of-at-least-43-characters-long"), false), (None, false)]
    {
        let request = world.accounts("/v2/customer/identity_transfer", &transfer).bearer_auth(&world.agent_token);
        let code: Value = request.send().await.unwrap().json().await.unwrap();
        let mut exchange =
            json!({ "grant_type": "identity_token", "client_id": "c", "code": code["identity_transfer_token"] });
        if let Some(sent) = sent {
            exchange["code_verifier"] = json!(sent);
        }
        let answer = world.accounts("/v2/customer/token", &exchange).send().await.unwrap();
        assert_eq!(answer.status() == 200, works, "{sent:?}");
        exchange["code_verifier"] = json!(verifier);
        assert_eq!(
            refused(world.accounts("/v2/customer/token", &exchange).send().await.unwrap()).await,
            "invalid_grant"
        );
    }
}

#[tokio::test]
async fn faults_are_set_over_http_and_the_state_shows_no_secret() {
    let world = World::new().await;
    let url = world.stand_in_server.url("/stand-in/faults");
    let set = |body: Value| world.http.put(&url).json(&body).send();
    assert_eq!(set(json!({ "lifetime_seconds": 10, "remaining": 1 })).await.unwrap().status(), 200);
    assert_eq!(world.token("ada").await["expires_in"], 10);
    assert_eq!(world.token("grace").await["expires_in"], 28_800);
    for wrong in [json!({ "latency": 5 }), json!({ "status": 1 }), json!([])] {
        assert_eq!(set(wrong).await.unwrap().status(), 422);
    }
    set(json!({ "status": 500 })).await.unwrap();
    world.http.delete(&url).send().await.unwrap();
    assert_eq!(world.stand_in.ledger().faults, Faults::default());

    let state =
        world.http.get(world.stand_in_server.url("/stand-in/state")).send().await.unwrap().text().await.unwrap();
    let parsed: Value = serde_json::from_str(&state).unwrap();
    assert_eq!((parsed["customers"].as_u64(), parsed["tokens_issued"].as_u64()), (Some(2), Some(2)));
    assert_eq!(parsed["requests"][0]["grant"], "agent_token");
    assert_eq!(parsed["requests"][0]["status"], 200);
    for token in world.stand_in.ledger().tokens.keys() {
        assert!(!state.contains(token));
    }
}
