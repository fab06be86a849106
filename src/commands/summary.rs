//! The last words of `add`: per server its version, packages, bytes, install scripts, and what was not checked.
use std::collections::BTreeMap;

use mcpsec_model::{
    artifact::CheckedArtifact,
    capture::{Captured, Told},
    check::{Check, CheckResult},
    evidence::{Assessed, EvidenceKind, EvidenceState, Proof, Signer},
    finding::{Finding, Rule, Severity},
    lock::LockedServer,
    manifest::Kind,
    package::{Package, PackageId},
    text::{Untrusted, escape},
};

use super::wish::Wish;
use crate::{settings::Settings, ui};

/// What is told about one server.
pub(super) struct Summary {
    name: String,
    spec: String,
    version: String,
    packages: usize,
    fetched: usize,
    bytes: u64,
    other_platforms: usize,
    install_scripts: Vec<String>,
    findings: Vec<Finding>,
    as_of: Option<String>,
    already: bool,
    states: BTreeMap<EvidenceState, usize>,
    built: Vec<(&'static str, String)>,
    told: Told,
    unheard: Option<(String, Option<String>)>,
}

impl Summary {
    pub(super) fn new(
        wish: &Wish,
        server: &LockedServer,
        packages: &[(PackageId, Package)],
        checked: &[CheckedArtifact],
        findings: &[Finding],
    ) -> Self {
        let here: std::collections::BTreeSet<&PackageId> = checked.iter().map(CheckedArtifact::package).collect();
        let elsewhere =
            packages.iter().filter(|(id, package)| !here.contains(id) && !package.artifacts.is_empty()).count();
        Self {
            name: wish.name.to_string(),
            spec: server.spec.to_string(),
            version: server.version.clone(),
            packages: packages.len(),
            fetched: checked.len(),
            bytes: checked.iter().map(CheckedArtifact::size).sum(),
            other_platforms: elsewhere,
            install_scripts: packages
                .iter()
                .filter(|(_, package)| package.install_scripts)
                .map(|(id, _)| id.to_string())
                .collect(),
            findings: findings.iter().filter(|finding| finding.rule != Rule::InstallScript).cloned().collect(),
            as_of: server.as_of.map(|as_of| as_of.to_string()),
            already: false,
            states: super::evidence::count(packages.iter().map(|(_, package)| package)),
            built: Vec::new(),
            told: server.told.clone(),
            unheard: None,
        }
    }

    /// Adds who the server's own package comes from, as its evidence says.
    pub(super) fn built_by(mut self, assessed: Option<&Vec<Assessed>>) -> Self {
        let mut proofs: Vec<&Proof> = assessed
            .into_iter()
            .flatten()
            .flat_map(|file| file.signature.proofs().iter().chain(file.attestation.proofs()))
            .collect();
        proofs.sort_by_key(|proof| std::cmp::Reverse(proof.kind()));
        for proof in proofs {
            for line in origin(proof) {
                if !self.built.contains(&line) {
                    self.built.push(line);
                }
            }
        }
        if matches!(self.built.as_slice(), [("published", text)] if text.starts_with("through")) {
            self.built.push(("built by", "nothing says who built it".to_owned()));
        }
        self
    }

    /// Adds why the server could not be heard, where a check says so.
    pub(super) fn with_checks(mut self, checks: &[CheckResult]) -> Self {
        let open = checks.iter().find(|check| check.check == Check::Capture);
        self.unheard = open.and_then(|check| Some((check.status.reason()?.to_owned(), check.hint.clone())));
        self
    }

    pub(super) fn already_locked(mut self) -> Self {
        self.already = true;
        self
    }

    pub(super) fn render(&self, settings: &Settings, changed: bool) -> String {
        let (bold, dim, warn) = if settings.color {
            (anstyle::Style::new().bold(), anstyle::Style::new().dimmed(), anstyle::AnsiColor::Yellow.on_default())
        } else {
            (anstyle::Style::new(), anstyle::Style::new(), anstyle::Style::new())
        };
        let verb = if self.already && !changed { "already locked" } else { "locked" };
        let mut text = format!("{bold}{}{bold:#} {} {verb}\n", self.name, self.version);
        let mut row = |label: &str, value: String| text.push_str(&format!("  {dim}{label:<13}{dim:#} {value}\n"));
        row("from", self.spec.clone());
        if let Some(as_of) = &self.as_of {
            row("as of", as_of.clone());
        }
        let mut packages = format!(
            "{}, {} in {} checked",
            ui::count(self.packages, "package"),
            ui::bytes(self.bytes),
            ui::count(self.fetched, "file")
        );
        if self.other_platforms > 0 {
            packages.push_str(&format!("; {} for other platforms pinned, not fetched", self.other_platforms));
        }
        row("closure", packages);
        let scripts = match self.install_scripts.as_slice() {
            [] => "none".to_owned(),
            list => format!("{warn}{}{warn:#}: {} (never run)", list.len(), list.join(", ")),
        };
        row("scripts", scripts);
        row("evidence", mcpsec_report::evidence_counts(&self.states));
        for (label, line) in &self.built {
            row(label, line.clone());
        }
        let (label, told) = match &self.told {
            Told::Manifest(captured) => ("tells", tells(captured)),
            Told::Unchecked(_) | Told::Unknown => {
                let why = self.unheard.as_ref().map(|(why, _)| format!(": {}", Untrusted::new(why).excerpt(400)));
                ("not checked", format!("what the server tells the model{}", why.unwrap_or_default()))
            }
        };
        row(label, told);
        if let Some((_, Some(hint))) = &self.unheard {
            row("help", hint.clone());
        }
        for finding in &self.findings {
            let style = if finding.severity() >= Severity::Medium { warn } else { dim };
            text.push_str(&format!(
                "  {style}{}{style:#}: {} ({})\n",
                finding.rule.id(),
                finding.message,
                escape(&finding.subject)
            ));
            if let Some(reason) = &finding.accepted {
                text.push_str(&format!("    accepted: {}\n", Untrusted::new(reason).excerpt(300)));
            }
        }
        text
    }
}

/// How much it tells, and how that was heard.
fn tells(captured: &Captured) -> String {
    let manifest = &captured.manifest;
    let counts =
        [(Kind::Tool, "tool"), (Kind::Prompt, "prompt"), (Kind::Resource, "resource"), (Kind::Template, "template")];
    let counts = counts.into_iter().filter(|(kind, _)| *kind == Kind::Tool || !manifest.entries(*kind).is_empty());
    let counts: Vec<String> = counts.map(|(kind, word)| ui::count(manifest.entries(kind).len(), word)).collect();
    let words: usize = manifest.texts().iter().map(|text| text.text.split_whitespace().count()).sum();
    let runtime = captured.context.runtime.as_ref().map(|runtime| format!(", {} {}", runtime.name, runtime.version));
    format!(
        "{}, {}, read in sandbox `{}`{}",
        counts.join(", "),
        ui::count(words, "word"),
        captured.context.isolation.as_str(),
        runtime.unwrap_or_default()
    )
}

/// Who made a statement about the server's own package, for a person who sees it for the first time.
fn origin(proof: &Proof) -> Vec<(&'static str, String)> {
    let shown = |text: &str| Untrusted::new(text).excerpt(200);
    let day = proof.signed_at().map(|time| format!(", {time}")).unwrap_or_default();
    let log = proof.log().map(|log| format!(" (log: {log}{day})")).unwrap_or_default();
    let label = match proof.kind() {
        // Every package has one of these; the count says so.
        EvidenceKind::RegistrySignature => return Vec::new(),
        EvidenceKind::Publish => "published",
        EvidenceKind::Provenance | EvidenceKind::Release => "built by",
        EvidenceKind::GitTag => "tag by",
        EvidenceKind::GitCommit => "commit by",
    };
    match proof.signer() {
        Signer::Key { .. } if proof.kind() == EvidenceKind::Publish => {
            vec![(label, format!("through the registry{log}"))]
        }
        signer @ Signer::Key { .. } => vec![(label, format!("{signer}{log}"))],
        signer @ Signer::Identity(identity) => {
            let mut lines = vec![(label, format!("{signer}{log}"))];
            lines.extend(identity.commit.as_deref().map(|commit| ("", format!("from commit {}", shown(commit)))));
            lines.extend(identity.run.as_deref().map(|run| ("", format!("in {}", shown(run)))));
            lines.push(("", format!("known to {}", shown(&identity.issuer))));
            lines
        }
    }
}
