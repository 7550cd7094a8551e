//! Why a request of this service's own got no answer, in words that hold nothing of the request and do not say where it went.

use std::error::Error;

use crate::certificate_refusal::{self, certificate_refusal};

/// The words.
pub(crate) fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    if !error.is_connect() {
        return "the connection was cut".to_owned();
    }
    // What the system or TLS says is at the end of the chain; before it everybody only says that something failed.
    let mut deepest: &(dyn Error + 'static) = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    match certificate_refusal(deepest) {
        Some(reason) => format!("the certificate is not accepted, {}", certificate_refusal::words(reason)),
        None => format!("no connection, {deepest}"),
    }
}
