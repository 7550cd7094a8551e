//! Where things lie in the workspace and in the per-user cache.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome, While};

/// The folders that commands work in.
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The workspace this program was built from.
    pub fn here() -> Self {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = own.parent().unwrap_or(own).to_path_buf();
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |given| root.join(given));
        Self { root, target }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path given relative to the root of the workspace.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Cargo's target folder for everything that runs on the host.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// WebAssembly may be built by another compiler than the rest; two compilers would fight over one folder.
    pub fn wasm_target(&self) -> PathBuf {
        self.target.join("wasm")
    }

    /// What this program writes for itself: logs, drivers' settings, the demo's database.
    pub fn scratch(&self, name: &str) -> Outcome<PathBuf> {
        let folder = self.target.join("xtask").join(name);
        std::fs::create_dir_all(&folder).while_doing(format_args!("creating {}", folder.display()))?;
        Ok(folder)
    }
}

/// An empty folder in place of whatever an earlier build left there.
pub fn emptied(folder: &Path) -> Outcome<PathBuf> {
    let emptying = format!("emptying {}", folder.display());
    if folder.is_dir() {
        std::fs::remove_dir_all(folder).while_doing(&emptying)?;
    }
    std::fs::create_dir_all(folder).while_doing(&emptying)?;
    Ok(folder.to_path_buf())
}

/// Tools that take minutes to build are kept per user, so that a fresh clone on a warm machine is quick.
pub fn cache() -> Outcome<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(given) => PathBuf::from(given),
        None => std::env::home_dir()
            .filter(|home| !home.as_os_str().is_empty())
            .ok_or_else(|| {
                Failure::new("HOME is not set, and so there is no place for a cache: set HOME or XDG_CACHE_HOME")
            })?
            .join(".cache"),
    };
    Ok(base.join("custom-identity-provider"))
}

/// A short fingerprint of bytes, to notice that an input changed; it guards nothing against malice.
pub fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    // FNV-1a, written out because the standard library's hasher may change between compilers and the cache outlives them.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.iter().chain([&0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn a_fingerprint_changes_with_every_part() {
        assert_eq!(fingerprint([&b"a"[..], b"b"]), fingerprint([&b"a"[..], b"b"]));
        assert_ne!(fingerprint([&b"a"[..], b"b"]), fingerprint([&b"ab"[..]]));
        assert_ne!(fingerprint([&b"a"[..]]), fingerprint([&b"b"[..]]));
    }
}
