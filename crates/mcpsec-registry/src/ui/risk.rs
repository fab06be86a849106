//! Which request a reviewer should read first.
//!
//! A request is held against the vetted version of its server. Whatever is different is a reason to read it, of one of five
//! weights (docs/registry-page.md has the table). Requests are ordered by how many reasons of the gravest weight they have, then of
//! the next, and so on; among equals the one that waits longest comes first. What is not known weighs as much as the worst.
use std::cmp::Reverse;

use mcpsec_model::{
    drift::{Change, DriftLevel},
    finding::{Finding, Severity},
};

use super::{difference::Difference, shelf::Shelved};

/// The most reasons of one weight that are told.
const TOLD: usize = 12;

/// How heavy a reason is, the heaviest last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Weight {
    /// Other words or another serialisation, with the same meaning.
    Slight,
    /// What an ordinary update brings.
    Ordinary,
    /// Nobody vetted any version of it.
    New,
    /// Something was taken away, or may harm.
    Serious,
    /// A sign of an attack, or something that nobody could look at.
    Alarming,
}

impl Weight {
    /// Every weight, the heaviest first.
    pub(super) const ALL: [Self; 5] = [Self::Alarming, Self::Serious, Self::New, Self::Ordinary, Self::Slight];

    /// The word on the page.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Alarming => "alarming",
            Self::Serious => "serious",
            Self::New => "new",
            Self::Ordinary => "ordinary",
            Self::Slight => "slight",
        }
    }

    fn of_level(level: DriftLevel) -> Self {
        match level {
            DriftLevel::Dangerous => Self::Alarming,
            DriftLevel::Breaking => Self::Serious,
            DriftLevel::Additive => Self::Ordinary,
            DriftLevel::Wording | DriftLevel::Cosmetic | DriftLevel::None => Self::Slight,
        }
    }

    fn of_severity(severity: Severity) -> Self {
        match severity {
            Severity::Critical | Severity::High => Self::Alarming,
            Severity::Medium => Self::Serious,
            Severity::Low => Self::Ordinary,
            Severity::Info => Self::Slight,
        }
    }
}

/// Why a request needs to be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Risk {
    /// How many reasons of each weight, in the order of [`Weight::ALL`].
    counts: [usize; 5],
    /// The reasons, the heaviest first; not all of them where there are many.
    pub(super) reasons: Vec<(Weight, String)>,
    /// How what it tells the model differs from the vetted version; `None` without one, or when that is not known.
    pub(super) level: Option<DriftLevel>,
}

impl Risk {
    /// Weighs a request against the vetted version, if there is one. Slow: reads every word of both.
    pub(super) fn of(request: &Shelved, vetted: Option<&Shelved>) -> Self {
        let mut risk = Self { counts: [0; 5], reasons: Vec::new(), level: None };
        match vetted {
            Some(vetted) => risk.against(&Difference::between(vetted, request)),
            None => risk.alone(request),
        }
        if request.server().told.captured().is_none() {
            risk.add(Weight::Alarming, "nobody captured what it tells the model".to_owned());
        }
        risk.reasons.sort_by_key(|(weight, _)| Reverse(*weight));
        risk
    }

    /// A request whose lock cannot be read: as heavy as the worst.
    pub(super) fn unreadable() -> Self {
        let mut risk = Self { counts: [0; 5], reasons: Vec::new(), level: None };
        risk.add(Weight::Alarming, "its lock cannot be read here".to_owned());
        risk
    }

    /// What it is sorted by, the first to read the smallest.
    pub(super) fn order(&self) -> Reverse<[usize; 5]> {
        Reverse(self.counts)
    }

    /// The weight of its heaviest reason.
    pub(super) fn weight(&self) -> Weight {
        let heaviest = Weight::ALL.into_iter().zip(self.counts).find(|(_, count)| *count > 0);
        heaviest.map_or(Weight::Slight, |(weight, _)| weight)
    }

    /// How many reasons there are that [`Risk::reasons`] leaves out.
    pub(super) fn untold(&self) -> usize {
        self.counts.iter().sum::<usize>().saturating_sub(self.reasons.len())
    }

    fn add(&mut self, weight: Weight, words: String) {
        for (own, count) in Weight::ALL.into_iter().zip(&mut self.counts) {
            if own == weight {
                *count += 1;
                if *count <= TOLD {
                    self.reasons.push((weight, words));
                    return;
                }
            }
        }
    }

    fn findings<'a>(&mut self, findings: impl IntoIterator<Item = &'a Finding>) {
        for finding in findings {
            let words = format!("{}: {} ({})", finding.rule.id(), finding.message, finding.subject);
            self.add(Weight::of_severity(finding.severity()), words);
        }
    }

    /// Reasons of a server of which no version is vetted.
    fn alone(&mut self, request: &Shelved) {
        self.add(Weight::New, "no version of this server is vetted".to_owned());
        self.findings(request.findings());
        for package in request.lock().packages.values() {
            if package.install_scripts {
                self.add(Weight::Serious, format!("{} wants to run a script when it is installed", package.id));
            }
        }
        if let Some(own) = request.own()
            && own.evidence.pins().is_empty()
        {
            self.add(Weight::Serious, format!("nobody vouches for {}: {}", own.id, own.evidence.state()));
        }
    }

    /// Reasons of a later version.
    fn against(&mut self, difference: &Difference) {
        self.level = difference.drift.as_ref().ok().map(|drift| drift.level());
        if let Ok(drift) = &difference.drift {
            for Change { level, subject, message, .. } in &drift.changes {
                self.add(Weight::of_level(*level), format!("{level} drift: {message} ({subject})"));
            }
        }
        self.findings(&difference.findings);
        for package in &difference.repinned {
            self.add(Weight::Alarming, format!("{package} has the same version and other bytes"));
        }
        for vouching in &difference.evidence {
            let weight = if vouching.own { Weight::Alarming } else { Weight::Serious };
            self.add(weight, format!("evidence of {}: {}", vouching.package, vouching.what));
        }
        for package in &difference.scripts {
            self.add(Weight::Serious, format!("{package} wants to run a script when it is installed"));
        }
        if let Some((before, after)) = difference.isolation
            && after < before
        {
            let (before, after) = (before.as_str(), after.as_str());
            self.add(Weight::Serious, format!("captured in sandbox `{after}`, the vetted version in `{before}`"));
        }
        for package in &difference.closure.added {
            self.add(Weight::Ordinary, format!("{package} is new in the closure"));
        }
        // That the server itself has another version is what was asked for.
        for (before, after) in difference.closure.changed.iter().filter(|(_, after)| *after != difference.own) {
            self.add(Weight::Ordinary, format!("{before} became {after}"));
        }
        for package in &difference.closure.removed {
            self.add(Weight::Slight, format!("{package} is gone from the closure"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn risk(weights: &[Weight]) -> Risk {
        let mut risk = Risk { counts: [0; 5], reasons: Vec::new(), level: None };
        for weight in weights {
            risk.add(*weight, "a reason".to_owned());
        }
        risk
    }

    #[test]
    fn one_alarm_goes_before_any_number_of_smaller_things() {
        use Weight::{Alarming, New, Ordinary, Serious, Slight};
        let in_order = [
            risk(&[Alarming, Alarming]),
            risk(&[Alarming, Serious]),
            risk(&[Alarming]),
            risk(&[Serious; 5]),
            risk(&[Serious, New]),
            risk(&[New, Ordinary]),
            risk(&[Ordinary; 100]),
            risk(&[Slight]),
            risk(&[]),
        ];
        for pair in in_order.windows(2) {
            assert!(pair[0].order() < pair[1].order(), "{pair:?}");
        }
        assert_eq!(in_order[6].weight(), Ordinary);
        assert_eq!((in_order[6].reasons.len(), in_order[6].untold()), (TOLD, 100 - TOLD));
    }
}
