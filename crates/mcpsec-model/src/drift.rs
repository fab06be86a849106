//! Drift: how what a server tells the model differs between two versions, graded.
use std::fmt;

use crate::{manifest::Subject, text::Untrusted};

/// How grave a difference is. Ordered from nothing to worst.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DriftLevel {
    /// Nothing differs.
    None,
    /// Semantically equal: serialisation, `$schema`, key order, churn of SDKs.
    Cosmetic,
    /// Text was reworded, without a sign of risk.
    Wording,
    /// Something new: a tool, a prompt, an optional parameter.
    Additive,
    /// Something was removed or narrowed.
    Breaking,
    /// A sign of risk: somebody must read it.
    Dangerous,
}

impl DriftLevel {
    /// Every level, from nothing to worst.
    pub const ALL: [Self; 6] =
        [Self::None, Self::Cosmetic, Self::Wording, Self::Additive, Self::Breaking, Self::Dangerous];

    /// The word in reports and in mcp.toml.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cosmetic => "cosmetic",
            Self::Wording => "wording",
            Self::Additive => "additive",
            Self::Breaking => "breaking",
            Self::Dangerous => "dangerous",
        }
    }
}

impl fmt::Display for DriftLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// All differences between two manifests.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Drift {
    /// Every difference, worst first, then by subject. Cosmetic ones are one change an entry.
    pub changes: Vec<Change>,
}

impl Drift {
    /// The worst level.
    pub fn level(&self) -> DriftLevel {
        self.changes.iter().map(|change| change.level).max().unwrap_or(DriftLevel::None)
    }
}

/// One difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// How grave it is.
    pub level: DriftLevel,
    /// Where it is; in the newer manifest unless the entry is gone there.
    pub subject: Subject,
    /// What happened, one sentence without a full stop; safe to print.
    pub message: String,
    /// The text or value before, where one was.
    pub before: Option<Untrusted>,
    /// The text or value after, where one is.
    pub after: Option<Untrusted>,
    /// Where both are texts: how they differ, word by word.
    pub words: Vec<Piece>,
    /// Why a policy that refuses this level lets it through: a person accepted exactly this, for this reason.
    pub accepted: Option<String>,
}

impl Change {
    /// A difference without texts.
    pub fn new(level: DriftLevel, subject: Subject, message: impl Into<String>) -> Self {
        Self { level, subject, message: message.into(), before: None, after: None, words: Vec::new(), accepted: None }
    }
}

/// A piece of a word-level comparison of two texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// In both.
    Same(Untrusted),
    /// Only before.
    Removed(Untrusted),
    /// Only after.
    Added(Untrusted),
}
