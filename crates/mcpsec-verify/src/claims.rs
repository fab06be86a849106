//! What a build attestation says about its own origin, held against what the certificate authority checked.
//!
//! A predicate is written by the workload that signs it: it can say anything. Its claims count only as far as the certificate
//! has them too, and where the two differ the attestation is refused, or a reader of the predicate would believe a lie.
use mcpsec_model::{evidence::SignerIdentity, text::Untrusted};
use serde_json::Value;

/// SLSA provenance, version 0.2.
pub(crate) const SLSA_V0_2: &str = "https://slsa.dev/provenance/v0.2";
/// SLSA provenance, version 1.
pub(crate) const SLSA_V1: &str = "https://slsa.dev/provenance/v1";

/// A claim that the certificate has differently. Both values are escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the attestation says {claim} {predicate}, its certificate says {certificate}")]
pub struct Contradiction {
    /// `repository`, `ref`, `workflow` or `commit`.
    pub claim: &'static str,
    /// What the predicate says.
    pub predicate: String,
    /// What the certificate says.
    pub certificate: String,
}

/// What a predicate says about where it was built. Anything may be missing.
#[derive(Default, Debug, PartialEq, Eq)]
struct Origin<'a> {
    repository: Option<&'a str>,
    reference: Option<&'a str>,
    /// Path of the workflow file in the repository.
    path: Option<&'a str>,
    commit: Option<&'a str>,
}

/// Whether a SLSA predicate of this type agrees with the certificate in every claim that both have.
pub(crate) fn agree(predicate_type: &str, predicate: &Value, identity: &SignerIdentity) -> Result<(), Contradiction> {
    let origin = match predicate_type {
        SLSA_V1 => Origin::v1(predicate),
        SLSA_V0_2 => Origin::v0_2(predicate, identity),
        _ => Origin::default(),
    };
    same("repository", origin.repository, identity.repository.as_deref())?;
    same("ref", origin.reference, identity.reference.as_deref())?;
    same("commit", origin.commit, identity.commit.as_deref())?;
    // The workflow that was started, not a reusable one that signed for it: that is what the predicates name.
    same("workflow", origin.path, file_of(identity).map(|path| path.trim_start_matches('/')))
}

impl<'a> Origin<'a> {
    /// SLSA v1 §BuildDefinition, in the form of npm's and the git host's workflow build types. Build types without a
    /// `workflow` claim nothing that could be compared.
    fn v1(predicate: &'a Value) -> Self {
        let definition = &predicate["buildDefinition"];
        let workflow = &definition["externalParameters"]["workflow"];
        let repository = workflow["repository"].as_str();
        let sources = definition["resolvedDependencies"].as_array().map_or(&[][..], Vec::as_slice).iter();
        // Only the dependency that is the repository itself was checked out at the certificate's commit.
        let own = sources.take(MAX_SOURCES).find(|source| {
            let uri = source["uri"].as_str().map(source_uri);
            uri.is_some_and(|(uri, _)| Some(uri) == repository)
        });
        Self {
            repository,
            reference: workflow["ref"].as_str(),
            path: workflow["path"].as_str(),
            commit: own.and_then(|source| source["digest"]["gitCommit"].as_str()),
        }
    }

    /// SLSA v0.2 `invocation.configSource`. Its entry point is a workflow file on the git host and the name of a job elsewhere,
    /// so it is compared only where the certificate's workflow is a file of that kind.
    fn v0_2(predicate: &'a Value, identity: &SignerIdentity) -> Self {
        let source = &predicate["invocation"]["configSource"];
        let (repository, reference) = match source["uri"].as_str().map(source_uri) {
            Some((repository, reference)) => (Some(repository), reference),
            None => (None, None),
        };
        let has_files = file_of(identity).is_some_and(|path| path.starts_with(".github/workflows/"));
        Self {
            repository,
            reference,
            path: source["entryPoint"].as_str().filter(|_| has_files),
            commit: source["digest"]["sha1"].as_str(),
        }
    }
}

/// Most resolved dependencies that are looked through for the repository itself.
const MAX_SOURCES: usize = 64;

/// The path of the workflow file in its repository, as the certificate has it.
fn file_of(identity: &SignerIdentity) -> Option<&str> {
    let (config, repository) = (identity.build_config.as_deref()?, identity.repository.as_deref()?);
    config.strip_prefix(repository)?.strip_prefix('/')
}

/// `git+<url>@<ref>` in its parts (SPDX download location, as SLSA uses it).
fn source_uri(uri: &str) -> (&str, Option<&str>) {
    let uri = uri.strip_prefix("git+").unwrap_or(uri);
    match uri.rsplit_once('@') {
        Some((repository, reference)) => (repository, Some(reference)),
        None => (uri, None),
    }
}

fn same(claim: &'static str, predicate: Option<&str>, certificate: Option<&str>) -> Result<(), Contradiction> {
    match (predicate, certificate) {
        (Some(predicate), Some(certificate)) if predicate != certificate => {
            let shown = |text: &str| Untrusted::new(text).excerpt(160);
            Err(Contradiction { claim, predicate: shown(predicate), certificate: shown(certificate) })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn identity() -> SignerIdentity {
        SignerIdentity {
            repository: Some("https://git.invalid/o/r".into()),
            reference: Some("refs/tags/v1".into()),
            commit: Some("c0ffee".into()),
            build_config: Some("https://git.invalid/o/r/.github/workflows/release.yml".into()),
            ..SignerIdentity::default()
        }
    }

    fn v1() -> Value {
        json!({"buildDefinition": {
            "externalParameters": {"workflow": {
                "repository": "https://git.invalid/o/r", "ref": "refs/tags/v1", "path": ".github/workflows/release.yml"
            }},
            "resolvedDependencies": [
                {"uri": "git+https://git.invalid/o/other@refs/heads/main", "digest": {"gitCommit": "abc"}},
                {"uri": "git+https://git.invalid/o/r@refs/tags/v1", "digest": {"gitCommit": "c0ffee"}}
            ]
        }})
    }

    fn v0_2() -> Value {
        json!({"invocation": {"configSource": {
            "uri": "git+https://git.invalid/o/r@refs/tags/v1",
            "digest": {"sha1": "c0ffee"},
            "entryPoint": ".github/workflows/release.yml"
        }}})
    }

    fn claim(kind: &str, predicate: &Value, identity: &SignerIdentity) -> Option<&'static str> {
        agree(kind, predicate, identity).err().map(|contradiction| contradiction.claim)
    }

    #[test]
    fn equal_claims_agree() {
        assert_eq!(agree(SLSA_V1, &v1(), &identity()), Ok(()));
        assert_eq!(agree(SLSA_V0_2, &v0_2(), &identity()), Ok(()));
    }

    #[test]
    fn each_claim_that_differs_is_named() {
        type Change = (&'static str, fn(&mut SignerIdentity));
        let changes: [Change; 4] = [
            ("repository", |own| own.repository = Some("https://git.invalid/o/r2".into())),
            ("ref", |own| own.reference = Some("refs/heads/main".into())),
            ("commit", |own| own.commit = Some("deadbeef".into())),
            ("workflow", |own| own.build_config = Some("https://git.invalid/o/r/.github/workflows/ci.yml".into())),
        ];
        for (expected, change) in changes {
            let mut identity = identity();
            change(&mut identity);
            assert_eq!(claim(SLSA_V1, &v1(), &identity), Some(expected));
            assert_eq!(claim(SLSA_V0_2, &v0_2(), &identity), Some(expected));
        }
    }

    #[test]
    fn what_one_side_does_not_say_is_not_compared() {
        assert_eq!(claim(SLSA_V1, &json!({}), &identity()), None);
        assert_eq!(claim(SLSA_V0_2, &Value::Null, &identity()), None);
        assert_eq!(claim(SLSA_V1, &v1(), &SignerIdentity::default()), None);
    }

    #[test]
    fn a_job_is_not_a_file() {
        let mut predicate = v0_2();
        predicate["invocation"]["configSource"]["entryPoint"] = "publish".into();
        let mut identity = identity();
        assert_eq!(claim(SLSA_V0_2, &predicate, &identity), Some("workflow"));
        identity.build_config = Some("https://git.invalid/o/r//.gitlab-ci.yml".into());
        assert_eq!(claim(SLSA_V0_2, &predicate, &identity), None);
    }
}
