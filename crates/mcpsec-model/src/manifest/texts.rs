//! Every text of a manifest that a model reads, with its place and its role.
//!
//! Nothing is left out: names of members, values of members nobody has heard of, and texts inside `_meta` reach the model
//! like any description does.
use serde_json::Value;

use super::{Kind, Manifest, Subject};

/// What a text is for. Rules weigh the same words differently in a description and in a default value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Name of a tool, prompt, resource, argument, or of the server.
    Name,
    /// A title for people.
    Title,
    /// A description, of anything.
    Description,
    /// What the server tells the model about itself.
    Instructions,
    /// The name of a parameter: a member of `properties`.
    Parameter,
    /// A default value.
    Default,
    /// A value of `enum` or `const`.
    Enum,
    /// A value of `examples` or `example`.
    Example,
    /// Inside `annotations`.
    Annotation,
    /// Inside `_meta`.
    Meta,
    /// Inside `icons`.
    Icon,
    /// A URI or URI template.
    Uri,
    /// Contents of a resource or of a prompt's messages.
    Content,
    /// The name of any other member, or any other text.
    Other,
}

/// One text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text<'a> {
    /// Where it stands. For the name of a member: that member.
    pub subject: Subject,
    /// What it is for.
    pub role: Role,
    /// The text as it came.
    pub text: &'a str,
}

impl Manifest {
    /// Every text, in the order of the manifest. Words of the protocol itself (`type`, `properties`, the types' names) are
    /// not texts of the server and are left out.
    pub fn texts(&self) -> Vec<Text<'_>> {
        let mut out = Vec::new();
        let server = Subject::server();
        members(self.server_info(), &server.at("serverInfo"), Role::Other, &mut out);
        members(self.capabilities(), &server.at("capabilities"), Role::Other, &mut out);
        if let Some(text) = self.instructions() {
            out.push(Text { subject: server.at("instructions"), role: Role::Instructions, text });
        }
        for kind in Kind::ALL {
            for entry in self.entries(kind) {
                members(entry.json(), &entry.subject(), Role::Other, &mut out);
            }
        }
        out
    }
}

/// Every text of a value that stands, or once stood, at a place.
pub fn texts_at<'a>(value: &'a Value, place: &Subject) -> Vec<Text<'a>> {
    let last = place.as_str().rsplit('/').next().filter(|_| place.as_str().contains('/')).unwrap_or_default();
    let mut out = Vec::new();
    members(value, place, role_of(last, Role::Other), &mut out);
    out
}

/// Members that the protocol or JSON Schema define; their names say nothing by themselves.
const KNOWN: &[&str] = &[
    "$comment",
    "$defs",
    "$id",
    "$ref",
    "$schema",
    "_meta",
    "additionalProperties",
    "allOf",
    "annotations",
    "anyOf",
    "arguments",
    "audience",
    "capabilities",
    "completions",
    "const",
    "contains",
    "content",
    "contents",
    "default",
    "definitions",
    "dependentRequired",
    "dependentSchemas",
    "description",
    "destructiveHint",
    "else",
    "enum",
    "example",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "execution",
    "experimental",
    "extensions",
    "format",
    "icons",
    "idempotentHint",
    "if",
    "inputSchema",
    "items",
    "lastModified",
    "listChanged",
    "logging",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "messages",
    "mimeType",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "name",
    "not",
    "oneOf",
    "openWorldHint",
    "outputSchema",
    "pattern",
    "patternProperties",
    "prefixItems",
    "priority",
    "prompts",
    "properties",
    "propertyNames",
    "readOnlyHint",
    "required",
    "resources",
    "role",
    "size",
    "sizes",
    "src",
    "subscribe",
    "taskSupport",
    "tasks",
    "text",
    "theme",
    "then",
    "title",
    "tools",
    "type",
    "unevaluatedProperties",
    "uniqueItems",
    "uri",
    "uriTemplate",
    "version",
    "websiteUrl",
];

fn members<'a>(value: &'a Value, at: &Subject, role: Role, out: &mut Vec<Text<'a>>) {
    match value {
        Value::String(text) => out.push(Text { subject: at.clone(), role, text }),
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                members(value, &at.at(index), role, out);
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                let subject = at.at(name);
                if !KNOWN.contains(&name.as_str()) {
                    out.push(Text { subject: subject.clone(), role: Role::Other, text: name });
                }
                match (name.as_str(), value) {
                    // Words of JSON Schema and of the protocol, unless something else is written where they belong.
                    ("type", Value::String(word)) if is_type(word) => {}
                    ("required", Value::Array(names)) if role != Role::Meta => {
                        required(names, map.get("properties"), &subject, out);
                    }
                    (
                        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
                        Value::Object(map),
                    ) => {
                        parameters(map, &subject, out);
                    }
                    _ => members(value, &subject, role_of(name, role), out),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The members of `properties`: their names are read by the model as parameters.
fn parameters<'a>(map: &'a serde_json::Map<String, Value>, at: &Subject, out: &mut Vec<Text<'a>>) {
    for (name, schema) in map {
        let subject = at.at(name);
        out.push(Text { subject: subject.clone(), role: Role::Parameter, text: name });
        members(schema, &subject, Role::Other, out);
    }
}

/// The names in `required` are those of `properties`, which are texts already. Any other is one of its own.
fn required<'a>(names: &'a [Value], properties: Option<&Value>, at: &Subject, out: &mut Vec<Text<'a>>) {
    for (index, name) in names.iter().enumerate() {
        let known = name.as_str().is_some_and(|name| properties.is_some_and(|all| all.get(name).is_some()));
        if !known {
            members(name, &at.at(index), Role::Parameter, out);
        }
    }
}

fn is_type(word: &str) -> bool {
    matches!(
        word,
        "object" | "string" | "number" | "integer" | "boolean" | "array" | "null" | "text" | "image" | "audio"
    )
}

/// What the texts below a member are for. Some roles hold for everything below.
fn role_of(member: &str, above: Role) -> Role {
    if matches!(above, Role::Meta | Role::Annotation | Role::Icon | Role::Example | Role::Default | Role::Enum) {
        return above;
    }
    match member {
        "name" => Role::Name,
        "title" => Role::Title,
        "description" | "$comment" => Role::Description,
        "instructions" => Role::Instructions,
        "default" => Role::Default,
        "enum" | "const" => Role::Enum,
        "examples" | "example" => Role::Example,
        "annotations" => Role::Annotation,
        "_meta" => Role::Meta,
        "icons" => Role::Icon,
        "uri" | "uriTemplate" | "websiteUrl" => Role::Uri,
        "text" | "content" | "contents" | "messages" => Role::Content,
        _ => Role::Other,
    }
}
