//! `mcpsec` behind something that spoils what the registry answers: status, type and body. It never crashes, and nothing that comes over
//! the wire makes an approval where nobody gave one.
use std::sync::{Arc, Mutex};

use mcpsec_testkit::{
    Loopback, Request, TestEnv,
    loopback::{Reply, Routes},
    mutation::{Numbers, mutate},
};
use reqwest::Method;

use crate::{
    pushing::{Answer, Team, ask},
    world::mcpsec,
};

/// Passes requests on to a server and spoils some answers.
struct Spoiler {
    target: String,
    numbers: Mutex<Numbers>,
    /// How many answers were changed.
    changed: Mutex<u64>,
}

impl Spoiler {
    fn pass(&self, request: &Request) -> Answer {
        let query = request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let url = format!("{}{}{query}", self.target, request.path);
        let kept = ["authorization", "accept", "content-type"];
        let headers: Vec<(&str, &str)> = request
            .headers
            .iter()
            .filter(|(name, _)| kept.contains(&name.to_ascii_lowercase().as_str()))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let method = Method::from_bytes(request.method.as_bytes()).expect("a method");
        ask(method, &url, &headers, request.body.clone())
    }
}

impl Routes for Spoiler {
    fn answer(&self, request: &Request, _base: &str) -> Reply {
        let answer = std::thread::scope(|scope| scope.spawn(|| self.pass(request)).join().expect("an answer"));
        let kind = answer.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
        let (mut status, mut kind, mut body) = (answer.status, kind, answer.body);
        let mut numbers = self.numbers.lock().expect("no panic");
        match numbers.below(8) {
            0 | 1 => return Reply::new(status, &kind, body),
            2 => status = [200, 201, 204, 206, 304, 400, 401, 403, 404, 409, 416, 422, 451][numbers.below(13)],
            3 => {
                kind = ["text/html", "application/json", "", "application/jsonl; charset=utf-16"][numbers.below(4)]
                    .to_owned()
            }
            _ => mutate(&mut body, &mut numbers),
        }
        *self.changed.lock().expect("no panic") += 1;
        Reply::new(status, &kind, body)
    }
}

fn storm(seeds: std::ops::Range<u64>) {
    let Some(team) = Team::new(&[]) else { return };
    // The log has approvals of this server, and one that takes them back: nobody approves it now.
    team.approve();
    team.revoke();
    let _pushed = team.put_lock("?request=1").is(200);
    let (mut changed, mut refused) = (0, 0);
    for seed in seeds.clone() {
        let spoiler = Arc::new(Spoiler {
            target: team.world.server.address().to_owned(),
            numbers: Mutex::new(Numbers::of(seed)),
            changed: Mutex::default(),
        });
        let front = Loopback::start(Arc::<Spoiler>::clone(&spoiler));
        // A laptop that knows nothing yet: whatever it learns comes over the wire.
        let mut laptop = TestEnv::new();
        laptop.set_binary(mcpsec());
        laptop.npm(&team.npm);
        laptop.set("MCPSEC_HTTP_RETRIES", "0");
        laptop.set("MCPSEC_TEAM_TOKEN", &team.token);
        for file in ["mcp.lock", "mcp-signers"] {
            laptop.write(file, team.env.read(file));
        }
        let toml = team.env.read("mcp.toml");
        let kept: Vec<&str> = toml.lines().filter(|line| !line.starts_with("approvals")).collect();
        let asked = "[policy]\napprovals = { required = 1, signers = \"mcp-signers\" }\n";
        let registry = format!("\n[team]\nregistry = \"{}\"\n", front.base());
        laptop.write("mcp.toml", format!("{}\n{registry}", kept.join("\n").replace("[policy]\n", asked)));
        for words in [&["verify"][..], &["push", "--request"], &["push"], &["approvals"]] {
            let output = laptop.mcpsec(words);
            let shown = format!("seed {seed}: {words:?} {:?}\n{}\n{}", output.code, output.stdout, output.stderr);
            assert!(matches!(output.code, Some(0..=3)) && !output.stderr.contains("panicked"), "{shown}");
            assert!(!output.stdout.chars().any(|c| c.is_control() && c != '\n'), "{shown}");
            if words == ["verify"] {
                assert_ne!(output.code, Some(0), "{shown}");
                refused += 1;
            }
        }
        changed += *spoiler.changed.lock().expect("no panic");
    }
    assert!(changed >= refused, "{changed} answers were changed for {refused} laptops: nothing was reached");
}

#[test]
fn no_answer_of_a_registry_makes_an_approval_or_a_crash() {
    storm(1..12);
}

#[test]
#[ignore = "long: some ten thousand runs of mcpsec"]
fn no_answer_of_many_makes_an_approval_or_a_crash() {
    storm(12..3000);
}
