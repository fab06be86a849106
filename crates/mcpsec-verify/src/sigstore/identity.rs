//! Who signed, out of a verified certificate; and who was expected to.
use mcpsec_model::evidence::SignerIdentity;
use sigstore_crypto::CertificateInfo;

use super::{
    error::{BundleError, CertificateFault, shown},
    root::Rules,
};

/// The identity that a certificate gives its holder.
///
/// # Errors
/// A certificate without subject, or without issuer: no authority of logged instances writes such ones. The git host's own
/// authority does for releases, which the host itself signs; there the issuer is empty, and equals nobody's expectation.
pub(super) fn of(certificate: &CertificateInfo, rules: Rules) -> Result<SignerIdentity, CertificateFault> {
    let lacking = |what: &str| CertificateFault::Malformed(format!("it names no {what}"));
    let subject = certificate.identity.as_ref().ok_or_else(|| lacking("subject"))?.as_str().to_owned();
    let issuer = match certificate.issuer.clone().filter(|issuer| !issuer.is_empty()) {
        Some(issuer) => issuer,
        None if rules == Rules::Timestamped => String::new(),
        None => return Err(lacking("issuer")),
    };
    let claims = &certificate.ci_claims;
    let old = &claims.deprecated_github;
    let reference = claims.source_repository_ref.clone().or_else(|| old.workflow_ref.clone());
    let repository = claims.source_repository_uri.clone().or_else(|| {
        // Only `owner/repository`, on the host that the subject's workflow lives on.
        let short = old.workflow_repository.as_deref()?;
        Some(format!("{}/{short}", origin(&subject)?))
    });
    let strip = |uri: &str| without_ref(uri, reference.as_deref()).to_owned();
    let workflow = match &claims.build_signer_uri {
        Some(uri) => Some(strip(uri)),
        // The deprecated claims have none; there the subject is the workflow.
        None if !old.is_empty() => origin(&subject).map(|_| strip(&subject)),
        None => None,
    };
    Ok(SignerIdentity {
        repository,
        repository_id: claims.source_repository_identifier.clone(),
        commit: claims.source_repository_digest.clone().or_else(|| old.workflow_sha.clone()),
        build_config: claims.build_config_uri.as_deref().map(strip),
        trigger: claims.build_trigger.clone().or_else(|| old.workflow_trigger.clone()),
        run: claims.run_invocation_uri.clone(),
        runner: claims.runner_environment.clone(),
        workflow,
        reference,
        issuer,
        subject,
    })
}

/// `https://host` of a URI.
fn origin(uri: &str) -> Option<&str> {
    let rest = uri.strip_prefix("https://")?;
    let host = rest.split('/').next().filter(|host| !host.is_empty())?;
    uri.get(.."https://".len() + host.len())
}

/// A workflow's URI without the `@ref` behind it. A ref may itself contain `@` (`refs/tags/@scope/name@1.0.0`), so the last
/// one is not where it begins.
fn without_ref<'a>(uri: &'a str, reference: Option<&str>) -> &'a str {
    if let Some(head) =
        reference.and_then(|reference| uri.strip_suffix(reference)).and_then(|head| head.strip_suffix('@'))
    {
        return head;
    }
    if let Some((head, _)) = uri.split_once("@refs/") {
        return head;
    }
    // A reusable workflow that is named by its commit.
    match uri.rsplit_once('@') {
        Some((head, rest)) if !rest.contains('/') && head.contains("://") && head.matches('/').count() > 2 => head,
        _ => uri,
    }
}

/// Whom the caller expects.
#[derive(Debug, Clone)]
pub enum Identity {
    /// The certificate's subject alternative name is exactly this.
    Exact(String),
    /// The whole of the subject alternative name matches this pattern.
    Regexp(Pattern),
}

/// A regular expression that must match the whole text; bounded in size, linear in time.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    regex: regex::Regex,
}

/// Why a pattern was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a usable regular expression: {why}")]
pub struct PatternError {
    pattern: String,
    why: String,
}

impl Pattern {
    /// Longest pattern, in bytes.
    const LONGEST: usize = 4096;
    /// Memory of the compiled pattern, in bytes.
    const COMPILED: usize = 1 << 20;

    /// Reads a pattern. It is anchored at both ends: a pattern for one repository must not match inside another one's name.
    ///
    /// # Errors
    /// Too long, too large when compiled, or not a regular expression.
    pub fn new(source: &str) -> Result<Self, PatternError> {
        let refuse = |why: String| PatternError { pattern: shown(source), why };
        if source.len() > Self::LONGEST {
            return Err(refuse(format!("it has {} bytes, at most {} are read", source.len(), Self::LONGEST)));
        }
        // By itself first: `a)|(b` is no pattern, but would become one between the anchors.
        let build = |text: &str| regex::RegexBuilder::new(text).size_limit(Self::COMPILED).nest_limit(64).build();
        let reason = |error: regex::Error| {
            refuse(match error {
                regex::Error::CompiledTooBig(limit) => format!("compiled, it needs more than {limit} bytes"),
                _ => "its syntax is wrong".to_owned(),
            })
        };
        build(source).map_err(reason)?;
        let regex = build(&format!(r"\A(?:{source})\z")).map_err(reason)?;
        Ok(Self { source: source.to_owned(), regex })
    }

    fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// What a caller demands of a certificate's holder.
#[derive(Debug, Clone)]
pub struct Expect {
    /// Who.
    pub identity: Identity,
    /// Which identity provider vouched for them, exactly.
    pub issuer: String,
}

impl Expect {
    /// Demands that the holder of a verified certificate is the expected one.
    ///
    /// # Errors
    /// [`BundleError::Identity`] or [`BundleError::Issuer`].
    pub fn demand(&self, holder: &SignerIdentity) -> Result<(), BundleError> {
        let (good, expected) = match &self.identity {
            Identity::Exact(name) => (holder.subject == *name, name),
            Identity::Regexp(pattern) => (pattern.matches(&holder.subject), &pattern.source),
        };
        if !good {
            return Err(BundleError::Identity { expected: shown(expected), actual: shown(&holder.subject) });
        }
        if holder.issuer != self.issuer {
            return Err(BundleError::Issuer { expected: shown(&self.issuer), actual: shown(&holder.issuer) });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sigstore_crypto::{FulcioCiClaims, parse_certificate_info};

    use super::*;

    #[test]
    fn a_ref_is_cut_off_where_it_begins() {
        for (uri, reference, want) in [
            (
                "https://h/o/r/.github/workflows/w.yml@refs/heads/main",
                Some("refs/heads/main"),
                "https://h/o/r/.github/workflows/w.yml",
            ),
            // Tags of monorepos, with the ref known and not.
            ("https://h/o/r/w.yml@refs/tags/@s/n@1.0.0", Some("refs/tags/@s/n@1.0.0"), "https://h/o/r/w.yml"),
            ("https://h/o/r/w.yml@refs/tags/@s/n@1.0.0", None, "https://h/o/r/w.yml"),
            // A reusable workflow of another ref, and of a commit.
            ("https://h/o/build/w.yml@refs/tags/v2", Some("refs/heads/main"), "https://h/o/build/w.yml"),
            ("https://h/o/build/w.yml@0123abcd", Some("refs/heads/main"), "https://h/o/build/w.yml"),
            ("https://h/o/r//.gitlab-ci.yml@refs/heads/main", None, "https://h/o/r//.gitlab-ci.yml"),
            // No ref: nothing to cut off.
            (
                "https://h/api/v2/projects/1/pipeline-definitions/2",
                None,
                "https://h/api/v2/projects/1/pipeline-definitions/2",
            ),
            ("somebody@mail.invalid", None, "somebody@mail.invalid"),
            ("https://user@h", None, "https://user@h"),
        ] {
            assert_eq!(without_ref(uri, reference), want, "{uri}");
        }
    }

    /// The certificate of a real workflow, with both generations of claims.
    fn certificate() -> Option<CertificateInfo> {
        let path = mcpsec_testkit::shared::path("fixtures/npm-attestations/server-filesystem/attestations.json")?;
        let response: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).expect("response")).expect("JSON");
        let mut bundles =
            response["attestations"].as_array().expect("list").iter().map(|one| one["bundle"].to_string());
        let bundle =
            bundles.find_map(|text| sigstore_types::Bundle::from_json(&text).ok()?.signing_certificate().cloned());
        Some(parse_certificate_info(&bundle.expect("certificate")).expect("certificate"))
    }

    #[test]
    fn deprecated_claims_say_the_same_as_the_newer_ones() {
        let Some(mut info) = certificate() else { return };
        let new = of(&info, Rules::Logged).expect("identity");
        let old = info.ci_claims.deprecated_github.clone();
        assert!(!old.is_empty());
        info.ci_claims = FulcioCiClaims::default();
        info.ci_claims.deprecated_github = old;
        let from_old = of(&info, Rules::Logged).expect("identity");
        let expected = SignerIdentity { repository_id: None, build_config: None, run: None, runner: None, ..new };
        assert_eq!(from_old, expected);
    }

    #[test]
    fn a_person_has_no_repository_and_nobody_is_no_identity() {
        let Some(mut info) = certificate() else { return };
        info.ci_claims = FulcioCiClaims::default();
        let person = of(&info, Rules::Logged).expect("identity");
        assert_eq!((person.repository, person.workflow), (None, None));
        let mut nobody = info.clone();
        nobody.identity = None;
        assert!(
            matches!(of(&nobody, Rules::Timestamped), Err(CertificateFault::Malformed(why)) if why.contains("subject"))
        );
        info.issuer = None;
        assert!(matches!(of(&info, Rules::Logged), Err(CertificateFault::Malformed(why)) if why.contains("issuer")));
        assert_eq!(of(&info, Rules::Timestamped).map(|host| host.issuer), Ok(String::new()));
    }

    #[test]
    fn a_pattern_matches_all_or_nothing_and_is_bounded() {
        let matches = |pattern: &str, text: &str| Pattern::new(pattern).expect(pattern).matches(text);
        assert!(matches(r"https://h/o/.*", "https://h/o/r"));
        assert!(!matches(r"https://h/o/", "https://h/o/r"));
        assert!(!matches(r"o/r", "https://h/o/r"));
        // Each alternative is anchored, and a newline ends nothing.
        assert!(!matches(r"https://h/o|x", "https://h/other"));
        assert!(!matches(r"(?m)^a$", "a\nb"));
        for pattern in ["a)|(b", "(", "a{1000}{1000}", &"a".repeat(5000), &"(".repeat(300)] {
            assert!(Pattern::new(pattern).is_err(), "{pattern:.20}");
        }
    }

    #[test]
    fn both_the_subject_and_the_issuer_count() {
        let holder = SignerIdentity { subject: "a".into(), issuer: "b".into(), ..SignerIdentity::default() };
        let expect =
            |identity: &str, issuer: &str| Expect { identity: Identity::Exact(identity.into()), issuer: issuer.into() };
        assert_eq!(expect("a", "b").demand(&holder), Ok(()));
        assert!(matches!(expect("x", "b").demand(&holder), Err(BundleError::Identity { .. })));
        assert!(matches!(expect("a", "x").demand(&holder), Err(BundleError::Issuer { .. })));
    }
}
