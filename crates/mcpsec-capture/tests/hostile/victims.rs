//! Processes outside of the sandbox that hold a secret and tell what was done to them.
use std::{
    ffi::OsString,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::ChildStdout,
};

use mcpsec_capture::sandbox::{Running, Sandbox};
use serde_json::{Value, json};

use crate::{
    stand::{self, Python, SECRET},
    users,
};

/// One process.
pub(crate) struct Victim {
    running: Running,
    output: BufReader<ChildStdout>,
    /// What it said of itself at the start.
    about: Value,
    /// Its state when it was last asked.
    state: Value,
}

impl Victim {
    fn start(python: &Python, script: &Path, command: &[&str], args: &[OsString]) -> Self {
        let mut all: Vec<OsString> = command.iter().map(OsString::from).collect();
        all.push(python.program.clone().into_os_string());
        all.extend(["-I".into(), "-S".into(), script.as_os_str().to_owned()]);
        all.extend_from_slice(args);
        let mut plan = stand::plan(Path::new(&all[0].clone()), all.split_off(1));
        plan.env = [("SECRET".into(), SECRET.into())].into();
        let mut running = Sandbox::dangerous_none(Path::new("/")).spawn(&plan).expect("a victim");
        let output = BufReader::new(running.stdout.take().expect("a pipe"));
        let mut victim = Self { running, output, about: Value::Null, state: Value::Null };
        victim.about = victim.hear().expect("the victim says where it is");
        victim.state = victim.ask().expect("the victim answers");
        victim
    }

    fn hear(&mut self) -> Option<Value> {
        let mut line = String::new();
        let heard = self.output.read_line(&mut line).ok()?;
        (heard > 0).then(|| serde_json::from_str(&line).expect("a line of JSON"))
    }

    fn ask(&mut self) -> Option<Value> {
        let pipe = self.running.stdin.as_mut()?;
        pipe.write_all(b"how are you\n").ok()?;
        self.hear()
    }

    /// The process number.
    pub(crate) fn pid(&self) -> u64 {
        self.about["pid"].as_u64().expect("a number")
    }

    /// What has changed since it was last asked, in words.
    pub(crate) fn harm(&mut self) -> Vec<String> {
        let (pid, Some(now)) = (self.pid(), self.ask()) else { return vec![format!("victim {} is dead", self.pid())] };
        let before = std::mem::replace(&mut self.state, now.clone());
        if before == now { Vec::new() } else { vec![format!("victim {pid} was {before} and is {now}")] }
    }
}

/// One of the user who runs the tests, and one of an ordinary user.
pub(crate) struct Victims(Vec<Victim>);

impl Victims {
    pub(crate) fn start(python: &Python, root: &Path) -> Self {
        let script = root.join("attacks/victim.py");
        let number = 0x6d63_0000 | i64::from(std::process::id() & 0xffff);
        let places = [number.to_string().into(), path(root, "readable/packets"), path(root, "readable/pipe")];
        let mut victims = vec![Victim::start(python, &script, &[], &places)];
        if users::is_root() {
            victims.push(Victim::start(python, &script, &users::AS_ORDINARY_USER, &[]));
        }
        Self(victims)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Victim> {
        self.0.iter_mut()
    }

    pub(crate) fn target(&self) -> Value {
        let pids: Vec<u64> = self.0.iter().map(Victim::pid).collect();
        let all: Vec<u64> = pids.iter().copied().chain([u64::from(std::process::id())]).collect();
        let addresses: serde_json::Map<String, Value> =
            self.0.iter().map(|victim| (victim.pid().to_string(), victim.about["address"].clone())).collect();
        let script = &self.0[0].about;
        json!({
            "victims": pids, "pids": all, "addresses": addresses, "secret_length": script["length"],
            "shared_memory": 0x6d63_0000 | i64::from(std::process::id() & 0xffff), "shared_memory_id": script["shared"],
            "queue": "mcpsec-hostile",
        })
    }
}

fn path(root: &Path, name: &str) -> OsString {
    root.join(name).into_os_string()
}
