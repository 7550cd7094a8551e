//! Rule 23 by example: an attempt waits for its turn among the tabs, and takes what another one hands on.

use custom_identity_provider::core::{
    Attempt, Cache, Caller, Effect, ErrorCode, Event, Failure, Grant, Kind, Policy, Reading, Reason, TURN_GRACE,
};
use serde_json::{Value, json};
use std::rc::Rc;

use super::{PLAIN, raw};
use crate::stage::json::{Json, signed};
use crate::stage::{HOUR, MINUTE, SECOND, START, Stage, livechat, settings, signed_jwt};

const PAGE: Caller = Caller(1);
const MARK: &str = "a mark";

/// What the session said, by kind.
#[derive(Default)]
struct Heard {
    begun: Vec<Attempt>,
    resolved: Vec<Rc<Grant>>,
    rejected: Vec<ErrorCode>,
    stops: usize,
    stored: usize,
    dropped: usize,
    events: Vec<Event>,
}

fn heard(stage: &mut Stage) -> Heard {
    let mut heard = Heard::default();
    for said in stage.take() {
        match said.effect {
            Effect::Begin(attempt) => {
                stage.wait_for_turn(attempt);
                heard.begun.push(attempt);
            }
            Effect::Resolve(_, grant) => heard.resolved.push(grant),
            Effect::Reject(_, failure) | Effect::Refuse(.., failure) => heard.rejected.push(failure.code),
            Effect::Stop(_) => heard.stops += 1,
            Effect::Store(_) => heard.stored += 1,
            Effect::Drop(_) => heard.dropped += 1,
            Effect::Emit(event) => heard.events.push(event),
            Effect::Confirm(_) | Effect::Forget => {}
        }
    }
    heard
}

fn tab() -> Stage {
    Stage::new(settings(Cache::Session, livechat()))
}

/// A tab that asked for a token, and waits for its turn.
fn waiting() -> (Stage, Attempt) {
    let mut stage = tab();
    stage.get_token(PAGE, &PLAIN);
    let attempt = heard(&mut stage).begun[0];
    (stage, attempt)
}

/// What a tab of this person hands on, whose source was asked at this time.
fn record_of(person: &'static str, kind: Kind, at: i64, answer: Value) -> Value {
    let mut other = Stage::new(settings(Cache::Session, kind));
    other.person = Some(person);
    other.advance(at);
    other.get_token(PAGE, &PLAIN);
    let attempt = heard(&mut other).begun[0];
    other.take_turn(attempt);
    other.ask(attempt, &PLAIN);
    other.answer(attempt, &Json(answer).answer());
    other.handed_on(MARK).unwrap()
}

fn anns(at: i64) -> Value {
    record_of("ann", livechat(), at, raw("one", 3_600))
}

fn is_taken(stage: &mut Stage, attempt: Attempt, record: Value) -> bool {
    stage.offer(attempt, &PLAIN, MARK, record);
    heard(stage).events.iter().any(|event| matches!(event, Event::RequestShared { .. }))
}

#[test]
fn rule_23_what_another_tab_got_answers_everyone_who_waits_and_is_kept() {
    let (mut stage, attempt) = waiting();
    stage.get_token(Caller(2), &PLAIN);
    stage.offer(attempt, &PLAIN, MARK, anns(-10 * MINUTE));
    let heard = heard(&mut stage);
    assert_eq!((heard.resolved.len(), heard.stored), (1, 1));
    assert_eq!(heard.resolved[0].lifetime.created, START - 10 * MINUTE);
    let shared = Event::RequestShared { request: attempt.request.0, remaining: 50 * MINUTE };
    assert!(heard.events.contains(&shared), "{:?}", heard.events);
    assert!(!heard.events.iter().any(|event| matches!(event, Event::RequestSucceeded { .. })));
    assert_eq!(stage.has_token(PAGE, &PLAIN), Ok(true));
    stage.advance(50 * MINUTE);
    assert_eq!(stage.has_token(PAGE, &PLAIN), Ok(false), "it does not live longer here");
}

#[test]
fn rule_23_only_what_is_the_persons_of_this_time_and_usable_is_taken() {
    let with = |field: &str, value: Value| {
        let mut record = anns(0);
        record[field] = value;
        record
    };
    let wrong = [
        ("another person's", record_of("bob", livechat(), 0, raw("bob's", 3_600))),
        ("of before a sign-out", with("generation", json!("an earlier mark"))),
        ("of another version", with("version", json!(2))),
        ("from the future", with("creationDate", json!(START + 6 * SECOND))),
        ("over", with("creationDate", json!(START - HOUR))),
        ("within the margin of its end", with("creationDate", json!(START - HOUR + 30 * SECOND))),
        ("without a lifetime", with("expiresIn", json!("for ever"))),
        ("no record", json!("a token")),
    ];
    for (what, record) in wrong {
        let (mut stage, attempt) = waiting();
        assert!(!is_taken(&mut stage, attempt, record), "{what}");
        assert!(stage.session.is_running(attempt), "{what}: it waits on");
        assert!(is_taken(&mut stage, attempt, anns(0)), "{what}: what is right is taken after it");
    }
}

#[test]
fn rule_23_a_code_is_never_taken() {
    let mut stage = Stage::new(settings(Cache::None, Kind::Code));
    stage.get_token(PAGE, &PLAIN);
    let attempt = heard(&mut stage).begun[0];
    assert!(!is_taken(&mut stage, attempt, anns(0)));
}

#[test]
fn rule_23_a_fresh_token_is_not_older_than_the_call_also_where_the_call_joins() {
    let mut stage = tab();
    stage.get_fresh_token(PAGE, &PLAIN);
    let attempt = heard(&mut stage).begun[0];
    assert_eq!(attempt.reason, Reason::Fresh);
    assert!(!is_taken(&mut stage, attempt, anns(-1)));
    assert!(is_taken(&mut stage, attempt, anns(0)));

    let (mut stage, attempt) = waiting();
    stage.advance(SECOND);
    stage.get_fresh_token(PAGE, &PLAIN);
    assert!(!is_taken(&mut stage, attempt, anns(0)), "who joined wants a newer one");
    stage.advance(SECOND);
    assert!(is_taken(&mut stage, attempt, anns(SECOND)));
}

#[test]
fn rule_23_a_refresh_ahead_takes_a_newer_token_only() {
    let mut stage = tab();
    let eager = Policy { refresh_ahead: HOUR, ..PLAIN };
    stage.get_token(PAGE, &eager);
    let attempt = heard(&mut stage).begun[0];
    assert!(is_taken(&mut stage, attempt, anns(0)));
    stage.advance(40 * MINUTE);
    stage.get_token(PAGE, &eager);
    let ahead = heard(&mut stage).begun[0];
    assert_eq!(ahead.reason, Reason::Ahead);
    assert!(!is_taken(&mut stage, ahead, anns(0)), "that one is in hand");
    stage.offer(ahead, &eager, MARK, anns(30 * MINUTE));
    assert_eq!(heard(&mut stage).dropped, 1);
    assert_eq!(stage.session.shareable(stage.now).unwrap().lifetime.created, START + 30 * MINUTE);
}

#[test]
fn rule_23_what_was_invalidated_does_not_come_back() {
    let (mut stage, attempt) = waiting();
    assert!(is_taken(&mut stage, attempt, anns(0)));
    stage.advance(SECOND);
    stage.invalidate();
    stage.advance(SECOND);
    stage.get_token(PAGE, &PLAIN);
    let attempt = heard(&mut stage).begun[0];
    assert!(!is_taken(&mut stage, attempt, anns(0)));
    assert!(!is_taken(&mut stage, attempt, anns(SECOND)));
    assert!(is_taken(&mut stage, attempt, anns(2 * SECOND)));

    // Who waited already when it was invalidated waits for what the own source says then, and that is kept.
    let (mut stage, attempt) = waiting();
    stage.invalidate();
    assert!(!is_taken(&mut stage, attempt, anns(0)));
    stage.take_turn(attempt);
    stage.ask(attempt, &PLAIN);
    stage.answer(attempt, &Json(raw("two", 3_600)).answer());
    assert_eq!(stage.has_token(PAGE, &PLAIN), Ok(true));
}

#[test]
fn rule_23_everyone_who_waits_says_who_is_signed_in_before_it_is_taken() {
    let (mut stage, attempt) = waiting();
    stage.person = Some("bob");
    stage.offer(attempt, &PLAIN, MARK, anns(0));
    let said = heard(&mut stage);
    assert_eq!((said.resolved.len(), said.rejected), (0, vec![ErrorCode::IdentityChanged]));

    let (mut stage, attempt) = waiting();
    stage.get_token(Caller(2), &PLAIN);
    stage.others.insert(Caller(2), Reading::Failed);
    stage.offer(attempt, &PLAIN, MARK, anns(0));
    let said = heard(&mut stage);
    assert_eq!((said.resolved.len(), said.rejected), (1, vec![ErrorCode::BadIdentity]));
}

#[test]
fn rule_23_the_time_of_an_attempt_begins_with_its_turn() {
    let (mut stage, attempt) = waiting();
    stage.advance(PLAIN.timeout + TURN_GRACE);
    stage.wake();
    assert_eq!(heard(&mut stage).stops, 0, "so long it may wait");
    stage.take_turn(attempt);
    stage.advance(PLAIN.timeout - 1);
    stage.wake();
    assert_eq!(heard(&mut stage).stops, 0);
    stage.ask(attempt, &PLAIN);
    stage.answer(attempt, &Json(raw("one", 3_600)).answer());
    let created = heard(&mut stage).resolved[0].lifetime.created;
    assert_eq!(created, START + PLAIN.timeout + TURN_GRACE, "it is from when its source was asked");
}

#[test]
fn rule_23_a_turn_that_never_comes_ends_the_attempt() {
    let (mut stage, _) = waiting();
    stage.advance(2 * PLAIN.timeout + TURN_GRACE);
    stage.wake();
    let said = heard(&mut stage);
    assert_eq!(said.stops, 1);
    assert!(said.events.iter().any(|event| matches!(event, Event::RequestRetrying { code: ErrorCode::TimedOut, .. })));
}

#[test]
fn rule_23_without_patience_the_source_has_its_whole_time_after_a_turn_that_was_waited_for() {
    let mut stage = tab();
    let impatient = Policy { patience: 0, ..PLAIN };
    stage.get_token(PAGE, &impatient);
    let attempt = heard(&mut stage).begun[0];
    stage.advance(PLAIN.timeout);
    stage.take_turn(attempt);
    stage.advance(PLAIN.timeout - 1);
    stage.wake();
    assert_eq!(heard(&mut stage).stops, 0);
    stage.advance(1);
    stage.wake();
    let said = heard(&mut stage);
    assert_eq!((said.stops, said.rejected), (1, vec![ErrorCode::TimedOut]));
}

#[test]
fn rule_23_who_waits_when_somebody_may_have_left_is_served_and_the_answer_is_kept() {
    let (mut stage, attempt) = waiting();
    stage.may_have_left();
    assert!(is_taken(&mut stage, attempt, anns(0)));
    assert_eq!(stage.has_token(PAGE, &PLAIN), Ok(true));
}

#[test]
fn rule_23_a_sign_out_rejects_who_waits_for_the_turn() {
    let (mut stage, attempt) = waiting();
    stage.sign_out(custom_identity_provider::core::SignOutOrigin::OtherTab);
    assert_eq!(heard(&mut stage).rejected, [ErrorCode::SignedOut]);
    assert!(!is_taken(&mut stage, attempt, anns(0)));
}

#[test]
fn rule_23_nothing_is_handed_on_that_is_over_or_was_forgotten() {
    let (mut stage, attempt) = waiting();
    assert!(is_taken(&mut stage, attempt, anns(0)));
    assert!(stage.handed_on(MARK).is_some());
    stage.advance(HOUR - 30 * SECOND);
    assert!(stage.handed_on(MARK).is_none());
    let (mut stage, attempt) = waiting();
    assert!(is_taken(&mut stage, attempt, anns(0)));
    stage.invalidate();
    assert!(stage.handed_on(MARK).is_none());
}

#[test]
fn rule_23_a_jwt_that_is_shared_does_not_live_twice() {
    let jwt = signed("jwt", START, HOUR);
    let mut stage = Stage::new(settings(Cache::Memory, signed_jwt()));
    stage.jwts.push(jwt.clone());
    stage.get_token(PAGE, &PLAIN);
    let attempt = heard(&mut stage).begun[0];
    let record = record_of("ann", signed_jwt(), 0, jwt);
    assert!(is_taken(&mut stage, attempt, record.clone()));
    stage.advance(2 * HOUR);
    stage.get_token(PAGE, &PLAIN);
    let attempt = heard(&mut stage).begun[0];
    let mut later = record;
    later["creationDate"] = json!(START + 2 * HOUR);
    assert!(!is_taken(&mut stage, attempt, later));
}

#[test]
fn rule_23_a_failure_is_tried_again_in_turn() {
    let (mut stage, attempt) = waiting();
    stage.take_turn(attempt);
    stage.ask(attempt, &PLAIN);
    stage.fail(attempt, Failure::of_status(503, None));
    stage.advance(5 * SECOND);
    stage.wake();
    let again = heard(&mut stage).begun[0];
    assert_eq!(again.number, 2);
    assert!(is_taken(&mut stage, again, anns(0)));
}
