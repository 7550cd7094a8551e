//! Raw bindings: the package's own JavaScript, and the clock that pages and workers share.

use js_sys::{Array, Map, Promise};
use wasm_bindgen::prelude::*;

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

    /// Asks the options' source once, soon.
    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn ask(options: &JsValue, identity: Option<&str>, reason: &str) -> Asking;

    /// What a value is; `fields.rs` has the names.
    #[wasm_bindgen(js_namespace = host, js_name = kindOf)]
    pub(super) fn kind_of(value: &JsValue) -> u32;

    #[wasm_bindgen(js_namespace = host, js_name = tokenOf)]
    pub(super) fn token_of(fields: &JsValue) -> JsValue;
    #[wasm_bindgen(js_namespace = host, js_name = takeApart)]
    pub(super) fn take_apart(answer: &JsValue) -> JsValue;
    /// The parsed text of a record; undefined where it is no JSON.
    #[wasm_bindgen(js_namespace = host, js_name = parseRecord)]
    pub(super) fn parse_record(text: &str) -> JsValue;
    /// Removes the records of all sessions, also of those that this page never opened.
    #[wasm_bindgen(js_namespace = host, js_name = removeRecords)]
    pub(super) fn remove_records();
    #[wasm_bindgen(js_namespace = host, js_name = recordText)]
    pub(super) fn record_text(token: &JsValue, created: f64, version: f64, scope: &str, generation: &str) -> String;

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
    /// A running attempt, as `pkg/src/source.js` makes it.
    pub(super) type Asking;
    /// Resolves with an `Outcome` and never rejects.
    #[wasm_bindgen(method, getter)]
    pub(super) fn outcome(this: &Asking) -> Promise;
    #[wasm_bindgen(method)]
    pub(super) fn abort(this: &Asking);

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
