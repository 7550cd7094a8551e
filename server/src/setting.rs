//! How one setting is read, and how a wrong one is refused: by its name, with what was expected.

use std::{fmt, fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use url::Url;

use crate::{byte_order_mark::unmarked, loopback::is_loopback, mounted_secret::is_mounted_secret};

/// RFC 7518, section 3.2: a key of the hash's own size, or it can be guessed.
pub(crate) const SHORTEST_SECRET: usize = 32;

/// A setting that is missing or wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingError {
    /// The setting's name.
    pub setting: &'static str,
    /// What was expected, and what is wrong with what was found.
    pub expected: String,
}

impl fmt::Display for SettingError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.setting, self.expected)
    }
}

impl std::error::Error for SettingError {}

/// A refusal.
pub(crate) fn wrong(setting: &'static str, expected: impl Into<String>) -> SettingError {
    SettingError { setting, expected: expected.into() }
}

/// A duration from 0.05 to so many seconds.
pub(crate) fn seconds(setting: &'static str, value: f64, most: f64) -> Result<Duration, SettingError> {
    let duration = Duration::try_from_secs_f64(value).ok().filter(|_| (0.05..=most).contains(&value));
    duration.ok_or_else(|| wrong(setting, format!("expected 0.05 to {most} seconds")))
}

/// An https URL, or http on this machine: in clear over a network, a token is everybody's.
pub(crate) fn safe_url(setting: &'static str, text: &str) -> Result<Url, SettingError> {
    let expected = || wrong(setting, "expected an https URL, or an http URL of this machine");
    let url = Url::parse(text).map_err(|_| expected())?;
    if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) { Ok(url) } else { Err(expected()) }
}

/// The same, where this service sends an `Authorization` of its own: one for the URL's user would be a second one.
pub(crate) fn safe_url_without_user(setting: &'static str, text: &str) -> Result<Url, SettingError> {
    let url = safe_url(setting, text)?;
    if url.username().is_empty() && url.password().is_none() {
        return Ok(url);
    }
    Err(wrong(setting, "expected a URL without a user and a password: requests have another Authorization already"))
}

/// What was expected of a file that cannot be read.
pub(crate) fn unreadable(file: &Path, error: &std::io::Error) -> String {
    format!("expected a readable file, {} is not: {error}", file.display())
}

/// A setting that is given, without blanks around it, as a file of the environment leaves them that was written on Windows. An empty
/// one is as good as none.
pub(crate) fn not_empty(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A secret that could be guessed.
pub(crate) fn too_short(setting: &'static str) -> SettingError {
    wrong(setting, format!("expected at least {SHORTEST_SECRET} bytes"))
}

/// A secret from the environment or a file, but not from both.
pub(crate) fn required_secret(
    setting: &'static str,
    (name, from_variable): (&str, Option<String>),
    file: Option<&Path>,
) -> Result<Option<String>, SettingError> {
    let secret = match (not_empty(from_variable), file) {
        (Some(_), Some(_)) => return Err(wrong(setting, format!("expected only one of {name} and a file"))),
        (Some(secret), None) => secret,
        (None, Some(file)) => {
            let metadata = fs::metadata(file).map_err(|error| wrong(setting, unreadable(file, &error)))?;
            // Who is in a container with a secret may read it; nobody else's hand may have been on it.
            let others = if is_mounted_secret(file) { 0o002 } else { 0o007 };
            if metadata.permissions().mode() & others != 0 {
                let path = file.display();
                let todo = format!("run: chmod o= {path}, or mount it with mode 0440");
                return Err(wrong(setting, format!("expected a file that others cannot read; {todo}")));
            }
            let bytes = fs::read(file).map_err(|error| wrong(setting, unreadable(file, &error)))?;
            let text = std::str::from_utf8(unmarked(&bytes))
                .map_err(|_| wrong(setting, format!("expected text in UTF-8, {} is none", file.display())))?;
            text.to_owned()
        }
        (None, None) => return Ok(None),
    };
    // Editors put a line break behind a text.
    let secret = secret.trim().to_owned();
    if secret.is_empty() { Err(wrong(setting, "expected a secret, found nothing")) } else { Ok(Some(secret)) }
}

/// What is given in a list, without the empty ones, and without blanks around a comma.
pub(crate) fn given(list: Vec<String>) -> Vec<String> {
    list.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

/// A setting that is given and does nothing.
pub(crate) fn unused(setting: &'static str, needed: &str) -> SettingError {
    wrong(setting, format!("expected {needed} to be switched on as well: without it, this does nothing"))
}
