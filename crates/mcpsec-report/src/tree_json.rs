//! JSON tree v1 (`mcpsec.tree/v1`): every package of a locked server with what pins it. `tree` and `show` print the same.
use std::collections::{BTreeMap, BTreeSet};

use mcpsec_model::{
    candidate::EntryPoint,
    evidence::{Pin, Pinned, SignerPin},
    lock::{Lock, LockedServer},
    package::{Artifact, PackageId},
    target::Target,
};
use serde::Serialize;

use crate::json::pretty;

#[derive(Serialize)]
struct TreeV1<'a> {
    schema: &'static str,
    server: ServerV1<'a>,
    packages: Vec<PackageV1<'a>>,
    /// What it tells the model, word for word; only in `show`, and null while nobody captured it.
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<Option<ManifestV1<'a>>>,
}

/// A captured manifest, its lists as the protocol has them.
#[derive(Serialize)]
struct ManifestV1<'a> {
    id: String,
    isolation: &'static str,
    runtime: Option<String>,
    protocol: &'a str,
    #[serde(flatten)]
    told: serde_json::Map<String, serde_json::Value>,
    unstable: Vec<UnstableV1<'a>>,
    accepted: Vec<AcceptedV1<'a>>,
}

/// Something that was not the same twice.
#[derive(Serialize)]
struct UnstableV1<'a> {
    subject: &'a str,
    between: &'static str,
    other: &'a serde_json::Value,
}

/// Something that policy refuses and a person accepted.
#[derive(Serialize)]
struct AcceptedV1<'a> {
    subject: &'a str,
    rule: Option<&'static str>,
    reason: &'a str,
}

#[derive(Serialize)]
struct ServerV1<'a> {
    name: &'a str,
    spec: String,
    version: &'a str,
    closure: String,
    root: String,
    entry: Option<&'a str>,
    as_of: Option<String>,
    targets: Vec<String>,
}

#[derive(Serialize)]
struct PackageV1<'a> {
    purl: String,
    digests: Vec<String>,
    direct: bool,
    optional: bool,
    targets: Vec<String>,
    install_scripts: bool,
    files: Vec<FileV1<'a>>,
    dependencies: Vec<String>,
    evidence: EvidenceV1<'a>,
}

/// Who vouches for a package.
#[derive(Serialize)]
struct EvidenceV1<'a> {
    /// `attested`, `signed`, `none`, `stripped`, `not looked at`.
    state: &'static str,
    signed_by: Vec<SignedByV1<'a>>,
}

#[derive(Serialize)]
struct SignedByV1<'a> {
    kind: &'static str,
    file: Option<&'a str>,
    key: Option<&'a str>,
    fingerprint: Option<&'a str>,
    issuer: Option<&'a str>,
    repository: Option<&'a str>,
    workflow: Option<&'a str>,
    r#ref: Option<&'a str>,
    subject: Option<&'a str>,
    commit: Option<&'a str>,
    log: Option<&'static str>,
}

#[derive(Serialize)]
struct FileV1<'a> {
    file: &'a str,
    size: Option<u64>,
    digests: Vec<String>,
}

/// What the nodes of one package say, gathered: a package has several when peers differ.
#[derive(Default)]
struct Gathered<'a> {
    targets: BTreeSet<Target>,
    dependencies: BTreeSet<&'a PackageId>,
}

/// The packages of a locked server, sorted, the server itself among them; ends in a newline.
///
/// `digests` are those of all its files, sorted; a bundled package has none, since its parent's cover it. `direct` holds for
/// what the server depends on without detour. `targets` lists every target on which the package is needed. `evidence` is
/// what mcp.lock pins of who vouches for it.
pub fn tree_json(lock: &Lock, server: &LockedServer) -> String {
    document(lock, server, None)
}

/// The same with `manifest`: what the server tells the model.
pub fn show_json(lock: &Lock, server: &LockedServer) -> String {
    document(lock, server, Some(manifest(server)))
}

fn manifest(server: &LockedServer) -> Option<ManifestV1<'_>> {
    let captured = server.told.captured()?;
    let serde_json::Value::Object(mut told) = captured.manifest.to_json() else { return None };
    // The document around it has a schema of its own.
    told.remove("schema");
    let context = &captured.context;
    Some(ManifestV1 {
        id: captured.manifest.id().to_string(),
        isolation: context.isolation.as_str(),
        runtime: context.runtime.as_ref().map(|runtime| format!("{} {}", runtime.name, runtime.version)),
        protocol: &context.protocol,
        told,
        unstable: captured
            .unstable
            .iter()
            .map(|unstable| UnstableV1 {
                subject: unstable.subject.as_str(),
                between: unstable.between.as_str(),
                other: &unstable.other,
            })
            .collect(),
        accepted: server
            .accepted
            .iter()
            .map(|accepted| AcceptedV1 {
                subject: &accepted.subject,
                rule: accepted.rule.map(|rule| rule.id()),
                reason: &accepted.reason,
            })
            .collect(),
    })
}

fn document(lock: &Lock, server: &LockedServer, manifest: Option<Option<ManifestV1<'_>>>) -> String {
    let closure = &server.closure;
    let root = closure.root().package();
    let optional = closure.optional_packages();
    let mut gathered: BTreeMap<&PackageId, Gathered<'_>> = BTreeMap::new();
    for (id, node) in closure.nodes() {
        let of_package = gathered.entry(id.package()).or_default();
        match &node.targets {
            Some(subset) => of_package.targets.extend(subset),
            None => of_package.targets.extend(&server.targets),
        }
        of_package.dependencies.extend(node.edges.iter().map(|edge| edge.to.package()));
    }
    let direct: BTreeSet<&PackageId> =
        gathered.get(root).map(|gathered| gathered.dependencies.clone()).unwrap_or_default();
    let package = |(id, gathered): (&&PackageId, &Gathered<'_>)| {
        let id = *id;
        let locked = lock.packages.get(id)?;
        let all: BTreeSet<String> = locked.artifacts.iter().flat_map(digests).collect();
        Some(PackageV1 {
            purl: id.purl(),
            digests: all.into_iter().collect(),
            direct: direct.contains(id),
            optional: optional.contains(id),
            targets: gathered.targets.iter().map(ToString::to_string).collect(),
            install_scripts: locked.install_scripts,
            files: locked.artifacts.iter().map(file).collect(),
            dependencies: gathered.dependencies.iter().map(|id| id.purl()).collect(),
            evidence: evidence(&locked.evidence),
        })
    };
    pretty(&TreeV1 {
        schema: "mcpsec.tree/v1",
        server: ServerV1 {
            name: server.name.as_str(),
            spec: server.spec.to_string(),
            version: &server.version,
            closure: server.closure_id.to_string(),
            root: root.purl(),
            entry: match &server.entry {
                EntryPoint::NpmBin(name) | EntryPoint::PythonScript(name) => Some(name),
                EntryPoint::Unknown => None,
            },
            as_of: server.as_of.map(|as_of| as_of.to_string()),
            targets: server.targets.iter().map(ToString::to_string).collect(),
        },
        packages: gathered.iter().filter_map(package).collect(),
        manifest,
    })
}

fn evidence(pinned: &Pinned) -> EvidenceV1<'_> {
    EvidenceV1 { state: pinned.state().as_str(), signed_by: pinned.pins().iter().map(signed_by).collect() }
}

fn signed_by(pin: &Pin) -> SignedByV1<'_> {
    let mut out = SignedByV1 {
        kind: pin.kind.as_str(),
        file: pin.file.as_deref(),
        key: None,
        fingerprint: None,
        issuer: None,
        repository: None,
        workflow: None,
        r#ref: None,
        subject: None,
        commit: pin.commit.as_deref(),
        log: pin.log.map(|log| log.as_str()),
    };
    match &pin.signer {
        SignerPin::Key { id, fingerprint } => {
            out.key = Some(id);
            out.fingerprint = fingerprint.as_deref();
        }
        SignerPin::Workload { issuer, repository, workflow, reference } => {
            out.issuer = Some(issuer);
            out.repository = Some(repository);
            out.workflow = Some(workflow);
            out.r#ref = reference.as_deref();
        }
        SignerPin::Subject { issuer, subject } => {
            out.issuer = Some(issuer);
            out.subject = Some(subject);
        }
    }
    out
}

fn digests(artifact: &Artifact) -> Vec<String> {
    artifact.digests.iter().map(|digest| digest.to_string()).collect()
}

fn file(artifact: &Artifact) -> FileV1<'_> {
    FileV1 { file: &artifact.file, size: artifact.size, digests: digests(artifact) }
}
