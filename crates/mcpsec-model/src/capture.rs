//! What a capture found: the manifest, the context it was captured in, what was unstable and what the server tried.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use smol_str::SmolStr;

use crate::{
    config::Isolation,
    digest::EntryId,
    finding::Rule,
    manifest::{Manifest, Subject},
    text::Untrusted,
};

/// How a manifest was captured. Kept in mcp.lock, since another context may hear other words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Context {
    /// The sandbox it ran in.
    pub isolation: Isolation,
    /// What ran it; `None` for a program of its own.
    pub runtime: Option<Runtime>,
    /// The protocol version that client and server agreed on, as `2025-06-18`.
    pub protocol: SmolStr,
    /// Names of declared environment variables that had a placeholder, sorted.
    pub placeholders: BTreeSet<String>,
    /// Names of environment variables that had the user's real value (`--env-file`), sorted.
    pub real_env: BTreeSet<String>,
    /// Hosts it was allowed to reach (`--allow-network`), sorted.
    pub network: BTreeSet<String>,
}

/// A language runtime of the user's machine.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Runtime {
    /// `node` or `python`.
    pub name: SmolStr,
    /// Its version: `20.20.2`.
    pub version: SmolStr,
}

/// A whole capture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Captured {
    /// What a plain client is told.
    pub manifest: Manifest,
    /// How it was captured.
    pub context: Context,
    /// What differed between runs or clients, sorted by subject.
    pub unstable: Vec<Unstable>,
    /// What the server tried to do beyond answering.
    pub observed: Observed,
}

/// Something that was not the same twice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unstable {
    /// Where: a whole entry that only some runs had, or one member of an entry.
    pub subject: Subject,
    /// Between what it differed.
    pub between: Between,
    /// What the other run said in its place (`null` when it said nothing), so that every word can be read and judged.
    pub other: Value,
}

/// Two runs that were compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Between {
    /// The same list asked twice of one process.
    Calls,
    /// Two processes with the same client.
    Processes,
    /// Clients with other names and capabilities.
    Clients,
}

impl Between {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Calls, Self::Processes, Self::Clients];

    /// The word in mcp.lock: `calls`, `processes`, `clients`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Processes => "processes",
            Self::Clients => "clients",
        }
    }
}

/// What a sandboxed program tried. Every text was chosen by the program.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Observed {
    /// Host names it asked for, and addresses with ports it tried to reach without a name.
    pub hosts: BTreeSet<Untrusted>,
    /// Files outside its own folders that it tried to read or write; canaries and others, with `~` for its home.
    pub files: BTreeSet<Untrusted>,
    /// Canary files whose bytes it read: `~/.ssh/id_ed25519`.
    pub canaries: BTreeSet<Untrusted>,
    /// Programs it tried to start.
    pub programs: BTreeSet<Untrusted>,
    /// Calls that the sandbox refused by name, with how often: `ptrace`, `io_uring_setup`.
    pub refused: BTreeMap<SmolStr, u64>,
    /// Whether something was left out above because there was too much of it.
    pub incomplete: bool,
}

impl Observed {
    /// Whether it did nothing but answer.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another run tried.
    pub fn merge(&mut self, other: Self) {
        self.hosts.extend(other.hosts);
        self.files.extend(other.files);
        self.canaries.extend(other.canaries);
        self.programs.extend(other.programs);
        for (call, times) in other.refused {
            *self.refused.entry(call).or_default() += times;
        }
        self.incomplete |= other.incomplete;
    }
}

/// What mcp.lock knows about what a server tells the model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// Nobody captured it yet (a lock of an earlier version, or capture is off).
    Unknown,
    /// It could not be captured; why, safe to print.
    Unchecked(String),
    /// Word for word.
    Manifest(Box<Captured>),
}

impl Told {
    /// The capture, if there is one.
    pub fn captured(&self) -> Option<&Captured> {
        match self {
            Self::Manifest(captured) => Some(captured),
            Self::Unknown | Self::Unchecked(_) => None,
        }
    }
}

/// A person's consent to something that policy would refuse. It counts as long as the entry is the one that was accepted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Accepted {
    /// What was accepted, as it was printed.
    pub subject: String,
    /// The rule whose finding was accepted; `None` for drift.
    pub rule: Option<Rule>,
    /// The entry it is in, as it was then. For the server as a whole, the hash of the text.
    pub entry: EntryId,
    /// Why, in the words of whoever accepted it.
    pub reason: String,
}
