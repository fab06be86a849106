//! Tests of the lock as a whole: golden files, refusals, properties, edits.
mod doc;
mod edits;
mod golden;
mod insert;
mod places;
mod properties;
mod refusals;
mod samples;
mod samples_told;
mod told;

use std::path::PathBuf;

use super::seal;

/// The repository's folder of test locks.
fn testdata(folder: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/locks")).join(folder)
}

/// The files of a folder, by name, sorted.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(testdata(folder)).expect("folder");
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "lock"))
        .map(|path| {
            let name = path.file_stem().and_then(|stem| stem.to_str()).expect("name").to_owned();
            (name, std::fs::read(&path).expect("file"))
        })
        .collect();
    files.sort();
    files
}

/// The text with every seal as it should be: what an attacker, or a careless script, would write.
fn resealed(text: &str) -> String {
    let mut out = text.to_owned();
    for entry in seal::entries(text) {
        if let Some(found) = entry.found() {
            out = out.replace(&format!("{}{found}\"", seal::KEY), &format!("{}{}\"", seal::KEY, entry.expected()));
        }
    }
    out
}
