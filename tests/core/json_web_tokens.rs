//! JWTs by example: how long they live by their own claims, what becomes of one that comes again, and of its record.

use custom_identity_provider::core::{
    Cache, Code, Event, Kind, Moment, Policy, Reason, Rejection, Reply, RequestCounter, SignOutOrigin,
};
use serde_json::json;

use crate::tab::{HOUR, MINUTE, Outcome, SECOND, Tab, finished, raw, settings, signed};

const PLAIN: Policy = Policy { margin: None, refresh_ahead: 0, timeout: 10_000, patience: 30_000 };
const WHOLE: Policy = Policy { margin: Some(0), ..PLAIN };

/// The shortest life that LivePerson's document names.
const SHORTEST: i64 = 7_200;

fn tab(cache: Cache) -> Tab {
    Tab::with(settings(cache, Kind::Jwt { may_be_encrypted: false }))
}

fn token(text: &str) -> Option<Outcome> {
    Some(Outcome::Token(text.to_owned()))
}

fn failed(code: Code) -> Option<Outcome> {
    Some(Outcome::Failed(code))
}

fn is_skewed(event: &Event) -> bool {
    matches!(event, Event::ClockSkew { .. })
}

/// The last answer was refused because that token's life ended here before.
fn came_again(tab: &Tab) -> bool {
    let failure = tab.failures.last().unwrap();
    tab.outcome() == failed(Code::BadAnswer)
        && !failure.retryable
        && failure.message.starts_with("the JWT's iat is wrong")
        && failure.message.contains("the service that signs it")
}

#[test]
fn rule_10_a_jwt_lives_from_its_iat_until_its_exp() {
    let mut tab = tab(Cache::Memory);
    tab.fetch_jwt("one", 20 * MINUTE, HOUR);
    let event = Event::RequestSucceeded { request: 1, duration: 0, lifetime: HOUR, cached: true };
    assert!(tab.was_told(|told| *told == event) && !tab.was_told(is_skewed));
    tab.pass(40 * MINUTE - 30 * SECOND - 1);
    assert!(tab.has(&PLAIN));
    tab.pass(1);
    assert!(!tab.has(&PLAIN));
    tab.pass(30 * SECOND - 1);
    assert!(tab.has(&WHOLE));
    tab.pass(1);
    assert!(!tab.has(&WHOLE));
}

#[test]
fn rule_10_a_jwt_of_seven_seconds_and_a_fifth_works_and_is_refreshed() {
    let mut tab = tab(Cache::Session);
    for text in ["one", "two", "three"] {
        assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
        assert_eq!(tab.latest().reason, Reason::Get);
        tab.answer(tab.latest(), &signed(text, tab.now.wall, SHORTEST));
        assert_eq!(tab.outcome(), token(text));
        // A tenth of its life is kept as margin.
        tab.pass(SHORTEST * 9 / 10 - 1);
        assert!(tab.has(&PLAIN));
        tab.pass(1);
    }
    assert!(!tab.was_told(|event| matches!(event, Event::ShortLifetime { .. })), "it is meant so");
}

#[test]
fn rule_10_a_signers_clock_that_is_hours_off_costs_a_warning_and_no_life() {
    for age in [-3 * HOUR, -6 * SECOND, HOUR, 5 * HOUR] {
        let mut tab = tab(Cache::Memory);
        tab.fetch_jwt("one", age, HOUR);
        assert!(tab.was_told(is_skewed), "{age}");
        tab.pass(HOUR - 30 * SECOND - 1);
        assert!(tab.has(&PLAIN), "{age}");
        tab.pass(1);
        assert!(!tab.has(&PLAIN), "{age}");
        // Signed anew by the same clock, it lives as long again.
        tab.fetch_jwt("two", age, HOUR);
        assert_eq!(tab.outcome(), token("two"));
        tab.pass(HOUR - 30 * SECOND - 1);
        assert!(tab.has(&PLAIN), "{age}");
    }
}

#[test]
fn rule_10_a_jwt_s_remaining_life_is_never_stretched() {
    for (lifetime, margin) in [(HOUR, 30 * SECOND), (SHORTEST, SHORTEST / 10), (100 * SECOND, 10 * SECOND)] {
        for left in [margin + 1_000, margin, margin - 1, 1_000, 1] {
            let mut tab = tab(Cache::Session);
            tab.fetch_jwt("one", lifetime - left, lifetime);
            // Who waits for it gets it: an older one is better than none.
            assert_eq!(tab.outcome(), token("one"), "{left} of {lifetime}");
            assert!(!tab.was_told(is_skewed), "{left} of {lifetime}");
            assert_eq!(tab.has(&PLAIN), left > margin, "{left} of {lifetime}");
            assert!(tab.has(&WHOLE));
            tab.pass(left);
            assert!(!tab.has(&WHOLE), "{left} of {lifetime}");
            assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)), "the next call asks for another");
        }
    }
}

#[test]
fn rule_10_a_jwt_whose_life_is_over_by_this_clock_is_a_skewed_clock_s() {
    for (age, expected) in [(HOUR - 1, false), (HOUR, true), (HOUR + 1, true)] {
        let mut tab = tab(Cache::Memory);
        tab.fetch_jwt("one", age, HOUR);
        assert_eq!(tab.was_told(is_skewed), expected, "{age}");
        assert_eq!(tab.has(&PLAIN), expected, "{age}");
    }
}

#[test]
fn rule_10_a_jwt_that_comes_again_in_its_life_lives_no_longer() {
    for age in [0, -3 * HOUR, 5 * HOUR] {
        let mut tab = tab(Cache::Memory);
        let one = signed("one", tab.now.wall - age, HOUR);
        tab.fetch_answer(&one);
        for _ in 0..3 {
            tab.pass(15 * MINUTE);
            tab.fetch_answer(&one);
            assert_eq!(tab.outcome(), token("one"));
        }
        tab.pass(15 * MINUTE - 1);
        assert!(tab.has(&WHOLE), "{age}");
        tab.pass(1);
        assert!(!tab.has(&WHOLE), "{age}");
    }
}

#[test]
fn rule_10_a_jwt_that_comes_again_after_its_life_is_a_bad_answer() {
    for age in [0, -3 * HOUR, 5 * HOUR] {
        for wait in [HOUR, HOUR + 1, 30 * HOUR] {
            let mut tab = tab(Cache::Memory);
            let one = signed("one", tab.now.wall - age, HOUR);
            tab.fetch_answer(&one);
            tab.pass(wait);
            tab.fetch_answer(&one);
            assert!(came_again(&tab), "{age} {wait}: {:?}", tab.outcome());
            assert!(!tab.has(&WHOLE));
            // It is no success, so that a broken service sees a bounded rate.
            assert!(matches!(tab.get(&PLAIN), Reply::Refuse(failure) if failure.code == Code::CoolingDown));
            tab.pass(2 * SECOND);
            tab.fetch_jwt("two", age, HOUR);
            assert_eq!(tab.outcome(), token("two"));
        }
    }
}

#[test]
fn rule_10_sixteen_jwts_are_recognised() {
    for (others, is_recognised) in [(0, true), (1, true), (15, true), (16, false)] {
        let mut tab = tab(Cache::Memory);
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
    let mut tab = tab(Cache::Memory);
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
        let mut tab = tab(Cache::Memory);
        let issued = tab.now.wall + 5 * HOUR;
        tab.fetch_answer(&signed("one", issued, MINUTE));
        tab.pass(2 * MINUTE);
        tab.fetch_answer(&signed("two", issued + issued_later, HOUR));
        assert_eq!(tab.outcome(), token("two"), "{issued_later}");
        tab.pass(HOUR - 1);
        assert!(tab.has(&WHOLE), "{issued_later}");
        tab.pass(1);
        assert!(!tab.has(&WHOLE), "{issued_later}");
    }
}

#[test]
fn rule_10_once_it_came_again_after_a_reload_a_jwt_is_bound_by_both_clocks() {
    let mut tab = tab(Cache::Session);
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
        let mut tab = tab(Cache::Memory);
        let one = signed("one", tab.now.wall, HOUR);
        tab.fetch_answer(&one);
        time_passes(&mut tab);
        tab.fetch_answer(&one);
        assert!(came_again(&tab), "{:?}", tab.outcome());
    }
}

#[test]
fn rule_10_invalidate_does_not_make_a_jwt_young() {
    let mut tab = tab(Cache::Session);
    let one = signed("one", tab.now.wall + 3 * HOUR, HOUR);
    tab.fetch_answer(&one);
    tab.pass(45 * MINUTE);
    tab.invalidate();
    tab.fetch_answer(&one);
    assert_eq!(tab.outcome(), token("one"));
    tab.pass(15 * MINUTE);
    assert!(!tab.has(&WHOLE));
    tab.invalidate();
    tab.fetch_answer(&one);
    assert!(came_again(&tab));
}

#[test]
fn rule_08_what_one_person_was_given_says_nothing_about_the_next() {
    let change: fn(&mut Tab) = |tab| tab.person = Some("bob");
    for leave in [change, |tab| tab.sign_out(SignOutOrigin::ThisTab), |tab| tab.sign_out(SignOutOrigin::OtherTab)] {
        let mut tab = tab(Cache::Memory);
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
fn rule_11_a_refresh_ahead_that_brings_a_dead_jwt_again_costs_an_event() {
    let eager = Policy { refresh_ahead: 10 * MINUTE, ..PLAIN };
    let mut tab = tab(Cache::Memory);
    let old = signed("old", tab.now.wall - 50 * MINUTE, HOUR);
    tab.fetch_answer(&old);
    tab.fetch_jwt("one", 0, HOUR);
    tab.pass(55 * MINUTE);
    assert!(matches!(tab.get(&eager), Reply::Token(_)));
    tab.answer(tab.latest(), &old);
    let is_failure = |event: &Event| {
        matches!(event, Event::RequestFailed { request: 3, code: Code::BadAnswer, demanded: false, .. })
    };
    assert!(tab.was_told(is_failure), "{:?}", tab.deeds);
    assert!(matches!(tab.get(&eager), Reply::Token(_)));
}

#[test]
fn rule_12_the_record_of_a_jwt_is_read_after_a_reload() {
    for (kind, encrypted) in [(false, false), (true, false), (true, true)] {
        let mut tab = Tab::with(settings(Cache::Session, Kind::Jwt { may_be_encrypted: kind }));
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
        assert!(matches!(tab.get(&PLAIN), Reply::Token(_)));
        assert!(tab.was_told(|event| *event == Event::Restored { remaining: 50 * MINUTE - 30 * SECOND }));
        // Counted from when it was first here, not from a reload.
        tab.fetch_answer(&one);
        assert_eq!(tab.outcome(), token("one"));
        tab.pass(50 * MINUTE - 1);
        assert!(tab.has(&WHOLE));
        tab.pass(1);
        assert!(!tab.has(&WHOLE));
    }
}

#[test]
fn rule_12_a_jwt_whose_record_was_over_and_which_comes_again_after_the_reload_is_a_bad_answer() {
    for age in [0, -3 * HOUR, 5 * HOUR] {
        let mut tab = tab(Cache::Session);
        let one = signed("one", tab.now.wall - age, HOUR);
        tab.fetch_answer(&one);
        tab.pass(HOUR);
        tab.reload();
        assert!(!tab.has(&WHOLE));
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
        let mut tab = tab(Cache::Session);
        tab.fetch_jwt("one", 0, HOUR);
        tab.reload();
        let changed = if is_claim { &mut tab.jwts[0] } else { tab.stored.as_mut().unwrap() };
        changed[name] = value.clone();
        assert!(!tab.has(&PLAIN), "{name}: {value}");
        assert_eq!(tab.stored, None, "{name}: {value}");
        assert!(tab.was_told(|event| *event == Event::RecordRejected { why }), "{name}: {value}: {:?}", tab.deeds);
        assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
    }
}

#[test]
fn rule_12_a_record_of_another_kind_is_a_miss_and_removed() {
    let jwts = Kind::Jwt { may_be_encrypted: true };
    for (first, second) in [
        (crate::tab::livechat(), jwts.clone()),
        (jwts.clone(), crate::tab::livechat()),
        (jwts, Kind::Code),
        (crate::tab::livechat(), Kind::Code),
    ] {
        let mut tab = Tab::with(settings(Cache::Session, first.clone()));
        match first {
            Kind::Token(_) => tab.fetch("one", 3_600),
            _ => tab.fetch_jwt("one", 0, HOUR),
        }
        assert!(tab.stored.is_some());
        tab.settings.kind = second;
        tab.settings.counter = RequestCounter::default();
        tab.reload();
        assert!(!tab.has(&PLAIN));
        assert_eq!(tab.stored, None);
        assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Corrupt }));
    }
}

#[test]
fn rule_12_an_encrypted_jwts_record_is_no_record_for_a_vendor_that_cannot_decrypt() {
    let mut tab = Tab::with(settings(Cache::Session, Kind::Jwt { may_be_encrypted: true }));
    let mut one = signed("one", tab.now.wall, HOUR);
    one["parts"] = json!(5);
    one["alg"] = json!("RSA-OAEP-256");
    tab.fetch_answer(&one);
    tab.settings.kind = Kind::Jwt { may_be_encrypted: false };
    tab.reload();
    assert!(!tab.has(&PLAIN));
    assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Corrupt }));
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
        let mut tab = tab(Cache::Memory);
        tab.get(&PLAIN);
        tab.answer(tab.latest(), &answer);
        assert_eq!(tab.outcomes(), [failed(Code::BadAnswer)], "{answer}");
        let message = &tab.failures[0].message;
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
        let mut tab = tab(Cache::Memory);
        tab.get(&PLAIN);
        tab.answer(tab.latest(), &answer);
        assert!(tab.failures[0].message.starts_with(named), "{}", tab.failures[0].message);
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
        let mut tab = Tab::with(settings(Cache::Memory, Kind::Jwt { may_be_encrypted }));
        let mut answer = signed("one", tab.now.wall, HOUR);
        answer["parts"] = json!(parts);
        answer["alg"] = json!(alg);
        tab.fetch_answer(&answer);
        let expected = if is_right { token("one") } else { failed(Code::BadAnswer) };
        assert_eq!(tab.outcome(), expected, "{may_be_encrypted} {parts} {alg}");
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
    let mut tab = tab(Cache::Session);
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
fn rule_10_a_jwt_that_is_read_at_the_edge_of_its_claims() {
    // Fractions of a second count, and a year is the longest life.
    for (lifetime, is_right) in [(1, true), (365 * 24 * HOUR, true), (365 * 24 * HOUR + 1, false), (0, false)] {
        let mut tab = tab(Cache::Memory);
        tab.now = Moment { wall: 1_800_000_000_123, monotonic: 5 };
        tab.fetch_jwt("one", 0, lifetime);
        assert_eq!(tab.outcome() == token("one"), is_right, "{lifetime}");
        if is_right {
            assert!(tab.has(&WHOLE));
            tab.pass(lifetime - 1);
            assert!(tab.has(&WHOLE));
            tab.pass(1);
            assert!(!tab.has(&WHOLE));
        }
    }
}
