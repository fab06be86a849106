//! Whatever single byte of a lock is changed, removed or doubled: it is refused, or it means the same lock.
use super::samples;
use crate::lock::Lock;

fn check(original: &Lock, bytes: &[u8], what: &str) {
    if let Ok(read) = Lock::parse_bytes(bytes, "mcp.lock") {
        assert_eq!(&read, original, "{what} made another lock");
    }
}

#[test]
fn no_single_byte_edit_makes_another_lock() {
    for lock in [samples::team(), samples::locked(vec![samples::pypi()])] {
        let text = lock.to_text().into_bytes();
        for at in 0..text.len() {
            let mut edited = text.clone();
            for byte in [text[at] ^ 1, text[at] ^ 0x20, b'0', b'"', b'\n', b' ', b'#', 0xff] {
                if byte != text[at] {
                    edited[at] = byte;
                    check(&lock, &edited, &format!("byte {at} as {byte:#x}"));
                }
            }
            let removed = [&text[..at], &text[at + 1..]].concat();
            check(&lock, &removed, &format!("without byte {at}"));
            let doubled = [&text[..=at], &text[at..]].concat();
            check(&lock, &doubled, &format!("byte {at} doubled"));
        }
    }
}

#[test]
fn no_prefix_and_no_lost_line_makes_another_lock() {
    let mut lock = samples::locked(vec![samples::npm(), samples::git()]);
    lock.team = Some(samples::pinned(7));
    let text = lock.to_text();
    for at in 0..text.len() {
        assert!(Lock::parse_bytes(&text.as_bytes()[..at], "mcp.lock").is_err(), "prefix of {at} bytes");
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for lost in 0..lines.len() {
        let rest: String = lines.iter().enumerate().filter(|(i, _)| *i != lost).map(|(_, line)| *line).collect();
        assert!(Lock::parse(&rest, "mcp.lock").is_err(), "without line {}", lost + 1);
        let mut swapped = lines.clone();
        swapped.swap(lost, (lost + 1) % lines.len());
        check(&lock, swapped.concat().as_bytes(), &format!("lines {} and next swapped", lost + 1));
    }
}
