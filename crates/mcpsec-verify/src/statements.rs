//! In-toto statements for unit tests of what is asked of them.
use mcpsec_model::digest::Digest;
use serde_json::{Value, json};

use crate::sigstore::Statement;

/// A statement of this type about these subjects.
pub(crate) fn statement(predicate_type: &str, subjects: &Value, predicate: &Value) -> Statement {
    let document = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": predicate_type,
        "predicate": predicate,
    });
    Statement::read(document.to_string().as_bytes()).expect("a statement")
}

/// A subject with a name and a digest.
pub(crate) fn subject(name: &str, digest: &Digest) -> Value {
    json!({ "name": name, "digest": { digest.algorithm(): digest.to_hex() } })
}
