//! Remembers who is who: customers' and guests' entities, what the site says of customers, and authorization codes.
//!
//! This is the only place that knows the database. SQLite and PostgreSQL understand the same statements; where they
//! would not, as with the clock, the migrations give both the same name. Each statement is atomic by itself.

mod codes;
mod database;
mod entities;
mod guests;
mod records;

use std::time::Duration;

pub use codes::{IssuedCode, Redemption};
pub use entities::{Creation, CreationLease, EntityOwner, OwnerRow};

use database::{Database, on_database};

use crate::http::problem::{Problem, store_unavailable};

/// A statement may take this long: one that hangs on a broken connection must not hold its caller for ever.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(6);

/// Why the store could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names a database that this service cannot use, by its scheme.
    #[error("expected sqlite:<file> or postgres://…, found a URL that begins with {0:?}")]
    UnknownDatabase(String),
    /// The URL has a parameter that nobody reads.
    #[error("the URL's parameter {0:?} is unknown")]
    UnknownParameter(String),
    /// A file that the URL names is no such file. It is told by its parameter: what stands there may be a key itself.
    #[error("the file of the URL's parameter {0:?} {1}")]
    UnusableFile(&'static str, String),
    /// Whoever answers has a certificate of an authority that nobody here knows.
    #[error(
        "the server's certificate is of no authority that is trusted; \
         the URL's parameter \"sslrootcert\" names the file of its authority's certificate"
    )]
    UnknownAuthority,
    /// Whoever answers is another server, or its certificate has run out.
    #[error("the server's certificate is not accepted: {0}")]
    Certificate(rustls::CertificateError),
    /// The database was used by a newer version of this service, which may have changed what its tables mean.
    #[error("its tables were made by a newer version of this service (migration {0} is unknown here)")]
    Newer(i64),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The database did not answer in time.
    #[error("the database did not answer within {} s", STATEMENT_TIMEOUT.as_secs())]
    Slow,
    /// The tables could not be brought up to date.
    #[error("the database could not be migrated: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A lease could not be named.
    #[error(transparent)]
    NoRandomness(#[from] crate::random::NoRandomness),
    /// The guest is not there any more: somebody signed in with it, or ended it.
    #[error("the guest has ended")]
    GuestEnded,
    /// What is stored is no entity id or no customer's id.
    #[error("what is stored of a customer is damaged")]
    Damaged,
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the customer store failed");
        store_unavailable()
    }
}

/// The store. Entities are those of one account of LiveChat; records and codes belong to no account.
#[derive(Debug, Clone)]
pub struct CustomerStore {
    database: Database,
    account: String,
}

impl CustomerStore {
    /// Opens the database with at most so many connections, creates a SQLite file that is missing, and brings the
    /// tables up to date. The account may be empty where LiveChat is not used.
    pub async fn connect(url: &str, connections: u32, account: String) -> Result<Self, StoreError> {
        Ok(Self { database: Database::open(url, connections).await?, account })
    }

    /// Fails when the database does not answer.
    pub async fn check(&self) -> Result<(), StoreError> {
        on_database!(self, pool => {
            sqlx::query("SELECT 1 FROM customer LIMIT 1").fetch_optional(pool).await.map(|_| ())
        })
    }

    /// Closes the database's connections; later calls fail.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

/// Runs a statement, but not for ever.
async fn in_time<T>(statement: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    let finished = tokio::time::timeout(STATEMENT_TIMEOUT, statement).await.map_err(|_| StoreError::Slow)?;
    Ok(finished?)
}
