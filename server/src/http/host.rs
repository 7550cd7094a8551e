//! Which host a request is meant for: exactly one, or it is refused (RFC 9112, section 3.2).

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, Version, header, uri::Authority},
};

use super::problem::Problem;

/// The host that the request names, as it was sent; none where there are several, or one that is no host.
pub fn host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
    let host = host.to_str().ok()?.trim();
    is_host(host).then_some(host)
}

fn is_host(text: &str) -> bool {
    let Ok(authority) = text.parse::<Authority>() else { return false };
    // The authority of a URL may also have a user; a port that is none would be taken for a part of the name. An empty one is the
    // default (RFC 3986, section 3.2.3).
    let after = text.get(authority.host().len()..);
    !text.contains('@') && (authority.port().is_some() || matches!(after, Some("" | ":")))
}

/// The request, if a proxy and this service cannot take it to be for two different hosts. Where its target is a whole URL, as
/// proxies write it, the host of that counts and not the header (section 3.2.2).
pub fn for_one_host(mut request: Request) -> Result<Request, Problem> {
    let is_missing = !request.headers().contains_key(header::HOST);
    let has_host = host(request.headers()).is_some() || (is_missing && request.version() < Version::HTTP_11);
    let target = request.uri().authority().map(Authority::as_str);
    if !has_host || target.is_some_and(|target| !is_host(target)) {
        let detail = "A request needs exactly one Host header, with a host and perhaps a port.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_host", detail));
    }
    if let Some(target) = target.and_then(|target| HeaderValue::from_str(target).ok()) {
        request.headers_mut().insert(header::HOST, target);
    }
    Ok(request)
}
