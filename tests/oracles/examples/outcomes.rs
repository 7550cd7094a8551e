//! The table of `src/core/outcome.rs`: what a source's failure means, every row of it.

use std::collections::BTreeSet;

use custom_identity_provider::core::{ErrorCode, Facts, Failure};

fn of_status(status: f64) -> Facts {
    Facts { status: Some(status), ..Facts::default() }
}

fn found(what: &str) -> Facts {
    Facts { found: Some(what.to_owned()), ..Facts::default() }
}

fn exception(name: &str) -> Facts {
    Facts { identity_exception: Some(name.to_owned()), status: Some(401.0), ..Facts::default() }
}

fn oauth(name: &str) -> Facts {
    Facts { oauth_exception: Some(name.to_owned()), status: Some(400.0), ..Facts::default() }
}

fn identity_error(code: ErrorCode, retryable: bool) -> Facts {
    Facts {
        identity_error: Some((code, "said by the page".to_owned())),
        retryable: Some(retryable),
        ..Facts::default()
    }
}

fn nothing() -> Facts {
    Facts::default()
}

/// The row of the table, what was found, and what it has to mean.
fn rows() -> Vec<(u32, Facts, ErrorCode, bool)> {
    let everything_else = |facts: Facts| Facts {
        timed_out: true,
        mistaken: true,
        network: true,
        unclear: true,
        redirected: true,
        ..facts
    };
    let mut rows = vec![
        (1, identity_error(ErrorCode::NotSignedIn, false), ErrorCode::NotSignedIn, false),
        (1, identity_error(ErrorCode::SourceFailed, true), ErrorCode::SourceFailed, true),
        (1, Facts { status: Some(503.0), ..identity_error(ErrorCode::Refused, false) }, ErrorCode::Refused, false),
        (1, everything_else(identity_error(ErrorCode::BadOption, false)), ErrorCode::BadOption, false),
        (2, exception("identity_lost"), ErrorCode::SsoIdentityException, false),
        (2, exception("access_denied"), ErrorCode::SsoIdentityException, false),
        (2, exception("server_error"), ErrorCode::SsoIdentityException, true),
        (2, exception("temporarily_unavailable"), ErrorCode::SsoIdentityException, true),
        (2, Facts { status: Some(503.0), ..exception("invalid_request") }, ErrorCode::SsoIdentityException, false),
        (3, oauth("unauthorized_client"), ErrorCode::SsoOauthException, false),
        (3, oauth("server_error"), ErrorCode::SsoOauthException, true),
        (3, oauth("temporarily_unavailable"), ErrorCode::SsoOauthException, true),
        (4, everything_else(of_status(401.0)), ErrorCode::NotSignedIn, false),
        (5, everything_else(of_status(503.0)), ErrorCode::Unavailable, true),
        (6, everything_else(of_status(302.0)), ErrorCode::NotSignedIn, false),
        (7, everything_else(of_status(304.0)), ErrorCode::BadAnswer, false),
        (8, everything_else(of_status(403.0)), ErrorCode::Refused, false),
        (9, everything_else(found("a redirect")), ErrorCode::NotSignedIn, false),
        (9, found("a redirect"), ErrorCode::NotSignedIn, false),
        (10, found("a sign-in page"), ErrorCode::NotSignedIn, false),
        (10, Facts { redirected: true, ..found("a sign-in page") }, ErrorCode::NotSignedIn, false),
        (11, Facts { redirected: true, ..found("HTML") }, ErrorCode::NotSignedIn, false),
        (11, Facts { redirected: true, ..of_status(200.0) }, ErrorCode::NotSignedIn, false),
        (12, found("HTML"), ErrorCode::BadAnswer, false),
        (12, found("empty"), ErrorCode::BadAnswer, false),
        (12, Facts { redirected: true, ..found("empty") }, ErrorCode::BadAnswer, false),
        (12, found("no JSON"), ErrorCode::BadAnswer, false),
        (12, Facts { redirected: true, ..found("no JSON") }, ErrorCode::BadAnswer, false),
        (13, Facts { timed_out: true, ..nothing() }, ErrorCode::TimedOut, true),
        (
            13,
            Facts { timed_out: true, network: true, mistaken: true, unclear: true, ..nothing() },
            ErrorCode::TimedOut,
            true,
        ),
        (14, Facts { mistaken: true, ..nothing() }, ErrorCode::SourceFailed, false),
        (14, Facts { mistaken: true, network: true, unclear: true, ..nothing() }, ErrorCode::SourceFailed, false),
        (15, Facts { network: true, ..nothing() }, ErrorCode::Network, true),
        (15, Facts { network: true, unclear: true, ..nothing() }, ErrorCode::Network, true),
        (16, Facts { unclear: true, ..nothing() }, ErrorCode::SourceFailed, true),
        (17, nothing(), ErrorCode::SourceFailed, false),
        (17, of_status(200.0), ErrorCode::SourceFailed, false),
        (17, Facts { redirected: true, ..nothing() }, ErrorCode::SourceFailed, false),
        (17, of_status(99.0), ErrorCode::SourceFailed, false),
        (17, of_status(1_000.0), ErrorCode::SourceFailed, false),
        (17, of_status(-503.0), ErrorCode::SourceFailed, false),
        (17, of_status(f64::NAN), ErrorCode::SourceFailed, false),
        (17, of_status(f64::INFINITY), ErrorCode::SourceFailed, false),
        (17, of_status(70_039.0), ErrorCode::SourceFailed, false),
    ];
    for status in 300..1_000 {
        let (row, code, retryable) = match status {
            401 => (4, ErrorCode::NotSignedIn, false),
            408 | 429 => (5, ErrorCode::Unavailable, true),
            500..600 => (5, ErrorCode::Unavailable, true),
            302 | 303 | 307 => (6, ErrorCode::NotSignedIn, false),
            304 => (7, ErrorCode::BadAnswer, false),
            _ => (8, ErrorCode::Refused, false),
        };
        rows.push((row, of_status(f64::from(status)), code, retryable));
    }
    rows
}

#[test]
fn rule_13_every_row_of_the_table_is_what_it_says() {
    for (row, facts, code, retryable) in rows() {
        let failure = facts.clone().failure();
        assert_eq!((failure.code, failure.retryable), (code, retryable), "row {row}: {facts:?}");
    }
}

#[test]
fn rule_13_the_table_has_no_row_without_a_test_and_names_the_code_of_each() {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/core/outcome.rs")).unwrap();
    let table: Vec<(u32, &str)> = source
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "))
        .filter_map(|line| Some((line.split(' ').next()?.parse().ok()?, line)))
        .collect();
    let documented: BTreeSet<u32> = table.iter().map(|(row, _)| *row).collect();
    assert_eq!(table.len(), documented.len(), "two rows have one number");
    assert_eq!(documented, rows().into_iter().map(|(row, ..)| row).collect());
    for (row, _, code, _) in rows() {
        let line = table.iter().find(|(number, _)| *number == row).unwrap().1;
        assert!(row == 1 || line.contains(&format!("`{}`", code.as_str())), "row {row} is {code:?}: {line}");
    }
}

#[test]
fn rule_13_what_a_failure_says_of_itself_is_believed() {
    for (row, facts, code, retryable) in rows().into_iter().filter(|(row, ..)| !matches!(row, 1..4)) {
        for said in [true, false] {
            let failure = Facts { retryable: Some(said), ..facts.clone() }.failure();
            assert_eq!((failure.code, failure.retryable), (code, said), "row {row}, by itself {retryable}");
        }
    }
    for said in [true, false] {
        let failure = Facts { retryable: Some(said), ..exception("access_denied") }.failure();
        assert!(!failure.retryable, "LiveChat's clients stop at it");
    }
}

#[test]
fn rule_13_status_and_retry_after_are_kept_in_every_row() {
    for (row, facts, ..) in rows() {
        let failure = Facts { retry_after: Some(1_500.0), ..facts.clone() }.failure();
        let status = facts.status.filter(|status| (100.0..1_000.0).contains(status)).map(|status| status as u16);
        assert_eq!((failure.retry_after, failure.status), (Some(1_500), status), "row {row}: {facts:?}");
    }
}

#[test]
fn rule_13_a_retry_after_that_is_no_duration_is_none() {
    for (pause, expected) in [
        (-1.0, None),
        (f64::NEG_INFINITY, None),
        (f64::NAN, None),
        (0.0, Some(0)),
        (0.9, Some(0)),
        (7_000.0, Some(7_000)),
        (1e300, Some(i64::MAX)),
    ] {
        let failure = Facts { retry_after: Some(pause), ..of_status(503.0) }.failure();
        assert_eq!(failure.retry_after, expected, "{pause}");
    }
}

#[test]
fn rule_13_messages_say_what_happened_and_blame_nobody_else() {
    let message = |facts: Facts| facts.failure().message.into_owned();
    assert_eq!(
        message(of_status(304.0)),
        "the source's answer is not modified (HTTP 304), expected a token, which no cache may keep"
    );
    assert_eq!(message(found("empty")), "the source's answer is empty, expected JSON with access_token or accessToken");
    assert_eq!(message(found("HTML")), "the source's answer is HTML, expected JSON");
    assert_eq!(message(identity_error(ErrorCode::Refused, false)), "said by the page");
    assert_eq!(message(exception("identity_lost")), "identity_lost");
    for (row, facts, code, _) in rows() {
        let Failure { message, .. } = facts.failure();
        assert!(!message.is_empty());
        assert_eq!(
            message.contains("function given as source"),
            code == ErrorCode::SourceFailed && row > 1,
            "row {row}"
        );
    }
}
