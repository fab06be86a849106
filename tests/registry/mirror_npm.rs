//! The npm side of the mirror, asked by hand and by npm itself.
use mcpsec_model::evidence::{Documents, RegistrySignature};
use mcpsec_testkit::{NpmRegistryKey, npm_package, program::find};
use serde_json::{Value, json};

use crate::mirror_world::{Laptop, Mirror, Packed, put};

const SHORT: (&str, &str) = ("Accept", "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8");

/// A server with a dependency and a scoped one.
fn closure() -> [Packed; 3] {
    let go = "#!/usr/bin/env node\nconsole.log(require('left') + require('@team/right'));\n";
    let server = npm_package("@team/server-go", "1.2.0")
        .dep("left", "^1.0.0")
        .dep("@team/right", "^2.0.0")
        .bin("go", "go.js")
        .file("go.js", go.as_bytes())
        .field("description", json!("goes"));
    let left = npm_package("left", "1.0.3").file("index.js", b"module.exports = 'left ';\n");
    let right = npm_package("@team/right", "2.0.0").file("index.js", b"module.exports = 'right';\n");
    [Packed::from(&server), Packed::from(&left), Packed::from(&right)]
}

#[test]
fn packuments_have_the_vetted_versions_and_no_other() {
    let mirror = Mirror::new();
    let files = closure();
    mirror.vet("go", &files);
    mirror.vet("older", &[Packed::from(&npm_package("left", "1.0.1"))]);
    mirror.vet("next", &[Packed::from(&npm_package("left", "3.0.0-rc.1"))]);
    mirror.request("newer", &[Packed::from(&npm_package("left", "1.1.0"))]);
    let full = mirror.get("/npm/left").json();
    let versions: Vec<&String> = full["versions"].as_object().expect("versions").keys().collect();
    assert_eq!(versions, ["1.0.1", "1.0.3", "3.0.0-rc.1"]);
    assert_eq!(full["dist-tags"], json!({ "latest": "1.0.3" }));
    let dist = &full["versions"]["1.0.3"]["dist"];
    assert_eq!(dist["tarball"], mirror.url("/npm/left/-/left-1.0.3.tgz"));
    assert_eq!(dist["integrity"], files[1].digest().to_sri());
    assert_eq!(dist["shasum"].as_str().map(str::len), Some(40));
    let tarball = mirror.get("/npm/left/-/left-1.0.3.tgz");
    assert_eq!((tarball.status, tarball.body == files[1].bytes), (200, true));
    assert_eq!(tarball.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(tarball.header("cache-control"), Some("public, no-cache"));
}

#[test]
fn the_short_form_is_what_installing_needs() {
    let mirror = Mirror::new();
    mirror.vet("go", &closure());
    for path in ["/npm/@team%2fserver-go", "/npm/@team/server-go", "/npm/%40team%2Fserver-go"] {
        let answer = mirror.get_with(path, &[SHORT]);
        assert_eq!(answer.header("content-type"), Some("application/vnd.npm.install-v1+json"), "{path}");
        let record = &answer.json()["versions"]["1.2.0"];
        assert_eq!(record["dependencies"], json!({ "@team/right": "^2.0.0", "left": "^1.0.0" }));
        assert_eq!((&record["bin"], record.get("description")), (&json!({ "go": "go.js" }), None));
        assert_eq!(record["dist"]["tarball"], mirror.url("/npm/@team/server-go/-/server-go-1.2.0.tgz"));
    }
    for path in ["/npm/@team/server-go/-/server-go-1.2.0.tgz", "/npm/@team%2fserver-go/-/server-go-1.2.0.tgz"] {
        assert_eq!(mirror.get(path).status, 200, "{path}");
    }
    assert_eq!(mirror.get("/npm/@team%2fserver-go/latest").json()["description"], "goes");
    assert_eq!(mirror.get("/npm/-/ping").json(), json!({}));
    assert_eq!(mirror.get("/npm/-/whoami").status, 401);
    assert_eq!(mirror.get("/npm/-/v1/search?text=left").json()["total"], 0);
    assert_eq!(mirror.ask("POST", "/npm/-/npm/v1/security/advisories/bulk", &[], b"{}").status, 405, "nobody looked");
}

#[test]
fn a_client_that_has_it_is_told_so_and_sees_changes_at_once() {
    let mirror = Mirror::new();
    let approval = mirror.vet("go", &closure());
    let first = mirror.get_with("/npm/left", &[SHORT, ("Accept-Encoding", "gzip")]);
    let tag = first.header("etag").expect("a tag").to_owned();
    let again = mirror.get_with("/npm/left", &[SHORT, ("If-None-Match", &tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    mirror.vet("older", &[Packed::from(&npm_package("left", "1.0.1"))]);
    let changed = mirror.get_with("/npm/left", &[SHORT, ("If-None-Match", &tag)]);
    assert_eq!(changed.status, 200);
    assert!(changed.json()["versions"]["1.0.1"].is_object());
    mirror.revoke("go", approval);
    let less = mirror.get_with("/npm/left", &[SHORT]).json();
    assert_eq!(less["versions"].as_object().map(|all| all.len()), Some(1));
    for gone in ["/npm/@team%2fright", "/npm/left/-/left-1.0.3.tgz", "/npm/@team/server-go"] {
        assert_eq!(mirror.get(gone).status, 404, "{gone}");
    }
}

#[test]
fn evidence_of_the_upstream_is_handed_on() {
    let mirror = Mirror::new();
    let files = closure();
    mirror.vet("go", &files);
    let key = NpmRegistryKey::generate();
    let integrity = files[1].digest().to_sri();
    let signature: RegistrySignature = key.sign("left", "1.0.3", &integrity);
    let attestations = r#"{"attestations": [ ]}"#;
    let documents = Documents {
        offered: true,
        signatures: vec![signature.clone()],
        keys: vec![key.public().clone()],
        attestations: Some(attestations.to_owned()),
        published: Some("2025-03-04T05:06:07Z".parse().expect("a time")),
        ..Documents::default()
    };
    mirror.evidence(&files[1], &documents);
    let full = mirror.get("/npm/left").json();
    let dist = &full["versions"]["1.0.3"]["dist"];
    assert_eq!(dist["signatures"], json!([{ "keyid": signature.keyid, "sig": signature.sig }]));
    assert_eq!(full["time"]["1.0.3"], "2025-03-04T05:06:07Z");
    let url = dist["attestations"]["url"].as_str().expect("an address");
    let path = url.strip_prefix(&mirror.url("")).expect("here");
    assert_eq!(mirror.get(path).text(), attestations, "word for word");
    let keys = mirror.get("/npm/-/npm/v1/keys").json();
    let ids: Vec<&Value> = keys["keys"].as_array().expect("keys").iter().map(|key| &key["keyid"]).collect();
    assert_eq!(ids.len(), 3, "npm's two and this one");
    assert!(ids.contains(&&json!(signature.keyid)));
    assert_eq!(mirror.get("/npm/-/npm/v1/attestations/@team%2fright@2.0.0").status, 404, "nobody pushed any");
}

/// npm with a home of its own; `None` where there is none, said.
fn npm(mirror: &Mirror) -> Option<Laptop> {
    if find("npm").is_none() {
        eprintln!("skipped: npm is not on PATH");
        return None;
    }
    let laptop = Laptop::new();
    let settings = format!("registry={}\nfund=false\naudit=false\nupdate-notifier=false\n", mirror.url("/npm/"));
    put(laptop.home.path().join(".npmrc"), settings).expect("settings");
    Some(laptop)
}

#[test]
fn npm_installs_from_it() {
    let mirror = Mirror::new();
    let Some(laptop) = npm(&mirror) else { return };
    mirror.vet("go", &closure());
    let folder = laptop.folder("install");
    put(folder.join("package.json"), r#"{"name":"x","version":"1.0.0"}"#).expect("written");
    laptop.succeeds(&folder, "npm install @team/server-go");
    assert_eq!(laptop.succeeds(&folder, "./node_modules/.bin/go"), "left right\n");
    assert_eq!(laptop.succeeds(&laptop.folder("x"), "npx --yes @team/server-go@1.2.0"), "left right\n");
    let refused = laptop.run(&folder, "npm install zod");
    assert_ne!(refused.code, Some(0));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not vetted here"), "{refused:?}");
}

#[test]
fn npm_ci_takes_files_from_it_whatever_host_the_lock_names() {
    let mirror = Mirror::new();
    let Some(laptop) = npm(&mirror) else { return };
    let files = closure();
    mirror.vet("go", &files);
    let folder = laptop.folder("ci");
    let manifest = json!({ "name": "x", "version": "1.0.0", "dependencies": { "@team/server-go": "1.2.0" } });
    let entry = |file: &Packed, more: Value| {
        let (name, version) = (file.id.name(), file.id.version());
        let mut entry = json!({ "version": version, "integrity": file.digest().to_sri(),
            "resolved": format!("https://registry.elsewhere.invalid/{name}/-/{}", file.file) });
        entry.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        entry
    };
    let lock = json!({ "name": "x", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {
        "": manifest,
        "node_modules/@team/server-go": entry(&files[0], json!({ "bin": { "go": "go.js" },
            "dependencies": { "left": "^1.0.0", "@team/right": "^2.0.0" } })),
        "node_modules/left": entry(&files[1], json!({})),
        "node_modules/@team/right": entry(&files[2], json!({})),
    }});
    put(folder.join("package.json"), manifest.to_string()).expect("written");
    put(folder.join("package-lock.json"), lock.to_string()).expect("written");
    laptop.succeeds(&folder, "npm ci --replace-registry-host=always");
    assert_eq!(laptop.succeeds(&folder, "./node_modules/.bin/go"), "left right\n");
}
