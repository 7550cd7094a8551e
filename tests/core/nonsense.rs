//! Whatever a source answers, whatever lies in storage, whatever a JWT claims: nothing panics, and only a token becomes a token.
//!
//! Beyond what JSON can carry: NaN, infinities, functions. What is right is said here once more, field by field.

use custom_identity_provider::core::{
    Account, Answer, Code, LONGEST_LIFETIME, Lifetime, Moment, RECORD_VERSION, RecordScope, Rejection, Value, Warning,
    read_answer, read_record,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::schedules::object::{Object, number, text};

/// Stands wherever a secret might, so that a message which quotes it is seen.
const SECRET: &str = "Zq7-secret";
const NOW: i64 = 1_800_000_000_000;
const LARGEST_EXACT: f64 = 9_007_199_254_740_991.0;

fn any_value() -> impl Strategy<Value = Value> {
    let numbers = vec![
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE,
        f64::MAX,
        0.0,
        -0.0,
        -1.0,
        0.000_4,
        0.001,
        0.5,
        0.999,
        1.0,
        1.5,
        3_600.0,
        100_000_000_000.0,
        LONGEST_LIFETIME as f64 / 1_000.0,
        LONGEST_LIFETIME as f64,
        LONGEST_LIFETIME as f64 + 1.0,
        NOW as f64 / 1_000.0,
        NOW as f64,
        NOW as f64 + 5_000.0,
        NOW as f64 + 5_001.0,
        LARGEST_EXACT,
        LARGEST_EXACT + 1.0,
    ];
    prop_oneof![
        2 => Just(Value::Missing),
        1 => Just(Value::Null),
        4 => select(numbers).prop_map(Value::Number),
        2 => any::<f64>().prop_map(Value::Number),
        1 => (1..100_i64).prop_map(number),
        1 => select(vec!["", "Bearer", "BEARER", "macaroon", "1", "NaN", SECRET]).prop_map(text),
        1 => any::<bool>().prop_map(Value::Boolean),
        1 => select(vec!["an object", "an array", "a function"]).prop_map(Value::Other),
    ]
}

/// Up to three of these fields, replaced by anything.
fn spoilt(names: &'static [&'static str]) -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    prop::collection::vec((select(names), any_value()), 0..4)
}

fn replaced(object: Object, changes: &[(&'static str, Value)]) -> Object {
    changes.iter().fold(object, |object, (name, value)| match value {
        Value::Missing => object.without(name),
        value => object.with(name, value.clone()),
    })
}

fn value_of(object: &Object, name: &str) -> Value {
    custom_identity_provider::core::Fields::field(object, name)
}

fn is_text(value: &Value) -> bool {
    matches!(value, Value::Text(text) if !text.is_empty())
}

fn is_absent(value: &Value) -> bool {
    matches!(value, Value::Missing | Value::Null)
}

fn is_bearer(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.to_lowercase() == "bearer")
}

/// A lifetime is at least one and at most a year of whole milliseconds.
fn milliseconds(value: &Value, unit: f64) -> Option<i64> {
    let Value::Number(number) = value else { return None };
    let milliseconds = (number * unit).floor();
    (milliseconds >= 1.0 && milliseconds <= LONGEST_LIFETIME as f64).then_some(milliseconds as i64)
}

fn is_date(value: &Value) -> bool {
    matches!(value, Value::Number(number) if *number > 0.0 && *number < f64::INFINITY)
}

fn is_license(value: &Value) -> bool {
    matches!(value, Value::Number(number) if *number >= 1.0 && *number <= LARGEST_EXACT && number.fract() == 0.0)
}

/// The fields of an answer that are wrong.
fn wrong_fields(answer: &Object, account: &Account) -> Vec<&'static str> {
    let is_finished = value_of(answer, "accessToken") != Value::Missing;
    let field = |raw: &'static str, finished: &'static str| {
        let name = if is_finished { finished } else { raw };
        (name, value_of(answer, name))
    };
    let mut wrong = Vec::new();
    let mut check = |(name, value): (&'static str, Value), is_right: &dyn Fn(&Value) -> bool| {
        if !is_right(&value) {
            wrong.push(name);
        }
    };
    check(field("access_token", "accessToken"), &is_text);
    check(field("entity_id", "entityId"), &is_text);
    check(field("token_type", "tokenType"), &is_bearer);
    let unit = if is_finished { 1.0 } else { 1_000.0 };
    check(field("expires_in", "expiresIn"), &|value| milliseconds(value, unit).is_some());
    check(field("license_id", "licenseId"), &|value| {
        let is_ours = account.license_id.is_none_or(|ours| *value == number(ours));
        is_absent(value) || is_license(value) && is_ours
    });
    check(field("organization_id", "organizationId"), &|value| {
        let is_ours = account.organization_id.as_ref().is_none_or(|ours| *value == text(ours));
        is_absent(value) || is_text(value) && is_ours
    });
    if is_finished {
        check(field("", "creationDate"), &is_date);
    }
    wrong
}

fn account() -> impl Strategy<Value = Account> {
    (select(vec![None, Some(1), Some(5)]), select(vec![None, Some("an organization"), Some("another")]))
        .prop_map(|(license_id, organization)| Account { license_id, organization_id: organization.map(str::to_owned) })
}

/// When an attempt was sent and when its answer came: in order, long after each other, with a jump, or at the end of time.
fn moments() -> impl Strategy<Value = (Moment, Moment)> {
    let wall = || prop_oneof![4 => NOW - 60_000..=NOW, 1 => select(vec![0, 1, i64::MAX / 2, NOW - LONGEST_LIFETIME])];
    (wall(), wall(), 0..60_000_i64).prop_map(|(sent, now, duration)| {
        (Moment { wall: sent, monotonic: 5 }, Moment { wall: now, monotonic: 5 + duration })
    })
}

const RAW: &[&str] = &["access_token", "entity_id", "expires_in", "token_type", "license_id", "organization_id"];
const FINISHED: &[&str] =
    &["accessToken", "entityId", "expiresIn", "tokenType", "creationDate", "licenseId", "organizationId"];
const RECORD: &[&str] = &[
    "version",
    "scope",
    "generation",
    "accessToken",
    "entityId",
    "expiresIn",
    "tokenType",
    "creationDate",
    "licenseId",
    "organizationId",
];

fn raw() -> Object {
    crate::schedules::object::raw(SECRET, SECRET, 3_600).with("license_id", number(5))
}

fn finished() -> Object {
    crate::schedules::object::finished(SECRET, SECRET, 3_600_000, NOW).with("organizationId", text("an organization"))
}

fn record() -> Object {
    finished()
        .with("version", number(RECORD_VERSION))
        .with("scope", text("the scope"))
        .with("generation", text("the generation"))
}

fn check_answer(answer: &Object, account: &Account, sent: Moment, now: Moment) {
    let wrong = wrong_fields(answer, account);
    let (grant, warnings) = match read_answer(&Answer::Object(answer), account, sent, now) {
        Ok(read) => read,
        Err(failure) => {
            assert_eq!((failure.code, failure.retryable), (Code::BadAnswer, false));
            assert!(!failure.message.contains(SECRET), "{}", failure.message);
            let named = failure.message.strip_prefix("the answer's ").and_then(|rest| rest.split(' ').next());
            assert!(wrong.contains(&named.unwrap()), "{} – but wrong are {wrong:?}", failure.message);
            return;
        }
    };
    assert_eq!(wrong, Vec::<&str>::new(), "accepted all the same");
    let is_finished = value_of(answer, "accessToken") != Value::Missing;
    let lifetime = if is_finished {
        milliseconds(&value_of(answer, "expiresIn"), 1.0)
    } else {
        milliseconds(&value_of(answer, "expires_in"), 1_000.0)
    };
    let token = &grant.token;
    assert_eq!(Some(token.expires_in), lifetime);
    assert_eq!((grant.lifetime.created, grant.lifetime.expires_in), (token.creation_date, token.expires_in));
    assert_eq!(token.token_type, "Bearer");
    assert!(token.creation_date <= sent.wall, "created after it was asked for");
    let (license, organization) =
        if is_finished { ("licenseId", "organizationId") } else { ("license_id", "organization_id") };
    let answered = value_of(answer, license);
    let expected = if is_absent(&answered) { account.license_id.map(number) } else { Some(answered) };
    assert_eq!(token.license_id.map(number), expected);
    let answered = value_of(answer, organization);
    let expected = if is_absent(&answered) { account.organization_id.as_deref().map(text) } else { Some(answered) };
    assert_eq!(token.organization_id.as_deref().map(text), expected);
    let is_short = is_finished && token.expires_in < 100_000;
    assert_eq!(warnings.contains(&Warning::ShortLifetime), is_short);
    if warnings.contains(&Warning::ClockSkew) {
        assert!(is_finished, "the raw shape says nothing about when it was created");
        assert_eq!(token.creation_date, sent.wall);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rule_21_a_spoilt_raw_answer_is_refused_by_the_name_of_a_wrong_field(
        changes in spoilt(RAW), account in account(), (sent, now) in moments()
    ) {
        check_answer(&replaced(raw(), &changes), &account, sent, now);
    }

    #[test]
    fn rule_21_a_spoilt_finished_answer_is_refused_by_the_name_of_a_wrong_field(
        changes in spoilt(FINISHED), account in account(), (sent, now) in moments()
    ) {
        check_answer(&replaced(finished(), &changes), &account, sent, now);
    }

    #[test]
    fn rule_12_a_spoilt_record_is_a_miss(
        changes in spoilt(RECORD), (_, now) in moments(), margin in select(vec![None, Some(0), Some(4_000_000)])
    ) {
        let record = replaced(record(), &changes);
        let value = |name| value_of(&record, name);
        let expected = RecordScope { scope: "the scope", generation: "the generation" };
        let lifetime = milliseconds(&value("expiresIn"), 1.0);
        let is_well_formed = matches!(value("version"), Value::Number(_))
            && is_text(&value("scope"))
            && matches!(value("generation"), Value::Text(_))
            && is_text(&value("accessToken"))
            && is_text(&value("entityId"))
            && lifetime.is_some()
            && value("tokenType") == text("Bearer")
            && is_date(&value("creationDate"))
            && (is_absent(&value("licenseId")) || is_license(&value("licenseId")))
            && (value("organizationId") == Value::Missing || is_text(&value("organizationId")));
        let is_ours = value("version") == number(RECORD_VERSION)
            && value("scope") == text("the scope")
            && value("generation") == text("the generation");
        match read_record(&record, expected, now, margin) {
            Ok(grant) => {
                prop_assert!(is_well_formed && is_ours);
                let lifetime = lifetime.unwrap();
                let margin = margin.unwrap_or((lifetime / 10).min(30_000));
                let created = grant.token.creation_date;
                prop_assert!(matches!(value("creationDate"), Value::Number(date) if date.floor() == created as f64));
                prop_assert!(created <= now.wall + 5_000 && now.wall < created + lifetime - margin);
                prop_assert_eq!(grant.lifetime, Lifetime { created, expires_in: lifetime, created_monotonic: None });
            }
            Err(Rejection::Corrupt) => prop_assert!(!is_well_formed),
            Err(Rejection::Version | Rejection::Scope | Rejection::SignedOut) => prop_assert!(!is_ours),
            Err(Rejection::Future | Rejection::Expired) => {
                prop_assert!(is_well_formed && is_ours);
                let Value::Number(created) = value("creationDate") else { panic!("well-formed") };
                let lifetime = lifetime.unwrap();
                let margin = margin.unwrap_or((lifetime / 10).min(30_000));
                let is_from_the_future = created > now.wall as f64 + 5_000.0;
                prop_assert!(is_from_the_future || now.wall as f64 >= created.floor() + (lifetime - margin) as f64);
            }
        }
    }

    #[test]
    fn rule_10_claims_make_a_sane_lifetime_or_name_the_wrong_one(
        changes in spoilt(&["iat", "exp"]), (sent, now) in moments()
    ) {
        let right = Object(vec![("iat", number(NOW / 1_000)), ("exp", number(NOW / 1_000 + 3_600))]);
        let claims = replaced(right, &changes);
        let seconds = |claim| match value_of(&claims, claim) {
            Value::Number(seconds) if seconds > 0.0 && seconds < 100_000_000_000.0 => Some((seconds * 1_000.0) as i64),
            _ => None,
        };
        match (Lifetime::of_claims(&claims, sent, now), seconds("iat"), seconds("exp")) {
            (Ok((lifetime, _)), Some(issued), Some(expires)) => {
                prop_assert_eq!(lifetime.expires_in, expires - issued);
                prop_assert!(lifetime.expires_in > 0 && lifetime.expires_in <= LONGEST_LIFETIME);
                prop_assert!(lifetime.created <= sent.wall);
            }
            (Err(error), Some(issued), Some(expires)) => {
                prop_assert_eq!(error.claim, "exp");
                prop_assert!(expires - issued <= 0 || expires - issued > LONGEST_LIFETIME);
            }
            (Err(error), issued, expires) => {
                let is_named = (error.claim == "iat" && issued.is_none()) || (error.claim == "exp" && expires.is_none());
                prop_assert!(is_named, "{:?}", error);
            }
            (Ok(_), ..) => panic!("accepted: {claims:?}"),
        }
    }

    #[test]
    fn rule_12_any_bytes_in_storage_are_a_miss(bytes in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        // A right record, cut off or with bytes turned over.
        (0..300_usize, prop::collection::vec((0..300_usize, any::<u8>()), 0..4)).prop_map(|(length, flips)| {
            let mut bytes = br#"{"version":1,"scope":"the scope","generation":"the generation","accessToken":"t","entityId":"e","expiresIn":3600000,"tokenType":"Bearer","creationDate":1799999999000}"#.to_vec();
            for (position, byte) in flips {
                if let Some(flipped) = bytes.get_mut(position) {
                    *flipped = byte;
                }
            }
            bytes.truncate(length);
            bytes
        }),
    ]) {
        let Ok(json) = serde_json::from_slice::<serde_json::Value>(&bytes) else { return Ok(()) };
        let expected = RecordScope { scope: "the scope", generation: "the generation" };
        let now = Moment { wall: NOW, monotonic: 5 };
        if let Ok(grant) = read_record(&crate::tab::Json(json), expected, now, None) {
            prop_assert!(!grant.token.access_token.is_empty() && !grant.token.entity_id.is_empty());
            prop_assert!(grant.lifetime.is_usable(now, None));
            prop_assert!(Lifetime::is_sane(grant.token.expires_in));
        }
    }
}

#[test]
fn rule_21_an_answer_that_is_no_object_says_what_it_is() {
    let now = Moment { wall: NOW, monotonic: 5 };
    for kind in ["undefined", "a string", "a function"] {
        let failure = read_answer(&Answer::Other(kind), &Account::default(), now, now).unwrap_err();
        assert_eq!(failure.code, Code::BadAnswer);
        assert!(failure.message.contains(kind), "{}", failure.message);
    }
}
