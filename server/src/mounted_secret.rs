//! Whether a file is a secret that containers have mounted: readable by all who are in the container, and by nobody else.

use std::{fs, path::Path};

/// Where Docker and Podman mount secrets, with mode 0444.
const SECRETS_OF_CONTAINERS: &str = "/run/secrets";
/// The link through which every file of a volume of Kubernetes leads, whose mode is 0644 where nobody has set another.
const CURRENT_VERSION: &str = "..data";

/// Whether it is one of Docker's or Podman's secrets, or lies in a volume of Kubernetes.
pub(crate) fn is_mounted_secret(file: &Path) -> bool {
    let Ok(target) = fs::canonicalize(file) else { return false };
    let version = file.parent().map(|folder| folder.join(CURRENT_VERSION));
    let is_in_volume = version
        .filter(|version| fs::symlink_metadata(version).is_ok_and(|metadata| metadata.is_symlink()))
        .and_then(|version| fs::canonicalize(version).ok())
        .is_some_and(|version| target.starts_with(version));
    is_in_volume || target.starts_with(SECRETS_OF_CONTAINERS)
}
