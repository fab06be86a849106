//! What a file says about itself, read when it arrives.
use std::path::Path;

use mcpsec_model::package::PackageId;

/// Why a file is refused for what is inside it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ArrivalError(pub String);

/// What package managers ask before they ask for the file: its kind and text for the table `metadata`. Nothing is read of any kind yet.
///
/// # Errors
/// [`ArrivalError`]: it is another package than it is called, or it cannot be read.
pub fn metadata(
    _package: &PackageId,
    _file: &str,
    _path: &Path,
) -> Result<Option<(&'static str, String)>, ArrivalError> {
    Ok(None)
}
