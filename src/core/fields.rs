//! How untrusted objects are read: field by field, each with the type that it really has.

use super::failure::Failure;
use super::lifetime::Lifetime;
use super::number::whole;

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
    /// assert_eq!(Value::Text("a secret".to_owned()).type_name(), "a string");
    /// assert_eq!(Value::Number(-1.0).type_name(), "a negative number");
    /// ```
    pub fn type_name(&self) -> &'static str {
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
            Self::Other(name) => name,
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
/// assert_eq!(Nothing.field("access_token").type_name(), "missing");
/// ```
pub trait Fields {
    /// What stands in the field of this name.
    fn field(&self, name: &str) -> Value;
}

/// Reads one object to its end, and keeps the first flaw that it meets: what is read after that is worth nothing, and `done` says so.
pub(super) struct Reader<'a> {
    fields: &'a dyn Fields,
    flaw: Option<Failure>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(fields: &'a dyn Fields) -> Self {
        Self { fields, flaw: None }
    }

    /// What stands in the field of this name.
    pub(super) fn field(&self, name: &str) -> Value {
        self.fields.field(name)
    }

    /// Notes what is wrong, unless something was before.
    pub(super) fn flawed(&mut self, flaw: Failure) {
        if self.flaw.is_none() {
            self.flaw = Some(flaw);
        }
    }

    /// Notes that a field holds something else than what was expected.
    pub(super) fn unexpected(&mut self, name: &str, found: &str, expected: &str) {
        self.flawed(Failure::bad_answer(name, found, expected));
    }

    /// What was made of the object, if it has no flaw.
    pub(super) fn done<T>(self, read: T) -> Result<T, Failure> {
        match self.flaw {
            None => Ok(read),
            Some(flaw) => Err(flaw),
        }
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, name: &str) -> String {
        match self.field(name) {
            Value::Text(text) if !text.is_empty() => text,
            found => {
                self.unexpected(name, found.type_name(), "a non-empty string");
                String::new()
            }
        }
    }

    /// A lifetime in milliseconds, of which a unit has so many.
    pub(super) fn lifetime(&mut self, name: &str, unit: f64) -> i64 {
        let found = self.field(name);
        let mut what = found.type_name();
        let mut expected =
            if unit == 1.0 { "a positive number of milliseconds" } else { "a positive number of seconds" };
        if let Value::Number(number) = found {
            // A float outside i64's range saturates, and NaN becomes 0: both are no sane lifetime.
            let milliseconds = whole(number * unit);
            if Lifetime::is_sane(milliseconds) {
                return milliseconds;
            }
            if number > 0.0 && number.is_finite() {
                (what, expected) = ("out of range", "a lifetime of at least a millisecond and at most a year");
            }
        }
        self.unexpected(name, what, expected);
        0
    }

    /// A time in milliseconds since 1970.
    pub(super) fn creation_date(&mut self, name: &str) -> i64 {
        match self.field(name) {
            Value::Number(number) if number.is_finite() && number > 0.0 => whole(number),
            found => {
                self.unexpected(name, found.type_name(), "milliseconds since 1970");
                0
            }
        }
    }

    /// The number of a licence, if there is one.
    pub(super) fn license(&mut self, name: &str) -> Option<i64> {
        /// The largest integer that JavaScript's numbers hold exactly.
        const LARGEST: f64 = 9_007_199_254_740_991.0;
        match self.field(name) {
            Value::Missing | Value::Null => None,
            Value::Number(number) if number > 0.0 && number <= LARGEST && number.trunc() == number => {
                Some(whole(number))
            }
            found => {
                self.unexpected(name, found.type_name(), "a positive whole number");
                None
            }
        }
    }
}
