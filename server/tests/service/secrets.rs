//! No secret and no customer's id gets into the log, whatever happens.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use demo::livechat_accounts::Faults;
use identity_service::{livechat::guests::GuestSettings, proof_key::CodeChallenge};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};

use crate::{
    signing::{CLIENT, CONTACT, REDIRECT_URI, Site},
    support::{Given, World, log_of_this_thread},
};

/// What is logged while a guest comes, comes again, is adopted and ends.
#[tokio::test(flavor = "current_thread")]
async fn nothing_of_a_guest_is_logged() {
    let lifetime = Duration::from_secs(86_400);
    let settings = GuestSettings { adopt: true, lifetime, secure_cookie: true };
    let world = World::with(Given { guests: Some(settings), ..Given::default() }).await;
    let page = |method: Method, path: &str, cookies: String| {
        let request = world.http.request(method, world.server.url(path)).header("origin", world.server.url(""));
        request.header("cookie", cookies).send()
    };
    let mut secrets = Vec::new();
    let mut cookie = String::new();
    for fault in [Faults { status: Some(500), ..Faults::default() }, Faults::default(), Faults::default()] {
        world.faults(fault);
        let response = page(Method::POST, "/livechat/guest", cookie.clone()).await.unwrap();
        if let Some(set) = response.headers().get("set-cookie") {
            cookie = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        let token = response.json::<Value>().await.unwrap()["access_token"].as_str().map(str::to_owned);
        secrets.extend(token);
    }
    let secret = cookie.split('=').nth(1).unwrap().to_owned();
    let digest = URL_SAFE_NO_PAD.encode(digest(&SHA256, secret.as_bytes()));
    secrets.extend([secret, digest, "a-cookie-that-is-none".to_owned()]);
    page(Method::POST, "/livechat/guest", "__Host-livechat-guest=a-cookie-that-is-none".to_owned()).await.unwrap();
    let cookies = format!("{cookie}; session={}", world.session("ada.lovelace@example.org"));
    for (method, path) in
        [(Method::POST, "/livechat/guest"), (Method::POST, "/livechat/token"), (Method::DELETE, "/livechat/guest")]
    {
        page(method, path, cookies.clone()).await.unwrap();
    }
    let file = SqliteConnectOptions::new().filename(world.folder.path().join("customers.sqlite"));
    sqlx::query("DROP TABLE guest").execute(&mut file.connect().await.unwrap()).await.unwrap();
    page(Method::POST, "/livechat/guest", cookie.clone()).await.unwrap();
    page(Method::POST, "/livechat/token", cookies).await.unwrap();
    secrets.push("ada.lovelace@example.org".to_owned());
    assert_eq!(secrets.len(), 6);

    let log = log_of_this_thread();
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "the log holds {secret}");
    }
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<&str> = lines.iter().filter_map(|line| line["outcome"].as_str()).collect();
    let expected = ["accounts_unavailable", "created", "hit", "signed_in", "adopted", "ended", "store_unavailable"];
    for outcome in expected {
        assert!(outcomes.contains(&outcome), "{outcome} in {outcomes:?}");
    }
}

/// On one thread, so that the thread's log is the whole log.
#[tokio::test(flavor = "current_thread")]
async fn nothing_secret_is_logged() {
    let world = World::new().await;
    let customer = "ada.lovelace@example.org";
    let session = world.session(customer);
    let mut secrets = vec![world.agent_token.clone(), world.secret.clone(), session.clone(), customer.to_owned()];
    let token = world.token(customer).await;
    world.token(customer).await;
    secrets.push(token["access_token"].as_str().unwrap().to_owned());
    let verifier = "a-code-verifier-of-at-least-43-characters-and-more";
    let challenge = CodeChallenge::of_verifier(verifier).unwrap().as_str().to_owned();
    let transfer = world.http.post(world.server.url("/livechat/transfer")).bearer_auth(&session);
    let transfer = transfer.json(&json!({ "code_challenge": challenge })).send().await.unwrap();
    let code: Value = transfer.json().await.unwrap();
    secrets.extend([code["identity_transfer_token"].as_str().unwrap().to_owned(), challenge]);

    for fault in [
        Faults { status: Some(500), ..Faults::default() },
        Faults { html: true, ..Faults::default() },
        Faults { cut_connection: true, ..Faults::default() },
    ] {
        world.clock.advance(28_800);
        world.faults(fault);
        world.problem(customer).await;
    }
    world.faults(Faults::default());
    let url = world.server.url("/livechat/token");
    world.http.post(&url).bearer_auth("a-session-that-is-none").send().await.unwrap();
    world.http.post(&url).header("cookie", format!("session={session}")).send().await.unwrap();
    world.http.get(world.server.url("/a-path-with-a-secret?access_token=in-the-query")).send().await.unwrap();
    secrets.extend(["a-session-that-is-none", "a-path-with-a-secret", "in-the-query"].map(str::to_owned));
    let refused = World::with(Given { agent_token: Some("a-wrong-agent-token".to_owned()), ..Given::default() }).await;
    refused.problem(customer).await;
    secrets.push("a-wrong-agent-token".to_owned());

    let log = log_of_this_thread();
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "the log holds {secret}");
    }
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests: Vec<&Value> = lines.iter().filter(|line| line["message"] == "request").collect();
    let outcomes: Vec<&str> = requests.iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    for outcome in ["created", "hit", "accounts_unavailable", "accounts_nonsense", "session_malformed", "not_found"] {
        assert!(outcomes.contains(&outcome), "{outcome} in {outcomes:?}");
    }
    assert!(
        requests
            .iter()
            .all(|line| line["duration_ms"].is_u64() && line["status"].is_u64() && line["route"].is_string())
    );
    let hints = lines.iter().filter(|line| line["level"] == "ERROR").map(Value::to_string).collect::<String>();
    assert!(hints.contains("check the agent token"), "the operator is told: {hints}");
}

#[tokio::test(flavor = "current_thread")]
async fn nothing_that_is_signed_or_signs_is_logged() {
    let site = Site::new().await;
    let customer = "ada.lovelace@example.org";
    let attributes = json!([{ "type": "personal", "personal": { "firstname": "Augusta-Ada" } }]);
    let record = json!({ "contact_id": CONTACT, "given_name": "Augusta-Ada", "lwicontexts": { "a": "a-context-value" },
        "lp_sdes": attributes });
    site.put(customer, record).await;
    let mut secrets = vec![site.admin_key.clone(), site.client_secret.clone(), customer.to_owned(), CONTACT.to_owned()];
    secrets.extend(["Augusta-Ada", "a-context-value", "a-wrong-secret", "a-wrong-admin-key"].map(str::to_owned));
    for path in ["/omnichannel/token", "/live-assist/token"] {
        let token = site.token(path, customer).await;
        secrets.extend(token.split('.').skip(1).map(str::to_owned));
    }
    let code = site.code(customer, json!({})).await;
    let answer: Value = site.redeem_code(&code).await.json().await.unwrap();
    site.redeem_code(&code).await;
    secrets.extend(["access_token", "id_token"].map(|member| answer[member].as_str().unwrap().to_owned()));
    secrets.push(code.clone());
    let verifier = "a-code-verifier-of-at-least-43-characters-and-more";
    let challenge = CodeChallenge::of_verifier(verifier).unwrap().as_str().to_owned();
    let proven = site.code(customer, json!({ "code_challenge": challenge })).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", proven.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", verifier),
    ];
    assert_eq!(site.redeem(&form).await.status(), 200);
    secrets.extend([proven.clone(), verifier.to_owned(), challenge]);
    let url = site.world.server.url("/live-assist/oauth/token");
    let form = [("grant_type", "authorization_code"), ("code", code.as_str())];
    site.world.http.post(&url).basic_auth(CLIENT, Some("a-wrong-secret")).form(&form).send().await.unwrap();
    let admin = site.world.http.get(site.world.server.url(&format!("/admin/customers/{customer}")));
    admin.bearer_auth("a-wrong-admin-key").send().await.unwrap();
    for file in std::fs::read_dir(site.keys.folder()).unwrap() {
        let pem = std::fs::read_to_string(file.unwrap().path()).unwrap();
        secrets.extend(pem.lines().filter(|line| line.len() == 64).map(str::to_owned));
    }
    assert!(secrets.len() > 30);
    let log = log_of_this_thread();
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "the log holds {secret}");
    }
    let outcomes: Vec<Value> =
        log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["outcome"].clone()).collect();
    for outcome in ["signed", "issued", "redeemed", "invalid_grant", "invalid_client", "admin_key_wrong"] {
        assert!(outcomes.contains(&json!(outcome)), "{outcome} in {outcomes:?}");
    }
}
