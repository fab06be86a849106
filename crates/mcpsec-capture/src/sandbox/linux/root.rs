//! The file system of the namespace tier: a small root of our own, read-only copies of what the plan names, scratch folders
//! with a cap. Nothing else of the machine is in it.
use std::{
    io::{self, Write as _},
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt, chown, symlink},
    },
    path::{Path, PathBuf},
};

use super::{
    broke::{Broke, Step},
    layout::{Access, Layout},
    places::Places,
    sys,
};

/// Where names are asked inside.
pub(super) const NAMES: &str = "127.0.0.1:53";
/// Host name inside.
const HOST: &str = "sandbox";
/// Where the root is put together: any folder that exists, since all that is taken from this machine is taken before.
const SITE: &str = "/tmp";

/// Devices that programs expect.
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom"];

/// Who the program is, and how much it may keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Resident {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) disk: Option<u64>,
}

/// Builds the root and moves this process (and all of its mount namespace) into it. Gives the scratch file system.
///
/// Call as the first process of a new PID namespace, in new mount and user namespaces.
pub(super) fn build(layout: &Layout, places: &Places, resident: Resident) -> Result<OwnedFd, Broke> {
    sys::mount(c"none", Path::new("/"), c"none", libc::MS_REC | libc::MS_PRIVATE, "").at("make mounts private")?;
    let mut trees = Vec::new();
    for (path, access) in layout.attached() {
        let shown = || format!("copy {}", shown(path));
        let tree = sys::copy_tree(path).at(&shown())?;
        let read_only = if access == Access::Read { libc::MOUNT_ATTR_RDONLY } else { 0 };
        let attributes = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | read_only;
        sys::set_mount(&tree, attributes, true).at(&shown())?;
        trees.push((path, tree));
    }
    let mut devices = Vec::new();
    for name in DEVICES {
        let tree = sys::copy_tree(&Path::new("/dev").join(name)).at("copy /dev")?;
        sys::set_mount(&tree, libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC, false).at("copy /dev")?;
        devices.push((*name, tree));
    }

    let flags = libc::MS_NOSUID | libc::MS_NODEV;
    sys::mount(c"root", Path::new(SITE), c"tmpfs", flags, "mode=0755,size=4m,nr_inodes=16384").at("mount the root")?;
    let site = Site(PathBuf::from(SITE));
    site.proc().at("mount /proc")?;
    let scratch = site.scratch(places, resident).at("mount the scratch folders")?;
    for (path, tree) in trees {
        site.attach(path, &tree).at(&format!("attach {}", shown(path)))?;
    }
    for (link, target) in layout.loose_links() {
        site.link(link, target).at(&format!("link {}", shown(link)))?;
    }
    for (name, tree) in &devices {
        site.attach(&Path::new("/dev").join(name), tree).at("attach /dev")?;
    }
    for (name, target) in [("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")] {
        symlink(format!("/proc/self/fd{target}"), site.at(&Path::new("/dev").join(name))).at("link /dev")?;
    }
    site.texts(places, resident).at("write /etc")?;

    std::env::set_current_dir(SITE).at("enter the root")?;
    sys::pivot_here().at("change the root")?;
    let root = sys::mount_of(Path::new("/")).at("close the root")?;
    sys::set_mount(&root, libc::MOUNT_ATTR_RDONLY, false).at("close the root")?;
    Ok(scratch)
}

/// A path in a message: the plan's author wrote it, or the machine's owner.
fn shown(path: &Path) -> String {
    mcpsec_model::text::Untrusted::new(path.to_string_lossy()).excerpt(120)
}

/// The new root while it is put together.
struct Site(PathBuf);

impl Site {
    /// Where a place inside is now.
    fn at(&self, path: &Path) -> PathBuf {
        self.0.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn folder(&self, path: &Path) -> io::Result<PathBuf> {
        let folder = self.at(path);
        std::fs::DirBuilder::new().recursive(true).mode(0o755).create(&folder)?;
        Ok(folder)
    }

    fn attach(&self, path: &Path, tree: &OwnedFd) -> io::Result<()> {
        let target = self.at(path);
        if std::fs::symlink_metadata(&target).is_err() {
            if sys::is_folder(tree)? {
                self.folder(path)?;
            } else {
                self.folder(path.parent().unwrap_or(path))?;
                std::fs::File::create_new(&target)?;
            }
        }
        sys::attach(tree, &target)
    }

    fn link(&self, link: &Path, target: &Path) -> io::Result<()> {
        self.folder(link.parent().unwrap_or(link))?;
        symlink(target, self.at(link))
    }

    /// Only processes, and only one's own. Where the machine's own `/proc` is partly hidden (as in a container), the kernel
    /// may refuse to mount one; then there is an empty folder.
    fn proc(&self) -> io::Result<()> {
        let target = self.folder(Path::new("/proc"))?;
        let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
        match sys::mount(c"proc", &target, c"proc", flags, "subset=pid,hidepid=invisible") {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            done => done,
        }
    }

    /// Home, `/tmp` and `/dev/shm` are folders of one capped file system, so that one cap holds for all of them.
    fn scratch(&self, places: &Places, resident: Resident) -> io::Result<OwnedFd> {
        let whole = self.folder(Path::new("/scratch"))?;
        // Each file costs kernel memory even when it is empty, so their number has a cap as well.
        let cap = resident.disk.map(|disk| format!(",size={disk},nr_inodes={}", (disk / 4096).max(1024)));
        let flags = libc::MS_NOSUID | libc::MS_NODEV;
        let data = format!("mode=0755{}", cap.unwrap_or_default());
        sys::mount(c"scratch", &whole, c"tmpfs", flags, &data)?;
        for (name, place, mode) in [
            ("home", places.home, 0o700),
            ("tmp", Path::new("/tmp"), 0o1777),
            ("vartmp", Path::new("/var/tmp"), 0o1777),
            ("shm", Path::new("/dev/shm"), 0o1777),
        ] {
            let folder = whole.join(name);
            std::fs::create_dir(&folder)?;
            std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
            chown(&folder, Some(resident.uid), Some(resident.gid))?;
            sys::attach(&sys::copy_tree(&folder)?, &self.folder(place)?)?;
        }
        let kept = sys::open_path(&whole)?;
        sys::unmount(&whole)?;
        std::fs::remove_dir(&whole)?;
        Ok(kept)
    }

    /// The texts in `/etc` that would otherwise tell about the machine.
    fn texts(&self, places: &Places, resident: Resident) -> io::Result<()> {
        let home = places.home.display();
        let Resident { uid, gid, disk: _ } = resident;
        let etc = self.folder(Path::new("/etc"))?;
        for (name, text) in [
            ("passwd", format!("user:x:{uid}:{gid}::{home}:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")),
            ("group", format!("user:x:{gid}:\nnogroup:x:65534:\n")),
            ("hostname", format!("{HOST}\n")),
            ("hosts", format!("127.0.0.1 localhost {HOST}\n::1 localhost {HOST}\n")),
            ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:2 attempts:1\n".to_owned()),
            ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n".to_owned()),
        ] {
            std::fs::File::create_new(etc.join(name))?.write_all(text.as_bytes())?;
        }
        sys::set_host_name(HOST)
    }
}
