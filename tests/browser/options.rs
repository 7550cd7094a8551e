//! Options: every wrong one is thrown at once, by name; defaults and `configure`; the methods' shape.

use js_sys::{Array, Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::face::{IdentityError, configure, custom_identity_provider, set_snippet};
use crate::scene::{
    Scene, access_token, fulfilled, identity_error, is_same, keys, number, object, open_tab, raw_token, settled, value,
    with,
};

#[wasm_bindgen(module = "/tests/browser/options.js")]
extern "C" {
    #[wasm_bindgen(js_name = licencesAndOrganizations)]
    fn licences_and_organizations() -> Promise;
    #[wasm_bindgen(js_name = headersInEveryForm)]
    fn headers_in_every_form() -> Promise;
    #[wasm_bindgen(js_name = headersThatFail)]
    fn headers_that_fail() -> Promise;
    #[wasm_bindgen(js_name = hostileOptions)]
    fn hostile_options() -> Promise;
    #[wasm_bindgen(js_name = prototypesThatAreFull)]
    fn prototypes_that_are_full() -> Promise;
    #[wasm_bindgen(js_name = addressesOfEveryKind)]
    fn addresses_of_every_kind() -> Promise;
    #[wasm_bindgen(js_name = guestsHaveASourceOfTheirOwn)]
    fn guests_have_a_source_of_their_own() -> Promise;
    #[wasm_bindgen(js_name = guestsThatAreRefused)]
    fn guests_that_are_refused() -> Promise;
    #[wasm_bindgen(js_name = mistakesAreSaidOnce)]
    fn mistakes_are_said_once() -> Promise;
    #[wasm_bindgen(js_name = secondsAreSuspected)]
    fn seconds_are_suspected() -> Promise;
}

#[wasm_bindgen_test]
async fn licences_and_organizations_as_pages_have_them() {
    let _scene = Scene::new();
    fulfilled(&licences_and_organizations()).await;
}

#[wasm_bindgen_test]
async fn headers_in_every_form_are_sent() {
    let _scene = Scene::new();
    fulfilled(&headers_in_every_form()).await;
}

#[wasm_bindgen_test]
async fn headers_that_fail_are_the_source_s_failure() {
    let _scene = Scene::new();
    fulfilled(&headers_that_fail()).await;
}

#[wasm_bindgen_test]
async fn rule_24_options_that_run_code_or_throw_are_bad_options() {
    let _scene = Scene::new();
    fulfilled(&hostile_options()).await;
}

#[wasm_bindgen_test]
async fn rule_24_what_stands_in_prototypes_is_no_option() {
    let _scene = Scene::new();
    fulfilled(&prototypes_that_are_full()).await;
}

#[wasm_bindgen_test]
async fn addresses_of_every_kind_are_resolved_when_they_are_used() {
    let _scene = Scene::new();
    fulfilled(&addresses_of_every_kind()).await;
}

#[wasm_bindgen_test]
async fn rule_26_guests_have_a_source_of_their_own() {
    let _scene = Scene::new();
    fulfilled(&guests_have_a_source_of_their_own()).await;
}

#[wasm_bindgen_test]
async fn rule_26_guests_are_advised_only_where_they_have_no_source() {
    let _scene = Scene::new();
    fulfilled(&guests_that_are_refused()).await;
}

#[wasm_bindgen_test]
async fn a_mistake_of_the_page_is_said_once_in_the_console() {
    let _scene = Scene::new();
    fulfilled(&mistakes_are_said_once()).await;
}

#[wasm_bindgen_test]
async fn a_lifetime_that_looks_like_seconds_is_said_once_in_the_console() {
    let _scene = Scene::new();
    fulfilled(&seconds_are_suspected()).await;
}

fn is_thrown(options: &JsValue, named: &str) {
    let thrown = custom_identity_provider(options).expect_err(named);
    let failure: IdentityError = identity_error(thrown);
    assert_eq!(failure.code(), "BAD_OPTION");
    let message = String::from(failure.message());
    assert!(message.contains(named) && message.contains("expected"), "{named} in: {message}");
    assert!(!message.contains("4711"), "the value stays out of: {message}");
}

#[wasm_bindgen_test]
fn every_wrong_option_is_thrown_by_name() {
    let scene = Scene::new();
    let wrong: &[(&str, &[JsValue])] = &[
        (
            "source",
            &[
                JsValue::UNDEFINED,
                JsValue::NULL,
                4711.into(),
                "".into(),
                true.into(),
                Array::new().into(),
                "ftp://4711/".into(),
            ],
        ),
        ("identity", &["customer-4711".into(), 4711.into(), object(&[])]),
        ("cache", &["local".into(), 4711.into(), JsValue::NULL, true.into()]),
        (
            "licenseId",
            &[
                "4711a".into(),
                "-4711".into(),
                "".into(),
                (-1).into(),
                0.into(),
                1.5.into(),
                f64::NAN.into(),
                JsValue::NULL,
            ],
        ),
        ("organizationId", &["".into(), 4711.into(), JsValue::NULL]),
        ("margin", &[(-1).into(), "4711".into(), f64::NAN.into(), f64::INFINITY.into(), JsValue::NULL]),
        ("refreshAhead", &[(-1).into(), "4711".into(), f64::NAN.into()]),
        ("timeout", &[0.into(), (-1).into(), "4711".into(), f64::INFINITY.into()]),
        ("patience", &[(-1).into(), "4711".into(), f64::NAN.into()]),
        ("onEvent", &[4711.into(), object(&[]), "log".into()]),
        ("sauce", &[4711.into()]),
    ];
    for (name, values) in wrong {
        for value in *values {
            is_thrown(&scene.options(&[(name, value.clone())]), name);
        }
    }
    assert_eq!(scene.source.count(), 0);
}

#[wasm_bindgen_test]
fn every_wrong_field_of_a_source_is_thrown_by_name() {
    let scene = Scene::new();
    let service = |others: &[(&str, JsValue)]| with(&object(&[("url", "/token".into())]), others);
    let cookie =
        |others: &[(&str, JsValue)]| with(&object(&[("grant", "cookie".into()), ("clientId", "c".into())]), others);
    let transfer = |others: &[(&str, JsValue)]| {
        let fields =
            [("grant", "identity_token".into()), ("clientId", "c".into()), ("transferUrl", "/transfer".into())];
        with(&object(&fields), others)
    };
    for (source, named) in [
        (object(&[]), "source.url"),
        (service(&[("url", "http://".into())]), "source.url"),
        (service(&[("method", "PUT".into())]), "source.method"),
        (service(&[("headers", "4711".into())]), "source.headers"),
        (service(&[("headers", object(&[("x", 4711.into())]))]), "source.headers"),
        (service(&[("credentials", "always".into())]), "source.credentials"),
        (service(&[("body", object(&[]))]), "source.body"),
        (service(&[("method", "GET".into()), ("body", "x".into())]), "source.body"),
        (service(&[("href", "/x".into())]), "source.href"),
        (object(&[("grant", "password".into())]), "source.grant"),
        (cookie(&[("clientId", JsValue::UNDEFINED)]), "source.clientId"),
        (cookie(&[("redirectUri", 4711.into())]), "source.redirectUri"),
        (cookie(&[("accountsUrl", "javascript:4711".into())]), "source.accountsUrl"),
        (transfer(&[("transferUrl", JsValue::UNDEFINED)]), "source.transferUrl"),
        (transfer(&[("clientId", "".into())]), "source.clientId"),
        (transfer(&[("redirectUri", "x".into())]), "source.redirectUri"),
    ] {
        is_thrown(&scene.options(&[("source", source)]), named);
    }
}

#[wasm_bindgen_test]
fn options_that_are_no_object_are_thrown() {
    for wrong in [JsValue::NULL, 4711.into(), "options".into(), Array::new().into()] {
        is_thrown(&wrong, "options");
    }
    let failure = identity_error(configure(&4711.into()).expect_err("configure throws too"));
    assert_eq!(failure.code(), "BAD_OPTION");
}

#[wasm_bindgen_test]
fn rule_08_identity_is_required_with_a_cache_that_outlives_the_page() {
    let scene = Scene::new();
    is_thrown(&scene.options(&[("identity", JsValue::UNDEFINED), ("cache", "session".into())]), "identity");
    is_thrown(&scene.options(&[("identity", JsValue::UNDEFINED), ("cache", JsValue::UNDEFINED)]), "identity");
    for (cache, identity) in [("memory", JsValue::UNDEFINED), ("none", JsValue::UNDEFINED), ("session", JsValue::NULL)]
    {
        assert!(custom_identity_provider(&scene.options(&[("identity", identity), ("cache", cache.into())])).is_ok());
    }
}

#[wasm_bindgen_test]
async fn the_license_comes_from_the_page_s_own_snippet() {
    let scene = Scene::new();
    is_thrown(&scene.options(&[("licenseId", JsValue::UNDEFINED)]), "licenseId");
    set_snippet(&object(&[("license", scene.license.into())]));
    let provider = custom_identity_provider(&scene.options(&[("licenseId", JsValue::UNDEFINED)])).unwrap();
    let token = provider.get_token();
    settled().await;
    scene.source.answer(0, &raw_token("a"));
    assert_eq!(number(&fulfilled(&token).await, "licenseId"), f64::from(scene.license));
}

/// In a document of its own, because defaults stay for the life of a page.
#[wasm_bindgen_test]
async fn configure_sets_defaults_that_options_go_before() {
    let scene = Scene::new();
    let tab = open_tab().await;
    let configure: Function = value(&value(&tab.window(), "loaded"), "configure").unchecked_into();
    configure.call1(&JsValue::UNDEFINED, &scene.options(&[])).unwrap();
    let token = tab.provider(&JsValue::UNDEFINED).get_token();
    settled().await;
    scene.source.answer(0, &raw_token("a"));
    assert_eq!(access_token(&token).await, "a");

    let other = f64::from(scene.license + 500_000);
    let token = tab.provider(&object(&[("licenseId", other.into())])).get_token();
    settled().await;
    scene.source.answer(1, &raw_token("b"));
    assert_eq!(number(&fulfilled(&token).await, "licenseId"), other);

    let thrown = configure.call1(&JsValue::UNDEFINED, &object(&[("timeout", 0.into())])).expect_err("it is wrong");
    let failure = identity_error(thrown);
    assert_eq!(failure.code(), "BAD_OPTION");
    assert!(String::from(failure.message()).contains("timeout"));
}

#[wasm_bindgen_test]
async fn a_provider_is_a_plain_object_of_four_functions_that_answer_with_promises() {
    let scene = Scene::new();
    let provider = scene.provider();
    let names = keys(&provider);
    assert_eq!(names, "getFreshToken getToken hasToken invalidate");
    let prototype = js_sys::Object::get_prototype_of(&provider);
    assert!(is_same(&prototype, &js_sys::Object::get_prototype_of(&js_sys::Object::new())));
    for name in names.split(' ') {
        assert!(value(&provider, name).is_instance_of::<Function>());
    }
}

#[wasm_bindgen_test]
fn errors_are_recognised_and_carry_their_details() {
    let cause = object(&[]);
    let details = object(&[
        ("cause", cause.clone()),
        ("retryable", true.into()),
        ("status", 503.into()),
        ("retryAfter", 7.into()),
    ]);
    let error = IdentityError::new("UNAVAILABLE", "for a person", &details);
    assert!(error.is_instance_of::<js_sys::Error>() && error.is_instance_of::<IdentityError>());
    assert_eq!(String::from(error.name()), "IdentityError");
    assert_eq!(String::from(error.message()), "for a person");
    assert!(error.retryable());
    assert_eq!((error.status(), error.retry_after()), (Some(503.0), Some(7.0)));
    assert!(is_same(&value(&error, "cause"), &cause));
}
