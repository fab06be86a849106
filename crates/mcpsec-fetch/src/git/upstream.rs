//! What a remote says today about a commit that is locked.
//!
//! Only the list of references is asked for, no objects. A locked tag or branch is looked up by the full name that the lock
//! remembers, so that a new tag with the name of a locked branch cannot change the question. Annotated tags are followed.
use gix::ObjectId;
use mcpsec_model::{
    package::GitPin,
    upstream::{UpstreamRecord, UpstreamState},
};
use smol_str::SmolStr;

use super::reference::Listed;

/// The state that a list of references means.
///
/// A lock without a reference (a bare commit) has nothing that could move: the record then names the commit if some
/// reference still points right at it, and no commit otherwise, because whether the remote still hands it out was not asked.
pub(super) fn judge(listed: &[Listed], locked: &GitPin, commit: &str) -> UpstreamState {
    let Some(reference) = locked.reference.as_deref() else {
        let known =
            ObjectId::from_hex(commit.as_bytes()).is_ok_and(|commit| listed.iter().any(|item| item.commit == commit));
        return UpstreamState::Present(UpstreamRecord {
            commit: known.then(|| SmolStr::new(commit)),
            ..UpstreamRecord::default()
        });
    };
    match listed.iter().find(|item| item.name == reference) {
        Some(item) => UpstreamState::Present(UpstreamRecord {
            commit: Some(item.commit.to_string().into()),
            tag: item.tag.map(|tag| tag.to_string().into()),
            ..UpstreamRecord::default()
        }),
        None => UpstreamState::Gone,
    }
}
