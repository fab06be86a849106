//! Descriptions of honest files, and files nobody should take.
use std::io::Write as _;

use mcpsec_model::package::PackageId;
use mcpsec_testkit::{
    archives::{hostile_npm_tarballs, hostile_wheels, tar::RawTar, zip::RawZip},
    npm_package, sdist, wheel,
};
use serde_json::{Value, json};

use super::{ArrivalError, Kind, Metadata, metadata};

fn read(id: &str, file: &str, bytes: &[u8]) -> Result<Option<Metadata>, ArrivalError> {
    let package: PackageId = id.parse().expect("an id");
    let mut kept = tempfile::NamedTempFile::new().expect("a file");
    kept.write_all(bytes).expect("written");
    metadata(&package, file, kept.path())
}

fn npm(id: &str, bytes: &[u8]) -> Result<Value, ArrivalError> {
    let found = read(id, "a-1.0.0.tgz", bytes)?.expect("npm tarballs have a description");
    assert_eq!(found.kind, Kind::Npm);
    Ok(serde_json::from_str(&found.body).expect("JSON"))
}

#[test]
fn a_package_json_is_cut_down_to_what_resolvers_read() {
    let package = npm_package("@s/a", "1.0.0")
        .dep("zod", "^3")
        .optional_peer("react", ">=18")
        .optional("fsevents", "^2")
        .engine("node", ">=18")
        .os(&["!win32"])
        .bundle("inner", "1.0.0")
        .bin("../up/go", "./bin/../cli.js")
        .script("postinstall", "node x")
        .field("author", json!("somebody"));
    let record = npm("npm:@s/a@1.0.0", &package.tarball()).expect("honest");
    assert_eq!(
        record,
        json!({
            "name": "@s/a", "version": "1.0.0",
            "dependencies": { "zod": "^3", "inner": "1.0.0" },
            "optionalDependencies": { "fsevents": "^2" },
            "peerDependencies": { "react": ">=18" },
            "peerDependenciesMeta": { "react": { "optional": true } },
            "bundleDependencies": ["inner"],
            "engines": { "node": ">=18" },
            "os": ["!win32"],
            "bin": { "go": "cli.js" },
            "hasInstallScript": true,
        })
    );
}

#[test]
fn what_the_root_holds_counts_and_what_lies_deeper_does_not() {
    let package = npm_package("a", "1.0.0").root("other-name").field("version", json!("v1.0.0+build.7"));
    let plain = npm("npm:a@1.0.0", &package.tarball()).expect("honest");
    assert_eq!(plain, json!({ "name": "a", "version": "1.0.0" }));
    let deep = package.clone().file("deps/binding.gyp", b"{}").file("x/package.json", b"{}");
    assert_eq!(npm("npm:a@1.0.0", &deep.tarball()).expect("honest"), plain);
    let built = package.clone().file("binding.gyp", b"{}").file("npm-shrinkwrap.json", b"{}");
    let built = npm("npm:a@1.0.0", &built.tarball()).expect("honest");
    assert_eq!((&built["hasInstallScript"], &built["_hasShrinkwrap"]), (&json!(true), &json!(true)));
    let folder = package.field("directories", json!({ "bin": "./cmd" })).file("cmd/one.js", b"").file("cmd/.no", b"");
    assert_eq!(npm("npm:a@1.0.0", &folder.tarball()).expect("honest")["bin"], json!({ "one.js": "cmd/one.js" }));
}

#[test]
fn a_tarball_of_another_package_or_version_is_refused() {
    let bytes = npm_package("a", "1.0.0").tarball();
    for id in ["npm:b@1.0.0", "npm:a@1.0.1", "npm:@s/a@1.0.0", "npm:A@1.0.0"] {
        let error = npm(id, &bytes).expect_err(id);
        assert!(matches!(error, ArrivalError::Other { .. }), "{id}: {error}");
    }
}

#[test]
fn a_tarball_that_two_readers_read_differently_is_refused() {
    let honest = br#"{"name":"a","version":"1.0.0"}"#;
    let evil = br#"{"name":"a","version":"1.0.0","dependencies":{"evil":"*"}}"#;
    let twice = RawTar::new().file("package/package.json", honest).file("package/package.json", evil);
    let elsewhere = RawTar::new().file("package/package.json", honest).file("x/./package.json", evil);
    let sized = RawTar::new().pax(&[("size", "600")]).file("package/a", b"x").file("package/package.json", honest);
    let named = RawTar::new()
        .entry(b'L', "././@LongLink", b"package/package.json\0")
        .pax(&[("path", "package/other.json")])
        .file("package/x", evil)
        .file("package/package.json", honest);
    let link = RawTar::new().special(b'2', "package/package.json", "/etc/passwd");
    let everywhere =
        RawTar::new().entry(b'g', "pax_global_header", b"29 path=package/package.json\n").file("package/x", honest);
    for (what, tar) in [
        ("twice", twice),
        ("below another folder", elsewhere),
        ("two sizes", sized),
        ("two names", named),
        ("a link", link),
        ("one name for all", everywhere),
    ] {
        let error = npm("npm:a@1.0.0", &tar.gz()).expect_err(what);
        assert!(matches!(error, ArrivalError::Ambiguous(_)), "{what}: {error}");
    }
}

#[test]
fn hostile_tarballs_cost_little_and_never_panic() {
    let package = npm_package("a", "1.0.0");
    for case in hostile_npm_tarballs(&package) {
        // What only unpacking would harm may pass here: it is clients who unpack, and they refuse it.
        let result = npm("npm:a@1.0.0", &case.bytes);
        if case.name == "bomb" {
            assert!(
                matches!(result, Err(ArrivalError::Bomb(_) | ArrivalError::TooMuch { .. })),
                "{}: {result:?}",
                case.name
            );
        }
    }
    let long = format!(r#"{{"name":"a","version":"1.0.0","x":"{}"}}"#, "y".repeat(3 << 20));
    let error = npm("npm:a@1.0.0", &RawTar::new().file("p/package.json", long.as_bytes()).gz()).expect_err("too long");
    assert!(error.to_string().contains("more than 2097152 bytes"), "{error}");
    let extended = RawTar::new().entry(b'x', "h", &vec![b'1'; 300 << 10]).file("p/package.json", b"{}").gz();
    assert!(matches!(npm("npm:a@1.0.0", &extended), Err(ArrivalError::TooMuch { .. })));
    let deep = format!(r#"{{"name":"a","version":"1.0.0","x":{}{}}}"#, "[".repeat(9_000), "]".repeat(9_000));
    assert!(npm("npm:a@1.0.0", &RawTar::new().file("p/package.json", deep.as_bytes()).gz()).is_err());
    for bytes in [&b""[..], b"nonsense", &package.tarball()[..90]] {
        assert!(matches!(npm("npm:a@1.0.0", bytes), Err(ArrivalError::Damaged { .. })));
    }
}

#[test]
fn core_metadata_is_kept_byte_for_byte() {
    let wheel = wheel("My.Server", "1.0").requires("x>=1").requires_python(">=3.10").metadata_line("Author: Zoë");
    let found = read("pypi:my-server@1.0", &wheel.file_name(), &wheel.bytes()).expect("honest").expect("there");
    assert_eq!(found, Metadata { kind: Kind::Pypi, body: wheel.metadata_text() });
    assert_eq!(super::core_metadata::requires_python(&found.body), Some(">=3.10"));
    let source = sdist("My.Server", "1.0").requires_python(">=3.9");
    let found = read("pypi:my-server@1.0.0", &source.file_name(), &source.bytes()).expect("honest").expect("there");
    assert_eq!(super::core_metadata::requires_python(&found.body), Some(">=3.9"), "1.0 and 1.0.0 are one version");
    let old = wheel_with("Name: my-server\nVersion: 1.0\nAuthor: Zo\u{eb}\n".chars().map(|c| c as u8).collect());
    assert_eq!(read("pypi:my-server@1.0", "my_server-1.0-py3-none-any.whl", &old).expect("honest"), None, "Latin-1");
    let nothing = RawTar::new().file("my_server-1.0/setup.py", b"").gz();
    assert_eq!(read("pypi:my-server@1.0", "my_server-1.0.tar.gz", &nothing).expect("old"), None);
}

fn wheel_with(metadata: Vec<u8>) -> Vec<u8> {
    RawZip::new().file("my_server-1.0.dist-info/METADATA", &metadata).finish()
}

#[test]
fn hostile_wheels_are_refused() {
    let file = "my_server-1.0-py3-none-any.whl";
    let refused = |what: &str, bytes: &[u8]| read("pypi:my-server@1.0", file, bytes).expect_err(what);
    let good = b"Name: my-server\nVersion: 1.0\n";
    for (what, text) in [
        ("another name", &b"Name: other\nVersion: 1.0\n"[..]),
        ("another version", b"Name: my-server\nVersion: 1.1\n"),
        ("no version", b"Name: my-server\n\nVersion: 1.0\n"),
        ("absurd numbers", b"Name: my-server\nVersion: 99999999999999999999\n"),
    ] {
        let error = refused(what, &wheel_with(text.to_vec()));
        assert!(matches!(error, ArrivalError::Other { .. } | ArrivalError::Description { .. }), "{what}: {error}");
    }
    let two = RawZip::new().file("a-1.dist-info/METADATA", good).file("b-1.dist-info/METADATA", good).finish();
    assert!(matches!(refused("two", &two), ArrivalError::Ambiguous(_)));
    let vendored = RawZip::new().file("x/b-1.dist-info/METADATA", b"").file("a-1.dist-info/METADATA", good).finish();
    assert!(read("pypi:my-server@1.0", file, &vendored).is_ok(), "what is vendored is not its own");
    let mut behind = wheel_with(good.to_vec());
    behind.extend(b"PK");
    assert!(matches!(refused("something behind", &behind), ArrivalError::Damaged { .. }));
    let big = wheel_with(vec![b'x'; 3 << 20]);
    assert!(refused("too long", &big).to_string().contains("more than 2097152 bytes"));
    for case in hostile_wheels(&wheel("my-server", "1.0")) {
        // Only that it ends: what unpacking would harm is for those who unpack.
        drop(read("pypi:my-server@1.0", file, &case.bytes));
    }
    for cut in 0..wheel_with(good.to_vec()).len() {
        assert!(read("pypi:my-server@1.0", file, &wheel_with(good.to_vec())[..cut]).is_err(), "{cut}");
    }
}

/// An honest wheel after a change of its bytes; `central` and `end` are where these records start.
fn changed(change: impl FnOnce(&mut Vec<u8>, usize, usize)) -> Result<Option<Metadata>, ArrivalError> {
    let mut bytes = wheel_with(b"Name: my-server\nVersion: 1.0\n".to_vec());
    let central = bytes.windows(4).position(|four| four == b"PK\x01\x02").expect("a directory");
    let end = bytes.len() - 22;
    change(&mut bytes, central, end);
    read("pypi:my-server@1.0", "my_server-1.0-py3-none-any.whl", &bytes)
}

#[test]
fn a_wheel_whose_records_disagree_is_refused() {
    assert!(changed(|_, _, _| {}).expect("honest").is_some());
    let damaged = |what: &str, result: Result<Option<Metadata>, ArrivalError>| {
        assert!(matches!(result, Err(ArrivalError::Damaged { .. })), "{what}: {result:?}");
    };
    damaged("encrypted", changed(|bytes, central, _| bytes[central + 8] |= 1));
    damaged("no local header", changed(|bytes, _, _| bytes[2] = 9));
    damaged("another checksum", changed(|bytes, central, _| bytes[central + 16] ^= 1));
    damaged("another length", changed(|bytes, central, _| bytes[central + 24] += 1));
    damaged("zip64", changed(|bytes, _, end| bytes[end + 8..end + 10].fill(0xff)));
    damaged("a comment that is not there", changed(|bytes, _, end| bytes[end + 20] = 1));
    let ambiguous = |what: &str, result: Result<Option<Metadata>, ArrivalError>| {
        assert!(matches!(result, Err(ArrivalError::Ambiguous(_))), "{what}: {result:?}");
    };
    ambiguous("another name", changed(|bytes, _, _| bytes[30] ^= 1));
    ambiguous("another method", changed(|bytes, _, _| bytes[8] ^= 8));
    ambiguous("something before the end", changed(|bytes, _, end| drop(bytes.splice(end..end, *b"PK\x05\x05"))));
    let mut long = vec![0; (32 << 20) + 1];
    let size = u32::try_from(long.len()).expect("small").to_le_bytes();
    long.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    long.extend(size);
    long.extend([0; 6]);
    let refused = read("pypi:my-server@1.0", "my_server-1.0-py3-none-any.whl", &long).expect_err("too long");
    assert!(matches!(refused, ArrivalError::TooMuch { .. }), "{refused}");
}

#[test]
fn a_tarball_that_says_something_twice_is_refused() {
    let honest = br#"{"name":"a","version":"1.0.0"}"#;
    let two_paths =
        RawTar::new().pax(&[("path", "package/other"), ("path", "package/package.json")]).file("package/x", honest);
    let two_long = RawTar::new()
        .entry(b'L', "././@LongLink", b"package/other\0")
        .entry(b'L', "././@LongLink", b"package/package.json\0")
        .file("package/x", honest);
    let sparse = RawTar::new().entry(b'S', "package/x", b"").file("package/package.json", honest);
    for (what, tar) in [("two paths", two_paths), ("two long names", two_long), ("a sparse file", sparse)] {
        let error = npm("npm:a@1.0.0", &tar.gz()).expect_err(what);
        assert!(matches!(error, ArrivalError::Ambiguous(_)), "{what}: {error}");
    }
    let info = b"Name: my-server\nVersion: 1.0\n";
    for tar in [
        RawTar::new().file("a-1/PKG-INFO", info).file("b-1/PKG-INFO", info),
        RawTar::new().special(b'2', "a-1/PKG-INFO", "/etc/passwd"),
    ] {
        let error = read("pypi:my-server@1.0", "my_server-1.0.tar.gz", &tar.gz()).expect_err("ambiguous");
        assert!(matches!(error, ArrivalError::Ambiguous(_)), "{error}");
    }
}

#[test]
fn lists_and_texts_of_strangers_end() {
    let many: serde_json::Map<String, Value> = (0..5_001).map(|n| (format!("p{n}"), json!("1"))).collect();
    let package = npm_package("a", "1.0.0");
    let error =
        npm("npm:a@1.0.0", &package.clone().field("dependencies", many.into()).tarball()).expect_err("too many");
    assert!(error.to_string().contains("more than 5000 entries"), "{error}");
    let long = package.clone().field("description", json!("x".repeat(2_000)));
    let record = npm("npm:a@1.0.0", &long.tarball()).expect("honest");
    assert_eq!(record["description"].as_str().map(str::len), Some(1_000));
    let mut full = package.field("directories", json!({ "bin": "cmd" }));
    for n in 0..1_010 {
        full = full.file(&format!("cmd/c{n}"), b"");
    }
    let record = npm("npm:a@1.0.0", &full.tarball()).expect("honest");
    assert_eq!(record["bin"].as_object().map(serde_json::Map::len), Some(1_000));
    // What no database keeps as text is not kept.
    let nul = wheel_with(b"Name: my-server\nVersion: 1.0\nAuthor: a\0b\n".to_vec());
    assert_eq!(read("pypi:my-server@1.0", "my_server-1.0-py3-none-any.whl", &nul).expect("readable"), None);
}
