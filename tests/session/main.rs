//! The rules of the session, on the host: examples, random schedules against an oracle, and bytes from outside.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable,
    missing_docs
)]

mod answers;
mod examples;
mod faces;
mod json;
mod judge;
mod oracle;
mod schedules;
mod sign_outs;
mod stage;
