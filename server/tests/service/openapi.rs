//! The description of the endpoints: it names every route, and nothing is answered that it does not tell.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use identity_service::livechat::guests::GuestSettings;
use reqwest::{Method, Response, header::HeaderMap};
use serde_json::{Value, json};

use crate::{
    signing::{CONTACT, OTHER_REDIRECT_URI, REDIRECT_URI, Signing, Site},
    support::{ALLOWED, World, now, sign},
};

fn description() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// The paths that the source gives to `.route(`, as it is written there.
fn routes_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            routes_in(&entry, found);
            continue;
        }
        let text = fs::read_to_string(&entry).unwrap();
        for rest in text.split(".route(").skip(1) {
            let path = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
            found.insert(path.unwrap_or_else(|| panic!("a route without a path in {}", entry.display())).to_owned());
        }
    }
}

#[tokio::test]
async fn every_route_is_described_and_no_other() {
    let mut routes = BTreeSet::new();
    routes_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut routes);
    assert!(routes.remove("/metrics"), "which has a listener of its own");
    let description = description();
    let described: BTreeSet<String> = description["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(described, routes);
    assert_eq!(description["openapi"], "3.1.0");
    assert_eq!(description["info"]["version"], env!("CARGO_PKG_VERSION"));

    let site = Site::new().await;
    let served = site.get("/openapi.json").await;
    assert_eq!(served.headers()["content-type"], "application/json");
    let (mut served, mut written) = (served.json::<Value>().await.unwrap(), description.clone());
    for description in [&mut served, &mut written] {
        // What the settings say.
        description["components"]["schemas"]["AuthorizationCodeRequest"]["properties"]["redirect_uri"]["enum"].take();
    }
    assert_eq!(served, written);
    // Of each path, exactly the methods that are described are taken.
    for (path, item) in description["paths"].as_object().unwrap() {
        let url = site.world.server.url(&path.replace("{customer_id}", "ada"));
        for method in ["get", "post", "put", "delete", "patch"] {
            let response = site.world.http.request(method.to_uppercase().parse().unwrap(), &url).send().await.unwrap();
            // The guests' endpoint is not served here: what is not configured is not there.
            let taken = ![404, 405].contains(&response.status().as_u16());
            assert_eq!(taken, item.get(method).is_some() && path != "/livechat/guest", "{method} {path}");
        }
    }
}

fn resolved<'a>(description: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().map(|reference| reference.trim_start_matches('#'));
    pointer.map_or(schema, |pointer| description.pointer(pointer).unwrap())
}

/// Whether the members of an object are those that its schema has.
fn check_members(description: &Value, schema: &Value, answer: &Value, told: &str) {
    let schema = resolved(description, schema);
    let Some(members) = answer.as_object() else { return };
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(members.contains_key(required.as_str().unwrap()), "{told}: {required} is missing in {answer}");
    }
    if let (Some(known), Some(false)) = (schema["properties"].as_object(), schema["additionalProperties"].as_bool()) {
        for (member, value) in members {
            assert!(known.contains_key(member), "{told}: {member} is not described");
            check_members(description, &known[member], value, told);
        }
    }
}

/// What every answer may have by HTTP itself, or by what may be kept and read across origins.
const USUAL_HEADERS: [&str; 6] = ["cache-control", "content-length", "content-type", "connection", "date", "vary"];

/// Fails when a header is not described, or one that has to be there is not.
fn check_headers(description: &Value, described: &Value, headers: &HeaderMap, told: &str) {
    let described: BTreeMap<String, &Value> = described["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, header)| (name.to_lowercase(), resolved(description, header)))
        .collect();
    for name in headers.keys().map(|name| name.as_str()) {
        let is_usual = USUAL_HEADERS.contains(&name) || name.starts_with("access-control-");
        assert!(is_usual || described.contains_key(name), "{told}: {name} is not described");
    }
    for (name, header) in described {
        assert!(headers.contains_key(&name) || header["required"] != true, "{told}: {name} is missing");
    }
}

/// Fails when this answer is not described, or is a fault of the service.
async fn check_answer(description: &Value, operation: &Value, response: Response, told: &str) {
    let status = response.status().as_u16().to_string();
    assert!(!status.starts_with('5'), "{told}: {status}");
    let described = resolved(description, &operation["responses"][&status]);
    assert!(described.is_object(), "{told}: {status} is not described");
    check_headers(description, described, response.headers(), told);
    let media_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    let text = response.text().await.unwrap();
    let Some(media_type) = media_type else {
        assert!(described.get("content").is_none() && text.is_empty(), "{told}: {text}");
        return;
    };
    let content = &described["content"][&media_type];
    assert!(content.is_object(), "{told}: {status} with {media_type} is not described");
    let schema = &content["schema"];
    if media_type.ends_with("json") {
        let answer: Value = serde_json::from_str(&text).unwrap();
        for part in schema["allOf"].as_array().map_or(vec![schema], |parts| parts.iter().collect()) {
            check_members(description, part, &answer, told);
            if let Some(codes) = part["properties"]["code"]["enum"].as_array() {
                assert!(codes.contains(&answer["code"]), "{told}: {} is not described", answer["code"]);
            }
        }
    }
}

/// Where only LiveChat is served, whatever else is described is not there, and that is described too.
#[tokio::test]
async fn what_is_not_served_is_answered_as_described() {
    let (description, world) = (description(), World::new().await);
    let mut statuses = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        let url = world.server.url(&path.replace("{customer_id}", "ada"));
        for (method, operation) in item.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let response = world.http.request(method.clone(), &url).send().await.unwrap();
            statuses.insert((path.split('/').nth(1).unwrap().to_owned(), response.status().as_u16()));
            check_answer(&description, operation, response, &format!("{method} {path}")).await;
        }
        // A method that is not described is the other kind of nothing.
        let response = world.http.patch(&url).send().await.unwrap();
        let name = if response.status() == 405 { "MethodNotAllowed" } else { "NotServed" };
        let operation = json!({ "responses": { response.status().as_str(): { "$ref": format!("#/components/responses/{name}") } } });
        check_answer(&description, &operation, response, &format!("PATCH {path}")).await;
    }
    for part in ["admin", "omnichannel", "live-assist", "keys", ".well-known"] {
        assert!(statuses.contains(&(part.to_owned(), 404)), "{part} in {statuses:?}");
    }
}

/// A client that is made from the description sends what this service takes.
#[tokio::test]
async fn the_description_says_what_is_set() {
    let site = Site::with(Signing { further_claims: vec!["tier"], cookie: Some("sid"), ..Signing::default() }).await;
    let served: Value = site.get("/openapi.json").await.json().await.unwrap();
    let at = |place: &str| served.pointer(place).unwrap_or_else(|| panic!("{place}"));
    assert_eq!(at("/components/securitySchemes/sessionCookie/name"), "sid");
    let uris = at("/components/schemas/AuthorizationCodeRequest/properties/redirect_uri/enum");
    assert_eq!(*uris, json!([REDIRECT_URI, OTHER_REDIRECT_URI, null]));
    for schema in ["CustomerRecord", "Customer"] {
        assert!(at(&format!("/components/schemas/{schema}/properties/tier")).is_object());
    }
}

/// Every operation, by whom and with what it may be asked, in every combination.
#[tokio::test]
async fn whatever_is_sent_is_answered_as_described_and_never_with_a_fault() {
    let description = description();
    let site = Site::with(Signing {
        guests: Some(GuestSettings { adopt: true, lifetime: Duration::from_secs(86_400), secure_cookie: true }),
        ..Signing::default()
    })
    .await;
    // Whom the admin API changes, and who asks for tokens: LiveChat would refuse an entity that somebody invented.
    site.put_contact("ada").await;
    site.put_contact("grace").await;
    let expired = sign(&site.world.secret, &json!({ "sub": "ada", "exp": now() - 600 }));
    let session = site.world.session("grace");
    let shown = [
        ("authorization", String::new()),
        ("authorization", format!("Bearer {session}")),
        ("authorization", format!("Bearer {}", site.admin_key)),
        ("authorization", format!("Bearer {expired}")),
        ("authorization", "Bearer a.b.c".to_owned()),
        ("authorization", "Basic bGl2ZS1hc3Npc3Q6eA==".to_owned()),
        ("cookie", format!("session={session}; __Host-livechat-guest={}", "A".repeat(43))),
        ("cookie", "session=\u{e9}; __Host-livechat-guest=x".to_owned()),
    ];
    let long = "x".repeat(2000);
    let challenge = "A".repeat(43);
    let bodies = [
        (None, String::new()),
        (Some("application/json"), "{}".to_owned()),
        (Some("application/json"), "{".to_owned()),
        (Some("application/json; charset=utf-8"), json!({ "code_challenge": challenge }).to_string()),
        (
            Some("application/json"),
            json!({ "redirect_uri": "https://evil.example", "code_challenge": "?" }).to_string(),
        ),
        (Some("application/json"), json!({ "contact_id": CONTACT, "lwicontexts": { "a": 1e300 } }).to_string()),
        (Some("application/json"), json!({ "entity_id": "e-1", "replace": true }).to_string()),
        (Some("application/json"), long.clone()),
        (Some("application/x-www-form-urlencoded"), "grant_type=authorization_code&code=x&code=y".to_owned()),
        (Some("application/x-www-form-urlencoded"), "grant_type=password&%ff=%".to_owned()),
        (Some("text/html"), "\u{0}".to_owned()),
    ];
    let origins = [None, Some(ALLOWED), Some("https://evil.example"), Some("null")];
    let mut asked = 0;
    for (path, item) in description["paths"].as_object().unwrap() {
        let customers = if path.contains('{') { ["ada", "nobody", "%FF", "a%00"].as_slice() } else { &[""] };
        for (method, operation) in item.as_object().unwrap() {
            for customer in customers {
                let url = site.world.server.url(&path.replace("{customer_id}", customer));
                for (header, value) in &shown {
                    for (media_type, body) in &bodies {
                        for origin in origins {
                            let method: Method = method.to_uppercase().parse().unwrap();
                            let mut request = site.world.http.request(method.clone(), &url).body(body.clone());
                            if !value.is_empty() {
                                request = request.header(*header, value.as_bytes());
                            }
                            for (name, value) in [("content-type", *media_type), ("origin", origin)] {
                                request = value.into_iter().fold(request, |request, value| request.header(name, value));
                            }
                            let told = format!("{method} {url} {header}: {value} {media_type:?} {body} {origin:?}");
                            check_answer(&description, operation, request.send().await.unwrap(), &told).await;
                            asked += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(asked > 5000, "{asked}");
}
