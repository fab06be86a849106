//! Limits of values: which change lets less through.
use mcpsec_model::drift::DriftLevel;
use serde_json::Value;

/// Members where a greater number lets less through.
const LOWER: &[&str] = &["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"];
/// Members where a smaller number lets less through.
const UPPER: &[&str] = &["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"];
/// Members that only ever rule something out.
const RULES: &[&str] = &[
    "pattern",
    "multipleOf",
    "uniqueItems",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "allOf",
    "dependentSchemas",
    "dependentRequired",
    "dependencies",
    "propertyNames",
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
    "additionalItems",
    "$ref",
];

/// Which way a limit moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Moved {
    /// Less is let through, or nobody can say.
    Narrower,
    /// More is let through.
    Wider,
}

impl Moved {
    /// How grave that is for what is asked for, or for what is given.
    pub(super) fn level(self, asked: bool) -> DriftLevel {
        if (self == Self::Narrower) == asked { DriftLevel::Breaking } else { DriftLevel::Additive }
    }
}

/// Compares one member of two schemas; `None` if it is no limit or has not moved.
pub(super) fn moved(member: &str, before: Option<&Value>, after: Option<&Value>) -> Option<Moved> {
    if before == after {
        return None;
    }
    let lower = LOWER.contains(&member);
    if !lower && !UPPER.contains(&member) && !RULES.contains(&member) {
        return None;
    }
    Some(match (before, after) {
        (Some(_), None) => Moved::Wider,
        (Some(before), Some(after)) => match (before.as_f64(), after.as_f64()) {
            (Some(before), Some(after)) if member != "multipleOf" => {
                if (after > before) == lower {
                    Moved::Narrower
                } else {
                    Moved::Wider
                }
            }
            _ => Moved::Narrower,
        },
        _ => Moved::Narrower,
    })
}
