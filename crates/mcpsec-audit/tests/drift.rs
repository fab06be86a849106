//! Drift on real histories and on hostile pairs, with a table of what was graded how:
//! `cargo test -p mcpsec-audit --test drift -- --nocapture`.
#![expect(clippy::print_stdout, reason = "the table is what one runs this for")]
#![expect(clippy::unwrap_used, reason = "tests")]
use std::{collections::BTreeMap, fs, path::Path};

use mcpsec_audit::drift::{Signals, compare, compare_with};
use mcpsec_model::{
    drift::{Drift, DriftLevel},
    manifest::Manifest,
};
use mcpsec_testkit::shared;
use serde_json::{Value, json};

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn manifest(value: &Value) -> Manifest {
    let mut value = value.clone();
    // Some recorded tools have `inputSchema: null`, and some are resources or prompts in the clothes of tools.
    if let Some(map) = value.as_object_mut() {
        map.remove("kind");
    }
    Manifest::from_value(value).unwrap()
}

fn graded(before: &Value, after: &Value) -> Drift {
    compare(&manifest(before), &manifest(after))
}

/// How often each level was given.
#[derive(Default)]
struct Table(BTreeMap<DriftLevel, usize>);

impl Table {
    fn add(&mut self, drift: &Drift) {
        *self.0.entry(drift.level()).or_default() += 1;
    }

    fn of(&self, level: DriftLevel) -> usize {
        self.0.get(&level).copied().unwrap_or_default()
    }

    fn print(&self, name: &str) {
        let cells: Vec<String> =
            DriftLevel::ALL.iter().map(|level| format!("{level} {:>3}", self.of(*level))).collect();
        println!("{name:<58} {}", cells.join("  "));
    }
}

fn say(name: &str, drift: &Drift, from: DriftLevel) {
    for change in drift.changes.iter().filter(|change| change.level >= from) {
        let text = |text: &Option<mcpsec_model::text::Untrusted>| {
            text.as_ref().map_or_else(|| "-".into(), |text| text.excerpt(300))
        };
        println!(
            "  {name} | {} | {} | {} | {} => {}",
            change.level,
            change.subject,
            change.message,
            text(&change.before),
            text(&change.after)
        );
    }
}

#[test]
fn benign_upgrades_are_quiet() {
    let Some(path) = shared::path("corpora/github-benign-drift-pairs.json") else { return };
    let all = read(&path);
    let pairs = all["pairs"].as_array().unwrap();
    let (mut table, mut unexplained) = (Table::default(), 0);
    for pair in pairs {
        let drift = graded(&pair["before"], &pair["after"]);
        table.add(&drift);
        say(pair["id"].as_str().unwrap(), &drift, DriftLevel::Breaking);
        // Breaking is right where something was removed or narrowed, and the message says which.
        let breaking = drift.changes.iter().filter(|change| change.level == DriftLevel::Breaking);
        let explained = [
            "removed",
            "required",
            "less is accepted",
            "only certain values",
            "the type changed",
            "no longer",
            "renamed",
        ];
        let mut bad = breaking.filter(|change| !explained.iter().any(|word| change.message.contains(word)));
        if drift.level() == DriftLevel::Dangerous || bad.next().is_some() {
            unexplained += 1;
        }
    }
    table.print("benign pairs of one server's history");
    assert!(table.of(DriftLevel::Dangerous) * 100 <= pairs.len());
    assert!(unexplained * 10 <= pairs.len(), "{unexplained}");
}

#[test]
fn hostile_upgrades_of_the_corpora_are_dangerous() {
    let (mut pairs, mut missed) = (Vec::new(), Vec::new());
    for corpus in ["invariant-experiments", "dvmcp"] {
        let Some(path) = shared::path(&format!("corpora/{corpus}.json")) else { return };
        let all = read(&path);
        for pair in all["drift_pairs"].as_array().unwrap() {
            pairs.push((pair["id"].clone(), pair["before"].clone(), pair["after"].clone()));
        }
        // What each hostile tool would have been before: the same without a word of it.
        for case in all["cases"].as_array().unwrap() {
            if case["label"] == "malicious" {
                let mut before = case.clone();
                before["description"] = json!("Does what its name says.");
                pairs.push((case["id"].clone(), before, case.clone()));
            }
        }
    }
    let Some(path) = shared::path("corpora/mcp-scanner-benchmark-pairs.json") else { return };
    let all = read(&path);
    let cases = all["cases"].as_array().unwrap();
    let mut twins = 0;
    for case in cases.iter().filter(|case| case["label"] == "malicious") {
        let id = case["id"].as_str().unwrap();
        let safe = cases.iter().find(|safe| safe["id"] == format!("{id}-safe")).unwrap();
        pairs.push((case["id"].clone(), safe.clone(), case.clone()));
        let mut plain = safe.clone();
        plain["description"] = json!("Convert an amount between currencies using today's rates.");
        let drift = graded(&plain, safe);
        say(id, &drift, DriftLevel::Dangerous);
        twins += usize::from(drift.level() == DriftLevel::Dangerous);
    }
    let mut table = Table::default();
    for (id, before, after) in pairs {
        let mut before = before;
        before["id"] = json!(null);
        let drift = graded(&before, &after);
        table.add(&drift);
        if drift.level() != DriftLevel::Dangerous
            || !drift.changes.iter().any(|change| change.subject.as_str().ends_with("/description"))
        {
            missed.push(id);
        }
    }
    table.print("hostile pairs of the corpora");
    assert!(missed.is_empty(), "{missed:?}");
    assert_eq!(twins, 0, "the harmless twins are not dangerous");
}

#[test]
fn real_servers_from_version_to_version() {
    let Some(path) = shared::path("servers/manifest_diffs.json") else { return };
    let folder = path.parent().unwrap().join("manifests");
    let mut table = Table::default();
    for pair in read(&path).as_array().unwrap() {
        let word = |key: &str| pair[key].as_str().unwrap().to_owned();
        let file = |version: &str| {
            let name = word("name").trim_start_matches('/').replace('/', "+");
            folder.join(format!("{}__{name}__{version}.json", word("ecosystem")))
        };
        let (old, new) = (file(&word("old")), file(&word("new")));
        if !old.exists() || !new.exists() {
            continue;
        }
        let drift = graded(&read(&old), &read(&new));
        table.add(&drift);
        let name = format!("{} {} {}", word("name"), word("old"), word("new"));
        let mut changes = Table::default();
        for change in &drift.changes {
            *changes.0.entry(change.level).or_default() += 1;
        }
        changes.print(&name);
        say(&name, &drift, DriftLevel::Dangerous);
        if pair["any"] == json!(false) {
            assert!(drift.level() <= DriftLevel::Cosmetic, "{name}: {drift:?}");
        }
    }
    table.print("adjacent versions of real servers");
}

/// Cases of this repository: a list of `{id, level?, before, after}`; `level` is the least that must be given to a hostile
/// pair and the most that may be given to a harmless one.
#[test]
fn own_pairs_are_graded_as_they_should() {
    let folder = shared::workspace().join("testdata/drift");
    for (file, hostile) in [("malicious.json", true), ("benign.json", false)] {
        let all = read(&folder.join(file));
        let (mut table, mut wrong) = (Table::default(), Vec::new());
        for case in all.as_array().unwrap() {
            let (before, after) = (manifest(&case["before"]), manifest(&case["after"]));
            // With the poison rules and without them: what is only seen because it changed must not lean on them.
            let none = Signals { scan: |_| Vec::new() };
            let both = [compare(&before, &after), compare_with(&before, &after, none)];
            table.add(&both[0]);
            for (drift, rules) in both.iter().zip(["with", "without"]) {
                let level = drift.level();
                let right = match (hostile, case["level"].as_str()) {
                    (true, _) => level == DriftLevel::Dangerous,
                    (false, None) => level < DriftLevel::Dangerous,
                    (false, Some(word)) => level.as_str() == word,
                };
                if !right {
                    wrong.push(format!("{} was {level} {rules} the poison rules", case["id"]));
                    say(case["id"].as_str().unwrap(), drift, DriftLevel::Wording);
                }
            }
        }
        table.print(file);
        assert!(wrong.is_empty(), "{file}: {wrong:#?}");
    }
}

/// The labelled manifests of the poison rules as upgrades: before, the same names with nothing said about them.
#[test]
fn labelled_manifests_as_upgrades() {
    let folder = shared::workspace().join("testdata/poison");
    let mut rates = Vec::new();
    for half in ["dev", "holdout"] {
        for label in ["malicious", "benign"] {
            let path = folder.join(format!("{label}-{half}.json"));
            if !path.exists() {
                continue;
            }
            let (mut table, mut alone, mut all) = (Table::default(), Table::default(), 0);
            for case in read(&path).as_array().unwrap() {
                let before = silent(&case["manifest"]);
                let drift = graded(&before, &case["manifest"]);
                table.add(&drift);
                // Without the poison rules: what is seen because it is new.
                let none = Signals { scan: |_| Vec::new() };
                alone.add(&compare_with(&manifest(&before), &manifest(&case["manifest"]), none));
                all += 1;
                // The held-out half is counted and never shown.
                if half == "dev" && (label == "malicious") != (drift.level() == DriftLevel::Dangerous) {
                    println!(
                        "  {} {} {}",
                        case["id"],
                        case["technique"],
                        case["manifest"].to_string().chars().take(700).collect::<String>()
                    );
                    say("", &drift, DriftLevel::Dangerous);
                }
            }
            table.print(&format!("{label} manifests, {half}"));
            alone.print(&format!("{label} manifests, {half}, without the poison rules"));
            rates.push((label, half, table.of(DriftLevel::Dangerous), all));
        }
    }
    for (label, half, dangerous, all) in rates {
        let rate = dangerous * 100 / all;
        let right = match (label, half) {
            ("malicious", "dev") => rate >= 70,
            ("malicious", _) => rate >= 55,
            // These are texts that look like attacks, and every word of them is new: no upgrade is like that.
            (_, "dev") => rate <= 12,
            _ => rate <= 30,
        };
        assert!(right, "{label} {half}: {dangerous} of {all}");
    }
}

/// Tools of catalogues that were reviewed, as if all they say were new: what is said about real tools is seldom a risk.
#[test]
fn reviewed_tools_as_upgrades() {
    let mut many = false;
    for (corpus, list) in [("docker-mcp-registry-benign", "cases"), ("github-toolsnaps-benign", "cases")] {
        let Some(path) = shared::path(&format!("corpora/{corpus}.json")) else { return };
        let all = read(&path);
        let (mut table, mut count) = (Table::default(), 0);
        for case in all[list].as_array().unwrap() {
            let tools = json!({ "tools": [{
                "name": case["name"], "description": case["description"],
                "inputSchema": case["inputSchema"], "annotations": case["annotations"],
            }] });
            let drift = graded(&silent(&tools), &tools);
            table.add(&drift);
            count += 1;
            say(case["id"].as_str().unwrap_or_default(), &drift, DriftLevel::Dangerous);
        }
        table.print(corpus);
        many |= table.of(DriftLevel::Dangerous) * 100 > count * 2;
    }
    let Some(folder) = shared::path("servers/manifests") else { return };
    let (mut table, mut tools) = (Table::default(), 0);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        let manifest = read(&file);
        let drift = graded(&silent(&manifest), &manifest);
        table.add(&drift);
        tools += manifest["tools"].as_array().map_or(0, Vec::len);
        say(&file.file_name().unwrap().to_string_lossy(), &drift, DriftLevel::Dangerous);
    }
    table.print(&format!("real servers, {tools} tools, all words new"));
    assert!(!many, "more than 2 % are dangerous");
}

/// The manifest without what it says: names, types and places stay.
fn silent(manifest: &Value) -> Value {
    let mut out = manifest.clone();
    if let Some(map) = out.as_object_mut() {
        map.remove("instructions");
        map.remove("serverInfo");
        for list in ["tools", "prompts", "resources", "resourceTemplates"] {
            for entry in map.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                let Some(entry) = entry.as_object_mut() else { continue };
                entry.retain(|key, _| {
                    matches!(key.as_str(), "name" | "uri" | "uriTemplate" | "inputSchema" | "mimeType")
                });
                if entry.contains_key("inputSchema") {
                    entry.insert("description".to_owned(), json!("Does what its name says."));
                }
                if let Some(schema) = entry.get_mut("inputSchema") {
                    quiet(schema);
                }
            }
        }
    }
    out
}

fn quiet(schema: &mut Value) {
    if let Some(map) = schema.as_object_mut() {
        map.retain(|key, _| matches!(key.as_str(), "type" | "properties" | "required" | "items"));
        if let Some(members) = map.get_mut("properties").and_then(Value::as_object_mut) {
            members.values_mut().for_each(quiet);
        }
        if let Some(items) = map.get_mut("items") {
            quiet(items);
        }
    }
}
