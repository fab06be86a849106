//! Heads, keys and trees: good ones are mutated, and every mutation must be refused.
use aws_lc_rs::digest::{SHA256, digest};
use mcpsec_model::approval::head::{Head, HeadNote, HeadSignature};

use super::*;

fn signer(origin: &str) -> LogSigner {
    LogSigner::parse(origin.parse().expect("origin"), &LogSigner::generate().expect("key")).expect("signer")
}

fn head(size: u64) -> Head {
    let origin = "mcp.example.test".parse().expect("origin");
    Head { origin, size, root: [3; 32], expires: "2026-12-01T12:00:00Z".parse().expect("instant") }
}

fn at(text: &str) -> mcpsec_model::time::Timestamp {
    text.parse().expect("instant")
}

#[test]
fn a_head_counts_until_it_expires() {
    let signer = signer("mcp.example.test");
    let note = signer.sign(head(7)).to_string();
    assert_eq!(check_head(&note, signer.key(), at("2026-12-01T11:59:59Z")), Ok(head(7)));
    let late = check_head(&note, signer.key(), at("2026-12-01T12:00:00Z"));
    assert_eq!(late, Err(HeadRefusal::Expired(head(7))));
    assert_eq!(open_head(&note, signer.key()), Ok(head(7)), "its age can still be told");
}

/// A head that holds for ever is a freeze that nobody would ever notice.
#[test]
fn no_head_holds_for_longer_than_it_takes_to_notice() {
    let signer = signer("mcp.example.test");
    let now = at("2026-11-23T00:00:00Z");
    for (expires, holds) in [
        ("2026-12-24T00:00:00Z", true),
        ("2026-12-24T01:00:00Z", true),
        ("2026-12-24T01:00:01Z", false),
        ("9999-12-30T00:00:00Z", false),
    ] {
        let head = Head { expires: at(expires), ..head(7) };
        let checked = check_head(&signer.sign(head.clone()).to_string(), signer.key(), now);
        assert_eq!(checked, if holds { Ok(head) } else { Err(HeadRefusal::Long(head)) }, "{expires}");
    }
}

/// While a key is changed, both sign: whoever knows either of them believes the same head.
#[test]
fn two_keys_sign_one_head() {
    let (old, new, foreign) = (signer("mcp.example.test"), signer("mcp.example.test"), signer("mcp.example.test"));
    let mut note = old.sign(head(7));
    new.cosign(&mut note);
    let text = note.to_string();
    for signer in [&old, &new] {
        assert_eq!(open_head(&text, signer.key()), Ok(head(7)));
        assert!(is_cosigned(&text, signer.key()) && !is_cosigned(&signer.sign(head(7)).to_string(), signer.key()));
    }
    let mut witnessed = old.sign(head(7));
    self::signer("witness.example.test").cosign(&mut witnessed);
    assert!(!is_cosigned(&witnessed.to_string(), old.key()), "a witness is no key of the log");
    assert_eq!(open_head(&text, foreign.key()), Err(HeadRefusal::Unsigned { expected: foreign.key().short() }));
    note.head.size = 8;
    for signer in [&old, &new] {
        assert_eq!(open_head(&note.to_string(), signer.key()), Err(HeadRefusal::Signature(signer.key().short())));
    }
}

#[test]
fn each_lie_about_a_head_has_its_own_words() {
    let (ours, theirs) = (signer("mcp.example.test"), signer("mcp.example.test"));
    let other_log = signer("other.example.test");
    let check = |note: &str| check_head(note, ours.key(), at("2026-11-23T00:00:00Z"));
    let good = ours.sign(head(7));
    assert!(check(&good.to_string()).is_ok());
    assert_eq!(check(&theirs.sign(head(7)).to_string()), Err(HeadRefusal::Unsigned { expected: ours.key().short() }));
    let of_other = Head { origin: other_log.key().origin().clone(), ..head(7) };
    let refused = check(&other_log.sign(of_other.clone()).to_string()).expect_err("another log");
    assert!(matches!(&refused, HeadRefusal::Origin { found, .. } if *found == of_other.origin), "{refused}");
    // Our key, asked to sign for another log: its signature is good, and it is not this log's head.
    assert_eq!(check(&ours.sign(of_other).to_string()), Err(refused));
    let bad = Err(HeadRefusal::Signature(ours.key().short()));
    for changed in [
        Head { size: 8, ..head(7) },
        Head { root: [4; 32], ..head(7) },
        Head { expires: at("2027-12-01T12:00:00Z"), ..head(7) },
    ] {
        let note = HeadNote { head: changed, signatures: good.signatures.clone() };
        assert_eq!(check(&note.to_string()), bad);
    }
    // The right name and hint over somebody else's signature.
    let foreign =
        HeadSignature { signature: theirs.sign(head(7)).signatures[0].signature.clone(), ..good.signatures[0].clone() };
    let posing = |signatures: Vec<HeadSignature>| HeadNote { head: head(7), signatures }.to_string();
    assert_eq!(check(&posing(vec![foreign.clone()])), bad);
    assert_eq!(check(&posing(vec![foreign, good.signatures[0].clone()])), bad, "no second try");
    let witness = theirs.sign(head(7)).signatures[0].clone();
    assert!(check(&posing(vec![witness, good.signatures[0].clone()])).is_ok(), "signatures of others are no harm");
    assert!(matches!(check(&good.to_string().replacen("\n7\n", "\n07\n", 1)), Err(HeadRefusal::Form(_))));
}

#[test]
fn keys_are_written_as_go_writes_them() {
    // The example key in the documentation of Go's package `sumdb/note`.
    let known = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let key = LogKey::parse(known).expect("the key of an example of Go's");
    assert_eq!((key.to_string().as_str(), key.short().as_str()), (known, "PeterNeumann+c74f20a3"));
    for bad in [
        known.replacen("c74f20a3", "c74f20a4", 1),
        known.replacen("c74f20a3", "C74F20A3", 1),
        known.replacen("Peter", "Beter", 1),
        known.replacen("ARpc", "ARpd", 1),
        known.replacen("ARpc", "AhRp", 1),
        known.trim_end_matches('W').to_owned(),
        "PeterNeumann".to_owned(),
        String::new(),
    ] {
        assert!(LogKey::parse(&bad).is_err(), "{bad}");
    }
    assert!(
        LogSigner::parse(key.origin().clone(), "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----").is_err()
    );
    let shown = format!("{:?}", signer("mcp.example.test"));
    assert!(shown.starts_with("LogSigner(mcp.example.test+"), "{shown}");
}

/// RFC 6962 §2.1, written down as it stands there.
fn rfc(leaves: &[[u8; 32]]) -> [u8; 32] {
    let sha = |bytes: &[u8]| <[u8; 32]>::try_from(digest(&SHA256, bytes).as_ref()).expect("32 bytes");
    match leaves {
        [] => sha(b""),
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            sha(&[&[1], rfc(left).as_slice(), rfc(right).as_slice()].concat())
        }
    }
}

fn leaves(count: usize) -> Vec<[u8; 32]> {
    (0..count).map(|number| leaf_hash(format!("line {number}").as_bytes())).collect()
}

#[test]
fn roots_are_those_of_the_standard_at_every_size() {
    assert_eq!(leaf_hash(b"line").as_slice(), digest(&SHA256, b"\0line").as_ref());
    let all = leaves(70);
    let mut tree = Tree::default();
    for size in 0..=all.len() {
        assert_eq!((tree.size(), tree.root()), (size as u64, rfc(&all[..size])));
        assert_eq!(tree.root_with(&all[size..]), rfc(&all), "with what follows {size}");
        all.get(size).into_iter().for_each(|leaf| tree.push(*leaf));
    }
    for size in 0..=all.len() {
        assert_eq!(tree.root_at(size as u64), Some(rfc(&all[..size])), "the past is still there");
    }
    assert_eq!(
        (tree.root_at(71), root_of(71, tree.hashes()), root_of(u64::MAX, tree.hashes())),
        (None, Err(ProofError::Missing), Err(ProofError::Sizes))
    );
    assert_eq!(stored_count(70), Ok(tree.hashes().len() as u64));
}

#[test]
fn proofs_hold_for_what_they_prove_and_for_nothing_else() {
    let mut tree = Tree::default();
    leaves(20).into_iter().for_each(|leaf| tree.push(leaf));
    let root = |size| tree.root_at(size).expect("root");
    let wrong = [7; 32];
    for to in 0..=20 {
        for from in 0..=to {
            let proof = tree.consistency(from, to).expect("proof");
            let check = |old, new, proof: &[[u8; 32]]| check_consistency(from, old, to, new, proof);
            assert_eq!(check(root(from), root(to), &proof), Ok(()), "{from} to {to}");
            assert!(check(wrong, root(to), &proof).is_err(), "{from} to {to}");
            if from > 0 {
                assert!(check(root(from), wrong, &proof).is_err(), "{from} to {to}");
            }
            let longer: Vec<_> = proof.iter().copied().chain([wrong]).collect();
            assert!(check(root(from), root(to), &longer).is_err());
            for index in 0..proof.len() {
                let mut bad = proof.clone();
                bad[index] = wrong;
                assert!(check(root(from), root(to), &bad).is_err());
            }
        }
        for number in 0..to {
            let proof = tree.inclusion(number, to).expect("proof");
            let leaf = leaves(20)[usize::try_from(number).expect("index")];
            assert_eq!(check_inclusion(number, leaf, to, root(to), &proof), Ok(()));
            assert!(check_inclusion(number, wrong, to, root(to), &proof).is_err());
            if to > 1 {
                assert!(check_inclusion((number + 1) % to, leaf, to, root(to), &proof).is_err());
                assert!(check_inclusion(number, leaf, to, root(to), &proof[1..]).is_err());
            }
        }
    }
    assert_eq!((tree.consistency(3, 21), tree.consistency(4, 3), tree.inclusion(20, 20)), (None, None, None));
    assert_eq!(check_consistency(2, root(2), u64::MAX, wrong, &[wrong; 90]), Err(ProofError::Sizes));
    assert_eq!(check_consistency(2, root(2), 9, wrong, &vec![wrong; 5000]), Err(ProofError::Proof));
}
