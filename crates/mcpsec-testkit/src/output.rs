//! What a run of the binary printed and returned, with assertions that show everything when they fail.
use std::fmt::Write as _;

use serde_json::Value;

use crate::program::Finished;

/// The end of a run.
#[derive(Clone, Debug)]
#[must_use = "a run that nobody looks at proves nothing"]
pub struct Output {
    /// Standard output; invalid UTF-8 is replaced.
    pub stdout: String,
    /// Standard error; invalid UTF-8 is replaced.
    pub stderr: String,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What was run, for messages.
    arguments: String,
    /// Texts that differ between runs, and what stands for them in a snapshot.
    redactions: Vec<(String, &'static str)>,
}

impl Output {
    pub(crate) fn new(finished: &Finished, arguments: String, redactions: Vec<(String, &'static str)>) -> Self {
        Self {
            stdout: String::from_utf8_lossy(&finished.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&finished.stderr).into_owned(),
            code: finished.code,
            arguments,
            redactions,
        }
    }

    /// Fails the test unless the exit code is 0.
    #[track_caller]
    pub fn success(self) -> Self {
        self.exits(0)
    }

    /// Fails the test unless the exit code is this one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.snapshot());
        self
    }

    /// Fails the test unless standard error, with line breaks read as spaces, contains this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat(&self.stderr).contains(&flat(text)), "stderr does not say `{text}`\n{}", self.snapshot());
        self
    }

    /// Fails the test unless standard output, with line breaks read as spaces, contains this text.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat(&self.stdout).contains(&flat(text)), "stdout does not say `{text}`\n{}", self.snapshot());
        self
    }

    /// Fails the test if stdout or stderr contains this text.
    #[track_caller]
    pub fn hides(self, secret: &str) -> Self {
        assert!(!self.stdout.contains(secret), "stdout shows `{secret}`\n{}", self.snapshot());
        assert!(!self.stderr.contains(secret), "stderr shows `{secret}`\n{}", self.snapshot());
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is no JSON: {error}\n{}", self.snapshot()))
    }

    /// Command line, exit code, stdout and stderr in one text, for snapshots. What differs between runs is replaced: the
    /// temporary folder by `[ROOT]`, ports by `[PORT]`, ages by `[DAYS]`, durations by `[TIME]`.
    pub fn snapshot(&self) -> String {
        let code = self.code.map_or_else(|| "signal".to_owned(), |code| code.to_string());
        let mut out = format!("$ mcpsec {}\n[exit] {code}\n", self.arguments);
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            // Writing to a String cannot fail.
            let _infallible =
                write!(out, "[{name}]\n{text}{}", if text.is_empty() || text.ends_with('\n') { "" } else { "\n" });
        }
        self.redact(&out)
    }

    /// [`Output::snapshot`] with byte counts (`1.5 MiB`, `3 kB`) replaced too, by `[SIZE]`.
    pub fn snapshot_without_sizes(&self) -> String {
        replace_numbers(&self.snapshot(), &["B", "kB", "KiB", "MB", "MiB", "GB", "GiB"], "[SIZE]")
    }

    fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.redactions {
            text = text.replace(from, to);
        }
        // How old something is depends on the day of the run.
        let text = replace_numbers(&text, &["days", "day"], "[DAYS]");
        replace_numbers(&replace_ports(&text), &["ns", "µs", "us", "ms", "s"], "[TIME]")
    }
}

/// `127.0.0.1:1234` → `127.0.0.1:[PORT]`.
fn replace_ports(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let host = "127.0.0.1:";
    while let Some(at) = rest.find(host) {
        let (before, after) = rest.split_at(at + host.len());
        let port = after.trim_start_matches(|c: char| c.is_ascii_digit());
        out.push_str(before);
        out.push_str(if port.len() < after.len() { "[PORT]" } else { "" });
        rest = port;
    }
    out.push_str(rest);
    out
}

/// Replaces every number that is followed, after at most one space, by one of the units as a whole word.
fn replace_numbers(text: &str, units: &[&str], replacement: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut previous = ' ';
    while let Some(c) = rest.chars().next() {
        let starts_number = c.is_ascii_digit() && !previous.is_alphanumeric() && !matches!(previous, '.' | '-' | '_');
        let found = starts_number.then(|| measure(rest, units)).flatten();
        match found {
            Some(length) => {
                out.push_str(replacement);
                rest = &rest[length..];
                previous = 's';
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
                previous = c;
            }
        }
    }
    out
}

/// The length of `12.5 ms` at the start of a text.
fn measure(text: &str, units: &[&str]) -> Option<usize> {
    let after = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let unit_at = after.strip_prefix(' ').unwrap_or(after);
    let word = unit_at.find(|c: char| !c.is_alphanumeric()).unwrap_or(unit_at.len());
    units.contains(&&unit_at[..word]).then(|| text.len() - unit_at.len() + word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_replaced_and_nothing_else() {
        let finished = Finished {
            stdout: b"done in 1.2s, 3 packages at 127.0.0.1:4567/x\n".to_vec(),
            stderr: b"/tmp/x1/lock 12 ms 1.0.0 v2s".to_vec(),
            code: Some(0),
        };
        let output = Output::new(&finished, "add npm:x".to_owned(), vec![("/tmp/x1".to_owned(), "[ROOT]")]);
        assert_eq!(
            output.snapshot(),
            "$ mcpsec add npm:x\n[exit] 0\n[stdout]\ndone in [TIME], 3 packages at 127.0.0.1:[PORT]/x\n[stderr]\n[ROOT]/lock [TIME] 1.0.0 v2s\n"
        );
    }

    #[test]
    fn sizes_are_replaced_on_request() {
        assert_eq!(
            replace_numbers("1.5 MiB of 30kB, 2 Bytes", &["kB", "MiB", "B"], "[SIZE]"),
            "[SIZE] of [SIZE], 2 Bytes"
        );
    }
}
