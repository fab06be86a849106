//! What holds and what does not: signatures of ssh-keygen and of this crate, people and keys, and every byte altered in turn.
use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::{
    approval::{
        Approval, Approvals, Approved, Difference, Envelope, Import, Line, PublicKey, Reviewer, Revocation, Signers,
        Statement, Summary, ToldIds, pae,
    },
    check::CheckStatus,
    config::Isolation,
    digest::{ClosureId, Digest, Digests, ManifestId},
    time::Timestamp,
};
use mcpsec_testkit::SshSigner;

use super::{Key, Locked, NAMESPACE, Refusal, SignatureError, Source, Standing, check, weigh};

const NOW: &str = "2026-11-23T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().expect("instant")
}

/// What is locked.
fn locked() -> Approved {
    let digests: Digests = [Digest::sha512_of(b"tarball"), Digest::sha256_of(b"tarball")].into_iter().collect();
    Approved {
        server: "files".parse().expect("name"),
        spec: "npm:files@^1".to_owned(),
        purl: "pkg:npm/files@1.0.0".to_owned(),
        version: "1.0.0".to_owned(),
        entry: "npm-bin:files".to_owned(),
        command: None,
        artifacts: BTreeMap::from([("files-1.0.0.tgz".to_owned(), digests)]),
        closure: ClosureId::of(b"closure"),
        told: Some(ToldIds { manifest: ManifestId::of(b"told"), unstable: None, isolation: Isolation::Landlock }),
    }
}

fn rules() -> Digest {
    Digest::sha256_of(b"policy")
}

fn approval(name: &str, key: &PublicKey) -> Approval {
    Approval {
        what: locked(),
        criteria: ["reviewed".parse().expect("word")].into(),
        reviewer: Reviewer { name: name.to_owned(), key: key.fingerprint() },
        reason: "read it".to_owned(),
        issued: "2026-11-01T00:00:00Z".parse().expect("instant"),
        expires: "2027-11-01T00:00:00Z".parse().expect("instant"),
        rules: rules(),
        summary: Summary {
            packages: Some(BTreeMap::from([("npm:files@1.0.0".to_owned(), "0123456789abcdef".to_owned())])),
            told: None,
        },
    }
}

fn of(approval: Approval) -> Statement {
    Statement::Approval(Box::new(approval))
}

/// A person with a key whose private half ssh-keygen made.
struct Person {
    name: &'static str,
    signer: SshSigner,
    key: Key,
}

impl Person {
    fn new(name: &'static str) -> Self {
        Self::with(name, &["-t", "ed25519"])
    }

    fn with(name: &'static str, kind: &[&str]) -> Self {
        let signer = SshSigner::of(kind, "");
        let key = Key::parse(&std::fs::read_to_string(signer.key_file()).expect("key file")).expect("a private key");
        Self { name, signer, key }
    }

    fn signs(&self, change: impl FnOnce(&mut Approval)) -> Envelope {
        let mut approval = approval(self.name, self.key.public());
        change(&mut approval);
        self.key.sign(&of(approval)).expect("signature")
    }

    fn entry(&self, more: &str) -> String {
        format!("[[signer]]\nname = \"{}\"\nkey = \"{}\"\n{more}\n", self.name, self.signer.public_key())
    }
}

fn signers(text: &str) -> Signers {
    Signers::parse(text, "mcp-signers").expect("signers")
}

fn lines(envelopes: &[Envelope]) -> Approvals {
    let text: String = envelopes.iter().map(|envelope| envelope.to_line() + "\n").collect();
    Approvals::parse(&text, "mcp-approvals.jsonl").expect("approvals")
}

fn standing_at(envelopes: &[Envelope], signers: &Signers, required: u32, now: Timestamp) -> Standing {
    let approvals = lines(envelopes);
    let what = locked();
    let statements = approvals.about(&what.server, "mcp-approvals.jsonl").expect("statements");
    let summary = Summary::default();
    let locked = Locked { what: &what, summary: &summary, rules: rules(), required };
    weigh(&[Source { import: None, statements }], signers, locked, now)
}

fn standing(envelopes: &[Envelope], signers: &Signers, required: u32) -> Standing {
    standing_at(envelopes, signers, required, now())
}

/// Why the one approval does not count.
fn refusal(envelopes: &[Envelope], signers: &Signers) -> Refusal {
    let standing = standing(envelopes, signers, 1);
    assert!(!standing.is_met(), "must not count");
    standing.approvals.first().expect("an approval").counts.clone().expect_err("must be refused")
}

#[test]
fn every_kind_of_key_signs_and_ssh_keygen_accepts_it() {
    for kind in [&["-t", "ed25519"][..], &["-t", "ecdsa", "-b", "256"], &["-t", "ecdsa", "-b", "384"]] {
        // The two numbers of ECDSA have leading zeros now and then.
        let person = Person::with("ada", kind);
        for round in 0..20 {
            let envelope = person.signs(|approval| approval.reason = format!("round {round}"));
            let key = PublicKey::parse(&person.signer.public_key()).expect("public key");
            assert_eq!(check(&key, &envelope, &key.fingerprint()), Ok(()), "{kind:?}");
            let pem = ssh_pem(envelope.signature());
            assert!(person.signer.accepts("ada", NAMESPACE, &pae(envelope.payload()), &pem), "{kind:?}");
            assert!(!person.signer.accepts("ada", "git", &pae(envelope.payload()), &pem), "the namespace is signed");
        }
        let standing = standing(&[person.signs(|_| ())], &signers(&person.entry("")), 1);
        assert_eq!(standing.check("files").status, CheckStatus::Pass);
    }
}

#[test]
fn what_ssh_keygen_signs_is_accepted() {
    for kind in [
        &["-t", "ed25519"][..],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "ecdsa", "-b", "521"],
        &["-t", "rsa", "-b", "2048"],
    ] {
        let signer = SshSigner::of(kind, "");
        let key = PublicKey::parse(&signer.public_key()).expect("public key");
        for _ in 0..5 {
            let payload = of(approval("ada", &key)).to_payload();
            let sign = |namespace: &str| {
                Envelope::new(payload.clone(), key.fingerprint(), unarmored(&signer.sign(namespace, &pae(&payload))))
            };
            let envelope = sign(NAMESPACE);
            assert_eq!(check(&key, &envelope, &key.fingerprint()), Ok(()), "{kind:?}");
            let git = check(&key, &sign("git"), &key.fingerprint());
            assert_eq!(git, Err(SignatureError::Namespace("git".to_owned())));
            // The payload itself is not what is signed: it could be another protocol's message.
            let raw = unarmored(&signer.sign(NAMESPACE, &payload));
            let raw = Envelope::new(payload.clone(), key.fingerprint(), raw);
            assert_eq!(check(&key, &raw, &key.fingerprint()), Err(SignatureError::Bad), "no encoding around it");
        }
    }
}

#[test]
fn pem_keys_sign_plainly_and_only_so() {
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
    };
    let random = SystemRandom::new();
    let documents = [
        Ed25519KeyPair::generate_pkcs8(&random).expect("key").as_ref().to_vec(),
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("key").as_ref().to_vec(),
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, &random).expect("key").as_ref().to_vec(),
    ];
    for der in documents {
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
        let key = Key::parse(&pem).expect("private key");
        let envelope = key.sign(&of(approval("ada", key.public()))).expect("signature");
        assert_eq!(check(key.public(), &envelope, &key.public().fingerprint()), Ok(()));
        // The same key, written as an SSH key, wants an SSH signature: the form is the file's to choose, not the envelope's.
        let as_ssh = PublicKey::from_blob(key.public().blob(), "").expect("key");
        assert_eq!(as_ssh, *key.public());
        assert!(matches!(check(&as_ssh, &envelope, &as_ssh.fingerprint()), Err(SignatureError::Form(_))));
    }
    // And the other way round.
    let person = Person::new("ada");
    let raw = person.key.public().raw().expect("32 bytes").to_vec();
    let spki = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..], &raw].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(spki));
    let as_pem = PublicKey::parse(&pem).expect("key");
    let envelope = person.signs(|_| ());
    assert!(matches!(check(&as_pem, &envelope, &as_pem.fingerprint()), Err(SignatureError::Form(_))));
}

/// A virtual security key: what it signs is PROTOCOL.u2f.
#[test]
fn security_keys_count_when_they_were_touched() {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("key");
    let put = |out: &mut Vec<u8>, bytes: &[u8]| {
        out.extend_from_slice(&u32::try_from(bytes.len()).expect("length").to_be_bytes());
        out.extend_from_slice(bytes);
    };
    let mut blob = Vec::new();
    for part in [&b"sk-ssh-ed25519@openssh.com"[..], pair.public_key().as_ref(), b"ssh:"] {
        put(&mut blob, part);
    }
    let key = PublicKey::from_blob(&blob, "").expect("key");
    let statement = of(approval("ada", &key));
    let signed = |flags: u8, claimed: u8| {
        let request = super::Request::new(&key, &statement);
        let sha256 = |bytes: &[u8]| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let trailer = |flags: u8| [flags, 0, 0, 0, 9];
        let hashed = sha256(&request.to_be_signed());
        let message = [sha256(b"ssh:").as_ref(), &trailer(flags), hashed.as_ref()].concat();
        let data = [pair.sign(&message).as_ref(), &trailer(claimed)].concat();
        request.complete("sk-ssh-ed25519@openssh.com", &data)
    };
    assert_eq!(check(&key, &signed(1, 1), &key.fingerprint()), Ok(()));
    assert_eq!(check(&key, &signed(0, 0), &key.fingerprint()), Err(SignatureError::Untouched));
    assert_eq!(check(&key, &signed(0, 1), &key.fingerprint()), Err(SignatureError::Bad), "the flags are signed");
}

#[test]
fn every_byte_of_an_envelope_counts() {
    let person = Person::new("ada");
    let signers = signers(&person.entry(""));
    let good = person.signs(|_| ()).to_line();
    assert!(standing(&[Envelope::parse(&good).expect("envelope")], &signers, 1).is_met());
    let mut tried = 0;
    for at in 0..good.len() {
        for flip in [0x01, 0x02, 0x20] {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= flip;
            let Ok(line) = String::from_utf8(bytes) else { continue };
            tried += 1;
            let text = line.clone() + "\n";
            let met = Approvals::parse(&text, "x").ok().and_then(|approvals| {
                let what = locked();
                let statements = approvals.about(&what.server, "x").ok()?;
                let locked = Locked { what: &what, summary: &Summary::default(), rules: rules(), required: 1 };
                Some(weigh(&[Source { import: None, statements }], &signers, locked, now()).is_met())
            });
            assert_ne!(met, Some(true), "byte {at} with {flip:#x}: {line}");
        }
    }
    assert!(tried > 3000, "{tried}");
}

/// Each field altered in turn, twice: signed by whoever altered it (nothing but the signature is wrong), and signed anew by the
/// right key (then what differs from the lock is).
#[test]
fn every_field_of_a_statement_counts() {
    let person = Person::new("ada");
    let signers = signers(&person.entry(""));
    type Change = Box<dyn Fn(&mut Approval)>;
    let change = |change: fn(&mut Approval)| -> Change { Box::new(change) };
    let told = |change: fn(&mut ToldIds)| -> Change {
        Box::new(move |approval| change(approval.what.told.as_mut().expect("told")))
    };
    let differs: Vec<(&str, Change)> = vec![
        ("server", change(|a| a.what.server = "other".parse().expect("name"))),
        ("spec", change(|a| a.what.spec = "npm:files@^2".to_owned())),
        ("purl", change(|a| a.what.purl = "pkg:npm/filez@1.0.0".to_owned())),
        ("version", change(|a| a.what.version = "1.0.1".to_owned())),
        ("entry", change(|a| a.what.entry = "npm-bin:other".to_owned())),
        ("command", change(|a| a.what.command = Some("other".to_owned()))),
        (
            "artifact",
            change(|a| {
                let other: Digests = [Digest::sha512_of(b"evil")].into_iter().collect();
                a.what.artifacts.insert("files-1.0.0.tgz".to_owned(), other);
            }),
        ),
        ("artifacts", change(|a| a.what.artifacts.clear())),
        ("closure", change(|a| a.what.closure = ClosureId::of(b"other"))),
        ("told", change(|a| a.what.told = None)),
        ("manifest", told(|told| told.manifest = ManifestId::of(b"other"))),
        ("unstable", told(|told| told.unstable = Some(Digest::sha256_of(b"other")))),
        ("isolation", told(|told| told.isolation = Isolation::None)),
    ];
    let own: Vec<(&str, Change)> = vec![
        ("criteria", change(|a| a.criteria = ["tried".parse().expect("word")].into())),
        ("reviewer", change(|a| a.reviewer.name = "bob".to_owned())),
        ("key", change(|a| a.reviewer.key = "SHA256:x".to_owned())),
        ("reason", change(|a| a.reason = "no reason".to_owned())),
        ("issued", change(|a| a.issued = "2026-11-02T00:00:00Z".parse().expect("instant"))),
        ("expires", change(|a| a.expires = "2029-11-01T00:00:00Z".parse().expect("instant"))),
        ("policy", change(|a| a.rules = Digest::sha256_of(b"other"))),
        ("packages", change(|a| a.summary.packages = None)),
        ("words", change(|a| a.summary.told = Some(BTreeMap::new()))),
    ];
    let good = person.signs(|_| ());
    for (field, alter) in differs.iter().chain(&own) {
        let mut altered = approval(person.name, person.key.public());
        alter(&mut altered);
        let payload = of(altered).to_payload();
        assert_ne!(payload, good.payload(), "{field} is signed");
        let forged = Envelope::new(payload, good.keyid(), good.signature().to_vec());
        assert!(!standing(&[forged], &signers, 1).is_met(), "{field} under the old signature");
    }
    for (field, alter) in &differs {
        let signed = person.signs(|approval| alter(approval));
        let standing = standing(&[signed], &signers, 1);
        assert!(!standing.is_met(), "{field} signed anew is another approval");
        if *field != "server" {
            let counts = &standing.approvals.first().expect("an approval").counts;
            assert!(matches!(counts, Err(Refusal::Differs(_))), "{field}: {counts:?}");
        }
    }
}

#[test]
fn replays_have_words() {
    let person = Person::new("ada");
    let signers = signers(&person.entry(""));
    let other_version = refusal(&[person.signs(|a| a.what.version = "0.9.0".to_owned())], &signers);
    assert_eq!(
        other_version,
        Refusal::Differs(vec![Difference::Version { approved: "0.9.0".to_owned(), now: "1.0.0".to_owned() }])
    );
    let standing = standing(&[person.signs(|a| a.what.version = "0.9.0".to_owned())], &signers, 1);
    let told = standing.check("files");
    assert_eq!(
        told.status.reason(),
        Some(
            "nobody approved this, and the policy asks for 1; the one of ada does not count: it is for version 0.9.0, and \
             mcp.lock has 1.0.0"
        )
    );
    assert_eq!(told.hint.as_deref(), Some("mcpsec approve files"));
    let other_closure = refusal(&[person.signs(|a| a.what.closure = ClosureId::of(b"x"))], &signers);
    assert_eq!(other_closure, Refusal::Differs(vec![Difference::Closure]));
    // Another server's approval is not even looked at: it is about something else.
    let elsewhere = person.signs(|a| a.what.server = "other".parse().expect("name"));
    assert!(lines(&[elsewhere]).about(&locked().server, "x").expect("read").is_empty());
    // What mentions this server in its words only is about the other one.
    let sly = person.signs(|a| {
        a.what.server = "other".parse().expect("name");
        a.reason = r#""server":"files""#.to_owned();
    });
    assert!(lines(&[sly]).about(&locked().server, "x").expect("read").is_empty());
}

#[test]
fn people_are_counted_and_not_signatures() {
    let (ada, bob, eve) = (Person::new("ada"), Person::new("bob"), Person::new("eve"));
    let second = Person::new("ada");
    let entries = [ada.entry(""), bob.entry(""), eve.entry(""), second.entry("")].concat();
    let signers = signers(&entries);
    let one = ada.signs(|_| ());
    assert!(!standing(std::slice::from_ref(&one), &signers, 2).is_met());
    assert!(!standing(&[one.clone(), one.clone()], &signers, 2).is_met(), "one line twice");
    let again = ada.signs(|a| a.reason = "once more".to_owned());
    assert!(!standing(&[one.clone(), again], &signers, 2).is_met(), "one person twice");
    assert!(!standing(&[one.clone(), second.signs(|_| ())], &signers, 2).is_met(), "two keys of one person");
    for others in [&bob, &eve] {
        assert!(standing(&[one.clone(), others.signs(|_| ())], &signers, 2).is_met(), "two of three");
    }
    let stranger = Person::new("zoe");
    assert!(!standing(&[one, stranger.signs(|_| ())], &signers, 2).is_met(), "a stranger");
    assert!(matches!(refusal(&[stranger.signs(|_| ())], &signers), Refusal::Unknown(_)));
}

#[test]
fn a_key_is_not_another_and_does_not_lend_its_name() {
    let (ada, bob) = (Person::new("ada"), Person::new("bob"));
    let signers = signers(&[ada.entry(""), bob.entry("")].concat());
    // Bob signs what says it is Ada's.
    let as_ada = Reviewer { name: "ada".to_owned(), key: ada.key.public().fingerprint() };
    let by_bob = bob.signs(|a| a.reviewer = as_ada.clone());
    assert!(matches!(
        refusal(std::slice::from_ref(&by_bob), &signers),
        Refusal::Signature(SignatureError::Lies { .. })
    ));
    let relabelled = Envelope::new(by_bob.payload().to_vec(), as_ada.key.clone(), by_bob.signature().to_vec());
    let bobs = Refusal::Signature(SignatureError::OtherKey(bob.key.public().fingerprint()));
    assert_eq!(refusal(&[relabelled], &signers), bobs);
    // Bob signs with his own key and calls himself Ada.
    let named = bob.signs(|a| a.reviewer.name = "ada".to_owned());
    assert_eq!(refusal(&[named], &signers), Refusal::Name { stated: "ada".to_owned(), owner: "bob".to_owned() });
    // No signature, and one that is too much.
    let good = ada.signs(|_| ());
    let line = good.to_line();
    let (head, tail) = line.split_once("\"signatures\":[").expect("signatures");
    let none = format!("{head}\"signatures\":[]}}");
    let two = format!("{head}\"signatures\":[{},{tail}", tail.strip_suffix("]}").expect("one signature"));
    for (text, count) in [(none, 0), (two, 2)] {
        let refused = Envelope::parse(&text).expect_err("must be refused");
        assert_eq!(refused, mcpsec_model::approval::EnvelopeError::Signatures(count));
    }
    // The signature of one statement under another.
    let other = ada.signs(|a| a.reason = "other".to_owned());
    let moved = Envelope::new(other.payload().to_vec(), other.keyid(), good.signature().to_vec());
    assert_eq!(refusal(&[moved], &signers), Refusal::Signature(SignatureError::Bad));
}

#[test]
fn algorithms_are_those_of_the_key() {
    let person = Person::new("ada");
    let good = person.signs(|_| ());
    let key = person.key.public();
    let altered = |from: &[u8], to: &[u8]| {
        let bytes = good.signature();
        let at = bytes.windows(from.len()).rposition(|window| window == from).expect("there");
        let bytes = [&bytes[..at], to, &bytes[at + from.len()..]].concat();
        check(key, &Envelope::new(good.payload().to_vec(), good.keyid(), bytes), good.keyid())
    };
    assert_eq!(altered(b"ssh-ed25519", b"ssh-ed25519"), Ok(()));
    assert_eq!(altered(b"ssh-ed25519", b"ssh-ed25518"), Err(SignatureError::Algorithm("ssh-ed25518".to_owned())));
    assert_eq!(altered(b"sha512", b"sha256"), Err(SignatureError::Bad));
    assert_eq!(altered(b"sha512", b"sha1\0\0"), Err(SignatureError::Algorithm("sha1\\u{0}\\u{0}".to_owned())));
    assert!(matches!(altered(b"SSHSIG", b"SSHSIH"), Err(SignatureError::Form(_))));
    assert!(matches!(altered(&[0, 0, 0, 1], &[0, 0, 0, 0]), Err(SignatureError::Form(_))), "version");
    let longer = [good.signature(), b"x"].concat();
    let longer = check(key, &Envelope::new(good.payload().to_vec(), good.keyid(), longer), good.keyid());
    assert!(matches!(longer, Err(SignatureError::Form(_))), "something behind it");
}

#[test]
fn keys_and_approvals_have_their_time() {
    let person = Person::new("ada");
    let good = || person.signs(|_| ());
    let with = |more: &str| signers(&person.entry(more));
    let counts = |more: &str| standing(&[good()], &with(more), 1).is_met();
    assert!(counts("valid-from = 2026-11-01\nvalid-until = 2026-11-01"), "both days count");
    for more in [
        "valid-from = 2026-11-02",
        "valid-until = 2026-10-31",
        "revoked = { date = 2026-11-23, reason = \"lost\" }",
        "revoked = { date = 2020-01-01, reason = \"lost\" }",
    ] {
        assert!(!counts(more), "{more}");
        assert!(matches!(refusal(&[good()], &with(more)), Refusal::Key(_)), "{more}");
    }
    assert!(counts("revoked = { date = 2026-11-24, reason = \"leaves tomorrow\" }"));
    let at = |text: &str| standing_at(&[good()], &with(""), 1, text.parse().expect("instant")).is_met();
    assert!(at("2027-10-31T23:59:59Z") && !at("2027-11-01T00:00:00Z"), "expires");
    assert!(at("2026-10-31T23:00:00Z") && !at("2026-10-31T22:59:59Z"), "an hour ahead is a clock, more is a lie");
}

#[test]
fn criteria_ask_for_roles_and_numbers() {
    let (ada, bob) = (Person::new("ada"), Person::new("bob"));
    let people = [ada.entry("roles = [\"security\"]"), bob.entry("")].concat();
    let asking = |more: &str| signers(&format!("{people}{more}"));
    let both = [ada.signs(|_| ()), bob.signs(|_| ())];
    assert!(standing(&both, &asking("[criteria.reviewed]\nrequired = 2\n"), 1).is_met());
    let by_role = asking("[criteria.reviewed]\nrequired = 1\nroles = [\"security\"]\n");
    assert!(standing(&both[..1], &by_role, 1).is_met());
    assert!(matches!(refusal(&both[1..], &by_role), Refusal::Role { .. }));
    let other = asking("[criteria.tried]\nrequired = 1\n");
    assert!(matches!(refusal(&both[..1], &other), Refusal::Criteria(_)));
    let two = asking("[criteria.reviewed]\n[criteria.tried]\n");
    let standing_of = standing(&both, &two, 1);
    assert!(!standing_of.is_met(), "each criterion has its own number");
    let missing = standing_of.check("files").status.reason().map(str::to_owned).expect("reason");
    assert_eq!(missing, "nobody approved this as `tried`, and mcp-signers asks for 1");
    let same = asking("[criteria.reviewed]\nsame-policy = true\n");
    assert!(standing(&both[..1], &same, 1).is_met());
    let old = [ada.signs(|a| a.rules = Digest::sha256_of(b"weaker"))];
    assert!(matches!(refusal(&old, &same), Refusal::Policy(_)));
    assert!(standing(&old, &asking(""), 1).is_met(), "only who asks for it");
}

fn revokes(person: &Person, what: &Envelope, name: &str) -> Envelope {
    let revocation = Revocation {
        approval: what.id(),
        server: locked().server,
        reviewer: Reviewer { name: name.to_owned(), key: person.key.public().fingerprint() },
        reason: "was wrong".to_owned(),
        issued: "2026-11-20T00:00:00Z".parse().expect("instant"),
    };
    person.key.sign(&Statement::Revocation(Box::new(revocation))).expect("signature")
}

#[test]
fn who_may_take_back_what() {
    let (ada, bob) = (Person::new("ada"), Person::new("bob"));
    let plain = signers(&[ada.entry(""), bob.entry("")].concat());
    let good = ada.signs(|_| ());
    let own = revokes(&ada, &good, "ada");
    let refused = refusal(&[good.clone(), own.clone()], &plain);
    assert_eq!(refused, Refusal::Revoked { by: "ada".to_owned(), reason: "was wrong".to_owned() });
    assert!(!standing(&[own, good.clone()], &plain, 1).is_met(), "whatever the order of lines");
    let by_bob = revokes(&bob, &good, "bob");
    assert!(standing(&[good.clone(), by_bob.clone()], &plain, 1).is_met(), "not by just anybody");
    let admin = signers(&[ada.entry(""), bob.entry("roles = [\"admin\"]")].concat());
    assert!(!standing(&[good.clone(), by_bob.clone()], &admin, 1).is_met());
    let former = "roles = [\"admin\"]\nrevoked = { date = 2026-01-01, reason = \"left\" }";
    let former = signers(&[ada.entry(""), bob.entry(former)].concat());
    assert!(standing(&[good.clone(), by_bob], &former, 1).is_met(), "not with a key that is revoked");
    let forged = Envelope::new(revokes(&ada, &good, "ada").payload().to_vec(), good.keyid(), good.signature().to_vec());
    assert!(standing(&[good.clone(), forged], &plain, 1).is_met(), "not without a signature");
    let again = ada.signs(|a| a.reason = "looked again".to_owned());
    assert!(standing(&[good.clone(), revokes(&ada, &good, "ada"), again], &plain, 1).is_met(), "only that one");
}

#[test]
fn other_teams_count_as_far_as_they_are_let() {
    let (ada, grace, lin) = (Person::new("ada"), Person::new("grace"), Person::new("lin"));
    let import = "[[import]]\nname = \"platform\"\npath = \"platform.jsonl\"\ncriteria = { vetted = \"reviewed\" }\n";
    let entry = grace.entry("").replace("[[signer]]", "[[import.signer]]");
    let signers = signers(&format!("{}{import}{entry}[criteria.reviewed]\nrequired = 2\n", ada.entry("")));
    let vetted = |person: &Person| person.signs(|a| a.criteria = ["vetted".parse().expect("word")].into());
    let met = |own: &[Envelope], theirs: &[Envelope]| {
        let (own, theirs) = (lines(own), lines(theirs));
        let what = locked();
        let read = |approvals: &'_ Approvals| -> Vec<(Line, Statement)> {
            let found = approvals.about(&what.server, "x").expect("statements");
            found.into_iter().map(|(line, statement)| (line.clone(), statement)).collect()
        };
        let (own, theirs) = (read(&own), read(&theirs));
        let sources = [source(None, &own), source(signers.imports.first(), &theirs)];
        let locked = Locked { what: &what, summary: &Summary::default(), rules: rules(), required: 1 };
        weigh(&sources, &signers, locked, now()).is_met()
    };
    let ours = [ada.signs(|_| ())];
    assert!(met(&ours, &[vetted(&grace)]));
    assert!(!met(&ours, &[grace.signs(|_| ())]), "`reviewed` of theirs means nothing here");
    assert!(!met(&ours, &[vetted(&lin)]), "somebody else of their team");
    assert!(!met(&[ada.signs(|_| ()), grace.signs(|_| ())], &[]), "they count in their own file only");
    assert!(!met(&ours, &[vetted(&ada)]), "and we in ours");
}

#[test]
fn private_keys_that_cannot_be_used_say_why() {
    let read = |signer: &SshSigner| std::fs::read_to_string(signer.key_file()).expect("key file");
    let refused = |text: &str| Key::parse(text).map(|_| ()).expect_err("must be refused");
    assert_eq!(refused(&read(&SshSigner::of(&["-t", "ed25519"], "secret"))), super::SignError::Encrypted);
    assert!(matches!(refused(&read(&SshSigner::of(&["-t", "rsa", "-b", "2048"], ""))), super::SignError::Agent(_)));
    assert_eq!(refused(&SshSigner::new().public_key()), super::SignError::Public);
    for text in ["", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"] {
        assert_eq!(refused(text), super::SignError::Form, "{text}");
    }
}

fn source<'a>(import: Option<&'a Import>, statements: &'a [(Line, Statement)]) -> Source<'a> {
    Source { import, statements: statements.iter().map(|(line, statement)| (line, statement.clone())).collect() }
}

fn ssh_pem(bytes: &[u8]) -> String {
    let base64 = STANDARD.encode(bytes);
    let lines: Vec<&str> = base64.as_bytes().chunks(70).filter_map(|chunk| std::str::from_utf8(chunk).ok()).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

fn unarmored(text: &str) -> Vec<u8> {
    let base64: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(base64).expect("base64")
}
