//! Rule 12 by example: which stored record is used, and which is a miss.

use custom_identity_provider::core::{
    Cache, Event, Failure, LATE_IDENTITY, Policy, RECORD_VERSION, Rejection, Reply, SignOutOrigin,
};
use serde_json::json;

use super::tab::Tab;
use super::{PLAIN, anns_tab_again, cached, in_hand, is_missed, request, tab_that_is_told_nothing};
use crate::stage::{HOUR, MINUTE, SECOND, START, livechat};

#[test]
fn rule_12_a_reload_is_answered_from_the_record() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.pass(10 * MINUTE);
    tab.reload();
    assert_eq!(cached(&tab.get()), Some("one"));
    assert!(tab.was_told(|event| *event == Event::Restored { remaining: 50 * MINUTE - 30 * SECOND }));
    assert_eq!(tab.attempts.len(), 0);
    tab.now.wall += 50 * MINUTE;
    assert!(!tab.has());
}

#[test]
fn rule_12_what_is_no_good_record_is_a_miss_and_removed() {
    let change = |name: &'static str, value: serde_json::Value| (name, value);
    for ((name, value), why) in [
        (change("version", json!(2)), Rejection::Version),
        (change("version", json!("1")), Rejection::Corrupt),
        (change("scope", json!("of another widget")), Rejection::Scope),
        (change("generation", json!("0")), Rejection::SignedOut),
        (change("accessToken", json!("")), Rejection::Corrupt),
        (change("entityId", json!(null)), Rejection::Corrupt),
        (change("tokenType", json!("bearer")), Rejection::Corrupt),
        (change("expiresIn", json!(1e300)), Rejection::Corrupt),
        (change("creationDate", json!(-5)), Rejection::Corrupt),
        (change("creationDate", json!(1_900_000_000_000_i64)), Rejection::Future),
        (change("creationDate", json!(1_700_000_000_000_i64)), Rejection::Expired),
    ] {
        let mut tab = Tab::new(Cache::Session);
        tab.fetch("one", 3_600);
        tab.reload();
        tab.stored.as_mut().unwrap()[name] = value;
        assert!(!tab.has(), "{name}");
        assert_eq!(tab.stored, None, "{name}");
        assert!(tab.was_told(|event| *event == Event::RecordRejected { why }), "{name}: {:?}", tab.deeds);
        assert!(tab.get() != Reply::Refuse(Failure::signed_out()));
    }
}

#[test]
fn rule_12_a_handle_with_a_large_margin_leaves_the_record_to_others() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.pass(10 * MINUTE);
    tab.reload();
    let cautious = Policy { margin: Some(2 * HOUR), ..PLAIN };
    assert!(!tab.has_under(&cautious));
    assert!(tab.was_told(|event| *event == Event::Restored { remaining: 50 * MINUTE - 30 * SECOND }));
    assert!(tab.stored.is_some());
    assert_eq!(cached(&tab.get()), Some("one"));
}

#[test]
fn rule_12_a_record_within_the_ordinary_margin_is_over_whatever_margin_a_handle_has() {
    for (margin, is_restored) in [(None, false), (Some(2 * HOUR), false), (Some(0), true)] {
        let mut tab = Tab::new(Cache::Session);
        tab.fetch("one", 3_600);
        tab.pass(HOUR - 30 * SECOND);
        tab.reload();
        assert_eq!(tab.has_under(&Policy { margin, ..PLAIN }), is_restored);
        assert_eq!(tab.stored.is_some(), is_restored);
    }
}

#[test]
fn rule_12_a_wrong_record_is_a_miss_and_removed() {
    let wrongs = [
        ("version", json!(RECORD_VERSION + 1), Rejection::Version),
        ("version", json!("1"), Rejection::Corrupt),
        ("generation", json!("another"), Rejection::SignedOut),
        ("scope", json!("another"), Rejection::Scope),
        ("accessToken", json!(null), Rejection::Corrupt),
        ("accessToken", json!(""), Rejection::Corrupt),
        ("entityId", json!(5), Rejection::Corrupt),
        ("expiresIn", json!(-5), Rejection::Corrupt),
        ("expiresIn", json!(1e300), Rejection::Corrupt),
        ("tokenType", json!("basic"), Rejection::Corrupt),
        ("licenseId", json!("1"), Rejection::Corrupt),
        ("organizationId", json!(1), Rejection::Corrupt),
        ("creationDate", json!(START + 10 * HOUR), Rejection::Future),
        ("creationDate", json!(START - 10 * HOUR), Rejection::Expired),
    ];
    for (field, value, why) in wrongs {
        let mut tab = Tab::new(Cache::Session);
        tab.fetch("one", 3_600);
        is_missed(tab, field, value, why);
    }
}

#[test]
fn rule_12_a_record_is_laid_aside_for_who_signs_in_late() {
    let mut tab = anns_tab_again();
    let waiting = request(&tab.get());
    assert!(tab.stored.is_some());
    tab.pass(LATE_IDENTITY - 1);
    tab.person = Some("ann");
    assert_eq!(in_hand(&tab.get()), "ann's");
    assert_eq!(tab.resolved[0].0, waiting, "who waits is answered by the record");
    assert!(tab.was_told(|event| matches!(event, Event::Restored { .. })));
    assert_eq!(tab.session.next_wake(), None, "and nothing is left to be given up");

    let mut tab = anns_tab_again();
    assert!(!tab.has());
    tab.pass(LATE_IDENTITY);
    assert!(tab.stored.is_none());
    assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Scope }));
    tab.person = Some("ann");
    request(&tab.get());
}

#[test]
fn rule_12_a_guests_token_takes_a_records_place_only_when_nobody_comes_for_it() {
    let mut tab = anns_tab_again();
    tab.fetch("of nobody", 3_600);
    assert_eq!(tab.stored.as_ref().unwrap()["accessToken"], "ann's");
    assert_eq!(in_hand(&tab.get()), "of nobody");
    tab.pass(LATE_IDENTITY);
    assert_eq!(tab.stored.as_ref().unwrap()["accessToken"], "of nobody");

    let mut tab = anns_tab_again();
    tab.fetch("of nobody", 5);
    tab.pass(6_000);
    assert!(!tab.has());
    assert!(tab.stored.is_some(), "what is over was the guest's, not ann's");
    tab.pass(LATE_IDENTITY);
    assert!(tab.stored.is_none());
}

#[test]
fn rule_12_who_leaves_or_may_have_left_ends_the_wait_for_a_anns_tab_again() {
    let ends: [fn(&mut Tab); 3] = [|tab| tab.sign_out(SignOutOrigin::OtherTab), Tab::invalidate, Tab::may_have_left];
    for end in ends {
        let mut tab = anns_tab_again();
        tab.has();
        end(&mut tab);
        assert!(tab.stored.is_none());
        assert_eq!(tab.session.next_wake(), None);
        tab.person = Some("ann");
        assert!(!tab.has());
    }
}

#[test]
fn rule_12_where_nobody_can_sign_in_a_record_of_somebodys_is_removed_at_once() {
    let mut tab = tab_that_is_told_nothing(Cache::Session, livechat());
    tab.fetch("ann's", 3_600);
    tab.reload();
    tab.person = None;
    assert!(!tab.has());
    assert!(tab.stored.is_none());
    assert_eq!(tab.session.next_wake(), None);
}

#[test]
fn rule_12_no_handles_margin_removes_a_record_that_others_can_use() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.reload();
    tab.policy.margin = Some(2 * HOUR);
    assert!(!tab.has());
    tab.policy.margin = None;
    assert_eq!(in_hand(&tab.get()), "one");
}

#[test]
fn rule_12_a_record_that_seems_to_come_from_the_next_five_seconds_is_used() {
    for (ahead, is_used) in [(5_000, true), (5_001, false)] {
        let mut tab = Tab::new(Cache::Session);
        tab.fetch("one", 3_600);
        tab.reload();
        tab.now.wall -= ahead;
        assert_eq!(tab.has(), is_used);
    }
}

#[test]
fn rule_12_storage_is_not_read_for_who_comes_where_nothing_was_laid_aside() {
    let mut tab = Tab::new(Cache::Session);
    tab.person = None;
    tab.get();
    assert!(!tab.session.observe(Some("ann")));
}
