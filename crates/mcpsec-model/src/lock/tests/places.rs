//! Lines of servers, packages and texts.
use super::samples;
use crate::{
    lock::Places,
    manifest::{Kind, Subject},
};

/// The line that a number names.
fn line(text: &str, number: Option<u32>) -> &str {
    let number = usize::try_from(number.expect("a line")).expect("small");
    text.lines().nth(number - 1).expect("in the text")
}

#[test]
fn every_server_package_and_text_is_found_where_it_stands() {
    for (name, lock) in samples::goldens() {
        let text = lock.to_text();
        let places = Places::of(&text);
        for server in lock.servers.values() {
            let own = server.name.as_str();
            let at = places.server(own).expect("the server");
            assert_eq!(line(&text, Some(at)), "[[server]]", "{name}");
            assert_eq!(line(&text, Some(at + 1)), format!("name = \"{own}\""), "{name}");
            let Some(captured) = server.told.captured() else { continue };
            for kind in Kind::ALL {
                let mut seen = std::collections::BTreeSet::new();
                // Of two entries of one name the first is found.
                for entry in captured.manifest.entries(kind).iter().filter(|entry| seen.insert(entry.name())) {
                    let subject = Subject::entry(kind, entry.name());
                    let at = places.find(Some(own), subject.as_str());
                    assert_eq!(line(&text, at), format!("[[server.manifest.{kind}]]"), "{name}: {subject}");
                    let described = entry.get("description").is_some_and(serde_json::Value::is_string);
                    let at = places.find(Some(own), subject.at("description").as_str());
                    assert_eq!(line(&text, at).starts_with("description = "), described, "{name}: {subject}");
                    let deep = subject.at("inputSchema").at("properties").at("x");
                    let schema = entry.get("inputSchema").is_some();
                    let found = line(&text, places.find(Some(own), deep.as_str()));
                    assert_eq!(found.starts_with("input-schema = "), schema, "{name}: {subject}");
                }
            }
        }
        for id in lock.packages.keys().map(ToString::to_string) {
            let at = places.package(&id).expect("the package");
            assert_eq!(line(&text, Some(at)), "[[package]]", "{name}");
            assert_eq!(line(&text, Some(at + 1)), format!("id = \"{id}\""), "{name}");
            assert_eq!(places.find(None, &format!("{id}/lib/index.js")), Some(at));
            assert_eq!(places.find(None, &format!("{id} lib/index.js")), Some(at));
        }
    }
}

#[test]
fn what_is_nowhere_is_at_its_server_or_nowhere() {
    let text = samples::locked(vec![samples::npm()]).to_text();
    let places = Places::of(&text);
    let name = text.lines().find_map(|line| line.strip_prefix("name = ")).expect("a server").trim_matches('"');
    assert_eq!(places.find(Some(name), "npm:nobody@1.0.0"), places.server(name));
    assert_eq!(places.find(None, "npm:nobody@1.0.0"), None);
    assert_eq!(places.find(None, name), places.server(name));
    assert_eq!(places.find(None, ""), None);
}

#[test]
fn texts_of_strangers_cannot_pose_as_tables() {
    let text = "[[server]]\nname = \"a\"\n\n[server.manifest]\ninstructions = [\n  \"[[package]]\",\n  \"id = 1\",\n]\n\
                server-info = '''\n  [[server]]\n'''\n\n[[server.manifest.tool]]\nname = 'say \"x\"'\n\n\
                [[server.manifest.tool]]\nname = [\n  \"two\",\n  \"lines\",\n]\ndescription = \"d\"\n";
    let places = Places::of(text);
    assert_eq!((places.server("a"), places.package("1")), (Some(1), None));
    assert_eq!(places.find(Some("a"), "server/instructions"), Some(5));
    assert_eq!(places.find(Some("a"), "tool:say \"x\""), Some(13));
    assert_eq!(places.find(Some("a"), Subject::entry(Kind::Tool, "two\nlines").at("description").as_str()), Some(21));
    for cut in 0..text.len() {
        let _no_panic = Places::of(&text[..cut]);
    }
}
