//! The stored record of a JSON Web Token: a reload without a request, and whatever is wrong with it a miss (rules 10 and 12).

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::face::{Clock, Tab, break_storage_method};
use crate::scene::{contents, error, fake_clock, fulfilled, keys, open_tab, session_storage, settled, text, with};
use crate::widget_scene::{
    LiveChatSdk, WidgetScene, ask, call, claims, connect_omnichannel, encrypted_token, function_in, header, is_token,
    jwt, jwt_of, now, signed_token, undo_later,
};

/// Options of a cache that outlives the page.
fn stored(scene: &WidgetScene) -> JsValue {
    scene.widget_options(&[("cache", "session".into())])
}

/// Where the scene's record of a widget lies.
fn key(scene: &WidgetScene, widget: &str) -> String {
    format!("custom_identity_provider:{widget}::{}", scene.account())
}

fn record(scene: &WidgetScene) -> Option<String> {
    session_storage().get_item(&key(scene, "omnichannel")).unwrap()
}

/// Leaves this token in storage, as an earlier page would.
async fn leave_by_an_earlier_page(scene: &WidgetScene, token: &str) {
    let before = open_tab().await;
    let asked = scene.source.count();
    let promise = ask(&function_in(&before, "getAuthToken", &stored(scene)));
    settled().await;
    scene.source.answer(asked, &token.into());
    is_token(&promise, token).await;
    before.close();
    assert!(record(scene).is_some(), "the token is stored");
    scene.events.clear();
}

/// The page after a reload, so many milliseconds later.
async fn reload(later: f64) -> Tab {
    let after = open_tab().await;
    if later > 0.0 {
        Clock::of_window(&after.window()).move_wall(later);
    }
    after
}

#[wasm_bindgen_test]
async fn rule_12_a_reload_is_answered_from_the_record_without_a_request() {
    let scene = WidgetScene::new();
    let token = jwt("a");
    leave_by_an_earlier_page(&scene, &token).await;
    let after = reload(0.0).await;
    is_token(&ask(&function_in(&after, "getAuthToken", &stored(&scene))), &token).await;
    assert_eq!(scene.source.count(), 1);
    assert_eq!(scene.events.count("restored"), 1);
}

#[wasm_bindgen_test]
async fn rule_12_the_record_holds_the_token_and_nothing_of_the_person() {
    let scene = WidgetScene::new();
    let token = jwt("a");
    leave_by_an_earlier_page(&scene, &token).await;
    let text_of_it = record(&scene).unwrap();
    let parsed = js_sys::JSON::parse(&text_of_it).unwrap();
    assert_eq!(keys(&parsed), "creationDate generation scope token version");
    assert_eq!(text(&parsed, "token"), token);
    assert!(!text_of_it.contains(crate::scene::PERSON));
}

#[wasm_bindgen_test]
async fn rule_12_claims_that_are_called_as_the_records_own_fields_change_nothing_in_it() {
    let scene = WidgetScene::new();
    let others = ["token", "parts", "alg", "scope", "generation", "version", "creationDate", "__proto__"];
    let others = others.map(|name| (name, JsValue::from_str("of the signer's")));
    let token = signed_token(&header(&[]), &claims("a", &others));
    leave_by_an_earlier_page(&scene, &token).await;
    let after = reload(0.0).await;
    is_token(&ask(&function_in(&after, "getAuthToken", &stored(&scene))), &token).await;
    assert_eq!(scene.source.count(), 1);
    assert_eq!(scene.events.count("restored"), 1);
}

#[wasm_bindgen_test]
async fn rule_12_the_default_cache_stores_nothing() {
    let scene = WidgetScene::new();
    let promise = ask(&scene.microsoft(&[]));
    let callbacks = [call(&scene.live_assist(&[])), call(&scene.code_flow(&[]))];
    settled().await;
    for (run, answer) in [jwt("a"), jwt("b"), "a-code".to_owned()].into_iter().enumerate() {
        scene.source.answer(run as u32, &answer.into());
    }
    fulfilled(&promise).await;
    for callback in &callbacks {
        callback.token().await;
    }
    assert!(!contents(&session_storage()).contains(&scene.account()));
}

/// After a reload the record is not used, but removed, and the source is asked.
async fn is_a_miss(spoil: impl Fn(&JsValue) -> String, why: &str) {
    let scene = WidgetScene::new();
    leave_by_an_earlier_page(&scene, &jwt("a")).await;
    let spoiled = spoil(&js_sys::JSON::parse(&record(&scene).unwrap()).unwrap());
    session_storage().set_item(&key(&scene, "omnichannel"), &spoiled).unwrap();
    let after = reload(0.0).await;
    let promise = ask(&function_in(&after, "getAuthToken", &stored(&scene)));
    settled().await;
    assert_eq!(scene.source.count(), 2, "{why}: {spoiled}");
    assert_eq!(text(&scene.events.latest("record_rejected"), "why"), why, "{spoiled}");
    assert!(record(&scene).is_none(), "{why}: {spoiled}");
    let token = jwt("new");
    scene.source.answer(1, &token.as_str().into());
    is_token(&promise, &token).await;
}

#[wasm_bindgen_test]
async fn rule_12_text_that_is_no_record_is_a_miss() {
    for spoiled in ["", "{", "null", "17", "\"text\"", "[]", "{}", "<html>"] {
        is_a_miss(|_| spoiled.to_owned(), "corrupt").await;
    }
    // The token alone is no record.
    is_a_miss(|record| text(record, "token"), "corrupt").await;
}

async fn spoiled_field_is_a_miss(name: &str, value: JsValue, why: &str) {
    let spoil = |record: &JsValue| js_sys::JSON::stringify(&with(record, &[(name, value.clone())])).unwrap().into();
    is_a_miss(spoil, why).await;
}

#[wasm_bindgen_test]
async fn rule_12_a_record_of_another_version_scope_or_generation_is_a_miss() {
    spoiled_field_is_a_miss("version", 2.into(), "version").await;
    spoiled_field_is_a_miss("scope", "0".repeat(64).into(), "scope").await;
    spoiled_field_is_a_miss("generation", "another".into(), "signed_out").await;
}

#[wasm_bindgen_test]
async fn rule_12_a_record_with_a_tampered_life_or_token_is_a_miss() {
    for value in [JsValue::UNDEFINED, "now".into(), (-1).into(), JsValue::NULL] {
        spoiled_field_is_a_miss("creationDate", value, "corrupt").await;
    }
    spoiled_field_is_a_miss("creationDate", (js_sys::Date::now() + 60_000.0).into(), "future").await;
    let with_claim = |claim: &str, value: JsValue| signed_token(&header(&[]), &claims("b", &[(claim, value)]));
    let issued = now();
    for token in [
        with_claim("exp", "4102444800".into()),
        with_claim("exp", (now() + 366.0 * 86_400.0).into()),
        with_claim("exp", js_sys::Date::now().into()),
        with_claim("iat", JsValue::UNDEFINED),
        jwt_of("b", -5.0),
        jwt("b").rsplit_once('.').unwrap().0.to_owned(),
        signed_token(&header(&[("alg", "none".into())]), &claims("b", &[])),
        encrypted_token(&header(&[
            ("alg", "RSA-OAEP-256".into()),
            ("iat", issued.into()),
            ("exp", (issued + 600.0).into()),
        ])),
    ] {
        spoiled_field_is_a_miss("token", token.into(), "corrupt").await;
    }
    // What else stands in a record does not lengthen its token's life.
    let scene = WidgetScene::new();
    let token = jwt_of("short", 100.0);
    leave_by_an_earlier_page(&scene, &token).await;
    let others = [("exp", JsValue::from(now() + 3_600.0)), ("expiresIn", 3_600_000.into())];
    let longer = with(&js_sys::JSON::parse(&record(&scene).unwrap()).unwrap(), &others);
    let longer = String::from(js_sys::JSON::stringify(&longer).unwrap());
    session_storage().set_item(&key(&scene, "omnichannel"), &longer).unwrap();
    let after = reload(95_000.0).await;
    let _promise = ask(&function_in(&after, "getAuthToken", &stored(&scene)));
    settled().await;
    assert_eq!(scene.source.count(), 2);
    assert_eq!(text(&scene.events.latest("record_rejected"), "why"), "expired");
}

#[wasm_bindgen_test]
async fn rule_12_a_record_of_another_widget_is_a_miss_and_removed() {
    let scene = WidgetScene::new();
    leave_by_an_earlier_page(&scene, &jwt("a")).await;
    let foreign = key(&scene, "live_assist");
    session_storage().set_item(&foreign, &record(&scene).unwrap()).unwrap();
    let callback = call(&scene.live_assist(&[("cache", "session".into())]));
    settled().await;
    assert_eq!(scene.source.count(), 2);
    assert_eq!(text(&scene.events.latest("record_rejected"), "why"), "scope");
    assert!(session_storage().get_item(&foreign).unwrap().is_none());
    let own = jwt("b");
    scene.source.answer(1, &own.as_str().into());
    assert_eq!(callback.token().await, own);
}

#[wasm_bindgen_test]
async fn rule_08_a_record_of_another_person_is_a_miss_and_removed() {
    let scene = WidgetScene::new();
    leave_by_an_earlier_page(&scene, &jwt("a")).await;
    scene.person.set_id(&"customer-2".into());
    let promise = ask(&scene.microsoft(&[("cache", "session".into())]));
    settled().await;
    assert!(record(&scene).is_none());
    let token = jwt("b");
    scene.source.answer(1, &token.as_str().into());
    is_token(&promise, &token).await;
}

#[wasm_bindgen_test]
async fn rule_08_nobody_is_signed_in_after_a_reload_and_the_record_is_removed() {
    let scene = WidgetScene::new();
    leave_by_an_earlier_page(&scene, &jwt("a")).await;
    scene.person.set_id(&JsValue::NULL);
    let clock = fake_clock();
    assert!(fulfilled(&ask(&scene.microsoft(&[("cache", "session".into())]))).await.is_null());
    // A page that was just loaded may not know yet who is signed in.
    assert!(record(&scene).is_some());
    clock.advance(10_001.0).await;
    assert!(record(&scene).is_none());
    assert_eq!(scene.source.count(), 1);
}

#[wasm_bindgen_test]
async fn rule_10_the_same_token_again_after_a_reload_and_its_end_is_a_bad_answer() {
    let scene = WidgetScene::new();
    let token = jwt_of("secret-name", 60.0);
    leave_by_an_earlier_page(&scene, &token).await;
    let after = reload(61_000.0).await;
    let promise = ask(&function_in(&after, "getAuthToken", &stored(&scene)));
    settled().await;
    assert_eq!(scene.source.count(), 2);
    scene.source.answer(1, &token.as_str().into());
    let failure = error(&promise).await;
    assert_eq!(failure.code(), "BAD_ANSWER");
    let message = String::from(failure.message());
    assert!(message.contains("iat") && message.contains("to be mended in the service that signs it"), "{message}");
    assert!(record(&scene).is_none(), "it is not stored again");
}

#[wasm_bindgen_test]
async fn rule_10_the_same_token_again_after_a_reload_does_not_restart_its_life() {
    let scene = WidgetScene::new();
    let token = jwt_of("a", 100.0);
    leave_by_an_earlier_page(&scene, &token).await;
    // In its margin of 10 s: still good, and the service has no other yet.
    let after = open_tab().await;
    let clock = Clock::of_window(&after.window());
    clock.move_wall(92_000.0);
    clock.move_monotonic(92_000.0);
    let get = function_in(&after, "getAuthToken", &stored(&scene));
    let promise = ask(&get);
    settled().await;
    scene.source.answer(1, &token.as_str().into());
    is_token(&promise, &token).await;
    clock.advance(9_000.0).await;
    let promise = ask(&get);
    settled().await;
    scene.source.answer(2, &token.as_str().into());
    assert_eq!(error(&promise).await.code(), "BAD_ANSWER");
}

#[wasm_bindgen_test]
async fn rule_05_a_token_that_omnichannel_calls_invalid_is_forgotten_in_storage_too() {
    let scene = WidgetScene::new();
    leave_by_an_earlier_page(&scene, &jwt("a")).await;
    let sdk = LiveChatSdk::new();
    sdk.appear();
    undo_later(&connect_omnichannel(&stored(&scene)).unwrap());
    sdk.fail(&4.into());
    settled().await;
    assert!(record(&scene).is_none());
}

#[wasm_bindgen_test]
async fn rule_12_storage_that_throws_means_memory_and_the_token_is_given_all_the_same() {
    let scene = WidgetScene::new();
    break_storage_method("setItem");
    let get = scene.microsoft(&[("cache", "session".into())]);
    let promise = ask(&get);
    settled().await;
    let token = jwt("a");
    scene.source.answer(0, &token.as_str().into());
    is_token(&promise, &token).await;
    is_token(&ask(&get), &token).await;
    assert_eq!(scene.source.count(), 1);
    assert_eq!(text(&scene.events.latest("storage_failed"), "action"), "write");
    assert!(!scene.events.text().contains(&token));
}
