//! Where things stand in the text of a lock: the lines that reports point to.
//!
//! One pass over the text, which need not be a valid lock: a report about an edited one points into it too. A stranger's
//! words never start in the first column of a lock (docs/lock-format.md), so whatever stands there is ours.
use std::{borrow::Cow, collections::BTreeMap, str::Lines};

use super::{lines, seal, told};
use crate::manifest::{Kind, Subject};

/// The lines of a lock's servers, packages and texts. Lines count from 1.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Places {
    servers: BTreeMap<String, ServerPlaces>,
    packages: BTreeMap<String, u32>,
}

/// The lines of one server.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct ServerPlaces {
    line: u32,
    entries: BTreeMap<String, EntryPlaces>,
}

/// The lines of one tool, prompt, resource or template, or of what the server says about itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct EntryPlaces {
    line: u32,
    members: Vec<(&'static str, u32)>,
}

/// Members of a manifest as a whole, with their keys in the lock.
const WHOLE: [(&str, &str); 3] =
    [("instructions", "instructions"), ("serverInfo", "server-info"), ("capabilities", "capabilities")];

impl Places {
    /// Reads a text. Time and memory are in proportion to its length.
    pub fn of(text: &str) -> Self {
        let mut reading = Reading { lines: text.lines(), number: 0, places: Self::default(), inside: Inside::Nothing };
        while let Some(line) = reading.next() {
            reading.line(line);
        }
        reading.close();
        reading.places
    }

    /// The line of a server's table.
    pub fn server(&self, name: &str) -> Option<u32> {
        self.servers.get(name).map(|server| server.line)
    }

    /// The line of a package's entry, by the text of its id.
    pub fn package(&self, id: &str) -> Option<u32> {
        self.packages.get(id).copied()
    }

    /// The line of what a check or finding is about: a place in a server's manifest, a package or something in one, or else
    /// the server itself.
    pub fn find(&self, server: Option<&str>, subject: &str) -> Option<u32> {
        let of_server = server.and_then(|name| self.servers.get(name));
        let told = || of_server.and_then(|server| server.told(subject));
        told().or_else(|| self.within(subject)).or_else(|| self.server(subject)).or(of_server.map(|server| server.line))
    }

    /// The package that a subject is, or starts with: `npm:a@1.0.0/lib/index.js`.
    fn within(&self, subject: &str) -> Option<u32> {
        let mut id = subject;
        loop {
            if let Some(line) = self.package(id) {
                return Some(line);
            }
            id = &id[..id.rfind(['/', ' ', '#', ':'])?];
        }
    }
}

impl ServerPlaces {
    fn told(&self, subject: &str) -> Option<u32> {
        let mut segments = subject.split('/');
        let entry = self.entries.get(segments.next()?)?;
        let member = segments.next();
        let found = entry.members.iter().find(|(known, _)| Some(*known) == member);
        Some(found.map_or(entry.line, |(_, line)| *line))
    }
}

/// What the current line is part of.
enum Inside {
    Nothing,
    /// `[[server]]`, whose name is not read yet.
    Unnamed(u32),
    /// A table of this server.
    Server(String),
    /// What this server tells the model.
    Entry {
        server: String,
        kind: Option<Kind>,
        name: Option<String>,
        places: EntryPlaces,
    },
    /// `[[package]]`, whose id is not read yet.
    Package(u32),
}

struct Reading<'t> {
    lines: Lines<'t>,
    number: u32,
    places: Places,
    inside: Inside,
}

impl<'t> Reading<'t> {
    fn next(&mut self) -> Option<&'t str> {
        let line = self.lines.next()?;
        self.number = self.number.saturating_add(1);
        Some(line)
    }

    fn line(&mut self, line: &'t str) {
        if line.starts_with('[') {
            self.table(line);
        } else if line.starts_with(|c: char| c.is_ascii_lowercase())
            && let Some((key, value)) = line.split_once(" = ")
        {
            self.member(key, value);
        }
    }

    /// A line that opens a table: whatever was open is closed.
    fn table(&mut self, line: &str) {
        let server = self.close();
        self.inside = match (line, server) {
            (seal::SERVER, _) => Inside::Unnamed(self.number),
            (seal::PACKAGE, _) => Inside::Package(self.number),
            (line, Some(server)) => {
                let word = line.strip_prefix("[[server.manifest.").and_then(|rest| rest.strip_suffix("]]"));
                let kind = Kind::ALL.into_iter().find(|kind| Some(kind.as_str()) == word);
                let places = EntryPlaces { line: self.number, members: Vec::new() };
                if line == "[server.manifest]" || kind.is_some() {
                    Inside::Entry { server, kind, name: None, places }
                } else {
                    Inside::Server(server)
                }
            }
            (_, None) => Inside::Nothing,
        };
    }

    fn member(&mut self, key: &str, value: &'t str) {
        let number = self.number;
        let (is_name, known) = match &self.inside {
            Inside::Unnamed(_) => (key == "name", None),
            Inside::Package(_) => (key == "id", None),
            Inside::Entry { kind: None, .. } => (false, WHOLE.iter().find(|(_, known)| *known == key)),
            Inside::Entry { kind: Some(kind), .. } => {
                let known = told::TEXTS.iter().chain(&told::VALUES).find(|(_, known)| *known == key);
                (known.is_some_and(|(member, _)| *member == kind.key()), known)
            }
            Inside::Nothing | Inside::Server(_) => return,
        };
        let read = if is_name { self.text(value) } else { None };
        match (&mut self.inside, read) {
            (Inside::Unnamed(line), Some(name)) => {
                let line = *line;
                self.places.servers.insert(name.clone(), ServerPlaces { line, entries: BTreeMap::new() });
                self.inside = Inside::Server(name);
            }
            (Inside::Package(line), Some(id)) => {
                self.places.packages.insert(id, *line);
                self.inside = Inside::Nothing;
            }
            (Inside::Entry { name, places, .. }, read) => {
                places.members.extend(known.map(|(member, _)| (*member, number)));
                *name = read.or(name.take());
            }
            _ => {}
        }
    }

    /// A text as the lock writes it: in quotation marks, in apostrophes, or as the list of its lines.
    fn text(&mut self, value: &str) -> Option<String> {
        if value != "[" {
            return one_line(value).map(Cow::into_owned);
        }
        let mut text: Option<String> = None;
        loop {
            let line = self.next()?;
            if line == "]" {
                return text;
            }
            let part = one_line(line.trim_start().strip_suffix(',')?)?;
            text = Some(text.map_or_else(|| part.to_string(), |text| format!("{text}\n{part}")));
        }
    }

    /// Files the entry that is open, and gives the server that goes on.
    fn close(&mut self) -> Option<String> {
        match std::mem::replace(&mut self.inside, Inside::Nothing) {
            Inside::Server(server) => Some(server),
            Inside::Entry { server, kind, name, places } => {
                let subject = match (kind, name) {
                    (None, _) => Some(Subject::server()),
                    (Some(kind), Some(name)) => Some(Subject::entry(kind, &name)),
                    (Some(_), None) => None,
                };
                if let (Some(subject), Some(known)) = (subject, self.places.servers.get_mut(&server)) {
                    known.entries.entry(subject.into()).or_insert(places);
                }
                Some(server)
            }
            Inside::Nothing | Inside::Unnamed(_) | Inside::Package(_) => None,
        }
    }
}

fn one_line(value: &str) -> Option<Cow<'_, str>> {
    if let Some(literal) = value.strip_prefix('\'') {
        return literal.strip_suffix('\'').map(Cow::Borrowed);
    }
    lines::string(value).filter(|(_, rest)| rest.is_empty()).map(|(text, _)| text)
}
