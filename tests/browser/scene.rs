//! One test's page: a licence of its own, a scripted source, a person, a listener; and what tests ask of values.

use std::cell::Cell;

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::Storage;

use crate::face::{
    Clock, Events, IdentityError, IdentityProvider, Person, Source, Tab, come_back, custom_identity_provider,
    restore_page, settled_promise, sign_out, state_promise,
};

/// Where tabs leave the mark of the latest sign-out.
pub const GENERATION: &str = "custom_identity_provider:generation";

/// Signed in at the beginning of every scene.
pub const PERSON: &str = "customer-4711";

pub struct Scene {
    pub license: u32,
    pub source: Source,
    pub person: Person,
    pub events: Events,
    /// A handle that is garbage tells its listener nothing more, so the scene keeps them all.
    handles: js_sys::Array,
}

impl Scene {
    pub fn new() -> Self {
        thread_local!(static LICENSE: Cell<u32> = const { Cell::new(1_000) });
        begin_anew();
        let license = LICENSE.with(|license| license.replace(license.get() + 1));
        Self {
            license,
            source: Source::new(),
            person: Person::new(&PERSON.into()),
            events: Events::new(),
            handles: js_sys::Array::new(),
        }
    }

    /// Options with a cache in memory, and others in their place or beside them; undefined takes one away.
    pub fn options(&self, others: &[(&str, JsValue)]) -> JsValue {
        let standard = object(&[
            ("licenseId", self.license.into()),
            ("source", self.source.ask().into()),
            ("identity", self.person.identity().into()),
            ("cache", "memory".into()),
            ("onEvent", self.events.listener().into()),
        ]);
        with(&standard, others)
    }

    pub fn provider(&self) -> IdentityProvider {
        self.provider_with(&[])
    }

    pub fn provider_with(&self, others: &[(&str, JsValue)]) -> IdentityProvider {
        self.kept(custom_identity_provider(&self.options(others)).expect("the options are right"))
    }

    /// A provider whose tokens outlive the page.
    pub fn session_provider(&self) -> IdentityProvider {
        self.provider_with(&[("cache", "session".into())])
    }

    /// A provider that holds a token with this name.
    pub async fn provider_holding(&self, name: &str, others: &[(&str, JsValue)]) -> IdentityProvider {
        let provider = self.provider_with(others);
        let token = provider.get_token();
        settled().await;
        self.source.answer(self.source.count() - 1, &raw_token(name));
        assert_eq!(text(&fulfilled(&token).await, "accessToken"), name);
        provider
    }

    pub fn record_key(&self) -> String {
        format!("custom_identity_provider:livechat:{}:", self.license)
    }

    /// The stored record's text.
    pub fn record(&self) -> Option<String> {
        session_storage().get_item(&self.record_key()).unwrap()
    }

    pub fn write_record(&self, text: &str) {
        session_storage().set_item(&self.record_key(), text).unwrap();
    }

    /// A provider in another document, with a copy of the package of its own.
    pub fn provider_in(&self, tab: &Tab, others: &[(&str, JsValue)]) -> IdentityProvider {
        self.kept(tab.provider(&self.options(others)))
    }

    fn kept(&self, provider: IdentityProvider) -> IdentityProvider {
        self.handles.push(&provider);
        provider
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        begin_anew();
    }
}

/// Nothing of an earlier test is left: its requests are ended, and the timer that it may have set by a fake clock is forgotten.
fn begin_anew() {
    restore_page();
    let _resolved = sign_out();
    come_back();
}

pub fn window() -> JsValue {
    js_sys::global().into()
}

pub fn session_storage() -> Storage {
    Reflect::get(&window(), &"sessionStorage".into()).unwrap().unchecked_into()
}

pub fn local_storage() -> Storage {
    Reflect::get(&window(), &"localStorage".into()).unwrap().unchecked_into()
}

/// Everything in a storage, as one text.
pub fn contents(storage: &Storage) -> String {
    js_sys::JSON::stringify(storage).unwrap().into()
}

/// A clock of the test's own, from now on.
pub fn fake_clock() -> Clock {
    Clock::of_window(&window())
}

impl Clock {
    /// Lets time pass; timers run when they are due.
    pub async fn advance(&self, milliseconds: f64) {
        JsFuture::from(self.advance_promise(milliseconds)).await.unwrap();
    }
}

/// Another document of the origin, with a copy of the package of its own.
pub async fn open_tab() -> Tab {
    let tab = Tab::new();
    JsFuture::from(tab.load_promise()).await.expect("the package loads");
    tab
}

/// Everything that can happen without time passing has happened.
pub async fn settled() {
    JsFuture::from(settled_promise()).await.unwrap();
}

/// "pending", "fulfilled" or "rejected".
pub async fn state(promise: &Promise) -> String {
    JsFuture::from(state_promise(promise)).await.unwrap().as_string().unwrap()
}

/// What a promise resolves with.
pub async fn fulfilled(promise: &Promise) -> JsValue {
    match JsFuture::from(promise.clone()).await {
        Ok(value) => value,
        Err(error) => panic!("rejected with {:?}: {error:?}", value(&error, "code")),
    }
}

/// What a promise is rejected with.
pub async fn rejected(promise: &Promise) -> JsValue {
    match JsFuture::from(promise.clone()).await {
        Ok(_) => panic!("resolved, where a rejection was expected"),
        Err(error) => error,
    }
}

/// The IdentityError that a promise is rejected with.
pub async fn error(promise: &Promise) -> IdentityError {
    identity_error(rejected(promise).await)
}

/// The code of the IdentityError that a promise is rejected with.
pub async fn code(promise: &Promise) -> String {
    error(promise).await.code()
}

/// A value that must be an IdentityError.
pub fn identity_error(value: JsValue) -> IdentityError {
    value.dyn_into().unwrap_or_else(|value| panic!("no IdentityError: {value:?}"))
}

/// Whether a provider says that it has a token.
pub async fn has_token(provider: &IdentityProvider) -> bool {
    fulfilled(&provider.has_token()).await.as_bool().unwrap()
}

/// The access token that a promise resolves with.
pub async fn access_token(promise: &Promise) -> String {
    text(&fulfilled(promise).await, "accessToken")
}

pub fn is_same(left: &JsValue, right: &JsValue) -> bool {
    Object::is(left, right)
}

pub fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value).unwrap();
    }
    object.into()
}

/// A copy with other fields; undefined takes a field away.
pub fn with(base: &JsValue, others: &[(&str, JsValue)]) -> JsValue {
    let copy = Object::assign(&Object::new(), base.unchecked_ref());
    for (name, value) in others {
        if value.is_undefined() {
            Reflect::delete_property(&copy, &(*name).into()).unwrap();
        } else {
            Reflect::set(&copy, &(*name).into(), value).unwrap();
        }
    }
    copy.into()
}

/// What the accounts endpoint answers: good for an hour.
pub fn raw_token(name: &str) -> JsValue {
    object(&[
        ("access_token", name.into()),
        ("entity_id", "entity-1".into()),
        ("expires_in", 3_600.into()),
        ("token_type", "Bearer".into()),
    ])
}

/// A token as a source may finish it by itself: good for an hour.
pub fn finished_token(name: &str) -> JsValue {
    object(&[
        ("accessToken", name.into()),
        ("entityId", "entity-1".into()),
        ("expiresIn", 3_600_000.into()),
        ("tokenType", "Bearer".into()),
        ("creationDate", js_sys::Date::now().into()),
    ])
}

/// A source that answers at once, with tokens named after the run: "token-1", "token-2".
pub fn answer_at_once(source: &Source) {
    let answerer = Closure::<dyn Fn(u32) -> JsValue>::new(|number| raw_token(&format!("token-{number}")));
    source.answer_by(answerer.into_js_value().unchecked_ref());
}

pub fn value(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap()
}

pub fn text(object: &JsValue, name: &str) -> String {
    value(object, name).as_string().unwrap_or_else(|| panic!("{name} is no string"))
}

pub fn number(object: &JsValue, name: &str) -> f64 {
    value(object, name).as_f64().unwrap_or_else(|| panic!("{name} is no number"))
}

/// The names of an object's own fields, in alphabetical order.
pub fn keys(object: &JsValue) -> String {
    let names = Object::keys(object.unchecked_ref::<Object>());
    let mut names: Vec<String> = names.iter().filter_map(|name| name.as_string()).collect();
    names.sort();
    names.join(" ")
}
