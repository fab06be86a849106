//! Files in a scratch folder that no longer have a name there: they take up the disk for as long as some process has them open
//! or mapped, and no look at the folder shows them.
use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

/// What the kernel writes behind the former name.
const GONE: &[u8] = b" (deleted)";

/// Bytes on disk of such files below `folder` that these processes hold. A file that is only mapped counts as long as its
/// mapping. What processes hide cannot be counted; the filter of system calls keeps them from hiding.
pub(super) fn size(processes: &BTreeSet<u32>, folder: &Path) -> u64 {
    // By inode number: they all lie in one file system.
    let mut found: BTreeMap<u64, u64> = BTreeMap::new();
    for pid in processes {
        // Each thread may have a table of files of its own.
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        for file in tasks.flat_map(|task| std::fs::read_dir(task.path().join("fd")).into_iter().flatten().flatten()) {
            let place = file.path();
            if std::fs::read_link(&place).is_ok_and(|name| is_gone(name.as_os_str().as_bytes(), folder))
                && let Ok(metadata) = place.metadata()
                && metadata.nlink() == 0
            {
                found.insert(metadata.ino(), metadata.blocks().saturating_mul(512));
            }
        }
    }
    for pid in processes {
        let mut mapped: BTreeMap<u64, u64> = BTreeMap::new();
        let maps = std::fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
        for (inode, length) in maps.split(|byte| *byte == b'\n').filter_map(|line| mapping(line, folder)) {
            let sum = mapped.entry(inode).or_default();
            *sum = sum.saturating_add(length);
        }
        for (inode, length) in mapped {
            // What is open as well has been counted exactly.
            found.entry(inode).or_insert(length);
        }
    }
    found.into_values().fold(0, u64::saturating_add)
}

fn is_gone(name: &[u8], folder: &Path) -> bool {
    name.ends_with(GONE) && PathBuf::from(std::ffi::OsStr::from_bytes(name)).starts_with(folder)
}

/// Inode and length of a line of `/proc/PID/maps` (proc_pid_maps(5)): range, rights, offset, device, inode, name.
fn mapping(line: &[u8], folder: &Path) -> Option<(u64, u64)> {
    let start = line.iter().position(|byte| *byte == b'/')?;
    let (numbers, name) = line.split_at(start);
    if !is_gone(name, folder) {
        return None;
    }
    let numbers = std::str::from_utf8(numbers).ok()?;
    let mut fields = numbers.split_ascii_whitespace();
    let (from, to) = fields.next()?.split_once('-')?;
    let length = u64::from_str_radix(to, 16).ok()?.checked_sub(u64::from_str_radix(from, 16).ok()?)?;
    Some((fields.nth(3)?.parse().ok()?, length))
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write as _};

    use super::*;

    #[test]
    fn files_without_a_name_are_counted_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = BTreeSet::from([std::process::id()]);
        let path = folder.path().join("file");
        let mut file = File::create(&path).expect("file");
        file.write_all(&[1; 100_000]).and_then(|()| file.sync_all()).expect("written");
        assert_eq!(size(&own, folder.path()), 0, "it has a name");
        let _again = file.try_clone().expect("a second descriptor");
        std::fs::remove_file(&path).expect("removed");
        let counted = size(&own, folder.path());
        assert!((100_000..200_000).contains(&counted), "{counted}");
        assert_eq!(size(&own, Path::new("/elsewhere")), 0);
        assert_eq!(size(&BTreeSet::new(), folder.path()), 0);
    }

    #[test]
    fn maps_are_read() {
        let line = b"7f00-9f00 rw-s 00000000 fd:01 4711                       /tmp/x/a b (deleted)";
        assert_eq!(mapping(line, Path::new("/tmp/x")), Some((4711, 0x2000)));
        assert_eq!(mapping(line, Path::new("/tmp/y")), None);
        for other in
            ["7f00-9f00 rw-s 0 fd:01 4711 /tmp/x/a", "", "7f00 rw-s / (deleted)", "9-7 r 0 0 1 /tmp/x/a (deleted)"]
        {
            assert_eq!(mapping(other.as_bytes(), Path::new("/tmp/x")), None, "{other}");
        }
    }
}
