//! The site of the demo: a few customers, a session cookie, static files, and the identity service on the same origin.

mod customer_records;
mod live_assist_stand_in;
mod pages;
mod site_session;

pub use customer_records::{CONTEXT_VARIABLES, put_records};
pub use live_assist_stand_in::LiveAssistSettings;
pub use site_session::session_settings;

use std::{path::PathBuf, sync::Arc};

use axum::{Router, middleware};
use secrecy::SecretString;
use serde::Serialize;
use url::Url;

use crate::{problem::method_not_allowed, request_log::log_request, service::IdentityService};

/// The name of the cookie that holds the session token.
pub const SESSION_COOKIE: &str = "demo_session";

/// Somebody who can sign in.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Customer {
    /// The site's own id.
    pub id: &'static str,
    /// The person's name.
    pub name: &'static str,
}

/// Everybody who can sign in.
pub const CUSTOMERS: [Customer; 3] = [
    Customer { id: "ada", name: "Ada Lovelace" },
    Customer { id: "grace", name: "Grace Hopper" },
    Customer { id: "alan", name: "Alan Turing" },
];

/// What the page has to know of LiveChat.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveChat {
    /// The licence's number.
    pub license_id: Option<u64>,
    /// The organization's id.
    pub organization_id: Option<String>,
    /// The application's id.
    pub client_id: String,
    /// The host of the accounts API, as the browser reaches it.
    pub accounts_url: String,
    /// Whether it is LiveChat itself.
    pub real: bool,
    /// Where the stand-in is, when it is not.
    pub stand_in_url: Option<String>,
}

/// What the pages of Omnichannel and Live Assist have to know of the tokens.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsonWebTokens {
    /// Who issues them.
    pub issuer: String,
    /// How long those live that come from below `SHORT_LIVED`, in seconds.
    pub short_lifetime: u64,
}

/// The path before the endpoints of the service whose tokens live shortly.
pub const SHORT_LIVED: &str = "/short-lived";

/// What the site is made of.
#[derive(Clone)]
pub struct SiteSettings {
    /// The folder of the page.
    pub www: PathBuf,
    /// The folder of the built package.
    pub package: PathBuf,
    /// Signs the session tokens.
    pub session_secret: SecretString,
    /// What the page has to know of LiveChat.
    pub livechat: LiveChat,
    /// What the pages have to know of the other widgets' tokens.
    pub json_web_tokens: JsonWebTokens,
}

/// The identity service twice, with tokens of two lifetimes.
pub struct Services {
    /// As it would be used.
    pub service: IdentityService,
    /// With tokens that live shortly, so that their expiry can be watched; below `SHORT_LIVED`.
    pub short_lived: IdentityService,
}

/// The whole site.
pub fn router(
    settings: SiteSettings,
    services: &Services,
    live_assist: LiveAssistSettings,
) -> Result<Router, reqwest::Error> {
    let settings = Arc::new(settings);
    let router = site_session::routes(Arc::clone(&settings))
        .merge(services.service.routes())
        .merge(live_assist_stand_in::routes(live_assist)?)
        .nest(SHORT_LIVED, services.short_lived.routes());
    Ok(pages::add(router, &settings)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn(log_request)))
}

/// The address without path, for the Content-Security-Policy and for pages.
pub fn without_path(url: &Url) -> String {
    url.origin().ascii_serialization()
}
