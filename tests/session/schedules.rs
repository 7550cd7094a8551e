//! Random schedules of everything that can happen, played against the session and the oracle.

use custom_identity_provider::core::{
    BACKOFF_FLOOR, Cache, Code, Credential, Event, Failure, Grant, Kind, Moment, Policy, Reason, Reply, RequestId,
    SignOutOrigin, backoff_ceiling,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::oracle::{Fact, Oracle, Token};
use crate::stage::{Stage, jwt, livechat, raw, settings, taken_apart};

/// How many schedules are played, unless `SCHEDULES` says otherwise.
const SCHEDULES: u32 = 2_000;

#[derive(Clone, Copy, Debug)]
enum Step {
    GetToken { policy: usize },
    GetFreshToken { policy: usize },
    HasToken { policy: usize },
    Invalidate,
    SignOut,
    Become { person: u8 },
    Answer { which: usize, kind: usize },
    Fail { which: usize, kind: usize },
    Stale { which: usize },
    Pass { milliseconds: i64 },
    Nap { milliseconds: i64 },
    Sleep { milliseconds: i64 },
    SetClock { milliseconds: i64 },
    Online,
    SignedIn,
    Leave { which: usize },
    Reload,
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

fn failures() -> [Failure; 6] {
    [
        Failure::passing(Code::Network, "no network"),
        Failure::of_status(503, Some(1_000)),
        Failure::of_status(429, Some(20_000)),
        Failure::of_status(503, Some(100_000)),
        Failure::of_status(403, None),
        Failure::of_status(400, Some(5_000)),
    ]
}

fn durations() -> impl Strategy<Value = i64> {
    prop_oneof![0..700_i64, 500..12_000_i64, 10_000..70_000_i64, 600_000..4_000_000_i64, Just(10 * 3_600_000)]
}

fn step() -> impl Strategy<Value = Step> {
    let policy = || 0..3_usize;
    let which = || 0..4_usize;
    prop_oneof![
        6 => policy().prop_map(|policy| Step::GetToken { policy }),
        3 => policy().prop_map(|policy| Step::GetFreshToken { policy }),
        2 => policy().prop_map(|policy| Step::HasToken { policy }),
        1 => Just(Step::Invalidate),
        1 => Just(Step::SignOut),
        2 => (0..3_u8).prop_map(|person| Step::Become { person }),
        6 => (which(), 0..7_usize).prop_map(|(which, kind)| Step::Answer { which, kind }),
        3 => (which(), 0..6_usize).prop_map(|(which, kind)| Step::Fail { which, kind }),
        1 => which().prop_map(|which| Step::Stale { which }),
        5 => durations().prop_map(|milliseconds| Step::Pass { milliseconds }),
        1 => durations().prop_map(|milliseconds| Step::Nap { milliseconds }),
        1 => durations().prop_map(|milliseconds| Step::Sleep { milliseconds }),
        1 => (durations(), any::<bool>()).prop_map(|(by, back)| Step::SetClock { milliseconds: if back { -by } else { by } }),
        1 => Just(Step::Online),
        1 => Just(Step::SignedIn),
        1 => which().prop_map(|which| Step::Leave { which }),
        1 => Just(Step::Reload),
    ]
}

fn schedule() -> impl Strategy<Value = Schedule> {
    proptest::collection::vec(step(), 1..30).prop_map(Schedule)
}

/// What the session has to say during one step, in any order.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    begins: Vec<(u32, u32, Reason)>,
    stops: Vec<u32>,
    resolved: Vec<(u32, String)>,
    rejected: Vec<(u32, Code)>,
    dropped: Vec<u32>,
    stored: usize,
    forgotten: usize,
}

impl Expected {
    fn sorted(mut self) -> Self {
        self.begins.sort_by_key(|(request, ..)| *request);
        self.stops.sort_unstable();
        self.resolved.sort();
        self.rejected.sort_by_key(|(request, _)| *request);
        self.dropped.sort_unstable();
        self
    }
}

struct Play {
    stage: Stage,
    oracle: Oracle,
    kind: Kind,
    expected: Expected,
    requests: u32,
    /// Every token that a source made.
    tokens: Vec<Token>,
    /// What each request was answered with: a code is not in the grant.
    answers: Vec<(u32, String)>,
    person: u8,
    observed: Option<u8>,
    /// The stored token, whose it is, and the generation it was written in.
    record: Option<(Token, u8, u32)>,
}

fn name(person: u8) -> Option<String> {
    match person {
        0 => None,
        1 => Some("ada".to_owned()),
        _ => Some("grace".to_owned()),
    }
}

fn text(token: &Token) -> String {
    format!("token {} of {:?}", token.number, name(token.person))
}

impl Play {
    fn new(cache: Cache, kind: Kind) -> Self {
        let mut stage = Stage::with(settings(cache, kind.clone()));
        stage.identity = name(1);
        Self {
            stage,
            oracle: Oracle::new(cache, kind == Kind::Code),
            kind,
            expected: Expected::default(),
            requests: 0,
            tokens: Vec::new(),
            answers: Vec::new(),
            person: 1,
            observed: None,
            record: None,
        }
    }

    fn now(&self) -> Moment {
        self.stage.now
    }

    fn takes_jwts(&self) -> bool {
        matches!(self.kind, Kind::Jwt { .. })
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

    fn said(&self, said: &crate::stage::Said) -> Expected {
        Expected {
            begins: said.begins.iter().map(|attempt| (attempt.request.0, attempt.number, attempt.reason)).collect(),
            stops: said.stops.iter().map(|request| request.0).collect(),
            resolved: said
                .resolved
                .iter()
                .map(|(request, grant)| (request.0, self.text_of(grant, Some(*request))))
                .collect(),
            rejected: said.rejected.iter().map(|(request, failure)| (request.0, failure.code)).collect(),
            dropped: said.dropped.iter().map(|request| request.0).collect(),
            stored: said.stored,
            forgotten: said.forgotten,
        }
    }

    fn note(&mut self, fact: Fact) {
        let now = self.now();
        self.oracle.note(now, fact);
    }

    fn forget(&mut self) {
        if self.oracle.cache == Cache::Session {
            self.expected.forgotten += 1;
        }
        self.record = None;
    }

    /// Rule 8 and 12: who is signed in is read first, and the first time the record with it.
    fn look(&mut self) {
        match self.observed {
            None => {
                if self.oracle.cache == Cache::Session
                    && let Some((token, person, generation)) = self.record.clone()
                {
                    let restored = Token { is_own: false, ..token };
                    let is_right = person == self.person && generation == self.stage.generation;
                    if is_right && restored.remaining(self.now(), self.stage.policy.margin) > 0 {
                        self.note(Fact::Restored { token: restored });
                    } else {
                        // One from the future was not looked at any further.
                        if is_right && restored.created.wall <= self.now().wall + 5_000 {
                            self.note(Fact::FoundExpired { token: restored });
                        }
                        self.forget();
                    }
                }
            }
            Some(person) if person != self.person => self.end_everything(Fact::Became, Code::IdentityChanged),
            Some(_) => {}
        }
        self.observed = Some(self.person);
    }

    /// Rules 7 and 8: nothing of the old epoch is left.
    fn end_everything(&mut self, why: Fact, code: Code) {
        for request in self.oracle.running() {
            self.abort(request, Some(code));
        }
        self.note(why);
        self.forget();
    }

    fn abort(&mut self, request: u32, code: Option<Code>) {
        if self.oracle.attempt(request).is_some() {
            self.expected.stops.push(request);
        }
        match code {
            Some(code) if self.oracle.waiters(request) > 0 => self.expected.rejected.push((request, code)),
            _ => self.expected.dropped.push(request),
        }
        self.note(Fact::Aborted { request });
    }

    /// Rule 10: a token whose life is over is gone for good.
    fn drop_expired(&mut self) {
        let now = self.now();
        if self.oracle.held().is_some_and(|token| token.remaining(now, Some(0)) <= 0) {
            self.note(Fact::Expired);
            self.forget();
        }
    }

    fn begin(&mut self, policy: Policy, reason: Reason) -> u32 {
        self.requests += 1;
        let request = self.requests;
        self.note(Fact::Began { request, reason, policy });
        self.note(Fact::Sent { request, attempt: 1 });
        self.expected.begins.push((request, 1, reason));
        request
    }

    fn expected_reply(&mut self, policy: Policy, reason: Reason) -> Result<String, Result<u32, Option<i64>>> {
        let now = self.now();
        if !matches!(self.kind, Kind::Token(_)) && self.person == 0 {
            return Err(Err(None));
        }
        if reason == Reason::Get {
            if let Some(request) = self.oracle.joinable(true) {
                self.note(Fact::Joined { request });
                return Err(Ok(request));
            }
            if let Some(token) = self.oracle.usable(now, &policy).cloned() {
                if self.oracle.refreshes_ahead(now, &policy, &token) {
                    self.begin(policy, Reason::Ahead);
                }
                return Ok(text(&token));
            }
        }
        if let Some(request) = self.oracle.joinable(false) {
            self.note(Fact::Joined { request });
            return Err(Ok(request));
        }
        if let Some(remaining) = self.oracle.cool_down(now, false) {
            return Err(Err(Some(remaining)));
        }
        let request = self.begin(policy, reason);
        self.note(Fact::Joined { request });
        Err(Ok(request))
    }

    fn call(&mut self, policy: usize, reason: Reason) {
        let policy = policies()[policy];
        self.stage.policy = policy;
        self.look();
        self.drop_expired();
        let expected = self.expected_reply(policy, reason);
        let reply = if reason == Reason::Get { self.stage.get() } else { self.stage.fresh() };
        let reply = match reply {
            Reply::Token(grant) => Ok(self.text_of(&grant, None)),
            Reply::Wait(request) => Err(Ok(request.0)),
            Reply::Refuse(failure) if failure.code == Code::NotSignedIn => Err(Err(None)),
            Reply::Refuse(failure) => {
                assert_eq!(failure.code, Code::CoolingDown);
                Err(Err(Some(failure.retry_after.unwrap())))
            }
        };
        assert_eq!(reply, expected, "the reply");
    }

    /// One of the attempts that run, if there is any.
    fn pick(&self, which: usize) -> Option<custom_identity_provider::core::Attempt> {
        let running: Vec<u32> =
            self.oracle.running().into_iter().filter(|request| self.oracle.attempt(*request).is_some()).collect();
        let request = *running.get(which % running.len().max(1))?;
        let (number, _) = self.oracle.attempt(request)?;
        Some(custom_identity_provider::core::Attempt { request: RequestId(request), number, reason: Reason::Get })
    }

    fn runs(&self, request: u32) -> bool {
        self.oracle.running().contains(&request)
    }

    /// A token of this person's, made now.
    fn made(&mut self, sent: Moment, lifetime: i64, issued: i64) -> Token {
        let token = Token {
            number: self.tokens.len() as u32 + 1,
            person: self.person,
            epoch: self.oracle.epoch(),
            created: sent,
            lifetime,
            issued,
            is_own: true,
        };
        self.tokens.push(token.clone());
        token
    }

    /// The token as its maker's date has it, if that can be believed; else as it was asked for.
    fn dated(&self, token: Token, sent: Moment, creation: i64) -> Token {
        let age = (sent.wall - creation).max(0);
        let created = Moment { wall: sent.wall - age, monotonic: sent.monotonic - age };
        let stated = Token { created, is_own: true, ..token.clone() };
        let is_believed = creation <= self.now().wall + 5_000 && stated.remaining(self.now(), None) > 0;
        if is_believed { stated } else { Token { created: sent, is_own: true, ..token } }
    }

    /// What a source of LiveChat's answers with, and what has to come of it.
    fn livechat_answer(&mut self, sent: Moment, kind: usize) -> (serde_json::Value, Result<Token, Code>) {
        let lifetime = [28_800_000, 3_600_000, 60_000, 5_000][kind % 4];
        let token = self.made(sent, lifetime, 0);
        let entity = format!("entity of {}", self.person);
        match kind {
            0..=3 => (raw(&text(&token), &entity, lifetime / 1_000), Ok(token)),
            4 => {
                let wrong = json!({ "access_token": text(&token), "entity_id": entity, "token_type": "Bearer", "expires_in": -1 });
                (wrong, Err(Code::BadAnswer))
            }
            _ => {
                // A finished token that was made an hour ago, or will be in an hour.
                let creation = sent.wall + if kind == 5 { -1_800_000 } else { 3_600_000 };
                let finished = json!({ "accessToken": text(&token), "entityId": entity, "tokenType": "Bearer",
                                       "expiresIn": lifetime, "creationDate": creation });
                (finished, Ok(self.dated(token, sent, creation)))
            }
        }
    }

    /// What a service that signs JWTs answers with, whatever its clock says, and what has to come of it.
    fn jwt_answer(&mut self, sent: Moment, kind: usize) -> (serde_json::Value, Result<Token, Code>) {
        let lifetime = [28_800_000, 3_600_000, 60_000, 7_500][self.tokens.len() % 4];
        let mine: Vec<Token> = self.tokens.iter().filter(|token| token.person == self.person).cloned().collect();
        let token = match kind {
            4 => return (json!({ "token": "a.b", "parts": 2 }), Err(Code::BadAnswer)),
            5 => return (json!(null), Err(Code::NotSignedIn)),
            // One that was served before.
            2 | 3 if !mine.is_empty() => mine[(kind * 7 + self.requests as usize) % mine.len()].clone(),
            _ => {
                let offset = [0, 7_200_000, -7_200_000, -1_800_000][kind % 4];
                let issued = (self.now().wall + offset) / 1_000 * 1_000;
                self.made(sent, lifetime, issued)
            }
        };
        let answer = taken_apart(&text(&token), token.issued, token.lifetime);
        let issued = token.issued;
        let dated = self.dated(token, sent, issued);
        (answer, self.oracle.allowed(self.now(), &dated).ok_or(Code::BadAnswer))
    }

    fn answer(&mut self, which: usize, kind: usize) {
        let Some(attempt) = self.pick(which) else { return };
        let request = attempt.request.0;
        let (_, sent) = self.oracle.attempt(request).unwrap();
        self.look();
        let (answer, outcome) = match self.kind {
            Kind::Token(_) => self.livechat_answer(sent, kind),
            Kind::Jwt { .. } => self.jwt_answer(sent, kind),
            Kind::Code => match kind {
                4 => (json!({ "ssoKey": "a code" }), Err(Code::BadAnswer)),
                5 => (json!(null), Err(Code::NotSignedIn)),
                _ => {
                    let token = self.made(sent, 0, 0);
                    (json!(text(&token)), Ok(token))
                }
            },
        };
        if self.runs(request) {
            let is_demanded = self.oracle.waiters(request) > 0;
            match outcome {
                Err(code) => {
                    self.note(Fact::GaveUp { request, demanded: is_demanded, retry_after: None });
                    self.over(request, is_demanded, Err(code));
                }
                Ok(token) => {
                    let is_current = self.oracle.began(request) >= self.oracle.epoch();
                    self.note(Fact::Succeeded { request, token: token.clone() });
                    if is_current && self.oracle.cache == Cache::Session && !self.oracle.single_use {
                        self.expected.stored += 1;
                        self.record = Some((token.clone(), self.person, self.stage.generation));
                    }
                    self.answers.push((request, text(&token)));
                    self.over(request, is_demanded, Ok(text(&token)));
                }
            }
        }
        self.stage.answer(attempt, answer);
    }

    fn over(&mut self, request: u32, is_demanded: bool, outcome: Result<String, Code>) {
        match outcome {
            _ if !is_demanded => self.expected.dropped.push(request),
            Ok(token) => self.expected.resolved.push((request, token)),
            Err(code) => self.expected.rejected.push((request, code)),
        }
    }

    fn fail(&mut self, which: usize, kind: usize) {
        let Some(attempt) = self.pick(which) else { return };
        self.look();
        let failure = failures()[kind].clone();
        self.stage.fail(attempt, failure.clone());
        if self.runs(attempt.request.0) {
            self.attempt_failed(attempt.request.0, &failure);
        }
    }

    /// What follows a failed attempt: the session chose whether and when to try again, as far as the rules leave it the choice.
    fn attempt_failed(&mut self, request: u32, failure: &Failure) {
        let now = self.now();
        let (must, may) = self.oracle.retry(request, now, failure.retryable, failure.retry_after);
        let (number, _) = self.oracle.attempt(request).unwrap();
        let chosen = self.stage.said.events.iter().find_map(|event| match event {
            Event::RequestRetrying { request: retried, delay, attempt, .. } if *retried == request => {
                Some((*delay, *attempt))
            }
            _ => None,
        });
        match chosen {
            Some((delay, attempt)) => {
                assert!(may, "request {request} must not be tried again");
                assert_eq!(attempt, number);
                let asked = failure.retry_after.unwrap_or(0);
                assert!(
                    (asked + BACKOFF_FLOOR..=asked + backoff_ceiling(number)).contains(&delay),
                    "a pause of {delay}"
                );
                let until = now.monotonic + delay;
                let at_least_until = now.monotonic + asked;
                let (code, retry_after) = (failure.code, failure.retry_after);
                self.note(Fact::Paused { request, until, at_least_until, code, retry_after });
            }
            None => {
                assert!(!must, "request {request} must be tried again");
                let demanded = self.oracle.waiters(request) > 0;
                self.note(Fact::GaveUp { request, demanded, retry_after: failure.retry_after });
                self.over(request, demanded, Err(failure.code));
            }
        }
    }

    /// Rule 13 by the clock: what is over, and what begins again.
    fn woken(&mut self) {
        let now = self.now();
        for request in self.oracle.running() {
            if self.oracle.deadline(request).is_some_and(|deadline| deadline <= now.monotonic) {
                self.expected.stops.push(request);
                self.attempt_failed(request, &Failure::timed_out());
            } else if self.oracle.pause_end(request).is_some_and(|end| end <= now.monotonic) {
                let (begun, policy) = self.oracle.policy(request);
                if begun.monotonic + policy.patience <= now.monotonic {
                    // The timer came late, and nobody's patience lasts that long.
                    let (code, retry_after) = self.oracle.last_failure(request);
                    let demanded = self.oracle.waiters(request) > 0;
                    self.note(Fact::GaveUp { request, demanded, retry_after });
                    self.over(request, demanded, Err(code));
                    continue;
                }
                let attempt = self.attempts(request) + 1;
                let reason = match &self.oracle.history[self.oracle.began(request)].1 {
                    Fact::Began { reason, .. } => *reason,
                    _ => unreachable!(),
                };
                self.note(Fact::Sent { request, attempt });
                self.expected.begins.push((request, attempt, reason));
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
        let said = std::mem::take(&mut self.stage.said);
        for (request, grant) in &said.resolved {
            let of = format!("of {:?}", name(self.person));
            assert!(self.text_of(grant, Some(*request)).ends_with(&of), "one person's token reached another");
            if self.takes_jwts() {
                let given = self.oracle.given().next().expect("a JWT was handed out");
                assert!(grant.lifetime.created <= given.created.wall, "a JWT lives longer than it may");
            }
        }
        assert_eq!(self.said(&said).sorted(), std::mem::take(&mut self.expected).sorted(), "during {during}");
        assert_eq!(self.stage.session.next_wake(), self.oracle.next_wake(), "the next wake after {during}");
        let name_of_text = if self.takes_jwts() { "token" } else { "accessToken" };
        let stored = self.stage.stored.as_ref().map(|record| record[name_of_text].as_str().unwrap().to_owned());
        assert_eq!(stored, self.record.as_ref().map(|(token, ..)| text(token)), "the record after {during}");
        if !self.oracle.single_use {
            let epoch = self.oracle.epoch();
            let running = self.oracle.running();
            assert!(
                running.iter().filter(|request| self.oracle.began(**request) >= epoch).count() <= 1,
                "two requests"
            );
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::GetToken { policy } => self.call(policy, Reason::Get),
            Step::GetFreshToken { policy } => self.call(policy, Reason::Fresh),
            Step::HasToken { policy } => {
                self.stage.policy = policies()[policy];
                self.look();
                self.drop_expired();
                let expected = self.oracle.usable(self.now(), &policies()[policy]).is_some();
                assert_eq!(self.stage.has(), expected, "hasToken");
            }
            Step::Invalidate => {
                self.look();
                for request in self.oracle.running() {
                    if self.oracle.waiters(request) == 0 {
                        self.abort(request, None);
                    }
                }
                self.note(Fact::Invalidated);
                self.forget();
                self.stage.invalidate();
            }
            Step::SignOut => {
                self.end_everything(Fact::SignedOut, Code::SignedOut);
                self.stage.sign_out(SignOutOrigin::OtherTab);
            }
            Step::Become { person } => {
                self.person = person;
                self.stage.identity = name(person);
            }
            Step::Answer { which, kind } => self.answer(which, kind),
            Step::Fail { which, kind } => self.fail(which, kind),
            Step::Stale { which } => {
                let Some(attempt) = self.pick(which) else { return };
                let stale = custom_identity_provider::core::Attempt { number: attempt.number + 1, ..attempt };
                self.look();
                self.stage.answer(stale, raw("stale", "entity", 3_600));
                self.stage.fail(stale, failures()[4].clone());
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
                self.stage.signed_in();
            }
            Step::Leave { which } => {
                let waited: Vec<u32> =
                    self.oracle.running().into_iter().filter(|request| self.oracle.waiters(*request) > 0).collect();
                let Some(request) = waited.get(which % waited.len().max(1)).copied() else { return };
                self.note(Fact::Left { request });
                if self.oracle.waiters(request) == 0 {
                    self.abort(request, None);
                }
                self.stage.leave(RequestId(request));
            }
            Step::Reload => {
                self.stage.reload();
                self.oracle = Oracle::new(self.oracle.cache, self.oracle.single_use);
                self.observed = None;
            }
        }
        self.compare(&format!("{step:?}"));
    }
}

fn play(cache: Cache, kind: Kind, schedule: &Schedule) {
    let mut play = Play::new(cache, kind);
    for step in &schedule.0 {
        play.step(*step);
    }
    // Silence settles everyone: no request outlives its patience.
    play.pass(60_000);
    assert_eq!(play.oracle.running(), [0; 0], "a request runs for ever");
}

fn runner(share: u32) -> TestRunner {
    let schedules = std::env::var("SCHEDULES").ok().and_then(|number| number.parse().ok()).unwrap_or(SCHEDULES);
    let cases = (schedules / share).max(1);
    TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() })
}

/// Plays a sixth of the schedules with each kind of session, so that two can run at a time.
fn play_all(cache: Cache, kind: &Kind) {
    let played = runner(6).run(&schedule(), |schedule| {
        play(cache, kind.clone(), &schedule);
        Ok(())
    });
    if let Err(error) = played {
        panic!("{error}");
    }
}

#[test]
fn rules_01_to_22_hold_in_every_schedule_with_a_stored_token() {
    play_all(Cache::Session, &livechat());
}

#[test]
fn rules_01_to_22_hold_in_every_schedule_with_a_token_in_memory() {
    play_all(Cache::Memory, &livechat());
}

#[test]
fn rules_01_to_22_hold_in_every_schedule_without_caching() {
    play_all(Cache::None, &livechat());
}

#[test]
fn rules_01_to_22_hold_in_every_schedule_with_single_use_codes() {
    play_all(Cache::Memory, &Kind::Code);
}

#[test]
fn rules_01_to_22_hold_in_every_schedule_with_stored_jwts() {
    play_all(Cache::Session, &jwt());
}

#[test]
fn rules_01_to_22_hold_in_every_schedule_with_jwts_in_memory() {
    play_all(Cache::Memory, &jwt());
}

#[test]
fn rule_13_a_broken_backend_sees_a_bounded_rate_however_often_a_widget_retries() {
    let calls = proptest::collection::vec((0..4_u8, 0..400_i64), 2_000);
    let played = runner(1_000).run(&calls, |calls| {
        let mut stage = Stage::new(Cache::Session);
        for (call, pause) in calls {
            match call {
                0 => drop(stage.get()),
                1 => drop(stage.fresh()),
                2 => stage.invalidate(),
                _ => drop(stage.has()),
            }
            for attempt in std::mem::take(&mut stage.said.begins) {
                stage.fail(attempt, Failure::of_status(403, None));
                stage.said.dropped.push(attempt.request);
            }
            stage.pass(pause);
        }
        // 400 s at the most: cool-downs of 2, 4, 8, 16, 32 and then 60 s.
        assert!(stage.said.dropped.len() <= 13, "{} requests", stage.said.dropped.len());
        Ok(())
    });
    if let Err(error) = played {
        panic!("{error}");
    }
}
