//! The token endpoint, where Live Assist's service redeems codes (RFC 6749, sections 3.2 and 5; RFC 7636).

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{
    codes::{AuthorizationCodes, CodeFlowSettings},
    tokens::ContactTokens,
};
use crate::{
    customer_store::{IssuedAuthorizationCode, Redemption},
    http::{
        answer::{Outcome, ProblemCode, answered, not_stored},
        problem::{Problem, method_not_allowed},
        request_body::{BodyLimits, read_body},
    },
    proof_key::CodeChallenge,
    random::random_token,
    secret::same_secret,
};

/// What the endpoint needs.
pub struct TokenEndpoint {
    /// What a code is redeemed for.
    pub tokens: Arc<ContactTokens>,
    /// The codes.
    pub codes: Arc<AuthorizationCodes>,
    /// How much of a body is read.
    pub body_limits: BodyLimits,
}

impl TokenEndpoint {
    /// The route, which is for services and not for browsers.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/live-assist/oauth/token", post(redeem))
            .method_not_allowed_fallback(method_not_allowed)
            .with_state(Arc::new(self))
    }
}

/// An error of the token endpoint (RFC 6749, section 5.2).
struct OAuthError {
    error: &'static str,
    description: &'static str,
}

fn invalid_request(description: &'static str) -> OAuthError {
    OAuthError { error: "invalid_request", description }
}

fn invalid_client(description: &'static str) -> OAuthError {
    OAuthError { error: "invalid_client", description }
}

fn invalid_grant(description: &'static str) -> OAuthError {
    OAuthError { error: "invalid_grant", description }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let status = if self.error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = not_stored((status, Json(body)));
        if status == StatusCode::UNAUTHORIZED {
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="live-assist""#));
        }
        response.extensions_mut().insert(ProblemCode(self.error));
        response
    }
}

/// The parameters of the form. An empty one counts as missing (RFC 6749, section 3.2).
struct Form(HashMap<String, String>);

impl Form {
    fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, OAuthError> {
        let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(invalid_request("The body has to be application/x-www-form-urlencoded."));
        }
        let mut parameters = HashMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(invalid_request("No parameter may be given twice."));
            }
        }
        parameters.retain(|_, value| !value.is_empty());
        Ok(Self(parameters))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// The id and the secret of an `Authorization: Basic` header.
fn basic(headers: &HeaderMap) -> Option<Result<(String, String), OAuthError>> {
    let malformed = || invalid_client("Authorization has to be Basic with the client's id and secret.");
    let value = headers.get(header::AUTHORIZATION)?;
    let decoded = value.to_str().ok().and_then(|text| text.split_once(' ')).and_then(|(scheme, credentials)| {
        let bytes = STANDARD.decode(credentials.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let text = String::from_utf8(bytes).ok()?;
        text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
    });
    Some(decoded.ok_or_else(malformed))
}

/// Undoes the form encoding of one value.
fn form_decoded(text: &str) -> String {
    // As a name without a value: an equals sign or an ampersand in it is its own.
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}

/// Whether these are the client's id and secret, as they are or percent-encoded (RFC 6749, section 2.3.1).
fn is_client(settings: &CodeFlowSettings, id: &str, secret: &str) -> bool {
    let id = same_secret(id.as_bytes(), settings.client_id.as_bytes());
    let secret = same_secret(secret.as_bytes(), settings.client_secret.expose_secret().as_bytes());
    id & secret
}

fn authenticate(settings: &CodeFlowSettings, headers: &HeaderMap, form: &Form) -> Result<(), OAuthError> {
    let wrong = || invalid_client("The client's id or secret is wrong.");
    let in_body = (form.get("client_id"), form.get("client_secret"));
    let known = match (basic(headers), in_body) {
        (Some(_), (_, Some(_))) => {
            return Err(invalid_request("The client has to authenticate by Basic or in the body, not by both."));
        }
        (Some(credentials), (named, None)) => {
            let (id, secret) = credentials?;
            let decoded = (form_decoded(&id), form_decoded(&secret));
            if named.is_some_and(|named| named != id && named != decoded.0) {
                return Err(invalid_request("client_id is another one than that of the Authorization header."));
            }
            // Many clients send both as they are, although the standard has them encoded.
            is_client(settings, &id, &secret) | is_client(settings, &decoded.0, &decoded.1)
        }
        (None, (Some(id), Some(secret))) => is_client(settings, id, secret),
        (None, _) => return Err(invalid_client("The client has to authenticate, by Basic or in the body.")),
    };
    if known { Ok(()) } else { Err(wrong()) }
}

/// Whether what is redeemed is what was issued.
fn matches(issued: &IssuedAuthorizationCode, redirect_uri: &str, verifier: Option<&str>) -> Result<(), OAuthError> {
    if issued.redirect_uri != redirect_uri {
        return Err(invalid_grant("redirect_uri is another one than the code was issued for."));
    }
    let challenge = verifier.map(CodeChallenge::of_verifier);
    match (&issued.code_challenge, challenge) {
        (None, None) => Ok(()),
        (Some(issued), Some(Some(shown))) if same_secret(issued.as_bytes(), shown.as_str().as_bytes()) => Ok(()),
        (None, Some(_)) => Err(invalid_grant("code_verifier is given, but the code was issued without a challenge.")),
        (Some(_), None) => Err(invalid_grant("code_verifier is missing: the code was issued with a challenge.")),
        (Some(_), Some(_)) => Err(invalid_grant("code_verifier does not fit the challenge.")),
    }
}

async fn redeem(State(endpoint): State<Arc<TokenEndpoint>>, request: Request<Body>) -> Result<Response, Response> {
    let TokenEndpoint { tokens, codes, body_limits } = &*endpoint;
    let (parts, body) = request.into_parts();
    let body = read_body(&parts.headers, body, *body_limits).await.map_err(IntoResponse::into_response)?;
    let form = Form::parse(&parts.headers, &body).map_err(IntoResponse::into_response)?;
    let issued = grant(codes, &parts.headers, &form).await?;
    let token = tokens.token(&issued.customer, Some(&codes.settings().client_id)).await;
    let id_token = token.map_err(|problem| match problem.code() {
        "no_contact" => invalid_grant("The customer's contact is not known any more.").into_response(),
        _ => problem.into_response(),
    })?;
    // RFC 6749 wants an access token; there is nothing here that it would open.
    let access_token = random_token().map_err(|error| {
        tracing::error!(%error, "no access token could be made");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "No access token could be made.").into_response()
    })?;
    let body = json!({
        "access_token": access_token, "token_type": "Bearer",
        "expires_in": tokens.lifetime.as_secs(), "id_token": id_token,
    });
    let mut response = answered(Json(body), Outcome::Redeemed);
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// What the code was issued for. Once the client is known, a code that is named is used up, whatever else
/// is wrong: whoever has somebody else's code gets one try.
async fn grant(
    codes: &AuthorizationCodes,
    headers: &HeaderMap,
    form: &Form,
) -> Result<IssuedAuthorizationCode, Response> {
    let refused = IntoResponse::into_response;
    authenticate(codes.settings(), headers, form).map_err(refused)?;
    match form.get("grant_type") {
        Some("authorization_code") => {}
        Some(_) => {
            let description = "Only the grant type authorization_code is supported.";
            return Err(OAuthError { error: "unsupported_grant_type", description }.into_response());
        }
        None => return Err(invalid_request("grant_type is missing.").into_response()),
    }
    let code = form.get("code").ok_or_else(|| invalid_request("code is missing.").into_response())?;
    let redirect_uri =
        form.get("redirect_uri").ok_or_else(|| invalid_request("redirect_uri is missing.").into_response())?;
    let redemption = codes.redeem(code).await;
    let redemption = redemption.map_err(|error| Problem::from(error).into_response())?;
    let issued = match redemption {
        Redemption::Redeemed(issued) => issued,
        Redemption::Replayed => {
            tracing::warn!("replay: an authorization code that was redeemed before came again, and was refused");
            return Err(invalid_grant("The code was redeemed before.").into_response());
        }
        Redemption::Expired => return Err(invalid_grant("The code has expired.").into_response()),
        Redemption::Unknown => return Err(invalid_grant("The code is not known here.").into_response()),
    };
    matches(&issued, redirect_uri, form.get("code_verifier")).map_err(refused)?;
    Ok(issued)
}
