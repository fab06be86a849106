//! The two statements: "I reviewed exactly this" and "I take that back". In-toto Statement v1, in canonical JSON.
use std::{collections::BTreeSet, fmt, str::FromStr};

use smol_str::SmolStr;

use super::{envelope::MAX_LINE, rules::RulesId, subject::Approved, summary::Summary, wire};
use crate::{digest::ApprovalId, name::ServerName, text::Untrusted, time::Timestamp};

/// What kind of review a statement is about: lower-case letters, digits and `-`, at most 40, such as `reviewed`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Word(SmolStr);

impl Word {
    /// What is meant where nobody says otherwise.
    pub fn reviewed() -> Self {
        Self(SmolStr::new_static("reviewed"))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Word {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=40).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let refuse =
            || format!("`{}` is not a word of lower-case letters, digits and `-`", Untrusted::new(text).excerpt(50));
        if fits { Ok(Self(text.into())) } else { Err(refuse()) }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who makes a statement, in their own words; `mcpsec-verify` compares it with mcp-signers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reviewer {
    /// The name in mcp-signers.
    pub name: String,
    /// The fingerprint of the key that signs, `SHA256:…`.
    pub key: String,
}

/// Somebody reviewed exactly this.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Approval {
    /// What was reviewed.
    pub what: Approved,
    /// As what; at least one.
    pub criteria: BTreeSet<Word>,
    /// Who says so.
    pub reviewer: Reviewer,
    /// Why; may be empty.
    pub reason: String,
    /// When, in whole seconds. The signer's word: nobody else witnessed it.
    pub issued: Timestamp,
    /// The first instant at which it no longer counts, in whole seconds.
    pub expires: Timestamp,
    /// The policy that it was given under.
    pub rules: RulesId,
    /// What it consisted of.
    pub summary: Summary,
}

impl Approval {
    /// The same approval, with as much of its summary as leaves room for envelope and signature in a line of [`MAX_LINE`] bytes.
    #[must_use]
    pub fn fitted(mut self) -> Self {
        // Base64 makes four bytes of three; an RSA signature in an envelope takes some 2 kB.
        const ROOM: usize = (MAX_LINE - (4 << 10)) / 4 * 3;
        let long = |approval: &Self| Statement::Approval(Box::new(approval.clone())).to_payload().len() > ROOM;
        if long(&self) {
            self.summary.packages = None;
        }
        if long(&self) {
            self.summary.told = None;
        }
        self
    }
}

/// Somebody takes an approval back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revocation {
    /// Which one.
    pub approval: ApprovalId,
    /// Of which server.
    pub server: ServerName,
    /// Who says so.
    pub reviewer: Reviewer,
    /// Why; not empty.
    pub reason: String,
    /// When, in whole seconds.
    pub issued: Timestamp,
}

/// What an envelope holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Statement {
    /// An approval.
    Approval(Box<Approval>),
    /// A revocation.
    Revocation(Box<Revocation>),
}

/// Why a payload is no statement of ours.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StatementError {
    /// Not JSON, or not of this form. The words are safe to print.
    #[error("its statement cannot be read: {0}")]
    Form(String),
    /// Another predicate.
    #[error("its statement is of type `{0}`, neither an approval nor a revocation")]
    Type(String),
    /// A value that no statement of ours has.
    #[error("its statement has no valid `{0}`")]
    Value(&'static str),
    /// Another text for the same statement.
    #[error("its statement is not in canonical form (RFC 8785), as mcpsec writes it")]
    NotCanonical,
}

impl Statement {
    /// Reads a payload. Unknown and repeated fields are refused, and whatever [`Statement::to_payload`] would write differently.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn parse(payload: &[u8]) -> Result<Self, StatementError> {
        let statement = wire::read(payload)?;
        if statement.to_payload() == payload { Ok(statement) } else { Err(StatementError::NotCanonical) }
    }

    /// The canonical bytes.
    pub fn to_payload(&self) -> Vec<u8> {
        wire::write(self)
    }

    /// The server that it is about.
    pub fn server(&self) -> &ServerName {
        match self {
            Self::Approval(approval) => &approval.what.server,
            Self::Revocation(revocation) => &revocation.server,
        }
    }

    /// Who makes it.
    pub fn reviewer(&self) -> &Reviewer {
        match self {
            Self::Approval(approval) => &approval.reviewer,
            Self::Revocation(revocation) => &revocation.reviewer,
        }
    }

    /// When it says it was made.
    pub fn issued(&self) -> Timestamp {
        match self {
            Self::Approval(approval) => approval.issued,
            Self::Revocation(revocation) => revocation.issued,
        }
    }

    /// Whether a payload may be about this server: quick, for files of many lines. A `true` still has to be read.
    pub fn mentions(payload: &[u8], server: &ServerName) -> bool {
        // In canonical JSON the member stands exactly so, and quotation marks inside of texts are escaped.
        let member = format!("\"server\":\"{server}\"");
        std::str::from_utf8(payload).is_ok_and(|text| text.contains(&member))
    }
}
