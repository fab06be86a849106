//! The capture: what a server tells the model, heard more than once, and what it tried meanwhile.
//!
//! ```text
//! Target --x3, at once--> first:  as clients of today, plain; every list twice   -> calls
//!                         second: the same in another process                    -> processes
//!                                 (without a session: again as the other client)
//!                                 last: the lists that it did not declare
//!                         third:  as clients of yesterday, another client        -> clients
//! first heard = Manifest; the others are compared with it -> Unstable; all are watched -> Observed
//! ```
mod compare;
mod environment;
mod error;
mod findings;
mod process;

use std::sync::Arc;

pub use environment::{Environment, fixed, placeholder};
pub use error::{CaptureError, Failure, Need};
pub use findings::findings;
use mcpsec_model::capture::{Between, Captured, Context, Observed, Runtime};

use self::process::{Heard, Part, Start};
use crate::{
    mcp::{Approach, Bounds, Identity},
    sandbox::{Network, Plan, Sandbox, Stdio},
};

/// A program that is a server, and how it is started.
#[derive(Clone, Debug)]
pub struct Target {
    /// Program, arguments, paths, network, limits. Its environment holds what the program needs to start (`PATH`); the rest
    /// comes from `environment`. Its streams are piped whatever it says.
    pub plan: Plan,
    /// What it finds in its environment beside that.
    pub environment: Environment,
    /// What runs it; for the record.
    pub runtime: Option<Runtime>,
}

/// Hears a server out.
///
/// # Errors
/// See [`CaptureError`]. What it tried until then is in the error.
pub fn capture(target: &Target, sandbox: &Sandbox, bounds: &Bounds) -> Result<Captured, CaptureError> {
    let mut plan = target.plan.clone();
    plan.stdio = Stdio::Piped;
    plan.env.extend(target.environment.variables());
    let bounds = Bounds { output: plan.limits.output.unwrap_or(bounds.output).min(bounds.output), ..bounds.clone() };
    let part = |approach, identity| Part { approach, identity, again: false, other: None, undeclared: false };
    let parts = [
        Part { again: true, ..part(Approach::ModernFirst, Identity::plain()) },
        Part { other: Some(Identity::editor()), undeclared: true, ..part(Approach::ModernFirst, Identity::plain()) },
        part(Approach::LegacyFirst, Identity::editor()),
    ];
    let start = Start { plan: &plan, sandbox, bounds: &bounds, siblings: Arc::default() };
    let start = &start;
    // All at once: most of the time is spent by the program getting started.
    let heard: Vec<Result<Heard, CaptureError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = parts.iter().map(|part| scope.spawn(move || part.hear(start))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(join).collect()
    });
    let observed = observed(&heard);
    let placeholders = target.environment.placeholders();
    let failed = |error| CaptureError { observed: observed.clone(), placeholders: placeholders.clone(), ..error };
    let all = heard.into_iter().collect::<Result<Vec<Heard>, _>>().map_err(failed)?;
    let [first, second, third] = <[Heard; 3]>::try_from(all)
        .map_err(|_| CaptureError::new(Failure::Lost(std::io::Error::other("a thread is missing"))))?;
    let mut differences = compare::Differences::new(&first.told);
    differences.add(Between::Calls, first.again.as_ref());
    differences.add(Between::Processes, Some(&second.told));
    differences.add(Between::Clients, second.other.as_ref());
    differences.add(Between::Clients, Some(&third.told));
    differences.add_undeclared(second.undeclared.as_ref());
    let unstable = differences.into_sorted();
    let context = Context {
        isolation: sandbox.tier(),
        runtime: target.runtime.clone(),
        protocol: first.told.protocol.clone(),
        placeholders,
        real_env: target.environment.real(),
        network: match &plan.network {
            Network::None => Default::default(),
            Network::Hosts(hosts) => hosts.clone(),
        },
    };
    Ok(Captured { manifest: first.told.manifest, context, unstable, observed })
}

fn observed(heard: &[Result<Heard, CaptureError>]) -> Observed {
    let mut all = Observed::default();
    for part in heard {
        all.merge(match part {
            Ok(heard) => heard.observed.clone(),
            Err(error) => error.observed.clone(),
        });
    }
    all
}
