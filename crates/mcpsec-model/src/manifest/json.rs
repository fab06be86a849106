//! JSON from strangers: read strictly (I-JSON, RFC 7493), kept with sorted keys, hashed in its canonical form (RFC 8785).
//!
//! Two readers must never understand one document differently, so repeated names and lone surrogates are refused, and depth
//! and size are bounded before anything is built.
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::text::Untrusted;

/// The longest document that is read, in bytes.
pub const MAX_BYTES: usize = 32 << 20;
/// The deepest nesting of lists and objects.
pub const MAX_DEPTH: usize = 64;

/// Why a text is not JSON that can be relied on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Too long.
    #[error("it has {0} bytes, more than {MAX_BYTES}")]
    TooLarge(usize),
    /// Not JSON, nested too deeply, or with a name twice in one object.
    #[error("{message} at line {line} column {column}")]
    Form {
        /// What is wrong.
        message: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
}

/// Reads one document. Objects come back with sorted keys.
///
/// # Errors
/// Longer than [`MAX_BYTES`], deeper than [`MAX_DEPTH`], not JSON, text after it, a name twice in one object, a lone
/// surrogate, a number beyond the range of a double.
pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
    if text.len() > MAX_BYTES {
        return Err(JsonError::TooLarge(text.len()));
    }
    let form = |error: &serde_json::Error| {
        let message = error.to_string();
        // The library's words end in the place, which has fields of its own here.
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        let message = Untrusted::new(message).excerpt(200);
        JsonError::Form { message, line: error.line().max(1), column: error.column().max(1) }
    };
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict { depth: 0 }.deserialize(&mut reader).map_err(|error| form(&error))?;
    reader.end().map_err(|error| form(&error))?;
    Ok(sorted(value))
}

/// The canonical bytes of a value (RFC 8785). A lock is read whole at every start, so this has to be quick.
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    canonical_into(value, &mut out);
    out
}

fn canonical_into(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => canonical_number(number, out),
        Value::String(text) => canonical_string(text, out),
        Value::Array(list) => {
            out.push(b'[');
            for (index, value) in list.iter().enumerate() {
                out.extend_from_slice(if index == 0 { b"" } else { b"," });
                canonical_into(value, out);
            }
            out.push(b']');
        }
        Value::Object(map) => {
            let mut members: Vec<(&String, &Value)> = map.iter().collect();
            // §3.2.3: in order of UTF-16 units, which is that of bytes unless a name has characters above U+DFFF.
            match members.iter().all(|(name, _)| name.is_ascii()) {
                true => members.sort_by(|a, b| a.0.cmp(b.0)),
                false => members.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16())),
            }
            out.push(b'{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                out.extend_from_slice(if index == 0 { b"" } else { b"," });
                canonical_string(name, out);
                out.push(b':');
                canonical_into(value, out);
            }
            out.push(b'}');
        }
    }
}

/// §3.2.2.3: as ECMAScript writes doubles. Whole numbers that a double holds exactly are their digits.
fn canonical_number(number: &Number, out: &mut Vec<u8>) {
    const EXACT: i64 = 1 << 53;
    match number.as_i64().filter(|whole| (-EXACT..=EXACT).contains(whole)) {
        Some(whole) => out.extend_from_slice(whole.to_string().as_bytes()),
        // A `Number` is finite: there is nothing that could fail.
        None => out.extend(serde_json_canonicalizer::to_vec(number).unwrap_or_default()),
    }
}

/// §3.2.2.2.
fn canonical_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|b| matches!(b, 0..=0x1f | b'"' | b'\\')) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            plain @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', plain]),
            control => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// The same value with the keys of all objects in order of their bytes, whatever map type the build has.
pub fn sorted(value: Value) -> Value {
    // Most values are, and to see that costs less than to build them again.
    if is_sorted(&value) { value } else { sort(value) }
}

fn is_sorted(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.keys().is_sorted() && map.values().all(is_sorted),
        Value::Array(list) => list.iter().all(is_sorted),
        _ => true,
    }
}

fn sort(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().map(|(key, value)| (key, sort(value))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sort).collect()),
        plain => plain,
    }
}

/// Builds a value and refuses what I-JSON forbids.
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: de::Error>(&self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self.deeper()?)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(Name(name)) = map.next_key()? {
            let value = map.next_value_seed(self.deeper()?)?;
            if values.contains_key(&name) {
                let name = Untrusted::new(name).excerpt(60);
                return Err(de::Error::custom(format_args!("`{name}` stands twice in one object")));
            }
            values.insert(name, value);
        }
        Ok(Value::Object(values))
    }
}

/// A member's name.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for (text, message) in [
            (r#"{"a":1,"b":2,"a":3}"#, "`a` stands twice in one object"),
            (r#"{"x":{"\u0061":1,"a":2}}"#, "`a` stands twice in one object"),
            (r#"["\ud800"]"#, "unexpected end of hex escape"),
            ("1e999", "number out of range"),
            ("{} {}", "trailing characters"),
            ("", "EOF while parsing a value"),
        ] {
            match parse(text.as_bytes()) {
                Err(JsonError::Form { message: told, .. }) => assert_eq!(told, message, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(deep(MAX_DEPTH).as_bytes()).is_ok());
        assert!(parse(deep(MAX_DEPTH + 1).as_bytes()).is_err());
        assert!(parse(deep(100_000).as_bytes()).is_err());
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn canonical_bytes_are_those_of_an_independent_writer(value in values()) {
            let expected = serde_json_canonicalizer::to_string(&value).expect("JSON");
            proptest::prop_assert_eq!(String::from_utf8(canonical(&value)), Ok(expected));
        }
    }

    fn values() -> impl proptest::strategy::Strategy<Value = Value> {
        use proptest::{collection::vec, prelude::*};
        let text = || {
            let chars = vec![
                'a', 'B', '"', '\\', '/', '\n', '\u{8}', '\u{c}', '\u{0}', '\u{1f}', '\u{7f}', 'é', '\u{e000}', '😀',
            ];
            vec(prop_oneof![proptest::sample::select(chars), any::<char>()], 0..6).prop_map(String::from_iter)
        };
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-3_i64..3).prop_map(|near| Value::from((1_i64 << 53) + near)),
            (-3_i64..3).prop_map(|near| Value::from(-(1_i64 << 53) + near)),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 30, 5, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..5).prop_map(Value::Array),
                vec((text(), inner), 0..6).prop_map(|members| Value::Object(Map::from_iter(members))),
            ]
        })
    }

    /// The traps of RFC 8785 §3.2.2: numbers are doubles, and keys are in order of their UTF-16 units.
    #[test]
    fn canonical_bytes() {
        for (text, canonical_text) in [
            ("1.0", "1"),
            ("-0.0", "0"),
            ("1e16", "10000000000000000"),
            ("1e21", "1e+21"),
            ("0.000001", "0.000001"),
            ("1e-7", "1e-7"),
            ("9007199254740993", "9007199254740992"),
            ("9223372036854775807", "9223372036854776000"),
            ("{\"\u{e000}\":1,\"\u{1f600}\":2}", "{\"\u{1f600}\":2,\"\u{e000}\":1}"),
            (r#"{"b":[ ],"a":"\u000a\u20ac\/"}"#, "{\"a\":\"\\n€/\",\"b\":[]}"),
        ] {
            let value = parse(text.as_bytes()).expect(text);
            assert_eq!(String::from_utf8_lossy(&canonical(&value)), canonical_text, "{text}");
        }
    }
}
