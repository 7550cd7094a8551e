//! A site for the load: the service with all three widgets, LiveChat's stand-in, and customers who are signed in.

use std::{
    path::Path,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use identity_service::random::random_token;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Outcome, load::Load, program::Program};

/// The service and what it needs.
pub struct Site {
    pub service: Program,
    stand_in: Program,
    client: Client,
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
        let mut stand_in = program(env!("CARGO_BIN_EXE_livechat-accounts-stand-in"));
        stand_in
            .args(["--listen", "127.0.0.1:0", "--organization-id", organization])
            .env("STAND_IN_AGENT_TOKEN", &agent_token);
        let stand_in = Program::start(stand_in)?;
        let mut service = program(service);
        service
            .args(["--listen", "127.0.0.1:0", "--client-id", "bench", "--organization-id", organization])
            .args(["--accounts-url", &stand_in.url, "--omnichannel", "--live-assist", "--issuer", "shop.example"])
            .args(["--log-level", "warn", "--signing-keys"])
            .arg(&keys)
            .arg("--database-url")
            .arg(format!("sqlite:{}", folder.path().join("customers.sqlite").display()))
            .env("IDENTITY_SERVICE_AGENT_TOKEN", &agent_token)
            .env("IDENTITY_SERVICE_SESSION_SECRET", &session_secret)
            .env("IDENTITY_SERVICE_ADMIN_KEY", &admin_key);
        let service = Program::start(service)?;
        Ok(Self { service, stand_in, client: Client::new(), session_secret, admin_key, _folder: folder })
    }

    /// What the first so many customers send as `Authorization`.
    fn customers(&self, count: usize) -> Outcome<Vec<String>> {
        let key = EncodingKey::from_secret(self.session_secret.as_bytes());
        let expires = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + 86_400;
        let mut customers = Vec::with_capacity(count);
        for number in 0..count {
            let claims = json!({ "sub": format!("customer-{number}"), "exp": expires });
            customers.push(format!("Bearer {}", encode(&Header::new(Algorithm::HS256), &claims, &key)?));
        }
        Ok(customers)
    }

    /// Requests for this path by the first so many customers in turn.
    pub fn load(&self, path: &str, customers: usize) -> Outcome<Load> {
        Ok(Load::new(self.client.clone(), format!("{}{path}", self.service.url), self.customers(customers)?))
    }

    /// Tells the service who the first so many customers are.
    pub async fn put_records(&self, count: usize) -> Outcome<()> {
        for number in 0..count {
            let record = json!({
                "contact_id": format!("00000000-0000-4000-8000-{number:012x}"),
                "given_name": "Ada", "family_name": "Lovelace",
                "lwicontexts": { "cart_value": 249.9, "is_vip": true },
            });
            let url = format!("{}/admin/customers/customer-{number}", self.service.url);
            self.client.put(url).bearer_auth(&self.admin_key).json(&record).send().await?.error_for_status()?;
        }
        Ok(())
    }

    /// How many tokens LiveChat's stand-in has given out.
    pub async fn fetched_tokens(&self) -> Outcome<u64> {
        let state: Value =
            self.client.get(format!("{}/stand-in/state", self.stand_in.url)).send().await?.json().await?;
        state
            .get("tokens_issued")
            .and_then(Value::as_u64)
            .ok_or_else(|| "the stand-in does not say what it gave out".into())
    }
}
