//! The flags of the admin API.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use crate::setting::{SHORTEST_SECRET, SettingError, required_secret, too_short};

/// The environment variable that may hold the key of the admin API.
pub const ADMIN_KEY_VARIABLE: &str = "IDENTITY_SERVICE_ADMIN_KEY";

/// The flags.
#[derive(Debug, Clone, Args)]
pub struct AdministrationFlags {
    /// A file that holds the key of the admin API, readable only by its owner or group. The environment variable is
    /// IDENTITY_SERVICE_ADMIN_KEY.
    #[arg(long, env = "IDENTITY_SERVICE_ADMIN_KEY_FILE", value_name = "FILE")]
    pub admin_key_file: Option<PathBuf>,
}

impl AdministrationFlags {
    /// Checks the key; None when the admin API is not served.
    pub fn check(self, variable: &impl Fn(&str) -> Option<String>) -> Result<Option<SecretString>, SettingError> {
        let from_variable = (ADMIN_KEY_VARIABLE, variable(ADMIN_KEY_VARIABLE));
        match required_secret("admin-key", from_variable, self.admin_key_file.as_deref())? {
            Some(key) if key.len() < SHORTEST_SECRET => Err(too_short("admin-key")),
            key => Ok(key.map(SecretString::from)),
        }
    }
}
