//! `mcpsec explain [RULE|CHECK|policy]`: what a rule or a check means, why it matters, what to do about it; or what the policy of
//! this project says, key by key, and where.
use mcpsec_audit::explain;
use mcpsec_model::{
    check::Check,
    config::{Config, Held, PolicyKeys},
    finding::{Place, Rule},
    text::{Untrusted, escape},
};
use serde_json::{Value, json};

use crate::{
    cli::{ExplainArgs, Format},
    error::CommandError,
    exit::Code,
    project::Project,
    settings::Settings,
    ui,
};

pub(super) fn run(settings: &Settings, args: &ExplainArgs) -> Result<Code, CommandError> {
    let text = match args.id.as_deref() {
        None => list(),
        Some("policy") => policy(settings)?,
        Some(id) => one(id)?,
    };
    ui::print_data(&text)?;
    Ok(crate::exit::GOOD)
}

fn list() -> String {
    let mut out = String::from("checks\n");
    for check in Check::ALL {
        out.push_str(&format!("  {:<22} {}\n", check.id(), check.meaning()));
    }
    out.push_str("\nrules\n");
    for rule in Rule::ALL {
        out.push_str(&format!("  {:<22} {:<8} {}\n", rule.id(), rule.severity(), rule.meaning()));
    }
    out.push_str("\npolicy\n");
    out.push_str(&format!("  {:<22} what the policy of this project says, key by key, and where\n", "policy"));
    out
}

fn one(id: &str) -> Result<String, CommandError> {
    let rule = Rule::ALL.iter().find(|rule| rule.id() == id);
    let check = Check::ALL.iter().find(|check| check.id() == id);
    let (title, told) = match (rule, check) {
        (Some(rule), _) => (format!("rule {} ({})", rule.id(), rule.severity()), explain::rule(*rule)),
        (None, Some(check)) => (format!("check {}", check.id()), explain::check(*check)),
        (None, None) => {
            let id = Untrusted::new(id).excerpt(60);
            return Err(
                CommandError::usage(format!("there is no rule or check `{id}`")).hint("mcpsec explain lists them all")
            );
        }
    };
    let mut out =
        format!("{title}\n\n{}\n\nwhy it matters: {}\n\nwhat to do: {}\n", told.means, told.why, told.resolve);
    if !told.example.is_empty() {
        out.push_str(&format!("\nexample: {}\n", told.example));
    }
    Ok(out)
}

/// Every key with its value, where that is from, and what it means.
fn policy(settings: &Settings) -> Result<String, CommandError> {
    let config = Project::new(&settings.project).config_or_starter()?;
    let machine: Vec<String> =
        settings.project.machine.iter().map(|path| escape(&path.display().to_string())).collect();
    match settings.format {
        Format::Human => Ok(policy_text(&config, &machine)),
        Format::Json | Format::Sarif | Format::Markdown => {
            let text = serde_json::to_string_pretty(&policy_json(&config, &machine)).map_err(CommandError::bug)?;
            Ok(text + "\n")
        }
    }
}

fn policy_text(config: &Config, machine: &[String]) -> String {
    let files =
        ["the starter policy".to_owned()].into_iter().chain(config.sources.files.iter().map(|file| escape(file)));
    let mut out = format!("from {}\n", files.collect::<Vec<_>>().join(", "));
    let absent: Vec<&str> =
        machine.iter().filter(|file| !config.sources.files.contains(file)).map(String::as_str).collect();
    if !absent.is_empty() {
        out.push_str(&format!("not there: {} (what they say holds at least)\n", absent.join(", ")));
    }
    out.push('\n');
    let lines: Vec<(String, String, &str)> = PolicyKeys::lines(&config.policy)
        .into_iter()
        .map(|(key, value, meaning)| {
            let from = from(config.sources.origin(&key), config.sources.held(&key));
            (format!("{} = {}", escape(&key), escape(&value)), from, meaning)
        })
        .collect();
    let widest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0).min(48);
    let first = widest(&mut lines.iter().map(|(value, _, _)| value.len()));
    let second = widest(&mut lines.iter().map(|(_, from, _)| from.len()));
    for (value, from, meaning) in &lines {
        out.push_str(&format!("{value:<first$}  {from:<second$}  {meaning}\n"));
    }
    for exemption in &config.policy.exempt {
        let place = from(exemption.place.as_ref(), None);
        let (rule, subject) = (escape(&exemption.rule), escape(&exemption.subject));
        out.push_str(&format!("\nexempt {rule} for {subject} until {}  {place}\n", exemption.until));
        out.push_str(&format!("  {}\n", escape(&exemption.reason)));
    }
    out
}

fn from(origin: Option<&Place>, held: Option<&Held>) -> String {
    let place = |place: &Place| format!("{}:{}", escape(&place.file), place.line);
    match (held, origin) {
        (Some(Held { by: Some(by) }), _) => format!("{} (held)", place(by)),
        (Some(Held { by: None }), _) => "this machine (held)".to_owned(),
        (None, Some(origin)) => place(origin),
        (None, None) => "starter".to_owned(),
    }
}

fn policy_json(config: &Config, machine: &[String]) -> Value {
    let place = |place: &Place| json!({ "file": place.file, "line": place.line });
    let keys: Vec<Value> = PolicyKeys::lines(&config.policy)
        .into_iter()
        .map(|(key, value, meaning)| {
            let held = config.sources.held(&key);
            json!({
                "key": format!("policy.{key}"),
                "value": value,
                "from": config.sources.origin(&key).map(place),
                "held": held.is_some(),
                "held_by": held.and_then(|held| held.by.as_ref()).map(place),
                "meaning": meaning,
            })
        })
        .collect();
    let exemptions: Vec<Value> = config
        .policy
        .exempt
        .iter()
        .map(|exemption| {
            json!({
                "rule": exemption.rule.as_str(),
                "subject": exemption.subject,
                "reason": exemption.reason,
                "until": exemption.until.to_string(),
                "from": exemption.place.as_ref().map(place),
            })
        })
        .collect();
    json!({
        "schema": "mcpsec.policy/v1",
        "files": config.sources.files,
        "machine": machine,
        "keys": keys,
        "exemptions": exemptions,
    })
}
