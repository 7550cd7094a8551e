//! Rule 25 by example: when an answer may be given again without asking.

use std::rc::Rc;

use custom_identity_provider::core::{BURST, Cache, Caller, Grant, LATEST_TIMER, LEASE, Lease, Policy, Reply};

use super::tab::{PAGE, Tab};
use super::{EAGER, PLAIN, guests_tab, in_hand, refreshing_ahead, request};
use crate::stage::{HOUR, MINUTE, SECOND};

const MARGIN: i64 = 30 * SECOND;

fn grant(reply: Reply) -> Rc<Grant> {
    match reply {
        Reply::Token(grant) => grant,
        other => panic!("expected a token, got {other:?}"),
    }
}

/// A tab with a token for an hour, and the token.
fn holding() -> (Tab, Rc<Grant>) {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 3_600);
    let grant = grant(tab.get());
    (tab, grant)
}

/// What is lent when the last of a burst of calls was replied to with this token.
fn lent(tab: &mut Tab, policy: &Policy, person: Option<&str>, replied: &Rc<Grant>) -> Option<Lease> {
    let now = tab.now;
    (0..BURST).find_map(|_| tab.session.lease(now, policy, person, replied))
}

#[test]
fn rule_25_an_answer_is_lent_for_a_millisecond_of_the_wall_clock() {
    let (mut tab, grant) = holding();
    let from = tab.now.wall;
    assert_eq!(lent(&mut tab, &PLAIN, Some("ann"), &grant), Some(Lease { from, until: from + LEASE }));
}

#[test]
fn rule_25_single_calls_are_lent_nothing() {
    let (mut tab, grant) = holding();
    for pause in [2, 1_000, -1, 2] {
        tab.now.wall += pause;
        for call in 1..BURST {
            let now = tab.now;
            assert_eq!(tab.session.lease(now, &PLAIN, Some("ann"), &grant), None, "call {call} after {pause} ms");
        }
    }
    for _ in 0..3 * BURST {
        tab.pass(2);
        let now = tab.now;
        assert_eq!(tab.session.lease(now, &PLAIN, Some("ann"), &grant), None, "a call every two milliseconds");
    }
}

#[test]
fn rule_25_nothing_is_lent_to_somebody_else() {
    let (mut tab, grant) = holding();
    assert_eq!(lent(&mut tab, &PLAIN, Some("bob"), &grant), None);
    assert_eq!(lent(&mut tab, &PLAIN, None, &grant), None);
}

#[test]
fn rule_25_a_guests_token_is_lent_to_guests_alone() {
    let mut tab = guests_tab(Cache::Memory);
    tab.fetch("a guest's", 3_600);
    let grant = grant(tab.get());
    assert_eq!(lent(&mut tab, &PLAIN, Some("ann"), &grant), None);
    assert!(lent(&mut tab, &PLAIN, None, &grant).is_some());
}

#[test]
fn rule_25_a_token_that_was_forgotten_or_replaced_meanwhile_is_not_lent() {
    let (mut tab, one) = holding();
    tab.invalidate();
    assert_eq!(lent(&mut tab, &PLAIN, Some("ann"), &one), None);
    tab.fetch("two", 3_600);
    assert_eq!(lent(&mut tab, &PLAIN, Some("ann"), &one), None);
    let two = grant(tab.get());
    assert!(lent(&mut tab, &PLAIN, Some("ann"), &two).is_some());
}

#[test]
fn rule_25_nothing_is_lent_while_a_fresh_token_is_awaited() {
    let (mut tab, grant) = holding();
    request(&tab.fresh());
    assert_eq!(lent(&mut tab, &PLAIN, Some("ann"), &grant), None);
    tab.invalidate();
    tab.fetch("two", 3_600);
    let two = self::grant(tab.get());
    assert!(lent(&mut tab, &PLAIN, Some("ann"), &two).is_some(), "a request of an older epoch keeps nobody waiting");
}

#[test]
fn rule_25_nothing_is_lent_where_its_end_is_nearer_than_a_timer_may_be_late() {
    let enough = LEASE + LATEST_TIMER;
    let policies = [(PLAIN, MARGIN), (Policy { margin: Some(0), ..PLAIN }, 0), (EAGER, MARGIN + 10 * MINUTE)];
    for (policy, end) in policies {
        let (mut tab, grant) = holding();
        tab.pass(HOUR - end - enough - 1);
        assert!(lent(&mut tab, &policy, Some("ann"), &grant).is_some(), "{policy:?}");
        tab.now.wall -= HOUR;
        tab.now.monotonic += 1;
        assert_eq!(lent(&mut tab, &policy, Some("ann"), &grant), None, "by the monotonic clock: {policy:?}");
        tab.now.wall += HOUR;
        tab.now.monotonic -= HOUR / 2;
        assert!(lent(&mut tab, &policy, Some("ann"), &grant).is_some(), "{policy:?}");
        tab.now.wall += 1;
        assert_eq!(lent(&mut tab, &policy, Some("ann"), &grant), None, "by the wall clock: {policy:?}");
    }
}

#[test]
fn rule_25_nothing_is_lent_in_the_last_stretch_though_a_refresh_ahead_runs_already() {
    let mut tab = refreshing_ahead();
    let policy = tab.policy;
    let grant = grant(tab.get());
    assert_eq!(lent(&mut tab, &policy, Some("ann"), &grant), None);
    assert!(lent(&mut tab, &PLAIN, Some("ann"), &grant).is_some(), "to who refreshes nothing it is");
}

#[test]
fn rule_25_what_is_lent_ends_with_whatever_the_session_is_told() {
    let (mut tab, _) = holding();
    let person = Some("ann");
    let caller = Caller(PAGE);
    assert_eq!(in_hand(&tab.get()), "one");
    assert!(tab.lent_to(caller, &PLAIN, person, tab.now).is_some());
    assert!(tab.lent_to(caller, &EAGER, person, tab.now).is_none(), "by other rules");
    assert!(tab.lent_to(caller, &PLAIN, Some("bob"), tab.now).is_none());
    tab.invalidate();
    assert!(tab.lent_to(caller, &PLAIN, person, tab.now).is_none());
}
