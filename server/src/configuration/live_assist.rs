//! The flags of Live Assist, with its code flow.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use secrecy::SecretString;
use url::Url;

use super::signing::token_lifetime;
use crate::{
    live_assist::{LiveAssistSettings, codes::CodeFlowSettings, json_web_encryption::EncryptionKey},
    setting::{SHORTEST_SECRET, SettingError, given, not_empty, required_secret, too_short, unused, wrong},
};

/// The environment variable that may hold the secret with which Live Assist's service redeems codes.
pub const CLIENT_SECRET_VARIABLE: &str = "IDENTITY_SERVICE_LIVE_ASSIST_CLIENT_SECRET";
/// LivePerson's own default.
const DEFAULT_REDIRECT_URI: &str = "https://liveperson.net";
/// The longest life of a code, in seconds: RFC 6749, section 4.1.2.
const LONGEST_CODE_LIFE: u64 = 600;

/// The flags.
#[derive(Debug, Clone, Args)]
pub struct LiveAssistFlags {
    /// Serve Live Assist.
    #[arg(long, env = "IDENTITY_SERVICE_LIVE_ASSIST")]
    pub live_assist: bool,
    /// How long a token for Live Assist lives, in seconds.
    #[arg(long, env = "IDENTITY_SERVICE_LIVE_ASSIST_TOKEN_LIFETIME", default_value_t = 600, value_name = "SECONDS")]
    pub live_assist_token_lifetime: u64,
    /// The id with which Live Assist's service redeems codes: switches the code flow on.
    #[arg(long, env = "IDENTITY_SERVICE_LIVE_ASSIST_CLIENT_ID", value_name = "ID")]
    pub live_assist_client_id: Option<String>,
    /// A file that holds the secret of that client, readable only by its owner or group. The environment variable is
    /// IDENTITY_SERVICE_LIVE_ASSIST_CLIENT_SECRET.
    #[arg(long, env = "IDENTITY_SERVICE_LIVE_ASSIST_CLIENT_SECRET_FILE", value_name = "FILE")]
    pub live_assist_client_secret_file: Option<PathBuf>,
    /// A redirection URI that a page may name for a code; may be repeated or separated by commas, the first is the
    /// default. Without any, liveperson.net over HTTPS.
    #[arg(long, env = "IDENTITY_SERVICE_LIVE_ASSIST_REDIRECT_URI", value_delimiter = ',', value_name = "URL")]
    pub live_assist_redirect_uri: Vec<String>,
    /// How long a code lives, in seconds.
    #[arg(long, env = "IDENTITY_SERVICE_LIVE_ASSIST_CODE_LIFETIME", default_value_t = 60, value_name = "SECONDS")]
    pub live_assist_code_lifetime: u64,
    /// Live Assist's public key, PEM or JSON Web Key: tokens for it are encrypted.
    #[arg(long, env = "IDENTITY_SERVICE_LIVE_ASSIST_ENCRYPTION_KEY", value_name = "FILE")]
    pub live_assist_encryption_key: Option<PathBuf>,
}

impl LiveAssistFlags {
    /// Checks them; None when Live Assist is not served.
    pub fn check(self, variable: &impl Fn(&str) -> Option<String>) -> Result<Option<LiveAssistSettings>, SettingError> {
        let client_id = not_empty(self.live_assist_client_id);
        let client_secret = required_secret(
            "live-assist-client-secret",
            (CLIENT_SECRET_VARIABLE, variable(CLIENT_SECRET_VARIABLE)),
            self.live_assist_client_secret_file.as_deref(),
        )?;
        let redirect_uris = given(self.live_assist_redirect_uri);
        if !self.live_assist {
            let useless = [
                ("live-assist-client-id", client_id.is_some()),
                ("live-assist-client-secret", client_secret.is_some()),
                ("live-assist-redirect-uri", !redirect_uris.is_empty()),
                ("live-assist-encryption-key", self.live_assist_encryption_key.is_some()),
            ];
            return match useless.into_iter().find(|(_, is_given)| *is_given) {
                Some((setting, _)) => Err(unused(setting, "live-assist")),
                None => Ok(None),
            };
        }
        Ok(Some(LiveAssistSettings {
            token_lifetime: token_lifetime("live-assist-token-lifetime", self.live_assist_token_lifetime)?,
            encryption: self
                .live_assist_encryption_key
                .map(|file| EncryptionKey::read(&file))
                .transpose()
                .map_err(|expected| wrong("live-assist-encryption-key", expected))?,
            code_flow: code_flow(client_id, client_secret, redirect_uris, self.live_assist_code_lifetime)?,
        }))
    }
}

fn code_flow(
    client_id: Option<String>,
    client_secret: Option<String>,
    redirect_uris: Vec<String>,
    code_lifetime: u64,
) -> Result<Option<CodeFlowSettings>, SettingError> {
    let (client_id, client_secret) = match (client_id, client_secret) {
        (Some(id), Some(secret)) => (id, secret),
        (None, None) if redirect_uris.is_empty() => return Ok(None),
        (Some(_), None) => {
            let expected = format!("expected the client's secret in {CLIENT_SECRET_VARIABLE} or a file");
            return Err(wrong("live-assist-client-secret", expected));
        }
        (None, _) => {
            let expected = "expected the id with which Live Assist redeems codes, for the code flow";
            return Err(wrong("live-assist-client-id", expected));
        }
    };
    if client_id.contains(':') || !client_id.bytes().all(|byte| byte.is_ascii_graphic()) {
        let expected = "expected printable characters without spaces and colons";
        return Err(wrong("live-assist-client-id", expected));
    }
    if client_secret.len() < SHORTEST_SECRET {
        return Err(too_short("live-assist-client-secret"));
    }
    // RFC 6749, section 3.1.2: absolute, without a fragment.
    let fits = |text: &&String| Url::parse(text).is_ok_and(|url| url.has_host() && url.fragment().is_none());
    if let Some(wrong_one) = redirect_uris.iter().find(|text| !fits(text)) {
        let expected = format!("expected absolute URLs without a fragment, found {wrong_one:?}");
        return Err(wrong("live-assist-redirect-uri", expected));
    }
    if !(1..=LONGEST_CODE_LIFE).contains(&code_lifetime) {
        return Err(wrong("live-assist-code-lifetime", format!("expected 1 to {LONGEST_CODE_LIFE} seconds")));
    }
    Ok(Some(CodeFlowSettings {
        client_id,
        client_secret: SecretString::from(client_secret),
        redirect_uris: if redirect_uris.is_empty() { vec![DEFAULT_REDIRECT_URI.to_owned()] } else { redirect_uris },
        code_lifetime: Duration::from_secs(code_lifetime),
    }))
}
