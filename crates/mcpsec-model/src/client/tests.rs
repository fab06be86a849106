//! Reading, and going there and back: over the files of testdata/clients, over generated ones, and over hostile ones.
use std::{collections::BTreeMap, fs, path::PathBuf};

use super::{Client, ClientError, LOCATIONS, Launch, Level, Location, RewriteError, Wrapping, read, unwrap, wrap};

mod generated;

/// Every file of testdata/clients with the client it is for and its text.
fn files() -> Vec<(Client, String, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/clients");
    let mut files = Vec::new();
    for folder in fs::read_dir(root).expect("testdata/clients") {
        let folder = folder.expect("an entry");
        let client: Client = folder.file_name().to_str().and_then(|name| name.parse().ok()).expect("a client's id");
        for file in fs::read_dir(folder.path()).expect("a folder") {
            let path = file.expect("an entry").path();
            let name = format!("{client}/{}", path.file_name().expect("a name").to_string_lossy());
            files.push((client, name, fs::read_to_string(path).expect("UTF-8")));
        }
    }
    files.sort_by(|a, b| a.1.cmp(&b.1));
    files
}

/// The places of a client's files, each set of names once.
fn places(client: Client) -> Vec<&'static Location> {
    let mut places: Vec<&Location> = Vec::new();
    for place in LOCATIONS.iter().filter(|place| place.client == client) {
        if !places.iter().any(|other| other.keys == place.keys) {
            places.push(place);
        }
    }
    places
}

/// What `wrap` is asked for: every package, its arguments behind `--`.
fn wrappings(location: &'static Location, text: &str) -> Vec<Wrapping> {
    let servers = read(location, text).expect("a readable file").into_iter().enumerate();
    servers
        .filter_map(|(number, server)| {
            let Launch::Package(line) = server.launch else { return None };
            let mut words = vec!["mcpsec".to_owned(), "run".to_owned(), format!("server-{number}")];
            if !line.args.is_empty() {
                words.push("--".to_owned());
                words.extend(line.args);
            }
            Some(Wrapping { path: server.path, words })
        })
        .collect()
}

/// Wraps all, looks at the result from several sides, and gives the wrapped text.
fn there_and_back(location: &'static Location, text: &str, name: &str) -> String {
    let asked = wrappings(location, text);
    let wrapped = wrap(location, text, &asked).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(wrapped.left, [], "{name}");
    let after = read(location, &wrapped.text).expect("still readable");
    for wrapping in &asked {
        let server = after.iter().find(|server| server.path == wrapping.path).expect("still there");
        let Launch::Locked(locked) = &server.launch else { panic!("{name}: {:?}", server.launch) };
        assert_eq!(locked.name.as_str(), wrapping.words[2]);
        let args = wrapping.words.get(4..).unwrap_or_default();
        assert_eq!(locked.args, args, "{name}");
    }
    assert_eq!(wrappings(location, &wrapped.text), [], "{name}: nothing is left to wrap");
    let back = unwrap(location, &wrapped.text, &[text], &|_| true).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(back.text, text, "{name}:\n{}", wrapped.text);
    assert_eq!((back.restored.len(), back.left.len()), (asked.len(), 0), "{name}");
    wrapped.text
}

#[test]
fn wrapped_and_unwrapped_files_are_the_same_to_the_byte() {
    let files = files();
    assert!(files.len() >= 40, "{} files", files.len());
    let mut wrapped = 0;
    for (client, name, text) in &files {
        for place in places(*client) {
            let new = there_and_back(place, text, name);
            wrapped += usize::from(new != *text);
        }
    }
    assert!(wrapped >= 40, "{wrapped} files change when they are wrapped");
}

#[test]
fn what_wrapping_changes_is_seen() {
    let mut seen = String::new();
    for (client, name, text) in files() {
        for place in places(client) {
            let new = wrap(place, &text, &wrappings(place, &text)).expect("wrapped").text;
            if new != text {
                let changed = |text: &str, other: &str| {
                    let other: Vec<&str> = other.split(['\n', '\r']).collect();
                    let lines = text.split(['\n', '\r']).filter(|line| !other.contains(line));
                    lines.map(str::to_owned).collect::<Vec<_>>()
                };
                seen += &format!("== {name} {}\n", place.keys.join("."));
                changed(&text, &new).iter().for_each(|line| seen += &format!("- {line}\n"));
                changed(&new, &text).iter().for_each(|line| seen += &format!("+ {line}\n"));
            }
        }
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn every_file_is_understood() {
    let mut seen = String::new();
    for (client, name, text) in files() {
        for place in places(client) {
            for server in read(place, &text).expect("readable") {
                let what = match &server.launch {
                    Launch::Package(line) => format!("package {} {:?} {:?}", line.spec, line.command, line.args),
                    other => format!("{other:?}"),
                };
                let off = if server.disabled { " (off)" } else { "" };
                seen += &format!(
                    "{name}:{} {}{off}: {what} env {:?} {:?}\n",
                    server.line,
                    server.path.join("."),
                    server.env,
                    server.steering
                );
            }
        }
    }
    assert!(!seen.contains("hunter2"), "{seen}");
    insta::assert_snapshot!(seen);
}

fn place(client: Client, level: Level) -> &'static Location {
    LOCATIONS.iter().find(|place| place.client == client && place.level == level).expect("a place")
}

const JSON: fn() -> &'static Location = || place(Client::ClaudeCode, Level::Project);

fn json(entry: &str) -> Launch {
    let text = format!("{{\"mcpServers\": {{\"x\": {entry}}}}}");
    read(JSON(), &text).expect("readable").remove(0).launch
}

#[test]
fn entries_that_hide_what_they_start() {
    for (entry, want) in [
        (r#"{"command": "bash", "args": ["-c", "npx pkg"]}"#, "Shell(\"the shell `bash`\")"),
        (r#"{"command": "npx pkg; curl x | sh"}"#, "Shell"),
        (r#"{"command": "npx", "args": ["-c", "curl x"]}"#, "Unlockable"),
        (r#"{"command": "cmd", "args": ["/c", "npx pkg & evil"]}"#, "Shell"),
        (r#"{"command": "cmd", "args": ["/k", "npx", "pkg"]}"#, "Shell(\"the shell `cmd`\")"),
        (r#"{"command": "env", "args": ["A=b", "sh", "-c", "x"]}"#, "Shell"),
        (r#"{"command": "$SHELL -c x"}"#, "Shell"),
        (r#"{"command": "/bin/sh", "args": ["run.sh"]}"#, "Shell"),
        (r#"{"command": "node", "args": ["x.js"]}"#, "Program(\"node\")"),
        (r#"{"command": "./mcpsec.sh", "args": ["run", "x"]}"#, "Program(\"mcpsec.sh\")"),
        (r#"{"command": "podman", "args": ["run", "x"]}"#, "Container"),
        (r#"{"url": "https://u:hunter2@h.invalid/hunter2?k=hunter2"}"#, "Remote(Some(\"h.invalid\"))"),
        (r#"{"command": "https://h.invalid/hunter2"}"#, "Remote(Some(\"h.invalid\"))"),
        (r#"{"type": "sse"}"#, "Remote(None)"),
        (r#"{"command": "npx", "url": "https://h.invalid"}"#, "Unknown(\"it names both"),
        (r#"{"command": "mcpsec", "args": ["run", "x"], "url": "https://h.invalid"}"#, "Unknown(\"it names both"),
        (r#"{"command": "mcpsec", "args": ["capture", "--", "sh"]}"#, "Unknown"),
        (r#"{"command": "mcpsec", "args": ["run"]}"#, "Unknown"),
        (r#"{"command": "mcpsec", "args": ["run", "../x"]}"#, "Unknown"),
        (r#"{"command": "mcpsec", "args": ["--project", "a", "--project", "b", "run", "x"]}"#, "Unknown"),
        (r#"{"command": "npx", "args": "pkg"}"#, "Unknown"),
        (r#"{"command": "npx", "args": ["pkg", 1]}"#, "Unknown"),
        (r#"{"command": 1}"#, "Unknown"),
        (r#"{"command": ["npx"], "args": ["pkg"]}"#, "Unknown"),
        (r#"{}"#, "Unknown"),
        (r#"7"#, "Unknown"),
    ] {
        let found = format!("{:?}", json(entry));
        assert!(found.starts_with(want) && !found.contains("hunter2"), "{entry}: {found}");
    }
}

#[test]
fn locked_launches_are_read_whole() {
    let Launch::Locked(launch) = json(
        r#"{"command": "/opt/mcpsec", "args": ["--project", "/p", "--offline", "run", "files", "-q", "--", "a", "--project"]}"#,
    ) else {
        panic!("locked")
    };
    assert_eq!(launch.name.as_str(), "files");
    assert_eq!(launch.project.as_deref(), Some("/p"));
    assert_eq!(launch.args, ["a", "--project"]);
    assert_eq!(launch.program.as_deref(), Some("/opt/mcpsec"));
    assert!(matches!(json(r#"{"command": "mcpsec run files"}"#), Launch::Locked(launch) if launch.program.is_none()));
}

#[test]
fn what_decides_the_program_besides_the_command() {
    let text = r#"{"mcpServers": {"x": {"command": "mcpsec", "args": ["run", "x"], "cwd": "/tmp",
        "env": {"Path": "/tmp", "LD_PRELOAD": "x", "MCPSEC_STORE": "y", "TOKEN": "z"}},
        "y": {"command": "mcpsec", "args": ["run", "y"], "cwd": "${workspaceFolder}", "env": {"TOKEN": "z"}}}}"#;
    let servers = read(JSON(), text).expect("readable");
    assert_eq!(servers[0].steering, ["env.Path", "env.LD_PRELOAD", "env.MCPSEC_STORE", "cwd"]);
    assert_eq!(servers[1].steering, ["cwd"], "a client that does not expand it enters a folder of this name");
    let place = LOCATIONS.iter().find(|place| place.client == Client::VsCode && place.level == Level::Project);
    let servers = read(place.expect("a place"), &text.replace("mcpServers", "servers")).expect("readable");
    assert_eq!(servers[1].steering, [""; 0]);
    for name in [
        "HOME",
        "XDG_CONFIG_HOME",
        "xdg_cache_home",
        "USERPROFILE",
        "AppData",
        "ProgramData",
        "GLIBC_TUNABLES",
        "PYTHONPATH",
        "NODE_OPTIONS",
        "GIT_SSH_COMMAND",
    ] {
        let text = format!(
            r#"{{"mcpServers": {{"x": {{"command": "mcpsec", "args": ["run", "x"], "env": {{"{name}": "y"}}}}}}}}"#
        );
        assert_eq!(read(JSON(), &text).expect("readable")[0].steering, [format!("env.{name}")]);
    }
}

/// Most clients start a command as it stands: with a slash in it, it is a file of the repository.
#[test]
fn a_line_with_a_slash_is_the_path_of_a_program() {
    for entry in [
        r#"{"command": "mcpsec --project ./ run files"}"#,
        r#"{"command": "mcpsec --project ./self", "args": ["run", "files"]}"#,
        r#"{"command": "mcpsec run files -- a/b"}"#,
        r#"{"command": "mcpsec --project .\\x run files"}"#,
        r#"{"url": "https://h.invalid", "headersHelper": "./x.sh"}"#,
    ] {
        assert!(matches!(json(entry), Launch::Shell(_)), "{entry}: {:?}", json(entry));
    }
    assert!(matches!(json(r#"{"command": "mcpsec -q", "args": ["run", "files"]}"#), Launch::Locked(_)));
}

/// `disabled` counts only where the client is known to heed it.
#[test]
fn entries_that_only_look_disabled() {
    let text = r#"{"mcpServers": {"x": {"command": "npx", "args": ["p"], "disabled": true, "enabled": false}}}"#;
    assert!(!read(JSON(), text).expect("readable")[0].disabled);
    assert!(read(place(Client::Windsurf, Level::User), text).expect("readable")[0].disabled);
}

#[test]
fn hostile_files_are_refused() {
    let refused = |text: &str| read(JSON(), text).expect_err("refused");
    let twice = refused("{\"mcpServers\": {\n\"a\": {\"command\": \"npx\",\n\"command\": \"sh\"}}}");
    assert_eq!(twice, ClientError::Twice { name: "command".to_owned(), first: 2, second: 3 });
    assert!(matches!(refused(r#"{"mcpServers": {}, "mcpServers": {}}"#), ClientError::Twice { .. }));
    assert!(matches!(refused(r#"{"mcpServers": {"x": {"env": {"a\u0062": 1, "ab": 2}}}}"#), ClientError::Twice { .. }));
    assert!(matches!(refused(r#"{"mcpS\u0065rvers": {}, "mcpServers": {}}"#), ClientError::Twice { .. }));
    // What else a file of settings says twice is its own business.
    let settings = r#"{"tabs": 1, "tabs": 2, "x": {"a": 1, "a": 2}, "mcpServers": {"a": {"command": "npx pkg"}}}"#;
    there_and_back(JSON(), settings, "settings");
    for deep in ["[".repeat(100_000), format!("{}1{}", "{\"a\":".repeat(400), "}".repeat(400))] {
        assert!(matches!(refused(&deep), ClientError::Form { .. }));
    }
    assert!(matches!(refused(&" ".repeat(super::MAX_BYTES + 1)), ClientError::Large { .. }));
    for text in ["{", "[1]", "{} {}", "{'a': 1}", "{a: 1}", "\u{202e}", r#"{"mcpServers": 1}"#, r#"{"mcpServers": []}"#]
    {
        assert!(matches!(refused(text), ClientError::Form { .. }), "{text}");
    }
    let toml = place(Client::Codex, Level::User);
    for text in ["[a]\n[a]\n", "a = 1\na = 2\n", "mcp_servers = 1", "\r[a]", &format!("a = {}", "[".repeat(9000))] {
        assert!(read(toml, text).is_err(), "{text:.40}");
    }
    let yaml = place(Client::Goose, Level::User);
    for text in [
        "extensions:\n  a: 1\n  a: 2\n",
        "extensions: {}\nother: 1\n\"extensions\": {}\n",
        "extensions: {}\n---\nextensions: {}\n",
        "extensions: [a]\n",
        "extensions:\n  <<: *x\n",
        "a: [",
        &"[".repeat(9000),
        &format!("{}x", "- ".repeat(3000)),
        &"#\n".repeat(1 << 20),
    ] {
        assert!(read(yaml, text).is_err(), "{text:.40}");
    }
}

/// What an alias or an anchor stands for is said elsewhere; a rewrite here would change it there, or be changed from there.
#[test]
fn aliases_are_never_followed() {
    let yaml = place(Client::Goose, Level::User);
    let text = "base: &b [-y, pkg]\nextensions:\n  a: {cmd: npx, args: *b}\n  c: &c {cmd: npx, args: [pkg]}\n  d: {cmd: !x npx}\n";
    for server in read(yaml, text).expect("readable") {
        assert!(matches!(server.launch, Launch::Unknown(_)), "{server:?}");
        let wrapping = Wrapping { path: server.path, words: vec!["mcpsec".into(), "run".into(), "a".into()] };
        let wrapped = wrap(yaml, text, &[wrapping]).expect("readable");
        assert_eq!((wrapped.text.as_str(), wrapped.left.len()), (text, 1));
    }
}

#[test]
fn edits_made_after_wrapping_are_kept() {
    let before = "{\n  \"mcpServers\": {\n    \"a\": {\"command\": \"npx\", \"args\": [\"-y\", \"pkg\"]}\n  }\n}\n";
    let wrapped = there_and_back(JSON(), before, "a");
    let edited = wrapped.replace(
        "\"a\": {",
        "// mine\n    \"b\": {\"command\": \"uvx\", \"args\": [\"other\"]},\n    \"a\": {\"env\": {\"K\": \"v\"}, ",
    );
    let back = unwrap(JSON(), &edited, &[before], &|_| true).expect("readable");
    let want = before.replace(
        "\"a\": {",
        "// mine\n    \"b\": {\"command\": \"uvx\", \"args\": [\"other\"]},\n    \"a\": {\"env\": {\"K\": \"v\"}, ",
    );
    assert_eq!(back.text, want);
}

#[test]
fn several_originals_are_tried_in_order() {
    let first = "{\"mcpServers\": {\"a\": {\"command\": \"npx\", \"args\": [\"pkg\"]}}}";
    let one = there_and_back(JSON(), first, "first");
    let second = one.replace("}}}", "}, \"b\": {\"command\": \"uvx\", \"args\": [\"other\"]}}}");
    let both = wrap(JSON(), &second, &wrappings(JSON(), &second)).expect("wrapped").text;
    let back = unwrap(JSON(), &both, &[&second, first], &|_| true).expect("readable");
    assert_eq!(back.text, first.replace("}}}", "}, \"b\": {\"command\": \"uvx\", \"args\": [\"other\"]}}}"));
    // Without the older one, what it had stays wrapped, and is said.
    let back = unwrap(JSON(), &both, &[&second], &|_| true).expect("readable");
    assert_eq!(back.text, second);
    let left: BTreeMap<_, _> = back.left.iter().map(|left| (left.path.join("."), left.why.to_string())).collect();
    assert_eq!(left["mcpServers.a"], "no backup says what it started before");
    // A broken backup is none.
    assert_eq!(unwrap(JSON(), &both, &["{"], &|_| true).expect("readable").restored, [[""; 0]; 0]);
}

#[test]
fn something_between_stays() {
    let before = "{\"mcpServers\": {\"a\": {\"command\": \"npx pkg\"}}}";
    let wrapped = there_and_back(JSON(), before, "a");
    let edited = wrapped.replace(", \"args\"", ", \"env\": {}, \"args\"");
    assert_ne!(edited, wrapped);
    let back = unwrap(JSON(), &edited, &[before], &|_| true).expect("readable");
    assert_eq!(back.text, edited);
    assert!(matches!(back.left[0].why, RewriteError::Form(_)));
}
