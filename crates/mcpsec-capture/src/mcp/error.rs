//! What can go wrong between a client and a server.
use std::time::Duration;

use mcpsec_model::{manifest::json::JsonError, text::Untrusted};

/// Why a conversation could not be brought to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum McpError {
    /// Nothing came in time.
    #[error("it did not answer `{method}` within {after:.1?}")]
    NoAnswer {
        /// The request.
        method: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// Standard output was closed: the program ended, or will say no more.
    #[error("it closed its output before it answered `{method}`")]
    Closed {
        /// The request.
        method: &'static str,
    },
    /// The answer is an error.
    #[error("it answered `{method}` with the error {code}: {}", .message.excerpt(300))]
    ServerError {
        /// The request.
        method: &'static str,
        /// The code of JSON-RPC.
        code: i64,
        /// Its words.
        message: Untrusted,
    },
    /// The answer, or the output as a whole, is not of the protocol.
    #[error("it does not speak the protocol: {0}")]
    NotMcp(String),
    /// Clients would take different answers from the same bytes, so none is taken.
    #[error("different clients would understand it differently: {0}")]
    Ambiguous(String),
    /// There is no version that both understand.
    #[error("it speaks only versions of the protocol that are not known here: {0}")]
    NoCommonVersion(String),
    /// A message is JSON that cannot be relied on.
    #[error("one of its messages is not valid JSON: {0}")]
    InvalidJson(JsonError),
    /// More bytes than allowed.
    #[error("it wrote more than {0} bytes")]
    TooMuchOutput(u64),
    /// A line longer than allowed.
    #[error("it wrote a line of more than {0} bytes")]
    LineTooLong(usize),
    /// More to keep than allowed.
    #[error("what it tells about itself has more than {0} bytes")]
    ManifestTooLarge(usize),
    /// A list does not end.
    #[error("the list `{method}` has more than {max} pages", max = super::MAX_PAGES)]
    TooManyPages {
        /// The request.
        method: &'static str,
    },
    /// Lists are too long.
    #[error("the list `{method}` brings it to more than {max} entries", max = mcpsec_model::manifest::MAX_ENTRIES)]
    TooManyEntries {
        /// The request.
        method: &'static str,
    },
    /// A cursor came twice: the list would never end.
    #[error("the list `{method}` comes back to the cursor `{}`", .cursor.excerpt(60))]
    CursorLoop {
        /// The request.
        method: &'static str,
        /// The cursor.
        cursor: Untrusted,
    },
    /// A cursor that is too long to send back.
    #[error("the list `{method}` has a cursor of {length} bytes")]
    CursorTooLong {
        /// The request.
        method: &'static str,
        /// Its length.
        length: usize,
    },
}
