//! A Model Context Protocol client that does one thing: hear everything a server says about itself, bounded.
//!
//! ```text
//! pipes of a Running -> pipe (threads, caps) -> message (strict JSON) -> client (ids, deadlines, counts)
//!                                                                         -> handshake (eras) -> list (pages)
//! ```
//!
//! Why not a client library: a hash and a judgement need the JSON as it came, with every member nobody has heard of, where
//! a library hands out the members its types know; and the bounds that keep a hostile server from hurting us (length of a
//! line, bytes in all, pages, noise, deadlines of every wait) are exactly what libraries leave to their users. What remains
//! without them is small: lines in, lines out, two handshakes and four lists.
//!
//! Both eras are spoken: 2026-07-28 (`server/discover`, client identity in the `_meta` of each request, no session) and the
//! versions before it (`initialize`, `notifications/initialized`).
mod client;
mod error;
mod handshake;
mod list;
mod message;
mod pipe;

use std::time::Duration;

pub use client::{Client, Counts, Siblings};
pub use error::McpError;
pub use handshake::{Approach, Era, Greeting, Hello};
pub use list::Lists;
use serde_json::{Value, json};

/// The version of the protocol without a session.
pub const MODERN: &str = "2026-07-28";
/// The newest version with a session; the one that is asked for.
pub const LEGACY: &str = "2025-11-25";
/// Every version with a session that is understood. For lists they are alike.
pub const LEGACY_VERSIONS: [&str; 5] = [LEGACY, "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"];

/// The most pages of one list.
pub const MAX_PAGES: usize = 1_000;
/// The longest cursor that is sent back, in bytes.
pub const MAX_CURSOR: usize = 64 << 10;
/// The most lines on stdout that are not of the protocol.
pub const MAX_NOISE: u64 = 10_000;
/// The most requests of the server that get an answer; later ones are only counted.
pub const MAX_ANSWERED: u64 = 1_000;

/// Who the client says it is.
#[derive(Clone, PartialEq, Debug)]
pub struct Identity {
    /// `clientInfo.name`.
    pub name: &'static str,
    /// `clientInfo.version`.
    pub version: &'static str,
    /// `capabilities`: an object.
    pub capabilities: Value,
}

impl Identity {
    /// The client whose words are locked: our name and no capabilities. The version is fixed, so that a server that repeats
    /// it does not change what it says with our releases.
    pub fn plain() -> Self {
        Self { name: "mcpsec", version: "1.0.0", capabilities: json!({}) }
    }

    /// A client that looks like a widely used editor and can do everything a client can.
    pub fn editor() -> Self {
        Self {
            name: "Visual Studio Code",
            version: "1.110.0",
            capabilities: json!({ "roots": { "listChanged": true }, "sampling": {}, "elicitation": {} }),
        }
    }

    fn can(&self, capability: &str) -> bool {
        self.capabilities.get(capability).is_some()
    }
}

/// How much a server may say and how long it may think.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// The longest line on stdout, in bytes.
    pub line: usize,
    /// Bytes on stdout and stderr together.
    pub output: u64,
    /// Bytes of the answers that make up one manifest. Real ones have some 200 kB at most.
    pub manifest: usize,
    /// How long `server/discover` is waited for before `initialize` is sent: servers from before it may ignore it. Counts
    /// from when the program is known to answer at all ([`Siblings`]).
    pub probe: Duration,
    /// How long the first answer is waited for, start of the program included.
    pub hello: Duration,
    /// How long lists are waited for that were not declared, all together: most servers refuse them at once.
    pub undeclared: Duration,
    /// How long each later answer is waited for.
    pub answer: Duration,
    /// How long everything together may take.
    pub total: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            line: 4 << 20,
            output: 64 << 20,
            manifest: 4 << 20,
            probe: Duration::from_secs(5),
            hello: Duration::from_secs(40),
            undeclared: Duration::from_secs(2),
            answer: Duration::from_secs(20),
            total: Duration::from_secs(55),
        }
    }
}
