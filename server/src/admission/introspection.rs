//! Who the customer is, asked of the server that issued the session token: OAuth 2.0 Token Introspection (RFC 7662).

use std::time::SystemTime;

use reqwest::{StatusCode, header::CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::{
    questions::{AskError, NoCustomer, QuestionSettings, Questions, QuestionsError, SignedIn, ask, members},
    refusal::Refusal,
    session_token::{CLOCK_TOLERANCE, LONGEST_TOKEN, customer_in},
};
use crate::{clock::seconds, customer::CustomerId, random::random_token};

/// Where tokens are introspected, and what is believed of the answers.
#[derive(Clone)]
pub struct IntrospectionSettings {
    /// The introspection endpoint.
    pub url: Url,
    /// By what this service is known there.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: SecretString,
    /// `iss` has to be this, when set.
    pub issuer: Option<String>,
    /// `aud` has to be or hold this, when set.
    pub audience: Option<String>,
    /// The member that holds the customer's id.
    pub customer_claim: String,
    /// The cookie that holds the token.
    pub cookie: String,
    /// How the endpoint is asked.
    pub questions: QuestionSettings,
}

/// Asks the endpoint.
#[derive(Clone)]
pub struct Introspection {
    settings: IntrospectionSettings,
    questions: Questions,
}

impl Introspection {
    /// Asks by these settings.
    pub fn new(settings: IntrospectionSettings) -> Result<Self, QuestionsError> {
        let questions = Questions::new(&settings.url, settings.questions)?;
        Ok(Self { settings, questions })
    }

    /// The cookie that holds the token.
    pub(super) fn cookie(&self) -> &str {
        &self.settings.cookie
    }

    /// The customer whose token it is.
    pub(super) async fn customer(&self, token: &str) -> Result<CustomerId, NoCustomer> {
        if token.len() > LONGEST_TOKEN {
            return Err(NoCustomer::Refused(Refusal::Malformed));
        }
        self.questions.customer(self.questions.digest(&[token.as_bytes()]), self.ask(token)).await
    }

    /// What the endpoint says of a token that nobody issued.
    pub(super) async fn probe(&self) -> Result<SignedIn, NoCustomer> {
        let invented = random_token().map_err(|_| AskError::Unreachable("there are no random numbers to ask with"))?;
        self.ask(&invented).await
    }

    async fn ask(&self, token: &str) -> Result<SignedIn, NoCustomer> {
        let Self { settings, questions } = self;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token)
            .append_pair("token_type_hint", "access_token")
            .finish();
        // RFC 6749, section 2.3.1: both are encoded as in a form before they are put together.
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let secret = encoded(settings.client_secret.expose_secret());
        let question = questions.http.post(settings.url.clone());
        let question = question.basic_auth(encoded(&settings.client_id), Some(secret));
        let question = question.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        let response = ask(question).await?;
        match response.status() {
            StatusCode::OK => {}
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                return Err(AskError::Credentials(status.as_u16()).into());
            }
            status => return Err(AskError::Status(status.as_u16()).into()),
        }
        let members = members(response).await?.ok_or(AskError::NotJson)?;
        match members.get("active").and_then(Value::as_bool) {
            Some(true) => self.signed_in(&members),
            Some(false) => Err(NoCustomer::Refused(Refusal::Inactive)),
            None => Err(AskError::NotIntrospected.into()),
        }
    }

    fn signed_in(&self, members: &Map<String, Value>) -> Result<SignedIn, NoCustomer> {
        let now = seconds(SystemTime::now());
        let expiry = time_in(members, "exp")?;
        if expiry.is_some_and(|expiry| expiry <= now) {
            return Err(NoCustomer::Refused(Refusal::Expired));
        }
        if time_in(members, "nbf")?.is_some_and(|not_before| not_before > now + CLOCK_TOLERANCE) {
            return Err(NoCustomer::Refused(Refusal::NotYetValid));
        }
        let customer = self.customer_of(members).map_err(NoCustomer::Refused)?;
        Ok(SignedIn { customer, expiry })
    }

    fn customer_of(&self, members: &Map<String, Value>) -> Result<CustomerId, Refusal> {
        let Self { settings: IntrospectionSettings { issuer, audience, .. }, .. } = self;
        if issuer.as_ref().is_some_and(|issuer| members.get("iss").is_none_or(|iss| iss != issuer)) {
            return Err(Refusal::Issuer);
        }
        let is_for = |audience: &String| match members.get("aud") {
            Some(Value::Array(list)) => list.iter().any(|aud| aud == audience),
            aud => aud.is_some_and(|aud| aud == audience),
        };
        if audience.as_ref().is_some_and(|audience| !is_for(audience)) {
            return Err(Refusal::Audience);
        }
        customer_in(members, &self.settings.customer_claim)
    }
}

/// A time in seconds since 1970. Some servers write fractions, and some write it as text; what is none could be any time.
fn time_in(members: &Map<String, Value>, member: &str) -> Result<Option<u64>, AskError> {
    let time: f64 = match members.get(member) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    }
    .filter(|time: &f64| time.is_finite())
    .ok_or(AskError::NoTime)?;
    // It goes to the nearest end of what the type holds.
    Ok(Some(time as u64))
}
