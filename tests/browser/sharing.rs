//! Equal calls share one request and one answer (rules 1, 2, 3 and 17).

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::face::{IdentityProvider, detached, load_copy, package_function};
use crate::scene::{Scene, access_token, fulfilled, is_same, open_tab, raw_token, settled, text, value};

#[wasm_bindgen_test]
async fn rule_01_get_token_joins_what_runs_with_the_same_promise() {
    let scene = Scene::new();
    let provider = scene.provider();
    let first = provider.get_token();
    let second = provider.get_token();
    assert!(is_same(&first, &second));
    settled().await;
    let third = provider.get_token();
    assert!(is_same(&first, &third));
    scene.source.answer(0, &raw_token("a"));
    assert_eq!(access_token(&first).await, "a");
    assert_eq!(scene.source.count(), 1);
    assert_eq!(scene.events.count("joined"), 2);
}

#[wasm_bindgen_test]
async fn rule_01_get_token_answers_with_the_usable_token() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[]).await;
    let one = fulfilled(&provider.get_token()).await;
    let other = fulfilled(&provider.get_token()).await;
    assert_eq!(text(&one, "accessToken"), "a");
    assert!(is_same(&one, &other));
    assert_eq!(scene.source.count(), 1);
    assert_eq!(scene.events.count("cache_hit"), 2);
}

#[wasm_bindgen_test]
async fn rule_01_get_token_waits_for_a_fresh_one_that_somebody_asked_for() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[]).await;
    let fresh = provider.get_fresh_token();
    let token = provider.get_token();
    assert!(is_same(&fresh, &token));
    settled().await;
    scene.source.answer(1, &raw_token("b"));
    assert_eq!(access_token(&token).await, "b");
}

#[wasm_bindgen_test]
async fn rule_02_get_fresh_token_begins_whatever_is_cached() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[]).await;
    let fresh = provider.get_fresh_token();
    settled().await;
    assert_eq!(text(&scene.source.request(1), "reason"), "fresh");
    scene.source.answer(1, &raw_token("b"));
    assert_eq!(access_token(&fresh).await, "b");
    assert_eq!(access_token(&provider.get_token()).await, "b");
}

#[wasm_bindgen_test]
async fn rule_02_get_fresh_token_joins_what_runs() {
    let scene = Scene::new();
    let provider = scene.provider();
    let token = provider.get_token();
    let fresh = provider.get_fresh_token();
    assert!(is_same(&token, &fresh));
    assert!(is_same(&fresh, &provider.get_fresh_token()));
    settled().await;
    scene.source.answer(0, &raw_token("a"));
    assert_eq!(access_token(&fresh).await, "a");
    assert_eq!(scene.source.count(), 1);
}

#[wasm_bindgen_test]
async fn rule_03_a_burst_over_many_handles_is_one_request() {
    let scene = Scene::new();
    let calls: Vec<Promise> = (0..20).map(|_| scene.provider().get_token()).collect();
    settled().await;
    scene.source.answer(0, &raw_token("a"));
    for call in calls {
        assert_eq!(access_token(&call).await, "a");
    }
    assert_eq!(scene.source.count(), 1);
    assert_eq!(scene.events.count("request_began"), 1);
}

#[wasm_bindgen_test]
async fn rule_03_handles_of_the_same_scope_share_the_token() {
    let scene = Scene::new();
    let _holding = scene.provider_holding("a", &[]).await;
    assert_eq!(access_token(&scene.provider().get_token()).await, "a");
    assert_eq!(scene.source.count(), 1);
}

#[wasm_bindgen_test]
async fn rule_03_another_license_is_another_scope() {
    let scene = Scene::new();
    let _holding = scene.provider_holding("a", &[]).await;
    let other = scene.provider_with(&[("licenseId", 7.into())]);
    let token = other.get_token();
    settled().await;
    assert_eq!(scene.source.count(), 2);
    scene.source.answer(1, &raw_token("b"));
    assert_eq!(access_token(&token).await, "b");
}

#[wasm_bindgen_test]
async fn rule_03_copies_of_the_tag_share_a_request() {
    let scene = Scene::new();
    let copy = fulfilled(&load_copy()).await;
    let make: Function = value(&copy, "custom_identity_provider").unchecked_into();
    assert!(!is_same(&make, &package_function()), "the copy is another module");
    let options = scene.options(&[]);
    let other: IdentityProvider = make.call1(&JsValue::UNDEFINED, &options).unwrap().unchecked_into();
    let here = scene.provider().get_token();
    let there = other.get_token();
    assert!(is_same(&here, &there));
    settled().await;
    scene.source.answer(0, &raw_token("a"));
    assert_eq!(access_token(&there).await, "a");
    assert_eq!(scene.source.count(), 1);
}

#[wasm_bindgen_test]
async fn rule_03_another_document_has_an_engine_of_its_own() {
    let scene = Scene::new();
    let tab = open_tab().await;
    let here = scene.provider().get_token();
    let there = scene.provider_in(&tab, &[]).get_token();
    settled().await;
    assert_eq!(scene.source.count(), 2);
    scene.source.answer(0, &raw_token("a"));
    scene.source.answer(1, &raw_token("b"));
    assert_eq!(access_token(&here).await, "a");
    assert_eq!(access_token(&there).await, "b");
}

#[wasm_bindgen_test]
async fn rule_17_methods_work_detached() {
    let scene = Scene::new();
    let provider = scene.provider();
    let token = detached(&provider, "getToken");
    settled().await;
    scene.source.answer(0, &raw_token("a"));
    assert_eq!(access_token(&token).await, "a");
    assert_eq!(fulfilled(&detached(&provider, "hasToken")).await, true);
    let fresh = detached(&provider, "getFreshToken");
    settled().await;
    scene.source.answer(1, &raw_token("b"));
    assert_eq!(access_token(&fresh).await, "b");
    assert!(fulfilled(&detached(&provider, "invalidate")).await.is_undefined());
    assert_eq!(fulfilled(&detached(&provider, "hasToken")).await, false);
}
