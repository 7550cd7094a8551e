//! The stand-in for LiveChat's accounts API as a program. It is not LiveChat.

use std::{net::SocketAddr, process::ExitCode};

use clap::Parser;
use demo::livechat_accounts::{StandIn, StandInSettings, service};
use identity_service::{
    clock::Clock,
    http::serve::{ServeSettings, listen, serve},
    logging,
};
use secrecy::SecretString;

const AGENT_TOKEN_VARIABLE: &str = "STAND_IN_AGENT_TOKEN";

/// A stand-in for LiveChat's accounts API, for demos and tests. It is not LiveChat.
///
/// The one agent token that it accepts comes from the environment variable STAND_IN_AGENT_TOKEN. It remembers
/// everything in memory and forgets it at its end.
#[derive(Debug, Parser)]
#[command(name = "livechat-accounts-stand-in", version)]
struct Flags {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, env = "STAND_IN_LISTEN", default_value = "127.0.0.1:8082", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// The only client id that is accepted; any, when not given.
    #[arg(long, env = "STAND_IN_CLIENT_ID")]
    client_id: Option<String>,
    /// The organization of tokens for which none was named.
    #[arg(long, env = "STAND_IN_ORGANIZATION_ID")]
    organization_id: Option<String>,
    /// A prefix of redirect_uri that is whitelisted, besides every http page of this machine; may be repeated.
    #[arg(long, env = "STAND_IN_REDIRECT_PREFIX", value_delimiter = ',', value_name = "URL")]
    redirect_prefix: Vec<String>,
    /// An origin whose pages may read answers, besides every http page of this machine; may be repeated.
    #[arg(long, env = "STAND_IN_ALLOWED_ORIGIN", value_delimiter = ',', value_name = "ORIGIN")]
    allowed_origin: Vec<String>,
    /// Give cookies the documented `Secure; SameSite=None` (needs https in some browsers).
    #[arg(long, env = "STAND_IN_SECURE_COOKIES")]
    secure_cookies: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let given = Flags::parse();
    let Some(agent_token) = std::env::var(AGENT_TOKEN_VARIABLE).ok().filter(|token| !token.trim().is_empty()) else {
        eprintln!(
            "livechat-accounts-stand-in: agent-token: expected the accepted agent token in {AGENT_TOKEN_VARIABLE}"
        );
        return ExitCode::from(2);
    };
    let _log = logging::start(tracing::Level::INFO);
    let mut settings = StandInSettings::new(SecretString::from(agent_token.trim().to_owned()));
    settings.client_id = given.client_id;
    settings.organization_id = given.organization_id.unwrap_or(settings.organization_id);
    settings.redirect_prefixes = given.redirect_prefix;
    settings.allowed_origins = given.allowed_origin;
    settings.secure_cookies = given.secure_cookies;
    let (listener, shutdown) = match listen("livechat-accounts-stand-in", given.listen).await {
        Ok(listening) => listening,
        Err(error) => {
            let address = given.listen;
            eprintln!(
                "livechat-accounts-stand-in: listen: expected a free address of this machine, {address} is not: {error}"
            );
            return ExitCode::from(2);
        }
    };
    eprintln!("This is a stand-in for LiveChat's accounts API, not LiveChat.");
    serve(listener, service(StandIn::new(settings, Clock::system())), ServeSettings::default(), shutdown).await;
    ExitCode::SUCCESS
}
