//! `mcpsec db`: the advisory database of this machine. `update` brings it up to date, `query` asks it about one version.
use std::{collections::BTreeSet, path::Path, sync::Arc};

use mcpsec_audit::advisories::{Answer, evaluate, fixed};
use mcpsec_fetch::osv::{self, About, Database, OsvError};
use mcpsec_model::{
    advisory::{Advisory, ecosystem_word},
    config::Config,
    package::PackageId,
    text::Untrusted,
};
use serde_json::{Value, json};

use super::{advisories::UPDATE, sources::Sources};
use crate::{
    cli::{DbCommand, Format},
    error::CommandError,
    exit::Code,
    project::Project,
    settings::Settings,
    ui::{self, Ui},
};

pub(super) async fn run(settings: &Settings, command: DbCommand) -> Result<Code, CommandError> {
    match command {
        DbCommand::Update { from: Some(source) } => {
            let source = settings.current_dir().join(source);
            let imported = import(settings, source).await?;
            told(settings, &imported.about, false, &imported.lost)
        }
        DbCommand::Update { from: None } => update(settings).await,
        DbCommand::Query { purl } => query(settings, &purl),
    }
}

async fn import(settings: &Settings, source: std::path::PathBuf) -> Result<osv::Imported, CommandError> {
    if !source.exists() {
        return Err(CommandError::usage(format!("{} does not exist", source.display())));
    }
    let (path, now) = (settings.database.clone(), settings.now);
    let work = tokio::task::spawn_blocking(move || osv::import(&path, &source, now));
    work.await.map_err(CommandError::bug)?.map_err(|error| failed(&error))
}

async fn update(settings: &Settings) -> Result<Code, CommandError> {
    let config = Project::new(&settings.project).config_or_starter()?;
    let files = "mcpsec db update --from FILE|DIR reads records from files";
    let ui = Arc::new(Ui::new(settings.progress, settings.verbosity));
    let sources = Sources::new(settings, &config, Arc::clone(&ui));
    let Some(base) = archives(settings, &config) else {
        return Err(CommandError::usage("no address is configured to fetch advisories from")
            .hint("set [registries] advisories in mcp.toml, or MCPSEC_ADVISORIES: the address of an OSV service's archives, below which npm/all.zip and PyPI/all.zip are")
            .hint(files));
    };
    let Some(network) = sources.network()? else {
        return Err(CommandError::incomplete("--offline forbids fetching advisories").hint(files));
    };
    ui.start("advisories");
    let updated = osv::update(network, base, &settings.database, settings.now, ui.as_ref()).await;
    ui.done();
    let updated = updated.map_err(|error| failed(&error))?;
    told(settings, &updated.about, updated.unchanged, &updated.lost)
}

/// The machine's own configuration comes first: a repository does not choose who tells what is wrong with it.
fn archives<'s>(settings: &'s Settings, config: &'s Config) -> Option<&'s mcpsec_model::url::SafeUrl> {
    settings.advisories.as_ref().or(config.registries.advisories.as_ref())
}

fn told(settings: &Settings, about: &About, unchanged: bool, lost: &[String]) -> Result<Code, CommandError> {
    let ui = Ui::new(false, settings.verbosity);
    if about.lost > 0 {
        let first = lost.first().map(|name| format!(", the first: {name}")).unwrap_or_default();
        ui.warn(&format!(
            "{} could not be read and {} left out{first}",
            ui::count(count(about.lost), "file"),
            if about.lost == 1 { "is" } else { "are" }
        ));
    }
    if about.unreadable > 0 {
        ui.warn(&format!(
            "{} could not be understood; the packages they name are told as unchecked",
            ui::count(count(about.unreadable), "record")
        ));
    }
    let newest = about.newest.map(|newest| newest.to_string());
    let text = match settings.format {
        Format::Human => format!(
            "{} in {}, the newest of {}{}\n",
            ui::count(count(about.records), "advisory record"),
            settings.database.display(),
            newest.as_deref().unwrap_or("no known time"),
            if unchanged { "; nothing has changed since the last update" } else { "" }
        ),
        _ => line(&json!({
            "database": settings.database.display().to_string(), "records": about.records, "newest": newest,
            "updated": about.updated.to_string(), "unreadable": about.unreadable, "lost": about.lost, "unchanged": unchanged,
        })),
    };
    ui::print_data(&text)?;
    Ok(crate::exit::GOOD)
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}

fn query(settings: &Settings, purl: &str) -> Result<Code, CommandError> {
    let hint = "mcpsec db query pkg:npm/%40scope/name@1.0.0, or pkg:pypi/name@1.0";
    let package = purl
        .parse::<PackageId>()
        .or_else(|_| PackageId::from_purl(purl))
        .map_err(|error| CommandError::usage(error).hint(hint))?;
    if ecosystem_word(package.ecosystem()).is_none() {
        return Err(CommandError::usage(format!("advisories are kept about npm and PyPI, not {package}")).hint(hint));
    }
    let (matching, unknown) = look_up(&settings.database, &package)?;
    let text = match settings.format {
        Format::Human => people(&package, &matching, &unknown),
        _ => {
            let advisories: Vec<Value> = matching.iter().map(|advisory| entry(advisory, &package)).collect();
            let unknown: Vec<Value> = unknown.iter().map(|(id, why)| json!({"id": id, "why": why})).collect();
            line(&json!({"advisories": advisories, "unknown": unknown}))
        }
    };
    ui::print_data(&text)?;
    Ok(crate::exit::GOOD)
}

/// The advisories that match, and the ids of records that cannot be compared, with the reason.
type Answers = (Vec<Advisory>, Vec<(String, String)>);

/// Records that mean the version, and those of which that cannot be told: id and why.
fn look_up(path: &Path, package: &PackageId) -> Result<Answers, CommandError> {
    let Some(mut database) = Database::open(path).map_err(|error| failed(&error))? else {
        return Err(CommandError::incomplete("there is no advisory database on this machine").hint(UPDATE));
    };
    let wanted = BTreeSet::from([(package.ecosystem(), package.name().clone())]);
    let records = database.records(&wanted).map_err(|error| failed(&error))?;
    let (mut matching, mut unknown) = (Vec::new(), Vec::new());
    for record in records.into_values().flatten() {
        match record {
            Err(unread) => unknown.push((unread.id, unread.why)),
            Ok(advisory) => match evaluate(&advisory, package) {
                Answer::Affected => matching.push(advisory),
                Answer::NotAffected => {}
                Answer::Unknown(why) => unknown.push((advisory.id.to_string(), why)),
            },
        }
    }
    matching.sort_by(|a, b| {
        b.malicious.cmp(&a.malicious).then_with(|| b.graded.cmp(&a.graded)).then_with(|| a.id.cmp(&b.id))
    });
    unknown.sort();
    Ok((matching, unknown))
}

fn entry(advisory: &Advisory, package: &PackageId) -> Value {
    json!({
        "id": advisory.id.as_str(),
        "aliases": advisory.aliases.iter().map(|alias| alias.as_str()).collect::<Vec<_>>(),
        "malicious": advisory.malicious,
        "severity": advisory.graded.map(|graded| graded.grade.as_str()),
        "score": advisory.graded.and_then(|graded| graded.tenths).map(|tenths| f64::from(tenths) / 10.0),
        "summary": advisory.summary.as_ref().map(Untrusted::to_string),
        "fixed": fixed(&[advisory], package),
        "modified": advisory.modified.to_string(),
        "references": advisory.references.iter().map(Untrusted::to_string).collect::<Vec<_>>(),
    })
}

fn people(package: &PackageId, matching: &[Advisory], unknown: &[(String, String)]) -> String {
    let mut out = String::new();
    for advisory in matching {
        let word = match (advisory.malicious, advisory.graded) {
            (true, _) => "malicious".to_owned(),
            (false, Some(graded)) => graded.to_string(),
            (false, None) => "not graded".to_owned(),
        };
        let also: Vec<&str> = advisory.aliases.iter().take(6).map(|alias| alias.as_str()).collect();
        let also = if also.is_empty() { String::new() } else { format!(" ({})", also.join(", ")) };
        out.push_str(&format!("{}{also}  {word}\n", advisory.id));
        if let Some(summary) = &advisory.summary {
            out.push_str(&format!("  {}\n", summary.excerpt(200)));
        }
        let fix = fixed(&[advisory], package);
        out.push_str(
            &fix.map_or_else(|| "  no fixed version is known\n".to_owned(), |fix| format!("  fixed in {fix}\n")),
        );
        for reference in advisory.references.iter().take(2) {
            out.push_str(&format!("  {}\n", reference.excerpt(200)));
        }
    }
    for (id, why) in unknown {
        out.push_str(&format!("{id}  could not be compared: {why}\n"));
    }
    if out.is_empty() { format!("nothing is known about {package}\n") } else { out }
}

/// What cannot be fetched or is damaged is incomplete, with the remedy; a source that is none is a mistake of whoever named it.
fn failed(error: &OsvError) -> CommandError {
    match error {
        OsvError::Source { .. } => CommandError::usage(error),
        error if error.is_mended_by_update() => {
            CommandError::incomplete(error).hint(format!("{UPDATE} makes a new one"))
        }
        error => CommandError::incomplete(error),
    }
}
