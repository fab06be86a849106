//! What a package holds: the facts of its files, and what is run, linked or needed beside them.
//!
//! [`read`] looks at one file and knows nothing of the others, so that files can be read on every core; [`PackageFacts::collect`]
//! puts them together. Both are pure, and all is remembered under the digest of the artifact and [`VERSION`].
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    facts::{Deed, FileFacts, SignKind},
    javascript, literals, python,
    scripts::{self, Script},
};

/// Raised when the same bytes would give other facts than before.
pub const VERSION: u32 = 1;
/// The largest file that is read, in bytes; of a larger one only the first bytes are looked at.
pub const LARGEST: usize = 8 << 20;
/// The most files of a package that are read.
pub const MOST: usize = 50_000;

/// What a package does, as far as reading it tells.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageFacts {
    /// Files about which there is something to say, by path in the package.
    pub files: BTreeMap<String, FileFacts>,
    /// How many files were read.
    pub read: usize,
    /// What is run when it is installed, by event such as `postinstall`.
    pub scripts: BTreeMap<String, Script>,
    /// What starts it, by name such as `bin:files` or `main`: the file.
    pub entries: BTreeMap<String, String>,
    /// Native code and programs: the file, and what it is.
    pub natives: BTreeMap<String, Native>,
    /// Files that an interpreter runs whenever it starts, or that a build runs; and the line that does.
    pub hooks: BTreeMap<String, u32>,
    /// The repository it names, as `host/owner/name`.
    pub repository: Option<String>,
    /// The host of its home page.
    pub homepage: Option<String>,
    /// Names of packages that it needs.
    pub dependencies: BTreeSet<String>,
    /// Why not everything was read, if so.
    pub omitted: Option<String>,
}

/// What native code is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Native {
    /// Linux and other Unix systems.
    Elf,
    /// Apple systems.
    MachO,
    /// Windows.
    Pe,
    /// WebAssembly.
    Wasm,
    /// Named like native code, and none of these.
    Named,
}

impl Native {
    /// How it is called in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Elf => "an ELF program or library",
            Self::MachO => "a Mach-O program or library",
            Self::Pe => "a Windows program or library",
            Self::Wasm => "WebAssembly",
            Self::Named => "a file named like native code",
        }
    }
}

/// What one file adds to its package.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Piece {
    path: String,
    facts: FileFacts,
    native: Option<Native>,
    hook: Option<u32>,
    metadata: Metadata,
}

/// What the files that describe a package say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Metadata {
    pub(super) scripts: BTreeMap<String, Script>,
    pub(super) entries: BTreeMap<String, String>,
    pub(super) repository: Option<String>,
    pub(super) homepage: Option<String>,
    pub(super) dependencies: BTreeSet<String>,
}

/// Whether a file has to be opened at all, by its path. Files without an ending may be programs.
pub fn matters(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((_, ending)) = name.rsplit_once('.') else { return true };
    !matches!(
        ending.to_ascii_lowercase().as_str(),
        "md" | "txt"
            | "map"
            | "css"
            | "scss"
            | "less"
            | "html"
            | "htm"
            | "svg"
            | "png"
            | "jpg"
            | "jpeg"
            | "gif"
            | "ico"
            | "woff"
            | "woff2"
            | "ttf"
            | "eot"
            | "otf"
            | "rst"
            | "pyi"
            | "po"
            | "mo"
            | "csv"
            | "tsv"
            | "lock"
            | "flow"
            | "snap"
            | "pdf"
            | "webp"
            | "mp4"
            | "h"
            | "hpp"
            | "c"
            | "cc"
            | "cpp"
            | "rs"
            | "go"
            | "java"
            | "xml"
            | "yml"
            | "yaml"
    ) || name.ends_with("entry_points.txt")
}

/// Looks at one file. `path` is its path in the package, with `/`.
pub fn read(path: &str, bytes: &[u8]) -> Option<Piece> {
    let mut piece = Piece { path: path.to_owned(), ..Piece::default() };
    piece.native = native(path, bytes);
    if piece.native.is_some() {
        return Some(piece);
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    match language(path, bytes) {
        Some(language) => {
            let text = String::from_utf8_lossy(bytes);
            piece.facts = match language {
                Language::JavaScript => javascript::facts(path, &text),
                Language::Python => python::facts(path, &text),
                Language::Shell => scripts::shell(&text),
                Language::Pth => scripts::pth(&text),
            };
            let runs = !piece.facts.deeds.is_empty() || !piece.facts.signs.is_empty() || language == Language::Pth;
            let build = matches!(name, "setup.py") && !path.contains('/');
            let starts = matches!(name, "sitecustomize.py" | "usercustomize.py") && path.matches('/').count() <= 2;
            if language == Language::Pth && !piece.facts.names.is_empty() || starts || build && runs {
                let line = piece.facts.deeds.values().flatten().chain(piece.facts.names.values()).min();
                piece.hook = Some(line.copied().unwrap_or(1));
            }
        }
        None => piece.metadata = scripts::metadata(path, bytes)?,
    }
    let nothing = piece.facts == FileFacts::default() && piece.hook.is_none() && piece.metadata == Metadata::default();
    (!nothing).then_some(piece)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Language {
    JavaScript,
    Python,
    Shell,
    Pth,
}

fn language(path: &str, bytes: &[u8]) -> Option<Language> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if [".d.ts", ".d.mts", ".d.cts"].iter().any(|ending| name.ends_with(ending)) {
        return None;
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        Some("js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx") => return Some(Language::JavaScript),
        Some("py" | "pyw") => return Some(Language::Python),
        _ if is_shell(name) => return Some(Language::Shell),
        Some("pth") => return Some(Language::Pth),
        _ => {}
    }
    let first = bytes.strip_prefix(b"#!")?;
    let first = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(&first[..first.len().min(200)]).into_owned();
    if ["node", "bun", "deno"].iter().any(|word| first.contains(word)) {
        Some(Language::JavaScript)
    } else if first.contains("python") {
        Some(Language::Python)
    } else {
        first.contains("sh").then_some(Language::Shell)
    }
}

/// Whether a file is a script for a shell, by its name.
pub(super) fn is_shell(path: &str) -> bool {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    matches!(ending.as_deref(), Some("sh" | "bash" | "zsh" | "ps1" | "bat" | "cmd"))
}

fn native(path: &str, bytes: &[u8]) -> Option<Native> {
    let ending =
        path.rsplit('/').next().unwrap_or(path).rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let named =
        matches!(ending.as_deref(), Some("node" | "so" | "dll" | "dylib" | "exe" | "pyd" | "wasm" | "scr" | "com"));
    let head: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
    Some(match &head {
        b"\x7fELF" => Native::Elf,
        b"\xcf\xfa\xed\xfe" | b"\xce\xfa\xed\xfe" | b"\xfe\xed\xfa\xcf" | b"\xfe\xed\xfa\xce" => Native::MachO,
        // Java's class files begin in the same way.
        b"\xca\xfe\xba\xbe" if ending.as_deref() != Some("class") => Native::MachO,
        b"\0asm" => Native::Wasm,
        [b'M', b'Z', ..] if bytes.len() > 64 && bytes.iter().take(1024).any(|byte| *byte == 0) => Native::Pe,
        _ if named => Native::Named,
        _ => return None,
    })
}

impl PackageFacts {
    /// Puts the facts of a package's files together.
    pub fn collect(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let mut all = Self::default();
        for piece in pieces {
            if all.files.len() >= MOST {
                all.omitted = Some(format!("it has more than {MOST} files"));
                break;
            }
            let Metadata { scripts, entries, repository, homepage, dependencies } = piece.metadata;
            all.scripts.extend(scripts);
            all.entries.extend(entries);
            all.repository = all.repository.or(repository);
            all.homepage = all.homepage.or(homepage);
            all.dependencies.extend(dependencies);
            if let Some(native) = piece.native {
                all.natives.insert(piece.path.clone(), native);
            }
            if let Some(line) = piece.hook {
                all.hooks.insert(piece.path.clone(), line);
            }
            if piece.facts != FileFacts::default() {
                all.files.insert(piece.path, piece.facts);
            }
        }
        all
    }

    /// Adds what another artifact of the same package version holds, such as a second wheel.
    pub fn merge(&mut self, other: Self) {
        self.files.extend(other.files);
        self.read += other.read;
        self.scripts.extend(other.scripts);
        self.entries.extend(other.entries);
        self.natives.extend(other.natives);
        self.hooks.extend(other.hooks);
        self.repository = self.repository.take().or(other.repository);
        self.homepage = self.homepage.take().or(other.homepage);
        self.dependencies.extend(other.dependencies);
        self.omitted = self.omitted.take().or(other.omitted);
    }

    /// Files that are run when the package is installed or an interpreter starts.
    pub fn run_at_install(&self) -> BTreeSet<&str> {
        let scripts = self.scripts.values().flat_map(|script| &script.files);
        let named = scripts.filter_map(|file| self.find(file));
        named.chain(self.hooks.keys().map(String::as_str)).collect()
    }

    /// The file that a script names, with or without its ending.
    fn find(&self, named: &str) -> Option<&str> {
        let endings = ["", ".js", ".cjs", ".mjs", "/index.js"];
        let found =
            |ending: &&str| self.files.get_key_value(&format!("{named}{ending}")).map(|(path, _)| path.as_str());
        endings.iter().find_map(found)
    }

    /// Whether a file is beside the point: tests, examples, documentation that no script and no entry runs.
    pub fn is_aside(&self, path: &str) -> bool {
        aside(path) && !self.run_at_install().contains(path) && !self.entries.values().any(|entry| entry == path)
    }

    /// Everything it does outside of tests and examples.
    pub fn deeds(&self) -> BTreeMap<Deed, (&str, u32)> {
        let mut deeds: BTreeMap<Deed, (&str, u32)> = BTreeMap::new();
        for (path, facts) in self.files.iter().filter(|(path, _)| !self.is_aside(path)) {
            for (deed, lines) in &facts.deeds {
                deeds.entry(*deed).or_insert((path, lines.first().copied().unwrap_or(1)));
            }
        }
        deeds
    }

    /// How many strong signs of a kind it shows outside of tests and examples.
    pub fn strong(&self, kind: SignKind) -> usize {
        let files = self.files.iter().filter(|(path, _)| !self.is_aside(path));
        files.flat_map(|(_, facts)| &facts.signs).filter(|sign| sign.kind == kind && !sign.weak).count()
    }
}

/// Whether a path is one of tests, examples or documentation.
pub(super) fn aside(path: &str) -> bool {
    const FOLDERS: &[&str] = &[
        "test",
        "tests",
        "__tests__",
        "spec",
        "specs",
        "docs",
        "doc",
        "example",
        "examples",
        "benchmark",
        "benchmarks",
        "bench",
        "fixtures",
        "__fixtures__",
        "__mocks__",
        "demo",
        "demos",
        "sample",
        "samples",
        ".github",
    ];
    let mut parts: Vec<&str> = path.split('/').collect();
    let name = parts.pop().unwrap_or_default();
    parts.iter().any(|folder| FOLDERS.contains(&folder.to_ascii_lowercase().as_str()))
        || [".test.", ".spec.", ".stories.", ".bench."].iter().any(|part| name.contains(part))
        || name.ends_with(".py") && (name.starts_with("test_") || name.ends_with("_test.py") || name == "conftest.py")
}

/// A host as `host` of a URL, for comparing repositories and home pages.
pub(super) fn host_of(url: &str) -> Option<String> {
    literals::names(url).into_iter().find(|name| name.kind == super::facts::NameKind::Host).map(|name| name.text)
}
