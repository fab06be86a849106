//! Exit codes, and the one place where an outcome becomes one. The table in docs/exit-codes.md is rendered from here.
use std::process::ExitCode;

use crate::error::CommandError;

/// An exit code with its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Code {
    number: u8,
    meaning: &'static str,
}

pub(crate) const GOOD: Code = Code { number: 0, meaning: "all good" };
pub(crate) const DENIED: Code =
    Code { number: 1, meaning: "the gate says no: something differs from mcp.lock, or the policy denies it" };
pub(crate) const USAGE: Code = Code {
    number: 2,
    meaning: "wrong usage, or a configuration or lock that cannot be read (also a lock of a newer format)",
};
pub(crate) const INCOMPLETE: Code = Code {
    number: 3,
    meaning: "something that the policy requires could not be checked or fetched (offline, registry down)",
};
pub(crate) const BUG: Code = Code { number: 4, meaning: "a bug in mcpsec" };
pub(crate) const INTERRUPTED: Code = Code { number: 130, meaning: "interrupted" };

/// Every code, in the order of the documentation.
#[cfg(test)]
pub(crate) const ALL: [Code; 6] = [GOOD, DENIED, USAGE, INCOMPLETE, BUG, INTERRUPTED];

impl Code {
    /// What a program that was run in our place ended with: its own code, or 128 and the number of the signal that ended it.
    pub(crate) fn of_program(status: std::process::ExitStatus) -> Self {
        #[cfg(unix)]
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        #[cfg(not(unix))]
        let signal: Option<i32> = None;
        let number = status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(255);
        Self { number: u8::try_from(number & 0xff).unwrap_or(255), meaning: "what the server ended with" }
    }

    /// The number that the shell sees.
    #[cfg(test)]
    pub(crate) fn number(self) -> u8 {
        self.number
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.number)
    }
}

/// What a command hands back when nothing went wrong technically: the verdict's code.
pub(crate) fn of_verdict(verdict: mcpsec_model::verdict::Verdict) -> Code {
    use mcpsec_model::verdict::Verdict;
    match verdict {
        Verdict::Pass => GOOD,
        Verdict::Deny => DENIED,
        Verdict::Incomplete => INCOMPLETE,
    }
}

/// Prints an error, if there is one, and gives the process its exit code.
pub(crate) fn finish(outcome: Result<Code, CommandError>) -> ExitCode {
    match outcome {
        Ok(code) => code.into(),
        Err(error) => {
            crate::ui::print_error(&error);
            error.code().into()
        }
    }
}

/// Prints an error and ends the process where it stands.
#[expect(clippy::exit, reason = "the thread that would return is listening to a server")]
pub(crate) fn at_once(error: &CommandError) -> ! {
    crate::ui::print_error(error);
    std::process::exit(error.code().number.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_table_is_this_one() {
        let mut table = String::from("| code | meaning |\n|---|---|\n");
        for code in ALL {
            table.push_str(&format!("| {} | {} |\n", code.number(), code.meaning));
        }
        let docs = include_str!("../docs/exit-codes.md");
        assert!(docs.contains(&table), "docs/exit-codes.md must contain:\n{table}");
    }

    #[test]
    fn verdicts_and_codes_agree() {
        use mcpsec_model::verdict::Verdict;
        for verdict in [Verdict::Pass, Verdict::Deny, Verdict::Incomplete] {
            assert_eq!(of_verdict(verdict).number(), verdict.exit_code());
        }
    }
}
