//! Who is let in, from which pages, and with what kind of request.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use axum::{Router, routing::get};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use demo::livechat_accounts::Faults;
use identity_service::admission::{
    json_web_keys::{JsonWebKeys, KeyAges, PublicKey, read_keys},
    origin::Origin,
    session_token::{SessionKey, SessionSecret},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{ALLOWED, Given, Server, World, log_of_this_thread, now, problem, sign, until};

async fn answer(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    if response.status().is_success() {
        return (response.status().as_u16(), String::new());
    }
    let (status, body, _) = problem(response).await;
    (status, body["code"].as_str().unwrap().to_owned())
}

impl World {
    fn token_request(&self) -> RequestBuilder {
        self.http.post(self.server.url("/livechat/token"))
    }

    async fn with_bearer(&self, token: &str) -> (u16, String) {
        answer(self.token_request().bearer_auth(token)).await
    }
}

#[tokio::test]
async fn nobody_is_known_without_a_good_session_token() {
    let world = World::new().await;
    let response = world.token_request().send().await.unwrap();
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
    assert_eq!(problem(response).await.1["code"], "not_signed_in");

    let now = now();
    let good = json!({ "sub": "ada", "exp": now + 600 });
    let with = |member: &str, value: Value| {
        let mut claims = good.clone();
        claims[member] = value;
        sign(&world.secret, &claims)
    };
    let mut without_expiry = good.clone();
    without_expiry.as_object_mut().unwrap().remove("exp");
    let unsigned = {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(&good))
    };
    let other_algorithm =
        encode(&Header::new(Algorithm::HS512), &good, &EncodingKey::from_secret(world.secret.as_bytes())).unwrap();
    let critical = Header { crit: Some(vec!["b64".to_owned()]), ..Header::new(Algorithm::HS256) };
    let critical = encode(&critical, &good, &EncodingKey::from_secret(world.secret.as_bytes())).unwrap();
    let refused = [
        ("nonsense", "malformed", "nonsense".to_owned()),
        ("two dots", "malformed", "..".to_owned()),
        ("another secret", "wrong_key", sign("another secret of at least thirty-two bytes", &good)),
        ("expired", "expired", with("exp", json!(now - 60))),
        ("an expiry that is none", "no_expiry", with("exp", json!("tomorrow"))),
        ("not yet valid", "not_yet_valid", with("nbf", json!(now + 600))),
        ("without expiry", "no_expiry", sign(&world.secret, &without_expiry)),
        ("without customer", "no_customer", with("sub", Value::Null)),
        ("an empty customer", "no_customer", with("sub", json!(""))),
        ("a customer that is a list", "malformed", with("sub", json!(["ada"]))),
        ("a customer with a line break", "no_customer", with("sub", json!("ada\n"))),
        ("alg none", "algorithm", unsigned),
        ("HS512", "algorithm", other_algorithm),
        ("an extension", "critical", critical),
        ("a very long one", "malformed", format!("{}.{}.x", "a".repeat(9000), "b".repeat(9000))),
    ];
    for (what, code, token) in refused {
        assert_eq!(world.with_bearer(&token).await, (401, format!("session_{code}")), "{what}");
    }
    assert_eq!(world.with_bearer(&with("sub", json!(42))).await.0, 200);
    assert_eq!(world.customers(), 1);
}

#[tokio::test]
async fn issuer_and_audience_are_checked_when_they_are_set() {
    let given = Given { issuer: Some("shop".to_owned()), audience: Some("chat".to_owned()), ..Given::default() };
    let world = World::with(given).await;
    let expiry = now() + 600;
    let claims = |issuer: &str, audience: Value| {
        sign(&world.secret, &json!({ "sub": "ada", "exp": expiry, "iss": issuer, "aud": audience }))
    };
    assert_eq!(world.with_bearer(&claims("shop", json!("chat"))).await.0, 200);
    assert_eq!(world.with_bearer(&claims("shop", json!(["mail", "chat"]))).await.0, 200);
    let without_audience = sign(&world.secret, &json!({ "sub": "ada", "exp": expiry, "iss": "shop" }));
    for (code, token) in [
        ("session_audience", claims("shop", json!("mail"))),
        ("session_audience", without_audience),
        ("session_issuer", claims("elsewhere", json!("chat"))),
    ] {
        assert_eq!(world.with_bearer(&token).await, (401, code.to_owned()));
    }
    assert_eq!(world.with_bearer(&world.session("ada")).await.0, 401);
}

/// A key pair of the site: what signs, and its public half.
fn key_pair(id: &str) -> (EncodingKey, Value) {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let key = EncodingKey::from_ec_der(document.as_ref());
    let mut public = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap()).unwrap();
    public["kid"] = json!(id);
    (key, public)
}

fn sign_with(key: &EncodingKey, id: &str) -> String {
    let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::ES256) };
    encode(&header, &json!({ "sub": "ada", "exp": now() + 600 }), key).unwrap()
}

#[tokio::test]
async fn session_tokens_signed_with_a_published_key() {
    let (key, public) = key_pair("one");
    let (stranger, _) = key_pair("one");
    let set = json!({ "keys": [public, { "kty": "oct", "k": "c2VjcmV0", "kid": "shared" }] }).to_string();
    let keys = JsonWebKeys::fixed(read_keys(set.as_bytes()).unwrap());
    let world = World::with(Given { session_key: Some(SessionKey::PublicKeys(keys)), ..Given::default() }).await;
    assert_eq!(world.with_bearer(&sign_with(&key, "one")).await.0, 200);
    let wrong_key = (401, "session_wrong_key".to_owned());
    assert_eq!(world.with_bearer(&sign_with(&stranger, "one")).await, wrong_key);
    assert_eq!(world.with_bearer(&sign_with(&key, "two")).await, wrong_key);
    // The public key is public: used as an HS256 secret it must not open anything.
    let public_bytes = URL_SAFE_NO_PAD.decode(public["x"].as_str().unwrap()).unwrap();
    let expiry = now() + 600;
    for secret in [public_bytes.as_slice(), public["x"].as_str().unwrap().as_bytes(), set.as_bytes(), b"secret"] {
        for id in [Some("one"), Some("shared"), None] {
            let header = Header { kid: id.map(str::to_owned), ..Header::new(Algorithm::HS256) };
            let claims = json!({ "sub": "ada", "exp": expiry });
            let token = encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
            assert_eq!(world.with_bearer(&token).await, (401, "session_algorithm".to_owned()));
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn why_a_session_is_refused_stands_in_the_log_with_the_trace_of_the_caller() {
    let world = World::new().await;
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let expired = sign(&world.secret, &json!({ "sub": "ada", "exp": now() - 60 }));
    let asked = world.token_request().header("traceparent", format!("00-{trace}-{parent}-01"));
    assert_eq!(answer(asked.bearer_auth(&expired)).await, (401, "session_expired".to_owned()));
    world.faults(Faults { status: Some(500), ..Faults::default() });
    let asked = world.token_request().header("traceparent", format!("00-{trace}-{parent}-01"));
    assert_eq!(answer(asked.bearer_auth(world.session("ada"))).await.0, 503);
    assert_eq!(answer(world.token_request().header("traceparent", "00-nonsense-01")).await.0, 401);

    let log = log_of_this_thread();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |message: &str| lines.iter().find(|line| line["message"] == message).unwrap();
    let refused = line("a session was refused");
    assert_eq!((&refused["level"], &refused["code"]), (&json!("INFO"), &json!("session_expired")));
    assert!(refused["reason"].is_string());
    for of_the_trace in [refused, line("no answer from accounts")] {
        assert_eq!(of_the_trace["span"]["trace_id"], trace, "{of_the_trace}");
    }
    let requests: Vec<&Value> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert_eq!((&requests[0]["trace_id"], &requests[0]["parent_id"]), (&json!(trace), &json!(parent)));
    assert_eq!(requests[2].get("trace_id"), None);
    assert!(!log.contains("nonsense") && !expired.split('.').any(|part| log.contains(part)));
}

/// A secret of the site's own kind.
fn secret_key(algorithm: Algorithm, bytes: &[u8]) -> Option<SessionKey> {
    Some(SessionKey::Secret(SessionSecret { algorithm, bytes: bytes.to_vec().into() }))
}

#[tokio::test]
async fn a_secret_signs_by_its_own_algorithm_and_no_other() {
    use Algorithm::{HS256, HS384, HS512};
    let secret = [0, 159, 146, 150].repeat(16);
    let claims = json!({ "sub": "ada", "exp": now() + 600 });
    for set in [HS256, HS384, HS512] {
        let world = World::with(Given { session_key: secret_key(set, &secret), ..Given::default() }).await;
        for used in [HS256, HS384, HS512] {
            let token = encode(&Header::new(used), &claims, &EncodingKey::from_secret(&secret)).unwrap();
            let expected = if used == set { (200, String::new()) } else { (401, "session_algorithm".to_owned()) };
            assert_eq!(world.with_bearer(&token).await, expected, "{used:?} for {set:?}");
        }
    }
}

/// RFC 7515, section 4: of the header only what says how the token is signed is looked at.
#[tokio::test]
async fn an_odd_member_of_a_tokens_header_makes_no_difference() {
    let world = World::new().await;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = |header: &Value| {
        let message = format!("{}.{}", part(header), part(&json!({ "sub": "ada", "exp": now() + 600 })));
        let key = EncodingKey::from_secret(world.secret.as_bytes());
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    };
    for odd in [json!(7), json!("text"), json!([]), json!([1]), json!({}), json!(true), Value::Null] {
        for member in ["typ", "cty", "kid", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "zip", "enc", "url", "b64"] {
            let mut header = json!({ "alg": "HS256" });
            header[member] = odd.clone();
            assert_eq!(world.with_bearer(&signed(&header)).await.0, 200, "{header}");
        }
    }
    // A key that the token brings itself opens nothing.
    let own =
        json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode("a key of the one who wants to come in, long enough") });
    let header = json!({ "alg": "HS256", "jwk": own, "jku": world.server.url("/keys") });
    let message = format!("{}.{}", part(&header), part(&json!({ "sub": "ada", "exp": now() + 600 })));
    let key = EncodingKey::from_secret(b"a key of the one who wants to come in, long enough");
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    assert_eq!(world.with_bearer(&format!("{message}.{signature}")).await, (401, "session_wrong_key".to_owned()));
    for (header, code) in [
        (json!({ "alg": 256 }), "session_malformed"),
        (json!({ "typ": "JWT" }), "session_malformed"),
        (json!({ "alg": "hs256" }), "session_algorithm"),
        (json!(["HS256"]), "session_malformed"),
    ] {
        assert_eq!(world.with_bearer(&signed(&header)).await, (401, code.to_owned()), "{header}");
    }
}

/// RFC 7519, section 2: a time is a number of seconds, which may have a fraction.
/// Else all who are not signed in would be one customer, and read each other's conversations.
#[tokio::test]
async fn a_word_for_nobody_is_no_customer() {
    let world = World::new().await;
    let with = |id: Value| sign(&world.secret, &json!({ "sub": id, "exp": now() + 60 }));
    for id in [json!(0), json!("0"), json!("undefined"), json!("null"), json!("None"), json!("anonymousUser")] {
        let refused = (401, "session_no_customer".to_owned());
        assert_eq!(world.with_bearer(&with(id.clone())).await, refused, "{id}");
    }
    for id in [json!(10), json!("00"), json!("Nonesuch"), json!("anonymous-7")] {
        assert_eq!(world.with_bearer(&with(id.clone())).await.0, 200, "{id}");
    }
}

#[tokio::test]
async fn a_tokens_times_are_numbers_of_any_kind() {
    let world = World::new().await;
    let now = now();
    let with = |claims: Value| sign(&world.secret, &claims);
    for (claims, expected) in [
        (json!({ "sub": "ada", "exp": now as f64 + 60.5 }), ""),
        (json!({ "sub": "ada", "exp": 1e300 }), ""),
        (json!({ "sub": "ada", "exp": now + 60, "nbf": now as f64 - 0.5 }), ""),
        (json!({ "sub": "ada", "exp": now + 60, "nbf": null }), ""),
        (json!({ "sub": "ada", "exp": now as f64 - 60.5 }), "session_expired"),
        (json!({ "sub": "ada", "exp": -1 }), "session_expired"),
        (json!({ "sub": "ada", "exp": 0 }), "session_expired"),
        (json!({ "sub": "ada", "exp": null }), "session_no_expiry"),
        (json!({ "sub": "ada", "exp": now + 60, "nbf": now as f64 + 60.5 }), "session_not_yet_valid"),
        (json!({ "sub": "ada", "exp": now + 60, "nbf": "tomorrow" }), "session_malformed"),
    ] {
        let status = if expected.is_empty() { 200 } else { 401 };
        assert_eq!(world.with_bearer(&with(claims.clone())).await, (status, expected.to_owned()), "{claims}");
    }
}

#[tokio::test]
async fn published_keys_are_fetched_once_and_survive_their_server() {
    let (key, public) = key_pair("one");
    let fetches = Arc::new(Mutex::new(0));
    let (count, set) = (Arc::clone(&fetches), json!({ "keys": [public] }));
    let route = get(move || async move {
        *count.lock().unwrap() += 1;
        axum::Json(set)
    });
    let site = Server::start(Router::new().route("/keys", route)).await;
    let keys = JsonWebKeys::remote(site.url("/keys").parse().unwrap(), Duration::from_secs(5)).unwrap();
    let world = World::with(Given { session_key: Some(SessionKey::PublicKeys(keys)), ..Given::default() }).await;
    assert_eq!(world.with_bearer(&sign_with(&key, "one")).await.0, 200);
    site.stop().await.unwrap();
    // Invented key ids neither open anything nor cause a fetch each.
    for id in ["two", "three", "four"] {
        assert_eq!(world.with_bearer(&sign_with(&key, id)).await.0, 401);
    }
    assert_eq!(world.with_bearer(&sign_with(&key, "one")).await.0, 200);
    assert_eq!(*fetches.lock().unwrap(), 1);
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_are_503_not_401() {
    let dead = Server::start(Router::new()).await;
    let url = dead.url("/keys").parse().unwrap();
    dead.stop().await.unwrap();
    let keys = JsonWebKeys::remote(url, Duration::from_secs(5)).unwrap();
    let world = World::with(Given { session_key: Some(SessionKey::PublicKeys(keys)), ..Given::default() }).await;
    let (key, _) = key_pair("one");
    assert_eq!(world.with_bearer(&sign_with(&key, "one")).await, (503, "session_keys_unavailable".to_owned()));
}

#[tokio::test]
async fn a_foreign_page_gets_nothing() {
    let world = World::new().await;
    let own = world.server.url("");
    let foreign = [
        "https://evil.example",
        "null",
        "https://shop.example.evil.example",
        "http://shop.example",
        &own[..own.len() - 1],
    ];
    let cookie = format!("other=1; session={}", world.session("ada"));
    let by_cookie = || world.token_request().header("cookie", &cookie);
    for origin in foreign {
        let refused = (403, "foreign_origin".to_owned());
        assert_eq!(answer(by_cookie().header("origin", origin)).await, refused, "{origin}");
        let bearer = world.token_request().bearer_auth(world.session("ada"));
        assert_eq!(answer(bearer.header("origin", origin)).await, refused, "{origin}");
    }
    assert_eq!(world.customers(), 0);
    assert_eq!(answer(by_cookie()).await, (403, "no_origin".to_owned()));
    assert_eq!(answer(by_cookie().header("sec-fetch-site", "cross-site")).await.0, 403);
    assert_eq!(answer(by_cookie().header("sec-fetch-site", "same-site")).await.0, 403);
    assert_eq!(answer(by_cookie().header("sec-fetch-site", "same-origin")).await.0, 200);
    assert_eq!(answer(by_cookie().header("origin", &own)).await.0, 200);
    assert_eq!(answer(by_cookie().header("origin", ALLOWED)).await.0, 200);
    assert_eq!(world.with_bearer(&world.session("ada")).await.0, 200);
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_answers_and_others_may_not() {
    let world = World::new().await;
    let preflight = async |origin: &str| {
        let request = world.http.request(Method::OPTIONS, world.server.url("/livechat/transfer"));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        request.header("access-control-request-headers", "content-type").send().await.unwrap()
    };
    let allowed = preflight(ALLOWED).await;
    assert!(allowed.status().is_success());
    assert_eq!(allowed.headers()["access-control-allow-origin"], ALLOWED);
    assert_eq!(allowed.headers()["access-control-allow-credentials"], "true");
    assert!(allowed.headers()["access-control-allow-headers"].to_str().unwrap().contains("content-type"));
    assert!(!preflight("https://evil.example").await.headers().contains_key("access-control-allow-origin"));
    // An error must be readable too, or the page cannot tell why.
    let error = world.token_request().header("origin", ALLOWED).send().await.unwrap();
    assert_eq!(error.status(), 401);
    assert_eq!(error.headers()["access-control-allow-origin"], ALLOWED);
}

#[tokio::test]
async fn a_page_may_send_the_headers_that_are_named_and_no_others() {
    let world = World::new().await;
    let (_, server) =
        world.another_with(Given { headers: vec!["traceparent", "X-CSRF-Token"], ..Given::default() }).await;
    let allowed = async |url: String| {
        let request = world.http.request(Method::OPTIONS, url).header("origin", ALLOWED);
        let request = request.header("access-control-request-method", "POST");
        let response = request.header("access-control-request-headers", "traceparent").send().await.unwrap();
        let names = response.headers()["access-control-allow-headers"].to_str().unwrap().to_lowercase();
        names.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()
    };
    let usual = ["authorization", "cache-control", "content-type"];
    assert_eq!(allowed(world.server.url("/livechat/token")).await, usual);
    let more = allowed(server.url("/livechat/token")).await;
    assert_eq!(more, [usual.as_slice(), &["traceparent", "x-csrf-token"]].concat());
}

#[tokio::test]
async fn wrong_paths_methods_and_bodies() {
    let world = World::new().await;
    let url = |path: &str| world.server.url(path);
    assert_eq!(answer(world.http.get(url("/elsewhere"))).await, (404, "not_found".to_owned()));
    for (method, path, allowed) in [
        (Method::GET, "/livechat/token", "POST"),
        (Method::PUT, "/livechat/transfer", "POST"),
        (Method::POST, "/healthz", "GET,HEAD"),
    ] {
        let response = world.http.request(method, url(path)).send().await.unwrap();
        assert_eq!(response.headers()["allow"], allowed, "{path}");
        assert_eq!(problem(response).await.0, 405);
    }
    let transfer = || world.http.post(url("/livechat/transfer")).bearer_auth(world.session("ada"));
    let as_json = |body: String| transfer().header("content-type", "application/json").body(body);
    assert_eq!(answer(transfer().body("{}")).await, (415, "not_json".to_owned()));
    for body in ["", "{", "[]", "{}", r#"{"code_challenge": 5}"#] {
        assert_eq!(answer(as_json(body.to_owned())).await, (422, "bad_body".to_owned()), "{body}");
    }
    // As an editor of Windows keeps it in a file.
    let marked = format!("\u{feff}{}", json!({ "code_challenge": "short" }));
    assert_eq!(answer(as_json(marked)).await, (422, "bad_code_challenge".to_owned()));
    for challenge in ["", "short", &"!".repeat(43), &"A".repeat(44)] {
        let body = json!({ "code_challenge": challenge }).to_string();
        assert_eq!(answer(as_json(body)).await, (422, "bad_code_challenge".to_owned()), "{challenge}");
    }
    let long = "x".repeat(1025);
    assert_eq!(answer(as_json(long.clone())).await, (413, "body_too_long".to_owned()));
    let token = || world.token_request().bearer_auth(world.session("ada"));
    assert_eq!(answer(token().body(long.clone())).await.0, 413);
    // Nobody who is not signed in makes the service read a body.
    assert_eq!(answer(world.token_request().body(long)).await.0, 401);
    assert_eq!(world.customers(), 0);
}

/// Sends raw bytes and reads until the server closes the connection.
async fn raw(world: &World, text: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(world.server.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let reading = tokio::time::timeout(Duration::from_secs(15), stream.read_to_string(&mut answer));
    reading.await.expect("the connection stayed open").unwrap();
    answer
}

#[tokio::test]
async fn slow_bodies_and_long_ones_without_a_length_are_refused() {
    let world = World::new().await;
    let head = format!(
        "POST /livechat/token HTTP/1.1\r\nHost: here\r\nConnection: close\r\nAuthorization: Bearer {}\r\n",
        world.session("ada")
    );
    let slow = raw(&world, &format!("{head}Content-Length: 10\r\n\r\nabc")).await;
    assert!(slow.starts_with("HTTP/1.1 408"), "{slow}");
    let chunk = "x".repeat(2000);
    let long = raw(&world, &format!("{head}Transfer-Encoding: chunked\r\n\r\n7d0\r\n{chunk}\r\n0\r\n\r\n")).await;
    assert!(long.starts_with("HTTP/1.1 413"), "{long}");
    assert_eq!(world.customers(), 0);
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let world = World::new().await;
    raw(&world, "POST /livechat/token HTTP/1.1\r\nHost: here\r\n").await;
}

/// Answers a raw request: its head and body as they stand, bytes and all.
async fn raw_bytes(world: &World, request: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(world.server.address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut answer));
    reading.await.expect("the connection stayed open").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A token request from the service's own page, with these lines in its head.
async fn with_lines(world: &World, lines: &[&[u8]]) -> String {
    let address = world.server.address;
    let mut request = format!("POST /livechat/token HTTP/1.1\r\nConnection: close\r\nOrigin: http://{address}\r\n");
    request += &format!("Host: {address}\r\nContent-Length: 0\r\n");
    let mut request = request.into_bytes();
    for line in lines {
        request.extend_from_slice(line);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    raw_bytes(world, &request).await
}

#[tokio::test]
async fn the_session_is_found_among_cookies_as_browsers_send_them() {
    let world = World::new().await;
    let good = world.session("ada");
    let stale = sign(&world.secret, &json!({ "sub": "bob", "exp": now() - 600 }));
    let every_byte: Vec<u8> = (0x80..=0xff_u8).collect();
    let (first, second) = good.split_at(40);
    let other = |value: &[u8]| [b"Cookie: other=", value, b"; session=", good.as_bytes()].concat();
    let one = |cookies: String| vec![format!("Cookie: {cookies}").into_bytes()];
    let named = |value: &[u8]| [b"Cookie: session=", value, b"; session=", good.as_bytes()].concat();
    let found: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("UTF-8 in another", vec![other("Grüße €".as_bytes())]),
        ("bytes that are no text in another", vec![other(&every_byte)]),
        ("bytes that are no text in an earlier one of the name", vec![named(&every_byte)]),
        ("JSON in another", vec![other(br#"{"a":"b,c","d":[1]}"#)]),
        ("an odd number of quotes in another", vec![other(br#"a"b"#)]),
        ("a name that is no text", vec![[b"Cookie: \xc3\xbc=1; session=", good.as_bytes()].concat()]),
        ("no name", one(format!("=1; nothing; ; session={good}"))),
        ("an empty one before", one(format!("session=; session={good}"))),
        ("an empty one after", one(format!("session={good}; session="))),
        ("a stale one before", one(format!("session={stale}; session={good}"))),
        ("a stale one after", one(format!("session={good}; session={stale}"))),
        ("a deleted one before", one(format!("session=deleted; session={good}"))),
        ("quoted", one(format!("session=\"{good}\""))),
        ("quoted and empty before", one(format!("session=\"\"; session={good}"))),
        ("spaces around", one(format!("a=1 ;  session = {good}  ; b=2"))),
        ("no space between", one(format!("a=1;session={good};b=2"))),
        ("another line", vec![b"Cookie: a=1".to_vec(), format!("Cookie: session={good}").into_bytes()]),
        (
            "a stale one in another line",
            vec![format!("Cookie: session={stale}").into_bytes(), format!("Cookie: session={good}").into_bytes()],
        ),
        ("in pieces, as frameworks cut what is too long", one(format!("session.0={first}; session.1={second}"))),
        ("in pieces in another order", one(format!("session.1={second}; a=1; session.0={first}"))),
        (
            "in pieces, with a piece of another path after",
            one(format!("session.0={first}; session.1={second}; session.0=x")),
        ),
        (
            "in pieces, with what is left of a longer one",
            one(format!("session.0={first}; session.1={second}; session.3=x")),
        ),
        ("in pieces, after a stale whole one", one(format!("session={stale}; session.0={first}; session.1={second}"))),
    ];
    for (what, lines) in found {
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let answer = with_lines(&world, &lines).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{what}: {answer}");
    }
    assert_eq!(world.customers(), 1, "somebody else than ada was let in");
    // Sites sign out by an empty cookie: nobody is signed in then, and no session is wrong.
    for nobody in [
        "session=",
        "session=\"\"",
        "other=1",
        "session=; session=",
        "sessions=x",
        "session.1=x",
        "session.0=",
        "session.x=x",
    ] {
        let answer = with_lines(&world, &[format!("Cookie: {nobody}").as_bytes()]).await;
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("not_signed_in"), "{nobody}: {answer}");
    }
}

#[tokio::test]
async fn a_session_token_with_an_extension_that_nobody_here_understands_is_refused() {
    let world = World::new().await;
    let signed = |header: Value| {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(&json!({ "sub": "ada", "exp": now() + 600 })));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, world.secret.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, text.as_bytes())))
    };
    assert_eq!(world.with_bearer(&signed(json!({ "alg": "HS256" }))).await.0, 200);
    assert_eq!(world.with_bearer(&signed(json!({ "alg": "HS256", "shop": 1 }))).await.0, 200, "no critical one");
    for crit in [json!(["exp"]), json!(["shop"]), json!(["b64"]), json!([]), json!("exp"), json!(null), json!({})] {
        let header = json!({ "alg": "HS256", "crit": crit, "shop": 1, "b64": true });
        assert_eq!(world.with_bearer(&signed(header)).await, (401, "session_critical".to_owned()), "{crit}");
    }
}

#[tokio::test]
async fn the_own_origin_is_known_however_its_port_is_written() {
    let world = World::new().await;
    let session = world.session("ada");
    let ask = async |hosts: &[&str], origin: &str| {
        let mut request = format!("POST /livechat/token HTTP/1.1\r\nConnection: close\r\nOrigin: {origin}\r\n");
        for host in hosts {
            request += &format!("Host: {host}\r\n");
        }
        request += &format!("Content-Length: 0\r\nCookie: session={session}\r\n\r\n");
        raw_bytes(&world, request.as_bytes()).await.split(' ').nth(1).unwrap().to_owned()
    };
    for (host, origin) in [
        ("shop.test:443", "https://shop.test"),
        ("shop.test", "https://shop.test:443"),
        ("shop.test:80", "http://shop.test"),
        ("shop.test", "http://shop.test:80"),
        ("SHOP.test", "https://shop.test"),
        ("shop.test:8443", "https://shop.test:8443"),
        ("[::1]:443", "https://[::1]"),
        ("[0:0::1]", "http://[::1]"),
        ("192.0.2.7:443", "https://192.0.2.7"),
        ("shop.test:", "https://shop.test"),
        ("shop.test.", "https://shop.test"),
        ("shop.test", "https://shop.test."),
        ("shop.test.:443", "https://shop.test."),
    ] {
        assert_eq!(ask(&[host], origin).await, "200", "{host} {origin}");
    }
    for (host, origin) in [
        ("shop.test:80", "https://shop.test"),
        ("shop.test:443", "http://shop.test"),
        ("shop.test:8443", "https://shop.test"),
        ("shop.test", "https://shop.test:8443"),
        ("shop.test", "https://shop.test.evil.example"),
        ("shop.test", "https://evil.example"),
        ("shop.test", "null"),
        ("shop.test", "shop.test"),
    ] {
        assert_eq!(ask(&[host], origin).await, "403", "{host} {origin}");
    }
    // RFC 9112, section 3.2: none, several, or one that is no host.
    for hosts in [
        &[][..],
        &[""],
        &["shop.test", "shop.test"],
        &["evil.example", "shop.test"],
        &["shop.test", ""],
        &["shop.test, evil.example"],
        &["shop.test/path"],
        &["user@shop.test"],
        &["shop.test?"],
        &["shop.test#"],
        &["shop.test:port"],
        &["shop.test:99999"],
        &["shop.test::443"],
        &["shop .test"],
        &["sh\u{fc}p.test"],
    ] {
        assert_eq!(ask(hosts, "https://shop.test").await, "400", "{hosts:?}");
    }
}

#[tokio::test]
async fn a_header_of_browsers_that_comes_twice_lets_nobody_in() {
    let world = World::new().await;
    let session = world.session("ada");
    let ask = async |lines: &[&str]| {
        let mut request = "POST /livechat/token HTTP/1.1\r\nConnection: close\r\nHost: shop.test\r\n".to_owned();
        for line in lines {
            request += &format!("{line}\r\n");
        }
        request += &format!("Content-Length: 0\r\nCookie: session={session}\r\n\r\n");
        raw_bytes(&world, request.as_bytes()).await
    };
    let (own, evil) = ("Origin: https://shop.test", "Origin: https://evil.example");
    assert!(ask(&[own]).await.contains(" 200 "));
    for lines in [[own, evil], [evil, own], [own, own]] {
        let answer = ask(&lines).await;
        assert!(answer.contains(" 403 ") && answer.contains("foreign_origin"), "{lines:?}: {answer}");
    }
    let (own, foreign) = ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site");
    assert!(ask(&[own]).await.contains(" 200 "));
    for lines in [[own, foreign], [foreign, own]] {
        let answer = ask(&lines).await;
        assert!(answer.contains(" 403 ") && answer.contains("no_origin"), "{lines:?}: {answer}");
    }
}

#[tokio::test]
async fn of_a_target_that_is_a_whole_url_the_host_counts() {
    let world = World::new().await;
    let session = world.session("ada");
    let ask = async |target: &str, version: &str, hosts: &[&str]| {
        let mut request = format!("POST {target} HTTP/{version}\r\nConnection: close\r\nOrigin: https://shop.test\r\n");
        for host in hosts {
            request += &format!("Host: {host}\r\n");
        }
        request += &format!("Content-Length: 0\r\nCookie: session={session}\r\n\r\n");
        raw_bytes(&world, request.as_bytes()).await.split(' ').nth(1).unwrap().to_owned()
    };
    // RFC 9112, section 3.2.2: a proxy writes it so, and an origin server goes by it alone.
    let path = "/livechat/token";
    assert_eq!(ask(&format!("https://shop.test{path}"), "1.1", &["shop.test"]).await, "200");
    assert_eq!(ask(&format!("http://shop.test:443{path}"), "1.1", &["inner:8080"]).await, "200");
    assert_eq!(ask(&format!("http://shop.test{path}"), "1.0", &[]).await, "200");
    assert_eq!(ask(&format!("http://evil.example{path}"), "1.1", &["shop.test"]).await, "403");
    for (target, hosts) in [
        (format!("http://me@shop.test{path}"), &["shop.test"][..]),
        (format!("http://shop.test{path}"), &[]),
        (format!("http://shop.test{path}"), &["shop.test", "shop.test"]),
    ] {
        assert_eq!(ask(&target, "1.1", hosts).await, "400", "{target} {hosts:?}");
    }
}

#[tokio::test]
async fn every_request_names_one_host_whatever_it_asks() {
    let world = World::new().await;
    for path in ["/healthz", "/nowhere", "/livechat/token"] {
        let answer =
            raw(&world, &format!("GET {path} HTTP/1.1\r\nHost: a\r\nHost: a\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("bad_host"), "{path}: {answer}");
        assert!(answer.contains("application/problem+json"), "{path}: {answer}");
    }
    // HTTP/1.0 knew no host: a balancer's simplest check.
    let answer = raw(&world, "GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
}

#[test]
fn an_allowed_origin_is_read_however_it_is_written() {
    for (text, origin) in [
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("https://shop.example/", "https://shop.example"),
        ("https://shop.example:443/", "https://shop.example"),
        ("https://Shop.EXAMPLE", "https://shop.example"),
        ("HTTPS://shop.example", "https://shop.example"),
        (" https://shop.example ", "https://shop.example"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("http://shop.example:443", "http://shop.example:443"),
        ("https://shop.example:0443", "https://shop.example"),
        ("https://[0:0:0:0:0:0:0:1]:443", "https://[::1]"),
        ("https://shop.example.", "https://shop.example"),
    ] {
        assert_eq!(Origin::parse(text).expect(text).as_str(), origin);
    }
    for text in [
        "",
        "shop.example",
        "//shop.example",
        "https:shop.example",
        "https:/shop.example",
        "https://",
        "https://shop.example/path",
        "https://shop.example/.",
        "https://shop.example?",
        "https://shop.example/?a",
        "https://shop.example#",
        "https://me@shop.example",
        "https://@shop.example",
        "https://shop.example:99999",
        "https://shop example",
        "https://sh\top.example",
        "https:\\\\shop.example",
        "https://*.shop.example",
        "ftp://shop.example",
        "null",
        "*",
    ] {
        assert_eq!(Origin::parse(text), None, "{text:?}");
    }
}

/// The site's server of keys, which counts its fetches and may be told to hold them or to fail.
#[derive(Clone, Default)]
struct KeyServer {
    set: Arc<Mutex<Value>>,
    fetches: Arc<Mutex<usize>>,
    /// Fetches wait here while it is held.
    held: Arc<tokio::sync::RwLock<()>>,
    fails: Arc<Mutex<bool>>,
}

impl KeyServer {
    async fn start(&self, ages: KeyAges) -> (Server, World) {
        let server = self.clone();
        let route = get(move || async move {
            *server.fetches.lock().unwrap() += 1;
            drop(server.held.read().await);
            if *server.fails.lock().unwrap() {
                return Err(reqwest::StatusCode::INTERNAL_SERVER_ERROR);
            }
            Ok(axum::Json(server.set.lock().unwrap().clone()))
        });
        let site = Server::start(Router::new().route("/keys", route)).await;
        let url = site.url("/keys").parse().unwrap();
        let keys = JsonWebKeys::remote_with(url, Duration::from_secs(20), ages).unwrap();
        (site, World::with(Given { session_key: Some(SessionKey::PublicKeys(keys)), ..Given::default() }).await)
    }

    fn publish(&self, keys: &[&Value]) {
        *self.set.lock().unwrap() = json!({ "keys": keys });
    }

    fn fetches(&self) -> usize {
        *self.fetches.lock().unwrap()
    }
}

async fn together(world: &World, tokens: &[String]) -> Vec<(u16, String)> {
    futures_util::future::join_all(tokens.iter().map(|token| world.with_bearer(token))).await
}

#[tokio::test]
async fn all_who_need_the_sites_keys_wait_for_one_fetch() {
    let (server, (key, public)) = (KeyServer::default(), key_pair("one"));
    server.publish(&[&public]);
    let (_site, world) = server.start(KeyAges::default()).await;
    let held = server.held.write().await;
    let tokens = vec![sign_with(&key, "one"); 30];
    let release = async {
        until("a fetch", || server.fetches() > 0).await;
        drop(held);
    };
    let (answers, ()) = tokio::join!(together(&world, &tokens), release);
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn a_failed_fetch_is_told_to_all_who_waited_and_to_who_comes_right_after() {
    let (server, (key, public)) = (KeyServer::default(), key_pair("one"));
    server.publish(&[&public]);
    *server.fails.lock().unwrap() = true;
    // So long a pause that no second fetch falls into the test.
    let (_site, world) = server.start(KeyAges { pause: Duration::from_secs(600), ..KeyAges::default() }).await;
    let tokens = vec![sign_with(&key, "one"); 30];
    let unavailable = (503, "session_keys_unavailable".to_owned());
    for _ in 0..3 {
        assert!(together(&world, &tokens).await.iter().all(|answer| *answer == unavailable));
    }
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn keys_that_come_back_are_used_soon() {
    let (server, (key, public)) = (KeyServer::default(), key_pair("one"));
    server.publish(&[&public]);
    *server.fails.lock().unwrap() = true;
    let (_site, world) = server.start(KeyAges::default()).await;
    let token = sign_with(&key, "one");
    assert_eq!(world.with_bearer(&token).await.0, 503);
    *server.fails.lock().unwrap() = false;
    let back = Instant::now();
    while world.with_bearer(&token).await.0 != 200 {
        assert!(back.elapsed() < Duration::from_secs(2), "still not back");
    }
}

#[tokio::test]
async fn keys_in_hand_serve_while_new_ones_are_fetched_and_when_these_do_not_come() {
    let (server, (key, public)) = (KeyServer::default(), key_pair("one"));
    server.publish(&[&public]);
    // Old at once.
    let ages = KeyAges { maximum: Duration::from_millis(1), minimum: Duration::ZERO, pause: Duration::ZERO };
    let (_site, world) = server.start(ages).await;
    let token = sign_with(&key, "one");
    assert_eq!(world.with_bearer(&token).await.0, 200);
    let held = server.held.write().await;
    let before = server.fetches();
    for _ in 0..20 {
        let answer = tokio::time::timeout(Duration::from_secs(5), world.with_bearer(&token)).await;
        assert_eq!(answer.expect("it waits for the fetch").0, 200);
    }
    assert!(server.fetches() <= before + 2, "{} fetches", server.fetches());
    // Only who shows a key that nobody knows waits.
    let (other, other_public) = key_pair("two");
    server.publish(&[&public, &other_public]);
    let waiting = sign_with(&other, "two");
    let waiting = world.with_bearer(&waiting);
    let known = async {
        assert_eq!(world.with_bearer(&token).await.0, 200);
        drop(held);
    };
    let (answer, ()) = tokio::join!(waiting, known);
    assert_eq!(answer.0, 200);
    *server.fails.lock().unwrap() = true;
    for _ in 0..20 {
        assert_eq!(world.with_bearer(&token).await.0, 200);
    }
}

#[tokio::test]
async fn an_odd_key_is_left_out_and_refuses_no_other() {
    let (key, public) = key_pair("one");
    let with = |member: &str, value: Value| {
        let mut odd = key_pair("odd").1;
        odd[member] = value;
        odd
    };
    let numeric = {
        let mut public = public.clone();
        public["kid"] = json!(7);
        public
    };
    let text_certificates = {
        let mut public = public.clone();
        public["x5c"] = json!("MIIB");
        public
    };
    let odd = [
        Value::Null,
        json!(1),
        json!("key"),
        json!([]),
        json!({}),
        json!({ "kty": "unheard-of" }),
        json!({ "kty": 5 }),
        json!({ "kty": "oct", "k": "c2VjcmV0" }),
        json!({ "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" }),
        with("kid", json!(5)),
        with("kid", json!({})),
        with("x5c", json!("text")),
        with("x5c", json!(5)),
        with("x5t", json!([])),
        with("use", json!(5)),
        with("use", json!("enc")),
        with("key_ops", json!("verify")),
        with("key_ops", json!([5])),
        with("alg", json!("unheard-of")),
        with("alg", json!(5)),
        with("x", json!("not base64!")),
        with("x", json!(5)),
        with("crv", json!("P-999")),
        with("exp", json!("never")),
    ];
    let token = sign_with(&key, "one");
    for odd in odd {
        for set in [json!({ "keys": [odd, public] }), json!({ "keys": [public, odd], "other": 5 })] {
            let keys = JsonWebKeys::fixed(read_keys(set.to_string().as_bytes()).unwrap());
            let found = keys.fitting(Algorithm::ES256, Some("one")).await.unwrap();
            assert!(found.iter().any(|found| decode_with(&token, found)), "{odd}");
        }
    }
    // What is odd about these makes no difference to who signs with them.
    for (set, id) in [(json!({ "keys": [numeric] }), "7"), (json!({ "keys": [text_certificates] }), "one")] {
        let keys = JsonWebKeys::fixed(read_keys(set.to_string().as_bytes()).unwrap());
        let found = keys.fitting(Algorithm::ES256, Some(id)).await.unwrap();
        assert!(found.iter().any(|found| decode_with(&token, found)), "{set}");
    }
    // An editor's mark before the set is no part of it.
    let marked = format!("\u{feff}{}", json!({ "keys": [public] }));
    assert_eq!(read_keys(marked.as_bytes()).unwrap().len(), 1);
    // What is empty says nothing.
    let mut silent = public.clone();
    for (member, nothing) in [("use", json!("")), ("alg", json!("")), ("kid", json!("")), ("key_ops", json!([]))] {
        silent[member] = nothing;
    }
    let keys = JsonWebKeys::fixed(read_keys(json!({ "keys": [silent] }).to_string().as_bytes()).unwrap());
    let found = keys.fitting(Algorithm::ES256, Some("one")).await.unwrap();
    assert!(found.iter().any(|found| decode_with(&token, found)));
    for none in ["", "[]", "null", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AA"}]}"#] {
        assert!(read_keys(none.as_bytes()).is_err(), "{none}");
    }
}

/// Libraries differ in how they write numbers (RFC 7518, section 2 and section 6.2.1.2).
#[test]
fn a_key_is_read_however_its_numbers_are_written() {
    let ways = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
        let in_lines: String = text.chars().flat_map(|letter| [letter, '\n']).collect();
        let with_zero = URL_SAFE_NO_PAD.encode([&[0], bytes.as_slice()].concat());
        // As a number that is kept without the zeros that it begins with.
        let short = URL_SAFE_NO_PAD.encode(&bytes[bytes.iter().position(|byte| *byte != 0).unwrap()..]);
        [URL_SAFE.encode(&bytes), STANDARD.encode(&bytes), in_lines, with_zero, short]
    };
    // One of 256 keys begins with a zero, so that one is found soon.
    let (key, public) = loop {
        let (key, public) = key_pair("one");
        if URL_SAFE_NO_PAD.decode(public["x"].as_str().unwrap()).unwrap()[0] == 0 {
            break (key, public);
        }
    };
    let token = sign_with(&key, "one");
    for member in ["x", "y"] {
        for way in ways(public[member].as_str().unwrap()) {
            let mut key = public.clone();
            key[member] = json!(way);
            let set = json!({ "keys": [key] }).to_string();
            assert!(read_keys(set.as_bytes()).unwrap().iter().any(|key| decode_with(&token, key)), "{member}: {way}");
        }
    }
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let document: aws_lc_rs::encoding::Pkcs8V1Der<'_> = aws_lc_rs::encoding::AsDer::as_der(&pair).unwrap();
    let document = pem(document.as_ref());
    let key = EncodingKey::from_rsa_pem(document.as_bytes()).unwrap();
    let public = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap()).unwrap();
    let token = encode(&Header::new(Algorithm::RS256), &json!({ "sub": "ada", "exp": now() + 600 }), &key).unwrap();
    for member in ["n", "e"] {
        for way in ways(public[member].as_str().unwrap()) {
            let mut key = public.clone();
            key[member] = json!(way);
            let set = json!({ "keys": [key] }).to_string();
            let validation = jsonwebtoken::Validation::new(Algorithm::RS256);
            let is_good = |key: &PublicKey| jsonwebtoken::decode::<Value>(&token, &key.key, &validation).is_ok();
            assert!(read_keys(set.as_bytes()).unwrap().iter().any(is_good), "{member}: {way}");
        }
    }
}

fn pem(document: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(document))
}

/// As sites have it that have one key, and call it always the same or nothing at all.
#[tokio::test]
async fn a_new_key_under_the_old_id_is_known_at_its_first_token() {
    let server = KeyServer::default();
    let (key, public) = key_pair("one");
    server.publish(&[&public]);
    let ages = KeyAges { minimum: Duration::ZERO, ..KeyAges::default() };
    let (site, world) = server.start(ages).await;
    let old = sign_with(&key, "one");
    assert_eq!(world.with_bearer(&old).await.0, 200);
    let (key, public) = key_pair("one");
    server.publish(&[&public]);
    let nameless = encode(&Header::new(Algorithm::ES256), &json!({ "sub": "ada", "exp": now() + 600 }), &key).unwrap();
    assert_eq!(world.with_bearer(&nameless).await.0, 200);
    assert_eq!(world.with_bearer(&sign_with(&key, "one")).await.0, 200);
    assert_eq!(world.with_bearer(&old).await, (401, "session_wrong_key".to_owned()));
    site.stop().await.unwrap();
    // A site that does not answer makes nobody's wrong token its own matter.
    assert_eq!(world.with_bearer(&old).await, (401, "session_wrong_key".to_owned()));
    assert_eq!(world.with_bearer(&nameless).await.0, 200);
}

/// RFC 9864: what was always EdDSA is also called by its curve, in keys, in tokens, or in one of both.
#[tokio::test]
async fn a_signature_with_ed25519_is_known_by_both_of_its_names() {
    let server = KeyServer::default();
    let pair = Ed25519KeyPair::generate().unwrap();
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = |name: &str| {
        let header = part(json!({ "alg": name, "kid": "one" }));
        let message = format!("{header}.{}", part(json!({ "sub": "ada", "exp": now() + 600 })));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes())))
    };
    for stated in [json!("Ed25519"), json!("EdDSA"), Value::Null] {
        server.publish(&[&json!({ "kty": "OKP", "crv": "Ed25519", "alg": stated, "kid": "one", "x": x })]);
        let (_site, world) = server.start(KeyAges::default()).await;
        for name in ["Ed25519", "EdDSA"] {
            assert_eq!(world.with_bearer(&signed(name)).await.0, 200, "{name} by a key for {stated}");
        }
        for name in ["ed25519", "Ed448", "ES256"] {
            let refused = (401, "session_algorithm".to_owned());
            assert_eq!(world.with_bearer(&signed(name)).await, refused, "{name} by a key for {stated}");
        }
    }
}

/// Libraries that write a member for everything leave it empty where nobody named the key.
#[tokio::test]
async fn a_token_whose_key_id_is_empty_is_checked_like_one_without() {
    let server = KeyServer::default();
    let ((one, first), (two, second)) = (key_pair("one"), key_pair("two"));
    server.publish(&[&first, &second]);
    let (_site, world) = server.start(KeyAges::default()).await;
    for key in [&one, &two] {
        assert_eq!(world.with_bearer(&sign_with(key, "")).await.0, 200);
    }
    let (stranger, _) = key_pair("");
    assert_eq!(world.with_bearer(&sign_with(&stranger, "")).await, (401, "session_wrong_key".to_owned()));
}

/// An operator who has taken back a key tells the service so, while an earlier fetch hangs that began with the old keys.
#[tokio::test]
async fn keys_that_are_read_anew_are_none_that_a_fetch_began_with_before() {
    let held = Arc::new(tokio::sync::RwLock::new(()));
    let set = Arc::new(Mutex::new(Value::Null));
    let fetches = Arc::new(Mutex::new(0));
    let (key, public) = key_pair("one");
    *set.lock().unwrap() = json!({ "keys": [public] });
    let (gate, answered, counted) = (held.clone(), set.clone(), fetches.clone());
    let route = get(move || async move {
        let begun_with = answered.lock().unwrap().clone();
        *counted.lock().unwrap() += 1;
        drop(gate.read().await);
        axum::Json(begun_with)
    });
    let site = Server::start(Router::new().route("/keys", route)).await;
    let url = site.url("/keys").parse().unwrap();
    let keys = JsonWebKeys::remote_with(url, Duration::from_secs(20), KeyAges::default()).unwrap();
    let session_key = Some(SessionKey::PublicKeys(keys.clone()));
    let world = World::with(Given { session_key, ..Given::default() }).await;
    let token = sign_with(&key, "one");
    assert_eq!(world.with_bearer(&token).await.0, 200);
    let hold = held.write().await;
    let reloaded = keys.clone();
    let earlier = tokio::spawn(async move { reloaded.reload().await });
    until("the fetch of before", || *fetches.lock().unwrap() == 2).await;
    *set.lock().unwrap() = json!({ "keys": [key_pair("two").1] });
    let reload = keys.reload();
    tokio::pin!(reload);
    assert!(futures_util::poll!(&mut reload).is_pending());
    drop(hold);
    earlier.await.unwrap().unwrap();
    reload.await.unwrap();
    assert_eq!(world.with_bearer(&token).await, (401, "session_wrong_key".to_owned()));
}

/// Anybody can make a token that nobody's key has signed: it costs the site no more than an invented id.
#[tokio::test]
async fn signatures_of_nobody_have_the_keys_fetched_no_more_often_than_unknown_ids() {
    let (server, (key, public)) = (KeyServer::default(), key_pair("one"));
    server.publish(&[&public]);
    let (_site, world) = server.start(KeyAges::default()).await;
    assert_eq!(world.with_bearer(&sign_with(&key, "one")).await.0, 200);
    let (stranger, _) = key_pair("one");
    for _ in 0..20 {
        let answer = world.with_bearer(&sign_with(&stranger, "one")).await;
        assert_eq!(answer, (401, "session_wrong_key".to_owned()));
    }
    assert_eq!(server.fetches(), 1);
}

fn decode_with(token: &str, key: &PublicKey) -> bool {
    let validation = jsonwebtoken::Validation::new(Algorithm::ES256);
    jsonwebtoken::decode::<Value>(token, &key.key, &validation).is_ok()
}

/// Sessions that were found good are remembered, and are no better for it than those that are checked.
#[tokio::test]
async fn a_session_that_is_remembered_ends_with_its_token() {
    let world = World::new().await;
    // Over, but for the tolerance.
    let token = sign(&world.secret, &json!({ "sub": "ada", "exp": now() - 3 }));
    assert_eq!(world.with_bearer(&token).await.0, 200);
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = world.with_bearer(&token).await;
        if answer == (401, "session_expired".to_owned()) {
            return;
        }
        assert!(answer.0 == 200 && Instant::now() < deadline, "{answer:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_session_that_is_remembered_is_refused_when_the_site_has_taken_back_its_key() {
    let (server, (key, public)) = (KeyServer::default(), key_pair("one"));
    server.publish(&[&public]);
    let (_site, world) = server.start(KeyAges::default()).await;
    let token = sign_with(&key, "one");
    for _ in 0..2 {
        assert_eq!(world.with_bearer(&token).await.0, 200);
    }
    server.publish(&[&key_pair("two").1]);
    world.service.reload_keys().await;
    assert_eq!(world.with_bearer(&token).await.0, 401);
}
