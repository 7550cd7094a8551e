//! Sessions at PostgreSQL, over networks that go silent and through failovers: every wait has an end, a session that
//! has died is left at once with all that are as old, and one that cannot write is not kept.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool::{
    Runtime,
    managed::{Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult},
};
use rustls::CertificateError;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, migrate::Migrator, postgres::PgConnectOptions};
use tokio::task::JoinSet;

use super::{
    error::{StoreError, of_migration},
    postgres_url::{PostgresUrl, Target},
    trial::rehearse,
};
use crate::{certificate_refusal::certificate_refusal, metrics::DatabaseReadings};

/// The server ends a statement after this, so that the session can go on: milliseconds.
const SERVER_STATEMENT_TIMEOUT: u32 = 3500;
/// A statement that is not answered by then is on a connection that has died.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(4);
/// A transaction whose client is gone holds its locks no longer: milliseconds.
const IDLE_IN_TRANSACTION_TIMEOUT: u32 = 5000;
/// A session that was used this short a time ago is thought to live.
const LIVELY: Duration = Duration::from_secs(1);
/// How long a session that lay idle may take to say that it lives.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a caller waits for a session, that is for its turn and for hosts that do not answer.
const SESSION_TIMEOUT: Duration = Duration::from_secs(6);
/// For how long a host may be silent before the next one is asked as well.
const NEXT_HOST: Duration = Duration::from_millis(500);
/// How soon to ask again for a session of a server that has given all that it has.
const NEXT_TRY: Duration = Duration::from_millis(50);
/// How long the tables may take to be brought up to date, with the wait for another replica that does it.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(120);
/// The server's probes over a silent connection, unless the URL says how: below the memory of most networks.
const KEEP_ALIVES: [(&str, u64); 3] =
    [("tcp_keepalives_idle", 30), ("tcp_keepalives_interval", 10), ("tcp_keepalives_count", 3)];

/// One session.
pub(super) struct Session {
    connection: PgConnection,
    /// Sessions of one age die together.
    age: u64,
    last_used: Instant,
    /// It has a statement, which may have been given up in the middle.
    in_use: bool,
}

impl Session {
    /// The connection, for statements.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        self.in_use = true;
        &mut self.connection
    }
}

/// Opens sessions.
pub(super) struct Sessions {
    url: PostgresUrl,
    /// What every session is told first.
    setup: Arc<str>,
    /// The host that took the last session, by its position.
    preferred: AtomicUsize,
    /// Sessions that are older are not used again.
    age: AtomicU64,
}

impl Sessions {
    fn new(url: PostgresUrl) -> Self {
        let timeouts = [
            ("statement_timeout", u64::from(SERVER_STATEMENT_TIMEOUT)),
            ("idle_in_transaction_session_timeout", u64::from(IDLE_IN_TRANSACTION_TIMEOUT)),
        ];
        let settings = timeouts.iter().chain(&KEEP_ALIVES).chain(&url.keep_alives.0);
        let settings = settings.map(|(name, value)| format!("SET {name} = {value}; ")).collect::<String>();
        let setup = format!("{settings}SELECT current_setting('transaction_read_only')");
        Self { url, setup: setup.into(), preferred: AtomicUsize::new(0), age: AtomicU64::new(0) }
    }

    /// A connection to a host that will do, beginning with the preferred one. A host that stays silent is not waited for alone: the next
    /// one is asked meanwhile, so that the caller, who has less patience than all of them together, comes to the one that answers.
    async fn connect(&self) -> Result<PgConnection, StoreError> {
        let count = self.url.hosts.len();
        let preferred = self.preferred.load(Ordering::Relaxed);
        let mut waiting = (0..count).map(|step| (preferred + step) % count);
        let (mut asked, mut refused) = (JoinSet::new(), None);
        loop {
            let next = waiting.next();
            let is_last = next.is_none();
            if let Some((position, host)) = next.and_then(|position| Some((position, self.url.hosts.get(position)?))) {
                asked.spawn(open(position, host.clone(), Arc::clone(&self.setup), self.url.connect_timeout));
            }
            let answered = tokio::select! {
                answered = asked.join_next() => answered,
                () = tokio::time::sleep(NEXT_HOST), if !is_last => continue,
            };
            match answered {
                Some(Ok((_, Ok((_, true))))) if self.url.target == Target::ReadWrite => {
                    refused = Some(StoreError::ReadOnly)
                }
                Some(Ok((position, Ok((connection, _))))) => {
                    self.preferred.store(position, Ordering::Relaxed);
                    return Ok(connection);
                }
                // What a host says is told rather than that another one takes no writes.
                Some(Ok((_, Err(error)))) => refused = Some(error),
                // It was ended, or has failed in a way of its own: another one may do.
                Some(Err(_)) => {}
                None => return Err(refused.unwrap_or(StoreError::ReadOnly)),
            }
        }
    }

    /// Leaves all sessions of this age, and those that are older.
    fn leave(&self, age: u64, reason: &dyn std::fmt::Display) {
        if self.age.compare_exchange(age, age + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            tracing::warn!(%reason, "the sessions at the database are left for new ones");
        }
    }
}

/// Opens a session at the host of this position; also says whether it takes no writes.
async fn open(
    position: usize,
    host: PgConnectOptions,
    setup: Arc<str>,
    patience: Duration,
) -> (usize, Result<(PgConnection, bool), StoreError>) {
    let opening = async {
        let mut connection = PgConnection::connect_with(&host).await?;
        let rows = sqlx::raw_sql(AssertSqlSafe(&*setup)).fetch_all(&mut connection).await?;
        let read_only = rows.last().map(|row| row.try_get::<String, _>(0)).transpose()?;
        Ok::<_, sqlx::Error>((connection, read_only.as_deref() == Some("on")))
    };
    let opened = match tokio::time::timeout(patience, opening).await {
        Ok(opened) => opened.map_err(of_certificate),
        Err(_) => Err(StoreError::Slow(patience)),
    };
    (position, opened)
}

impl Manager for Sessions {
    type Type = Session;
    type Error = StoreError;

    async fn create(&self) -> Result<Session, StoreError> {
        // Of the age in which it began: what dies meanwhile may be what it is being connected to.
        let age = self.age.load(Ordering::Relaxed);
        let connection = self.connect().await?;
        Ok(Session { connection, age, last_used: Instant::now(), in_use: false })
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<StoreError> {
        if session.in_use || session.age != self.age.load(Ordering::Relaxed) {
            return Err(RecycleError::message("left"));
        }
        if session.last_used.elapsed() > LIVELY {
            // Somebody may give up in the middle of the question.
            session.in_use = true;
            let answered = tokio::time::timeout(PING_TIMEOUT, session.connection.ping()).await;
            if !matches!(answered, Ok(Ok(()))) {
                self.leave(session.age, &"an idle one does not answer");
                return Err(RecycleError::message("dead"));
            }
            session.in_use = false;
            session.last_used = Instant::now();
        }
        Ok(())
    }
}

/// What is to be done after a statement.
pub(super) enum Verdict<T> {
    /// That was it.
    Done(Result<T, StoreError>),
    /// It has had no effect, and another session may have a better chance.
    Again,
}

/// The sessions of a process.
#[derive(Clone)]
pub(super) struct Postgres(Pool<Sessions>);

impl std::fmt::Debug for Postgres {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Postgres")
    }
}

impl Postgres {
    /// At most so many sessions, after the tables are brought up to date.
    pub(super) async fn open(url: &str, connections: u32, migrations: &Migrator) -> Result<Self, StoreError> {
        let sessions = Sessions::new(PostgresUrl::parse(url)?);
        let mut connection = sessions.connect().await?;
        let migration = async {
            // They take the time that they need, and wait for other replicas.
            sqlx::query("SET statement_timeout = 0").execute(&mut connection).await?;
            // Under a lock of the database's: replicas that start together do not disturb each other.
            migrations.run_direct(None, &mut connection, false).await.map_err(of_migration)
        };
        let migrated = tokio::time::timeout(MIGRATION_TIMEOUT, migration).await;
        migrated.map_err(|_| StoreError::Slow(MIGRATION_TIMEOUT))??;
        connection.close().await?;
        let pool = Pool::builder(sessions)
            .max_size(usize::try_from(connections).unwrap_or(usize::MAX))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(sqlx::Error::config)?;
        Ok(Self(pool))
    }

    /// Does all that opening does, and a write, and takes it back.
    pub(super) async fn rehearse(url: &str, migrations: &Migrator) -> Result<(), StoreError> {
        let mut connection = Sessions::new(PostgresUrl::parse(url)?).connect().await?;
        let trial = async {
            let mut transaction = connection.begin().await?;
            sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *transaction).await?;
            rehearse!(connection, transaction, migrations);
            Ok::<_, StoreError>(())
        };
        tokio::time::timeout(MIGRATION_TIMEOUT, trial).await.map_err(|_| StoreError::Slow(MIGRATION_TIMEOUT))??;
        connection.close().await?;
        Ok(())
    }

    /// Its sessions.
    pub(super) fn readings(&self) -> DatabaseReadings {
        let status = self.0.status();
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        DatabaseReadings { open: number(status.size), idle: number(status.available), waiting: number(status.waiting) }
    }

    /// A session that lives, as far as can be known.
    pub(super) async fn session(&self) -> Result<Object<Sessions>, StoreError> {
        let session = Box::pin(async {
            loop {
                match self.0.get().await {
                    // The server gives no more than this process has, or others have taken them: one of these will be free soon.
                    Err(PoolError::Backend(error)) if error.is_too_many_connections() => {
                        tokio::time::sleep(NEXT_TRY).await;
                    }
                    Err(PoolError::Backend(error)) => return Err(error),
                    Err(PoolError::Closed) => return Err(sqlx::Error::PoolClosed.into()),
                    Err(error) => return Err(sqlx::Error::config(error).into()),
                    Ok(session) => return Ok(session),
                }
            }
        });
        let session = tokio::time::timeout(SESSION_TIMEOUT, session).await;
        session.unwrap_or(Err(StoreError::Slow(SESSION_TIMEOUT)))
    }

    /// Runs a statement on a session, within its time limit.
    pub(super) async fn in_time<T>(statement: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
        let finished = tokio::time::timeout(STATEMENT_TIMEOUT, statement).await;
        Ok(finished.map_err(|_| StoreError::Slow(STATEMENT_TIMEOUT))??)
    }

    /// Gives the session back, or leaves it, by what came of a statement.
    pub(super) fn judge<T>(
        &self,
        mut session: Object<Sessions>,
        result: Result<T, StoreError>,
        is_first: bool,
    ) -> Verdict<T> {
        let code = match &result {
            Err(StoreError::Database(sqlx::Error::Database(error))) => error.code().map(std::borrow::Cow::into_owned),
            _ => None,
        };
        let age = session.age;
        let manager = self.0.manager();
        match (result, code.as_deref()) {
            // query_canceled: by the statement's timeout. The session is well.
            (Err(_), Some("57014")) => {
                session.in_use = false;
                let patience = Duration::from_millis(u64::from(SERVER_STATEMENT_TIMEOUT));
                Verdict::Done(Err(StoreError::Slow(patience)))
            }
            // read_only_sql_transaction: a failover has made a standby of it. admin_shutdown and its like: the server
            // ends, and says so in place of doing the statement.
            (Err(error), Some("25006" | "57P01" | "57P02" | "57P03" | "57P05")) => {
                manager.leave(age, &error);
                drop(Object::take(session));
                if is_first { Verdict::Again } else { Verdict::Done(Err(error)) }
            }
            (result @ (Ok(_) | Err(StoreError::Database(sqlx::Error::RowNotFound))), _) => {
                session.in_use = false;
                session.last_used = Instant::now();
                Verdict::Done(result)
            }
            // The database refuses the statement, as it refuses a row that is there.
            (Err(error), Some(code)) if !code.starts_with("08") && !code.starts_with("25") => {
                session.in_use = false;
                Verdict::Done(Err(error))
            }
            // Nobody knows what became of the statement, so it is not tried again.
            (Err(error), _) => {
                manager.leave(age, &error);
                drop(Object::take(session));
                Verdict::Done(Err(error))
            }
        }
    }

    pub(super) fn close(&self) {
        self.0.close();
    }
}

/// Tells a certificate that is not accepted from a connection that broke, which the driver does not.
fn of_certificate(error: sqlx::Error) -> StoreError {
    let refused = match &error {
        sqlx::Error::Io(error) => certificate_refusal(error),
        _ => None,
    };
    match refused {
        // A signature is bad when an unknown authority has the name of a known one.
        Some(CertificateError::UnknownIssuer | CertificateError::BadSignature) => StoreError::UnknownAuthority,
        Some(reason) => StoreError::Certificate(reason.clone()),
        None => error.into(),
    }
}
