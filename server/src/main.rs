//! The identity service as a program.

use std::{fmt::Display, io, process::ExitCode, time::SystemTime};

use identity_service::{
    check::check,
    clock::Clock,
    configuration::{Command, Flags},
    http::{
        listener::{ListenAddress, Listener},
        serve::{listen_beside, serve},
    },
    logging::{self, complain},
    service::{IdentityService, StartError},
};
use mimalloc::MiMalloc;
use tokio::signal::unix::{SignalKind, signal};

/// Half as dear as the system's, at which a tenth of a cached token's time was spent.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// A file has reached its greatest size (the limit of `ulimit -f`). The number is the same on Linux and the BSDs.
const FILE_SIZE_EXCEEDED: SignalKind = SignalKind::from_raw(25);

/// Signals that would end a program that does not know them, and are no reason to end here: whoever rotates logs sends the
/// first two, and a log at its limit only loses lines.
fn outlive_signals() -> io::Result<()> {
    for kind in [SignalKind::user_defined1(), SignalKind::user_defined2(), FILE_SIZE_EXCEEDED] {
        // It is caught from now on, also when nobody listens.
        drop(signal(kind)?);
    }
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let flags = Flags::read();
    match flags.command {
        Some(Command::Keys(command)) => {
            return ended(command.run(SystemTime::now(), &mut io::stdout()).map(|()| true));
        }
        Some(Command::Customers(command)) => return ended(command.run(&mut io::stdout()).await),
        Some(Command::Check(service)) => {
            let configuration = match service.check(|name| std::env::var(name).ok()) {
                Ok(configuration) => configuration,
                Err(error) => return ended(Err(error)),
            };
            return ended(check(configuration, &mut io::stdout()).await);
        }
        None => {}
    }
    let configuration = match flags.service.check(|name| std::env::var(name).ok()) {
        Ok(configuration) => configuration,
        Err(error) => {
            complain(&error);
            return ExitCode::from(2);
        }
    };
    let log = logging::start(configuration.log_level);
    let mut hangup = match outlive_signals().and_then(|()| signal(SignalKind::hangup())) {
        Ok(hangup) => hangup,
        Err(error) => {
            complain(&error);
            return ExitCode::FAILURE;
        }
    };
    let (address, settings) = (configuration.listen.clone(), configuration.serve);
    let metrics_address = configuration.metrics_listen.clone();
    let service = match IdentityService::new(configuration, Clock::system()).await {
        Ok(service) => service,
        Err(error @ StartError::Store(_)) => {
            complain(&error);
            return ExitCode::from(2);
        }
        Err(error) => {
            complain(&error);
            return ExitCode::FAILURE;
        }
    };
    let unbound = |setting: &str, address: &ListenAddress, error| {
        complain(&format!("{setting}: expected a free address of this machine, {address} is not: {error}"));
        ExitCode::from(2)
    };
    let metrics_listener = match metrics_address {
        Some(address) => match Listener::bind(&address).await {
            Ok(listener) => Some(listener),
            Err(error) => return unbound("metrics-listen", &address, error),
        },
        None => None,
    };
    let beside: Vec<_> = metrics_listener.iter().map(|listener| ("identity-service metrics", listener)).collect();
    let (listener, shutdown) = match listen_beside("identity-service", &address, &beside).await {
        Ok(listening) => listening,
        Err(error) => return unbound("listen", &address, error),
    };
    if let Some(listener) = metrics_listener {
        // It answers until the process ends: how it ends is worth knowing, too.
        let never = std::future::pending();
        tokio::spawn(serve(listener, service.metrics_router(log.dropped.clone()), settings, never));
    }
    let reloaded = service.clone();
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            reloaded.reload_keys().await;
        }
    });
    serve(listener, service.router(), settings, shutdown).await;
    if tokio::time::timeout(settings.shutdown_deadline, service.finish()).await.is_err() {
        tracing::warn!("some requests to accounts did not finish before the shutdown deadline");
    }
    ExitCode::SUCCESS
}

/// The exit code of something else than to serve: 1 when not all of it was good, 2 when it could not be done.
fn ended(result: Result<bool, impl Display>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}
