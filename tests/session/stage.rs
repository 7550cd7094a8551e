//! A stage for a session: a fake clock, a fake storage, and a record of everything the session said.

use std::rc::Rc;

use custom_identity_provider::core::{
    Account, Answer, Attempt, Cache, Caller, Credential, Effect, Event, Failure, Grant, Kind, Moment, Policy,
    RECORD_VERSION, Reading, RecordScope, Reply, RequestCounter, RequestId, Session, Settings, SignOutOrigin, Token,
};
use serde_json::json;

use crate::json::Json;

pub const START: i64 = 1_800_000_000_000;
pub const HOUR: i64 = 3_600_000;

/// What the session said since it was last looked at.
#[derive(Debug, Default, Clone)]
pub struct Said {
    pub begins: Vec<Attempt>,
    pub stops: Vec<RequestId>,
    pub resolved: Vec<(RequestId, Rc<Grant>)>,
    /// With those who were refused alone.
    pub rejected: Vec<(RequestId, Failure)>,
    pub dropped: Vec<RequestId>,
    pub stored: usize,
    pub forgotten: usize,
    pub events: Vec<Event>,
    /// All of it in its order, and who was signed in when an attempt began: for whom its source was asked.
    pub effects: Vec<Effect>,
    pub asked_for: Vec<(Attempt, Option<String>)>,
}

/// The handle that speaks for the page where a test needs only one.
pub const PAGE: Caller = Caller(1);

pub struct Stage {
    pub session: Session,
    pub settings: Settings,
    pub now: Moment,
    pub policy: Policy,
    pub identity: Option<String>,
    /// Handles whose own `identity` says something else than the page's.
    pub others: Vec<(Caller, Reading)>,
    /// The stored record: the token's JSON fields, and whose it is.
    pub stored: Option<serde_json::Value>,
    pub generation: u32,
    pub said: Said,
}

/// Of a page that says who is signed in.
pub fn settings(cache: Cache, kind: Kind) -> Settings {
    Settings { cache, kind, is_identified: true, seed: 7, counter: RequestCounter::default() }
}

/// A LiveChat session's kind, with no account named.
pub fn livechat() -> Kind {
    Kind::Token(Account::default())
}

pub fn jwt() -> Kind {
    Kind::Jwt { may_be_encrypted: false }
}

/// The token of LiveChat's that a grant is.
pub fn token_of(grant: &Grant) -> &Token {
    match &grant.credential {
        Credential::Token(token) => token,
        other => panic!("expected a token, got {other:?}"),
    }
}

/// A JWT as it is when it was taken apart; the times in milliseconds.
pub fn taken_apart(token: &str, issued: i64, lifetime: i64) -> serde_json::Value {
    json!({ "token": token, "parts": 3, "alg": "RS256", "sub": "a contact",
            "iat": issued as f64 / 1_000.0, "exp": (issued + lifetime) as f64 / 1_000.0 })
}

/// An answer in the endpoint's raw shape.
pub fn raw(access_token: &str, entity_id: &str, seconds: i64) -> serde_json::Value {
    json!({ "access_token": access_token, "entity_id": entity_id, "expires_in": seconds, "token_type": "Bearer" })
}

impl Stage {
    pub fn new(cache: Cache) -> Self {
        Self::with(settings(cache, livechat()))
    }

    pub fn with(settings: Settings) -> Self {
        Self {
            session: Session::new(settings.clone()),
            settings,
            now: Moment { wall: START, monotonic: 1_000 },
            policy: Policy::default(),
            identity: Some("ada".to_owned()),
            others: Vec::new(),
            stored: None,
            generation: 0,
            said: Said::default(),
        }
    }

    /// A new page with what the old one left in storage.
    pub fn reload(&mut self) {
        self.session = Session::new(self.settings.clone());
        self.said = Said::default();
        self.now.monotonic = 1_000;
    }

    /// What a handle's own `identity` says.
    pub fn reading(&self, caller: Caller) -> Reading {
        let own = self.others.iter().find(|(other, _)| *other == caller).map(|(_, reading)| reading.clone());
        own.unwrap_or_else(|| Reading::Says(self.identity.clone()))
    }

    /// From now on a handle's own `identity` says this.
    pub fn says(&mut self, caller: Caller, reading: Reading) {
        self.others.retain(|(other, _)| *other != caller);
        self.others.push((caller, reading));
    }

    /// A handle says who is signed in, as it does before every call; where it cannot, the session hears nothing.
    fn observe(&mut self, caller: Caller) -> Result<(), Failure> {
        let Reading::Says(identity) = self.reading(caller) else { return Err(Failure::unknown_identity()) };
        let wants_record = self.session.observe(identity.as_deref());
        self.proceed(wants_record, &[(caller, Reading::Says(identity))]);
        Ok(())
    }

    /// The session goes on with who is signed in, and with the record where that is the moment to read it.
    fn proceed(&mut self, wants_record: bool, readings: &[(Caller, Reading)]) {
        self.hear();
        if wants_record
            && self.settings.cache == Cache::Session
            && let Some(record) = self.stored.clone()
        {
            let scope = self.scope();
            let generation = self.generation.to_string();
            let expected = RecordScope { scope: &scope, generation: &generation };
            let record = Json(record);
            self.session.restore(self.now, &self.policy, expected, &Answer::Object(&record));
        }
        self.session.proceed(self.now, &self.policy, readings);
        self.hear();
    }

    /// What each of those says who are concerned by an attempt; none where it is dead, and nobody's identity is read.
    pub fn readings(&self, attempt: Attempt) -> Option<Vec<(Caller, Reading)>> {
        let concerned = self.session.concerned(attempt)?;
        Some(concerned.into_iter().map(|caller| (caller, self.reading(caller))).collect())
    }

    /// The session hears what they said.
    pub fn confirm(&mut self, attempt: Attempt, readings: &[(Caller, Reading)]) {
        let wants_record = self.session.confirm(self.now, attempt, readings);
        self.proceed(wants_record, readings);
    }

    fn scope(&self) -> String {
        format!("scope of {:?}", self.session.identity())
    }

    /// Does what the session says.
    pub fn hear(&mut self) {
        while let Some(effect) = self.session.poll_effect() {
            self.said.effects.push(effect.clone());
            match effect {
                Effect::Begin(attempt) => {
                    self.said.begins.push(attempt);
                    self.said.asked_for.push((attempt, self.session.identity().map(str::to_owned)));
                }
                Effect::Stop(request) => self.said.stops.push(request),
                Effect::Resolve(request, grant) => self.said.resolved.push((request, grant)),
                Effect::Reject(request, failure) => self.said.rejected.push((request, failure)),
                Effect::Refuse(request, _, failure) => self.said.rejected.push((request, failure)),
                Effect::Drop(request) => self.said.dropped.push(request),
                Effect::Store(grant) => {
                    self.said.stored += 1;
                    let mut record = match &grant.credential {
                        Credential::Token(token) => json!({
                            "accessToken": token.access_token, "entityId": token.entity_id,
                            "expiresIn": token.expires_in, "tokenType": token.token_type,
                        }),
                        Credential::Jwt(jwt) => taken_apart(&jwt.text, jwt.issued, grant.lifetime.expires_in),
                        Credential::Code => panic!("a code is never stored"),
                    };
                    record["version"] = json!(RECORD_VERSION);
                    record["scope"] = json!(self.scope());
                    record["generation"] = json!(self.generation.to_string());
                    record["creationDate"] = json!(grant.lifetime.created);
                    self.stored = Some(record);
                }
                Effect::Forget => {
                    self.said.forgotten += 1;
                    self.stored = None;
                }
                Effect::Emit(event) => self.said.events.push(event),
            }
        }
    }

    pub fn get(&mut self) -> Reply {
        self.get_as(PAGE)
    }

    pub fn get_as(&mut self, caller: Caller) -> Reply {
        if let Err(failure) = self.observe(caller) {
            return Reply::Refuse(failure);
        }
        let reply = self.session.get_token(self.now, &self.policy, caller);
        self.hear();
        reply
    }

    pub fn fresh(&mut self) -> Reply {
        self.fresh_as(PAGE)
    }

    pub fn fresh_as(&mut self, caller: Caller) -> Reply {
        if let Err(failure) = self.observe(caller) {
            return Reply::Refuse(failure);
        }
        let reply = self.session.get_fresh_token(self.now, &self.policy, caller);
        self.hear();
        reply
    }

    pub fn has(&mut self) -> bool {
        self.has_as(PAGE).expect("the page's identity failed")
    }

    pub fn has_as(&mut self, caller: Caller) -> Result<bool, Failure> {
        self.observe(caller)?;
        let has = self.session.has_token(self.now, &self.policy);
        self.hear();
        Ok(has)
    }

    /// To forget, nobody is asked who is signed in.
    pub fn invalidate(&mut self) {
        self.session.invalidate();
        self.hear();
    }

    pub fn may_have_left(&mut self) {
        self.session.may_have_left();
        self.hear();
    }

    pub fn sign_out(&mut self, origin: SignOutOrigin) {
        self.generation += 1;
        self.session.sign_out(origin);
        self.stored = None;
        self.hear();
    }

    pub fn leave(&mut self, request: RequestId) {
        self.leave_as(request, PAGE);
    }

    pub fn leave_as(&mut self, request: RequestId, caller: Caller) {
        self.session.leave(request, caller);
        self.hear();
    }

    pub fn answer(&mut self, attempt: Attempt, answer: serde_json::Value) {
        if let Some(readings) = self.readings(attempt) {
            self.confirm(attempt, &readings);
            self.tell_answer(attempt, answer);
        }
    }

    /// The answer itself, after everyone was asked.
    pub fn tell_answer(&mut self, attempt: Attempt, answer: serde_json::Value) {
        let fields = Json(answer.clone());
        let answer = match &answer {
            serde_json::Value::Object(_) => Answer::Object(&fields),
            serde_json::Value::String(text) => Answer::Text(text),
            serde_json::Value::Null => Answer::Null,
            _ => Answer::Other("something else"),
        };
        self.session.answered(self.now, attempt, &answer);
        self.hear();
    }

    pub fn signed_in(&mut self) {
        self.session.signed_in();
        self.hear();
    }

    pub fn fail(&mut self, attempt: Attempt, failure: Failure) {
        if let Some(readings) = self.readings(attempt) {
            self.confirm(attempt, &readings);
            self.tell_failure(attempt, failure);
        }
    }

    /// The failure itself, after everyone was asked.
    pub fn tell_failure(&mut self, attempt: Attempt, failure: Failure) {
        self.session.failed(self.now, attempt, failure);
        self.hear();
    }

    pub fn online(&mut self) {
        self.session.went_online(self.now);
        self.hear();
    }

    /// Both clocks go on; the session is woken whenever it wants to be.
    pub fn pass(&mut self, milliseconds: i64) {
        let end = self.now.monotonic + milliseconds;
        while let Some(due) = self.session.next_wake().filter(|due| *due <= end) {
            let step = (due - self.now.monotonic).max(0);
            self.now.monotonic += step;
            self.now.wall += step;
            self.wake();
        }
        self.now.wall += end - self.now.monotonic;
        self.now.monotonic = end;
    }

    pub fn wake(&mut self) {
        self.session.wake(self.now);
        self.hear();
    }

    /// The latest attempt that began.
    pub fn last(&self) -> Attempt {
        *self.said.begins.last().expect("no attempt began")
    }

    /// A token is asked for and answered.
    pub fn fetch(&mut self, access_token: &str, seconds: i64) -> Rc<Grant> {
        let Reply::Wait(request) = self.get() else { panic!("no request began") };
        let attempt = self.last();
        assert_eq!(attempt.request, request);
        self.answer(attempt, raw(access_token, "entity", seconds));
        Rc::clone(&self.said.resolved.last().expect("nobody was answered").1)
    }

    pub fn has_said(&self, event: impl Fn(&Event) -> bool) -> bool {
        self.said.events.iter().any(event)
    }
}
