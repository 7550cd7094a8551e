//! `invalidate`, `hasToken`, and doing without a cache (rules 5, 6 and 9).

use wasm_bindgen_test::wasm_bindgen_test;

use crate::scene::{
    Scene, access_token, contents, fulfilled, has_token, is_same, raw_token, session_storage, settled, state,
};

#[wasm_bindgen_test]
async fn rule_05_invalidate_resolves_with_undefined_and_forgets() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[("cache", "session".into())]).await;
    assert!(scene.record().is_some());
    assert!(fulfilled(&provider.invalidate()).await.is_undefined());
    assert!(scene.record().is_none());
    assert!(!has_token(&provider).await);
    assert_eq!(scene.events.count("invalidated"), 1);
    let token = provider.get_token();
    settled().await;
    scene.source.answer(1, &raw_token("b"));
    assert_eq!(access_token(&token).await, "b");
}

#[wasm_bindgen_test]
async fn rule_05_a_late_answer_is_neither_cached_nor_stored_nor_joined() {
    let scene = Scene::new();
    let provider = scene.session_provider();
    let before = provider.get_token();
    settled().await;
    let _resolved = provider.invalidate();
    let after = provider.get_token();
    assert!(!is_same(&before, &after));
    settled().await;
    assert_eq!(scene.source.count(), 2);

    scene.source.answer(0, &raw_token("late"));
    assert_eq!(access_token(&before).await, "late");
    assert!(!has_token(&provider).await);
    assert!(scene.record().is_none());
    assert_eq!(state(&after).await, "pending");

    scene.source.answer(1, &raw_token("new"));
    assert_eq!(access_token(&after).await, "new");
    assert!(scene.record().unwrap().contains("\"new\""));
    assert!(!contents(&session_storage()).contains("late"));
}

#[wasm_bindgen_test]
async fn rule_05_invalidate_with_nothing_to_forget_resolves() {
    let scene = Scene::new();
    for cache in ["session", "memory", "none"] {
        let provider = scene.provider_with(&[("cache", cache.into())]);
        assert!(fulfilled(&provider.invalidate()).await.is_undefined());
    }
}

#[wasm_bindgen_test]
async fn rule_06_has_token_exactly_when_a_usable_one_is_in_hand() {
    let scene = Scene::new();
    let provider = scene.provider();
    assert!(!has_token(&provider).await);
    let token = provider.get_token();
    settled().await;
    assert!(!has_token(&provider).await, "one on its way is not in hand");
    scene.source.answer(0, &raw_token("a"));
    fulfilled(&token).await;
    assert!(has_token(&provider).await);
    assert!(has_token(&scene.provider()).await, "handles of one scope share it");
    assert!(!has_token(&scene.provider_with(&[("licenseId", 8.into())])).await);
    assert_eq!(scene.source.count(), 1, "it asks nobody");
}

#[wasm_bindgen_test]
async fn rule_09_without_caching_every_call_begins_or_joins() {
    let scene = Scene::new();
    let provider = scene.provider_with(&[("cache", "none".into())]);
    let first = provider.get_token();
    assert!(is_same(&first, &provider.get_token()));
    settled().await;
    scene.source.answer(0, &raw_token("a"));
    assert_eq!(access_token(&first).await, "a");
    assert!(!has_token(&provider).await);
    let second = provider.get_token();
    settled().await;
    assert_eq!(scene.source.count(), 2);
    scene.source.answer(1, &raw_token("b"));
    assert_eq!(access_token(&second).await, "b");
    assert!(fulfilled(&provider.invalidate()).await.is_undefined());
    assert_eq!(contents(&session_storage()), "{}");
}

#[wasm_bindgen_test]
async fn rule_09_a_cache_in_memory_stores_nothing() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[]).await;
    assert!(has_token(&provider).await);
    assert_eq!(contents(&session_storage()), "{}");
}
