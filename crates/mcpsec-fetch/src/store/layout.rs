//! Where things lie under the root. Paths follow from digests and ids alone, so no index can be lost or be wrong.
//!
//! ```text
//! format                                        "mcpsec-store 1\n"
//! objects/sha512/ab/<128 hex>                   npm artifacts, by the digest that npm pins
//! objects/sha256/ab/<64 hex>                    PyPI files and git archives
//! records/<ecosystem>/<name>/<version>/<file>.artifact.json   what an object is called
//! records/<ecosystem>/<name>/<version>/<file>.evidence.json   who signed it; also of files that are not stored
//! unpacked/<kind>/ab/<hex>/tree/                what an artifact holds, read-only; installations link to these files
//! unpacked/<kind>/ab/<hex>/index                every file of it with its SHA-256 and stamp
//! installed/<closure id>-<hex>/                 servers laid out, by mcpsec-capture; can be removed at any time
//! quarantine/<algorithm>-<hex>-<random>         objects whose bytes were wrong
//! locks/<hex>                                   advisory locks of projects, which the command line holds
//! imports/<hex>                                 approvals of other teams, as mcp.lock pins them; the command line's
//! team/                                         what was verified of the logs of teams: see `team::copy`
//! tmp/<random>/                                 one folder per writing process, locked while it lives
//! ```
use std::path::{Path, PathBuf};

use mcpsec_model::{
    digest::{Digest, Digests},
    name::Ecosystem,
    package::{ArtifactKind, PackageId},
};

/// The newest store format this program reads, and the one it writes.
pub(crate) const FORMAT: u32 = 1;
pub(crate) const FORMAT_FILE: &str = "format";
pub(crate) const OBJECTS: &str = "objects";
pub(crate) const RECORDS: &str = "records";
pub(crate) const QUARANTINE: &str = "quarantine";
pub(crate) const TMP: &str = "tmp";
pub(crate) const UNPACKED: &str = "unpacked";
/// Servers as `mcpsec-capture` lays them out. Made from `unpacked` again when they are gone.
pub(crate) const INSTALLED: &str = "installed";
/// The command line's advisory locks of projects; made by whatever command comes first, also by one that stores nothing.
pub(crate) const LOCKS: &str = "locks";
/// Approvals of other teams, which the command line keeps.
pub(crate) const IMPORTS: &str = "imports";
/// Logs of teams' registries. They may be there before anything is stored.
pub(crate) const TEAM: &str = "team";
/// Ends the names of records, so that evidence files beside them are never taken for one.
pub(crate) const RECORD_SUFFIX: &str = ".artifact.json";

/// Ends the names of evidence files.
pub(crate) const EVIDENCE_SUFFIX: &str = ".evidence.json";

/// The digest by which an artifact is stored. It depends only on the ecosystem and on what is pinned, so everyone who
/// holds the pin finds the object.
pub(crate) fn address(ecosystem: Ecosystem, pinned: &Digests) -> Option<Digest> {
    let (sha256, sha512) = (pinned.sha256.map(Digest::Sha256), pinned.sha512.map(Digest::Sha512));
    match ecosystem {
        Ecosystem::Npm => sha512.or(sha256),
        Ecosystem::Pypi | Ecosystem::Git => sha256.or(sha512),
    }
}

/// The path of an object below the root.
pub(crate) fn object(root: &Path, address: &Digest) -> PathBuf {
    let hex = address.to_hex();
    root.join(OBJECTS).join(address.algorithm()).join(&hex[..2]).join(hex)
}

/// The folder of an unpacked artifact. The kind is part of the path: it decides how the bytes are understood.
pub(crate) fn unpacked(root: &Path, kind: ArtifactKind, address: &Digest) -> PathBuf {
    let kind = match kind {
        ArtifactKind::NpmTarball => "npm-tarball",
        ArtifactKind::Wheel => "wheel",
        ArtifactKind::Sdist => "sdist",
        ArtifactKind::GitArchive => "git-archive",
    };
    let hex = address.to_hex();
    root.join(UNPACKED).join(kind).join(&hex[..2]).join(hex)
}

/// The folder of everything known about one package version.
pub(crate) fn record_dir(root: &Path, package: &PackageId) -> PathBuf {
    root.join(RECORDS)
        .join(ecosystem(package.ecosystem()))
        .join(segment(package.name().as_str()))
        .join(segment(package.version()))
}

/// The path of the record of one file.
pub(crate) fn record(root: &Path, package: &PackageId, file: &str) -> PathBuf {
    record_dir(root, package).join(segment(file) + RECORD_SUFFIX)
}

/// The path of the evidence of one file.
pub(crate) fn evidence(root: &Path, package: &PackageId, file: &str) -> PathBuf {
    record_dir(root, package).join(segment(file) + EVIDENCE_SUFFIX)
}

pub(crate) fn ecosystem(ecosystem: Ecosystem) -> &'static str {
    match ecosystem {
        Ecosystem::Npm => "npm",
        Ecosystem::Pypi => "pypi",
        Ecosystem::Git => "git",
    }
}

/// A text as one path segment: injective, the same on file systems that fold case, valid on Windows, and bounded.
///
/// Everything but `a-z 0-9 - _ @ +` and inner dots is written `%xx`; what would be too long ends in its SHA-256.
pub(crate) fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    /// Leaves room for `.json` and suffixes of evidence files within the 255 bytes of usual file systems.
    const LONGEST: usize = 180;
    let mut out = String::with_capacity(text.len());
    let reserved = is_reserved(text);
    for (at, byte) in text.bytes().enumerate() {
        let edge = at == 0 || at + 1 == text.len();
        let plain = matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'@' | b'+') || (byte == b'.' && !edge);
        if plain && !(reserved && at == 0) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _infallible = write!(out, "%{byte:02x}");
        }
    }
    if out.len() > LONGEST {
        let hash = Digest::sha256_of(text.as_bytes()).to_hex();
        out.truncate(LONGEST - hash.len() - 2);
        // `%%` never occurs above, so a shortened text cannot equal a complete one.
        out.push_str("%%");
        out.push_str(&hash);
    }
    out
}

/// Device names that Windows finds in every folder, whatever the extension.
pub(crate) fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ');
    let numbered = |prefix: &str| {
        stem.len() > prefix.len()
            && stem.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
            && matches!(
                &stem[prefix.len()..],
                "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
            )
    };
    ["con", "prn", "aux", "nul", "conin$", "conout$"].iter().any(|device| stem.eq_ignore_ascii_case(device))
        || numbered("com")
        || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_safe_and_injective() {
        assert_eq!(segment("zod"), "zod");
        assert_eq!(segment("@scope/name"), "@scope%2fname");
        assert_eq!(segment("JSONStream"), "%4a%53%4f%4eStream".to_lowercase().replace("stream", "%53tream"));
        assert_ne!(segment("JSONStream").to_lowercase(), segment("jsonstream"));
        assert_eq!(segment(".."), "%2e%2e");
        assert_eq!(segment("aux.js"), "%61ux.js");
        assert_eq!(segment("1.0.0"), "1.0.0");
        let (long, longer) = (format!("git+https://h.invalid/{}", "A".repeat(300)), "A".repeat(400));
        assert!(segment(&long).len() <= 180 && segment(&longer).len() <= 180);
        assert_ne!(segment(&long), segment(&format!("{long}B")));
    }

    #[test]
    fn reserved_names() {
        for name in ["con", "NUL.txt", "Aux", "com1", "LPT9.log", "com¹"] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["console", "com", "com10", "auxiliary.js", "lp", "a.con"] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
