//! The site of the demo: a few customers, a session cookie, static files, and the identity service on the same origin.

mod chat_stand_in;
mod customer_records;
mod device;
mod live_assist_stand_in;
mod pages;
mod site_session;
mod story;

pub use customer_records::{CONTEXT_VARIABLES, put_records};
pub use device::{DEVICES, Device, DeviceAddress};
pub use live_assist_stand_in::LiveAssistSettings;
pub use site_session::session_settings;

use std::{path::PathBuf, sync::Arc};

use axum::{Router, middleware};
use chat_stand_in::ChatStandIn;
use device::keep_cookies_apart;
use pages::Frames;
use secrecy::SecretString;
use serde::Serialize;
use story::Story;
use tokio_util::sync::CancellationToken;
use url::Url;

use identity_service::{
    http::{problem::method_not_allowed, request_log::log_request},
    service::IdentityService,
};

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
    /// On which devices the shop is open, besides the site itself; none with LiveChat itself.
    pub devices: Vec<DeviceAddress>,
}

/// The identity service twice, with tokens of two lifetimes.
pub struct Services {
    /// As it would be used.
    pub service: IdentityService,
    /// With tokens that live shortly, so that their expiry can be watched; below `SHORT_LIVED`.
    pub short_lived: IdentityService,
}

/// Why the site could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// The client of a stand-in.
    #[error("the HTTP client could not be made: {0}")]
    Http(#[from] reqwest::Error),
    /// The stand-in's address.
    #[error("stand-in-url: {0}")]
    StandIn(#[from] url::ParseError),
}

/// What is to be served.
pub struct Routers {
    /// The site.
    pub site: Router,
    /// The same shop as each device reaches it, in the order of the settings.
    pub devices: Vec<Router>,
}

/// The whole site. Whoever waits for news of a conversation is answered when `stop` is cancelled.
pub fn routers(
    settings: SiteSettings,
    services: &Services,
    live_assist: LiveAssistSettings,
    stop: CancellationToken,
) -> Result<Routers, RouterError> {
    let settings = Arc::new(settings);
    let finished = |router: Router, frames: &Frames| {
        pages::add(router, &settings, frames)
            .method_not_allowed_fallback(method_not_allowed)
            .layer(middleware::from_fn(log_request))
    };
    let mut site = site_session::routes(Arc::clone(&settings), None)
        .merge(services.service.routes())
        .merge(live_assist_stand_in::routes(live_assist)?)
        .nest(SHORT_LIVED, services.short_lived.routes());
    let mut devices = Vec::new();
    if let Some(url) = &settings.livechat.stand_in_url {
        let chat = ChatStandIn::new(Url::parse(url)?, stop)?;
        let story = Story::new(chat.clone());
        site = site.merge(story.routes());
        let shop = site_session::routes(Arc::clone(&settings), Some(story))
            .merge(services.service.routes())
            .merge(chat.routes());
        for address in &settings.devices {
            let apart = middleware::from_fn_with_state(address.device, keep_cookies_apart);
            devices.push(finished(shop.clone(), &Frames::Shown).layer(apart));
        }
    }
    let ports = settings.devices.iter().map(|address| address.port).collect();
    Ok(Routers { site: finished(site, &Frames::Show(ports)), devices })
}

/// The address without path, for the Content-Security-Policy and for pages.
pub fn without_path(url: &Url) -> String {
    url.origin().ascii_serialization()
}
