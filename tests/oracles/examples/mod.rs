//! Each rule by example, and the known faults of other token managers that this core must not have.

mod answers;
mod asking_together;
mod codes;
mod forgetting;
mod guests;
mod identities;
mod json_web_tokens;
mod leases;
mod lifetimes;
mod outcomes;
mod records;
mod refreshing_ahead;
mod retries;
mod sharing;
mod sign_outs;
mod signing_out;
mod tab;

use custom_identity_provider::core::{
    Cache, ErrorCode, Event, Failure, Kind, Policy, Reason, Rejection, Reply, RequestId, Settings,
};

use crate::stage::json::{self, finished};
use crate::stage::{HOUR, MINUTE, livechat, settings, signed_jwt, token_of};
use tab::{Outcome, Tab};

const PLAIN: Policy = Policy { margin: None, refresh_ahead: 0, timeout: 10_000, patience: 30_000 };
const EAGER: Policy = Policy { refresh_ahead: 10 * MINUTE, ..PLAIN };

fn token(text: &str) -> Option<Outcome> {
    Some(Outcome::Token(text.to_owned()))
}

fn failed(code: ErrorCode) -> Option<Outcome> {
    Some(Outcome::Failed(code))
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

fn both_kinds() -> [Kind; 2] {
    [Kind::Code, signed_jwt()]
}

fn nobody_signed_in() -> Failure {
    Failure::of_status(401, None)
}

/// A tab whose page does not say who is signed in.
fn tab_that_is_told_nothing(cache: Cache, kind: Kind) -> Tab {
    Tab::with(Settings { is_identified: false, ..settings(cache, kind) })
}

/// A tab whose page says that nobody is signed in, for now.
fn guests_tab(cache: Cache) -> Tab {
    let mut tab = Tab::with(settings(cache, livechat()));
    tab.person = None;
    tab
}

/// A tab that is loaded again, with Ann's record in storage, and does not know yet that she is signed in.
fn anns_tab_again() -> Tab {
    let mut tab = guests_tab(Cache::Session);
    tab.person = Some("ann");
    tab.fetch("ann's", 3_600);
    tab.pass(MINUTE);
    tab.reload();
    tab.person = None;
    tab
}

fn jwt_tab(cache: Cache) -> Tab {
    Tab::with(settings(cache, signed_jwt()))
}

fn is_skewed(event: &Event) -> bool {
    matches!(event, Event::ClockSkew { .. })
}

fn request(reply: &Reply) -> RequestId {
    match reply {
        Reply::Wait(request) => *request,
        other => panic!("expected a request, got {other:?}"),
    }
}

fn in_hand(reply: &Reply) -> String {
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

/// What a session makes of a JWT that it asked for: how long it lives still and whether the clocks disagree, or the failure.
fn given(tab: &mut Tab, answer: &serde_json::Value) -> Result<(i64, bool), Failure> {
    tab.forget_deeds();
    tab.fetch_answer(answer);
    match tab.rejected.pop() {
        Some((_, failure)) => Err(failure),
        None => {
            let is_skewed = tab.was_told(|event| matches!(event, Event::ClockSkew { .. }));
            Ok((tab.resolved[0].1.lifetime.remaining(tab.now, Some(0)), is_skewed))
        }
    }
}

/// The stored record with another value in this field is a miss, and removed.
fn is_missed(mut tab: Tab, field: &str, value: serde_json::Value, why: Rejection) {
    tab.stored.as_mut().unwrap()[field] = value;
    tab.reload();
    request(&tab.get());
    assert!(tab.stored.is_none(), "{field}");
    assert!(tab.was_told(|event| *event == Event::RecordRejected { why }), "{field}: {:?}", tab.deeds);
}

/// Fails this many requests one after the other, each begun as soon as it may.
fn refuse(tab: &mut Tab, times: u32) {
    for _ in 0..times {
        request(&tab.get());
        let attempt = tab.latest();
        tab.fail(attempt, Failure::of_status(401, None));
    }
}

/// A page whose token is in the last stretch of its life, and the background request that has just begun.
fn refreshing_ahead() -> Tab {
    let mut tab = Tab::new(Cache::Memory);
    tab.policy.refresh_ahead = HOUR;
    tab.fetch("one", 3_600);
    tab.pass(HOUR - HOUR / 3);
    in_hand(&tab.get());
    assert_eq!(tab.latest().reason, Reason::Ahead);
    tab
}

/// A finished token that says when it was made and how long it lives, as it is when it arrives at once.
fn finished_at(creation_date: i64, expires_in: i64) -> Tab {
    let mut tab = Tab::new(Cache::Memory);
    tab.get();
    tab.answer(tab.latest(), &finished("one", expires_in, creation_date));
    tab
}

/// An answer in the endpoint's raw shape.
fn raw(token: &str, seconds: i64) -> serde_json::Value {
    json::raw(token, "entity", seconds)
}
