//! Callers with a signal of their own (rule 20), and code of the page that throws or calls back at once.

use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::AbortController;

use crate::face::IdentityProvider;
use crate::scene::{
    Scene, access_token, code, fulfilled, has_token, is_same, object, raw_token, rejected, settled, state, text, value,
};

fn with_signal(controller: &AbortController) -> JsValue {
    object(&[("signal", controller.signal().into())])
}

#[wasm_bindgen_test]
async fn rule_20_a_signal_ends_only_its_caller_s_wait() {
    let scene = Scene::new();
    let provider = scene.provider();
    let controller = AbortController::new().unwrap();
    let (leaving, staying) = (provider.get_token_with(&with_signal(&controller)), provider.get_token());
    settled().await;
    controller.abort_with_reason(&"the caller's own reason".into());
    assert_eq!(rejected(&leaving).await, "the caller's own reason");
    assert!(!scene.source.signal(0).aborted());
    assert_eq!(state(&staying).await, "pending");
    scene.source.answer(0, &raw_token("a"));
    assert_eq!(access_token(&staying).await, "a");
}

#[wasm_bindgen_test]
async fn rule_20_the_request_is_aborted_when_its_last_waiter_leaves() {
    let scene = Scene::new();
    let provider = scene.provider();
    let (one, other) = (AbortController::new().unwrap(), AbortController::new().unwrap());
    let first = provider.get_token_with(&with_signal(&one));
    let second = provider.get_fresh_token_with(&with_signal(&other));
    settled().await;
    one.abort();
    assert_eq!(text(&rejected(&first).await, "name"), "AbortError");
    assert!(!scene.source.signal(0).aborted());
    other.abort();
    assert_eq!(text(&rejected(&second).await, "name"), "AbortError");
    assert!(scene.source.signal(0).aborted());
    assert_eq!(text(&scene.events.latest("request_aborted"), "why"), "abandoned");
    scene.source.answer(0, &raw_token("late"));
    settled().await;
    assert!(!has_token(&provider).await);
    let token = provider.get_token();
    settled().await;
    scene.source.answer(1, &raw_token("b"));
    assert_eq!(access_token(&token).await, "b");
}

#[wasm_bindgen_test]
async fn rule_20_an_aborted_signal_asks_nobody() {
    let scene = Scene::new();
    let controller = AbortController::new().unwrap();
    controller.abort();
    let refused = scene.provider().get_token_with(&with_signal(&controller));
    assert_eq!(text(&rejected(&refused).await, "name"), "AbortError");
    settled().await;
    assert_eq!(scene.source.count(), 0);
}

#[wasm_bindgen_test]
async fn rule_20_a_signal_that_is_none_is_a_bad_option() {
    let scene = Scene::new();
    let provider = scene.provider();
    for wrong in [JsValue::from(1), "signal".into(), object(&[("aborted", false.into())])] {
        let failure = crate::scene::error(&provider.get_token_with(&object(&[("signal", wrong)]))).await;
        assert_eq!(failure.code(), "BAD_OPTION");
        assert!(String::from(failure.message()).contains("signal"));
    }
    settled().await;
    assert_eq!(scene.source.count(), 0);
}

#[wasm_bindgen_test]
async fn rule_20_an_abort_after_the_answer_changes_nothing() {
    let scene = Scene::new();
    let provider = scene.provider();
    let controller = AbortController::new().unwrap();
    let token = provider.get_token_with(&with_signal(&controller));
    settled().await;
    scene.source.answer(0, &raw_token("a"));
    assert_eq!(access_token(&token).await, "a");
    controller.abort();
    assert!(has_token(&provider).await);
    assert_eq!(access_token(&token).await, "a");
}

#[wasm_bindgen_test]
async fn rule_20_what_widgets_pass_beside_is_not_read() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[]).await;
    for passed in [JsValue::NULL, 17.into(), "text".into(), object(&[("signal", JsValue::NULL)]), object(&[])] {
        assert_eq!(access_token(&provider.get_token_with(&passed)).await, "a");
    }
}

#[wasm_bindgen_test]
async fn a_listener_that_throws_hurts_nobody() {
    let scene = Scene::new();
    let thrower = Function::new_no_args("throw new Error('the listener failed')");
    let eavesdropper = crate::face::Eavesdropper::new();
    let provider = scene.provider_with(&[("onEvent", thrower.into())]);
    let listening = scene.provider();
    let token = provider.get_token();
    settled().await;
    scene.source.answer(0, &raw_token("a"));
    assert_eq!(access_token(&token).await, "a");
    assert!(has_token(&listening).await);
    assert_eq!(scene.events.count("request_succeeded"), 1, "other listeners are told all the same");
    assert!(eavesdropper.text().contains("the listener failed"));
}

#[wasm_bindgen_test]
async fn one_listener_of_two_handles_is_told_once() {
    let scene = Scene::new();
    let (one, _other) = (scene.provider(), scene.provider());
    fulfilled(&one.has_token()).await;
    assert_eq!(scene.events.count("call"), 1);
    let event = scene.events.latest("call");
    assert_eq!((text(&event, "method"), text(&event, "widget")), ("hasToken".to_owned(), "livechat".to_owned()));
    assert!(value(&event, "at").as_f64().is_some());
}

/// A function for the page that calls the provider back, once, and keeps what it got.
fn caller_back(scene: &Scene, option: &str, answer: JsValue) -> (IdentityProvider, js_sys::Array) {
    let kept = js_sys::Array::new();
    let holder = Rc::new(std::cell::RefCell::new(None::<IdentityProvider>));
    let (inner, promises) = (Rc::clone(&holder), kept.clone());
    let function = Closure::<dyn Fn() -> JsValue>::new(move || {
        let provider = inner.take();
        if let Some(provider) = provider {
            promises.push(&provider.get_token());
            promises.push(&provider.has_token());
        }
        answer.clone()
    });
    let provider = scene.provider_with(&[(option, function.into_js_value())]);
    holder.replace(Some(provider.clone()));
    (provider, kept)
}

async fn all_are_answered(scene: &Scene, token: &Promise, kept: &js_sys::Array) {
    settled().await;
    if scene.source.count() > 0 {
        scene.source.answer(0, &raw_token("a"));
    }
    assert_eq!(access_token(token).await, "a");
    assert_eq!(kept.length(), 2, "it was called back");
    assert_eq!(access_token(&kept.get(0).unchecked_into()).await, "a");
    assert!(fulfilled(&kept.get(1).unchecked_into()).await.as_bool().is_some());
}

#[wasm_bindgen_test]
async fn a_listener_may_call_back_at_once() {
    let scene = Scene::new();
    let (provider, kept) = caller_back(&scene, "onEvent", JsValue::UNDEFINED);
    let token = provider.get_token();
    all_are_answered(&scene, &token, &kept).await;
    assert_eq!(scene.source.count(), 1);
}

#[wasm_bindgen_test]
async fn an_identity_may_call_back_at_once() {
    let scene = Scene::new();
    let (provider, kept) = caller_back(&scene, "identity", "customer-1".into());
    let token = provider.get_token();
    all_are_answered(&scene, &token, &kept).await;
    assert_eq!(scene.source.count(), 1);
}

#[wasm_bindgen_test]
async fn a_source_may_call_back_at_once() {
    let scene = Scene::new();
    let (provider, kept) = caller_back(&scene, "source", raw_token("a"));
    let token = provider.get_token();
    all_are_answered(&scene, &token, &kept).await;
    assert!(is_same(&token, &kept.get(0)), "it joins the request that it is a part of");
}

#[wasm_bindgen_test]
async fn a_listener_may_sign_out_at_once() {
    let scene = Scene::new();
    let leave = Closure::<dyn Fn(JsValue)>::new(|event: JsValue| {
        if text(&event, "type") == "request_began" {
            let _resolved = crate::face::sign_out();
        }
    });
    let provider = scene.provider_with(&[("onEvent", leave.into_js_value())]);
    let token = provider.get_token();
    assert_eq!(code(&token).await, "SIGNED_OUT");
    settled().await;
    assert_eq!(scene.source.count(), 0, "the source of a request that ended before it began is not asked");
}
