//! Checks: the stable list of what is verified about a server, and how each one ended.
//!
//! "Not checked" is a state of its own. There is no way to turn [`CheckStatus::Unchecked`] into a pass; policy can only say
//! whether it is tolerated.
use std::fmt;

/// Declares the checks once.
macro_rules! checks {
    ($($variant:ident, $id:literal, $meaning:literal;)+) => {
        /// A check. Ids are stable (report v1).
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Check {
            $(#[doc = $meaning] $variant,)+
        }

        impl Check {
            /// Every check, in the order of reports.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable id.
            pub fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)+ }
            }

            /// What it means, in one line.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }
        }
    };
}

checks! {
    Config, "config", "mcp.toml asks for what mcp.lock holds";
    Lock, "lock", "mcp.lock is whole, unedited and canonical";
    ArtifactHash, "artifact-hash", "every artifact in the store has the locked digest and size";
    Upstream, "upstream", "the registry's record still says the locked digests";
    RegistrySignature, "registry-signature", "the registry signed name, version and digest with a key that is known";
    Provenance, "provenance", "attestations hold and are about exactly the locked bytes";
    Signer, "signer", "who built or signed it is who is expected";
    GitSignature, "git-signature", "the signature of the tag or commit holds and is about what is locked";
    Advisories, "advisories", "no advisory is known that the policy denies";
    Cooldown, "cooldown", "every version has been out for as long as the policy asks for";
    InstallScripts, "install-scripts", "no install script runs that the policy does not name";
    Content, "content", "what the code of a new version does is what the policy allows";
    Capture, "capture", "what the server tells the model was captured in a sandbox that the policy accepts";
    Manifest, "manifest", "what the server tells the model is what mcp.lock holds";
    Poison, "poison", "no text that the model reads breaks a rule that the policy denies";
    Approval, "approval", "as many people as the policy asks for approved exactly this";
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// How a check ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CheckStatus {
    /// It was checked and holds.
    Pass,
    /// It was checked and does not hold; the text says what differs.
    Fail(String),
    /// It could not be checked; the text says why.
    Unchecked(String),
    /// It has no meaning for this server.
    NotApplicable,
}

impl CheckStatus {
    /// `pass`, `fail`, `unchecked` or `n/a`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::Unchecked(_) => "unchecked",
            Self::NotApplicable => "n/a",
        }
    }

    /// The reason of a failure or of an omission.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Fail(reason) | Self::Unchecked(reason) => Some(reason),
            Self::Pass | Self::NotApplicable => None,
        }
    }
}

/// One check of one subject.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckResult {
    /// Which check.
    pub check: Check,
    /// How it ended.
    pub status: CheckStatus,
    /// What it was about: a server name, a package id, a file.
    pub subject: String,
    /// The next command or edit that helps, if one is known.
    pub hint: Option<String>,
    /// Whether the policy tolerates that it could not be made. Has no meaning for other outcomes.
    pub tolerated: bool,
}

impl CheckResult {
    /// A result without a hint.
    pub fn new(check: Check, subject: impl Into<String>, status: CheckStatus) -> Self {
        Self { check, status, subject: subject.into(), hint: None, tolerated: false }
    }

    /// The policy tolerates that it could not be made.
    #[must_use]
    pub fn tolerated(mut self, tolerated: bool) -> Self {
        self.tolerated = tolerated;
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
