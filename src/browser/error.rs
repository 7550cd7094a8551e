//! Failures as IdentityErrors, and the outcomes of sources as failures.

use js_sys::Promise;
use wasm_bindgen::JsValue;

use crate::core::{ErrorCode, Facts, Failure};

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

/// An option has a value that only a later version of the package knows.
pub(crate) fn unknown_option() -> Promise {
    let message = "an earlier version of this package, which the page loaded first, does not know this widget or cache";
    sys::refusal(&identity_error(&Failure::lasting(ErrorCode::BadOption, message), &JsValue::UNDEFINED))
}

/// What the failure of a source means; `pkg/src/source.js` says what each field of an outcome is.
pub(super) fn read_failure(outcome: &JsFields<'_>) -> Failure {
    let code = outcome.text("code").and_then(|name| ErrorCode::ALL.into_iter().find(|code| code.as_str() == name));
    let facts = Facts {
        identity_error: code.map(|code| (code, outcome.text("message").unwrap_or_default())),
        identity_exception: outcome.text("identityException"),
        oauth_exception: outcome.text("oauthException"),
        status: outcome.number("status"),
        retry_after: outcome.number("retryAfter"),
        retryable: outcome.value("retryable").as_bool(),
        found: outcome.text("found"),
        redirected: outcome.flag("redirected"),
        timed_out: outcome.flag("timedOut"),
        mistaken: outcome.flag("mistaken"),
        network: outcome.flag("network"),
        unclear: outcome.flag("unclear"),
    };
    facts.failure()
}
