//! `POST /omnichannel/token` and `/live-assist/token`, and the customer records that they are made of.

use std::time::UNIX_EPOCH;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use identity_service::customer::CustomerId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    signing::{CONTACT, ISSUER, LIVE_ASSIST_LIFETIME, OMNICHANNEL_LIFETIME, Signing, Site},
    support::{ALLOWED, World, problem},
};

#[tokio::test]
async fn a_token_for_omnichannel_has_the_documented_claims() {
    let site =
        Site::with(Signing { context_variables: vec!["msdyn_cartvalue", "msdyn_isvip"], ..Signing::default() }).await;
    site.put(
        "ada",
        json!({ "contact_id": CONTACT, "lwicontexts": { "msdyn_cartvalue": "10000", "msdyn_isvip": false } }),
    )
    .await;
    let claims = site.claims(&site.token("/omnichannel/token", "ada").await).await;
    let mut names: Vec<&String> = claims.keys().collect();
    names.sort();
    assert_eq!(names, ["exp", "iat", "iss", "lwicontexts", "nbf", "sub"]);
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!(ISSUER), &json!(CONTACT)));
    let [iat, exp, nbf] = ["iat", "exp", "nbf"].map(|claim| claims[claim].as_u64().unwrap());
    let now = site.world.system_clock.now().wall.duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert_eq!((iat, exp, nbf), (now, now + OMNICHANNEL_LIFETIME.as_secs(), now - 30));
    let contexts: Value = serde_json::from_str(claims["lwicontexts"].as_str().unwrap()).unwrap();
    assert_eq!(contexts, json!({ "msdyn_cartvalue": "10000", "msdyn_isvip": false }));

    // Nobody told anything about this one: the site's own id, and no context.
    let claims = site.claims(&site.token("/omnichannel/token", "grace").await).await;
    assert_eq!((&claims["sub"], claims.get("lwicontexts")), (&json!("grace"), None));
}

#[tokio::test]
async fn a_token_for_live_assist_has_the_documented_claims() {
    let site = Site::new().await;
    let attributes = json!([
        { "type": "ctmrinfo", "info": { "ctype": "vip", "balance": -400.99, "lastPaymentDate": { "day": 15 } } },
        { "type": "personal", "personal": { "firstname": "Ada" } },
    ]);
    let record =
        json!({ "contact_id": CONTACT, "given_name": "Ada", "family_name": "Lovelace", "lp_sdes": attributes });
    site.put("ada", record).await;
    let claims = site.claims(&site.token("/live-assist/token", "ada").await).await;
    let mut names: Vec<&String> = claims.keys().collect();
    names.sort();
    assert_eq!(names, ["exp", "family_name", "given_name", "iat", "iss", "lp_sdes", "sub"]);
    assert_eq!((&claims["sub"], &claims["lp_sdes"]), (&json!(CONTACT), &attributes));
    assert_eq!((&claims["given_name"], &claims["family_name"]), (&json!("Ada"), &json!("Lovelace")));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), LIVE_ASSIST_LIFETIME.as_secs());

    let (status, body, _) = problem(site.world.post("/live-assist/token", "grace").await).await;
    assert_eq!((status, &body["code"]), (403, &json!("no_contact")));
    let (status, body, _) = problem(site.world.post("/live-assist/code", "grace").await).await;
    assert_eq!((status, &body["code"]), (403, &json!("no_contact")));
}

/// The same of both widgets: what is known of the person, and what the site has named.
#[tokio::test]
async fn a_token_tells_what_the_record_says_of_the_person_and_no_claim_that_is_not_named() {
    let site =
        Site::with(Signing { further_claims: vec!["loyalty", "https://shop.example/tier"], ..Signing::default() })
            .await;
    let person = json!({ "given_name": "Ada", "family_name": "Lovelace", "email": "ada@shop.example",
        "phone_number": "+44 20 7946 0000", "preferred_username": "ada", "loyalty": 7,
        "https://shop.example/tier": { "name": "gold", "since": [2020, 1] } });
    let mut record = person.clone();
    record["contact_id"] = json!(CONTACT);
    site.put("ada", record.clone()).await;
    assert_eq!(site.admin("GET", "ada").send().await.unwrap().json::<Value>().await.unwrap(), record);
    for path in ["/omnichannel/token", "/live-assist/token"] {
        let claims = site.claims(&site.token(path, "ada").await).await;
        for (claim, value) in person.as_object().unwrap() {
            assert_eq!(claims.get(claim), Some(value), "{path} {claim}");
        }
    }
    for (member, value) in [
        ("tier", json!("gold")),
        ("sub", json!("eve")),
        ("iss", json!("evil.example")),
        ("email", json!("ada")),
        ("email", json!("@shop.example")),
        ("email", json!("ada lovelace@shop.example")),
        ("email", json!(true)),
        ("phone_number", json!(442079460000_u64)),
        ("preferred_username", json!("")),
    ] {
        let (status, body, _) =
            problem(site.admin("PUT", "ada").json(&json!({ member: value })).send().await.unwrap()).await;
        assert_eq!((status, &body["code"]), (422, &json!("bad_record")), "{member}");
        assert!(body["detail"].as_str().unwrap().contains(member), "{body}");
    }
    // A claim that was named when the record was put, and is no more, is not signed.
    site.store()
        .await
        .put_record(&CustomerId::parse("bob").unwrap(), r#"{"loyalty":123456789012345678901,"once":1}"#)
        .await
        .unwrap();
    let token = site.token("/omnichannel/token", "bob").await;
    let text = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("\"loyalty\":123456789012345678901") && !text.contains("once"), "{text}");
}

#[tokio::test]
async fn text_is_the_token_alone() {
    let site = Site::new().await;
    let request = site.world.http.post(site.world.server.url("/omnichannel/token"));
    let request = request.bearer_auth(site.world.session("ada")).header("accept", "text/plain");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["vary"], "accept");
    site.claims(&response.text().await.unwrap()).await;
}

#[tokio::test]
async fn nobody_and_foreign_pages_get_nothing() {
    let site = Site::new().await;
    for path in ["/omnichannel/token", "/live-assist/token", "/live-assist/code"] {
        let url = site.world.server.url(path);
        let (status, body, _) = problem(site.world.http.post(&url).send().await.unwrap()).await;
        assert_eq!((status, &body["code"]), (401, &json!("not_signed_in")), "{path}");
        let cookie = format!("session={}", site.world.session("ada"));
        let request = site.world.http.post(&url).header("cookie", cookie).header("origin", "https://evil.example");
        let (status, body, _) = problem(request.send().await.unwrap()).await;
        assert_eq!((status, &body["code"]), (403, &json!("foreign_origin")), "{path}");
        let request = site.world.http.get(&url).send().await.unwrap();
        assert_eq!(request.status(), 405, "{path}");
    }
}

#[tokio::test]
async fn a_body_says_nothing_of_who_asks() {
    let site = Site::new().await;
    site.put_contact("ada").await;
    site.put("eve", json!({ "contact_id": CONTACT.replace('8', "9") })).await;
    let names = ["sub", "customer", "customer_id", "contact_id"];
    for path in ["/omnichannel/token", "/live-assist/token"] {
        for name in names {
            let request = || site.world.http.post(site.world.server.url(path)).bearer_auth(site.world.session("ada"));
            for request in [request().json(&json!({ name: "eve" })), request().form(&[(name, "eve")])] {
                let answer: Value = request.send().await.unwrap().json().await.unwrap();
                let claims = site.claims(answer["token"].as_str().unwrap()).await;
                assert_eq!(claims["sub"], CONTACT, "{path} {name}");
            }
        }
    }
    let code = |body: Value| {
        let request = site.world.http.post(site.world.server.url("/live-assist/code"));
        request.bearer_auth(site.world.session("ada")).json(&body).send()
    };
    for name in names {
        let (status, body, _) = problem(code(json!({ name: "eve" })).await.unwrap()).await;
        assert_eq!((status, &body["code"]), (422, &json!("bad_body")), "{name}");
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_answers_and_nobody_redeems_from_a_page() {
    let site = Site::new().await;
    let preflight = async |path: &str, origin: &str| {
        let request = site.world.http.request(Method::OPTIONS, site.world.server.url(path));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        let asked = "authorization,cache-control,content-type";
        request.header("access-control-request-headers", asked).send().await.unwrap().headers().clone()
    };
    for path in ["/omnichannel/token", "/live-assist/token", "/live-assist/code"] {
        let allowed = preflight(path, ALLOWED).await;
        assert_eq!(allowed["access-control-allow-origin"], ALLOWED, "{path}");
        assert_eq!(allowed["access-control-allow-credentials"], "true", "{path}");
        let headers = allowed["access-control-allow-headers"].to_str().unwrap();
        for header in ["authorization", "cache-control", "content-type"] {
            assert!(headers.contains(header), "{path}: {header} in {headers}");
        }
        assert!(!preflight(path, "https://evil.example").await.contains_key("access-control-allow-origin"), "{path}");
        let cookie = format!("session={}", site.world.session("ada"));
        let request = site.world.http.post(site.world.server.url(path)).header("cookie", &cookie);
        let answer = request.header("origin", ALLOWED).send().await.unwrap();
        assert!([200, 403].contains(&answer.status().as_u16()), "{path}");
        assert_eq!(answer.headers()["access-control-allow-origin"], ALLOWED, "{path}");
        assert_eq!(answer.headers()["access-control-expose-headers"], "retry-after", "{path}");
        // A cookie alone says that a browser asks, and not from which page.
        let request = site.world.http.post(site.world.server.url(path)).header("cookie", &cookie);
        let (status, body, _) = problem(request.send().await.unwrap()).await;
        assert_eq!((status, &body["code"]), (403, &json!("no_origin")), "{path}");
    }
    for path in ["/live-assist/oauth/token", "/admin/customers/ada"] {
        assert!(!preflight(path, ALLOWED).await.contains_key("access-control-allow-origin"), "{path}");
        let request = site.world.http.post(site.world.server.url(path)).header("origin", ALLOWED);
        let answer = request.form(&[("code", "x")]).send().await.unwrap();
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{path}");
    }
}

#[tokio::test]
async fn a_wrong_record_is_refused_and_its_member_named() {
    let site = Site::with(Signing { context_variables: vec!["known"], ..Signing::default() }).await;
    for (record, named) in [
        (json!({ "lwicontexts": { "known": { "nested": 1 } } }), "lwicontexts.known"),
        (json!({ "lwicontexts": { "known": [1] } }), "lwicontexts.known"),
        (json!({ "lwicontexts": { "foreign": 1 } }), "lwicontexts.foreign"),
        (json!({ "lwicontexts": "text" }), "lwicontexts"),
        (json!({ "contact_id": "ada" }), "contact_id"),
        (json!({ "contact_id": format!("{{{CONTACT}}}") }), "contact_id"),
        (json!({ "given_name": 7 }), "given_name"),
        (json!({ "family_name": "" }), "family_name"),
        (json!({ "lp_sdes": { "type": "personal" } }), "lp_sdes"),
        (json!({ "lp_sdes": [{ "type": "personal" }, { "type": "secret" }] }), "lp_sdes[1]"),
        (json!({ "lp_sdes": ["personal"] }), "lp_sdes[0]"),
        (json!({ "nickname": "Ada" }), "nickname"),
    ] {
        let response = site.admin("PUT", "ada").json(&record).send().await.unwrap();
        let (status, body, _) = problem(response).await;
        assert_eq!((status, &body["code"]), (422, &json!("bad_record")), "{record}");
        assert!(body["detail"].as_str().unwrap().contains(&format!("{named}: expected")), "{record}: {body}");
    }
    assert_eq!(site.admin("GET", "ada").send().await.unwrap().status(), 404, "nothing was stored");
    // JSON, and yet nothing that whoever reads the token could read.
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for (record, named) in [
        (r#"{ "lwicontexts": { "known": 1e400 } }"#, "lwicontexts"),
        (r#"{ "lwicontexts": { "known": "\ud83d" } }"#, "lwicontexts"),
        (&format!(r#"{{ "lp_sdes": [{{ "type": "personal", "info": {deep} }}] }}"#), "lp_sdes"),
    ] {
        let request = site.admin("PUT", "ada").header("content-type", "application/json").body(record.to_owned());
        let (status, body, _) = problem(request.send().await.unwrap()).await;
        assert_eq!((status, &body["code"]), (422, &json!("bad_record")), "{record}");
        assert!(body["detail"].as_str().unwrap().contains(&format!("at {named}: expected numbers")), "{body}");
    }
}

#[tokio::test]
async fn records_are_put_read_and_removed_by_who_has_the_key() {
    let site = Site::new().await;
    let record = json!({ "contact_id": CONTACT, "given_name": "Ada", "lwicontexts": { "a": 1, "b": null } });
    site.put("a%2Fb%20c", record.clone()).await;
    let response = site.admin("GET", "a%2Fb%20c").send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.json::<Value>().await.unwrap(), record);
    assert_eq!(site.claims(&site.token("/omnichannel/token", "a/b c").await).await["sub"], CONTACT);
    site.put("a%2Fb%20c", json!({ "given_name": "Grace" })).await;
    let stored: Value = site.admin("GET", "a%2Fb%20c").send().await.unwrap().json().await.unwrap();
    assert_eq!(stored, json!({ "given_name": "Grace" }), "the whole record is replaced");

    for method in ["GET", "PUT", "DELETE"] {
        let url = site.world.server.url("/admin/customers/a%2Fb%20c");
        let key = &site.admin_key;
        for key in [
            key[1..].to_owned(),
            key[..key.len() - 1].to_owned(),
            key[..32].to_owned(),
            format!("{key}x"),
            key.to_lowercase(),
            site.world.session("a/b c"),
            String::new(),
        ] {
            let request = site.world.http.request(method.parse().unwrap(), &url).bearer_auth(key);
            let (status, body, _) = problem(request.json(&json!({})).send().await.unwrap()).await;
            assert_eq!((status, &body["code"]), (401, &json!("admin_key_wrong")), "{method}");
        }
    }
    assert_eq!(site.admin("DELETE", "a%2Fb%20c").send().await.unwrap().status(), 204);
    assert_eq!(site.admin("GET", "a%2Fb%20c").send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_record_is_one_customers_alone() {
    let site = Site::new().await;
    let read =
        async |customer: &str| -> Value { site.admin("GET", customer).send().await.unwrap().json().await.unwrap() };
    let customers = ["ada", "Ada", "ada%20", "ad"];
    for customer in customers {
        site.put(customer, json!({ "given_name": customer })).await;
    }
    for customer in customers {
        assert_eq!(read(customer).await, json!({ "given_name": customer }));
    }
    assert_eq!(site.admin("DELETE", "ada").send().await.unwrap().status(), 204);
    assert_eq!(read("ada").await["code"], "no_record");
    for customer in &customers[1..] {
        assert_eq!(read(customer).await, json!({ "given_name": customer }));
    }
}

#[tokio::test]
async fn a_context_variable_that_is_allowed_no_more_is_never_signed() {
    let site = Site::with(Signing { context_variables: vec!["known"], ..Signing::default() }).await;
    let customer = CustomerId::parse("ada").unwrap();
    let record = json!({ "contact_id": CONTACT, "lwicontexts": { "known": 1, "foreign": 2 } }).to_string();
    site.store().await.put_record(&customer, &record).await.unwrap();
    let (status, body, _) = problem(site.world.post("/omnichannel/token", "ada").await).await;
    assert_eq!((status, &body["code"]), (500, &json!("record_damaged")));
    assert!(body["detail"].as_str().unwrap().contains("lwicontexts.foreign"), "{body}");
    // Live Assist gets no context variables.
    site.claims(&site.token("/live-assist/token", "ada").await).await;
}

#[tokio::test]
async fn a_damaged_record_is_never_signed() {
    let site = Site::new().await;
    let store = site.store().await;
    let customer = CustomerId::parse("ada").unwrap();
    for (record, named) in [
        (r#"{"lwicontexts": {"msdyn_isvip": {"nested": true}}}"#, "lwicontexts.msdyn_isvip"),
        (r#"{"contact_id": 7}"#, "contact_id"),
        ("no json", "record"),
    ] {
        store.put_record(&customer, record).await.unwrap();
        for path in ["/omnichannel/token", "/live-assist/token"] {
            let (status, body, _) = problem(site.world.post(path, "ada").await).await;
            assert_eq!((status, &body["code"]), (500, &json!("record_damaged")), "{path}");
            assert!(body["detail"].as_str().unwrap().contains(named), "{body}");
        }
    }
}

#[tokio::test]
async fn what_is_not_configured_is_not_there() {
    let paths = [
        "/omnichannel/token",
        "/omnichannel/public-keys",
        "/live-assist/token",
        "/live-assist/public-key",
        "/live-assist/code",
        "/live-assist/oauth/token",
        "/.well-known/jwks.json",
        "/keys/public.pem",
        "/admin/customers/ada",
    ];
    let status =
        async |world: &World, path: &str| world.http.get(world.server.url(path)).send().await.unwrap().status();
    let none = World::new().await;
    for path in paths {
        assert_eq!(status(&none, path).await, 404, "{path}");
    }
    let omnichannel = Site::with(Signing { without_live_assist: true, ..Signing::default() }).await;
    let live_assist = Signing { without_omnichannel: true, without_code_flow: true, ..Signing::default() };
    let live_assist = Site::with(live_assist).await;
    for path in paths {
        let here = status(&omnichannel.world, path).await != 404;
        assert_eq!(here, !path.contains("live-assist"), "{path}");
        let here = status(&live_assist.world, path).await != 404;
        assert_eq!(here, !path.contains("omnichannel") && !path.contains("code") && !path.contains("oauth"), "{path}");
    }
}

#[tokio::test]
async fn a_path_that_is_no_text_is_refused_as_a_customers_id_is_and_after_the_key() {
    let site = Site::new().await;
    for id in ["%FF", "%C3%28", "a%80", "%ED%A0%80", "%00", "%0A", &"x".repeat(257)] {
        for method in ["GET", "PUT", "DELETE"] {
            let url = site.world.server.url(&format!("/admin/customers/{id}"));
            let without_key = site.world.http.request(method.parse().unwrap(), url).json(&json!({}));
            let (status, body, _) = problem(without_key.send().await.unwrap()).await;
            assert_eq!((status, &body["code"]), (401, &json!("admin_key_wrong")), "{method} {id}");
            let (status, body, _) = problem(site.admin(method, id).json(&json!({})).send().await.unwrap()).await;
            assert_eq!((status, &body["code"]), (422, &json!("bad_customer_id")), "{method} {id}");
        }
    }
}

/// Numbers that no float holds, and how JSON writes them: what the backend put is what is signed.
#[tokio::test]
async fn numbers_in_records_are_signed_as_they_were_put() {
    let site = Site::new().await;
    let numbers = [
        "123456789012345678901",
        "-123456789012345678901",
        "18446744073709551616",
        "9007199254740993",
        "0.1234567890123456789012345",
        "79228162514264337593543950335.99",
        "1e5",
        "1.10",
        "-0",
        "42",
    ];
    let members = |prefix: &str| -> Vec<String> {
        numbers.iter().enumerate().map(|(number, text)| format!("\"{prefix}{number}\":{text}")).collect()
    };
    let contexts = format!("{{{}}}", members("n").join(","));
    let attribute = format!("{{\"type\":\"ctmrinfo\",\"info\":{{{}}}}}", members("n").join(","));
    let record = format!("{{\"contact_id\":\"{CONTACT}\",\"lwicontexts\":{contexts},\"lp_sdes\":[{attribute}]}}");
    let put = site.admin("PUT", "ada").header("content-type", "application/json").body(record.clone());
    assert_eq!(put.send().await.unwrap().status(), 204);
    let shown = site.admin("GET", "ada").send().await.unwrap().text().await.unwrap();
    assert_eq!(shown, record);
    let payload = |token: String| {
        let part = token.split('.').nth(1).unwrap().to_owned();
        String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let claims: Value = serde_json::from_str(&payload(site.token("/omnichannel/token", "ada").await)).unwrap();
    assert_eq!(claims["lwicontexts"], json!(contexts));
    let claims = payload(site.token("/live-assist/token", "ada").await);
    assert!(claims.contains(&attribute), "{claims}");
}
