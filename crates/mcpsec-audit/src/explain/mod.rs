//! What rules and checks mean, for people: what was found, why it matters, what to do, and an example.
//!
//! Every rule and check has its text; a new one without it does not compile.
use mcpsec_model::{check::Check, finding::Rule};

mod advisories;
mod checks;
mod clients;
mod content;
mod packages;
mod poison;
mod rules;

/// What a person should know about a rule or a check. Plain sentences, safe to print.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// What it says about a server.
    pub means: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do about it.
    pub resolve: &'static str,
    /// What it looks like.
    pub example: &'static str,
}

/// What a rule means.
pub fn rule(rule: Rule) -> Explanation {
    match rule {
        Rule::ManifestConfusion => packages::MANIFEST_CONFUSION,
        Rule::InstallScript => packages::INSTALL_SCRIPT,
        Rule::ClosureIncomplete => packages::CLOSURE_INCOMPLETE,
        Rule::UnsupportedDependency => packages::UNSUPPORTED_DEPENDENCY,
        Rule::Yanked => packages::YANKED,
        Rule::Unpublished => packages::UNPUBLISHED,
        Rule::Deprecated => packages::DEPRECATED,
        Rule::UnresolvableTarget => packages::UNRESOLVABLE_TARGET,
        Rule::NoArtifactForTarget => packages::NO_ARTIFACT_FOR_TARGET,
        Rule::NoProvenance => packages::NO_PROVENANCE,
        Rule::TrustDowngrade => packages::TRUST_DOWNGRADE,
        Rule::SignerChanged => packages::SIGNER_CHANGED,
        Rule::EvidenceWithdrawn => packages::EVIDENCE_WITHDRAWN,
        Rule::HiddenInstruction => poison::HIDDEN_INSTRUCTION,
        Rule::Secrecy => poison::SECRECY,
        Rule::SecretAccess => poison::SECRET_ACCESS,
        Rule::Exfiltration => poison::EXFILTRATION,
        Rule::ToolShadowing => poison::TOOL_SHADOWING,
        Rule::PrecedenceClaim => poison::PRECEDENCE_CLAIM,
        Rule::NameCollision => poison::NAME_COLLISION,
        Rule::LookalikeName => poison::LOOKALIKE_NAME,
        Rule::HiddenText => poison::HIDDEN_TEXT,
        Rule::HiddenMarkup => poison::HIDDEN_MARKUP,
        Rule::EncodedText => poison::ENCODED_TEXT,
        Rule::ParameterSmuggling => poison::PARAMETER_SMUGGLING,
        Rule::CredentialRequest => poison::CREDENTIAL_REQUEST,
        Rule::ContradictoryHints => poison::CONTRADICTORY_HINTS,
        Rule::OversizedText => poison::OVERSIZED_TEXT,
        Rule::PayloadLink => poison::PAYLOAD_LINK,
        Rule::UnstableManifest => poison::UNSTABLE_MANIFEST,
        Rule::SandboxAlarm => poison::SANDBOX_ALARM,
        Rule::Malware => advisories::MALWARE,
        Rule::Vulnerable => advisories::VULNERABLE,
        Rule::TooNew => advisories::TOO_NEW,
        Rule::PublisherChanged => advisories::PUBLISHER_CHANGED,
        Rule::LookalikePackage => advisories::LOOKALIKE_PACKAGE,
        Rule::DependencyConfusion => advisories::DEPENDENCY_CONFUSION,
        Rule::NewerVersion => advisories::NEWER_VERSION,
        Rule::NewHost => content::NEW_HOST,
        Rule::NewRecipient => content::NEW_RECIPIENT,
        Rule::NewNetwork => content::NEW_NETWORK,
        Rule::NewProcess => content::NEW_PROCESS,
        Rule::NewDynamicCode => content::NEW_DYNAMIC_CODE,
        Rule::NewFileAccess => content::NEW_FILE_ACCESS,
        Rule::NewEnvironment => content::NEW_ENVIRONMENT,
        Rule::NewSecretAccess => content::NEW_SECRET_ACCESS,
        Rule::NewNativeCode => content::NEW_NATIVE_CODE,
        Rule::NewInstallScript => content::NEW_INSTALL_SCRIPT,
        Rule::StartupHook => content::STARTUP_HOOK,
        Rule::ObfuscatedCode => content::OBFUSCATED_CODE,
        Rule::PackedCode => content::PACKED_CODE,
        Rule::EntryChanged => content::ENTRY_CHANGED,
        Rule::NewDependency => content::NEW_DEPENDENCY,
        Rule::RepositoryMismatch => content::REPOSITORY_MISMATCH,
        Rule::CredentialTheft => content::CREDENTIAL_THEFT,
        Rule::SelfSpreading => content::SELF_SPREADING,
        Rule::UnreadableCode => content::UNREADABLE_CODE,
        Rule::ExpiredExemption => rules::EXPIRED_EXEMPTION,
        Rule::UnmatchedExemption => rules::UNMATCHED_EXEMPTION,
        Rule::PolicyContradiction => rules::POLICY_CONTRADICTION,
        Rule::PolicyNoOp => rules::POLICY_NO_OP,
        Rule::LongExemption => rules::LONG_EXEMPTION,
        Rule::UnlockedLaunch => clients::UNLOCKED_LAUNCH,
        Rule::UnpinnedLaunch => clients::UNPINNED_LAUNCH,
        Rule::OtherVersion => clients::OTHER_VERSION,
        Rule::ShellLaunch => clients::SHELL_LAUNCH,
        Rule::RemoteServer => clients::REMOTE_SERVER,
        Rule::ContainerServer => clients::CONTAINER_SERVER,
        Rule::NetworkAttempt => poison::NETWORK_ATTEMPT,
    }
}

/// What a check means.
pub fn check(check: Check) -> Explanation {
    match check {
        Check::Config => checks::CONFIG,
        Check::Advisories => checks::ADVISORIES,
        Check::Cooldown => checks::COOLDOWN,
        Check::Content => checks::CONTENT,
        Check::Approval => checks::APPROVAL,
        Check::Lock => checks::LOCK,
        Check::ArtifactHash => checks::ARTIFACT_HASH,
        Check::Upstream => checks::UPSTREAM,
        Check::RegistrySignature => checks::REGISTRY_SIGNATURE,
        Check::Provenance => checks::PROVENANCE,
        Check::Signer => checks::SIGNER,
        Check::GitSignature => checks::GIT_SIGNATURE,
        Check::InstallScripts => checks::INSTALL_SCRIPTS,
        Check::Capture => checks::CAPTURE,
        Check::Manifest => checks::MANIFEST,
        Check::Poison => checks::POISON,
    }
}

#[cfg(test)]
mod tests;
