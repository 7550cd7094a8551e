//! JSON values as the core reads objects from outside, and answers of a source in JSON.

use custom_identity_provider::core::{Answer, Fields, Value};
use serde_json::json;

pub struct Json(pub serde_json::Value);

impl Json {
    /// What a source answers with by this.
    pub fn answer(&self) -> Answer<'_> {
        match &self.0 {
            serde_json::Value::Object(_) => Answer::Object(self),
            serde_json::Value::String(text) => Answer::Text(text),
            serde_json::Value::Null => Answer::Null,
            _ => Answer::Other("something else"),
        }
    }
}

impl Fields for Json {
    fn field(&self, name: &str) -> Value {
        match self.0.get(name) {
            None => Value::Missing,
            Some(serde_json::Value::Null) => Value::Null,
            Some(serde_json::Value::Bool(flag)) => Value::Boolean(*flag),
            Some(serde_json::Value::Number(number)) => Value::Number(number.as_f64().unwrap()),
            Some(serde_json::Value::String(text)) => Value::Text(text.clone()),
            Some(serde_json::Value::Array(_)) => Value::Other("an array"),
            Some(serde_json::Value::Object(_)) => Value::Other("an object"),
        }
    }
}

/// An answer in the endpoint's raw shape.
pub fn raw(token: &str, entity: &str, seconds: i64) -> serde_json::Value {
    json!({ "access_token": token, "entity_id": entity, "expires_in": seconds, "token_type": "Bearer" })
}

/// An answer as a finished token; times in milliseconds.
pub fn finished(token: &str, lifetime: i64, created: i64) -> serde_json::Value {
    json!({ "accessToken": token, "entityId": "entity", "expiresIn": lifetime, "tokenType": "Bearer",
            "creationDate": created })
}

/// A JWT as it is when it was taken apart; times in milliseconds.
pub fn signed(token: &str, issued: i64, lifetime: i64) -> serde_json::Value {
    let seconds = |milliseconds: i64| milliseconds as f64 / 1_000.0;
    json!({ "token": token, "parts": 3, "alg": "RS256", "iat": seconds(issued), "exp": seconds(issued + lifetime),
            "sub": "entity" })
}
