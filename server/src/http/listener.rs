//! Where a server listens: an address of the network, or a socket in the file system.

use std::{
    fmt, fs, io,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::either::Either;

/// How an address in the file system begins.
const UNIX: &str = "unix:";

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// An address and a port.
    Network(SocketAddr),
    /// The path of a socket.
    File(PathBuf),
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Network(address)
    }
}

impl ListenAddress {
    /// `unix:` and a path from the root; everything else is a network's.
    pub fn in_files(text: &str) -> Option<Self> {
        let path = text.strip_prefix(UNIX)?;
        Path::new(path).is_absolute().then(|| Self::File(PathBuf::from(path)))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => address.fmt(formatter),
            Self::File(path) => write!(formatter, "{UNIX}{}", path.display()),
        }
    }
}

/// What somebody connects to.
pub enum Listener {
    /// On the network.
    Network(TcpListener),
    /// In the file system.
    File(SocketFile),
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Network(listener)
    }
}

/// A socket and its file, which is removed with it.
pub struct SocketFile {
    listener: UnixListener,
    path: PathBuf,
    /// Which file it is, whatever stands at the path later.
    identity: (u64, u64),
}

impl SocketFile {
    fn bind(path: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        Ok(Self { listener, path: path.to_owned(), identity: identity(path)? })
    }
}

/// The file's device and its number there.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A process that has taken this one's place listens at a file of its own.
        if identity(&self.path).ok() != Some(self.identity) {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, "the file of the socket could not be removed; the next start does");
        }
    }
}

impl Listener {
    /// Listens there. The file of a socket that nobody listens at any more, as a process leaves it that was killed, is replaced; any
    /// other file stays, and is an error.
    pub async fn bind(address: &ListenAddress) -> io::Result<Self> {
        match address {
            ListenAddress::Network(address) => Ok(Self::Network(TcpListener::bind(address).await?)),
            ListenAddress::File(path) => {
                if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
                    && let Err(error) = UnixStream::connect(path).await
                    && error.kind() == io::ErrorKind::ConnectionRefused
                {
                    fs::remove_file(path)?;
                }
                SocketFile::bind(path).map(Self::File)
            }
        }
    }

    /// Where it listens, as it is told.
    pub fn url(&self) -> io::Result<String> {
        match self {
            Self::Network(listener) => Ok(format!("http://{}", listener.local_addr()?)),
            Self::File(file) => Ok(ListenAddress::File(file.path.clone()).to_string()),
        }
    }

    /// The address in the network, where it has one.
    pub fn network_address(&self) -> io::Result<Option<SocketAddr>> {
        match self {
            Self::Network(listener) => listener.local_addr().map(Some),
            Self::File(_) => Ok(None),
        }
    }

    /// The next connection.
    pub async fn accept(&self) -> io::Result<Either<TcpStream, UnixStream>> {
        match self {
            Self::Network(listener) => Ok(Either::Left(listener.accept().await?.0)),
            Self::File(file) => Ok(Either::Right(file.listener.accept().await?.0)),
        }
    }
}
