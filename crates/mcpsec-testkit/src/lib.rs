//! What tests stand on: loopback registries, package builders, hostile archives and a scrubbed place to run `mcpsec` in.
//!
//! The servers ([`NpmServer`], [`PypiServer`], [`GitServer`]) speak the real protocols on `127.0.0.1` and can be told to
//! misbehave ([`Fault`]); each keeps a log of what it was asked, so that a test can count requests and look for leaked
//! credentials. The builders ([`npm_package`], [`wheel`], [`sdist`], [`GitRepo`]) give the same bytes on every machine and
//! day. [`archives`] makes the files nobody should unpack. [`TestEnv`] runs the binary with nothing of the outer machine
//! in sight.
//!
//! Nothing here ships. A builder that is asked for something impossible panics with a message, since its only callers are
//! tests; reading folders of recorded files, which the `fixture-registry` binary does for people, returns errors instead.
#![forbid(unsafe_code)]

pub mod archives;
pub mod env;
pub mod folder;
pub mod git;
pub mod loopback;
pub mod mutation;
pub mod npm;
pub mod osv;
pub mod output;
pub mod program;
pub mod pypi;
pub mod servers;
pub mod service;
pub mod shared;

pub use env::TestEnv;
pub use git::{GitRepo, GitServer, SshAgent, SshSigner};
pub use loopback::{Auth, Fault, Loopback, Request};
pub use npm::{NpmPackage, NpmRegistryKey, NpmServer, npm_keys_document, npm_package};
pub use osv::{OsvMood, OsvServer, advisory, advisory_zip, npm_advisory};
pub use output::Output;
pub use pypi::{Distribution, PypiServer, Wheel, sdist, wheel};
