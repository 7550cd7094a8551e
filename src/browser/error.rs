//! Failures as IdentityErrors, and the errors of sources as failures.

use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::core::{Code, Failure, Fields, Value};

use super::fields::JsFields;
use super::sys::IdentityError;

/// A failure, and the JavaScript error that it came from.
pub(super) struct SourceFailure {
    pub(super) failure: Failure,
    pub(super) cause: Option<JsValue>,
}

impl From<Failure> for SourceFailure {
    fn from(failure: Failure) -> Self {
        Self { failure, cause: None }
    }
}

/// The IdentityError that a caller sees.
pub(super) fn identity_error(failure: &Failure, cause: Option<&JsValue>) -> JsValue {
    let details = Object::new();
    if let Some(cause) = cause {
        set(&details, "cause", cause);
    }
    set(&details, "retryable", &failure.retryable.into());
    if let Some(status) = failure.status {
        set(&details, "status", &status.into());
    }
    if let Some(retry_after) = failure.retry_after {
        set(&details, "retryAfter", &(retry_after as f64).into());
    }
    IdentityError::new(failure.code.as_str(), &failure.message, &details).into()
}

/// A wrong option: its name, and what was expected of it.
pub(super) fn bad_option(name: &str, expected: &str) -> JsValue {
    let message = ["the option ", name, " is wrong: expected ", expected].concat();
    identity_error(&Failure::lasting(Code::BadOption, message), None)
}

/// Sets a field of an object of our own making, which can't fail.
pub(super) fn set(object: &Object, name: &str, value: &JsValue) {
    let _always_true = Reflect::set(object, &JsValue::from_str(name), value);
}

/// What a function source failed with. An IdentityError is passed on; `status`, `retryable` and `retryAfter` (milliseconds) of any
/// other error are understood; and so is what browsers throw when the network fails.
pub(super) fn of_source(cause: JsValue) -> SourceFailure {
    let fields = JsFields(&cause);
    let retry_after = match fields.field("retryAfter") {
        Value::Number(milliseconds) if milliseconds >= 0.0 => Some(milliseconds as i64),
        _ => None,
    };
    let status = match fields.field("status") {
        Value::Number(status) if (400.0..600.0).contains(&status) => Some(status as u16),
        _ => None,
    };
    let retryable = Reflect::get(&cause, &"retryable".into()).is_ok_and(|retryable| retryable.as_bool() == Some(true));
    if let Some(failure) = of_identity_error(&cause, retryable, status, retry_after) {
        return SourceFailure { failure, cause: Some(cause) };
    }
    let failure = if let Some(status) = status {
        Failure::of_status(status, retry_after)
    } else if is_network_error(&cause) {
        Failure::passing(Code::Network, "the service could not be reached")
    } else {
        let message = "the function given as source failed; see cause";
        Failure { retryable, retry_after, ..Failure::lasting(Code::SourceFailed, message) }
    };
    SourceFailure { failure, cause: Some(cause) }
}

/// An IdentityError, of this copy of the package or another, keeps its code.
fn of_identity_error(cause: &JsValue, retryable: bool, status: Option<u16>, retry_after: Option<i64>) -> Option<Failure> {
    if !cause.is_instance_of::<IdentityError>() {
        return None;
    }
    let Value::Text(name) = JsFields(cause).field("code") else { return None };
    let code = Code::ALL.into_iter().find(|code| code.as_str() == name)?;
    let message = match JsFields(cause).field("message") {
        Value::Text(message) => message,
        _ => name,
    };
    Some(Failure { code, message: message.into(), retryable, status, retry_after })
}

/// Whether this is what `fetch` rejects with when the network fails: a TypeError, told from a programming error by the beginnings
/// of the messages of Chromium, Firefox and WebKit.
pub(super) fn is_network_error(error: &JsValue) -> bool {
    const MESSAGES: [&str; 7] = [
        "Failed to fetch",
        "NetworkError",
        "Load failed",
        "network error",
        "Error in input stream",
        "The network connection was lost",
        "fetch failed",
    ];
    let Some(error) = error.dyn_ref::<js_sys::TypeError>() else { return false };
    let message = String::from(error.message());
    MESSAGES.into_iter().any(|beginning| message.starts_with(beginning))
}
