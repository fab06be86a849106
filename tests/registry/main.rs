//! The team server end to end: the real program, real clients, loopback only.
mod allowlist;
mod artifacts;
mod backends;
mod config;
mod http;
mod limits;
mod log_kill;
mod people;
mod pull;
mod push;
mod push_attacks;
mod pushing;
mod replicas;
mod start;
mod tokens;
mod world;
