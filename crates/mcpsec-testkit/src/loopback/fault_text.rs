//! Faults as text, for the command line of `fixture-registry`: `KIND[:ARGUMENT][@PATTERN][#TIMES]`.
use std::{str::FromStr, time::Duration};

use super::{Fault, Injection};

/// The kinds, for help texts.
pub const FAULT_KINDS: &str = "silence, delay:MS, status:CODE, rate-limit:SECONDS, gone, reset, reset-after:BYTES, \
truncate:BYTES, stall:BYTES, drip:BYTES, flip:OFFSET, shorten:BYTES, lengthen:BYTES, redirect-loop, redirect-to:ORIGIN, \
garbage, enormous:BYTES, gzip-bomb:BYTES";

/// Pause between two chunks of a drip.
const DRIP_PAUSE: Duration = Duration::from_millis(50);

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultTextError {
    /// No such kind.
    #[error("unknown fault `{0}` (known: {FAULT_KINDS})")]
    Kind(String),
    /// The argument is missing or no number.
    #[error("fault `{kind}` needs a number after a colon, not `{argument}`")]
    Argument {
        /// The kind.
        kind: String,
        /// What stood there.
        argument: String,
    },
    /// What follows `#` is no number.
    #[error("`{0}` is not a number of times")]
    Times(String),
}

impl FromStr for Injection {
    type Err = FaultTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (text, times) = match text.rsplit_once('#') {
            Some((text, times)) => (text, Some(times.parse().map_err(|_| FaultTextError::Times(times.to_owned()))?)),
            None => (text, None),
        };
        // Scoped npm names have an `@` of their own, so the first one separates.
        let (fault, pattern) = text.split_once('@').unwrap_or((text, "*"));
        let injection = fault.parse::<Fault>()?.on(pattern);
        Ok(match times {
            Some(times) => injection.times(times),
            None => injection,
        })
    }
}

impl FromStr for Fault {
    type Err = FaultTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, argument) = text.split_once(':').unwrap_or((text, ""));
        Ok(match kind {
            "silence" => Self::Silence,
            "delay" => Self::Delay(Duration::from_millis(number(kind, argument)?)),
            "status" => {
                let status = number(kind, argument)?;
                let valid = (200..=599).contains(&status);
                let refuse = || FaultTextError::Argument { kind: kind.to_owned(), argument: argument.to_owned() };
                Self::Status(if valid { status } else { return Err(refuse()) })
            }
            "rate-limit" => Self::RateLimited { retry_after: number(kind, argument)? },
            "gone" => Self::Gone,
            "reset" => Self::Reset,
            "reset-after" => Self::ResetAfter { after: number(kind, argument)? },
            "truncate" => Self::Truncate { after: number(kind, argument)? },
            "stall" => Self::Stall { after: number(kind, argument)? },
            "drip" => Self::Drip { chunk: number(kind, argument)?, every: DRIP_PAUSE },
            "flip" => Self::FlipByte { at: number(kind, argument)? },
            "shorten" => Self::Shorten { by: number(kind, argument)? },
            "lengthen" => Self::Lengthen { by: number(kind, argument)? },
            "redirect-loop" => Self::RedirectLoop,
            "redirect-to" => Self::RedirectTo { status: 302, origin: argument.trim_end_matches('/').to_owned() },
            "garbage" => Self::Garbage,
            "enormous" => Self::Enormous { bytes: number(kind, argument)?, declared: true },
            "gzip-bomb" => Self::GzipBomb { bytes: number(kind, argument)? },
            _ => return Err(FaultTextError::Kind(kind.to_owned())),
        })
    }
}

fn number<T: FromStr>(kind: &str, argument: &str) -> Result<T, FaultTextError> {
    argument.parse().map_err(|_| FaultTextError::Argument { kind: kind.to_owned(), argument: argument.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_faults() {
        assert_eq!("truncate:9@/@scope/*#2".parse(), Ok(Fault::Truncate { after: 9 }.on("/@scope/*").times(2)));
        assert_eq!("reset".parse(), Ok(Fault::Reset.on("*")));
        let origin = "http://127.0.0.1:1".to_owned();
        assert_eq!("redirect-to:http://127.0.0.1:1".parse(), Ok(Fault::RedirectTo { status: 302, origin }));
        for wrong in ["explode", "truncate", "truncate:x", "reset#often", "status:99"] {
            assert!(wrong.parse::<Injection>().is_err(), "{wrong}");
        }
    }
}
