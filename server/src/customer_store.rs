//! Remembers which LiveChat entity belongs to which customer, and who is creating one right now.
//!
//! This is the only place that knows the database. Another one is another variant of `Backend`.

use std::{
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{accounts::EntityId, random::random_token, session_token::CustomerId};

/// Why the store could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names a database that this version cannot use.
    #[error("expected sqlite:<file>, found a URL that begins with {0:?}")]
    UnknownDatabase(String),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The tables could not be brought up to date.
    #[error("the database could not be migrated: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A lease could not be named.
    #[error(transparent)]
    NoRandomness(#[from] crate::random::NoRandomness),
    /// What is stored is no entity id.
    #[error("the stored entity id of a customer is damaged")]
    Damaged,
}

/// The right to create the entity of one customer, until it expires.
#[derive(Debug)]
pub struct CreationLease(String);

/// What came of asking to create a customer's entity.
#[derive(Debug)]
pub enum Creation {
    /// It exists.
    Exists(EntityId),
    /// Another process is creating it, and has this much time left.
    Elsewhere(Duration),
    /// The caller is to create it.
    Begun {
        /// To be given back with `finish_creation` or `abandon_creation`.
        lease: CreationLease,
        /// An earlier creation never came back: its process died, and its entity, if there is one, is lost.
        one_was_lost: bool,
    },
}

#[derive(Debug, Clone)]
enum Backend {
    Sqlite(SqlitePool),
}

/// The store, for one account of LiveChat.
#[derive(Debug, Clone)]
pub struct CustomerStore {
    backend: Backend,
    account: String,
}

impl CustomerStore {
    /// Opens the database, creates it when it is missing, and brings its tables up to date.
    pub async fn connect(url: &str, account: String) -> Result<Self, StoreError> {
        if !url.starts_with("sqlite:") {
            // The rest of a URL may hold a password.
            let scheme = url.split(':').next().unwrap_or_default();
            return Err(StoreError::UnknownDatabase(scheme.chars().take(16).collect()));
        }
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A remembered entity must outlast a power cut; writes are as rare as new customers.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        // In memory, every connection would have a database of its own, gone when the connection is closed.
        let in_memory = url.contains(":memory:") || url.contains("mode=memory");
        let pool = SqlitePoolOptions::new()
            .max_connections(if in_memory { 1 } else { 4 })
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options)
            .await?;
        sqlx::migrate!().run(&pool).await?;
        Ok(Self { backend: Backend::Sqlite(pool), account })
    }

    /// Fails when the database does not answer.
    pub async fn check(&self) -> Result<(), StoreError> {
        let Backend::Sqlite(pool) = &self.backend;
        sqlx::query("SELECT 1 FROM customer LIMIT 1").fetch_optional(pool).await?;
        Ok(())
    }

    /// The customer's entity, when there is one.
    pub async fn entity(&self, customer: &CustomerId) -> Result<Option<EntityId>, StoreError> {
        let Backend::Sqlite(pool) = &self.backend;
        let stored: Option<String> =
            sqlx::query_scalar("SELECT entity_id FROM customer WHERE account = ? AND customer_id = ?")
                .bind(&self.account)
                .bind(customer.as_str())
                .fetch_optional(pool)
                .await?;
        stored.map(|text| EntityId::parse(&text).ok_or(StoreError::Damaged)).transpose()
    }

    /// Asks for the right to create the customer's entity.
    pub async fn begin_creation(
        &self,
        customer: &CustomerId,
        lease_duration: Duration,
    ) -> Result<Creation, StoreError> {
        let Backend::Sqlite(pool) = &self.backend;
        let now = milliseconds_now();
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
        let stored: Option<String> =
            sqlx::query_scalar("SELECT entity_id FROM customer WHERE account = ? AND customer_id = ?")
                .bind(&self.account)
                .bind(customer.as_str())
                .fetch_optional(&mut *transaction)
                .await?;
        if let Some(text) = stored {
            return EntityId::parse(&text).map(Creation::Exists).ok_or(StoreError::Damaged);
        }
        let running: Option<i64> =
            sqlx::query_scalar("SELECT expires_at FROM creation WHERE account = ? AND customer_id = ?")
                .bind(&self.account)
                .bind(customer.as_str())
                .fetch_optional(&mut *transaction)
                .await?;
        let remaining = running.map(|expires_at| Duration::from_millis(u64::try_from(expires_at - now).unwrap_or(0)));
        if let Some(remaining) = remaining.filter(|remaining| !remaining.is_zero()) {
            return Ok(Creation::Elsewhere(remaining));
        }
        let lease = random_token()?;
        let expires_at = now.saturating_add(i64::try_from(lease_duration.as_millis()).unwrap_or(i64::MAX));
        sqlx::query("INSERT OR REPLACE INTO creation (account, customer_id, lease, expires_at) VALUES (?, ?, ?, ?)")
            .bind(&self.account)
            .bind(customer.as_str())
            .bind(&lease)
            .bind(expires_at)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Creation::Begun { lease: CreationLease(lease), one_was_lost: running.is_some() })
    }

    /// Remembers the new entity and gives the lease back. Answers with the entity that is stored now: the first one
    /// stays, whoever comes later.
    pub async fn finish_creation(
        &self,
        customer: &CustomerId,
        lease: &CreationLease,
        entity: &EntityId,
    ) -> Result<EntityId, StoreError> {
        let Backend::Sqlite(pool) = &self.backend;
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "INSERT INTO customer (account, customer_id, entity_id, created_at) VALUES (?, ?, ?, ?)
             ON CONFLICT (account, customer_id) DO NOTHING",
        )
        .bind(&self.account)
        .bind(customer.as_str())
        .bind(entity.as_str())
        .bind(milliseconds_now())
        .execute(&mut *transaction)
        .await?;
        let stored: String = sqlx::query_scalar("SELECT entity_id FROM customer WHERE account = ? AND customer_id = ?")
            .bind(&self.account)
            .bind(customer.as_str())
            .fetch_one(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM creation WHERE account = ? AND customer_id = ? AND lease = ?")
            .bind(&self.account)
            .bind(customer.as_str())
            .bind(&lease.0)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        EntityId::parse(&stored).ok_or(StoreError::Damaged)
    }

    /// Gives the lease back without an entity.
    pub async fn abandon_creation(&self, customer: &CustomerId, lease: &CreationLease) -> Result<(), StoreError> {
        let Backend::Sqlite(pool) = &self.backend;
        sqlx::query("DELETE FROM creation WHERE account = ? AND customer_id = ? AND lease = ?")
            .bind(&self.account)
            .bind(customer.as_str())
            .bind(&lease.0)
            .execute(pool)
            .await?;
        Ok(())
    }

    /// Closes the database's connections; later calls fail.
    pub async fn close(&self) {
        let Backend::Sqlite(pool) = &self.backend;
        pool.close().await;
    }
}

/// The wall clock, since processes that share a database share no other.
fn milliseconds_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
