//! A project page in HTML (PEP 503, with the attributes of PEP 592, 658, 714 and 740).
//!
//! Of a page only `<base href>`, the format's `<meta>` and `<a href data-…>` with its text matter, so a small forgiving scanner does: it walks tag
//! by tag, skips comments, scripts and styles, and never builds a tree. Time and memory are linear in the page.
use super::page::{Listing, RawFile, format_version};

/// The links of a page, and the address they are relative to if the page names one.
pub(super) fn parse(text: &str) -> Listing {
    let mut files = Vec::new();
    let mut base = None;
    let mut version = None;
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        if !rest[1..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            rest = &rest[1..];
            continue;
        }
        // A tag that never ends swallows the rest of the page, as in browsers; trying again further on would make the scan
        // quadratic.
        let Some((tag, after)) = Tag::read(rest) else { break };
        rest = after;
        match tag.name.as_str() {
            "script" | "style" => rest = skip_to_close(rest, &tag.name),
            "meta" if version.is_none() && tag.get("name").is_some_and(|name| name == "pypi:repository-version") => {
                version = tag.get("content").as_deref().and_then(format_version);
            }
            "base" if base.is_none() => base = tag.get("href"),
            "a" => {
                let end = rest.find('<').unwrap_or(rest.len());
                if let Some(href) = tag.get("href") {
                    files.push(file_of(&tag, href, &unescape(rest[..end].trim())));
                }
                rest = &rest[end..];
            }
            _ => {}
        }
    }
    Listing { files, base, version }
}

fn file_of(tag: &Tag, href: String, text: &str) -> RawFile {
    let (address, fragment) = href.split_once('#').unwrap_or((&href, ""));
    let filename = if text.is_empty() {
        let path = address.split('?').next().unwrap_or(address);
        path.rsplit('/').next().unwrap_or(path).to_owned()
    } else {
        text.to_owned()
    };
    let sha256 = fragment
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == "sha256"))
        .map(|(_, v)| v.to_owned());
    let metadata = tag.get("data-core-metadata").or_else(|| tag.get("data-dist-info-metadata"));
    RawFile {
        filename,
        url: address.to_owned(),
        sha256,
        size: None,
        requires_python: tag.get("data-requires-python").filter(|text| !text.is_empty()),
        yanked: tag.get("data-yanked"),
        upload_time: None,
        core_metadata: metadata
            .filter(|value| value != "false")
            .map(|value| value.strip_prefix("sha256=").map(str::to_owned)),
        provenance: tag.get("data-provenance").filter(|url| !url.is_empty()).map(Into::into),
    }
}

/// The text after the closing tag of an element whose content is not markup. Nothing is left when it never closes.
fn skip_to_close<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        rest = &rest[at + 2..];
        if rest.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)) {
            return rest;
        }
    }
    ""
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// Reads the opening tag that starts here, and gives the text after it; `None` if it never ends.
    fn read(text: &str) -> Option<(Self, &str)> {
        let text = text.strip_prefix('<')?;
        let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
        let name = text[..end].to_ascii_lowercase();
        let mut rest = &text[end..];
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if rest.is_empty() {
                return None;
            }
            if let Some(after) = rest.strip_prefix('>') {
                return Some((Self { name, attributes }, after));
            }
            let end = rest.find(|c: char| c.is_ascii_whitespace() || "=>/".contains(c)).unwrap_or(rest.len());
            let key = rest[..end].to_ascii_lowercase();
            // A stray `=` has an empty name; skip it so that the scan always advances.
            rest = &rest[if end == 0 { 1 } else { end }..];
            let mut value = String::new();
            let after = rest.trim_start();
            if end > 0
                && let Some(after) = after.strip_prefix('=')
            {
                let after = after.trim_start();
                let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
                let (raw, left) = match quote {
                    Some(quote) => after[1..].split_once(quote)?,
                    None => {
                        let end = after.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(after.len());
                        after.split_at(end)
                    }
                };
                value = unescape(raw);
                rest = left;
            }
            if !key.is_empty() {
                attributes.push((key, value));
            }
        }
    }

    fn get(&self, key: &str) -> Option<String> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
    }
}

/// Replaces the character references that index pages use; anything else stays as it is.
fn unescape(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let reference = rest[1..].find(';').filter(|end| *end <= 10).map(|end| (&rest[1..=end], &rest[end + 2..]));
        let decoded = reference.and_then(|(name, after)| {
            let c = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                _ => {
                    let number = name.strip_prefix('#')?;
                    let code = match number.strip_prefix(['x', 'X']) {
                        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                        None => number.parse().ok()?,
                    };
                    char::from_u32(code)?
                }
            };
            Some((c, after))
        });
        match decoded {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_their_attributes_are_read() {
        let Listing { files, base, version } = parse(
            r#"<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.3"><base href="https://files.invalid/x/"><script>"<a href='evil'>"</script></head>
            <body><!-- <a href="c">c-1.tar.gz</a> --><h1>Links</h1>
            <A class=x HREF="a-1-py3-none-any.whl#sha256=aa&amp;x=1" data-requires-python="&gt;=3.8,&#60;4" data-yanked data-core-metadata="sha256=bb" data-provenance="https://index.invalid/p?a&amp;b"> a-1-py3-none-any.whl </A><br />
            <a href='/p/a-2.tar.gz?t=1' data-dist-info-metadata=true></a></body>"#,
        );
        assert_eq!(base.as_deref(), Some("https://files.invalid/x/"));
        assert_eq!(files.len(), 2);
        assert_eq!(files[0].filename, "a-1-py3-none-any.whl");
        assert_eq!(files[0].url, "a-1-py3-none-any.whl");
        assert_eq!(files[0].sha256.as_deref(), Some("aa"));
        assert_eq!(files[0].requires_python.as_deref(), Some(">=3.8,<4"));
        assert_eq!(files[0].yanked.as_deref(), Some(""));
        assert_eq!(files[0].core_metadata, Some(Some("bb".to_owned())));
        assert_eq!((files[1].filename.as_str(), &files[1].core_metadata), ("a-2.tar.gz", &Some(None)));
        assert_eq!((files[1].yanked.as_deref(), files[1].provenance.as_deref()), (None, None));
        assert_eq!((files[0].provenance.as_deref(), version), (Some("https://index.invalid/p?a&b"), Some((1, 3))));
    }

    #[test]
    fn broken_pages_end_and_do_not_panic() {
        for page in [
            "<",
            "<a",
            "<a href",
            "<a href=",
            "<a href=\"x",
            "<a =>x</a>",
            "<a ==== href=x>y",
            "<!--",
            "<script>",
            "&",
            "&#x110000;",
            "<a href='x&'>&#;&amp</a>",
            "<ä href=x>",
            "<a href=x>ü",
            "<a/////>",
            "</a></a>",
        ] {
            let _parsed = parse(page);
        }
        assert!(parse(&"<a href=".repeat(50_000)).files.len() <= 50_000);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_scanned_to_its_end(text in "[<>a/=\"'&#; !ü-]{0,80}") {
            let _parsed = parse(&text);
        }
    }
}
