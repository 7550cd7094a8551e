//! The guests who are there, and until when.

use super::{CustomerStore, StoreError, on_database};
use crate::customer::GuestId;

impl CustomerStore {
    /// A guest begins; its entity is created when it is first asked for.
    pub async fn begin_guest(&self, guest: &GuestId, expires_at_ms: i64) -> Result<(), StoreError> {
        on_database!(self, write, connection => {
            sqlx::query("INSERT INTO guest (account, guest_id, expires_at) VALUES ($1, $2, $3)")
                .bind(&self.account)
                .bind(guest.as_str())
                .bind(expires_at_ms)
                .execute(connection)
                .await
                .map(|_| ())
        })
    }

    /// When the guest ends, in milliseconds since 1970; nothing when it is not there, or not any more by both clocks, the caller's and the
    /// database's: no clock that is set forward ends anybody.
    pub async fn guest_expiry(&self, guest: &GuestId, now_ms: i64) -> Result<Option<i64>, StoreError> {
        on_database!(self, read, connection => {
            sqlx::query_scalar(
                "SELECT expires_at FROM guest
                 WHERE account = $1 AND guest_id = $2 AND (expires_at > $3 OR expires_at > (SELECT now FROM clock))",
            )
            .bind(&self.account)
            .bind(guest.as_str())
            .bind(now_ms)
            .fetch_optional(connection)
            .await
        })
    }

    /// Lets a guest who is there stay longer.
    pub async fn extend_guest(&self, guest: &GuestId, expires_at_ms: i64) -> Result<(), StoreError> {
        on_database!(self, write, connection => {
            sqlx::query("UPDATE guest SET expires_at = $3 WHERE account = $1 AND guest_id = $2")
                .bind(&self.account)
                .bind(guest.as_str())
                .bind(expires_at_ms)
                .execute(connection)
                .await
                .map(|_| ())
        })
    }

    /// The guest ends, if it is there: its entity is nobody's any more.
    pub async fn end_guest(&self, guest: &GuestId) -> Result<(), StoreError> {
        on_database!(self, write, connection => {
            sqlx::query("DELETE FROM guest WHERE account = $1 AND guest_id = $2")
                .bind(&self.account)
                .bind(guest.as_str())
                .execute(connection)
                .await
                .map(|_| ())
        })
    }

    /// Forgets the guests, of every account, whose time was over before this moment, by both clocks.
    pub async fn remove_old_guests(&self, before_ms: i64) -> Result<(), StoreError> {
        on_database!(self, write, connection => {
            sqlx::query("DELETE FROM guest WHERE expires_at < $1 AND expires_at < (SELECT now FROM clock)")
                .bind(before_ms)
                .execute(connection)
                .await
                .map(|_| ())
        })
    }
}
