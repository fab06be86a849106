//! How a closure changed: what an update adds, removes and moves.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{lock::LockedServer, package::PackageId, report::ClosureChange};

/// The difference between two closures of one server. A name whose versions differ is a change when both sides have one of
/// it; names with several versions are told version by version.
pub(super) fn change(before: &LockedServer, after: &LockedServer) -> ClosureChange {
    let (old, new) = (before.closure.packages(), after.closure.packages());
    let mut names: BTreeMap<String, (Vec<&PackageId>, Vec<&PackageId>)> = BTreeMap::new();
    let key = |id: &PackageId| format!("{}:{}", id.ecosystem(), id.name());
    let only = |these: &BTreeSet<&PackageId>, those: &BTreeSet<&PackageId>| -> Vec<PackageId> {
        these.difference(those).map(|id| (*id).clone()).collect()
    };
    let (gone, come) = (only(&old, &new), only(&new, &old));
    for id in &gone {
        names.entry(key(id)).or_default().0.push(id);
    }
    for id in &come {
        names.entry(key(id)).or_default().1.push(id);
    }
    let mut change = ClosureChange::default();
    for (gone, come) in names.into_values() {
        match (gone.as_slice(), come.as_slice()) {
            ([before], [after]) => change.changed.push((before.to_string(), after.to_string())),
            (gone, come) => {
                change.removed.extend(gone.iter().map(ToString::to_string));
                change.added.extend(come.iter().map(ToString::to_string));
            }
        }
    }
    change
}
