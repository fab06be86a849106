//! OpenPGP signatures that are made here: keys that may sign, and all the ways in which they may not.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::evidence::Signer;
use mcpsec_verify::git::{GitError, Outcome, Signers, SignersError};
use pgp::{
    composed::KeyType,
    crypto::hash::HashAlgorithm,
    packet::{RevocationCode, SignatureType, SubpacketData},
    types::{Duration, KeyDetails as _},
};

use super::{
    Object,
    pgp_keys::{BIRTH, Certificate, Make, armored, detached, primary, subkey, user},
    ssh::{NOON, commit_payload, signed_commit, tag_payload},
};

/// When the objects here are signed.
const NOW: u32 = 1_754_049_600;
const DAY: u32 = 86_400;

fn known(certificates: &[&Certificate]) -> Signers {
    let text: String = certificates.iter().map(|one| one.armored()).collect();
    Signers::none().with_pgp_keys(&text, "keys.asc").expect("keys")
}

fn binary(at: u32) -> Make {
    Make::new(SignatureType::Binary, at)
}

/// A tag that the certificate's primary key signed at `at`.
fn tag(certificate: &Certificate, make: Make) -> Object {
    let payload = tag_payload(NOON);
    let sig = detached(&certificate.key, make, &payload);
    Object::tag(payload + &sig)
}

fn judged(certificate: &Certificate, make: Make) -> Result<Outcome, GitError> {
    tag(certificate, make).verify(&known(&[certificate]), None)
}

fn is_good(result: &Result<Outcome, GitError>) -> bool {
    matches!(result, Ok(Outcome::Verified(_)))
}

#[test]
fn a_given_key_verifies_tags_and_commits() {
    let certificate = Certificate::plain(1);
    let payload = commit_payload(NOON);
    let commit = signed_commit(&payload, &detached(&certificate.key, binary(NOW), &payload));
    for object in [tag(&certificate, binary(NOW)), commit] {
        let Ok(Outcome::Verified(proof)) = object.verify(&known(&[&Certificate::plain(2), &certificate]), None) else {
            panic!("{:?}", object.verify(&known(&[&certificate]), None));
        };
        let Signer::Key { id, fingerprint, vouched, principal } = proof.signer() else { panic!("{proof:?}") };
        assert_eq!(id.as_str(), format!("PGP:{}", hex::encode_upper(certificate.key.fingerprint().as_bytes())));
        assert_eq!((fingerprint.len(), *vouched), (64, true));
        assert_eq!(principal.as_deref(), Some("A Person <a@example.invalid>"));
        let unknown = object.verify(&known(&[&Certificate::plain(2)]), None);
        assert!(matches!(&unknown, Ok(Outcome::UnknownKey { signature: None, key }) if key == id), "{unknown:?}");
    }
}

#[test]
fn weak_digests_are_named() {
    // The crate itself refuses to make such signatures with Ed25519.
    let key = || primary(1, KeyType::Rsa(2048));
    let certified = |hash| Make::new(SignatureType::CertPositive, BIRTH).flags(true).hash(hash);
    let certificate = Certificate::new(key(), certified(HashAlgorithm::Sha256));
    for hash in [HashAlgorithm::Sha384, HashAlgorithm::Sha512] {
        assert!(is_good(&judged(&certificate, binary(NOW).hash(hash))), "{hash}");
    }
    for hash in [HashAlgorithm::Md5, HashAlgorithm::Sha1, HashAlgorithm::Ripemd160] {
        let result = judged(&certificate, binary(NOW).hash(hash));
        assert!(matches!(result, Err(GitError::WeakHash { .. })), "{hash}: {result:?}");
    }
    let result = judged(&certificate, binary(NOW).hash(HashAlgorithm::Sha224));
    assert!(matches!(result, Err(GitError::Unsupported { .. })), "{result:?}");
    let weak = Certificate::new(key(), certified(HashAlgorithm::Sha1));
    let result = judged(&weak, binary(NOW));
    assert!(matches!(result, Err(GitError::WeakHash { .. })), "{result:?}");
    // A revocation counts all the same.
    let mut revoked = certificate;
    revoked.revocations.push(Make::new(SignatureType::KeyRevocation, NOW).hash(HashAlgorithm::Sha1).key(&revoked.key));
    let result = judged(&revoked, binary(NOW));
    assert!(matches!(result, Err(GitError::Revoked { .. })), "{result:?}");
}

#[test]
fn a_key_signs_within_its_life_only() {
    let cert = |make: Make| Certificate::new(primary(1, KeyType::Ed25519Legacy), make);
    let certified = |at| Make::new(SignatureType::CertPositive, at).flags(true);
    let year = cert(certified(BIRTH).key_lasts(365 * DAY));
    assert!(is_good(&judged(&year, binary(NOW))));
    let early = judged(&year, binary(BIRTH - 1));
    assert!(matches!(early, Err(GitError::NotValidYet { .. })), "{early:?}");
    let last = judged(&year, binary(BIRTH + 365 * DAY - 1));
    assert!(is_good(&last), "{last:?}");
    let late = judged(&year, binary(BIRTH + 365 * DAY));
    assert!(matches!(late, Err(GitError::Expired { .. })), "{late:?}");
    // The newest word counts: longer, and shorter.
    let mut changed = cert(certified(BIRTH).key_lasts(30 * DAY));
    changed.users[0].1.push(certified(BIRTH + DAY).key_lasts(365 * DAY).user(&changed.key, &user()));
    assert!(is_good(&judged(&changed, binary(NOW))));
    changed.users[0].1.push(certified(BIRTH + 2 * DAY).key_lasts(30 * DAY).user(&changed.key, &user()));
    assert!(matches!(judged(&changed, binary(NOW)), Err(GitError::Expired { .. })));
    let mut direct = cert(certified(BIRTH));
    direct.direct.push(Make::new(SignatureType::Key, BIRTH).flags(true).key_lasts(DAY).key(&direct.key));
    assert!(matches!(judged(&direct, binary(NOW)), Err(GitError::Expired { .. })));
    // Somebody else's word about its life does not count.
    let mut foreign = cert(certified(BIRTH).key_lasts(30 * DAY));
    let other = primary(2, KeyType::Ed25519Legacy);
    foreign.users[0].1.push(certified(NOW).user(&other, &user()));
    assert!(matches!(judged(&foreign, binary(NOW)), Err(GitError::Expired { .. })));
}

#[test]
fn a_revoked_key_is_refused_for_every_time() {
    for reason in [RevocationCode::NoReason, RevocationCode::KeyCompromised, RevocationCode::KeySuperseded] {
        let revoked = Certificate::plain(1).revoked(NOW + DAY, reason);
        assert!(matches!(judged(&revoked, binary(NOW)), Err(GitError::Revoked { .. })), "{reason:?}");
        // Also if an older copy of the key is there, before or after it.
        for keys in [[&Certificate::plain(1), &revoked], [&revoked, &Certificate::plain(1)]] {
            let result = tag(&revoked, binary(NOW)).verify(&known(&keys), None);
            assert!(matches!(result, Err(GitError::Revoked { .. })), "{result:?}");
        }
    }
    // By somebody else: no.
    let other = Certificate::plain(2).revoked(NOW, RevocationCode::KeyCompromised);
    let mut cert = Certificate::plain(1);
    cert.revocations = other.revocations.clone();
    assert!(is_good(&judged(&cert, binary(NOW))));
    // A user id that is revoked says nothing any more.
    let mut cert = Certificate::plain(1);
    cert.users[0].1.push(Make::new(SignatureType::CertRevocation, NOW).user(&cert.key, &user()));
    assert!(matches!(judged(&cert, binary(NOW)), Err(GitError::NotASigningKey { .. })));
}

#[test]
fn a_key_must_be_one_for_signing_and_speak_for_itself() {
    let key = || primary(1, KeyType::Ed25519Legacy);
    let certified = || Make::new(SignatureType::CertPositive, BIRTH);
    let result = judged(&Certificate::new(key(), certified().flags(false)), binary(NOW));
    assert!(matches!(result, Err(GitError::NotASigningKey { .. })), "{result:?}");
    assert!(is_good(&judged(&Certificate::new(key(), certified()), binary(NOW))), "no flags: what its algorithm can");
    let mut bare = Certificate::plain(1);
    bare.users[0].1 = Certificate::plain(2).users[0].1.clone();
    assert!(matches!(judged(&bare, binary(NOW)), Err(GitError::NotASigningKey { .. })));
    let short = Certificate::new(primary(1, KeyType::Rsa(1024)), certified().flags(true));
    assert!(matches!(judged(&short, binary(NOW)), Err(GitError::WeakKey { bits: 1024, .. })));
}

#[test]
fn a_subkey_signs_if_both_keys_agree() {
    let sub = subkey(9);
    let bound = || Make::new(SignatureType::SubkeyBinding, BIRTH);
    let agreed = || Make::new(SignatureType::KeyBinding, BIRTH);
    let cert = Certificate::plain(1);
    let consent = || Some(cert.consent(&sub, agreed()));
    let payload = tag_payload(NOON);
    let judged = |cert: &Certificate, at| {
        let object = Object::tag(payload.clone() + &detached(&sub, binary(at), &payload));
        object.verify(&known(&[cert]), None)
    };
    let good = cert.clone().bound(&sub, bound().flags(true), consent());
    let Ok(Outcome::Verified(proof)) = judged(&good, NOW) else { panic!("{:?}", judged(&good, NOW)) };
    let name = format!("PGP:{}", hex::encode_upper(cert.key.fingerprint().as_bytes()));
    assert!(matches!(proof.signer(), Signer::Key { id, .. } if *id == name), "known by its primary key");
    let other = Some(Certificate::plain(2).consent(&sub, agreed()));
    let refused = [
        ("no consent", cert.clone().bound(&sub, bound().flags(true), None)),
        ("consent to another", cert.clone().bound(&sub, bound().flags(true), other)),
        ("not for signing", cert.clone().bound(&sub, bound().flags(false), consent())),
        ("no flags", cert.clone().bound(&sub, bound(), consent())),
    ];
    for (what, cert) in refused {
        assert!(matches!(judged(&cert, NOW), Err(GitError::NotASigningKey { .. })), "{what}: {:?}", judged(&cert, NOW));
    }
    let short = cert.clone().bound(&sub, bound().flags(true).key_lasts(DAY), consent());
    assert!(is_good(&judged(&short, BIRTH + 1)));
    assert!(matches!(judged(&short, NOW), Err(GitError::Expired { .. })));
    let mut revoked = good.clone();
    let revocation = Make::new(SignatureType::SubkeyRevocation, NOW + DAY).binding(&revoked.key, &sub);
    revoked.subkeys[0].1.push(revocation);
    assert!(matches!(judged(&revoked, NOW), Err(GitError::Revoked { .. })));
    assert!(matches!(
        judged(&good.clone().revoked(NOW, RevocationCode::KeyRetired), NOW),
        Err(GitError::Revoked { .. })
    ));
    // A binding that another key made.
    let mut stolen = Certificate::plain(2);
    stolen.subkeys = good.subkeys.clone();
    assert!(matches!(judged(&stolen, NOW), Err(GitError::NotASigningKey { .. })), "{:?}", judged(&stolen, NOW));
}

#[test]
fn the_signature_means_what_it_says() {
    let cert = Certificate::plain(1);
    let text = judged(&cert, Make::new(SignatureType::Text, NOW));
    assert!(matches!(text, Err(GitError::Unsupported { .. })), "{text:?}");
    let mut strange = binary(NOW);
    strange.critical.push(SubpacketData::RegularExpression(b".*\0".to_vec().into()));
    assert!(matches!(judged(&cert, strange), Err(GitError::Unsupported { .. })));
    let ends = binary(NOW - 2 * DAY).with(SubpacketData::SignatureExpirationTime(Duration::from_secs(DAY)));
    assert!(matches!(judged(&cert, ends), Err(GitError::SignatureExpired { .. })));
    // Named after another key, beside the right name.
    let other = Certificate::plain(2);
    let named = judged(&cert, binary(NOW).with(SubpacketData::IssuerFingerprint(other.key.fingerprint())));
    assert!(matches!(named, Err(GitError::WrongIssuer { .. })), "{named:?}");
    // Named after a key that did not make it.
    let payload = tag_payload(NOON);
    let mut config = binary(NOW).config(&cert.key);
    config.hashed_subpackets = binary(NOW).config(&other.key).hashed_subpackets;
    config.unhashed_subpackets = binary(NOW).config(&other.key).unhashed_subpackets;
    let nameless = |mut config: pgp::packet::SignatureConfig| {
        config.hashed_subpackets.truncate(1);
        config.unhashed_subpackets.clear();
        config
    };
    let made = |config: pgp::packet::SignatureConfig| {
        let sig = config.sign(&cert.key, &"".into(), payload.as_bytes()).expect("a signature");
        Object::tag(payload.clone() + &armored(sig)).verify(&known(&[&cert, &other]), None)
    };
    let result = made(nameless(config.clone()));
    assert!(matches!(result, Err(GitError::MalformedSignature { .. })), "{result:?}");
    assert!(matches!(made(config), Err(GitError::BadSignature { .. })));
}

#[test]
fn a_block_holds_one_signature_and_fits_its_checksum() {
    let cert = Certificate::plain(1);
    let payload = tag_payload(NOON);
    let sig = detached(&cert.key, binary(NOW), &payload);
    let judged = |block: &str| Object::tag(format!("{payload}{block}")).verify(&known(&[&cert]), None);
    assert!(is_good(&judged(&sig)));
    let (body, sum) = sig.rsplit_once("\n=").expect("a checksum");
    let wrong = judged(&format!("{body}\n=AAAA{}", &sum[4..]));
    assert!(matches!(wrong, Err(GitError::MalformedSignature { form: "PGP", .. })), "{wrong:?}");
    let bytes = STANDARD.decode(body.lines().skip(2).collect::<String>()).expect("base64");
    let block = |bytes: &[u8]| {
        format!("-----BEGIN PGP SIGNATURE-----\n\n{}\n-----END PGP SIGNATURE-----\n", STANDARD.encode(bytes))
    };
    assert!(is_good(&judged(&block(&bytes))), "a checksum is not asked for");
    assert_eq!(judged(&block(&[bytes.clone(), bytes.clone()].concat())), Err(GitError::ManySignatures(2)));
    for more in [&[0xc2][..], &[0x00], &[0xcb, 0], &[0xca, 3, b'P', b'G', b'P']] {
        let result = judged(&block(&[&bytes, more].concat()));
        assert!(matches!(result, Err(GitError::MalformedSignature { form: "PGP", .. })), "{more:?}: {result:?}");
    }
}

#[test]
fn a_file_of_keys_is_taken_whole_or_not_at_all() {
    let good = Certificate::plain(1).armored();
    let refused = [
        (String::new(), 0),
        ("no keys here".to_owned(), 0),
        (good.replace("PUBLIC KEY", "PRIVATE KEY"), 0),
        (good.replace("-----END", "-----"), 1),
        (format!("{good}{}", good.replace("xj", "x?")), 2),
        (format!("{good}{}", good.replace("KEY", "K?Y")), 1),
        (format!("{}{good}", good.replace("PUBLIC KEY", "PRIVATE KEY")), 1),
        ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n".to_owned(), 1),
    ];
    for (text, number) in refused {
        let result = Signers::none().with_pgp_keys(&text, "keys.asc");
        assert!(matches!(&result, Err(SignersError::Pgp { block, .. }) if *block == number), "{text:.60}: {result:?}");
    }
    // Cut off before its last packet's end, with a checksum or without: what is lost might be a revocation.
    let whole = Certificate::plain(1).revoked(NOW, RevocationCode::KeyCompromised).armored();
    let body: Vec<&str> = whole.lines().filter(|line| !line.starts_with(['-', '='])).collect();
    for lines in 2..body.len() {
        let cut = format!(
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n{}\n-----END PGP PUBLIC KEY BLOCK-----\n",
            body[..lines].join("\n")
        );
        let result = Signers::none().with_pgp_keys(&cut, "keys.asc");
        assert!(matches!(result, Err(SignersError::Pgp { block: 1, .. })), "{lines}: {result:?}");
    }
    // A revocation whose packet is there and whose content is not: the crate passes over such packets.
    let body =
        |text: &str| STANDARD.decode(text.lines().filter(|line| !line.starts_with(['-', '='])).collect::<String>());
    let bytes = [body(&Certificate::plain(1).armored()).expect("base64"), vec![0xc2, 3, 4, 0x20, 22]].concat();
    let block = |bytes: &[u8]| {
        format!(
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{}\n-----END PGP PUBLIC KEY BLOCK-----\n",
            STANDARD.encode(bytes)
        )
    };
    assert!(Signers::none().with_pgp_keys(&block(&bytes[..bytes.len() - 5]), "keys.asc").is_ok());
    let result = Signers::none().with_pgp_keys(&block(&bytes), "keys.asc");
    assert!(matches!(result, Err(SignersError::Pgp { block: 1, .. })), "{result:?}");
    let long = " ".repeat(1024 * 1024 + 1);
    assert!(matches!(Signers::none().with_pgp_keys(&long, "keys.asc"), Err(SignersError::TooLong { .. })));
}
