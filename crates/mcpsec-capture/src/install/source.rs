//! The files of one package, as they are in its unpacked artifact.
use std::{collections::BTreeMap, fs::File, io::Read as _, path::PathBuf};

use mcpsec_model::{
    artifact::UnpackedArtifact,
    name::Ecosystem,
    package::{Package, PackageId},
    tree::ItemKind,
};

use super::{
    Unpacked,
    draft::{Content, Draft, resolve},
    error::{InstallError, shown},
};

/// A package's files.
pub(super) struct Files<'a> {
    pub(super) package: &'a PackageId,
    unpacked: &'a UnpackedArtifact,
    /// Path of the package's folder in the artifact, with a `/` at its end; empty for the whole artifact.
    prefix: String,
}

/// The files of a package whose artifact is the only one (npm, git).
pub(super) fn files<'a>(
    package: &'a PackageId,
    packages: &BTreeMap<PackageId, Package>,
    unpacked: &'a Unpacked,
) -> Result<Files<'a>, InstallError> {
    let artifact = packages.get(package).and_then(|package| package.artifacts.first());
    let Some(artifact) = artifact else {
        return Err(InstallError::NotUnpacked {
            package: Box::new(package.clone()),
            file: "(none is locked)".to_owned(),
        });
    };
    of(package, &artifact.file, unpacked)
}

/// The files of one artifact of a package.
pub(super) fn of<'a>(package: &'a PackageId, file: &str, unpacked: &'a Unpacked) -> Result<Files<'a>, InstallError> {
    let missing = || InstallError::NotUnpacked { package: Box::new(package.clone()), file: shown(file) };
    let unpacked = unpacked.get(&(package.clone(), file.to_owned())).ok_or_else(missing)?;
    // The key is the caller's word, the contents say themselves whose they are.
    if unpacked.package() != package || unpacked.file() != file {
        return Err(missing());
    }
    Ok(Files { package, unpacked, prefix: subfolder(package) })
}

/// The folder of a git package in its repository.
fn subfolder(package: &PackageId) -> String {
    if package.ecosystem() != Ecosystem::Git {
        return String::new();
    }
    let fragment = package.name().as_str().split_once('#').map_or("", |(_, fragment)| fragment);
    let folder = fragment.split('&').find_map(|part| part.strip_prefix("subdirectory=")).unwrap_or_default();
    match folder.trim_matches('/') {
        "" => String::new(),
        folder => format!("{folder}/"),
    }
}

impl<'a> Files<'a> {
    /// Every file and link with its path in the package, sorted.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &ItemKind)> {
        let items = self.unpacked.tree().items.range(self.prefix.clone()..);
        let own = items.take_while(|(path, _)| path.starts_with(&self.prefix));
        own.filter(|(_, item)| item.kind != ItemKind::Folder)
            .map(|(path, item)| (&path[self.prefix.len()..], &item.kind))
    }

    pub(super) fn artifact(&self) -> &'a UnpackedArtifact {
        self.unpacked
    }

    /// Where a file lies.
    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.unpacked.dir().join(format!("{}{file}", self.prefix))
    }

    pub(super) fn has_file(&self, file: &str) -> bool {
        self.content(file).is_some()
    }

    /// Length of a file in bytes.
    pub(super) fn size(&self, file: &str) -> Option<u64> {
        self.unpacked.tree().items.get(&format!("{}{file}", self.prefix)).map(|item| item.stamp.size)
    }

    /// A file for the draft.
    pub(super) fn content(&self, file: &str) -> Option<Content> {
        self.content_at(&format!("{}{file}", self.prefix))
    }

    fn content_at(&self, path: &str) -> Option<Content> {
        let item = self.unpacked.tree().items.get(path)?;
        let ItemKind::File { sha256 } = item.kind else { return None };
        let executable = item.stamp.is_executable();
        Some(Content::File { from: self.unpacked.dir().join(path), sha256, executable, own: false })
    }

    /// The bytes of a file, at most `most`; `None` when there is no such file.
    pub(super) fn read(&self, file: &str, most: u64) -> Result<Option<Vec<u8>>, InstallError> {
        if !self.has_file(file) {
            return Ok(None);
        }
        let path = self.path(file);
        let fail = |error| InstallError::io("read", &path, error);
        let mut bytes = Vec::new();
        File::open(&path).map_err(fail)?.take(most + 1).read_to_end(&mut bytes).map_err(fail)?;
        if bytes.len() as u64 > most {
            return Err(InstallError::metadata(self.package, file, format!("longer than {most} bytes")));
        }
        Ok(Some(bytes))
    }

    /// [`Files::read`] for text.
    pub(super) fn read_text(&self, file: &str, most: u64) -> Result<Option<String>, InstallError> {
        let Some(bytes) = self.read(file, most)? else { return Ok(None) };
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))),
            Err(_) => Err(InstallError::metadata(self.package, file, "not UTF-8")),
        }
    }

    /// Puts all files into a folder of the draft. Links (git archives have some) stay links as long as they lead to
    /// something within the package; one that leads to a file elsewhere in the repository becomes that file, any other is
    /// left out.
    pub(super) fn put_into(&self, draft: &mut Draft, folder: &str, owner: &str) -> Result<(), InstallError> {
        for (path, kind) in self.iter() {
            let at = format!("{folder}/{path}");
            let content = match kind {
                ItemKind::Folder => None,
                ItemKind::File { .. } => self.content(path),
                ItemKind::Link { target } => self.linked(path, target),
            };
            if let Some(content) = content {
                draft.put(&at, content, owner)?;
            }
        }
        Ok(())
    }

    fn linked(&self, path: &str, target: &str) -> Option<Content> {
        let here = format!("{}{path}", self.prefix);
        let folder = here.rsplit_once('/').map_or("", |(folder, _)| folder);
        let to = resolve(folder, target)?;
        let items = &self.unpacked.tree().items;
        if to.starts_with(&self.prefix) || format!("{to}/") == self.prefix {
            return items.contains_key(&to).then(|| Content::Link { target: PathBuf::from(target) });
        }
        self.content_at(&to)
    }
}
