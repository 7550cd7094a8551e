//! The rules once more, written from the design and as plainly as possible, to hold the session against.
//!
//! Where the rules leave room, this is what they mean:
//! - `getToken`: a demanded request of this epoch is running → join it; else a usable token → it, at once (and perhaps a refresh
//!   ahead begins); else a background request of this epoch → join it, which makes it demanded; else begin.
//! - `cache: "none"` never caches; neither do codes, which nobody joins either.
//! - Each handle says by its own function who is signed in: at its calls, and while it waits at the moment of every answer and failure, and
//!   before the source is asked after a pause. Who says what the session knows gets the answer; who names somebody else or fails is refused
//!   alone. If nobody says it, the first person who was named is who is signed in; if some did, that one is once the request is over, and
//!   the answer is not kept. An attempt that is over is heard by nobody.
//! - Where nobody was signed in and somebody is, who waits is served for that person: by the record, if everyone who waits has just said to be
//!   that person, else by a new attempt, with patience counted anew. What was nobody's is forgotten. Any other change ends everything.
//! - While nobody is signed in, the record of another scope is left alone for `LATE_IDENTITY`, and nobody's token is not stored in its place.
//! - Where the widget authenticates people and nobody is signed in, `getToken` and `getFreshToken` are refused with NOT_SIGNED_IN.
//! - After `invalidate` the requests of the old epoch go on, retries too, for those who wait; one that nobody waits for is aborted.
//!   Their outcome still says how the source is: success ends a cool-down, failure begins one.
//! - An attempt's deadline is its begin + timeout, but never after the request's begin + max(timeout, patience). A retry is
//!   planned only before the request's begin + patience. The pause after attempt n is Retry-After + anything from
//!   BACKOFF_FLOOR to `backoff_ceiling(n)`: the session chooses, the oracle sees that it is within bounds.
//!   When a timer comes late, what it was set for begins or ends late; a deadline that is past by then ends the attempt at the
//!   next wake, and a pause that ends when the patience is over ends the request, with its last failure.
//! - The cool-down after the k-th failure in a row is max(`cool_down_length(k)`, Retry-After up to `LONGEST_RETRY_AFTER`); one that lasts longer already is
//!   not cut short by it (requests can overlap: those of an older epoch, those of single-use codes). A returning network ends pauses and
//!   cool-downs but for what Retry-After asked for. Success, sign-out and a change of identity end it, invalidate does not; that
//!   somebody just signed in ends the callers' own, and not that of the background. The
//!   failure of a request that nobody waits for keeps away further background requests only.
//! - In a cool-down calls are refused with COOLING_DOWN; if the last error was an exception of LiveChat's, with that exception.
//! - That nobody is signed in is no failure of the source: the first `FREE_REFUSALS` in a row cost nothing, and each further one a pause of
//!   `REFUSAL_PAUSE` in which calls hear it again. A failure of a request that began before the latest counted one does not count.
//! - `created` is when the successful attempt was sent; for a finished token the earlier of that and the date it states. A date
//!   from the future, or one by which the token would be over on arrival, is a skewed clock: then it is counted from sending.
//! - A JWT was created at its `iat` and lives until its `exp`; it is counted as a finished token is. One that comes again, and is
//!   among the latest 16 different ones that this identity was given or that lay in storage, was created, by each clock, no later than
//!   at first. Whose life is over by that is BAD_ANSWER.
//! - A token whose whole life (no margin) is over by either clock is dropped, from storage too, at the next call; so is one that the
//!   wall clock has put into the future, beyond the tolerance.

use std::collections::BTreeSet;

use custom_identity_provider::core::{
    AbortReason, Attempt, BACKOFF_FLOOR, Cache, Caller, ErrorCode, Event, FREE_REFUSALS, Failure, Kind, LATE_IDENTITY,
    LONGEST_RETRY_AFTER, Method, Moment, Policy, REFUSAL_PAUSE, Reason, Rejection, RequestId, SignOutOrigin,
    backoff_ceiling, cool_down_length,
};

use super::page::{Says, caller};
use super::schedule::{Answering, Storage, Tampering};

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
    /// Whose call it was that began it.
    beginner: usize,
    /// The handles of all calls that wait.
    waiters: Vec<usize>,
    policy: Policy,
    work: Work,
}

#[derive(Clone, Debug, Default)]
pub struct CoolDown {
    failures: u32,
    /// When the latest of them was.
    failed_at: Option<i64>,
    refusals: u32,
    until: Option<i64>,
    asked_until: Option<i64>,
    repeated: Option<Failure>,
}

impl CoolDown {
    pub fn left(&self, now: Moment) -> Option<i64> {
        self.until.map(|until| until - now.monotonic).filter(|left| *left > 0)
    }

    /// A request that began then failed with this for good.
    fn begin(&mut self, now: Moment, began: i64, failure: &Failure) {
        if failure.code == ErrorCode::NotSignedIn {
            self.refusals += 1;
            if self.refusals > FREE_REFUSALS {
                self.until = self.until.max(Some(now.monotonic + REFUSAL_PAUSE));
                self.repeated = Some(failure.clone());
            }
            return;
        }
        if self.failed_at.is_none_or(|failed_at| failed_at <= began) {
            self.failures += 1;
            self.failed_at = Some(now.monotonic);
        }
        let own = cool_down_length(self.failures);
        let asked = failure.retry_after.map(|asked| now.monotonic + asked.min(LONGEST_RETRY_AFTER));
        self.asked_until = self.asked_until.max(asked);
        self.until = self.until.max(Some(now.monotonic + own)).max(asked);
        let is_exception = [ErrorCode::SsoIdentityException, ErrorCode::SsoOauthException].contains(&failure.code);
        self.repeated = is_exception.then(|| failure.clone());
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
    pub again: Vec<Attempt>,
    pub refused: Vec<(RequestId, Caller, Failure)>,
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
    pub storing: Storage,
    /// Until when the record of somebody else is left alone.
    laid_aside: Option<i64>,
    /// Who was named by one who waited, while others were answered.
    named_otherwise: Option<Option<&'static str>>,
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
            storing: Storage::Keeps,
            laid_aside: None,
            named_otherwise: None,
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
        self.requests.iter().map(due).chain(self.laid_aside).min()
    }

    pub fn running(&self) -> Vec<Attempt> {
        let attempt = |request: &Request| match request.work {
            Work::Running { number, .. } => Some(Attempt { request: request.id, number, reason: request.reason }),
            Work::Pausing { .. } => None,
        };
        self.requests.iter().filter_map(attempt).collect()
    }

    // Who is signed in, and what lies in storage.

    /// A handle calls, and says this of who is signed in.
    pub fn observe(&mut self, now: Moment, person: Option<&'static str>, policy: &Policy, handle: usize) {
        self.is_now(now, person, policy, &[(handle, Ok(person))]);
    }

    /// This person is signed in now, or nobody.
    fn is_now(&mut self, now: Moment, person: Option<&'static str>, policy: &Policy, said: &[(usize, Says)]) {
        match self.person.replace(person) {
            Some(known) if known == person => {}
            Some(None) => {
                self.emit(Event::IdentityChanged);
                self.carry_over(now, policy, said);
            }
            Some(Some(_)) => {
                self.emit(Event::IdentityChanged);
                self.begin_anew(AbortReason::IdentityChanged, &Failure::identity_changed());
            }
            None => self.restore(now, person, policy),
        }
    }

    /// Somebody came where nobody was.
    fn carry_over(&mut self, now: Moment, policy: &Policy, said: &[(usize, Says)]) {
        self.forget_the_person();
        for request in self.requests.clone().iter().filter(|request| request.waiters.is_empty()) {
            self.abort(request, AbortReason::IdentityChanged, None);
        }
        if self.laid_aside.take().is_some() {
            self.restore(now, self.person.unwrap(), policy);
        } else {
            self.stored = None;
        }
        for mut request in std::mem::take(&mut self.requests) {
            let (Work::Running { number, .. } | Work::Pausing { number, .. }) = request.work;
            let code = ErrorCode::IdentityChanged;
            self.emit(Event::RequestRetrying { request: request.id.0, attempt: number, code, delay: 0 });
            let have_all_said =
                request.waiters.iter().all(|waiter| said.contains(&(*waiter, Ok(self.person.unwrap()))));
            if let Some(held) = self.held.clone().filter(|held| have_all_said && held.is_usable(now, policy)) {
                self.emit(Event::CacheHit { remaining: held.remaining(now, policy) });
                self.end(request.id, Ended::Resolved(held));
                continue;
            }
            request.epoch = self.epoch;
            request.began = now.monotonic;
            request.work = Self::attempt(now, number + 1, request.began, &request.policy);
            self.expected.begun.push(Attempt { request: request.id, number: number + 1, reason: request.reason });
            self.requests.push(request);
        }
    }

    /// What each who waits for this attempt says of who is signed in, or who began it where nobody waits.
    pub fn confirm(&mut self, now: Moment, attempt: Attempt, handles: &[Says]) {
        self.named_otherwise = None;
        let Some((position, _)) = self.request_of(attempt) else { return };
        let request = self.requests[position].clone();
        let was_demanded = !request.waiters.is_empty();
        let mut asked = request.waiters.clone();
        if !was_demanded {
            asked.push(request.beginner);
        }
        let mut said: Vec<(usize, Says)> = Vec::new();
        for handle in asked {
            if said.iter().all(|(known, _)| *known != handle) {
                said.push((handle, handles[handle]));
            }
        }
        let known = self.person.unwrap();
        let person = said.iter().find_map(|(_, says)| says.ok().flatten());
        if known.is_none() && person.is_some() {
            return self.is_now(now, person, &Policy::default(), &said);
        }
        for (handle, says) in &said {
            let failure = match says {
                Ok(named) if *named == known => continue,
                Ok(_) => Failure::identity_changed(),
                Err(()) => Failure::unknown_identity(),
            };
            self.requests[position].waiters.retain(|waiter| waiter != handle);
            if was_demanded {
                self.expected.refused.push((request.id, caller(*handle), failure));
            }
        }
        let other = said.iter().find_map(|(_, says)| says.ok().filter(|named| *named != known));
        let is_confirmed = said.iter().any(|(_, says)| *says == Ok(known));
        match other {
            other if is_confirmed => self.named_otherwise = other,
            Some(other) => self.is_now(now, other, &Policy::default(), &said),
            None => {
                self.requests.remove(position);
                let duration = now.monotonic - request.began;
                let (code, demanded) = (ErrorCode::BadIdentity, was_demanded);
                self.emit(Event::RequestFailed { request: request.id.0, duration, code, demanded });
                self.end(request.id, Ended::Dropped);
            }
        }
    }

    /// A request is over: whom one of its callers named is who is signed in.
    fn move_on(&mut self, now: Moment) {
        if let Some(person) = self.named_otherwise.take() {
            self.is_now(now, person, &Policy::default(), &[]);
        }
    }

    fn restore(&mut self, now: Moment, person: Option<&'static str>, policy: &Policy) {
        let Some(stored) = self.stored.clone() else { return };
        let held = Held { created_monotonic: None, ..stored.held };
        let is_corrupt = stored.tampering == Some(Rejection::Corrupt);
        // What a handle's own large margin forbids it to use is still there for others.
        let ordinary = held.margin(&Policy::default());
        let margin = held.margin(policy).min(ordinary);
        let remaining = held.remaining(now, &Policy { margin: Some(margin), ..*policy });
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
        } else if remaining <= 0 {
            Some(Rejection::Expired)
        } else {
            None
        };
        if wrong.is_none_or(|wrong| wrong == Rejection::Expired) {
            // Whose it was, and since when it was here, is known all the same.
            self.seen.push(held.clone());
        }
        if wrong == Some(Rejection::Scope) && self.is_identified && person.is_none() {
            self.laid_aside = Some(now.monotonic + LATE_IDENTITY);
            return;
        }
        if let Some(why) = wrong {
            self.stored = None;
            self.emit(Event::RecordRejected { why });
            return;
        }
        self.emit(Event::Restored { remaining });
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
        self.forget_the_person();
        self.laid_aside = None;
        self.stored = None;
        for request in self.requests.clone() {
            self.abort(&request, why, Some(failure));
        }
    }

    fn forget_the_person(&mut self) {
        self.epoch += 1;
        self.held = None;
        self.named_otherwise = None;
        self.seen.clear();
        self.cool_down = CoolDown::default();
        self.background_cool_down = CoolDown::default();
    }

    /// A request ends before its time.
    fn abort(&mut self, request: &Request, why: AbortReason, failure: Option<&Failure>) {
        self.requests.retain(|running| running.id != request.id);
        self.emit(Event::RequestAborted { request: request.id.0, why });
        let rejected = failure.filter(|_| !request.waiters.is_empty()).cloned();
        self.end(request.id, rejected.map_or(Ended::Dropped, Ended::Rejected));
    }

    pub fn invalidate(&mut self) {
        self.emit(Event::Call { method: Method::Invalidate });
        self.emit(Event::Invalidated);
        self.forget_the_token();
    }

    pub fn may_have_left(&mut self) {
        self.generation += 1;
        self.emit(Event::MayHaveLeft);
        self.forget_the_token();
    }

    fn forget_the_token(&mut self) {
        self.epoch += 1;
        self.held = None;
        self.stored = None;
        self.laid_aside = None;
        for request in self.requests.clone().iter().filter(|request| request.waiters.is_empty()) {
            self.abort(request, AbortReason::Invalidated, None);
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
            storing: self.storing,
            last_request: self.last_request,
            ..Self::new(self.cache, self.kind.clone(), self.is_identified)
        };
    }

    // Calls.

    pub fn get_token(&mut self, now: Moment, policy: &Policy, handle: usize) -> Answered {
        self.emit(Event::Call { method: Method::GetToken });
        self.drop_what_is_over(now);
        if self.is_nobody_there() {
            return Answered::Refused(Failure::nobody_signed_in());
        }
        if let Some(joined) = self.join(Method::GetToken, true, handle) {
            return joined;
        }
        if let Some(held) = self.held.clone().filter(|held| held.is_usable(now, policy)) {
            let remaining = held.remaining(now, policy);
            self.emit(Event::CacheHit { remaining });
            let is_due = policy.refresh_ahead > 0 && remaining <= held.stretch(policy);
            let is_running = self.requests.iter().any(|request| request.epoch == self.epoch);
            let is_cooling = self.cool_down.left(now).or(self.background_cool_down.left(now)).is_some();
            if is_due && !is_running && !is_cooling {
                self.begin(now, policy, Reason::Ahead, handle, Vec::new());
            }
            return Answered::Token(held);
        }
        let joined = self.join(Method::GetToken, false, handle);
        joined.unwrap_or_else(|| self.begin_or_refuse(now, policy, Reason::Get, handle))
    }

    /// Rule 25: what `getToken` would answer with at this moment if nothing at all had to happen for it.
    pub fn gives_at_once(&self, at: Moment, policy: &Policy, person: Option<&str>) -> Option<&Held> {
        let held = self.held.as_ref().filter(|held| self.person == Some(person) && held.is_usable(at, policy))?;
        let is_joined = self.requests.iter().any(|request| request.epoch == self.epoch && !request.waiters.is_empty());
        let is_refreshed = policy.refresh_ahead > 0 && held.remaining(at, policy) <= held.stretch(policy);
        (!is_joined && !is_refreshed && !self.is_nobody_there()).then_some(held)
    }

    pub fn get_fresh_token(&mut self, now: Moment, policy: &Policy, handle: usize) -> Answered {
        self.emit(Event::Call { method: Method::GetFreshToken });
        self.drop_what_is_over(now);
        if self.is_nobody_there() {
            return Answered::Refused(Failure::nobody_signed_in());
        }
        let joined = self.join(Method::GetFreshToken, false, handle);
        joined.unwrap_or_else(|| self.begin_or_refuse(now, policy, Reason::Fresh, handle))
    }

    pub fn has_token(&mut self, now: Moment, policy: &Policy) -> bool {
        self.emit(Event::Call { method: Method::HasToken });
        self.drop_what_is_over(now);
        self.held.as_ref().is_some_and(|held| held.is_usable(now, policy))
    }

    fn is_nobody_there(&self) -> bool {
        self.is_identified && self.person == Some(None) && !matches!(self.kind, Kind::Token(_))
    }

    fn drop_what_is_over(&mut self, now: Moment) {
        let whole_life = Policy { margin: Some(0), ..Policy::default() };
        if self.held.as_ref().is_some_and(|held| !held.is_usable(now, &whole_life)) {
            self.held = None;
            if self.laid_aside.is_none() {
                self.stored = None;
            }
        }
    }

    fn join(&mut self, method: Method, demanded_only: bool, handle: usize) -> Option<Answered> {
        if self.kind == Kind::Code {
            return None;
        }
        let fits =
            |request: &&mut Request| request.epoch == self.epoch && !(demanded_only && request.waiters.is_empty());
        // There are several only where several were carried over: then the latest.
        let request = self.requests.iter_mut().filter(fits).max_by_key(|request| request.id)?;
        request.waiters.push(handle);
        let id = request.id;
        self.emit(Event::Joined { request: id.0, method });
        Some(Answered::Wait(id))
    }

    fn begin_or_refuse(&mut self, now: Moment, policy: &Policy, reason: Reason, handle: usize) -> Answered {
        if let Some(remaining) = self.cool_down.left(now) {
            self.emit(Event::CoolingDown { remaining });
            return Answered::Refused(match &self.cool_down.repeated {
                Some(repeated) => Failure { retry_after: Some(remaining), ..repeated.clone() },
                None => Failure::cooling_down(remaining),
            });
        }
        Answered::Wait(self.begin(now, policy, reason, handle, vec![handle]))
    }

    fn begin(
        &mut self,
        now: Moment,
        policy: &Policy,
        reason: Reason,
        beginner: usize,
        waiters: Vec<usize>,
    ) -> RequestId {
        self.last_request += 1;
        let id = RequestId(self.last_request);
        self.emit(Event::RequestBegan { request: id.0, reason });
        let began = now.monotonic;
        let work = Self::attempt(now, 1, began, policy);
        self.expected.begun.push(Attempt { request: id, number: 1, reason });
        let (epoch, policy) = (self.epoch, *policy);
        self.requests.push(Request { id, epoch, reason, began, beginner, waiters, policy, work });
        id
    }

    fn attempt(now: Moment, number: u32, began: i64, policy: &Policy) -> Work {
        let last = began + policy.timeout.max(policy.patience);
        Work::Running { number, sent: now, deadline: last.min(now.monotonic + policy.timeout) }
    }

    pub fn leave(&mut self, id: RequestId, handle: usize) {
        let Some(request) = self.requests.iter_mut().find(|request| request.id == id) else { return };
        // Its function keeps its place among the others as long as any of its calls waits.
        let position = request.waiters.iter().rposition(|waiter| *waiter == handle).expect("it waits");
        request.waiters.remove(position);
        let request = request.clone();
        if request.waiters.is_empty() {
            self.abort(&request, AbortReason::Abandoned, None);
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

    /// The source answered, and everyone has said who is signed in; with `signed` where that is a JWT that is right.
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
        self.read(now, &request, sent, token, entity, signed, answer);
        self.move_on(now);
    }

    #[allow(clippy::too_many_arguments, reason = "an answer, and the request that it is to")]
    fn read(
        &mut self,
        now: Moment,
        request: &Request,
        sent: Moment,
        token: &str,
        entity: &str,
        signed: Option<&Signed>,
        answer: Answering,
    ) {
        let since_sent = |lifetime| Held {
            text: token.to_owned(),
            entity: Some(entity.to_owned()),
            issued: None,
            lifetime,
            created: sent.wall,
            created_monotonic: Some(sent.monotonic),
        };
        match answer {
            Answering::Raw { seconds, .. } => self.succeeded(now, request, since_sent(seconds * 1_000), false),
            Answering::Finished { lifetime, created, .. } => {
                if lifetime < 100_000 {
                    self.emit(Event::ShortLifetime { request: request.id.0, lifetime });
                }
                let (held, is_skewed) = Self::since_creation(now, now.wall + created, since_sent(lifetime));
                self.succeeded(now, request, held, is_skewed);
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
                        return self.answered_badly(now, request, "JWT's iat");
                    }
                }
                self.succeeded(now, request, held, is_skewed);
            }
            Answering::Code { .. } => self.succeeded(now, request, code(sent), false),
            Answering::Nonsense(nonsense) => self.answered_badly(now, request, nonsense.answer(token, entity).1),
            Answering::Malformed(malformed) => self.answered_badly(now, request, malformed.answer(token, 1_000).1),
            Answering::WrongCode(wrong) => self.answered_badly(now, request, wrong.answer(token).1),
            Answering::Null if !matches!(self.kind, Kind::Token(_)) => {
                // Who signs JWTs and issues codes knows that nobody is signed in.
                let failure = Failure::nobody_signed_in();
                self.gave_up(now, request, &failure, Ended::Rejected(failure.clone()));
            }
            Answering::Null => self.answered_badly(now, request, "null"),
            Answering::Undefined => self.answered_badly(now, request, "undefined"),
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
        self.gave_up(now, request, &Failure::lasting(ErrorCode::BadAnswer, names), Ended::BadAnswer(names));
    }

    fn succeeded(&mut self, now: Moment, request: &Request, held: Held, is_skewed: bool) {
        let id = request.id.0;
        let is_of_now = request.epoch == self.epoch && self.named_otherwise.is_none();
        let cached = is_of_now && self.cache != Cache::None && self.kind != Kind::Code;
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
            let is_stored = self.laid_aside.is_none() && self.storing == Storage::Keeps;
            if self.cache == Cache::Session && is_stored {
                let person = self.person.unwrap();
                let generation = self.generation;
                self.stored = Some(Stored { held: held.clone(), person, generation, tampering: None });
            }
        }
        self.end(request.id, if request.waiters.is_empty() { Ended::Dropped } else { Ended::Resolved(held) });
    }

    /// `said` are the session's events, for the pauses that it chose.
    pub fn failed(&mut self, now: Moment, attempt: Attempt, failure: &Failure, said: &[Event]) {
        if let Some((position, _)) = self.request_of(attempt) {
            self.attempt_failed(now, position, failure, said);
            if self.requests.iter().all(|request| request.id != attempt.request) {
                self.move_on(now);
            }
        }
    }

    fn attempt_failed(&mut self, now: Moment, position: usize, failure: &Failure, said: &[Event]) {
        let request = &mut self.requests[position];
        let Work::Running { number, .. } = request.work else { panic!("only a running attempt can fail") };
        let id = request.id.0;
        let limit = request.began + request.policy.patience;
        let asked = failure.retry_after.unwrap_or(0).min(LONGEST_RETRY_AFTER);
        let (shortest, longest) = (asked + BACKOFF_FLOOR, asked + backoff_ceiling(number));
        let chosen = said.iter().find_map(|event| match event {
            Event::RequestRetrying { request, delay, code, .. }
                if *request == id && *code != ErrorCode::IdentityChanged =>
            {
                Some(*delay)
            }
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
        let demanded = !request.waiters.is_empty();
        let duration = now.monotonic - request.began;
        self.emit(Event::RequestFailed { request: request.id.0, duration, code: failure.code, demanded });
        let cool_down = if demanded { &mut self.cool_down } else { &mut self.background_cool_down };
        cool_down.begin(now, request.began, failure);
        self.end(request.id, if demanded { rejected } else { Ended::Dropped });
    }

    // Time and the network.

    pub fn wake(&mut self, now: Moment, said: &[Event]) {
        if self.laid_aside.is_some_and(|until| until <= now.monotonic) {
            self.drop_what_is_over(now);
            self.laid_aside = None;
            self.emit(Event::RecordRejected { why: Rejection::Scope });
            self.stored = None;
            if let Some(held) = self.held.clone().filter(|_| self.storing == Storage::Keeps) {
                self.stored = Some(Stored { held, person: None, generation: self.generation, tampering: None });
            }
        }
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
        self.expected.again.push(attempt);
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
