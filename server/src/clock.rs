//! The time, for everything that measures a token's life. Tests set their own.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A moment on both clocks: the monotonic one cannot be set back, the wall clock goes on while the machine sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The monotonic clock.
    pub monotonic: Instant,
    /// The wall clock.
    pub wall: SystemTime,
}

impl Moment {
    /// How long ago `earlier` was, by the clock that says longer: it is safer to think a token too old than too young.
    pub fn since(self, earlier: Self) -> Duration {
        let wall = self.wall.duration_since(earlier.wall).unwrap_or_default();
        self.monotonic.saturating_duration_since(earlier.monotonic).max(wall)
    }
}

/// Seconds since 1970, as they stand in tokens.
pub fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Milliseconds since 1970, as they stand in the database.
pub fn milliseconds(time: SystemTime) -> i64 {
    i64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

/// Something that is to be done from time to time, on the occasion of a request.
#[derive(Debug)]
pub struct OnceInAWhile {
    interval: Duration,
    last: Mutex<Option<Instant>>,
}

impl OnceInAWhile {
    /// Due at the first occasion, and then not before the interval has passed.
    pub fn new(interval: Duration) -> Self {
        Self { interval, last: Mutex::new(None) }
    }

    /// Whether it is due; if so, the caller is to do it.
    pub fn is_due(&self, now: Moment) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| now.monotonic.saturating_duration_since(last) < self.interval) {
            return false;
        }
        *last = Some(now.monotonic);
        true
    }
}

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Moment + Send + Sync>);

impl Clock {
    /// The machine's clocks.
    pub fn system() -> Self {
        Self::new(|| Moment { monotonic: Instant::now(), wall: SystemTime::now() })
    }

    /// A clock that says whatever the function says.
    pub fn new(now: impl Fn() -> Moment + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now.
    pub fn now(&self) -> Moment {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_of_both_clocks_counts() {
        let start = Clock::system().now();
        let slept = Moment { monotonic: start.monotonic, wall: start.wall + Duration::from_secs(60) };
        assert_eq!(slept.since(start), Duration::from_secs(60));
        let set_back = Moment {
            monotonic: start.monotonic + Duration::from_secs(5),
            wall: start.wall - Duration::from_secs(3600),
        };
        assert_eq!(set_back.since(start), Duration::from_secs(5));
    }
}
