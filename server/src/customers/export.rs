//! Takes customers' entities out, some at a time, in the order of the customers' ids.

use std::io::{self, Write};

use super::lines::{CUSTOMER, ENTITY, Format, json_line};
use crate::{
    customer::CustomerId,
    customer_store::{CustomerStore, StoreError},
};

/// How many are read together.
const BATCH: u32 = 1000;

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Whoever reads it.
    #[error("the lines could not be written: {0}")]
    Write(#[from] io::Error),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Writes all customers that come after this one.
pub async fn export(
    store: &CustomerStore,
    format: Format,
    mut after: Option<CustomerId>,
    text: &mut impl Write,
) -> Result<(), ExportError> {
    if format == Format::Csv {
        write_csv(text, [CUSTOMER, ENTITY])?;
    }
    loop {
        let customers = store.export(after.as_ref(), BATCH).await?;
        for (customer, entity) in &customers {
            match format {
                Format::Csv => write_csv(text, [customer.as_str(), entity.as_str()])?,
                Format::JsonLines => writeln!(text, "{}", json_line(customer, entity))?,
            }
        }
        let Some((last, _)) = customers.into_iter().next_back() else { break };
        after = Some(last);
    }
    Ok(text.flush()?)
}

fn write_csv(text: &mut impl Write, fields: [&str; 2]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(text);
    writer.write_record(fields)?;
    writer.flush()
}
