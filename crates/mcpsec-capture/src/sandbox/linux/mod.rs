//! The sandbox on Linux: namespaces where they are allowed, Landlock and seccomp everywhere.
mod bpf;
mod broke;
mod calls;
mod confine;
mod forward;
mod guard;
mod identity;
mod launch;
mod layout;
mod observer;
mod places;
mod root;
mod rules;
mod stage;
pub(super) mod sys;

pub(super) use forward::Forward;
pub(super) use launch::{Launched, STAGE, launch, wait_or_kill};
pub(super) use stage::obey;
pub(super) use sys::seed;
