//! What all sessions of a page share: the list of them, what is known of sign-outs, and when to wake.

use std::cell::{Cell, RefCell, RefMut};

use js_sys::Promise;
use wasm_bindgen::JsValue;

use crate::core::{
    Account, Attempt, Cache, FoundMark, News, Reason, RequestCounter, RequestId, SignOutOrigin, SignOuts, Widget,
    first_mark,
};

use super::clock::now;
use super::driver::Driver;
use super::fields::JsFields;
use super::sys;

/// What makes two handles share a session.
#[derive(PartialEq, Eq)]
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
    /// None of them ever ends.
    sessions: RefCell<Vec<(SessionKey, &'static Driver)>>,
    counter: RequestCounter,
    sign_outs: RefCell<SignOuts>,
    has_begun: Cell<bool>,
    /// When the next wake is due, by the monotonic clock.
    due: Cell<Option<i64>>,
}

thread_local! {
    static PAGE: &'static Page = Box::leak(Box::default());
}

/// It lives as long as the module: never freed, it is reached without a closure.
fn page() -> &'static Page {
    PAGE.with(|page| *page)
}

/// The session of this key; made when it is asked for the first time. The account is part of the key.
pub(crate) fn session(key: SessionKey, account: Account) -> &'static Driver {
    begin();
    let page = page();
    let known = page.sessions.borrow().iter().find(|(known, _)| *known == key).map(|(_, driver)| *driver);
    known.unwrap_or_else(|| {
        let number = page.sessions.borrow().len() as u32;
        let driver: &Driver = Box::leak(Box::new(Driver::new(&key, account, number, page.counter.clone())));
        page.sessions.borrow_mut().push((key, driver));
        driver
    })
}

/// The generation in which records of this page are written and read; none where no mark of a sign-out can be kept.
pub(super) fn generation() -> Option<String> {
    sign_outs().generation().map(str::to_owned)
}

/// The generation in which this page shares tokens with other tabs; none while nobody can tell what is from before a sign-out.
pub(super) fn shared_generation() -> Option<String> {
    sign_outs().shared_generation().map(str::to_owned)
}

/// The person leaves: every session of every tab is told.
pub(crate) fn sign_out() -> Promise {
    begin();
    let mark = sys::new_mark();
    sign_outs().signed_out_here(&mark);
    let is_written = write_mark(&mark);
    sys::broadcast(&mark, is_written);
    end_sessions(|driver| driver.note_sign_out(SignOutOrigin::ThisTab));
    sys::remove_records(&mark);
    sys::resolved(&JsValue::UNDEFINED)
}

/// Looks whether somebody signed out elsewhere since this page last looked.
pub(crate) fn look_for_sign_out() {
    look(|sign_outs, found| sign_outs.compare(found));
}

/// Hears what follows from the mark that stands, if that is not what stood there at the last look.
fn look(judge: impl FnOnce(&mut SignOuts, FoundMark<'_>) -> News) {
    let found = sys::look_at_mark();
    if found.is_undefined() {
        return;
    }
    let mark = found.as_string();
    let found = match &mark {
        Some(mark) => FoundMark::Mark(mark),
        None if found.is_null() => FoundMark::Missing,
        None => FoundMark::Unreadable,
    };
    let news = judge(&mut sign_outs(), found);
    if found == FoundMark::Missing {
        write_first_mark();
    }
    hear(news, mark.as_deref().unwrap_or_default());
}

/// Another tab or a worker signed out, under this mark.
pub(crate) fn hear_mark(mark: &str) {
    let news = sign_outs().heard(mark);
    hear(news, mark);
}

/// The page goes to sleep, or may have slept: what it was told meanwhile is lost.
pub(crate) fn leave_page() {
    sign_outs().left();
}

fn hear(news: News, mark: &str) {
    match news {
        News::Nothing => {}
        News::MayHaveLeft => end_sessions(Driver::note_that_somebody_may_have_left),
        News::SignedOut => {
            end_sessions(|driver| driver.note_sign_out(SignOutOrigin::OtherTab));
            // What was written after this sign-out, by a frame that heard of it earlier, is the next person's.
            sys::remove_records(mark);
        }
    }
}

/// What came of an attempt of a session's.
pub(crate) fn attempt_ended(session: u32, request: u32, number: u32, outcome: &JsValue) {
    // The core finds an attempt by its numbers; why it was made was told when it began.
    let attempt = Attempt { request: RequestId(request), number, reason: Reason::Get };
    if let Some(driver) = sessions().get(session as usize) {
        driver.ended(attempt, &JsFields(outcome));
    }
}

/// What an attempt comes to that waits for its turn among the tabs; true where it is over.
pub(crate) fn in_turn(session: u32, request: u32, number: u32, record: &str, is_its_turn: bool) -> bool {
    let attempt = Attempt { request: RequestId(request), number, reason: Reason::Get };
    sessions().get(session as usize).is_none_or(|driver| driver.in_turn(attempt, record, is_its_turn))
}

/// Another tab asks for the token of a scope.
pub(crate) fn asked_by_tab(scope: &str) {
    look_for_sign_out();
    sessions().iter().for_each(|driver| driver.hand_on(Some(scope)));
}

/// The network is back.
pub(crate) fn went_online() {
    sessions().iter().for_each(|driver| driver.went_online());
}

/// Time passed.
pub(crate) fn wake() {
    page().due.set(None);
    sessions().iter().for_each(|driver| driver.wake());
    set_timer();
}

/// Has the page wake when the first of its sessions wants it.
pub(super) fn set_timer() {
    let page = page();
    let due = page.sessions.borrow().iter().filter_map(|(_, driver)| driver.next_wake()).min();
    if due == page.due.replace(due) {
        return;
    }
    sys::wake_after(match due {
        // A millisecond more: both clocks are cut to whole ones.
        Some(due) => due.saturating_sub(now().monotonic).saturating_add(1).max(0) as f64,
        None => -1.0,
    });
}

fn sign_outs() -> RefMut<'static, SignOuts> {
    page().sign_outs.borrow_mut()
}

/// All sessions, without holding the list: what a session does can come back here.
fn sessions() -> Vec<&'static Driver> {
    page().sessions.borrow().iter().map(|(_, driver)| *driver).collect()
}

/// Tells every session first, and has each do what follows only then: a listener of one must not find another's token.
fn end_sessions(note: impl Fn(&Driver)) {
    let sessions = sessions();
    sessions.iter().for_each(|driver| note(driver));
    sessions.iter().for_each(|driver| driver.do_pending());
}

/// Takes what stands for the latest sign-out as known, once.
fn begin() {
    if page().has_begun.replace(true) {
        return;
    }
    look(|sign_outs, found| {
        sign_outs.begin(found);
        News::Nothing
    });
}

/// Has something stand where the mark of a sign-out would: that it is cleared tells that somebody may have left.
fn write_first_mark() {
    write_mark(&first_mark(&sys::new_mark()));
}

/// Whether the mark stands now.
fn write_mark(mark: &str) -> bool {
    let is_written = sys::write_mark(mark);
    if is_written {
        sign_outs().wrote(mark);
    }
    is_written
}
