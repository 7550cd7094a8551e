//! Code of the page runs where the package meets it, and hurts nobody (rule 24).

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::scene::{Scene, fulfilled};

#[wasm_bindgen(module = "/tests/browser/page_code.js")]
extern "C" {
    #[wasm_bindgen(js_name = answersThatRunCode)]
    fn answers_that_run_code() -> Promise;
    #[wasm_bindgen(js_name = answersThatCallBack)]
    fn answers_that_call_back() -> Promise;
    #[wasm_bindgen(js_name = failuresThatRunCode)]
    fn failures_that_run_code() -> Promise;
    #[wasm_bindgen(js_name = listenersThatCallBack)]
    fn listeners_that_call_back() -> Promise;
    #[wasm_bindgen(js_name = identitiesThatCallBack)]
    fn identities_that_call_back() -> Promise;
    #[wasm_bindgen(js_name = aConsoleThatThrows)]
    fn a_console_that_throws() -> Promise;
    #[wasm_bindgen(js_name = signedOutListenersFindNothing)]
    fn signed_out_listeners_find_nothing() -> Promise;
    #[wasm_bindgen(js_name = aSignalAbortedDuringTheCall)]
    fn a_signal_aborted_during_the_call() -> Promise;
    #[wasm_bindgen(js_name = failuresThatNobodyWaitsFor)]
    fn failures_that_nobody_waits_for() -> Promise;
    #[wasm_bindgen(js_name = anotherFramesObjects)]
    fn another_frames_objects() -> Promise;
    #[wasm_bindgen(js_name = subclassesOfTheError)]
    fn subclasses_of_the_error() -> Promise;
    #[wasm_bindgen(js_name = anIdentityThatIsAsync)]
    fn an_identity_that_is_async() -> Promise;
}

#[wasm_bindgen_test]
async fn rule_21_answers_that_run_code_of_the_page() {
    let _scene = Scene::new();
    fulfilled(&answers_that_run_code()).await;
}

#[wasm_bindgen_test]
async fn rule_24_answers_that_call_back() {
    let _scene = Scene::new();
    fulfilled(&answers_that_call_back()).await;
}

#[wasm_bindgen_test]
async fn rule_24_failures_that_run_code_of_the_page() {
    let _scene = Scene::new();
    fulfilled(&failures_that_run_code()).await;
}

#[wasm_bindgen_test]
async fn rule_24_listeners_that_call_back_are_answered() {
    let _scene = Scene::new();
    fulfilled(&listeners_that_call_back()).await;
}

#[wasm_bindgen_test]
async fn rule_24_identities_that_call_back() {
    let _scene = Scene::new();
    fulfilled(&identities_that_call_back()).await;
}

#[wasm_bindgen_test]
async fn rule_24_a_console_that_throws() {
    let _scene = Scene::new();
    fulfilled(&a_console_that_throws()).await;
}

#[wasm_bindgen_test]
async fn rule_07_a_listener_of_one_session_finds_no_token_of_another() {
    let _scene = Scene::new();
    fulfilled(&signed_out_listeners_find_nothing()).await;
}

#[wasm_bindgen_test]
async fn rule_20_a_signal_that_is_aborted_during_the_call() {
    let _scene = Scene::new();
    fulfilled(&a_signal_aborted_during_the_call()).await;
}

#[wasm_bindgen_test]
async fn rule_20_what_a_source_says_when_its_last_caller_has_left_is_no_mistake() {
    let _scene = Scene::new();
    fulfilled(&failures_that_nobody_waits_for()).await;
}

#[wasm_bindgen_test]
async fn rule_24_objects_of_another_frame_are_as_good_as_ours() {
    let _scene = Scene::new();
    fulfilled(&another_frames_objects()).await;
}

#[wasm_bindgen_test]
async fn a_subclass_of_the_error_is_told_as_a_class_is() {
    let _scene = Scene::new();
    fulfilled(&subclasses_of_the_error()).await;
}

#[wasm_bindgen_test]
async fn rule_08_an_async_identity_is_a_mistake_and_no_unhandled_rejection() {
    let _scene = Scene::new();
    fulfilled(&an_identity_that_is_async()).await;
}
