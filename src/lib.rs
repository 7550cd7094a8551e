//! Tells chat widgets who the visitor is.
pub mod core;
