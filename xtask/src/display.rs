//! Whether somebody sits in front of this machine, and what shows them a page.

use std::path::PathBuf;

use crate::process;

/// Whether somebody sits in front of this machine.
pub fn has_display() -> bool {
    cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The program that opens an address in the person's own browser.
pub fn of_the_person() -> Option<PathBuf> {
    let openers: &[&str] = if cfg!(target_os = "macos") {
        &["open"]
    } else {
        &["xdg-open", "x-www-browser", "firefox", "firefox-esr", "chromium"]
    };
    openers.iter().find_map(|name| process::find(name))
}
