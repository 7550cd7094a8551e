//! What the page tells the core that concerns all its sessions.

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use crate::browser;

/// The person leaves: every token of every widget is forgotten, in every tab of the origin.
#[wasm_bindgen(js_name = signOut)]
pub fn sign_out() -> Promise {
    browser::sign_out()
}

/// Time passed.
#[wasm_bindgen]
pub fn wake() {
    browser::wake();
}

/// What came of an attempt, by the numbers that it was asked with.
#[wasm_bindgen(js_name = attemptEnded)]
pub fn attempt_ended(session: u32, request: u32, attempt: u32, outcome: &JsValue) {
    browser::attempt_ended(session, request, attempt, outcome);
}

/// The network is back.
#[wasm_bindgen(js_name = wentOnline)]
pub fn went_online() {
    browser::went_online();
}

/// Another tab may have signed out.
#[wasm_bindgen(js_name = lookForSignOut)]
pub fn look_for_sign_out() {
    browser::look_for_sign_out();
}

/// Another tab or a worker signed out, under this mark.
#[wasm_bindgen(js_name = hearMark)]
pub fn hear_mark(mark: &str) {
    browser::hear_mark(mark);
}

/// The page goes to sleep, or may have slept.
#[wasm_bindgen(js_name = leavePage)]
pub fn leave_page() {
    browser::leave_page();
}
