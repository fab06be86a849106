//! Reads `[policy]` of one file over what there is: keys that are absent stay as they are.
use std::time::Duration;

use toml_edit::{Item, TableLike};

use super::{
    Advisories, Approvals, CapturePolicy, ClientsPolicy, DatabasePolicy, DriftPolicy, Exemption, Isolation, Level,
    Policy, RuleLevel, UpstreamPolicy, keys::PolicyKeys,
};
use crate::{
    config::{
        reader::{Reader, join, tables},
        trust::{self, Pattern},
    },
    finding::{Place, Rule},
    text::Untrusted,
    time::Date,
};

pub(crate) const KEYS: &[&str] = &[
    "extends",
    "locked",
    "min-release-age",
    "provenance",
    "signers",
    "trust-downgrade",
    "git-signers",
    "git-keys",
    "install-scripts",
    "isolation",
    "allow-isolation-none",
    "capture",
    "drift",
    "approvals",
    "upstream",
    "advisories",
    "clients",
    "rules",
    "exempt",
];
pub(crate) const PROVENANCE_KEYS: &[&str] = &["npm", "pypi", "git"];
pub(crate) const APPROVAL_KEYS: &[&str] = &["required", "signers"];
pub(crate) const EXEMPT_KEYS: &[&str] = &["rule", "subject", "reason", "until"];
pub(crate) const DRIFT_KEYS: &[&str] = &["cosmetic", "wording", "additive", "breaking", "dangerous"];
pub(crate) const ADVISORY_KEYS: &[&str] = &["malware", "critical", "high", "medium", "low", "database", "max-age"];

/// Most rules, signers or exemptions of one kind.
pub(crate) const MAX_RULES: usize = 1000;

/// Which file is read: not every key has a meaning in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// mcp.toml.
    Project,
    /// A policy that mcp.toml extends.
    Base,
    /// A policy of this machine or user.
    Machine,
}

/// What a file says besides values.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// The keys that nothing above may loosen, with the line of the list.
    pub(crate) locked: Vec<(String, u32)>,
    /// `allow-isolation-none`.
    pub(crate) allow_isolation_none: Option<bool>,
}

/// Reads `[policy]` over `policy`. `file` is the name that places show.
pub(crate) fn read(reader: &mut Reader<'_>, item: &Item, file: &str, kind: Kind, policy: &mut Policy) -> Said {
    let mut said = Said::default();
    let Some(table) = reader.table(item, "policy") else { return said };
    reader.only(table, "policy", KEYS);
    for (key, item) in table.iter() {
        let path = join("policy", key);
        // Places are those of keys: a value may begin further down.
        let at = table.key(key).and_then(toml_edit::Key::span).or(item.span());
        if let Some((message, hint)) = misplaced(key, kind) {
            reader.problem(at, &path, message, Some(hint.to_owned()));
            continue;
        }
        match key {
            "extends" => {
                let _path = reader.parsed(item, &path, super::layers::file_name);
            }
            "locked" => said.locked = read_locked(reader, item, &path),
            "min-release-age" => read_ages(reader, item, &path, policy),
            "provenance" => trust::read_provenance(reader, item, &path, &mut policy.provenance),
            "signers" => policy.signers = trust::read_signers(reader, item, &path),
            "trust-downgrade" => word(reader, item, &path, Level::WORDS, &mut policy.trust_downgrade),
            "git-signers" => read_file(reader, item, &path, &mut policy.git_signers),
            "git-keys" => read_file(reader, item, &path, &mut policy.git_keys),
            "install-scripts" => read_scripts(reader, item, &path, policy),
            "isolation" => word(reader, item, &path, Isolation::WORDS, &mut policy.isolation),
            "allow-isolation-none" => {
                said.allow_isolation_none = item.as_bool();
                if item.as_bool().is_none() {
                    reader.problem(item.span(), &path, "must be true or false", None);
                }
            }
            "capture" => word(reader, item, &path, CapturePolicy::WORDS, &mut policy.capture),
            "upstream" => word(reader, item, &path, UpstreamPolicy::WORDS, &mut policy.upstream),
            "drift" => read_drift(reader, item, &path, &mut policy.drift),
            "approvals" => read_approvals(reader, item, &path, &mut policy.approvals),
            "advisories" => read_advisories(reader, item, &path, &mut policy.advisories),
            "clients" => word(reader, item, &path, ClientsPolicy::WORDS, &mut policy.clients),
            "rules" => read_rules(reader, item, &path, policy),
            "exempt" => {
                let more = read_exemptions(reader, item, &path, file);
                policy.exempt.extend(more);
            }
            _ => {}
        }
        // Leaves of tables note themselves.
        let whole = ["signers", "install-scripts", "exempt"];
        if whole.contains(&key) {
            reader.given(&path, at);
        }
    }
    said
}

/// Why a key has no meaning in a file of this kind, and where it belongs.
fn misplaced(key: &str, kind: Kind) -> Option<(&'static str, &'static str)> {
    match (key, kind) {
        ("allow-isolation-none", Kind::Project | Kind::Base) => Some((
            "only whose machine it is may allow that servers run without a sandbox",
            "put it into policy.toml in mcpsec's configuration folder; `mcpsec explain policy` names it",
        )),
        ("extends" | "locked", Kind::Machine) => {
            Some(("has no meaning for a machine: all its keys hold at least", "leave it out"))
        }
        ("exempt", Kind::Machine) => {
            Some(("exemptions are for the project, where others read them", "move it into mcp.toml"))
        }
        ("locked", Kind::Project) => Some((
            "locks keys for files that extend this one, and nothing extends mcp.toml",
            "move it into the file that `extends` names",
        )),
        _ => None,
    }
}

fn word<T: Copy>(reader: &mut Reader<'_>, item: &Item, path: &str, words: &[(&str, T)], place: &mut T) {
    if let Some(value) = reader.word(item, path, words) {
        *place = value;
        reader.given(path, item.span());
    }
}

fn read_file(reader: &mut Reader<'_>, item: &Item, path: &str, place: &mut Option<smol_str::SmolStr>) {
    *place = reader.parsed(item, path, trust::file_beside);
    reader.given(path, item.span());
}

fn read_locked(reader: &mut Reader<'_>, item: &Item, path: &str) -> Vec<(String, u32)> {
    let line = reader.line(item.span());
    let mut out = Vec::new();
    for key in reader.strings(item, path).unwrap_or_default() {
        if PolicyKeys::below(&key).next().is_some() || is_rule_key(&key) {
            out.push((key, line));
        } else {
            let shown = Untrusted::new(key.as_str()).excerpt(60);
            let message = format!("`{shown}` is no key that can be locked");
            let hint = "name keys as docs/policy.md does, such as \"isolation\" or \"advisories.high\"".to_owned();
            reader.problem(item.span(), path, message, Some(hint));
        }
    }
    if !out.is_empty() {
        reader.given(path, item.span());
    }
    out
}

fn is_rule_key(key: &str) -> bool {
    key.strip_prefix("rules.").is_some_and(|id| Rule::ALL.iter().any(|rule| rule.id() == id))
}

fn read_ages(reader: &mut Reader<'_>, item: &Item, path: &str, policy: &mut Policy) {
    let Some(table) = item.as_table_like() else {
        if let Some(age) = reader.parsed(item, path, parse_age) {
            policy.min_release_age = age;
            reader.given(path, item.span());
        }
        return;
    };
    for (key, item) in table.iter() {
        let at = join(path, key);
        let Some(age) = reader.parsed(item, &at, parse_age) else { continue };
        if key == "default" {
            policy.min_release_age = age;
            reader.given(path, item.span());
            continue;
        }
        match Pattern::parse(key) {
            Ok(pattern) => trust::put(reader, path, item, &mut policy.release_ages, pattern, age),
            Err(message) => {
                reader.problem(item.span(), &at, format!("neither `default`, nor a pattern: {message}"), None)
            }
        }
    }
}

fn read_scripts(reader: &mut Reader<'_>, item: &Item, path: &str, policy: &mut Policy) {
    if item.as_str() == Some("deny") {
        policy.install_scripts.clear();
    } else if item.is_array() {
        let ids = reader.strings(item, path).unwrap_or_default();
        for id in &ids {
            if let Err(error) = id.parse::<crate::package::PackageId>() {
                reader.problem(item.span(), path, error.to_string(), None);
            }
        }
        policy.install_scripts = ids.into_iter().map(Into::into).collect();
    } else {
        let message = "must be \"deny\" or a list of package ids such as \"npm:name@1.0.0\"";
        reader.problem(item.span(), path, message, None);
    }
}

fn read_drift(reader: &mut Reader<'_>, item: &Item, path: &str, out: &mut DriftPolicy) {
    let Some(table) = reader.table(item, path) else { return };
    reader.only(table, path, DRIFT_KEYS);
    for (key, item) in table.iter() {
        let place = match key {
            "cosmetic" => &mut out.cosmetic,
            "wording" => &mut out.wording,
            "additive" => &mut out.additive,
            "breaking" => &mut out.breaking,
            "dangerous" => &mut out.dangerous,
            _ => continue,
        };
        word(reader, item, &join(path, key), Level::WORDS, place);
    }
}

fn read_advisories(reader: &mut Reader<'_>, item: &Item, path: &str, out: &mut Advisories) {
    let Some(table) = reader.table(item, path) else { return };
    reader.only(table, path, ADVISORY_KEYS);
    for (key, item) in table.iter() {
        let path = join(path, key);
        let place = match key {
            "malware" => &mut out.malware,
            "critical" => &mut out.critical,
            "high" => &mut out.high,
            "medium" => &mut out.medium,
            "low" => &mut out.low,
            "database" => {
                word(reader, item, &path, DatabasePolicy::WORDS, &mut out.database);
                continue;
            }
            "max-age" => {
                if let Some(age) = reader.parsed(item, &path, parse_age) {
                    out.max_age = age;
                    reader.given(&path, item.span());
                }
                continue;
            }
            _ => continue,
        };
        word(reader, item, &path, Level::WORDS, place);
    }
}

fn read_approvals(reader: &mut Reader<'_>, item: &Item, path: &str, out: &mut Approvals) {
    let Some(table) = reader.table(item, path) else { return };
    reader.only(table, path, APPROVAL_KEYS);
    if let Some(item) = table.get("required") {
        let path = join(path, "required");
        match item.as_integer().and_then(|number| u32::try_from(number).ok()) {
            Some(required) => {
                out.required = required;
                reader.given(&path, item.span());
            }
            None => reader.problem(item.span(), &path, "must be a number from 0 upwards", None),
        }
    }
    if let Some(item) = table.get("signers") {
        read_file(reader, item, &join(path, "signers"), &mut out.signers);
    }
}

fn read_rules(reader: &mut Reader<'_>, item: &Item, path: &str, policy: &mut Policy) {
    let Some(table) = reader.table(item, path) else { return };
    let known: Vec<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    for (key, item) in table.iter() {
        let Some(rule) = Rule::ALL.iter().find(|rule| rule.id() == key) else {
            let at = table.key(key).and_then(toml_edit::Key::span).or(item.span());
            let hint = crate::config::reader::suggestion(key, &known);
            let hint = hint.or_else(|| Some("`mcpsec explain` lists all rules".to_owned()));
            reader.problem(at, &join(path, key), "there is no such rule", hint);
            continue;
        };
        let path = join(path, key);
        let level = policy.rules.entry(*rule).or_default();
        read_rule(reader, item, &path, level);
        // An empty table says nothing.
        policy.rules.retain(|_, level| *level != RuleLevel::default());
    }
}

fn read_rule(reader: &mut Reader<'_>, item: &Item, path: &str, out: &mut RuleLevel) {
    if item.is_str() {
        if let Some(level) = reader.word(item, path, Level::WORDS) {
            out.level = Some(level);
            reader.given(path, item.span());
        }
        return;
    }
    let Some(table) = item.as_table_like() else {
        let message = "must be `allow`, `warn` or `deny`, or a table of `level` and patterns";
        reader.problem(item.span(), path, message, None);
        return;
    };
    for (key, item) in table.iter() {
        let at = join(path, key);
        let Some(level) = reader.word(item, &at, Level::WORDS) else { continue };
        if key == "level" {
            out.level = Some(level);
            reader.given(path, item.span());
            continue;
        }
        match Pattern::parse(key) {
            Ok(pattern) => trust::put(reader, path, item, &mut out.exceptions, pattern, level),
            Err(message) => {
                reader.problem(item.span(), &at, format!("neither `level`, nor a pattern: {message}"), None)
            }
        }
    }
}

fn read_exemptions(reader: &mut Reader<'_>, item: &Item, path: &str, file: &str) -> Vec<Exemption> {
    let Some(entries) = tables(item) else {
        reader.problem(item.span(), path, "must be an array of tables: [[policy.exempt]]", None);
        return Vec::new();
    };
    if entries.len() > MAX_RULES {
        reader.problem(item.span(), path, format!("more than {MAX_RULES} exemptions"), None);
        return Vec::new();
    }
    entries.into_iter().filter_map(|table| read_exemption(reader, item, table, path, file)).collect()
}

fn read_exemption(
    reader: &mut Reader<'_>,
    whole: &Item,
    table: &dyn TableLike,
    path: &str,
    file: &str,
) -> Option<Exemption> {
    reader.only(table, path, EXEMPT_KEYS);
    for key in EXEMPT_KEYS {
        if table.get(key).is_none() {
            let at = table.iter().next().and_then(|(_, item)| item.span()).or(whole.span());
            let message = format!("needs `{key}`: an exemption has a rule, a subject, a reason and an end");
            reader.problem(at, path, message, None);
            return None;
        }
    }
    let rule = reader.string(table.get("rule")?, &join(path, "rule"))?;
    // Rules of later versions may be named, since a team shares one file; they are reported as unmatched, not refused.
    let rule = Rule::ALL.iter().find(|known| known.id() == rule).map_or(rule, |known| known.id());
    let subject = reader.string(table.get("subject")?, &join(path, "subject"))?.to_owned();
    if subject.trim().is_empty() {
        let message = "must say what is exempt, as the finding shows it";
        reader.problem(table.get("subject")?.span(), &join(path, "subject"), message, None);
        return None;
    }
    let reason_item = table.get("reason")?;
    let reason = reader.string(reason_item, &join(path, "reason"))?.trim().to_owned();
    if reason.is_empty() {
        reader.problem(reason_item.span(), &join(path, "reason"), "must say why", None);
        return None;
    }
    let until_item = table.get("until")?;
    let until = until_item.as_datetime().map(ToString::to_string).or_else(|| until_item.as_str().map(str::to_owned));
    let Some(until) = until.and_then(|text| text.parse::<Date>().ok()) else {
        reader.problem(until_item.span(), &join(path, "until"), "must be a date such as 2027-01-31", None);
        return None;
    };
    let at = table.key("rule").and_then(toml_edit::Key::span).or(table.get("rule")?.span());
    let place = Some(Place { file: file.to_owned(), line: reader.line(at) });
    Some(Exemption { rule: rule.into(), subject, reason, until, place })
}

/// `3d`, `12h`, `0d`, `2w`.
fn parse_age(text: &str) -> Result<Duration, String> {
    let refuse = || format!("`{}` is not an age such as \"3d\", \"12h\" or \"2w\"", Untrusted::new(text).excerpt(20));
    let unit = text.chars().last().ok_or_else(refuse)?;
    let number: u64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| refuse())?;
    let seconds = match unit {
        'h' => 3600,
        'd' => 24 * 3600,
        'w' => 7 * 24 * 3600,
        _ => return Err(refuse()),
    };
    number.checked_mul(seconds).filter(|total| *total <= 3660 * 24 * 3600).map(Duration::from_secs).ok_or_else(refuse)
}

/// An age as [`parse_age`] reads it, in the largest unit that fits.
pub(super) fn show_age(age: Duration) -> String {
    let hours = age.as_secs() / 3600;
    if hours.is_multiple_of(24) { format!("{}d", hours / 24) } else { format!("{hours}h") }
}
