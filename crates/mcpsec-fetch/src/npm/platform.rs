//! npm's `os`, `cpu` and `libc` fields: which platforms a package is for (npm-install-checks rules).
use mcpsec_model::{package::Package, target::Platform};
use smol_str::SmolStr;

use crate::host::Host;

/// Whether this machine needs the package's artifact, by `os`, `cpu` and `libc`. What the graph says about reachability on a
/// target comes on top.
pub fn host_artifacts(package: &Package, host: &Host) -> bool {
    supports(package, host.platform)
}

/// Whether the package can be installed on a platform.
pub(crate) fn supports(package: &Package, platform: Platform) -> bool {
    let libc = match platform.npm_libc() {
        // npm looks at `libc` on Linux only; elsewhere a package that names one is not for this platform.
        None => package.libc.is_empty(),
        Some(libc) => allows(&package.libc, libc),
    };
    allows(&package.os, platform.npm_os()) && allows(&package.cpu, platform.npm_cpu()) && libc
}

/// `!word` excludes; if any plain word is listed, one of them must be this one.
fn allows(words: &[SmolStr], this: &str) -> bool {
    let mut listed = false;
    let mut named = false;
    for word in words {
        match word.strip_prefix('!') {
            Some(excluded) if excluded == this => return false,
            Some(_) => {}
            None => {
                listed = true;
                named |= word == this;
            }
        }
    }
    named || !listed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_include_and_exclude() {
        let words = |list: &[&str]| list.iter().map(SmolStr::new).collect::<Vec<_>>();
        assert!(allows(&words(&[]), "linux"));
        assert!(allows(&words(&["darwin", "linux"]), "linux"));
        assert!(!allows(&words(&["darwin"]), "linux"));
        assert!(allows(&words(&["!win32"]), "linux"));
        assert!(!allows(&words(&["!linux"]), "linux"));
        assert!(!allows(&words(&["linux", "!linux"]), "linux"));
    }

    #[test]
    fn libc_matters_on_linux() {
        let mut package = Package::bare("npm:a@1.0.0".parse().expect("id"));
        package.libc = vec!["musl".into()];
        assert!(supports(&package, Platform::LinuxX8664Musl) && !supports(&package, Platform::LinuxX8664Gnu));
        assert!(!supports(&package, Platform::MacosAarch64));
        let host = Host { platform: Platform::LinuxAarch64Musl, python: None };
        assert!(host_artifacts(&package, &host));
    }
}
