//! A bare repository built commit by commit, with fixed names and dates: the ids are the same on every machine.
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tempfile::TempDir;

use super::git;

/// Time of the first commit, seconds since 1970 (2025-01-01T00:00:00Z); each later one comes an hour after.
const FIRST: u64 = 1_735_689_600;

/// Who commits: nobody.
const WHO: &str = "testkit <testkit@example.invalid>";

/// One change to the tree of a commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A file, mode 644.
    File(String, Vec<u8>),
    /// An executable file.
    Executable(String, Vec<u8>),
    /// A symbolic link and its target.
    Symlink(String, String),
    /// A submodule and the commit it points to.
    Submodule(String, String),
    /// The path is gone.
    Delete(String),
}

/// A repository. Clones are handles to the same one; the folder goes when the last is dropped.
#[derive(Clone)]
pub struct GitRepo {
    folder: Arc<TempDir>,
    clock: Arc<AtomicU64>,
}

impl Default for GitRepo {
    fn default() -> Self {
        Self::new()
    }
}

impl GitRepo {
    /// An empty repository whose `HEAD` is `main`.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("repo").suffix(".git").tempdir().expect("a temporary folder");
        let this = Self { folder: Arc::new(folder), clock: Arc::default() };
        this.run(&["init", "--quiet", "--bare", "--template=", "--initial-branch=main"], b"");
        this
    }

    /// The bare repository's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `file:///…`.
    pub fn file_url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    /// Commits files on `main`; returns the commit id.
    pub fn commit(&self, files: &[(&str, &[u8])]) -> String {
        let changes: Vec<Change> =
            files.iter().map(|(path, bytes)| Change::File((*path).to_owned(), bytes.to_vec())).collect();
        self.commit_on("main", "a change", &changes)
    }

    /// Commits changes on a branch, which starts empty if it does not exist; returns the commit id.
    pub fn commit_on(&self, branch: &str, message: &str, changes: &[Change]) -> String {
        let mut stream = format!("feature get-mark\ncommit refs/heads/{branch}\nmark :1\n").into_bytes();
        let stamp = self.stamp();
        stream.extend(format!("author {stamp}\ncommitter {stamp}\n").bytes());
        data(&mut stream, message.as_bytes());
        if self.resolve(&format!("refs/heads/{branch}")).is_some() {
            stream.extend(format!("from refs/heads/{branch}^0\n").bytes());
        }
        for change in changes {
            let mut put = |mode: &str, path: &str, bytes: &[u8]| {
                stream.extend(format!("M {mode} inline {}\n", quoted(path)).bytes());
                data(&mut stream, bytes);
            };
            match change {
                Change::File(path, bytes) => put("100644", path, bytes),
                Change::Executable(path, bytes) => put("100755", path, bytes),
                Change::Symlink(path, target) => put("120000", path, target.as_bytes()),
                Change::Submodule(path, commit) => {
                    stream.extend(format!("M 160000 {commit} {}\n", quoted(path)).bytes());
                }
                Change::Delete(path) => stream.extend(format!("D {}\n", quoted(path)).bytes()),
            }
        }
        stream.extend(b"\nget-mark :1\n");
        self.run(&["fast-import", "--quiet", "--force"], &stream)
    }

    /// A light tag; an existing one is moved.
    pub fn tag(&self, name: &str, commit: &str) {
        self.set_ref(&format!("refs/tags/{name}"), commit);
    }

    /// An annotated tag; an existing one is moved. Returns the id of the tag object.
    pub fn annotated_tag(&self, name: &str, commit: &str, message: &str) -> String {
        let id = self.raw_object("tag", self.tag_text(name, commit, message).as_bytes());
        self.set_ref(&format!("refs/tags/{name}"), &id);
        id
    }

    /// An annotated tag of another tag object; returns the id of the outer one.
    pub fn nested_tag(&self, name: &str, tag: &str, message: &str) -> String {
        let text = self.tag_text(name, tag, message).replacen("\ntype commit\n", "\ntype tag\n", 1);
        let id = self.raw_object("tag", text.as_bytes());
        self.set_ref(&format!("refs/tags/{name}"), &id);
        id
    }

    /// A branch at a commit; an existing one is moved, also backwards.
    pub fn branch(&self, name: &str, commit: &str) {
        self.set_ref(&format!("refs/heads/{name}"), commit);
    }

    /// Points any reference at any object.
    pub fn set_ref(&self, name: &str, id: &str) {
        self.run(&["update-ref", "--no-deref", name, id], b"");
    }

    /// Removes a reference.
    pub fn delete_ref(&self, name: &str) {
        self.run(&["update-ref", "-d", name], b"");
    }

    /// Writes an object of a kind (`blob`, `tree`, `commit`, `tag`) byte for byte, valid or not; returns its id. Recorded
    /// signed tags come back to life this way.
    pub fn raw_object(&self, kind: &str, bytes: &[u8]) -> String {
        self.run(&["hash-object", "-t", kind, "-w", "--literally", "--stdin"], bytes)
    }

    /// A tree with any names (also `..` and `.git`): mode such as `100644`, name, id.
    pub fn raw_tree(&self, entries: &[(&str, &str, &str)]) -> String {
        let mut tree = Vec::new();
        for (mode, name, id) in entries {
            tree.extend(format!("{mode} {name}\0").bytes());
            tree.extend(hex::decode(id).expect("an object id in hexadecimal"));
        }
        self.raw_object("tree", &tree)
    }

    /// A commit of a tree, without parents and on no branch; returns its id.
    pub fn commit_tree(&self, tree: &str, message: &str) -> String {
        let stamp = self.stamp();
        self.raw_object("commit", format!("tree {tree}\nauthor {stamp}\ncommitter {stamp}\n\n{message}\n").as_bytes())
    }

    /// The id a revision means, such as `main`, `v1.0^{commit}` or `main^{tree}`.
    pub fn resolve(&self, revision: &str) -> Option<String> {
        let found = git(self.path(), &["rev-parse", "--verify", "--quiet", revision], Vec::new(), None);
        (found.code == Some(0)).then(|| String::from_utf8_lossy(&found.stdout).trim().to_owned())
    }

    /// The bytes of an object, as `git cat-file` gives them.
    pub fn object(&self, kind: &str, id: &str) -> Vec<u8> {
        let done = git(self.path(), &["cat-file", kind, id], Vec::new(), None);
        assert_eq!(done.code, Some(0), "git cat-file: {}", String::from_utf8_lossy(&done.stderr));
        done.stdout
    }

    /// A tag object without a signature.
    pub(super) fn tag_text(&self, name: &str, commit: &str, message: &str) -> String {
        format!("object {commit}\ntype commit\ntag {name}\ntagger {}\n\n{message}\n", self.stamp())
    }

    fn stamp(&self) -> String {
        format!("{WHO} {} +0000", FIRST + 3600 * self.clock.fetch_add(1, Ordering::SeqCst))
    }

    fn run(&self, args: &[&str], input: &[u8]) -> String {
        let done = git(self.path(), args, input.to_vec(), None);
        assert_eq!(done.code, Some(0), "git {}: {}", args.join(" "), String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }
}

fn data(stream: &mut Vec<u8>, bytes: &[u8]) {
    stream.extend(format!("data {}\n", bytes.len()).bytes());
    stream.extend(bytes);
    stream.push(b'\n');
}

/// A path as fast-import reads it: in double quotes, C escapes.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (GitRepo, String, String) {
        let repo = GitRepo::new();
        let first = repo.commit(&[("package.json", b"{}"), ("src/a b\"c.js", b"x")]);
        let tag = repo.annotated_tag("v1.0.0", &first, "first");
        (repo, first, tag)
    }

    #[test]
    fn ids_never_vary() {
        let (one, two) = (sample(), sample());
        assert_eq!((&one.1, &one.2), (&two.1, &two.2));
        assert_eq!(one.0.resolve("v1.0.0^{commit}"), Some(one.1.clone()));
        assert_eq!(one.0.resolve("refs/tags/v1.0.0"), Some(one.2));
    }

    #[test]
    fn history_grows_and_tags_move() {
        let (repo, first, _) = sample();
        let second = repo.commit(&[("package.json", b"{\"x\":1}")]);
        assert_eq!(repo.resolve("main^1"), Some(first.clone()));
        assert_eq!(repo.resolve("main:src/a b\"c.js"), repo.resolve(&format!("{first}:src/a b\"c.js")));
        repo.tag("v1.0.0", &second);
        assert_eq!(repo.resolve("v1.0.0"), Some(second.clone()));
        repo.branch("main", &first);
        assert_eq!(repo.resolve("main"), Some(first));
        assert_eq!(repo.resolve("nowhere"), None);
    }

    #[test]
    fn trees_may_hold_what_git_refuses() {
        let repo = GitRepo::new();
        let blob = repo.raw_object("blob", b"x");
        let commit = repo.commit_tree(&repo.raw_tree(&[("100644", "..", &blob)]), "escape");
        repo.branch("main", &commit);
        assert_eq!(repo.resolve("main"), Some(commit));
    }
}
