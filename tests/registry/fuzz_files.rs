//! Files of strangers, changed byte by byte inside and outside of their archives: read without panics, and whatever is kept of them is
//! of the package that the lock says.
use std::{io::Write as _, ops::Range};

use mcpsec_model::package::PackageId;
use mcpsec_registry::mirror::arrival::{ArrivalError, Kind, Metadata, metadata};
use mcpsec_testkit::{
    archives::{tar::RawTar, zip::RawZip},
    mutation::{Numbers, mutated},
    npm_package, sdist, wheel,
};
use serde_json::{Value, json};

/// What a record for npm may have.
const MEMBERS: [&str; 15] = [
    "name",
    "version",
    "dependencies",
    "optionalDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "bundleDependencies",
    "engines",
    "os",
    "cpu",
    "bin",
    "libc",
    "deprecated",
    "hasInstallScript",
    "_hasShrinkwrap",
];

fn read(id: &str, file: &str, bytes: &[u8]) -> Result<Option<Metadata>, ArrivalError> {
    let mut kept = tempfile::NamedTempFile::new().expect("a file");
    kept.write_all(bytes).expect("written");
    metadata(&id.parse().expect("an id"), file, kept.path())
}

/// The fields of the header section with this name.
fn fields<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let header = text.trim_start_matches('\u{feff}').lines().take_while(|line| !line.is_empty());
    let pairs = header.filter(|line| !line.starts_with([' ', '\t'])).filter_map(|line| line.split_once(':'));
    pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
}

/// What a reader of the mirror relies on.
fn holds(id: &str, found: &Metadata, seed: u64) {
    let package: PackageId = id.parse().expect("an id");
    match found.kind {
        Kind::Npm => {
            let record: Value =
                serde_json::from_str(&found.body).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!(record["name"], package.name().as_str(), "seed {seed}: {record}");
            assert_eq!(record["version"], package.version(), "seed {seed}: {record}");
            let members = record.as_object().expect("an object").keys();
            let strange: Vec<&String> = members.filter(|name| !MEMBERS.contains(&name.as_str())).collect();
            assert!(strange.is_empty(), "seed {seed}: {strange:?}");
        }
        Kind::Pypi => {
            assert!(!found.body.contains('\0'), "seed {seed}");
            // PEP 503: runs of these three are one dash.
            let plain = |name: &&str| {
                name.to_lowercase().split(['-', '_', '.']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
            };
            let name = fields(&found.body, "Name").first().map(plain);
            assert_eq!(name.as_deref(), Some(package.name().as_str()), "seed {seed}: {}", found.body);
            assert!(!fields(&found.body, "Version").is_empty(), "seed {seed}: {}", found.body);
        }
    }
}

fn storm(seeds: Range<u64>) {
    const NPM: &str = "npm:@s/a@1.0.0";
    const PYPI: &str = "pypi:my-server@1.0";
    let package = npm_package("@s/a", "1.0.0")
        .dep("zod", "^3")
        .optional("fsevents", "^2")
        .optional_peer("react", ">=18")
        .engine("node", ">=18")
        .os(&["!win32"])
        .bin("go", "./cli.js")
        .script("postinstall", "node x")
        .field("directories", json!({ "bin": "./cmd" }));
    let description = json!({
        "name": "@s/a", "version": "1.0.0", "dependencies": { "zod": "^3" }, "optionalDependencies": { "f": "^2" },
        "peerDependencies": { "react": ">=18" }, "peerDependenciesMeta": { "react": { "optional": true } },
        "bundleDependencies": ["zod"], "engines": { "node": ">=18" }, "os": ["!win32"], "cpu": ["x64"], "libc": ["glibc"],
        "bin": { "go": "./bin/../cli.js" }, "scripts": { "install": "node x" }, "directories": { "bin": "cmd" },
    });
    let (description, tarball) = (description.to_string(), package.tarball());
    let wheel = wheel("My.Server", "1.0").requires("x>=1").requires_python(">=3.10").metadata_line("Author: Zo\u{eb}");
    let source = sdist("My.Server", "1.0").requires_python(">=3.9");
    let (text, packed, archive) = (wheel.metadata_text(), wheel.bytes(), source.bytes());
    let (mut kept, mut all) = (0_u64, 0_u64);
    for seed in seeds {
        let mut numbers = Numbers::of(seed);
        // Outside: the archive itself. Inside: the description in a good archive, and the bytes of a tar in a good gzip.
        let tar = |numbers: &mut Numbers| {
            let text = mutated(description.as_bytes(), numbers);
            let good = RawTar::new().file("package/package.json", &text).file("package/cmd/one.js", b"");
            if numbers.below(2) == 0 {
                good.gz()
            } else {
                RawTar::new().raw(&mutated(&plain(&good.gz()), numbers)).gz()
            }
        };
        let zip = |numbers: &mut Numbers| {
            let text = mutated(text.as_bytes(), numbers);
            RawZip::new().file("my_server-1.0.dist-info/METADATA", &text).finish()
        };
        let info = |numbers: &mut Numbers| {
            RawTar::new().file("my_server-1.0/PKG-INFO", &mutated(text.as_bytes(), numbers)).gz()
        };
        let files = [
            (NPM, "a-1.0.0.tgz", mutated(&tarball, &mut numbers)),
            (NPM, "a-1.0.0.tgz", tar(&mut numbers)),
            (PYPI, "my_server-1.0-py3-none-any.whl", mutated(&packed, &mut numbers)),
            (PYPI, "my_server-1.0-py3-none-any.whl", zip(&mut numbers)),
            (PYPI, "my_server-1.0.tar.gz", mutated(&archive, &mut numbers)),
            (PYPI, "my_server-1.0.tar.gz", info(&mut numbers)),
            (PYPI, "my_server-1.0.zip", mutated(&packed, &mut numbers)),
        ];
        for (id, file, bytes) in files {
            all += 1;
            if let Ok(Some(found)) = read(id, file, &bytes) {
                kept += 1;
                holds(id, &found, seed);
            }
        }
    }
    assert!(kept > all / 20 && kept < all * 19 / 20, "{kept} of {all} were kept: the changes do not bite");
}

/// The tar in a gzip.
fn plain(bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut all).expect("a good archive");
    all
}

#[test]
fn whatever_is_kept_of_a_file_is_of_its_package() {
    storm(1..400);
}

#[test]
#[ignore = "long: more than a million files"]
fn whatever_is_kept_of_many_files_is_of_their_package() {
    storm(400..180_000);
}
