//! The rules once more, written from the design and as plainly as possible, to hold the session against.
//!
//! Where the rules leave room, this is what they mean:
//! - `getToken`: a demanded request of this epoch is running → join it; else a usable token → it, at once (and perhaps a refresh
//!   ahead begins); else a background request of this epoch → join it, which makes it demanded; else begin.
//! - `cache: "none"` never caches; neither do codes, which nobody joins either.
//! - Where the widget authenticates people and nobody is signed in, `getToken` and `getFreshToken` are refused with NOT_SIGNED_IN.
//! - After `invalidate` the requests of the old epoch go on, retries too, for those who wait; one that nobody waits for is aborted.
//!   Their outcome still says how the source is: success ends a cool-down, failure begins one.
//! - An attempt's deadline is its begin + timeout, but never after the request's begin + max(timeout, patience). A retry is
//!   planned only before the request's begin + patience. The pause after attempt n is Retry-After + anything from
//!   BACKOFF_FLOOR to `backoff_ceiling(n)`: the session chooses, the oracle sees that it is within bounds.
//!   When a timer comes late, what it was set for begins or ends late; a deadline that is past by then ends the attempt at the
//!   next wake, and a pause that ends when the patience is over ends the request, with its last failure.
//! - The cool-down after the k-th failure in a row is max(`cool_down_length(k)`, Retry-After); one that lasts longer already is
//!   not cut short by it (requests can overlap: those of an older epoch, those of single-use codes). A returning network ends pauses and
//!   cool-downs but for what Retry-After asked for. Success, sign-out and a change of identity end it, invalidate does not; that
//!   somebody just signed in ends the callers' own, and not that of the background. The
//!   failure of a request that nobody waits for keeps away further background requests only.
//! - In a cool-down calls are refused with COOLING_DOWN; if the last error was an exception of LiveChat's, with that exception.
//! - `created` is when the successful attempt was sent; for a finished token the earlier of that and the date it states. A date
//!   from the future, or one by which the token would be over on arrival, is a skewed clock: then it is counted from sending.
//! - A JWT was created at its `iat` and lives until its `exp`; it is counted as a finished token is. One that comes again, and is
//!   among the latest 16 different ones that this identity was given or that lay in storage, was created, by each clock, no later than
//!   at first. Whose life is over by that is BAD_ANSWER.
//! - A token whose whole life (no margin) is over by either clock is dropped, from storage too, at the next call; so is one that the
//!   wall clock has put into the future, beyond the tolerance.

use std::collections::BTreeSet;

use custom_identity_provider::core::{
    AbortReason, Attempt, BACKOFF_FLOOR, Cache, Code, Event, Failure, Kind, Method, Moment, Policy, Reason, Rejection,
    RequestId, SignOutOrigin, backoff_ceiling, cool_down_length,
};

use super::schedule::{Answering, Tampering};

/// A token as the oracle remembers it.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub text: String,
    /// Nobody knows whose a JWT without `sub` is.
    pub entity: Option<String>,
    /// A JWT's `iat`.
    pub issued: Option<i64>,
    pub lifetime: i64,
    pub created: i64,
    pub created_monotonic: Option<i64>,
}

impl Held {
    fn margin(&self, policy: &Policy) -> i64 {
        policy.margin.unwrap_or(30_000.min(self.lifetime / 10))
    }

    /// Rule 10's `now < end`, by the wall clock and, if this page fetched it, by the monotonic clock.
    fn ends_after(&self, now: Moment, margin: i64) -> bool {
        let by_wall = now.wall < self.created + self.lifetime - margin;
        let by_monotonic =
            self.created_monotonic.is_none_or(|created| now.monotonic < created + self.lifetime - margin);
        by_wall && by_monotonic
    }

    pub fn is_usable(&self, now: Moment, policy: &Policy) -> bool {
        self.created <= now.wall + 5_000 && self.ends_after(now, self.margin(policy))
    }

    /// How long it stays usable if both clocks go on as they should.
    pub fn remaining(&self, now: Moment, policy: &Policy) -> i64 {
        let length = self.lifetime - self.margin(policy);
        let by_wall = self.created + length - now.wall;
        self.created_monotonic.map_or(by_wall, |created| by_wall.min(created + length - now.monotonic))
    }

    /// How long its whole life goes on.
    pub fn life_left(&self, now: Moment) -> i64 {
        self.remaining(now, &Policy { margin: Some(0), ..Policy::default() })
    }

    /// How long before it stops being usable a refresh ahead begins.
    pub fn stretch(&self, policy: &Policy) -> i64 {
        policy.refresh_ahead.min((self.lifetime - self.margin(policy)) / 2)
    }
}

/// A code as it is when it is handed on: the core does not look at it, and its life is over.
pub fn code(sent: Moment) -> Held {
    let created_monotonic = Some(sent.monotonic);
    Held { text: String::new(), entity: None, issued: None, lifetime: 0, created: sent.wall, created_monotonic }
}

/// A JWT as the driver made it.
#[derive(Clone, Debug)]
pub struct Signed {
    pub text: String,
    pub subject: Option<String>,
    pub issued: i64,
    pub lifetime: i64,
}

/// A record as the oracle expects it in storage.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub held: Held,
    pub person: Option<&'static str>,
    pub generation: u32,
    pub tampering: Option<Rejection>,
}

#[derive(Clone, Debug)]
enum Work {
    Running { number: u32, sent: Moment, deadline: i64 },
    Pausing { number: u32, until: i64, asked_until: i64, failure: Failure },
}

#[derive(Clone, Debug)]
struct Request {
    id: RequestId,
    epoch: u32,
    reason: Reason,
    began: i64,
    waiters: usize,
    policy: Policy,
    work: Work,
}

#[derive(Clone, Debug, Default)]
pub struct CoolDown {
    failures: u32,
    until: Option<i64>,
    asked_until: Option<i64>,
    exception: Option<Failure>,
}

impl CoolDown {
    pub fn left(&self, now: Moment) -> Option<i64> {
        self.until.map(|until| until - now.monotonic).filter(|left| *left > 0)
    }

    fn begin(&mut self, now: Moment, failure: &Failure) {
        self.failures += 1;
        let own = cool_down_length(self.failures);
        self.asked_until = self.asked_until.max(failure.retry_after.map(|asked| now.monotonic + asked));
        self.until = self.until.max(Some(now.monotonic + own)).max(self.asked_until);
        let is_exception = [Code::SsoIdentityException, Code::SsoOauthException].contains(&failure.code);
        self.exception = is_exception.then(|| failure.clone());
    }
}

/// What a caller gets at once.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    Token(Held),
    Wait(RequestId),
    Refused(Failure),
}

/// How a request ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    Resolved(Held),
    Rejected(Failure),
    /// BAD_ANSWER, naming this.
    BadAnswer(&'static str),
    Dropped,
}

#[derive(Debug, Default)]
pub struct Expected {
    pub begun: Vec<Attempt>,
    pub ended: Vec<(RequestId, Ended)>,
    pub events: Vec<Event>,
}

pub struct Oracle {
    cache: Cache,
    kind: Kind,
    is_identified: bool,
    pub person: Option<Option<&'static str>>,
    pub generation: u32,
    epoch: u32,
    pub held: Option<Held>,
    pub stored: Option<Stored>,
    requests: Vec<Request>,
    /// What this identity was given or had in storage, in that order.
    seen: Vec<Held>,
    pub cool_down: CoolDown,
    pub background_cool_down: CoolDown,
    last_request: u32,
    pub expected: Expected,
}

impl Oracle {
    pub fn new(cache: Cache, kind: Kind, is_identified: bool) -> Self {
        Self {
            cache,
            kind,
            is_identified,
            person: None,
            generation: 1,
            epoch: 0,
            held: None,
            stored: None,
            requests: Vec::new(),
            seen: Vec::new(),
            cool_down: CoolDown::default(),
            background_cool_down: CoolDown::default(),
            last_request: 0,
            expected: Expected::default(),
        }
    }

    fn emit(&mut self, event: Event) {
        self.expected.events.push(event);
    }

    fn end(&mut self, request: RequestId, ended: Ended) {
        self.expected.ended.push((request, ended));
    }

    /// When something happens by itself.
    pub fn next_timer(&self) -> Option<i64> {
        let due = |request: &Request| match request.work {
            Work::Running { deadline, .. } => deadline,
            Work::Pausing { until, .. } => until,
        };
        self.requests.iter().map(due).min()
    }

    pub fn running(&self) -> Vec<Attempt> {
        let attempt = |request: &Request| match request.work {
            Work::Running { number, .. } => Some(Attempt { request: request.id, number, reason: request.reason }),
            Work::Pausing { .. } => None,
        };
        self.requests.iter().filter_map(attempt).collect()
    }

    // Who is signed in, and what lies in storage.

    pub fn observe(&mut self, now: Moment, person: Option<&'static str>, policy: &Policy) {
        match self.person {
            Some(known) if known == person => {}
            Some(_) => {
                self.person = Some(person);
                self.emit(Event::IdentityChanged);
                self.begin_anew(AbortReason::IdentityChanged, &Failure::identity_changed());
            }
            None => {
                self.person = Some(person);
                self.restore(now, person, policy);
            }
        }
    }

    fn restore(&mut self, now: Moment, person: Option<&'static str>, policy: &Policy) {
        let Some(stored) = self.stored.clone() else { return };
        let held = Held { created_monotonic: None, ..stored.held };
        let is_corrupt = stored.tampering == Some(Rejection::Corrupt);
        let wrong = if stored.tampering == Some(Rejection::Version) {
            stored.tampering
        } else if stored.generation != self.generation {
            // Before the scope: after a sign-out no scope is the same, its digest is salted by the generation.
            Some(Rejection::SignedOut)
        } else if stored.person != person || stored.tampering == Some(Rejection::Scope) {
            Some(Rejection::Scope)
        } else if is_corrupt {
            Some(Rejection::Corrupt)
        } else if held.created > now.wall + 5_000 {
            Some(Rejection::Future)
        } else if !held.is_usable(now, policy) {
            Some(Rejection::Expired)
        } else {
            None
        };
        if wrong.is_none_or(|wrong| wrong == Rejection::Expired) {
            // Whose it was, and since when it was here, is known all the same.
            self.seen.push(held.clone());
        }
        if let Some(why) = wrong {
            self.stored = None;
            self.emit(Event::RecordRejected { why });
            return;
        }
        self.emit(Event::Restored { remaining: held.remaining(now, policy) });
        self.held = Some(held);
    }

    pub fn signed_in(&mut self) {
        self.cool_down = CoolDown::default();
    }

    pub fn sign_out(&mut self, origin: SignOutOrigin) {
        self.generation += 1;
        self.emit(Event::SignedOut { origin });
        self.begin_anew(AbortReason::SignedOut, &Failure::signed_out());
    }

    fn begin_anew(&mut self, why: AbortReason, failure: &Failure) {
        self.epoch += 1;
        self.held = None;
        self.stored = None;
        self.seen.clear();
        self.cool_down = CoolDown::default();
        self.background_cool_down = CoolDown::default();
        for request in std::mem::take(&mut self.requests) {
            self.emit(Event::RequestAborted { request: request.id.0, why });
            let ended = if request.waiters > 0 { Ended::Rejected(failure.clone()) } else { Ended::Dropped };
            self.end(request.id, ended);
        }
    }

    pub fn invalidate(&mut self) {
        self.emit(Event::Call { method: Method::Invalidate });
        self.emit(Event::Invalidated);
        self.epoch += 1;
        self.held = None;
        self.stored = None;
        let (waited_for, abandoned): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.requests).into_iter().partition(|request| request.waiters > 0);
        self.requests = waited_for;
        for request in abandoned {
            self.emit(Event::RequestAborted { request: request.id.0, why: AbortReason::Invalidated });
            self.end(request.id, Ended::Dropped);
        }
    }

    pub fn reload(&mut self, tampering: Tampering) {
        if matches!(tampering, Tampering::SignedOutElsewhere) {
            self.generation += 1;
        }
        if let Some(stored) = self.stored.as_mut().filter(|stored| stored.tampering.is_none()) {
            stored.tampering = match tampering {
                Tampering::Untouched | Tampering::SignedOutElsewhere => None,
                Tampering::OtherVersion => Some(Rejection::Version),
                Tampering::OtherScope => Some(Rejection::Scope),
                Tampering::Corrupt | Tampering::OtherKind => Some(Rejection::Corrupt),
            };
        }
        *self = Self {
            generation: self.generation,
            stored: self.stored.take(),
            last_request: self.last_request,
            ..Self::new(self.cache, self.kind.clone(), self.is_identified)
        };
    }

    // Calls.

    pub fn get_token(&mut self, now: Moment, policy: &Policy) -> Answered {
        self.emit(Event::Call { method: Method::GetToken });
        self.drop_what_is_over(now);
        if self.is_nobody_there() {
            return Answered::Refused(Failure::nobody_signed_in());
        }
        if let Some(joined) = self.join(Method::GetToken, true) {
            return joined;
        }
        if let Some(held) = self.held.clone().filter(|held| held.is_usable(now, policy)) {
            let remaining = held.remaining(now, policy);
            self.emit(Event::CacheHit { remaining });
            let is_due = policy.refresh_ahead > 0 && remaining <= held.stretch(policy);
            let is_running = self.requests.iter().any(|request| request.epoch == self.epoch);
            let is_cooling = self.cool_down.left(now).or(self.background_cool_down.left(now)).is_some();
            if is_due && !is_running && !is_cooling {
                self.begin(now, policy, Reason::Ahead, 0);
            }
            return Answered::Token(held);
        }
        self.join(Method::GetToken, false).unwrap_or_else(|| self.begin_or_refuse(now, policy, Reason::Get))
    }

    pub fn get_fresh_token(&mut self, now: Moment, policy: &Policy) -> Answered {
        self.emit(Event::Call { method: Method::GetFreshToken });
        self.drop_what_is_over(now);
        if self.is_nobody_there() {
            return Answered::Refused(Failure::nobody_signed_in());
        }
        self.join(Method::GetFreshToken, false).unwrap_or_else(|| self.begin_or_refuse(now, policy, Reason::Fresh))
    }

    pub fn has_token(&mut self, now: Moment, policy: &Policy) -> bool {
        self.emit(Event::Call { method: Method::HasToken });
        self.drop_what_is_over(now);
        self.held.as_ref().is_some_and(|held| held.is_usable(now, policy))
    }

    fn is_nobody_there(&self) -> bool {
        self.is_identified && self.person == Some(None)
    }

    fn drop_what_is_over(&mut self, now: Moment) {
        let whole_life = Policy { margin: Some(0), ..Policy::default() };
        if self.held.as_ref().is_some_and(|held| !held.is_usable(now, &whole_life)) {
            self.held = None;
            self.stored = None;
        }
    }

    fn join(&mut self, method: Method, demanded_only: bool) -> Option<Answered> {
        if self.kind == Kind::Code {
            return None;
        }
        let fits = |request: &&mut Request| request.epoch == self.epoch && (!demanded_only || request.waiters > 0);
        let request = self.requests.iter_mut().find(fits)?;
        request.waiters += 1;
        let id = request.id;
        self.emit(Event::Joined { request: id.0, method });
        Some(Answered::Wait(id))
    }

    fn begin_or_refuse(&mut self, now: Moment, policy: &Policy, reason: Reason) -> Answered {
        if let Some(remaining) = self.cool_down.left(now) {
            self.emit(Event::CoolingDown { remaining });
            return Answered::Refused(match &self.cool_down.exception {
                Some(exception) => Failure { retry_after: Some(remaining), ..exception.clone() },
                None => Failure::cooling_down(remaining),
            });
        }
        Answered::Wait(self.begin(now, policy, reason, 1))
    }

    fn begin(&mut self, now: Moment, policy: &Policy, reason: Reason, waiters: usize) -> RequestId {
        self.last_request += 1;
        let id = RequestId(self.last_request);
        self.emit(Event::RequestBegan { request: id.0, reason });
        let began = now.monotonic;
        let work = Self::attempt(now, 1, began, policy);
        self.expected.begun.push(Attempt { request: id, number: 1, reason });
        self.requests.push(Request { id, epoch: self.epoch, reason, began, waiters, policy: *policy, work });
        id
    }

    fn attempt(now: Moment, number: u32, began: i64, policy: &Policy) -> Work {
        let last = began + policy.timeout.max(policy.patience);
        Work::Running { number, sent: now, deadline: last.min(now.monotonic + policy.timeout) }
    }

    pub fn leave(&mut self, id: RequestId) {
        let Some(position) = self.requests.iter().position(|request| request.id == id) else { return };
        self.requests[position].waiters -= 1;
        if self.requests[position].waiters == 0 {
            self.requests.remove(position);
            self.emit(Event::RequestAborted { request: id.0, why: AbortReason::Abandoned });
            self.end(id, Ended::Dropped);
        }
    }

    // The source.

    /// The request whose attempt this is, if it is still running, and when the attempt was sent.
    fn request_of(&self, attempt: Attempt) -> Option<(usize, Moment)> {
        self.requests.iter().enumerate().find_map(|(position, request)| match request.work {
            Work::Running { number, sent, .. } if request.id == attempt.request && number == attempt.number => {
                Some((position, sent))
            }
            _ => None,
        })
    }

    /// The source answered; with `signed` where that is a JWT that is right.
    pub fn answered(
        &mut self,
        now: Moment,
        attempt: Attempt,
        token: &str,
        entity: &str,
        signed: Option<&Signed>,
        answer: Answering,
    ) {
        let Some((position, sent)) = self.request_of(attempt) else { return };
        let request = self.requests.remove(position);
        let since_sent = |lifetime| Held {
            text: token.to_owned(),
            entity: Some(entity.to_owned()),
            issued: None,
            lifetime,
            created: sent.wall,
            created_monotonic: Some(sent.monotonic),
        };
        match answer {
            Answering::Raw { seconds, .. } => self.succeeded(now, &request, since_sent(seconds * 1_000), false),
            Answering::Finished { lifetime, created, .. } => {
                if lifetime < 100_000 {
                    self.emit(Event::ShortLifetime { request: request.id.0, lifetime });
                }
                let (held, is_skewed) = Self::since_creation(now, now.wall + created, since_sent(lifetime));
                self.succeeded(now, &request, held, is_skewed);
            }
            Answering::Jwt { .. } | Answering::JwtAgain { .. } => {
                let Signed { text, subject, issued, lifetime } = signed.expect("it was signed").clone();
                let unread = Held { text, entity: subject, issued: Some(issued), ..since_sent(lifetime) };
                let (mut held, is_skewed) = Self::since_creation(now, issued, unread);
                if let Some(first) = self.recognised(&held.text) {
                    held.created = held.created.min(first.created);
                    held.created_monotonic =
                        held.created_monotonic.min(first.created_monotonic.or(held.created_monotonic));
                    if held.life_left(now) <= 0 || held.created > now.wall + 5_000 {
                        return self.answered_badly(now, &request, "JWT's iat");
                    }
                }
                self.succeeded(now, &request, held, is_skewed);
            }
            Answering::Code { .. } => self.succeeded(now, &request, code(sent), false),
            Answering::Nonsense(nonsense) => self.answered_badly(now, &request, nonsense.answer(token, entity).1),
            Answering::Malformed(malformed) => self.answered_badly(now, &request, malformed.answer(token, 1_000).1),
            Answering::WrongCode(wrong) => self.answered_badly(now, &request, wrong.answer(token).1),
            Answering::Null if !matches!(self.kind, Kind::Token(_)) => {
                // Who signs JWTs and issues codes knows that nobody is signed in.
                let failure = Failure::nobody_signed_in();
                self.gave_up(now, &request, &failure, Ended::Rejected(failure.clone()));
            }
            Answering::Null => self.answered_badly(now, &request, "null"),
            Answering::Undefined => self.answered_badly(now, &request, "undefined"),
        }
    }

    /// What an answer that says when it was created holds; and whether the clocks disagree.
    fn since_creation(now: Moment, stated: i64, since_sent: Held) -> (Held, bool) {
        let created = stated.min(since_sent.created);
        let age = since_sent.created - created;
        let created_monotonic = since_sent.created_monotonic.map(|sent| sent - age);
        let as_stated = Held { created, created_monotonic, ..since_sent.clone() };
        let is_skewed = stated > now.wall + 5_000 || as_stated.life_left(now) <= 0;
        (if is_skewed { since_sent } else { as_stated }, is_skewed)
    }

    /// What is known of a JWT that was seen before: the latest of it, unless 16 others came since.
    fn recognised(&self, text: &str) -> Option<&Held> {
        let position = self.seen.iter().rposition(|held| held.text == text)?;
        let since: BTreeSet<&str> = self.seen[position + 1..].iter().map(|held| held.text.as_str()).collect();
        (since.len() < 16).then(|| &self.seen[position])
    }

    fn answered_badly(&mut self, now: Moment, request: &Request, names: &'static str) {
        self.gave_up(now, request, &Failure::lasting(Code::BadAnswer, names), Ended::BadAnswer(names));
    }

    fn succeeded(&mut self, now: Moment, request: &Request, held: Held, is_skewed: bool) {
        let id = request.id.0;
        let cached = request.epoch == self.epoch && self.cache != Cache::None && self.kind != Kind::Code;
        let duration = now.monotonic - request.began;
        self.emit(Event::RequestSucceeded { request: id, duration, lifetime: held.lifetime, cached });
        if is_skewed {
            self.emit(Event::ClockSkew { request: id });
        }
        let known = self.seen.last().and_then(|before| before.entity.clone());
        if known.is_some() && held.entity.is_some() && known != held.entity {
            self.emit(Event::EntityChanged { request: id });
        }
        self.seen.push(held.clone());
        self.cool_down = CoolDown::default();
        self.background_cool_down = CoolDown::default();
        if cached {
            self.held = Some(held.clone());
            if self.cache == Cache::Session {
                let person = self.person.unwrap();
                let generation = self.generation;
                self.stored = Some(Stored { held: held.clone(), person, generation, tampering: None });
            }
        }
        self.end(request.id, if request.waiters > 0 { Ended::Resolved(held) } else { Ended::Dropped });
    }

    /// `said` are the session's events, for the pauses that it chose.
    pub fn failed(&mut self, now: Moment, attempt: Attempt, failure: &Failure, said: &[Event]) {
        if let Some((position, _)) = self.request_of(attempt) {
            self.attempt_failed(now, position, failure, said);
        }
    }

    fn attempt_failed(&mut self, now: Moment, position: usize, failure: &Failure, said: &[Event]) {
        let request = &mut self.requests[position];
        let Work::Running { number, .. } = request.work else { panic!("only a running attempt can fail") };
        let id = request.id.0;
        let limit = request.began + request.policy.patience;
        let asked = failure.retry_after.unwrap_or(0);
        let (shortest, longest) = (asked + BACKOFF_FLOOR, asked + backoff_ceiling(number));
        let chosen = said.iter().find_map(|event| match event {
            Event::RequestRetrying { request, delay, .. } if *request == id => Some(*delay),
            _ => None,
        });
        match chosen {
            Some(delay) => {
                assert!(failure.retryable, "tried again after a failure that lasts");
                assert!((shortest..=longest).contains(&delay), "pause of {delay}, not {shortest}..={longest}");
                assert!(now.monotonic + delay < limit, "tried again though patience is over by then");
                let until = now.monotonic + delay;
                request.work =
                    Work::Pausing { number, until, asked_until: now.monotonic + asked, failure: failure.clone() };
                self.emit(Event::RequestRetrying { request: id, attempt: number, code: failure.code, delay });
            }
            None => {
                let could_not = !failure.retryable || now.monotonic + longest >= limit;
                assert!(could_not, "gave up though there was time to try again");
                let request = self.requests.remove(position);
                self.gave_up(now, &request, failure, Ended::Rejected(failure.clone()));
            }
        }
    }

    fn gave_up(&mut self, now: Moment, request: &Request, failure: &Failure, rejected: Ended) {
        let demanded = request.waiters > 0;
        let duration = now.monotonic - request.began;
        self.emit(Event::RequestFailed { request: request.id.0, duration, code: failure.code, demanded });
        let cool_down = if demanded { &mut self.cool_down } else { &mut self.background_cool_down };
        cool_down.begin(now, failure);
        self.end(request.id, if demanded { rejected } else { Ended::Dropped });
    }

    // Time and the network.

    pub fn wake(&mut self, now: Moment, said: &[Event]) {
        let mut position = 0;
        while position < self.requests.len() {
            let before = self.requests.len();
            let request = &self.requests[position];
            let is_out_of_patience = request.began + request.policy.patience <= now.monotonic;
            match request.work.clone() {
                Work::Running { deadline, .. } if deadline <= now.monotonic => {
                    self.attempt_failed(now, position, &Failure::timed_out(), said);
                }
                Work::Pausing { until, failure, .. } if until <= now.monotonic && is_out_of_patience => {
                    let request = self.requests.remove(position);
                    self.gave_up(now, &request, &failure, Ended::Rejected(failure.clone()));
                }
                Work::Pausing { until, .. } if until <= now.monotonic => self.try_again(now, position),
                _ => {}
            }
            if self.requests.len() == before {
                position += 1;
            }
        }
    }

    fn try_again(&mut self, now: Moment, position: usize) {
        let request = &mut self.requests[position];
        let Work::Pausing { number, .. } = request.work else { panic!("only after a pause") };
        request.work = Self::attempt(now, number + 1, request.began, &request.policy);
        let attempt = Attempt { request: request.id, number: number + 1, reason: request.reason };
        self.expected.begun.push(attempt);
    }

    pub fn online(&mut self, now: Moment, said: &[Event]) {
        for cool_down in [&mut self.cool_down, &mut self.background_cool_down] {
            cool_down.until = cool_down.asked_until;
        }
        for request in &mut self.requests {
            if let Work::Pausing { until, asked_until, .. } = &mut request.work {
                *until = (*until).min(*asked_until);
            }
        }
        self.wake(now, said);
    }
}
