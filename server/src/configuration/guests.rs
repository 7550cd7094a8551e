//! The flags of guests: visitors who are not signed in, and get an anonymous customer of their own.

use std::time::Duration;

use clap::Args;

use crate::{
    livechat::guests::GuestSettings,
    setting::{SettingError, wrong},
};

const DAY: Duration = Duration::from_secs(86_400);
/// Chrome keeps cookies no longer than this.
const LONGEST_LIFETIME: u32 = 400;

/// The flags.
#[derive(Debug, Clone, Args)]
pub struct GuestFlags {
    /// Serve visitors who are not signed in: POST /livechat/guest.
    #[arg(long, env = "IDENTITY_SERVICE_GUESTS")]
    pub guests: bool,
    /// A person who signs in and has no entity at LiveChat yet takes over the entity of the guest who they were.
    #[arg(long, env = "IDENTITY_SERVICE_ADOPT_GUESTS")]
    pub adopt_guests: bool,
    /// How long a guest who does not come back is remembered, in days.
    #[arg(long, env = "IDENTITY_SERVICE_GUEST_LIFETIME", default_value_t = 90, value_name = "DAYS")]
    pub guest_lifetime: u32,
    /// For development only: leave out `Secure` in the guest's cookie, for browsers that refuse it from
    /// http://localhost, as Safari does.
    #[arg(long, env = "IDENTITY_SERVICE_INSECURE_GUEST_COOKIE")]
    pub insecure_guest_cookie: bool,
}

impl GuestFlags {
    /// Checks them; None if guests are not served.
    pub fn check(self, serves_livechat: bool) -> Result<Option<GuestSettings>, SettingError> {
        if !(1..=LONGEST_LIFETIME).contains(&self.guest_lifetime) {
            return Err(wrong("guest-lifetime", format!("expected 1 to {LONGEST_LIFETIME} days")));
        }
        if !self.guests {
            let useless = [("adopt-guests", self.adopt_guests), ("insecure-guest-cookie", self.insecure_guest_cookie)];
            return match useless.into_iter().find(|(_, is_given)| *is_given) {
                Some((setting, _)) => Err(wrong(setting, "expected guests to be switched on as well")),
                None => Ok(None),
            };
        }
        if !serves_livechat {
            return Err(wrong("guests", "expected LiveChat to be served: the other widgets have no guests"));
        }
        Ok(Some(GuestSettings {
            adopt: self.adopt_guests,
            lifetime: DAY * self.guest_lifetime,
            secure_cookie: !self.insecure_guest_cookie,
        }))
    }
}
