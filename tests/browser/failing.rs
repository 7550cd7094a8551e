//! Sources that fail or never answer: who hears of it, when they are asked again, and that everything settles (rules 4, 13 and 18).

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::face::{
    IdentityError, IdentityProvider, UnhandledRejections, come_back, go_online, network_error, overlong_timer,
    source_error,
};
use crate::scene::{
    Scene, access_token, code, error, fake_clock, fulfilled, is_same, number, object, raw_token, settled, state, text,
    value,
};

#[wasm_bindgen(module = "/tests/browser/failures.js")]
extern "C" {
    #[wasm_bindgen(js_name = failuresByName)]
    fn failures_by_name() -> Promise;
    #[wasm_bindgen(js_name = failuresByStatus)]
    fn failures_by_status() -> Promise;
    #[wasm_bindgen(js_name = retryAfterEverywhere)]
    fn retry_after_everywhere() -> Promise;
    #[wasm_bindgen(js_name = typeErrors)]
    fn type_errors() -> Promise;
    #[wasm_bindgen(js_name = realNetworkErrors)]
    fn real_network_errors() -> Promise;
    #[wasm_bindgen(js_name = realAborts)]
    fn real_aborts() -> Promise;
    fn offline() -> Promise;
    #[wasm_bindgen(js_name = mistakesAreSaid)]
    fn mistakes_are_said() -> Promise;
    fn responses() -> Promise;
}

/// A failure that trying again does not mend.
fn refusal() -> JsValue {
    source_error(&object(&[("status", 403.into())]))
}

fn unavailable() -> JsValue {
    source_error(&object(&[("status", 503.into())]))
}

const DAY: f64 = 24.0 * 60.0 * 60.0 * 1_000.0;

#[wasm_bindgen_test]
async fn rule_04_a_failure_rejects_everyone_who_waits() {
    let scene = Scene::new();
    let (first, second) = (scene.provider().get_token(), scene.provider().get_fresh_token());
    settled().await;
    let cause = refusal();
    scene.source.fail(0, &cause);
    let (one, other) = (error(&first).await, error(&second).await);
    assert!(is_same(&one, &other));
    assert_eq!(one.code(), "REFUSED");
    assert_eq!(one.status(), Some(403.0));
    assert!(!one.retryable());
    assert!(is_same(&value(&one, "cause"), &cause));
}

#[wasm_bindgen_test]
async fn rule_04_the_next_call_begins_anew_after_the_cool_down() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider();
    let first = provider.get_token();
    settled().await;
    scene.source.fail(0, &refusal());
    let failure = error(&first).await;

    let cooling = error(&provider.get_token()).await;
    assert_eq!(cooling.code(), "COOLING_DOWN");
    assert!(is_same(&value(&cooling, "cause"), &failure));
    let wait = cooling.retry_after().unwrap();
    assert!(wait > 0.0 && wait <= 2_000.0, "{wait}");
    assert_eq!(scene.source.count(), 1);

    clock.advance(wait).await;
    let next = provider.get_token();
    settled().await;
    scene.source.answer(1, &raw_token("a"));
    assert_eq!(access_token(&next).await, "a");
}

#[wasm_bindgen_test]
async fn rule_04_a_rejection_that_nobody_listens_to_is_no_unhandled_one() {
    let scene = Scene::new();
    let unhandled = UnhandledRejections::new();
    let provider = scene.provider();
    let controller = web_sys::AbortController::new().unwrap();
    let _token = provider.get_token();
    // A request of its own: a caller with a signal listens to the promise that it shares.
    let other = scene.provider_with(&[("licenseId", (scene.license + 500_000).into())]);
    let _with_signal = other.get_token_with(&object(&[("signal", controller.signal().into())]));
    settled().await;
    scene.source.fail(0, &refusal());
    scene.source.fail(1, &refusal());
    settled().await;
    let _cooling = provider.get_token();
    let _wrong_signal = provider.get_token_with(&object(&[("signal", 1.into())]));
    controller.abort();
    let _left = provider.get_token_with(&object(&[("signal", controller.signal().into())]));
    scene.person.set_id(&JsValue::from(""));
    let _nobody_knows_who = provider.get_token();
    settled().await;
    assert_eq!(unhandled.seen(), 0);
    let _nobody_listens = Promise::reject(&JsValue::from("control"));
    settled().await;
    assert_eq!(unhandled.seen(), 1, "this browser tells of unhandled rejections");
}

#[wasm_bindgen_test]
async fn rule_04_a_usable_token_survives_a_failed_refresh() {
    let scene = Scene::new();
    let provider = scene.provider_holding("a", &[]).await;
    let fresh = provider.get_fresh_token();
    settled().await;
    scene.source.fail(1, &refusal());
    assert_eq!(code(&fresh).await, "REFUSED");
    assert_eq!(access_token(&provider.get_token()).await, "a");
}

async fn is_tried_again(failure: &JsValue, expected: &str) {
    let scene = Scene::new();
    let clock = fake_clock();
    let token = scene.provider().get_token();
    settled().await;
    scene.source.fail(0, failure);
    settled().await;
    let retrying = scene.events.latest("request_retrying");
    assert_eq!(text(&retrying, "code"), expected);
    let delay = number(&retrying, "delay");
    assert!((100.0..=500.0).contains(&delay), "{delay}");
    clock.advance(delay - 1.0).await;
    assert_eq!(scene.source.count(), 1);
    clock.advance(3.0).await;
    assert_eq!(scene.source.count(), 2);
    scene.source.answer(1, &raw_token("a"));
    assert_eq!(access_token(&token).await, "a");
}

#[wasm_bindgen_test]
async fn rule_13_network_errors_are_tried_again() {
    is_tried_again(&network_error(), "NETWORK").await;
}

#[wasm_bindgen_test]
async fn rule_13_statuses_that_pass_are_tried_again() {
    for status in [408, 429, 500, 503] {
        is_tried_again(&source_error(&object(&[("status", status.into())])), "UNAVAILABLE").await;
    }
}

#[wasm_bindgen_test]
async fn rule_13_statuses_that_do_not_pass_are_not_tried_again() {
    for (status, expected) in [(400, "REFUSED"), (401, "NOT_SIGNED_IN"), (403, "REFUSED"), (404, "REFUSED")] {
        let scene = Scene::new();
        let token = scene.provider().get_token();
        settled().await;
        scene.source.fail(0, &source_error(&object(&[("status", status.into())])));
        assert_eq!(code(&token).await, expected, "{status}");
        assert_eq!(scene.events.count("request_retrying"), 0);
    }
}

#[wasm_bindgen_test]
async fn rule_13_a_programming_error_is_not_tried_again() {
    let scene = Scene::new();
    let token = scene.provider().get_token();
    settled().await;
    scene.source.fail(0, &js_sys::TypeError::new("x is not a function"));
    assert_eq!(code(&token).await, "SOURCE_FAILED");
}

#[wasm_bindgen_test]
async fn rule_13_retry_after_is_obeyed_also_when_the_network_returns() {
    let scene = Scene::new();
    let clock = fake_clock();
    let token = scene.provider().get_token();
    settled().await;
    scene.source.fail(0, &source_error(&object(&[("status", 503.into()), ("retryAfter", 2_000.into())])));
    settled().await;
    assert!(number(&scene.events.latest("request_retrying"), "delay") >= 2_000.0);
    go_online();
    clock.advance(1_990.0).await;
    assert_eq!(scene.source.count(), 1);
    clock.advance(12.0).await;
    assert_eq!(scene.source.count(), 2, "what the network's return shortens is the jitter");
    scene.source.answer(1, &raw_token("a"));
    assert_eq!(access_token(&token).await, "a");
}

#[wasm_bindgen_test]
async fn rule_13_the_network_s_return_tries_again_at_once() {
    let scene = Scene::new();
    let _time_stands_still = fake_clock();
    let token = scene.provider().get_token();
    settled().await;
    scene.source.fail(0, &network_error());
    settled().await;
    assert_eq!(scene.source.count(), 1);
    go_online();
    settled().await;
    assert_eq!(scene.source.count(), 2);
    scene.source.answer(1, &raw_token("a"));
    assert_eq!(access_token(&token).await, "a");
}

#[wasm_bindgen_test]
async fn rule_13_gives_up_when_patience_ends() {
    let scene = Scene::new();
    let clock = fake_clock();
    let failing = Closure::<dyn Fn() -> Promise>::new(|| Promise::reject(&unavailable()));
    scene.source.answer_by(failing.into_js_value().unchecked_ref());
    let token = scene.provider().get_token();
    // It gives up as soon as the next attempt would come too late, and cools down from then on.
    let mut waited = 0.0;
    while state(&token).await == "pending" {
        clock.advance(100.0).await;
        waited += 100.0;
        assert!(waited <= 30_000.0, "patience ended");
    }
    let failure = error(&token).await;
    assert_eq!(failure.code(), "UNAVAILABLE");
    assert!(failure.retryable());
    assert_eq!(failure.status(), Some(503.0));
    let attempts = scene.source.count();
    assert!((4..40).contains(&attempts), "{attempts}");
    let provider = scene.provider();
    for _ in 0..50 {
        assert_eq!(code(&provider.get_token()).await, "COOLING_DOWN");
    }
    assert_eq!(scene.source.count(), attempts, "a broken backend sees a bounded rate");
}

#[wasm_bindgen_test]
async fn rule_13_the_deadline_aborts_the_signal() {
    let scene = Scene::new();
    let clock = fake_clock();
    let token = scene.provider_with(&[("timeout", 1_000.into()), ("patience", 0.into())]).get_token();
    clock.advance(998.0).await;
    assert!(!scene.source.signal(0).aborted());
    clock.advance(5.0).await;
    assert!(scene.source.signal(0).aborted());
    assert_eq!(code(&token).await, "TIMED_OUT");
}

#[wasm_bindgen_test]
async fn rule_13_a_real_network_error_is_one() {
    let scene = Scene::new();
    // Port 9 is one that no browser connects to.
    let provider = scene.provider_with(&[("source", "http://127.0.0.1:9/token".into()), ("patience", 0.into())]);
    let failure = error(&provider.get_token()).await;
    assert_eq!(failure.code(), "NETWORK");
    assert!(failure.retryable());
}

#[wasm_bindgen_test]
async fn rule_13_a_real_404_is_refused() {
    let scene = Scene::new();
    let failure = error(&scene.provider_with(&[("source", "/no/such/file".into())]).get_token()).await;
    assert_eq!(failure.code(), "REFUSED");
    assert_eq!(failure.status(), Some(404.0));
}

#[wasm_bindgen_test]
async fn rule_18_a_source_that_never_answers_times_out() {
    let scene = Scene::new();
    let clock = fake_clock();
    let token = scene.provider().get_token();
    clock.advance(29_000.0).await;
    assert_eq!(state(&token).await, "pending");
    assert!(scene.source.count() >= 2);
    clock.advance(1_500.0).await;
    assert_eq!(code(&token).await, "TIMED_OUT");
    assert!(scene.source.signal(0).aborted());
}

#[wasm_bindgen_test]
async fn rule_18_a_late_answer_after_the_deadline_is_not_used() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider = scene.provider_with(&[("timeout", 1_000.into()), ("patience", 0.into())]);
    let token = provider.get_token();
    clock.advance(1_005.0).await;
    assert_eq!(code(&token).await, "TIMED_OUT");
    scene.source.answer(0, &raw_token("late"));
    settled().await;
    assert_eq!(fulfilled(&provider.has_token()).await, false);
}

#[wasm_bindgen_test]
async fn rule_18_a_source_that_throws_settles_it() {
    let scene = Scene::new();
    let thrower = js_sys::Function::new_no_args("throw new Error('thrown at once')");
    let failure = error(&scene.provider_with(&[("source", thrower.into())]).get_token()).await;
    assert_eq!(failure.code(), "SOURCE_FAILED");
}

#[wasm_bindgen_test]
async fn rule_18_coming_back_from_the_back_forward_cache_settles_everything() {
    let scene = Scene::new();
    let clock = fake_clock();
    let (one, other) = (scene.provider(), scene.provider_with(&[("licenseId", (scene.license + 500_000).into())]));
    let (first, second) = (one.get_token(), other.get_token());
    settled().await;
    assert_eq!(scene.source.count(), 2);
    // Timers stood still while the page lay in the cache.
    clock.freeze(60_000.0);
    settled().await;
    assert_eq!(state(&first).await, "pending");
    come_back();
    assert_eq!(code(&first).await, "TIMED_OUT");
    assert_eq!(code(&second).await, "TIMED_OUT");
    assert!(scene.source.signal(0).aborted() && scene.source.signal(1).aborted());
}

#[wasm_bindgen_test]
async fn rule_18_a_method_after_any_failure_works() {
    let scene = Scene::new();
    let clock = fake_clock();
    let provider: IdentityProvider = scene.provider();
    let token = provider.get_token();
    settled().await;
    scene.source.fail(0, &JsValue::UNDEFINED);
    let failure: IdentityError = error(&token).await;
    assert_eq!(failure.code(), "SOURCE_FAILED");
    assert!(fulfilled(&provider.invalidate()).await.is_undefined());
    assert_eq!(fulfilled(&provider.has_token()).await, false);
    clock.advance(2_001.0).await;
    let token = provider.get_fresh_token();
    settled().await;
    scene.source.answer(1, &raw_token("a"));
    assert_eq!(access_token(&token).await, "a");
}

#[wasm_bindgen_test]
async fn rule_10_timers_of_more_than_31_bits_do_not_run_at_once() {
    let scene = Scene::new();
    let provider = scene.provider_with(&[("timeout", (30.0 * DAY).into()), ("patience", (30.0 * DAY).into())]);
    let token = provider.get_token();
    fulfilled(&overlong_timer()).await;
    settled().await;
    assert_eq!(state(&token).await, "pending");
    assert!(!scene.source.signal(0).aborted());
    assert_eq!(scene.events.count("request_retrying"), 0);
}

#[wasm_bindgen_test]
async fn rule_10_a_deadline_of_30_days_is_kept() {
    let scene = Scene::new();
    let clock = fake_clock();
    let token = scene.provider_with(&[("timeout", (30.0 * DAY).into()), ("patience", 0.into())]).get_token();
    clock.advance(30.0 * DAY - 1_000.0).await;
    assert_eq!(state(&token).await, "pending");
    clock.advance(1_010.0).await;
    assert_eq!(code(&token).await, "TIMED_OUT");
}

#[wasm_bindgen_test]
async fn rule_13_a_failure_is_told_by_what_any_client_names_it() {
    let _scene = Scene::new();
    fulfilled(&failures_by_name()).await;
}

#[wasm_bindgen_test]
async fn rule_13_a_status_is_found_wherever_a_client_keeps_it() {
    let _scene = Scene::new();
    fulfilled(&failures_by_status()).await;
}

#[wasm_bindgen_test]
async fn rule_13_retry_after_is_found_wherever_a_client_keeps_it() {
    let _scene = Scene::new();
    fulfilled(&retry_after_everywhere()).await;
}

#[wasm_bindgen_test]
async fn rule_13_a_failing_network_is_told_from_a_mistake() {
    let _scene = Scene::new();
    fulfilled(&type_errors()).await;
}

#[wasm_bindgen_test]
async fn rule_13_this_browser_s_network_errors_are_ones() {
    let _scene = Scene::new();
    fulfilled(&real_network_errors()).await;
}

#[wasm_bindgen_test]
async fn rule_13_who_gives_up_waiting_timed_out() {
    let _scene = Scene::new();
    fulfilled(&real_aborts()).await;
}

#[wasm_bindgen_test]
async fn rule_13_offline_a_failure_without_a_reason_is_the_network_s() {
    let _scene = Scene::new();
    fulfilled(&offline()).await;
}

#[wasm_bindgen_test]
async fn rule_19_a_mistake_is_said_once_and_no_secret_with_it() {
    let _scene = Scene::new();
    fulfilled(&mistakes_are_said()).await;
}

#[wasm_bindgen_test]
async fn rule_21_a_response_of_any_frame_is_no_answer() {
    let _scene = Scene::new();
    fulfilled(&responses()).await;
}
