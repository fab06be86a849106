//! The mirror beside verdaccio and pypiserver, asked by `wrk`. Prints a table and asserts only that every answer was one;
//! `benches/compare/registry.sh` installs the others and runs it.
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use mcpsec_testkit::{NpmPackage, npm_package, wheel};
use serde_json::{Map, Value, json};

use crate::{
    bench::{Measured, Watched, copied, wrk},
    mirror_world::{Mirror, Packed, packed, put},
};

/// `count` versions whose records have some 4 kB each: zod's packument has 4.4 MB, and nothing but dependencies is in both servers'.
fn versions(name: &str, count: usize) -> Vec<NpmPackage> {
    let one = |n: usize| {
        let package = npm_package(name, &format!("1.0.{n}"));
        (0..90).fold(package, |package, dep| package.dep(&format!("@bench-scope/some-dependency-{dep}"), "^10.20.30"))
    };
    (0..count).map(one).collect()
}

/// Puts packages into verdaccio's storage as it would keep them after `npm publish`.
fn publish(storage: &Path, packages: &[NpmPackage]) {
    let name = packages[0].name();
    let folder = storage.join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    let (mut all, mut attached) = (Map::new(), Map::new());
    for package in packages {
        let bytes = package.tarball();
        let mut record = package.record(&bytes);
        record["dist"]["tarball"] = format!("http://localhost/{name}/-/{}", package.file_name()).into();
        record.insert("_id".to_owned(), format!("{name}@{}", package.version()).into());
        attached.insert(package.file_name(), json!({ "shasum": record["dist"]["shasum"] }));
        put(folder.join(package.file_name()), bytes).expect("written");
        all.insert(package.version().to_owned(), Value::Object(record));
    }
    let latest = packages.last().expect("a version").version();
    let manifest = json!({ "_id": name, "name": name, "_rev": "1-0", "readme": "", "users": {}, "_uplinks": {}, "_distfiles": {},
        "dist-tags": { "latest": latest }, "versions": all, "_attachments": attached, "time": {} });
    put(folder.join("package.json"), manifest.to_string()).expect("written");
}

/// Who is asked for what.
struct Target<'a> {
    name: &'a str,
    processes: Watched,
    url: String,
}

/// Three runs against each, in turns, so that whatever else the machine does hits all of them; the middle one counts.
fn compare(what: &str, seconds: &str, targets: &[Target<'_>]) {
    let mut runs: Vec<Vec<Measured>> = targets.iter().map(|_| Vec::new()).collect();
    for _ in 0..3 {
        for (target, runs) in targets.iter().zip(&mut runs) {
            runs.push(wrk(seconds, &target.url));
        }
    }
    let medians: Vec<Measured> = runs.into_iter().map(Measured::median).collect();
    for (target, one) in targets.iter().zip(&medians) {
        eprintln!(
            "{what:<24} {:<16} {:>9.0} req/s {:>7.0} MiB/s  p99 {:>8.2} ms  {}  1 : {:.1}",
            target.name,
            one.requests,
            one.bytes / 1_048_576.0,
            one.p99,
            target.processes.shown(),
            medians[0].requests / one.requests,
        );
    }
}

/// The kernel's own copying of one file from the page cache into another file, over and over.
fn copying(file: &Path, seconds: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let long = Duration::from_secs(seconds.parse().expect("seconds"));
    let (mut took, mut bytes) = (Duration::ZERO, 0);
    while took < long {
        let (time, copied) = copied(&[file.to_owned()], folder.path());
        (took, bytes) = (took + time, bytes + copied);
    }
    eprintln!(
        "{:<24} {:<16} {:>23.0} MiB/s",
        "584 kB file",
        "copy_file_range",
        bytes as f64 / took.as_secs_f64() / 1_048_576.0
    );
}

#[expect(clippy::disallowed_methods, reason = "the script hands over where it installed the others")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[test]
#[ignore = "bench: benches/compare/registry.sh runs it"]
fn bench_beside_verdaccio_and_pypiserver() {
    let others = PathBuf::from(told("MCPSEC_BENCH_OTHERS").expect("run it through benches/compare/registry.sh"));
    let seconds = told("MCPSEC_BENCH_SECONDS").unwrap_or_else(|| "10".to_owned());
    // Ours: the rate limit is lifted, since one client stands for many.
    let mirror = Mirror::with(&["--limits-rate", "0"]);
    let tarball = |name: &str, length| npm_package(name, "1.0.0").file("noise.bin", &crate::pushing::noise(length));
    let tarballs = [("bench-tarball", 584_000), ("bench-big", 20_000_000)];
    let mut npm = vec![versions("bench-large", 1_050), versions("bench-small", 6)];
    npm.extend(tarballs.map(|(name, length)| vec![tarball(name, length)]));
    let wheels: Vec<_> = (0..60).map(|n| wheel("bench-index", &format!("1.{n}")).requires_python(">=3.8")).collect();
    let mut files: Vec<Packed> = vec![Packed::from(&npm_package("bench", "1.0.0"))];
    files.extend(npm.iter().flatten().map(Packed::from));
    mirror.vet("bench", &files);
    let python: Vec<Packed> =
        wheels.iter().enumerate().map(|(n, wheel)| packed(&format!("pypi:bench-index@1.{n}"), wheel)).collect();
    mirror.vet("index", &python);
    // Theirs: the same bytes.
    let storage = others.join("storage");
    npm.iter().for_each(|packages| publish(&storage, packages));
    let folder = others.join("wheels");
    std::fs::create_dir_all(&folder).expect("a folder");
    python.iter().for_each(|one| put(folder.join(&one.file), &one.bytes).expect("written"));
    let ours = |path: &str| Target {
        name: "mcpsec-registry",
        processes: Watched::one(mirror.world.server.id()),
        url: mirror.url(path),
    };
    let other = |name, variable: &str, path: &str| {
        let text = told(variable)?;
        let (ids, address) = text.split_once('@').expect("IDS@ADDRESS");
        Some(Target { name, processes: Watched::parse(ids), url: format!("{address}{path}") })
    };
    for name in ["bench-large", "bench-small"] {
        let theirs = other("verdaccio", "MCPSEC_BENCH_VERDACCIO", &format!("/{name}")).expect("verdaccio runs");
        compare(&format!("{name} packument"), &seconds, &[ours(&format!("/npm/{name}")), theirs]);
    }
    for (name, length) in tarballs {
        let path = format!("{name}/-/{name}-1.0.0.tgz");
        let mut targets = vec![ours(&format!("/npm/{path}"))];
        targets.extend(other("verdaccio", "MCPSEC_BENCH_VERDACCIO", &format!("/{path}")));
        targets.extend(other("nginx, sendfile", "MCPSEC_BENCH_NGINX", &format!("/{name}/{name}-1.0.0.tgz")));
        compare(&format!("{} kB tarball", length / 1000), &seconds, &targets);
    }
    copying(&storage.join("bench-tarball/bench-tarball-1.0.0.tgz"), &seconds);
    let theirs = other("pypiserver", "MCPSEC_BENCH_PYPISERVER", "/simple/bench-index/").expect("pypiserver runs");
    compare("simple index", &seconds, &[ours("/pypi/simple/bench-index/"), theirs]);
}
