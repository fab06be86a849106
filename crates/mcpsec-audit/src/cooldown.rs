//! The check `cooldown`: has a version been out for as long as `min-release-age` asks for?
//!
//! Two clocks tell. The registry's word for when a version was published is unsigned; the time at which a transparency log saw its
//! attestation was verified, and comes before publication. A version is as old as the younger of the two: a registry cannot make a
//! version older than its attestation, and an old attestation does not make a version old that appeared today.
use std::time::Duration;

use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    finding::{Finding, Rule},
    package::PackageId,
    time::Timestamp,
};

/// Judges one version. `published`: by the registry; `logged`: by verified evidence. A version that is too young passes the check
/// and is a finding, which the policy denies and an exemption can lift; one whose age nobody tells is unchecked, and tolerated. A
/// time that is still to come makes a version no older.
///
/// `min_age` of zero asks for nothing: the check is not applicable.
pub fn judge(
    min_age: Duration,
    id: &PackageId,
    published: Option<Timestamp>,
    logged: Option<Timestamp>,
    now: Timestamp,
) -> (CheckResult, Option<Finding>) {
    let result = |status| CheckResult::new(Check::Cooldown, id.to_string(), status);
    if min_age.is_zero() {
        return (result(CheckStatus::NotApplicable), None);
    }
    let Some(since) = published.max(logged) else {
        let why = "the registry does not tell when it was published".to_owned();
        return (result(CheckStatus::Unchecked(why)).tolerated(true), None);
    };
    let age = age(since, now);
    if age >= min_age {
        return (result(CheckStatus::Pass), None);
    }
    let by = if logged > published { "its attestation was logged" } else { "it is out since" };
    let message = match by {
        "it is out since" => format!("it is out since {}, and the policy asks for {}", span(age), span(min_age)),
        by => format!("{by} {} ago, and the policy asks for {}", span(age), span(min_age)),
    };
    (result(CheckStatus::Pass), Some(Finding::new(Rule::TooNew, id.to_string(), message)))
}

/// How long something has been out; nothing if it is still to come.
pub fn age(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or(Duration::ZERO)
}

/// A span as people say it: `3 days`, `5 hours`, `12 minutes`, in whole units, rounded down.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (count, unit) = match seconds {
        0..3_600 => (seconds / 60, "minute"),
        3_600..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// What all packages of one server come to, in one check: `subject` is the server. One unknown age leaves it open, and says of how
/// many packages nobody tells.
pub fn of_server(subject: &str, results: &[CheckResult]) -> CheckResult {
    let result = |status| CheckResult::new(Check::Cooldown, subject, status);
    let open: Vec<&CheckResult> =
        results.iter().filter(|one| matches!(one.status, CheckStatus::Unchecked(_))).collect();
    if let Some(first) = open.first() {
        let why = first.status.reason().unwrap_or_default();
        let why = match open.len() {
            1 => format!("{}: {why}", first.subject),
            many => format!("{many} of {} packages, such as {}: {why}", results.len(), first.subject),
        };
        return result(CheckStatus::Unchecked(why)).tolerated(open.iter().all(|one| one.tolerated));
    }
    let counts = results.iter().any(|one| one.status == CheckStatus::Pass);
    result(if counts { CheckStatus::Pass } else { CheckStatus::NotApplicable })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn id() -> PackageId {
        "npm:files@1.4.2".parse().expect("id")
    }

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().expect("time"))
    }

    fn outcome(published: Option<Timestamp>, logged: Option<Timestamp>) -> (CheckStatus, Option<String>) {
        let now = "2026-06-10T12:00:00Z".parse().expect("time");
        let (check, finding) = judge(DAY, &id(), published, logged, now);
        assert!(finding.iter().all(|finding| finding.rule == Rule::TooNew && finding.subject == "npm:files@1.4.2"));
        (check.status, finding.map(|finding| finding.message))
    }

    #[test]
    fn the_younger_clock_counts() {
        let (old, young) = (at("2026-06-01T00:00:00Z"), at("2026-06-10T09:00:00Z"));
        assert_eq!(outcome(old, None), (CheckStatus::Pass, None));
        assert_eq!(outcome(None, old), (CheckStatus::Pass, None));
        assert_eq!(outcome(old, old), (CheckStatus::Pass, None));
        let (_, told) = outcome(young, None);
        assert_eq!(told.as_deref(), Some("it is out since 3 hours, and the policy asks for 24 hours"));
        assert!(outcome(young, old).1.is_some(), "an old attestation makes nothing old that appeared today");
        let (_, told) = outcome(old, young);
        assert_eq!(
            told.as_deref(),
            Some("its attestation was logged 3 hours ago, and the policy asks for 24 hours"),
            "a registry cannot make a version older than its attestation"
        );
    }

    #[test]
    fn a_day_means_a_whole_day_and_the_future_is_not_old() {
        assert!(outcome(at("2026-06-09T12:00:01Z"), None).1.is_some());
        assert_eq!(outcome(at("2026-06-09T12:00:00Z"), None), (CheckStatus::Pass, None));
        let (_, told) = outcome(at("2099-01-01T00:00:00Z"), None);
        assert_eq!(told.as_deref(), Some("it is out since 0 minutes, and the policy asks for 24 hours"));
    }

    #[test]
    fn what_nobody_tells_is_open_and_no_age_asked_for_is_no_check() {
        let (status, told) = outcome(None, None);
        assert!(matches!(status, CheckStatus::Unchecked(_)) && told.is_none());
        let now = "2026-06-10T12:00:00Z".parse().expect("time");
        let (check, finding) = judge(Duration::ZERO, &id(), at("2026-06-10T11:59:59Z"), None, now);
        assert_eq!((check.status, finding), (CheckStatus::NotApplicable, None));
    }

    #[test]
    fn one_open_package_leaves_the_server_open() {
        let result = |status| CheckResult::new(Check::Cooldown, "npm:a@1.0.0", status);
        let open = || result(CheckStatus::Unchecked("x".to_owned())).tolerated(true);
        let whole = of_server("files", &[result(CheckStatus::Pass), open(), open()]);
        assert_eq!(whole.status.reason(), Some("2 of 3 packages, such as npm:a@1.0.0: x"));
        assert!(whole.tolerated);
        assert!(!of_server("files", &[open(), open().tolerated(false)]).tolerated);
        assert_eq!(of_server("files", &[result(CheckStatus::Pass)]).status, CheckStatus::Pass);
        assert_eq!(of_server("files", &[]).status, CheckStatus::NotApplicable);
    }

    #[test]
    fn spans_are_said_in_whole_units() {
        for (seconds, text) in [
            (0, "0 minutes"),
            (90, "1 minute"),
            (3_600, "1 hour"),
            (86_400, "24 hours"),
            (172_800, "2 days"),
            (300_000, "3 days"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }
}
