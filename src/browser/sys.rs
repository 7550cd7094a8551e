//! Raw bindings: the package's own JavaScript, and the globals that pages and workers share.

use js_sys::{Array, Function, Object, Promise};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/pkg/src/bridge.js")]
extern "C" {
    /// The package's error class.
    #[wasm_bindgen(extends = js_sys::Error, extends = Object)]
    pub type IdentityError;

    #[wasm_bindgen(constructor)]
    pub(super) fn new(code: &str, message: &str, details: &Object) -> IdentityError;

    /// A promise that settles even if the core traps.
    pub type Deferred;

    #[wasm_bindgen(constructor)]
    pub(super) fn new(limit: f64) -> Deferred;

    #[wasm_bindgen(method, getter)]
    pub(super) fn promise(this: &Deferred) -> Promise;

    #[wasm_bindgen(method)]
    pub(super) fn resolve(this: &Deferred, value: &JsValue);

    #[wasm_bindgen(method)]
    pub(super) fn reject(this: &Deferred, error: &JsValue);
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    pub(super) fn set_timeout(callback: &Function, milliseconds: i32) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    pub(super) fn clear_timeout(timer: &JsValue);

    #[wasm_bindgen(catch)]
    pub(super) fn fetch(url: &str, init: &Object) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    pub(super) fn monotonic_now() -> f64;

    #[wasm_bindgen(js_namespace = console, js_name = error, variadic)]
    pub(super) fn console_error(arguments: Array);

    #[wasm_bindgen(catch, js_namespace = crypto, js_name = getRandomValues)]
    pub(super) fn fill_random(bytes: &mut [u8]) -> Result<JsValue, JsValue>;
}
