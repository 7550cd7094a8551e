//! JSON values as the core reads objects from outside.

use custom_identity_provider::core::{Fields, Value};

pub struct Json(pub serde_json::Value);

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
