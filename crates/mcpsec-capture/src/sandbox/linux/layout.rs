//! Which files and folders of this machine are inside, at which places, and the links that lead to them.
//!
//! A path that is asked for may lead over symbolic links (`/bin/sh` over `/bin`). Inside, the same links lead to the same
//! places, so that every spelling works that works outside.
use std::{
    collections::{BTreeMap, VecDeque},
    ffi::OsString,
    io,
    path::{Component, Path, PathBuf},
};

/// Links followed for one path, as many as the kernel follows.
const MAX_LINKS: usize = 40;

/// Folders and files of the system without which dynamic programs do not start. Links among them stay links; what does not
/// exist is left out. `/etc/passwd`, `hosts`, `resolv.conf` and `nsswitch.conf` are not here: inside they are ours.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
    "/run/current-system/sw",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/openssl.cnf",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
];

/// Places that are the launcher's own; a plan cannot ask for them.
const OURS: &[&str] = &["/proc", "/dev", "/sys"];

/// Whether something may be written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Access {
    Read,
    Write,
}

/// Real places with their access, and links, sorted by path (so parents come before what is in them).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Layout {
    pub(super) binds: BTreeMap<PathBuf, Access>,
    pub(super) links: BTreeMap<PathBuf, PathBuf>,
    /// Places in which a stranger may have put links.
    strangers: Vec<PathBuf>,
}

impl Layout {
    /// The system's own folders.
    pub(super) fn system() -> io::Result<Self> {
        let mut layout = Self::default();
        for path in SYSTEM {
            match layout.resolve(Path::new(path)) {
                Ok(real) => layout.bind(real, Access::Read),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(layout)
    }

    /// Adds the paths of a plan.
    ///
    /// What lies beneath a path that may be written is a stranger's: when it ran before, or while another one of it runs, it may
    /// have put a link to anything there. So such a path is never followed. To write it is allowed by the path above it
    /// already; to read it only is a promise that cannot be kept.
    ///
    /// # Errors
    /// The path that is wrong, and why: see [`Self::add`], and `EXDEV` for a path to be read beneath one that may be written.
    pub(super) fn add_all(&mut self, paths: &[(PathBuf, Access)]) -> Result<(), (PathBuf, io::Error)> {
        let told = |path: &Path| {
            let path = path.to_owned();
            move |error| (path, error)
        };
        let written = paths.iter().filter(|(_, access)| *access == Access::Write);
        for (path, _) in written {
            // Where two lie in each other this may be too much, which only makes more paths refused.
            let real = Self::default().resolve(path).map_err(told(path))?;
            self.strangers.push(real);
        }
        for (path, access) in paths {
            match self.add(path, *access) {
                Err(error) if *access == Access::Write && error.raw_os_error() == Some(libc::EXDEV) => {}
                done => done.map_err(told(path))?,
            }
        }
        Ok(())
    }

    /// Adds a path.
    ///
    /// # Errors
    /// It does not exist, cannot be looked at, is not absolute, is a place that is the launcher's own, or leads through one that
    /// may be written (`EXDEV`).
    pub(super) fn add(&mut self, path: &Path, access: Access) -> io::Result<()> {
        let real = self.resolve(path)?;
        if real == Path::new("/") || OURS.iter().any(|ours| real.starts_with(ours)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.bind(real, access);
        Ok(())
    }

    /// The most that was asked for wins.
    fn bind(&mut self, real: PathBuf, access: Access) {
        let slot = self.binds.entry(real).or_insert(access);
        *slot = (*slot).max(access);
    }

    /// Follows a path on this machine as the kernel would, noting each link on the way.
    fn resolve(&mut self, path: &Path) -> io::Result<PathBuf> {
        if !path.is_absolute() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut rest: VecDeque<OsString> = parts(path);
        let (mut real, mut links) = (PathBuf::from("/"), 0);
        while let Some(part) = rest.pop_front() {
            if part == ".." {
                // Where it leads is known: nothing on the way here was a link of a stranger's.
                real.pop();
                continue;
            }
            if self.strangers.iter().any(|stranger| real.starts_with(stranger)) {
                return Err(io::Error::from_raw_os_error(libc::EXDEV));
            }
            let next = real.join(&part);
            if !std::fs::symlink_metadata(&next)?.is_symlink() {
                real = next;
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(io::Error::from_raw_os_error(libc::ELOOP));
            }
            let target = std::fs::read_link(&next)?;
            if target.is_absolute() {
                real = PathBuf::from("/");
            }
            let mut more = parts(&target);
            more.append(&mut rest);
            rest = more;
            self.links.insert(next, target);
        }
        Ok(real)
    }

    /// What has to be attached: a place inside a readable place is there already, unless it shall be writable (or the other
    /// way round).
    pub(super) fn attached(&self) -> impl Iterator<Item = (&Path, Access)> {
        self.binds
            .iter()
            .filter(|(path, access)| self.above(path) != Some(**access))
            .map(|(path, access)| (path.as_path(), *access))
    }

    /// The access of the nearest place that holds this one.
    fn above(&self, path: &Path) -> Option<Access> {
        path.ancestors().skip(1).find_map(|above| self.binds.get(above)).copied()
    }

    /// Links that no attached place brings along.
    pub(super) fn loose_links(&self) -> impl Iterator<Item = (&Path, &Path)> {
        let links = self.links.iter().filter(|(link, _)| self.above(link).is_none());
        links.map(|(link, target)| (link.as_path(), target.as_path()))
    }
}

/// The parts of a path, without the root and without `.`.
fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_lead_to_the_same_places() {
        let scratch = tempfile::tempdir().expect("scratch");
        let root = scratch.path().canonicalize().expect("real");
        std::fs::create_dir_all(root.join("real/bin")).expect("folder");
        std::fs::File::create_new(root.join("real/bin/tool")).expect("file");
        symlink("real", root.join("current")).expect("link");
        symlink(root.join("current/bin/tool"), root.join("tool")).expect("link");
        let mut layout = Layout::default();
        layout.add(&root.join("tool"), Access::Read).expect("found");
        assert_eq!(layout.binds, [(root.join("real/bin/tool"), Access::Read)].into());
        let links: Vec<_> = layout.loose_links().map(|(link, _)| link.to_owned()).collect();
        assert_eq!(links, [root.join("current"), root.join("tool")]);
        layout.add(&root, Access::Read).expect("found");
        assert_eq!(layout.loose_links().count(), 0, "the folder brings its links");
        assert_eq!(layout.attached().count(), 1);
        layout.add(&root.join("real/../real/bin"), Access::Write).expect("found");
        let attached: Vec<_> = layout.attached().map(|(path, access)| (path.to_owned(), access)).collect();
        assert_eq!(
            attached,
            [
                (root.clone(), Access::Read),
                (root.join("real/bin"), Access::Write),
                (root.join("real/bin/tool"), Access::Read)
            ]
        );
    }

    #[test]
    fn what_strangers_may_have_replaced_is_not_followed() {
        let scratch = tempfile::tempdir().expect("scratch");
        let root = scratch.path().canonicalize().expect("real");
        for folder in ["secret", "written/folder", "tree/package"] {
            std::fs::create_dir_all(root.join(folder)).expect("folder");
        }
        symlink(root.join("secret"), root.join("written/link")).expect("link");
        symlink(root.join("written"), root.join("way")).expect("link");
        let add = |paths: &[(&str, Access)]| {
            let paths: Vec<_> = paths.iter().map(|(path, access)| (root.join(path), *access)).collect();
            let mut layout = Layout::default();
            layout.add_all(&paths).map(|()| layout.binds).map_err(|(_, error)| error.raw_os_error())
        };
        let written = [(root.join("written"), Access::Write)];
        for inner in ["written/link", "written/folder", "way/link", "written/folder/../link", "secret/../way/link"] {
            let read = [("written", Access::Write), (inner, Access::Read)];
            assert_eq!(add(&read).expect_err(inner), Some(libc::EXDEV), "{inner}");
            let write = [(inner, Access::Write), ("written", Access::Write)];
            let layout = add(&write).expect(inner);
            assert_eq!(layout.keys().collect::<Vec<_>>(), [&written[0].0], "{inner}");
        }
        // A folder that is written in one that is read is what scripts of packages get.
        let tree = add(&[("tree", Access::Read), ("tree/package", Access::Write)]).expect("fine");
        assert_eq!(tree.len(), 2);
        assert_eq!(add(&[("way", Access::Write), ("written", Access::Read)]).expect("the same"), written.into());
    }

    #[test]
    fn loops_missing_files_and_places_of_ours_are_refused() {
        let scratch = tempfile::tempdir().expect("scratch");
        let round = scratch.path().join("round");
        symlink("round", &round).expect("link");
        let mut layout = Layout::default();
        assert_eq!(layout.add(&round, Access::Read).expect_err("loop").raw_os_error(), Some(libc::ELOOP));
        let missing = layout.add(&scratch.path().join("missing"), Access::Read).expect_err("missing");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        for path in ["/", "/proc/self", "/dev/null", "/usr/..", "/sys", "usr"] {
            let refused = layout.add(Path::new(path), Access::Read).expect_err(path);
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{path}");
        }
    }

    #[test]
    fn the_system_can_run_a_shell() {
        let layout = Layout::system().expect("system");
        let shell = Path::new("/bin/sh").canonicalize().expect("a shell");
        assert!(shell.ancestors().any(|above| layout.binds.contains_key(above)));
    }
}
