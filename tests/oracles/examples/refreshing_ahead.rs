//! Rule 11 by example: the background request in the last stretch of a token's life.

use custom_identity_provider::core::{
    COOL_DOWN_FIRST, Cache, ErrorCode, Event, Failure, Policy, Reason, Reply, SignOutOrigin, cool_down_length,
};

use super::tab::{Deed, Tab};
use super::{
    EAGER, PLAIN, cached, guests_tab, in_hand, raw, refreshing_ahead, refused, request, unavailable, waits_for,
};
use crate::stage::{HOUR, MINUTE, SECOND};

#[test]
fn rule_11_refresh_ahead_answers_at_once_and_its_failure_costs_an_event() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.pass(HOUR - 30 * SECOND - 10 * MINUTE - 1);
    tab.get_under(&EAGER);
    assert_eq!(tab.attempts.len(), 1);
    tab.pass(1);
    for _ in 0..3 {
        assert_eq!(cached(&tab.get_under(&EAGER)), Some("one"));
    }
    assert_eq!(tab.attempts.len(), 2);
    tab.fail(tab.latest(), refused());
    assert!(
        tab.was_told(|event| matches!(event, Event::RequestFailed { demanded: false, code: ErrorCode::Refused, .. }))
    );
    assert_eq!(cached(&tab.get_under(&EAGER)), Some("one"));
    assert_eq!(tab.attempts.len(), 2, "the background cools down");
    assert_eq!(waits_for(&tab.fresh()), Some(3), "who waits does not");
    tab.answer(tab.latest(), &raw("two", 3_600));
    assert_eq!(cached(&tab.get_under(&EAGER)), Some("two"));
}

#[test]
fn rule_11_a_short_lived_token_is_refreshed_in_the_second_half_of_its_life() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 100);
    tab.pass(45 * SECOND - 1);
    tab.get_under(&EAGER);
    assert_eq!(tab.attempts.len(), 1);
    tab.pass(1);
    tab.get_under(&EAGER);
    assert_eq!(tab.attempts.len(), 2);
}

#[test]
fn rule_11_whatever_ends_a_cool_down_ends_that_of_the_background_too() {
    let ends: [fn(&mut Tab); 4] = [
        |tab| tab.online(),
        |tab| {
            tab.fresh();
            tab.answer(tab.latest(), &raw("two", 20));
            tab.pass(10 * SECOND);
        },
        |tab| {
            tab.sign_out(SignOutOrigin::ThisTab);
            tab.fetch("two", 20);
            tab.pass(10 * SECOND);
        },
        |tab| {
            tab.person = Some("bob");
            tab.fetch("two", 20);
            tab.pass(10 * SECOND);
        },
    ];
    for end in ends {
        let mut tab = Tab::new(Cache::Memory);
        tab.fetch("one", 3_600);
        tab.pass(55 * MINUTE);
        tab.get_under(&EAGER);
        tab.fail(tab.latest(), refused());
        for _ in 0..4 {
            // Failures in a row, so that the cool-down outlasts what follows; each at the first moment it may be tried.
            let before = tab.attempts.len();
            while tab.attempts.len() == before {
                tab.pass(100);
                tab.get_under(&EAGER);
            }
            tab.fail(tab.latest(), refused());
        }
        let before = tab.attempts.len();
        tab.get_under(&EAGER);
        assert_eq!(tab.attempts.len(), before);
        end(&mut tab);
        let before = tab.attempts.len();
        tab.get_under(&EAGER);
        assert_eq!(tab.attempts.len(), before + 1);
        assert_eq!(tab.latest().reason, Reason::Ahead);
    }
}

#[test]
fn rule_11_a_background_request_whose_pause_ends_too_late_is_dropped() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 3_600);
    tab.pass(55 * MINUTE);
    tab.get_under(&EAGER);
    tab.fail(tab.latest(), unavailable());
    tab.advance(PLAIN.patience);
    tab.wake();
    assert!(tab.deeds.contains(&Deed::Dropped(2)));
    assert!(tab.was_told(|event| matches!(event, Event::RequestFailed { request: 2, demanded: false, .. })));
    assert_eq!(tab.attempts.len(), 2);
    assert_eq!(cached(&tab.get()), Some("one"));
}

#[test]
fn rule_11_that_somebody_signed_in_does_not_end_the_background_cool_down() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 3_600);
    tab.pass(55 * MINUTE);
    tab.get_under(&EAGER);
    tab.fail(tab.latest(), refused());
    tab.signed_in();
    tab.get_under(&EAGER);
    assert_eq!(tab.attempts.len(), 2, "it is asked for whoever waits, and nobody waits for this");
    tab.pass(cool_down_length(1));
    tab.get_under(&EAGER);
    assert_eq!(tab.attempts.len(), 3);
}

#[test]
fn rule_11_a_guests_background_cool_down_does_not_outlive_the_guest() {
    let mut tab = guests_tab(Cache::Session);
    tab.person = Some("ann");
    tab.fetch("ann's", 3_600);
    tab.pass(55 * MINUTE);
    tab.reload();
    tab.person = None;
    tab.fetch("a guest's", 10);
    tab.pass(5 * SECOND);
    assert!(matches!(tab.get_under(&EAGER), Reply::Token(_)));
    tab.fail(tab.latest(), Failure::of_status(403, Some(HOUR)));
    let before = tab.attempts.len();
    tab.get_under(&EAGER);
    assert_eq!(tab.attempts.len(), before, "the background cools down");
    tab.person = Some("ann");
    assert!(matches!(tab.get_under(&EAGER), Reply::Token(_)));
    assert_eq!((tab.attempts.len(), tab.latest().reason), (before + 1, Reason::Ahead));
}

#[test]
fn rule_11_refresh_ahead_answers_at_once_and_asks_once() {
    let mut tab = Tab::new(Cache::Memory);
    tab.policy.refresh_ahead = 5 * 60_000;
    tab.fetch("one", 3_600);
    tab.pass(HOUR - 30_000 - 5 * 60_000 - 1);
    tab.get();
    assert_eq!(tab.attempts.len(), 1, "not yet in the last stretch");
    tab.pass(1);
    assert_eq!(in_hand(&tab.get()), "one");
    assert_eq!(in_hand(&tab.get()), "one");
    assert_eq!(tab.attempts.len(), 2);
    let ahead = tab.latest();
    tab.answer(ahead, &raw("two", 3_600));
    assert_eq!(in_hand(&tab.get()), "two");
}

#[test]
fn rule_11_a_failed_refresh_ahead_costs_nothing_but_an_event() {
    let mut tab = Tab::new(Cache::Session);
    tab.policy.refresh_ahead = 5 * 60_000;
    tab.fetch("one", 3_600);
    tab.pass(HOUR - 5 * 60_000);
    tab.get();
    let ahead = tab.latest();
    tab.fail(ahead, Failure::of_status(403, None));
    assert!(tab.rejected.is_empty());
    assert!(tab.was_told(|event| matches!(event, Event::RequestFailed { demanded: false, .. })));
    assert_eq!(in_hand(&tab.get()), "one");
    assert_eq!(tab.attempts.len(), 2, "a broken backend is not asked in the background at every call");
    request(&tab.fresh());
}

#[test]
fn rule_11_a_token_shorter_than_the_setting_is_not_refreshed_at_every_call() {
    let mut tab = Tab::new(Cache::Memory);
    tab.policy.refresh_ahead = HOUR;
    tab.fetch("one", 600);
    tab.get();
    assert_eq!(tab.attempts.len(), 1);
    tab.pass(300_000);
    tab.get();
    assert_eq!(tab.attempts.len(), 2);
}

#[test]
fn rule_11_a_request_of_an_older_epoch_does_not_keep_a_token_from_being_refreshed() {
    let mut tab = Tab::new(Cache::Memory);
    tab.policy = Policy { timeout: 2 * HOUR, refresh_ahead: HOUR, ..Policy::default() };
    tab.get();
    tab.invalidate();
    tab.fetch("one", 3_600);
    tab.pass(HOUR - HOUR / 3);
    in_hand(&tab.get());
    assert_eq!(tab.latest().reason, Reason::Ahead);
}

#[test]
fn rule_11_nothing_is_refreshed_ahead_while_the_source_is_left_alone() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 3_600);
    tab.pass(HOUR - HOUR / 3);
    tab.fresh();
    let attempt = tab.latest();
    tab.fail(attempt, Failure::of_status(403, None));
    tab.policy.refresh_ahead = HOUR;
    in_hand(&tab.get());
    assert_eq!(tab.latest(), attempt);
    tab.pass(COOL_DOWN_FIRST);
    in_hand(&tab.get());
    assert_eq!(tab.latest().reason, Reason::Ahead);
}

#[test]
fn rule_11_a_good_answer_and_another_person_end_what_failed_in_the_background() {
    let ends: [fn(&mut Tab); 2] = [
        |tab| {
            tab.fresh();
        },
        |tab| {
            tab.person = Some("grace");
            tab.get();
        },
    ];
    for end in ends {
        let mut tab = refreshing_ahead();
        let ahead = tab.latest();
        tab.fail(ahead, Failure::of_status(403, Some(2 * HOUR)));
        end(&mut tab);
        let attempt = tab.latest();
        tab.answer(attempt, &raw("two", 3_600));
        tab.pass(HOUR - HOUR / 3);
        in_hand(&tab.get());
        assert_eq!(tab.latest().reason, Reason::Ahead, "the source was well meanwhile, or it is another's");
        assert_ne!(tab.latest(), ahead);
    }
}

#[test]
fn rule_11_who_signs_in_does_not_wait_for_what_failed_in_the_background_for_nobody() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("of ann", 3_600);
    tab.pass(HOUR - HOUR / 3);
    tab.reload();
    tab.person = None;
    tab.policy.refresh_ahead = HOUR;
    tab.fetch("of nobody", 5);
    tab.pass(3_000);
    in_hand(&tab.get());
    let ahead = tab.latest();
    assert_eq!(ahead.reason, Reason::Ahead);
    tab.fail(ahead, Failure::of_status(403, None));
    tab.person = Some("ann");
    assert_eq!(in_hand(&tab.get()), "of ann");
    assert_ne!(tab.latest(), ahead);
    assert_eq!(tab.latest().reason, Reason::Ahead);
}
