//! The team server end to end: the real program, real clients, loopback only.
mod backends;
mod config;
mod http;
mod limits;
mod replicas;
mod start;
mod world;
