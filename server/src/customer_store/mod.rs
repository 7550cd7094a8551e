//! Remembers who is who: customers' and guests' entities, what the site says of customers, and authorization codes.
//!
//! This is the only place that knows the database. SQLite and PostgreSQL understand the same statements; where they
//! would not, as with the clock, the migrations give both the same name. Each statement is atomic by itself.

mod changes;
mod codes;
mod customers;
mod database;
mod entities;
mod error;
mod guests;
mod leases;
mod postgres;
mod postgres_url;
mod records;
mod sqlite;
mod trial;

pub use changes::{Before, ChangeListener, Heard, Hearing, RecentChanges};
pub use codes::{IssuedAuthorizationCode, Redemption};
pub use customers::{Erased, Import};
pub use entities::{Creation, CreationLease, EntityOwner, OwnerRow};
pub use error::StoreError;

use std::sync::Arc;

use sqlx::Connection;

use crate::metrics::DatabaseReadings;

use database::{Database, on_database};
use leases::Leases;
use trial::try_to_write;

/// The store. Entities are those of one account of LiveChat; records and codes belong to no account.
#[derive(Debug, Clone)]
pub struct CustomerStore {
    database: Database,
    account: String,
    leases: Arc<Leases>,
}

impl CustomerStore {
    /// Whether of all processes only one writes at a time.
    pub fn has_one_writer(&self) -> bool {
        matches!(self.database, Database::Sqlite(_))
    }

    /// Whether opening this database would make a new one.
    pub fn is_missing(url: &str) -> bool {
        url.starts_with("sqlite:") && sqlite::Sqlite::is_missing(url)
    }

    /// Opens the database with at most so many connections, creates a SQLite file that is missing, and brings the
    /// tables up to date. The account may be empty where LiveChat is not used.
    pub async fn connect(url: &str, connections: u32, account: String) -> Result<Self, StoreError> {
        let database = Database::open(url, connections).await?;
        let store = Self { database, account, leases: Arc::default() };
        // A file that cannot be written now never can. What else is in the way may pass.
        match store.check().await {
            Err(error) if matches!(store.database, Database::Sqlite(_)) && error.is_read_only_file() => Err(error),
            _ => Ok(store),
        }
    }

    /// Fails when nothing can be written. The row that it writes is of nobody, for no customer's id is empty, and is
    /// removed again.
    pub async fn check(&self) -> Result<(), StoreError> {
        on_database!(self, write, connection => try_to_write!(connection))
    }

    /// Fails when the store could not be opened and written. Everything is tried, changes to the tables too, and nothing of it stays:
    /// whoever only wants to know does not upgrade a database that others use.
    pub async fn rehearse(url: &str) -> Result<(), StoreError> {
        Database::rehearse(url).await
    }

    /// The connections to the database.
    pub fn readings(&self) -> DatabaseReadings {
        self.database.readings()
    }

    /// Closes the database's connections; later calls fail.
    pub async fn close(&self) {
        self.database.close().await;
    }
}
