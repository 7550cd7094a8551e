//! The package's public face, and the fixtures, as Rust sees them.

use js_sys::{Error, Function, Object, Promise};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/pkg/generated/tested.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    pub fn custom_identity_provider(options: &JsValue) -> Result<IdentityProvider, JsValue>;
    #[wasm_bindgen(catch)]
    pub fn configure(options: &JsValue) -> Result<(), JsValue>;
    pub fn sign_out() -> Promise;

    #[wasm_bindgen(extends = Error, extends = Object)]
    #[derive(Debug, Clone)]
    pub type IdentityError;
    #[wasm_bindgen(constructor)]
    pub fn new(code: &str, message: &str, details: &JsValue) -> IdentityError;
    #[wasm_bindgen(method, getter)]
    pub fn code(this: &IdentityError) -> String;
    #[wasm_bindgen(method, getter)]
    pub fn retryable(this: &IdentityError) -> bool;
    #[wasm_bindgen(method, getter)]
    pub fn status(this: &IdentityError) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = retryAfter)]
    pub fn retry_after(this: &IdentityError) -> Option<f64>;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = Object)]
    #[derive(Debug, Clone)]
    pub type IdentityProvider;
    #[wasm_bindgen(method, js_name = getToken)]
    pub fn get_token(this: &IdentityProvider) -> Promise;
    #[wasm_bindgen(method, js_name = getToken)]
    pub fn get_token_with(this: &IdentityProvider, options: &JsValue) -> Promise;
    #[wasm_bindgen(method, js_name = getFreshToken)]
    pub fn get_fresh_token(this: &IdentityProvider) -> Promise;
    #[wasm_bindgen(method, js_name = getFreshToken)]
    pub fn get_fresh_token_with(this: &IdentityProvider, options: &JsValue) -> Promise;
    #[wasm_bindgen(method, js_name = hasToken)]
    pub fn has_token(this: &IdentityProvider) -> Promise;
    #[wasm_bindgen(method)]
    pub fn invalidate(this: &IdentityProvider) -> Promise;
}

#[wasm_bindgen(module = "/tests/browser/fixtures.js")]
extern "C" {
    #[wasm_bindgen(js_name = restorePage)]
    pub fn restore_page();
    #[wasm_bindgen(js_name = comeBack)]
    pub fn come_back();
    #[wasm_bindgen(js_name = happenToDocument)]
    pub fn happen_to_document(event: &str);
    #[wasm_bindgen(js_name = goOnline)]
    pub fn go_online();
    #[wasm_bindgen(js_name = settled)]
    pub fn settled_promise() -> Promise;
    #[wasm_bindgen(js_name = stateOf)]
    pub fn state_promise(promise: &Promise) -> Promise;
    #[wasm_bindgen(js_name = blockStorage)]
    pub fn block_storage(window: &JsValue, name: &str);
    #[wasm_bindgen(js_name = removeStorage)]
    pub fn remove_storage(window: &JsValue, name: &str);
    #[wasm_bindgen(js_name = breakStorageMethod)]
    pub fn break_storage_method(method: &str);
    #[wasm_bindgen(js_name = fillSessionStorage)]
    pub fn fill_session_storage();
    #[wasm_bindgen(js_name = heardOfStorage)]
    pub fn heard_of_storage() -> Promise;
    #[wasm_bindgen(js_name = packageFunction)]
    pub fn package_function() -> Function;
    #[wasm_bindgen(js_name = loadCopy)]
    pub fn load_copy() -> Promise;
    pub fn describe(value: &JsValue) -> String;
    #[wasm_bindgen(js_name = survivesCloning)]
    pub fn survives_cloning(value: &JsValue) -> bool;
    #[wasm_bindgen(js_name = overlongTimer)]
    pub fn overlong_timer() -> Promise;
    #[wasm_bindgen(js_name = sourceError)]
    pub fn source_error(fields: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = networkError)]
    pub fn network_error() -> JsValue;
    pub fn detached(object: &JsValue, name: &str) -> Promise;
    #[wasm_bindgen(js_name = setSnippet)]
    pub fn set_snippet(value: &JsValue);

    pub type Source;
    #[wasm_bindgen(constructor)]
    pub fn new() -> Source;
    #[wasm_bindgen(method, getter)]
    pub fn ask(this: &Source) -> Function;
    #[wasm_bindgen(method)]
    pub fn count(this: &Source) -> u32;
    #[wasm_bindgen(method)]
    pub fn answer(this: &Source, index: u32, value: &JsValue);
    #[wasm_bindgen(method)]
    pub fn fail(this: &Source, index: u32, error: &JsValue);
    #[wasm_bindgen(method)]
    pub fn signal(this: &Source, index: u32) -> web_sys::AbortSignal;
    #[wasm_bindgen(method)]
    pub fn request(this: &Source, index: u32) -> JsValue;
    #[wasm_bindgen(method)]
    pub fn asked(this: &Source, count: u32) -> Promise;
    #[wasm_bindgen(method, js_name = answerBy)]
    pub fn answer_by(this: &Source, answerer: &Function);

    pub type Person;
    #[wasm_bindgen(constructor)]
    pub fn new(id: &JsValue) -> Person;
    #[wasm_bindgen(method, setter)]
    pub fn set_id(this: &Person, id: &JsValue);
    #[wasm_bindgen(method, getter)]
    pub fn identity(this: &Person) -> Function;

    pub type Events;
    #[wasm_bindgen(constructor)]
    pub fn new() -> Events;
    #[wasm_bindgen(method, getter)]
    pub fn listener(this: &Events) -> Function;
    #[wasm_bindgen(method)]
    pub fn count(this: &Events, kind: &str) -> u32;
    #[wasm_bindgen(method)]
    pub fn latest(this: &Events, kind: &str) -> JsValue;
    #[wasm_bindgen(method)]
    pub fn first(this: &Events, kind: &str) -> Promise;
    #[wasm_bindgen(method)]
    pub fn text(this: &Events) -> String;
    #[wasm_bindgen(method)]
    pub fn clear(this: &Events);

    pub type Clock;
    #[wasm_bindgen(constructor)]
    pub fn of_window(window: &JsValue) -> Clock;
    #[wasm_bindgen(method, js_name = advance)]
    pub fn advance_promise(this: &Clock, milliseconds: f64) -> Promise;
    #[wasm_bindgen(method)]
    pub fn freeze(this: &Clock, milliseconds: f64);
    #[wasm_bindgen(method, js_name = moveWall)]
    pub fn move_wall(this: &Clock, milliseconds: f64);
    #[wasm_bindgen(method, js_name = moveMonotonic)]
    pub fn move_monotonic(this: &Clock, milliseconds: f64);

    pub type Tab;
    #[wasm_bindgen(constructor)]
    pub fn new() -> Tab;
    #[wasm_bindgen(method, getter)]
    pub fn window(this: &Tab) -> JsValue;
    #[wasm_bindgen(method, js_name = load)]
    pub fn load_promise(this: &Tab) -> Promise;
    #[wasm_bindgen(method)]
    pub fn provider(this: &Tab, options: &JsValue) -> IdentityProvider;
    #[wasm_bindgen(method, js_name = signOut)]
    pub fn sign_out(this: &Tab) -> Promise;
    #[wasm_bindgen(method, js_name = readLocal)]
    pub fn read_local(this: &Tab, key: &str) -> Option<String>;
    #[wasm_bindgen(method, js_name = writeLocal)]
    pub fn write_local(this: &Tab, key: &str, value: &str);
    #[wasm_bindgen(method)]
    pub fn close(this: &Tab);

    pub type UnhandledRejections;
    #[wasm_bindgen(constructor)]
    pub fn new() -> UnhandledRejections;
    #[wasm_bindgen(method, getter)]
    pub fn seen(this: &UnhandledRejections) -> u32;

    pub type Eavesdropper;
    #[wasm_bindgen(constructor)]
    pub fn new() -> Eavesdropper;
    #[wasm_bindgen(method)]
    pub fn text(this: &Eavesdropper) -> String;
}
