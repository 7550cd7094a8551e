//! Each rule by example, and the known faults of other token managers that this core must not have.

use custom_identity_provider::core::{
    AbortReason, Account, Answer, BACKOFF_FLOOR, Cache, Code, Credential, Event, Failure, Grant, Kind,
    LONGEST_RETRY_AFTER, Lifetime, Moment, Policy, Reason, Rejection, Reply, SignOutOrigin, Token, Warning,
    backoff_ceiling, cool_down_length, read_answer,
};
use serde_json::json;

use crate::tab::{Deed, HOUR, Json, MINUTE, Outcome, SECOND, Tab, finished, raw, settings};

const PLAIN: Policy = Policy { margin: None, refresh_ahead: 0, timeout: 10_000, patience: 30_000 };
const EAGER: Policy = Policy { refresh_ahead: 10 * MINUTE, ..PLAIN };

fn token(text: &str) -> Option<Outcome> {
    Some(Outcome::Token(text.to_owned()))
}

fn failed(code: Code) -> Option<Outcome> {
    Some(Outcome::Failed(code))
}

fn token_of(grant: &Grant) -> &Token {
    match &grant.credential {
        Credential::Token(token) => token,
        other => panic!("no token of LiveChat's: {other:?}"),
    }
}

fn cached(reply: &Reply) -> Option<&str> {
    match reply {
        Reply::Token(grant) => Some(&token_of(grant).access_token),
        _ => None,
    }
}

fn waits_for(reply: &Reply) -> Option<u32> {
    match reply {
        Reply::Wait(request) => Some(request.0),
        _ => None,
    }
}

fn refused_with(reply: &Reply) -> Option<&Failure> {
    match reply {
        Reply::Refuse(failure) => Some(failure),
        _ => None,
    }
}

fn unavailable() -> Failure {
    Failure::of_status(503, None)
}

fn refused() -> Failure {
    Failure::of_status(403, None)
}

#[test]
fn rule_01_get_token_joins_who_waits_else_answers_from_the_cache_else_begins() {
    let mut tab = Tab::new(Cache::Session);
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(1));
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(1));
    tab.answer(tab.latest(), &raw("one", 3_600));
    assert_eq!(tab.outcomes(), [token("one"), token("one")]);
    assert_eq!(cached(&tab.get(&PLAIN)), Some("one"));
    // LiveChat's SDK asks for a fresh token without waiting for it, then asks again: it must not get the stale one.
    assert_eq!(waits_for(&tab.fresh(&PLAIN)), Some(2));
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(2));
}

#[test]
fn rule_01_get_token_prefers_the_token_in_hand_to_a_request_nobody_waits_for() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 3_600);
    tab.pass(55 * MINUTE);
    assert_eq!(cached(&tab.get(&EAGER)), Some("one"));
    assert_eq!(tab.latest().reason, Reason::Ahead);
    assert_eq!(cached(&tab.get(&PLAIN)), Some("one"));
    // Without a usable token it is joined.
    let strict = Policy { margin: Some(20 * MINUTE), ..PLAIN };
    assert_eq!(waits_for(&tab.get(&strict)), Some(2));
}

#[test]
fn rule_02_get_fresh_token_joins_any_request_of_this_epoch_else_begins() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 3_600);
    tab.pass(55 * MINUTE);
    tab.get(&EAGER);
    assert_eq!(waits_for(&tab.fresh(&PLAIN)), Some(2));
    // It is demanded now: getToken waits for it too, although a token is usable.
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(2));
    tab.answer(tab.latest(), &raw("two", 3_600));
    assert_eq!(waits_for(&tab.fresh(&PLAIN)), Some(3));
}

#[test]
fn rule_03_equal_calls_share_one_request() {
    let mut tab = Tab::new(Cache::None);
    for call in 0..50 {
        let reply = if call % 3 == 0 { tab.fresh(&PLAIN) } else { tab.get(&EAGER) };
        assert_eq!(waits_for(&reply), Some(1));
    }
    tab.answer(tab.latest(), &raw("one", 3_600));
    assert_eq!(tab.outcomes(), vec![token("one"); 50]);
    assert_eq!(tab.attempts.len(), 1);
}

#[test]
fn rule_04_a_failure_rejects_everyone_and_is_not_remembered() {
    // The document's sample leaves its rejected promise behind, and fails for ever.
    let mut tab = Tab::new(Cache::Session);
    tab.get(&PLAIN);
    tab.fresh(&PLAIN);
    tab.fail(tab.latest(), refused());
    assert_eq!(tab.outcomes(), [failed(Code::Refused), failed(Code::Refused)]);
    tab.pass(cool_down_length(1));
    tab.get(&PLAIN);
    tab.answer(tab.latest(), &raw("one", 3_600));
    assert_eq!(tab.outcomes()[2], token("one"));
}

#[test]
fn rule_04_a_usable_token_survives_a_failed_refresh() {
    // supabase-js#2145, amplify#14534: a failed refresh deletes a session that is still good.
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    for _ in 0..3 {
        tab.fresh(&PLAIN);
        tab.fail(tab.latest(), refused());
        tab.pass(MINUTE);
        assert!(tab.has(&PLAIN));
        assert_eq!(cached(&tab.get(&PLAIN)), Some("one"));
        assert_eq!(tab.stored.as_ref().unwrap()["accessToken"], "one");
    }
}

#[test]
fn rule_05_invalidate_is_not_undone_by_a_late_answer() {
    // The document's sample and customer-auth bring the token back when the fetch lands.
    let mut tab = Tab::new(Cache::Session);
    tab.get(&PLAIN);
    let old = tab.latest();
    tab.invalidate();
    tab.answer(old, &raw("old", 3_600));
    assert_eq!(tab.outcomes(), [token("old")]);
    assert!(!tab.has(&PLAIN));
    assert_eq!(tab.stored, None);
}

#[test]
fn rule_05_an_older_epoch_is_never_joined_and_ends_when_nobody_waits() {
    let mut tab = Tab::new(Cache::Session);
    tab.get(&PLAIN);
    tab.invalidate();
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(2));
    tab.answer(tab.latest(), &raw("new", 3_600));
    tab.answer(tab.attempts[0], &raw("old", 3_600));
    assert_eq!(tab.outcomes(), [token("old"), token("new")]);
    assert_eq!(cached(&tab.get(&PLAIN)), Some("new"));

    tab.pass(55 * MINUTE);
    tab.get(&EAGER);
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
    tab.get(&PLAIN);
    tab.invalidate();
    tab.fail(tab.latest(), unavailable());
    tab.pass(backoff_ceiling(1));
    assert_eq!(tab.latest().number, 2);
    tab.answer(tab.latest(), &raw("old", 3_600));
    assert_eq!(tab.outcomes(), [token("old")]);
}

#[test]
fn rule_06_has_token_is_true_exactly_while_get_token_would_answer_at_once() {
    let mut tab = Tab::new(Cache::Memory);
    assert!(!tab.has(&PLAIN));
    tab.get(&PLAIN);
    assert!(!tab.has(&PLAIN));
    tab.answer(tab.latest(), &raw("one", 3_600));
    tab.pass(HOUR - 30 * SECOND - 1);
    assert!(tab.has(&PLAIN));
    tab.pass(1);
    assert!(!tab.has(&PLAIN));
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(2));
}

#[test]
fn rule_07_sign_out_rejects_who_waits() {
    for origin in [SignOutOrigin::ThisTab, SignOutOrigin::OtherTab] {
        let mut tab = Tab::new(Cache::Session);
        tab.fetch("one", 3_600);
        tab.fresh(&PLAIN);
        tab.invalidate();
        tab.get(&PLAIN);
        let (older, newer) = (tab.attempts[1], tab.attempts[2]);
        tab.sign_out(origin);
        assert_eq!(tab.outcomes()[1..], [failed(Code::SignedOut), failed(Code::SignedOut)]);
        for attempt in [older, newer] {
            assert!(tab.deeds.contains(&Deed::Stopped(attempt.request.0)));
            tab.answer(attempt, &raw("late", 3_600));
        }
        assert!(!tab.has(&PLAIN));
        assert_eq!(tab.stored, None);
        assert!(tab.was_told(|event| *event == Event::SignedOut { origin }));
    }
}

#[test]
fn rule_07_a_record_from_before_the_sign_out_is_not_read() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    // The other tab signs out while this one is between two pages.
    tab.generation += 1;
    tab.reload();
    assert!(!tab.has(&PLAIN));
    assert_eq!(tab.stored, None);
    assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::SignedOut }));
}

#[test]
fn rule_08_another_person_gets_nothing_of_the_one_before() {
    // Amplify and Supabase: one unkeyed flight handed Alice's token to Bob. supabase-swift#1371: a late refresh overwrites the next user.
    for cache in [Cache::Memory, Cache::Session, Cache::None] {
        let mut tab = Tab::new(cache);
        tab.fetch("ann's", 3_600);
        tab.fresh(&PLAIN);
        let anns = tab.latest();
        tab.person = Some("bob");
        assert_eq!(waits_for(&tab.get(&PLAIN)), Some(3));
        assert_eq!(tab.outcomes()[1], failed(Code::IdentityChanged));
        assert!(tab.deeds.contains(&Deed::Stopped(2)));
        assert_eq!(tab.stored, None);
        tab.answer(anns, &raw("ann's, late", 3_600));
        assert_eq!(tab.outcomes()[2], None);
        tab.answer(tab.latest(), &raw("bob's", 3_600));
        assert_eq!(tab.outcomes()[2], token("bob's"));
    }
}

#[test]
fn rule_08_the_answer_itself_notices_that_another_person_is_there() {
    let mut tab = Tab::new(Cache::Session);
    tab.get(&PLAIN);
    tab.person = None;
    tab.answer(tab.latest(), &raw("ann's", 3_600));
    assert_eq!(tab.outcomes(), [failed(Code::IdentityChanged)]);
    tab.person = Some("ann");
    assert!(!tab.has(&PLAIN));
    assert_eq!(tab.stored, None);
}

#[test]
fn rule_08_a_record_of_another_person_is_removed_unread() {
    for person in [None, Some("bob")] {
        let mut tab = Tab::new(Cache::Session);
        tab.fetch("ann's", 3_600);
        tab.reload();
        tab.person = person;
        assert!(!tab.has(&PLAIN));
        assert_eq!(tab.stored, None);
        assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Scope }));
    }
}

#[test]
fn rule_09_without_caching_get_token_begins_or_joins() {
    let mut tab = Tab::new(Cache::None);
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(1));
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(1));
    tab.answer(tab.latest(), &raw("one", 3_600));
    assert!(!tab.has(&PLAIN));
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(2));
    tab.invalidate();
    tab.answer(tab.latest(), &raw("two", 3_600));
    assert_eq!(tab.outcomes(), [token("one"), token("one"), token("two")]);
}

#[test]
fn rule_10_the_margin_is_thirty_seconds_or_a_tenth_unless_set() {
    for (lifetime, margin, usable) in
        [(3_600, None, 3_570), (100, None, 90), (3_600, Some(0), 3_600), (60, Some(60_000), 0)]
    {
        let policy = Policy { margin, ..PLAIN };
        let mut tab = Tab::new(Cache::Memory);
        tab.fetch("one", lifetime);
        tab.stall((usable * SECOND - 1).max(0));
        assert_eq!(tab.has(&policy), usable > 0);
        tab.stall(1);
        assert!(!tab.has(&policy));
    }
}

#[test]
fn rule_10_a_clock_turned_back_does_not_revive_a_token() {
    // msal#3206.
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.now.monotonic += HOUR;
    tab.now.wall += 3 * SECOND;
    assert!(!tab.has(&PLAIN));
    assert_eq!(tab.stored, None);
    tab.reload();
    assert!(!tab.has(&PLAIN));
}

#[test]
fn rule_10_sleep_does_not_stretch_a_token() {
    // msal#2921, auth0-spa-js#343: timers and the monotonic clock stand still while the machine sleeps.
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.now.wall += HOUR;
    assert!(!tab.has(&PLAIN));
    tab.now.wall -= HOUR;
    assert!(!tab.has(&PLAIN), "gone for good");
    assert_eq!(tab.stored, None);
}

#[test]
fn rule_10_created_is_when_the_successful_attempt_was_sent() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get(&PLAIN);
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
    let Reply::Token(grant) = tab.get(&PLAIN) else { panic!("the token is in hand") };
    assert_eq!(token_of(&grant).creation_date, sent);
    assert_eq!(token_of(&grant).expires_in, HOUR);
}

#[test]
fn rule_10_a_skewed_clock_is_no_reason_to_ask_again() {
    // auth-js#926: a refresh at every call.
    for skew in [-2 * HOUR, 6 * SECOND, 5 * HOUR] {
        let mut tab = Tab::new(Cache::Memory);
        tab.get(&PLAIN);
        tab.answer(tab.latest(), &finished("one", HOUR, tab.now.wall + skew));
        assert!(tab.was_told(|event| *event == Event::ClockSkew { request: 1 }));
        assert!(tab.has(&PLAIN));
        tab.stall(HOUR - 30 * SECOND);
        assert!(!tab.has(&PLAIN));
    }
}

#[test]
fn rule_10_an_age_that_is_plausible_is_believed_by_both_clocks() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get(&PLAIN);
    tab.answer(tab.latest(), &finished("one", HOUR, tab.now.wall - 20 * MINUTE));
    assert!(!tab.was_told(|event| matches!(event, Event::ClockSkew { .. })));
    tab.now.monotonic += 40 * MINUTE - 30 * SECOND - 1;
    assert!(tab.has(&PLAIN));
    tab.now.monotonic += 1;
    assert!(!tab.has(&PLAIN));
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
        let read = read_answer(&Answer::Object(&taken_apart), &Kind::Jwt { may_be_encrypted: false }, now, now);
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
    assert_eq!(cached(&tab.get(&PLAIN)), Some("one"));
    tab.pass(24 * HOUR);
    assert!(!tab.has(&PLAIN));
    let patient = Policy { timeout: 3_000_000_000, ..PLAIN };
    tab.get(&patient);
    assert_eq!(tab.session.next_wake(), Some(tab.now.monotonic + 3_000_000_000));
}

#[test]
fn rule_11_refresh_ahead_answers_at_once_and_its_failure_costs_an_event() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.pass(HOUR - 30 * SECOND - 10 * MINUTE - 1);
    tab.get(&EAGER);
    assert_eq!(tab.attempts.len(), 1);
    tab.pass(1);
    for _ in 0..3 {
        assert_eq!(cached(&tab.get(&EAGER)), Some("one"));
    }
    assert_eq!(tab.attempts.len(), 2);
    tab.fail(tab.latest(), refused());
    assert!(tab.was_told(|event| matches!(event, Event::RequestFailed { demanded: false, code: Code::Refused, .. })));
    assert_eq!(cached(&tab.get(&EAGER)), Some("one"));
    assert_eq!(tab.attempts.len(), 2, "the background cools down");
    assert_eq!(waits_for(&tab.fresh(&EAGER)), Some(3), "who waits does not");
    tab.answer(tab.latest(), &raw("two", 3_600));
    assert_eq!(cached(&tab.get(&EAGER)), Some("two"));
}

#[test]
fn rule_11_a_short_lived_token_is_refreshed_in_the_second_half_of_its_life() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 100);
    tab.pass(45 * SECOND - 1);
    tab.get(&EAGER);
    assert_eq!(tab.attempts.len(), 1);
    tab.pass(1);
    tab.get(&EAGER);
    assert_eq!(tab.attempts.len(), 2);
}

#[test]
fn rule_12_a_reload_is_answered_from_the_record() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.pass(10 * MINUTE);
    tab.reload();
    assert_eq!(cached(&tab.get(&PLAIN)), Some("one"));
    assert!(tab.was_told(|event| *event == Event::Restored { remaining: 50 * MINUTE - 30 * SECOND }));
    assert_eq!(tab.attempts.len(), 0);
    tab.now.wall += 50 * MINUTE;
    assert!(!tab.has(&PLAIN));
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
        assert!(!tab.has(&PLAIN), "{name}");
        assert_eq!(tab.stored, None, "{name}");
        assert!(tab.was_told(|event| *event == Event::RecordRejected { why }), "{name}: {:?}", tab.deeds);
        assert!(tab.get(&PLAIN) != Reply::Refuse(Failure::signed_out()));
    }
}

#[test]
fn rule_13_an_attempt_has_a_deadline_and_a_request_gives_up_after_its_patience() {
    let mut tab = Tab::new(Cache::Session);
    tab.get(&PLAIN);
    let begun = tab.now.monotonic;
    while tab.outcomes() == [None] {
        tab.pass(1);
    }
    assert_eq!(tab.outcomes(), [failed(Code::TimedOut)]);
    assert!(tab.now.monotonic - begun <= PLAIN.patience);
    assert_eq!(tab.attempts.len(), 3, "10 s each, and a pause between");
    assert_eq!(tab.deeds.iter().filter(|deed| **deed == Deed::Stopped(1)).count(), 3);
    assert_eq!(tab.session.next_wake(), None);
}

#[test]
fn rule_13_what_may_pass_is_tried_again_after_a_bounded_pause() {
    let passing = [
        Failure::passing(Code::Network, "no network"),
        Failure::of_status(408, None),
        Failure::of_status(429, None),
        Failure::of_status(500, None),
        Failure::of_status(599, None),
    ];
    for failure in passing {
        let mut tab = Tab::new(Cache::Session);
        tab.get(&PLAIN);
        for number in 1..4 {
            tab.fail(tab.latest(), failure.clone());
            let pause = tab.session.next_wake().unwrap() - tab.now.monotonic;
            assert!((BACKOFF_FLOOR..=backoff_ceiling(number)).contains(&pause), "{pause} after attempt {number}");
            tab.pass(pause - 1);
            assert_eq!(tab.latest().number, number);
            tab.pass(1);
            assert_eq!(tab.latest().number, number + 1);
        }
        tab.answer(tab.latest(), &raw("one", 3_600));
        assert_eq!(tab.outcomes(), [token("one")]);
    }
    for status in [400, 401, 403, 404, 422] {
        let mut tab = Tab::new(Cache::Session);
        tab.get(&PLAIN);
        tab.fail(tab.latest(), Failure::of_status(status, None));
        assert_ne!(tab.outcomes(), [None], "{status}");
    }
}

#[test]
fn rule_13_retry_after_is_obeyed_by_pauses_and_by_the_cool_down() {
    let mut tab = Tab::new(Cache::Session);
    tab.get(&PLAIN);
    tab.fail(tab.latest(), Failure::of_status(429, Some(20 * SECOND)));
    tab.online();
    tab.pass(20 * SECOND - 1);
    assert_eq!(tab.attempts.len(), 1, "a returning network does not shorten what the source asked for");
    tab.pass(1);
    assert_eq!(tab.attempts.len(), 2);
    tab.fail(tab.latest(), Failure::of_status(503, Some(2 * MINUTE)));
    assert_eq!(tab.outcomes(), [failed(Code::Unavailable)]);
    tab.online();
    tab.pass(2 * MINUTE - 1);
    assert!(refused_with(&tab.get(&PLAIN)).is_some());
    tab.pass(1);
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(2));
}

#[test]
fn rule_13_online_ends_the_pause_and_the_cool_down() {
    let mut tab = Tab::new(Cache::Session);
    tab.get(&PLAIN);
    tab.fail(tab.latest(), Failure::passing(Code::Network, "no network"));
    tab.online();
    assert_eq!(tab.latest().number, 2);
    tab.fail(tab.latest(), refused());
    assert!(refused_with(&tab.get(&PLAIN)).is_some());
    tab.online();
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(2));
}

#[test]
fn rule_13_a_broken_source_sees_a_bounded_rate_however_often_it_is_asked() {
    let mut tab = Tab::new(Cache::Session);
    let mut begun = Vec::new();
    for _ in 0..100_000 {
        if waits_for(&tab.get(&PLAIN)).is_some() {
            begun.push(tab.now.monotonic);
            tab.fail(tab.latest(), refused());
        } else {
            let reply = tab.fresh(&PLAIN);
            let failure = refused_with(&reply).expect("a refusal");
            assert_eq!((failure.code, failure.retryable), (Code::CoolingDown, true));
            assert_eq!(
                failure.retry_after,
                Some(cool_down_length(begun.len() as u32) - (tab.now.monotonic - begun.last().unwrap()))
            );
        }
        tab.deeds.clear();
        tab.callers.clear();
        tab.pass(10);
    }
    let gaps: Vec<i64> = begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps[..6], [2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
    assert!(gaps[5..].iter().all(|gap| *gap == 60_000), "{gaps:?}");
}

#[test]
fn rule_13_success_sign_out_and_another_person_end_the_cool_down_and_invalidate_does_not() {
    let cooling = || {
        let mut tab = Tab::new(Cache::Session);
        tab.get(&PLAIN);
        tab.invalidate();
        tab.get(&PLAIN);
        tab.fail(tab.latest(), refused());
        tab
    };
    let mut tab = cooling();
    tab.invalidate();
    assert!(refused_with(&tab.get(&PLAIN)).is_some());
    let mut tab = cooling();
    tab.sign_out(SignOutOrigin::ThisTab);
    assert!(waits_for(&tab.get(&PLAIN)).is_some());
    let mut tab = cooling();
    tab.person = None;
    assert!(waits_for(&tab.get(&PLAIN)).is_some());
    let mut tab = cooling();
    tab.answer(tab.attempts[0], &raw("an older epoch's, but it works again", 3_600));
    assert!(waits_for(&tab.get(&PLAIN)).is_some());
}

#[test]
fn rule_13_nonsense_is_not_asked_for_again_at_once() {
    let mut tab = Tab::new(Cache::Session);
    tab.get(&PLAIN);
    tab.answer(tab.latest(), &json!({ "access_token": "a secret" }));
    assert_eq!(tab.outcomes(), [failed(Code::BadAnswer)]);
    assert!(refused_with(&tab.get(&PLAIN)).is_some());
}

#[test]
fn rule_13_an_attempt_that_was_given_up_has_nothing_more_to_say() {
    let mut tab = Tab::new(Cache::Session);
    tab.get(&PLAIN);
    let first = tab.latest();
    tab.pass(PLAIN.timeout);
    tab.deeds.clear();
    tab.answer(first, &raw("too late", 3_600));
    tab.fail(first, refused());
    assert_eq!(tab.deeds, []);
    tab.pass(backoff_ceiling(1));
    assert_eq!(tab.latest().number, 2);
    tab.answer(first, &raw("too late", 3_600));
    assert_eq!(tab.outcomes(), [None]);
    tab.answer(tab.latest(), &raw("in time", 3_600));
    assert_eq!(tab.outcomes(), [token("in time")]);
}

#[test]
fn rule_15_a_single_use_code_is_neither_cached_nor_shared() {
    let mut tab = Tab::with(settings(Cache::Memory, Kind::Code));
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(1));
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(2));
    assert_eq!(waits_for(&tab.fresh(&PLAIN)), Some(3));
    for (index, code) in ["a", "b", "c"].into_iter().enumerate() {
        tab.answer_with_code(tab.attempts[index], code);
    }
    assert_eq!(tab.outcomes(), [token("a"), token("b"), token("c")]);
    assert!(!tab.has(&PLAIN));
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(4));
}

#[test]
fn rule_16_a_token_has_the_account_when_options_or_answer_know_it() {
    let now = Moment { wall: 1_800_000_000_000, monotonic: 0 };
    let read = |account: &Account, answer: serde_json::Value| {
        read_answer(&Answer::Object(&Json(answer)), &Kind::Token(account.clone()), now, now)
            .map(|(grant, _)| token_of(&grant).clone())
    };
    let named = Account { license_id: Some(5), organization_id: Some("o".to_owned()) };
    let nobody = Account::default();
    let plain = read(&named, raw("one", 60)).unwrap();
    assert_eq!((plain.license_id, plain.organization_id.as_deref()), (Some(5), Some("o")));
    assert_eq!((plain.expires_in, plain.token_type.as_str(), plain.creation_date), (MINUTE, "Bearer", now.wall));
    let mut answer = raw("one", 60);
    answer["license_id"] = json!(7);
    answer["organization_id"] = json!("p");
    let told = read(&nobody, answer.clone()).unwrap();
    assert_eq!((told.license_id, told.organization_id.as_deref()), (Some(7), Some("p")));
    let failure = read(&named, answer).unwrap_err();
    assert_eq!(failure.code, Code::BadAnswer);
    assert!(failure.message.contains("license_id"), "{}", failure.message);
}

#[test]
fn rule_20_a_caller_who_leaves_ends_only_that_wait() {
    let mut tab = Tab::new(Cache::Session);
    tab.get(&PLAIN);
    tab.get(&PLAIN);
    tab.leave(1);
    assert!(!tab.deeds.contains(&Deed::Stopped(1)));
    tab.leave(1);
    assert!(tab.deeds.contains(&Deed::Stopped(1)));
    let why = AbortReason::Abandoned;
    assert!(tab.was_told(|event| *event == Event::RequestAborted { request: 1, why }));
    assert_eq!(tab.session.next_wake(), None);
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(2), "no cool-down, and nothing to join");
}

#[test]
fn rule_21_both_shapes_are_read_and_seconds_in_a_finished_token_are_suspected() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get(&PLAIN);
    tab.answer(tab.latest(), &finished("one", 28_800, tab.now.wall));
    assert_eq!(tab.outcomes(), [token("one")]);
    assert!(tab.was_told(|event| *event == Event::ShortLifetime { request: 1, lifetime: 28_800 }));
    tab.fresh(&PLAIN);
    tab.deeds.clear();
    tab.answer(tab.latest(), &raw("two", 60));
    assert!(!tab.was_told(|event| matches!(event, Event::ShortLifetime { .. })), "60 s said in seconds are meant");
}

#[test]
fn rule_22_another_entity_is_delivered_with_an_event() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.reload();
    tab.get(&PLAIN);
    tab.fresh(&PLAIN);
    let mut other = raw("two", 3_600);
    other["entity_id"] = json!("another entity");
    tab.answer(tab.latest(), &other);
    assert_eq!(tab.outcomes(), [token("two")]);
    assert!(tab.was_told(|event| *event == Event::EntityChanged { request: 1 }));
    tab.fresh(&PLAIN);
    tab.deeds.clear();
    tab.answer(tab.latest(), &other);
    assert!(!tab.was_told(|event| matches!(event, Event::EntityChanged { .. })), "only once");
    tab.person = Some("bob");
    tab.deeds.clear();
    tab.fetch("three", 3_600);
    assert!(!tab.was_told(|event| matches!(event, Event::EntityChanged { .. })), "another person is another entity");
}

#[test]
fn rule_05_invalidate_forgets_the_token_in_memory_and_storage() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.invalidate();
    assert_eq!(tab.stored, None);
    assert!(!tab.has(&PLAIN));
    assert!(tab.was_told(|event| *event == Event::Invalidated));
}

#[test]
fn rule_10_a_token_from_the_future_is_not_usable() {
    for (ahead, usable) in [(5 * SECOND, true), (5 * SECOND + 1, false)] {
        let mut tab = Tab::new(Cache::Memory);
        tab.fetch("one", 3_600);
        tab.now.wall -= ahead;
        assert_eq!(tab.has(&PLAIN), usable);
    }
}

#[test]
fn rule_10_a_token_made_while_it_was_asked_for_lives_from_when_it_was_asked_for() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get(&PLAIN);
    let sent = tab.now.wall;
    tab.pass(4 * SECOND);
    tab.answer(tab.latest(), &finished("one", HOUR, sent + 3 * SECOND));
    let Reply::Token(grant) = tab.get(&PLAIN) else { panic!("the token is in hand") };
    assert_eq!(
        (grant.lifetime.created, grant.lifetime.created_monotonic),
        (sent, Some(tab.now.monotonic - 4 * SECOND))
    );
}

#[test]
fn rule_11_whatever_ends_a_cool_down_ends_that_of_the_background_too() {
    let ends: [fn(&mut Tab); 4] = [
        |tab| tab.online(),
        |tab| {
            tab.fresh(&PLAIN);
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
        tab.get(&EAGER);
        tab.fail(tab.latest(), refused());
        for _ in 0..4 {
            // Failures in a row, so that the cool-down outlasts what follows; each at the first moment it may be tried.
            let before = tab.attempts.len();
            while tab.attempts.len() == before {
                tab.pass(100);
                tab.get(&EAGER);
            }
            tab.fail(tab.latest(), refused());
        }
        let before = tab.attempts.len();
        tab.get(&EAGER);
        assert_eq!(tab.attempts.len(), before);
        end(&mut tab);
        let before = tab.attempts.len();
        tab.get(&EAGER);
        assert_eq!(tab.attempts.len(), before + 1);
        assert_eq!(tab.latest().reason, Reason::Ahead);
    }
}

#[test]
fn rule_13_retry_after_lengthens_the_cool_down_and_a_shorter_one_does_not_shorten_it() {
    for (asked, length) in [(50 * SECOND, 50 * SECOND), (SECOND, cool_down_length(1))] {
        let mut tab = Tab::new(Cache::Session);
        tab.get(&PLAIN);
        tab.fail(tab.latest(), Failure::of_status(403, Some(asked)));
        tab.pass(length - 1);
        assert!(refused_with(&tab.get(&PLAIN)).is_some());
        tab.pass(1);
        assert!(waits_for(&tab.get(&PLAIN)).is_some());
    }
}

#[test]
fn rule_13_an_exception_at_which_livechats_clients_stop_is_seen_again_in_the_cool_down() {
    for code in [Code::SsoIdentityException, Code::SsoOauthException] {
        let mut tab = Tab::new(Cache::Session);
        tab.get(&PLAIN);
        tab.fail(tab.latest(), Failure::of_exception(code, "access_denied".to_owned(), Some(401), None));
        let reply = tab.get(&PLAIN);
        let failure = refused_with(&reply).expect("a refusal");
        assert_eq!((failure.code, &*failure.message), (code, "access_denied"));
        assert_eq!(failure.retry_after, Some(cool_down_length(1)));
    }
}

#[test]
fn rule_13_a_later_failure_does_not_shorten_what_retry_after_asked_for() {
    let mut tab = Tab::new(Cache::Session);
    tab.get(&PLAIN);
    tab.invalidate();
    tab.get(&PLAIN);
    tab.fail(tab.attempts[0], Failure::of_status(503, Some(100 * SECOND)));
    tab.fail(tab.attempts[1], refused());
    tab.online();
    tab.pass(100 * SECOND - 1);
    assert!(refused_with(&tab.get(&PLAIN)).is_some());
    tab.pass(1);
    assert!(waits_for(&tab.get(&PLAIN)).is_some());
}

#[test]
fn rule_13_no_failure_cuts_short_what_another_was_asked_to_wait_for() {
    let mut tab = Tab::with(settings(Cache::Memory, Kind::Code));
    tab.get(&PLAIN);
    tab.get(&PLAIN);
    let (first, second) = (tab.attempts[0], tab.attempts[1]);
    tab.fail(first, Failure::of_status(429, Some(HOUR)));
    tab.fail(second, refused());
    assert_eq!(refused_with(&tab.get(&PLAIN)).and_then(|failure| failure.retry_after), Some(HOUR));
    tab.online();
    assert_eq!(refused_with(&tab.get(&PLAIN)).and_then(|failure| failure.retry_after), Some(HOUR));
    tab.pass(HOUR);
    assert!(waits_for(&tab.get(&PLAIN)).is_some());
}

#[test]
fn rule_13_pauses_and_cool_downs_double_up_to_their_ceilings() {
    let pauses: Vec<i64> = (1..=7).map(backoff_ceiling).collect();
    assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
    let cool_downs: Vec<i64> = (1..=7).map(cool_down_length).collect();
    assert_eq!(cool_downs, [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    assert_eq!((backoff_ceiling(u32::MAX), cool_down_length(u32::MAX)), (8_000, 60_000));
}

#[test]
fn rule_13_a_pause_that_ends_too_late_gives_up_with_the_last_failure() {
    let wake: fn(&mut Tab) = Tab::wake;
    for end_the_pause in [wake, Tab::online] {
        for (late, begins) in [(PLAIN.patience - 1, true), (PLAIN.patience, false), (HOUR, false)] {
            let mut tab = Tab::new(Cache::Session);
            tab.get(&PLAIN);
            tab.pass(SECOND);
            tab.fail(tab.latest(), unavailable());
            // The machine wakes up late, or the tab was frozen.
            tab.stall(late - SECOND);
            end_the_pause(&mut tab);
            assert_eq!(tab.attempts.len(), if begins { 2 } else { 1 }, "{late}");
            if begins {
                assert_eq!(tab.outcomes(), [None]);
                continue;
            }
            assert_eq!(tab.outcomes(), [failed(Code::Unavailable)]);
            assert_eq!(tab.failures[0], unavailable());
            let event = Event::RequestFailed { request: 1, duration: late, code: Code::Unavailable, demanded: true };
            assert!(tab.was_told(|told| *told == event));
            assert_eq!(tab.session.next_wake(), None);
            // As after any failure, the next call begins after the cool-down.
            assert!(refused_with(&tab.get(&PLAIN)).is_some());
            tab.pass(cool_down_length(1));
            assert_eq!(waits_for(&tab.get(&PLAIN)), Some(2));
        }
    }
}

#[test]
fn rule_11_a_background_request_whose_pause_ends_too_late_is_dropped() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 3_600);
    tab.pass(55 * MINUTE);
    tab.get(&EAGER);
    tab.fail(tab.latest(), unavailable());
    tab.stall(PLAIN.patience);
    tab.wake();
    assert!(tab.deeds.contains(&Deed::Dropped(2)));
    assert!(tab.was_told(|event| matches!(event, Event::RequestFailed { request: 2, demanded: false, .. })));
    assert_eq!(tab.attempts.len(), 2);
    assert_eq!(cached(&tab.get(&PLAIN)), Some("one"));
}

#[test]
fn rule_07_what_is_to_be_done_at_a_sign_out_comes_in_order() {
    // A listener that is told must find neither the record nor a running request's token.
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.fresh(&PLAIN);
    tab.deeds.clear();
    tab.sign_out(SignOutOrigin::ThisTab);
    let why = AbortReason::SignedOut;
    let expected = [
        Deed::Told(Event::SignedOut { origin: SignOutOrigin::ThisTab }),
        Deed::Forgot,
        Deed::Stopped(2),
        Deed::Told(Event::RequestAborted { request: 2, why }),
        Deed::Rejected(2, Code::SignedOut),
    ];
    assert_eq!(tab.deeds, expected);
}

#[test]
fn rule_07_who_may_have_left_is_forgotten_and_who_waits_is_not_rejected() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.fresh(&PLAIN);
    tab.deeds.clear();
    tab.may_have_left();
    assert_eq!(tab.deeds, [Deed::Forgot, Deed::Told(Event::MayHaveLeft)]);
    assert!(!tab.has(&PLAIN));
    // Who asks now does not join what was asked before, and what comes of that is not kept.
    assert_eq!(waits_for(&tab.get(&PLAIN)), Some(3));
    let old = tab.attempts[1];
    tab.answer(old, &raw("of before", 3_600));
    assert_eq!(tab.outcomes()[1..], [token("of before"), None]);
    assert!(!tab.has(&PLAIN));
    assert_eq!(tab.stored, None);
    tab.answer(tab.latest(), &raw("new", 3_600));
    assert_eq!(tab.outcomes()[2], token("new"));
    // A cool-down is about the source, not about who left.
    tab.fresh(&PLAIN);
    tab.fail(tab.latest(), refused());
    tab.may_have_left();
    assert!(refused_with(&tab.get(&PLAIN)).is_some());
}

#[test]
fn rule_07_a_background_refresh_ends_when_somebody_may_have_left() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 3_600);
    tab.pass(55 * MINUTE);
    tab.get(&EAGER);
    tab.may_have_left();
    let why = AbortReason::Invalidated;
    assert!(tab.was_told(|event| *event == Event::RequestAborted { request: 2, why }));
}

#[test]
fn rule_11_that_somebody_signed_in_does_not_end_the_background_cool_down() {
    let mut tab = Tab::new(Cache::Memory);
    tab.fetch("one", 3_600);
    tab.pass(55 * MINUTE);
    tab.get(&EAGER);
    tab.fail(tab.latest(), refused());
    tab.signed_in();
    tab.get(&EAGER);
    assert_eq!(tab.attempts.len(), 2, "it is asked for whoever waits, and nobody waits for this");
    tab.pass(cool_down_length(1));
    tab.get(&EAGER);
    assert_eq!(tab.attempts.len(), 3);
}

#[test]
fn rule_13_a_retry_after_without_bounds_is_obeyed_for_an_hour() {
    let endless = 1_000 * HOUR;
    let mut tab = Tab::new(Cache::Session);
    tab.get(&PLAIN);
    tab.fail(tab.latest(), Failure::of_status(503, Some(endless)));
    assert_eq!(refused_with(&tab.get(&PLAIN)).and_then(|failure| failure.retry_after), Some(LONGEST_RETRY_AFTER));
    tab.online();
    tab.pass(LONGEST_RETRY_AFTER - 1);
    assert!(refused_with(&tab.get(&PLAIN)).is_some());
    tab.pass(1);
    // In pauses, too, of whoever is that patient.
    let patient = Policy { patience: 2 * HOUR, ..PLAIN };
    tab.get(&patient);
    tab.fail(tab.latest(), Failure::of_status(429, Some(endless)));
    assert_eq!(tab.outcome(), None);
    tab.online();
    tab.pass(LONGEST_RETRY_AFTER - 1);
    assert_eq!(tab.attempts.len(), 2);
    tab.pass(1);
    assert_eq!(tab.latest().number, 2);
    // One in the past asks for nothing.
    tab.fail(tab.latest(), Failure::of_status(503, Some(-HOUR)));
    assert!(tab.session.next_wake().unwrap() > tab.now.monotonic);
}

#[test]
fn rule_12_a_handle_with_a_large_margin_leaves_the_record_to_others() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.pass(10 * MINUTE);
    tab.reload();
    let cautious = Policy { margin: Some(2 * HOUR), ..PLAIN };
    assert!(!tab.has(&cautious));
    assert!(tab.was_told(|event| *event == Event::Restored { remaining: 50 * MINUTE - 30 * SECOND }));
    assert!(tab.stored.is_some());
    assert_eq!(cached(&tab.get(&PLAIN)), Some("one"));
}

#[test]
fn rule_12_a_record_within_the_ordinary_margin_is_over_whatever_margin_a_handle_has() {
    for (margin, is_restored) in [(None, false), (Some(2 * HOUR), false), (Some(0), true)] {
        let mut tab = Tab::new(Cache::Session);
        tab.fetch("one", 3_600);
        tab.pass(HOUR - 30 * SECOND);
        tab.reload();
        assert_eq!(tab.has(&Policy { margin, ..PLAIN }), is_restored);
        assert_eq!(tab.stored.is_some(), is_restored);
    }
}
