//! `mcpsec-registry audit export|trim`: who wrote what, as JSON lines; the server itself never removes a row.
use clap::{Args, Subcommand};

use super::{Failure, Options, database, say};
use crate::{
    auth::Caller,
    clock::Clock,
    config::Span,
    db::{
        Db, audit,
        audit::{AuditRow, Event},
    },
};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Print every row, the oldest first
    Export(Options),
    /// Print the rows that are older, and remove exactly those
    Trim(Trim),
}

#[derive(Debug, Args)]
pub(super) struct Trim {
    /// How old a row must be: `365d`, `12h`
    #[arg(long, value_name = "TIME")]
    older_than: Span,
    #[command(flatten)]
    options: Options,
}

pub(super) async fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Export(options) => export(&database(&options.config()?).await?).await,
        Verb::Trim(Trim { older_than, options }) => trim(&database(&options.config()?).await?, older_than).await,
    }
}

async fn export(db: &Db) -> Result<(), Failure> {
    let mut after = 0;
    loop {
        let rows = audit::page(db, after, i64::MAX).await.map_err(Failure::new)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.id;
        print(&rows)?;
    }
}

async fn trim(db: &Db, older_than: Span) -> Result<(), Failure> {
    let clock = Clock::system();
    let age = i64::try_from(older_than.0.as_secs()).unwrap_or(i64::MAX);
    let before = clock.now().as_second().saturating_sub(age);
    loop {
        let rows = audit::page(db, 0, before).await.map_err(Failure::new)?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
        // Removed is what was printed; where that fails, everything stays.
        print(&rows)?;
        let about = format!("{} rows, {} to {}", rows.len(), first.id, last.id);
        let mut tx = db.begin().await.map_err(Failure::new)?;
        audit::remove(&mut tx, &rows).await.map_err(Failure::new)?;
        let event = Event::of(&Caller::operator(), &clock, "audit-trim", about);
        event.done(&mut tx).await.map_err(Failure::new)?;
        tx.commit().await.map_err(Failure::new)?;
    }
}

/// Strangers' words in rows were escaped when they were written.
fn print(rows: &[AuditRow]) -> Result<(), Failure> {
    let mut text = String::new();
    for row in rows {
        text.push_str(&serde_json::to_string(row).map_err(Failure::new)?);
        text.push('\n');
    }
    say(&text)
}
