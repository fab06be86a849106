//! What a server tells the model, in a lock: how much of a capture is kept, and that it reads back as itself.
//!
//! Texts of the manifest are strangers' words. They stand inside quotes or below an indentation, so that no line of theirs
//! can look like a line of the lock, and what a reader would not see is escaped; docs/lock-format.md has the rules.
mod json;
pub(super) mod lines;
mod meaning;
pub(super) mod tables;
pub(super) mod wire;
mod write;

pub(super) use meaning::read;

use super::{MAX_TOLD, ServerError, fields::Source, meaning::Entry, plain, wire::Text, write::Text as Writer};
use crate::{
    capture::{Accepted, Captured, Observed, Told, Unstable},
    manifest::json::sorted,
    name::ServerName,
    text::{Untrusted, escape},
};

/// Members of an entry that are texts, with their keys in the lock, in their order.
pub(super) const TEXTS: [(&str, &str); 6] = [
    ("uri", "uri"),
    ("uriTemplate", "uri-template"),
    ("name", "name"),
    ("title", "title"),
    ("mimeType", "mime-type"),
    ("description", "description"),
];
/// Members of an entry that are any JSON, with their keys in the lock, in their order.
pub(super) const VALUES: [(&str, &str); 7] = [
    ("annotations", "annotations"),
    ("arguments", "arguments"),
    ("inputSchema", "input-schema"),
    ("outputSchema", "output-schema"),
    ("execution", "execution"),
    ("icons", "icons"),
    ("_meta", "meta"),
];
/// The key of all other members together.
const REST: &str = "rest";

/// What a lock keeps of a capture: what would be the same on every machine. Left out are files outside the home, the folders
/// of programs, and how often a call was refused.
pub(super) fn kept(told: Told) -> Told {
    match told {
        Told::Unknown => Told::Unknown,
        Told::Unchecked(reason) => Told::Unchecked(visible(reason)),
        Told::Manifest(captured) => Told::Manifest(Box::new(kept_of(*captured))),
    }
}

fn kept_of(captured: Captured) -> Captured {
    let Captured { manifest, context, mut unstable, observed } = captured;
    for difference in &mut unstable {
        difference.other = sorted(std::mem::take(&mut difference.other));
    }
    unstable.sort_by_cached_key(|difference| {
        let Unstable { subject, between, other } = difference;
        (subject.clone(), *between, json::text(other))
    });
    unstable.dedup();
    let Observed { hosts, files, canaries, programs, refused, incomplete } = observed;
    let observed = Observed {
        hosts,
        files: files.into_iter().filter(|file| file.raw() == "~" || file.raw().starts_with("~/")).collect(),
        canaries,
        programs: programs.iter().map(file_name).collect(),
        refused: refused.into_keys().map(|call| (call, 1)).collect(),
        incomplete,
    };
    Captured { manifest, context, unstable, observed }
}

/// The last name of a path.
fn file_name(program: &Untrusted) -> Untrusted {
    let path = program.raw();
    Untrusted::new(path.rsplit(['/', '\\']).find(|name| !name.is_empty()).unwrap_or(path))
}

/// Acceptances in the form that the lock writes.
pub(super) fn kept_accepted(accepted: Vec<Accepted>) -> Vec<Accepted> {
    let printable = |accepted: Accepted| Accepted {
        subject: visible(accepted.subject),
        reason: visible(accepted.reason),
        ..accepted
    };
    let mut accepted: Vec<Accepted> = accepted.into_iter().map(printable).collect();
    accepted.sort();
    accepted.dedup();
    accepted
}

fn visible(text: String) -> String {
    if plain::is_visible(&text) { text } else { escape(&text) }
}

/// How many bytes of a lock this is; counted up to a little more than `limit`.
pub(super) fn size(told: &Told, accepted: &[Accepted], limit: usize) -> usize {
    let mut text = Writer::within(limit);
    text.told(told, accepted);
    text.into_string().len()
}

/// Refuses what is too long, and what would not be read back as itself: it is written and read.
pub(super) fn check(server: &ServerName, told: &Told, accepted: &[Accepted]) -> Result<(), ServerError> {
    if *told == Told::Unknown && accepted.is_empty() {
        return Ok(());
    }
    let mut text = Writer::within(MAX_TOLD);
    text.told(told, accepted);
    let text = text.into_string();
    if text.len() > MAX_TOLD {
        return Err(ServerError::TooLong { server: server.clone() });
    }
    let unwritable =
        |what: &str| ServerError::Unwritable { server: server.clone(), what: Untrusted::new(what).excerpt(200) };
    let source = Source::new("mcp.lock", &text);
    let name = Text { text: server.as_str().into(), at: 0 };
    let wire = lines::alone(&text).ok_or_else(|| unwritable("the capture"))?;
    match read(&Entry::new(&source, "server", &name, 0), server, &wire) {
        Ok((again, accepted_again)) if again == *told && accepted_again == accepted => Ok(()),
        Ok(_) => Err(unwritable("the capture")),
        Err(super::LockError::Invalid { reason, .. }) => Err(unwritable(&format!("the capture ({reason})"))),
        Err(_) => Err(unwritable("the capture")),
    }
}
