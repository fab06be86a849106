//! Reading is strict, writing is canonical, and mcp-signers tells all its problems.
use std::collections::BTreeMap;

use super::*;
use crate::{
    digest::{ClosureId, Digest, Digests, ManifestId},
    manifest::json,
    time::Timestamp,
};

const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH ada@example.test";

fn instant(text: &str) -> Timestamp {
    text.parse().expect("instant")
}

fn approval() -> Approval {
    let digests: Digests = [Digest::sha512_of(b"a"), Digest::sha256_of(b"a")].into_iter().collect();
    Approval {
        what: Approved {
            server: "files".parse().expect("name"),
            spec: "npm:files@^1".to_owned(),
            purl: "pkg:npm/files@1.0.0".to_owned(),
            version: "1.0.0".to_owned(),
            entry: "npm-bin:files".to_owned(),
            command: None,
            artifacts: BTreeMap::from([("files-1.0.0.tgz".to_owned(), digests)]),
            closure: ClosureId::of(b"c"),
            told: Some(ToldIds {
                manifest: ManifestId::of(b"m"),
                unstable: Some(Digest::sha256_of(b"u")),
                isolation: crate::config::Isolation::Namespace,
            }),
        },
        criteria: [Word::reviewed()].into(),
        reviewer: Reviewer { name: "ada".to_owned(), key: "SHA256:x".to_owned() },
        reason: String::new(),
        issued: instant("2026-11-01T00:00:00Z"),
        expires: instant("2027-11-01T00:00:00Z"),
        rules: Digest::sha256_of(b"p"),
        summary: Summary::default(),
    }
}

fn payload() -> Vec<u8> {
    Statement::Approval(Box::new(approval())).to_payload()
}

#[test]
fn statements_are_written_and_read_as_one_text() {
    let statement = Statement::Approval(Box::new(approval()));
    assert_eq!(Statement::parse(&statement.to_payload()), Ok(statement));
    let mut bare = approval();
    bare.what.told = None;
    bare.what.command = Some("serve".to_owned());
    bare.summary.packages = Some(BTreeMap::from([("npm:files@1.0.0".to_owned(), "0123456789abcdef".to_owned())]));
    let bare = Statement::Approval(Box::new(bare));
    assert_eq!(Statement::parse(&bare.to_payload()), Ok(bare));
    let revocation = Statement::Revocation(Box::new(Revocation {
        approval: Envelope::new(payload(), "", Vec::new()).id(),
        server: "files".parse().expect("name"),
        reviewer: approval().reviewer,
        reason: "wrong".to_owned(),
        issued: instant("2026-11-02T00:00:00Z"),
    }));
    assert_eq!(Statement::parse(&revocation.to_payload()), Ok(revocation));
    let text = String::from_utf8(payload()).expect("text");
    assert_eq!(text.as_bytes(), json::canonical(&json::parse(text.as_bytes()).expect("JSON")), "RFC 8785");
    insta::assert_snapshot!(serde_json::to_string_pretty(&json::parse(text.as_bytes()).expect("JSON")).expect("text"));
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let good = String::from_utf8(payload()).expect("text");
    let twice = good.replacen("\"server\":\"files\"", "\"server\":\"files\",\"server\":\"other\"", 1);
    let unknown = good.replacen("\"purl\":", "\"note\":\"x\",\"purl\":", 1);
    let spaced = good.replacen("\"purl\":", "\"purl\": ", 1);
    let escaped = good.replacen("\"server\":\"files\"", "\"server\":\"f\\u0069les\"", 1);
    let zone = good.replacen("2026-11-01T00:00:00Z", "2026-11-01T01:00:00+01:00", 1);
    let fraction = good.replacen("2026-11-01T00:00:00Z", "2026-11-01T00:00:00.5Z", 1);
    let hidden = good.replacen("\"reason\":\"\"", "\"reason\":\"a\u{202e}b\"", 1);
    let upper = good.replacen("\"name\":\"closure\"", "\"name\":\"Closure\"", 1);
    let no_manifest = good.replacen("\"isolation\":\"namespace\"", "\"isolation\":\"not captured\"", 1);
    let backwards = good.replacen("2027-11-01", "2025-11-01", 1);
    let forever = good.replacen("2027-11-01", "2099-11-01", 1);
    let no_words = good.replacen("[\"reviewed\"]", "[]", 1);
    let other_type = good.replacen("urn:mcpsec:approval:v1", "urn:mcpsec:approval:v2", 1);
    let statement = good.replacen("Statement/v1", "Statement/v0.1", 1);
    let behind = format!("{good} ");
    for text in [
        twice,
        unknown,
        spaced,
        escaped,
        zone,
        fraction,
        hidden,
        upper,
        no_manifest,
        backwards,
        forever,
        no_words,
        other_type,
        statement,
        behind,
    ] {
        assert_ne!(text, good);
        assert!(Statement::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert!(Statement::parse(good.as_bytes()).is_ok());
}

#[test]
fn the_encoding_that_is_signed_is_that_of_dsse() {
    assert_eq!(pae(b"hello"), b"DSSEv1 28 application/vnd.in-toto+json 5 hello");
    // Lengths keep type and payload apart.
    assert_ne!(pae(b"1 x"), pae(b"x"));
}

#[test]
fn many_lines_are_read_and_more_are_refused() {
    let about = |server: &str, number: usize| {
        let mut approval = approval();
        approval.what.server = server.parse().expect("name");
        approval.reason = format!("number {number}");
        let payload = Statement::Approval(Box::new(approval)).to_payload();
        Envelope::new(payload, "SHA256:x", vec![0; 100]).to_line() + "\n"
    };
    let mut text: String = (0..999).map(|number| about("other", number)).collect();
    text.push_str(&about("files", 0));
    let approvals = Approvals::parse(&text, "f").expect("approvals");
    let name = "files".parse().expect("name");
    let found = approvals.about(&name, "f").expect("statements");
    assert_eq!(found.iter().map(|(line, _)| line.number).collect::<Vec<_>>(), [1000]);
    let line = about("files", 0);
    let many = line.repeat(MAX_LINES);
    assert_eq!(Approvals::parse(&many, "f").map(|approvals| approvals.lines().len()), Ok(MAX_LINES));
    let refused = Approvals::parse(&(many + &line), "f").expect_err("too many");
    assert_eq!(refused, FileError::TooMany { file: "f".to_owned() });
    let long = format!("{}\n", "x".repeat(MAX_LINE + 1));
    assert!(Approvals::parse(&long, "f").expect_err("too long").to_string().starts_with("f:1: 65537 bytes long"));
}

#[test]
fn an_approval_of_anything_fits_into_a_line() {
    let mut big = approval();
    let many = |prefix: &str| {
        (0..250).map(|n| (format!("{prefix}:{n}-{}", "x".repeat(50)), "0123456789abcdef".to_owned())).collect()
    };
    big.summary = Summary { packages: Some(many("npm")), told: Some(many("tool")) };
    let digests: Digests = [Digest::sha256_of(b"wheel")].into_iter().collect();
    big.what.artifacts = (0..80).map(|n| (format!("wheel-{n}-{}.whl", "x".repeat(60)), digests)).collect();
    let fitted = big.fitted();
    assert_eq!(fitted.summary.packages, None, "there was not enough room");
    let line = Envelope::new(Statement::Approval(Box::new(fitted)).to_payload(), "SHA256:x", vec![0; 1500]).to_line();
    assert!(line.len() <= MAX_LINE, "{}", line.len());
    assert_eq!(approval().fitted(), approval());
}

#[test]
fn keys_are_one_however_they_are_written() {
    let ssh = PublicKey::parse(ED25519).expect("key");
    assert_eq!((ssh.form(), ssh.comment(), ssh.raw()), (Form::Ssh, "ada@example.test", Some(&[7; 32][..])));
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEABwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n-----END PUBLIC KEY-----\n";
    let pem = PublicKey::parse(pem).expect("key");
    assert_eq!(pem, ssh);
    assert_eq!((pem.form(), pem.fingerprint()), (Form::Pem, ssh.fingerprint()));
    let of = |text: &str| PublicKey::parse(text).expect_err("must be refused");
    assert_eq!(of("-----BEGIN OPENSSH PRIVATE KEY-----\nx"), KeyError::Private);
    assert_eq!(of("ssh-dss AAAA"), KeyError::Algorithm("ssh-dss".to_owned()));
    assert_eq!(of(&ED25519.replacen("ssh-ed25519", "ssh-rsa", 1)), KeyError::Content("ssh-ed25519"));
    assert_eq!(of("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcH"), KeyError::Content("ssh-ed25519"));
    assert_eq!(of("ssh-ed25519"), KeyError::Form);
}

#[test]
fn signers_tell_all_their_problems() {
    let text = format!(
        "[[signer]]\nname = \"ada\"\nkey = \"{ED25519}\"\nrole = [\"security\"]\n\n\
         [[signer]]\nname = \"a/b\"\nkey = \"x\"\nvalid-from = 2027-01-01\nvalid-until = 2026-01-01\n\n\
         [[signer]]\nname = \"bob\"\nkey = \"{ED25519}\"\nrevoked = {{ date = \"soon\" }}\n\n\
         [criteria.Reviewed]\n[criteria.tried]\nrequired = 0\nroles = [\"A\"]\n\n\
         [[import]]\nname = \"platform\"\npath = \"/etc/x\"\nurl = \"https://u:p@x.invalid/\"\nsha256 = \"x\"\n"
    );
    let error = Signers::parse(&text, "mcp-signers").expect_err("must be refused");
    insta::assert_snapshot!(error.to_string());
    let good = format!("[[signer]]\nname = \"ada\"\nkey = \"{ED25519}\"\n");
    assert_eq!(Signers::parse(&good, "mcp-signers").map(|signers| signers.signers.len()), Ok(1));
    assert!(Signers::parse(&good.repeat(2), "mcp-signers").expect_err("twice").to_string().contains("stands twice"));
    assert_eq!(Signers::parse("", "mcp-signers"), Ok(Signers::nobody()));
}

#[test]
fn the_policy_is_known_by_what_it_says() {
    let id = |text: &str| rules_id([text]);
    let a = "[policy]\nisolation = \"landlock\"\ndrift = { wording = \"warn\", additive = \"deny\" }\n";
    let b = "# words\n[policy]\ndrift = { additive = \"deny\", wording = \"warn\" }\nisolation   = \"landlock\"\n[servers.x]\nsource = \"npm:x\"\n";
    assert_eq!(id(a), id(b));
    assert_eq!(id(a), id(&a.replace("[policy]\n", "[policy]\napprovals = { required = 2, signers = \"s\" }\n")));
    assert_ne!(id(a), id(&a.replace("landlock", "none")));
    assert_ne!(id(a), rules_id([a, a]));
    assert_ne!(id(a), id(""));
}
