//! JSON as a lock shows it: a member or an element a line, sorted, indented, and with nothing hidden.
//!
//! It stands in a TOML literal string, which has no escapes of its own: so all escapes are JSON's, and no two apostrophes
//! ever touch. Numbers keep their type: `1` and `1.0` are written differently, as they were told.
use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

use crate::text::is_hidden;

/// A list of plain values that is not longer than this, in bytes, stands on one line.
const ONE_LINE: usize = 100;

/// The lines of a value, each indented and with its newline. Stops soon after `out` is longer than `limit`.
pub(super) fn lines(value: &Value, limit: usize, out: &mut String) {
    out.push_str("  ");
    write(value, 1, limit, out);
    out.push('\n');
}

/// The same as a text of its own.
pub(super) fn text(value: &Value) -> String {
    let mut out = String::new();
    lines(value, usize::MAX, &mut out);
    out
}

fn write(value: &Value, depth: usize, limit: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(list) if list.is_empty() => out.push_str("[]"),
        Value::Object(map) if map.is_empty() => out.push_str("{}"),
        Value::Array(list) => {
            if !on_one_line(list, out) {
                write_list(list, depth, limit, out);
            }
        }
        Value::Object(map) => write_members(map, depth, limit, out),
    }
}

fn new_line(depth: usize, out: &mut String) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

fn write_list(list: &[Value], depth: usize, limit: usize, out: &mut String) {
    out.push('[');
    for (index, value) in list.iter().enumerate() {
        if out.len() > limit {
            return;
        }
        out.push_str(if index == 0 { "" } else { "," });
        new_line(depth + 1, out);
        write(value, depth + 1, limit, out);
    }
    new_line(depth, out);
    out.push(']');
}

fn write_members(map: &Map<String, Value>, depth: usize, limit: usize, out: &mut String) {
    out.push('{');
    for (index, (name, value)) in map.iter().enumerate() {
        if out.len() > limit {
            return;
        }
        out.push_str(if index == 0 { "" } else { "," });
        new_line(depth + 1, out);
        write_string(name, out);
        out.push_str(": ");
        write(value, depth + 1, limit, out);
    }
    new_line(depth, out);
    out.push('}');
}

/// Writes a short list of plain values; nothing, when it is another one.
fn on_one_line(list: &[Value], out: &mut String) -> bool {
    let start = out.len();
    out.push('[');
    for (index, value) in list.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { ", " });
        // A text is never shorter when it is written.
        let fits = match value {
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::String(text) => text.len() <= ONE_LINE,
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        };
        if fits {
            write(value, 0, usize::MAX, out);
        }
        if !fits || out.len() - start >= ONE_LINE {
            out.truncate(start);
            return false;
        }
    }
    out.push(']');
    true
}

fn write_number(number: &Number, out: &mut String) {
    // Writing to a String cannot fail, here and below. The standard library's form of a double always has a point or an
    // exponent, is the shortest that reads back as itself, and is JSON.
    let _infallible = match number.as_f64().filter(|_| number.is_f64()) {
        Some(double) => write!(out, "{double:?}"),
        None => write!(out, "{number}"),
    };
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    // Most texts hold nothing that needs a look at each character.
    if text.bytes().all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b'\\' | b'\'')) {
        out.push_str(text);
        out.push('"');
        return;
    }
    let mut apostrophe = false;
    for c in text.chars() {
        let touches = std::mem::replace(&mut apostrophe, c == '\'') && c == '\'';
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if touches || is_hidden(c) => {
                apostrophe = false;
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _infallible = write!(out, "\\u{unit:04X}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
