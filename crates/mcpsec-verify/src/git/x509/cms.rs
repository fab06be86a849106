//! The CMS envelope: exactly one signer, signed attributes that name the payload's digest, and the signer's certificate.
use cms::{
    cert::CertificateChoices,
    content_info::{CmsVersion, ContentInfo},
    signed_data::{SignedData, SignerIdentifier, SignerInfo},
};
use der::{
    Decode as _, Encode as _,
    asn1::{ObjectIdentifier, OctetStringRef},
};
use jiff::Timestamp;
use mcpsec_model::text::Untrusted;
use x509_cert::{Certificate, attr::Attributes, ext::pkix::SubjectKeyIdentifier};

use super::{Form, GitError, proto::Entry};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const MD5: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.5");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
/// Where gitsign puts the log's entry: a serialised `TransparencyLogEntry` of Sigstore's protobuf specification.
const LOG_ENTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.3.1");

/// How many certificates may come along.
const MAX_CERTIFICATES: usize = 16;

/// A digest that may be signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// What was read of the envelope.
pub(super) struct Envelope {
    signer: SignerInfo,
    hash: Hash,
    /// The DER of the signed attributes as the SET that is signed.
    signed: Vec<u8>,
    leaf: Certificate,
    leaf_der: Vec<u8>,
    others: Vec<Vec<u8>>,
}

fn malformed(what: &'static str) -> GitError {
    Form::X509.malformed(what)
}

impl Envelope {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, GitError> {
        let info = ContentInfo::from_der(bytes).map_err(|_| malformed("not a CMS structure in DER"))?;
        if info.content_type != SIGNED_DATA {
            return Err(malformed("not signed data"));
        }
        let data: SignedData = info.content.decode_as().map_err(|_| malformed("not signed data"))?;
        if data.encap_content_info.econtent_type != DATA {
            return Err(malformed("its content is not plain data"));
        }
        if data.encap_content_info.econtent.is_some() {
            return Err(malformed("it carries its own content"));
        }
        let mut signers = data.signer_infos.0.into_vec();
        let signer = match (signers.pop(), signers.len()) {
            (Some(signer), 0) => signer,
            (None, _) => return Err(malformed("no signer")),
            (Some(_), more) => return Err(GitError::ManySignatures(more + 1)),
        };
        // RFC 5652 sections 5.1 and 5.3. Neither field changes what is verified; each has one right value all the same.
        let version = match signer.sid {
            SignerIdentifier::IssuerAndSerialNumber(_) => CmsVersion::V1,
            SignerIdentifier::SubjectKeyIdentifier(_) => CmsVersion::V3,
        };
        if signer.version != version || data.version != version {
            return Err(malformed("versions that do not fit its signer"));
        }
        match data.digest_algorithms.as_slice() {
            [algorithm] if *algorithm == signer.digest_alg => {}
            _ => return Err(malformed("digest algorithms that are not its signer's")),
        }
        let mut certificates = Vec::new();
        for choice in data.certificates.iter().flat_map(|set| set.0.iter()) {
            let CertificateChoices::Certificate(certificate) = choice else {
                return Err(malformed("a certificate that is not X.509"));
            };
            if certificates.len() == MAX_CERTIFICATES {
                return Err(malformed("more than 16 certificates"));
            }
            let der = certificate.to_der().map_err(|_| malformed("a certificate that is not DER"))?;
            certificates.push((certificate.clone(), der));
        }
        let named = certificates.iter().position(|(certificate, _)| is_named(certificate, &signer.sid));
        let (leaf, leaf_der) = certificates.remove(named.ok_or(malformed("the signer's certificate is missing"))?);
        let attributes = signer.signed_attrs.as_ref().ok_or(malformed("no signed attributes"))?;
        let signed = attributes.to_der().map_err(|_| malformed("signed attributes that are not DER"))?;
        let hash = hash(&signer.digest_alg.oid, &subject(&leaf))?;
        Ok(Self {
            hash,
            signed,
            leaf,
            leaf_der,
            others: certificates.into_iter().map(|(_, der)| der).collect(),
            signer,
        })
    }

    /// The signed attributes speak of this payload.
    pub(super) fn binds(&self, payload: &[u8], key: &str) -> Result<(), GitError> {
        let attributes = self.signer.signed_attrs.as_ref().ok_or(malformed("no signed attributes"))?;
        let content: ObjectIdentifier =
            only(attributes, CONTENT_TYPE)?.ok_or(malformed("no content type attribute")).and_then(|der| {
                ObjectIdentifier::from_der(&der).map_err(|_| malformed("a content type that is none"))
            })?;
        if content != DATA {
            return Err(malformed("its content type attribute is not plain data"));
        }
        let digest = only(attributes, MESSAGE_DIGEST)?.ok_or(malformed("no message digest attribute"))?;
        let digest = OctetStringRef::from_der(&digest).map_err(|_| malformed("a message digest that is none"))?;
        if digest.as_bytes() != self.hash.of(payload).as_ref() {
            return Err(GitError::BadSignature { form: Form::X509.as_str(), key: key.to_owned() });
        }
        Ok(())
    }

    /// The log's entry, if the signature brings one along.
    pub(super) fn witness(&self) -> Result<Option<Entry>, GitError> {
        let Some(attributes) = &self.signer.unsigned_attrs else { return Ok(None) };
        let Some(der) = only(attributes, LOG_ENTRY)? else { return Ok(None) };
        let bytes = OctetStringRef::from_der(&der).map_err(|_| malformed("a log entry that is no octet string"))?;
        Entry::read(bytes.as_bytes()).map(Some).map_err(malformed)
    }

    pub(super) fn hash(&self) -> Hash {
        self.hash
    }

    /// What is signed.
    pub(super) fn signed(&self) -> &[u8] {
        &self.signed
    }

    pub(super) fn signature(&self) -> &[u8] {
        self.signer.signature.as_bytes()
    }

    pub(super) fn algorithm(&self) -> &ObjectIdentifier {
        &self.signer.signature_algorithm.oid
    }

    pub(super) fn certificate(&self) -> &Certificate {
        &self.leaf
    }

    /// The signer's certificate, DER.
    pub(super) fn leaf(&self) -> &[u8] {
        &self.leaf_der
    }

    /// The other certificates, DER.
    pub(super) fn others(&self) -> impl Iterator<Item = &[u8]> {
        self.others.iter().map(Vec::as_slice)
    }

    pub(super) fn not_before(&self) -> Result<Timestamp, GitError> {
        let start = self.leaf.tbs_certificate.validity.not_before.to_unix_duration().as_secs();
        i64::try_from(start)
            .ok()
            .and_then(|start| Timestamp::from_second(start).ok())
            .ok_or(malformed("a certificate whose start is no time"))
    }

    /// The certificate's subject for people, escaped.
    pub(super) fn subject(&self) -> String {
        subject(&self.leaf)
    }

    /// `SHA256:` and the digest of the public key's DER, as OpenSSH writes digests.
    pub(super) fn key_id(&self) -> String {
        use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
        format!("SHA256:{}", STANDARD_NO_PAD.encode(self.key_digest()))
    }

    /// SHA-256 of the public key's DER, hexadecimal.
    pub(super) fn key_fingerprint(&self) -> String {
        hex::encode(self.key_digest())
    }

    fn key_digest(&self) -> aws_lc_rs::digest::Digest {
        let der = self.leaf.tbs_certificate.subject_public_key_info.to_der().unwrap_or_default();
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der)
    }
}

impl Hash {
    fn of(self, bytes: &[u8]) -> aws_lc_rs::digest::Digest {
        use aws_lc_rs::digest;
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes)
    }
}

fn hash(oid: &ObjectIdentifier, key: &str) -> Result<Hash, GitError> {
    let weak = |hash: &str| GitError::WeakHash { key: key.to_owned(), hash: hash.to_owned() };
    match *oid {
        SHA256 => Ok(Hash::Sha256),
        SHA384 => Ok(Hash::Sha384),
        SHA512 => Ok(Hash::Sha512),
        SHA1 => Err(weak("SHA-1")),
        MD5 => Err(weak("MD5")),
        other => Err(GitError::Unsupported { form: Form::X509.as_str(), what: format!("digest {other}") }),
    }
}

/// The DER of the one value of an attribute; twice, or two values, would be two readings.
fn only(attributes: &Attributes, oid: ObjectIdentifier) -> Result<Option<Vec<u8>>, GitError> {
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    let (Some(attribute), None) = (found.next(), found.next()) else {
        return match attributes.iter().any(|attribute| attribute.oid == oid) {
            true => Err(malformed("an attribute that is there twice")),
            false => Ok(None),
        };
    };
    match attribute.values.as_slice() {
        [value] => value.to_der().map(Some).map_err(|_| malformed("an attribute that is not DER")),
        _ => Err(malformed("an attribute without exactly one value")),
    }
}

fn is_named(certificate: &Certificate, sid: &SignerIdentifier) -> bool {
    let tbs = &certificate.tbs_certificate;
    match sid {
        SignerIdentifier::IssuerAndSerialNumber(named) => {
            named.issuer == tbs.issuer && named.serial_number == tbs.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(named) => {
            tbs.get::<SubjectKeyIdentifier>().is_ok_and(|found| found.is_some_and(|(_, id)| id == *named))
        }
    }
}

/// The subject's name; a certificate of Fulcio has none, and its alternative name stands in.
fn subject(certificate: &Certificate) -> String {
    use x509_cert::ext::pkix::{SubjectAltName, name::GeneralName};
    let tbs = &certificate.tbs_certificate;
    let name = tbs.subject.to_string();
    let text = if name.is_empty() {
        let names = tbs.get::<SubjectAltName>().ok().flatten();
        names
            .and_then(|(_, names)| {
                names.0.iter().find_map(|name| match name {
                    GeneralName::Rfc822Name(text) => Some(text.as_str().to_owned()),
                    GeneralName::UniformResourceIdentifier(text) => Some(text.as_str().to_owned()),
                    _ => None,
                })
            })
            .unwrap_or_else(|| "nobody".to_owned())
    } else {
        name
    };
    Untrusted::new(text).excerpt(200)
}
