//! How long a token may be used, by two clocks.

/// How far in the future a token may seem to have been created: clocks are adjusted by small steps all the time. Milliseconds.
pub const CREATION_TOLERANCE: i64 = 5_000;

/// A lifetime over a year is nonsense (seconds taken for milliseconds twice, or "for ever"). Milliseconds.
pub const LONGEST_LIFETIME: i64 = 365 * 24 * 60 * 60 * 1_000;

/// The margin that is kept unless one is set: 30 s, or a tenth of the lifetime if that is less. Milliseconds.
const LARGEST_MARGIN: i64 = 30_000;

/// One reading of both clocks, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock, since 1970. It can jump, in both directions.
    pub wall: i64,
    /// The monotonic clock, since any start. It never goes back, but may stand still while the machine sleeps.
    pub monotonic: i64,
}

/// When a token was created and how long it lives from then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// By the wall clock, milliseconds since 1970.
    pub created: i64,
    /// Milliseconds; more than none and at most a year.
    pub expires_in: i64,
    /// `created` by the monotonic clock; only known for a token that this page fetched.
    pub created_monotonic: Option<i64>,
}

impl Lifetime {
    /// Whether milliseconds are a lifetime at all: more than none, at most a year.
    ///
    /// ```
    /// use custom_identity_provider::core::{LONGEST_LIFETIME, Lifetime};
    ///
    /// assert!(Lifetime::is_sane(60_000));
    /// assert!(!Lifetime::is_sane(0) && !Lifetime::is_sane(LONGEST_LIFETIME + 1));
    /// ```
    pub fn is_sane(expires_in: i64) -> bool {
        expires_in > 0 && expires_in <= LONGEST_LIFETIME
    }

    /// How long before its end this lifetime counts as over.
    ///
    /// ```
    /// use custom_identity_provider::core::Lifetime;
    ///
    /// let of = |expires_in| Lifetime { created: 0, expires_in, created_monotonic: None };
    /// assert_eq!(of(60_000).margin(None), 6_000);
    /// assert_eq!(of(3_600_000).margin(None), 30_000);
    /// assert_eq!(of(3_600_000).margin(Some(0)), 0);
    /// ```
    pub fn margin(&self, set: Option<i64>) -> i64 {
        set.unwrap_or_else(|| LARGEST_MARGIN.min(self.expires_in / 10))
    }

    /// Milliseconds until the token counts as expired; none or less: it is not usable.
    ///
    /// ```
    /// use custom_identity_provider::core::{Lifetime, Moment};
    ///
    /// let sent = Moment { wall: 1_000_000, monotonic: 0 };
    /// let hour = Lifetime::since_sent(sent, 3_600_000);
    /// // The wall clock was set back an hour; by the monotonic one ten minutes have passed.
    /// let now = Moment { wall: sent.wall - 3_000_000, monotonic: 600_000 };
    /// assert_eq!(hour.remaining(now, Some(0)), 0);
    /// let now = Moment { wall: sent.wall + 600_000, monotonic: 600_000 };
    /// assert_eq!(hour.remaining(now, Some(0)), 3_000_000);
    /// ```
    pub fn remaining(&self, now: Moment, margin: Option<i64>) -> i64 {
        if !Self::is_sane(self.expires_in) || now.wall.saturating_add(CREATION_TOLERANCE) < self.created {
            return 0;
        }
        let length = self.expires_in.saturating_sub(self.margin(margin));
        let by_wall = self.created.saturating_add(length).saturating_sub(now.wall);
        match self.created_monotonic {
            Some(created) => by_wall.min(created.saturating_add(length).saturating_sub(now.monotonic)),
            None => by_wall,
        }
    }

    /// Present and not expired, by both clocks.
    pub fn is_usable(&self, now: Moment, margin: Option<i64>) -> bool {
        self.remaining(now, margin) > 0
    }

    /// A lifetime that begins when its request was sent, by both clocks.
    pub fn since_sent(sent: Moment, expires_in: i64) -> Self {
        Self { created: sent.wall, expires_in, created_monotonic: Some(sent.monotonic) }
    }

    /// The lifetime of a token whose maker says when it was created; the flag tells that its clock disagrees with this one.
    ///
    /// A creation before the request was sent is believed (the maker had the token in hand already). One after it is not, and neither
    /// is one so long ago that a token just received would be over: that is a skewed clock, not a reason to ask again. One that has
    /// less life left than the margin is not over: it is handed out, and the next call asks for another.
    ///
    /// ```
    /// use custom_identity_provider::core::{Lifetime, Moment};
    ///
    /// let sent = Moment { wall: 1_000_000_000, monotonic: 50_000 };
    /// let now = Moment { wall: 1_000_000_200, monotonic: 50_200 };
    /// // The source had it in hand for a minute.
    /// let (lifetime, is_skewed) = Lifetime::since_creation(sent.wall - 60_000, 3_600_000, sent, now);
    /// assert_eq!((lifetime.created, is_skewed), (sent.wall - 60_000, false));
    /// // Its maker's clock is two hours slow.
    /// let (lifetime, is_skewed) = Lifetime::since_creation(sent.wall - 7_200_000, 3_600_000, sent, now);
    /// assert_eq!((lifetime.created, is_skewed), (sent.wall, true));
    /// ```
    pub fn since_creation(created: i64, expires_in: i64, sent: Moment, now: Moment) -> (Self, bool) {
        let age = sent.wall.saturating_sub(created).max(0);
        let stated = Self {
            created: sent.wall.saturating_sub(age),
            expires_in,
            created_monotonic: Some(sent.monotonic.saturating_sub(age)),
        };
        let from_the_future = created > now.wall.saturating_add(CREATION_TOLERANCE);
        if from_the_future || !stated.is_usable(now, Some(0)) {
            return (Self::since_sent(sent, expires_in), true);
        }
        (stated, false)
    }
}
