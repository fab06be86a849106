//! Git signatures: the recorded objects of `fixtures/git-signed`.
use std::{fs, path::PathBuf};

use mcpsec_verify::git::{self, ExpectedTag, GitError, Outcome, Signers};

/// One recorded object.
struct Recorded {
    name: String,
    raw: Vec<u8>,
    is_tag: bool,
}

fn recorded(form: &str) -> Option<Vec<Recorded>> {
    let folder: PathBuf = mcpsec_testkit::shared::path(&format!("fixtures/git-signed/{form}"))?;
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable fixture") {
        let path = entry.expect("a readable fixture").path();
        let name = path.file_name().expect("a readable fixture").to_str().expect("a readable fixture").to_owned();
        let is_tag = name.ends_with(".tag");
        if is_tag || name.ends_with(".commit") {
            out.push(Recorded { name, raw: fs::read(&path).expect("a readable fixture"), is_tag });
        }
    }
    out.sort_by(|a, b| a.name.cmp(&b.name));
    Some(out)
}

fn field(raw: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(raw);
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).expect("a readable fixture").to_owned()
}

fn id(kind: &str, raw: &[u8]) -> String {
    let mut bytes = format!("{kind} {}\0", raw.len()).into_bytes();
    bytes.extend_from_slice(raw);
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &bytes))
}

fn verify(object: &Recorded, signers: &Signers) -> Result<Outcome, GitError> {
    if object.is_tag {
        let (id, name, target) = (id("tag", &object.raw), field(&object.raw, "tag"), field(&object.raw, "object"));
        git::tag(&object.raw, ExpectedTag { id: &id, name: &name, target: &target }, signers, None)
    } else {
        git::commit(&object.raw, &id("commit", &object.raw), &field(&object.raw, "tree"), signers, None)
    }
}

#[test]
fn unsigned_objects_are_unsigned() {
    let Some(objects) = recorded("none") else {
        println!("skipped: no shared fixtures");
        return;
    };
    assert_eq!(objects.len(), 3);
    for object in objects {
        assert_eq!(verify(&object, &Signers::none()), Ok(Outcome::Unsigned), "{}", object.name);
    }
}

#[test]
fn recorded_ssh_signatures_hold_for_keys_nobody_vouches_for() {
    let Some(objects) = recorded("ssh") else {
        println!("skipped: no shared fixtures");
        return;
    };
    let mut good = 0;
    for object in objects {
        match verify(&object, &Signers::none()) {
            Ok(Outcome::UnknownKey { signature: Some(_), key }) => {
                println!("{} {key}", object.name);
                good += 1;
            }
            other => panic!("{}: {other:?}", object.name),
        }
    }
    println!("{good}");
}
