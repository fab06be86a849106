//! How often one client may ask. By address, not by token: a token that nobody checked yet may be made up, a new one per request.
use std::{
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, QuantaClock, QuantaInstant},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::StateStore,
};

use crate::config::Limits;

/// Places for clients. A power of two; 512 KiB in all, however many clients there are.
const PLACES: usize = 1 << 16;

/// The generic cell rate algorithm over a fixed number of places: clients whose addresses fall into the same place share it. Which
/// do is decided by keys that nobody outside knows.
#[derive(Debug)]
pub(super) struct Rate(Option<RateLimiter<u64, Places, QuantaClock, NoOpMiddleware<QuantaInstant>>>);

impl Rate {
    /// `limits.rate` 0: no limit.
    pub(super) fn new(limits: &Limits) -> Self {
        let (Some(rate), Some(burst)) = (NonZeroU32::new(limits.rate), NonZeroU32::new(limits.burst)) else {
            return Self(None);
        };
        Self(Some(RateLimiter::new(Quota::per_second(rate).allow_burst(burst), Places::new(), QuantaClock::default())))
    }

    /// Counts a request.
    ///
    /// # Errors
    /// It is one too many; the time until another may come.
    pub(super) fn admit(&self, client: IpAddr) -> Result<(), Duration> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        limiter.check_key(&party(client)).map_err(|early| early.wait_time_from(limiter.clock().now()))
    }
}

/// What counts as one client: an IPv4 address, or the /64 that an IPv6 customer has to spend.
pub(super) fn party(client: IpAddr) -> u64 {
    match client.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        // The upper half; never below 2^32, since global addresses start at 2000::.
        IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX),
    }
}

#[derive(Debug)]
struct Places {
    keys: RandomState,
    times: Box<[AtomicU64]>,
}

impl Places {
    fn new() -> Self {
        Self { keys: RandomState::new(), times: (0..PLACES).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl StateStore for Places {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let index = usize::try_from(self.keys.hash_one(key) % PLACES as u64).unwrap_or_default();
        let place = &self.times[index];
        let mut before = place.load(Ordering::Acquire);
        loop {
            let (decision, after) = decide((before != 0).then(|| Nanos::from(before)))?;
            match place.compare_exchange_weak(before, after.into(), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(decision),
                Err(now) => before = now,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    //! Bursts, and who shares what.
    use std::path::PathBuf;

    use super::Rate;
    use crate::config::{Config, Limits};

    fn limits(rate: u32, burst: u32) -> Limits {
        Limits { rate, burst, ..Config::in_folder(PathBuf::new()).limits }
    }

    #[test]
    fn a_burst_and_then_no_more() {
        let rate = Rate::new(&limits(1, 5));
        let client = "198.51.100.1".parse().expect("an address");
        for _ in 0..5 {
            rate.admit(client).expect("within the burst");
        }
        let wait = rate.admit(client).expect_err("one too many");
        assert!(wait.as_secs_f64() <= 1.0, "{wait:?}");
        rate.admit("198.51.100.2".parse().expect("an address")).expect("somebody else");
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let rate = Rate::new(&limits(1, 2));
        let admit = |address: &str| rate.admit(address.parse().expect("an address"));
        admit("2001:db8::1").expect("first");
        admit("2001:db8::2").expect("second");
        admit("2001:db8::3").expect_err("third of the same /64");
        admit("2001:db8:0:1::1").expect("another /64");
        admit("::ffff:203.0.113.5").expect("first");
        admit("203.0.113.5").expect("second");
        admit("203.0.113.5").expect_err("IPv4 in both spellings is one client");
    }

    #[test]
    fn no_limit_when_none_is_wanted() {
        let rate = Rate::new(&limits(0, 1));
        for _ in 0..1000 {
            rate.admit("198.51.100.1".parse().expect("an address")).expect("no limit");
        }
    }
}
