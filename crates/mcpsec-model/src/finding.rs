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

/// How sure a rule is that it saw what it is looking for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Confidence {
    /// It may well be innocent.
    Low,
    /// It is seldom innocent.
    Medium,
    /// It is what it looks like.
    High,
}

impl Confidence {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
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
    HiddenInstruction, "hidden-instruction", High, "a text gives orders to the model";
    Secrecy, "secrecy", High, "a text tells the model to keep something from the user";
    SecretAccess, "secret-access", High, "a text sends the model to secrets or key files";
    Exfiltration, "exfiltration", High, "a text makes the model send data elsewhere or through a parameter";
    ToolShadowing, "tool-shadowing", High, "a text changes how tools of other servers are used";
    PrecedenceClaim, "precedence-claim", Medium, "a text claims to go before other tools or instructions";
    NameCollision, "name-collision", Medium, "two servers offer tools of one name";
    LookalikeName, "lookalike-name", High, "a name looks like another one and is not the same";
    HiddenText, "hidden-text", High, "a text holds characters that a reader does not see";
    HiddenMarkup, "hidden-markup", Medium, "a text hides words in markup, images or white space";
    EncodedText, "encoded-text", Medium, "a text holds other text in an encoding";
    ParameterSmuggling, "parameter-smuggling", High, "a parameter asks for what the tool does not need";
    CredentialRequest, "credential-request", Medium, "a parameter asks for credentials";
    ContradictoryHints, "contradictory-hints", Medium, "a tool's hints say the opposite of its name";
    OversizedText, "oversized-text", Low, "a text is far longer than descriptions are";
    PayloadLink, "payload-link", Medium, "a text points to code to be fetched and run";
    UnstableManifest, "unstable-manifest", Medium, "what the server says is not the same twice";
    SandboxAlarm, "sandbox-alarm", High, "the server tried to read secrets or to break out while it was captured";
    NetworkAttempt, "network-attempt", Low, "the server tried to reach hosts while it was captured without a network";
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
    /// How bad it is, where that differs from what the rule usually is; see [`Finding::severity`].
    pub graded: Option<Severity>,
    /// How sure the rule is.
    pub confidence: Confidence,
    /// The bytes of the subject's text that show it: start and end.
    pub span: Option<(usize, usize)>,
    /// Why a person accepted exactly this, if one did: it is shown, and denies nothing.
    pub accepted: Option<String>,
}

impl Finding {
    /// A finding without evidence text.
    pub fn new(rule: Rule, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            rule,
            subject: subject.into(),
            message: message.into(),
            evidence: None,
            graded: None,
            confidence: Confidence::High,
            span: None,
            accepted: None,
        }
    }

    /// How bad it is if it is true.
    pub fn severity(&self) -> Severity {
        self.graded.unwrap_or(self.rule.severity())
    }

    /// Sets another severity than the rule's.
    #[must_use]
    pub fn severe(mut self, severity: Severity) -> Self {
        self.graded = (severity != self.rule.severity()).then_some(severity);
        self
    }

    /// Sets how sure the rule is; without this it is sure.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Adds which bytes of the subject's text show it.
    #[must_use]
    pub fn span(mut self, start: usize, end: usize) -> Self {
        self.span = Some((start, end));
        self
    }

    /// Adds what shows it.
    #[must_use]
    pub fn evidence(mut self, evidence: impl Into<Untrusted>) -> Self {
        self.evidence = Some(evidence.into());
        self
    }
}
