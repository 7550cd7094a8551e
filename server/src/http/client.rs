//! The HTTP clients of this service's own questions: to LiveChat, to the site, and to who issues its tokens.

use std::{error::Error, io};

use reqwest::{Client, ClientBuilder, redirect::Policy, retry};
use url::Url;

use crate::loopback::is_loopback;

/// A client for this URL. It follows no redirect, which would carry a secret to a host that nobody configured. What stays on this machine
/// takes no way through the proxy that the environment names (`HTTP_PROXY`): over a network, a question in clear is everybody's. It says
/// who it is, for some firewalls let nobody else in.
pub(crate) fn client_for(url: &Url) -> ClientBuilder {
    let builder =
        Client::builder().redirect(Policy::none()).user_agent(concat!("identity-service/", env!("CARGO_PKG_VERSION")));
    if is_loopback(url) { builder.no_proxy() } else { builder }
}

/// The same, for questions that change nothing. One is asked a second time when its connection was cut before the answer: a server may
/// close a kept connection at the moment at which the question is sent.
pub(crate) fn asking_client_for(url: &Url) -> ClientBuilder {
    let again = retry::for_host(url.host_str().unwrap_or_default().to_owned());
    let again = again.no_budget().max_retries_per_request(1);
    client_for(url).retry(again.classify_fn(|attempt| match attempt.error().is_some_and(is_cut) {
        true => attempt.retryable(),
        false => attempt.success(),
    }))
}

fn is_cut(error: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    std::iter::successors(Some(error), |error| <dyn Error>::source(*error)).any(|cause| {
        cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message)
            || cause.downcast_ref::<io::Error>().is_some_and(|error| {
                matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
            })
    })
}
