//! What the callers saw, judged by the rules alone: whose tokens they were handed, and that everyone is answered, once and in time.
//!
//! The judge knows nothing of how requests stand. It knows who called, what each handle's `identity` said when it was read, for whom
//! a source was asked, and what was handed out.

use custom_identity_provider::core::{Attempt, Effect, ErrorCode, Event, Kind, Moment, Policy, Reading};

use crate::stage::Said;

/// One call that waits, or waited.
#[derive(Debug)]
struct Call {
    handle: u32,
    request: u32,
    is_open: bool,
}

/// An attempt, for whom its source was asked, and when: by the count of what happened.
#[derive(Debug)]
struct Sent {
    attempt: Attempt,
    asked_for: Option<String>,
    at: usize,
}

/// By when a request has to be over: it is given a time when it begins, and once more when it is carried over.
#[derive(Debug)]
struct Due {
    request: u32,
    length: i64,
    end: i64,
}

#[derive(Debug)]
pub struct Judge {
    kind: Kind,
    calls: Vec<Call>,
    sent: Vec<Sent>,
    /// The text of each token and the attempts that brought it.
    made: Vec<(String, Attempt)>,
    /// What was read in this step, the latest last.
    read: Vec<(u32, Reading)>,
    dues: Vec<Due>,
    /// Codes that somebody has.
    codes: Vec<String>,
    /// Who is signed in, as the session says.
    who: Option<Option<String>>,
    /// Nobody was there yet: who is named first does not take anybody's place.
    is_new: bool,
    /// Counts what happens.
    at: usize,
    /// When something last happened after which no older token may be in hand, nor in storage.
    forgotten_at: usize,
    /// When something last happened after which no older token may be delivered.
    ended_at: usize,
    /// Failures since the latest good answer, or since another person is there; refusals because nobody is signed in apart.
    failures: u32,
    refusals: u32,
}

impl Judge {
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            calls: Vec::new(),
            sent: Vec::new(),
            made: Vec::new(),
            read: Vec::new(),
            dues: Vec::new(),
            codes: Vec::new(),
            who: None,
            is_new: true,
            at: 1,
            forgotten_at: 0,
            ended_at: 0,
            failures: 0,
            refusals: 0,
        }
    }

    fn count(&mut self) -> usize {
        self.at += 1;
        self.at
    }

    pub fn begins_step(&mut self) {
        self.read.clear();
    }

    /// A handle's identity is read.
    pub fn is_read(&mut self, handle: u32, reading: Reading) {
        self.read.push((handle, reading));
    }

    fn reading(&self, handle: u32) -> Option<&Reading> {
        self.read.iter().rev().find(|(read, _)| *read == handle).map(|(_, reading)| reading)
    }

    fn sent_for(&self, text: &str) -> &Sent {
        let brought = self.made.iter().filter(|(made, _)| made == text).map(|(_, attempt)| self.sent(*attempt));
        brought.max_by_key(|sent| sent.at).expect("a token that no source made")
    }

    fn sent(&self, attempt: Attempt) -> &Sent {
        self.sent.iter().rev().find(|sent| sent.attempt == attempt).expect("an attempt that was never sent")
    }

    /// Rule 8: what a handle is given was asked for the person whom it names at this moment; nobody is a person of their own.
    fn is_handed(&mut self, handle: u32, text: &str) {
        let asked_for = self.sent_for(text).asked_for.clone();
        let named = self.reading(handle);
        assert_eq!(named, Some(&Reading::Says(asked_for)), "handle {handle} was given another person's token");
        if self.kind == Kind::Code {
            assert!(!self.codes.iter().any(|code| code == text), "a code was given to two callers");
            self.codes.push(text.to_owned());
        }
    }

    pub fn answered_at_once(&mut self, handle: u32, text: &str) {
        self.is_handed(handle, text);
        assert!(self.sent_for(text).at > self.forgotten_at, "a forgotten token was in hand");
    }

    pub fn waits(&mut self, handle: u32, request: u32) {
        self.calls.push(Call { handle, request, is_open: true });
    }

    /// Rules 13 and 27: nobody is refused without a reason, and nobody for what befell another.
    pub fn refused_at_once(&self, handle: u32, code: ErrorCode) {
        let is_nobody = self.reading(handle) == Some(&Reading::Says(None));
        let takes_guests = matches!(self.kind, Kind::Token(_));
        match code {
            ErrorCode::BadIdentity => assert_eq!(self.reading(handle), Some(&Reading::Failed)),
            ErrorCode::NotSignedIn if is_nobody && !takes_guests => {}
            _ => assert!(self.failures > 0 || self.refusals > 3, "{code:?}, and nothing failed before"),
        }
    }

    /// A source answered with a token.
    pub fn made(&mut self, text: &str, attempt: Attempt) {
        self.made.push((text.to_owned(), attempt));
        self.starts_anew();
    }

    /// A request that somebody waited for failed for good.
    pub fn failed(&mut self, code: ErrorCode) {
        if code == ErrorCode::NotSignedIn {
            self.refusals += 1;
        } else {
            self.failures += 1;
        }
    }

    /// What failed before concerns nobody any more.
    pub fn starts_anew(&mut self) {
        (self.failures, self.refusals) = (0, 0);
    }

    /// Rule 5.
    pub fn forgets(&mut self) {
        self.forgotten_at = self.count();
    }

    /// Rule 7.
    pub fn signs_out(&mut self) {
        self.forgets();
        self.ended_at = self.forgotten_at;
        self.starts_anew();
    }

    pub fn leaves(&mut self, handle: u32, request: u32) {
        let call = self.calls.iter_mut().find(|call| call.is_open && call.handle == handle && call.request == request);
        call.expect("nobody waited").is_open = false;
    }

    /// Another page: whoever waited is gone with the old one, and what was forgotten stays forgotten.
    pub fn reloads(&mut self) {
        self.calls.clear();
        self.dues.clear();
        (self.who, self.is_new) = (None, true);
        self.starts_anew();
    }

    /// The handles that wait for a request, each call by itself; they wait no longer.
    fn settle(&mut self, request: u32, of: Option<u32>) -> Vec<u32> {
        let settled = self
            .calls
            .iter_mut()
            .filter(|call| call.is_open && call.request == request && of.is_none_or(|handle| call.handle == handle));
        settled
            .map(|call| {
                call.is_open = false;
                call.handle
            })
            .collect()
    }

    /// What the session said in one step; `texts` are those of its tokens, in the order in which they are delivered.
    pub fn hears(&mut self, said: &[Said], texts: &[(u32, String)], policy: Policy, now: Moment, who: Option<&str>) {
        let mut is_told = false;
        let mut texts = texts.iter();
        for Said { effect, person } in said {
            match effect {
                Effect::Begin(attempt) => {
                    let at = self.count();
                    self.sent.push(Sent { attempt: *attempt, asked_for: person.clone(), at });
                    if attempt.number == 1 {
                        let length = policy.patience.max(policy.timeout);
                        self.dues.push(Due { request: attempt.request.0, length, end: now.monotonic + length });
                    }
                }
                Effect::Emit(Event::IdentityChanged) => {
                    is_told = true;
                    match &self.who {
                        Some(Some(_)) => self.signs_out(),
                        _ => self.starts_anew(),
                    }
                }
                Effect::Emit(Event::RequestRetrying { request, code: ErrorCode::IdentityChanged, .. }) => {
                    self.dues
                        .iter_mut()
                        .filter(|due| due.request == *request)
                        .for_each(|due| due.end = now.monotonic + due.length);
                }
                Effect::Resolve(request, _) => {
                    let (_, text) = texts.next().expect("a delivery without a text");
                    assert!(self.sent_for(text).at > self.ended_at, "a token outlived its person");
                    let settled = self.settle(request.0, None);
                    assert!(!settled.is_empty(), "nobody waited for what was delivered");
                    settled.into_iter().for_each(|handle| self.is_handed(handle, text));
                }
                Effect::Reject(request, failure) => {
                    assert!(!self.settle(request.0, None).is_empty(), "nobody waited for {:?}", failure.code);
                }
                Effect::Refuse(request, caller, failure) => {
                    assert!(!self.settle(request.0, Some(caller.0)).is_empty(), "{caller:?} did not wait");
                    let asked_for = self.sent.iter().rev().find(|sent| sent.attempt.request == *request);
                    let asked_for = asked_for.map(|sent| Reading::Says(sent.asked_for.clone()));
                    let named = self.reading(caller.0);
                    let is_right = match failure.code {
                        ErrorCode::BadIdentity => named == Some(&Reading::Failed),
                        ErrorCode::IdentityChanged => {
                            matches!(named, Some(Reading::Says(_))) && named != asked_for.as_ref()
                        }
                        _ => false,
                    };
                    assert!(is_right, "{caller:?} was refused with {:?}", failure.code);
                }
                Effect::Drop(request) => {
                    assert_eq!(self.settle(request.0, None), [0; 0], "who waited is never answered");
                }
                Effect::Stop(_) | Effect::Confirm(_) | Effect::Store(_) | Effect::Forget | Effect::Emit(_) => {}
            }
        }
        let has_changed = self.who.replace(who.map(str::to_owned)).is_some_and(|known| known.as_deref() != who);
        assert!(!has_changed || is_told || self.is_new, "another person is there, and nobody was told");
        self.is_new &= who.is_none();
        for call in self.calls.iter().filter(|call| call.is_open) {
            let due = self.dues.iter().find(|due| due.request == call.request).expect("a request that never began");
            assert!(now.monotonic <= due.end, "handle {} waits longer than its patience", call.handle);
        }
    }

    /// What lies in storage was asked for after everything that had it forgotten.
    pub fn finds_in_storage(&self, text: Option<&str>) {
        if let Some(text) = text {
            assert!(self.sent_for(text).at > self.forgotten_at, "a forgotten token is stored");
        }
    }

    pub fn nobody_waits(&self) {
        assert!(self.calls.iter().all(|call| !call.is_open), "somebody waits for ever: {:?}", self.calls);
    }
}
