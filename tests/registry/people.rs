//! People of a test who sign: their entries in mcp-signers, and lines of approvals and revocations by them.
use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_model::{
    approval::{Approval, Approved, Envelope, Reviewer, Revocation, Statement, Summary},
    digest::{ApprovalId, ClosureId, Digest},
};
use mcpsec_verify::approval::{Key, log::LogSigner};

/// Somebody with an Ed25519 key.
pub(crate) struct Person {
    name: String,
    pub(crate) key: Key,
}

impl Person {
    pub(crate) fn new(name: &str) -> Self {
        let pem = LogSigner::generate().expect("a key");
        Self { name: name.to_owned(), key: Key::parse(&pem).expect("a key") }
    }

    /// An entry of mcp-signers, with more lines.
    pub(crate) fn entry(&self, more: &str) -> String {
        let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        let spki = STANDARD.encode([head.as_slice(), self.key.public().raw().expect("32 bytes")].concat());
        let pem = format!("-----BEGIN PUBLIC KEY-----\\n{spki}\\n-----END PUBLIC KEY-----");
        format!("[[signer]]\nname = \"{}\"\nkey = \"{pem}\"\n{more}\n\n", self.name)
    }

    fn reviewer(&self) -> Reviewer {
        Reviewer { name: self.name.clone(), key: self.key.public().fingerprint() }
    }

    /// An approval of a server. `number` tells one from another.
    pub(crate) fn approves(&self, server: &str, number: usize) -> Envelope {
        self.key.sign(&self.approval(server, number)).expect("a signature")
    }

    pub(crate) fn approval(&self, server: &str, number: usize) -> Statement {
        Statement::Approval(Box::new(Approval {
            what: Approved {
                server: server.parse().expect("a name"),
                spec: "npm:files@^1".to_owned(),
                purl: "pkg:npm/files@1.0.0".to_owned(),
                version: "1.0.0".to_owned(),
                entry: "npm-bin:files".to_owned(),
                command: None,
                artifacts: BTreeMap::from([(
                    "files-1.0.0.tgz".to_owned(),
                    [Digest::sha512_of(b"tarball")].into_iter().collect(),
                )]),
                closure: ClosureId::of(b"closure"),
                told: None,
            },
            criteria: ["reviewed".parse().expect("a word")].into(),
            reviewer: self.reviewer(),
            reason: format!("number {number}"),
            issued: "2025-11-01T00:00:00Z".parse().expect("an instant"),
            expires: "2034-11-01T00:00:00Z".parse().expect("an instant"),
            rules: Digest::sha256_of(b"policy"),
            summary: Summary::default(),
        }))
    }

    /// A revocation of an approval.
    pub(crate) fn revokes(&self, server: &str, approval: ApprovalId) -> Envelope {
        let revocation = Revocation {
            approval,
            server: server.parse().expect("a name"),
            reviewer: self.reviewer(),
            reason: "wrong".to_owned(),
            issued: "2025-11-02T00:00:00Z".parse().expect("an instant"),
        };
        self.key.sign(&Statement::Revocation(Box::new(revocation))).expect("a signature")
    }
}

/// Lines of the file form.
pub(crate) fn lines<'e>(envelopes: impl IntoIterator<Item = &'e Envelope>) -> String {
    envelopes.into_iter().map(|envelope| envelope.to_line() + "\n").collect()
}
