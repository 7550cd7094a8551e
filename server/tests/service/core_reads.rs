//! The one tie to the core: what the service writes for a page, the core in that page reads.

use custom_identity_provider::core::{self, Account, Answer, Credential, Fields, Grant, Kind, Moment, read_answer};
use identity_service::livechat::accounts;
use serde_json::{Map, Value};

use crate::support::{Given, ORGANIZATION, World};

/// A body as the browser hands it to the core.
struct Body(Map<String, Value>);

impl Fields for Body {
    fn field(&self, name: &str) -> core::Value {
        match self.0.get(name) {
            None => core::Value::Missing,
            Some(Value::Null) => core::Value::Null,
            Some(Value::Number(number)) => core::Value::Number(number.as_f64().unwrap()),
            Some(Value::String(text)) => core::Value::Text(text.clone()),
            Some(Value::Bool(truth)) => core::Value::Boolean(*truth),
            Some(_) => core::Value::Other("an object"),
        }
    }
}

#[tokio::test]
async fn what_the_service_writes_the_core_reads() {
    let organization =
        |license_id| accounts::Account::Organization { organization_id: ORGANIZATION.to_owned(), license_id };
    for (account, organization_id, license_id) in [
        (organization(None), Some(ORGANIZATION), None),
        (organization(Some(12)), Some(ORGANIZATION), Some(12)),
        (accounts::Account::License { license_id: 12 }, None, Some(12)),
    ] {
        let world = World::with(Given { account, ..Given::default() }).await;
        let Value::Object(written) = world.token("ada").await else { panic!("no object") };
        let text = |member: &str| written[member].as_str().unwrap().to_owned();
        let (access_token, entity_id) = (text("access_token"), text("entity_id"));
        let expires_in = written["expires_in"].as_i64().unwrap();
        let sent = Moment { wall: 1_700_000_000_000, monotonic: 1_000 };

        // The page names no account: what is read is what was written.
        let read = read_answer(&Answer::Object(&Body(written)), &Kind::Token(Account::default()), sent, sent);
        let (Grant { credential, lifetime }, warnings) = read.unwrap();
        let Credential::Token(token) = credential else { panic!("another credential") };
        assert_eq!((token.access_token, token.entity_id), (access_token, entity_id));
        assert_eq!((token.expires_in, token.token_type.as_str()), (expires_in * 1_000, "Bearer"));
        assert_eq!((token.organization_id.as_deref(), token.license_id), (organization_id, license_id));
        assert_eq!(lifetime.remaining(sent, Some(0)), expires_in * 1_000);
        assert!(warnings.is_empty(), "{warnings:?}");
    }
}
