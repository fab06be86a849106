//! git's smart HTTP protocol (versions 0 to 2), read only: the packs are made by `git upload-pack`.
use std::{
    collections::BTreeMap,
    io::Read as _,
    ops::Deref,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use flate2::read::GzDecoder;

use super::{GitRepo, git};
use crate::loopback::{Loopback, Reply, Request, Routes, lock};

/// Longest negotiation read after decompression, in bytes.
const MAX_NEGOTIATION: u64 = 16 << 20;

/// A git host. Faults, authentication and the request log are those of the [`Loopback`] it dereferences to.
pub struct GitServer {
    http: Loopback,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    repositories: Mutex<BTreeMap<String, GitRepo>>,
    /// Whether object filters are refused, as by servers before git 2.17.
    no_filters: AtomicBool,
    /// Whether only the first versions of the protocol are spoken.
    old: AtomicBool,
}

impl Deref for GitServer {
    type Target = Loopback;

    fn deref(&self) -> &Loopback {
        &self.http
    }
}

impl GitServer {
    /// A host without repositories on a free port.
    pub fn start() -> Self {
        let state = Arc::<State>::default();
        Self { http: Loopback::start(Arc::clone(&state) as Arc<dyn Routes>), state }
    }

    /// Serves a repository under a path such as `owner/name`; returns its address, `http://127.0.0.1:PORT/owner/name.git`.
    pub fn serve(&self, path: &str, repository: &GitRepo) -> String {
        lock(&self.state.repositories).insert(path.to_owned(), repository.clone());
        format!("{}/{path}.git", self.http.base())
    }

    /// Whether clients may filter objects (`tree:0` and the like); they may unless this says otherwise.
    pub fn set_filters(&self, on: bool) {
        self.state.no_filters.store(!on, Ordering::SeqCst);
    }

    /// Whether version 2 of the protocol is spoken; it is unless this says otherwise.
    pub fn set_version_2(&self, on: bool) {
        self.state.old.store(!on, Ordering::SeqCst);
    }

    /// The repository is gone.
    pub fn remove(&self, path: &str) {
        lock(&self.state.repositories).remove(path);
    }
}

impl Routes for State {
    fn answer(&self, request: &Request, _base: &str) -> Reply {
        let path = request.decoded_path();
        let (repository, advertise) = match (path.strip_suffix("/info/refs"), path.strip_suffix("/git-upload-pack")) {
            (Some(repository), _) => (repository, true),
            (_, Some(repository)) if request.method == "POST" => (repository, false),
            _ => return Reply::text(404, "not found"),
        };
        let name = repository.trim_start_matches('/');
        let name = name.strip_suffix(".git").unwrap_or(name);
        let Some(repository) = lock(&self.repositories).get(name).cloned() else {
            return Reply::text(404, "repository not found");
        };
        let protocol = request.header("git-protocol").filter(|_| !self.old.load(Ordering::SeqCst));
        let filters = !self.no_filters.load(Ordering::SeqCst);
        if advertise {
            if request.query.as_deref() != Some("service=git-upload-pack") {
                return Reply::text(403, "only git-upload-pack is served");
            }
            return advertisement(&repository, protocol, filters);
        }
        let Some(input) = negotiation(request) else { return Reply::text(400, "unreadable request body") };
        let done = upload_pack(&repository, &["--stateless-rpc"], input, protocol, filters);
        Reply::new(200, "application/x-git-upload-pack-result", done).header("cache-control", "no-cache")
    }
}

fn advertisement(repository: &GitRepo, protocol: Option<&str>, filters: bool) -> Reply {
    let refs = upload_pack(repository, &["--stateless-rpc", "--advertise-refs"], Vec::new(), protocol, filters);
    // Version 2 starts with its own line; the older ones are announced by the HTTP transport.
    let mut body = match protocol {
        Some(protocol) if protocol.contains("version=2") => Vec::new(),
        _ => b"001e# service=git-upload-pack\n0000".to_vec(),
    };
    body.extend(refs);
    Reply::new(200, "application/x-git-upload-pack-advertisement", body).header("cache-control", "no-cache")
}

fn upload_pack(repository: &GitRepo, flags: &[&str], input: Vec<u8>, protocol: Option<&str>, filters: bool) -> Vec<u8> {
    let filters = format!("uploadpack.allowFilter={filters}");
    let allow = ["-c", "uploadpack.allowAnySHA1InWant=true", "-c", &filters, "upload-pack"];
    let folder = repository.path().to_string_lossy();
    let args: Vec<&str> = allow.into_iter().chain(flags.iter().copied()).chain([&*folder]).collect();
    // An error of upload-pack is in the protocol, for the client to read.
    git(repository.path(), &args, input, protocol).stdout
}

/// The body, decompressed if the client compressed it.
fn negotiation(request: &Request) -> Option<Vec<u8>> {
    if request.header("content-encoding") != Some("gzip") {
        return Some(request.body.to_vec());
    }
    let mut plain = Vec::new();
    GzDecoder::new(&*request.body).take(MAX_NEGOTIATION).read_to_end(&mut plain).ok()?;
    Some(plain)
}
