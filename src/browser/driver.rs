//! Drives one session: tells the core what happens and does what it says.
//!
//! No borrow is held while code of the page runs (its source, its identity, its `onEvent`): that code may call back at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Object, Promise};
use wasm_bindgen::prelude::*;

use crate::core::{
    Account, Attempt, Cache, Caller, Credential, Detail, Effect, ErrorCode, Event, Failure, Grant, Kind, Moment,
    Policy, RECORD_VERSION, Reading, RecordScope, Reply, RequestCounter, RequestId, Session, Settings, SignOutOrigin,
    StorageAction, Widget, whole,
};

use super::clock::now;
use super::error::{identity_error, read_failure};
use super::fields::{JsFields, Scalar, answer, array, record as read};
use super::page::{self, SessionKey};
use super::scope::{salt_of, scope_digest};
use super::storage::{self, StorageFailure, record_key};
use super::sys::{self, Asking, Deferred, Listeners, Listening};

/// How much later than the core a promise's own deadline is, which settles what a trap left open. Milliseconds.
const GRACE: i64 = 2_000;

/// On whose behalf a call is: what the options of one handle say, as `pkg/src/options.js` has read them.
pub(crate) struct Asker {
    policy: Policy,
    listening: Listening,
    /// It asks together with other tabs.
    shares: bool,
}

/// The listener of a handle that nobody holds any longer hears the end of its requests, which hold the asker, and then no more.
impl Drop for Asker {
    fn drop(&mut self) {
        self.listening.close();
    }
}

/// Those who wait for a request with the same identity function.
struct Waiting {
    caller: Caller,
    identity: JsValue,
    deferred: Deferred,
}

/// One request, as long as it lives.
struct Run {
    id: RequestId,
    asker: Rc<Asker>,
    /// All that the handle's options say, for the source.
    options: JsValue,
    /// What everyone waits for; nobody waits for a background refresh.
    waiting: Vec<Waiting>,
    asking: Option<Asking>,
    /// What the latest attempt failed with.
    cause: JsValue,
    /// What a code is handed on as.
    handed_on: JsValue,
}

/// What the calling handle's options say of who is signed in.
fn identity_of(options: &JsValue) -> JsValue {
    JsFields(options).value("identity")
}

/// Who is signed in, by what was read of an identity function of the page; else the error.
fn identity_said(said: &JsValue) -> Result<Option<String>, &JsValue> {
    if said.is_null() { Ok(None) } else { said.as_string().map(Some).ok_or(said) }
}

/// The session's driver; one for each session of the page.
pub(crate) struct Driver {
    /// Which of the page's sessions it is.
    number: u32,
    widget: Widget,
    cache: Cache,
    /// Whether what the source answers with is a JWT.
    takes_jwts: bool,
    /// The session's part of its storage key, and of its digest.
    name: String,
    /// A handle of it asks together with other tabs.
    shares: Cell<bool>,
    core: RefCell<Session>,
    runs: RefCell<Vec<Run>>,
    listeners: Listeners,
    /// The token last handed out, as an object and as a promise.
    handed_out: RefCell<Option<(Rc<Grant>, JsValue, Promise)>>,
    /// What the latest failed request was rejected with: the cause of refusals that follow.
    last_error: RefCell<JsValue>,
}

impl Driver {
    pub(super) fn new(key: &SessionKey, account: Account, number: u32, counter: RequestCounter) -> Self {
        let kind = key.widget.kind(account, key.is_code_flow);
        let takes_jwts = matches!(kind, Kind::Jwt(_));
        let settings = Settings {
            cache: key.cache,
            is_identified: key.is_identified,
            kind,
            seed: whole(sys::random() * f64::from(u32::MAX)) as u32,
            counter,
        };
        Self {
            number,
            widget: key.widget,
            cache: key.cache,
            takes_jwts,
            name: [key.widget.name(), ":", &key.account].concat(),
            shares: Cell::default(),
            core: RefCell::new(Session::new(settings)),
            runs: RefCell::default(),
            listeners: sys::listeners(),
            handed_out: RefCell::default(),
            last_error: RefCell::default(),
        }
    }

    /// Who asks by these rules, with a listener if it has one.
    pub(crate) fn asker(&self, policy: Policy, listener: &JsValue, shares: bool) -> Rc<Asker> {
        // What is not kept is not shared either, and codes are never kept.
        let shares = shares && self.cache != Cache::None;
        if shares {
            self.shares.set(true);
        }
        Rc::new(Asker { policy, listening: self.listeners.add(listener), shares })
    }

    /// A promise of a token, from the cache if that will do.
    pub(crate) fn get_token(&self, asker: &Rc<Asker>, options: &JsValue) -> Promise {
        self.ask(asker, options, Session::get_token)
    }

    /// A promise of a fresh token.
    pub(crate) fn get_fresh_token(&self, asker: &Rc<Asker>, options: &JsValue) -> Promise {
        self.ask(asker, options, Session::get_fresh_token)
    }

    /// Whether a usable token is in hand.
    pub(crate) fn has_token(&self, asker: &Rc<Asker>, options: &JsValue) -> Promise {
        if let Err(refusal) = self.observe(&identity_of(options), &asker.policy) {
            return refusal;
        }
        let has_token = self.with_core(|core| core.has_token(now(), &asker.policy));
        sys::resolved(&JsValue::from_bool(has_token))
    }

    /// Forgets the token, whoever is signed in: to forget, nobody is asked for leave.
    pub(crate) fn invalidate(&self) -> Promise {
        self.with_core(Session::invalidate);
        sys::resolved(&JsValue::UNDEFINED)
    }

    /// The page says that somebody just signed in.
    pub(crate) fn signed_in(&self) -> Promise {
        self.with_core(Session::signed_in);
        sys::resolved(&JsValue::UNDEFINED)
    }

    /// The person leaves. What follows is done by [`Driver::do_pending`].
    pub(super) fn note_sign_out(&self, origin: SignOutOrigin) {
        self.core.borrow_mut().sign_out(origin);
    }

    /// The person may have left. What follows is done by [`Driver::do_pending`].
    pub(super) fn note_that_somebody_may_have_left(&self) {
        self.core.borrow_mut().may_have_left();
    }

    /// One who waits with this promise leaves.
    pub(crate) fn leave(&self, promise: &JsValue) -> Promise {
        let found = self.runs.borrow().iter().find_map(|run| {
            let waiting = run.waiting.iter().find(|waiting| Object::is(&waiting.deferred.promise(), promise))?;
            Some((run.id, waiting.caller))
        });
        if let Some((request, caller)) = found {
            self.with_core(|core| core.leave(request, caller));
        }
        sys::resolved(&JsValue::UNDEFINED)
    }

    /// The network is back.
    pub(super) fn went_online(&self) {
        self.with_core(|core| core.went_online(now()));
    }

    /// Time passed.
    pub(super) fn wake(&self) {
        self.with_core(|core| core.wake(now()));
    }

    /// When it wants to be woken, by the monotonic clock.
    pub(super) fn next_wake(&self) -> Option<i64> {
        self.core.borrow().next_wake()
    }

    fn ask(
        &self,
        asker: &Rc<Asker>,
        options: &JsValue,
        ask: fn(&mut Session, Moment, &Policy, Caller) -> Reply,
    ) -> Promise {
        let identity = identity_of(options);
        let said = match self.observe(&identity, &asker.policy) {
            Ok(said) => said,
            Err(refusal) => return refusal,
        };
        let caller = Caller(sys::caller_of(&identity));
        let now = now();
        let reply = ask(&mut self.core.borrow_mut(), now, &asker.policy, caller);
        self.note_begun(asker, options);
        let promise = match reply {
            Reply::Token(grant) => {
                let promise = self.handed_out(&grant).1;
                self.do_pending();
                self.lend(asker, options, &said, now, &grant, &promise);
                return promise;
            }
            Reply::Wait(request) => self.promise_of(request, caller, identity),
            Reply::Refuse(failure) if failure.code == ErrorCode::NotSignedIn => {
                sys::refusal(&identity_error(&failure, &JsValue::UNDEFINED))
            }
            Reply::Refuse(failure) => {
                // In a cool-down: the failure that it follows is the cause.
                let cause = self.last_error.borrow().clone();
                sys::refusal(&identity_error(&failure, &cause))
            }
        };
        self.do_pending();
        promise
    }

    /// Has the same call answered without the core for as long as it says, unless somebody listens to what happens here.
    fn lend(
        &self,
        asker: &Asker,
        options: &JsValue,
        said: &JsValue,
        now: Moment,
        grant: &Rc<Grant>,
        promise: &Promise,
    ) {
        let identity = said.as_string();
        let lease = self.core.borrow_mut().lease(now, &asker.policy, identity.as_deref(), grant);
        if let Some(lease) = lease
            && self.listeners.is_empty()
        {
            sys::lend(options, said, promise, lease.from as f64, lease.until as f64);
        }
    }

    /// Tells the core who is signed in; without knowing, nobody may be given a token.
    fn observe(&self, function: &JsValue, policy: &Policy) -> Result<JsValue, Promise> {
        // The person may have left in another tab, whose event is still under way.
        page::look_for_sign_out();
        let said = sys::read_identity(function);
        match identity_said(&said) {
            Ok(identity) => {
                let wants_record = self.core.borrow_mut().observe(identity.as_deref());
                let reading = (Caller(sys::caller_of(function)), Reading::Says(identity));
                self.proceed(wants_record, policy, &[reading]);
                Ok(said)
            }
            Err(error) => Err(sys::refusal(error)),
        }
    }

    /// What follows when the core was told who is signed in: perhaps the stored record can be theirs.
    fn proceed(&self, wants_record: bool, policy: &Policy, readings: &[(Caller, Reading)]) {
        if wants_record && self.cache == Cache::Session {
            self.restore(policy);
        }
        self.core.borrow_mut().proceed(now(), policy, readings);
        self.do_pending();
    }

    fn restore(&self, policy: &Policy) {
        let text = match storage::read_record(&self.name) {
            Ok(Some(text)) => text,
            Ok(None) => return,
            Err(StorageFailure) => return self.storage_failed(StorageAction::Read),
        };
        let fields = sys::parse_record(&text, self.takes_jwts);
        let fields = JsFields(&fields);
        // Where no mark of a sign-out can be kept, no record is of this generation.
        let generation = page::generation().unwrap_or_default();
        let scope = fields.text("scope").unwrap_or_default();
        let scope = scope_digest(salt_of(&scope), &self.name, self.core.borrow().identity());
        let expected = RecordScope { scope: &scope, generation: &generation };
        self.core.borrow_mut().restore(now(), policy, expected, &read(&fields));
    }

    /// Tells the core something and does what it says.
    fn with_core<T>(&self, tell: impl FnOnce(&mut Session) -> T) -> T {
        let answer = tell(&mut self.core.borrow_mut());
        self.do_pending();
        answer
    }

    /// Notes that a request of this handle's began, if one did, before any code of the page can run.
    fn note_begun(&self, asker: &Rc<Asker>, options: &JsValue) {
        let Some(id) = self.core.borrow().latest_request() else { return };
        if self.with_run(id, |_| ()).is_some() {
            return;
        }
        self.runs.borrow_mut().push(Run {
            id,
            asker: Rc::clone(asker),
            options: options.clone(),
            waiting: Vec::new(),
            asking: None,
            cause: JsValue::UNDEFINED,
            handed_on: JsValue::UNDEFINED,
        });
    }

    /// Does what the core said, in its order.
    pub(super) fn do_pending(&self) {
        loop {
            // Taken out in a statement of its own: what is done may come back here.
            let effect = self.core.borrow_mut().poll_effect();
            let Some(effect) = effect else { break };
            match effect {
                Effect::Confirm(attempt) => {
                    self.is_confirmed(attempt);
                }
                Effect::Begin(attempt) => self.begin(attempt),
                Effect::Stop(request) => self.stop(request),
                Effect::Resolve(request, grant) => {
                    if let Some(run) = self.take_run(request) {
                        let token = match grant.credential {
                            Credential::Code => run.handed_on,
                            _ => self.handed_out(&grant).0,
                        };
                        run.waiting.iter().for_each(|waiting| waiting.deferred.resolve(&token));
                    }
                }
                Effect::Reject(request, failure) => {
                    if let Some(run) = self.take_run(request) {
                        let error = identity_error(&failure, &run.cause);
                        run.waiting.iter().for_each(|waiting| waiting.deferred.reject(&error));
                        self.last_error.replace(error);
                    }
                }
                Effect::Refuse(request, caller, failure) => self.refuse(request, caller, &failure),
                Effect::Drop(request) => {
                    if let Some(run) = self.take_run(request) {
                        run.waiting.iter().for_each(|waiting| waiting.deferred.close());
                    }
                }
                Effect::Store(grant) => self.store(&grant),
                Effect::Forget => {
                    self.handed_out.take();
                    if !storage::remove_record(&self.name) {
                        self.storage_failed(StorageAction::Remove);
                    }
                }
                Effect::Emit(event) => self.emit(event),
            }
        }
        page::set_timer();
    }

    fn begin(&self, attempt: Attempt) {
        if !self.core.borrow().is_running(attempt) {
            return;
        }
        let run = self.with_run(attempt.request, |run| (run.options.clone(), run.asker.shares));
        let Some((options, shares)) = run else { return };
        let mut turn = String::new();
        if shares && page::shared_generation().is_some() {
            turn = record_key(&self.name);
            self.core.borrow_mut().wait_for_turn(attempt);
        }
        let identity = self.core.borrow().identity().map(str::to_owned);
        let Attempt { request: RequestId(request), number, reason } = attempt;
        let asking = sys::ask(&options, identity.as_deref(), reason.as_str(), self.number, request, number, &turn);
        self.with_run(attempt.request, |run| run.asking = Some(asking));
    }

    /// What an attempt comes to that waits for its turn among the tabs: a record is offered, the source is to be asked, or else
    /// the other tabs are. True where the attempt is over.
    pub(super) fn in_turn(&self, attempt: Attempt, record: &str, is_its_turn: bool) -> bool {
        // The person may have left in another tab, whose event is still under way.
        page::look_for_sign_out();
        if is_its_turn {
            // While it waited, somebody else may have come, and the source answers for who is there.
            if self.is_confirmed(attempt) {
                self.with_core(|core| core.take_turn(now(), attempt));
            }
        } else if !record.is_empty() {
            self.take(attempt, record);
        } else if let Some((scope, _)) = self.shared_scope() {
            sys::tell_tabs(&scope, "");
        }
        !self.core.borrow().is_running(attempt)
    }

    /// Takes what another tab handed on, if it may be.
    fn take(&self, attempt: Attempt, record: &str) {
        let Some((scope, generation)) = self.shared_scope() else { return };
        let Some(policy) = self.with_run(attempt.request, |run| run.asker.policy) else { return };
        let fields = sys::parse_record(record, self.takes_jwts);
        let fields = JsFields(&fields);
        let expected = RecordScope { scope: &scope, generation: &generation };
        let offered = self.core.borrow().offered(now(), attempt, &policy, expected, &read(&fields));
        if let Some(grant) = offered
            && self.is_confirmed(attempt)
        {
            self.with_core(|core| core.take(now(), attempt, grant));
        }
    }

    /// Hands the token in hand on to the tabs that want one; where one asks, only if it asks for this scope.
    pub(super) fn hand_on(&self, asked: Option<&str>) {
        if !self.shares.get() {
            return;
        }
        let Some((scope, generation)) = self.shared_scope() else { return };
        if asked.is_some_and(|asked| asked != scope) {
            return;
        }
        let shareable = self.core.borrow().shareable(now());
        if let Some(grant) = shareable {
            sys::tell_tabs(&scope, &self.record_text(&grant, &scope, &generation));
        }
    }

    /// By what tabs of one person tell that they may share, with the generation in which they do.
    fn shared_scope(&self) -> Option<(String, String)> {
        let generation = page::shared_generation()?;
        Some((scope_digest(&generation, &self.name, self.core.borrow().identity()), generation))
    }

    /// What came of an attempt.
    pub(super) fn ended(&self, attempt: Attempt, outcome: &JsFields<'_>) {
        // The person may have left in another tab, whose event is still under way.
        page::look_for_sign_out();
        if !self.is_confirmed(attempt) {
            return;
        }
        if !outcome.flag("ok") {
            let (failure, cause) = (read_failure(outcome), outcome.value("cause"));
            self.with_run(attempt.request, |run| run.cause = cause);
            self.with_core(|core| core.failed(now(), attempt, failure));
            return;
        }
        let handed_on = outcome.value("handedOn");
        self.with_run(attempt.request, |run| run.handed_on = handed_on);
        let value = outcome.value("answer");
        let of_type = whole(outcome.number("type").unwrap_or_default()) as u32;
        let (fields, text) = (JsFields(&value), value.as_string());
        self.with_core(|core| core.answered(now(), attempt, &answer(of_type, &fields, &text)));
        self.hand_on(None);
    }

    /// Has everyone who is concerned say who is signed in at this moment. False where the attempt ended meanwhile: what came of it is nobody's.
    fn is_confirmed(&self, attempt: Attempt) -> bool {
        let Some(concerned) = self.core.borrow().concerned(attempt) else { return false };
        let mut readings = Vec::new();
        for caller in concerned {
            let identity = self.with_run(attempt.request, |run| {
                let waiting = run.waiting.iter().find(|waiting| waiting.caller == caller);
                waiting.map_or_else(|| identity_of(&run.options), |waiting| waiting.identity.clone())
            });
            let Some(identity) = identity else { return false };
            readings.push((
                caller,
                match identity_said(&sys::read_identity(&identity)) {
                    Ok(identity) => Reading::Says(identity),
                    Err(error) => {
                        self.with_run(attempt.request, |run| run.cause = error.clone());
                        Reading::Failed
                    }
                },
            ));
        }
        let Some(policy) = self.with_run(attempt.request, |run| run.asker.policy) else { return false };
        let wants_record = self.core.borrow_mut().confirm(now(), attempt, &readings);
        self.proceed(wants_record, &policy, &readings);
        true
    }

    /// This caller gets the failure; others wait on.
    fn refuse(&self, request: RequestId, caller: Caller, failure: &Failure) {
        let waiting = self.with_run(request, |run| {
            let position = run.waiting.iter().position(|waiting| waiting.caller == caller)?;
            Some((run.waiting.remove(position), run.cause.clone()))
        });
        if let Some(Some((waiting, cause))) = waiting {
            let cause = if failure.code == ErrorCode::BadIdentity { cause } else { JsValue::UNDEFINED };
            waiting.deferred.reject(&identity_error(failure, &cause));
        }
    }

    fn stop(&self, request: RequestId) {
        if let Some(Some(asking)) = self.with_run(request, |run| run.asking.take()) {
            asking.abort();
        }
    }

    /// The promise that all callers of a request share who say by the same function who is signed in.
    fn promise_of(&self, request: RequestId, caller: Caller, identity: JsValue) -> Promise {
        let known = self.with_run(request, |run| {
            let known = run.waiting.iter().find(|waiting| waiting.caller == caller);
            (known.map(|waiting| waiting.deferred.promise()), Rc::clone(&run.asker))
        });
        match known {
            Some((Some(promise), _)) => promise,
            Some((None, asker)) => {
                let Policy { patience, timeout, .. } = asker.policy;
                let turn = if asker.shares { Session::longest_turn(timeout).saturating_add(timeout) } else { 0 };
                let limit = patience.max(timeout).saturating_add(turn).saturating_add(GRACE);
                let deferred = sys::deferred(limit as f64);
                let promise = deferred.promise();
                self.with_run(request, |run| run.waiting.push(Waiting { caller, identity, deferred }));
                promise
            }
            // The core lets callers wait only for a request that it has begun.
            None => sys::refusal(&identity_error(&Failure::timed_out(), &JsValue::UNDEFINED)),
        }
    }

    /// The token as the page gets it, and a promise of it: the same token is the same object and the same promise.
    fn handed_out(&self, grant: &Rc<Grant>) -> (JsValue, Promise) {
        let known = self
            .handed_out
            .borrow()
            .as_ref()
            .and_then(|(known, token, promise)| Rc::ptr_eq(known, grant).then(|| (token.clone(), promise.clone())));
        known.unwrap_or_else(|| {
            let token = match &grant.credential {
                Credential::Token(known) => {
                    let number = |number: i64| Scalar::Number(number as f64);
                    sys::token_of(&array(&[
                        Scalar::Text(&known.access_token),
                        Scalar::Text(&known.entity_id),
                        number(known.expires_in),
                        number(known.creation_date),
                        known.license_id.map_or(Scalar::Nothing, number),
                        known.organization_id.as_deref().map_or(Scalar::Nothing, Scalar::Text),
                    ]))
                }
                Credential::Jwt(jwt) => JsValue::from_str(&jwt.text),
                // A code is handed on by the request that got it, and is not in hand.
                Credential::Code => JsValue::UNDEFINED,
            };
            let promise = sys::resolved(&token);
            self.handed_out.replace(Some((Rc::clone(grant), token.clone(), promise.clone())));
            (token, promise)
        })
    }

    fn store(&self, grant: &Rc<Grant>) {
        // Where no mark of a sign-out can be read, nobody could tell later whether the person had left: the token stays in memory.
        let Some(generation) = page::generation() else { return self.storage_failed(StorageAction::Read) };
        let scope = scope_digest(&sys::new_mark(), &self.name, self.core.borrow().identity());
        if !storage::write_record(&self.name, &self.record_text(grant, &scope, &generation)) {
            self.storage_failed(StorageAction::Write);
        }
    }

    fn record_text(&self, grant: &Rc<Grant>, scope: &str, generation: &str) -> String {
        let (token, _) = self.handed_out(grant);
        sys::record_text(&token, grant.lifetime.created as f64, RECORD_VERSION as f64, scope, generation)
    }

    fn storage_failed(&self, action: StorageAction) {
        self.emit(Event::StorageFailed { action });
    }

    fn emit(&self, event: Event) {
        if self.listeners.is_empty() {
            return;
        }
        let mut details = Vec::new();
        event.details(|name, detail| {
            details.push(Scalar::Text(name));
            details.push(match detail {
                Detail::Number(number) => Scalar::Number(number as f64),
                Detail::Name(name) => Scalar::Text(name),
                Detail::Flag(flag) => Scalar::Flag(flag),
            });
        });
        self.listeners.tell(event.name(), self.widget.name(), &array(&details));
    }

    fn with_run<T>(&self, request: RequestId, with: impl FnOnce(&mut Run) -> T) -> Option<T> {
        self.runs.borrow_mut().iter_mut().find(|run| run.id == request).map(with)
    }

    fn take_run(&self, request: RequestId) -> Option<Run> {
        let mut runs = self.runs.borrow_mut();
        let position = runs.iter().position(|run| run.id == request)?;
        Some(runs.remove(position))
    }
}
