//! Tells chat widgets who the visitor is: the core of the npm package `custom-identity-provider`, compiled to WebAssembly.
//!
//! [`core`] decides, `browser` does, `widget` has the shapes in which widgets ask. What JavaScript sees of it is the package in `pkg/`.

pub mod core;

#[cfg(target_arch = "wasm32")]
pub mod browser;
#[cfg(target_arch = "wasm32")]
pub mod exports;
#[cfg(target_arch = "wasm32")]
pub mod widget;

#[cfg(target_arch = "wasm32")]
use talc::{
    cell::TalcSyncCell,
    wasm::{WasmBinning, WasmGrowAndClaim},
};

/// A fraction of the standard allocator's size; a page has one thread.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: TalcSyncCell<WasmGrowAndClaim, WasmBinning> = TalcSyncCell::new_wasm(WasmGrowAndClaim);
