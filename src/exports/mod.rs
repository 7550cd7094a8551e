//! What the package's JavaScript calls: here, what concerns all sessions of the page.

pub mod provider;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use crate::browser;

/// The person leaves: every token of every widget is forgotten, in every tab of the origin.
#[wasm_bindgen(js_name = signOut)]
pub fn sign_out() -> Promise {
    browser::sign_out()
}

/// What came of an attempt, by the numbers that it was asked with.
#[wasm_bindgen(js_name = attemptEnded)]
pub fn attempt_ended(session: u32, request: u32, attempt: u32, outcome: &JsValue) {
    browser::attempt_ended(session, request, attempt, outcome);
}

/// What an attempt comes to that waits for its turn among the tabs: another tab's record is offered; its source is asked now; or else the other
/// tabs are to be asked. True where the attempt is over.
#[wasm_bindgen(js_name = inTurn)]
pub fn in_turn(session: u32, request: u32, attempt: u32, record: &str, is_its_turn: bool) -> bool {
    browser::in_turn(session, request, attempt, record, is_its_turn)
}

/// Another tab asks for the token of a scope.
#[wasm_bindgen(js_name = askedByTab)]
pub fn asked_by_tab(scope: &str) {
    browser::asked_by_tab(scope);
}

/// Another tab or a worker signed out, under this mark.
#[wasm_bindgen(js_name = hearMark)]
pub fn hear_mark(mark: &str) {
    browser::hear_mark(mark);
}

/// One of the `FACTS` in `pkg/src/core.js`, by its number there: time passed, the network is back, another tab may have signed out, the page
/// goes to sleep or may have slept.
#[wasm_bindgen]
pub fn happened(fact: u8) {
    match fact {
        0 => browser::wake(),
        1 => browser::went_online(),
        2 => browser::look_for_sign_out(),
        _ => browser::leave_page(),
    }
}
