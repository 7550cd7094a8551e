//! Rules 16, 21 and 22 by example: what a source's answer becomes.

use custom_identity_provider::core::{Account, Answer, Cache, ErrorCode, Event, Kind, Moment, read_answer};
use serde_json::json;

use super::tab::Tab;
use super::{finished_at, raw, token};
use crate::stage::json::{Json, finished};
use crate::stage::{MINUTE, START, settings, token_of};

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
    assert_eq!(failure.code, ErrorCode::BadAnswer);
    assert!(failure.message.contains("license_id"), "{}", failure.message);
}

#[test]
fn rule_16_a_token_has_the_account_when_it_is_known() {
    let account = Account { license_id: Some(12), organization_id: None };
    let mut tab = Tab::with(settings(Cache::Memory, Kind::Token(account)));
    tab.get();
    let attempt = tab.latest();
    let mut answer = raw("one", 60);
    answer["organization_id"] = json!("an organization");
    tab.answer(attempt, &answer);
    let token = token_of(&tab.resolved[0].1);
    assert_eq!(token.license_id, Some(12));
    assert_eq!(token.organization_id.as_deref(), Some("an organization"));
    assert_eq!(token.token_type, "Bearer");
    assert_eq!(token.expires_in, 60_000);
}

#[test]
fn rule_16_a_token_of_another_account_is_no_answer() {
    let account = Account { license_id: Some(12), organization_id: None };
    let mut tab = Tab::with(settings(Cache::Memory, Kind::Token(account)));
    tab.get();
    let attempt = tab.latest();
    let mut answer = raw("one", 60);
    answer["license_id"] = json!(13);
    tab.answer(attempt, &answer);
    assert_eq!(tab.rejected[0].1.code, ErrorCode::BadAnswer);
}

#[test]
fn rule_21_both_shapes_are_read_and_seconds_in_a_finished_token_are_suspected() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    tab.answer(tab.latest(), &finished("one", 28_800, tab.now.wall));
    assert_eq!(tab.outcomes(), [token("one")]);
    assert!(tab.was_told(|event| *event == Event::ShortLifetime { request: 1, lifetime: 28_800 }));
    tab.fresh();
    tab.deeds.clear();
    tab.answer(tab.latest(), &raw("two", 60));
    assert!(!tab.was_told(|event| matches!(event, Event::ShortLifetime { .. })), "60 s said in seconds are meant");
}

#[test]
fn rule_21_both_shapes_are_read_and_short_finished_tokens_are_suspected() {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    let attempt = tab.latest();
    tab.answer(
        attempt,
        &json!({ "accessToken": "one", "entityId": "e", "expiresIn": 28_800, "tokenType": "bearer", "creationDate": START }),
    );
    let token = token_of(&tab.resolved[0].1);
    assert_eq!((token.expires_in, token.token_type.as_str()), (28_800, "Bearer"));

    let mut raw_one = Tab::new(Cache::Memory);
    raw_one.fetch("one", 60);
    assert!(
        !raw_one.was_told(|event| matches!(event, Event::ShortLifetime { .. })),
        "seconds are the raw shape's own unit"
    );
    assert!(tab.was_told(|event| matches!(event, Event::ShortLifetime { lifetime: 28_800, .. })));
}

#[test]
fn rule_21_a_finished_token_of_a_hundred_seconds_is_not_suspected() {
    for (lifetime, is_suspected) in [(99_999, true), (100_000, false)] {
        let tab = finished_at(START, lifetime);
        assert_eq!(tab.was_told(|event| matches!(event, Event::ShortLifetime { .. })), is_suspected);
    }
}

#[test]
fn rule_22_another_entity_is_delivered_with_an_event() {
    let mut tab = Tab::new(Cache::Session);
    tab.fetch("one", 3_600);
    tab.reload();
    tab.get();
    tab.fresh();
    let mut other = raw("two", 3_600);
    other["entity_id"] = json!("another entity");
    tab.answer(tab.latest(), &other);
    assert_eq!(tab.outcomes(), [token("two")]);
    assert!(tab.was_told(|event| *event == Event::EntityChanged { request: 1 }));
    tab.fresh();
    tab.deeds.clear();
    tab.answer(tab.latest(), &other);
    assert!(!tab.was_told(|event| matches!(event, Event::EntityChanged { .. })), "only once");
    tab.person = Some("bob");
    tab.deeds.clear();
    tab.fetch("three", 3_600);
    assert!(!tab.was_told(|event| matches!(event, Event::EntityChanged { .. })), "another person is another entity");
}
