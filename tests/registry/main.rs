//! The team server end to end: the real program, real clients, loopback only.
mod allowlist;
mod backends;
mod fallback;
mod http;
mod left_pad;
mod log_kill;
mod people;
mod start;
mod team;
mod tokens;
mod vetted;
mod world;
