//! Opens SQLite or PostgreSQL, and runs the same statement on whichever it is.

use std::{
    fs,
    os::unix::fs::OpenOptionsExt,
    str::FromStr,
    time::{Duration, Instant},
};

use rustls::CertificateError;
use sqlx::{
    Connection, PgConnection, PgPool, SqlitePool,
    error::DatabaseError,
    migrate::MigrateError,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use url::Url;

use super::error::{STATEMENT_TIMEOUT, StoreError};

/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a SQLite file that another process is making is tried again.
const BUSY_INTERVAL: Duration = Duration::from_millis(20);
/// SQLite lets one connection write at a time, so more than these few would only wait for each other.
const SQLITE_CONNECTIONS: u32 = 4;

/// The parameters of a PostgreSQL URL. Another one is a mistake, and might be a misspelt password: it is not passed
/// on, since the driver logs what it does not know.
const POSTGRES_PARAMETERS: &[&str] = &[
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// Those of them that name a file in PEM.
const POSTGRES_FILES: &[&str] = &["sslcert", "sslkey", "sslrootcert"];

/// Connections to the database.
#[derive(Debug, Clone)]
pub(super) enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Runs the work on whichever database the store has, within the time a statement may take. The work is written once
/// and compiled for both, as the drivers' types differ and the statements do not.
macro_rules! on_database {
    ($store:expr, $pool:ident => $work:expr) => {
        match &$store.database {
            $crate::customer_store::database::Database::Sqlite($pool) => {
                $crate::customer_store::database::in_time(async { $work }).await
            }
            $crate::customer_store::database::Database::Postgres($pool) => {
                $crate::customer_store::database::in_time(async { $work }).await
            }
        }
    };
}
pub(super) use on_database;

impl Database {
    pub(super) async fn open(url: &str, connections: u32) -> Result<Self, StoreError> {
        // The rest of a URL may hold a password.
        match url.split(':').next().unwrap_or_default() {
            "sqlite" => Self::open_sqlite(url, connections).await,
            "postgres" | "postgresql" => Self::open_postgres(url, connections).await,
            scheme => Err(StoreError::UnknownDatabase(scheme.chars().take(16).collect())),
        }
    }

    async fn open_sqlite(url: &str, connections: u32) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A remembered entity must outlast a power cut; writes are as rare as new customers.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(ACQUIRE_TIMEOUT);
        // In memory, every connection would have a database of its own, gone when the connection is closed.
        let in_memory = url.contains(":memory:") || url.contains("mode=memory");
        if !in_memory && options.get_filename().to_string_lossy().trim().is_empty() {
            return Err(StoreError::NoFileName);
        }
        if !in_memory {
            // Names and contacts are in it, and SQLite would let everybody read it; its other files get the same mode.
            // Whatever is wrong here is told when the file is opened, and one that is there keeps its mode.
            let _ = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(options.get_filename());
        }
        let pool_options = SqlitePoolOptions::new()
            .max_connections(if in_memory { 1 } else { connections.min(SQLITE_CONNECTIONS) })
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(ACQUIRE_TIMEOUT);
        // Of the processes that make a file together, all but one have to try again: SQLite waits for no lock while it
        // gives the file its journal, and the driver takes none while it makes the tables.
        let deadline = Instant::now() + ACQUIRE_TIMEOUT;
        let pool = loop {
            match pool_options.clone().connect_with(options.clone()).await {
                Err(error) if is_busy(&error) && Instant::now() < deadline => tokio::time::sleep(BUSY_INTERVAL).await,
                opened => break opened?,
            }
        };
        let migrations = sqlx::migrate!("migrations/sqlite");
        loop {
            match migrations.run(&pool).await {
                // Whatever it says: the tables may have been made between a look and a write.
                Err(MigrateError::Execute(_) | MigrateError::ExecuteMigration(..)) if Instant::now() < deadline => {
                    tokio::time::sleep(BUSY_INTERVAL).await;
                }
                migrated => break migrated.map_err(of_migration)?,
            }
        }
        Ok(Self::Sqlite(pool))
    }

    async fn open_postgres(url: &str, connections: u32) -> Result<Self, StoreError> {
        let parsed = Url::parse(url).map_err(sqlx::Error::config)?;
        let unknown = |name: &str| !POSTGRES_PARAMETERS.contains(&name) && !name.starts_with("options[");
        if let Some((name, _)) = parsed.query_pairs().find(|(name, _)| unknown(name)) {
            return Err(StoreError::UnknownParameter(name.into_owned()));
        }
        for (name, value) in parsed.query_pairs() {
            if let Some(parameter) = POSTGRES_FILES.iter().find(|parameter| **parameter == name) {
                check_file(parameter, &value)?;
            }
        }
        let options = PgConnectOptions::from_str(url)?;
        // A connection of its own says why it failed, which the pool would not.
        in_time(PgConnection::connect_with(&options)).await.map_err(of_certificate)?.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options);
        // Under a lock of the database's: replicas that start together do not disturb each other.
        sqlx::migrate!("migrations/postgres").run(&pool).await.map_err(of_migration)?;
        Ok(Self::Postgres(pool))
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Runs a statement, but not for ever.
pub(super) async fn in_time<T>(statement: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    let finished = tokio::time::timeout(STATEMENT_TIMEOUT, statement).await.map_err(|_| StoreError::Slow)?;
    Ok(finished?)
}

/// Fails when the parameter's file cannot be used: the driver would say why, and not of which file.
fn check_file(parameter: &'static str, value: &str) -> Result<(), StoreError> {
    // The driver also takes what would be in the file.
    if value.trim().starts_with("-----BEGIN") {
        return Ok(());
    }
    let unusable = |why: String| StoreError::UnusableFile(parameter, why);
    let content = fs::read_to_string(value).map_err(|error| unusable(format!("cannot be read: {error}")))?;
    // Without any, the driver would trust the public authorities alone.
    if parameter == "sslrootcert" && !content.contains("-----BEGIN CERTIFICATE-----") {
        return Err(unusable("holds no certificate in PEM".to_owned()));
    }
    Ok(())
}

/// Tells a certificate that is not accepted from a connection that broke, which the driver does not.
fn of_certificate(error: StoreError) -> StoreError {
    let refused = match &error {
        StoreError::Database(sqlx::Error::Io(error)) => error.get_ref().and_then(|inner| inner.downcast_ref()),
        _ => None,
    };
    match refused {
        // A signature is bad when an unknown authority has the name of a known one.
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)) => {
            StoreError::UnknownAuthority
        }
        Some(rustls::Error::InvalidCertificate(reason)) => StoreError::Certificate(reason.clone()),
        _ => error,
    }
}

fn of_migration(error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(version) => StoreError::Newer(version),
        error => error.into(),
    }
}

/// Whether another process has the SQLite file. The lower byte is SQLITE_BUSY (https://sqlite.org/rescode.html).
fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: u32 = 5;
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == SQLITE_BUSY)
}
