//! X.509 signatures, taken apart and put together wrongly.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cms::{
    content_info::ContentInfo,
    signed_data::{SignedData, SignerInfo, SignerInfos},
};
use der::{
    Any, Decode as _, Encode as _, Tag,
    asn1::{ObjectIdentifier, OctetString, SetOfVec},
};
use mcpsec_model::evidence::{LogEvidence, Signer};
use mcpsec_verify::{
    git::{GitError, Outcome, Signers},
    sigstore::{BundleError, LogFault, TrustRoot},
};

use super::{Object, recorded};

const LOG_ENTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.3.1");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");

fn object(name: &str) -> Option<Object> {
    let found = recorded::objects("x509")?.into_iter().find(|object| object.name.contains(name));
    Some(found.expect("the fixture"))
}

/// The tag that carries its log entry; `None`, which testkit says, without fixtures.
fn witnessed() -> Option<Object> {
    object("gitsign-v0.17.0")
}

fn root() -> TrustRoot {
    TrustRoot::public_good().expect("the embedded root")
}

fn judged(object: &Object) -> Result<Outcome, GitError> {
    object.verify(&Signers::none(), Some(&root()))
}

/// The tag's text, and its signature's structure.
fn apart(object: &Object) -> (String, SignedData) {
    let text = String::from_utf8(object.raw.clone()).expect("text");
    let (payload, block) = text.split_at(text.find("-----BEGIN").expect("a signature"));
    let body: String = block.lines().filter(|line| !line.starts_with('-')).collect();
    let info = ContentInfo::from_der(&STANDARD.decode(body).expect("base64")).expect("CMS");
    (payload.to_owned(), info.content.decode_as().expect("signed data"))
}

fn together(payload: &str, data: &SignedData) -> Object {
    let content = Any::from_der(&data.to_der().expect("DER")).expect("DER");
    let content_type = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
    let der = ContentInfo { content_type, content }.to_der().expect("DER");
    let base64 = STANDARD.encode(der);
    Object::tag(format!("{payload}-----BEGIN SIGNED MESSAGE-----\n{base64}\n-----END SIGNED MESSAGE-----\n"))
}

/// The same tag with its signer changed.
fn changed(object: &Object, change: impl FnOnce(&mut SignerInfo)) -> Object {
    let (payload, mut data) = apart(object);
    let mut signers = data.signer_infos.0.into_vec();
    change(&mut signers[0]);
    data.signer_infos = SignerInfos(SetOfVec::try_from(signers).expect("a set"));
    together(&payload, &data)
}

/// The log entry's bytes.
fn entry(object: &Object) -> Vec<u8> {
    let (_, data) = apart(object);
    let signer = &data.signer_infos.0.as_slice()[0];
    let attributes = signer.unsigned_attrs.as_ref().expect("unsigned attributes");
    let attribute = attributes.iter().find(|attribute| attribute.oid == LOG_ENTRY).expect("a log entry");
    attribute.values.as_slice()[0].value().to_vec()
}

/// The same tag with another log entry.
fn with_entry(object: &Object, bytes: &[u8]) -> Object {
    changed(object, |signer| {
        let value = Any::new(Tag::OctetString, OctetString::new(bytes).expect("bytes").as_bytes()).expect("DER");
        let values = SetOfVec::try_from(vec![value]).expect("a set");
        let attribute = x509_cert::attr::Attribute { oid: LOG_ENTRY, values };
        signer.unsigned_attrs = Some(SetOfVec::try_from(vec![attribute]).expect("a set"));
    })
}

/// A protobuf message's fields: number, and all of its bytes.
fn fields(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let varint = |bytes: &[u8]| {
        let length = bytes.iter().position(|byte| byte & 0x80 == 0).expect("a number") + 1;
        let value = bytes[..length].iter().rev().fold(0_usize, |value, byte| value << 7 | usize::from(byte & 0x7f));
        (length, value)
    };
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let (length, value) = varint(&bytes[1..]);
        let whole = if bytes[0] & 7 == 2 { 1 + length + value } else { 1 + length };
        out.push((bytes[0] >> 3, bytes[..whole].to_vec()));
        bytes = &bytes[whole..];
    }
    out
}

fn without(bytes: &[u8], number: u8) -> Vec<u8> {
    fields(bytes).into_iter().filter(|(found, _)| *found != number).flat_map(|(_, bytes)| bytes).collect()
}

#[test]
fn gitsign_with_its_log_entry_says_who_and_when() {
    let Some(object) = witnessed() else { return };
    let Ok(Outcome::Verified(proof)) = judged(&object) else { panic!("{:?}", judged(&object)) };
    assert_eq!(proof.log(), Some(LogEvidence::Proof));
    assert_eq!(proof.signed_at().map(|time| time.to_string()).as_deref(), Some("2026-07-29T19:44:55Z"));
    let Signer::Identity(identity) = proof.signer() else { panic!("{proof:?}") };
    assert_eq!(identity.issuer, "https://accounts.google.com");
    // Taken apart and put together again, it is the same.
    let (payload, data) = apart(&object);
    assert_eq!(judged(&together(&payload, &data)).map(|outcome| matches!(outcome, Outcome::Verified(_))), Ok(true));
}

#[test]
fn other_roots_do_not_know_the_certificate() {
    let Some(object) = witnessed() else { return };
    for root in [None, Some(TrustRoot::git_host().expect("a root"))] {
        let result = object.verify(&Signers::none(), root.as_ref());
        assert!(matches!(result, Ok(Outcome::UnknownKey { signature: Some(_), .. })), "{root:?}: {result:?}");
    }
    // An authority of the same name, and not the same: so would a forged certificate look.
    let result = object.verify(&Signers::none(), Some(&TrustRoot::staging().expect("a root")));
    assert!(matches!(result, Err(GitError::Certificate { .. })), "{result:?}");
}

#[test]
fn evidence_of_the_log_that_is_missing_weakens_and_that_is_wrong_refuses() {
    let Some(object) = witnessed() else { return };
    let bytes = entry(&object);
    let none = changed(&object, |signer| signer.unsigned_attrs = None);
    assert!(matches!(judged(&none), Ok(Outcome::Unwitnessed { signer: Signer::Identity(_), .. })));
    let Ok(Outcome::Verified(promised)) = judged(&with_entry(&object, &without(&bytes, 6))) else {
        panic!("the promise holds");
    };
    assert_eq!(promised.log(), Some(LogEvidence::Promise));
    type Check = fn(&GitError) -> bool;
    let witness = |error: &GitError| matches!(error, GitError::Witness(_));
    let malformed = |error: &GitError| matches!(error, GitError::MalformedSignature { .. });
    let no_time =
        |error: &GitError| matches!(error, GitError::Witness(error) if matches!(**error, BundleError::NoTime(_)));
    let unknown = |error: &GitError| matches!(error, GitError::Witness(error) if matches!(**error, BundleError::Log(LogFault::UnknownLog(_))));
    let part = |number: u8| fields(&bytes).into_iter().find(|(found, _)| *found == number).expect("a part").1;
    let mut later = part(4);
    later[1] ^= 1;
    let mut log = part(2);
    *log.last_mut().expect("bytes") ^= 1;
    let mut kind = part(3);
    kind[4] ^= 1;
    let cases: [(&str, Vec<u8>, Check); 10] = [
        ("no promise: no time", without(&bytes, 5), no_time),
        ("neither", without(&without(&bytes, 5), 6), witness),
        ("another time", [without(&bytes, 4), later].concat(), witness),
        ("another log", [without(&bytes, 2), log].concat(), unknown),
        ("no time", without(&bytes, 4), witness),
        ("another kind", [without(&bytes, 3), kind].concat(), |error| matches!(error, GitError::Unsupported { .. })),
        ("a part twice", [bytes.clone(), part(4)].concat(), malformed),
        ("cut off", bytes[..bytes.len() - 1].to_vec(), malformed),
        ("nothing", Vec::new(), |error| matches!(error, GitError::Unsupported { .. })),
        ("a group", [bytes.clone(), vec![0x3b]].concat(), malformed),
    ];

    for (what, bytes, check) in cases {
        match judged(&with_entry(&object, &bytes)) {
            Err(error) if check(&error) => {}
            other => panic!("{what}: {other:?}"),
        }
    }
    // The entry of another signature.
    let other = self::object("gitsign-v0.11.0").expect("the fixture");
    let moved = judged(&with_entry(&other, &bytes));
    assert!(matches!(moved, Err(GitError::Witness(_))), "{moved:?}");
}

#[test]
fn the_envelope_has_one_reading() {
    let Some(object) = witnessed() else { return };
    let malformed = |what: &str, object: &Object| {
        let result = judged(object);
        assert!(matches!(result, Err(GitError::MalformedSignature { form: "X.509", .. })), "{what}: {result:?}");
    };
    malformed("no signed attributes", &changed(&object, |signer| signer.signed_attrs = None));
    let drop_attribute = |oid: ObjectIdentifier| {
        changed(&object, |signer| {
            let kept = signer.signed_attrs.take().into_iter().flat_map(SetOfVec::into_vec);
            let kept: Vec<_> = kept.filter(|attribute| attribute.oid != oid).collect();
            signer.signed_attrs = Some(SetOfVec::try_from(kept).expect("a set"));
        })
    };
    malformed("no digest", &drop_attribute(MESSAGE_DIGEST));
    malformed("no content type", &drop_attribute(CONTENT_TYPE));
    let (payload, data) = apart(&object);
    let with = |change: &dyn Fn(&mut SignedData)| {
        let mut data = data.clone();
        change(&mut data);
        together(&payload, &data)
    };
    let octets = Any::new(Tag::OctetString, payload.as_bytes()).expect("DER");
    malformed("its own content", &with(&|data| data.encap_content_info.econtent = Some(octets.clone())));
    malformed("no certificate", &with(&|data| data.certificates = None));
    malformed("no signer", &with(&|data| data.signer_infos = SignerInfos(SetOfVec::new())));
    malformed("other content", &with(&|data| data.encap_content_info.econtent_type = LOG_ENTRY));
    malformed("other digests", &with(&|data| data.digest_algorithms = SetOfVec::new()));
    let twice = with(&|data| {
        let mut second = data.signer_infos.0.as_slice()[0].clone();
        second.unsigned_attrs = None;
        let both = vec![data.signer_infos.0.as_slice()[0].clone(), second];
        data.signer_infos = SignerInfos(SetOfVec::try_from(both).expect("a set"));
    });
    assert_eq!(judged(&twice), Err(GitError::ManySignatures(2)));
    let weak = with(&|data| {
        let mut signer = data.signer_infos.0.as_slice()[0].clone();
        signer.digest_alg.oid = SHA1;
        data.digest_algorithms = SetOfVec::try_from(vec![signer.digest_alg.clone()]).expect("a set");
        data.signer_infos = SignerInfos(SetOfVec::try_from(vec![signer]).expect("a set"));
    });
    assert!(matches!(judged(&weak), Err(GitError::WeakHash { .. })), "{:?}", judged(&weak));
    // The signature of another tag by the same person.
    let (other, _) = apart(&self::object("gitsign-v0.11.0").expect("the fixture"));
    assert!(matches!(judged(&together(&other, &data)), Err(GitError::BadSignature { .. })));
    // A digest that fits, over which nobody signed.
    let forged = changed(&object, |signer| {
        let mut attributes = signer.signed_attrs.take().map(SetOfVec::into_vec).unwrap_or_default();
        attributes.retain(|attribute| attribute.oid == MESSAGE_DIGEST || attribute.oid == CONTENT_TYPE);
        signer.signed_attrs = Some(SetOfVec::try_from(attributes).expect("a set"));
    });
    assert!(matches!(judged(&forged), Err(GitError::BadSignature { .. })));
}
