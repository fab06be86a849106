//! The team server end to end: the real program, real clients, loopback only.
mod backends;
mod fallback;
mod left_pad;
mod start;
mod vetted;
mod world;
