//! What a policy says about one finding, and which of its keys says so.
//!
//! | asked in this order | |
//! |---|---|
//! | `malware` | denies, whatever any key says |
//! | `rules.RULE."PATTERN"`, the most exact pattern | what it says |
//! | `rules.RULE` | what it says; for `vulnerable` the stricter of it and the next |
//! | `advisories.SEVERITY`, `trust-downgrade`, `clients` for the rules they are about | what it says |
//! | none of them | how grave and how sure the finding is ([`built_in`]) |
//!
//! Then the floors of the policy are asked the same, and the strictest answer counts.
use mcpsec_model::{
    config::{ClientsPolicy, Level, Policy, most_exact},
    finding::{Confidence, Finding, Rule, Severity},
    name::ServerName,
    package::PackageId,
};

/// A level and the key that gives it: a dotted path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ruling {
    pub(super) level: Level,
    pub(super) key: String,
}

/// What the policy and its floors say about a finding. `server`: in whose report it stands.
pub(super) fn ruling(policy: &Policy, server: Option<&ServerName>, finding: &Finding) -> Ruling {
    let mut strictest = own(policy, server, finding);
    let about = [format!("rules.{}", finding.rule.id()), home(finding).unwrap_or_default().to_owned()];
    for floor in &policy.floors {
        if about.iter().any(|key| !key.is_empty() && floor.covers(key)) {
            let least = ruling(&floor.policy, server, finding);
            if least.level > strictest.level {
                strictest = least;
            }
        }
    }
    strictest
}

fn own(policy: &Policy, server: Option<&ServerName>, finding: &Finding) -> Ruling {
    let rule = finding.rule;
    let say = |level, key: &str| Ruling { level, key: format!("policy.{key}") };
    if rule == Rule::Malware {
        return say(Level::Deny, "advisories.malware");
    }
    let key = format!("rules.{}", rule.id());
    let stated = policy.rules.get(&rule);
    if let Some(stated) = stated {
        let package = package_of(&finding.subject);
        if let Some((pattern, level)) = most_exact(&stated.exceptions, package.as_ref(), server) {
            return say(*level, &format!("{key}.\"{}\"", pattern.as_str()));
        }
    }
    let general = stated.and_then(|stated| stated.level).map(|level| say(level, &key));
    let of_home = home(finding).and_then(|home| Some(say(of_key(policy, finding)?, home)));
    match (general, of_home) {
        (Some(general), Some(of_home)) if rule == Rule::Vulnerable && of_home.level > general.level => of_home,
        (Some(general), _) => general,
        (None, Some(of_home)) => of_home,
        (None, None) => say(built_in(finding), home(finding).unwrap_or(&key)),
    }
}

/// The key that is about a rule without naming it.
fn home(finding: &Finding) -> Option<&'static str> {
    Some(match finding.rule {
        Rule::Malware => "advisories.malware",
        Rule::Vulnerable => match finding.severity() {
            Severity::Critical => "advisories.critical",
            Severity::High => "advisories.high",
            Severity::Medium => "advisories.medium",
            Severity::Low | Severity::Info => "advisories.low",
        },
        Rule::TrustDowngrade | Rule::SignerChanged | Rule::PublisherChanged => "trust-downgrade",
        Rule::UnlockedLaunch
        | Rule::UnpinnedLaunch
        | Rule::OtherVersion
        | Rule::ShellLaunch
        | Rule::RemoteServer
        | Rule::ContainerServer => "clients",
        Rule::TooNew => "min-release-age",
        Rule::NoProvenance => "provenance",
        Rule::InstallScript => "install-scripts",
        _ => return None,
    })
}

/// What that key says about the finding, where it is a level.
fn of_key(policy: &Policy, finding: &Finding) -> Option<Level> {
    let sure = finding.confidence > Confidence::Low;
    Some(match home(finding)? {
        "advisories.critical" => policy.advisories.critical,
        "advisories.high" => policy.advisories.high,
        "advisories.medium" => policy.advisories.medium,
        "advisories.low" => policy.advisories.low,
        // A doubtful change of hands is shown, and people decide.
        "trust-downgrade" if policy.trust_downgrade == Level::Deny && !sure => Level::Warn,
        "trust-downgrade" => policy.trust_downgrade,
        "clients" => match policy.clients {
            ClientsPolicy::Off => Level::Allow,
            ClientsPolicy::Warn => Level::Warn,
            ClientsPolicy::Deny => built_in(finding),
        },
        _ => return None,
    })
}

/// What a finding does where no key says so. Without a wildcard: a new rule must be put on one side.
pub(super) fn built_in(finding: &Finding) -> Level {
    let grave = finding.severity() >= Severity::High;
    let denies = match finding.rule {
        // Words that harm. What is doubtful or a mere smell is shown, and people decide.
        Rule::HiddenInstruction
        | Rule::Secrecy
        | Rule::SecretAccess
        | Rule::Exfiltration
        | Rule::ToolShadowing
        | Rule::PrecedenceClaim
        | Rule::NameCollision
        | Rule::LookalikeName
        | Rule::HiddenText
        | Rule::HiddenMarkup
        | Rule::EncodedText
        | Rule::ParameterSmuggling
        | Rule::CredentialRequest
        | Rule::ContradictoryHints
        | Rule::OversizedText
        | Rule::PayloadLink
        | Rule::SandboxAlarm => grave && finding.confidence > Confidence::Low,
        // What the code of a new version does. What is doubtful or usual is shown, and people decide.
        Rule::NewHost
        | Rule::NewRecipient
        | Rule::NewNetwork
        | Rule::NewProcess
        | Rule::NewDynamicCode
        | Rule::NewFileAccess
        | Rule::NewEnvironment
        | Rule::NewSecretAccess
        | Rule::NewNativeCode
        | Rule::NewInstallScript
        | Rule::StartupHook
        | Rule::ObfuscatedCode
        | Rule::PackedCode
        | Rule::EntryChanged
        | Rule::NewDependency
        | Rule::RepositoryMismatch
        | Rule::CredentialTheft
        | Rule::SelfSpreading
        | Rule::LookalikePackage
        | Rule::DependencyConfusion => grave && finding.confidence > Confidence::Low,
        Rule::UnreadableCode | Rule::NewerVersion | Rule::Vulnerable => false,
        Rule::Malware | Rule::TooNew => true,
        // What an expired exemption lifted denies by itself; a locked key that somebody tries to loosen is grave.
        Rule::PolicyContradiction => grave,
        Rule::ExpiredExemption | Rule::UnmatchedExemption | Rule::LongExemption | Rule::PolicyNoOp => false,
        Rule::UnlockedLaunch | Rule::UnpinnedLaunch | Rule::OtherVersion | Rule::ShellLaunch => grave,
        Rule::RemoteServer | Rule::ContainerServer => false,
        // What varied is in the lock, word for word, and judged like the rest; hosts were not reached.
        Rule::UnstableManifest | Rule::NetworkAttempt => false,
        // `trust-downgrade` decides.
        Rule::TrustDowngrade | Rule::SignerChanged | Rule::PublisherChanged => false,
        // Only found where the policy requires provenance.
        Rule::NoProvenance => true,
        // The artifact is not what the registry says it is; or part of it cannot be held to anything.
        Rule::ManifestConfusion | Rule::UnsupportedDependency => true,
        // Install scripts are never run unless the policy names the package, so wanting one harms nobody. A version that was
        // withdrawn is still here, as it was vetted. Holes in the closure are said, in the lock too.
        Rule::InstallScript
        | Rule::ClosureIncomplete
        | Rule::Yanked
        // The stored copy still proves it.
        | Rule::EvidenceWithdrawn
        | Rule::Unpublished
        | Rule::Deprecated
        | Rule::UnresolvableTarget
        | Rule::NoArtifactForTarget => false,
    };
    if denies { Level::Deny } else { Level::Warn }
}

/// The package that a finding is about: its subject begins with the id, before any advisory, file or words.
pub(super) fn package_of(subject: &str) -> Option<PackageId> {
    let start = subject.split_whitespace().next()?;
    if start.starts_with("git+") {
        return start.parse().ok();
    }
    // The version follows the last `@` of the name, and has none of these.
    let name = start.find(':')? + 1;
    let at = name + start.get(name + 1..)?.find('@')? + 1;
    let end = start.get(at..)?.find(['#', '/', ':']).map_or(start.len(), |end| at + end);
    start.get(..end)?.parse().ok()
}
