//! Approvals: signed statements that a person reviewed exactly what mcp.lock holds of a server.
//!
//! ```text
//! Lock -> Approved -> Statement -> payload -> Envelope -> one line of mcp-approvals.jsonl    (writing; verify::approval signs)
//! a line -> Envelope -> payload -> Statement -> Approved, compared with that of the Lock     (reading; verify::approval judges)
//! mcp-signers -> Signers
//! ```
//!
//! A statement is an in-toto Statement v1 in canonical JSON (RFC 8785) inside a DSSE envelope. All readers are strict: what could
//! be read in two ways is refused. No cryptography and no I/O happens here.
mod envelope;
mod file;
pub mod head;
mod key;
mod rules;
mod signers;
mod statement;
mod subject;
mod summary;
#[cfg(test)]
mod tests;
mod wire;

pub use envelope::{Envelope, EnvelopeError, MAX_LINE, PAYLOAD_TYPE, pae};
pub use file::{Approvals, FileError, Line, MAX_FILE, MAX_LINES};
pub use key::{Form, KeyError, PublicKey};
pub use rules::{RulesId, rules_id};
pub use signers::{Criterion, Import, ImportSource, Signer, Signers, Withdrawn};
pub use statement::{Approval, Reviewer, Revocation, Statement, StatementError, Word};
pub use subject::{Approved, Difference, ToldIds};
pub use summary::{Changes, Summary};
