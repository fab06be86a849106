//! The page that says what was tried against the server names tests that exist.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Source files below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What a file is called in the table: its name, or that of its folder where all files of tests have the same name.
fn called(path: &Path) -> String {
    let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    match stem.as_str() {
        "tests" | "drift" | "mod" => folder.unwrap_or(stem),
        _ => stem,
    }
}

/// The tests of a file: functions right below an attribute that makes them one.
fn tests(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let named = lines.iter().enumerate().filter_map(|(at, line)| {
        let name = line.strip_prefix("fn ").or_else(|| line.strip_prefix("async fn "))?.split('(').next()?;
        let mut above = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        above.any(|line| *line == "#[test]" || line.starts_with("#[tokio::test")).then_some(name)
    });
    named.collect()
}

#[test]
fn every_attack_of_the_table_has_its_test() {
    let root = Path::new(ROOT);
    let mut files = Vec::new();
    for folder in ["tests", "crates"] {
        sources(&root.join(folder), &mut files);
    }
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in &files {
        let text = fs::read_to_string(path).expect("text");
        known.entry(called(path)).or_default().extend(tests(&text).into_iter().map(str::to_owned));
    }
    let page = fs::read_to_string(root.join("docs/registry-attacks.md")).expect("the page");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| attack")).collect();
    assert!(rows.len() > 50, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let named: Vec<&str> = row
            .trim_end_matches([' ', '|'])
            .rsplit(" | ")
            .next()
            .map_or(Vec::new(), |last| last.split('`').skip(1).step_by(2).collect());
        let is_there = |test: &str| {
            let (file, name) = test.split_once("::")?;
            known.get(file)?.iter().any(|known| known == name).then_some(())
        };
        wrong.extend(named.iter().filter(|test| is_there(test).is_none()).map(|test| (*test).to_owned()));
        if named.is_empty() {
            wrong.push(format!("no test: {row}"));
        }
    }
    assert!(wrong.is_empty(), "docs/registry-attacks.md: {wrong:#?}");
}
