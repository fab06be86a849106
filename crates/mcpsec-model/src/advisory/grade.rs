//! How bad an advisory says it is: a CVSS score turned into one of four words, or the word that a database gives.
//!
//! CVSS 3.0, 3.1 and 4.0 (first.org) are scored by the `cvss` crate; of 3.x only the base metrics count, since temporal and environmental
//! ones are about other places than this one. CVSS 2 is not scored.
use std::fmt;

use crate::finding::{Finding, Rule, Severity};

/// The four words of CVSS 3.1 §5 and 4.0 §6.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Grade {
    /// 0.1 to 3.9.
    Low,
    /// 4.0 to 6.9.
    Medium,
    /// 7.0 to 8.9.
    High,
    /// 9.0 to 10.0.
    Critical,
}

/// A grade and the score that it comes from, in tenths, where one is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Graded {
    /// The word.
    pub grade: Grade,
    /// 0 to 100, for 0.0 to 10.0.
    pub tenths: Option<u8>,
}

impl Grade {
    /// Worst last.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in messages and in mcp.toml.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// How severe a finding of it is. Reports have no word above `high`; the message has.
    pub fn severity(self) -> Severity {
        match self {
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High | Self::Critical => Severity::High,
        }
    }

    /// The grade of a finding of [`Rule::Vulnerable`]: its message starts with the word. `None` where the advisory gives no grade, and for
    /// findings of other rules.
    pub fn of(finding: &Finding) -> Option<Self> {
        let word = finding.message.split([' ', ',']).next().filter(|_| finding.rule == Rule::Vulnerable)?;
        Self::ALL.into_iter().find(|grade| grade.as_str() == word)
    }

    /// The word of a database; `moderate` is that of GitHub for `medium`.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        let medium = word.eq_ignore_ascii_case("moderate").then_some(Self::Medium);
        medium.or_else(|| Self::ALL.into_iter().find(|grade| grade.as_str().eq_ignore_ascii_case(word)))
    }
}

impl Graded {
    /// A word without a score.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        Grade::of_word(word).map(|grade| Self { grade, tenths: None })
    }

    /// The score of a CVSS vector. `None`: not one of a known version, or a score of nothing.
    pub(super) fn of_vector(vector: &str) -> Option<Self> {
        if vector.len() > 400 {
            return None;
        }
        let score = if vector.starts_with("CVSS:3") {
            let base = base_metrics(vector);
            base.parse::<cvss::v3::Base>().ok()?.score().value()
        } else {
            vector.parse::<cvss::v4::Vector>().ok()?.score().value()
        };
        let tenths = (0..=100_u8).min_by_key(|tenths| ((score * 10.0 - f64::from(*tenths)).abs() * 1e6) as u64)?;
        let grade = match tenths {
            0 => return None,
            1..=39 => Grade::Low,
            40..=69 => Grade::Medium,
            70..=89 => Grade::High,
            _ => Grade::Critical,
        };
        Some(Self { grade, tenths: Some(tenths) })
    }
}

/// A vector of CVSS 3 without its temporal and environmental metrics, which the base score does not have.
fn base_metrics(vector: &str) -> String {
    const BASE: [&str; 8] = ["AV", "AC", "PR", "UI", "S", "C", "I", "A"];
    let keep =
        |part: &&str| part.starts_with("CVSS:") || part.split(':').next().is_some_and(|name| BASE.contains(&name));
    vector.split('/').filter(keep).collect::<Vec<_>>().join("/")
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Graded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tenths {
            Some(tenths) => write!(f, "{} ({}.{})", self.grade, tenths / 10, tenths % 10),
            None => write!(f, "{}", self.grade),
        }
    }
}
