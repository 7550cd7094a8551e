//! Puts customers' entities in, some lines at a time: what is in stays in when it is stopped, and the next run goes on.

use std::{
    io::{self, Read, Write},
    time::Instant,
};

use serde::Serialize;

use super::lines::{Format, Row, rows};
use crate::{
    customer::{CustomerId, EntityId},
    customer_store::{CustomerStore, Import, StoreError},
};

/// How many lines are written together: more would hold the database's lock for longer than a request can wait.
const BATCH: usize = 200;

/// What came of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Customers who had no entity.
    pub new: u64,
    /// Customers who had the same entity.
    pub unchanged: u64,
    /// Customers whose entity was overwritten.
    pub replaced: u64,
    /// Customers who have another entity, and keep it.
    pub conflicts: u64,
    /// Lines that hold no customer with an entity.
    pub bad_lines: u64,
    /// The last line that has been dealt with.
    pub last_line: u64,
}

impl ImportReport {
    /// Whether every line is in.
    pub fn is_complete(&self) -> bool {
        self.conflicts == 0 && self.bad_lines == 0
    }
}

/// Why an import ended early.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The text.
    #[error("{0}")]
    Text(#[from] io::Error),
    /// The database. What was in before is in; the import can be run again.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Puts in what the text says. What is wrong is told line by line, by its number and without anybody's id; `report`
/// says what has been done, also when it ends early.
pub async fn import(
    store: &CustomerStore,
    format: Format,
    text: impl Read,
    replace: bool,
    report: &mut ImportReport,
    complaints: &mut impl Write,
) -> Result<(), ImportError> {
    let mut rows = rows(format, text)?;
    let mut padded = 0_u64;
    loop {
        let batch: Vec<Row> = rows.by_ref().take(BATCH).collect::<io::Result<_>>()?;
        if batch.is_empty() {
            warn_of_what_is_in(store, padded, complaints).await;
            return Ok(());
        }
        let ids = batch.iter().filter_map(|row| row.content.as_ref().ok()).map(|(customer, _)| customer.as_str());
        padded += ids.map(|id| u64::from(id.trim() != id)).sum::<u64>();
        let began = Instant::now();
        write(store, batch, replace, report, complaints).await?;
        if store.has_one_writer() {
            // Whoever waits for SQLite looks only now and then whether it is free: without a pause, the service beside would wait in vain.
            tokio::time::sleep(began.elapsed()).await;
        }
    }
}

/// Whoever reads the complaints may have seen enough of them: the report counts them all, and the other lines are to be stored.
fn complain(complaints: &mut impl Write, first_line: u64, last_line: u64, complaint: &str) {
    let _ = if first_line == last_line {
        writeln!(complaints, "line {first_line}: {complaint}")
    } else {
        writeln!(complaints, "lines {first_line} to {last_line}: {complaint}")
    };
}

/// Says what no line shows to be wrong, and what nobody means: a column that was filled with one value, or one of a fixed width. It is stored
/// all the same, and is no reason for another exit code.
async fn warn_of_what_is_in(store: &CustomerStore, padded: u64, complaints: &mut impl Write) {
    let _ = match store.shared_entities().await {
        Ok(0) => Ok(()),
        Ok(shared) => {
            let told = "entities that belong to several customers, who would read each other's conversations";
            writeln!(complaints, "warning: {told}: {shared}")
        }
        Err(error) => {
            writeln!(complaints, "warning: whether an entity belongs to several customers is not known: {error}")
        }
    };
    if padded > 0 {
        let told = "ids that begin or end with a blank, and are stored so: they are others than those without";
        let _ = writeln!(complaints, "warning: {told}: {padded}");
    }
}

async fn write(
    store: &CustomerStore,
    batch: Vec<Row>,
    replace: bool,
    report: &mut ImportReport,
    complaints: &mut impl Write,
) -> Result<(), ImportError> {
    let (mut numbers, mut pairs): (Vec<u64>, Vec<(CustomerId, EntityId)>) = Default::default();
    let last_line = batch.last().map(|row| row.last_line).unwrap_or_default();
    for Row { first_line, last_line, content } in batch {
        match content {
            Ok(pair) => {
                numbers.push(first_line);
                pairs.push(pair);
            }
            Err(expected) => {
                report.bad_lines += last_line - first_line + 1;
                complain(complaints, first_line, last_line, expected);
            }
        }
    }
    let imports = store.import(&pairs, replace).await?;
    for (number, import) in numbers.into_iter().zip(imports) {
        match import {
            Import::New => report.new += 1,
            Import::Unchanged => report.unchanged += 1,
            Import::Replaced => report.replaced += 1,
            Import::Conflict => {
                report.conflicts += 1;
                complain(
                    complaints,
                    number,
                    number,
                    "this customer has another entity, and keeps it without --replace",
                );
            }
        }
    }
    report.last_line = last_line;
    Ok(())
}
