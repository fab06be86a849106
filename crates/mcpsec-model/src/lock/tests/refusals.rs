//! Locks that must be refused, with the words people will read. The files are in testdata/locks/reject.
use std::fmt::Write as _;

use super::{files, resealed, samples, samples_told};
use crate::lock::{Lock, LockError, MAX_BYTES};

/// Changes exactly one place.
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from:?} must be there once");
    text.replace(from, to)
}

/// The text without its lines from the one that starts with `from` up to the next one that starts with `until`.
fn without(text: &str, from: &str, until: &str) -> String {
    let start = text.find(from).expect("start");
    let end = start + from.len() + text[start + from.len()..].find(until).expect("end");
    format!("{}{}", &text[..start], &text[end..])
}

/// Every refused file: name and bytes.
pub(super) fn cases() -> Vec<(&'static str, Vec<u8>)> {
    let npm = samples::locked(vec![samples::npm()]).to_text();
    let pypi = samples::locked(vec![samples::pypi()]).to_text();
    let git = samples::locked(vec![samples::git()]).to_text();
    let mixed = samples::locked(vec![samples::npm(), samples::pypi(), samples::git()]).to_text();
    let team = samples::team().to_text();
    let odd = samples::locked(vec![samples_told::odd()]).to_text();
    let zod3 = "\n[[package]]\nid = \"npm:zod@3.25.76\"";
    let zod4 = "\n[[package]]\nid = \"npm:zod@4.0.0\"";
    let digest = crate::digest::Digest::sha512_of(b"npm:zod@4.0.0").to_hex();
    let other = crate::digest::Digest::sha512_of(b"something else").to_hex();
    let zod4_entry = &npm[npm.find(zod4).expect("zod")..];
    let files_entry = {
        let start = npm.find("\n[[server]]").expect("server");
        &npm[start..npm.find("\n[[package]]").expect("package")]
    };
    let cut = |text: &str, at: &str| text[..text.find(at).expect("cut")].to_owned();
    let texts = vec![
        (
            "bundled-in-nothing",
            resealed(&replaced(&npm, "bundled-in = \"npm:sdk@1.2.0\"", "bundled-in = \"npm:sdk@9.0.0\"")),
        ),
        ("closure-edge-to-nowhere", resealed(&replaced(&npm, "  \"npm:inner@0.1.0\",\n", "  \"npm:outer@0.1.0\",\n"))),
        ("closure-edge-unreadable", resealed(&replaced(&npm, "watch-events@2.3.3 ?", "watch-events@2.3.3 maybe"))),
        ("closure-node-unreached", resealed(&replaced(&npm, "  \"npm:inner@0.1.0\",\n", ""))),
        ("closure-only-on-unknown-target", resealed(&replaced(&npm, "[\"macos-aarch64\"]", "[\"plan9-mips\"]"))),
        ("comment-added", replaced(&npm, "version = 1\n", "version = 1\n# reviewed\n")),
        ("conflict", {
            let ours = format!(
                "<<<<<<< HEAD\n  sha512 = \"{digest}\"\n=======\n  sha512 = \"{other}\"\n>>>>>>> add-\u{1b}[31mnotes\n"
            );
            replaced(&npm, "\nversion = 1\n", &format!("\nversion = 1\n{ours}"))
        }),
        ("conflict-diff3", replaced(&npm, "\nservers = [\n", "\n<<<<<<< ours\nservers = [\n||||||| base\n=======\n")),
        ("cut-after-servers", cut(&npm, "\n[[package]]")),
        ("cut-after-package", cut(&npm, zod4)),
        ("cut-in-entry", cut(&npm, "os = [\"darwin\"]")),
        ("cut-in-list", cut(&npm, "  { file = \"watch")),
        ("cut-in-line", cut(&npm, "512 = ")),
        ("edited-digest", replaced(&npm, &digest, &other)),
        ("edited-digest-resealed", resealed(&replaced(&npm, &digest, &other))),
        (
            "evidence-and-signed-by",
            resealed(&replaced(
                &npm,
                "evidence = \"none\"\n",
                "evidence = \"none\"\nsigned-by = [\n  { kind = \"publish\", key = \"k\" },\n]\n",
            )),
        ),
        ("evidence-unknown-word", resealed(&replaced(&npm, "evidence = \"none\"", "evidence = \"fine\""))),
        (
            "signed-by-nobody",
            resealed(&replaced(
                &npm,
                "signed-by = [\n  { kind = \"registry-signature\", key = \"SHA256:0wn\", fingerprint",
                "signed-by = [\n  { kind = \"registry-signature\", fingerprint",
            )),
        ),
        ("signed-by-unknown-key", resealed(&replaced(&npm, "log = \"proof\"", "trust = \"me\", log = \"proof\""))),
        ("signed-by-unlike-log", resealed(&replaced(&npm, "log = \"proof\"", "log = \"rumour\""))),
        (
            "edited-signer",
            replaced(
                &npm,
                "https://code.invalid/scope/servers/.ci/release.yml",
                "https://code.invalid/scope/servers/.ci/other.yml",
            ),
        ),
        ("edited-os-resealed", resealed(&replaced(&npm, "os = [\"darwin\"]", "os = [\"linux\"]"))),
        ("edited-spec", replaced(&npm, "@^2026\"", "@^2027\"")),
        ("file-name-with-path", resealed(&replaced(&npm, "\"zod-4.0.0.tgz\"", "\"../../zod-4.0.0.tgz\""))),
        (
            "file-twice",
            resealed(&replaced(
                &pypi,
                "{ file = \"anyio-4.16.0.tar.gz\"",
                "{ file = \"anyio-4.16.0-py3-none-any.whl\"",
            )),
        ),
        ("entry-with-path", resealed(&replaced(&npm, "npm-bin:mcp-files", "npm-bin:../mcp-files"))),
        ("git-tree-unlike", resealed(&replaced(&git, "git-tree = \"89ab", "git-tree = \"HEAD"))),
        ("hidden-character-in-alias", resealed(&replaced(&npm, "zod-old = ", "zod-%1Bold = "))),
        ("hidden-character-in-message", resealed(&replaced(&pypi, "only a source", "\\u001B[2Jonly a source"))),
        (
            "spec-with-credentials",
            resealed(&replaced(&git, "spec = \"git+https://", "spec = \"git+https://bob:hunter2@")),
        ),
        ("empty", String::new()),
        ("finding-dropped-rule", resealed(&replaced(&pypi, "rule = \"closure-incomplete\"", "rule = \"yanked\""))),
        (
            "git-commit-unlike",
            replaced(
                &git,
                &format!("id = \"git+https://code.invalid/team/tools@{}", samples::COMMIT),
                "id = \"git+https://code.invalid/team/tools@main",
            ),
        ),
        ("head-unknown-key", replaced(&npm, "\nversion = 1\n", "\nversion = 1\nresolver = 2\n")),
        ("hidden-character-raw", resealed(&replaced(&pypi, "setup.py\\u202E", "setup.py\u{202e}"))),
        ("manifest-word-edited", replaced(&pypi, "Gets a page from", "Steals a page from")),
        ("manifest-word-edited-resealed", resealed(&replaced(&pypi, "Gets a page from", "Steals a page from"))),
        (
            "manifest-tool-removed-resealed",
            resealed(&without(&pypi, "\n[[server.manifest.tool]]", "\n[server.only-on]")),
        ),
        ("manifest-without-capture", resealed(&without(&pypi, "\n[server.capture]", "\n[[server.unstable]]"))),
        ("manifest-of-the-unchecked", resealed(&replaced(&pypi, "isolation = ", "unchecked = \"no\"\nisolation = "))),
        ("manifest-missing", resealed(&without(&pypi, "\n[server.manifest]", "\n[server.only-on]"))),
        ("manifest-unknown-key", resealed(&replaced(&pypi, "title = \"Fetch", "trusted = \"yes\"\ntitle = \"Fetch"))),
        ("manifest-hidden-raw", resealed(&replaced(&pypi, "fetch.\\u202E", "fetch.\u{202e}"))),
        (
            "manifest-json-compact",
            resealed(&replaced(&pypi, "{\n    \"readOnlyHint\": true\n  }", "{\"readOnlyHint\":true}")),
        ),
        ("manifest-json-cut", resealed(&replaced(&pypi, "\"readOnlyHint\": true\n  }", "\"readOnlyHint\": true\n"))),
        (
            "manifest-json-key-twice",
            resealed(&replaced(&pypi, "\"readOnlyHint\": true", "\"readOnlyHint\": true,\n    \"readOnlyHint\": true")),
        ),
        ("manifest-json-hidden-raw", resealed(&replaced(&odd, "\\u202E\u{1f600}", "\u{202e}\u{1f600}"))),
        (
            "manifest-member-twice",
            resealed(&replaced(&odd, "    \"size\": 3\n", "    \"name\": \"Other\",\n    \"size\": 3\n")),
        ),
        ("manifest-resource-without-uri", resealed(&replaced(&odd, "uri = \"notes://a\"\n", ""))),
        (
            "capture-unlike-isolation",
            resealed(&replaced(&pypi, "isolation = \"namespace\"", "isolation = \"trust-me\"")),
        ),
        ("capture-without-protocol", resealed(&replaced(&pypi, "protocol = \"2025-06-18\"\n", ""))),
        ("capture-program-with-path", resealed(&replaced(&odd, "  \"curl\",", "  \"/home/x/curl\","))),
        ("capture-file-outside-home", resealed(&replaced(&odd, "\"~/.netrc\"", "\"/home/x/.netrc\""))),
        (
            "unstable-unlike-subject",
            resealed(&replaced(&odd, "subject = \"server/instructions\"\nbetween", "subject = \"elsewhere\"\nbetween")),
        ),
        ("unstable-unlike-between", resealed(&replaced(&pypi, "between = \"clients\"", "between = \"friends\""))),
        ("accepted-unknown-rule", resealed(&replaced(&pypi, "rule = \"hidden-instruction\"", "rule = \"anything\""))),
        (
            "accepted-unlike-entry",
            resealed(&replaced(
                &odd,
                "subject = \"tool:a\"\nentry = \"sha256:",
                "subject = \"tool:a\"\nentry = \"sha255:",
            )),
        ),
        ("accepted-hidden-character", resealed(&replaced(&pypi, "reason = \"read by", "reason = \"\\u001B[2Jread by"))),
        ("no-version", replaced(&npm, "\nversion = 1\n", "\n")),
        ("not-a-lock", "# a shopping list\nmilk = 2\n".to_owned()),
        ("not-toml", replaced(&npm, "\nversion = 1\n", "\nversion = 1\n{]\n")),
        ("package-duplicate", format!("{npm}{zod4_entry}")),
        ("package-missing", without(&npm, zod3, "\n[[package]]")),
        (
            "package-orphan",
            format!(
                "{}{}",
                npm,
                "\n[[package]]\nid = \"npm:zzz@1.0.0\"\nartifacts = [\n  { file = \"zzz-1.0.0.tgz\", sha256 = \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\" },\n]\nseal = \"0\"\n"
            ),
        ),
        ("package-unpinned", resealed(&replaced(&npm, &format!(", sha512 = \"{digest}\""), ""))),
        ("package-without-artifacts", resealed(&replaced(&npm, "bundled-in = \"npm:sdk@1.2.0\"\n", ""))),
        ("packages-reordered", {
            let (zod3_entry, rest) = (&npm[npm.find(zod3).expect("zod")..npm.find(zod4).expect("zod")], zod4_entry);
            npm.replace(zod3_entry, "").replace(rest, "") + rest + zod3_entry
        }),
        ("seal-missing", {
            let at = npm.find("seal = ").expect("seal");
            let end = at + npm[at..].find('\n').expect("line") + 1;
            format!("{}{}", &npm[..at], &npm[end..])
        }),
        ("server-duplicate", npm.replacen("\n[[package]]", &format!("{files_entry}\n[[package]]"), 1)),
        ("server-listed-twice", replaced(&mixed, "\n  \"files\",\n", "\n  \"files\",\n  \"files\",\n")),
        ("server-not-there", replaced(&npm, "\n  \"files\",\n", "\n  \"files\",\n  \"ghost\",\n")),
        ("server-unlisted", replaced(&mixed, "\n  \"files\",\n", "\n")),
        ("space-at-line-end", replaced(&npm, "\nversion = 1\n", "\nversion = 1 \n")),
        ("targets-mixed", resealed(&replaced(&npm, "  \"windows-x86_64\",\n", "  \"windows-x86_64/3.12\",\n"))),
        ("team-address-with-password", resealed(&replaced(&team, "https://mcp.", "https://bob:hunter2@mcp."))),
        ("team-cut", cut(&team, "\nseal = \"")),
        ("team-edited-size", replaced(&team, "size = 1234\n", "size = 1\n")),
        ("team-http", resealed(&replaced(&team, "https://mcp.", "http://mcp."))),
        ("team-key-cut", resealed(&replaced(&team, "BwcHBwcH\"", "BwcHBwc\""))),
        ("team-root-sha512", resealed(&replaced(&team, "root = \"sha256:", "root = \"sha512:"))),
        ("team-size-enormous", resealed(&replaced(&team, "size = 1234\n", "size = 18446744073709551615\n"))),
        ("team-size-missing", resealed(&replaced(&team, "size = 1234\n", ""))),
        ("team-twice", replaced(&team, "\n[[server]]\n", "\n[team]\nsize = 1\n\n[[server]]\n")),
        ("team-unknown-key", resealed(&replaced(&team, "size = 1234\n", "size = 1234\ntrust = true\n"))),
        ("unknown-key", resealed(&replaced(&npm, "root = ", "trusted = true\nroot = "))),
        ("upper-case-digest", resealed(&replaced(&npm, &digest, &digest.to_uppercase()))),
        ("value-of-wrong-kind", resealed(&replaced(&npm, "install-scripts = true", "install-scripts = \"no\""))),
        ("version-2", replaced(&npm, "\nversion = 1\n", "\nversion = 2\n")),
        ("version-2-unreadable", "version = 2\n{{ binary? }}\n".to_owned()),
    ];
    let mut cases: Vec<(&'static str, Vec<u8>)> =
        texts.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    // The one entry whose seal was written by hand.
    for (name, bytes) in &mut cases {
        if *name == "package-orphan" {
            *bytes = resealed(&String::from_utf8(bytes.clone()).expect("text")).into_bytes();
        }
    }
    cases.push(("not-utf8", [npm.as_bytes(), b"\n\xff\xfe\n"].concat()));
    cases.sort_unstable();
    cases
}

#[test]
fn every_refused_file_says_what_is_wrong() {
    let found = files("reject");
    let made: Vec<(String, Vec<u8>)> = cases().into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    assert!(found == made, "testdata/locks/reject is not what the cases make: run `write_test_locks`");
    let mut shown = String::new();
    for (name, bytes) in found {
        let error = Lock::parse_bytes(&bytes, "mcp.lock").expect_err(&name);
        let exit = if error.is_edit() { 1 } else { 2 };
        let hint = error.hint().unwrap_or_default();
        let _infallible = writeln!(shown, "{name} -> exit {exit}\n  {error}\n  hint: {hint}");
        assert!(!error.to_string().contains("hunter2"), "{name}");
        assert!(!error.to_string().chars().any(crate::text::is_hidden), "{name}");
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn too_many_bytes_are_refused_unread() {
    let text = " ".repeat(MAX_BYTES + 1);
    assert!(matches!(Lock::parse(&text, "mcp.lock"), Err(LockError::TooLarge { .. })));
    assert!(matches!(Lock::parse_bytes(text.as_bytes(), "mcp.lock"), Err(LockError::TooLarge { .. })));
}

#[test]
fn a_long_text_of_something_else_never_reaches_the_toml_parser() {
    // It would be an unknown key to the parser, at many times the memory.
    let text = format!("version = 1\nx = [{}]\n", "1,".repeat(3 << 20));
    assert!(matches!(Lock::parse(&text, "mcp.lock"), Err(LockError::NotCanonical { .. })));
    assert!(matches!(Lock::parse(text.trim_end(), "mcp.lock"), Err(LockError::Truncated { .. })));
}

#[test]
fn deep_nesting_is_refused() {
    for open in ["a = [", "{a = "] {
        let text = format!("version = 1\na = {}\n", open.repeat(100_000));
        assert!(Lock::parse(&text, "mcp.lock").is_err());
    }
}

/// What is wrong with the tables of what a server tells, as the kind of refusal that callers see.
#[test]
fn what_a_server_tells_is_refused_for_the_right_reason() {
    let cases: std::collections::BTreeMap<&str, Vec<u8>> = cases().into_iter().collect();
    let error = |name: &str| Lock::parse_bytes(&cases[name], "mcp.lock").expect_err(name);
    assert!(matches!(error("manifest-word-edited"), LockError::Edited { .. }));
    for name in ["manifest-word-edited-resealed", "manifest-tool-removed-resealed"] {
        assert!(matches!(error(name), LockError::ManifestMismatch { .. }), "{name}");
    }
    for name in [
        "accepted-hidden-character",
        "accepted-unknown-rule",
        "accepted-unlike-entry",
        "capture-unlike-isolation",
        "capture-without-protocol",
        "manifest-json-cut",
        "manifest-json-key-twice",
        "manifest-member-twice",
        "manifest-missing",
        "manifest-of-the-unchecked",
        "manifest-resource-without-uri",
        "manifest-unknown-key",
        "manifest-without-capture",
        "unstable-unlike-between",
        "unstable-unlike-subject",
    ] {
        assert!(matches!(error(name), LockError::Invalid { .. }), "{name}");
    }
    for name in [
        "capture-file-outside-home",
        "capture-program-with-path",
        "manifest-hidden-raw",
        "manifest-json-compact",
        "manifest-json-hidden-raw",
    ] {
        assert!(matches!(error(name), LockError::NotCanonical { .. }), "{name}");
    }
}
