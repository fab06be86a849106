//! Which lines may enter the log: the signature inside decides, whoever brings them.
//!
//! What is let in is only kept. Whether it counts, and for whom, each client judges by its own mcp-signers, every time.
use std::collections::HashMap;

use mcpsec_model::{
    approval::{Approvals, Envelope, Line, Signer, Signers, Statement},
    digest::{ApprovalId, Digest},
    text::Untrusted,
    time::Timestamp,
};
use mcpsec_verify::approval::{AHEAD, Refusal, log::leaf_hash, signed_by};

use crate::{db::entries::NewEntry, error::ApiError};

/// The most lines that are taken at once.
pub const MAX_BATCH: usize = 1000;

/// Whether keys must still be good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strictness {
    /// What somebody says now.
    Now,
    /// A file with a past: keys in it may have been revoked since. Their lines count for nothing, and stay.
    History,
}

/// A line whose signature holds.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// What is kept.
    pub entry: NewEntry,
    /// From 1, in what was sent.
    pub number: usize,
    /// Its statement's id.
    pub id: ApprovalId,
    /// What it says.
    pub statement: Statement,
    /// Whether whoever signed it may take back what others approved.
    pub admin: bool,
}

/// Reads lines of the file form and checks each. `name` is what errors call the text.
///
/// # Errors
/// 422 with the number of the first line that is not let in.
pub fn admit(
    text: &str,
    name: &str,
    signers: &Signers,
    now: Timestamp,
    strictness: Strictness,
) -> Result<Vec<Admitted>, ApiError> {
    let approvals = Approvals::parse(text, name).map_err(|error| {
        let hint = error.hint();
        ApiError::refused(error.to_string()).hint(hint)
    })?;
    admit_lines(approvals.lines(), name, signers, now, strictness)
}

/// [`admit`] for lines that are read already.
///
/// # Errors
/// As [`admit`].
pub fn admit_lines(
    lines: &[Line],
    name: &str,
    signers: &Signers,
    now: Timestamp,
    strictness: Strictness,
) -> Result<Vec<Admitted>, ApiError> {
    let one = |line: &Line| {
        one(&line.envelope, signers, now, strictness)
            .map(|(statement, signer)| admitted(&line.envelope, line.number, statement, signer, now))
            .map_err(|why| {
                let why = ApiError::refused(format!("{name}:{}: {why}", line.number));
                why.hint(
                    "mcp-signers of the server says whose approvals are let in; whoever runs it can add a key there",
                )
            })
    };
    lines.iter().map(one).collect()
}

fn one<'s>(
    envelope: &Envelope,
    signers: &'s Signers,
    now: Timestamp,
    strictness: Strictness,
) -> Result<(Statement, &'s Signer), String> {
    let statement = Statement::parse(envelope.payload()).map_err(|error| error.to_string())?;
    let signer = signed_by(envelope, &statement, &signers.signers).map_err(|refusal| match refusal {
        Refusal::Unknown(key) => format!("it is signed by the key {key}, which the server's mcp-signers does not name"),
        other => other.to_string(),
    })?;
    if statement.issued().as_second() > now.as_second() + AHEAD {
        return Err(Refusal::Future(statement.issued()).to_string());
    }
    // A person may take back their own approval with a key that is no longer good: it only ever takes trust away.
    if matches!(statement, Statement::Approval(_))
        && strictness == Strictness::Now
        && let Some(why) = signer.refuses(statement.issued(), now)
    {
        return Err(why);
    }
    Ok((statement, signer))
}

fn admitted(envelope: &Envelope, number: usize, statement: Statement, signer: &Signer, now: Timestamp) -> Admitted {
    let line = envelope.to_line();
    let id = envelope.id();
    Admitted {
        entry: NewEntry {
            leaf: hex::encode(leaf_hash(line.as_bytes())),
            statement: hex::encode(id.as_bytes()),
            server: statement.server().to_string(),
            line,
        },
        number,
        id,
        admin: signer.is_admin() && signer.refuses(statement.issued(), now).is_none(),
        statement,
    }
}

/// Of whom the approvals are that a batch itself brings.
pub(super) type Own<'a> = HashMap<ApprovalId, &'a Statement>;

impl Admitted {
    /// The hash of its leaf.
    pub(super) fn leaf(&self) -> [u8; 32] {
        leaf_hash(self.entry.line.as_bytes())
    }

    /// What it takes back, as the database names it.
    pub(super) fn takes_back(&self) -> Option<(ApprovalId, String)> {
        let Statement::Revocation(revocation) = &self.statement else { return None };
        Some((revocation.approval, Digest::Sha256(*revocation.approval.as_bytes()).to_hex()))
    }

    /// Whether it may take back that approval. One that is not known yet (a file whose lines were merged in another order) is judged
    /// by whoever reads the log.
    pub(super) fn may_take_back(&self, approval: &Statement) -> Result<(), String> {
        let Statement::Approval(of) = approval else { return Err("what it takes back is no approval".to_owned()) };
        if of.what.server != *self.statement.server() {
            return Err(format!("what it takes back is an approval of `{}`", of.what.server));
        }
        let by = &self.statement.reviewer().name;
        if self.admin || of.reviewer.name == *by {
            return Ok(());
        }
        let shown = |text: &str| Untrusted::new(text).excerpt(60);
        Err(format!(
            "{} gave the approval that it takes back, and {} has no valid key with the role `admin`",
            shown(&of.reviewer.name),
            shown(by)
        ))
    }
}
