//! `mcpsec doctor`: what this machine can do, and what to do about each weakness. Changes nothing.
use std::{collections::BTreeSet, path::PathBuf};

use mcpsec_capture::{
    install::runtime::{self, RuntimeKind, Search},
    sandbox::Sandbox,
};
use mcpsec_model::{config::Isolation, lock::Lock, text::escape};
use serde::Serialize;

use super::{artifacts, team};
use crate::{cli::Format, error::CommandError, exit::Code, project::Project, settings::Settings, ui};

/// How it stands with something.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Good,
    /// It works, and not as it should.
    Weak,
    /// It is not there, or does not work.
    Missing,
    /// Nobody looked. Never as good as good.
    Unchecked,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Weak => "weak",
            Self::Missing => "missing",
            Self::Unchecked => "unchecked",
        }
    }
}

/// One line of the examination.
#[derive(Serialize)]
pub(super) struct Finding {
    /// What was looked at: `sandbox`, `runtime`, `store`, `registry`, `team`.
    area: &'static str,
    /// Which one.
    subject: String,
    state: State,
    /// What was found.
    detail: String,
    /// What to do about it, where it is not good.
    remedy: Option<String>,
}

impl Finding {
    pub(super) fn good(area: &'static str, subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { area, subject: subject.into(), state: State::Good, detail: detail.into(), remedy: None }
    }

    /// Not good. An empty remedy is none.
    pub(super) fn not(
        state: State,
        area: &'static str,
        subject: impl Into<String>,
        detail: impl Into<String>,
        remedy: &str,
    ) -> Self {
        Self { area, subject: subject.into(), state, detail: detail.into(), remedy: Some(remedy.to_owned()) }
    }
}

pub(super) async fn run(settings: &Settings) -> Result<Code, CommandError> {
    let project = Project::new(&settings.project);
    let config = project.config_or_starter()?;
    let lock = project.lock()?.unwrap_or_else(Lock::empty);
    let mut findings = Vec::new();
    let enough = sandbox(settings, config.policy.isolation, &mut findings);
    runtimes(settings, &mut findings);
    store(settings, &mut findings);
    registries(settings, &mut findings);
    findings.extend(team::examine(settings, &config, &lock).await);
    let text = match settings.format {
        Format::Human => human(settings, &findings),
        Format::Json | Format::Sarif | Format::Markdown => {
            let document = serde_json::json!({ "schema": "mcpsec.doctor/v1", "findings": findings });
            serde_json::to_string_pretty(&document).map(|text| text + "\n").map_err(CommandError::bug)?
        }
    };
    ui::print_data(&text)?;
    Ok(if enough { crate::exit::GOOD } else { crate::exit::INCOMPLETE })
}

/// Whether the policy's level of isolation is reached.
fn sandbox(settings: &Settings, wanted: Isolation, findings: &mut Vec<Finding>) -> bool {
    let mut best = Isolation::None;
    for (tier, outcome) in Sandbox::probe_all(settings.launcher()) {
        let subject = tier.as_str();
        match outcome {
            Ok(lacks) => {
                best = best.max(tier);
                let lacks = lacks.map_or_else(String::new, |lacks| format!("; {lacks}"));
                findings.push(Finding::good(
                    "sandbox",
                    subject,
                    format!("works: tried from end to end just now{lacks}"),
                ));
            }
            Err(why) => {
                findings.push(Finding::not(State::Missing, "sandbox", subject, escape(&why), remedy_of(tier)));
            }
        }
    }
    let (state, wanted_word) = (best >= wanted, wanted.as_str());
    findings.push(if state {
        Finding::good("sandbox", "policy", format!("isolation = \"{wanted_word}\" is met by `{}`", best.as_str()))
    } else {
        let detail = format!("isolation = \"{wanted_word}\", and the strongest here is `{}`", best.as_str());
        Finding::not(
            State::Weak,
            "sandbox",
            "policy",
            detail,
            "nothing is captured or run below it: follow the remedies above",
        )
    });
    state
}

fn remedy_of(tier: Isolation) -> &'static str {
    match tier {
        Isolation::Namespace => {
            "allow user namespaces (in a container: a seccomp profile that permits unshare; on Ubuntu 24.04: an AppArmor profile that grants userns)"
        }
        Isolation::Landlock => "use Linux 5.13 or newer with Landlock in its list of security modules",
        Isolation::Seatbelt => "is for macOS",
        Isolation::None => "",
    }
}

fn runtimes(settings: &Settings, findings: &mut Vec<Finding>) {
    let path = settings.search_path();
    let memory = settings.cache.join("runtimes.json");
    let search = Search { path: &path, memory: Some(&memory) };
    for kind in [RuntimeKind::Node, RuntimeKind::Python] {
        match runtime::find(kind, search, &BTreeSet::new(), "", &|_| Ok(())) {
            Ok(found) => {
                let detail = format!("{} at {}", found.version, found.program.display());
                findings.push(Finding::good("runtime", kind.as_str(), detail));
            }
            Err(error) => {
                let remedy = format!("if you have servers that need it: {}", error.remedy());
                findings.push(Finding::not(State::Missing, "runtime", kind.as_str(), error.to_string(), &remedy));
            }
        }
    }
}

fn store(settings: &Settings, findings: &mut Vec<Finding>) {
    let place = settings.store.display().to_string();
    match artifacts::open_store(settings) {
        Ok(store) => {
            let records = store.ls();
            let bytes = records.records.iter().map(|record| record.size).sum();
            let held = ui::count(records.records.len(), "artifact");
            findings.push(Finding::good("store", place, format!("{held}, {}", ui::bytes(bytes))));
            if !records.unreadable.is_empty() {
                let detail = format!("{} of its records cannot be read", records.unreadable.len());
                findings.push(Finding::not(State::Weak, "store", "records", detail, "mcpsec store verify"));
            }
        }
        Err(error) => {
            let remedy = "set MCPSEC_STORE to a folder that you can write to";
            findings.push(Finding::not(State::Missing, "store", place, error.to_string(), remedy));
        }
    }
    let cache: PathBuf = settings.cache.clone();
    findings.push(Finding::good("store", "cache", format!("{} (may be deleted at any time)", cache.display())));
}

/// Where packages come from, as the user's own configuration says. Credentials never show; nothing is asked.
fn registries(settings: &Settings, findings: &mut Vec<Finding>) {
    match settings.npmrc() {
        Ok(input) => {
            let files = input.files.len() + usize::from(input.project.is_some());
            findings.push(Finding::good(
                "registry",
                "npm",
                format!("{} of npm read", ui::count(files, "configuration file")),
            ));
        }
        Err(error) => {
            findings.push(Finding::not(
                State::Weak,
                "registry",
                "npm",
                error.to_string(),
                "make the file readable, or remove it",
            ));
        }
    }
    match settings.pypi() {
        Ok(input) => {
            let files = input.uv_toml.len() + input.pip_conf.len();
            let known = settings.probe().default_index().is_some();
            let detail = format!("{} of pip and uv read", ui::count(files, "configuration file"));
            findings.push(if known || files > 0 {
                Finding::good("registry", "pypi", detail)
            } else {
                let remedy = "install uv or pip, or set UV_DEFAULT_INDEX, so that the index is known";
                Finding::not(State::Weak, "registry", "pypi", detail, remedy)
            });
        }
        Err(error) => {
            findings.push(Finding::not(
                State::Weak,
                "registry",
                "pypi",
                error.to_string(),
                "make the file readable, or remove it",
            ));
        }
    }
    if settings.offline {
        findings.push(Finding::not(
            State::Weak,
            "registry",
            "network",
            "--offline",
            "leave out --offline to fetch anything new",
        ));
    }
}

fn human(settings: &Settings, findings: &[Finding]) -> String {
    let (good, weak, dim) = if settings.color {
        let color = |color: anstyle::AnsiColor| color.on_default();
        (color(anstyle::AnsiColor::Green), color(anstyle::AnsiColor::Yellow).bold(), anstyle::Style::new().dimmed())
    } else {
        (anstyle::Style::new(), anstyle::Style::new(), anstyle::Style::new())
    };
    let mut text = String::new();
    let mut area = "";
    for finding in findings {
        if finding.area != area {
            area = finding.area;
            text.push_str(&format!("{area}\n"));
        }
        let style = if finding.state == State::Good { good } else { weak };
        let (state, subject) = (finding.state.as_str(), escape(&finding.subject));
        text.push_str(&format!("  {style}{state:<9}{style:#} {subject}  {}\n", escape(&finding.detail)));
        if let Some(remedy) = finding.remedy.as_ref().filter(|remedy| !remedy.is_empty()) {
            text.push_str(&format!("            {dim}{remedy}{dim:#}\n"));
        }
    }
    text
}
