//! What all sessions of a page share: the list of them, the generation of sign-outs, and the page's own events.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, EventTarget, MessageEvent, PageTransitionEvent, StorageEvent};

use crate::core::{Account, Cache, RequestCounter, SignOutOrigin};

use super::driver::Driver;
use super::source::random_text;
use super::storage;

/// What makes two handles share a session.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SessionKey {
    pub(crate) widget: &'static str,
    pub(crate) account: Account,
    pub(crate) cache: Cache,
    /// Whether the page says who is signed in, or nobody can be.
    pub(crate) is_identified: bool,
    pub(crate) single_use: bool,
}

struct Page {
    sessions: RefCell<Vec<(SessionKey, Rc<Driver>)>>,
    counter: RequestCounter,
    /// The generation of sign-outs as this page knows it.
    generation: RefCell<String>,
    /// Carries sign-outs to other tabs where localStorage, whose events do it otherwise, is blocked.
    channel: RefCell<Option<BroadcastChannel>>,
    is_listening: Cell<bool>,
}

thread_local! {
    static PAGE: Page = Page {
        sessions: RefCell::default(),
        counter: RequestCounter::default(),
        generation: RefCell::default(),
        channel: RefCell::default(),
        is_listening: Cell::new(false),
    };
}

/// The session of this key; made when it is asked for the first time.
pub(crate) fn session(key: &SessionKey) -> Rc<Driver> {
    listen();
    PAGE.with(|page| {
        let mut sessions = page.sessions.borrow_mut();
        if let Some((_, driver)) = sessions.iter().find(|(known, _)| known == key) {
            return Rc::clone(driver);
        }
        let driver = Driver::new(key, page.counter.clone());
        sessions.push((key.clone(), Rc::clone(&driver)));
        driver
    })
}

/// The generation in which records of this page are written and read.
pub(super) fn generation() -> String {
    PAGE.with(|page| page.generation.borrow().clone())
}

/// The person leaves: every session of every tab is told.
pub(crate) fn sign_out() -> Promise {
    listen();
    let generation = new_generation();
    enter_generation(generation.clone());
    let is_written = storage::write_generation(&generation).is_ok();
    // Without localStorage no record outlives this moment either: they are all removed below.
    if !is_written {
        PAGE.with(|page| {
            if let Some(channel) = &*page.channel.borrow() {
                // A channel refuses only what can't be cloned, and a string can.
                let _always_sent = channel.post_message(&generation.into());
            }
        });
    }
    tell_sessions(|driver| driver.sign_out(SignOutOrigin::ThisTab));
    // Where storage is blocked there is nothing to remove, and each session has said so by an event.
    let _removed_or_blocked = storage::remove_all_records();
    Promise::resolve(&JsValue::UNDEFINED)
}

/// Looks whether another tab signed out since this page last looked.
pub(super) fn notice_sign_out() {
    if let Ok(Some(generation)) = storage::read_generation() {
        notice_generation(generation);
    }
}

fn notice_generation(generation: String) {
    if generation != self::generation() {
        enter_generation(generation);
        tell_sessions(|driver| driver.sign_out(SignOutOrigin::OtherTab));
    }
}

fn enter_generation(generation: String) {
    PAGE.with(|page| page.generation.replace(generation));
}

/// Tells every session, without holding the list: what a session does can come back here.
fn tell_sessions(tell: impl Fn(&Rc<Driver>)) {
    let sessions: Vec<_> = PAGE.with(|page| page.sessions.borrow().iter().map(|(_, driver)| Rc::clone(driver)).collect());
    sessions.iter().for_each(tell);
}

/// Begins to listen to the page's events, once; they are the page's for its whole life, so nothing ends it.
fn listen() {
    if PAGE.with(|page| page.is_listening.replace(true)) {
        return;
    }
    begin_generation();
    let global = js_sys::global();
    if !Reflect::get(&global, &"addEventListener".into()).is_ok_and(|listener| listener.is_function()) {
        // Outside browsers there is neither another tab nor a page to restore.
        return;
    }
    let target: &EventTarget = global.unchecked_ref();
    on(target, "online", |_| tell_sessions(Driver::went_online));
    on(target, "storage", |event| {
        let event: StorageEvent = event.unchecked_into();
        // Without a key everything was cleared, the generation with it.
        if event.key().is_none_or(|key| key == storage::GENERATION_KEY) {
            notice_sign_out();
        }
    });
    on(target, "pageshow", |event| {
        let event: PageTransitionEvent = event.unchecked_into();
        if event.persisted() {
            // While the page lay in the back/forward cache it heard nothing, and its timers stood still.
            notice_sign_out();
            tell_sessions(Driver::wake);
        }
    });
}

/// Takes the origin's generation, or begins its first; where localStorage is blocked, sign-outs go over a channel.
fn begin_generation() {
    let generation = match storage::read_generation() {
        Ok(Some(generation)) => Some(generation),
        Ok(None) => Some(new_generation()).filter(|generation| storage::write_generation(generation).is_ok()),
        Err(_) => None,
    };
    match generation {
        Some(generation) => enter_generation(generation),
        None => {
            if let Ok(channel) = BroadcastChannel::new("custom_identity_provider") {
                on(&channel, "message", |event| {
                    let event: MessageEvent = event.unchecked_into();
                    if let Some(generation) = event.data().as_string() {
                        notice_generation(generation);
                    }
                });
                PAGE.with(|page| page.channel.replace(Some(channel)));
            }
        }
    }
}

/// Listens for as long as the page lives.
fn on(target: &EventTarget, event: &str, listener: impl Fn(JsValue) + 'static) {
    let listener: Function = Closure::<dyn Fn(JsValue)>::new(listener).into_js_value().unchecked_into();
    // Only an event type that is no string is refused.
    let _always_added = target.add_event_listener_with_callback(event, &listener);
}

/// It has to be new, not secret: where the platform has no secure randomness, any will do.
fn new_generation() -> String {
    random_text::<16>().unwrap_or_else(|_| ((js_sys::Math::random() * 1e15) as i64).to_string())
}
