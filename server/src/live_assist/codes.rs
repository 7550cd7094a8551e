//! Authorization codes: issued to the signed-in customer's page, redeemed once (RFC 6749, RFC 7636).

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::SecretString;

use crate::{
    clock::{Clock, OnceInAWhile, milliseconds},
    customer::CustomerId,
    customer_store::{CustomerStore, IssuedAuthorizationCode, Redemption, StoreError},
    proof_key::CodeChallenge,
    random::random_token,
};

/// A code stays this long after its end, so that a replay is told from nonsense.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// Old codes are removed this often.
const REMOVAL_INTERVAL: Duration = Duration::from_secs(600);

/// What a site sets for the code flow.
#[derive(Clone)]
pub struct CodeFlowSettings {
    /// Under which id Live Assist's service redeems codes.
    pub client_id: String,
    /// With which secret.
    pub client_secret: SecretString,
    /// The redirection URIs that a page may name; the first one is taken when it names none.
    pub redirect_uris: Vec<String>,
    /// How long a code lives.
    pub code_lifetime: Duration,
}

/// The codes of one site.
pub struct AuthorizationCodes {
    settings: CodeFlowSettings,
    store: CustomerStore,
    clock: Clock,
    removal: OnceInAWhile,
}

fn hash(code: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, code.as_bytes()).as_ref());
    bytes
}

impl AuthorizationCodes {
    /// The codes in this store, by this clock.
    pub fn new(settings: CodeFlowSettings, store: CustomerStore, clock: Clock) -> Self {
        Self { settings, store, clock, removal: OnceInAWhile::new(REMOVAL_INTERVAL) }
    }

    /// What the site sets.
    pub fn settings(&self) -> &CodeFlowSettings {
        &self.settings
    }

    fn now(&self) -> i64 {
        milliseconds(self.clock.now().wall)
    }

    /// The configured redirection URI that a page asked for, or the first one.
    pub fn redirect_uri(&self, asked: Option<&str>) -> Option<&str> {
        let mut known = self.settings.redirect_uris.iter().map(String::as_str);
        match asked {
            Some(asked) => known.find(|known| *known == asked),
            None => known.next(),
        }
    }

    /// A new code. The store gets its hash only: who reads the database can redeem nothing.
    pub async fn issue(
        &self,
        customer: CustomerId,
        redirect_uri: &str,
        challenge: Option<&CodeChallenge>,
    ) -> Result<String, StoreError> {
        self.remove_old().await?;
        let code = random_token()?;
        let lifetime = i64::try_from(self.settings.code_lifetime.as_millis()).unwrap_or(i64::MAX);
        let issued = IssuedAuthorizationCode {
            customer,
            redirect_uri: redirect_uri.to_owned(),
            code_challenge: challenge.map(|challenge| challenge.as_str().to_owned()),
            expires_at: self.now().saturating_add(lifetime),
        };
        self.store.put_code(&hash(&code), &issued).await?;
        Ok(code)
    }

    async fn remove_old(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        if !self.removal.is_due(now) {
            return Ok(());
        }
        self.store.remove_old_codes(milliseconds(now.wall - REMEMBERED)).await
    }

    /// Redeems a code, once: whoever comes second gets nothing.
    pub async fn redeem(&self, code: &str) -> Result<Redemption, StoreError> {
        self.store.redeem_code(&hash(code), self.now()).await
    }
}
