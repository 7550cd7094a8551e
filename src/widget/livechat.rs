//! LiveChat's Custom Identity Provider: four methods, each a promise.
//!
//! Document: LiveChat, "Custom Identity Provider".

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use crate::browser::{self, Asker, Driver, Options, SessionKey};

/// The handle behind one provider object; handles of the same scope share a session.
#[wasm_bindgen]
pub struct LiveChatProvider {
    driver: Rc<Driver>,
    asker: Rc<Asker>,
    listener: Option<u32>,
}

#[wasm_bindgen]
impl LiveChatProvider {
    /// Reads the options; throws an IdentityError BAD_OPTION that names a wrong one.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue) -> Result<LiveChatProvider, JsValue> {
        let options = Options::for_livechat(options)?;
        let driver = browser::session(&SessionKey {
            widget: "livechat",
            account: options.account.clone(),
            cache: options.cache,
            is_identified: options.identity.is_asked(),
            single_use: false,
        });
        let (asker, on_event) = Asker::new(options);
        let listener = on_event.map(|on_event| driver.listen(on_event));
        Ok(Self { driver, asker, listener })
    }

    /// The cached token if it is usable, else a fresh one.
    #[wasm_bindgen(js_name = getToken)]
    pub fn get_token(&self, call: &JsValue) -> Promise {
        match browser::signal_option(call) {
            Ok(signal) => self.driver.get_token(&self.asker, signal),
            Err(error) => Promise::reject(&error),
        }
    }

    /// A fresh token whatever is cached.
    #[wasm_bindgen(js_name = getFreshToken)]
    pub fn get_fresh_token(&self, call: &JsValue) -> Promise {
        match browser::signal_option(call) {
            Ok(signal) => self.driver.get_fresh_token(&self.asker, signal),
            Err(error) => Promise::reject(&error),
        }
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
}

impl Drop for LiveChatProvider {
    fn drop(&mut self) {
        if let Some(listener) = self.listener {
            self.driver.unlisten(listener);
        }
    }
}

/// Throws an IdentityError BAD_OPTION that names a wrong option; any may be missing.
#[wasm_bindgen(js_name = checkOptions)]
pub fn check_options(options: &JsValue) -> Result<(), JsValue> {
    Options::check_partial(options)
}

/// The person leaves: every token of every widget is forgotten, in every tab of the origin.
#[wasm_bindgen(js_name = signOut)]
pub fn sign_out() -> Promise {
    browser::sign_out()
}
