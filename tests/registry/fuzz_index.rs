//! An index (PEP 691) that the server asks when it fetches what a lock lacks: pages that lead elsewhere, and pages changed byte by byte.
//! Nobody is asked whom the operator did not name, and nothing arrives but what the lock pins.
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use mcpsec_testkit::{
    Loopback, Request,
    loopback::{Reply, Routes},
    mutation::{Numbers, mutated},
    wheel,
};
use serde_json::{Value, json};

use crate::mirror_world::{Mirror, Packed, lock, packed};

/// A page for whoever asks, and the bytes of one file.
#[derive(Default)]
struct Index {
    page: Mutex<Vec<u8>>,
    file: Mutex<Vec<u8>>,
}

impl Routes for Index {
    fn answer(&self, request: &Request, _base: &str) -> Reply {
        let (kind, body) = match request.path.starts_with("/simple/") {
            true => ("application/vnd.pypi.simple.v1+json", &self.page),
            false => ("application/octet-stream", &self.file),
        };
        Reply::new(200, kind, body.lock().expect("no panic").clone())
    }
}

struct World {
    mirror: Mirror,
    index: Arc<Index>,
    upstream: Loopback,
    /// Must not be asked.
    trap: Loopback,
    asked: u64,
}

impl World {
    fn new() -> Self {
        let [index, elsewhere] = [Arc::new(Index::default()), Arc::new(Index::default())];
        let (upstream, trap) = (Loopback::start(Arc::<Index>::clone(&index)), Loopback::start(elsewhere));
        let (base, host) = (format!("{}/simple/", upstream.base()), format!("127.0.0.1:{}", upstream.port()));
        let mirror =
            Mirror::with(&["--pull-through-pypi", &base, "--pull-through-private-hosts", &host, "--limits-rate", "0"]);
        Self { mirror, index, upstream, trap, asked: 0 }
    }

    /// Has a file fetched that nobody asked for before: whether it arrived. `page` makes the index's page from its name.
    fn pull(&mut self, page: impl FnOnce(&str) -> Vec<u8>) -> bool {
        self.asked += 1;
        let name = format!("pulled-{}", self.asked);
        let file: Packed = packed(&format!("pypi:{name}@1.0"), &wheel(&name, "1.0"));
        *self.index.page.lock().expect("no panic") = page(&file.file);
        self.index.file.lock().expect("no panic").clone_from(&file.bytes);
        self.mirror.push_lock(&lock(&name, std::slice::from_ref(&file)), "?request=1&fetch=1");
        let path = format!("/api/v1/artifacts/{}", file.digest());
        let start = Instant::now();
        loop {
            let answer = self.mirror.get_with(&path, &[("Authorization", &self.mirror.bearer())]);
            if answer.status == 200 {
                assert!(answer.body == file.bytes, "other bytes than the lock pins");
                return true;
            }
            let said = self.mirror.world.server.errors();
            if said.lines().any(|line| line.contains("pull-file") && line.contains(&file.digest().to_string())) {
                return false;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "nothing became of it: {said}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A page that has this file at this address.
    fn at(&self, file: &str, url: &str) -> Value {
        json!({ "meta": { "api-version": "1.1" }, "name": "x", "files": [
            { "filename": "other.tar.gz", "url": format!("{}/files/other.tar.gz", self.trap.base()), "hashes": {} },
            { "filename": file, "url": url, "hashes": { "sha256": "00" }, "requires-python": ">=3.8" },
        ]})
    }

    fn unharmed(&self) {
        assert_eq!(self.trap.requests().len(), 0, "{:?}", self.trap.requests());
        let said = self.mirror.world.server.errors();
        assert!(!said.contains("panicked"), "{said}");
        assert_eq!(self.mirror.get("/healthz").status, 200);
    }
}

#[test]
fn an_index_that_leads_elsewhere_is_not_followed() {
    let mut world = World::new();
    let (base, trap) = (world.upstream.base().to_owned(), world.trap.base().to_owned());
    let beside = trap.trim_start_matches("http:").to_owned();
    for url in [
        format!("{trap}/files/x.whl"),
        format!("{beside}/files/x.whl"),
        format!("{}@{}/x", base, trap.trim_start_matches("http://")),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://localhost/x.whl".to_owned(),
        "http://[::1]/x.whl".to_owned(),
        "file:///etc/passwd".to_owned(),
        "data:application/octet-stream,x".to_owned(),
        "ftp://127.0.0.1/x.whl".to_owned(),
        "http://".to_owned(),
    ] {
        let page = |file: &str| world.at(file, &url).to_string().into_bytes();
        let page = page("FILE");
        let text = String::from_utf8(page).expect("JSON");
        assert!(!world.pull(|file| text.replace("FILE", file).into_bytes()), "{url}");
    }
    let deep = "[".repeat(200_000).into_bytes();
    for page in [Vec::new(), b"<html>".to_vec(), b"{\"files\":{}}".to_vec(), deep, vec![b' '; 17 << 20]] {
        assert!(!world.pull(|_| page));
    }
    world.unharmed();
    let text = world.at("FILE", "../../files/FILE").to_string();
    assert!(world.pull(|file| text.replace("FILE", file).into_bytes()), "an honest page, with an address beside it");
}

fn storm(seeds: std::ops::Range<u64>) {
    let (mut arrived, mut all) = (0, 0);
    let mut world = World::new();
    for seed in seeds {
        if world.asked == 200 {
            world.unharmed();
            world = World::new();
        }
        let mut numbers = Numbers::of(seed);
        let text = world.at("FILE", &format!("{}/files/FILE", world.upstream.base())).to_string();
        arrived += u64::from(world.pull(|file| mutated(text.replace("FILE", file).as_bytes(), &mut numbers)));
        all += 1;
    }
    world.unharmed();
    assert!(arrived > 0 && arrived < all, "{arrived} of {all} arrived: the changes do not bite");
}

#[test]
fn pages_that_were_changed_bring_what_the_lock_pins_or_nothing() {
    storm(1..40);
}

#[test]
#[ignore = "long: some ten thousand pages"]
fn many_pages_that_were_changed_bring_what_the_lock_pins_or_nothing() {
    storm(40..15_000);
}
