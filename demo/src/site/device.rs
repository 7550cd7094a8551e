//! The devices of the demo's story. Each is a server of its own port, so that a browser keeps its storage apart; and its
//! cookies are kept apart here, for browsers send them to every port.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use serde::Serialize;

/// Something on which the shop is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Its name for programs.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
}

/// All of them.
pub const DEVICES: [Device; 3] = [
    Device { id: "laptop", name: "Ada’s laptop" },
    Device { id: "phone", name: "Ada’s phone" },
    Device { id: "kiosk", name: "A kiosk in the shop" },
];

/// A device and where it is found.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DeviceAddress {
    /// Which one.
    #[serde(flatten)]
    pub device: Device,
    /// On this machine.
    pub port: u16,
}

/// Names the device's cookies after it, on their way to the browser, and takes that off again on their way back. Other cookies
/// of this machine do not come through.
pub(super) async fn keep_cookies_apart(State(device): State<Device>, mut request: Request, next: Next) -> Response {
    let prefix = format!("{}.", device.id);
    let headers = request.headers_mut();
    let own: Vec<String> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix(&prefix).map(str::to_owned))
        .collect();
    headers.remove(header::COOKIE);
    if let Some(value) = HeaderValue::from_str(&own.join("; ")).ok().filter(|value| !value.is_empty()) {
        headers.insert(header::COOKIE, value);
    }
    let mut response = next.run(request).await;
    if let header::Entry::Occupied(cookies) = response.headers_mut().entry(header::SET_COOKIE) {
        let (name, values) = cookies.remove_entry_mult();
        let named = values
            .filter_map(|value| HeaderValue::from_bytes(&[prefix.as_bytes(), value.as_bytes()].concat()).ok())
            .collect::<Vec<_>>();
        for value in named {
            response.headers_mut().append(name.clone(), value);
        }
    }
    response
}
