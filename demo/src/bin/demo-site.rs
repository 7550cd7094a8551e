//! The site of the demo as a program, with the identity service on the same origin.

use std::{
    fs::Permissions,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use clap::Parser;
use demo::site::{
    CONTEXT_VARIABLES, DEVICES, DeviceAddress, JsonWebTokens, LiveAssistSettings, LiveChat, Services, SiteSettings,
    put_records, routers, session_settings, without_path,
};
use identity_service::{
    admission::{AdmissionSettings, origin::AllowedOrigins},
    clock::{Clock, seconds},
    configuration::{Configuration, DatabaseSettings, SigningSettings},
    http::{
        request_body::BodyLimits,
        serve::{ServeSettings, listen, serve},
    },
    live_assist::{self, codes::CodeFlowSettings},
    livechat::{
        LiveChatSettings,
        accounts::{Account, AccountsApiSettings},
        customer_tokens::TokenSettings,
        guests::GuestSettings,
    },
    logging,
    omnichannel::OmnichannelSettings,
    random::random_token,
    service::IdentityService,
    signing_keys::{CHECK_INTERVAL, KeySize, SigningKey, SigningKeys},
};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

/// The site of the demo: customers sign in, and the identity service gets them tokens.
///
/// With --stand-in-url it uses the stand-in, whose agent token it takes from STAND_IN_AGENT_TOKEN; each device of its story
/// gets a free port. Without it, it uses
/// LiveChat itself and needs LIVECHAT_CLIENT_ID, LIVECHAT_AGENT_TOKEN, and LIVECHAT_LICENSE_ID, LIVECHAT_ORGANIZATION_ID
/// or both.
#[derive(Debug, Parser)]
#[command(name = "demo-site", version)]
struct Flags {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:8081", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// The folder of the page.
    #[arg(long, default_value = "www", value_name = "FOLDER")]
    www: PathBuf,
    /// The folder of the built package.
    #[arg(long, default_value = "pkg/dist", value_name = "FOLDER")]
    package: PathBuf,
    /// The database of customers.
    #[arg(long, default_value = "sqlite::memory:")]
    database_url: String,
    /// How long the tokens live that are to be seen expiring, in seconds.
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    short_lifetime: u64,
    /// Where livechat-accounts-stand-in listens.
    #[arg(long, value_name = "URL")]
    stand_in_url: Option<Url>,
}

/// Who issues the demo's tokens.
const ISSUER: &str = "shop.example";
/// How long they live, as a rule.
const LIFETIME: Duration = Duration::from_secs(3600);
/// Live Assist's client id, and where its codes are sent back to.
const LIVE_ASSIST_CLIENT: &str = "live-assist";
const REDIRECT_URI: &str = "https://liveperson.net";

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn required(name: &str) -> Result<String, String> {
    variable(name).ok_or_else(|| format!("{name}: expected a value in the environment, or --stand-in-url"))
}

/// Whom to ask for tokens, with what, and what the page is told of it.
fn livechat(stand_in_url: Option<&Url>) -> Result<(LiveChat, Account, String), String> {
    if let Some(url) = stand_in_url {
        let organization_id = "00000000-0000-4000-8000-000000000001".to_owned();
        let livechat = LiveChat {
            license_id: Some(12_345_678),
            organization_id: Some(organization_id.clone()),
            client_id: "demo-client".to_owned(),
            accounts_url: without_path(url),
            real: false,
            stand_in_url: Some(without_path(url)),
        };
        let account = Account::Organization { organization_id, license_id: livechat.license_id };
        return Ok((livechat, account, required("STAND_IN_AGENT_TOKEN")?));
    }
    let license_id = match variable("LIVECHAT_LICENSE_ID") {
        Some(text) => Some(text.parse().map_err(|_| "LIVECHAT_LICENSE_ID: expected a number".to_owned())?),
        None => None,
    };
    let livechat = LiveChat {
        license_id,
        organization_id: variable("LIVECHAT_ORGANIZATION_ID"),
        client_id: required("LIVECHAT_CLIENT_ID")?,
        accounts_url: "https://accounts.livechat.com".to_owned(),
        real: true,
        stand_in_url: None,
    };
    let account = match (livechat.organization_id.clone(), license_id) {
        (Some(organization_id), license_id) => Account::Organization { organization_id, license_id },
        (None, Some(license_id)) => Account::License { license_id },
        (None, None) => {
            return Err("LIVECHAT_LICENSE_ID: expected the licence's number, or LIVECHAT_ORGANIZATION_ID".to_owned());
        }
    };
    Ok((livechat, account, required("LIVECHAT_AGENT_TOKEN")?))
}

/// One key that signs at once: everything here ends with the program.
fn make_signing_key(folder: &Path) -> Result<(), String> {
    let key = SigningKey::generate(folder, KeySize::Bits2048, seconds(SystemTime::now()))
        .map_err(|error| error.to_string())?;
    key.write().map_err(|error| error.to_string())
}

async fn run(given: Flags) -> Result<(), String> {
    let (livechat, account, agent_token) = livechat(given.stand_in_url.as_ref())?;
    for (setting, folder) in [("www", &given.www), ("package", &given.package)] {
        if !folder.is_dir() {
            return Err(format!("{setting}: expected a folder, {} is none", folder.display()));
        }
    }
    let url = Url::parse(&livechat.accounts_url).map_err(|error| format!("stand-in-url: {error}"))?;
    let secret = random_token().map_err(|error| error.to_string())?;
    let mut site = SiteSettings {
        www: given.www,
        package: given.package,
        session_secret: SecretString::from(secret),
        livechat,
        json_web_tokens: JsonWebTokens { issuer: ISSUER.to_owned(), short_lifetime: given.short_lifetime },
        devices: Vec::new(),
    };
    let timeout = Duration::from_secs(8);
    let mut folder = tempfile::Builder::new();
    let keys = folder.prefix("signing-keys-").permissions(Permissions::from_mode(0o700)).tempdir();
    let keys = keys.map_err(|error| format!("no temporary folder for the signing keys: {error}"))?;
    make_signing_key(keys.path())?;
    let signing_keys = SigningKeys::open(keys.path(), SystemTime::now()).map_err(|error| error.to_string())?;
    let secret = || random_token().map(SecretString::from).map_err(|error| error.to_string());
    let (admin_key, client_secret) = (secret()?, secret()?);
    let signing = |token_lifetime| SigningSettings {
        keys: signing_keys.clone(),
        check_interval: CHECK_INTERVAL,
        issuer: ISSUER.to_owned(),
        further_claims: [].into(),
        omnichannel: Some(OmnichannelSettings {
            token_lifetime,
            context_variables: CONTEXT_VARIABLES.map(str::to_owned).into(),
        }),
        live_assist: Some(live_assist::LiveAssistSettings {
            token_lifetime,
            encryption: None,
            code_flow: Some(CodeFlowSettings {
                client_id: LIVE_ASSIST_CLIENT.to_owned(),
                client_secret: client_secret.clone(),
                redirect_uris: vec![REDIRECT_URI.to_owned()],
                code_lifetime: Duration::from_secs(60),
            }),
        }),
    };
    let configuration = |token_lifetime, guests| Configuration {
        listen: given.listen.into(),
        metrics_listen: None,
        database: DatabaseSettings { url: given.database_url.clone(), connections: 8 },
        livechat: Some(LiveChatSettings {
            accounts: AccountsApiSettings {
                url: url.clone(),
                client_id: site.livechat.client_id.clone(),
                account: account.clone(),
                agent_token: SecretString::from(agent_token.clone()),
                timeout,
                creation_timeout: Duration::from_secs(60),
            },
            // "Fresh" means fresh at once here: the demo shows every request.
            tokens: TokenSettings { least_life: 0.25, fresh_after: Duration::ZERO, patience: timeout, capacity: 1000 },
            guests,
        }),
        admission: AdmissionSettings { session: session_settings(&site).into(), origins: AllowedOrigins::default() },
        body_limits: BodyLimits { length: 4096, time: Duration::from_secs(10) },
        serve: ServeSettings::default(),
        log_level: tracing::Level::INFO,
        signing: Some(signing(token_lifetime)),
        admin_key: Some(admin_key.clone()),
    };
    let _log = logging::start(tracing::Level::INFO);
    let start = async |configuration| {
        IdentityService::new(configuration, Clock::system()).await.map_err(|error| error.to_string())
    };
    // Not `Secure`: the demo is served over http on this machine, from which Safari takes no such cookie.
    let guests = GuestSettings { adopt: true, lifetime: Duration::from_secs(86_400), secure_cookie: false };
    let services = Services {
        service: start(configuration(LIFETIME, Some(guests))).await?,
        short_lived: start(configuration(Duration::from_secs(given.short_lifetime), None)).await?,
    };
    for service in [&services.service, &services.short_lived] {
        put_records(&service.routes(), &admin_key).await?;
    }
    let (listener, shutdown) =
        listen("demo-site", given.listen).await.map_err(|error| format!("listen: {}: {error}", given.listen))?;
    let address = listener.network_address().map_err(|error| error.to_string())?.unwrap_or(given.listen);
    let mut device_listeners = Vec::new();
    for device in DEVICES.into_iter().filter(|_| !site.livechat.real) {
        let error = |error| format!("{}: no port for it: {error}", device.id);
        let listener = TcpListener::bind((address.ip(), 0)).await.map_err(error)?;
        let port = listener.local_addr().map_err(error)?.port();
        site.devices.push(DeviceAddress { device, port });
        device_listeners.push(listener);
    }
    let live_assist = LiveAssistSettings {
        site: Url::parse(&format!("http://{address}")).map_err(|error| error.to_string())?,
        issuer: ISSUER.to_owned(),
        client_id: LIVE_ASSIST_CLIENT.to_owned(),
        client_secret,
        redirect_uri: REDIRECT_URI.to_owned(),
    };
    let settings = ServeSettings::default();
    let stop = CancellationToken::new();
    let routers = routers(site, &services, live_assist, stop.clone()).map_err(|error| error.to_string())?;
    let devices = TaskTracker::new();
    for (listener, router) in device_listeners.into_iter().zip(routers.devices) {
        devices.spawn(serve(listener, router, settings, stop.clone().cancelled_owned()));
    }
    devices.close();
    let stopped = async {
        shutdown.await;
        stop.cancel();
    };
    serve(listener, routers.site, settings, stopped).await;
    devices.wait().await;
    let finish = async { tokio::join!(services.service.finish(), services.short_lived.finish()) };
    if tokio::time::timeout(settings.shutdown_deadline, finish).await.is_err() {
        tracing::warn!("some requests to accounts did not finish before the shutdown deadline");
    }
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-site: {error}");
            ExitCode::from(2)
        }
    }
}
