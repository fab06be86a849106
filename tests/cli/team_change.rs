//! The team's log over the years: its key changes, it is given up, it is fetched by two at once, and a head is to hold for ever.
use std::fs;

use crate::{
    team::{Team, team, unpin},
    team_log::{ORIGIN, filler, from_now, signer},
    worlds::files_below,
};

/// mcp.toml with a key for the log.
fn expect_key(team: &Team, toml: &str, key: &str) {
    team.env.write("mcp.toml", format!("{}\nkey = \"{key}\"\n", toml.trim_end()));
}

#[test]
fn a_log_that_is_pinned_cannot_be_left_out() {
    let Some(team) = team() else { return };
    let _file = team.approve(&["--to", "file"]).success();
    let _revoked = team.revoke(&[]).success().prints("sent to http");
    let _closed = team.verify().exits(1).prints("ada revoked it: too quick");
    // A pull request that takes the registry out of mcp.toml would make the revocation unheard of.
    let toml = team.env.read("mcp.toml");
    team.env.write("mcp.toml", &toml[..toml.find("[team]").expect("team")]);
    let words = "mcp.lock pins this log, and mcp.toml names no registry of a team";
    for offline in [&[][..], &["--offline"]] {
        let _no = team.env.mcpsec([&["verify"], offline].concat()).exits(1).prints(words);
    }
    let _unsigned = team.approve(&["--to", "file"]).exits(1).says(words).says("take");
    let _listed = team.env.mcpsec(["approvals"]).exits(1).says(words).prints("NOT BELIEVED");
    // Both files say so: that is for people to review.
    unpin(&team.env);
    let _given_up = team.verify().success();
}

#[test]
fn a_head_that_holds_for_ever_is_a_no() {
    let Some(team) = team() else { return };
    let team = team.approved();
    team.log.change(|state| state.expires = from_now(40 * 24 * 3600));
    let _long = team.verify().exits(1).prints("no head may hold for more than 31 days").prints("head-validity");
    let _unseen = team.elsewhere().mcpsec(["verify"]).exits(1).prints("no head may hold for more than 31 days");
    team.log.change(|state| state.expires = from_now(30 * 24 * 3600));
    let _good = team.verify().success();
}

#[test]
fn a_log_changes_its_key() {
    let Some(team) = team() else { return };
    let team = team.approved();
    let toml = team.env.read("mcp.toml");
    let (next, stranger) = (signer(ORIGIN), signer(ORIGIN).key().to_string());
    let next_key = next.key().to_string();
    // Both sign: nobody is refused, and everybody is told, once.
    team.log.change(|state| state.next = Some(next));
    let change = "is about to change its key";
    let told = team.verify().success().says(change).says(&next_key);
    assert_eq!(told.stderr.matches(change).count(), 1, "{}", told.stderr);
    // A key that did not sign is not spoken of, and neither is one that is no key.
    for lie in [stranger, "mcp.example.test+00000000+AAAA".to_owned(), "\u{1b}[2Jx".to_owned()] {
        team.lie(|lies| lies.next_key = Some(lie));
        let said = team.verify().success();
        assert!(!said.stderr.contains(change), "{}", said.stderr);
    }
    team.lie(|_| {});
    // It is never taken from the registry: mcp.toml has to say it, then mcp.lock.
    assert!(!team.env.read("mcp.lock").contains(&next_key));
    expect_key(&team, &toml, &next_key);
    let _moved = team.verify().exits(1).prints("mcp.toml names the log").prints("mcpsec approvals --update");
    let _pinned = team.env.mcpsec(["approvals", "--update"]).success().prints("pinned").prints(&next_key);
    let good = team.verify().success();
    assert!(!good.stderr.contains(change), "{}", good.stderr);
    let late = team.elsewhere();
    late.write("mcp.toml", &toml);
    unpin(&late);
    let _early = late.mcpsec(["approvals", "--update"]).success();
    // The old key is gone: whoever still expects it is told what to do.
    team.log.change(|state| state.signer = state.next.take().expect("next"));
    team.log.add([filler(300)]);
    let _good = team.verify().success();
    let _fresh = team.elsewhere().mcpsec(["verify"]).success();
    let _late = late.mcpsec(["verify"]).exits(1).prints("the head is not signed by the key").prints("as `key`");
}

/// Whoever runs the registry takes a new key, and leaves entries out with the old one.
#[test]
fn a_new_key_is_no_way_to_forget() {
    let Some(team) = team() else { return };
    let team = team.approved();
    let toml = team.env.read("mcp.toml");
    let lock = team.env.read("mcp.lock");
    for (lines, words) in [
        ((0..3).map(filler).collect::<Vec<_>>(), "rollback: the log has 3 entries, and mcp.lock pins 8"),
        ((0..20).map(filler).collect(), "fork: the first 8 entries of the log are not the 8 that"),
    ] {
        let key = signer(ORIGIN);
        let text = key.key().to_string();
        team.log.change(|state| (state.signer, state.lines) = (key, lines));
        expect_key(&team, &toml, &text);
        let refused = team.env.mcpsec(["approvals", "--update"]).exits(1).says(words);
        drop(refused.says("its key is another one than it was").says("take [team] out of mcp.lock"));
        assert_eq!(team.env.read("mcp.lock"), lock);
    }
    // mcp.lock was changed as well, as a pull request might: this machine still remembers, until somebody here says otherwise.
    unpin(&team.env);
    let other = team.elsewhere();
    let _remembered =
        team.verify().exits(1).prints("that this machine has seen").prints("its key is another one than it was");
    let taken = team.env.mcpsec(["approvals", "--update"]).success().says("believed from now on");
    drop(taken.prints("pinned"));
    let _not_approved = team.verify().exits(1).prints("nobody approved this");
    let _unseen = other.mcpsec(["verify"]).exits(1).prints("nobody approved this");
}

#[test]
fn another_fetch_is_not_waited_for_without_an_end() {
    let Some(team) = team() else { return };
    let team = team.approved();
    team.log.add([filler(90)]);
    let hold = |store: &std::path::Path| {
        let path =
            files_below(&store.join("team")).into_iter().find(|path| path.extension().is_some_and(|end| end == "lock"));
        let file = fs::File::options().write(true).open(path.expect("the lock of the copy")).expect("lock");
        file.lock().expect("held");
        file
    };
    let held = hold(&team.env.store());
    let _old = team
        .verify()
        .success()
        .says("another mcpsec is fetching the team's log; waiting for it")
        .says("as of entry 8 of the team's log");
    // Where nothing is known yet, nothing is claimed.
    let fresh = team.elsewhere();
    let folder = fresh.store().join("team");
    fs::create_dir_all(&folder).expect("folder");
    let name = files_below(&team.env.store().join("team"))
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "lock"))
        .and_then(|path| path.file_name().map(ToOwned::to_owned))
        .expect("name");
    let _empty = fs::File::create(folder.join(name)).expect("lock");
    let other = hold(&fresh.store());
    let _open = fresh
        .mcpsec(["verify"])
        .exits(3)
        .prints("another mcpsec is fetching this log")
        .prints("when the other one is done");
    drop((held, other));
    let current = team.verify().success();
    assert!(!current.stderr.contains("as of entry"), "{}", current.stderr);
    let _now = fresh.mcpsec(["verify"]).success();
}

/// What is exported as the team's log is the log, whatever became of the copy.
#[test]
fn a_copy_that_was_changed_is_not_exported() {
    let Some(team) = team() else { return };
    let team = team.approved();
    let path =
        files_below(&team.env.store().join("team")).into_iter().find(|path| path.ends_with("lines")).expect("lines");
    crate::worlds::flip_middle_byte(&path);
    let _changed = team
        .env
        .mcpsec(["approvals", "--export", "out.jsonl", "--offline"])
        .exits(3)
        .says("is not the one that was verified");
    assert!(!team.env.exists("out.jsonl"));
}
