//! The stored record, and the mark by which tabs learn of a sign-out; both may be blocked, full or missing at any time.

use gloo_storage::{LocalStorage, SessionStorage, Storage};
use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};

/// Everything that this package stores begins with this.
const PREFIX: &str = "custom_identity_provider:";

/// Where the generation of sign-outs is kept, for all tabs of the origin.
const GENERATION_KEY: &str = "custom_identity_provider:generation";

/// Storage did not do what it was asked for.
pub(super) struct StorageFailure;

/// The raw storage, if touching it does not throw: `raw()` of gloo-storage panics where it does.
fn probe(name: &str) -> Result<(), StorageFailure> {
    match Reflect::get(&js_sys::global(), &JsValue::from_str(name)) {
        Ok(storage) if storage.is_instance_of::<web_sys::Storage>() => Ok(()),
        _ => Err(StorageFailure),
    }
}

fn session_storage() -> Result<web_sys::Storage, StorageFailure> {
    probe("sessionStorage").map(|()| SessionStorage::raw())
}

fn local_storage() -> Result<web_sys::Storage, StorageFailure> {
    probe("localStorage").map(|()| LocalStorage::raw())
}

/// The record of a session as text.
pub(super) fn read_record(session: &str) -> Result<Option<String>, StorageFailure> {
    session_storage()?.get_item(&record_key(session)).map_err(|_| StorageFailure)
}

/// Writes the record of a session.
pub(super) fn write_record(session: &str, text: &str) -> Result<(), StorageFailure> {
    session_storage()?.set_item(&record_key(session), text).map_err(|_| StorageFailure)
}

/// Removes the record of a session.
pub(super) fn remove_record(session: &str) -> Result<(), StorageFailure> {
    session_storage()?.remove_item(&record_key(session)).map_err(|_| StorageFailure)
}

/// The generation in which records are written, if the origin has one yet.
pub(super) fn read_generation() -> Result<Option<String>, StorageFailure> {
    local_storage()?.get_item(GENERATION_KEY).map_err(|_| StorageFailure)
}

/// A new generation: every record of an older one is void, and the other tabs are told by their `storage` event.
pub(super) fn write_generation(generation: &str) -> Result<(), StorageFailure> {
    local_storage()?.set_item(GENERATION_KEY, generation).map_err(|_| StorageFailure)
}

fn record_key(session: &str) -> String {
    [PREFIX, session].concat()
}
