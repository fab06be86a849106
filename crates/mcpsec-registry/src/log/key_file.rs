//! The file of the private key that signs heads: read, or made once for a new log.
use std::{
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use mcpsec_model::approval::head::Origin;
use mcpsec_verify::approval::{SignError, log::LogSigner};

use crate::config::Config;

/// The name of the file in the data folder.
const NAME: &str = "log-key.pem";
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

/// The signer in the configured file, or in the data folder. Only for a new log a key is made, and never over another file.
///
/// # Errors
/// [`KeyFileError`].
pub fn load(config: &Config, origin: Origin, new: bool) -> Result<LogSigner, KeyFileError> {
    let path = config.log_key.clone().unwrap_or_else(|| config.data.join(NAME));
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
