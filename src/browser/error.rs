//! Failures as IdentityErrors, and the outcomes of sources as failures.

use wasm_bindgen::JsValue;

use crate::core::{Code, Failure};

use super::fields::JsFields;
use super::sys;

/// The IdentityError that a caller sees; without a cause, `cause` is undefined.
pub(super) fn identity_error(failure: &Failure, cause: &JsValue) -> JsValue {
    sys::identity_error(
        failure.code.as_str(),
        &failure.message,
        cause,
        failure.retryable,
        failure.status.map_or(-1.0, f64::from),
        failure.retry_after.map_or(-1.0, |retry_after| retry_after as f64),
    )
}

/// What the failure of a source means; `pkg/src/source.js` says what each field of an outcome is.
pub(super) fn read_failure(outcome: &JsFields<'_>) -> Failure {
    let status = outcome.number("status").filter(|status| (400.0..600.0).contains(status)).map(|status| status as u16);
    let retry_after = outcome.number("retryAfter").map(|milliseconds| milliseconds as i64);
    let retryable = outcome.flag("retryable");
    let code = outcome.text("code").and_then(|name| Code::ALL.into_iter().find(|code| code.as_str() == name));
    if let Some(code) = code {
        let message = outcome.text("message").unwrap_or_default().into();
        return Failure { code, message, retryable, status, retry_after };
    }
    if let Some(name) = outcome.text("identityException") {
        return Failure::of_exception(Code::SsoIdentityException, name, status, retry_after);
    }
    if let Some(name) = outcome.text("oauthException") {
        return Failure::of_exception(Code::SsoOauthException, name, status, retry_after);
    }
    if let Some(status) = status {
        return Failure::of_status(status, retry_after);
    }
    if let Some(found) = outcome.text("found") {
        return Failure::bad_answer("", &found, "JSON");
    }
    if outcome.flag("network") {
        return Failure::passing(Code::Network, "the service could not be reached");
    }
    let message = "the function given as source failed; see cause";
    Failure { retryable, retry_after, ..Failure::lasting(Code::SourceFailed, message) }
}
