//! What LiveChat's widget needs: tokens for the entity of the customer or the guest, and codes to transfer the identity.

pub mod accounts;
pub mod customer_tokens;
pub mod guest_cookie;
pub mod guests;

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use custom_identity_provider::core::RawToken;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, json};

use crate::{
    admission::Admission,
    customer::{CustomerId, GuestId},
    customer_store::EntityOwner,
    http::{
        answer::{Outcome, answered, json_answer},
        problem::{Problem, method_not_allowed},
        request_body::{BodyLimits, read_body, read_json},
    },
    proof_key::CodeChallenge,
};
use accounts::{AccountsApiError, AccountsApiSettings};
use customer_tokens::{CustomerTokens, TokenAnswer, TokenError, TokenSettings};
use guests::{GuestSettings, Guests};

/// What a site sets for LiveChat.
#[derive(Debug, Clone)]
pub struct LiveChatSettings {
    /// How LiveChat's accounts are reached.
    pub accounts: AccountsApiSettings,
    /// How tokens are kept.
    pub tokens: TokenSettings,
    /// How guests are served, when they are.
    pub guests: Option<GuestSettings>,
}

/// What the endpoints work with.
pub struct LiveChat {
    /// Who is let in.
    pub admission: Admission,
    /// How much of a body is read.
    pub body_limits: BodyLimits,
    /// The tokens of all customers and guests.
    pub tokens: CustomerTokens,
    /// The guests, when they are served.
    pub guests: Option<Arc<Guests>>,
}

impl LiveChat {
    /// The routes.
    pub fn routes(self) -> Router {
        let origins = self.admission.origins.cross_origin_layer();
        let livechat = Arc::new(self);
        let mut router = Router::new()
            .route("/livechat/token", post(token))
            .route("/livechat/transfer", post(transfer))
            .with_state(Arc::clone(&livechat));
        if let Some(guests) = livechat.guests.clone() {
            let desk = GuestDesk { livechat, guests };
            router =
                router.merge(Router::new().route("/livechat/guest", post(guest).delete(end_guest)).with_state(desk));
        }
        // Before the layer: a preflight is answered by it, not by this.
        router.method_not_allowed_fallback(method_not_allowed).layer(origins)
    }
}

/// `Cache-Control: no-cache`, as a browser sends it for `cache: "reload"`: the page wants a token younger than ours.
fn wants_fresh(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .any(|directive| directive.trim().eq_ignore_ascii_case("no-cache"))
}

impl LiveChat {
    /// The answer with a token.
    fn token_answer(&self, (token, outcome): (TokenAnswer, Outcome)) -> Response {
        let account = self.tokens.accounts().account();
        let access_token = token.access_token().expose_secret();
        let raw = RawToken {
            access_token,
            entity_id: token.entity().as_str(),
            expires_in: token.expires_in,
            token_type: "Bearer",
            organization_id: account.organization_id(),
            license_id: account.license_id(),
        };
        answered(json_answer(&raw, access_token.len()), outcome)
    }

    /// The guests whose entity the customer may take over.
    fn adoptable(&self, headers: &HeaderMap) -> Vec<GuestId> {
        self.guests.as_ref().map(|guests| guests.adoptable(headers)).unwrap_or_default()
    }

    /// Whoever is signed in is no guest any more: the browser's guest ends, so that who comes next at the same machine
    /// does not get that conversation. It stays only when the answer failed and it may still be adopted.
    async fn no_guest_any_more(
        &self,
        customer: &CustomerId,
        headers: &HeaderMap,
        answer: Result<Response, TokenError>,
    ) -> Response {
        let failed = answer.is_err();
        let mut response = answer.unwrap_or_else(|error| Problem::from(error).into_response());
        let Some(guests) = self.guests.as_ref().filter(|guests| guests.cookie().is_sent(headers)) else {
            return response;
        };
        if failed && !guests.adoptable(headers).is_empty() {
            let has_entity = self.tokens.store().entity(customer).await.map(|entity| entity.is_some());
            if !has_entity.unwrap_or(false) {
                return response;
            }
        }
        if let Err(error) = guests.end(headers).await {
            // The customer is served all the same: without its cookie, nobody comes to the guest.
            tracing::error!(%error, "a guest's record could not be removed; it ends with its time");
        }
        set_cookie(&mut response, guests.cookie().ended());
        response
    }
}

fn set_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

async fn token(State(livechat): State<Arc<LiveChat>>, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let customer = livechat.admission.customer(&parts.headers).await?;
    // Nothing in the body is needed, but it is read, so that the connection can be used again.
    read_body(&parts.headers, body, livechat.body_limits).await?;
    let (owner, adoptable) = (EntityOwner::Customer(customer.clone()), livechat.adoptable(&parts.headers));
    let token = livechat.tokens.token(owner, &adoptable, wants_fresh(&parts.headers)).await;
    let answer = token.map(|token| livechat.token_answer(token));
    Ok(livechat.no_guest_any_more(&customer, &parts.headers, answer).await)
}

#[derive(Deserialize)]
struct TransferRequest {
    code_challenge: String,
}

async fn transfer(State(livechat): State<Arc<LiveChat>>, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let customer = livechat.admission.customer(&parts.headers).await?;
    let expected = r#"{"code_challenge": "<43 characters of base64url>"}"#;
    let body: TransferRequest = read_json(&parts.headers, body, livechat.body_limits, expected).await?;
    let challenge = CodeChallenge::read(&body.code_challenge)?;
    let adoptable = livechat.adoptable(&parts.headers);
    let transfer = livechat.tokens.transfer(&customer, &adoptable, &challenge).await;
    let answer = transfer.map(|(transfer, outcome)| {
        let mut members = Map::new();
        let code = transfer.identity_transfer_token.expose_secret();
        members.insert("identity_transfer_token".to_owned(), json!(code));
        members.insert("expires_in".to_owned(), json!(transfer.expires_in));
        answered(Json(members), outcome)
    });
    Ok(livechat.no_guest_any_more(&customer, &parts.headers, answer).await)
}

/// What the guests' endpoints work with.
#[derive(Clone)]
struct GuestDesk {
    livechat: Arc<LiveChat>,
    guests: Arc<Guests>,
}

async fn guest(
    State(GuestDesk { livechat, guests }): State<GuestDesk>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    livechat.admission.guest(&parts.headers).await?;
    guests.cookie().check_kept(&parts.headers)?;
    read_body(&parts.headers, body, livechat.body_limits).await?;
    let visit = guests.visit(&parts.headers).await?;
    let owner = EntityOwner::Guest(visit.guest.clone());
    let mut token = livechat.tokens.token(owner, &[], wants_fresh(&parts.headers)).await;
    // While it was fetched, a customer may have adopted the entity: from then on its tokens are the customer's alone.
    if token.as_ref().is_ok_and(|(_, outcome)| *outcome != Outcome::Hit) && !guests.is_there(&visit.guest).await? {
        token = Err(TokenError::GuestEnded);
    }
    let cookie = match &token {
        Err(TokenError::GuestEnded) => None,
        // LiveChat has forgotten the entity: the guest ends too, and comes back as a new one.
        Err(TokenError::Accounts(AccountsApiError::CustomerRefused(exception))) if exception.is_missing_entity() => {
            guests.end(&parts.headers).await?;
            guests.cookie().ended()
        }
        // Also with a failure: a page that asks again is then the same guest, whose entity may be there meanwhile.
        _ => visit.set_cookie,
    };
    let answer = token.map(|token| livechat.token_answer(token));
    let mut response = answer.unwrap_or_else(|error| Problem::from(error).into_response());
    set_cookie(&mut response, cookie);
    Ok(response)
}

/// Ends the guest of the browser, for a page whose visitor signs out or leaves a shared machine.
async fn end_guest(
    State(GuestDesk { livechat, guests }): State<GuestDesk>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    livechat.admission.origins.check(&headers, true)?;
    guests.end(&headers).await?;
    let mut response = answered(StatusCode::NO_CONTENT, Outcome::Ended);
    set_cookie(&mut response, guests.cookie().ended());
    Ok(response)
}
