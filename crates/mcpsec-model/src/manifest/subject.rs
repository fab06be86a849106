//! Where in a manifest something stands: `tool:send/inputSchema/properties/to/description`.
use std::fmt;

use crate::text::escape;

/// What a server offers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A function the model may call; named by `name`.
    Tool,
    /// A prompt a person may choose; named by `name`.
    Prompt,
    /// A document; named by `uri`.
    Resource,
    /// A family of documents; named by `uriTemplate`.
    Template,
}

impl Kind {
    /// Every kind, in the order of manifests.
    pub const ALL: [Self; 4] = [Self::Tool, Self::Prompt, Self::Resource, Self::Template];

    /// The word in subjects: `tool`, `prompt`, `resource`, `template`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::Template => "template",
        }
    }

    /// The list in manifests and in results of the protocol.
    pub fn list(self) -> &'static str {
        match self {
            Self::Tool => "tools",
            Self::Prompt => "prompts",
            Self::Resource => "resources",
            Self::Template => "resourceTemplates",
        }
    }

    /// The member that names an entry.
    pub fn key(self) -> &'static str {
        match self {
            Self::Tool | Self::Prompt => "name",
            Self::Resource => "uri",
            Self::Template => "uriTemplate",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place in a manifest. Its text is safe to print and to paste: hidden characters are escaped, and `/` and `~` inside a
/// segment are `~1` and `~0`, as in JSON pointers (RFC 6901).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(String);

impl Subject {
    /// An entry by its kind and name.
    pub fn entry(kind: Kind, name: &str) -> Self {
        Self(format!("{}:{}", kind.as_str(), segment(name)))
    }

    /// What the server says about itself as a whole: `server`.
    pub fn server() -> Self {
        Self("server".to_owned())
    }

    /// A member, or an index of a list, below this place.
    #[must_use]
    pub fn at(&self, member: impl fmt::Display) -> Self {
        Self(format!("{}/{}", self.0, segment(&member.to_string())))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The entry this place is in: `tool:send` of `tool:send/description`.
    #[must_use]
    pub fn entry_of(&self) -> Self {
        Self(self.0.split('/').next().unwrap_or_default().to_owned())
    }
}

fn segment(name: &str) -> String {
    escape(&name.replace('~', "~0").replace('/', "~1"))
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.0
    }
}

/// A text that is no place in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place in a manifest such as tool:send/description")]
pub struct SubjectError(String);

impl std::str::FromStr for Subject {
    type Err = SubjectError;

    /// Reads what [`Subject`] displays. Nothing in it may be hidden, as nothing in its text ever is.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let of_entry =
            || Kind::ALL.iter().any(|kind| text.strip_prefix(kind.as_str()).is_some_and(|t| t.starts_with(':')));
        let of_server = text == "server" || text.starts_with("server/");
        if text.chars().any(crate::text::is_hidden) || !(of_server || of_entry()) {
            return Err(SubjectError(crate::text::Untrusted::new(text).excerpt(120)));
        }
        Ok(Self(text.to_owned()))
    }
}
