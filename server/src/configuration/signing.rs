//! The settings of what the service itself signs: keys, Omnichannel, Live Assist, and the admin API.

use std::{path::PathBuf, time::Duration, time::SystemTime};

use clap::Args;
use secrecy::SecretString;
use url::Url;

use crate::{
    live_assist::{LiveAssistSettings, codes::CodeFlowSettings, json_web_encryption::EncryptionKey},
    omnichannel::OmnichannelSettings,
    setting::{SHORTEST_SECRET, SettingError, not_empty, required_secret, too_short, wrong},
    signing_keys::{LONGEST_TOKEN_LIFE, SigningKeys},
};

/// The environment variable that may hold the secret with which Live Assist's service redeems codes.
pub const CLIENT_SECRET_VARIABLE: &str = "IDENTITY_SERVICE_LIVE_ASSIST_CLIENT_SECRET";
/// The environment variable that may hold the key of the admin API.
pub const ADMIN_KEY_VARIABLE: &str = "IDENTITY_SERVICE_ADMIN_KEY";
/// LivePerson's own default.
const DEFAULT_REDIRECT_URI: &str = "https://liveperson.net";
/// The longest life of a code, in seconds: RFC 6749, section 4.1.2.
const LONGEST_CODE_LIFE: u64 = 600;

/// The flags.
#[derive(Debug, Clone, Args)]
pub struct SigningFlags {
    /// The folder of signing keys, which only its owner can read; `identity-service keys generate` makes it.
    #[arg(long, env = "IDENTITY_SERVICE_SIGNING_KEYS", value_name = "FOLDER")]
    pub signing_keys: Option<PathBuf>,
    /// The issuer of the signed tokens: the fully qualified domain name of the site.
    #[arg(long, env = "IDENTITY_SERVICE_ISSUER", value_name = "DOMAIN")]
    pub issuer: Option<String>,
    /// Serve Microsoft Omnichannel.
    #[arg(long, env = "IDENTITY_SERVICE_OMNICHANNEL")]
    pub omnichannel: bool,
    /// How long a token for Omnichannel lives, in seconds.
    #[arg(long, env = "IDENTITY_SERVICE_OMNICHANNEL_TOKEN_LIFETIME", default_value_t = 600, value_name = "SECONDS")]
    pub omnichannel_token_lifetime: u64,
    /// A context variable of the workstream; may be repeated or separated by commas. Without any, all are allowed.
    #[arg(long, env = "IDENTITY_SERVICE_OMNICHANNEL_CONTEXT_VARIABLE", value_delimiter = ',', value_name = "NAME")]
    pub omnichannel_context_variable: Vec<String>,
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
    /// default. Without any, https://liveperson.net.
    #[arg(long, env = "IDENTITY_SERVICE_LIVE_ASSIST_REDIRECT_URI", value_delimiter = ',', value_name = "URL")]
    pub live_assist_redirect_uri: Vec<String>,
    /// How long a code lives, in seconds.
    #[arg(long, env = "IDENTITY_SERVICE_LIVE_ASSIST_CODE_LIFETIME", default_value_t = 60, value_name = "SECONDS")]
    pub live_assist_code_lifetime: u64,
    /// Live Assist's public key, PEM or JSON Web Key: tokens for it are encrypted.
    #[arg(long, env = "IDENTITY_SERVICE_LIVE_ASSIST_ENCRYPTION_KEY", value_name = "FILE")]
    pub live_assist_encryption_key: Option<PathBuf>,
    /// A file that holds the key of the admin API, readable only by its owner or group. The environment variable is
    /// IDENTITY_SERVICE_ADMIN_KEY.
    #[arg(long, env = "IDENTITY_SERVICE_ADMIN_KEY_FILE", value_name = "FILE")]
    pub admin_key_file: Option<PathBuf>,
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
    /// Omnichannel, when it is served.
    pub omnichannel: Option<OmnichannelSettings>,
    /// Live Assist, when it is served.
    pub live_assist: Option<LiveAssistSettings>,
}

impl SigningFlags {
    /// Checks the key of the admin API.
    pub fn check_admin_key(
        &self,
        variable: &impl Fn(&str) -> Option<String>,
    ) -> Result<Option<SecretString>, SettingError> {
        let from_variable = (ADMIN_KEY_VARIABLE, variable(ADMIN_KEY_VARIABLE));
        match required_secret("admin-key", from_variable, self.admin_key_file.as_deref())? {
            Some(key) if key.len() < SHORTEST_SECRET => Err(too_short("admin-key")),
            Some(_) if !self.omnichannel && !self.live_assist => Err(wrong(
                "admin-key",
                "expected omnichannel or live-assist as well: nothing else uses what the admin API takes",
            )),
            key => Ok(key.map(SecretString::from)),
        }
    }

    /// Checks the rest; None when nothing is to be signed.
    pub fn check(self, variable: &impl Fn(&str) -> Option<String>) -> Result<Option<SigningSettings>, SettingError> {
        let issuer = not_empty(self.issuer);
        let client_id = not_empty(self.live_assist_client_id);
        let from_variable = (CLIENT_SECRET_VARIABLE, variable(CLIENT_SECRET_VARIABLE));
        let client_secret = required_secret(
            "live-assist-client-secret",
            from_variable,
            self.live_assist_client_secret_file.as_deref(),
        )?;
        let context_variables: Vec<String> = given(self.omnichannel_context_variable);
        let redirect_uris: Vec<String> = given(self.live_assist_redirect_uri);

        if !self.omnichannel && !context_variables.is_empty() {
            return Err(unused("omnichannel-context-variable", "omnichannel"));
        }
        for (setting, is_given) in [
            ("live-assist-client-id", client_id.is_some()),
            ("live-assist-client-secret", client_secret.is_some()),
            ("live-assist-redirect-uri", !redirect_uris.is_empty()),
            ("live-assist-encryption-key", self.live_assist_encryption_key.is_some()),
        ] {
            if !self.live_assist && is_given {
                return Err(unused(setting, "live-assist"));
            }
        }
        if !self.omnichannel && !self.live_assist {
            return match (self.signing_keys, issuer) {
                (Some(_), _) => Err(unused("signing-keys", "omnichannel or live-assist")),
                (None, Some(_)) => Err(unused("issuer", "omnichannel or live-assist")),
                (None, None) => Ok(None),
            };
        }
        let folder = self.signing_keys.ok_or_else(|| {
            let expected = "expected the folder of signing keys; identity-service keys generate makes one";
            wrong("signing-keys", expected)
        })?;
        let issuer = issuer.filter(|issuer| issuer.bytes().all(|byte| byte.is_ascii_graphic())).ok_or_else(|| {
            wrong("issuer", "expected the fully qualified domain name of the site, like shop.example")
        })?;
        let omnichannel = match self.omnichannel {
            false => None,
            true => Some(OmnichannelSettings {
                token_lifetime: lifetime("omnichannel-token-lifetime", self.omnichannel_token_lifetime)?,
                context_variables: context_variables.into(),
            }),
        };
        let live_assist = match self.live_assist {
            false => None,
            true => Some(LiveAssistSettings {
                token_lifetime: lifetime("live-assist-token-lifetime", self.live_assist_token_lifetime)?,
                encryption: self
                    .live_assist_encryption_key
                    .map(|file| EncryptionKey::read(&file))
                    .transpose()
                    .map_err(|expected| wrong("live-assist-encryption-key", expected))?,
                code_flow: code_flow(client_id, client_secret, redirect_uris, self.live_assist_code_lifetime)?,
            }),
        };
        Ok(Some(SigningSettings {
            keys: SigningKeys::open(&folder, SystemTime::now())?,
            check_interval: crate::signing_keys::CHECK_INTERVAL,
            issuer,
            omnichannel,
            live_assist,
        }))
    }
}

fn given(list: Vec<String>) -> Vec<String> {
    list.into_iter().filter(|text| !text.trim().is_empty()).collect()
}

fn unused(setting: &'static str, needed: &str) -> SettingError {
    wrong(setting, format!("expected {needed} to be switched on as well: without it, this does nothing"))
}

fn lifetime(setting: &'static str, seconds: u64) -> Result<Duration, SettingError> {
    if !(1..=LONGEST_TOKEN_LIFE).contains(&seconds) {
        return Err(wrong(setting, format!("expected 1 to {LONGEST_TOKEN_LIFE} seconds")));
    }
    Ok(Duration::from_secs(seconds))
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
