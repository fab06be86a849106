//! What servers tell the model: installed from the store, started in the sandbox, listened to, remembered, judged.
//!
//! ```text
//! LockedServer -> installed (store -> files) -> listen (sandbox, capture) -> Told -> judge (checks, findings) -> report
//!                                                    ^ memory: the same bytes asked the same way are asked once
//! ```
mod consent;
mod installed;
mod judge;
pub(super) mod level;
mod listen;
mod memory;

pub(super) use consent::{Accepting, check_consent};
pub(super) use installed::install;
pub(super) use judge::{Said, of_capture, of_known, of_lock};
pub(super) use listen::{Cannot, Ears, Heard, Hearing, real_env, told_value, without_values};
