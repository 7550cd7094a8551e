//! Customers who are known already: importing and exporting their entities, and erasing everything of one customer.

use sqlx::Connection;

use super::{CustomerStore, StoreError, on_database};
use crate::customer::{CustomerId, EntityId};

/// What happened to an entity that was to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Import {
    /// The customer had none.
    New,
    /// The customer had this one.
    Unchanged,
    /// The customer had another one, which was replaced.
    Replaced,
    /// The customer has another one, and keeps it.
    Conflict,
}

/// What was deleted of a customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// Whether there was a record.
    pub record: bool,
    /// The entities, of whichever account: LiveChat still has them.
    pub entities: Vec<EntityId>,
    /// How many authorization codes, redeemed or not.
    pub codes: u64,
}

const KEEP_FIRST: &str = "
    INSERT INTO customer (account, customer_id, entity_id, created_at)
    VALUES ($1, $2, $3, (SELECT now FROM clock))
    ON CONFLICT (account, customer_id) DO NOTHING";
const REPLACE: &str = "UPDATE customer SET entity_id = $3 WHERE account = $1 AND customer_id = $2 AND entity_id <> $3";
const IS_SAME: &str = "SELECT entity_id = $3 FROM customer WHERE account = $1 AND customer_id = $2";

/// What an operator has to know then. The service tries again.
const REMAINS: &str = "what was erased is still in the database's write-ahead log, for some minutes";

impl CustomerStore {
    /// Stores these in one transaction; an entity that is there is overwritten only if `replace` says so.
    pub async fn import(&self, pairs: &[(CustomerId, EntityId)], replace: bool) -> Result<Vec<Import>, StoreError> {
        on_database!(self, write, connection => {
            // Two imports at once that took the same customers in another order would wait for each other. Of one customer's lines, the
            // first is still the first.
            let mut ordered: Vec<_> = pairs.iter().enumerate().collect();
            ordered.sort_by(|(_, (one, _)), (_, (two, _))| one.as_str().cmp(two.as_str()));
            let mut imports = Vec::with_capacity(pairs.len());
            let mut transaction = connection.begin().await?;
            for (place, (customer, entity)) in ordered {
                let (customer, entity) = (customer.as_str(), entity.as_str());
                let bound = |statement| sqlx::query(statement).bind(&self.account).bind(customer).bind(entity);
                imports.push((place, if bound(KEEP_FIRST).execute(&mut *transaction).await?.rows_affected() > 0 {
                    Import::New
                } else if replace {
                    match bound(REPLACE).execute(&mut *transaction).await?.rows_affected() {
                        0 => Import::Unchanged,
                        _ => Import::Replaced,
                    }
                } else {
                    let same = sqlx::query_scalar(IS_SAME).bind(&self.account).bind(customer).bind(entity);
                    let same: Option<bool> = same.fetch_optional(&mut *transaction).await?;
                    if same == Some(true) { Import::Unchanged } else { Import::Conflict }
                }));
            }
            transaction.commit().await?;
            imports.sort_by_key(|(place, _)| *place);
            Ok(imports.into_iter().map(|(_, import)| import).collect())
        })
    }

    /// At most so many customers with their entities, in the order of their ids, that come after this one.
    pub async fn export(
        &self,
        after: Option<&CustomerId>,
        limit: u32,
    ) -> Result<Vec<(CustomerId, EntityId)>, StoreError> {
        let rows: Vec<(String, String)> = on_database!(self, read, connection => {
            sqlx::query_as(
                "SELECT customer_id, entity_id FROM customer WHERE account = $1 AND customer_id > $2
                 ORDER BY customer_id LIMIT $3",
            )
            .bind(&self.account)
            .bind(after.map(CustomerId::as_str).unwrap_or_default())
            .bind(i64::from(limit))
            .fetch_all(connection)
            .await
        })?;
        let read = |(customer, entity): (String, String)| {
            CustomerId::parse(&customer).zip(EntityId::parse(&entity)).ok_or(StoreError::Damaged)
        };
        rows.into_iter().map(read).collect()
    }

    /// How many entities belong to more than one customer.
    pub async fn shared_entities(&self) -> Result<u64, StoreError> {
        let count: i64 = on_database!(self, read, connection => {
            sqlx::query_scalar(
                "SELECT COUNT(*) FROM (SELECT entity_id FROM customer WHERE account = $1
                 GROUP BY entity_id HAVING COUNT(*) > 1) AS shared",
            )
            .bind(&self.account)
            .fetch_one(connection)
            .await
        })?;
        Ok(count.unsigned_abs())
    }

    /// Deletes everything of the customer, for every account, including a lease for creating an entity. Nothing of it stays in the files of
    /// SQLite but the id in the list of changes; PostgreSQL has its own time for that.
    pub async fn erase(&self, customer: &CustomerId) -> Result<Erased, StoreError> {
        let customer = customer.as_str();
        let (record, entities, codes): (u64, Vec<String>, u64) = on_database!(self, write, connection => {
            let mut transaction = connection.begin().await?;
            let entities = sqlx::query_scalar("DELETE FROM customer WHERE customer_id = $1 RETURNING entity_id")
                .bind(customer)
                .fetch_all(&mut *transaction)
                .await?;
            let mut removed = [0; 3];
            let statements = [
                "DELETE FROM creation WHERE customer_id = $1",
                "DELETE FROM customer_record WHERE customer_id = $1",
                "DELETE FROM authorization_code WHERE customer_id = $1",
            ];
            for (count, statement) in removed.iter_mut().zip(statements) {
                *count = sqlx::query(statement).bind(customer).execute(&mut *transaction).await?.rows_affected();
            }
            transaction.commit().await?;
            let [_, records, codes] = removed;
            Ok((records, entities, codes))
        })?;
        match self.database.empty_log().await {
            Ok(true) => {}
            Ok(false) => tracing::warn!("{REMAINS}: somebody reads it"),
            Err(error) => tracing::warn!(%error, "{REMAINS}"),
        }
        let entities: Option<Vec<EntityId>> = entities.iter().map(|text| EntityId::parse(text)).collect();
        Ok(Erased { record: record > 0, entities: entities.ok_or(StoreError::Damaged)?, codes })
    }
}
