//! What a source may answer, and what becomes of it (rules 16, 21 and 22).

use js_sys::Object;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::face::{describe, survives_cloning};
use crate::scene::{
    Scene, access_token, error, finished_token, fulfilled, has_token, keys, number, object, raw_token, settled, text,
    with,
};

async fn answered(scene: &Scene, options: &[(&str, JsValue)], answer: &JsValue) -> JsValue {
    let token = scene.provider_with(options).get_fresh_token();
    settled().await;
    scene.source.answer(scene.source.count() - 1, answer);
    fulfilled(&token).await
}

#[wasm_bindgen_test]
async fn rule_16_a_token_is_a_frozen_plain_object_of_the_documented_fields() {
    let scene = Scene::new();
    let token = answered(&scene, &[], &with(&raw_token("a"), &[("scope", "chats".into()), ("extra", 1.into())])).await;
    assert_eq!(keys(&token), "accessToken creationDate entityId expiresIn licenseId tokenType");
    assert!(Object::is_frozen(token.unchecked_ref::<Object>()));
    assert!(survives_cloning(&token));
    assert_eq!(text(&token, "accessToken"), "a");
    assert_eq!(text(&token, "entityId"), "entity-1");
    assert_eq!(number(&token, "expiresIn"), 3_600_000.0);
    assert_eq!(text(&token, "tokenType"), "Bearer");
    assert_eq!(number(&token, "licenseId"), f64::from(scene.license));
    let age = js_sys::Date::now() - number(&token, "creationDate");
    assert!((0.0..60_000.0).contains(&age));
}

#[wasm_bindgen_test]
async fn rule_16_license_and_organization_stand_there_when_known() {
    let scene = Scene::new();
    let organization =
        [("licenseId", JsValue::UNDEFINED), ("organizationId", format!("organization-{}", scene.license).into())];
    let token = answered(&scene, &organization, &raw_token("a")).await;
    assert_eq!(keys(&token), "accessToken creationDate entityId expiresIn organizationId tokenType");
    let answer = with(&raw_token("b"), &[("license_id", 17.into())]);
    let token = answered(&scene, &organization, &answer).await;
    assert_eq!(number(&token, "licenseId"), 17.0);
    assert_eq!(keys(&token), "accessToken creationDate entityId expiresIn licenseId organizationId tokenType");
}

#[wasm_bindgen_test]
async fn rule_21_the_finished_shape_is_taken_as_it_is() {
    let scene = Scene::new();
    let answer = finished_token("a");
    let token = answered(&scene, &[], &answer).await;
    assert_eq!(text(&token, "accessToken"), "a");
    assert_eq!(number(&token, "expiresIn"), 3_600_000.0);
    assert_eq!(number(&token, "creationDate"), number(&answer, "creationDate"));
    assert_eq!(scene.events.count("short_lifetime"), 0);
}

#[wasm_bindgen_test]
async fn rule_21_a_source_need_not_answer_with_a_promise() {
    let scene = Scene::new();
    crate::scene::answer_at_once(&scene.source);
    assert_eq!(access_token(&scene.provider().get_token()).await, "token-1");
}

#[wasm_bindgen_test]
async fn rule_21_a_finished_token_of_under_100_seconds_is_accepted_with_a_warning() {
    let scene = Scene::new();
    let token = answered(&scene, &[], &with(&finished_token("a"), &[("expiresIn", 36_000.into())])).await;
    assert_eq!(number(&token, "expiresIn"), 36_000.0);
    assert_eq!(number(&scene.events.latest("short_lifetime"), "lifetime"), 36_000.0);
    let scene = Scene::new();
    answered(&scene, &[], &with(&raw_token("a"), &[("expires_in", 36.into())])).await;
    assert_eq!(scene.events.count("short_lifetime"), 0, "the raw shape's unit is known");
}

/// The message names what is wrong and never holds the value.
async fn is_a_bad_answer(answer: &JsValue, named: &str, secret: &str) {
    let scene = Scene::new();
    let provider = scene.session_provider();
    let token = provider.get_token();
    settled().await;
    scene.source.answer(0, answer);
    let failure = error(&token).await;
    let described = describe(&failure);
    assert_eq!(failure.code(), "BAD_ANSWER", "{described}");
    assert!(!failure.retryable());
    assert!(described.contains(named), "{named} in {described}");
    assert!(!described.contains(secret), "{secret} in {described}");
    assert!(!scene.events.text().contains(secret));
    assert_eq!(scene.source.count(), 1);
    assert!(!has_token(&provider).await);
    assert!(scene.record().is_none());
}

#[wasm_bindgen_test]
async fn rule_21_what_is_no_object_is_a_bad_answer() {
    let response = web_sys::Response::new().unwrap();
    for (answer, named) in [
        (JsValue::UNDEFINED, "undefined"),
        (JsValue::NULL, "null"),
        ("secret-token".into(), "a string"),
        ("<!doctype html><title>secret-token</title>".into(), "a string"),
        (17.into(), "a number"),
        (f64::NAN.into(), "a number"),
        (true.into(), "a boolean"),
        (js_sys::Array::of1(&raw_token("secret-token")).into(), "an array"),
        (response.into(), "a Response"),
        (js_sys::Function::new_no_args("").into(), "a function"),
    ] {
        is_a_bad_answer(&answer, named, "secret-token").await;
    }
}

#[wasm_bindgen_test]
async fn rule_21_a_wrong_field_is_named_in_both_shapes() {
    let wrong_texts = [JsValue::UNDEFINED, JsValue::NULL, "".into(), 7_654_321.into(), object(&[])];
    for value in wrong_texts {
        for (base, names) in [
            (raw_token("secret-token"), ["access_token", "entity_id", "token_type"]),
            (finished_token("secret-token"), ["accessToken", "entityId", "tokenType"]),
        ] {
            for name in names {
                // Without accessToken it is read as the raw shape.
                let named = if name == "accessToken" && value.is_undefined() { "access_token" } else { name };
                is_a_bad_answer(&with(&base, &[(name, value.clone())]), named, "secret-token").await;
                is_a_bad_answer(&with(&base, &[(name, value.clone())]), named, "7654321").await;
            }
        }
    }
}

#[wasm_bindgen_test]
async fn rule_21_a_wrong_lifetime_is_named() {
    let wrong: [JsValue; 8] = [
        JsValue::UNDEFINED,
        "3600.125".into(),
        f64::NAN.into(),
        f64::INFINITY.into(),
        (-3600.125).into(),
        0.into(),
        40_000_000_000.125.into(),
        JsValue::NULL,
    ];
    for value in wrong {
        is_a_bad_answer(&with(&raw_token("secret-token"), &[("expires_in", value.clone())]), "expires_in", ".125")
            .await;
        is_a_bad_answer(&with(&finished_token("secret-token"), &[("expiresIn", value)]), "expiresIn", ".125").await;
    }
}

#[wasm_bindgen_test]
async fn rule_21_other_wrong_fields_are_named() {
    for (answer, named) in [
        (with(&raw_token("a"), &[("token_type", "MAC-secret".into())]), "token_type"),
        (with(&raw_token("a"), &[("license_id", "secret".into())]), "license_id"),
        (with(&raw_token("a"), &[("license_id", 99_999.into())]), "license_id"),
        (with(&raw_token("a"), &[("organization_id", 17.into())]), "organization_id"),
        (with(&finished_token("a"), &[("creationDate", "secret".into())]), "creationDate"),
        (with(&finished_token("a"), &[("creationDate", JsValue::UNDEFINED)]), "creationDate"),
        (with(&finished_token("a"), &[("licenseId", 1.5.into())]), "licenseId"),
    ] {
        is_a_bad_answer(&answer, named, "secret").await;
    }
}

#[wasm_bindgen_test]
async fn rule_21_a_getter_that_throws_is_a_bad_answer() {
    let answer = raw_token("a");
    let thrower = js_sys::Function::new_no_args("throw new Error('secret')");
    Object::define_property(
        answer.unchecked_ref::<Object>(),
        &"entity_id".into(),
        object(&[("get", thrower.into())]).unchecked_ref(),
    );
    is_a_bad_answer(&answer, "entity_id", "secret").await;
}

#[wasm_bindgen_test]
async fn rule_22_another_entity_of_the_same_person_is_delivered_with_an_event() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[]).await;
    let fresh = provider.get_fresh_token();
    settled().await;
    scene.source.answer(1, &with(&raw_token("b"), &[("entity_id", "entity-2".into())]));
    assert_eq!(text(&fulfilled(&fresh).await, "entityId"), "entity-2");
    assert_eq!(scene.events.count("entity_changed"), 1);
}

#[wasm_bindgen_test]
async fn rule_22_another_person_s_entity_is_no_change() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[]).await;
    scene.person.set_id(&"customer-2".into());
    let token = provider.get_token();
    settled().await;
    scene.source.answer(1, &with(&raw_token("b"), &[("entity_id", "entity-2".into())]));
    fulfilled(&token).await;
    assert_eq!(scene.events.count("entity_changed"), 0);
}
