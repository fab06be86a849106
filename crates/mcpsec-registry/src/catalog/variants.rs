//! Locks of exactly the same, in other words.
//!
//! An approval is about bytes, the way they are started and what the model is told. What else a lock says (who vouches for its packages,
//! findings, dates) is the word of whoever wrote it. So of several locks that one approval covers only one is shown: the first that came
//! when it was approved; what was asked for before that stands only until such a one comes. Nobody who may push can put other words
//! beside what was vetted. The others are kept, since their pushers were told so, and add nothing.
use std::collections::HashMap;

use mcpsec_model::{digest::Digest, name::ServerName, time::Timestamp};

use super::Release;

/// The releases without variants, in their order, and how many variants each of them has.
pub(super) fn fold(releases: Vec<Release>) -> (Vec<Release>, HashMap<Digest, usize>) {
    let mut standing: HashMap<(&ServerName, &str), Vec<&Release>> = HashMap::new();
    let mut variants: HashMap<Digest, usize> = HashMap::new();
    let mut left_out: Vec<Digest> = Vec::new();
    for release in releases.iter().filter(|release| release.standing.is_met()) {
        let same_version = standing.entry((&release.server, &release.what.version)).or_default();
        match same_version.iter_mut().find(|other| other.what == release.what) {
            None => same_version.push(release),
            Some(other) => {
                let (stands, folded) = if rank(release) < rank(other) { (release, *other) } else { (*other, release) };
                let count = variants.remove(&other.lock).unwrap_or_default();
                variants.insert(stands.lock, count + 1);
                left_out.push(folded.lock);
                *other = stands;
            }
        }
    }
    left_out.sort_unstable();
    let kept = releases.iter().map(|release| left_out.binary_search(&release.lock).is_err()).collect::<Vec<_>>();
    let releases = releases.into_iter().zip(kept).filter_map(|(release, kept)| kept.then_some(release)).collect();
    (releases, variants)
}

/// The least stands for all.
fn rank(release: &Release) -> (bool, Timestamp, Digest) {
    (release.requested, release.pushed_at, release.lock)
}
