//! Which LiveChat entity belongs to which customer, and who is creating one right now.

use std::time::Duration;

use super::{CustomerStore, StoreError, on_database};
use crate::{accounts::EntityId, random::random_token, session_token::CustomerId};

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

const ENTITY: &str = "SELECT entity_id FROM customer WHERE account = $1 AND customer_id = $2";

/// Whoever inserts the row, or takes over one that has expired, has the lease; a row that has not expired stays.
const TAKE_LEASE: &str = "
    INSERT INTO creation (account, customer_id, lease, expires_at)
    VALUES ($1, $2, $3, (SELECT now FROM clock) + $4)
    ON CONFLICT (account, customer_id) DO UPDATE
    SET lease = excluded.lease, expires_at = excluded.expires_at, lost = creation.lost + 1
    WHERE creation.expires_at <= (SELECT now FROM clock)
    RETURNING lost";

const REMAINING: &str = "
    SELECT expires_at - (SELECT now FROM clock) FROM creation WHERE account = $1 AND customer_id = $2";

const GIVE_BACK_LEASE: &str = "DELETE FROM creation WHERE account = $1 AND customer_id = $2 AND lease = $3";

const KEEP_FIRST_ENTITY: &str = "
    INSERT INTO customer (account, customer_id, entity_id, created_at)
    VALUES ($1, $2, $3, (SELECT now FROM clock))
    ON CONFLICT (account, customer_id) DO NOTHING";

impl CustomerStore {
    /// The customer's entity, when there is one.
    pub async fn entity(&self, customer: &CustomerId) -> Result<Option<EntityId>, StoreError> {
        let stored: Option<String> = on_database!(self, pool => {
            sqlx::query_scalar(ENTITY).bind(&self.account).bind(customer.as_str()).fetch_optional(pool).await
        })?;
        stored.map(|text| EntityId::parse(&text).ok_or(StoreError::Damaged)).transpose()
    }

    /// Asks for the right to create the customer's entity.
    pub async fn begin_creation(
        &self,
        customer: &CustomerId,
        lease_duration: Duration,
    ) -> Result<Creation, StoreError> {
        let lease = CreationLease(random_token()?);
        // Capped, so that the sum with the clock stays a number for the database too.
        let milliseconds = i64::try_from(lease_duration.as_millis()).unwrap_or(i64::MAX).min(i64::from(u32::MAX));
        let lost: Option<i64> = on_database!(self, pool => {
            sqlx::query_scalar(TAKE_LEASE)
                .bind(&self.account)
                .bind(customer.as_str())
                .bind(&lease.0)
                .bind(milliseconds)
                .fetch_optional(pool)
                .await
        })?;
        // Looked up after the lease: whoever finishes a creation stores the entity and gives the lease back in one
        // transaction, so that a lease which could be taken says that an entity, if there is one, is to be seen.
        let entity = self.entity(customer).await?;
        match (entity, lost) {
            (Some(entity), Some(_)) => {
                self.abandon_creation(customer, &lease).await?;
                Ok(Creation::Exists(entity))
            }
            (Some(entity), None) => Ok(Creation::Exists(entity)),
            (None, Some(lost)) => Ok(Creation::Begun { lease, one_was_lost: lost > 0 }),
            (None, None) => {
                let remaining: Option<i64> = on_database!(self, pool => {
                    sqlx::query_scalar(REMAINING).bind(&self.account).bind(customer.as_str()).fetch_optional(pool).await
                })?;
                // Given back just now: the caller may ask again at once.
                Ok(Creation::Elsewhere(Duration::from_millis(u64::try_from(remaining.unwrap_or(0)).unwrap_or(0))))
            }
        }
    }

    /// Remembers the new entity and gives the lease back. Answers with the entity that is stored now: the first one
    /// stays, whoever comes later.
    pub async fn finish_creation(
        &self,
        customer: &CustomerId,
        lease: &CreationLease,
        entity: &EntityId,
    ) -> Result<EntityId, StoreError> {
        let stored: String = on_database!(self, pool => {
            let mut transaction = pool.begin().await?;
            sqlx::query(KEEP_FIRST_ENTITY)
                .bind(&self.account)
                .bind(customer.as_str())
                .bind(entity.as_str())
                .execute(&mut *transaction)
                .await?;
            sqlx::query(GIVE_BACK_LEASE)
                .bind(&self.account)
                .bind(customer.as_str())
                .bind(&lease.0)
                .execute(&mut *transaction)
                .await?;
            let stored = sqlx::query_scalar(ENTITY)
                .bind(&self.account)
                .bind(customer.as_str())
                .fetch_one(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(stored)
        })?;
        EntityId::parse(&stored).ok_or(StoreError::Damaged)
    }

    /// Gives the lease back without an entity.
    pub async fn abandon_creation(&self, customer: &CustomerId, lease: &CreationLease) -> Result<(), StoreError> {
        on_database!(self, pool => {
            sqlx::query(GIVE_BACK_LEASE)
                .bind(&self.account)
                .bind(customer.as_str())
                .bind(&lease.0)
                .execute(pool)
                .await
                .map(|_| ())
        })
    }
}
