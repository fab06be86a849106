//! Servers that `add` could not lock: each is told, none hides another, and the worst decides the exit code.
use mcpsec_model::{
    check::{Check, CheckResult, CheckStatus},
    drift::Drift,
    report::{ClosureChange, ServerReport},
    verdict::{Decision, Verdict},
};

use super::wish::Wish;
use crate::{
    error::{CommandError, Kind},
    exit::Code,
    ui,
};

/// The failures of one run, in the order of the command line.
#[derive(Default)]
pub(super) struct Failed {
    all: Vec<(ServerReport, CommandError)>,
}

impl Failed {
    /// Keeps a failure. Ctrl-C and our own bugs end the run at once: they are given back.
    pub(super) fn push(&mut self, wish: &Wish, error: CommandError) -> Result<(), CommandError> {
        let (status, verdict) = match error.kind() {
            Kind::Interrupted | Kind::Bug => return Err(error),
            Kind::Denied | Kind::Usage => (CheckStatus::Fail(error.to_string()), Verdict::Deny),
            Kind::Incomplete => (CheckStatus::Unchecked(error.to_string()), Verdict::Incomplete),
        };
        let mut check = CheckResult::new(Check::Lock, wish.name.as_str(), status);
        check.hint = error.hints().first().cloned();
        let report = ServerReport {
            name: wish.name.clone(),
            spec: wish.spec().to_string(),
            version: None,
            verdict,
            decision: Decision::default(),
            evidence: std::collections::BTreeMap::new(),
            checks: vec![check],
            findings: Vec::new(),
            drift: Drift::default(),
            closure: ClosureChange::default(),
        };
        self.all.push((report, error));
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What a report says about them. `None` when one is a mistake of the caller (2), which report v1 has no word for.
    pub(super) fn reports(&self) -> Option<Vec<ServerReport>> {
        let tellable = self.all.iter().all(|(_, error)| error.kind() != Kind::Usage);
        tellable.then(|| self.all.iter().map(|(report, _)| report.clone()).collect())
    }

    /// Prints all but the worst, which it gives back for the caller to return. `denied` says that a server without a failure
    /// was denied by the policy: then only another denial is as bad.
    pub(super) fn tell(self, many: bool, denied: bool) -> Result<Code, CommandError> {
        let mut errors: Vec<CommandError> =
            self.all.into_iter().map(|(report, error)| if many { error.context(report.name) } else { error }).collect();
        let worst = errors.iter().enumerate().max_by_key(|(at, error)| (rank(error.kind()), std::cmp::Reverse(*at)));
        let worst = worst.filter(|(_, error)| !denied || error.kind() == Kind::Denied).map(|(at, _)| at);
        let last = worst.map(|at| errors.remove(at));
        errors.iter().for_each(ui::print_error);
        match last {
            Some(error) => Err(error),
            None => Ok(crate::exit::DENIED),
        }
    }
}

/// A denial is worse than a mistake, and a mistake worse than a gap, which may close by itself.
fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Incomplete => 0,
        Kind::Usage => 1,
        Kind::Denied => 2,
        Kind::Bug => 3,
        Kind::Interrupted => 4,
    }
}
