//! The team server end to end: the real program, real clients, loopback only.
mod backends;
mod start;
mod team;
mod world;
