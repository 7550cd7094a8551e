//! JavaScript objects as the core reads them.

use js_sys::{Array, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::core::{Answer, Fields, Value};

/// An object from outside.
pub(super) struct JsFields<'a>(pub(super) &'a JsValue);

impl Fields for JsFields<'_> {
    fn field(&self, name: &str) -> Value {
        match Reflect::get(self.0, &JsValue::from_str(name)) {
            Ok(value) => read(&value),
            Err(_) => Value::Other("unreadable"),
        }
    }
}

/// Objects of the package's own JavaScript, whose fields have the types that it says.
impl JsFields<'_> {
    /// The field as it is; undefined when it is not there.
    pub(super) fn value(&self, name: &str) -> JsValue {
        Reflect::get(self.0, &JsValue::from_str(name)).unwrap_or_default()
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.value(name).as_string()
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.value(name).as_f64()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.value(name).is_truthy()
    }
}

/// A JavaScript value as the core sees it.
pub(super) fn read(value: &JsValue) -> Value {
    if value.is_undefined() {
        Value::Missing
    } else if value.is_null() {
        Value::Null
    } else if let Some(number) = value.as_f64() {
        Value::Number(number)
    } else if let Some(text) = value.as_string() {
        Value::Text(text)
    } else if let Some(flag) = value.as_bool() {
        Value::Boolean(flag)
    } else {
        Value::Other(kind(value))
    }
}

/// What a value is, for an error message; never the value itself.
pub(super) fn kind(value: &JsValue) -> &'static str {
    if value.is_undefined() {
        "undefined"
    } else if value.is_null() {
        "null"
    } else if value.is_string() {
        "a string"
    } else if value.as_f64().is_some() {
        "a number"
    } else if value.as_bool().is_some() {
        "a boolean"
    } else if value.is_function() {
        "a function"
    } else if Array::is_array(value) {
        "an array"
    } else if value.has_type::<web_sys::Response>() {
        "a Response"
    } else if value.has_type::<js_sys::Promise>() {
        "a promise"
    } else if value.is_object() {
        "an object"
    } else {
        "of an unexpected type"
    }
}

/// Whether a value's fields can be read as a record or a token: an object that is no array and no Response.
fn is_record(value: &JsValue) -> bool {
    value.is_object() && !Array::is_array(value) && !value.has_type::<web_sys::Response>()
}

/// What a source or a storage answered, for the core.
pub(super) fn answer<'a>(value: &JsValue, fields: &'a JsFields<'a>) -> Answer<'a> {
    if is_record(value) { Answer::Object(fields) } else { Answer::Other(kind(value)) }
}
