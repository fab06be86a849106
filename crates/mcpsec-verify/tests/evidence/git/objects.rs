//! The objects themselves: only what was asked for, only as git writes it, and only one signature.
use mcpsec_verify::git::{self, ExpectedTag, GitError, MAX_OBJECT, ObjectKind, Outcome, Signers};

use super::{
    Object,
    ssh::{NOON, armored, commit_payload, key, line, signed_commit, signed_tag, tag_payload},
};

fn signers() -> Signers {
    Signers::none().with_allowed_signers(&line("a", "", key(1).public_key()), "signers").expect("signers")
}

/// A tag that is verified by somebody who expects `v1.0.0` at commit 1111….
fn expected(tag: &Object) -> Result<Outcome, GitError> {
    let (id, target) = (tag.id(), "1".repeat(40));
    git::tag(&tag.raw, ExpectedTag { id: &id, name: "v1.0.0", target: &target }, &signers(), None)
}

fn resigned(payload: String) -> Object {
    let sig = armored(&key(1), "git", &payload);
    Object::tag(payload + &sig)
}

#[test]
fn a_tag_is_the_one_that_was_asked_for() {
    assert!(matches!(expected(&signed_tag(&key(1), NOON)), Ok(Outcome::Verified(_))));
    // Every one of these is signed by the right key.
    let renamed = expected(&resigned(tag_payload(NOON).replace("tag v1.0.0", "tag v0.9.0")));
    assert!(matches!(renamed, Err(GitError::WrongTagName { ref inside, .. }) if inside == "v0.9.0"), "{renamed:?}");
    let moved = expected(&resigned(tag_payload(NOON).replace(&"1".repeat(40), &"4".repeat(40))));
    assert!(matches!(moved, Err(GitError::WrongTarget { ref inside, .. }) if *inside == "4".repeat(40)), "{moved:?}");
    let tree = expected(&resigned(tag_payload(NOON).replace("type commit", "type tree")));
    assert!(matches!(tree, Err(GitError::WrongTargetType(ref kind)) if kind == "tree"), "{tree:?}");
    let tag = signed_tag(&key(1), NOON);
    let asked =
        |id: &str| git::tag(&tag.raw, ExpectedTag { id, name: "v1.0.0", target: &"1".repeat(40) }, &signers(), None);
    assert!(matches!(asked(&"0".repeat(40)), Err(GitError::WrongObjectId { .. })));
    assert!(matches!(asked(&"0".repeat(64)), Err(GitError::WrongObjectId { .. })));
    for id in ["", "v1.0.0", &tag.id().to_uppercase(), &tag.id()[..39], &"g".repeat(40)] {
        assert!(matches!(asked(id), Err(GitError::NotAnId(_))), "{id}");
    }
}

#[test]
fn a_commit_is_the_one_that_was_asked_for() {
    let payload = commit_payload(NOON);
    let commit = signed_commit(&payload, &armored(&key(1), "git", &payload));
    let asked = |tree: &str| git::commit(&commit.raw, &commit.id(), tree, &signers(), None);
    assert!(matches!(asked(&"2".repeat(40)), Ok(Outcome::Verified(_))));
    assert!(matches!(asked(&"5".repeat(40)), Err(GitError::WrongTree { .. })));
    // A tag's bytes are no commit, though they hash to the id of one.
    let tag = signed_tag(&key(1), NOON);
    let confused = git::commit(&tag.raw, &Object::commit(tag.raw.clone()).id(), &"2".repeat(40), &signers(), None);
    assert!(matches!(confused, Err(GitError::Malformed { kind: ObjectKind::Commit, .. })), "{confused:?}");
}

#[test]
fn objects_of_sha256_repositories_have_their_own_header() {
    let payload = commit_payload(NOON);
    let sig = armored(&key(1), "git", &payload);
    let sha1 = signed_commit(&payload, &sig);
    let text = String::from_utf8(sha1.raw.clone()).expect("text").replace("gpgsig ", "gpgsig-sha256 ");
    let sha256 = Object::commit(text);
    let id = |object: &Object| {
        let bytes = [format!("commit {}\0", object.raw.len()).as_bytes(), &object.raw].concat();
        hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes))
    };
    let tree = "2".repeat(40);
    let result = git::commit(&sha256.raw, &id(&sha256), &tree, &signers(), None);
    assert!(matches!(result, Ok(Outcome::Verified(_))), "{result:?}");
    assert_eq!(sha256.verify(&signers(), None), Err(GitError::OtherForm));
    assert_eq!(git::commit(&sha1.raw, &id(&sha1), &tree, &signers(), None), Err(GitError::OtherForm));
}

#[test]
fn one_signature_and_no_more() {
    let (tag, commit) = (tag_payload(NOON), commit_payload(NOON));
    let (sig, other) = (armored(&key(1), "git", &tag), armored(&key(2), "git", &tag));
    let twice = expected(&Object::tag(format!("{tag}{other}{sig}")));
    assert!(matches!(twice, Err(GitError::ManySignatures(2))), "{twice:?}");
    // A signature over a text that quotes another signature: which one is meant?
    let quoting = format!("{tag}{other}");
    let quoted = expected(&Object::tag(quoting.clone() + &armored(&key(1), "git", &quoting)));
    assert!(matches!(quoted, Err(GitError::ManySignatures(2))), "{quoted:?}");
    let sig = armored(&key(1), "git", &commit);
    let once = signed_commit(&commit, &sig);
    let text = String::from_utf8(once.raw).expect("text");
    let headers: Vec<&str> = text.split("\n\n").collect();
    let folded = sig.trim_end().replace('\n', "\n ");
    for (what, raw, count) in [
        ("two headers", format!("{}\ngpgsig {folded}\n\n{}", headers[0], headers[1]), 2),
        ("of two kinds", format!("{}\ngpgsig-sha256 {folded}\n\n{}", headers[0], headers[1]), 2),
        (
            "two blocks",
            text.replace(" -----END SSH SIGNATURE-----\n", &format!(" -----END SSH SIGNATURE-----\n {folded}\n")),
            2,
        ),
    ] {
        let result = Object::commit(raw).verify(&signers(), None);
        assert_eq!(result, Err(GitError::ManySignatures(count)), "{what}");
    }
}

#[test]
fn a_signature_belongs_to_its_object() {
    let tag = tag_payload(NOON);
    let moved = Object::tag(tag.clone() + &armored(&key(1), "git", &tag.replace("release", "other release")));
    assert!(matches!(expected(&moved), Err(GitError::BadSignature { .. })));
    let commit = commit_payload(NOON);
    let moved = signed_commit(&commit, &armored(&key(1), "git", &tag)).verify(&signers(), None);
    assert!(matches!(moved, Err(GitError::BadSignature { .. })), "{moved:?}");
    let sig = armored(&key(1), "git", &tag);
    for (what, block) in [
        ("words after it", format!("{sig}and more\n")),
        ("no end", sig.replace("-----END SSH SIGNATURE-----\n", "")),
        ("another end", sig.replace("END SSH", "END PGP")),
        ("a blank line", sig.replacen('\n', "\n\n", 1).replace("U1NI", "U1NI!")),
        ("nothing", "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n".to_owned()),
    ] {
        let result = expected(&Object::tag(format!("{tag}{block}")));
        assert!(matches!(result, Err(GitError::MalformedSignature { form: "SSH", .. })), "{what}: {result:?}");
    }
    let message =
        expected(&Object::tag(format!("{tag}-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----\n")));
    assert!(matches!(message, Err(GitError::Unsupported { .. })), "{message:?}");
}

#[test]
fn only_what_git_writes_is_an_object() {
    let (tag, commit) = (tag_payload(NOON), commit_payload(NOON));
    let cases = [
        (true, tag.replace("object ", "objekt ")),
        (true, tag.replace("type commit\n", "")),
        (true, tag.replace("tag v1.0.0\n", "")),
        (true, tag.replace("tagger ", "tagger\0 ")),
        (true, tag.replace(" +0000", "")),
        (true, tag.replace(" +0000", " 0000")),
        (true, tag.replace("> ", "> -")),
        (true, tag.replace("> ", "> 99999999999999999999")),
        (true, tag.replace("tagger ", "encoding x\ntagger ")),
        (true, tag.replace("\n\n", "\ngpgsig-sha256 x\n\n")),
        (true, tag.replace("tag v1.0.0\n", "tag v1.0.0\ntag v2.0.0\n")),
        (true, tag.replace("tag v1.0.0\n", "tag v1.0.0\n v2.0.0\n")),
        (true, tag.replace("\n\nthe release\n", "")),
        (true, format!(" {tag}")),
        (false, commit.replace("tree ", "trees ")),
        (false, commit.replace("author ", "writer ")),
        (false, commit.replace("committer ", "keeper ")),
        (false, commit.replace("\n\n", &format!("\ntree {}\n\n", "9".repeat(40)))),
        (false, commit.replace("\n\n", "\nauthor X <x@example.invalid> 1 +0000\n\n")),
        (false, commit.replace("\n\n", "\ngpgsig nothing\n\n")),
        (false, commit.replace("\n\n", "\nalone\n\n")),
        (false, commit.replace("\n\n", &format!("{}\n\n", "\nx y".repeat(1100)))),
        (false, String::new()),
    ];
    for (is_tag, text) in cases {
        let object = if is_tag { Object::tag(text.clone()) } else { Object::commit(text.clone()) };
        let result = object.verify(&signers(), None);
        assert!(matches!(result, Err(GitError::Malformed { .. })), "{text:.120}: {result:?}");
    }
    let long = Object::tag(tag + &"x".repeat(MAX_OBJECT)).verify(&signers(), None);
    assert!(matches!(long, Err(GitError::TooLong { kind: ObjectKind::Tag, .. })), "{long:?}");
}
