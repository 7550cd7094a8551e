//! The one holder of a token: decides who is answered with what, which request begins, joins, is tried again or given up.

use std::cell::Cell;
use std::rc::Rc;

use super::answer::{Answer, Warning, read_answer};
use super::credential::{Grant, Kind};
use super::event::{AbortReason, Event, Method, Reason, Rejection, SignOutOrigin};
use super::failure::{ErrorCode, Failure};
use super::json_web_token::came_again;
use super::lease::{Burst, LATEST_TIMER, LEASE, Lease};
use super::lifetime::Moment;
use super::record::{RecordScope, read_record};
use super::retry::{CoolDown, Jitter, asked_pause, pause};

/// How many of the JWTs that a page was given it recognises when one comes again: a broken cache in front of the signer holds a few.
const REMEMBERED: usize = 16;

/// Numbers requests within one page: all its sessions draw from the same counter.
#[derive(Clone, Debug, Default)]
pub struct RequestCounter(Rc<Cell<u32>>);

impl RequestCounter {
    fn next(&self) -> RequestId {
        self.0.set(self.0.get().wrapping_add(1));
        RequestId(self.0.get())
    }
}

/// One run of the source, with all its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u32);

/// Who calls: one number for each `identity` function of the page, since each says for itself who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller(pub u32);

/// What a caller's own `identity` says at the moment of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// This person is signed in, or nobody.
    Says(Option<String>),
    /// It failed: nobody knows.
    Failed,
}

/// How long a record of somebody's is left alone while nobody is signed in: a page that has just been loaded may not know yet. Milliseconds.
pub const LATE_IDENTITY: i64 = 10_000;

/// How much longer than its deadline a tab is waited for that asks for all. Milliseconds.
pub const TURN_GRACE: i64 = 1_000;

/// How long tokens are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Not at all: every call asks the source, or joins who is asking.
    None,
    /// Until the page is left.
    Memory,
    /// Beyond the page, as a record in storage.
    Session,
}

impl Cache {
    /// Each at its number: the order is that of `CACHES` in `pkg/src/options.js`.
    pub const ALL: [Self; 3] = [Self::None, Self::Memory, Self::Session];

    /// The cache of this number; none where a later version of the package knows more of them than this core.
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The name as JavaScript sees it.
    ///
    /// ```
    /// use custom_identity_provider::core::Cache;
    ///
    /// assert_eq!(Cache::numbered(0).map(Cache::name), Some("none"));
    /// assert_eq!(Cache::numbered(3), None);
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Memory => "memory",
            Self::Session => "session",
        }
    }
}

/// What is fixed for the life of a session.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long tokens are kept.
    pub cache: Cache,
    /// What the widget needs of its source.
    pub kind: Kind,
    /// The page says who is signed in, and its answer can change.
    pub is_identified: bool,
    /// Seeds the jitter of retries.
    pub seed: u32,
    /// Where request numbers come from.
    pub counter: RequestCounter,
}

/// What the options of the calling handle say. Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long before its end a token counts as expired, if set.
    pub margin: Option<i64>,
    /// How long before it counts as expired a token is refreshed in the background; 0: never.
    pub refresh_ahead: i64,
    /// Deadline of one attempt.
    pub timeout: i64,
    /// How long a request is tried again.
    pub patience: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { margin: None, refresh_ahead: 0, timeout: 10_000, patience: 30_000 }
    }
}

/// One call of the source, to be answered with its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The request it belongs to.
    pub request: RequestId,
    /// The first is 1.
    pub number: u32,
    /// Why the source is asked.
    pub reason: Reason,
}

/// What a caller gets at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A usable token was in hand.
    Token(Rc<Grant>),
    /// The answer comes with this request.
    Wait(RequestId),
    /// Nothing begins now.
    Refuse(Failure),
}

/// What the driver has to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Have everyone who is concerned say who is signed in, and tell [`Session::confirm`]: somebody else may have come while this attempt's
    /// request paused, and the source answers for who is there.
    Confirm(Attempt),
    /// Call the source, if the attempt still runs.
    Begin(Attempt),
    /// Abort the running attempt of this request; its answer is of no interest any more.
    Stop(RequestId),
    /// Who waits for this request gets the token; the request is over.
    Resolve(RequestId, Rc<Grant>),
    /// Who waits for this request gets the failure; the request is over.
    Reject(RequestId, Failure),
    /// This caller alone gets the failure; the request goes on.
    Refuse(RequestId, Caller, Failure),
    /// Nobody waits for this request; it is over.
    Drop(RequestId),
    /// Write the record.
    Store(Rc<Grant>),
    /// Remove the record.
    Forget,
    /// Tell `onEvent`.
    Emit(Event),
}

/// Where a request stands. Times by the monotonic clock.
#[derive(Debug)]
enum Progress {
    Running {
        sent: Moment,
        deadline: i64,
        /// Its source was not asked yet: another tab may be asking for all.
        waits: bool,
    },
    /// Between two attempts; the earlier one failed with this.
    Pausing { until: i64, at_least_until: i64, failure: Failure },
    /// Begun when nobody was signed in; somebody is now, and it is about to be asked for them.
    CarriedOver,
}

#[derive(Debug)]
struct Request {
    id: RequestId,
    epoch: u32,
    reason: Reason,
    beginner: Caller,
    /// Who waits, and with how many calls. Nobody: a background refresh that nobody joined.
    waiters: Vec<(Caller, u32)>,
    begun: Moment,
    attempt: u32,
    timeout: i64,
    patience: i64,
    /// When another tab's token has to have been created at the earliest, by the wall clock.
    newer_than: i64,
    progress: Progress,
}

impl Request {
    fn is_demanded(&self) -> bool {
        !self.waiters.is_empty()
    }

    fn joined_by(&mut self, caller: Caller) {
        match self.waiters.iter_mut().find(|(waiting, _)| *waiting == caller) {
            Some((_, calls)) => *calls = calls.saturating_add(1),
            None => self.waiters.push((caller, 1)),
        }
    }

    /// So many of a caller's calls wait no longer.
    fn left_by(&mut self, caller: Caller, calls: u32) {
        if let Some((_, waiting)) = self.waiters.iter_mut().find(|(waiting, _)| *waiting == caller) {
            *waiting = waiting.saturating_sub(calls);
        }
        self.waiters.retain(|(_, calls)| *calls > 0);
    }

    /// Until when it is tried again, by the monotonic clock.
    fn patient_until(&self) -> i64 {
        self.begun.monotonic.saturating_add(self.patience)
    }

    /// The source is asked now; so long others were waited for before.
    fn send(&mut self, now: Moment, waited: i64) {
        let end = self.begun.monotonic.saturating_add(self.patience.max(self.timeout)).saturating_add(waited);
        let deadline = now.monotonic.saturating_add(self.timeout).min(end);
        self.progress = Progress::Running { sent: now, deadline, waits: false };
    }

    fn next_attempt(&mut self, now: Moment) -> Attempt {
        self.attempt = self.attempt.saturating_add(1);
        self.send(now, 0);
        Attempt { request: self.id, number: self.attempt, reason: self.reason }
    }
}

/// The state machine. Facts go in by its methods, in the order in which they happen; after each, [`Session::poll_effect`] says
/// what to do and [`Session::next_wake`] when to call [`Session::wake`].
///
/// ```
/// use custom_identity_provider::core::{
///     Account, Answer, Cache, Caller, Effect, Fields, Kind, Moment, Policy, Reply, RequestCounter, Session, Settings, Value,
/// };
///
/// # struct Object(Vec<(&'static str, Value)>);
/// # impl Fields for Object {
/// #     fn field(&self, name: &str) -> Value {
/// #         self.0.iter().find(|(known, _)| *known == name).map_or(Value::Missing, |(_, value)| value.clone())
/// #     }
/// # }
/// # fn text(text: &str) -> Value {
/// #     Value::Text(text.to_owned())
/// # }
/// let kind = Kind::Token(Account::default());
/// let counter = RequestCounter::default();
/// let mut session = Session::new(Settings { cache: Cache::Memory, kind, is_identified: false, seed: 1, counter });
/// let (policy, caller) = (Policy::default(), Caller(1));
/// let at = |milliseconds| Moment { wall: 1_700_000_000_000 + milliseconds, monotonic: milliseconds };
/// // What it wants done, but for what it tells `onEvent`.
/// let next = |session: &mut Session| loop {
///     match session.poll_effect() {
///         Some(Effect::Emit(_)) => {}
///         other => break other,
///     }
/// };
///
/// // Two calls make one request.
/// let Reply::Wait(request) = session.get_token(at(0), &policy, caller) else { panic!("there is no token yet") };
/// assert_eq!(session.get_token(at(5), &policy, caller), Reply::Wait(request));
/// let Some(Effect::Begin(attempt)) = next(&mut session) else { panic!("the source is to be called") };
/// assert_eq!(attempt.request, request);
///
/// // Its answer resolves both, and is used from then on.
/// let answer = Object(vec![
///     ("access_token", text("dal:kdKUJ4zfR1")),
///     ("entity_id", text("b7eff798-f8df-4364-8059")),
///     ("expires_in", Value::Number(28_800.0)),
///     ("token_type", text("Bearer")),
/// ]);
/// session.confirm(at(300), attempt, &[]);
/// session.answered(at(300), attempt, &Answer::Object(&answer));
/// assert!(matches!(next(&mut session), Some(Effect::Resolve(resolved, _)) if resolved == request));
/// assert!(matches!(session.get_token(at(400), &policy, caller), Reply::Token(_)));
///
/// // Until the page says that it is no good.
/// session.invalidate();
/// assert!(!session.has_token(at(500), &policy));
/// ```
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    /// Who the page said is signed in; outermost none: it was not asked yet.
    identity: Option<Option<String>>,
    /// Counts up at invalidate, sign-out and change of identity.
    epoch: u32,
    held: Option<Rc<Grant>>,
    /// What this identity was given, the latest last; what comes next is compared with it.
    given: Vec<Rc<Grant>>,
    requests: Vec<Request>,
    cool_down: CoolDown,
    /// Failures of background refreshes cost the callers nothing, so they are counted apart.
    cool_down_ahead: CoolDown,
    /// Until when a record of somebody's is left alone while nobody is signed in, by the monotonic clock.
    laid_aside_until: Option<i64>,
    /// Whom a caller named instead, while others of the same request were answered.
    moved_to: Option<Option<String>>,
    /// A token was invalidated, and nothing was asked for since.
    is_invalidated: bool,
    /// What other tabs got before may be as bad as what was invalidated; by the wall clock.
    not_before: i64,
    jitter: Jitter,
    burst: Burst,
    /// A few at most: taken from the front.
    effects: Vec<Effect>,
}

impl Session {
    /// A session that holds nothing and has not been told who is signed in.
    pub fn new(settings: Settings) -> Self {
        let jitter = Jitter::new(settings.seed);
        Self {
            settings,
            identity: None,
            epoch: 0,
            held: None,
            given: Vec::new(),
            requests: Vec::new(),
            cool_down: CoolDown::default(),
            cool_down_ahead: CoolDown::default(),
            laid_aside_until: None,
            moved_to: None,
            is_invalidated: false,
            not_before: i64::MIN,
            jitter,
            burst: Burst::default(),
            effects: Vec::new(),
        }
    }

    /// What to do next, until there is nothing.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        if self.effects.is_empty() { None } else { Some(self.effects.remove(0)) }
    }

    /// The request that began last, of those that still run.
    pub fn latest_request(&self) -> Option<RequestId> {
        self.requests.last().map(|request| request.id)
    }

    /// When [`Session::wake`] is due, by the monotonic clock.
    pub fn next_wake(&self) -> Option<i64> {
        self.requests
            .iter()
            .filter_map(|request| match request.progress {
                Progress::Running { deadline, .. } => Some(deadline),
                Progress::Pausing { until, .. } => Some(until),
                Progress::CarriedOver => None,
            })
            .chain(self.laid_aside_until)
            .min()
    }

    /// Who is signed in, as last observed.
    pub fn identity(&self) -> Option<&str> {
        self.identity.as_ref().and_then(|identity| identity.as_deref())
    }

    /// The page says who is signed in; to be told before every call. True where now is the moment to read the record and
    /// [`Session::restore`] it; in any case [`Session::proceed`] comes next.
    pub fn observe(&mut self, identity: Option<&str>) -> bool {
        if self.identity.as_ref().is_some_and(|known| known.as_deref() == identity) {
            return false;
        }
        let Some(known) = self.identity.replace(identity.map(str::to_owned)) else { return true };
        self.emit(Event::IdentityChanged);
        if known.is_some() {
            self.end_everything(AbortReason::IdentityChanged);
            return false;
        }
        self.carry_over()
    }

    /// Somebody signed in where nobody was: what was nobody's is forgotten, and who still waits is served for the person. True where a
    /// record that was laid aside may be theirs.
    fn carry_over(&mut self) -> bool {
        self.begin_epoch();
        for request in std::mem::take(&mut self.requests) {
            if request.is_demanded() {
                if matches!(request.progress, Progress::Running { .. }) {
                    self.effects.push(Effect::Stop(request.id));
                }
                let (id, attempt) = (request.id.0, request.attempt);
                self.emit(Event::RequestRetrying { request: id, attempt, code: ErrorCode::IdentityChanged, delay: 0 });
                self.requests.push(Request { epoch: self.epoch, progress: Progress::CarriedOver, ..request });
            } else {
                self.end(request, AbortReason::IdentityChanged);
            }
        }
        let is_laid_aside = self.laid_aside_until.take().is_some();
        if !is_laid_aside {
            self.forget();
        }
        is_laid_aside
    }

    /// Asks for the person what was asked for nobody, where the record that was restored does not answer it: it does for those alone
    /// who have just said, in these readings, that they are the person's.
    pub fn proceed(&mut self, now: Moment, policy: &Policy, readings: &[(Caller, Reading)]) {
        for mut request in std::mem::take(&mut self.requests) {
            let is_confirmed = |(waiting, _): &(Caller, u32)| {
                let says = |(caller, reading): &(Caller, Reading)| {
                    caller == waiting
                        && matches!(reading, Reading::Says(Some(person)) if Some(person.as_str()) == self.identity())
                };
                readings.iter().any(says)
            };
            if !matches!(request.progress, Progress::CarriedOver) {
                self.requests.push(request);
            } else if request.waiters.iter().all(is_confirmed)
                && let Some(grant) = self.usable(now, policy)
            {
                self.emit(Event::CacheHit { remaining: grant.lifetime.remaining(now, policy.margin) });
                self.effects.push(Effect::Resolve(request.id, grant));
            } else {
                request.begun = now;
                let attempt = request.next_attempt(now);
                self.effects.push(Effect::Begin(attempt));
                self.requests.push(request);
            }
        }
    }

    /// The callers who wait for a running attempt, or who began it where nobody waits: each has its own identity read before
    /// the answer. None: the attempt was stopped, and whatever comes of it concerns nobody.
    pub fn concerned(&self, attempt: Attempt) -> Option<Vec<Caller>> {
        let (position, _) = self.running(attempt)?;
        let request = self.requests.get(position)?;
        if request.is_demanded() {
            Some(request.waiters.iter().map(|(caller, _)| *caller).collect())
        } else {
            Some(vec![request.beginner])
        }
    }

    /// What those who are concerned say of who is signed in, at the moment of the answer: who says something else than the request was
    /// begun for is refused it. True as with [`Session::observe`].
    pub fn confirm(&mut self, now: Moment, attempt: Attempt, readings: &[(Caller, Reading)]) -> bool {
        let Some((position, _)) = self.running(attempt) else { return false };
        let named = readings.iter().find_map(|(_, reading)| match reading {
            Reading::Says(Some(person)) => Some(person.as_str()),
            _ => None,
        });
        if self.identity().is_none() && named.is_some() {
            return self.observe(named);
        }
        let demanded = self.requests.get(position).is_some_and(Request::is_demanded);
        let mut moved_to = None;
        self.moved_to = None;
        let mut is_confirmed = false;
        for (caller, reading) in readings {
            let failure = match reading {
                Reading::Says(identity) if self.identity() == identity.as_deref() => {
                    is_confirmed = true;
                    continue;
                }
                Reading::Says(identity) => {
                    moved_to.get_or_insert_with(|| identity.clone());
                    Failure::identity_changed()
                }
                Reading::Failed => Failure::unknown_identity(),
            };
            let Some(request) = self.requests.get_mut(position) else { continue };
            let waited = request.waiters.len();
            request.left_by(*caller, u32::MAX);
            if request.waiters.len() < waited {
                self.effects.push(Effect::Refuse(attempt.request, *caller, failure));
            }
        }
        if is_confirmed {
            self.moved_to = moved_to;
        } else if let Some(identity) = moved_to {
            return self.observe(identity.as_deref());
        } else if self.requests.get(position).is_some_and(|request| !request.is_demanded()) {
            // Who joined while the others were asked has just said who is signed in, and waits on.
            let request = self.requests.remove(position);
            let duration = now.monotonic.saturating_sub(request.begun.monotonic);
            self.emit(Event::RequestFailed { request: request.id.0, duration, code: ErrorCode::BadIdentity, demanded });
            self.effects.push(Effect::Drop(request.id));
        }
        false
    }

    /// The record that was found in storage, if any.
    pub fn restore(&mut self, now: Moment, policy: &Policy, expected: RecordScope<'_>, record: &Answer<'_>) {
        let read = match record {
            Answer::Object(fields) => read_record(*fields, &self.settings.kind, expected, now),
            _ => Err(Rejection::Corrupt),
        };
        let rejection = match read {
            Ok(grant) => {
                let grant = Rc::new(grant);
                self.given.push(Rc::clone(&grant));
                // A large margin is the caller's own: what it will not use may do for another.
                let margin = grant.lifetime.margin(policy.margin).min(grant.lifetime.margin(None));
                let remaining = grant.lifetime.remaining(now, Some(margin));
                if remaining > 0 {
                    self.emit(Event::Restored { remaining });
                    self.held = Some(grant);
                    return;
                }
                Rejection::Expired
            }
            Err(Rejection::Scope) if self.settings.is_identified && self.identity().is_none() => {
                self.laid_aside_until = Some(now.monotonic.saturating_add(LATE_IDENTITY));
                return;
            }
            Err(why) => why,
        };
        self.emit(Event::RecordRejected { why: rejection });
        self.forget();
    }

    /// Somebody asks for a token.
    pub fn get_token(&mut self, now: Moment, policy: &Policy, caller: Caller) -> Reply {
        self.emit(Event::Call { method: Method::GetToken });
        self.drop_expired(now);
        if self.is_nobody_there() {
            return Reply::Refuse(Failure::nobody_signed_in());
        }
        if let Some(request) = self.join(Method::GetToken, caller, Request::is_demanded) {
            return Reply::Wait(request);
        }
        if let Some(grant) = self.usable(now, policy) {
            self.emit(Event::CacheHit { remaining: grant.lifetime.remaining(now, policy.margin) });
            self.refresh_ahead(now, policy, caller, &grant);
            return Reply::Token(grant);
        }
        self.join_or_begin(now, policy, caller, Method::GetToken, Reason::Get)
    }

    /// Whether, and for how long, who calls with this identity and by these rules may be given the token again that [`Session::get_token`] just
    /// replied with: until this session is told or asked anything else, the reply would be the same, and nothing would begin.
    pub fn lease(
        &mut self,
        now: Moment,
        policy: &Policy,
        identity: Option<&str>,
        replied: &Rc<Grant>,
    ) -> Option<Lease> {
        let is_in_hand = self.held.as_ref().is_some_and(|held| Rc::ptr_eq(held, replied));
        let is_awaited = self.requests.iter().any(|request| request.epoch == self.epoch && request.is_demanded());
        // Neither its end nor that of the time without a refresh ahead may come before the latest timer.
        let later = |clock: i64| clock.saturating_add(LEASE + LATEST_TIMER);
        let latest = Moment { wall: later(now.wall), monotonic: later(now.monotonic) };
        let is_lent = self.burst.goes_on(now)
            && is_in_hand
            && !is_awaited
            && self.identity() == identity
            && !replied.is_in_last_stretch(latest, policy.margin, policy.refresh_ahead);
        is_lent.then(|| Lease { from: now.wall, until: now.wall.saturating_add(LEASE) })
    }

    /// Somebody asks for a token that is not the one in hand.
    pub fn get_fresh_token(&mut self, now: Moment, policy: &Policy, caller: Caller) -> Reply {
        self.emit(Event::Call { method: Method::GetFreshToken });
        self.drop_expired(now);
        if self.is_nobody_there() {
            return Reply::Refuse(Failure::nobody_signed_in());
        }
        self.join_or_begin(now, policy, caller, Method::GetFreshToken, Reason::Fresh)
    }

    /// Whether a usable token is in hand.
    pub fn has_token(&mut self, now: Moment, policy: &Policy) -> bool {
        self.emit(Event::Call { method: Method::HasToken });
        self.drop_expired(now);
        self.usable(now, policy).is_some()
    }

    /// Forget the token; what is on its way belongs to an older epoch from now on.
    pub fn invalidate(&mut self) {
        self.emit(Event::Call { method: Method::Invalidate });
        self.is_invalidated = true;
        for request in &mut self.requests {
            request.newer_than = i64::MAX;
        }
        self.forget_token(Event::Invalidated);
    }

    /// The person may have left without a word: what is in hand is forgotten as by [`Session::invalidate`], and nobody who waits is
    /// rejected, for they may have just come.
    pub fn may_have_left(&mut self) {
        self.forget_token(Event::MayHaveLeft);
    }

    fn forget_token(&mut self, why: Event) {
        self.epoch = self.epoch.wrapping_add(1);
        self.held = None;
        self.laid_aside_until = None;
        self.forget();
        self.emit(why);
        for mut request in std::mem::take(&mut self.requests) {
            if request.is_demanded() {
                // Whose source was not asked yet is answered with what comes after this.
                if matches!(request.progress, Progress::Running { waits: true, .. }) {
                    request.epoch = self.epoch;
                }
                self.requests.push(request);
            } else {
                self.end(request, AbortReason::Invalidated);
            }
        }
    }

    /// The page says that somebody just signed in: what was refused to nobody may be asked for at once.
    pub fn signed_in(&mut self) {
        self.cool_down = CoolDown::default();
    }

    /// The person leaves, here or in another tab.
    pub fn sign_out(&mut self, origin: SignOutOrigin) {
        self.emit(Event::SignedOut { origin });
        self.end_everything(AbortReason::SignedOut);
    }

    /// A caller's own signal was aborted.
    pub fn leave(&mut self, id: RequestId, caller: Caller) {
        let Some(position) = self.requests.iter().position(|request| request.id == id) else { return };
        let Some(request) = self.requests.get_mut(position) else { return };
        let waited = request.is_demanded();
        request.left_by(caller, 1);
        if waited && !request.is_demanded() {
            let request = self.requests.remove(position);
            self.end(request, AbortReason::Abandoned);
        }
    }

    /// This attempt asks its source only when it is its turn among the tabs that ask together: told as soon as it begins.
    pub fn wait_for_turn(&mut self, attempt: Attempt) {
        let Some((position, _)) = self.running(attempt) else { return };
        if let Some(Request { timeout, progress: Progress::Running { sent, deadline, waits }, .. }) =
            self.requests.get_mut(position)
        {
            *waits = true;
            *deadline = sent.monotonic.saturating_add(Self::longest_turn(*timeout)).saturating_add(*timeout);
        }
    }

    /// How long an attempt with this deadline waits for other tabs, and how much longer a request can take where it does. Milliseconds.
    ///
    /// ```
    /// use custom_identity_provider::core::Session;
    ///
    /// assert_eq!(Session::longest_turn(10_000), 11_000);
    /// ```
    pub fn longest_turn(timeout: i64) -> i64 {
        timeout.saturating_add(TURN_GRACE)
    }

    /// It is the attempt's turn: its source is asked now, and whatever it answers is from now. [`Session::confirm`] comes first.
    pub fn take_turn(&mut self, now: Moment, attempt: Attempt) {
        if let Some((position, since)) = self.running(attempt)
            && let Some(request) = self.requests.get_mut(position)
        {
            request.send(now, now.monotonic.saturating_sub(since.monotonic));
        }
    }

    /// Whether this attempt is under way.
    pub fn is_running(&self, attempt: Attempt) -> bool {
        self.running(attempt).is_some()
    }

    /// What another tab hands on to an attempt that waits for its turn, if it may be taken: it is validated as a stored record is, and neither
    /// older than what was asked for nor over for who asks. Then [`Session::confirm`] comes, and [`Session::take`].
    pub fn offered(
        &self,
        now: Moment,
        attempt: Attempt,
        policy: &Policy,
        expected: RecordScope<'_>,
        record: &Answer<'_>,
    ) -> Option<Grant> {
        let (position, _) = self.running(attempt)?;
        let newer_than = self.requests.get(position)?.newer_than;
        let Answer::Object(fields) = record else { return None };
        let mut grant = read_record(*fields, &self.settings.kind, expected, now).ok()?;
        for given in &self.given {
            grant.goes_on_from(given);
        }
        let lifetime = grant.lifetime;
        (lifetime.created >= newer_than && lifetime.is_usable(now, policy.margin)).then_some(grant)
    }

    /// Answers an attempt with what another tab handed on.
    pub fn take(&mut self, now: Moment, attempt: Attempt, mut grant: Grant) {
        let Some((position, _)) = self.running(attempt) else { return };
        let request = self.requests.remove(position);
        let known = self.given.iter().position(|given| grant.goes_on_from(given));
        let remaining = grant.lifetime.remaining(now, Some(0));
        let (grant, _, has_changed_entity) = self.keep(&request, grant, known);
        self.emit(Event::RequestShared { request: request.id.0, remaining });
        self.deliver(&request, grant, has_changed_entity);
        self.move_on();
    }

    /// What other tabs of the same person may be handed.
    pub fn shareable(&self, now: Moment) -> Option<Rc<Grant>> {
        self.usable(now, &Policy::default())
    }

    /// The source answered an attempt. [`Session::confirm`] comes first.
    pub fn answered(&mut self, now: Moment, attempt: Attempt, answer: &Answer<'_>) {
        let Some((position, sent)) = self.running(attempt) else { return };
        let request = self.requests.remove(position);
        match read_answer(answer, &self.settings.kind, sent, now) {
            Ok((mut grant, warnings)) => {
                let known = self.given.iter().position(|given| grant.goes_on_from(given));
                if known.is_some() && !grant.lifetime.is_usable(now, Some(0)) {
                    self.give_up(now, &request, came_again());
                } else {
                    self.succeed(now, &request, grant, &warnings, known);
                }
            }
            Err(failure) => self.give_up(now, &request, failure),
        }
        self.move_on();
    }

    /// An attempt failed. [`Session::confirm`] comes first.
    pub fn failed(&mut self, now: Moment, attempt: Attempt, failure: Failure) {
        if let Some((position, _)) = self.running(attempt) {
            let running = self.requests.len();
            self.attempt_failed(now, position, failure);
            if self.requests.len() < running {
                self.move_on();
            }
        }
    }

    /// A request is over: if one of its callers named somebody else, that is who is signed in now.
    fn move_on(&mut self) {
        if let Some(identity) = self.moved_to.take() {
            self.observe(identity.as_deref());
        }
    }

    /// Time passed: deadlines and pauses that are over take effect.
    pub fn wake(&mut self, now: Moment) {
        if self.laid_aside_until.is_some_and(|until| until <= now.monotonic) {
            // Nobody came for it, and a guest's token is stored in its place.
            self.drop_expired(now);
            self.laid_aside_until = None;
            self.emit(Event::RecordRejected { why: Rejection::Scope });
            self.forget();
            if let Some(grant) = &self.held {
                self.effects.push(Effect::Store(Rc::clone(grant)));
            }
        }
        let due: Vec<RequestId> = self.requests.iter().map(|request| request.id).collect();
        for id in due {
            let Some(position) = self.requests.iter().position(|request| request.id == id) else { continue };
            let Some(request) = self.requests.get_mut(position) else { continue };
            match &request.progress {
                Progress::Running { deadline, .. } if *deadline <= now.monotonic => {
                    self.effects.push(Effect::Stop(id));
                    self.attempt_failed(now, position, Failure::timed_out());
                }
                Progress::Pausing { until, failure, .. } if *until <= now.monotonic => {
                    // The timer can come late: the page slept, or was frozen.
                    if now.monotonic < request.patient_until() {
                        let attempt = request.next_attempt(now);
                        self.effects.extend([Effect::Confirm(attempt), Effect::Begin(attempt)]);
                    } else {
                        let failure = failure.clone();
                        let request = self.requests.remove(position);
                        self.give_up(now, &request, failure);
                    }
                }
                _ => {}
            }
        }
    }

    /// The network is back: pauses end, except where the source itself asked for patience.
    pub fn went_online(&mut self, now: Moment) {
        self.cool_down.went_online();
        self.cool_down_ahead.went_online();
        for request in &mut self.requests {
            if let Progress::Pausing { until, at_least_until, .. } = &mut request.progress {
                *until = *at_least_until;
            }
        }
        self.wake(now);
    }

    fn is_single_use(&self) -> bool {
        self.settings.kind == Kind::Code
    }

    /// Whether the widget authenticates people and the page says that nobody is signed in.
    fn is_nobody_there(&self) -> bool {
        self.settings.is_identified && !matches!(self.settings.kind, Kind::Token(_)) && self.identity().is_none()
    }

    fn emit(&mut self, event: Event) {
        self.effects.push(Effect::Emit(event));
    }

    fn forget(&mut self) {
        if self.settings.cache == Cache::Session {
            self.effects.push(Effect::Forget);
        }
    }

    /// A token whose life is over by either clock is gone for good: a clock turned back, or a reload, must not revive it.
    fn drop_expired(&mut self, now: Moment) {
        if self.held.as_ref().is_some_and(|grant| !grant.lifetime.is_usable(now, Some(0))) {
            self.held = None;
            // What was laid aside is another's: a guest's token was not stored in its place.
            if self.laid_aside_until.is_none() {
                self.forget();
            }
        }
    }

    fn usable(&self, now: Moment, policy: &Policy) -> Option<Rc<Grant>> {
        self.held.as_ref().filter(|grant| grant.lifetime.is_usable(now, policy.margin)).map(Rc::clone)
    }

    /// Joins the newest request of this epoch that will do.
    fn join(&mut self, method: Method, caller: Caller, will_do: impl Fn(&Request) -> bool) -> Option<RequestId> {
        if self.is_single_use() {
            return None;
        }
        let epoch = self.epoch;
        let request = self.requests.iter_mut().rfind(|request| request.epoch == epoch && will_do(request))?;
        request.joined_by(caller);
        let id = request.id;
        self.emit(Event::Joined { request: id.0, method });
        Some(id)
    }

    fn join_or_begin(&mut self, now: Moment, policy: &Policy, caller: Caller, method: Method, reason: Reason) -> Reply {
        if let Some(id) = self.join(method, caller, |_| true) {
            if reason == Reason::Fresh
                && let Some(request) = self.requests.iter_mut().find(|request| request.id == id)
            {
                request.newer_than = request.newer_than.max(now.wall);
            }
            return Reply::Wait(id);
        }
        if let Some(remaining) = self.cool_down.remaining(now) {
            self.emit(Event::CoolingDown { remaining });
            return Reply::Refuse(self.cool_down.refusal(remaining));
        }
        Reply::Wait(self.begin(now, policy, reason, caller, vec![(caller, 1)]))
    }

    fn refresh_ahead(&mut self, now: Moment, policy: &Policy, caller: Caller, grant: &Grant) {
        let is_running = self.requests.iter().any(|request| request.epoch == self.epoch);
        let is_cooling_down = self.cool_down.remaining(now).or(self.cool_down_ahead.remaining(now)).is_some();
        if policy.refresh_ahead > 0
            && grant.is_in_last_stretch(now, policy.margin, policy.refresh_ahead)
            && !is_running
            && !is_cooling_down
        {
            self.begin(now, policy, Reason::Ahead, caller, Vec::new());
        }
    }

    fn begin(
        &mut self,
        now: Moment,
        policy: &Policy,
        reason: Reason,
        beginner: Caller,
        waiters: Vec<(Caller, u32)>,
    ) -> RequestId {
        let id = self.settings.counter.next();
        if std::mem::take(&mut self.is_invalidated) {
            self.not_before = now.wall;
        }
        let newer_than = match (reason, &self.held) {
            (Reason::Fresh, _) => now.wall,
            (Reason::Ahead, Some(held)) => held.lifetime.created.saturating_add(1),
            _ => i64::MIN,
        };
        let mut request = Request {
            id,
            epoch: self.epoch,
            reason,
            beginner,
            waiters,
            begun: now,
            attempt: 0,
            timeout: policy.timeout,
            patience: policy.patience,
            newer_than: newer_than.max(self.not_before),
            progress: Progress::Running { sent: now, deadline: now.monotonic, waits: false },
        };
        let attempt = request.next_attempt(now);
        self.requests.push(request);
        self.emit(Event::RequestBegan { request: id.0, reason });
        self.effects.push(Effect::Begin(attempt));
        id
    }

    /// Where the request of a running attempt is, and when the attempt was sent. An attempt that was stopped is not running.
    fn running(&self, attempt: Attempt) -> Option<(usize, Moment)> {
        self.requests.iter().enumerate().find_map(|(position, request)| match request.progress {
            Progress::Running { sent, .. } if request.id == attempt.request && request.attempt == attempt.number => {
                Some((position, sent))
            }
            _ => None,
        })
    }

    /// `known` is where the same JWT stands among those that were given.
    fn succeed(&mut self, now: Moment, request: &Request, grant: Grant, warnings: &[Warning], known: Option<usize>) {
        let (id, lifetime) = (request.id.0, grant.lifetime.expires_in);
        self.cool_down.succeeded();
        self.cool_down_ahead.succeeded();
        let (grant, cached, has_changed_entity) = self.keep(request, grant, known);
        let duration = now.monotonic.saturating_sub(request.begun.monotonic);
        self.emit(Event::RequestSucceeded { request: id, duration, lifetime, cached });
        for warning in warnings {
            self.emit(match warning {
                Warning::ShortLifetime => Event::ShortLifetime { request: id, lifetime },
                Warning::ClockSkew => Event::ClockSkew { request: id },
            });
        }
        self.deliver(request, grant, has_changed_entity);
    }

    /// Keeps what answers a request, where it may: the flags say whether it does, and whether it is another entity's than the last.
    fn keep(&mut self, request: &Request, grant: Grant, known: Option<usize>) -> (Rc<Grant>, bool, bool) {
        let is_current = request.epoch == self.epoch && self.moved_to.is_none();
        let is_cached = is_current && self.settings.cache != Cache::None && !self.is_single_use();
        let grant = Rc::new(grant);
        let last = self.given.last().and_then(|last| last.entity());
        let has_changed_entity = last.zip(grant.entity()).is_some_and(|(last, entity)| last != entity);
        // Only a JWT has to be recognised: of anything else the latest is enough.
        let most = if matches!(self.settings.kind, Kind::Jwt(_)) { REMEMBERED } else { 1 };
        if let Some(position) = known.or((self.given.len() >= most).then_some(0)) {
            self.given.remove(position);
        }
        self.given.push(Rc::clone(&grant));
        if is_cached {
            self.held = Some(Rc::clone(&grant));
            // A guest's record must not take the place of one whose person may be about to come.
            if self.settings.cache == Cache::Session && self.laid_aside_until.is_none() {
                self.effects.push(Effect::Store(Rc::clone(&grant)));
            }
        }
        (grant, is_cached, has_changed_entity)
    }

    fn deliver(&mut self, request: &Request, grant: Rc<Grant>, has_changed_entity: bool) {
        let id = request.id;
        if has_changed_entity {
            self.emit(Event::EntityChanged { request: id.0 });
        }
        self.effects.push(if request.is_demanded() { Effect::Resolve(id, grant) } else { Effect::Drop(id) });
    }

    /// Tries again if that can help and there is time, else gives up.
    fn attempt_failed(&mut self, now: Moment, position: usize, failure: Failure) {
        let Some(request) = self.requests.get_mut(position) else { return };
        if failure.retryable {
            let (id, attempt, code) = (request.id.0, request.attempt, failure.code);
            let delay = pause(&mut self.jitter, attempt, failure.retry_after);
            let until = now.monotonic.saturating_add(delay);
            if until < request.patient_until() {
                let at_least_until = now.monotonic.saturating_add(asked_pause(failure.retry_after).unwrap_or(0));
                request.progress = Progress::Pausing { until, at_least_until, failure };
                self.emit(Event::RequestRetrying { request: id, attempt, code, delay });
                return;
            }
        }
        let request = self.requests.remove(position);
        self.give_up(now, &request, failure);
    }

    fn give_up(&mut self, now: Moment, request: &Request, failure: Failure) {
        let id = request.id;
        let demanded = request.is_demanded();
        let cool_down = if demanded { &mut self.cool_down } else { &mut self.cool_down_ahead };
        cool_down.failed(now, request.begun, &failure);
        let duration = now.monotonic.saturating_sub(request.begun.monotonic);
        self.emit(Event::RequestFailed { request: id.0, duration, code: failure.code, demanded });
        self.effects.push(if demanded { Effect::Reject(id, failure) } else { Effect::Drop(id) });
    }

    /// A new epoch in which nothing of the old one is left: neither token, nor request, nor waiter, nor cool-down.
    fn end_everything(&mut self, why: AbortReason) {
        self.begin_epoch();
        self.laid_aside_until = None;
        self.forget();
        for request in std::mem::take(&mut self.requests) {
            self.end(request, why);
        }
    }

    /// Nothing of the old epoch's person is left but their requests.
    fn begin_epoch(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        self.held = None;
        self.given.clear();
        self.cool_down = CoolDown::default();
        self.cool_down_ahead = CoolDown::default();
    }

    /// Aborts a request that is no longer in the list.
    fn end(&mut self, request: Request, why: AbortReason) {
        let id = request.id;
        if matches!(request.progress, Progress::Running { .. }) {
            self.effects.push(Effect::Stop(id));
        }
        self.emit(Event::RequestAborted { request: id.0, why });
        self.effects.push(match why {
            AbortReason::SignedOut if request.is_demanded() => Effect::Reject(id, Failure::signed_out()),
            AbortReason::IdentityChanged if request.is_demanded() => Effect::Reject(id, Failure::identity_changed()),
            _ => Effect::Drop(id),
        });
    }
}
