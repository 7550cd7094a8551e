//! Rule 13 by example: deadlines, pauses, patience and cool-downs.

use custom_identity_provider::core::{
    BACKOFF_FIRST, BACKOFF_FLOOR, COOL_DOWN_CEILING, COOL_DOWN_FIRST, Cache, ErrorCode, Event, FREE_REFUSALS, Failure,
    Kind, LONGEST_RETRY_AFTER, Policy, Reply, SignOutOrigin, backoff_ceiling, cool_down_length,
};
use serde_json::json;

use super::tab::{Deed, Tab};
use super::{PLAIN, failed, raw, refusal, refused, refused_with, request, token, unavailable, waits_for};
use crate::stage::json::signed;
use crate::stage::{HOUR, MINUTE, SECOND, livechat, settings, signed_jwt};

#[test]
fn policy_defaults_are_the_documented_ones() {
    assert_eq!(Policy::default(), Policy { margin: None, refresh_ahead: 0, timeout: 10_000, patience: 30_000 });
}

#[test]
fn rule_13_an_attempt_has_a_deadline_and_a_request_gives_up_after_its_patience() {
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    let begun = tab.now.monotonic;
    while tab.outcomes() == [None] {
        tab.pass(1);
    }
    assert_eq!(tab.outcomes(), [failed(ErrorCode::TimedOut)]);
    assert!(tab.now.monotonic - begun <= PLAIN.patience);
    assert_eq!(tab.attempts.len(), 3, "10 s each, and a pause between");
    assert_eq!(tab.deeds.iter().filter(|deed| **deed == Deed::Stopped(1)).count(), 3);
    assert_eq!(tab.session.next_wake(), None);
}

#[test]
fn rule_13_what_may_pass_is_tried_again_after_a_bounded_pause() {
    let passing = [
        Failure::passing(ErrorCode::Network, "no network"),
        Failure::of_status(408, None),
        Failure::of_status(429, None),
        Failure::of_status(500, None),
        Failure::of_status(599, None),
    ];
    for failure in passing {
        let mut tab = Tab::new(Cache::Session);
        tab.get();
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
        tab.get();
        tab.fail(tab.latest(), Failure::of_status(status, None));
        assert_ne!(tab.outcomes(), [None], "{status}");
    }
}

#[test]
fn rule_13_retry_after_is_obeyed_by_pauses_and_by_the_cool_down() {
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    tab.fail(tab.latest(), Failure::of_status(429, Some(20 * SECOND)));
    tab.online();
    tab.pass(20 * SECOND - 1);
    assert_eq!(tab.attempts.len(), 1, "a returning network does not shorten what the source asked for");
    tab.pass(1);
    assert_eq!(tab.attempts.len(), 2);
    tab.fail(tab.latest(), Failure::of_status(503, Some(2 * MINUTE)));
    assert_eq!(tab.outcomes(), [failed(ErrorCode::Unavailable)]);
    tab.online();
    tab.pass(2 * MINUTE - 1);
    assert!(refused_with(&tab.get()).is_some());
    tab.pass(1);
    assert_eq!(waits_for(&tab.get()), Some(2));
}

#[test]
fn rule_13_online_ends_the_pause_and_the_cool_down() {
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    tab.fail(tab.latest(), Failure::passing(ErrorCode::Network, "no network"));
    tab.online();
    assert_eq!(tab.latest().number, 2);
    tab.fail(tab.latest(), refused());
    assert!(refused_with(&tab.get()).is_some());
    tab.online();
    assert_eq!(waits_for(&tab.get()), Some(2));
}

#[test]
fn rule_13_a_broken_source_sees_a_bounded_rate_however_often_it_is_asked() {
    let mut tab = Tab::new(Cache::Session);
    let mut begun = Vec::new();
    for _ in 0..100_000 {
        if waits_for(&tab.get()).is_some() {
            begun.push(tab.now.monotonic);
            tab.fail(tab.latest(), refused());
        } else {
            let reply = tab.fresh();
            let failure = refused_with(&reply).expect("a refusal");
            assert_eq!((failure.code, failure.retryable), (ErrorCode::CoolingDown, true));
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
        tab.get();
        tab.invalidate();
        tab.get();
        tab.fail(tab.latest(), refused());
        tab
    };
    let mut tab = cooling();
    tab.invalidate();
    assert!(refused_with(&tab.get()).is_some());
    let mut tab = cooling();
    tab.sign_out(SignOutOrigin::ThisTab);
    assert!(waits_for(&tab.get()).is_some());
    let mut tab = cooling();
    tab.person = None;
    assert!(waits_for(&tab.get()).is_some());
    let mut tab = cooling();
    tab.answer(tab.attempts[0], &raw("an older epoch's, but it works again", 3_600));
    assert!(waits_for(&tab.get()).is_some());
}

#[test]
fn rule_13_nonsense_is_not_asked_for_again_at_once() {
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    tab.answer(tab.latest(), &json!({ "access_token": "a secret" }));
    assert_eq!(tab.outcomes(), [failed(ErrorCode::BadAnswer)]);
    assert!(refused_with(&tab.get()).is_some());
}

#[test]
fn rule_13_an_attempt_that_was_given_up_has_nothing_more_to_say() {
    let mut tab = Tab::new(Cache::Session);
    tab.get();
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
fn rule_13_retry_after_lengthens_the_cool_down_and_a_shorter_one_does_not_shorten_it() {
    for (asked, length) in [(50 * SECOND, 50 * SECOND), (SECOND, cool_down_length(1))] {
        let mut tab = Tab::new(Cache::Session);
        tab.get();
        tab.fail(tab.latest(), Failure::of_status(403, Some(asked)));
        tab.pass(length - 1);
        assert!(refused_with(&tab.get()).is_some());
        tab.pass(1);
        assert!(waits_for(&tab.get()).is_some());
    }
}

#[test]
fn rule_13_an_exception_at_which_livechats_clients_stop_is_seen_again_in_the_cool_down() {
    for code in [ErrorCode::SsoIdentityException, ErrorCode::SsoOauthException] {
        let mut tab = Tab::new(Cache::Session);
        tab.get();
        tab.fail(tab.latest(), Failure::of_exception(code, "access_denied".to_owned(), Some(401), None));
        let reply = tab.get();
        let failure = refused_with(&reply).expect("a refusal");
        assert_eq!((failure.code, &*failure.message), (code, "access_denied"));
        assert_eq!(failure.retry_after, Some(cool_down_length(1)));
    }
}

#[test]
fn rule_13_a_later_failure_does_not_shorten_what_retry_after_asked_for() {
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    tab.invalidate();
    tab.get();
    tab.fail(tab.attempts[0], Failure::of_status(503, Some(100 * SECOND)));
    tab.fail(tab.attempts[1], refused());
    tab.online();
    tab.pass(100 * SECOND - 1);
    assert!(refused_with(&tab.get()).is_some());
    tab.pass(1);
    assert!(waits_for(&tab.get()).is_some());
}

#[test]
fn rule_13_no_failure_cuts_short_what_another_was_asked_to_wait_for() {
    let mut tab = Tab::with(settings(Cache::Memory, Kind::Code));
    tab.get();
    tab.get();
    let (first, second) = (tab.attempts[0], tab.attempts[1]);
    tab.fail(first, Failure::of_status(429, Some(HOUR)));
    tab.fail(second, refused());
    assert_eq!(refused_with(&tab.get()).and_then(|failure| failure.retry_after), Some(HOUR));
    tab.online();
    assert_eq!(refused_with(&tab.get()).and_then(|failure| failure.retry_after), Some(HOUR));
    tab.pass(HOUR);
    assert!(waits_for(&tab.get()).is_some());
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
            tab.get();
            tab.pass(SECOND);
            tab.fail(tab.latest(), unavailable());
            // The machine wakes up late, or the tab was frozen.
            tab.advance(late - SECOND);
            end_the_pause(&mut tab);
            assert_eq!(tab.attempts.len(), if begins { 2 } else { 1 }, "{late}");
            if begins {
                assert_eq!(tab.outcomes(), [None]);
                continue;
            }
            assert_eq!(tab.outcomes(), [failed(ErrorCode::Unavailable)]);
            assert_eq!(tab.rejected[0].1, unavailable());
            let event =
                Event::RequestFailed { request: 1, duration: late, code: ErrorCode::Unavailable, demanded: true };
            assert!(tab.was_told(|told| *told == event));
            assert_eq!(tab.session.next_wake(), None);
            // As after any failure, the next call begins after the cool-down.
            assert!(refused_with(&tab.get()).is_some());
            tab.pass(cool_down_length(1));
            assert_eq!(waits_for(&tab.get()), Some(2));
        }
    }
}

#[test]
fn rule_13_a_retry_after_without_bounds_is_obeyed_for_an_hour() {
    let endless = 1_000 * HOUR;
    let mut tab = Tab::new(Cache::Session);
    tab.get();
    tab.fail(tab.latest(), Failure::of_status(503, Some(endless)));
    assert_eq!(refused_with(&tab.get()).and_then(|failure| failure.retry_after), Some(LONGEST_RETRY_AFTER));
    tab.online();
    tab.pass(LONGEST_RETRY_AFTER - 1);
    assert!(refused_with(&tab.get()).is_some());
    tab.pass(1);
    // In pauses, too, of whoever is that patient.
    let patient = Policy { patience: 2 * HOUR, ..PLAIN };
    tab.get_under(&patient);
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
fn rule_13_signing_in_ends_no_pause_and_no_request() {
    let mut tab = Tab::with(settings(Cache::Memory, signed_jwt()));
    tab.get();
    tab.fail(tab.latest(), Failure::of_status(503, Some(5 * SECOND)));
    let wake = tab.session.next_wake();
    tab.signed_in();
    assert_eq!((tab.session.next_wake(), tab.attempts.len()), (wake, 1));
    tab.pass(6 * SECOND);
    tab.answer(tab.latest(), &signed("one", tab.now.wall, HOUR));
    assert_eq!(tab.outcomes(), [token("one")]);
}

#[test]
fn rule_13_requests_that_fail_side_by_side_are_one_failure() {
    let mut tab = Tab::with(settings(Cache::Memory, Kind::Code));
    for _ in 0..6 {
        tab.get();
    }
    let first: Vec<_> = tab.attempts.clone();
    for attempt in &first[..5] {
        tab.pass(10);
        tab.fail(*attempt, Failure::of_status(403, None));
    }
    tab.pass(cool_down_length(1) - 1);
    assert!(matches!(tab.get(), Reply::Refuse(_)));
    tab.pass(1);
    // One that begins after a failure that was counted counts, whatever of the earlier ones fails meanwhile.
    assert!(matches!(tab.get(), Reply::Wait(_)));
    let later = tab.latest();
    tab.pass(10);
    tab.fail(first[5], Failure::of_status(403, None));
    tab.pass(10);
    tab.fail(later, Failure::of_status(403, None));
    tab.pass(cool_down_length(2) - 1);
    assert!(matches!(tab.get(), Reply::Refuse(_)));
    tab.pass(1);
    assert!(matches!(tab.get(), Reply::Wait(_)));
}

#[test]
fn rule_13_pauses_are_spread() {
    // Full jitter: a hundred pages whose source failed at once do not come back at once.
    let pauses: std::collections::BTreeSet<i64> = (1..=100)
        .map(|seed| {
            let mut settings = settings(Cache::Memory, livechat());
            settings.seed = seed * 7_919;
            let mut tab = Tab::with(settings);
            tab.get();
            tab.fail(tab.latest(), Failure::of_status(503, None));
            tab.session.next_wake().unwrap() - tab.now.monotonic
        })
        .collect();
    assert!(pauses.len() > 50, "{pauses:?}");
    let middle = (BACKOFF_FLOOR + backoff_ceiling(1)) / 2;
    assert!(pauses.first().is_some_and(|pause| *pause < middle / 2 + BACKOFF_FLOOR / 2), "{pauses:?}");
    assert!(pauses.last().is_some_and(|pause| *pause > middle + (middle - BACKOFF_FLOOR) / 2), "{pauses:?}");
    // And one page does not come back in the same rhythm for ever.
    let mut tab = Tab::with(settings(Cache::Memory, Kind::Code));
    let pauses: std::collections::BTreeSet<i64> = (0..100)
        .map(|_| {
            tab.get();
            tab.fail(tab.latest(), Failure::of_status(503, None));
            let pause = tab.session.next_wake().unwrap() - tab.now.monotonic;
            tab.leave(tab.latest().request.0);
            pause
        })
        .collect();
    assert!(pauses.len() > 50, "{pauses:?}");
}

#[test]
fn rule_13_each_attempt_has_a_deadline_and_the_request_gives_up_after_its_patience() {
    let mut tab = Tab::new(Cache::Memory);
    let waiting = request(&tab.get());
    tab.pass(10_000);
    assert_eq!(tab.stops, [waiting], "a silent attempt is aborted");
    tab.pass(20_000);
    assert_eq!(tab.rejected[0].1.code, ErrorCode::TimedOut);
    assert_eq!(tab.session.next_wake(), None);
}

#[test]
fn rule_13_what_may_pass_is_tried_again_and_what_does_not_is_not() {
    for status in [408, 429, 500, 503, 599] {
        let mut tab = Tab::new(Cache::Memory);
        tab.get();
        let attempt = tab.latest();
        tab.fail(attempt, Failure::of_status(status, None));
        assert!(tab.rejected.is_empty(), "{status}");
        tab.pass(500);
        assert_eq!(tab.latest().number, 2, "{status}");
    }
    for status in [400, 401, 403, 404, 413] {
        let mut tab = Tab::new(Cache::Memory);
        tab.get();
        let attempt = tab.latest();
        tab.fail(attempt, Failure::of_status(status, None));
        assert_eq!(tab.rejected.len(), 1, "{status}");
        assert_eq!(tab.rejected[0].1.status, Some(status));
    }
}

#[test]
fn rule_13_retry_after_is_obeyed_also_when_the_network_returns() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    let attempt = tab.latest();
    tab.fail(attempt, Failure::of_status(429, Some(7_000)));
    tab.online();
    tab.pass(6_999);
    assert_eq!(tab.attempts.len(), 1);
    tab.pass(501);
    assert_eq!(tab.attempts.len(), 2);
}

#[test]
fn rule_13_a_retry_after_beyond_the_patience_ends_the_request_and_lengthens_the_cool_down() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    let attempt = tab.latest();
    tab.fail(attempt, Failure::of_status(503, Some(90_000)));
    assert_eq!(tab.rejected.len(), 1);
    assert_eq!(refusal(tab.get()).retry_after, Some(90_000));
}

#[test]
fn rule_13_a_network_that_returns_is_used_at_once() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    for number in 1..=5 {
        let attempt = tab.latest();
        assert_eq!(attempt.number, number);
        tab.fail(attempt, Failure::passing(ErrorCode::Network, "no network"));
        tab.online();
    }
}

#[test]
fn rule_13_the_cool_down_grows_and_ends_with_a_success() {
    let mut tab = Tab::new(Cache::Memory);
    let mut length = COOL_DOWN_FIRST;
    for _ in 0..8 {
        request(&tab.fresh());
        let attempt = tab.latest();
        tab.fail(attempt, Failure::of_status(403, None));
        let refused = refusal(tab.fresh());
        assert_eq!((refused.code, refused.retry_after), (ErrorCode::CoolingDown, Some(length)));
        tab.invalidate();
        assert_eq!(refusal(tab.get()).retry_after, Some(length), "invalidate is no way around it");
        tab.pass(length);
        length = (length * 2).min(COOL_DOWN_CEILING);
    }
    tab.fetch("one", 3_600);
    request(&tab.fresh());
}

#[test]
fn rule_13_the_network_the_sign_out_and_the_next_person_end_the_cool_down() {
    let ends: [fn(&mut Tab); 3] =
        [Tab::online, |tab| tab.sign_out(SignOutOrigin::ThisTab), |tab| tab.person = Some("grace")];
    for end in ends {
        let mut tab = Tab::new(Cache::Memory);
        tab.get();
        let attempt = tab.latest();
        tab.fail(attempt, Failure::of_status(403, None));
        refusal(tab.get());
        end(&mut tab);
        request(&tab.get());
    }
}

#[test]
fn rule_13_a_stopped_attempts_late_answer_changes_nothing() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    let first = tab.latest();
    tab.pass(10_500);
    assert_eq!(tab.latest().number, 2);
    tab.answer(first, &raw("late", 3_600));
    tab.fail(first, Failure::of_status(403, None));
    assert!(tab.resolved.is_empty() && tab.rejected.is_empty());
}

#[test]
fn rule_13_nobody_signed_in_is_said_at_once_and_somebody_who_signs_in_is_not_kept_waiting() {
    for kind in [signed_jwt(), Kind::Code] {
        let mut tab = Tab::with(settings(Cache::Memory, kind));
        tab.person = None;
        assert_eq!(refusal(tab.get()).code, ErrorCode::NotSignedIn);
        assert_eq!(refusal(tab.fresh()).code, ErrorCode::NotSignedIn);
        assert!(tab.attempts.is_empty(), "there is nothing to ask for");
        tab.person = Some("ann");
        request(&tab.get());
        let attempt = tab.latest();
        tab.answer(attempt, &json!(null));
        assert_eq!(tab.rejected[0].1.code, ErrorCode::NotSignedIn);
        request(&tab.get());
    }
}

#[test]
fn rule_13_a_retry_after_is_obeyed_for_an_hour_at_most() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    let attempt = tab.latest();
    tab.fail(attempt, Failure::of_status(503, Some(i64::MAX)));
    assert_eq!(refusal(tab.get()).retry_after, Some(LONGEST_RETRY_AFTER));
    tab.pass(LONGEST_RETRY_AFTER);
    tab.policy.patience = 3 * HOUR;
    request(&tab.get());
    let attempt = tab.latest();
    tab.fail(attempt, Failure::of_status(503, Some(i64::MAX)));
    let wake = tab.session.next_wake().unwrap() - tab.now.monotonic - LONGEST_RETRY_AFTER;
    assert!((BACKOFF_FLOOR..=BACKOFF_FIRST).contains(&wake), "{wake}");
}

#[test]
fn rule_13_requests_that_ran_side_by_side_fail_once() {
    let mut tab = Tab::with(settings(Cache::None, Kind::Code));
    for _ in 0..6 {
        tab.get();
    }
    for attempt in tab.attempts.clone() {
        tab.pass(1);
        tab.fail(attempt, Failure::of_status(403, None));
    }
    assert_eq!(refusal(tab.get()).retry_after, Some(COOL_DOWN_FIRST));
    tab.pass(COOL_DOWN_FIRST);
    request(&tab.get());
    let attempt = tab.latest();
    tab.fail(attempt, Failure::of_status(403, None));
    assert_eq!(refusal(tab.get()).retry_after, Some(2 * COOL_DOWN_FIRST));
}

#[test]
fn rule_13_a_refusal_does_not_shorten_a_cool_down() {
    let mut tab = Tab::with(settings(Cache::None, Kind::Code));
    for _ in 0..=FREE_REFUSALS + 1 {
        tab.get();
    }
    let attempts = tab.attempts.clone();
    tab.fail(attempts[0], Failure::of_status(403, Some(20_000)));
    for attempt in &attempts[1..] {
        tab.fail(*attempt, Failure::of_status(401, None));
    }
    assert_eq!(refusal(tab.get()).retry_after, Some(20_000));
}

#[test]
fn rule_13_patience_ends_to_the_millisecond() {
    let pause = |patience| {
        let mut tab = Tab::new(Cache::Memory);
        tab.policy.patience = patience;
        tab.get();
        let attempt = tab.latest();
        tab.fail(attempt, unavailable());
        (tab.session.next_wake().map(|due| due - tab.now.monotonic), tab)
    };
    let (length, _) = pause(30_000);
    let length = length.unwrap();
    assert!(pause(length).0.is_none(), "a pause that ends with its patience is not begun");
    let (again, mut tab) = pause(length + 1);
    assert_eq!(again, Some(length));
    // The timer is late by a millisecond, and patience is over.
    tab.now.monotonic += length + 1;
    tab.wake();
    assert_eq!(tab.rejected.len(), 1);
    assert_eq!(tab.attempts.len(), 1);
}

#[test]
fn rule_13_the_exceptions_that_pass_by_themselves_are_tried_again() {
    for (name, is_tried_again) in
        [("server_error", true), ("temporarily_unavailable", true), ("access_denied", false), ("", false)]
    {
        let mut tab = Tab::new(Cache::Memory);
        tab.get();
        let attempt = tab.latest();
        tab.fail(attempt, Failure::of_exception(ErrorCode::SsoOauthException, name.to_owned(), Some(400), None));
        assert_eq!(tab.rejected.is_empty(), is_tried_again, "{name}");
    }
}
