//! The customer store on real SQLite files and real PostgreSQL servers, and replicas of the service on them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod changes;
mod customer_store;
mod database_user;
mod encryption;
mod failover;
mod first_requests;
mod guests;
mod network;
mod outage;
mod postgres_server;
mod redemptions;
mod site;
