//! Makes the attacks, in a sandbox and without one.
use std::time::{Duration, Instant};

use mcpsec_capture::sandbox::Sandbox;
use mcpsec_model::config::Isolation;
use serde_json::{Value, json};

use crate::{
    attacks::{self, Attack, Bare},
    stand::{self, Ran, SECRET, Stand},
    users,
};

/// What an attack said of itself.
enum Verdict {
    Succeeded(String),
    Stopped(String),
    /// It said nothing, since it was ended.
    Silent(String),
}

impl Verdict {
    fn of(attack: &str, ran: &Ran) -> Self {
        let lines = ran.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let Some(said) = lines.filter(|line| line["attack"] == attack).last() else {
            return Self::Silent(format!("{:?}: {}{}", ran.ended, ran.stdout, ran.stderr));
        };
        assert_eq!(said["broken"], Value::Null, "the attack {attack} itself is broken, which proves nothing");
        let detail = said["detail"].as_str().expect("a text").to_owned();
        if said["succeeded"] == true { Self::Succeeded(detail) } else { Self::Stopped(detail) }
    }
}

pub(crate) fn network(tier: Isolation) {
    assault(tier, attacks::NETWORK, false);
}

pub(crate) fn files(tier: Isolation) {
    assault(tier, attacks::FILES, false);
}

pub(crate) fn processes(tier: Isolation) {
    assault(tier, attacks::PROCESSES, false);
}

pub(crate) fn kernel(tier: Isolation) {
    assault(tier, attacks::KERNEL, false);
}

/// What the plan names may be closed to everyone but root; what makes it readable to the stranger must make nothing else so.
pub(crate) fn closed_paths(tier: Isolation) {
    if users::is_root() {
        assault(tier, attacks::FILES, true);
        // The one privilege that is kept for this is seen, and it is the only one.
        let others = attacks::PROCESSES.iter().filter(|(name, _)| *name != "processes.privileges_held");
        assault(tier, &others.copied().collect::<Vec<_>>(), true);
    } else {
        eprintln!("skipped: an ordinary user's own files are never closed to that user's programs");
    }
}

fn assault(tier: Isolation, attacks: &[Attack], closed: bool) {
    let Some(mut stand) = Stand::new() else { return };
    let Some(sandbox) = stand::sandbox(tier, &stand.python) else { return };
    if closed {
        stand.close();
    }
    let before = stand.snapshot();
    let mut lost = Vec::new();
    for (name, _) in attacks {
        let ran = if *name == "network.listen" { called(&stand, &sandbox, name) } else { stand.attack(&sandbox, name, &json!({})) };
        match Verdict::of(name, &ran) {
            Verdict::Succeeded(detail) if harmless(tier, name) => eprintln!("{name}: allowed here: {detail}"),
            Verdict::Succeeded(detail) => lost.push(format!("{name} succeeded: {detail}")),
            Verdict::Stopped(detail) => eprintln!("{name}: {detail}"),
            Verdict::Silent(said) if *name == "kernel.old_calls" => eprintln!("{name}: ended: {said}"),
            Verdict::Silent(said) => lost.push(format!("{name} says nothing, which proves nothing: {said}")),
        }
        if ran.stdout.contains(SECRET) || ran.stderr.contains(SECRET) {
            lost.push(format!("{name} got the secret"));
        }
        lost.extend(stand.harm().into_iter().map(|harm| format!("{name}: {harm}")));
        let mark = stand.target["mark"].as_str().expect("a name");
        let shared = ["/tmp", "/var/tmp", "/dev/shm", "/run", "/var/cache", "/run/lock", "/", "/mnt", "/srv", "/opt"];
        let made = shared.into_iter().map(|folder| std::path::Path::new(folder).join(mark));
        // In `/tmp` there is the stand itself, by the same name.
        lost.extend(made.filter(|path| path.is_file()).map(|path| format!("{name} made {}", path.display())));
    }
    let after = stand.snapshot();
    for (path, was) in &before {
        if after.get(path) != Some(was) {
            lost.push(format!("{} was {was} and is {:?}", path.display(), after.get(path)));
        }
    }
    lost.extend(after.keys().filter(|path| !before.contains_key(*path)).map(|path| format!("new: {}", path.display())));
    assert!(lost.is_empty(), "{} defences of {} fell:\n{}", lost.len(), tier.as_str(), lost.join("\n"));
}

/// Attacks whose own verdict means nothing, since what they reach is their own copy. What the stand shows counts all the same.
fn harmless(tier: Isolation, name: &str) -> bool {
    match name {
        // Shared folders inside are its own scratch folders.
        "files.shared_folders" => tier == Isolation::Namespace,
        // A sinkhole may answer all names, from inside.
        "network.names" => true,
        _ => false,
    }
}

/// Makes an attack while calling it from outside.
fn called(stand: &Stand, sandbox: &Sandbox, name: &str) -> Ran {
    let running = sandbox.spawn(&stand.plan(name, &json!({}))).expect("started");
    let start = Instant::now();
    let mut reached = false;
    while start.elapsed() < Duration::from_millis(2200) && !reached {
        reached = stand.listeners.call();
        std::thread::sleep(Duration::from_millis(10));
        // Most of the time it ends at once, since it may not listen.
        if !std::path::Path::new("/proc").join(running.id().to_string()).join("task").exists() {
            break;
        }
        if let Ok(stat) = std::fs::read_to_string(format!("/proc/{}/stat", running.id()))
            && stat.contains(") Z ")
        {
            break;
        }
    }
    let bare = sandbox.tier() == Isolation::None;
    assert!(bare || !reached, "a stranger was reached from outside");
    stand::end(running, Duration::from_secs(10))
}

/// Without a sandbox every attack that can be made succeeds.
pub(crate) fn without_a_sandbox() {
    let all = [attacks::NETWORK, attacks::FILES, attacks::PROCESSES, attacks::KERNEL];
    let mut proved = 0;
    let mut weak = Vec::new();
    for attacks in all {
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
            let ran = if *name == "network.listen" {
                called(&stand, &sandbox, name)
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
    !["network.listen", "network.odd_protocols", "network.netlink", "network.odd_families"].contains(&name)
}
