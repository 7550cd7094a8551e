//! The flags of the admission: the site's session tokens, and from which pages a request may come.

use std::{path::PathBuf, time::Duration};

use axum::http::HeaderName;
use clap::Args;
use jsonwebtoken::Algorithm;
use secrecy::SecretString;

use crate::{
    admission::{
        AdmissionSettings,
        introspection::{Introspection, IntrospectionSettings},
        json_web_keys::JsonWebKeys,
        origin::{AllowedOrigins, Origin},
        questions::QuestionSettings,
        session::SessionSource,
        session_token::{SessionKey, SessionSecret, SessionSettings},
        site_session::{SiteSessionSettings, SiteSessions},
    },
    lax_base64::from_base64,
    setting::{
        SettingError, given, not_empty, required_secret, safe_url, safe_url_without_user, seconds, unused, wrong,
    },
};

/// The environment variable that may hold the session secret.
pub const SESSION_SECRET_VARIABLE: &str = "IDENTITY_SERVICE_SESSION_SECRET";
/// The environment variable that may hold the secret with which session tokens are introspected.
pub const SESSION_CLIENT_SECRET_VARIABLE: &str = "IDENTITY_SERVICE_SESSION_CLIENT_SECRET";
/// The cookie of a session token, unless another one is set.
const SESSION_COOKIE: &str = "session";

/// The flags.
#[derive(Debug, Clone, Args)]
pub struct AdmissionFlags {
    /// A file that holds the secret of the session tokens, readable only by its owner or group. The environment variable is
    /// IDENTITY_SERVICE_SESSION_SECRET.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_SECRET_FILE", value_name = "FILE")]
    pub session_secret_file: Option<PathBuf>,
    /// The URL of the JSON Web Key Set that signs the session tokens.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_JWKS_URL", value_name = "URL")]
    pub session_jwks_url: Option<String>,
    /// A file that holds the JSON Web Key Set that signs the session tokens.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_JWKS_FILE", value_name = "FILE")]
    pub session_jwks_file: Option<PathBuf>,
    /// The algorithm for which the secret is used: HS256 (the default), HS384 or HS512.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_ALGORITHM", value_name = "ALGORITHM")]
    pub session_algorithm: Option<String>,
    /// How the secret is written: text (the default), whose bytes are the secret, or base64 (also base64url, with or without
    /// padding).
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_SECRET_ENCODING", value_name = "ENCODING")]
    pub session_secret_encoding: Option<String>,
    /// The URL where the site itself says whose cookie it is: a GET with the request's Cookie and Authorization, answered
    /// by 200 and a JSON object with the customer's id, or by 401, 403 or a redirect when nobody is signed in.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_URL", value_name = "URL")]
    pub session_url: Option<String>,
    /// The endpoint where session tokens are introspected (RFC 7662).
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_INTROSPECTION_URL", value_name = "URL")]
    pub session_introspection_url: Option<String>,
    /// The client's id for the introspection.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_CLIENT_ID", value_name = "ID")]
    pub session_client_id: Option<String>,
    /// A file that holds the secret of that client, readable only by its owner or group. The environment variable is
    /// IDENTITY_SERVICE_SESSION_CLIENT_SECRET.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_CLIENT_SECRET_FILE", value_name = "FILE")]
    pub session_client_secret_file: Option<PathBuf>,
    /// How long session-url or the introspection may take, in seconds.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_TIMEOUT", default_value_t = 3.0, value_name = "SECONDS")]
    pub session_timeout: f64,
    /// How long the answer of session-url or of the introspection is believed, in seconds.
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_KEEP", default_value_t = 5.0, value_name = "SECONDS")]
    pub session_keep: f64,
    /// The cookie that holds the session token (default: session); `Authorization: Bearer` is always understood. With
    /// session-url, the only cookie that is passed on (default: all).
    #[arg(long, env = "IDENTITY_SERVICE_SESSION_COOKIE")]
    pub session_cookie: Option<String>,
    /// The claim of the session token that is the customer's id, or the member of the site's answer.
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
    /// A header that pages of allowed origins may send besides the usual ones, like traceparent or x-csrf-token; may be
    /// repeated or separated by commas.
    #[arg(long, env = "IDENTITY_SERVICE_ALLOWED_HEADER", value_delimiter = ',', value_name = "NAME")]
    pub allowed_header: Vec<String>,
}

/// Where the sessions come from: exactly one of these is set.
enum Source {
    Secret(String),
    KeysUrl(String),
    KeysFile(PathBuf),
    Site(String),
    Introspection(String),
}

impl AdmissionFlags {
    /// Checks them; the site's keys may take `timeout` to come.
    pub fn check(
        mut self,
        variable: &impl Fn(&str) -> Option<String>,
        timeout: Duration,
    ) -> Result<AdmissionSettings, SettingError> {
        let source = self.source(variable)?;
        let origins = AllowedOrigins::new(self.origins()?).with_headers(self.headers()?);
        self.session_cookie = not_empty(self.session_cookie);
        if self.session_cookie.as_ref().is_some_and(|cookie| !cookie.bytes().all(is_token_byte)) {
            return Err(wrong("session-cookie", "expected the name of a cookie"));
        }
        self.customer_claim = self.customer_claim.trim().to_owned();
        if self.customer_claim.is_empty() {
            return Err(wrong("customer-claim", "expected the name of a claim"));
        }
        self.session_algorithm = not_empty(self.session_algorithm);
        self.session_secret_encoding = not_empty(self.session_secret_encoding);
        self.session_client_id = not_empty(self.session_client_id);
        let secret = required_secret(
            "session-client-secret",
            (SESSION_CLIENT_SECRET_VARIABLE, variable(SESSION_CLIENT_SECRET_VARIABLE)),
            self.session_client_secret_file.as_deref(),
        )?;
        if !matches!(source, Source::Secret(_)) {
            let useless = [
                ("session-algorithm", &self.session_algorithm),
                ("session-secret-encoding", &self.session_secret_encoding),
            ];
            if let Some((setting, _)) = useless.into_iter().find(|(_, given)| given.is_some()) {
                return Err(unused(setting, "session-secret"));
            }
        }
        if !matches!(source, Source::Introspection(_)) {
            if self.session_client_id.is_some() {
                return Err(unused("session-client-id", "session-introspection-url"));
            }
            if secret.is_some() {
                return Err(unused("session-client-secret", "session-introspection-url"));
            }
        }
        let session = match source {
            Source::Secret(secret) => {
                let key = SessionKey::Secret(self.secret(&secret)?);
                self.tokens(key).into()
            }
            Source::KeysUrl(url) => {
                let keys = JsonWebKeys::remote(safe_url("session-jwks-url", &url)?, timeout);
                let keys = keys.map_err(|error| wrong("session-jwks-url", error.without_url().to_string()))?;
                self.tokens(SessionKey::PublicKeys(keys)).into()
            }
            Source::KeysFile(file) => {
                let keys = JsonWebKeys::file(file.clone()).map_err(|error| {
                    let path = file.display();
                    let expected = format!("expected a JSON Web Key Set with a public key in {path}, found {error}");
                    wrong("session-jwks-file", expected)
                })?;
                self.tokens(SessionKey::PublicKeys(keys)).into()
            }
            Source::Site(url) => self.site(&url)?,
            Source::Introspection(url) => self.introspection(&url, secret)?,
        };
        Ok(AdmissionSettings { session, origins })
    }

    fn source(&self, variable: &impl Fn(&str) -> Option<String>) -> Result<Source, SettingError> {
        let secret = required_secret(
            "session-secret",
            (SESSION_SECRET_VARIABLE, variable(SESSION_SECRET_VARIABLE)),
            self.session_secret_file.as_deref(),
        )?;
        let given = [
            secret.map(Source::Secret),
            not_empty(self.session_jwks_url.clone()).map(Source::KeysUrl),
            self.session_jwks_file.clone().map(Source::KeysFile),
            not_empty(self.session_url.clone()).map(Source::Site),
            not_empty(self.session_introspection_url.clone()).map(Source::Introspection),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(source), None) => Ok(source),
            (None, _) => Err(wrong(
                "session-secret",
                format!(
                    "expected what tells whose session it is: {SESSION_SECRET_VARIABLE}, session-secret-file, session-jwks-url, session-jwks-file, session-url or session-introspection-url"
                ),
            )),
            (Some(_), Some(_)) => Err(wrong(
                "session-secret",
                "expected only one of session-secret, session-jwks-url, session-jwks-file, session-url and session-introspection-url",
            )),
        }
    }

    fn cookie(&self) -> String {
        self.session_cookie.clone().unwrap_or_else(|| SESSION_COOKIE.to_owned())
    }

    fn tokens(self, key: SessionKey) -> SessionSettings {
        SessionSettings {
            key,
            cookie: self.cookie(),
            issuer: not_empty(self.session_issuer),
            audience: not_empty(self.session_audience),
            customer_claim: self.customer_claim,
        }
    }

    fn secret(&self, text: &str) -> Result<SessionSecret, SettingError> {
        // RFC 7518, section 3.2: a key of the hash's own size, or it can be guessed.
        let (algorithm, shortest) = match self.session_algorithm.as_deref() {
            None | Some("HS256") => (Algorithm::HS256, 32),
            Some("HS384") => (Algorithm::HS384, 48),
            Some("HS512") => (Algorithm::HS512, 64),
            Some(_) => return Err(wrong("session-algorithm", "expected HS256, HS384 or HS512")),
        };
        let bytes = match self.session_secret_encoding.as_deref() {
            None | Some("text") => text.as_bytes().to_vec(),
            Some("base64") => from_base64(text)
                .ok_or_else(|| wrong("session-secret", "expected base64, as session-secret-encoding says"))?,
            Some(_) => return Err(wrong("session-secret-encoding", "expected text or base64")),
        };
        if bytes.len() < shortest {
            return Err(wrong("session-secret", format!("expected at least {shortest} bytes for {algorithm:?}")));
        }
        Ok(SessionSecret { algorithm, bytes: bytes.into() })
    }

    fn questions(&self) -> Result<QuestionSettings, SettingError> {
        let timeout = seconds("session-timeout", self.session_timeout, 60.0)?;
        Ok(QuestionSettings { timeout, keep: seconds("session-keep", self.session_keep, 60.0)? })
    }

    fn site(self, url: &str) -> Result<SessionSource, SettingError> {
        for (setting, given) in [("session-issuer", &self.session_issuer), ("session-audience", &self.session_audience)]
        {
            if not_empty(given.clone()).is_some() {
                return Err(unused(setting, "session tokens or session-introspection-url"));
            }
        }
        let settings = SiteSessionSettings {
            url: safe_url_without_user("session-url", url)?,
            questions: self.questions()?,
            customer_claim: self.customer_claim,
            cookie: self.session_cookie,
        };
        SiteSessions::new(settings).map(SessionSource::Site).map_err(|error| wrong("session-url", error.to_string()))
    }

    fn introspection(self, url: &str, secret: Option<String>) -> Result<SessionSource, SettingError> {
        let expected =
            |setting, what: &str| wrong(setting, format!("expected the {what} for session-introspection-url"));
        let settings = IntrospectionSettings {
            url: safe_url_without_user("session-introspection-url", url)?,
            questions: self.questions()?,
            cookie: self.cookie(),
            client_id: self.session_client_id.ok_or_else(|| expected("session-client-id", "client's id"))?,
            client_secret: secret
                .map(SecretString::from)
                .ok_or_else(|| expected("session-client-secret", "client's secret"))?,
            issuer: not_empty(self.session_issuer),
            audience: not_empty(self.session_audience),
            customer_claim: self.customer_claim,
        };
        Introspection::new(settings)
            .map(SessionSource::Introspection)
            .map_err(|error| wrong("session-introspection-url", error.to_string()))
    }

    fn headers(&self) -> Result<Vec<HeaderName>, SettingError> {
        let read = |text: &String| {
            // `*` allows nothing where cookies are sent, and would be taken for a name.
            let name = text.trim().parse().ok().filter(|name: &HeaderName| name != "*");
            name.ok_or_else(|| wrong("allowed-header", format!("expected the name of a header, found {text:?}")))
        };
        given(self.allowed_header.clone()).iter().map(read).collect()
    }

    fn origins(&self) -> Result<Vec<Origin>, SettingError> {
        given(self.allowed_origin.clone())
            .iter()
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
