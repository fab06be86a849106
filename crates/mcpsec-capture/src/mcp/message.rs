//! One line of a server, told apart: an answer, a request, a notification, or noise (JSON-RPC 2.0).
use mcpsec_model::manifest::json;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::McpError;

/// The most messages of one batch (JSON-RPC 2.0 §6; the protocol had batches in 2025-03-26).
const MAX_BATCH: usize = 1_000;
/// The code that is noted when an error has none.
const NO_CODE: i64 = 0;

/// A message.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Message {
    /// To a request of ours, or so it says.
    Answer {
        /// The id as it came; null where a server could not tell.
        id: Value,
        /// What it says.
        answer: Answer,
    },
    /// It wants something.
    Request {
        /// The id to answer with.
        id: Value,
        /// What it wants.
        method: String,
    },
    /// It tells something that needs no answer.
    Notification {
        /// What about.
        method: String,
    },
    /// Not of the protocol.
    Noise,
}

/// What an answer says.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Answer {
    /// `result`.
    Result(Value),
    /// `error`.
    Error {
        /// `code`.
        code: i64,
        /// `message`.
        message: String,
        /// `data`.
        data: Value,
    },
}

/// Reads a line. Logs and banners are noise; what looks like a message must be one that every reader reads alike.
pub(super) fn read(line: &[u8]) -> Result<Vec<Message>, McpError> {
    if !matches!(line.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return Ok(vec![Message::Noise]);
    }
    let value = match json::parse(line) {
        Ok(value) => value,
        Err(error) => {
            // A looser reader takes what the strict one refused (repeated names, lone surrogates, bytes that are not
            // UTF-8, deep nesting), so this is no noise. Neither is a broken message.
            let loose = serde_json::from_slice::<IgnoredAny>(line).is_ok();
            let meant = line.windows(9).any(|part| part == b"\"jsonrpc\"");
            return if loose || meant { Err(McpError::InvalidJson(error)) } else { Ok(vec![Message::Noise]) };
        }
    };
    match value {
        Value::Array(list) if list.len() > MAX_BATCH => {
            Err(McpError::NotMcp(format!("a batch of {} messages", list.len())))
        }
        Value::Array(list) if !list.is_empty() => list.into_iter().map(message).collect(),
        value => Ok(vec![message(value)?]),
    }
}

fn message(value: Value) -> Result<Message, McpError> {
    let Value::Object(mut map) = value else { return Ok(Message::Noise) };
    if map.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Ok(Message::Noise);
    }
    let (id, method, result, error) =
        (map.remove("id"), map.remove("method"), map.remove("result"), map.remove("error"));
    // A null beside the member that counts is how some writers leave the other one out.
    let (result, error) = match (result, error) {
        (Some(Value::Null), Some(error)) if !error.is_null() => (None, Some(error)),
        (Some(result), Some(Value::Null)) => (Some(result), None),
        both => both,
    };
    match (method, result, error) {
        (Some(Value::String(method)), None, None) => Ok(match id {
            Some(id) => Message::Request { id, method },
            None => Message::Notification { method },
        }),
        (None, Some(result), None) => {
            Ok(Message::Answer { id: id.unwrap_or_default(), answer: Answer::Result(result) })
        }
        (None, None, Some(error)) => {
            let code = error.get("code").and_then(Value::as_i64).unwrap_or(NO_CODE);
            let message = error.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
            let data = error.get("data").cloned().unwrap_or_default();
            Ok(Message::Answer { id: id.unwrap_or_default(), answer: Answer::Error { code, message, data } })
        }
        (None, None, None) => Ok(Message::Noise),
        _ => Err(McpError::Ambiguous("a message is more than one of request, result and error".to_owned())),
    }
}

/// Whether a client that converts ids would take this one for `ours`, although it is another one.
pub(super) fn passes_for(id: &Value, ours: u64) -> bool {
    match id {
        Value::String(text) => text.trim().parse::<f64>().is_ok_and(|number| number == ours as f64),
        Value::Number(number) => number.as_u64() != Some(ours) && number.as_f64() == Some(ours as f64),
        // Conversions of other scripting languages: `true` is 1, `[1]` is 1.
        Value::Bool(flag) => u64::from(*flag) == ours,
        Value::Array(list) => list.len() == 1 && (list[0].as_u64() == Some(ours) || passes_for(&list[0], ours)),
        Value::Null | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_are_told_apart() {
        let one = |line: &str| read(line.as_bytes()).expect(line).remove(0);
        for noise in [
            "",
            "Server running on stdio",
            r#"{"level":"info"}"#,
            "{not json",
            "[]",
            "[1]",
            r#"{"jsonrpc":"1.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0"}"#,
        ] {
            assert_eq!(one(noise), Message::Noise, "{noise}");
        }
        assert_eq!(
            one(r#"{"jsonrpc":"2.0","method":"ping","id":7}"#),
            Message::Request { id: json!(7), method: "ping".into() }
        );
        assert_eq!(one(r#"{"jsonrpc":"2.0","method":"x"}"#), Message::Notification { method: "x".into() });
        let result = Message::Answer { id: json!(1), answer: Answer::Result(json!({})) };
        assert_eq!(one(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), result);
        assert_eq!(one(r#"{"jsonrpc":"2.0","id":1,"result":{},"error":null}"#), result);
        let Message::Answer { id, answer: Answer::Error { code, message, .. } } =
            one(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"no"}}"#)
        else {
            panic!("an error")
        };
        assert_eq!((id, code, message.as_str()), (Value::Null, -32601, "no"));
        let batch = read(br#"[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","method":"x"}]"#).expect("a batch");
        assert_eq!(batch.len(), 2);
    }

    #[test]
    fn what_readers_understand_differently_is_refused() {
        for line in [
            &br#"{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}"#[..],
            br#"{"jsonrpc":"2.0","id":1,"result":"\ud800"}"#,
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"\xff\"}",
            br#"{"jsonrpc":"2.0","id":1,"result":NaN}"#,
            br#"{"jsonrpc":"2.0","id":1,"#,
        ] {
            let error = read(line).expect_err("it must be refused");
            assert!(matches!(error, McpError::InvalidJson(_)), "{error}");
        }
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(matches!(read(deep.as_bytes()), Err(McpError::InvalidJson(_))));
        let both = br#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#;
        assert!(matches!(read(both), Err(McpError::Ambiguous(_))));
        assert!(matches!(read(br#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#), Err(McpError::Ambiguous(_))));
    }

    #[test]
    fn ids_that_convert() {
        for id in [json!("1"), json!(" 1 "), json!(1.0), json!(true), json!([1]), json!("1e0")] {
            assert!(passes_for(&id, 1), "{id}");
        }
        for id in [json!(1), json!(2), json!("2"), json!(null), json!({}), json!("x")] {
            assert!(!passes_for(&id, 1), "{id}");
        }
    }

    /// Every byte of a message replaced by some that mean something: whatever it becomes, nothing panics, and what is
    /// still an answer has the id that every reader reads.
    #[test]
    fn broken_messages_are_never_taken_for_others() {
        let whole = br#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a\u00e9"}],"nextCursor":""}}"#;
        for at in 0..whole.len() {
            for byte in [b'"', b'\\', b'{', b'}', b'[', b']', b',', b':', b'0', b' ', 0, 0xff] {
                let mut line = whole.to_vec();
                line[at] = byte;
                let Ok(messages) = read(&line) else { continue };
                for message in messages {
                    if let Message::Answer { id, .. } = message {
                        assert!([json!(1), json!(0), json!(null)].contains(&id), "{}", String::from_utf8_lossy(&line));
                    }
                }
            }
        }
    }
}
