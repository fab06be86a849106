//! The team's mirror beside the upstream: who is asked first, what is said when both fail, and what came from where.
//!
//! Wherever a file or a document comes from, the lock's digests and the verifier decide whether it is used; the order is a matter of
//! reach and patience, never of trust.
use std::fmt;

use futures::{StreamExt as _, stream};
use mcpsec_fetch::{
    download::{self, Download, DownloadError},
    http::Credentials,
    mirror::TeamMirror,
    npm::NpmrcInput,
    pypi::PypiConfigInput,
    store::Store,
};
use mcpsec_model::{
    artifact::CheckedArtifact,
    check::CheckStatus,
    evidence::Documents,
    package::{Artifact, Package},
    team::{Mirror as When, Team, TeamUrl},
    url::SafeUrl,
};

use super::{artifacts::CONCURRENCY, sources::Sources};
use crate::{
    error::CommandError,
    settings::Settings,
    ui::{self, Ui},
};

/// Documents that are asked for at once.
const DOCUMENTS: usize = 16;

/// A place that has files.
pub(super) enum Place {
    /// Registries and repositories.
    Upstream,
    /// The team's mirror.
    Team(TeamMirror),
}

/// Where files are looked for, in this order.
pub(super) fn places(sources: &Sources<'_>) -> Result<Vec<Place>, CommandError> {
    let Some(mirror) = sources.mirror()? else { return Ok(vec![Place::Upstream]) };
    Ok(match sources.team() {
        When::Off => vec![Place::Upstream],
        When::Fallback => vec![Place::Upstream, Place::Team(mirror)],
        When::First => vec![Place::Team(mirror), Place::Upstream],
        When::Only => vec![Place::Team(mirror)],
    })
}

/// How many files came from the mirror, of all that were fetched.
#[derive(Default)]
pub(super) struct Tally {
    team: usize,
    all: usize,
}

impl Tally {
    pub(super) fn count(&mut self, from: &Place) {
        self.all += 1;
        self.team += usize::from(matches!(from, Place::Team(_)));
    }

    /// Says it, when there is something to say.
    pub(super) fn tell(&self, ui: &Ui) {
        if self.team > 0 {
            let files = ui::count(self.all, "file");
            ui.note(&format!("{} of {files} from the team's mirror", self.team));
        }
    }
}

/// What both said: the worse word counts, and both are told.
pub(super) fn both(first: Option<CheckStatus>, second: CheckStatus) -> CheckStatus {
    let words = |status: &CheckStatus| match status {
        CheckStatus::Fail(why) | CheckStatus::Unchecked(why) => why.clone(),
        CheckStatus::Pass | CheckStatus::NotApplicable => String::new(),
    };
    let Some(first) = first else { return second };
    let told = format!("{}; {}", words(&first), words(&second));
    if [&first, &second].iter().any(|status| matches!(status, CheckStatus::Fail(_))) {
        CheckStatus::Fail(told)
    } else {
        CheckStatus::Unchecked(told)
    }
}

/// How a file stands that the mirror was asked for.
pub(super) fn status_of(result: &Result<CheckedArtifact, DownloadError>) -> CheckStatus {
    match result {
        Ok(_) => CheckStatus::Pass,
        Err(error) if error.is_refusal() => CheckStatus::Fail(told(error)),
        Err(error) => CheckStatus::Unchecked(told(error)),
    }
}

fn told(error: &DownloadError) -> String {
    format!("the team's mirror: {error}")
}

/// Why a file is in neither place.
pub(super) struct NotFetched {
    upstream: Option<DownloadError>,
    team: Option<DownloadError>,
}

impl NotFetched {
    /// Whether somebody offered wrong bytes.
    pub(super) fn is_refusal(&self) -> bool {
        [&self.upstream, &self.team].into_iter().flatten().any(DownloadError::is_refusal)
    }
}

impl fmt::Display for NotFetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.upstream, &self.team) {
            (Some(upstream), Some(team)) => write!(f, "{upstream}; {}", told(team)),
            (Some(upstream), None) => upstream.fmt(f),
            (None, Some(team)) => f.write_str(&told(team)),
            (None, None) => f.write_str("nobody was asked"),
        }
    }
}

/// Brings what a resolution found into the store, from wherever the project allows. One outcome for each download.
pub(super) async fn fetch_all(
    sources: &Sources<'_>,
    store: &Store,
    downloads: Vec<Download>,
) -> Result<Vec<(Download, Result<CheckedArtifact, NotFetched>)>, CommandError> {
    let ui: &Ui = sources.ui();
    let mut outcomes = Vec::new();
    let mut open: Vec<(Download, NotFetched)> = Vec::new();
    // What the store has comes from nowhere.
    for (download, result) in download::fetch_all(None, store, downloads, CONCURRENCY, ui).await {
        match result {
            Ok(artifact) => outcomes.push((download, Ok(artifact))),
            Err(error) if sources.network()?.is_none() => {
                outcomes.push((download, Err(NotFetched { upstream: Some(error), team: None })));
            }
            Err(_) => open.push((download, NotFetched { upstream: None, team: None })),
        }
    }
    let mut tally = Tally::default();
    for place in places(sources)? {
        let mut failures = Vec::new();
        let mut asked = Vec::new();
        for (download, failed) in std::mem::take(&mut open) {
            let from = match &place {
                Place::Upstream => Some(download.clone()),
                Place::Team(mirror) => mirror.instead_of(&download),
            };
            match from {
                Some(from) => {
                    asked.push(from);
                    failures.push((download, failed));
                }
                None => open.push((download, failed)),
            }
        }
        for (from, result) in download::fetch_all(sources.network()?, store, asked, CONCURRENCY, ui).await {
            let same =
                |(download, _): &(Download, NotFetched)| download.package == from.package && download.file == from.file;
            let Some(at) = failures.iter().position(same) else { continue };
            let (download, mut failed) = failures.swap_remove(at);
            match result {
                Ok(artifact) => {
                    tally.count(&place);
                    outcomes.push((download, Ok(artifact)));
                }
                Err(error) => {
                    match place {
                        Place::Upstream => failed.upstream = Some(error),
                        Place::Team(_) => failed.team = Some(error),
                    }
                    open.push((download, failed));
                }
            }
        }
    }
    tally.tell(ui);
    outcomes.extend(open.into_iter().map(|(download, failed)| (download, Err(failed))));
    Ok(outcomes)
}

/// What the mirror has about these files, in their order; nothing of it is verified. Once it does not answer, it is not asked again.
pub(super) async fn documents(
    sources: &Sources<'_>,
    mirror: &TeamMirror,
    files: &[(&Package, &Artifact)],
) -> Vec<Option<Documents>> {
    let asking = files.iter().map(|(package, artifact)| async move {
        if sources.team_is_down() {
            return None;
        }
        match mirror.evidence(&package.id, &artifact.file, &artifact.digests).await {
            Ok(documents) => documents,
            Err(error) => {
                sources.note_team(&error);
                None
            }
        }
    });
    stream::iter(asking).buffered(DOCUMENTS).collect().await
}

/// What the team's registry is shown.
pub(super) fn credentials(settings: &Settings, registry: &TeamUrl) -> Option<Credentials> {
    settings.team_token(registry).map(Credentials::bearer)
}

/// npm's configuration when the mirror is the only registry: nothing of the machine, and for no scope another one.
pub(super) fn npm_of(team: &Team, token: Option<&str>) -> NpmrcInput {
    let registry = team.registry.below("npm/");
    let own = token.map(|token| {
        let address = registry.without_secrets();
        let nerf_dart = address.as_str().split_once(':').map_or("", |(_, rest)| rest).to_owned();
        // An environment variable keeps the token's characters from being read as npmrc.
        ("MCPSEC_TEAM_TOKEN".to_owned(), format!("{nerf_dart}:_authToken=${{MCPSEC_TEAM_TOKEN}}\n"), token.to_owned())
    });
    let mut input = NpmrcInput { configured: Some(registry), ..NpmrcInput::default() };
    if let Some((name, text, token)) = own {
        input.env.insert(name.clone(), token);
        input.files.push((name, text));
    }
    input
}

/// The same for Python. Its clients know names and passwords only; the token is the password.
pub(super) fn pypi_of(team: &Team, token: Option<&str>) -> PypiConfigInput {
    let mut index = team.registry.below("pypi/simple/").without_secrets();
    if let Some(token) = token {
        // Both fail only for addresses without a host, which no registry has.
        let _named = index.set_username("__token__");
        let _told = index.set_password(Some(token));
    }
    PypiConfigInput { configured: Some(SafeUrl::from(index)), ..PypiConfigInput::default() }
}
