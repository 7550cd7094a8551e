//! What can go wrong with the database, and how a caller hears of it.

use std::time::Duration;

use sqlx::{error::DatabaseError, migrate::MigrateError};

use crate::{
    certificate_refusal,
    http::problem::{Problem, store_unavailable},
};

/// Why the store could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names a database that this service cannot use, by its scheme.
    #[error("expected sqlite:<file> or postgres://…, found a URL that begins with {0:?}")]
    UnknownDatabase(String),
    /// SQLite would make a database of its own for each connection, and remove it with that.
    #[error("expected sqlite:<file>: without a file's name, nothing is kept")]
    NoFileName,
    /// The URL has an unknown parameter.
    #[error("the URL's parameter {0:?} is unknown")]
    UnknownParameter(String),
    /// The URL has a parameter with a value that this service does not support.
    #[error("the URL's parameter {0:?} is wrong: expected {1}")]
    WrongParameter(String, String),
    /// A file that the URL names is not what it should be. The parameter is named and not its value, which may be a key itself.
    #[error("the file of the URL's parameter {0:?} {1}")]
    UnusableFile(String, String),
    /// The server's certificate comes from an unknown authority.
    #[error(
        "the server's certificate is of no authority that is trusted; \
         the URL's parameter \"sslrootcert\" names the file of its authority's certificate"
    )]
    UnknownAuthority,
    /// The server is another one than the URL names, or its certificate has expired.
    #[error("the server's certificate is not accepted: {}", certificate_refusal::words_with_names(.0))]
    Certificate(rustls::CertificateError),
    /// The database was used by a newer version of this service, which may have changed what its tables mean.
    #[error("its tables were made by a newer version of this service (migration {0} is unknown here)")]
    Newer(i64),
    /// The database failed.
    #[error("the database failed: {}", words(.0))]
    Database(#[from] sqlx::Error),
    /// The database did not answer in time.
    #[error("the database did not answer within {:.1} s", .0.as_secs_f64())]
    Slow(Duration),
    /// None of the servers accepts writes.
    #[error("no server takes writes")]
    ReadOnly,
    /// SQLite's file was removed or replaced while it was open.
    #[error("the database's file was removed or replaced; the service has to be started again")]
    FileGone,
    /// The tables could not be brought up to date.
    #[error("the database could not be migrated: {0}")]
    Migration(#[from] MigrateError),
    /// A lease could not be named.
    #[error(transparent)]
    NoRandomness(#[from] crate::random::NoRandomness),
    /// The guest is gone: somebody signed in and adopted it, or ended it.
    #[error("the guest has ended")]
    GuestEnded,
    /// What is stored is not a valid entity id or customer id.
    #[error("what is stored of a customer is damaged")]
    Damaged,
}

impl StoreError {
    /// Whether PostgreSQL has as many sessions as it is allowed to have (too_many_connections,
    /// <https://www.postgresql.org/docs/current/errcodes-appendix.html>).
    pub(super) fn is_too_many_connections(&self) -> bool {
        let Self::Database(error) = self else { return false };
        error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code == "53300")
    }

    /// Whether SQLite opened its file for reading only. The lower byte is SQLITE_READONLY (<https://sqlite.org/rescode.html>).
    pub(super) fn is_read_only_file(&self) -> bool {
        const SQLITE_READONLY: u32 = 8;
        let Self::Database(error) = self else { return false };
        let code = error.as_database_error().and_then(DatabaseError::code);
        code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == SQLITE_READONLY)
    }
}

/// What the database says, without the place in its own code that the driver adds.
fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        error => error.to_string(),
    }
}

/// Tells a database of a newer version from a migration that failed.
pub(super) fn of_migration(error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(version) => StoreError::Newer(version),
        error => error.into(),
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the customer store failed");
        store_unavailable()
    }
}
