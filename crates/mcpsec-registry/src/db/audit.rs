//! The audit table: every write, in the transaction that makes it, and every write that was refused to somebody known.
//!
//! ```text
//! let event = Event::of(&caller, &app.clock, "push-lock", digest.to_string());
//! …                                                       event.done(&mut tx).await?; tx.commit().await?;
//! Err(error) =>                                           event.refused(&app.db, &error).await
//! ```
//!
//! What strangers without a token try is in the request log and the metrics only, so that nobody can fill the database from outside.
use mcpsec_model::text::Untrusted;

use super::{Db, Tx};
use crate::{auth::Caller, clock::Clock, error::ApiError};

/// The longest text in a column, in characters.
const LONGEST: usize = 300;

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
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
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
        if self.known
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

/// The latest rows, the newest first.
///
/// # Errors
/// [`sqlx::Error`].
pub async fn latest(db: &Db, count: i64) -> Result<Vec<AuditRow>, sqlx::Error> {
    sqlx::query_as("SELECT id, at, request, actor, action, subject, outcome FROM audit ORDER BY id DESC LIMIT $1")
        .bind(count)
        .fetch_all(db.pool())
        .await
}
