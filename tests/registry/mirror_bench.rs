//! The mirror beside verdaccio and pypiserver, asked by `wrk`. Prints a table and asserts only that every answer was one;
//! `benches/compare/registry.sh` installs the others and runs it.
use std::path::{Path, PathBuf};

use mcpsec_testkit::{NpmPackage, npm_package, program, service::Service, wheel};
use serde_json::{Map, Value, json};

use crate::mirror_world::{Mirror, Packed, packed, put};

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

struct Bench {
    seconds: String,
}

impl Bench {
    fn measure(&self, what: &str, process: u32, url: &str) {
        let wrk = program::find("wrk").expect("wrk is on PATH");
        let done = program::run(&wrk, &["-t2", "-c16", &format!("-d{}s", self.seconds), "--latency", url], &[]);
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert_eq!(done.code, Some(0), "{said}");
        assert!(!said.contains("Non-2xx"), "{what}: {said}");
        let value = |key: &str| {
            said.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim).unwrap_or("?").to_owned()
        };
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("/proc");
        let memory =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")).map(str::trim).unwrap_or("?").to_owned();
        eprintln!(
            "{what:<40} {:>10} req/s {:>10}/s  p99 {:>9}  {memory}",
            value("Requests/sec:"),
            value("Transfer/sec:"),
            value("99%")
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "the script hands over where it installed the others")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[test]
#[ignore = "bench: benches/compare/registry.sh runs it"]
fn bench_beside_verdaccio_and_pypiserver() {
    let others = PathBuf::from(told("MCPSEC_BENCH_OTHERS").expect("run it through benches/compare/registry.sh"));
    let bench = Bench { seconds: told("MCPSEC_BENCH_SECONDS").unwrap_or_else(|| "10".to_owned()) };
    // Ours: the rate limit is lifted, since one client stands for many.
    let mirror = Mirror::with(&["--limits-rate", "0"]);
    let tarball = npm_package("bench-tarball", "1.0.0").file("noise.bin", &crate::pushing::noise(584_000));
    let npm = [versions("bench-large", 1_050), versions("bench-small", 6), vec![tarball]];
    let wheels: Vec<_> = (0..60).map(|n| wheel("bench-index", &format!("1.{n}")).requires_python(">=3.8")).collect();
    let mut files: Vec<Packed> = vec![Packed::from(&npm_package("bench", "1.0.0"))];
    files.extend(npm.iter().flatten().map(Packed::from));
    mirror.vet("bench", &files);
    let python: Vec<Packed> =
        wheels.iter().enumerate().map(|(n, wheel)| packed(&format!("pypi:bench-index@1.{n}"), wheel)).collect();
    mirror.vet("index", &python);
    // Theirs: the same bytes.
    npm.iter().for_each(|packages| publish(&others.join("storage"), packages));
    let folder = others.join("wheels");
    std::fs::create_dir_all(&folder).expect("a folder");
    python.iter().for_each(|one| put(folder.join(&one.file), &one.bytes).expect("written"));
    let verdaccio = told("MCPSEC_BENCH_VERDACCIO").expect("its process");
    let pypiserver = told("MCPSEC_BENCH_PYPISERVER").expect("its process");
    let id = |text: &str| text.split('@').next().and_then(|id| id.parse::<u32>().ok()).expect("ID@ADDRESS");
    let url = |text: &str| text.split_once('@').expect("ID@ADDRESS").1.to_owned();
    let ours: &Service = &mirror.world.server;
    for name in ["bench-large", "bench-small"] {
        bench.measure(&format!("{name} packument, mcpsec-registry"), ours.id(), &mirror.url(&format!("/npm/{name}")));
        bench.measure(&format!("{name} packument, verdaccio"), id(&verdaccio), &format!("{}/{name}", url(&verdaccio)));
    }
    let path = "bench-tarball/-/bench-tarball-1.0.0.tgz";
    bench.measure("584 kB tarball, mcpsec-registry", ours.id(), &mirror.url(&format!("/npm/{path}")));
    bench.measure("584 kB tarball, verdaccio", id(&verdaccio), &format!("{}/{path}", url(&verdaccio)));
    let path = "simple/bench-index/";
    bench.measure("simple index, mcpsec-registry", ours.id(), &mirror.url(&format!("/pypi/{path}")));
    bench.measure("simple index, pypiserver", id(&pypiserver), &format!("{}/{path}", url(&pypiserver)));
}
