//! The source as the root sees it: resolve, ask upstream, find files again.
use std::sync::Arc;

use mcpsec_model::{
    candidate::EntryPoint,
    finding::{Finding, Rule},
    name::PackageName,
    package::{Package, PackageId},
    spec::PypiSpec,
    text::Untrusted,
    upstream::{UpstreamFile, UpstreamRecord, UpstreamState},
    url::SafeUrl,
};

use super::{
    assemble::{self, Root},
    catalog::Catalog,
    config::PypiConfig,
    error::PypiError,
    evidence::{self, PypiResolved},
    page::{Page, Release},
    project::Project,
    requirement::Requirement,
    select,
    solve::{self, Question},
    specifiers,
};
use crate::{
    ResolveOptions,
    download::Download,
    http::{Freshness, Metadata},
    progress::Progress,
    resolve::{Maturity, NewVersion, Newest, PassedOver},
};

/// Python packages from the indexes of a [`PypiConfig`]. Cheap to clone; clones share everything learnt.
#[derive(Clone)]
pub struct PypiSource {
    pub(super) catalog: Arc<Catalog>,
}

impl std::fmt::Debug for PypiSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PypiSource").field("config", self.catalog.config()).finish_non_exhaustive()
    }
}

impl PypiSource {
    /// A source that asks the indexes of `config` through `metadata` (its cache only, when that is offline).
    pub fn new(metadata: Metadata, config: PypiConfig) -> Self {
        Self { catalog: Catalog::new(metadata, config) }
    }

    /// Resolves a spec for all targets into one closure, in which every file of every version is pinned by sha256.
    ///
    /// `command` is the console script to start, where the launch line names one. Every target has the same version of the
    /// requested package, the newest that the first target can use; targets without a solution are findings.
    ///
    /// # Errors
    /// See [`PypiError`]. No target can be solved: the first target's conflict is explained.
    pub async fn resolve(
        &self,
        spec: &PypiSpec,
        command: Option<&str>,
        options: &ResolveOptions,
        progress: &dyn Progress,
    ) -> Result<PypiResolved, PypiError> {
        // A missing or unreadable page of the requested package is told as such, not as a conflict.
        let page = self.catalog.page(&spec.name, Freshness::Cached).await?;
        let requirement = Requirement::plain(spec.name.clone(), spec.extras.clone(), &spec.specifiers);
        if let Some(as_of) = options.as_of
            && page.lacks_upload_times()
        {
            return Err(PypiError::NoUploadTimes {
                name: spec.name.to_string(),
                index: page.index.url().to_string(),
                date: as_of.to_string(),
            });
        }
        let question = Question {
            label: format!("pypi:{spec}"),
            name: Some(spec.name.clone()),
            requirements: Arc::new(vec![requirement]),
            targets: options.targets.clone(),
            as_of: options.as_of,
            maturity: options.maturity.clone().map(Arc::new),
            requires_python: None,
        };
        let answer = solve::solve(&self.catalog, question, progress).await?;
        let root = Root::Project(spec.name.clone());
        let mut out = assemble::assemble(&self.catalog, root, answer, options.as_of, entry_of(command)).await?;
        if let Some(maturity) = &options.maturity {
            let chosen = out.resolved.candidate.closure.root().package().version();
            let range = specifiers::range_of(&spec.specifiers);
            out.resolved.passed_over = passed_over(&page, &range, chosen, maturity);
        }
        Ok(out)
    }

    /// Whether other indexes are asked before the default one.
    pub fn has_further_indexes(&self) -> bool {
        self.catalog.config().indexes().len() > 1
    }

    /// The index that answers for a project, and whether that is one before the default index.
    ///
    /// # Errors
    /// Whatever keeps its page from being read; a page that a resolution needed is not asked for again.
    pub async fn index_of(&self, name: &PackageName) -> Result<(SafeUrl, bool), PypiError> {
        let page = self.catalog.page(name, Freshness::Cached).await?;
        let default = self.catalog.config().indexes().last();
        Ok((page.index.url().clone(), default.is_some_and(|default| *default != page.index)))
    }

    /// What is newer than a locked version: in the range of the spec, and beyond it. The index is really asked, once for each
    /// name. Prereleases and yanked versions are nobody's next version.
    ///
    /// # Errors
    /// Whatever keeps the page from being read.
    pub async fn newer(&self, id: &PackageId, spec: &PypiSpec) -> Result<Newest, PypiError> {
        let page = self.catalog.page(id.name(), Freshness::Revalidate).await?;
        let Some(current) = specifiers::version(id.version()) else { return Ok(Newest::default()) };
        let range = specifiers::range_of(&spec.specifiers);
        let better = || {
            page.releases.values().filter(|release| {
                release.version > current && !release.version.any_prerelease() && release.yanked(None).is_none()
            })
        };
        let new =
            |release: &Release| NewVersion { version: release.version.to_string(), published: release.published() };
        let in_range = better().find(|release| range.contains(&release.version));
        let newest = better().next();
        let beyond = newest.filter(|newest| in_range.is_none_or(|best| newest.version > best.version));
        Ok(Newest { in_range: in_range.map(new), beyond: beyond.map(new) })
    }

    /// Resolves the dependencies of a project that is not on an index, from its pyproject.toml (PEP 621). Dependencies that
    /// only its build knows leave the closure incomplete, which is a finding. What the build itself needs
    /// (`build-system.requires`) is not part of the closure.
    ///
    /// # Errors
    /// See [`PypiError`].
    pub async fn resolve_project(
        &self,
        root: PackageId,
        pyproject_toml: &str,
        extras: &[PackageName],
        options: &ResolveOptions,
        progress: &dyn Progress,
    ) -> Result<PypiResolved, PypiError> {
        let project = Project::parse(pyproject_toml, extras)?;
        let requirements = Arc::new(project.requirements);
        let question = Question {
            label: root.to_string(),
            name: None,
            requirements: Arc::clone(&requirements),
            targets: options.targets.clone(),
            as_of: options.as_of,
            maturity: options.maturity.clone().map(Arc::new),
            requires_python: project.requires_python.clone(),
        };
        let answer = solve::solve(&self.catalog, question, progress).await?;
        let mut package = Package::bare(root.clone());
        package.requires_python = project.requires_python.as_ref().map(|need| assemble::normal_text(need).into());
        let at_root = Root::Outside { package: Box::new(package), requirements };
        let mut resolved =
            assemble::assemble(&self.catalog, at_root, answer, options.as_of, EntryPoint::Unknown).await?;
        if let Some(reason) = project.incomplete {
            let message = format!("{reason}, so its dependencies are not known without running its build");
            resolved.resolved.candidate.findings.push(Finding::new(Rule::ClosureIncomplete, root.to_string(), message));
            resolved.resolved.candidate.findings.sort();
        }
        Ok(resolved)
    }

    /// What the index says today about a locked package. The index is really asked (a cached page is revalidated), once for
    /// each name however many versions are asked about.
    pub async fn upstream(&self, package: &PackageId) -> UpstreamState {
        let page = match self.catalog.page(package.name(), Freshness::Revalidate).await {
            Ok(page) => page,
            Err(error) if error.is_not_found() => return UpstreamState::Gone,
            Err(error) => return UpstreamState::Unreachable(error.of_index()),
        };
        let Some(release) = specifiers::version(package.version()).and_then(|version| page.get(&version)) else {
            return UpstreamState::Gone;
        };
        let files = release.files().iter().map(|file| UpstreamFile {
            file: file.file.clone(),
            digests: file.sha256.into_iter().collect(),
            sha1: None,
            offer: Some(evidence::offer(&page, file)),
        });
        UpstreamState::Present(UpstreamRecord {
            files: files.collect(),
            yanked: release.yanked(None).map(Untrusted::new),
            offer: Some(evidence::offer_of_all(&page, release)),
            history: evidence::history(&page, None),
            ..UpstreamRecord::default()
        })
    }

    /// Where the files of a locked package are now, with the digests of the lock as what they must hash to. Files that the
    /// index no longer lists are left out.
    ///
    /// # Errors
    /// See [`PypiError`]; [`PypiError::FileGone`] when the index lists none of the files.
    pub async fn locate(&self, package: &Package) -> Result<Vec<Download>, PypiError> {
        let name = package.id.name();
        let mut downloads = locate_on(&*self.catalog.page(name, Freshness::Cached).await?, package);
        if downloads.len() < package.artifacts.len() {
            // The cached page may be older than the lock.
            match self.catalog.page(name, Freshness::Revalidate).await {
                Ok(page) => downloads = locate_on(&page, package),
                Err(error) if error.is_unreachable() && !downloads.is_empty() => {}
                Err(error) => return Err(error),
            }
        }
        match package.artifacts.first() {
            Some(first) if downloads.is_empty() => {
                Err(PypiError::FileGone { package: package.id.to_string(), file: first.file.to_string() })
            }
            _ => Ok(downloads),
        }
    }
}

/// The newest young version that the range would have selected in place of `chosen`.
fn passed_over(page: &Page, range: &specifiers::VersionSet, chosen: &str, maturity: &Maturity) -> Option<PassedOver> {
    let chosen = specifiers::version(chosen)?;
    let newest = page.releases.values().find(|release| {
        release.version > chosen
            && range.contains(&release.version)
            && (chosen.any_prerelease() || !release.version.any_prerelease())
            && release.yanked(None).is_none()
            && select::is_young(page, release, maturity)
    })?;
    Some(PassedOver { version: newest.version.to_string(), published: newest.published()? })
}

fn locate_on(page: &Page, package: &Package) -> Vec<Download> {
    let release = specifiers::version(package.id.version()).and_then(|version| page.get(&version));
    let files = release.map(|release| release.files()).unwrap_or_default();
    let found = package.artifacts.iter().filter_map(|artifact| {
        let file = files.iter().find(|file| file.file == artifact.file)?;
        Some(Download {
            package: package.id.clone(),
            kind: artifact.kind,
            file: artifact.file.to_string(),
            url: file.url.clone(),
            credentials: page.index.credentials_for(&file.url),
            expected: artifact.digests,
            sha1: None,
            size: artifact.size,
        })
    });
    found.collect()
}

/// A console script that a launch line names; anything that could not be a script's name is left for the wheel to say.
fn entry_of(command: Option<&str>) -> EntryPoint {
    let valid = |name: &&str| {
        (1..=128).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && !name.starts_with(['-', '.'])
    };
    command.filter(valid).map_or(EntryPoint::Unknown, |name| EntryPoint::PythonScript(name.into()))
}
