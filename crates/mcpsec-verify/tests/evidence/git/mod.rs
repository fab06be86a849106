//! Signatures of git objects: recorded ones, made ones, and mutations of both.
mod mutations;
mod objects;
mod pgp;
mod pgp_keys;
mod recorded;
mod ssh;
mod x509;

use mcpsec_verify::{
    git::{self, ExpectedTag, GitError, Outcome, Signers},
    sigstore::TrustRoot,
};

/// A git object and what a caller expects of it.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// For messages.
    name: String,
    raw: Vec<u8>,
    is_tag: bool,
}

impl Object {
    fn tag(raw: impl Into<Vec<u8>>) -> Self {
        Self { name: "tag".to_owned(), raw: raw.into(), is_tag: true }
    }

    fn commit(raw: impl Into<Vec<u8>>) -> Self {
        Self { name: "commit".to_owned(), raw: raw.into(), is_tag: false }
    }

    /// The first header of this name.
    fn field(&self, name: &str) -> String {
        let text = String::from_utf8_lossy(&self.raw);
        let found = text
            .lines()
            .take_while(|line| !line.is_empty())
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.unwrap_or_default().to_owned()
    }

    /// The id that git gives it.
    fn id(&self) -> String {
        let kind = if self.is_tag { "tag" } else { "commit" };
        let mut bytes = format!("{kind} {}\0", self.raw.len()).into_bytes();
        bytes.extend_from_slice(&self.raw);
        hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &bytes))
    }

    /// Verified by a caller who expects just this object.
    fn verify(&self, signers: &Signers, root: Option<&TrustRoot>) -> Result<Outcome, GitError> {
        let id = self.id();
        if self.is_tag {
            let (name, target) = (self.field("tag"), self.field("object"));
            git::tag(&self.raw, ExpectedTag { id: &id, name: &name, target: &target }, signers, root)
        } else {
            git::commit(&self.raw, &id, &self.field("tree"), signers, root)
        }
    }
}
