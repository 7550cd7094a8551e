//! How untrusted objects are read: field by field, each with the type that it really has.

/// What stands in a field of an object from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// There is no such field, or it is undefined.
    Missing,
    /// A null.
    Null,
    /// A number, which can be NaN or infinite.
    Number(f64),
    /// A string.
    Text(String),
    /// True or false.
    Boolean(bool),
    /// Anything else, or a field whose reading failed; says what it is, for the error message: "an object".
    Other(&'static str),
}

impl Value {
    /// What this is, for an error message; never the value itself.
    ///
    /// ```
    /// use custom_identity_provider::core::Value;
    ///
    /// assert_eq!(Value::Text("a secret".to_owned()).kind(), "a string");
    /// assert_eq!(Value::Number(-1.0).kind(), "a negative number");
    /// ```
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Null => "null",
            Self::Number(number) if number.is_nan() => "NaN",
            Self::Number(number) if !number.is_finite() => "infinite",
            Self::Number(number) if *number < 0.0 => "a negative number",
            Self::Number(number) if *number == 0.0 => "zero",
            Self::Number(_) => "a number",
            Self::Text(text) if text.is_empty() => "an empty string",
            Self::Text(_) => "a string",
            Self::Boolean(_) => "a boolean",
            Self::Other(kind) => kind,
        }
    }
}

/// An object from outside: a source's answer, a stored record, a JWT's claims.
///
/// ```
/// use custom_identity_provider::core::{Fields, Value};
///
/// struct Nothing;
///
/// impl Fields for Nothing {
///     fn field(&self, _name: &str) -> Value {
///         Value::Missing
///     }
/// }
///
/// assert_eq!(Nothing.field("access_token").kind(), "missing");
/// ```
pub trait Fields {
    /// What stands in the field of this name.
    fn field(&self, name: &str) -> Value;
}
