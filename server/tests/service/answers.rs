//! Whatever accounts answers, it becomes a token only when it is one.

use identity_service::livechat::accounts::{Account, read_token, read_transfer};
use proptest::prelude::*;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

fn account() -> Account {
    Account::Organization { organization_id: "org".to_owned(), license_id: None }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(28_800)),
        Just(json!("Bearer")),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(member(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn member() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "access_token",
            "entity_id",
            "expires_in",
            "token_type",
            "organization_id",
            "identity_transfer_token"
        ])
        .prop_map(str::to_owned),
        "[a-z_]{1,12}",
    ]
}

/// Written independently of the code: what a token is.
fn is_token(value: &Value) -> bool {
    let plain = |member: &str, most: usize| {
        value[member].as_str().is_some_and(|text| {
            !text.is_empty() && text.len() <= most && text.chars().all(|character| ('!'..='~').contains(&character))
        })
    };
    let seconds = value["expires_in"].as_u64().unwrap_or(0);
    plain("access_token", 8192)
        && plain("entity_id", 256)
        && seconds > 0
        && seconds <= 366 * 86_400
        && value["token_type"].as_str().is_some_and(|text| text.to_lowercase() == "bearer")
        && (value.get("organization_id").is_none() || value["organization_id"] == "org")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn arbitrary_bytes_never_become_a_token(bytes: Vec<u8>) {
        prop_assert!(read_token(&bytes, &account()).is_err());
        prop_assert!(read_transfer(&bytes).is_err());
    }

    #[test]
    fn a_valid_answer_with_one_member_changed(name in member(), value in any_json(), removed: bool) {
        let mut answer = json!({ "access_token": "t", "entity_id": "e", "expires_in": 60, "token_type": "bearer",
            "organization_id": "org" });
        if removed {
            answer.as_object_mut().unwrap().remove(&name);
        } else {
            answer[&name] = value;
        }
        let read = read_token(answer.to_string().as_bytes(), &account());
        prop_assert_eq!(read.is_ok(), is_token(&answer), "{}", answer);
        if let Ok(token) = read {
            prop_assert_eq!(token.access_token.expose_secret(), answer["access_token"].as_str().unwrap());
            prop_assert_eq!(token.entity.as_str(), answer["entity_id"].as_str().unwrap());
        }
    }

    #[test]
    fn arbitrary_json_never_becomes_a_token_unless_it_is_one(value in any_json()) {
        prop_assert_eq!(read_token(value.to_string().as_bytes(), &account()).is_ok(), value.is_object() && is_token(&value));
    }

    #[test]
    fn errors_never_quote_the_answer(secret in "[A-Z]{24}", name in member()) {
        let mut members = Map::new();
        members.insert(name, json!({ "nested": secret }));
        let error = read_token(Value::Object(members).to_string().as_bytes(), &account()).unwrap_err();
        let text = format!("{error} {error:?}");
        prop_assert!(!text.contains(&secret));
    }
}
