//! The network side: asking a remote what it has, and fetching one commit into a bare repository of the cache.
//!
//! Layout of the cache: one folder for each repository, named by the SHA-256 of its address without credentials, with
//!
//! ```text
//! <hash>/lock            held while anything is fetched; a process that dies releases it
//! <hash>/references      what the remote's references were when last asked, for offline use
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
    io::{self, Write},
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::Duration,
};

use gix::{
    ObjectId,
    credentials::{helper::Action, protocol::Outcome},
    protocol::handshake::Ref,
    remote::{Direction, fetch::Shallow, fetch::Tags},
    sec::identity::Account,
};
use mcpsec_model::{digest::Digest, text::escape, url::SafeUrl};

use super::{
    GitOptions,
    error::{GitError, causes},
    reference::{Listed, Wanted},
    watch::Meter,
};

/// How many references of one remote are believed.
const MAX_REFERENCES: usize = 1_000_000;

/// How folders begin that are being filled.
const SCRATCH: &str = "scratch-";

/// Every branch and every tag.
pub(super) const EVERYTHING: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// The folder of one remote repository in the cache.
#[derive(Clone, Debug)]
pub(super) struct Mirror {
    dir: PathBuf,
    url: SafeUrl,
    options: GitOptions,
}

/// What was resolved and where the objects are.
#[derive(Debug)]
pub(super) struct Fetched {
    /// Full name of the reference, `None` for a bare commit.
    pub(super) reference: Option<String>,
    /// The commit.
    pub(super) commit: ObjectId,
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
        let (reference, commit) = wanted.choose(&self.remembered()?).ok_or_else(offline)?;
        let repository = self.repository(commit);
        if repository.is_dir() { Ok(Fetched { reference, commit, repository }) } else { Err(offline()) }
    }

    /// A commit that is already there, if it is.
    pub(super) fn cached(&self, commit: ObjectId) -> Option<PathBuf> {
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
            let (_, commit) = wanted.choose(&listed)?;
            // Only what is not there yet is fetched.
            self.cached(commit).is_none().then_some(Shallow::DepthAtRemote(NonZeroU32::MIN))
        });
        if let Some((reference, commit)) = wanted.choose(&listed) {
            self.remember(&listed)?;
            if let Some(repository) = self.cached(commit) {
                return Ok(Fetched { reference, commit, repository });
            }
            if first.is_ok() && holds(scratch.path(), commit, &self.options) {
                return self.keep(scratch, reference, commit);
            }
            // Some servers hand out neither bare commits nor shallow histories: ask for everything, then look.
            tracing::debug!(url = %self.url, "the remote gave no single commit; fetching its whole history");
            let (scratch, _) = self.whole_history(meter, interrupt).map_err(|error| first.err().unwrap_or(error))?;
            if !holds(scratch.path(), commit, &self.options) {
                return Err(missing());
            }
            return self.keep(scratch, reference, commit);
        }
        first?;
        let Wanted::Named { prefix: Some(prefix), .. } = wanted else { return Err(missing()) };
        let (scratch, tips) = self.whole_history(meter, interrupt)?;
        let commit = self.unabbreviate(scratch.path(), prefix, &tips)?.ok_or_else(missing)?;
        self.keep(scratch, None, commit)
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

    /// One conversation: handshake, list, and the pack if `decide` says how deep.
    fn converse(
        &self,
        dir: &Path,
        refspecs: &[String],
        meter: &Meter,
        interrupt: &AtomicBool,
        decide: impl FnOnce(Vec<Listed>) -> Option<Shallow>,
    ) -> Result<(), GitError> {
        let attempt = || -> gix::Result<()> {
            let repo = gix::ThreadSafeRepository::init_opts(
                dir,
                gix::create::Kind::Bare,
                gix::create::Options::default(),
                open_options(&self.options),
            )?
            .to_thread_local();
            // Credentials never become part of an address that the library could print.
            let address = self.url.without_secrets();
            let remote = if self.options.user_config {
                repo.remote_at(address.as_str())?
            } else {
                repo.remote_at_without_url_rewrite(address.as_str())?
            };
            let remote = remote
                .with_fetch_tags(Tags::None)
                .with_refspecs(refspecs.iter().map(gix::bstr::BStr::new), Direction::Fetch)?;
            let connection = remote.connect(Direction::Fetch)?;
            let mut helpers = connection.configured_credentials_for_current_url();
            let (own, use_helpers) = (self.own_credentials(), self.options.user_config);
            let connection = connection.with_credentials(move |action| match &own {
                // The address brought its own credentials; helpers are not asked, and need not remember these.
                Some(own) => Ok(own.answer(&action)),
                None if use_helpers => helpers(action),
                None => Ok(None),
            });
            let prepared = connection.prepare_fetch(meter.clone(), gix::remote::ref_map::Options::default())?;
            if let Some(shallow) = decide(listed(&prepared.ref_map().remote_refs)) {
                // One file for all references: names that differ in letter case only must not meet on disk.
                prepared.with_shallow(shallow).with_write_packed_refs_only(true).receive(meter.clone(), interrupt)?;
            }
            Ok(())
        };
        attempt().map_err(|error| GitError::Remote { url: self.url.to_string(), reason: causes(&error) })
    }

    /// User and password of the address itself.
    fn own_credentials(&self) -> Option<OwnCredentials> {
        let url = self.url.expose();
        if !matches!(url.scheme(), "http" | "https") || (url.username().is_empty() && url.password().is_none()) {
            return None;
        }
        let identity = Account {
            username: percent_decode(url.username()),
            password: percent_decode(url.password().unwrap_or_default()),
            oauth_refresh_token: None,
        };
        Some(OwnCredentials { origin: url.origin(), identity })
    }

    /// The one commit that branches and tags lead to and whose id starts with `prefix`.
    fn unabbreviate(&self, dir: &Path, prefix: &str, tips: &[Listed]) -> Result<Option<ObjectId>, GitError> {
        let open = |error: gix::Error| GitError::Open { url: self.url.to_string(), reason: causes(&error) };
        let repo = open_bare(dir, &self.options).map_err(open)?;
        let tips: Vec<ObjectId> =
            tips.iter().filter(|tip| is_commit(&repo, tip.commit)).map(|tip| tip.commit).collect();
        unique_prefix(&repo, prefix, tips, &self.url)
    }

    /// Moves a scratch repository to the place of its commit.
    fn keep(
        &self,
        scratch: tempfile::TempDir,
        reference: Option<String>,
        commit: ObjectId,
    ) -> Result<Fetched, GitError> {
        let repository = self.repository(commit);
        if !repository.is_dir() {
            fs::rename(scratch.path(), &repository).map_err(|error| self.cache(&repository, error))?;
        }
        Ok(Fetched { reference, commit, repository })
    }

    /// Waits for the lock; another process may be fetching a large repository, so waiting counts as activity.
    fn lock(&self, meter: &Meter) -> Result<File, GitError> {
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

    fn scratch(&self, prefix: &str) -> Result<tempfile::TempDir, GitError> {
        // `.git` at the end, so that the library takes the folder itself for the repository.
        tempfile::Builder::new()
            .prefix(prefix)
            .suffix(".git")
            .tempdir_in(&self.dir)
            .map_err(|error| self.cache(&self.dir, error))
    }

    /// Writes what the remote said, merged with what it said before about other references.
    fn remember(&self, listed: &[Listed]) -> Result<(), GitError> {
        let mut all: std::collections::BTreeMap<String, Listed> =
            self.remembered()?.into_iter().map(|item| (item.name.clone(), item)).collect();
        for item in listed.iter().filter(|item| !item.name.contains([' ', '\n'])) {
            all.insert(item.name.clone(), item.clone());
        }
        let mut text = String::new();
        for item in all.values() {
            text.push_str(&format!("{} {}", item.commit, item.name));
            if let Some(target) = &item.target {
                text.push(' ');
                text.push_str(target);
            }
            text.push('\n');
        }
        let path = self.dir.join("references");
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
            file.write_all(text.as_bytes())?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(|error| self.cache(&path, error))
    }

    fn remembered(&self) -> Result<Vec<Listed>, GitError> {
        let path = self.dir.join("references");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.cache(&path, error)),
        };
        // A line that cannot be read is a reference that is not known.
        let read = |line: &str| {
            let mut words = line.split(' ');
            let commit = ObjectId::from_hex(words.next()?.as_bytes()).ok()?;
            Some(Listed { commit, name: words.next()?.to_owned(), target: words.next().map(str::to_owned) })
        };
        Ok(text.lines().filter_map(read).collect())
    }

    fn cache(&self, path: &Path, source: io::Error) -> GitError {
        GitError::Cache { url: self.url.to_string(), path: path.to_owned(), source }
    }
}

/// Credentials that were written into the address.
struct OwnCredentials {
    origin: url::Origin,
    identity: Account,
}

impl OwnCredentials {
    /// The credentials, if the question comes from the server they are for: after a redirect it may not.
    fn answer(&self, action: &Action) -> Option<Outcome> {
        let Action::Get(context) = action else { return None };
        let asked = context.url.as_ref().map(ToString::to_string);
        let asked = asked.or_else(|| context.to_url().map(|url| url.to_string()))?;
        let origin = asked.parse::<url::Url>().ok()?.origin();
        (origin == self.origin).then(|| Outcome { identity: self.identity.clone(), next: context.clone().into() })
    }
}

/// The references of a conversation in our own words.
fn listed(remote: &[Ref]) -> Vec<Listed> {
    let text = |name: &gix::bstr::BString| std::str::from_utf8(name).ok().map(str::to_owned);
    let read = |reference: &Ref| match reference {
        Ref::Peeled { full_ref_name, object, .. } | Ref::Direct { full_ref_name, object } => {
            Some(Listed { name: text(full_ref_name)?, commit: *object, target: None })
        }
        Ref::Symbolic { full_ref_name, target, object, .. } => {
            Some(Listed { name: text(full_ref_name)?, commit: *object, target: text(target) })
        }
        Ref::Unborn { .. } => None,
    };
    remote.iter().take(MAX_REFERENCES).filter_map(read).collect()
}

/// How every repository is opened: nothing of the environment, nothing of the repository's own configuration that could
/// start a program or lead elsewhere; the user's git configuration only when asked for.
pub(super) fn open_options(options: &GitOptions) -> gix::open::Options {
    let mut permissions = gix::open::Permissions::isolated();
    if options.user_config {
        permissions.config.system = true;
        permissions.config.git = true;
        permissions.config.user = true;
        permissions.config.includes = true;
        permissions.env.home = gix::sec::Permission::Allow;
        permissions.env.xdg_config_home = gix::sec::Permission::Allow;
        permissions.env.http_transport = gix::sec::Permission::Allow;
        permissions.env.ssh_prefix = gix::sec::Permission::Allow;
    }
    gix::open::Options::default().permissions(permissions).config_overrides([
        format!("gitoxide.objects.allocLimit={}", options.limits.max_object),
        "core.useReplaceRefs=false".to_owned(),
        "core.bigFileThreshold=512m".to_owned(),
        "protocol.version=2".to_owned(),
        // A question on the terminal would hang a build; helpers still answer.
        "gitoxide.credentials.terminalPrompt=false".to_owned(),
    ])
}

/// Opens a bare repository of the cache.
pub(super) fn open_bare(dir: &Path, options: &GitOptions) -> gix::Result<gix::Repository> {
    let isolated = GitOptions { user_config: false, ..options.clone() };
    Ok(open_options(&isolated).open_path_as_is(true).open(dir)?.to_thread_local())
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

fn holds(dir: &Path, commit: ObjectId, options: &GitOptions) -> bool {
    open_bare(dir, options).is_ok_and(|repo| repo.find_header(commit).is_ok())
}

fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let decoded = (byte == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|digits| hex::decode(digits).ok())
            .and_then(|bytes| bytes.first().copied());
        match decoded {
            Some(value) => {
                out.push(value);
                rest = &after[2..];
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_an_address_are_for_its_origin_only() {
        let own = OwnCredentials {
            origin: "https://host.invalid:8443/r".parse::<url::Url>().expect("url").origin(),
            identity: Account {
                username: percent_decode("b%40b"),
                password: percent_decode("p%zz%2"),
                oauth_refresh_token: None,
            },
        };
        let answer = |url: &str| own.answer(&Action::get_for_url(url)).map(|outcome| outcome.identity);
        let given = answer("https://host.invalid:8443/other").expect("same origin");
        assert_eq!((given.username.as_str(), given.password.as_str()), ("b@b", "p%zz%2"));
        for other in
            ["https://host.invalid/r", "http://host.invalid:8443/r", "https://host.invalid.evil.invalid:8443/r", "?"]
        {
            assert_eq!(answer(other), None, "{other}");
        }
    }
}
