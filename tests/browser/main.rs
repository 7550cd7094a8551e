//! The built package in real browsers: every rule that touches the browser, driven through the package's public face.
//!
//! What is tested is `pkg/generated/tested.js`: the inline entry, whose core is WebAssembly or JavaScript, as the step of `cargo xtask test` has it.

#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod face;
mod scene;
mod widget_scene;

mod answers;
mod callers;
mod failing;
mod forgetting;
mod hostile;
mod identity;
mod json_web_token;
mod lease;
mod lifetime;
mod live_assist;
mod omnichannel;
mod options;
mod page_code;
mod secrets;
mod sharing;
mod signing_out;
mod stored;
mod stored_jwt;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
