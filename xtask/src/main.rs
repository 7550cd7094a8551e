//! The only build logic there is.
fn main() {}
