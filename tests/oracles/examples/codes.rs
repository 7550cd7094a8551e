//! Rule 15 by example: codes, each for one call, none kept.

use custom_identity_provider::core::{
    Answer, Cache, ErrorCode, Event, Failure, Kind, RECORD_VERSION, Rejection, Reply,
};
use serde_json::json;

use super::tab::{Deed, Tab};
use super::{EAGER, failed, request, token, waits_for};
use crate::stage::json::finished;
use crate::stage::{HOUR, START, scope_of, settings};

fn code_tab(cache: Cache) -> Tab {
    Tab::with(settings(cache, Kind::Code))
}

#[test]
fn rule_15_a_single_use_code_is_neither_cached_nor_shared() {
    let mut tab = Tab::with(settings(Cache::Memory, Kind::Code));
    assert_eq!(waits_for(&tab.get()), Some(1));
    assert_eq!(waits_for(&tab.get()), Some(2));
    assert_eq!(waits_for(&tab.fresh()), Some(3));
    for (index, code) in ["a", "b", "c"].into_iter().enumerate() {
        tab.answer_with_code(tab.attempts[index], code);
    }
    assert_eq!(tab.outcomes(), [token("a"), token("b"), token("c")]);
    assert!(!tab.has());
    assert_eq!(waits_for(&tab.get()), Some(4));
}

#[test]
fn rule_15_every_call_begins_a_request_of_its_own() {
    let mut tab = code_tab(Cache::Memory);
    let replies = [tab.get(), tab.fresh(), tab.get_under(&EAGER)];
    assert!(replies.iter().all(|reply| matches!(reply, Reply::Wait(_))));
    assert_eq!(tab.attempts.len(), 3);
    assert!(!tab.was_told(|event| matches!(event, Event::Joined { .. })));
    tab.answer_with_code(tab.attempts[1], "second");
    assert_eq!(tab.outcomes(), [None, token("second"), None]);
    tab.fail(tab.attempts[0], Failure::of_status(403, None));
    assert_eq!(tab.outcomes(), [failed(ErrorCode::Refused), token("second"), None]);
    tab.answer_with_code(tab.attempts[2], "third");
    assert_eq!(tab.outcomes()[2], token("third"));
}

#[test]
fn rule_15_a_code_enters_no_cache_whatever_its_form() {
    for cache in [Cache::None, Cache::Memory, Cache::Session] {
        let mut tab = code_tab(cache);
        tab.get();
        tab.answer_with_code(tab.latest(), "a code");
        tab.get();
        tab.answer(tab.latest(), &json!({ "ssoKey": "another", "redirect_uri": "https://example.com" }));
        assert_eq!(tab.outcomes(), [token("a code"), token("another")]);
        for request in [1, 2] {
            let event = Event::RequestSucceeded { request, duration: 0, lifetime: 0, cached: false };
            assert!(tab.was_told(|told| *told == event), "{:?}", tab.deeds);
        }
        assert!(!tab.has());
        assert_eq!(tab.stored, None);
        assert!(matches!(tab.get(), Reply::Wait(_)));
    }
}

#[test]
fn rule_15_a_record_is_never_taken_for_a_code() {
    let mut tab = code_tab(Cache::Session);
    let mut record = finished("token", HOUR, tab.now.wall);
    record["version"] = json!(1);
    record["scope"] = json!(scope_of(tab.person));
    record["generation"] = json!("1");
    for name in ["token", "ssoKey", "redirect_uri"] {
        record[name] = json!("a code");
    }
    tab.stored = Some(record);
    assert!(matches!(tab.get(), Reply::Wait(_)));
    assert_eq!(tab.stored, None);
    assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Corrupt }));
}

#[test]
fn rule_15_a_caller_who_leaves_takes_only_the_own_request_along() {
    let mut tab = code_tab(Cache::Memory);
    tab.get();
    tab.get();
    tab.leave(1);
    assert!(tab.deeds.contains(&Deed::Stopped(1)) && !tab.deeds.contains(&Deed::Stopped(2)));
    tab.answer_with_code(tab.attempts[0], "nobody's");
    tab.answer_with_code(tab.attempts[1], "hers");
    assert_eq!(tab.outcomes(), [None, token("hers")]);
}

#[test]
fn rule_15_nothing_in_storage_is_a_code() {
    let mut tab = Tab::with(settings(Cache::Session, Kind::Code));
    tab.stored = Some(
        json!({ "version": RECORD_VERSION, "generation": "1", "scope": "scope of Some(\"ann\")", "creationDate": START,
                                "ssoKey": "a code", "redirect_uri": "https://liveperson.net" }),
    );
    request(&tab.get());
    assert!(tab.stored.is_none());
    assert!(tab.was_told(|event| *event == Event::RecordRejected { why: Rejection::Corrupt }));
}

#[test]
fn rule_15_single_use_codes_are_neither_cached_nor_shared() {
    let mut tab = Tab::with(settings(Cache::Memory, Kind::Code));
    let first = request(&tab.get());
    let second = request(&tab.get());
    assert_ne!(first, second);
    for attempt in tab.attempts.clone() {
        tab.answer(attempt, &json!("a code"));
    }
    assert!(!tab.has());
    assert_eq!(tab.resolved.len(), 2);
    assert!(!tab.deeds.iter().any(|deed| matches!(deed, Deed::Stored(_))));
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
        let mut tab = Tab::with(settings(Cache::None, Kind::Code));
        tab.get();
        let attempt = tab.latest();
        tab.answer(attempt, &answer.clone());
        match wrong {
            None => assert_eq!(tab.resolved.len(), 1, "{answer}"),
            Some(named) => {
                let failure = &tab.rejected[0].1;
                assert_eq!(failure.code, ErrorCode::BadAnswer, "{answer}");
                assert!(failure.message.contains(named), "{}", failure.message);
            }
        }
    }
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
        let mut tab = code_tab(Cache::Memory);
        tab.get();
        tab.answer(tab.latest(), &answer);
        assert_eq!(tab.outcomes(), [failed(ErrorCode::BadAnswer)]);
        let message = &tab.rejected[0].1.message;
        assert!(message.starts_with(named) && !message.contains("a code"), "{message}");
    }
    for (answer, found) in [(Answer::Text(""), "string"), (Answer::Other("a function"), "a function")] {
        let mut tab = code_tab(Cache::Memory);
        tab.get();
        tab.answer_with(tab.latest(), &answer);
        assert_eq!(tab.outcomes(), [failed(ErrorCode::BadAnswer)]);
        assert!(tab.rejected[0].1.message.contains(found) && tab.rejected[0].1.message.contains("ssoKey"));
    }
}

#[test]
fn rule_21_null_is_no_token_of_livechats() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    tab.answer_with(tab.latest(), &Answer::Null);
    assert_eq!(tab.outcomes(), [failed(ErrorCode::BadAnswer)]);
    assert!(tab.rejected[0].1.message.starts_with("the source's answer is null"));
}
