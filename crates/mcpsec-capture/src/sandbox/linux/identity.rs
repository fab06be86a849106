//! Whom the stranger's program runs as.
//!
//! An ordinary user's programs run as that user, without capabilities. Root's programs never run as root: limits on processes
//! are not enforced for user 0, and what only root may read must stay unread. They get a user number that nobody else has. If
//! what the plan names is not open to everyone, they also get CAP_DAC_OVERRIDE, and nothing else: the mounts or Landlock
//! decide what exists, so it reaches only what the plan names. A program can bring that about for its next start, by leaving a
//! file that is closed to others in a folder that it may write; without the capability it could not read that file itself, since
//! its user number is another one each time. It gains nothing by it that the plan did not give to it.
use std::{
    fs::Metadata,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{layout::Access, sys};

/// First of the user numbers that are ours, one for each process number.
const FIRST: u32 = 1_000_000_000;
/// The user that has no rights by custom, where numbers are few.
const NOBODY: u32 = 65534;
/// User number inside when it is not the real one.
pub(super) const INSIDE: u32 = 1000;

/// CAP_SETGID, CAP_SETUID, CAP_DAC_OVERRIDE.
const CAP_SETGID: u64 = 1 << 6;
const CAP_SETUID: u64 = 1 << 7;
/// Read, write and search whatever the owner's mode bits say.
pub(super) const CAP_DAC_OVERRIDE: u64 = 1 << 1;

/// Entries of one folder that are looked at.
const LOOKED_AT: usize = 256;

/// Whom a program runs as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Identity {
    /// The user and group who started mcpsec, without any capability.
    Own { uid: u32, gid: u32 },
    /// A user and group (same number) that own nothing.
    Nobody { id: u32, override_modes: bool },
}

impl Identity {
    /// Chooses. `ancestors`: whether the folders above the plan's paths have to be open as well, because paths are not
    /// mounted anew.
    pub(super) fn choose(paths: &[(PathBuf, Access)], ancestors: bool) -> io::Result<Self> {
        let (uid, gid) = sys::identity();
        let own = Self::Own { uid, gid };
        if uid != 0 || sys::capabilities()? & (CAP_SETUID | CAP_SETGID) != CAP_SETUID | CAP_SETGID {
            return Ok(own);
        }
        let maps = [std::fs::read_to_string("/proc/self/uid_map")?, std::fs::read_to_string("/proc/self/gid_map")?];
        let candidates = [FIRST + std::process::id() % FIRST, NOBODY];
        let Some(id) = candidates.into_iter().find(|id| maps.iter().all(|map| maps_id(map, *id))) else {
            // A container whose only user is its root; outside it is an ordinary user.
            return Ok(own);
        };
        let closed = paths.iter().any(|(path, access)| !is_open(path, *access, ancestors));
        Ok(Self::Nobody { id, override_modes: closed && sys::capabilities()? & CAP_DAC_OVERRIDE != 0 })
    }
}

/// Whether a number exists in a map of user_namespaces(7): lines of first number inside, first outside, how many.
fn maps_id(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_ascii_whitespace().map(str::parse::<u64>);
        let (Some(Ok(inside)), Some(Ok(_)), Some(Ok(count))) = (numbers.next(), numbers.next(), numbers.next()) else {
            return false;
        };
        (inside..inside + count).contains(&u64::from(id))
    })
}

/// Whether everyone may read (or write) a path, judged by its modes and those of the entries right in it.
fn is_open(path: &Path, access: Access, ancestors: bool) -> bool {
    let above = || path.ancestors().skip(1).all(|above| above.metadata().is_ok_and(|above| allows(&above, 0o1)));
    let Ok(metadata) = path.metadata() else { return false };
    if !suits(&metadata, access) || ancestors && !above() {
        return false;
    }
    let Ok(entries) = path.read_dir() else { return !metadata.is_dir() };
    entries.take(LOOKED_AT).all(|entry| {
        let metadata = entry.and_then(|entry| entry.metadata());
        metadata.is_ok_and(|metadata| metadata.is_symlink() || suits(&metadata, access))
    })
}

fn suits(metadata: &Metadata, access: Access) -> bool {
    let write = if access == Access::Write { 0o2 } else { 0 };
    allows(metadata, if metadata.is_dir() { 0o5 | write } else { 0o4 | write })
}

fn allows(metadata: &Metadata, bits: u32) -> bool {
    metadata.permissions().mode() & bits == bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_read() {
        assert!(maps_id("         0          0 4294967295\n", FIRST));
        assert!(maps_id("0 1000 1\n1 100000 65536\n", NOBODY));
        assert!(!maps_id("0 1000 1\n1 100000 65536\n", FIRST));
        assert!(!maps_id("0 1000 1\n", NOBODY));
        assert!(!maps_id("nonsense\n", NOBODY));
    }

    #[test]
    fn closed_paths_are_seen() {
        let scratch = tempfile::tempdir().expect("scratch");
        let mode = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("mode");
        let (folder, file) = (scratch.path().join("folder"), scratch.path().join("folder/file"));
        std::fs::create_dir(&folder).expect("folder");
        std::fs::File::create_new(&file).expect("file");
        mode(&folder, 0o755);
        mode(&file, 0o644);
        mode(scratch.path(), 0o700);
        assert!(is_open(&folder, Access::Read, false));
        assert!(!is_open(&folder, Access::Read, true), "the scratch folder above is closed");
        assert!(!is_open(&folder, Access::Write, false));
        mode(&file, 0o600);
        assert!(!is_open(&folder, Access::Read, false));
        assert!(!is_open(&file, Access::Read, false));
    }
}
