//! The identity service, its stand-in and the demo's site over real HTTP, with real SQLite files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod admission;
mod answers;
mod code_flow;
mod demo_site;
mod failures;
mod guests;
mod omnichannel;
mod programs;
mod secrets;
mod signing;
mod signing_keys;
mod stand_in;
mod support;
mod token;
