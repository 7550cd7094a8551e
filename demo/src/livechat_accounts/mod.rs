//! A stand-in for LiveChat's accounts API, for demos and tests. It is not LiveChat and knows nobody's customers.
//!
//! Faithful to LiveChat's Customer Accounts API, versions 1 and 2, as far as it is documented; its own endpoints are
//! below `/stand-in/`.

mod endpoints;
mod faults;
mod ledger;
mod uuid;

pub use endpoints::service;
pub use faults::Faults;
pub use ledger::StandIn;
pub use uuid::random_uuid;

use secrecy::SecretString;

/// What the stand-in accepts.
#[derive(Debug, Clone)]
pub struct StandInSettings {
    /// The one agent token with the scope `customers:own`.
    pub agent_token: SecretString,
    /// The one client id; any, when not set.
    pub client_id: Option<String>,
    /// The organization of tokens for which none was named.
    pub organization_id: String,
    /// Prefixes of `redirect_uri` that are whitelisted, besides every http page of this machine.
    pub redirect_prefixes: Vec<String>,
    /// Origins whose pages may read answers, besides every http page of this machine.
    pub allowed_origins: Vec<String>,
    /// Give cookies the documented `Secure; SameSite=None`. Without it they are `SameSite=Lax`: over plain http not
    /// every browser keeps a `Secure` cookie, and pages on other ports of this machine are the same site anyway.
    pub secure_cookies: bool,
}

impl StandInSettings {
    /// Everything by default.
    pub fn new(agent_token: SecretString) -> Self {
        Self {
            agent_token,
            client_id: None,
            organization_id: "00000000-0000-4000-8000-000000000001".to_owned(),
            redirect_prefixes: Vec::new(),
            allowed_origins: Vec::new(),
            secure_cookies: false,
        }
    }
}
