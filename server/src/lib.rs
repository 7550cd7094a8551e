//! The identity service: knows a site's customers from the site's own session token, and gets them what chat widgets need.
//!
//! For LiveChat it finds or creates the customer's entity, and answers with a token for it; the agent token that this
//! takes never leaves the service. For Microsoft Omnichannel and Live Assist it signs tokens with keys of its own.

pub mod administration;
pub mod admission;
mod byte_order_mark;
pub(crate) mod certificate_refusal;
pub mod check;
pub mod clock;
pub mod configuration;
pub mod customer;
pub mod customer_records;
pub mod customer_store;
pub mod customers;
pub mod http;
pub(crate) mod json_web_key;
pub(crate) mod lax_base64;
pub mod live_assist;
pub mod livechat;
pub mod logging;
pub mod loopback;
pub mod metrics;
pub(crate) mod mounted_secret;
pub mod omnichannel;
pub mod openapi;
pub mod proof_key;
pub mod random;
pub mod readiness;
pub mod secret;
pub mod service;
pub mod setting;
pub mod signing_keys;
