//! Drives one session: tells the core what happens and does what it says.
//!
//! No borrow is held while code of the page runs (its source, its identity, its `onEvent`): that code may call back at once.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use js_sys::{Array, Function, Map, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::core::{
    Account, Attempt, Cache, Code, Credential, Detail, Effect, Event, Failure, Grant, Kind, Moment, Policy,
    RECORD_VERSION, RecordScope, Reply, RequestCounter, RequestId, Session, Settings, SignOutOrigin, StorageAction,
};

use crate::widget::Widget;

use super::clock::now;
use super::error::{identity_error, read_failure};
use super::fields::{JsFields, answer};
use super::page::{self, SessionKey};
use super::scope::scope_digest;
use super::storage::{self, StorageFailure};
use super::sys::{self, Asking, Deferred};

/// How much later than the core a promise's own deadline is, which settles what a trap left open. Milliseconds.
const GRACE: i64 = 2_000;

/// On whose behalf a call is: what the options of one handle say, as `pkg/src/options.js` has read them.
pub(crate) struct Asker {
    /// All of them, for the source.
    pub(crate) options: JsValue,
    /// A function, null or undefined.
    pub(crate) identity: JsValue,
    /// A function or undefined.
    pub(crate) on_event: JsValue,
    pub(crate) policy: Policy,
    pub(crate) key: SessionKey,
    /// The account that they name.
    pub(crate) account: Account,
    /// Whom it listens to, under which number.
    pub(crate) listening: RefCell<Option<(Weak<Driver>, u32)>>,
}

/// A handle that nobody holds any longer hears the end of its own requests, which hold the asker, and then no more.
impl Drop for Asker {
    fn drop(&mut self) {
        if let Some((driver, number)) = self.listening.take()
            && let Some(driver) = driver.upgrade()
        {
            driver.listeners.delete(&number.into());
        }
    }
}

impl Asker {
    /// Has the options' listener told of the session's events.
    pub(crate) fn listen_to(&self, driver: &Driver) {
        if let Some(listener) = self.on_event.dyn_ref::<Function>() {
            let number = driver.numbers.get().wrapping_add(1);
            driver.numbers.set(number);
            driver.listeners.set(&number.into(), listener);
            self.listening.replace(Some((driver.me.clone(), number)));
        }
    }
}

/// One request, as long as it lives.
struct Run {
    id: RequestId,
    asker: Rc<Asker>,
    /// What everyone waits for; none waits for a background refresh.
    shared: Option<Deferred>,
    asking: Option<Asking>,
    /// What the latest attempt failed with.
    cause: JsValue,
    /// What the source answered with: a code is handed on as it is.
    answer: JsValue,
}

/// The session's driver; one for each session of the page.
pub(crate) struct Driver {
    me: Weak<Driver>,
    widget: Widget,
    cache: Cache,
    /// Whether what the source answers with is a JWT.
    takes_jwts: bool,
    /// The session's part of its storage key, and of its digest.
    name: String,
    core: RefCell<Session>,
    /// What is still to be done: taken from the front.
    pending: RefCell<Vec<Effect>>,
    runs: RefCell<Vec<Run>>,
    listeners: Map,
    /// Numbers listeners.
    numbers: Cell<u32>,
    /// The token last handed out, as an object and as a promise.
    handed_out: RefCell<Option<(Rc<Grant>, JsValue, Promise)>>,
    /// What the latest failed request was rejected with: the cause of refusals that follow.
    last_error: RefCell<JsValue>,
}

impl Driver {
    pub(super) fn new(asker: &Asker, counter: RequestCounter) -> Rc<Self> {
        let key = &asker.key;
        let kind = key.widget.kind(asker.account.clone(), key.is_code_flow);
        let takes_jwts = matches!(kind, Kind::Jwt { .. });
        let settings = Settings {
            cache: key.cache,
            needs_identity: key.is_identified && !matches!(kind, Kind::Token(_)),
            kind,
            seed: (js_sys::Math::random() * f64::from(u32::MAX)) as u32,
            counter,
        };
        Rc::new_cyclic(|me: &Weak<Self>| Self {
            me: me.clone(),
            widget: key.widget,
            cache: key.cache,
            takes_jwts,
            name: [key.widget.name(), ":", &key.account].concat(),
            core: RefCell::new(Session::new(settings)),
            pending: RefCell::default(),
            runs: RefCell::default(),
            listeners: Map::new(),
            numbers: Cell::default(),
            handed_out: RefCell::default(),
            last_error: RefCell::default(),
        })
    }

    /// A promise of a token, from the cache if that will do.
    pub(crate) fn get_token(&self, asker: &Rc<Asker>) -> Promise {
        self.ask(asker, Session::get_token)
    }

    /// A promise of a fresh token.
    pub(crate) fn get_fresh_token(&self, asker: &Rc<Asker>) -> Promise {
        self.ask(asker, Session::get_fresh_token)
    }

    /// Whether a usable token is in hand.
    pub(crate) fn has_token(&self, asker: &Rc<Asker>) -> Promise {
        if let Err(refusal) = self.observe(asker) {
            return refusal;
        }
        let has_token = self.tell(Some(asker), |core| core.has_token(now(), &asker.policy));
        Promise::resolve(&JsValue::from_bool(has_token))
    }

    /// Forgets the token.
    pub(crate) fn invalidate(&self, asker: &Rc<Asker>) -> Promise {
        if let Err(refusal) = self.observe(asker) {
            return refusal;
        }
        self.tell(None, Session::invalidate);
        Promise::resolve(&JsValue::UNDEFINED)
    }

    /// The page says that somebody just signed in.
    pub(crate) fn signed_in(&self) {
        self.tell(None, Session::signed_in);
    }

    /// The person leaves.
    pub(super) fn sign_out(&self, origin: SignOutOrigin) {
        self.tell(None, |core| core.sign_out(origin));
    }

    /// One who waits with this promise leaves.
    pub(crate) fn leave(&self, promise: &JsValue) {
        let request = self.runs.borrow().iter().find_map(|run| {
            run.shared.as_ref().filter(|shared| Object::is(&shared.promise(), promise)).map(|_| run.id)
        });
        if let Some(request) = request {
            self.tell(None, |core| core.leave(request));
        }
    }

    /// The network is back.
    pub(super) fn went_online(&self) {
        self.tell(None, |core| core.went_online(now()));
    }

    /// Time passed.
    pub(super) fn wake(&self) {
        self.tell(None, |core| core.wake(now()));
    }

    /// When it wants to be woken, by the monotonic clock.
    pub(super) fn next_wake(&self) -> Option<i64> {
        self.core.borrow().next_wake()
    }

    fn ask(&self, asker: &Rc<Asker>, ask: fn(&mut Session, Moment, &Policy) -> Reply) -> Promise {
        if let Err(refusal) = self.observe(asker) {
            return refusal;
        }
        let reply = ask(&mut self.core.borrow_mut(), now(), &asker.policy);
        self.collect(Some(asker));
        let promise = match reply {
            Reply::Token(grant) => self.handed_out(&grant).1,
            Reply::Wait(request) => self.promise_of(request),
            Reply::Refuse(failure) if failure.code == Code::NotSignedIn => {
                sys::refusal(&identity_error(&failure, &JsValue::UNDEFINED))
            }
            // In a cool-down: the failure that it follows is the cause.
            Reply::Refuse(failure) => sys::refusal(&identity_error(&failure, &self.last_error.borrow())),
        };
        self.do_pending();
        promise
    }

    /// Tells the core who is signed in; without knowing, nobody may be given a token.
    fn observe(&self, asker: &Asker) -> Result<(), Promise> {
        let identity = sys::read_identity(&asker.identity).map_err(|error| sys::refusal(&error))?;
        self.observe_identity(identity.as_deref(), &asker.policy);
        Ok(())
    }

    /// Tells the core who is signed in; at the first time the stored record comes with it.
    fn observe_identity(&self, identity: Option<&str>, policy: &Policy) {
        let is_first = self.core.borrow_mut().observe(identity);
        self.collect(None);
        if is_first && self.cache == Cache::Session {
            match storage::read_record(&self.name) {
                Ok(None) => {}
                Ok(Some(record)) => {
                    let generation = page::generation();
                    let scope = scope_digest(&generation, &self.name, identity);
                    let expected = RecordScope { scope: &scope, generation: &generation };
                    let record = self.readable(sys::parse_record(&record));
                    let fields = JsFields(&record);
                    self.core.borrow_mut().restore(now(), policy, expected, &answer(&record, &fields, &None));
                    self.collect(None);
                }
                Err(StorageFailure) => self.storage_failed(StorageAction::Read),
            }
        }
        self.do_pending();
    }

    /// What the core can read field by field: a JWT is taken apart.
    fn readable(&self, value: JsValue) -> JsValue {
        if self.takes_jwts { sys::take_apart(&value) } else { value }
    }

    /// Tells the core something and does what it says.
    fn tell<T>(&self, asker: Option<&Rc<Asker>>, tell: impl FnOnce(&mut Session) -> T) -> T {
        let told = tell(&mut self.core.borrow_mut());
        self.collect(asker);
        self.do_pending();
        told
    }

    /// Notes what the core says, before any code of the page can run. Requests that begin run with what the asker's options say.
    fn collect(&self, asker: Option<&Rc<Asker>>) {
        let mut core = self.core.borrow_mut();
        while let Some(effect) = core.poll_effect() {
            if let (Effect::Begin(attempt), Some(asker)) = (&effect, asker) {
                self.runs.borrow_mut().push(Run {
                    id: attempt.request,
                    asker: Rc::clone(asker),
                    shared: None,
                    asking: None,
                    cause: JsValue::UNDEFINED,
                    answer: JsValue::UNDEFINED,
                });
            }
            self.pending.borrow_mut().push(effect);
        }
    }

    fn do_pending(&self) {
        loop {
            // Taken out in a statement of its own: what is done may come back here.
            let effect = {
                let mut pending = self.pending.borrow_mut();
                if pending.is_empty() { break } else { pending.remove(0) }
            };
            match effect {
                Effect::Begin(attempt) => self.begin(attempt),
                Effect::Stop(request) => self.stop(request),
                Effect::Resolve(request, grant) => {
                    if let Some(run) = self.take_run(request)
                        && let Some(deferred) = run.shared
                    {
                        deferred.resolve(&match grant.credential {
                            Credential::Code => run.answer,
                            _ => self.handed_out(&grant).0,
                        });
                    }
                }
                Effect::Reject(request, failure) => {
                    if let Some(run) = self.take_run(request) {
                        let error = identity_error(&failure, &run.cause);
                        if let Some(deferred) = run.shared {
                            deferred.reject(&error);
                        }
                        self.last_error.replace(error);
                    }
                }
                Effect::Drop(request) => {
                    if let Some(deferred) = self.take_run(request).and_then(|run| run.shared) {
                        deferred.close();
                    }
                }
                Effect::Store(grant) => self.store(&grant),
                Effect::Forget => {
                    self.handed_out.take();
                    if storage::remove_record(&self.name).is_err() {
                        self.storage_failed(StorageAction::Remove);
                    }
                }
                Effect::Emit(event) => self.emit(event),
            }
        }
        page::set_timer();
    }

    fn begin(&self, attempt: Attempt) {
        let Some(asker) = self.with_run(attempt.request, |run| Rc::clone(&run.asker)) else { return };
        let identity = self.core.borrow().identity().map(str::to_owned);
        let asking = sys::ask(&asker.options, identity.as_deref(), attempt.reason.as_str());
        let outcome = JsFuture::from(asking.outcome());
        self.with_run(attempt.request, |run| run.asking = Some(asking));
        let driver = self.me.clone();
        spawn_local(async move {
            // Such a promise never rejects.
            let outcome = outcome.await.unwrap_or_else(|never| never);
            if let Some(driver) = driver.upgrade() {
                driver.answered(&asker, attempt, &JsFields(&outcome));
            }
        });
    }

    fn answered(&self, asker: &Asker, attempt: Attempt, outcome: &JsFields<'_>) {
        // The person may have left in another tab, whose event is still under way, or have changed while the source was asked.
        page::notice_sign_out();
        match sys::read_identity(&asker.identity) {
            Ok(identity) => self.observe_identity(identity.as_deref(), &asker.policy),
            Err(error) => {
                // Without knowing who is signed in, nobody may be given a token.
                let failure = Failure::lasting(Code::BadIdentity, "nobody knows who is signed in; see cause");
                return self.failed(attempt, failure, error);
            }
        }
        if !outcome.flag("ok") {
            return self.failed(attempt, read_failure(outcome), outcome.value("cause"));
        }
        let value = outcome.value("answer");
        self.with_run(attempt.request, |run| run.answer = value.clone());
        let value = self.readable(value);
        let (fields, text) = (JsFields(&value), value.as_string());
        self.tell(None, |core| core.answered(now(), attempt, &answer(&value, &fields, &text)));
    }

    fn failed(&self, attempt: Attempt, failure: Failure, cause: JsValue) {
        self.with_run(attempt.request, |run| run.cause = cause);
        self.tell(None, |core| core.failed(now(), attempt, failure));
    }

    fn stop(&self, request: RequestId) {
        if let Some(Some(asking)) = self.with_run(request, |run| run.asking.take()) {
            asking.abort();
        }
    }

    /// The promise that all callers of a request share.
    fn promise_of(&self, request: RequestId) -> Promise {
        let shared = self.with_run(request, |run| {
            let policy = &run.asker.policy;
            let limit = policy.patience.max(policy.timeout).saturating_add(GRACE);
            run.shared.get_or_insert_with(|| sys::deferred(limit as f64)).promise()
        });
        // The core lets callers wait only for a request that it has begun.
        shared.unwrap_or_else(|| sys::refusal(&identity_error(&Failure::timed_out(), &JsValue::UNDEFINED)))
    }

    /// The token as the page gets it, and a promise of it: the same token is the same object and the same promise.
    fn handed_out(&self, grant: &Rc<Grant>) -> (JsValue, Promise) {
        let mut handed_out = self.handed_out.borrow_mut();
        match &*handed_out {
            Some((known, token, promise)) if Rc::ptr_eq(known, grant) => (token.clone(), promise.clone()),
            _ => {
                let token = match &grant.credential {
                    Credential::Token(known) => {
                        let fields = (
                            &known.access_token,
                            &known.entity_id,
                            known.expires_in as f64,
                            known.creation_date as f64,
                            known.license_id.map(|license| license as f64),
                            &known.organization_id,
                        );
                        // Strings and numbers always have a JavaScript form.
                        sys::token_of(&serde_wasm_bindgen::to_value(&fields).unwrap_or_default())
                    }
                    Credential::Jwt(jwt) => JsValue::from_str(&jwt.text),
                    // A code is handed on by the request that got it, and is not in hand.
                    Credential::Code => JsValue::UNDEFINED,
                };
                let promise = Promise::resolve(&token);
                *handed_out = Some((Rc::clone(grant), token.clone(), promise.clone()));
                (token, promise)
            }
        }
    }

    fn store(&self, grant: &Rc<Grant>) {
        let generation = page::generation();
        let scope = scope_digest(&generation, &self.name, self.core.borrow().identity());
        let (token, _) = self.handed_out(grant);
        let created = grant.lifetime.created as f64;
        let text = sys::record_text(&token, created, RECORD_VERSION as f64, &scope, &generation);
        if storage::write_record(&self.name, &text).is_err() {
            self.storage_failed(StorageAction::Write);
        }
    }

    fn storage_failed(&self, action: StorageAction) {
        self.emit(Event::StorageFailed { action });
    }

    fn emit(&self, event: Event) {
        if self.listeners.size() == 0 {
            return;
        }
        let details = Array::new();
        event.details(|name, detail| {
            let detail = match detail {
                Detail::Number(number) => JsValue::from_f64(number as f64),
                Detail::Name(name) => JsValue::from_str(name),
                Detail::Flag(flag) => JsValue::from_bool(flag),
            };
            details.push(&Array::of2(&JsValue::from_str(name), &detail));
        });
        sys::tell(&self.listeners, event.name(), self.widget.name(), &details);
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
