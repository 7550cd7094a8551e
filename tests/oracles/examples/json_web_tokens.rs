//! JWTs by example: how long they live by their own claims, what becomes of one that comes again, and of its record.

use custom_identity_provider::core::{
    COOL_DOWN_FIRST, Cache, ErrorCode, Event, JwtProfile, Kind, Moment, Policy, Reason, Rejection, Reply,
    RequestCounter, SignOutOrigin,
};
use serde_json::json;

use super::tab::Tab;
use super::{PLAIN, failed, given, is_missed, is_skewed, jwt_tab, raw, request, token};
use crate::stage::json::{finished, signed};
use crate::stage::{HOUR, MINUTE, SECOND, START, jwt_kind, livechat, settings, signed_jwt};

const WHOLE: Policy = Policy { margin: Some(0), ..PLAIN };

/// The shortest life that LivePerson's document names.
const SHORTEST: i64 = 7_200;

/// The last answer was refused because that token's life ended here before.
fn came_again(tab: &Tab) -> bool {
    let (_, failure) = tab.rejected.last().unwrap();
    tab.outcome() == failed(ErrorCode::BadAnswer)
        && !failure.retryable
        && failure.message.starts_with("the JWT's iat is wrong")
        && failure.message.contains("the service that signs it")
}

#[test]
fn rule_08_what_one_person_was_given_says_nothing_about_the_next() {
    let change: fn(&mut Tab) = |tab| tab.person = Some("bob");
    for leave in [change, |tab| tab.sign_out(SignOutOrigin::ThisTab), |tab| tab.sign_out(SignOutOrigin::OtherTab)] {
        let mut tab = jwt_tab(Cache::Memory);
        let issued = tab.now.wall;
        tab.fetch_answer(&signed("one", issued, HOUR));
        tab.pass(2 * HOUR);
        leave(&mut tab);
        tab.fetch_answer(&signed("two", issued - MINUTE, HOUR));
        assert_eq!(tab.outcome(), token("two"));
        assert!(tab.was_told(is_skewed), "nobody knows better than that a clock is off");
    }
}

#[test]
fn rule_10_a_jwt_lives_from_its_iat_until_its_exp() {
    let mut tab = jwt_tab(Cache::Memory);
    tab.fetch_jwt("one", 20 * MINUTE, HOUR);
    let event = Event::RequestSucceeded { request: 1, duration: 0, lifetime: HOUR, cached: true };
    assert!(tab.was_told(|told| *told == event) && !tab.was_told(is_skewed));
    tab.pass(40 * MINUTE - 30 * SECOND - 1);
    assert!(tab.has());
    tab.pass(1);
    assert!(!tab.has());
    tab.pass(30 * SECOND - 1);
    assert!(tab.has_under(&WHOLE));
    tab.pass(1);
    assert!(!tab.has_under(&WHOLE));
}

#[test]
fn rule_10_a_jwt_of_seven_seconds_and_a_fifth_works_and_is_refreshed() {
    let mut tab = jwt_tab(Cache::Session);
    for text in ["one", "two", "three"] {
        assert!(matches!(tab.get(), Reply::Wait(_)));
        assert_eq!(tab.latest().reason, Reason::Get);
        tab.answer(tab.latest(), &signed(text, tab.now.wall, SHORTEST));
        assert_eq!(tab.outcome(), token(text));
        // A tenth of its life is kept as margin.
        tab.pass(SHORTEST * 9 / 10 - 1);
        assert!(tab.has());
        tab.pass(1);
    }
    assert!(!tab.was_told(|event| matches!(event, Event::ShortLifetime { .. })), "it is meant so");
}

#[test]
fn rule_10_a_signers_clock_that_is_hours_off_costs_a_warning_and_no_life() {
    for age in [-3 * HOUR, -6 * SECOND, HOUR, 5 * HOUR] {
        let mut tab = jwt_tab(Cache::Memory);
        tab.fetch_jwt("one", age, HOUR);
        assert!(tab.was_told(is_skewed), "{age}");
        tab.pass(HOUR - 30 * SECOND - 1);
        assert!(tab.has(), "{age}");
        tab.pass(1);
        assert!(!tab.has(), "{age}");
        // Signed anew by the same clock, it lives as long again.
        tab.fetch_jwt("two", age, HOUR);
        assert_eq!(tab.outcome(), token("two"));
        tab.pass(HOUR - 30 * SECOND - 1);
        assert!(tab.has(), "{age}");
    }
}

#[test]
fn rule_10_a_jwt_s_remaining_life_is_never_stretched() {
    for (lifetime, margin) in [(HOUR, 30 * SECOND), (SHORTEST, SHORTEST / 10), (100 * SECOND, 10 * SECOND)] {
        for left in [margin + 1_000, margin, margin - 1, 1_000, 1] {
            let mut tab = jwt_tab(Cache::Session);
            tab.fetch_jwt("one", lifetime - left, lifetime);
            // Who waits for it gets it: an older one is better than none.
            assert_eq!(tab.outcome(), token("one"), "{left} of {lifetime}");
            assert!(!tab.was_told(is_skewed), "{left} of {lifetime}");
            assert_eq!(tab.has(), left > margin, "{left} of {lifetime}");
            assert!(tab.has_under(&WHOLE));
            tab.pass(left);
            assert!(!tab.has_under(&WHOLE), "{left} of {lifetime}");
            assert!(matches!(tab.get(), Reply::Wait(_)), "the next call asks for another");
        }
    }
}

#[test]
fn rule_10_a_jwt_whose_life_is_over_by_this_clock_is_a_skewed_clock_s() {
    for (age, expected) in [(HOUR - 1, false), (HOUR, true), (HOUR + 1, true)] {
        let mut tab = jwt_tab(Cache::Memory);
        tab.fetch_jwt("one", age, HOUR);
        assert_eq!(tab.was_told(is_skewed), expected, "{age}");
        assert_eq!(tab.has(), expected, "{age}");
    }
}

#[test]
fn rule_10_a_jwt_that_comes_again_in_its_life_lives_no_longer() {
    for age in [0, -3 * HOUR, 5 * HOUR] {
        let mut tab = jwt_tab(Cache::Memory);
        let one = signed("one", tab.now.wall - age, HOUR);
        tab.fetch_answer(&one);
        for _ in 0..3 {
            tab.pass(15 * MINUTE);
            tab.fetch_answer(&one);
            assert_eq!(tab.outcome(), token("one"));
        }
        tab.pass(15 * MINUTE - 1);
        assert!(tab.has_under(&WHOLE), "{age}");
        tab.pass(1);
        assert!(!tab.has_under(&WHOLE), "{age}");
    }
}

#[test]
fn rule_10_a_jwt_that_comes_again_after_its_life_is_a_bad_answer() {
    for age in [0, -3 * HOUR, 5 * HOUR] {
        for wait in [HOUR, HOUR + 1, 30 * HOUR] {
            let mut tab = jwt_tab(Cache::Memory);
            let one = signed("one", tab.now.wall - age, HOUR);
            tab.fetch_answer(&one);
            tab.pass(wait);
            tab.fetch_answer(&one);
            assert!(came_again(&tab), "{age} {wait}: {:?}", tab.outcome());
            assert!(!tab.has_under(&WHOLE));
            // It is no success, so that a broken service sees a bounded rate.
            assert!(matches!(tab.get(), Reply::Refuse(failure) if failure.code == ErrorCode::CoolingDown));
            tab.pass(2 * SECOND);
            tab.fetch_jwt("two", age, HOUR);
            assert_eq!(tab.outcome(), token("two"));
        }
    }
}

#[test]
fn rule_10_sixteen_jwts_are_recognised() {
    for (others, is_recognised) in [(0, true), (1, true), (15, true), (16, false)] {
        let mut tab = jwt_tab(Cache::Memory);
        let issued = tab.now.wall;
        let one = signed("one", issued, HOUR);
        tab.fetch_answer(&one);
        for other in 1..=others {
            tab.fetch_answer(&signed(&format!("another {other}"), issued + other, HOUR));
        }
        tab.pass(HOUR);
        tab.fetch_answer(&one);
        assert_eq!(tab.outcome() != token("one"), is_recognised, "{others}");
    }
}

#[test]
fn rule_10_one_that_comes_again_is_recognised_as_the_latest() {
    let mut tab = jwt_tab(Cache::Memory);
    let issued = tab.now.wall;
    let one = signed("one", issued, HOUR);
    tab.fetch_answer(&one);
    for other in 1..=30 {
        tab.fetch_answer(&signed(&format!("another {other}"), issued + other, HOUR));
        tab.fetch_answer(&one);
        assert_eq!(tab.outcome(), token("one"));
    }
    tab.pass(HOUR);
    tab.fetch_answer(&one);
    assert!(came_again(&tab));
}

#[test]
fn rule_10_another_jwt_is_bound_by_nothing_whenever_it_was_issued() {
    // A signer's clock is set right, or two replicas' clocks differ: that is no reason to refuse what they sign.
    for issued_later in [-2 * HOUR, -MINUTE, -1, 0, 1, MINUTE] {
        let mut tab = jwt_tab(Cache::Memory);
        let issued = tab.now.wall + 5 * HOUR;
        tab.fetch_answer(&signed("one", issued, MINUTE));
        tab.pass(2 * MINUTE);
        tab.fetch_answer(&signed("two", issued + issued_later, HOUR));
        assert_eq!(tab.outcome(), token("two"), "{issued_later}");
        tab.pass(HOUR - 1);
        assert!(tab.has_under(&WHOLE), "{issued_later}");
        tab.pass(1);
        assert!(!tab.has_under(&WHOLE), "{issued_later}");
    }
}

#[test]
fn rule_10_once_it_came_again_after_a_reload_a_jwt_is_bound_by_both_clocks() {
    let mut tab = jwt_tab(Cache::Session);
    let one = signed("one", tab.now.wall, HOUR);
    tab.fetch_answer(&one);
    tab.reload();
    tab.fetch_answer(&one);
    tab.fetch_jwt("two", 0, HOUR);
    tab.now.monotonic += HOUR;
    tab.fetch_answer(&one);
    assert!(came_again(&tab), "{:?}", tab.outcome());
}

#[test]
fn rule_10_neither_clock_turned_back_nor_sleep_makes_a_jwt_young_that_comes_again() {
    let turned_back = |tab: &mut Tab| {
        tab.now.monotonic += HOUR;
        tab.now.wall -= 10 * HOUR;
    };
    let slept = |tab: &mut Tab| tab.now.wall += HOUR;
    for time_passes in [turned_back, slept] {
        let mut tab = jwt_tab(Cache::Memory);
        let one = signed("one", tab.now.wall, HOUR);
        tab.fetch_answer(&one);
        time_passes(&mut tab);
        tab.fetch_answer(&one);
        assert!(came_again(&tab), "{:?}", tab.outcome());
    }
}

#[test]
fn rule_10_invalidate_does_not_make_a_jwt_young() {
    let mut tab = jwt_tab(Cache::Session);
    let one = signed("one", tab.now.wall + 3 * HOUR, HOUR);
    tab.fetch_answer(&one);
    tab.pass(45 * MINUTE);
    tab.invalidate();
    tab.fetch_answer(&one);
    assert_eq!(tab.outcome(), token("one"));
    tab.pass(15 * MINUTE);
    assert!(!tab.has_under(&WHOLE));
    tab.invalidate();
    tab.fetch_answer(&one);
    assert!(came_again(&tab));
}

#[test]
fn rule_10_a_jwt_that_is_read_at_the_edge_of_its_claims() {
    // Fractions of a second count, and a year is the longest life.
    for (lifetime, is_right) in [(1, true), (365 * 24 * HOUR, true), (365 * 24 * HOUR + 1, false), (0, false)] {
        let mut tab = jwt_tab(Cache::Memory);
        tab.now = Moment { wall: 1_800_000_000_123, monotonic: 5 };
        tab.fetch_jwt("one", 0, lifetime);
        assert_eq!(tab.outcome() == token("one"), is_right, "{lifetime}");
        if is_right {
            assert!(tab.has_under(&WHOLE));
            tab.pass(lifetime - 1);
            assert!(tab.has_under(&WHOLE));
            tab.pass(1);
            assert!(!tab.has_under(&WHOLE));
        }
    }
}

#[test]
fn rule_10_a_jwts_lifetime_is_exp_minus_iat_counted_locally_when_the_clocks_disagree() {
    for (issued, expected) in [
        (START - 60_000, (HOUR - 60_000, false)),
        (START, (HOUR, false)),
        // A signer whose clock is ahead, and one whose clock is so far behind that the token looks expired.
        (START + 24 * HOUR, (HOUR, true)),
        (START - 24 * HOUR, (HOUR, true)),
    ] {
        let mut tab = jwt_tab(Cache::Memory);
        assert_eq!(given(&mut tab, &signed("one", issued, HOUR)).unwrap(), expected);
        assert!(tab.has(), "it is not asked for again");
    }
}

#[test]
fn rule_10_a_jwt_of_7_2_seconds_is_used_and_then_refreshed() {
    let mut tab = jwt_tab(Cache::Memory);
    let claims = json!({ "token": "short", "parts": 3, "alg": "RS256", "iat": START / 1_000, "exp": START as f64 / 1_000.0 + 7.2 });
    let (remaining, _) = given(&mut tab, &claims).unwrap();
    assert!((7_199..=7_200).contains(&remaining), "{remaining}");
    tab.pass(6_000);
    assert!(matches!(tab.get(), Reply::Token(_)));
    tab.pass(1_000);
    request(&tab.get());
}

#[test]
fn rule_10_a_wrong_jwt_says_what_is_wrong_and_who_has_to_mend_it() {
    let seconds = START / 1_000;
    for (field, value, named) in [
        ("exp", json!(seconds.to_string()), "exp"),
        ("exp", json!(START + HOUR), "milliseconds"),
        ("exp", json!(seconds - 1), "a time after iat"),
        ("exp", json!(seconds), "a time after iat"),
        ("exp", json!(seconds + 400 * 86_400), "within a year"),
        ("exp", json!(null), "exp"),
        ("iat", json!(START), "milliseconds"),
        ("iat", json!("now"), "iat"),
        ("iat", json!(0), "iat"),
        ("iat", json!(-5), "iat"),
        ("parts", json!(2), "header, claims and signature"),
        ("parts", json!(5), "header, claims and signature"),
        ("alg", json!("none"), "RS256"),
        ("alg", json!("HS256"), "RS256"),
        ("alg", json!(null), "RS256"),
    ] {
        let mut wrong = signed("a secret", START, HOUR);
        wrong[field] = value.clone();
        let failure = given(&mut jwt_tab(Cache::Memory), &wrong).unwrap_err();
        assert_eq!(failure.code, ErrorCode::BadAnswer, "{field}: {value}");
        assert!(failure.message.contains(named), "{}", failure.message);
        let subject = if field == "parts" { "form" } else { field };
        assert!(failure.message.starts_with(&format!("the JWT's {subject} is wrong")), "{}", failure.message);
        assert!(failure.message.contains("mended in the service that signs it"), "{}", failure.message);
        assert!(!failure.message.contains("a secret"));
    }
    for no_jwt in [json!({}), json!({ "token": 5 }), json!({ "token": null }), json!(5)] {
        let failure = given(&mut jwt_tab(Cache::Memory), &no_jwt).unwrap_err();
        assert_eq!(failure.code, ErrorCode::BadAnswer);
        assert!(failure.message.contains("JWT"), "{}", failure.message);
    }
}

#[test]
fn rule_10_an_encrypted_jwt_is_taken_where_the_vendor_can_decrypt() {
    let mut encrypted = signed("encrypted", START, HOUR);
    encrypted["parts"] = json!(5);
    assert!(given(&mut jwt_tab(Cache::Memory), &encrypted.clone()).is_err());
    let mut tab = Tab::with(settings(Cache::Memory, jwt_kind(true)));
    assert!(given(&mut tab, &encrypted.clone()).is_err(), "RS256 is no way to encrypt");
    encrypted["alg"] = json!("RSA-OAEP-256");
    tab.pass(COOL_DOWN_FIRST);
    assert_eq!(given(&mut tab, &encrypted).unwrap(), (HOUR - COOL_DOWN_FIRST, false));
}

#[test]
fn rule_10_a_jwt_that_comes_again_does_not_live_twice() {
    // Whatever the signer's clock says.
    for issued in [START, START - 24 * HOUR, START + 24 * HOUR] {
        let mut tab = jwt_tab(Cache::None);
        assert_eq!(given(&mut tab, &signed("one", issued, HOUR)).unwrap().0, HOUR);
        tab.pass(HOUR / 2);
        assert_eq!(given(&mut tab, &signed("one", issued, HOUR)).unwrap().0, HOUR / 2);
        // Also not after others.
        for other in 0..15 {
            given(&mut tab, &signed(&other.to_string(), issued + other, HOUR)).unwrap();
        }
        tab.pass(HOUR / 2);
        let failure = given(&mut tab, &signed("one", issued, HOUR)).unwrap_err();
        assert_eq!(failure.code, ErrorCode::BadAnswer);
        assert!(failure.message.contains("whose life ended here"), "{}", failure.message);
        tab.pass(COOL_DOWN_FIRST);
        // Another one lives what it says.
        let (remaining, is_skewed) = given(&mut tab, &signed("two", issued + HOUR, HOUR)).unwrap();
        assert_eq!(remaining, if is_skewed { HOUR } else { HOUR - COOL_DOWN_FIRST });
    }
}

#[test]
fn rule_10_a_signer_whose_clock_was_set_right_is_believed() {
    // Also after a reload, which finds the old token's record.
    for reload in [false, true] {
        let mut tab = jwt_tab(Cache::Session);
        given(&mut tab, &signed("ahead", START + 2 * HOUR, HOUR)).unwrap();
        tab.pass(HOUR);
        if reload {
            tab.reload();
        }
        assert_eq!(given(&mut tab, &signed("right", START + HOUR, HOUR)).unwrap(), (HOUR, false));
    }
}

#[test]
fn rule_10_a_clock_turned_back_does_not_give_a_jwt_that_comes_again_another_life() {
    let mut tab = jwt_tab(Cache::Memory);
    given(&mut tab, &signed("one", START, HOUR)).unwrap();
    tab.pass(HOUR / 2);
    tab.now.wall = START;
    assert_eq!(given(&mut tab, &signed("one", START, HOUR)).unwrap().0, HOUR / 2);
    tab.pass(HOUR / 2);
    assert!(!tab.has());
}

#[test]
fn rule_10_a_reload_does_not_give_a_jwt_another_life() {
    let mut tab = jwt_tab(Cache::Session);
    given(&mut tab, &signed("one", START - 24 * HOUR, HOUR)).unwrap();
    tab.pass(HOUR / 2);
    tab.reload();
    assert!(tab.has(), "the record is used");
    assert_eq!(given(&mut tab, &signed("one", START - 24 * HOUR, HOUR)).unwrap().0, HOUR / 2);
    tab.now.wall += HOUR;
    tab.reload();
    let failure = given(&mut tab, &signed("one", START - 24 * HOUR, HOUR)).unwrap_err();
    assert!(failure.message.contains("whose life ended here"), "{}", failure.message);
}

#[test]
fn rule_10_a_jwt_that_comes_again_within_its_margin_is_handed_out() {
    let mut tab = jwt_tab(Cache::Memory);
    given(&mut tab, &signed("one", START, HOUR)).unwrap();
    tab.pass(HOUR - 10_000);
    assert_eq!(given(&mut tab, &signed("one", START, HOUR)).unwrap().0, 10_000);
}

#[test]
fn rule_10_each_jwt_that_comes_again_is_recognised() {
    let mut tab = jwt_tab(Cache::None);
    for number in 0..3 {
        given(&mut tab, &signed(&number.to_string(), START, HOUR)).unwrap();
    }
    tab.pass(HOUR / 2);
    tab.now.wall -= HOUR / 2;
    for number in 0..3 {
        assert_eq!(given(&mut tab, &signed(&number.to_string(), START, HOUR)).unwrap().0, HOUR / 2);
    }
}

#[test]
fn rule_11_a_refresh_ahead_that_brings_a_dead_jwt_again_costs_an_event() {
    let eager = Policy { refresh_ahead: 10 * MINUTE, ..PLAIN };
    let mut tab = jwt_tab(Cache::Memory);
    let old = signed("old", tab.now.wall - 50 * MINUTE, HOUR);
    tab.fetch_answer(&old);
    tab.fetch_jwt("one", 0, HOUR);
    tab.pass(55 * MINUTE);
    assert!(matches!(tab.get_under(&eager), Reply::Token(_)));
    tab.answer(tab.latest(), &old);
    let is_failure = |event: &Event| {
        matches!(event, Event::RequestFailed { request: 3, code: ErrorCode::BadAnswer, demanded: false, .. })
    };
    assert!(tab.was_told(is_failure), "{:?}", tab.deeds);
    assert!(matches!(tab.get_under(&eager), Reply::Token(_)));
}

#[test]
fn rule_12_the_record_of_a_jwt_is_read_after_a_reload() {
    for (kind, encrypted) in [(false, false), (true, false), (true, true)] {
        let mut tab = Tab::with(settings(Cache::Session, jwt_kind(kind)));
        let mut one = signed("one", tab.now.wall + 3 * HOUR, HOUR);
        if encrypted {
            one["parts"] = json!(5);
            one["alg"] = json!("RSA-OAEP-256");
        }
        tab.fetch_answer(&one);
        let names: Vec<&String> = tab.stored.as_ref().unwrap().as_object().unwrap().keys().collect();
        assert_eq!(names, ["creationDate", "generation", "scope", "token", "version"]);
        tab.pass(10 * MINUTE);
        tab.reload();
        assert!(matches!(tab.get(), Reply::Token(_)));
        assert!(tab.was_told(|event| *event == Event::Restored { remaining: 50 * MINUTE - 30 * SECOND }));
        // Counted from when it was first here, not from a reload.
        tab.fetch_answer(&one);
        assert_eq!(tab.outcome(), token("one"));
        tab.pass(50 * MINUTE - 1);
        assert!(tab.has_under(&WHOLE));
        tab.pass(1);
        assert!(!tab.has_under(&WHOLE));
    }
}

#[test]
fn rule_12_a_jwt_whose_record_was_over_and_which_comes_again_after_the_reload_is_a_bad_answer() {
    for age in [0, -3 * HOUR, 5 * HOUR] {
        let mut tab = jwt_tab(Cache::Session);
        let one = signed("one", tab.now.wall - age, HOUR);
        tab.fetch_answer(&one);
        tab.pass(HOUR);
        tab.reload();
        assert!(!tab.has_under(&WHOLE));
        assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Expired }));
        assert_eq!(tab.stored, None);
        tab.fetch_answer(&one);
        assert!(came_again(&tab), "{age}: {:?}", tab.outcome());
        tab.pass(2 * SECOND);
        tab.fetch_jwt("two", age, HOUR);
        assert_eq!(tab.outcome(), token("two"));
    }
}

#[test]
fn rule_12_a_record_that_is_no_jwts_is_a_miss_and_removed() {
    type Change = (&'static str, serde_json::Value);
    let claims = |name: &'static str, value: serde_json::Value| (true, (name, value));
    let record = |name: &'static str, value: serde_json::Value| (false, (name, value));
    let changes: Vec<((bool, Change), Rejection)> = vec![
        (record("version", json!(2)), Rejection::Version),
        (record("scope", json!("of another widget")), Rejection::Scope),
        (record("generation", json!("0")), Rejection::SignedOut),
        (record("creationDate", json!(null)), Rejection::Corrupt),
        (record("creationDate", json!(1_900_000_000_000_i64)), Rejection::Future),
        (record("creationDate", json!(1_700_000_000_000_i64)), Rejection::Expired),
        (record("token", json!(5)), Rejection::Corrupt),
        (record("token", json!("no JWT")), Rejection::Corrupt),
        (claims("parts", json!(2)), Rejection::Corrupt),
        (claims("parts", json!(5)), Rejection::Corrupt),
        (claims("alg", json!("none")), Rejection::Corrupt),
        (claims("iat", json!(null)), Rejection::Corrupt),
        (claims("exp", json!("1900000000")), Rejection::Corrupt),
        (claims("exp", json!(1)), Rejection::Corrupt),
    ];
    for ((is_claim, (name, value)), why) in changes {
        let mut tab = jwt_tab(Cache::Session);
        tab.fetch_jwt("one", 0, HOUR);
        tab.reload();
        let changed = if is_claim { &mut tab.jwts[0] } else { tab.stored.as_mut().unwrap() };
        changed[name] = value.clone();
        assert!(!tab.has(), "{name}: {value}");
        assert_eq!(tab.stored, None, "{name}: {value}");
        assert!(tab.was_told(|event| *event == Event::RecordRejected { why }), "{name}: {value}: {:?}", tab.deeds);
        assert!(matches!(tab.get(), Reply::Wait(_)));
    }
}

#[test]
fn rule_12_a_record_of_another_kind_is_a_miss_and_removed() {
    let jwts = jwt_kind(true);
    for (first, second) in
        [(livechat(), jwts.clone()), (jwts.clone(), livechat()), (jwts, Kind::Code), (livechat(), Kind::Code)]
    {
        let mut tab = Tab::with(settings(Cache::Session, first.clone()));
        match first {
            Kind::Token(_) => tab.fetch("one", 3_600),
            _ => tab.fetch_jwt("one", 0, HOUR),
        }
        assert!(tab.stored.is_some());
        tab.settings.kind = second;
        tab.settings.counter = RequestCounter::default();
        tab.reload();
        assert!(!tab.has());
        assert_eq!(tab.stored, None);
        assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Corrupt }));
    }
}

#[test]
fn rule_12_an_encrypted_jwts_record_is_no_record_for_a_vendor_that_cannot_decrypt() {
    let mut tab = Tab::with(settings(Cache::Session, jwt_kind(true)));
    let mut one = signed("one", tab.now.wall, HOUR);
    one["parts"] = json!(5);
    one["alg"] = json!("RSA-OAEP-256");
    tab.fetch_answer(&one);
    tab.settings.kind = signed_jwt();
    tab.reload();
    assert!(!tab.has());
    assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Corrupt }));
}

#[test]
fn rule_12_a_wrong_record_of_a_jwt_is_a_miss_and_removed() {
    for (field, value, why) in [
        ("token", json!(5), Rejection::Corrupt),
        ("parts", json!(2), Rejection::Corrupt),
        ("alg", json!("none"), Rejection::Corrupt),
        ("exp", json!("later"), Rejection::Corrupt),
        ("exp", json!(START / 1_000), Rejection::Corrupt),
        ("creationDate", json!("now"), Rejection::Corrupt),
        ("creationDate", json!(START + HOUR), Rejection::Future),
        ("creationDate", json!(START - 10 * HOUR), Rejection::Expired),
        ("scope", json!("another"), Rejection::Scope),
    ] {
        let mut tab = jwt_tab(Cache::Session);
        given(&mut tab, &signed("one", START, HOUR)).unwrap();
        is_missed(tab, field, value, why);
    }
}

#[test]
fn rule_21_what_is_wrong_with_a_jwt_is_named_and_who_mends_it() {
    let good = signed("Zq7-secret", 1_800_000_000_000, HOUR);
    let changed = |name: &str, value: serde_json::Value| {
        let mut answer = good.clone();
        answer[name] = value;
        answer
    };
    for (answer, named) in [
        (changed("parts", json!(2)), "the JWT's form is wrong: expected header, claims and signature"),
        (changed("parts", json!(1)), "the JWT's form is wrong"),
        (changed("parts", json!(4)), "the JWT's form is wrong"),
        (changed("parts", json!(5)), "the JWT's form is wrong"),
        (changed("alg", json!("none")), "the JWT's alg is wrong: expected RS256"),
        (changed("alg", json!("HS256")), "the JWT's alg is wrong: expected RS256"),
        (changed("alg", json!("rs256")), "the JWT's alg is wrong"),
        (changed("alg", json!(null)), "the JWT's alg is wrong"),
        (changed("iat", json!("1800000000")), "the JWT's iat is wrong: expected a number of seconds"),
        (changed("iat", json!(1_800_000_000_000_i64)), "the JWT's iat is wrong: expected seconds since 1970, not"),
        (changed("iat", json!(-5)), "the JWT's iat is wrong"),
        (changed("exp", json!("1800003600")), "the JWT's exp is wrong: expected a number of seconds"),
        (changed("exp", json!(1_800_003_600_000_i64)), "the JWT's exp is wrong: expected seconds since 1970, not"),
        (changed("exp", json!(null)), "the JWT's exp is wrong"),
        (changed("exp", json!(1_800_000_000)), "the JWT's exp is wrong: expected a time after iat"),
        (changed("exp", json!(1_799_999_999)), "the JWT's exp is wrong: expected a time after iat"),
        (changed("exp", json!(1_831_536_001)), "the JWT's exp is wrong: expected a time after iat, within a year"),
    ] {
        let mut tab = jwt_tab(Cache::Memory);
        tab.get();
        tab.answer(tab.latest(), &answer);
        assert_eq!(tab.outcomes(), [failed(ErrorCode::BadAnswer)], "{answer}");
        let message = &tab.rejected[0].1.message;
        assert!(message.starts_with(named), "{message}");
        assert!(message.ends_with("to be mended in the service that signs it"), "{message}");
        assert!(!message.contains("Zq7") && !message.contains("18000"), "{message}");
    }
    for (answer, named) in [
        (json!({}), "the answer's token is missing, expected a JWT"),
        (changed("token", json!(5)), "the answer's token is a number"),
        (raw("Zq7-secret", 3_600), "the answer's token is missing"),
        (finished("Zq7-secret", HOUR, 5), "the answer's token is missing"),
    ] {
        let mut tab = jwt_tab(Cache::Memory);
        tab.get();
        tab.answer(tab.latest(), &answer);
        assert!(tab.rejected[0].1.message.starts_with(named), "{}", tab.rejected[0].1.message);
    }
}

#[test]
fn rule_21_an_encrypted_jwt_is_for_vendors_that_can_decrypt() {
    for (may_be_encrypted, parts, alg, is_right) in [
        (true, 5, "RSA-OAEP-256", true),
        (true, 3, "RS256", true),
        (true, 5, "RSA-OAEP", false),
        (true, 5, "RS256", false),
        (true, 3, "RSA-OAEP-256", false),
        (true, 5, "dir", false),
        (false, 5, "RSA-OAEP-256", false),
    ] {
        let mut tab = Tab::with(settings(Cache::Memory, jwt_kind(may_be_encrypted)));
        let mut answer = signed("one", tab.now.wall, HOUR);
        answer["parts"] = json!(parts);
        answer["alg"] = json!(alg);
        tab.fetch_answer(&answer);
        let expected = if is_right { token("one") } else { failed(ErrorCode::BadAnswer) };
        assert_eq!(tab.outcome(), expected, "{may_be_encrypted} {parts} {alg}");
    }
}

#[test]
fn rule_21_which_algorithms_are_taken_and_which_claim_names_the_customer_is_the_vendors() {
    static VENDOR: JwtProfile = JwtProfile { signed: &["HS256", "HS512"], encrypted: &[], subject: "external_id" };
    for (alg, external_id) in [("HS256", json!("ann")), ("HS512", json!("ann")), ("HS384", json!("ann"))] {
        let mut tab = Tab::with(settings(Cache::Memory, Kind::Jwt(&VENDOR)));
        let mut answer = signed("one", tab.now.wall, HOUR);
        (answer["alg"], answer["external_id"]) = (json!(alg), external_id);
        tab.fetch_answer(&answer);
        if alg == "HS384" {
            assert_eq!(tab.outcome(), failed(ErrorCode::BadAnswer));
            assert!(tab.rejected[0].1.message.contains("alg is wrong: expected HS256 or HS512;"));
            continue;
        }
        assert_eq!(tab.outcome(), token("one"));
        // The claim sub is another's now, and the customer is the same.
        let mut other = signed("two", tab.now.wall, HOUR);
        (other["alg"], other["external_id"], other["sub"]) = (json!(alg), json!("ann"), json!("another"));
        tab.fresh();
        tab.answer(tab.latest(), &other);
        assert!(!tab.was_told(|event| matches!(event, Event::EntityChanged { .. })));
        other["token"] = json!("three");
        other["external_id"] = json!("grace");
        tab.fresh();
        tab.answer(tab.latest(), &other);
        assert!(tab.was_told(|event| matches!(event, Event::EntityChanged { .. })));
    }
}

#[test]
fn rule_22_another_subject_is_delivered_with_an_event() {
    let about = |text: &str, issued: i64, subject: Option<&str>| {
        let mut answer = signed(text, issued, HOUR);
        answer["sub"] = json!(subject);
        answer
    };
    let is_change = |event: &Event| matches!(event, Event::EntityChanged { .. });
    let mut tab = jwt_tab(Cache::Session);
    let now = tab.now.wall;
    for (answer, changed) in [
        (about("one", now, Some("a contact")), false),
        (about("two", now + 1, Some("a contact")), false),
        (about("three", now + 2, Some("another")), true),
        (about("four", now + 3, Some("another")), false),
        // One that comes again is compared with what came before it, too.
        (about("one", now, Some("a contact")), true),
        (about("four", now + 3, Some("another")), true),
        (about("nobody's", now + 4, None), false),
        (about("five", now + 5, Some("a contact")), false),
    ] {
        tab.deeds.clear();
        tab.fetch_answer(&answer);
        assert_eq!(tab.outcome(), token(answer["token"].as_str().unwrap()));
        assert_eq!(tab.was_told(is_change), changed, "{answer}");
    }
    // Also across a reload, even of a record whose life is over.
    for wait in [MINUTE, 2 * HOUR] {
        tab.fetch_jwt("six", 0, HOUR);
        tab.pass(wait);
        tab.reload();
        tab.fetch_answer(&about("seven", tab.now.wall, Some("another")));
        assert!(tab.was_told(is_change));
    }
}

#[test]
fn rule_22_another_subject_for_the_same_person_is_an_event() {
    let mut tab = jwt_tab(Cache::Memory);
    given(&mut tab, &signed("one", START, HOUR)).unwrap();
    let mut other = signed("two", START + 1_000, HOUR);
    other["sub"] = json!("another contact");
    given(&mut tab, &other).unwrap();
    assert!(tab.was_told(|event| matches!(event, Event::EntityChanged { .. })));
}
