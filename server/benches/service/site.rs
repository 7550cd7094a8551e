//! A site for the load: the service with all three widgets, LiveChat's stand-in, and customers who are signed in.

use std::{
    future,
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use demo::livechat_accounts::{StandIn, StandInSettings, service};
use hyper::header::HeaderValue;
use identity_service::{
    clock::Clock,
    http::serve::{ServeSettings, serve},
    random::random_token,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Client;
use secrecy::SecretString;
use serde_json::json;
use tempfile::TempDir;

use super::{Outcome, load::Load, program::Program};

/// The service and what it needs.
pub struct Site {
    pub service: Program,
    stand_in: StandIn,
    session_secret: String,
    admin_key: String,
    /// Removed at the end.
    _folder: TempDir,
}

fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear();
    command
}

/// A folder in memory where there is one: how long a disk takes to be sure of a new customer is not what is measured.
fn folder() -> Outcome<TempDir> {
    let memory = Path::new("/dev/shm");
    Ok(if memory.is_dir() { TempDir::new_in(memory)? } else { TempDir::new()? })
}

/// LiveChat's accounts, played in a thread of their own until the benchmark ends, and where they are.
fn accounts(agent_token: &str, organization: &str) -> Outcome<(StandIn, String)> {
    let mut settings = StandInSettings::new(SecretString::from(agent_token));
    settings.organization_id = organization.to_owned();
    let stand_in = StandIn::new(settings, Clock::system());
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    let served = service(stand_in.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            serve(listener, served, ServeSettings::default(), future::pending()).await;
            Outcome::Ok(())
        })
    });
    Ok((stand_in, url))
}

impl Site {
    pub fn start() -> Outcome<Self> {
        let folder = folder()?;
        let keys = folder.path().join("signing-keys");
        let service = env!("CARGO_BIN_EXE_identity-service");
        if !program(service).args(["keys", "--signing-keys"]).arg(&keys).arg("generate").output()?.status.success() {
            return Err("no signing key could be made".into());
        }
        let [agent_token, session_secret, admin_key] = [random_token()?, random_token()?, random_token()?];
        let organization = "11111111-2222-4333-8444-555555555555";
        let (stand_in, accounts_url) = accounts(&agent_token, organization)?;
        let mut service = program(service);
        service
            .args(["--listen", "127.0.0.1:0", "--client-id", "bench", "--organization-id", organization])
            .args(["--accounts-url", &accounts_url, "--omnichannel", "--live-assist", "--issuer", "shop.example"])
            .args(["--log-level", "warn", "--signing-keys"])
            .arg(&keys)
            .arg("--database-url")
            .arg(format!("sqlite:{}", folder.path().join("customers.sqlite").display()))
            .env("IDENTITY_SERVICE_AGENT_TOKEN", &agent_token)
            .env("IDENTITY_SERVICE_SESSION_SECRET", &session_secret)
            .env("IDENTITY_SERVICE_ADMIN_KEY", &admin_key);
        let service = Program::start(service, &[])?;
        Ok(Self { service, stand_in, session_secret, admin_key, _folder: folder })
    }

    /// What the first so many customers send as `Authorization`.
    fn customers(&self, count: usize) -> Outcome<Vec<HeaderValue>> {
        let key = EncodingKey::from_secret(self.session_secret.as_bytes());
        let expires = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 86_400;
        let mut customers = Vec::with_capacity(count);
        for number in 0..count {
            let claims = json!({ "sub": format!("customer-{number}"), "exp": expires });
            customers.push(format!("Bearer {}", encode(&Header::new(Algorithm::HS256), &claims, &key)?).parse()?);
        }
        Ok(customers)
    }

    /// The contender, asked as the service is.
    pub fn load_of(&self, contender: &Program, customers: usize) -> Outcome<Load> {
        Ok(Load::new(contender.address()?, "/livechat/token", self.customers(customers)?))
    }

    /// Requests for this path by the first so many customers in turn.
    pub fn load(&self, path: &str, customers: usize) -> Outcome<Load> {
        Ok(Load::new(self.service.address()?, path, self.customers(customers)?))
    }

    /// Tells the service who the first so many customers are.
    pub fn put_records(&self, count: usize) -> Outcome<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let client = Client::new();
            for number in 0..count {
                let record = json!({
                    "contact_id": format!("00000000-0000-4000-8000-{number:012x}"),
                    "given_name": "Ada", "family_name": "Lovelace",
                    "lwicontexts": { "cart_value": 249.9, "is_vip": true },
                });
                let url = format!("{}/admin/customers/customer-{number}", self.service.url);
                client.put(url).bearer_auth(&self.admin_key).json(&record).send().await?.error_for_status()?;
            }
            Ok(())
        })
    }

    /// How many tokens LiveChat's stand-in has given out.
    pub fn fetched_tokens(&self) -> u64 {
        self.stand_in.ledger().tokens_issued
    }
}
