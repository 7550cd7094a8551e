//! Which LiveChat entity belongs to which customer or guest, and who is creating one right now.

use std::time::{Duration, Instant};

use sqlx::Connection;

use super::{
    CustomerStore, StoreError,
    leases::{ClockAnswer, RunningLease},
    on_database,
};
use crate::{
    customer::{CustomerId, EntityId, GuestId},
    random::random_token,
};

/// Whose entity it is. A customer and a guest are never the same owner, whatever their ids look like.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum EntityOwner {
    /// Somebody who is signed in at the site.
    Customer(CustomerId),
    /// Somebody who is not.
    Guest(GuestId),
}

/// Where an owner stands in the database: the statements of its table, and its key there.
#[derive(Clone, Copy)]
pub struct OwnerRow<'a> {
    statements: &'static Statements,
    key: &'a str,
}

impl<'a> From<&'a CustomerId> for OwnerRow<'a> {
    fn from(customer: &'a CustomerId) -> Self {
        Self { statements: &CUSTOMER, key: customer.as_str() }
    }
}

impl<'a> From<&'a GuestId> for OwnerRow<'a> {
    fn from(guest: &'a GuestId) -> Self {
        Self { statements: &GUEST, key: guest.as_str() }
    }
}

impl<'a> From<&'a EntityOwner> for OwnerRow<'a> {
    fn from(owner: &'a EntityOwner) -> Self {
        match owner {
            EntityOwner::Customer(customer) => customer.into(),
            EntityOwner::Guest(guest) => guest.into(),
        }
    }
}

/// The right to create the entity of one owner, until it expires.
#[derive(Debug)]
pub struct CreationLease(pub(super) String);

/// What came of asking to create an owner's entity.
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

/// The same questions for customers and for guests, with the same parameters: $1 is the account and $2 the key.
struct Statements {
    /// The entity, when there is one.
    entity: &'static str,
    /// Takes the lease $3 for $4 milliseconds, if it is free or still $5, which is over, and tells how many have run out.
    take_lease: &'static str,
    /// The running lease, its whole time, when it ends, and the time now. No row: there is no such creation.
    running: &'static str,
    /// Gives the lease $3 back.
    give_back_lease: &'static str,
    /// Stores the entity $3, unless there is one.
    keep_first_entity: &'static str,
    /// Whether an owner without a row has ended: a guest has, a customer has no entity yet.
    no_row_means_ended: bool,
}

/// A customer has a row of its entity, and while that is created another one of the lease. Whoever inserts the latter,
/// or puts itself in the place of one that is over, has the lease.
static CUSTOMER: Statements = Statements {
    entity: "SELECT entity_id FROM customer WHERE account = $1 AND customer_id = $2",
    take_lease: "
    INSERT INTO creation (account, customer_id, lease, expires_at, duration)
    VALUES ($1, $2, $3, (SELECT now FROM clock) + $4, $4)
    ON CONFLICT (account, customer_id) DO UPDATE
    SET lease = excluded.lease, expires_at = excluded.expires_at, duration = excluded.duration,
        lost = creation.lost + 1
    WHERE creation.lease = $5
    RETURNING lost",
    running: "
    SELECT lease, duration, expires_at, (SELECT now FROM clock)
    FROM creation WHERE account = $1 AND customer_id = $2",
    give_back_lease: "DELETE FROM creation WHERE account = $1 AND customer_id = $2 AND lease = $3",
    keep_first_entity: "
    INSERT INTO customer (account, customer_id, entity_id, created_at)
    VALUES ($1, $2, $3, (SELECT now FROM clock))
    ON CONFLICT (account, customer_id) DO NOTHING",
    no_row_means_ended: false,
};

/// A guest has one row from its beginning, and nothing brings it back when it has ended.
static GUEST: Statements = Statements {
    entity: "SELECT entity_id FROM guest WHERE account = $1 AND guest_id = $2",
    take_lease: "
    UPDATE guest
    SET lost = CASE WHEN lease IS NULL THEN lost ELSE lost + 1 END,
        lease = $3, lease_expires_at = (SELECT now FROM clock) + $4, lease_duration = $4
    WHERE account = $1 AND guest_id = $2 AND entity_id IS NULL AND (lease IS NULL OR lease = $5)
    RETURNING lost",
    running: "
    SELECT lease, lease_duration, lease_expires_at, (SELECT now FROM clock)
    FROM guest WHERE account = $1 AND guest_id = $2",
    give_back_lease: "
    UPDATE guest SET lease = NULL, lease_expires_at = NULL, lease_duration = NULL, lost = 0
    WHERE account = $1 AND guest_id = $2 AND lease = $3",
    keep_first_entity: "
    UPDATE guest SET entity_id = $3 WHERE account = $1 AND guest_id = $2 AND entity_id IS NULL",
    no_row_means_ended: true,
};

/// The delete is atomic, so that of any number of customers one gets the row.
const TAKE_ENTITY_OF_GUEST: &str = "
    DELETE FROM guest
    WHERE account = $1 AND guest_id = $2 AND entity_id IS NOT NULL
        AND (expires_at > $3 OR expires_at > (SELECT now FROM clock))
    RETURNING entity_id";

impl CustomerStore {
    /// The owner's entity, when there is one.
    pub async fn entity<'a>(&self, owner: impl Into<OwnerRow<'a>>) -> Result<Option<EntityId>, StoreError> {
        let OwnerRow { statements, key } = owner.into();
        let stored: Option<Option<String>> = on_database!(self, read, connection => {
            sqlx::query_scalar(statements.entity).bind(&self.account).bind(key).fetch_optional(connection).await
        })?;
        stored.flatten().map(|text| EntityId::parse(&text).ok_or(StoreError::Damaged)).transpose()
    }

    /// Asks for the right to create the owner's entity. Fails when the owner is a guest that has ended.
    pub async fn begin_creation<'a>(
        &self,
        owner: impl Into<OwnerRow<'a>>,
        lease_duration: Duration,
    ) -> Result<Creation, StoreError> {
        let owner = owner.into();
        let OwnerRow { statements, key } = owner;
        let lease = CreationLease(random_token()?);
        // Capped, so that the sum with the clock stays a number for the database too.
        let milliseconds = i64::try_from(lease_duration.as_millis()).unwrap_or(i64::MAX).min(i64::from(u32::MAX));
        let take = async |over: &str| -> Result<Option<i64>, StoreError> {
            on_database!(self, write, connection => {
                sqlx::query_scalar(statements.take_lease)
                    .bind(&self.account)
                    .bind(key)
                    .bind(&lease.0)
                    .bind(milliseconds)
                    .bind(over)
                    .fetch_optional(connection)
                    .await
            })
        };
        // No lease is empty.
        let mut lost = take("").await?;
        if lost.is_none() {
            if let Some(entity) = self.entity(owner).await? {
                return Ok(Creation::Exists(entity));
            }
            let (running, answer) = self.running_lease(owner).await?;
            // Given back just now where there is none: the caller may ask again at once.
            let Some(running) = running else { return Ok(Creation::Elsewhere(Duration::ZERO)) };
            let remaining = self.leases.remaining(&running, answer);
            if !remaining.is_zero() {
                return Ok(Creation::Elsewhere(remaining));
            }
            lost = take(&running.lease).await?;
        }
        let Some(lost) = lost else { return Ok(Creation::Elsewhere(Duration::ZERO)) };
        // Looked up after the lease: whoever finishes a creation stores the entity and gives the lease back in one
        // transaction, so that a lease which could be taken says that an entity, if there is one, is to be seen.
        match self.entity(owner).await? {
            Some(entity) => {
                self.abandon_creation(owner, &lease).await?;
                Ok(Creation::Exists(entity))
            }
            None => Ok(Creation::Begun { lease, one_was_lost: lost > 0 }),
        }
    }

    /// The lease that somebody has for the owner, if there is one. Fails when the owner is a guest that has ended.
    async fn running_lease(&self, owner: OwnerRow<'_>) -> Result<(Option<RunningLease>, ClockAnswer), StoreError> {
        let OwnerRow { statements, key } = owner;
        let asked = Instant::now();
        let row: Option<(Option<String>, Option<i64>, Option<i64>, i64)> = on_database!(self, read, connection => {
            sqlx::query_as(statements.running).bind(&self.account).bind(key).fetch_optional(connection).await
        })?;
        let answered = Instant::now();
        let Some((lease, duration, expires_at, told)) = row else {
            let nothing = (None, ClockAnswer { asked, answered, told: 0 });
            return if statements.no_row_means_ended { Err(StoreError::GuestEnded) } else { Ok(nothing) };
        };
        let running = lease.zip(expires_at).map(|(lease, expires_at)| RunningLease { lease, duration, expires_at });
        Ok((running, ClockAnswer { asked, answered, told }))
    }

    /// Remembers the new entity and gives the lease back. Answers with the entity that is stored now: the first one
    /// stays, whoever comes later. Fails when the owner is a guest that has ended.
    pub async fn finish_creation<'a>(
        &self,
        owner: impl Into<OwnerRow<'a>>,
        lease: &CreationLease,
        entity: &EntityId,
    ) -> Result<EntityId, StoreError> {
        let OwnerRow { statements, key } = owner.into();
        let stored: Option<String> = on_database!(self, write, connection => {
            let mut transaction = connection.begin().await?;
            sqlx::query(statements.keep_first_entity)
                .bind(&self.account)
                .bind(key)
                .bind(entity.as_str())
                .execute(&mut *transaction)
                .await?;
            sqlx::query(statements.give_back_lease)
                .bind(&self.account)
                .bind(key)
                .bind(&lease.0)
                .execute(&mut *transaction)
                .await?;
            let stored = sqlx::query_scalar(statements.entity)
                .bind(&self.account)
                .bind(key)
                .fetch_optional(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(stored)
        })?;
        match stored {
            Some(stored) => EntityId::parse(&stored).ok_or(StoreError::Damaged),
            None if statements.no_row_means_ended => Err(StoreError::GuestEnded),
            None => Err(StoreError::Damaged),
        }
    }

    /// Gives the lease back without an entity.
    pub async fn abandon_creation<'a>(
        &self,
        owner: impl Into<OwnerRow<'a>>,
        lease: &CreationLease,
    ) -> Result<(), StoreError> {
        let OwnerRow { statements, key } = owner.into();
        on_database!(self, write, connection => {
            sqlx::query(statements.give_back_lease)
                .bind(&self.account)
                .bind(key)
                .bind(&lease.0)
                .execute(connection)
                .await
                .map(|_| ())
        })
    }

    /// Takes a guest's entity for the customer, who has to hold the lease of its own creation, and gives the lease
    /// back. Of any number of customers, in any number of processes, one gets it; the guest ends with that.
    pub async fn adopt_guest(
        &self,
        customer: &CustomerId,
        lease: &CreationLease,
        guest: &GuestId,
        now_ms: i64,
    ) -> Result<Option<EntityId>, StoreError> {
        let adopted: Option<String> = on_database!(self, write, connection => {
            let mut transaction = connection.begin().await?;
            let entity: Option<String> = sqlx::query_scalar(TAKE_ENTITY_OF_GUEST)
                .bind(&self.account)
                .bind(guest.as_str())
                .bind(now_ms)
                .fetch_optional(&mut *transaction)
                .await?;
            let Some(entity) = entity else {
                transaction.rollback().await?;
                return Ok(None);
            };
            let kept = sqlx::query(CUSTOMER.keep_first_entity)
                .bind(&self.account)
                .bind(customer.as_str())
                .bind(&entity)
                .execute(&mut *transaction)
                .await?;
            // Somebody was faster, after this lease had run out: the guest stays what it is.
            if kept.rows_affected() == 0 {
                transaction.rollback().await?;
                return Ok(None);
            }
            sqlx::query(CUSTOMER.give_back_lease)
                .bind(&self.account)
                .bind(customer.as_str())
                .bind(&lease.0)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(Some(entity))
        })?;
        adopted.map(|text| EntityId::parse(&text).ok_or(StoreError::Damaged)).transpose()
    }
}
