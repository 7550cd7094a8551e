//! Who the page says is signed in, and how that is told apart in storage without being stored.

use base64ct::{Base64UrlUnpadded, Encoding};
use js_sys::Function;
use sha2::{Digest, Sha256};
use wasm_bindgen::{JsCast, JsValue};

use crate::core::{Code, Failure};

use super::error::{SourceFailure, bad_option};
use super::fields::kind;

/// The option `identity`.
#[derive(Clone)]
pub(crate) enum Identity {
    /// Nobody can be signed in.
    Nobody,
    /// The page's function says who is.
    Asked(Function),
}

impl Identity {
    pub(super) fn from_option(value: &JsValue) -> Result<Option<Self>, JsValue> {
        if value.is_undefined() {
            Ok(None)
        } else if value.is_null() {
            Ok(Some(Self::Nobody))
        } else if let Some(function) = value.dyn_ref::<Function>() {
            Ok(Some(Self::Asked(function.clone())))
        } else {
            Err(bad_option("identity", "a function that answers with the page's own user id or null, or null when nobody can be signed in"))
        }
    }

    /// Who is signed in at this moment.
    pub(super) fn read(&self) -> Result<Option<String>, SourceFailure> {
        let Self::Asked(function) = self else { return Ok(None) };
        let answer = function.call0(&JsValue::UNDEFINED).map_err(|cause| SourceFailure {
            failure: Failure::lasting(Code::BadIdentity, "the function given as identity failed; see cause"),
            cause: Some(cause),
        })?;
        if answer.is_null() || answer.is_undefined() {
            return Ok(None);
        }
        if let Some(identity) = answer.as_string().filter(|identity| !identity.is_empty()) {
            return Ok(Some(identity));
        }
        if let Some(number) = answer.as_f64().filter(|number| number.is_finite()) {
            return Ok(js_sys::Number::from(number).to_string_with_radix(10).ok().map(String::from));
        }
        let found = match answer.as_string() {
            Some(_) => "an empty string",
            None if answer.as_f64().is_some() => "no finite number",
            None => kind(&answer),
        };
        let message = ["the function given as identity answered with ", found, ", expected a user id or null, at once"];
        Err(Failure::lasting(Code::BadIdentity, message.concat()).into())
    }

    /// Whether two options would ever answer alike: a function and "nobody" never share a session.
    pub(crate) fn is_asked(&self) -> bool {
        matches!(self, Self::Asked(_))
    }
}

/// A digest that tells scopes apart. The salt is the origin's own and new after every sign-out; each part goes in with its length,
/// so that no two lists of parts look the same.
pub(super) fn scope_digest(salt: &str, session: &str, identity: Option<&str>) -> String {
    let mut digest = Sha256::new();
    for part in [salt, session, if identity.is_some() { "signed in" } else { "nobody" }, identity.unwrap_or_default()] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    Base64UrlUnpadded::encode_string(&digest.finalize())
}
