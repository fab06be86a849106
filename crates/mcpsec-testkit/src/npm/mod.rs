//! npm: packages as builders, and a registry that serves them.
mod key;
mod package;
mod registry;
mod server;

pub use key::{NpmRegistryKey, npm_keys_document};
pub(crate) use package::announcement;
pub use package::{NpmPackage, npm_package};
pub use server::NpmServer;

/// The name without its scope: what tarball file names are made of.
fn base_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
