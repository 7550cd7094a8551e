//! Rule 7 by example: what a sign-out ends.

use custom_identity_provider::core::{AbortReason, Cache, ErrorCode, Event, Rejection, SignOutOrigin};

use super::tab::{Deed, Tab};
use super::{EAGER, failed, raw, refused, refused_with, request, token, waits_for};
use crate::stage::MINUTE;

#[test]
fn rule_07_sign_out_rejects_who_waits() {
    for origin in [SignOutOrigin::ThisTab, SignOutOrigin::OtherTab] {
        let mut tab = Tab::new(Cache::Session);
        tab.fetch("one", 3_600);
        tab.fresh();
        tab.invalidate();
        tab.get();
        let (older, newer) = (tab.attempts[1], tab.attempts[2]);
        tab.sign_out(origin);
        assert_eq!(tab.outcomes()[1..], [failed(ErrorCode::SignedOut), failed(ErrorCode::SignedOut)]);
        for attempt in [older, newer] {
            assert!(tab.deeds.contains(&Deed::Stopped(attempt.request.0)));
            tab.answer(attempt, &raw("late", 3_600));
        }
        assert!(!tab.has());
        assert_eq!(tab.stored, None);
        assert!(tab.was_told(|event| *event == Event::SignedOut { origin }));
    }
}

#[test]
fn rule_07_a_record_from_before_the_sign_out_is_not_read() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    // The other tab signs out while this one is between two pages.
    tab.begin_generation();
    tab.reload();
    assert!(!tab.has());
    assert_eq!(tab.stored, None);
    assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::SignedOut }));
}

#[test]
fn rule_07_what_is_to_be_done_at_a_sign_out_comes_in_order() {
    // A listener that is told must find neither the record nor a running request's token.
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.fresh();
    tab.deeds.clear();
    tab.sign_out(SignOutOrigin::ThisTab);
    let why = AbortReason::SignedOut;
    let expected = [
        Deed::Told(Event::SignedOut { origin: SignOutOrigin::ThisTab }),
        Deed::Forgot,
        Deed::Stopped(2),
        Deed::Told(Event::RequestAborted { request: 2, why }),
        Deed::Rejected(2, ErrorCode::SignedOut),
    ];
    assert_eq!(tab.deeds, expected);
}

#[test]
fn rule_07_who_may_have_left_is_forgotten_and_who_waits_is_not_rejected() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.fresh();
    tab.deeds.clear();
    tab.may_have_left();
    assert_eq!(tab.deeds, [Deed::Forgot, Deed::Told(Event::MayHaveLeft)]);
    assert!(!tab.has());
    // Who asks now does not join what was asked before, and what comes of that is not kept.
    assert_eq!(waits_for(&tab.get()), Some(3));
    let old = tab.attempts[1];
    tab.answer(old, &raw("of before", 3_600));
    assert_eq!(tab.outcomes()[1..], [token("of before"), None]);
    assert!(!tab.has());
    assert_eq!(tab.stored, None);
    tab.answer(tab.latest(), &raw("new", 3_600));
    assert_eq!(tab.outcomes()[2], token("new"));
    // A cool-down is about the source, not about who left.
    tab.fresh();
    tab.fail(tab.latest(), refused());
    tab.may_have_left();
    assert!(refused_with(&tab.get()).is_some());
}

#[test]
fn rule_07_a_background_refresh_ends_when_somebody_may_have_left() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 3_600);
    tab.pass(55 * MINUTE);
    tab.get_under(&EAGER);
    tab.may_have_left();
    let why = AbortReason::Invalidated;
    assert!(tab.was_told(|event| *event == Event::RequestAborted { request: 2, why }));
}

#[test]
fn rule_07_sign_out_also_ends_the_requests_of_older_epochs() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    tab.invalidate();
    tab.get();
    tab.sign_out(SignOutOrigin::ThisTab);
    assert_eq!(tab.rejected.len(), 2);
    assert_eq!(tab.session.next_wake(), None);
}

#[test]
fn rule_07_somebody_who_may_have_left_is_forgotten_and_who_waits_is_not_rejected() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    let waiting = request(&tab.fresh());
    let attempt = tab.latest();
    tab.may_have_left();
    assert!(tab.stored.is_none());
    assert!(!tab.has());
    assert!(tab.was_told(|event| *event == Event::MayHaveLeft));
    assert!(tab.rejected.is_empty());
    tab.answer(attempt, &raw("late", 3_600));
    assert_eq!(tab.resolved.last().unwrap().0, waiting);
    assert!(!tab.has(), "what was asked for before is never cached");
}
