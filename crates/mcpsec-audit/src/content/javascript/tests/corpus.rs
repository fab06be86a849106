//! Real code, from a folder that is named by `MCPSEC_CORPUS`: prints its strong signs. Run with `--ignored --nocapture`.
use std::{collections::BTreeMap, path::PathBuf, time::Instant};

use rayon::prelude::*;

use super::*;

#[test]
#[ignore = "needs a folder of real packages in MCPSEC_CORPUS"]
#[expect(clippy::disallowed_methods, reason = "the folder is named by hand, and only here")]
fn strong_signs_of_real_code() {
    let Ok(root) = std::env::var("MCPSEC_CORPUS") else { return };
    let mut folders = vec![PathBuf::from(&root)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && is_source(&path.to_string_lossy()) && !path.to_string_lossy().ends_with(".d.ts")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    let start = Instant::now();
    let read: Vec<(String, u64, FileFacts)> = files
        .par_iter()
        .filter_map(|path| {
            let text = String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned();
            let name = path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned();
            Some((name.clone(), text.len() as u64, facts(&name, &text)))
        })
        .collect();
    let mut counts: BTreeMap<(SignKind, bool), usize> = BTreeMap::new();
    for (name, _, facts) in &read {
        for sign in &facts.signs {
            *counts.entry((sign.kind, sign.weak)).or_default() += 1;
            if !sign.weak {
                println!("STRONG {:?} {name}:{} {}", sign.kind, sign.line, mcpsec_model::text::escape(&sign.shown));
            }
        }
        if let Some(why) = &facts.unread {
            println!("UNREAD {name}: {why}");
        }
    }
    let bytes: u64 = read.iter().map(|(_, length, _)| length).sum();
    println!("{} files, {} MB, {:?}", read.len(), bytes / 1_000_000, start.elapsed());
    println!("{counts:?}");
}
