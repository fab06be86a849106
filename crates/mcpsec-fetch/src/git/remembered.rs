//! What the cache remembers of a remote beside commits: where its references pointed, and its tag objects.
//!
//! ```text
//! <hash>/references      one line a reference: commit, name, tag object or `-`, branch that `HEAD` names or `-`
//! <hash>/tags/<id>       a raw tag object, without git's header
//! ```
//!
//! A tag object is read back only if it still hashes to its name. The references are what the remote said, and no more.
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Write},
    path::PathBuf,
};

use gix::{
    ObjectId,
    objs::{Kind, TagRefIter},
};

use super::{clone::Mirror, error::GitError, reference::Listed, signed::MAX_TAGS};

/// In place of a tag or target that there is not.
const NONE: &str = "-";

impl Mirror {
    /// Writes what the remote said, merged with what it said before about other references.
    pub(super) fn remember(&self, listed: &[Listed]) -> Result<(), GitError> {
        let mut all: BTreeMap<String, Listed> =
            self.remembered()?.into_iter().map(|item| (item.name.clone(), item)).collect();
        let plain = |text: &str| !text.contains([' ', '\n']);
        for item in listed.iter().filter(|item| plain(&item.name) && item.target.as_deref().is_none_or(plain)) {
            all.insert(item.name.clone(), item.clone());
        }
        let mut text = String::new();
        for item in all.values() {
            let tag = item.tag.map_or_else(|| NONE.to_owned(), |tag| tag.to_string());
            text.push_str(&format!("{} {} {tag} {}\n", item.commit, item.name, item.target.as_deref().unwrap_or(NONE)));
        }
        self.put(&self.dir.join("references"), text.as_bytes())
    }

    /// What the remote's references were when last asked.
    pub(super) fn remembered(&self) -> Result<Vec<Listed>, GitError> {
        let path = self.dir.join("references");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.cache(&path, error)),
        };
        Ok(text.lines().filter_map(read_line).collect())
    }

    /// Keeps a tag object whose bytes were just checked.
    pub(super) fn keep_tag(&self, id: ObjectId, raw: &[u8]) -> Result<(), GitError> {
        let folder = self.dir.join("tags");
        fs::create_dir_all(&folder).map_err(|error| self.cache(&folder, error))?;
        self.put(&self.tag_file(id), raw)
    }

    /// A tag object that is at hand and whole, of at most `max` bytes.
    pub(super) fn kept_tag(&self, id: ObjectId, max: u64) -> Option<Vec<u8>> {
        let mut raw = Vec::new();
        File::open(self.tag_file(id)).ok()?.take(max.saturating_add(1)).read_to_end(&mut raw).ok()?;
        let whole =
            raw.len() as u64 <= max && gix::objs::Data::new(&raw, Kind::Tag, id.kind()).verify_checksum(&id).is_ok();
        whole.then_some(raw)
    }

    /// The tag objects from `tag` down to `commit`, if all are at hand and they lead there.
    pub(super) fn kept_chain(&self, tag: ObjectId, commit: ObjectId) -> Option<Vec<(ObjectId, Vec<u8>)>> {
        let (mut id, mut chain) = (tag, Vec::new());
        while id != commit && chain.len() < MAX_TAGS {
            let raw = self.kept_tag(id, self.options.limits.max_signed)?;
            let target = TagRefIter::from_bytes(&raw, id.kind()).target_id().ok()?;
            chain.push((id, raw));
            id = target;
        }
        (id == commit).then_some(chain)
    }

    fn tag_file(&self, id: ObjectId) -> PathBuf {
        self.dir.join("tags").join(id.to_string())
    }

    /// Writes a file in one step; readers see the old one or the new one.
    fn put(&self, path: &std::path::Path, bytes: &[u8]) -> Result<(), GitError> {
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
            file.write_all(bytes)?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(|error| self.cache(path, error))
    }
}

/// A line that cannot be read is a reference that is not known.
fn read_line(line: &str) -> Option<Listed> {
    let mut words = line.split(' ');
    let commit = ObjectId::from_hex(words.next()?.as_bytes()).ok()?;
    let name = words.next()?.to_owned();
    let tag = match words.next()? {
        NONE => None,
        tag => Some(ObjectId::from_hex(tag.as_bytes()).ok()?),
    };
    let target = Some(words.next()?).filter(|target| *target != NONE).map(str::to_owned);
    Some(Listed { name, commit, tag, target })
}
