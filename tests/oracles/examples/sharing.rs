//! Rules 1 to 4 and 20 by example: who joins, who begins, what all who wait share, and who leaves.

use custom_identity_provider::core::{
    AbortReason, COOL_DOWN_FIRST, Cache, ErrorCode, Event, Failure, Policy, Reason, cool_down_length,
};

use super::tab::{Deed, Tab};
use super::{EAGER, PLAIN, cached, failed, in_hand, raw, refused, request, token, waits_for};
use crate::stage::{HOUR, MINUTE};

#[test]
fn rule_01_get_token_joins_who_waits_else_answers_from_the_cache_else_begins() {
    let mut tab = Tab::new(Cache::Session);
    assert_eq!(waits_for(&tab.get()), Some(1));
    assert_eq!(waits_for(&tab.get()), Some(1));
    tab.answer(tab.latest(), &raw("one", 3_600));
    assert_eq!(tab.outcomes(), [token("one"), token("one")]);
    assert_eq!(cached(&tab.get()), Some("one"));
    // LiveChat's SDK asks for a fresh token without waiting for it, then asks again: it must not get the stale one.
    assert_eq!(waits_for(&tab.fresh()), Some(2));
    assert_eq!(waits_for(&tab.get()), Some(2));
}

#[test]
fn rule_01_get_token_prefers_the_token_in_hand_to_a_request_nobody_waits_for() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 3_600);
    tab.pass(55 * MINUTE);
    assert_eq!(cached(&tab.get_under(&EAGER)), Some("one"));
    assert_eq!(tab.latest().reason, Reason::Ahead);
    assert_eq!(cached(&tab.get()), Some("one"));
    // Without a usable token it is joined.
    let strict = Policy { margin: Some(20 * MINUTE), ..PLAIN };
    assert_eq!(waits_for(&tab.get_under(&strict)), Some(2));
}

#[test]
fn rule_01_get_token_joins_then_answers_from_the_cache_then_begins() {
    let mut tab = Tab::new(Cache::Memory);
    let first = request(&tab.get());
    assert_eq!(request(&tab.get()), first);
    let attempt = tab.latest();
    tab.answer(attempt, &raw("one", 3_600));
    assert_eq!(in_hand(&tab.get()), "one");
    tab.pass(HOUR);
    assert_ne!(request(&tab.get()), first);
}

#[test]
fn rule_01_get_token_joins_a_fresh_request_although_a_token_is_usable() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("stale", 3_600);
    let fresh = request(&tab.fresh());
    assert_eq!(request(&tab.get()), fresh);
}

#[test]
fn rule_02_get_fresh_token_joins_any_request_of_this_epoch_else_begins() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 3_600);
    tab.pass(55 * MINUTE);
    tab.get_under(&EAGER);
    assert_eq!(waits_for(&tab.fresh()), Some(2));
    // It is demanded now: getToken waits for it too, although a token is usable.
    assert_eq!(waits_for(&tab.get()), Some(2));
    tab.answer(tab.latest(), &raw("two", 3_600));
    assert_eq!(waits_for(&tab.fresh()), Some(3));
}

#[test]
fn rule_02_a_refresh_that_was_joined_is_demanded_even_when_nobody_knows_who_is_signed_in() {
    for joins in [true, false] {
        let mut tab = Tab::new(Cache::Memory);
        tab.fetch("one", 3_600);
        tab.pass(55 * MINUTE);
        tab.policy = EAGER;
        tab.get_as(1);
        assert_eq!(tab.latest().reason, Reason::Ahead);
        if joins {
            tab.fresh_as(2);
        }
        tab.cannot_say(1);
        tab.cannot_say(2);
        tab.fail(tab.latest(), Failure::of_status(403, None));
        let is_it = |event: &Event| matches!(event, Event::RequestFailed { code: ErrorCode::BadIdentity, demanded, .. } if *demanded == joins);
        assert!(tab.was_told(is_it), "{:?}", tab.deeds);
    }
}

#[test]
fn rule_02_get_fresh_token_begins_whatever_is_cached_and_joins_what_runs() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 3_600);
    let fresh = request(&tab.fresh());
    assert_eq!(tab.latest().reason, Reason::Fresh);
    assert_eq!(request(&tab.fresh()), fresh);
    assert_eq!(tab.attempts.len(), 2);
}

#[test]
fn rule_02_a_background_request_that_is_joined_becomes_demanded() {
    let mut tab = Tab::new(Cache::Memory);
    tab.policy.refresh_ahead = HOUR / 4;
    tab.fetch("one", 3_600);
    tab.pass(HOUR - HOUR / 4);
    assert_eq!(in_hand(&tab.get()), "one");
    let ahead = tab.latest();
    assert_eq!(ahead.reason, Reason::Ahead);
    assert_eq!(request(&tab.fresh()), ahead.request);
    assert_eq!(request(&tab.get()), ahead.request, "it is demanded now, so a usable token does not answer");
    tab.answer(ahead, &raw("two", 3_600));
    assert_eq!(tab.resolved.len(), 2);
}

#[test]
fn rule_03_equal_calls_share_one_request() {
    let mut tab = Tab::new(Cache::None);
    for call in 0..50 {
        let reply = if call % 3 == 0 { tab.fresh() } else { tab.get_under(&EAGER) };
        assert_eq!(waits_for(&reply), Some(1));
    }
    tab.answer(tab.latest(), &raw("one", 3_600));
    assert_eq!(tab.outcomes(), vec![token("one"); 50]);
    assert_eq!(tab.attempts.len(), 1);
}

#[test]
fn rule_03_any_number_of_calls_make_one_request() {
    let mut tab = Tab::new(Cache::Session);
    for call in 0..100 {
        if call % 2 == 0 {
            tab.get()
        } else {
            tab.fresh()
        };
    }
    assert_eq!(tab.attempts.len(), 1);
}

#[test]
fn rule_04_a_failure_rejects_everyone_and_is_not_remembered() {
    // The document's sample leaves its rejected promise behind, and fails for ever.
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    tab.fresh();
    tab.fail(tab.latest(), refused());
    assert_eq!(tab.outcomes(), [failed(ErrorCode::Refused), failed(ErrorCode::Refused)]);
    tab.pass(cool_down_length(1));
    tab.get();
    tab.answer(tab.latest(), &raw("one", 3_600));
    assert_eq!(tab.outcomes()[2], token("one"));
}

#[test]
fn rule_04_a_usable_token_survives_a_failed_refresh() {
    // supabase-js#2145, amplify#14534: a failed refresh deletes a session that is still good.
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    for _ in 0..3 {
        tab.fresh();
        tab.fail(tab.latest(), refused());
        tab.pass(MINUTE);
        assert!(tab.has());
        assert_eq!(cached(&tab.get()), Some("one"));
        assert_eq!(tab.stored.as_ref().unwrap()["accessToken"], "one");
    }
}

#[test]
fn rule_04_a_failure_rejects_who_waits_and_is_not_remembered() {
    let mut tab = Tab::new(Cache::Memory);
    let first = request(&tab.get());
    let attempt = tab.latest();
    tab.fail(attempt, Failure::of_status(403, None));
    assert_eq!(tab.rejected[0].0, first);
    tab.pass(COOL_DOWN_FIRST);
    assert_ne!(request(&tab.get()), first);
}

#[test]
fn rule_20_a_caller_who_leaves_ends_only_that_wait() {
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    tab.get();
    tab.leave(1);
    assert!(!tab.deeds.contains(&Deed::Stopped(1)));
    tab.leave(1);
    assert!(tab.deeds.contains(&Deed::Stopped(1)));
    let why = AbortReason::Abandoned;
    assert!(tab.was_told(|event| *event == Event::RequestAborted { request: 1, why }));
    assert_eq!(tab.session.next_wake(), None);
    assert_eq!(waits_for(&tab.get()), Some(2), "no cool-down, and nothing to join");
}

#[test]
fn rule_20_the_request_is_aborted_when_its_last_waiter_leaves() {
    let mut tab = Tab::new(Cache::Memory);
    let shared = request(&tab.get());
    tab.get();
    tab.leave(shared.0);
    assert!(tab.stops.is_empty());
    tab.leave(shared.0);
    assert_eq!(tab.stops, [shared]);
    assert_eq!(tab.dropped, [shared]);
    assert!(tab.was_told(|event| matches!(event, Event::RequestAborted { why: AbortReason::Abandoned, .. })));
    assert_ne!(request(&tab.get()), shared, "leaving is no failure: nothing cools down");
}
