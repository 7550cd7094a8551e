//! Whose session it is, asked of a site that knows nothing of this service, and of an OAuth server (RFC 7662).

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use futures_util::future::join_all;
use identity_service::{
    admission::{
        introspection::{Introspection, IntrospectionSettings},
        questions::QuestionSettings,
        session::SessionSource,
        site_session::{SiteSessionSettings, SiteSessions},
    },
    livechat::guests::GuestSettings,
};
use reqwest::RequestBuilder;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{Given, Server, World, log_of_this_thread, now, problem, until};

const QUESTIONS: QuestionSettings =
    QuestionSettings { timeout: Duration::from_secs(10), keep: Duration::from_secs(60) };

/// How the site answers, whoever asks.
#[derive(Clone)]
enum Mood {
    /// As its sessions say.
    Well,
    /// With this status and body.
    Says(u16, String),
    /// With these bytes, encoded so.
    Encodes(&'static str, Vec<u8>),
    /// Not before it is told to.
    Silent(Arc<Notify>),
}

/// A site with sessions of its own: a cookie that means nothing by itself.
#[derive(Clone)]
struct Site(Arc<Mutex<SiteState>>);

struct SiteState {
    sessions: HashMap<String, Value>,
    asked: Vec<HeaderMap>,
    sign_in_page_opened: bool,
    mood: Mood,
}

impl Site {
    fn new() -> Self {
        let sessions = HashMap::from([("phpsessid=ada-1".to_owned(), json!("ada"))]);
        Self(Arc::new(Mutex::new(SiteState {
            sessions,
            asked: Vec::new(),
            sign_in_page_opened: false,
            mood: Mood::Well,
        })))
    }

    fn sign_in(&self, cookie: &str, id: Value) {
        self.0.lock().unwrap().sessions.insert(cookie.to_owned(), id);
    }

    fn mood(&self, mood: Mood) {
        self.0.lock().unwrap().mood = mood;
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().asked.len()
    }

    async fn serve(&self) -> Server {
        let opened = |State(site): State<Site>| async move {
            site.0.lock().unwrap().sign_in_page_opened = true;
            Json(json!({ "id": "mallory" }))
        };
        let router = Router::new().route("/me", get(me)).route("/me/", get(opened)).route("/sign-in", get(opened));
        Server::start(router.with_state(self.clone())).await
    }
}

async fn me(State(site): State<Site>, headers: HeaderMap) -> Response {
    let mood = {
        let mut state = site.0.lock().unwrap();
        state.asked.push(headers.clone());
        state.mood.clone()
    };
    match mood {
        Mood::Well => {}
        Mood::Says(status, body) => {
            let status = StatusCode::from_u16(status).unwrap();
            let location = if status.is_redirection() { body.clone() } else { String::new() };
            return (status, [(header::LOCATION, location)], body).into_response();
        }
        Mood::Encodes(encoding, body) => return ([(header::CONTENT_ENCODING, encoding)], body).into_response(),
        Mood::Silent(told) => told.notified().await,
    }
    let text = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let shown = [text("cookie").unwrap_or_default(), text("authorization").unwrap_or_default()];
    let state = site.0.lock().unwrap();
    let mut parts = shown.iter().flat_map(|text| text.split("; "));
    match parts.find_map(|part| state.sessions.get(&part.to_lowercase())) {
        Some(id) => Json(json!({ "id": id, "name": "Somebody" })).into_response(),
        None => Redirect::to("/sign-in").into_response(),
    }
}

struct Asked {
    world: World,
    site: Site,
    site_server: Server,
}

impl Asked {
    async fn new() -> Self {
        Self::with(QUESTIONS, None, Given::default()).await
    }

    async fn with(questions: QuestionSettings, cookie: Option<&str>, given: Given) -> Self {
        let site = Site::new();
        let site_server = site.serve().await;
        let source = SiteSessions::new(SiteSessionSettings {
            url: site_server.url("/me").parse().unwrap(),
            customer_claim: "id".to_owned(),
            cookie: cookie.map(str::to_owned),
            questions,
        });
        let world = World::with(Given { session: Some(SessionSource::Site(source.unwrap())), ..given }).await;
        Self { world, site, site_server }
    }

    fn request(&self) -> RequestBuilder {
        let origin = self.world.server.url("");
        self.world.http.post(self.world.server.url("/livechat/token")).header("origin", origin)
    }

    async fn by_cookie(&self, cookie: &str) -> (u16, String) {
        answer(self.request().header("cookie", cookie)).await
    }
}

async fn answer(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    if response.status().is_success() {
        return (response.status().as_u16(), String::new());
    }
    let (status, body, retry_after) = problem(response).await;
    assert_eq!(retry_after.is_some(), status == 503, "{body}");
    (status, body["code"].as_str().unwrap().to_owned())
}

fn nobody() -> (u16, String) {
    (401, "not_signed_in".to_owned())
}

fn unavailable() -> (u16, String) {
    (503, "session_source_unavailable".to_owned())
}

#[tokio::test]
async fn the_site_says_whose_cookie_it_is() {
    let asked = Asked::new().await;
    assert_eq!(asked.by_cookie("theme=dark; PHPSESSID=ada-1").await.0, 200);
    assert_eq!(asked.world.customers(), 1);
    asked.site.sign_in("bearer of-an-app", json!(42));
    assert_eq!(answer(asked.request().header("authorization", "Bearer of-an-app")).await.0, 200);
    assert_eq!(asked.world.customers(), 2);
    // What is no text goes on as it came.
    let odd = header::HeaderValue::from_bytes(b"name=J\xfcrgen; PHPSESSID=ada-1").unwrap();
    assert_eq!(answer(asked.request().header("cookie", odd)).await.0, 200);
    assert_eq!(asked.world.customers(), 2);
    let state = asked.site.0.lock().unwrap();
    assert!(state.asked.iter().all(|headers| headers["accept"] == "application/json"));
    assert_eq!(state.asked[2]["cookie"].as_bytes(), b"name=J\xfcrgen; PHPSESSID=ada-1");
    assert!(!state.asked[0].contains_key("origin") && !state.asked[0].contains_key("authorization"));
}

#[tokio::test]
async fn nobody_is_signed_in_where_the_site_says_so() {
    let asked = Asked::new().await;
    assert_eq!(asked.by_cookie("PHPSESSID=unknown").await, nobody());
    let answers = [
        (401, ""),
        (403, "<html>"),
        (301, "/elsewhere"),
        (302, "/sign-in?next=/me"),
        (303, "https://accounts.example/sign-in"),
        (307, "/sign-in"),
        (204, ""),
        (200, "null"),
        (200, r#"{"id": null}"#),
        (200, r#"{"id": "", "name": "Guest"}"#),
        // Of a site that says so in its own way, all visitors would be one customer.
        (200, r#"{"id": 0}"#),
        (200, r#"{"id": "0"}"#),
        (200, r#"{"id": false}"#),
        (200, r#"{"id": "null"}"#),
        (200, r#"{"id": "None"}"#),
        (200, r#"{"id": "undefined"}"#),
        (200, r#"{"id": "anonymousUser"}"#),
        (200, r#"{"id": "AnonymousUser"}"#),
    ];
    for (status, body) in answers {
        asked.site.mood(Mood::Says(status, body.to_owned()));
        assert_eq!(asked.by_cookie("PHPSESSID=ada-1").await, nobody(), "{status} {body}");
    }
    assert!(!asked.site.0.lock().unwrap().sign_in_page_opened, "a redirect was followed");
    assert_eq!(asked.world.customers(), 0);
    // Without anything that could be a session, the site is left alone.
    let before = asked.site.asked();
    assert_eq!(answer(asked.request()).await, nobody());
    assert_eq!(asked.site.asked(), before);
}

#[tokio::test]
async fn what_is_no_answer_of_the_site_is_503_and_the_next_question_may_succeed() {
    let asked = Asked::new().await;
    let long = format!(r#"{{"id": "ada", "more": "{}"}}"#, "x".repeat(70_000));
    let answers = [
        (500, ""),
        (429, ""),
        (404, "{}"),
        (400, "{}"),
        (206, r#"{"id": "ada"}"#),
        (304, ""),
        (200, ""),
        (200, "<!doctype html><title>Sign in</title>"),
        (200, r#"["ada"]"#),
        (200, "{}"),
        (200, r#"{"sub": "ada"}"#),
        (200, r#"{"id": {"id": "ada"}}"#),
        (200, r#"{"id": true}"#),
        (200, r#"{"id": "a\nb"}"#),
        (200, &long),
        // Nobody would ever be signed in.
        (301, "/me/"),
        (308, "/me/"),
    ];
    for (status, body) in answers {
        asked.site.mood(Mood::Says(status, body.to_owned()));
        let told = &body[..body.len().min(40)];
        assert_eq!(asked.by_cookie("PHPSESSID=ada-1").await, unavailable(), "{status} {told}");
    }
    assert_eq!(asked.world.customers(), 0);
    asked.site.mood(Mood::Well);
    assert_eq!(asked.by_cookie("PHPSESSID=ada-1").await.0, 200);
    let Asked { world, site_server, .. } = asked;
    site_server.stop().await.unwrap();
    let request = world.http.post(world.server.url("/livechat/token")).header("origin", world.server.url(""));
    assert_eq!(answer(request.header("cookie", "PHPSESSID=another")).await, unavailable());
}

/// `{"id":"ada"}`, as gzip writes it.
const COMPRESSED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xca\x4c\x51\xb2\x52\x4a\x4c\x49\x54\xaa\x05\x00\x84\xc5\xa1\xf1\x0c\x00\x00\x00";

#[tokio::test]
async fn an_answer_is_read_as_servers_and_languages_write_it() {
    let asked = Asked::new().await;
    asked.site.mood(Mood::Encodes("gzip", COMPRESSED.to_vec()));
    assert_eq!(asked.by_cookie("PHPSESSID=1").await.0, 200);
    asked.site.mood(Mood::Encodes("identity", b"\xef\xbb\xbf\r\n{\"id\":\"ada\"}\n".to_vec()));
    assert_eq!(asked.by_cookie("PHPSESSID=2").await.0, 200, "a byte order mark");
    asked.site.mood(Mood::Encodes("gzip", COMPRESSED[..20].to_vec()));
    assert_eq!(asked.by_cookie("PHPSESSID=3").await, unavailable());
    assert_eq!(asked.world.customers(), 1);
    let headers = asked.site.0.lock().unwrap().asked[0].clone();
    assert!(
        headers["user-agent"].to_str().unwrap().starts_with("identity-service/"),
        "firewalls want to know who asks"
    );
}

/// Answers one request of each connection, and cuts it at the next: a server that closes what was idle, at the wrong moment.
fn one_answer_a_connection(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                for is_answered in [true, false] {
                    let mut request = Vec::new();
                    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                        let mut bytes = [0; 4096];
                        match stream.read(&mut bytes) {
                            Ok(length) if length > 0 => request.extend_from_slice(&bytes[..length]),
                            _ => return,
                        }
                    }
                    if is_answered {
                        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len());
                        stream.write_all(format!("{head}{answer}").as_bytes()).unwrap();
                    }
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn a_question_whose_kept_connection_is_cut_is_asked_again_and_no_third_time() {
    let url = one_answer_a_connection(r#"{"sub": "ada"}"#);
    let source = SiteSessions::new(SiteSessionSettings {
        url: url.parse().unwrap(),
        customer_claim: "sub".to_owned(),
        cookie: None,
        questions: QUESTIONS,
    });
    let world = World::with(Given { session: Some(SessionSource::Site(source.unwrap())), ..Given::default() }).await;
    for visit in 0..5 {
        let request = world.http.post(world.server.url("/livechat/token")).header("origin", world.server.url(""));
        assert_eq!(answer(request.header("cookie", format!("sid={visit}"))).await.0, 200, "{visit}");
    }
    let introspected = |url: &str| {
        Introspection::new(IntrospectionSettings {
            url: url.parse().unwrap(),
            client_id: "client".to_owned(),
            client_secret: SecretString::from("secret"),
            issuer: None,
            audience: None,
            customer_claim: "sub".to_owned(),
            cookie: "session".to_owned(),
            questions: QUESTIONS,
        })
    };
    let url = one_answer_a_connection(r#"{"active": true, "sub": "ada"}"#);
    let source = SessionSource::Introspection(introspected(&url).unwrap());
    let world = World::with(Given { session: Some(source), ..Given::default() }).await;
    for visit in 0..5 {
        let request = world.http.post(world.server.url("/livechat/token")).bearer_auth(format!("token-{visit}"));
        assert_eq!(answer(request).await.0, 200, "{visit}");
    }
    // Whoever cuts every connection is asked twice, not for ever.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&count);
    let cutting = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            *counted.lock().unwrap() += 1;
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4096]).await;
        }
    });
    let source = SessionSource::Introspection(introspected(&url).unwrap());
    let world = World::with(Given { session: Some(source), ..Given::default() }).await;
    let request = world.http.post(world.server.url("/livechat/token")).bearer_auth("a-token");
    assert_eq!(answer(request).await, unavailable());
    assert_eq!(*count.lock().unwrap(), 2);
    cutting.abort();
}

#[tokio::test]
async fn a_site_that_stays_silent_is_given_up_at_the_deadline() {
    let questions = QuestionSettings { timeout: Duration::from_millis(100), ..QUESTIONS };
    let asked = Asked::with(questions, None, Given::default()).await;
    asked.site.mood(Mood::Silent(Arc::default()));
    assert_eq!(asked.by_cookie("PHPSESSID=ada-1").await, unavailable());
}

#[tokio::test]
async fn equal_sessions_are_one_question_and_others_are_their_own() {
    let asked = Asked::new().await;
    let told = Arc::new(Notify::new());
    asked.site.mood(Mood::Silent(Arc::clone(&told)));
    let all = join_all((0..20).map(|_| asked.by_cookie("PHPSESSID=ada-1")));
    let tell = async {
        until("the question", || asked.site.asked() == 1).await;
        asked.site.mood(Mood::Well);
        told.notify_waiters();
    };
    let (answers, ()) = tokio::join!(all, tell);
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    assert_eq!(asked.by_cookie("PHPSESSID=ada-1").await.0, 200);
    assert_eq!(asked.site.asked(), 1);
    asked.site.sign_in("phpsessid=bob-1", json!("bob"));
    assert_eq!(asked.by_cookie("PHPSESSID=bob-1").await.0, 200);
    // The same bytes, otherwise cut into a cookie and an authorization, are another session.
    assert_eq!(answer(asked.request().header("cookie", "PHPSESSID=").header("authorization", "ada-1")).await, nobody());
    assert_eq!(asked.site.asked(), 3);
    assert_eq!(asked.world.customers(), 2);
}

#[tokio::test]
async fn who_signs_in_is_served_at_once_and_who_signs_out_is_forgotten_soon() {
    let questions = QuestionSettings { keep: Duration::from_millis(50), ..QUESTIONS };
    let asked = Asked::with(questions, None, Given::default()).await;
    assert_eq!(asked.by_cookie("PHPSESSID=same").await, nobody());
    asked.site.sign_in("phpsessid=same", json!("ada"));
    assert_eq!(asked.by_cookie("PHPSESSID=same").await.0, 200);
    asked.site.0.lock().unwrap().sessions.clear();
    while asked.by_cookie("PHPSESSID=same").await.0 == 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(asked.by_cookie("PHPSESSID=same").await, nobody());
}

#[tokio::test]
async fn with_a_cookie_named_no_other_reaches_the_site_or_asks_it_again() {
    let asked = Asked::with(QUESTIONS, Some("PHPSESSID"), Given::default()).await;
    for visit in ["_ga=1; PHPSESSID=ada-1", "PHPSESSID=ada-1; _ga=2", "PHPSESSID=ada-1"] {
        assert_eq!(asked.by_cookie(visit).await.0, 200, "{visit}");
    }
    assert_eq!(asked.site.asked(), 1);
    assert_eq!(asked.site.0.lock().unwrap().asked[0]["cookie"], "PHPSESSID=ada-1");
    assert_eq!(asked.by_cookie("_ga=3; XPHPSESSID=ada-1").await, nobody());
    assert_eq!(asked.site.asked(), 1);
    // Its pieces do: frameworks cut what is too long for a browser.
    for (number, pieces) in
        ["PHPSESSID.0=a; PHPSESSID.1=b", "PHPSESSID=chunks-2; PHPSESSIDC1=a; PHPSESSIDC2=b"].iter().enumerate()
    {
        let answer = asked.by_cookie(&format!("_ga=4; PHPSESSID.x=1; PHPSESSIDs=2; {pieces}; PHPSESSID.=3")).await;
        assert_eq!(answer, nobody());
        assert_eq!(asked.site.0.lock().unwrap().asked[number + 1]["cookie"], *pieces);
    }
}

#[tokio::test]
async fn a_foreign_page_has_nobody_asked_about() {
    let asked = Asked::new().await;
    let post = || asked.world.http.post(asked.world.server.url("/livechat/token"));
    let foreign = post().header("cookie", "PHPSESSID=ada-1").header("origin", "https://evil.example");
    assert_eq!(answer(foreign).await, (403, "foreign_origin".to_owned()));
    // A browser sends by itself what was typed into its password window, too.
    for header in [("cookie", "PHPSESSID=ada-1"), ("authorization", "Basic YWRhOmFkYQ==")] {
        assert_eq!(answer(post().header(header.0, header.1)).await, (403, "no_origin".to_owned()));
    }
    assert_eq!(asked.site.asked(), 0);
}

#[tokio::test]
async fn a_guest_is_who_the_site_does_not_know() {
    let guests = GuestSettings { adopt: false, lifetime: Duration::from_secs(86_400), secure_cookie: true };
    let asked = Asked::with(QUESTIONS, None, Given { guests: Some(guests), ..Given::default() }).await;
    let guest = |cookie: &'static str| {
        let request = asked.world.http.post(asked.world.server.url("/livechat/guest"));
        request.header("origin", asked.world.server.url("")).header("cookie", cookie)
    };
    assert_eq!(answer(guest("PHPSESSID=unknown")).await.0, 200);
    assert_eq!(answer(guest("PHPSESSID=ada-1")).await, (409, "signed_in".to_owned()));
    asked.site.mood(Mood::Says(500, String::new()));
    assert_eq!(answer(guest("PHPSESSID=another")).await, unavailable());
}

#[tokio::test(flavor = "current_thread")]
async fn nothing_of_the_sites_session_is_logged_and_the_trace_goes_on() {
    let asked = Asked::new().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = asked.request().header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    assert_eq!(answer(request.header("cookie", "PHPSESSID=ada-1")).await.0, 200);
    asked.site.mood(Mood::Says(200, r#"{"sub": "ada.lovelace@example.org"}"#.to_owned()));
    assert_eq!(asked.by_cookie("PHPSESSID=a-secret-of-another").await, unavailable());
    let log = log_of_this_thread();
    for secret in ["ada-1", "a-secret-of-another", "ada.lovelace", &asked.site_server.url("/me")] {
        assert!(!log.contains(secret), "the log holds {secret}");
    }
    assert!(log.contains("customer-claim"), "the operator is told: {log}");
    let child = asked.site.0.lock().unwrap().asked[0]["traceparent"].to_str().unwrap().to_owned();
    assert!(child.starts_with(&format!("00-{trace}-")) && !child.contains("00f067aa0ba902b7"), "{child}");
}

/// An OAuth server.
#[derive(Clone, Default)]
struct Issuer(Arc<Mutex<IssuerState>>);

#[derive(Default)]
struct IssuerState {
    /// What it says of a token.
    answers: HashMap<String, Value>,
    /// The forms that it was sent.
    asked: Vec<HashMap<String, String>>,
}

const CLIENT_SECRET: &str = "a:secret/with=signs";

async fn introspect(State(issuer): State<Issuer>, headers: HeaderMap, body: String) -> Response {
    let expected = {
        use base64::{Engine, engine::general_purpose::STANDARD};
        format!("Basic {}", STANDARD.encode("identity%3Aservice:a%3Asecret%2Fwith%3Dsigns"))
    };
    if headers[header::AUTHORIZATION] != expected.as_str() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let mut state = issuer.0.lock().unwrap();
    state.asked.push(form.clone());
    let answer = state.answers.get(&form["token"]).cloned().unwrap_or_else(|| json!({ "active": false }));
    Json(answer).into_response()
}

async fn introspected(secret: &str) -> (World, Issuer, Server) {
    let issuer = Issuer::default();
    let server = Server::start(Router::new().route("/introspect", post(introspect)).with_state(issuer.clone())).await;
    let settings = IntrospectionSettings {
        url: server.url("/introspect").parse().unwrap(),
        client_id: "identity:service".to_owned(),
        client_secret: SecretString::from(secret),
        issuer: Some("https://accounts.example".to_owned()),
        audience: Some("chat".to_owned()),
        customer_claim: "sub".to_owned(),
        cookie: "session".to_owned(),
        questions: QUESTIONS,
    };
    let source = SessionSource::Introspection(Introspection::new(settings).unwrap());
    (World::with(Given { session: Some(source), ..Given::default() }).await, issuer, server)
}

#[tokio::test]
async fn a_token_is_as_good_as_its_issuer_says() {
    let (world, issuer, server) = introspected(CLIENT_SECRET).await;
    let now = now();
    let good = json!({ "active": true, "sub": "ada", "iss": "https://accounts.example", "aud": ["mail", "chat"],
        "exp": now + 600 });
    let with = |member: &str, value: Value| {
        let mut answer = good.clone();
        answer[member] = value;
        answer
    };
    let without = |member: &str| {
        let mut answer = good.clone();
        answer.as_object_mut().unwrap().remove(member);
        answer
    };
    let post = || world.http.post(world.server.url("/livechat/token"));
    issuer.0.lock().unwrap().answers.insert("good/1+2".to_owned(), good.clone());
    for _ in 0..2 {
        assert_eq!(answer(post().bearer_auth("good/1+2")).await.0, 200);
    }
    let by_cookie = post().header("cookie", "session=stale; session=good/1+2").header("origin", world.server.url(""));
    assert_eq!(answer(by_cookie).await.0, 200);
    let form = issuer.0.lock().unwrap().asked[0].clone();
    assert_eq!((form["token"].as_str(), form["token_type_hint"].as_str()), ("good/1+2", "access_token"));
    assert_eq!(issuer.0.lock().unwrap().asked.len(), 2, "the good one and the stale one, once each");
    let cases = [
        (401, "session_inactive", json!({ "active": false, "sub": "ada" })),
        (401, "session_expired", with("exp", json!(now - 60))),
        (401, "session_expired", with("exp", json!(now as f64 - 0.5))),
        (401, "session_expired", with("exp", json!((now - 60).to_string()))),
        (401, "session_expired", with("exp", json!(-1))),
        (401, "session_not_yet_valid", with("nbf", json!(now + 600))),
        (401, "session_not_yet_valid", with("nbf", json!((now + 600).to_string()))),
        (401, "session_not_yet_valid", with("nbf", json!(now as f64 + 600.5))),
        (503, "session_source_unavailable", with("exp", json!("soon"))),
        (503, "session_source_unavailable", with("exp", json!(true))),
        (503, "session_source_unavailable", with("nbf", json!([now]))),
        (401, "session_issuer", with("iss", json!("https://evil.example"))),
        (401, "session_issuer", without("iss")),
        (401, "session_audience", with("aud", json!("mail"))),
        (401, "session_audience", without("aud")),
        (401, "session_no_customer", without("sub")),
        (401, "session_no_customer", with("sub", json!("anonymousUser"))),
        (401, "session_no_customer", with("sub", json!(0))),
        (503, "session_source_unavailable", with("active", json!("true"))),
        (503, "session_source_unavailable", json!(["active"])),
    ];
    for (number, (status, code, said)) in cases.into_iter().enumerate() {
        let token = format!("token-{number}");
        issuer.0.lock().unwrap().answers.insert(token.clone(), said);
        assert_eq!(answer(post().bearer_auth(&token)).await, (status, code.to_owned()), "{number}");
    }
    for (token, said) in [
        ("for-ever", without("exp")),
        ("no-end", with("exp", json!(null))),
        ("fraction", with("exp", json!(now as f64 + 600.5))),
        ("text", with("exp", json!((now + 600).to_string()))),
    ] {
        issuer.0.lock().unwrap().answers.insert(token.to_owned(), said);
        assert_eq!(answer(post().bearer_auth(token)).await.0, 200, "{token}");
    }
    server.stop().await.unwrap();
    assert_eq!(answer(post().bearer_auth("another")).await, unavailable());
}

#[tokio::test(flavor = "current_thread")]
async fn an_issuer_that_does_not_know_this_service_is_the_operators_matter() {
    let (world, _issuer, _server) = introspected("another secret").await;
    assert_eq!(
        answer(world.http.post(world.server.url("/livechat/token")).bearer_auth("a-token")).await,
        unavailable()
    );
    let log = log_of_this_thread();
    assert!(log.contains("session-client-id") && !log.contains("another secret"), "{log}");
}
