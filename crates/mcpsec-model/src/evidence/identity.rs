//! Who signed: a public key, or what a certificate authority checked about a workload or a person.
use std::fmt;

use smol_str::SmolStr;

use crate::text::Untrusted;

/// What a verified signing certificate says about its holder. The claims are the certificate's, in Fulcio's terms (OID arc
/// 1.3.6.1.4.1.57264.1); where only the deprecated GitHub claims exist they are brought into the form of the newer ones.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SignerIdentity {
    /// The OIDC issuer that authenticated the holder (`.1.8`, `.1.1`), a URL. Empty for a git host that signs releases itself.
    pub issuer: String,
    /// The subject alternative name: a workflow URI with its ref, or an e-mail address.
    pub subject: String,
    /// The repository that was built (`.1.12`), a URL.
    pub repository: Option<String>,
    /// The provider's immutable id of that repository (`.1.15`).
    pub repository_id: Option<String>,
    /// The ref that was built (`.1.14`), such as `refs/tags/v1.0.0`.
    pub reference: Option<String>,
    /// The commit that was built (`.1.13`), hexadecimal.
    pub commit: Option<String>,
    /// The workflow that signed (`.1.9`), a URI without its `@ref`. A reusable workflow lies in another repository.
    pub workflow: Option<String>,
    /// The workflow that was started (`.1.18`), a URI without its `@ref`. The same as `workflow` unless that one is reusable.
    pub build_config: Option<String>,
    /// What started it (`.1.20`), such as `push` or `release`.
    pub trigger: Option<String>,
    /// The run (`.1.21`), a URL.
    pub run: Option<String>,
    /// `github-hosted`, `self-hosted`, … (`.1.11`).
    pub runner: Option<String>,
}

/// Who made a signature.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Signer {
    /// The holder of a key.
    Key {
        /// What the key is called: `SHA256:…` as the registry or OpenSSH writes it, or `PGP:<fingerprint>`.
        id: SmolStr,
        /// SHA-256 of the public key, lower-case hexadecimal: over the DER `SubjectPublicKeyInfo` for a registry key, over the SSH
        /// wire form for an SSH key, over the primary key packet's body for PGP.
        fingerprint: SmolStr,
        /// Whether the key came from somewhere other than the party that presented it: built in, refreshed through TUF, an
        /// allowed-signers file, or given keys. Else it is only the same key as before, or not.
        vouched: bool,
        /// Who that is, where a file of signers says so.
        principal: Option<SmolStr>,
    },
    /// The holder of a certificate of a trusted authority.
    Identity(Box<SignerIdentity>),
}

impl Signer {
    /// The certificate's claims, if it is one.
    pub fn identity(&self) -> Option<&SignerIdentity> {
        match self {
            Self::Identity(identity) => Some(identity),
            Self::Key { .. } => None,
        }
    }
}

impl fmt::Display for Signer {
    /// One line, escaped: `https://host/o/r workflow.yml@refs/tags/v1`, `person@host (issuer)`, `key SHA256:…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| Untrusted::new(text).excerpt(200);
        match self {
            Self::Key { id, principal, vouched, .. } => {
                write!(f, "key {}", shown(id))?;
                match principal {
                    Some(principal) => write!(f, " of {}", shown(principal)),
                    None if !vouched => f.write_str(" (known from its own registry or signature only)"),
                    None => Ok(()),
                }
            }
            Self::Identity(identity) => match (&identity.repository, &identity.workflow) {
                (Some(repository), Some(workflow)) => {
                    let short = workflow
                        .strip_prefix(repository.as_str())
                        .map_or(workflow.as_str(), |rest| rest.trim_start_matches('/'));
                    write!(f, "{} {}", shown(repository), shown(short))?;
                    match &identity.reference {
                        Some(reference) => write!(f, "@{}", shown(reference)),
                        None => Ok(()),
                    }
                }
                _ if identity.issuer.is_empty() => f.write_str(&shown(&identity.subject)),
                _ => write!(f, "{} ({})", shown(&identity.subject), shown(&identity.issuer)),
            },
        }
    }
}
