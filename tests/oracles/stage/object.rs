//! An object from outside, made by a test: a list of named fields.

use custom_identity_provider::core::{Fields, Value};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object(pub Vec<(&'static str, Value)>);

impl Object {
    pub fn with(mut self, name: &'static str, value: Value) -> Self {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value));
        self
    }

    pub fn without(mut self, name: &'static str) -> Self {
        self.0.retain(|(known, _)| *known != name);
        self
    }
}

impl Fields for Object {
    fn field(&self, name: &str) -> Value {
        self.0.iter().find(|(known, _)| *known == name).map_or(Value::Missing, |(_, value)| value.clone())
    }
}

pub fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub fn number(number: i64) -> Value {
    Value::Number(number as f64)
}

/// An answer in the endpoint's own shape.
pub fn raw(access_token: &str, entity_id: &str, seconds: i64) -> Object {
    Object(vec![
        ("access_token", text(access_token)),
        ("entity_id", text(entity_id)),
        ("expires_in", number(seconds)),
        ("token_type", text("Bearer")),
    ])
}

/// An answer that is a finished token.
pub fn finished(access_token: &str, entity_id: &str, lifetime: i64, created: i64) -> Object {
    Object(vec![
        ("accessToken", text(access_token)),
        ("entityId", text(entity_id)),
        ("expiresIn", number(lifetime)),
        ("tokenType", text("Bearer")),
        ("creationDate", number(created)),
    ])
}

/// A JWT as it is taken apart; times in milliseconds since 1970.
pub fn jwt(token: &str, issued: i64, lifetime: i64) -> Object {
    Object(vec![
        ("token", text(token)),
        ("parts", number(3)),
        ("alg", text("RS256")),
        ("iat", Value::Number(issued as f64 / 1_000.0)),
        ("exp", Value::Number((issued + lifetime) as f64 / 1_000.0)),
    ])
}
