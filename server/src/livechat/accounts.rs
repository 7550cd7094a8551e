//! The client of LiveChat's accounts API: the agent_token grant and the identity transfer.
//!
//! Answers are read strictly: what is not exactly a token is an error, and an error never carries a secret.

use std::{collections::HashMap, time::Duration};

use reqwest::{
    Response, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use url::Url;

use crate::{
    customer::EntityId,
    http::{client::client_for, connection_failure::words, problem::Exception},
    proof_key::CodeChallenge,
};

/// Longest answer that is read; a real one has a few hundred bytes.
const LONGEST_ANSWER: usize = 64 * 1024;
/// Longest lifetime that is believed: a year, in seconds. The package believes no longer one.
const LONGEST_LIFETIME: u64 = 365 * 24 * 60 * 60;

/// Which customer account of LiveChat the tokens are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// Version 2 of the API. The licence, when known, is only passed on to the browser.
    Organization {
        /// The organization's id.
        organization_id: String,
        /// The licence's number.
        license_id: Option<u64>,
    },
    /// Version 1 of the API.
    License {
        /// The licence's number.
        license_id: u64,
    },
}

impl Account {
    /// The account's name in the customer store.
    pub fn name(&self) -> String {
        match self {
            Self::Organization { organization_id, .. } => format!("organization:{organization_id}"),
            Self::License { license_id } => format!("license:{license_id}"),
        }
    }

    fn path(&self, rest: &str) -> String {
        match self {
            Self::Organization { .. } => format!("/v2/customer/{rest}"),
            Self::License { .. } => format!("/customer/{rest}"),
        }
    }

    /// The organization's id, when it is known.
    pub fn organization_id(&self) -> Option<&str> {
        match self {
            Self::Organization { organization_id, .. } => Some(organization_id),
            Self::License { .. } => None,
        }
    }

    /// The licence's number, when it is known.
    pub fn license_id(&self) -> Option<u64> {
        match self {
            Self::Organization { license_id, .. } => *license_id,
            Self::License { license_id } => Some(*license_id),
        }
    }
}

/// A token that LiveChat's accounts gave for a customer.
#[derive(Debug, Clone)]
pub struct CustomerToken {
    /// The token itself.
    pub access_token: SecretString,
    /// Whose token it is.
    pub entity: EntityId,
    /// Its whole life, counted from when it was asked for.
    pub lifetime: Duration,
}

/// A code that a browser exchanges for a token, once.
#[derive(Debug, Clone)]
pub struct IdentityTransfer {
    /// The code itself.
    pub identity_transfer_token: SecretString,
    /// Its life in seconds.
    pub expires_in: u64,
}

/// Why LiveChat gave no token.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum AccountsApiError {
    /// No connection, or it was cut.
    #[error("LiveChat's accounts could not be reached: {reason}")]
    Unreachable {
        /// What happened to the connection.
        reason: String,
        /// Whether the request may have arrived and taken effect.
        sent: bool,
    },
    /// No answer in time.
    #[error("LiveChat's accounts did not answer in time")]
    Slow,
    /// 408, 429 or 5xx, or an exception that says the same.
    #[error("LiveChat's accounts answered with status {status}")]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// In how many seconds to come back, when accounts said so.
        retry_after: Option<u64>,
    },
    /// An answer that is none.
    #[error("LiveChat's accounts answered nonsense: {what}")]
    Nonsense {
        /// Which part of the answer is wrong, never its value.
        what: String,
        /// The entity the answer nevertheless names: if it is new, it must not be lost.
        entity: Option<EntityId>,
    },
    /// The operator's problem: agent token, client id or account are not accepted.
    #[error("LiveChat's accounts refused this service with status {status} and exception {exception:?}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// `oauth_exception`, when it is one of the documented names.
        exception: Option<&'static str>,
    },
    /// Final for this customer.
    #[error("LiveChat's accounts refused this customer: {0:?}")]
    CustomerRefused(Exception),
}

impl AccountsApiError {
    /// In a word, for the metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Slow => "slow",
            Self::Unavailable { status: 429, .. } => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::Nonsense { .. } => "nonsense",
            Self::Refused { .. } => "refused",
            Self::CustomerRefused(_) => "customer_refused",
        }
    }

    /// Whether a request to create a customer may have created one although it failed.
    pub fn may_have_created(&self) -> bool {
        match self {
            Self::Slow | Self::Nonsense { .. } => true,
            Self::Unreachable { sent, .. } => *sent,
            Self::Unavailable { .. } | Self::Refused { .. } | Self::CustomerRefused(_) => false,
        }
    }
}

/// How accounts is reached.
#[derive(Debug, Clone)]
pub struct AccountsApiSettings {
    /// The host, for example `https://accounts.livechat.com`.
    pub url: Url,
    /// The application's id.
    pub client_id: String,
    /// For which account tokens are asked.
    pub account: Account,
    /// The agent's token with the scope `customers:own`.
    pub agent_token: SecretString,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long the creation of a customer may take: longer, because giving up on one may lose an entity.
    pub creation_timeout: Duration,
}

/// The client.
#[derive(Debug, Clone)]
pub struct AccountsApi {
    http: reqwest::Client,
    settings: AccountsApiSettings,
}

impl AccountsApi {
    /// Makes a client; fails when the system has no certificates to check a server against.
    pub fn new(settings: AccountsApiSettings) -> Result<Self, reqwest::Error> {
        let http = client_for(&settings.url).connect_timeout(settings.timeout).build()?;
        Ok(Self { http, settings })
    }

    /// Which account the tokens are for.
    pub fn account(&self) -> &Account {
        &self.settings.account
    }

    /// How long the creation of a customer may take.
    pub fn creation_timeout(&self) -> Duration {
        self.settings.creation_timeout
    }

    /// Asks for a token of an existing entity.
    pub async fn token(&self, entity: &EntityId) -> Result<CustomerToken, AccountsApiError> {
        let answer = self.ask_token(Some(entity), self.settings.timeout).await?;
        if answer.entity == *entity {
            Ok(answer)
        } else {
            let what = "entity_id is another than the one asked for".to_owned();
            Err(AccountsApiError::Nonsense { what, entity: None })
        }
    }

    /// Creates a customer and answers with its first token.
    pub async fn create(&self) -> Result<CustomerToken, AccountsApiError> {
        self.ask_token(None, self.settings.creation_timeout).await
    }

    async fn ask_token(&self, entity: Option<&EntityId>, timeout: Duration) -> Result<CustomerToken, AccountsApiError> {
        let mut body = Map::new();
        body.insert("grant_type".to_owned(), json!("agent_token"));
        body.insert("response_type".to_owned(), json!("token"));
        body.insert("client_id".to_owned(), json!(self.settings.client_id));
        match &self.settings.account {
            Account::Organization { organization_id, .. } => {
                body.insert("organization_id".to_owned(), json!(organization_id));
            }
            Account::License { license_id } => {
                body.insert("license_id".to_owned(), json!(license_id));
            }
        }
        if let Some(entity) = entity {
            body.insert("entity_id".to_owned(), json!(entity.as_str()));
        }
        let answer = self.post("token", body, entity.is_some(), timeout).await?;
        read_token(&answer, &self.settings.account)
    }

    /// Asks for a code by which a browser takes over an entity.
    pub async fn transfer(
        &self,
        entity: &EntityId,
        challenge: &CodeChallenge,
    ) -> Result<IdentityTransfer, AccountsApiError> {
        let mut body = Map::new();
        body.insert("bearer_type".to_owned(), json!("agent"));
        body.insert("client_id".to_owned(), json!(self.settings.client_id));
        body.insert("customer_id".to_owned(), json!(entity.as_str()));
        body.insert("code_challenge".to_owned(), json!(challenge.as_str()));
        let answer = self.post("identity_transfer", body, true, self.settings.timeout).await?;
        read_transfer(&answer)
    }

    async fn post(
        &self,
        rest: &str,
        body: Map<String, Value>,
        names_entity: bool,
        timeout: Duration,
    ) -> Result<Vec<u8>, AccountsApiError> {
        let mut url = self.settings.url.clone();
        url.set_path(&self.settings.account.path(rest));
        let request = self
            .http
            .post(url)
            .bearer_auth(self.settings.agent_token.expose_secret())
            .timeout(timeout)
            .json(&Value::Object(body));
        let response = request.send().await.map_err(|error| describe(&error))?;
        let status = response.status();
        let headers = response.headers().clone();
        let answer = read_answer(response).await?;
        if status == StatusCode::OK { Ok(answer) } else { Err(refusal(status, &headers, &answer, names_entity)) }
    }
}

/// The error without its URL, and said so that nothing of the request can be in it.
fn describe(error: &reqwest::Error) -> AccountsApiError {
    if error.is_connect() {
        let reason = if error.is_timeout() { "no connection in time".to_owned() } else { words(error) };
        AccountsApiError::Unreachable { reason, sent: false }
    } else if error.is_timeout() {
        AccountsApiError::Slow
    } else if error.is_builder() {
        AccountsApiError::Unreachable { reason: "the request could not be made".to_owned(), sent: false }
    } else {
        AccountsApiError::Unreachable { reason: words(error), sent: true }
    }
}

async fn read_answer(mut response: Response) -> Result<Vec<u8>, AccountsApiError> {
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| describe(&error))? {
        if answer.len() + chunk.len() > LONGEST_ANSWER {
            let what = format!("the answer is longer than {LONGEST_ANSWER} bytes");
            return Err(AccountsApiError::Nonsense { what, entity: None });
        }
        answer.extend_from_slice(&chunk);
    }
    Ok(answer)
}

const OAUTH_EXCEPTIONS: [&str; 12] = [
    "bad_request",
    "invalid_request",
    "unauthorized_client",
    "access_denied",
    "server_error",
    "temporarily_unavailable",
    "unsupported_grant_type",
    "invalid_grant",
    "invalid_client",
    "forbidden",
    "conflict",
    "resource_not_found",
];

const IDENTITY_EXCEPTIONS: [&str; 6] =
    ["invalid_request", "unauthorized", "server_error", "access_denied", "identity_lost", "credentials_login_disabled"];

/// What an answer that is not 200 means. Only documented names of exceptions are believed.
fn refusal(status: StatusCode, headers: &HeaderMap, answer: &[u8], names_entity: bool) -> AccountsApiError {
    let unavailable = || AccountsApiError::Unavailable { status: status.as_u16(), retry_after: retry_after(headers) };
    if status == StatusCode::REQUEST_TIMEOUT || status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        return unavailable();
    }
    let members: HashMap<String, Value> = serde_json::from_slice(answer).unwrap_or_default();
    let known = |member: &str, names: &[&'static str]| {
        let text = members.get(member).and_then(Value::as_str)?;
        names.iter().copied().find(|name| *name == text)
    };
    if let Some(exception) = known("identity_exception", &IDENTITY_EXCEPTIONS) {
        return match exception {
            "server_error" => unavailable(),
            _ => AccountsApiError::CustomerRefused(Exception::Identity(exception.to_owned())),
        };
    }
    match known("oauth_exception", &OAUTH_EXCEPTIONS) {
        Some("server_error" | "temporarily_unavailable") => unavailable(),
        // The entity that was asked for is gone: this customer's matter, unlike all the others.
        Some("resource_not_found") if names_entity => {
            AccountsApiError::CustomerRefused(Exception::OAuth("resource_not_found".to_owned()))
        }
        exception => AccountsApiError::Refused { status: status.as_u16(), exception },
    }
}

/// `Retry-After` in seconds, of at most an hour; a date is not understood and left out.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(seconds.clamp(1, 3600))
}

fn nonsense(what: &str, entity: Option<EntityId>) -> AccountsApiError {
    AccountsApiError::Nonsense { what: what.to_owned(), entity }
}

fn members_of(answer: &[u8]) -> Result<Map<String, Value>, AccountsApiError> {
    match serde_json::from_slice(answer) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(nonsense("the answer is no JSON object", None)),
        Err(_) => Err(nonsense("the answer is no JSON", None)),
    }
}

/// A secret as it can stand in a header: printable ASCII without spaces, of a believable length.
fn secret(
    members: &Map<String, Value>,
    member: &str,
    entity: &Option<EntityId>,
) -> Result<SecretString, AccountsApiError> {
    match members.get(member).and_then(Value::as_str) {
        Some(text) if (1..=8192).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(SecretString::from(text))
        }
        _ => Err(nonsense(&format!("{member} is no token"), entity.clone())),
    }
}

fn lifetime(members: &Map<String, Value>, entity: &Option<EntityId>) -> Result<u64, AccountsApiError> {
    match members.get("expires_in").and_then(Value::as_u64) {
        Some(seconds) if (1..=LONGEST_LIFETIME).contains(&seconds) => Ok(seconds),
        _ => Err(nonsense("expires_in is no positive whole number of seconds below a year", entity.clone())),
    }
}

/// Reads the answer of the token endpoint for one account.
pub fn read_token(answer: &[u8], account: &Account) -> Result<CustomerToken, AccountsApiError> {
    let members = members_of(answer)?;
    let Some(entity) = members.get("entity_id").and_then(Value::as_str).and_then(EntityId::parse) else {
        return Err(nonsense("entity_id is no id", None));
    };
    let named = match account {
        Account::Organization { organization_id, .. } => ("organization_id", json!(organization_id)),
        Account::License { license_id } => ("license_id", json!(license_id)),
    };
    // An entity of another account is not worth remembering.
    if members.get(named.0).is_some_and(|value| *value != named.1) {
        return Err(nonsense(&format!("{} is another than the configured one", named.0), None));
    }
    let known = Some(entity.clone());
    let access_token = secret(&members, "access_token", &known)?;
    let seconds = lifetime(&members, &known)?;
    match members.get("token_type").and_then(Value::as_str) {
        Some(text) if text.eq_ignore_ascii_case("bearer") => {}
        _ => return Err(nonsense("token_type is not Bearer", known)),
    }
    Ok(CustomerToken { access_token, entity, lifetime: Duration::from_secs(seconds) })
}

/// Reads the answer of the identity_transfer endpoint.
pub fn read_transfer(answer: &[u8]) -> Result<IdentityTransfer, AccountsApiError> {
    let members = members_of(answer)?;
    let identity_transfer_token = secret(&members, "identity_transfer_token", &None)?;
    Ok(IdentityTransfer { identity_transfer_token, expires_in: lifetime(&members, &None)? })
}
