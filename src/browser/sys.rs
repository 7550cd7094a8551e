//! Raw bindings: the package's own JavaScript, and the clock that pages and workers share.

use js_sys::{Array, Map, Promise};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

#[wasm_bindgen(module = "/pkg/src/bridge.js")]
extern "C" {
    #[wasm_bindgen(js_namespace = host, js_name = identityError)]
    pub(super) fn identity_error(
        code: &str,
        message: &str,
        cause: &JsValue,
        retryable: bool,
        status: f64,
        retry_after: f64,
    ) -> JsValue;

    /// A rejected promise that is no unhandled rejection.
    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn refusal(error: &JsValue) -> Promise;

    /// A promise that settles even if the core traps.
    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn deferred(limit: f64) -> Deferred;

    /// Who is signed in; fails with an IdentityError.
    #[wasm_bindgen(js_namespace = host, catch, js_name = readIdentity)]
    pub(super) fn read_identity(identity: &JsValue) -> Result<Option<String>, JsValue>;

    /// Asks the options' source once; resolves with an `Outcome` and never rejects.
    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn ask(options: &JsValue, signal: &AbortSignal, identity: Option<&str>, reason: &str) -> Promise;

    #[wasm_bindgen(js_namespace = host, js_name = tokenOf)]
    pub(super) fn token_of(fields: &JsValue) -> JsValue;
    #[wasm_bindgen(js_namespace = host, js_name = recordText)]
    pub(super) fn record_text(token: &JsValue, version: f64, scope: &str, generation: &str) -> String;

    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn tell(listeners: &Map, event: &str, widget: &str, details: &Array);

    #[wasm_bindgen(js_namespace = host, js_name = wakeAfter)]
    pub(super) fn wake_after(delay: f64);
    #[wasm_bindgen(js_namespace = host, js_name = newGeneration)]
    pub(super) fn new_generation() -> String;
    #[wasm_bindgen(js_namespace = host, js_name = openChannel)]
    pub(super) fn open_channel();
    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn broadcast(generation: &str);
}

#[wasm_bindgen]
extern "C" {
    /// `Deferred` of `pkg/src/promise.js`.
    pub(super) type Deferred;
    #[wasm_bindgen(method, getter)]
    pub(super) fn promise(this: &Deferred) -> Promise;
    #[wasm_bindgen(method)]
    pub(super) fn resolve(this: &Deferred, value: &JsValue);
    #[wasm_bindgen(method)]
    pub(super) fn reject(this: &Deferred, error: &JsValue);
    #[wasm_bindgen(method)]
    pub(super) fn close(this: &Deferred);

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    pub(super) fn monotonic_now() -> f64;
}
