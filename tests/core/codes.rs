//! Codes by example: each for one call, none kept; and the widgets that authenticate people, while nobody is signed in.

use custom_identity_provider::core::{
    Answer, Cache, Code, Event, FREE_REFUSALS, Failure, Kind, Policy, Rejection, Reply,
};
use serde_json::json;

use crate::tab::{Deed, HOUR, Outcome, SECOND, Tab, finished, settings, signed};

const PLAIN: Policy = Policy { margin: None, refresh_ahead: 0, timeout: 10_000, patience: 30_000 };
const EAGER: Policy = Policy { refresh_ahead: HOUR, ..PLAIN };

fn tab(cache: Cache) -> Tab {
    Tab::with(settings(cache, Kind::Code))
}

/// A tab whose page says who is signed in, for a widget that authenticates people.
fn tab_that_knows(kind: Kind) -> Tab {
    let mut settings = settings(Cache::Session, kind);
    settings.is_identified = true;
    Tab::with(settings)
}

fn both_kinds() -> [Kind; 2] {
    [Kind::Code, Kind::Jwt { may_be_encrypted: false }]
}

fn code(text: &str) -> Option<Outcome> {
    Some(Outcome::Token(text.to_owned()))
}

fn failed(code: Code) -> Option<Outcome> {
    Some(Outcome::Failed(code))
}

#[test]
fn rule_15_every_call_begins_a_request_of_its_own() {
    let mut tab = tab(Cache::Memory);
    let replies = [tab.get(&PLAIN), tab.fresh(&PLAIN), tab.get(&EAGER)];
    assert!(replies.iter().all(|reply| matches!(reply, Reply::Wait(_))));
    assert_eq!(tab.attempts.len(), 3);
    assert!(!tab.was_told(|event| matches!(event, Event::Joined { .. })));
    tab.answer_with_code(tab.attempts[1], "second");
    assert_eq!(tab.outcomes(), [None, code("second"), None]);
    tab.fail(tab.attempts[0], Failure::of_status(403, None));
    assert_eq!(tab.outcomes(), [failed(Code::Refused), code("second"), None]);
    tab.answer_with_code(tab.attempts[2], "third");
    assert_eq!(tab.outcomes()[2], code("third"));
}

#[test]
fn rule_15_a_code_enters_no_cache_whatever_its_form() {
    for cache in [Cache::None, Cache::Memory, Cache::Session] {
        let mut tab = tab(cache);
        tab.get(&PLAIN);
        tab.answer_with_code(tab.latest(), "a code");
        tab.get(&PLAIN);
        tab.answer(tab.latest(), &json!({ "ssoKey": "another", "redirect_uri": "https://example.com" }));
        assert_eq!(tab.outcomes(), [code("a code"), code("another")]);
        for request in [1, 2] {
            let event = Event::RequestSucceeded { request, duration: 0, lifetime: 0, cached: false };
            assert!(tab.was_told(|told| *told == event), "{:?}", tab.deeds);
        }
        assert!(!tab.has(&PLAIN));
        assert_eq!(tab.stored, None);
        assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
    }
}

#[test]
fn rule_15_a_record_is_never_taken_for_a_code() {
    let mut tab = tab(Cache::Session);
    let mut record = finished("token", HOUR, tab.now.wall);
    record["version"] = json!(1);
    record["scope"] = json!(tab.scope());
    record["generation"] = json!("1");
    for name in ["token", "ssoKey", "redirect_uri"] {
        record[name] = json!("a code");
    }
    tab.stored = Some(record);
    assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
    assert_eq!(tab.stored, None);
    assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Corrupt }));
}

#[test]
fn rule_15_a_caller_who_leaves_takes_only_the_own_request_along() {
    let mut tab = tab(Cache::Memory);
    tab.get(&PLAIN);
    tab.get(&PLAIN);
    tab.leave(1);
    assert!(tab.deeds.contains(&Deed::Stopped(1)) && !tab.deeds.contains(&Deed::Stopped(2)));
    tab.answer_with_code(tab.attempts[0], "nobody's");
    tab.answer_with_code(tab.attempts[1], "hers");
    assert_eq!(tab.outcomes(), [None, code("hers")]);
}

#[test]
fn rule_21_what_is_no_code_is_named() {
    let spoilt = |name: &str, value: serde_json::Value| {
        let mut answer = json!({ "ssoKey": "a code", "redirect_uri": "https://example.com" });
        answer[name] = value;
        answer
    };
    for (answer, named) in [
        (spoilt("ssoKey", json!(null)), "the answer's ssoKey is null"),
        (spoilt("ssoKey", json!("")), "the answer's ssoKey is an empty string"),
        (spoilt("redirect_uri", json!(5)), "the answer's redirect_uri is a number"),
        (json!({ "code": "a code" }), "the answer's ssoKey is missing"),
        (json!({ "ssoKey": "a code" }), "the answer's redirect_uri is missing"),
    ] {
        let mut tab = tab(Cache::Memory);
        tab.get(&PLAIN);
        tab.answer(tab.latest(), &answer);
        assert_eq!(tab.outcomes(), [failed(Code::BadAnswer)]);
        let message = &tab.failures[0].message;
        assert!(message.starts_with(named) && !message.contains("a code"), "{message}");
    }
    for (answer, found) in [(Answer::Text(""), "string"), (Answer::Other("a function"), "a function")] {
        let mut tab = tab(Cache::Memory);
        tab.get(&PLAIN);
        tab.answer_with(tab.latest(), &answer);
        assert_eq!(tab.outcomes(), [failed(Code::BadAnswer)]);
        assert!(tab.failures[0].message.contains(found) && tab.failures[0].message.contains("ssoKey"));
    }
}

#[test]
fn rule_27_null_says_that_nobody_is_signed_in_and_who_signs_in_need_not_wait() {
    for kind in both_kinds() {
        let mut tab = Tab::with(settings(Cache::Memory, kind));
        for refused in 1..=FREE_REFUSALS + 1 {
            assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)), "{refused}");
            tab.answer_with(tab.latest(), &Answer::Null);
            assert_eq!(tab.outcome(), failed(Code::NotSignedIn));
        }
        assert!(tab.failures.iter().all(|failure| !failure.retryable));
        assert!(matches!(tab.get(&PLAIN), Reply::Refuse(failure) if failure.code == Code::NotSignedIn));
        tab.signed_in();
        assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
        // The refusals before count no more either.
        tab.answer_with(tab.latest(), &Answer::Null);
        assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
    }
}

#[test]
fn rule_21_null_is_no_token_of_livechats() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get(&PLAIN);
    tab.answer_with(tab.latest(), &Answer::Null);
    assert_eq!(tab.outcomes(), [failed(Code::BadAnswer)]);
    assert!(tab.failures[0].message.starts_with("the source's answer is null"));
}

#[test]
fn rule_08_for_nobody_the_source_is_not_asked() {
    for kind in both_kinds() {
        let mut tab = tab_that_knows(kind);
        tab.person = None;
        for reply in [tab.get(&PLAIN), tab.fresh(&PLAIN), tab.get(&EAGER)] {
            assert_eq!(reply, Reply::Refuse(Failure::nobody_signed_in()));
        }
        assert!(!tab.has(&PLAIN));
        tab.pass(HOUR);
        assert_eq!(tab.attempts, []);
        assert!(!tab.was_told(|event| matches!(event, Event::CoolingDown { .. } | Event::RequestFailed { .. })));
        tab.person = Some("ann");
        assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)), "no cool-down");
        // Who leaves takes the request along, and again nobody is asked for.
        tab.person = None;
        assert_eq!(tab.get(&PLAIN), Reply::Refuse(Failure::nobody_signed_in()));
        assert_eq!(tab.outcomes(), [failed(Code::IdentityChanged)]);
        assert_eq!(tab.session.next_wake(), None);
    }
}

#[test]
fn rule_08_who_does_not_say_who_is_signed_in_is_served_all_the_same() {
    for kind in both_kinds() {
        let mut tab = Tab::with(settings(Cache::Memory, kind));
        tab.person = None;
        assert!(matches!(tab.get(&PLAIN), Reply::Wait(_)));
        assert!(matches!(tab.fresh(&PLAIN), Reply::Wait(_)));
    }
}

#[test]
fn rule_08_a_jwt_is_gone_with_its_person() {
    let mut tab = tab_that_knows(Kind::Jwt { may_be_encrypted: false });
    tab.fetch_jwt("ann's", 0, HOUR);
    assert!(tab.stored.is_some());
    tab.person = None;
    assert_eq!(tab.get(&PLAIN), Reply::Refuse(Failure::nobody_signed_in()));
    assert_eq!(tab.stored, None);
    tab.person = Some("ann");
    assert!(!tab.has(&PLAIN));
}

#[test]
fn rule_13_signing_in_ends_no_pause_and_no_request() {
    let mut tab = Tab::with(settings(Cache::Memory, Kind::Jwt { may_be_encrypted: false }));
    tab.get(&PLAIN);
    tab.fail(tab.latest(), Failure::of_status(503, Some(5 * SECOND)));
    let wake = tab.session.next_wake();
    tab.signed_in();
    assert_eq!((tab.session.next_wake(), tab.attempts.len()), (wake, 1));
    tab.pass(6 * SECOND);
    tab.answer(tab.latest(), &signed("one", tab.now.wall, HOUR));
    assert_eq!(tab.outcomes(), [code("one")]);
}
