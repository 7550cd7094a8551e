//! The flags of the admission: the site's session tokens, and from which pages a request may come.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use secrecy::SecretString;

use crate::{
    admission::{
        AdmissionSettings,
        json_web_keys::JsonWebKeys,
        origin::{AllowedOrigins, Origin},
        session_token::{SessionKey, SessionSettings},
    },
    setting::{SHORTEST_SECRET, SettingError, not_empty, required_secret, safe_url, too_short, wrong},
};

/// The environment variable that may hold the session secret.
pub const SESSION_SECRET_VARIABLE: &str = "IDENTITY_SERVICE_SESSION_SECRET";

/// The flags.
#[derive(Debug, Clone, Args)]
pub struct AdmissionFlags {
    /// A file that holds the HS256 secret of the session tokens, readable only by its owner or group.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_SECRET_FILE", value_name = "FILE")]
    pub session_secret_file: Option<PathBuf>,
    /// The URL of the JSON Web Key Set that signs the session tokens.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_JWKS_URL", value_name = "URL")]
    pub session_jwks_url: Option<String>,
    /// A file that holds the JSON Web Key Set that signs the session tokens.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_JWKS_FILE", value_name = "FILE")]
    pub session_jwks_file: Option<PathBuf>,
    /// The cookie that holds the session token; `Authorization: Bearer` is always understood.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_COOKIE", default_value = "session")]
    pub session_cookie: String,
    /// The claim of the session token that is the customer's id.
    #[arg(long, env = "IDENTITY_SERVICE_CUSTOMER_CLAIM", default_value = "sub")]
    pub customer_claim: String,
    /// The issuer that a session token has to have.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_ISSUER")]
    pub session_issuer: Option<String>,
    /// The audience that a session token has to have.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_AUDIENCE")]
    pub session_audience: Option<String>,
    /// A page's origin that may use the service besides its own; may be repeated or separated by commas.
    #[arg(long, env = "IDENTITY_SERVICE_ALLOWED_ORIGIN", value_delimiter = ',', value_name = "ORIGIN")]
    pub allowed_origin: Vec<String>,
}

impl AdmissionFlags {
    /// Checks them; the site's keys may take `timeout` to come.
    pub fn check(
        self,
        variable: &impl Fn(&str) -> Option<String>,
        timeout: Duration,
    ) -> Result<AdmissionSettings, SettingError> {
        let key = self.key(variable, timeout)?;
        let origins = self.origins()?;
        if self.session_cookie.is_empty() || !self.session_cookie.bytes().all(is_token_byte) {
            return Err(wrong("session-cookie", "expected the name of a cookie"));
        }
        if self.customer_claim.is_empty() {
            return Err(wrong("customer-claim", "expected the name of a claim"));
        }
        Ok(AdmissionSettings {
            session: SessionSettings {
                key,
                issuer: not_empty(self.session_issuer),
                audience: not_empty(self.session_audience),
                customer_claim: self.customer_claim,
                cookie: self.session_cookie,
            },
            origins: AllowedOrigins::new(origins),
        })
    }

    /// What signs the session tokens: exactly one of a secret, a URL and a file.
    fn key(&self, variable: &impl Fn(&str) -> Option<String>, timeout: Duration) -> Result<SessionKey, SettingError> {
        let secret = required_secret(
            "session-secret",
            (SESSION_SECRET_VARIABLE, variable(SESSION_SECRET_VARIABLE)),
            self.session_secret_file.as_deref(),
        )?;
        match (secret, self.session_jwks_url.as_deref(), self.session_jwks_file.as_deref()) {
            (Some(secret), None, None) if secret.len() >= SHORTEST_SECRET => {
                Ok(SessionKey::Secret(SecretString::from(secret)))
            }
            (Some(_), None, None) => Err(too_short("session-secret")),
            (None, Some(url), None) => {
                let url = safe_url("session-jwks-url", url)?;
                let keys = JsonWebKeys::remote(url, timeout);
                keys.map(SessionKey::PublicKeys)
                    .map_err(|error| wrong("session-jwks-url", error.without_url().to_string()))
            }
            (None, None, Some(file)) => {
                let keys = JsonWebKeys::file(file.to_owned()).map_err(|error| {
                    let path = file.display();
                    let expected = format!("expected a JSON Web Key Set with a public key in {path}, found {error}");
                    wrong("session-jwks-file", expected)
                })?;
                Ok(SessionKey::PublicKeys(keys))
            }
            (None, None, None) => Err(wrong(
                "session-secret",
                format!(
                    "expected what signs the session tokens: {SESSION_SECRET_VARIABLE}, session-secret-file, session-jwks-url or session-jwks-file"
                ),
            )),
            _ => Err(wrong(
                "session-secret",
                "expected only one of session-secret, session-jwks-url and session-jwks-file",
            )),
        }
    }

    fn origins(&self) -> Result<Vec<Origin>, SettingError> {
        self.allowed_origin
            .iter()
            .filter(|text| !text.is_empty())
            .map(|text| {
                Origin::parse(text).ok_or_else(|| {
                    wrong(
                        "allowed-origin",
                        format!("expected scheme, host and port, like https://shop.example, found {text:?}"),
                    )
                })
            })
            .collect()
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
