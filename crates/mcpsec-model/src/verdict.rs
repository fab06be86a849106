//! The verdict: what all checks and findings of a server, or of a run, come to.
use std::fmt;

use crate::{check::Check, drift::DriftLevel, finding::Rule, time::Date};

/// The outcome. Ordered from best to worst, so that the worst of many is their maximum.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// Everything required was checked and holds.
    Pass,
    /// Something that the policy requires could not be checked.
    Incomplete,
    /// Something is wrong, or denied by policy.
    Deny,
}

impl Verdict {
    /// `pass`, `incomplete` or `deny`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Incomplete => "incomplete",
            Self::Deny => "deny",
        }
    }

    /// The process's exit code: 0, 3 or 1 (docs/exit-codes.md).
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Deny => 1,
            Self::Incomplete => 3,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a policy makes of everything that was found out about one server, or about the project. Nothing is dropped: each
/// check, finding and change that is not simply good is in one of the four lists.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Decision {
    /// The gate says no because of these.
    pub denied: Vec<Reason>,
    /// These are reported and nothing more.
    pub warned: Vec<Reason>,
    /// These would be denied, and somebody allowed them.
    pub allowed_by: Vec<Allowed>,
    /// These could not be checked.
    pub unchecked: Vec<Unchecked>,
}

/// One check, finding or change that counts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reason {
    /// What it is.
    pub source: Source,
    /// What it is about, as the check, finding or change has it.
    pub subject: String,
    /// The key of the policy that decides, as a dotted path; none where no policy can decide otherwise.
    pub key: Option<String>,
}

/// What a [`Reason`] comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Source {
    /// A check.
    Check(Check),
    /// A finding.
    Rule(Rule),
    /// A change of what the server tells the model.
    Drift(DriftLevel),
}

/// Something that would be denied and is not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Allowed {
    /// What would be denied.
    pub what: Reason,
    /// Who or what allows it.
    pub by: AllowedBy,
}

/// Who allowed something.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum AllowedBy {
    /// `[[policy.exempt]]`.
    Exemption {
        /// Its reason.
        reason: String,
        /// Its last day.
        until: Date,
    },
    /// `--accept`, as mcp.lock keeps it.
    Consent {
        /// Its reason.
        reason: String,
    },
}

/// A check that was not made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Unchecked {
    /// What it is.
    pub what: Reason,
    /// Whether the policy tolerates that.
    pub tolerated: bool,
}

impl Source {
    /// The stable id: of the check, of the rule, or of the level of drift.
    pub fn id(self) -> &'static str {
        match self {
            Self::Check(check) => check.id(),
            Self::Rule(rule) => rule.id(),
            Self::Drift(level) => level.as_str(),
        }
    }

    /// `check`, `rule` or `drift`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Check(_) => "check",
            Self::Rule(_) => "rule",
            Self::Drift(_) => "drift",
        }
    }
}

impl Decision {
    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        if !self.denied.is_empty() {
            Verdict::Deny
        } else if self.unchecked.iter().any(|unchecked| !unchecked.tolerated) {
            Verdict::Incomplete
        } else {
            Verdict::Pass
        }
    }
}
