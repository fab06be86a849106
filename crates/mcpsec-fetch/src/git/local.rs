//! Repositories on this machine (`git+file:`): opened and read in place, without starting any program.
//!
//! The folder may belong to someone else and its configuration may be hostile, so it is opened with the lowest trust: its
//! `config` cannot name programs, its hooks are not looked at, replacement objects are off, and a repository that borrows
//! objects through `objects/info/alternates` is refused instead of followed.
use std::{collections::BTreeMap, fs, io, path::PathBuf};

use gix::{ObjectId, objs::Kind};
use mcpsec_model::{text::escape, url::SafeUrl};

use super::{
    GitOptions,
    clone::unique_prefix,
    connect::open_options,
    error::{GitError, causes},
    history::{MAX_BYTES, MAX_LISTED, MAX_LOCAL, preceding},
    reference::{Choice, Listed, Wanted},
    signed::{TAGS, TagObject},
    tree::Objects,
};

/// Most tags that are opened to see whether they are annotated.
const MAX_OPENED: usize = 1024;

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
pub(super) fn resolve(objects: &Objects<'_>, wanted: &Wanted, shown: &str) -> Result<Choice, GitError> {
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
            return Ok(Choice { reference: None, commit, tag: None });
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
                let peeled = objects.peel(id.to_owned(), name)?;
                let tag = peeled.tags.first().map(|(id, _)| *id);
                return Ok(Some(Listed { name: name.to_owned(), commit: peeled.commit, tag, target }));
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
                && let Ok(peeled) = objects.peel(id.to_owned(), "a tag")
            {
                tips.push(peeled.commit);
            }
        }
    }
    Ok(tips)
}

/// The annotated tags before the tag `own`; `None` when the repository cannot be read or holds too many.
pub(super) fn earlier_tags(objects: &Objects<'_>, own: &str) -> Option<Vec<TagObject>> {
    let platform = objects.repo.references().ok()?;
    let mut all: BTreeMap<String, ObjectId> = BTreeMap::new();
    for reference in platform.prefixed(TAGS).ok()? {
        if all.len() == MAX_LISTED {
            return None;
        }
        let Ok(reference) = reference else { continue };
        let name = std::str::from_utf8(reference.name().as_bstr()).ok().and_then(|name| name.strip_prefix(TAGS));
        if let (Some(name), Some(id)) = (name, reference.target().try_id()) {
            all.insert(name.to_owned(), id.to_owned());
        }
    }
    let (names, _) = preceding(own, all.keys().map(String::as_str));
    let read = |name: &str| {
        let id = *all.get(name)?;
        // A lightweight tag names a commit and has no object; one that is too large is left out.
        let raw = objects.read(id, Kind::Tag, "a tag", MAX_BYTES).ok()?;
        Some(TagObject { name: name.into(), id: id.to_string().into(), raw })
    };
    Some(names.into_iter().take(MAX_OPENED).filter_map(read).take(MAX_LOCAL).collect())
}
