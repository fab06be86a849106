//! The allowlist: an append-only log of signed approvals and revocations, with a signed head over its Merkle tree.
//!
//! ```text
//! lines -> admit (envelope, statement, signature, right to revoke) -> append, one transaction -> entries, log, audit
//! entries -> Tree in memory (64 bytes each), behind the database by at most one look -> head, signed; proofs
//! ```
//!
//! **What is believed.** The tree is made from the lines themselves. At the start every line is read and hashed, and the root must be
//! the one that the last append wrote; after that the tree only ever grows. A database that loses, changes or reorders entries gets
//! no signature under it any more: answers are errors until a person looks.
//!
//! Any number of replicas append: the row `log` is their lock. Each signs heads with the same key, for the same entries; while the key
//! is changed, with both. Which key counts is said by the row, so that all of them change at the same moment.
mod admit;
mod append;
mod key_file;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use mcpsec_model::{
    approval::head::{Head, Origin},
    time::Timestamp,
};
use mcpsec_verify::approval::log::{LogKey, LogSigner, Tree, leaf_hash};

pub use admit::{Admitted, MAX_BATCH, Strictness, admit, admit_lines};
pub use append::Appended;
pub use key_file::{KeyFileError, Keys, load, make_next, put_in_place};
use tokio::sync::Semaphore;

use crate::{
    config::Config,
    db::{
        Db, entries,
        entries::{EntryRow, LogRow},
    },
    error::ApiError,
};

/// How many entries are read at once.
pub const CHUNK: u64 = 128;
/// How many batches are in memory at once.
const DESK: usize = 2;

/// The log's keys, and the tree over its entries.
#[derive(Debug)]
pub struct Log {
    keys: Keys,
    /// Seconds that a head is good for.
    validity: i64,
    tree: RwLock<Tree>,
    head: Mutex<Option<Signed>>,
    /// Who may hold a batch in memory.
    desk: Semaphore,
    /// One batch at a time is appended by this process.
    submitting: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
struct Signed {
    /// The key that counted, as the row says it.
    key: String,
    head: Head,
    text: Arc<str>,
}

/// Why there is no log to work with.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Its name.
    #[error("`{0}` is no name of a log")]
    Origin(String),
    /// Its key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// Signed by another key so far.
    #[error(
        "the log in this database is signed by the key {known}, and this server has {own}; give every replica the same `--log-key`"
    )]
    OtherKey {
        /// The short form of the key in the database.
        known: String,
        /// That of the key here.
        own: String,
    },
    /// Not what was written.
    #[error(
        "the log in the database is not what was written to it: {0}. Somebody or something changed entries behind the server. Restore \
         the database from a backup; nothing was signed over it"
    )]
    Tampered(String),
    /// The database does not answer.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

impl From<LogError> for ApiError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Sql(error) => error.into(),
            other => {
                tracing::error!(error = %other, "the log");
                Self::new(
                    http::StatusCode::INTERNAL_SERVER_ERROR,
                    "the log of approvals is damaged; the server signs and adds nothing",
                )
                .hint("whoever runs the server finds the reason in its log; what clients verified before stays good")
            }
        }
    }
}

impl Log {
    /// Opens the log: reads its key, or makes one for a new log, and checks every entry against the root.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn open(config: &Config, db: &Db) -> Result<Self, LogError> {
        let origin: Origin =
            config.origin.parse().map_err(|_| LogError::Origin(mcpsec_model::text::escape(&config.origin)))?;
        let row = entries::log(db).await?;
        let keys = load(config, origin, row.key.is_empty())?;
        let mut tx = db.begin().await?;
        let known = entries::claim(&mut tx, &keys.own.key().to_string()).await?;
        tx.commit().await?;
        let _known = keys.that_count(&known.key)?;
        let validity = i64::try_from(config.head_validity.as_secs()).unwrap_or(i64::MAX / 4);
        let log = Self {
            keys,
            validity,
            tree: RwLock::default(),
            head: Mutex::default(),
            desk: Semaphore::new(DESK),
            submitting: tokio::sync::Mutex::default(),
        };
        let row = log.catch_up(db).await?;
        // Beyond what the log says of itself there is nothing, or somebody wrote behind its back.
        match entries::last(db).await? {
            Some(last) if last >= entries::log(db).await?.size => {
                Err(LogError::Tampered(format!("there is an entry {last}, and the log has {} entries", row.size)))
            }
            _ => Ok(log),
        }
    }

    /// The key that signs heads, and while it is changed the one that is to follow; as the database says now.
    ///
    /// # Errors
    /// The database does not answer, or its log is signed by none of the keys here.
    pub async fn keys(&self, db: &Db) -> Result<(&LogKey, Option<&LogKey>), ApiError> {
        let row = entries::log(db).await?;
        let (signer, next) = self.keys.that_count(&row.key)?;
        Ok((signer.key(), next.map(LogSigner::key)))
    }

    /// Where whoever brings a batch waits for their turn before it is read.
    pub fn desk(&self) -> &Semaphore {
        &self.desk
    }

    /// How many entries this process knows of; others may have added some since.
    pub fn size(&self) -> u64 {
        self.with_tree(Tree::size)
    }

    /// The root over the first `size` entries, as far as this process knows of them.
    pub fn root_at(&self, size: u64) -> Option<[u8; 32]> {
        self.with_tree(|tree| tree.root_at(size))
    }

    /// The signed head over everything that is in the database now: a signed note.
    ///
    /// # Errors
    /// The database does not answer, or the entries are not what was written.
    pub async fn head(&self, db: &Db, now: Timestamp) -> Result<(Head, Arc<str>), ApiError> {
        let row = self.catch_up(db).await?;
        let (size, root) = checked(&row)?;
        let (signer, next) = self.keys.that_count(&row.key)?;
        let mut held = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signed) = held.as_ref()
            && (signed.head.size, signed.head.root, &signed.key) == (size, root, &row.key)
            && signed.head.expires.as_second() - now.as_second() > self.validity / 2
        {
            return Ok((signed.head.clone(), Arc::clone(&signed.text)));
        }
        let expires = Timestamp::from_second(now.as_second().saturating_add(self.validity)).unwrap_or(Timestamp::MAX);
        let head = Head { origin: signer.key().origin().clone(), size, root, expires };
        let mut note = signer.sign(head.clone());
        if let Some(next) = next {
            next.cosign(&mut note);
        }
        let text: Arc<str> = note.to_string().into();
        // A slow request must not put an older head in the place of a newer one.
        if held.as_ref().is_none_or(|signed| signed.head.size <= size) {
            *held = Some(Signed { key: row.key, head: head.clone(), text: Arc::clone(&text) });
        }
        Ok((head, text))
    }

    /// The proof that the log at `to` entries begins with the one at `from`; `None` where there are fewer.
    ///
    /// # Errors
    /// As [`Log::head`].
    pub async fn consistency(&self, db: &Db, from: u64, to: u64) -> Result<Option<Vec<[u8; 32]>>, ApiError> {
        self.catch_up(db).await?;
        Ok(self.with_tree(|tree| tree.consistency(from, to)))
    }

    /// The proof that entry `number` is in the log at `size` entries; `None` where there are fewer.
    ///
    /// # Errors
    /// As [`Log::head`].
    pub async fn inclusion(&self, db: &Db, number: u64, size: u64) -> Result<Option<Vec<[u8; 32]>>, ApiError> {
        self.catch_up(db).await?;
        Ok(self.with_tree(|tree| tree.inclusion(number, size)))
    }

    /// Reads what was added since the last look, and holds it against the root. The row is as old as the start of the call.
    async fn catch_up(&self, db: &Db) -> Result<LogRow, LogError> {
        let before = self.size();
        let row = entries::log(db).await?;
        let (size, root) = checked(&row)?;
        if size < before {
            return Err(LogError::Tampered(format!("it has {size} entries, and had {before}")));
        }
        let mut at = before;
        while at < size {
            let (from, until) = chunk(at, size);
            at = self.take(at, &entries::range(db, from, until).await?)?;
        }
        self.hold_against(size, root)?;
        Ok(row)
    }

    /// Takes rows that follow `at` entries into the tree, and says how many there are then.
    fn take(&self, at: u64, rows: &[EntryRow]) -> Result<u64, LogError> {
        let numbers = i64::try_from(at).unwrap_or(i64::MAX)..;
        if rows.is_empty() || rows.iter().zip(numbers).any(|(row, number)| row.seq != number) {
            return Err(LogError::Tampered(format!("entry {at}, or one soon after it, is missing")));
        }
        let leaves: Vec<_> = rows.iter().map(|row| leaf_hash(row.line.as_bytes())).collect();
        Ok(self.grow(at, &leaves))
    }

    fn hold_against(&self, size: u64, root: [u8; 32]) -> Result<(), LogError> {
        if self.with_tree(|tree| tree.root_at(size)) == Some(root) {
            return Ok(());
        }
        Err(LogError::Tampered(format!(
            "its {size} entries do not have the root that was written with the last of them"
        )))
    }

    /// Adds leaves that follow `from` entries, as far as nobody else did so meanwhile.
    fn grow(&self, from: u64, leaves: &[[u8; 32]]) -> u64 {
        let mut tree = self.tree.write().unwrap_or_else(PoisonError::into_inner);
        for (number, leaf) in (from..).zip(leaves) {
            if number == tree.size() {
                tree.push(*leaf);
            }
        }
        tree.size().min(from + leaves.len() as u64)
    }

    fn with_tree<T>(&self, ask: impl FnOnce(&Tree) -> T) -> T {
        ask(&self.tree.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Keys {
    /// The key that counts, and the one that is to follow it, if the change has begun and is not over.
    ///
    /// # Errors
    /// [`LogError::OtherKey`].
    pub fn that_count(&self, known: &str) -> Result<(&LogSigner, Option<&LogSigner>), LogError> {
        if self.own.key().to_string() == known {
            return Ok((&self.own, self.next.as_ref()));
        }
        // The change is over; the file of the old key is only not out of the way yet.
        if let Some(next) = self.next.as_ref().filter(|next| next.key().to_string() == known) {
            return Ok((next, None));
        }
        let known = LogKey::parse(known).map_or_else(|_| "that cannot be read".to_owned(), |key| key.short());
        Err(LogError::OtherKey { known, own: self.own.key().short() })
    }
}

/// The next numbers to read, from `at` on.
fn chunk(at: u64, size: u64) -> (i64, i64) {
    let number = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
    (number(at), number(size.min(at.saturating_add(CHUNK))))
}

/// Size and root of a row.
fn checked(row: &LogRow) -> Result<(u64, [u8; 32]), LogError> {
    let size = u64::try_from(row.size).map_err(|_| LogError::Tampered(format!("it has {} entries", row.size)))?;
    let mut root = [0; 32];
    hex::decode_to_slice(&row.root, &mut root).map_err(|_| LogError::Tampered("its root is no hash".to_owned()))?;
    Ok((size, root))
}
