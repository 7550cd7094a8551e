//! Customers' records as they are known: in memory, where nobody has changed them since, and else from the store.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

use super::{CustomerRecord, read_record};
use crate::{
    customer::CustomerId,
    customer_store::{CustomerStore, Hearing, RecentChanges, StoreError},
    http::problem::Problem,
};

/// How many bytes of records are kept in memory.
const CAPACITY: u64 = 64 * 1024 * 1024;
/// What one takes besides its text.
const ROOM: u64 = 512;
/// How many are expected; there may be more or fewer.
const EXPECTED: usize = 10_000;

/// A record, or that there is none.
#[derive(Clone)]
struct Known {
    record: Option<Arc<CustomerRecord>>,
    /// The bytes of its text.
    length: usize,
}

/// How much room a record takes.
#[derive(Clone)]
struct Room;

impl Weighter<CustomerId, Known> for Room {
    fn weight(&self, _: &CustomerId, known: &Known) -> u64 {
        (known.length as u64).saturating_add(ROOM)
    }
}

struct Shared {
    store: CustomerStore,
    hearing: Hearing,
    changes: RecentChanges,
    known: Cache<CustomerId, Known, Room>,
}

/// The records of all customers.
#[derive(Clone)]
pub struct CustomerRecords(Arc<Shared>);

impl CustomerRecords {
    /// Those in this store. They are remembered as long as it is heard what others change.
    pub fn new(store: CustomerStore, hearing: Hearing) -> Self {
        let known = Cache::with_weighter(EXPECTED, CAPACITY, Room);
        Self(Arc::new(Shared { store, hearing, changes: RecentChanges::default(), known }))
    }

    /// The customer's record, checked again when it is read: nothing that is wrong gets signed, whoever wrote it.
    pub async fn record(&self, customer: &CustomerId) -> Result<Option<Arc<CustomerRecord>>, Problem> {
        let Shared { store, hearing, changes, known } = &*self.0;
        if hearing.is_current()
            && let Some(known) = known.get(customer)
        {
            return Ok(known.record);
        }
        let begun = changes.begin();
        let text = store.record(customer).await?;
        let length = text.as_ref().map_or(0, String::len);
        let record = text.map(|text| read_record(&text)).transpose()?.map(Arc::new);
        known.insert(customer.clone(), Known { record: record.clone(), length });
        if changes.since(begun, customer) {
            known.remove(customer);
        }
        Ok(record)
    }

    /// Keeps the record in place of any earlier one.
    pub async fn put(&self, customer: &CustomerId, record_json: &str) -> Result<(), StoreError> {
        let put = self.0.store.put_record(customer, record_json).await;
        // Also after an error: nobody knows then what became of it.
        self.changed(customer);
        put
    }

    /// Somebody has changed the customer's record.
    pub fn changed(&self, customer: &CustomerId) {
        self.0.changes.note(customer);
        self.0.known.remove(customer);
    }

    /// Somebody may have changed any record.
    pub fn everything_changed(&self) {
        self.0.changes.note_everything();
        self.0.known.clear();
    }
}
