//! One test's page for the widgets that take JSON Web Tokens or codes: their functions, tokens of the test's own, a callback.

use std::ops::Deref;

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::face::Tab;
use crate::scene::{Scene, fulfilled, identity_error, object, settled, value, with};

#[wasm_bindgen(module = "/pkg/generated/tested.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = authTokenProvider)]
    pub fn auth_token_provider(options: &JsValue) -> Result<Function, JsValue>;
    #[wasm_bindgen(catch, js_name = connectOmnichannel)]
    pub fn connect_omnichannel(options: &JsValue) -> Result<Function, JsValue>;
    #[wasm_bindgen(catch, js_name = getAuthToken)]
    pub fn get_auth_token(options: &JsValue) -> Result<Function, JsValue>;
    #[wasm_bindgen(catch, js_name = authoriseChatWithCallback)]
    pub fn authorise_chat_with_callback(options: &JsValue) -> Result<Function, JsValue>;
}

#[wasm_bindgen(module = "/tests/browser/widgets.js")]
extern "C" {
    #[wasm_bindgen(variadic)]
    pub fn joined(parts: Box<[JsValue]>) -> String;
    #[wasm_bindgen(js_name = signedToken)]
    pub fn signed_token(header: &JsValue, claims: &JsValue) -> String;
    #[wasm_bindgen(js_name = encryptedToken)]
    pub fn encrypted_token(header: &JsValue) -> String;

    #[wasm_bindgen(js_name = undoLater)]
    pub fn undo_later(undo: &Function);

    pub type Callback;
    #[wasm_bindgen(constructor)]
    pub fn new() -> Callback;
    #[wasm_bindgen(method, getter)]
    pub fn call(this: &Callback) -> Function;
    #[wasm_bindgen(method)]
    pub fn count(this: &Callback) -> u32;
    #[wasm_bindgen(method)]
    pub fn width(this: &Callback) -> u32;
    #[wasm_bindgen(method)]
    pub fn argument(this: &Callback, call: u32, index: u32) -> JsValue;
    #[wasm_bindgen(method, js_name = called)]
    pub fn called_promise(this: &Callback) -> Promise;
    #[wasm_bindgen(method, js_name = throwFromNowOn)]
    pub fn throw_from_now_on(this: &Callback);
    #[wasm_bindgen(method)]
    pub fn text(this: &Callback) -> String;

    pub type LiveChatSdk;
    #[wasm_bindgen(constructor)]
    pub fn new() -> LiveChatSdk;
    #[wasm_bindgen(method)]
    pub fn appear(this: &LiveChatSdk);
    #[wasm_bindgen(method)]
    pub fn ready(this: &LiveChatSdk);
    #[wasm_bindgen(method)]
    pub fn fail(this: &LiveChatSdk, error_code: &JsValue);
    #[wasm_bindgen(method, js_name = failStarting)]
    pub fn fail_starting(this: &LiveChatSdk);
    #[wasm_bindgen(method, js_name = breakMethod)]
    pub fn break_method(this: &LiveChatSdk, name: &str);
    #[wasm_bindgen(method)]
    pub fn history(this: &LiveChatSdk) -> String;
    #[wasm_bindgen(method, getter)]
    pub fn provider(this: &LiveChatSdk) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub fn sdk(this: &LiveChatSdk) -> JsValue;

    pub type Service;
    #[wasm_bindgen(constructor)]
    pub fn new() -> Service;
    #[wasm_bindgen(method)]
    pub fn answers(this: &Service, status: u16, content_type: &str, body: &str);
    #[wasm_bindgen(method)]
    pub fn count(this: &Service) -> u32;
    #[wasm_bindgen(method)]
    pub fn request(this: &Service, index: u32) -> JsValue;
}

/// A scene whose options are those of the widgets that take JWTs.
pub struct WidgetScene(Scene);

impl Deref for WidgetScene {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.0
    }
}

impl WidgetScene {
    pub fn new() -> Self {
        Self(Scene::new())
    }

    /// An account that no other test has.
    pub fn account(&self) -> String {
        format!("organization-{}", self.license)
    }

    /// Options of Omnichannel and Live Assist, with others in their place or beside them; undefined takes one away.
    pub fn widget_options(&self, others: &[(&str, JsValue)]) -> JsValue {
        let standard = self.options(&[
            ("licenseId", JsValue::UNDEFINED),
            ("cache", JsValue::UNDEFINED),
            ("organizationId", self.account().into()),
        ]);
        with(&standard, others)
    }

    /// The function for Omnichannel's `setAuthTokenProvider`.
    pub fn omnichannel(&self, others: &[(&str, JsValue)]) -> Function {
        auth_token_provider(&self.widget_options(others)).expect("the options are right")
    }

    /// The function for Microsoft's npm packages.
    pub fn microsoft(&self, others: &[(&str, JsValue)]) -> Function {
        get_auth_token(&self.widget_options(others)).expect("the options are right")
    }

    /// The function that Live Assist calls by name.
    pub fn live_assist(&self, others: &[(&str, JsValue)]) -> Function {
        authorise_chat_with_callback(&self.widget_options(others)).expect("the options are right")
    }

    /// Live Assist's function in the code flow.
    pub fn code_flow(&self, others: &[(&str, JsValue)]) -> Function {
        let options = with(&self.widget_options(&[("flow", "code".into())]), others);
        authorise_chat_with_callback(&options).expect("the options are right")
    }
}

/// Calls a widget's function with a callback of the test's own.
pub fn call(function: &Function) -> Callback {
    let callback = Callback::new();
    function.call1(&JsValue::NULL, &callback.call()).unwrap();
    callback
}

/// A function of the package in another document, with a copy of the package of its own.
pub fn function_in(tab: &Tab, name: &str, options: &JsValue) -> Function {
    let make: Function = value(&value(&tab.window(), "loaded"), name).unchecked_into();
    make.call1(&JsValue::NULL, options).unwrap().unchecked_into()
}

/// Calls `getAuthToken`.
pub fn ask(function: &Function) -> Promise {
    function.call0(&JsValue::NULL).unwrap().unchecked_into()
}

impl Callback {
    /// The only call's first argument.
    pub async fn answer(&self) -> JsValue {
        JsFuture::from(self.called_promise()).await.expect("the callback is called");
        settled().await;
        assert_eq!(self.count(), 1, "the callback is answered once");
        self.argument(0, 0)
    }

    /// The token that the only call hands over.
    pub async fn token(&self) -> String {
        self.answer().await.as_string().unwrap_or_else(|| panic!("no token: {}", self.text()))
    }

    /// The only call's second argument: why there is no token.
    pub async fn reason(&self) -> String {
        self.answer().await;
        self.argument(0, 1).as_string().unwrap_or_else(|| panic!("no reason: {}", self.text()))
    }
}

/// Now, by the page's clock, in seconds.
pub fn now() -> f64 {
    js_sys::Date::now() / 1_000.0
}

pub fn header(others: &[(&str, JsValue)]) -> JsValue {
    with(&object(&[("alg", "RS256".into()), ("typ", "JWT".into()), ("kid", "key-1".into())]), others)
}

/// Claims of a token that is issued now and good for an hour.
pub fn claims(name: &str, others: &[(&str, JsValue)]) -> JsValue {
    with(&claims_of(name, 3_600.0), others)
}

/// The clock is read once: a token of an hour lives an hour, whatever ticks meanwhile.
fn claims_of(name: &str, seconds: f64) -> JsValue {
    let issued = now();
    object(&[
        ("iss", "https://shop.example".into()),
        ("sub", "contact-1".into()),
        ("jti", name.into()),
        ("iat", issued.into()),
        ("exp", (issued + seconds).into()),
    ])
}

/// A token that is issued now and good for an hour.
pub fn jwt(name: &str) -> String {
    signed_token(&header(&[]), &claims(name, &[]))
}

/// A token that is issued now and good for so many seconds.
pub fn jwt_of(name: &str, seconds: f64) -> String {
    signed_token(&header(&[]), &claims_of(name, seconds))
}

/// The promise of `getAuthToken` resolves with this token.
pub async fn is_token(promise: &Promise, expected: &str) {
    assert_eq!(fulfilled(promise).await.as_string().as_deref(), Some(expected));
}

/// Wrong options are thrown, and the option is named.
pub fn is_bad_option(result: Result<Function, JsValue>, named: &str) {
    let error = identity_error(result.expect_err(named));
    assert_eq!(error.code(), "BAD_OPTION");
    let message = String::from(error.message());
    assert!(message.contains(named), "{named} in {message}");
}
