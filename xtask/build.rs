//! Says in one sentence where this program cannot run, instead of in many errors.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_CFG_UNIX").is_none() {
        println!(
            "cargo::error=cargo xtask runs on Linux and macOS; on Windows, work in the Windows Subsystem for Linux (wsl --install)"
        );
    }
}
