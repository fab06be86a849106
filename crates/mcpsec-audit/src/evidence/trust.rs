//! Trust that goes down: a version that has less evidence than earlier ones, or comes from somebody else.
//!
//! The order is that of publication, as the registry or the repository tells it. That time is not signed: a registry that lies
//! about it can hide a downgrade from a first look, and cannot hide it from a lock that pins the earlier version.
use jiff::tz::TimeZone;
use mcpsec_model::{
    evidence::{EvidenceKind, EvidenceState, Pin, Pinned, Release, SignerPin, Trust},
    finding::{Finding, Rule},
    package::{Package, PackageId},
    text::Untrusted,
    time::Timestamp,
};

/// How much evidence of its author a version has.
pub fn of(pinned: &Pinned) -> Trust {
    let git = |pin: &Pin| matches!(pin.kind, EvidenceKind::GitTag | EvidenceKind::GitCommit);
    match pinned.state() {
        EvidenceState::Attested => Trust::Attested,
        _ if pinned.pins().iter().any(git) => Trust::Signed,
        _ => Trust::None,
    }
}

/// The release that sets an expectation which this one does not meet: the last one before it, by publication, that had more.
/// A prerelease sets none for a release.
pub fn expectation<'a>(
    version: &str,
    published: Timestamp,
    trust: Trust,
    history: &'a [Release],
) -> Option<&'a Release> {
    let counts = |release: &&Release| {
        release.version != version
            && release.published < published
            && release.trust > trust
            && (is_prerelease(version) || !is_prerelease(&release.version))
    };
    history.iter().filter(counts).max_by(|a, b| (a.published, &a.version).cmp(&(b.published, &b.version)))
}

/// A semver prerelease, or a Python one. Only a hint: it decides which versions are compared, never what is accepted.
fn is_prerelease(version: &str) -> bool {
    let core = version.split('+').next().unwrap_or_default();
    match core.split_once('-') {
        // Tags may start with a name: `typescript-servers-0.6.2`.
        Some((before, _)) => before.starts_with(|c: char| c.is_ascii_digit() || c == 'v'),
        None => {
            let tail = core.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            tail.starts_with(['a', 'b']) && core.starts_with(|c: char| c.is_ascii_digit())
                || tail.starts_with("rc")
                || tail.starts_with(".dev")
        }
    }
}

/// The finding about a version whose trust is below that of an earlier one.
pub fn downgrade(
    package: &PackageId,
    version: &str,
    published: Timestamp,
    trust: Trust,
    history: &[Release],
) -> Option<Finding> {
    let before = expectation(version, published, trust, history)?;
    let day = |time: Timestamp| time.to_zoned(TimeZone::UTC).date();
    let message = format!(
        "{} of {} was {}, {} of {} is {}",
        Untrusted::new(before.version.as_str()).excerpt(80),
        day(before.published),
        before.trust.as_str(),
        Untrusted::new(version).excerpt(80),
        day(published),
        trust.as_str(),
    );
    Some(Finding::new(Rule::TrustDowngrade, package.to_string(), message))
}

/// What changed for the worse since a version that is locked: evidence that is gone, or another signer. `before` and `now` are
/// versions of one package.
pub fn since_locked(before: &Package, now: &Package) -> Vec<Finding> {
    let subject = now.id.to_string();
    let (had, has) = (of(&before.evidence), of(&now.evidence));
    // A registry that strips, or cannot be asked, must not wash off in silence what is pinned.
    if matches!(now.evidence, Pinned::NotLooked | Pinned::Stripped) {
        if before.evidence.pins().is_empty() {
            return Vec::new();
        }
        let message =
            format!("what is locked is {}, and now its evidence is {}", before.evidence.state(), now.evidence.state());
        return vec![Finding::new(Rule::TrustDowngrade, subject, message)];
    }
    if has < had {
        let message = format!(
            "locked version {} is {}, {} is {}",
            before.id.version(),
            had.as_str(),
            now.id.version(),
            has.as_str()
        );
        return vec![Finding::new(Rule::TrustDowngrade, subject, message)];
    }
    let mut findings = Vec::new();
    for kind in [
        EvidenceKind::Provenance,
        EvidenceKind::Publish,
        EvidenceKind::Release,
        EvidenceKind::GitTag,
        EvidenceKind::GitCommit,
    ] {
        let signers = |pinned: &Pinned| -> Vec<SignerPin> {
            let of_kind = pinned.pins().iter().filter(|pin| pin.kind == kind);
            // A registry's own key says nothing about the publisher.
            let named =
                of_kind.filter(|pin| kind != EvidenceKind::Publish || !matches!(pin.signer, SignerPin::Key { .. }));
            named.map(|pin| pin.signer.clone()).collect()
        };
        let (old, new) = (signers(&before.evidence), signers(&now.evidence));
        let Some(known) = old.first() else { continue };
        if let Some(other) = new.iter().find(|signer| !old.contains(signer)) {
            let what = known.difference(other).unwrap_or("signer");
            let message = format!(
                "locked version {} has a {kind} by {known}, {} by {other}: another {what}",
                before.id.version(),
                now.id.version(),
            );
            findings.push(Finding::new(Rule::SignerChanged, subject.clone(), message));
            break;
        }
    }
    findings
}
