//! The demo's static files and the headers that protect them.

use axum::{
    Router,
    handler::HandlerWithoutStateExt,
    http::{HeaderName, HeaderValue, header},
};
use identity_service::http::problem::not_found;
use tower::ServiceBuilder;
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

use super::{LiveChat, SiteSettings};

/// What the pages of a site have to do with frames.
pub(super) enum Frames {
    /// They may show pages of these ports of this machine in frames, and are never in one themselves.
    Show(Vec<u16>),
    /// They are shown in the frames of such a page.
    Shown,
}

/// The names by which this machine's own browser may have reached it.
const NAMES: [&str; 2] = ["127.0.0.1", "localhost"];

impl Frames {
    /// `frame-src` and `frame-ancestors`, besides what LiveChat itself needs.
    fn directives(&self, livechat: &str) -> String {
        let mut sources: Vec<String> = livechat.split_whitespace().map(str::to_owned).collect();
        let mut ancestors = vec!["'none'".to_owned()];
        match self {
            Self::Show(ports) => {
                let addresses = ports.iter().flat_map(|port| NAMES.map(|name| format!("http://{name}:{port}")));
                sources.extend(addresses);
            }
            Self::Shown => ancestors = NAMES.map(|name| format!("http://{name}:*")).into(),
        }
        if sources.is_empty() {
            sources.push("'none'".to_owned());
        }
        format!("frame-src {}; frame-ancestors {}", sources.join(" "), ancestors.join(" "))
    }
}

/// What a page may load. Only the real LiveChat needs more than the site itself and the stand-in.
fn content_security_policy(livechat: &LiveChat, frames: &Frames, wasm: bool) -> String {
    let wasm = if wasm { " 'wasm-unsafe-eval'" } else { "" };
    let accounts = &livechat.accounts_url;
    if livechat.real {
        let hosts = "https://*.livechatinc.com https://*.livechat.com https://*.text.com";
        let frames = frames.directives(hosts);
        format!(
            "default-src 'none'; script-src 'self'{wasm} {hosts}; connect-src 'self' {accounts} {hosts} wss://*.livechatinc.com \
             wss://*.text.com; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; font-src 'self' https:; \
             media-src https:; {frames}; base-uri 'none'; form-action 'self'"
        )
    } else {
        let frames = frames.directives("");
        format!(
            "default-src 'none'; script-src 'self'{wasm}; connect-src 'self' {accounts}; style-src 'self'; \
             img-src 'self' data:; font-src 'self'; {frames}; base-uri 'none'; form-action 'self'"
        )
    }
}

/// Adds `/pkg/` (the built package), `/no-wasm/` (the page under a policy that forbids WebAssembly) and `/` (the page).
pub(super) fn add(router: Router, settings: &SiteSettings, frames: &Frames) -> Router {
    let policy = |wasm| {
        HeaderValue::from_str(&content_security_policy(&settings.livechat, frames, wasm))
            .unwrap_or(HeaderValue::from_static("default-src 'none'"))
    };
    let files = |folder: &std::path::Path, wasm| {
        ServiceBuilder::new()
            .layer(SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, policy(wasm)))
            // The demo's files change while it is worked on.
            .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
            .service(ServeDir::new(folder).fallback(not_found.into_service()))
    };
    let fixed = |name: &'static str, value: &'static str| {
        SetResponseHeaderLayer::overriding(HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    router
        .nest_service("/pkg", files(&settings.package, true))
        .nest_service("/no-wasm", files(&settings.www, false))
        .fallback_service(files(&settings.www, true))
        .layer(fixed("x-content-type-options", "nosniff"))
        .layer(fixed("referrer-policy", "same-origin"))
        .layer(fixed("cross-origin-opener-policy", "same-origin-allow-popups"))
}
