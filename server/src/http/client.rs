//! The HTTP clients of this service's own questions: to LiveChat, to the site, and to who issues its tokens.

use reqwest::{Client, ClientBuilder, redirect::Policy};
use url::Url;

use crate::loopback::is_loopback;

/// A client for this URL. It follows no redirect, which would carry a secret to a host that nobody configured. What stays on this machine
/// takes no way through the proxy that the environment names (`HTTP_PROXY`): over a network, a question in clear is everybody's.
pub(crate) fn client_for(url: &Url) -> ClientBuilder {
    let builder = Client::builder().redirect(Policy::none());
    if is_loopback(url) { builder.no_proxy() } else { builder }
}
