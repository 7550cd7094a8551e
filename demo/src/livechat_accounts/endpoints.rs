//! The stand-in's endpoints.

use std::{convert::Infallible, io, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    BoxError, Json, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use identity_service::{
    admission::{bearer_token, cookies},
    http::{
        answer::not_stored,
        problem::Problem,
        request_body::{BodyLimits, read_body, read_json},
    },
    proof_key::CodeChallenge,
    random::{NoRandomness, random_token},
};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use tower::{Service, ServiceExt};
use tower_http::{
    cors::{AllowOrigin, CorsLayer},
    set_header::SetResponseHeaderLayer,
};
use url::Url;

use super::{
    Faults, StandIn,
    ledger::{Issued, TransferCode},
};

const LIFETIME: u64 = 28_800;
const CODE_LIFETIME: Duration = Duration::from_secs(3600);
const LIMITS: BodyLimits = BodyLimits { length: 64 * 1024, time: Duration::from_secs(10) };
const TWO_YEARS: u64 = 63_072_000;

/// LiveChat's own form of an error.
struct Refusal(&'static str, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "oauth_exception": self.0, "exception_description": self.1 });
        (StatusCode::UNAUTHORIZED, Json(body)).into_response()
    }
}

impl From<NoRandomness> for Refusal {
    fn from(_: NoRandomness) -> Self {
        Self("server_error", "The stand-in got no random numbers.")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

fn router(stand_in: StandIn) -> Router {
    let allowed = stand_in.settings.allowed_origins.clone();
    let cross_origin = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| {
            origin.to_str().is_ok_and(|origin| is_loopback(origin) || allowed.iter().any(|allowed| allowed == origin))
        }))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([header::RETRY_AFTER])
        .max_age(Duration::from_secs(600));
    Router::new()
        .route("/customer/token", post(token_one).delete(revoke))
        .route("/customer/info", get(information))
        .route("/customer/identity_transfer", post(transfer))
        .route("/v2/customer/token", post(token_two).delete(revoke))
        .route("/v2/customer/info", get(information))
        .route("/v2/customer/identity_transfer", post(transfer))
        .route("/stand-in/state", get(state))
        .route("/stand-in/faults", axum::routing::put(set_faults).delete(reset_faults))
        .route("/healthz", get(async || Json(json!({ "status": "ok" }))))
        .layer(cross_origin)
        .layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static("x-stand-in"),
            HeaderValue::from_static("a stand-in for LiveChat's accounts API, not LiveChat"),
        ))
        .with_state(stand_in)
}

/// Put in a response's extensions, it makes the connection be cut instead of answered.
#[derive(Debug, Clone, Copy)]
struct CutConnection;

/// The stand-in as it is served. Where a fault demands it, the server gets no response, and cuts the connection.
pub fn service(
    stand_in: StandIn,
) -> impl Service<Request, Response = Response, Error = BoxError, Future: Send> + Clone + Send + 'static {
    ServiceExt::<Request>::map_result(router(stand_in), |answer: Result<Response, Infallible>| {
        let response = answer.unwrap_or_else(|never| match never {});
        match response.extensions().get::<CutConnection>() {
            Some(CutConnection) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "cut on demand").into()),
            None => Ok(response),
        }
    })
}

/// An http page of this machine, whatever its port.
fn is_loopback(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        let host = url.host_str().unwrap_or_default();
        url.scheme() == "http" && matches!(host, "127.0.0.1" | "localhost" | "[::1]")
    })
}

async fn token_one(State(stand_in): State<StandIn>, request: Request) -> Response {
    token(stand_in, Version::One, request).await
}

async fn token_two(State(stand_in): State<StandIn>, request: Request) -> Response {
    token(stand_in, Version::Two, request).await
}

/// Reads JSON whatever its media type: LiveChat's own client sends it as text/plain.
async fn read_members(headers: &HeaderMap, body: Body) -> Map<String, Value> {
    match read_body(headers, body, LIMITS).await {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(_) => Map::new(),
    }
}

fn text<'a>(members: &'a Map<String, Value>, member: &str) -> Option<&'a str> {
    members.get(member).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Does the work unless a fault forbids it, and answers as the faults demand.
async fn with_faults<Work>(stand_in: &StandIn, path: &str, grant: Option<String>, work: Work) -> Response
where
    Work: FnOnce(&Faults) -> Result<Response, Refusal>,
{
    let faults = stand_in.ledger().faults.take();
    let lost = faults.cut_connection || faults.html || faults.status.is_some();
    let mut answer = if !lost || faults.processed { work(&faults).into_response() } else { ().into_response() };
    if let Some(latency) = faults.latency_ms {
        tokio::time::sleep(Duration::from_millis(latency)).await;
    }
    if let Some(status) = faults.status.and_then(|status| StatusCode::from_u16(status).ok()) {
        answer = status.into_response();
        if let Some(seconds) = faults.retry_after {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
    } else if faults.html {
        answer = Html("<!doctype html><title>Stand-in</title><p>A page where JSON was expected.").into_response();
    }
    let cut = faults.cut_connection;
    if cut {
        answer = ().into_response();
        answer.extensions_mut().insert(CutConnection);
    }
    stand_in.saw(path, grant, if cut { 0 } else { answer.status().as_u16() });
    answer
}

async fn token(stand_in: StandIn, version: Version, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let members = read_members(&parts.headers, body).await;
    let grant = match text(&members, "grant_type") {
        // Only names that are known, so that the state shows nothing that somebody sent by mistake.
        Some(grant @ ("cookie" | "agent_token" | "identity_token")) => Some(grant.to_owned()),
        _ => None,
    };
    with_faults(&stand_in, parts.uri.path(), grant.clone(), |faults| {
        let lifetime = faults.lifetime_seconds.unwrap_or(LIFETIME);
        grant_token(&stand_in, version, grant.as_deref(), &parts.headers, &members, lifetime)
    })
    .await
}

fn check_client(stand_in: &StandIn, members: &Map<String, Value>) -> Result<String, Refusal> {
    let client_id = text(members, "client_id").ok_or(Refusal("invalid_request", "client_id is missing."))?;
    match &stand_in.settings.client_id {
        Some(known) if known != client_id => Err(Refusal("invalid_client", "The client_id is not known.")),
        _ => Ok(client_id.to_owned()),
    }
}

fn check_agent(stand_in: &StandIn, headers: &HeaderMap) -> Result<(), Refusal> {
    let sent = bearer_token(headers).ok_or(Refusal("access_denied", "The agent token is missing."))?;
    let known = stand_in.settings.agent_token.expose_secret();
    verify_slices_are_equal(sent.as_bytes(), known.as_bytes())
        .map_err(|_| Refusal("access_denied", "The agent token is not valid."))
}

fn grant_token(
    stand_in: &StandIn,
    version: Version,
    grant: Option<&str>,
    headers: &HeaderMap,
    members: &Map<String, Value>,
    lifetime: u64,
) -> Result<Response, Refusal> {
    let client_id = check_client(stand_in, members)?;
    let account = account(stand_in, version, members, grant == Some("cookie"))?;
    let mut set_cookies = Vec::new();
    let mut ledger = stand_in.ledger();
    let entity = match grant {
        Some("cookie") => {
            check_redirect(stand_in, headers, members)?;
            let cookie = |name| cookies(headers, name).into_iter().next();
            let known = cookie("__lc_cid").zip(cookie("__lc_cst")).filter(|(entity, secret)| {
                let known = ledger.cookies.get(entity);
                known.is_some_and(|known| verify_slices_are_equal(known.as_bytes(), secret.as_bytes()).is_ok())
            });
            let (entity, secret) = match known {
                Some(known) => known,
                None => {
                    let (entity, secret) = (ledger.create_customer()?, random_token()?);
                    ledger.cookies.insert(entity.clone(), secret.clone());
                    (entity, secret)
                }
            };
            let path = if version == Version::One { "/customer" } else { "/v2/customer" };
            let site = if stand_in.settings.secure_cookies { "Secure; SameSite=None" } else { "SameSite=Lax" };
            for (name, value) in [("__lc_cid", &entity), ("__lc_cst", &secret)] {
                set_cookies.push(format!("{name}={value}; Path={path}; Max-Age={TWO_YEARS}; HttpOnly; {site}"));
            }
            entity
        }
        Some("agent_token") => {
            check_agent(stand_in, headers)?;
            match text(members, "entity_id") {
                Some(entity) if ledger.customers.contains(entity) => entity.to_owned(),
                Some(_) => return Err(Refusal("resource_not_found", "The entity_id does not exist.")),
                None => ledger.create_customer()?,
            }
        }
        Some("identity_token") => {
            let code = text(members, "code").ok_or(Refusal("invalid_request", "code is missing."))?;
            // Removed before it is looked at: a code is tried once, whatever comes of it.
            let code =
                ledger.codes.remove(code).ok_or(Refusal("invalid_grant", "The code is not known or was used."))?;
            if stand_in.now().since(code.since) >= CODE_LIFETIME {
                return Err(Refusal("invalid_grant", "The code has expired."));
            }
            if code.client_id != client_id {
                return Err(Refusal("invalid_grant", "The code was made for another client_id."));
            }
            let proven = text(members, "code_verifier").and_then(CodeChallenge::of_verifier);
            if code.challenge.is_some() && code.challenge != proven {
                return Err(Refusal("invalid_grant", "The code_verifier does not match the code_challenge."));
            }
            code.entity
        }
        _ => return Err(Refusal("unsupported_grant_type", "The grant_type is not supported.")),
    };
    let issued = Issued { entity: entity.clone(), client_id: client_id.clone(), lifetime, since: stand_in.now() };
    let access_token = ledger.issue(issued)?;
    let mut answer = Map::new();
    answer.insert("access_token".to_owned(), json!(access_token));
    answer.insert("entity_id".to_owned(), json!(entity));
    answer.insert("expires_in".to_owned(), json!(lifetime));
    answer.insert("token_type".to_owned(), json!("Bearer"));
    if grant != Some("cookie") {
        answer.insert("client_id".to_owned(), json!(client_id));
    }
    if let Some((member, value)) = account {
        answer.insert(member.to_owned(), value);
    }
    let mut response = not_stored(Json(answer));
    for text in set_cookies {
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    Ok(response)
}

/// The member of the answer that names the account. Only the cookie grant has to name one.
fn account(
    stand_in: &StandIn,
    version: Version,
    members: &Map<String, Value>,
    required: bool,
) -> Result<Option<(&'static str, Value)>, Refusal> {
    match version {
        Version::One => match members.get("license_id") {
            Some(license_id) if license_id.is_u64() => Ok(Some(("license_id", license_id.clone()))),
            None if !required => Ok(None),
            _ => Err(Refusal("invalid_request", "license_id has to be an integer.")),
        },
        Version::Two => match text(members, "organization_id") {
            Some(organization_id) => Ok(Some(("organization_id", json!(organization_id)))),
            None if !required => Ok(Some(("organization_id", json!(stand_in.settings.organization_id)))),
            None => Err(Refusal("invalid_request", "organization_id is missing.")),
        },
    }
}

fn check_redirect(stand_in: &StandIn, headers: &HeaderMap, members: &Map<String, Value>) -> Result<(), Refusal> {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let uri = text(members, "redirect_uri").or(origin).ok_or(Refusal("invalid_request", "redirect_uri is missing."))?;
    let listed = stand_in.settings.redirect_prefixes.iter().any(|prefix| uri.starts_with(prefix.as_str()));
    if listed || is_loopback(uri) {
        Ok(())
    } else {
        Err(Refusal("invalid_request", "The redirect_uri is not whitelisted."))
    }
}

async fn transfer(State(stand_in): State<StandIn>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let members = read_members(&parts.headers, body).await;
    let grant = Some("identity_transfer".to_owned());
    with_faults(&stand_in, parts.uri.path(), grant, |_| {
        let client_id = check_client(&stand_in, &members)?;
        let challenge = match text(&members, "code_challenge") {
            Some(challenge) => Some(
                CodeChallenge::parse(challenge)
                    .ok_or(Refusal("invalid_request", "code_challenge is no SHA-256 hash in base64url."))?,
            ),
            None => None,
        };
        let mut ledger = stand_in.ledger();
        let entity = match text(&members, "bearer_type") {
            Some("agent") => {
                check_agent(&stand_in, &parts.headers)?;
                let entity =
                    text(&members, "customer_id").ok_or(Refusal("invalid_request", "customer_id is missing."))?;
                if !ledger.customers.contains(entity) {
                    return Err(Refusal("resource_not_found", "The customer_id does not exist."));
                }
                entity.to_owned()
            }
            Some("customer") => {
                let token = bearer_token(&parts.headers).unwrap_or_default();
                stand_in.alive(&ledger, token).ok_or(Refusal("access_denied", "The token is not valid."))?.0.entity
            }
            _ => return Err(Refusal("invalid_request", "bearer_type has to be agent or customer.")),
        };
        let code = format!("stand-in-code:{}", random_token()?);
        ledger.codes.insert(code.clone(), TransferCode { entity, client_id, challenge, since: stand_in.now() });
        Ok(Json(json!({ "identity_transfer_token": code, "expires_in": CODE_LIFETIME.as_secs() })).into_response())
    })
    .await
}

/// `DELETE …/token` revokes the token that authorizes it.
async fn revoke(State(stand_in): State<StandIn>, uri: Uri, headers: HeaderMap) -> Response {
    let token = bearer_token(&headers).unwrap_or_default();
    let known = stand_in.ledger().tokens.remove(token).is_some();
    let answer = if known {
        StatusCode::OK.into_response()
    } else {
        Refusal("access_denied", "The token is not valid.").into_response()
    };
    stand_in.saw(uri.path(), Some("revocation".to_owned()), answer.status().as_u16());
    answer
}

/// `GET …/info` describes the token that authorizes it.
async fn information(State(stand_in): State<StandIn>, uri: Uri, headers: HeaderMap) -> Response {
    let token = bearer_token(&headers).unwrap_or_default();
    let alive = stand_in.alive(&stand_in.ledger(), token);
    let answer = match alive {
        Some((issued, left)) => Json(json!({
            "access_token": token, "client_id": issued.client_id, "entity_id": issued.entity, "expires_in": left,
            "organization_id": stand_in.settings.organization_id, "token_type": "Bearer",
        }))
        .into_response(),
        None => Refusal("access_denied", "The token is not valid.").into_response(),
    };
    stand_in.saw(uri.path(), None, answer.status().as_u16());
    answer
}

async fn state(State(stand_in): State<StandIn>) -> Json<Value> {
    let ledger = stand_in.ledger();
    Json(json!({
        "stand_in": "a stand-in for LiveChat's accounts API, not LiveChat",
        "customers": ledger.customers.len(),
        "tokens_issued": ledger.tokens_issued,
        "requests": ledger.requests,
        "faults": ledger.faults,
    }))
}

async fn set_faults(State(stand_in): State<StandIn>, request: Request) -> Result<Json<Faults>, Problem> {
    let (parts, body) = request.into_parts();
    let expected = "{latency_ms?, status? (200 to 599), retry_after?, cut_connection?, html?, processed?, lifetime_seconds?, remaining?}";
    let faults: Faults = read_json(&parts.headers, body, LIMITS, expected).await?;
    if faults.status.is_some_and(|status| !(200..=599).contains(&status)) {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_body", "status has to be 200 to 599."));
    }
    stand_in.ledger().faults = faults.clone();
    Ok(Json(faults))
}

async fn reset_faults(State(stand_in): State<StandIn>) -> StatusCode {
    stand_in.ledger().faults = Faults::default();
    StatusCode::NO_CONTENT
}
