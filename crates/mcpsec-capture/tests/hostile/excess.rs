//! Strangers that use more than their share.
use std::{
    io::Read as _,
    time::{Duration, Instant},
};

use mcpsec_capture::sandbox::{Limit, Limits, Sandbox};
use mcpsec_model::config::Isolation;
use serde_json::{Value, json};

use crate::stand::{self, Ran, Stand};

const MIB: u64 = 1 << 20;

/// How one excess went.
struct Went {
    ran: Ran,
    took: Duration,
}

impl Went {
    /// What it said of itself; null if it was ended before it could.
    fn verdict(&self) -> Value {
        let mut lines = self.ran.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let said = lines.rfind(|line| line.get("attack").is_some()).unwrap_or_default();
        assert_eq!(said["broken"], Value::Null, "the attack itself is broken, which proves nothing");
        said
    }

    fn succeeded(&self) -> bool {
        self.verdict()["succeeded"] == true
    }

    /// Unless it was stopped, by a limit that is told or by an error of its own: what happened instead, in words.
    fn not_stopped(&self, name: &str, limit: Limit) -> Option<String> {
        let verdict = self.verdict();
        eprintln!("{name}: {} {:?} after {:?}", verdict["detail"], self.ran.ended.limit, self.took);
        if self.succeeded() {
            return Some(format!("{name}: {verdict}, {:?}", self.ran.ended));
        }
        let told = verdict["succeeded"] == false || self.ran.ended.limit == Some(limit);
        (!told).then(|| format!("{name} ended for no reason that is told: {:?} {}", self.ran.ended, self.ran.stderr))
    }
}

/// A stand with a sandbox.
fn set_up(tier: Isolation) -> Option<(Stand, Sandbox)> {
    let stand = Stand::new()?;
    let sandbox = stand::sandbox(tier, &stand.python)?;
    Some((stand, sandbox))
}

fn go(stand: &Stand, sandbox: &Sandbox, name: &str, more: &Value, limits: Limits) -> Went {
    let mut plan = stand.plan(name, more);
    plan.limits = limits;
    let start = Instant::now();
    let running = sandbox.spawn(&plan).unwrap_or_else(|error| panic!("{name}: {error}"));
    let ran = stand::end(running, Duration::from_secs(15));
    Went { ran, took: start.elapsed() }
}

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::capture();
    limits.wall = Some(Duration::from_secs(10));
    change(&mut limits);
    limits
}

pub(crate) fn memory(tier: Isolation) {
    let Some((stand, sandbox)) = set_up(tier) else { return };
    let small = || limits(|limits| limits.memory = Some(128 * MIB));
    // Mild first: what is within the limit is not stopped.
    let mild = go(&stand, &sandbox, "limits.memory", &json!({"most": 48 * MIB, "hold": 0.2}), small());
    assert!(mild.succeeded(), "48 of 128 MiB: {} {:?} {}", mild.verdict(), mild.ran.ended, mild.ran.stderr);
    let mut lost = Vec::new();
    // Then barely over it, then far.
    for most in [200 * MIB, 512 * MIB] {
        for name in [
            "limits.memory",
            "limits.memory_shared",
            "limits.memory_at_once",
            "limits.memory_of_many",
            "limits.memory_in_daemons",
        ] {
            let went = go(&stand, &sandbox, name, &json!({"most": most, "hold": 1.5}), small());
            lost.extend(went.not_stopped(name, Limit::Memory));
        }
    }
    let pipes = limits(|limits| (limits.memory, limits.files) = (Some(128 * MIB), Some(1024)));
    let went = go(&stand, &sandbox, "limits.memory_in_pipes", &json!({"most": 192 * MIB}), pipes);
    lost.extend(went.not_stopped("limits.memory_in_pipes", Limit::Memory));
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

pub(crate) fn processes(tier: Isolation) {
    let Some((stand, sandbox)) = set_up(tier) else { return };
    let few = || limits(|limits| limits.processes = Some(60));
    for name in ["limits.processes", "limits.threads"] {
        let mild = go(&stand, &sandbox, name, &json!({"most": 20}), few());
        assert!(mild.succeeded(), "20 of 60: {} {:?}", mild.verdict(), mild.ran.ended);
        let went = go(&stand, &sandbox, name, &json!({"most": 130}), few());
        assert_eq!(went.not_stopped(name, Limit::Processes), None);
    }
    // The limit holds, so that a bomb can be tried. It counts itself and stops at 2,000.
    let mut plan = stand.plan("limits.bomb", &json!({"most": 2000, "seconds": 1.5}));
    plan.limits = few();
    let running = sandbox.spawn(&plan).expect("started");
    let top = running.id();
    let most = std::thread::spawn(move || {
        let start = Instant::now();
        let mut most = 0;
        while start.elapsed() < Duration::from_millis(1500) {
            most = most.max(crate::survivors::below(top).len());
            std::thread::sleep(Duration::from_millis(10));
        }
        most
    });
    let start = Instant::now();
    let ran = stand::end(running, Duration::from_secs(3));
    let most = most.join().expect("counted");
    eprintln!("a bomb had {most} processes; {:?} after {:?}", ran.ended.limit, start.elapsed());
    assert!(ran.stdout.contains("starting"), "it never started: {}", ran.stderr);
    // An ordinary user's limit in the kernel counts all of the user's processes, those of tests beside this one among them; when
    // they end there is room for more, until the watch sees it.
    let shared = tier == Isolation::Landlock && !crate::users::is_root();
    let ended = ran.ended.limit == Some(Limit::Processes);
    assert!(most <= 60 + 12 || shared && ended && most < 200, "{most} processes although 60 are allowed");
    assert!(start.elapsed() < Duration::from_secs(8), "it takes {:?} to end a bomb", start.elapsed());
    crate::survivors::assert_none(&stand, "limits.bomb");
}

pub(crate) fn disk(tier: Isolation) {
    let Some((stand, sandbox)) = set_up(tier) else { return };
    let small = || limits(|limits| (limits.disk, limits.file) = (Some(8 * MIB), Some(4 * MIB)));
    let mild =
        go(&stand, &sandbox, "limits.disk_one_file", &json!({"most": 3 * MIB, "folder": "home", "hold": 0.2}), small());
    assert!(mild.succeeded(), "3 of 8 MiB: {} {:?} {}", mild.verdict(), mild.ran.ended, mild.ran.stderr);
    let mut lost = Vec::new();
    for folder in ["home", "tmp"] {
        for (name, most) in [
            ("limits.disk_one_file", 64 * MIB),
            ("limits.disk_many_files", 32 * MIB),
            ("limits.disk_unseen_files", 48 * MIB),
            ("limits.disk_deep_files", 48 * MIB),
            ("limits.disk_reserved", 64 * MIB),
            ("limits.disk_empty_files", 20_000),
        ] {
            let went = go(&stand, &sandbox, name, &json!({"most": most, "folder": folder, "hold": 1.5}), small());
            lost.extend(went.not_stopped(&format!("{name} in {folder}"), Limit::Disk));
        }
    }
    // Without a cap on one file the cap on all holds.
    let whole = limits(|limits| (limits.disk, limits.file) = (Some(8 * MIB), None));
    let went =
        go(&stand, &sandbox, "limits.disk_one_file", &json!({"most": 64 * MIB, "folder": "home", "hold": 1.5}), whole);
    lost.extend(went.not_stopped("limits.disk_one_file", Limit::Disk));
    let went = go(&stand, &sandbox, "limits.disk_elsewhere", &json!({}), small());
    lost.extend(went.not_stopped("limits.disk_elsewhere", Limit::Disk));
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

pub(crate) fn time(tier: Isolation) {
    let Some((stand, sandbox)) = set_up(tier) else { return };
    for (name, word) in [("limits.hang", "hanging"), ("limits.stop", "stopping"), ("limits.spin", "spinning")] {
        // On a busy machine it may not get there so soon.
        let got_there = [500, 5000].into_iter().any(|wall| {
            let soon = limits(|limits| limits.wall = Some(Duration::from_millis(wall)));
            let went = go(&stand, &sandbox, name, &json!({}), soon);
            assert_eq!(went.ran.ended.limit, Some(Limit::Wall), "{name}: {:?}", went.ran.ended);
            assert!(went.took < Duration::from_millis(wall + 5000), "{name} took {:?}", went.took);
            went.ran.stdout.contains(word)
        });
        assert!(got_there, "{name} never started");
        // Impatience ends it as well, and is no limit of the plan.
        let start = Instant::now();
        let mut plan = stand.plan(name, &json!({}));
        plan.limits.wall = None;
        let ran = stand::end(sandbox.spawn(&plan).expect("started"), Duration::from_millis(200));
        assert!(start.elapsed() < Duration::from_secs(5), "{name}: {:?}", start.elapsed());
        assert_eq!(ran.ended.limit, None, "{name}");
        assert!(!ran.ended.status.success(), "{name}: {:?}", ran.ended.status);
    }
    let second = limits(|limits| limits.cpu = Some(Duration::from_secs(1)));
    let went = go(&stand, &sandbox, "limits.spin", &json!({}), second);
    assert_eq!(went.ran.ended.limit, Some(Limit::Cpu), "{:?} after {:?}", went.ran.ended, went.took);
    crate::survivors::assert_none(&stand, "limits");
}

/// Whoever floods or fills its streams is ended as fast as others, whether or not somebody reads.
pub(crate) fn output(tier: Isolation) {
    let Some((stand, sandbox)) = set_up(tier) else { return };
    for more in [json!({}), json!({"line": true}), json!({"stream": 2}), json!({"stream": 2, "line": true})] {
        let mut running = sandbox.spawn(&stand.plan("limits.output", &more)).expect("started");
        let mut bytes = vec![0; 1 << 20];
        let pipe: &mut dyn std::io::Read = if more["stream"] == 2 {
            running.stderr.as_mut().expect("pipe")
        } else {
            running.stdout.as_mut().expect("pipe")
        };
        pipe.read_exact(&mut bytes).expect("a flood");
        let start = Instant::now();
        let ended = running.finish(Duration::from_millis(200)).expect("the end is known");
        assert!(start.elapsed() < Duration::from_secs(4), "unread, it took {:?}", start.elapsed());
        assert!(!ended.status.success(), "{:?}", ended.status);
        // Nobody listens at all.
        let mut running = sandbox.spawn(&stand.plan("limits.output", &more)).expect("started");
        drop((running.stdout.take(), running.stderr.take()));
        let start = Instant::now();
        let _ended = running.finish(Duration::from_secs(5)).expect("the end is known");
        assert!(start.elapsed() < Duration::from_secs(9), "unheard, it took {:?}", start.elapsed());
    }
    let mut heard = String::new();
    let mut running = sandbox.spawn(&stand.plan("limits.hang", &json!({}))).expect("started");
    let mut pipe = running.stdout.take().expect("pipe");
    let start = Instant::now();
    drop(running);
    pipe.read_to_string(&mut heard).expect("text");
    assert!(start.elapsed() < Duration::from_secs(4), "letting go took {:?}", start.elapsed());
    crate::survivors::assert_none(&stand, "limits.output");
}
