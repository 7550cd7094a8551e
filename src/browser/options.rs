//! How options are read: every wrong one is named, with what was expected of it.

use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::core::{Account, Cache, Policy};

use super::error::bad_option;
use super::fields::is_record;
use super::identity::Identity;
use super::source::Source;

/// The largest integer that JavaScript's numbers hold exactly.
const LARGEST_INTEGER: f64 = 9_007_199_254_740_991.0;

/// The options that every widget has; the widget adds its own.
const SHARED: [&str; 8] = ["source", "identity", "cache", "margin", "refreshAhead", "timeout", "patience", "onEvent"];

/// The options that all widgets share, read and found right.
pub(crate) struct Options {
    pub(super) source: Source,
    pub(crate) identity: Identity,
    pub(crate) cache: Cache,
    pub(crate) account: Account,
    pub(crate) policy: Policy,
    pub(crate) on_event: Option<Function>,
}

impl Options {
    /// Reads the options of a LiveChat provider.
    pub(crate) fn for_livechat(value: &JsValue) -> Result<Self, JsValue> {
        let partial = Partial::for_livechat(value)?;
        let source = partial
            .source
            .ok_or_else(|| bad_option("source", "one to be given: a function, a URL, or an object with url or grant"))?;
        let cache = partial.cache.unwrap_or(Cache::Session);
        let identity = match partial.identity {
            Some(identity) => identity,
            None if cache == Cache::Session => {
                return Err(bad_option(
                    "identity",
                    "one to be given with a cache that outlives the page: a function that answers with the page's own user id or null, or null when nobody can be signed in",
                ));
            }
            None => Identity::Nobody,
        };
        let mut account = partial.account;
        if account == Account::default() {
            account.license_id = license_of_page();
        }
        if account == Account::default() {
            return Err(bad_option("licenseId", "a licence's number, or organizationId, or window.__lc.license to be set"));
        }
        Ok(Self { source, identity, cache, account, policy: partial.policy, on_event: partial.on_event })
    }
}

impl Options {
    /// Options of which any may be missing: only those that are given have to be right.
    pub(crate) fn check_partial(value: &JsValue) -> Result<(), JsValue> {
        Partial::for_livechat(value).map(drop)
    }
}

/// Options of which any may be missing, as `configure` takes them.
pub(super) struct Partial {
    source: Option<Source>,
    identity: Option<Identity>,
    cache: Option<Cache>,
    account: Account,
    policy: Policy,
    on_event: Option<Function>,
}

impl Partial {
    pub(super) fn for_livechat(value: &JsValue) -> Result<Self, JsValue> {
        if !is_record(value) {
            return Err(bad_option("options", "an object"));
        }
        let options = OptionsReader::new(value, "");
        let mut known = SHARED.to_vec();
        known.extend(["licenseId", "organizationId"]);
        options.only(&known)?;
        let source = options.get("source");
        let source = if source.is_undefined() { None } else { Some(Source::from_option(&source)?) };
        let cache = match options.one_of("cache", &["session", "memory", "none"])? {
            None => None,
            Some("memory") => Some(Cache::Memory),
            Some("none") => Some(Cache::None),
            Some(_) => Some(Cache::Session),
        };
        let standard = Policy::default();
        let policy = Policy {
            margin: options.milliseconds("margin", 0.0)?,
            refresh_ahead: options.milliseconds("refreshAhead", 0.0)?.unwrap_or(standard.refresh_ahead),
            timeout: options.milliseconds("timeout", 1.0)?.unwrap_or(standard.timeout),
            patience: options.milliseconds("patience", 0.0)?.unwrap_or(standard.patience),
        };
        let on_event = options.get("onEvent");
        let on_event = match on_event.dyn_into::<Function>() {
            Ok(function) => Some(function),
            Err(value) if value.is_undefined() => None,
            Err(_) => return Err(bad_option("onEvent", "a function")),
        };
        let account =
            Account { license_id: options.license("licenseId")?, organization_id: options.text("organizationId")? };
        Ok(Self { source, identity: Identity::from_option(&options.get("identity"))?, cache, account, policy, on_event })
    }
}

/// The licence that LiveChat's own snippet names on the page.
fn license_of_page() -> Option<i64> {
    let snippet = Reflect::get(&js_sys::global(), &"__lc".into()).ok().filter(is_record)?;
    let license = Reflect::get(&snippet, &"license".into()).ok()?.as_f64()?;
    is_license(license).then_some(license as i64)
}

fn is_license(number: f64) -> bool {
    number > 0.0 && number <= LARGEST_INTEGER && number.trunc() == number
}

/// Reads the options of one object.
pub(super) struct OptionsReader<'a> {
    object: &'a JsValue,
    /// Stands before each name in errors: `source.` for what stands within `source`.
    prefix: &'static str,
}

impl<'a> OptionsReader<'a> {
    pub(super) fn new(object: &'a JsValue, prefix: &'static str) -> Self {
        Self { object, prefix }
    }

    fn wrong(&self, name: &str, expected: &str) -> JsValue {
        bad_option(&[self.prefix, name].concat(), expected)
    }

    /// The option as it is; undefined when it is not there.
    pub(super) fn get(&self, name: &str) -> JsValue {
        // Reading fails only where a getter throws, and then the option is as good as missing.
        Reflect::get(self.object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
    }

    /// Refuses every option that is not one of these: a misspelt option must not be ignored.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), JsValue> {
        for key in Object::keys(self.object.unchecked_ref::<Object>()).iter().filter_map(|key| key.as_string()) {
            if !known.contains(&key.as_str()) {
                return Err(self.wrong(&key, &["one of ", &known.join(", ")].concat()));
            }
        }
        Ok(())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, JsValue> {
        let value = self.get(name);
        if value.is_undefined() {
            return Ok(None);
        }
        match value.as_string().filter(|text| !text.is_empty()) {
            Some(text) => Ok(Some(text)),
            None => Err(self.wrong(name, "a non-empty string")),
        }
    }

    pub(super) fn required_text(&self, name: &str) -> Result<String, JsValue> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "a non-empty string"))
    }

    pub(super) fn url(&self, name: &str) -> Result<Option<String>, JsValue> {
        let value = self.get(name);
        if value.is_undefined() {
            return Ok(None);
        }
        match url_text(&value) {
            Some(Ok(url)) => Ok(Some(url)),
            _ => Err(self.wrong(name, "a URL that this page can resolve")),
        }
    }

    pub(super) fn one_of(&self, name: &str, choices: &[&'static str]) -> Result<Option<&'static str>, JsValue> {
        let value = self.get(name);
        if value.is_undefined() {
            return Ok(None);
        }
        let text = value.as_string();
        match choices.iter().find(|choice| text.as_deref() == Some(**choice)) {
            Some(choice) => Ok(Some(choice)),
            None => Err(self.wrong(name, &["\"", &choices.join("\" or \""), "\""].concat())),
        }
    }

    fn milliseconds(&self, name: &str, least: f64) -> Result<Option<i64>, JsValue> {
        let value = self.get(name);
        if value.is_undefined() {
            return Ok(None);
        }
        match value.as_f64().filter(|number| *number >= least && *number <= LARGEST_INTEGER) {
            Some(number) => Ok(Some(number as i64)),
            None if least > 0.0 => Err(self.wrong(name, "a positive number of milliseconds")),
            None => Err(self.wrong(name, "a number of milliseconds, 0 or more")),
        }
    }

    fn license(&self, name: &str) -> Result<Option<i64>, JsValue> {
        let value = self.get(name);
        if value.is_undefined() {
            return Ok(None);
        }
        match value.as_f64().filter(|number| is_license(*number)) {
            Some(number) => Ok(Some(number as i64)),
            None => Err(self.wrong(name, "a positive whole number")),
        }
    }
}

/// A string or URL object as an absolute URL; none when it is neither, an error when it can't be resolved.
pub(super) fn url_text(value: &JsValue) -> Option<Result<String, ()>> {
    let text = match value.dyn_ref::<web_sys::Url>() {
        Some(url) => url.href(),
        None => value.as_string()?,
    };
    let resolved = match base_address() {
        Some(base) => web_sys::Url::new_with_base(&text, &base),
        None => web_sys::Url::new(&text),
    };
    Some(match resolved {
        Ok(url) if !text.is_empty() && matches!(url.protocol().as_str(), "http:" | "https:") => Ok(url.href()),
        _ => Err(()),
    })
}

/// What relative URLs are relative to: the document's base, or a worker's own address.
fn base_address() -> Option<String> {
    let global = js_sys::global();
    let read = |object: &str, name: &str| -> Option<String> {
        let object = Reflect::get(&global, &object.into()).ok().filter(is_record)?;
        Reflect::get(&object, &name.into()).ok()?.as_string()
    };
    read("document", "baseURI").or_else(|| read("location", "href"))
}

/// The caller's own signal out of `getToken`'s options, if one is given.
pub(crate) fn signal_option(value: &JsValue) -> Result<Option<web_sys::AbortSignal>, JsValue> {
    if !is_record(value) || Array::is_array(value) {
        return Ok(None);
    }
    let signal = Reflect::get(value, &"signal".into()).unwrap_or(JsValue::UNDEFINED);
    if signal.is_undefined() || signal.is_null() {
        return Ok(None);
    }
    signal.dyn_into().map(Some).map_err(|_| bad_option("signal", "an AbortSignal"))
}
