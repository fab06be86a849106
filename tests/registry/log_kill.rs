//! `kill -9` at random moments while many append: what was acknowledged is there, and the log holds together.
use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use mcpsec_verify::approval::log::{Tree, leaf_hash};

use crate::{
    allowlist::Team,
    http::{client, try_ask},
    people::lines,
};

/// How many append at once.
const WRITERS: usize = 4;

#[test]
fn what_was_acknowledged_survives_ten_kills() {
    survive(10);
}

#[test]
#[ignore = "takes minutes; run by name before a release"]
fn what_was_acknowledged_survives_a_hundred_kills() {
    survive(100);
}

fn survive(kills: usize) {
    let mut team = Team::new();
    let acknowledged = Mutex::new(BTreeSet::new());
    let next = AtomicUsize::new(0);
    let mut broken = 0;
    for kill in 0..kills {
        let address = format!("{}/api/v1/approvals", team.world.server.address());
        let (dead, cut) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    let client = client();
                    while !dead.load(Ordering::Relaxed) {
                        let number = next.fetch_add(3, Ordering::Relaxed);
                        let batch: Vec<_> =
                            (number..number + 3).map(|number| team.bob.approves("files", number)).collect();
                        let request = client.post(&address).bearer_auth(&team.token).body(lines(&batch));
                        match try_ask(request) {
                            Ok(answer) if answer.status == 200 => {
                                let lines = batch.iter().map(|envelope| envelope.to_line());
                                acknowledged.lock().expect("no panic").extend(lines);
                            }
                            Ok(answer) => panic!("{}: {}", answer.status, answer.text()),
                            Err(_) => {
                                cut.fetch_add(1, Ordering::Relaxed);
                                break;
                            }
                        }
                    }
                });
            }
            // Spread over the time that a few appends take, another moment each time.
            std::thread::sleep(Duration::from_millis(15 + (kill as u64 * 37) % 120));
            // The process itself, while the writers hold the team.
            kill_process(team.world.server.id());
            dead.store(true, Ordering::Relaxed);
        });
        broken += cut.load(Ordering::Relaxed);
        team.world.restart();
        let log = team.log();
        let there: BTreeSet<&str> = log.lines().collect();
        assert_eq!(there.len(), log.lines().count(), "nothing is there twice");
        for line in acknowledged.lock().expect("no panic").iter() {
            assert!(there.contains(line.as_str()), "an acknowledged line is gone after kill {kill}");
        }
        assert_eq!(log.lines().count() % 3, 0, "a batch is there whole or not at all");
        let mut tree = Tree::default();
        log.lines().for_each(|line| tree.push(leaf_hash(line.as_bytes())));
        let head = team.head();
        assert_eq!((head.size, head.root), (tree.size(), tree.root()));
    }
    let acknowledged = acknowledged.into_inner().expect("no panic").len();
    assert!(acknowledged > kills && broken > 0, "{acknowledged} acknowledged, {broken} cut off: the kills hit nothing");
    #[expect(clippy::print_stdout, reason = "what a long run measured")]
    {
        println!("{kills} kills, {acknowledged} lines acknowledged, {broken} requests cut off, nothing lost");
    }
}

fn kill_process(id: u32) {
    let kill = mcpsec_testkit::program::find("kill").expect("`kill` is on PATH");
    let done = mcpsec_testkit::program::run(&kill, &["-9".to_owned(), id.to_string()], &[]);
    assert_eq!(done.code, Some(0));
}
