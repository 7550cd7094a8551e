//! The identity service: maps a site's customers to LiveChat entities and fetches tokens for them.
//!
//! A browser asks `POST /livechat/token`; the service knows the customer from the site's own session token, finds or
//! creates the customer's entity at LiveChat, and answers with a token for it. The agent token that this takes never
//! leaves the service.

pub mod accounts;
pub mod administration;
pub mod admission;
pub mod authorization_code;
pub mod clock;
pub mod configuration;
pub mod customer_record;
pub mod customer_store;
pub mod customer_tokens;
pub mod demo_site;
pub mod json_web_encryption;
pub mod json_web_keys;
pub mod json_web_token;
pub mod live_assist;
pub mod livechat;
pub mod logging;
pub mod omnichannel;
pub mod origin;
pub mod problem;
pub mod proof_key;
pub mod published_keys;
pub mod random;
pub mod request_body;
pub mod request_log;
pub mod serve;
pub mod service;
pub mod session_token;
pub mod signing_keys;
pub mod signing_settings;
pub mod stand_in;
pub mod token_answer;
