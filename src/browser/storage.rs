//! The stored record; storage may be blocked, full, inert or missing at any time.

use gloo_storage::Storage;
use wasm_bindgen::JsCast;

use crate::core::STORAGE_PREFIX;

use super::sys;

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

/// The record of a session as text.
pub(super) fn read_record(session: &str) -> Result<Option<String>, StorageFailure> {
    let storage = PageStorage::raw();
    if storage.is_undefined() {
        return Err(StorageFailure);
    }
    storage.get_item(&record_key(session)).map_err(|_| StorageFailure)
}

/// Writes the record of a session; whether it stands.
pub(super) fn write_record(session: &str, text: &str) -> bool {
    sys::write_item(&record_key(session), text)
}

/// Removes the record of a session; whether it is gone.
pub(super) fn remove_record(session: &str) -> bool {
    sys::remove_item(&record_key(session))
}

pub(super) fn record_key(session: &str) -> String {
    [STORAGE_PREFIX, session].concat()
}
