//! Asks the site itself who the customer is: whose are this request's cookies, and this `Authorization`?

use axum::http::{HeaderMap, HeaderValue, header};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::{
    questions::{AskError, NoCustomer, QuestionSettings, Questions, QuestionsError, SignedIn, ask, members},
    session_token::{customer_in, id_in},
};
use crate::{
    customer::{CustomerId, NOBODY},
    http::trace_context::{TRACEPARENT, TraceContext},
};

/// Where the site says who somebody is.
#[derive(Debug, Clone)]
pub struct SiteSessionSettings {
    /// Answers a GET with 200 and a JSON object, or with 401, 403 or a redirect when nobody is signed in.
    pub url: Url,
    /// The member that holds the customer's id.
    pub customer_claim: String,
    /// The only cookie that is passed on, when set.
    pub cookie: Option<String>,
    /// How the site is asked.
    pub questions: QuestionSettings,
}

/// Asks the site.
#[derive(Clone)]
pub struct SiteSessions {
    url: Url,
    customer_claim: String,
    cookie: Option<String>,
    questions: Questions,
}

/// The parts of a request that sign somebody in at the site.
struct Session {
    cookies: Vec<u8>,
    authorization: Option<HeaderValue>,
}

impl SiteSessions {
    /// Asks by these settings.
    pub fn new(settings: SiteSessionSettings) -> Result<Self, QuestionsError> {
        let SiteSessionSettings { url, customer_claim, cookie, questions } = settings;
        let questions = Questions::new(&url, questions)?;
        Ok(Self { url, customer_claim, cookie, questions })
    }

    /// The only cookie that is passed on, when set.
    pub(super) fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Whether there is anything to ask the site about.
    pub(super) fn is_sent(&self, headers: &HeaderMap) -> bool {
        self.session(headers).is_some()
    }

    /// The customer whose request it is.
    pub(super) async fn customer(&self, headers: &HeaderMap) -> Result<CustomerId, NoCustomer> {
        let session = self.session(headers).ok_or(NoCustomer::Nobody)?;
        let authorization = session.authorization.as_ref().map(HeaderValue::as_bytes).unwrap_or_default();
        let digest = self.questions.digest(&[&session.cookies, authorization]);
        self.questions.customer(digest, Box::pin(self.ask(&session, headers))).await
    }

    /// What the site says of a request without any session.
    pub(super) async fn probe(&self) -> Result<SignedIn, NoCustomer> {
        let nothing = Session { cookies: Vec::new(), authorization: None };
        self.ask(&nothing, &HeaderMap::new()).await
    }

    async fn ask(&self, session: &Session, headers: &HeaderMap) -> Result<SignedIn, NoCustomer> {
        let mut question = self.questions.http.get(self.url.clone());
        // Bytes that came in a header may be sent in a header.
        if let Some(cookies) = HeaderValue::from_bytes(&session.cookies).ok().filter(|cookies| !cookies.is_empty()) {
            question = question.header(header::COOKIE, cookies);
        }
        if let Some(authorization) = &session.authorization {
            question = question.header(header::AUTHORIZATION, authorization);
        }
        if let Some(child) = TraceContext::of(headers).and_then(|trace| trace.child()) {
            question = question.header(TRACEPARENT, child);
        }
        let response = ask(question).await?;
        match response.status() {
            StatusCode::OK | StatusCode::NO_CONTENT => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(NoCustomer::Nobody),
            status if is_redirect(status) && self.is_own(&response) => return Err(AskError::Moved.into()),
            status if is_redirect(status) => return Err(NoCustomer::Nobody),
            status => return Err(AskError::Status(status.as_u16()).into()),
        }
        let Some(members) = members(response).await? else { return Err(NoCustomer::Nobody) };
        match members.get(&self.customer_claim) {
            // What sites say of a visitor who is not signed in.
            Some(Value::Null | Value::Bool(false)) => Err(NoCustomer::Nobody),
            Some(claim) if id_in(claim).is_some_and(|id| id.is_empty() || NOBODY.contains(&&*id)) => {
                Err(NoCustomer::Nobody)
            }
            _ => {
                let customer = customer_in(&members, &self.customer_claim).map_err(|_| AskError::NoCustomer)?;
                Ok(SignedIn { customer, expiry: None })
            }
        }
    }

    /// The cookies that matter, in one line, and the `Authorization`; None when there is neither.
    fn session(&self, headers: &HeaderMap) -> Option<Session> {
        let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
        let pairs = lines.flat_map(|line| line.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
        let is_named = |pair: &&[u8]| {
            let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
            !pair.is_empty() && self.cookie.as_ref().is_none_or(|cookie| is_part_of(name, cookie.as_bytes()))
        };
        let cookies = pairs.filter(is_named).collect::<Vec<_>>().join(b"; ".as_slice());
        let authorization = headers.get(header::AUTHORIZATION).cloned();
        (!cookies.is_empty() || authorization.is_some()).then_some(Session { cookies, authorization })
    }

    /// Whether a redirect leads to the same URL in another spelling.
    fn is_own(&self, response: &Response) -> bool {
        let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
        let Some(target) = location.and_then(|location| self.url.join(location).ok()) else { return false };
        spelled_alike(&target) == spelled_alike(&self.url)
    }
}

/// Whether it is the cookie of this name, or a piece of it: frameworks cut what is too long for a browser into `name.0`, `name.1`
/// and so on, or into `nameC1`, `nameC2`.
fn is_part_of(name: &[u8], whole: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(whole) else { return false };
    let number = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b"C"));
    rest.is_empty() || number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The URL without what sites correct by redirects: the scheme, `www.` and a slash at the end.
fn spelled_alike(url: &Url) -> (Option<&str>, &str, Option<&str>) {
    let host = url.host_str().map(|host| host.strip_prefix("www.").unwrap_or(host));
    (host, url.path().trim_end_matches('/'), url.query())
}
