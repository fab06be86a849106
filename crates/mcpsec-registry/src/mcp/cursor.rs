//! Where a page of the list ended: opaque to clients, checked when it comes back.
//!
//! A cursor holds a place in the order of the list, not a number, so that nothing is skipped or told twice when servers come and go
//! between two pages. It is no secret and no capability: whoever makes one up reads the same list from another place.
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The longest cursor that is read, in characters: a name, a version and a time are shorter.
const MAX: usize = 1024;
/// Names the form, so that a later one can be told apart.
const FORM: &str = "1";

/// A place in the list: by name, then the latest first, then by version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Cursor {
    /// The name in reverse DNS.
    pub(super) name: String,
    /// When it was published, seconds since 1970.
    pub(super) published: i64,
    /// The version.
    pub(super) version: String,
}

impl Cursor {
    /// What clients send back.
    pub(super) fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode([FORM, &self.name, &self.published.to_string(), &self.version].join("\n"))
    }

    /// Reads what [`Cursor::to_text`] wrote, and nothing else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX {
            return None;
        }
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let parts: Vec<&str> = plain.split('\n').collect();
        let [FORM, name, published, version] = parts.as_slice() else { return None };
        let cursor =
            Self { name: (*name).to_owned(), published: published.parse().ok()?, version: (*version).to_owned() };
        // One place has one text: `+1` is a number too.
        Some(cursor).filter(|cursor| cursor.to_text() == text)
    }
}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cursor {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let published = || other.published.cmp(&self.published);
        self.name.cmp(&other.name).then_with(published).then_with(|| self.version.cmp(&other.version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back_and_others_are_refused() {
        let cursor =
            Cursor { name: "test.example/files".to_owned(), published: 1_800_000_000, version: "1.0+b".to_owned() };
        let text = cursor.to_text();
        assert_eq!(Cursor::parse(&text), Some(cursor.clone()));
        let made_up = |plain: &str| URL_SAFE_NO_PAD.encode(plain);
        for bad in [
            String::new(),
            "0".to_owned(),
            format!("{text}="),
            made_up("1\na\n+5\nv"),
            made_up("1\na\n05\nv"),
            made_up("2\na\n5\nv"),
            made_up("1\na\n5\nv\nmore"),
            made_up("1\na\n99999999999999999999\nv"),
            "A".repeat(5000),
        ] {
            assert_eq!(Cursor::parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn the_latest_comes_first_within_a_name() {
        let at =
            |name: &str, published, version: &str| Cursor { name: name.into(), published, version: version.into() };
        let mut all = [at("b", 9, "1"), at("a", 1, "1"), at("a", 2, "2"), at("a", 2, "1")];
        all.sort();
        assert_eq!(all, [at("a", 2, "1"), at("a", 2, "2"), at("a", 1, "1"), at("b", 9, "1")]);
    }
}
