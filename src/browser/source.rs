//! The four kinds of source: a function, the page's own service, LiveChat's cookie grant and its identity_token grant.

use base64ct::{Base64UrlUnpadded, Encoding};
use js_sys::{Function, JSON, Object, Promise, Reflect};
use sha2::{Digest, Sha256};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

use crate::core::{Account, Failure, Fields, Reason, Value};

use super::error::{SourceFailure, bad_option, of_source, set};
use super::fields::{JsFields, is_record};
use super::http::HttpRequest;
use super::options::{OptionsReader, url_text};
use super::sys;

const LIVECHAT_ACCOUNTS: &str = "https://accounts.livechat.com";

/// The option `source`.
pub(super) enum Source {
    Function(Function),
    Url(UrlSource),
    CookieGrant { client_id: String, redirect_uri: Option<String>, accounts_url: String },
    IdentityTokenGrant { client_id: String, transfer_url: String, accounts_url: String },
}

/// The page's own service.
pub(super) struct UrlSource {
    url: String,
    method: String,
    headers: Option<Object>,
    credentials: String,
    body: Option<String>,
}

/// What a source is told of one attempt.
pub(super) struct SourceRequest<'a> {
    pub(super) signal: &'a AbortSignal,
    pub(super) identity: Option<&'a str>,
    pub(super) reason: Reason,
    pub(super) account: &'a Account,
}

impl Source {
    pub(super) fn from_option(value: &JsValue) -> Result<Self, JsValue> {
        if let Some(function) = value.dyn_ref::<Function>() {
            return Ok(Self::Function(function.clone()));
        }
        if let Some(url) = url_text(value) {
            let url = url.map_err(|()| bad_option("source", "a URL that this page can resolve"))?;
            return Ok(Self::Url(UrlSource {
                url,
                method: "POST".to_owned(),
                headers: None,
                credentials: "same-origin".to_owned(),
                body: None,
            }));
        }
        if !is_record(value) {
            return Err(bad_option("source", "a function, a URL, or an object with url or grant"));
        }
        let options = OptionsReader::new(value, "source.");
        match options.text("grant")?.as_deref() {
            None => Self::url_source(&options),
            Some("cookie") => {
                options.only(&["grant", "clientId", "redirectUri", "accountsUrl"])?;
                Ok(Self::CookieGrant {
                    client_id: options.required_text("clientId")?,
                    redirect_uri: options.text("redirectUri")?,
                    accounts_url: options.url("accountsUrl")?.unwrap_or_else(|| LIVECHAT_ACCOUNTS.to_owned()),
                })
            }
            Some("identity_token") => {
                options.only(&["grant", "clientId", "transferUrl", "accountsUrl"])?;
                Ok(Self::IdentityTokenGrant {
                    client_id: options.required_text("clientId")?,
                    transfer_url: options
                        .url("transferUrl")?
                        .ok_or_else(|| bad_option("source.transferUrl", "the URL of the page's own service"))?,
                    accounts_url: options.url("accountsUrl")?.unwrap_or_else(|| LIVECHAT_ACCOUNTS.to_owned()),
                })
            }
            Some(_) => Err(bad_option("source.grant", "\"cookie\" or \"identity_token\"")),
        }
    }

    fn url_source(options: &OptionsReader<'_>) -> Result<Self, JsValue> {
        options.only(&["url", "method", "headers", "credentials", "body"])?;
        let url = options.url("url")?.ok_or_else(|| bad_option("source.url", "a URL (or give grant)"))?;
        let method = options.one_of("method", &["GET", "POST"])?.unwrap_or("POST").to_owned();
        let credentials =
            options.one_of("credentials", &["omit", "same-origin", "include"])?.unwrap_or("same-origin").to_owned();
        let body = options.text("body")?;
        if body.is_some() && method == "GET" {
            return Err(bad_option("source.body", "no body with method \"GET\""));
        }
        let headers = options.get("headers");
        let headers = if headers.is_undefined() {
            None
        } else if is_record(&headers) && has_only_texts(headers.unchecked_ref()) {
            Some(headers.unchecked_into())
        } else {
            return Err(bad_option("source.headers", "a plain object of strings"));
        };
        Ok(Self::Url(UrlSource { url, method, headers, credentials, body }))
    }

    /// Asks the source once.
    pub(super) async fn ask(&self, request: SourceRequest<'_>) -> Result<JsValue, SourceFailure> {
        match self {
            Self::Function(function) => ask_function(function, &request).await,
            Self::Url(source) => {
                HttpRequest {
                    url: &source.url,
                    method: &source.method,
                    headers: source.headers.as_ref(),
                    credentials: &source.credentials,
                    body: source.body.as_deref(),
                }
                .send(request.signal)
                .await
            }
            Self::CookieGrant { client_id, redirect_uri, accounts_url } => {
                let body = grant_body("cookie", client_id, request.account);
                let redirect_uri = redirect_uri.clone().or_else(page_address);
                set(&body, "redirect_uri", &redirect_uri.map_or(JsValue::UNDEFINED, JsValue::from));
                ask_accounts(accounts_url, request.account, "include", &body, request.signal).await
            }
            Self::IdentityTokenGrant { client_id, transfer_url, accounts_url } => {
                let verifier = random_text::<32>()?;
                let code = ask_transfer(transfer_url, &verifier, request.signal).await?;
                let body = grant_body("identity_token", client_id, request.account);
                set(&body, "code", &code.into());
                set(&body, "code_verifier", &verifier.into());
                ask_accounts(accounts_url, request.account, "omit", &body, request.signal).await
            }
        }
    }
}

async fn ask_function(function: &Function, request: &SourceRequest<'_>) -> Result<JsValue, SourceFailure> {
    let argument = Object::new();
    set(&argument, "signal", request.signal);
    set(&argument, "identity", &request.identity.map_or(JsValue::NULL, JsValue::from_str));
    let reason = match request.reason {
        Reason::Get => "get",
        Reason::Fresh => "fresh",
        Reason::Ahead => "ahead",
    };
    set(&argument, "reason", &reason.into());
    let answer = function.call1(&JsValue::UNDEFINED, &argument).map_err(of_source)?;
    JsFuture::from(Promise::resolve(&answer)).await.map_err(of_source)
}

/// Has the page's own service start an identity transfer; the proof key's challenge (RFC 7636, S256) goes with it.
async fn ask_transfer(url: &str, verifier: &str, signal: &AbortSignal) -> Result<String, SourceFailure> {
    let body = Object::new();
    set(&body, "code_challenge", &Base64UrlUnpadded::encode_string(&Sha256::digest(verifier)).into());
    let headers = Object::new();
    set(&headers, "content-type", &"application/json".into());
    let request = HttpRequest {
        url,
        method: "POST",
        headers: Some(&headers),
        credentials: "same-origin",
        body: Some(&json_text(&body)?),
    };
    let answer = request.send(signal).await?;
    match JsFields(&answer).field("identity_transfer_token") {
        Value::Text(code) if !code.is_empty() => Ok(code),
        found => Err(Failure::bad_answer("identity_transfer_token", found.kind(), "a non-empty string").into()),
    }
}

/// What every grant's body begins with. Source: LiveChat, "Customer authorization flows".
fn grant_body(grant: &str, client_id: &str, account: &Account) -> Object {
    let body = Object::new();
    set(&body, "grant_type", &grant.into());
    set(&body, "client_id", &client_id.into());
    set(&body, "response_type", &"token".into());
    if let Some(organization_id) = &account.organization_id {
        set(&body, "organization_id", &organization_id.into());
    } else if let Some(license_id) = account.license_id {
        set(&body, "license_id", &(license_id as f64).into());
    }
    body
}

/// Asks LiveChat's accounts: version 2 knows organizations, version 1 licences. A text body without headers needs no preflight.
async fn ask_accounts(
    accounts_url: &str,
    account: &Account,
    credentials: &str,
    body: &Object,
    signal: &AbortSignal,
) -> Result<JsValue, SourceFailure> {
    let version = if account.organization_id.is_some() { "/v2" } else { "" };
    let url = [accounts_url.trim_end_matches('/'), version, "/customer/token"].concat();
    let body = json_text(body)?;
    HttpRequest { url: &url, method: "POST", headers: None, credentials, body: Some(&body) }.send(signal).await
}

fn json_text(object: &Object) -> Result<String, SourceFailure> {
    JSON::stringify(object).map(String::from).map_err(of_source)
}

/// Random bytes as base64url, for proof keys and generations.
pub(super) fn random_text<const LENGTH: usize>() -> Result<String, SourceFailure> {
    let mut bytes = [0; LENGTH];
    sys::fill_random(&mut bytes).map_err(of_source)?;
    Ok(Base64UrlUnpadded::encode_string(&bytes))
}

/// The page's origin and path, which LiveChat takes for the redirect URI of its cookie grant.
fn page_address() -> Option<String> {
    let location = Reflect::get(&js_sys::global(), &"location".into()).ok()?;
    match (JsFields(&location).field("origin"), JsFields(&location).field("pathname")) {
        (Value::Text(origin), Value::Text(path)) => Some([origin, path].concat()),
        _ => None,
    }
}

fn has_only_texts(object: &Object) -> bool {
    Object::values(object).iter().all(|value| value.is_string())
}

