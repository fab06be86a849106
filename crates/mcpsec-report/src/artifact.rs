//! The outcome of `mcpsec verify-artifact`: who signed one file, for people and as `mcpsec.artifact/v1`.
use mcpsec_model::{
    evidence::{LogEvidence, Proof, Signer, SignerIdentity},
    package::PackageId,
    text::escape,
    time::Timestamp,
    verdict::Verdict,
};
use serde::Serialize;

use crate::{
    json::pretty,
    style::{self, Style},
};

/// What was found out about one file.
#[derive(Debug, Clone)]
pub struct ArtifactReport {
    /// The file as it was given, or its digest.
    pub file: String,
    /// The package that it must be of, if one was given.
    pub package: Option<PackageId>,
    /// Every signature that holds. Empty when something was refused: then nothing counts.
    pub attestations: Vec<Attested>,
    /// Why it was refused, if it was.
    pub error: Option<Refusal>,
}

/// One signature that holds.
#[derive(Debug, Clone)]
pub struct Attested {
    /// `signature`, `attestation`, or the word of an [`EvidenceKind`](mcpsec_model::evidence::EvidenceKind).
    pub kind: &'static str,
    /// What kind of statement about the file was signed, a URI.
    pub predicate_type: Option<String>,
    /// Who signed.
    pub signer: Signer,
    /// How the time is known.
    pub log: Option<LogEvidence>,
    /// When it was signed.
    pub signed_at: Option<Timestamp>,
}

impl Attested {
    /// What a proof of a package says.
    pub fn of(proof: &Proof) -> Self {
        Self {
            kind: proof.kind().as_str(),
            predicate_type: match proof {
                Proof::Provenance(proof) => Some(proof.predicate_type().to_owned()),
                Proof::Signature(_) => None,
            },
            signer: proof.signer().clone(),
            log: proof.log(),
            signed_at: proof.signed_at(),
        }
    }
}

/// Why a file was refused.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// A stable word, where there is one.
    pub code: Option<&'static str>,
    /// A fragment for people.
    pub message: String,
}

impl ArtifactReport {
    /// Pass when nothing was refused and somebody signed.
    pub fn verdict(&self) -> Verdict {
        if self.error.is_none() && !self.attestations.is_empty() { Verdict::Pass } else { Verdict::Deny }
    }
}

/// The report as text, ending in a newline.
pub fn artifact(report: &ArtifactReport, style: Style) -> String {
    let verdict = report.verdict();
    let mut out =
        format!("{}  {}\n", style.bold(escape(&report.file)), style.paint(style::of_verdict(verdict), verdict));
    let mut line = |name: &str, value: &str| {
        out.push_str(&format!("  {}  {}\n", style.dim(format!("{name:<9}")), escape(value)));
    };
    if let Some(package) = &report.package {
        line("package", &package.purl());
    }
    if let Some(refusal) = &report.error {
        line("refused", &refusal.message);
    }
    for attested in &report.attestations {
        match &attested.predicate_type {
            Some(predicate) => line(attested.kind, predicate),
            None => line(attested.kind, ""),
        }
        line("signed by", &attested.signer.to_string());
        if let Some(identity) = attested.signer.identity() {
            if !identity.issuer.is_empty() {
                line("issuer", &identity.issuer);
            }
            for (name, value) in [("commit", &identity.commit), ("trigger", &identity.trigger), ("run", &identity.run)]
            {
                if let Some(value) = value {
                    line(name, value);
                }
            }
            // A reusable workflow signs for another repository: say who started it.
            if let Some(started) =
                identity.build_config.as_ref().filter(|other| identity.workflow.as_ref() != Some(*other))
            {
                line("started", started);
            }
        }
        let time = attested.signed_at.map_or_else(|| "no authenticated time".to_owned(), |time| time.to_string());
        line("time", &attested.log.map_or_else(|| time.clone(), |log| format!("{time} ({log})")));
    }
    crate::inert::inert(&out).into_owned()
}

/// The report as JSON (`mcpsec.artifact/v1`), ending in a newline.
pub fn artifact_json(report: &ArtifactReport) -> String {
    let verdict = report.verdict();
    pretty(&ArtifactV1 {
        schema: "mcpsec.artifact/v1",
        verdict: verdict.as_str(),
        exit: verdict.exit_code(),
        file: &report.file,
        package: report.package.as_ref().map(PackageId::purl),
        attestations: report.attestations.iter().map(attested).collect(),
        error: report.error.as_ref().map(|refusal| RefusalV1 { code: refusal.code, message: &refusal.message }),
    })
}

#[derive(Serialize)]
struct ArtifactV1<'a> {
    schema: &'static str,
    verdict: &'static str,
    exit: u8,
    file: &'a str,
    package: Option<String>,
    attestations: Vec<AttestedV1<'a>>,
    error: Option<RefusalV1<'a>>,
}

#[derive(Serialize)]
struct RefusalV1<'a> {
    code: Option<&'static str>,
    message: &'a str,
}

#[derive(Serialize)]
struct AttestedV1<'a> {
    kind: &'static str,
    predicate_type: Option<&'a str>,
    signer: SignerV1<'a>,
    log: Option<&'static str>,
    signed_at: Option<String>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum SignerV1<'a> {
    Key { id: &'a str, fingerprint: &'a str, principal: Option<&'a str> },
    Certificate(Box<IdentityV1<'a>>),
}

#[derive(Serialize)]
struct IdentityV1<'a> {
    issuer: &'a str,
    subject: &'a str,
    repository: Option<&'a str>,
    repository_id: Option<&'a str>,
    #[serde(rename = "ref")]
    reference: Option<&'a str>,
    commit: Option<&'a str>,
    workflow: Option<&'a str>,
    build_config: Option<&'a str>,
    trigger: Option<&'a str>,
    run: Option<&'a str>,
    runner: Option<&'a str>,
}

fn attested(attested: &Attested) -> AttestedV1<'_> {
    AttestedV1 {
        kind: attested.kind,
        predicate_type: attested.predicate_type.as_deref(),
        signer: match &attested.signer {
            Signer::Key { id, fingerprint, principal, .. } => {
                SignerV1::Key { id, fingerprint, principal: principal.as_deref() }
            }
            Signer::Identity(identity) => SignerV1::Certificate(Box::new(who(identity))),
        },
        log: attested.log.map(LogEvidence::as_str),
        signed_at: attested.signed_at.map(|time| time.to_string()),
    }
}

fn who(identity: &SignerIdentity) -> IdentityV1<'_> {
    IdentityV1 {
        issuer: &identity.issuer,
        subject: &identity.subject,
        repository: identity.repository.as_deref(),
        repository_id: identity.repository_id.as_deref(),
        reference: identity.reference.as_deref(),
        commit: identity.commit.as_deref(),
        workflow: identity.workflow.as_deref(),
        build_config: identity.build_config.as_deref(),
        trigger: identity.trigger.as_deref(),
        run: identity.run.as_deref(),
        runner: identity.runner.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(error: Option<Refusal>) -> ArtifactReport {
        let identity = SignerIdentity {
            issuer: "https://issuer.invalid".into(),
            subject: "https://git.invalid/o/build/w.yml@refs/heads/main".into(),
            repository: Some("https://git.invalid/o/r\u{202e}".into()),
            workflow: Some("https://git.invalid/o/build/w.yml".into()),
            build_config: Some("https://git.invalid/o/r/start.yml".into()),
            reference: Some("refs/tags/v1".into()),
            ..SignerIdentity::default()
        };
        let attested = Attested {
            kind: "provenance",
            predicate_type: Some("https://slsa.dev/provenance/v1".into()),
            signer: Signer::Identity(Box::new(identity)),
            log: Some(LogEvidence::Proof),
            signed_at: Some("2026-01-02T03:04:05Z".parse().expect("instant")),
        };
        let attestations = if error.is_some() { vec![] } else { vec![attested] };
        ArtifactReport { file: "a\u{1b}.tgz".into(), package: None, attestations, error }
    }

    #[test]
    fn people_see_who_signed_and_nothing_hidden() {
        insta::assert_snapshot!(artifact(&report(None), Style::plain()));
        insta::assert_snapshot!(artifact_json(&report(None)));
    }

    #[test]
    fn a_refusal_and_an_empty_report_deny() {
        let refusal = Refusal { code: Some("signature"), message: "the signature does not verify".into() };
        let refused = report(Some(refusal));
        assert_eq!(refused.verdict(), Verdict::Deny);
        insta::assert_snapshot!(artifact(&refused, Style::plain()));
        let empty = ArtifactReport { attestations: vec![], ..report(None) };
        assert_eq!(empty.verdict(), Verdict::Deny);
    }
}
