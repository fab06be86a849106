//! What the sample servers tell the model.
use serde_json::json;

use super::samples;
use crate::{
    capture::{Accepted, Between, Captured, Context, Observed, Runtime, Told, Unstable},
    config::Isolation,
    finding::Rule,
    lock::ServerParts,
    manifest::{Kind, Manifest, Subject},
    package::Package,
};

/// The example of the documentation.
pub(super) fn fetch() -> (Told, Vec<Accepted>) {
    let manifest = json!({
        "serverInfo": { "name": "fetch", "version": "0.6.2" },
        "capabilities": { "tools": { "listChanged": false } },
        "instructions": "Fetches pages.\n\nAsk \"which page\" before you fetch.\u{202e}",
        "tools": [{
            "name": "fetch",
            "title": "Fetch a page",
            "description": "Gets a page from the web as text.",
            "annotations": { "readOnlyHint": true },
            "inputSchema": {
                "type": "object",
                "properties": {
                    "url": { "type": "string", "description": "the page's address" },
                    "format": { "enum": ["text", "html"], "default": "text" },
                },
                "required": ["url"],
            },
        }],
    });
    let manifest = Manifest::from_value(manifest).expect("manifest");
    let accepted = Accepted {
        subject: "server/instructions".to_owned(),
        rule: Some(Rule::HiddenInstruction),
        entry: manifest.tools()[0].id(),
        reason: "read by two of us: it only asks back".to_owned(),
    };
    let captured = Captured {
        manifest,
        context: Context {
            isolation: Isolation::Namespace,
            runtime: Some(Runtime { name: "python".into(), version: "3.12.4".into() }),
            protocol: "2025-06-18".into(),
            placeholders: ["FETCH_TOKEN".to_owned()].into(),
            real_env: [].into(),
            network: [].into(),
        },
        unstable: vec![Unstable {
            subject: Subject::entry(Kind::Tool, "fetch").at("description"),
            between: Between::Clients,
            other: json!("Gets a page for you."),
        }],
        observed: Observed { hosts: ["telemetry.invalid".into()].into(), ..Observed::default() },
    };
    (Told::Manifest(Box::new(captured)), vec![accepted])
}

/// A server that tells every kind of thing, in every awkward way.
pub(super) fn odd() -> (ServerParts, Vec<Package>) {
    let (mut parts, packages) = samples::git();
    parts.name = "odd".parse().expect("name");
    let imitation =
        "[[server]]\nname = \"x\"\nseal = \"0123456789abcdef\"\n<<<<<<< a\n=======\n>>>>>>> b\n'''\n\"\"\"\n";
    let manifest = json!({
        "instructions": imitation,
        "tools": [
            { "name": "a" },
            { "name": "a", "description": "" },
            { "name": "", "description": 5, "title": null, "inputSchema": true },
            { "name": "tab\t and \u{e0041}", "description": "space at the end \r\n  two before", "x-'''": "''''''" },
            {
                "name": "\"C:\\\"",
                "execution": {},
                "icons": [],
                "_meta": {
                    "a": [[], {}, [null]],
                    "z": [1, 1.0, -0.0, 1e300, u64::MAX, i64::MIN, 0.1],
                    "\u{202e}\u{1f600}\u{e0041}": imitation,
                },
                "outputSchema": {
                    "enum": [
                        "one that is rather long, so that the list of both of them",
                        "does not fit into a line of a hundred characters",
                    ],
                },
            },
        ],
        "prompts": [{ "name": "p", "arguments": [{ "name": "q", "required": true }] }],
        "resources": [{ "uri": "notes://a", "name": "Notes", "mimeType": "text/plain", "size": 3 }],
        "resourceTemplates": [{ "uriTemplate": "notes://{id}", "name": "One note" }],
    });
    let hidden = "a\u{1b}[2J'\"\\";
    let captured = Captured {
        manifest: Manifest::from_value(manifest).expect("manifest"),
        context: Context {
            isolation: Isolation::Landlock,
            runtime: None,
            protocol: "2026-07-28".into(),
            placeholders: ["A".to_owned(), "B".to_owned()].into(),
            real_env: ["C".to_owned()].into(),
            network: ["api.invalid".to_owned()].into(),
        },
        unstable: vec![
            Unstable { subject: Subject::entry(Kind::Resource, hidden), between: Between::Calls, other: json!(null) },
            Unstable {
                subject: Subject::server().at("instructions"),
                between: Between::Processes,
                other: json!([1.5]),
            },
        ],
        observed: Observed {
            hosts: [hidden.into(), "192.0.2.1:443".into()].into(),
            files: ["~/.netrc".into()].into(),
            canaries: ["~/.ssh/id_ed25519".into()].into(),
            programs: ["curl".into(), "x\u{1b}'\"".into()].into(),
            refused: [("ptrace".into(), 1), ("io_uring_setup".into(), 1)].into(),
            incomplete: true,
        },
    };
    let entry = captured.manifest.tools()[0].id();
    let accepted = |rule, subject: &str| Accepted { subject: subject.into(), rule, entry, reason: "known".into() };
    parts.accepted = vec![accepted(None, "tool:a"), accepted(Some(Rule::OversizedText), "server/instructions")];
    parts.told = Told::Manifest(Box::new(captured));
    (parts, packages)
}
