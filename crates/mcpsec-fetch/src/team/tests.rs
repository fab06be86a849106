//! The copy of a log and the transfer of its entries, without anybody who judges them.
use std::{path::Path, sync::Arc, time::Duration};

use mcpsec_model::{digest::Digest, team::TeamKey, time::Timestamp};
use mcpsec_testkit::{
    Fault, Loopback, Request,
    loopback::{Reply, Routes},
};

use super::*;
use crate::http::{HttpOptions, Network};

fn key() -> TeamKey {
    "mcp.example.test+550f7ac0+AQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH".parse().expect("key")
}

/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(60);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("instant")
}

fn topic(name: &str) -> Topic {
    Topic::of(&name.parse().expect("name"))
}

/// One entry about `server-N`, with as many hashes as anybody says.
fn add(copies: &Copies, number: usize) {
    let mut writer = copies.writer(&key(), PATIENCE).expect("writer");
    assert_eq!(writer.size(), number as u64);
    let block = entries::block_of(format!("line {number}\n").as_bytes());
    writer.stage(&block, &[topic(&format!("server-{number}"))]).expect("staged");
    let hash = [u8::try_from(number).expect("small"); 32];
    writer.commit(&[hash], &format!("head {number}"), at(number as i64)).expect("committed");
}

#[test]
fn a_copy_grows_and_is_read_by_server() {
    let store = tempfile::tempdir().expect("folder");
    let copies = Copies::new(store.path());
    assert!(copies.open(&key()).is_none() && copies.remembered(&key()).is_none());
    for number in 0..5 {
        add(&copies, number);
        let copy = copies.open(&key()).expect("copy");
        assert_eq!((copy.size(), copy.kept().head), (number as u64 + 1, format!("head {number}")));
        let found = copy.about(topic(&format!("server-{number}"))).expect("entries");
        assert_eq!(found, [(number as u64, format!("line {number}").into_bytes())]);
        assert!(copy.about(topic("nobody")).expect("entries").is_empty());
        assert_eq!(copy.hashes(&[number as u64]), Some(vec![[u8::try_from(number).expect("small"); 32]]));
        assert_eq!(copy.hashes(&[number as u64 + 1]), None);
    }
    let copy = copies.open(&key()).expect("copy");
    assert_eq!(copy.lines(1, 3).expect("lines"), b"line 1\nline 2\nline 3\n");
    assert_eq!(copy.lines(4, 100).expect("lines"), b"line 4\n");
    assert_eq!(copy.all_hashes().expect("hashes").len(), 5);
}

/// A writer that dies at any moment leaves what was committed: every file is cut or filled with something at every length behind it.
#[test]
fn what_was_not_committed_is_not_there() {
    let store = tempfile::tempdir().expect("folder");
    let copies = Copies::new(store.path());
    add(&copies, 0);
    {
        let mut writer = copies.writer(&key(), PATIENCE).expect("writer");
        let block = entries::block_of(b"lost 1\nlost 2\n");
        writer.stage(&block, &[topic("a"), topic("b")]).expect("staged");
        std::mem::forget(writer);
    }
    let folder = copies.folder(&key());
    for name in ["lines", "hashes", "index"] {
        use std::io::Write as _;
        let mut file = std::fs::OpenOptions::new().append(true).open(folder.join(name)).expect("file");
        file.write_all(b"torn").expect("written");
    }
    let copy = copies.open(&key()).expect("copy");
    assert_eq!((copy.size(), copy.lines(0, 9).expect("lines")), (1, b"line 0\n".to_vec()));
    drop(copy);
    // The lock of a process that is gone is free; here it still holds it in this one, so a fresh handle stands for the next.
    std::fs::remove_file(store.path().join("team").join(format!("{}.lock", folder_name(&folder)))).expect("lock");
    add(&copies, 1);
    let copy = copies.open(&key()).expect("copy");
    assert_eq!(copy.lines(0, 9).expect("lines"), b"line 0\nline 1\n");
    for name in ["lines", "hashes", "index", "state"] {
        let path = folder.join(name);
        let good = std::fs::read(&path).expect("bytes");
        let file = std::fs::OpenOptions::new().write(true).open(&path).expect("file");
        file.set_len(good.len() as u64 - 1).expect("cut");
        assert!(copies.open(&key()).is_none(), "{name}");
        let remembered = copies.remembered(&key()).map(|kept| kept.size);
        assert_eq!(remembered, (name != "state").then_some(2), "{name}");
        let mut writer = copies.writer(&key(), PATIENCE).expect("writer");
        assert_eq!(writer.size(), 0, "{name}: all of it comes anew");
        writer.stage(&entries::block_of(b"line 0\nline 1\n"), &[topic("a"), topic("b")]).expect("staged");
        writer.commit(&[[0; 32], [1; 32]], "head 1", at(1)).expect("committed");
    }
    assert_eq!(copies.open(&key()).map(|copy| copy.size()), Some(2));
}

/// Whoever fetches a whole log takes minutes; nobody else waits for that without an end, and readers not at all.
#[test]
fn a_writer_that_takes_long_is_not_waited_for_for_ever() {
    let store = tempfile::tempdir().expect("folder");
    let copies = Copies::new(store.path());
    add(&copies, 0);
    let writer = copies.writer(&key(), PATIENCE).expect("writer");
    let busy = copies.writer(&key(), Duration::from_millis(120)).expect_err("the other one writes");
    assert!(matches!(busy, TeamError::Busy { .. }), "{busy}");
    assert_eq!(copies.open(&key()).map(|copy| copy.size()), Some(1));
    drop(writer);
    add(&copies, 1);
}

fn folder_name(folder: &Path) -> String {
    folder.file_name().expect("name").to_string_lossy().into_owned()
}

#[test]
fn writers_take_turns_and_readers_see_whole_states() {
    let store = tempfile::tempdir().expect("folder");
    let copies = Copies::new(store.path());
    add(&copies, 0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let mut writer = copies.writer(&key(), PATIENCE).expect("writer");
                    let number = writer.size();
                    let block = entries::block_of(format!("line {number}\n").as_bytes());
                    writer.stage(&block, &[topic("s")]).expect("staged");
                    writer
                        .commit(
                            &[Digest::sha256_of(&number.to_le_bytes()).as_bytes().try_into().expect("32")],
                            "head",
                            at(0),
                        )
                        .expect("commit");
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..200 {
                let copy = copies.open(&key()).expect("a whole copy at any moment");
                let lines = copy.lines(0, 100).expect("lines");
                assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count() as u64, copy.size());
            }
        });
    });
    assert_eq!(copies.open(&key()).map(|copy| copy.size()), Some(41));
}

#[test]
fn the_first_key_of_an_address_is_remembered() {
    let store = tempfile::tempdir().expect("folder");
    let copies = Copies::new(store.path());
    let (one, other) = ("https://a.example.test".parse().expect("url"), "https://b.example.test".parse().expect("url"));
    assert_eq!(copies.first_key(&one), None);
    copies.remember_key(&one, &key()).expect("kept");
    assert_eq!((copies.first_key(&one), copies.first_key(&other)), (Some(key()), None));
}

/// Entries `0..count`, the range as asked.
struct Log(u64);

impl Routes for Log {
    fn answer(&self, request: &Request, _base: &str) -> Reply {
        let query = request.query.clone().unwrap_or_default();
        let number = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.parse::<u64>().ok());
        let (since, until) = (number("since=").unwrap_or(0), number("until=").unwrap_or(self.0));
        let lines: String = (since..until).map(|entry| format!("entry number {entry}\n")).collect();
        Reply::new(200, "application/jsonl", lines)
    }
}

fn network(retries: usize) -> Network {
    // Another test of this process may have been first.
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let options = HttpOptions {
        user_agent: "test".to_owned(),
        retries,
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(5),
        metadata_concurrency: 4,
    };
    Network::new(options).expect("network")
}

async fn all(client: &LogClient, since: u64, until: u64) -> Result<Vec<u8>, TeamError> {
    let mut entries = client.entries(since, until);
    let mut bytes = Vec::new();
    while let Some(block) = entries.next().await? {
        bytes.extend_from_slice(block.bytes());
    }
    Ok(bytes)
}

#[tokio::test]
async fn a_transfer_that_breaks_off_goes_on_where_it_was() {
    let site = Loopback::start(Arc::new(Log(5000)));
    let client = LogClient::new(network(3), site.base().parse().expect("url"), None);
    let wanted: Vec<u8> = (10..5000).flat_map(|entry| format!("entry number {entry}\n").into_bytes()).collect();
    assert_eq!(all(&client, 10, 5000).await.expect("entries"), wanted);
    for fault in [
        Fault::ResetAfter { after: 40_000 },
        Fault::Truncate { after: 777 },
        Fault::Shorten { by: 5 },
        Fault::Status(503),
    ] {
        site.inject(fault.clone().on("*").times(2));
        site.clear_log();
        assert_eq!(all(&client, 10, 5000).await.expect("entries"), wanted, "{fault:?}");
        assert_eq!(site.requests().len(), 3, "{fault:?}");
    }
    site.inject(Fault::Shorten { by: 5 });
    let error = all(&client, 10, 5000).await.expect_err("never whole");
    assert!(error.is_unreachable(), "{error}");
}

#[tokio::test]
async fn more_than_was_asked_for_is_refused_however_it_is_packed() {
    let site = Loopback::start(Arc::new(Log(100)));
    let client = LogClient::new(network(0), site.base().parse().expect("url"), None);
    let refused = async |fault: Fault| {
        site.heal();
        site.inject(fault);
        all(&client, 0, 100).await.expect_err("refused").to_string()
    };
    let jsonl =
        |body: &str| Fault::Replace { content_type: "application/jsonl".to_owned(), body: body.to_owned().into() };
    assert!(refused(jsonl(&"x\n".repeat(101))).await.contains("sent more than the 100 entries"));
    assert!(refused(jsonl(&"x".repeat(70_000))).await.contains("entry 0 is longer than an entry can be"));
    assert!(refused(Fault::Enormous { bytes: 1 << 40, declared: false }).await.contains("application/json"));
    assert!(refused(Fault::GzipBomb { bytes: 1 << 34 }).await.contains("application/json"));
    assert!(refused(jsonl("x\n\ny\n")).await.contains("entry 1 is empty"));
    let away = Fault::RedirectTo { status: 307, origin: "http://127.0.0.1:9".to_owned() };
    assert!(refused(away).await.contains("a team's registry answers itself"));
}

#[test]
fn a_bomb_is_cut_off_while_it_is_unpacked() {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..200 {
        packed.write_all(&vec![b'x'; 1 << 20]).expect("packed");
    }
    let packed = packed.finish().expect("packed");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    struct Bomb(Vec<u8>);
    impl Routes for Bomb {
        fn answer(&self, _request: &Request, _base: &str) -> Reply {
            Reply::new(200, "application/jsonl", self.0.clone()).header("content-encoding", "gzip")
        }
    }
    let site = Loopback::start(Arc::new(Bomb(packed)));
    runtime.block_on(async {
        let client = LogClient::new(network(0), site.base().parse().expect("url"), None);
        let error = all(&client, 0, 100).await.expect_err("refused").to_string();
        assert!(error.contains("entry 0 is longer than an entry can be"), "{error}");
    });
}
