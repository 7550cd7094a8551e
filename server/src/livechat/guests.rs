//! Visitors who are not signed in: each browser gets an anonymous customer of its own, until that guest is ended, or
//! adopted by the person who signs in.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};

use super::guest_cookie::{GuestCookie, GuestSecret};
use crate::{
    clock::{Clock, Moment, OnceInAWhile, milliseconds},
    customer::GuestId,
    customer_store::{CustomerStore, StoreError},
};

/// How often guests whose time is over are removed.
const REMOVAL_INTERVAL: Duration = Duration::from_secs(600);
/// When a guest comes back after a tenth of this time or more, the whole time starts again.
const EXTENSION_SHARE: u32 = 10;

/// How guests are served.
#[derive(Debug, Clone)]
pub struct GuestSettings {
    /// Whether a person who signs in takes over the guest's entity.
    pub adopt: bool,
    /// How long a guest who does not come back is remembered: the lifetime of the cookie and of the record.
    pub lifetime: Duration,
    /// Whether the cookie is `Secure`.
    pub secure_cookie: bool,
}

/// The guests of one site.
pub struct Guests {
    settings: GuestSettings,
    cookie: GuestCookie,
    store: CustomerStore,
    clock: Clock,
    removal: OnceInAWhile,
}

/// The guest who sent a request.
pub struct Visit {
    /// Who it is.
    pub guest: GuestId,
    /// The `Set-Cookie` that the answer has to carry.
    pub set_cookie: Option<HeaderValue>,
}

impl Guests {
    /// The guests in this store.
    pub fn new(settings: GuestSettings, store: CustomerStore, clock: Clock) -> Self {
        let cookie = GuestCookie::new(settings.secure_cookie, settings.lifetime);
        if !settings.secure_cookie {
            tracing::warn!("insecure-guest-cookie is for development: the guests' cookie can be read on its way");
        }
        Self { settings, cookie, store, clock, removal: OnceInAWhile::new(REMOVAL_INTERVAL) }
    }

    /// How the cookie is written and read.
    pub fn cookie(&self) -> GuestCookie {
        self.cookie
    }

    /// The guest that the request's cookie belongs to, or a new one. A forged cookie belongs to no guest.
    pub async fn visit(&self, headers: &HeaderMap) -> Result<Visit, StoreError> {
        let now = self.clock.now();
        for secret in self.cookie.read(headers) {
            let guest = secret.id();
            if let Some(expires_at) = self.store.guest_expiry(&guest, milliseconds(now.wall)).await? {
                let set_cookie = self.extend(&guest, &secret, expires_at, now).await?;
                return Ok(Visit { guest, set_cookie });
            }
        }
        if self.removal.is_due(now) {
            self.store.remove_old_guests(milliseconds(now.wall)).await?;
        }
        let secret = GuestSecret::new()?;
        let guest = secret.id();
        self.store.begin_guest(&guest, milliseconds(now.wall + self.settings.lifetime)).await?;
        Ok(Visit { guest, set_cookie: self.cookie.set(&secret) })
    }

    async fn extend(
        &self,
        guest: &GuestId,
        secret: &GuestSecret,
        expires_at: i64,
        now: Moment,
    ) -> Result<Option<HeaderValue>, StoreError> {
        let whole = milliseconds(now.wall + self.settings.lifetime);
        let least = milliseconds(now.wall + self.settings.lifetime - self.settings.lifetime / EXTENSION_SHARE);
        if expires_at >= least {
            return Ok(None);
        }
        self.store.extend_guest(guest, whole).await?;
        Ok(self.cookie.set(secret))
    }

    /// Whether the guest is still there.
    pub async fn is_there(&self, guest: &GuestId) -> Result<bool, StoreError> {
        Ok(self.store.guest_expiry(guest, milliseconds(self.clock.now().wall)).await?.is_some())
    }

    /// All guests that this browser was.
    pub fn sent(&self, headers: &HeaderMap) -> Vec<GuestId> {
        self.cookie.read(headers).iter().map(GuestSecret::id).collect()
    }

    /// The guests whose entity a customer from this browser may take over.
    pub fn adoptable(&self, headers: &HeaderMap) -> Vec<GuestId> {
        if self.settings.adopt { self.sent(headers) } else { Vec::new() }
    }

    /// Ends the guests of the request's cookies.
    pub async fn end(&self, headers: &HeaderMap) -> Result<(), StoreError> {
        for guest in self.sent(headers) {
            self.store.end_guest(&guest).await?;
        }
        Ok(())
    }
}
