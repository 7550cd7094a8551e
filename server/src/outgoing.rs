//! How others are asked over HTTP: the site, its keys, an introspection endpoint, LiveChat's accounts.

use std::{error::Error, io};

use reqwest::{ClientBuilder, redirect::Policy, retry};
use url::Url;

use crate::loopback::is_loopback;

/// A client for what is at this URL.
pub(crate) fn client(url: &Url) -> ClientBuilder {
    let client = reqwest::Client::builder()
        // A redirect would carry secrets to a host that nobody configured.
        .redirect(Policy::none())
        // Some firewalls let nobody in who does not say who they are.
        .user_agent(concat!("identity-service/", env!("CARGO_PKG_VERSION")));
    // To a proxy, this machine is another one, and it would be sent the secrets in clear.
    if is_loopback(url) { client.no_proxy() } else { client }
}

/// The same, for questions that change nothing. One is asked a second time when its connection was cut before the answer: a server may
/// close a kept connection at the moment at which the question is sent.
pub(crate) fn asking_client(url: &Url) -> ClientBuilder {
    let again = retry::for_host(url.host_str().unwrap_or_default().to_owned());
    let again = again.no_budget().max_retries_per_request(1);
    client(url).retry(again.classify_fn(|attempt| match attempt.error().is_some_and(is_cut) {
        true => attempt.retryable(),
        false => attempt.success(),
    }))
}

/// The error and what caused it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| <dyn Error>::source(*error))
}

fn is_cut(error: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    causes(error).any(|cause| {
        cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message)
            || cause.downcast_ref::<io::Error>().is_some_and(|error| {
                matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
            })
    })
}
