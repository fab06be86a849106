//! SSH signatures of git objects (PROTOCOL.sshsig): namespace `git`, SHA-256 or SHA-512, the key inside the signature.
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use mcpsec_model::evidence::{EvidenceKind, Signer, VerifiedSignature};
use smol_str::SmolStr;
use ssh_key::{
    Algorithm, HashAlg, LineEnding, PublicKey, SshSig,
    public::{KeyData, RsaPublicKey},
};

use super::{
    GitError, Outcome, Signers,
    allowed::{self, Allowed},
    armor::{self, Form},
    object::Object,
    shown,
};

/// What git signs under; a signature for files or mail is not one for git.
const NAMESPACE: &str = "git";
/// The least RSA modulus that is accepted, in bits.
const MIN_RSA: usize = 2048;

pub(super) fn verify(
    object: &Object<'_>,
    block: &[u8],
    kind: EvidenceKind,
    id: &str,
    signers: &Signers,
) -> Result<Outcome, GitError> {
    let sig = read(&armor::decode(Form::Ssh, block)?)?;
    // The crate takes version 0, which never was.
    if sig.version() != SshSig::VERSION {
        return Err(Form::Ssh.malformed("not of version 1"));
    }
    if !sig.reserved().is_empty() {
        return Err(Form::Ssh.malformed("its reserved field is in use"));
    }
    let fingerprint = sig.public_key().fingerprint(HashAlg::Sha256);
    let key = fingerprint.to_string();
    if sig.namespace() != NAMESPACE {
        return Err(GitError::Namespace { key, namespace: shown(sig.namespace()) });
    }
    check(&sig, &key, &object.payload)?;
    let proof = |principal: Option<&Allowed>| {
        let signer = Signer::Key {
            id: SmolStr::new(&key),
            fingerprint: SmolStr::new(hex::encode(fingerprint.as_bytes())),
            vouched: principal.is_some(),
            principal: principal.map(|allowed| allowed.principals.clone()),
        };
        VerifiedSignature::vouch_signature_was_verified(kind, id, signer, None, None)
    };
    // One line that allows it is enough; if there are only others, the first says why not.
    let mut refusal = None;
    for line in signers.ssh(sig.public_key()) {
        match allows(line, &key, object) {
            Ok(()) => return Ok(Outcome::Verified(proof(Some(line)))),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    match refusal {
        Some(error) => Err(error),
        None => Ok(Outcome::UnknownKey { signature: Some(proof(None)), key }),
    }
}

/// The crate reads text only, in lines of exactly 70 characters, which not every signer writes: so the bytes are wrapped anew.
fn read(bytes: &[u8]) -> Result<SshSig, GitError> {
    let base64 = STANDARD.encode(bytes);
    let mut pem = String::from("-----BEGIN SSH SIGNATURE-----\n");
    let mut rest = base64.as_str();
    while let Some((line, more)) = rest.split_at_checked(70) {
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str(rest);
    if !rest.is_empty() {
        pem.push('\n');
    }
    pem.push_str("-----END SSH SIGNATURE-----\n");
    let sig = SshSig::from_pem(&pem).map_err(|error| sha1(bytes).unwrap_or_else(|| unreadable(error)))?;
    // It also reads lengths that reach further than what they are the length of. Written again, they are right.
    if sig.to_pem(LineEnding::LF).is_ok_and(|again| again == pem) {
        Ok(sig)
    } else {
        Err(Form::Ssh.malformed("not written as SSHSIG is"))
    }
}

/// The crate does not read RSA signatures with SHA-1 at all; they deserve their own words.
fn sha1(bytes: &[u8]) -> Option<GitError> {
    /// RFC 4251 section 5: four bytes of length, then the bytes.
    fn string<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
        let (length, rest) = bytes.split_first_chunk()?;
        let (string, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        *bytes = rest;
        Some(string)
    }
    let mut rest = bytes.strip_prefix(b"SSHSIG")?.get(4..)?;
    let key = string(&mut rest)?;
    let (_namespace, _reserved, _hash) = (string(&mut rest)?, string(&mut rest)?, string(&mut rest)?);
    let mut signature = string(&mut rest)?;
    if string(&mut signature)? != b"ssh-rsa" {
        return None;
    }
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key);
    Some(GitError::WeakHash { key: format!("SHA256:{}", STANDARD_NO_PAD.encode(digest)), hash: "SHA-1".to_owned() })
}

fn unreadable(error: ssh_key::Error) -> GitError {
    match error {
        ssh_key::Error::AlgorithmUnknown | ssh_key::Error::AlgorithmUnsupported { .. } => {
            GitError::Unsupported { form: Form::Ssh.as_str(), what: "key or algorithm".to_owned() }
        }
        ssh_key::Error::Namespace => Form::Ssh.malformed("an empty namespace"),
        ssh_key::Error::Version { .. } => Form::Ssh.malformed("not of version 1"),
        _ => Form::Ssh.malformed("not an SSHSIG structure"),
    }
}

/// The signature over the payload, with the key that is inside.
fn check(sig: &SshSig, key: &str, payload: &[u8]) -> Result<(), GitError> {
    let bad = || GitError::BadSignature { form: Form::Ssh.as_str(), key: key.to_owned() };
    let algorithm = sig.signature().algorithm();
    if let KeyData::Rsa(public) = sig.public_key() {
        let signed = SshSig::signed_data(NAMESPACE, sig.hash_alg(), payload).map_err(|_| bad())?;
        return rsa(public, &algorithm, key, &signed, sig.signature_bytes());
    }
    if algorithm != sig.public_key().algorithm() {
        return Err(bad());
    }
    if matches!(algorithm, Algorithm::Dsa) {
        return Err(GitError::WeakHash { key: key.to_owned(), hash: "SHA-1".to_owned() });
    }
    PublicKey::new(sig.public_key().clone(), "").verify(NAMESPACE, payload, sig).map_err(|_| bad())
}

/// RSA goes to aws-lc, which takes up to 8192 bits.
fn rsa(public: &RsaPublicKey, algorithm: &Algorithm, key: &str, signed: &[u8], sig: &[u8]) -> Result<(), GitError> {
    let bad = || GitError::BadSignature { form: Form::Ssh.as_str(), key: key.to_owned() };
    let scheme = match algorithm {
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) } => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) } => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Rsa { .. } => return Err(GitError::WeakHash { key: key.to_owned(), hash: "SHA-1".to_owned() }),
        _ => return Err(bad()),
    };
    let (n, e) = (public.n.as_positive_bytes().ok_or_else(bad)?, public.e.as_positive_bytes().ok_or_else(bad)?);
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    if bits < MIN_RSA {
        return Err(GitError::WeakKey { key: key.to_owned(), bits, min: MIN_RSA });
    }
    RsaPublicKeyComponents { n, e }.verify(scheme, signed, sig).map_err(|_| bad())
}

/// Whether this line of the file lets the key sign this object.
fn allows(line: &Allowed, key: &str, object: &Object<'_>) -> Result<(), GitError> {
    if let Some(namespaces) = &line.namespaces
        && !allowed::list_matches(namespaces, NAMESPACE)
    {
        return Err(GitError::Namespace { key: key.to_owned(), namespace: shown(namespaces) });
    }
    if line.valid_after.is_none() && line.valid_before.is_none() {
        return Ok(());
    }
    let at = object.time.ok_or_else(|| GitError::NoTime { key: key.to_owned() })?;
    if let Some(from) = line.valid_after
        && at < from
    {
        return Err(GitError::NotValidYet { key: key.to_owned(), from, at });
    }
    if let Some(until) = line.valid_before
        && at > until
    {
        return Err(GitError::Expired { key: key.to_owned(), until, at });
    }
    Ok(())
}
