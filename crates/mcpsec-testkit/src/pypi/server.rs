//! A Python package index on loopback: simple pages in both forms, files with ranges, metadata files, provenance.
use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{Arc, Mutex},
};

use super::{
    CoreMetadata, Distribution,
    index::{HTML, JSON, project_html, project_json, projects_html, projects_json, provenance_path},
    normalized,
};
use crate::loopback::{Loopback, RangeSupport, Reply, Request, Routes, lock};

/// What this index offers. Start from `Serving::default()`: everything that a modern index has, but no PEP 658.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Serving {
    /// `meta.api-version` of the pages.
    pub api_version: String,
    /// Answers PEP 691 JSON to those who ask for it.
    pub json: bool,
    /// Answers HTML; without it a client that cannot read JSON gets 406.
    pub html: bool,
    /// `size` in JSON.
    pub sizes: bool,
    /// `upload-time` in JSON.
    pub upload_times: bool,
    /// Metadata files.
    pub core_metadata: CoreMetadata,
    /// Byte ranges on files.
    pub ranges: RangeSupport,
    /// Links relative to the page instead of absolute.
    pub relative_urls: bool,
    /// Files live on another origin, `http://host:port`, such as a second server.
    pub file_origin: Option<String>,
    /// `Cache-Control: max-age` of pages, in seconds.
    pub max_age: Option<u32>,
}

impl Default for Serving {
    fn default() -> Self {
        Self {
            api_version: "1.3".to_owned(),
            json: true,
            html: true,
            sizes: true,
            upload_times: true,
            core_metadata: CoreMetadata::Off,
            ranges: RangeSupport::Full,
            relative_urls: false,
            file_origin: None,
            max_age: None,
        }
    }
}

/// An index. Faults, authentication and the request log are those of the [`Loopback`] it dereferences to.
pub struct PypiServer {
    http: Loopback,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    projects: Mutex<BTreeMap<String, Vec<Distribution>>>,
    serving: Mutex<Serving>,
}

impl Deref for PypiServer {
    type Target = Loopback;

    fn deref(&self) -> &Loopback {
        &self.http
    }
}

impl PypiServer {
    /// An empty index on a free port.
    pub fn start() -> Self {
        Self::start_on(0).expect("a loopback port is free")
    }

    /// An empty index on `port`; 0 means any free one.
    pub fn start_on(port: u16) -> std::io::Result<Self> {
        let state = Arc::<State>::default();
        let http = Loopback::start_on(port, Arc::clone(&state) as Arc<dyn Routes>)?;
        Ok(Self { http, state })
    }

    /// The index address, `http://127.0.0.1:PORT/simple/`.
    pub fn url(&self) -> String {
        format!("{}/simple/", self.http.base())
    }

    /// The index address with credentials in it.
    pub fn url_with_userinfo(&self, user: &str, password: &str) -> String {
        format!("{}/simple/", self.http.base_with_userinfo(user, password))
    }

    /// Adds a file, or replaces the one of the same name.
    pub fn publish(&self, distribution: impl Into<Distribution>) {
        let distribution = distribution.into();
        let mut projects = lock(&self.state.projects);
        let files = projects.entry(normalized(&distribution.name)).or_default();
        files.retain(|file| file.file_name != distribution.file_name);
        files.push(distribution);
        files.sort_by(|a, b| a.file_name.cmp(&b.file_name));
    }

    /// Changes the entry of a published file, such as to yank it.
    pub fn change(&self, file_name: &str, change: impl FnOnce(&mut Distribution)) {
        let mut projects = lock(&self.state.projects);
        let file = projects.values_mut().flatten().find(|file| file.file_name == file_name);
        change(file.unwrap_or_else(|| panic!("`{file_name}` was published before it is changed")));
    }

    /// Removes a file.
    pub fn remove(&self, file_name: &str) {
        for files in lock(&self.state.projects).values_mut() {
            files.retain(|file| file.file_name != file_name);
        }
    }

    /// Changes what the index offers.
    pub fn serving(&self, change: impl FnOnce(&mut Serving)) {
        change(&mut lock(&self.state.serving));
    }

    /// All file names, sorted by project.
    pub fn published(&self) -> Vec<String> {
        lock(&self.state.projects).values().flatten().map(|file| file.file_name.clone()).collect()
    }
}

impl Routes for State {
    fn answer(&self, request: &Request, base: &str) -> Reply {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Reply::text(405, "read only");
        }
        let path = request.decoded_path();
        let serving = lock(&self.serving).clone();
        if let Some(rest) = path.strip_prefix("/simple") {
            return self.simple(request, rest, &serving, base);
        }
        let projects = lock(&self.projects);
        if let Some(name) = path.strip_prefix("/files/") {
            if let Some(file) = projects.values().flatten().find(|file| file.file_name == name) {
                return Reply::file("application/octet-stream", file.bytes.clone(), serving.ranges);
            }
            let metadata = name.strip_suffix(".metadata").filter(|_| serving.core_metadata == CoreMetadata::Offered);
            let metadata = metadata
                .and_then(|name| projects.values().flatten().find(|file| file.file_name == name)?.metadata.clone());
            return metadata.map_or_else(missing, |text| Reply::metadata("binary/octet-stream", text));
        }
        let known = projects.values().flatten().find(|file| provenance_path(file) == path);
        known
            .and_then(|file| file.provenance.clone())
            .map_or_else(missing, |object| Reply::metadata("application/vnd.pypi.integrity.v1+json", object))
    }
}

impl State {
    fn simple(&self, request: &Request, rest: &str, serving: &Serving, base: &str) -> Reply {
        let name = rest.trim_matches('/');
        let canonical = if name.is_empty() { "/simple/".to_owned() } else { format!("/simple/{}/", normalized(name)) };
        if format!("/simple{rest}") != canonical {
            return Reply::redirect(301, &canonical);
        }
        let Some(json) = wants_json(request, serving) else {
            return Reply::text(406, "this index offers none of the accepted types");
        };
        let projects = lock(&self.projects);
        let origin = serving.file_origin.as_deref().unwrap_or(base);
        let body = if name.is_empty() {
            let names: Vec<&String> = projects.keys().collect();
            if json { projects_json(&names).to_string() } else { projects_html(&names) }
        } else {
            let Some(files) = projects.get(name).filter(|files| !files.is_empty()) else { return missing() };
            if json {
                project_json(name, files, serving, origin).to_string()
            } else {
                project_html(name, files, serving, origin)
            }
        };
        let html_type = if request.accepts(HTML) { HTML } else { "text/html; charset=utf-8" };
        let reply = Reply::metadata(if json { JSON } else { html_type }, body).header("vary", "accept");
        match serving.max_age {
            Some(seconds) => reply.header("cache-control", &format!("max-age={seconds}, public")),
            None => reply,
        }
    }
}

/// Which form to send: `Some(true)` for JSON, `None` when the client accepts nothing we offer (PEP 691, server-driven).
fn wants_json(request: &Request, serving: &Serving) -> Option<bool> {
    let latest = "application/vnd.pypi.simple.latest+json";
    let json = request.accept_weight(JSON).max(request.accept_weight(latest));
    let html = request.accept_weight(HTML).max(request.accept_weight("text/html"));
    let any = request.accept_weight("*/*");
    match (serving.json, serving.html) {
        (true, true) if json > 0 => Some(json >= html),
        (true, true) if html.max(any) > 0 => Some(false),
        (true, false) if json.max(any) > 0 => Some(true),
        (false, true) if html.max(any) > 0 => Some(false),
        _ => None,
    }
}

fn missing() -> Reply {
    Reply::text(404, "404 Not Found")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalized() {
        assert_eq!(normalized("Friendly-_.Bard"), "friendly-bard");
        assert_eq!(normalized("a.b"), "a-b");
    }
}
