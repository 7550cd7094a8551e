//! Each rule by example.

use custom_identity_provider::core::{
    AbortReason, Account, BACKOFF_FIRST, BACKOFF_FLOOR, COOL_DOWN_CEILING, COOL_DOWN_FIRST, Cache, Caller, Code, Event,
    FREE_REFUSALS, Failure, Kind, LATE_IDENTITY, LONGEST_LIFETIME, LONGEST_RETRY_AFTER, Lifetime, Moment, Policy,
    RECORD_VERSION, REFUSAL_PAUSE, Reading, Reason, Rejection, Reply, Settings, SignOutOrigin,
};
use serde_json::json;

use crate::stage::{HOUR, PAGE, START, Stage, jwt, livechat, raw, settings, taken_apart, token_of};

fn request(reply: &Reply) -> custom_identity_provider::core::RequestId {
    match reply {
        Reply::Wait(request) => *request,
        other => panic!("expected a request, got {other:?}"),
    }
}

fn token(reply: &Reply) -> String {
    match reply {
        Reply::Token(grant) => token_of(grant).access_token.clone(),
        other => panic!("expected a token, got {other:?}"),
    }
}

fn refusal(reply: Reply) -> Failure {
    match reply {
        Reply::Refuse(failure) => failure,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn unavailable() -> Failure {
    Failure::of_status(503, None)
}

#[test]
fn rule_01_get_token_joins_then_answers_from_the_cache_then_begins() {
    let mut stage = Stage::new(Cache::Memory);
    let first = request(&stage.get());
    assert_eq!(request(&stage.get()), first);
    let attempt = stage.last();
    stage.answer(attempt, raw("one", "entity", 3_600));
    assert_eq!(token(&stage.get()), "one");
    stage.pass(HOUR);
    assert_ne!(request(&stage.get()), first);
}

#[test]
fn rule_01_get_token_joins_a_fresh_request_although_a_token_is_usable() {
    let mut stage = Stage::new(Cache::Memory);
    stage.fetch("stale", 3_600);
    let fresh = request(&stage.fresh());
    assert_eq!(request(&stage.get()), fresh);
}

#[test]
fn rule_02_get_fresh_token_begins_whatever_is_cached_and_joins_what_runs() {
    let mut stage = Stage::new(Cache::Memory);
    stage.fetch("one", 3_600);
    let fresh = request(&stage.fresh());
    assert_eq!(stage.last().reason, Reason::Fresh);
    assert_eq!(request(&stage.fresh()), fresh);
    assert_eq!(stage.said.begins.len(), 2);
}

#[test]
fn rule_02_a_background_request_that_is_joined_becomes_demanded() {
    let mut stage = Stage::new(Cache::Memory);
    stage.policy.refresh_ahead = HOUR / 4;
    stage.fetch("one", 3_600);
    stage.pass(HOUR - HOUR / 4);
    assert_eq!(token(&stage.get()), "one");
    let ahead = stage.last();
    assert_eq!(ahead.reason, Reason::Ahead);
    assert_eq!(request(&stage.fresh()), ahead.request);
    assert_eq!(request(&stage.get()), ahead.request, "it is demanded now, so a usable token does not answer");
    stage.answer(ahead, raw("two", "entity", 3_600));
    assert_eq!(stage.said.resolved.len(), 2);
}

#[test]
fn rule_03_any_number_of_calls_make_one_request() {
    let mut stage = Stage::new(Cache::Session);
    for call in 0..100 {
        if call % 2 == 0 {
            stage.get()
        } else {
            stage.fresh()
        };
    }
    assert_eq!(stage.said.begins.len(), 1);
}

#[test]
fn rule_04_a_failure_rejects_who_waits_and_is_not_remembered() {
    let mut stage = Stage::new(Cache::Memory);
    let first = request(&stage.get());
    let attempt = stage.last();
    stage.fail(attempt, Failure::of_status(403, None));
    assert_eq!(stage.said.rejected[0].0, first);
    stage.pass(COOL_DOWN_FIRST);
    assert_ne!(request(&stage.get()), first);
}

#[test]
fn rule_04_a_usable_token_survives_a_failed_refresh() {
    let mut stage = Stage::new(Cache::Session);
    stage.fetch("one", 3_600);
    stage.fresh();
    let attempt = stage.last();
    stage.fail(attempt, Failure::of_status(400, None));
    assert_eq!(token(&stage.get()), "one");
    assert!(stage.stored.is_some());
}

#[test]
fn rule_05_an_answer_after_invalidate_reaches_who_waits_but_never_the_cache() {
    let mut stage = Stage::new(Cache::Session);
    let old = request(&stage.get());
    let attempt = stage.last();
    stage.invalidate();
    stage.answer(attempt, raw("late", "entity", 3_600));
    assert_eq!(stage.said.resolved[0].0, old);
    assert!(!stage.has());
    assert!(stage.stored.is_none());
    assert_ne!(request(&stage.get()), old);
}

#[test]
fn rule_05_an_older_epochs_request_is_not_joined_and_one_nobody_waits_for_is_aborted() {
    let mut stage = Stage::new(Cache::Memory);
    let old = request(&stage.get());
    stage.invalidate();
    assert_ne!(request(&stage.fresh()), old);

    let mut stage = Stage::new(Cache::Memory);
    stage.policy.refresh_ahead = HOUR;
    stage.fetch("one", 3_600);
    stage.pass(HOUR - HOUR / 3);
    stage.get();
    let ahead = stage.last();
    stage.invalidate();
    assert_eq!(stage.said.stops, [ahead.request]);
    assert!(stage.has_said(|event| matches!(event, Event::RequestAborted { why: AbortReason::Invalidated, .. })));
}

#[test]
fn rule_05_invalidate_forgets_memory_and_storage() {
    let mut stage = Stage::new(Cache::Session);
    stage.fetch("one", 3_600);
    assert!(stage.stored.is_some());
    stage.invalidate();
    assert!(stage.stored.is_none());
    assert!(!stage.has());
}

#[test]
fn rule_06_has_token_is_true_exactly_while_a_token_is_usable() {
    let mut stage = Stage::new(Cache::Memory);
    assert!(!stage.has());
    stage.fetch("one", 1_000);
    assert!(stage.has());
    stage.pass(1_000_000 - 30_000 - 1);
    assert!(stage.has());
    stage.pass(1);
    assert!(!stage.has());
}

#[test]
fn rule_07_sign_out_rejects_who_waits() {
    let mut stage = Stage::new(Cache::Session);
    let waiting = request(&stage.get());
    stage.sign_out(SignOutOrigin::OtherTab);
    assert_eq!(stage.said.rejected[0].0, waiting);
    assert_eq!(stage.said.rejected[0].1.code, Code::SignedOut);
    assert_eq!(stage.said.stops, [waiting]);
    let attempt = stage.last();
    stage.answer(attempt, raw("late", "entity", 3_600));
    assert!(stage.said.resolved.is_empty());
    assert!(!stage.has());
}

#[test]
fn rule_07_sign_out_also_ends_the_requests_of_older_epochs() {
    let mut stage = Stage::new(Cache::Memory);
    stage.get();
    stage.invalidate();
    stage.get();
    stage.sign_out(SignOutOrigin::ThisTab);
    assert_eq!(stage.said.rejected.len(), 2);
    assert_eq!(stage.session.next_wake(), None);
}

#[test]
fn rule_08_a_change_of_identity_forgets_aborts_and_rejects() {
    let mut stage = Stage::new(Cache::Session);
    stage.fetch("of ada", 3_600);
    let waiting = request(&stage.fresh());
    stage.identity = Some("grace".to_owned());
    let next = request(&stage.get());
    assert_ne!(next, waiting);
    assert_eq!(stage.said.rejected[0].1.code, Code::IdentityChanged);
    assert_eq!(stage.said.stops, [waiting]);
    assert!(stage.stored.is_none());
}

#[test]
fn rule_08_a_late_answer_never_reaches_the_next_person() {
    let mut stage = Stage::new(Cache::Session);
    stage.get();
    let of_ada = stage.last();
    // Nobody calls in between: the answer itself finds another person.
    stage.identity = None;
    stage.answer(of_ada, raw("of ada", "entity", 3_600));
    assert!(stage.said.resolved.is_empty());
    assert_eq!(stage.said.rejected[0].1.code, Code::IdentityChanged);
    assert!(stage.stored.is_none());
    // And back again: what was forgotten stays forgotten.
    stage.identity = Some("ada".to_owned());
    assert!(!stage.has());
}

#[test]
fn rule_08_another_persons_record_is_removed_unread() {
    let mut stage = Stage::new(Cache::Session);
    stage.fetch("of ada", 3_600);
    stage.reload();
    stage.identity = Some("grace".to_owned());
    request(&stage.get());
    assert!(stage.stored.is_none());
    assert!(stage.has_said(|event| *event == Event::RecordRejected { why: Rejection::Scope }));
}

#[test]
fn rule_08_nobody_is_a_person_of_their_own() {
    let mut stage = Stage::new(Cache::Session);
    stage.identity = None;
    stage.fetch("of nobody", 3_600);
    stage.identity = Some("ada".to_owned());
    assert!(!stage.has());
}

#[test]
fn rule_09_without_caching_every_call_begins_or_joins() {
    let mut stage = Stage::new(Cache::None);
    stage.fetch("one", 3_600);
    assert!(!stage.has());
    assert!(stage.stored.is_none());
    let second = request(&stage.get());
    assert_eq!(request(&stage.get()), second);
    stage.invalidate();
    assert_eq!(stage.said.forgotten, 0);
}

#[test]
fn rule_10_the_margin_is_thirty_seconds_or_a_tenth_unless_set() {
    let at = |elapsed| Moment { wall: START + elapsed, monotonic: elapsed };
    let hour = Lifetime::since_sent(at(0), HOUR);
    assert!(hour.is_usable(at(HOUR - 30_001), None));
    assert!(!hour.is_usable(at(HOUR - 30_000), None));
    assert!(hour.is_usable(at(HOUR - 30_000), Some(0)));
    let short = Lifetime::since_sent(at(0), 7_200);
    assert!(short.is_usable(at(0), None), "a token of 7.2 s works");
    assert!(short.is_usable(at(6_479), None));
    assert!(!short.is_usable(at(6_480), None));
}

#[test]
fn rule_10_a_clock_turned_back_does_not_revive_a_token() {
    let mut stage = Stage::new(Cache::Session);
    stage.fetch("one", 3_600);
    stage.pass(HOUR);
    stage.now.wall -= HOUR / 2;
    assert!(!stage.has(), "the monotonic clock knows better");
    stage.reload();
    assert!(!stage.has(), "and nothing is left to be restored");
}

#[test]
fn rule_10_sleep_does_not_stretch_a_token() {
    let mut stage = Stage::new(Cache::Memory);
    stage.fetch("one", 3_600);
    stage.now.wall += HOUR;
    assert!(!stage.has(), "the monotonic clock stood still, the wall clock did not");
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
fn rule_10_created_is_when_the_successful_attempt_was_sent() {
    let mut stage = Stage::new(Cache::Memory);
    stage.get();
    let first = stage.last();
    stage.fail(first, unavailable());
    stage.pass(1_000);
    let second = stage.last();
    assert_eq!(second.number, 2);
    let sent_before = stage.now.wall;
    stage.pass(3_000);
    stage.answer(second, raw("one", "entity", 3_600));
    let created = token_of(&stage.said.resolved[0].1).creation_date;
    assert!(created > START && created <= sent_before, "{created}");
}

#[test]
fn rule_10_a_fresh_token_that_looks_expired_is_a_skewed_clock() {
    for creation_date in [START - 10 * HOUR, START + HOUR] {
        let mut stage = Stage::new(Cache::Memory);
        stage.get();
        let attempt = stage.last();
        let finished = json!({ "accessToken": "one", "entityId": "e", "expiresIn": HOUR, "tokenType": "Bearer", "creationDate": creation_date });
        stage.answer(attempt, finished);
        assert_eq!(token_of(&stage.said.resolved[0].1).creation_date, START);
        assert!(stage.has_said(|event| matches!(event, Event::ClockSkew { .. })));
        assert!(stage.has(), "it is not asked for again");
    }
}

#[test]
fn rule_10_a_token_made_while_it_was_asked_for_lives_from_when_it_was_asked_for() {
    let mut stage = Stage::new(Cache::Memory);
    stage.get();
    let attempt = stage.last();
    stage.pass(3_000);
    let finished = json!({ "accessToken": "one", "entityId": "e", "expiresIn": HOUR, "tokenType": "Bearer", "creationDate": START + 2_000 });
    stage.answer(attempt, finished);
    assert_eq!(token_of(&stage.said.resolved[0].1).creation_date, START);
    assert!(!stage.has_said(|event| matches!(event, Event::ClockSkew { .. })));
}

/// What a session makes of a JWT that it asked for: how long it lives still and whether the clocks disagree, or the failure.
fn given(stage: &mut Stage, answer: serde_json::Value) -> Result<(i64, bool), Failure> {
    stage.said = crate::stage::Said::default();
    request(&stage.fresh());
    let attempt = stage.last();
    stage.answer(attempt, answer);
    match stage.said.rejected.pop() {
        Some((_, failure)) => Err(failure),
        None => {
            let is_skewed = stage.has_said(|event| matches!(event, Event::ClockSkew { .. }));
            Ok((stage.said.resolved[0].1.lifetime.remaining(stage.now, Some(0)), is_skewed))
        }
    }
}

fn jwt_stage(cache: Cache) -> Stage {
    Stage::with(settings(cache, jwt()))
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
        let mut stage = jwt_stage(Cache::Memory);
        assert_eq!(given(&mut stage, taken_apart("one", issued, HOUR)).unwrap(), expected);
        assert!(stage.has(), "it is not asked for again");
    }
}

#[test]
fn rule_10_a_jwt_of_7_2_seconds_is_used_and_then_refreshed() {
    let mut stage = jwt_stage(Cache::Memory);
    let claims = json!({ "token": "short", "parts": 3, "alg": "RS256", "iat": START / 1_000, "exp": START as f64 / 1_000.0 + 7.2 });
    let (remaining, _) = given(&mut stage, claims).unwrap();
    assert!((7_199..=7_200).contains(&remaining), "{remaining}");
    stage.pass(6_000);
    assert!(matches!(stage.get(), Reply::Token(_)));
    stage.pass(1_000);
    request(&stage.get());
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
        let mut wrong = taken_apart("a secret", START, HOUR);
        wrong[field] = value.clone();
        let failure = given(&mut jwt_stage(Cache::Memory), wrong).unwrap_err();
        assert_eq!(failure.code, Code::BadAnswer, "{field}: {value}");
        assert!(failure.message.contains(named), "{}", failure.message);
        let subject = if field == "parts" { "form" } else { field };
        assert!(failure.message.starts_with(&format!("the JWT's {subject} is wrong")), "{}", failure.message);
        assert!(failure.message.contains("mended in the service that signs it"), "{}", failure.message);
        assert!(!failure.message.contains("a secret"));
    }
    for no_jwt in [json!({}), json!({ "token": 5 }), json!({ "token": null }), json!(5)] {
        let failure = given(&mut jwt_stage(Cache::Memory), no_jwt).unwrap_err();
        assert_eq!(failure.code, Code::BadAnswer);
        assert!(failure.message.contains("JWT"), "{}", failure.message);
    }
}

#[test]
fn rule_10_an_encrypted_jwt_is_taken_where_the_vendor_can_decrypt() {
    let mut encrypted = taken_apart("encrypted", START, HOUR);
    encrypted["parts"] = json!(5);
    assert!(given(&mut jwt_stage(Cache::Memory), encrypted.clone()).is_err());
    let mut stage = Stage::with(settings(Cache::Memory, Kind::Jwt { may_be_encrypted: true }));
    assert!(given(&mut stage, encrypted.clone()).is_err(), "RS256 is no way to encrypt");
    encrypted["alg"] = json!("RSA-OAEP-256");
    stage.pass(COOL_DOWN_FIRST);
    assert_eq!(given(&mut stage, encrypted).unwrap(), (HOUR - COOL_DOWN_FIRST, false));
}

#[test]
fn rule_10_a_jwt_that_comes_again_does_not_live_twice() {
    // Whatever the signer's clock says.
    for issued in [START, START - 24 * HOUR, START + 24 * HOUR] {
        let mut stage = jwt_stage(Cache::None);
        assert_eq!(given(&mut stage, taken_apart("one", issued, HOUR)).unwrap().0, HOUR);
        stage.pass(HOUR / 2);
        assert_eq!(given(&mut stage, taken_apart("one", issued, HOUR)).unwrap().0, HOUR / 2);
        // Also not after others.
        for other in 0..15 {
            given(&mut stage, taken_apart(&other.to_string(), issued + other, HOUR)).unwrap();
        }
        stage.pass(HOUR / 2);
        let failure = given(&mut stage, taken_apart("one", issued, HOUR)).unwrap_err();
        assert_eq!(failure.code, Code::BadAnswer);
        assert!(failure.message.contains("whose life ended here"), "{}", failure.message);
        stage.pass(COOL_DOWN_FIRST);
        // Another one lives what it says.
        let (remaining, is_skewed) = given(&mut stage, taken_apart("two", issued + HOUR, HOUR)).unwrap();
        assert_eq!(remaining, if is_skewed { HOUR } else { HOUR - COOL_DOWN_FIRST });
    }
}

#[test]
fn rule_10_a_signer_whose_clock_was_set_right_is_believed() {
    // Also after a reload, which finds the old token's record.
    for reload in [false, true] {
        let mut stage = jwt_stage(Cache::Session);
        given(&mut stage, taken_apart("ahead", START + 2 * HOUR, HOUR)).unwrap();
        stage.pass(HOUR);
        if reload {
            stage.reload();
        }
        assert_eq!(given(&mut stage, taken_apart("right", START + HOUR, HOUR)).unwrap(), (HOUR, false));
    }
}

#[test]
fn rule_10_a_clock_turned_back_does_not_give_a_jwt_that_comes_again_another_life() {
    let mut stage = jwt_stage(Cache::Memory);
    given(&mut stage, taken_apart("one", START, HOUR)).unwrap();
    stage.pass(HOUR / 2);
    stage.now.wall = START;
    assert_eq!(given(&mut stage, taken_apart("one", START, HOUR)).unwrap().0, HOUR / 2);
    stage.pass(HOUR / 2);
    assert!(!stage.has());
}

#[test]
fn rule_10_a_reload_does_not_give_a_jwt_another_life() {
    let mut stage = jwt_stage(Cache::Session);
    given(&mut stage, taken_apart("one", START - 24 * HOUR, HOUR)).unwrap();
    stage.pass(HOUR / 2);
    stage.reload();
    assert!(stage.has(), "the record is used");
    assert_eq!(given(&mut stage, taken_apart("one", START - 24 * HOUR, HOUR)).unwrap().0, HOUR / 2);
    stage.now.wall += HOUR;
    stage.reload();
    let failure = given(&mut stage, taken_apart("one", START - 24 * HOUR, HOUR)).unwrap_err();
    assert!(failure.message.contains("whose life ended here"), "{}", failure.message);
}

#[test]
fn rule_10_a_jwt_that_is_over_when_it_arrives_at_last_is_handed_out_as_any_token_is() {
    let mut stage = jwt_stage(Cache::Memory);
    request(&stage.get());
    let attempt = stage.last();
    stage.pass(9_000);
    stage.answer(attempt, taken_apart("short", START + 1_000, 5_000));
    assert_eq!(stage.said.resolved.len(), 1);
    assert!(!stage.has());
}

/// The stored record with another value in this field is a miss, and removed.
fn is_missed(mut stage: Stage, field: &str, value: serde_json::Value, why: Rejection) {
    stage.stored.as_mut().unwrap()[field] = value;
    stage.reload();
    request(&stage.get());
    assert!(stage.stored.is_none(), "{field}");
    assert!(stage.has_said(|event| *event == Event::RecordRejected { why }), "{field}: {:?}", stage.said.events);
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
        let mut stage = jwt_stage(Cache::Session);
        given(&mut stage, taken_apart("one", START, HOUR)).unwrap();
        is_missed(stage, field, value, why);
    }
}

#[test]
fn rule_15_nothing_in_storage_is_a_code() {
    let mut stage = Stage::with(settings(Cache::Session, Kind::Code));
    stage.stored = Some(
        json!({ "version": RECORD_VERSION, "generation": "0", "scope": "scope of Some(\"ada\")", "creationDate": START,
                                "ssoKey": "a code", "redirect_uri": "https://liveperson.net" }),
    );
    request(&stage.get());
    assert!(stage.stored.is_none());
    assert!(stage.has_said(|event| *event == Event::RecordRejected { why: Rejection::Corrupt }));
}

#[test]
fn rule_22_another_subject_for_the_same_person_is_an_event() {
    let mut stage = jwt_stage(Cache::Memory);
    given(&mut stage, taken_apart("one", START, HOUR)).unwrap();
    let mut other = taken_apart("two", START + 1_000, HOUR);
    other["sub"] = json!("another contact");
    given(&mut stage, other).unwrap();
    assert!(stage.has_said(|event| matches!(event, Event::EntityChanged { .. })));
}

#[test]
fn rule_10_a_timer_of_thirty_days_is_not_cut_short() {
    let mut stage = Stage::new(Cache::Memory);
    stage.policy.timeout = 30 * 24 * HOUR;
    stage.get();
    stage.pass(25 * 24 * HOUR);
    assert!(stage.said.rejected.is_empty());
    assert_eq!(stage.session.next_wake(), Some(1_000 + 30 * 24 * HOUR));
}

#[test]
fn rule_11_refresh_ahead_answers_at_once_and_asks_once() {
    let mut stage = Stage::new(Cache::Memory);
    stage.policy.refresh_ahead = 5 * 60_000;
    stage.fetch("one", 3_600);
    stage.pass(HOUR - 30_000 - 5 * 60_000 - 1);
    stage.get();
    assert_eq!(stage.said.begins.len(), 1, "not yet in the last stretch");
    stage.pass(1);
    assert_eq!(token(&stage.get()), "one");
    assert_eq!(token(&stage.get()), "one");
    assert_eq!(stage.said.begins.len(), 2);
    let ahead = stage.last();
    stage.answer(ahead, raw("two", "entity", 3_600));
    assert_eq!(token(&stage.get()), "two");
}

#[test]
fn rule_11_a_failed_refresh_ahead_costs_nothing_but_an_event() {
    let mut stage = Stage::new(Cache::Session);
    stage.policy.refresh_ahead = 5 * 60_000;
    stage.fetch("one", 3_600);
    stage.pass(HOUR - 5 * 60_000);
    stage.get();
    let ahead = stage.last();
    stage.fail(ahead, Failure::of_status(403, None));
    assert!(stage.said.rejected.is_empty());
    assert!(stage.has_said(|event| matches!(event, Event::RequestFailed { demanded: false, .. })));
    assert_eq!(token(&stage.get()), "one");
    assert_eq!(stage.said.begins.len(), 2, "a broken backend is not asked in the background at every call");
    request(&stage.fresh());
}

#[test]
fn rule_11_a_token_shorter_than_the_setting_is_not_refreshed_at_every_call() {
    let mut stage = Stage::new(Cache::Memory);
    stage.policy.refresh_ahead = HOUR;
    stage.fetch("one", 600);
    stage.get();
    assert_eq!(stage.said.begins.len(), 1);
    stage.pass(300_000);
    stage.get();
    assert_eq!(stage.said.begins.len(), 2);
}

#[test]
fn rule_12_a_reload_is_answered_from_the_record() {
    let mut stage = Stage::new(Cache::Session);
    stage.fetch("one", 3_600);
    stage.pass(60_000);
    stage.reload();
    assert_eq!(token(&stage.get()), "one");
    assert!(stage.said.begins.is_empty());
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
        let mut stage = Stage::new(Cache::Session);
        stage.fetch("one", 3_600);
        is_missed(stage, field, value, why);
    }
}

#[test]
fn rule_13_each_attempt_has_a_deadline_and_the_request_gives_up_after_its_patience() {
    let mut stage = Stage::new(Cache::Memory);
    let waiting = request(&stage.get());
    stage.pass(10_000);
    assert_eq!(stage.said.stops, [waiting], "a silent attempt is aborted");
    stage.pass(20_000);
    assert_eq!(stage.said.rejected[0].1.code, Code::TimedOut);
    assert_eq!(stage.session.next_wake(), None);
}

#[test]
fn rule_13_what_may_pass_is_tried_again_and_what_does_not_is_not() {
    for status in [408, 429, 500, 503, 599] {
        let mut stage = Stage::new(Cache::Memory);
        stage.get();
        let attempt = stage.last();
        stage.fail(attempt, Failure::of_status(status, None));
        assert!(stage.said.rejected.is_empty(), "{status}");
        stage.pass(500);
        assert_eq!(stage.last().number, 2, "{status}");
    }
    for status in [400, 401, 403, 404, 413] {
        let mut stage = Stage::new(Cache::Memory);
        stage.get();
        let attempt = stage.last();
        stage.fail(attempt, Failure::of_status(status, None));
        assert_eq!(stage.said.rejected.len(), 1, "{status}");
        assert_eq!(stage.said.rejected[0].1.status, Some(status));
    }
}

#[test]
fn rule_13_retry_after_is_obeyed_also_when_the_network_returns() {
    let mut stage = Stage::new(Cache::Memory);
    stage.get();
    let attempt = stage.last();
    stage.fail(attempt, Failure::of_status(429, Some(7_000)));
    stage.online();
    stage.pass(6_999);
    assert_eq!(stage.said.begins.len(), 1);
    stage.pass(501);
    assert_eq!(stage.said.begins.len(), 2);
}

#[test]
fn rule_13_a_retry_after_beyond_the_patience_ends_the_request_and_lengthens_the_cool_down() {
    let mut stage = Stage::new(Cache::Memory);
    stage.get();
    let attempt = stage.last();
    stage.fail(attempt, Failure::of_status(503, Some(90_000)));
    assert_eq!(stage.said.rejected.len(), 1);
    assert_eq!(refusal(stage.get()).retry_after, Some(90_000));
}

#[test]
fn rule_13_a_network_that_returns_is_used_at_once() {
    let mut stage = Stage::new(Cache::Memory);
    stage.get();
    for number in 1..=5 {
        let attempt = stage.last();
        assert_eq!(attempt.number, number);
        stage.fail(attempt, Failure::passing(Code::Network, "no network"));
        stage.online();
    }
}

#[test]
fn rule_13_the_cool_down_grows_and_ends_with_a_success() {
    let mut stage = Stage::new(Cache::Memory);
    let mut length = COOL_DOWN_FIRST;
    for _ in 0..8 {
        request(&stage.fresh());
        let attempt = stage.last();
        stage.fail(attempt, Failure::of_status(403, None));
        let refused = refusal(stage.fresh());
        assert_eq!((refused.code, refused.retry_after), (Code::CoolingDown, Some(length)));
        stage.invalidate();
        assert_eq!(refusal(stage.get()).retry_after, Some(length), "invalidate is no way around it");
        stage.pass(length);
        length = (length * 2).min(COOL_DOWN_CEILING);
    }
    stage.fetch("one", 3_600);
    request(&stage.fresh());
}

#[test]
fn rule_13_the_network_the_sign_out_and_the_next_person_end_the_cool_down() {
    let ends: [fn(&mut Stage); 3] = [
        Stage::online,
        |stage| stage.sign_out(SignOutOrigin::ThisTab),
        |stage| stage.identity = Some("grace".to_owned()),
    ];
    for end in ends {
        let mut stage = Stage::new(Cache::Memory);
        stage.get();
        let attempt = stage.last();
        stage.fail(attempt, Failure::of_status(403, None));
        refusal(stage.get());
        end(&mut stage);
        request(&stage.get());
    }
}

#[test]
fn rule_13_an_exception_at_which_livechats_clients_stop_is_seen_again_in_the_cool_down() {
    for code in [Code::SsoIdentityException, Code::SsoOauthException] {
        let mut stage = Stage::new(Cache::Memory);
        stage.get();
        let attempt = stage.last();
        stage.fail(attempt, Failure::of_exception(code, "identity_lost".to_owned(), Some(401), None));
        let refused = refusal(stage.get());
        assert_eq!((refused.code, refused.message.as_ref()), (code, "identity_lost"));
        assert_eq!(refused.retry_after, Some(COOL_DOWN_FIRST));
    }
}

#[test]
fn rule_13_a_stopped_attempts_late_answer_changes_nothing() {
    let mut stage = Stage::new(Cache::Memory);
    stage.get();
    let first = stage.last();
    stage.pass(10_500);
    assert_eq!(stage.last().number, 2);
    stage.answer(first, raw("late", "entity", 3_600));
    stage.fail(first, Failure::of_status(403, None));
    assert!(stage.said.resolved.is_empty() && stage.said.rejected.is_empty());
}

#[test]
fn rule_15_single_use_codes_are_neither_cached_nor_shared() {
    let mut stage = Stage::with(settings(Cache::Memory, Kind::Code));
    let first = request(&stage.get());
    let second = request(&stage.get());
    assert_ne!(first, second);
    for attempt in stage.said.begins.clone() {
        stage.answer(attempt, json!("a code"));
    }
    assert!(!stage.has());
    assert_eq!(stage.said.resolved.len(), 2);
    assert_eq!(stage.said.stored, 0);
}

#[test]
fn rule_15_a_code_is_a_string_or_comes_with_its_address() {
    for (answer, wrong) in [
        (json!("123456"), None),
        (json!({ "ssoKey": "a code", "redirect_uri": "https://liveperson.net" }), None),
        (json!({ "ssoKey": "a code" }), Some("redirect_uri")),
        (json!({ "ssoKey": 5, "redirect_uri": "https://liveperson.net" }), Some("ssoKey")),
        (json!({ "ssoKey": "", "redirect_uri": "https://liveperson.net" }), Some("ssoKey")),
        (json!(""), Some("expected a code")),
        (json!(5), Some("expected a code")),
    ] {
        let mut stage = Stage::with(settings(Cache::None, Kind::Code));
        stage.get();
        let attempt = stage.last();
        stage.answer(attempt, answer.clone());
        match wrong {
            None => assert_eq!(stage.said.resolved.len(), 1, "{answer}"),
            Some(named) => {
                let failure = &stage.said.rejected[0].1;
                assert_eq!(failure.code, Code::BadAnswer, "{answer}");
                assert!(failure.message.contains(named), "{}", failure.message);
            }
        }
    }
}

#[test]
fn rule_13_nobody_signed_in_is_said_at_once_and_somebody_who_signs_in_is_not_kept_waiting() {
    for kind in [jwt(), Kind::Code] {
        let mut stage = Stage::with(settings(Cache::Memory, kind));
        stage.identity = None;
        assert_eq!(refusal(stage.get()).code, Code::NotSignedIn);
        assert_eq!(refusal(stage.fresh()).code, Code::NotSignedIn);
        assert!(stage.said.begins.is_empty(), "there is nothing to ask for");
        stage.identity = Some("ada".to_owned());
        request(&stage.get());
        let attempt = stage.last();
        stage.answer(attempt, json!(null));
        assert_eq!(stage.said.rejected[0].1.code, Code::NotSignedIn);
        request(&stage.get());
    }
}

/// Fails this many requests one after the other, each begun as soon as it may.
fn refuse(stage: &mut Stage, times: u32) {
    for _ in 0..times {
        request(&stage.get());
        let attempt = stage.last();
        stage.fail(attempt, Failure::of_status(401, None));
    }
}

#[test]
fn rule_27_who_is_refused_because_nobody_is_signed_in_is_served_at_once_and_who_asks_without_end_once_a_second() {
    let mut stage = Stage::new(Cache::Memory);
    refuse(&mut stage, FREE_REFUSALS + 1);
    let refused = refusal(stage.get());
    assert_eq!((refused.code, refused.retry_after), (Code::NotSignedIn, Some(REFUSAL_PAUSE)));
    stage.pass(REFUSAL_PAUSE - 1);
    assert_eq!(refusal(stage.fresh()).retry_after, Some(1));
    stage.pass(1);
    refuse(&mut stage, 1);
    assert_eq!(refusal(stage.get()).retry_after, Some(REFUSAL_PAUSE), "the pause does not grow");
    stage.pass(REFUSAL_PAUSE);
    stage.fetch("one", 60);
    stage.pass(HOUR);
    refuse(&mut stage, FREE_REFUSALS);
    request(&stage.get());
}

#[test]
fn rule_27_who_signs_in_is_served_at_once_however_often_nobody_was_refused() {
    let ways: [fn(&mut Stage); 3] = [Stage::signed_in, Stage::online, |stage| stage.identity = Some("ada".to_owned())];
    for comes in ways {
        let mut stage = Stage::new(Cache::Memory);
        stage.identity = None;
        refuse(&mut stage, FREE_REFUSALS + 1);
        refusal(stage.get());
        comes(&mut stage);
        request(&stage.get());
    }
}

#[test]
fn rule_27_who_waits_when_somebody_signs_in_waits_on_and_is_given_the_persons_token() {
    let mut stage = Stage::new(Cache::Memory);
    stage.identity = None;
    let waiting = request(&stage.get());
    let of_nobody = stage.last();
    stage.pass(9_000);
    stage.identity = Some("ada".to_owned());
    assert_eq!(request(&stage.get()), waiting);
    assert_eq!(stage.said.stops, [waiting]);
    let of_ada = stage.last();
    assert_eq!((of_ada.request, of_ada.number), (waiting, 2));
    assert_eq!(stage.said.asked_for.last().unwrap().1.as_deref(), Some("ada"));
    assert!(stage.has_said(|event| matches!(
        event,
        Event::RequestRetrying { code: Code::IdentityChanged, attempt: 1, delay: 0, .. }
    )));
    stage.answer(of_nobody, raw("of nobody", "entity", 3_600));
    assert!(stage.said.resolved.is_empty(), "a guest's token is never a customer's");
    assert_eq!(stage.session.next_wake(), Some(stage.now.monotonic + 10_000), "it has all its time again");
    stage.answer(of_ada, raw("of ada", "entity", 3_600));
    assert_eq!(token_of(&stage.said.resolved[0].1).access_token, "of ada");
    assert_eq!(token(&stage.get()), "of ada");
}

#[test]
fn rule_27_an_answer_itself_finds_that_somebody_signed_in() {
    let mut stage = Stage::new(Cache::Memory);
    stage.identity = None;
    let waiting = request(&stage.get());
    let of_nobody = stage.last();
    stage.identity = Some("ada".to_owned());
    stage.fail(of_nobody, Failure::of_status(401, None));
    assert!(stage.said.rejected.is_empty());
    let of_ada = stage.last();
    stage.answer(of_ada, raw("of ada", "entity", 3_600));
    assert_eq!(stage.said.resolved[0].0, waiting);
}

#[test]
fn rule_27_a_background_request_for_nobody_ends_when_somebody_signs_in() {
    let mut stage = Stage::new(Cache::Memory);
    stage.policy.refresh_ahead = HOUR;
    stage.identity = None;
    stage.fetch("of nobody", 3_600);
    stage.pass(HOUR - HOUR / 3);
    token(&stage.get());
    let ahead = stage.last();
    assert_eq!(ahead.reason, Reason::Ahead);
    stage.identity = Some("ada".to_owned());
    assert!(!stage.has());
    assert_eq!(stage.said.stops, [ahead.request]);
    assert_eq!(stage.said.dropped.last(), Some(&ahead.request));
}

const OTHER: Caller = Caller(2);

fn says(person: &str) -> Reading {
    Reading::Says(Some(person.to_owned()))
}

#[test]
fn rule_08_every_waiter_is_answered_by_its_own_identity() {
    let mut stage = Stage::new(Cache::Session);
    let shared = request(&stage.get());
    assert_eq!(request(&stage.get_as(OTHER)), shared);
    stage.says(OTHER, says("grace"));
    let attempt = stage.last();
    stage.answer(attempt, raw("of ada", "entity", 3_600));
    assert_eq!(stage.said.rejected[0].1.code, Code::IdentityChanged);
    assert_eq!(stage.said.resolved.len(), 1, "who still says ada has ada's token");
    assert!(stage.has_said(|event| matches!(event, Event::RequestSucceeded { cached: false, .. })));
    assert!(stage.stored.is_none());
    assert_eq!(stage.session.identity(), Some("grace"), "and then grace is there");
    assert!(!stage.has_as(OTHER).unwrap());
}

#[test]
fn rule_08_a_waiter_whose_identity_fails_is_refused_alone() {
    let mut stage = Stage::new(Cache::Session);
    stage.get();
    stage.get_as(OTHER);
    stage.says(OTHER, Reading::Failed);
    let attempt = stage.last();
    stage.answer(attempt, raw("of ada", "entity", 3_600));
    assert_eq!(stage.said.rejected.len(), 1);
    assert_eq!(stage.said.rejected[0].1.code, Code::BadIdentity);
    assert_eq!(stage.said.resolved.len(), 1);
    assert!(stage.stored.is_some(), "nobody said that somebody else is there");
}

#[test]
fn rule_08_where_nobody_knows_who_is_signed_in_a_request_ends_and_nothing_cools_down() {
    let mut stage = Stage::new(Cache::Memory);
    let waiting = request(&stage.get());
    stage.says(PAGE, Reading::Failed);
    let attempt = stage.last();
    stage.answer(attempt, raw("of ada", "entity", 3_600));
    assert_eq!(stage.said.rejected[0].1.code, Code::BadIdentity);
    assert_eq!(stage.said.dropped, [waiting]);
    assert!(
        stage.has_said(|event| matches!(event, Event::RequestFailed { code: Code::BadIdentity, demanded: true, .. }))
    );
    assert_eq!(stage.session.next_wake(), None);
    stage.says(PAGE, says("ada"));
    request(&stage.get());
}

#[test]
fn rule_18_who_joins_while_the_others_are_asked_who_is_signed_in_waits_on() {
    let mut stage = Stage::new(Cache::Memory);
    let shared = request(&stage.get());
    stage.says(PAGE, Reading::Failed);
    let attempt = stage.last();
    let readings = stage.readings(attempt).unwrap();
    // The identity that fails has called another handle before.
    assert_eq!(request(&stage.get_as(OTHER)), shared);
    stage.confirm(attempt, &readings);
    assert!(stage.said.dropped.is_empty());
    stage.tell_answer(attempt, raw("of ada", "entity", 3_600));
    assert_eq!(stage.said.resolved[0].0, shared);
}

#[test]
fn rule_08_a_failed_attempt_asks_too_and_who_waits_on_is_asked_again() {
    let mut stage = Stage::new(Cache::Session);
    stage.get();
    stage.get_as(OTHER);
    stage.says(OTHER, says("grace"));
    let first = stage.last();
    stage.fail(first, unavailable());
    assert_eq!(stage.said.rejected[0].1.code, Code::IdentityChanged);
    stage.pass(1_000);
    let second = stage.last();
    assert_eq!(second.number, 2);
    stage.answer(second, raw("of ada", "entity", 3_600));
    assert_eq!(stage.said.resolved.len(), 1);
    assert!(stage.stored.is_some(), "whoever said grace does not wait any longer");
}

#[test]
fn rule_08_an_aborted_attempt_is_heard_by_nobody_however_late_it_settles() {
    let mut stage = Stage::new(Cache::Memory);
    stage.get();
    let dead = stage.last();
    stage.sign_out(SignOutOrigin::OtherTab);
    stage.identity = Some("grace".to_owned());
    let of_grace = request(&stage.get_as(OTHER));
    assert_eq!(stage.readings(dead), None, "the old handle's identity is not read");
    stage.says(PAGE, says("ada"));
    stage.answer(dead, raw("of ada", "entity", 3_600));
    let attempt = stage.last();
    stage.answer(attempt, raw("of grace", "entity", 3_600));
    assert_eq!(stage.said.resolved.iter().map(|(request, _)| *request).collect::<Vec<_>>(), [of_grace]);
}

/// Ada's record, found by a page that does not know yet who is signed in.
fn late_identity() -> Stage {
    let mut stage = Stage::new(Cache::Session);
    stage.fetch("of ada", 3_600);
    stage.reload();
    stage.identity = None;
    stage
}

#[test]
fn rule_12_a_record_is_laid_aside_for_who_signs_in_late() {
    let mut stage = late_identity();
    let waiting = request(&stage.get());
    assert!(stage.stored.is_some());
    stage.pass(LATE_IDENTITY - 1);
    stage.identity = Some("ada".to_owned());
    assert_eq!(token(&stage.get()), "of ada");
    assert_eq!(stage.said.resolved[0].0, waiting, "who waits is answered by the record");
    assert!(stage.has_said(|event| matches!(event, Event::Restored { .. })));
    assert_eq!(stage.session.next_wake(), None, "and nothing is left to be given up");

    let mut stage = late_identity();
    assert!(!stage.has());
    stage.pass(LATE_IDENTITY);
    assert!(stage.stored.is_none());
    assert!(stage.has_said(|event| *event == Event::RecordRejected { why: Rejection::Scope }));
    stage.identity = Some("ada".to_owned());
    request(&stage.get());
}

#[test]
fn rule_08_a_record_that_was_laid_aside_answers_nobody_who_has_not_said_whose_it_is() {
    let mut stage = late_identity();
    let waiting = request(&stage.get());
    stage.says(OTHER, says("ada"));
    assert_eq!(token_or_request(&stage.get_as(OTHER)), Err(waiting));
    assert!(stage.said.resolved.is_empty());
    let of_ada = stage.last();
    stage.answer(of_ada, raw("new", "entity", 3_600));
    assert_eq!(stage.said.rejected[0].1.code, Code::IdentityChanged, "who says nobody has nothing of ada's");
    assert_eq!(token_of(&stage.said.resolved[0].1).access_token, "new");

    let mut stage = late_identity();
    request(&stage.get());
    request(&stage.get_as(OTHER));
    stage.says(OTHER, says("ada"));
    request(&stage.get_as(OTHER));
    assert!(stage.said.resolved.is_empty(), "not all who wait have said so");
}

fn token_or_request(reply: &Reply) -> Result<String, custom_identity_provider::core::RequestId> {
    match reply {
        Reply::Token(grant) => Ok(token_of(grant).access_token.clone()),
        reply => Err(request(reply)),
    }
}

#[test]
fn rule_12_a_guests_token_takes_a_records_place_only_when_nobody_comes_for_it() {
    let mut stage = late_identity();
    stage.fetch("of nobody", 3_600);
    assert_eq!(stage.stored.as_ref().unwrap()["accessToken"], "of ada");
    assert_eq!(token(&stage.get()), "of nobody");
    stage.pass(LATE_IDENTITY);
    assert_eq!(stage.stored.as_ref().unwrap()["accessToken"], "of nobody");

    let mut stage = late_identity();
    stage.fetch("of nobody", 5);
    stage.pass(6_000);
    assert!(!stage.has());
    assert!(stage.stored.is_some(), "what is over was the guest's, not ada's");
    stage.pass(LATE_IDENTITY);
    assert!(stage.stored.is_none());
}

#[test]
fn rule_10_a_guests_token_whose_life_is_over_is_not_stored_in_a_records_place() {
    let mut stage = late_identity();
    stage.fetch("of nobody", 5);
    stage.pass(LATE_IDENTITY);
    assert!(stage.stored.is_none());
}

#[test]
fn rule_12_who_leaves_or_may_have_left_ends_the_wait_for_a_late_identity() {
    let ends: [fn(&mut Stage); 3] =
        [|stage| stage.sign_out(SignOutOrigin::OtherTab), Stage::invalidate, Stage::may_have_left];
    for end in ends {
        let mut stage = late_identity();
        stage.has();
        end(&mut stage);
        assert!(stage.stored.is_none());
        assert_eq!(stage.session.next_wake(), None);
        stage.identity = Some("ada".to_owned());
        assert!(!stage.has());
    }
}

#[test]
fn rule_12_where_nobody_can_sign_in_a_record_of_somebodys_is_removed_at_once() {
    let mut stage = Stage::with(Settings { is_identified: false, ..settings(Cache::Session, livechat()) });
    stage.fetch("of ada", 3_600);
    stage.reload();
    stage.identity = None;
    assert!(!stage.has());
    assert!(stage.stored.is_none());
    assert_eq!(stage.session.next_wake(), None);
}

#[test]
fn rule_13_a_page_that_does_not_say_who_is_signed_in_asks_its_source() {
    for kind in [jwt(), Kind::Code] {
        let mut stage = Stage::with(Settings { is_identified: false, ..settings(Cache::Memory, kind) });
        stage.identity = None;
        request(&stage.get());
    }
}

#[test]
fn rule_07_somebody_who_may_have_left_is_forgotten_and_who_waits_is_not_rejected() {
    let mut stage = Stage::new(Cache::Session);
    stage.fetch("one", 3_600);
    let waiting = request(&stage.fresh());
    let attempt = stage.last();
    stage.may_have_left();
    assert!(stage.stored.is_none());
    assert!(!stage.has());
    assert!(stage.has_said(|event| *event == Event::MayHaveLeft));
    assert!(stage.said.rejected.is_empty());
    stage.answer(attempt, raw("late", "entity", 3_600));
    assert_eq!(stage.said.resolved.last().unwrap().0, waiting);
    assert!(!stage.has(), "what was asked for before is never cached");
}

#[test]
fn rule_08_to_forget_nobody_is_asked_who_is_signed_in() {
    let mut stage = Stage::new(Cache::Session);
    stage.fetch("one", 3_600);
    stage.says(PAGE, Reading::Failed);
    stage.invalidate();
    assert!(stage.stored.is_none());
    assert_eq!(refusal(stage.get()).code, Code::BadIdentity);
}

#[test]
fn rule_13_a_retry_after_is_obeyed_for_an_hour_at_most() {
    let mut stage = Stage::new(Cache::Memory);
    stage.get();
    let attempt = stage.last();
    stage.fail(attempt, Failure::of_status(503, Some(i64::MAX)));
    assert_eq!(refusal(stage.get()).retry_after, Some(LONGEST_RETRY_AFTER));
    stage.pass(LONGEST_RETRY_AFTER);
    stage.policy.patience = 3 * HOUR;
    request(&stage.get());
    let attempt = stage.last();
    stage.fail(attempt, Failure::of_status(503, Some(i64::MAX)));
    let wake = stage.session.next_wake().unwrap() - stage.now.monotonic - LONGEST_RETRY_AFTER;
    assert!((BACKOFF_FLOOR..=BACKOFF_FIRST).contains(&wake), "{wake}");
}

#[test]
fn rule_13_requests_that_ran_side_by_side_fail_once() {
    let mut stage = Stage::with(settings(Cache::None, Kind::Code));
    for _ in 0..6 {
        stage.get();
    }
    for attempt in stage.said.begins.clone() {
        stage.pass(1);
        stage.fail(attempt, Failure::of_status(403, None));
    }
    assert_eq!(refusal(stage.get()).retry_after, Some(COOL_DOWN_FIRST));
    stage.pass(COOL_DOWN_FIRST);
    request(&stage.get());
    let attempt = stage.last();
    stage.fail(attempt, Failure::of_status(403, None));
    assert_eq!(refusal(stage.get()).retry_after, Some(2 * COOL_DOWN_FIRST));
}

#[test]
fn rule_12_no_handles_margin_removes_a_record_that_others_can_use() {
    let mut stage = Stage::new(Cache::Session);
    stage.fetch("one", 3_600);
    stage.reload();
    stage.policy.margin = Some(2 * HOUR);
    assert!(!stage.has());
    stage.policy.margin = None;
    assert_eq!(token(&stage.get()), "one");
}

#[test]
fn rule_16_a_token_has_the_account_when_it_is_known() {
    let account = Account { license_id: Some(12), organization_id: None };
    let mut stage = Stage::with(settings(Cache::Memory, Kind::Token(account)));
    stage.get();
    let attempt = stage.last();
    let mut answer = raw("one", "entity", 60);
    answer["organization_id"] = json!("an organization");
    stage.answer(attempt, answer);
    let token = token_of(&stage.said.resolved[0].1);
    assert_eq!(token.license_id, Some(12));
    assert_eq!(token.organization_id.as_deref(), Some("an organization"));
    assert_eq!(token.token_type, "Bearer");
    assert_eq!(token.expires_in, 60_000);
}

#[test]
fn rule_16_a_token_of_another_account_is_no_answer() {
    let account = Account { license_id: Some(12), organization_id: None };
    let mut stage = Stage::with(settings(Cache::Memory, Kind::Token(account)));
    stage.get();
    let attempt = stage.last();
    let mut answer = raw("one", "entity", 60);
    answer["license_id"] = json!(13);
    stage.answer(attempt, answer);
    assert_eq!(stage.said.rejected[0].1.code, Code::BadAnswer);
}

#[test]
fn rule_20_the_request_is_aborted_when_its_last_waiter_leaves() {
    let mut stage = Stage::new(Cache::Memory);
    let shared = request(&stage.get());
    stage.get();
    stage.leave(shared);
    assert!(stage.said.stops.is_empty());
    stage.leave(shared);
    assert_eq!(stage.said.stops, [shared]);
    assert_eq!(stage.said.dropped, [shared]);
    assert!(stage.has_said(|event| matches!(event, Event::RequestAborted { why: AbortReason::Abandoned, .. })));
    assert_ne!(request(&stage.get()), shared, "leaving is no failure: nothing cools down");
}

#[test]
fn rule_21_both_shapes_are_read_and_short_finished_tokens_are_suspected() {
    let mut stage = Stage::new(Cache::Memory);
    stage.get();
    let attempt = stage.last();
    stage.answer(
        attempt,
        json!({ "accessToken": "one", "entityId": "e", "expiresIn": 28_800, "tokenType": "bearer", "creationDate": START }),
    );
    let token = token_of(&stage.said.resolved[0].1);
    assert_eq!((token.expires_in, token.token_type.as_str()), (28_800, "Bearer"));

    let mut raw_one = Stage::new(Cache::Memory);
    raw_one.fetch("one", 60);
    assert!(
        !raw_one.has_said(|event| matches!(event, Event::ShortLifetime { .. })),
        "seconds are the raw shape's own unit"
    );
    assert!(stage.has_said(|event| matches!(event, Event::ShortLifetime { lifetime: 28_800, .. })));
}

#[test]
fn rule_22_another_entity_is_delivered_with_an_event() {
    let mut stage = Stage::new(Cache::Session);
    stage.fetch("one", 3_600);
    stage.reload();
    stage.fresh();
    let attempt = stage.last();
    stage.answer(attempt, raw("two", "another entity", 3_600));
    assert_eq!(token_of(&stage.said.resolved[0].1).entity_id, "another entity");
    assert!(stage.has_said(|event| matches!(event, Event::EntityChanged { .. })));

    stage.sign_out(SignOutOrigin::ThisTab);
    stage.said.events.clear();
    stage.fetch("three", 3_600);
    assert!(
        !stage.has_said(|event| matches!(event, Event::EntityChanged { .. })),
        "another person's entity is no change"
    );
}

#[test]
fn policy_defaults_are_the_documented_ones() {
    assert_eq!(Policy::default(), Policy { margin: None, refresh_ahead: 0, timeout: 10_000, patience: 30_000 });
}

/// A page whose token is in the last stretch of its life, and the background request that has just begun.
fn refreshing_ahead() -> Stage {
    let mut stage = Stage::new(Cache::Memory);
    stage.policy.refresh_ahead = HOUR;
    stage.fetch("one", 3_600);
    stage.pass(HOUR - HOUR / 3);
    token(&stage.get());
    assert_eq!(stage.last().reason, Reason::Ahead);
    stage
}

#[test]
fn rule_08_the_identity_of_who_began_a_background_refresh_is_read_and_nobody_is_refused() {
    let mut stage = refreshing_ahead();
    let ahead = stage.last();
    stage.says(PAGE, says("grace"));
    stage.answer(ahead, raw("of ada", "entity", 3_600));
    assert!(stage.said.rejected.is_empty());
    assert_eq!(stage.said.dropped.last(), Some(&ahead.request));
    assert!(!stage.has());

    let mut stage = refreshing_ahead();
    let ahead = stage.last();
    stage.says(PAGE, Reading::Failed);
    stage.answer(ahead, raw("two", "entity", 3_600));
    assert!(stage.said.rejected.is_empty());
    assert!(
        stage.has_said(|event| matches!(event, Event::RequestFailed { code: Code::BadIdentity, demanded: false, .. }))
    );
    stage.says(PAGE, says("ada"));
    assert_eq!(token(&stage.get()), "one");
}

#[test]
fn rule_08_whom_a_handle_named_is_forgotten_when_its_request_is_tried_again() {
    let mut stage = Stage::new(Cache::Session);
    stage.get();
    stage.get_as(OTHER);
    stage.says(OTHER, says("grace"));
    let first = stage.last();
    stage.fail(first, unavailable());
    stage.pass(1_000);
    let second = stage.last();
    stage.says(PAGE, Reading::Failed);
    stage.says(OTHER, says("ada"));
    let readings = stage.readings(second).unwrap();
    stage.get_as(OTHER);
    stage.confirm(second, &readings);
    stage.tell_answer(second, raw("of ada", "entity", 3_600));
    assert_eq!(stage.session.identity(), Some("ada"));
    assert!(stage.stored.is_some());
}

#[test]
fn rule_08_whom_a_handle_named_is_forgotten_when_everything_ends_meanwhile() {
    let mut stage = Stage::new(Cache::Memory);
    stage.get();
    stage.get_as(OTHER);
    stage.says(OTHER, says("grace"));
    let first = stage.last();
    let readings = stage.readings(first).unwrap();
    stage.confirm(first, &readings);
    stage.sign_out(SignOutOrigin::ThisTab);
    stage.tell_answer(first, raw("of ada", "entity", 3_600));
    stage.says(OTHER, says("ada"));
    stage.get();
    let second = stage.last();
    stage.says(PAGE, Reading::Failed);
    let readings = stage.readings(second).unwrap();
    stage.get_as(OTHER);
    stage.confirm(second, &readings);
    stage.tell_answer(second, raw("of ada", "entity", 3_600));
    assert_eq!(stage.session.identity(), Some("ada"));
    assert!(stage.has_as(OTHER).unwrap());
}

#[test]
fn rule_11_a_request_of_an_older_epoch_does_not_keep_a_token_from_being_refreshed() {
    let mut stage = Stage::new(Cache::Memory);
    stage.policy = Policy { timeout: 2 * HOUR, refresh_ahead: HOUR, ..Policy::default() };
    stage.get();
    stage.invalidate();
    stage.fetch("one", 3_600);
    stage.pass(HOUR - HOUR / 3);
    token(&stage.get());
    assert_eq!(stage.last().reason, Reason::Ahead);
}

#[test]
fn rule_11_nothing_is_refreshed_ahead_while_the_source_is_left_alone() {
    let mut stage = Stage::new(Cache::Memory);
    stage.fetch("one", 3_600);
    stage.pass(HOUR - HOUR / 3);
    stage.fresh();
    let attempt = stage.last();
    stage.fail(attempt, Failure::of_status(403, None));
    stage.policy.refresh_ahead = HOUR;
    token(&stage.get());
    assert_eq!(stage.last(), attempt);
    stage.pass(COOL_DOWN_FIRST);
    token(&stage.get());
    assert_eq!(stage.last().reason, Reason::Ahead);
}

#[test]
fn rule_11_a_good_answer_and_another_person_end_what_failed_in_the_background() {
    let ends: [fn(&mut Stage); 2] = [
        |stage| {
            stage.fresh();
        },
        |stage| {
            stage.identity = Some("grace".to_owned());
            stage.get();
        },
    ];
    for end in ends {
        let mut stage = refreshing_ahead();
        let ahead = stage.last();
        stage.fail(ahead, Failure::of_status(403, Some(2 * HOUR)));
        end(&mut stage);
        let attempt = stage.last();
        stage.answer(attempt, raw("two", "entity", 3_600));
        stage.pass(HOUR - HOUR / 3);
        token(&stage.get());
        assert_eq!(stage.last().reason, Reason::Ahead, "the source was well meanwhile, or it is another's");
        assert_ne!(stage.last(), ahead);
    }
}

#[test]
fn rule_13_a_refusal_does_not_shorten_a_cool_down() {
    let mut stage = Stage::with(settings(Cache::None, Kind::Code));
    for _ in 0..=FREE_REFUSALS + 1 {
        stage.get();
    }
    let attempts = stage.said.begins.clone();
    stage.fail(attempts[0], Failure::of_status(403, Some(20_000)));
    for attempt in &attempts[1..] {
        stage.fail(*attempt, Failure::of_status(401, None));
    }
    assert_eq!(refusal(stage.get()).retry_after, Some(20_000));
}

#[test]
fn rule_13_patience_ends_to_the_millisecond() {
    let pause = |patience| {
        let mut stage = Stage::new(Cache::Memory);
        stage.policy.patience = patience;
        stage.get();
        let attempt = stage.last();
        stage.fail(attempt, unavailable());
        (stage.session.next_wake().map(|due| due - stage.now.monotonic), stage)
    };
    let (length, _) = pause(30_000);
    let length = length.unwrap();
    assert!(pause(length).0.is_none(), "a pause that ends with its patience is not begun");
    let (again, mut stage) = pause(length + 1);
    assert_eq!(again, Some(length));
    // The timer is late by a millisecond, and patience is over.
    stage.now.monotonic += length + 1;
    stage.wake();
    assert_eq!(stage.said.rejected.len(), 1);
    assert_eq!(stage.said.begins.len(), 1);
}

#[test]
fn rule_13_the_exceptions_that_pass_by_themselves_are_tried_again() {
    for (name, is_tried_again) in
        [("server_error", true), ("temporarily_unavailable", true), ("access_denied", false), ("", false)]
    {
        let mut stage = Stage::new(Cache::Memory);
        stage.get();
        let attempt = stage.last();
        stage.fail(attempt, Failure::of_exception(Code::SsoOauthException, name.to_owned(), Some(400), None));
        assert_eq!(stage.said.rejected.is_empty(), is_tried_again, "{name}");
    }
}

#[test]
fn rule_10_the_last_millisecond_of_a_record_counts() {
    for (left, is_there) in [(1, true), (0, false)] {
        let mut stage = Stage::new(Cache::Session);
        stage.fetch("one", 3_600);
        stage.pass(HOUR - left);
        stage.reload();
        stage.policy.margin = Some(0);
        assert_eq!(stage.has(), is_there);
        assert_eq!(stage.stored.is_some(), is_there);
    }
}

#[test]
fn rule_12_a_record_that_seems_to_come_from_the_next_five_seconds_is_used() {
    for (ahead, is_used) in [(5_000, true), (5_001, false)] {
        let mut stage = Stage::new(Cache::Session);
        stage.fetch("one", 3_600);
        stage.reload();
        stage.now.wall -= ahead;
        assert_eq!(stage.has(), is_used);
    }
}

#[test]
fn rule_10_a_restored_token_lives_by_the_wall_clock_alone() {
    let mut stage = Stage::new(Cache::Session);
    stage.fetch("one", 3_600);
    stage.reload();
    assert!(stage.has());
    stage.pass(HOUR / 2);
    stage.now.wall -= HOUR / 4;
    stage.policy.margin = Some(0);
    stage.pass(HOUR / 2 + HOUR / 4 - 1);
    assert!(stage.has(), "when this page began says nothing of it");
    stage.pass(1);
    assert!(!stage.has());
}

/// A finished token that says when it was made and how long it lives, as it is when it arrives at once.
fn finished_at(creation_date: i64, expires_in: i64) -> Stage {
    let mut stage = Stage::new(Cache::Memory);
    stage.get();
    let attempt = stage.last();
    let finished = json!({ "accessToken": "one", "entityId": "e", "expiresIn": expires_in, "tokenType": "Bearer",
                           "creationDate": creation_date });
    stage.answer(attempt, finished);
    stage
}

#[test]
fn rule_10_a_clock_that_differs_by_little_is_not_skewed() {
    let is_skewed = |stage: &Stage| stage.has_said(|event| matches!(event, Event::ClockSkew { .. }));
    assert!(!is_skewed(&finished_at(START + 5_000, HOUR)));
    assert!(is_skewed(&finished_at(START + 5_001, HOUR)));
    // One that arrives within its margin is handed out, and asked for again.
    assert!(!is_skewed(&finished_at(START - HOUR + 1, HOUR)));
    assert!(is_skewed(&finished_at(START - HOUR, HOUR)));
}

#[test]
fn rule_21_a_finished_token_of_a_hundred_seconds_is_not_suspected() {
    for (lifetime, is_suspected) in [(99_999, true), (100_000, false)] {
        let stage = finished_at(START, lifetime);
        assert_eq!(stage.has_said(|event| matches!(event, Event::ShortLifetime { .. })), is_suspected);
    }
}

#[test]
fn rule_10_a_jwt_that_comes_again_within_its_margin_is_handed_out() {
    let mut stage = jwt_stage(Cache::Memory);
    given(&mut stage, taken_apart("one", START, HOUR)).unwrap();
    stage.pass(HOUR - 10_000);
    assert_eq!(given(&mut stage, taken_apart("one", START, HOUR)).unwrap().0, 10_000);
}

#[test]
fn rule_11_who_signs_in_does_not_wait_for_what_failed_in_the_background_for_nobody() {
    let mut stage = Stage::new(Cache::Session);
    stage.fetch("of ada", 3_600);
    stage.pass(HOUR - HOUR / 3);
    stage.reload();
    stage.identity = None;
    stage.policy.refresh_ahead = HOUR;
    stage.fetch("of nobody", 5);
    stage.pass(3_000);
    token(&stage.get());
    let ahead = stage.last();
    assert_eq!(ahead.reason, Reason::Ahead);
    stage.fail(ahead, Failure::of_status(403, None));
    stage.identity = Some("ada".to_owned());
    assert_eq!(token(&stage.get()), "of ada");
    assert_ne!(stage.last(), ahead);
    assert_eq!(stage.last().reason, Reason::Ahead);
}

#[test]
fn rule_08_who_was_named_first_is_there_then() {
    let mut stage = Stage::new(Cache::Memory);
    stage.get();
    stage.get_as(OTHER);
    stage.get_as(Caller(3));
    stage.says(OTHER, says("grace"));
    stage.says(Caller(3), Reading::Says(None));
    let attempt = stage.last();
    stage.answer(attempt, raw("of ada", "entity", 3_600));
    assert_eq!(stage.session.identity(), Some("grace"));
}

#[test]
fn rule_12_storage_is_not_read_for_who_comes_where_nothing_was_laid_aside() {
    let mut stage = Stage::new(Cache::Session);
    stage.identity = None;
    stage.get();
    assert!(!stage.session.observe(Some("ada")));
}

#[test]
fn rule_10_each_jwt_that_comes_again_is_recognised() {
    let mut stage = jwt_stage(Cache::None);
    for number in 0..3 {
        given(&mut stage, taken_apart(&number.to_string(), START, HOUR)).unwrap();
    }
    stage.pass(HOUR / 2);
    stage.now.wall -= HOUR / 2;
    for number in 0..3 {
        assert_eq!(given(&mut stage, taken_apart(&number.to_string(), START, HOUR)).unwrap().0, HOUR / 2);
    }
}
