//! A value of a manifest as indented JSON, with every text in it marked where a rule points to it. Bounded: what does not fit is
//! said, and the page of the whole entry has it.
use maud::{Markup, html};
use mcpsec_model::manifest::Subject;
use serde_json::Value;

use super::{
    findings::ByPlace,
    words::{self, Setting},
};

/// Deeper values are not drawn, only said: the readers of manifests refuse such depths anyway.
const MAX_DEPTH: usize = 130;

/// Draws values until its room is used up.
#[derive(Debug)]
pub(super) struct Drawing<'a> {
    findings: &'a ByPlace<'a>,
    room: usize,
    /// Whether something was left out.
    pub(super) cut: bool,
}

impl<'a> Drawing<'a> {
    /// With room for about this many characters.
    pub(super) fn new(findings: &'a ByPlace<'a>, room: usize) -> Self {
        Self { findings, room, cut: false }
    }

    /// A value at its place.
    pub(super) fn value(&mut self, value: &Value, place: &Subject) -> Markup {
        self.node(value, place, 0, None)
    }

    /// `name`: the member whose value it is, which stands at the same place.
    fn node(&mut self, value: &Value, place: &Subject, depth: usize, name: Option<&str>) -> Markup {
        if depth > MAX_DEPTH || !self.take(2) {
            self.cut = true;
            return html! { "…" };
        }
        match value {
            Value::String(text) => self.text(text, place, name),
            Value::Array(list) if !list.is_empty() => html! {
                "["
                @for (index, item) in list.iter().enumerate() {
                    @if self.room > 0 {
                        (self.line(depth + 1, index == 0)) (self.node(item, &place.at(index), depth + 1, None))
                    }
                }
                (self.line(depth, true)) "]"
            },
            Value::Object(map) if !map.is_empty() => html! {
                "{"
                @for (index, (name, item)) in map.iter().enumerate() {
                    @if self.room > 0 {
                        @let place = place.at(name);
                        (self.line(depth + 1, index == 0))
                        span class="key" { (self.text(name, &place, item.as_str())) } ": "
                        (self.node(item, &place, depth + 1, Some(name)))
                    }
                }
                (self.line(depth, true)) "}"
            },
            other => {
                let text = other.to_string();
                let _fits = self.take(text.len());
                html! { span class="atom" { (text) } }
            }
        }
    }

    fn text(&mut self, text: &str, place: &Subject, other: Option<&str>) -> Markup {
        let (head, rest) = words::cut(text, self.room);
        let _fits = self.take(head.len());
        self.cut |= rest > 0;
        let marks = self.findings.marks(place.as_str(), text, other);
        html! { "\"" span class="string" { (words::set(head, &marks, Setting::Json)) @if rest > 0 { "…" } } "\"" }
    }

    /// A new line, with the comma of the one before.
    fn line(&mut self, depth: usize, first: bool) -> Markup {
        let fits = self.take(2 * depth + 2);
        html! { @if !first { "," } @if fits { "\n" (" ".repeat(2 * depth)) } }
    }

    fn take(&mut self, count: usize) -> bool {
        let fits = count <= self.room;
        self.cut |= !fits;
        self.room = self.room.saturating_sub(count);
        fits
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn drawn(value: &Value, room: usize) -> (String, bool) {
        let findings = ByPlace::default();
        let mut drawing = Drawing::new(&findings, room);
        let html = drawing.value(value, &Subject::server()).into_string();
        (html, drawing.cut)
    }

    /// The text of HTML, as a browser copies it.
    fn text(html: &str) -> String {
        let mut out = String::new();
        let mut inside = false;
        for c in html.chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                c if !inside => out.push(c),
                _ => {}
            }
        }
        out.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    }

    #[test]
    fn it_is_json_again_and_nothing_in_it_is_markup() {
        let value = json!({ "a\"<b>": ["x\\y", { "z": null, "n": 1.5 }, [], {}, true], "t": "<script>&\"" });
        let (html, cut) = drawn(&value, 10_000);
        assert!(!cut && !html.contains("<script") && !html.contains("<b>"), "{html}");
        assert_eq!(serde_json::from_str::<Value>(&text(&html)).expect("JSON"), value);
    }

    #[test]
    fn room_and_depth_are_bounded_and_said() {
        let mut deep = json!("end");
        for _ in 0..5_000 {
            // `json!` would copy it, level by level, on the stack.
            deep = Value::Array(vec![deep]);
        }
        assert!(drawn(&deep, 1 << 20).1);
        // Dropping a value this deep would itself overflow the stack of a small thread.
        let mut rest = deep;
        while let Value::Array(mut list) = rest {
            rest = list.pop().unwrap_or_default();
        }
        let wide = Value::Array(vec![json!("x".repeat(50)); 1_000]);
        let (html, cut) = drawn(&wide, 2_000);
        assert!(cut && html.len() < 10_000, "{}", html.len());
    }
}
