//! Git sources: a reference becomes a commit, a commit becomes one canonical archive, and no code of the repository runs.
//!
//! [`GitSource::fetch`] resolves the reference (`reference`), fetches the commit into a bare repository of the cache (`clone`;
//! a local repository is read in place, `local`), reads commit, trees and blobs with every object's hash recomputed
//! (`tree`), and writes the canonical archive (`archive`) that the lock pins. The objects that carry signatures come along
//! (`signed`), and, for a tag, the annotated tags before it (`history`, `tags`). [`GitSource::upstream`] asks where the
//! reference points today. [`GitSource::restore`] brings a locked commit back and compares it with its pin.
//! [`host_attestations`] asks a git host what it attests about a commit.
//!
//! What never happens, whatever a repository holds: hooks, filters (clean, smudge, LFS), submodule fetches, attributes such as
//! `export-ignore`, external protocols (`ext::`), borrowed object folders, replacement objects, programs named in the
//! repository's own configuration. What may start: the user's own `ssh` for `ssh:` addresses and the user's own credential
//! helpers for `http(s):`, both only with [`GitOptions::user_config`] or the defaults of the user's machine.
//!
//! A full commit id is fetched as such. On hosts where forks share storage it may be a commit of a fork: the id names the
//! bytes, it does not say that the repository's owner published them. A tag or branch does.
mod archive;
mod attestations;
mod clone;
mod connect;
mod error;
mod history;
mod local;
mod project;
mod reference;
mod remembered;
mod signed;
mod tags;
mod tree;
mod upstream;
mod watch;

#[cfg(test)]
mod tests;

use std::{
    fs,
    io::{self, BufWriter},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use gix::{ObjectId, objs::Kind};
use mcpsec_model::{
    digest::Digests,
    finding::{Finding, Rule},
    name::Ecosystem,
    package::{Artifact, ArtifactKind, GitPin, Package, PackageId},
    spec::GitSpec,
    text::escape,
    upstream::UpstreamState,
    url::SafeUrl,
};
use smol_str::SmolStr;

use self::{
    archive::{ArchiveWriter, Content},
    clone::Mirror,
    reference::{Choice, Wanted},
    tree::{LeafKind, Listing, Objects},
};
pub use self::{
    attestations::{AttestationsError, host_attestations},
    error::GitError,
    history::{MAX_LOCAL, MAX_REMOTE},
    project::{GitProject, PythonProject},
    signed::{MAX_TAGS, SignedObjects, TagObject},
};
use crate::progress::{Event, Progress, Silent};

/// Where things are kept and what is allowed.
#[derive(Clone, Debug)]
pub struct GitOptions {
    /// Folder for bare repositories and scratch files; everything in it can be deleted at any time.
    pub cache_dir: PathBuf,
    /// Whether remotes may be asked. Local repositories are read either way.
    pub network: bool,
    /// Whether the user's git configuration (system, global) is read for credential helpers, proxies, address rewriting and
    /// the ssh command. Off in tests.
    pub user_config: bool,
    /// Bounds.
    pub limits: GitLimits,
}

/// Bounds on what a repository may make us do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitLimits {
    /// Bytes of the canonical archive.
    pub max_archive: u64,
    /// Entries of the tree, folders included.
    pub max_entries: u64,
    /// Levels of folders.
    pub max_depth: usize,
    /// Bytes of one path.
    pub max_path: usize,
    /// Bytes of one object, and of one allocation while a pack is read.
    pub max_object: u64,
    /// Bytes of one tree object.
    pub max_metadata: u64,
    /// Bytes of one commit or tag object, which are kept as evidence.
    pub max_signed: u64,
    /// Bytes of a project file such as `package.json`.
    pub max_project_file: u64,
    /// Bytes that a remote may send for one fetch.
    pub max_pack: u64,
    /// Longest silence of a remote.
    pub idle: Duration,
    /// Longest fetch.
    pub total: Duration,
}

impl GitLimits {
    /// The limits of the product.
    pub fn standard() -> Self {
        Self {
            max_archive: 512 << 20,
            max_entries: 200_000,
            max_depth: 64,
            max_path: 4096,
            max_object: 256 << 20,
            max_metadata: 32 << 20,
            max_signed: 1 << 20,
            max_project_file: 4 << 20,
            max_pack: 1 << 30,
            idle: Duration::from_secs(60),
            total: Duration::from_secs(1800),
        }
    }
}

/// Fetches git repositories. Blocking: call it where blocking is allowed.
#[derive(Clone, Debug)]
pub struct GitSource {
    options: Arc<GitOptions>,
}

/// One commit, archived.
#[derive(Debug)]
pub struct GitTree {
    /// Repository, subdirectory and commit.
    pub package: PackageId,
    /// Reference and tree.
    pub pin: GitPin,
    /// The canonical archive of the whole tree; deleted when this value is dropped.
    pub archive: tempfile::TempPath,
    /// SHA-256 and SHA-512 of the archive.
    pub digests: Digests,
    /// Length of the archive in bytes.
    pub size: u64,
    /// The commit object, and the tag objects of an annotated tag.
    pub signed: SignedObjects,
    /// The annotated tags before this one, oldest first: of its own series the nearest ones, then others (see `history`); at most
    /// [`MAX_LOCAL`] in a local repository, [`MAX_REMOTE`] from a remote. `None` when nobody looked (the reference is no tag;
    /// [`GitSource::restore`]) or when looking failed, which is not "there are none".
    pub history: Option<Vec<TagObject>>,
    /// What the requested folder holds.
    pub project: GitProject,
    /// Submodules and LFS pointers, whose content the archive does not have.
    pub findings: Vec<Finding>,
}

impl GitTree {
    /// The archive's name in lock and store: `<repository>-<commit>.tar`.
    pub fn file_name(&self) -> SmolStr {
        archive_name(&self.package)
    }

    /// The package as the lock holds it: the archive is pinned by SHA-256.
    pub fn to_package(&self) -> Package {
        let digests = Digests { sha512: None, ..self.digests };
        let artifact =
            Artifact { kind: ArtifactKind::GitArchive, file: self.file_name(), size: Some(self.size), digests };
        Package { artifacts: vec![artifact], git: Some(self.pin.clone()), ..Package::bare(self.package.clone()) }
    }
}

impl GitSource {
    /// A source with these options. Touches nothing yet.
    pub fn new(options: GitOptions) -> Self {
        Self { options: Arc::new(options) }
    }

    /// Resolves and fetches what the spec asks for.
    ///
    /// # Errors
    /// [`GitError`]: no such reference, an unsafe tree, a limit, a remote that cannot be reached.
    pub fn fetch(&self, spec: &GitSpec, progress: &dyn Progress) -> Result<GitTree, GitError> {
        let mut tree = self.bring(spec, progress)?;
        tree.history = self.history(spec, &tree);
        Ok(tree)
    }

    /// Where the locked reference points today. Never fails: what could not be asked is [`UpstreamState::Unreachable`].
    pub fn upstream(&self, spec: &GitSpec, locked: &GitPin, commit: &str) -> UpstreamState {
        match self.ask(spec, locked) {
            Ok(listed) => upstream::judge(&listed, locked, commit),
            Err(error) => UpstreamState::Unreachable(error.to_string()),
        }
    }

    /// Fetches a locked commit again and compares tree and archive with the lock.
    ///
    /// # Errors
    /// [`GitError::Mismatch`] when they differ; otherwise as [`Self::fetch`].
    pub fn restore(&self, package: &Package, progress: &dyn Progress) -> Result<GitTree, GitError> {
        let id = package.id.to_string();
        let refuse = |reason| GitError::NotRestorable { package: id.clone(), reason };
        if package.id.ecosystem() != Ecosystem::Git {
            return Err(refuse("it does not come from git"));
        }
        let spec: GitSpec = id.parse().map_err(|_| refuse("its name is not a git address"))?;
        let pin = package.git.as_ref().ok_or_else(|| refuse("the lock holds no tree of it"))?;
        let locked = package.artifacts.first().ok_or_else(|| refuse("the lock holds no archive of it"))?;
        let mut tree = self.bring(&spec, progress)?;
        if tree.pin.tree != pin.tree {
            return Err(GitError::Mismatch {
                package: id,
                what: "tree",
                expected: pin.tree.to_string(),
                actual: tree.pin.tree.to_string(),
            });
        }
        if let Some((expected, actual)) = locked.digests.mismatch(&tree.digests) {
            return Err(GitError::archive_mismatch(&id, expected, actual));
        }
        if !locked.digests.agrees(&tree.digests) {
            return Err(refuse("the lock holds no digest of its archive"));
        }
        tree.pin = pin.clone();
        if let Some(tags) = self.tags_of(&spec, &tree) {
            tree.signed.tags = tags;
        }
        Ok(tree)
    }

    fn bring(&self, spec: &GitSpec, progress: &dyn Progress) -> Result<GitTree, GitError> {
        check_address(&spec.url)?;
        let wanted = Wanted::parse(spec.reference.as_deref());
        let shown = spec.reference.as_deref().unwrap_or("HEAD");
        if spec.url.expose().scheme() == "file" {
            let repo = local::open(&spec.url, &self.options)?;
            let objects = Objects { repo: &repo, url: &spec.url, limits: &self.options.limits };
            let choice = local::resolve(&objects, &wanted, shown)?;
            return self.pack(&objects, spec, &choice, Vec::new(), progress);
        }
        self.fetch_remote(spec, &wanted, shown, progress)
    }

    fn fetch_remote(
        &self,
        spec: &GitSpec,
        wanted: &Wanted,
        shown: &str,
        progress: &dyn Progress,
    ) -> Result<GitTree, GitError> {
        let mirror = Mirror::new(&spec.url, &self.options);
        let mut retried = false;
        loop {
            // A full commit id that is there needs no question to anyone.
            let have = match wanted {
                Wanted::Commit(commit) => mirror.at_hand(Choice { reference: None, commit: *commit, tag: None }),
                _ => None,
            };
            let fetched = match have {
                Some(fetched) => fetched,
                None if !self.options.network => mirror.offline(wanted, shown)?,
                None => self.supervised_fetch(&mirror, spec, wanted, shown, progress)?,
            };
            let result = connect::open_bare(&fetched.repository, &self.options)
                .map_err(|error| GitError::Open { url: spec.url.to_string(), reason: error::causes(&error) })
                .and_then(|repo| {
                    let objects = Objects { repo: &repo, url: &spec.url, limits: &self.options.limits };
                    self.pack(&objects, spec, &fetched.choice, fetched.tags, progress)
                });
            match result {
                // Damage on our own disk is repaired once; a remote that sends damaged objects stays an error.
                Err(error) if error.is_damage() && self.options.network && !retried => {
                    tracing::warn!(url = %spec.url, %error, "the cached repository is damaged; fetching it again");
                    mirror.forget(fetched.choice.commit)?;
                    retried = true;
                }
                result => return result,
            }
        }
    }

    fn supervised_fetch(
        &self,
        mirror: &Mirror,
        spec: &GitSpec,
        wanted: &Wanted,
        shown: &str,
        progress: &dyn Progress,
    ) -> Result<clone::Fetched, GitError> {
        let (mirror, wanted, shown) = (mirror.clone(), wanted.clone(), shown.to_owned());
        watch::supervise(&spec.url, &self.options.limits, progress, move |meter, interrupt| {
            mirror.fetch(&wanted, &shown, &meter, interrupt)
        })
    }

    fn ask(&self, spec: &GitSpec, locked: &GitPin) -> Result<Vec<reference::Listed>, GitError> {
        check_address(&spec.url)?;
        let names = match &locked.reference {
            Some(reference) => vec![reference.to_string()],
            None => clone::EVERYTHING.map(str::to_owned).into(),
        };
        if spec.url.expose().scheme() == "file" {
            let repo = local::open(&spec.url, &self.options)?;
            let objects = Objects { repo: &repo, url: &spec.url, limits: &self.options.limits };
            let mut listed = Vec::new();
            for name in locked.reference.iter() {
                listed.extend(local::look_up(&objects, name)?);
            }
            return Ok(listed);
        }
        if !self.options.network {
            return Err(GitError::Offline {
                url: spec.url.to_string(),
                what: locked.reference.as_deref().map_or_else(|| "the commit".to_owned(), escape),
            });
        }
        let mirror = Mirror::new(&spec.url, &self.options);
        watch::supervise(&spec.url, &self.options.limits, &Silent, move |meter, interrupt| {
            mirror.list(&names, &meter, interrupt)
        })
    }

    /// Reads the commit and writes the archive. `tags` are the tag objects that lead to it, if they are not in this repository.
    fn pack(
        &self,
        objects: &Objects<'_>,
        spec: &GitSpec,
        choice: &Choice,
        tags: Vec<(ObjectId, Vec<u8>)>,
        progress: &dyn Progress,
    ) -> Result<GitTree, GitError> {
        let reference = choice.reference.as_deref();
        let start = if tags.is_empty() { choice.tag.unwrap_or(choice.commit) } else { choice.commit };
        let mut peeled = objects.peel(start, reference.unwrap_or("the commit"))?;
        peeled.tags.splice(0..0, tags);
        let (commit, tree) = (peeled.commit, peeled.tree);
        let package = PackageId::new(Ecosystem::Git, spec.package_name(), &commit.to_string())?;
        let listing = objects.list(tree)?;
        if let Some(folder) = &spec.subdirectory {
            check_folder(&listing, folder, &spec.url, &commit)?;
        }
        let project = project::recognise(objects, &listing, spec.subdirectory.as_deref())?;
        let mut findings: Vec<Finding> = listing
            .submodules
            .iter()
            .map(|path| missing(&package, format!("the submodule `{}` is not fetched", escape(path))))
            .collect();
        let (archive, digests, size) = self.write(objects, &listing, |path| {
            findings
                .push(missing(&package, format!("`{}` is a pointer to LFS, its content is not fetched", escape(path))));
        })?;
        progress.event(Event::FileDone { file: &archive_name(&package) });
        let pin = GitPin { reference: reference.map(SmolStr::from), tree: tree.to_string().into() };
        let signed = SignedObjects { tags: signed::named(peeled.tags, reference), commit: peeled.raw };
        Ok(GitTree { package, pin, archive, digests, size, signed, history: None, project, findings })
    }

    fn write(
        &self,
        objects: &Objects<'_>,
        listing: &Listing,
        mut pointer: impl FnMut(&str),
    ) -> Result<(tempfile::TempPath, Digests, u64), GitError> {
        let limits = &self.options.limits;
        let dir = &self.options.cache_dir;
        let cache = |source: io::Error| GitError::Cache { url: objects.url.to_string(), path: dir.clone(), source };
        fs::create_dir_all(dir).map_err(cache)?;
        let file = tempfile::Builder::new().prefix("archive-").suffix(".tar").tempfile_in(dir).map_err(cache)?;
        let (file, path) = file.into_parts();
        let mut writer = ArchiveWriter::new(BufWriter::with_capacity(1 << 18, file));
        for (name, leaf) in &listing.leaves {
            let max = match leaf.kind {
                LeafKind::Link => limits.max_path as u64,
                _ => limits.max_object,
            };
            let bytes = objects.read(leaf.id, Kind::Blob, &format!("`{}`", error::shown(name.as_bytes())), max)?;
            if writer.size().saturating_add(bytes.len() as u64) > limits.max_archive {
                return Err(GitError::OverLimit {
                    url: objects.url.to_string(),
                    what: "the size of its archive".to_owned(),
                    limit: limits.max_archive,
                    unit: "bytes",
                });
            }
            match leaf.kind {
                LeafKind::Link => {
                    let target = objects.link_target(name, bytes)?;
                    writer.add(name, Content::Link(&target)).map_err(cache)?;
                }
                kind => {
                    if is_lfs_pointer(&bytes) {
                        pointer(name);
                    }
                    writer.add(name, Content::File(&bytes, kind == LeafKind::Executable)).map_err(cache)?;
                }
            }
        }
        let (digests, size) = writer.finish().map_err(cache)?;
        Ok((path, digests, size))
    }
}

fn missing(package: &PackageId, message: String) -> Finding {
    Finding::new(Rule::ClosureIncomplete, package.to_string(), message)
}

/// The pointer format of git-lfs: a short text that begins with its version line.
fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() < 1024 && bytes.starts_with(b"version https://git-lfs.") && bytes.windows(5).any(|w| w == b"\noid ")
}

fn archive_name(package: &PackageId) -> SmolStr {
    let name = package.name().as_str();
    let address = name.split('#').next().unwrap_or(name).trim_end_matches('/');
    let base = address.rsplit('/').next().unwrap_or("repository");
    let base = base.strip_suffix(".git").unwrap_or(base);
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let base: String = base.chars().map(safe).take(64).collect();
    format!("{}-{}.tar", if base.is_empty() { "repository" } else { &base }, package.version()).into()
}

/// What [`GitSpec`]'s parser refuses too; a spec can also be built by hand.
fn check_address(url: &SafeUrl) -> Result<(), GitError> {
    let address = url.expose();
    let refuse = |reason| Err(GitError::Address { url: url.to_string(), reason });
    if !matches!(address.scheme(), "https" | "http" | "ssh" | "file") {
        return refuse("only https, http, ssh and file are supported");
    }
    // A program that gets the text as an argument would read it as an option.
    if address.username().starts_with('-') || address.host_str().is_some_and(|host| host.starts_with('-')) {
        return refuse("a user or host may not start with `-`");
    }
    if address.scheme() == "ssh" && address.path().trim_start_matches('/').starts_with('-') {
        return refuse("a path may not start with `-`");
    }
    if address.query().is_some() {
        return refuse("an address with a query (`?…`) cannot be locked");
    }
    if address.scheme() == "ssh" && address.password().is_some() {
        return refuse("ssh has no passwords in addresses; use a key");
    }
    Ok(())
}

fn check_folder(listing: &Listing, folder: &str, url: &SafeUrl, commit: &ObjectId) -> Result<(), GitError> {
    let inside = |path: &&String| folder == path.as_str() || folder.starts_with(&format!("{path}/"));
    if let Some(submodule) = listing.submodules.iter().find(inside) {
        return Err(GitError::Submodule {
            url: url.to_string(),
            folder: folder.to_owned(),
            submodule: error::shown(submodule.as_bytes()),
        });
    }
    if listing.has_folder(folder) {
        return Ok(());
    }
    Err(GitError::NoSubdirectory { url: url.to_string(), folder: escape(folder), commit: commit.to_string() })
}
