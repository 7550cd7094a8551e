//! A page around one session: a fake clock, a fake storage, a fake source, which do exactly what the session says, and handles whose
//! identity functions each say for themselves who is signed in.

use std::rc::Rc;

use custom_identity_provider::core::{
    Account, Answer, Attempt, Cache, Caller, Credential, Effect, Event, Failure, Fields, Grant, Kind, Moment, Policy,
    RECORD_VERSION, Reading, RecordScope, Reply, RequestId, Session, Settings, SignOutOrigin, Token, Value,
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
    /// One caller alone, and the request that goes on or is about to end.
    pub refused: Vec<(RequestId, Caller, Failure)>,
    pub ended: Vec<(RequestId, End)>,
    pub stored: Vec<Rc<Grant>>,
    pub events: Vec<Event>,
}

/// What the page's storage does when the record is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Storage {
    Keeps,
    /// It throws; what lay there stays.
    Refuses,
}

/// What one handle's identity function says: who is signed in, or nothing, because it fails.
pub type Says = Result<Option<&'static str>, ()>;

pub fn reading(says: Says) -> Reading {
    says.map_or(Reading::Failed, |identity| Reading::Says(identity.map(str::to_owned)))
}

pub struct Page {
    pub session: Session,
    settings: Settings,
    pub now: Moment,
    /// The clock of who signs JWTs, since 1970.
    pub signer: i64,
    /// The claims of every JWT that the source answered with, by its text.
    pub jwts: Vec<Object>,
    /// What each handle's own function says of who is signed in; the session learns it at the next call or answer.
    pub handles: Vec<Says>,
    pub storage: Option<Object>,
    pub storing: Storage,
    /// Counts up at every sign-out in any tab of the origin, and where there may have been one.
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

/// The number of a handle's identity function.
pub fn caller(handle: usize) -> Caller {
    Caller(u32::try_from(handle).unwrap() + 1)
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
    pub fn new(settings: Settings, handles: Vec<Says>) -> Self {
        Self {
            session: Session::new(settings.clone()),
            settings,
            now: START,
            signer: START.wall,
            jwts: Vec::new(),
            handles,
            storage: None,
            storing: Storage::Keeps,
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
                Effect::Stop(request) => {
                    assert!(self.live.contains(&request), "{request:?} is stopped though it is over");
                    self.running.retain(|attempt| attempt.request != request);
                }
                Effect::Refuse(request, caller, failure) => {
                    assert!(self.live.contains(&request), "{caller:?} is refused though {request:?} is over");
                    self.said.refused.push((request, caller, failure));
                }
                Effect::Resolve(request, grant) => self.end(request, End::Resolved(grant)),
                Effect::Reject(request, failure) => self.end(request, End::Rejected(failure)),
                Effect::Drop(request) => self.end(request, End::Dropped),
                Effect::Store(grant) => {
                    assert_eq!(self.settings.cache, Cache::Session, "only that cache is stored");
                    let scope = scope_of(self.session.identity());
                    let record = match &grant.credential {
                        Credential::Token(token) => record_of(token, &scope, self.generation),
                        Credential::Jwt(jwt) => {
                            record(&scope, self.generation, grant.lifetime.created).with("token", text(&jwt.text))
                        }
                        Credential::Code => panic!("a code was stored"),
                    };
                    if self.storing == Storage::Keeps {
                        self.storage = Some(record);
                    }
                    self.said.stored.push(grant);
                }
                Effect::Forget => self.storage = None,
                Effect::Emit(event) => self.said.events.push(event),
            }
        }
        for attempt in &self.running {
            assert!(self.live.contains(&attempt.request), "runs on though its request is over: {attempt:?}");
        }
    }

    fn end(&mut self, request: RequestId, end: End) {
        let position = self.live.iter().position(|live| *live == request);
        self.live.swap_remove(position.unwrap_or_else(|| panic!("{request:?} is over already, then {end:?}")));
        self.said.ended.push((request, end));
    }

    /// Tells the session whom the calling handle names, and where it asks for that what lies in storage.
    fn observe(&mut self, handle: usize, policy: &Policy) {
        let said = self.handles[handle].expect("without knowing, no call reaches the session");
        let wants_record = self.session.observe(said);
        self.proceed(wants_record, policy, &[(caller(handle), reading(Ok(said)))]);
    }

    fn proceed(&mut self, wants_record: bool, policy: &Policy, readings: &[(Caller, Reading)]) {
        self.carry_out();
        if self.settings.cache == Cache::Session
            && wants_record
            && let Some(record) = self.storage.clone().map(|record| self.taken_apart(record))
        {
            let scope = scope_of(self.session.identity());
            let generation = self.generation.to_string();
            let expected = RecordScope { scope: &scope, generation: &generation };
            self.session.restore(self.now, policy, expected, &Answer::Object(&record));
        }
        self.session.proceed(self.now, policy, readings);
        self.carry_out();
    }

    /// Everyone who is concerned says who is signed in; nobody, where the attempt is over.
    fn confirm(&mut self, attempt: Attempt) {
        let Some(concerned) = self.session.concerned(attempt) else { return };
        let says = |caller: &Caller| self.handles[caller.0 as usize - 1];
        let readings: Vec<_> = concerned.iter().map(|caller| (*caller, reading(says(caller)))).collect();
        let wants_record = self.session.confirm(self.now, attempt, &readings);
        self.proceed(wants_record, &Policy::default(), &readings);
    }

    /// What the core reads of a record with a JWT: its claims too, if it is one.
    fn taken_apart(&self, record: Object) -> Object {
        let Value::Text(token) = record.field("token") else { return record };
        let claims = self.jwts.iter().find(|jwt| jwt.field("token") == text(&token)).cloned();
        let claims = claims.unwrap_or_else(|| Object(vec![("parts", number(1))]));
        claims.0.into_iter().fold(record, |record, (name, value)| record.with(name, value))
    }

    pub fn get(&mut self, handle: usize, policy: &Policy) -> Reply {
        self.observe(handle, policy);
        let reply = self.session.get_token(self.now, policy, caller(handle));
        self.carry_out();
        reply
    }

    pub fn fresh(&mut self, handle: usize, policy: &Policy) -> Reply {
        self.observe(handle, policy);
        let reply = self.session.get_fresh_token(self.now, policy, caller(handle));
        self.carry_out();
        reply
    }

    pub fn has(&mut self, handle: usize, policy: &Policy) -> bool {
        self.observe(handle, policy);
        let has = self.session.has_token(self.now, policy);
        self.carry_out();
        has
    }

    pub fn invalidate(&mut self) {
        self.session.invalidate();
        self.carry_out();
    }

    pub fn may_have_left(&mut self) {
        self.generation += 1;
        self.session.may_have_left();
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

    pub fn leave(&mut self, request: RequestId, handle: usize) {
        self.session.leave(request, caller(handle));
        self.carry_out();
    }

    pub fn online(&mut self) {
        self.session.went_online(self.now);
        self.carry_out();
    }

    pub fn answer_with(&mut self, attempt: Attempt, answer: &Answer<'_>) {
        self.running.retain(|running| *running != attempt);
        self.confirm(attempt);
        self.session.answered(self.now, attempt, answer);
        self.carry_out();
    }

    pub fn answer(&mut self, attempt: Attempt, object: &Object) {
        self.answer_with(attempt, &Answer::Object(object));
    }

    pub fn fail(&mut self, attempt: Attempt, failure: Failure) {
        self.running.retain(|running| *running != attempt);
        self.confirm(attempt);
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
