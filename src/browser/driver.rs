//! Drives one session: tells the core what happens and does what it says.
//!
//! No borrow is held while code of the page runs (its source, its identity, its `onEvent`): that code may call back at once.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use js_sys::{Array, Function, Object, Promise};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, AbortSignal};

use crate::core::{
    Attempt, Cache, Effect, Event, Failure, Grant, Policy, RecordScope, Reply, RequestCounter, RequestId, Session,
    Settings, SignOutOrigin, StorageAction,
};

use super::clock::now;
use super::error::{SourceFailure, identity_error, set};
use super::fields::{JsFields, answer};
use super::identity::{Identity, scope_digest};
use super::page::{self, SessionKey};
use super::source::{Source, SourceRequest};
use super::storage::{self, StorageFailure};
use super::sys::{self, Deferred};

/// The longest timer there is: setTimeout takes 31 bits, and runs at once beyond them. Milliseconds.
const LONGEST_TIMER: i64 = i32::MAX as i64;

/// How much later than the core a promise's own deadline is, which settles what a trap left open. Milliseconds.
const GRACE: i64 = 2_000;

/// Whose behalf a call is on: what the options of one handle say.
pub(crate) struct Asker {
    source: Source,
    identity: Identity,
    policy: Policy,
}

impl Asker {
    pub(crate) fn new(options: super::Options) -> (Rc<Self>, Option<Function>) {
        let super::Options { source, identity, policy, on_event, .. } = options;
        (Rc::new(Self { source, identity, policy }), on_event)
    }
}

/// Which promise a caller waits with.
enum Wait {
    /// The one that all callers of a request share.
    Shared,
    /// Its own, which its signal can end.
    Own(AbortSignal),
}

/// A caller with a signal of its own.
struct Caller {
    number: u32,
    deferred: Deferred,
    signal: AbortSignal,
    listener: Closure<dyn Fn()>,
}

impl Drop for Caller {
    fn drop(&mut self) {
        // Removing a listener that is not there is no error.
        let _removed = self.signal.remove_event_listener_with_callback("abort", self.listener.as_ref().unchecked_ref());
    }
}

/// One request, as long as it lives.
struct Run {
    id: RequestId,
    asker: Rc<Asker>,
    shared: Option<Deferred>,
    callers: Vec<Caller>,
    abort: Option<AbortController>,
    /// What the latest attempt failed with.
    cause: Option<JsValue>,
}

/// The session's driver; one for each session of the page.
pub(crate) struct Driver {
    me: Weak<Driver>,
    widget: &'static str,
    account: crate::core::Account,
    cache: Cache,
    /// The session's part of its storage key, and of its digest.
    name: String,
    core: RefCell<Session>,
    pending: RefCell<VecDeque<Effect>>,
    runs: RefCell<Vec<Run>>,
    listeners: RefCell<Vec<(u32, Function)>>,
    numbers: Cell<u32>,
    /// The token last handed out, as an object and as a promise.
    handed_out: RefCell<Option<(Rc<Grant>, JsValue, Promise)>>,
    /// What the latest failed request was rejected with: the cause of refusals that follow.
    last_error: RefCell<Option<JsValue>>,
    timer: RefCell<Option<(i64, JsValue)>>,
    on_timer: Closure<dyn Fn()>,
}

impl Driver {
    pub(super) fn new(key: &SessionKey, counter: RequestCounter) -> Rc<Self> {
        let settings = Settings {
            cache: key.cache,
            single_use: key.single_use,
            account: key.account.clone(),
            seed: (js_sys::Math::random() * f64::from(u32::MAX)) as u32,
            counter,
        };
        let license = key.account.license_id.map(|license| license.to_string()).unwrap_or_default();
        let organization = key.account.organization_id.clone().unwrap_or_default();
        Rc::new_cyclic(|me: &Weak<Self>| {
            let woken = me.clone();
            Self {
                me: me.clone(),
                widget: key.widget,
                account: key.account.clone(),
                cache: key.cache,
                name: [key.widget, license.as_str(), organization.as_str()].join(":"),
                core: RefCell::new(Session::new(settings)),
                pending: RefCell::default(),
                runs: RefCell::default(),
                listeners: RefCell::default(),
                numbers: Cell::default(),
                handed_out: RefCell::default(),
                last_error: RefCell::default(),
                timer: RefCell::default(),
                on_timer: Closure::new(move || {
                    if let Some(driver) = woken.upgrade() {
                        driver.timer.take();
                        driver.wake();
                    }
                }),
            }
        })
    }

    /// Adds a listener for events; the number takes it away again.
    pub(crate) fn listen(&self, listener: Function) -> u32 {
        let number = self.next_number();
        self.listeners.borrow_mut().push((number, listener));
        number
    }

    /// Takes a listener away.
    pub(crate) fn unlisten(&self, number: u32) {
        self.listeners.borrow_mut().retain(|(known, _)| *known != number);
    }

    /// A promise of a token, from the cache if that will do.
    pub(crate) fn get_token(&self, asker: &Rc<Asker>, signal: Option<AbortSignal>) -> Promise {
        self.ask(asker, signal, Session::get_token)
    }

    /// A promise of a fresh token.
    pub(crate) fn get_fresh_token(&self, asker: &Rc<Asker>, signal: Option<AbortSignal>) -> Promise {
        self.ask(asker, signal, Session::get_fresh_token)
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

    /// The person leaves.
    pub(super) fn sign_out(&self, origin: SignOutOrigin) {
        self.tell(None, |core| core.sign_out(origin));
    }

    /// The network is back.
    pub(super) fn went_online(self: &Rc<Self>) {
        self.tell(None, |core| core.went_online(now()));
    }

    /// Time passed.
    pub(super) fn wake(self: &Rc<Self>) {
        self.tell(None, |core| core.wake(now()));
    }

    fn ask(
        &self,
        asker: &Rc<Asker>,
        signal: Option<AbortSignal>,
        ask: impl FnOnce(&mut Session, crate::core::Moment, &Policy) -> Reply,
    ) -> Promise {
        let wait = match signal {
            Some(signal) if signal.aborted() => return Promise::reject(&signal.reason()),
            Some(signal) => Wait::Own(signal),
            None => Wait::Shared,
        };
        if let Err(refusal) = self.observe(asker) {
            return refusal;
        }
        let reply = self.tell_core(Some(asker), |core| ask(core, now(), &asker.policy));
        let promise = match reply {
            Reply::Token(grant) => self.handed_out(&grant).1,
            Reply::Wait(request) => self.wait_for(request, wait),
            Reply::Refuse(failure) => refusal(&identity_error(&failure, self.last_error.borrow().as_ref())),
        };
        self.do_pending();
        promise
    }

    /// Tells the core who is signed in; at the first time the stored record comes with it.
    fn observe(&self, asker: &Asker) -> Result<(), Promise> {
        let identity = asker
            .identity
            .read()
            .map_err(|SourceFailure { failure, cause }| refusal(&identity_error(&failure, cause.as_ref())))?;
        self.observe_identity(identity.as_deref(), &asker.policy);
        Ok(())
    }

    fn observe_identity(&self, identity: Option<&str>, policy: &Policy) {
        let is_first = self.tell_core(None, |core| core.observe(identity));
        if is_first && self.cache == Cache::Session {
            match storage::read_record(&self.name) {
                Ok(None) => {}
                Ok(Some(record)) => {
                    let generation = page::generation();
                    let scope = scope_digest(&generation, &self.name, identity);
                    let expected = RecordScope { scope: &scope, generation: &generation };
                    let fields = JsFields(&record);
                    self.tell_core(None, |core| core.restore(now(), policy, expected, &answer(&record, &fields)));
                }
                Err(StorageFailure) => self.storage_failed(StorageAction::Read),
            }
        }
        self.do_pending();
    }

    /// Tells the core something and does what it says.
    fn tell<T>(&self, asker: Option<&Rc<Asker>>, tell: impl FnOnce(&mut Session) -> T) -> T {
        let told = self.tell_core(asker, tell);
        self.do_pending();
        told
    }

    /// Tells the core something and notes what it says. Requests that begin run with what the asker's options say.
    fn tell_core<T>(&self, asker: Option<&Rc<Asker>>, tell: impl FnOnce(&mut Session) -> T) -> T {
        let mut core = self.core.borrow_mut();
        let told = tell(&mut core);
        while let Some(effect) = core.poll_effect() {
            if let (Effect::Begin(attempt), Some(asker)) = (&effect, asker) {
                self.runs.borrow_mut().push(Run {
                    id: attempt.request,
                    asker: Rc::clone(asker),
                    shared: None,
                    callers: Vec::new(),
                    abort: None,
                    cause: None,
                });
            }
            self.pending.borrow_mut().push_back(effect);
        }
        told
    }

    fn do_pending(&self) {
        loop {
            // Taken out in a statement of its own: what is done may come back here.
            let effect = self.pending.borrow_mut().pop_front();
            let Some(effect) = effect else { break };
            match effect {
                Effect::Begin(attempt) => self.begin(attempt),
                Effect::Stop(request) => self.stop(request),
                Effect::Resolve(request, grant) => {
                    let (token, _) = self.handed_out(&grant);
                    if let Some(run) = self.take_run(request) {
                        run.settle(|deferred| deferred.resolve(&token));
                    }
                }
                Effect::Reject(request, failure) => {
                    if let Some(run) = self.take_run(request) {
                        let error = identity_error(&failure, run.cause.as_ref());
                        self.last_error.replace(Some(error.clone()));
                        run.settle(|deferred| deferred.reject(&error));
                    }
                }
                Effect::Drop(request) => drop(self.take_run(request)),
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
        self.set_timer();
    }

    fn begin(&self, attempt: Attempt) {
        let Ok(abort) = AbortController::new() else { return };
        let Some(asker) = self.with_run(attempt.request, |run| {
            run.abort = Some(abort.clone());
            Rc::clone(&run.asker)
        }) else {
            return;
        };
        let identity = self.core.borrow().identity().map(str::to_owned);
        let driver = self.me.clone();
        let account = self.account.clone();
        spawn_local(async move {
            let signal = abort.signal();
            if signal.aborted() {
                return;
            }
            let request = SourceRequest {
                signal: &signal,
                identity: identity.as_deref(),
                reason: attempt.reason,
                account: &account,
            };
            let answer = asker.source.ask(request).await;
            if let Some(driver) = driver.upgrade() {
                driver.answered(&asker, attempt, answer);
            }
        });
    }

    fn answered(&self, asker: &Asker, attempt: Attempt, answered: Result<JsValue, SourceFailure>) {
        let answered = match asker.identity.read() {
            Ok(identity) => {
                self.observe_identity(identity.as_deref(), &asker.policy);
                answered
            }
            // Without knowing who is signed in, nobody may be given a token.
            Err(failure) => Err(failure),
        };
        match answered {
            Ok(value) => {
                let fields = JsFields(&value);
                self.tell(None, |core| core.answered(now(), attempt, &answer(&value, &fields)));
            }
            Err(SourceFailure { failure, cause }) => {
                self.with_run(attempt.request, |run| run.cause = cause);
                self.tell(None, |core| core.failed(now(), attempt, failure));
            }
        }
    }

    fn stop(&self, request: RequestId) {
        if let Some(Some(abort)) = self.with_run(request, |run| run.abort.take()) {
            abort.abort();
        }
    }

    fn wait_for(&self, request: RequestId, wait: Wait) -> Promise {
        let Some(limit) = self.with_run(request, |run| run.limit()) else {
            // The core answers a wait only with a request that it has begun.
            return refusal(&identity_error(&Failure::timed_out(), None));
        };
        match wait {
            Wait::Shared => self
                .with_run(request, |run| run.shared.get_or_insert_with(|| Deferred::new(limit)).promise())
                .unwrap_or_else(|| Deferred::new(limit).promise()),
            Wait::Own(signal) => {
                let number = self.next_number();
                let deferred = Deferred::new(limit);
                let promise = deferred.promise();
                let driver = self.me.clone();
                let listener = Closure::<dyn Fn()>::new(move || {
                    if let Some(driver) = driver.upgrade() {
                        driver.leave(request, number);
                    }
                });
                // Only an event type that is no string is refused.
                let _always_added = signal.add_event_listener_with_callback("abort", listener.as_ref().unchecked_ref());
                self.with_run(request, |run| run.callers.push(Caller { number, deferred, signal, listener }));
                promise
            }
        }
    }

    /// A caller's own signal was aborted: its wait ends with the signal's reason, as with the platform's own functions.
    fn leave(&self, request: RequestId, number: u32) {
        let caller = self.with_run(request, |run| {
            let position = run.callers.iter().position(|caller| caller.number == number)?;
            Some(run.callers.remove(position))
        });
        if let Some(Some(caller)) = caller {
            caller.deferred.reject(&caller.signal.reason());
            // This runs inside the listener that the caller owns: it is dropped when that has returned.
            spawn_local(async move { drop(caller) });
            self.tell(None, |core| core.leave(request));
        }
    }

    /// The token as the page gets it, and a promise of it: the same token is the same object and the same promise.
    fn handed_out(&self, grant: &Rc<Grant>) -> (JsValue, Promise) {
        let mut handed_out = self.handed_out.borrow_mut();
        match &*handed_out {
            Some((known, token, promise)) if Rc::ptr_eq(known, grant) => (token.clone(), promise.clone()),
            _ => {
                // Strings and whole numbers always have a JavaScript form.
                let token = storage::token_object(grant).unwrap_or_default();
                let token: JsValue = Object::freeze(&token).into();
                let promise = Promise::resolve(&token);
                *handed_out = Some((Rc::clone(grant), token.clone(), promise.clone()));
                (token, promise)
            }
        }
    }

    fn store(&self, grant: &Grant) {
        // A sign-out elsewhere may have come between the request and its answer, and its event may still be under way.
        let generation = page::generation();
        page::notice_sign_out();
        if page::generation() != generation {
            return;
        }
        let scope = scope_digest(&generation, &self.name, self.core.borrow().identity());
        let scope = RecordScope { scope: &scope, generation: &generation };
        if storage::write_record(&self.name, scope, grant).is_err() {
            self.storage_failed(StorageAction::Write);
        }
    }

    fn storage_failed(&self, action: StorageAction) {
        self.emit(Event::StorageFailed { action });
    }

    fn emit(&self, event: Event) {
        let listeners = self.listeners.borrow().clone();
        if listeners.is_empty() {
            return;
        }
        let serializer = serde_wasm_bindgen::Serializer::json_compatible();
        // An event is numbers and names, which always have a JavaScript form.
        let Ok(value) = event.serialize(&serializer) else { return };
        let value: Object = value.unchecked_into();
        set(&value, "widget", &self.widget.into());
        set(&value, "at", &js_sys::Date::now().into());
        for (index, (_, listener)) in listeners.iter().enumerate() {
            // Handles of one page often have the same listener: it is told once.
            let is_told = listeners.iter().take(index).any(|(_, other)| Object::is(other, listener));
            if !is_told && let Err(error) = listener.call1(&JsValue::UNDEFINED, &value) {
                sys::console_error(Array::of2(&"custom-identity-provider: onEvent threw".into(), &error));
            }
        }
    }

    fn set_timer(&self) {
        let due = self.core.borrow().next_wake();
        if due == self.timer.borrow().as_ref().map(|(due, _)| *due) {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            sys::clear_timeout(&timer);
        }
        if let Some(due) = due {
            // A millisecond more: both clocks are cut to whole ones.
            let delay = due.saturating_sub(now().monotonic).saturating_add(1).clamp(0, LONGEST_TIMER);
            let timer = sys::set_timeout(self.on_timer.as_ref().unchecked_ref(), delay as i32);
            self.timer.replace(Some((due, timer)));
        }
    }

    fn with_run<T>(&self, request: RequestId, with: impl FnOnce(&mut Run) -> T) -> Option<T> {
        self.runs.borrow_mut().iter_mut().find(|run| run.id == request).map(with)
    }

    fn take_run(&self, request: RequestId) -> Option<Run> {
        let mut runs = self.runs.borrow_mut();
        let position = runs.iter().position(|run| run.id == request)?;
        Some(runs.remove(position))
    }

    fn next_number(&self) -> u32 {
        self.numbers.set(self.numbers.get().wrapping_add(1));
        self.numbers.get()
    }
}

impl Run {
    fn limit(&self) -> f64 {
        let policy = &self.asker.policy;
        policy.patience.max(policy.timeout).saturating_add(GRACE) as f64
    }

    fn settle(self, settle: impl Fn(&Deferred)) {
        self.shared.iter().chain(self.callers.iter().map(|caller| &caller.deferred)).for_each(settle);
    }
}

/// A rejected promise that is no unhandled rejection when nobody listens to it.
fn refusal(error: &JsValue) -> Promise {
    let deferred = Deferred::new(GRACE as f64);
    deferred.reject(error);
    deferred.promise()
}
