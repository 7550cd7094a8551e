//! Plays a schedule against the session and the oracle side by side, and compares everything that can be seen.

use std::collections::BTreeSet;
use std::fmt::Debug;

use custom_identity_provider::core::{
    Answer, Attempt, Cache, Credential, ErrorCode, Event, FREE_REFUSALS, Fields, Grant, Jwt, Kind, Moment, Policy,
    REFUSAL_PAUSE, Reason, Reply, RequestCounter, RequestId, Settings, Token, Value, cool_down_length,
};

use super::oracle::{Answered, Ended, Held, Oracle, Signed, Stored, code};
use super::page::{End, LICENSE, Page, Said, caller};
use super::schedule::{
    Action, After, Answering, Edge, PEOPLE, Schedule, Step, Storage, Subject, Tampering, code_object,
};
use crate::stage::json::{Json, finished, signed};
use crate::stage::object::{jwt, number, text};
use crate::stage::scope_of;

/// What the driver itself knows of a request, or of one attempt: under whom and in which epoch the source was asked.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Birth {
    person: Option<&'static str>,
    epoch: u32,
    at: i64,
    policy: Policy,
}

/// What every token's text begins with.
const SECRET: &str = "secret-";

/// What a record of LiveChat's has, and one of a JWT has not.
const TOKEN: [&str; 5] = ["accessToken", "entityId", "expiresIn", "tokenType", "licenseId"];

struct Driver<'a> {
    schedule: &'a Schedule,
    page: Page,
    oracle: Oracle,
    /// Counts up where what was given before may not be given any more, across reloads.
    epoch: u32,
    /// Who was signed in at the last call or answer.
    person: Option<Option<&'static str>>,
    /// By request number − 1; one that is carried over is born anew.
    births: Vec<Birth>,
    /// Requests that were carried over from nobody to a person.
    carried: BTreeSet<RequestId>,
    /// By the number in a token's text; a JWT can be the answer to several requests.
    tokens: Vec<Vec<Birth>>,
    /// Every JWT that was right.
    signed: Vec<Signed>,
    /// Since somebody came or left or the page was loaded: each JWT that was accepted, when it arrived, and until when it may live.
    appeared: Vec<(Signed, Moment, Moment)>,
    /// The JWT that the source just answered with, and when it was asked.
    arriving: Option<(Signed, Moment)>,
    /// Which handle waits for which request, once for each call.
    waiters: Vec<(RequestId, usize)>,
    /// Every attempt there ever was.
    attempts: Vec<Attempt>,
    /// When each was sent, and for whom.
    sent: Vec<(Moment, Birth)>,
    /// Of the handle that is called.
    calling: Policy,
    timers_are_late: bool,
    /// When demanded requests failed since something other than a failure happened, those that ran side by side once.
    failures: Vec<i64>,
    /// When the source last said that nobody is signed in, and how many times in a row.
    refusals: (i64, u32),
}

/// Plays it, and panics where session and oracle disagree or something happens that never may.
pub fn play(schedule: &Schedule) {
    let settings = Settings {
        cache: schedule.cache,
        kind: schedule.kind.clone(),
        is_identified: schedule.is_identified,
        seed: schedule.seed,
        counter: RequestCounter::default(),
    };
    let mut driver = Driver {
        schedule,
        page: Page::new(settings, schedule.handles.clone()),
        oracle: Oracle::new(schedule.cache, schedule.kind.clone(), schedule.is_identified),
        epoch: 0,
        person: None,
        births: Vec::new(),
        carried: BTreeSet::new(),
        tokens: Vec::new(),
        signed: Vec::new(),
        appeared: Vec::new(),
        arriving: None,
        waiters: Vec::new(),
        attempts: Vec::new(),
        sent: Vec::new(),
        calling: Policy::default(),
        timers_are_late: false,
        failures: Vec::new(),
        refusals: (0, 0),
    };
    driver.page.signer += schedule.signer;
    for step in &schedule.steps {
        driver.step(step);
    }
    // The source is silent from now on: nobody may be left waiting. Who is found to be signed in at a further attempt waits anew.
    let longest = schedule.policies.iter().map(|policy| policy.timeout.max(policy.patience)).max().unwrap();
    driver.pass(2 * longest);
    assert_eq!(driver.waiters, [], "somebody waits for ever");
    assert_eq!(driver.page.live, [], "a request runs for ever");
}

/// The same things, in whatever order.
fn same<T: PartialEq + Debug>(what: &str, session: &[T], oracle: &[T]) {
    let mut left: Vec<&T> = oracle.iter().collect();
    let mut unexpected = Vec::new();
    for item in session {
        match left.iter().position(|expected| *expected == item) {
            Some(position) => drop(left.swap_remove(position)),
            None => unexpected.push(item),
        }
    }
    assert!(
        unexpected.is_empty() && left.is_empty(),
        "{what}: the session has {unexpected:?} beyond the oracle's, and lacks {left:?}"
    );
}

fn held(grant: &Grant) -> Held {
    let token = match &grant.credential {
        Credential::Token(token) => token,
        Credential::Code => {
            assert_eq!(grant.lifetime.expires_in, 0, "a code is over when it is handed on");
            let (wall, monotonic) = (grant.lifetime.created, grant.lifetime.created_monotonic.unwrap());
            return code(Moment { wall, monotonic });
        }
        Credential::Jwt(Jwt { text, subject, issued }) => {
            return Held {
                text: text.clone(),
                entity: subject.clone(),
                issued: Some(*issued),
                lifetime: grant.lifetime.expires_in,
                created: grant.lifetime.created,
                created_monotonic: grant.lifetime.created_monotonic,
            };
        }
    };
    let Token { access_token, entity_id, expires_in, token_type, creation_date, license_id, organization_id } = token;
    assert_eq!((token_type.as_str(), *license_id, organization_id), ("Bearer", Some(LICENSE), &None));
    assert_eq!((*expires_in, *creation_date), (grant.lifetime.expires_in, grant.lifetime.created));
    Held {
        text: access_token.clone(),
        entity: Some(entity_id.clone()),
        issued: None,
        lifetime: *expires_in,
        created: *creation_date,
        created_monotonic: grant.lifetime.created_monotonic,
    }
}

fn same_end(end: &End, ended: &Ended) -> bool {
    match (end, ended) {
        (End::Resolved(grant), Ended::Resolved(expected)) => held(grant) == *expected,
        (End::Rejected(failure), Ended::Rejected(expected)) => failure == expected,
        (End::Rejected(failure), Ended::BadAnswer(field)) => {
            failure.code == ErrorCode::BadAnswer && failure.message.contains(field) && !failure.message.contains(SECRET)
        }
        (End::Dropped, Ended::Dropped) => true,
        _ => false,
    }
}

impl Driver<'_> {
    fn is_for_codes(&self) -> bool {
        self.schedule.kind == Kind::Code
    }

    fn policy(&self, policy: usize) -> Policy {
        self.schedule.policies[policy]
    }

    fn step(&mut self, step: &Step) {
        match step.after {
            After::Milliseconds(0) => {}
            After::Milliseconds(milliseconds) => self.pass(milliseconds),
            After::Until(edge, offset) => {
                if let Some(distance) = self.distance(edge).map(|distance| distance + offset).filter(|ms| *ms > 0) {
                    self.pass(distance);
                }
            }
        }
        self.check_lease();
        self.act(step.action);
        self.check_lease();
    }

    /// Rule 25: what the page gives without asking, to whomever and whenever, the session would give it, and do nothing.
    fn check_lease(&self) {
        for at in self.page.stage.moments() {
            for (handle, policy) in
                (0..self.page.handles.len()).flat_map(|handle| [0, 1, 2].map(|policy| (handle, policy)))
            {
                let policy = self.policy(policy);
                for person in PEOPLE {
                    let Some(grant) = self.page.stage.lent_to(caller(handle), &policy, person, at) else { continue };
                    let given = self.oracle.gives_at_once(at, &policy, person);
                    assert_eq!(Some(&held(grant)), given, "lent to {person:?} at {at:?}, and not theirs");
                }
            }
        }
    }

    fn distance(&self, edge: Edge) -> Option<i64> {
        let now = self.page.now();
        let held = self.oracle.held.as_ref();
        match edge {
            Edge::Expiry(policy) => held.map(|held| held.remaining(now, &self.policy(policy))),
            Edge::EndOfLife => held.map(|held| held.life_left(now)),
            Edge::LastStretch(policy) => {
                let policy = self.policy(policy);
                held.map(|held| held.remaining(now, &policy) - held.stretch(&policy))
            }
            Edge::CoolDown => self.oracle.cool_down.left(now),
            Edge::BackgroundCoolDown => self.oracle.background_cool_down.left(now),
            Edge::Timer => self.oracle.next_timer().map(|due| due - now.monotonic),
        }
    }

    /// Time passes, and timers fire when they are due; those that are late, at once.
    fn pass(&mut self, milliseconds: i64) {
        let end = self.page.now().monotonic + milliseconds;
        while let Some(due) = self.page.stage.session.next_wake().filter(|due| *due <= end) {
            self.page.advance((due - self.page.now().monotonic).max(0));
            self.wake();
            let next = self.page.stage.session.next_wake();
            let is_due_again = next.is_some_and(|due| due <= self.page.now().monotonic);
            assert!(!is_due_again || self.timers_are_late, "woken, and due again at once");
        }
        self.timers_are_late = false;
        self.page.advance(end - self.page.now().monotonic);
        for request in &self.page.live {
            let Birth { at, policy, .. } = self.births[request.0 as usize - 1];
            let age = self.page.now().monotonic - at;
            assert!(age < policy.timeout.max(policy.patience), "{request:?} still runs after {age} ms");
        }
    }

    fn wake(&mut self) {
        let was_due = self.page.stage.session.next_wake().is_some_and(|due| due <= self.page.now().monotonic);
        self.page.wake();
        let did_something = !self.page.said.events.is_empty() || !self.page.said.begun.is_empty();
        assert_eq!(was_due, did_something, "woken when nothing was due, or the other way round");
        self.oracle.wake(self.page.now(), &self.page.said.events);
        self.compare();
    }

    /// The handle that a number stands for, what it says of who is signed in, and its policy; none where its function fails, for then no call
    /// reaches the session.
    fn calling(&mut self, handle: usize, policy: usize) -> Option<(usize, Policy)> {
        let (handle, policy) = (handle % self.page.handles.len(), self.policy(policy));
        let person = self.page.handles[handle].ok()?;
        self.oracle.observe(self.page.now(), person, &policy, handle);
        Some((handle, policy))
    }

    fn act(&mut self, action: Action) {
        let now = self.page.now();
        match action {
            Action::GetToken { handle, policy } => {
                if let Some((handle, policy)) = self.calling(handle, policy) {
                    let expected = self.oracle.get_token(now, &policy, handle);
                    let reply = self.page.get(handle, &policy);
                    self.replied(&reply, &expected, policy, handle);
                }
            }
            Action::GetFreshToken { handle, policy } => {
                if let Some((handle, policy)) = self.calling(handle, policy) {
                    let expected = self.oracle.get_fresh_token(now, &policy, handle);
                    let reply = self.page.fresh(handle, &policy);
                    self.replied(&reply, &expected, policy, handle);
                }
            }
            Action::HasToken { handle, policy } => {
                if let Some((handle, policy)) = self.calling(handle, policy) {
                    let expected = self.oracle.has_token(now, &policy);
                    assert_eq!(self.page.has(handle, &policy), expected, "hasToken");
                }
            }
            Action::Invalidate => {
                self.epoch += 1;
                self.oracle.invalidate();
                self.page.invalidate();
            }
            Action::MayHaveLeft => {
                self.epoch += 1;
                self.oracle.may_have_left();
                self.page.may_have_left();
            }
            Action::SignOut { origin } => {
                self.epoch += 1;
                self.appeared.clear();
                self.oracle.sign_out(origin);
                self.page.sign_out(origin);
            }
            Action::Identity { person } => {
                (0..self.page.handles.len()).for_each(|handle| self.page.says(handle, Ok(PEOPLE[person])));
            }
            Action::OwnIdentity { handle, says } => {
                let handle = handle % self.page.handles.len();
                self.page.says(handle, says);
            }
            Action::StorageCleared => {
                self.page.stage.stored = None;
                self.oracle.stored = None;
            }
            Action::Storing(storing) => {
                self.page.stage.refuses = storing == Storage::Refuses;
                self.oracle.storing = storing;
            }
            Action::Answer { attempt, answer } => {
                if let Some(attempt) = chosen(&self.page.running, attempt) {
                    self.answer(attempt, answer);
                }
            }
            Action::Fail { attempt, failing } => {
                if let Some(attempt) = chosen(&self.page.running, attempt) {
                    let failure = failing.failure();
                    self.oracle.confirm(now, attempt, &self.page.handles);
                    self.page.fail(attempt, failure.clone());
                    self.oracle.failed(now, attempt, &failure, &self.page.said.events);
                }
            }
            Action::LateAnswer { attempt } => {
                if let Some(attempt) = chosen(&self.over(), attempt) {
                    assert_eq!(
                        self.page.stage.session.concerned(attempt),
                        None,
                        "an attempt that is over concerns nobody"
                    );
                    let (token, entity) = self.make(attempt);
                    let late = match self.schedule.kind {
                        Kind::Token(_) => crate::stage::object::raw(&token, &entity, 28_800),
                        Kind::Jwt(_) => jwt(&token, self.page.signer, 28_800_000),
                        Kind::Code => code_object(&token),
                    };
                    self.page.answer(attempt, &late);
                }
            }
            Action::LateFailure { attempt } => {
                if let Some(attempt) = chosen(&self.over(), attempt) {
                    self.page.fail(attempt, super::schedule::Failing::Network.failure());
                }
            }
            Action::TimersLate { milliseconds } => {
                self.timers_are_late = true;
                self.page.advance(milliseconds);
            }
            Action::WallClockJumps { milliseconds } => self.page.stage.now.wall += milliseconds,
            Action::Sleep { milliseconds } => {
                self.page.stage.now.wall += milliseconds;
                self.page.signer += milliseconds;
            }
            Action::SignersClockJumps { milliseconds } => self.page.signer += milliseconds,
            Action::SignedIn => {
                self.forgive();
                self.oracle.signed_in();
                self.page.signed_in();
            }
            Action::Online => {
                self.forgive();
                self.page.online();
                self.oracle.online(now, &self.page.said.events);
            }
            Action::Leave { waiter } => {
                if let Some(waiter) = waiter.checked_rem(self.waiters.len()) {
                    let (request, handle) = self.waiters.swap_remove(waiter);
                    self.oracle.leave(request, handle);
                    self.page.leave(request, handle);
                }
            }
            Action::Wake => self.wake(),
            Action::Reload { record } => self.reload(record),
        }
        self.compare();
    }

    /// The source answers, with what is different from all that it answered before unless it is to come again.
    fn answer(&mut self, attempt: Attempt, answering: Answering) {
        let (sent, birth) = self.sending(attempt);
        let mut signed = None;
        if let Answering::JwtAgain { which } = answering {
            // Another person's JWT is one that nobody could tell from the right one.
            let is_theirs = |signed: &&Signed| self.tokens[number_in(&signed.text)][0].person == birth.person;
            let theirs: Vec<&Signed> = self.signed.iter().filter(is_theirs).collect();
            signed = which.checked_rem(theirs.len()).map(|position| theirs[position].clone());
        }
        let (token, mut entity) = match &signed {
            Some(signed) => (signed.text.clone(), String::new()),
            None => self.make(attempt),
        };
        if answering.is_other_entity() {
            entity += " anew";
        }
        if let Some(signed) = &signed {
            self.tokens[number_in(&signed.text)].push(birth);
        } else if let Answering::Jwt { .. } | Answering::JwtAgain { .. } = answering {
            signed = Some(self.sign(answering, &token, &entity));
        }
        let now = self.page.now();
        self.arriving = signed.clone().map(|signed| (signed, sent));
        self.oracle.confirm(now, attempt, &self.page.handles);
        self.oracle.answered(now, attempt, &token, &entity, signed.as_ref(), answering);
        if let Some(object) = answering.token(&token, &entity, now.wall) {
            return self.page.answer(attempt, &object);
        }
        if let Some(jwt) = self.page.stage.jwts.iter().find(|jwt| jwt["token"] == token.as_str()).cloned() {
            return self.page.answer(attempt, &Json(jwt));
        }
        let object = match answering {
            Answering::Malformed(malformed) => Some(malformed.answer(&token, self.page.signer).0),
            Answering::Code { is_object: true } => Some(code_object(&token)),
            Answering::WrongCode(wrong) => wrong.answer(&token).0,
            _ => None,
        };
        match (&object, answering) {
            (Some(object), _) => self.page.answer(attempt, object),
            (None, Answering::Code { .. }) => self.page.answer_with(attempt, &Answer::Text(&token)),
            (None, Answering::WrongCode(_)) => self.page.answer_with(attempt, &Answer::Text("")),
            (None, Answering::Null) => self.page.answer_with(attempt, &Answer::Null),
            (None, _) => self.page.answer_with(attempt, &Answer::Other("undefined")),
        }
    }

    /// When an attempt was sent, and for whom.
    fn sending(&self, attempt: Attempt) -> (Moment, Birth) {
        self.sent[self.attempts.iter().position(|sent| *sent == attempt).unwrap()]
    }

    /// A new JWT, by the clock of who signs it.
    fn sign(&mut self, answering: Answering, token: &str, entity: &str) -> Signed {
        let (age, lifetime, subject, encrypted) = match answering {
            Answering::Jwt { age, lifetime, subject, encrypted } => (age, lifetime, subject, encrypted),
            _ => (0, 7_200, Subject::TheUsual, false),
        };
        let subject = (subject != Subject::None).then(|| entity.to_owned());
        let issued = self.page.signer - age;
        let mut jwt = signed(token, issued, lifetime);
        if encrypted {
            (jwt["parts"], jwt["alg"]) = (5.into(), "RSA-OAEP-256".into());
        }
        jwt["sub"] = subject.clone().into();
        self.page.stage.jwts.push(jwt);
        let signed = Signed { text: token.to_owned(), subject, issued, lifetime };
        self.signed.push(signed.clone());
        signed
    }

    /// Until when a JWT that arrives may live at most: as long as it was signed for, counted from when it was first here, unless 16
    /// others came since it was here last. The wall clock may have been turned back since it was asked for.
    fn longest_life(&self, arriving: &Signed, sent: Moment) -> (Moment, bool) {
        let is_it = |(known, ..): &&(Signed, Moment, Moment)| known.text == arriving.text;
        let after: BTreeSet<&str> = self
            .appeared
            .iter()
            .rev()
            .take_while(|known| !is_it(known))
            .map(|(known, ..)| known.text.as_str())
            .collect();
        let earlier = self.appeared.iter().rfind(is_it).filter(|_| after.len() < 16);
        let now = self.page.now();
        let (wall, monotonic) = (now.wall.max(sent.wall) + arriving.lifetime, now.monotonic + arriving.lifetime);
        match earlier {
            Some((_, _, until)) => {
                (Moment { wall: wall.min(until.wall), monotonic: monotonic.min(until.monotonic) }, true)
            }
            None => (Moment { wall, monotonic }, false),
        }
    }

    /// A JWT is handed out from the cache: by no clock may its life be over.
    fn check_life(&self, grant: &Grant) {
        let Credential::Jwt(jwt) = &grant.credential else { return };
        let now = self.page.now();
        if let Some((_, _, until)) = self.appeared.iter().rfind(|(known, ..)| known.text == jwt.text) {
            assert!(
                now.monotonic < until.monotonic && now.wall < until.wall,
                "handed out at {now:?}, over at {until:?}"
            );
        }
    }

    fn reload(&mut self, tampering: Tampering) {
        self.waiters.clear();
        self.forgive();
        self.appeared.clear();
        self.person = None;
        let was_tampered_with = self.oracle.stored.as_ref().is_some_and(|stored| stored.tampering.is_some());
        self.oracle.reload(tampering);
        self.page.reload();
        if matches!(tampering, Tampering::SignedOutElsewhere) {
            self.epoch += 1;
            self.page.stage.begin_generation();
        }
        let Some(record) = self.page.stage.stored.as_mut().filter(|_| !was_tampered_with) else { return };
        match tampering {
            Tampering::Untouched | Tampering::SignedOutElsewhere => {}
            Tampering::OtherVersion => record["version"] = 2.into(),
            Tampering::OtherScope => record["scope"] = "scope of somebody else".into(),
            Tampering::Corrupt => match self.schedule.kind {
                Kind::Token(_) => record["expiresIn"] = "an hour".into(),
                _ => record["token"] = "no JWT".into(),
            },
            Tampering::OtherKind => {
                let is_token = matches!(self.schedule.kind, Kind::Token(_));
                let record = record.as_object_mut().unwrap();
                if is_token {
                    record.retain(|name, _| !TOKEN.contains(&name.as_str()));
                    record.insert("token".to_owned(), SECRET.into());
                } else {
                    record.remove("token");
                    let mut token = finished(SECRET, 3_600_000, self.page.stage.now.wall);
                    record.append(token.as_object_mut().unwrap());
                }
            }
        }
    }

    fn over(&self) -> Vec<Attempt> {
        self.attempts.iter().filter(|attempt| !self.page.running.contains(attempt)).copied().collect()
    }

    /// A token for whoever was signed in when the request began, different from every other.
    fn make(&mut self, attempt: Attempt) -> (String, String) {
        let (_, birth) = self.sending(attempt);
        self.tokens.push(vec![birth]);
        (format!("{SECRET}{}", self.tokens.len() - 1), format!("entity of {:?}", birth.person))
    }

    /// Whose it is, and of which epochs.
    fn births_of(&self, grant: &Grant) -> &[Birth] {
        match &grant.credential {
            Credential::Token(token) => &self.tokens[number_in(&token.access_token)],
            Credential::Jwt(jwt) => &self.tokens[number_in(&jwt.text)],
            Credential::Code => panic!("nobody looks at a code"),
        }
    }

    fn is_of_now(&self, grant: &Grant) -> bool {
        self.births_of(grant).iter().any(|birth| (Some(birth.person), birth.epoch) == (self.person, self.epoch))
    }

    fn replied(&mut self, reply: &Reply, expected: &Answered, policy: Policy, handle: usize) {
        self.calling = policy;
        self.compare();
        match (reply, expected) {
            (Reply::Token(grant), Answered::Token(expected)) => {
                assert_eq!(held(grant), *expected);
                assert!(self.is_of_now(grant), "somebody else's token, or an old one");
                self.check_life(grant);
                assert_eq!(self.page.handles[handle], Ok(self.person.unwrap()));
            }
            (Reply::Wait(request), Answered::Wait(expected)) => {
                assert_eq!(request, expected);
                let birth = self.births[request.0 as usize - 1];
                assert_eq!(
                    (Some(birth.person), birth.epoch),
                    (self.person, self.epoch),
                    "joined somebody else's request, or an old one"
                );
                assert!(self.page.live.contains(request), "waits for a request that is over");
                self.waiters.push((*request, handle));
            }
            (Reply::Refuse(failure), Answered::Refused(expected)) => assert_eq!(failure, expected),
            _ => panic!("the session replied {reply:?}, the oracle {expected:?}"),
        }
    }

    /// Who is signed in now, by what the handles said. Who came where nobody was takes over what nobody waits for.
    fn follow(&mut self) -> bool {
        let person = self.oracle.person;
        assert_eq!(self.page.stage.session.identity(), person.flatten(), "who is signed in");
        let before = std::mem::replace(&mut self.person, person);
        if before.is_none() || before == person {
            return false;
        }
        self.appeared.clear();
        if before.flatten().is_some() {
            self.epoch += 1;
            return true;
        }
        for (request, _) in &self.waiters {
            let birth = &mut self.births[request.0 as usize - 1];
            (birth.person, birth.epoch, birth.at) = (person.flatten(), self.epoch, self.page.now().monotonic);
            self.carried.insert(*request);
        }
        true
    }

    fn compare(&mut self) {
        let has_changed = self.follow();
        let Said { again, begun, refused, ended, stored, events } = self.page.take();
        let expected = std::mem::take(&mut self.oracle.expected);
        same("attempts begun", &begun, &expected.begun);
        same("attempts begun after a pause", &again, &expected.again);
        for attempt in &begun {
            if attempt.number == 1 {
                let (epoch, at, policy) = (self.epoch, self.page.now().monotonic, self.calling);
                self.births.push(Birth { person: self.person.unwrap(), epoch, at, policy });
            }
            self.attempts.push(*attempt);
            self.sent.push((self.page.now(), self.births[attempt.request.0 as usize - 1]));
        }
        same("events", &events, &expected.events);
        self.check_rate(&begun, &events);

        same("refused alone", &refused, &expected.refused);
        for (request, refused, _) in &refused {
            let before = self.waiters.len();
            self.waiters.retain(|(waited_for, handle)| waited_for != request || caller(*handle) != *refused);
            assert!(before > self.waiters.len(), "{refused:?} is refused and did not wait");
            let says = self.page.handles[refused.0 as usize - 1];
            let person = self.births[request.0 as usize - 1].person;
            assert_ne!(says, Ok(person), "{refused:?} is refused what is its own");
        }
        assert_eq!(ended.len(), expected.ended.len(), "requests over: {ended:?}, expected {:?}", expected.ended);
        for (request, end) in &ended {
            let matching = expected.ended.iter().find(|(expected, _)| expected == request);
            assert!(
                matching.is_some_and(|(_, ended)| same_end(end, ended)),
                "{request:?}: {end:?}, expected {matching:?}"
            );
            self.settle(*request, end);
        }
        for grant in stored {
            assert!(self.is_of_now(&grant), "stored somebody else's token, or an old one");
        }
        same("running attempts", &self.page.running, &self.oracle.running());
        assert_eq!(self.page.stage.session.next_wake(), self.oracle.next_timer(), "the next wake");
        self.compare_storage();
        self.check_requests();
        if let Some((arrived, sent)) = self.arriving.take()
            && events.iter().any(|event| matches!(event, Event::RequestSucceeded { .. }))
        {
            let now = self.page.now();
            let (until, came_before) = self.longest_life(&arrived, sent);
            let is_over = until.wall <= now.wall || until.monotonic <= now.monotonic;
            assert!(!came_before || !is_over, "came again at {now:?}, over at {until:?}: {arrived:?}");
            if !has_changed {
                self.appeared.push((arrived, now, until));
            }
        }
        // Before a source is asked again, everyone who is concerned is asked who is signed in.
        for attempt in again {
            if self.page.running.contains(&attempt) {
                self.oracle.confirm(self.page.now(), attempt, &self.page.handles);
                self.page.ask(attempt);
                self.compare();
            }
        }
    }

    /// Whatever failed before counts no more.
    fn forgive(&mut self) {
        self.failures.clear();
        self.refusals = (0, 0);
    }

    /// However often a page calls, a source that only fails is asked less and less often.
    fn check_rate(&mut self, begun: &[Attempt], events: &[Event]) {
        let now = self.page.now().monotonic;
        let is_no_mere_failure = |event: &Event| {
            matches!(
                event,
                Event::RequestSucceeded { .. }
                    | Event::RequestAborted { .. }
                    | Event::Invalidated
                    | Event::MayHaveLeft
                    | Event::SignedOut { .. }
                    | Event::IdentityChanged
            )
        };
        for event in events {
            match event {
                event if is_no_mere_failure(event) => self.forgive(),
                Event::RequestFailed { demanded: true, code: ErrorCode::NotSignedIn, .. } => {
                    self.refusals = (now, self.refusals.1 + 1);
                }
                Event::RequestFailed { code: ErrorCode::BadIdentity, .. } => {}
                Event::RequestFailed { request, demanded: true, .. } => {
                    let began = self.births[*request as usize - 1].at;
                    if self.failures.last().is_none_or(|before| *before <= began) {
                        self.failures.push(now);
                    }
                }
                _ => {}
            }
        }
        if self.is_for_codes() {
            return;
        }
        for attempt in begun.iter().filter(|attempt| attempt.number == 1 && attempt.reason != Reason::Ahead) {
            if let Some(before) = self.failures.last() {
                let failures = u32::try_from(self.failures.len()).unwrap();
                assert!(now - before >= cool_down_length(failures), "{attempt:?}: too soon after {failures} failures");
            }
            let (refused, times) = self.refusals;
            assert!(times <= FREE_REFUSALS || now - refused >= REFUSAL_PAUSE, "{attempt:?}: refused {times} times");
        }
    }

    fn settle(&mut self, request: RequestId, end: &End) {
        let before = self.waiters.len();
        let birth = self.births[request.0 as usize - 1];
        if let End::Resolved(grant) = end {
            if self.is_for_codes() {
                let waiters = self.waiters.iter().filter(|(waited_for, _)| *waited_for == request).count();
                assert_eq!(waiters, 1, "a code was given to {waiters} callers");
            } else {
                assert!(self.births_of(grant).iter().all(|given| given.person == birth.person), "another's token");
            }
            for (_, handle) in self.waiters.iter().filter(|(waited_for, _)| *waited_for == request) {
                assert_eq!(self.page.handles[*handle], Ok(birth.person), "handle {handle} gets somebody else's token");
            }
        }
        self.waiters.retain(|(waited_for, _)| *waited_for != request);
        let somebody_waited = before > self.waiters.len();
        assert_eq!(somebody_waited, *end != End::Dropped, "{request:?}: {end:?}, but did somebody wait?");
    }

    fn compare_storage(&self) {
        match (self.page.stage.stored.clone().map(Json), &self.oracle.stored) {
            (None, None) => {}
            (Some(record), Some(Stored { held, person, generation, tampering })) => {
                assert_eq!(self.schedule.cache, Cache::Session);
                assert!(!self.is_for_codes(), "a code lies in storage");
                if tampering.is_none() {
                    if held.issued.is_some() {
                        assert_eq!(record.field("token"), text(&held.text));
                    } else {
                        assert_eq!(record.field("accessToken"), text(&held.text));
                        assert_eq!(record.field("entityId"), held.entity.as_deref().map_or(Value::Missing, text));
                        assert_eq!(record.field("expiresIn"), number(held.lifetime));
                    }
                    assert_eq!(record.field("creationDate"), number(held.created));
                    assert_eq!(record.field("scope"), text(&scope_of(*person)));
                    assert_eq!(record.field("generation"), text(&generation.to_string()));
                }
            }
            (record, stored) => panic!("in storage: {:?}, expected {stored:?}", record.map(|Json(record)| record)),
        }
    }

    /// One request of this epoch at most, unless every call needs its own; of older ones only those that somebody waits for.
    fn check_requests(&self) {
        let is_of_now = |request: &&RequestId| self.births[request.0 as usize - 1].epoch == self.epoch;
        let (carried, begun): (Vec<&RequestId>, Vec<&RequestId>) =
            self.page.live.iter().filter(is_of_now).partition(|request| self.carried.contains(request));
        let are_single = begun.is_empty() || begun.len() == 1 && carried.is_empty();
        assert!(are_single || self.is_for_codes(), "requests of one epoch at once: {begun:?}, {carried:?}");
        for request in self.page.live.iter().filter(|request| !is_of_now(request)) {
            let is_waited_for = self.waiters.iter().any(|(waited_for, _)| waited_for == request);
            assert!(is_waited_for, "{request:?} is of an older epoch, and nobody waits for it");
        }
        let is_for_people = !matches!(self.schedule.kind, Kind::Token(_));
        let is_nobody_there = is_for_people && self.schedule.is_identified && self.person == Some(None);
        assert!(!is_nobody_there || self.page.live.is_empty(), "asked for nobody: {:?}", self.page.live);
    }
}

/// The number in a token's text.
fn number_in(text: &str) -> usize {
    text.strip_prefix(SECRET).unwrap().parse().unwrap()
}

fn chosen(attempts: &[Attempt], number: usize) -> Option<Attempt> {
    number.checked_rem(attempts.len()).map(|position| attempts[position])
}
