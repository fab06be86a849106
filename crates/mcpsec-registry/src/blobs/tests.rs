//! The store of a folder: what is kept, what is refused, what is swept.
use std::convert::Infallible;

use futures::stream;
use mcpsec_model::{digest::Digest, time::Timestamp};

use super::{BlobError, Blobs, PART, Upload, name};

fn store() -> (tempfile::TempDir, Blobs) {
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::open(None, folder.path()).expect("a store");
    (folder, blobs)
}

fn body(chunks: &[&[u8]]) -> impl futures::Stream<Item = Result<bytes::Bytes, Infallible>> {
    stream::iter(chunks.iter().map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk))).collect::<Vec<_>>())
}

async fn read(blobs: &Blobs, bytes: &[u8]) -> Result<Vec<u8>, BlobError> {
    let size = bytes.len() as u64;
    let body = blobs.read(&Digest::sha256_of(bytes), 0..size, size).await?;
    Ok(axum::body::to_bytes(body, usize::MAX).await.expect("a body").to_vec())
}

#[tokio::test]
async fn what_is_kept_is_read_again_and_hashed_three_ways() {
    let (folder, blobs) = store();
    for bytes in [b"".to_vec(), b"abc".to_vec(), vec![7; 3 << 20]] {
        let arrived = blobs.receive(body(&[&bytes]), 4 << 20).await.expect("room").expect("whole");
        assert_eq!(arrived.sha256, Digest::sha256_of(&bytes));
        assert_eq!(arrived.sha512, Digest::sha512_of(&bytes));
        assert_eq!(arrived.size, bytes.len() as u64);
        blobs.keep(arrived).await.expect("kept");
        assert_eq!(read(&blobs, &bytes).await.expect("read"), bytes);
    }
    let abc = blobs.receive(body(&[b"a", b"bc"]), 3).await.expect("room").expect("whole");
    assert_eq!(abc.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
    drop(abc);
    assert_eq!(std::fs::read_dir(folder.path().join("blobs/incoming")).expect("a folder").count(), 0);
}

#[tokio::test]
async fn a_body_that_is_too_long_leaves_nothing() {
    let (folder, blobs) = store();
    let refused = blobs.receive(body(&[b"ab", b"cd"]), 3).await.expect_err("too long");
    assert!(matches!(refused, BlobError::TooLong(3)), "{refused}");
    assert_eq!(std::fs::read_dir(folder.path().join("blobs/incoming")).expect("a folder").count(), 0);
}

#[tokio::test]
async fn damaged_and_lost_blobs_are_told_apart_and_never_served_from_memory() {
    let (folder, blobs) = store();
    let keep = async |bytes: &'static [u8]| {
        let arrived = blobs.receive(body(&[bytes]), 100).await.expect("room").expect("whole");
        blobs.keep(arrived).await.expect("kept");
        folder.path().join("blobs").join(name(&Digest::sha256_of(bytes)))
    };
    let path = keep(b"precious").await;
    std::fs::remove_file(&path).expect("there");
    assert!(matches!(read(&blobs, b"precious").await, Err(BlobError::Missing(_))));
    #[expect(clippy::disallowed_methods, reason = "damage on purpose")]
    std::fs::write(&path, b"worthless").expect("a file");
    assert!(matches!(read(&blobs, b"precious").await, Err(BlobError::Damaged(_))));
    // Of the same length, as a disk damages it.
    #[expect(clippy::disallowed_methods, reason = "damage on purpose")]
    std::fs::write(&path, b"precioux").expect("a file");
    assert!(matches!(read(&blobs, b"precious").await, Err(BlobError::Damaged(_))));
    #[expect(clippy::disallowed_methods, reason = "damage on purpose")]
    std::fs::write(&path, b"short").expect("a file");
    // Another push of it mends what is shorter or longer.
    let _mended = keep(b"precious").await;
    assert_eq!(read(&blobs, b"precious").await.expect("read"), b"precious");
}

/// A large one is streamed; that it is cut off must show before a byte of it is sent.
#[tokio::test]
async fn a_large_blob_that_was_cut_off_is_lost() {
    let (folder, blobs) = store();
    let bytes = vec![7; 1 << 20];
    let arrived = blobs.receive(body(&[&bytes]), 2 << 20).await.expect("room").expect("whole");
    blobs.keep(arrived).await.expect("kept");
    let path = folder.path().join("blobs").join(name(&Digest::sha256_of(&bytes)));
    std::fs::File::options().write(true).open(path).and_then(|file| file.set_len(1000)).expect("cut");
    assert!(matches!(read(&blobs, &bytes).await, Err(BlobError::Missing(_))));
}

#[tokio::test]
async fn parts_are_joined_in_order_and_belong_to_who_sent_them() {
    let (_folder, blobs) = store();
    let whole = [vec![1; 8 << 20], vec![2; 5]].concat();
    let digest = Digest::sha512_of(&whole);
    let (mine, theirs) = (Upload::new(&digest, "token:a"), Upload::new(&digest, "token:b"));
    assert!(blobs.put_part(&mine, 1, body(&[&[2; 5]]), 5).await.expect("room"));
    assert!(matches!(blobs.join(&mine, 2).await, Ok(Err(0))), "the first is missing");
    assert!(blobs.put_part(&mine, 0, body(&[&whole[..8 << 20]]), PART).await.expect("room"));
    assert!(blobs.put_part(&theirs, 0, body(&[b"spoiled"]), 7).await.expect("room"));
    assert!(!blobs.put_part(&mine, 2, body(&[b"short"]), 9).await.expect("room"), "less than announced");
    assert!(matches!(blobs.put_part(&mine, 2, body(&[b"longer"]), 3).await, Err(BlobError::TooLong(3))));
    assert_eq!(blobs.parts(&mine).await.expect("a list"), [0, 1]);
    let joined = blobs.join(&mine, 2).await.expect("read").expect("complete");
    assert_eq!(joined.sha512, digest);
    assert!(blobs.put_part(&theirs, 1, body(&[b"x"]), 1).await.expect("room"));
    assert!(matches!(blobs.join(&theirs, 2).await, Ok(Err(0))), "a short part in the middle");
    blobs.forget(&mine).await.expect("gone");
    blobs.forget(&mine).await.expect("gone twice");
    assert_eq!(blobs.parts(&mine).await.expect("a list"), [0; 0]);
    assert_eq!(blobs.parts(&theirs).await.expect("a list"), [0, 1]);
}

#[tokio::test]
async fn only_what_is_old_is_swept() {
    let (folder, blobs) = store();
    let upload = Upload::new(&Digest::sha256_of(b"x"), "token:a");
    assert!(blobs.put_part(&upload, 0, body(&[b"part"]), 4).await.expect("room"));
    let left = blobs.spool(10).await.expect("room");
    let now = |hours: i64| {
        let modified = folder.path().join("blobs/incoming").metadata().and_then(|found| found.modified());
        let since = modified.expect("a time").duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        Timestamp::from_second(i64::try_from(since.as_secs()).expect("small") + hours * 3600).expect("a time")
    };
    assert_eq!(blobs.sweep(now(23)).await.expect("swept"), 0);
    assert_eq!(blobs.parts(&upload).await.expect("a list"), [0]);
    assert_eq!(blobs.sweep(now(25)).await.expect("swept"), 2);
    assert_eq!(blobs.parts(&upload).await.expect("a list"), [0; 0]);
    drop(left);
}

#[test]
fn addresses_that_name_no_store_are_refused_without_their_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    for address in [
        "ftp://h.invalid/x",
        "s3://user:geheim@bucket/x",
        "s3://",
        "/tmp/x",
        "s3://b:9/x",
        "s3://b/x?geheim=1",
        "file:relative",
    ] {
        let refused = Blobs::open(Some(address), folder.path()).expect_err(address).to_string();
        assert!(!refused.contains("geheim"), "{refused}");
    }
}
