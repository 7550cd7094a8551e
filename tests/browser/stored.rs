//! The stored record, and storage that is blocked, full, broken or missing (rule 12).

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::face::{block_storage, break_storage_method, fill_session_storage, remove_storage};
use crate::scene::{
    GENERATION, PERSON, Scene, access_token, contents, fake_clock, finished_token, fulfilled, has_token, keys,
    local_storage, number, open_tab, raw_token, session_storage, settled, text, value, window, with,
};

/// A valid record of the scene's person, written by an earlier page, to be spoiled.
async fn record_of_an_earlier_page(scene: &Scene) -> JsValue {
    let before = open_tab().await;
    let token = scene.provider_in(&before, &[("cache", "session".into())]).get_token();
    settled().await;
    scene.source.answer(0, &raw_token("a"));
    fulfilled(&token).await;
    before.close();
    let record = scene.record().expect("the token is stored");
    scene.events.clear();
    js_sys::JSON::parse(&record).unwrap()
}

async fn is_a_miss(scene: &Scene, record: &str, why: &str) {
    scene.write_record(record);
    let provider = scene.session_provider();
    assert!(!has_token(&provider).await, "{why}: {record}");
    assert_eq!(text(&scene.events.latest("record_rejected"), "why"), why, "{record}");
    assert!(scene.record().is_none(), "{why}: {record}");
    let asked = scene.source.count();
    let token = provider.get_token();
    settled().await;
    scene.source.answer(asked, &raw_token("new"));
    assert_eq!(access_token(&token).await, "new");
}

async fn spoiled_is_a_miss(others: &[(&str, JsValue)], why: &str) {
    let scene = Scene::new();
    let record = record_of_an_earlier_page(&scene).await;
    is_a_miss(&scene, &js_sys::JSON::stringify(&with(&record, others)).unwrap().as_string().unwrap(), why).await;
}

#[wasm_bindgen_test]
async fn rule_12_a_reload_is_answered_without_a_request() {
    let scene = Scene::new();
    record_of_an_earlier_page(&scene).await;
    let after = open_tab().await;
    let provider = scene.provider_in(&after, &[("cache", "session".into())]);
    assert!(has_token(&provider).await);
    assert_eq!(access_token(&provider.get_token()).await, "a");
    assert_eq!(scene.source.count(), 1);
    let remaining = number(&scene.events.latest("restored"), "remaining");
    assert!((3_500_000.0..=3_570_000.0).contains(&remaining), "{remaining}");
}

#[wasm_bindgen_test]
async fn rule_12_a_restored_token_is_the_same_token() {
    let scene = Scene::new();
    let others = [("cache", "session".into()), ("organizationId", "organization".into())];
    let before = fulfilled(&scene.provider_holding("a", &others).await.get_token()).await;
    let tab = open_tab().await;
    let after = fulfilled(&scene.provider_in(&tab, &others).get_token()).await;
    assert_eq!(js_sys::JSON::stringify(&before).unwrap(), js_sys::JSON::stringify(&after).unwrap());
}

#[wasm_bindgen_test]
async fn rule_12_the_record_is_versioned_scoped_and_complete() {
    let scene = Scene::new();
    let _holding = scene.provider_holding("a", &[("cache", "session".into())]).await;
    let record = js_sys::JSON::parse(&scene.record().unwrap()).unwrap();
    let expected = "accessToken creationDate entityId expiresIn generation licenseId scope tokenType version";
    assert_eq!(keys(&record), expected);
    assert_eq!(number(&record, "version"), 1.0);
    assert_eq!(text(&record, "generation"), local_storage().get_item(GENERATION).unwrap().unwrap());
}

#[wasm_bindgen_test]
async fn rule_12_text_that_is_no_record_is_a_miss() {
    for record in ["", "{", "null", "17", "\"text\"", "[]", "{}", "<html>", "undefined", "\u{0}"] {
        let scene = Scene::new();
        is_a_miss(&scene, record, "corrupt").await;
    }
}

#[wasm_bindgen_test]
async fn rule_12_a_record_with_a_spoiled_field_is_a_miss() {
    for (name, value) in [
        ("accessToken", JsValue::UNDEFINED),
        ("accessToken", 17.into()),
        ("entityId", "".into()),
        ("expiresIn", "3600000".into()),
        ("expiresIn", (-1).into()),
        ("tokenType", "MAC".into()),
        ("creationDate", JsValue::NULL),
        ("licenseId", "12".into()),
        ("organizationId", JsValue::NULL),
        ("version", JsValue::UNDEFINED),
    ] {
        spoiled_is_a_miss(&[(name, value)], "corrupt").await;
    }
}

#[wasm_bindgen_test]
async fn rule_12_a_record_of_another_version_is_a_miss() {
    spoiled_is_a_miss(&[("version", 2.into())], "version").await;
}

#[wasm_bindgen_test]
async fn rule_12_a_foreign_record_is_a_miss() {
    spoiled_is_a_miss(&[("scope", "0".repeat(64).into())], "scope").await;
}

#[wasm_bindgen_test]
async fn rule_12_a_record_of_another_license_is_a_miss() {
    let (scene, other) = (Scene::new(), Scene::new());
    let _holding = scene.provider_holding("a", &[("cache", "session".into())]).await;
    is_a_miss(&other, &scene.record().unwrap(), "scope").await;
}

#[wasm_bindgen_test]
async fn rule_12_a_record_from_the_future_is_a_miss() {
    spoiled_is_a_miss(&[("creationDate", (js_sys::Date::now() + 60_000.0).into())], "future").await;
}

#[wasm_bindgen_test]
async fn rule_12_an_expired_record_is_a_miss() {
    spoiled_is_a_miss(&[("creationDate", (js_sys::Date::now() - 3_600_000.0).into())], "expired").await;
}

/// The token arrives and is cached in memory, and the listener is told what failed.
async fn lives_in_memory(scene: &Scene, action: &str) {
    let provider = scene.session_provider();
    let token = provider.get_token();
    settled().await;
    scene.source.answer(0, &raw_token("a"));
    assert_eq!(access_token(&token).await, "a");
    assert_eq!(access_token(&provider.get_token()).await, "a");
    assert_eq!(scene.source.count(), 1);
    assert_eq!(text(&scene.events.latest("storage_failed"), "action"), action);
    assert!(fulfilled(&provider.invalidate()).await.is_undefined());
    assert!(!has_token(&provider).await);
}

#[wasm_bindgen_test]
async fn rule_12_storage_that_throws_on_access_means_memory() {
    let scene = Scene::new();
    block_storage(&window(), "sessionStorage");
    lives_in_memory(&scene, "write").await;
    assert!(scene.events.count("storage_failed") >= 3, "reading, writing and removing failed");
}

#[wasm_bindgen_test]
async fn rule_12_missing_storage_means_memory() {
    for missing in [JsValue::UNDEFINED, JsValue::NULL] {
        let scene = Scene::new();
        remove_storage(&window(), "sessionStorage");
        assert!(value(&window(), "sessionStorage").is_undefined() || missing.is_null());
        lives_in_memory(&scene, "write").await;
    }
}

#[wasm_bindgen_test]
async fn rule_12_a_full_storage_means_memory() {
    let scene = Scene::new();
    fill_session_storage();
    lives_in_memory(&scene, "write").await;
    assert!(scene.record().is_none());
}

#[wasm_bindgen_test]
async fn rule_12_a_write_that_throws_means_memory() {
    let scene = Scene::new();
    break_storage_method("setItem");
    lives_in_memory(&scene, "write").await;
}

#[wasm_bindgen_test]
async fn rule_12_a_read_that_throws_means_memory() {
    let scene = Scene::new();
    break_storage_method("getItem");
    lives_in_memory(&scene, "read").await;
}

#[wasm_bindgen_test]
async fn rule_12_a_removal_that_throws_is_an_event() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[("cache", "session".into())]).await;
    break_storage_method("removeItem");
    assert!(fulfilled(&provider.invalidate()).await.is_undefined());
    assert_eq!(text(&scene.events.latest("storage_failed"), "action"), "remove");
    assert!(!has_token(&provider).await);
}

#[wasm_bindgen_test]
async fn rule_12_both_storages_blocked_from_the_beginning() {
    let scene = Scene::new();
    let tab = open_tab().await;
    block_storage(&tab.window(), "sessionStorage");
    block_storage(&tab.window(), "localStorage");
    let provider = scene.provider_in(&tab, &[("cache", "session".into())]);
    let token = provider.get_token();
    settled().await;
    scene.source.answer(0, &raw_token("a"));
    assert_eq!(access_token(&token).await, "a");
    assert!(has_token(&provider).await);
    assert!(scene.events.count("storage_failed") >= 1);
    assert!(fulfilled(&tab.sign_out()).await.is_undefined());
    assert!(!has_token(&provider).await);
}

#[wasm_bindgen_test]
async fn rule_12_the_stored_record_follows_the_latest_token() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider_holding("a", &[("cache", "session".into())]).await;
    clock.advance(5_000.0).await;
    let fresh = provider.get_fresh_token();
    settled().await;
    scene.source.answer(1, &with(&finished_token("b"), &[("expiresIn", 7_200_000.into())]));
    fulfilled(&fresh).await;
    let record = js_sys::JSON::parse(&scene.record().unwrap()).unwrap();
    assert_eq!((text(&record, "accessToken"), number(&record, "expiresIn")), ("b".to_owned(), 7_200_000.0));
    assert!(!contents(&session_storage()).contains(PERSON));
}
