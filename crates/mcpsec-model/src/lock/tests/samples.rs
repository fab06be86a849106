//! Locks made of small, invented closures that together use every part of the format.
use std::collections::{BTreeMap, BTreeSet};

use super::samples_told;
use crate::{
    candidate::EntryPoint,
    capture::Told,
    closure::{Closure, Edge, Node, NodeId},
    digest::{Digest, Digests},
    evidence::{EvidenceKind, LogEvidence, Pin, Pinned, SignerPin},
    finding::{Finding, Rule},
    lock::{Lock, LockedServer, ServerParts},
    name::Ecosystem,
    package::{Artifact, ArtifactKind, GitPin, Package, PackageId},
    target::Target,
    team::TeamPin,
};

pub(super) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const TREE: &str = "89abcdef0123456789abcdef0123456789abcdef";

pub(super) fn id(text: &str) -> PackageId {
    text.parse().expect("package id")
}

pub(super) fn node(text: &str) -> NodeId {
    NodeId::parse(text).expect("node id")
}

pub(super) fn targets(words: &[&str]) -> Vec<Target> {
    words.iter().map(|word| word.parse().expect("target")).collect()
}

/// A package with one file of the usual kind and a digest of its own name.
pub(super) fn package(text: &str) -> Package {
    let id = id(text);
    let file = match id.ecosystem() {
        Ecosystem::Npm => format!("{}-{}.tgz", id.name().base(), id.version()),
        Ecosystem::Pypi => format!("{}-{}-py3-none-any.whl", id.name().as_str().replace('-', "_"), id.version()),
        Ecosystem::Git => "archive.tar".to_owned(),
    };
    let mut package = Package::bare(id);
    package.artifacts.push(artifact(package.id.ecosystem(), &file, text));
    package
}

pub(super) fn artifact(ecosystem: Ecosystem, file: &str, content: &str) -> Artifact {
    let digest = match ecosystem {
        Ecosystem::Npm => Digest::sha512_of(content.as_bytes()),
        _ => Digest::sha256_of(content.as_bytes()),
    };
    Artifact {
        kind: crate::lock::write::usual_kind(ecosystem, file),
        file: file.into(),
        size: Some(1000 + content.len() as u64),
        digests: Digests::from_iter([digest]),
    }
}

/// A registry's signature by a key that is built in.
pub(super) fn signature() -> Pin {
    let signer = SignerPin::Key { id: "SHA256:k3y1d".into(), fingerprint: None };
    Pin { kind: EvidenceKind::RegistrySignature, signer, log: None, commit: None, file: None }
}

/// Provenance by a release workflow.
pub(super) fn provenance(repository: &str) -> Pin {
    let signer = SignerPin::Workload {
        issuer: "https://tokens.code.invalid".into(),
        repository: repository.into(),
        workflow: format!("{repository}/.ci/release.yml").into(),
        reference: Some("refs/tags/*".into()),
    };
    let commit = Some(COMMIT.into());
    Pin { kind: EvidenceKind::Provenance, signer, log: Some(LogEvidence::Proof), commit, file: None }
}

/// An edge under the package's own name.
pub(super) fn edge(to: &str) -> Edge {
    let to = node(to);
    Edge { name: to.package().name().as_str().into(), to, optional: false, marker: None }
}

/// A node: its id, its edges, and the targets it is limited to.
type Sketch<'a> = (&'a str, Vec<Edge>, Option<Vec<Target>>);

pub(super) fn closure(root: &str, nodes: Vec<Sketch<'_>>) -> Closure {
    let nodes = nodes
        .into_iter()
        .map(|(id, edges, on)| (node(id), Node { edges, targets: on.map(BTreeSet::from_iter) }))
        .collect();
    Closure::new(node(root), nodes).expect("closure")
}

pub(super) fn parts(name: &str, spec: &str, closure: Closure, targets: Vec<Target>) -> ServerParts {
    ServerParts {
        name: name.parse().expect("server name"),
        spec: spec.parse().expect("spec"),
        version: closure.root().package().version().to_owned(),
        command: None,
        entry: EntryPoint::Unknown,
        as_of: None,
        overrides: BTreeMap::new(),
        targets,
        closure,
        findings: Vec::new(),
        told: Told::Unknown,
        accepted: Vec::new(),
    }
}

/// A lock of these servers, entered one after the other.
pub(super) fn locked(servers: Vec<(ServerParts, Vec<Package>)>) -> Lock {
    let mut lock = Lock::empty();
    for (parts, packages) in servers {
        insert(&mut lock, parts, packages).expect("insert");
    }
    lock
}

pub(super) fn insert(
    lock: &mut Lock,
    parts: ServerParts,
    packages: Vec<Package>,
) -> Result<(), crate::lock::InsertError> {
    let packages: BTreeMap<PackageId, Package> = packages.into_iter().map(|p| (p.id.clone(), p)).collect();
    let server = LockedServer::new(parts, &packages).expect("server");
    lock.insert(server, packages.into_iter().collect())
}

pub(super) fn npm() -> (ServerParts, Vec<Package>) {
    let all = targets(&["linux-x86_64-gnu", "macos-aarch64", "windows-x86_64"]);
    let closure = closure(
        "npm:@scope/server-files@2026.8.31",
        vec![
            (
                "npm:@scope/server-files@2026.8.31",
                vec![
                    edge("npm:sdk@1.2.0(zod@4.0.0)"),
                    Edge { optional: true, ..edge("npm:watch-events@2.3.3") },
                    Edge { name: "zod-old".into(), ..edge("npm:zod@3.25.76") },
                    edge("npm:zod@4.0.0"),
                ],
                None,
            ),
            ("npm:sdk@1.2.0(zod@4.0.0)", vec![edge("npm:inner@0.1.0"), edge("npm:zod@4.0.0")], None),
            ("npm:inner@0.1.0", vec![], None),
            ("npm:watch-events@2.3.3", vec![], Some(targets(&["macos-aarch64"]))),
            ("npm:zod@3.25.76", vec![], None),
            ("npm:zod@4.0.0", vec![], None),
        ],
    );
    let mut parts = parts("files", "npm:@scope/server-files@^2026", closure, all);
    parts.command = Some("mcp-files".into());
    parts.entry = EntryPoint::NpmBin("mcp-files".into());
    parts.told = Told::Unchecked("it lists nothing before it has reached its service".to_owned());
    parts.overrides.insert("zod@3".to_owned(), "^3.25".to_owned());
    let mut watch = package("npm:watch-events@2.3.3");
    watch.os = vec!["darwin".into()];
    watch.cpu = vec!["arm64".into(), "x64".into()];
    watch.install_scripts = true;
    let mut inner = Package::bare(id("npm:inner@0.1.0"));
    inner.bundled_in = Some(id("npm:sdk@1.2.0"));
    let mut root = package("npm:@scope/server-files@2026.8.31");
    root.evidence = Pinned::by([signature(), provenance("https://code.invalid/scope/servers")]);
    let mut sdk = package("npm:sdk@1.2.0");
    let unvouched = SignerPin::Key { id: "SHA256:0wn".into(), fingerprint: Some("5f".repeat(32).into()) };
    sdk.evidence = Pinned::by([Pin { signer: unvouched, ..signature() }]);
    watch.evidence = Pinned::Nothing;
    let mut zod3 = package("npm:zod@3.25.76");
    zod3.evidence = Pinned::Stripped;
    let packages = vec![root, sdk, inner, watch, zod3, package("npm:zod@4.0.0")];
    (parts, packages)
}

pub(super) fn pypi() -> (ServerParts, Vec<Package>) {
    let all =
        targets(&["linux-x86_64-gnu/3.11", "linux-x86_64-gnu/3.12", "windows-x86_64/3.11", "windows-x86_64/3.12"]);
    let closure = closure(
        "pypi:server-fetch@0.6.2",
        vec![
            (
                "pypi:server-fetch@0.6.2",
                vec![
                    edge("pypi:anyio@4.16.0"),
                    Edge { marker: Some("sys_platform == 'win32'".to_owned()), ..edge("pypi:winthing@1.0") },
                    Edge { marker: Some("python_full_version < '3.12'".to_owned()), ..edge("pypi:backport@2.0") },
                ],
                None,
            ),
            ("pypi:anyio@4.16.0", vec![], None),
            ("pypi:backport@2.0", vec![], Some(targets(&["linux-x86_64-gnu/3.11", "windows-x86_64/3.11"]))),
            ("pypi:winthing@1.0", vec![], Some(targets(&["windows-x86_64/3.11", "windows-x86_64/3.12"]))),
        ],
    );
    let mut parts = parts("fetch", "pypi:server-fetch[html]<1,>=0.6", closure, all);
    parts.entry = EntryPoint::PythonScript("server-fetch".into());
    parts.as_of = Some("2025-08-01".parse().expect("date"));
    (parts.told, parts.accepted) = samples_told::fetch();
    parts.findings = vec![
        Finding::new(
            Rule::ClosureIncomplete,
            "pypi:winthing@1.0",
            "only a source distribution, whose dependencies are known after its build",
        )
        .evidence("setup.py\u{202e} says \"no\"\n"),
        Finding::new(Rule::Deprecated, "pypi:anyio@4.16.0", "this one is found again, so it is not kept"),
    ];
    let mut anyio = package("pypi:anyio@4.16.0");
    anyio.requires_python = Some(">=3.9".into());
    anyio.artifacts.push(artifact(Ecosystem::Pypi, "anyio-4.16.0.tar.gz", "source"));
    let publisher = Pin { kind: EvidenceKind::Publish, ..provenance("https://code.invalid/anyio/anyio") };
    let person =
        SignerPin::Subject { issuer: "https://accounts.invalid".into(), subject: "release@anyio.invalid".into() };
    anyio.evidence = Pinned::by([
        Pin { file: Some(anyio.artifacts[0].file.clone()), ..publisher },
        Pin {
            kind: EvidenceKind::Publish,
            signer: person,
            log: Some(LogEvidence::Promise),
            commit: None,
            file: Some("anyio-4.16.0.tar.gz".into()),
        },
    ]);
    let mut winthing = Package::bare(id("pypi:winthing@1.0"));
    winthing.artifacts.push(artifact(Ecosystem::Pypi, "winthing-1.0.zip", "zip"));
    let packages = vec![package("pypi:server-fetch@0.6.2"), anyio, package("pypi:backport@2.0"), winthing];
    (parts, packages)
}

pub(super) fn git() -> (ServerParts, Vec<Package>) {
    let root = format!("git+https://code.invalid/team/tools@{COMMIT}#subdirectory=servers/notes");
    let closure = closure(&root, vec![(&root, vec![edge("npm:zod@4.0.0")], None), ("npm:zod@4.0.0", vec![], None)]);
    let spec = "git+https://code.invalid/team/tools@v1.0#subdirectory=servers/notes";
    let mut parts = parts("notes", spec, closure, targets(&["linux-x86_64-gnu", "macos-aarch64"]));
    parts.version = "v1.0".to_owned();
    let mut source = package(&root);
    source.artifacts[0].kind = ArtifactKind::GitArchive;
    source.git = Some(GitPin { reference: Some("refs/tags/v1.0".into()), tree: TREE.into() });
    (parts, vec![source, package("npm:zod@4.0.0")])
}

/// The golden files of version 1, by name.
pub(super) fn goldens() -> Vec<(&'static str, Lock)> {
    vec![
        ("empty", Lock::empty()),
        ("git", locked(vec![git()])),
        ("mixed", locked(vec![npm(), pypi(), git()])),
        ("npm", locked(vec![npm()])),
        ("odd", locked(vec![samples_told::odd()])),
        ("pypi", locked(vec![pypi()])),
        ("team", team()),
    ]
}

/// A lock whose team has a registry.
pub(super) fn team() -> Lock {
    Lock { team: Some(pinned(1234)), ..locked(vec![git()]) }
}

/// How far the log of that registry was seen.
pub(super) fn pinned(size: u64) -> TeamPin {
    let Digest::Sha256(root) = Digest::sha256_of(&size.to_be_bytes()) else { unreachable!("sha256") };
    TeamPin {
        registry: "https://mcp.example.test/team".parse().expect("address"),
        key: "mcp.example.test+550f7ac0+AQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH".parse().expect("key"),
        size,
        root,
    }
}
