//! PyPI: wheels and source distributions as builders, and an index that serves them.
mod distribution;
mod index;
mod metadata;
mod sdist;
mod server;
mod wheel;

pub use distribution::{CoreMetadata, Distribution};
pub use sdist::{Sdist, sdist};
pub use server::{PypiServer, Serving};
pub use wheel::{Wheel, wheel};

/// A project name as indexes compare it (PEP 503): lower case, runs of `-`, `_` and `.` as one `-`.
pub fn normalized(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for part in name.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
        if !out.is_empty() {
            out.push('-');
        }
        out.push_str(&part.to_ascii_lowercase());
    }
    out
}
