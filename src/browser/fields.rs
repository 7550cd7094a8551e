//! JavaScript objects as the core reads them, and plain values on their way to JavaScript.

use js_sys::Reflect;
use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::core::{Answer, Fields, Value};

use super::sys;

/// An object of the package's own JavaScript, or its copy of one from outside: reading it runs no code of the page.
pub(super) struct JsFields<'a>(pub(super) &'a JsValue);

impl Fields for JsFields<'_> {
    fn field(&self, name: &str) -> Value {
        match Reflect::get(self.0, &JsValue::from_str(name)) {
            Ok(value) => read(&value),
            Err(_) => Value::Other("unreadable"),
        }
    }
}

/// Fields that have the types that the package's JavaScript says.
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

/// A plain value.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Number(f64),
    Flag(bool),
    Nothing,
}

/// Plain values as an array.
pub(super) fn array(values: &[Scalar<'_>]) -> JsValue {
    // Each has a JavaScript form.
    serde_wasm_bindgen::to_value(values).unwrap_or_default()
}

/// What a value can be, in the order of `typeOf` in `pkg/src/value.js`.
const TYPES: [&str; 11] = [
    "undefined",
    "null",
    "a string",
    "a number",
    "a boolean",
    "an object",
    "an array",
    "a promise",
    "a Response and not its parsed JSON",
    "a function",
    "unreadable",
];
const UNDEFINED: u32 = 0;
const NULL: u32 = 1;
const STRING: u32 = 2;
const NUMBER: u32 = 3;
const BOOLEAN: u32 = 4;
const OBJECT: u32 = 5;

/// A type by its name, for an error message; never the value itself.
fn name(of_type: u32) -> &'static str {
    TYPES.get(of_type as usize).copied().unwrap_or("of an unexpected type")
}

/// A JavaScript value as the core sees it.
fn read(value: &JsValue) -> Value {
    match sys::type_of(value) {
        UNDEFINED => Value::Missing,
        NULL => Value::Null,
        STRING => Value::Text(value.as_string().unwrap_or_default()),
        NUMBER => Value::Number(value.as_f64().unwrap_or_default()),
        BOOLEAN => Value::Boolean(value.is_truthy()),
        other => Value::Other(name(other)),
    }
}

/// What a source answered with, of this type; the fields are a copy.
pub(super) fn answer<'a>(of_type: u32, fields: &'a JsFields<'a>, text: &'a Option<String>) -> Answer<'a> {
    match (of_type, text) {
        (OBJECT, _) => Answer::Object(fields),
        (NULL, _) => Answer::Null,
        (_, Some(text)) => Answer::Text(text),
        (other, None) => Answer::Other(name(other)),
    }
}

/// What was found in storage.
pub(super) fn record<'a>(fields: &'a JsFields<'a>) -> Answer<'a> {
    if fields.0.is_undefined() { Answer::Other("no JSON object") } else { Answer::Object(fields) }
}
