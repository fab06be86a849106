//! docs/lock-format.md says what the code does: its examples are made here, and every key and limit is in it.
use super::samples;
use crate::{
    capture::Between,
    config::Isolation,
    lock::{Lock, MAX_BYTES, MAX_NODES, MAX_PACKAGES, MAX_SERVERS, MAX_TOLD, MAX_TOLD_OF_ALL, id, write},
    manifest::MAX_ENTRIES,
};

fn doc() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/lock-format.md");
    std::fs::read_to_string(path).expect("docs/lock-format.md").replace("\r\n", "\n")
}

/// The fenced blocks of a language.
fn blocks(doc: &str, language: &str) -> Vec<String> {
    let open = format!("```{language}\n");
    doc.split(&open).skip(1).map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_example_is_a_lock_as_mcpsec_writes_it() {
    let lock = samples::locked(vec![samples::pypi()]);
    let blocks = blocks(&doc(), "toml");
    assert_eq!(blocks, [lock.to_text()]);
    assert_eq!(Lock::parse(&blocks[0], "docs/lock-format.md"), Ok(lock));
}

#[test]
fn the_hashed_texts_are_those_that_are_hashed() {
    let lock = samples::locked(vec![samples::pypi()]);
    let server = lock.servers.values().next().expect("server");
    let hash = |id: &_| lock.packages.get(id).map(id::package_hash);
    let anyio = lock.packages.values().next().expect("package");
    let texts = [id::closure_text(&server.closure, &server.targets, hash), id::package_text(anyio)];
    assert_eq!(blocks(&doc(), "text"), texts);
}

#[test]
fn every_key_word_and_limit_is_described() {
    let doc = doc();
    for (_, lock) in samples::goldens() {
        for line in lock.to_text().lines() {
            if let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| !key.starts_with([' ', '"'])) {
                assert!(doc.contains(&format!("`{key}`")), "{key}");
            }
            if line.starts_with('[') {
                assert!(doc.contains(&format!("`{line}`")), "{line}");
            }
        }
    }
    for (word, _) in Isolation::WORDS {
        assert!(doc.contains(&format!("`{word}`")), "{word}");
    }
    for between in Between::ALL {
        assert!(doc.contains(&format!("`{}`", between.as_str())), "{between:?}");
    }
    for (_, word) in write::KINDS {
        assert!(doc.contains(&format!("`{word}`")), "{word}");
    }
    for rule in crate::finding::Rule::ALL.iter().filter(|rule| crate::lock::persists(**rule)) {
        assert!(doc.contains(&format!("`{}`", rule.id())), "{}", rule.id());
    }
    for limit in
        [MAX_BYTES >> 20, MAX_TOLD >> 20, MAX_TOLD_OF_ALL >> 20, MAX_SERVERS, MAX_PACKAGES, MAX_NODES, MAX_ENTRIES]
    {
        assert!(doc.contains(&format!("{limit} ")), "{limit}");
    }
}

/// Prints the blocks for the document: `cargo test -p mcpsec-model print_doc_blocks -- --ignored --nocapture`.
#[test]
#[ignore = "prints, for whoever writes the document"]
fn print_doc_blocks() {
    let lock = samples::locked(vec![samples::pypi()]);
    let server = lock.servers.values().next().expect("server");
    let hash = |id: &_| lock.packages.get(id).map(id::package_hash);
    println!("=====\n{}=====", lock.to_text());
    println!("{}=====", id::closure_text(&server.closure, &server.targets, hash));
    println!("{}=====", id::package_text(lock.packages.values().next().expect("package")));
}
