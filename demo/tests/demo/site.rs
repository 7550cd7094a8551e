//! The demo's site: signing in and out, its files, and what its pages may load.

use std::{fs, time::Duration};

use demo::site::{
    DEVICES, DeviceAddress, JsonWebTokens, LiveAssistSettings, LiveChat, SESSION_COOKIE, Services, SiteSettings,
    put_records, routers, session_settings,
};
use identity_service::admission::session_token::SessionKey;
use reqwest::Response;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::support::{Given, Server, World, problem};

struct Demo {
    world: World,
    site: Server,
    devices: Vec<Server>,
    stop: CancellationToken,
}

impl Demo {
    async fn new() -> Self {
        let secret = SecretString::from("the demo's own secret, of more than 32 bytes");
        let world = World::with(Given {
            session_key: Some(SessionKey::Secret(secret.clone().into())),
            cookie: SESSION_COOKIE,
            ..Given::default()
        })
        .await;
        let (www, package) = (world.folder.path().join("www"), world.folder.path().join("dist"));
        fs::create_dir_all(&www).unwrap();
        fs::create_dir_all(&package).unwrap();
        fs::write(www.join("index.html"), "<!doctype html>the page").unwrap();
        fs::write(www.join("demo.js"), "export {}").unwrap();
        fs::write(package.join("token.wasm"), b"\0asm").unwrap();
        fs::write(world.folder.path().join("outside.txt"), "secret").unwrap();
        let stand_in = world.stand_in_server.url("");
        let settings = SiteSettings {
            www,
            package,
            session_secret: secret,
            livechat: LiveChat {
                license_id: None,
                organization_id: Some("org".to_owned()),
                client_id: "client".to_owned(),
                accounts_url: stand_in.clone(),
                real: false,
                stand_in_url: Some(stand_in),
            },
            json_web_tokens: JsonWebTokens { issuer: "shop.example".to_owned(), short_lifetime: 20 },
            devices: DEVICES.into_iter().zip(4001..).map(|(device, port)| DeviceAddress { device, port }).collect(),
        };
        assert_eq!(session_settings(&settings).customer_claim, "sub");
        let services = Services { service: world.service.clone(), short_lived: world.service.clone() };
        let live_assist = LiveAssistSettings {
            site: Url::parse("http://127.0.0.1:1").unwrap(),
            issuer: "shop.example".to_owned(),
            client_id: "live-assist".to_owned(),
            client_secret: SecretString::from("the secret of Live Assist"),
            redirect_uri: "https://liveperson.net".to_owned(),
        };
        let stop = CancellationToken::new();
        let routers = routers(settings, &services, live_assist, stop.clone()).unwrap();
        let site = Server::start(routers.site).await;
        let mut devices = Vec::new();
        for router in routers.devices {
            devices.push(Server::start(router).await);
        }
        Self { world, site, devices, stop }
    }

    async fn get(&self, path: &str) -> Response {
        self.world.http.get(self.site.url(path)).send().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value, cookie: &str) -> Response {
        self.post_to(&self.site, path, body, cookie).await
    }

    async fn post_to(&self, server: &Server, path: &str, body: Value, cookie: &str) -> Response {
        let request = self.world.http.post(server.url(path)).header("origin", server.url(""));
        request.header("cookie", cookie).json(&body).send().await.unwrap()
    }

    fn laptop(&self) -> &Server {
        &self.devices[0]
    }

    /// An access token of a customer whose session cookie this is.
    async fn token(&self, cookie: &str) -> String {
        let answer: Value = self.post("/livechat/token", json!({}), cookie).await.json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    async fn write(&self, token: &str, id: &str, text: &str) -> Response {
        let request = self.world.http.post(self.laptop().url("/stand-in/livechat/messages")).bearer_auth(token);
        request.json(&json!({ "id": id, "text": text })).send().await.unwrap()
    }

    /// The conversation as pairs of author and text, as soon as it is not as long as `seen`.
    async fn conversation(&self, token: &str, seen: &str) -> Vec<(String, String)> {
        let url = self.laptop().url(&format!("/stand-in/livechat/conversation?seen={seen}"));
        let answer = self.world.http.get(url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let answer: Value = answer.json().await.unwrap();
        let text = |message: &Value, member: &str| message[member].as_str().unwrap().to_owned();
        let messages = answer["messages"].as_array().unwrap();
        messages.iter().map(|message| (text(message, "author"), text(message, "text"))).collect()
    }

    async fn sign_in(&self, customer: &str) -> String {
        let response = self.post("/site/sign-in", json!({ "customer": customer }), "").await;
        assert_eq!(response.status(), 204);
        let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_customer_signs_in_gets_a_token_and_signs_out() {
    let demo = Demo::new().await;
    let session: Value = demo.get("/site/session").await.json().await.unwrap();
    assert_eq!(session["customer"], Value::Null);
    assert_eq!(session["customers"].as_array().unwrap().len(), 3);
    assert_eq!(session["livechat"]["organizationId"], "org");
    assert_eq!(session["livechat"]["licenseId"], Value::Null);

    let ada = demo.sign_in("ada").await;
    let request = demo.world.http.get(demo.site.url("/site/session")).header("cookie", &ada);
    let session: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(session["customer"], json!({ "id": "ada", "name": "Ada Lovelace" }));
    let on_one_device: Value = demo.post("/livechat/token", json!({}), &ada).await.json().await.unwrap();
    let again = demo.sign_in("ada").await;
    let on_another: Value = demo.post("/livechat/token", json!({}), &again).await.json().await.unwrap();
    assert_eq!(on_one_device["entity_id"], on_another["entity_id"]);
    let grace = demo.sign_in("grace").await;
    let other: Value = demo.post("/livechat/token", json!({}), &grace).await.json().await.unwrap();
    assert_ne!(other["entity_id"], on_one_device["entity_id"]);

    let out = demo.post("/site/sign-out", json!({}), &ada).await;
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    let (status, body, _) = problem(demo.post("/site/sign-in", json!({ "customer": "eve" }), "").await).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (422, "unknown_customer"));
    let foreign = demo.world.http.post(demo.site.url("/site/sign-in")).header("origin", "https://evil.example");
    assert_eq!(problem(foreign.json(&json!({ "customer": "ada" })).send().await.unwrap()).await.0, 403);
}

#[tokio::test]
async fn files_have_their_types_and_pages_their_policy() {
    let demo = Demo::new().await;
    for (path, media_type) in
        [("/", "text/html"), ("/demo.js", "text/javascript"), ("/pkg/token.wasm", "application/wasm")]
    {
        let response = demo.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(media_type), "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval';"), "{policy}");
        assert!(policy.contains(&format!("connect-src 'self' {};", demo.world.stand_in_server.url(""))), "{policy}");
    }
    let blocked = demo.get("/no-wasm/").await;
    assert_eq!(blocked.status(), 200);
    assert!(blocked.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self';"));
    assert_eq!(demo.get("/healthz").await.status(), 200);
    for missing in ["/nothing", "/pkg/nothing.js", "/..%2foutside.txt", "/%2e%2e/outside.txt"] {
        assert_eq!(problem(demo.get(missing).await).await.0, 404, "{missing}");
    }
    assert_eq!(problem(demo.get("/livechat/token").await).await.0, 405);
}

#[tokio::test]
async fn live_assists_stand_in_keeps_the_verifier_and_says_what_went_wrong() {
    let demo = Demo::new().await;
    let engage = async |proof_key: bool| -> Value {
        let body = json!({ "proof_key": proof_key, "short_lived": false });
        demo.post("/stand-in/live-assist/engagement", body, "").await.json().await.unwrap()
    };
    let plain = engage(false).await;
    assert_eq!(plain.as_object().unwrap().keys().collect::<Vec<_>>(), ["engagement"]);
    let with_proof_key = engage(true).await;
    assert_eq!(with_proof_key["code_challenge"].as_str().unwrap().len(), 43);
    assert_eq!(with_proof_key.as_object().unwrap().len(), 2);
    assert_ne!(with_proof_key["engagement"], plain["engagement"]);

    let redeem = async |body: Value| problem(demo.post("/stand-in/live-assist/redeem", body, "").await).await;
    let (status, body, _) = redeem(json!({ "engagement": "unknown", "code": "code" })).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (422, "unknown_engagement"));
    let (status, body, _) = redeem(json!({ "engagement": plain["engagement"] })).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (422, "bad_body"));
    // Nothing listens where this site's services are said to be.
    let (status, body, _) = redeem(json!({ "engagement": plain["engagement"], "code": "a secret code" })).await;
    assert_eq!((status, body["code"].as_str().unwrap()), (502, "site_failed"));
    assert!(!body.to_string().contains("a secret code"), "{body}");
    for path in ["/stand-in/live-assist/engagement", "/stand-in/live-assist/redeem"] {
        let foreign = demo.world.http.post(demo.site.url(path)).header("origin", "https://evil.example");
        assert_eq!(problem(foreign.json(&json!({})).send().await.unwrap()).await.0, 403, "{path}");
    }
}

#[tokio::test]
async fn a_service_that_refuses_a_record_stops_the_demo_and_names_the_customer() {
    let demo = Demo::new().await;
    // Without an admin key the service has no admin API.
    let refused = put_records(&demo.world.service.routes(), &SecretString::from("a key of nobody")).await.unwrap_err();
    assert!(refused.contains("ada") && refused.contains("404"), "{refused}");
    assert!(!refused.contains("a key of nobody"), "{refused}");
}

#[tokio::test]
async fn each_device_has_cookies_of_its_own() {
    let demo = Demo::new().await;
    let [laptop, phone, _] = demo.devices.as_slice() else { panic!("there are three devices") };
    let signed_in = demo.post_to(laptop, "/site/sign-in", json!({ "customer": "ada" }), "").await;
    let set_cookie = signed_in.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(set_cookie.starts_with("laptop.demo_session=") && set_cookie.contains("HttpOnly"), "{set_cookie}");
    let cookie = set_cookie.split(';').next().unwrap();
    let customer = async |server: &Server, cookie: String| -> Value {
        let request = demo.world.http.get(server.url("/site/session")).header("cookie", cookie);
        let session: Value = request.send().await.unwrap().json().await.unwrap();
        session["customer"]["id"].clone()
    };
    assert_eq!(customer(laptop, cookie.to_owned()).await, "ada");
    assert_eq!(customer(laptop, format!("a=b; phone.demo_session=x; {cookie}; demo_session=y")).await, "ada");
    // A browser sends them all to every port.
    assert_eq!(customer(phone, cookie.to_owned()).await, Value::Null);
    assert_eq!(customer(&demo.site, cookie.to_owned()).await, Value::Null);
    let sites_own = cookie.strip_prefix("laptop.").unwrap();
    assert_eq!(customer(&demo.site, sites_own.to_owned()).await, "ada");
    assert_eq!(customer(laptop, sites_own.to_owned()).await, Value::Null);

    let token = demo.post_to(laptop, "/livechat/token", json!({}), cookie).await;
    assert_eq!(token.status(), 200);
    assert_eq!(demo.post_to(phone, "/livechat/token", json!({}), cookie).await.status(), 401);
    let out = demo.post_to(laptop, "/site/sign-out", json!({}), cookie).await;
    let set_cookie = out.headers()["set-cookie"].to_str().unwrap();
    assert!(set_cookie.starts_with("laptop.demo_session=;") && set_cookie.contains("Max-Age=0"), "{set_cookie}");
}

#[tokio::test]
async fn the_site_frames_its_devices_and_nobody_frames_the_site() {
    let demo = Demo::new().await;
    let policy = async |server: &Server| {
        let response = demo.world.http.get(server.url("/")).send().await.unwrap();
        response.headers()["content-security-policy"].to_str().unwrap().to_owned()
    };
    let site = policy(&demo.site).await;
    assert!(site.contains("frame-ancestors 'none'"), "{site}");
    for port in 4001..=4003 {
        assert!(site.contains(&format!(" http://127.0.0.1:{port} http://localhost:{port}")), "{site}");
    }
    for device in &demo.devices {
        let policy = policy(device).await;
        assert!(
            policy.contains("frame-src 'none'; frame-ancestors http://127.0.0.1:* http://localhost:*;"),
            "{policy}"
        );
    }
    let session: Value = demo.get("/site/session").await.json().await.unwrap();
    assert_eq!(session["devices"][1], json!({ "id": "phone", "name": "Ada’s phone", "port": 4002 }));
}

#[tokio::test]
async fn the_chat_keeps_one_conversation_for_each_customer_whom_the_accounts_name() {
    let demo = Demo::new().await;
    let ada = demo.token(&demo.sign_in("ada").await).await;
    let on_another_device = demo.world.http.post(demo.site.url("/livechat/token"));
    let request = on_another_device.header("origin", demo.site.url("")).header("cookie", demo.sign_in("ada").await);
    let again: Value = request.header("cache-control", "no-cache").send().await.unwrap().json().await.unwrap();
    let again = again["access_token"].as_str().unwrap();
    assert_ne!(again, ada);
    let grace = demo.token(&demo.sign_in("grace").await).await;

    assert_eq!(demo.write(&ada, "1", "Where is my lamp?").await.status(), 204);
    // Its answer was lost, and it comes again.
    assert_eq!(demo.write(again, "1", "Where is my lamp?").await.status(), 204);
    let question = ("customer".to_owned(), "Where is my lamp?".to_owned());
    let conversation = demo.conversation(again, "1").await;
    assert_eq!(conversation.len(), 2);
    assert_eq!(conversation[0], question);
    assert_eq!(conversation[1].0, "agent");
    assert_eq!(demo.conversation(&ada, "0").await, conversation);
    assert_eq!(demo.conversation(&grace, "").await, []);

    let url = demo.laptop().url("/stand-in/livechat/conversation?seen=");
    for token in ["", "stand-in:nobody's"] {
        let answer = demo.world.http.get(&url).bearer_auth(token).send().await.unwrap();
        assert_eq!(problem(answer).await.0, 401);
    }
    // Called back, it is nobody's from that moment on.
    let accounts = demo.world.stand_in_server.url("/v2/customer/token");
    assert_eq!(demo.world.http.delete(accounts).bearer_auth(&ada).send().await.unwrap().status(), 200);
    assert_eq!(problem(demo.write(&ada, "2", "Hello?").await).await.1["code"], "token_refused");
    assert_eq!(demo.conversation(again, "").await, conversation);

    assert_eq!(problem(demo.write(again, "3", " ").await).await.0, 422);
    assert_eq!(problem(demo.write(again, "3", &"x".repeat(2001)).await).await.0, 422);
    let foreign = demo.world.http.post(demo.site.url("/stand-in/story")).header("origin", "https://evil.example");
    assert_eq!(problem(foreign.send().await.unwrap()).await.0, 403);
    assert_eq!(demo.conversation(again, "").await, conversation);
    assert_eq!(demo.post("/stand-in/story", json!({}), "").await.status(), 204);
    assert_eq!(demo.conversation(again, "2").await, []);
}

#[tokio::test]
async fn in_each_telling_of_the_story_its_customers_are_new_to_livechat() {
    let demo = Demo::new().await;
    let sign_in = async |server: &Server| {
        let answer = demo.post_to(server, "/site/sign-in", json!({ "customer": "ada" }), "").await;
        answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    };
    let entity = async |server: &Server, cookie: &str| -> Value {
        let answer: Value = demo.post_to(server, "/livechat/token", json!({}), cookie).await.json().await.unwrap();
        answer["entity_id"].clone()
    };
    let [laptop, phone, _] = demo.devices.as_slice() else { panic!("there are three devices") };
    let (on_laptop, on_phone, on_bench) = (sign_in(laptop).await, sign_in(phone).await, sign_in(&demo.site).await);
    let first = entity(laptop, &on_laptop).await;
    assert_eq!(entity(phone, &on_phone).await, first);
    let on_benches = entity(&demo.site, &on_bench).await;
    assert_ne!(on_benches, first);
    assert_eq!(demo.post("/stand-in/story", json!({}), "").await.status(), 204);
    let again = sign_in(laptop).await;
    let second = entity(laptop, &again).await;
    assert_ne!(second, first);
    assert_eq!(entity(phone, &sign_in(phone).await).await, second);
    // The benches have nothing to do with it.
    assert_eq!(entity(&demo.site, &sign_in(&demo.site).await).await, on_benches);
    let request = demo.world.http.get(laptop.url("/site/session")).header("cookie", again);
    let session: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(session["customer"], json!({ "id": "ada", "name": "Ada Lovelace" }));
}

#[tokio::test]
async fn whoever_waits_for_news_of_a_conversation_is_answered_when_the_site_stops() {
    let demo = Demo::new().await;
    let ada = demo.token(&demo.sign_in("ada").await).await;
    let news = async { tokio::join!(demo.conversation(&ada, "0"), async { demo.stop.cancel() }).0 };
    // Otherwise it would be kept for twenty seconds, and so would the stop.
    assert_eq!(tokio::time::timeout(Duration::from_secs(15), news).await.unwrap(), []);
}
