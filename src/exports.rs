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

/// The network is back.
#[wasm_bindgen(js_name = wentOnline)]
pub fn went_online() {
    browser::went_online();
}

/// Another tab may have signed out.
#[wasm_bindgen(js_name = noticeSignOut)]
pub fn notice_sign_out() {
    browser::notice_sign_out();
}

/// Another tab signed out, where localStorage is blocked.
#[wasm_bindgen(js_name = noticeGeneration)]
pub fn notice_generation(generation: &str) {
    browser::notice_generation(generation);
}
