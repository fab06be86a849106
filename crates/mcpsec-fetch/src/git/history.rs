//! Which tags of a repository come before a tag: what "signed before, and not any more" is measured against.
//!
//! Tags are put into series by the text before their version: `v1.2.3` and `1.3.0` are one series, `python-servers-0.6.2` is
//! another. Of its own series a tag is preceded by the lower versions, nearest first. Repositories also change how they name
//! tags; so what room is left is filled with the highest versions of other series, as far as their taggers say that they are
//! not younger.
//!
//! The order of versions is a natural one: numbers by value, `1.0-rc.1` before `1.0` before `1.0-1` and `1.0.post1`. It does not
//! claim to be any ecosystem's order, and nothing but the choice of tags to look at depends on it.
use std::{collections::BTreeSet, time::Duration};

use gix::ObjectId;
use mcpsec_model::{spec::GitSpec, time::Timestamp};

use super::{
    GitError, GitLimits, GitSource, GitTree,
    clone::Mirror,
    local,
    reference::Wanted,
    signed::{SignedObjects, TAGS, TagObject, named, stamp},
    tree::Objects,
    watch,
};
use crate::progress::Silent;

/// Most tags looked at in a local repository.
pub const MAX_LOCAL: usize = 64;

/// Most tags fetched from a remote.
pub const MAX_REMOTE: usize = 8;

/// Most bytes of one tag object; a longer one is left out.
pub(super) const MAX_BYTES: u64 = 64 << 10;

/// Most tags that a repository may have. A list cut short would hide the tags at its end, so a longer one counts for nothing.
pub(super) const MAX_LISTED: usize = 100_000;

/// Longest silence, and longest wait, for what can be done without.
const IDLE: Duration = Duration::from_secs(15);
const TOTAL: Duration = Duration::from_secs(60);

/// Longest tag name that is looked at, in bytes.
pub(super) const MAX_NAME: usize = 256;

/// A piece of a version, in the order in which versions compare when all before is equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Part {
    /// Letters that make a version earlier: `rc`, `alpha`, `dev`.
    Before(String),
    /// The version ends here.
    End,
    /// Letters that make it later: `post`, build metadata.
    After(String),
    /// A number: how many digits, then the digits, without leading zeros. Length before digits compares by value.
    Number(usize, String),
}

/// A tag name in two halves.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Place<'a> {
    series: &'a str,
    version: Vec<Part>,
}

impl<'a> Place<'a> {
    fn of(name: &'a str) -> Self {
        let (series, version) = name.split_at(version_start(name));
        Self { series: series.strip_suffix(['v', 'V']).unwrap_or(series), version: parts(version) }
    }
}

/// Where the version starts: at the first numbers joined by dots, else at the first digit, else at the end.
fn version_start(name: &str) -> usize {
    let bytes = name.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let starts = (0..bytes.len()).filter(|at| digit(*at) && (*at == 0 || !digit(at - 1)));
    let dotted = |start: &usize| {
        let end = (*start..bytes.len()).find(|at| !digit(*at)).unwrap_or(bytes.len());
        bytes.get(end) == Some(&b'.') && digit(end + 1)
    };
    let first = starts.clone().next();
    // Digits and dots are ASCII, so every start is a character's start.
    starts.clone().find(dotted).or(first).unwrap_or(name.len())
}

fn parts(version: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = version;
    while let Some(first) = rest.chars().next() {
        let numeric = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != numeric).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        if numeric {
            let digits = run.trim_start_matches('0');
            parts.push(Part::Number(digits.len(), digits.to_owned()));
            continue;
        }
        let word = run.trim_matches(['.', '-', '_']).to_lowercase();
        if word.is_empty() {
            continue;
        }
        let later = word.starts_with(['+', 'p']) && !word.starts_with("pre");
        parts.push(if later { Part::After(word) } else { Part::Before(word) });
    }
    parts.push(Part::End);
    parts
}

/// The names that come before `own`, those of its own series first, nearest first; then the others, highest version first.
/// The number says how many are of its own series. A name that is not UTF-8 or is very long is nobody's.
pub(super) fn preceding<'a>(own: &str, names: impl IntoIterator<Item = &'a str>) -> (Vec<&'a str>, usize) {
    let place = Place::of(own);
    let (mut same, mut other) = (Vec::new(), Vec::new());
    for name in names.into_iter().filter(|name| name.len() <= MAX_NAME && *name != own).collect::<BTreeSet<_>>() {
        let found = Place::of(name);
        if found.series != place.series {
            other.push((found.version, name));
        } else if (&found.version, name) < (&place.version, own) {
            same.push((found.version, name));
        }
    }
    for list in [&mut same, &mut other] {
        list.sort_by(|a, b| b.cmp(a));
    }
    let count = same.len();
    (same.into_iter().chain(other).map(|(_, name)| name).collect(), count)
}

/// Oldest first, by the taggers' word, then by version. Tags of other series than `own` that say they are younger than `limit`
/// are left out.
pub(super) fn arrange(own: &str, limit: Option<Timestamp>, mut tags: Vec<TagObject>) -> Vec<TagObject> {
    let series = Place::of(own);
    tags.retain(|tag| {
        Place::of(&tag.name).series == series.series
            || matches!((tag.tagged(), limit), (Some(tagged), Some(limit)) if tagged <= limit)
    });
    tags.sort_by_cached_key(|tag| (tag.tagged(), Place::of(&tag.name).version, tag.name.clone()));
    tags
}

impl GitSource {
    /// The annotated tags before the tag that was fetched. Never fails: what could not be had is `None`.
    pub(super) fn history(&self, spec: &GitSpec, tree: &GitTree) -> Option<Vec<TagObject>> {
        let own = tree.pin.reference.as_deref()?.strip_prefix(TAGS)?;
        let tags = self.earlier(spec, own).unwrap_or_else(|error| {
            tracing::debug!(url = %spec.url, %error, "earlier tags could not be had");
            None
        })?;
        Some(arrange(own, made(&tree.signed), tags))
    }

    fn earlier(&self, spec: &GitSpec, own: &str) -> Result<Option<Vec<TagObject>>, GitError> {
        if spec.url.expose().scheme() == "file" {
            let repo = local::open(&spec.url, &self.options)?;
            let objects = Objects { repo: &repo, url: &spec.url, limits: &self.options.limits };
            return Ok(local::earlier_tags(&objects, own));
        }
        let mirror = Mirror::new(&spec.url, &self.options);
        if !self.options.network {
            return mirror.remembered_tags(own);
        }
        let (own, limits) = (own.to_owned(), self.deadline());
        watch::supervise(&spec.url, &limits, &Silent, move |meter, interrupt| {
            mirror.earlier_tags(&own, &meter, interrupt)
        })
    }

    /// The tag objects of a locked commit, if its reference still is an annotated tag of that commit. Never fails.
    pub(super) fn tags_of(&self, spec: &GitSpec, tree: &GitTree) -> Option<Vec<TagObject>> {
        let reference = tree.pin.reference.as_deref().filter(|name| name.starts_with(TAGS))?;
        let commit = ObjectId::from_hex(tree.package.version().as_bytes()).ok()?;
        if spec.url.expose().scheme() == "file" {
            let repo = local::open(&spec.url, &self.options).ok()?;
            let objects = Objects { repo: &repo, url: &spec.url, limits: &self.options.limits };
            let listed = local::look_up(&objects, reference).ok()??;
            let peeled = objects.peel(listed.tag?, reference).ok()?;
            return (peeled.commit == commit).then(|| named(peeled.tags, Some(reference)));
        }
        let (mirror, shown) = (Mirror::new(&spec.url, &self.options), reference.to_owned());
        let wanted = Wanted::Named { names: vec![reference.to_owned()], prefix: None };
        let fetched = if self.options.network {
            watch::supervise(&spec.url, &self.deadline(), &Silent, move |meter, interrupt| {
                // Nothing is fetched if the tag leads elsewhere now: its objects would be of no use here.
                let choice = wanted.choose(&mirror.list(&wanted.refspecs(), &meter, interrupt)?);
                match choice.filter(|choice| choice.commit == commit && choice.tag.is_some()) {
                    Some(_) => mirror.fetch(&wanted, &shown, &meter, interrupt),
                    None => mirror.offline(&wanted, &shown),
                }
            })
        } else {
            mirror.offline(&wanted, &shown)
        };
        let fetched = fetched.ok().filter(|fetched| fetched.choice.commit == commit)?;
        Some(named(fetched.tags, Some(reference)))
    }

    /// Limits for what can be done without.
    fn deadline(&self) -> GitLimits {
        let limits = &self.options.limits;
        GitLimits { idle: limits.idle.min(IDLE), total: limits.total.min(TOTAL), ..limits.clone() }
    }
}

/// When a tag was made; the commit's time for a lightweight one.
fn made(signed: &SignedObjects) -> Option<Timestamp> {
    match signed.tags.first() {
        Some(tag) => tag.tagged(),
        None => stamp(&signed.commit, b"committer "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_order_naturally() {
        let ordered = [
            "0.9",
            "0.10",
            "1.0-alpha",
            "1.0-alpha.1",
            "1.0-beta",
            "1.0rc1",
            "1.0-rc.2",
            "1.0",
            "1.0.post1",
            "1.0-1",
            "1.0.1",
            "1.9",
            "1.10.0",
            "2",
            "2025.1.14",
            "2025.7.1",
            "99999999999999999999999",
            "100000000000000000000000",
        ];
        for (index, name) in ordered.iter().enumerate() {
            let (found, same) = preceding(name, ordered.iter().copied());
            let mut expected = ordered[..index].to_vec();
            expected.reverse();
            assert_eq!((found, same), (expected, index), "{name}");
        }
    }

    #[test]
    fn series_are_told_by_what_stands_before_the_version() {
        let series = |name| Place::of(name).series.to_owned();
        for (name, expected) in [
            ("v1.2.3", ""),
            ("1.2.3", ""),
            ("typescript-servers-0.6.2", "typescript-servers-"),
            ("rustls-v_0.23.27", "rustls-v_"),
            ("server/v1.2.3-rc.1", "server/"),
            ("py3-lib-1.2.0", "py3-lib-"),
            ("h264-7", "h"),
            ("2024-11-05", ""),
            ("nightly", "nightly"),
            ("gr\u{fc}n-\u{661}.1.2", "gr\u{fc}n-\u{661}."),
        ] {
            assert_eq!(series(name), expected, "{name}");
        }
    }

    #[test]
    fn own_series_first_then_the_highest_of_others() {
        let names = [
            "0.4.0",
            "2025.7.1",
            "2025.1.14",
            "python-servers-0.6.2",
            "typescript-servers-0.6.0",
            "typescript-servers-0.6.2",
        ];
        assert_eq!(
            preceding("2025.1.14", names),
            (vec!["0.4.0", "typescript-servers-0.6.2", "python-servers-0.6.2", "typescript-servers-0.6.0"], 1)
        );
        assert_eq!(preceding("typescript-servers-0.6.2", names).0[0], "typescript-servers-0.6.0");
        let long = "1".repeat(MAX_NAME + 1);
        assert_eq!(preceding("1", [long.as_str(), "1", "0", "0"]), (vec!["0"], 1));
    }

    #[test]
    fn others_count_only_if_they_say_that_they_are_older() {
        let tag = |name: &str, time: &str| TagObject {
            name: name.into(),
            id: "0".repeat(40).into(),
            raw: format!("object 0\ntype commit\ntag {name}\ntagger x <x@host.invalid> {time} +0000\n\n").into_bytes(),
        };
        let tags =
            vec![tag("v0.9", "300"), tag("v0.8", "900"), tag("a-1.0", "100"), tag("b-1.0", "901"), tag("c-1.0", "?")];
        let names = |limit: Option<i64>| {
            let limit = limit.map(|seconds| Timestamp::from_second(seconds).expect("time"));
            arrange("v1.0", limit, tags.clone()).into_iter().map(|tag| tag.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(Some(900)), ["a-1.0", "v0.9", "v0.8"]);
        assert_eq!(names(None), ["v0.9", "v0.8"]);
    }
}
