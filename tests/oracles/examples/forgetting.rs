//! Rules 5, 6 and 9 by example: what is forgotten, what is in hand, and a session that keeps nothing.

use custom_identity_provider::core::{AbortReason, Cache, Event, backoff_ceiling};

use super::tab::{Deed, Tab};
use super::{EAGER, cached, raw, request, token, unavailable, waits_for};
use crate::stage::{HOUR, MINUTE, SECOND};

#[test]
fn rule_05_invalidate_is_not_undone_by_a_late_answer() {
    // The document's sample and customer-auth bring the token back when the fetch lands.
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    let old = tab.latest();
    tab.invalidate();
    tab.answer(old, &raw("old", 3_600));
    assert_eq!(tab.outcomes(), [token("old")]);
    assert!(!tab.has());
    assert_eq!(tab.stored, None);
}

#[test]
fn rule_05_an_older_epoch_is_never_joined_and_ends_when_nobody_waits() {
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    tab.invalidate();
    assert_eq!(waits_for(&tab.get()), Some(2));
    tab.answer(tab.latest(), &raw("new", 3_600));
    tab.answer(tab.attempts[0], &raw("old", 3_600));
    assert_eq!(tab.outcomes(), [token("old"), token("new")]);
    assert_eq!(cached(&tab.get()), Some("new"));

    tab.pass(55 * MINUTE);
    tab.get_under(&EAGER);
    let ahead = tab.latest();
    tab.deeds.clear();
    tab.invalidate();
    assert!(tab.deeds.contains(&Deed::Stopped(ahead.request.0)));
    let why = AbortReason::Invalidated;
    assert!(tab.was_told(|event| *event == Event::RequestAborted { request: ahead.request.0, why }));
}

#[test]
fn rule_05_an_older_epochs_request_is_still_tried_again_for_who_waits() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    tab.invalidate();
    tab.fail(tab.latest(), unavailable());
    tab.pass(backoff_ceiling(1));
    assert_eq!(tab.latest().number, 2);
    tab.answer(tab.latest(), &raw("old", 3_600));
    assert_eq!(tab.outcomes(), [token("old")]);
}

#[test]
fn rule_05_invalidate_forgets_the_token_in_memory_and_storage() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.invalidate();
    assert_eq!(tab.stored, None);
    assert!(!tab.has());
    assert!(tab.was_told(|event| *event == Event::Invalidated));
}

#[test]
fn rule_05_an_answer_after_invalidate_reaches_who_waits_but_never_the_cache() {
    let mut tab = Tab::new(Cache::Session);
    let old = request(&tab.get());
    let attempt = tab.latest();
    tab.invalidate();
    tab.answer(attempt, &raw("late", 3_600));
    assert_eq!(tab.resolved[0].0, old);
    assert!(!tab.has());
    assert!(tab.stored.is_none());
    assert_ne!(request(&tab.get()), old);
}

#[test]
fn rule_05_an_older_epochs_request_is_not_joined_and_one_nobody_waits_for_is_aborted() {
    let mut tab = Tab::new(Cache::Memory);
    let old = request(&tab.get());
    tab.invalidate();
    assert_ne!(request(&tab.fresh()), old);

    let mut tab = Tab::new(Cache::Memory);
    tab.policy.refresh_ahead = HOUR;
    tab.fetch("one", 3_600);
    tab.pass(HOUR - HOUR / 3);
    tab.get();
    let ahead = tab.latest();
    tab.invalidate();
    assert_eq!(tab.stops, [ahead.request]);
    assert!(tab.was_told(|event| matches!(event, Event::RequestAborted { why: AbortReason::Invalidated, .. })));
}

#[test]
fn rule_05_invalidate_forgets_memory_and_storage() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    assert!(tab.stored.is_some());
    tab.invalidate();
    assert!(tab.stored.is_none());
    assert!(!tab.has());
}

#[test]
fn rule_06_has_token_is_true_exactly_while_get_token_would_answer_at_once() {
    let mut tab = Tab::new(Cache::Memory);
    assert!(!tab.has());
    tab.get();
    assert!(!tab.has());
    tab.answer(tab.latest(), &raw("one", 3_600));
    tab.pass(HOUR - 30 * SECOND - 1);
    assert!(tab.has());
    tab.pass(1);
    assert!(!tab.has());
    assert_eq!(waits_for(&tab.get()), Some(2));
}

#[test]
fn rule_06_has_token_is_true_exactly_while_a_token_is_usable() {
    let mut tab = Tab::new(Cache::Memory);
    assert!(!tab.has());
    tab.fetch("one", 1_000);
    assert!(tab.has());
    tab.pass(1_000_000 - 30_000 - 1);
    assert!(tab.has());
    tab.pass(1);
    assert!(!tab.has());
}

#[test]
fn rule_09_without_caching_get_token_begins_or_joins() {
    let mut tab = Tab::new(Cache::None);
    assert_eq!(waits_for(&tab.get()), Some(1));
    assert_eq!(waits_for(&tab.get()), Some(1));
    tab.answer(tab.latest(), &raw("one", 3_600));
    assert!(!tab.has());
    assert_eq!(waits_for(&tab.get()), Some(2));
    tab.invalidate();
    tab.answer(tab.latest(), &raw("two", 3_600));
    assert_eq!(tab.outcomes(), [token("one"), token("one"), token("two")]);
}

#[test]
fn rule_09_without_caching_every_call_begins_or_joins() {
    let mut tab = Tab::new(Cache::None);
    tab.fetch("one", 3_600);
    assert!(!tab.has());
    assert!(tab.stored.is_none());
    let second = request(&tab.get());
    assert_eq!(request(&tab.get()), second);
    tab.invalidate();
    assert!(!tab.deeds.contains(&Deed::Forgot));
}
