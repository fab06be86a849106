//! The policy about evidence: who must have built or signed what, and what a loss of trust does.
use smol_str::SmolStr;
use toml_edit::{Item, TableLike};

use super::{
    policy::{MAX_RULES, Provenance, ProvenanceRule},
    reader::{Reader, join, tables},
};
use crate::{
    evidence::{Signer, SignerPin},
    name::{Ecosystem, ServerName},
    package::PackageId,
    text::Untrusted,
};

/// What a rule is about: `server:NAME` is that server's own package, `npm:@scope/*` packages by name. One `*` at the end stands
/// for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: SmolStr,
    /// The same in the form in which names are compared.
    normal: SmolStr,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, as a fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = || {
            let shown = Untrusted::new(text).excerpt(60);
            format!("`{shown}` is not `server:NAME`, `npm:NAME`, `npm:@scope/*`, `pypi:NAME` or `git+URL`")
        };
        let name = ["server:", "npm:", "pypi:", "git+"]
            .iter()
            .find_map(|start| text.strip_prefix(start))
            .ok_or_else(refuse)?;
        let body = name.strip_suffix('*').unwrap_or(name);
        let fits = !name.is_empty()
            && text.len() <= 512
            && !body.contains('*')
            && body.bytes().all(|b| b.is_ascii_graphic())
            && !(text.starts_with("npm:") || text.starts_with("pypi:")) | !body.trim_start_matches('@').contains('@');
        let normal = match text.strip_prefix("pypi:") {
            Some(name) => format!("pypi:{}", normal_pypi(name)).into(),
            None => SmolStr::new(text),
        };
        if fits { Ok(Self { text: text.into(), normal }) } else { Err(refuse()) }
    }

    /// Whether it names servers, and not packages.
    pub fn is_server(&self) -> bool {
        self.text.starts_with("server:")
    }

    /// Whether two patterns are about the same, however they are written.
    pub fn is_same(&self, other: &Self) -> bool {
        self.normal == other.normal
    }

    /// Whether everything that `other` is about is what this one is about.
    pub fn includes(&self, other: &Self) -> bool {
        match self.normal.strip_suffix('*') {
            Some(start) => other.normal.starts_with(start),
            None => self.normal == other.normal,
        }
    }

    /// As mcp.toml has it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is about this package, which is the own package of `root_of` if given. The second value orders patterns that
    /// both match: the longer, the more exact; a server's name before any package's.
    pub fn matches(&self, package: &PackageId, root_of: Option<&ServerName>) -> Option<(bool, usize)> {
        self.fits(Some(package), root_of)
    }

    /// The same for something that may be about no package.
    pub fn fits(&self, package: Option<&PackageId>, server: Option<&ServerName>) -> Option<(bool, usize)> {
        let fits = |pattern: &str, name: &str| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        };
        if let Some(pattern) = self.text.strip_prefix("server:") {
            return server.filter(|name| fits(pattern, name.as_str())).map(|_| (true, exactness(pattern)));
        }
        let package = package?;
        let name = match package.ecosystem() {
            Ecosystem::Git => package.name().to_string(),
            ecosystem => format!("{ecosystem}:{}", package.name()),
        };
        fits(&self.normal, &name).then_some((false, exactness(&self.normal)))
    }
}

/// The most exact of the patterns that are about a package or a server, with what it says. Of equal ones the last counts.
pub fn most_exact<'r, T>(
    rules: &'r [(Pattern, T)],
    package: Option<&PackageId>,
    server: Option<&ServerName>,
) -> Option<&'r (Pattern, T)> {
    let matching = rules.iter().filter_map(|rule| Some((rule.0.fits(package, server)?, rule)));
    matching.max_by_key(|(exactness, _)| *exactness).map(|(_, rule)| rule)
}

/// Lower case, and one `-` for each run of `-`, `_` and `.` (PEP 503); a `*` stays.
fn normal_pypi(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.push(c.to_ascii_lowercase()),
        }
    }
    out
}

/// A name without `*` before a pattern that starts with all of it, a longer start before a shorter one.
fn exactness(pattern: &str) -> usize {
    pattern.strip_suffix('*').map_or(2 * pattern.len() + 1, |start| 2 * start.len())
}

/// Who is expected to have signed some packages. Every field that is given must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedSigner {
    /// The packages.
    pub subject: Pattern,
    /// The repository that is built, a URL.
    pub repository: Option<SmolStr>,
    /// The workflow that signs: its URL, or its path in `repository`.
    pub workflow: Option<SmolStr>,
    /// The OIDC issuer, a URL.
    pub issuer: Option<SmolStr>,
    /// The ref that is built; one `*` at the end stands for anything.
    pub reference: Option<SmolStr>,
    /// The certificate's subject: an e-mail address or a URI.
    pub identity: Option<SmolStr>,
    /// A key id or fingerprint.
    pub key: Option<SmolStr>,
}

impl ExpectedSigner {
    /// Whether a signer is the expected one.
    pub fn admits(&self, signer: &Signer) -> bool {
        let same = |wanted: &Option<SmolStr>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        match signer {
            Signer::Key { id, principal, .. } => {
                let by_certificate = [&self.repository, &self.workflow, &self.issuer, &self.reference];
                by_certificate.into_iter().all(Option::is_none)
                    && same(&self.key, Some(id))
                    && same(&self.identity, principal.as_deref())
            }
            Signer::Identity(identity) => {
                let workflow = identity.workflow.as_deref();
                let path = workflow.zip(identity.repository.as_deref()).and_then(|(workflow, repository)| {
                    workflow.strip_prefix(repository.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'))
                });
                let reference = |wanted: &str| {
                    let found = identity.reference.as_deref().unwrap_or_default();
                    match wanted.strip_suffix('*') {
                        Some(start) => found.starts_with(start),
                        None => found == wanted,
                    }
                };
                self.key.is_none()
                    && same(&self.repository, identity.repository.as_deref())
                    && (same(&self.workflow, workflow) || same(&self.workflow, path))
                    && same(&self.issuer, Some(&identity.issuer))
                    && self.reference.as_deref().is_none_or(reference)
                    && same(&self.identity, Some(&identity.subject))
            }
        }
    }

    /// What is expected, in one line for messages.
    pub fn describe(&self) -> String {
        let parts = [
            ("", &self.repository),
            ("", &self.workflow),
            ("ref ", &self.reference),
            ("issuer ", &self.issuer),
            ("", &self.identity),
            ("key ", &self.key),
        ];
        let given = parts
            .iter()
            .filter_map(|(word, value)| Some(format!("{word}{}", Untrusted::new(value.as_deref()?).excerpt(200))));
        given.collect::<Vec<_>>().join(" ")
    }

    /// The lines of mcp.toml that would expect a pinned signer, for hints.
    pub fn suggestion(subject: &str, pin: &SignerPin) -> String {
        let body = match pin {
            SignerPin::Key { id, .. } => format!("key = \"{id}\""),
            SignerPin::Workload { repository, .. } => format!("repository = \"{repository}\""),
            SignerPin::Subject { subject, .. } => format!("identity = \"{subject}\""),
        };
        format!("[[policy.signers]] for = \"{subject}\", {body}")
    }
}

/// `signed` is about git only: on a registry it would look like a demand and be none.
const REGISTRY_WORDS: &[(&str, ProvenanceRule)] = &[
    ("off", ProvenanceRule::Off),
    ("if-published", ProvenanceRule::IfPublished),
    ("required", ProvenanceRule::Required),
];

pub(super) const SIGNER_KEYS: &[&str] = &["for", "repository", "workflow", "issuer", "ref", "identity", "key"];

pub(super) fn read_provenance(reader: &mut Reader<'_>, item: &Item, path: &str, out: &mut Provenance) {
    if item.is_str() {
        if let Some(rule) = reader.word(item, path, REGISTRY_WORDS) {
            (out.npm, out.pypi, out.git) = (rule, rule, rule);
            for key in super::policy::PROVENANCE_KEYS {
                reader.given(&join(path, key), item.span());
            }
        }
        return;
    }
    let Some(table) = reader.table(item, path) else { return };
    for (key, item) in table.iter() {
        let place = match key {
            "npm" => &mut out.npm,
            "pypi" => &mut out.pypi,
            "git" => &mut out.git,
            pattern if pattern.contains([':', '+']) => {
                read_rule(reader, pattern, item, &join(path, key), &mut out.rules);
                continue;
            }
            _ => continue,
        };
        let words = if key == "git" { ProvenanceRule::WORDS } else { REGISTRY_WORDS };
        let path = join(path, key);
        if let Some(rule) = reader.word(item, &path, words) {
            *place = rule;
            reader.given(&path, item.span());
        }
    }
    let patterns: Vec<&str> = table.iter().map(|(key, _)| key).filter(|key| key.contains([':', '+'])).collect();
    let known: Vec<&str> = super::policy::PROVENANCE_KEYS.iter().copied().chain(patterns).collect();
    reader.only(table, path, &known);
}

fn read_rule(
    reader: &mut Reader<'_>,
    pattern: &str,
    item: &Item,
    path: &str,
    out: &mut Vec<(Pattern, ProvenanceRule)>,
) {
    let words = if pattern.starts_with("npm:") || pattern.starts_with("pypi:") {
        REGISTRY_WORDS
    } else {
        ProvenanceRule::WORDS
    };
    match Pattern::parse(pattern) {
        Err(message) => reader.problem(item.span(), path, message, None),
        Ok(pattern) => {
            if let Some(rule) = reader.word(item, path, words) {
                put(reader, "policy.provenance", item, out, pattern, rule);
            }
        }
    }
}

/// Adds what a pattern says, in place of what another file said about the same. One file may say it once.
pub(super) fn put<T>(
    reader: &mut Reader<'_>,
    parent: &str,
    item: &Item,
    rules: &mut Vec<(Pattern, T)>,
    pattern: Pattern,
    value: T,
) {
    let path = |pattern: &Pattern| format!("{parent}.{}", pattern.as_str());
    if let Some((known, _)) = rules.iter().find(|(known, _)| known.is_same(&pattern)) {
        if reader.is_given(&path(known)) {
            let message = format!("`{}` and `{}` are the same", known.as_str(), pattern.as_str());
            reader.problem(item.span(), &join(parent, pattern.as_str()), message, None);
            return;
        }
        rules.retain(|(known, _)| !known.is_same(&pattern));
    }
    if rules.len() >= MAX_RULES {
        reader.problem(item.span(), parent, format!("more than {MAX_RULES} rules"), None);
        return;
    }
    reader.given(&path(&pattern), item.span());
    rules.push((pattern, value));
}

pub(super) fn read_signers(reader: &mut Reader<'_>, item: &Item, path: &str) -> Vec<ExpectedSigner> {
    let Some(entries) = tables(item) else {
        reader.problem(item.span(), path, "must be an array of tables: [[policy.signers]]", None);
        return Vec::new();
    };
    if entries.len() > MAX_RULES {
        reader.problem(item.span(), path, format!("more than {MAX_RULES} signers"), None);
        return Vec::new();
    }
    entries.into_iter().filter_map(|table| read_signer(reader, item, table, path)).collect()
}

fn read_signer(reader: &mut Reader<'_>, whole: &Item, table: &dyn TableLike, path: &str) -> Option<ExpectedSigner> {
    reader.only(table, path, SIGNER_KEYS);
    let at = table.iter().next().and_then(|(_, item)| item.span()).or(whole.span());
    let Some(subject) = table.get("for") else {
        reader.problem(
            at,
            path,
            "needs `for`: the packages it is about, such as \"npm:@scope/*\" or \"server:files\"",
            None,
        );
        return None;
    };
    let subject = reader.parsed(subject, &join(path, "for"), Pattern::parse)?;
    let plain = |text: &str| {
        let fits = !text.is_empty() && text.len() <= 1024 && !text.chars().any(crate::text::is_hidden);
        if fits { Ok(SmolStr::new(text)) } else { Err("must be a visible text") }
    };
    let mut text = |key: &str| table.get(key).and_then(|item| reader.parsed(item, &join(path, key), plain));
    let signer = ExpectedSigner {
        subject,
        repository: text("repository"),
        workflow: text("workflow"),
        issuer: text("issuer"),
        reference: text("ref"),
        identity: text("identity"),
        key: text("key"),
    };
    if signer.describe().is_empty() {
        reader.problem(at, path, "expects nobody: give `repository`, `identity` or `key`", None);
        return None;
    }
    reader.given(&format!("policy.signers.{}", signer.subject.as_str()), at);
    Some(signer)
}

/// The plain name of a file beside mcp.toml, under the same review; a path could point out of the repository.
pub(super) fn file_beside(text: &str) -> Result<SmolStr, &'static str> {
    let fits = !text.is_empty()
        && text.len() <= 255
        && !text.starts_with('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if fits { Ok(text.into()) } else { Err("must be the plain name of a file beside mcp.toml, not a path") }
}
