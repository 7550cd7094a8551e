//! The private keys that sign tokens: files in a folder, one of them active, all of them published.
//!
//! Which key is active follows from the folder and the time alone, so that replicas agree without talking to each other.

pub mod command;
mod key_file;
mod key_set;
pub mod pem_text;
mod private_key_info;
mod publication;
pub mod published_keys;
mod signer;
mod thumbprint;

pub use key_file::{KeyFileError, KeySize, SigningKey};
pub use key_set::{KeySet, LONGEST_TOKEN_LIFE, PUBLICATION_LEAD, PUBLISHED_MAXIMUM_AGE, State};
pub use publication::{Format, live_assist_line, omnichannel_list, pem, web_key_set};
pub use signer::{RegisteredClaims, Signer, SigningError};
pub use thumbprint::rsa_thumbprint;

use std::{
    fmt,
    fs::Metadata,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use key_file::is_of_the_system;
use tokio::sync::Notify;

use crate::clock::seconds;

/// How often the running service looks whether the folder has changed.
pub const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// The folder of keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The folder itself.
    #[error("expected a folder of signing keys, {} is not: {error}", .folder.display())]
    Folder {
        /// Its path.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The folder is open to others.
    #[error("expected a folder that only its owner can read; run: chmod 700 {}", .0.display())]
    FolderMode(PathBuf),
    /// Somebody else than the folder's owner made a file in it.
    #[error("expected files of the folder's owner in a folder that is open to others, {} is somebody else's", .0.display())]
    Owner(PathBuf),
    /// One file in it.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The same key in two files.
    #[error("expected each key once, {} holds the same key as {}", .second.display(), .first.display())]
    Twice {
        /// The file that was read first.
        first: PathBuf,
        /// The file with the same key.
        second: PathBuf,
    },
    /// There are no keys.
    #[error("expected a signing key in a file that ends in .pem, {} holds none; run: identity-service keys generate", .0.display())]
    Empty(PathBuf),
    /// No key is active.
    #[error("expected an active key, none in {} is; run: identity-service keys activate <key id>", .0.display())]
    NoneActive(PathBuf),
}

/// Reads the folder; it may be without an active key, but not open to others. Where one file is named instead, its key is the only one, and signs.
pub fn read_folder(folder: &Path) -> Result<KeySet, KeysError> {
    let failed = |error| KeysError::Folder { folder: folder.to_owned(), error };
    let metadata = std::fs::metadata(folder).map_err(failed)?;
    if metadata.is_file() {
        return Ok(KeySet::new(vec![Arc::new(SigningKey::read(folder)?.or_active_from(0))]));
    }
    if !metadata.is_dir() {
        return Err(failed(io::Error::from(io::ErrorKind::NotADirectory)));
    }
    let mode = metadata.mode();
    // Where anybody may put a file, as in a volume of Kubernetes, only files of the folder's owner are keys, and
    // nobody else can replace them. A folder that nobody can write, as systemd's of credentials, has its own readers.
    let is_sticky = mode & 0o1000 != 0;
    let is_read_only = mode & 0o227 == 0;
    let others = if is_of_the_system(&metadata) { 0o027 } else { 0o077 };
    if mode & others != 0 && !is_sticky && !is_read_only {
        return Err(KeysError::FolderMode(folder.to_owned()));
    }
    let mut keys: Vec<Arc<SigningKey>> = Vec::new();
    for file in key_files(folder).map_err(failed)? {
        let key = SigningKey::read(&file)?;
        if is_sticky && std::fs::metadata(&file).map_err(failed)?.uid() != metadata.uid() {
            return Err(KeysError::Owner(file));
        }
        if let Some(first) = keys.iter().find(|first| first.id() == key.id()) {
            return Err(KeysError::Twice { first: first.file().to_owned(), second: file });
        }
        keys.push(Arc::new(key));
    }
    Ok(KeySet::new(keys))
}

/// The files of the folder that hold keys, by name.
fn key_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "pem") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What changes when a file is written, replaced, added, removed, or opened to others.
fn fingerprint(folder: &Path) -> io::Result<Vec<(PathBuf, [i64; 6])>> {
    let of = |metadata: &Metadata| {
        let inode = metadata.ino().cast_signed();
        let length = metadata.len().cast_signed();
        [inode, length, metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()]
    };
    let mut prints = vec![(folder.to_owned(), of(&std::fs::metadata(folder)?))];
    for file in key_files(folder)? {
        let print = of(&std::fs::metadata(&file)?);
        prints.push((file, print));
    }
    Ok(prints)
}

struct Folder {
    /// None where the key came with the environment.
    path: Option<PathBuf>,
    keys: RwLock<Arc<KeySet>>,
    /// Somebody wants them read now.
    wanted: Notify,
}

/// The keys of a running service, read again when the folder changes.
#[derive(Clone)]
pub struct SigningKeys(Arc<Folder>);

/// Keys are in no log, not even their number.
impl fmt::Debug for SigningKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKeys")
    }
}

impl SigningKeys {
    /// Reads the folder, which has to have a key that is active now.
    pub fn open(folder: &Path, now: SystemTime) -> Result<Self, KeysError> {
        let keys = usable(folder, now)?;
        Ok(Self::of(Some(folder.to_owned()), keys))
    }

    /// One key, as PEM in a text that this names. It signs, and nobody watches whether it changes.
    pub fn of_text(text: &str, name: &str) -> Result<Self, KeysError> {
        let key = SigningKey::parse(text.as_bytes(), key_file::Place::Elsewhere(name))?.or_active_from(0);
        Ok(Self::of(None, KeySet::new(vec![Arc::new(key)])))
    }

    fn of(path: Option<PathBuf>, keys: KeySet) -> Self {
        Self(Arc::new(Folder { path, keys: RwLock::new(Arc::new(keys)), wanted: Notify::new() }))
    }

    /// The keys as they were last read.
    pub fn current(&self) -> Arc<KeySet> {
        Arc::clone(&self.0.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has the folder read anew, changed or not, by who watches it.
    pub fn reload(&self) {
        self.0.wanted.notify_one();
    }

    /// Looks at the folder in this interval until the last holder of the keys is gone. A folder that cannot be used
    /// changes nothing: the keys in hand go on signing, and the log says why.
    pub fn watch(&self, interval: Duration, now: impl Fn() -> SystemTime + Send + 'static) {
        let Some(path) = self.0.path.clone() else { return };
        let folder = Arc::downgrade(&self.0);
        let (mut seen, mut logged) = (None, None);
        tokio::spawn(async move {
            loop {
                // Held for no longer than the interval, so that the last holder of the keys ends this.
                let Some(watched) = folder.upgrade() else { return };
                let path = path.clone();
                let was_asked = tokio::select! {
                    () = tokio::time::sleep(interval) => false,
                    () = watched.wanted.notified() => true,
                };
                if was_asked {
                    (seen, logged) = (None, None);
                }
                drop(watched);
                let (before, time) = (seen.clone(), now());
                // Reading files may take long, and checking keys does.
                let looked = tokio::task::spawn_blocking(move || {
                    // Taken before the files are read: a change in between is seen the next time.
                    let print = fingerprint(&path).ok();
                    let read = (print.is_none() || print != before).then(|| usable(&path, time));
                    (print, read)
                });
                let Some(folder) = folder.upgrade() else { return };
                match looked.await {
                    Ok((_, Some(Err(error)))) => {
                        // Tried again each time, for a key may become active by time alone; said once.
                        seen = None;
                        let text = Some(error.to_string());
                        if logged != text {
                            tracing::error!(%error, "the signing keys stay as they were");
                            logged = text;
                        }
                    }
                    Ok((print, read)) => {
                        seen = print;
                        logged = None;
                        if let Some(Ok(keys)) = read {
                            *folder.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                            if was_asked {
                                tracing::info!("the signing keys are read anew");
                            }
                        }
                    }
                    Err(error) => tracing::error!(%error, "the folder of signing keys could not be looked at"),
                }
            }
        });
    }
}

/// The keys of a folder that has an active one.
fn usable(folder: &Path, now: SystemTime) -> Result<KeySet, KeysError> {
    let keys = read_folder(folder)?;
    if keys.is_empty() {
        return Err(KeysError::Empty(folder.to_owned()));
    }
    if keys.active(seconds(now)).is_none() {
        return Err(KeysError::NoneActive(folder.to_owned()));
    }
    Ok(keys)
}
