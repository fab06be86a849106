//! The objects that carry signatures: the commit, and the annotated tags on the way to it, byte for byte as they are hashed.
//!
//! A lightweight tag or a branch names its commit directly and has no tag object. A tag of a tag is followed through at most
//! [`MAX_TAGS`] objects; more are refused. Nothing here says who signed, or whether anybody did: that is for the verifier.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use gix::{
    ObjectId,
    objs::{CommitRefIter, Kind, TagRefIter},
};
use mcpsec_model::{evidence::Documents, time::Timestamp};
use smol_str::SmolStr;

use super::{
    error::{GitError, causes},
    tree::Objects,
};

/// Longest chain of annotated tags.
pub const MAX_TAGS: usize = 3;

/// The start of a tag's full name.
pub(super) const TAGS: &str = "refs/tags/";

/// What a git reference has to show for itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedObjects {
    /// The raw commit object, without git's header; its SHA-1 with the header is the commit id.
    pub commit: Vec<u8>,
    /// The annotated tags from the reference to the commit, outermost first. Empty for lightweight tags, branches, commits.
    pub tags: Vec<TagObject>,
}

impl SignedObjects {
    /// The documents that the store keeps beside the archive.
    ///
    /// A tag of a tag signs another tag and not the commit, so a chain of several is left out: it then counts as no signed tag.
    pub fn documents(&self) -> Documents {
        let tag = match self.tags.as_slice() {
            [tag] => Some(STANDARD.encode(&tag.raw)),
            _ => None,
        };
        Documents { offered: true, tag, commit: Some(STANDARD.encode(&self.commit)), ..Documents::default() }
    }
}

/// One annotated tag.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagObject {
    /// The reference's name without `refs/tags/`. Of an inner tag, which has no reference here: its object id.
    pub name: SmolStr,
    /// The id of the tag object, 40 hexadecimal digits.
    pub id: SmolStr,
    /// The raw tag object, without git's header.
    pub raw: Vec<u8>,
}

impl TagObject {
    /// When the tagger says it was made. A claim: good for order, proof of nothing.
    pub fn tagged(&self) -> Option<Timestamp> {
        stamp(&self.raw, b"tagger ")
    }
}

/// The time on a `tagger` or `committer` line of an object's header.
pub(super) fn stamp(raw: &[u8], field: &[u8]) -> Option<Timestamp> {
    let mut lines = raw.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty());
    let line = lines.find_map(|line| line.strip_prefix(field))?;
    // `name <address> seconds zone`; the seconds count from 1970 in UTC, whatever the zone.
    let mut words = line.rsplit(|byte| *byte == b' ');
    let (_zone, seconds) = (words.next()?, words.next()?);
    Timestamp::from_second(std::str::from_utf8(seconds).ok()?.parse().ok()?).ok()
}

/// What an object leads to.
#[derive(Debug)]
pub(super) struct Peeled {
    /// The annotated tags on the way, outermost first.
    pub(super) tags: Vec<(ObjectId, Vec<u8>)>,
    /// The commit.
    pub(super) commit: ObjectId,
    /// Its raw object.
    pub(super) raw: Vec<u8>,
    /// Its tree.
    pub(super) tree: ObjectId,
}

/// Tag objects with their names, the outermost first, which has the name of its reference.
pub(super) fn named(tags: Vec<(ObjectId, Vec<u8>)>, reference: Option<&str>) -> Vec<TagObject> {
    let mut outer = reference.map(|name| name.strip_prefix(TAGS).unwrap_or(name));
    let named = tags.into_iter().map(|(id, raw)| {
        let id = SmolStr::new(id.to_string());
        TagObject { name: outer.take().map_or_else(|| id.clone(), SmolStr::new), id, raw }
    });
    named.collect()
}

impl Objects<'_> {
    /// Follows annotated tags to a commit.
    pub(super) fn peel(&self, start: ObjectId, reference: &str) -> Result<Peeled, GitError> {
        let (mut id, mut tags) = (start, Vec::new());
        loop {
            let (kind, raw) = self.read_any(id, "a commit or tag", self.limits.max_signed)?;
            match kind {
                Kind::Commit => {
                    let tree = CommitRefIter::from_bytes(&raw, id.kind()).tree_id();
                    let tree = tree.map_err(|error| self.damaged(id, causes(&error)))?;
                    return Ok(Peeled { tags, commit: id, raw, tree });
                }
                Kind::Tag if tags.len() == MAX_TAGS => {
                    return Err(self.over("the chain of annotated tags", MAX_TAGS as u64, "tags"));
                }
                Kind::Tag => {
                    let target = TagRefIter::from_bytes(&raw, id.kind()).target_id();
                    let target = target.map_err(|error| self.damaged(id, causes(&error)))?;
                    tags.push((id, raw));
                    id = target;
                }
                kind => {
                    return Err(GitError::NotACommit {
                        url: self.url.to_string(),
                        reference: reference.to_owned(),
                        kind: kind.to_string(),
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(raw: &str) -> TagObject {
        TagObject { name: "v1".into(), id: "0".repeat(40).into(), raw: raw.as_bytes().to_vec() }
    }

    #[test]
    fn the_time_is_read_from_the_header_only() {
        let at = |raw: &str| tag(raw).tagged().map(|time| time.to_string());
        let head = "object 0\ntype commit\ntag v1\n";
        assert_eq!(
            at(&format!("{head}tagger a b <x@host.invalid> 1735689600 +0100\n\nm\n")).as_deref(),
            Some("2025-01-01T00:00:00Z")
        );
        assert_eq!(at(&format!("{head}\ntagger a <x@host.invalid> 1735689600 +0000\n")), None);
        assert_eq!(at(&format!("{head}tagger a <x@host.invalid> 99999999999999999999 +0000\n\n")), None);
        assert_eq!(at(&format!("{head}tagger\n\n")), None);
    }

    #[test]
    fn a_chain_of_tags_is_no_signed_tag() {
        let one = SignedObjects { commit: b"c".to_vec(), tags: vec![tag("t")] };
        assert_eq!(one.documents().tag.as_deref(), Some("dA=="));
        let two = SignedObjects { tags: vec![tag("t"), tag("u")], ..one };
        assert_eq!((two.documents().tag, two.documents().commit.as_deref()), (None, Some("Yw==")));
    }
}
