//! Plays a schedule against the session and the oracle side by side, and compares everything that can be seen.

use std::fmt::Debug;

use custom_identity_provider::core::{
    Answer, Attempt, Cache, Code, Event, Fields, Grant, Policy, Reason, Reply, RequestId, Settings, Token, Value,
    cool_down_length,
};

use super::object::{number, text};
use super::oracle::{Answered, Ended, Held, Oracle, Stored};
use super::page::{End, LICENSE, Page, Said, scope_of, settings};
use super::schedule::{Action, After, Edge, PEOPLE, Schedule, Step, Tampering};

/// What the driver itself knows of a request: under whom and in which epoch the source was asked.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Birth {
    person: Option<&'static str>,
    epoch: u32,
    at: i64,
    policy: Policy,
}

/// What every token's text begins with.
const SECRET: &str = "secret-";

struct Driver<'a> {
    schedule: &'a Schedule,
    page: Page,
    oracle: Oracle,
    /// Counts up at invalidate, sign-out and change of identity, across reloads.
    epoch: u32,
    /// Who was signed in at the last call, across reloads.
    person: Option<Option<&'static str>>,
    /// By request number − 1.
    births: Vec<Birth>,
    /// By the number in a token's text.
    tokens: Vec<Birth>,
    waiters: Vec<(RequestId, Option<&'static str>)>,
    /// Every attempt there ever was.
    attempts: Vec<Attempt>,
    /// Of the handle that is called.
    calling: Policy,
    timers_are_late: bool,
    /// When demanded requests began since something other than a failure happened.
    tries: Vec<i64>,
}

/// Plays it, and panics where session and oracle disagree or something happens that never may.
pub fn play(schedule: &Schedule) {
    let settings = Settings { single_use: schedule.single_use, seed: schedule.seed, ..settings(schedule.cache) };
    let mut driver = Driver {
        schedule,
        page: Page::new(settings),
        oracle: Oracle::new(schedule.cache, schedule.single_use),
        epoch: 0,
        person: None,
        births: Vec::new(),
        tokens: Vec::new(),
        waiters: Vec::new(),
        attempts: Vec::new(),
        calling: Policy::default(),
        timers_are_late: false,
        tries: Vec::new(),
    };
    for step in &schedule.steps {
        driver.step(step);
    }
    // The source is silent from now on: nobody may be left waiting.
    let longest = schedule.policies.iter().map(|policy| policy.timeout.max(policy.patience)).max().unwrap();
    driver.pass(longest);
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
    let Token { access_token, entity_id, expires_in, token_type, creation_date, license_id, organization_id } =
        &grant.token;
    assert_eq!((token_type.as_str(), *license_id, organization_id), ("Bearer", Some(LICENSE), &None));
    assert_eq!((*expires_in, *creation_date), (grant.lifetime.expires_in, grant.lifetime.created));
    Held {
        access_token: access_token.clone(),
        entity: entity_id.clone(),
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
            failure.code == Code::BadAnswer && failure.message.contains(field) && !failure.message.contains(SECRET)
        }
        (End::Dropped, Ended::Dropped) => true,
        _ => false,
    }
}

impl Driver<'_> {
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
        self.act(step.action);
    }

    fn distance(&self, edge: Edge) -> Option<i64> {
        let now = self.page.now;
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
        let end = self.page.now.monotonic + milliseconds;
        while let Some(due) = self.page.session.next_wake().filter(|due| *due <= end) {
            self.page.advance((due - self.page.now.monotonic).max(0));
            self.wake();
            let next = self.page.session.next_wake();
            let is_due_again = next.is_some_and(|due| due <= self.page.now.monotonic);
            assert!(!is_due_again || self.timers_are_late, "woken, and due again at once");
        }
        self.timers_are_late = false;
        self.page.advance(end - self.page.now.monotonic);
        for request in &self.page.live {
            let Birth { at, policy, .. } = self.births[request.0 as usize - 1];
            let age = self.page.now.monotonic - at;
            assert!(age < policy.timeout.max(policy.patience), "{request:?} still runs after {age} ms");
        }
    }

    fn wake(&mut self) {
        let was_due = self.page.session.next_wake().is_some_and(|due| due <= self.page.now.monotonic);
        self.page.wake();
        let did_something = !self.page.said.events.is_empty() || !self.page.said.begun.is_empty();
        assert_eq!(was_due, did_something, "woken when nothing was due, or the other way round");
        self.oracle.wake(self.page.now, &self.page.said.events);
        self.compare();
    }

    /// What the page does first at every call and every answer.
    fn observe(&mut self, policy: &Policy) {
        let person = self.page.identity;
        if self.person.is_some_and(|known| known != person) {
            self.epoch += 1;
        }
        self.person = Some(person);
        self.oracle.observe(self.page.now, person, policy);
    }

    fn act(&mut self, action: Action) {
        let now = self.page.now;
        match action {
            Action::GetToken { policy } => {
                let policy = self.policy(policy);
                self.observe(&policy);
                let expected = self.oracle.get_token(now, &policy);
                let reply = self.page.get(&policy);
                self.replied(&reply, &expected, policy);
            }
            Action::GetFreshToken { policy } => {
                let policy = self.policy(policy);
                self.observe(&policy);
                let expected = self.oracle.get_fresh_token(now, &policy);
                let reply = self.page.fresh(&policy);
                self.replied(&reply, &expected, policy);
            }
            Action::HasToken { policy } => {
                let policy = self.policy(policy);
                self.observe(&policy);
                let expected = self.oracle.has_token(now, &policy);
                assert_eq!(self.page.has(&policy), expected, "hasToken");
            }
            Action::Invalidate { policy } => {
                let policy = self.policy(policy);
                self.observe(&policy);
                self.epoch += 1;
                self.oracle.invalidate();
                self.page.invalidate(&policy);
            }
            Action::SignOut { origin } => {
                self.epoch += 1;
                self.oracle.sign_out(origin);
                self.page.sign_out(origin);
            }
            Action::Identity { person } => self.page.identity = PEOPLE[person],
            Action::Answer { attempt, answer } => {
                if let Some(attempt) = chosen(&self.page.running, attempt) {
                    let (token, entity) = self.make(attempt);
                    self.observe(&Policy::default());
                    self.oracle.answered(now, attempt, &token, &entity, answer);
                    match answer.object(&token, &entity, now.wall) {
                        Some(object) => self.page.answer(attempt, &object),
                        None => self.page.answer_with(attempt, &Answer::Other("undefined")),
                    }
                }
            }
            Action::Fail { attempt, failing } => {
                if let Some(attempt) = chosen(&self.page.running, attempt) {
                    let failure = failing.failure();
                    self.observe(&Policy::default());
                    self.page.fail(attempt, failure.clone());
                    self.oracle.failed(now, attempt, &failure, &self.page.said.events);
                }
            }
            Action::LateAnswer { attempt } => {
                if let Some(attempt) = chosen(&self.over(), attempt) {
                    let (token, entity) = self.make(attempt);
                    self.observe(&Policy::default());
                    self.page.answer(attempt, &super::object::raw(&token, &entity, 28_800));
                }
            }
            Action::LateFailure { attempt } => {
                if let Some(attempt) = chosen(&self.over(), attempt) {
                    self.observe(&Policy::default());
                    self.page.fail(attempt, super::schedule::Failing::Network.failure());
                }
            }
            Action::TimersLate { milliseconds } => {
                self.timers_are_late = true;
                self.page.advance(milliseconds);
            }
            Action::WallClockJumps { milliseconds } | Action::Sleep { milliseconds } => {
                self.page.now.wall += milliseconds;
            }
            Action::Online => {
                self.tries.clear();
                self.page.online();
                self.oracle.online(now, &self.page.said.events);
            }
            Action::Leave { waiter } => {
                if let Some(waiter) = waiter.checked_rem(self.waiters.len()) {
                    let (request, _) = self.waiters.swap_remove(waiter);
                    self.oracle.leave(request);
                    self.page.leave(request);
                }
            }
            Action::Wake => self.wake(),
            Action::Reload { record } => self.reload(record),
        }
        self.compare();
    }

    fn reload(&mut self, tampering: Tampering) {
        self.waiters.clear();
        self.tries.clear();
        let was_tampered_with = self.oracle.stored.as_ref().is_some_and(|stored| stored.tampering.is_some());
        self.oracle.reload(tampering);
        self.page.reload();
        if matches!(tampering, Tampering::SignedOutElsewhere) {
            self.epoch += 1;
            self.page.generation += 1;
        }
        self.page.storage = self.page.storage.take().map(|record| match tampering {
            _ if was_tampered_with => record,
            Tampering::Untouched | Tampering::SignedOutElsewhere => record,
            Tampering::OtherVersion => record.with("version", number(2)),
            Tampering::OtherScope => record.with("scope", text("scope of somebody else")),
            Tampering::Corrupt => record.with("expiresIn", Value::Number(f64::NAN)),
        });
    }

    fn over(&self) -> Vec<Attempt> {
        self.attempts.iter().filter(|attempt| !self.page.running.contains(attempt)).copied().collect()
    }

    /// A token for whoever was signed in when the request began, different from every other.
    fn make(&mut self, attempt: Attempt) -> (String, String) {
        let birth = self.births[attempt.request.0 as usize - 1];
        self.tokens.push(birth);
        (format!("{SECRET}{}", self.tokens.len() - 1), format!("entity of {:?}", birth.person))
    }

    fn birth_of(&self, grant: &Grant) -> Birth {
        self.tokens[grant.token.access_token.strip_prefix(SECRET).unwrap().parse::<usize>().unwrap()]
    }

    fn replied(&mut self, reply: &Reply, expected: &Answered, policy: Policy) {
        self.calling = policy;
        self.compare();
        match (reply, expected) {
            (Reply::Token(grant), Answered::Token(expected)) => {
                assert_eq!(held(grant), *expected);
                let birth = self.birth_of(grant);
                assert_eq!(
                    (Some(birth.person), birth.epoch),
                    (self.person, self.epoch),
                    "somebody else's token, or an old one"
                );
                assert!(self.page.has(&policy), "a token was handed out that is not usable");
                self.page.take();
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
                let person = self.person.unwrap();
                self.waiters.push((*request, person));
            }
            (Reply::Refuse(failure), Answered::Refused(expected)) => assert_eq!(failure, expected),
            _ => panic!("the session replied {reply:?}, the oracle {expected:?}"),
        }
    }

    fn compare(&mut self) {
        let Said { begun, ended, stored, events } = self.page.take();
        let expected = std::mem::take(&mut self.oracle.expected);
        same("attempts begun", &begun, &expected.begun);
        self.attempts.extend(&begun);
        for _ in begun.iter().filter(|attempt| attempt.number == 1) {
            let (epoch, at, policy) = (self.epoch, self.page.now.monotonic, self.calling);
            self.births.push(Birth { person: self.person.unwrap(), epoch, at, policy });
        }
        same("events", &events, &expected.events);
        self.check_rate(&begun, &events);

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
            let birth = self.birth_of(&grant);
            assert_eq!(
                (Some(birth.person), birth.epoch),
                (self.person, self.epoch),
                "stored somebody else's token, or an old one"
            );
        }
        same("running attempts", &self.page.running, &self.oracle.running());
        assert_eq!(self.page.session.next_wake(), self.oracle.next_timer(), "the next wake");
        self.compare_storage();
        self.check_requests();
    }

    /// However often a page calls, a source that only fails is asked less and less often.
    fn check_rate(&mut self, begun: &[Attempt], events: &[Event]) {
        let is_no_mere_failure = |event: &Event| {
            matches!(
                event,
                Event::RequestSucceeded { .. }
                    | Event::RequestAborted { .. }
                    | Event::Invalidated
                    | Event::SignedOut { .. }
                    | Event::IdentityChanged
            )
        };
        if events.iter().any(is_no_mere_failure) {
            self.tries.clear();
        }
        for _ in begun.iter().filter(|attempt| attempt.number == 1 && attempt.reason != Reason::Ahead) {
            let now = self.page.now.monotonic;
            if let Some(before) = self.tries.last().filter(|_| !self.schedule.single_use) {
                let failures = u32::try_from(self.tries.len()).unwrap();
                assert!(now - before >= cool_down_length(failures), "asked again too soon after {failures} failures");
            }
            self.tries.push(now);
        }
    }

    fn settle(&mut self, request: RequestId, end: &End) {
        let before = self.waiters.len();
        let birth = self.births[request.0 as usize - 1];
        if let End::Resolved(grant) = end {
            assert_eq!(self.birth_of(grant).person, birth.person);
            for (_, person) in self.waiters.iter().filter(|(waited_for, _)| *waited_for == request) {
                assert_eq!((*person, Some(*person)), (birth.person, self.person), "somebody else's token");
            }
        }
        self.waiters.retain(|(waited_for, _)| *waited_for != request);
        let somebody_waited = before > self.waiters.len();
        assert_eq!(somebody_waited, *end != End::Dropped, "{request:?}: {end:?}, but did somebody wait?");
    }

    fn compare_storage(&self) {
        match (&self.page.storage, &self.oracle.stored) {
            (None, None) => {}
            (Some(record), Some(Stored { held, person, generation, tampering })) => {
                assert_eq!(self.schedule.cache, Cache::Session);
                assert_eq!(record.field("accessToken"), text(&held.access_token));
                assert_eq!(record.field("entityId"), text(&held.entity));
                assert_eq!(record.field("creationDate"), number(held.created));
                if tampering.is_none() {
                    assert_eq!(record.field("expiresIn"), number(held.lifetime));
                    assert_eq!(record.field("scope"), text(&scope_of(*person)));
                    assert_eq!(record.field("generation"), text(&generation.to_string()));
                }
            }
            (storage, stored) => panic!("in storage: {storage:?}, expected {stored:?}"),
        }
    }

    /// One request of this epoch at most, unless every call needs its own; of older ones only those that somebody waits for.
    fn check_requests(&self) {
        let is_of_now = |request: &&RequestId| self.births[request.0 as usize - 1].epoch == self.epoch;
        let of_now = self.page.live.iter().filter(is_of_now).count();
        assert!(of_now <= 1 || self.schedule.single_use, "{of_now} requests of one epoch at once");
        for request in self.page.live.iter().filter(|request| !is_of_now(request)) {
            let is_waited_for = self.waiters.iter().any(|(waited_for, _)| waited_for == request);
            assert!(is_waited_for, "{request:?} is of an older epoch, and nobody waits for it");
        }
    }
}

fn chosen(attempts: &[Attempt], number: usize) -> Option<Attempt> {
    number.checked_rem(attempts.len()).map(|position| attempts[position])
}
