//! A SQLite file: one connection that writes and some that read, so that readers never wait for a writer.

use std::{
    fs,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    str::FromStr,
    time::{Duration, Instant},
};

use sqlx::{
    Connection, SqliteConnection, SqlitePool,
    error::DatabaseError,
    migrate::{MigrateError, Migrator},
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    error::{StoreError, of_migration},
    trial::rehearse,
};
use crate::metrics::DatabaseReadings;

/// How long a caller waits for a connection, and a writer for another process.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a statement may take: one that hangs must not hold its caller forever.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(6);
/// How long it may take until nobody reads from the log.
const LOG_TIMEOUT: Duration = Duration::from_millis(250);
/// How often to try again while another process creates the file.
const BUSY_INTERVAL: Duration = Duration::from_millis(20);
/// More than these few would only wait for the same disk.
const READERS: u32 = 4;

/// The database.
#[derive(Debug, Clone)]
pub(super) struct Sqlite {
    /// Connections for statements that change nothing.
    readers: SqlitePool,
    /// The connection for statements that change something: SQLite allows one writer at a time.
    writer: SqlitePool,
    /// The file, and which one it was when it was opened; none in memory.
    file: Option<(PathBuf, Identity)>,
}

/// Which file it is, whatever its name: device and number.
type Identity = (u64, u64);

fn identity(file: &Path) -> std::io::Result<Identity> {
    fs::metadata(file).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// A connection with a statement. Unless that has ended well, the connection is closed: SQLite may have ended a transaction by itself, as
/// it does where the disk is full, and the driver does not know. All that came after it would then be said to be written, and be lost.
/// In memory it stays open, as the database ends with it.
pub(super) struct Session {
    connection: Option<PoolConnection<sqlx::Sqlite>>,
    in_memory: bool,
}

impl Session {
    /// The connection, for statements.
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        self.connection.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Gives the connection back, or closes it, by what came of the statement.
    pub(super) fn judge<T>(mut self, result: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        if matches!(result, Ok(_) | Err(sqlx::Error::RowNotFound)) {
            drop(self.connection.take());
        }
        result
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take().filter(|_| !self.in_memory) {
            connection.close_on_drop();
        }
    }
}

/// What a URL asks for.
struct SqliteUrl {
    options: SqliteConnectOptions,
    in_memory: bool,
    /// The file was not there, and has just been made.
    is_new: bool,
}

impl SqliteUrl {
    /// Reads it, and makes the file that is missing.
    fn parse(url: &str) -> Result<Self, StoreError> {
        let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
        // Whoever says `rw` wants a file that is there, and no new one in place of a disk that is not mounted.
        let may_create =
            !form_urlencoded::parse(parameters.as_bytes()).any(|pair| pair == ("mode".into(), "rw".into()));
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(may_create)
            .journal_mode(SqliteJournalMode::Wal)
            // A remembered entity must outlast a power cut; writes are as rare as new customers.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(ACQUIRE_TIMEOUT)
            // Who was erased would otherwise be found in the file, and in every backup, until somebody else needs the room.
            .pragma("secure_delete", "ON");
        let in_memory = is_in_memory(url);
        if !in_memory && options.get_filename().to_string_lossy().trim().is_empty() {
            return Err(StoreError::NoFileName);
        }
        let mut is_new = false;
        if !in_memory && may_create {
            // It holds names and contacts, and SQLite would let everybody read it. Its other files get the same mode.
            // Whatever is wrong here is reported when the file is opened. A file that exists keeps its mode.
            let made = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(options.get_filename());
            is_new = made.is_ok();
        }
        Ok(Self { options, in_memory, is_new })
    }
}

impl Sqlite {
    /// Connections for statements that change nothing.
    pub(super) fn readers(&self) -> Result<&SqlitePool, StoreError> {
        Ok(&self.readers)
    }

    /// The connection for statements that change something. It fails if the file is gone: SQLite would go on writing to a file that
    /// nobody will find.
    pub(super) fn writer(&self) -> Result<&SqlitePool, StoreError> {
        match &self.file {
            Some((file, opened)) if identity(file).ok() != Some(*opened) => Err(StoreError::FileGone),
            _ => Ok(&self.writer),
        }
    }

    /// The next free connection of one of these.
    pub(super) async fn session(&self, pool: &SqlitePool) -> Result<Session, sqlx::Error> {
        Ok(Session { connection: Some(pool.acquire().await?), in_memory: self.file.is_none() })
    }

    /// Does all that opening does, and a write, and takes it back, with the file if there was none.
    pub(super) async fn rehearse(url: &str, migrations: &Migrator) -> Result<(), StoreError> {
        let SqliteUrl { options, is_new, .. } = SqliteUrl::parse(url)?;
        let file = options.get_filename().to_owned();
        let tried = async {
            let mut connection = SqliteConnection::connect_with(&options).await?;
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            rehearse!(connection, transaction, migrations);
            connection.close().await?;
            Ok(())
        };
        let tried = tried.await;
        if is_new {
            // Its other files go with the connection. What cannot be removed is as good as what the service makes.
            let _ = fs::remove_file(file);
        }
        tried
    }

    /// Its connections. The driver's pool does not say how many callers wait.
    pub(super) fn readings(&self) -> DatabaseReadings {
        let idle = u64::try_from(self.readers.num_idle().saturating_add(self.writer.num_idle())).unwrap_or(u64::MAX);
        DatabaseReadings { open: u64::from(self.readers.size() + self.writer.size()), idle, waiting: 0 }
    }

    /// Whether the URL names a file that is not there yet.
    pub(super) fn is_missing(url: &str) -> bool {
        let file = SqliteConnectOptions::from_str(url).map(|options| options.get_filename().to_owned());
        !is_in_memory(url) && file.is_ok_and(|file| !file.exists())
    }

    pub(super) async fn open(url: &str, connections: u32, migrations: &Migrator) -> Result<Self, StoreError> {
        let SqliteUrl { options, in_memory, .. } = SqliteUrl::parse(url)?;
        let pool = |connections: u32| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .idle_timeout(None)
                .max_lifetime(None)
                // Who is given up while the driver asks a connection whether it lives takes it along, and what is in memory with it.
                .test_before_acquire(!in_memory)
                .acquire_timeout(ACQUIRE_TIMEOUT)
        };
        // Of the processes that make a file together, all but one have to try again: SQLite waits for no lock while it
        // gives the file its journal, and the driver takes none while it makes the tables.
        let deadline = Instant::now() + ACQUIRE_TIMEOUT;
        let writer = loop {
            match pool(1).connect_with(options.clone()).await {
                Err(error) if is_busy(&error) && Instant::now() < deadline => tokio::time::sleep(BUSY_INTERVAL).await,
                opened => break opened?,
            }
        };
        loop {
            match migrations.run(&writer).await {
                // Whatever it says: the tables may have been made between a look and a write.
                Err(MigrateError::Execute(_) | MigrateError::ExecuteMigration(..)) if Instant::now() < deadline => {
                    tokio::time::sleep(BUSY_INTERVAL).await;
                }
                migrated => break migrated.map_err(of_migration)?,
            }
        }
        if in_memory {
            return Ok(Self { readers: writer.clone(), writer, file: None });
        }
        let file = options.get_filename().to_owned();
        let readers = pool(connections.min(READERS)).connect_lazy_with(options);
        let opened = identity(&file).map_err(sqlx::Error::Io)?;
        Ok(Self { readers, writer, file: Some((file, opened)) })
    }

    /// Runs a statement, within its time limit.
    pub(super) async fn in_time<T>(statement: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
        let finished = tokio::time::timeout(STATEMENT_TIMEOUT, statement).await;
        Ok(finished.map_err(|_| StoreError::Slow(STATEMENT_TIMEOUT))??)
    }

    /// Empties the write-ahead log into the file, as it holds what was deleted until it is written over. False when somebody read from it
    /// all the time.
    pub(super) async fn empty_log(&self) -> Result<bool, StoreError> {
        if self.file.is_none() {
            return Ok(true);
        }
        let writer = self.writer()?;
        Self::in_time(Box::pin(async {
            let mut session = self.session(writer).await?;
            let connection = session.connection()?;
            // Writers wait as long as it waits for readers.
            let emptied = async {
                wait_for_others(connection, LOG_TIMEOUT).await?;
                let (is_busy, _, _): (bool, i64, i64) =
                    sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await?;
                wait_for_others(connection, ACQUIRE_TIMEOUT).await?;
                Ok(!is_busy)
            };
            let emptied = emptied.await;
            session.judge(emptied)
        }))
        .await
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// How long this connection waits for another one.
async fn wait_for_others(connection: &mut SqliteConnection, timeout: Duration) -> Result<(), sqlx::Error> {
    let pragma = format!("PRAGMA busy_timeout = {}", timeout.as_millis());
    sqlx::query(sqlx::AssertSqlSafe(pragma)).execute(connection).await.map(|_| ())
}

/// Whether every connection would have a database of its own, gone when the connection is closed.
fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:") || url.contains("mode=memory")
}

/// Whether another process has the file. The lower byte is SQLITE_BUSY (<https://sqlite.org/rescode.html>).
fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: u32 = 5;
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == SQLITE_BUSY)
}
