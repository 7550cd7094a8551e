//! The demo's static files and the headers that protect them.

use axum::{
    Router,
    handler::HandlerWithoutStateExt,
    http::{HeaderName, HeaderValue, header},
};
use tower::ServiceBuilder;
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

use super::{LiveChat, SiteSettings};
use crate::problem::not_found;

/// What a page may load. Only the real LiveChat needs more than the site itself and the stand-in.
fn content_security_policy(livechat: &LiveChat, wasm: bool) -> String {
    let wasm = if wasm { " 'wasm-unsafe-eval'" } else { "" };
    let accounts = &livechat.accounts_url;
    if livechat.real {
        let hosts = "https://*.livechatinc.com https://*.livechat.com https://*.text.com";
        format!(
            "default-src 'none'; script-src 'self'{wasm} {hosts}; connect-src 'self' {accounts} {hosts} wss://*.livechatinc.com \
             wss://*.text.com; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; font-src 'self' https:; \
             media-src https:; frame-src {hosts}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
    } else {
        format!(
            "default-src 'none'; script-src 'self'{wasm}; connect-src 'self' {accounts}; style-src 'self'; \
             img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
    }
}

/// Adds `/pkg/` (the built package), `/no-wasm/` (the page under a policy that forbids WebAssembly) and `/` (the page).
pub(super) fn add(router: Router, settings: &SiteSettings) -> Router {
    let policy = |wasm| {
        HeaderValue::from_str(&content_security_policy(&settings.livechat, wasm))
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
