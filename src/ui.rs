//! What people see on standard error: errors, notes, progress. Standard output belongs to the command's data.
use std::{
    collections::BTreeSet,
    io::Write as _,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use mcpsec_fetch::progress::{Event, Progress};
use mcpsec_model::text::escape;

use crate::error::CommandError;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// Prints an error with its hints.
pub(crate) fn print_error(error: &CommandError) {
    let mut text = format!("{ERROR}error{ERROR:#}: {}\n", visible(&error.to_string()));
    for hint in error.hints() {
        text.push_str(&format!("  {HINT}hint{HINT:#}: {}\n", visible(hint)));
    }
    to_stderr(&text);
}

/// The last gate before a terminal: names of local files and folders come unescaped to here, and a repository that was
/// cloned brings its own. Line breaks are ours.
fn visible(text: &str) -> String {
    // Nor may a line of it be a command to the CI job whose log this is.
    mcpsec_report::inert(&text.split('\n').map(escape).collect::<Vec<_>>().join("\n")).into_owned()
}

fn to_stderr(text: &str) {
    // When standard error is gone there is nobody left to tell.
    let _written = anstream::stderr().write_all(text.as_bytes());
}

/// Writes a command's data to standard output. A closed pipe (`| head`) is a normal end.
pub(crate) fn print_data(text: &str) -> Result<(), CommandError> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CommandError::incomplete(format!("failed to write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// What one run has said: a command that looks at the same thing three times tells it once.
#[derive(Default)]
pub(crate) struct Said(Mutex<BTreeSet<String>>);

impl Said {
    /// Whether this is the first time.
    pub(crate) fn first(&self, text: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned())
    }
}

/// Notes and progress of one command.
pub(crate) struct Ui {
    verbosity: i8,
    bars: Option<Bars>,
}

struct Bars {
    all: MultiProgress,
    resolving: ProgressBar,
    fetching: ProgressBar,
    names: AtomicUsize,
    received: AtomicI64,
}

impl Ui {
    /// With bars only where they make sense (a terminal, not quiet).
    pub(crate) fn new(progress: bool, verbosity: i8) -> Self {
        let bars = progress.then(|| {
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(15));
            Bars {
                resolving: all.add(ProgressBar::new_spinner()),
                fetching: all.add(ProgressBar::new(0)),
                all,
                names: AtomicUsize::new(0),
                received: AtomicI64::new(0),
            }
        });
        Self { verbosity, bars }
    }

    /// Shows the bars of a resolution and its downloads, until [`Ui::done`].
    pub(crate) fn start(&self, what: &str) {
        let Some(bars) = &self.bars else { return };
        bars.resolving.reset();
        bars.fetching.reset();
        bars.fetching.set_length(0);
        bars.names.store(0, Ordering::Relaxed);
        bars.received.store(0, Ordering::Relaxed);
        set_style(&bars.resolving, "{spinner:.cyan} {msg}");
        // Nothing to see before downloads are planned.
        set_style(&bars.fetching, "");
        bars.resolving.set_message(what.to_owned());
        bars.resolving.enable_steady_tick(Duration::from_millis(80));
    }

    /// Removes the bars.
    pub(crate) fn done(&self) {
        if let Some(bars) = &self.bars {
            bars.resolving.finish_and_clear();
            bars.fetching.finish_and_clear();
        }
    }

    /// A line for everybody who did not ask for quiet.
    pub(crate) fn note(&self, text: &str) {
        if self.verbosity >= 0 {
            self.line(&format!("{DIM}{}{DIM:#}", visible(text)));
        }
    }

    /// A line that matters even with `-q`.
    pub(crate) fn warn(&self, text: &str) {
        if self.verbosity >= -1 {
            self.line(&format!("{WARNING}warning{WARNING:#}: {}", visible(text)));
        }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => bars.all.suspend(|| to_stderr(&format!("{text}\n"))),
            None => to_stderr(&format!("{text}\n")),
        }
    }
}

impl Progress for Ui {
    fn event(&self, event: Event<'_>) {
        if let Event::Retry { what, reason } = event {
            if self.verbosity >= 1 {
                self.line(&format!("{DIM}retrying {}: {}{DIM:#}", visible(what), visible(reason)));
            }
            return;
        }
        let Some(bars) = &self.bars else { return };
        match event {
            Event::MetadataFetched { name } => {
                let count = bars.names.fetch_add(1, Ordering::Relaxed) + 1;
                bars.resolving.set_message(format!("{count} packages seen, {name}"));
            }
            Event::DownloadsPlanned { files, .. } => {
                set_style(&bars.fetching, "  {bar:28.cyan/dim} {pos}/{len} files  {msg}  {elapsed:.dim}");
                bars.fetching.inc_length(files as u64);
            }
            Event::BytesReceived(more) => {
                let total = bars.received.fetch_add(more, Ordering::Relaxed) + more;
                bars.fetching.set_message(bytes(u64::try_from(total).unwrap_or(0)));
            }
            Event::FileDone { .. } => bars.fetching.inc(1),
            Event::Retry { .. } => {}
        }
    }
}

fn set_style(bar: &ProgressBar, template: &str) {
    // The templates are constants; one that does not parse would only leave the bar as it was.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}

/// A byte count as people read it: `4.9 MB`, decimal units.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit < UNITS.len() - 1 {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `1 package`, `2 packages`.
pub(crate) fn count(number: usize, singular: &str) -> String {
    if number == 1 { format!("1 {singular}") } else { format!("{number} {singular}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_counts_read_well() {
        for (count, want) in [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (4_984_577, "5.0 MB"), (999_960, "1.0 MB")]
        {
            assert_eq!(bytes(count), want);
        }
    }
}
