//! Tells chat widgets who the visitor is: the core of the npm package `custom-identity-provider`, compiled to WebAssembly.
//!
//! [`core`] decides, `browser` does, `exports` is what the package in `pkg/` calls: three floors, each of which looks at lower ones only.

pub mod core;

#[cfg(target_arch = "wasm32")]
pub mod browser;
#[cfg(target_arch = "wasm32")]
pub mod exports;

#[cfg(target_arch = "wasm32")]
use talc::{
    cell::TalcSyncCell,
    wasm::{WasmBinning, WasmGrowAndClaim},
};

/// A fraction of the standard allocator's size; a page has one thread.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: TalcSyncCell<WasmGrowAndClaim, WasmBinning> = TalcSyncCell::new_wasm(WasmGrowAndClaim);
