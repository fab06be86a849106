//! The verdict: what all checks and findings of a server, or of a run, come to.
use std::fmt;

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
