//! The core's rules on the host, seen from outside.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod callers;
mod codes;
mod json_web_tokens;
mod nonsense;
mod outcomes;
mod rules;
mod schedules;
mod sign_outs;
mod tab;
