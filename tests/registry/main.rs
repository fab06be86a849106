//! The team server end to end: the real program, real clients, loopback only.
mod backends;
mod mirror_attacks;
mod mirror_bench;
mod mirror_npm;
mod mirror_online;
mod mirror_pypi;
mod mirror_world;
mod start;
mod world;
