//! What it means that a source gave no answer: the one place where it is decided, from plain facts.
//!
//! `pkg/src/source.js` and `pkg/src/thrown.js` find the facts and decide nothing; the first row that fits decides.
//!
//! | row | what was found | code | passes by itself |
//! |---|---|---|---|
//! | 1 | an IdentityError | its own | as it says |
//! | 2 | LiveChat's `identity_exception` | `SSO_IDENTITY_EXCEPTION` | `server_error`, `temporarily_unavailable` |
//! | 3 | LiveChat's `oauth_exception` | `SSO_OAUTH_EXCEPTION` | `server_error`, `temporarily_unavailable` |
//! | 4 | HTTP 401 | `NOT_SIGNED_IN` | no |
//! | 5 | HTTP 408, 429, 500 to 599 | `UNAVAILABLE` | yes |
//! | 6 | HTTP 302, 303, 307: the client was told not to follow | `NOT_SIGNED_IN` | no |
//! | 7 | HTTP 304 | `BAD_ANSWER` | no |
//! | 8 | any other HTTP status from 300 to 999 | `REFUSED` | no |
//! | 9 | a redirect that cannot be followed | `NOT_SIGNED_IN` | no |
//! | 10 | a sign-in page, which asks for a password | `NOT_SIGNED_IN` | no |
//! | 11 | HTML, or HTTP 200 to 299 and an error, after a redirect | `NOT_SIGNED_IN` | no |
//! | 12 | HTML, nothing, or anything else that is not JSON | `BAD_ANSWER` | no |
//! | 13 | a client gave up waiting: its own timeout, its own abort | `TIMED_OUT` | yes |
//! | 14 | a programming error | `SOURCE_FAILED` | no |
//! | 15 | the network failed, or the browser is offline | `NETWORK` | yes |
//! | 16 | a TypeError that is neither surely | `SOURCE_FAILED` | yes |
//! | 17 | anything else | `SOURCE_FAILED` | no |
//!
//! An error that says of itself whether it is `retryable` is believed, in every row but the second and third, which are LiveChat's alone; a
//! Retry-After and an HTTP status are kept in every row. What the core itself aborted is nobody's failure and never gets here. An
//! empty answer to who wants a JWT is no failure of the source: it says that nobody is signed in, as null does (`answer.rs`).
//!
//! Why they are what they are:
//!
//! - Rows 6 and 9 to 11: services that know sessions send who has none to a page. A redirect to another origin's page is one that fetch may not
//!   follow, and which it reports as if the network had failed. So the attempt after a failure of the network asks not to follow;
//!   a redirect is then followed in the same attempt, and when that fails too it is the redirect that cannot be followed. HTML without
//!   a redirect is mostly the start page of a single-page application, answered for an address that is wrong: that is for who made the page.
//! - Row 13 comes before the network's, for a request that was given up has the status 0 as well.
//! - Rows 14 to 16: fetch rejects with a TypeError when the network fails, as a programming error does. What tells them apart, seen in all three
//!   engines: the error of a failed load has no stack at all in WebKit, whose words for it are the operating system's, in its language;
//!   an empty one in Firefox, or its English words; Chromium's has a stack, and English words that are never translated. A
//!   programming error always has a stack, and the engines' English words. A TypeError with a stack and words of neither kind may be
//!   a polyfill's, or one whose stack a monitoring script filled in: it is tried again, which `patience` bounds, and told to the console at once.

use super::failure::{ErrorCode, Failure};
use super::number::whole;

/// What was found where a source gave no answer; `pkg/src/thrown.js` says how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The code and the message of an IdentityError.
    pub identity_error: Option<(ErrorCode, String)>,
    /// LiveChat's name for the failure.
    pub identity_exception: Option<String>,
    /// LiveChat's name for the failure.
    pub oauth_exception: Option<String>,
    /// A number that stood where an HTTP status stands, but for 0.
    pub status: Option<f64>,
    /// Milliseconds until the next try is welcome.
    pub retry_after: Option<f64>,
    /// What the failure says of itself.
    pub retryable: Option<bool>,
    /// What stood where JSON was expected: "a redirect", "a sign-in page", "HTML", "empty" or "no JSON".
    pub found: Option<String>,
    /// Whether the answer came from another address than the one that was asked.
    pub redirected: bool,
    /// Whether a client says that it gave up waiting.
    pub timed_out: bool,
    /// Whether the language or the platform says that the program is wrong.
    pub mistaken: bool,
    /// Whether a client or the browser says that the network failed, or that there is none.
    pub network: bool,
    /// Whether a TypeError is all that is known.
    pub unclear: bool,
}

impl Facts {
    /// What they mean.
    ///
    /// ```
    /// use custom_identity_provider::core::{ErrorCode, Facts};
    ///
    /// let html = Facts { status: Some(200.0), found: Some("HTML".to_owned()), ..Facts::default() };
    /// assert_eq!(html.clone().failure().code, ErrorCode::BadAnswer);
    /// // The same after a redirect is the page where people sign in.
    /// assert_eq!(Facts { redirected: true, ..html }.failure().code, ErrorCode::NotSignedIn);
    /// let offline = Facts { network: true, ..Facts::default() }.failure();
    /// assert_eq!((offline.code, offline.retryable), (ErrorCode::Network, true));
    /// ```
    pub fn failure(self) -> Failure {
        let status = self.status.filter(|status| (100.0..1_000.0).contains(status)).map(|status| whole(status) as u16);
        let retry_after = self.retry_after.filter(|pause| *pause >= 0.0).map(whole);
        if let Some(name) = self.identity_exception {
            return Failure::of_exception(ErrorCode::SsoIdentityException, name, status, retry_after);
        }
        if let Some(name) = self.oauth_exception {
            return Failure::of_exception(ErrorCode::SsoOauthException, name, status, retry_after);
        }
        let found = self.found.as_deref();
        let failure = match (self.identity_error, status) {
            (Some((code, message)), _) => Failure::lasting(code, message),
            (None, Some(status @ 300..)) => Failure::of_status(status, None),
            _ if matches!(found, Some("a redirect" | "a sign-in page")) => Failure::sign_in_page(),
            _ if self.redirected && (found == Some("HTML") || status.is_some()) => Failure::sign_in_page(),
            _ => match found {
                // Only LiveChat gets here: for who takes text, an empty one is an answer.
                Some("empty") => Failure::bad_answer("", "empty", "JSON with access_token or accessToken"),
                Some(found) => Failure::bad_answer("", found, "JSON"),
                None if self.timed_out => Failure::timed_out(),
                None if self.mistaken => Failure::source_failed(false),
                None if self.network => Failure::passing(ErrorCode::Network, "the service could not be reached"),
                None => Failure::source_failed(self.unclear),
            },
        };
        Failure { retryable: self.retryable.unwrap_or(failure.retryable), status, retry_after, ..failure }
    }
}
