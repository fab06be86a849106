//! The team server end to end: the real program, real clients, loopback only.
mod artifacts;
mod backends;
mod pull;
mod push;
mod push_attacks;
mod pushing;
mod start;
mod world;
