//! The team server end to end: the real program, real clients, loopback only.
mod allowlist;
mod backends;
mod http;
mod log_kill;
mod people;
mod start;
mod tokens;
mod wire_fuzz;
mod world;
