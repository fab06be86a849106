//! Golden files: the text of version 1 is frozen, in both directions.
use super::{files, refusals, samples, testdata};
use crate::lock::Lock;

#[test]
fn version_1_reads_and_writes_as_it_always_did() {
    let found = files("v1");
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let goldens = samples::goldens();
    assert_eq!(names, goldens.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for ((name, lock), (_, bytes)) in goldens.iter().zip(&found) {
        let read = Lock::parse_bytes(bytes, "mcp.lock").unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(&read, lock, "{name}");
        assert_eq!(lock.to_text().as_bytes(), bytes, "{name}");
    }
}

#[test]
fn windows_line_ends_read_as_the_same_lock() {
    for (name, lock) in samples::goldens() {
        let text = lock.to_text().replace('\n', "\r\n");
        assert_eq!(Lock::parse(&text, "mcp.lock"), Ok(lock), "{name}");
    }
}

#[test]
fn order_of_adding_does_not_show() {
    let (a, b) =
        (vec![samples::npm(), samples::pypi(), samples::git()], vec![samples::git(), samples::pypi(), samples::npm()]);
    assert_eq!(samples::locked(a).to_text(), samples::locked(b).to_text());
}

#[test]
fn nothing_in_a_lock_is_hidden() {
    for (name, lock) in samples::goldens() {
        let hidden = lock.to_text().chars().find(|c| *c != '\n' && crate::text::is_hidden(*c));
        assert_eq!(hidden, None, "{name}");
    }
}

/// Run by hand after a change of the samples: `cargo test -p mcpsec-model write_test_locks -- --ignored`. A change of what
/// is already there is a change of the format.
#[test]
#[ignore = "writes testdata/locks"]
#[expect(clippy::disallowed_methods, reason = "test data is written by hand-started runs only, and reviewed")]
fn write_test_locks() {
    for (name, lock) in samples::goldens() {
        std::fs::create_dir_all(testdata("v1")).expect("folder");
        std::fs::write(testdata("v1").join(format!("{name}.lock")), lock.to_text()).expect("write");
    }
    for (name, bytes) in refusals::cases() {
        std::fs::create_dir_all(testdata("reject")).expect("folder");
        std::fs::write(testdata("reject").join(format!("{name}.lock")), bytes).expect("write");
    }
}
