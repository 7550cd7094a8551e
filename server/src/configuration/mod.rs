//! The service's settings: read from flags and the environment, checked before anything starts.
//!
//! Each room of the service has a file of flags here, which checks them and names the one that is wrong.

mod administration;
mod admission;
mod customers;
mod database;
mod guests;
mod live_assist;
mod livechat;
mod omnichannel;
mod signing;

pub use administration::{ADMIN_KEY_VARIABLE, AdministrationFlags};
pub use admission::{AdmissionFlags, SESSION_CLIENT_SECRET_VARIABLE, SESSION_SECRET_VARIABLE};
pub use customers::{CustomersCommand, CustomersError};
pub use database::{DatabaseFlags, DatabaseSettings};
pub use guests::GuestFlags;
pub use live_assist::{CLIENT_SECRET_VARIABLE, LiveAssistFlags};
pub use livechat::{AGENT_TOKEN_VARIABLE, LiveChatFlags};
pub use omnichannel::OmnichannelFlags;
pub use signing::{SIGNING_KEY_VARIABLE, SigningFlags, SigningSettings};

use std::{net::ToSocketAddrs, time::Duration};

use clap::{
    Arg, ArgAction, Args, Command as Program, CommandFactory, FromArgMatches, Parser, Subcommand,
    builder::BoolishValueParser,
};
use secrecy::SecretString;

use crate::{
    admission::AdmissionSettings,
    http::{listener::ListenAddress, request_body::BodyLimits, serve::ServeSettings},
    livechat::LiveChatSettings,
    setting::{SettingError, seconds, wrong},
    signing_keys::command::KeysCommand,
};

/// Gets a site's customers tokens for LiveChat, Microsoft Omnichannel and Live Assist.
///
/// Secrets come from the environment or from files, never from flags: the agent token from
/// IDENTITY_SERVICE_AGENT_TOKEN or --agent-token-file, the session secret from IDENTITY_SERVICE_SESSION_SECRET or
/// --session-secret-file.
#[derive(Debug, Clone, Parser)]
// A flag of the service before `keys` would be understood and then ignored: its folder would be another one.
#[command(name = "identity-service", version, args_conflicts_with_subcommands = true)]
pub struct Flags {
    /// What the service is to be.
    #[command(flatten)]
    pub service: ServiceFlags,
    /// Something else to do than to serve.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The flags of the service.
#[derive(Debug, Clone, Args)]
pub struct ServiceFlags {
    /// Where to listen, by address or by the name of a host; port 0 takes any free one. Or unix: and the path of a socket.
    #[arg(
        long,
        env = "IDENTITY_SERVICE_LISTEN",
        default_value = "127.0.0.1:8080",
        value_parser = address,
        value_name = "ADDRESS:PORT"
    )]
    pub listen: ListenAddress,
    /// Where the customers are kept.
    #[command(flatten)]
    pub database: DatabaseFlags,
    /// LiveChat.
    #[command(flatten)]
    pub livechat: LiveChatFlags,
    /// Who is let in.
    #[command(flatten)]
    pub admission: AdmissionFlags,
    /// The longest request body, in bytes.
    #[arg(long, env = "IDENTITY_SERVICE_BODY_LIMIT", default_value_t = 4096, value_name = "BYTES")]
    pub body_limit: usize,
    /// How long a connection is kept between two requests, in seconds: longer than the balancer before the service does.
    #[arg(long, env = "IDENTITY_SERVICE_KEEP_ALIVE", default_value_t = 75.0, value_name = "SECONDS")]
    pub keep_alive: f64,
    /// Where to listen for GET /metrics, in Prometheus' text format; without it, nowhere.
    #[arg(long, env = "IDENTITY_SERVICE_METRICS_LISTEN", value_parser = address, value_name = "ADDRESS:PORT")]
    pub metrics_listen: Option<ListenAddress>,
    /// error, warn, info, debug or trace.
    #[arg(long, env = "IDENTITY_SERVICE_LOG_LEVEL", default_value = "info")]
    pub log_level: tracing::Level,
    /// Who is not signed in.
    #[command(flatten)]
    pub guests: GuestFlags,
    /// What the service signs itself.
    #[command(flatten)]
    pub signing: SigningFlags,
    /// Microsoft Omnichannel.
    #[command(flatten)]
    pub omnichannel: OmnichannelFlags,
    /// Live Assist.
    #[command(flatten)]
    pub live_assist: LiveAssistFlags,
    /// The admin API.
    #[command(flatten)]
    pub administration: AdministrationFlags,
}

/// What else the program does.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Makes, lists, activates, removes and publishes signing keys.
    Keys(KeysCommand),
    /// Puts in and takes out which entity at LiveChat belongs to which customer.
    Customers(CustomersCommand),
    /// Tries everything that the service needs, with the same flags and environment, and says what to do where something is
    /// not as it has to be.
    Check(Box<ServiceFlags>),
}

/// Everything the service needs, checked.
pub struct Configuration {
    /// Where to listen.
    pub listen: ListenAddress,
    /// Where to listen for the metrics, if at all.
    pub metrics_listen: Option<ListenAddress>,
    /// Where the customers are kept.
    pub database: DatabaseSettings,
    /// LiveChat, when it is served.
    pub livechat: Option<LiveChatSettings>,
    /// Who is let in.
    pub admission: AdmissionSettings,
    /// What the service signs itself, when Omnichannel or Live Assist is served.
    pub signing: Option<SigningSettings>,
    /// What opens the admin API, when it is served.
    pub admin_key: Option<SecretString>,
    /// How much of a body is read.
    pub body_limits: BodyLimits,
    /// How patient the server is.
    pub serve: ServeSettings,
    /// How much is logged.
    pub log_level: tracing::Level,
}

/// An address, or the first one of a host's name, or the path of a socket.
fn address(text: &str) -> Result<ListenAddress, String> {
    if text.trim().starts_with("unix:") {
        return ListenAddress::in_files(text.trim())
            .ok_or_else(|| "expected unix: and a path from the root".to_owned());
    }
    let found = text.trim().to_socket_addrs().map_err(|error| format!("expected a host and a port: {error}"))?.next();
    found.map(ListenAddress::from).ok_or_else(|| "expected a host that has an address".to_owned())
}

/// The flag as the environment gives it: an empty variable is as good as none, as compose files have it; the line break at
/// the end of a file from which a variable comes is no part of it; and what is on or off may be said in any of the usual words.
fn as_environments_have_it(flag: Arg) -> Arg {
    let variable = flag.get_env().and_then(std::env::var_os).and_then(|value| value.into_string().ok());
    let flag = match variable.as_deref().map(|text| (text, text.trim())) {
        Some((_, "")) => flag.env(None),
        // What is read of a variable cannot be changed, but it can stand in for the default.
        Some((text, trimmed)) if trimmed != text => {
            // Help shows defaults, and a variable may hold a password. A switch has no default to show.
            let is_shown = flag.get_action().takes_values();
            let flag = flag.env(None).default_value(trimmed.to_owned());
            if is_shown { flag.hide_default_value(true) } else { flag }
        }
        _ => flag,
    };
    if matches!(flag.get_action(), ArgAction::SetTrue) { flag.value_parser(BoolishValueParser::new()) } else { flag }
}

/// The same for every flag of a program and of what else it does.
fn in_its_environment(program: Program) -> Program {
    program.mut_args(as_environments_have_it).mut_subcommands(in_its_environment)
}

impl Flags {
    /// Reads them from the arguments and the environment; whoever cannot be understood is told why, and the process ends.
    pub fn read() -> Self {
        let program = in_its_environment(Self::command());
        // They may stand before what is to be done and after it, as with `keys`.
        let program = program.mut_subcommand("customers", |customers| customers.mut_args(|flag| flag.global(true)));
        let matches = program.get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

impl ServiceFlags {
    /// Checks every setting; `variable` looks up an environment variable.
    pub fn check(self, variable: impl Fn(&str) -> Option<String>) -> Result<Configuration, SettingError> {
        let database = self.database.check()?;
        let timeout = self.livechat.timeout()?;
        let guests = self.guests;
        let livechat = self.livechat.check(&variable, |serves_livechat| guests.check(serves_livechat))?;
        let admin_key = self.administration.check(&variable)?;
        let signing = self.signing.check(&variable, self.omnichannel.check()?, self.live_assist.check(&variable)?)?;
        if livechat.is_none() && signing.is_none() {
            return Err(wrong(
                "client-id",
                "expected a widget to serve: client-id, organization-id or license-id, and agent-token for LiveChat; omnichannel or live-assist, and signing-keys and issuer for these",
            ));
        }
        let admission = self.admission.check(&variable, timeout)?;
        if !(1..=1024 * 1024).contains(&self.body_limit) {
            return Err(wrong("body-limit", "expected 1 to 1048576 bytes"));
        }
        Ok(Configuration {
            listen: self.listen,
            metrics_listen: self.metrics_listen,
            database,
            livechat,
            admission,
            signing,
            admin_key,
            body_limits: BodyLimits { length: self.body_limit, time: Duration::from_secs(10) },
            serve: ServeSettings {
                keep_alive: seconds("keep-alive", self.keep_alive, 86_400.0)?,
                ..ServeSettings::default()
            },
            log_level: self.log_level,
        })
    }
}
