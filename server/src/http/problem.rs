//! Errors as the browser sees them: problem details (RFC 9457), never with a secret in them.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::answer::{ProblemCode, not_stored};

/// What went wrong, in the words of the HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    exception: Option<Exception>,
    retry_after: Option<u64>,
}

/// An exception of LiveChat's accounts that is final for this customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exception {
    /// `oauth_exception`
    #[serde(rename = "oauth_exception")]
    OAuth(String),
    /// `identity_exception`
    #[serde(rename = "identity_exception")]
    Identity(String),
}

impl Exception {
    /// Whether it says that the entity is not there any more.
    pub fn is_missing_entity(&self) -> bool {
        matches!(self, Self::OAuth(name) if name == "resource_not_found")
    }
}

impl Problem {
    /// `code` is for programs and stays the same; `detail` is for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), exception: None, retry_after: None }
    }

    /// Passes on what LiveChat's accounts said of this customer.
    pub fn with_exception(mut self, exception: Exception) -> Self {
        self.exception = Some(exception);
        self
    }

    /// Says in how many seconds it is worth asking again.
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The stable name of the error.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    exception: Option<&'a Exception>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            exception: self.exception.as_ref(),
        };
        let mut response = not_stored((self.status, Json(body)));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(ProblemCode(self.code));
        response
    }
}

/// The customer store failed; whoever says so has logged why.
pub fn store_unavailable() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", "The customer store is not available.")
        .with_retry_after(5)
}

/// Nothing is served at this path.
pub async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "Nothing is served at this path.")
}

/// The path exists, but not for this method.
pub async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This path does not take this method; the Allow header names those it takes.",
    )
}
