//! mcp-signers: whose approvals count, for what, and how many are needed. TOML beside mcp.toml, under the same review.
//!
//! ```toml
//! [[signer]]
//! name = "ada"
//! key = "ssh-ed25519 AAAA… ada@example.test"      # or a PEM block
//! roles = ["security"]                            # `admin` may revoke what others approved
//! valid-from = 2026-01-01
//! valid-until = 2027-12-31
//! revoked = { date = 2026-10-01, reason = "laptop lost" }
//!
//! [criteria.reviewed]                             # without any, every approval counts
//! required = 2                                    # distinct people
//! roles = ["security"]                            # who must have one of these
//! same-policy = true                              # given under the `[policy]` that still stands
//!
//! [[import]]                                      # another team's approvals
//! name = "platform"
//! path = "platform-approvals.jsonl"               # or url = "https://…", pinned in mcp.lock
//! sha256 = "…"                                    # optional
//! criteria = { vetted = "reviewed" }              # their word = ours
//! [[import.signer]]                               # whose approvals of theirs count
//! name = "grace"
//! key = "ssh-ed25519 AAAA…"
//! ```
use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;
use toml_edit::{Document, Item, TableLike};

use super::{key::PublicKey, statement::Word, wire::visible};
use crate::{
    config::{
        ConfigError, Problem,
        reader::{Reader, join, position, tables},
    },
    digest::Digest,
    text::Untrusted,
    time::{Date, Timestamp},
    url::SafeUrl,
};

/// The longest file, in bytes.
const MAX_FILE: usize = 1 << 20;
/// The most entries of each kind.
const MAX_ENTRIES: usize = 1000;

/// Whose approvals count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signers {
    /// `[[signer]]`.
    pub signers: Vec<Signer>,
    /// `[criteria.NAME]`.
    pub criteria: BTreeMap<Word, Criterion>,
    /// `[[import]]`.
    pub imports: Vec<Import>,
}

/// One key of one person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signer {
    /// Who: people are counted by this name, so two keys of one name are one person.
    pub name: SmolStr,
    /// The key.
    pub key: PublicKey,
    /// What they are.
    pub roles: BTreeSet<Word>,
    /// The first day (UTC) on which statements may be issued.
    pub valid_from: Option<Date>,
    /// The last such day.
    pub valid_until: Option<Date>,
    /// Whether the key is no longer believed.
    pub revoked: Option<Withdrawn>,
}

/// Why a key is no longer believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Withdrawn {
    /// From this day (UTC) on. Then nothing that the key ever signed counts: whoever has it can back-date.
    pub date: Date,
    /// Why; safe to print.
    pub reason: String,
}

/// What one kind of review needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Criterion {
    /// How many distinct people; at least one.
    pub required: u32,
    /// Those who count have one of these roles; empty means anybody.
    pub roles: BTreeSet<Word>,
    /// Only approvals that were given under the policy that stands now count.
    pub same_policy: bool,
}

/// Another team's approvals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// What it is called; a word, unique.
    pub name: Word,
    /// Where it is.
    pub source: ImportSource,
    /// The file must have this SHA-256.
    pub sha256: Option<Digest>,
    /// Their words, and what each means here. What is not listed does not count.
    pub criteria: BTreeMap<Word, Word>,
    /// Whose approvals count; they have no roles, and revoke only their own.
    pub signers: Vec<Signer>,
}

/// Where another team's file is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ImportSource {
    /// A file, relative to mcp.toml: lower-level folders and `..` are fine, absolute paths are not.
    Path(SmolStr),
    /// An address, asked only by `mcpsec approvals --update-imports`; everything else uses the copy that mcp.lock pins.
    Url(SafeUrl),
}

impl Signer {
    /// Why a statement of this instant does not count now, if it does not. The instant is the signer's word.
    pub fn refuses(&self, issued: Timestamp, now: Timestamp) -> Option<String> {
        let day = |time: Timestamp| jiff::tz::TimeZone::UTC.to_datetime(time).date();
        if let Some(revoked) = &self.revoked
            && day(now) >= revoked.date
        {
            return Some(format!("the key of {} is revoked since {}: {}", self.name, revoked.date, revoked.reason));
        }
        if let Some(from) = self.valid_from
            && day(issued) < from
        {
            return Some(format!("the key of {} is valid from {from}, and it says {}", self.name, day(issued)));
        }
        if let Some(until) = self.valid_until
            && day(issued) > until
        {
            return Some(format!("the key of {} is valid until {until}, and it says {}", self.name, day(issued)));
        }
        None
    }

    /// Whether they may revoke what others approved.
    pub fn is_admin(&self) -> bool {
        self.roles.iter().any(|role| role.as_str() == "admin")
    }
}

impl Signers {
    /// Nobody: no approval counts.
    pub fn nobody() -> Self {
        Self { signers: Vec::new(), criteria: BTreeMap::new(), imports: Vec::new() }
    }

    /// Reads a file; all its problems at once, with line and column. `file` is the name that errors show.
    ///
    /// # Errors
    /// Not TOML, unknown keys, bad values, one key of two people.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let fail = |problems| ConfigError { file: file.to_owned(), problems };
        let problem = |line, column, message| Problem { line, column, path: String::new(), message, hint: None };
        if text.len() > MAX_FILE {
            return Err(fail(vec![problem(1, 1, format!("larger than {MAX_FILE} bytes"))]));
        }
        let document = Document::parse(text).map_err(|error| {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            let message = Untrusted::new(error.message().lines().next().unwrap_or("not TOML")).excerpt(200);
            fail(vec![problem(line, column, message)])
        })?;
        let mut reader = Reader::new(text);
        let root = document.as_table();
        reader.only(root, "", &["signer", "criteria", "import"]);
        let mut read = Self::nobody();
        let mut owners = Owners::new();
        if let Some(item) = root.get("signer") {
            read.signers = signers(&mut reader, item, "signer", true, &mut owners);
        }
        if let Some(item) = root.get("criteria") {
            read.criteria = criteria(&mut reader, item);
        }
        if let Some(item) = root.get("import") {
            read.imports = imports(&mut reader, item, &mut owners);
        }
        read.check_criteria(&mut reader);
        let problems = reader.into_problems();
        if problems.is_empty() { Ok(read) } else { Err(fail(problems)) }
    }

    /// What the words of an import mean must be something that is asked for.
    fn check_criteria(&self, reader: &mut Reader<'_>) {
        for import in &self.imports {
            for ours in
                import.criteria.values().filter(|word| !self.criteria.is_empty() && !self.criteria.contains_key(*word))
            {
                let message = format!("import {}: there is no [criteria.{ours}]", import.name);
                reader.problem(None, "import.criteria", message, None);
            }
        }
    }
}

/// Whose each key is, wherever it stands: otherwise one person could be counted as two.
type Owners = BTreeMap<Vec<u8>, SmolStr>;

/// The first thing of a table that has a place in the text.
fn place(table: &dyn TableLike, whole: &Item) -> Option<std::ops::Range<usize>> {
    table.iter().find_map(|(_, item)| item.span()).or(whole.span())
}

fn needs<'t>(
    reader: &mut Reader<'_>,
    table: &'t dyn TableLike,
    whole: &Item,
    path: &str,
    key: &str,
) -> Option<&'t Item> {
    let item = table.get(key);
    if item.is_none() {
        reader.problem(place(table, whole), path, format!("needs `{key}`"), None);
    }
    item
}

fn entries<'i>(reader: &mut Reader<'_>, item: &'i Item, path: &str) -> Vec<&'i dyn TableLike> {
    match tables(item) {
        Some(entries) if entries.len() <= MAX_ENTRIES => entries,
        Some(_) => {
            reader.problem(item.span(), path, format!("more than {MAX_ENTRIES}"), None);
            Vec::new()
        }
        None => {
            reader.problem(item.span(), path, format!("must be an array of tables: [[{path}]]"), None);
            Vec::new()
        }
    }
}

fn signers(reader: &mut Reader<'_>, item: &Item, path: &str, own: bool, owners: &mut Owners) -> Vec<Signer> {
    let known: &[&str] = if own {
        &["name", "key", "roles", "valid-from", "valid-until", "revoked"]
    } else {
        &["name", "key", "valid-from", "valid-until", "revoked"]
    };
    let mut out: Vec<Signer> = Vec::new();
    for table in entries(reader, item, path) {
        reader.only(table, path, known);
        let name =
            needs(reader, table, item, path, "name").and_then(|item| reader.parsed(item, &join(path, "name"), name));
        let key = needs(reader, table, item, path, "key")
            .and_then(|item| reader.parsed(item, &join(path, "key"), PublicKey::parse));
        let roles = table.get("roles").map(|item| words(reader, item, &join(path, "roles"))).unwrap_or_default();
        let mut date = |key: &str| table.get(key).and_then(|item| date(reader, item, &join(path, key)));
        let (valid_from, valid_until) = (date("valid-from"), date("valid-until"));
        if let (Some(from), Some(until)) = (valid_from, valid_until)
            && from > until
        {
            reader.problem(place(table, item), path, format!("valid from {from} until {until}: never"), None);
        }
        let revoked = table.get("revoked").and_then(|item| withdrawn(reader, item, &join(path, "revoked")));
        if let (Some(name), Some(key)) = (name, key) {
            let at = table.get("key").and_then(Item::span);
            let owner = owners.entry(key.blob().to_vec()).or_insert_with(|| name.clone());
            if *owner != name {
                let message = format!("the key of {owner} stands under the name {name} too: one key is one person");
                reader.problem(at, &join(path, "key"), message, None);
            } else if out.iter().any(|signer| signer.key == key) {
                reader.problem(at, &join(path, "key"), "stands twice: one entry says all of a key", None);
            }
            out.push(Signer { name, key, roles, valid_from, valid_until, revoked });
        }
    }
    out
}

fn withdrawn(reader: &mut Reader<'_>, item: &Item, path: &str) -> Option<Withdrawn> {
    let table = reader.table(item, path)?;
    reader.only(table, path, &["date", "reason"]);
    let day = needs(reader, table, item, path, "date").and_then(|item| date(reader, item, &join(path, "date")));
    let reason = needs(reader, table, item, path, "reason")
        .and_then(|item| reader.parsed(item, &join(path, "reason"), sentence));
    Some(Withdrawn { date: day?, reason: reason? })
}

fn criteria(reader: &mut Reader<'_>, item: &Item) -> BTreeMap<Word, Criterion> {
    let mut out = BTreeMap::new();
    let Some(table) = reader.table(item, "criteria") else { return out };
    for (key, item) in table.iter() {
        let path = join("criteria", key);
        let word = match key.parse::<Word>() {
            Ok(word) => word,
            Err(message) => {
                reader.problem(table.key(key).and_then(toml_edit::Key::span), &path, message, None);
                continue;
            }
        };
        let Some(table) = reader.table(item, &path) else { continue };
        reader.only(table, &path, &["required", "roles", "same-policy"]);
        let mut required = 1;
        if let Some(item) = table.get("required") {
            match item
                .as_integer()
                .and_then(|number| u32::try_from(number).ok())
                .filter(|number| (1..=100).contains(number))
            {
                Some(number) => required = number,
                None => reader.problem(item.span(), &join(&path, "required"), "must be a number from 1 to 100", None),
            }
        }
        let roles = table.get("roles").map(|item| words(reader, item, &join(&path, "roles"))).unwrap_or_default();
        let mut same_policy = false;
        if let Some(item) = table.get("same-policy") {
            match item.as_bool() {
                Some(flag) => same_policy = flag,
                None => reader.problem(item.span(), &join(&path, "same-policy"), "must be true or false", None),
            }
        }
        out.insert(word, Criterion { required, roles, same_policy });
    }
    out
}

fn imports(reader: &mut Reader<'_>, item: &Item, owners: &mut Owners) -> Vec<Import> {
    let mut out: Vec<Import> = Vec::new();
    let path = "import";
    for table in entries(reader, item, path) {
        reader.only(table, path, &["name", "path", "url", "sha256", "criteria", "signer"]);
        let name = needs(reader, table, item, path, "name")
            .and_then(|item| reader.parsed(item, "import.name", str::parse::<Word>));
        let source = match (table.get("path"), table.get("url")) {
            (Some(item), None) => reader.parsed(item, "import.path", relative).map(ImportSource::Path),
            (None, Some(item)) => reader.parsed(item, "import.url", address).map(ImportSource::Url),
            _ => {
                reader.problem(place(table, item), path, "needs either `path` or `url`", None);
                None
            }
        };
        let sha256 = table.get("sha256").and_then(|item| {
            reader.parsed(item, "import.sha256", |text| Digest::sha256_from_hex(text.trim_start_matches("sha256:")))
        });
        let criteria = table.get("criteria").map(|item| mapping(reader, item)).unwrap_or_default();
        if criteria.is_empty() {
            let hint = "criteria = { reviewed = \"reviewed\" } takes their word as ours".to_owned();
            reader.problem(place(table, item), path, "needs `criteria`: what their words mean here", Some(hint));
        }
        let people = match table.get("signer") {
            Some(item) => signers(reader, item, "import.signer", false, owners),
            None => {
                let hint = "add [[import.signer]] with name and key".to_owned();
                reader.problem(place(table, item), path, "names no signer: nothing of it would count", Some(hint));
                Vec::new()
            }
        };
        let (Some(name), Some(source)) = (name, source) else { continue };
        if out.iter().any(|import| import.name == name) {
            reader.problem(place(table, item), path, format!("there are two imports `{name}`"), None);
        }
        out.push(Import { name, source, sha256, criteria, signers: people });
    }
    out
}

fn mapping(reader: &mut Reader<'_>, item: &Item) -> BTreeMap<Word, Word> {
    let mut out = BTreeMap::new();
    let Some(table) = reader.table(item, "import.criteria") else { return out };
    for (theirs, item) in table.iter() {
        let path = join("import.criteria", theirs);
        let ours = reader.parsed(item, &path, str::parse::<Word>);
        match theirs.parse::<Word>() {
            Ok(theirs) => out.extend(ours.map(|ours| (theirs, ours))),
            Err(message) => reader.problem(item.span(), &path, message, None),
        }
    }
    out
}

fn words(reader: &mut Reader<'_>, item: &Item, path: &str) -> BTreeSet<Word> {
    let mut out = BTreeSet::new();
    for text in reader.strings(item, path).unwrap_or_default() {
        match text.parse() {
            Ok(word) => {
                out.insert(word);
            }
            Err(message) => reader.problem(item.span(), path, message, None),
        }
    }
    out
}

fn date(reader: &mut Reader<'_>, item: &Item, path: &str) -> Option<Date> {
    let text = item.as_datetime().map(ToString::to_string).or_else(|| item.as_str().map(str::to_owned));
    let date = text.filter(|text| text.len() == 10).and_then(|text| text.parse().ok());
    if date.is_none() {
        reader.problem(item.span(), path, "must be a date such as 2027-01-31", None);
    }
    date
}

/// A name that reports can show: no slashes, which separate an import from its people.
fn name(text: &str) -> Result<SmolStr, &'static str> {
    let fits = visible(text, 1) && text.len() <= 100 && text.trim() == text && !text.contains(['/', ',']);
    if fits { Ok(text.into()) } else { Err("must be a visible name of at most 100 bytes, without `/` and `,`") }
}

fn sentence(text: &str) -> Result<String, &'static str> {
    if visible(text.trim(), 1) { Ok(text.trim().to_owned()) } else { Err("must say why, in visible words") }
}

fn relative(text: &str) -> Result<SmolStr, &'static str> {
    let fits = visible(text, 1) && !text.starts_with(['/', '\\', '~']) && !text.contains([':', '\\']);
    if fits { Ok(text.into()) } else { Err("must be a path relative to mcp.toml, with `/`") }
}

fn address(text: &str) -> Result<SafeUrl, String> {
    let url: SafeUrl = text.parse().map_err(|error| format!("{error}"))?;
    let plain = url.expose();
    let fits = matches!(plain.scheme(), "https" | "http")
        && plain.username().is_empty()
        && plain.password().is_none()
        && plain.query().is_none()
        && plain.fragment().is_none();
    if fits {
        Ok(url)
    } else {
        Err("must be an http or https address without credentials, query and fragment".to_owned())
    }
}
