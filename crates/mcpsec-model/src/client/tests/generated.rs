//! Files that nobody wrote: every layout that the three formats allow, as far as chance finds it.
use proptest::prelude::*;

use super::{JSON, Level, place, there_and_back};
use crate::client::{Client, Location};

/// How a generated file is laid out.
#[derive(Debug, Clone)]
struct Layout {
    bom: bool,
    end: &'static str,
    indent: &'static str,
    /// Whether lists and objects take a line for each member.
    lines: bool,
    trailing: bool,
    comments: bool,
    args_first: bool,
    tight: bool,
    last_line_ends: bool,
}

#[derive(Debug, Clone)]
struct Entry {
    name: String,
    launcher: usize,
    args: Vec<String>,
    has_env: bool,
}

const LAUNCHERS: &[(&str, &[&str])] = &[
    ("npx", &["pkg"]),
    ("npx", &["-y", "@scope/pkg@latest"]),
    ("npx", &["--yes", "--quiet", "-p", "pkg@1.2.3", "cmd"]),
    ("uvx", &["pkg"]),
    ("uvx", &["--from", "pkg==1", "cmd"]),
    ("cmd", &["/c", "npx", "-y", "pkg"]),
    ("npx -y pkg", &[]),
    ("C:\\Program Files\\nodejs\\npx.cmd", &["pkg"]),
    ("node", &["server.js"]),
];

fn layouts() -> impl Strategy<Value = Layout> {
    let ends = prop_oneof![Just("\n"), Just("\r\n")];
    let indents = prop_oneof![Just("  "), Just("\t"), Just("    "), Just(" ")];
    (any::<[bool; 7]>(), ends, indents).prop_map(|(flags, end, indent)| {
        let [bom, lines, trailing, comments, args_first, tight, last_line_ends] = flags;
        Layout { bom, end, indent, lines, trailing, comments, args_first, tight, last_line_ends }
    })
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let arg = prop_oneof![
        "[a-z/.=-]{1,8}",
        "[ \"'\\\\#:,\\[\\]{}&*!|>%@`ä😀]{1,4}",
        Just("--".to_owned()),
        Just("run".to_owned())
    ];
    let entry = ("[a-zäöü ._-]{1,6}", 0..LAUNCHERS.len(), prop::collection::vec(arg, 0..4), any::<bool>());
    let entry = entry.prop_map(|(name, launcher, args, has_env)| Entry { name, launcher, args, has_env });
    prop::collection::vec(entry, 0..4).prop_map(|mut entries| {
        for (number, entry) in entries.iter_mut().enumerate() {
            entry.name.push_str(&number.to_string());
        }
        entries
    })
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Entry {
    /// Its command, and its arguments unless it has none at all.
    fn words(&self) -> (&'static str, Option<Vec<String>>) {
        let (command, before) = LAUNCHERS[self.launcher];
        // A command that is one text has its arguments in it.
        let args: Vec<String> = before.iter().map(|word| (*word).to_owned()).chain(self.args.iter().cloned()).collect();
        (command, (!before.is_empty()).then_some(args))
    }
}

impl Layout {
    fn file(&self, body: &str) -> String {
        let bom = if self.bom { "\u{feff}" } else { "" };
        let last = if self.last_line_ends { self.end } else { "" };
        format!("{bom}{}{last}", body.replace('\n', self.end))
    }

    fn comment(&self, number: usize) -> String {
        if self.comments { format!(" /* note {number} */") } else { String::new() }
    }

    /// Items in brackets of a JSON file.
    fn bracketed(&self, open: &str, items: &[String], close: &str, depth: usize) -> String {
        if items.is_empty() {
            return format!("{open}{close}");
        }
        let comma = if self.trailing { "," } else { "" };
        if !self.lines {
            let space = if self.tight { "" } else { " " };
            return format!("{open}{}{comma}{close}", items.join(&format!(",{space}")));
        }
        let inner = self.indent.repeat(depth + 1);
        let lines: Vec<String> =
            items.iter().enumerate().map(|(number, item)| format!("{inner}{item}{}", self.comment(number))).collect();
        format!("{open}\n{}{comma}\n{}{close}", lines.join(",\n"), self.indent.repeat(depth))
    }

    fn json(&self, entries: &[Entry]) -> String {
        let colon = if self.tight { ":" } else { ": " };
        let servers: Vec<String> = entries
            .iter()
            .map(|entry| {
                let (command, args) = entry.words();
                let mut members = vec![format!("\"command\"{colon}{}", quoted(command))];
                if let Some(args) = args {
                    let args: Vec<String> = args.iter().map(|arg| quoted(arg)).collect();
                    members.push(format!("\"args\"{colon}{}", self.bracketed("[", &args, "]", 3)));
                }
                if self.args_first {
                    members.reverse();
                }
                if entry.has_env {
                    members.insert(members.len() / 2, format!("\"env\"{colon}{{\"K\"{colon}\"v\"}}"));
                }
                format!("{}{colon}{}", quoted(&entry.name), self.bracketed("{", &members, "}", 2))
            })
            .collect();
        let servers = format!("\"mcpServers\"{colon}{}", self.bracketed("{", &servers, "}", 1));
        self.file(&self.bracketed("{", &["\"other\": [1, {\"command\": \"npx\"}]".to_owned(), servers], "}", 0))
    }

    fn toml(&self, entries: &[Entry]) -> String {
        let mut body = "top = 1 # note\n".to_owned();
        for entry in entries {
            let (command, args) = entry.words();
            let note = if self.comments { " # note" } else { "" };
            let mut lines = vec![format!("command = {}{note}", quoted(command))];
            if let Some(args) = args {
                let args: Vec<String> = args.iter().map(|arg| quoted(arg)).collect();
                let list = if self.lines {
                    let lines: String = args.iter().map(|arg| format!("{}{arg},{note}\n", self.indent)).collect();
                    format!("[\n{lines}]")
                } else {
                    format!("[{}]", args.join(if self.tight { "," } else { ", " }))
                };
                lines.push(format!("args = {list}{note}"));
            }
            if self.args_first {
                lines.reverse();
            }
            if entry.has_env {
                lines.push("env = { K = \"v\" }".to_owned());
            }
            if self.trailing {
                body += &format!("\n[mcp_servers.{}]{note}\n{}\n", quoted(&entry.name), lines.join("\n"));
            } else {
                let dotted = format!("mcp_servers.{}.", quoted(&entry.name));
                body = format!("{dotted}{}\n{body}", lines.join(&format!("\n{dotted}")));
            }
        }
        self.file(body.trim_end_matches('\n'))
    }

    fn yaml(&self, entries: &[Entry]) -> String {
        let indent = if self.indent == "\t" { "   " } else { self.indent };
        let note = if self.comments { "  # note" } else { "" };
        let mut body = format!("top: größe{note}\nextensions:{note}\n");
        for entry in entries {
            let (command, args) = entry.words();
            let mut members = vec![format!("cmd: {}", quoted(command))];
            if let Some(args) = args {
                let args: Vec<String> = args.iter().map(|arg| quoted(arg)).collect();
                let inner = if self.tight { indent.repeat(2) } else { indent.repeat(3) };
                members.push(if self.lines && self.trailing {
                    format!("args:{}", args.iter().map(|arg| format!("\n{inner}- {arg}{note}")).collect::<String>())
                } else {
                    format!("args: [{}]", args.join(", "))
                });
            }
            if self.args_first {
                members.reverse();
            }
            if entry.has_env {
                members.push("envs: {K: v}".to_owned());
            }
            let name = quoted(&entry.name);
            if self.trailing {
                let lines: String = members.iter().map(|line| format!("{}{line}{note}\n", indent.repeat(2))).collect();
                body += &format!("{indent}{name}:{note}\n{lines}");
            } else {
                body += &format!("{indent}{name}: {{{}}}{note}\n", members.join(", "));
            }
        }
        self.file(body.trim_end_matches('\n'))
    }
}

/// The notes and other members of a text, in order: what no rewrite may touch.
fn untouched(text: &str) -> Vec<&str> {
    let mut found: Vec<(usize, &str)> = Vec::new();
    for word in ["note", "top", "other", "größe", "env", "\"K\"", "K: v", "K = ", "server.js", "\r\n", "\u{feff}"] {
        // Lines may be added to a list; those that were there stay.
        if word != "\r\n" {
            found.extend(text.match_indices(word));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, word)| word).collect()
}

fn check(location: &'static Location, text: &str) {
    let wrapped = there_and_back(location, text, text);
    let without_arguments = |text: &str| untouched(text).into_iter().filter(|word| *word != "note").count();
    assert_eq!(without_arguments(&wrapped), without_arguments(text), "{text}\n{wrapped}");
    assert_eq!(wrapped.starts_with('\u{feff}'), text.starts_with('\u{feff}'));
    assert_eq!(wrapped.ends_with('\n'), text.ends_with('\n'));
    // No line end of another kind comes in.
    if text.contains("\r\n") {
        assert_eq!(wrapped.matches('\n').count(), wrapped.matches("\r\n").count(), "{wrapped:?}");
    } else {
        assert!(!wrapped.contains('\r'));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_there_and_back(layout in layouts(), entries in entries()) {
        check(JSON(), &layout.json(&entries));
    }

    #[test]
    fn toml_there_and_back(layout in layouts(), entries in entries()) {
        check(place(Client::Codex, Level::User), &layout.toml(&entries));
    }

    #[test]
    fn yaml_there_and_back(layout in layouts(), entries in entries()) {
        check(place(Client::Goose, Level::User), &layout.yaml(&entries));
    }

    /// The files of testdata/clients, damaged: whatever can still be read goes there and back, or is refused and stays.
    #[test]
    fn damaged_files_there_and_back(
        file in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, any::<prop::sample::Index>()), 1..4),
    ) {
        let files = super::files();
        let (client, name, text) = file.get(&files);
        let mut chars: Vec<char> = text.chars().collect();
        for (at, what, piece) in damage {
            let at = at.index(chars.len() + 1);
            match what {
                0 if at < chars.len() => drop(chars.remove(at)),
                1 => chars.insert(at, *piece.get(&['"', '\'', '\\', '{', '}', '[', ']', ',', ':', '#', '/', '*', '&', '-', ' ', '\t', '\n', '\r', 'é', '=', '|', '>', '!', '~'])),
                2 if at < chars.len() => {
                    // A line or a part of it stands twice.
                    let end = (at + 1 + piece.index(40)).min(chars.len());
                    let twice: Vec<char> = chars[at..end].to_vec();
                    chars.splice(at..at, twice);
                }
                _ => chars.truncate(at.max(chars.len().saturating_sub(20))),
            }
        }
        let text: String = chars.into_iter().collect();
        for location in super::places(*client) {
            let Ok(servers) = crate::client::read(location, &text) else { continue };
            let asked = super::wrappings(location, &text);
            let wrapped = match crate::client::wrap(location, &text, &asked) {
                Ok(wrapped) => wrapped,
                Err(error) => panic!("{name}: {error}\n{text}"),
            };
            let back = crate::client::unwrap(location, &wrapped.text, &[&text], &|path| {
                servers.iter().any(|server| server.path == path && !matches!(server.launch, crate::client::Launch::Locked(_)))
            });
            match back {
                Ok(back) => prop_assert_eq!(back.text, text.clone()),
                Err(error) => panic!("{name}: {error}\n{text}\n{}", wrapped.text),
            }
        }
    }

    #[test]
    fn nothing_makes_a_reader_panic(text in "[\\[\\]{}:,\"'a-c \n\r\t#&*!|>/=.-]{0,60}") {
        for location in [JSON(), place(Client::Codex, Level::User), place(Client::Goose, Level::User)] {
            let _refused = crate::client::read(location, &text);
        }
    }
}
