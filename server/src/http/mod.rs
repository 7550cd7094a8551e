//! How the service speaks HTTP: what it reads of requests, how it answers and refuses, and what it logs of both.

pub mod answer;
pub(crate) mod client;
pub(crate) mod connection_failure;
pub mod host;
pub mod listener;
pub mod patience;
pub mod problem;
pub mod request_body;
pub mod request_log;
pub mod serve;
pub mod token_answer;
pub mod trace_context;
