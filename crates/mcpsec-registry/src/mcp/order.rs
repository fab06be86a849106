//! Which version is the latest: by semantic versioning where all versions of a server have it, else the one that was pushed last.
use semver::Version;

use super::cursor::Cursor;

/// Of the versions with their places, the index that stands beside the latest one.
pub(super) fn latest(versions: &[(usize, &Cursor)]) -> Option<usize> {
    let semantic: Option<Vec<Version>> =
        versions.iter().map(|(_, place)| Version::parse(&place.version).ok()).collect();
    let pushed = |at: &usize| (versions[*at].1.published, &versions[*at].1.version);
    let best = match semantic {
        // A release comes after its own pre-releases, and before those of the next version: as npm's `latest`, the highest
        // release is meant, and a pre-release only where there is nothing else.
        Some(all) => (0..all.len()).max_by_key(|at| (all[*at].pre.is_empty(), &all[*at], pushed(at))),
        None => (0..versions.len()).max_by_key(pushed),
    };
    best.map(|at| versions[at].0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(versions: &[(i64, &str)]) -> Option<String> {
        let places: Vec<Cursor> = versions
            .iter()
            .map(|(published, version)| Cursor {
                name: "a/b".into(),
                published: *published,
                version: (*version).into(),
            })
            .collect();
        let versions: Vec<(usize, &Cursor)> = places.iter().enumerate().collect();
        latest(&versions).map(|at| places[at].version.clone())
    }

    #[test]
    fn the_highest_release_is_the_latest() {
        for (versions, want) in [
            (&[][..], None),
            (&[(1, "1.0.0")], Some("1.0.0")),
            // A fix of an old line is pushed after the new line.
            (&[(1, "2.0.0"), (2, "1.9.9")], Some("2.0.0")),
            (&[(1, "1.9.0"), (2, "1.10.0")], Some("1.10.0")),
            (&[(1, "1.0.0"), (2, "2.0.0-rc.1")], Some("1.0.0")),
            (&[(1, "2.0.0-rc.1"), (2, "2.0.0-rc.2")], Some("2.0.0-rc.2")),
            // Python's versions, tags of git: no order that holds for all of them.
            (&[(2, "2025.08.1"), (1, "2025.09.1")], Some("2025.08.1")),
            (&[(2, "1.0.0"), (1, "v2")], Some("1.0.0")),
        ] {
            assert_eq!(of(versions).as_deref(), want, "{versions:?}");
        }
    }
}
