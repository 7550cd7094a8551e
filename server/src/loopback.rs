//! Which hosts are this machine.

use url::{Host, Url};

/// Whether the URL's host is this machine: nobody on a network reads what goes there, and browsers treat such a page as
/// one that came over a secure connection.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
        None => false,
    }
}
