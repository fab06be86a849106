//! Everything that differs between two versions of one server: words, packages, bytes, signers, scripts, sandbox.
use mcpsec_audit::drift;
use mcpsec_model::{
    config::Isolation,
    drift::Drift,
    evidence::EvidenceState,
    finding::Finding,
    package::{Package, PackageId},
    report::ClosureChange,
};

use super::shelf::Shelved;

/// The differences from an earlier version to a later one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Difference {
    /// In what the model is told; or why that is not known.
    pub(super) drift: Result<Drift, &'static str>,
    /// The server's own package, as it is now.
    pub(super) own: String,
    /// In the packages.
    pub(super) closure: ClosureChange,
    /// Packages of the same version that consist of other bytes.
    pub(super) repinned: Vec<String>,
    /// Packages whose evidence is weaker, or by somebody else.
    pub(super) evidence: Vec<Vouching>,
    /// Packages that want to run a script when they are installed, and did not before.
    pub(super) scripts: Vec<String>,
    /// The sandboxes, where they differ.
    pub(super) isolation: Option<(Isolation, Isolation)>,
    /// How often the poison rules point to words of the later version that the earlier one did not have.
    pub(super) findings: Vec<Finding>,
}

/// Who vouched for a package before, and who does now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Vouching {
    /// The package as it is now.
    pub(super) package: String,
    /// Whether it is the server's own.
    pub(super) own: bool,
    /// What is different, one sentence without a full stop.
    pub(super) what: String,
}

impl Difference {
    /// From `before` to `after`. Slow: reads every word of both.
    pub(super) fn between(before: &Shelved, after: &Shelved) -> Self {
        let (old, new) = (before.server(), after.server());
        let drift = match (old.told.captured(), new.told.captured()) {
            (Some(old), Some(new)) => Ok(drift::compare(&old.manifest, &new.manifest)),
            (Some(_), None) => Err("nobody captured what the later version tells the model"),
            (None, Some(_)) => Err("nobody captured what the earlier version told the model"),
            (None, None) => Err("nobody captured what either version tells the model"),
        };
        let isolation = match (old.told.captured(), new.told.captured()) {
            (Some(old), Some(new)) if old.context.isolation != new.context.isolation => {
                Some((old.context.isolation, new.context.isolation))
            }
            _ => None,
        };
        let same = |finding: &&Finding| {
            let is_old = |other: &Finding| (other.rule, &other.evidence) == (finding.rule, &finding.evidence);
            !before.findings().iter().any(is_old)
        };
        let findings = after.findings().iter().filter(same).cloned().collect();
        let mut difference = Self {
            drift,
            own: new.closure.root().package().to_string(),
            closure: ClosureChange::between(old, new),
            repinned: Vec::new(),
            evidence: Vec::new(),
            scripts: Vec::new(),
            isolation,
            findings,
        };
        difference.packages(before, after);
        difference
    }

    fn packages(&mut self, before: &Shelved, after: &Shelved) {
        let root = after.server().closure.root().package();
        for (id, now) in &after.lock().packages {
            let Some(then) = earlier(before, id, now) else {
                if now.install_scripts {
                    self.scripts.push(id.to_string());
                }
                continue;
            };
            if then.id == *id && then.artifacts != now.artifacts {
                self.repinned.push(id.to_string());
            }
            if now.install_scripts && !then.install_scripts {
                self.scripts.push(id.to_string());
            }
            if let Some(what) = weaker(then, now) {
                self.evidence.push(Vouching { package: id.to_string(), own: id == root, what });
            }
        }
        // The server's own package first.
        self.evidence.sort_by_key(|vouching| !vouching.own);
    }
}

/// The package that this one took the place of: the same version, else the one version of that name.
fn earlier<'a>(before: &'a Shelved, id: &PackageId, now: &Package) -> Option<&'a Package> {
    if let Some(same) = before.lock().packages.get(id) {
        return Some(same);
    }
    let of_name = |other: &&Package| other.id.ecosystem() == now.id.ecosystem() && other.id.name() == now.id.name();
    before.lock().packages.values().filter(of_name).max_by_key(|other| other.evidence.strength())
}

/// How the evidence of a package got worse, if it did.
fn weaker(then: &Package, now: &Package) -> Option<String> {
    if then.artifacts.is_empty() || now.artifacts.is_empty() {
        return None;
    }
    let (was, is) = (then.evidence.state(), now.evidence.state());
    if now.evidence.strength() < then.evidence.strength() && was != EvidenceState::Nothing {
        return Some(format!("was {was}, is {is}"));
    }
    for pin in then.evidence.pins() {
        let of_kind: Vec<_> = now.evidence.pins().iter().filter(|other| other.kind == pin.kind).collect();
        let Some(first) = of_kind.first() else {
            return Some(format!("had a {} by {}, and has none", pin.kind, pin.signer));
        };
        if of_kind.iter().all(|other| other.signer.difference(&pin.signer).is_some()) {
            return Some(format!("{} was by {}, is by {}", pin.kind, pin.signer, first.signer));
        }
    }
    None
}
