//! A site as it is in production: replicas of the real program on one database and one folder of keys. LiveChat's
//! accounts are the stand-in, in the test's own process, so that the test sees who created whom.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use demo::livechat_accounts::{StandIn, StandInSettings, service};
use identity_service::{
    clock::Clock,
    customer_store::CustomerStore,
    http::serve::{ServeSettings, serve},
    livechat::accounts::Account,
    random::random_token,
};
use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

const ORGANIZATION: &str = "11111111-2222-4333-8444-555555555555";
pub const ISSUER: &str = "shop.example";
pub const CONTACT: &str = "87b4d06c-abc2-e811-a9b0-000d3a10e09e";
pub const LIVE_ASSIST_CLIENT: &str = "live-assist";
pub const REDIRECT_URI: &str = "https://liveperson.net";

/// What all replicas of the site share.
pub struct Site {
    folder: TempDir,
    pub database_url: String,
    pub stand_in: StandIn,
    accounts_url: String,
    agent_token: String,
    session_secret: String,
    admin_key: String,
    client_secret: String,
    pub http: reqwest::Client,
}

/// A process of the service, which ends when it is dropped.
pub struct Replica {
    process: Child,
    pub url: String,
    /// Its client id at LiveChat: each replica has its own, so that the stand-in's ledger tells them apart.
    pub client_id: String,
    log: PathBuf,
}

impl Site {
    /// Without replicas yet. The database is `database_url`, or a new SQLite file.
    pub async fn new(database_url: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = format!("sqlite:{}", folder.path().join("customers.sqlite").display());
        let agent_token = random_token().unwrap();
        let settings = StandInSettings::new(SecretString::from(agent_token.clone()));
        let stand_in = StandIn::new(settings, Clock::system());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let accounts_url = format!("http://{}", listener.local_addr().unwrap());
        let router = service(stand_in.clone());
        tokio::spawn(serve(listener, router, ServeSettings::default(), std::future::pending()));
        let site = Self {
            database_url: database_url.unwrap_or(sqlite),
            stand_in,
            accounts_url,
            agent_token,
            session_secret: random_token().unwrap(),
            admin_key: random_token().unwrap(),
            client_secret: random_token().unwrap(),
            // Shorter than the service's own patience, so that no request meets a connection that is just being closed.
            http: reqwest::Client::builder().pool_idle_timeout(Duration::from_secs(3)).build().unwrap(),
            folder,
        };
        let made = site.program().args(["keys", "generate"]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        site
    }

    /// The service's program, which on Linux ends with this test, however the test ends.
    fn program(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_identity-service");
        let mut command = if cfg!(target_os = "linux") {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL", "--", program]);
            command
        } else {
            Command::new(program)
        };
        command.env_clear().env("IDENTITY_SERVICE_SIGNING_KEYS", self.folder.path().join("signing-keys"));
        command
    }

    /// Starts a replica and waits until it listens. Creations may take `creation_timeout` seconds.
    pub fn replica(&self, name: &str, creation_timeout: u32) -> Replica {
        self.replica_with(name, &[("IDENTITY_SERVICE_CREATION_TIMEOUT", &creation_timeout.to_string())])
    }

    /// Starts a replica whose environment has these variables besides, or instead of the site's.
    pub fn replica_with(&self, name: &str, variables: &[(&str, &str)]) -> Replica {
        let replica = self.spawn(name, variables);
        assert!(!replica.url.is_empty(), "{name} did not start: {}", replica.log());
        replica
    }

    /// What the service says when it must not start with such an environment.
    pub fn refusal(&self, variables: &[(&str, &str)]) -> String {
        let mut refused = self.spawn("refused", variables);
        assert_eq!(refused.url, "", "it started: {}", refused.log());
        assert_eq!(refused.process.wait().unwrap().code(), Some(2), "{}", refused.log());
        refused.log()
    }

    /// Starts the service and waits until it listens or ends.
    fn spawn(&self, name: &str, variables: &[(&str, &str)]) -> Replica {
        let log = self.folder.path().join(format!("{name}.log"));
        let mut command = self.program();
        for (setting, value) in [
            ("LISTEN", "127.0.0.1:0"),
            ("DATABASE_URL", &self.database_url),
            ("ACCOUNTS_URL", &self.accounts_url),
            ("CLIENT_ID", name),
            ("ORGANIZATION_ID", ORGANIZATION),
            ("AGENT_TOKEN", &self.agent_token),
            ("SESSION_SECRET", &self.session_secret),
            ("ISSUER", ISSUER),
            ("OMNICHANNEL", "true"),
            ("LIVE_ASSIST", "true"),
            ("LIVE_ASSIST_CLIENT_ID", LIVE_ASSIST_CLIENT),
            ("LIVE_ASSIST_CLIENT_SECRET", &self.client_secret),
            ("ADMIN_KEY", &self.admin_key),
        ] {
            command.env(format!("IDENTITY_SERVICE_{setting}"), value);
        }
        command.envs(variables.iter().copied());
        let mut process = command.stdout(Stdio::piped()).stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let url = said["listening"].as_str().unwrap_or_default().to_owned();
        Replica { process, url, client_id: name.to_owned(), log }
    }

    /// So many replicas, each with a name.
    pub fn replicas(&self, count: usize, creation_timeout: u32) -> Vec<Replica> {
        (0..count).map(|number| self.replica(&format!("replica-{number}"), creation_timeout)).collect()
    }

    /// A session token of the customer.
    pub fn session(&self, customer: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let key = EncodingKey::from_secret(self.session_secret.as_bytes());
        encode(&Header::default(), &json!({ "sub": customer, "exp": now + 600 }), &key).unwrap()
    }

    pub fn post(&self, replica: &Replica, path: &str, customer: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", replica.url)).bearer_auth(self.session(customer))
    }

    /// The record of a customer with a contact.
    pub fn put_record(&self, replica: &Replica, customer: &str) -> RequestBuilder {
        let record = json!({ "contact_id": CONTACT, "given_name": "Ada", "family_name": "Lovelace" });
        let url = format!("{}/admin/customers/{customer}", replica.url);
        self.http.put(url).bearer_auth(&self.admin_key).json(&record)
    }

    /// Asks the admin API of a replica for something that has to be done.
    pub async fn administer(&self, replica: &Replica, method: &str, path: &str, body: Value) {
        let url = format!("{}/admin/customers/{path}", replica.url);
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(&self.admin_key).json(&body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {:?}", answer.text().await);
    }

    /// Runs `identity-service customers` on the replicas' database.
    pub fn customers(&self, arguments: &[&str]) {
        let mut command = self.program();
        command
            .env("IDENTITY_SERVICE_DATABASE_URL", &self.database_url)
            .env("IDENTITY_SERVICE_ORGANIZATION_ID", ORGANIZATION);
        let output = command.arg("customers").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A code of the customer's that has to come.
    pub async fn code(&self, replica: &Replica, customer: &str) -> String {
        let answer = read(self.post(replica, "/live-assist/code", customer).send().await.unwrap()).await;
        answer["ssoKey"].as_str().unwrap().to_owned()
    }

    /// Redeems a code as Live Assist's service does.
    pub fn redeem(&self, replica: &Replica, code: &str) -> RequestBuilder {
        let url = format!("{}/live-assist/oauth/token", replica.url);
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT_URI)];
        self.http.post(url).basic_auth(LIVE_ASSIST_CLIENT, Some(&self.client_secret)).form(&form)
    }

    /// The store, as the replicas see it.
    pub async fn store(&self) -> CustomerStore {
        let account = Account::Organization { organization_id: ORGANIZATION.to_owned(), license_id: None };
        CustomerStore::connect(&self.database_url, 2, account.name()).await.unwrap()
    }
}

impl Replica {
    /// `kill -9`: nothing is finished, nothing is said good-bye to.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The JSON of an answer that has to be good.
pub async fn read(response: Response) -> Value {
    let (status, body) = (response.status(), response.text().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
