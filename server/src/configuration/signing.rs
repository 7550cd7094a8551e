//! The flags of what the service itself signs: its keys, and in whose name.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use clap::Args;

use crate::{
    customer_records::{MEMBERS, OWN_CLAIMS},
    live_assist::LiveAssistSettings,
    omnichannel::OmnichannelSettings,
    setting::{SettingError, given, not_empty, unused, wrong},
    signing_keys::{CHECK_INTERVAL, LONGEST_TOKEN_LIFE, SigningKeys},
};

/// The environment variable of a signing key.
pub const SIGNING_KEY_VARIABLE: &str = "IDENTITY_SERVICE_SIGNING_KEY";

/// The flags.
#[derive(Debug, Clone, Args)]
pub struct SigningFlags {
    /// The folder of signing keys, which only its owner can read; `identity-service keys generate` makes it. Or one file with
    /// one key, for where secrets are mounted as files: a rotation then replaces it at once. One key itself, in PEM, may be in the
    /// environment variable IDENTITY_SERVICE_SIGNING_KEY.
    #[arg(long, env = "IDENTITY_SERVICE_SIGNING_KEYS", value_name = "FOLDER")]
    pub signing_keys: Option<PathBuf>,
    /// The issuer of the signed tokens: the fully qualified domain name of the site.
    #[arg(long, env = "IDENTITY_SERVICE_ISSUER", value_name = "DOMAIN")]
    pub issuer: Option<String>,
    /// A further member of customers' records, which goes as a claim into tokens; may be repeated or separated by commas.
    #[arg(long, env = "IDENTITY_SERVICE_RECORD_CLAIM", value_delimiter = ',', value_name = "NAME")]
    pub record_claim: Vec<String>,
}

/// What the service signs, and with what.
#[derive(Clone)]
pub struct SigningSettings {
    /// The keys.
    pub keys: SigningKeys,
    /// How often the running service looks for new keys.
    pub check_interval: Duration,
    /// `iss` of every token.
    pub issuer: String,
    /// Further members of records that go as claims into tokens.
    pub further_claims: Arc<[String]>,
    /// Omnichannel, when it is served.
    pub omnichannel: Option<OmnichannelSettings>,
    /// Live Assist, when it is served.
    pub live_assist: Option<LiveAssistSettings>,
}

impl SigningFlags {
    /// Checks them; None when no widget is served for which something is to be signed.
    pub fn check(
        self,
        variable: impl Fn(&str) -> Option<String>,
        omnichannel: Option<OmnichannelSettings>,
        live_assist: Option<LiveAssistSettings>,
    ) -> Result<Option<SigningSettings>, SettingError> {
        let issuer = not_empty(self.issuer);
        let key = not_empty(variable(SIGNING_KEY_VARIABLE));
        let further_claims = given(self.record_claim);
        let is_taken = |claim: &&String| MEMBERS.iter().chain(&OWN_CLAIMS).any(|taken| taken == claim);
        if let Some(claim) = further_claims.iter().find(is_taken) {
            return Err(wrong("record-claim", format!("expected a further claim, {claim} has its own meaning")));
        }
        if omnichannel.is_none() && live_assist.is_none() {
            return match (self.signing_keys, issuer) {
                (Some(_), _) => Err(unused("signing-keys", "omnichannel or live-assist")),
                _ if key.is_some() => Err(unused("signing-key", "omnichannel or live-assist")),
                (None, Some(_)) => Err(unused("issuer", "omnichannel or live-assist")),
                (None, None) if !further_claims.is_empty() => Err(unused("record-claim", "omnichannel or live-assist")),
                (None, None) => Ok(None),
            };
        }
        let keys = match (self.signing_keys, key) {
            (Some(_), Some(_)) => {
                return Err(wrong(
                    "signing-key",
                    format!("expected only one of {SIGNING_KEY_VARIABLE} and signing-keys"),
                ));
            }
            (Some(folder), None) => SigningKeys::open(&folder, SystemTime::now())?,
            (None, Some(key)) => SigningKeys::of_text(&key, SIGNING_KEY_VARIABLE)
                .map_err(|error| wrong("signing-key", error.to_string()))?,
            (None, None) => {
                let expected = "expected the folder of signing keys; identity-service keys generate makes one";
                return Err(wrong("signing-keys", expected));
            }
        };
        let issuer = issuer.filter(|issuer| issuer.bytes().all(|byte| byte.is_ascii_graphic())).ok_or_else(|| {
            wrong("issuer", "expected the fully qualified domain name of the site, like shop.example")
        })?;
        Ok(Some(SigningSettings {
            keys,
            check_interval: CHECK_INTERVAL,
            issuer,
            further_claims: further_claims.into(),
            omnichannel,
            live_assist,
        }))
    }
}

/// How long a signed token may live.
pub(super) fn token_lifetime(setting: &'static str, seconds: u64) -> Result<Duration, SettingError> {
    if !(1..=LONGEST_TOKEN_LIFE).contains(&seconds) {
        return Err(wrong(setting, format!("expected 1 to {LONGEST_TOKEN_LIFE} seconds")));
    }
    Ok(Duration::from_secs(seconds))
}
