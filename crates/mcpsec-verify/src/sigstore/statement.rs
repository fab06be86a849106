//! in-toto statements: what an attestation says, about which artifacts (in-toto Attestation Framework, Statement v0.1 and v1).
use std::collections::BTreeMap;

use mcpsec_model::digest::Digest;
use serde_json::{Map, Value};

use super::{
    error::{BundleError, SubjectFault, shown},
    json,
};

/// The statement types that are understood.
const TYPES: [&str; 2] = ["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"];
/// Subjects that are read.
const SUBJECTS: usize = 1024;
/// What statements call the id of a git commit (in-toto digest sets; hosts write `sha1`).
const COMMITS: [&str; 2] = ["gitCommit", "sha1"];
/// Digests of one subject that are read.
const DIGESTS: usize = 32;

/// A statement whose signature holds. What it says is the signer's word.
#[derive(Clone, PartialEq, Debug)]
pub struct Statement {
    type_: String,
    predicate_type: String,
    subjects: Vec<Subject>,
    predicate: Value,
}

/// One artifact that a statement is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subject {
    name: Option<String>,
    uri: Option<String>,
    digests: BTreeMap<String, String>,
}

impl Statement {
    /// `https://in-toto.io/Statement/v0.1` or `…/v1`.
    pub fn type_(&self) -> &str {
        &self.type_
    }

    /// What kind of predicate, a URI.
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// Every subject, in the statement's order; at least one, at most 1,024.
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// What is said about the subjects; an empty object where nothing is.
    pub fn predicate(&self) -> &Value {
        &self.predicate
    }

    /// The first subject with this digest.
    pub fn subject_of(&self, digest: &Digest) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.is(digest))
    }

    /// Reads the payload of an envelope.
    pub(crate) fn read(payload: &[u8]) -> Result<Self, BundleError> {
        let fault = |why: &str| BundleError::Statement(why.to_owned());
        let document = json::read(payload).map_err(BundleError::Statement)?;
        let document = document.as_object().ok_or_else(|| fault("it is not an object"))?;
        let type_ = text(document, "_type")?.ok_or_else(|| fault("it has no `_type`"))?;
        if !TYPES.contains(&type_.as_str()) {
            return Err(BundleError::Statement(format!("`{}` is not a statement 0.1 or 1", shown(type_))));
        }
        let predicate_type = text(document, "predicateType")?.ok_or_else(|| fault("it has no `predicateType`"))?;
        let subjects = document.get("subject").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        match subjects.len() {
            0 => return Err(SubjectFault::None.into()),
            actual if actual > SUBJECTS => return Err(SubjectFault::TooMany { limit: SUBJECTS, actual }.into()),
            _ => {}
        }
        let subjects = subjects.iter().map(Subject::read).collect::<Result<_, _>>()?;
        let predicate = document.get("predicate").cloned().unwrap_or_else(|| Value::Object(Map::new()));
        Ok(Self { type_, predicate_type, subjects, predicate })
    }

    /// The subject that is this git commit (a full id).
    pub fn subject_of_commit(&self, commit: &str) -> Option<&Subject> {
        let is = |subject: &&Subject| {
            COMMITS.iter().any(|name| subject.digests.get(*name).is_some_and(|hex| hex.eq_ignore_ascii_case(commit)))
        };
        self.subjects.iter().find(is).filter(|_| matches!(commit.len(), 40 | 64))
    }

    /// Any digest of any subject that is of a kind which pins files.
    pub(super) fn some_digest(&self) -> Option<Digest> {
        let digest = |subject: &Subject| {
            let named = subject.digests.iter();
            named.into_iter().find_map(|(name, hex)| format!("{name}:{}", hex.to_ascii_lowercase()).parse().ok())
        };
        self.subjects.iter().find_map(digest)
    }

    /// Demands a subject that is this commit.
    pub(super) fn demand_commit(&self, commit: &str) -> Result<(), SubjectFault> {
        if self.subject_of_commit(commit).is_some() {
            return Ok(());
        }
        let first = self.subjects.first().ok_or(SubjectFault::None)?;
        Err(SubjectFault::Digest { digest: shown(commit), first: first.in_short() })
    }

    /// Demands a subject with this digest.
    pub(super) fn demand(&self, digest: &Digest) -> Result<(), SubjectFault> {
        if self.subject_of(digest).is_some() {
            return Ok(());
        }
        let first = self.subjects.first().ok_or(SubjectFault::None)?;
        Err(SubjectFault::Digest { digest: digest.to_string(), first: first.in_short() })
    }
}

impl Subject {
    /// Its name: a purl for npm, a file name for PyPI.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its URI, which statements about git commits use instead of a name.
    pub fn uri(&self) -> Option<&str> {
        self.uri.as_deref()
    }

    /// Hexadecimal digests by algorithm, as signed.
    pub fn digests(&self) -> &BTreeMap<String, String> {
        &self.digests
    }

    /// Whether it has this digest. The other digests are not looked at.
    pub fn is(&self, digest: &Digest) -> bool {
        self.digests.get(digest.algorithm()).is_some_and(|hex| hex.eq_ignore_ascii_case(&digest.to_hex()))
    }

    fn in_short(&self) -> String {
        let name = self.name.as_deref().or(self.uri.as_deref()).unwrap_or("without a name");
        let digest =
            self.digests.iter().next().map(|(algorithm, hex)| format!("{algorithm}:{hex}")).unwrap_or_default();
        shown(format!("{name} {digest}"))
    }

    fn read(subject: &Value) -> Result<Self, BundleError> {
        let fault = |why: &str| BundleError::Statement(why.to_owned());
        let subject = subject.as_object().ok_or_else(|| fault("a subject is not an object"))?;
        let listed =
            subject.get("digest").and_then(Value::as_object).ok_or_else(|| fault("a subject has no digests"))?;
        if listed.len() > DIGESTS {
            return Err(BundleError::TooMany { what: "digests of a subject", limit: DIGESTS, actual: listed.len() });
        }
        let mut digests = BTreeMap::new();
        for (algorithm, hex) in listed {
            let hex = hex.as_str().ok_or_else(|| fault("a subject's digest is not a text"))?;
            digests.insert(algorithm.clone(), hex.to_owned());
        }
        Ok(Self { name: text(subject, "name")?, uri: text(subject, "uri")?, digests })
    }
}

/// A field that is a text, absent, or null.
fn text(object: &Map<String, Value>, field: &str) -> Result<Option<String>, BundleError> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(BundleError::Statement(format!("`{field}` is not a text"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn statement() -> Value {
        json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "a", "digest": {"sha256": Digest::sha256_of(b"a").to_hex()}}],
            "predicateType": "https://predicate.invalid",
        })
    }

    fn read(change: impl FnOnce(&mut Value)) -> Result<Statement, BundleError> {
        let mut document = statement();
        change(&mut document);
        Statement::read(document.to_string().as_bytes())
    }

    #[test]
    fn a_statement_is_about_the_digests_it_names() {
        let read = read(|_| ()).expect("statement");
        let own = Digest::sha256_of(b"a");
        assert_eq!(read.subject_of(&own).and_then(Subject::name), Some("a"));
        assert_eq!(read.demand(&own), Ok(()));
        for other in [Digest::sha256_of(b"b"), Digest::sha512_of(b"a")] {
            assert!(matches!(read.demand(&other), Err(SubjectFault::Digest { .. })));
        }
        assert_eq!(read.predicate(), &json!({}));
    }

    #[test]
    fn what_is_no_statement_is_refused() {
        let unreadable = |change: &dyn Fn(&mut Value)| {
            let error = read(change).expect_err("must be refused");
            assert!(matches!(error, BundleError::Statement(_)), "{error:?}");
        };
        unreadable(&|it| it["_type"] = json!("https://in-toto.io/Statement/v2"));
        unreadable(&|it| it["_type"] = Value::Null);
        unreadable(&|it| it["predicateType"] = json!(1));
        unreadable(&|it| it["subject"][0]["digest"] = json!("sha256"));
        unreadable(&|it| it["subject"][0]["digest"]["sha512"] = json!(["x"]));
        unreadable(&|it| it["subject"][0] = json!("a"));
        unreadable(&|it| *it = json!([]));
        let twice = statement().to_string().replacen('{', r#"{"predicateType":"https://other.invalid","#, 1);
        assert!(matches!(Statement::read(twice.as_bytes()), Err(BundleError::Statement(why)) if why.contains("twice")));
    }

    #[test]
    fn subjects_are_counted() {
        let error = |change: &dyn Fn(&mut Value)| read(change).expect_err("must be refused");
        for none in [json!([]), Value::Null] {
            assert_eq!(error(&|it| it["subject"] = none.clone()), SubjectFault::None.into());
        }
        let many = |count: usize| move |it: &mut Value| it["subject"] = vec![it["subject"][0].clone(); count].into();
        assert_eq!(read(many(SUBJECTS)).map(|statement| statement.subjects().len()), Ok(SUBJECTS));
        let refused = error(&many(SUBJECTS + 1));
        assert_eq!(refused, SubjectFault::TooMany { limit: SUBJECTS, actual: SUBJECTS + 1 }.into());
        let digests: Map<String, Value> = (0..=DIGESTS).map(|n| (format!("sha{n}"), json!("00"))).collect();
        assert!(matches!(
            error(&|it| it["subject"][0]["digest"] = digests.clone().into()),
            BundleError::TooMany { .. }
        ));
    }
}
