//! What all sessions of a page share: the list of them, the generation of sign-outs, and when to wake.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::JsValue;

use crate::core::{Cache, RequestCounter, SignOutOrigin};
use crate::widget::Widget;

use super::clock::now;
use super::driver::{Asker, Driver};
use super::storage;
use super::sys;

/// What makes two handles share a session.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SessionKey {
    pub(crate) widget: Widget,
    pub(crate) is_code_flow: bool,
    /// The licence or organization.
    pub(crate) account: String,
    pub(crate) cache: Cache,
    /// Whether the page says who is signed in, or nobody can be.
    pub(crate) is_identified: bool,
}

#[derive(Default)]
struct Page {
    sessions: RefCell<Vec<(SessionKey, Rc<Driver>)>>,
    counter: RequestCounter,
    /// The generation of sign-outs as this page knows it.
    generation: RefCell<String>,
    has_begun: Cell<bool>,
    /// When the next wake is due, by the monotonic clock.
    due: Cell<Option<i64>>,
}

thread_local! {
    static PAGE: Page = Page::default();
}

/// The session that the asker shares with others of its key; made when it is asked for the first time.
pub(crate) fn session(asker: &Asker) -> Rc<Driver> {
    begin();
    PAGE.with(|page| {
        let mut sessions = page.sessions.borrow_mut();
        if let Some((_, driver)) = sessions.iter().find(|(known, _)| *known == asker.key) {
            return Rc::clone(driver);
        }
        let driver = Driver::new(asker, page.counter.clone());
        sessions.push((asker.key.clone(), Rc::clone(&driver)));
        driver
    })
}

/// The generation in which records of this page are written and read.
pub(super) fn generation() -> String {
    PAGE.with(|page| page.generation.borrow().clone())
}

/// The person leaves: every session of every tab is told.
pub(crate) fn sign_out() -> Promise {
    begin();
    let generation = sys::new_generation();
    enter_generation(&generation);
    if storage::write_generation(&generation).is_err() {
        sys::broadcast(&generation);
    }
    tell_sessions(|driver| driver.sign_out(SignOutOrigin::ThisTab));
    sys::remove_records();
    Promise::resolve(&JsValue::UNDEFINED)
}

/// Looks whether another tab signed out since this page last looked.
pub(crate) fn notice_sign_out() {
    if let Ok(Some(generation)) = storage::read_generation() {
        notice_generation(&generation);
    }
}

/// Another tab says which generation of sign-outs it is.
pub(crate) fn notice_generation(generation: &str) {
    if generation != self::generation() {
        enter_generation(generation);
        tell_sessions(|driver| driver.sign_out(SignOutOrigin::OtherTab));
    }
}

/// The network is back.
pub(crate) fn went_online() {
    tell_sessions(Driver::went_online);
}

/// Time passed.
pub(crate) fn wake() {
    PAGE.with(|page| page.due.set(None));
    tell_sessions(Driver::wake);
    set_timer();
}

/// Has the page wake when the first of its sessions wants it.
pub(super) fn set_timer() {
    let due = PAGE.with(|page| {
        let due = page.sessions.borrow().iter().filter_map(|(_, driver)| driver.next_wake()).min();
        (due != page.due.replace(due)).then_some(due)
    });
    match due {
        // A millisecond more: both clocks are cut to whole ones.
        Some(Some(due)) => sys::wake_after(due.saturating_sub(now().monotonic).saturating_add(1).max(0) as f64),
        Some(None) => sys::wake_after(-1.0),
        None => {}
    }
}

fn enter_generation(generation: &str) {
    PAGE.with(|page| page.generation.replace(generation.to_owned()));
}

/// Tells every session, without holding the list: what a session does can come back here.
fn tell_sessions(tell: impl Fn(&Driver)) {
    let sessions: Vec<_> =
        PAGE.with(|page| page.sessions.borrow().iter().map(|(_, driver)| Rc::clone(driver)).collect());
    for driver in sessions {
        tell(&driver);
    }
}

/// Takes the origin's generation, or begins its first, once; where localStorage is blocked, sign-outs go over a channel.
fn begin() {
    if PAGE.with(|page| page.has_begun.replace(true)) {
        return;
    }
    let generation = match storage::read_generation() {
        Ok(Some(generation)) => Some(generation),
        Ok(None) => Some(sys::new_generation()).filter(|generation| storage::write_generation(generation).is_ok()),
        Err(_) => None,
    };
    match generation {
        Some(generation) => enter_generation(&generation),
        None => sys::open_channel(),
    }
}
