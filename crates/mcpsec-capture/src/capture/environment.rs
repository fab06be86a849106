//! The environment a server is captured in: the same on every machine, so that it tells the same words.
//!
//! | variable | value | why |
//! |---|---|---|
//! | `TZ` | `UTC` | descriptions name the local time zone |
//! | `LANG`, `LC_ALL` | `C.UTF-8` | texts are translated, lists are sorted by language |
//! | `PYTHONHASHSEED` | `0` | sets come in another order in every process |
//! | `PYTHONDONTWRITEBYTECODE` | `1` | locked files stay as they are |
//! | `PYTHONUNBUFFERED` | `1` | answers come when they are written, and a last cry before a crash is heard |
//! | `NO_COLOR`, `TERM` | `1`, `dumb` | explanations on stderr are read by people, without escapes |
//!
//! Left alone: `CI`, opt-outs of telemetry and the like. A server shall behave as it does for its users, and what it tries
//! to reach is to be seen, not silenced. `HOME`, `TMPDIR` and `XDG_*` are the sandbox's, `PATH` comes with the program.
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::Path,
};

/// What is always the same; see the table above.
const FIXED: [(&str, &str); 8] = [
    ("LANG", "C.UTF-8"),
    ("LC_ALL", "C.UTF-8"),
    ("NO_COLOR", "1"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("PYTHONHASHSEED", "0"),
    ("PYTHONUNBUFFERED", "1"),
    ("TERM", "dumb"),
    ("TZ", "UTC"),
];

/// Names that are never given a placeholder: with one the program would not start, or start differently.
const KEPT: [&str; 10] =
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "NODE_OPTIONS", "NODE_PATH"];
/// The beginnings of more such names.
const KEPT_STARTS: [&str; 5] = ["XDG_", "LD_", "DYLD_", "PYTHON", "LC_"];

/// The variables of a capture beside those the program needs to start.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Environment {
    placeholders: BTreeMap<String, String>,
    real: BTreeMap<String, String>,
}

impl Environment {
    /// For a server that declares that it reads `declared`. `real` are values the user handed over, for declared names or
    /// others; every other declared name gets a placeholder. `folder` is one that exists inside, for names of paths.
    pub fn new<'a>(declared: impl IntoIterator<Item = &'a str>, real: BTreeMap<String, String>, folder: &Path) -> Self {
        let wanted = declared.into_iter().filter(|name| !real.contains_key(*name) && !is_kept(name));
        let placeholders = wanted.map(|name| (name.to_owned(), placeholder(name, folder))).collect();
        Self { placeholders, real }
    }

    /// Names and values: the fixed ones, then placeholders, then the user's own, which win.
    pub fn variables(&self) -> impl Iterator<Item = (OsString, OsString)> + '_ {
        let own = self.placeholders.iter().chain(&self.real).map(|(name, value)| (name.as_str(), value.as_str()));
        FIXED.into_iter().chain(own).map(|(name, value)| (name.into(), value.into()))
    }

    /// Names that have a placeholder.
    pub fn placeholders(&self) -> BTreeSet<String> {
        self.placeholders.keys().cloned().collect()
    }

    /// Names that have the user's value.
    pub fn real(&self) -> BTreeSet<String> {
        self.real.keys().cloned().collect()
    }
}

/// The fixed variables alone: name and value, sorted.
pub fn fixed() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIXED.into_iter()
}

fn is_kept(name: &str) -> bool {
    KEPT.contains(&name)
        || KEPT_STARTS.iter().any(|start| name.starts_with(start))
        || FIXED.iter().any(|(fixed, _)| *fixed == name)
        || name.is_empty()
        || name.contains(['=', '\0'])
}

/// A value that looks right for a variable of this name, belongs to nobody and leads nowhere. The same for the same name.
pub fn placeholder(name: &str, folder: &Path) -> String {
    let name = name.to_ascii_uppercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    let last = |wanted: &[&str]| words.last().is_some_and(|word| wanted.contains(word));
    // A port that answers nobody (RFC 863, "discard"), on the machine itself.
    if has(&["URL", "URI", "DSN", "ENDPOINT", "WEBHOOK", "SERVER"]) || name.contains("CONNECTION_STRING") {
        let scheme = match () {
            () if has(&["POSTGRES", "POSTGRESQL", "PG", "DATABASE", "DB"]) => "postgresql",
            () if has(&["REDIS"]) => "redis",
            () if has(&["MONGO", "MONGODB", "MDB"]) => "mongodb",
            () if has(&["MYSQL", "MARIADB"]) => "mysql",
            () => "http",
        };
        return format!("{scheme}://127.0.0.1:9/");
    }
    if last(&["HOST", "HOSTNAME", "DOMAIN", "IP"]) {
        return "127.0.0.1".to_owned();
    }
    if last(&["PORT"]) {
        return "9".to_owned();
    }
    if last(&[
        "PATH",
        "PATHS",
        "DIR",
        "DIRS",
        "DIRECTORY",
        "DIRECTORIES",
        "FOLDER",
        "FILE",
        "ROOT",
        "WORKSPACE",
        "HOME",
    ]) {
        return folder.to_string_lossy().into_owned();
    }
    if last(&["TIMEOUT", "LIMIT", "MAX", "SIZE", "COUNT", "INTERVAL", "RETRIES", "MS", "SECONDS"]) {
        return "10".to_owned();
    }
    if last(&["ENABLED", "DISABLED", "DEBUG", "VERBOSE", "INSECURE"]) || has(&["ENABLE", "DISABLE", "ALLOW"]) {
        return "false".to_owned();
    }
    if has(&["EMAIL"]) {
        return "nobody@example.invalid".to_owned();
    }
    if has(&["REGION"]) {
        return "us-east-1".to_owned();
    }
    if last(&["USER", "USERNAME", "LOGIN", "ORG", "PROJECT", "NAME"]) {
        return "placeholder".to_owned();
    }
    if last(&["ID", "UUID", "GUID"]) {
        return "00000000-0000-4000-8000-000000000000".to_owned();
    }
    // Long enough for what checks the length of keys; says what it is to whoever finds it in a log.
    "mcpsec-placeholder-0000000000000000000000".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_fit_their_names() {
        let folder = Path::new("/home/nobody");
        for (name, value) in [
            ("API_URL", "http://127.0.0.1:9/"),
            ("DATABASE_URL", "postgresql://127.0.0.1:9/"),
            ("REDIS_URI", "redis://127.0.0.1:9/"),
            ("MDB_MCP_CONNECTION_STRING", "mongodb://127.0.0.1:9/"),
            ("PGHOST", "mcpsec-placeholder-0000000000000000000000"),
            ("DB_HOST", "127.0.0.1"),
            ("DB_PORT", "9"),
            ("MEMORY_FILE_PATH", "/home/nobody"),
            ("GITHUB_TOKEN", "mcpsec-placeholder-0000000000000000000000"),
            ("AWS_REGION", "us-east-1"),
            ("CLIENT_ID", "00000000-0000-4000-8000-000000000000"),
            ("REQUEST_TIMEOUT", "10"),
        ] {
            assert_eq!(placeholder(name, folder), value, "{name}");
        }
    }

    #[test]
    fn the_users_values_win_and_the_loader_is_left_alone() {
        let real =
            BTreeMap::from([("A_TOKEN".to_owned(), "s3cret".to_owned()), ("TZ".to_owned(), "Asia/Tokyo".to_owned())]);
        let declared = ["A_TOKEN", "B_TOKEN", "PATH", "LD_PRELOAD", "NODE_OPTIONS", "PYTHONPATH", "LANG", "X=Y"];
        let environment = Environment::new(declared, real, Path::new("/home/nobody"));
        assert_eq!(environment.placeholders(), BTreeSet::from(["B_TOKEN".to_owned()]));
        assert_eq!(environment.real(), BTreeSet::from(["A_TOKEN".to_owned(), "TZ".to_owned()]));
        let all: BTreeMap<OsString, OsString> = environment.variables().collect();
        assert_eq!(all[&OsString::from("A_TOKEN")], "s3cret");
        assert_eq!(all[&OsString::from("TZ")], "Asia/Tokyo");
        assert_eq!(all[&OsString::from("PYTHONHASHSEED")], "0");
        assert_eq!(all.len(), FIXED.len() + 2);
    }
}
