//! Just enough of DNS (RFC 1035) for the sinkhole: one question in, one answer out. Strict: what is odd is not answered.
use std::net::Ipv4Addr;

/// Longest message that is read; a question is at most a header, a name of 255 bytes, four bytes and an OPT record.
pub(super) const MAX_QUERY: usize = 1232;

const HEADER: usize = 12;
const TYPE_A: u16 = 1;
const CLASS_IN: u16 = 1;
/// Seconds an answer may be kept: the name stays the same for the whole run.
const TTL: u32 = 600;

/// One question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Question {
    /// The name in lower case, labels joined by dots, without the last dot. Bytes that are not letters, digits, `-` or `_` are
    /// written `\ddd` as in zone files, so that no two names look alike.
    pub name: String,
    /// Whether it asks for an IPv4 address; everything else exists without having one.
    pub wants_v4: bool,
    /// Where the question ends in the message.
    end: usize,
}

/// What the name has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reply {
    /// This address.
    Address(Ipv4Addr),
    /// The name exists, but not with that kind of record.
    Nothing,
    /// No such name.
    NoName,
}

/// Reads a standard query with exactly one question. `None`: not such a message.
pub(super) fn question(message: &[u8]) -> Option<Question> {
    if message.len() > MAX_QUERY {
        return None;
    }
    let word = |at: usize| message.get(at..at + 2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
    // A query (QR 0) of the standard kind (opcode 0) with one question and no answers; an OPT record may follow.
    if word(2)? & 0xf800 != 0 || word(4)? != 1 || word(6)? != 0 {
        return None;
    }
    let mut at = HEADER;
    let mut name = String::new();
    let mut wire_length = 1;
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        // Longer ones would be compression pointers, which a question has no use for.
        wire_length += length + 1;
        if length > 63 || wire_length > 255 {
            return None;
        }
        if !name.is_empty() {
            name.push('.');
        }
        for byte in message.get(at..at + length)? {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(*byte)),
                b'A'..=b'Z' => name.push(char::from(byte.to_ascii_lowercase())),
                _ => name.push_str(&format!("\\{byte:03}")),
            }
        }
        at += length;
    }
    let wants_v4 = word(at)? == TYPE_A;
    if word(at + 2)? != CLASS_IN || name.is_empty() {
        return None;
    }
    Some(Question { name, wants_v4, end: at + 4 })
}

/// The answer to `message`, whose question is `question`.
pub(super) fn answer(message: &[u8], question: &Question, reply: Reply) -> Vec<u8> {
    let mut out = Vec::with_capacity(question.end + 16);
    let asked = message.get(..question.end).unwrap_or_default();
    out.extend_from_slice(asked.get(..2).unwrap_or_default());
    // Response, recursion desired as asked, recursion available; code 3 is "no such name".
    let desired = message.get(2).copied().unwrap_or(0) & 1;
    out.extend([0x80 | desired, if reply == Reply::NoName { 0x83 } else { 0x80 }]);
    out.extend([0, 1, 0, u8::from(matches!(reply, Reply::Address(_))), 0, 0, 0, 0]);
    out.extend_from_slice(asked.get(HEADER..).unwrap_or_default());
    if let Reply::Address(ip) = reply {
        // The name of the question, by pointer.
        out.extend([0xc0, 0x0c]);
        out.extend(TYPE_A.to_be_bytes());
        out.extend(CLASS_IN.to_be_bytes());
        out.extend(TTL.to_be_bytes());
        out.extend([0, 4]);
        out.extend(ip.octets());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(labels: &[&[u8]], kind: u16) -> Vec<u8> {
        let mut message = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in labels {
            message.push(u8::try_from(label.len()).unwrap());
            message.extend_from_slice(label);
        }
        message.push(0);
        message.extend(kind.to_be_bytes());
        message.extend([0, 1]);
        message
    }

    #[test]
    fn a_question_is_read_and_answered() {
        let message = query(&[b"Api", b"Example", b"invalid"], 1);
        let asked = question(&message).unwrap();
        assert_eq!((asked.name.as_str(), asked.wants_v4), ("api.example.invalid", true));
        let out = answer(&message, &asked, Reply::Address(Ipv4Addr::new(198, 18, 0, 1)));
        assert_eq!(out[..4], [0xab, 0xcd, 0x81, 0x80]);
        assert!(out.ends_with(&[198, 18, 0, 1]));
        let none = answer(&message, &asked, Reply::Nothing);
        assert_eq!((none.len(), none[3], none[7]), (message.len(), 0x80, 0));
        assert_eq!(answer(&message, &asked, Reply::NoName)[3], 0x83);
    }

    #[test]
    fn odd_names_stay_distinct() {
        let dotted = question(&query(&[b"a.b"], 1)).unwrap();
        let apart = question(&query(&[b"a", b"b"], 28)).unwrap();
        assert_eq!((dotted.name.as_str(), apart.name.as_str()), ("a\\046b", "a.b"));
        assert!(!apart.wants_v4);
    }

    #[test]
    fn what_is_not_a_plain_question_is_not_answered() {
        let good = query(&[b"a", b"invalid"], 1);
        for cut in 0..good.len() {
            assert_eq!(question(&good[..cut]), None, "{cut}");
        }
        let mut response = good.clone();
        response[2] |= 0x80;
        assert_eq!(question(&response), None);
        let mut two = good.clone();
        two[5] = 2;
        assert_eq!(question(&two), None);
        let mut pointer = good.clone();
        pointer[12] = 0xc0;
        assert_eq!(question(&pointer), None);
        assert_eq!(question(&query(&[&[b'x'; 63][..]; 5], 1)), None);
        assert!(question(&query(&[&[b'x'; 63]], 1)).is_some());
        assert_eq!(question(&query(&[&[b'x'; 64]], 1)), None);
        assert_eq!(question(&query(&[], 1)), None);
        assert_eq!(question(&[good, vec![0; MAX_QUERY]].concat()), None);
    }
}
