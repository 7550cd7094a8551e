//! Live Assist's code flow: a code for the signed-in customer, redeemed once; and encrypted tokens.

use std::{
    collections::HashSet,
    io::Write,
    process::{Command, Stdio},
    time::UNIX_EPOCH,
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    digest::{SHA256, digest},
    encoding::{AsDer, PublicKeyX509Der},
    rsa::{
        KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey, PublicKey, PublicKeyComponents,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use futures_util::future::join_all;
use identity_service::{
    customer_store::Redemption, live_assist::json_web_encryption::EncryptionKey, proof_key::CodeChallenge,
};
use reqwest::Response;
use serde_json::{Value, json};

use crate::{
    signing::{CLIENT, CODE_LIFETIME, CONTACT, LIVE_ASSIST_LIFETIME, OTHER_REDIRECT_URI, REDIRECT_URI, Signing, Site},
    support::{log_of_this_thread, problem},
};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An error of the token endpoint that has to come.
async fn refused(response: Response, status: u16, error: &str) -> String {
    let found = response.status().as_u16();
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers().contains_key("www-authenticate"), status == 401);
    let body: Value = response.json().await.unwrap();
    assert_eq!((found, &body["error"]), (status, &json!(error)), "{body}");
    body["error_description"].as_str().unwrap().to_owned()
}

async fn site() -> Site {
    let site = Site::new().await;
    site.put_contact("ada").await;
    site
}

#[tokio::test]
async fn a_code_is_redeemed_for_an_id_token() {
    let site = site().await;
    let code = site.code("ada", json!({})).await;
    assert_eq!(URL_SAFE_NO_PAD.decode(&code).unwrap().len(), 32);
    let response = site.redeem_code(&code).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["pragma"], "no-cache", "RFC 6749, section 5.1");
    let answer: Value = response.json().await.unwrap();
    assert_eq!(
        (&answer["token_type"], &answer["expires_in"]),
        (&json!("Bearer"), &json!(LIVE_ASSIST_LIFETIME.as_secs()))
    );
    let access_token = answer["access_token"].as_str().unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(access_token).unwrap().len(), 32, "opaque, and not the id_token");
    let claims = site.claims(answer["id_token"].as_str().unwrap()).await;
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!(CONTACT), &json!(CLIENT)));
    assert_eq!((&claims["given_name"], &claims["family_name"]), (&json!("Ada"), &json!("Lovelace")));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), LIVE_ASSIST_LIFETIME.as_secs());
    let again = site.redeem_code(&site.code("ada", json!({})).await).await.json::<Value>().await.unwrap();
    assert_ne!(again["access_token"], answer["access_token"]);
}

#[tokio::test]
async fn a_code_is_kept_as_its_hash_and_lives_as_long_as_is_set() {
    let site = site().await;
    let code = site.code("ada", json!({})).await;
    let file = std::fs::read(site.world.folder.path().join("customers.sqlite-wal")).unwrap();
    let raw = URL_SAFE_NO_PAD.decode(&code).unwrap();
    for part in [&code.as_bytes()[..20], &code.as_bytes()[23..], &raw[..20], &raw[12..]] {
        assert!(!file.windows(20).any(|bytes| bytes == part), "nothing of the code itself is in the database");
    }
    let hash = digest(&SHA256, code.as_bytes()).as_ref().try_into().unwrap();
    let now = site.world.system_clock.now().wall.duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_millis()).unwrap();
    let Redemption::Redeemed(issued) = site.store().await.redeem_code(&hash, now).await.unwrap() else {
        panic!("its SHA-256 hash names it");
    };
    assert_eq!(issued.expires_at - now, i64::try_from(CODE_LIFETIME.as_millis()).unwrap());
    assert!(refused(site.redeem_code(&code).await, 400, "invalid_grant").await.contains("redeemed before"));
}

/// Two customers and two pages at once: nothing of one gets into the other's token.
#[tokio::test]
async fn a_code_is_its_customers_and_its_pages() {
    let site = site().await;
    let eve = CONTACT.replace('8', "9");
    site.put("eve", json!({ "contact_id": eve, "given_name": "Eve" })).await;
    let of_ada = site.code("ada", json!({ "redirect_uri": OTHER_REDIRECT_URI })).await;
    let of_eve = site.code("eve", json!({ "code_challenge": CHALLENGE })).await;
    let of_ada_too = site.code("ada", json!({})).await;
    let of_eve_too = site.code("eve", json!({ "redirect_uri": OTHER_REDIRECT_URI })).await;
    for (code, redirect_uri, verifier, contact, name) in [
        (of_eve_too, OTHER_REDIRECT_URI, None, eve.as_str(), "Eve"),
        (of_ada, OTHER_REDIRECT_URI, None, CONTACT, "Ada"),
        (of_ada_too, REDIRECT_URI, None, CONTACT, "Ada"),
        (of_eve, REDIRECT_URI, Some(VERIFIER), eve.as_str(), "Eve"),
    ] {
        let mut form =
            vec![("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", redirect_uri)];
        form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        // What the client says of the customer counts for nothing.
        form.extend(["sub", "customer", "customer_id", "contact_id"].map(|name| (name, "mallory")));
        let response = site.redeem(&form).await;
        assert_eq!(response.status(), 200, "{name}");
        let answer: Value = response.json().await.unwrap();
        let claims = site.claims(answer["id_token"].as_str().unwrap()).await;
        assert_eq!((&claims["sub"], &claims["given_name"]), (&json!(contact), &json!(name)));
    }
}

#[tokio::test]
async fn old_codes_are_removed_and_neither_living_ones_nor_replays_forgotten() {
    let site = site().await;
    let spent = site.code("ada", json!({})).await;
    assert_eq!(site.redeem_code(&spent).await.status(), 200);
    site.world.clock.advance(590);
    let living = site.code("ada", json!({})).await;
    site.world.clock.advance(20);
    // Issuing one removes old ones, every ten minutes.
    site.code("ada", json!({})).await;
    assert_eq!(site.redeem_code(&living).await.status(), 200);
    let description = refused(site.redeem_code(&spent).await, 400, "invalid_grant").await;
    assert!(description.contains("redeemed before"), "remembered for an hour: {description}");
    site.world.clock.advance(4000);
    site.code("ada", json!({})).await;
    for old in [spent, living] {
        let description = refused(site.redeem_code(&old).await, 400, "invalid_grant").await;
        assert!(description.contains("not known"), "{description}");
    }
}

#[tokio::test]
async fn every_call_gets_another_code_for_the_page_that_asked() {
    let site = site().await;
    let codes = join_all((0..20).map(|_| site.code("ada", json!({})))).await;
    assert_eq!(codes.iter().collect::<HashSet<_>>().len(), 20);
    let request = site.world.http.post(site.world.server.url("/live-assist/code"));
    let request = request.bearer_auth(site.world.session("ada")).json(&json!({ "redirect_uri": OTHER_REDIRECT_URI }));
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["redirect_uri"], OTHER_REDIRECT_URI);
    let answer: Value = site.world.post("/live-assist/code", "ada").await.json().await.unwrap();
    assert_eq!(answer["redirect_uri"], REDIRECT_URI, "the first one is the default");
    for (body, code) in [
        (json!({ "redirect_uri": "https://evil.example" }), "bad_redirect_uri"),
        (json!({ "redirect_uri": format!("{REDIRECT_URI}/") }), "bad_redirect_uri"),
        (json!({ "code_challenge": "short" }), "bad_code_challenge"),
        (json!({ "customer": "eve" }), "bad_body"),
        (json!([]), "bad_body"),
    ] {
        let request = site.world.http.post(site.world.server.url("/live-assist/code"));
        let response = request.bearer_auth(site.world.session("ada")).json(&body).send().await.unwrap();
        let (status, answer, _) = problem(response).await;
        assert_eq!((status, &answer["code"]), (422, &json!(code)), "{body}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_replayed_code_is_refused_and_logged_as_replay() {
    let site = site().await;
    let code = site.code("ada", json!({})).await;
    assert_eq!(site.redeem_code(&code).await.status(), 200);
    let replay = |line: &str| line.contains("replay") && line.contains("WARN");
    assert!(!log_of_this_thread().lines().any(replay));
    refused(site.redeem_code(&code).await, 400, "invalid_grant").await;
    assert_eq!(log_of_this_thread().lines().filter(|line| replay(line)).count(), 1);
    site.world.clock.advance(600);
    assert!(refused(site.redeem_code(&code).await, 400, "invalid_grant").await.contains("redeemed before"));
    assert!(!log_of_this_thread().contains(&code));
}

#[tokio::test]
async fn an_expired_foreign_or_malformed_code_is_an_invalid_grant() {
    let site = site().await;
    let code = site.code("ada", json!({})).await;
    site.world.clock.advance(CODE_LIFETIME.as_secs() - 1);
    let alive = site.code("ada", json!({})).await;
    site.world.clock.advance(1);
    assert!(refused(site.redeem_code(&code).await, 400, "invalid_grant").await.contains("expired"));
    assert_eq!(site.redeem_code(&alive).await.status(), 200);
    let foreign = URL_SAFE_NO_PAD.encode([7; 32]);
    for code in ["x", foreign.as_str(), "💬", &"A".repeat(500)] {
        refused(site.redeem_code(code).await, 400, "invalid_grant").await;
    }
    let gone = site.code("ada", json!({})).await;
    site.admin("DELETE", "ada").send().await.unwrap();
    refused(site.redeem_code(&gone).await, 400, "invalid_grant").await;
}

#[tokio::test]
async fn a_failed_redemption_burns_the_code() {
    let site = site().await;
    let grant = ("grant_type", "authorization_code");
    let wrong_verifier = ("code_verifier", CHALLENGE);
    for (challenge, more, named) in [
        (None, vec![("redirect_uri", OTHER_REDIRECT_URI)], "redirect_uri"),
        (None, vec![("redirect_uri", "https://liveperson.net/")], "redirect_uri"),
        (None, vec![("redirect_uri", "https://liveperson.net.evil.example")], "redirect_uri"),
        (None, vec![("redirect_uri", "https://liveperson.ne")], "redirect_uri"),
        (Some(CHALLENGE), vec![("redirect_uri", REDIRECT_URI), wrong_verifier], "code_verifier"),
        (Some(CHALLENGE), vec![("redirect_uri", REDIRECT_URI)], "code_verifier"),
        (None, vec![("redirect_uri", REDIRECT_URI), wrong_verifier], "code_verifier"),
    ] {
        let body = challenge.map_or(json!({}), |challenge| json!({ "code_challenge": challenge }));
        let code = site.code("ada", body).await;
        let mut form = vec![grant, ("code", &code)];
        form.extend(more.clone());
        assert!(refused(site.redeem(&form).await, 400, "invalid_grant").await.starts_with(named), "{more:?}");
        let mut right = vec![grant, ("code", &code), ("redirect_uri", REDIRECT_URI)];
        right.extend(challenge.map(|_| ("code_verifier", VERIFIER)));
        let description = refused(site.redeem(&right).await, 400, "invalid_grant").await;
        assert!(description.contains("redeemed before"), "{more:?}: {description}");
    }

    // Who is not the client can burn nothing.
    let code = site.code("ada", json!({})).await;
    let url = site.world.server.url("/live-assist/oauth/token");
    let form = [grant, ("code", &code), ("redirect_uri", REDIRECT_URI)];
    let stranger = site.world.http.post(url).basic_auth(CLIENT, Some("a wrong secret")).form(&form);
    refused(stranger.send().await.unwrap(), 401, "invalid_client").await;
    assert_eq!(site.redeem_code(&code).await.status(), 200);
}

#[tokio::test]
async fn a_code_with_a_challenge_needs_its_verifier() {
    let site = site().await;
    assert_eq!(CodeChallenge::of_verifier(VERIFIER).unwrap().as_str(), CHALLENGE);
    let wrong = VERIFIER.replace('d', "e");
    for (challenge, verifier, good) in [
        (Some(CHALLENGE), Some(VERIFIER), true),
        (Some(CHALLENGE), Some(wrong.as_str()), false),
        (Some(CHALLENGE), Some(CHALLENGE), false),
        (Some(CHALLENGE), Some("short"), false),
        (Some(CHALLENGE), None, false),
        (None, Some(VERIFIER), false),
    ] {
        let body = challenge.map_or(json!({}), |challenge| json!({ "code_challenge": challenge }));
        let code = site.code("ada", body).await;
        let mut form = vec![("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT_URI)];
        form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        let response = site.redeem(&form).await;
        if good {
            assert_eq!(response.status(), 200);
        } else {
            refused(response, 400, "invalid_grant").await;
        }
    }
}

#[tokio::test]
async fn the_client_authenticates_by_basic_or_in_the_body() {
    let secret = "a secret+with/odd%characters=and:more-than-32-bytes";
    let site = Site::with(Signing { client_secret: Some(secret.to_owned()), ..Signing::default() }).await;
    site.put_contact("ada").await;
    let url = site.world.server.url("/live-assist/oauth/token");
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let raw = basic(&format!("{CLIENT}:{secret}"));
    for (header, extra, status, error) in [
        (Some(raw.clone()), vec![], 200, ""),
        (Some(basic(&format!("{CLIENT}:{encoded}"))), vec![], 200, ""),
        (Some(raw.clone()), vec![("client_id", CLIENT)], 200, ""),
        (None, vec![("client_id", CLIENT), ("client_secret", secret)], 200, ""),
        (Some(raw.clone()), vec![("client_id", CLIENT), ("client_secret", secret)], 400, "invalid_request"),
        (Some(raw), vec![("client_id", "another")], 400, "invalid_request"),
        (Some(basic(&format!("another:{secret}"))), vec![], 401, "invalid_client"),
        (Some(basic(&format!("{CLIENT}:{}", &secret[1..]))), vec![], 401, "invalid_client"),
        (Some(basic(&format!("{CLIENT}:{}", &secret[..secret.len() - 1]))), vec![], 401, "invalid_client"),
        (Some(basic(&format!("{CLIENT}:{}", &secret[..32]))), vec![], 401, "invalid_client"),
        (Some(basic(&format!("{CLIENT}:{secret}x"))), vec![], 401, "invalid_client"),
        (Some(basic(&format!("{CLIENT}:{}", secret.to_uppercase()))), vec![], 401, "invalid_client"),
        (Some(basic(&format!("{CLIENT}:"))), vec![], 401, "invalid_client"),
        (Some(basic("no colon")), vec![], 401, "invalid_client"),
        (Some("Basic !!!".to_owned()), vec![], 401, "invalid_client"),
        (Some(format!("Bearer {secret}")), vec![], 401, "invalid_client"),
        (None, vec![("client_id", CLIENT), ("client_secret", "wrong")], 401, "invalid_client"),
        (None, vec![("client_id", "another"), ("client_secret", secret)], 401, "invalid_client"),
        (None, vec![("client_id", CLIENT), ("client_secret", &secret[..40])], 401, "invalid_client"),
        (None, vec![("client_id", CLIENT), ("client_secret", "")], 401, "invalid_client"),
        (None, vec![("client_id", CLIENT)], 401, "invalid_client"),
        (None, vec![], 401, "invalid_client"),
    ] {
        let code = site.code("ada", json!({})).await;
        let mut form = vec![("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT_URI)];
        form.extend(extra.clone());
        let mut request = site.world.http.post(&url).form(&form);
        if let Some(header) = &header {
            request = request.header("authorization", header);
        }
        let response = request.send().await.unwrap();
        if status == 200 {
            assert_eq!(response.status(), 200, "{header:?} {extra:?}");
        } else {
            refused(response, status, error).await;
        }
    }
}

#[tokio::test]
async fn a_malformed_request_is_named() {
    let site = site().await;
    let (grant, uri) = (("grant_type", "authorization_code"), ("redirect_uri", REDIRECT_URI));
    for (form, error) in [
        (vec![uri, ("code", "x")], "invalid_request"),
        (vec![("grant_type", ""), uri, ("code", "x")], "invalid_request"),
        (vec![("grant_type", "password"), uri, ("code", "x")], "unsupported_grant_type"),
        (vec![grant, uri], "invalid_request"),
        (vec![grant, ("code", "x")], "invalid_request"),
        (vec![grant, grant, uri, ("code", "x")], "invalid_request"),
        (vec![grant, uri, ("code", "x"), ("code", "y")], "invalid_request"),
        (vec![grant, uri, ("code", "x"), ("resource", "unknown")], "invalid_grant"),
    ] {
        refused(site.redeem(&form).await, 400, error).await;
    }
    let url = site.world.server.url("/live-assist/oauth/token");
    let json = site.world.http.post(&url).basic_auth(CLIENT, Some(&site.client_secret)).json(&json!({}));
    refused(json.send().await.unwrap(), 400, "invalid_request").await;
    let form = "grant_type=authorization_code&redirect_uri=https%3A%2F%2Fliveperson.net&code=x";
    let text = site.world.http.post(&url).basic_auth(CLIENT, Some(&site.client_secret)).body(form);
    let text = text.header("content-type", "text/plain").send().await.unwrap();
    assert!(refused(text, 400, "invalid_request").await.contains("x-www-form-urlencoded"));
    assert_eq!(site.get("/live-assist/oauth/token").await.status(), 405);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_300_redemptions_at_once_one_succeeds() {
    let site = site().await;
    let code = site.code("ada", json!({})).await;
    let answers = join_all((0..300).map(|_| site.redeem_code(&code))).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 299, "{statuses:?}");
}

/// Decrypts as a consumer would: the header, the signed token inside, and the key it was encrypted with.
fn decrypt(token: &str, key: &OaepPrivateDecryptingKey) -> (Value, String, Vec<u8>) {
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 5);
    let [header, wrapped, nonce, content, tag] =
        [0, 1, 2, 3, 4].map(|part| URL_SAFE_NO_PAD.decode(parts[part]).unwrap());
    let mut unwrapped = vec![0; key.min_output_size()];
    let content_key = key.decrypt(&OAEP_SHA256_MGF1SHA256, &wrapped, &mut unwrapped, None).unwrap();
    let content_key = content_key.to_vec();
    let opening = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &content_key).unwrap());
    let mut sealed = [content, tag].concat();
    let nonce = Nonce::try_assume_unique_for_key(&nonce).unwrap();
    let plain = opening.open_in_place(nonce, Aad::from(parts[0].as_bytes()), &mut sealed).unwrap();
    (serde_json::from_slice(&header).unwrap(), String::from_utf8(plain.to_vec()).unwrap(), content_key)
}

#[tokio::test]
async fn tokens_for_live_assist_are_encrypted_when_its_key_is_known() {
    let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let der: PublicKeyX509Der<'_> = private.public_key().as_der().unwrap();
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines(&STANDARD.encode(der.as_ref())));
    let key = EncryptionKey::parse(&pem).expect("a key of PEM");
    let site = Site::with(Signing { encryption: Some(key), ..Signing::default() }).await;
    site.put_contact("ada").await;
    let private = OaepPrivateDecryptingKey::new(private).unwrap();
    let code = site.code("ada", json!({})).await;
    let mut content_keys = HashSet::new();
    let redeemed: Value = site.redeem_code(&code).await.json().await.unwrap();
    for token in [site.token("/live-assist/token", "ada").await, redeemed["id_token"].as_str().unwrap().to_owned()] {
        let (header, inner, content_key) = decrypt(&token, &private);
        assert!(content_keys.insert(content_key), "each token has a key of its own");
        let claims = site.claims(&inner).await;
        assert_eq!(
            (&header["alg"], &header["enc"], &header["cty"]),
            (&json!("RSA-OAEP-256"), &json!("A256GCM"), &json!("JWT"))
        );
        assert_eq!((header["kid"].is_string(), &header["typ"]), (true, &json!("JWT")));
        assert_eq!((&header["iat"], &header["exp"]), (&claims["iat"], &claims["exp"]));
        assert!(header["exp"].is_u64());
        assert_eq!(claims["sub"], CONTACT);
    }
    // Omnichannel has no such key.
    site.claims(&site.token("/omnichannel/token", "ada").await).await;
}

#[test]
fn a_key_to_encrypt_with_is_public_long_enough_and_meant_for_it() {
    let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let der: PublicKeyX509Der<'_> = private.public_key().as_der().unwrap();
    let key = PublicKeyComponents::<Vec<u8>>::from(&PublicKey::from_der(der.as_ref()).unwrap());
    let parsed = |more: Value| {
        let mut key = json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(&key.n), "e": URL_SAFE_NO_PAD.encode(&key.e) });
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        EncryptionKey::parse(&key.to_string())
    };
    assert!(parsed(json!({})).is_some());
    for more in [json!({ "alg": "RSA-OAEP" }), json!({ "use": "sig" }), json!({ "d": "AQAB" }), json!({ "kty": "EC" })]
    {
        assert!(parsed(more.clone()).is_none(), "{more}");
    }
    let named = parsed(json!({ "alg": "RSA-OAEP-256", "use": "enc", "kid": "one" })).unwrap();
    let token = named.encrypt("a.b.c", 1, 2).unwrap();
    assert_eq!(decrypt(&token, &OaepPrivateDecryptingKey::new(private).unwrap()).0["kid"], "one");
    let weak = Command::new("openssl").args(["genrsa", "-out", "/dev/stdout", "1024"]).output().unwrap().stdout;
    let mut public = Command::new("openssl");
    let mut public = public.args(["pkey", "-pubout"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    public.stdin.take().unwrap().write_all(&weak).unwrap();
    let weak = String::from_utf8(public.wait_with_output().unwrap().stdout).unwrap();
    assert!(weak.contains("BEGIN PUBLIC KEY") && EncryptionKey::parse(&weak).is_none(), "1024 bits are too few");
}

fn lines(text: &str) -> String {
    text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\n")
}
