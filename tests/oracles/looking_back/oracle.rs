//! What the rules say, written down without looking at how the session does it.
//!
//! The oracle keeps no state machine: it keeps what happened, and derives from that history what must be true now. Where the
//! rules leave room (jitter), it takes what the session chose, and checks that it may.

use custom_identity_provider::core::{
    BACKOFF_FLOOR, COOL_DOWN_CEILING, COOL_DOWN_FIRST, Cache, ErrorCode, Moment, Policy, Reason, backoff_ceiling,
};

/// How an attempt or a request ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A request began.
    Began {
        request: u32,
        reason: Reason,
        policy: Policy,
        handle: u32,
    },
    /// A call of a handle waits for a request.
    Joined {
        request: u32,
        handle: u32,
    },
    /// A call of a handle left a request.
    Left {
        request: u32,
        handle: u32,
    },
    /// A handle was refused the answer of a request, whatever others get.
    Refused {
        request: u32,
        handle: u32,
    },
    /// Somebody came where nobody was, and the request goes on for them.
    CarriedOver {
        request: u32,
    },
    /// A request that was carried over was answered by the record.
    Served {
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
        code: ErrorCode,
        retry_after: Option<i64>,
    },
    /// The request brought a token.
    Succeeded {
        request: u32,
        token: Token,
        is_cached: bool,
    },
    /// The request was given up.
    GaveUp {
        request: u32,
        demanded: bool,
        code: ErrorCode,
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
    /// Somebody may have left without a word.
    MayHaveLeft,
    SignedOut,
    /// The page said for the first time who is signed in; 0 is nobody.
    Named {
        person: u8,
    },
    /// Nobody was signed in, and somebody is.
    CameIn {
        person: u8,
    },
    /// Somebody was signed in, and somebody else is, or nobody.
    Became {
        person: u8,
    },
    /// A record of somebody's was found while nobody was signed in.
    LaidAside,
    /// Nobody came for it.
    Cleared,
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
    /// The person for whom its source was asked.
    pub person: u8,
    pub created: Moment,
    pub lifetime: i64,
    /// Whom the widget takes the customer for.
    pub entity: u32,
    /// When a JWT was issued, by its signer's clock.
    pub issued: i64,
    /// Whether this page fetched it, and so knows its creation by the monotonic clock.
    pub is_own: bool,
}

impl Token {
    pub fn margin(&self, set: Option<i64>) -> i64 {
        set.unwrap_or((self.lifetime / 10).min(30_000))
    }

    /// A handle's margin never makes a record void for others who would keep the usual one.
    pub fn least_margin(&self, policy: &Policy) -> i64 {
        self.margin(policy.margin).min(self.margin(None))
    }

    /// Milliseconds until it counts as expired (rule 10).
    pub fn remaining(&self, now: Moment, margin: Option<i64>) -> i64 {
        if self.created.wall > now.wall + 5_000 {
            return 0;
        }
        let life = self.lifetime - self.margin(margin);
        let by_wall = self.created.wall + life - now.wall;
        let by_monotonic = self.created.monotonic + life - now.monotonic;
        if self.is_own { by_wall.min(by_monotonic) } else { by_wall }
    }
}

/// What a Retry-After asks for, as far as it is obeyed: an hour at most.
pub fn asked(retry_after: Option<i64>) -> Option<i64> {
    retry_after.map(|asked| asked.min(3_600_000))
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

    /// Who is signed in, as far as the session was told.
    pub fn who(&self) -> Option<u8> {
        self.history.iter().rev().find_map(|(_, fact)| match fact {
            Fact::Named { person } | Fact::CameIn { person } | Fact::Became { person } => Some(*person),
            _ => None,
        })
    }

    fn ends_an_epoch(fact: &Fact) -> bool {
        matches!(
            fact,
            Fact::Invalidated | Fact::MayHaveLeft | Fact::SignedOut | Fact::CameIn { .. } | Fact::Became { .. }
        )
    }

    /// Whether nothing of before is left: no token, no failure, no cool-down.
    fn ends_a_person(fact: &Fact) -> bool {
        matches!(fact, Fact::SignedOut | Fact::CameIn { .. } | Fact::Became { .. })
    }

    /// Until when a record is laid aside, if one is: 10 s, and nothing happened that ends it.
    pub fn laid_aside_until(&self) -> Option<i64> {
        let position = self.history.iter().rposition(|(_, fact)| *fact == Fact::LaidAside)?;
        let mut later = self.history[position..].iter().map(|(_, fact)| fact);
        let is_over = later.any(|fact| Self::ends_an_epoch(fact) || *fact == Fact::Cleared);
        (!is_over).then(|| self.history[position].0.monotonic + 10_000)
    }

    /// Where the present epoch began in history: after the latest invalidate, sign-out or change of person.
    pub fn epoch(&self) -> usize {
        self.history.iter().rposition(|(_, fact)| Self::ends_an_epoch(fact)).map_or(0, |position| position + 1)
    }

    pub fn began(&self, request: u32) -> usize {
        let is_it = |fact: &Fact| matches!(fact, Fact::Began { request: began, .. } if *began == request);
        self.history.iter().position(|(_, fact)| is_it(fact)).expect("the request never began")
    }

    /// The epoch's part of history in which a request counts: it began there, or was carried over into it.
    pub fn belongs_to(&self, request: u32) -> usize {
        let carried = Fact::CarriedOver { request };
        self.history.iter().rposition(|(_, fact)| *fact == carried).unwrap_or_else(|| self.began(request))
    }

    /// Rather than was carried over into it, beside others of older epochs.
    pub fn began_in_this_epoch(&self, request: u32) -> bool {
        self.began(request) >= self.epoch()
    }

    pub fn is_current(&self, request: u32) -> bool {
        self.belongs_to(request) >= self.epoch()
    }

    pub fn reason(&self, request: u32) -> Reason {
        match &self.history[self.began(request)].1 {
            Fact::Began { reason, .. } => *reason,
            _ => panic!("no such fact"),
        }
    }

    /// From when a request's patience counts, and what its caller's options say.
    pub fn policy(&self, request: u32) -> (Moment, Policy) {
        match &self.history[self.began(request)].1 {
            Fact::Began { policy, .. } => (self.history[self.belongs_to(request)].0, *policy),
            _ => panic!("no such fact"),
        }
    }

    fn has_ended(&self, request: u32) -> bool {
        self.history.iter().any(|(_, fact)| match fact {
            Fact::Succeeded { request: ended, .. }
            | Fact::Served { request: ended }
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

    /// The handles that wait for a request, in the order in which they came, and with how many calls.
    pub fn waiters(&self, request: u32) -> Vec<(u32, u32)> {
        let mut waiters: Vec<(u32, u32)> = Vec::new();
        for (_, fact) in &self.history {
            match fact {
                Fact::Joined { request: joined, handle } if *joined == request => {
                    match waiters.iter_mut().find(|(waiting, _)| waiting == handle) {
                        Some((_, calls)) => *calls += 1,
                        None => waiters.push((*handle, 1)),
                    }
                }
                Fact::Left { request: left, handle } if *left == request => {
                    waiters.iter_mut().filter(|(waiting, _)| waiting == handle).for_each(|(_, calls)| *calls -= 1);
                }
                Fact::Refused { request: refused, handle } if *refused == request => {
                    waiters.retain(|(waiting, _)| waiting != handle);
                }
                _ => {}
            }
            waiters.retain(|(_, calls)| *calls > 0);
        }
        waiters
    }

    pub fn is_demanded(&self, request: u32) -> bool {
        !self.waiters(request).is_empty()
    }

    /// Whose identity is asked for before the answer: of all who wait; of who began it where nobody does.
    pub fn concerned(&self, request: u32) -> Vec<u32> {
        let waiters: Vec<u32> = self.waiters(request).into_iter().map(|(handle, _)| handle).collect();
        match &self.history[self.began(request)].1 {
            Fact::Began { handle, .. } if waiters.is_empty() => vec![*handle],
            _ => waiters,
        }
    }

    /// What this person was given, or found in storage, the latest first.
    pub fn given(&self) -> impl Iterator<Item = &Token> {
        let since = self.history.iter().rposition(|(_, fact)| Self::ends_a_person(fact)).unwrap_or(0);
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
    pub fn last_failure(&self, request: u32) -> (ErrorCode, Option<i64>) {
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
        self.running()
            .into_iter()
            .rfind(|request| self.is_current(*request) && (!demanded || self.is_demanded(*request)))
    }

    /// The token in hand: the latest of this epoch that may be cached and was not found expired.
    pub fn held(&self) -> Option<&Token> {
        let epoch = self.epoch();
        self.history[epoch..].iter().rev().find_map(|(_, fact)| match fact {
            Fact::Expired => Some(None),
            Fact::Restored { token } => Some(Some(token)),
            Fact::Succeeded { token, is_cached: true, .. } => Some(Some(token)),
            _ => None,
        })?
    }

    pub fn usable(&self, now: Moment, policy: &Policy) -> Option<&Token> {
        self.held().filter(|token| token.remaining(now, policy.margin) > 0)
    }

    /// Milliseconds until a request may begin (rule 13), and what a call hears meanwhile.
    pub fn cool_down(&self, now: Moment, background: bool) -> Option<(i64, ErrorCode)> {
        let fresh_start = self
            .history
            .iter()
            .rposition(|(_, fact)| match fact {
                Fact::Succeeded { .. } => true,
                Fact::SignedIn => !background,
                fact => Self::ends_a_person(fact),
            })
            .map_or(0, |position| position + 1);
        let (mut failures, mut refusals) = (0, 0);
        let mut latest: Option<i64> = None;
        let mut end: Option<i64> = None;
        let mut asked_end: Option<i64> = None;
        let mut heard = ErrorCode::CoolingDown;
        for (position, (moment, fact)) in self.history.iter().enumerate().skip(fresh_start) {
            match fact {
                // Nobody is signed in: that is no failing backend, and only who asks without end is held back.
                Fact::GaveUp { demanded, code: ErrorCode::NotSignedIn, .. } if *demanded != background => {
                    refusals += 1;
                    if refusals > 3 {
                        end = end.max(Some(moment.monotonic + 1_000));
                        heard = ErrorCode::NotSignedIn;
                    }
                }
                Fact::GaveUp { request, demanded, code, retry_after } if *demanded != background => {
                    // Requests that ran side by side fail once.
                    let begun = self.history[..position].iter().rev().find_map(|(moment, fact)| match fact {
                        Fact::Began { request: began, .. } | Fact::CarriedOver { request: began }
                            if began == request =>
                        {
                            Some(moment.monotonic)
                        }
                        _ => None,
                    });
                    if latest.is_none_or(|latest| begun.expect("the request never began") >= latest) {
                        failures += 1;
                        latest = Some(moment.monotonic);
                    }
                    let own = (COOL_DOWN_FIRST << (failures - 1).min(20)).min(COOL_DOWN_CEILING);
                    // Requests can overlap, when one is of an older epoch: neither failure shortens the other's cool-down.
                    asked_end = asked_end.max(asked(*retry_after).map(|asked| moment.monotonic + asked));
                    end = end.max(asked_end).max(Some(moment.monotonic + own));
                    let is_exception = matches!(code, ErrorCode::SsoIdentityException | ErrorCode::SsoOauthException);
                    heard = if is_exception { *code } else { ErrorCode::CoolingDown };
                }
                Fact::Online => end = asked_end,
                _ => {}
            }
        }
        end.map(|end| (end - now.monotonic, heard)).filter(|(remaining, _)| *remaining > 0)
    }

    /// Whether a call that finds this token in the cache begins a refresh ahead (rule 11).
    pub fn refreshes_ahead(&self, now: Moment, policy: &Policy, token: &Token) -> bool {
        let usable_life = token.lifetime - token.margin(policy.margin);
        policy.refresh_ahead > 0
            && token.remaining(now, policy.margin) <= policy.refresh_ahead.min(usable_life / 2)
            && !self.running().iter().any(|request| self.is_current(*request))
            && self.cool_down(now, false).is_none()
            && self.cool_down(now, true).is_none()
    }

    /// Rule 25: what a call of this person's is answered with at this moment, where nothing would follow from the call.
    pub fn given_for_nothing(&self, at: Moment, policy: &Policy, person: u8) -> Option<&Token> {
        if self.who() != Some(person) || self.joinable(true).is_some() {
            return None;
        }
        let usable_life = |token: &Token| token.lifetime - token.margin(policy.margin);
        let stretch = |token: &Token| policy.refresh_ahead.min(usable_life(token) / 2);
        self.usable(at, policy).filter(|token| token.remaining(at, policy.margin) > stretch(token))
    }

    /// The latest attempt of a request: its number and when it was sent; none while the request pauses.
    pub fn attempt(&self, request: u32) -> Option<(u32, Moment)> {
        self.history.iter().rev().find_map(|(moment, fact)| match fact {
            Fact::Sent { request: sent, attempt } if *sent == request => Some(Some((*attempt, *moment))),
            Fact::Paused { request: paused, .. } | Fact::CarriedOver { request: paused } if *paused == request => {
                Some(None)
            }
            _ => None,
        })?
    }

    /// When a request's pause ends, if it pauses; a returning network ends it, but for what the source asked for.
    pub fn pause_end(&self, request: u32) -> Option<i64> {
        let mut end = None;
        for (_, fact) in &self.history {
            match fact {
                Fact::Sent { request: over, .. } | Fact::CarriedOver { request: over } if *over == request => {
                    end = None
                }
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
        let of_requests =
            self.running().into_iter().filter_map(|request| self.deadline(request).or(self.pause_end(request)));
        of_requests.chain(self.laid_aside_until()).min()
    }

    /// Whether a failed attempt must, may or must not be tried again.
    pub fn retry(&self, request: u32, now: Moment, retryable: bool, retry_after: Option<i64>) -> (bool, bool) {
        let (begun, policy) = self.policy(request);
        let attempt = self.attempt(request).map_or(1, |(attempt, _)| attempt);
        let end = begun.monotonic + policy.patience;
        let base = now.monotonic + asked(retry_after).unwrap_or(0);
        let may = retryable && base + BACKOFF_FLOOR < end;
        let must = retryable && base + backoff_ceiling(attempt) < end;
        (must, may)
    }
}
