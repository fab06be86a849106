//! The canonical text: one lock, one text. Written by hand rather than by a TOML library, so that its lines, order and
//! escapes are ours to keep, and nothing changes when a dependency does.
use std::fmt::Write as _;

use super::{Lock, LockedServer, VERSION, edge, pin, plain, seal, team};
use crate::{
    candidate::EntryPoint,
    evidence::Pin,
    name::Ecosystem,
    package::{Artifact, ArtifactKind, Package},
    text::is_hidden,
};

const HEADER: &str = "\
# Written by mcpsec: review it like code, and change it only with `mcpsec add`, `update` and `remove`.
";

/// The text of a whole lock.
pub(super) fn lock(lock: &Lock) -> String {
    lock_within(lock, usize::MAX)
}

/// The same, or some text that is longer than `limit` when the lock's is: indentation can make a long text of a short value,
/// and whoever only compares need not make all of it.
pub(super) fn lock_within(lock: &Lock, limit: usize) -> String {
    let mut out = Text::within(limit);
    out.text.reserve(1024 + 4096 * lock.servers.len() + 512 * lock.packages.len());
    out.text.push_str(HEADER);
    // Writing to a String cannot fail.
    let _infallible = writeln!(out.text, "version = {VERSION}");
    out.lines_of("servers", lock.servers.keys().map(|name| name.as_str()));
    if !lock.imports.is_empty() {
        out.lines_of("imports", lock.imports.iter().map(|(name, digest)| format!("{name} {digest}")));
    }
    if let Some(pin) = &lock.team {
        out.text.push('\n');
        out.sealed(seal::TEAM, |out| team::write(pin, out), |_| {});
    }
    for server in lock.servers.values() {
        out.text.push('\n');
        out.sealed(seal::SERVER, |out| out.server_head(server), |out| out.server_tables(server));
    }
    for package in lock.packages.values() {
        out.text.push('\n');
        out.sealed(seal::PACKAGE, |out| out.package(package), |_| {});
    }
    out.into_string()
}

/// The text so far. Nested values stop to grow once it is longer than the limit.
pub(super) struct Text {
    text: String,
    limit: usize,
}

impl Text {
    /// An empty one.
    pub(super) fn within(limit: usize) -> Self {
        Self { text: String::new(), limit }
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }

    pub(super) fn is_full(&self) -> bool {
        self.text.len() > self.limit
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn buffer(&mut self) -> &mut String {
        &mut self.text
    }

    /// Adds what is TOML already.
    pub(super) fn raw(&mut self, toml: &str) {
        self.text.push_str(toml);
    }

    /// A basic string.
    pub(super) fn quoted(&mut self, text: &str) {
        quote(text, &mut self.text);
    }

    /// An entry: its opening line, its plain keys, its seal, its tables.
    fn sealed(&mut self, open: &str, head: impl FnOnce(&mut Self), tables: impl FnOnce(&mut Self)) {
        let start = self.text.len();
        self.text.push_str(open);
        self.text.push('\n');
        head(self);
        let at = self.text.len();
        tables(self);
        let seal = seal::of(&self.text[start..at], &self.text[at..]);
        self.text.insert_str(at, &format!("{}{seal}\"\n", seal::KEY));
    }

    fn server_head(&mut self, server: &LockedServer) {
        self.text("name", server.name.as_str());
        self.text("spec", &server.spec.to_string());
        self.text("version", &server.version);
        if let Some(command) = &server.command {
            self.text("command", command);
        }
        self.text("entry", &entry_text(&server.entry));
        if let Some(as_of) = &server.as_of {
            self.text("as-of", &as_of.to_string());
        }
        self.lines_of("targets", server.targets.iter().map(ToString::to_string));
        self.text("root", &server.closure.root().to_string());
        self.text("closure-id", &server.closure_id.to_string());
    }

    fn server_tables(&mut self, server: &LockedServer) {
        if !server.overrides.is_empty() {
            self.text.push_str("\n[server.overrides]\n");
            for (name, requirement) in &server.overrides {
                self.text(&quoted(name), requirement);
            }
        }
        for finding in &server.findings {
            self.text.push_str("\n[[server.finding]]\n");
            self.text("rule", finding.rule.id());
            self.text("subject", &finding.subject);
            self.text("message", &finding.message);
            if let Some(evidence) = &finding.evidence {
                self.text("evidence", evidence.raw());
            }
        }
        self.told(&server.told, &server.accepted);
        let limited = server.closure.nodes().iter().filter_map(|(id, node)| Some((id, node.targets.as_ref()?)));
        let mut limited = limited.peekable();
        if limited.peek().is_some() {
            self.text.push_str("\n[server.only-on]\n");
            for (id, subset) in limited {
                self.line_of(&quoted(&id.to_string()), edge::write_targets(subset, &server.targets));
            }
        }
        self.text.push_str("\n[server.closure]\n");
        for (id, node) in server.closure.nodes() {
            self.lines_of(&quoted(&id.to_string()), node.edges.iter().map(edge::write));
        }
    }

    fn package(&mut self, package: &Package) {
        self.text("id", &package.id.to_string());
        for (key, list) in [("os", &package.os), ("cpu", &package.cpu), ("libc", &package.libc)] {
            if !list.is_empty() {
                self.line_of(key, list);
            }
        }
        if let Some(requirement) = &package.requires_python {
            self.text("requires-python", requirement);
        }
        if package.install_scripts {
            self.text.push_str("install-scripts = true\n");
        }
        if let Some(parent) = &package.bundled_in {
            self.text("bundled-in", &parent.to_string());
        }
        if let Some(git) = &package.git {
            if let Some(reference) = &git.reference {
                self.text("git-reference", reference);
            }
            self.text("git-tree", &git.tree);
        }
        if !package.artifacts.is_empty() {
            self.text.push_str("artifacts = [\n");
            for artifact in &package.artifacts {
                self.artifact(artifact, package.id.ecosystem());
            }
            self.text.push_str("]\n");
        }
        if let Some(word) = pin::state_word(&package.evidence) {
            self.text("evidence", word);
        }
        if !package.evidence.pins().is_empty() {
            self.text.push_str("signed-by = [\n");
            for pin in package.evidence.pins() {
                self.signed_by(pin);
            }
            self.text.push_str("]\n");
        }
    }

    fn signed_by(&mut self, pin: &Pin) {
        self.text.push_str("  { ");
        for (index, (key, value)) in pin::fields(pin).into_iter().enumerate() {
            self.text.push_str(if index == 0 { "" } else { ", " });
            self.text.push_str(key);
            self.text.push_str(" = ");
            quote(value, &mut self.text);
        }
        self.text.push_str(" },\n");
    }

    fn artifact(&mut self, artifact: &Artifact, ecosystem: Ecosystem) {
        self.text.push_str("  { file = ");
        quote(&artifact.file, &mut self.text);
        if artifact.kind != usual_kind(ecosystem, &artifact.file) {
            let _infallible = write!(self.text, ", kind = \"{}\"", kind_word(artifact.kind));
        }
        if let Some(size) = artifact.size {
            let _infallible = write!(self.text, ", size = {size}");
        }
        for digest in artifact.digests.iter() {
            let _infallible = write!(self.text, ", {} = \"{}\"", digest.algorithm(), digest.to_hex());
        }
        self.text.push_str(" },\n");
    }

    /// `key = "value"`.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.text.push_str(key);
        self.text.push_str(" = ");
        quote(value, &mut self.text);
        self.text.push('\n');
    }

    /// A list on one line.
    pub(super) fn line_of(&mut self, key: &str, values: impl IntoIterator<Item = impl AsRef<str>>) {
        self.text.push_str(key);
        self.text.push_str(" = [");
        for (index, value) in values.into_iter().enumerate() {
            self.text.push_str(if index == 0 { "" } else { ", " });
            quote(value.as_ref(), &mut self.text);
        }
        self.text.push_str("]\n");
    }

    /// A list with one value a line, so that a change of one value is a change of one line. An empty one is `[]`.
    pub(super) fn lines_of(&mut self, key: &str, values: impl IntoIterator<Item = impl AsRef<str>>) {
        self.text.push_str(key);
        self.text.push_str(" = [");
        let mut values = values.into_iter().peekable();
        if values.peek().is_some() {
            self.text.push('\n');
        }
        for value in values {
            self.text.push_str("  ");
            quote(value.as_ref(), &mut self.text);
            self.text.push_str(",\n");
        }
        self.text.push_str("]\n");
    }
}

/// How an entry point is written.
pub(crate) fn entry_text(entry: &EntryPoint) -> String {
    match entry {
        EntryPoint::NpmBin(name) => format!("npm-bin:{name}"),
        EntryPoint::PythonScript(name) => format!("python-script:{name}"),
        EntryPoint::Unknown => "unknown".to_owned(),
    }
}

/// Reads an entry point.
pub(super) fn entry_from(text: &str) -> Option<EntryPoint> {
    match text.split_once(':') {
        Some((_, name)) if !plain::is_file_name(name) => None,
        Some(("npm-bin", name)) => Some(EntryPoint::NpmBin(name.into())),
        Some(("python-script", name)) => Some(EntryPoint::PythonScript(name.into())),
        Some(_) => None,
        None => (text == "unknown").then_some(EntryPoint::Unknown),
    }
}

/// Every kind with its word in the lock.
pub(super) const KINDS: [(ArtifactKind, &str); 4] = [
    (ArtifactKind::NpmTarball, "npm-tarball"),
    (ArtifactKind::Wheel, "wheel"),
    (ArtifactKind::Sdist, "sdist"),
    (ArtifactKind::GitArchive, "git-archive"),
];

/// The word of a kind.
pub(super) fn kind_word(kind: ArtifactKind) -> &'static str {
    match kind {
        ArtifactKind::NpmTarball => "npm-tarball",
        ArtifactKind::Wheel => "wheel",
        ArtifactKind::Sdist => "sdist",
        ArtifactKind::GitArchive => "git-archive",
    }
}

/// The kind that a file has unless the lock says otherwise.
pub(super) fn usual_kind(ecosystem: Ecosystem, file: &str) -> ArtifactKind {
    match ecosystem {
        Ecosystem::Npm => ArtifactKind::NpmTarball,
        Ecosystem::Git => ArtifactKind::GitArchive,
        Ecosystem::Pypi if file.ends_with(".whl") => ArtifactKind::Wheel,
        Ecosystem::Pypi => ArtifactKind::Sdist,
    }
}

/// A TOML basic string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote(text, &mut out);
    out
}

/// Writes a TOML basic string in which nothing is hidden: whatever a reader would not see as itself is `\uXXXX`.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    if text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\') {
        out.push_str(text);
    } else {
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if is_hidden(c) => {
                    let code = u32::from(c);
                    let _infallible =
                        if code > 0xffff { write!(out, "\\U{code:08X}") } else { write!(out, "\\u{code:04X}") };
                }
                c => out.push(c),
            }
        }
    }
    out.push('"');
}
