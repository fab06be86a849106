//! Installations of small packages, honest and hostile. Runtimes are fakes that only answer, but where a test starts one.
#![cfg(unix)]
mod cache;
mod git;
mod npm;
mod pypi;
mod scripts;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcpsec_model::{
    artifact::UnpackedArtifact,
    candidate::EntryPoint,
    closure::{Closure, Edge, Node, NodeId},
    digest::{Digest, Digests},
    lock::{LockedServer, ServerParts},
    name::Ecosystem,
    package::{Artifact, ArtifactKind, Package, PackageId},
    target::Target,
    tree::Tree,
};
use smol_str::SmolStr;

use super::{InstallError, InstalledServer, Terms, Unpacked, folder::Folder, plan, runtime::Search};
use crate::sandbox::Sandbox;

const PLATFORM: &str = "linux-x86_64-gnu";

/// A lock under construction, with its artifacts unpacked.
struct World {
    dir: tempfile::TempDir,
    packages: BTreeMap<PackageId, Package>,
    nodes: BTreeMap<NodeId, Node>,
    unpacked: Unpacked,
    root: Option<NodeId>,
    entry: EntryPoint,
    targets: Vec<Target>,
    allowed: Vec<SmolStr>,
    runtimes: Vec<PathBuf>,
}

fn node(text: &str) -> NodeId {
    NodeId::parse(text).expect("node")
}

fn write(path: &Path, bytes: &[u8], executable: bool) {
    fs::create_dir_all(path.parent().expect("parent")).expect("folder");
    let mut file = fs::File::create_new(path).expect("new file");
    file.write_all(bytes).expect("write");
    let mode = if executable { 0o555 } else { 0o444 };
    file.set_permissions(fs::Permissions::from_mode(mode)).expect("chmod");
}

impl Drop for World {
    fn drop(&mut self) {
        // An ordinary user cannot empty read-only folders.
        super::folder::remove_tree(self.dir.path());
    }
}

impl World {
    fn new(targets: &[&str], entry: EntryPoint) -> Self {
        let dir = tempfile::tempdir().expect("dir");
        let runtimes = vec![dir.path().join("path")];
        let targets = targets.iter().map(|target| target.parse().expect("target")).collect();
        let (packages, nodes, unpacked) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let world = Self { dir, packages, nodes, unpacked, root: None, entry, targets, allowed: Vec::new(), runtimes };
        world.fake("node", "20.11.0", "");
        world.fake("python3", "3.12.4", ",\"glibc\":[2,36],\"prefix\":\"/nonexistent\"");
        world
    }

    /// An npm server, started by its program `srv`.
    fn npm() -> Self {
        Self::new(&[PLATFORM], EntryPoint::NpmBin("srv".into()))
    }

    /// A Python server, started by its script `srv`.
    fn python() -> Self {
        Self::new(&[&format!("{PLATFORM}/3.12"), "macos-aarch64/3.12"], EntryPoint::PythonScript("srv".into()))
    }

    fn fake(&self, name: &str, version: &str, more: &str) {
        let real = self.dir.path().join(format!("real/{name}"));
        if !real.exists() {
            write(&real, b"", true);
        }
        let kind = if name == "node" { "node" } else { "cpython" };
        let answer =
            format!("{{\"name\":\"{kind}\",\"version\":\"{version}\",\"program\":\"{}\"{more}}}", real.display());
        let path = self.dir.path().join(format!("path/{name}"));
        let _not_there_yet = fs::remove_file(&path);
        write(&path, format!("#!/bin/sh\necho '{answer}'\n").as_bytes(), true);
    }

    fn package(&mut self, id: &str) -> &mut Package {
        self.packages.get_mut(&id.parse::<PackageId>().expect("id")).expect("package")
    }

    /// Adds a package with one artifact; the first is the root.
    fn add(&mut self, id: &str, kind: ArtifactKind, file: &str, files: &[(&str, &str)]) -> &mut Self {
        let node = node(id);
        let package = node.package().clone();
        let dir = self.dir.path().join(format!("unpacked/{}", self.unpacked.len()));
        fs::create_dir_all(&dir).expect("folder");
        for (path, text) in files {
            match text.strip_prefix("-> ") {
                Some(target) => {
                    fs::create_dir_all(dir.join(path).parent().expect("parent")).expect("folder");
                    std::os::unix::fs::symlink(target, dir.join(path)).expect("link");
                }
                None => write(&dir.join(path), text.as_bytes(), false),
            }
        }
        let tree = Arc::new(Tree::survey("artifact", &Folder(&dir), 10_000).expect("survey"));
        let unpacked = UnpackedArtifact::vouch_folder_is_the_artifact(package.clone(), file, kind, dir, tree);
        self.unpacked.insert((package.clone(), file.to_owned()), unpacked);
        let artifact = Artifact { kind, file: file.into(), size: None, digests: Digests::default() };
        let entry = self.packages.entry(package.clone()).or_insert_with(|| Package::bare(package));
        entry.artifacts.push(artifact);
        self.nodes.entry(node.clone()).or_default();
        self.root.get_or_insert(node);
        self
    }

    fn tarball(&mut self, id: &str, files: &[(&str, &str)]) -> &mut Self {
        let id = node(id);
        let file = format!("{}-{}.tgz", id.package().name().base(), id.package().version());
        self.add(&id.to_string(), ArtifactKind::NpmTarball, &file, files)
    }

    /// A wheel with METADATA, WHEEL and a RECORD that is right about `files`, unless they have one.
    fn wheel(&mut self, id: &str, files: &[(&str, &str)]) -> &mut Self {
        let parsed = node(id);
        let (name, version) = (parsed.package().name().as_str().replace('-', "_"), parsed.package().version());
        let info = format!("{name}-{version}.dist-info");
        let mut all: BTreeMap<String, String> =
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        all.entry(format!("{info}/METADATA"))
            .or_insert_with(|| format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"));
        all.entry(format!("{info}/WHEEL")).or_insert_with(|| "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n".to_owned());
        let lines: String = all
            .iter()
            .map(|(path, text)| {
                let hash = URL_SAFE_NO_PAD.encode(Digest::sha256_of(text.as_bytes()).as_bytes());
                format!("{path},sha256={hash},{}\n", text.len())
            })
            .collect();
        all.entry(format!("{info}/RECORD")).or_insert_with(|| format!("{lines}{info}/RECORD,,\n"));
        let all: Vec<(&str, &str)> = all.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        self.add(id, ArtifactKind::Wheel, &format!("{name}-{version}-py3-none-any.whl"), &all)
    }

    fn edge(&mut self, from: &str, name: &str, to: &str) -> &mut Self {
        self.edge_with(from, name, to, false)
    }

    fn edge_with(&mut self, from: &str, name: &str, to: &str, optional: bool) -> &mut Self {
        self.nodes.entry(node(to)).or_default();
        let edge = Edge { name: name.into(), to: node(to), optional, marker: None };
        self.nodes.get_mut(&node(from)).expect("node").edges.push(edge);
        self
    }

    fn server(&self) -> LockedServer {
        let root = self.root.clone().expect("root");
        let spec = match root.package().ecosystem() {
            Ecosystem::Npm => format!("npm:{}", root.package().name().as_str()),
            Ecosystem::Pypi => format!("pypi:{}", root.package().name().as_str()),
            Ecosystem::Git => root.package().to_string(),
        };
        let parts = ServerParts {
            name: "srv".parse().expect("name"),
            spec: spec.parse().expect("spec"),
            version: root.package().version().to_owned(),
            command: None,
            entry: self.entry.clone(),
            as_of: None,
            overrides: BTreeMap::new(),
            targets: self.targets.clone(),
            closure: Closure::new(root, self.nodes.clone()).expect("closure"),
            findings: Vec::new(),
            told: mcpsec_model::capture::Told::Unknown,
            accepted: Vec::new(),
        };
        LockedServer::new(parts, &self.packages).expect("server")
    }

    fn place(&self) -> PathBuf {
        self.dir.path().join("installed")
    }

    fn terms(&self) -> Terms<'_> {
        let search = Search { path: &self.runtimes, memory: None };
        Terms { platform: PLATFORM.parse().expect("platform"), search, install_scripts: &self.allowed }
    }

    fn install(&self) -> Result<InstalledServer, InstallError> {
        self.install_in(None)
    }

    fn install_in(&self, sandbox: Option<&Sandbox>) -> Result<InstalledServer, InstallError> {
        let server = self.server();
        plan(&server, &self.packages, self.terms())?.lay_out(&self.unpacked, &self.place(), sandbox)
    }

    fn refused(&self) -> InstallError {
        let error = self.install().expect_err("refused");
        let left = fs::read_dir(self.place()).into_iter().flatten().count();
        assert_eq!(left, 0, "nothing is left behind after: {error}");
        error
    }

    /// Uses this machine's own runtime; `false` when it has none that suits the lock.
    fn use_real(&mut self, name: &str) -> bool {
        self.runtimes = vec!["/usr/local/bin".into(), "/usr/bin".into(), "/bin".into()];
        self.runtimes.iter().any(|folder| folder.join(name).exists())
    }
}

fn args(installed: &InstalledServer) -> Vec<String> {
    installed.args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect()
}

/// Starts it without a sandbox (the programs of these tests are ours) and gives its standard output.
fn output(installed: &InstalledServer) -> String {
    #[expect(clippy::disallowed_methods, reason = "runs a test's own program")]
    let output = std::process::Command::new(&installed.program)
        .args(&installed.args)
        .env_clear()
        .envs(&installed.env)
        .env("HOME", "/nonexistent")
        .current_dir("/")
        .output()
        .expect("started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Every path below a folder, links not followed.
fn paths(root: &Path) -> BTreeSet<String> {
    let tree = Tree::survey("", &Folder(root), 100_000).expect("survey");
    tree.items.into_keys().collect()
}

fn sandbox() -> Sandbox {
    Sandbox::dangerous_none(Path::new("/nonexistent"))
}
