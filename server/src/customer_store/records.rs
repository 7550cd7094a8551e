//! What the site's backend says of a customer, as JSON; what it means is not known here.

use super::{CustomerStore, StoreError, on_database};
use crate::customer::CustomerId;

impl CustomerStore {
    /// Keeps the record in place of any earlier one.
    pub async fn put_record(&self, customer: &CustomerId, record_json: &str) -> Result<(), StoreError> {
        on_database!(self, write, connection => {
            sqlx::query(
                "INSERT INTO customer_record (customer_id, record) VALUES ($1, $2)
                 ON CONFLICT (customer_id) DO UPDATE SET record = excluded.record",
            )
            .bind(customer.as_str())
            .bind(record_json)
            .execute(connection)
            .await
            .map(|_| ())
        })
    }

    /// The customer's record, when there is one.
    pub async fn record(&self, customer: &CustomerId) -> Result<Option<String>, StoreError> {
        on_database!(self, read, connection => {
            sqlx::query_scalar("SELECT record FROM customer_record WHERE customer_id = $1")
                .bind(customer.as_str())
                .fetch_optional(connection)
                .await
        })
    }
}
