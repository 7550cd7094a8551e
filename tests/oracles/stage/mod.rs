//! The stage on which sessions are played: a page with two clocks, a storage and identities, which does what the session says.
//!
//! It judges nothing: it keeps what was said, and whoever plays on it looks at that with eyes of their own.

pub mod json;
pub mod object;

use std::collections::BTreeMap;
use std::rc::Rc;

use custom_identity_provider::core::{
    Account, Answer, Attempt, BURST, Cache, Caller, Credential, Effect, Failure, Grant, Kind, LATEST_TIMER, LEASE,
    Lease, Moment, Policy, RECORD_VERSION, Reading, RecordScope, Reply, RequestCounter, RequestId, Session, Settings,
    SignOutOrigin, Token, Widget,
};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use json::Json;

/// When every page begins, by its wall clock.
pub const START: i64 = 1_800_000_000_000;
pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;

/// What the session said, and who was signed in then: for whom an attempt was begun, or a record written.
#[derive(Clone, Debug)]
pub struct Said {
    pub effect: Effect,
    pub person: Option<String>,
}

/// An answer that the page may give again without the session.
#[derive(Debug)]
struct Lent {
    caller: Caller,
    policy: Policy,
    person: Option<String>,
    grant: Rc<Grant>,
    lease: Lease,
    /// When the timer that ends it comes at the latest, by the monotonic clock.
    latest_end: i64,
}

pub struct Stage {
    pub session: Session,
    /// Ended by whatever the session is told or asked.
    lent: Option<Lent>,
    pub settings: Settings,
    pub now: Moment,
    /// Who is signed in; the session learns of it when it looks.
    pub person: Option<&'static str>,
    /// Callers whose own `identity` says something else than the page's.
    pub others: BTreeMap<Caller, Reading>,
    /// The stored record.
    pub stored: Option<Value>,
    /// Storage throws when it is written; what lay there stays.
    pub refuses: bool,
    /// What records are written and read under; changes at every sign-out in any tab of the origin. None: nothing is stored.
    pub generation: Option<String>,
    /// JWTs as they are taken apart: their claims are not stored, but read from the token again.
    pub jwts: Vec<Value>,
    pub said: Vec<Said>,
}

/// Of a page that says who is signed in.
pub fn settings(cache: Cache, kind: Kind) -> Settings {
    Settings { cache, kind, is_identified: true, seed: 20_260, counter: RequestCounter::default() }
}

/// What LiveChat's widget needs, for whatever account.
pub fn livechat() -> Kind {
    Widget::LiveChat.kind(Account::default(), false)
}

/// What a widget needs whose vendor takes signed JWTs, and where it says so encrypted ones.
pub fn jwt_kind(may_be_encrypted: bool) -> Kind {
    let widget = if may_be_encrypted { Widget::LiveAssist } else { Widget::Omnichannel };
    widget.kind(Account::default(), false)
}

pub fn signed_jwt() -> Kind {
    jwt_kind(false)
}

/// Whether what a widget needs is a JWT.
pub fn takes_jwts(kind: &Kind) -> bool {
    matches!(kind, Kind::Jwt(_))
}

/// The token of LiveChat's that a grant is.
pub fn token_of(grant: &Grant) -> &Token {
    match &grant.credential {
        Credential::Token(token) => token,
        other => panic!("no token of LiveChat's: {other:?}"),
    }
}

/// What ties a record to a person; a real page digests it.
pub fn scope_of(person: Option<&str>) -> String {
    format!("scope of {person:?}")
}

/// Plays so many thousandths of all schedules, of which there are 10,000 unless `SCHEDULES` says otherwise; the shortest form of what
/// fails is printed.
pub fn runner(thousandths: u32) -> TestRunner {
    let schedules = match std::env::var("SCHEDULES") {
        Ok(number) => number.parse().unwrap_or_else(|_| panic!("SCHEDULES is {number:?}, expected a whole number")),
        Err(_) => 10_000_u32,
    };
    let cases = u32::try_from((u64::from(schedules) * u64::from(thousandths)).div_ceil(1_000)).unwrap();
    TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() })
}

impl Stage {
    pub fn new(settings: Settings) -> Self {
        Self {
            session: Session::new(settings.clone()),
            lent: None,
            settings,
            now: Moment { wall: START, monotonic: 50_000 },
            person: Some("ann"),
            others: BTreeMap::new(),
            stored: None,
            refuses: false,
            generation: Some("1".to_owned()),
            jwts: Vec::new(),
            said: Vec::new(),
        }
    }

    /// The page is loaded anew: memory is gone, storage is not. Requests are counted on, so that no two have the same number.
    pub fn reload(&mut self) {
        self.session = Session::new(self.settings.clone());
        self.lent = None;
        self.said.clear();
    }

    /// What was said since the last time this was asked.
    pub fn take(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    /// What a caller's own `identity` says.
    pub fn reading(&self, caller: Caller) -> Reading {
        let agreeing = || Reading::Says(self.person.map(str::to_owned));
        self.others.get(&caller).cloned().unwrap_or_else(agreeing)
    }

    /// A caller says who is signed in, as it does before every call; where it cannot, the session hears nothing.
    fn observe(&mut self, caller: Caller, policy: &Policy) -> Result<(), Failure> {
        self.lent = None;
        let reading = self.reading(caller);
        let Reading::Says(person) = &reading else { return Err(Failure::unknown_identity()) };
        let wants_record = self.session.observe(person.as_deref());
        self.proceed(wants_record, policy, &[(caller, reading)]);
        Ok(())
    }

    /// The session goes on with who is signed in, and with the record where that is the moment to read it.
    fn proceed(&mut self, wants_record: bool, policy: &Policy, readings: &[(Caller, Reading)]) {
        self.obey();
        if wants_record
            && self.settings.cache == Cache::Session
            && let Some(record) = self.stored.clone()
        {
            let record = Json(self.taken_apart(record));
            let scope = scope_of(self.session.identity());
            let generation = self.generation.as_deref().unwrap_or_default();
            let expected = RecordScope { scope: &scope, generation };
            self.session.restore(self.now, policy, expected, &Answer::Object(&record));
        }
        self.session.proceed(self.now, policy, readings);
        self.obey();
    }

    /// What the core reads of a record with a JWT: its claims too, if it is one.
    fn taken_apart(&self, mut record: Value) -> Value {
        let claims = self.jwts.iter().find(|jwt| jwt["token"] == record["token"]).and_then(Value::as_object);
        for (claim, value) in claims.into_iter().flatten() {
            if record.get(claim).is_none() {
                record[claim] = value.clone();
            }
        }
        record
    }

    /// Does what the session says.
    fn obey(&mut self) {
        while let Some(effect) = self.session.poll_effect() {
            let person = self.session.identity().map(str::to_owned);
            match &effect {
                Effect::Store(grant) if !self.refuses && self.generation.is_some() => {
                    self.stored = Some(self.record_of(grant));
                }
                Effect::Forget => self.stored = None,
                _ => {}
            }
            self.said.push(Said { effect, person });
        }
    }

    /// An attempt waits for its turn among the tabs.
    pub fn wait_for_turn(&mut self, attempt: Attempt) {
        self.session.wait_for_turn(attempt);
        self.obey();
    }

    /// It is its turn: the source is asked.
    pub fn take_turn(&mut self, attempt: Attempt) {
        self.lent = None;
        self.session.take_turn(self.now, attempt);
        self.obey();
    }

    /// What other tabs are handed that share under this mark, if there is anything.
    pub fn handed_on(&self, mark: &str) -> Option<Value> {
        let grant = self.session.shareable(self.now)?;
        let mut record = self.record_of(&grant);
        record["generation"] = json!(mark);
        Some(record)
    }

    /// Another tab hands a record on, to one that shares under this mark.
    pub fn offer(&mut self, attempt: Attempt, policy: &Policy, mark: &str, record: Value) {
        self.lent = None;
        let record = Json(self.taken_apart(record));
        let scope = scope_of(self.session.identity());
        let expected = RecordScope { scope: &scope, generation: mark };
        let offered = self.session.offered(self.now, attempt, policy, expected, &Answer::Object(&record));
        if let Some(grant) = offered {
            self.ask(attempt, policy);
            self.session.take(self.now, attempt, grant);
            self.obey();
        }
    }

    fn record_of(&self, grant: &Grant) -> Value {
        let mut record = match &grant.credential {
            Credential::Token(token) => json!({
                "accessToken": token.access_token, "entityId": token.entity_id,
                "expiresIn": token.expires_in, "tokenType": token.token_type,
            }),
            Credential::Jwt(jwt) => json!({ "token": jwt.text }),
            Credential::Code => panic!("a code was stored"),
        };
        if let Credential::Token(Token { license_id: Some(license_id), .. }) = &grant.credential {
            record["licenseId"] = json!(license_id);
        }
        if let Credential::Token(Token { organization_id: Some(organization_id), .. }) = &grant.credential {
            record["organizationId"] = json!(organization_id);
        }
        record["version"] = json!(RECORD_VERSION);
        record["scope"] = json!(scope_of(self.session.identity()));
        record["generation"] = json!(self.generation);
        record["creationDate"] = json!(grant.lifetime.created);
        record
    }

    pub fn get_token(&mut self, caller: Caller, policy: &Policy) -> Reply {
        if let Err(failure) = self.observe(caller, policy) {
            return Reply::Refuse(failure);
        }
        let reply = self.session.get_token(self.now, policy, caller);
        self.obey();
        if let (Reply::Token(grant), Reading::Says(person)) = (&reply, self.reading(caller)) {
            self.lend(caller, policy, person, grant);
        }
        reply
    }

    /// As if the call were the last of a burst.
    fn lend(&mut self, caller: Caller, policy: &Policy, person: Option<String>, grant: &Rc<Grant>) {
        let lease = (0..BURST).find_map(|_| self.session.lease(self.now, policy, person.as_deref(), grant));
        let latest_end = self.now.monotonic + LEASE + LATEST_TIMER;
        let lent = |lease| Lent { caller, policy: *policy, person, grant: Rc::clone(grant), lease, latest_end };
        self.lent = lease.map(lent);
    }

    /// What the page would give a caller who says to be this person at this moment, without asking the session.
    pub fn lent_to(&self, caller: Caller, policy: &Policy, person: Option<&str>, at: Moment) -> Option<&Rc<Grant>> {
        let Lent { grant, lease, latest_end, .. } = self
            .lent
            .as_ref()
            .filter(|lent| (lent.caller, &lent.policy, lent.person.as_deref()) == (caller, policy, person))?;
        (lease.from..lease.until).contains(&at.wall).then_some(grant).filter(|_| at.monotonic < *latest_end)
    }

    /// Moments from now on at which what is lent may be asked for: the wall clock can be set to anything, and timers come late.
    pub fn moments(&self) -> Vec<Moment> {
        let Some(Lent { lease, latest_end, .. }) = &self.lent else { return Vec::new() };
        let walls = [self.now.wall, lease.from - 1, lease.from, lease.until - 1, lease.until];
        let monotonic = [self.now.monotonic, self.now.monotonic.max(latest_end - 1)];
        let at = |wall| monotonic.map(|monotonic| Moment { wall, monotonic });
        walls.into_iter().flat_map(at).collect()
    }

    pub fn get_fresh_token(&mut self, caller: Caller, policy: &Policy) -> Reply {
        if let Err(failure) = self.observe(caller, policy) {
            return Reply::Refuse(failure);
        }
        let reply = self.session.get_fresh_token(self.now, policy, caller);
        self.obey();
        reply
    }

    pub fn has_token(&mut self, caller: Caller, policy: &Policy) -> Result<bool, Failure> {
        self.observe(caller, policy)?;
        let has = self.session.has_token(self.now, policy);
        self.obey();
        Ok(has)
    }

    /// To forget, nobody is asked who is signed in.
    pub fn invalidate(&mut self) {
        self.lent = None;
        self.session.invalidate();
        self.obey();
    }

    /// What was stored before is void.
    pub fn begin_generation(&mut self) {
        let number: u64 = self.generation.as_deref().and_then(|generation| generation.parse().ok()).unwrap_or(0);
        self.generation = Some((number + 1).to_string());
    }

    /// A mark is gone that stood for the latest sign-out.
    pub fn may_have_left(&mut self) {
        self.lent = None;
        self.begin_generation();
        self.session.may_have_left();
        self.obey();
    }

    pub fn sign_out(&mut self, origin: SignOutOrigin) {
        self.lent = None;
        self.begin_generation();
        self.session.sign_out(origin);
        self.obey();
    }

    pub fn signed_in(&mut self) {
        self.lent = None;
        self.session.signed_in();
        self.obey();
    }

    pub fn online(&mut self) {
        self.lent = None;
        self.session.went_online(self.now);
        self.obey();
    }

    pub fn leave(&mut self, request: RequestId, caller: Caller) {
        self.lent = None;
        self.session.leave(request, caller);
        self.obey();
    }

    pub fn wake(&mut self) {
        self.lent = None;
        self.session.wake(self.now);
        self.obey();
    }

    /// Both clocks go on, and nobody is woken.
    pub fn advance(&mut self, milliseconds: i64) {
        self.now.wall += milliseconds;
        self.now.monotonic += milliseconds;
    }

    /// What each of those says who are concerned by an attempt; none where it is dead, and nobody's identity is read.
    pub fn readings(&self, attempt: Attempt) -> Option<Vec<(Caller, Reading)>> {
        let concerned = self.session.concerned(attempt)?;
        Some(concerned.into_iter().map(|caller| (caller, self.reading(caller))).collect())
    }

    /// The session hears what they said.
    pub fn confirm(&mut self, attempt: Attempt, policy: &Policy, readings: &[(Caller, Reading)]) {
        self.lent = None;
        let wants_record = self.session.confirm(self.now, attempt, readings);
        self.proceed(wants_record, policy, readings);
    }

    /// Everyone who is concerned is asked who is signed in; nobody, where the attempt is over.
    pub fn ask(&mut self, attempt: Attempt, policy: &Policy) {
        if let Some(readings) = self.readings(attempt) {
            self.confirm(attempt, policy, &readings);
        }
    }

    /// The answer itself, after everyone was asked.
    pub fn answer(&mut self, attempt: Attempt, answer: &Answer<'_>) {
        self.lent = None;
        self.session.answered(self.now, attempt, answer);
        self.obey();
    }

    /// The failure itself, after everyone was asked.
    pub fn fail(&mut self, attempt: Attempt, failure: Failure) {
        self.lent = None;
        self.session.failed(self.now, attempt, failure);
        self.obey();
    }
}
