//! What an address asks for behind its `?`: read by name, never refused, always bounded.
use url::form_urlencoded;

/// The most pairs that are read, and the longest value.
const MAX_PAIRS: usize = 32;
const MAX_VALUE: usize = 2_000;

/// The pairs of a query string.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Asked(Vec<(String, String)>);

impl Asked {
    /// Reads a query string; percent signs that encode nothing stand for themselves.
    pub(super) fn parse(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).take(MAX_PAIRS);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.chars().take(MAX_VALUE).collect())).collect())
    }

    /// The first value of a name, without white space around it; `None` when it is empty or not there.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(own, _)| own == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// The first value of a name as a number; `None` when it is none.
    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }
}

/// An address with a query string.
pub(super) fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_there_is_read() {
        let asked = Asked::parse("q=%22%3Cscript%3E&page=3&page=4&x&=y&bad=%zz%ff&empty=+");
        assert_eq!(asked.text("q"), Some("\"<script>"));
        assert_eq!(asked.number("page"), Some(3));
        assert_eq!(asked.text("x"), None);
        assert_eq!(asked.text("empty"), None);
        assert_eq!(asked.text("bad"), Some("%zz\u{fffd}"));
        assert_eq!(asked.number("q"), None);
        let long = Asked::parse(&format!("q={}", "é".repeat(10_000)));
        assert_eq!(long.text("q").map(|text| text.chars().count()), Some(MAX_VALUE));
        assert_eq!(Asked::parse(&"a=b&".repeat(1000)).0.len(), MAX_PAIRS);
    }

    #[test]
    fn addresses_are_encoded() {
        assert_eq!(address("/search", &[("q", "a b&c=\"<"), ("page", "")]), "/search?q=a+b%26c%3D%22%3C");
        assert_eq!(address("/", &[]), "/");
    }
}
