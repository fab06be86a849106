//! The audit table: every write, in the transaction that makes it, and every write that was refused to somebody known.
//!
//! ```text
//! let event = Event::of(&caller, &app.clock, "push-lock", digest.to_string());
//! …                                                       event.done(&mut tx).await?; tx.commit().await?;
//! Err(error) =>                                           event.refused(&app.db, &error).await
//! ```
//!
//! What strangers without a token try is in the request log and the metrics only, so that nobody can fill the database from outside;
//! of somebody known so many refusals a minute are written as a person reads. `mcpsec-registry audit` prints the table and trims it.
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use mcpsec_model::text::Untrusted;
use serde::Serialize;

use super::{Db, Tx};
use crate::{auth::Caller, clock::Clock, error::ApiError};

/// The longest text in a column, in characters.
const LONGEST: usize = 300;
/// The most refusals of one actor that a process writes in a minute; all are in the log.
const REFUSALS: u32 = 60;
/// Of how many actors.
const ACTORS: usize = 1000;
/// How many rows are read at once.
const PAGE: i64 = 1000;

/// Something that somebody does, or wants to.
#[derive(Clone, Debug)]
pub struct Event {
    at: i64,
    request: String,
    actor: String,
    known: bool,
    action: &'static str,
    subject: String,
}

/// A row of the audit table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, sqlx::FromRow)]
pub struct AuditRow {
    /// In order.
    pub id: i64,
    /// Seconds since 1970.
    pub at: i64,
    /// Request id, as in logs and answers; empty for the command line.
    pub request: String,
    /// Who.
    pub actor: String,
    /// What they did, or wanted to.
    pub action: String,
    /// To what.
    pub subject: String,
    /// `done`, or why not.
    pub outcome: String,
}

impl Event {
    /// What a caller does. `subject` may hold strangers' words: it is escaped and cut.
    pub fn of(caller: &Caller, clock: &Clock, action: &'static str, subject: impl Into<String>) -> Self {
        Self {
            at: clock.now().as_second(),
            request: Untrusted::new(&caller.request).excerpt(LONGEST),
            actor: Untrusted::new(&caller.actor).excerpt(LONGEST),
            known: !caller.scopes.is_empty(),
            action,
            subject: Untrusted::new(subject).excerpt(LONGEST),
        }
    }

    /// The same, once it is known what it is about.
    #[must_use]
    pub fn about(&self, subject: impl Into<String>) -> Self {
        Self { subject: Untrusted::new(subject).excerpt(LONGEST), ..self.clone() }
    }

    /// Writes that it is done; part of the transaction that does it.
    ///
    /// # Errors
    /// [`sqlx::Error`].
    pub async fn done(&self, tx: &mut Tx) -> Result<(), sqlx::Error> {
        self.row("done").execute(&mut **tx).await.map(drop)
    }

    /// Writes that it was refused, and gives the reason back. That the table could not be written is said in the log only: what was
    /// refused stays refused.
    pub async fn refused(&self, db: &Db, why: ApiError) -> ApiError {
        let outcome = Untrusted::new(why.to_string()).excerpt(LONGEST);
        tracing::warn!(request = %self.request, actor = %self.actor, action = self.action, subject = %self.subject, %outcome, "refused");
        let count = REFUSED.lock().unwrap_or_else(PoisonError::into_inner).count(&self.actor, self.at);
        let outcome = match count {
            Some(REFUSALS) => format!("{outcome}; further ones of this minute are in the log only"),
            _ => outcome,
        };
        if self.known
            && count.is_some()
            && let Err(error) = self.row(&outcome).execute(db.pool()).await
        {
            tracing::error!(%error, "the audit table cannot be written");
        }
        why
    }

    fn row<'q>(&'q self, outcome: &'q str) -> sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments> {
        sqlx::query("INSERT INTO audit (at, request, actor, action, subject, outcome) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(self.at)
            .bind(&self.request)
            .bind(&self.actor)
            .bind(self.action)
            .bind(&self.subject)
            .bind(outcome)
    }
}

/// The next rows behind `after` (0: the first ones) that are older than `before` (seconds since 1970), in order.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn page(db: &Db, after: i64, before: i64) -> Result<Vec<AuditRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, at, request, actor, action, subject, outcome FROM audit WHERE id > $1 AND at < $2 ORDER BY id LIMIT $3",
    )
    .bind(after)
    .bind(before)
    .bind(PAGE)
    .fetch_all(db.pool())
    .await
}

/// Removes these rows, which somebody has read.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn remove(tx: &mut Tx, rows: &[AuditRow]) -> Result<(), sqlx::Error> {
    for row in rows {
        sqlx::query("DELETE FROM audit WHERE id = $1").bind(row.id).execute(&mut **tx).await?;
    }
    Ok(())
}

/// How many refusals of each actor were written in this minute.
static REFUSED: Mutex<Tally> = Mutex::new(Tally { minute: 0, actors: BTreeMap::new() });

struct Tally {
    minute: i64,
    actors: BTreeMap<String, u32>,
}

impl Tally {
    /// Counts one more, if there is room for it, and says how many there are of this actor.
    fn count(&mut self, actor: &str, at: i64) -> Option<u32> {
        if self.minute != at.div_euclid(60) {
            *self = Self { minute: at.div_euclid(60), actors: BTreeMap::new() };
        }
        if self.actors.len() >= ACTORS && !self.actors.contains_key(actor) {
            return None;
        }
        let count = self.actors.entry(actor.to_owned()).or_default();
        *count += 1;
        (*count <= REFUSALS).then_some(*count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_fills_the_table_with_refusals() {
        let mut tally = Tally { minute: 0, actors: BTreeMap::new() };
        let written = (0..1000).filter(|_| tally.count("token:a", 7).is_some()).count();
        assert_eq!(written, usize::try_from(REFUSALS).expect("small"));
        assert_eq!(tally.count("token:b", 59), Some(1), "others are not held up");
        assert_eq!(tally.count("token:a", 60), Some(1), "another minute");
        let written = (0..10_000).filter(|n| tally.count(&format!("oidc:{n}"), 61).is_some()).count();
        assert_eq!(written, ACTORS - 1);
    }
}
