//! Entries as they arrive: read on every core, each an approval or a revocation, or the log is refused.
use mcpsec_fetch::team::{Block, Topic};
use mcpsec_model::approval::{Envelope, Statement};
use mcpsec_verify::approval::{history::LogRefusal, log::leaf_hash};
use rayon::prelude::*;

/// What is kept of a block besides its bytes: for each line, which server it is about, and the hash of its leaf.
pub(super) struct Read {
    pub(super) topics: Vec<Topic>,
    pub(super) leaves: Vec<[u8; 32]>,
}

/// Reads a block whose first line is the entry `first`. A line that is nothing of ours is refused, not passed over: it may be a
/// revocation that only a newer mcpsec understands.
pub(super) fn block(block: &Block, first: u64) -> Result<Read, LogRefusal> {
    let lines = block.lines();
    let read = |(index, line): (usize, &&[u8])| {
        let entry = first + index as u64;
        let text = std::str::from_utf8(line).map_err(|_| LogRefusal::text(entry, "it is not UTF-8"))?;
        let envelope = Envelope::parse(text).map_err(|error| LogRefusal::envelope(entry, &error))?;
        let statement = Statement::parse(envelope.payload()).map_err(|error| LogRefusal::statement(entry, &error))?;
        Ok((Topic::of(statement.server()), leaf_hash(line)))
    };
    let read: Vec<Result<_, LogRefusal>> = lines.par_iter().enumerate().map(read).collect();
    // In the order of the log, so that the same log has the same message everywhere.
    let read = read.into_iter().collect::<Result<Vec<_>, _>>()?;
    let (topics, leaves) = read.into_iter().unzip();
    Ok(Read { topics, leaves })
}
