//! A page around one session: a fake clock, a fake storage and a fake source, which do exactly what the session says.

use std::rc::Rc;

use custom_identity_provider::core::{
    Account, Answer, Attempt, Cache, Credential, Effect, Event, Failure, Fields, Grant, Kind, Moment, Policy,
    RECORD_VERSION, RecordScope, Reply, RequestId, Session, Settings, SignOutOrigin, Token, Value,
};

use super::object::{Object, number, text};

/// When every test begins.
pub const START: Moment = Moment { wall: 1_800_000_000_000, monotonic: 5_000 };
/// The licence that the page's options name.
pub const LICENSE: i64 = 12_345_678;

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    Resolved(Rc<Grant>),
    Rejected(Failure),
    Dropped,
}

/// What the session said since it was last asked.
#[derive(Debug, Default)]
pub struct Said {
    pub begun: Vec<Attempt>,
    pub ended: Vec<(RequestId, End)>,
    pub stored: Vec<Rc<Grant>>,
    pub events: Vec<Event>,
}

pub struct Page {
    pub session: Session,
    settings: Settings,
    pub now: Moment,
    /// The clock of who signs JWTs, since 1970.
    pub signer: i64,
    /// The claims of every JWT that the source answered with, by its text.
    pub jwts: Vec<Object>,
    /// Who the page says is signed in; the session learns it at the next call or answer.
    pub identity: Option<&'static str>,
    pub storage: Option<Object>,
    /// Counts up at every sign-out in any tab of the origin.
    pub generation: u32,
    /// Attempts that the source works on.
    pub running: Vec<Attempt>,
    /// Every request that is not over yet.
    pub live: Vec<RequestId>,
    pub said: Said,
}

/// What LiveChat's widget needs.
pub fn livechat() -> Kind {
    Kind::Token(Account { license_id: Some(LICENSE), organization_id: None })
}

/// What ties a record to a person; a real page digests it.
pub fn scope_of(identity: Option<&str>) -> String {
    format!("scope of {identity:?}")
}

/// What every record has.
fn record(scope: &str, generation: u32, created: i64) -> Object {
    Object(vec![
        ("version", number(RECORD_VERSION)),
        ("scope", text(scope)),
        ("generation", text(&generation.to_string())),
        ("creationDate", number(created)),
    ])
}

fn record_of(token: &Token, scope: &str, generation: u32) -> Object {
    let mut record = record(scope, generation, token.creation_date);
    record.0.extend([
        ("accessToken", text(&token.access_token)),
        ("entityId", text(&token.entity_id)),
        ("expiresIn", number(token.expires_in)),
        ("tokenType", text(&token.token_type)),
    ]);
    if let Some(license_id) = token.license_id {
        record = record.with("licenseId", number(license_id));
    }
    if let Some(organization_id) = &token.organization_id {
        record = record.with("organizationId", text(organization_id));
    }
    record
}

impl Page {
    pub fn new(settings: Settings) -> Self {
        Self {
            session: Session::new(settings.clone()),
            settings,
            now: START,
            signer: START.wall,
            jwts: Vec::new(),
            identity: Some("alice"),
            storage: None,
            generation: 1,
            running: Vec::new(),
            live: Vec::new(),
            said: Said::default(),
        }
    }

    /// What was said since the last time this was asked.
    pub fn take(&mut self) -> Said {
        std::mem::take(&mut self.said)
    }

    /// Does what the session says, and sees that it makes sense.
    fn carry_out(&mut self) {
        while let Some(effect) = self.session.poll_effect() {
            match effect {
                Effect::Begin(attempt) => {
                    if attempt.number == 1 {
                        self.live.push(attempt.request);
                    }
                    assert!(self.live.contains(&attempt.request), "an attempt of a request that is over: {attempt:?}");
                    assert!(
                        self.running.iter().all(|running| running.request != attempt.request),
                        "two attempts of one request at once: {attempt:?}"
                    );
                    self.running.push(attempt);
                    self.said.begun.push(attempt);
                }
                Effect::Stop(request) => self.running.retain(|attempt| attempt.request != request),
                Effect::Resolve(request, grant) => self.end(request, End::Resolved(grant)),
                Effect::Reject(request, failure) => self.end(request, End::Rejected(failure)),
                Effect::Drop(request) => self.end(request, End::Dropped),
                Effect::Store(grant) => {
                    assert_eq!(self.settings.cache, Cache::Session, "only that cache is stored");
                    let scope = scope_of(self.session.identity());
                    self.storage = Some(match &grant.credential {
                        Credential::Token(token) => record_of(token, &scope, self.generation),
                        Credential::Jwt(jwt) => {
                            record(&scope, self.generation, grant.lifetime.created).with("token", text(&jwt.text))
                        }
                        Credential::Code => panic!("a code was stored"),
                    });
                    self.said.stored.push(grant);
                }
                Effect::Forget => self.storage = None,
                Effect::Emit(event) => self.said.events.push(event),
            }
        }
        for attempt in &self.running {
            assert!(self.live.contains(&attempt.request), "runs on though its request is over: {attempt:?}");
        }
        if let Some(wake) = self.session.next_wake() {
            assert!(!self.live.is_empty(), "a wake at {wake}, and nothing to wake for");
        }
    }

    fn end(&mut self, request: RequestId, end: End) {
        let position = self.live.iter().position(|live| *live == request);
        self.live.swap_remove(position.unwrap_or_else(|| panic!("{request:?} is over already, then {end:?}")));
        self.said.ended.push((request, end));
    }

    /// Tells the session who is signed in, and at the first time what lies in storage.
    pub fn observe(&mut self, policy: &Policy) {
        let is_first = self.session.observe(self.identity);
        if self.settings.cache == Cache::Session
            && is_first
            && let Some(record) = self.storage.clone().map(|record| self.taken_apart(record))
        {
            let scope = scope_of(self.identity);
            let generation = self.generation.to_string();
            let expected = RecordScope { scope: &scope, generation: &generation };
            self.session.restore(self.now, policy, expected, &Answer::Object(&record));
        }
        self.carry_out();
    }

    /// What the core reads of a record with a JWT: its claims too, if it is one.
    fn taken_apart(&self, record: Object) -> Object {
        let Value::Text(token) = record.field("token") else { return record };
        let claims = self.jwts.iter().find(|jwt| jwt.field("token") == text(&token)).cloned();
        let claims = claims.unwrap_or_else(|| Object(vec![("parts", number(1))]));
        claims.0.into_iter().fold(record, |record, (name, value)| record.with(name, value))
    }

    pub fn get(&mut self, policy: &Policy) -> Reply {
        self.observe(policy);
        let reply = self.session.get_token(self.now, policy);
        self.carry_out();
        reply
    }

    pub fn fresh(&mut self, policy: &Policy) -> Reply {
        self.observe(policy);
        let reply = self.session.get_fresh_token(self.now, policy);
        self.carry_out();
        reply
    }

    pub fn has(&mut self, policy: &Policy) -> bool {
        self.observe(policy);
        let has = self.session.has_token(self.now, policy);
        self.carry_out();
        has
    }

    pub fn invalidate(&mut self, policy: &Policy) {
        self.observe(policy);
        self.session.invalidate();
        self.carry_out();
    }

    pub fn sign_out(&mut self, origin: SignOutOrigin) {
        self.generation += 1;
        self.session.sign_out(origin);
        self.carry_out();
    }

    pub fn signed_in(&mut self) {
        self.session.signed_in();
        self.carry_out();
    }

    pub fn leave(&mut self, request: RequestId) {
        self.session.leave(request);
        self.carry_out();
    }

    pub fn online(&mut self) {
        self.session.went_online(self.now);
        self.carry_out();
    }

    pub fn answer_with(&mut self, attempt: Attempt, answer: &Answer<'_>) {
        self.observe(&Policy::default());
        self.running.retain(|running| *running != attempt);
        self.session.answered(self.now, attempt, answer);
        self.carry_out();
    }

    pub fn answer(&mut self, attempt: Attempt, object: &Object) {
        self.answer_with(attempt, &Answer::Object(object));
    }

    pub fn fail(&mut self, attempt: Attempt, failure: Failure) {
        self.observe(&Policy::default());
        self.running.retain(|running| *running != attempt);
        self.session.failed(self.now, attempt, failure);
        self.carry_out();
    }

    /// Both clocks go on, and nobody looks at them.
    pub fn advance(&mut self, milliseconds: i64) {
        self.now.wall += milliseconds;
        self.now.monotonic += milliseconds;
        self.signer += milliseconds;
    }

    pub fn wake(&mut self) {
        self.session.wake(self.now);
        self.carry_out();
    }

    /// The page is loaded anew: memory is gone, storage stays.
    pub fn reload(&mut self) {
        self.session = Session::new(self.settings.clone());
        self.running.clear();
        self.live.clear();
        self.said = Said::default();
    }
}
