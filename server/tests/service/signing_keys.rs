//! Signing keys: the command, the files, the published forms, and rotation with no refused token.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use identity_service::signing_keys::SigningKeys;
use jsonwebtoken::{
    DecodingKey, decode_header,
    jwk::{JwkSet, ThumbprintHash},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    signing::{Keys, Site, key_of_list, verify, verify_with},
    support::{log_of_this_thread, now, until},
};

/// How long a running service may take to notice what changed.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn keys_are_files_that_only_their_owner_can_read() {
    let keys = Keys::new();
    let id = keys.run(&["generate"]);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(keys.folder()), 0o700);
    let file = keys.folder().join(format!("{id}.pem"));
    assert_eq!(mode(file.clone()), 0o600);
    assert_eq!(fs::read_dir(keys.folder()).unwrap().count(), 2, "nothing but the keys");
    // Another program reads it, and says that it is what it should be.
    let read = Command::new("openssl").args(["pkey", "-noout", "-text", "-in"]).arg(&file).output().unwrap();
    assert!(String::from_utf8(read.stdout).unwrap().contains("2048 bit"), "openssl reads the file");
}

#[tokio::test]
async fn a_file_instead_of_a_folder_is_the_one_key_and_is_read_again_when_it_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mounted");
    let put = || {
        let draft = folder.path().join("draft");
        let arguments = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out"];
        assert!(Command::new("openssl").args(arguments).arg(&draft).output().unwrap().status.success());
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o400)).unwrap();
        fs::rename(draft, &file).unwrap();
    };
    put();
    let keys = SigningKeys::open(&file, SystemTime::now()).unwrap();
    let active = || keys.current().active(now()).unwrap().id().to_owned();
    let first = active();
    keys.watch(Duration::from_millis(5), SystemTime::now);
    put();
    until("the other key", || active() != first).await;
    // What is no key changes nothing, and is no folder either.
    fs::remove_file(&file).unwrap();
    fs::write(&file, "no key").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(SigningKeys::open(&file, SystemTime::now()).unwrap_err().to_string().contains("mounted"));
    assert!(active() != first);
}

#[test]
fn a_key_of_openssl_can_be_used() {
    let keys = Keys::new();
    let file = keys.folder().join("own.pem");
    let arguments = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out"];
    assert!(Command::new("openssl").args(arguments).arg(&file).output().unwrap().status.success());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let listed = keys.run(&["list"]);
    let line = listed.lines().find(|line| line.contains("not activated")).unwrap();
    let id = line.split(' ').next().unwrap();
    // An id may begin with a hyphen and is no flag for that.
    assert!(keys.run(&["activate", id, "--at-once"]).contains("signs from"));
    let deadline = Instant::now() + Duration::from_secs(20);
    while !keys.run(&["list"]).starts_with(id) {
        assert!(Instant::now() < deadline, "the active key comes first");
    }
    let own = Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(&file).output().unwrap();
    assert_eq!(keys.run(&["publish", "--format", "pem"]), String::from_utf8(own.stdout).unwrap().trim_end());
}

#[test]
fn a_new_key_is_published_before_it_signs_and_an_old_one_after() {
    let keys = Keys::new();
    let first = keys.run(&["list"]).split(' ').next().unwrap().to_owned();
    let second = keys.run(&["generate", "--in", "15", "--bits", "3072"]);
    let listed = keys.run(&["list"]);
    assert!(listed.lines().next().unwrap().starts_with(&first) && listed.contains("active"), "{listed}");
    assert!(listed.contains(&format!("{second}  3072 bits  published, signs from ")), "{listed}");
    let refused = |arguments: &[&str], expected: &str| {
        let output = keys.output(arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    };
    refused(&["generate", "--in", "14"], "at least 15 minutes");
    refused(&["remove", &first], "is active");
    refused(&["activate", &first], "another key than the active one");
    refused(&["activate", "nonsense"], "the id of one key");
    keys.run(&["activate", &second, "--at-once"]);
    // In the same second, it waits for the next.
    let retired = format!("{first}  2048 bits  retired, published until ");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !keys.run(&["list"]).contains(&retired) {
        assert!(Instant::now() < deadline, "{}", keys.run(&["list"]));
    }
    refused(&["remove", &first], "--compromised");
    keys.run(&["remove", &first, "--compromised"]);
    assert_eq!(keys.run(&["list"]).lines().count(), 1);
}

#[test]
fn the_command_works_on_the_folder_that_is_named_or_on_none() {
    let keys = Keys::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_identity-service"));
        command.env_clear().current_dir(&elsewhere).args(arguments).output().unwrap()
    };
    let (folder, first) = (keys.folder(), keys.run(&["list"]));
    let folder = folder.to_str().unwrap();
    // After the verb as well as before it.
    let listed = run(&["keys", "list", "--signing-keys", folder]);
    assert_eq!(String::from_utf8(listed.stdout).unwrap().trim_end(), first);
    // The service's own flag is not the command's.
    for wrong in [&["--signing-keys", folder, "keys", "generate"][..], &["--omnichannel", "keys", "generate"]] {
        let refused = run(wrong);
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
        assert!(String::from_utf8(refused.stderr).unwrap().contains("cannot be used"), "{wrong:?}");
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "no key was made where nobody looks");
    for format in ["jwks", "omnichannel"] {
        let refused = keys.output(&["publish", "--format", format, "--id", first.split(' ').next().unwrap()]);
        assert_eq!(refused.status.code(), Some(2), "{format}");
        assert!(String::from_utf8(refused.stderr).unwrap().starts_with("identity-service: id: expected"), "{format}");
    }
}

#[tokio::test]
async fn every_published_form_verifies_a_token() {
    let site = Site::new().await;
    let id = site.keys.run(&["generate"]);
    let token = site.token("/omnichannel/token", "ada").await;
    let header = decode_header(&token).unwrap();
    assert_eq!((header.typ.as_deref(), header.kid.is_some()), (Some("JWT"), true));
    let kid = header.kid.unwrap();
    let list = async || -> Value { site.get("/omnichannel/public-keys").await.json().await.unwrap() };
    let both = async { while list().await.as_array().unwrap().len() < 2 {} };
    timeout(PATIENCE, both).await.expect("the next key is published");

    let response = site.get("/.well-known/jwks.json").await;
    assert_eq!(response.headers()["cache-control"], "public, max-age=300");
    assert_eq!(response.headers()["content-type"], "application/jwk-set+json");
    let text = response.text().await.unwrap();
    let set: JwkSet = serde_json::from_str(&text).unwrap();
    for key in serde_json::from_str::<Value>(&text).unwrap()["keys"].as_array().unwrap() {
        let members: Vec<&String> = key.as_object().unwrap().keys().collect();
        assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"], "public members only");
        assert_eq!((&key["alg"], &key["kty"], &key["use"]), (&json!("RS256"), &json!("RSA"), &json!("sig")));
        let thumbprint = set.find(key["kid"].as_str().unwrap()).unwrap().thumbprint(ThumbprintHash::SHA256).unwrap();
        assert_eq!(key["kid"], thumbprint, "the thumbprint of RFC 7638");
    }
    assert!(set.find(&id).is_some(), "the next key is published");
    verify(&token, &set);

    let pem = site.get("/keys/public.pem").await.text().await.unwrap();
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n"));
    verify_with(&token, &DecodingKey::from_rsa_pem(pem.as_bytes()).unwrap());

    let list = list().await;
    verify_with(&token, &key_of_list(&list, &kid));
    let now = now();
    for entry in list.as_array().unwrap() {
        assert_eq!(entry.as_object().unwrap().len(), 3);
        let expiry = entry["expiry"].as_u64().unwrap();
        assert!((now + 86_400..now + 2 * 366 * 86_400).contains(&expiry), "in seconds: {entry}");
    }

    let response = site.get("/live-assist/public-key").await;
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    let line = response.text().await.unwrap();
    assert!(line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)), "{line}");
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    assert_eq!(line, body, "the PEM without header, footer and line breaks");
    let wrapped = format!("-----BEGIN PUBLIC KEY-----\n{line}\n-----END PUBLIC KEY-----\n");
    verify_with(&token, &DecodingKey::from_rsa_pem(wrapped.as_bytes()).unwrap());

    for (format, published) in [("pem", pem.trim_end()), ("live-assist", line.as_str())] {
        assert_eq!(site.keys.run(&["publish", "--format", format]), published);
    }
    let set_of_command: Value = serde_json::from_str(&site.keys.run(&["publish", "--format", "jwks"])).unwrap();
    assert_eq!(set_of_command, serde_json::to_value(&set).unwrap());
}

/// Tokens are fetched all the time while keys rotate; whoever keeps a key set that was fetched before the rotation
/// verifies all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_under_load_with_no_refused_token() {
    let site = Site::new().await;
    let first = site.keys.run(&["list"]).split(' ').next().unwrap().to_owned();
    let second = site.keys.run(&["generate", "--in", "15"]);
    let both = async {
        loop {
            let set: JwkSet = site.get("/.well-known/jwks.json").await.json().await.unwrap();
            if set.keys.len() == 2 {
                break set;
            }
        }
    };
    let set = timeout(PATIENCE, both).await.expect("the next key is published");
    let mut used = Vec::new();
    for step in 0..120 {
        let (one, other) =
            tokio::join!(site.token("/omnichannel/token", "ada"), site.token("/omnichannel/token", "eve"));
        for token in [one, other] {
            verify(&token, &set);
            used.push(decode_header(&token).unwrap().kid.unwrap());
        }
        if step % 4 == 0 {
            site.world.clock.advance(40);
        }
    }
    let turn = used.iter().position(|kid| *kid == second).expect("the second key came into use");
    assert!(turn > 0 && used[..turn].iter().all(|kid| *kid == first), "one after the other");
    assert!(used[turn..].iter().all(|kid| *kid == second), "and never back");
    let published = async || published(&site).await;
    assert!(published().await.find(&first).is_some(), "its last token may still be about");
    let list: Value = site.get("/omnichannel/public-keys").await.json().await.unwrap();
    let retired = list.as_array().unwrap().iter().find(|entry| entry["kid"] == *first).unwrap();
    let hours_left = (retired["expiry"].as_u64().unwrap() - now()) / 3600;
    assert_eq!(hours_left, 25, "its end is known: {retired}");
    // The load took 20 minutes of the clock, and the key retired after 15.
    site.world.clock.advance(86_400);
    assert!(published().await.find(&first).is_some(), "a token may live for a day");
    site.world.clock.advance(3600);
    assert!(published().await.find(&first).is_none(), "and is not any more");
}

#[tokio::test]
async fn a_key_signs_from_its_time_on_and_not_before() {
    let site = Site::new().await;
    let kid = async || decode_header(site.token("/omnichannel/token", "ada").await).unwrap().kid.unwrap();
    let first = kid().await;
    let second = site.keys.run(&["generate", "--in", "15"]);
    let known = async { while published(&site).await.find(&second).is_none() {} };
    timeout(PATIENCE, known).await.expect("the next key is published");
    site.world.clock.advance(15 * 60 - 10);
    assert_eq!(kid().await, first);
    // The test's clock stands still, and the command counted from the machine's.
    site.world.clock.advance(600);
    assert_eq!(kid().await, second);
    assert_eq!(site.get("/keys/public.pem").await.text().await.unwrap().trim_end(), {
        site.keys.run(&["publish", "--format", "pem", "--id", &second])
    });
}

#[tokio::test]
async fn a_key_that_is_copied_in_is_published_and_one_that_is_taken_out_is_not() {
    let site = Site::new().await;
    let first = decode_header(site.token("/omnichannel/token", "ada").await).unwrap().kid.unwrap();
    let other = Keys::new();
    let id = other.run(&["list"]).split(' ').next().unwrap().to_owned();
    let pem = fs::read_to_string(other.folder().join(format!("{id}.pem"))).unwrap();
    let without_time: String = pem.lines().skip(1).map(|line| format!("{line}\n")).collect();
    let (draft, file) = (site.keys.folder().join("draft"), site.keys.folder().join("own.pem"));
    fs::write(&draft, without_time).unwrap();
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&draft, &file).unwrap();
    let known = async { while published(&site).await.find(&id).is_none() {} };
    timeout(PATIENCE, known).await.expect("a key that nobody has activated is published");
    let used = decode_header(site.token("/omnichannel/token", "ada").await).unwrap().kid.unwrap();
    assert_eq!(used, first, "and does not sign");
    site.keys.run(&["remove", &id]);
    let forgotten = async { while published(&site).await.find(&id).is_some() {} };
    timeout(PATIENCE, forgotten).await.expect("a removed key is published no more");
    assert!(published(&site).await.find(&first).is_some());
}

async fn published(site: &Site) -> JwkSet {
    site.get("/.well-known/jwks.json").await.json().await.unwrap()
}

/// Whatever happens to the folder, the keys in hand go on signing and stay published.
#[tokio::test(flavor = "current_thread")]
async fn a_folder_that_goes_away_stops_no_service() {
    let site = Site::new().await;
    let kid = decode_header(site.token("/omnichannel/token", "ada").await).unwrap().kid.unwrap();
    let (folder, away) = (site.keys.folder(), site.keys.folder().with_extension("away"));
    let file = folder.join(format!("{kid}.pem"));
    let mode = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let still_there = async |said: &str| {
        until(said, || log_of_this_thread().contains(said)).await;
        let token = site.token("/omnichannel/token", "ada").await;
        assert_eq!(decode_header(&token).unwrap().kid.as_ref(), Some(&kid), "{said}");
        verify(&token, &published(&site).await);
    };
    fs::rename(&folder, &away).unwrap();
    still_there("expected a folder of signing keys").await;
    fs::create_dir(&folder).unwrap();
    mode(&folder, 0o700);
    still_there("holds none").await;
    fs::remove_dir(&folder).unwrap();
    fs::rename(&away, &folder).unwrap();
    mode(&file, 0o644);
    still_there("chmod 600").await;
    mode(&file, 0o600);
    mode(&folder, 0o755);
    still_there("chmod 700").await;
    mode(&folder, 0o700);
    let next = site.keys.run(&["generate"]);
    let mended = async { while published(&site).await.find(&next).is_none() {} };
    timeout(PATIENCE, mended).await.expect("the next key is published");
}

#[tokio::test(flavor = "current_thread")]
async fn a_folder_that_goes_wrong_stops_no_service() {
    let site = Site::new().await;
    let before = site.token("/omnichannel/token", "ada").await;
    let (draft, broken) = (site.keys.folder().join("broken"), site.keys.folder().join("broken.pem"));
    fs::write(&draft, "no key").unwrap();
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&draft, &broken).unwrap();
    until("the log says so", || log_of_this_thread().contains("the signing keys stay as they were")).await;
    let after = site.token("/omnichannel/token", "ada").await;
    assert_eq!(decode_header(&before).unwrap().kid, decode_header(&after).unwrap().kid);
    assert!(log_of_this_thread().contains("broken.pem"));
    // Mended, the folder is read again, without a restart.
    fs::remove_file(&broken).unwrap();
    let next = site.keys.run(&["generate"]);
    let published = async || -> JwkSet { site.get("/.well-known/jwks.json").await.json().await.unwrap() };
    let mended = async { while published().await.find(&next).is_none() {} };
    timeout(PATIENCE, mended).await.expect("the next key is published");
    let told = log_of_this_thread().lines().filter(|line| line.contains("the signing keys stay as they were")).count();
    assert_eq!(told, 1, "said once, however often it was looked at");
}
