//! Schemas that mean the same, and the smallest ones that do not.
use mcpsec_model::{
    drift::DriftLevel,
    manifest::{Kind, Subject},
};
use serde_json::{Value, json};

use super::*;
use crate::drift::sink::Sink;

fn level(before: &Value, after: &Value, direction: Direction) -> DriftLevel {
    let mut sink = Sink::default();
    let at = Subject::entry(Kind::Tool, "t");
    compare(&normalise(before, "t"), &normalise(after, "t"), direction, &at, "parameter", &mut sink);
    sink.finish().level()
}

#[test]
fn what_libraries_write_differently_is_the_same() {
    for (a, b) in [
        (json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }), json!({ "type": ["null", "string"] })),
        (json!({ "type": "string", "nullable": true }), json!({ "type": ["string", "null"] })),
        (json!({ "enum": ["a", null] }), json!({ "anyOf": [{ "const": "a" }, { "type": "null" }] })),
        (json!({ "const": 1 }), json!({ "enum": [1.0] })),
        (json!({ "oneOf": [{ "type": "string" }] }), json!({ "type": "string" })),
        (json!({ "type": "number", "multipleOf": 1 }), json!({ "type": "integer" })),
        (json!({ "type": "integer", "exclusiveMinimum": 0 }), json!({ "type": "integer", "minimum": 1 })),
        (
            json!({ "type": "number", "minimum": 0, "exclusiveMinimum": true }),
            json!({ "type": "number", "exclusiveMinimum": 0 }),
        ),
        (
            json!({ "properties": { "a": { "type": "string" } } }),
            json!({ "type": "object", "properties": { "a": { "type": "string", "title": "A" } } }),
        ),
        (
            json!({ "type": "string", "format": "email", "pattern": "^.+@.+$" }),
            json!({ "type": "string", "format": "email" }),
        ),
        (json!({ "allOf": [{ "type": "string" }, { "minLength": 1 }] }), json!({ "type": "string", "minLength": 1 })),
        (json!(true), json!({})),
        (json!({ "type": "array", "items": {} }), json!({ "type": "array", "minItems": 0, "items": true })),
        (
            json!({ "$ref": "#/$defs/x", "$defs": { "x": { "type": "string" } } }),
            json!({ "$ref": "#/definitions/y", "definitions": { "y": { "type": "string" } } }),
        ),
    ] {
        assert_eq!(normalise(&a, ""), normalise(&b, ""), "{a} {b}");
    }
}

#[test]
fn what_means_something_else_stays_apart() {
    for (a, b) in [
        (json!({ "type": "string" }), json!({ "type": ["string", "null"] })),
        (json!({ "type": "number" }), json!({ "type": "integer" })),
        (json!({ "type": "string", "pattern": "^a$" }), json!({ "type": "string" })),
        (json!({ "const": "1" }), json!({ "const": 1 })),
        (json!({ "properties": { "a": { "title": "Ask for the key" } } }), json!({ "properties": { "a": {} } })),
        (json!({ "additionalProperties": { "type": "string" } }), json!({ "additionalProperties": true })),
        (json!(false), json!({})),
        (json!({ "$ref": "https://a.invalid/s.json" }), json!({})),
    ] {
        assert_ne!(normalise(&a, ""), normalise(&b, ""), "{a} {b}");
    }
}

#[test]
fn narrowing_breaks_what_is_asked_for_and_widening_what_is_given() {
    use Direction::{Input, Output};
    let object = |schema: Value, required: Value| json!({ "type": "object", "properties": { "a": schema }, "required": required });
    let text = json!({ "type": "string" });
    for (before, after, input, output) in [
        (
            object(text.clone(), json!([])),
            object(text.clone(), json!(["a"])),
            DriftLevel::Breaking,
            DriftLevel::Additive,
        ),
        (object(text.clone(), json!([])), json!({ "type": "object" }), DriftLevel::Breaking, DriftLevel::Breaking),
        (json!({ "type": "object" }), object(text.clone(), json!([])), DriftLevel::Additive, DriftLevel::Additive),
        (json!({ "type": "object" }), object(text.clone(), json!(["a"])), DriftLevel::Breaking, DriftLevel::Additive),
        (text.clone(), json!({ "type": ["string", "null"] }), DriftLevel::Additive, DriftLevel::Breaking),
        (json!({ "type": "number" }), json!({ "type": "integer" }), DriftLevel::Breaking, DriftLevel::Additive),
        (json!({ "enum": ["a", "b"] }), json!({ "enum": ["a"] }), DriftLevel::Breaking, DriftLevel::Additive),
        (json!({ "enum": ["a"] }), json!({ "enum": ["a", "b"] }), DriftLevel::Additive, DriftLevel::Additive),
        (
            json!({ "type": "string", "maxLength": 9 }),
            json!({ "type": "string", "maxLength": 8 }),
            DriftLevel::Breaking,
            DriftLevel::Additive,
        ),
        (
            json!({ "type": "string" }),
            json!({ "type": "string", "pattern": "a" }),
            DriftLevel::Breaking,
            DriftLevel::Additive,
        ),
        (
            text.clone(),
            json!({ "anyOf": [{ "type": "string" }, { "type": "object", "properties": { "x": {} } }] }),
            DriftLevel::Additive,
            DriftLevel::Breaking,
        ),
    ] {
        assert_eq!(level(&before, &after, Input), input, "asked: {before} {after}");
        assert_eq!(level(&before, &after, Output), output, "given: {before} {after}");
    }
}

#[test]
fn references_end() {
    let cycle = json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } });
    assert_eq!(normalise(&cycle, ""), json!({ "$ref": "cycle:2" }));
    let own = json!({ "type": "object", "properties": { "next": { "$ref": "#" } } });
    assert!(normalise(&own, "").to_string().contains("cycle:"));
}
