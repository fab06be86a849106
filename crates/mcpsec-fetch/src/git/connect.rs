//! How repositories are opened and remotes are talked to: with whose configuration, with which credentials.
use std::{path::Path, sync::atomic::AtomicBool};

use gix::{
    credentials::{helper::Action, protocol::Outcome},
    protocol::{handshake::Ref, transport::client::blocking_io::Transport},
    remote::{Connection, Direction, fetch::Shallow, fetch::Tags},
    sec::identity::Account,
};

use super::{
    GitOptions,
    clone::Mirror,
    error::{GitError, causes},
    reference::Listed,
    watch::Meter,
};

/// Answers a transport's questions for credentials.
pub(super) type Authenticate<'a> = Box<dyn FnMut(Action) -> gix::Result<Option<Outcome>> + 'a>;

/// What a remote is talked to through.
pub(super) type Line<'remote, 'repo> = Connection<'remote, 'static, 'repo, Box<dyn Transport + Send>>;

impl Mirror {
    /// One conversation: handshake, list, and the pack if `decide` says how deep.
    pub(super) fn converse(
        &self,
        dir: &Path,
        refspecs: &[String],
        meter: &Meter,
        interrupt: &AtomicBool,
        decide: impl FnOnce(Vec<Listed>) -> Option<Shallow>,
    ) -> Result<(), GitError> {
        let talk = |_: &gix::Repository, line: Line<'_, '_>, authenticate: Authenticate<'_>| {
            let prepared = line
                .with_credentials(authenticate)
                .prepare_fetch(meter.clone(), gix::remote::ref_map::Options::default())?;
            if let Some(shallow) = decide(listed(&prepared.ref_map().remote_refs)) {
                // One file for all references: names that differ in letter case only must not meet on disk.
                prepared.with_shallow(shallow).with_write_packed_refs_only(true).receive(meter.clone(), interrupt)?;
            }
            Ok(())
        };
        self.connected(dir, refspecs, talk)
    }

    /// Connects, with a fresh repository in `dir`, and leaves the rest to `talk`.
    pub(super) fn connected<R>(
        &self,
        dir: &Path,
        refspecs: &[String],
        talk: impl FnOnce(&gix::Repository, Line<'_, '_>, Authenticate<'_>) -> gix::Result<R>,
    ) -> Result<R, GitError> {
        let attempt = || -> gix::Result<R> {
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
            let line = remote.connect(Direction::Fetch)?;
            let mut helpers = line.configured_credentials_for_current_url();
            let (own, use_helpers) = (self.own_credentials(), self.options.user_config);
            let authenticate = Box::new(move |action| match &own {
                // The address brought its own credentials; helpers are not asked, and need not remember these.
                Some(own) => Ok(own.answer(&action)),
                None if use_helpers => helpers(action),
                None => Ok(None),
            });
            talk(&repo, line, authenticate)
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

/// How many references of one remote are believed.
const MAX_REFERENCES: usize = 1_000_000;

/// The references of a conversation in our own words.
pub(super) fn listed(remote: &[Ref]) -> Vec<Listed> {
    let text = |name: &gix::bstr::BString| std::str::from_utf8(name).ok().map(str::to_owned);
    let read = |reference: &Ref| match reference {
        Ref::Peeled { full_ref_name, tag, object } => {
            Some(Listed { name: text(full_ref_name)?, commit: *object, tag: Some(*tag), target: None })
        }
        Ref::Direct { full_ref_name, object } => {
            Some(Listed { name: text(full_ref_name)?, commit: *object, tag: None, target: None })
        }
        Ref::Symbolic { full_ref_name, target, tag, object } => {
            Some(Listed { name: text(full_ref_name)?, commit: *object, tag: *tag, target: text(target) })
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
