//! The Python side of the mirror, asked by hand and by pip itself.
use mcpsec_model::{digest::Digest, evidence::Documents};
use mcpsec_testkit::{program::find, sdist, wheel};
use serde_json::json;

use crate::mirror_world::{Laptop, Mirror, Packed, packed, put};

const JSON: (&str, &str) =
    ("Accept", "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01");

/// A server with a dependency that has a wheel and a source distribution.
fn closure() -> [Packed; 3] {
    let server = wheel("Team.Server", "1.0")
        .requires("tidy-part>=2")
        .requires_python(">=3.8,<9")
        .entry_point("go", "team_server:main")
        .file("team_server/__init__.py", b"import tidy_part\ndef main():\n    print('went', tidy_part.WORD)\n");
    let part = wheel("tidy-part", "2.1").file("tidy_part/__init__.py", b"WORD = 'tidy'\n");
    let source = sdist("tidy-part", "2.1").requires_python(">=3.7");
    [
        packed("pypi:team-server@1.0", &server),
        packed("pypi:tidy-part@2.1", &part),
        Packed::new("pypi:tidy-part@2.1", &source.file_name(), source.bytes()),
    ]
}

#[test]
fn the_index_lists_vetted_files_in_both_forms() {
    let mirror = Mirror::new();
    let files = closure();
    mirror.vet("go", &files);
    mirror.request("waits", &[packed("pypi:waiting@1.0", &wheel("waiting", "1.0"))]);
    let list = mirror.get_with("/pypi/simple/", &[JSON]);
    assert_eq!(list.header("content-type"), Some("application/vnd.pypi.simple.v1+json"));
    assert_eq!(list.json()["projects"], json!([{ "name": "team-server" }, { "name": "tidy-part" }]));
    let page = mirror.get_with("/pypi/simple/team-server/", &[JSON]).json();
    let file = &page["files"][0];
    assert_eq!((&page["name"], &page["versions"]), (&json!("team-server"), &json!(["1.0"])));
    assert_eq!(file["filename"], "team_server-1.0-py3-none-any.whl");
    assert_eq!(file["hashes"], json!({ "sha256": files[0].sha256() }));
    assert_eq!((&file["requires-python"], &file["size"]), (&json!(">=3.8,<9"), &json!(files[0].bytes.len())));
    let link = file["url"].as_str().expect("a link").strip_prefix("../../").expect("relative");
    let path = format!("/pypi/{link}");
    assert!(mirror.get(&path).body == files[0].bytes);
    let text = mirror.get(&format!("{path}.metadata"));
    assert_eq!(file["core-metadata"]["sha256"], Digest::sha256_of(&text.body).to_hex(), "PEP 658");
    assert!(text.text().contains("Requires-Dist: tidy-part>=2"));
    let part = mirror.get_with(&path, &[("Range", "bytes=-22")]);
    assert_eq!((part.status, part.body == files[0].bytes[files[0].bytes.len() - 22..]), (206, true));
    let html = mirror.get("/pypi/simple/tidy-part/");
    assert_eq!(html.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(html.text().contains("tidy_part-2.1.tar.gz</a>") && html.text().contains("&gt;=3.7"), "{}", html.text());
    let sdist = format!("/pypi/files/{}/{}.metadata", files[2].sha256(), files[2].file);
    assert_eq!(mirror.get(&sdist).status, 404, "only wheels promise that it holds");
    for asked in ["*/*", "text/html", "application/vnd.pypi.simple.v1+json;q=0.1, text/html"] {
        let answer = mirror.get_with("/pypi/simple/", &[("Accept", asked)]);
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{asked}");
    }
}

#[test]
fn other_spellings_of_a_name_lead_to_the_one() {
    let mirror = Mirror::new();
    mirror.vet("go", &closure());
    for path in ["Team.Server/", "team_server", "TEAM--SERVER/", "team-server"] {
        let answer = mirror.get(&format!("/pypi/simple/{path}"));
        assert_eq!((answer.status, answer.header("location")), (308, Some("/pypi/simple/team-server/")), "{path}");
    }
    for path in ["/pypi/simple/waiting/", "/pypi/simple/no.such-thing/", "/pypi/simple/-/", "/pypi/simple/a%2fb/"] {
        assert_eq!(mirror.get(path).status, 404, "{path}");
    }
}

#[test]
fn provenance_is_handed_on() {
    let mirror = Mirror::new();
    let files = closure();
    mirror.vet("go", &files);
    let text = r#"{"version": 1, "attestation_bundles": [ ]}"#;
    mirror.evidence(&files[0], &Documents { offered: true, attestations: Some(text.to_owned()), ..Default::default() });
    let page = mirror.get_with("/pypi/simple/team-server/", &[JSON]).json();
    let url = page["files"][0]["provenance"].as_str().expect("announced (PEP 740)");
    let answer = mirror.get(url.strip_prefix(&mirror.url("")).expect("here"));
    assert_eq!((answer.status, answer.text()), (200, text));
    let page = mirror.get_with("/pypi/simple/tidy-part/", &[JSON]).json();
    assert_eq!(page["files"][0].get("provenance"), None);
    let none = format!("/pypi/integrity/tidy-part/2.1/{}/provenance", files[1].file);
    assert_eq!(mirror.get(&none).status, 404);
}

#[test]
fn pip_installs_from_it_and_from_nowhere_else() {
    let mirror = Mirror::new();
    if find("python3").is_none() {
        eprintln!("skipped: python3 is not on PATH");
        return;
    }
    let laptop = Laptop::new();
    let files = closure();
    mirror.vet("go", &files);
    let folder = laptop.folder("pip");
    if laptop.run(&folder, "python3 -m pip --version").code != Some(0) {
        eprintln!("skipped: python3 has no pip");
        return;
    }
    let hashes: String = files[..2]
        .iter()
        .map(|file| format!("{}=={} --hash=sha256:{}\n", file.id.name(), file.id.version(), file.sha256()))
        .collect();
    put(folder.join("requirements.txt"), hashes).expect("written");
    let index = mirror.url("/pypi/simple/");
    let pip =
        format!("python3 -m pip install --isolated --disable-pip-version-check --no-cache-dir --index-url {index}");
    laptop.succeeds(&folder, &format!("{pip} --require-hashes --only-binary :all: --target here -r requirements.txt"));
    let went = laptop.succeeds(&folder, "PYTHONPATH=here python3 -c 'import team_server; team_server.main()'");
    assert_eq!(went, "went tidy\n");
    let said = laptop.run(&folder, &format!("{pip} -vv --only-binary :all: --target there Team.Server"));
    assert_eq!(said.code, Some(0), "{said:?}");
    let refused = laptop.run(&folder, &format!("{pip} --target nowhere requests"));
    assert_ne!(refused.code, Some(0));
}
