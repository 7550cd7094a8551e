//! Authorization codes, known by their hash and redeemed once.

use std::fmt;

use super::{CustomerStore, StoreError, on_database};
use crate::customer::CustomerId;

/// For whom a code was issued, and what its redemption has to match.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedAuthorizationCode {
    /// The signed-in customer.
    pub customer: CustomerId,
    /// The redirection URI that has to be named again.
    pub redirect_uri: String,
    /// The SHA-256 hash of the code verifier, where the widget sent one (RFC 7636).
    pub code_challenge: Option<String>,
    /// The end of its life, in milliseconds since 1970.
    pub expires_at: i64,
}

/// Says nothing of the customer, so that no log does.
impl fmt::Debug for IssuedAuthorizationCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("IssuedAuthorizationCode").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// What came of redeeming a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redemption {
    /// No such code, or none any more.
    Unknown,
    /// It was not redeemed while it lived.
    Expired,
    /// It has been redeemed before.
    Replayed,
    /// It is the caller's, and nobody else's.
    Redeemed(IssuedAuthorizationCode),
}

/// The update is atomic, so that of any number of callers one gets the row.
const REDEEM: &str = "
    UPDATE authorization_code SET redeemed_at = $2 WHERE hash = $1 AND redeemed_at IS NULL AND expires_at > $2
    RETURNING customer_id, redirect_uri, code_challenge, expires_at";

impl CustomerStore {
    /// Keeps a code under its hash.
    pub async fn put_code(&self, hash: &[u8; 32], code: &IssuedAuthorizationCode) -> Result<(), StoreError> {
        on_database!(self, write, connection => {
            sqlx::query(
                "INSERT INTO authorization_code (hash, customer_id, redirect_uri, code_challenge, expires_at)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(hash.as_slice())
            .bind(code.customer.as_str())
            .bind(&code.redirect_uri)
            .bind(&code.code_challenge)
            .bind(code.expires_at)
            .execute(connection)
            .await
            .map(|_| ())
        })
    }

    /// Redeems the code with this hash. Of any number of callers, in any number of processes, one gets it.
    pub async fn redeem_code(&self, hash: &[u8; 32], now_ms: i64) -> Result<Redemption, StoreError> {
        let redeemed: Option<(String, String, Option<String>, i64)> = on_database!(self, write, connection => {
            sqlx::query_as(REDEEM).bind(hash.as_slice()).bind(now_ms).fetch_optional(connection).await
        })?;
        if let Some((customer, redirect_uri, code_challenge, expires_at)) = redeemed {
            let customer = CustomerId::parse(&customer).ok_or(StoreError::Damaged)?;
            return Ok(Redemption::Redeemed(IssuedAuthorizationCode {
                customer,
                redirect_uri,
                code_challenge,
                expires_at,
            }));
        }
        let was_redeemed: Option<bool> = on_database!(self, read, connection => {
            sqlx::query_scalar("SELECT redeemed_at IS NOT NULL FROM authorization_code WHERE hash = $1")
                .bind(hash.as_slice())
                .fetch_optional(connection)
                .await
        })?;
        Ok(match was_redeemed {
            None => Redemption::Unknown,
            Some(true) => Redemption::Replayed,
            Some(false) => Redemption::Expired,
        })
    }

    /// Forgets the codes that ended before this moment, redeemed or not.
    pub async fn remove_old_codes(&self, before_ms: i64) -> Result<(), StoreError> {
        on_database!(self, write, connection => {
            sqlx::query("DELETE FROM authorization_code WHERE expires_at < $1")
                .bind(before_ms)
                .execute(connection)
                .await
                .map(|_| ())
        })
    }
}
