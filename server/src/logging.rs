//! Structured logs: JSON lines on standard error.

use tracing_subscriber::{EnvFilter, fmt::MakeWriter, util::SubscriberInitExt};

/// A subscriber that writes JSON lines; `level` is error, warn, info, debug or trace, for this service's own events.
pub fn subscriber<W>(level: tracing::Level, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    // Libraries' debug lines may show headers, and with them tokens: they stay at warn whatever the level.
    // The driver of PostgreSQL warns of a line of .pgpass that it does not understand by showing it, password and all.
    let pgpass = "sqlx_postgres::options::pgpass[{line}]=off";
    let filter = EnvFilter::new(format!("warn,{pgpass},identity_service={level},request={level}"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_writer(writer)
        .with_span_list(false)
        .finish()
}

/// Makes it the process's subscriber; a second call changes nothing.
pub fn start(level: tracing::Level) {
    if subscriber(level, std::io::stderr).try_init().is_err() {
        tracing::debug!("logging was started before");
    }
}
