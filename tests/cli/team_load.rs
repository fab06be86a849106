//! How long 100,000 approvals take a client: `benches/compare/allowlist.sh` runs this with optimisation.
use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use mcpsec_model::{
    approval::{Reviewer, Revocation, Statement, head::Head},
    digest::ApprovalId,
};
use mcpsec_testkit::{
    Loopback, Request, TestEnv,
    loopback::{Reply, Routes},
};
use mcpsec_verify::approval::{
    Key,
    log::{LogSigner, Tree, leaf_hash},
};

use crate::team_log::{ORIGIN, from_now, signer};

/// A log that is served from memory without a copy: two heads, one after the other, and what is asked for after each.
struct Large {
    head: Mutex<String>,
    answers: Mutex<Vec<Vec<u8>>>,
    key: String,
}

impl Routes for Large {
    fn answer(&self, request: &Request, _base: &str) -> Reply {
        match request.path.as_str() {
            "/api/v1/approvals/head" => Reply::new(200, "text/plain", self.head.lock().expect("head").clone()),
            "/api/v1/log-key" => Reply::new(200, "text/plain", self.key.clone()),
            "/api/v1/approvals" => {
                let next = self.answers.lock().expect("answers").pop();
                Reply::new(200, "application/jsonl", next.expect("asked once for each head"))
            }
            _ => Reply::not_found(),
        }
    }
}

#[test]
#[ignore = "a measurement: benches/compare/allowlist.sh"]
fn an_allowlist_of_100_000() {
    const SIZE: usize = 100_000;
    let key = Key::parse(&LogSigner::generate().expect("key")).expect("key");
    let (mut lines, mut more, mut tree) = (Vec::new(), Vec::new(), Tree::default());
    let mut roots = Vec::new();
    for number in 0..=SIZE {
        let statement = Statement::Revocation(Box::new(Revocation {
            approval: ApprovalId::of(number.to_string().as_bytes()),
            server: format!("server-{}", number / 20).parse().expect("name"),
            reviewer: Reviewer { name: "grace".to_owned(), key: key.public().fingerprint() },
            reason: "as long as an approval with its summary is ".repeat(23),
            issued: "2026-01-01T00:00:00Z".parse().expect("instant"),
        }));
        let line = key.sign(&statement).expect("signed").to_line();
        tree.push(leaf_hash(line.as_bytes()));
        let to = if number < SIZE { &mut lines } else { &mut more };
        to.extend_from_slice(line.as_bytes());
        to.push(b'\n');
        if number + 1 >= SIZE {
            roots.push((number as u64 + 1, tree.root()));
        }
    }
    let signer = signer(ORIGIN);
    let expires = from_now(7 * 24 * 3600);
    let heads = roots.into_iter().map(|(size, root)| {
        signer.sign(Head { origin: signer.key().origin().clone(), size, root, expires }).to_string()
    });
    let heads: Vec<String> = heads.collect();
    let mib = lines.len() >> 20;
    let large = Arc::new(Large {
        head: Mutex::new(heads[0].clone()),
        answers: Mutex::new(vec![more, lines]),
        key: signer.key().to_string(),
    });
    let site = Loopback::start(Arc::clone(&large) as Arc<dyn Routes>);
    let env = TestEnv::new();
    env.write("mcp-signers", "");
    env.write("mcp.toml", format!("[team]\nregistry = \"{}\"\n", site.base()));
    let timed = |what: &str| {
        let start = Instant::now();
        let _listed = env.mcpsec(["approvals"]).success();
        println!("{what}: {:.0} ms", start.elapsed().as_secs_f64() * 1000.0);
    };
    println!("{SIZE} entries, {mib} MiB");
    timed("first sync");
    timed("nothing new");
    heads[1].clone_into(&mut large.head.lock().expect("head"));
    timed("one entry more");
}
