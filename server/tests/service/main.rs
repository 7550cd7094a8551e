//! The identity service over real HTTP, with real SQLite files and the stand-in for LiveChat's accounts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod admission;
mod answers;
mod check;
mod clocks;
mod code_flow;
mod connections;
mod core_reads;
mod customers;
mod failures;
mod guests;
mod metrics;
mod omnichannel;
mod openapi;
mod pem_files;
mod processes;
mod programs;
mod readiness;
mod secrets;
mod session_sources;
mod signing;
mod signing_keys;
mod sites;
mod support;
mod token;
