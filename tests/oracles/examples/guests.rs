//! Rule 27 by example: a refusal because nobody is signed in, and who signs in then.

use custom_identity_provider::core::{
    Answer, Cache, ErrorCode, Event, FREE_REFUSALS, Failure, Kind, REFUSAL_PAUSE, Reason, Reply, cool_down_length,
};

use super::tab::Tab;
use super::{both_kinds, failed, guests_tab, in_hand, nobody_signed_in, raw, refusal, refuse, request};
use crate::stage::{HOUR, MINUTE, settings, token_of};

#[test]
fn rule_27_null_says_that_nobody_is_signed_in_and_who_signs_in_need_not_wait() {
    for kind in both_kinds() {
        let mut tab = Tab::with(settings(Cache::Memory, kind));
        for refused in 1..=FREE_REFUSALS + 1 {
            assert!(matches!(tab.get(), Reply::Wait(_)), "{refused}");
            tab.answer_with(tab.latest(), &Answer::Null);
            assert_eq!(tab.outcome(), failed(ErrorCode::NotSignedIn));
        }
        assert!(tab.rejected.iter().all(|(_, failure)| !failure.retryable));
        assert!(matches!(tab.get(), Reply::Refuse(failure) if failure.code == ErrorCode::NotSignedIn));
        tab.signed_in();
        assert!(matches!(tab.get(), Reply::Wait(_)));
        // The refusals before count no more either.
        tab.answer_with(tab.latest(), &Answer::Null);
        assert!(matches!(tab.get(), Reply::Wait(_)));
    }
}

#[test]
fn rule_27_who_signs_in_is_served_at_once_however_often_nobody_was_refused() {
    for refusals in 1..=FREE_REFUSALS + 3 {
        let mut tab = guests_tab(Cache::Session);
        while tab.callers.len() < refusals as usize {
            if let Reply::Refuse(_) = tab.get() {
                tab.pass(REFUSAL_PAUSE);
            } else {
                tab.fail(tab.latest(), nobody_signed_in());
            }
        }
        tab.person = Some("ann");
        assert!(matches!(tab.get(), Reply::Wait(_)), "after {refusals}");
    }
}

#[test]
fn rule_27_the_first_refusals_in_a_row_cost_nothing_and_each_further_one_a_pause() {
    let mut tab = guests_tab(Cache::Session);
    for _ in 0..FREE_REFUSALS {
        tab.get();
        tab.fail(tab.latest(), nobody_signed_in());
        assert_eq!(tab.outcome(), failed(ErrorCode::NotSignedIn));
    }
    for _ in 0..3 {
        assert!(matches!(tab.get(), Reply::Wait(_)));
        tab.fail(tab.latest(), nobody_signed_in());
        tab.pass(100);
        let Reply::Refuse(failure) = tab.get() else { panic!("a pause") };
        let expected = Failure { retry_after: Some(REFUSAL_PAUSE - 100), ..nobody_signed_in() };
        assert_eq!(failure, expected);
        tab.pass(REFUSAL_PAUSE - 101);
        assert!(matches!(tab.get(), Reply::Refuse(_)));
        tab.pass(1);
    }
    // A success ends the row.
    tab.fetch("a guest's", 3_600);
    for _ in 0..FREE_REFUSALS {
        assert!(matches!(tab.fresh(), Reply::Wait(_)));
        tab.fail(tab.latest(), nobody_signed_in());
    }
    assert!(matches!(tab.fresh(), Reply::Wait(_)));
}

#[test]
fn rule_27_a_refusal_is_no_failure_of_the_source() {
    let mut tab = guests_tab(Cache::Session);
    for _ in 0..FREE_REFUSALS {
        tab.get();
        tab.fail(tab.latest(), nobody_signed_in());
    }
    tab.get();
    tab.fail(tab.latest(), Failure::of_status(403, None));
    let reply = tab.get();
    let Reply::Refuse(failure) = reply else { panic!("a cool-down") };
    assert_eq!((failure.code, failure.retry_after), (ErrorCode::CoolingDown, Some(cool_down_length(1))));
}

#[test]
fn rule_27_a_refusal_does_not_cut_a_cool_down_short() {
    let mut tab = Tab::with(settings(Cache::Memory, Kind::Code));
    for _ in 0..FREE_REFUSALS + 2 {
        tab.get();
    }
    let attempts = tab.attempts.clone();
    tab.fail(attempts[0], Failure::of_status(503, Some(MINUTE)));
    for attempt in &attempts[1..] {
        tab.fail(*attempt, nobody_signed_in());
    }
    tab.pass(MINUTE - 1);
    assert!(matches!(tab.get(), Reply::Refuse(_)));
}

#[test]
fn rule_27_who_is_refused_because_nobody_is_signed_in_is_served_at_once_and_who_asks_without_end_once_a_second() {
    let mut tab = Tab::new(Cache::Memory);
    refuse(&mut tab, FREE_REFUSALS + 1);
    let refused = refusal(tab.get());
    assert_eq!((refused.code, refused.retry_after), (ErrorCode::NotSignedIn, Some(REFUSAL_PAUSE)));
    tab.pass(REFUSAL_PAUSE - 1);
    assert_eq!(refusal(tab.fresh()).retry_after, Some(1));
    tab.pass(1);
    refuse(&mut tab, 1);
    assert_eq!(refusal(tab.get()).retry_after, Some(REFUSAL_PAUSE), "the pause does not grow");
    tab.pass(REFUSAL_PAUSE);
    tab.fetch("one", 60);
    tab.pass(HOUR);
    refuse(&mut tab, FREE_REFUSALS);
    request(&tab.get());
}

#[test]
fn rule_27_whatever_tells_that_somebody_came_ends_the_pause() {
    let ways: [fn(&mut Tab); 3] = [Tab::signed_in, Tab::online, |tab| tab.person = Some("ann")];
    for comes in ways {
        let mut tab = Tab::new(Cache::Memory);
        tab.person = None;
        refuse(&mut tab, FREE_REFUSALS + 1);
        refusal(tab.get());
        comes(&mut tab);
        request(&tab.get());
    }
}

#[test]
fn rule_27_who_waits_when_somebody_signs_in_waits_on_and_is_given_the_persons_token() {
    let mut tab = Tab::new(Cache::Memory);
    tab.person = None;
    let waiting = request(&tab.get());
    let of_nobody = tab.latest();
    tab.pass(9_000);
    tab.person = Some("ann");
    assert_eq!(request(&tab.get()), waiting);
    assert_eq!(tab.stops, [waiting]);
    let of_ada = tab.latest();
    assert_eq!((of_ada.request, of_ada.number), (waiting, 2));
    assert_eq!(tab.began_for.last().unwrap().1.as_deref(), Some("ann"));
    assert!(tab.was_told(|event| matches!(
        event,
        Event::RequestRetrying { code: ErrorCode::IdentityChanged, attempt: 1, delay: 0, .. }
    )));
    tab.answer(of_nobody, &raw("of nobody", 3_600));
    assert!(tab.resolved.is_empty(), "a guest's token is never a customer's");
    assert_eq!(tab.session.next_wake(), Some(tab.now.monotonic + 10_000), "it has all its time again");
    tab.answer(of_ada, &raw("of ann", 3_600));
    assert_eq!(token_of(&tab.resolved[0].1).access_token, "of ann");
    assert_eq!(in_hand(&tab.get()), "of ann");
}

#[test]
fn rule_27_an_answer_itself_finds_that_somebody_signed_in() {
    let mut tab = Tab::new(Cache::Memory);
    tab.person = None;
    let waiting = request(&tab.get());
    let of_nobody = tab.latest();
    tab.person = Some("ann");
    tab.fail(of_nobody, Failure::of_status(401, None));
    assert!(tab.rejected.is_empty());
    let of_ada = tab.latest();
    tab.answer(of_ada, &raw("of ann", 3_600));
    assert_eq!(tab.resolved[0].0, waiting);
}

#[test]
fn rule_27_a_background_request_for_nobody_ends_when_somebody_signs_in() {
    let mut tab = Tab::new(Cache::Memory);
    tab.policy.refresh_ahead = HOUR;
    tab.person = None;
    tab.fetch("of nobody", 3_600);
    tab.pass(HOUR - HOUR / 3);
    in_hand(&tab.get());
    let ahead = tab.latest();
    assert_eq!(ahead.reason, Reason::Ahead);
    tab.person = Some("ann");
    assert!(!tab.has());
    assert_eq!(tab.stops, [ahead.request]);
    assert_eq!(tab.dropped.last(), Some(&ahead.request));
}
