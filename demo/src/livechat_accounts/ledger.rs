//! What the stand-in remembers: customers, tokens, codes, faults and the last requests.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::UNIX_EPOCH,
};

use identity_service::{
    clock::{Clock, Moment},
    proof_key::CodeChallenge,
    random::{NoRandomness, random_token},
};
use serde::Serialize;

use super::{Faults, StandInSettings, random_uuid};

/// How many requests are remembered.
const REMEMBERED: usize = 200;

/// A token that was given out.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Whose.
    pub entity: String,
    /// For which application.
    pub client_id: String,
    /// In seconds.
    pub lifetime: u64,
    /// Since when.
    pub since: Moment,
}

/// A code that can be exchanged once.
#[derive(Debug, Clone)]
pub struct TransferCode {
    /// Whose identity it transfers.
    pub entity: String,
    /// For which application.
    pub client_id: String,
    /// The challenge, when one was sent.
    pub challenge: Option<CodeChallenge>,
    /// Since when.
    pub since: Moment,
}

/// A request as the state shows it: nothing secret.
#[derive(Debug, Clone, Serialize)]
pub struct SeenRequest {
    /// Milliseconds since 1970.
    pub at: u64,
    /// The path.
    pub path: String,
    /// The grant, when one was named.
    pub grant: Option<String>,
    /// The status of the answer; 0 when the connection was cut.
    pub status: u16,
}

/// Everything that changes.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Every customer.
    pub customers: HashSet<String>,
    /// The customers known by cookie, and their secrets.
    pub cookies: HashMap<String, String>,
    /// Every token that is not revoked.
    pub tokens: HashMap<String, Issued>,
    /// How many were given out.
    pub tokens_issued: u64,
    /// Every code that is not used.
    pub codes: HashMap<String, TransferCode>,
    /// What goes wrong.
    pub faults: Faults,
    /// The last requests.
    pub requests: VecDeque<SeenRequest>,
}

impl Ledger {
    /// A new customer.
    pub fn create_customer(&mut self) -> Result<String, NoRandomness> {
        let entity = random_uuid()?;
        self.customers.insert(entity.clone());
        Ok(entity)
    }

    /// A new token.
    pub fn issue(&mut self, issued: Issued) -> Result<String, NoRandomness> {
        let token = format!("stand-in:{}", random_token()?);
        self.tokens.insert(token.clone(), issued);
        self.tokens_issued += 1;
        Ok(token)
    }
}

/// The stand-in.
#[derive(Clone)]
pub struct StandIn {
    /// What it accepts.
    pub settings: Arc<StandInSettings>,
    ledger: Arc<Mutex<Ledger>>,
    clock: Clock,
}

impl StandIn {
    /// Knows nobody yet.
    pub fn new(settings: StandInSettings, clock: Clock) -> Self {
        Self { settings: Arc::new(settings), ledger: Arc::default(), clock }
    }

    /// What it remembers.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Remembers a request.
    pub fn saw(&self, path: &str, grant: Option<String>, status: u16) {
        let since = self.now().wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let mut ledger = self.ledger();
        if ledger.requests.len() == REMEMBERED {
            ledger.requests.pop_front();
        }
        ledger.requests.push_back(SeenRequest { at, path: path.to_owned(), grant, status });
    }

    /// The life that a token has left, in seconds; None when it is unknown or dead.
    pub fn alive(&self, ledger: &Ledger, token: &str) -> Option<(Issued, u64)> {
        let issued = ledger.tokens.get(token)?;
        let left = issued.lifetime.checked_sub(self.now().since(issued.since).as_secs()).filter(|left| *left > 0)?;
        Some((issued.clone(), left))
    }
}
