//! A page on the stage as the oracle's driver sees it: its handles, the attempts that run, the requests that live, and what was said.

use std::rc::Rc;

use custom_identity_provider::core::{
    Account, Answer, Attempt, Cache, Caller, Effect, Event, Failure, Fields, Grant, Kind, Moment, Policy, Reading,
    Reply, RequestId, Settings, SignOutOrigin,
};

use crate::stage::{START, Stage};

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
    /// Those among them before which everyone who is concerned is asked who is signed in.
    pub again: Vec<Attempt>,
    /// One caller alone, and the request that goes on or is about to end.
    pub refused: Vec<(RequestId, Caller, Failure)>,
    pub ended: Vec<(RequestId, End)>,
    pub stored: Vec<Rc<Grant>>,
    pub events: Vec<Event>,
}

/// What one handle's identity function says: who is signed in, or nothing, because it fails.
pub type Says = Result<Option<&'static str>, ()>;

fn reading(says: Says) -> Reading {
    says.map_or(Reading::Failed, |identity| Reading::Says(identity.map(str::to_owned)))
}

pub struct Page {
    pub stage: Stage,
    /// The clock of who signs JWTs, since 1970.
    pub signer: i64,
    /// What each handle's own function says of who is signed in; the session learns it at the next call or answer.
    pub handles: Vec<Says>,
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

impl Page {
    pub fn new(settings: Settings, handles: Vec<Says>) -> Self {
        let mut page = Self {
            stage: Stage::new(settings),
            signer: START,
            handles: handles.clone(),
            running: Vec::new(),
            live: Vec::new(),
            said: Said::default(),
        };
        handles.into_iter().enumerate().for_each(|(handle, says)| page.says(handle, says));
        page
    }

    pub fn now(&self) -> Moment {
        self.stage.now
    }

    /// From now on a handle's function says this.
    pub fn says(&mut self, handle: usize, says: Says) {
        self.handles[handle] = says;
        self.stage.others.insert(caller(handle), reading(says));
    }

    /// What was said since the last time this was asked.
    pub fn take(&mut self) -> Said {
        std::mem::take(&mut self.said)
    }

    /// Hears what the session said, and sees that it makes sense.
    fn hear(&mut self) {
        for said in self.stage.take() {
            match said.effect {
                Effect::Confirm(attempt) => self.said.again.push(attempt),
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
                    assert_eq!(self.stage.settings.cache, Cache::Session, "only that cache is stored");
                    self.said.stored.push(grant);
                }
                Effect::Forget => {}
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

    pub fn get(&mut self, handle: usize, policy: &Policy) -> Reply {
        let reply = self.stage.get_token(caller(handle), policy);
        self.hear();
        reply
    }

    pub fn fresh(&mut self, handle: usize, policy: &Policy) -> Reply {
        let reply = self.stage.get_fresh_token(caller(handle), policy);
        self.hear();
        reply
    }

    pub fn has(&mut self, handle: usize, policy: &Policy) -> bool {
        let has = self.stage.has_token(caller(handle), policy);
        self.hear();
        has.expect("without knowing, no call reaches the session")
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

    pub fn leave(&mut self, request: RequestId, handle: usize) {
        self.stage.leave(request, caller(handle));
        self.hear();
    }

    pub fn online(&mut self) {
        self.stage.online();
        self.hear();
    }

    /// Everyone who is concerned by an attempt is asked who is signed in.
    pub fn ask(&mut self, attempt: Attempt) {
        self.stage.ask(attempt, &Policy::default());
        if !self.stage.session.is_running(attempt) {
            self.running.retain(|running| *running != attempt);
        }
        self.hear();
    }

    pub fn answer_with(&mut self, attempt: Attempt, answer: &Answer<'_>) {
        self.running.retain(|running| *running != attempt);
        self.stage.ask(attempt, &Policy::default());
        self.stage.answer(attempt, answer);
        self.hear();
    }

    pub fn answer(&mut self, attempt: Attempt, fields: &dyn Fields) {
        self.answer_with(attempt, &Answer::Object(fields));
    }

    pub fn fail(&mut self, attempt: Attempt, failure: Failure) {
        self.running.retain(|running| *running != attempt);
        self.stage.ask(attempt, &Policy::default());
        self.stage.fail(attempt, failure);
        self.hear();
    }

    /// All clocks go on, and nobody looks at them.
    pub fn advance(&mut self, milliseconds: i64) {
        self.stage.advance(milliseconds);
        self.signer += milliseconds;
    }

    pub fn wake(&mut self) {
        self.stage.wake();
        self.hear();
    }

    /// The page is loaded anew: memory is gone, storage stays.
    pub fn reload(&mut self) {
        self.stage.reload();
        self.running.clear();
        self.live.clear();
        self.said = Said::default();
    }
}
