//! JSON in which no name occurs twice: two readers of one document must not see two documents.
use mcpsec_model::manifest::json;
use serde_json::Value;

/// Reads a document. Depth and length are bounded by the reader.
///
/// # Errors
/// Not JSON, something after the document, or an object with a name twice; the words are safe to print.
pub(super) fn read(bytes: &[u8]) -> Result<Value, String> {
    json::parse(bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_as_it_is() {
        let text = r#"{"a":[1,-2,1.5,"x",null,true],"b":{"a":{}}}"#;
        assert_eq!(read(text.as_bytes()), Ok(serde_json::from_str(text).expect("JSON")));
    }

    #[test]
    fn a_name_twice_is_refused_at_any_depth_and_however_it_is_spelt() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"b":[{"a":1,"\u0061":2}]}"#] {
            assert!(read(text.as_bytes()).is_err_and(|why| why.contains("twice")), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(100_000);
        assert!(read(deep.as_bytes()).is_err_and(|why| why.contains("nested deeper")));
    }
}
