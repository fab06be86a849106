//! Findings: what a person should know about a server, with rule, severity, subject and words.
use std::fmt;

use crate::text::Untrusted;

/// How bad it is if it is true.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// A weakness.
    Low,
    /// A risk that someone should decide about.
    Medium,
    /// Likely harmful.
    High,
}

impl Severity {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Declares the rules once: identifier, severity, one-line meaning.
macro_rules! rules {
    ($($variant:ident, $id:literal, $severity:ident, $meaning:literal;)+) => {
        /// A rule that can produce a finding. Ids are stable.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Rule {
            $(#[doc = $meaning] $variant,)+
        }

        impl Rule {
            /// Every rule, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable id.
            pub fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)+ }
            }

            /// The severity its findings have.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }

            /// What it means, in one line.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }
        }
    };
}

rules! {
    ManifestConfusion, "manifest-confusion", High, "the artifact's own metadata differs from what the registry's record says";
    InstallScript, "install-script", Medium, "the package wants to run a script when it is installed";
    ClosureIncomplete, "closure-incomplete", Medium, "some dependencies could not be known without running code";
    UnsupportedDependency, "unsupported-dependency", High, "a package depends on a git, URL or file source, which cannot be locked";
    Yanked, "yanked", Medium, "the publisher withdrew this version";
    Unpublished, "unpublished", Medium, "the registry no longer has this version";
    Deprecated, "deprecated", Info, "the publisher advises against this version";
    UnresolvableTarget, "unresolvable-target", Low, "no set of versions satisfies one of the targets";
    NoArtifactForTarget, "no-artifact-for-target", Low, "a package has no file that one of the targets can use";
    NoProvenance, "no-provenance", High, "the policy requires to know who built it, and nothing says so";
    TrustDowngrade, "trust-downgrade", High, "earlier versions were attested or signed, and this one is not";
    SignerChanged, "signer-changed", High, "somebody else built or signed this version than earlier ones";
    EvidenceWithdrawn, "evidence-withdrawn", Medium, "the registry no longer hands out evidence that it once did";
}

/// One finding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// What it is about: a package id, `tool:NAME/field`, a file.
    pub subject: String,
    /// One sentence without a full stop; safe to print.
    pub message: String,
    /// The words or values that show it, escaped when printed.
    pub evidence: Option<Untrusted>,
}

impl Finding {
    /// A finding without evidence text.
    pub fn new(rule: Rule, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { rule, subject: subject.into(), message: message.into(), evidence: None }
    }

    /// Adds what shows it.
    #[must_use]
    pub fn evidence(mut self, evidence: impl Into<Untrusted>) -> Self {
        self.evidence = Some(evidence.into());
        self
    }
}
