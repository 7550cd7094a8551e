//! When a lease is over: decided by no clock that somebody can set. Of two replicas neither must think so too early, or a customer is
//! created twice.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use moka::sync::Cache;

/// How far an answer of the database's clock may be from what is expected, before the clock is thought to have been set.
const TOLERANCE: Duration = Duration::from_secs(1);
/// How many leases are watched: those of other processes.
const WATCHED: u64 = 10_000;

/// A lease that somebody has.
pub(super) struct RunningLease {
    /// Which one it is.
    pub(super) lease: String,
    /// For how long it was taken, in milliseconds; older versions did not say.
    pub(super) duration: Option<i64>,
    /// When it ends by the database's clock, in milliseconds since 1970.
    pub(super) expires_at: i64,
}

/// What the database's clock said, and between which moments of this process's own, which nobody can set.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClockAnswer {
    pub(super) asked: Instant,
    pub(super) answered: Instant,
    /// In milliseconds since 1970.
    pub(super) told: i64,
}

impl ClockAnswer {
    /// Whether both clocks went on alike from an earlier answer to this one.
    fn follows(self, earlier: Self) -> bool {
        let passed = self.told.saturating_sub(earlier.told);
        let tolerance = milliseconds(TOLERANCE);
        let least = milliseconds(self.asked.saturating_duration_since(earlier.answered)) - tolerance;
        let most = milliseconds(self.answered.saturating_duration_since(earlier.asked)) + tolerance;
        (least..=most).contains(&passed)
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn duration(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}

/// What a process knows of the leases of others.
#[derive(Debug)]
pub(super) struct Leases {
    /// When each was first seen.
    seen: Cache<String, Instant>,
    /// The last answer of the database's clock, and since when nobody has set it.
    clock: Mutex<Option<(ClockAnswer, Instant)>>,
}

impl Default for Leases {
    fn default() -> Self {
        Self { seen: Cache::new(WATCHED), clock: Mutex::default() }
    }
}

impl Leases {
    /// Notes what the database's clock says; answers since when nobody has set it, as far as is known.
    pub(super) fn note(&self, answer: ClockAnswer) -> Instant {
        let mut clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let since = match *clock {
            Some((earlier, since)) if answer.follows(earlier) => since,
            _ => answer.asked,
        };
        *clock = Some((answer, since));
        since
    }

    /// How long the lease still runs. The database's clock is believed when nobody has set it for as long as the lease runs in all; else
    /// the lease is over when this process has seen it for so long.
    pub(super) fn remaining(&self, running: &RunningLease, answer: ClockAnswer) -> Duration {
        let since = self.note(answer);
        let by_clock = duration(running.expires_at.saturating_sub(answer.told));
        let Some(whole) = running.duration.map(duration) else { return by_clock };
        let seen = self.seen.get_with_by_ref(&running.lease, || answer.asked);
        let by_watching = whole.saturating_sub(answer.asked.saturating_duration_since(seen));
        let is_steady = answer.asked.saturating_duration_since(since) >= whole;
        if is_steady { by_clock.min(by_watching) } else { by_watching }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(70);
    /// When the tests begin, by the database's clock.
    const TOLD: i64 = 1_700_000_000_000;

    /// The database's clock, so many seconds after the beginning, when it was set by so many.
    fn answer(began: Instant, seconds: u64, set: i64) -> ClockAnswer {
        let asked = began + Duration::from_secs(seconds);
        ClockAnswer { asked, answered: asked, told: TOLD + 1000 * (i64::try_from(seconds).unwrap() + set) }
    }

    fn taken_after(seconds: i64) -> RunningLease {
        let expires_at = TOLD + 1000 * seconds + milliseconds(LEASE);
        RunningLease { lease: "lease".to_owned(), duration: Some(milliseconds(LEASE)), expires_at }
    }

    #[test]
    fn a_clock_that_nobody_sets_is_believed() {
        let (leases, began) = (Leases::default(), Instant::now());
        leases.note(answer(began, 0, 0));
        // Long dead when it is first seen: nobody has to wait.
        assert_eq!(leases.remaining(&taken_after(10), answer(began, 90, 0)), Duration::ZERO);
        let other = RunningLease { lease: "other".to_owned(), ..taken_after(60) };
        assert_eq!(leases.remaining(&other, answer(began, 90, 0)), Duration::from_secs(40));
    }

    #[test]
    fn a_clock_that_is_set_ends_no_lease_early_and_keeps_none_for_longer() {
        for set in [-86_400, -3600, -60, -2, 2, 60, 3600, 86_400] {
            let (leases, began) = (Leases::default(), Instant::now());
            leases.note(answer(began, 0, 0));
            assert_eq!(leases.remaining(&taken_after(100), answer(began, 100, 0)), LEASE, "{set}");
            for (seconds, left) in [(101, 69), (130, 40), (169, 1), (170, 0), (200, 0)] {
                let remaining = leases.remaining(&taken_after(100), answer(began, seconds, set));
                assert_eq!(remaining, Duration::from_secs(left), "{set} {seconds}");
            }
        }
    }

    #[test]
    fn who_has_not_watched_the_clock_watches_the_lease() {
        let (leases, began) = (Leases::default(), Instant::now());
        assert_eq!(leases.remaining(&taken_after(-1000), answer(began, 0, 0)), LEASE);
        assert_eq!(leases.remaining(&taken_after(-1000), answer(began, 69, 0)), Duration::from_secs(1));
        assert_eq!(leases.remaining(&taken_after(-1000), answer(began, 70, 0)), Duration::ZERO);
    }

    #[test]
    fn of_a_lease_that_does_not_say_how_long_it_runs_the_clock_tells() {
        let (leases, began) = (Leases::default(), Instant::now());
        let old = |seconds| RunningLease { duration: None, ..taken_after(seconds) };
        assert_eq!(leases.remaining(&old(-71), answer(began, 0, 0)), Duration::ZERO);
        assert_eq!(leases.remaining(&old(0), answer(began, 0, 0)), LEASE);
    }
}
