//! Paths as package managers write them: percent-encoded, with scopes as `@s/n`, `@s%2fn` or `%40s%2Fn`.
use std::fmt::Write as _;

use mcpsec_model::name::PackageName;

use crate::error::ApiError;

/// Longest path below a root that is looked at, in bytes.
const LONGEST: usize = 2_048;
/// Most segments of one.
const MAX_SEGMENTS: usize = 8;

/// The decoded segments of a path after `root` (`/npm`). A segment is decoded once, after splitting, so that `%2f` inside of one
/// never makes two. An empty last segment (a slash at the end) is left out and told.
///
/// # Errors
/// 404: too long, not UTF-8, a broken escape, a control character, or an empty, `.` or `..` segment.
pub(super) fn segments(path: &str, root: &str) -> Result<(Vec<String>, bool), ApiError> {
    let nothing = || ApiError::not_found("no such address");
    let rest = path.strip_prefix(root).ok_or_else(nothing)?;
    if rest.len() > LONGEST {
        return Err(nothing());
    }
    let mut found = Vec::new();
    let mut parts = rest.split('/').skip(1).peekable();
    let mut slash = false;
    while let Some(part) = parts.next() {
        if part.is_empty() && parts.peek().is_none() {
            slash = true;
            break;
        }
        let decoded = decode(part).filter(|text| !matches!(text.as_str(), "" | "." | "..")).ok_or_else(nothing)?;
        found.push(decoded);
        if found.len() > MAX_SEGMENTS {
            return Err(nothing());
        }
    }
    Ok((found, slash))
}

fn decode(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let mut one = [0];
        hex::decode_to_slice(digits, &mut one).ok()?;
        bytes.push(one[0]);
        rest = after;
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

/// A text as one segment of a URL: unreserved characters (RFC 3986 §2.3) as they are, the rest escaped.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Takes an npm name off the front: one segment `name` or `@scope/name` (its slash was escaped), or the two `@scope`, `name`.
pub(super) fn npm_name(segments: &[String]) -> Option<(PackageName, &[String])> {
    let (first, rest) = segments.split_first()?;
    if first.starts_with('@') && !first.contains('/') {
        let (second, rest) = rest.split_first()?;
        if second.contains('/') {
            return None;
        }
        return Some((PackageName::npm(&format!("{first}/{second}")).ok()?, rest));
    }
    Some((PackageName::npm(first).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Option<(Vec<String>, bool)> {
        segments(path, "/npm").ok()
    }

    #[test]
    fn all_spellings_of_a_scope_are_one_name() {
        for path in ["/npm/@s/n", "/npm/@s%2fn", "/npm/@s%2Fn", "/npm/%40s%2fn", "/npm/%40s/n", "/npm/@s/n/"] {
            let (found, _) = read(path).expect(path);
            let (name, rest) = npm_name(&found).expect(path);
            assert_eq!((name.as_str(), rest.len()), ("@s/n", 0), "{path}");
        }
        let (found, _) = read("/npm/@s/n/-/n-1.0.0.tgz").expect("path");
        assert_eq!(npm_name(&found).expect("name").1, ["-", "n-1.0.0.tgz"]);
    }

    #[test]
    fn tricks_with_paths_name_nothing() {
        for path in [
            "/npm/..",
            "/npm/%2e%2e",
            "/npm/a/../b",
            "/npm/a//b",
            "/npm/%",
            "/npm/%zz",
            "/npm/%2",
            "/npm/%00",
            "/npm/a%0d%0ab",
            "/npm/%ff",
            "/npm//a",
            "/npm/a/b/c/d/e/f/g/h/i",
            "/pypi/a",
        ] {
            assert!(read(path).is_none(), "{path}");
        }
        assert!(read(&format!("/npm/{}", "a".repeat(3_000))).is_none());
        for path in [
            "/npm/..%2fa",
            "/npm/@s%2f..%2fa",
            "/npm/@s/..%2fa",
            "/npm/@s%2fa%2fb",
            "/npm/a%2fb",
            "/npm/%252e%252e",
            "/npm/@s%252fn",
            "/npm/@/n",
            "/npm/a%5cb",
            "/npm/a%3fb",
            "/npm/@s",
        ] {
            let found = read(path).map(|(found, _)| found);
            assert!(found.is_none_or(|found| npm_name(&found).is_none()), "{path}");
        }
    }

    #[test]
    fn what_is_encoded_is_decoded_to_itself() {
        for text in ["a-1.0.tar.gz", "a-1.0+cu1-py3.whl", "ü \"<>'&#?/\\%2f"] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text));
        }
    }
}
