//! Appending: all lines of a batch or none, once each, in one transaction that holds the log's lock.
use mcpsec_model::approval::{Envelope, Statement};

use super::{
    Log, LogError,
    admit::{Admitted, Own},
    checked, chunk,
};
use crate::{
    db::{Db, Tx, audit::Event, entries},
    error::ApiError,
};

/// What became of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Appended {
    /// Lines that are new.
    pub added: usize,
    /// Lines that were there, word for word or as the same statement with another signature.
    pub known: usize,
    /// How many entries the log has now.
    pub size: u64,
}

impl Log {
    /// What [`Log::catch_up`] does, while nobody else can append: after it the tree is that of the database, entry for entry.
    async fn catch_up_locked(&self, tx: &mut Tx) -> Result<u64, LogError> {
        let (size, root) = checked(&entries::lock(tx).await?)?;
        let mut at = self.size();
        while at < size {
            let (from, until) = chunk(at, size);
            at = self.take(at, &entries::range_locked(tx, from, until).await?)?;
        }
        if at != size {
            return Err(LogError::Tampered(format!("it has {size} entries, and had {at}")));
        }
        self.hold_against(size, root)?;
        Ok(size)
    }

    /// Appends what is new of a batch, in its order.
    ///
    /// # Errors
    /// A revocation by somebody who may not; the database does not answer; the entries are not what was written. Nothing was added.
    pub async fn append(
        &self,
        db: &Db,
        event: &Event,
        by: &str,
        at: i64,
        batch: &[Admitted],
    ) -> Result<Appended, ApiError> {
        let _one_at_a_time = self.submitting.lock().await;
        let mut tx = db.begin().await?;
        let mut size = self.catch_up_locked(&mut tx).await?;
        let own: Own<'_> = batch.iter().map(|line| (line.id, &line.statement)).collect();
        let from = size;
        let mut leaves = Vec::new();
        for line in batch {
            may_revoke(&mut tx, line, &own).await?;
            if entries::known(&mut tx, &line.entry).await?.is_some() {
                continue;
            }
            entries::insert(&mut tx, i64::try_from(size).unwrap_or(i64::MAX), &line.entry, at, by).await?;
            leaves.push(line.leaf());
            size += 1;
        }
        let done = Appended { added: leaves.len(), known: batch.len() - leaves.len(), size };
        if leaves.is_empty() {
            tx.rollback().await?;
            return Ok(done);
        }
        let root = self.with_tree(|tree| tree.root_with(&leaves));
        entries::set(&mut tx, i64::try_from(size).unwrap_or(i64::MAX), &hex::encode(root)).await?;
        event.done(&mut tx).await?;
        tx.commit().await?;
        // Were this not reached, the next look at the database would find them.
        self.grow(from, &leaves);
        Ok(done)
    }
}

async fn may_revoke(tx: &mut Tx, line: &Admitted, own: &Own<'_>) -> Result<(), ApiError> {
    let Some((id, hex)) = line.takes_back() else { return Ok(()) };
    let verdict = match own.get(&id) {
        Some(approval) => line.may_take_back(approval),
        None => match entries::by_statement(tx, &hex).await? {
            Some(row) => match read(&row.line) {
                Some(approval) => line.may_take_back(&approval),
                None => return Err(LogError::Tampered(format!("entry {} cannot be read", row.seq)).into()),
            },
            None => Ok(()),
        },
    };
    verdict.map_err(|why| ApiError::refused(format!("line {}: {why}", line.number)))
}

fn read(line: &str) -> Option<Statement> {
    Statement::parse(Envelope::parse(line).ok()?.payload()).ok()
}
