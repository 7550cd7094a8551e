//! The handle by which a widget asks: four methods, each a promise, as LiveChat's Custom Identity Provider has them. What the other widgets
//! ask by, callbacks, stands on it in `pkg/src`.
//!
//! Document: LiveChat, "Custom Identity Provider".

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use crate::browser::{self, Asker, Driver, SessionKey};
use crate::core::{Account, Cache, Policy, Widget, whole};

/// The handle behind one provider object; handles of the same scope share a session.
#[wasm_bindgen]
pub struct Provider {
    /// None where a later copy's options say what this core does not know.
    known: Option<(&'static Driver, Rc<Asker>)>,
}

#[wasm_bindgen]
impl Provider {
    /// A handle for options that `pkg/src/options.js` has read and found right. A number that is not given is NaN, a text is empty. Nothing
    /// of the page's is kept: what its functions close over, often this handle, would never be garbage. The options come with each call.
    #[allow(
        clippy::too_many_arguments,
        reason = "each costs a page a hundred bytes more where it is read by name from an object"
    )]
    #[wasm_bindgen(constructor)]
    pub fn new(
        on_event: &JsValue,
        widget: u8,
        cache: u8,
        is_code_flow: bool,
        is_identified: bool,
        license_id: f64,
        organization_id: String,
        account: String,
        margin: f64,
        refresh_ahead: f64,
        timeout: f64,
        patience: f64,
        shares: bool,
    ) -> Provider {
        let given = |number: f64| (!number.is_nan()).then_some(whole(number));
        let Some((widget, cache)) = Widget::numbered(widget).zip(Cache::numbered(cache)) else {
            return Self { known: None };
        };
        let account_named = Account {
            license_id: given(license_id),
            organization_id: Some(organization_id).filter(|organization| !organization.is_empty()),
        };
        let key = SessionKey { widget, is_code_flow, account, cache, is_identified };
        let driver = browser::session(key, account_named);
        let policy = Policy {
            margin: given(margin),
            refresh_ahead: whole(refresh_ahead),
            timeout: whole(timeout),
            patience: whole(patience),
        };
        Self { known: Some((driver, driver.asker(policy, on_event, shares))) }
    }

    /// A call of one of the `METHODS` in `pkg/src/core.js`, by its number there: six methods cost a page half a kilobyte more. Given are
    /// the handle's options, or the promise of who leaves.
    pub fn call(&self, method: u8, given: &JsValue) -> Promise {
        let Some((driver, asker)) = &self.known else { return browser::unknown_option() };
        match method {
            0 => driver.get_token(asker, given),
            1 => driver.get_fresh_token(asker, given),
            2 => driver.has_token(asker, given),
            3 => driver.invalidate(),
            4 => driver.signed_in(),
            _ => driver.leave(given),
        }
    }
}
