//! Programs that do no harm work as they do outside.
#![expect(unsafe_code, reason = "a signal is sent")]

use std::{
    io::{Read as _, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    time::Duration,
};

use mcpsec_capture::sandbox::{Limit, Sandbox, SandboxError};
use mcpsec_model::config::Isolation;

use crate::plans::{Said, everywhere, file, node, plan, python, run, shell, tiers, watched};

#[test]
fn every_tier_of_this_system_works() {
    for (tier, tried) in Sandbox::probe_all(Path::new(crate::plans::STAGE)) {
        assert_eq!(tried.is_ok(), tier != Isolation::Seatbelt, "{tier:?}: {tried:?}");
    }
    assert_eq!(tiers().len(), 2);
}

#[test]
fn a_tier_that_is_not_here_is_not_replaced_by_another() {
    let launcher = Path::new("/nowhere/mcpsec");
    let error = Sandbox::detect(launcher, Isolation::Landlock, None).expect_err("no launcher");
    let SandboxError::TooWeak { wanted: Isolation::Landlock, reasons } = error else { panic!("{error}") };
    assert!(reasons.contains("namespace: start the launcher") && reasons.contains("landlock: "), "{reasons}");
    let only = Sandbox::detect(Path::new(crate::plans::STAGE), Isolation::Landlock, Some(Isolation::None));
    assert!(matches!(only, Err(SandboxError::TooWeak { wanted: Isolation::None, .. })), "{only:?}");
}

#[test]
fn words_codes_and_signals_come_out() {
    for (sandbox, watch) in watched() {
        let said = run(&sandbox, &watch(shell("echo out; echo err >&2; exit 7")));
        assert_eq!((said.out.as_str(), said.err.as_str(), said.status.code()), ("out\n", "err\n", Some(7)));
        let said = run(&sandbox, &watch(shell("kill -SEGV $$")));
        assert_eq!(said.status.signal(), Some(11), "{said:?}");
        let said = run(&sandbox, &watch(shell("kill -KILL $$")));
        assert_eq!(said.status.signal(), Some(9), "{said:?}");
    }
}

#[test]
fn streams_pass_in_both_directions() {
    for (sandbox, watch) in watched() {
        let mut running = sandbox.spawn(&watch(plan("/bin/cat", &[]))).expect("starts");
        let (mut stdin, mut stdout) = (running.stdin.take().expect("stdin"), running.stdout.take().expect("stdout"));
        let mut heard = [0; 5];
        for word in [b"first", b"again"] {
            stdin.write_all(word).expect("written");
            stdout.read_exact(&mut heard).expect("read");
            assert_eq!(&heard, word);
        }
        drop(stdin);
        assert_eq!(stdout.read(&mut heard).expect("read"), 0, "it ends when its input does");
        assert!(running.finish(Duration::from_secs(10)).expect("ended").status.success());
    }
}

#[test]
fn a_closed_output_is_seen_while_the_program_runs() {
    for sandbox in tiers() {
        let mut running = sandbox.spawn(&shell("exec >&- 2>&-; read line")).expect("starts");
        let mut said = String::new();
        running.stdout.take().expect("stdout").read_to_string(&mut said).expect("nobody else holds it open");
        running.stderr.take().expect("stderr").read_to_string(&mut said).expect("nobody else holds it open");
        assert_eq!(said, "");
        assert!(running.wait_for(Duration::from_millis(50)).expect("watched").is_none(), "it still runs");
        assert!(running.finish(Duration::from_secs(10)).is_ok());
    }
}

#[test]
fn the_environment_is_the_plans_and_the_scratch_home() {
    for sandbox in tiers() {
        let mut plan = plan("/usr/bin/env", &[]);
        plan.env.insert("TOKEN".into(), "a b=c".into());
        plan.env.insert("XDG_DATA_HOME".into(), "/elsewhere".into());
        let said = run(&sandbox, &plan);
        let mut names: Vec<&str> = said.out.lines().filter_map(|line| line.split('=').next()).collect();
        names.sort_unstable();
        let expected = ["HOME", "PATH", "TMPDIR", "TOKEN", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"];
        assert_eq!(names[..7], expected, "{said:?}");
        assert_eq!(names[7..], ["XDG_STATE_HOME"]);
        assert!(said.out.contains("TOKEN=a b=c\n") && said.out.contains("XDG_DATA_HOME=/elsewhere\n"));
    }
}

#[test]
fn nothing_of_the_launcher_is_left() {
    for (sandbox, watch) in watched() {
        let script = "import os,signal,json\n\
            fds=[n for n in range(3,4096) if os.path.lexists('/proc/self/fd') or True]\n\
            def is_open(n):\n\
            \x20try: os.fstat(n); return True\n\
            \x20except OSError: return False\n\
            mask=[int(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK,[])]\n\
            print(json.dumps([[n for n in fds if is_open(n)], mask, os.umask(0), os.getsid(0)==os.getpid(), \
            int(signal.getsignal(signal.SIGTERM)), os.getgroups()==[] or os.getgroups()==[os.getgid()]]))";
        let said = run(&sandbox, &watch(python(script)));
        assert_eq!(said.out.trim(), "[[], [], 63, true, 0, true]", "{said:?}");
    }
}

#[test]
fn the_working_folder_and_the_named_paths_are_there() {
    let outside = tempfile::tempdir().expect("folder");
    file(&outside.path().join("read.txt"), "told");
    let writable = outside.path().join("writable");
    std::fs::create_dir(&writable).expect("folder");
    for (sandbox, watch) in watched() {
        let mut plan = watch(shell("cat read.txt; echo kept > writable/out; echo no > read.txt; echo no > new"));
        plan.cwd = Some(outside.path().to_owned());
        plan.read = vec![outside.path().to_owned()];
        plan.write = vec![writable.clone()];
        let said = run(&sandbox, &plan);
        assert_eq!(said.out, "told", "{said:?}");
        assert_eq!(std::fs::read_to_string(writable.join("out")).expect("written"), "kept\n", "{said:?}");
        assert_eq!(std::fs::read_to_string(outside.path().join("read.txt")).expect("kept"), "told");
        assert!(!outside.path().join("new").exists());
        std::fs::remove_file(writable.join("out")).expect("removed");
    }
}

#[test]
fn a_program_that_is_not_there_is_named() {
    for (sandbox, watch) in watched() {
        let error = sandbox.spawn(&watch(plan("/usr/bin/no-such-program", &[]))).expect_err("not there");
        let SandboxError::Start { program, source } = &error else { panic!("{error}") };
        assert_eq!(program, "/usr/bin/no-such-program");
        assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
        let mut missing = watch(shell("true"));
        missing.read = vec!["/nowhere/at/all".into()];
        let error = sandbox.spawn(&missing).expect_err("not there");
        assert!(matches!(&error, SandboxError::Setup { step, .. } if step.contains("/nowhere/at/all")), "{error}");
    }
}

#[test]
fn signals_reach_the_program() {
    for (sandbox, watch) in watched() {
        let script = "trap 'echo term; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
        let mut running = sandbox.spawn(&watch(shell(script))).expect("starts");
        let mut stdout = running.stdout.take().expect("stdout");
        let mut ready = [0; 6];
        stdout.read_exact(&mut ready).expect("ready");
        running.signal(libc::SIGTERM).expect("sent");
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).expect("read");
        assert_eq!(rest, "term\n", "{:?}", sandbox.tier());
        assert_eq!(running.finish(Duration::from_secs(10)).expect("ended").status.code(), Some(3));
    }
}

#[test]
fn patience_and_wall_time_end_it() {
    for (sandbox, watch) in watched() {
        let running = sandbox.spawn(&watch(shell("trap '' TERM INT HUP; sleep 100"))).expect("starts");
        let ended = running.finish(Duration::from_millis(100)).expect("ended");
        assert_eq!((ended.status.signal(), ended.limit), (Some(9), None));
        let mut plan = watch(shell("sleep 100"));
        plan.limits.wall = Some(Duration::from_millis(150));
        let ended = sandbox.spawn(&plan).expect("starts").finish(Duration::from_secs(10)).expect("ended");
        assert_eq!((ended.status.signal(), ended.limit), (Some(9), Some(Limit::Wall)));
    }
}

#[test]
fn python_and_node_start() {
    for (sandbox, watch) in everywhere() {
        let script = "import json,socket,ssl,subprocess,asyncio,os,tempfile,sys\n\
            async def main(): return (await asyncio.create_subprocess_exec('/bin/echo','child')).pid\n\
            asyncio.run(main()); tempfile.mkdtemp(); print(json.dumps({'ok': os.path.isdir(os.environ['HOME'])}))";
        let said = run(&sandbox, &watch(python(script)));
        assert!(said.out.contains("{\"ok\": true}"), "{said:?}");
        let script = "const os=require('os'),fs=require('fs'),{execFileSync}=require('child_process');\
            fs.writeFileSync(os.homedir()+'/x','1'); new (require('worker_threads').Worker)('console.log(4)',{eval:true});\
            console.log(os.tmpdir().length>0, execFileSync('/bin/echo',['child']).toString().trim(), os.cpus().length>=0)";
        let said = run(&sandbox, &watch(plan(node(), &["-e", script])));
        assert!(said.out.contains("true child true") && said.out.contains('4'), "{said:?}");
    }
}

#[test]
fn children_end_with_the_program() {
    for (sandbox, watch) in watched() {
        let mark = format!("{}", 1_000_000 + std::process::id());
        let script = format!("(setsid sleep {mark} >/dev/null 2>&1 </dev/null &) ; sleep 0.1; exit 0");
        let Said { status, .. } = run(&sandbox, &watch(shell(&script)));
        assert!(status.success());
        assert!(!is_running(&mark, "sleep"), "{:?}", sandbox.tier());
        let script = format!("(setsid sleep {mark} >/dev/null 2>&1 </dev/null &) ; echo; sleep 100");
        let mut running = sandbox.spawn(&watch(shell(&script))).expect("starts");
        running.stdout.take().expect("stdout").read_exact(&mut [0]).expect("ready");
        assert!(within_two_seconds(|| is_running(&mark, "sleep")), "the test would notice");
        drop(running);
        assert!(!is_running(&mark, "sleep"), "{:?}", sandbox.tier());
    }
}

/// Whether a process of this program has this among its arguments.
fn is_running(mark: &str, program: &str) -> bool {
    std::fs::read_dir("/proc").expect("proc").flatten().any(|entry| {
        let cmdline = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        cmdline.starts_with(program.as_bytes()) && cmdline.split(|byte| *byte == 0).any(|arg| arg == mark.as_bytes())
    })
}

/// Not a test: what a level costs over starting a program without. `cargo test … -- --ignored --nocapture what_a_level_costs`
#[test]
#[ignore = "a measurement"]
fn what_a_level_costs() {
    let rounds = 100;
    let measure = |sandbox: &Sandbox, observe: bool| {
        let mut plan = plan("/bin/true", &[]);
        plan.observe = observe;
        let start = std::time::Instant::now();
        for _ in 0..rounds {
            let running = sandbox.spawn(&plan).expect("starts");
            assert!(running.finish(Duration::from_secs(5)).expect("ended").status.success());
        }
        start.elapsed() / rounds
    };
    let launcher = Path::new(crate::plans::STAGE);
    println!("none: {:?}", measure(&Sandbox::dangerous_none(launcher), false));
    for sandbox in tiers() {
        let (plain, watched) = (measure(&sandbox, false), measure(&sandbox, true));
        println!("{}: {plain:?}, observed {watched:?}", sandbox.tier().as_str());
    }
    let start = std::time::Instant::now();
    Sandbox::detect(launcher, Isolation::Landlock, None).expect("works");
    println!("detection: {:?}", start.elapsed());
}

/// Not a test: a process whose streams a program gets, for the test below.
#[test]
#[ignore = "part of another test"]
#[expect(clippy::exit, reason = "the code is what the other test looks at")]
fn streams_are_lent() {
    let tier = std::env::args().find_map(|arg| arg.strip_prefix("tier:").map(str::to_owned));
    let Some(sandbox) = tiers().into_iter().find(|sandbox| Some(sandbox.tier().as_str()) == tier.as_deref()) else {
        return;
    };
    let mut plan = shell(
        "trap 'echo got-term; exit 9' TERM; echo ready; read word; echo heard-$word; while :; do sleep 0.05; done",
    );
    plan.stdio = mcpsec_capture::sandbox::Stdio::Inherited;
    let ended = sandbox.spawn(&plan).expect("starts").finish(Duration::from_secs(10)).expect("ended");
    std::process::exit(ended.status.code().unwrap_or(1));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "this program once more")]
fn inherited_streams_are_untouched_and_signals_passed_on() {
    for sandbox in tiers() {
        let mut command = std::process::Command::new(std::env::current_exe().expect("itself"));
        command.args(["--exact", "plain::streams_are_lent", "--ignored", "--nocapture", "--skip"]);
        command.arg(format!("tier:{}", sandbox.tier().as_str()));
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.spawn().expect("starts");
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("stdout")));
        let mut next = |wanted: &str| lines.by_ref().find(|line| line.as_ref().is_ok_and(|line| line.contains(wanted)));
        assert!(next("ready").is_some(), "{:?}", sandbox.tier());
        child.stdin.take().expect("stdin").write_all(b"word\n").expect("written");
        assert!(next("heard-word").is_some());
        // SAFETY: takes no pointers; the child has not been waited for.
        assert_eq!(unsafe { libc::kill(child.id().cast_signed(), libc::SIGTERM) }, 0);
        assert!(next("got-term").is_some());
        assert_eq!(child.wait().expect("ended").code(), Some(9));
    }
}

/// Not a test: a process that will be killed, for the test below.
#[test]
#[ignore = "part of another test"]
fn a_program_is_held() {
    let args: Vec<String> = std::env::args().collect();
    let after = |name: &str| args.iter().find_map(|arg| arg.strip_prefix(name).map(str::to_owned));
    let (tier, mark) = (after("tier:"), after("mark:").unwrap_or_default());
    for sandbox in tiers().into_iter().filter(|sandbox| Some(sandbox.tier().as_str()) == tier.as_deref()) {
        let script = format!("(setsid sleep {mark} >/dev/null 2>&1 </dev/null &) ; trap '' TERM HUP; sleep {mark}");
        let running = sandbox.spawn(&shell(&script)).expect("starts");
        println!("held");
        let _ended = running.finish(Duration::from_secs(100));
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "this program once more")]
fn everything_ends_when_mcpsec_is_killed() {
    for sandbox in tiers() {
        let mark = (3_000_000 + std::process::id()).to_string();
        let mut command = std::process::Command::new(std::env::current_exe().expect("itself"));
        command.args(["--exact", "plain::a_program_is_held", "--ignored", "--nocapture", "--skip"]);
        command.args([format!("tier:{}", sandbox.tier().as_str()), "--skip".to_owned(), format!("mark:{mark}")]);
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("starts");
        let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("stdout")));
        assert!(lines.map_while(Result::ok).any(|line| line.contains("held")), "{:?}", sandbox.tier());
        let sleeps = || is_running(&mark, "sleep");
        assert!(within_two_seconds(sleeps), "the test would notice");
        child.kill().expect("killed");
        child.wait().expect("ended");
        assert!(within_two_seconds(|| !sleeps()), "{:?}", sandbox.tier());
    }
}

fn within_two_seconds(holds: impl Fn() -> bool) -> bool {
    (0..100).any(|_| {
        let holds = holds();
        std::thread::sleep(Duration::from_millis(if holds { 0 } else { 20 }));
        holds
    })
}
