//! What calls make of strings that are known: joining, reversing, decoding. Bounded: a string that grows is let go.
use base64::Engine as _;

use super::{
    super::literals::HOLE,
    value::{Disguise, Value},
};

/// The longest string that is put together.
pub(super) const LONGEST: usize = 64 << 10;
/// The most elements of a list that are looked at.
pub(super) const MOST_ELEMENTS: usize = 16 << 10;

/// A method of a string: `None` if its result is not known.
pub(super) fn method(text: &str, disguise: Disguise, name: &str, arguments: &[Value]) -> Option<Value> {
    let argument = |at: usize| arguments.get(at).and_then(Value::as_text);
    let number = |at: usize| arguments.get(at).and_then(|value| value.number);
    if text.len() > LONGEST {
        return None;
    }
    let same = |value: String| Some(Value::text(value, disguise));
    match name {
        "toString" | "valueOf" | "trim" | "normalize" | "toWellFormed"
            if arguments.is_empty() || name == "toString" =>
        {
            same(if name == "trim" { text.trim().to_owned() } else { text.to_owned() })
        }
        "toLowerCase" => same(text.to_lowercase()),
        "toUpperCase" => same(text.to_uppercase()),
        "concat" => {
            let mut all = text.to_owned();
            for value in arguments {
                all.push_str(value.as_text()?);
            }
            limited(all).and_then(|all| same(all).map(|value| raise(value, Disguise::Joined)))
        }
        "split" => {
            let by = argument(0)?;
            let part = |part: String| Value::text(part, disguise);
            let parts: Vec<Value> = if by.is_empty() {
                text.chars().take(MOST_ELEMENTS).map(|c| part(c.to_string())).collect()
            } else {
                text.split(by).take(MOST_ELEMENTS).map(|piece| part(piece.to_owned())).collect()
            };
            Some(Value { list: Some(parts.into()), ..Value::default() })
        }
        "replace" | "replaceAll" => {
            let (from, to) = (argument(0)?, argument(1)?);
            if from.is_empty() || text.len().saturating_mul(to.len().max(1)) > LONGEST * 16 {
                return None;
            }
            let replaced = if name == "replace" { text.replacen(from, to, 1) } else { text.replace(from, to) };
            limited(replaced).map(|all| Value::text(all, disguise.max(Disguise::Joined)))
        }
        "slice" | "substring" | "substr" => {
            let count = text.chars().count();
            let from = index(number(0)?, count);
            let to = match (name, number(1)) {
                (_, None) => count,
                ("substr", Some(length)) => from.saturating_add(index(length, count)).min(count),
                (_, Some(end)) => index(end, count),
            };
            same(text.chars().skip(from).take(to.saturating_sub(from)).collect())
        }
        "charAt" | "at" => {
            let at = index(number(0)?, text.chars().count());
            same(text.chars().nth(at)?.to_string())
        }
        "charCodeAt" | "codePointAt" => {
            let at = index(number(0).unwrap_or_default(), text.chars().count());
            Some(Value::number(f64::from(u32::from(text.chars().nth(at)?))))
        }
        "repeat" => {
            let times = index(number(0)?, LONGEST);
            (text.len().saturating_mul(times) <= LONGEST).then(|| text.repeat(times)).and_then(same)
        }
        "padStart" | "padEnd" => same(text.to_owned()),
        _ => None,
    }
}

/// A method of a list.
pub(super) fn list_method(list: &[Value], name: &str, arguments: &[Value]) -> Option<Value> {
    match name {
        "join" => {
            let by = match arguments.first() {
                None => ",",
                Some(value) => value.as_text()?,
            };
            let mut all = String::new();
            let mut disguise = Disguise::Joined;
            let single = list.iter().all(|value| value.as_text().is_some_and(|text| text.chars().count() <= 1));
            for (at, value) in list.iter().enumerate() {
                if at > 0 {
                    all.push_str(by);
                }
                match &value.text {
                    Some(text) => {
                        all.push_str(&text.value);
                        disguise = disguise.max(text.disguise);
                    }
                    None => all.push(HOLE),
                }
                if all.len() > LONGEST {
                    return None;
                }
            }
            if single && list.len() > 3 {
                disguise = Disguise::Decoded;
            }
            Some(Value::text(all, disguise))
        }
        "reverse" => {
            let turned: Vec<Value> = list.iter().rev().map(|value| raise(value.clone(), Disguise::Decoded)).collect();
            Some(Value { list: Some(turned.into()), ..Value::default() })
        }
        "concat" => {
            let mut all = list.to_vec();
            for value in arguments {
                all.extend_from_slice(value.list.as_deref()?);
                if all.len() > MOST_ELEMENTS {
                    return None;
                }
            }
            Some(Value { list: Some(all.into()), ..Value::default() })
        }
        "slice" | "filter" | "flat" | "toString" if arguments.is_empty() => {
            Some(Value { list: Some(list.to_vec().into()), ..Value::default() })
        }
        _ => None,
    }
}

/// A function that needs no object: decoders, and joiners of paths.
pub(super) fn function(path: &str, arguments: &[Value]) -> Option<Value> {
    let first = arguments.first();
    let text = first.and_then(Value::as_text);
    let decoded = |value: String| Some(Value::text(value, Disguise::Decoded));
    match path {
        "String.fromCharCode" | "String.fromCodePoint" => characters(arguments).and_then(decoded),
        "String.fromCharCode.apply" | "String.fromCodePoint.apply" => {
            characters(arguments.get(1)?.list.as_deref()?).and_then(decoded)
        }
        "String" | "String.raw" => first.filter(|value| value.text.is_some()).cloned(),
        "atob" => base64(text?).and_then(decoded),
        "unescape" | "decodeURIComponent" | "decodeURI" => {
            let text = text?;
            let plain = percent(text)?;
            let hidden = if text.matches('%').count() * 6 > text.len() { Disguise::Decoded } else { Disguise::Joined };
            Some(Value::text(plain, hidden))
        }
        "Buffer.from" | "buffer.Buffer.from" | "Buffer" | "buffer.Buffer" | "Buffer()" => {
            match arguments.get(1).and_then(Value::as_text) {
                Some("base64" | "base64url") => base64(text?).and_then(decoded),
                Some("hex") => String::from_utf8(hex::decode(text?).ok()?).ok().and_then(decoded),
                _ => match first.and_then(|value| value.list.as_deref()) {
                    Some(list) => characters(list).and_then(decoded),
                    None => first.filter(|value| value.text.is_some()).cloned(),
                },
            }
        }
        "path.join" | "path.resolve" | "path.posix.join" | "path.win32.join" | "path/posix.join" => {
            let mut all = String::new();
            for value in arguments {
                if !all.is_empty() {
                    all.push('/');
                }
                match value.as_text() {
                    Some(text) => all.push_str(text),
                    None => all.push(HOLE),
                }
                if all.len() > 4096 {
                    return None;
                }
            }
            Some(Value::text(all, Disguise::None))
        }
        "os.homedir" => Some(Value::text("~", Disguise::None)),
        _ => None,
    }
}

fn characters(codes: &[Value]) -> Option<String> {
    if codes.is_empty() || codes.len() > MOST_ELEMENTS {
        return None;
    }
    codes
        .iter()
        .map(|value| {
            let number = value.number?;
            // Lone surrogates have no character of their own.
            (0.0..=1_114_111.0)
                .contains(&number)
                .then(|| char::from_u32(number as u32).unwrap_or(char::REPLACEMENT_CHARACTER))
        })
        .collect()
}

fn base64(text: &str) -> Option<String> {
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    let plain = plain.trim_end_matches('=');
    if plain.len() > LONGEST || plain.len() < 2 {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD_NO_PAD.decode(plain).ok()?;
    String::from_utf8(bytes).ok()
}

fn percent(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(plain).ok()
}

fn raise(mut value: Value, disguise: Disguise) -> Value {
    if let Some(text) = &mut value.text {
        text.disguise = text.disguise.max(disguise);
    }
    value
}

fn limited(text: String) -> Option<String> {
    (text.len() <= LONGEST).then_some(text)
}

/// A position as JavaScript counts it: negative from the end, cut to the length.
fn index(number: f64, count: usize) -> usize {
    if number.is_nan() {
        return 0;
    }
    let whole = number.trunc();
    if whole < 0.0 { count.saturating_sub((-whole) as usize) } else { (whole as usize).min(count) }
}
