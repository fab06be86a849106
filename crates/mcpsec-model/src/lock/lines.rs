//! The quick reader: takes the lines of a canonical lock in the order in which the writer gives them, and stops at the first
//! one that is not as it should be.
//!
//! It need not tell why. Whatever it reads is written again and compared with the text, so it cannot be led astray; when it
//! stops, the thorough reader (`tables`) looks at the same text and finds the words. It holds no more memory than a small
//! multiple of the text, which a TOML parser does not promise for a hostile one.
use std::borrow::Cow;

use super::{
    seal,
    told::wire::Told,
    wire::{Artifact, Document, Finding, Lists, Package, Server, SignedBy, Text},
};

/// Reads a document, or the byte offset of the line that is not canonical.
pub(super) fn document(text: &str) -> Result<Document<'_>, usize> {
    let mut lines = Lines::new(text);
    lines.document().ok_or(lines.at.min(text.len()))
}

/// A text, and how far it was read.
pub(super) struct Lines<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lines<'t> {
    /// Starts at the first line.
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Where the current line starts.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// What is not read yet.
    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes on after whole lines.
    pub(super) fn skip(&mut self, lines: &str) {
        self.at += lines.len();
    }

    /// The line after a blank one, if the current one is.
    pub(super) fn after_blank(&self) -> Option<&'t str> {
        let rest = self.rest().strip_prefix('\n')?;
        Some(&rest[..rest.find('\n')?])
    }

    /// The current line, and what stands behind `key = ` in it.
    pub(super) fn value(&self, key: &str) -> Option<(&'t str, &'t str)> {
        // Most keys are absent: that is seen without looking for the end of a line.
        self.rest().strip_prefix(key).filter(|rest| rest.starts_with(" = "))?;
        let line = self.line()?;
        Some((line, line.get(key.len() + 3..)?))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// The current line without its newline; `None` at the end, or when the last line has no newline.
    pub(super) fn line(&self) -> Option<&'t str> {
        let rest = self.text.get(self.at..)?;
        Some(&rest[..rest.find('\n')?])
    }

    pub(super) fn advance(&mut self, line: &str) {
        self.at += line.len() + 1;
    }

    /// Takes a line that is exactly this.
    pub(super) fn exactly(&mut self, expected: &str) -> Option<()> {
        let line = self.line().filter(|line| *line == expected)?;
        self.advance(line);
        Some(())
    }

    fn is(&self, expected: &str) -> bool {
        self.line() == Some(expected)
    }

    fn starts(&self, start: &str) -> bool {
        self.text.get(self.at..).is_some_and(|rest| rest.starts_with(start))
    }

    /// Takes `key = "text"` if the line has that key. The outer option is for a line that has it and is malformed.
    pub(super) fn optional(&mut self, key: &str) -> Option<Option<Text<'t>>> {
        let Some(line) = self.line() else { return Some(None) };
        let Some(value) = line.strip_prefix(key).and_then(|rest| rest.strip_prefix(" = ")) else { return Some(None) };
        let at = self.at + line.len() - value.len();
        let (text, rest) = string(value)?;
        if !rest.is_empty() {
            return None;
        }
        self.advance(line);
        Some(Some(Text { text, at }))
    }

    pub(super) fn required(&mut self, key: &str) -> Option<Text<'t>> {
        self.optional(key)?
    }

    /// Takes `key = ["a", "b"]` if the line has that key.
    pub(super) fn on_one_line(&mut self, key: &str) -> Option<Vec<Text<'t>>> {
        let Some(line) = self.line() else { return Some(Vec::new()) };
        let Some(rest) = line.strip_prefix(key).and_then(|rest| rest.strip_prefix(" = [")) else {
            return Some(Vec::new());
        };
        let values = self.values_to_end(line, rest)?;
        self.advance(line);
        Some(values)
    }

    /// Values of a list up to the `]` that ends the line.
    fn values_to_end(&self, line: &'t str, mut rest: &'t str) -> Option<Vec<Text<'t>>> {
        let mut values = Vec::new();
        while rest != "]" {
            if !values.is_empty() {
                rest = rest.strip_prefix(", ")?;
            }
            let at = self.at + line.len() - rest.len();
            let (text, after) = string(rest)?;
            values.push(Text { text, at });
            rest = after;
        }
        Some(values)
    }

    /// The lines of a list up to `]`, after the one that opens it.
    fn values(&mut self) -> Option<Vec<Text<'t>>> {
        let mut values = Vec::new();
        loop {
            let line = self.line()?;
            if line == "]" {
                self.advance(line);
                return Some(values);
            }
            let (text, rest) = string(line.strip_prefix("  ")?)?;
            if rest != "," {
                return None;
            }
            values.push(Text { text, at: self.at + 2 });
            self.advance(line);
        }
    }

    /// A list with one value a line.
    pub(super) fn on_lines(&mut self, key: &str) -> Option<Vec<Text<'t>>> {
        let line = self.line()?;
        match line.strip_prefix(key)? {
            " = []" => {
                self.advance(line);
                Some(Vec::new())
            }
            " = [" => {
                self.advance(line);
                self.values()
            }
            _ => None,
        }
    }

    /// The key of a line that starts with a quoted one, and the rest of the line.
    fn quoted_key(&self) -> Option<(&'t str, Text<'t>, &'t str)> {
        let line = self.line()?;
        let (text, rest) = string(line)?;
        Some((line, Text { text, at: self.at }, rest))
    }

    fn document(&mut self) -> Option<Document<'t>> {
        // The header and the version line are compared with everything else at the end.
        for _head in 0..2 {
            let line = self.line()?;
            self.advance(line);
        }
        let listed = self.on_lines("servers")?;
        let imports = if self.has("imports") { self.on_lines("imports")? } else { Vec::new() };
        let team = self.team()?;
        let (mut servers, mut packages) = (Vec::new(), Vec::new());
        while self.at < self.text.len() {
            self.exactly("")?;
            if packages.is_empty() && self.is(seal::SERVER) {
                servers.push(self.server()?);
            } else {
                packages.push(self.package()?);
            }
        }
        Some(Document { listed, imports, team, servers, packages })
    }

    fn server(&mut self) -> Option<Server<'t>> {
        let at = self.at;
        self.exactly(seal::SERVER)?;
        let mut server = Server {
            at,
            name: self.required("name")?,
            spec: self.required("spec")?,
            version: self.required("version")?,
            command: self.optional("command")?,
            entry: self.required("entry")?,
            as_of: self.optional("as-of")?,
            targets: self.on_lines("targets")?,
            root: self.required("root")?,
            closure_id: self.required("closure-id")?,
            overrides: Vec::new(),
            findings: Vec::new(),
            told: Told::default(),
            only_on: Vec::new(),
            closure: Vec::new(),
        };
        let _checked_on_the_text = self.required("seal")?;
        if self.starts("\n[server.overrides]\n") {
            self.exactly("")?;
            self.exactly("[server.overrides]")?;
            while self.starts("\"") {
                server.overrides.push(self.pair()?);
            }
        }
        while self.starts("\n[[server.finding]]\n") {
            self.exactly("")?;
            self.exactly("[[server.finding]]")?;
            server.findings.push(Finding {
                rule: self.required("rule")?,
                subject: self.required("subject")?,
                message: self.required("message")?,
                evidence: self.optional("evidence")?,
            });
        }
        server.told = self.told()?;
        if self.starts("\n[server.only-on]\n") {
            self.exactly("")?;
            self.exactly("[server.only-on]")?;
            server.only_on = self.lists()?;
        }
        self.exactly("")?;
        self.exactly("[server.closure]")?;
        server.closure = self.lists()?;
        Some(server)
    }

    fn pair(&mut self) -> Option<(Text<'t>, Text<'t>)> {
        let (line, key, rest) = self.quoted_key()?;
        let value = rest.strip_prefix(" = ")?;
        let at = self.at + line.len() - value.len();
        let (text, rest) = string(value)?;
        if !rest.is_empty() {
            return None;
        }
        self.advance(line);
        Some((key, Text { text, at }))
    }

    /// Lines `"key" = […]`, the list on that line or on lines of its own.
    fn lists(&mut self) -> Option<Lists<'t>> {
        let mut lists = Vec::new();
        while self.starts("\"") {
            let (line, key, rest) = self.quoted_key()?;
            let values = match rest.strip_prefix(" = [")? {
                "" => {
                    self.advance(line);
                    self.values()?
                }
                rest => {
                    let values = self.values_to_end(line, rest)?;
                    self.advance(line);
                    values
                }
            };
            lists.push((key, values));
        }
        Some(lists)
    }

    fn package(&mut self) -> Option<Package<'t>> {
        let at = self.at;
        self.exactly(seal::PACKAGE)?;
        let package = Package {
            at,
            id: self.required("id")?,
            os: self.on_one_line("os")?,
            cpu: self.on_one_line("cpu")?,
            libc: self.on_one_line("libc")?,
            requires_python: self.optional("requires-python")?,
            install_scripts: self.exactly("install-scripts = true").is_some(),
            bundled_in: self.optional("bundled-in")?,
            git_reference: self.optional("git-reference")?,
            git_tree: self.optional("git-tree")?,
            artifacts: self.artifacts()?,
            evidence: self.optional("evidence")?,
            signed_by: self.signed_by()?,
        };
        let _checked_on_the_text = self.required("seal")?;
        Some(package)
    }

    fn signed_by(&mut self) -> Option<Vec<SignedBy<'t>>> {
        let mut lines = Vec::new();
        if self.exactly("signed-by = [").is_none() {
            return Some(lines);
        }
        while self.exactly("]").is_none() {
            let line = self.line()?;
            let mut rest = line.strip_prefix("  { ")?;
            let text_at = |rest: &str| self.at + line.len() - rest.len();
            let (at, mut fields) = (self.at + 2, Vec::new());
            while rest != " }," {
                if !fields.is_empty() {
                    rest = rest.strip_prefix(", ")?;
                }
                let (key, value) = rest.split_once(" = ")?;
                let key = Text { text: Cow::Borrowed(key), at: text_at(rest) };
                let at = text_at(value);
                let (text, after) = string(value)?;
                fields.push((key, Text { text, at }));
                rest = after;
            }
            lines.push(SignedBy { at, fields });
            self.advance(line);
        }
        Some(lines)
    }

    fn artifacts(&mut self) -> Option<Vec<Artifact<'t>>> {
        let mut artifacts = Vec::new();
        if self.exactly("artifacts = [").is_none() {
            return Some(artifacts);
        }
        while self.exactly("]").is_none() {
            let line = self.line()?;
            let mut rest = line.strip_prefix("  { file = ")?;
            let text_at = |rest: &str| self.at + line.len() - rest.len();
            let at = text_at(rest);
            let (text, after) = string(rest)?;
            let mut artifact = Artifact { file: Text { text, at }, kind: None, size: None, sha512: None, sha256: None };
            rest = after;
            while let Some((key, value)) = rest.strip_prefix(", ").and_then(|rest| rest.split_once(" = ")) {
                let at = text_at(value);
                if key == "size" {
                    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
                    artifact.size = Some(value[..digits].parse().ok()?);
                    rest = &value[digits..];
                } else {
                    let (text, after) = string(value)?;
                    let slot = match key {
                        "kind" => &mut artifact.kind,
                        "sha512" => &mut artifact.sha512,
                        "sha256" => &mut artifact.sha256,
                        _ => return None,
                    };
                    *slot = Some(Text { text, at });
                    rest = after;
                }
            }
            if rest != " }," {
                return None;
            }
            artifacts.push(artifact);
            self.advance(line);
        }
        Some(artifacts)
    }
}

/// The basic string at the start of a text, and what follows it.
pub(super) fn string(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let inner = text.strip_prefix('"')?;
    let end = inner.find(['"', '\\'])?;
    if inner.as_bytes()[end] == b'"' {
        return Some((Cow::Borrowed(&inner[..end]), &inner[end + 1..]));
    }
    let mut out = String::with_capacity(end + 16);
    let mut rest = inner;
    loop {
        let at = rest.find(['"', '\\'])?;
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix('"') {
            return Some((Cow::Owned(out), after));
        }
        let mut escape = rest[1..].chars();
        let digits = match escape.next()? {
            '"' => {
                out.push('"');
                0
            }
            '\\' => {
                out.push('\\');
                0
            }
            'n' => {
                out.push('\n');
                0
            }
            'r' => {
                out.push('\r');
                0
            }
            't' => {
                out.push('\t');
                0
            }
            'u' => 4,
            'U' => 8,
            _ => return None,
        };
        if digits > 0 {
            let code = rest.get(2..2 + digits).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))?;
            out.push(u32::from_str_radix(code, 16).ok().and_then(char::from_u32)?);
        }
        rest = &rest[2 + digits..];
    }
}

#[cfg(test)]
mod tests {
    use super::string;
    use crate::lock::write::quoted;

    #[test]
    fn strings_read_back() {
        for text in ["", "a", "\"\\\n\r\t", "\u{0}\u{202e}\u{e0041}é𝄞", "\\u0041", "x\""] {
            let line = format!("{}, rest", quoted(text));
            assert_eq!(string(&line), Some((text.into(), ", rest")));
        }
        for text in
            ["", "a", "\"", "\"\\\"", "\"\\x41\"", "\"\\u00\"", "\"\\uD800\"", "\"\\u+041\"", "\"\\", "\"\\uéé\""]
        {
            assert_eq!(string(text), None, "{text}");
        }
    }
}
