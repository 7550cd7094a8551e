//! LiveChat's Custom Identity Provider: four methods, each a promise.
//!
//! Document: LiveChat, "Custom Identity Provider".

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use crate::browser::{self, Asker, Driver};

/// The handle behind one provider object; handles of the same scope share a session.
#[wasm_bindgen]
pub struct LiveChatProvider {
    driver: Rc<Driver>,
    asker: Rc<Asker>,
}

#[wasm_bindgen]
impl LiveChatProvider {
    /// A handle for options that `pkg/src/options.js` has read and found right.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue) -> LiveChatProvider {
        let asker = Asker::new(options);
        let driver = browser::session(asker.session_key("livechat"), &asker);
        asker.listen_to(&driver);
        Self { driver, asker }
    }

    /// The cached token if it is usable, else a fresh one.
    #[wasm_bindgen(js_name = getToken)]
    pub fn get_token(&self) -> Promise {
        self.driver.get_token(&self.asker)
    }

    /// A fresh token whatever is cached.
    #[wasm_bindgen(js_name = getFreshToken)]
    pub fn get_fresh_token(&self) -> Promise {
        self.driver.get_fresh_token(&self.asker)
    }

    /// Whether a usable token is in hand.
    #[wasm_bindgen(js_name = hasToken)]
    pub fn has_token(&self) -> Promise {
        self.driver.has_token(&self.asker)
    }

    /// Forgets the token.
    pub fn invalidate(&self) -> Promise {
        self.driver.invalidate(&self.asker)
    }

    /// One who waits with this promise leaves.
    pub fn leave(&self, promise: &JsValue) {
        self.driver.leave(promise);
    }
}
