//! Tries a database: a row that is of nobody, for no customer's id is empty, is written and removed again; nothing is written to the other tables.
//!
//! Macros, for the types of both drivers differ and the statements do not.

/// Fails where the tables have yet to be made.
pub(super) const ARE_TABLES_THERE: &str = "SELECT lease FROM creation WHERE customer_id = ''";

/// Writes the row, and removes it; writes no row to each of the others: a table that is missing, locked or another role's says so.
pub(super) const TRIAL: [&str; 7] = [
    "INSERT INTO customer SELECT * FROM customer WHERE 1 = 0",
    "INSERT INTO customer_record SELECT * FROM customer_record WHERE 1 = 0",
    "INSERT INTO authorization_code SELECT * FROM authorization_code WHERE 1 = 0",
    "INSERT INTO guest SELECT * FROM guest WHERE 1 = 0",
    "SELECT number FROM change WHERE 1 = 0",
    "INSERT INTO creation (account, customer_id, lease, expires_at)
     VALUES ('', '', '', (SELECT now FROM clock))
     ON CONFLICT (account, customer_id) DO UPDATE SET expires_at = excluded.expires_at",
    "DELETE FROM creation WHERE customer_id = ''",
];

/// A transaction that writes on this connection.
macro_rules! try_to_write {
    ($connection:expr) => {{
        let mut transaction = $connection.begin().await?;
        for statement in $crate::customer_store::trial::TRIAL {
            sqlx::query(statement).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }};
}
pub(super) use try_to_write;

/// Changes the tables and writes in this transaction, and takes all back. What was taken back was never on the disk, which may be full:
/// where there are tables already, it writes to them as well.
macro_rules! rehearse {
    ($connection:expr, $transaction:ident, $migrations:expr) => {{
        $migrations.run_direct(None, &mut *$transaction, false).await.map_err(of_migration)?;
        for statement in $crate::customer_store::trial::TRIAL {
            sqlx::query(statement).execute(&mut *$transaction).await?;
        }
        $transaction.rollback().await?;
        let are_there = sqlx::query($crate::customer_store::trial::ARE_TABLES_THERE);
        if are_there.fetch_optional(&mut $connection).await.is_ok() {
            $crate::customer_store::trial::try_to_write!($connection)?;
        }
    }};
}
pub(super) use rehearse;
