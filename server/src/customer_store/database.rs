//! Opens SQLite or PostgreSQL, and runs the same statement on whichever it is.

use super::{error::StoreError, postgres::Postgres, sqlite::Sqlite};
use crate::metrics::DatabaseReadings;

/// Connections to the database.
#[derive(Debug, Clone)]
pub(super) enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// Runs the work on whichever database the store has, within the time a statement may take; `read` says that it
/// changes nothing, `write` that it may. The work is written once and compiled for both, as the drivers' types differ
/// and the statements do not. It is boxed, for the drivers need kilobytes, which whoever may ask the store would carry
/// about. On PostgreSQL it is done again where a session could not do it and another one may.
macro_rules! on_database {
    ($store:expr, read, $connection:ident => $work:expr) => {
        $crate::customer_store::database::on_database!($store, readers, $connection, $work)
    };
    ($store:expr, write, $connection:ident => $work:expr) => {
        $crate::customer_store::database::on_database!($store, writer, $connection, $work)
    };
    ($store:expr, $pool:ident, $connection:ident, $work:expr) => {
        match &$store.database {
            $crate::customer_store::database::Database::Sqlite(sqlite) => match sqlite.$pool() {
                Ok(pool) => {
                    $crate::customer_store::sqlite::Sqlite::in_time(Box::pin(async {
                        let mut session = sqlite.session(pool).await?;
                        let result = {
                            let $connection = session.connection()?;
                            async { $work }.await
                        };
                        session.judge(result)
                    }))
                    .await
                }
                Err(error) => Err(error),
            },
            $crate::customer_store::database::Database::Postgres(postgres) => {
                let mut is_first = true;
                loop {
                    let mut session = match postgres.session().await {
                        Ok(session) => session,
                        Err(error) => break Err(error),
                    };
                    let result = {
                        let $connection = session.connection();
                        $crate::customer_store::postgres::Postgres::in_time(Box::pin(async { $work })).await
                    };
                    match postgres.judge(session, result, is_first) {
                        $crate::customer_store::postgres::Verdict::Done(result) => break result,
                        $crate::customer_store::postgres::Verdict::Again => is_first = false,
                    }
                }
            }
        }
    };
}
pub(super) use on_database;

impl Database {
    pub(super) async fn open(url: &str, connections: u32) -> Result<Self, StoreError> {
        // The rest of a URL may hold a password.
        match url.split(':').next().unwrap_or_default() {
            "sqlite" => Ok(Self::Sqlite(Sqlite::open(url, connections, &sqlx::migrate!("migrations/sqlite")).await?)),
            "postgres" | "postgresql" => {
                Ok(Self::Postgres(Postgres::open(url, connections, &sqlx::migrate!("migrations/postgres")).await?))
            }
            scheme => Err(StoreError::UnknownDatabase(scheme.chars().take(16).collect())),
        }
    }

    /// Its connections.
    pub(super) fn readings(&self) -> DatabaseReadings {
        match self {
            Self::Sqlite(sqlite) => sqlite.readings(),
            Self::Postgres(postgres) => postgres.readings(),
        }
    }

    /// Does all that opening does, and a write, and takes it back.
    pub(super) async fn rehearse(url: &str) -> Result<(), StoreError> {
        match url.split(':').next().unwrap_or_default() {
            "sqlite" => Sqlite::rehearse(url, &sqlx::migrate!("migrations/sqlite")).await,
            "postgres" | "postgresql" => Postgres::rehearse(url, &sqlx::migrate!("migrations/postgres")).await,
            scheme => Err(StoreError::UnknownDatabase(scheme.chars().take(16).collect())),
        }
    }

    /// Takes what was deleted out of SQLite's log, and answers whether it could. PostgreSQL's is not ours to empty.
    pub(super) async fn empty_log(&self) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.empty_log().await,
            Self::Postgres(_) => Ok(true),
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close(),
        }
    }
}
