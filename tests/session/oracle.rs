//! What the rules say, written down without looking at how the session does it.
//!
//! The oracle keeps no state machine: it keeps what happened, and derives from that history what must be true now. Where the
//! rules leave room (jitter), it takes what the session chose, and checks that it may.

use custom_identity_provider::core::{
    BACKOFF_FLOOR, COOL_DOWN_CEILING, COOL_DOWN_FIRST, Cache, Code, Moment, Policy, Reason, backoff_ceiling,
};

/// How an attempt or a request ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A request began.
    Began {
        request: u32,
        reason: Reason,
        policy: Policy,
    },
    /// A caller waits for a request.
    Joined {
        request: u32,
    },
    /// A caller left a request.
    Left {
        request: u32,
    },
    /// An attempt of a request was sent.
    Sent {
        request: u32,
        attempt: u32,
    },
    /// An attempt failed, and the next one comes after a pause.
    Paused {
        request: u32,
        until: i64,
        at_least_until: i64,
        code: Code,
        retry_after: Option<i64>,
    },
    /// The request brought a token.
    Succeeded {
        request: u32,
        token: Token,
    },
    /// The request was given up.
    GaveUp {
        request: u32,
        demanded: bool,
        retry_after: Option<i64>,
    },
    /// The request was aborted.
    Aborted {
        request: u32,
    },
    /// The network is back.
    Online,
    /// The page says that somebody just signed in.
    SignedIn,
    Invalidated,
    SignedOut,
    Became,
    /// A new page found a usable token in storage.
    Restored {
        token: Token,
    },
    /// A new page found a token in storage whose life was over.
    FoundExpired {
        token: Token,
    },
    /// A token's life was over when somebody looked.
    Expired,
}

/// A token as the test made it: told apart by its number.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub number: u32,
    /// The person who was signed in when its request began, and the epoch.
    pub person: u8,
    pub epoch: usize,
    pub created: Moment,
    pub lifetime: i64,
    /// When a JWT was issued, by its signer's clock.
    pub issued: i64,
    /// Whether this page fetched it, and so knows its creation by the monotonic clock.
    pub is_own: bool,
}

impl Token {
    /// Milliseconds until it counts as expired (rule 10).
    pub fn remaining(&self, now: Moment, margin: Option<i64>) -> i64 {
        if self.created.wall > now.wall + 5_000 {
            return 0;
        }
        let life = self.lifetime - margin.unwrap_or((self.lifetime / 10).min(30_000));
        let by_wall = self.created.wall + life - now.wall;
        let by_monotonic = self.created.monotonic + life - now.monotonic;
        if self.is_own { by_wall.min(by_monotonic) } else { by_wall }
    }
}

pub struct Oracle {
    pub cache: Cache,
    pub single_use: bool,
    pub history: Vec<(Moment, Fact)>,
}

impl Oracle {
    pub fn new(cache: Cache, single_use: bool) -> Self {
        Self { cache, single_use, history: Vec::new() }
    }

    pub fn note(&mut self, now: Moment, fact: Fact) {
        self.history.push((now, fact));
    }

    /// Where the present epoch began in history: after the latest invalidate, sign-out or change of person.
    pub fn epoch(&self) -> usize {
        self.history
            .iter()
            .rposition(|(_, fact)| matches!(fact, Fact::Invalidated | Fact::SignedOut | Fact::Became))
            .map_or(0, |position| position + 1)
    }

    pub fn began(&self, request: u32) -> usize {
        let is_it = |fact: &Fact| matches!(fact, Fact::Began { request: began, .. } if *began == request);
        self.history.iter().position(|(_, fact)| is_it(fact)).expect("the request never began")
    }

    pub fn policy(&self, request: u32) -> (Moment, Policy) {
        match &self.history[self.began(request)] {
            (moment, Fact::Began { policy, .. }) => (*moment, *policy),
            _ => unreachable!(),
        }
    }

    fn has_ended(&self, request: u32) -> bool {
        self.history.iter().any(|(_, fact)| match fact {
            Fact::Succeeded { request: ended, .. }
            | Fact::GaveUp { request: ended, .. }
            | Fact::Aborted { request: ended } => *ended == request,
            _ => false,
        })
    }

    /// Every request that runs, of any epoch, in the order in which they began.
    pub fn running(&self) -> Vec<u32> {
        self.history
            .iter()
            .filter_map(|(_, fact)| match fact {
                Fact::Began { request, .. } if !self.has_ended(*request) => Some(*request),
                _ => None,
            })
            .collect()
    }

    pub fn waiters(&self, request: u32) -> usize {
        let count = |is: fn(&Fact, u32) -> bool| self.history.iter().filter(|(_, fact)| is(fact, request)).count();
        count(|fact, request| matches!(fact, Fact::Joined { request: joined } if *joined == request))
            - count(|fact, request| matches!(fact, Fact::Left { request: left } if *left == request))
    }

    /// What this person was given, or found in storage, the latest first.
    pub fn given(&self) -> impl Iterator<Item = &Token> {
        let since =
            self.history.iter().rposition(|(_, fact)| matches!(fact, Fact::SignedOut | Fact::Became)).unwrap_or(0);
        self.history[since..].iter().rev().filter_map(|(_, fact)| match fact {
            Fact::Succeeded { token, .. } | Fact::Restored { token } | Fact::FoundExpired { token } => Some(token),
            _ => None,
        })
    }

    /// A JWT that just came, as far as it may live (rule 10): one of the latest 16 goes on from when it was first here. None when that
    /// life is over.
    pub fn allowed(&self, now: Moment, token: &Token) -> Option<Token> {
        let mut recognised: Vec<&Token> = Vec::new();
        for given in self.given() {
            if recognised.len() < 16 && recognised.iter().all(|known| known.number != given.number) {
                recognised.push(given);
            }
        }
        let mut allowed = token.clone();
        if let Some(first) = recognised.into_iter().find(|known| known.number == token.number) {
            allowed.created.wall = allowed.created.wall.min(first.created.wall);
            if first.is_own {
                allowed.created.monotonic = allowed.created.monotonic.min(first.created.monotonic);
            }
            return Some(allowed).filter(|allowed| allowed.remaining(now, Some(0)) > 0);
        }
        Some(allowed)
    }

    /// The failure that a pausing request had last, and what it asked for.
    pub fn last_failure(&self, request: u32) -> (Code, Option<i64>) {
        let found = self.history.iter().rev().find_map(|(_, fact)| match fact {
            Fact::Paused { request: paused, code, retry_after, .. } if *paused == request => {
                Some((*code, *retry_after))
            }
            _ => None,
        });
        found.expect("the request never paused")
    }

    /// The request of this epoch that a call joins; `demanded` asks only for one that somebody waits for.
    pub fn joinable(&self, demanded: bool) -> Option<u32> {
        if self.single_use {
            return None;
        }
        let epoch = self.epoch();
        self.running()
            .into_iter()
            .rfind(|request| self.began(*request) >= epoch && (!demanded || self.waiters(*request) > 0))
    }

    /// The token in hand: the latest of this epoch that may be cached and was not found expired.
    pub fn held(&self) -> Option<&Token> {
        if self.cache == Cache::None || self.single_use {
            return None;
        }
        let epoch = self.epoch();
        self.history[epoch..].iter().rev().find_map(|(_, fact)| match fact {
            Fact::Expired => Some(None),
            Fact::Restored { token } => Some(Some(token)),
            Fact::Succeeded { request, token } if self.began(*request) >= epoch => Some(Some(token)),
            _ => None,
        })?
    }

    pub fn usable(&self, now: Moment, policy: &Policy) -> Option<&Token> {
        self.held().filter(|token| token.remaining(now, policy.margin) > 0)
    }

    /// Milliseconds until a request may begin (rule 13).
    pub fn cool_down(&self, now: Moment, background: bool) -> Option<i64> {
        let fresh_start = self
            .history
            .iter()
            .rposition(|(_, fact)| match fact {
                Fact::Succeeded { .. } | Fact::SignedOut | Fact::Became => true,
                Fact::SignedIn => !background,
                _ => false,
            })
            .map_or(0, |position| position + 1);
        let mut failures = 0;
        let mut end = None;
        for (moment, fact) in &self.history[fresh_start..] {
            match fact {
                Fact::GaveUp { demanded, retry_after, .. } if *demanded != background => {
                    failures += 1;
                    let own = (COOL_DOWN_FIRST << (failures - 1).min(20)).min(COOL_DOWN_CEILING);
                    let asked = retry_after.map(|retry_after| moment.monotonic + retry_after);
                    // Requests can overlap, when one is of an older epoch: neither failure shortens the other's cool-down.
                    let (earlier, earlier_asked) = end.unwrap_or((i64::MIN, None));
                    let asked: Option<i64> = earlier_asked.max(asked);
                    end = Some((earlier.max(asked.unwrap_or(i64::MIN)).max(moment.monotonic + own), asked));
                }
                Fact::Online => end = end.and_then(|(_, asked)| asked.map(|asked| (asked, Some(asked)))),
                _ => {}
            }
        }
        end.map(|(end, _)| end - now.monotonic).filter(|remaining| *remaining > 0)
    }

    /// Whether a call that finds this token in the cache begins a refresh ahead (rule 11).
    pub fn refreshes_ahead(&self, now: Moment, policy: &Policy, token: &Token) -> bool {
        let epoch = self.epoch();
        let usable_life = token.lifetime - policy.margin.unwrap_or((token.lifetime / 10).min(30_000));
        policy.refresh_ahead > 0
            && token.remaining(now, policy.margin) <= policy.refresh_ahead.min(usable_life / 2)
            && !self.running().iter().any(|request| self.began(*request) >= epoch)
            && self.cool_down(now, false).is_none()
            && self.cool_down(now, true).is_none()
    }

    /// The latest attempt of a request: its number and when it was sent; none while the request pauses.
    pub fn attempt(&self, request: u32) -> Option<(u32, Moment)> {
        self.history.iter().rev().find_map(|(moment, fact)| match fact {
            Fact::Sent { request: sent, attempt } if *sent == request => Some(Some((*attempt, *moment))),
            Fact::Paused { request: paused, .. } if *paused == request => Some(None),
            _ => None,
        })?
    }

    /// When a request's pause ends, if it pauses; a returning network ends it, but for what the source asked for.
    pub fn pause_end(&self, request: u32) -> Option<i64> {
        let mut end = None;
        for (_, fact) in &self.history {
            match fact {
                Fact::Sent { request: sent, .. } if *sent == request => end = None,
                Fact::Paused { request: paused, until, at_least_until, .. } if *paused == request => {
                    end = Some((*until, *at_least_until));
                }
                Fact::Online => end = end.map(|(_, at_least_until)| (at_least_until, at_least_until)),
                _ => {}
            }
        }
        end.map(|(until, _)| until)
    }

    /// When the running attempt of a request is over.
    pub fn deadline(&self, request: u32) -> Option<i64> {
        let (_, sent) = self.attempt(request)?;
        let (begun, policy) = self.policy(request);
        Some((sent.monotonic + policy.timeout).min(begun.monotonic + policy.timeout.max(policy.patience)))
    }

    /// When something happens by itself next.
    pub fn next_wake(&self) -> Option<i64> {
        self.running().into_iter().filter_map(|request| self.deadline(request).or(self.pause_end(request))).min()
    }

    /// Whether a failed attempt must, may or must not be tried again.
    pub fn retry(&self, request: u32, now: Moment, retryable: bool, retry_after: Option<i64>) -> (bool, bool) {
        let (begun, policy) = self.policy(request);
        let attempt = self.attempt(request).map_or(1, |(attempt, _)| attempt);
        let end = begun.monotonic + policy.patience;
        let base = now.monotonic + retry_after.unwrap_or(0);
        let may = retryable && base + BACKOFF_FLOOR < end;
        let must = retryable && base + backoff_ceiling(attempt) < end;
        (must, may)
    }
}
