//! Whatever a source answers, whatever lies in storage, whatever a JWT claims: nothing panics, and only a token becomes a token.
//!
//! Beyond what JSON can carry: NaN, infinities, functions. What is right is said here once more, field by field.

use custom_identity_provider::core::{
    Account, Answer, Credential, ErrorCode, Grant, Jwt, Kind, LONGEST_LIFETIME, Lifetime, Moment, RECORD_VERSION,
    RecordScope, Rejection, Token, Value, Warning, read_answer, read_record,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::stage::object::{Object, number, text};
use crate::stage::{jwt_kind, signed_jwt};

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
        2.0,
        3.0,
        5.0,
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
        1 => select(vec!["", "Bearer", "BEARER", "macaroon", "1", "NaN", "RS256", "RSA-OAEP-256", "none", SECRET]).prop_map(text),
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

/// When a JWT is issued, to the millisecond, and how long it lives.
fn jwt_lifetime() -> impl Strategy<Value = (i64, i64)> {
    let issued = prop_oneof![NOW - 10..NOW + 10, NOW - 60_000..NOW + 60_000, NOW - LONGEST_LIFETIME..NOW];
    (issued, prop_oneof![1..10_000_i64, 1..LONGEST_LIFETIME])
}

/// A NumericDate as milliseconds since 1970, if it is one: below what would be a date in milliseconds.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Number(seconds) if *seconds > 0.0 && *seconds < 1e11 => Some((seconds * 1_000.0).floor() as i64),
        _ => None,
    }
}

/// What is wrong with a JWT that was taken apart, as a failure names it.
fn wrong_in_jwt(taken_apart: &Object, may_be_encrypted: bool) -> Vec<&'static str> {
    let value = |name| value_of(taken_apart, name);
    let is_encrypted = value("parts") == number(5);
    let algorithm = if is_encrypted { "RSA-OAEP-256" } else { "RS256" };
    let (issued, expires) = (seconds(&value("iat")), seconds(&value("exp")));
    let is_lifetime = issued.zip(expires).is_none_or(|(issued, expires)| {
        let lifetime = expires - issued;
        (1..=LONGEST_LIFETIME).contains(&lifetime)
    });
    let rules = [
        ("the answer's token", matches!(value("token"), Value::Text(_))),
        ("the JWT's form", value("parts") == number(3) || is_encrypted && may_be_encrypted),
        ("the JWT's alg", value("alg") == text(algorithm)),
        ("the JWT's iat", issued.is_some()),
        ("the JWT's exp", expires.is_some() && is_lifetime),
    ];
    rules.into_iter().filter(|(_, is_right)| !is_right).map(|(name, _)| name).collect()
}

fn is_ours(record: &Object) -> bool {
    value_of(record, "version") == number(RECORD_VERSION)
        && value_of(record, "scope") == text("the scope")
        && value_of(record, "generation") == text("the generation")
}

const JWT: &[&str] = &["token", "parts", "alg", "iat", "exp", "sub"];
const JWT_RECORD: &[&str] =
    &["version", "scope", "generation", "creationDate", "token", "parts", "alg", "iat", "exp", "sub"];
const CODE: &[&str] = &["ssoKey", "redirect_uri"];
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
    crate::stage::object::raw(SECRET, SECRET, 3_600).with("license_id", number(5))
}

fn finished() -> Object {
    crate::stage::object::finished(SECRET, SECRET, 3_600_000, NOW).with("organizationId", text("an organization"))
}

fn jwt(is_encrypted: bool) -> Object {
    let signed = crate::stage::object::jwt(SECRET, NOW, 3_600_000).with("sub", text(SECRET));
    if is_encrypted { signed.with("parts", number(5)).with("alg", text("RSA-OAEP-256")) } else { signed }
}

fn record() -> Object {
    bound(finished())
}

/// Tied to a person and a time, as a record is.
fn bound(credential: Object) -> Object {
    credential
        .with("version", number(RECORD_VERSION))
        .with("scope", text("the scope"))
        .with("generation", text("the generation"))
}

fn token_of(grant: &Grant) -> &Token {
    match &grant.credential {
        Credential::Token(token) => token,
        other => panic!("no token of LiveChat's: {other:?}"),
    }
}

fn check_answer(answer: &Object, account: &Account, sent: Moment, now: Moment) {
    let wrong = wrong_fields(answer, account);
    let (grant, warnings) = match read_answer(&Answer::Object(answer), &Kind::Token(account.clone()), sent, now) {
        Ok(read) => read,
        Err(failure) => {
            assert_eq!((failure.code, failure.retryable), (ErrorCode::BadAnswer, false));
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
    let token = token_of(&grant);
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

/// Holds the reason why a record is a miss to what is known of it.
fn is_right_to_reject(
    why: Rejection,
    is_well_formed: bool,
    is_ours: bool,
    creation_date: &Value,
    now: Moment,
) -> Result<(), TestCaseError> {
    match why {
        Rejection::Corrupt => prop_assert!(!is_well_formed),
        Rejection::Version | Rejection::Scope | Rejection::SignedOut => prop_assert!(!is_ours),
        Rejection::Future => {
            prop_assert!(is_well_formed && is_ours);
            let Value::Number(created) = creation_date else { panic!("well-formed") };
            prop_assert!(*created > now.wall as f64 + 5_000.0);
        }
        Rejection::Expired => prop_assert!(false, "whether its life is over, the session decides"),
    }
    Ok(())
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
        changes in spoilt(RECORD), (_, now) in moments()
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
        let is_ours = is_ours(&record);
        match read_record(&record, &Kind::Token(Account::default()), expected, now) {
            Ok(grant) => {
                prop_assert!(is_well_formed && is_ours);
                let lifetime = lifetime.unwrap();
                let created = token_of(&grant).creation_date;
                prop_assert!(matches!(value("creationDate"), Value::Number(date) if date.floor() == created as f64));
                prop_assert!(created <= now.wall + 5_000);
                prop_assert_eq!(grant.lifetime, Lifetime { created, expires_in: lifetime, created_monotonic: None });
            }
            Err(why) => is_right_to_reject(why, is_well_formed, is_ours, &value("creationDate"), now)?,
        }
    }

    #[test]
    fn rule_10_a_spoilt_jwt_is_refused_by_the_name_of_what_is_wrong(
        changes in spoilt(JWT), is_encrypted in any::<bool>(), may_be_encrypted in any::<bool>(), (sent, now) in moments()
    ) {
        let answer = replaced(jwt(is_encrypted), &changes);
        let wrong = wrong_in_jwt(&answer, may_be_encrypted);
        match read_answer(&Answer::Object(&answer), &jwt_kind(may_be_encrypted), sent, now) {
            Ok((grant, warnings)) => {
                prop_assert!(wrong.is_empty(), "accepted though {wrong:?} is wrong");
                let Credential::Jwt(Jwt { text: token, subject, issued }) = &grant.credential else { panic!("no JWT") };
                prop_assert_eq!(text(token), value_of(&answer, "token"));
                let Lifetime { created, expires_in, created_monotonic } = grant.lifetime;
                prop_assert_eq!(Some(*issued), seconds(&value_of(&answer, "iat")));
                prop_assert_eq!(Some(*issued + expires_in), seconds(&value_of(&answer, "exp")));
                prop_assert!((1..=LONGEST_LIFETIME).contains(&expires_in));
                let expected = match value_of(&answer, "sub") {
                    Value::Text(subject) => Some(subject),
                    _ => None,
                };
                prop_assert_eq!(subject, &expected);
                // Both clocks tell the same age, and it was asked for before it came.
                prop_assert!(created <= sent.wall);
                prop_assert_eq!(created_monotonic, Some(sent.monotonic - (sent.wall - created)));
                if warnings == [Warning::ClockSkew] {
                    prop_assert_eq!(created, sent.wall);
                } else {
                    prop_assert!(warnings.is_empty());
                    prop_assert_eq!(created, (*issued).min(sent.wall));
                    prop_assert!(grant.lifetime.is_usable(now, None));
                }
                let shown = format!("{grant:?}");
                prop_assert!(!shown.contains(SECRET));
            }
            Err(failure) => {
                prop_assert_eq!((failure.code, failure.retryable), (ErrorCode::BadAnswer, false));
                prop_assert!(!failure.message.contains(SECRET), "{}", failure.message);
                let (subject, _) = failure.message.split_once(" is ").unwrap();
                prop_assert!(wrong.contains(&subject), "{} – but wrong are {wrong:?}", failure.message);
            }
        }
    }

    #[test]
    fn rule_12_a_spoilt_record_of_a_jwt_is_a_miss(
        changes in spoilt(JWT_RECORD), is_encrypted in any::<bool>(), may_be_encrypted in any::<bool>(), (_, now) in moments()
    ) {
        let record = replaced(bound(jwt(is_encrypted)).with("creationDate", number(NOW)), &changes);
        let value = |name| value_of(&record, name);
        let expected = RecordScope { scope: "the scope", generation: "the generation" };
        let is_well_formed = matches!(value("version"), Value::Number(_))
            && is_text(&value("scope"))
            && matches!(value("generation"), Value::Text(_))
            && is_date(&value("creationDate"))
            && wrong_in_jwt(&record, may_be_encrypted).is_empty();
        let is_ours = is_ours(&record);
        match read_record(&record, &jwt_kind(may_be_encrypted), expected, now) {
            Ok(grant) => {
                prop_assert!(is_well_formed && is_ours);
                let Credential::Jwt(jwt) = &grant.credential else { panic!("no JWT") };
                prop_assert_eq!(text(&jwt.text), value("token"));
                let Lifetime { created, expires_in, created_monotonic } = grant.lifetime;
                prop_assert!(matches!(value("creationDate"), Value::Number(date) if date.floor() == created as f64));
                prop_assert!(created <= now.wall.saturating_add(5_000));
                prop_assert_eq!(created_monotonic, None);
                prop_assert_eq!(Some(jwt.issued + expires_in), seconds(&value("exp")));
            }
            Err(why) => is_right_to_reject(why, is_well_formed, is_ours, &value("creationDate"), now)?,
        }
    }

    #[test]
    fn rule_15_no_record_is_a_code(
        changes in spoilt(JWT_RECORD), is_jwt in any::<bool>(), (_, now) in moments()
    ) {
        let whole = if is_jwt { bound(jwt(false)).with("creationDate", number(NOW)) } else { record() };
        let whole = whole.with("ssoKey", text(SECRET)).with("redirect_uri", text(SECRET));
        let expected = RecordScope { scope: "the scope", generation: "the generation" };
        prop_assert!(read_record(&replaced(whole, &changes), &Kind::Code, expected, now).is_err());
    }

    #[test]
    fn rule_15_a_spoilt_code_is_refused_by_the_name_of_a_wrong_field(
        changes in spoilt(CODE), (sent, now) in moments()
    ) {
        let answer = replaced(Object(vec![("ssoKey", text(SECRET)), ("redirect_uri", text(SECRET))]), &changes);
        let wrong: Vec<&str> = CODE.iter().copied().filter(|name| !is_text(&value_of(&answer, name))).collect();
        match read_answer(&Answer::Object(&answer), &Kind::Code, sent, now) {
            Ok((grant, warnings)) => {
                prop_assert!(wrong.is_empty() && warnings.is_empty());
                prop_assert_eq!(grant.credential, Credential::Code);
                for margin in [None, Some(0)] {
                    prop_assert!(!grant.lifetime.is_usable(now, margin) && !grant.lifetime.is_usable(sent, margin));
                }
            }
            Err(failure) => {
                prop_assert_eq!((failure.code, failure.retryable), (ErrorCode::BadAnswer, false));
                prop_assert!(!failure.message.contains(SECRET), "{}", failure.message);
                let named = failure.message.strip_prefix("the answer's ").and_then(|rest| rest.split(' ').next());
                prop_assert!(wrong.contains(&named.unwrap()), "{} – but wrong are {wrong:?}", failure.message);
            }
        }
    }

    #[test]
    fn rule_10_no_jwt_that_comes_again_is_younger_than_at_first(
        first in jwt_lifetime(), second in jwt_lifetime(), (early, late) in moments(), is_the_same in any::<bool>()
    ) {
        let read = |text: &str, (issued, lifetime): (i64, i64), at| {
            let answer = crate::stage::object::jwt(text, issued, lifetime);
            read_answer(&Answer::Object(&answer), &signed_jwt(), at, at).unwrap().0
        };
        let known = read(SECRET, first, early);
        let unbound = if is_the_same { read(SECRET, first, late) } else { read("another", second, late) };
        let mut bound = unbound.clone();
        prop_assert_eq!(bound.goes_on_from(&known), is_the_same);
        prop_assert_eq!(&bound.credential, &unbound.credential);
        prop_assert_eq!(bound.lifetime.expires_in, unbound.lifetime.expires_in);
        if is_the_same {
            prop_assert_eq!(bound.lifetime.created, unbound.lifetime.created.min(known.lifetime.created));
            let created = unbound.lifetime.created_monotonic.min(known.lifetime.created_monotonic);
            prop_assert_eq!(bound.lifetime.created_monotonic, created);
        } else {
            prop_assert_eq!(bound.lifetime, unbound.lifetime);
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
        if let Ok(grant) = read_record(&crate::stage::json::Json(json), &Kind::Token(Account::default()), expected, now) {
            let token = token_of(&grant);
            prop_assert!(!token.access_token.is_empty() && !token.entity_id.is_empty());
            prop_assert!(Lifetime::is_sane(token.expires_in));
        }
    }
}

#[test]
fn rule_21_an_answer_that_is_no_object_says_what_it_is() {
    let now = Moment { wall: NOW, monotonic: 5 };
    let token = Kind::Token(Account::default());
    let jwt = jwt_kind(true);
    for (kind, expected) in [(&token, "access_token"), (&jwt, "a JWT"), (&Kind::Code, "a code")] {
        for found in ["undefined", "a number", "a function"] {
            let failure = read_answer(&Answer::Other(found), kind, now, now).unwrap_err();
            assert_eq!(failure.code, ErrorCode::BadAnswer);
            let message = &failure.message;
            assert!(message.starts_with(&format!("the source's answer is {found}, expected ")), "{message}");
            assert!(message.contains(expected), "{message}");
        }
    }
    // A code is a string, and a JWT that is one was taken apart before.
    for kind in [&token, &jwt] {
        let failure = read_answer(&Answer::Text(SECRET), kind, now, now).unwrap_err();
        assert_eq!(failure.code, ErrorCode::BadAnswer);
        assert!(failure.message.starts_with("the source's answer is a string, expected "), "{}", failure.message);
        assert!(!failure.message.contains(SECRET));
    }
}
