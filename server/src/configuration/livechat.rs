//! The flags of LiveChat: its accounts API, and how tokens are kept.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use secrecy::SecretString;
use url::Url;

use crate::{
    livechat::{
        LiveChatSettings,
        accounts::{Account, AccountsApiSettings},
        customer_tokens::TokenSettings,
        guests::GuestSettings,
    },
    setting::{SettingError, not_empty, required_secret, safe_url_without_user, seconds, wrong},
};

/// The environment variable that may hold the agent token. There is no flag for it, because everybody can see flags.
pub const AGENT_TOKEN_VARIABLE: &str = "IDENTITY_SERVICE_AGENT_TOKEN";

/// The flags.
#[derive(Debug, Clone, Args)]
pub struct LiveChatFlags {
    /// The host of LiveChat's accounts API.
    #[arg(long, env = "IDENTITY_SERVICE_ACCOUNTS_URL", default_value = "https://accounts.livechat.com")]
    pub accounts_url: String,
    /// The client id of the application at LiveChat.
    #[arg(long, env = "IDENTITY_SERVICE_CLIENT_ID")]
    pub client_id: Option<String>,
    /// The organization's id: uses version 2 of the API.
    #[arg(long, env = "IDENTITY_SERVICE_ORGANIZATION_ID")]
    pub organization_id: Option<String>,
    /// The licence's number: uses version 1 of the API, unless the organization is given too.
    #[arg(long, env = "IDENTITY_SERVICE_LICENSE_ID")]
    pub license_id: Option<u64>,
    /// A file that holds the agent token, readable only by its owner or group. The environment variable is
    /// IDENTITY_SERVICE_AGENT_TOKEN.
    #[arg(long, env = "IDENTITY_SERVICE_AGENT_TOKEN_FILE", value_name = "FILE")]
    pub agent_token_file: Option<PathBuf>,
    /// How long LiveChat's accounts may take, in seconds.
    #[arg(long, env = "IDENTITY_SERVICE_ACCOUNTS_TIMEOUT", default_value_t = 8.0, value_name = "SECONDS")]
    pub accounts_timeout: f64,
    /// How long the creation of a customer may take, in seconds. Callers do not wait that long, but the answer is
    /// still remembered when it comes.
    #[arg(long, env = "IDENTITY_SERVICE_CREATION_TIMEOUT", default_value_t = 60.0, value_name = "SECONDS")]
    pub creation_timeout: f64,
    /// A kept token is replaced when less than this share of its life is left. Not below an eighth: LiveChat's
    /// client throws away a token of eight hours in its last hour.
    #[arg(long, env = "IDENTITY_SERVICE_LEAST_LIFE", default_value_t = 0.25, value_name = "SHARE")]
    pub least_life: f64,
    /// A page that asks for a fresh token (Cache-Control: no-cache) still gets a kept one younger than this, in seconds.
    #[arg(long, env = "IDENTITY_SERVICE_FRESH_AFTER", default_value_t = 5.0, value_name = "SECONDS")]
    pub fresh_after: f64,
}

impl LiveChatFlags {
    /// How long the accounts may take.
    pub fn timeout(&self) -> Result<Duration, SettingError> {
        seconds("accounts-timeout", self.accounts_timeout, 300.0)
    }

    /// Checks them; None when LiveChat is not served. `guests` is told whether it is.
    pub fn check(
        self,
        variable: &impl Fn(&str) -> Option<String>,
        guests: impl FnOnce(bool) -> Result<Option<GuestSettings>, SettingError>,
    ) -> Result<Option<LiveChatSettings>, SettingError> {
        let agent_token = required_secret(
            "agent-token",
            (AGENT_TOKEN_VARIABLE, variable(AGENT_TOKEN_VARIABLE)),
            self.agent_token_file.as_deref(),
        )?;
        let timeout = self.timeout()?;
        let creation_timeout = seconds("creation-timeout", self.creation_timeout, 600.0)?.max(timeout);
        let accounts = accounts(
            not_empty(self.client_id),
            not_empty(self.organization_id),
            self.license_id,
            agent_token,
            (safe_url_without_user("accounts-url", &self.accounts_url)?, timeout, creation_timeout),
        )?;
        let guests = guests(accounts.is_some())?;
        if !(0.0..=0.9).contains(&self.least_life) {
            return Err(wrong("least-life", "expected a share from 0 to 0.9"));
        }
        let tokens = TokenSettings {
            least_life: self.least_life,
            fresh_after: Duration::try_from_secs_f64(self.fresh_after)
                .map_err(|_| wrong("fresh-after", "expected a number of seconds"))?,
            // A little longer than the request to accounts, whose own error says more.
            patience: timeout + Duration::from_millis(500),
            capacity: 100_000,
        };
        Ok(accounts.map(|accounts| LiveChatSettings { accounts, tokens, guests }))
    }
}

/// How the accounts are reached: by all of these, or not at all.
fn accounts(
    client_id: Option<String>,
    organization_id: Option<String>,
    license_id: Option<u64>,
    agent_token: Option<String>,
    (url, timeout, creation_timeout): (Url, Duration, Duration),
) -> Result<Option<AccountsApiSettings>, SettingError> {
    if client_id.is_none() && organization_id.is_none() && license_id.is_none() && agent_token.is_none() {
        return Ok(None);
    }
    let client_id =
        client_id.ok_or_else(|| wrong("client-id", "expected the client id of the application at LiveChat"))?;
    let account = match (organization_id, license_id) {
        (Some(organization_id), license_id) => Account::Organization { organization_id, license_id },
        (None, Some(license_id)) => Account::License { license_id },
        (None, None) => {
            return Err(wrong(
                "organization-id",
                "expected the organization's id, or license-id with the licence's number",
            ));
        }
    };
    let agent_token = agent_token.ok_or_else(|| {
        wrong("agent-token", format!("expected the agent token in {AGENT_TOKEN_VARIABLE} or --agent-token-file"))
    })?;
    if !agent_token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong("agent-token", "expected printable characters without spaces"));
    }
    let agent_token = SecretString::from(agent_token);
    Ok(Some(AccountsApiSettings { url, client_id, account, agent_token, timeout, creation_timeout }))
}
