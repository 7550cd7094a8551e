//! Which host a request is meant for: exactly one, or it is refused (RFC 9112, section 3.2).

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, Version, header, uri::Authority},
};

use super::problem::Problem;

/// The host that the request names, as it was sent; none where there are several, or one that is no host.
pub fn host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
    let host = host.to_str().ok()?.trim();
    let authority: Authority = host.parse().ok()?;
    // The authority of a URL may also have a user; a port that is none would be taken for a part of the name.
    let well = !host.contains('@') && (authority.port().is_some() || host.len() == authority.host().len());
    well.then_some(host)
}

/// Refuses what a proxy and this service could take for two different hosts.
pub fn one_host(request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let is_missing = !headers.contains_key(header::HOST);
    if host(headers).is_none() && !(is_missing && request.version() < Version::HTTP_11) {
        let detail = "A request needs exactly one Host header, with a host and perhaps a port.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_host", detail));
    }
    Ok(())
}
