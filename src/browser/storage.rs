//! The stored record; storage may be blocked, full, inert or missing at any time.

use gloo_storage::Storage;
use wasm_bindgen::JsCast;

use super::sys;

/// Everything that this package stores begins with this.
const PREFIX: &str = "custom_identity_provider:";

/// Storage did not do what it was asked for.
pub(super) struct StorageFailure;

/// sessionStorage as `pkg/src/environment.js` finds it: gloo-storage's own insists on a page whose `Window` is the browser's, and panics
/// where touching the storage throws.
struct PageStorage;

impl Storage for PageStorage {
    fn raw() -> web_sys::Storage {
        sys::storage().unchecked_into()
    }
}

fn storage() -> Result<web_sys::Storage, StorageFailure> {
    let storage = PageStorage::raw();
    if storage.is_undefined() { Err(StorageFailure) } else { Ok(storage) }
}

/// The record of a session as text.
pub(super) fn read_record(session: &str) -> Result<Option<String>, StorageFailure> {
    storage()?.get_item(&record_key(session)).map_err(|_| StorageFailure)
}

/// Writes the record of a session.
pub(super) fn write_record(session: &str, text: &str) -> Result<(), StorageFailure> {
    storage()?.set_item(&record_key(session), text).map_err(|_| StorageFailure)
}

/// Removes the record of a session.
pub(super) fn remove_record(session: &str) -> Result<(), StorageFailure> {
    storage()?.remove_item(&record_key(session)).map_err(|_| StorageFailure)
}

fn record_key(session: &str) -> String {
    [PREFIX, session].concat()
}
