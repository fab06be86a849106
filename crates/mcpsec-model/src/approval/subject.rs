//! What an approval is about: everything of a lock that decides which bytes run, how they are started and what they tell.
use std::{collections::BTreeMap, fmt};

use serde_json::json;

use crate::{
    config::Isolation,
    digest::{ClosureId, Digest, Digests, ManifestId},
    lock::{Lock, LockedServer, entry_text},
    manifest::json,
    name::ServerName,
    text::Untrusted,
};

/// One server as it was, or would be, approved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Approved {
    /// Its name in mcp.toml.
    pub server: ServerName,
    /// Its canonical spec.
    pub spec: String,
    /// The package URL of its own package.
    pub purl: String,
    /// The locked version.
    pub version: String,
    /// How it is started, as mcp.lock writes it.
    pub entry: String,
    /// The program that mcp.toml asks for, where a package has several.
    pub command: Option<String>,
    /// The files of its own package, by name.
    pub artifacts: BTreeMap<String, Digests>,
    /// Its whole dependency closure.
    pub closure: ClosureId,
    /// What it tells the model; `None` when nobody captured it.
    pub told: Option<ToldIds>,
}

/// What a server tells, as far as an approval is about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToldIds {
    /// The manifest.
    pub manifest: ManifestId,
    /// What was not the same twice: SHA-256 over the canonical JSON of all other words; `None` when all was the same.
    pub unstable: Option<Digest>,
    /// The sandbox that it was captured in.
    pub isolation: Isolation,
}

impl Approved {
    /// What approving this server now would be about.
    pub fn of(lock: &Lock, server: &LockedServer) -> Self {
        let root = server.closure.root().package();
        let artifacts = lock.packages.get(root).map(|package| package.artifacts.as_slice()).unwrap_or_default();
        let told = server.told.captured().map(|captured| {
            let other = |unstable: &crate::capture::Unstable| {
                json!([unstable.subject.to_string(), unstable.between.as_str(), unstable.other])
            };
            let unstable = (!captured.unstable.is_empty())
                .then(|| Digest::sha256_of(&json::canonical(&captured.unstable.iter().map(other).collect())));
            ToldIds { manifest: captured.manifest.id(), unstable, isolation: captured.context.isolation }
        });
        Self {
            server: server.name.clone(),
            spec: server.spec.to_string(),
            purl: root.purl(),
            version: server.version.clone(),
            entry: entry_text(&server.entry),
            command: server.command.as_ref().map(ToString::to_string),
            artifacts: artifacts.iter().map(|artifact| (artifact.file.to_string(), artifact.digests)).collect(),
            closure: server.closure_id,
            told,
        }
    }

    /// How what mcp.lock holds differs from what was approved; nothing when the approval is about exactly this.
    pub fn differences(&self, locked: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        let mut differs = |differs: bool, what: Difference| {
            if differs {
                found.push(what);
            }
        };
        let both = |a: &str, b: &str| (Untrusted::new(a).excerpt(80), Untrusted::new(b).excerpt(80));
        let (approved, now) = both(self.server.as_str(), locked.server.as_str());
        differs(self.server != locked.server, Difference::Server { approved, now });
        let (approved, now) = both(&self.version, &locked.version);
        let versions = self.version != locked.version;
        differs(versions, Difference::Version { approved, now });
        let (approved, now) = both(&self.purl, &locked.purl);
        differs(self.purl != locked.purl && !versions, Difference::Package { approved, now });
        let (approved, now) = both(&self.spec, &locked.spec);
        differs(self.spec != locked.spec, Difference::Spec { approved, now });
        differs(self.artifacts != locked.artifacts && !versions, Difference::Artifacts);
        differs(self.closure != locked.closure, Difference::Closure);
        let how = |it: &Self| match &it.command {
            Some(command) => format!("{} {command}", it.entry),
            None => it.entry.clone(),
        };
        let (approved, now) = both(&how(self), &how(locked));
        differs(approved != now || how(self) != how(locked), Difference::Entry { approved, now });
        match (&self.told, &locked.told) {
            (None, None) => {}
            (None, Some(_)) => found.push(Difference::Unheard),
            (Some(_), None) => found.push(Difference::NoLonger),
            (Some(approved), Some(now)) => {
                if approved.manifest != now.manifest || approved.unstable != now.unstable {
                    found.push(Difference::Manifest);
                }
                if approved.isolation != now.isolation {
                    found.push(Difference::Isolation { approved: approved.isolation, now: now.isolation });
                }
            }
        }
        found
    }
}

/// One way in which an approval is about something else than what is locked. Texts are escaped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Difference {
    /// Another server.
    Server {
        /// What was approved.
        approved: String,
        /// What is locked.
        now: String,
    },
    /// Another version.
    Version {
        /// What was approved.
        approved: String,
        /// What is locked.
        now: String,
    },
    /// Another package of the same version.
    Package {
        /// What was approved.
        approved: String,
        /// What is locked.
        now: String,
    },
    /// Another spec.
    Spec {
        /// What was approved.
        approved: String,
        /// What is locked.
        now: String,
    },
    /// The same version with other files or bytes.
    Artifacts,
    /// Another closure.
    Closure,
    /// Another way to start it.
    Entry {
        /// What was approved.
        approved: String,
        /// What is locked.
        now: String,
    },
    /// What it tells the model was not known then.
    Unheard,
    /// What it tells the model is not known now.
    NoLonger,
    /// Other words for the model.
    Manifest,
    /// Captured in another sandbox.
    Isolation {
        /// What was approved.
        approved: Isolation,
        /// What is locked.
        now: Isolation,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server { approved, now } => write!(f, "it is for the server `{approved}`, not for `{now}`"),
            Self::Version { approved, now } => write!(f, "it is for version {approved}, and mcp.lock has {now}"),
            Self::Package { approved, now } => write!(f, "it is for {approved}, and mcp.lock has {now}"),
            Self::Spec { approved, now } => write!(f, "it is for the spec `{approved}`, and mcp.lock has `{now}`"),
            Self::Artifacts => f.write_str("mcp.lock has other files of the same version"),
            Self::Closure => f.write_str("mcp.lock has another dependency closure"),
            Self::Entry { approved, now } => write!(f, "it is for starting `{approved}`, and mcp.lock has `{now}`"),
            Self::Unheard => f.write_str("what the server tells the model was not captured then"),
            Self::NoLonger => f.write_str("what the server tells the model is no longer captured"),
            Self::Manifest => f.write_str("the server tells the model something else"),
            Self::Isolation { approved, now } => write!(
                f,
                "its words were captured in sandbox `{}`, and mcp.lock says `{}`",
                approved.as_str(),
                now.as_str()
            ),
        }
    }
}
