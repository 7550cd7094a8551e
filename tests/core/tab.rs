//! A browser tab for a session to live in: two clocks, a storage, callers who wait, and who is signed in.

use std::collections::BTreeMap;

use custom_identity_provider::core::{
    Account, Answer, Attempt, Cache, Caller as CallerNumber, Code, Credential, Effect, Event, Failure, Fields, Kind,
    Moment, Policy, RECORD_VERSION, Reading, Reason, RecordScope, Reply, RequestCounter, RequestId, Session, Settings,
    SignOutOrigin, Value,
};
use serde_json::json;

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;

/// JSON as the core reads objects from outside.
pub struct Json(pub serde_json::Value);

impl Fields for Json {
    fn field(&self, name: &str) -> Value {
        match self.0.get(name) {
            None => Value::Missing,
            Some(serde_json::Value::Null) => Value::Null,
            Some(serde_json::Value::Bool(flag)) => Value::Boolean(*flag),
            Some(serde_json::Value::Number(number)) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
            Some(serde_json::Value::String(text)) => Value::Text(text.clone()),
            Some(serde_json::Value::Array(_)) => Value::Other("an array"),
            Some(serde_json::Value::Object(_)) => Value::Other("an object"),
        }
    }
}

/// One thing that the session did.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    Began(u32, u32, Reason),
    Stopped(u32),
    Resolved(u32, String),
    Rejected(u32, Code),
    /// One caller alone.
    Refused(u32, u32, Code),
    Dropped(u32),
    Stored(String),
    Forgot,
    Told(Event),
}

/// How one caller's promise settled.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Token(String),
    Failed(Code),
}

/// Somebody who waits, or waited.
#[derive(Clone, Debug)]
pub struct Caller {
    pub request: u32,
    /// Which identity function it has.
    pub number: u32,
    pub outcome: Option<Outcome>,
    pub has_left: bool,
}

pub struct Tab {
    pub session: Session,
    pub settings: Settings,
    pub now: Moment,
    /// Who is signed in; the session learns of it when it looks.
    pub person: Option<&'static str>,
    /// Callers whose identity functions say something else, by their numbers.
    pub disagreeing: BTreeMap<u32, Reading>,
    /// Changes at every sign-out in any tab of the origin.
    pub generation: u32,
    /// What Store and Forget left behind.
    pub stored: Option<serde_json::Value>,
    pub callers: Vec<Caller>,
    /// Every attempt that began on this tab.
    pub attempts: Vec<Attempt>,
    /// For whom each of them began.
    began_for: Vec<(Attempt, Option<String>)>,
    /// Whose each token is that the source answered with.
    issued: Vec<(String, Option<String>)>,
    /// What requests for codes were answered with.
    pub codes: Vec<(u32, String)>,
    /// Every JWT that the source answered with, as it is taken apart.
    pub jwts: Vec<serde_json::Value>,
    pub deeds: Vec<Deed>,
    /// What requests were rejected with.
    pub failures: Vec<Failure>,
    /// Invariants that were broken: whatever the rules say of the rest, these never happen.
    pub broken: Vec<String>,
}

pub fn settings(cache: Cache, kind: Kind) -> Settings {
    Settings { cache, kind, is_identified: false, seed: 20_260, counter: RequestCounter::default() }
}

/// What LiveChat needs, for whatever account.
pub fn livechat() -> Kind {
    Kind::Token(Account::default())
}

/// An answer in the endpoint's raw shape.
pub fn raw(token: &str, seconds: i64) -> serde_json::Value {
    json!({ "access_token": token, "entity_id": "entity", "expires_in": seconds, "token_type": "Bearer" })
}

/// An answer as a finished token.
pub fn finished(token: &str, lifetime: i64, created: i64) -> serde_json::Value {
    json!({ "accessToken": token, "entityId": "entity", "expiresIn": lifetime, "tokenType": "Bearer",
            "creationDate": created })
}

/// A JWT as it is taken apart; times in milliseconds.
pub fn signed(token: &str, issued: i64, lifetime: i64) -> serde_json::Value {
    let seconds = |milliseconds: i64| milliseconds as f64 / 1_000.0;
    json!({ "token": token, "parts": 3, "alg": "RS256", "iat": seconds(issued), "exp": seconds(issued + lifetime),
            "sub": "entity" })
}

/// The digest of a test: who is signed in must make a difference, nobody included.
fn scope_of(identity: Option<&str>) -> String {
    identity.map_or_else(|| "scope: nobody".to_owned(), |person| ["scope of ", person].concat())
}

impl Tab {
    pub fn new(cache: Cache) -> Self {
        Self::with(settings(cache, livechat()))
    }

    pub fn with(settings: Settings) -> Self {
        Self {
            session: Session::new(settings.clone()),
            settings,
            now: Moment { wall: 1_800_000_000_000, monotonic: 50_000 },
            person: Some("ann"),
            disagreeing: BTreeMap::new(),
            generation: 1,
            stored: None,
            callers: Vec::new(),
            attempts: Vec::new(),
            began_for: Vec::new(),
            issued: Vec::new(),
            codes: Vec::new(),
            jwts: Vec::new(),
            deeds: Vec::new(),
            failures: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// The page is loaded anew: memory is gone, storage is not, and the monotonic clock begins elsewhere.
    pub fn reload(&mut self) {
        self.settings.counter = RequestCounter::default();
        self.settings.seed = self.settings.seed.wrapping_mul(31).wrapping_add(7);
        self.session = Session::new(self.settings.clone());
        self.now.monotonic = 3_000;
        self.callers.clear();
        self.attempts.clear();
        self.deeds.clear();
    }

    pub fn scope(&self) -> String {
        scope_of(self.person)
    }

    /// What this caller's own function says of who is signed in.
    pub fn reading(&self, caller: u32) -> Reading {
        let agreeing = || Reading::Says(self.person.map(str::to_owned));
        self.disagreeing.get(&caller).cloned().unwrap_or_else(agreeing)
    }

    /// This caller's function says from now on that this person is signed in.
    pub fn says(&mut self, caller: u32, person: Option<&str>) {
        self.disagreeing.insert(caller, Reading::Says(person.map(str::to_owned)));
    }

    /// The session reads who is signed in, and the first time the record too.
    pub fn observe(&mut self, policy: &Policy, caller: u32) {
        let reading = self.reading(caller);
        let Reading::Says(identity) = &reading else { panic!("without knowing, no call reaches the session") };
        let wants_record = self.session.observe(identity.as_deref());
        self.proceed(wants_record, policy, &[(CallerNumber(caller), reading)]);
    }

    /// The session goes on with who is signed in, and with the record where that is the moment to read it.
    fn proceed(&mut self, wants_record: bool, policy: &Policy, readings: &[(CallerNumber, Reading)]) {
        self.obey();
        if wants_record
            && self.settings.cache == Cache::Session
            && let Some(mut record) = self.stored.clone()
        {
            // The claims are not stored: they are read from the JWT again.
            if let Some(jwt) = self.jwts.iter().find(|jwt| jwt["token"] == record["token"]) {
                for (claim, value) in jwt.as_object().unwrap() {
                    record[claim] = value.clone();
                }
            }
            let scope = scope_of(self.session.identity());
            let generation = self.generation.to_string();
            let expected = RecordScope { scope: &scope, generation: &generation };
            self.session.restore(self.now, policy, expected, &Answer::Object(&Json(record)));
        }
        self.session.proceed(self.now, policy, readings);
        self.obey();
    }

    /// Everyone who is concerned says who is signed in.
    fn confirm(&mut self, attempt: Attempt) {
        let Some(concerned) = self.session.concerned(attempt) else { return };
        let readings: Vec<_> = concerned.into_iter().map(|caller| (caller, self.reading(caller.0))).collect();
        let wants_record = self.session.confirm(self.now, attempt, &readings);
        self.proceed(wants_record, &Policy::default(), &readings);
    }

    /// Does what the session says, and watches that it may be said.
    fn obey(&mut self) {
        while let Some(effect) = self.session.poll_effect() {
            match effect {
                Effect::Begin(attempt) => {
                    if self
                        .attempts
                        .iter()
                        .any(|begun| (begun.request, begun.number) == (attempt.request, attempt.number))
                    {
                        self.broken.push(format!("{attempt:?} began twice"));
                    }
                    self.attempts.push(attempt);
                    self.began_for.push((attempt, self.session.identity().map(str::to_owned)));
                    self.deeds.push(Deed::Began(attempt.request.0, attempt.number, attempt.reason));
                }
                Effect::Stop(request) => self.deeds.push(Deed::Stopped(request.0)),
                Effect::Resolve(request, grant) => {
                    let token = match &grant.credential {
                        Credential::Token(token) => token.access_token.clone(),
                        Credential::Jwt(jwt) => jwt.text.clone(),
                        // The page hands on what the source answered with.
                        Credential::Code => self.codes.iter().rfind(|(of, _)| *of == request.0).unwrap().1.clone(),
                    };
                    self.settle(request.0, &Outcome::Token(token.clone()));
                    self.deeds.push(Deed::Resolved(request.0, token));
                }
                Effect::Reject(request, failure) => {
                    self.settle(request.0, &Outcome::Failed(failure.code));
                    self.deeds.push(Deed::Rejected(request.0, failure.code));
                    self.failures.push(failure);
                }
                Effect::Refuse(request, caller, failure) => {
                    self.settle_those(request.0, Some(caller.0), &Outcome::Failed(failure.code));
                    self.deeds.push(Deed::Refused(request.0, caller.0, failure.code));
                    self.failures.push(failure);
                }
                Effect::Drop(request) => {
                    if self.waiting(request.0) > 0 {
                        self.broken.push(format!("request {} was dropped although somebody waits", request.0));
                    }
                    self.deeds.push(Deed::Dropped(request.0));
                }
                Effect::Store(grant) => {
                    if self.settings.cache != Cache::Session || self.settings.kind == Kind::Code {
                        self.broken.push("a token that is not to be stored was stored".to_owned());
                    }
                    let mut record = json!({
                        "version": RECORD_VERSION, "scope": scope_of(self.session.identity()),
                        "generation": self.generation.to_string(),
                        "creationDate": grant.lifetime.created,
                    });
                    match &grant.credential {
                        Credential::Token(token) => {
                            record["accessToken"] = token.access_token.clone().into();
                            record["entityId"] = token.entity_id.clone().into();
                            record["expiresIn"] = token.expires_in.into();
                            record["tokenType"] = token.token_type.clone().into();
                            if let Some(license_id) = token.license_id {
                                record["licenseId"] = license_id.into();
                            }
                        }
                        Credential::Jwt(jwt) => record["token"] = jwt.text.clone().into(),
                        Credential::Code => panic!("a code was stored"),
                    }
                    let text = record["accessToken"].as_str().or(record["token"].as_str()).unwrap().to_owned();
                    self.deeds.push(Deed::Stored(text));
                    self.stored = Some(record);
                }
                Effect::Forget => {
                    self.deeds.push(Deed::Forgot);
                    self.stored = None;
                }
                Effect::Emit(event) => self.deeds.push(Deed::Told(event)),
            }
        }
    }

    pub fn waiting(&self, request: u32) -> usize {
        let waits = |caller: &&Caller| caller.request == request && caller.outcome.is_none() && !caller.has_left;
        self.callers.iter().filter(waits).count()
    }

    fn settle(&mut self, request: u32, outcome: &Outcome) {
        self.settle_those(request, None, outcome);
    }

    /// Settles everyone who waits for this request, or those with one identity function.
    fn settle_those(&mut self, request: u32, number: Option<u32>, outcome: &Outcome) {
        let readings: BTreeMap<u32, Reading> =
            self.callers.iter().map(|caller| (caller.number, self.reading(caller.number))).collect();
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
            self.callers.push(Caller { request: request.0, number, outcome: None, has_left: false });
        }
        self.obey();
    }

    pub fn get(&mut self, policy: &Policy) -> Reply {
        self.get_as(1, policy)
    }

    pub fn get_as(&mut self, caller: u32, policy: &Policy) -> Reply {
        self.observe(policy, caller);
        let reply = self.session.get_token(self.now, policy, CallerNumber(caller));
        self.waits(&reply, caller);
        reply
    }

    pub fn fresh(&mut self, policy: &Policy) -> Reply {
        self.fresh_as(1, policy)
    }

    pub fn fresh_as(&mut self, caller: u32, policy: &Policy) -> Reply {
        self.observe(policy, caller);
        let reply = self.session.get_fresh_token(self.now, policy, CallerNumber(caller));
        self.waits(&reply, caller);
        reply
    }

    pub fn has(&mut self, policy: &Policy) -> bool {
        self.observe(policy, 1);
        let has = self.session.has_token(self.now, policy);
        self.obey();
        has
    }

    pub fn invalidate(&mut self) {
        self.session.invalidate();
        self.obey();
    }

    /// A mark is gone that stood for the latest sign-out.
    pub fn may_have_left(&mut self) {
        self.generation += 1;
        self.session.may_have_left();
        self.obey();
    }

    pub fn sign_out(&mut self, origin: SignOutOrigin) {
        self.generation += 1;
        self.session.sign_out(origin);
        self.obey();
    }

    pub fn signed_in(&mut self) {
        self.session.signed_in();
        self.obey();
    }

    pub fn answer(&mut self, attempt: Attempt, answer: &serde_json::Value) {
        if matches!(self.settings.kind, Kind::Jwt { .. }) {
            self.jwts.push(answer.clone());
        }
        for name in ["access_token", "accessToken", "token"] {
            if let Some(token) = answer.get(name).and_then(|token| token.as_str()) {
                let whose = self.began_for.iter().rfind(|(began, _)| *began == attempt);
                self.issued.push((token.to_owned(), whose.and_then(|(_, whose)| whose.clone())));
            }
        }
        if let Some(code) = answer.get("ssoKey").and_then(|code| code.as_str()) {
            self.codes.push((attempt.request.0, code.to_owned()));
        }
        self.answer_with(attempt, &Answer::Object(&Json(answer.clone())));
    }

    pub fn answer_with_code(&mut self, attempt: Attempt, code: &str) {
        self.codes.push((attempt.request.0, code.to_owned()));
        self.answer_with(attempt, &Answer::Text(code));
    }

    pub fn answer_with(&mut self, attempt: Attempt, answer: &Answer<'_>) {
        self.confirm(attempt);
        self.session.answered(self.now, attempt, answer);
        self.obey();
    }

    pub fn fail(&mut self, attempt: Attempt, failure: Failure) {
        self.confirm(attempt);
        self.session.failed(self.now, attempt, failure);
        self.obey();
    }

    /// One caller stops waiting; the latest one of this request.
    pub fn leave(&mut self, request: u32) {
        let waits = |caller: &&mut Caller| caller.request == request && caller.outcome.is_none() && !caller.has_left;
        let leaving = self.callers.iter_mut().rfind(waits).expect("somebody waits");
        leaving.has_left = true;
        self.session.leave(RequestId(request), CallerNumber(leaving.number));
        self.obey();
    }

    pub fn online(&mut self) {
        self.session.went_online(self.now);
        self.obey();
    }

    pub fn wake(&mut self) {
        self.session.wake(self.now);
        self.obey();
    }

    /// Both clocks go on by this much, and nobody is woken.
    pub fn stall(&mut self, milliseconds: i64) {
        self.now.wall += milliseconds;
        self.now.monotonic += milliseconds;
    }

    /// Time passes, and the session is woken whenever it asked for it.
    pub fn pass(&mut self, milliseconds: i64) {
        let end = self.now.monotonic + milliseconds;
        while let Some(due) = self.session.next_wake().filter(|due| *due <= end) {
            self.stall((due - self.now.monotonic).max(0));
            self.wake();
        }
        self.stall(end - self.now.monotonic);
    }

    // What follows is for the rules told by example.

    /// The attempt that began last.
    pub fn latest(&self) -> Attempt {
        *self.attempts.last().expect("an attempt began")
    }

    /// A token is fetched and in hand.
    pub fn fetch(&mut self, token: &str, seconds: i64) {
        let before = self.attempts.len();
        self.fresh(&Policy::default());
        assert_eq!(self.attempts.len(), before + 1, "a request begins");
        self.answer(self.latest(), &raw(token, seconds));
    }

    /// A JWT is fetched, of which this much of its life has passed by its signer's clock.
    pub fn fetch_jwt(&mut self, token: &str, age: i64, lifetime: i64) {
        self.fetch_answer(&signed(token, self.now.wall - age, lifetime));
    }

    /// The source is asked anew and answers with this.
    pub fn fetch_answer(&mut self, answer: &serde_json::Value) {
        let before = self.attempts.len();
        self.fresh(&Policy::default());
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
