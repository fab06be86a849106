//! Reads a page as a browser would, strictly, and says what an auditor of accessibility would say about it.
use std::collections::{BTreeMap, BTreeSet};

/// Elements without an end.
const VOID: &[&str] = &["meta", "link", "img", "input", "br", "hr"];
/// Elements that a page may consist of. Nothing that runs, embeds, or posts.
const KNOWN: &[&str] = &[
    "html",
    "head",
    "title",
    "meta",
    "link",
    "body",
    "a",
    "header",
    "nav",
    "main",
    "footer",
    "div",
    "section",
    "article",
    "aside",
    "h1",
    "h2",
    "h3",
    "h4",
    "p",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "span",
    "strong",
    "code",
    "pre",
    "bdi",
    "mark",
    "ins",
    "del",
    "time",
    "figure",
    "figcaption",
    "details",
    "summary",
    "form",
    "label",
    "input",
    "select",
    "option",
    "button",
    "img",
];

/// An element with what stands in it.
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) children: Vec<usize>,
    /// All text in it.
    pub(crate) text: String,
}

/// A page. The first element is `html`.
#[derive(Debug)]
pub(crate) struct Html {
    pub(crate) elements: Vec<Element>,
}

fn unescape(text: &str) -> String {
    let mut out = text.to_owned();
    for part in text.split('&').skip(1) {
        let entity = part.split(';').next().unwrap_or_default();
        assert!(["amp", "lt", "gt", "quot"].contains(&entity), "&{entity}; is no entity that pages use");
    }
    for (entity, c) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")] {
        out = out.replace(entity, c);
    }
    out
}

impl Html {
    /// Reads a page; fails the test where a browser would have to guess.
    pub(crate) fn read(page: &str) -> Self {
        let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a doctype");
        let mut elements: Vec<Element> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        while let Some(at) = rest.find('<') {
            let text = unescape(&rest[..at]);
            assert!(!rest[..at].contains('>'), "a bare > in {:?}", &rest[..at]);
            for index in &open {
                elements[*index].text.push_str(&text);
            }
            let end = rest[at..].find('>').expect("a tag ends") + at;
            let tag = &rest[at + 1..end];
            rest = &rest[end + 1..];
            // Blocks stand apart, as somebody reads them.
            let inline = ["code", "bdi", "mark", "ins", "del", "strong", "time"]
                .iter()
                .any(|name| tag.trim_start_matches('/').starts_with(name));
            let part_of_line =
                tag.starts_with("span class=\"hidden\"") || tag.starts_with("span class=\"break\"") || tag == "/span";
            if !inline && !part_of_line {
                for index in &open {
                    elements[*index].text.push(' ');
                }
            }
            if let Some(name) = tag.strip_prefix('/') {
                let top = open.pop().expect("something is open");
                assert_eq!(elements[top].name, name, "elements are nested");
                continue;
            }
            let mut element = Element::default();
            let (name, mut attributes) = tag.split_at(tag.find(' ').unwrap_or(tag.len()));
            element.name = name.to_owned();
            assert!(KNOWN.contains(&name), "<{tag}> is no element that pages use");
            while let Some(attribute) = attributes.strip_prefix(' ') {
                let until = attribute.find(['=', ' ']).unwrap_or(attribute.len());
                let (key, after) = attribute.split_at(until);
                assert!(key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "<{tag}>: {key:?}");
                let mut value = String::new();
                attributes = after;
                if let Some(quoted) = after.strip_prefix("=\"") {
                    let end = quoted.find('"').expect("a quote ends");
                    value = unescape(&quoted[..end]);
                    attributes = &quoted[end + 1..];
                }
                assert!(element.attributes.insert(key.to_owned(), value).is_none(), "<{tag}> twice {key}");
            }
            assert!(attributes.is_empty(), "<{tag}>");
            let index = elements.len();
            if let Some(parent) = open.last() {
                elements[*parent].children.push(index);
            }
            if !VOID.contains(&name) {
                open.push(index);
            }
            elements.push(element);
        }
        assert!(open.is_empty() && rest.trim().is_empty(), "everything is closed");
        Self { elements }
    }

    /// All elements of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements.iter().filter(move |element| element.name == name)
    }

    /// Everything that somebody with a keyboard, a screen reader or a small screen would stumble over.
    pub(crate) fn check(&self) {
        let html = &self.elements[0];
        assert_eq!((html.name.as_str(), html.get("lang")), ("html", Some("en")));
        assert!(self.all("title").next().is_some_and(|title| !title.text.trim().is_empty()), "a title");
        let viewport = self.all("meta").find(|meta| meta.get("name") == Some("viewport")).expect("a viewport");
        assert!(!viewport.get("content").unwrap_or_default().contains("scalable"), "it can be zoomed");
        for landmark in ["main", "header", "footer"] {
            assert_eq!(self.all(landmark).count(), 1, "one {landmark}");
        }
        self.headings();
        self.ids();
        for nav in self.all("nav") {
            assert!(nav.get("aria-label").is_some_and(|label| !label.is_empty()), "a name for {nav:?}");
        }
        for link in self.all("a") {
            assert!(!link.text.trim().is_empty() || !link.children.is_empty(), "a link that says nothing: {link:?}");
            let href = link.get("href").expect("an address");
            assert!(
                href.starts_with('/') && !href.starts_with("//") || href.starts_with('#'),
                "a link elsewhere: {href}"
            );
        }
        for image in self.all("img") {
            assert!(image.get("alt").is_some() && image.get("width").is_some(), "{image:?}");
        }
        for cell in self.all("th") {
            assert!(["col", "row"].contains(&cell.get("scope").unwrap_or_default()), "a scope for {cell:?}");
        }
        for cell in self.all("td") {
            assert!(cell.get("data-label").is_some() || cell.get("colspan").is_some(), "a label for {cell:?}");
        }
        for table in self.all("table") {
            let caption = table.children.first().map(|child| &self.elements[*child]);
            assert!(caption.is_some_and(|caption| caption.name == "caption" && !caption.text.is_empty()), "a caption");
        }
        for pre in self.all("pre") {
            assert_eq!(pre.get("tabindex"), Some("0"), "what scrolls is reached by keyboard");
        }
        for element in &self.elements {
            let bad = |name: &String| {
                name.starts_with("on")
                    || ["style", "srcdoc", "formaction", "target", "autofocus"].contains(&name.as_str())
            };
            assert!(!element.attributes.keys().any(bad), "{element:?}");
            let tab = element.get("tabindex").map(|index| index.parse::<i32>().expect("a number"));
            assert!(tab.is_none_or(|index| index <= 0), "the order of the keyboard is that of the page");
        }
        self.forms();
    }

    fn headings(&self) {
        let levels: Vec<u32> = self.elements.iter().filter_map(|e| e.name.strip_prefix('h')?.parse().ok()).collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "one h1");
        assert_eq!(levels.first(), Some(&1), "which is first");
        for pair in levels.windows(2) {
            assert!(pair[1] <= pair[0] + 1, "a level is left out: {levels:?}");
        }
    }

    fn ids(&self) {
        let mut ids = BTreeSet::new();
        for id in self.elements.iter().filter_map(|element| element.get("id")) {
            assert!(ids.insert(id), "the id {id} is there twice");
            assert!(!id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{id}");
        }
        let points = self.elements.iter().filter_map(|e| e.get("aria-labelledby").or_else(|| e.get("for")));
        for point in points.chain(self.all("a").filter_map(|link| link.get("href")?.strip_prefix('#'))) {
            assert!(ids.contains(point), "nothing has the id {point}");
        }
    }

    fn forms(&self) {
        let labels: BTreeSet<&str> = self.all("label").filter_map(|label| label.get("for")).collect();
        for field in self.all("input").chain(self.all("select")) {
            assert!(labels.contains(field.get("id").unwrap_or_default()), "a label for {field:?}");
        }
        for form in self.all("form") {
            assert_eq!(form.get("method"), Some("get"), "nothing is changed from a browser");
            assert!(form.get("action").is_some_and(|action| action.starts_with('/')), "{form:?}");
        }
    }
}

impl Element {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

#[test]
fn the_checks_can_fail() {
    let page = |body: &str| {
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><title>t</title><meta name=\"viewport\" content=\"width=device-width\"></head><body>\
             <header></header><main>{body}</main><footer></footer></body></html>"
        )
    };
    let fails = |body: &str| {
        let page = page(body);
        std::panic::catch_unwind(|| Html::read(&page).check()).is_err()
    };
    assert!(!fails("<h1>a</h1><p>b</p>"));
    for body in [
        "<p>no heading</p>",
        "<h1>a</h1><h3>b</h3>",
        "<h1>a</h1><h1>b</h1>",
        "<h1>a<p></h1></p>",
        "<h1>a</h1><script>x</script>",
        "<h1>a</h1><p onclick=\"x\">b</p>",
        "<h1>a</h1><p style=\"x\">b</p>",
        "<h1>a</h1><a href=\"https://elsewhere.test\">b</a>",
        "<h1>a</h1><a href=\"//elsewhere.test\">b</a>",
        "<h1>a</h1><a href=\"javascript:x\">b</a>",
        "<h1>a</h1><a href=\"/\"></a>",
        "<h1>a</h1><img src=\"/x\">",
        "<h1>a</h1><p id=\"a\"></p><p id=\"a\"></p>",
        "<h1>a</h1><input id=\"q\" name=\"q\">",
        "<h1>a</h1><form method=\"post\" action=\"/\"></form>",
        "<h1>a</h1><table><tbody><tr><th>b</th></tr></tbody></table>",
        "<h1>a</h1><pre>b</pre>",
        "<h1>a</h1>a > b",
        "<h1>a</h1>&copy;",
        "<h1>a</h1><nav></nav>",
    ] {
        assert!(fails(body), "{body}");
    }
}
