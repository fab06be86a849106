//! Strangers that want to live on.
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use mcpsec_capture::sandbox::Sandbox;
use mcpsec_model::config::Isolation;
use serde_json::json;

use crate::{
    stand::{self, Stand},
    users,
};

/// Ways to leave somebody behind, with the file that grows as long as somebody lives.
const WAYS: &[(&str, &str)] = &[
    ("staying.daemon", "daemon"),
    ("staying.daemon_holding_pipes", "holder"),
    ("staying.sibling", "sibling"),
    ("staying.runner", "runner"),
    ("staying.runners", "runners"),
    ("staying.stopped_children", "stopped"),
    ("staying.zombies", "zombies"),
    ("staying.vfork_program", "program"),
];

/// However it ends, nobody stays: by itself, by impatience, by being let go.
pub(crate) fn all(tier: Isolation) {
    let Some(stand) = Stand::new() else { return };
    let Some(sandbox) = stand::sandbox(tier, &stand.python) else { return };
    for (way, file) in WAYS {
        for end in ["goes", "stays", "dropped"] {
            let beat = stand.folder.path().join("writable").join(file);
            let _fresh = std::fs::remove_file(&beat);
            let mut plan = stand.plan(way, &json!({"stays": end != "goes"}));
            // What runs on forever uses many numbers, but few processes at a time.
            plan.limits.processes = Some(200);
            let running = sandbox.spawn(&plan).unwrap_or_else(|error| panic!("{way}: {error}"));
            let start = Instant::now();
            let said = hear_and_end(running, end);
            assert!(start.elapsed() < Duration::from_secs(15), "{way}, {end}: ending takes {:?}", start.elapsed());
            assert!(!said.contains("broken"), "{way}: {said}");
            assert!(said.contains("no siblings") || said.contains("left someone behind"), "{way}, {end}: {said}");
            let length = || beat.metadata().map_or(0, |metadata| metadata.len());
            let before = length();
            std::thread::sleep(Duration::from_millis(40));
            assert_eq!(before, length(), "{way}, {end}: somebody lives");
            assert!(before > 0 || said.contains("no siblings"), "{way}, {end}: nobody ever lived");
            assert_none(&stand, way);
        }
    }
}

/// Hears what it says first, which is that somebody was left behind (or that it is broken), and ends it.
fn hear_and_end(mut running: mcpsec_capture::sandbox::Running, end: &str) -> String {
    let mut line = String::new();
    let mut pipe = BufReader::new(running.stdout.take().expect("a pipe"));
    pipe.read_line(&mut line).expect("a line");
    match end {
        "dropped" => drop(running),
        "stays" => drop(running.finish(Duration::from_millis(20)).expect("the end is known")),
        _ => drop(running.finish(Duration::from_secs(12)).expect("the end is known")),
    }
    line
}

/// All processes below one, itself not among them.
pub(crate) fn below(top: u32) -> Vec<u32> {
    let parents: BTreeMap<u32, u32> = processes().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let is_below = |mut pid: u32| {
        (0..parents.len()).any(|_| {
            let Some(parent) = parents.get(&pid) else { return false };
            pid = *parent;
            pid == top
        })
    };
    parents.keys().copied().filter(|pid| is_below(*pid)).collect()
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    (fields.next()? != "Z").then(|| fields.next()?.parse().ok())?
}

/// Nobody who was started with a script of this stand is left, apart from its victims.
pub(crate) fn assert_none(stand: &Stand, way: &str) {
    let script = stand.folder.path().join("attacks/attack.py");
    let mark = script.to_str().expect("a name");
    let beats = stand.folder.path().join("writable/program");
    let beats = beats.to_str().expect("a name");
    let left: Vec<_> = processes()
        .filter_map(|pid| Some((pid, std::fs::read(format!("/proc/{pid}/cmdline")).ok()?)))
        .map(|(pid, line)| (pid, String::from_utf8_lossy(&line).into_owned()))
        .filter(|(_, line)| line.contains(mark) || line.contains(beats))
        .collect();
    assert!(left.is_empty(), "{way}: left behind: {left:?}");
}

/// The parent is killed in a way that it cannot answer: everything it started goes as well.
pub(crate) fn death_of_the_parent(tier: Isolation) {
    if let Some(folder) = users::variant() {
        let Some(stand) = Stand::new() else { return };
        let Some(sandbox) = stand::sandbox(tier, &stand.python) else { return };
        doomed(&stand, &sandbox, Path::new(&folder));
        return;
    }
    let Some(python) = stand::Python::find() else { return };
    if stand::sandbox(tier, &python).is_none() {
        return;
    }
    let test = format!("as_started::{}::death_of_the_parent", tier.as_str());
    let folder = tempfile::Builder::new().prefix("mcpsec-doomed-").tempdir_in("/tmp").expect("a folder");
    let (told, beats) = (folder.path().join("told"), folder.path().join("beats"));
    for file in [&told, &beats] {
        stand::file(file, "", 0o666);
    }
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("mode");
    let mut command = users::repeated(&test, folder.path().to_str().expect("a name"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the test starts");
    let start = Instant::now();
    let length = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
    let homes =
        || tier != Isolation::Landlock || std::fs::read_to_string(&told).is_ok_and(|told| told.contains("home "));
    while length(&folder.path().join("daemon")) < 5 || !homes() {
        if start.elapsed() > Duration::from_secs(20) {
            let _killed = child.kill();
            let mut said = String::new();
            child.stderr.take().expect("pipe").read_to_string(&mut said).expect("text");
            panic!("no daemon ever lived: {said}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("killed");
    child.wait().expect("waited for");
    let died = Instant::now();
    let beat = folder.path().join("daemon");
    loop {
        let before = length(&beat);
        std::thread::sleep(Duration::from_millis(50));
        if length(&beat) == before {
            break;
        }
        assert!(died.elapsed() < Duration::from_secs(3), "the stranger outlives the one who started it");
    }
    // What the dead one could not tidy up.
    let left = std::fs::read_to_string(&told).expect("told");
    if let Some(home) = left.lines().find_map(|line| line.strip_prefix("home ")) {
        while Path::new(home).exists() {
            assert!(died.elapsed() < Duration::from_secs(30), "{home} outlives the one who started it");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    assert_eq!(left.contains("\nhome /tmp/mcpsec-"), tier == Isolation::Landlock, "{left}");
    for folder in left.lines().filter(|line| line.starts_with("/tmp/mcpsec-hostile-")) {
        let _removed = std::fs::remove_dir_all(folder);
    }
}

#[expect(clippy::disallowed_methods, reason = "a scratch folder of a test")]
fn doomed(stand: &Stand, sandbox: &Sandbox, folder: &Path) {
    std::fs::write(folder.join("told"), format!("{}\n", stand.folder.path().display())).expect("told");
    let mut plan = stand.plan("staying.daemon", &json!({"stays": true, "writable": folder}));
    plan.write.push(folder.to_owned());
    let running = sandbox.spawn(&plan).expect("started");
    if sandbox.tier() == Isolation::Landlock {
        let home = below(running.id()).into_iter().find_map(|pid| {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
            let home = environ.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(b"HOME="))?;
            Some(String::from_utf8_lossy(home).into_owned())
        });
        let home = home.expect("a home");
        std::fs::write(folder.join("told"), format!("{}\nhome {home}\n", stand.folder.path().display())).expect("told");
    }
    let ran = stand::end(running, Duration::from_secs(30));
    panic!("it was not killed: {}", ran.stdout);
}
