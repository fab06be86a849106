//! Installs one server of a lock from a store and prints how it is started, with the time each step took; for people who work
//! on the installer: `cargo run --example install -- <mcp.lock> <store> <platform> <server> [npm:name@version whose scripts may run]…`.
#![expect(clippy::print_stdout, reason = "it is a program")]
use std::{collections::BTreeMap, error::Error, path::PathBuf, time::Instant};

use mcpsec_capture::{
    install::{self, Terms, runtime::Search},
    sandbox::Sandbox,
};
use mcpsec_fetch::store::Store;
use mcpsec_model::{lock::Lock, target::Platform};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [lock, store, platform, name, allowed @ ..] = arguments.as_slice() else {
        return Err("<mcp.lock> <store> <platform> <server>".into());
    };
    let lock = Lock::parse_bytes(&std::fs::read(lock)?, "mcp.lock")?;
    let store = Store::create(store)?;
    let server = lock.servers.values().find(|server| server.name.as_str() == name).ok_or("no such server")?;
    #[expect(clippy::disallowed_methods, reason = "a program of its own, without the settings of the command line")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let memory = store.root().join("tmp/runtimes.json");
    let platform: Platform = platform.parse()?;
    let allowed: Vec<_> = allowed.iter().map(Into::into).collect();
    let terms = Terms { platform, search: Search { path: &path, memory: Some(&memory) }, install_scripts: &allowed };
    let start = Instant::now();
    let blueprint = install::plan(server, &lock.packages, terms)?;
    println!("plan         {:>9.3?}", start.elapsed());
    let into = store.installed_dir();
    let start = Instant::now();
    let warm = blueprint.installed(&into)?;
    println!("look         {:>9.3?} ({})", start.elapsed(), if warm.is_some() { "there" } else { "not there" });
    let installed = match warm {
        Some(installed) => installed,
        None => {
            let start = Instant::now();
            let mut unpacked = BTreeMap::new();
            for (package, artifact) in blueprint.artifacts() {
                let checked = store.check(package, artifact)?;
                let folder = store.unpacked(&checked, artifact.kind)?;
                unpacked.insert(((*package).clone(), artifact.file.to_string()), folder);
            }
            println!("unpack       {:>9.3?} ({} artifacts)", start.elapsed(), unpacked.len());
            let sandbox = Sandbox::dangerous_none(std::path::Path::new("/nonexistent"));
            let start = Instant::now();
            let installed = blueprint.lay_out(&unpacked, &into, Some(&sandbox))?;
            println!("lay out      {:>9.3?}", start.elapsed());
            installed
        }
    };
    for note in &installed.notes {
        println!("note         {note:?}");
    }
    println!("runtime      {:?}", installed.runtime);
    println!("read         {:?}", installed.read);
    for (name, value) in &installed.env {
        println!("env          {}={}", name.display(), value.display());
    }
    let args: Vec<String> = installed.args.iter().map(|arg| arg.display().to_string()).collect();
    println!("start        {} {}", installed.program.display(), args.join(" "));
    Ok(())
}
