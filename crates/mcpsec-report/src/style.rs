//! Colours that mean something: green holds, red does not, yellow needs a person, dim is for the record.
use anstyle::{AnsiColor, Style as Ansi};

/// How text is marked.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub(crate) good: Ansi,
    pub(crate) bad: Ansi,
    pub(crate) warn: Ansi,
    pub(crate) bold: Ansi,
    pub(crate) dim: Ansi,
    pub(crate) hint: Ansi,
}

impl Style {
    /// No escape sequences at all.
    pub fn plain() -> Self {
        let none = Ansi::new();
        Self { good: none, bad: none, warn: none, bold: none, dim: none, hint: none }
    }

    /// Sixteen-colour escape sequences, so that the terminal's own theme decides.
    pub fn colored() -> Self {
        Self {
            good: AnsiColor::Green.on_default(),
            bad: AnsiColor::Red.on_default().bold(),
            warn: AnsiColor::Yellow.on_default(),
            bold: Ansi::new().bold(),
            dim: Ansi::new().dimmed(),
            hint: AnsiColor::Cyan.on_default(),
        }
    }
}
