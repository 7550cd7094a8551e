//! Bytes from outside: whatever a source answers and whatever lies in storage, nothing panics and nonsense is never a token.

use custom_identity_provider::core::{
    Answer, Credential, ErrorCode, Grant, Kind, LONGEST_LIFETIME, Moment, RECORD_VERSION, RecordScope, read_answer,
    read_record,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stage::json::Json;
use crate::stage::{START, jwt_kind, livechat, signed_jwt, token_of};

const NOW: Moment = Moment { wall: START, monotonic: 5_000 };
/// Stands where a secret might, so that an error that quotes it is seen.
const SECRET: &str = "Zq7-secret";

fn nonsense() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(Value::from),
        Just(json!(SECRET)),
        Just(json!("")),
        ".{0,12}".prop_map(Value::from),
        Just(json!(-1)),
        Just(json!(0)),
        Just(json!(1e308)),
        Just(json!("3600")),
        Just(json!("<!doctype html><title>Zq7-secret</title>")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z_A-Z]{1,12}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn raw() -> Value {
    json!({ "access_token": SECRET, "entity_id": SECRET, "expires_in": 3_600, "token_type": "Bearer",
            "organization_id": "an organization", "license_id": 5 })
}

fn finished() -> Value {
    json!({ "accessToken": SECRET, "entityId": SECRET, "expiresIn": 3_600_000, "tokenType": "Bearer",
            "creationDate": START - 1_000, "organizationId": "an organization", "licenseId": 5 })
}

fn record() -> Value {
    let mut record = finished();
    record["version"] = json!(RECORD_VERSION);
    record["scope"] = json!("a scope");
    record["generation"] = json!("a generation");
    record
}

fn taken_apart() -> Value {
    json!({ "token": SECRET, "parts": 3, "alg": "RS256", "iat": START / 1_000, "exp": START / 1_000 + 3_600, "sub": SECRET })
}

/// What a right JWT is, from the documents: three parts and RS256, or encrypted; numbers of seconds, in order, within a year.
fn is_right_jwt(claims: &Value, may_be_encrypted: bool) -> bool {
    let date = |name: &str| {
        claims[name]
            .as_f64()
            .filter(|seconds| *seconds > 0.0 && *seconds < 1e11)
            .map(|seconds| (seconds * 1_000.0) as i64)
    };
    let form = (claims["parts"].as_f64(), claims["alg"].as_str());
    let is_signed = form == (Some(3.0), Some("RS256"));
    let is_encrypted = may_be_encrypted && form == (Some(5.0), Some("RSA-OAEP-256"));
    let lives = date("iat")
        .zip(date("exp"))
        .is_some_and(|(issued, expires)| expires > issued && expires - issued <= LONGEST_LIFETIME);
    claims["token"].is_string() && (is_signed || is_encrypted) && lives
}

/// A right object in which some fields were replaced or removed.
fn mutated(right: Value) -> impl Strategy<Value = Value> {
    let names: Vec<String> = right.as_object().unwrap().keys().cloned().collect();
    let change = (proptest::sample::select(names), proptest::option::of(nonsense()));
    proptest::collection::vec(change, 0..3).prop_map(move |changes| {
        let mut object = right.clone();
        for (name, value) in changes {
            match value {
                Some(value) => object[&name] = value,
                None => drop(object.as_object_mut().unwrap().remove(&name)),
            }
        }
        object
    })
}

/// Written from the documents, not from the code that reads.
fn is_documented(grant: &Grant) -> bool {
    let token = token_of(grant);
    !token.access_token.is_empty()
        && !token.entity_id.is_empty()
        && token.token_type == "Bearer"
        && token.expires_in > 0
        && token.expires_in <= LONGEST_LIFETIME
        && token.creation_date > 0
        && token.license_id.is_none_or(|license| license > 0)
        && token.organization_id.as_ref().is_none_or(|organization| !organization.is_empty())
        && grant.lifetime.expires_in == token.expires_in
        && grant.lifetime.created == token.creation_date
}

/// What a right answer is: every required field of its type and in its range.
fn is_right(answer: &Value) -> bool {
    let is_text = |name: &str| answer[name].as_str().is_some_and(|text| !text.is_empty());
    let is_optional_text = |name: &str| answer.get(name).is_none_or(|value| value.is_null()) || is_text(name);
    let is_license = |name: &str| {
        answer.get(name).is_none_or(|value| value.is_null())
            || answer[name]
                .as_f64()
                .is_some_and(|number| number > 0.0 && number.fract() == 0.0 && number < 9_007_199_254_740_992.0)
    };
    let lasts = |name: &str, unit: f64| {
        answer[name]
            .as_f64()
            .is_some_and(|number| number * unit >= 1.0 && number * unit < LONGEST_LIFETIME as f64 + 1.0)
    };
    let is_bearer = |name: &str| answer[name].as_str().is_some_and(|text| text.eq_ignore_ascii_case("bearer"));
    if answer.get("accessToken").is_some() {
        is_text("accessToken")
            && is_text("entityId")
            && lasts("expiresIn", 1.0)
            && is_bearer("tokenType")
            && answer["creationDate"].as_f64().is_some_and(|date| date > 0.0)
            && is_optional_text("organizationId")
            && is_license("licenseId")
    } else {
        is_text("access_token")
            && is_text("entity_id")
            && lasts("expires_in", 1_000.0)
            && is_bearer("token_type")
            && is_optional_text("organization_id")
            && is_license("license_id")
    }
}

fn check(answer: Value) {
    let is_right = is_right(&answer);
    let fields = Json(answer.clone());
    match read_answer(&Answer::Object(&fields), &livechat(), NOW, NOW) {
        Ok((grant, _)) => {
            assert!(is_right, "accepted: {answer}");
            assert!(is_documented(&grant), "{answer}");
        }
        Err(failure) => {
            assert!(!is_right, "refused, {}: {answer}", failure.message);
            assert_eq!(failure.code, ErrorCode::BadAnswer);
            assert!(!failure.retryable);
            assert!(!failure.message.contains(SECRET), "{}", failure.message);
            let names = ["access_token", "entity_id", "expires_in", "token_type", "organization_id", "license_id"];
            let finished =
                ["accessToken", "entityId", "expiresIn", "tokenType", "creationDate", "organizationId", "licenseId"];
            assert!(names.iter().chain(&finished).any(|name| failure.message.contains(name)), "{}", failure.message);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rule_21_an_answer_of_any_shape_is_a_token_only_if_it_is_one(answer in nonsense()) {
        check(answer);
    }

    #[test]
    fn rule_21_a_broken_raw_answer_names_its_field(answer in mutated(raw())) {
        check(answer);
    }

    #[test]
    fn rule_21_a_broken_finished_answer_names_its_field(answer in mutated(finished())) {
        check(answer);
    }

    #[test]
    fn rule_12_a_broken_record_is_never_a_token(record in mutated(record())) {
        let expected = RecordScope { scope: "a scope", generation: "a generation" };
        let fields = Json(record.clone());
        // One whose life is over is a miss too, which the session sees.
        if let Some(grant) = read_record(&fields, &livechat(), expected, NOW).ok().filter(|grant| grant.lifetime.is_usable(NOW, None)) {
            prop_assert!(is_documented(&grant));
            prop_assert_eq!(&record["version"], &json!(RECORD_VERSION));
            prop_assert_eq!(&record["scope"], "a scope");
            prop_assert_eq!(&record["generation"], "a generation");
        }
    }

    #[test]
    fn rule_12_bytes_that_are_no_record_are_a_miss(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let expected = RecordScope { scope: "", generation: "" };
        if let Ok(value) = serde_json::from_slice::<Value>(&bytes) {
            for kind in [livechat(), signed_jwt(), Kind::Code] {
                prop_assert!(read_record(&Json(value.clone()), &kind, expected, NOW).is_err());
            }
        }
    }

    #[test]
    fn rule_10_a_jwt_of_any_shape_never_lives_for_ever_nor_in_an_error(claims in mutated(taken_apart())) {
        for may_be_encrypted in [false, true] {
            match read_answer(&Answer::Object(&Json(claims.clone())), &jwt_kind(may_be_encrypted), NOW, NOW) {
                Ok((grant, _)) => {
                    prop_assert!(is_right_jwt(&claims, may_be_encrypted), "accepted: {}", claims);
                    prop_assert!(grant.lifetime.expires_in > 0 && grant.lifetime.expires_in <= LONGEST_LIFETIME);
                    prop_assert!(grant.lifetime.remaining(NOW, Some(0)) <= grant.lifetime.expires_in);
                    let Credential::Jwt(jwt) = &grant.credential else { panic!("no JWT") };
                    prop_assert_eq!(Some(jwt.text.as_str()), claims["token"].as_str());
                }
                Err(failure) => {
                    prop_assert!(!is_right_jwt(&claims, may_be_encrypted), "refused, {}: {}", failure.message, claims);
                    prop_assert_eq!(failure.code, ErrorCode::BadAnswer);
                    prop_assert!(!failure.message.contains(SECRET), "{}", failure.message);
                }
            }
        }
    }

    #[test]
    fn rule_15_a_code_of_any_shape_is_one_only_if_it_is_one(answer in mutated(json!({ "ssoKey": SECRET, "redirect_uri": "https://liveperson.net" }))) {
        let is_text = |name: &str| answer[name].as_str().is_some_and(|text| !text.is_empty());
        match read_answer(&Answer::Object(&Json(answer.clone())), &Kind::Code, NOW, NOW) {
            Ok((grant, _)) => {
                prop_assert!(is_text("ssoKey") && is_text("redirect_uri"), "accepted: {}", answer);
                prop_assert!(!grant.lifetime.is_usable(NOW, Some(0)), "a code is over when it is handed on");
            }
            Err(failure) => {
                prop_assert!(!is_text("ssoKey") || !is_text("redirect_uri"), "refused: {}", answer);
                prop_assert!(!failure.message.contains(SECRET), "{}", failure.message);
            }
        }
    }
}
