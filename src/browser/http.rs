//! One HTTP request for a token: what is sent, and what each answer means.

use js_sys::{JSON, Object};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Response};

use crate::core::{Code, Failure, Fields, Value};

use super::error::{SourceFailure, is_network_error, set};
use super::fields::JsFields;
use super::sys;

/// How a service is asked.
pub(super) struct HttpRequest<'a> {
    pub(super) url: &'a str,
    pub(super) method: &'a str,
    pub(super) headers: Option<&'a Object>,
    pub(super) credentials: &'a str,
    pub(super) body: Option<&'a str>,
}

impl HttpRequest<'_> {
    /// Sends it and answers with the JSON of a successful answer. Neither the body nor a part of it gets into an error.
    pub(super) async fn send(&self, signal: &AbortSignal) -> Result<JsValue, SourceFailure> {
        let init = Object::new();
        set(&init, "method", &self.method.into());
        set(&init, "credentials", &self.credentials.into());
        set(&init, "cache", &"no-store".into());
        set(&init, "signal", signal);
        if let Some(headers) = self.headers {
            set(&init, "headers", headers);
        }
        if let Some(body) = self.body {
            set(&init, "body", &body.into());
        }
        let sent = sys::fetch(self.url, &init).map_err(unreachable_service)?;
        let response: Response = JsFuture::from(sent).await.map_err(unreachable_service)?.unchecked_into();
        if !response.ok() {
            return Err(refused(&response).await.into());
        }
        let text = body_text(&response).await?;
        parse(&text)
    }
}

/// The answer's JSON. `JSON.parse` quotes the text in its error, so that error is not kept.
fn parse(text: &str) -> Result<JsValue, SourceFailure> {
    JSON::parse(text).map_err(|_| {
        let found = match text.trim_start().chars().next() {
            None => "empty",
            Some('<') => "HTML",
            Some(_) => "no JSON",
        };
        Failure::bad_answer("", found, "JSON").into()
    })
}

async fn body_text(response: &Response) -> Result<String, SourceFailure> {
    let reading = response.text().map_err(unreachable_service)?;
    Ok(JsFuture::from(reading).await.map_err(unreachable_service)?.as_string().unwrap_or_default())
}

/// An answer without success: an exception of LiveChat's accounts where the body holds one, else what the status says.
async fn refused(response: &Response) -> Failure {
    let status = response.status();
    let retry_after = response.headers().get("retry-after").ok().flatten().and_then(|header| parse_retry_after(&header));
    let body = match body_text(response).await {
        Ok(text) => JSON::parse(&text).unwrap_or(JsValue::NULL),
        // The status alone says enough when the rest of the answer is lost.
        Err(_) => JsValue::NULL,
    };
    let exceptions =
        [("identity_exception", Code::SsoIdentityException), ("oauth_exception", Code::SsoOauthException)];
    for (field, code) in exceptions {
        if let Value::Text(name) = JsFields(&body).field(field)
            && is_exception_name(&name)
        {
            return Failure::of_exception(code, name, Some(status), retry_after);
        }
    }
    Failure::of_status(status, retry_after)
}

/// Whether this is the name of an exception, and nothing that could hold a secret.
fn is_exception_name(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase())
}

/// Retry-After (RFC 9110, section 10.2.3) in milliseconds from now: a number of seconds or a date.
fn parse_retry_after(header: &str) -> Option<i64> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u32>() {
        return Some(i64::from(seconds).saturating_mul(1_000));
    }
    let date = js_sys::Date::parse(header);
    if date.is_finite() { Some(((date - js_sys::Date::now()) as i64).max(0)) } else { None }
}

/// `fetch` rejects with a TypeError whatever kept the request from being answered.
fn unreachable_service(cause: JsValue) -> SourceFailure {
    let is_passing = is_network_error(&cause) || cause.is_instance_of::<js_sys::TypeError>();
    let message = "the service could not be reached";
    let failure = Failure { retryable: is_passing, ..Failure::lasting(Code::Network, message) };
    SourceFailure { failure, cause: Some(cause) }
}
