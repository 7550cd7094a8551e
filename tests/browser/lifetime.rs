//! How long a token is used, by both clocks, and refreshing it ahead (rules 10 and 11).

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::face::source_error;
use crate::scene::{
    Scene, access_token, fake_clock, finished_token, fulfilled, has_token, number, object, raw_token, session_storage,
    settled, text, with,
};

const HOUR: f64 = 3_600_000.0;
/// The margin of a token that is good for an hour.
const MARGIN: f64 = 30_000.0;

#[wasm_bindgen_test]
async fn rule_10_a_token_expires_by_the_wall_clock() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider_holding("a", &[]).await;
    clock.move_wall(HOUR - MARGIN - 10.0);
    assert!(has_token(&provider).await);
    clock.move_wall(20.0);
    assert!(!has_token(&provider).await);
}

#[wasm_bindgen_test]
async fn rule_10_a_token_expires_by_the_monotonic_clock() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider_holding("a", &[]).await;
    clock.move_monotonic(HOUR - MARGIN - 10.0);
    assert!(has_token(&provider).await);
    clock.move_monotonic(20.0);
    assert!(!has_token(&provider).await);
}

#[wasm_bindgen_test]
async fn rule_10_a_clock_turned_back_revives_nothing() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider_holding("a", &[("cache", "session".into())]).await;
    clock.advance(HOUR).await;
    assert!(!has_token(&provider).await);
    assert!(scene.record().is_none());
    clock.move_wall(-HOUR);
    assert!(!has_token(&provider).await);
}

#[wasm_bindgen_test]
async fn rule_10_a_clock_turned_back_while_nobody_looked_revives_nothing() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider_holding("a", &[]).await;
    clock.freeze(HOUR);
    clock.move_wall(-HOUR + 1_000.0);
    assert!(!has_token(&provider).await);
}

#[wasm_bindgen_test]
async fn rule_10_a_clock_turned_far_back_leaves_a_token_from_the_future_unused() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider_holding("a", &[]).await;
    clock.move_wall(-4_000.0);
    assert!(has_token(&provider).await, "clocks are adjusted by small steps all the time");
    clock.move_wall(-2_000.0);
    assert!(!has_token(&provider).await);
}

#[wasm_bindgen_test]
async fn rule_10_the_lifetime_counts_from_when_the_request_was_sent() {
    let scene = Scene::new();
    let clock = fake_clock();
    let sent = js_sys::Date::now();
    let provider = scene.provider();
    let token = provider.get_token();
    clock.advance(9_000.0).await;
    scene.source.answer(0, &raw_token("a"));
    assert_eq!(number(&fulfilled(&token).await, "creationDate"), sent.floor());
    clock.advance(HOUR - MARGIN - 9_000.0 - 10.0).await;
    assert!(has_token(&provider).await);
    clock.advance(20.0).await;
    assert!(!has_token(&provider).await);
}

#[wasm_bindgen_test]
async fn rule_10_the_margin_is_the_one_set() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider_holding("a", &[("margin", 600_000.into())]).await;
    clock.advance(HOUR - 600_000.0 - 10.0).await;
    assert!(has_token(&provider).await);
    clock.advance(20.0).await;
    assert!(!has_token(&provider).await);
    assert!(has_token(&scene.provider()).await, "another handle keeps the standard margin");
}

#[wasm_bindgen_test]
async fn rule_10_an_expired_token_is_fetched_anew() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider_holding("a", &[]).await;
    clock.advance(HOUR).await;
    let token = provider.get_token();
    settled().await;
    assert_eq!(text(&scene.source.request(1), "reason"), "get");
    scene.source.answer(1, &raw_token("b"));
    assert_eq!(access_token(&token).await, "b");
}

#[wasm_bindgen_test]
async fn rule_10_a_skewed_clock_is_no_reason_to_ask_again() {
    let scene = Scene::new();
    let provider = scene.provider();
    let now = js_sys::Date::now();
    for (run, created) in [now - 2.0 * HOUR, now + HOUR].into_iter().enumerate() {
        let token = provider.get_fresh_token();
        settled().await;
        scene.source.answer(run as u32, &with(&finished_token("a"), &[("creationDate", created.into())]));
        fulfilled(&token).await;
        assert_eq!(scene.events.count("clock_skew"), run as u32 + 1);
        assert!(has_token(&provider).await);
    }
}

#[wasm_bindgen_test]
async fn rule_10_a_restored_token_expires_too() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider_holding("a", &[("cache", "session".into())]).await;
    clock.advance(HOUR - MARGIN - 10.0).await;
    assert!(has_token(&provider).await);
    clock.advance(20.0).await;
    assert!(!has_token(&provider).await);
    assert!(session_storage().get_item(&scene.record_key()).unwrap().is_some(), "another margin may still use it");
    clock.advance(MARGIN).await;
    assert!(!has_token(&provider).await);
    assert!(scene.record().is_none());
}

#[wasm_bindgen_test]
async fn rule_11_the_last_stretch_answers_at_once_and_refreshes_once() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider_holding("a", &[("refreshAhead", 60_000.into())]).await;
    clock.advance(HOUR - MARGIN - 60_000.0 - 10.0).await;
    assert_eq!(access_token(&provider.get_token()).await, "a");
    settled().await;
    assert_eq!(scene.source.count(), 1);
    clock.advance(20.0).await;
    for _ in 0..3 {
        assert_eq!(access_token(&provider.get_token()).await, "a");
    }
    settled().await;
    assert_eq!(scene.source.count(), 2);
    assert_eq!(text(&scene.source.request(1), "reason"), "ahead");
    scene.source.answer(1, &raw_token("b"));
    settled().await;
    assert_eq!(access_token(&provider.get_token()).await, "b");
}

#[wasm_bindgen_test]
async fn rule_11_a_failed_refresh_ahead_costs_an_event_only() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider_holding("a", &[("refreshAhead", 60_000.into())]).await;
    clock.advance(HOUR - MARGIN - 30_000.0).await;
    access_token(&provider.get_token()).await;
    settled().await;
    scene.source.fail(1, &source_error(&object(&[("status", 403.into())])));
    settled().await;
    let failed = scene.events.latest("request_failed");
    assert_eq!(text(&failed, "code"), "REFUSED");
    assert_eq!(crate::scene::value(&failed, "demanded"), JsValue::FALSE);
    assert_eq!(access_token(&provider.get_token()).await, "a");
    settled().await;
    assert_eq!(scene.source.count(), 2, "it is not tried again at once");
}

#[wasm_bindgen_test]
async fn rule_02_a_background_refresh_is_joined_and_then_demanded() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider_holding("a", &[("refreshAhead", 60_000.into())]).await;
    clock.advance(HOUR - MARGIN - 30_000.0).await;
    access_token(&provider.get_token()).await;
    settled().await;
    let fresh = provider.get_fresh_token();
    settled().await;
    assert_eq!(scene.source.count(), 2);
    scene.source.answer(1, &raw_token("b"));
    assert_eq!(access_token(&fresh).await, "b");
}

#[wasm_bindgen_test]
async fn rule_11_is_off_by_default() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider_holding("a", &[]).await;
    clock.advance(HOUR - MARGIN - 10.0).await;
    access_token(&provider.get_token()).await;
    settled().await;
    assert_eq!(scene.source.count(), 1);
}
