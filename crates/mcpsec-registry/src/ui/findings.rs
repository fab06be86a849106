//! What the poison rules say, beside the words that they say it about.
use std::collections::BTreeMap;

use maud::{Markup, html};
use mcpsec_model::finding::{Finding, Severity};

use super::{bits, words, words::Mark};

/// The most findings about one text that are told.
const TOLD: usize = 20;

/// Findings by the place that they are about.
#[derive(Debug, Default)]
pub(super) struct ByPlace<'a>(BTreeMap<&'a str, Vec<&'a Finding>>);

impl<'a> ByPlace<'a> {
    pub(super) fn new(findings: &'a [Finding]) -> Self {
        let mut all: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in findings {
            all.entry(finding.subject.as_str()).or_default().push(finding);
        }
        Self(all)
    }

    /// All about one place.
    pub(super) fn at(&self, place: &str) -> &[&'a Finding] {
        self.0.get(place).map(Vec::as_slice).unwrap_or_default()
    }

    /// All about a place and what is below it.
    pub(super) fn below(&self, place: &str) -> Vec<&'a Finding> {
        let inside = |key: &str| key.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        // Keys that start with the place follow it; between them may be others, such as `tool:a-b` after `tool:a`.
        let from = self.0.range(place..).take_while(|(key, _)| key.starts_with(place));
        from.filter(|(key, _)| inside(key)).flat_map(|(_, findings)| findings.iter().copied()).collect()
    }

    /// The stretches of a text at a place that rules point to. A place can have two texts, the name of a member and its value: a
    /// stretch that shows other words than the finding quotes is of the other one, unless the words were decoded.
    pub(super) fn marks(&self, place: &str, text: &str, other: Option<&str>) -> Vec<Mark> {
        let quotes = |text: &str, finding: &Finding| {
            let (start, end) = finding.span?;
            Some(text.get(start..end)? == finding.evidence.as_ref()?.raw())
        };
        let of_text = |finding: &&&Finding| {
            quotes(text, finding) == Some(true) || other.is_none_or(|other| quotes(other, finding) != Some(true))
        };
        let mark = |finding: &&Finding| {
            let (start, end) = finding.span?;
            Some(Mark { start, end, severity: finding.severity() })
        };
        self.at(place).iter().filter(of_text).filter_map(mark).collect()
    }
}

/// Findings as a list; nothing where there are none.
pub(super) fn list<'a>(findings: impl IntoIterator<Item = &'a Finding>, with_place: bool) -> Markup {
    let mut findings: Vec<&Finding> = findings.into_iter().collect();
    findings.sort_by(|a, b| (b.severity(), &a.subject, a.rule).cmp(&(a.severity(), &b.subject, b.rule)));
    let more = findings.len().saturating_sub(TOLD);
    html! {
        @if !findings.is_empty() {
            ul class="findings" {
                @for finding in findings.iter().take(TOLD) {
                    li class={ "finding " (finding.severity().as_str()) } {
                        p {
                            (bits::severity(finding.severity())) " "
                            strong { (finding.rule.id()) } ": " (words::line(&finding.message))
                        }
                        @if with_place { p class="place" { code { (words::line(&finding.subject)) } } }
                        @if let Some(evidence) = &finding.evidence {
                            p class="quote" { "“" (words::short(evidence.raw(), 300)) "”" }
                        }
                    }
                }
                @if more > 0 { li { "and " (more) " more" } }
            }
        }
    }
}

/// `2 high, 1 medium`; nothing where there are none.
pub(super) fn counts(findings: &[Finding]) -> Markup {
    let mut by: BTreeMap<Severity, usize> = BTreeMap::new();
    for finding in findings {
        *by.entry(finding.severity()).or_default() += 1;
    }
    html! {
        @if by.is_empty() { "no rule points to any word of it" }
        @for (index, (severity, count)) in by.iter().rev().enumerate() {
            @if index > 0 { " " }
            span class={ "badge severity-" (severity.as_str()) } { (count) " " (severity.as_str()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use mcpsec_model::finding::Rule;

    use super::*;

    #[test]
    fn places_have_what_is_below_them_and_not_their_neighbours() {
        let of = |place: &str| Finding::new(Rule::HiddenText, place, "x");
        let all = [of("tool:a"), of("tool:a-b/description"), of("tool:a/description"), of("tool:ab")];
        let by = ByPlace::new(&all);
        let below: Vec<&str> = by.below("tool:a").iter().map(|finding| finding.subject.as_str()).collect();
        assert_eq!(below, ["tool:a", "tool:a/description"]);
        assert!(by.at("tool:b").is_empty());
    }

    #[test]
    fn a_mark_belongs_to_the_text_that_it_quotes() {
        let all = [Finding::new(Rule::HiddenText, "p", "x").evidence("word").span(0, 4)];
        let by = ByPlace::new(&all);
        assert!(by.marks("p", "wording", Some("others")).len() == 1);
        assert!(by.marks("p", "others", Some("wording")).is_empty());
        // Decoded words stand in neither: better marked twice than not at all.
        assert!(by.marks("p", "d29yZA==", Some("others")).len() == 1);
    }
}
