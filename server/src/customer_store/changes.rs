//! What others have changed: heard a few times a second, so that what this process remembers is never older than a second.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use moka::sync::Cache;

use super::{CustomerStore, StoreError, leases::ClockAnswer, on_database};
use crate::{
    clock::{Clock, Moment},
    customer::CustomerId,
};

/// How often it is listened.
const INTERVAL: Duration = Duration::from_millis(250);
/// What is remembered is given out no longer than this after the last time that it was listened.
const TRUSTED_FOR: Duration = Duration::from_millis(750);
/// Changes are removed when they are this old, and everybody has heard of them.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// How often this is looked after.
const REMOVAL_INTERVAL: Duration = Duration::from_secs(60);
/// Who has heard nothing for so long may have missed something.
const DEAF_AFTER: Duration = Duration::from_secs(300);
/// After a failure it is listened again from so far before: a failover may have lost the last transactions, and their numbers come again.
const OVERLAP: i64 = 10_000;
/// Longer than anything takes that is read from the database.
const READING: Duration = Duration::from_secs(120);

/// What has changed.
#[derive(Default)]
pub struct Heard {
    /// It may be anything.
    pub everything: bool,
    /// Customers with another record.
    pub records: HashSet<CustomerId>,
    /// Customers with another entity, or none.
    pub entities: HashSet<CustomerId>,
}

/// When it was last listened.
#[derive(Clone, Default)]
pub struct Hearing(Arc<Mutex<Option<Instant>>>);

impl Hearing {
    /// Whether all is known that was changed until a moment ago.
    pub fn is_current(&self) -> bool {
        let heard = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.is_some_and(|heard| heard.elapsed() < TRUSTED_FOR)
    }
}

/// Which customers have changed lately, so that nothing is remembered that was read before.
pub struct RecentChanges {
    count: AtomicU64,
    customers: Cache<CustomerId, u64>,
    everything: AtomicU64,
}

/// A point in the order of changes.
#[derive(Debug, Clone, Copy)]
pub struct Before(u64);

impl Default for RecentChanges {
    fn default() -> Self {
        let customers = Cache::builder().time_to_live(READING).build();
        Self { count: AtomicU64::default(), customers, everything: AtomicU64::default() }
    }
}

impl RecentChanges {
    /// To be asked before something is read.
    pub fn begin(&self) -> Before {
        Before(self.count.load(Ordering::SeqCst))
    }

    /// The customer has changed. What is remembered has to be forgotten after this.
    pub fn note(&self, customer: &CustomerId) {
        self.customers.insert(customer.clone(), self.count.fetch_add(1, Ordering::SeqCst) + 1);
    }

    /// Everybody may have changed.
    pub fn note_everything(&self) {
        self.everything.store(self.count.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    }

    /// Whether what was read then may be old already. To be asked when it is remembered.
    pub fn since(&self, Before(then): Before, customer: &CustomerId) -> bool {
        self.everything.load(Ordering::SeqCst) > then || self.customers.get(customer).is_some_and(|at| at > then)
    }
}

/// Listens.
pub struct ChangeListener {
    store: CustomerStore,
    clock: Clock,
    hearing: Hearing,
    /// Where to go on, and when it was heard of.
    position: Option<(i64, Moment)>,
    /// The last try failed.
    failed: bool,
    /// Where it was heard when, for what is old.
    horizons: VecDeque<(i64, Moment)>,
}

impl ChangeListener {
    /// It has heard nothing yet.
    pub fn new(store: CustomerStore, clock: Clock) -> Self {
        Self { store, clock, hearing: Hearing::default(), position: None, failed: false, horizons: VecDeque::new() }
    }

    /// Says whether it has listened lately.
    pub fn hearing(&self) -> Hearing {
        self.hearing.clone()
    }

    /// Listens for the first time. Nothing is remembered yet, so nobody has to be told.
    pub async fn begin(&mut self) {
        self.listen_once(&mut async |_| ()).await;
    }

    /// Tells what is heard to the function, until the store is closed.
    pub async fn listen(mut self, mut told: impl AsyncFnMut(Heard)) {
        while self.listen_once(&mut told).await {
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Answers whether the store is still open.
    async fn listen_once(&mut self, told: &mut impl AsyncFnMut(Heard)) -> bool {
        let began = Instant::now();
        match self.hear().await {
            Ok(heard) => {
                told(heard).await;
                *self.hearing.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(began);
                self.failed = false;
            }
            Err(StoreError::Database(sqlx::Error::PoolClosed)) => return false,
            Err(error) => {
                if !self.failed {
                    tracing::warn!(%error, "what others change is not heard for now: nothing is remembered of customers' records");
                }
                self.failed = true;
            }
        }
        true
    }

    async fn hear(&mut self) -> Result<Heard, StoreError> {
        let now = self.clock.now();
        let known = self.position.filter(|(_, heard)| now.since(*heard) < DEAF_AFTER).map(|(position, _)| position);
        if known.is_none() {
            self.store.remove_changes_of_another_server().await?;
        }
        let from = known.map(|position| if self.failed { position.saturating_sub(OVERLAP) } else { position });
        let (horizon, changes) = self.store.changes(from.unwrap_or(i64::MAX)).await?;
        let mut heard = Heard { everything: known.is_none_or(|position| position > horizon), ..Heard::default() };
        for (what, customer) in changes {
            let customer = CustomerId::parse(&customer).ok_or(StoreError::Damaged)?;
            let customers = if what == "record" { &mut heard.records } else { &mut heard.entities };
            customers.insert(customer);
        }
        self.position = Some((horizon, now));
        self.remove_old(horizon, now).await;
        Ok(heard)
    }

    async fn remove_old(&mut self, horizon: i64, now: Moment) {
        if self.horizons.back().is_some_and(|(_, heard)| now.since(*heard) < REMOVAL_INTERVAL) {
            return;
        }
        self.horizons.push_back((horizon, now));
        let Some((old, _)) = self.horizons.front().copied().filter(|(_, heard)| now.since(*heard) > KEPT_FOR) else {
            return;
        };
        self.horizons.pop_front();
        if let Err(error) = self.store.remove_old_changes(old).await {
            tracing::debug!(%error, "old changes stay until the next time");
        }
    }
}

/// What has changed of whom.
type Change = (String, String);

impl CustomerStore {
    /// The changes from this number on, and the number from which to go on.
    async fn changes(&self, from: i64) -> Result<(i64, Vec<Change>), StoreError> {
        let asked = Instant::now();
        let rows: Vec<(i64, i64, Option<String>, Option<String>)> = on_database!(self, read, connection => {
            sqlx::query_as(
                "SELECT horizon.number, (SELECT now FROM clock), change.what, change.customer_id
                 FROM change_horizon AS horizon LEFT JOIN change ON change.number >= $1",
            )
            .bind(from)
            .fetch_all(connection)
            .await
        })?;
        // A standby has none.
        let (horizon, told) = rows.first().map(|(horizon, told, ..)| (*horizon, *told)).ok_or(StoreError::ReadOnly)?;
        self.leases.note(ClockAnswer { asked, answered: Instant::now(), told });
        Ok((horizon, rows.into_iter().filter_map(|(.., what, customer)| what.zip(customer)).collect()))
    }

    /// Removes what was noted before this database was restored on another server of PostgreSQL, which counts its transactions from the
    /// beginning: such changes would be heard of for ever, and never be old.
    async fn remove_changes_of_another_server(&self) -> Result<(), StoreError> {
        if self.has_one_writer() {
            return Ok(());
        }
        on_database!(self, write, connection => {
            // This transaction has a higher number than all whose changes it sees.
            let statement = "DELETE FROM change WHERE number > (SELECT txid_current())";
            sqlx::query(statement).execute(connection).await.map(|_| ())
        })
    }

    async fn remove_old_changes(&self, before: i64) -> Result<(), StoreError> {
        on_database!(self, write, connection => {
            sqlx::query("DELETE FROM change WHERE number < $1").bind(before).execute(connection).await.map(|_| ())
        })?;
        // Nor is it known from the log who was erased.
        self.database.empty_log().await.map(|_| ())
    }
}
