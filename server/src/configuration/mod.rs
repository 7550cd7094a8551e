//! The service's settings: read from flags and the environment, checked before anything starts.

mod guests;
mod signing;

pub use guests::GuestFlags;
pub use signing::{SigningFlags, SigningSettings};

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use secrecy::SecretString;
use url::Url;

use crate::{
    admission::{
        AdmissionSettings,
        json_web_keys::{JsonWebKeys, read_keys},
        origin::{AllowedOrigins, Origin},
        session_token::{SessionKey, SessionSettings},
    },
    http::{request_body::BodyLimits, serve::ServeSettings},
    livechat::{
        accounts::{Account, AccountsSettings},
        customer_tokens::TokenSettings,
        guests::GuestSettings,
    },
    setting::{
        SHORTEST_SECRET, SettingError, not_empty, required_secret, safe_url, seconds, too_short, unreadable, wrong,
    },
    signing_keys::command::KeysCommand,
};

/// The environment variable that may hold the agent token. There is no flag for it: flags are visible to everybody.
pub const AGENT_TOKEN_VARIABLE: &str = "IDENTITY_SERVICE_AGENT_TOKEN";
/// The environment variable that may hold the session secret.
pub const SESSION_SECRET_VARIABLE: &str = "IDENTITY_SERVICE_SESSION_SECRET";

/// Gets a site's customers tokens for LiveChat, Microsoft Omnichannel and Live Assist.
///
/// Secrets come from the environment or from files, never from flags: the agent token from
/// IDENTITY_SERVICE_AGENT_TOKEN or --agent-token-file, the session secret from IDENTITY_SERVICE_SESSION_SECRET or
/// --session-secret-file.
#[derive(Debug, Clone, Parser)]
// A flag of the service before `keys` would be understood and then ignored: its folder would be another one.
#[command(name = "identity-service", version, args_conflicts_with_subcommands = true)]
pub struct Settings {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, env = "IDENTITY_SERVICE_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// The database of customers: sqlite:<file>, or postgres://… for any number of replicas. With a password in it,
    /// it belongs into the environment.
    #[arg(
        long,
        env = "IDENTITY_SERVICE_DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite:identity-service.sqlite",
        value_name = "URL"
    )]
    pub database_url: String,
    /// The most connections to PostgreSQL that this process opens.
    #[arg(long, env = "IDENTITY_SERVICE_DATABASE_CONNECTIONS", default_value_t = 8, value_name = "NUMBER")]
    pub database_connections: u32,
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
    /// A file that holds the agent token, readable only by its owner or group.
    #[arg(long, env = "IDENTITY_SERVICE_AGENT_TOKEN_FILE", value_name = "FILE")]
    pub agent_token_file: Option<PathBuf>,
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
    /// How long LiveChat's accounts may take, in seconds.
    #[arg(long, env = "IDENTITY_SERVICE_ACCOUNTS_TIMEOUT", default_value_t = 8.0, value_name = "SECONDS")]
    pub accounts_timeout: f64,
    /// How long the creation of a customer may take, in seconds. Callers do not wait that long, but the answer is
    /// still remembered when it comes.
    #[arg(long, env = "IDENTITY_SERVICE_CREATION_TIMEOUT", default_value_t = 60.0, value_name = "SECONDS")]
    pub creation_timeout: f64,
    /// The longest request body, in bytes.
    #[arg(long, env = "IDENTITY_SERVICE_BODY_LIMIT", default_value_t = 4096, value_name = "BYTES")]
    pub body_limit: usize,
    /// A kept token with less than this share of its life left is fetched anew. Not below an eighth: LiveChat's
    /// client throws away a token of eight hours in its last hour.
    #[arg(long, env = "IDENTITY_SERVICE_LEAST_LIFE", default_value_t = 0.25, value_name = "SHARE")]
    pub least_life: f64,
    /// A page that asks for a fresh token (Cache-Control: no-cache) still gets a kept one younger than this, in seconds.
    #[arg(long, env = "IDENTITY_SERVICE_FRESH_AFTER", default_value_t = 5.0, value_name = "SECONDS")]
    pub fresh_after: f64,
    /// error, warn, info, debug or trace.
    #[arg(long, env = "IDENTITY_SERVICE_LOG_LEVEL", default_value = "info")]
    pub log_level: tracing::Level,
    /// Who is not signed in.
    #[command(flatten)]
    pub guests: GuestFlags,
    /// What the service signs itself.
    #[command(flatten)]
    pub signing: SigningFlags,
    /// Something else to do than to serve.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What else the program does.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Makes, lists, activates, removes and publishes signing keys.
    Keys(KeysCommand),
}

/// Everything the service needs, checked.
pub struct Configuration {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The database of customers.
    pub database_url: String,
    /// The most connections to it.
    pub database_connections: u32,
    /// How LiveChat's accounts are reached, when LiveChat is served.
    pub accounts: Option<AccountsSettings>,
    /// Who is let in.
    pub admission: AdmissionSettings,
    /// How LiveChat's tokens are kept.
    pub tokens: TokenSettings,
    /// How guests are served, when they are.
    pub guests: Option<GuestSettings>,
    /// What the service signs itself, when Omnichannel or Live Assist is served.
    pub signing: Option<SigningSettings>,
    /// What opens the admin API, when it is served.
    pub admin_key: Option<SecretString>,
    /// How much of a body is read.
    pub body_limits: BodyLimits,
    /// How patient the server is.
    pub serve: ServeSettings,
    /// How much is logged.
    pub log_level: tracing::Level,
}

impl Settings {
    /// Checks every setting; `variable` looks up an environment variable.
    pub fn check(self, variable: impl Fn(&str) -> Option<String>) -> Result<Configuration, SettingError> {
        if !["sqlite:", "postgres://", "postgresql://"].iter().any(|start| self.database_url.starts_with(start)) {
            // The rest of a URL may hold a password.
            let found = self.database_url.split(':').next().unwrap_or_default();
            let found: String = found.chars().take(16).collect();
            return Err(wrong(
                "database-url",
                format!("expected sqlite:<file> or postgres://<user>@<host>/<database>, not {found:?}"),
            ));
        }
        if !(1..=1000).contains(&self.database_connections) {
            return Err(wrong("database-connections", "expected 1 to 1000 connections"));
        }
        let agent_token = required_secret(
            "agent-token",
            (AGENT_TOKEN_VARIABLE, variable(AGENT_TOKEN_VARIABLE)),
            self.agent_token_file.as_deref(),
        )?;
        let timeout = seconds("accounts-timeout", self.accounts_timeout, 300.0)?;
        let creation_timeout = seconds("creation-timeout", self.creation_timeout, 600.0)?.max(timeout);
        let livechat = livechat(
            not_empty(self.client_id),
            not_empty(self.organization_id),
            self.license_id,
            agent_token,
            (safe_url("accounts-url", &self.accounts_url)?, timeout, creation_timeout),
        )?;
        let guests = self.guests.check(livechat.is_some())?;
        let admin_key = self.signing.check_admin_key(&variable)?;
        let signing = self.signing.check(&variable)?;
        if livechat.is_none() && signing.is_none() {
            return Err(wrong(
                "client-id",
                "expected a widget to serve: client-id, organization-id or license-id, and agent-token for LiveChat; omnichannel or live-assist, and signing-keys and issuer for these",
            ));
        }
        let secret = required_secret(
            "session-secret",
            (SESSION_SECRET_VARIABLE, variable(SESSION_SECRET_VARIABLE)),
            self.session_secret_file.as_deref(),
        )?;
        let key = match (secret, self.session_jwks_url, self.session_jwks_file) {
            (Some(secret), None, None) if secret.len() >= SHORTEST_SECRET => {
                SessionKey::Secret(SecretString::from(secret))
            }
            (Some(_), None, None) => {
                return Err(too_short("session-secret"));
            }
            (None, Some(url), None) => {
                let keys = JsonWebKeys::remote(safe_url("session-jwks-url", &url)?, timeout);
                SessionKey::PublicKeys(
                    keys.map_err(|error| wrong("session-jwks-url", error.without_url().to_string()))?,
                )
            }
            (None, None, Some(file)) => {
                let text = fs::read(&file).map_err(|error| wrong("session-jwks-file", unreadable(&file, &error)))?;
                let keys = read_keys(&text).map_err(|error| {
                    wrong("session-jwks-file", format!("expected a JSON Web Key Set with a public key, found {error}"))
                })?;
                SessionKey::PublicKeys(JsonWebKeys::fixed(keys))
            }
            (None, None, None) => {
                return Err(wrong(
                    "session-secret",
                    format!(
                        "expected what signs the session tokens: {SESSION_SECRET_VARIABLE}, session-secret-file, session-jwks-url or session-jwks-file"
                    ),
                ));
            }
            _ => {
                return Err(wrong(
                    "session-secret",
                    "expected only one of session-secret, session-jwks-url and session-jwks-file",
                ));
            }
        };
        let origins = self
            .allowed_origin
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
            .collect::<Result<_, _>>()?;
        if self.session_cookie.is_empty() || !self.session_cookie.bytes().all(is_token_byte) {
            return Err(wrong("session-cookie", "expected the name of a cookie"));
        }
        if self.customer_claim.is_empty() {
            return Err(wrong("customer-claim", "expected the name of a claim"));
        }
        if !(0.0..=0.9).contains(&self.least_life) {
            return Err(wrong("least-life", "expected a share from 0 to 0.9"));
        }
        if !(1..=1024 * 1024).contains(&self.body_limit) {
            return Err(wrong("body-limit", "expected 1 to 1048576 bytes"));
        }
        Ok(Configuration {
            listen: self.listen,
            database_url: self.database_url,
            database_connections: self.database_connections,
            accounts: livechat,
            admission: AdmissionSettings {
                session: SessionSettings {
                    key,
                    issuer: not_empty(self.session_issuer),
                    audience: not_empty(self.session_audience),
                    customer_claim: self.customer_claim,
                    cookie: self.session_cookie,
                },
                origins: AllowedOrigins::new(origins),
            },
            tokens: TokenSettings {
                least_life: self.least_life,
                fresh_after: Duration::try_from_secs_f64(self.fresh_after)
                    .map_err(|_| wrong("fresh-after", "expected a number of seconds"))?,
                // A little longer than the request to accounts, whose own error says more.
                patience: timeout + Duration::from_millis(500),
                capacity: 100_000,
            },
            body_limits: BodyLimits { length: self.body_limit, time: Duration::from_secs(10) },
            serve: ServeSettings::default(),
            log_level: self.log_level,
            guests,
            signing,
            admin_key,
        })
    }
}

/// LiveChat's settings: all of them, or none.
fn livechat(
    client_id: Option<String>,
    organization_id: Option<String>,
    license_id: Option<u64>,
    agent_token: Option<String>,
    (url, timeout, creation_timeout): (Url, Duration, Duration),
) -> Result<Option<AccountsSettings>, SettingError> {
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
    Ok(Some(AccountsSettings { url, client_id, account, agent_token, timeout, creation_timeout }))
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
