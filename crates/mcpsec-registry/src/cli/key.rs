//! `mcpsec-registry key`: the log's key, and how it is changed.
//!
//! ```text
//! key            prints the key
//! key --next     makes the key that is to follow; servers that start from now on sign every head with both
//! key --switch   from now on only the new one signs; the old one is gone
//! ```
//!
//! Clients take a new key from mcp.toml alone, where people review it: between the two steps they have time for that.
use clap::Args;
use mcpsec_model::approval::head::Origin;
use mcpsec_verify::approval::log::LogSigner;

use super::{Failure, Options, complain, database, say};
use crate::{
    auth::Caller,
    clock::Clock,
    config::Config,
    db::{Db, audit::Event, entries},
    log::{self, Keys},
};

#[derive(Debug, Args)]
pub(super) struct Key {
    /// Make the key that is to follow, if there is none, and print it: servers that start from now on sign with both
    #[arg(long, conflicts_with = "switch")]
    next: bool,
    /// Let the new key be the only one from now on; clients that still expect the old one refuse the log
    #[arg(long)]
    switch: bool,
    #[command(flatten)]
    options: Options,
}

pub(super) async fn run(key: Key) -> Result<(), Failure> {
    let config = key.options.config()?;
    let db = database(&config).await?;
    let known = entries::log(&db).await.map_err(Failure::new)?.key;
    let keys = load(&config, known.is_empty())?;
    // A log that nobody served yet has the key of its file.
    let known = if known.is_empty() { keys.own.key().to_string() } else { known };
    let (own, next) = keys.that_count(&known).map_err(Failure::new)?;
    match (key.next, key.switch) {
        (true, _) => make_next(&config, &keys, &known),
        (_, true) => switch(&config, &db, &keys, own, next).await,
        _ => say(&format!("{}\n", own.key())),
    }
}

fn load(config: &Config, new: bool) -> Result<Keys, Failure> {
    let origin: Origin = config.origin.parse().map_err(Failure::new)?;
    log::load(config, origin, new).map_err(Failure::new)
}

fn make_next(config: &Config, keys: &Keys, known: &str) -> Result<(), Failure> {
    if keys.own.key().to_string() != known {
        return Err(Failure::new(
            "the last change is not over: the new key is not in the place of the old one; `mcpsec-registry key --switch` puts it there",
        ));
    }
    log::make_next(config).map_err(Failure::new)?;
    let keys = load(config, false)?;
    let next = keys.next.ok_or_else(|| Failure::new("the file of the next key is gone again"))?;
    say(&format!("{}\n", next.key()))?;
    tell_next(&[
        "start every server anew (with this file beside the log key): each then signs with both keys",
        "give teams the key above by another way than the server: it goes into [team] of mcp.toml as `key`, then `mcpsec approvals --update`",
        "when all have it: `mcpsec-registry key --switch`",
    ]);
    Ok(())
}

async fn switch(
    config: &Config,
    db: &Db,
    keys: &Keys,
    own: &LogSigner,
    next: Option<&LogSigner>,
) -> Result<(), Failure> {
    let done = keys.next.as_ref().is_some_and(|next| next.key() == own.key());
    match next {
        Some(next) => {
            let (from, to) = (own.key().to_string(), next.key().to_string());
            let subject = format!("{} to {}", own.key().short(), next.key().short());
            let event = Event::of(&Caller::operator(), &Clock::system(), "log-key", subject);
            let mut tx = db.begin().await.map_err(Failure::new)?;
            if !entries::change_key(&mut tx, &from, &to).await.map_err(Failure::new)? {
                return Err(Failure::new("no server has served this log yet, or its key was changed just now"));
            }
            event.done(&mut tx).await.map_err(Failure::new)?;
            tx.commit().await.map_err(Failure::new)?;
            say(&format!("{to}\n"))?;
        }
        None if done => say(&format!("{}\n", own.key()))?,
        None => {
            return Err(Failure::new("there is no next key; `mcpsec-registry key --next` makes one"));
        }
    }
    match log::put_in_place(config) {
        Ok(path) => tell_next(&[&format!("{} holds it; bring it to every replica", path.display())]),
        // The database says which key counts: servers start as it is.
        Err(error) => complain(&format!("the new key counts; its file stays where it is: {error}")),
    }
    Ok(())
}

/// What comes next, on standard error: standard output has the key alone.
fn tell_next(lines: &[&str]) {
    use std::io::Write as _;
    let mut stderr = std::io::stderr().lock();
    for line in lines {
        let _nobody_reads = writeln!(stderr, "next: {line}");
    }
}
