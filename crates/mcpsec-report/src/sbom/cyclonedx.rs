//! CycloneDX 1.6, JSON.
//!
//! One server: its own package is the document's component. Several: a component for all of them depends on each. `scope` is
//! `optional` where the closure can do without a package; hashes of several files of one release stand at each file's
//! reference; who vouches for a package is `evidence` and `mcpsec:` properties. Licences are in no lock, and so not here.
use mcpsec_model::{
    digest::{Digest, Digests},
    lock::{Lock, LockedServer},
    name::Ecosystem,
    package::Package,
};

use super::{
    Bill, Entry, Origin,
    cyclonedx_wire::{
        Component, Composition, Dependency, Document, Evidence, ExternalReference, Hash, Identity, Lifecycle, Metadata,
        Method, Property, Tools,
    },
    gather, signer, uuid,
};
use crate::json::pretty;

/// What stands for all servers of a project.
const ALL: &str = "mcpsec:servers";

/// The bill of these servers, ending in a newline.
pub fn cyclonedx(lock: &Lock, servers: &[&LockedServer], origin: &Origin<'_>) -> String {
    let bill = gather(lock, servers);
    let main = match servers {
        [one] => one.closure.root().package().purl(),
        _ => ALL.to_owned(),
    };
    let mut components: Vec<Component> = bill.entries.values().map(component).collect();
    let mut dependencies: Vec<Dependency> = bill
        .entries
        .iter()
        .map(|(id, entry)| Dependency { r#ref: id.purl(), depends_on: sorted(entry.needs.keys().map(|id| id.purl())) })
        .collect();
    let own = components.iter().position(|component| component.bom_ref.as_ref() == Some(&main));
    let component = match own {
        Some(at) => components.remove(at),
        None => {
            let roots = sorted(servers.iter().map(|server| server.closure.root().package().purl()));
            dependencies.push(Dependency { r#ref: main.clone(), depends_on: roots });
            Component { r#type: "application", bom_ref: Some(main.clone()), name: bill.name(), ..Component::default() }
        }
    };
    dependencies.sort_by(|a, b| a.r#ref.cmp(&b.r#ref));
    let tool = Component {
        r#type: "application",
        name: "mcpsec".to_owned(),
        version: Some(origin.version.to_owned()),
        ..Component::default()
    };
    let mut document = Document {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: String::new(),
        version: 1,
        metadata: Metadata {
            timestamp: origin.created.map(|time| time.to_string()),
            lifecycles: [Lifecycle { phase: "pre-build" }],
            tools: Tools { components: [tool] },
            component,
        },
        components,
        dependencies,
        compositions: [Composition {
            aggregate: if bill.has_holes() { "incomplete" } else { "complete" },
            assemblies: vec![main],
        }],
    };
    document.serial_number = format!("urn:uuid:{}", uuid(&pretty(&document)));
    pretty(&document)
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = texts.collect();
    all.sort();
    all.dedup();
    all
}

fn component(entry: &Entry<'_>) -> Component {
    let package = entry.package;
    let purl = package.id.purl();
    let (group, name) = name(package);
    let of_server = entry.root_of.iter().flat_map(|server| Bill::of_server(server));
    let properties = of_server.chain(entry.facts()).map(|(name, value)| Property { name, value });
    Component {
        r#type: if entry.root_of.is_empty() { "library" } else { "application" },
        bom_ref: Some(purl.clone()),
        group,
        name,
        version: Some(package.id.version().to_owned()),
        scope: Some(if entry.optional { "optional" } else { "required" }),
        hashes: match package.artifacts.as_slice() {
            [one] => hashes(&one.digests),
            _ => Vec::new(),
        },
        purl: Some(purl),
        external_references: references(package),
        evidence: evidence(package),
        properties: properties.collect(),
    }
}

/// The scope of an npm package is its group.
fn name(package: &Package) -> (Option<String>, String) {
    let name = package.id.name();
    match package.id.ecosystem() {
        Ecosystem::Npm => {
            let scope = name.scope().map(|scope| format!("@{}", scope.trim_start_matches('@')));
            (scope, name.base().to_owned())
        }
        Ecosystem::Pypi => (None, name.as_str().to_owned()),
        Ecosystem::Git => (None, name.as_str().strip_prefix("git+").unwrap_or(name.as_str()).to_owned()),
    }
}

fn hashes(digests: &Digests) -> Vec<Hash> {
    let of = |digest: Digest| {
        let alg = match digest {
            Digest::Sha256(_) => "SHA-256",
            Digest::Sha512(_) => "SHA-512",
        };
        Hash { alg, content: digest.to_hex() }
    };
    digests.iter().map(of).collect()
}

/// Each file by its name: where it lies is for the reader's own registry to say.
fn references(package: &Package) -> Vec<ExternalReference> {
    let mut out: Vec<ExternalReference> = package
        .artifacts
        .iter()
        .map(|artifact| ExternalReference {
            r#type: "distribution",
            url: crate::sarif::uri(&artifact.file),
            hashes: hashes(&artifact.digests),
        })
        .collect();
    if package.id.ecosystem() == Ecosystem::Git {
        let url = package.id.name().as_str();
        let url = url.strip_prefix("git+").unwrap_or(url);
        out.push(ExternalReference { r#type: "vcs", url: url.to_owned(), hashes: Vec::new() });
    }
    out
}

/// Only what was verified when it was locked: that nobody signed is said in a property.
fn evidence(package: &Package) -> Option<Evidence> {
    let pins = package.evidence.pins();
    let method = |pin| Method { technique: "attestation", confidence: 1, value: signer(pin) };
    let methods: Vec<Method> = pins.iter().map(method).collect();
    (!methods.is_empty()).then_some(Evidence { identity: [Identity { field: "purl", methods }] })
}
