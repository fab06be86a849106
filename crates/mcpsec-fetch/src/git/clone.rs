//! The network side: asking a remote what it has, and fetching one commit into a bare repository of the cache.
//!
//! Layout of the cache: one folder for each repository, named by the SHA-256 of its address without credentials, with
//!
//! ```text
//! <hash>/lock            held while anything is fetched; a process that dies releases it
//! <hash>/references      what the remote's references were when last asked, for offline use (`remembered`)
//! <hash>/tags/           raw tag objects (`remembered`)
//! <hash>/<commit>.git    a bare repository that holds this commit (usually nothing else), renamed into place when whole
//! ```
//!
//! A commit's folder is never changed once it is there. So a `kill -9` leaves a scratch folder at worst, a damaged folder
//! can be thrown away and fetched again, and no reference, shallow boundary or lock file is ever merged.
//!
//! What the fetch does not do: it has no work tree, so no file is checked out, no filter (LFS), attribute or submodule has
//! effect; the library runs no hooks; configuration comes from the user's own git configuration (credential helpers, proxy,
//! `url.*.insteadOf`, `core.sshCommand`) when [`GitOptions::user_config`] says so, else from nowhere.
use std::{
    fs::{self, File, TryLockError},
    io,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::Duration,
};

use gix::{ObjectId, remote::fetch::Shallow};
use mcpsec_model::{digest::Digest, text::escape, url::SafeUrl};

use super::{
    GitOptions,
    connect::open_bare,
    error::{GitError, causes},
    reference::{Choice, Listed, Wanted},
    tree::Objects,
    watch::Meter,
};

/// How folders begin that are being filled.
const SCRATCH: &str = "scratch-";

/// Every branch and every tag.
pub(super) const EVERYTHING: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// The folder of one remote repository in the cache.
#[derive(Clone, Debug)]
pub(super) struct Mirror {
    pub(super) dir: PathBuf,
    pub(super) url: SafeUrl,
    pub(super) options: GitOptions,
}

/// What was resolved and where the objects are.
#[derive(Debug)]
pub(super) struct Fetched {
    /// Reference, commit, tag object.
    pub(super) choice: Choice,
    /// The annotated tags from the reference to the commit.
    pub(super) tags: Vec<(ObjectId, Vec<u8>)>,
    /// The bare repository that holds it.
    pub(super) repository: PathBuf,
}

impl Mirror {
    pub(super) fn new(url: &SafeUrl, options: &GitOptions) -> Self {
        let name = Digest::sha256_of(url.without_secrets().as_str().as_bytes()).to_hex();
        Self { dir: options.cache_dir.join(&name[..32]), url: url.clone(), options: options.clone() }
    }

    fn repository(&self, commit: ObjectId) -> PathBuf {
        self.dir.join(format!("{commit}.git"))
    }

    /// Throws away what is cached of a commit, because it turned out to be damaged.
    pub(super) fn forget(&self, commit: ObjectId) -> Result<(), GitError> {
        let _guard = self.lock(&Meter::default())?;
        let path = self.repository(commit);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.cache(&path, error)),
            _ => Ok(()),
        }
    }

    /// Answers from the cache only.
    pub(super) fn offline(&self, wanted: &Wanted, shown: &str) -> Result<Fetched, GitError> {
        let offline = || GitError::Offline { url: self.url.to_string(), what: escape(shown) };
        let choice = wanted.choose(&self.remembered()?).ok_or_else(offline)?;
        self.at_hand(choice).ok_or_else(offline)
    }

    /// What was chosen, if commit and tag objects are all there.
    pub(super) fn at_hand(&self, choice: Choice) -> Option<Fetched> {
        let repository = self.cached(choice.commit)?;
        let tags = match choice.tag {
            Some(tag) => self.kept_chain(tag, choice.commit)?,
            None => Vec::new(),
        };
        Some(Fetched { choice, tags, repository })
    }

    /// A commit that is already there, if it is.
    fn cached(&self, commit: ObjectId) -> Option<PathBuf> {
        Some(self.repository(commit)).filter(|path| path.is_dir())
    }

    /// Asks the remote what `wanted` is and fetches it. Runs on the supervised thread.
    pub(super) fn fetch(
        &self,
        wanted: &Wanted,
        shown: &str,
        meter: &Meter,
        interrupt: &AtomicBool,
    ) -> Result<Fetched, GitError> {
        let _guard = self.lock(meter)?;
        self.sweep()?;
        let scratch = self.scratch(SCRATCH)?;
        let missing = || GitError::NoReference { url: self.url.to_string(), reference: escape(shown) };
        let mut listed = Vec::new();
        let first = self.converse(scratch.path(), &wanted.refspecs(), meter, interrupt, |remote| {
            listed = remote;
            let choice = wanted.choose(&listed)?;
            // Only what is not there yet is fetched.
            self.at_hand(choice).is_none().then_some(Shallow::DepthAtRemote(NonZeroU32::MIN))
        });
        if let Some(choice) = wanted.choose(&listed) {
            self.remember(&listed)?;
            if let Some(fetched) = self.at_hand(choice.clone()) {
                return Ok(fetched);
            }
            if first.is_ok() && holds(scratch.path(), &choice, &self.options) {
                return self.keep(scratch, choice);
            }
            // Some servers hand out neither bare commits nor shallow histories: ask for everything, then look.
            tracing::debug!(url = %self.url, "the remote gave no single commit; fetching its whole history");
            let (scratch, _) = self.whole_history(meter, interrupt).map_err(|error| first.err().unwrap_or(error))?;
            if !holds(scratch.path(), &choice, &self.options) {
                return Err(missing());
            }
            return self.keep(scratch, choice);
        }
        first?;
        let Wanted::Named { prefix: Some(prefix), .. } = wanted else { return Err(missing()) };
        let (scratch, tips) = self.whole_history(meter, interrupt)?;
        let commit = self.unabbreviate(scratch.path(), prefix, &tips)?.ok_or_else(missing)?;
        self.keep(scratch, Choice { reference: None, commit, tag: None })
    }

    /// What the remote's references are now, of those that the names ask for.
    pub(super) fn list(
        &self,
        names: &[String],
        meter: &Meter,
        interrupt: &AtomicBool,
    ) -> Result<Vec<Listed>, GitError> {
        fs::create_dir_all(&self.dir).map_err(|error| self.cache(&self.dir, error))?;
        let scratch = self.scratch("list-")?;
        let mut listed = Vec::new();
        self.converse(scratch.path(), names, meter, interrupt, |remote| {
            listed = remote;
            None
        })?;
        Ok(listed)
    }

    fn whole_history(
        &self,
        meter: &Meter,
        interrupt: &AtomicBool,
    ) -> Result<(tempfile::TempDir, Vec<Listed>), GitError> {
        let scratch = self.scratch(SCRATCH)?;
        let specs = EVERYTHING.map(str::to_owned);
        let mut tips = Vec::new();
        self.converse(scratch.path(), &specs, meter, interrupt, |remote| {
            tips = remote;
            Some(Shallow::NoChange)
        })?;
        Ok((scratch, tips))
    }

    /// The one commit that branches and tags lead to and whose id starts with `prefix`.
    fn unabbreviate(&self, dir: &Path, prefix: &str, tips: &[Listed]) -> Result<Option<ObjectId>, GitError> {
        let open = |error: gix::Error| GitError::Open { url: self.url.to_string(), reason: causes(&error) };
        let repo = open_bare(dir, &self.options).map_err(open)?;
        let tips: Vec<ObjectId> =
            tips.iter().filter(|tip| is_commit(&repo, tip.commit)).map(|tip| tip.commit).collect();
        unique_prefix(&repo, prefix, tips, &self.url)
    }

    /// Moves a scratch repository to the place of its commit, and its tag objects to theirs.
    fn keep(&self, scratch: tempfile::TempDir, choice: Choice) -> Result<Fetched, GitError> {
        let tags = self.keep_chain(scratch.path(), &choice)?;
        let repository = self.repository(choice.commit);
        if !repository.is_dir() {
            fs::rename(scratch.path(), &repository).map_err(|error| self.cache(&repository, error))?;
        }
        Ok(Fetched { choice, tags, repository })
    }

    fn keep_chain(&self, dir: &Path, choice: &Choice) -> Result<Vec<(ObjectId, Vec<u8>)>, GitError> {
        let Some(tag) = choice.tag else { return Ok(Vec::new()) };
        let open = |error: gix::Error| GitError::Open { url: self.url.to_string(), reason: causes(&error) };
        let repo = open_bare(dir, &self.options).map_err(open)?;
        let objects = Objects { repo: &repo, url: &self.url, limits: &self.options.limits };
        let reference = choice.reference.as_deref().unwrap_or("the tag");
        let peeled = objects.peel(tag, &escape(reference))?;
        if peeled.commit != choice.commit {
            return Err(GitError::Peeled {
                url: self.url.to_string(),
                reference: escape(reference),
                told: choice.commit.to_string(),
                actual: peeled.commit.to_string(),
            });
        }
        for (id, raw) in &peeled.tags {
            self.keep_tag(*id, raw)?;
        }
        Ok(peeled.tags)
    }

    /// Waits for the lock; another process may be fetching a large repository, so waiting counts as activity.
    pub(super) fn lock(&self, meter: &Meter) -> Result<File, GitError> {
        fs::create_dir_all(&self.dir).map_err(|error| self.cache(&self.dir, error))?;
        let path = self.dir.join("lock");
        let open = || File::options().create(true).truncate(false).write(true).open(&path);
        let file = open().map_err(|error| self.cache(&path, error))?;
        loop {
            match file.try_lock() {
                // Closing the file releases it, also when the process is killed.
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => meter.alive(),
                Err(TryLockError::Error(error)) => return Err(self.cache(&path, error)),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Removes what killed processes left. Only under the lock, which whoever still writes would hold.
    fn sweep(&self) -> Result<(), GitError> {
        for entry in fs::read_dir(&self.dir).map_err(|error| self.cache(&self.dir, error))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(SCRATCH)
                && let Err(error) = fs::remove_dir_all(entry.path())
            {
                tracing::debug!(path = %entry.path().display(), %error, "a scratch folder stays");
            }
        }
        Ok(())
    }

    pub(super) fn scratch(&self, prefix: &str) -> Result<tempfile::TempDir, GitError> {
        // `.git` at the end, so that the library takes the folder itself for the repository.
        tempfile::Builder::new()
            .prefix(prefix)
            .suffix(".git")
            .tempdir_in(&self.dir)
            .map_err(|error| self.cache(&self.dir, error))
    }

    pub(super) fn cache(&self, path: &Path, source: io::Error) -> GitError {
        GitError::Cache { url: self.url.to_string(), path: path.to_owned(), source }
    }
}

/// The one commit among `tips` and their ancestors whose id starts with `prefix`.
pub(super) fn unique_prefix(
    repo: &gix::Repository,
    prefix: &str,
    tips: Vec<ObjectId>,
    url: &SafeUrl,
) -> Result<Option<ObjectId>, GitError> {
    let open = |error: gix::Error| GitError::Open { url: url.to_string(), reason: causes(&error) };
    let mut found: Option<ObjectId> = None;
    for commit in repo.rev_walk(tips).all().map_err(open)? {
        let commit = commit.map_err(open)?.id;
        if !commit.to_string().starts_with(prefix) {
            continue;
        }
        match found {
            Some(first) if first != commit => {
                return Err(GitError::Ambiguous {
                    url: url.to_string(),
                    reference: prefix.to_owned(),
                    first: first.to_string(),
                    second: commit.to_string(),
                });
            }
            _ => found = Some(commit),
        }
    }
    Ok(found)
}

fn is_commit(repo: &gix::Repository, id: ObjectId) -> bool {
    repo.find_header(id).is_ok_and(|header| header.kind() == gix::objs::Kind::Commit)
}

fn holds(dir: &Path, choice: &Choice, options: &GitOptions) -> bool {
    open_bare(dir, options).is_ok_and(|repo| {
        [Some(choice.commit), choice.tag].into_iter().flatten().all(|id| repo.find_header(id).is_ok())
    })
}
