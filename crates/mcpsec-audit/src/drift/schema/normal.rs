//! One form for schemas that mean the same, whichever library and version wrote them.
//!
//! References are replaced by what they point to (inside the document only, cycle-safe, bounded), the many ways to say
//! "or null", "one of these values" and "a whole number" become one, and members that say nothing are left out. What is
//! left out here is not lost for the signs of risk: those are looked for in the texts as they came.
use mcpsec_model::manifest::json;
use serde_json::{Map, Number, Value};

/// The deepest schema that is brought into form; below it the document is taken as it is.
const MAX_DEPTH: usize = 48;
/// The most schemas that are visited, references followed. Beyond it they are taken as they are.
const MAX_NODES: usize = 20_000;
/// The bounds of integers that a double holds exactly; libraries write them as if they were a limit.
const SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// The normal form of a schema. `owner` is the name of what it belongs to, for titles made from it.
pub(in crate::drift) fn normalise(schema: &Value, owner: &str) -> Value {
    let mut work = Normaliser { root: schema, left: MAX_NODES, open: Vec::new() };
    json::sorted(work.node(schema, &[owner], 0))
}

struct Normaliser<'a> {
    root: &'a Value,
    left: usize,
    /// The references that are being replaced, outermost first.
    open: Vec<String>,
}

impl<'a> Normaliser<'a> {
    fn node(&mut self, value: &Value, names: &[&str], depth: usize) -> Value {
        if depth > MAX_DEPTH || self.left == 0 {
            return value.clone();
        }
        self.left -= 1;
        match value {
            Value::Bool(true) => Value::Object(Map::new()),
            Value::Bool(false) => serde_json::json!({ "not": {} }),
            Value::Object(map) => Value::Object(self.object(map, names, depth)),
            other => other.clone(),
        }
    }

    fn object(&mut self, map: &Map<String, Value>, names: &[&str], depth: usize) -> Map<String, Value> {
        let mut out = Map::new();
        if let Some(Value::String(reference)) = map.get("$ref") {
            self.follow(reference, names, depth, &mut out);
        }
        let mut facts = Facts::default();
        // What a reference brought is read again beside its siblings.
        facts.take(&mut out);
        let mut alternatives = Vec::new();
        let mut together = Vec::new();
        for (key, value) in map {
            match (key.as_str(), value) {
                ("$ref" | "$defs" | "definitions" | "$id" | "$anchor" | "$vocabulary", _) => {}
                ("$schema", Value::String(dialect)) if is_dialect(dialect) => {}
                ("title", Value::String(title)) if names.iter().any(|name| made_from(title, name)) => {}
                ("properties" | "patternProperties" | "dependentSchemas", Value::Object(members)) => {
                    if !members.is_empty() {
                        let required = map.get("required").and_then(Value::as_array);
                        let members = self.members(members, required, depth);
                        out.insert(key.clone(), Value::Object(members));
                    }
                }
                ("items", Value::Array(list)) | ("prefixItems", Value::Array(list)) => {
                    let list = list.iter().map(|item| self.node(item, &[], depth + 1)).collect();
                    out.insert("prefixItems".to_owned(), Value::Array(list));
                }
                (
                    "additionalProperties" | "unevaluatedProperties" | "additionalItems" | "unevaluatedItems",
                    Value::Bool(_),
                ) => {}
                (
                    "items"
                    | "additionalProperties"
                    | "unevaluatedProperties"
                    | "propertyNames"
                    | "contains"
                    | "not"
                    | "if"
                    | "then"
                    | "else",
                    schema,
                ) => {
                    let schema = self.node(schema, &[], depth + 1);
                    let says_nothing = schema.as_object().is_some_and(Map::is_empty) && key != "not"
                        || key == "propertyNames" && schema == serde_json::json!({ "type": "string" });
                    if !says_nothing {
                        out.insert(key.clone(), schema);
                    }
                }
                ("anyOf" | "oneOf", Value::Array(list)) if alternatives.is_empty() => {
                    alternatives = list.iter().map(|item| self.node(item, names, depth + 1)).collect();
                }
                ("allOf", Value::Array(list)) => {
                    together = list.iter().map(|item| self.node(item, names, depth + 1)).collect();
                }
                ("nullable", Value::Bool(yes)) => facts.nullable |= yes,
                ("type", _) => facts.types(value),
                ("const", value) => facts.values = Some(vec![plain(value)]),
                ("enum", Value::Array(list)) => facts.values = Some(list.iter().map(plain).collect()),
                ("default", Value::Null) => {}
                ("format", Value::String(word)) if word.len() < 30 => {}
                ("pattern", Value::String(_)) if has_known_format(map) => {}
                ("required", Value::Array(list)) => {
                    let mut list: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
                    list.sort_unstable();
                    list.dedup();
                    if !list.is_empty() {
                        out.insert(key.clone(), list.into());
                    }
                }
                ("uniqueItems" | "readOnly" | "writeOnly" | "deprecated", Value::Bool(false)) => {}
                ("minItems" | "minLength" | "minProperties", Value::Number(n)) if n.as_f64() == Some(0.0) => {}
                (vendor, Value::Bool(_) | Value::Number(_) | Value::Null) if vendor.starts_with("x-") => {}
                _ => {
                    out.insert(key.clone(), plain(value));
                }
            }
        }
        for part in together {
            merge_all(&mut out, &mut facts, part);
        }
        facts.alternatives(&mut out, alternatives);
        facts.write(&mut out);
        out
    }

    /// Replaces a reference by its target. A cycle becomes the number of steps back, so that names do not matter.
    fn follow(&mut self, reference: &str, names: &[&str], depth: usize, out: &mut Map<String, Value>) {
        if let Some(at) = self.open.iter().position(|open| open == reference) {
            out.insert("$ref".to_owned(), format!("cycle:{}", self.open.len() - at).into());
            return;
        }
        let root: &'a Value = self.root;
        let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(&decoded(pointer)));
        let Some(target) = target.filter(|_| self.left > 0 && self.open.len() < MAX_DEPTH) else {
            out.insert("$ref".to_owned(), reference.into());
            return;
        };
        let own = reference.rsplit('/').next().unwrap_or_default().to_owned();
        let mut names: Vec<&str> = names.to_vec();
        names.push(&own);
        self.open.push(reference.to_owned());
        if let Value::Object(map) = self.node(target, &names, depth + 1) {
            out.extend(map);
        }
        self.open.pop();
    }

    fn members(
        &mut self,
        members: &Map<String, Value>,
        required: Option<&Vec<Value>>,
        depth: usize,
    ) -> Map<String, Value> {
        let mut out = Map::new();
        for (name, schema) in members {
            let mut normal = self.node(schema, &[name], depth + 1);
            let optional = !required.is_some_and(|list| list.iter().any(|known| known == name));
            // "May be left out or null, and is null when left out" is how some libraries write "may be left out".
            if optional
                && schema.get("default").is_some_and(Value::is_null)
                && let Value::Object(map) = &mut normal
            {
                map.remove("nullable");
            }
            out.insert(name.clone(), normal);
        }
        out
    }
}

/// What is said about types and values, gathered from wherever it stands.
#[derive(Default)]
struct Facts {
    types: Vec<String>,
    nullable: bool,
    values: Option<Vec<Value>>,
}

impl Facts {
    /// Takes what [`Facts::write`] wrote out of a map again.
    fn take(&mut self, map: &mut Map<String, Value>) {
        if let Some(value) = map.remove("type") {
            self.types(&value);
        }
        self.nullable |= map.remove("nullable").is_some();
        if let Some(Value::Array(values)) = map.remove("enum") {
            self.values = Some(values);
        }
    }

    fn types(&mut self, value: &Value) {
        let words: Vec<&str> = match value {
            Value::String(word) => vec![word],
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        self.types.clear();
        for word in words {
            match word {
                "null" if value.is_array() => self.nullable = true,
                word => self.types.push(word.to_owned()),
            }
        }
    }

    fn alternatives(&mut self, out: &mut Map<String, Value>, list: Vec<Value>) {
        if list.is_empty() {
            return;
        }
        let mut flat: Vec<Value> = Vec::new();
        for member in list {
            let Value::Object(mut map) = member else {
                flat.push(member);
                continue;
            };
            self.nullable |= map.remove("nullable").is_some();
            match map.get("anyOf") {
                Some(Value::Array(inner)) if map.len() == 1 => flat.extend(inner.iter().cloned()),
                _ if map.get("type").and_then(Value::as_str) == Some("null") && map.len() == 1 => self.nullable = true,
                _ => flat.push(Value::Object(map)),
            }
        }
        flat.sort_by_cached_key(json::canonical);
        flat.dedup();
        if flat.len() == 1
            && let Some(Value::Object(mut only)) = flat.pop()
        {
            let mut inner = Self::default();
            inner.take(&mut only);
            if self.types.is_empty() {
                self.types = inner.types;
            }
            self.nullable |= inner.nullable;
            self.values = self.values.take().or(inner.values);
            for (key, value) in only {
                out.entry(key).or_insert(value);
            }
            return;
        }
        let only = |keys: &[&str], value: &Value| {
            value.as_object().is_some_and(|map| !map.is_empty() && map.keys().all(|key| keys.contains(&key.as_str())))
        };
        if self.types.is_empty() && !flat.is_empty() && flat.iter().all(|member| only(&["type"], member)) {
            for member in &flat {
                let words = match &member["type"] {
                    Value::String(word) => vec![word.clone()],
                    Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                    _ => Vec::new(),
                };
                self.types.extend(words);
            }
        } else if self.values.is_none()
            && !flat.is_empty()
            && flat.iter().all(|member| only(&["type", "enum"], member) && member.get("enum").is_some())
        {
            let values = flat.iter().filter_map(|member| member["enum"].as_array()).flatten().cloned().collect();
            self.values = Some(values);
        } else if !flat.is_empty() {
            out.insert("anyOf".to_owned(), Value::Array(flat));
        }
    }

    fn write(mut self, out: &mut Map<String, Value>) {
        if let Some(values) = &mut self.values {
            let many = values.len();
            values.retain(|value| !value.is_null());
            self.nullable |= values.len() < many;
            values.sort_by_cached_key(json::canonical);
            values.dedup();
            if self.types.is_empty() {
                let mut kinds: Vec<&str> = values.iter().map(kind_of).collect();
                kinds.dedup();
                if let [only] = kinds[..] {
                    self.types.push(only.to_owned());
                }
            }
            out.insert("enum".to_owned(), Value::Array(values.clone()));
        }
        if self.types.is_empty() && !out.contains_key("anyOf") {
            if out.contains_key("properties") {
                self.types.push("object".to_owned());
            } else if out.contains_key("items") {
                self.types.push("array".to_owned());
            }
        }
        self.types.sort();
        self.types.dedup();
        if self.types.iter().any(|word| word == "number") {
            self.types.retain(|word| word != "integer");
        }
        if self.types == ["number"] && out.get("multipleOf").and_then(Value::as_f64) == Some(1.0) {
            self.types = vec!["integer".to_owned()];
        }
        if self.types == ["integer"] && out.get("multipleOf").and_then(Value::as_f64) == Some(1.0) {
            out.remove("multipleOf");
        }
        numbers(out, self.types == ["integer"]);
        match self.types.len() {
            0 => {}
            1 => {
                out.insert("type".to_owned(), self.types.remove(0).into());
            }
            _ => {
                out.insert("type".to_owned(), self.types.into());
            }
        }
        if self.nullable {
            out.insert("nullable".to_owned(), Value::Bool(true));
        }
    }
}

/// Limits of numbers: exclusive ones as flags (draft 4) or as values, and limits that are only those of the type.
fn numbers(out: &mut Map<String, Value>, integer: bool) {
    for (limit, exclusive, step) in [("minimum", "exclusiveMinimum", 1.0), ("maximum", "exclusiveMaximum", -1.0)] {
        match out.get(exclusive) {
            Some(Value::Bool(flag)) => {
                let flag = *flag;
                out.remove(exclusive);
                if flag && let Some(value) = out.remove(limit) {
                    out.insert(exclusive.to_owned(), value);
                }
            }
            Some(Value::Number(_)) => {}
            _ => {
                out.remove(exclusive);
            }
        }
        if let Some(value) = out.get(exclusive).and_then(Value::as_f64).filter(|value| integer && value.fract() == 0.0)
        {
            out.remove(exclusive);
            out.insert(limit.to_owned(), plain(&Value::from(value + step)));
        }
        if out.get(limit).and_then(Value::as_f64).is_some_and(|value| -value * step >= SAFE_INTEGER) {
            out.remove(limit);
        }
    }
}

/// Joins one member of `allOf` where nothing contradicts, and keeps it apart otherwise.
fn merge_all(out: &mut Map<String, Value>, facts: &mut Facts, part: Value) {
    let Value::Object(part) = part else { return };
    let joins = |key: &String, value: &Value| match (key.as_str(), out.get(key), value) {
        (_, None, _) | ("description" | "title" | "default", _, _) | ("required", _, _) => true,
        ("properties", Some(Value::Object(own)), Value::Object(theirs)) => {
            theirs.iter().all(|(name, schema)| own.get(name).is_none_or(|known| known == schema))
        }
        (_, Some(own), theirs) => own == theirs,
    };
    let same_type = part
        .get("type")
        .is_none_or(|theirs| facts.types.is_empty() || facts.types == [theirs.as_str().unwrap_or_default()]);
    let values = part.get("enum").is_none() || facts.values.is_none();
    if !(same_type && values && part.iter().all(|(key, value)| joins(key, value))) {
        let list = out.entry("allOf").or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(Value::Object(part));
            list.sort_by_cached_key(json::canonical);
        }
        return;
    }
    for (key, value) in part {
        match (key.as_str(), value) {
            ("type", value) => facts.types(&value),
            ("nullable", _) => facts.nullable = true,
            ("enum", Value::Array(values)) => facts.values = Some(values),
            ("properties", Value::Object(theirs)) => {
                if let Value::Object(own) = out.entry(key).or_insert_with(|| Value::Object(Map::new())) {
                    own.extend(theirs);
                }
            }
            ("required", Value::Array(theirs)) => {
                if let Value::Array(own) = out.entry(key).or_insert_with(|| Value::Array(Vec::new())) {
                    own.extend(theirs);
                    own.sort_by_cached_key(json::canonical);
                    own.dedup();
                }
            }
            (_, value) => {
                out.entry(key).or_insert(value);
            }
        }
    }
}

/// The name of a published dialect and nothing else.
fn is_dialect(text: &str) -> bool {
    let rest = text.strip_prefix("http://json-schema.org/").or_else(|| text.strip_prefix("https://json-schema.org/"));
    rest.is_some_and(|rest| {
        rest.len() <= 40 && rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '#'))
    })
}

/// Whether a title is only the name again, as libraries write it: `user_id` and "User Id", `add` and "addArguments".
pub(in crate::drift) fn made_from(title: &str, name: &str) -> bool {
    let bare =
        |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let spelled = |text: &str| text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.'));
    let (title_bare, name_bare) = (bare(title), bare(name));
    spelled(title)
        && title_bare.strip_prefix(&name_bare).is_some_and(|rest| {
            matches!(
                rest,
                "" | "arguments"
                    | "args"
                    | "input"
                    | "params"
                    | "request"
                    | "output"
                    | "dictoutput"
                    | "result"
                    | "response"
                    | "schema"
            )
        })
}

/// Formats whose pattern newer libraries write beside them.
fn has_known_format(map: &Map<String, Value>) -> bool {
    matches!(
        map.get("format").and_then(Value::as_str),
        Some(
            "email"
                | "uuid"
                | "uri"
                | "url"
                | "date-time"
                | "date"
                | "time"
                | "duration"
                | "ipv4"
                | "ipv6"
                | "hostname"
                | "regex"
                | "cuid"
                | "cuid2"
                | "ulid"
                | "nanoid"
                | "base64"
        )
    )
}

/// The percent-decoded pointer of a reference.
fn decoded(pointer: &str) -> String {
    pointer
        .replace("%24", "$")
        .replace("%7B", "{")
        .replace("%7D", "}")
        .replace("%5B", "[")
        .replace("%5D", "]")
        .replace("%20", " ")
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The same value with numbers in one form: `1.0` is `1`.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
            Some(float) if float.fract() == 0.0 && float.abs() < SAFE_INTEGER => {
                Value::Number(Number::from(float as i64))
            }
            _ => value.clone(),
        },
        Value::Array(list) => Value::Array(list.iter().map(plain).collect()),
        Value::Object(map) => Value::Object(map.iter().map(|(key, value)| (key.clone(), plain(value))).collect()),
        other => other.clone(),
    }
}
