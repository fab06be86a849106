//! The log changes its key, while it is served and read.
use mcpsec_testkit::{Output, TestEnv};

use crate::{
    http::get,
    team::{Team, team},
    world::{World, mcpsec, put},
};

/// What a command of the server printed.
fn printed(world: &World, arguments: &[&str]) -> String {
    let done = world.command(arguments);
    assert_eq!(done.code, Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text").trim_end().to_owned()
}

/// What a command of the server says that refuses.
fn refused(world: &World, arguments: &[&str]) -> String {
    let done = world.command(arguments);
    assert_ne!(done.code, Some(0), "{arguments:?}");
    String::from_utf8(done.stderr).expect("text")
}

fn key_at(world: &World, path: &str) -> Option<String> {
    let answer = get(&world.url(path), &[]);
    (answer.status == 200).then(|| answer.text().trim_end().to_owned())
}

/// The server is started anew, and everybody finds it.
fn restart(team: &mut Team, others: &[&TestEnv]) {
    let address = team.world.server.address().to_owned();
    team.world.restart();
    for env in others.iter().chain([&&team.env]) {
        env.edit("mcp.toml", &address, team.world.server.address());
    }
}

fn verify(env: &TestEnv) -> Output {
    env.mcpsec(["verify"])
}

#[test]
fn the_key_of_a_log_is_changed_while_everybody_reads_it() {
    let Some(mut team) = team() else { return };
    let _approved = team.run(&["approve", "files"]).success();
    let mut late = TestEnv::new();
    late.set_binary(mcpsec());
    for file in ["mcp.toml", "mcp.lock", "mcp-signers"] {
        late.write(file, team.env.read(file));
    }
    let old = printed(&team.world, &["key"]);
    assert!(refused(&team.world, &["key", "--switch"]).contains("there is no next key"));
    let next = printed(&team.world, &["key", "--next"]);
    assert_ne!(old, next);
    assert_eq!(printed(&team.world, &["key", "--next"]), next, "it is made once");
    assert_eq!(printed(&team.world, &["key"]), old, "and does not count yet");

    restart(&mut team, &[&late]);
    let keys = |team: &Team| ["/api/v1/log-key", "/api/v1/log-key/next"].map(|path| key_at(&team.world, path));
    assert_eq!(keys(&team), [Some(old.clone()), Some(next.clone())]);
    let _told = verify(&team.env).success().says("is about to change its key").says(&next);
    // One team has its new mcp.toml, another one will be late: both read the same heads.
    let toml = team.env.read("mcp.toml");
    team.env.write("mcp.toml", format!("{}\nkey = \"{next}\"\n", toml.trim_end()));
    let _pinned = team.env.mcpsec(["approvals", "--update"]).success().prints(&next);
    let _good = verify(&team.env).success();
    let listed = || late.mcpsec(["approvals", "--update"]);
    let _good = listed().success().prints(&old);

    // Under a running server.
    assert_eq!(printed(&team.world, &["key", "--switch"]), next);
    assert_eq!(keys(&team), [Some(next.clone()), None]);
    assert_eq!(get(&team.world.url("/api/v1/approvals/head"), &[]).text().matches('\u{2014}').count(), 1);
    let good = verify(&team.env).success();
    assert!(!good.stderr.contains("change its key"), "{}", good.stderr);
    let _late = listed().exits(1).says("the head is not signed by the key").says("as `key`");
    let _revoked = team.run(&["revoke", "files", "--reason", "too quick"]).success();
    let _closed = verify(&team.env).exits(1).prints("ada revoked it: too quick");

    // The new key is where the old one was, and that one is nowhere.
    let file = team.world.data.path().join("log-key.pem");
    assert!(file.is_file() && !file.with_extension("pem.next").exists());
    restart(&mut team, &[&late]);
    assert_eq!(keys(&team), [Some(next.clone()), None]);
    let _closed = verify(&team.env).exits(1).prints("ada revoked it: too quick");
    // The old way of life goes on: another change can begin, and a key that is no key of this log starts no server.
    let third = printed(&team.world, &["key", "--next"]);
    assert!(third != next && third != old);
    let foreign = World::new();
    let stranger = std::fs::read_to_string(foreign.data.path().join("log-key.pem")).expect("a key");
    put(&file, &stranger);
    let said = team.world.try_replica().err().expect("not its key");
    assert!(said.contains("is signed by the key"), "{said}");
}

/// A replica whose folder nobody may write to, or that died between the two steps of the switch: the database says which key counts.
#[test]
fn a_switch_that_was_cut_short_is_finished() {
    let world = World::new();
    let next = printed(&world, &["key", "--next"]);
    let file = world.data.path().join("log-key.pem");
    let (own, beside) = (file.clone(), world.data.path().join("log-key.pem.next"));
    let (first, second) = (std::fs::read_to_string(&own).expect("key"), std::fs::read_to_string(&beside).expect("key"));
    assert_eq!(printed(&world, &["key", "--switch"]), next);
    // As if the rename had not been.
    put(&own, &first);
    put(&beside, &second);
    let replica = world.replica();
    let served = get(&format!("{}/api/v1/log-key", replica.address()), &[]).text().trim_end().to_owned();
    assert_eq!(served, next, "what the database says, whatever the files are called");
    assert_eq!(printed(&world, &["key"]), next);
    assert!(refused(&world, &["key", "--next"]).contains("the last change is not over"));
    assert_eq!(printed(&world, &["key", "--switch"]), next);
    assert!(!beside.exists() && std::fs::read_to_string(&own).expect("key") == second);
    assert!(refused(&world, &["key", "--switch"]).contains("there is no next key"));
}
