//! A tab for the examples: a stage, callers who wait and how each fared, and all that the session did.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use custom_identity_provider::core::{
    Answer, Attempt, Cache, Caller, Credential, Effect, ErrorCode, Event, Failure, Grant, Kind, Policy, Reading,
    Reason, Reply, RequestCounter, RequestId, Settings, SignOutOrigin,
};
use serde_json::Value;

use crate::stage::json::{Json, raw, signed};
use crate::stage::{Said, Stage, livechat, settings, takes_jwts};

/// The caller who speaks for the page where an example needs only one.
pub const PAGE: u32 = 1;

/// One thing that the session did.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    Began(u32, u32, Reason),
    Stopped(u32),
    Resolved(u32, String),
    Rejected(u32, ErrorCode),
    /// One caller alone.
    Refused(u32, u32, ErrorCode),
    Dropped(u32),
    Stored(String),
    Forgot,
    Told(Event),
}

/// How one caller's promise settled.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Token(String),
    Failed(ErrorCode),
}

/// Somebody who waits, or waited.
#[derive(Clone, Debug)]
pub struct Waiter {
    pub request: u32,
    /// Which identity function it has.
    pub number: u32,
    pub outcome: Option<Outcome>,
    pub has_left: bool,
}

pub struct Tab {
    stage: Stage,
    /// Of the handle that calls, unless a call names another.
    pub policy: Policy,
    pub callers: Vec<Waiter>,
    /// Every attempt that began on this page, and for whom.
    pub attempts: Vec<Attempt>,
    pub began_for: Vec<(Attempt, Option<String>)>,
    /// Whose each token is that the source answered with.
    issued: Vec<(String, Option<String>)>,
    /// What requests for codes were answered with.
    codes: Vec<(u32, String)>,
    pub deeds: Vec<Deed>,
    pub stops: Vec<RequestId>,
    pub resolved: Vec<(RequestId, Rc<Grant>)>,
    /// With those who were refused alone.
    pub rejected: Vec<(RequestId, Failure)>,
    pub dropped: Vec<RequestId>,
    /// Invariants that were broken: whatever the rules say of the rest, these never happen.
    broken: Vec<String>,
}

/// The stage's clocks, storage and identities are the tab's.
impl Deref for Tab {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl DerefMut for Tab {
    fn deref_mut(&mut self) -> &mut Stage {
        &mut self.stage
    }
}

impl Tab {
    pub fn new(cache: Cache) -> Self {
        Self::with(settings(cache, livechat()))
    }

    pub fn with(settings: Settings) -> Self {
        Self {
            stage: Stage::new(settings),
            policy: Policy::default(),
            callers: Vec::new(),
            attempts: Vec::new(),
            began_for: Vec::new(),
            issued: Vec::new(),
            codes: Vec::new(),
            deeds: Vec::new(),
            stops: Vec::new(),
            resolved: Vec::new(),
            rejected: Vec::new(),
            dropped: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// The page is loaded anew: memory is gone, storage is not, requests are counted from the start, and the monotonic clock begins elsewhere.
    pub fn reload(&mut self) {
        self.settings.counter = RequestCounter::default();
        self.settings.seed = self.settings.seed.wrapping_mul(31).wrapping_add(7);
        self.stage.reload();
        self.now.monotonic = 3_000;
        self.callers.clear();
        self.attempts.clear();
        self.forget_deeds();
    }

    /// What follows is looked at alone.
    pub fn forget_deeds(&mut self) {
        self.deeds.clear();
        self.stops.clear();
        self.resolved.clear();
        self.rejected.clear();
        self.dropped.clear();
    }

    /// This caller's function says from now on that this person is signed in.
    pub fn says(&mut self, caller: u32, person: Option<&str>) {
        self.others.insert(Caller(caller), Reading::Says(person.map(str::to_owned)));
    }

    /// This caller's function fails from now on.
    pub fn cannot_say(&mut self, caller: u32) {
        self.others.insert(Caller(caller), Reading::Failed);
    }

    /// Hears what the session said, and watches that it may be said.
    fn hear(&mut self) {
        let mut again = Vec::new();
        for Said { effect, person } in self.stage.take() {
            match effect {
                Effect::Confirm(attempt) => again.push(attempt),
                Effect::Begin(attempt) => {
                    let is_it = |begun: &&Attempt| (begun.request, begun.number) == (attempt.request, attempt.number);
                    if self.attempts.iter().any(|begun| is_it(&begun)) {
                        self.broken.push(format!("{attempt:?} began twice"));
                    }
                    self.attempts.push(attempt);
                    self.began_for.push((attempt, person));
                    self.deeds.push(Deed::Began(attempt.request.0, attempt.number, attempt.reason));
                }
                Effect::Stop(request) => {
                    self.stops.push(request);
                    self.deeds.push(Deed::Stopped(request.0));
                }
                Effect::Resolve(request, grant) => {
                    let token = match &grant.credential {
                        Credential::Token(token) => token.access_token.clone(),
                        Credential::Jwt(jwt) => jwt.text.clone(),
                        // The page hands on what the source answered with.
                        Credential::Code => self.codes.iter().rfind(|(of, _)| *of == request.0).unwrap().1.clone(),
                    };
                    self.settle(request.0, None, &Outcome::Token(token.clone()));
                    self.resolved.push((request, grant));
                    self.deeds.push(Deed::Resolved(request.0, token));
                }
                Effect::Reject(request, failure) => {
                    self.settle(request.0, None, &Outcome::Failed(failure.code));
                    self.deeds.push(Deed::Rejected(request.0, failure.code));
                    self.rejected.push((request, failure));
                }
                Effect::Refuse(request, caller, failure) => {
                    self.settle(request.0, Some(caller.0), &Outcome::Failed(failure.code));
                    self.deeds.push(Deed::Refused(request.0, caller.0, failure.code));
                    self.rejected.push((request, failure));
                }
                Effect::Drop(request) => {
                    if self.waiting(request.0) > 0 {
                        self.broken.push(format!("request {} was dropped although somebody waits", request.0));
                    }
                    self.dropped.push(request);
                    self.deeds.push(Deed::Dropped(request.0));
                }
                Effect::Store(grant) => {
                    if self.settings.cache != Cache::Session || self.settings.kind == Kind::Code {
                        self.broken.push("a token that is not to be stored was stored".to_owned());
                    }
                    let text = match &grant.credential {
                        Credential::Token(token) => token.access_token.clone(),
                        Credential::Jwt(jwt) => jwt.text.clone(),
                        Credential::Code => panic!("a code was stored"),
                    };
                    self.deeds.push(Deed::Stored(text));
                }
                Effect::Forget => self.deeds.push(Deed::Forgot),
                Effect::Emit(event) => self.deeds.push(Deed::Told(event)),
            }
        }
        for attempt in again {
            self.stage.ask(attempt, &self.policy);
            self.hear();
        }
    }

    pub fn waiting(&self, request: u32) -> usize {
        let waits = |caller: &&Waiter| caller.request == request && caller.outcome.is_none() && !caller.has_left;
        self.callers.iter().filter(waits).count()
    }

    /// Settles everyone who waits for this request, or those with one identity function.
    fn settle(&mut self, request: u32, number: Option<u32>, outcome: &Outcome) {
        let readings: BTreeMap<u32, Reading> =
            self.callers.iter().map(|caller| (caller.number, self.reading(Caller(caller.number)))).collect();
        let whose = match outcome {
            Outcome::Token(token) => self.issued.iter().rfind(|(issued, _)| issued == token).map(|(_, whose)| whose),
            Outcome::Failed(_) => None,
        };
        let mut settled = 0;
        for caller in &mut self.callers {
            let is_meant = number.is_none_or(|number| number == caller.number);
            if caller.request != request || caller.has_left || !is_meant || caller.outcome.is_some() {
                continue;
            }
            if whose.is_some_and(|whose| readings[&caller.number] != Reading::Says(whose.clone())) {
                self.broken.push(format!("a caller of request {request} got another person's token"));
            }
            caller.outcome = Some(outcome.clone());
            settled += 1;
        }
        if settled == 0 {
            self.broken.push(format!("request {request} was settled although nobody waits"));
        }
    }

    fn waits(&mut self, reply: &Reply, number: u32) {
        if let Reply::Wait(request) = reply {
            self.callers.push(Waiter { request: request.0, number, outcome: None, has_left: false });
        }
        self.hear();
    }

    pub fn get(&mut self) -> Reply {
        self.get_under(&self.policy.clone())
    }

    pub fn get_under(&mut self, policy: &Policy) -> Reply {
        let reply = self.stage.get_token(Caller(PAGE), policy);
        self.waits(&reply, PAGE);
        reply
    }

    pub fn get_as(&mut self, caller: u32) -> Reply {
        let reply = self.stage.get_token(Caller(caller), &self.policy);
        self.waits(&reply, caller);
        reply
    }

    pub fn fresh(&mut self) -> Reply {
        self.fresh_as(PAGE)
    }

    pub fn fresh_as(&mut self, caller: u32) -> Reply {
        let reply = self.stage.get_fresh_token(Caller(caller), &self.policy);
        self.waits(&reply, caller);
        reply
    }

    pub fn has(&mut self) -> bool {
        self.has_under(&self.policy.clone())
    }

    pub fn has_under(&mut self, policy: &Policy) -> bool {
        let has = self.stage.has_token(Caller(PAGE), policy);
        self.hear();
        has.expect("the page's identity failed")
    }

    pub fn has_as(&mut self, caller: u32) -> bool {
        let has = self.stage.has_token(Caller(caller), &self.policy);
        self.hear();
        has.expect("the caller's identity failed")
    }

    pub fn invalidate(&mut self) {
        self.stage.invalidate();
        self.hear();
    }

    pub fn may_have_left(&mut self) {
        self.stage.may_have_left();
        self.hear();
    }

    pub fn sign_out(&mut self, origin: SignOutOrigin) {
        self.stage.sign_out(origin);
        self.hear();
    }

    pub fn signed_in(&mut self) {
        self.stage.signed_in();
        self.hear();
    }

    pub fn answer(&mut self, attempt: Attempt, answer: &Value) {
        self.stage.ask(attempt, &self.policy);
        self.tell_answer(attempt, answer);
    }

    pub fn answer_with_code(&mut self, attempt: Attempt, code: &str) {
        self.answer(attempt, &code.into());
    }

    pub fn answer_with(&mut self, attempt: Attempt, answer: &Answer<'_>) {
        self.stage.ask(attempt, &self.policy);
        self.stage.answer(attempt, answer);
        self.hear();
    }

    /// Those who were asked who is signed in have said this.
    pub fn confirm(&mut self, attempt: Attempt, readings: &[(Caller, Reading)]) {
        self.stage.confirm(attempt, &self.policy, readings);
        self.hear();
    }

    /// The answer itself, after everyone was asked.
    pub fn tell_answer(&mut self, attempt: Attempt, answer: &Value) {
        self.hear();
        if takes_jwts(&self.settings.kind) {
            self.jwts.push(answer.clone());
        }
        for name in ["access_token", "accessToken", "token"] {
            if let Some(token) = answer.get(name).and_then(Value::as_str) {
                let whose = self.began_for.iter().rfind(|(began, _)| *began == attempt);
                self.issued.push((token.to_owned(), whose.and_then(|(_, whose)| whose.clone())));
            }
        }
        if let Some(code) = answer.as_str().or(answer["ssoKey"].as_str()) {
            self.codes.push((attempt.request.0, code.to_owned()));
        }
        self.stage.answer(attempt, &Json(answer.clone()).answer());
        self.hear();
    }

    pub fn fail(&mut self, attempt: Attempt, failure: Failure) {
        self.stage.ask(attempt, &self.policy);
        self.stage.fail(attempt, failure);
        self.hear();
    }

    /// One caller stops waiting; the latest one of this request.
    pub fn leave(&mut self, request: u32) {
        let waits = |caller: &&mut Waiter| caller.request == request && caller.outcome.is_none() && !caller.has_left;
        let leaving = self.callers.iter_mut().rfind(waits).expect("somebody waits");
        leaving.has_left = true;
        let number = leaving.number;
        self.stage.leave(RequestId(request), Caller(number));
        self.hear();
    }

    pub fn online(&mut self) {
        self.stage.online();
        self.hear();
    }

    pub fn wake(&mut self) {
        self.stage.wake();
        self.hear();
    }

    /// Time passes, and the session is woken whenever it asked for it.
    pub fn pass(&mut self, milliseconds: i64) {
        let end = self.now.monotonic + milliseconds;
        while let Some(due) = self.session.next_wake().filter(|due| *due <= end) {
            let until_due = due - self.now.monotonic;
            self.advance(until_due.max(0));
            self.wake();
        }
        let rest = end - self.now.monotonic;
        self.advance(rest);
    }

    /// The attempt that began last.
    pub fn latest(&self) -> Attempt {
        *self.attempts.last().expect("an attempt began")
    }

    /// A token is fetched and in hand.
    pub fn fetch(&mut self, token: &str, seconds: i64) {
        self.fetch_answer(&raw(token, "entity", seconds));
    }

    /// A JWT is fetched, of which this much of its life has passed by its signer's clock.
    pub fn fetch_jwt(&mut self, token: &str, age: i64, lifetime: i64) {
        self.fetch_answer(&signed(token, self.now.wall - age, lifetime));
    }

    /// The source is asked anew and answers with this.
    pub fn fetch_answer(&mut self, answer: &Value) {
        let before = self.attempts.len();
        self.fresh();
        assert_eq!(self.attempts.len(), before + 1, "a request begins");
        self.answer(self.latest(), answer);
    }

    /// How the latest caller fared.
    pub fn outcome(&self) -> Option<Outcome> {
        self.callers.last().expect("somebody called").outcome.clone()
    }

    /// How each caller fared, in the order of their calls.
    pub fn outcomes(&self) -> Vec<Option<Outcome>> {
        self.callers.iter().map(|caller| caller.outcome.clone()).collect()
    }

    pub fn was_told(&self, is_it: impl Fn(&Event) -> bool) -> bool {
        self.deeds.iter().any(|deed| matches!(deed, Deed::Told(event) if is_it(event)))
    }
}

impl Drop for Tab {
    /// The invariants hold in every test, whatever it is about.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.broken.is_empty(), "{:?}", self.broken);
        }
    }
}
