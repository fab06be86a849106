//! What a server was asked: the log entry that tests assert on.
use axum::http::request::Parts;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

/// One request, as it arrived.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// `GET`, `HEAD`, `POST`.
    pub method: String,
    /// The path as sent, percent-encoding and all, without the query.
    pub path: String,
    /// What stood after `?`.
    pub query: Option<String>,
    /// Header names in lower case, in the order sent.
    pub headers: Vec<(String, String)>,
    /// The body; empty for GET.
    pub body: Bytes,
}

impl Request {
    pub(super) fn new(parts: &Parts, body: Bytes) -> Self {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        Self {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
            body,
        }
    }

    /// The first header of this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The path with `%XX` decoded; invalid sequences stay as they are.
    pub fn decoded_path(&self) -> String {
        percent_decode(&self.path)
    }

    /// Whether the path, as sent or decoded, matches a pattern in which `*` stands for any characters.
    pub fn matches(&self, pattern: &str) -> bool {
        glob(pattern, &self.path) || glob(pattern, &self.decoded_path())
    }

    /// Whether `secret` is in the path, the query or a header, in clear or inside basic credentials.
    pub fn carries(&self, secret: &str) -> bool {
        let in_credentials = |value: &str| {
            let encoded = value.strip_prefix("Basic ").unwrap_or_default();
            STANDARD.decode(encoded).is_ok_and(|plain| String::from_utf8_lossy(&plain).contains(secret))
        };
        percent_decode(&format!("{}?{}", self.path, self.query.as_deref().unwrap_or_default())).contains(secret)
            || self.headers.iter().any(|(_, value)| value.contains(secret) || in_credentials(value))
    }

    /// Whether the client lists a media type in `Accept` (parameters ignored).
    pub fn accepts(&self, media_type: &str) -> bool {
        self.accept_weight(media_type) > 0
    }

    /// The weight of a media type in `Accept`, in thousandths (RFC 9110 §12.5.1); 0 when it is not listed.
    pub fn accept_weight(&self, media_type: &str) -> u32 {
        let accept = self.header("accept").unwrap_or("*/*");
        accept
            .split(',')
            .filter_map(|range| {
                let mut parts = range.split(';').map(str::trim);
                let named = parts.next()?;
                let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
                // Quality values lie in 0..=1, so thousandths fit.
                (named == media_type).then_some(weight.map_or(0, |q: f32| (q.clamp(0.0, 1.0) * 1000.0) as u32))
            })
            .max()
            .unwrap_or(0)
    }
}

/// Whether `text` matches `pattern`; `*` stands for any characters, nothing else is special.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let decoded = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| hex::decode(digits).ok())
            .and_then(|byte| byte.first().copied());
        match decoded {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_paths() {
        for (pattern, text, matches) in [
            ("/left-pad", "/left-pad", true),
            ("/left-pad", "/left-pad2", false),
            ("*.tgz", "/left-pad/-/left-pad-1.0.0.tgz", true),
            ("/*/-/*.tgz", "/@scope/name/-/name-1.0.0.tgz", true),
            ("/a*b*c", "/abc", true),
            ("/a*b*c", "/acb", false),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, text), matches, "{pattern} on {text}");
        }
    }

    #[test]
    fn percent_decoding_leaves_nonsense_alone() {
        assert_eq!(percent_decode("/@scope%2fname"), "/@scope/name");
        assert_eq!(percent_decode("/100%"), "/100%");
        assert_eq!(percent_decode("/%zz"), "/%zz");
    }
}
