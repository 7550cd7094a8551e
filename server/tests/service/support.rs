//! Servers on loopback, a clock that the test sets, and session tokens that the test signs.

use std::{
    cell::RefCell,
    io,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Once,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{BoxError, extract::Request};
use demo::livechat_accounts::{self as stand_in, Faults, StandIn, StandInSettings};
use identity_service::{
    admission::{
        AdmissionSettings,
        origin::{AllowedOrigins, Origin},
        session::SessionSource,
        session_token::{SessionKey, SessionSettings},
    },
    clock::{Clock, Moment},
    configuration::{Configuration, DatabaseSettings, SigningSettings},
    http::{
        request_body::BodyLimits,
        serve::{ServeSettings, serve},
    },
    livechat::{
        LiveChatSettings,
        accounts::{Account, AccountsApiSettings},
        customer_tokens::TokenSettings,
        guests::GuestSettings,
    },
    logging,
    random::random_token,
    service::IdentityService,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Response, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot};
use tower::Service;
use url::Url;

pub const ORGANIZATION: &str = "11111111-2222-4333-8444-555555555555";
pub const ALLOWED: &str = "https://shop.example";

/// A server that stops when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    done: tokio::task::JoinHandle<()>,
}

impl Server {
    pub async fn start<S>(served: S) -> Self
    where
        S: Service<Request, Response = axum::response::Response, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let settings = ServeSettings {
            head_timeout: Duration::from_secs(5),
            shutdown_deadline: Duration::from_secs(10),
            ..ServeSettings::default()
        };
        let done = tokio::spawn(serve(listener, served, settings, async {
            let _ = stopped.await;
        }));
        Self { address, stop: Some(stop), done }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Tells it to stop; the future ends when it has.
    pub fn stop(mut self) -> tokio::task::JoinHandle<()> {
        drop(self.stop.take());
        self.done
    }
}

/// A clock that stands still until the test moves it.
#[derive(Clone)]
pub struct TestClock {
    passed: Arc<AtomicU64>,
    /// By how much somebody has set the wall clock, in milliseconds.
    set: Arc<AtomicI64>,
}

impl TestClock {
    pub fn new() -> (Self, Clock) {
        let test = Self { passed: Arc::default(), set: Arc::default() };
        let start = Moment { monotonic: Instant::now(), wall: SystemTime::now() };
        let read = test.clone();
        let clock = Clock::new(move || {
            let passed = Duration::from_millis(read.passed.load(Ordering::SeqCst));
            let set = read.set.load(Ordering::SeqCst);
            let distance = Duration::from_millis(set.unsigned_abs());
            let wall = start.wall + passed;
            let wall = if set < 0 { wall - distance } else { wall + distance };
            Moment { monotonic: start.monotonic + passed, wall }
        });
        (test, clock)
    }

    pub fn advance(&self, seconds: u64) {
        self.passed.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// Sets the wall clock, by so many seconds from the right time.
    pub fn set(&self, seconds: i64) {
        self.set.store(seconds * 1000, Ordering::SeqCst);
    }
}

/// What differs from test to test.
pub struct Given {
    pub account: Account,
    pub accounts_url: Option<String>,
    pub agent_token: Option<String>,
    pub session: Option<SessionSource>,
    pub headers: Vec<&'static str>,
    pub session_key: Option<SessionKey>,
    pub issuer: Option<String>,
    pub audience: Option<String>,
    pub timeout: Duration,
    pub creation_timeout: Duration,
    pub fresh_after: Duration,
    pub cookie: &'static str,
    pub guests: Option<GuestSettings>,
    pub signing: Option<SigningSettings>,
    pub admin_key: Option<String>,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            account: Account::Organization { organization_id: ORGANIZATION.to_owned(), license_id: None },
            accounts_url: None,
            agent_token: None,
            session: None,
            headers: Vec::new(),
            session_key: None,
            issuer: None,
            audience: None,
            timeout: Duration::from_secs(20),
            creation_timeout: Duration::from_secs(40),
            fresh_after: Duration::ZERO,
            cookie: "session",
            guests: None,
            signing: None,
            admin_key: None,
        }
    }
}

/// A stand-in and a service on one database.
pub struct World {
    pub folder: TempDir,
    pub stand_in: StandIn,
    pub stand_in_server: Server,
    pub server: Server,
    pub service: IdentityService,
    pub clock: TestClock,
    pub secret: String,
    pub agent_token: String,
    pub http: reqwest::Client,
    pub system_clock: Clock,
}

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Keeps each thread's log apart: a test on one thread reads its own and nobody else's.
struct ThreadLog;

impl io::Write for ThreadLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What this thread has logged so far.
pub fn log_of_this_thread() -> String {
    LOG.with_borrow(|log| String::from_utf8(log.clone()).unwrap())
}

impl World {
    pub async fn new() -> Self {
        Self::with(Given::default()).await
    }

    pub async fn with(given: Given) -> Self {
        static LOGGING: Once = Once::new();
        LOGGING.call_once(|| {
            tracing::subscriber::set_global_default(logging::subscriber(tracing::Level::TRACE, || ThreadLog)).unwrap();
        });
        let folder = tempfile::tempdir().unwrap();
        let (agent_token, secret) = (random_token().unwrap(), random_token().unwrap());
        let (clock, system_clock) = TestClock::new();
        let stand_in =
            StandIn::new(StandInSettings::new(SecretString::from(agent_token.clone())), system_clock.clone());
        let stand_in_server = Server::start(stand_in::service(stand_in.clone())).await;
        let url = given.accounts_url.clone().unwrap_or_else(|| stand_in_server.url(""));
        let service = service(folder.path(), &url, &secret, &agent_token, system_clock.clone(), given).await;
        let server = Server::start(service.router()).await;
        Self {
            folder,
            stand_in,
            stand_in_server,
            server,
            service,
            clock,
            secret,
            agent_token,
            http: reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap(),
            system_clock,
        }
    }

    /// The database's file.
    pub fn database_file(&self) -> std::path::PathBuf {
        self.folder.path().join("customers.sqlite")
    }

    /// Another process's service on the same database and the same accounts.
    pub async fn another(&self) -> (IdentityService, Server) {
        self.another_with(Given::default()).await
    }

    /// The same, with its own settings.
    pub async fn another_with(&self, given: Given) -> (IdentityService, Server) {
        self.another_by(self.system_clock.clone(), given).await
    }

    /// The same, with a clock of its own.
    pub async fn another_by(&self, clock: Clock, given: Given) -> (IdentityService, Server) {
        let url = self.stand_in_server.url("");
        let service = service(self.folder.path(), &url, &self.secret, &self.agent_token, clock, given).await;
        let server = Server::start(service.router()).await;
        (service, server)
    }

    pub fn session(&self, customer: &str) -> String {
        sign(&self.secret, &json!({ "sub": customer, "exp": now() + 600 }))
    }

    pub async fn post(&self, path: &str, customer: &str) -> Response {
        self.http.post(self.server.url(path)).bearer_auth(self.session(customer)).send().await.unwrap()
    }

    /// A token that has to come.
    pub async fn token(&self, customer: &str) -> Value {
        let response = self.post("/livechat/token", customer).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    /// An error that has to come: its status and its body.
    pub async fn problem(&self, customer: &str) -> (u16, Value, Option<String>) {
        problem(self.post("/livechat/token", customer).await).await
    }

    pub fn faults(&self, faults: Faults) {
        self.stand_in.ledger().faults = faults;
    }

    pub fn customers(&self) -> usize {
        self.stand_in.ledger().customers.len()
    }

    pub fn issued(&self) -> u64 {
        self.stand_in.ledger().tokens_issued
    }
}

async fn service(
    folder: &Path,
    accounts_url: &str,
    secret: &str,
    agent_token: &str,
    clock: Clock,
    given: Given,
) -> IdentityService {
    let configuration = Configuration {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)).into(),
        metrics_listen: None,
        database: DatabaseSettings {
            url: format!("sqlite:{}", folder.join("customers.sqlite").display()),
            connections: 4,
        },
        livechat: Some(LiveChatSettings {
            accounts: AccountsApiSettings {
                url: Url::parse(accounts_url).unwrap(),
                client_id: "client".to_owned(),
                account: given.account,
                agent_token: SecretString::from(given.agent_token.unwrap_or_else(|| agent_token.to_owned())),
                timeout: given.timeout,
                creation_timeout: given.creation_timeout,
            },
            tokens: TokenSettings {
                least_life: 0.25,
                fresh_after: given.fresh_after,
                patience: given.timeout,
                capacity: 1000,
            },
            guests: given.guests,
        }),
        admission: AdmissionSettings {
            session: given.session.unwrap_or_else(|| {
                let settings = SessionSettings {
                    key: given.session_key.unwrap_or_else(|| SessionKey::Secret(SecretString::from(secret).into())),
                    issuer: given.issuer,
                    audience: given.audience,
                    customer_claim: "sub".to_owned(),
                    cookie: given.cookie.to_owned(),
                };
                settings.into()
            }),
            origins: AllowedOrigins::new(vec![Origin::parse(ALLOWED).unwrap()])
                .with_headers(given.headers.iter().map(|name| name.parse().unwrap()).collect()),
        },
        body_limits: BodyLimits { length: 1024, time: Duration::from_secs(2) },
        serve: ServeSettings::default(),
        log_level: tracing::Level::INFO,
        signing: given.signing,
        admin_key: given.admin_key.map(SecretString::from),
    };
    IdentityService::new(configuration, clock).await.unwrap()
}

pub async fn problem(response: Response) -> (u16, Value, Option<String>) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json", "status {status}");
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    for member in ["type", "title", "detail", "code"] {
        assert!(body[member].is_string(), "{member} in {body}");
    }
    (status, body, retry_after)
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub fn sign(secret: &str, claims: &Value) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// Waits until something holds.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
