//! The core's rules on the host, seen from outside: by example, and in random schedules before two oracles that were written by two
//! hands. All play on one stage; of how they judge, they share nothing.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod examples;
mod faces;
mod looking_back;
mod predicting;
mod stage;
