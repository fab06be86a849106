//! SPDX 2.3, JSON.
//!
//! Each package of the closure is a package; where a release has several files, each file is one too, with its checksums,
//! and the release is distributed as them. Licences are in no lock: `NOASSERTION`. What SPDX has no word for is an annotation.
use std::collections::BTreeMap;

use mcpsec_model::{
    digest::{Digest, Digests},
    lock::{Lock, LockedServer},
    package::{Artifact, PackageId},
    time::Timestamp,
};

use super::{
    Bill, Entry, Origin, gather,
    spdx_wire::{Annotation, Checksum, CreationInfo, Document, ExternalRef, Relationship, SpdxPackage},
    uuid,
};
use crate::json::pretty;

const UNKNOWN: &str = "NOASSERTION";

/// The bill of these servers, ending in a newline. SPDX wants a time: without one it is the start of 1970.
pub fn spdx(lock: &Lock, servers: &[&LockedServer], origin: &Origin<'_>) -> String {
    let bill = gather(lock, servers);
    let created = origin.created.unwrap_or(Timestamp::UNIX_EPOCH);
    // SPDX takes whole seconds only.
    let created = Timestamp::from_second(created.as_second()).unwrap_or(Timestamp::UNIX_EPOCH).to_string();
    let tool = format!("Tool: mcpsec-{}", origin.version);
    let ids: BTreeMap<&PackageId, String> =
        bill.entries.keys().enumerate().map(|(at, id)| (*id, identifier("Package", at, &id.purl()))).collect();
    let id_of = |id: &PackageId| ids.get(id).cloned().unwrap_or_else(|| UNKNOWN.to_owned());
    let (mut packages, mut relationships) = (Vec::new(), Vec::new());
    let mut relate = |from: &str, kind, to: &str| {
        relationships.push(Relationship {
            spdx_element_id: from.to_owned(),
            relationship_type: kind,
            related_spdx_element: to.to_owned(),
        });
    };
    let annotate = |text: String| Annotation {
        annotation_date: created.clone(),
        annotation_type: "OTHER",
        annotator: tool.clone(),
        comment: text,
    };
    for (id, entry) in &bill.entries {
        let own = id_of(id);
        for (needed, optional) in &entry.needs {
            let needed = id_of(needed);
            if *optional {
                relate(&needed, "OPTIONAL_DEPENDENCY_OF", &own);
            } else {
                relate(&own, "DEPENDS_ON", &needed);
            }
        }
        if let Some(parent) = entry.package.bundled_in.as_ref().and_then(|parent| ids.get(parent)) {
            relate(parent, "CONTAINS", &own);
        }
        let of_server = entry.root_of.iter().flat_map(|server| Bill::of_server(server));
        let facts = of_server.chain(entry.facts()).map(|(name, value)| annotate(format!("{name}={value}")));
        let mut package = package(entry, own.clone(), facts.collect());
        match entry.package.artifacts.as_slice() {
            [one] => {
                package.package_file_name = Some(one.file.to_string());
                package.checksums = checksums(&one.digests);
            }
            many => {
                for (at, artifact) in many.iter().enumerate() {
                    let file =
                        identifier(&format!("File-{}", own.trim_start_matches("SPDXRef-Package-")), at, &artifact.file);
                    relate(&own, "DISTRIBUTION_ARTIFACT", &file);
                    packages.push(of_file(artifact, entry, file));
                }
            }
        }
        packages.push(package);
    }
    let described: Vec<String> = servers.iter().map(|server| id_of(server.closure.root().package())).collect();
    for root in &described {
        relate("SPDXRef-DOCUMENT", "DESCRIBES", root);
    }
    relationships.sort();
    relationships.dedup();
    packages.sort_by(|a, b| a.id.cmp(&b.id));
    let mut described = described;
    described.sort();
    described.dedup();
    let mut document = Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: "SPDXRef-DOCUMENT",
        name: bill.name(),
        document_namespace: String::new(),
        creation_info: CreationInfo { created: created.clone(), creators: [tool.clone()] },
        document_describes: described,
        packages,
        relationships,
    };
    // A name, not an address: nothing can be fetched there.
    let namespace = format!("https://mcpsec.invalid/spdx/{}-{}", bill.name(), uuid(&pretty(&document)));
    document.document_namespace = namespace;
    pretty(&document)
}

fn package(entry: &Entry<'_>, id: String, annotations: Vec<Annotation>) -> SpdxPackage {
    let purl = entry.package.id.purl();
    SpdxPackage {
        id,
        name: entry.package.id.name().to_string(),
        version_info: entry.package.id.version().to_owned(),
        package_file_name: None,
        primary_package_purpose: if entry.root_of.is_empty() { "LIBRARY" } else { "APPLICATION" },
        download_location: UNKNOWN,
        files_analyzed: false,
        supplier: UNKNOWN,
        license_concluded: UNKNOWN,
        license_declared: UNKNOWN,
        copyright_text: UNKNOWN,
        checksums: Vec::new(),
        external_refs: vec![ExternalRef {
            reference_category: "PACKAGE-MANAGER",
            reference_type: "purl",
            reference_locator: purl,
        }],
        annotations,
    }
}

/// One file of a release that has several.
fn of_file(artifact: &Artifact, entry: &Entry<'_>, id: String) -> SpdxPackage {
    SpdxPackage {
        name: artifact.file.to_string(),
        package_file_name: Some(artifact.file.to_string()),
        primary_package_purpose: "ARCHIVE",
        checksums: checksums(&artifact.digests),
        external_refs: Vec::new(),
        ..package(entry, id, Vec::new())
    }
}

fn checksums(digests: &Digests) -> Vec<Checksum> {
    let of = |digest: Digest| {
        let algorithm = match digest {
            Digest::Sha256(_) => "SHA256",
            Digest::Sha512(_) => "SHA512",
        };
        Checksum { algorithm, checksum_value: digest.to_hex() }
    };
    digests.iter().map(of).collect()
}

/// `SPDXRef-Package-12-npm-zod-3.25.76`: letters, digits, dots and dashes only, and unique by its number.
fn identifier(kind: &str, at: usize, text: &str) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let text: String = text.trim_start_matches("pkg:").chars().map(clean).take(100).collect();
    format!("SPDXRef-{kind}-{at}-{}", text.trim_matches('-'))
}
