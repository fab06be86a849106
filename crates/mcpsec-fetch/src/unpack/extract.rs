//! Unpacking into a folder.
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use mcpsec_model::{artifact::CheckedArtifact, package::ArtifactKind, text::Untrusted};

use super::{
    Entry, EntryKind, Limits, Problem, Summary, UnpackError,
    problem::{reading, shown},
    visit,
};

/// Unpacks everything into `dir`, which must be empty or not exist yet. Files get mode 0644 or 0755, and nothing else of
/// their attributes. Links are made last, so that nothing is ever written through one; a hard link becomes a copy.
///
/// # Errors
/// The first [`Problem`] found. The folder is then incomplete and belongs to the caller to remove.
pub fn extract_to(
    artifact: &CheckedArtifact,
    kind: ArtifactKind,
    limits: &Limits,
    dir: &Path,
) -> Result<Summary, UnpackError> {
    let failed = |problem| UnpackError::new(artifact.file(), problem);
    prepare(dir).map_err(|source| failed(io_problem("could not prepare the folder", dir, source)))?;
    let mut target =
        Target { dir, limits, last_parent: PathBuf::new(), links: Vec::new(), written: 0, buffer: vec![0; 64 << 10] };
    let summary = visit(artifact, kind, limits, &mut |entry| target.put(entry))?;
    target.link_up().map_err(failed)?;
    Ok(summary)
}

fn prepare(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    match fs::read_dir(dir)?.next() {
        None => Ok(()),
        Some(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "the folder is not empty")),
    }
}

struct Target<'a> {
    dir: &'a Path,
    limits: &'a Limits,
    last_parent: PathBuf,
    links: Vec<(String, String)>,
    written: u64,
    buffer: Vec<u8>,
}

impl Target<'_> {
    fn put(&mut self, mut entry: Entry<'_>) -> Result<(), Problem> {
        let path = self.dir.join(entry.path);
        if entry.kind == EntryKind::Folder {
            return fs::create_dir_all(&path).map_err(|source| io_problem("could not create", &path, source));
        }
        if let Some(parent) = path.parent().filter(|parent| *parent != self.last_parent) {
            fs::create_dir_all(parent).map_err(|source| io_problem("could not create", parent, source))?;
            self.last_parent = parent.to_owned();
        }
        match entry.kind {
            EntryKind::Folder => {}
            EntryKind::File { executable } => {
                let mut file =
                    create(&path, executable).map_err(|source| io_problem("could not create", &path, source))?;
                loop {
                    let read = entry.contents().read(&mut self.buffer).map_err(reading)?;
                    if read == 0 {
                        break;
                    }
                    self.written += read as u64;
                    file.write_all(&self.buffer[..read])
                        .map_err(|source| io_problem("could not write", &path, source))?;
                }
            }
            EntryKind::Symlink { target } => self.links.push((entry.path.to_owned(), target.to_owned())),
            EntryKind::HardLink { target } => {
                let from = self.dir.join(target);
                let failed = |source| io_problem("could not copy to", &path, source);
                // Copies are not in the archive's own count: a thousand links to one large file are a bomb, too.
                self.written += fs::metadata(&from).map_err(failed)?.len();
                if self.written > self.limits.total_bytes {
                    return Err(Problem::TotalTooLarge { limit: self.limits.total_bytes });
                }
                fs::copy(&from, &path).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn link_up(&self) -> Result<(), Problem> {
        for (name, target) in &self.links {
            symlink(target, &self.dir.join(name))
                .map_err(|source| Problem::Io { what: format!("could not create the link {}", shown(name)), source })?;
        }
        Ok(())
    }
}

fn create(path: &Path, executable: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if executable { 0o755 } else { 0o644 });
    }
    #[cfg(not(unix))]
    let _without_modes = executable;
    options.open(path)
}

#[cfg(unix)]
fn symlink(target: &str, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn symlink(_target: &str, _at: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "symbolic links are not created on this system"))
}

fn io_problem(what: &str, path: &Path, source: io::Error) -> Problem {
    Problem::Io { what: format!("{what} {}", Untrusted::new(path.to_string_lossy()).excerpt(300)), source }
}
