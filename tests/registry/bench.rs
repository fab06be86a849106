//! What benches share: processes with their memory, and what `wrk` says of them.
use std::{path::Path, time::Duration};

use mcpsec_testkit::program;

/// The programs of one side of a comparison, watched through `/proc`.
pub(crate) struct Watched(Vec<u32>);

impl Watched {
    pub(crate) fn one(id: u32) -> Self {
        Self(vec![id])
    }

    /// Of `ID` or `ID,ID…`.
    pub(crate) fn parse(text: &str) -> Self {
        Self(text.split(',').map(|id| id.parse().expect("a process id")).collect())
    }

    /// Resident memory now and at most, in KiB, of all of them.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let each = self.0.iter().map(|id| (kib(*id, "VmRSS:"), kib(*id, "VmHWM:")));
        each.fold((0, 0), |sum, one| (sum.0 + one.0.unwrap_or(0), sum.1 + one.1.unwrap_or(0)))
    }

    /// [`Watched::memory`] for a table.
    pub(crate) fn shown(&self) -> String {
        let (now, most) = self.memory();
        format!("rss {:>4} MiB, at most {:>4} MiB", now >> 10, most >> 10)
    }
}

/// A line of `/proc/ID/status`, in KiB; `None` when the process has ended.
pub(crate) fn kib(id: u32, key: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

/// What one run of `wrk` measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Requests per second.
    pub(crate) requests: f64,
    /// Bytes per second.
    pub(crate) bytes: f64,
    /// The 99th percentile of the time until an answer was whole, in milliseconds.
    pub(crate) p99: f64,
}

impl Measured {
    /// The middle one, by requests.
    pub(crate) fn median(mut all: Vec<Self>) -> Self {
        all.sort_by(|a, b| a.requests.total_cmp(&b.requests));
        all[all.len() / 2]
    }
}

/// Asks one address over and over, 16 connections at a time. Fails the test when an answer was none.
pub(crate) fn wrk(seconds: &str, url: &str) -> Measured {
    let wrk = program::find("wrk").expect("wrk is on PATH");
    let done =
        program::run(&wrk, &["-t2", "-c16", &format!("-d{seconds}s"), "--timeout", "60s", "--latency", url], &[]);
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(done.code, Some(0), "{said}");
    assert!(!said.contains("Non-2xx") && !said.contains("Socket errors"), "{url}: {said}");
    let value = |key: &str| {
        let found = said.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim);
        found.and_then(quantity).unwrap_or_else(|| panic!("{key} in {said}"))
    };
    Measured { requests: value("Requests/sec:"), bytes: value("Transfer/sec:"), p99: value("99%") }
}

/// `1.50GB`, `12.30k`, `250.00us`, `1.2s`: as a number of bytes, or of milliseconds.
fn quantity(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 10] = [
        ("GB", 1_073_741_824.0),
        ("MB", 1_048_576.0),
        ("KB", 1024.0),
        ("B", 1.0),
        ("us", 0.001),
        ("ms", 1.0),
        ("s", 1000.0),
        ("m", 60_000.0),
        ("k", 1000.0),
        ("", 1.0),
    ];
    UNITS.iter().find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}

/// How long files take by the kernel's own copying, and how many bytes they have: the floor under whatever moves them.
pub(crate) fn copied(from: &[std::path::PathBuf], to: &Path) -> (Duration, u64) {
    let start = std::time::Instant::now();
    let copy = |(number, file): (usize, &std::path::PathBuf)| {
        std::fs::copy(file, to.join(number.to_string())).expect("a copy")
    };
    let bytes = from.iter().enumerate().map(copy).sum();
    (start.elapsed(), bytes)
}
