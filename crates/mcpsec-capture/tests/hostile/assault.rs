//! Makes the attacks, in a sandbox and without one.
use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use mcpsec_capture::sandbox::{Network, Sandbox};
use mcpsec_model::config::Isolation;
use serde_json::{Value, json};

use crate::{
    attacks::{self, Attack, Bare},
    stand::{self, Ran, SECRET, Stand},
    users,
};

/// Needs to be called from outside while it runs.
const LISTENS: &str = "network.listen";

/// What an attack said of itself.
#[derive(Debug)]
enum Verdict {
    Succeeded(String),
    Stopped(String),
    /// It said nothing, since it was ended.
    Silent(String),
}

impl Verdict {
    fn of(attack: &str, ran: &Ran) -> Self {
        let mut lines = ran.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let Some(said) = lines.rfind(|line| line["attack"] == attack) else {
            return Self::Silent(format!("{:?}: {}{}", ran.ended, ran.stdout, ran.stderr));
        };
        assert_eq!(said["broken"], Value::Null, "the attack {attack} itself is broken, which proves nothing");
        if let Some(died) = said["died"].as_i64() {
            return Self::Silent(format!("died: {died}"));
        }
        let detail = said["detail"].as_str().expect("a text").to_owned();
        if said["succeeded"] == true { Self::Succeeded(detail) } else { Self::Stopped(detail) }
    }
}

/// In which circumstances attacks are made.
#[derive(Clone, Copy, Debug, Default)]
struct Circumstances {
    /// What the plan names is closed to everyone but root.
    closed: bool,
    /// The observer is there.
    watched: bool,
    /// One host is allowed, which none of the attacks is about.
    hosts: bool,
    /// Newest version of Landlock that the kernel seems to have.
    landlock: Option<u8>,
}

// Those of privileges come first: what a first start leaves in a folder may change whom the next one runs as.
const ALL: [&[Attack]; 4] = [attacks::PROCESSES, attacks::KERNEL, attacks::NETWORK, attacks::FILES];

pub(crate) fn network(tier: Isolation) {
    assault(tier, &[attacks::NETWORK], Circumstances::default());
}

pub(crate) fn files(tier: Isolation) {
    assault(tier, &[attacks::FILES], Circumstances::default());
}

pub(crate) fn processes(tier: Isolation) {
    assault(tier, &[attacks::PROCESSES], Circumstances::default());
}

pub(crate) fn kernel(tier: Isolation) {
    assault(tier, &[attacks::KERNEL], Circumstances::default());
}

/// The observer answers some calls in the kernel's place, which must not open a way around the other walls.
pub(crate) fn watched(tier: Isolation) {
    assault(tier, &ALL, Circumstances { watched: true, ..Circumstances::default() });
}

/// Hosts that are allowed open no way to others.
pub(crate) fn with_hosts(tier: Isolation) {
    assault(tier, &[attacks::NETWORK], Circumstances { hosts: true, watched: true, ..Circumstances::default() });
}

/// What older kernels leave open is closed by other means: without Landlock the namespaces hold alone, and of Landlock its
/// first version is enough.
pub(crate) fn least_landlock(tier: Isolation) {
    let version = u8::from(tier == Isolation::Landlock);
    assault(tier, &ALL, Circumstances { landlock: Some(version), ..Circumstances::default() });
}

/// With rules for ports, without scopes, and with the observer.
pub(crate) fn older_landlock() {
    assault(Isolation::Landlock, &ALL, Circumstances { landlock: Some(5), watched: true, ..Circumstances::default() });
}

/// What the plan names may be closed to everyone but root; what makes it readable to the stranger must make nothing else so.
pub(crate) fn closed_paths(tier: Isolation) {
    if !users::is_root() {
        eprintln!("skipped: an ordinary user's own files are never closed to that user's programs");
        return;
    }
    // The one privilege that is kept for this is seen.
    let privileges: Vec<Attack> =
        attacks::PROCESSES.iter().filter(|(name, _)| *name != "processes.privileges_held").copied().collect();
    let all = [attacks::NETWORK, attacks::FILES, &privileges, attacks::KERNEL];
    assault(tier, &all, Circumstances { closed: true, ..Circumstances::default() });
}

fn assault(tier: Isolation, groups: &[&[Attack]], circumstances: Circumstances) {
    let Some(mut stand) = Stand::new() else { return };
    let Some(mut sandbox) = stand::sandbox(tier, &stand.python) else { return };
    if let Some(version) = circumstances.landlock {
        sandbox = sandbox.with_landlock_at_most(version);
    }
    if circumstances.closed {
        stand.close();
    }
    stand.watched = circumstances.watched;
    if circumstances.hosts {
        stand.network = Network::Hosts(["allowed.invalid".to_owned()].into());
    }
    let before = stand.snapshot();
    let mut lost = Vec::new();
    for group in groups {
        let (said, got) = batch(&stand, &sandbox, group);
        lost.extend(got);
        for (name, verdict) in said {
            match verdict {
                Verdict::Succeeded(detail) if harmless(tier, circumstances, name) => {
                    eprintln!("{name}: allowed here: {detail}");
                }
                Verdict::Succeeded(detail) => lost.push(format!("{name} succeeded: {detail}")),
                Verdict::Stopped(detail) => eprintln!("{name}: {detail}"),
                Verdict::Silent(said) if name == "kernel.old_calls" => eprintln!("{name}: ended: {said}"),
                Verdict::Silent(said) => lost.push(format!("{name} says nothing, which proves nothing: {said}")),
            }
        }
        lost.extend(stand.harm());
    }
    let mark = stand.target["mark"].as_str().expect("a name");
    let shared = ["/tmp", "/var/tmp", "/dev/shm", "/run", "/var/cache", "/run/lock", "/", "/mnt", "/srv", "/opt"];
    let made = shared.into_iter().map(|folder| Path::new(folder).join(mark));
    // In `/tmp` there is the stand itself, by the same name.
    lost.extend(made.filter(|path| path.is_file()).map(|path| format!("made {}", path.display())));
    let after = stand.snapshot();
    for (path, was) in &before {
        if after.get(path) != Some(was) {
            lost.push(format!("{} was {was} and is {:?}", path.display(), after.get(path)));
        }
    }
    if tier == Isolation::Namespace && circumstances.landlock == Some(0) {
        only_pipes_are_open(&mut lost);
    } else if tier == Isolation::Namespace && stand::sandbox(Isolation::Landlock, &stand.python).is_none() {
        lost.retain(|line| !line.contains("pipe_readable"));
    }
    lost.extend(after.keys().filter(|path| !before.contains_key(*path)).map(|path| format!("new: {}", path.display())));
    assert!(
        lost.is_empty(),
        "{} defences of {} ({circumstances:?}) fell:\n{}",
        lost.len(),
        tier.as_str(),
        lost.join("\n")
    );
}

/// Makes all attacks of a group, those that need no company in one process. What they say, and what secrets they got.
fn batch(stand: &Stand, sandbox: &Sandbox, group: &[Attack]) -> (BTreeMap<&'static str, Verdict>, Vec<String>) {
    let together: Vec<&str> = group.iter().map(|(name, _)| *name).filter(|name| *name != LISTENS).collect();
    let ran = stand.attack(sandbox, &together.join(","), &json!({}));
    let mut all: BTreeMap<_, _> = together.iter().map(|name| (*name, Verdict::of(name, &ran))).collect();
    let mut got: Vec<String> =
        ran.stdout.lines().chain(ran.stderr.lines()).filter(|line| line.contains(SECRET)).map(str::to_owned).collect();
    if group.iter().any(|(name, _)| *name == LISTENS) {
        let ran = called(stand, sandbox, &mut got);
        all.insert(LISTENS, Verdict::of(LISTENS, &ran));
    }
    (all, got)
}

/// Attacks whose own verdict means nothing, since what they reach is their own copy. What the stand shows counts all the same.
fn harmless(tier: Isolation, circumstances: Circumstances, name: &str) -> bool {
    match name {
        // Shared folders inside are its own scratch folders.
        "files.shared_folders" => tier == Isolation::Namespace,
        // Landlock does not hide that there is a file, nor when it is used. It is what this tier lacks; nothing is read by it.
        "files.key_known" | "files.watched" => tier == Isolation::Landlock,
        // In a namespace of its own there is nothing to be found by number.
        "kernel.ipc_by_number" => tier == Isolation::Namespace,
        // A sinkhole may answer all names, from inside.
        "network.names" => circumstances.watched,
        _ => false,
    }
}

/// What mounts alone cannot keep: without Landlock, a pipe with a name that lies in a folder that may be read can be written to,
/// if its rights say so. Should that ever be closed, this says so; anything else that is lost stays.
fn only_pipes_are_open(lost: &mut Vec<String>) {
    let before = lost.len();
    lost.retain(|line| {
        let without = line.replace(r#""heard":["pipe pipe_readable\n"]"#, r#""heard":[]"#);
        let victim = without != *line
            && without
                .split_once(" was ")
                .and_then(|(_, states)| states.split_once(" and is "))
                .is_some_and(|(was, is)| was == is);
        !(victim || line.starts_with("network.pipe_readable succeeded"))
    });
    assert_eq!(before - lost.len(), 2, "pipes are not open any more, or more than pipes: {lost:?}");
}

/// Listens inside while this calls from outside.
fn called(stand: &Stand, sandbox: &Sandbox, got: &mut Vec<String>) -> Ran {
    let mut running = sandbox.spawn(&stand.plan(LISTENS, &json!({}))).expect("started");
    let start = Instant::now();
    let mut reached = false;
    while start.elapsed() < Duration::from_secs(4) && !reached {
        reached = stand.listeners.call();
        if running.wait_for(Duration::from_millis(15)).expect("the end is known").is_some() {
            break;
        }
    }
    if reached {
        got.push(format!("{LISTENS} was reached from outside"));
    }
    stand::end(running, Duration::from_secs(10))
}

/// Without a sandbox every attack that can be made succeeds.
pub(crate) fn without_a_sandbox() {
    let mut proved = 0;
    let mut weak = Vec::new();
    for attacks in ALL {
        let Some(mut stand) = Stand::new() else { return };
        let sandbox = Sandbox::dangerous_none(&users::stage());
        for (name, bare) in attacks {
            let expected = match bare {
                Bare::Succeeds => true,
                Bare::SucceedsForRoot => users::is_root(),
                Bare::SucceedsForOthers => !users::is_root(),
                Bare::Depends(_) | Bare::Harms => false,
                Bare::NotMade(why) => {
                    eprintln!("{name}: not made: {why}");
                    continue;
                }
            };
            stand.refresh();
            let ran = if *name == LISTENS {
                called(&stand, &sandbox, &mut Vec::new())
            } else {
                stand.attack(&sandbox, name, &json!({"tidy": true}))
            };
            let harm = stand.harm();
            match Verdict::of(name, &ran) {
                Verdict::Succeeded(_) => proved += 1,
                Verdict::Stopped(_) if *bare == Bare::Harms && !harm.is_empty() => proved += 1,
                Verdict::Stopped(detail) if *bare == Bare::Harms => weak.push(format!("{name} harms nobody: {detail}")),
                Verdict::Stopped(detail) if expected => weak.push(format!("{name}: {detail}; {harm:?}")),
                Verdict::Stopped(detail) => eprintln!("{name}: stopped by the system itself: {detail}"),
                Verdict::Silent(said) => weak.push(format!("{name} says nothing: {said}")),
            }
            if name.starts_with("network.") && expected && heard_by_listeners(name) && harm.is_empty() {
                weak.push(format!("{name}: nobody heard it"));
            }
        }
    }
    eprintln!("{proved} attacks succeed without a sandbox");
    assert!(weak.is_empty(), "attacks that do not even work without a sandbox:\n{}", weak.join("\n"));
}

/// Attacks on listeners; the others of the network look at the kernel alone.
fn heard_by_listeners(name: &str) -> bool {
    ![LISTENS, "network.odd_protocols", "network.netlink", "network.odd_families"].contains(&name)
}
