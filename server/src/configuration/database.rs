//! The flags of the customers' database.

use clap::Args;

use crate::setting::{SettingError, wrong};

/// The flags.
#[derive(Debug, Clone, Args)]
pub struct DatabaseFlags {
    /// The database of customers: sqlite:FILE, or postgres://… for any number of replicas. With a password in it,
    /// it belongs into the environment.
    #[arg(
        long,
        env = "IDENTITY_SERVICE_DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite:identity-service.sqlite",
        value_name = "URL"
    )]
    pub database_url: String,
    /// The most connections to PostgreSQL that this process opens.
    #[arg(long, env = "IDENTITY_SERVICE_DATABASE_CONNECTIONS", default_value_t = 8, value_name = "NUMBER")]
    pub database_connections: u32,
}

/// Where the customers are kept.
pub struct DatabaseSettings {
    /// The database of customers.
    pub url: String,
    /// The most connections to it.
    pub connections: u32,
}

impl DatabaseFlags {
    /// Checks them.
    pub fn check(self) -> Result<DatabaseSettings, SettingError> {
        let Self { database_url, database_connections: connections } = self;
        let url = database_url.trim().to_owned();
        if !["sqlite:", "postgres://", "postgresql://"].iter().any(|start| url.starts_with(start)) {
            // The rest of a URL may hold a password.
            let found = url.split(':').next().unwrap_or_default();
            let found: String = found.chars().take(16).collect();
            return Err(wrong(
                "database-url",
                format!("expected sqlite:<file> or postgres://<user>@<host>/<database>, not {found:?}"),
            ));
        }
        if !(1..=1000).contains(&connections) {
            return Err(wrong("database-connections", "expected 1 to 1000 connections"));
        }
        Ok(DatabaseSettings { url, connections })
    }
}
