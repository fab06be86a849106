//! Several servers on one state, behind something that sends each connection to the next.
use std::{collections::BTreeSet, time::Duration};

use mcpsec_model::digest::Digest;
use mcpsec_testkit::{NpmServer, npm_package};
use mcpsec_verify::approval::log::{Tree, leaf_hash};
use reqwest::Method;

use crate::{
    allowlist::Team,
    backends::Backend,
    http::{Answer, client, get, try_ask},
    people::lines,
    pushing,
    relay::Relay,
    world::start,
};

#[test]
fn replicas_that_start_together_on_an_empty_database_all_start() {
    // SQLite takes several processes of one machine; PostgreSQL any number.
    let backend = Backend::new();
    let data = tempfile::tempdir().expect("a folder");
    let servers: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..5).map(|_| scope.spawn(|| start(&backend, data.path(), &[]))).collect();
        starts.into_iter().map(|start| start.join().expect("no panic")).collect()
    });
    let servers: Vec<_> = servers.into_iter().map(|server| server.expect("it starts")).collect();
    let keys: BTreeSet<_> = servers
        .iter()
        .map(|server| {
            let ready = get(&format!("{}/readyz", server.address()), &[]);
            assert_eq!(ready.status, 200, "{}", ready.text());
            get(&format!("{}/api/v1/log-key", server.address()), &[]).text().to_owned()
        })
        .collect();
    assert_eq!(keys.len(), 1, "all sign with one key");
}

/// Asks until there is an answer that is no error of the server, as a client does that retries.
fn insist(request: &dyn Fn() -> reqwest::RequestBuilder) -> Answer {
    for _ in 0..200 {
        match try_ask(request()) {
            Ok(answer) if answer.status < 500 => return answer,
            Ok(_) | Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    panic!("no answer in 200 attempts");
}

#[test]
fn a_replica_that_dies_in_the_middle_of_approvals_loses_nothing() {
    let mut team = Team::new();
    let replica = team.world.replica();
    let mut victim = std::mem::replace(&mut team.world.server, replica);
    let relay = Relay::new(&[victim.address(), team.world.server.address()]);
    let url = format!("http://{}/api/v1/approvals", relay.address());
    const WRITERS: usize = 4;
    const BATCHES: usize = 40;
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (team, url) = (&team, &url);
            scope.spawn(move || {
                let client = client();
                for batch in 0..BATCHES {
                    let number = (writer * BATCHES + batch) * 2;
                    let batch = lines([&team.bob.approves("files", number), &team.bob.approves("files", number + 1)]);
                    let answer = insist(&|| client.post(url).bearer_auth(&team.token).body(batch.clone()));
                    assert_eq!(answer.status, 200, "{}", answer.text());
                }
            });
        }
        std::thread::sleep(Duration::from_millis(150));
        victim.kill();
    });
    let log = team.log();
    let distinct: BTreeSet<&str> = log.lines().collect();
    assert_eq!(
        (log.lines().count(), distinct.len()),
        (WRITERS * BATCHES * 2, WRITERS * BATCHES * 2),
        "nothing lost, nothing twice"
    );
    let mut tree = Tree::default();
    log.lines().for_each(|line| tree.push(leaf_hash(line.as_bytes())));
    let head = team.head();
    assert_eq!((head.size, head.root), (tree.size(), tree.root()));
}

#[test]
fn a_replica_that_dies_in_the_middle_of_an_upload_loses_nothing() {
    const PART: usize = 8 << 20;
    let noise: Vec<u8> = (0..20_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let big = npm_package("left", "1.0.3").file("noise", &noise);
    let npm = NpmServer::start();
    npm.publish_all(&[pushing::files(), big.clone()]);
    let Some(mut team) = pushing::Team::of(npm, &[]) else { return };
    team.approve();
    let _taken = team.put_lock("").is(200);
    let replica = team.world.replica();
    let mut victim = std::mem::replace(&mut team.world.server, replica);
    let relay = Relay::new(&[victim.address(), team.world.server.address()]);
    let bytes = big.tarball();
    let path = format!("http://{}/api/v1/artifacts/{}", relay.address(), Digest::sha512_of(&bytes));
    let chunks: Vec<Vec<u8>> = bytes.chunks(PART).map(<[u8]>::to_vec).collect();
    std::thread::scope(|scope| {
        for (index, chunk) in chunks.iter().enumerate() {
            let (team, path) = (&team, &path);
            scope.spawn(move || {
                // A connection of its own each time, so that both replicas get some.
                let url = format!("{path}/parts/{index}");
                let answer = insist(&|| client().put(&url).bearer_auth(&team.token).body(chunk.clone()));
                assert_eq!(answer.status, 200, "{}", answer.text());
            });
        }
        std::thread::sleep(Duration::from_millis(60));
        victim.kill();
    });
    let url = format!("{path}/parts?count={}", chunks.len());
    let joined = insist(&|| client().post(&url).bearer_auth(&team.token));
    assert_eq!(joined.status, 200, "{}", joined.text());
    assert_eq!(
        team.ask(Method::GET, &format!("/api/v1/artifacts/{}", Digest::sha512_of(&bytes)), "").is(200).body,
        bytes
    );
    let other = pushing::files().tarball();
    let _arrived = team.put(&format!("/api/v1/artifacts/{}", Digest::sha512_of(&other)), other).is(200);
    assert_eq!(team.status(), "vetted");
}
