//! Times starting and ending a program that does nothing: bare, and in each level of sandbox that works here, watched and
//! not. Prints medians of one run, taken in turn, so that a slow moment of the machine hits all of them.
//!
//! This program is the launcher's second half itself, as `mcpsec` is; so it is larger than no program and smaller than that.
#[cfg(target_os = "linux")]
use std::{
    path::PathBuf,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

#[cfg(target_os = "linux")]
use mcpsec_capture::sandbox::{Limits, Network, Plan, Sandbox, Stdio, stage_if_asked};
#[cfg(target_os = "linux")]
use mcpsec_model::config::Isolation;

/// The program.
#[cfg(target_os = "linux")]
const PROGRAM: &str = "/bin/true";
/// Rounds when no number is given.
#[cfg(target_os = "linux")]
const ROUNDS: usize = 41;

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    if let Some(code) = stage_if_asked() {
        return code;
    }
    // A path: another program whose `main` begins with `stage_if_asked`, such as `mcpsec`. A number: rounds.
    let launcher = std::env::args().skip(1).find(|word| word.contains('/')).map(PathBuf::from);
    let Some(launcher) = launcher.or_else(|| std::env::current_exe().ok()) else { return ExitCode::FAILURE };
    let rounds = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(ROUNDS);
    let mut contenders: Vec<(String, Box<dyn Fn() -> bool>)> = vec![("bare".to_owned(), Box::new(bare))];
    for tier in [Isolation::Namespace, Isolation::Landlock] {
        let Ok(sandbox) = Sandbox::detect(&launcher, tier, Some(tier)) else {
            say(&format!("{}: does not work here", tier.as_str()));
            continue;
        };
        for observe in [false, true] {
            let watched = if observe { ", watched, with canaries" } else { "" };
            let (sandbox, plan) = (sandbox.clone(), plan(observe));
            let run = move || {
                sandbox.spawn(&plan).is_ok_and(|running| {
                    running.finish(Duration::from_secs(5)).is_ok_and(|ended| ended.status.success())
                })
            };
            contenders.push((format!("{}{watched}", tier.as_str()), Box::new(run)));
        }
        let launcher = launcher.clone();
        let probe = move || Sandbox::detect(&launcher, tier, Some(tier)).is_ok();
        contenders.push((format!("{}, only tried", tier.as_str()), Box::new(probe)));
    }
    let mut times = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
        for ((name, run), times) in contenders.iter().zip(&mut times) {
            let start = Instant::now();
            if !run() {
                say(&format!("{name}: failed"));
                return ExitCode::FAILURE;
            }
            times.push(start.elapsed());
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times.get(times.len() / 2).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    let bare = times.first_mut().map(median).unwrap_or_default();
    for ((name, _), times) in contenders.iter().zip(&mut times) {
        let median = median(times);
        say(&format!("{name}: {median:.2} ms, {:.2} ms over bare", median - bare));
    }
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
#[expect(clippy::print_stdout, reason = "what a bench is for")]
fn say(line: &str) {
    println!("{line}");
}

#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "the contender without a sandbox")]
fn bare() -> bool {
    Command::new(PROGRAM).env_clear().status().is_ok_and(|status| status.success())
}

#[cfg(target_os = "linux")]
fn plan(observe: bool) -> Plan {
    Plan {
        program: PROGRAM.into(),
        args: Vec::new(),
        env: [].into(),
        cwd: None,
        read: Vec::new(),
        write: Vec::new(),
        canaries: observe,
        network: Network::None,
        limits: Limits::capture(),
        observe,
        stdio: Stdio::Piped,
    }
}
