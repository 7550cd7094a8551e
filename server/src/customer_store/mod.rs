//! Remembers who is who: customers' and guests' entities, what the site says of customers, and authorization codes.
//!
//! This is the only place that knows the database. SQLite and PostgreSQL understand the same statements; where they
//! would not, as with the clock, the migrations give both the same name. Each statement is atomic by itself.

mod codes;
mod customers;
mod database;
mod entities;
mod error;
mod guests;
mod records;

pub use codes::{IssuedAuthorizationCode, Redemption};
pub use customers::{Erased, Import};
pub use entities::{Creation, CreationLease, EntityOwner, OwnerRow};
pub use error::StoreError;

use database::{Database, on_database};

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
