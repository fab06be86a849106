//! Trying a level: everything is set up as for a program, and nothing is run.
use mcpsec_model::config::Isolation;

use super::Sandbox;
#[cfg(target_os = "linux")]
use super::{
    Limits, Network, Plan, SandboxError, Stdio,
    wire::{Tier, WITHOUT_PROC},
};
#[cfg(target_os = "macos")]
use super::{Limits, Network, Plan, Stdio};

/// What programs miss where there is no `/proc`.
#[cfg(target_os = "linux")]
const NO_PROC: &str = "this system hides parts of its /proc (a container), so that programs inside have none";

/// Whether the level works here, and what programs miss in it.
pub(super) fn probe(sandbox: &Sandbox) -> Result<Option<&'static str>, String> {
    match sandbox.tier {
        #[cfg(target_os = "linux")]
        Isolation::Namespace => linux(sandbox, Tier::Namespace),
        #[cfg(target_os = "linux")]
        Isolation::Landlock => linux(sandbox, Tier::Landlock),
        #[cfg(not(target_os = "linux"))]
        Isolation::Namespace | Isolation::Landlock => Err("only on Linux".to_owned()),
        #[cfg(target_os = "macos")]
        Isolation::Seatbelt => macos(sandbox),
        #[cfg(not(target_os = "macos"))]
        Isolation::Seatbelt => Err("only on macOS".to_owned()),
        Isolation::None => Ok(None),
    }
}

#[cfg(target_os = "linux")]
fn linux(sandbox: &Sandbox, tier: Tier) -> Result<Option<&'static str>, String> {
    let plan = plan("/");
    let told = |error: SandboxError| match error {
        SandboxError::Setup { step, source } => format!("{step}: {source}"),
        other => other.to_string(),
    };
    let running = sandbox.start(tier, &plan, true).map_err(told)?;
    let ended = running.finish(std::time::Duration::from_secs(5)).map_err(|error| error.to_string())?;
    match ended.status.code() {
        Some(0) => Ok(None),
        Some(code) if code == i32::from(WITHOUT_PROC) => Ok(Some(NO_PROC)),
        _ => Err(format!("the trial ended with {}", ended.status)),
    }
}

/// A plan for nothing but a program.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn plan(program: &str) -> Plan {
    Plan {
        program: program.into(),
        args: Vec::new(),
        env: [].into(),
        cwd: None,
        read: Vec::new(),
        write: Vec::new(),
        canaries: false,
        network: Network::None,
        limits: Limits::capture(),
        observe: false,
        stdio: Stdio::Piped,
    }
}

#[cfg(target_os = "macos")]
fn macos(sandbox: &Sandbox) -> Result<Option<&'static str>, String> {
    let running = sandbox.spawn(&plan("/usr/bin/true")).map_err(|error| error.to_string())?;
    let ended = running.finish(std::time::Duration::from_secs(5)).map_err(|error| error.to_string())?;
    if ended.status.success() { Ok(None) } else { Err(format!("the trial ended with {}", ended.status)) }
}

/// See [`super::circumstances`]. A namespace keeps its number while it lives, and a boot has a number of its own.
#[cfg(target_os = "linux")]
pub(super) fn circumstances() -> Option<String> {
    use std::fs::{read_link, read_to_string};
    let mut text = read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    for name in ["user", "mnt", "pid", "net", "cgroup"] {
        text.push_str(&read_link(format!("/proc/self/ns/{name}")).ok()?.to_string_lossy());
        text.push('\n');
    }
    let status = read_to_string("/proc/self/status").ok()?;
    let counts = ["Uid:", "Gid:", "Groups:", "Cap", "NoNewPrivs:", "Seccomp"];
    for line in status.lines().filter(|line| counts.iter().any(|name| line.starts_with(name))) {
        text.push_str(line);
        text.push('\n');
    }
    for name in SWITCHES {
        // Each exists on some kernels only; that it does not is an answer too.
        text.push_str(&format!("{name} {}\n", read_to_string(name).unwrap_or_default().trim_end()));
    }
    Some(text)
}

/// See [`super::circumstances`].
#[cfg(not(target_os = "linux"))]
pub(super) fn circumstances() -> Option<String> {
    None
}

/// What an administrator can change while the machine runs, and the profile that this process is held by.
#[cfg(target_os = "linux")]
const SWITCHES: &[&str] = &[
    "/proc/sys/kernel/unprivileged_userns_clone",
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "/proc/sys/user/max_user_namespaces",
    "/proc/sys/user/max_mnt_namespaces",
    "/proc/sys/user/max_pid_namespaces",
    "/proc/sys/user/max_net_namespaces",
    "/proc/self/attr/current",
    "/proc/self/uid_map",
    "/proc/self/gid_map",
];

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn circumstances_are_told_and_stay() {
        let told = circumstances().expect("told");
        assert_eq!(circumstances().as_ref(), Some(&told));
        for part in ["user:[", "mnt:[", "CapEff:", "Uid:", "Seccomp:", "max_user_namespaces"] {
            assert!(told.contains(part), "{part} is missing in {told}");
        }
    }
}
