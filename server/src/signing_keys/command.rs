//! `identity-service keys …`: makes, lists, activates, removes and publishes signing keys.

use std::{
    fs,
    io::Write,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::{Args, Subcommand};

use super::{
    Format, KeySet, KeySize, KeysError, PUBLICATION_LEAD, SigningKey, State, key_file::time_text, live_assist_line,
    omnichannel_list, pem, read_folder, web_key_set,
};
use crate::{
    clock::seconds,
    setting::{SettingError, wrong},
};

/// `keys` and what to do with them.
#[derive(Debug, Clone, Args)]
pub struct KeysCommand {
    /// The folder of keys, the same as the service's setting.
    #[arg(
        long,
        global = true,
        env = "IDENTITY_SERVICE_SIGNING_KEYS",
        default_value = "signing-keys",
        value_name = "FOLDER"
    )]
    signing_keys: PathBuf,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// Makes a key and prints its id. The first key signs at once, a later one only when everybody knows it.
    Generate {
        /// The length of the key in bits.
        #[arg(long, default_value = "2048")]
        bits: KeySize,
        #[command(flatten)]
        activation: Activation,
    },
    /// Prints the keys and what each does.
    List,
    /// Lets a key sign from some time on: one of your own that you have copied into the folder, or an older one.
    Activate {
        /// The key's id, or its beginning.
        #[arg(allow_hyphen_values = true)]
        id: String,
        #[command(flatten)]
        activation: Activation,
    },
    /// Removes a key that does not sign any more.
    Remove {
        /// The key's id, or its beginning.
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// Somebody else may have it: remove it although tokens that it signed are still valid, and get refused.
        #[arg(long)]
        compromised: bool,
    },
    /// Prints the public keys.
    Publish {
        /// For whom.
        #[arg(long)]
        format: Format,
        /// For pem and live-assist: another key than the active one, by its id or its beginning.
        #[arg(long, allow_hyphen_values = true)]
        id: Option<String>,
    },
}

#[derive(Debug, Clone, Args)]
struct Activation {
    /// In how many minutes the key begins to sign. At least 15: until then, everybody has fetched the published keys.
    #[arg(long = "in", value_name = "MINUTES", default_value_t = 60, conflicts_with = "at_once")]
    minutes: u32,
    /// Begin to sign now, although tokens get refused until everybody has fetched the published keys again.
    #[arg(long)]
    at_once: bool,
}

const SETTING: &str = "signing-keys";

impl From<KeysError> for SettingError {
    fn from(error: KeysError) -> Self {
        wrong(SETTING, error.to_string())
    }
}

impl From<super::KeyFileError> for SettingError {
    fn from(error: super::KeyFileError) -> Self {
        KeysError::from(error).into()
    }
}

impl Activation {
    /// The time at which the key begins to sign.
    fn time(&self, keys: &KeySet, now: u64) -> Result<u64, SettingError> {
        // Nobody has verified a token yet, so nobody keeps keys that are too old.
        let Some(active_from) = keys.active(now).and_then(|active| active.active_from()) else { return Ok(now) };
        if self.at_once {
            // Of two keys from the same second on, it would be left to chance which one signs.
            return Ok(now.max(active_from.saturating_add(1)));
        }
        let wait = u64::from(self.minutes) * 60;
        if wait < PUBLICATION_LEAD {
            let least = PUBLICATION_LEAD / 60;
            return Err(wrong("in", format!("expected at least {least} minutes, or --at-once and refused tokens")));
        }
        Ok(now.saturating_add(wait))
    }
}

impl KeysCommand {
    /// Does it, and writes what there is to read to `output`.
    pub fn run(self, now: SystemTime, output: &mut impl Write) -> Result<(), SettingError> {
        let now = seconds(now);
        let folder = self.signing_keys;
        let text = match self.action {
            Action::Generate { bits, activation } => generate(&folder, bits, &activation, now)?,
            Action::List => list(&read_folder(&folder)?, now),
            Action::Activate { id, activation } => activate(&folder, &id, &activation, now)?,
            Action::Remove { id, compromised } => remove(&folder, &id, compromised, now)?,
            Action::Publish { format, id } => publish(&folder, format, id.as_deref(), now)?,
        };
        output.write_all(text.as_bytes()).map_err(|error| wrong("output", format!("expected to write to it: {error}")))
    }
}

fn generate(folder: &Path, size: KeySize, activation: &Activation, now: u64) -> Result<String, SettingError> {
    if !folder.exists() {
        let made = fs::DirBuilder::new().mode(0o700).create(folder);
        made.map_err(|error| KeysError::Folder { folder: folder.to_owned(), error })?;
    }
    let active_from = activation.time(&read_folder(folder)?, now)?;
    let key = SigningKey::generate(folder, size, active_from)?;
    key.write()?;
    Ok(format!("{}\n", key.id()))
}

fn list(keys: &KeySet, now: u64) -> String {
    let line = |(key, state): (&std::sync::Arc<SigningKey>, State)| {
        let state = match state {
            State::Waiting => "published, not activated".to_owned(),
            State::Next(from) => format!("published, signs from {}", time_text(from)),
            State::Active => "active".to_owned(),
            State::Retired(until) => format!("retired, published until {}", time_text(until)),
            State::Past => "retired, not published, can be removed".to_owned(),
        };
        format!("{}  {} bits  {state}\n", key.id(), key.bits())
    };
    keys.states(now).into_iter().map(line).collect()
}

fn find<'keys>(keys: &'keys KeySet, id: &str) -> Result<&'keys SigningKey, SettingError> {
    let found = keys.find(id).map(AsRef::as_ref);
    found.ok_or_else(|| wrong("id", format!("expected the id of one key, or enough of its beginning, found {id:?}")))
}

fn activate(folder: &Path, id: &str, activation: &Activation, now: u64) -> Result<String, SettingError> {
    let keys = read_folder(folder)?;
    let key = find(&keys, id)?;
    if keys.active(now).is_some_and(|active| active.id() == key.id()) {
        return Err(wrong("id", format!("expected another key than the active one, found {}", key.id())));
    }
    let active_from = activation.time(&keys, now)?;
    // Read again: a key cannot be copied out of the set.
    let key = SigningKey::read(key.file())?.activated(active_from);
    key.write()?;
    Ok(format!("{} signs from {}\n", key.id(), time_text(active_from)))
}

fn remove(folder: &Path, id: &str, compromised: bool, now: u64) -> Result<String, SettingError> {
    let keys = read_folder(folder)?;
    let id = find(&keys, id)?.id();
    let states = keys.states(now);
    let Some((key, state)) = states.iter().find(|(key, _)| key.id() == id) else { return Ok(String::new()) };
    match state {
        State::Active => {
            let expected = format!("expected a key that does not sign, {id} is active; activate another one first");
            return Err(wrong("id", expected));
        }
        State::Retired(until) if !compromised => {
            let until = time_text(*until);
            let expected = format!("expected a key whose tokens have all expired, wait until {until} or --compromised");
            return Err(wrong("id", expected));
        }
        _ => {}
    }
    let file = key.file().to_owned();
    fs::remove_file(&file).map_err(|error| super::KeyFileError::File { file, error })?;
    Ok(String::new())
}

fn publish(folder: &Path, format: Format, id: Option<&str>, now: u64) -> Result<String, SettingError> {
    let keys = read_folder(folder)?;
    let one = || match id {
        Some(id) => find(&keys, id),
        None => keys.active(now).map(AsRef::as_ref).ok_or_else(|| KeysError::NoneActive(folder.to_owned()).into()),
    };
    if id.is_some() && matches!(format, Format::Jwks | Format::Omnichannel) {
        return Err(wrong("id", "expected --format pem or live-assist: the other formats hold all keys"));
    }
    let unwritable = || wrong(SETTING, "expected keys that can be written");
    Ok(match format {
        Format::Jwks => format!("{:#}\n", web_key_set(&keys, now)),
        Format::Omnichannel => format!("{:#}\n", omnichannel_list(&keys, now).ok_or_else(unwritable)?),
        Format::Pem => pem(one()?).ok_or_else(unwritable)?,
        Format::LiveAssist => format!("{}\n", live_assist_line(one()?)),
    })
}
