//! When a failed request is tried again, and how long the session stays away from a source that keeps failing.

use super::failure::{ErrorCode, Failure};
use super::lifetime::Moment;

/// The shortest pause between two attempts. Milliseconds.
pub const BACKOFF_FLOOR: i64 = 100;
/// The longest pause after the first attempt; it doubles with each further one. Milliseconds.
pub const BACKOFF_FIRST: i64 = 500;
/// The longest pause there is, but for a longer Retry-After. Milliseconds.
pub const BACKOFF_CEILING: i64 = 8_000;
/// The cool-down after a first failure; it doubles with each further one. Milliseconds.
pub const COOL_DOWN_FIRST: i64 = 2_000;
/// The longest cool-down there is, but for a longer Retry-After. Milliseconds.
pub const COOL_DOWN_CEILING: i64 = 60_000;

/// The longest that a Retry-After is obeyed: one without bounds would close a page's chat for as long as the page is open. Milliseconds.
pub const LONGEST_RETRY_AFTER: i64 = 3_600_000;
/// How many refusals in a row, because nobody is signed in, are not followed by a pause: a person who signs in is served at once.
pub const FREE_REFUSALS: u32 = 3;
/// The pause after each further one, so that a widget that asks without end asks at a bounded rate. Milliseconds.
pub const REFUSAL_PAUSE: i64 = 1_000;

/// The longest pause after this attempt (the first is 1), before what Retry-After adds.
///
/// ```
/// use custom_identity_provider::core::backoff_ceiling;
///
/// assert_eq!([1, 2, 3, 9].map(backoff_ceiling), [500, 1_000, 2_000, 8_000]);
/// ```
pub fn backoff_ceiling(attempt: u32) -> i64 {
    doubled(BACKOFF_FIRST, attempt, BACKOFF_CEILING)
}

/// The cool-down after this many failures in a row.
///
/// ```
/// use custom_identity_provider::core::cool_down_length;
///
/// assert_eq!([1, 2, 3, 9].map(cool_down_length), [2_000, 4_000, 8_000, 60_000]);
/// ```
pub fn cool_down_length(failures: u32) -> i64 {
    doubled(COOL_DOWN_FIRST, failures, COOL_DOWN_CEILING)
}

/// `first` doubled for each count after the first, up to a ceiling.
fn doubled(first: i64, count: u32, ceiling: i64) -> i64 {
    first.saturating_mul(1_i64 << count.saturating_sub(1).min(32)).min(ceiling)
}

/// Pseudo-random numbers for jitter (xorshift32): spreading retries needs no secrecy.
#[derive(Debug)]
pub(super) struct Jitter(u32);

impl Jitter {
    pub(super) fn new(seed: u32) -> Self {
        Self(seed.max(1))
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        low.saturating_add(i64::from(self.0) % high.saturating_sub(low).saturating_add(1).max(1))
    }
}

/// The pause before the next attempt: exponential with full jitter, after what Retry-After asked for.
pub(super) fn pause(jitter: &mut Jitter, attempt: u32, retry_after: Option<i64>) -> i64 {
    asked_pause(retry_after).unwrap_or(0).saturating_add(jitter.between(BACKOFF_FLOOR, backoff_ceiling(attempt)))
}

/// What a Retry-After asks for, as far as it is obeyed.
pub(super) fn asked_pause(retry_after: Option<i64>) -> Option<i64> {
    retry_after.map(|retry_after| retry_after.clamp(0, LONGEST_RETRY_AFTER))
}

/// Keeps away from a source that failed for good, longer with each failure in a row.
#[derive(Debug, Default)]
pub(super) struct CoolDown {
    failures: u32,
    /// When the latest failure was counted, by the monotonic clock.
    counted: Option<i64>,
    /// How many times in a row the source said that nobody is signed in.
    refusals: u32,
    /// By the monotonic clock.
    until: Option<i64>,
    /// What the source itself asked for by Retry-After; a returning network does not shorten it.
    at_least_until: Option<i64>,
    /// What a call in the cool-down has to hear again: an exception at which LiveChat's own clients stop, for they would come back for ever
    /// without it; or that nobody is signed in.
    repeated: Option<Failure>,
}

impl CoolDown {
    /// A request that began at `begun` was given up.
    pub(super) fn failed(&mut self, now: Moment, begun: Moment, failure: &Failure) {
        if failure.code == ErrorCode::NotSignedIn {
            self.refusals = self.refusals.saturating_add(1);
            if self.refusals > FREE_REFUSALS {
                self.until = self.until.max(Some(now.monotonic.saturating_add(REFUSAL_PAUSE)));
                self.repeated = Some(failure.clone());
            }
            return;
        }
        // Requests that ran side by side fail side by side: that is one failure of the source.
        if self.counted.is_none_or(|counted| begun.monotonic >= counted) {
            self.failures = self.failures.saturating_add(1);
            self.counted = Some(now.monotonic);
        }
        let asked = asked_pause(failure.retry_after).map(|pause| now.monotonic.saturating_add(pause));
        let own = now.monotonic.saturating_add(cool_down_length(self.failures));
        // Requests can overlap: what one was asked to wait for is not cut short by how another fails.
        self.at_least_until = self.at_least_until.max(asked);
        self.until = self.until.max(Some(own)).max(asked);
        let is_exception = matches!(failure.code, ErrorCode::SsoIdentityException | ErrorCode::SsoOauthException);
        self.repeated = is_exception.then(|| failure.clone());
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    pub(super) fn went_online(&mut self) {
        self.until = self.at_least_until;
    }

    /// What a call in the cool-down is refused with.
    pub(super) fn refusal(&self, remaining: i64) -> Failure {
        match &self.repeated {
            Some(failure) => Failure { retry_after: Some(remaining), ..failure.clone() },
            None => Failure::cooling_down(remaining),
        }
    }

    /// Milliseconds until the next request may begin, if there is a wait.
    pub(super) fn remaining(&self, now: Moment) -> Option<i64> {
        self.until.map(|until| until.saturating_sub(now.monotonic)).filter(|remaining| *remaining > 0)
    }
}
