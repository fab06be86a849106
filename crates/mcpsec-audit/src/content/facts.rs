//! What the code of one file does, as far as reading it tells.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many lines are kept of one deed.
pub const LINES: usize = 8;

/// What one file does. The default is a file that does nothing of note.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FileFacts {
    /// What it does, and the first lines that do it.
    pub deeds: BTreeMap<Deed, Vec<u32>>,
    /// What it names, and the line of the first mention.
    #[serde(with = "listed")]
    pub names: BTreeMap<Name, u32>,
    /// What in it is seldom innocent.
    pub signs: Vec<Sign>,
    /// Why it could not be read, if so: nothing above is then complete.
    pub unread: Option<String>,
}

/// Something that code can do and that matters to people who run it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Opens connections or makes requests.
    Network,
    /// Resolves names of hosts by itself.
    Dns,
    /// Starts programs.
    Process,
    /// Reads files.
    ReadFiles,
    /// Writes, moves or deletes files.
    WriteFiles,
    /// Reads single environment variables.
    Environment,
    /// Takes the environment as a whole.
    WholeEnvironment,
    /// Runs text as code.
    DynamicCode,
    /// Loads a module whose name is computed.
    DynamicImport,
    /// Loads native code.
    Native,
    /// Encrypts, signs or hashes.
    Crypto,
    /// Reads the clipboard, the screen or the keyboard.
    Spying,
    /// Changes what others rely on: prototypes of built-ins, `sys.modules`, hooks of the module loader.
    Patching,
}

/// Something that code names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Name {
    /// What it is.
    pub kind: NameKind,
    /// The name, normalised: hosts in lower case without a port, addresses as the standard library prints them.
    pub text: String,
}

/// What a [`Name`] is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameKind {
    /// A host, alone or out of a URL.
    Host,
    /// A host in a URL that stands in a sentence: shown to people rather than called.
    Link,
    /// An IP address that is not loopback or unspecified.
    Address,
    /// An e-mail address.
    Email,
    /// Where messages go that nobody reads before they are sent: webhooks, bots, paste and tunnel services.
    Webhook,
    /// A file or folder that holds secrets.
    SecretPath,
    /// An environment variable whose name is one of a secret.
    SecretVariable,
    /// Another environment variable.
    Variable,
    /// A module that is imported, by the name of its package.
    Module,
}

/// Something in code that is seldom innocent.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Sign {
    /// What it is.
    pub kind: SignKind,
    /// The line, from 1.
    pub line: u32,
    /// What shows it, a few words; escaped when printed.
    pub shown: String,
    /// Whether it may well be innocent: then it is shown and denies nothing.
    pub weak: bool,
}

/// What a [`Sign`] is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignKind {
    /// The code hides what it does: string tables, decoded text that is run, names made of numbers.
    Obfuscated,
    /// It is minified or packed, which hides nothing on purpose.
    Packed,
    /// A recipient is written into a message: `bcc`, `cc`, `to`, `Reply-To`.
    Recipient,
    /// What holds secrets reaches the network.
    Theft,
    /// Text from the network is run.
    RemoteCode,
    /// It publishes packages, or pushes to repositories.
    Spreading,
    /// It stays after it ends: crontab, services, shell profiles, git hooks, configurations of agents.
    Persistence,
    /// It looks for analysis: debuggers, sandboxes, CI, a certain user or date.
    Evasion,
}

impl FileFacts {
    /// Notes a deed.
    pub fn does(&mut self, deed: Deed, line: u32) {
        let lines = self.deeds.entry(deed).or_default();
        if lines.len() < LINES && !lines.contains(&line) {
            lines.push(line);
        }
    }

    /// Notes a name; the first mention counts.
    pub fn names(&mut self, kind: NameKind, text: impl Into<String>, line: u32) {
        self.names.entry(Name { kind, text: text.into() }).or_insert(line);
    }
}

/// Names are no keys of a JSON object, so they are written as a list of pairs.
mod listed {
    use std::collections::BTreeMap;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Name;

    pub(super) fn serialize<S: Serializer>(names: &BTreeMap<Name, u32>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(names)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Name, u32>, D::Error> {
        Ok(Vec::<(Name, u32)>::deserialize(deserializer)?.into_iter().collect())
    }
}
