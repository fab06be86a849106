//! Properties over generated locks: what is written reads back as itself, and no text whatever makes the reader panic.
use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, option, prelude::*, sample::select};
use smol_str::SmolStr;

use super::{resealed, samples};
use crate::{
    candidate::EntryPoint,
    closure::{Closure, Edge, Node, NodeId},
    digest::Digest,
    evidence::{EvidenceKind, LogEvidence, Pin, Pinned, SignerPin},
    finding::{Confidence, Finding, Rule, Severity},
    lock::{Lock, LockedServer, ServerParts, fields::Source, lines, read, tables},
    name::{Ecosystem, PackageName},
    package::{Artifact, ArtifactKind, GitPin, Package, PackageId},
    target::{Platform, PythonMinor, Target},
    text::Untrusted,
};

/// Text with hidden characters too.
pub(super) fn any_text() -> impl Strategy<Value = String> {
    vec(
        select(vec!['a', '"', '\\', '\n', '\r', '\t', '\u{0}', '\u{7f}', '\u{202e}', '\u{e0041}', '\u{fffe}', '𝄞']),
        0..8,
    )
    .prop_map(String::from_iter)
}

/// A name that may be that of a file.
fn file_name() -> impl Strategy<Value = SmolStr> {
    "[a-zA-Z0-9 \"%=;é]{1,8}(\\.whl)?".prop_map(SmolStr::from)
}

/// Visible text with everything that quoting must survive.
pub(super) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9 .<>='-]{0,12}",
        vec(select(vec!['"', '\\', '%', '=', ';', '?', ' ', 'é', '𝄞', '#', '[', ']', '\'', '{']), 0..8)
            .prop_map(String::from_iter),
    ]
}

fn small() -> impl Strategy<Value = SmolStr> {
    text().prop_map(SmolStr::from)
}

fn package_id() -> impl Strategy<Value = PackageId> {
    prop_oneof![
        ("[a-z][a-z0-9.()_-]{0,6}", "[0-9]\\.[0-9]").prop_map(|(name, version)| {
            PackageId::new(Ecosystem::Npm, PackageName::npm(&name).expect("name"), &version).expect("id")
        }),
        ("@[a-z]{1,3}/[a-zA-Z!~*']{1,5}", "[0-9](-[a-z]{1,3})?").prop_map(|(name, version)| {
            PackageId::new(Ecosystem::Npm, PackageName::npm(&name).expect("name"), &version).expect("id")
        }),
        ("[a-z][a-z_.-]{0,5}[a-z0-9]", "[0-9](\\+[a-z]{1,3})?").prop_map(|(name, version)| {
            PackageId::new(Ecosystem::Pypi, PackageName::pypi(&name).expect("name"), &version).expect("id")
        }),
        ("[a-z]{1,4}", "[a-f0-9]{40}", option::of("[a-z ;=?]{0,4}[a-z]")).prop_map(|(repository, commit, folder)| {
            let folder = folder.map(|folder| format!("#subdirectory={folder}")).unwrap_or_default();
            format!("git+https://code.invalid/{repository}@{commit}{folder}").parse().expect("id")
        }),
    ]
}

fn artifact() -> impl Strategy<Value = Artifact> {
    let kinds = vec![ArtifactKind::NpmTarball, ArtifactKind::Wheel, ArtifactKind::Sdist, ArtifactKind::GitArchive];
    (select(kinds), file_name(), option::of(any::<u64>()), any::<u8>(), 1..4_u8).prop_map(
        |(kind, file, size, content, which)| {
            let both = [Digest::sha512_of(&[content]), Digest::sha256_of(&[content])];
            let digests = both.into_iter().zip([1, 2]).filter(|(_, bit)| which & bit != 0).map(|(d, _)| d).collect();
            Artifact { kind, file, size: size.map(|size| size >> 1), digests }
        },
    )
}

fn pin() -> impl Strategy<Value = Pin> {
    let signer = prop_oneof![
        (small(), option::of(small())).prop_map(|(id, fingerprint)| SignerPin::Key { id, fingerprint }),
        (small(), small(), small(), option::of(small())).prop_map(|(issuer, repository, workflow, reference)| {
            SignerPin::Workload { issuer, repository, workflow, reference }
        }),
        (small(), small()).prop_map(|(issuer, subject)| SignerPin::Subject { issuer, subject }),
    ];
    let logs = vec![None, Some(LogEvidence::Proof), Some(LogEvidence::Promise), Some(LogEvidence::Timestamp)];
    (select(EvidenceKind::ALL.to_vec()), signer, select(logs), option::of(small()), option::of(file_name()))
        .prop_map(|(kind, signer, log, commit, file)| Pin { kind, signer, log, commit, file })
        .prop_filter("a text must not be empty", |pin| {
            crate::lock::pin::fields(pin).iter().all(|(_, value)| !value.is_empty())
        })
}

fn evidence() -> impl Strategy<Value = Pinned> {
    prop_oneof![
        Just(Pinned::NotLooked),
        Just(Pinned::Stripped),
        Just(Pinned::Nothing),
        vec(pin(), 1..4).prop_map(Pinned::by),
    ]
}

fn package(id: PackageId) -> impl Strategy<Value = Package> {
    let lists = (vec(small(), 0..3), vec(small(), 0..3), vec(small(), 0..2));
    let git = option::of((option::of(small()), "[0-9a-f]{40}".prop_map(SmolStr::from)));
    (lists, option::of(small()), any::<bool>(), git, vec(artifact(), 1..3), evidence()).prop_map(
        move |((os, cpu, libc), requires_python, install_scripts, git, artifacts, evidence)| {
            let files: BTreeMap<SmolStr, Artifact> = artifacts.into_iter().map(|a| (a.file.clone(), a)).collect();
            let git = git.map(|(reference, tree)| GitPin { reference, tree });
            let artifacts = files.into_values().collect();
            let bare = Package::bare(id.clone());
            Package { artifacts, os, cpu, libc, requires_python, install_scripts, git, evidence, ..bare }
        },
    )
}

/// Targets of a server: some platforms, with or without some Python versions.
fn targets() -> impl Strategy<Value = Vec<Target>> {
    (vec(select(Platform::ALL.to_vec()), 1..5), vec(9..14_u8, 0..3)).prop_map(|(platforms, minors)| {
        let pythons: Vec<Option<PythonMinor>> = match minors.is_empty() {
            true => vec![None],
            false => minors.into_iter().map(|minor| Some(PythonMinor::new(3, minor))).collect(),
        };
        platforms
            .into_iter()
            .flat_map(|platform| pythons.iter().map(move |python| Target { platform, python: *python }))
            .collect()
    })
}

type Extra = (SmolStr, bool, Option<String>, usize);

/// A graph over these packages: node `i` hangs below an earlier one, and some more edges go anywhere.
fn graph(ids: &[PackageId], peers: &[bool], extra: &[Extra], on: &[Option<u32>], all: &[Target]) -> Closure {
    let nodes: Vec<NodeId> = ids
        .iter()
        .enumerate()
        .map(|(i, id)| match peers[i % peers.len()] && id.ecosystem() == Ecosystem::Npm {
            true => NodeId::with_peers(id.clone(), "zod@4.0.0_@a/b@1").expect("peers"),
            false => NodeId::of(id.clone()),
        })
        .collect();
    let mut map: BTreeMap<NodeId, Node> = BTreeMap::new();
    for (i, node) in nodes.iter().enumerate() {
        let bits = on[i % on.len()];
        let targets = bits.map(|bits| {
            let chosen = all.iter().enumerate().filter(|(t, _)| bits >> (t % 32) & 1 == 1);
            chosen.map(|(_, target)| *target).collect::<BTreeSet<Target>>()
        });
        map.insert(node.clone(), Node { edges: Vec::new(), targets });
    }
    for i in 1..nodes.len() {
        let (name, optional, marker, jump) = &extra[i % extra.len()];
        let name = if *optional { name.clone() } else { nodes[i].package().name().as_str().into() };
        let edge = Edge { name, to: nodes[i].clone(), optional: *optional, marker: marker.clone() };
        map.get_mut(&nodes[jump % i]).expect("node").edges.push(edge);
    }
    for (name, optional, marker, jump) in extra {
        let (from, to) = (&nodes[jump % nodes.len()], &nodes[(jump / 7) % nodes.len()]);
        let edge = Edge { name: name.clone(), to: to.clone(), optional: *optional, marker: marker.clone() };
        map.get_mut(from).expect("node").edges.push(edge);
    }
    Closure::new(nodes[0].clone(), map).expect("closure")
}

fn finding() -> impl Strategy<Value = Finding> {
    (select(Rule::ALL.to_vec()), any_text(), text(), option::of(any_text())).prop_map(
        |(rule, subject, message, evidence)| Finding {
            evidence: evidence.map(Untrusted::new),
            // What the lock does not keep.
            graded: Some(Severity::Info),
            confidence: Confidence::Low,
            span: Some((0, 1)),
            accepted: Some("known".to_owned()),
            ..Finding::new(rule, subject, message)
        },
    )
}

fn server(ids: Vec<PackageId>) -> impl Strategy<Value = ServerParts> {
    let specs =
        vec!["npm:a", "npm:@s/b@>=1 <2", "pypi:c[x,y]!=2,>=1", "git+ssh://git@code.invalid/r.git@v1#subdirectory=a b"];
    let as_of = select(vec![None, Some("2025-08-01"), Some("2025-08-01T12:00:00.5Z")]);
    let entry = prop_oneof![
        file_name().prop_map(EntryPoint::NpmBin),
        file_name().prop_map(EntryPoint::PythonScript),
        Just(EntryPoint::Unknown)
    ];
    let shape = (
        vec(any::<bool>(), 1..3),
        vec((small(), any::<bool>(), option::of(text()), any::<usize>()), 1..6),
        vec(option::of(any::<u32>()), 1..4),
        targets(),
    );
    let words = ("[a-z0-9][a-zA-Z0-9._-]{0,8}", select(specs), text(), option::of(small()), entry, as_of);
    (
        words,
        shape,
        proptest::collection::btree_map(text(), text(), 0..3),
        vec(finding(), 0..4),
        (super::told::told(), vec(super::told::accepted(), 0..3)),
    )
        .prop_map(
            move |(
                (name, spec, version, command, entry, as_of),
                (peers, extra, on, targets),
                overrides,
                findings,
                (told, accepted),
            )| {
                let sorted: BTreeSet<Target> = targets.iter().copied().collect();
                let all: Vec<Target> = sorted.into_iter().collect();
                ServerParts {
                    name: name.parse().expect("name"),
                    spec: spec.parse().expect("spec"),
                    version,
                    command,
                    entry,
                    as_of: as_of.map(|as_of| as_of.parse().expect("as of")),
                    overrides,
                    closure: graph(&ids, &peers, &extra, &on, &all),
                    targets,
                    findings,
                    told,
                    accepted,
                }
            },
        )
}

fn lock() -> impl Strategy<Value = Lock> {
    vec(package_id(), 1..7)
        .prop_map(|ids| ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>())
        .prop_flat_map(|ids| {
            let packages: Vec<_> = ids.iter().cloned().map(package).collect();
            let tail: Vec<PackageId> = ids.iter().skip(ids.len() / 2).cloned().collect();
            (packages, server(ids.clone()), option::of(server(tail)), option::of(0..=i64::MAX.unsigned_abs()))
        })
        .prop_map(|(packages, first, second, seen)| {
            let packages: BTreeMap<PackageId, Package> = packages.into_iter().map(|p| (p.id.clone(), p)).collect();
            let mut lock = Lock::empty();
            for parts in std::iter::once(first).chain(second) {
                let server = LockedServer::new(parts, &packages).expect("server");
                lock.insert(server, packages.clone().into_iter().collect()).expect("insert");
            }
            lock.team = seen.map(super::samples::pinned);
            lock
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_written_lock_reads_back_as_itself(lock in lock()) {
        let text = lock.to_text();
        prop_assert!(!text.chars().any(|c| c != '\n' && crate::text::is_hidden(c)));
        let read = Lock::parse(&text, "mcp.lock");
        prop_assert_eq!(read.as_ref(), Ok(&lock), "{}", text);
    }

    #[test]
    fn both_readers_read_the_same(lock in lock()) {
        let text = lock.to_text();
        let source = Source::new("mcp.lock", &text);
        let quick = lines::document(&text).map_err(|at| source.line(at));
        let quick = quick.map(|document| read::read_document(&source, document));
        prop_assert_eq!(&quick, &Ok(Ok(lock)), "{}", text);
        let toml = tables::parse(&source).expect("TOML");
        let thorough = tables::document(&source, toml).and_then(|document| read::read_document(&source, document));
        prop_assert_eq!(Ok(thorough), quick);
    }

    #[test]
    fn ids_do_not_depend_on_the_way_in(lock in lock()) {
        for server in lock.servers.values() {
            let mut again = server.clone();
            again.renew_closure_id(&lock.packages);
            prop_assert_eq!(again.closure_id, server.closure_id);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(Lock::parse_bytes(&bytes, "mcp.lock").is_err());
        let after_version = [b"version = 1\n".as_slice(), &bytes].concat();
        prop_assert!(Lock::parse_bytes(&after_version, "mcp.lock").is_err());
    }

    #[test]
    fn no_resealed_mix_of_lines_makes_the_reader_panic(picks in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6)) {
        let whole = samples::locked(vec![samples::npm(), samples::pypi(), samples::git()]);
        let text = whole.to_text();
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        for (from, to) in picks {
            let line = lines[from.index(lines.len())];
            let at = to.index(lines.len());
            lines[at] = line;
        }
        if let Ok(read) = Lock::parse(&resealed(&lines.concat()), "mcp.lock") {
            prop_assert_eq!(read.to_text(), resealed(&lines.concat()));
        }
    }
}
