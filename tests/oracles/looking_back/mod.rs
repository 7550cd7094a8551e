//! Random schedules of everything that can happen, played against the session, the oracle and the judge.

mod answers;
mod judge;
mod oracle;
mod sharing;
mod sign_outs;

use custom_identity_provider::core::{
    AbortReason, Attempt, BACKOFF_FLOOR, Cache, Caller, Credential, Effect, ErrorCode, Event, Failure, Grant, Kind,
    Method, Moment, Policy, Reading, Reason, Rejection, Reply, RequestId, SignOutOrigin, backoff_ceiling,
};
use proptest::prelude::*;
use serde_json::json;

use crate::stage::json::{Json, raw, signed};
use crate::stage::{Said, Stage, livechat, runner, settings, signed_jwt, takes_jwts};
use judge::Judge;
use oracle::{Fact, Oracle, Token, asked};

/// The handles of the page: each has an `identity` of its own.
const HANDLES: std::ops::RangeInclusive<u32> = 1..=4;
/// Instead of a person: the handle's identity fails.
const FAILS: u8 = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    GetToken {
        handle: u32,
        policy: usize,
    },
    GetFreshToken {
        handle: u32,
        policy: usize,
    },
    HasToken {
        handle: u32,
        policy: usize,
    },
    Invalidate,
    MayHaveLeft,
    SignOut,
    /// From now on a handle says this; 0: all do.
    Says {
        handle: u32,
        says: u8,
    },
    Answer {
        which: usize,
        kind: usize,
        meanwhile: Meanwhile,
    },
    Fail {
        which: usize,
        kind: usize,
        meanwhile: Meanwhile,
    },
    /// An attempt that is dead settles all the same.
    Late {
        which: usize,
    },
    Pass {
        milliseconds: i64,
    },
    Nap {
        milliseconds: i64,
    },
    Sleep {
        milliseconds: i64,
    },
    SetClock {
        milliseconds: i64,
    },
    Online,
    SignedIn,
    Leave {
        which: usize,
    },
    StorageIsCleared,
    Reload,
}

/// What the page does while it is asked who is signed in: its `identity` is code like any other.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    Nothing,
    Call { handle: u32 },
    Leave { which: usize },
    Invalidate,
    SignOut,
}

/// A schedule that is printed one step a line.
#[derive(Clone)]
struct Schedule(Vec<Step>);

impl std::fmt::Debug for Schedule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|step| write!(formatter, "\n    {step:?}"))
    }
}

fn policies() -> [Policy; 3] {
    [
        Policy::default(),
        Policy { margin: Some(0), refresh_ahead: 60_000, timeout: 3_000, patience: 5_000 },
        Policy { margin: Some(60_000), refresh_ahead: 3_600_000, timeout: 40_000, patience: 10_000 },
    ]
}

fn failures() -> [Failure; 9] {
    let exception = |name: &str| Failure::of_exception(ErrorCode::SsoOauthException, name.to_owned(), Some(400), None);
    [
        Failure::passing(ErrorCode::Network, "no network"),
        Failure::of_status(503, Some(1_000)),
        Failure::of_status(429, Some(20_000)),
        Failure::of_status(503, Some(36_000_000)),
        Failure::of_status(403, None),
        Failure::of_status(400, Some(5_000)),
        Failure::of_status(401, None),
        Failure::of_status(401, Some(30_000)),
        exception("access_denied"),
    ]
}

fn durations() -> impl Strategy<Value = i64> {
    prop_oneof![0..700_i64, 500..12_000_i64, 10_000..70_000_i64, 600_000..4_000_000_i64, Just(10 * 3_600_000)]
}

fn handle() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(1_u32), 3 => Just(2_u32), 1 => 3..=4_u32]
}

fn meanwhile() -> impl Strategy<Value = Meanwhile> {
    prop_oneof![
        12 => Just(Meanwhile::Nothing),
        2 => handle().prop_map(|handle| Meanwhile::Call { handle }),
        1 => (0..4_usize).prop_map(|which| Meanwhile::Leave { which }),
        1 => Just(Meanwhile::Invalidate),
        1 => Just(Meanwhile::SignOut),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let policy = || 0..3_usize;
    let which = || 0..4_usize;
    let says = prop_oneof![3 => Just(0_u8), 4 => Just(1_u8), 2 => Just(2_u8), 1 => Just(FAILS)];
    prop_oneof![
        8 => (handle(), policy()).prop_map(|(handle, policy)| Step::GetToken { handle, policy }),
        4 => (handle(), policy()).prop_map(|(handle, policy)| Step::GetFreshToken { handle, policy }),
        2 => (handle(), policy()).prop_map(|(handle, policy)| Step::HasToken { handle, policy }),
        1 => Just(Step::Invalidate),
        1 => Just(Step::MayHaveLeft),
        1 => Just(Step::SignOut),
        5 => (prop_oneof![3 => Just(0_u32), 4 => handle()], says).prop_map(|(handle, says)| Step::Says { handle, says }),
        8 => (which(), 0..7_usize, meanwhile()).prop_map(|(which, kind, meanwhile)| Step::Answer { which, kind, meanwhile }),
        4 => (which(), 0..9_usize, meanwhile()).prop_map(|(which, kind, meanwhile)| Step::Fail { which, kind, meanwhile }),
        1 => (0..20_usize).prop_map(|which| Step::Late { which }),
        5 => durations().prop_map(|milliseconds| Step::Pass { milliseconds }),
        1 => durations().prop_map(|milliseconds| Step::Nap { milliseconds }),
        1 => durations().prop_map(|milliseconds| Step::Sleep { milliseconds }),
        1 => (durations(), any::<bool>()).prop_map(|(by, back)| Step::SetClock { milliseconds: if back { -by } else { by } }),
        1 => Just(Step::Online),
        1 => Just(Step::SignedIn),
        1 => which().prop_map(|which| Step::Leave { which }),
        1 => Just(Step::StorageIsCleared),
        2 => Just(Step::Reload),
    ]
}

fn schedule() -> impl Strategy<Value = Schedule> {
    proptest::collection::vec(step(), 1..30).prop_map(Schedule)
}

/// What the session has to say during one step, in any order.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    begins: Vec<(u32, u32, Reason)>,
    /// Requests whose callers are asked who is signed in before the source is asked again.
    again: Vec<u32>,
    stops: Vec<u32>,
    resolved: Vec<(u32, String)>,
    rejected: Vec<(u32, ErrorCode)>,
    /// Handles that are refused alone, while their request may go on.
    refused: Vec<(u32, u32, ErrorCode)>,
    dropped: Vec<u32>,
    stored: usize,
    forgotten: usize,
    events: Vec<String>,
}

impl Expected {
    fn sorted(mut self) -> Self {
        self.begins.sort_by_key(|(request, ..)| *request);
        self.again.sort_unstable();
        self.stops.sort_unstable();
        self.resolved.sort();
        self.rejected.sort_by_key(|(request, _)| *request);
        self.refused.sort_by_key(|(request, handle, _)| (*request, *handle));
        self.dropped.sort_unstable();
        self.events.sort_unstable();
        self
    }
}

/// What a call is answered with at once: a token, the request to wait for, or a refusal and when to come again.
#[derive(Debug, PartialEq)]
enum Replied {
    Token(String),
    Wait(u32),
    Refused(ErrorCode, Option<i64>),
}

struct Play {
    stage: Stage,
    /// Of the handle that called last.
    policy: Policy,
    oracle: Oracle,
    judge: Judge,
    kind: Kind,
    expected: Expected,
    requests: u32,
    /// Every token that a source made.
    tokens: Vec<Token>,
    /// What each request was answered with: a code is not in the grant.
    answers: Vec<(u32, String)>,
    /// What the identity of each handle says, from the first on.
    says: Vec<u8>,
    /// Attempts that were sent, in any page.
    sent: Vec<Attempt>,
    /// The stored token, whose it is, and the generation it was written in.
    record: Option<(Token, u8, Option<String>)>,
}

fn name(person: u8) -> Option<String> {
    match person {
        0 => None,
        1 => Some("ann".to_owned()),
        _ => Some("grace".to_owned()),
    }
}

fn reading(says: u8) -> Reading {
    if says == FAILS { Reading::Failed } else { Reading::Says(name(says)) }
}

fn text(token: &Token) -> String {
    format!("token {} of {:?}", token.number, name(token.person))
}

impl Play {
    fn new(cache: Cache, kind: Kind) -> Self {
        Self {
            stage: Stage::new(settings(cache, kind.clone())),
            policy: Policy::default(),
            oracle: Oracle::new(cache, kind == Kind::Code),
            judge: Judge::new(kind.clone()),
            kind,
            expected: Expected::default(),
            requests: 0,
            tokens: Vec::new(),
            answers: Vec::new(),
            says: HANDLES.map(|_| 1).collect(),
            sent: Vec::new(),
            record: None,
        }
    }

    fn now(&self) -> Moment {
        self.stage.now
    }

    fn takes_jwts(&self) -> bool {
        takes_jwts(&self.kind)
    }

    fn says(&self, handle: u32) -> u8 {
        self.says[handle as usize - 1]
    }

    /// What the page sees of a grant.
    fn text_of(&self, grant: &Grant, request: Option<RequestId>) -> String {
        match &grant.credential {
            Credential::Token(token) => token.access_token.clone(),
            Credential::Jwt(jwt) => jwt.text.clone(),
            Credential::Code => {
                let request = request.expect("a code is never in hand").0;
                self.answers.iter().rfind(|(answered, _)| *answered == request).expect("no answer").1.clone()
            }
        }
    }

    fn heard(&self, said: &[Said]) -> Expected {
        let mut heard = Expected::default();
        for Said { effect, .. } in said {
            match effect {
                Effect::Confirm(attempt) => heard.again.push(attempt.request.0),
                Effect::Begin(attempt) => heard.begins.push((attempt.request.0, attempt.number, attempt.reason)),
                Effect::Stop(request) => heard.stops.push(request.0),
                Effect::Resolve(request, grant) => {
                    heard.resolved.push((request.0, self.text_of(grant, Some(*request))));
                }
                Effect::Reject(request, failure) => heard.rejected.push((request.0, failure.code)),
                Effect::Refuse(request, caller, failure) => heard.refused.push((request.0, caller.0, failure.code)),
                Effect::Drop(request) => heard.dropped.push(request.0),
                Effect::Store(_) => heard.stored += 1,
                Effect::Forget => heard.forgotten += 1,
                Effect::Emit(Event::Call { .. }) => {}
                // How long a pause is, the session draws itself.
                Effect::Emit(Event::RequestRetrying { code, .. }) if *code != ErrorCode::IdentityChanged => {}
                Effect::Emit(event) => heard.events.push(format!("{event:?}")),
            }
        }
        heard
    }

    /// The source's answer, of which a JWT's claims are found again by its text.
    fn tell(&mut self, attempt: Attempt, answer: serde_json::Value) {
        if answer.get("token").is_some() {
            self.stage.jwts.push(answer.clone());
        }
        self.stage.answer(attempt, &Json(answer).answer());
    }

    fn note(&mut self, fact: Fact) {
        let now = self.now();
        self.oracle.note(now, fact);
    }

    fn event(&mut self, event: Event) {
        self.expected.events.push(format!("{event:?}"));
    }

    fn forget(&mut self) {
        if self.oracle.cache == Cache::Session {
            self.expected.forgotten += 1;
        }
        self.record = None;
    }

    /// Rules 8, 12 and 27: a handle says who is signed in.
    fn observe(&mut self, person: u8, readings: &[(u32, u8)]) {
        match self.oracle.who() {
            Some(known) if known == person => {}
            None => {
                self.note(Fact::Named { person });
                self.restore(person);
            }
            Some(0) => self.come_in(person, readings),
            Some(_) => {
                self.event(Event::IdentityChanged);
                self.end_everything(Fact::Became { person }, AbortReason::IdentityChanged);
            }
        }
    }

    fn restore(&mut self, person: u8) {
        if self.oracle.cache != Cache::Session {
            return;
        }
        let Some((token, whose, generation)) = self.record.clone() else { return };
        let now = self.now();
        let restored = Token { is_own: false, ..token };
        let why = if generation != self.stage.generation {
            Rejection::SignedOut
        } else if whose != person && person == 0 {
            // Not knowing yet who is signed in is not the same as nobody.
            return self.note(Fact::LaidAside);
        } else if whose != person {
            Rejection::Scope
        } else if restored.created.wall > now.wall + 5_000 {
            Rejection::Future
        } else if restored.remaining(now, Some(restored.least_margin(&self.policy))) > 0 {
            let remaining = restored.remaining(now, Some(restored.least_margin(&self.policy)));
            self.event(Event::Restored { remaining });
            return self.note(Fact::Restored { token: restored });
        } else {
            self.note(Fact::FoundExpired { token: restored });
            Rejection::Expired
        };
        self.event(Event::RecordRejected { why });
        self.forget();
    }

    /// Rule 27: who comes where nobody was is served, and so is who waits.
    fn come_in(&mut self, person: u8, readings: &[(u32, u8)]) {
        let now = self.now();
        self.event(Event::IdentityChanged);
        let is_laid_aside = self.oracle.laid_aside_until().is_some();
        self.note(Fact::CameIn { person });
        let mut carried_over = Vec::new();
        for request in self.oracle.running() {
            if !self.oracle.is_demanded(request) {
                self.abort(request, AbortReason::IdentityChanged);
                continue;
            }
            if self.oracle.attempt(request).is_some() {
                self.expected.stops.push(request);
            }
            let attempt = self.attempts(request);
            self.event(Event::RequestRetrying { request, attempt, code: ErrorCode::IdentityChanged, delay: 0 });
            self.note(Fact::CarriedOver { request });
            carried_over.push(request);
        }
        if is_laid_aside {
            self.restore(person);
        } else {
            self.forget();
        }
        for request in carried_over {
            let is_theirs =
                self.oracle.waiters(request).iter().all(|(waiting, _)| readings.contains(&(*waiting, person)));
            if is_theirs && let Some(token) = self.oracle.usable(now, &self.policy).cloned() {
                self.event(Event::CacheHit { remaining: token.remaining(now, self.policy.margin) });
                self.expected.resolved.push((request, text(&token)));
                self.note(Fact::Served { request });
            } else {
                self.send(request);
            }
        }
    }

    /// Rules 7 and 8: nothing of the old epoch is left.
    fn end_everything(&mut self, fact: Fact, why: AbortReason) {
        for request in self.oracle.running() {
            self.abort(request, why);
        }
        self.note(fact);
        self.forget();
    }

    fn abort(&mut self, request: u32, why: AbortReason) {
        if self.oracle.attempt(request).is_some() {
            self.expected.stops.push(request);
        }
        self.event(Event::RequestAborted { request, why });
        let code = match why {
            AbortReason::SignedOut => Some(ErrorCode::SignedOut),
            AbortReason::IdentityChanged => Some(ErrorCode::IdentityChanged),
            _ => None,
        };
        match code {
            Some(code) if self.oracle.is_demanded(request) => self.expected.rejected.push((request, code)),
            _ => self.expected.dropped.push(request),
        }
        self.note(Fact::Aborted { request });
    }

    /// Rule 5: what was in hand is forgotten, and what nobody waits for is ended.
    fn forget_token(&mut self, fact: Fact, event: Event) {
        self.event(event);
        for request in self.oracle.running() {
            if !self.oracle.is_demanded(request) {
                self.abort(request, AbortReason::Invalidated);
            }
        }
        self.note(fact);
        self.forget();
    }

    /// Rule 10: a token whose life is over is gone for good.
    fn drop_expired(&mut self) {
        let now = self.now();
        if self.oracle.held().is_some_and(|token| token.remaining(now, Some(0)) <= 0) {
            self.note(Fact::Expired);
            // A guest's token was not stored where somebody's record is laid aside.
            if self.oracle.laid_aside_until().is_none() {
                self.forget();
            }
        }
    }

    fn send(&mut self, request: u32) {
        let attempt = self.attempts(request) + 1;
        let reason = self.oracle.reason(request);
        self.note(Fact::Sent { request, attempt });
        self.expected.begins.push((request, attempt, reason));
    }

    fn begin(&mut self, handle: u32, policy: Policy, reason: Reason) -> u32 {
        self.requests += 1;
        let request = self.requests;
        self.event(Event::RequestBegan { request, reason });
        self.note(Fact::Began { request, reason, policy, handle });
        self.send(request);
        request
    }

    fn join(&mut self, request: u32, handle: u32, method: Method) -> Replied {
        self.event(Event::Joined { request, method });
        self.note(Fact::Joined { request, handle });
        Replied::Wait(request)
    }

    fn expected_reply(&mut self, handle: u32, policy: Policy, reason: Reason) -> Replied {
        let now = self.now();
        let method = if reason == Reason::Get { Method::GetToken } else { Method::GetFreshToken };
        if !matches!(self.kind, Kind::Token(_)) && self.says(handle) == 0 {
            return Replied::Refused(ErrorCode::NotSignedIn, None);
        }
        if reason == Reason::Get {
            if let Some(request) = self.oracle.joinable(true) {
                return self.join(request, handle, method);
            }
            if let Some(token) = self.oracle.usable(now, &policy).cloned() {
                self.event(Event::CacheHit { remaining: token.remaining(now, policy.margin) });
                if self.oracle.refreshes_ahead(now, &policy, &token) {
                    self.begin(handle, policy, Reason::Ahead);
                }
                return Replied::Token(text(&token));
            }
        }
        if let Some(request) = self.oracle.joinable(false) {
            return self.join(request, handle, method);
        }
        if let Some((remaining, code)) = self.oracle.cool_down(now, false) {
            self.event(Event::CoolingDown { remaining });
            return Replied::Refused(code, Some(remaining));
        }
        let request = self.begin(handle, policy, reason);
        self.note(Fact::Joined { request, handle });
        Replied::Wait(request)
    }

    fn call(&mut self, handle: u32, policy: usize, reason: Reason) {
        let policy = policies()[policy];
        self.policy = policy;
        let says = self.says(handle);
        let expected = if says == FAILS {
            Replied::Refused(ErrorCode::BadIdentity, None)
        } else {
            self.observe(says, &[(handle, says)]);
            self.drop_expired();
            self.expected_reply(handle, policy, reason)
        };
        let caller = Caller(handle);
        let reply = if reason == Reason::Get {
            self.stage.get_token(caller, &policy)
        } else {
            self.stage.get_fresh_token(caller, &policy)
        };
        let reply = match reply {
            Reply::Token(grant) => Replied::Token(self.text_of(&grant, None)),
            Reply::Wait(request) => Replied::Wait(request.0),
            Reply::Refuse(failure) => Replied::Refused(failure.code, failure.retry_after),
        };
        self.judge.is_read(handle, reading(says));
        match &reply {
            Replied::Token(text) => self.judge.answered_at_once(handle, text),
            Replied::Wait(request) => self.judge.waits(handle, *request),
            Replied::Refused(code, _) => self.judge.refused_at_once(handle, *code),
        }
        assert_eq!(reply, expected, "the reply");
    }

    /// One of the attempts that run, if there is any.
    fn pick(&self, which: usize) -> Option<Attempt> {
        let running: Vec<u32> =
            self.oracle.running().into_iter().filter(|request| self.oracle.attempt(*request).is_some()).collect();
        let request = *running.get(which % running.len().max(1))?;
        let (number, _) = self.oracle.attempt(request)?;
        Some(Attempt { request: RequestId(request), number, reason: self.oracle.reason(request) })
    }

    fn runs(&self, attempt: Attempt) -> bool {
        let request = attempt.request.0;
        self.oracle.running().contains(&request)
            && self.oracle.attempt(request).is_some_and(|(number, _)| number == attempt.number)
    }

    /// A token of the person for whom the source was asked, made now.
    fn made(&mut self, sent: Moment, lifetime: i64, issued: i64, entity: u32) -> Token {
        let token = Token {
            number: self.tokens.len() as u32 + 1,
            person: self.oracle.who().expect("nobody asked the page who is signed in"),
            created: sent,
            lifetime,
            issued,
            entity,
            is_own: true,
        };
        self.tokens.push(token.clone());
        token
    }

    /// The token as its maker's date has it, if that can be believed; else as it was asked for.
    fn dated(&self, token: Token, sent: Moment, creation: i64) -> (Token, bool) {
        let age = (sent.wall - creation).max(0);
        let created = Moment { wall: sent.wall - age, monotonic: sent.monotonic - age };
        let stated = Token { created, is_own: true, ..token.clone() };
        let is_believed = creation <= self.now().wall + 5_000 && stated.remaining(self.now(), Some(0)) > 0;
        if is_believed { (stated, false) } else { (Token { created: sent, is_own: true, ..token }, true) }
    }

    /// What a source of LiveChat's answers with, and what has to come of it.
    fn livechat_answer(
        &mut self,
        request: u32,
        sent: Moment,
        kind: usize,
    ) -> (serde_json::Value, Result<Token, ErrorCode>) {
        let lifetime = [28_800_000, 3_600_000, 60_000, 5_000][kind % 4];
        // The last kind is of another customer.
        let entity = u32::from(kind == 6);
        let token = self.made(sent, lifetime, 0, entity);
        let entity = format!("entity {entity} of {}", token.person);
        match kind {
            0..=3 => (raw(&text(&token), &entity, lifetime / 1_000), Ok(token)),
            4 => {
                let wrong = json!({ "access_token": text(&token), "entity_id": entity, "token_type": "Bearer", "expires_in": -1 });
                (wrong, Err(ErrorCode::BadAnswer))
            }
            _ => {
                // A finished token that was made half an hour ago, or will be in an hour.
                let creation = sent.wall + if kind == 5 { -1_800_000 } else { 3_600_000 };
                let finished = json!({ "accessToken": text(&token), "entityId": entity, "tokenType": "Bearer",
                                       "expiresIn": lifetime, "creationDate": creation });
                if lifetime < 100_000 {
                    self.event(Event::ShortLifetime { request, lifetime });
                }
                let (token, is_skewed) = self.dated(token, sent, creation);
                if is_skewed {
                    self.event(Event::ClockSkew { request });
                }
                (finished, Ok(token))
            }
        }
    }

    /// What a service that signs JWTs answers with, whatever its clock says, and what has to come of it.
    fn jwt_answer(&mut self, request: u32, sent: Moment, kind: usize) -> (serde_json::Value, Result<Token, ErrorCode>) {
        let lifetime = [28_800_000, 3_600_000, 60_000, 7_500][self.tokens.len() % 4];
        let person = self.oracle.who();
        let mine: Vec<Token> = self.tokens.iter().filter(|token| Some(token.person) == person).cloned().collect();
        let token = match kind {
            4 => return (json!({ "token": "a.b", "parts": 2 }), Err(ErrorCode::BadAnswer)),
            5 => return (json!(null), Err(ErrorCode::NotSignedIn)),
            // One that was served before.
            2 | 3 if !mine.is_empty() => mine[(kind * 7 + self.requests as usize) % mine.len()].clone(),
            _ => {
                let offset = [0, 7_200_000, -7_200_000, -1_800_000][kind % 4];
                let issued = (self.now().wall + offset) / 1_000 * 1_000;
                self.made(sent, lifetime, issued, 0)
            }
        };
        let answer = signed(&text(&token), token.issued, token.lifetime);
        let issued = token.issued;
        let (dated, is_skewed) = self.dated(token, sent, issued);
        let allowed = self.oracle.allowed(self.now(), &dated);
        if is_skewed && allowed.is_some() {
            self.event(Event::ClockSkew { request });
        }
        (answer, allowed.ok_or(ErrorCode::BadAnswer))
    }

    /// Rule 8: everyone who is concerned is asked who is signed in, at that moment; meanwhile the page can do anything. False when
    /// the attempt is dead by then. Else whom a handle named instead, while others are answered.
    fn confirm(&mut self, attempt: Attempt, meanwhile: Meanwhile) -> Option<Option<u8>> {
        let request = attempt.request.0;
        let concerned = self.oracle.concerned(request);
        let readings: Vec<(u32, u8)> = concerned.into_iter().map(|handle| (handle, self.says(handle))).collect();
        let expected: Vec<(Caller, Reading)> =
            readings.iter().map(|(handle, says)| (Caller(*handle), reading(*says))).collect();
        assert_eq!(self.stage.readings(attempt), Some(expected.clone()), "who is asked");
        match meanwhile {
            Meanwhile::Nothing => {}
            Meanwhile::Call { handle } => self.step(Step::GetToken { handle, policy: 0 }),
            Meanwhile::Leave { which } => self.step(Step::Leave { which }),
            Meanwhile::Invalidate => self.step(Step::Invalidate),
            Meanwhile::SignOut => self.step(Step::SignOut),
        }
        for (handle, says) in &readings {
            self.judge.is_read(*handle, reading(*says));
        }
        let moved = if self.runs(attempt) { self.believe(request, &readings) } else { None };
        self.stage.confirm(attempt, &self.policy, &expected);
        if self.runs(attempt) { Some(moved) } else { None }
    }

    fn believe(&mut self, request: u32, readings: &[(u32, u8)]) -> Option<u8> {
        let who = self.oracle.who().expect("nobody asked the page who is signed in");
        let named = readings.iter().map(|(_, says)| *says).find(|says| *says != 0 && *says != FAILS);
        if let Some(person) = named.filter(|_| who == 0) {
            self.observe(person, readings);
            return None;
        }
        let demanded = self.oracle.is_demanded(request);
        for (handle, _) in readings.iter().filter(|(_, says)| *says != who) {
            if self.oracle.waiters(request).iter().any(|(waiting, _)| waiting == handle) {
                let code = if self.says_in(readings, *handle) == FAILS {
                    ErrorCode::BadIdentity
                } else {
                    ErrorCode::IdentityChanged
                };
                self.expected.refused.push((request, *handle, code));
                self.note(Fact::Refused { request, handle: *handle });
            }
        }
        let moved = readings.iter().map(|(_, says)| *says).find(|says| *says != who && *says != FAILS);
        let is_confirmed = readings.iter().any(|(_, says)| *says == who);
        match moved {
            _ if is_confirmed => moved,
            Some(person) => {
                self.observe(person, readings);
                None
            }
            // Who joined while the others were asked has said at that moment who is signed in.
            None if self.oracle.is_demanded(request) => None,
            None => {
                let (begun, _) = self.oracle.policy(request);
                let duration = self.now().monotonic - begun.monotonic;
                self.event(Event::RequestFailed { request, duration, code: ErrorCode::BadIdentity, demanded });
                self.expected.dropped.push(request);
                self.note(Fact::Aborted { request });
                None
            }
        }
    }

    fn says_in(&self, readings: &[(u32, u8)], handle: u32) -> u8 {
        readings.iter().find(|(read, _)| *read == handle).expect("the handle was not asked").1
    }

    fn answer(&mut self, which: usize, kind: usize, meanwhile: Meanwhile) {
        let Some(attempt) = self.pick(which) else { return };
        let request = attempt.request.0;
        let Some(moved) = self.confirm(attempt, meanwhile) else {
            return self.tell(attempt, raw("dead", "entity", 3_600));
        };
        let (_, sent) = self.oracle.attempt(request).unwrap();
        let (answer, outcome) = match self.kind {
            Kind::Token(_) => self.livechat_answer(request, sent, kind),
            Kind::Jwt(_) => self.jwt_answer(request, sent, kind),
            Kind::Code => match kind {
                4 => (json!({ "ssoKey": "a code" }), Err(ErrorCode::BadAnswer)),
                5 => (json!(null), Err(ErrorCode::NotSignedIn)),
                _ => {
                    let token = self.made(sent, 0, 0, 0);
                    (json!(text(&token)), Ok(token))
                }
            },
        };
        let demanded = self.oracle.is_demanded(request);
        match outcome {
            Err(code) => self.give_up(request, code, None),
            Ok(token) => {
                let may_be_cached = self.oracle.cache != Cache::None && !self.oracle.single_use;
                let is_cached = may_be_cached && moved.is_none() && self.oracle.is_current(request);
                if self.oracle.given().next().is_some_and(|last| last.entity != token.entity) {
                    self.event(Event::EntityChanged { request });
                }
                let (begun, _) = self.oracle.policy(request);
                let duration = self.now().monotonic - begun.monotonic;
                let lifetime = token.lifetime;
                self.event(Event::RequestSucceeded { request, duration, lifetime, cached: is_cached });
                self.note(Fact::Succeeded { request, token: token.clone(), is_cached });
                if is_cached && self.oracle.cache == Cache::Session && self.oracle.laid_aside_until().is_none() {
                    self.store(&token);
                }
                self.answers.push((request, text(&token)));
                self.judge.made(&text(&token), attempt);
                if demanded {
                    self.expected.resolved.push((request, text(&token)));
                } else {
                    self.expected.dropped.push(request);
                }
            }
        }
        if let Some(person) = moved {
            self.observe(person, &[]);
        }
        self.tell(attempt, answer);
    }

    fn store(&mut self, token: &Token) {
        self.expected.stored += 1;
        let person = self.oracle.who().expect("nobody asked the page who is signed in");
        self.record = Some((token.clone(), person, self.stage.generation.clone()));
    }

    fn give_up(&mut self, request: u32, code: ErrorCode, retry_after: Option<i64>) {
        let demanded = self.oracle.is_demanded(request);
        let (begun, _) = self.oracle.policy(request);
        let duration = self.now().monotonic - begun.monotonic;
        self.event(Event::RequestFailed { request, duration, code, demanded });
        self.note(Fact::GaveUp { request, demanded, code, retry_after });
        if demanded {
            self.judge.failed(code);
            self.expected.rejected.push((request, code));
        } else {
            self.expected.dropped.push(request);
        }
    }

    fn fail(&mut self, which: usize, kind: usize, meanwhile: Meanwhile) {
        let Some(attempt) = self.pick(which) else { return };
        let failure = failures()[kind].clone();
        let moved = self.confirm(attempt, meanwhile);
        self.stage.fail(attempt, failure.clone());
        if let Some(moved) = moved {
            self.attempt_failed(attempt.request.0, &failure);
            if let Some(person) = moved.filter(|_| !self.oracle.running().contains(&attempt.request.0)) {
                self.observe(person, &[]);
            }
        }
    }

    /// What follows a failed attempt: the session chose whether and when to try again, as far as the rules leave it the choice.
    fn attempt_failed(&mut self, request: u32, failure: &Failure) {
        let now = self.now();
        let (must, may) = self.oracle.retry(request, now, failure.retryable, failure.retry_after);
        let (number, _) = self.oracle.attempt(request).unwrap();
        let chosen = self.stage.said.iter().find_map(|said| match &said.effect {
            Effect::Emit(Event::RequestRetrying { request: retried, delay, attempt, code }) if *retried == request => {
                Some((*delay, *attempt, *code))
            }
            _ => None,
        });
        match chosen {
            Some((delay, attempt, code)) => {
                assert!(may, "request {request} must not be tried again");
                assert_eq!((attempt, code), (number, failure.code));
                let asked = asked(failure.retry_after).unwrap_or(0);
                assert!(
                    (asked + BACKOFF_FLOOR..=asked + backoff_ceiling(number)).contains(&delay),
                    "a pause of {delay}"
                );
                let until = now.monotonic + delay;
                let at_least_until = now.monotonic + asked;
                let retry_after = failure.retry_after;
                self.note(Fact::Paused { request, until, at_least_until, code, retry_after });
            }
            None => {
                assert!(!must, "request {request} must be tried again");
                self.give_up(request, failure.code, failure.retry_after);
            }
        }
    }

    /// Rule 13 by the clock: what is over, and what begins again.
    fn woken(&mut self) {
        let now = self.now();
        if self.oracle.laid_aside_until().is_some_and(|until| until <= now.monotonic) {
            self.drop_expired();
            self.event(Event::RecordRejected { why: Rejection::Scope });
            self.note(Fact::Cleared);
            self.forget();
            if let Some(token) = self.oracle.held().cloned() {
                self.store(&token);
            }
        }
        for request in self.oracle.running() {
            if self.oracle.deadline(request).is_some_and(|deadline| deadline <= now.monotonic) {
                self.expected.stops.push(request);
                self.attempt_failed(request, &Failure::timed_out());
            } else if self.oracle.pause_end(request).is_some_and(|end| end <= now.monotonic) {
                let (begun, policy) = self.oracle.policy(request);
                if begun.monotonic + policy.patience <= now.monotonic {
                    // The timer came late, and nobody's patience lasts that long.
                    let (code, retry_after) = self.oracle.last_failure(request);
                    self.give_up(request, code, retry_after);
                } else {
                    self.expected.again.push(request);
                    self.send(request);
                }
            }
        }
    }

    fn attempts(&self, request: u32) -> u32 {
        let is_sent = |fact: &Fact| matches!(fact, Fact::Sent { request: sent, .. } if *sent == request);
        self.oracle.history.iter().filter(|(_, fact)| is_sent(fact)).count() as u32
    }

    fn pass(&mut self, milliseconds: i64) {
        let end = self.now().monotonic + milliseconds;
        let mut wakes = 0;
        while let Some(due) = self.oracle.next_wake().filter(|due| *due <= end) {
            assert_eq!(self.stage.session.next_wake(), Some(due), "when it wants to be woken");
            let step = (due - self.now().monotonic).max(0);
            self.stage.now.monotonic += step;
            self.stage.now.wall += step;
            self.stage.wake();
            self.woken();
            self.compare("being woken");
            wakes += 1;
            assert!(wakes < 1_000, "it is woken without end");
        }
        self.stage.now.wall += end - self.now().monotonic;
        self.stage.now.monotonic = end;
    }

    fn compare(&mut self, during: &str) {
        let said = self.stage.take();
        let mut heard = self.heard(&said);
        let mut again = Vec::new();
        let texts = std::mem::take(&mut heard.resolved);
        let who = self.stage.session.identity().map(str::to_owned);
        self.judge.hears(&said, &texts, self.policy, self.now(), who.as_deref());
        heard.resolved = texts;
        for Said { effect, .. } in &said {
            if let Effect::Begin(attempt) = effect {
                self.sent.push(*attempt);
            }
            if let Effect::Confirm(attempt) = effect {
                again.push(*attempt);
            }
            if let Effect::Resolve(_, grant) = effect
                && self.takes_jwts()
            {
                let given = self.oracle.given().find(|given| text(given) == self.text_of(grant, None));
                assert!(
                    given.is_none_or(|given| grant.lifetime.created <= given.created.wall),
                    "a JWT lives longer than it may"
                );
            }
        }
        assert_eq!(heard.sorted(), std::mem::take(&mut self.expected).sorted(), "during {during}");
        assert_eq!(self.stage.session.next_wake(), self.oracle.next_wake(), "the next wake after {during}");
        let name_of_text = if self.takes_jwts() { "token" } else { "accessToken" };
        let stored = self.stage.stored.as_ref().map(|record| record[name_of_text].as_str().unwrap().to_owned());
        assert_eq!(stored, self.record.as_ref().map(|(token, ..)| text(token)), "the record after {during}");
        self.judge.finds_in_storage(stored.as_deref());
        if !self.oracle.single_use {
            let began_here =
                self.oracle.running().into_iter().filter(|request| self.oracle.began_in_this_epoch(*request));
            assert!(began_here.count() <= 1, "two requests");
        }
        // Rule 8: before a source is asked again, everyone who is concerned is asked who is signed in.
        for attempt in again {
            if self.runs(attempt) {
                self.confirm(attempt, Meanwhile::Nothing);
                self.compare(&format!("asking again during {during}"));
                // What the source answers is for who is there when it is asked.
                let who = Reading::Says(self.stage.session.identity().map(str::to_owned));
                let readings = self.stage.readings(attempt);
                assert!(readings.is_none_or(|said| said.iter().any(|(_, says)| *says == who)), "asked for nobody");
            }
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::GetToken { handle, policy } => self.call(handle, policy, Reason::Get),
            Step::GetFreshToken { handle, policy } => self.call(handle, policy, Reason::Fresh),
            Step::HasToken { handle, policy } => {
                self.policy = policies()[policy];
                let says = self.says(handle);
                let expected = (says != FAILS).then(|| {
                    self.observe(says, &[(handle, says)]);
                    self.drop_expired();
                    self.oracle.usable(self.now(), &policies()[policy]).is_some()
                });
                self.judge.is_read(handle, reading(says));
                assert_eq!(self.stage.has_token(Caller(handle), &self.policy).ok(), expected, "hasToken");
            }
            Step::Invalidate => {
                self.judge.forgets();
                self.forget_token(Fact::Invalidated, Event::Invalidated);
                self.stage.invalidate();
            }
            Step::MayHaveLeft => {
                self.judge.forgets();
                self.forget_token(Fact::MayHaveLeft, Event::MayHaveLeft);
                self.stage.may_have_left();
            }
            Step::SignOut => {
                self.judge.signs_out();
                let origin = SignOutOrigin::OtherTab;
                self.event(Event::SignedOut { origin });
                self.end_everything(Fact::SignedOut, AbortReason::SignedOut);
                self.stage.sign_out(origin);
            }
            Step::Says { handle, says } => {
                for one in HANDLES.filter(|one| handle == 0 || *one == handle) {
                    self.says[one as usize - 1] = says;
                    self.stage.others.insert(Caller(one), reading(says));
                }
            }
            Step::Answer { which, kind, meanwhile } => self.answer(which, kind, meanwhile),
            Step::Fail { which, kind, meanwhile } => self.fail(which, kind, meanwhile),
            Step::Late { which } => {
                let dead: Vec<Attempt> = self.sent.iter().copied().filter(|attempt| !self.runs(*attempt)).collect();
                let Some(attempt) = dead.get(which % dead.len().max(1)).copied() else { return };
                assert_eq!(self.stage.readings(attempt), None, "a dead attempt is heard by nobody");
                let says: Vec<_> = HANDLES.map(|handle| (Caller(handle), reading(self.says(handle)))).collect();
                self.stage.confirm(attempt, &self.policy, &says);
                self.tell(attempt, raw("dead", "entity", 3_600));
                self.stage.fail(attempt, failures()[4].clone());
            }
            Step::Pass { milliseconds } => self.pass(milliseconds),
            Step::Nap { milliseconds } => {
                self.stage.now.wall += milliseconds;
                self.stage.now.monotonic += milliseconds;
                self.stage.wake();
                self.woken();
            }
            Step::Sleep { milliseconds } | Step::SetClock { milliseconds } => self.stage.now.wall += milliseconds,
            Step::Online => {
                self.note(Fact::Online);
                self.stage.online();
                self.woken();
            }
            Step::SignedIn => {
                self.note(Fact::SignedIn);
                self.judge.starts_anew();
                self.stage.signed_in();
            }
            Step::Leave { which } => {
                let waited: Vec<(u32, u32)> = self
                    .oracle
                    .running()
                    .into_iter()
                    .flat_map(|request| {
                        self.oracle.waiters(request).into_iter().map(move |(handle, _)| (request, handle))
                    })
                    .collect();
                let Some((request, handle)) = waited.get(which % waited.len().max(1)).copied() else { return };
                self.judge.leaves(handle, request);
                self.note(Fact::Left { request, handle });
                if !self.oracle.is_demanded(request) {
                    self.abort(request, AbortReason::Abandoned);
                }
                self.stage.leave(RequestId(request), Caller(handle));
            }
            Step::StorageIsCleared => {
                self.record = None;
                self.stage.stored = None;
            }
            Step::Reload => {
                self.stage.reload();
                self.stage.now.monotonic = 1_000;
                self.judge.reloads();
                self.oracle = Oracle::new(self.oracle.cache, self.oracle.single_use);
            }
        }
        self.compare(&format!("{step:?}"));
        self.look_at_lease(&format!("{step:?}"));
    }

    /// Rule 25: whoever says whatever at whatever moment is given without asking what they would be given, and would cause nothing.
    fn look_at_lease(&self, after: &str) {
        for at in self.stage.moments() {
            for (handle, policy) in HANDLES.flat_map(|handle| policies().map(|policy| (Caller(handle), policy))) {
                for person in 0..FAILS {
                    let Some(grant) = self.stage.lent_to(handle, &policy, name(person).as_deref(), at) else {
                        continue;
                    };
                    let given = self.oracle.given_for_nothing(at, &policy, person).map(text);
                    let lent = self.text_of(grant, None);
                    assert_eq!(Some(lent), given, "lent at {at:?} to {:?}, after {after}", name(person));
                }
            }
        }
    }
}

fn play(cache: Cache, kind: Kind, schedule: &Schedule) {
    let mut play = Play::new(cache, kind);
    for step in &schedule.0 {
        play.judge.begins_step();
        play.step(*step);
    }
    // Silence settles everyone: no request outlives its patience, and who is found to be signed in at a further attempt waits once more.
    play.pass(120_000);
    assert_eq!(play.oracle.running(), [0; 0], "a request runs for ever");
    play.judge.nobody_waits();
}

/// Plays a sixth of the schedules with each kind of session, so that two can run at a time.
fn play_all(cache: Cache, kind: &Kind) {
    let played = runner(167).run(&schedule(), |schedule| {
        play(cache, kind.clone(), &schedule);
        Ok(())
    });
    if let Err(error) = played {
        panic!("{error}");
    }
}

#[test]
fn rules_01_to_27_hold_in_every_schedule_with_a_stored_token() {
    play_all(Cache::Session, &livechat());
}

#[test]
fn rules_01_to_27_hold_in_every_schedule_with_a_token_in_memory() {
    play_all(Cache::Memory, &livechat());
}

#[test]
fn rules_01_to_27_hold_in_every_schedule_without_caching() {
    play_all(Cache::None, &livechat());
}

#[test]
fn rules_01_to_27_hold_in_every_schedule_with_single_use_codes() {
    play_all(Cache::Memory, &Kind::Code);
}

#[test]
fn rules_01_to_27_hold_in_every_schedule_with_stored_jwts() {
    play_all(Cache::Session, &signed_jwt());
}

#[test]
fn rules_01_to_27_hold_in_every_schedule_with_jwts_in_memory() {
    play_all(Cache::Memory, &signed_jwt());
}

#[test]
fn rule_13_a_broken_backend_sees_a_bounded_rate_however_often_a_widget_retries() {
    let calls = proptest::collection::vec((0..4_u8, 0..400_i64), 2_000);
    let played = runner(1).run(&calls, |calls| {
        let mut stage = Stage::new(settings(Cache::Session, livechat()));
        let (handle, policy) = (Caller(1), Policy::default());
        let mut failures = 0;
        for (call, pause) in calls {
            match call {
                0 => drop(stage.get_token(handle, &policy)),
                1 => drop(stage.get_fresh_token(handle, &policy)),
                2 => stage.invalidate(),
                _ => drop(stage.has_token(handle, &policy)),
            }
            for said in stage.take() {
                if let Effect::Begin(attempt) = said.effect {
                    stage.ask(attempt, &policy);
                    stage.fail(attempt, Failure::of_status(403, None));
                    failures += 1;
                }
            }
            stage.advance(pause);
            stage.wake();
        }
        // 400 s at the most: cool-downs of 2, 4, 8, 16, 32 and then 60 s.
        assert!(failures <= 13, "{failures} requests");
        Ok(())
    });
    if let Err(error) = played {
        panic!("{error}");
    }
}
