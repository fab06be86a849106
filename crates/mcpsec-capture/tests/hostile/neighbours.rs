//! Two strangers at the same time know nothing of each other, although they are one user's.
use std::io::{BufRead as _, BufReader};

use mcpsec_model::config::Isolation;
use serde_json::{Value, json};

use crate::{
    stand::{self, SECRET, Stand},
    survivors,
};

/// Attacks that are made on a stranger next door in the same way as on anybody.
const ATTACKS: &[&str] = &[
    "processes.signalled",
    "processes.signalled_by_group",
    "processes.signalled_oddly",
    "processes.traced",
    "processes.memory_read",
    "processes.memory_written",
    "processes.files_stolen",
    "processes.starved",
    "processes.compared",
    "processes.key_through_victim",
    "network.abstract",
    "network.tcp4",
    "files.key",
    "files.home_listed",
];

pub(crate) fn cannot_see_each_other(tier: Isolation) {
    let Some(stand) = Stand::new() else { return };
    let Some(sandbox) = stand::sandbox(tier, &stand.python) else { return };
    // The one next door holds a secret in its home and its memory.
    let mut plan = stand.plan("-", &json!({}));
    plan.args = vec!["-I".into(), "-S".into(), stand.folder.path().join("attacks/neighbour.py").into()];
    plan.env.insert("SECRET".into(), SECRET.into());
    let mut next_door = sandbox.spawn(&plan).expect("started");
    let mut output = BufReader::new(next_door.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    let about: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no neighbour: {line:?}"));
    // Its numbers as they are outside; one of them is it, whichever processes guard it.
    let mut pids = survivors::below(next_door.id());
    pids.push(next_door.id());
    let home = about["home"].as_str().expect("a path");
    let addresses: serde_json::Map<String, Value> =
        pids.iter().map(|pid| (pid.to_string(), about["address"].clone())).collect();
    let more = json!({
        "victims": pids, "pids": pids, "addresses": addresses, "home": home, "key": format!("{home}/neighbours-key"),
        "abstract": "mcpsec-neighbour", "tcp4": about["port"],
    });
    let mut lost = Vec::new();
    for name in ATTACKS {
        // In the namespace tier all homes have the same name, and one's own is there.
        if tier == Isolation::Namespace && *name == "files.home_listed" {
            continue;
        }
        let ran = stand.attack(&sandbox, name, &more);
        let said: Value = serde_json::from_str(ran.stdout.trim()).unwrap_or_default();
        if said["succeeded"] != false || ran.stdout.contains(SECRET) {
            lost.push(format!("{name}: {}{}", ran.stdout, ran.stderr));
        }
    }
    // It has not been hurt.
    let pipe = next_door.stdin.as_mut().expect("a pipe");
    std::io::Write::write_all(pipe, b"still there?\n").expect("it reads");
    line.clear();
    output.read_line(&mut line).expect("a line");
    assert_eq!(line.trim(), "\"untouched\"");
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}
