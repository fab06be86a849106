//! How long it takes, and how much memory, to judge a closure by the advisory database. For benches/compare/advisories.sh.
//!
//! `advisories make FOLDER` writes 30,000 records about 12,000 packages and makes the database of them; `advisories ask FOLDER` opens it
//! and judges a closure of 500 packages, each five ranges deep on average, and prints milliseconds and the peak of its memory.
use std::{collections::BTreeSet, error::Error, path::Path, time::Instant};

use mcpsec_audit::advisories::{Question, judge};
use mcpsec_fetch::osv::{Database, import};
use mcpsec_model::package::PackageId;

const RECORDS: usize = 30_000;
const PACKAGES: usize = 12_000;
const CLOSURE: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.as_slice() {
        [_, verb, folder] if verb == "make" => make(Path::new(folder)),
        [_, verb, folder] if verb == "ask" => ask(Path::new(folder)),
        _ => Err("advisories make|ask FOLDER".into()),
    }
}

#[expect(clippy::disallowed_methods, reason = "files of a bench's own folder")]
#[expect(clippy::print_stdout, reason = "what the bench is for")]
fn make(folder: &Path) -> Result<(), Box<dyn Error>> {
    let records = folder.join("records");
    std::fs::create_dir_all(&records)?;
    for n in 0..RECORDS {
        let name = format!("package-{}", n % PACKAGES);
        let listed: Vec<String> = (0..40).map(|minor| format!("\"{}.{minor}.0\"", n % 7)).collect();
        let text = format!(
            r#"{{"id":"GHSA-{n:08}","modified":"2026-01-01T00:00:00Z","summary":"number {n}","details":"{}","affected":[{{"package":{{"ecosystem":"npm","name":"{name}"}},"versions":[{}],"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"1.{}.0"}},{{"introduced":"2.0.0-rc.1"}},{{"fixed":"2.3.4"}}]}}]}}]}}"#,
            "words ".repeat(300),
            listed.join(","),
            n % 9
        );
        std::fs::write(records.join(format!("{n}.json")), text)?;
    }
    let start = Instant::now();
    let imported = import(&folder.join("advisories.db"), &records, "2026-11-23T00:00:00Z".parse()?)?;
    println!("{} records made a database in {} ms", imported.about.records, start.elapsed().as_millis());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what the bench is for")]
fn ask(folder: &Path) -> Result<(), Box<dyn Error>> {
    let closure: Vec<PackageId> =
        (0..CLOSURE).map(|n| format!("npm:package-{}@1.4.{n}", n * 24).parse()).collect::<Result<_, _>>()?;
    for _warm in 0..3 {
        let start = Instant::now();
        let mut database = Database::open(&folder.join("advisories.db"))?.ok_or("make it first")?;
        let wanted: BTreeSet<_> = closure.iter().map(|id| (id.ecosystem(), id.name().clone())).collect();
        let records = database.records(&wanted)?;
        let (mut candidates, mut findings) = (0, 0);
        for package in &closure {
            let Some(records) = records.get(&(package.ecosystem(), package.name().clone())) else { continue };
            let path = [package];
            let judged = judge(&Question { server: "bench", package, path: &path, records, decided: &|_, _| false });
            candidates += records.len();
            findings += judged.findings.len();
        }
        println!(
            "{CLOSURE} packages against {} records: {candidates} candidates, {findings} findings, {} ms",
            database.about().records,
            start.elapsed().as_millis()
        );
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: not known on this system"));
    Ok(())
}
