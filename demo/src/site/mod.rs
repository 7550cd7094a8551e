//! The site of the demo: a few customers, a session cookie, static files, and the identity service on the same origin.

mod chat_stand_in;
mod customer_records;
mod device;
mod live_assist_stand_in;
mod pages;
mod settings;
mod site_session;
mod story;

pub use customer_records::{CONTEXT_VARIABLES, put_records};
pub use device::{DEVICES, Device, DeviceAddress};
pub use live_assist_stand_in::LiveAssistSettings;
pub use settings::{CUSTOMERS, Customer, JsonWebTokens, LiveChat, SESSION_COOKIE, SHORT_LIVED, SiteSettings};
pub use site_session::session_settings;

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
};
use chat_stand_in::ChatStandIn;
use device::keep_cookies_apart;
use identity_service::{
    http::{problem::method_not_allowed, request_log::log_request},
    service::IdentityService,
};
use pages::Frames;
use story::Story;
use tokio_util::sync::CancellationToken;
use url::Url;

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
        pages::add(router, &settings, frames).method_not_allowed_fallback(method_not_allowed).layer(
            middleware::from_fn(async |request: Request, next: Next| {
                log_request(None, request, async |request| next.run(request).await).await
            }),
        )
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
