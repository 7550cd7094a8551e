//! The site of the demo as a program, with the identity service on the same origin.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use identity_service::{
    accounts::{Account, AccountsSettings},
    admission::Admission,
    clock::Clock,
    configuration::Configuration,
    customer_tokens::TokenSettings,
    demo_site::{LiveChat, SiteSettings, router, session_settings, without_path},
    logging,
    origin::AllowedOrigins,
    random::random_token,
    request_body::BodyLimits,
    serve::{ServeSettings, listen, serve},
    service::IdentityService,
};
use secrecy::SecretString;
use url::Url;

/// The site of the demo: customers sign in, and the identity service gets them tokens.
///
/// With --stand-in-url it uses the stand-in, whose agent token it takes from STAND_IN_AGENT_TOKEN. Without it, it uses
/// LiveChat itself and needs LIVECHAT_CLIENT_ID, LIVECHAT_AGENT_TOKEN, and LIVECHAT_LICENSE_ID, LIVECHAT_ORGANIZATION_ID
/// or both.
#[derive(Debug, Parser)]
#[command(name = "demo-site", version)]
struct Settings {
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
    /// Where livechat-accounts-stand-in listens.
    #[arg(long, value_name = "URL")]
    stand_in_url: Option<Url>,
}

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

async fn run(given: Settings) -> Result<(), String> {
    let (livechat, account, agent_token) = livechat(given.stand_in_url.as_ref())?;
    for (setting, folder) in [("www", &given.www), ("package", &given.package)] {
        if !folder.is_dir() {
            return Err(format!("{setting}: expected a folder, {} is none", folder.display()));
        }
    }
    let url = Url::parse(&livechat.accounts_url).map_err(|error| format!("stand-in-url: {error}"))?;
    let secret = random_token().map_err(|error| error.to_string())?;
    let site =
        SiteSettings { www: given.www, package: given.package, session_secret: SecretString::from(secret), livechat };
    let timeout = Duration::from_secs(8);
    let configuration = Configuration {
        listen: given.listen,
        database_url: given.database_url,
        accounts: AccountsSettings {
            url,
            client_id: site.livechat.client_id.clone(),
            account,
            agent_token: SecretString::from(agent_token),
            timeout,
            creation_timeout: Duration::from_secs(60),
        },
        admission: Admission { session: session_settings(&site), origins: AllowedOrigins::default() },
        // "Fresh" means fresh at once here: the demo shows every request.
        tokens: TokenSettings { least_life: 0.25, fresh_after: Duration::ZERO, patience: timeout, capacity: 1000 },
        body_limits: BodyLimits { length: 4096, time: Duration::from_secs(10) },
        serve: ServeSettings::default(),
        log_level: tracing::Level::INFO,
    };
    logging::start(configuration.log_level);
    let (address, settings) = (configuration.listen, configuration.serve);
    let service = IdentityService::new(configuration, Clock::system()).await.map_err(|error| error.to_string())?;
    let (listener, shutdown) =
        listen("demo-site", address).await.map_err(|error| format!("listen: {address}: {error}"))?;
    serve(listener, router(site, &service), settings, shutdown).await;
    if tokio::time::timeout(settings.shutdown_deadline, service.finish()).await.is_err() {
        tracing::warn!("some requests to accounts did not finish before the shutdown deadline");
    }
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Settings::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-site: {error}");
            ExitCode::from(2)
        }
    }
}
