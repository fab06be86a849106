//! YAML, with the bytes of every value. Of the language only what clients write: one document; aliases, tags and merge keys
//! are seen and never followed.
use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::{
    ClientError,
    tree::{Kind, List, MAX_DEPTH, Map, Member, Node, position},
};

/// Longer YAML is refused: no client writes it, and its grammar is slow to read.
const MAX_BYTES: usize = 1 << 20;

/// Reads a text without byte order mark. An empty file says nothing, which is an empty map.
pub(super) fn parse(text: &str) -> Result<Node, ClientError> {
    if text.len() > MAX_BYTES {
        return Err(ClientError::Large { limit: MAX_BYTES });
    }
    let mut builder = Builder { text, bytes: Bytes::new(text), open: Vec::new(), root: None };
    let mut parser = Parser::new_from_str(text);
    loop {
        let (event, span) = match parser.next_event() {
            None => break,
            Some(Ok(step)) => step,
            Some(Err(error)) => {
                let at = builder.bytes.exact(text, error.marker());
                let (line, column) = position(text, at);
                return Err(ClientError::form(line, column, error.info()));
            }
        };
        builder.step(event, span)?;
    }
    let empty = Node { span: 0..0, kind: Kind::Map(Map { members: Vec::new(), flow: false }) };
    Ok(builder.root.filter(|root| !root.is_nothing()).unwrap_or(empty))
}

/// The parser counts characters; spans are bytes.
struct Bytes {
    /// The byte of every 64th character: enough to be quick, and small.
    marks: Vec<usize>,
    ascii: bool,
}

const STEP: usize = 64;

impl Bytes {
    fn new(text: &str) -> Self {
        let marks = text.char_indices().step_by(STEP).map(|(at, _)| at).collect();
        Self { marks, ascii: text.is_ascii() }
    }

    fn of(&self, marker: &Marker) -> usize {
        let index = marker.index();
        if self.ascii { index } else { self.marks.get(index / STEP).copied().unwrap_or(usize::MAX) }
    }

    fn exact(&self, text: &str, marker: &Marker) -> usize {
        if self.ascii {
            return marker.index().min(text.len());
        }
        let from = self.of(marker).min(text.len());
        let rest = text.get(from..).unwrap_or_default();
        rest.char_indices().nth(marker.index() % STEP).map_or(text.len(), |(at, _)| from + at)
    }
}

/// A list or map whose end was not read yet.
struct Open {
    start: usize,
    flow: bool,
    what: What,
    /// Has an anchor or a tag: what it means may not be what it says here.
    opaque: Option<&'static str>,
}

enum What {
    List(Vec<Node>),
    Map { members: Vec<Member>, key: Option<(String, Range<usize>)> },
}

struct Builder<'t> {
    text: &'t str,
    bytes: Bytes,
    open: Vec<Open>,
    root: Option<Node>,
}

impl Builder<'_> {
    fn span(&self, span: &Span) -> Range<usize> {
        let start = self.bytes.exact(self.text, &span.start);
        start..self.bytes.exact(self.text, &span.end).max(start)
    }

    fn step(&mut self, event: Event<'_>, span: Span) -> Result<(), ClientError> {
        let at = self.span(&span);
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                let (line, column) = position(self.text, at.start);
                return Err(ClientError::form(line, column, "a second document begins here"));
            }
            Event::Scalar(value, style, anchor, tag) => {
                let node = self.scalar(&value, style, special(anchor, tag.is_some()), at);
                self.put(node)?;
            }
            Event::Alias(_) => self.put(Node { span: at, kind: Kind::Opaque("an alias") })?,
            Event::SequenceStart(anchor, tag) => {
                let flow = self.text.as_bytes().get(at.start) == Some(&b'[');
                self.enter(at.start, flow, What::List(Vec::new()), special(anchor, tag.is_some()))?;
            }
            Event::MappingStart(anchor, tag) => {
                let flow = self.text.as_bytes().get(at.start) == Some(&b'{');
                let what = What::Map { members: Vec::new(), key: None };
                self.enter(at.start, flow, what, special(anchor, tag.is_some()))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(&at)?,
            _ => {}
        }
        Ok(())
    }

    fn scalar(&self, value: &str, style: ScalarStyle, opaque: Option<&'static str>, span: Range<usize>) -> Node {
        let kind = match (opaque, style) {
            (Some(why), _) => Kind::Opaque(why),
            (None, ScalarStyle::Plain) => plain(value),
            (None, _) => Kind::Text(value.to_owned()),
        };
        // The parser's span of a plain value may hold the spaces after it.
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let end = if style == ScalarStyle::Plain { span.start + raw.trim_end().len() } else { span.end };
        Node { span: span.start..end, kind }
    }

    fn enter(&mut self, start: usize, flow: bool, what: What, opaque: Option<&'static str>) -> Result<(), ClientError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(ClientError::deep(self.text, start));
        }
        self.open.push(Open { start, flow, what, opaque });
        Ok(())
    }

    fn leave(&mut self, at: &Range<usize>) -> Result<(), ClientError> {
        let Some(Open { start, flow, what, opaque }) = self.open.pop() else { return Ok(()) };
        // The parser's span of a closing bracket holds the spaces and comments after it.
        let closed = self.text.as_bytes().get(at.start).is_some_and(|byte| matches!(byte, b']' | b'}'));
        let at = at.start..if closed { at.start + 1 } else { at.end };
        let node = match what {
            What::List(items) => {
                // Lines with a dash end where their last value does; what follows is not theirs.
                let span = match (flow, items.first(), items.last()) {
                    (false, Some(first), Some(last)) => dash_before(self.text, first.span.start)..last.span.end,
                    _ => start..at.end,
                };
                Node { span, kind: Kind::List(List { items, flow }) }
            }
            What::Map { members, .. } => {
                let end = match (flow, members.last()) {
                    (false, Some(last)) => last.value.span.end,
                    _ => at.end,
                };
                Node { span: start..end.max(start), kind: Kind::Map(Map { members, flow }) }
            }
        };
        let node = match opaque {
            Some(why) => Node { span: node.span, kind: Kind::Opaque(why) },
            None => node,
        };
        self.put(node)
    }

    fn put(&mut self, node: Node) -> Result<(), ClientError> {
        match self.open.last_mut().map(|open| &mut open.what) {
            None => self.root = Some(node),
            Some(What::List(items)) => items.push(node),
            Some(What::Map { members, key }) => match key.take() {
                Some((key, key_span)) => members.push(Member { key, key_span, value: node }),
                None => match node.kind {
                    Kind::Text(text) | Kind::Other(text) if text != "<<" => *key = Some((text, node.span)),
                    Kind::Bool(value) => *key = Some((value.to_string(), node.span)),
                    _ => {
                        let (line, column) = position(self.text, node.span.start);
                        return Err(ClientError::form(line, column, "a merge, an alias or a list in place of a name"));
                    }
                },
            },
        }
        Ok(())
    }
}

/// What an anchor or a tag makes of a value: it is meant elsewhere too, or means something else than it says.
fn special(anchor: usize, tagged: bool) -> Option<&'static str> {
    if tagged { Some("a value with a tag") } else { (anchor > 0).then_some("a value with an anchor") }
}

/// Where the dash of the first line of a list stands.
fn dash_before(text: &str, start: usize) -> usize {
    let before = text.get(..start).unwrap_or_default().trim_end_matches([' ', '\t']);
    if before.ends_with('-') { before.len() - 1 } else { start }
}

/// What a plain value means (YAML 1.2.2, 10.3 Core Schema), and the old booleans that some readers still know.
fn plain(value: &str) -> Kind {
    match value {
        "true" | "True" | "TRUE" => Kind::Bool(true),
        "false" | "False" | "FALSE" => Kind::Bool(false),
        "" | "~" | "null" | "Null" | "NULL" => Kind::Other(value.to_owned()),
        _ if value.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) && value.parse::<f64>().is_ok() => {
            Kind::Other(value.to_owned())
        }
        _ => Kind::Text(value.to_owned()),
    }
}
