//! Which of several keys signs, and which are published, at a time: decided by the time at which each becomes active.

use std::sync::Arc;

use super::SigningKey;
use crate::metrics::KeyReadings;

/// No token may live longer, in seconds: a retired key is published until the last one that it may have signed is gone.
pub const LONGEST_TOKEN_LIFE: u64 = 86_400;
/// A retired key is published longer by this: clocks differ, and keys may become active a little later on one replica.
const RETIREMENT_SLACK: u64 = 3600;
/// Whoever fetches the published keys may keep them this long, in seconds.
pub const PUBLISHED_MAXIMUM_AGE: u64 = 300;
/// A new key is published this long before it signs, at least: every replica has read it by then, and whoever keeps
/// the published keys has fetched them again. In seconds.
pub const PUBLICATION_LEAD: u64 = 900;

/// What a key is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has activated it.
    Waiting,
    /// It signs from this time on.
    Next(u64),
    /// It signs.
    Active,
    /// It signs no more, and is published until this time.
    Retired(u64),
    /// No token that it signed is valid any more.
    Past,
}

/// The keys of a folder.
#[derive(Default)]
pub struct KeySet(Vec<Arc<SigningKey>>);

impl KeySet {
    /// How many keys do what, at a time in seconds since 1970.
    pub fn readings(&self, now: u64) -> KeyReadings {
        let states = self.states(now);
        let count = |is: fn(&State) -> bool| states.iter().filter(|(_, state)| is(state)).count() as u64;
        let since = self.active(now).and_then(|key| key.active_from());
        KeyReadings {
            active: count(|state| *state == State::Active),
            next: count(|state| matches!(state, State::Next(_))),
            retired: count(|state| matches!(state, State::Retired(_))),
            age: since.map_or(0, |since| now.saturating_sub(since)),
        }
    }

    /// Any keys, each once.
    pub fn new(mut keys: Vec<Arc<SigningKey>>) -> Self {
        // The one that became active last is the last; of two at the same time, every replica has to pick the same.
        keys.sort_by(|one, other| (one.active_from(), one.id()).cmp(&(other.active_from(), other.id())));
        Self(keys)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys and what each does at a time in seconds since 1970, the active one first, then by when they follow.
    pub fn states(&self, now: u64) -> Vec<(&Arc<SigningKey>, State)> {
        let active = self.0.iter().rposition(|key| key.active_from().is_some_and(|from| from <= now));
        let state = |position: usize, key: &SigningKey| match (key.active_from(), active) {
            (None, _) => State::Waiting,
            (Some(_), Some(active)) if position == active => State::Active,
            (Some(_), Some(active)) if position < active => {
                // Its successor is the next one that became active.
                let retired = self.0.get(position + 1).and_then(|next| next.active_from()).unwrap_or(now);
                let until = retired.saturating_add(LONGEST_TOKEN_LIFE + RETIREMENT_SLACK);
                if now < until { State::Retired(until) } else { State::Past }
            }
            (Some(from), _) => State::Next(from),
        };
        let mut states: Vec<_> = self.0.iter().enumerate().map(|(position, key)| (key, state(position, key))).collect();
        states.sort_by_key(|(_, state)| match state {
            State::Active => 0,
            State::Next(_) => 1,
            State::Waiting => 2,
            State::Retired(_) => 3,
            State::Past => 4,
        });
        states
    }

    /// The key that signs.
    pub fn active(&self, now: u64) -> Option<&Arc<SigningKey>> {
        self.0.iter().rfind(|key| key.active_from().is_some_and(|from| from <= now))
    }

    /// The keys that whoever checks tokens has to know.
    pub fn published(&self, now: u64) -> Vec<(&Arc<SigningKey>, State)> {
        self.states(now).into_iter().filter(|(_, state)| *state != State::Past).collect()
    }

    /// The key whose id is this or begins with it.
    pub fn find(&self, id: &str) -> Option<&Arc<SigningKey>> {
        let mut found = self.0.iter().filter(|key| key.id().starts_with(id));
        found.next().filter(|_| !id.is_empty() && found.next().is_none())
    }
}
