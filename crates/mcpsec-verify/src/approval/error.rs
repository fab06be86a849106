//! Why a signature, an approval or a key is refused: each in its own words.
use mcpsec_model::{
    approval::{Difference, Word},
    time::Timestamp,
};

/// Why a signature does not hold. Texts are escaped.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignatureError {
    /// The envelope names another key than the one that is asked about.
    #[error("it says that the key {claimed} signed it, and its statement says {stated}")]
    Lies {
        /// What the envelope says.
        claimed: String,
        /// What the statement says.
        stated: String,
    },
    /// Not a signature of the form that the key makes.
    #[error("its signature is not {0}")]
    Form(&'static str),
    /// An SSH signature by another key.
    #[error("its signature is by the key {0}, not by the one it names")]
    OtherKey(String),
    /// Signed for another purpose.
    #[error("its signature is for the namespace `{0}`, not for approvals")]
    Namespace(String),
    /// An algorithm that does not belong to the key, or is too weak.
    #[error("its signature uses `{0}`, which is not accepted for this key")]
    Algorithm(String),
    /// A security key that nobody touched.
    #[error("nobody touched the security key")]
    Untouched,
    /// The signature is over something else, or by another key.
    #[error("its signature does not hold")]
    Bad,
}

/// Why an approval does not count. Texts are escaped.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// Nobody in mcp-signers has this key.
    #[error("{0} is a key that mcp-signers does not name")]
    Unknown(String),
    /// Its signature.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// It calls its signer by another name.
    #[error("it names `{stated}` as reviewer, and the key is of `{owner}`")]
    Name {
        /// What it says.
        stated: String,
        /// Whose key it is.
        owner: String,
    },
    /// The key.
    #[error("{0}")]
    Key(String),
    /// From the future.
    #[error("it says that it was issued at {0}, which is in the future")]
    Future(Timestamp),
    /// Over.
    #[error("it expired at {0}")]
    Expired(Timestamp),
    /// Taken back.
    #[error("{by} revoked it: {reason}")]
    Revoked {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// About something else.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Differs(Vec<Difference>),
    /// For something that nobody asks for.
    #[error("it is for `{}`, and mcp-signers asks for other criteria", words(.0))]
    Criteria(Vec<Word>),
    /// Without the role.
    #[error("`{criterion}` counts only from {}", words(.roles))]
    Role {
        /// For what.
        criterion: Word,
        /// What the signer would have to be.
        roles: Vec<Word>,
    },
    /// Given under another policy.
    #[error("it was given under another [policy], and `{0}` asks for the same one")]
    Policy(Word),
}

fn words(words: &[Word]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Why nothing can be signed with a key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignError {
    /// Not a private key of a known form.
    #[error("neither an OpenSSH private key nor a PEM block `-----BEGIN PRIVATE KEY-----`")]
    Form,
    /// A public key.
    #[error("a public key; signing needs the private one, or an SSH agent that holds it")]
    Public,
    /// Protected by a passphrase.
    #[error("protected by a passphrase")]
    Encrypted,
    /// A key that only other programs can sign with.
    #[error("a {0} key, which signs through an SSH agent only")]
    Agent(String),
    /// A kind of key that cannot sign approvals.
    #[error("not a kind of key that can sign approvals: Ed25519, ECDSA P-256 and P-384 can")]
    Kind,
    /// The library failed.
    #[error("the key could not sign")]
    Failed,
}
