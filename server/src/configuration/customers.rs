//! The flags of `identity-service customers …`: the database and the account, and what to put in or take out.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};

use super::database::DatabaseFlags;
use crate::{
    customer::CustomerId,
    customer_store::CustomerStore,
    customers::{Format, ImportReport, export, import},
    livechat::accounts::Account,
    setting::{SettingError, not_empty, unreadable, wrong},
};

/// `customers` and what to do with them.
#[derive(Debug, Clone, Args)]
pub struct CustomersCommand {
    /// Where the customers are kept, as for the service.
    #[command(flatten)]
    database: DatabaseFlags,
    /// The organization's id at LiveChat, as for the service.
    #[arg(long, env = "IDENTITY_SERVICE_ORGANIZATION_ID")]
    organization_id: Option<String>,
    /// The licence's number at LiveChat, as for the service.
    #[arg(long, env = "IDENTITY_SERVICE_LICENSE_ID")]
    license_id: Option<u64>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// Stores which entity at LiveChat belongs to which customer: lines of customer_id and entity_id. An import that was
    /// stopped can be run again: what was stored stays.
    Import {
        /// The file; without it, or with -, standard input.
        file: Option<PathBuf>,
        /// csv, whose first line names the columns, or jsonl.
        #[arg(long, default_value_t = Format::Csv)]
        format: Format,
        /// Overwrite the entity of a customer who has another one.
        #[arg(long)]
        replace: bool,
    },
    /// Prints which entity at LiveChat belongs to which customer.
    Export {
        /// csv or jsonl.
        #[arg(long, default_value_t = Format::Csv)]
        format: Format,
        /// Begin after this customer's id: the last one of an export that was stopped.
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        after: Option<String>,
    },
}

/// Why nothing was done, or not everything.
#[derive(Debug, thiserror::Error)]
pub enum CustomersError {
    /// A setting.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The import was stopped.
    #[error("the import stopped after line {0}, and can be run again: {1}")]
    Import(u64, String),
    /// The export was stopped.
    #[error("the export stopped: {0}")]
    Export(String),
}

impl CustomersCommand {
    /// Runs the command, and says whether all went well. An import with lines that were not stored did not.
    pub async fn run(self, output: &mut impl Write) -> Result<bool, CustomersError> {
        let account = match (not_empty(self.organization_id), self.license_id) {
            (Some(organization_id), license_id) => Account::Organization { organization_id, license_id },
            (None, Some(license_id)) => Account::License { license_id },
            (None, None) => {
                let expected = "expected the organization's id, or license-id with the licence's number";
                return Err(wrong("organization-id", expected).into());
            }
        };
        let database = self.database.check()?;
        // In another folder than the service's, the export would be empty, and nobody would notice before they need it.
        if matches!(self.action, Action::Export { .. }) && CustomerStore::is_missing(&database.url) {
            return Err(wrong("database-url", "expected a database that exists, there is no file of this name").into());
        }
        let store = CustomerStore::connect(&database.url, database.connections, account.name()).await;
        let unusable = "expected a database that can be opened and written";
        let store = store.map_err(|error| wrong("database-url", format!("{unusable}: {error}")))?;
        let done = match self.action {
            Action::Import { file, format, replace } => run_import(&store, file, format, replace, output).await,
            Action::Export { format, after } => run_export(&store, format, after, output).await,
        };
        store.close().await;
        done
    }
}

/// A folder can be opened too.
fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
}

async fn run_import(
    store: &CustomerStore,
    file: Option<PathBuf>,
    format: Format,
    replace: bool,
    output: &mut impl Write,
) -> Result<bool, CustomersError> {
    let text: Box<dyn Read> = match file {
        Some(file) if file.as_os_str() != "-" => {
            Box::new(open(&file).map_err(|error| wrong("file", unreadable(&file, &error)))?)
        }
        _ => Box::new(io::stdin().lock()),
    };
    let mut report = ImportReport::default();
    let imported = import(store, format, text, replace, &mut report, &mut io::stderr()).await;
    imported.map_err(|error| CustomersError::Import(report.last_line, error.to_string()))?;
    let told = writeln!(output, "{}", serde_json::json!(report));
    told.map_err(|error| CustomersError::Import(report.last_line, error.to_string()))?;
    Ok(report.is_complete())
}

async fn run_export(
    store: &CustomerStore,
    format: Format,
    after: Option<String>,
    output: &mut impl Write,
) -> Result<bool, CustomersError> {
    let after = match after.map(|text| CustomerId::parse(&text)) {
        Some(None) => return Err(wrong("after", "expected a customer's id").into()),
        after => after.flatten(),
    };
    let exported = export(store, format, after, &mut BufWriter::new(output)).await;
    exported.map(|()| true).map_err(|error| CustomersError::Export(error.to_string()))
}
