//! Plans and runs that the tests share.
use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use mcpsec_capture::sandbox::{Ended, Limits, Network, Plan, Running, Sandbox, Stdio};
use mcpsec_model::config::Isolation;

/// The launcher's second half.
pub(crate) const STAGE: &str = env!("CARGO_BIN_EXE_mcpsec-stage");

/// The tiers that work here.
pub(crate) fn tiers() -> Vec<Sandbox> {
    let tiers = [Isolation::Namespace, Isolation::Landlock];
    let tried = tiers.map(|tier| Sandbox::detect(Path::new(STAGE), Isolation::Landlock, Some(tier)));
    let tiers: Vec<Sandbox> = tried.into_iter().flatten().collect();
    assert!(!tiers.is_empty(), "nothing can be tested: {:?}", Sandbox::probe_all(Path::new(STAGE)));
    tiers
}

/// The landlock tier as older kernels have it: without limits on cutting files short, on ports, on devices, on signals.
pub(crate) fn older() -> Vec<Sandbox> {
    let landlock = tiers().into_iter().filter(|sandbox| sandbox.tier() == Isolation::Landlock);
    landlock.flat_map(|sandbox| [1, 2, 5].map(|version| sandbox.clone().with_landlock_at_most(version))).collect()
}

/// A plan for a program without anything else.
pub(crate) fn plan(program: impl Into<PathBuf>, args: &[&str]) -> Plan {
    Plan {
        program: program.into(),
        args: args.iter().map(Into::into).collect(),
        env: [("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())].into(),
        cwd: None,
        read: Vec::new(),
        write: Vec::new(),
        canaries: false,
        network: Network::None,
        limits: Limits::capture(),
        observe: false,
        stdio: Stdio::Piped,
    }
}

/// A plan for a shell script.
pub(crate) fn shell(script: &str) -> Plan {
    plan("/bin/sh", &["-c", script])
}

/// How a program ended and what it said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) ended: Ended,
}

/// Runs to the end.
pub(crate) fn run(sandbox: &Sandbox, plan: &Plan) -> Said {
    collect(sandbox.spawn(plan).unwrap_or_else(|error| panic!("{:?}: {error}", sandbox.tier())))
}

/// Reads all it says and waits.
pub(crate) fn collect(mut running: Running) -> Said {
    drop(running.stdin.take());
    let (mut stdout, mut stderr) = (running.stdout.take().expect("piped"), running.stderr.take().expect("piped"));
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).expect("read");
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut out = Vec::new();
    stdout.read_to_end(&mut out).expect("read");
    let err = reader.join().expect("reader");
    let ended = running.finish(Duration::from_secs(20)).expect("ended");
    Said { status: ended.status, out: String::from_utf8_lossy(&out).into_owned(), err, ended }
}

/// Changes a plan.
pub(crate) type Change = fn(Plan) -> Plan;

/// The tiers that work here, each without and with the observer.
pub(crate) fn watched() -> Vec<(Sandbox, Change)> {
    both(tiers())
}

/// The same, and the tiers of older kernels.
pub(crate) fn everywhere() -> Vec<(Sandbox, Change)> {
    both(tiers().into_iter().chain(older()).collect())
}

fn both(sandboxes: Vec<Sandbox>) -> Vec<(Sandbox, Change)> {
    let plain: Change = |plan| plan;
    let observed: Change = |mut plan| {
        plan.observe = true;
        plan
    };
    sandboxes.into_iter().flat_map(|sandbox| [(sandbox.clone(), plain), (sandbox, observed)]).collect()
}

/// A plan for a python program.
pub(crate) fn python(script: &str) -> Plan {
    plan(system("python3"), &["-I", "-S", "-c", script])
}

/// The system's node.
pub(crate) fn node() -> PathBuf {
    system("node")
}

fn system(name: &str) -> PathBuf {
    let places = ["/usr/bin", "/usr/local/bin"].map(|folder| Path::new(folder).join(name));
    places.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("`{name}` is installed"))
}

/// Writes a file.
pub(crate) fn file(path: &Path, text: &str) {
    std::fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
}
