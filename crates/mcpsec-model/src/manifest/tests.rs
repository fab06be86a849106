//! Manifests: forms that are read, order, ids, and that no text is left out.
use serde_json::json;

use super::*;

fn manifest(value: &Value) -> Manifest {
    Manifest::from_value(value.clone()).expect("a manifest")
}

#[test]
fn one_manifest_in_many_forms() {
    let tool = json!({ "name": "a", "description": "b", "inputSchema": { "type": "object" } });
    let list = json!({ "tools": [tool] });
    let expected = manifest(&list).id();
    for form in [
        tool.clone(),
        json!([tool]),
        json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": [tool], "nextCursor": "", "ttlMs": 3 } }),
        manifest(&list).to_json(),
    ] {
        assert_eq!(manifest(&form).id(), expected, "{form}");
    }
}

/// The id is made of parts; they must be the parts of the canonical form.
#[test]
fn the_id_is_that_of_the_canonical_json() {
    let entry =
        |name: &str| json!({ "name": name, "uri": name, "uriTemplate": name, "\u{e000}": 1, "\u{1f600}": [1.0] });
    let lists = json!({
        "serverInfo": { "b": 1, "a": "x" },
        "capabilities": { "tools": {} },
        "instructions": "a \"b\"\n\u{7f}",
        "tools": [entry("b"), entry("a"), entry("a")],
        "prompts": [entry("p")],
        "resources": [entry("r")],
        "resourceTemplates": [entry("t")],
    });
    for value in [lists, json!({ "tools": [] })] {
        let manifest = manifest(&value);
        assert_eq!(manifest.id(), ManifestId::of(&json::canonical(&manifest.to_json())));
    }
}

#[test]
fn the_order_of_lists_and_keys_has_no_meaning_and_every_word_has() {
    let one = manifest(&json!({ "tools": [{ "name": "a", "x": { "p": 1, "q": 2 } }, { "name": "b" }] }));
    let two = manifest(&json!({ "tools": [{ "name": "b" }, { "x": { "q": 2, "p": 1.0 }, "name": "a" }] }));
    assert_eq!(one.id(), two.id());
    let three = manifest(&json!({ "tools": [{ "name": "b" }, { "x": { "q": 2, "p": 1 }, "name": "a", "_meta": {} }] }));
    assert_ne!(one.id(), three.id());
}

#[test]
fn what_is_no_manifest_is_refused() {
    for (value, error) in [
        (json!({ "x": 1 }), ManifestError::Unknown),
        (json!(3), ManifestError::Unknown),
        (json!({ "tools": 3 }), ManifestError::NotAList("tools")),
        (json!({ "tools": [3] }), ManifestError::Unnamed { list: "tools", index: 0, key: "name" }),
        (json!({ "resources": [{ "name": "x" }] }), ManifestError::Unnamed { list: "resources", index: 0, key: "uri" }),
        (json!({ "tools": [], "instructions": 3 }), ManifestError::NotText("instructions")),
        (json!({ "tools": [], "serverInfo": [] }), ManifestError::NotAnObject("serverInfo")),
        (json!({ "schema": "mcpsec.manifest/v9", "tools": [] }), ManifestError::Schema("mcpsec.manifest/v9".into())),
        (
            json!({ "jsonrpc": "2.0", "error": { "message": "no\u{1b}" } }),
            ManifestError::ServerError("no\\u{1b}".into()),
        ),
    ] {
        assert_eq!(Manifest::from_value(value.clone()), Err(error), "{value}");
    }
}

#[test]
fn every_text_is_seen_once_with_its_place() {
    let manifest = manifest(&json!({
        "serverInfo": { "name": "s", "version": "1" },
        "instructions": "i",
        "tools": [{
            "name": "t/x", "description": "d", "annotations": { "title": "at", "readOnlyHint": true }, "_meta": { "k": "mv" },
            "strange": ["sv"],
            "inputSchema": { "type": "object", "required": ["p"], "properties": {
                "p": { "type": "string", "description": "pd", "default": "df", "enum": ["e1"], "examples": [{ "deep": "ex" }] },
                "description": { "type": "string" },
            } },
        }],
        "prompts": [{ "name": "q", "arguments": [{ "name": "an", "description": "ad" }] }],
        "resources": [{ "uri": "u:1", "name": "rn", "icons": [{ "src": "is" }] }],
    }));
    let texts: Vec<(String, Role, &str)> =
        manifest.texts().into_iter().map(|text| (text.subject.to_string(), text.role, text.text)).collect();
    let has = |subject: &str, role, text| {
        assert!(texts.contains(&(subject.to_owned(), role, text)), "{subject} {role:?} {text} in {texts:#?}");
    };
    has("server/serverInfo/name", Role::Name, "s");
    has("server/instructions", Role::Instructions, "i");
    has("tool:t~1x/name", Role::Name, "t/x");
    has("tool:t~1x/annotations/title", Role::Annotation, "at");
    has("tool:t~1x/_meta/k", Role::Meta, "mv");
    has("tool:t~1x/_meta/k", Role::Other, "k");
    has("tool:t~1x/strange/0", Role::Other, "sv");
    has("tool:t~1x/strange", Role::Other, "strange");
    has("tool:t~1x/inputSchema/properties/p", Role::Parameter, "p");
    has("tool:t~1x/inputSchema/properties/description", Role::Parameter, "description");
    has("tool:t~1x/inputSchema/properties/p/description", Role::Description, "pd");
    has("tool:t~1x/inputSchema/properties/p/default", Role::Default, "df");
    has("tool:t~1x/inputSchema/properties/p/enum/0", Role::Enum, "e1");
    has("tool:t~1x/inputSchema/properties/p/examples/0/deep", Role::Example, "ex");
    has("prompt:q/arguments/0/name", Role::Name, "an");
    has("prompt:q/arguments/0/description", Role::Description, "ad");
    has("resource:u:1/uri", Role::Uri, "u:1");
    has("resource:u:1/icons/0/src", Role::Icon, "is");
}

#[test]
fn subjects_are_safe_to_print() {
    let subject = Subject::entry(Kind::Tool, "a\u{202e}/~b").at("description");
    assert_eq!(subject.as_str(), "tool:a\\u{202e}~1~0b/description");
    assert_eq!(subject.entry_of().as_str(), "tool:a\\u{202e}~1~0b");
}

/// A name in `required` that no property has is read by the model like any other text.
#[test]
fn a_required_name_without_a_property_is_a_text() {
    let schema = json!({ "type": "object", "required": ["p", "words nobody declared"], "properties": { "p": {} } });
    let manifest = manifest(&json!({ "tools": [{ "name": "t", "inputSchema": schema }] }));
    let texts: Vec<_> = manifest.texts().into_iter().filter(|text| text.role == Role::Parameter).collect();
    let places: Vec<_> = texts.iter().map(|text| (text.subject.as_str(), text.text)).collect();
    assert_eq!(
        places,
        [("tool:t/inputSchema/properties/p", "p"), ("tool:t/inputSchema/required/1", "words nobody declared"),]
    );
}
