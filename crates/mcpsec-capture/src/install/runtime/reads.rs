//! What a runtime must be able to read: itself, its own library, and the system's.
use std::path::{Path, PathBuf};

use super::ask::Answer;

/// Folders and files of the system that programs need to start and to know time zones, certificates and locales. No secrets
/// live here, and no user's files.
const SYSTEM: &[&str] = &[
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/share/zoneinfo",
    "/usr/share/locale",
    "/usr/share/nodejs",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/mime.types",
    "/System/Library",
    "/Library/Apple",
    "/private/var/db/timezone",
];

/// Prefixes that hold far more than a runtime.
const SHARED: &[&str] = &["/", "/usr", "/usr/local", "/opt", "/opt/homebrew", "/home", "/root", "/Users"];

/// Sorted, without what lies below another of them.
pub(super) fn of(answer: &Answer) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).filter(|path| path.exists()).collect();
    all.push(answer.program.clone());
    match &answer.prefix {
        Some(prefix) if prefix.is_absolute() && !SHARED.iter().any(|shared| Path::new(shared) == prefix) => {
            all.push(prefix.clone());
        }
        _ => {}
    }
    let own = answer.folders.iter().filter(|folder| folder.is_absolute() && folder.exists());
    all.extend(own.filter(|folder| !SHARED.iter().any(|shared| Path::new(shared) == folder.as_path())).cloned());
    for library in answer.libraries.iter().filter(|library| library.is_absolute() && library.is_file()) {
        if all.iter().any(|path| library.starts_with(path)) {
            continue;
        }
        match library.parent() {
            // The store of Nix: libraries refer to others by absolute paths anywhere in it.
            Some(_) if library.starts_with("/nix/store") => all.push("/nix/store".into()),
            _ => all.push(library.clone()),
        }
    }
    all.sort();
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in all {
        if !kept.last().is_some_and(|last| path.starts_with(last)) {
            kept.push(path);
        }
    }
    kept
}
