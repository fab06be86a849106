//! Evidence as the lock writes it: the word of `evidence`, or the fields of a line of `signed-by`.
use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::plain;
use crate::{
    evidence::{EvidenceKind, LogEvidence, Pin, Pinned, SignerPin},
    text::Untrusted,
};

/// Longest value of a field.
const MAX_VALUE: usize = 1024;

/// The word of `evidence`, where there is nothing to list.
pub(super) fn state_word(pinned: &Pinned) -> Option<&'static str> {
    match pinned {
        Pinned::Stripped => Some("stripped"),
        Pinned::Nothing => Some("none"),
        Pinned::NotLooked | Pinned::By(_) => None,
    }
}

/// What the word means.
pub(super) fn state_from(word: &str) -> Option<Pinned> {
    match word {
        "stripped" => Some(Pinned::Stripped),
        "none" => Some(Pinned::Nothing),
        _ => None,
    }
}

/// The fields of a line, in their order.
pub(super) fn fields<'a>(pin: &'a Pin) -> Vec<(&'static str, &'a str)> {
    let mut out = vec![("kind", pin.kind.as_str())];
    let mut add = |key, value: Option<&'a SmolStr>| out.extend(value.map(|value| (key, value.as_str())));
    add("file", pin.file.as_ref());
    match &pin.signer {
        SignerPin::Key { id, fingerprint } => {
            add("key", Some(id));
            add("fingerprint", fingerprint.as_ref());
        }
        SignerPin::Workload { issuer, repository, workflow, reference } => {
            add("issuer", Some(issuer));
            add("repository", Some(repository));
            add("workflow", Some(workflow));
            add("ref", reference.as_ref());
        }
        SignerPin::Subject { issuer, subject } => {
            add("issuer", Some(issuer));
            add("subject", Some(subject));
        }
    }
    add("commit", pin.commit.as_ref());
    out.extend(pin.log.map(|log| ("log", log.as_str())));
    out
}

/// The pin that these fields describe.
///
/// # Errors
/// What is wrong with them, as a fragment.
pub(super) fn from_fields(mut fields: BTreeMap<&str, &str>) -> Result<Pin, String> {
    if let Some((key, _)) = fields.iter().find(|(_, value)| value.is_empty() || value.len() > MAX_VALUE) {
        return Err(format!("`{}` is empty or too long", Untrusted::new(*key).excerpt(40)));
    }
    let mut take = |key: &str| fields.remove(key);
    let kind = take("kind").ok_or("a line of `signed-by` needs a `kind`")?;
    let shown = |text: &str| Untrusted::new(text).excerpt(40);
    let kind = EvidenceKind::from_word(kind).ok_or_else(|| format!("`{}` is not a kind of evidence", shown(kind)))?;
    let log = match take("log") {
        Some(word) => Some(
            LogEvidence::from_word(word)
                .ok_or_else(|| format!("`{}` is not proof, promise or timestamp", shown(word)))?,
        ),
        None => None,
    };
    let (file, commit) = (take("file").map(SmolStr::new), take("commit").map(SmolStr::new));
    let signer = match (take("key"), take("issuer")) {
        (Some(id), None) => SignerPin::Key { id: id.into(), fingerprint: take("fingerprint").map(SmolStr::new) },
        (None, Some(issuer)) => match (take("repository"), take("workflow"), take("subject")) {
            (Some(repository), Some(workflow), None) => SignerPin::Workload {
                issuer: issuer.into(),
                repository: repository.into(),
                workflow: workflow.into(),
                reference: take("ref").map(SmolStr::new),
            },
            (None, None, Some(subject)) => SignerPin::Subject { issuer: issuer.into(), subject: subject.into() },
            _ => return Err("a certificate's holder is `repository` and `workflow`, or `subject`".to_owned()),
        },
        _ => return Err("a line of `signed-by` needs either `key` or `issuer`".to_owned()),
    };
    match fields.keys().next() {
        Some(key) => Err(format!("unknown key `{}`", shown(key))),
        None => Ok(Pin { kind, signer, log, commit, file }),
    }
}

/// Whether a lock can hold these pins and read them back as themselves.
pub(super) fn is_writable(pinned: &Pinned) -> bool {
    pinned.pins().iter().all(|pin| {
        let fields = fields(pin);
        fields.iter().all(|(_, value)| plain::is_visible(value))
            && from_fields(fields.into_iter().collect()).as_ref() == Ok(pin)
    }) && (!matches!(pinned, Pinned::By(_))
        || Pinned::by(pinned.pins().iter().cloned()) == *pinned && !pinned.pins().is_empty())
}
