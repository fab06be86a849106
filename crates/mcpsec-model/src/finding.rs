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
    /// An advisory says so in its strongest word. No rule of ours does.
    Critical,
}

impl Severity {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
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
    Malware, "malware", High, "an advisory says that this version is malicious";
    Vulnerable, "vulnerable", Medium, "an advisory says that this version is vulnerable";
    TooNew, "too-new", Medium, "the version has been out for less time than the policy asks for";
    PublisherChanged, "publisher-changed", Medium, "somebody else published this version than earlier ones";
    LookalikePackage, "lookalike-package", High, "the package's name looks like that of a well-known one, and is not the same";
    DependencyConfusion, "dependency-confusion", High, "a name of a private registry or scope is answered by another registry";
    NewerVersion, "newer-version", Info, "a newer version is out";
    NewHost, "new-host", Medium, "the code names a host or address that the earlier version did not";
    NewRecipient, "new-recipient", High, "the code names an e-mail address, webhook or account that the earlier version did not";
    NewNetwork, "new-network", Medium, "the code reaches the network, and the earlier version did not";
    NewProcess, "new-process", Medium, "the code starts programs, and the earlier version did not";
    NewDynamicCode, "new-dynamic-code", Medium, "the code runs text as code, and the earlier version did not";
    NewFileAccess, "new-file-access", Low, "the code reads or writes files, and the earlier version did not";
    NewEnvironment, "new-environment", Low, "the code reads environment variables that the earlier version did not";
    NewSecretAccess, "new-secret-access", High, "the code names secrets or key files, and the earlier version did not";
    NewNativeCode, "new-native-code", Medium, "the package holds native code or programs that the earlier version did not";
    NewInstallScript, "new-install-script", High, "the package wants to run a script when it is installed, and the earlier version did not";
    StartupHook, "startup-hook", High, "the package arranges for code to run by itself: when an interpreter starts, while it is built, at login";
    ObfuscatedCode, "obfuscated-code", High, "the code hides what it does";
    PackedCode, "packed-code", Low, "the code is minified or packed, and the earlier version was not";
    EntryChanged, "entry-changed", Low, "other files start the package than in the earlier version";
    NewDependency, "new-dependency", Info, "the package needs another one that the earlier version did not";
    RepositoryMismatch, "repository-mismatch", Medium, "the package names another repository than before, or than its provenance";
    CredentialTheft, "credential-theft", High, "the code reads secrets and sends data away";
    SelfSpreading, "self-spreading", High, "the code publishes packages or changes other people's repositories";
    UnreadableCode, "unreadable-code", Low, "code could not be read, so nobody knows what it does";
    ExpiredExemption, "expired-exemption", Medium, "an exemption's last day is over";
    UnmatchedExemption, "unmatched-exemption", Low, "an exemption lifts nothing";
    PolicyContradiction, "policy-contradiction", Medium, "two keys of the policy say the opposite";
    PolicyNoOp, "policy-no-op", Low, "a key of the policy changes nothing";
    LongExemption, "long-exemption", Low, "an exemption lasts for more than a year";
    UnlockedLaunch, "unlocked-launch", High, "a client configuration starts a server that mcp.lock does not hold";
    UnpinnedLaunch, "unpinned-launch", High, "a client configuration starts whatever version is newest";
    OtherVersion, "other-version", High, "a client configuration starts another version than mcp.lock holds";
    ShellLaunch, "shell-launch", High, "a client configuration starts a shell or a program of this machine in place of a locked server";
    RemoteServer, "remote-server", Medium, "a client configuration names a server that runs elsewhere, which cannot be locked";
    ContainerServer, "container-server", Medium, "a client configuration starts a container, which cannot be locked yet";
}

/// A line of a file, for reports that can point to it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// The file: relative to the project, or the path inside a package.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
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
    /// Where it stands, where that is a line of a file: of the package that `subject` starts with, or of the project.
    pub place: Option<Place>,
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
            place: None,
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

    /// Adds where it stands. Lines count from 1.
    #[must_use]
    pub fn place(mut self, file: impl Into<String>, line: u32) -> Self {
        self.place = Some(Place { file: file.into(), line: line.max(1) });
        self
    }

    /// Adds what shows it.
    #[must_use]
    pub fn evidence(mut self, evidence: impl Into<Untrusted>) -> Self {
        self.evidence = Some(evidence.into());
        self
    }
}
