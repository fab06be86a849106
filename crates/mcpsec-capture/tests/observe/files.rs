//! Files, canaries and programs.
use mcpsec_capture::observe::Reach;
use mcpsec_model::text::Untrusted;

use crate::stage::{Stage, node};

fn texts(set: &std::collections::BTreeSet<Untrusted>) -> Vec<&str> {
    set.iter().map(Untrusted::raw).collect()
}

#[test]
fn canaries_that_are_read_are_told() {
    for reach in [Reach::Own, Reach::Shared] {
        let script = "
import os, mmap
os.listdir('.ssh'); os.stat('.ssh/id_ed25519'); list(os.scandir('.aws')); os.path.getsize('.netrc')
fd = os.open('.kube/config', os.O_PATH); os.close(fd)
os.link('.npmrc', 'harmless'); open('harmless').read()
os.symlink('.env', 'other'); f = os.open('other', os.O_RDONLY); mmap.mmap(f, 0, prot=mmap.PROT_READ)[:]
os.chdir('.docker'); open('../.docker/config.json').read(1)
";
        let Some(outcome) = Stage::new(reach).with_canaries().python(script) else { return };
        assert_eq!(texts(&outcome.observed.canaries), ["~/.docker/config.json", "~/.env", "~/.npmrc"], "{reach:?}");
        assert!(!outcome.observed.incomplete);
        assert!(outcome.observed.files.iter().any(|path| path.raw() == "~/.docker/config.json"));
    }
}

#[test]
fn canaries_are_seen_without_watching_opens() {
    let mut stage = Stage::new(Reach::Own).with_canaries();
    stage.watch.opens = false;
    let Some(outcome) = stage.python("open('.ssh/id_ed25519').read(); os = __import__('os'); os.path.exists('/etc/shadow') and os.close(os.open('/etc/shadow', os.O_PATH))") else { return };
    assert_eq!(texts(&outcome.observed.canaries), ["~/.ssh/id_ed25519"]);
    assert!(outcome.observed.files.is_empty());
}

#[test]
fn files_outside_are_told_with_the_way_they_were_named() {
    let script = "
import os
def go(what, *args):
    try: what(*args)
    except OSError: pass
go(open, '/root/.ssh/id_rsa')
go(open, '.ssh/../.gnupg/secring.gpg')
go(open, '/home/other/.env')
fd = os.open('/', os.O_RDONLY | os.O_DIRECTORY)
go(lambda: os.open('etc/shadow', os.O_RDONLY, dir_fd=fd))
go(open, '/usr/bin/planted', 'w')
go(os.unlink, '/srv/precious'); go(os.rename, '/srv/a', '/tmp/b'); go(os.rmdir, '/var/spool/x')
open('mine', 'w').write('x'); os.rename('mine', 'still'); os.unlink('still')
go(open, '/proc/1/environ')
";
    let Some(outcome) = Stage::new(Reach::Own).python(script) else { return };
    let expected = [
        "/etc/shadow",
        "/home/other/.env",
        "/proc/1/environ",
        "/root/.ssh/id_rsa",
        "/srv/a",
        "/srv/precious",
        "/usr/bin/planted",
        "/var/spool/x",
        "~/.gnupg/secring.gpg",
    ];
    assert_eq!(texts(&outcome.observed.files), expected);
}

#[test]
fn programs_are_told_with_their_arguments() {
    let script = "
import subprocess, os
subprocess.run(['/bin/sh', '-c', 'exit 3', 'zero', 'five', 'six'])
try: subprocess.run(['no-such-downloader', 'http://x.invalid'])
except FileNotFoundError: pass
if os.fork() == 0: os.execv('/bin/true', ['true', 'a' * 5000])
os.wait()
";
    let Some(outcome) = Stage::new(Reach::Own).python(script) else { return };
    let long = format!("/bin/true {}", "a".repeat(120));
    assert_eq!(
        texts(&outcome.observed.programs),
        ["/bin/sh -c exit 3 zero", &long, "no-such-downloader http://x.invalid"]
    );
}

#[test]
fn plain_programs_are_told_nothing_of() {
    for reach in [Reach::Own, Reach::Shared] {
        let Some(outcome) = Stage::new(reach)
            .with_canaries()
            .python("import json, threading; t = threading.Thread(target=print, args=('hi',)); t.start(); t.join()")
        else {
            return;
        };
        assert_eq!(outcome.said, "hi\n");
        assert!(outcome.observed.is_empty(), "{reach:?} {:?}", outcome.observed);
        let Some(node) = node() else { return };
        let outcome = Stage::new(reach).with_canaries().run(&node, &["-e", "setTimeout(() => console.log('hi'), 5)"]);
        assert_eq!(outcome.said, "hi\n");
        assert!(outcome.observed.is_empty(), "{reach:?} {:?}", outcome.observed);
    }
}

#[test]
fn a_flood_ends_and_is_said_to_be_one() {
    let script = "
import os
for n in range(3000):
    try: os.unlink('/srv/%d' % n)
    except OSError: pass
print('end')
";
    let Some(outcome) = Stage::new(Reach::Own).python(script) else { return };
    assert_eq!(outcome.said, "end\n");
    assert_eq!((outcome.observed.files.len(), outcome.observed.incomplete), (1000, true));
}

/// Not a test: what watching opens costs. `cargo test … -- --ignored --nocapture cost`
#[test]
#[ignore = "a measurement"]
fn cost_of_watching_opens() {
    let script = "
import time, os
best = 9
for _ in range(10):
    begun = time.perf_counter()
    for _ in range(1000): os.close(os.open('/usr/bin/env', 0))
    best = min(best, time.perf_counter() - begun)
print('%.1f us an open' % (best * 1000))
";
    for opens in [false, true, false, true] {
        let mut stage = Stage::new(Reach::Own);
        stage.watch.opens = opens;
        let Some(outcome) = stage.python(script) else { return };
        println!("opens watched: {opens}: {}", outcome.said.trim());
    }
    let Some(node) = node() else { return };
    for opens in [false, true, false, true] {
        let (mut best, mut processor) = (std::time::Duration::MAX, String::new());
        for _ in 0..8 {
            let mut stage = Stage::new(Reach::Own);
            stage.watch.opens = opens;
            let script = "const u = process.cpuUsage(); console.log((u.user + u.system) / 1000)";
            let outcome = stage.run(&node, &["-e", script]);
            if outcome.took < best {
                (best, processor) = (outcome.took, outcome.said);
            }
        }
        println!("node, opens watched: {opens}: {best:?}, processor {} ms", processor.trim());
    }
}
