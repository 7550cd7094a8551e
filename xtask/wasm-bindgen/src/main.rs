//! wasm-bindgen's command line.
fn main() {}
