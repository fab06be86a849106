//! Compiling Python sources ahead: an installation is read-only, so Python could not keep what it compiles at a start.
//!
//! The compiler reads strangers' sources and runs none of them; it does so in the sandbox all the same, which alone may
//! write to the unfinished installation. Compiled files say that they are not to be compared with their source: both are in
//! the installation's index.
use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, time::Duration};

use crate::{
    install::{cache::Building, error::InstallError, runtime::FoundRuntime},
    sandbox::{Limits, Network, Plan, Sandbox, Stdio},
};

const PATIENCE: Duration = Duration::from_secs(300);

/// Ends well also when some files do not compile: packages do carry files for other versions of Python. Tracebacks show
/// where files will be.
const COMPILER: &str = r"
import sys, compileall, py_compile
workers, folder, strip, prepend = int(sys.argv[1]), *sys.argv[2:5]
compileall.compile_dir(folder, quiet=2, force=True, workers=workers, stripdir=strip, prependdir=prepend,
                       invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
";

/// Compiles everything below the site-packages folder. Answers why not, if it was not done: that is slower, not worse.
pub(in crate::install) fn compile(
    runtime: &FoundRuntime,
    building: &Building,
    site: &str,
    sandbox: Option<&Sandbox>,
) -> Result<Option<String>, InstallError> {
    let Some(sandbox) = sandbox else { return Ok(Some("no sandbox was given".to_owned())) };
    if !building.tree().join(site).is_dir() {
        return Ok(None);
    }
    // With one worker for each processor; a sandbox may have no shared memory for them, then without.
    let mut why = None;
    for workers in ["0", "1"] {
        why = once(runtime, building, site, sandbox, workers)?;
        if why.is_none() {
            break;
        }
    }
    Ok(why)
}

fn once(
    runtime: &FoundRuntime,
    building: &Building,
    site: &str,
    sandbox: &Sandbox,
    workers: &str,
) -> Result<Option<String>, InstallError> {
    let tree = building.tree();
    let folder = tree.join(site);
    let flags = ["-I", "-S", "-B", "-c", COMPILER, workers];
    let mut args: Vec<OsString> = flags.map(OsString::from).into();
    args.extend([folder.clone(), tree.clone(), building.final_tree()].map(PathBuf::into_os_string));
    let mut read = runtime.read.clone();
    read.push(tree.clone());
    let mut limits = Limits::capture();
    limits.wall = Some(PATIENCE);
    limits.cpu = Some(PATIENCE);
    limits.disk = None;
    let plan = Plan {
        program: runtime.program.clone(),
        args,
        env: BTreeMap::from([("PYTHONHASHSEED".into(), "0".into()), ("LANG".into(), "C.UTF-8".into())]),
        cwd: Some(tree.clone()),
        read,
        write: vec![folder],
        canaries: false,
        network: Network::None,
        limits,
        observe: false,
        stdio: Stdio::Piped,
    };
    let mut running = sandbox.spawn(&plan)?;
    drop(running.stdin.take());
    let drained = [
        running.stdout.take().map(|stream| std::thread::spawn(move || drain(stream))),
        running.stderr.take().map(|stream| std::thread::spawn(move || drain(stream))),
    ];
    let ended = running.finish(PATIENCE).map_err(|error| InstallError::io("wait for the compiler in", &tree, error))?;
    for thread in drained.into_iter().flatten() {
        // Its answer does not matter, only that the pipe was kept empty.
        let _panicked = thread.join();
    }
    match (ended.limit, ended.status.code()) {
        (None, Some(0)) => Ok(None),
        (Some(limit), _) => Ok(Some(format!("the compiler hit its limit of {limit:?}").to_lowercase())),
        (None, _) => Ok(Some(format!("the compiler ended with {}", ended.status))),
    }
}

fn drain(mut stream: impl std::io::Read) -> std::io::Result<u64> {
    std::io::copy(&mut stream, &mut std::io::sink())
}

/// Whether a path is one that only the compiler makes: wheels' own `__pycache__` is never laid out.
pub(in crate::install) fn is_ours(path: &str, site: &str) -> bool {
    path.starts_with(site)
        && path.ends_with(".pyc")
        && path.rsplit('/').nth(1).is_some_and(|folder| folder == "__pycache__")
}
