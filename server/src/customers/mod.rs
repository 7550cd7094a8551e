//! Customers and their entities as lines of text, put in and taken out, as many as there are.

mod export;
mod import;
mod lines;

pub use export::export;
pub use import::{ImportReport, import};
pub use lines::Format;
