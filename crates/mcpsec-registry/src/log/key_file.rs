//! The files of the private keys that sign heads: read, or made once for a new log, and a second one while the key is changed.
use std::{
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use mcpsec_model::approval::head::Origin;
use mcpsec_verify::approval::{SignError, log::LogSigner};

use crate::config::Config;

/// The name of the file in the data folder.
const NAME: &str = "log-key.pem";
/// What stands behind the name of the file in that of the next key's.
const NEXT: &str = ".next";
/// A key is far smaller.
const LARGEST: u64 = 16 << 10;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read or written.
    #[error("failed to read or make the log's key {}: {error}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It holds something else.
    #[error("{} is no key that signs heads (Ed25519, PKCS#8 in PEM): it is {error}", .path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// Why not.
        error: SignError,
    },
    /// The log has a key, and it is not here.
    #[error(
        "{} does not exist, and the log in the database is signed already: restore the file, or name it with `--log-key`; with another \
         key every client would refuse the log", .0.display()
    )]
    Gone(PathBuf),
}

/// The keys of a log: while the key is changed there are two.
#[derive(Debug)]
pub struct Keys {
    /// In the configured file, or in the data folder.
    pub own: LogSigner,
    /// Beside it, in the file with `.next` behind its name.
    pub next: Option<LogSigner>,
}

fn place(config: &Config) -> PathBuf {
    config.log_key.clone().unwrap_or_else(|| config.data.join(NAME))
}

fn next_place(config: &Config) -> PathBuf {
    let mut path = place(config).into_os_string();
    path.push(NEXT);
    path.into()
}

/// The keys in the files. Only for a new log a key is made, and never over another file.
///
/// # Errors
/// [`KeyFileError`].
pub fn load(config: &Config, origin: Origin, new: bool) -> Result<Keys, KeyFileError> {
    let own = load_own(config, origin.clone(), new)?;
    let path = next_place(config);
    let next = match read(&path) {
        Ok(pem) => Some(LogSigner::parse(origin, &pem).map_err(|error| KeyFileError::Content { path, error })?),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(KeyFileError::Io { path, error }),
    };
    Ok(Keys { own, next })
}

/// Makes the file of the next key, if there is none.
///
/// # Errors
/// [`KeyFileError`].
pub fn make_next(config: &Config) -> Result<(), KeyFileError> {
    let path = next_place(config);
    make(&path).map_err(|error| KeyFileError::Io { path, error })
}

/// Puts the next key in the place of the own one, which is gone then. Gives the file that it is in.
///
/// # Errors
/// [`KeyFileError`]: the folder may be one that nobody writes to, as those of secrets are.
pub fn put_in_place(config: &Config) -> Result<PathBuf, KeyFileError> {
    let (from, to) = (next_place(config), place(config));
    std::fs::rename(&from, &to).map_err(|error| KeyFileError::Io { path: from, error })?;
    Ok(to)
}

fn load_own(config: &Config, origin: Origin, new: bool) -> Result<LogSigner, KeyFileError> {
    let path = place(config);
    let failed = |error| KeyFileError::Io { path: path.clone(), error };
    let pem = match read(&path) {
        Ok(pem) => pem,
        Err(error) if error.kind() == ErrorKind::NotFound && !new => return Err(KeyFileError::Gone(path)),
        Err(error) if error.kind() == ErrorKind::NotFound && config.log_key.is_none() => {
            make(&path).map_err(failed)?;
            // Of two that start together one made it; both take what stands there.
            read(&path).map_err(failed)?
        }
        Err(error) => return Err(failed(error)),
    };
    LogSigner::parse(origin, &pem).map_err(|error| KeyFileError::Content { path, error })
}

fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// Whole or not at all, readable by its owner only (a temporary file is), on the disk before anything is signed.
fn make(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let pem = LogSigner::generate().map_err(std::io::Error::other)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(pem.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.error),
    }
    std::fs::File::open(folder)?.sync_all()
}
