//! What a server tells the model goes into a lock and comes back word for word, and nothing else comes back.
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Number, Value, json};

use super::{
    properties::{any_text, text},
    resealed, samples, samples_told,
};
use crate::{
    capture::{Accepted, Between, Captured, Context, Observed, Runtime, Told, Unstable},
    config::Isolation,
    digest::EntryId,
    finding::Rule,
    lock::{
        InsertError, Lock, LockError, LockedServer, MAX_TOLD, ServerError, ServerParts, told::size, write::lock_within,
    },
    manifest::{Kind, Manifest, ManifestParts, Subject, json::MAX_DEPTH},
    text::{Untrusted, is_hidden},
};

/// Strings that have a meaning for TOML, for JSON, for git or for a lock.
const AWKWARD: [&str; 22] = [
    "'''",
    "''",
    "'",
    "\"\"\"",
    "\"",
    "\\",
    "\\u0041",
    "]",
    "],",
    "[[server]]",
    "[[package]]",
    "seal = \"0\"",
    "<<<<<<< a",
    "=======",
    ">>>>>>> b",
    "\n",
    "\r\n",
    " ",
    "  ",
    "\u{202e}",
    "\u{e0041}",
    "é",
];

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        any_text(),
        text(),
        "\\PC{0,6}",
        any::<char>().prop_map(String::from),
        vec(select(AWKWARD.to_vec()), 0..6).prop_map(|parts| parts.concat()),
        vec(select(AWKWARD.to_vec()), 0..6).prop_map(|parts| parts.join("\n")),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let double = prop_oneof![any::<f64>(), select(vec![0.0, -0.0, 1.0, 1e16, 1e-7, 5e-324, f64::MAX, 0.1 + 0.2])];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        double.prop_filter_map("finite", |double| Number::from_f64(double).map(Value::Number)),
        words().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Array),
            vec((words(), inner), 0..5).prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

fn members(key: &'static str) -> impl Strategy<Value = Value> {
    let names = vec![
        "title",
        "description",
        "name",
        "uri",
        "mimeType",
        "inputSchema",
        "outputSchema",
        "annotations",
        "arguments",
        "execution",
        "icons",
        "_meta",
        "rest",
        "x",
    ];
    let member = (prop_oneof![3 => select(names).prop_map(str::to_owned), 1 => words()], any_json());
    let prose = option::of(words());
    (words(), prose, vec(member, 0..5)).prop_map(move |(name, description, members)| {
        let mut map = Map::from_iter(members);
        if let Some(description) = description {
            map.insert("description".to_owned(), Value::String(description));
        }
        map.insert(key.to_owned(), Value::String(name));
        Value::Object(map)
    })
}

fn object() -> impl Strategy<Value = Value> {
    vec((words(), any_json()), 0..3).prop_map(|members| Value::Object(Map::from_iter(members)))
}

fn manifest() -> impl Strategy<Value = Manifest> {
    let lists = (
        vec(members("name"), 0..4),
        vec(members("name"), 0..2),
        vec(members("uri"), 0..2),
        vec(members("uriTemplate"), 0..2),
    );
    (object(), object(), option::of(words()), lists).prop_map(
        |(server_info, capabilities, instructions, (mut tools, prompts, resources, templates))| {
            // Two of one name and content are a manifest, too.
            tools.extend(tools.first().cloned());
            let parts = ManifestParts { server_info, capabilities, instructions, tools, prompts, resources, templates };
            Manifest::new(parts).expect("manifest")
        },
    )
}

fn untrusted() -> impl Strategy<Value = std::collections::BTreeSet<Untrusted>> {
    vec(words(), 0..3).prop_map(|texts| texts.into_iter().map(Untrusted::new).collect())
}

fn captured() -> impl Strategy<Value = Captured> {
    let context = (
        select(Isolation::WORDS.to_vec()),
        option::of(("[a-z]{1,6}", "[0-9.]{1,6}( [a-z]{1,3})?")),
        text(),
        (vec(text(), 0..3), vec(text(), 0..3), vec(text(), 0..3)),
    );
    let context = context.prop_map(|((_, isolation), runtime, protocol, (placeholders, real_env, network))| Context {
        isolation,
        runtime: runtime.map(|(name, version)| Runtime { name: name.into(), version: version.into() }),
        protocol: protocol.into(),
        placeholders: placeholders.into_iter().collect(),
        real_env: real_env.into_iter().collect(),
        network: network.into_iter().collect(),
    });
    let unstable = (select(Kind::ALL.to_vec()), words(), words(), select(Between::ALL.to_vec()), any_json()).prop_map(
        |(kind, name, member, between, other)| Unstable {
            subject: Subject::entry(kind, &name).at(member),
            between,
            other,
        },
    );
    let calls = vec(("[a-z_]{1,8}", any::<u64>()), 0..3);
    let observed = ((untrusted(), untrusted(), untrusted(), untrusted()), calls, any::<bool>()).prop_map(
        |((hosts, files, canaries, programs), calls, incomplete)| Observed {
            hosts,
            files,
            canaries,
            programs,
            refused: calls.into_iter().map(|(call, times)| (call.into(), times)).collect(),
            incomplete,
        },
    );
    (manifest(), context, vec(unstable, 0..3), observed).prop_map(|(manifest, context, unstable, observed)| Captured {
        manifest,
        context,
        unstable,
        observed,
    })
}

/// Anything that can be known of a server.
pub(super) fn told() -> impl Strategy<Value = Told> {
    prop_oneof![
        1 => Just(Told::Unknown),
        1 => words().prop_map(Told::Unchecked),
        3 => captured().prop_map(|captured| Told::Manifest(Box::new(captured))),
    ]
}

/// Anything that can be accepted.
pub(super) fn accepted() -> impl Strategy<Value = Accepted> {
    (words(), option::of(select(Rule::ALL.to_vec())), any::<u8>(), words())
        .prop_map(|(subject, rule, entry, reason)| Accepted { subject, rule, entry: EntryId::of(&[entry]), reason })
}

/// The text of a lock in which a server tells this, and the manifest that is read back from it.
fn through_a_lock(manifest: &Manifest) -> (String, Manifest) {
    let lock = lock_of(manifest.clone()).expect("lock");
    let text = lock.to_text();
    let read = Lock::parse(&text, "mcp.lock").unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(read, lock);
    let manifest = read.servers.values().next().and_then(|server| server.told.captured()).expect("told");
    (text, manifest.manifest.clone())
}

fn lock_of(manifest: Manifest) -> Result<Lock, ServerError> {
    let (mut parts, packages) = samples::git();
    let (with_context, _) = samples_told::odd();
    let Told::Manifest(captured) = with_context.told else { panic!("a capture") };
    parts.told = Told::Manifest(Box::new(Captured { manifest, ..*captured }));
    let map = packages.iter().map(|package| (package.id.clone(), package.clone())).collect();
    let server = LockedServer::new(parts, &map)?;
    let mut lock = Lock::empty();
    lock.insert(server, map.into_iter().collect()).expect("insert");
    Ok(lock)
}

fn tool(value: Value) -> Manifest {
    Manifest::from_value(json!({ "tools": [value] })).expect("manifest")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_manifest_reads_back_exactly(manifest in manifest()) {
        let (text, read) = through_a_lock(&manifest);
        prop_assert_eq!(read.to_json().to_string(), manifest.to_json().to_string(), "{}", text);
        prop_assert_eq!(read.id(), manifest.id());
        prop_assert!(!text.chars().any(|c| c != '\n' && is_hidden(c)), "{}", text);
        // No line of a stranger's looks like one of the lock.
        let plain = |line: &&str| line.starts_with(['[', '<', '=', '>', '|']);
        let headers: Vec<&str> = text.lines().filter(plain).filter(|line| !line.starts_with("[server.")).collect();
        let known = ["[[server]]", "[[package]]"];
        prop_assert!(headers.iter().all(|line| known.contains(line) || line.starts_with("[[server.")), "{:?}", headers);
        prop_assert_eq!(headers.iter().filter(|line| known.contains(line)).count(), 3);
        prop_assert_eq!(text.lines().filter(|line| line.starts_with("seal = ")).count(), 3);
    }
}

#[test]
fn numbers_keep_their_type_and_every_bit() {
    let numbers = json!([1, 1.0, -0.0, 0, i64::MIN, i64::MAX, u64::MAX, 1e16, 1e21, 1e-7, 5e-324, f64::MAX, 0.1]);
    let (text, read) = through_a_lock(&tool(json!({ "name": "a", "x": numbers })));
    let shown = "[1, 1.0, -0.0, 0, -9223372036854775808, 9223372036854775807, 18446744073709551615, 1e16, 1e21, 1e-7,";
    assert!(text.replace("\n      ", " ").contains(&shown.replace("[1", "[ 1")), "{text}");
    let read = read.tools()[0].get("x").cloned().expect("numbers");
    for (read, told) in read.as_array().expect("list").iter().zip(numbers.as_array().expect("list")) {
        assert_eq!(read.to_string(), told.to_string());
    }
}

#[test]
fn nesting_reads_back_to_the_depth_that_is_read_at_all_and_no_deeper() {
    let deep = |depth: usize| (0..depth).fold(json!(1), |value, _| json!([value]));
    through_a_lock(&tool(json!({ "name": "a", "inputSchema": deep(MAX_DEPTH) })));
    through_a_lock(&tool(json!({ "name": "a", "x": deep(MAX_DEPTH - 1) })));
    for value in
        [json!({ "name": "a", "inputSchema": deep(MAX_DEPTH + 1) }), json!({ "name": "a", "x": deep(MAX_DEPTH) })]
    {
        match lock_of(tool(value)) {
            Err(ServerError::Unwritable { what, .. }) => assert!(what.contains("nested deeper than 64"), "{what}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_too_long_is_refused() {
    let long = tool(json!({ "name": "a", "description": "x".repeat(MAX_TOLD) }));
    assert!(matches!(lock_of(long), Err(ServerError::TooLong { .. })));
    // Short as JSON, long with its indentation.
    let deep = (0..60).fold(json!(vec![json!({ "a": 1 }); 2]), |value, _| json!([value]));
    let indented = tool(json!({ "name": "a", "x": vec![deep; 2000] }));
    assert!(serde_json::to_string(&indented.to_json()).expect("JSON").len() < MAX_TOLD / 10);
    assert!(matches!(lock_of(indented), Err(ServerError::TooLong { .. })));
}

/// Objects in a row would take a hundred times their text in memory: they are refused before they are read.
#[test]
fn a_long_text_of_small_objects_is_never_built() {
    let text = samples::locked(vec![samples_told::odd()]).to_text();
    let many = "{\"\":0},".repeat(1 << 20);
    let block = |many: &str| format!("  {{\n    \"size\": [{}]\n  }}\n", many.trim_end_matches(','));
    let hostile = text.replace("  {\n    \"size\": 3\n  }\n", &block(&many));
    assert!(hostile.len() > many.len());
    match Lock::parse(&resealed(&hostile), "mcp.lock") {
        Err(LockError::NotCanonical { expected, .. }) => assert_eq!(expected, "the next line of an entry"),
        other => panic!("{:?}", other.map(|lock| lock.servers.len())),
    }
}

/// What only compares texts never makes one that is many times longer.
#[test]
fn a_text_stops_to_grow_at_its_limit() {
    let deep = (0..25).fold(json!(vec![json!({ "a": 1 }); 2]), |value, _| json!({ "x": [value] }));
    let lock = lock_of(tool(json!({ "name": "a", "x": vec![deep.clone(); 150], "inputSchema": deep }))).expect("lock");
    assert!(lock.to_text().len() > 400_000, "{}", lock.to_text().len());
    assert!(lock_within(&lock, 50_000).len() < 60_000);
}

#[test]
fn all_servers_together_have_a_limit_too() {
    let long = tool(json!({ "name": "a", "description": "x".repeat(1000) }));
    let server = |name: &str| {
        let mut server = lock_of(long.clone()).expect("lock").servers.into_values().next().expect("server");
        server.name = name.parse().expect("name");
        server
    };
    let (_, packages) = samples::git();
    let packages: Vec<_> = packages.into_iter().map(|package| (package.id.clone(), package)).collect();
    let told = server("a");
    let room = 3 * size(&told.told, &told.accepted, MAX_TOLD);
    let mut lock = Lock::empty();
    for name in ["a", "b", "c"] {
        lock.insert_within(server(name), packages.clone(), room).expect("insert");
    }
    let before = lock.servers.len();
    assert!(matches!(lock.insert_within(server("d"), packages.clone(), room), Err(InsertError::TooMuchTold { .. })));
    assert_eq!(lock.servers.len(), before);
    lock.insert_within(server("c"), packages, room).expect("in place of itself");
}

#[test]
fn a_lock_keeps_what_is_the_same_on_every_machine() {
    let (mut parts, packages) = samples_told::odd();
    if let Told::Manifest(captured) = &mut parts.told {
        captured.observed.files.extend(["/usr/lib/x".into(), "C:\\x".into(), "~bob/x".into()]);
        captured.observed.programs.extend(["/usr/bin/git".into(), "C:\\w\\cmd.exe".into(), "/".into()]);
        captured.observed.refused.insert("ptrace".into(), 77);
        captured.unstable.reverse();
        captured.unstable.extend(captured.unstable.clone());
    }
    parts.accepted.reverse();
    let lock = samples::locked(vec![(parts, packages)]);
    let server = lock.servers.values().next().expect("server");
    let captured = server.told.captured().expect("captured");
    assert_eq!(captured.observed.files, ["~/.netrc".into()].into());
    let programs: Vec<&str> = captured.observed.programs.iter().map(Untrusted::raw).collect();
    assert_eq!(programs, ["/", "cmd.exe", "curl", "git", "x\u{1b}'\""]);
    assert_eq!(captured.observed.refused["ptrace"], 1);
    assert_eq!(captured.unstable.len(), 2);
    assert_eq!(Lock::parse(&lock.to_text(), "mcp.lock"), Ok(lock));
}

#[test]
fn what_it_tells_is_not_part_of_the_closure_id() {
    let lock = samples::locked(vec![samples_told::odd()]);
    let server = lock.servers.values().next().expect("server").clone();
    let id = server.closure_id;
    let changed = server.with_told(Told::Unchecked("no\u{1b}".to_owned()), Vec::new()).expect("told");
    assert_eq!(changed.closure_id, id);
    assert_eq!(changed.told, Told::Unchecked("no\\u{1b}".to_owned()));
    assert_eq!(changed.accepted, []);
}

#[test]
fn a_context_that_would_read_back_otherwise_is_refused() {
    let with = |change: &dyn Fn(&mut Captured)| {
        let (mut parts, packages) = samples_told::odd();
        if let Told::Manifest(captured) = &mut parts.told {
            change(captured);
        }
        let map = packages.iter().map(|package| (package.id.clone(), package.clone())).collect();
        LockedServer::new(parts, &map)
    };
    assert!(with(&|_| {}).is_ok());
    let runtime = |name: &str, version: &str| Some(Runtime { name: name.into(), version: version.into() });
    let changes: [&dyn Fn(&mut Captured); 6] = [
        &|captured| captured.context.runtime = runtime("no de", "20"),
        &|captured| captured.context.runtime = runtime("node", ""),
        &|captured| captured.context.protocol = "\u{202e}".into(),
        &|captured| captured.context.network = ["\u{202e}".to_owned()].into(),
        &|captured| captured.context.real_env = ["\n".to_owned()].into(),
        &|captured| captured.observed.refused = [("\u{0}".into(), 1)].into(),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        assert!(matches!(with(change), Err(ServerError::Unwritable { .. })), "{index}");
    }
}

/// A word that is changed, with or without the seal of the entry and the id of the manifest, is found.
#[test]
fn every_word_is_held_by_seal_and_id() {
    let lock = samples::locked(vec![samples::pypi()]);
    let text = lock.to_text();
    let id = lock.servers.values().next().and_then(|server| server.told.captured()).expect("told").manifest.id();
    for (from, to) in
        [("Gets a page from", "Steals a page from"), ("\"readOnlyHint\": true", "\"readOnlyHint\": false")]
    {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        let edited = text.replace(from, to);
        assert!(matches!(Lock::parse(&edited, "mcp.lock"), Err(LockError::Edited { .. })));
        match Lock::parse(&resealed(&edited), "mcp.lock") {
            Err(LockError::ManifestMismatch { found, expected, .. }) => {
                assert_eq!(found, id);
                assert_ne!(expected, id);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A lock as it was written before there were captures reads as one of which nothing is known.
#[test]
fn a_lock_without_these_tables_reads() {
    let (parts, packages) = samples::pypi();
    let (told, accepted) = (parts.told.clone(), parts.accepted.clone());
    let before = samples::locked(vec![(ServerParts { told: Told::Unknown, accepted: Vec::new(), ..parts }, packages)]);
    let text = before.to_text();
    for table in ["[server.capture]", "[server.manifest]", "[[server.accepted]]"] {
        assert!(!text.contains(table), "{table}");
    }
    let read = Lock::parse(&text, "mcp.lock").expect("lock");
    let server = read.servers.into_values().next().expect("server");
    assert_eq!((&server.told, server.accepted.len()), (&Told::Unknown, 0));
    let server = server.with_told(told, accepted).expect("told");
    let after = samples::locked(vec![samples::pypi()]);
    assert_eq!(Some(&server), after.servers.values().next());
}

/// Five servers of sixty tools: `cargo test -p mcpsec-model lock_speed -- --ignored --nocapture`, best with optimisation.
#[test]
#[ignore = "prints times"]
fn lock_speed() {
    let parameter = |i: usize| {
        let text = format!("Parameter {i} of this tool: it says which of the things is meant, by name or by \"id\".");
        (format!("parameter_{i}"), json!({ "type": "string", "description": text, "minLength": 1, "default": "x" }))
    };
    let tool = |i: usize| {
        json!({
            "name": format!("tool_{i}"),
            "title": "A tool",
            "description": "Does one thing and tells what it did.\n\nArgs:\n  a: what it's done to\n".repeat(8),
            "annotations": { "readOnlyHint": true, "openWorldHint": false },
            "inputSchema": {
                "type": "object",
                "properties": Map::from_iter((0..10).map(parameter)),
                "required": ["parameter_0", "parameter_1"],
                "additionalProperties": false,
            },
        })
    };
    let manifest = Manifest::from_value(json!({ "tools": (0..60).map(tool).collect::<Vec<_>>() })).expect("manifest");
    let (_, packages) = samples::git();
    let packages: Vec<_> = packages.into_iter().map(|package| (package.id.clone(), package)).collect();
    let mut lock = Lock::empty();
    for name in ["a", "b", "c", "d", "e"] {
        let mut server = lock_of(manifest.clone()).expect("lock").servers.into_values().next().expect("server");
        server.name = name.parse().expect("name");
        lock.insert(server, packages.clone()).expect("insert");
    }
    let text = lock.to_text();
    let mut times = Vec::new();
    for _ in 0..20 {
        let start = std::time::Instant::now();
        assert!(Lock::parse(&text, "mcp.lock").is_ok());
        let read = start.elapsed();
        assert_eq!(lock.to_text().len(), text.len());
        times.push((read, start.elapsed() - read));
    }
    println!("{} bytes: read and write {:?}", text.len(), times.iter().min());
}
