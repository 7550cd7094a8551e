//! Rule 10 by example: how long a token may be used, by both clocks.

use custom_identity_provider::core::{
    Answer, Cache, Event, LATE_IDENTITY, LONGEST_LIFETIME, Lifetime, Moment, Policy, Reply, Warning, backoff_ceiling,
    read_answer,
};
use serde_json::json;

use super::tab::Tab;
use super::{PLAIN, anns_tab_again, cached, finished_at, jwt_tab, raw, request, unavailable};
use crate::stage::json::{Json, finished, signed};
use crate::stage::{HOUR, MINUTE, SECOND, START, signed_jwt, token_of};

#[test]
fn rule_10_the_margin_is_thirty_seconds_or_a_tenth_unless_set() {
    for (lifetime, margin, usable) in
        [(3_600, None, 3_570), (100, None, 90), (3_600, Some(0), 3_600), (60, Some(60_000), 0)]
    {
        let policy = Policy { margin, ..PLAIN };
        let mut tab = Tab::new(Cache::Memory);
        tab.fetch("one", lifetime);
        tab.advance((usable * SECOND - 1).max(0));
        assert_eq!(tab.has_under(&policy), usable > 0);
        tab.advance(1);
        assert!(!tab.has_under(&policy));
    }
}

#[test]
fn rule_10_a_clock_turned_back_does_not_revive_a_token() {
    // msal#3206.
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.now.monotonic += HOUR;
    tab.now.wall += 3 * SECOND;
    assert!(!tab.has());
    assert_eq!(tab.stored, None);
    tab.reload();
    assert!(!tab.has());
}

#[test]
fn rule_10_sleep_does_not_stretch_a_token() {
    // msal#2921, auth0-spa-js#343: timers and the monotonic clock stand still while the machine sleeps.
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.now.wall += HOUR;
    assert!(!tab.has());
    tab.now.wall -= HOUR;
    assert!(!tab.has(), "gone for good");
    assert_eq!(tab.stored, None);
}

#[test]
fn rule_10_created_is_when_the_successful_attempt_was_sent() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    tab.fail(tab.latest(), unavailable());
    tab.pass(backoff_ceiling(1));
    tab.fail(tab.latest(), unavailable());
    let before = tab.attempts.len();
    while tab.attempts.len() == before {
        tab.pass(1);
    }
    let sent = tab.now.wall;
    tab.pass(4 * SECOND);
    tab.answer(tab.latest(), &raw("one", 3_600));
    let Reply::Token(grant) = tab.get() else { panic!("the token is in hand") };
    assert_eq!(token_of(&grant).creation_date, sent);
    assert_eq!(token_of(&grant).expires_in, HOUR);
}

#[test]
fn rule_10_a_skewed_clock_is_no_reason_to_ask_again() {
    // auth-js#926: a refresh at every call.
    for skew in [-2 * HOUR, 6 * SECOND, 5 * HOUR] {
        let mut tab = Tab::new(Cache::Memory);
        tab.get();
        tab.answer(tab.latest(), &finished("one", HOUR, tab.now.wall + skew));
        assert!(tab.was_told(|event| *event == Event::ClockSkew { request: 1 }));
        assert!(tab.has());
        tab.advance(HOUR - 30 * SECOND);
        assert!(!tab.has());
    }
}

#[test]
fn rule_10_an_age_that_is_plausible_is_believed_by_both_clocks() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    tab.answer(tab.latest(), &finished("one", HOUR, tab.now.wall - 20 * MINUTE));
    assert!(!tab.was_told(|event| matches!(event, Event::ClockSkew { .. })));
    tab.now.monotonic += 40 * MINUTE - 30 * SECOND - 1;
    assert!(tab.has());
    tab.now.monotonic += 1;
    assert!(!tab.has());
}

#[test]
fn rule_10_a_lifetime_of_nonsense_is_never_for_ever() {
    let now = Moment { wall: 1_800_000_000_000, monotonic: 0 };
    for expires_in in [i64::MIN, -1, 0, 366 * 24 * HOUR, i64::MAX] {
        for created in [now.wall, 0, i64::MIN, i64::MAX] {
            let lifetime = Lifetime { created, expires_in, created_monotonic: None };
            assert!(!lifetime.is_usable(now, None) && !lifetime.is_usable(now, Some(0)));
        }
    }
}

#[test]
fn rule_10_a_jwt_lives_from_iat_to_exp_counted_locally_when_the_clocks_disagree() {
    let now = Moment { wall: 1_800_000_000_000, monotonic: 9_000 };
    let of = |iat: i64, exp: i64| {
        let taken_apart = Json(json!({ "token": "a.b.c", "parts": 3, "alg": "RS256", "iat": iat, "exp": exp }));
        let read = read_answer(&Answer::Object(&taken_apart), &signed_jwt(), now, now);
        read.map(|(grant, warnings)| (grant.lifetime.created, grant.lifetime.expires_in, warnings))
    };
    assert_eq!(of(1_799_999_940, 1_800_003_540).unwrap(), (now.wall - MINUTE, HOUR, vec![]));
    for iat in [1_799_000_000, 1_800_009_000] {
        assert_eq!(of(iat, iat + 3_600).unwrap(), (now.wall, HOUR, vec![Warning::ClockSkew]));
    }
    for (iat, exp, claim) in
        [(2, 1, "exp"), (1, 1, "exp"), (1, 40_000_000, "exp"), (0, 5, "iat"), (1_800_000_000_000, 5, "iat")]
    {
        assert!(of(iat, exp).unwrap_err().message.starts_with(&format!("the JWT's {claim} is wrong")));
    }
}

#[test]
fn rule_10_a_token_of_thirty_days_lives_thirty_days() {
    // okta-auth-js: a timer of more than 2³¹ ms fires at once.
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 30 * 24 * 3_600);
    tab.pass(29 * 24 * HOUR);
    assert_eq!(cached(&tab.get()), Some("one"));
    tab.pass(24 * HOUR);
    assert!(!tab.has());
    let patient = Policy { timeout: 3_000_000_000, ..PLAIN };
    tab.get_under(&patient);
    assert_eq!(tab.session.next_wake(), Some(tab.now.monotonic + 3_000_000_000));
}

#[test]
fn rule_10_a_token_from_the_future_is_not_usable() {
    for (ahead, usable) in [(5 * SECOND, true), (5 * SECOND + 1, false)] {
        let mut tab = Tab::new(Cache::Memory);
        tab.fetch("one", 3_600);
        tab.now.wall -= ahead;
        assert_eq!(tab.has(), usable);
    }
}

#[test]
fn rule_10_a_token_made_while_it_was_asked_for_lives_from_when_it_was_asked_for() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    let sent = tab.now.wall;
    tab.pass(4 * SECOND);
    tab.answer(tab.latest(), &finished("one", HOUR, sent + 3 * SECOND));
    let Reply::Token(grant) = tab.get() else { panic!("the token is in hand") };
    assert_eq!(
        (grant.lifetime.created, grant.lifetime.created_monotonic),
        (sent, Some(tab.now.monotonic - 4 * SECOND))
    );
}

#[test]
fn rule_10_a_token_from_the_future_is_not_usable_beyond_five_seconds() {
    let at = |wall| Moment { wall, monotonic: 0 };
    let life = Lifetime { created: START, expires_in: HOUR, created_monotonic: None };
    assert!(life.is_usable(at(START - 5_000), None));
    assert!(!life.is_usable(at(START - 5_001), None));
}

#[test]
fn rule_10_nonsense_is_never_for_ever() {
    for expires_in in [0, -1, i64::MIN, i64::MAX, LONGEST_LIFETIME + 1] {
        let life = Lifetime { created: START, expires_in, created_monotonic: None };
        assert!(!life.is_usable(Moment { wall: START, monotonic: 0 }, None), "{expires_in}");
    }
}

#[test]
fn rule_10_a_fresh_token_that_looks_expired_is_a_skewed_clock() {
    for creation_date in [START - 10 * HOUR, START + HOUR] {
        let mut tab = Tab::new(Cache::Memory);
        tab.get();
        let attempt = tab.latest();
        let finished = json!({ "accessToken": "one", "entityId": "e", "expiresIn": HOUR, "tokenType": "Bearer", "creationDate": creation_date });
        tab.answer(attempt, &finished);
        assert_eq!(token_of(&tab.resolved[0].1).creation_date, START);
        assert!(tab.was_told(|event| matches!(event, Event::ClockSkew { .. })));
        assert!(tab.has(), "it is not asked for again");
    }
}

#[test]
fn rule_10_a_jwt_that_is_over_when_it_arrives_at_last_is_handed_out_as_any_token_is() {
    let mut tab = jwt_tab(Cache::Memory);
    request(&tab.get());
    let attempt = tab.latest();
    tab.pass(9_000);
    tab.answer(attempt, &signed("short", START + 1_000, 5_000));
    assert_eq!(tab.resolved.len(), 1);
    assert!(!tab.has());
}

#[test]
fn rule_10_a_timer_of_thirty_days_is_not_cut_short() {
    let mut tab = Tab::new(Cache::Memory);
    tab.policy.timeout = 30 * 24 * HOUR;
    tab.get();
    tab.pass(25 * 24 * HOUR);
    assert!(tab.rejected.is_empty());
    assert_eq!(tab.session.next_wake(), Some(tab.now.monotonic + 5 * 24 * HOUR));
}

#[test]
fn rule_10_a_guests_token_whose_life_is_over_is_not_stored_in_a_records_place() {
    let mut tab = anns_tab_again();
    tab.fetch("of nobody", 5);
    tab.pass(LATE_IDENTITY);
    assert!(tab.stored.is_none());
}

#[test]
fn rule_10_the_last_millisecond_of_a_record_counts() {
    for (left, is_there) in [(1, true), (0, false)] {
        let mut tab = Tab::new(Cache::Session);
        tab.fetch("one", 3_600);
        tab.pass(HOUR - left);
        tab.reload();
        tab.policy.margin = Some(0);
        assert_eq!(tab.has(), is_there);
        assert_eq!(tab.stored.is_some(), is_there);
    }
}

#[test]
fn rule_10_a_restored_token_lives_by_the_wall_clock_alone() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.reload();
    assert!(tab.has());
    tab.pass(HOUR / 2);
    tab.now.wall -= HOUR / 4;
    tab.policy.margin = Some(0);
    tab.pass(HOUR / 2 + HOUR / 4 - 1);
    assert!(tab.has(), "when this page began says nothing of it");
    tab.pass(1);
    assert!(!tab.has());
}

#[test]
fn rule_10_a_clock_that_differs_by_little_is_not_skewed() {
    let is_skewed = |tab: &Tab| tab.was_told(|event| matches!(event, Event::ClockSkew { .. }));
    assert!(!is_skewed(&finished_at(START + 5_000, HOUR)));
    assert!(is_skewed(&finished_at(START + 5_001, HOUR)));
    // One that arrives within its margin is handed out, and asked for again.
    assert!(!is_skewed(&finished_at(START - HOUR + 1, HOUR)));
    assert!(is_skewed(&finished_at(START - HOUR, HOUR)));
}
