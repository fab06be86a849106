//! Instants and dates. The clock itself is never read here: `now` is a value handed in.
use std::{fmt, str::FromStr};

pub use jiff::{Timestamp, civil::Date};

/// "As the registry stood at the end of this day (UTC)", or at an exact instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AsOf {
    instant: Timestamp,
    day: Option<Date>,
}

/// Why a text is neither a date nor an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a date such as 2025-08-01 or an instant such as 2025-08-01T12:00:00Z")]
pub struct AsOfError(String);

impl AsOf {
    /// Everything published at or before this instant counts.
    pub fn instant(&self) -> Timestamp {
        self.instant
    }

    /// Whether something published at `time` existed then.
    pub fn includes(&self, time: Timestamp) -> bool {
        time <= self.instant
    }
}

impl FromStr for AsOf {
    type Err = AsOfError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || AsOfError(crate::text::Untrusted::new(text).excerpt(40));
        if let Ok(day) = text.parse::<Date>()
            && text.len() == 10
        {
            let next = day.tomorrow().map_err(|_| refuse())?;
            let midnight = next.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| refuse())?;
            let instant = midnight.timestamp() - jiff::SignedDuration::from_nanos(1);
            return Ok(Self { instant, day: Some(day) });
        }
        text.parse::<Timestamp>().map(|instant| Self { instant, day: None }).map_err(|_| refuse())
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.day {
            Some(day) => fmt::Display::fmt(&day, f),
            None => fmt::Display::fmt(&self.instant, f),
        }
    }
}

impl fmt::Debug for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_includes_its_last_instant_and_not_the_next_one() {
        let as_of: AsOf = "2025-08-01".parse().expect("date");
        assert!(as_of.includes("2025-08-01T23:59:59.999Z".parse().expect("instant")));
        assert!(!as_of.includes("2025-08-02T00:00:00Z".parse().expect("instant")));
        assert_eq!(as_of.to_string(), "2025-08-01");
        assert!("yesterday".parse::<AsOf>().is_err());
    }
}
