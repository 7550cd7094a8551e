//! `sign_out`, here and in other tabs (rule 7).

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::face::{block_storage, come_back, happen_to_document, heard_of_storage, sign_out};
use crate::scene::{
    GENERATION, PERSON, Scene, access_token, code, fulfilled, has_token, local_storage, open_tab, raw_token, settled,
    state, text,
};

#[wasm_bindgen_test]
async fn rule_07_sign_out_rejects_who_waits_and_aborts_the_source() {
    let scene = Scene::new();
    let (one, other) = (scene.provider(), scene.provider_with(&[("licenseId", (scene.license + 500_000).into())]));
    let (first, second) = (one.get_token(), other.get_fresh_token());
    settled().await;
    assert!(fulfilled(&sign_out()).await.is_undefined());
    assert_eq!(code(&first).await, "SIGNED_OUT");
    assert_eq!(code(&second).await, "SIGNED_OUT");
    assert!(scene.source.signal(0).aborted() && scene.source.signal(1).aborted());
    scene.source.answer(0, &raw_token("late"));
    settled().await;
    assert!(!has_token(&one).await);
    assert_eq!(text(&scene.events.latest("signed_out"), "origin"), "this_tab");
    assert_eq!(text(&scene.events.latest("request_aborted"), "why"), "signed_out");
}

#[wasm_bindgen_test]
async fn rule_07_sign_out_forgets_every_scope_and_removes_every_record() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[("cache", "session".into())]).await;
    // A record that this page never opened, as an earlier page of the tab would leave it.
    crate::scene::session_storage().set_item("custom_identity_provider:livechat:424242:", "{}").unwrap();
    crate::scene::session_storage().set_item("the page's own", "stays").unwrap();
    assert!(scene.record().is_some());
    fulfilled(&sign_out()).await;
    assert_eq!(crate::scene::contents(&crate::scene::session_storage()), r#"{"the page's own":"stays"}"#);
    assert!(!has_token(&provider).await);
    let token = provider.get_token();
    settled().await;
    scene.source.answer(1, &raw_token("b"));
    assert_eq!(access_token(&token).await, "b", "who signs in again is served again");
}

#[wasm_bindgen_test]
async fn rule_07_sign_out_here_is_heard_in_another_tab() {
    let (scene, elsewhere) = (Scene::new(), Scene::new());
    let tab = open_tab().await;
    let there = elsewhere.provider_in(&tab, &[]);
    let holding = there.get_token();
    settled().await;
    elsewhere.source.answer(0, &raw_token("a"));
    fulfilled(&holding).await;
    let waiting = there.get_fresh_token();
    settled().await;
    let before = tab.read_local(GENERATION).unwrap();

    let heard = elsewhere.events.first("signed_out");
    fulfilled(&sign_out()).await;
    assert_ne!(tab.read_local(GENERATION).unwrap(), before);
    assert_eq!(text(&fulfilled(&heard).await, "origin"), "other_tab");
    assert_eq!(code(&waiting).await, "SIGNED_OUT");
    assert!(elsewhere.source.signal(1).aborted());
    assert!(!has_token(&there).await);
    drop(scene);
}

#[wasm_bindgen_test]
async fn rule_07_sign_out_in_another_tab_is_heard_here() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[("cache", "session".into())]).await;
    let waiting = provider.get_fresh_token();
    let tab = open_tab().await;
    settled().await;
    let heard = scene.events.first("signed_out");
    fulfilled(&tab.sign_out()).await;
    assert_eq!(text(&fulfilled(&heard).await, "origin"), "other_tab");
    assert_eq!(code(&waiting).await, "SIGNED_OUT");
    assert!(scene.source.signal(1).aborted());
    assert!(!has_token(&provider).await);
    assert!(scene.record().is_none());
    assert_eq!(scene.events.count("signed_out"), 1);
}

#[wasm_bindgen_test]
async fn rule_07_another_key_of_the_origin_is_no_sign_out() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[]).await;
    let tab = open_tab().await;
    let heard = heard_of_storage();
    tab.write_local("the page's own", "changed");
    fulfilled(&heard).await;
    assert!(has_token(&provider).await);
    assert_eq!(scene.events.count("signed_out"), 0);
}

#[wasm_bindgen_test]
async fn rule_07_an_answer_that_comes_before_the_other_tab_s_event_is_withheld() {
    let scene = Scene::new();
    let provider = scene.session_provider();
    let waiting = provider.get_token();
    settled().await;
    // The same window's writes tell nobody: the mark has changed, and no event has come yet.
    local_storage().set_item(GENERATION, "another").unwrap();
    scene.source.answer(0, &raw_token("a"));
    assert_eq!(code(&waiting).await, "SIGNED_OUT");
    assert!(!has_token(&provider).await);
    assert!(scene.record().is_none());
}

#[wasm_bindgen_test]
async fn rule_07_a_record_from_before_a_sign_out_elsewhere_is_not_used() {
    let scene = Scene::new();
    let before = open_tab().await;
    let token = scene.provider_in(&before, &[("cache", "session".into())]).get_token();
    settled().await;
    scene.source.answer(0, &raw_token("a"));
    fulfilled(&token).await;
    let record = scene.record().expect("the token is stored");
    before.close();

    // Another tab signs out; this tab's storage is its own, so the record stays until somebody looks.
    fulfilled(&sign_out()).await;
    scene.write_record(&record);
    let provider = scene.session_provider();
    assert!(!has_token(&provider).await);
    assert_eq!(text(&scene.events.latest("record_rejected"), "why"), "signed_out");
    assert!(scene.record().is_none());
}

#[wasm_bindgen_test]
async fn rule_07_a_sign_out_while_the_page_lay_in_the_back_forward_cache_is_noticed() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[("cache", "session".into())]).await;
    let waiting = provider.get_fresh_token();
    settled().await;
    local_storage().set_item(GENERATION, "another").unwrap();
    come_back();
    assert_eq!(code(&waiting).await, "SIGNED_OUT");
    assert!(!has_token(&provider).await);
    assert_eq!(text(&scene.events.latest("signed_out"), "origin"), "other_tab");
}

#[wasm_bindgen_test]
async fn rule_07_a_sign_out_while_the_page_was_frozen_is_noticed_as_it_resumes() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[]).await;
    let waiting = provider.get_fresh_token();
    settled().await;
    happen_to_document("freeze");
    local_storage().set_item(GENERATION, "another").unwrap();
    happen_to_document("resume");
    settled().await;
    assert_eq!(state(&waiting).await, "rejected", "nobody has to call for it");
    assert_eq!(code(&waiting).await, "SIGNED_OUT");
}

#[wasm_bindgen_test]
async fn rule_07_a_page_that_was_frozen_with_no_mark_to_compare_forgets() {
    let scene = Scene::new();
    block_storage(&crate::scene::window(), "localStorage");
    let provider = scene.provider_holding("a", &[]).await;
    let before = scene.events.count("may_have_left");
    happen_to_document("freeze");
    assert!(!has_token(&provider).await);
    assert_eq!(scene.events.count("may_have_left"), before + 1);
}

#[wasm_bindgen_test]
async fn rule_07_sign_out_reaches_other_tabs_where_local_storage_is_blocked() {
    let scene = Scene::new();
    let (one, other) = (open_tab().await, open_tab().await);
    let mut waiting: Vec<Promise> = Vec::new();
    for tab in [&one, &other] {
        block_storage(&tab.window(), "localStorage");
        waiting.push(scene.provider_in(tab, &[]).get_token());
    }
    settled().await;
    fulfilled(&one.sign_out()).await;
    for promise in waiting {
        assert_eq!(code(&promise).await, "SIGNED_OUT");
    }
    let events = scene.events.text();
    for origin in ["this_tab", "other_tab"] {
        assert!(events.contains(&format!("\"origin\":\"{origin}\"")), "{origin} in {events}");
    }
}

#[wasm_bindgen_test]
async fn rule_07_sign_out_where_session_storage_is_blocked_resolves() {
    let scene = Scene::new();
    let waiting = scene.session_provider().get_token();
    settled().await;
    block_storage(&crate::scene::window(), "sessionStorage");
    assert_eq!(fulfilled(&sign_out()).await, JsValue::UNDEFINED);
    assert_eq!(code(&waiting).await, "SIGNED_OUT");
    assert_eq!(text(&scene.events.latest("storage_failed"), "action"), "remove");
    assert!(!scene.events.text().contains(PERSON));
}
