//! The team server end to end: the real program, real clients, loopback only.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that is skipped says so, and a long one what it measured"
)]

mod advice;
mod allowlist;
mod artifacts;
mod backends;
mod bench;
mod chaos;
mod config;
mod docs;
mod fallback;
mod fuzz_client;
mod fuzz_files;
mod fuzz_identities;
mod fuzz_index;
mod http;
mod left_pad;
mod limits;
mod log_key;
mod log_kill;
mod mirror_attacks;
mod mirror_bench;
mod mirror_npm;
mod mirror_online;
mod mirror_pypi;
mod mirror_world;
mod page_html;
mod page_world;
mod pages;
mod pages_chromium;
mod people;
mod private;
mod pull;
mod push;
mod push_attacks;
mod pushing;
mod relay;
mod replicas;
mod same;
mod scale_bench;
mod schemathesis;
mod server_attacks;
mod soak;
mod start;
mod team;
mod tokens;
mod vetted;
mod wire_fuzz;
mod world;
