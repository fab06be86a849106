//! A listed version as the API answers it: the document, the registry's own member of `_meta`, and ours beside it.
use mcpsec_report::server_json::{META_KEY, mirrored};
use serde_json::{Value, json};

use super::listing::{Entry, Listing};
use crate::{address::Address, error::ApiError};

/// The member of `_meta` that the API's own document describes, and closes.
const OFFICIAL: &str = "io.modelcontextprotocol.registry/official";

/// One version, for a client that reached the server at this address.
///
/// # Errors
/// [`ApiError`]: a bug.
pub(super) fn one(entry: &Entry, address: &Address) -> Result<Value, ApiError> {
    let release = &entry.release;
    let mut official = json!({
        "status": if entry.withdrawn.is_some() { "deleted" } else { "active" },
        "statusChangedAt": entry.updated,
        "publishedAt": release.pushed_at,
        "updatedAt": entry.updated,
        "isLatest": entry.latest,
    });
    if let Some(why) = &entry.withdrawn {
        official["statusMessage"] = why.as_str().into();
    }
    let mut ours = entry.read.facts.clone();
    // What the server calls a release is the lock as it was pushed.
    ours.insert("lock".to_owned(), json!(release.lock));
    ours.insert("status".to_owned(), json!(release.status.as_str()));
    ours.insert("approvals".to_owned(), approvals(entry));
    ours.insert("drift".to_owned(), drift(entry));
    ours.insert("run".to_owned(), format!("mcpsec run {}", release.server).into());
    let page = format!("{}/servers/{}/{}", address.as_str(), release.server, release.lock);
    ours.insert("page".to_owned(), page.into());
    Ok(json!({
        "server": mirrored(entry.read.document.clone(), &address.url()?),
        "_meta": { OFFICIAL: official, META_KEY: ours },
    }))
}

/// A page of versions. `next`: whether more follow the last one.
///
/// # Errors
/// [`ApiError`]: a bug.
pub(super) fn list(entries: &[&Entry], next: bool, address: &Address) -> Result<Value, ApiError> {
    let servers = entries.iter().map(|entry| one(entry, address)).collect::<Result<Vec<_>, _>>()?;
    let mut metadata = json!({ "count": servers.len() });
    if let Some(last) = entries.last().filter(|_| next) {
        metadata["nextCursor"] = last.place.to_text().into();
    }
    Ok(json!({ "servers": servers, "metadata": metadata }))
}

/// Who approved exactly this, and for how long. Clients verify the statements themselves: they are in the log under these ids.
fn approvals(entry: &Entry) -> Value {
    let standing = &entry.release.standing;
    let counting = standing.approvals.iter().filter_map(|one| {
        let criteria = one.counts.as_ref().ok()?;
        Some(json!({
            "id": one.id.to_string(),
            "by": one.signer,
            "criteria": criteria.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "issued": one.approval.issued,
            "expires": one.approval.expires,
        }))
    });
    counting.collect()
}

fn drift(entry: &Entry) -> Value {
    let Some(drift) = &entry.drift else { return Value::Null };
    let level = drift.level.map_or("unchecked", |level| level.as_str());
    json!({ "level": level, "from": { "version": drift.version, "lock": drift.lock } })
}

impl Listing {
    /// Every version of a page's worth, and whether more follow.
    pub(super) fn page(&self, wanted: impl Fn(&Entry) -> bool, limit: usize) -> (Vec<&Entry>, bool) {
        let mut found = self.entries.iter().filter(|entry| wanted(entry));
        let page: Vec<&Entry> = found.by_ref().take(limit).collect();
        (page, found.next().is_some())
    }
}
