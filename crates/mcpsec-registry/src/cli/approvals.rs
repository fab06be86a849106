//! `mcpsec-registry approvals import|export`: the file form and the log, byte for byte.
use std::{collections::HashSet, io::Read as _, path::PathBuf};

use clap::{Args, Subcommand};
use mcpsec_model::approval::{Approvals, Line, MAX_FILE};
use mcpsec_verify::approval::log::leaf_hash;

use super::{Failure, Options, database, say};
use crate::{
    auth::Caller,
    clock::Clock,
    db::{Db, audit::Event, entries},
    error::ApiError,
    log::{CHUNK, Log, MAX_BATCH, Strictness, admit_lines},
    trust::Published,
};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Append the lines of a file to the log; what is there already is passed over
    Import(Import),
    /// Print the log as a file of approvals
    Export(Options),
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// A file of approvals, such as mcp-approvals.jsonl
    file: PathBuf,
    /// Take approvals of keys that were revoked or ran out since, too: they count for nothing, and the record is whole
    #[arg(long)]
    history: bool,
    #[command(flatten)]
    options: Options,
}

pub(super) async fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Import(import) => bring(import).await,
        Verb::Export(options) => print(&options).await,
    }
}

async fn bring(import: Import) -> Result<(), Failure> {
    let config = import.options.config()?;
    let name = import.file.display().to_string();
    let approvals = Approvals::parse(&read(&import.file)?, &name)
        .map_err(|error| Failure::new(format!("{error}; {}", error.hint())))?;
    let (db, clock) = (database(&config).await?, Clock::system());
    let signers = Published::read(&config).and_then(|published| published.parsed(&config)).map_err(Failure::new)?;
    let log = Log::open(&config, &db).await.map_err(Failure::new)?;
    let there: HashSet<String> = entries::leaves(&db).await.map_err(Failure::new)?.into_iter().collect();
    let is_new = |line: &&Line| !there.contains(&hex::encode(leaf_hash(line.envelope.to_line().as_bytes())));
    let new: Vec<Line> = approvals.lines().iter().filter(is_new).cloned().collect();
    let strictness = if import.history { Strictness::History } else { Strictness::Now };
    // All are judged before the first is appended.
    let admitted = admit_lines(&new, &name, &signers, clock.now(), strictness).map_err(said)?;
    let mut added = 0;
    for batch in admitted.chunks(MAX_BATCH) {
        let caller = Caller::operator();
        let event = Event::of(&caller, &clock, "approvals-import", &name);
        let done = log.append(&db, &event, &caller.actor, clock.now().as_second(), batch).await.map_err(said)?;
        added += done.added;
    }
    say(&format!(
        "{added} lines added, {} known; the log has {} entries\n",
        approvals.lines().len() - added,
        log.size()
    ))
}

fn said(error: ApiError) -> Failure {
    Failure::new(match error.hint {
        Some(hint) => format!("{}; {hint}", error.message),
        None => error.message,
    })
}

fn read(path: &std::path::Path) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("failed to read {}: {error}", path.display()));
    let mut text = String::new();
    // One byte more than a file may have: the reader of the file form says that it is too long.
    std::fs::File::open(path).map_err(failed)?.take(MAX_FILE as u64 + 1).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

async fn print(options: &Options) -> Result<(), Failure> {
    let db = database(&options.config()?).await?;
    let size = entries::log(&db).await.map_err(Failure::new)?.size;
    let mut at = 0;
    while at < size {
        let until = size.min(at.saturating_add(i64::try_from(CHUNK).unwrap_or(1)));
        say(&lines(&db, at, until).await?)?;
        at = until;
    }
    Ok(())
}

async fn lines(db: &Db, from: i64, until: i64) -> Result<String, Failure> {
    let rows = entries::range(db, from, until).await.map_err(Failure::new)?;
    if i64::try_from(rows.len()) != Ok(until - from) {
        return Err(Failure::new(format!("entries {from} to {until} are not all there")));
    }
    Ok(rows.into_iter().fold(String::new(), |text, row| text + &row.line + "\n"))
}
