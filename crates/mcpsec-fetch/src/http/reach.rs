//! Which servers cannot be reached at all: what one request found out with patience, the next hundred need not find out again.
//!
//! Only a failed connection counts, only at a server that never answered this process, and only after every repetition: a server that
//! is slow, busy or broken is asked as before.
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use mcpsec_model::url::SafeUrl;

/// What is known of each origin that was asked.
#[derive(Debug, Default)]
pub(super) struct Reach {
    origins: Mutex<BTreeMap<String, State>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// It sent a response once.
    Answered,
    /// No connection came about so far.
    Failing,
    /// All repetitions ended without a connection; why.
    GivenUp(String),
}

impl Reach {
    /// The origin of this address sent a response, of any status.
    pub(super) fn answered(&self, url: &SafeUrl) {
        self.lock().insert(origin(url), State::Answered);
    }

    /// No connection to the origin of this address came about.
    pub(super) fn failed(&self, url: &SafeUrl) {
        self.lock().entry(origin(url)).or_insert(State::Failing);
    }

    /// Somebody's repetitions are used up; `reason` is what the last one met.
    pub(super) fn exhausted(&self, url: &SafeUrl, reason: &str) {
        if let Some(state) = self.lock().get_mut(&origin(url))
            && *state == State::Failing
        {
            *state = State::GivenUp(reason.to_owned());
        }
    }

    /// Why the origin of this address is not worth another attempt.
    pub(super) fn given_up(&self, url: &SafeUrl) -> Option<String> {
        match self.lock().get(&origin(url)) {
            Some(State::GivenUp(reason)) => Some(reason.clone()),
            _ => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        // Every change is a single assignment, so a panic elsewhere leaves nothing half done.
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn origin(url: &SafeUrl) -> String {
    url.expose().origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> SafeUrl {
        SafeUrl::from(url::Url::parse(text).unwrap())
    }

    #[test]
    fn only_a_server_that_never_answered_is_given_up() {
        let reach = Reach::default();
        let (dead, alive) = (url("https://dead.invalid/a"), url("https://alive.invalid/a"));
        reach.answered(&alive);
        for one in [&dead, &alive] {
            reach.failed(one);
            assert_eq!(reach.given_up(one), None, "repetitions are left");
            reach.exhausted(one, "refused");
        }
        assert_eq!(reach.given_up(&url("https://dead.invalid/b")).as_deref(), Some("refused"));
        assert_eq!(reach.given_up(&url("https://dead.invalid:8443/a")), None, "another port is another server");
        assert_eq!(reach.given_up(&alive), None);
    }

    #[test]
    fn an_exchange_that_broke_off_gives_nobody_up() {
        let reach = Reach::default();
        let slow = url("https://slow.invalid/a");
        reach.exhausted(&slow, "read timeout");
        assert_eq!(reach.given_up(&slow), None);
    }
}
