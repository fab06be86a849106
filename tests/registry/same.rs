//! The same twice: one approval and several locks that it covers, one file and several names of it.
use mcpsec_model::{digest::Digest, evidence::Pinned};
use mcpsec_testkit::{archives::tar::RawTar, npm_package, wheel};
use serde_json::json;

use crate::{
    mirror_world::{Mirror, Packed, lock, packed},
    pushing::{Team, left},
};

fn digest_of(text: &str) -> String {
    Digest::sha256_of(text.as_bytes()).to_string()
}

/// The lock of a team in words that its approval does not cover.
fn reworded(team: &Team, at: &str) -> String {
    team.edited(|lock| {
        for server in lock.servers.values_mut() {
            server.as_of = Some(at.parse().expect("a time"));
        }
        for package in lock.packages.values_mut() {
            package.evidence = if package.evidence == Pinned::Nothing { Pinned::Stripped } else { Pinned::Nothing };
        }
    })
}

fn shown(team: &Team) -> Vec<String> {
    let releases = team.get("/api/v1/releases").is(200).json();
    let all = releases["releases"].as_array().expect("releases");
    all.iter().map(|one| one["lock"].as_str().expect("a digest").to_owned()).collect()
}

#[test]
fn of_what_one_approval_covers_the_first_lock_is_shown() {
    let Some(team) = Team::new(&[]) else { return };
    team.approve();
    team.push_all("");
    let (own, other) = (team.lock(), reworded(&team, "2030-01-01T00:00:00Z"));
    assert_ne!(own, other);
    let path = format!("/api/v1/locks/{}", digest_of(&other));
    let taken = team.put(&path, other.clone()).is(200).json();
    assert_eq!((&taken["status"], &taken["missing"]), (&json!("vetted"), &json!([])), "nothing is wrong with it");
    assert_eq!(String::from_utf8_lossy(&team.get(&path).is(200).body), other, "what was acknowledged is there");
    assert_eq!(shown(&team), [digest_of(&own)], "nobody put other words beside what was vetted");
    for page in ["/".to_owned(), "/servers/files".to_owned(), format!("/servers/files/{}", digest_of(&own))] {
        let page = String::from_utf8(team.get(&page).is(200).body).expect("UTF-8");
        assert!(!page.contains(&digest_of(&other)[..19]), "{page}");
    }
    assert_eq!(team.get(&format!("/servers/files/{}", digest_of(&other))).status, 404);
    let listed = team.get("/v0.1/servers").is(200).json();
    assert_eq!(listed["servers"].as_array().map(Vec::len), Some(1));
    assert!(listed.to_string().contains(&digest_of(&own)) && !listed.to_string().contains(&digest_of(&other)));
    for (digest, bytes) in team.tarballs() {
        assert_eq!(team.anonymous(&format!("/api/v1/artifacts/{digest}")).is(200).body, bytes);
    }
}

#[test]
fn words_that_came_as_a_request_give_way_to_those_that_came_approved() {
    let Some(team) = Team::new(&[]) else { return };
    let mut asked = Vec::new();
    for minute in 10..26 {
        let text = reworded(&team, &format!("2030-01-01T00:{minute}:00Z"));
        asked.push(digest_of(&text));
        let _asked = team.put(&format!("/api/v1/locks/{}?request=1", digest_of(&text)), text).is(200);
    }
    team.approve();
    let [one] = shown(&team).try_into().expect("one of them stands for all");
    assert!(asked.contains(&one), "there is no other");
    team.push_all("");
    assert_eq!(shown(&team), [digest_of(&team.lock())]);
    assert_eq!(team.status(), "vetted");
}

#[test]
fn locks_of_the_same_do_not_fill_the_database() {
    let Some(team) = Team::new(&[]) else { return };
    team.approve();
    let _taken = team.put_lock("").is(200);
    let mut refused = 0;
    for second in 0..102 {
        let text = reworded(&team, &format!("2030-01-01T00:{:02}:{:02}Z", second / 60, second % 60));
        let answer = team.put(&format!("/api/v1/locks/{}", digest_of(&text)), text);
        if answer.status != 200 {
            answer.refuses(409, "100 locks of exactly this are here already");
            refused += 1;
        }
    }
    assert_eq!(refused, 2);
    let _known = team.put_lock("").is(200);
}

#[test]
fn a_request_that_calls_a_file_wrongly_does_not_keep_it_out() {
    let mirror = Mirror::new();
    let right = Packed::from(&npm_package("left", "1.0.3"));
    let wrong = Packed::new("npm:evil@1.0.3", "evil-1.0.3.tgz", right.bytes.clone());
    mirror.push_lock(&lock("evil", &[wrong]), "?request=1");
    mirror.vet("left", std::slice::from_ref(&right));
    assert_eq!(mirror.get("/npm/left/-/left-1.0.3.tgz").body, right.bytes);
    assert_eq!(mirror.get("/npm/evil").status, 404);
}

#[test]
fn what_is_approved_and_wrong_about_a_file_does_not_arrive() {
    let right = Packed::from(&npm_package("left", "1.0.3"));
    let wrong = Packed::new("npm:evil@1.0.3", "evil-1.0.3.tgz", right.bytes.clone());
    // Asked for, and wrong: nobody else has the file.
    let mirror = Mirror::new();
    mirror.push_lock(&lock("evil", std::slice::from_ref(&wrong)), "?request=1");
    let refused = mirror.push_file(&wrong);
    assert_eq!(refused.status, 422, "{}", refused.text());
    // Approved, and wrong: that somebody asks for it rightly does not make it right.
    let mirror = Mirror::new();
    mirror.approve(&lock("evil", std::slice::from_ref(&wrong)));
    mirror.push_lock(&lock("evil", std::slice::from_ref(&wrong)), "");
    mirror.push_lock(&lock("left", std::slice::from_ref(&right)), "?request=1");
    let refused = mirror.push_file(&right);
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(mirror.get("/npm/evil/-/evil-1.0.3.tgz").status, 404);
}

#[test]
fn one_wheel_is_served_under_each_of_its_names() {
    let mirror = Mirror::new();
    let bytes = wheel("twice", "1.0").requires_python(">=3.9").bytes();
    let names = ["twice-1.0-py3-none-any.whl", "twice-1.0-1-py3-none-any.whl"];
    for (server, name) in ["one", "two"].into_iter().zip(names) {
        mirror.vet(server, &[Packed::new("pypi:twice@1.0", name, bytes.clone())]);
    }
    let sha256 = Digest::sha256_of(&bytes).to_hex();
    let page = mirror.get("/pypi/simple/twice/");
    for name in names {
        let path = format!("/pypi/files/{sha256}/{name}");
        assert_eq!(mirror.get(&path).body, bytes, "{name}");
        let metadata = mirror.get(&format!("{path}.metadata"));
        assert!(metadata.text().contains("Requires-Python: >=3.9"), "{}", metadata.text());
        assert!(page.text().contains(&format!(">{name}<")), "{}", page.text());
    }
    assert_eq!(mirror.get(&format!("/pypi/files/{sha256}/other-1.0-py3-none-any.whl")).status, 404);
}

#[test]
fn one_tarball_is_served_under_each_of_its_names() {
    let mirror = Mirror::new();
    let bytes = left().tarball();
    for (server, file) in [("one", "left-1.0.3.tgz"), ("two", "left-v1.0.3.tgz")] {
        mirror.vet(server, &[Packed::new("npm:left@1.0.3", file, bytes.clone())]);
    }
    for file in ["left-1.0.3.tgz", "left-v1.0.3.tgz"] {
        assert_eq!(mirror.get(&format!("/npm/left/-/{file}")).body, bytes, "{file}");
    }
    assert_eq!(mirror.get("/npm/left/-/left-2.tgz").status, 404);
    assert_eq!(mirror.get("/npm/left").json()["versions"].as_object().map(serde_json::Map::len), Some(1));
}

/// An npm package that is a source distribution, too: whichever comes first, both are served.
#[test]
fn one_file_of_two_ecosystems_is_served_in_both() {
    let bytes = RawTar::new()
        .file("package/package.json", br#"{"name":"both","version":"1.0.0"}"#)
        .file("both-1.0.0/PKG-INFO", b"Metadata-Version: 2.1\nName: both\nVersion: 1.0.0\nRequires-Python: >=3.8\n")
        .gz();
    let npm = Packed::new("npm:both@1.0.0", "both-1.0.0.tgz", bytes.clone());
    let pypi = Packed::new("pypi:both@1.0.0", "both-1.0.0.tar.gz", bytes.clone());
    for order in [[&npm, &pypi], [&pypi, &npm]] {
        let mirror = Mirror::new();
        for one in order {
            mirror.vet(&format!("of-{}", one.id.ecosystem()), std::slice::from_ref(one));
        }
        assert_eq!(mirror.get("/npm/both").json()["dist-tags"]["latest"], "1.0.0");
        assert_eq!(mirror.get("/npm/both/-/both-1.0.0.tgz").body, bytes);
        let sha256 = Digest::sha256_of(&bytes).to_hex();
        assert_eq!(mirror.get(&format!("/pypi/files/{sha256}/both-1.0.0.tar.gz")).body, bytes);
        let page = mirror.get("/pypi/simple/both/");
        assert!(page.text().contains("data-requires-python=\"&gt;=3.8\""), "{}", page.text());
    }
}

/// A lock may pin two digests. No file has those of two files, however many arrived.
#[test]
fn a_file_that_is_two_files_never_arrives() {
    let mirror = Mirror::new();
    let (one, two) = (wheel("one", "1.0"), wheel("two", "1.0"));
    mirror.vet("first", &[packed("pypi:one@1.0", &one)]);
    mirror.vet("second", &[packed("pypi:two@1.0", &two)]);
    let mut both = lock("both", &[packed("pypi:one@1.0", &one)]);
    let digests = [Digest::sha256_of(&one.bytes()), Digest::sha512_of(&two.bytes())].into_iter().collect();
    let (_, server) = both.servers.pop_first().expect("a server");
    let mut packages = std::mem::take(&mut both.packages);
    for package in packages.values_mut() {
        package.artifacts[0].digests = digests;
    }
    let server = mcpsec_model::lock::LockedServer::new(parts_of(&server), &packages).expect("a server");
    both.insert(server, packages.into_iter().collect()).expect("a lock");
    mirror.approve(&both);
    mirror.push_lock(&both, "");
    let releases = mirror.get("/api/v1/releases").json();
    let status = |name: &str| {
        let all = releases["releases"].as_array().expect("releases");
        all.iter().find(|one| one["server"] == name).map(|one| one["status"].clone())
    };
    assert_eq!(status("both"), Some(json!("incomplete")), "{releases}");
    assert_eq!(status("first"), Some(json!("vetted")));
}

/// What a server was made of.
fn parts_of(server: &mcpsec_model::lock::LockedServer) -> mcpsec_model::lock::ServerParts {
    mcpsec_model::lock::ServerParts {
        name: server.name.clone(),
        spec: server.spec.clone(),
        version: server.version.clone(),
        command: server.command.clone(),
        entry: server.entry.clone(),
        as_of: server.as_of,
        overrides: server.overrides.clone(),
        targets: server.targets.clone(),
        closure: server.closure.clone(),
        findings: Vec::new(),
        told: server.told.clone(),
        accepted: Vec::new(),
    }
}

/// A wheel, for the lists of packages whose files come from several servers.
#[test]
fn two_servers_share_a_project() {
    let mirror = Mirror::new();
    mirror.vet("one", &[packed("pypi:shared@1.0", &wheel("shared", "1.0"))]);
    mirror.vet("two", &[packed("pypi:shared@1.1", &wheel("shared", "1.1"))]);
    let page = mirror.get("/pypi/simple/shared/");
    assert!(page.text().contains("shared-1.0-") && page.text().contains("shared-1.1-"), "{}", page.text());
}
