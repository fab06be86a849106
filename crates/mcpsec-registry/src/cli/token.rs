//! `mcpsec-registry token create|list|revoke`.
use clap::{Args, Subcommand};
use mcpsec_model::text::{escape, is_hidden};

use super::{Failure, Options, database, say};
use crate::{
    auth::{
        Caller, Scope,
        token::{Token, shown},
    },
    clock::Clock,
    config::Span,
    db::{
        audit::Event,
        tokens::{self, TokenRow},
    },
};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make a token and print it, once: only a hash of it is kept
    Create(Create),
    /// List all tokens, without their secrets
    List(Options),
    /// End a token at once
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// Who or what it is for
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What it may do: `read`, `push`, `approve-submit` or `admin`; may be given more than once
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<Scope>,
    /// How long it is good for: `90d`, `12h`; at most 3660d
    #[arg(long, value_name = "TIME", default_value = "90d")]
    expires: Span,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The token's id, as `token list` shows it
    id: String,
    #[command(flatten)]
    options: Options,
}

/// The longest life of a token, in seconds: ten years.
const LONGEST: u64 = 3660 * 24 * 3600;

pub(super) async fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Create(create) => make(create).await,
        Verb::List(options) => list(&options).await,
        Verb::Revoke(revoke) => end(revoke).await,
    }
}

async fn make(create: Create) -> Result<(), Failure> {
    let Create { name, mut scopes, expires, options } = create;
    if name.trim() != name || name.is_empty() || name.len() > 100 || name.chars().any(is_hidden) {
        return Err(Failure::new("`--name` must be 1 to 100 bytes of visible text"));
    }
    if expires.0.is_zero() || expires.0.as_secs() > LONGEST {
        return Err(Failure::new("`--expires` must be more than nothing, and at most `3660d`"));
    }
    scopes.sort_unstable();
    scopes.dedup();
    let (db, clock) = (database(&options.config()?).await?, Clock::system());
    let token = Token::generate().map_err(|_| Failure::new("the system gives no random numbers"))?;
    let now = clock.now().as_second();
    let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    let row = TokenRow {
        id: token.id().to_owned(),
        hash: token.hash(),
        name,
        scopes: words.join(" "),
        created_at: now,
        expires_at: now.saturating_add(i64::try_from(expires.0.as_secs()).unwrap_or(i64::MAX)),
        revoked_at: 0,
    };
    let event =
        Event::of(&Caller::operator(), &clock, "token-create", format!("{} ({}): {}", row.id, row.name, row.scopes));
    let mut tx = db.begin().await.map_err(Failure::new)?;
    tokens::insert(&mut tx, &row).await.map_err(Failure::new)?;
    event.done(&mut tx).await.map_err(Failure::new)?;
    tx.commit().await.map_err(Failure::new)?;
    // The one line of standard output is the token, so that scripts can keep it without reading anything else.
    say(&format!("{}\n", token.expose()))
}

async fn list(options: &Options) -> Result<(), Failure> {
    let db = database(&options.config()?).await?;
    let now = Clock::system().now().as_second();
    let mut text = String::new();
    for row in tokens::all(&db).await.map_err(Failure::new)? {
        let state = match (row.revoked_at, row.expires_at) {
            (0, end) if now >= end => format!("expired {}", shown(end)),
            (0, end) => format!("until {}", shown(end)),
            (at, _) => format!("revoked {}", shown(at)),
        };
        text.push_str(&format!("{}  {state}  {}  {}\n", row.id, row.scopes.replace(' ', ","), escape(&row.name)));
    }
    if text.is_empty() {
        text.push_str("no tokens; make one with `mcpsec-registry token create --name NAME --scope push`\n");
    }
    say(&text)
}

async fn end(revoke: Revoke) -> Result<(), Failure> {
    let (db, clock) = (database(&revoke.options.config()?).await?, Clock::system());
    let id = escape(&revoke.id);
    let mut tx = db.begin().await.map_err(Failure::new)?;
    if !tokens::revoke(&mut tx, &revoke.id, clock.now().as_second()).await.map_err(Failure::new)? {
        return Err(Failure::new(format!(
            "there is no token `{id}` that is still good; see `mcpsec-registry token list`"
        )));
    }
    let event = Event::of(&Caller::operator(), &clock, "token-revoke", revoke.id);
    event.done(&mut tx).await.map_err(Failure::new)?;
    tx.commit().await.map_err(Failure::new)?;
    say(&format!("{id} is revoked\n"))
}
