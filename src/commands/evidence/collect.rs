//! Where the documents come from: the store first, since what is there needs nobody; else the registry that offers them.
use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_fetch::{
    evidence::{Gathered, Wanted},
    git::{GitTree, TagObject},
    npm::RegistryRecord,
    pypi::IndexRecord,
    store::{Evidence, Store, StoreError},
};
use mcpsec_model::{
    config::{Config, Pattern},
    evidence::{Assessed, Documents, EvidenceKind, Found, Offer, Pin, Pinned, Release, SignerPin},
    name::Ecosystem,
    package::{Artifact, Package, PackageId},
    team::Mirror as When,
    upstream::UpstreamRecord,
};
use rayon::prelude::*;
use smol_str::SmolStr;

use super::{
    super::{
        mirror,
        sources::{Sources, store_error},
    },
    History, Known, Tools, assess,
};
use crate::{error::CommandError, settings::Settings};

/// What a resolution says about evidence.
#[derive(Debug, Default)]
pub(in super::super) struct Offered {
    /// By package and file.
    pub(in super::super) offers: BTreeMap<PackageId, BTreeMap<SmolStr, Offer>>,
    /// Git sources bring theirs with the commit.
    pub(in super::super) git: BTreeMap<PackageId, GitEvidence>,
    /// Earlier versions.
    pub(in super::super) histories: BTreeMap<PackageId, History>,
}

/// What came with a commit.
#[derive(Debug)]
pub(in super::super) struct GitEvidence {
    documents: Documents,
    /// The tag that was asked for.
    tag: Option<TagObject>,
    /// Annotated tags before it, where somebody looked.
    earlier: Vec<TagObject>,
}

impl Offered {
    /// Adds what npm's registry said.
    pub(in super::super) fn npm(
        mut self,
        records: &BTreeMap<PackageId, RegistryRecord>,
        packages: &BTreeMap<PackageId, Package>,
    ) -> Self {
        for (id, record) in records {
            let Some(package) = packages.get(id) else { continue };
            let files =
                package.artifacts.iter().map(|artifact| (artifact.file.clone(), record.offer.clone())).collect();
            self.offers.insert(id.clone(), files);
            self.histories.insert(
                id.clone(),
                History {
                    version: id.version().to_owned(),
                    published: record.offer.published,
                    releases: record.history.clone(),
                },
            );
        }
        self
    }

    /// Adds what a Python index said.
    pub(in super::super) fn pypi(mut self, records: BTreeMap<PackageId, IndexRecord>) -> Self {
        for (id, record) in records {
            let published = record.offers.values().filter_map(|offer| offer.published).min();
            self.histories
                .insert(id.clone(), History { version: id.version().to_owned(), published, releases: record.history });
            self.offers.insert(id, record.offers);
        }
        self
    }

    /// Adds what came with a commit.
    pub(in super::super) fn git(mut self, tree: &GitTree) -> Self {
        let tag = match tree.signed.tags.as_slice() {
            [tag] => Some(tag.clone()),
            _ => None,
        };
        let evidence =
            GitEvidence { documents: tree.signed.documents(), tag, earlier: tree.history.clone().unwrap_or_default() };
        self.git.insert(tree.package.clone(), evidence);
        self
    }

    /// Whether anything in it needs a trust root.
    fn attested(&self) -> bool {
        self.git.values().any(|evidence| needs_roots(&evidence.documents))
            || self.offers.values().flatten().any(|(_, offer)| offer.attested)
    }
}

/// The evidence of a closure that is about to be locked, verified. Earlier tags of git sources become histories on the way.
pub(in super::super) async fn for_add(
    settings: &Settings,
    config: &Config,
    sources: &Sources<'_>,
    store: &Store,
    packages: &BTreeMap<PackageId, Package>,
    offered: &mut Offered,
) -> Result<Known, CommandError> {
    let tools = Tools::new(settings, config, sources, offered.attested()).await?;
    let mut stock = Stock { store, tools: &tools, known: Known::new() };
    let nothing = Offer::default();
    let mut wanted = Vec::new();
    for package in packages.values().filter(|package| looked_at(config, package)) {
        for artifact in &package.artifacts {
            if let Some(evidence) = offered.git.get(&package.id) {
                stock.with_host(sources, package, artifact, evidence.documents.clone()).await?;
                continue;
            }
            let offer = offered.offers.get(&package.id).and_then(|files| files.get(&artifact.file));
            wanted.push((package, artifact, offer.unwrap_or(&nothing)));
        }
    }
    stock.ask(sources, wanted).await?;
    for (id, evidence) in &offered.git {
        offered.histories.insert(id.clone(), earlier_tags(&tools, evidence));
    }
    Ok(stock.known)
}

fn earlier_tags(tools: &Tools, evidence: &GitEvidence) -> History {
    let release = |tag: &TagObject| {
        let trust = assess::tag_trust(tools, &tag.name, &tag.id, &tag.raw);
        Some(Release { version: tag.name.clone(), published: tag.tagged()?, trust, signer: None })
    };
    let releases: Vec<Release> = evidence.earlier.iter().filter_map(release).collect();
    match &evidence.tag {
        Some(tag) => History { version: tag.name.to_string(), published: tag.tagged(), releases },
        None => History::default(),
    }
}

/// The evidence of what is locked: from the store, and where that does not have it, from what the registry offers today.
/// `records` are the registry's answers; the text is why there is none.
pub(in super::super) async fn for_lock(
    settings: &Settings,
    config: &Config,
    sources: &Sources<'_>,
    store: &Store,
    packages: &[&Package],
    records: &BTreeMap<PackageId, Result<UpstreamRecord, String>>,
) -> Result<Known, CommandError> {
    let files: Vec<(&Package, &Artifact)> = packages
        .iter()
        .filter(|package| looked_at(config, package))
        .flat_map(|package| package.artifacts.iter().map(|artifact| (*package, artifact)))
        .collect();
    let stored: Vec<_> = files
        .par_iter()
        .map(|(package, artifact)| store.evidence(&package.id, &artifact.file, &artifact.digests))
        .collect();
    let stored = with_team(sources, &files, stored, records).await?;
    let by_certificate = |pin: &Pin| !matches!(pin.signer, SignerPin::Key { .. });
    let pinned = packages.iter().any(|package| package.evidence.pins().iter().any(by_certificate));
    let refresh = pinned || stored.iter().filter_map(Kept::documents).any(needs_roots);
    let tools = Tools::new(settings, config, sources, refresh).await?;
    let mut stock = Stock { store, tools: &tools, known: Known::new() };

    let (mut ready, mut wanted, mut brought) = (Vec::new(), Vec::new(), Vec::new());
    for ((package, artifact), stored) in files.into_iter().zip(stored) {
        let stored = match stored {
            Kept::Here(stored) => stored,
            Kept::Team(documents) => {
                brought.push((package, artifact, documents));
                continue;
            }
        };
        let offer = records.get(&package.id).map(|record| match record {
            Ok(record) => record.offer_for(&artifact.file).ok_or("the registry was not asked for its evidence"),
            Err(why) => Err(why.as_str()),
        });
        match stored {
            Err(error) => stock.put(package, assess::unknown(package, artifact, &error.to_string())),
            // What was withheld once may be handed out now.
            Ok(Some(documents))
                if !lacks(package, artifact, &documents) && (settings.offline || !documents.withheld) =>
            {
                let withdrawn = matches!(offer, Some(Ok(offer)) if withdraws(offer, &documents));
                ready.push((package, artifact, documents, withdrawn));
            }
            Ok(stored) => match offer {
                None | Some(Err(_)) if stored.as_ref().is_some_and(|documents| documents.withheld) => {
                    let documents = stored.unwrap_or_default();
                    stock.put(package, assess::one(&tools, package, artifact, &documents));
                }
                Some(Ok(offer)) if offer.offers => wanted.push((package, artifact, offer)),
                _ if package.id.ecosystem() == Ecosystem::Git && stored.is_none() && !settings.offline => {
                    stock.again(sources, package, artifact).await?;
                }
                Some(Ok(_)) => stock.put(package, without(artifact, &Found::Stripped)),
                other => {
                    let why = match other {
                        Some(Err(why)) => why,
                        _ if settings.offline => "--offline: the registry was not asked",
                        _ => "the registry was not asked",
                    };
                    stock.put(package, not_asked(package, artifact, why));
                }
            },
        }
    }
    let assessed: Vec<(&Package, Assessed)> = ready
        .into_par_iter()
        .map(|(package, artifact, documents, withdrawn)| {
            (package, Assessed { withdrawn, ..assess::one(&tools, package, artifact, &documents) })
        })
        .collect();
    for (package, assessed) in assessed {
        stock.put(package, assessed);
    }
    stock.ask(sources, wanted).await?;
    stock.take_all(brought)?;
    Ok(stock.known)
}

/// Documents of a file before anybody verified them.
enum Kept {
    /// What the store has, or why it cannot be read.
    Here(Result<Option<Documents>, StoreError>),
    /// What the store has, completed by what the team's mirror has.
    Team(Documents),
}

impl Kept {
    fn documents(&self) -> Option<&Documents> {
        match self {
            Self::Here(stored) => stored.as_ref().ok()?.as_ref(),
            Self::Team(documents) => Some(documents),
        }
    }
}

/// Asks the team's mirror about files whose pinned evidence is not in the store: those that the upstream cannot be asked about or gives
/// nothing for, or all of them where the mirror comes first.
async fn with_team(
    sources: &Sources<'_>,
    files: &[(&Package, &Artifact)],
    stored: Vec<Result<Option<Documents>, StoreError>>,
    records: &BTreeMap<PackageId, Result<UpstreamRecord, String>>,
) -> Result<Vec<Kept>, CommandError> {
    let Some(mirror) = sources.mirror()? else { return Ok(stored.into_iter().map(Kept::Here).collect()) };
    let at_first = matches!(sources.team(), When::First | When::Only);
    let nothing = Documents::default();
    let asked: Vec<bool> = files
        .iter()
        .zip(&stored)
        .map(|((package, artifact), stored)| {
            let Ok(stored) = stored else { return false };
            let offers = matches!(records.get(&package.id), Some(Ok(record)) if record.offer_for(&artifact.file).is_some_and(|offer| offer.offers));
            lacks(package, artifact, stored.as_ref().unwrap_or(&nothing)) && (at_first || !offers)
        })
        .collect();
    let wanted: Vec<(&Package, &Artifact)> =
        files.iter().zip(&asked).filter(|(_, asked)| **asked).map(|(file, _)| *file).collect();
    let mut answers = mirror::documents(sources, &mirror, &wanted).await.into_iter();
    let kept = stored.into_iter().zip(asked).map(|(stored, asked)| {
        let answer = if asked { answers.next().flatten() } else { None };
        match (answer, stored) {
            // What is here was verified once, and stands; the mirror adds what it lacks.
            (Some(documents), Ok(Some(stored))) => Kept::Team(stored.completed_from(&documents)),
            (Some(documents), Ok(None)) => Kept::Team(documents),
            (_, stored) => Kept::Here(stored),
        }
    });
    Ok(kept.collect())
}

/// Whether verifying these takes a trust root: certificates and logs do, plain keys do not.
fn needs_roots(documents: &Documents) -> bool {
    let by_certificate = |object: &Option<String>| {
        let raw = object.as_ref().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
        raw.windows(X509.len()).any(|window| window == X509)
    };
    documents.attestations.is_some()
        || !documents.bundles.is_empty()
        || by_certificate(&documents.tag)
        || by_certificate(&documents.commit)
}

/// How the signature of a git object by a certificate begins.
const X509: &[u8] = b"-----BEGIN SIGNED MESSAGE-----";

/// Whether the policy looks at a package's evidence at all. A rule about a server may, even where the ecosystem's does not.
fn looked_at(config: &Config, package: &Package) -> bool {
    let policy = &config.policy;
    let signed = |subject: &Pattern| subject.is_server() || subject.matches(&package.id, None).is_some();
    policy.looks_at_provenance(&package.id) || policy.signers.iter().any(|signer| signed(&signer.subject))
}

/// Whether the lock pins something about a file that these documents cannot show.
fn lacks(package: &Package, artifact: &Artifact, documents: &Documents) -> bool {
    package.evidence.about(&artifact.file).any(|pin| match pin.kind {
        EvidenceKind::RegistrySignature => documents.signatures.is_empty(),
        EvidenceKind::Publish | EvidenceKind::Provenance => documents.attestations.is_none(),
        EvidenceKind::GitTag => documents.tag.is_none(),
        EvidenceKind::GitCommit => documents.commit.is_none(),
        EvidenceKind::Release => documents.bundles.is_empty(),
    })
}

/// Whether a registry that hands out evidence no longer has what it once gave.
fn withdraws(offer: &Offer, documents: &Documents) -> bool {
    offer.offers
        && (offer.signatures.is_empty() && !documents.signatures.is_empty()
            || !offer.attested && documents.attestations.is_some())
}

/// The file of a package about which there is nothing to verify.
fn without(artifact: &Artifact, found: &Found) -> Assessed {
    Assessed { file: artifact.file.clone(), signature: found.clone(), attestation: found.clone(), withdrawn: false }
}

/// Nobody could be asked: what the lock says about absence still holds, what it pins cannot be shown.
fn not_asked(package: &Package, artifact: &Artifact, why: &str) -> Assessed {
    match &package.evidence {
        Pinned::Stripped => without(artifact, &Found::Stripped),
        Pinned::Nothing => without(artifact, &Found::Nothing),
        Pinned::NotLooked | Pinned::By(_) => assess::unknown(package, artifact, why),
    }
}

/// What is known so far, and where more of it is kept.
pub(in super::super) struct Stock<'a> {
    store: &'a Store,
    tools: &'a Tools,
    known: Known,
}

impl Stock<'_> {
    fn put(&mut self, package: &Package, assessed: Assessed) {
        self.known.entry(package.id.clone()).or_default().push(assessed);
    }

    /// Verifies documents and keeps them. `failed` is why attestations are missing from them.
    fn take(
        &mut self,
        package: &Package,
        artifact: &Artifact,
        documents: Documents,
        failed: Option<String>,
    ) -> Result<(), CommandError> {
        let assessed = self.verified(package, artifact, &documents, failed);
        self.keep(&[(package, artifact, &documents, &assessed)])?;
        self.put(package, assessed);
        Ok(())
    }

    /// Verifies documents from the team's mirror on all cores, and keeps what holds.
    fn take_all(&mut self, brought: Vec<(&Package, &Artifact, Documents)>) -> Result<(), CommandError> {
        let assessed: Vec<Assessed> = brought
            .par_iter()
            .map(|(package, artifact, documents)| self.verified(package, artifact, documents, None))
            .collect();
        let all: Vec<_> = brought
            .iter()
            .zip(&assessed)
            .map(|((package, artifact, documents), assessed)| (*package, *artifact, documents, assessed))
            .collect();
        self.keep(&all)?;
        for ((package, ..), assessed) in brought.iter().zip(assessed) {
            self.put(package, assessed);
        }
        Ok(())
    }

    fn verified(
        &self,
        package: &Package,
        artifact: &Artifact,
        documents: &Documents,
        failed: Option<String>,
    ) -> Assessed {
        let mut assessed = assess::one(self.tools, package, artifact, documents);
        if let Some(why) = failed {
            assessed.attestation = Found::Unknown(why);
        }
        assessed
    }

    /// What was refused proves nothing, and must not take the place of what does.
    fn keep(&self, all: &[(&Package, &Artifact, &Documents, &Assessed)]) -> Result<(), CommandError> {
        let refused = |found: &Found| matches!(found, Found::Refused(_));
        let good = all.iter().filter(|(_, _, documents, assessed)| {
            !documents.is_empty() && !refused(&assessed.signature) && !refused(&assessed.attestation)
        });
        let evidence: Vec<Evidence<'_>> = good
            .map(|(package, artifact, documents, _)| Evidence {
                package: &package.id,
                file: &artifact.file,
                digests: &artifact.digests,
                documents,
            })
            .collect();
        self.store
            .put_evidence_of_all(&evidence)
            .into_iter()
            .collect::<Result<Vec<()>, _>>()
            .map_err(|error| store_error(&error))?;
        Ok(())
    }

    /// Asks registries, verifies on all cores, keeps what holds.
    async fn ask(
        &mut self,
        sources: &Sources<'_>,
        wanted: Vec<(&Package, &Artifact, &Offer)>,
    ) -> Result<(), CommandError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let questions = wanted
            .iter()
            .map(|(package, artifact, offer)| Wanted {
                package: &package.id,
                file: &artifact.file,
                digests: &artifact.digests,
                offer,
            })
            .collect();
        let known = self.tools.keys.iter().map(|key| key.id().clone()).collect();
        let gathered = sources.gather(questions, &known).await?;
        let rescued = rescued(sources, &wanted, &gathered).await?;
        let taken: Vec<(Documents, Assessed)> = wanted
            .par_iter()
            .zip(gathered)
            .zip(rescued)
            .map(|(((package, artifact, _), answer), rescued): ((_, Gathered<'_>), _)| {
                let (documents, failed) = match (answer, rescued) {
                    ((_, Ok(documents)), _) => (documents, None),
                    ((question, Err(_)), Some(documents)) => {
                        (of_offer(question.offer).completed_from(&documents), None)
                    }
                    ((question, Err(error)), None) => (of_offer(question.offer), Some(error.to_string())),
                };
                let assessed = self.verified(package, artifact, &documents, failed);
                (documents, assessed)
            })
            .collect();
        let all: Vec<_> = wanted
            .iter()
            .zip(&taken)
            .map(|((package, artifact, _), (documents, assessed))| (*package, *artifact, documents, assessed))
            .collect();
        self.keep(&all)?;
        for ((package, ..), (_, assessed)) in wanted.iter().zip(taken) {
            self.put(package, assessed);
        }
        Ok(())
    }

    /// Verifies the objects of a commit together with what the git host attests of it.
    async fn with_host(
        &mut self,
        sources: &Sources<'_>,
        package: &Package,
        artifact: &Artifact,
        mut documents: Documents,
    ) -> Result<(), CommandError> {
        let failed = match sources.host_attestations(package).await? {
            Ok(bundles) => {
                documents.bundles = bundles;
                None
            }
            Err(why) => Some(why),
        };
        self.take(package, artifact, documents, failed)
    }

    /// Fetches a locked commit again for its objects.
    async fn again(
        &mut self,
        sources: &Sources<'_>,
        package: &Package,
        artifact: &Artifact,
    ) -> Result<(), CommandError> {
        match sources.signed_objects(package).await {
            Ok(documents) => self.with_host(sources, package, artifact, documents).await,
            Err(error) => {
                self.put(package, not_asked(package, artifact, &error.to_string()));
                Ok(())
            }
        }
    }
}

/// What the team's mirror has of the evidence that a registry says it has and would not hand out. One answer for each question.
async fn rescued(
    sources: &Sources<'_>,
    wanted: &[(&Package, &Artifact, &Offer)],
    gathered: &[Gathered<'_>],
) -> Result<Vec<Option<Documents>>, CommandError> {
    let Some(mirror) = sources.mirror()? else { return Ok(vec![None; wanted.len()]) };
    let failed: Vec<usize> =
        (0..wanted.len()).filter(|at| gathered.get(*at).is_some_and(|(_, answer)| answer.is_err())).collect();
    let files: Vec<(&Package, &Artifact)> = failed.iter().map(|at| (wanted[*at].0, wanted[*at].1)).collect();
    let mut answers = vec![None; wanted.len()];
    for (at, documents) in failed.into_iter().zip(mirror::documents(sources, &mirror, &files).await) {
        answers[at] = documents;
    }
    Ok(answers)
}

/// What the offer itself has, without what could not be asked for.
fn of_offer(offer: &Offer) -> Documents {
    Documents {
        offered: offer.offers,
        signatures: offer.signatures.clone(),
        published: offer.published,
        ..Documents::default()
    }
}
