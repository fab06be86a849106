//! Policies over each other: what mcp.toml extends, mcp.toml itself, and what the machine asks for at least.
//!
//! | layer | its keys |
//! |---|---|
//! | the starter policy | have a value for everything |
//! | files that `extends` leads to, the outermost first | win over those before; those it lists in `locked` may only get stricter after it |
//! | mcp.toml | wins over those before |
//! | policy.toml of the system and of the user | hold at least: the stricter value counts |
//!
//! Files are read by whoever calls; here is text, and what came of it with the place of each value.
use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{Document, Item};

use super::{
    Floor, Isolation, Policy,
    keys::{PolicyKeys, looser_rule},
    read::{self, Kind, Said},
};
use crate::{
    config::{
        SIZE_LIMIT,
        error::{ConfigError, Problem},
        reader::{Reader, position},
    },
    finding::{Place, Rule},
    text::{Untrusted, is_hidden},
};

/// Longer chains of `extends` are refused.
pub const MAX_BASES: usize = 4;

/// The text of one policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyText {
    /// Its name as shown: as `extends` has it, or its whole path.
    pub file: String,
    /// What it says: a `[policy]` table and nothing else.
    pub text: String,
}

/// The files around an mcp.toml.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layers {
    /// What mcp.toml extends, the outermost first: at most [`MAX_BASES`].
    pub bases: Vec<PolicyText>,
    /// What holds at least on this machine.
    pub machine: Vec<PolicyText>,
}

/// Where the values of a policy come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicySources {
    origins: BTreeMap<String, Place>,
    held: BTreeMap<String, Held>,
    /// What was to be loosened and is not, in the order of the files.
    pub weakenings: Vec<Weakening>,
    /// Every file that was read and has a policy, in that order.
    pub files: Vec<String>,
    /// The name of mcp.toml, as places have it.
    pub(in crate::config) project: String,
}

/// Who holds a key at its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The file and the line, if a file does. mcpsec itself holds `isolation` where no file of the machine allows none.
    pub by: Option<Place>,
}

/// An attempt to loosen a key that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakening {
    /// The key, without `policy.`.
    pub key: String,
    /// Where the looser value stands.
    pub place: Option<Place>,
    /// Who holds it.
    pub held: Held,
    /// Whether a policy that this one extends locks it. Else the machine holds it, which is nobody's fault.
    pub locked: bool,
}

impl PolicySources {
    /// Where a key's value is written. `None`: in the starter policy. Keys as [`PolicyKeys::lines`] has them.
    pub fn origin(&self, key: &str) -> Option<&Place> {
        self.origins.get(key)
    }

    /// Whether a place is in mcp.toml, and not in a file that other projects extend as well.
    pub fn is_own(&self, place: Option<&Place>) -> bool {
        place.is_some_and(|place| place.file == self.project)
    }

    /// Who holds a key at its value, against what [`PolicySources::origin`] says or the starter policy would.
    pub fn held(&self, key: &str) -> Option<&Held> {
        self.held.get(key)
    }
}

/// What `[policy] extends` of a file says, if the file is TOML and says something; what is wrong with it is told when the file is
/// parsed.
pub fn extends(text: &str) -> Option<String> {
    if text.len() > SIZE_LIMIT {
        return None;
    }
    let document = Document::parse(text).ok()?;
    let policy = document.as_table().get("policy")?.as_table_like()?;
    file_name(policy.get("extends")?.as_str()?).ok()
}

/// The path of a policy file: relative to the file that names it, absolute, or below `~/`.
pub(super) fn file_name(text: &str) -> Result<String, &'static str> {
    let fits = text.ends_with(".toml")
        && text.len() <= 1024
        && !text.chars().any(is_hidden)
        && (!text.starts_with('~') || text.starts_with("~/"));
    if fits {
        Ok(text.to_owned())
    } else {
        Err("must be the path of a .toml file: relative to this one, absolute, or below ~/")
    }
}

/// A policy that grows file by file.
pub(in crate::config) struct Merge {
    pub(in crate::config) policy: Policy,
    pub(in crate::config) sources: PolicySources,
    locks: Vec<Lock>,
}

/// The keys that one file locks, with the values they have then.
struct Lock {
    keys: Vec<String>,
    by: Policy,
    place: Place,
}

/// Begins with the files that mcp.toml extends.
pub(in crate::config) fn merge(bases: &[PolicyText]) -> Result<Merge, ConfigError> {
    let mut merge = Merge { policy: Policy::starter(), sources: PolicySources::default(), locks: Vec::new() };
    for base in bases.iter().take(MAX_BASES) {
        read_file(base, Kind::Base, |reader, item| {
            let said = merge.over(reader, item, &base.file, Kind::Base);
            if let Some((_, line)) = said.locked.first() {
                let place = Place { file: base.file.clone(), line: *line };
                let keys = said.locked.into_iter().flat_map(|(key, _)| leaves(&key)).collect();
                merge.locks.push(Lock { keys, by: merge.policy.clone(), place });
            }
        })?;
    }
    Ok(merge)
}

impl Merge {
    /// Reads one file over what there is, and holds it to the locks of the files before.
    pub(in crate::config) fn over(&mut self, reader: &mut Reader<'_>, item: &Item, file: &str, kind: Kind) -> Said {
        let said = read::read(reader, item, file, kind, &mut self.policy);
        self.sources.files.push(file.to_owned());
        for (key, line) in reader.take_given() {
            let key = key.strip_prefix("policy.").unwrap_or(&key).to_owned();
            self.sources.origins.insert(key, Place { file: file.to_owned(), line });
        }
        for lock in std::mem::take(&mut self.locks) {
            for key in &lock.keys {
                self.hold(key, &lock.by, &Held { by: Some(lock.place.clone()) }, true);
            }
            self.policy.floors.retain(|floor| floor.policy != lock.by || floor.keys != lock.keys);
            self.policy.floors.push(Floor { keys: lock.keys.clone(), policy: lock.by.clone() });
            self.locks.push(lock);
        }
        said
    }

    /// Raises one key to another policy's value, and notes that it was below.
    fn hold(&mut self, key: &str, floor: &Policy, held: &Held, locked: bool) {
        let below = match key.strip_prefix("rules.") {
            Some(id) => Rule::ALL.iter().any(|rule| rule.id() == id && looser_rule(&self.policy, floor, *rule)),
            None => PolicyKeys::ALL.iter().any(|known| known.path == key && known.hold(&mut self.policy, floor)),
        };
        if !below {
            return;
        }
        let place = self.stated(key);
        // A starter value that the machine raises is nobody's wish.
        if place.is_some() {
            let weakening = Weakening { key: key.to_owned(), place, held: held.clone(), locked };
            if !self.sources.weakenings.contains(&weakening) {
                self.sources.weakenings.push(weakening);
            }
        }
        self.sources.held.insert(key.to_owned(), held.clone());
    }

    /// Where a key has a value, or one below it.
    fn stated(&self, key: &str) -> Option<Place> {
        let parent = key.split_once('.').filter(|(first, _)| *first == "provenance").map_or(key, |(first, _)| first);
        let of = |key: &str| {
            let below =
                |path: &str| path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            let mut found: Vec<&Place> =
                self.sources.origins.iter().filter(|(path, _)| below(path)).map(|(_, at)| at).collect();
            // The file that was read last is the one that loosens.
            let order = |at: &Place| self.sources.files.iter().rposition(|file| *file == at.file);
            found.sort_by_key(|at| std::cmp::Reverse(order(at)));
            found.first().map(|at| (*at).clone())
        };
        of(key).or_else(|| of(parent))
    }

    /// What holds at least on this machine. The last step: nothing is read over it.
    pub(in crate::config) fn at_least(&mut self, machine: &[PolicyText]) -> Result<(), ConfigError> {
        let mut allowed = BTreeSet::new();
        for file in machine {
            let mut floor = Policy::loosest();
            let mut said = Said::default();
            let mut given = BTreeMap::new();
            read_file(file, Kind::Machine, |reader, item| {
                said = read::read(reader, item, &file.file, Kind::Machine, &mut floor);
                given = reader.take_given();
            })?;
            allowed.extend(said.allow_isolation_none);
            self.sources.files.push(file.file.clone());
            let mut keys = Vec::new();
            for (path, line) in given {
                let path = path.strip_prefix("policy.").unwrap_or(&path).to_owned();
                let held = Held { by: Some(Place { file: file.file.clone(), line }) };
                for key in keys_of(&path) {
                    self.hold(&key, &floor, &held, false);
                    keys.push(key);
                }
            }
            keys.sort();
            keys.dedup();
            self.policy.floors.push(Floor { keys, policy: floor });
        }
        // Whoever cloned a repository may not have read its mcp.toml: it alone cannot take the sandbox away.
        if self.policy.isolation == Isolation::None && allowed != BTreeSet::from([true]) {
            let mut least = self.policy.clone();
            least.isolation = Isolation::Landlock;
            self.hold("isolation", &least, &Held { by: None }, false);
        }
        Ok(())
    }
}

impl Policy {
    /// Asks for nothing. What a machine's file does not name raises nothing.
    fn loosest() -> Self {
        use super::{Advisories, Approvals, CapturePolicy, ClientsPolicy, DatabasePolicy, DriftPolicy, Level};
        use super::{Provenance, ProvenanceRule, UpstreamPolicy};
        let (off, allow) = (ProvenanceRule::Off, Level::Allow);
        Self {
            min_release_age: std::time::Duration::ZERO,
            provenance: Provenance { npm: off, pypi: off, git: off, rules: Vec::new() },
            trust_downgrade: allow,
            isolation: Isolation::None,
            capture: CapturePolicy::Off,
            drift: DriftPolicy { cosmetic: allow, wording: allow, additive: allow, breaking: allow, dangerous: allow },
            approvals: Approvals { required: 0, signers: None },
            upstream: UpstreamPolicy::Off,
            advisories: Advisories {
                malware: allow,
                critical: allow,
                high: allow,
                medium: allow,
                low: allow,
                database: DatabasePolicy::IfPresent,
                max_age: std::time::Duration::MAX,
            },
            clients: ClientsPolicy::Off,
            ..Self::starter()
        }
    }
}

/// The keys with one value that a locked path stands for.
fn leaves(path: &str) -> Vec<String> {
    let known: Vec<String> = PolicyKeys::below(path).map(|key| key.path.to_owned()).collect();
    let rules = Rule::ALL.iter().filter(|_| path == "rules").map(|rule| format!("rules.{}", rule.id()));
    if known.is_empty() {
        vec![path.to_owned()]
    } else {
        known.into_iter().chain(rules).filter(|key| key != "rules").collect()
    }
}

/// The keys that something given in a machine's file decides.
fn keys_of(path: &str) -> Vec<String> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    match first {
        "min-release-age" | "signers" => vec![first.to_owned()],
        "rules" => Rule::ALL
            .iter()
            .map(|rule| rule.id())
            .filter(|id| rest.strip_prefix(id).is_some_and(|more| more.is_empty() || more.starts_with('.')))
            .map(|id| format!("rules.{id}"))
            .collect(),
        "provenance" if rest.contains([':', '+']) => ["npm", "pypi", "git"]
            .iter()
            .filter(|ecosystem| rest.starts_with("server:") || rest.starts_with(*ecosystem))
            .map(|ecosystem| format!("provenance.{ecosystem}"))
            .collect(),
        _ => vec![path.to_owned()],
    }
}

/// Parses a policy file and hands over its `[policy]`.
fn read_file(file: &PolicyText, kind: Kind, then: impl FnOnce(&mut Reader<'_>, &Item)) -> Result<(), ConfigError> {
    let fail = |problems| ConfigError { file: file.file.clone(), problems };
    let problem = |line, column, message| vec![Problem { line, column, path: String::new(), message, hint: None }];
    if file.text.len() > SIZE_LIMIT {
        return Err(fail(problem(1, 1, format!("larger than {SIZE_LIMIT} bytes"))));
    }
    let document = Document::parse(file.text.as_str()).map_err(|error| {
        let (line, column) = position(&file.text, error.span().map_or(0, |span| span.start));
        fail(problem(line, column, Untrusted::new(error.message().lines().next().unwrap_or("not TOML")).excerpt(200)))
    })?;
    let mut reader = Reader::new(&file.text);
    let root = document.as_table();
    reader.only(root, "", &["policy"]);
    match root.get("policy") {
        Some(item) => then(&mut reader, item),
        None if kind == Kind::Base => reader.problem(None, "", "has no [policy] table", None),
        None => {}
    }
    let problems = reader.into_problems();
    if problems.is_empty() { Ok(()) } else { Err(fail(problems)) }
}
