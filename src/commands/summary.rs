//! The last words of `add`: per server its version, packages, bytes, install scripts, and what was not checked.
use mcpsec_model::{
    artifact::CheckedArtifact,
    finding::{Finding, Rule, Severity},
    lock::LockedServer,
    package::{Package, PackageId},
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
        }
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
        row("not checked", "signatures, provenance, what the server tells the model".to_owned());
        for finding in &self.findings {
            let style = if finding.rule.severity() >= Severity::Medium { warn } else { dim };
            text.push_str(&format!(
                "  {style}{}{style:#}: {} ({})\n",
                finding.rule.id(),
                finding.message,
                finding.subject
            ));
        }
        text
    }
}
