//! `kill -9` at any moment, and many processes at once: what is on disk is always whole.
//!
//! Kills come after a random time or, for moments too short to be hit by chance, as soon as something is seen on disk (the
//! first staged file, a temporary file beside mcp.lock, mcp.toml without its lock). `MCPSEC_KILLS` sets how many (12 unless
//! it is set), `MCPSEC_SEED` repeats a run.
use std::{
    collections::{BTreeMap, BTreeSet, hash_map::RandomState},
    fmt, fs,
    hash::{BuildHasher as _, Hasher as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use mcpsec_model::{config::Config, digest::Digest, lock::Lock};
use mcpsec_testkit::{Fault, NpmServer, TestEnv, npm_package, program::Running};

use crate::worlds::files_below;

const PACKAGES: usize = 107;

/// A registry with `big`, which has a closure of 107 packages four levels deep, and the small servers `one` to `four`. It is
/// slow enough that a run has moments to be killed in.
fn registry() -> NpmServer {
    let server = NpmServer::start();
    let name = |number: usize| format!("part-{number}");
    let noise = |number: usize| -> Vec<u8> {
        let mut random = Random(number as u64);
        (0..4 << 10).flat_map(|_| random.next().to_le_bytes()).collect()
    };
    let mut big = npm_package("big", "1.0.0").bin("big", "index.js").file("noise", &noise(0));
    // A tree: part n depends on parts 4n+1 to 4n+4, as `big` does with n = 0.
    for number in 1..PACKAGES {
        let mut part = npm_package(&name(number), "1.0.0").file("noise", &noise(number));
        for child in 4 * number + 1..=4 * number + 4 {
            if child < PACKAGES {
                part = part.dep(&name(child), "^1.0.0");
            }
        }
        server.publish(&part);
    }
    for child in 1..=4 {
        big = big.dep(&name(child), "^1.0.0");
    }
    server.publish(&big);
    for small in ["one", "two", "three", "four"] {
        server.publish(&npm_package(small, "1.0.0").bin(small, "index.js").dep("part-100", "^1.0.0"));
    }
    server.inject(Fault::Drip { chunk: 8 << 10, every: Duration::from_millis(8) }.on("*.tgz"));
    server.inject(Fault::Delay(Duration::from_millis(15)).on("/part-*"));
    server
}

fn world(server: &NpmServer) -> TestEnv {
    let mut env = TestEnv::new();
    env.npm(server);
    env
}

/// SplitMix64: small, and the same numbers everywhere for one seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_nanos()).expect("a duration of a test");
        Duration::from_nanos(self.next() % most.max(1))
    }
}

#[expect(clippy::disallowed_methods, reason = "how hard this test tries is the runner's choice")]
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// When to kill.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// After this long.
    After(Duration),
    /// This long after something was seen.
    Seen(Sight, Duration),
}

#[derive(Clone, Copy, Debug)]
enum Sight {
    StagedFile,
    Object,
    TemporaryInProject,
    ConfigChanged,
    LockChanged,
}

impl Sight {
    const ALL: [Self; 5] =
        [Self::StagedFile, Self::Object, Self::TemporaryInProject, Self::ConfigChanged, Self::LockChanged];
}

/// How far a killed run had come, as far as the disk tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Phase {
    Resolving,
    Downloading,
    Committed,
    ConfigWritten,
    LockWritten,
    Ended,
}

/// What a run may change, before it.
struct Before {
    config: Option<Vec<u8>>,
    lock: Option<Vec<u8>>,
    objects: usize,
    staged: usize,
}

impl Before {
    fn of(env: &TestEnv) -> Self {
        Self {
            config: fs::read(env.project().join("mcp.toml")).ok(),
            lock: fs::read(env.project().join("mcp.lock")).ok(),
            objects: objects(env).len(),
            staged: files_below(&env.store().join("tmp")).len(),
        }
    }

    fn sees(&self, env: &TestEnv, sight: Sight) -> bool {
        let changed = |name: &str, old: &Option<Vec<u8>>| fs::read(env.project().join(name)).ok() != *old;
        match sight {
            Sight::StagedFile => files_below(&env.store().join("tmp")).len() > self.staged + 2,
            Sight::Object => objects(env).len() > self.objects,
            Sight::TemporaryInProject => !leftovers(env.project()).is_empty(),
            Sight::ConfigChanged => changed("mcp.toml", &self.config),
            Sight::LockChanged => changed("mcp.lock", &self.lock),
        }
    }

    fn phase(&self, env: &TestEnv) -> Phase {
        if self.sees(env, Sight::LockChanged) {
            Phase::LockWritten
        } else if self.sees(env, Sight::ConfigChanged) {
            Phase::ConfigWritten
        } else if self.sees(env, Sight::Object) {
            Phase::Committed
        } else if self.sees(env, Sight::StagedFile) {
            Phase::Downloading
        } else {
            Phase::Resolving
        }
    }
}

fn objects(env: &TestEnv) -> Vec<PathBuf> {
    files_below(&env.store().join("objects"))
}

/// Files of a project that are neither mcp.toml nor mcp.lock.
fn leftovers(project: &Path) -> Vec<PathBuf> {
    let ours = |path: &PathBuf| !(path.ends_with("mcp.toml") || path.ends_with("mcp.lock"));
    files_below(project).into_iter().filter(ours).collect()
}

/// Fails unless everything on disk is whole.
#[track_caller]
fn assert_whole(env: &TestEnv, context: &dyn fmt::Debug) {
    for path in objects(env) {
        let bytes = fs::read(&path).expect("an object");
        let digest = match path.strip_prefix(env.store().join("objects")).expect("below").iter().next() {
            Some(algorithm) if algorithm == "sha512" => Digest::sha512_of(&bytes),
            _ => Digest::sha256_of(&bytes),
        };
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert_eq!(digest.to_hex(), name, "{context:?}: an object is not what its name says");
    }
    let (config, lock) = project_files(env.project(), context);
    if let Some(lock) = &lock {
        // What is locked is configured and stored, since both come first.
        for name in lock.servers.keys() {
            let configured = config.as_ref().is_some_and(|config| config.servers.contains_key(name));
            assert!(configured, "{context:?}: `{name}` is locked and not configured");
        }
        for digest in lock.packages.values().flat_map(|package| &package.artifacts).map(|a| a.digests.strongest()) {
            let hex = digest.expect("a pin").to_hex();
            let object = env.store().join("objects/sha512").join(&hex[..2]).join(&hex);
            assert!(object.is_file(), "{context:?}: a locked artifact is not stored");
        }
    }
}

/// mcp.toml and mcp.lock, which are absent or parse.
#[track_caller]
fn project_files(project: &Path, context: &dyn fmt::Debug) -> (Option<Config>, Option<Lock>) {
    let config = fs::read_to_string(project.join("mcp.toml")).ok();
    let lock = fs::read_to_string(project.join("mcp.lock")).ok();
    let config = config.map(|text| {
        Config::parse(&text, "mcp.toml").unwrap_or_else(|error| panic!("{context:?}: mcp.toml: {error}\n{text}"))
    });
    let lock = lock.map(|text| {
        Lock::parse(&text, "mcp.lock").unwrap_or_else(|error| panic!("{context:?}: mcp.lock: {error}\n{text}"))
    });
    (config, lock)
}

/// The names of the servers in mcp.toml and in mcp.lock.
fn servers(env: &TestEnv) -> [Vec<String>; 2] {
    let (config, lock) = project_files(env.project(), &"servers");
    let config = config.map(|config| config.servers.keys().map(ToString::to_string).collect());
    let lock = lock.map(|lock| lock.servers.keys().map(ToString::to_string).collect());
    [config.unwrap_or_default(), lock.unwrap_or_default()]
}

/// Fails if an earlier process left anything behind that the last writer should have removed.
#[track_caller]
fn assert_clean(env: &TestEnv, context: &dyn fmt::Debug) {
    let stale: Vec<_> = fs::read_dir(env.store().join("tmp"))
        .expect("tmp")
        .flatten()
        .filter(|entry| entry.file_name() != "lock")
        .map(|entry| entry.path())
        .collect();
    assert!(stale.is_empty(), "{context:?}: stale temporary folders: {stale:?}");
    let stale = leftovers(env.project());
    assert!(stale.is_empty(), "{context:?}: stale temporary files: {stale:?}");
}

/// Runs `add npm:big` and kills it at the moment. Gives how far it had come.
#[track_caller]
fn kill_at(env: &TestEnv, moment: Moment) -> Phase {
    /// Far above any run; a sight that never comes ends the waiting with the run.
    const PATIENCE: Duration = Duration::from_secs(60);
    let before = Before::of(env);
    let mut running = env.start(["add", "npm:big"]);
    let start = Instant::now();
    let pause = match moment {
        Moment::After(pause) => pause,
        Moment::Seen(sight, pause) => {
            // The last sight of all comes when nothing changes any more, too.
            while !before.sees(env, sight) && start.elapsed() < PATIENCE && !running.has_ended() {
                std::thread::yield_now();
            }
            pause
        }
    };
    std::thread::sleep(pause);
    running.kill();
    let finished = running.wait();
    let stderr = String::from_utf8_lossy(&finished.stderr);
    assert!(matches!(finished.code, None | Some(0)), "{moment:?}: exit {:?}\n{stderr}", finished.code);
    if finished.code.is_some() { Phase::Ended } else { before.phase(env) }
}

#[test]
fn a_kill_at_any_moment_leaves_everything_whole() {
    let kills = setting("MCPSEC_KILLS").unwrap_or(12);
    let seed = setting("MCPSEC_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("MCPSEC_KILLS={kills} MCPSEC_SEED={seed}");
    let mut random = Random(seed);
    let server = registry();

    let mut env = world(&server);
    let start = Instant::now();
    let _whole_run = env.mcpsec(["add", "npm:big"]).success();
    let usual = start.elapsed();
    println!("an undisturbed run takes {usual:?}");
    assert_eq!(objects(&env).len(), PACKAGES);

    let mut phases = BTreeMap::<Phase, u64>::new();
    env = world(&server);
    for number in 0..kills {
        // A third goes on in the damaged world; the others start anew, half of them with a lock to lose.
        match random.next() % 3 {
            0 => {}
            choice => {
                env = world(&server);
                if choice == 1 {
                    let _small = env.mcpsec(["add", "npm:one"]).success();
                }
            }
        }
        let had_one = !servers(&env)[1].is_empty();
        let moment = match random.next() % 2 {
            0 => Moment::After(random.up_to(usual)),
            _ => {
                let sight = Sight::ALL[usize::try_from(random.next() % 5).expect("small")];
                // Half of them at once: writing a file takes less than a millisecond.
                let pause = if random.next().is_multiple_of(2) {
                    Duration::ZERO
                } else {
                    random.up_to(Duration::from_millis(3))
                };
                Moment::Seen(sight, pause)
            }
        };
        let phase = kill_at(&env, moment);
        *phases.entry(phase).or_default() += 1;
        let context = (number, seed, moment, phase);
        assert_whole(&env, &context);
        if had_one {
            assert!(!servers(&env)[1].is_empty(), "{context:?}: what was locked is lost");
        }
        // The same command repairs whatever there is to repair.
        if random.next().is_multiple_of(4) || number + 1 == kills {
            let _repaired = env.mcpsec(["add", "npm:big"]).success();
            // A repair that found everything in the store wrote nothing there; this one does.
            let writer = format!("writer-{number}");
            server.publish(&npm_package(&writer, "1.0.0").bin(&writer, "index.js"));
            let _written = env.mcpsec(["add", &format!("npm:{writer}")]).success();
            assert_whole(&env, &context);
            assert_clean(&env, &context);
            let _verified = env.mcpsec(["verify", "--offline"]).success();
            let [config, lock] = servers(&env);
            assert!(config.contains(&"big".to_owned()) && config == lock, "{context:?}: {config:?} {lock:?}");
        }
    }
    println!("killed while: {phases:?}");
}

/// Waits for all and fails unless every exit code is 0.
#[track_caller]
fn all_succeed(runs: Vec<Running>) {
    for (number, run) in runs.into_iter().enumerate() {
        let finished = run.wait();
        let stderr = String::from_utf8_lossy(&finished.stderr);
        assert_eq!(finished.code, Some(0), "run {number}:\n{stderr}{}", String::from_utf8_lossy(&finished.stdout));
    }
}

#[test]
fn four_projects_share_a_store_at_the_same_time() {
    let server = registry();
    let mut env = world(&server);
    let projects = ["p1", "p2", "p3", "p4"];
    let runs = projects.map(|project| {
        env.enter_project(project);
        env.start(["add", "npm:big"])
    });
    all_succeed(runs.into());
    let mut locks = Vec::new();
    for project in projects {
        env.enter_project(project);
        assert_whole(&env, &project);
        assert_clean(&env, &project);
        let _verified = env.mcpsec(["verify", "--offline"]).success();
        locks.push(env.read("mcp.lock"));
    }
    locks.dedup();
    assert_eq!(locks.len(), 1, "the same command gives the same lock");
    assert_eq!(objects(&env).len(), PACKAGES);
}

#[test]
fn four_servers_enter_one_project_at_the_same_time() {
    let server = registry();
    let env = world(&server);
    let runs = ["one", "two", "three", "four"].map(|name| env.start(["add", &format!("npm:{name}")]));
    all_succeed(runs.into());
    assert_whole(&env, &"four servers");
    assert_clean(&env, &"four servers");
    assert_eq!(servers(&env), [["four", "one", "three", "two"]; 2]);
    let _verified = env.mcpsec(["verify", "--offline"]).success();
}

#[test]
fn verify_runs_beside_add() {
    let server = registry();
    let env = world(&server);
    let _first = env.mcpsec(["add", "npm:one"]).success();
    let mut adding = env.start(["add", "npm:big"]);
    let mut verified = 0;
    while !adding.has_ended() {
        // Between the two writes `big` is configured and not locked, which verify says (1); it never sees half a file (2).
        let output = env.mcpsec(["verify", "--offline"]);
        assert!(matches!(output.code, Some(0 | 1)), "{}", output.snapshot());
        if output.code == Some(1) {
            assert!(output.stdout.contains("big"), "{}", output.snapshot());
        }
        verified += 1;
    }
    assert!(verified > 0);
    all_succeed(vec![adding]);
    let _verified = env.mcpsec(["verify", "--offline"]).success();
    assert_eq!(servers(&env), [["big", "one"]; 2]);
}

#[test]
fn readers_never_see_half_a_file() {
    let server = registry();
    let env = world(&server);
    let _small = env.mcpsec(["add", "npm:one"]).success();
    let mut seen = BTreeSet::new();
    for arguments in [["add", "npm:big"], ["remove", "big"]].iter().cycle().take(8) {
        let mut running = env.start(arguments);
        while !running.has_ended() {
            seen.extend(["mcp.toml", "mcp.lock"].map(|name| (name, env.read(name))));
        }
        all_succeed(vec![running]);
    }
    assert_eq!(seen.len(), 4, "two states of two files");
    for (name, text) in seen {
        match name {
            "mcp.toml" => drop(Config::parse(&text, name).expect("mcp.toml")),
            _ => drop(Lock::parse(&text, name).expect("mcp.lock")),
        }
    }
}

#[test]
fn a_store_that_begins_with_a_lock_is_a_store() {
    // On a new machine, `remove` is the first command: it locks the project and stores nothing.
    let server = registry();
    let env = world(&server);
    let _added = env.mcpsec(["add", "npm:one"]).success();
    fs::remove_dir_all(env.store()).expect("no store");
    let _removed = env.mcpsec(["remove", "one"]).success();
    let _added = env.mcpsec(["add", "npm:one"]).success();
}
