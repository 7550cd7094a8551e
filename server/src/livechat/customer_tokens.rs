//! Tokens by customer or guest: one request to LiveChat at a time for each, and the answer kept while it is good.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use quick_cache::sync::Cache;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::accounts::{AccountsApi, AccountsApiError, CustomerToken, IdentityTransfer};
use crate::{
    clock::{Clock, Moment, OnceInAWhile, milliseconds},
    customer::{CustomerId, EntityId, GuestId},
    customer_store::{Creation, CreationLease, CustomerStore, EntityOwner, Heard, RecentChanges, StoreError},
    http::{
        answer::Outcome,
        problem::{Problem, store_unavailable},
    },
    metrics::Metrics,
    proof_key::CodeChallenge,
};

/// How often a store is asked again whether another process has finished a creation.
const ELSEWHERE_INTERVAL: Duration = Duration::from_millis(200);
/// A lease outlives the longest creation by this much, for the write that follows.
const LEASE_SLACK: Duration = Duration::from_secs(10);
/// How often tokens that are too old are looked for.
const REMOVAL_INTERVAL: Duration = Duration::from_secs(600);
/// Of so many changed customers at once the store is asked whose entity a kept token has.
const ASKED_ABOUT: usize = 50;
/// When accounts is unavailable and does not say for how long.
const DEFAULT_RETRY_AFTER: u64 = 5;

/// Why a customer gets no token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TokenError {
    /// The accounts gave none.
    #[error(transparent)]
    Accounts(#[from] AccountsApiError),
    /// The customer store failed.
    #[error("{0}")]
    Store(Arc<StoreError>),
    /// The guest ended while its token was fetched.
    #[error("the guest has ended")]
    GuestEnded,
    /// The caller has waited long enough; the work goes on.
    #[error("LiveChat's accounts did not answer within the caller's time")]
    StillRunning,
    /// The work ended without an answer.
    #[error("the request ended without an answer")]
    Lost,
}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::GuestEnded => Self::GuestEnded,
            error => Self::Store(Arc::new(error)),
        }
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Accounts(AccountsApiError::Unreachable { .. }) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "accounts_unreachable",
                "LiveChat's accounts could not be reached.",
            )
            .with_retry_after(DEFAULT_RETRY_AFTER),
            TokenError::Accounts(AccountsApiError::Unavailable { status, retry_after }) => {
                let code = if status == 429 { "accounts_rate_limited" } else { "accounts_unavailable" };
                let detail = format!("LiveChat's accounts answered with status {status}.");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
                    .with_retry_after(retry_after.unwrap_or(DEFAULT_RETRY_AFTER))
            }
            TokenError::Accounts(AccountsApiError::Slow) | TokenError::StillRunning => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "accounts_slow", "LiveChat's accounts did not answer in time.")
            }
            TokenError::Accounts(AccountsApiError::Nonsense { what, .. }) => Self::new(
                StatusCode::BAD_GATEWAY,
                "accounts_nonsense",
                format!("LiveChat's accounts answered nonsense: {what}."),
            ),
            TokenError::Accounts(AccountsApiError::Refused { .. }) => Self::new(
                StatusCode::BAD_GATEWAY,
                "accounts_refused_service",
                "LiveChat's accounts refused this service; its operator finds the reason in the log.",
            ),
            TokenError::Accounts(AccountsApiError::CustomerRefused(exception)) => Self::new(
                StatusCode::FORBIDDEN,
                "accounts_refused_customer",
                "LiveChat's accounts refused this customer.",
            )
            .with_exception(exception),
            TokenError::Store(_) => store_unavailable(),
            TokenError::GuestEnded => Self::new(
                StatusCode::CONFLICT,
                "guest_ended",
                "The guest ended while its token was fetched: somebody signed in or out in this browser.",
            ),
            TokenError::Lost => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The request ended without an answer.")
            }
        }
    }
}

/// How tokens are kept.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// A kept token is given out only while at least this share of its life is left, 0 to 1.
    pub least_life: f64,
    /// A caller who wants a fresh token still gets the kept one while it is younger than this.
    pub fresh_after: Duration,
    /// How long one caller waits.
    pub patience: Duration,
    /// How many customers' tokens are kept.
    pub capacity: usize,
}

/// A token and when it was asked for.
#[derive(Debug)]
struct HeldToken {
    token: CustomerToken,
    asked: Moment,
}

/// A token with the life it has left.
#[derive(Debug, Clone)]
pub struct TokenAnswer {
    held: Arc<HeldToken>,
    /// Whole seconds left.
    pub expires_in: u64,
}

impl TokenAnswer {
    /// The token itself.
    pub fn access_token(&self) -> &SecretString {
        &self.held.token.access_token
    }

    /// Whose it is.
    pub fn entity(&self) -> &EntityId {
        &self.held.token.entity
    }
}

type Landed = Option<Result<(Arc<HeldToken>, Outcome), TokenError>>;

struct Inner {
    accounts: AccountsApi,
    store: CustomerStore,
    clock: Clock,
    settings: TokenSettings,
    metrics: Metrics,
    held: Cache<EntityOwner, Arc<HeldToken>>,
    /// Of those that nobody asks for any more.
    removal: OnceInAWhile,
    /// Customers who have another entity now, or none.
    changes: RecentChanges,
    flights: Mutex<HashMap<EntityOwner, watch::Receiver<Landed>>>,
    /// New entities that the store did not take: written at the owner's next request, before anything else.
    unwritten: Mutex<HashMap<EntityOwner, (CreationLease, EntityId)>>,
    tasks: TaskTracker,
}

/// The tokens of all customers and guests.
#[derive(Clone)]
pub struct CustomerTokens(Arc<Inner>);

/// A poisoned lock still guards a usable map: every change of it is a single call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends a flight however its task ends, so that nobody is left waiting on one that is gone.
struct Landing {
    inner: Arc<Inner>,
    owner: EntityOwner,
}

impl Drop for Landing {
    fn drop(&mut self) {
        lock(&self.inner.flights).remove(&self.owner);
    }
}

impl CustomerTokens {
    /// Nothing is kept yet.
    pub fn new(
        accounts: AccountsApi,
        store: CustomerStore,
        clock: Clock,
        settings: TokenSettings,
        metrics: Metrics,
    ) -> Self {
        let held = Cache::new(settings.capacity);
        Self(Arc::new(Inner {
            accounts,
            store,
            clock,
            settings,
            metrics,
            held,
            removal: OnceInAWhile::new(REMOVAL_INTERVAL),
            changes: RecentChanges::default(),
            flights: Mutex::default(),
            unwritten: Mutex::default(),
            tasks: TaskTracker::new(),
        }))
    }

    /// The customer store.
    pub fn store(&self) -> &CustomerStore {
        &self.0.store
    }

    /// How many are kept.
    pub fn kept(&self) -> u64 {
        self.0.held.len() as u64
    }

    /// The client of accounts.
    pub fn accounts(&self) -> &AccountsApi {
        &self.0.accounts
    }

    /// A token of the owner; `fresh` asks for one younger than what is kept. A customer who has no entity yet takes over
    /// the one of the first guest in `adoptable` that has one.
    pub async fn token(
        &self,
        owner: EntityOwner,
        adoptable: &[GuestId],
        fresh: bool,
    ) -> Result<(TokenAnswer, Outcome), TokenError> {
        let (held, outcome) = self.held_or_fetched(owner, adoptable, fresh).await?;
        Ok((self.0.answer(held), outcome))
    }

    /// A code by which the customer's browser takes over its entity. A customer without one is given it as for a token.
    pub async fn transfer(
        &self,
        customer: &CustomerId,
        adoptable: &[GuestId],
        challenge: &CodeChallenge,
    ) -> Result<(IdentityTransfer, Outcome), TokenError> {
        let (entity, outcome) = match self.0.store.entity(customer).await? {
            Some(entity) => (entity, Outcome::Fetched),
            None => {
                let (held, outcome) =
                    self.held_or_fetched(EntityOwner::Customer(customer.clone()), adoptable, false).await?;
                (held.token.entity.clone(), outcome)
            }
        };
        let transfer = self.0.counted("transfer", self.0.accounts.transfer(&entity, challenge)).await;
        if let Err(error) = &transfer {
            log_failure(error);
        }
        Ok((transfer?, outcome))
    }

    /// Whether a token of the customer is kept.
    pub fn is_kept(&self, customer: &CustomerId) -> bool {
        self.0.held.contains_key(&EntityOwner::Customer(customer.clone()))
    }

    /// Forgets the kept token of a customer whose entity the store has given up, and says whether there was one. A request
    /// that is under way may still know the entity: its token is forgotten too.
    pub async fn forget(&self, customer: &CustomerId) -> bool {
        let owner = EntityOwner::Customer(customer.clone());
        let was_kept = self.is_kept(customer);
        lock(&self.0.unwritten).remove(&owner);
        self.0.changes.note(customer);
        self.landed(customer).await;
        self.0.held.remove(&owner);
        was_kept
    }

    /// Others have changed this: tokens of entities that are not the customers' any more are forgotten.
    pub async fn heard(&self, heard: &Heard) {
        let inner = &self.0;
        if heard.everything {
            inner.changes.note_everything();
            inner.held.clear();
        }
        // Of an import of many, asking about each would take longer than a token may be given out after its change.
        let is_asked = heard.entities.len() <= ASKED_ABOUT;
        for customer in &heard.entities {
            inner.changes.note(customer);
            let owner = EntityOwner::Customer(customer.clone());
            let Some(held) = inner.held.get(&owner) else { continue };
            // An error leaves it open whose it is.
            let is_theirs = is_asked
                && inner.store.entity(customer).await.is_ok_and(|entity| entity.as_ref() == Some(&held.token.entity));
            if !is_theirs {
                inner.held.remove(&owner);
            }
        }
        // A secret that is of no use has nothing to do in memory.
        if inner.removal.is_due(inner.clock.now()) {
            inner.held.retain(|_, held| inner.usable(held, false));
        }
    }

    /// Ends when no request for the customer is under way.
    pub async fn landed(&self, customer: &CustomerId) {
        let flight = lock(&self.0.flights).get(&EntityOwner::Customer(customer.clone())).cloned();
        if let Some(mut flight) = flight {
            // An error says that its task is gone, with the same result.
            let _ = flight.wait_for(Option::is_some).await;
        }
    }

    /// Ends when every request to accounts that was under way has ended.
    pub async fn finish(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    async fn held_or_fetched(
        &self,
        owner: EntityOwner,
        adoptable: &[GuestId],
        fresh: bool,
    ) -> Result<(Arc<HeldToken>, Outcome), TokenError> {
        let inner = &self.0;
        let held = || inner.held.get(&owner).filter(|held| inner.usable(held, fresh));
        if let Some(held) = held() {
            return Ok((held, Outcome::Hit));
        }
        let (mut flight, joined) = {
            let mut flights = lock(&inner.flights);
            // Looked up again under the lock: between a miss and the lock, a flight could land and be missed.
            if let Some(held) = held() {
                return Ok((held, Outcome::Hit));
            }
            match flights.get(&owner) {
                Some(flight) => (flight.clone(), true),
                None => {
                    let flight = inner.begin(owner.clone(), adoptable.to_vec());
                    flights.insert(owner, flight.clone());
                    (flight, false)
                }
            }
        };
        let landed = tokio::time::timeout(inner.settings.patience, flight.wait_for(Option::is_some))
            .await
            .map_err(|_| TokenError::StillRunning)?
            .map_err(|_| TokenError::Lost)?
            .clone();
        let (held, outcome) = landed.unwrap_or(Err(TokenError::Lost))?;
        Ok((held, if joined { Outcome::Joined } else { outcome }))
    }
}

impl Inner {
    /// Starts the request in a task of its own: a caller who leaves must not end it, an entity would be lost.
    fn begin(self: &Arc<Self>, owner: EntityOwner, adoptable: Vec<GuestId>) -> watch::Receiver<Landed> {
        let (sender, receiver) = watch::channel(None);
        let landing = Landing { inner: Arc::clone(self), owner };
        let flight = async move {
            let result = landing.inner.fetch_unchanged(&landing.owner, &adoptable).await;
            let result = match result {
                Ok((held, outcome)) => Ok((held, outcome)),
                Err(error) => {
                    match &error {
                        TokenError::Accounts(error) => log_failure(error),
                        TokenError::GuestEnded => tracing::debug!("a guest ended while its token was fetched"),
                        error => tracing::error!(%error, "no token"),
                    }
                    Err(error)
                }
            };
            // The flight leaves the map before its answer is told, so that whoever comes after a failure begins anew.
            drop(landing);
            sender.send_replace(Some(result));
        };
        // What it logs belongs to the trace of the request that began it.
        self.tasks.spawn(flight.in_current_span());
        receiver
    }

    /// A token, which is kept, of the entity that the owner has when it is there: whoever replaced or erased the entity meanwhile is heard.
    async fn fetch_unchanged(
        &self,
        owner: &EntityOwner,
        adoptable: &[GuestId],
    ) -> Result<(Arc<HeldToken>, Outcome), TokenError> {
        loop {
            let mut begun = self.changes.begin();
            let (held, outcome) = self.fetch(owner, adoptable).await?;
            let held = Arc::new(held);
            self.held.insert(owner.clone(), Arc::clone(&held));
            let EntityOwner::Customer(customer) = owner else { return Ok((held, outcome)) };
            loop {
                if !self.changes.since(begun, customer) {
                    return Ok((held, outcome));
                }
                begun = self.changes.begin();
                if self.store.entity(customer).await?.as_ref() != Some(&held.token.entity) {
                    self.held.remove(owner);
                    break;
                }
            }
        }
    }

    async fn fetch(&self, owner: &EntityOwner, adoptable: &[GuestId]) -> Result<(HeldToken, Outcome), TokenError> {
        self.write_unwritten(owner).await?;
        match self.store.entity(owner).await? {
            Some(entity) => self.fetch_for(&entity).await,
            None => self.create(owner, adoptable).await,
        }
    }

    /// A request to accounts, counted.
    async fn counted<T>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Result<T, AccountsApiError>>,
    ) -> Result<T, AccountsApiError> {
        let began = Instant::now();
        let answer = request.await;
        let result = answer.as_ref().map_or_else(AccountsApiError::name, |_| "ok");
        self.metrics.accounts_request(operation, result, began.elapsed());
        answer
    }

    async fn fetch_for(&self, entity: &EntityId) -> Result<(HeldToken, Outcome), TokenError> {
        let asked = self.clock.now();
        Ok((HeldToken { token: self.counted("token", self.accounts.token(entity)).await?, asked }, Outcome::Fetched))
    }

    async fn create(&self, owner: &EntityOwner, adoptable: &[GuestId]) -> Result<(HeldToken, Outcome), TokenError> {
        let lease_duration = self.accounts.creation_timeout() + LEASE_SLACK;
        let lease = loop {
            match self.store.begin_creation(owner, lease_duration).await? {
                Creation::Exists(entity) => return self.fetch_for(&entity).await,
                Creation::Elsewhere(remaining) => tokio::time::sleep(remaining.min(ELSEWHERE_INTERVAL)).await,
                Creation::Begun { lease, one_was_lost } => {
                    if one_was_lost {
                        self.metrics.lost_creation();
                        tracing::warn!(
                            "an earlier creation of this customer never came back: LiveChat may hold an entity that nobody uses"
                        );
                    }
                    break lease;
                }
            }
        };
        // Under the lease, so that nobody else creates an entity for this customer meanwhile.
        if let Some(entity) = self.adopt(owner, &lease, adoptable).await? {
            let (token, _) = self.fetch_for(&entity).await?;
            return Ok((token, Outcome::Adopted));
        }
        let asked = self.clock.now();
        match self.counted("create", self.accounts.create()).await {
            Ok(token) => {
                self.metrics.creation();
                let stored = self.finish_creation(owner, lease, &token.entity).await?;
                if stored == token.entity {
                    Ok((HeldToken { token, asked }, Outcome::Created))
                } else {
                    self.metrics.lost_creation();
                    tracing::warn!(
                        "another process created this customer meanwhile: LiveChat holds an entity that nobody uses"
                    );
                    self.fetch_for(&stored).await
                }
            }
            // The token is of no use, the entity is: it was created.
            Err(AccountsApiError::Nonsense { what, entity: Some(entity) }) => {
                self.metrics.creation();
                self.finish_creation(owner, lease, &entity).await?;
                Err(AccountsApiError::Nonsense { what, entity: Some(entity) }.into())
            }
            Err(error) => {
                if error.may_have_created() {
                    self.metrics.lost_creation();
                    tracing::warn!(
                        "a creation ended without a usable answer: LiveChat may hold an entity that nobody uses"
                    );
                }
                self.store.abandon_creation(owner, &lease).await?;
                Err(error.into())
            }
        }
    }

    /// Takes over the entity of the first of these guests that has one; gives the lease back when it did, or failed.
    async fn adopt(
        &self,
        owner: &EntityOwner,
        lease: &CreationLease,
        adoptable: &[GuestId],
    ) -> Result<Option<EntityId>, TokenError> {
        let EntityOwner::Customer(customer) = owner else { return Ok(None) };
        let now = milliseconds(self.clock.now().wall);
        for guest in adoptable {
            match self.store.adopt_guest(customer, lease, guest, now).await {
                Ok(Some(entity)) => return Ok(Some(entity)),
                Ok(None) => {}
                Err(error) => {
                    self.store.abandon_creation(customer, lease).await?;
                    return Err(error.into());
                }
            }
        }
        Ok(None)
    }

    async fn finish_creation(
        &self,
        owner: &EntityOwner,
        lease: CreationLease,
        entity: &EntityId,
    ) -> Result<EntityId, TokenError> {
        match self.store.finish_creation(owner, &lease, entity).await {
            Ok(stored) => Ok(stored),
            Err(StoreError::GuestEnded) => {
                self.metrics.lost_creation();
                tracing::warn!("a guest ended while it was created: LiveChat holds an entity that nobody uses");
                Err(TokenError::GuestEnded)
            }
            Err(error) => {
                tracing::error!(
                    "a new entity could not be stored; it is kept in memory and stored at the next request"
                );
                lock(&self.unwritten).insert(owner.clone(), (lease, entity.clone()));
                Err(error.into())
            }
        }
    }

    async fn write_unwritten(&self, owner: &EntityOwner) -> Result<(), TokenError> {
        let unwritten = lock(&self.unwritten).remove(owner);
        match unwritten {
            Some((lease, entity)) => self.finish_creation(owner, lease, &entity).await.map(|_| ()),
            None => Ok(()),
        }
    }

    fn usable(&self, held: &HeldToken, fresh: bool) -> bool {
        let age = self.clock.now().since(held.asked);
        let left = held.token.lifetime.saturating_sub(age);
        let young = age < self.settings.fresh_after;
        left.as_secs() >= 1 && left >= held.token.lifetime.mul_f64(self.settings.least_life) && (!fresh || young)
    }

    fn answer(&self, held: Arc<HeldToken>) -> TokenAnswer {
        let left = held.token.lifetime.saturating_sub(self.clock.now().since(held.asked));
        // Rounded down: a token is never said to live longer than it does.
        TokenAnswer { held, expires_in: left.as_secs() }
    }
}

/// Tells the operator; louder when only the operator can help.
fn log_failure(error: &AccountsApiError) {
    match error {
        AccountsApiError::Refused { .. } => tracing::error!(
            %error,
            "check the agent token (scope customers:own, not a personal access token), the client id and the account"
        ),
        error => tracing::warn!(%error, "no answer from accounts"),
    }
}
