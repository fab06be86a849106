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
