//! SSH signatures that are made here: who is allowed, for what, and when.
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair as Rsa, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding},
};
use mcpsec_model::evidence::{EvidenceKind, Signer};
use mcpsec_verify::git::{GitError, LineError, Outcome, Signers, SignersError};
use ssh_key::{
    Algorithm, HashAlg, LineEnding, Mpint, PrivateKey, PublicKey, Signature, SshSig,
    private::Ed25519Keypair,
    public::{KeyData, RsaPublicKey},
};

use super::Object;

/// 2025-08-01T12:00:00Z, when the objects here say that they were made.
pub(super) const NOON: i64 = 1_754_049_600;

/// A key by number.
pub(super) fn key(number: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[number; 32]))
}

/// A tag without a signature.
pub(super) fn tag_payload(time: i64) -> String {
    let target = "1".repeat(40);
    format!(
        "object {target}\ntype commit\ntag v1.0.0\ntagger A Person <a@example.invalid> {time} +0000\n\nthe release\n"
    )
}

/// A commit without a signature.
pub(super) fn commit_payload(time: i64) -> String {
    let (tree, parent) = ("2".repeat(40), "3".repeat(40));
    let person = format!("A Person <a@example.invalid> {time} +0000");
    format!("tree {tree}\nparent {parent}\nauthor {person}\ncommitter {person}\n\nthe change\n")
}

/// A commit with this armored signature in its header.
pub(super) fn signed_commit(payload: &str, armored: &str) -> Object {
    let (headers, message) = payload.split_once("\n\n").expect("a message");
    let folded = armored.trim_end().replace('\n', "\n ");
    Object::commit(format!("{headers}\ngpgsig {folded}\n\n{message}"))
}

/// Signs as `git tag -s` does.
pub(super) fn armored(key: &PrivateKey, namespace: &str, payload: &str) -> String {
    let sig = SshSig::sign(key, namespace, HashAlg::Sha512, payload.as_bytes()).expect("a signature");
    sig.to_pem(LineEnding::LF).expect("a text")
}

pub(super) fn signed_tag(key: &PrivateKey, time: i64) -> Object {
    let payload = tag_payload(time);
    let sig = armored(key, "git", &payload);
    Object::tag(payload + &sig)
}

/// One line of an allowed-signers file.
pub(super) fn line(principal: &str, options: &str, key: &PublicKey) -> String {
    format!("{principal} {options} {}\n", key.to_openssh().expect("a key"))
}

fn signers(lines: &str) -> Signers {
    Signers::none().with_allowed_signers(lines, "allowed_signers").expect("a file of signers")
}

#[test]
fn a_listed_key_verifies_tags_and_commits() {
    let key = key(1);
    let known = signers(&line("a@example.invalid,b@example.invalid", "", key.public_key()));
    let payload = commit_payload(NOON);
    let commit = signed_commit(&payload, &armored(&key, "git", &payload));
    for (object, kind) in [(signed_tag(&key, NOON), EvidenceKind::GitTag), (commit, EvidenceKind::GitCommit)] {
        let Ok(Outcome::Verified(proof)) = object.verify(&known, None) else {
            panic!("{:?}", object.verify(&known, None))
        };
        assert_eq!((proof.kind(), proof.subject()), (kind, object.id().as_str()));
        assert_eq!((proof.log(), proof.signed_at()), (None, None), "nobody witnessed it");
        let Signer::Key { id, vouched, principal, .. } = proof.signer() else { panic!("{proof:?}") };
        assert_eq!(id.as_str(), key.fingerprint(HashAlg::Sha256).to_string());
        assert_eq!((*vouched, principal.as_deref()), (true, Some("a@example.invalid,b@example.invalid")));
    }
}

#[test]
fn another_key_is_unknown_and_says_which() {
    let known = signers(&line("a@example.invalid", "", key(2).public_key()));
    let Ok(Outcome::UnknownKey { signature: Some(proof), key: name }) = signed_tag(&key(1), NOON).verify(&known, None)
    else {
        panic!("it is known");
    };
    assert_eq!(name, key(1).fingerprint(HashAlg::Sha256).to_string());
    assert!(matches!(proof.signer(), Signer::Key { vouched: false, principal: None, .. }));
}

#[test]
fn the_object_s_time_must_lie_in_the_key_s_window() {
    let key = key(1);
    let cases = [
        ("valid-after=\"20250801\"", "good"),
        ("valid-after=\"20250801120000Z\"", "good"),
        ("valid-after=\"202508011200\"", "good"),
        ("valid-after=\"20250801120001Z\"", "early"),
        ("valid-after=\"20250802\"", "early"),
        ("valid-before=\"20250801120000Z\"", "good"),
        ("VALID-BEFORE=\"20250802\"", "good"),
        ("valid-before=\"20250801115959Z\"", "late"),
        ("valid-before=\"20250801\"", "late"),
        ("valid-after=\"20250101\",valid-before=\"20251231\"", "good"),
        ("namespaces=\"git\",valid-after=\"20250101\",valid-before=\"20250701\"", "late"),
    ];
    for (options, expected) in cases {
        let result = signed_tag(&key, NOON).verify(&signers(&line("a", options, key.public_key())), None);
        let got = match &result {
            Ok(Outcome::Verified(_)) => "good",
            Err(GitError::NotValidYet { .. }) => "early",
            Err(GitError::Expired { .. }) => "late",
            other => panic!("{options}: {other:?}"),
        };
        assert_eq!(got, expected, "{options}");
    }
}

#[test]
fn an_object_without_a_time_is_in_no_window() {
    let key = key(1);
    let payload = format!("object {}\ntype commit\ntag v1.0.0\n\nold\n", "1".repeat(40));
    let tag = Object::tag(payload.clone() + &armored(&key, "git", &payload));
    assert!(matches!(tag.verify(&signers(&line("a", "", key.public_key())), None), Ok(Outcome::Verified(_))));
    let limited = signers(&line("a", "valid-before=\"20300101\"", key.public_key()));
    assert!(matches!(tag.verify(&limited, None), Err(GitError::NoTime { .. })));
}

#[test]
fn one_line_that_allows_it_is_enough_and_else_the_first_says_why_not() {
    let key = key(1);
    let early = line("a", "valid-after=\"20260101\"", key.public_key());
    let late = line("a", "valid-before=\"20240101\"", key.public_key());
    let good = line("b", "namespaces=\"file,git\"", key.public_key());
    let Ok(Outcome::Verified(proof)) = signed_tag(&key, NOON).verify(&signers(&format!("{late}{good}")), None) else {
        panic!("the second line allows it");
    };
    assert!(matches!(proof.signer(), Signer::Key { principal: Some(name), .. } if name == "b"));
    let result = signed_tag(&key, NOON).verify(&signers(&format!("# both wrong\n\n{early}{late}")), None);
    assert!(matches!(result, Err(GitError::NotValidYet { .. })), "{result:?}");
}

#[test]
fn only_signatures_for_git_count() {
    let key = key(1);
    let plain = signers(&line("a", "", key.public_key()));
    for namespace in ["file", "git@example.invalid", "Git", "git ", "ssh"] {
        let payload = tag_payload(NOON);
        let sig = armored(&key, namespace, &payload);
        let result = Object::tag(payload + &sig).verify(&plain, None);
        assert!(matches!(result, Err(GitError::Namespace { .. })), "{namespace}: {result:?}");
    }
    for (namespaces, allowed) in [
        ("git", true),
        ("file,git", true),
        ("g?t", true),
        ("*", true),
        ("file", false),
        ("*,!git", false),
        ("gi", false),
    ] {
        let known = signers(&line("a", &format!("namespaces=\"{namespaces}\""), key.public_key()));
        match signed_tag(&key, NOON).verify(&known, None) {
            Ok(Outcome::Verified(_)) => assert!(allowed, "{namespaces}"),
            Err(GitError::Namespace { .. }) => assert!(!allowed, "{namespaces}"),
            other => panic!("{namespaces}: {other:?}"),
        }
    }
}

#[test]
fn rsa_needs_sha2_and_2048_bits() {
    let pair = Rsa::generate(KeySize::Rsa2048).expect("a key");
    let number = |bytes: &[u8]| Mpint::from_positive_bytes(bytes).expect("a number");
    let public = |n: &[u8]| KeyData::Rsa(RsaPublicKey { e: number(&[1, 0, 1]), n: number(n) });
    let n = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
    let payload = tag_payload(NOON);
    let made = |key: KeyData, scheme: &'static dyn RsaEncoding, algorithm: Algorithm| {
        let signed = SshSig::signed_data("git", HashAlg::Sha512, payload.as_bytes()).expect("data");
        let mut bytes = vec![0; pair.public_modulus_len()];
        pair.sign(scheme, &SystemRandom::new(), &signed, &mut bytes).expect("a signature");
        let signature = Signature::new(algorithm, bytes).expect("a signature");
        let sig = SshSig::new(key, "git", HashAlg::Sha512, signature).expect("a signature");
        Object::tag(payload.clone() + &sig.to_pem(LineEnding::LF).expect("a text")).verify(&Signers::none(), None)
    };
    let rsa = |hash| Algorithm::Rsa { hash };
    let good = |result: &_| matches!(result, Ok(Outcome::UnknownKey { signature: Some(_), .. }));
    assert!(good(&made(public(&n), &RSA_PKCS1_SHA512, rsa(Some(HashAlg::Sha512)))));
    assert!(good(&made(public(&n), &RSA_PKCS1_SHA256, rsa(Some(HashAlg::Sha256)))));
    let mixed = made(public(&n), &RSA_PKCS1_SHA256, rsa(Some(HashAlg::Sha512)));
    assert!(matches!(mixed, Err(GitError::BadSignature { .. })), "{mixed:?}");
    // The crate does not write such signatures either.
    let sha1 = relabelled(&pair, &n, &payload);
    assert!(matches!(sha1, Err(GitError::WeakHash { .. })), "{sha1:?}");
    let short = made(public(&n[..128]), &RSA_PKCS1_SHA512, rsa(Some(HashAlg::Sha512)));
    assert!(matches!(short, Err(GitError::WeakKey { bits, .. }) if bits <= 1024), "{short:?}");
}

/// An RSA signature that says it is one with SHA-1.
fn relabelled(pair: &Rsa, n: &[u8], payload: &str) -> Result<Outcome, GitError> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).expect("short").to_be_bytes(), bytes].concat();
    let signed = SshSig::signed_data("git", HashAlg::Sha512, payload.as_bytes()).expect("data");
    let mut bytes = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &signed, &mut bytes).expect("a signature");
    let key = [string(b"ssh-rsa"), string(&[1, 0, 1]), string(&[&[0], n].concat())].concat();
    let signature = [string(b"ssh-rsa"), string(&bytes)].concat();
    let parts = [string(&key), string(b"git"), string(b""), string(b"sha512"), string(&signature)].concat();
    let base64 = STANDARD.encode([b"SSHSIG\0\0\0\x01", parts.as_slice()].concat());
    let armored = format!("-----BEGIN SSH SIGNATURE-----\n{base64}\n-----END SSH SIGNATURE-----\n");
    Object::tag(payload.to_owned() + &armored).verify(&Signers::none(), None)
}

#[test]
fn a_file_of_signers_is_taken_whole_or_not_at_all() {
    let key = key(1).public_key().to_openssh().expect("a key");
    let good = format!("a {key}\n");
    type Check = fn(&LineError) -> bool;
    let cases: [(String, Check); 15] = [
        ("a".to_owned(), |error| *error == LineError::NoKey),
        ("\"a".to_owned(), |error| *error == LineError::Quotes),
        (format!("\"\" {key}"), |error| *error == LineError::NoPrincipal),
        ("a ssh-ed25519 AAAA".to_owned(), |error| matches!(error, LineError::Key(_))),
        ("a nonsense".to_owned(), |error| matches!(error, LineError::Key(_))),
        (format!("a cert-authority {key}"), |error| *error == LineError::CertAuthority),
        (format!("a CERT-authority,namespaces=\"git\" {key}"), |error| *error == LineError::CertAuthority),
        (format!("a no-touch-required {key}"), |error| matches!(error, LineError::Option(_))),
        (format!("a namespaces {key}"), |error| matches!(error, LineError::Option(_))),
        (format!("a namespaces=git {key}"), |error| *error == LineError::Quotes),
        (format!("a namespaces=\"git\",namespaces=\"x\" {key}"), |error| *error == LineError::Twice("namespaces")),
        (format!("a valid-after=\"yesterday\" {key}"), |error| matches!(error, LineError::Time(_))),
        (format!("a valid-before=\"20251301\" {key}"), |error| matches!(error, LineError::Time(_))),
        (format!("a valid-after=\"20250102\",valid-before=\"20250102\" {key}"), |error| *error == LineError::Window),
        (format!("a {key} {}", "x".repeat(20_000)), |error| *error == LineError::TooLong),
    ];
    for (text, check) in cases {
        let result = Signers::none().with_allowed_signers(&format!("{good}\n# a comment\n{text}\n{good}"), "signers");
        match result {
            Err(SignersError::Line { file, line: 4, error }) if file == "signers" && check(&error) => {}
            other => panic!("{text:.80}: {other:?}"),
        }
    }
    let many = good.repeat(4097);
    assert!(matches!(Signers::none().with_allowed_signers(&many, "signers"), Err(SignersError::TooMany { .. })));
    let long = "#".repeat(1024 * 1024 + 1);
    assert!(matches!(Signers::none().with_allowed_signers(&long, "signers"), Err(SignersError::TooLong { .. })));
    let quoted = format!("\"a b\" namespaces=\"git\"\t{key} a comment, with \"quotes\"\r\n");
    assert!(Signers::none().with_allowed_signers(&quoted, "signers").is_ok_and(|signers| !signers.is_empty()));
}
