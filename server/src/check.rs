//! `identity-service check`: tries everything that the service will need, and says in a line each whether it is good, or
//! what to do.

use std::{
    io::{self, Write},
    time::SystemTime,
};

use crate::{
    clock::seconds,
    configuration::{Configuration, DatabaseSettings, SigningSettings},
    customer::EntityId,
    customer_store::CustomerStore,
    livechat::accounts::{AccountsApi, AccountsApiError, AccountsApiSettings},
};

/// An entity that nobody has: LiveChat refuses it only after it has accepted everything else of a request.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// A setting, and what is wrong with what it leads to.
type Finding = (&'static str, Result<(), String>);

/// Tries everything, and says whether all was good.
pub async fn check(configuration: Configuration, output: &mut impl Write) -> io::Result<bool> {
    let mut findings = vec![("database-url", database(&configuration.database).await)];
    if let Some(signing) = &configuration.signing {
        findings.push(("signing-keys", signing_keys(signing)));
    }
    findings.push((configuration.admission.session.setting(), configuration.admission.session.probe().await));
    if let Some(livechat) = configuration.livechat {
        findings.extend(accounts(livechat.accounts).await);
    }
    for (setting, finding) in &findings {
        match finding {
            Ok(()) => writeln!(output, "{setting}: good")?,
            Err(what) => writeln!(output, "{setting}: {what}")?,
        }
    }
    output.flush()?;
    Ok(findings.iter().all(|(_, finding)| finding.is_ok()))
}

async fn database(settings: &DatabaseSettings) -> Result<(), String> {
    let told = |error| format!("not usable, {error}: let it be opened and written with this URL");
    CustomerStore::rehearse(&settings.url).await.map_err(told)
}

fn signing_keys(settings: &SigningSettings) -> Result<(), String> {
    match settings.keys.current().active(seconds(SystemTime::now())) {
        Some(_) => Ok(()),
        None => Err("no key is active: run identity-service keys list, and keys activate".to_owned()),
    }
}

/// One question that creates nobody; what LiveChat says of it tells which of the settings it does not like.
async fn accounts(settings: AccountsApiSettings) -> Vec<Finding> {
    const URL: &str = "accounts-url";
    const TOKEN: &str = "agent-token";
    const SCOPE: &str = "agent-token's scope customers:own";
    const CLIENT: &str = "client-id";
    const ACCOUNT: &str = "organization-id or license-id";
    let unknown = |why: &str| Err(format!("not known, {why}"));
    let after = |found: &str| unknown(&format!("since {found}"));
    let all = |url: Result<(), String>, token, scope, client, account| {
        vec![(URL, url), (TOKEN, token), (SCOPE, scope), (CLIENT, client), (ACCOUNT, account)]
    };
    let answer = match (AccountsApi::new(settings), EntityId::parse(NOBODY)) {
        (Ok(accounts), Some(nobody)) => accounts.token(&nobody).await,
        (Err(error), _) => {
            return vec![(URL, Err(format!("no HTTPS client could be made (install CA certificates): {error}")))];
        }
        (Ok(_), None) => return Vec::new(),
    };
    match answer {
        // That nobody is nobody is said last of all.
        Ok(_) | Err(AccountsApiError::CustomerRefused(_)) => all(Ok(()), Ok(()), Ok(()), Ok(()), Ok(())),
        Err(AccountsApiError::Refused { status, exception }) => {
            let told = match exception {
                Some(exception) => format!("LiveChat answered with status {status} and {exception}"),
                None => format!("LiveChat answered with status {status}"),
            };
            let refused = |todo: &str| Err(format!("refused, {todo}: {told}"));
            // Where nobody says why, what stands between may have refused: the status means the same then.
            match (exception, status) {
                (Some("access_denied" | "invalid_grant"), _) | (None, 401) => {
                    let token = refused("make a new agent token, no personal access token, and set it");
                    let since = "the agent token is refused";
                    all(Ok(()), token, after(since), after(since), after(since))
                }
                (Some("forbidden" | "unauthorized_client"), _) | (None, 403) => {
                    let scope = refused("give the application customers:own, and authorize the agent token anew");
                    let since = "the scope is refused";
                    all(Ok(()), Ok(()), scope, after(since), after(since))
                }
                (Some("invalid_client"), _) => {
                    let client = refused("set the client id that LiveChat's developer console shows");
                    let since = "the client id is refused";
                    all(Ok(()), after(since), after(since), client, after(since))
                }
                _ => {
                    let account = refused("compare it, and the client id, with LiveChat's console");
                    let since = "the request is refused";
                    all(Ok(()), after(since), after(since), after(since), account)
                }
            }
        }
        Err(error) => {
            let since = "LiveChat's accounts gave no answer to go by";
            let url = Err(format!("{error}: let the service reach it, or try again"));
            all(url, after(since), after(since), after(since), after(since))
        }
    }
}
