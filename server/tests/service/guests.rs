//! `POST` and `DELETE /livechat/guest`: visitors who are not signed in, and what becomes of them when they sign in.

use std::{collections::HashSet, fs, time::Duration};

use demo::livechat_accounts::Faults;
use futures_util::future::join_all;
use identity_service::{
    admission::{json_web_keys::JsonWebKeys, session_token::SessionKey},
    livechat::guests::GuestSettings,
    proof_key::CodeChallenge,
    random::random_token,
};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::clocks::set_database_clock;
use crate::support::{ALLOWED, Given, World, now, problem, sign, until};

const COOKIE: &str = "__Host-livechat-guest";
const DAY: u64 = 86_400;

fn guests(adopt: bool) -> Given {
    let lifetime = Duration::from_secs(90 * DAY);
    Given { guests: Some(GuestSettings { adopt, lifetime, secure_cookie: true }), ..Given::default() }
}

/// The `Set-Cookie` of an answer, if it has one.
fn set_cookie(response: &Response) -> Option<String> {
    let mut set = response.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned());
    let first = set.next();
    assert_eq!(set.next(), None, "one cookie at most");
    first
}

/// The cookie that a browser would send after this answer.
fn kept(response: &Response) -> String {
    set_cookie(response).expect("no cookie").split(';').next().unwrap().to_owned()
}

fn is_ended(response: &Response) -> bool {
    set_cookie(response).is_some_and(|text| text.starts_with(&format!("{COOKIE}=;")) && text.contains("Max-Age=0"))
}

impl World {
    async fn with_guests() -> Self {
        Self::with(guests(true)).await
    }

    /// A request of a page of this service's own origin.
    fn page(&self, method: Method, path: &str, cookie: &str) -> RequestBuilder {
        let request = self.http.request(method, self.server.url(path)).header("origin", self.server.url(""));
        if cookie.is_empty() { request } else { request.header("cookie", cookie) }
    }

    async fn guest(&self, cookie: &str) -> Response {
        self.page(Method::POST, "/livechat/guest", cookie).send().await.unwrap()
    }

    /// A guest who has to be served: the cookie that the browser has then, and the answer.
    async fn served_guest(&self, cookie: &str) -> (String, Value) {
        let response = self.guest(cookie).await;
        assert_eq!(response.status(), 200);
        let kept = set_cookie(&response).map(|_| kept(&response)).unwrap_or_else(|| cookie.to_owned());
        (kept, response.json().await.unwrap())
    }

    /// A customer whose browser was a guest.
    async fn customer(&self, customer: &str, cookie: &str) -> Response {
        let cookies = format!("session={}; {cookie}", self.session(customer));
        self.page(Method::POST, "/livechat/token", &cookies).send().await.unwrap()
    }

    async fn entity_of(&self, customer: &str, cookie: &str) -> Value {
        let response = self.customer(customer, cookie).await;
        assert_eq!(response.status(), 200);
        assert_eq!(is_ended(&response), cookie.contains(COOKIE), "the guest's cookie ends when it is there");
        response.json::<Value>().await.unwrap()["entity_id"].clone()
    }

    async fn database(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.folder.path().join("customers.sqlite")).connect().await.unwrap()
    }

    async fn guest_records(&self) -> i64 {
        sqlx::query_scalar("SELECT COUNT(*) FROM guest").fetch_one(&mut self.database().await).await.unwrap()
    }
}

async fn refused(response: Response) -> (u16, String) {
    assert_eq!(set_cookie(&response), None, "nobody who is refused gets a cookie");
    let (status, body, _) = problem(response).await;
    (status, body["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_guest_has_a_customer_of_its_own_and_is_known_by_its_cookie() {
    let world = World::with_guests().await;
    let response = world.guest("").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let set = set_cookie(&response).unwrap();
    for attribute in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=7776000"] {
        assert!(set.split("; ").any(|part| part == attribute), "{attribute} in {set}");
    }
    assert!(!set.contains("Domain"), "{set}");
    let cookie = kept(&response);
    assert_eq!(cookie.len(), COOKIE.len() + 1 + 43, "{cookie}");
    let first: Value = response.json().await.unwrap();
    let customer = world.token("ada").await;
    assert!(first.as_object().unwrap().keys().eq(customer.as_object().unwrap().keys()), "{first}");

    let again = world.guest(&cookie).await;
    assert_eq!(set_cookie(&again), None);
    assert_eq!(again.json::<Value>().await.unwrap(), first, "the token is kept");
    let (other, second) = world.served_guest("").await;
    assert_ne!((&other, &second["entity_id"]), (&cookie, &first["entity_id"]));
    assert_ne!(customer["entity_id"], first["entity_id"]);
    assert_eq!((world.customers(), world.issued()), (3, 3));
}

#[tokio::test]
async fn a_guest_can_ask_for_a_fresh_token_of_the_same_entity() {
    let world = World::with_guests().await;
    let (cookie, first) = world.served_guest("").await;
    let request = world.page(Method::POST, "/livechat/guest", &cookie).header("cache-control", "no-cache");
    let fresh: Value = request.send().await.unwrap().json().await.unwrap();
    assert_ne!(fresh["access_token"], first["access_token"]);
    assert_eq!(fresh["entity_id"], first["entity_id"]);
}

#[tokio::test]
async fn the_database_holds_a_digest_and_no_cookie() {
    let world = World::with_guests().await;
    let (cookie, _) = world.served_guest("").await;
    let secret = cookie.split('=').nth(1).unwrap();
    for file in fs::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{}", file.display());
    }
    assert_eq!(world.guest_records().await, 1);
}

#[tokio::test]
async fn without_the_setting_there_are_no_guests() {
    let world = World::new().await;
    assert_eq!(refused(world.guest("").await).await, (404, "not_found".to_owned()));
    let cookie = format!("{COOKIE}={}", random_token().unwrap());
    let response = world.customer("ada", &cookie).await;
    assert_eq!((response.status().as_u16(), set_cookie(&response)), (200, None));
}

#[tokio::test]
async fn who_is_signed_in_is_never_taken_for_a_guest() {
    let world = World::with_guests().await;
    let session = |expiry: u64| sign(&world.secret, &json!({ "sub": "ada", "exp": expiry }));
    let now = now();
    let (good, stale) = (session(now + 600), session(now - 600));
    let (guest, _) = world.served_guest("").await;
    let signed_in = (409, "signed_in".to_owned());
    for cookies in [
        format!("session={good}"),
        format!("{guest}; session={good}"),
        format!("session={stale}; session={good}"),
        format!("session=; session={good}"),
        format!("session=\"{good}\""),
        format!("session={good}; session={stale}"),
    ] {
        assert_eq!(refused(world.guest(&cookies).await).await, signed_in, "{cookies}");
    }
    // Another cookie that is no text hides no session.
    let mut bytes = b"theme=caf\xe9; session=".to_vec();
    bytes.extend(good.as_bytes());
    let value = reqwest::header::HeaderValue::from_bytes(&bytes).unwrap();
    let request = world.page(Method::POST, "/livechat/guest", "").header("cookie", value);
    assert_eq!(refused(request.send().await.unwrap()).await, signed_in);
    let bearer = |token: &str| world.page(Method::POST, "/livechat/guest", &guest).bearer_auth(token.to_owned()).send();
    assert_eq!(refused(bearer(&good).await.unwrap()).await, signed_in);
    assert_eq!(refused(bearer(&stale).await.unwrap()).await, (401, "session_expired".to_owned()));
    assert_eq!(world.customers(), 1);
    // A session that is over signs nobody in.
    for cookies in [format!("{guest}; session={stale}"), format!("{guest}; session=")] {
        assert_eq!(world.guest(&cookies).await.status(), 200, "{cookies}");
    }
    assert_eq!(world.customers(), 1);
}

#[tokio::test]
async fn while_nobody_can_tell_who_is_signed_in_nobody_is_a_guest() {
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", dead.local_addr().unwrap()).parse().unwrap();
    drop(dead);
    let keys = JsonWebKeys::remote(url, Duration::from_secs(5)).unwrap();
    let given = Given { session_key: Some(SessionKey::PublicKeys(keys)), ..guests(true) };
    let world = World::with(given).await;
    let session = "eyJhbGciOiJFUzI1NiJ9.e30.AAAA";
    let answer = refused(world.guest(&format!("session={session}")).await).await;
    assert_eq!(answer, (503, "session_keys_unavailable".to_owned()));
    assert_eq!(world.guest("").await.status(), 200);
}

#[tokio::test]
async fn a_page_whose_browser_would_not_keep_the_cookie_creates_nobody() {
    let world = World::with_guests().await;
    let ask = |headers: &[(&str, &str)]| {
        let request = world.http.post(world.server.url("/livechat/guest"));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send()
    };
    let own = world.server.url("");
    let cross_site = [("origin", ALLOWED), ("sec-fetch-site", "cross-site")];
    let insecure = [("host", "shop.example"), ("origin", "http://shop.example")];
    for (headers, code) in [
        (&[][..], "no_origin"),
        (&[("sec-fetch-site", "same-site")], "no_origin"),
        (&[("origin", "https://evil.example")], "foreign_origin"),
        (&[("origin", "null")], "foreign_origin"),
        (&cross_site, "cross_site"),
        (&insecure, "insecure_page"),
    ] {
        assert_eq!(refused(ask(headers).await.unwrap()).await, (403, code.to_owned()), "{headers:?}");
    }
    assert_eq!((world.customers(), world.guest_records().await), (0, 0));
    let secure = [("host", "shop.example"), ("origin", "https://shop.example"), ("sec-fetch-site", "same-origin")];
    let same_site = [("origin", ALLOWED), ("sec-fetch-site", "same-site")];
    let localhost = [("host", "shop.localhost"), ("origin", "http://shop.localhost")];
    for headers in
        [&secure[..], &same_site, &localhost, &[("origin", own.as_str())], &[("sec-fetch-site", "same-origin")]]
    {
        let response = ask(headers).await.unwrap();
        assert_eq!(response.status(), 200, "{headers:?}");
        assert!(set_cookie(&response).unwrap().contains("Secure"));
    }
}

#[tokio::test]
async fn for_development_the_cookie_can_do_without_secure() {
    let lifetime = Duration::from_secs(DAY);
    let settings = GuestSettings { adopt: true, lifetime, secure_cookie: false };
    let world = World::with(Given { guests: Some(settings), ..Given::default() }).await;
    let response = world.guest("").await;
    let set = set_cookie(&response).unwrap();
    assert!(set.starts_with("livechat-guest=") && !set.contains("Secure") && set.contains("HttpOnly"), "{set}");
    let (cookie, first) = (kept(&response), response.json::<Value>().await.unwrap());
    assert_eq!(world.served_guest(&cookie).await.1["entity_id"], first["entity_id"]);
    let customer = world.customer("ada", &cookie).await;
    assert!(set_cookie(&customer).unwrap().starts_with("livechat-guest=;"));
    assert_eq!(customer.json::<Value>().await.unwrap()["entity_id"], first["entity_id"]);
}

#[tokio::test]
async fn the_plain_cookie_is_nobodys_where_the_secure_one_is_used() {
    let world = World::with_guests().await;
    let (cookie, first) = world.served_guest("").await;
    // As a page of another host of the same domain could set it.
    let (_, other) = world.served_guest(&cookie.replace("__Host-", "")).await;
    assert_ne!(other["entity_id"], first["entity_id"]);
}

#[tokio::test]
async fn a_cookie_that_nobody_was_given_is_no_guests() {
    let world = World::with_guests().await;
    let (cookie, first) = world.served_guest("").await;
    let secret = cookie.split('=').nth(1).unwrap();
    let forged = [
        String::new(),
        "x".to_owned(),
        random_token().unwrap(),
        format!("{secret}x"),
        secret[1..].to_owned(),
        format!("{secret}=="),
        secret.to_lowercase(),
        format!("{}!", &secret[1..]),
        format!("%00{}", &secret[3..]),
        "a".repeat(5000),
        "'; DROP TABLE guest; --".to_owned(),
    ];
    for value in &forged {
        let response = world.guest(&format!("{COOKIE}={value}")).await;
        assert_eq!(response.status(), 200, "{value}");
        assert_ne!(kept(&response), cookie);
        assert_ne!(response.json::<Value>().await.unwrap()["entity_id"], first["entity_id"], "{value}");
    }
    assert_eq!(world.customers(), 1 + forged.len());
    // The good one counts wherever it stands among others.
    let unknown = format!("{COOKIE}={}", random_token().unwrap());
    for cookies in [
        format!("{unknown}; {cookie}"),
        format!("{cookie}; {unknown}"),
        format!("{COOKIE}=x; {COOKIE}; {cookie}"),
        format!("{cookie}; {cookie}"),
    ] {
        let response = world.guest(&cookies).await;
        assert_eq!(set_cookie(&response), None, "{cookies}");
        assert_eq!(response.json::<Value>().await.unwrap(), first, "{cookies}");
    }
}

#[tokio::test]
async fn any_body_that_is_short_will_do() {
    let world = World::with_guests().await;
    for path in ["/livechat/guest", "/livechat/token"] {
        let session = format!("session={}", world.session("ada"));
        let cookie = if path.ends_with("token") { session.as_str() } else { "" };
        let ask = || world.page(Method::POST, path, cookie);
        let as_json = || ask().header("content-type", "application/json");
        for request in [ask(), ask().body("{}"), as_json(), as_json().body(""), as_json().body("{}")] {
            assert_eq!(request.send().await.unwrap().status(), 200, "{path}");
        }
        let long = as_json().body("x".repeat(2000)).send().await.unwrap();
        assert_eq!(refused(long).await, (413, "body_too_long".to_owned()));
    }
    assert_eq!(world.customers(), 6);
}

#[tokio::test]
async fn who_signs_in_without_an_entity_takes_over_the_guests() {
    let world = World::with_guests().await;
    let (cookie, guest) = world.served_guest("").await;
    let response = world.customer("ada", &cookie).await;
    assert!(is_ended(&response));
    let token: Value = response.json().await.unwrap();
    assert_eq!(token["entity_id"], guest["entity_id"]);
    assert_ne!(token["access_token"], guest["access_token"], "a guest's token never serves a customer");
    assert_eq!((world.customers(), world.guest_records().await), (1, 0));
    assert_eq!(world.token("ada").await["entity_id"], guest["entity_id"], "on another device, too");

    // The same cookie adopts nothing any more, and opens nothing.
    let grace = world.entity_of("grace", &cookie).await;
    assert_ne!(grace, guest["entity_id"]);
    let (other, next) = world.served_guest(&cookie).await;
    assert_ne!(other, cookie);
    assert!(next["entity_id"] != guest["entity_id"] && next["entity_id"] != grace);
    assert_eq!(world.customers(), 3);
}

#[tokio::test]
async fn who_has_an_entity_keeps_it_and_the_guest_ends() {
    let world = World::with_guests().await;
    let ada = world.token("ada").await["entity_id"].clone();
    for clock in [0, 28_800] {
        world.clock.advance(clock);
        let (cookie, guest) = world.served_guest("").await;
        assert_eq!(world.entity_of("ada", &cookie).await, ada);
        assert_eq!(world.guest_records().await, 0);
        assert_ne!(world.served_guest(&cookie).await.1["entity_id"], guest["entity_id"]);
        sqlx::query("DELETE FROM guest").execute(&mut world.database().await).await.unwrap();
    }
}

#[tokio::test]
async fn without_adoption_the_guest_only_ends() {
    let world = World::with(guests(false)).await;
    let (cookie, guest) = world.served_guest("").await;
    assert_ne!(world.entity_of("ada", &cookie).await, guest["entity_id"]);
    assert_eq!(world.guest_records().await, 0);
    let nonsense = world.customer("ada", &format!("{COOKIE}=nonsense")).await;
    assert!(is_ended(&nonsense));
}

#[tokio::test]
async fn a_bearer_adopts_as_well_and_so_does_a_transfer() {
    let world = World::with_guests().await;
    let (cookie, guest) = world.served_guest("").await;
    let request = world.page(Method::POST, "/livechat/token", &cookie).bearer_auth(world.session("ada"));
    let token: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(token["entity_id"], guest["entity_id"]);

    let (cookie, guest) = world.served_guest("").await;
    let verifier = "a-code-verifier-of-at-least-43-characters-and-more";
    let challenge = CodeChallenge::of_verifier(verifier).unwrap();
    let request = world.page(Method::POST, "/livechat/transfer", &cookie).bearer_auth(world.session("grace"));
    let response = request.json(&json!({ "code_challenge": challenge.as_str() })).send().await.unwrap();
    assert!(is_ended(&response));
    let code = response.json::<Value>().await.unwrap()["identity_transfer_token"].clone();
    let body =
        json!({ "grant_type": "identity_token", "client_id": "client", "code": code, "code_verifier": verifier });
    let exchange = world.http.post(world.stand_in_server.url("/v2/customer/token")).json(&body).send().await.unwrap();
    assert_eq!(exchange.json::<Value>().await.unwrap()["entity_id"], guest["entity_id"]);
    assert_eq!(world.token("grace").await["entity_id"], guest["entity_id"]);
    assert_eq!(world.customers(), 2);
}

#[tokio::test]
async fn a_foreign_page_can_neither_begin_end_nor_adopt() {
    let world = World::with_guests().await;
    let (cookie, guest) = world.served_guest("").await;
    let foreign = |method: Method, path: &str, cookies: String| {
        let request = world.http.request(method, world.server.url(path)).header("origin", "https://evil.example");
        request.header("cookie", cookies).send()
    };
    for (method, path) in
        [(Method::POST, "/livechat/guest"), (Method::DELETE, "/livechat/guest"), (Method::POST, "/livechat/token")]
    {
        let cookies = format!("{cookie}; session={}", world.session("ada"));
        let answer = refused(foreign(method, path, cookies).await.unwrap()).await;
        assert_eq!(answer, (403, "foreign_origin".to_owned()), "{path}");
    }
    let without_origin = world.http.delete(world.server.url("/livechat/guest")).header("cookie", &cookie);
    assert_eq!(refused(without_origin.send().await.unwrap()).await, (403, "no_origin".to_owned()));
    assert_eq!(world.served_guest(&cookie).await.1, guest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_all_customers_who_race_for_a_guest_one_adopts_it() {
    let world = World::with_guests().await;
    let (_service, other) = world.another_with(guests(true)).await;
    for round in 0..10 {
        let (cookie, guest) = world.served_guest("").await;
        let ask = async |racer: usize| {
            let server = if racer.is_multiple_of(2) { &world.server } else { &other };
            let request = world.http.post(server.url("/livechat/token")).header("origin", server.url(""));
            let request =
                request.header("cookie", &cookie).bearer_auth(world.session(&format!("{round}-{}", racer / 2)));
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 200);
            response.json::<Value>().await.unwrap()["entity_id"].as_str().unwrap().to_owned()
        };
        let entities = join_all((0..12).map(ask)).await;
        let distinct: HashSet<&String> = entities.iter().collect();
        assert_eq!(distinct.len(), 6, "each of six customers has one entity");
        let adopted = entities.chunks(2).filter(|pair| pair[0] == guest["entity_id"]).count();
        assert_eq!(adopted, 1, "adoptions of one guest");
    }
    assert_eq!(world.customers(), 60, "nothing was created in vain");
}

/// The first request fails, so that there is a cookie without an entity.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_requests_of_one_guest_create_one_entity_whatever_process_they_reach() {
    let world = World::with_guests().await;
    world.faults(Faults { status: Some(503), ..Faults::default() });
    let failed = world.guest("").await;
    let cookie = kept(&failed);
    assert_eq!(problem(failed).await.1["code"], "accounts_unavailable");
    world.faults(Faults { latency_ms: Some(300), ..Faults::default() });
    let (_service, other) = world.another_with(guests(true)).await;
    let ask = async |racer: usize| {
        let server = if racer.is_multiple_of(2) { &world.server } else { &other };
        let request = world.http.post(server.url("/livechat/guest")).header("origin", server.url(""));
        let response = request.header("cookie", &cookie).send().await.unwrap();
        assert_eq!((response.status().as_u16(), set_cookie(&response)), (200, None));
        response.json::<Value>().await.unwrap()["entity_id"].clone()
    };
    let entities = join_all((0..60).map(ask)).await;
    assert!(entities.iter().all(|entity| *entity == entities[0]));
    assert_eq!((world.customers(), world.guest_records().await), (1, 1));
}

#[tokio::test]
async fn a_creation_that_came_too_late_for_its_guest_is_there_at_the_next_request() {
    let world = World::with(Given { timeout: Duration::from_millis(500), ..guests(true) }).await;
    world.faults(Faults { latency_ms: Some(2000), remaining: Some(1), ..Faults::default() });
    let late = world.guest("").await;
    let cookie = kept(&late);
    assert_eq!(problem(late).await.1["code"], "accounts_slow");
    until("the late answer came", || !world.stand_in.ledger().requests.is_empty()).await;
    until("the token is kept", || world.issued() == 1).await;
    while world.guest(&cookie).await.status() == 504 {}
    assert_eq!((world.customers(), world.issued()), (1, 1));
}

#[tokio::test]
async fn an_adoption_holds_although_livechat_is_away() {
    let world = World::with_guests().await;
    let (cookie, guest) = world.served_guest("").await;
    world.faults(Faults { status: Some(503), ..Faults::default() });
    let failed = world.customer("ada", &cookie).await;
    assert_eq!(failed.status(), 503);
    assert!(is_ended(&failed), "the entity is the customer's already");
    assert_eq!(world.guest_records().await, 0);
    world.faults(Faults::default());
    assert_eq!(world.token("ada").await["entity_id"], guest["entity_id"]);
    assert_eq!(world.customers(), 1);
}

/// The guest has no entity yet, so there is nothing to adopt; both requests are under way at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_ends_while_it_is_created_gets_no_token_any_more() {
    let world = World::with_guests().await;
    world.faults(Faults { status: Some(503), ..Faults::default() });
    let cookie = kept(&world.guest("").await);
    world.faults(Faults { latency_ms: Some(4000), remaining: Some(1), ..Faults::default() });
    let request = tokio::spawn(world.page(Method::POST, "/livechat/guest", &cookie).send());
    until("the guest is created", || world.customers() == 1).await;
    let ada = world.entity_of("ada", &cookie).await;
    assert_eq!(refused(request.await.unwrap().unwrap()).await, (409, "guest_ended".to_owned()));
    assert_eq!((world.customers(), world.guest_records().await), (2, 0));
    assert_eq!(world.token("ada").await["entity_id"], ada);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_who_is_adopted_while_its_token_is_fetched_does_not_get_it() {
    let world = World::with_guests().await;
    let (cookie, guest) = world.served_guest("").await;
    world.faults(Faults { latency_ms: Some(4000), remaining: Some(1), ..Faults::default() });
    let fresh = world.page(Method::POST, "/livechat/guest", &cookie).header("cache-control", "no-cache");
    let request = tokio::spawn(fresh.send());
    until("the token is made", || world.issued() == 2).await;
    assert_eq!(world.entity_of("ada", &cookie).await, guest["entity_id"]);
    assert_eq!(refused(request.await.unwrap().unwrap()).await, (409, "guest_ended".to_owned()));
}

#[tokio::test]
async fn a_guest_can_be_ended_and_nobody_comes_back_to_it() {
    let world = World::with_guests().await;
    let (_service, other) = world.another_with(guests(true)).await;
    let (cookie, guest) = world.served_guest("").await;
    let elsewhere = |cookie: &str| {
        let request = world.http.post(other.url("/livechat/guest")).header("origin", other.url(""));
        request.header("cookie", cookie.to_owned()).send()
    };
    let known: Value = elsewhere(&cookie).await.unwrap().json().await.unwrap();
    assert_eq!(known["entity_id"], guest["entity_id"], "both processes keep a token of it");
    for cookies in [cookie.as_str(), &cookie, "", "__Host-livechat-guest=nonsense"] {
        let response = world.page(Method::DELETE, "/livechat/guest", cookies).send().await.unwrap();
        assert_eq!(response.status(), 204, "{cookies}");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert!(is_ended(&response));
    }
    for response in [world.guest(&cookie).await, elsewhere(&cookie).await.unwrap()] {
        assert!(set_cookie(&response).is_some());
        assert_ne!(response.json::<Value>().await.unwrap()["entity_id"], guest["entity_id"]);
    }
    // A customer can end one too, whose page knows it no better.
    let (cookie, _) = world.served_guest("").await;
    let cookies = format!("{cookie}; session={}", world.session("ada"));
    let response = world.page(Method::DELETE, "/livechat/guest", &cookies).send().await.unwrap();
    assert!(response.status() == 204 && is_ended(&response));
    let preflight = world.http.request(Method::OPTIONS, world.server.url("/livechat/guest"));
    let preflight = preflight.header("origin", ALLOWED).header("access-control-request-method", "DELETE");
    let allowed = preflight.send().await.unwrap();
    assert!(allowed.headers()["access-control-allow-methods"].to_str().unwrap().contains("DELETE"));
    let response = world.page(Method::GET, "/livechat/guest", "").send().await.unwrap();
    let mut methods: Vec<&str> = response.headers()["allow"].to_str().unwrap().split(',').collect();
    methods.sort_unstable();
    assert_eq!((response.status().as_u16(), methods), (405, vec!["DELETE", "POST"]));
}

#[tokio::test]
async fn a_guest_lives_as_long_as_its_cookie_and_longer_when_it_comes_again() {
    let world = World::with_guests().await;
    let (away, gone) = world.served_guest("").await;
    let (cookie, stays) = world.served_guest("").await;
    world.clock.advance(8 * DAY);
    assert_eq!(set_cookie(&world.guest(&cookie).await), None, "soon again: nothing is written");
    world.clock.advance(2 * DAY);
    let extended = world.guest(&cookie).await;
    assert_eq!(kept(&extended), cookie);
    assert!(set_cookie(&extended).unwrap().contains("Max-Age=7776000"));
    world.clock.advance(80 * DAY + 60);
    set_database_clock(&world, 90 * DAY.cast_signed() + 60).await;
    let (other, new) = world.served_guest(&away).await;
    assert_ne!((&other, &new["entity_id"]), (&away, &gone["entity_id"]));
    assert_eq!(world.guest_records().await, 2, "the one whose time is over is removed");
    assert_eq!(world.served_guest(&cookie).await.1["entity_id"], stays["entity_id"]);

    // Nobody adopts one whose time is over, also when its record is still there.
    let (late, old) = world.served_guest("").await;
    world.clock.advance(90 * DAY);
    set_database_clock(&world, 180 * DAY.cast_signed() + 60).await;
    assert_ne!(world.entity_of("ada", &late).await, old["entity_id"]);
}

#[tokio::test]
async fn a_guest_whom_livechat_has_forgotten_comes_back_as_a_new_one() {
    let world = World::with_guests().await;
    let (cookie, _) = world.served_guest("").await;
    world.clock.advance(28_800);
    world.stand_in.ledger().customers.clear();
    let response = world.guest(&cookie).await;
    assert!(is_ended(&response));
    let (status, body, _) = problem(response).await;
    assert_eq!((status, body["oauth_exception"].as_str().unwrap()), (403, "resource_not_found"));
    assert_eq!(world.guest_records().await, 0);
    assert_ne!(world.served_guest(&cookie).await.0, cookie);
}

#[tokio::test]
async fn a_customer_is_served_from_memory_although_the_guests_record_cannot_be_removed() {
    let world = World::with_guests().await;
    let (cookie, _) = world.served_guest("").await;
    let ada = world.token("ada").await;
    sqlx::query("DROP TABLE guest").execute(&mut world.database().await).await.unwrap();
    let response = world.customer("ada", &cookie).await;
    assert!(is_ended(&response));
    assert_eq!(response.json::<Value>().await.unwrap(), ada);
    assert_eq!(refused(world.guest(&cookie).await).await, (503, "store_unavailable".to_owned()));
}
