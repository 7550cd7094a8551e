//! A site that signs: keys made by the command, customer records put by the admin API, tokens checked by another library.

use std::{
    path::PathBuf,
    process::{Command, Output},
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use identity_service::{
    configuration::SigningSettings,
    customer_store::CustomerStore,
    live_assist::{LiveAssistSettings, codes::CodeFlowSettings, json_web_encryption::EncryptionKey},
    livechat::guests::GuestSettings,
    omnichannel::OmnichannelSettings,
    random::random_token,
    signing_keys::SigningKeys,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support::{Given, World};

pub const ISSUER: &str = "shop.example";
pub const CONTACT: &str = "87b4d06c-abc2-e811-a9b0-000d3a10e09e";
pub const CLIENT: &str = "live-assist";
pub const REDIRECT_URI: &str = "https://liveperson.net";
pub const OTHER_REDIRECT_URI: &str = "https://other.example/back";
/// None of these is a default, nor the same as another.
pub const CODE_LIFETIME: Duration = Duration::from_secs(45);
pub const LIVE_ASSIST_LIFETIME: Duration = Duration::from_secs(320);
pub const OMNICHANNEL_LIFETIME: Duration = Duration::from_secs(420);

/// A folder of keys that the command works on.
pub struct Keys(TempDir);

impl Keys {
    /// With one key, which is active.
    pub fn new() -> Self {
        let keys = Self(tempfile::tempdir().unwrap());
        keys.run(&["generate"]);
        keys
    }

    pub fn folder(&self) -> PathBuf {
        self.0.path().join("signing-keys")
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_identity-service"));
        command.env_clear().args(["keys", "--signing-keys"]).arg(self.folder()).args(arguments).output().unwrap()
    }

    /// Runs `keys …`, which has to work.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

/// A service that signs, and what the test has to know.
pub struct Site {
    pub keys: Keys,
    pub world: World,
    pub admin_key: String,
    pub client_secret: String,
}

/// What differs from test to test.
#[derive(Default)]
pub struct Signing {
    pub guests: Option<GuestSettings>,
    pub cookie: Option<&'static str>,
    pub context_variables: Vec<&'static str>,
    pub further_claims: Vec<&'static str>,
    pub encryption: Option<EncryptionKey>,
    pub without_omnichannel: bool,
    pub without_live_assist: bool,
    pub without_code_flow: bool,
    pub client_secret: Option<String>,
}

impl Site {
    pub async fn new() -> Self {
        Self::with(Signing::default()).await
    }

    pub async fn with(signing: Signing) -> Self {
        let (keys, admin_key) = (Keys::new(), random_token().unwrap());
        let client_secret = signing.client_secret.clone().unwrap_or_else(|| random_token().unwrap());
        let (guests, cookie) = (signing.guests.clone(), signing.cookie);
        let given = Given {
            signing: Some(settings(&keys, signing, &client_secret)),
            admin_key: Some(admin_key.clone()),
            guests,
            cookie: cookie.unwrap_or("session"),
            ..Given::default()
        };
        Self { keys, world: World::with(given).await, admin_key, client_secret }
    }

    pub fn admin(&self, method: &str, customer: &str) -> RequestBuilder {
        let url = self.world.server.url(&format!("/admin/customers/{customer}"));
        self.world.http.request(method.parse().unwrap(), url).bearer_auth(&self.admin_key)
    }

    /// Puts a record that has to be taken.
    pub async fn put(&self, customer: &str, record: Value) {
        let response = self.admin("PUT", customer).json(&record).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NO_CONTENT, "{:?}", response.text().await);
    }

    pub async fn put_contact(&self, customer: &str) {
        self.put(customer, json!({ "contact_id": CONTACT, "given_name": "Ada", "family_name": "Lovelace" })).await;
    }

    pub async fn get(&self, path: &str) -> Response {
        self.world.http.get(self.world.server.url(path)).send().await.unwrap()
    }

    /// A token that has to come.
    pub async fn token(&self, path: &str, customer: &str) -> String {
        let response = self.world.post(path, customer).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
        body["token"].as_str().unwrap().to_owned()
    }

    /// The claims of a token that the published key set verifies.
    pub async fn claims(&self, token: &str) -> Map<String, Value> {
        verify(token, &self.get("/.well-known/jwks.json").await.json().await.unwrap())
    }

    /// A code that has to come.
    pub async fn code(&self, customer: &str, body: Value) -> String {
        let request = self.world.http.post(self.world.server.url("/live-assist/code"));
        let response = request.bearer_auth(self.world.session(customer)).json(&body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let answer: Value = response.json().await.unwrap();
        answer["ssoKey"].as_str().unwrap().to_owned()
    }

    /// Redeems as Live Assist does: the client by Basic, the rest as a form.
    pub async fn redeem(&self, parameters: &[(&str, &str)]) -> Response {
        let request = self.world.http.post(self.world.server.url("/live-assist/oauth/token"));
        request.basic_auth(CLIENT, Some(&self.client_secret)).form(parameters).send().await.unwrap()
    }

    /// The store of the service, opened once more.
    pub async fn store(&self) -> CustomerStore {
        let file = self.world.folder.path().join("customers.sqlite");
        CustomerStore::connect(&format!("sqlite:{}", file.display()), 1, String::new()).await.unwrap()
    }

    pub async fn redeem_code(&self, code: &str) -> Response {
        self.redeem(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT_URI)]).await
    }
}

pub fn settings(keys: &Keys, signing: Signing, client_secret: &str) -> SigningSettings {
    let code_flow = CodeFlowSettings {
        client_id: CLIENT.to_owned(),
        client_secret: SecretString::from(client_secret),
        redirect_uris: vec![REDIRECT_URI.to_owned(), OTHER_REDIRECT_URI.to_owned()],
        code_lifetime: CODE_LIFETIME,
    };
    let live_assist = LiveAssistSettings {
        token_lifetime: LIVE_ASSIST_LIFETIME,
        encryption: signing.encryption,
        code_flow: (!signing.without_code_flow).then_some(code_flow),
    };
    let context_variables: Vec<String> = signing.context_variables.into_iter().map(str::to_owned).collect();
    let omnichannel =
        OmnichannelSettings { token_lifetime: OMNICHANNEL_LIFETIME, context_variables: Arc::from(context_variables) };
    SigningSettings {
        keys: SigningKeys::open(&keys.folder(), SystemTime::now()).unwrap(),
        check_interval: Duration::from_millis(10),
        issuer: ISSUER.to_owned(),
        further_claims: signing.further_claims.into_iter().map(str::to_owned).collect(),
        omnichannel: (!signing.without_omnichannel).then_some(omnichannel),
        live_assist: (!signing.without_live_assist).then_some(live_assist),
    }
}

/// Another library's check, with a key set.
pub fn verify(token: &str, set: &JwkSet) -> Map<String, Value> {
    let id = decode_header(token).unwrap().kid.unwrap();
    verify_with(token, &DecodingKey::from_jwk(set.find(&id).expect("the key is published")).unwrap())
}

/// Another library's check, with one key.
pub fn verify_with(token: &str, key: &DecodingKey) -> Map<String, Value> {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "sub"]);
    // The test's clock may be far ahead of the machine's.
    validation.validate_exp = false;
    validation.validate_aud = false;
    decode(token, key, &validation).unwrap().claims
}

/// The key in the base64 of Omnichannel's list: a whole PEM.
pub fn key_of_list(list: &Value, id: &str) -> DecodingKey {
    let entry = list.as_array().unwrap().iter().find(|entry| entry["kid"] == id).unwrap();
    DecodingKey::from_rsa_pem(&STANDARD.decode(entry["publicKey"].as_str().unwrap()).unwrap()).unwrap()
}
