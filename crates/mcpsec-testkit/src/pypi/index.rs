//! The pages of a simple index: PEP 503 HTML and PEP 691 JSON, with what PEP 592, 658/714, 700 and 740 add.
use mcpsec_model::digest::Digest;
use serde_json::{Map, Value, json};

use super::{CoreMetadata, Distribution, Serving};

/// Media type of the JSON form.
pub(super) const JSON: &str = "application/vnd.pypi.simple.v1+json";
/// Media type of the HTML form; `text/html` is its alias.
pub(super) const HTML: &str = "application/vnd.pypi.simple.v1+html";

/// The JSON page of a project.
pub(super) fn project_json(name: &str, files: &[Distribution], serving: &Serving, origin: &str) -> Value {
    let mut versions: Vec<&str> = files.iter().map(|file| file.version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    let files: Vec<Value> = files.iter().map(|file| file_json(file, serving, origin)).collect();
    json!({ "meta": { "api-version": serving.api_version }, "name": name, "versions": versions, "files": files })
}

fn file_json(file: &Distribution, serving: &Serving, origin: &str) -> Value {
    let mut entry = Map::new();
    entry.insert("filename".to_owned(), file.file_name.clone().into());
    entry.insert("url".to_owned(), file_url(file, serving, origin).into());
    let hashes = file.sha256.as_ref().map_or_else(|| json!({}), |sha256| json!({ "sha256": sha256 }));
    entry.insert("hashes".to_owned(), hashes);
    if let Some(python) = &file.requires_python {
        entry.insert("requires-python".to_owned(), python.clone().into());
    }
    if serving.sizes
        && let Some(size) = file.size
    {
        entry.insert("size".to_owned(), size.into());
    }
    if serving.upload_times
        && let Some(time) = &file.uploaded
    {
        entry.insert("upload-time".to_owned(), time.clone().into());
    }
    let yanked = match &file.yanked {
        None => json!(false),
        Some(reason) if reason.is_empty() => json!(true),
        Some(reason) => json!(reason),
    };
    entry.insert("yanked".to_owned(), yanked);
    if let Some(sha256) = metadata_hash(file, serving) {
        entry.insert("core-metadata".to_owned(), json!({ "sha256": sha256 }));
    }
    if file.provenance.is_some() {
        entry.insert("provenance".to_owned(), provenance_url(file, origin).into());
    }
    entry.into()
}

/// The HTML page of a project.
pub(super) fn project_html(name: &str, files: &[Distribution], serving: &Serving, origin: &str) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html>\n<head><meta name=\"pypi:repository-version\" content=\"{1}\"><title>Links for {0}</title></head>\n<body>\n<h1>Links for {0}</h1>\n",
        html(name),
        html(&serving.api_version)
    );
    for file in files {
        let hash = file.sha256.as_ref().map(|sha256| format!("#sha256={sha256}")).unwrap_or_default();
        out.push_str(&format!("<a href=\"{}{hash}\"", html(&file_url(file, serving, origin))));
        if let Some(python) = &file.requires_python {
            out.push_str(&format!(" data-requires-python=\"{}\"", html(python)));
        }
        if let Some(reason) = &file.yanked {
            out.push_str(&format!(" data-yanked=\"{}\"", html(reason)));
        }
        if let Some(sha256) = metadata_hash(file, serving) {
            out.push_str(&format!(" data-core-metadata=\"sha256={sha256}\""));
        }
        if file.provenance.is_some() {
            out.push_str(&format!(" data-provenance=\"{}\"", html(&provenance_url(file, origin))));
        }
        out.push_str(&format!(">{}</a><br />\n", html(&file.file_name)));
    }
    out.push_str("</body>\n</html>\n");
    out
}

/// The JSON list of projects.
pub(super) fn projects_json(names: &[&String]) -> Value {
    let projects: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
    json!({ "meta": { "api-version": "1.3" }, "projects": projects })
}

/// The HTML list of projects.
pub(super) fn projects_html(names: &[&String]) -> String {
    let links: String = names.iter().map(|name| format!("<a href=\"/simple/{name}/\">{name}</a><br />\n")).collect();
    format!("<!DOCTYPE html>\n<html><body>\n{links}</body></html>\n")
}

/// Where the provenance of a file is asked for.
pub(super) fn provenance_path(file: &Distribution) -> String {
    format!("/integrity/{}/{}/{}/provenance", super::normalized(&file.name), file.version, file.file_name)
}

/// The address that the page announces.
fn provenance_url(file: &Distribution, origin: &str) -> String {
    file.provenance_url.clone().unwrap_or_else(|| format!("{origin}{}", provenance_path(file)))
}

fn file_url(file: &Distribution, serving: &Serving, origin: &str) -> String {
    if serving.relative_urls {
        return format!("../../files/{}", file.file_name);
    }
    format!("{origin}/files/{}", file.file_name)
}

fn metadata_hash(file: &Distribution, serving: &Serving) -> Option<String> {
    let metadata = file.metadata.as_ref().filter(|_| serving.core_metadata != CoreMetadata::Off)?;
    Some(Digest::sha256_of(metadata).to_hex())
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
