//! Raw bindings: the package's own JavaScript. None of it throws: what can fail answers with the failure.

use js_sys::Promise;
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

    /// A rejected promise that does not count as an unhandled rejection.
    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn refusal(error: &JsValue) -> Promise;
    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn resolved(value: &JsValue) -> Promise;

    /// A promise that settles even if the core traps.
    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn deferred(limit: f64) -> Deferred;

    /// Who is signed in: a string, null, or an IdentityError.
    #[wasm_bindgen(js_namespace = host, js_name = readIdentity)]
    pub(super) fn read_identity(identity: &JsValue) -> JsValue;
    /// The number of an identity function.
    #[wasm_bindgen(js_namespace = host, js_name = callerOf)]
    pub(super) fn caller_of(identity: &JsValue) -> u32;

    /// Rule 25: calls with these options are answered with this promise, while they are this person's and the wall clock is between these.
    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn lend(options: &JsValue, identity: &JsValue, promise: &Promise, from: f64, until: f64);

    /// Asks the options' source once, soon; what came of it is told to `attemptEnded`, with the numbers. Where a turn is named, it is asked when
    /// it is this page's turn of that name among the tabs, and other tabs' tokens are offered to `inTurn` until then.
    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn ask(
        options: &JsValue,
        identity: Option<&str>,
        reason: &str,
        session: u32,
        request: u32,
        attempt: u32,
        turn: &str,
    ) -> Asking;

    /// Says something to the other tabs: a record for those who want a token of this scope; without one, that it is wanted here.
    #[wasm_bindgen(js_namespace = host, js_name = tellTabs)]
    pub(super) fn tell_tabs(scope: &str, record: &str);

    /// Of what type a value is; `fields.rs` has the names.
    #[wasm_bindgen(js_namespace = host, js_name = typeOf)]
    pub(super) fn type_of(value: &JsValue) -> u32;

    #[wasm_bindgen(js_namespace = host, js_name = tokenOf)]
    pub(super) fn token_of(fields: &JsValue) -> JsValue;
    /// What is read from a record's text, with a JWT in it taken apart; undefined if it is not a JSON object.
    #[wasm_bindgen(js_namespace = host, js_name = parseRecord)]
    pub(super) fn parse_record(text: &str, is_jwt: bool) -> JsValue;
    /// Removes the records of all sessions, also of those that this page never opened, but for those of this generation.
    #[wasm_bindgen(js_namespace = host, js_name = removeRecords)]
    pub(super) fn remove_records(spared: &str);
    #[wasm_bindgen(js_namespace = host, js_name = recordText)]
    pub(super) fn record_text(token: &JsValue, created: f64, version: f64, scope: &str, generation: &str) -> String;
    /// sessionStorage behind a check, or undefined.
    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn storage() -> JsValue;
    /// Writes an item of sessionStorage; whether it stands there now.
    #[wasm_bindgen(js_namespace = host, js_name = writeItem)]
    pub(super) fn write_item(key: &str, text: &str) -> bool;
    /// Removes an item of sessionStorage; whether it is gone.
    #[wasm_bindgen(js_namespace = host, js_name = removeItem)]
    pub(super) fn remove_item(key: &str) -> bool;

    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn listeners() -> Listeners;

    #[wasm_bindgen(js_namespace = host, js_name = wakeAfter)]
    pub(super) fn wake_after(delay: f64);

    /// The mark of a new sign-out; also a salt.
    #[wasm_bindgen(js_namespace = host, js_name = newMark)]
    pub(super) fn new_mark() -> String;
    /// The mark that stands in localStorage, null for none, false where nothing can be read; undefined: the same as at the last look.
    #[wasm_bindgen(js_namespace = host, js_name = lookAtMark)]
    pub(super) fn look_at_mark() -> JsValue;
    /// Whether the mark stands there now.
    #[wasm_bindgen(js_namespace = host, js_name = writeMark)]
    pub(super) fn write_mark(mark: &str) -> bool;
    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn broadcast(mark: &str, is_written: bool);

    #[wasm_bindgen(js_namespace = host, js_name = wallNow)]
    pub(super) fn wall_now() -> f64;
    #[wasm_bindgen(js_namespace = host, js_name = monotonicNow)]
    pub(super) fn monotonic_now() -> f64;
    #[wasm_bindgen(js_namespace = host)]
    pub(super) fn random() -> f64;
}

#[wasm_bindgen]
extern "C" {
    /// A running attempt, as `pkg/src/source.js` makes it.
    pub(super) type Asking;
    #[wasm_bindgen(method)]
    pub(super) fn abort(this: &Asking);

    /// `Deferred` of `pkg/src/guard.js`.
    pub(super) type Deferred;
    #[wasm_bindgen(method, getter)]
    pub(super) fn promise(this: &Deferred) -> Promise;
    #[wasm_bindgen(method)]
    pub(super) fn resolve(this: &Deferred, value: &JsValue);
    #[wasm_bindgen(method)]
    pub(super) fn reject(this: &Deferred, error: &JsValue);
    #[wasm_bindgen(method)]
    pub(super) fn close(this: &Deferred);

    /// `Listeners` of `pkg/src/event.js`.
    pub(super) type Listeners;
    #[wasm_bindgen(method)]
    pub(super) fn add(this: &Listeners, listener: &JsValue) -> Listening;
    #[wasm_bindgen(method, js_name = isEmpty)]
    pub(super) fn is_empty(this: &Listeners) -> bool;
    #[wasm_bindgen(method)]
    pub(super) fn tell(this: &Listeners, event: &str, widget: &str, details: &JsValue);

    /// A handle's part in the listeners.
    pub(super) type Listening;
    #[wasm_bindgen(method)]
    pub(super) fn close(this: &Listening);
}
