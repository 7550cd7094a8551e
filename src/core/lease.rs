//! When an answer may be given again without asking the core: a burst of calls shares one look at what is stored in the browser.

use super::lifetime::Moment;

/// How many calls in a row, each answered from the cache and none more than a millisecond after the one before, are a burst. Fewer are worth no
/// lease, and are answered by all the rules.
pub const BURST: u32 = 8;

/// How long an answer is lent. Reading the mark of a sign-out costs several times as much as everything else that an answer from the cache
/// needs, and no event tells a page of what it clears itself; so nobody goes longer than this without looking. Milliseconds.
pub const LEASE: i64 = 1;

/// How much later than the end of a lease the timer that ends it may come, where the wall clock does not: for so long the answer must stay
/// right by both clocks. Milliseconds.
pub const LATEST_TIMER: i64 = 1_000;

/// From when until when, by the wall clock, an answer may be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The first millisecond.
    pub from: i64,
    /// The first that is too late.
    pub until: i64,
}

/// How calls follow each other.
///
/// ```
/// use custom_identity_provider::core::{BURST, Burst, Moment};
///
/// let mut burst = Burst::default();
/// let at = |wall| Moment { wall, monotonic: 0 };
/// (1..BURST).for_each(|call| assert!(!burst.goes_on(at(1_000)), "{call} calls"));
/// assert!(burst.goes_on(at(1_001)));
/// // A pause, or a clock that was set back, ends it.
/// assert!(!burst.goes_on(at(1_003)));
/// ```
#[derive(Debug, Default)]
pub struct Burst {
    latest: i64,
    calls: u32,
}

impl Burst {
    /// One call more; whether it is one of a burst.
    pub fn goes_on(&mut self, now: Moment) -> bool {
        let since = now.wall.saturating_sub(self.latest);
        self.latest = now.wall;
        self.calls = if since == 0 || since == LEASE { self.calls.saturating_add(1) } else { 1 };
        self.calls >= BURST
    }
}
