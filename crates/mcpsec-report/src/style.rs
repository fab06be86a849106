//! How human output looks: colours or none. The layout is the same either way, so that snapshots of one hold for both.
use std::fmt;

use anstyle::{AnsiColor, Style as Paint};
use mcpsec_model::{check::CheckStatus, finding::Severity, verdict::Verdict};

/// Colours or none, and how wide.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    color: bool,
    width: usize,
}

impl Style {
    /// No colours, 80 columns.
    pub const fn plain() -> Self {
        Self { color: false, width: 80 }
    }

    /// ANSI colours, 80 columns.
    pub const fn colored() -> Self {
        Self { color: true, width: 80 }
    }

    /// The same with another width in columns, at least 40.
    #[must_use]
    pub const fn with_width(self, width: usize) -> Self {
        Self { width: if width < 40 { 40 } else { width }, ..self }
    }

    pub(crate) fn width(self) -> usize {
        self.width
    }

    pub(crate) fn paint(self, paint: Paint, text: impl fmt::Display) -> String {
        if self.color { format!("{paint}{text}{paint:#}") } else { text.to_string() }
    }

    pub(crate) fn bold(self, text: impl fmt::Display) -> String {
        self.paint(Paint::new().bold(), text)
    }

    pub(crate) fn dim(self, text: impl fmt::Display) -> String {
        self.paint(Paint::new().dimmed(), text)
    }
}

pub(crate) fn of_verdict(verdict: Verdict) -> Paint {
    match verdict {
        Verdict::Pass => foreground(AnsiColor::Green),
        Verdict::Incomplete => foreground(AnsiColor::Yellow).bold(),
        Verdict::Deny => foreground(AnsiColor::Red).bold(),
    }
}

pub(crate) fn of_status(status: &CheckStatus) -> Paint {
    match status {
        CheckStatus::Pass => foreground(AnsiColor::Green),
        CheckStatus::Fail(_) => foreground(AnsiColor::Red).bold(),
        CheckStatus::Unchecked(_) => foreground(AnsiColor::Yellow),
        CheckStatus::NotApplicable => Paint::new().dimmed(),
    }
}

pub(crate) fn of_severity(severity: Severity) -> Paint {
    match severity {
        Severity::Critical | Severity::High => foreground(AnsiColor::Red).bold(),
        Severity::Medium => foreground(AnsiColor::Yellow),
        Severity::Low | Severity::Info => foreground(AnsiColor::Cyan),
    }
}

fn foreground(color: AnsiColor) -> Paint {
    Paint::new().fg_color(Some(color.into()))
}
