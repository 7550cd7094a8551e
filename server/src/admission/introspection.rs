//! Who the customer is, asked of the server that issued the session token: OAuth 2.0 Token Introspection (RFC 7662).

use std::time::SystemTime;

use reqwest::{StatusCode, header::CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Number, Value};
use url::Url;

use super::{
    claims::Demands,
    questions::{AskError, NoCustomer, QuestionSettings, Questions, QuestionsError, SignedIn, ask, members},
    refusal::Refusal,
    session_token::{LONGEST_TOKEN, customer_in},
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
        self.questions.customer(self.questions.digest(&[token.as_bytes()]), Box::pin(self.ask(token))).await
    }

    /// What the endpoint says of a token that nobody issued.
    pub(super) async fn probe(&self) -> Result<SignedIn, NoCustomer> {
        let invented = random_token().map_err(|error| AskError::Unreachable(error.to_string()))?;
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
            Some(true) => self.signed_in(members),
            Some(false) => Err(NoCustomer::Refused(Refusal::Inactive)),
            None => Err(AskError::NotIntrospected.into()),
        }
    }

    fn signed_in(&self, members: Map<String, Value>) -> Result<SignedIn, NoCustomer> {
        let members = with_times(members)?;
        let demands = Demands {
            issuer: self.settings.issuer.as_deref(),
            audience: self.settings.audience.as_deref(),
            may_be_endless: true,
            grace: 0,
        };
        demands.check(&members, seconds(SystemTime::now())).map_err(NoCustomer::Refused)?;
        // It goes to the nearest end of what the type holds.
        let expiry = members.get("exp").and_then(Value::as_f64).map(|expiry| expiry as u64);
        let customer = customer_in(&members, &self.settings.customer_claim).map_err(NoCustomer::Refused)?;
        Ok(SignedIn { customer, expiry })
    }
}

/// The answer with its times as numbers: some servers write them as text. What is no time at all could be any.
fn with_times(mut members: Map<String, Value>) -> Result<Map<String, Value>, AskError> {
    for member in ["exp", "nbf"] {
        let time: Option<f64> = match members.get(member) {
            None | Some(Value::Null | Value::Number(_)) => continue,
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        members.insert(member.to_owned(), time.and_then(Number::from_f64).ok_or(AskError::NoTime)?.into());
    }
    Ok(members)
}
