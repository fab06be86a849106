//! Why a git object or its signature is refused. One variant per reason, so that a test can tell them apart.
use jiff::Timestamp;

use super::ObjectKind;

/// A git object that is not what was asked for, or whose signature does not hold. Messages are safe to print: text from objects,
/// keys and signatures is escaped and cut before it gets here.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GitError {
    /// Larger than [`super::MAX_OBJECT`].
    #[error("the {kind} object has {len} bytes, more than {max}")]
    TooLong {
        /// What it should be.
        kind: ObjectKind,
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// Not a git object of this kind as git itself writes it.
    #[error("malformed {kind} object: {what}")]
    Malformed {
        /// What it should be.
        kind: ObjectKind,
        /// Which rule it breaks.
        what: &'static str,
    },
    /// The bytes are not those of the object that was asked for.
    #[error("object id {computed}, expected {expected}")]
    WrongObjectId {
        /// What the bytes hash to.
        computed: String,
        /// What was asked for.
        expected: String,
    },
    /// What was asked for is not an object id: 40 or 64 lower-case hexadecimal digits.
    #[error("`{0}` is not a git object id")]
    NotAnId(String),
    /// The bytes carry the marks of a crafted SHA-1 collision.
    #[error("object {0} carries a SHA-1 collision attack")]
    Collision(String),
    /// The signed tag was made under another name.
    #[error("the tag object says it is `{inside}`, the reference is `{expected}`")]
    WrongTagName {
        /// The name that was signed, escaped.
        inside: String,
        /// The name of the reference.
        expected: String,
    },
    /// The tag is about another commit than the locked one.
    #[error("the tag is about {inside}, locked is {expected}")]
    WrongTarget {
        /// What the tag object names, escaped.
        inside: String,
        /// The locked commit.
        expected: String,
    },
    /// The tag is about something that is not a commit.
    #[error("the tag is about a {0}, not a commit")]
    WrongTargetType(String),
    /// The commit is about another tree than the locked one.
    #[error("the commit is about tree {inside}, locked is {expected}")]
    WrongTree {
        /// What the commit names, escaped.
        inside: String,
        /// The locked tree.
        expected: String,
    },
    /// More than one signature: any of them could be the one somebody else looks at.
    #[error("{0} signatures where one is allowed")]
    ManySignatures(usize),
    /// The only signature is over the object's form in a repository with the other hash algorithm.
    #[error("its signature is over the object's form under another hash algorithm")]
    OtherForm,
    /// The signature block is not what its first line says.
    #[error("malformed {form} signature: {what}")]
    MalformedSignature {
        /// `SSH`, `PGP` or `X.509`.
        form: &'static str,
        /// Which rule it breaks.
        what: &'static str,
    },
    /// A kind of signature, key or algorithm that is not supported.
    #[error("{form} signature with unsupported {what}")]
    Unsupported {
        /// `SSH`, `PGP` or `X.509`.
        form: &'static str,
        /// Algorithm, escaped.
        what: String,
    },
    /// The signature was not made by this key over this object.
    #[error("{form} signature by {key} does not match the object")]
    BadSignature {
        /// `SSH`, `PGP` or `X.509`.
        form: &'static str,
        /// The key it claims.
        key: String,
    },
    /// Signed for another purpose than git objects, or by a key that is not allowed to sign them.
    #[error("signature by {key} is for `{namespace}`, not for git objects")]
    Namespace {
        /// Which key.
        key: String,
        /// The namespace of the signature, or those that the signers' file allows; escaped.
        namespace: String,
    },
    /// A digest that can be forged.
    #[error("signature by {key} uses {hash}, which is broken")]
    WeakHash {
        /// Which key.
        key: String,
        /// `MD5`, `SHA-1`, ….
        hash: String,
    },
    /// A key that is too short.
    #[error("key {key} has {bits} bits, fewer than {min}")]
    WeakKey {
        /// Which key.
        key: String,
        /// Its modulus.
        bits: usize,
        /// The least that is accepted.
        min: usize,
    },
    /// The key was not valid yet when the object says it was made.
    #[error("key {key} is valid from {from}, the object is of {at}")]
    NotValidYet {
        /// Which key.
        key: String,
        /// The start of its window.
        from: Timestamp,
        /// The object's own time.
        at: Timestamp,
    },
    /// The key was not valid any more when the object says it was made.
    #[error("key {key} was valid until {until}, the object is of {at}")]
    Expired {
        /// Which key.
        key: String,
        /// The end of its window.
        until: Timestamp,
        /// The object's own time.
        at: Timestamp,
    },
    /// The signature itself has an end, before the object's own time or at it.
    #[error("the signature by {key} was valid until {until}, the object is of {at}")]
    SignatureExpired {
        /// Which key.
        key: String,
        /// The signature's end.
        until: Timestamp,
        /// The object's own time.
        at: Timestamp,
    },
    /// The object has no time, and the key is valid for a time only.
    #[error("the object has no time, and key {key} is valid for a time only")]
    NoTime {
        /// Which key.
        key: String,
    },
    /// The key was revoked.
    #[error("key {key} is revoked")]
    Revoked {
        /// Which key.
        key: String,
    },
    /// The key is known and may not sign.
    #[error("key {key} may not sign: {what}")]
    NotASigningKey {
        /// Which key.
        key: String,
        /// What is missing.
        what: &'static str,
    },
    /// The signature names another issuer than the key that made it.
    #[error("signature names issuer {named}, its key is {key}")]
    WrongIssuer {
        /// What the signature says.
        named: String,
        /// The key.
        key: String,
    },
    /// A certificate of a trusted authority, outside its validity or not chained properly.
    #[error("certificate of {subject}: {what}")]
    Certificate {
        /// Its subject, escaped.
        subject: String,
        /// What is wrong.
        what: String,
    },
    /// The transparency log's evidence inside the signature does not hold.
    #[error("the signature's own log evidence: {0}")]
    Witness(Box<crate::sigstore::BundleError>),
}
