//! Which texts a lock may hold at all. What other code prints or uses as a file name must be harmless before it gets that
//! far, whether a registry said it or a hand-written lock. Only the evidence of a finding may be anything; it is
//! [`crate::text::Untrusted`] on both sides.
use super::InsertError;
use crate::{
    package::{Package, PackageId},
    text::{Untrusted, is_hidden},
};

/// The longest file name that common file systems take.
const MAX_FILE_NAME: usize = 255;

/// Whether a reader sees all of it: no control, bidirectional, zero-width or tag characters.
pub(super) fn is_visible(text: &str) -> bool {
    // Nearly all texts are printable ASCII, which is quicker to see.
    text.bytes().all(|b| matches!(b, b' '..=b'~')) || !text.chars().any(is_hidden)
}

/// Whether it is a name inside one folder on every system, and nothing that leads out of it.
pub(super) fn is_file_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_FILE_NAME
        && !matches!(text, "." | "..")
        && !text.contains(['/', '\\', ':'])
        && is_visible(text)
}

/// Whether it is a git object id.
pub(super) fn is_object_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Refuses a package that cannot be pinned, or that could not be read back.
pub(super) fn check_package(id: &PackageId, package: &Package) -> Result<(), InsertError> {
    let boxed = || Box::new(id.clone());
    let shown = |text: &str| Untrusted::new(text).excerpt(120);
    let unwritable = |what: &str, text: &str| InsertError::Unwritable {
        package: boxed(),
        what: format!("{what} `{}`", shown(text)),
    };
    if package.id != *id || id.to_string().parse().as_ref() != Ok(id) {
        return Err(unwritable("the id", &package.id.to_string()));
    }
    // Every package has something to check its bytes by: digests of its own, or a package whose artifact holds it.
    if package.artifacts.is_empty() && package.bundled_in.is_none() {
        return Err(InsertError::Unpinned { package: boxed(), what: "the package".to_owned() });
    }
    let lists = [&package.os, &package.cpu, &package.libc];
    let words = lists.into_iter().flatten().chain(&package.requires_python);
    let words = words.chain(package.git.iter().flat_map(|git| &git.reference));
    if let Some(word) = words.into_iter().find(|word| !is_visible(word)) {
        return Err(unwritable("the text", word));
    }
    if let Some(git) = package.git.as_ref().filter(|git| !is_object_id(&git.tree)) {
        return Err(unwritable("the tree", &git.tree));
    }
    if !super::pin::is_writable(&package.evidence) {
        return Err(unwritable("the evidence of", &id.to_string()));
    }
    let mut files = std::collections::BTreeMap::new();
    for artifact in &package.artifacts {
        if !is_file_name(&artifact.file) {
            return Err(unwritable("the file name", &artifact.file));
        }
        if artifact.digests.is_empty() {
            return Err(InsertError::Unpinned { package: boxed(), what: shown(&artifact.file) });
        }
        if files.insert(&artifact.file, artifact).is_some_and(|other| other != artifact) {
            return Err(unwritable("a second file of the name", &artifact.file));
        }
    }
    Ok(())
}
