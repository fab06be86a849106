//! How much each thing that is new weighs. The policy denies what is severe and not doubtful; everything else is shown.
use mcpsec_model::finding::{Confidence, Rule, Severity};

use super::facts::{Deed, FileFacts, Name, NameKind, SignKind};

/// What becomes of something that is new.
pub(super) struct Grade {
    pub(super) rule: Rule,
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    /// What is said of it.
    pub(super) means: String,
}

/// What a new name stands in.
pub(super) struct About<'a> {
    /// The file.
    pub(super) facts: &'a FileFacts,
    /// Another package of the earlier closure named it already.
    pub(super) known: bool,
    /// It belongs to what the package named before, or to the package itself.
    pub(super) related: bool,
    /// The earlier version used the network at all.
    pub(super) knew_network: bool,
}

/// A sign. `usual`: the earlier version showed the same kind; `at_install`: the file runs without anybody asking.
pub(super) fn of_sign(kind: SignKind, weak: bool, usual: bool, at_install: bool) -> Grade {
    let (rule, means) = match kind {
        SignKind::Obfuscated => (Rule::ObfuscatedCode, "the code hides what it does"),
        SignKind::Packed => (Rule::PackedCode, "the code is minified or packed"),
        SignKind::Recipient => (Rule::NewRecipient, "the code writes a recipient into messages"),
        SignKind::Theft => (Rule::CredentialTheft, "the code sends secrets away"),
        SignKind::RemoteCode => (Rule::NewDynamicCode, "the code runs what it fetches"),
        SignKind::Spreading => (Rule::SelfSpreading, "the code publishes packages or changes repositories"),
        SignKind::Persistence => (Rule::StartupHook, "the code arranges to be started again"),
        SignKind::Evasion => (Rule::ObfuscatedCode, "the code looks whether somebody watches"),
    };
    let (severity, confidence) = match kind {
        SignKind::Packed => (Severity::Low, Confidence::Low),
        _ if weak && at_install => (Severity::Medium, Confidence::Medium),
        _ if weak => (Severity::Low, Confidence::Low),
        SignKind::Evasion => (Severity::Medium, Confidence::Medium),
        _ if usual => (Severity::Medium, Confidence::Low),
        _ => (Severity::High, if at_install { Confidence::High } else { Confidence::Medium }),
    };
    Grade { rule, severity, confidence, means: means.to_owned() }
}

/// A name; `None` where it weighs nothing.
pub(super) fn of_name(name: &Name, about: &About<'_>) -> Option<Grade> {
    let does = |deed| about.facts.deeds.contains_key(&deed);
    let network = does(Deed::Network);
    let holds = |kind| about.facts.names.keys().any(|name| name.kind == kind);
    let sensitive = does(Deed::WholeEnvironment) || does(Deed::Spying) || holds(NameKind::SecretPath);
    let (rule, severity, confidence) = match name.kind {
        NameKind::Host if about.known || about.related => (Rule::NewHost, Severity::Info, Confidence::Low),
        NameKind::Host if network && sensitive && !about.knew_network => {
            (Rule::NewHost, Severity::High, Confidence::Medium)
        }
        NameKind::Host if network => (Rule::NewHost, Severity::Medium, Confidence::Medium),
        NameKind::Host => (Rule::NewHost, Severity::Low, Confidence::Low),
        NameKind::Address if about.known => (Rule::NewHost, Severity::Info, Confidence::Low),
        NameKind::Address if network && !about.knew_network => (Rule::NewHost, Severity::High, Confidence::Medium),
        NameKind::Address if network => (Rule::NewHost, Severity::Medium, Confidence::Medium),
        NameKind::Address => (Rule::NewHost, Severity::Low, Confidence::Low),
        NameKind::Webhook if about.known => (Rule::NewRecipient, Severity::Info, Confidence::Low),
        NameKind::Webhook if network => (Rule::NewRecipient, Severity::High, Confidence::Medium),
        NameKind::Webhook => (Rule::NewRecipient, Severity::Medium, Confidence::Low),
        NameKind::SecretPath if about.known => (Rule::NewSecretAccess, Severity::Info, Confidence::Low),
        NameKind::SecretPath
            if network && does(Deed::ReadFiles) && super::literals::is_grave(&name.text) && !about.knew_network =>
        {
            (Rule::NewSecretAccess, Severity::High, Confidence::Medium)
        }
        NameKind::SecretPath => (Rule::NewSecretAccess, Severity::Medium, Confidence::Low),
        NameKind::SecretVariable if about.known => return None,
        NameKind::SecretVariable => (Rule::NewEnvironment, Severity::Low, Confidence::Medium),
        NameKind::Email | NameKind::Link | NameKind::Variable | NameKind::Module => return None,
    };
    let means = format!("the code names {} that the earlier version did not", singular(name.kind));
    Some(Grade { rule, severity, confidence, means })
}

/// The rule of a deed that is new in a package; `None` where it weighs nothing.
pub(super) fn of_deed(deed: Deed) -> Option<(Rule, Severity)> {
    Some(match deed {
        Deed::Network => (Rule::NewNetwork, Severity::Medium),
        Deed::Dns => (Rule::NewNetwork, Severity::Low),
        Deed::Process => (Rule::NewProcess, Severity::Medium),
        Deed::ReadFiles | Deed::WriteFiles => (Rule::NewFileAccess, Severity::Low),
        Deed::Environment => (Rule::NewEnvironment, Severity::Low),
        Deed::WholeEnvironment => (Rule::NewEnvironment, Severity::Medium),
        Deed::DynamicCode => (Rule::NewDynamicCode, Severity::Medium),
        Deed::DynamicImport => (Rule::NewDynamicCode, Severity::Low),
        Deed::Native => (Rule::NewNativeCode, Severity::Medium),
        Deed::Spying => (Rule::NewSecretAccess, Severity::Medium),
        Deed::Patching => (Rule::NewDynamicCode, Severity::Low),
        Deed::Crypto => return None,
    })
}

/// Whether a deed is worth a word about a package that is new in the closure.
pub(super) fn is_telling(deed: Deed) -> bool {
    matches!(
        deed,
        Deed::Network
            | Deed::Process
            | Deed::DynamicCode
            | Deed::WholeEnvironment
            | Deed::Native
            | Deed::Spying
            | Deed::WriteFiles
    )
}

/// What a deed is, after "it" or "the code".
pub(super) fn does(deed: Deed) -> &'static str {
    match deed {
        Deed::Network => "uses the network",
        Deed::Dns => "resolves names of hosts",
        Deed::Process => "starts programs",
        Deed::ReadFiles => "reads files",
        Deed::WriteFiles => "writes files",
        Deed::Environment => "reads environment variables",
        Deed::WholeEnvironment => "takes the environment as a whole",
        Deed::DynamicCode => "runs text as code",
        Deed::DynamicImport => "loads modules whose names it computes",
        Deed::Native => "loads native code",
        Deed::Crypto => "encrypts, signs or hashes",
        Deed::Spying => "reads the clipboard, the screen or the keyboard",
        Deed::Patching => "changes what other code relies on",
    }
}

pub(super) fn singular(kind: NameKind) -> &'static str {
    match kind {
        NameKind::Host => "a host",
        NameKind::Link => "a host in a text",
        NameKind::Address => "an IP address",
        NameKind::Email => "an e-mail address",
        NameKind::Webhook => "a place for messages that nobody reads before they are sent",
        NameKind::SecretPath => "a file or folder that holds secrets",
        NameKind::SecretVariable => "a variable that holds a secret",
        NameKind::Variable => "a variable",
        NameKind::Module => "a module",
    }
}

pub(super) fn plural(kind: NameKind) -> &'static str {
    match kind {
        NameKind::Host => "hosts",
        NameKind::Link => "hosts in texts",
        NameKind::Address => "IP addresses",
        NameKind::Email => "e-mail addresses",
        NameKind::Webhook => "places for messages",
        NameKind::SecretPath => "files with secrets",
        NameKind::SecretVariable => "variables with secrets",
        NameKind::Variable => "variables",
        NameKind::Module => "modules",
    }
}

/// `a, b and c`.
pub(super) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
