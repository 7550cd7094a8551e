//! What the demo's site is made of, who its customers are, and what its pages have to know.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Serialize;

use super::DeviceAddress;

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
