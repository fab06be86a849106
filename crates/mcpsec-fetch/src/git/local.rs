//! Repositories on this machine (`git+file:`): opened and read in place, without starting any program.
//!
//! The folder may belong to someone else and its configuration may be hostile, so it is opened with the lowest trust: its
//! `config` cannot name programs, its hooks are not looked at, replacement objects are off, and a repository that borrows
//! objects through `objects/info/alternates` is refused instead of followed.
use std::{fs, io, path::PathBuf};

use gix::ObjectId;
use mcpsec_model::{text::escape, url::SafeUrl};

use super::{
    GitOptions,
    clone::{open_options, unique_prefix},
    error::{GitError, causes},
    reference::{Listed, Wanted},
    tree::Objects,
};

/// Opens the repository that a `file:` address names.
pub(super) fn open(url: &SafeUrl, options: &GitOptions) -> Result<gix::Repository, GitError> {
    let refuse = |reason: String| GitError::Open { url: url.to_string(), reason };
    let path: PathBuf =
        url.expose().to_file_path().map_err(|()| refuse("it is not a path of this machine".to_owned()))?;
    let isolated = GitOptions { user_config: false, ..options.clone() };
    let repo = open_options(&isolated)
        .with(gix::sec::Trust::Reduced)
        .open(path)
        .map_err(|error| refuse(causes(&error)))?
        .to_thread_local();
    let alternates = repo.common_dir().join("objects/info/alternates");
    match fs::read(&alternates) {
        Ok(bytes) if bytes.iter().any(|byte| !byte.is_ascii_whitespace()) => {
            Err(GitError::Alternates { url: url.to_string() })
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(refuse(format!("objects/info/alternates: {error}")))
        }
        _ => Ok(repo),
    }
}

/// What `wanted` is in this repository.
pub(super) fn resolve(
    objects: &Objects<'_>,
    wanted: &Wanted,
    shown: &str,
) -> Result<(Option<String>, ObjectId), GitError> {
    let names: &[String] = match wanted {
        Wanted::Commit(_) => &[],
        Wanted::Named { names, .. } => names,
        Wanted::Default => &["HEAD".to_owned()],
    };
    let mut listed = Vec::new();
    for name in names {
        listed.extend(look_up(objects, name)?);
    }
    if let Some(answer) = wanted.choose(&listed) {
        return Ok(answer);
    }
    if let Wanted::Named { prefix: Some(prefix), .. } = wanted {
        let found = unique_prefix(objects.repo, prefix, tips(objects)?, objects.url)?;
        if let Some(commit) = found {
            return Ok((None, commit));
        }
    }
    Err(GitError::NoReference { url: objects.url.to_string(), reference: escape(shown) })
}

/// One reference by its full name, annotated tags followed.
pub(super) fn look_up(objects: &Objects<'_>, name: &str) -> Result<Option<Listed>, GitError> {
    let refuse = |error: gix::Error| GitError::Open { url: objects.url.to_string(), reason: causes(&error) };
    let Some(mut reference) = objects.repo.try_find_reference(name).map_err(refuse)? else { return Ok(None) };
    // Looking up may expand a partial name; only the exact one counts.
    if reference.name().as_bstr() != name {
        return Ok(None);
    }
    let mut target = None;
    for _ in 0..8 {
        match reference.target() {
            gix::refs::TargetRef::Object(id) => {
                let (commit, _) = objects.commit(id.to_owned(), name)?;
                return Ok(Some(Listed { name: name.to_owned(), commit, target }));
            }
            gix::refs::TargetRef::Symbolic(next) => {
                target = target.or_else(|| std::str::from_utf8(next.as_bstr()).ok().map(str::to_owned));
                let Some(next) = objects.repo.try_find_reference(next).map_err(refuse)? else { return Ok(None) };
                reference = next;
            }
        }
    }
    Ok(None)
}

/// The commits of all branches and tags.
fn tips(objects: &Objects<'_>) -> Result<Vec<ObjectId>, GitError> {
    let refuse = |error: gix::Error| GitError::Open { url: objects.url.to_string(), reason: causes(&error) };
    let mut tips = Vec::new();
    for prefix in ["refs/heads/", "refs/tags/"] {
        let platform = objects.repo.references().map_err(refuse)?;
        for reference in platform.prefixed(prefix).map_err(refuse)? {
            let Ok(reference) = reference else { continue };
            if let Some(id) = reference.target().try_id()
                && let Ok((commit, _)) = objects.commit(id.to_owned(), "a tag")
            {
                tips.push(commit);
            }
        }
    }
    Ok(tips)
}
