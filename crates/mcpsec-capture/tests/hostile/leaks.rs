//! What a stranger gets without asking, and what it leaves.
use std::{ffi::OsString, os::unix::fs::symlink, path::PathBuf, time::Duration};

use mcpsec_capture::sandbox::{Sandbox, SandboxError, Stdio};
use mcpsec_model::config::Isolation;
use serde_json::{Value, json};

use crate::{
    stand::{self, SECRET, Stand},
    survivors, users,
};

fn said(stdout: &str) -> Value {
    let verdict: Value = serde_json::from_str(stdout.trim()).unwrap_or_else(|_| panic!("no verdict: {stdout:?}"));
    assert_eq!(verdict["broken"], Value::Null, "the attack itself is broken");
    verdict
}

/// Neither files that the parent has open, nor its environment.
pub(crate) fn nothing_inherited(tier: Isolation) {
    let test = format!("as_started::{}::nothing_inherited", tier.as_str());
    if users::variant().is_none() {
        let folder = tempfile::Builder::new().prefix("mcpsec-open-").tempdir_in("/tmp").expect("a folder");
        let secret = folder.path().join("secret");
        stand::file(&secret, SECRET, 0o666);
        // Low and high numbers, for reading and writing, and a folder.
        let script = format!("exec 7<'{0}' 8>>'{0}' 9<'{1}' && exec \"$@\"", secret.display(), folder.path().display());
        users::again_from_shell(&test, "with open files", &script);
        return;
    }
    let Some(stand) = Stand::new() else { return };
    let Some(sandbox) = stand::sandbox(tier, &stand.python) else { return };
    for sandbox in [&sandbox, &Sandbox::dangerous_none(&users::stage())] {
        let bare = sandbox.tier() == Isolation::None;
        for attack in ["processes.files_inherited", "processes.environment"] {
            let ran = stand.attack(sandbox, attack, &json!({}));
            let verdict = said(&ran.stdout);
            if bare && attack == "processes.files_inherited" {
                assert!(ran.stdout.contains(SECRET), "the attack works without a sandbox: {verdict}");
            } else if !bare {
                assert_eq!(verdict["succeeded"], false, "{attack}: {verdict}");
                assert!(!ran.stdout.contains(SECRET), "{attack}: {verdict}");
            }
        }
    }
}

/// A home is new each time.
pub(crate) fn nothing_persists(tier: Isolation) {
    let Some(stand) = Stand::new() else { return };
    let Some(sandbox) = stand::sandbox(tier, &stand.python) else { return };
    let scratch = || {
        let entries = std::fs::read_dir("/tmp").expect("/tmp").flatten().map(|entry| entry.path());
        entries
            .filter(|path| path.join(".left-for-next-time").exists() || path.join("home/.left-for-next-time").exists())
            .count()
    };
    for _ in 0..2 {
        let ran = stand.attack(&sandbox, "files.persisted", &json!({}));
        assert_eq!(said(&ran.stdout)["succeeded"], false, "{}", ran.stdout);
        assert_eq!(scratch(), 0, "the scratch folder is still there");
    }
}

/// Whatever it leaves is gone as well, and nothing that it points to.
pub(crate) fn leftovers(tier: Isolation) {
    let Some(stand) = Stand::new() else { return };
    let Some(sandbox) = stand::sandbox(tier, &stand.python) else { return };
    let before = stand.snapshot();
    for end in [Duration::from_secs(20), Duration::ZERO] {
        let mut running = sandbox.spawn(&stand.plan("limits.leftovers", &json!({}))).expect("started");
        let mut pipe = std::io::BufReader::new(running.stdout.take().expect("a pipe"));
        let mut line = String::new();
        std::io::BufRead::read_line(&mut pipe, &mut line).expect("a line");
        let said: Value = serde_json::from_str(&line).expect("JSON");
        let home = PathBuf::from(said["reached"].as_str().expect("a path"));
        let _ended = running.finish(end).expect("the end is known");
        assert!(home.symlink_metadata().is_err(), "{} is left", home.display());
        if let Some(scratch) = home.parent().filter(|_| tier == Isolation::Landlock) {
            assert!(scratch.symlink_metadata().is_err(), "{} is left", scratch.display());
        }
    }
    assert_eq!(before, stand.snapshot());
}

/// Streams that are handed through are files of whoever started it: a log that is only appended to cannot be read.
pub(crate) fn streams(tier: Isolation) {
    let test = format!("as_started::{}::streams", tier.as_str());
    let Some(log) = users::variant() else {
        let folder = tempfile::Builder::new().prefix("mcpsec-log-").tempdir_in("/tmp").expect("a folder");
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("mode");
        let log = folder.path().join("log");
        stand::file(&log, &format!("{SECRET}\n"), 0o666);
        let log = log.to_str().expect("a name");
        users::again_from_shell(
            &test,
            log,
            "exec 0>>\"$MCPSEC_HOSTILE_VARIANT\" 2>>\"$MCPSEC_HOSTILE_VARIANT\"; exec \"$@\"",
        );
        return;
    };
    let Some(stand) = Stand::new() else { return };
    let Some(sandbox) = stand::sandbox(tier, &stand.python) else { return };
    let log = PathBuf::from(log);
    for sandbox in [&Sandbox::dangerous_none(&users::stage()), &sandbox] {
        let bare = sandbox.tier() == Isolation::None;
        let before = std::fs::read_to_string(&log).expect("the log").lines().count();
        let mut plan = stand.plan("files.streams_reopened", &json!({}));
        plan.stdio = Stdio::Inherited;
        // Its answer goes to standard output, which the outer test reads; here the log is what tells.
        let script = plan.args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>();
        plan.args = ["-I", "-S", "-c", "import os,sys;os.dup2(2,1);sys.argv=sys.argv[1:];sys.path.insert(0,os.path.dirname(sys.argv[0]));exec(open(sys.argv[0]).read(),{'__name__':'__main__','__file__':sys.argv[0]})"]
            .map(OsString::from).into_iter().chain(script.into_iter().skip(2).map(OsString::from)).collect();
        let ended = sandbox.spawn(&plan).expect("started").finish(Duration::from_secs(20)).expect("the end is known");
        assert!(ended.status.success(), "{:?}", ended.status);
        let text = std::fs::read_to_string(&log).expect("the log");
        let answer = text.lines().skip(before).find(|line| line.contains("streams_reopened")).expect("an answer");
        assert_eq!(answer.contains(SECRET), bare, "{answer}");
        assert!(!answer.contains("broken"), "{answer}");
    }
}

/// Arguments and environments of any size and content reach the program as they are, or are refused in words.
pub(crate) fn arguments(tier: Isolation) {
    let Some(stand) = Stand::new() else { return };
    let Some(sandbox) = stand::sandbox(tier, &stand.python) else { return };
    let code =
        "import sys,os;print(len(sys.argv),sum(map(len,sys.argv[1:])),len(os.environ.get('BIG','')),sys.argv[-1][:20])";
    let run = |args: Vec<OsString>, env: Vec<(OsString, OsString)>| {
        let mut plan = stand.plan("-", &json!({}));
        plan.args = ["-I", "-S", "-c", code].map(OsString::from).into_iter().chain(args).collect();
        plan.env.extend(env);
        sandbox.spawn(&plan).map(|running| stand::end(running, Duration::from_secs(20)))
    };
    let ran =
        run(vec!["x".repeat(100_000).into(); 10], vec![("BIG".into(), "y".repeat(100_000).into())]).expect("started");
    assert_eq!(ran.stdout, format!("11 1000000 100000 {}\n", "x".repeat(20)), "{}", ran.stderr);
    let ran = run(vec!["--mcpsec-sandbox-stage".into(), "0".into(), "-c".into()], vec![]).expect("started");
    assert_eq!(ran.stdout, "4 25 0 -c\n", "{}", ran.stderr);
    // More than the system takes: refused, with the program's name and no harm.
    for args in [vec!["x".repeat(200_000).into()], vec!["x".repeat(100_000).into(); 200]] {
        let refused = run(args, vec![]).expect_err("too much");
        assert!(matches!(refused, SandboxError::Start { .. } | SandboxError::Setup { .. }), "{refused}");
    }
    for args in [vec!["a\0b".into()], vec!["--".into(), "\0".into()]] {
        let refused = run(args, vec![]).expect_err("NUL");
        assert!(matches!(refused, SandboxError::Start { .. } | SandboxError::Setup { .. }), "{refused}");
    }
    for (name, value) in [("A=B", "c"), ("", "c"), ("A", "b\0c")] {
        let refused = run(vec![], vec![(name.into(), value.into())]).expect_err("no such name");
        assert!(matches!(refused, SandboxError::Start { .. } | SandboxError::Setup { .. }), "{refused}");
    }
    // What makes a loader load other things reaches the program (it is the plan's), but not what sets the sandbox up.
    let ran = run(vec![], vec![("LD_PRELOAD".into(), "/nonexistent/preloaded.so".into())]).expect("started");
    assert_eq!(ran.stderr.matches("preloaded.so").count(), 1, "{}", ran.stderr);
    let ran = run(vec![], vec![("LD_DEBUG".into(), "files".into())]).expect("started");
    assert!(ran.stderr.contains("python") && !ran.stderr.contains("mcpsec-stage"), "{}", ran.stderr);
}

/// A stranger that may write a folder replaces a path in it that the plan names too, for its next start.
pub(crate) fn replaced_paths(tier: Isolation) {
    let Some(stand) = Stand::new() else { return };
    let Some(sandbox) = stand::sandbox(tier, &stand.python) else { return };
    let writable = stand.folder.path().join("writable");
    let nested = writable.join("nested");
    // What the stranger did when it ran before.
    symlink(stand.folder.path().join("home"), &nested).expect("link");
    for writes in [false, true] {
        let mut plan = stand.plan("files.key", &json!({}));
        if writes {
            plan.write.push(nested.clone())
        } else {
            plan.read.push(nested.clone())
        }
        match sandbox.spawn(&plan) {
            Err(error) => assert!(matches!(error, SandboxError::Setup { .. }), "{error}"),
            Ok(running) => {
                let ran = stand::end(running, Duration::from_secs(20));
                assert!(
                    !ran.stdout.contains(SECRET),
                    "the link that a stranger made opens what it points to: {}",
                    ran.stdout
                );
            }
        }
    }
}

/// What the system says of the stranger's processes, seen from outside: they cannot say it wrongly.
pub(crate) fn seen_from_outside(tier: Isolation) {
    let Some(stand) = Stand::new() else { return };
    let Some(sandbox) = stand::sandbox(tier, &stand.python) else { return };
    let mut plan = stand.plan("limits.hang", &json!({}));
    plan.env.insert("SECRET".into(), SECRET.into());
    plan.stdio = Stdio::Piped;
    let mut running = sandbox.spawn(&plan).expect("started");
    let mut line = String::new();
    let mut pipe = std::io::BufReader::new(running.stdout.take().expect("a pipe"));
    std::io::BufRead::read_line(&mut pipe, &mut line).expect("a line");
    let script = stand.folder.path().join("attacks/attack.py");
    let mut strangers = 0;
    for pid in survivors::below(running.id()).into_iter().chain([running.id()]) {
        let proc = PathBuf::from("/proc").join(pid.to_string());
        let cmdline = String::from_utf8_lossy(&std::fs::read(proc.join("cmdline")).expect("cmdline")).into_owned();
        let status = std::fs::read_to_string(proc.join("status")).expect("status");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.trim_start_matches(':').trim().to_owned()
        };
        if !cmdline.contains(script.to_str().expect("a name")) {
            // A guard: its arguments and environment hold nothing of the plan. What may not be read is as good as empty.
            let environ = std::fs::read(proc.join("environ")).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&environ).contains(SECRET), "a guard's environment holds the plan's");
            continue;
        }
        strangers += 1;
        for name in ["CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd"] {
            // An ordinary user cannot give up the bounding set, which gives nothing where nothing can be gained.
            if name == "CapBnd" && tier == Isolation::Landlock && !users::is_root() {
                continue;
            }
            assert_eq!(u64::from_str_radix(&field(name), 16), Ok(0), "{name}: {status}");
        }
        assert_eq!((field("NoNewPrivs").as_str(), field("Seccomp").as_str()), ("1", "2"), "{status}");
        assert!(!field("Uid").split_whitespace().any(|uid| uid == "0"), "it is root outside: {status}");
        assert!(!field("Gid").split_whitespace().any(|gid| gid == "0"), "its group is root's: {status}");
        if users::is_root() {
            assert_eq!(field("Groups"), "", "it has groups: {status}");
        }
        // Who it is now is not always allowed to be looked at by its own user.
        if let Ok(open) = std::fs::read_dir(proc.join("fd")) {
            let mut open: Vec<_> = open.flatten().map(|entry| entry.file_name()).collect();
            open.sort();
            assert_eq!(open, ["0", "1", "2"], "open files");
        }
        if tier == Isolation::Namespace && users::is_root() {
            for kind in ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"] {
                let of = |proc: &str| std::fs::read_link(format!("/proc/{proc}/ns/{kind}")).expect("namespace");
                assert_ne!(of(&pid.to_string()), of("self"), "{kind}");
            }
        }
    }
    assert_eq!(strangers, 1, "the stranger is not found");
    drop(running);
}
