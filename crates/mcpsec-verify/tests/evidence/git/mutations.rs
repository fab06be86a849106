//! Every byte of a signed object changed, one at a time: none of them may pass.
use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_verify::{
    git::{self, ExpectedTag, GitError, Outcome, Signers},
    sigstore::TrustRoot,
};
use pgp::{packet::SignatureType, types::KeyDetails as _};

use super::{
    Object,
    pgp_keys::{Certificate, Make, detached},
    recorded,
    ssh::{NOON, armored, commit_payload, key, line, signed_commit, signed_tag, tag_payload},
};

/// The variant's name, or what was concluded.
fn word(result: &Result<Outcome, GitError>) -> String {
    let shown = format!("{result:?}");
    let inner = shown.split_once('(').map_or(shown.as_str(), |(_, inner)| inner);
    inner.split([' ', '(', '{', ')']).next().unwrap_or_default().to_owned()
}

/// Where the armored signature is: its first byte and the one after its last.
fn armor(raw: &[u8]) -> (usize, usize) {
    let text = String::from_utf8_lossy(raw);
    let start = text.find("-----BEGIN").expect("a signature");
    let end = start + text[start..].find("-----END").expect("a signature");
    (start, end + text[end..].find('\n').map_or(text.len() - end, |line| line + 1))
}

/// Verified by somebody who still expects what the original says, except for the id.
fn judged(original: &Object, raw: Vec<u8>, signers: &Signers, root: Option<&TrustRoot>) -> Result<Outcome, GitError> {
    let changed = Object { raw, ..original.clone() };
    let id = changed.id();
    if original.is_tag {
        let (name, target) = (original.field("tag"), original.field("object"));
        git::tag(&changed.raw, ExpectedTag { id: &id, name: &name, target: &target }, signers, root)
    } else {
        git::commit(&changed.raw, &id, &original.field("tree"), signers, root)
    }
}

/// Changes one bit of each byte outside the signature. What is compared is refused as such, the rest breaks the signature.
fn payload(original: &Object, signers: &Signers, root: Option<&TrustRoot>, counts: &mut BTreeMap<String, usize>) {
    let (start, end) = armor(&original.raw);
    for at in (0..start).chain(end..original.raw.len()) {
        for bit in [0, 4] {
            let mut raw = original.raw.clone();
            raw[at] ^= 1 << bit;
            let result = judged(original, raw.clone(), signers, root);
            let known = [
                "BadSignature",
                "Malformed",
                "MalformedSignature",
                "WrongTagName",
                "WrongTarget",
                "WrongTargetType",
                "WrongTree",
                "OtherForm",
                "NotValidYet",
                "Expired",
            ];
            let word = word(&result);
            // What makes a signature of it, spoiled: then there is none, and the pin says that there was one.
            let edge = if original.is_tag { start - 1..start } else { start - "gpgsig ".len()..start };
            let unsigned = word == "Unsigned" && edge.contains(&at);
            assert!(known.contains(&word.as_str()) || unsigned, "{} byte {at}: {result:?}", original.name);
            *counts.entry(word).or_default() += 1;
            // Whoever keeps the id needs no signature to see it.
            let result = if original.is_tag {
                let (name, target) = (original.field("tag"), original.field("object"));
                git::tag(&raw, ExpectedTag { id: &original.id(), name: &name, target: &target }, signers, root)
            } else {
                git::commit(&raw, &original.id(), &original.field("tree"), signers, root)
            };
            assert!(matches!(result, Err(GitError::WrongObjectId { .. })), "{result:?}");
        }
    }
}

/// The first and last line of the armor, what is between its headers and the rest, and the bytes inside.
fn decoded(original: &Object) -> (String, String, &'static str, Vec<u8>) {
    let (start, end) = armor(&original.raw);
    let text = String::from_utf8_lossy(&original.raw[start..end]).replace("\n ", "\n");
    let lines: Vec<&str> = text.lines().collect();
    let blank = lines.iter().position(|line| line.is_empty()).map_or(1, |line| line + 1);
    let body: String = lines[blank..lines.len() - 1].iter().filter(|line| !line.starts_with('=')).copied().collect();
    let gap = if blank > 1 { "\n" } else { "" };
    (lines[0].to_owned(), lines[lines.len() - 1].to_owned(), gap, STANDARD.decode(body).expect("base64"))
}

/// Where the kind of the unsigned part of an OpenPGP signature stands: ten bytes in all, nine of them, a key id.
fn hint(original: &Object) -> usize {
    let (_, _, _, bytes) = decoded(original);
    bytes.windows(4).position(|part| part == [0, 10, 9, 16]).expect("a hint") + 3
}

/// Changes one bit of each byte inside the signature's armor, and hands each outcome to `allow`.
fn signature(
    original: &Object,
    signers: &Signers,
    root: Option<&TrustRoot>,
    counts: &mut BTreeMap<String, usize>,
    allow: impl Fn(usize, &Result<Outcome, GitError>) -> bool,
) {
    let (start, end) = armor(&original.raw);
    let (first, last, gap, bytes) = decoded(original);
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        let base64 = STANDARD.encode(bytes);
        let wrapped: Vec<&str> =
            base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64")).collect();
        let mut block = format!("{first}\n{gap}{}\n{last}", wrapped.join("\n"));
        if !original.is_tag {
            block = block.replace('\n', "\n ");
        }
        let raw = [&original.raw[..start], block.as_bytes(), b"\n", &original.raw[end..]].concat();
        let result = judged(original, raw, signers, root);
        assert!(allow(at, &result), "{} signature byte {at}: {result:?}", original.name);
        *counts.entry(word(&result)).or_default() += 1;
    }
}

#[expect(clippy::print_stdout, reason = "what was tried and how it ended, for whoever asks with --nocapture")]
fn report(what: &str, counts: &BTreeMap<String, usize>) -> usize {
    let total = counts.values().sum();
    println!("{what}: {total} mutations: {counts:?}");
    total
}

#[test]
fn no_changed_ssh_signature_passes() {
    let key = key(1);
    let signers = Signers::none().with_allowed_signers(&line("a", "", key.public_key()), "signers").expect("signers");
    let text = commit_payload(NOON);
    let mut counts = BTreeMap::new();
    let mut objects = recorded::objects("ssh").unwrap_or_default();
    objects.truncate(6);
    objects.extend([signed_tag(&key, NOON), signed_commit(&text, &armored(&key, "git", &text))]);
    for object in &objects {
        payload(object, &signers, None, &mut counts);
        signature(object, &signers, None, &mut counts, |_, result| result.is_err());
    }
    assert!(report("ssh", &counts) > 60);
}

#[test]
fn no_changed_openpgp_signature_passes() {
    let certificate = Certificate::plain(1);
    let signers = Signers::none().with_pgp_keys(&certificate.armored(), "keys.asc").expect("keys");
    let make = || Make::new(SignatureType::Binary, 1_754_049_600);
    let (tag, commit) = (tag_payload(NOON), commit_payload(NOON));
    let objects = [
        Object::tag(tag.clone() + &detached(&certificate.key, make(), &tag)),
        signed_commit(&commit, &detached(&certificate.key, make(), &commit)),
    ];
    let mut counts = BTreeMap::new();
    let fingerprint = hex::encode_upper(certificate.key.fingerprint().as_bytes());
    for object in &objects {
        payload(object, &signers, None, &mut counts);
        // The one byte that may change: the kind of the only part that is not signed, a hint at the key beside the signed name.
        let unsigned = hint(object);
        // Another key's name in it makes it a signature by another key: unknown, with that name.
        signature(object, &signers, None, &mut counts, |at, result| match result {
            Ok(Outcome::Verified(_)) => at == unsigned,
            Ok(Outcome::UnknownKey { signature: None, key }) => !key.ends_with(&fingerprint),
            result => result.is_err(),
        });
    }
    assert!(report("pgp", &counts) > 60);
}

#[test]
fn no_changed_x509_signature_verifies() {
    let Some(objects) = recorded::objects("x509") else {
        println!("skipped: no shared fixtures");
        return;
    };
    let root = TrustRoot::public_good().expect("the embedded root");
    let mut counts = BTreeMap::new();
    for object in &objects {
        let witnessed = object.name.contains("gitsign-v0.17.0");
        if witnessed || object.name.contains("gitsign-v0.3.1") {
            payload(object, &Signers::none(), Some(&root), &mut counts);
            // The bytes that may change: what the signature of the log's tree head calls its key. The key id behind it counts.
            let name = "\u{2014} rekor.sigstore.dev ".as_bytes();
            let (_, _, _, bytes) = decoded(object);
            let start = bytes.windows(name.len()).position(|part| part == name).unwrap_or(usize::MAX - name.len());
            let name = start + 4..start + name.len() - 1;
            signature(object, &Signers::none(), Some(&root), &mut counts, |at, result| match result {
                Ok(Outcome::Verified(_)) => witnessed && name.contains(&at),
                // Without its witness it is what it would have been without one.
                Ok(Outcome::Unwitnessed { .. } | Outcome::UnknownKey { .. }) => true,
                result => result.is_err(),
            });
        }
    }
    assert!(report("x509", &counts) > 60);
}
