//! What a text stands in: the entry's name and topic, the names that belong to the server.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use mcpsec_model::manifest::{Entry, Kind, Manifest, Role, Subject};
use serde_json::Value;

use super::{
    fold,
    normal::Normal,
    reading::{Reading, Sentence},
    sense::{Sense, Senses},
    spread::spread,
};

/// What rules know about the entry that a text belongs to.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    /// Words of the entry's name and of the server's, plain, with spaces around them: ` ssh connect `.
    pub(super) topic: String,
    /// Names of this server's entries and parameters, plain. Shared words of one manifest.
    pub(super) own: Arc<BTreeSet<String>>,
    /// What its name and its first sentence are about.
    pub(super) senses: Senses,
    /// The text is about one parameter.
    pub(super) parameter: bool,
    /// Plain names of the entry's parameters.
    pub(super) parameters: Arc<BTreeSet<String>>,
}

impl Context {
    /// The same for a text about one parameter: its own name is part of the topic where it names a key.
    pub(super) fn of_parameter(&self, name: &str) -> Self {
        let words = spaced(name);
        let mut about = self.clone();
        about.parameter = true;
        let named = [
            "private key",
            "ssh key",
            "key file",
            "key path",
            "identity file",
            "pem",
            "cert",
            "keystore",
            "kubeconfig",
            "env file",
            "dotenv",
            "environment",
            "env vars",
        ];
        if named.iter().any(|key| words.contains(key)) && words.split(' ').count() <= 4 {
            about.senses.add(Sense::Secret);
            about.topic.push_str(&words);
            about.topic.push(' ');
        }
        about
    }

    /// Whether something has nothing to do with what the entry says it is for.
    pub(super) fn strange(&self, sense: Sense) -> bool {
        !self.senses.has(sense)
    }

    /// Whether a sentence of a tool that looks for attacks says what they look like, rather than being one: it names no
    /// address and no parameter, and says nothing of when to act.
    pub(super) fn reports_on_attacks(&self, reading: &Reading, sentence: &Sentence) -> bool {
        let words = reading.words(sentence);
        self.is_about(&[
            "inject",
            "jailbreak",
            "moderat",
            "guard",
            "detect",
            "scan",
            "red team",
            "classif",
            "phish",
            "attack",
            "adversar",
            "explain",
        ]) && sentence.address.is_none()
            && !sentence.senses.any(&[Sense::Trigger, Sense::Slot, Sense::Secret, Sense::Danger])
            && (sentence.senses.has(Sense::Defence)
                || [
                    "typical",
                    "positives",
                    "example",
                    "attempt",
                    "phrases",
                    "attack",
                    "patterns",
                    "texts that",
                    "text that",
                    "\"",
                ]
                .iter()
                .any(|word| words.contains(word)))
    }

    /// Whether a sentence belongs to a story or a lesson that the entry is for, and orders nothing of its own: it names no
    /// address, no parameter, no place of secrets.
    pub(super) fn tells(&self, reading: &Reading, sentence: &Sentence) -> bool {
        let opening = reading.sentences.first().map(|first| reading.words(first)).unwrap_or_default();
        let topic = |word: &&str| self.topic.contains(*word) || sentence.first && opening.contains(*word);
        let fiction =
            ["story", "stories", "novel", "plot ", "screenplay", "fiction", "lyrics", "poem", "fairy tale", "riddle"];
        let lesson = ["training", "awareness", "quiz", "lesson", "course", "teach", "exercise", "phish", "scam"];
        let quiet = !reading.everything().any(&[Sense::Takeover, Sense::Lawless])
            && sentence.address.is_none()
            && !sentence.senses.any(&[Sense::Slot, Sense::Secret, Sense::Authority, Sense::Others, Sense::This])
            && super::exfiltration::names_parameter(reading.words(sentence), self).is_none();
        quiet
            && (fiction.iter().any(topic) && !reading.orders(sentence)
                || lesson.iter().any(topic) && (sentence.first || !reading.orders(sentence)))
    }

    /// Whether the entry is about one of these things by its name.
    pub(super) fn is_about(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.topic.contains(word))
    }
}

/// The context of every entry, and of the server itself.
pub(super) fn contexts(manifest: &Manifest) -> BTreeMap<Subject, Context> {
    let mut own = BTreeSet::new();
    for text in manifest.texts() {
        if matches!(text.role, Role::Name | Role::Parameter | Role::Enum | Role::Other) {
            own.insert(fold::folded(text.text));
        }
    }
    let own = Arc::new(own);
    let server = manifest.server_info().get("name").and_then(Value::as_str).unwrap_or_default();
    let about = |name: &str, said: &str, parameters| {
        let topic = format!(" {} {} ", spaced(name), spaced(server));
        let head = &said[..said.floor_char_boundary(said.len().min(1_000))];
        let first = Reading::new(Normal::new(head), false);
        let first = first.sentences.first().map(|sentence| sentence.senses).unwrap_or_default();
        let senses = Reading::new(Normal::new(&topic), false).everything().and(first);
        Context { topic, own: own.clone(), senses, parameter: false, parameters: Arc::new(parameters) }
    };
    let entries: Vec<_> = Kind::ALL.into_iter().flat_map(|kind| manifest.entries(kind)).collect();
    let contexts = spread(&entries, |part| {
        let context = |entry: &&Entry| {
            let mut parameters = BTreeSet::new();
            if let Some(Value::Object(properties)) =
                entry.get("inputSchema").and_then(|schema| schema.get("properties"))
            {
                parameters.extend(properties.keys().map(|name| fold::folded(name)));
            }
            if let Some(Value::Array(arguments)) = entry.get("arguments") {
                let names = arguments.iter().filter_map(|argument| argument.get("name")?.as_str());
                parameters.extend(names.map(fold::folded));
            }
            let said = entry.get("description").and_then(Value::as_str).unwrap_or_default();
            (entry.subject(), about(entry.name(), said, parameters))
        };
        part.iter().map(context).collect()
    });
    let of_server = about("", manifest.instructions().unwrap_or_default(), BTreeSet::new());
    std::iter::once((Subject::server(), of_server)).chain(contexts).collect()
}

/// A name as words: `readSshKey`, `read_ssh-key` and `ReadSSHKey` are `read ssh key`.
pub(super) fn spaced(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 8);
    for (index, c) in chars.iter().copied().enumerate() {
        let before = index.checked_sub(1).and_then(|before| chars.get(before)).copied();
        let after = chars.get(index + 1).copied();
        let hump = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || after.is_some_and(char::is_lowercase) && before.is_uppercase()
            });
        if matches!(c, '_' | '-' | '.' | '/' | ':' | ' ') {
            out.push(' ');
            continue;
        }
        if hump {
            out.push(' ');
        }
        fold::fold(c, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        for name in ["readSshKey", "read_ssh-key", "ReadSSHKey", "READ_SSH_KEY"] {
            assert_eq!(spaced(name), "read ssh key", "{name}");
        }
    }
}
