//! The only crate that runs strangers' code: installs what is locked, starts it in a sandbox, listens to what it tells the
//! model.
//!
//! ```text
//! LockedServer + unpacked artifacts -> install -> InstalledServer -> sandbox -> Running -> mcp -> Captured
//!                                                                            -> run (stdio of the client)
//! ```
//!
//! It is also the only crate that may hold `unsafe`, for system calls; every block says why it is sound.
pub mod observe;
pub mod sandbox;
