//! Writes the tables of what a server tells the model.
use serde_json::{Map, Value};

use super::{REST, TEXTS, VALUES, json};
use crate::{
    capture::{Accepted, Captured, Context, Observed, Told},
    lock::write::Text,
    manifest::{Entry, Kind, Manifest},
    text::{Untrusted, is_hidden},
};

impl Text {
    /// All of them.
    pub(in crate::lock) fn told(&mut self, told: &Told, accepted: &[Accepted]) {
        for accepted in accepted {
            self.open("[[server.accepted]]");
            self.text("subject", &accepted.subject);
            if let Some(rule) = accepted.rule {
                self.text("rule", rule.id());
            }
            self.text("entry", &accepted.entry.to_string());
            self.text("reason", &accepted.reason);
        }
        match told {
            Told::Unknown => {}
            Told::Unchecked(reason) => {
                self.open("[server.capture]");
                self.text("unchecked", reason);
            }
            Told::Manifest(captured) => self.captured(captured),
        }
    }

    fn captured(&mut self, captured: &Captured) {
        self.open("[server.capture]");
        self.context(&captured.context);
        self.observed(&captured.observed);
        for unstable in &captured.unstable {
            self.open("[[server.unstable]]");
            self.text("subject", unstable.subject.as_str());
            self.text("between", unstable.between.as_str());
            self.json("other", &unstable.other);
        }
        self.manifest(&captured.manifest);
    }

    fn context(&mut self, context: &Context) {
        self.text("isolation", context.isolation.as_str());
        if let Some(runtime) = &context.runtime {
            self.text("runtime", &format!("{} {}", runtime.name, runtime.version));
        }
        self.text("protocol", &context.protocol);
        let lists =
            [("placeholders", &context.placeholders), ("real-env", &context.real_env), ("network", &context.network)];
        for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            self.line_of(key, list);
        }
    }

    fn observed(&mut self, observed: &Observed) {
        let lists = [
            ("tried-hosts", &observed.hosts),
            ("tried-files", &observed.files),
            ("tried-canaries", &observed.canaries),
            ("tried-programs", &observed.programs),
        ];
        for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            self.lines_of(key, list.iter().map(Untrusted::raw));
        }
        if !observed.refused.is_empty() {
            self.lines_of("tried-calls", observed.refused.keys());
        }
        if observed.incomplete {
            self.raw("tried-more = true\n");
        }
    }

    fn manifest(&mut self, manifest: &Manifest) {
        self.open("[server.manifest]");
        self.text("id", &manifest.id().to_string());
        if let Some(instructions) = manifest.instructions() {
            self.words("instructions", instructions);
        }
        for (key, value) in [("server-info", manifest.server_info()), ("capabilities", manifest.capabilities())] {
            if value.as_object().is_some_and(|map| !map.is_empty()) {
                self.json(key, value);
            }
        }
        for kind in Kind::ALL {
            for entry in manifest.entries(kind) {
                if self.is_full() {
                    return;
                }
                self.entry(entry);
            }
        }
    }

    fn entry(&mut self, entry: &Entry) {
        self.open(&format!("[[server.manifest.{}]]", entry.kind()));
        let mut written: Vec<&str> = Vec::with_capacity(TEXTS.len() + VALUES.len());
        for (member, key) in TEXTS {
            if let Some(text) = entry.get(member).and_then(Value::as_str) {
                self.words(key, text);
                written.push(member);
            }
        }
        for (member, key) in VALUES {
            if let Some(value) = entry.get(member) {
                self.json(key, value);
                written.push(member);
            }
        }
        let members = entry.json().as_object().into_iter().flatten();
        let rest = members.filter(|(member, _)| !written.contains(&member.as_str()));
        let rest: Map<String, Value> = rest.map(|(member, value)| (member.clone(), value.clone())).collect();
        if !rest.is_empty() {
            self.json(REST, &Value::Object(rest));
        }
    }

    fn open(&mut self, header: &str) {
        self.raw("\n");
        self.raw(header);
        self.raw("\n");
    }

    /// A text that a stranger wrote: on one line, or as the list of its lines. None of them starts in the first column.
    fn words(&mut self, key: &str, text: &str) {
        self.raw(key);
        if !text.contains('\n') {
            self.raw(" = ");
            self.word(text);
            self.raw("\n");
            return;
        }
        self.raw(" = [\n");
        for line in text.split('\n') {
            self.raw("  ");
            self.word(line);
            self.raw(",\n");
        }
        self.raw("]\n");
    }

    /// In apostrophes where that spares the reader backslashes, else as every other text.
    fn word(&mut self, text: &str) {
        if text.contains(['"', '\\']) && !text.contains(|c| c == '\'' || is_hidden(c)) {
            self.raw("'");
            self.raw(text);
            self.raw("'");
        } else {
            self.quoted(text);
        }
    }

    fn json(&mut self, key: &str, value: &Value) {
        self.raw(key);
        self.raw(" = '''\n");
        let limit = self.limit();
        json::lines(value, limit, self.buffer());
        self.raw("'''\n");
    }
}
