//! Plays Live Assist's service for the demo: redeems authorization codes as Live Assist would, with the client secret
//! and the proof key's verifier that a browser must not know. It is not Live Assist.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::Response,
    routing::post,
};
use identity_service::{
    admission::{json_web_keys::JsonWebKeys, origin::AllowedOrigins},
    http::{
        answer::not_stored,
        problem::Problem,
        request_body::{BodyLimits, read_json},
    },
    proof_key::CodeChallenge,
    random::random_token,
};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

use super::SHORT_LIVED;

/// An engagement is forgotten after this; the codes that belong to it live for a minute.
const ENGAGEMENT_LIFE: Duration = Duration::from_secs(600);
const MOST_ENGAGEMENTS: u64 = 1000;
const TIMEOUT: Duration = Duration::from_secs(8);
const LIMITS: BodyLimits = BodyLimits { length: 4096, time: Duration::from_secs(10) };

/// What the administrator of Live Assist would configure.
#[derive(Clone)]
pub struct LiveAssistSettings {
    /// Where the site's pages and services are.
    pub site: Url,
    /// The issuer of the site's tokens.
    pub issuer: String,
    /// The client id that Live Assist has at the site.
    pub client_id: String,
    /// And its secret.
    pub client_secret: SecretString,
    /// Where a code is sent back to, unless the page says otherwise.
    pub redirect_uri: String,
}

/// One visitor's chat window.
#[derive(Clone)]
struct Engagement {
    verifier: Option<String>,
    is_short_lived: bool,
}

struct Shared {
    settings: LiveAssistSettings,
    http: reqwest::Client,
    keys: JsonWebKeys,
    engagements: Cache<String, Engagement>,
}

/// The stand-in's own endpoints, below `/stand-in/live-assist/`.
pub(super) fn routes(settings: LiveAssistSettings) -> Result<Router, reqwest::Error> {
    let http = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
    let keys = JsonWebKeys::remote(endpoint(&settings.site, "/.well-known/jwks.json"), TIMEOUT)?;
    let engagements = Cache::builder().max_capacity(MOST_ENGAGEMENTS).time_to_live(ENGAGEMENT_LIFE).build();
    Ok(Router::new()
        .route("/stand-in/live-assist/engagement", post(engage))
        .route("/stand-in/live-assist/redeem", post(redeem))
        .with_state(Arc::new(Shared { settings, http, keys, engagements })))
}

fn endpoint(site: &Url, path: &str) -> Url {
    let mut url = site.clone();
    url.set_path(path);
    url
}

#[derive(Deserialize)]
struct Engage {
    proof_key: bool,
    short_lived: bool,
}

/// A chat window opens. With a proof key its challenge goes to the browser, and its verifier stays here.
async fn engage(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    AllowedOrigins::default().check(&parts.headers, true)?;
    let expected = r#"{"proof_key": <boolean>, "short_lived": <boolean>}"#;
    let wanted: Engage = read_json(&parts.headers, body, LIMITS, expected).await?;
    let (id, verifier) = random_token().and_then(|id| Ok((id, random_token()?))).map_err(|error| {
        tracing::error!(%error, "no engagement can be made");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "No engagement can be made.")
    })?;
    let mut answer = Map::new();
    answer.insert("engagement".to_owned(), json!(id));
    let verifier = wanted.proof_key.then_some(verifier);
    if let Some(challenge) = verifier.as_deref().and_then(CodeChallenge::of_verifier) {
        answer.insert("code_challenge".to_owned(), json!(challenge.as_str()));
    }
    shared.engagements.insert(id, Engagement { verifier, is_short_lived: wanted.short_lived });
    Ok(not_stored(Json(answer)))
}

#[derive(Deserialize)]
struct Redeem {
    engagement: String,
    code: String,
    redirect_uri: Option<String>,
}

/// The browser hands in the code; the answer is what the agent would see: the token's header and claims, never the token.
async fn redeem(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    AllowedOrigins::default().check(&parts.headers, true)?;
    let expected = r#"{"engagement": "<id>", "code": "<code>", "redirect_uri"?: "<URI>"}"#;
    let given: Redeem = read_json(&parts.headers, body, LIMITS, expected).await?;
    let engagement = shared.engagements.get(&given.engagement).ok_or_else(|| {
        let detail = "This engagement is not known, or it is over.";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_engagement", detail)
    })?;
    let id_token = shared.exchange(&engagement, &given).await?;
    let (header, claims) = shared.check(&id_token).await?;
    Ok(not_stored(Json(json!({ "header": header, "claims": claims }))))
}

/// What the site's own token endpoint did wrong, as Live Assist would report it.
fn broken(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_GATEWAY, "site_failed", detail)
}

impl Shared {
    /// The token request's body (RFC 6749, section 4.1.3; RFC 7636, section 4.5).
    fn form(&self, engagement: &Engagement, given: &Redeem) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", &given.code)
            .append_pair("redirect_uri", given.redirect_uri.as_ref().unwrap_or(&self.settings.redirect_uri));
        if let Some(verifier) = &engagement.verifier {
            form.append_pair("code_verifier", verifier);
        }
        form.finish()
    }

    /// Asks the site's token endpoint over HTTP, as a service on another machine would.
    async fn exchange(&self, engagement: &Engagement, given: &Redeem) -> Result<String, Problem> {
        let LiveAssistSettings { site, client_id, client_secret, .. } = &self.settings;
        let path = if engagement.is_short_lived { SHORT_LIVED } else { "" };
        let response = self
            .http
            .post(endpoint(site, &format!("{path}/live-assist/oauth/token")))
            .basic_auth(client_id, Some(client_secret.expose_secret()))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(self.form(engagement, given))
            .send()
            .await
            .map_err(|_| broken("The site's token endpoint cannot be reached."))?;
        let status = response.status();
        let answer: Map<String, Value> = response
            .json()
            .await
            .map_err(|_| broken("The site's token endpoint did not answer with a JSON object."))?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
        if !status.is_success() {
            let detail = format!("The site refused the code: {}. {}", text("error"), text("error_description"));
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "code_refused", detail.trim_end()));
        }
        Ok(text("id_token").to_owned())
    }

    /// Checks the OpenID Connect token by the site's published keys.
    async fn check(&self, id_token: &str) -> Result<(Value, Map<String, Value>), Problem> {
        let wrong = |what: &str| broken(format!("The site's id_token is wrong: {what}."));
        let header = decode_header(id_token).map_err(|_| wrong("it is no JSON Web Token"))?;
        if header.alg != Algorithm::RS256 {
            return Err(wrong("it is not signed with RS256"));
        }
        let keys = self.keys.fitting(header.alg, header.kid.as_deref()).await;
        let keys = keys.map_err(|_| broken("The site's published keys cannot be read."))?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.client_id]);
        validation.leeway = 5;
        let token = keys.iter().find_map(|key| decode::<Map<String, Value>>(id_token, &key.key, &validation).ok());
        let token = token.ok_or_else(|| wrong("signature, issuer, audience or life do not hold"))?;
        Ok((json!({ "alg": "RS256", "kid": header.kid, "typ": header.typ }), token.claims))
    }
}
