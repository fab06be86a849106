//! The npm registry: configuration, resolution, comparison and re-checking.
//!
//! [`NpmConfig`] says which registry answers for a name. [`NpmSource::resolve`] asks for packuments through `registry` (each
//! reduced by `packument` to what matters), lets `deno_npm` solve the graph on a thread of its own (`resolve`), and turns the
//! answer into a closure, packages and downloads (`graph`). [`compare_manifest`] holds a downloaded tarball against the record
//! it was resolved from. `upstream` asks again later.
//!
//! Bundled dependencies (`bundleDependencies`) live inside their parent's tarball and are covered by its digest. The registry
//! does not tell their versions, so the closure has no packages for them.
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use deno_npm::resolution::NpmOverrides;
use deno_semver::{Version, VersionReq};
use mcpsec_model::{
    evidence::{Offer, Release},
    finding::{Finding, Rule},
    package::PackageId,
    publication::Publication,
    spec::NpmSpec,
    text::Untrusted,
};
use serde_json::{Value, value::RawValue};
use tokio::{runtime::Handle, sync::mpsc};

mod age;
mod config;
mod confusion;
mod dependency;
mod error;
mod evidence;
mod graph;
mod offer;
mod packument;
mod people;
mod platform;
mod record;
mod registry;
mod resolve;
#[cfg(test)]
mod tests;
mod upstream;

pub use config::{NpmConfig, NpmConfigError, NpmrcInput};
pub use confusion::{RegistryRecord, compare_manifest};
pub use error::NpmError;
pub use platform::host_artifacts;

/// Whether a version is in a range. `None` for what is no range (a tag) and for texts that are neither.
pub fn satisfies(requirement: &str, version: &str) -> Option<bool> {
    let requirement = VersionReq::parse_from_npm(requirement).ok()?;
    let version = Version::parse_from_npm(version).ok()?;
    // Where nothing else exists, "any version" selects a prerelease too.
    let any = matches!(requirement.version_text().trim(), "" | "*");
    requirement.tag().is_none().then(|| any || requirement.matches(&version))
}

use graph::{Records, Root};
use packument::Packument;
use record::{VersionRecord, WireVersion};
use registry::Registry;
use resolve::{LocalRoot, Request, solve};

use crate::{
    ResolveOptions, Resolved,
    http::Metadata,
    progress::{Event, Progress},
    resolve::{Newest, Published},
};

/// The stand-in name of a project that is not in a registry; no registry package can have it.
const PROJECT: &str = ".project";

/// Resolves npm packages. Cheap to clone; all methods may run at once on any tokio runtime.
#[derive(Clone, Debug)]
pub struct NpmSource {
    metadata: Metadata,
    config: NpmConfig,
    revalidating: Arc<OnceLock<Arc<Registry>>>,
    asked: Arc<evidence::Asked>,
}

/// A resolution with the registry's records, for comparison with the tarballs.
#[derive(Debug)]
pub struct NpmResolved {
    /// Closure and downloads.
    pub resolved: Resolved,
    /// What the registry said about each package.
    pub records: BTreeMap<PackageId, RegistryRecord>,
    /// How old the registry says each version is.
    pub ages: BTreeMap<PackageId, Published>,
    /// Who published the versions of a package, where its record tells: always of the server itself, of others where the
    /// registry sent the long form of their record.
    pub publications: BTreeMap<PackageId, Vec<Publication>>,
}

impl NpmSource {
    /// Nothing is asked before it is needed.
    pub fn new(metadata: Metadata, config: NpmConfig) -> Self {
        Self { metadata, config, revalidating: Arc::default(), asked: Arc::default() }
    }

    /// Resolves a server and everything below it, for all platforms at once. `command` is the `bin` entry to start, by default
    /// what npx would choose. `overrides` are npm's: `name`, `name@range` or `parent>name` to a range or `npm:other@range`.
    ///
    /// # Errors
    /// Anything in [`NpmError`]; [`NpmError::is_unreachable`] tells "could not ask" from "no".
    pub async fn resolve(
        &self,
        spec: &NpmSpec,
        command: Option<&str>,
        overrides: &BTreeMap<String, String>,
        options: &ResolveOptions,
        progress: &dyn Progress,
    ) -> Result<NpmResolved, NpmError> {
        let name = spec.name.as_str();
        let text = spec.requirement.as_deref().unwrap_or("latest");
        let request = self.request(name, text, None, overrides, options)?;
        let root = Root { name, local: None, command };
        self.run(request, &root, options, progress).await
    }

    /// Resolves what a project that is not in a registry depends on, from its `package.json`. The closure's root is `root`, which
    /// has no artifact of its own here. Development dependencies are not followed.
    ///
    /// # Errors
    /// As [`Self::resolve`], and [`NpmError::PackageJson`].
    pub async fn resolve_project(
        &self,
        root: PackageId,
        package_json: &[u8],
        overrides: &BTreeMap<String, String>,
        options: &ResolveOptions,
        progress: &dyn Progress,
    ) -> Result<NpmResolved, NpmError> {
        let (record, builds) = read_project(&root, package_json)?;
        let packument = Packument::of_one(PROJECT, &record)
            .map_err(|error| NpmError::PackageJson { package: root.to_string(), reason: error.to_string() })?;
        let local = LocalRoot { name: PROJECT.to_owned(), packument: Arc::new(packument) };
        let request = self.request(PROJECT, "latest", Some(local), overrides, options)?;
        let shown = root.to_string();
        let root = Root { name: PROJECT, local: Some(root), command: None };
        let mut out = self.run(request, &root, options, progress).await?;
        if let Some(script) = builds {
            let message =
                "the project has a build step that is not run; what it would produce is not part of the closure";
            let finding = Finding::new(Rule::ClosureIncomplete, shown, message).evidence(script);
            out.resolved.candidate.findings.push(finding);
            out.resolved.candidate.findings.sort();
        }
        Ok(out)
    }

    fn request(
        &self,
        name: &str,
        requirement: &str,
        local: Option<LocalRoot>,
        overrides: &BTreeMap<String, String>,
        options: &ResolveOptions,
    ) -> Result<Request, NpmError> {
        let requirement = VersionReq::parse_from_npm(requirement).map_err(|_| NpmError::NoVersion {
            package: name.to_owned(),
            requirement: Untrusted::new(requirement).excerpt(60),
            as_of: None,
            wanted_by: None,
        })?;
        Ok(Request {
            name: name.to_owned(),
            requirement,
            overrides: read_overrides(overrides)?,
            local,
            as_of: options.as_of.map(|as_of| as_of.to_string()),
        })
    }

    async fn run(
        &self,
        request: Request,
        root: &Root<'_>,
        options: &ResolveOptions,
        progress: &dyn Progress,
    ) -> Result<NpmResolved, NpmError> {
        let (send, mut fetched) = mpsc::unbounded_channel();
        let (metadata, config) = (self.metadata.clone(), self.config.clone());
        let registry = Registry::resolving(metadata, config, options, &request.name, Handle::current(), send);
        match &request.local {
            None => registry.speculate(&request.name, &request.requirement),
            Some(local) => registry.guess_below(&local.packument, &request.requirement),
        }
        let (local, requirement) = (request.local.clone(), request.requirement.clone());
        let mut solving = std::pin::pin!(solve(Arc::clone(&registry), request));
        let solved = loop {
            tokio::select! {
                solved = &mut solving => break solved?,
                Some(name) = fetched.recv() => progress.event(Event::MetadataFetched { name: &name }),
            }
        };
        let records = Known { registry: &registry, local };
        let mut out = graph::build(solved, root, &records, &self.config, &options.targets)?;
        self.add_histories(&registry, &mut out.records).await?;
        let chosen = out.resolved.candidate.closure.root().package().clone();
        for (id, record) in &mut out.records {
            if *id == chosen && options.as_of.is_none() && record.offer.attested {
                // As with the short form: what is attested itself is held to its attestation, not to the history.
                record.history.clear();
            }
            let Some(packument) = registry.known(id.name().as_str()) else { continue };
            out.ages.insert(id.clone(), packument.age(id.version(), !self.config.is_public(id.name())));
            let told = packument.publications();
            if !told.is_empty() {
                out.publications.insert(id.clone(), told);
            }
            if *id == chosen {
                out.resolved.passed_over = packument.passed_over(&requirement, id.version());
            }
        }
        Ok(out)
    }

    /// Which registries answer for which names.
    pub fn config(&self) -> &NpmConfig {
        &self.config
    }

    /// What is newer than a version of a package. The registry is really asked, once per name within the life of this source;
    /// [`Self::upstream`] asks the same question.
    ///
    /// # Errors
    /// Anything that keeps the record from being read, and a requirement that is none.
    pub async fn newer(&self, id: &PackageId, requirement: &str) -> Result<Newest, NpmError> {
        let packument = self.revalidating().packument(id.name().as_str()).await?;
        let requirement = VersionReq::parse_from_npm(requirement).map_err(|_| NpmError::NoVersion {
            package: id.name().to_string(),
            requirement: Untrusted::new(requirement).excerpt(60),
            as_of: None,
            wanted_by: None,
        })?;
        Ok(packument.newer(&requirement, id.version()))
    }
}

/// Records of everything that the resolver saw.
struct Known<'a> {
    registry: &'a Registry,
    local: Option<LocalRoot>,
}

impl Records for Known<'_> {
    fn record(&self, name: &str, version: &str) -> Option<VersionRecord> {
        match &self.local {
            Some(local) if local.name == name => local.packument.version(version),
            _ => self.registry.known(name)?.version(version),
        }
    }

    fn evidence(&self, name: &str, version: &str) -> (Offer, Vec<Release>) {
        self.registry.known(name).map(|packument| (packument.offer(version), packument.history())).unwrap_or_default()
    }
}

/// Reads a project's `package.json`: its record, and the build script it has, if any.
fn read_project(root: &PackageId, package_json: &[u8]) -> Result<(VersionRecord, Option<String>), NpmError> {
    let refuse = |reason: String| NpmError::PackageJson { package: root.to_string(), reason };
    let shown = |error: serde_json::Error| refuse(Untrusted::new(error.to_string()).excerpt(120));
    let bytes = package_json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(package_json);
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(bytes).map_err(shown)?;
    let text = serde_json::to_string(&fields).map_err(shown)?;
    let wire: WireVersion<'_> = serde_json::from_str(&text).map_err(shown)?;
    let name = fields.get("name").and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let mut record = wire
        .normalize(name.as_deref().unwrap_or("project"), "0.0.0")
        .ok_or_else(|| refuse("a field has too many entries".to_owned()))?;
    // What npm would say about a published version has no meaning for a project.
    (record.dist, record.deprecated) = (None, None);
    let scripts: Option<Value> = fields.get("scripts").and_then(|raw| serde_json::from_str(raw.get()).ok());
    let builds = ["prepare", "prepack"]
        .into_iter()
        .find_map(|name| Some(format!("{name}: {}", scripts.as_ref()?.get(name)?.as_str()?)));
    Ok((record, builds))
}

/// Reads `overrides` of mcp.toml into the resolver's form.
fn read_overrides(overrides: &BTreeMap<String, String>) -> Result<NpmOverrides, NpmError> {
    let mut tree = serde_json::Map::new();
    for (key, value) in overrides {
        let refuse = |reason: String| NpmError::Override {
            key: Untrusted::new(key.as_str()).excerpt(120),
            value: Untrusted::new(value.as_str()).excerpt(120),
            reason,
        };
        let mut parts: Vec<&str> = key.split('>').map(str::trim).collect();
        let last = parts.pop().unwrap_or_default();
        for part in parts.iter().chain([&last]) {
            let at = part.char_indices().skip(1).find(|(_, c)| *c == '@').map_or(part.len(), |(at, _)| at);
            mcpsec_model::name::PackageName::npm(&part[..at]).map_err(|error| refuse(error.to_string()))?;
        }
        if value.trim().is_empty() || value.starts_with('$') {
            return Err(refuse("write a version range or `npm:name@range`".to_owned()));
        }
        if let Some(reason) = dependency::unsupported("x", value) {
            return Err(refuse(format!("it is {reason}")));
        }
        let mut place = &mut tree;
        for part in parts {
            let entry = place.entry(part).or_insert_with(|| Value::Object(serde_json::Map::new()));
            if let Value::String(own) = entry {
                *entry = serde_json::json!({ ".": own });
            }
            let Value::Object(inner) = entry else { return Err(refuse("it contradicts another override".to_owned())) };
            place = inner;
        }
        match place.get_mut(last) {
            Some(Value::Object(inner)) => {
                inner.insert(".".to_owned(), Value::String(value.clone()));
            }
            _ => {
                place.insert(last.to_owned(), Value::String(value.clone()));
            }
        }
    }
    NpmOverrides::from_value(Value::Object(tree), &Default::default(), &Default::default()).map_err(|error| {
        NpmError::Override {
            key: String::new(),
            value: String::new(),
            reason: Untrusted::new(error.to_string()).excerpt(200),
        }
    })
}
