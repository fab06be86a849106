//! The document of every address (OpenAPI 3.1), for generators, testers and readers: `GET /api/openapi.json`.
//!
//! It is written by hand, a file for each face in `openapi/`; tests hold it against the router (nothing in one that is not in the
//! other) and against the answers. What any address may answer (a missing token, too many requests, a database that is down) is
//! added here, so that the files need not repeat it.
use std::sync::OnceLock;

use axum::{Router, response::Response, routing::get};
use http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::{app::App, conditional, error::ApiError};

const MAIN: &str = include_str!("../../openapi/main.json");
/// The faces, in the order of the document.
const FACES: [&str; 8] = [
    include_str!("../../openapi/approvals.json"),
    include_str!("../../openapi/push.json"),
    include_str!("../../openapi/npm.json"),
    include_str!("../../openapi/pypi.json"),
    include_str!("../../openapi/servers.json"),
    include_str!("../../openapi/policy.json"),
    include_str!("../../openapi/pages.json"),
    include_str!("../../openapi/operation.json"),
];
/// What any address may answer.
const ANYWHERE: [&str; 5] = ["401", "403", "408", "429", "503"];

/// Its address.
pub fn router() -> Router<App> {
    Router::new().route("/api/openapi.json", get(document))
}

async fn document(headers: HeaderMap) -> Result<Response, ApiError> {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = match TEXT.get() {
        Some(text) => text,
        None => {
            let made = whole().map_err(|why| ApiError::bug(&why))?;
            TEXT.get_or_init(|| made.to_string())
        }
    };
    Ok(conditional::whole(&headers, "application/json", false, text.as_str()))
}

/// The document: the main file with the paths and schemas of all faces.
fn whole() -> Result<Value, String> {
    let read = |text: &str| serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
    let mut main = read(MAIN)?;
    let mut paths = Map::new();
    for face in FACES {
        let mut face = read(face)?;
        for (path, mut item) in taken(&mut face, "paths")? {
            for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
                everywhere(operation);
            }
            if paths.insert(path.clone(), item).is_some() {
                return Err(format!("{path} is there twice"));
            }
        }
        for kind in ["schemas", "parameters"] {
            let all = &mut main["components"][kind];
            for (name, part) in taken(&mut face, kind)? {
                if std::mem::replace(&mut all[&name], part) != Value::Null {
                    return Err(format!("{name} is there twice"));
                }
            }
        }
    }
    main["paths"] = paths.into();
    Ok(main)
}

fn taken(face: &mut Value, kind: &str) -> Result<Map<String, Value>, String> {
    match face[kind].take() {
        Value::Object(map) => Ok(map),
        _ => Err(format!("a face without {kind}")),
    }
}

fn everywhere(operation: &mut Value) {
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for status in ANYWHERE {
        responses.entry(status).or_insert_with(|| json!({ "$ref": "#/components/responses/Error" }));
    }
}

#[cfg(test)]
mod drift;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reference_leads_somewhere_and_every_part_is_used() {
        let document = whole().expect("a document");
        let text = document.to_string();
        let mut used = BTreeSet::new();
        for rest in text.split("\"$ref\":\"#").skip(1) {
            let pointer = rest.split('"').next().expect("a pointer");
            assert!(document.pointer(pointer).is_some(), "{pointer}");
            used.insert(pointer.to_owned());
        }
        for kind in ["schemas", "parameters", "responses"] {
            for name in document["components"][kind].as_object().expect(kind).keys() {
                assert!(used.contains(&format!("/components/{kind}/{name}")), "{kind}/{name} is not used");
            }
        }
    }

    #[test]
    fn operations_are_complete_and_named_once() {
        let document = whole().expect("a document");
        let tags: BTreeSet<_> =
            document["tags"].as_array().expect("tags").iter().map(|tag| &tag["name"]).map(Value::to_string).collect();
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            let names: BTreeSet<&str> =
                path.split('{').skip(1).map(|rest| rest.split('}').next().expect("a name")).collect();
            for (method, operation) in item.as_object().expect("operations") {
                let what = format!("{method} {path}");
                assert!(ids.insert(operation["operationId"].to_string()), "{what}");
                assert!(operation["summary"].is_string() && tags.contains(&operation["tags"][0].to_string()), "{what}");
                let given: Vec<Value> = operation["parameters"].as_array().cloned().unwrap_or_default();
                let resolved = given.iter().map(|one| match one["$ref"].as_str() {
                    Some(pointer) => document.pointer(&pointer[1..]).expect("checked above"),
                    None => one,
                });
                let in_path: BTreeSet<&str> =
                    resolved.filter(|one| one["in"] == "path").map(|one| one["name"].as_str().expect("name")).collect();
                assert_eq!(in_path, names, "{what}");
                for wanted in operation["security"].as_array().into_iter().flatten() {
                    assert!(operation["responses"].get("401").is_some(), "{what}: {wanted}");
                }
            }
        }
    }
}
