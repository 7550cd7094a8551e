//! The demo's site and the stand-in for LiveChat's accounts over real HTTP, on the stage of the service's own tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod livechat_accounts;
mod programs;
mod site;

// The service's tests use all of it, these do not.
#[allow(dead_code)]
#[path = "../../../server/tests/service/processes.rs"]
mod processes;
#[allow(dead_code)]
#[path = "../../../server/tests/service/support.rs"]
mod support;
