//! Attackers' programs against the sandbox, in every tier that works here, as the user who started the tests and, if that is
//! root, as an ordinary user too.
//!
//! Each attack is a function of a script in `testdata/servers/hostile`. It is judged three times: by itself (what it says it
//! got), by what the script's target shows afterwards (listeners that heard, files that changed, victims that were hurt), and
//! by a companion that makes the same attack without a sandbox, where it must succeed: an attack that cannot succeed proves
//! nothing.
//!
//! Attacks that use up the machine are never made without a sandbox, and stop by themselves at a bound.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stderr, reason = "what was skipped or stopped, and why, is said to whoever runs the tests")]

mod assault;
mod attacks;
mod excess;
mod leaks;
mod listeners;
mod neighbours;
mod stand;
mod survivors;
mod users;
mod victims;

use mcpsec_model::config::Isolation;

/// The same tests in both tiers and as both users.
macro_rules! in_every_tier {
    ($($name:ident => $test:path;)+) => {
        /// As the user who started the tests.
        mod as_started {
            mod namespace { $(#[test] fn $name() { $test(super::super::Isolation::Namespace); })+ }
            mod landlock { $(#[test] fn $name() { $test(super::super::Isolation::Landlock); })+ }
        }
        /// The same tests in a process of an ordinary user.
        mod as_ordinary_user {
            mod namespace {
                $(#[test] fn $name() {
                    crate::users::again(concat!("as_started::namespace::", stringify!($name)));
                })+
            }
            mod landlock {
                $(#[test] fn $name() {
                    crate::users::again(concat!("as_started::landlock::", stringify!($name)));
                })+
            }
        }
    };
}

in_every_tier! {
    network => crate::assault::network;
    files => crate::assault::files;
    processes => crate::assault::processes;
    kernel => crate::assault::kernel;
    watched => crate::assault::watched;
    with_hosts => crate::assault::with_hosts;
    least_landlock => crate::assault::least_landlock;
    closed_paths => crate::assault::closed_paths;
    memory => crate::excess::memory;
    processes_without_end => crate::excess::processes;
    disk => crate::excess::disk;
    time => crate::excess::time;
    output => crate::excess::output;
    survivors => crate::survivors::all;
    death_of_the_parent => crate::survivors::death_of_the_parent;
    neighbours => crate::neighbours::cannot_see_each_other;
    nothing_inherited => crate::leaks::nothing_inherited;
    nothing_persists => crate::leaks::nothing_persists;
    leftovers => crate::leaks::leftovers;
    streams => crate::leaks::streams;
    arguments => crate::leaks::arguments;
    replaced_paths => crate::leaks::replaced_paths;
    seen_from_outside => crate::leaks::seen_from_outside;
}

/// As common distributions have it.
mod older_landlock {
    #[test]
    fn as_started() {
        crate::assault::older_landlock();
    }

    #[test]
    fn as_ordinary_user() {
        crate::users::again("older_landlock::as_started");
    }
}

/// The companions: without a sandbox the attacks succeed.
mod bare {
    #[test]
    fn attacks_succeed() {
        crate::assault::without_a_sandbox();
    }

    #[test]
    fn attacks_succeed_as_ordinary_user() {
        crate::users::again("bare::attacks_succeed");
    }
}
