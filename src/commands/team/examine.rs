//! What `mcpsec doctor` says of the team's registry: who it is, whether it answers, whose token it is shown, what is known of its log,
//! and whether its mirror hands out what is locked. Asks, and writes nothing.
use mcpsec_fetch::{
    http::Network,
    mirror::TeamMirror,
    team::{Copies, TeamError},
};
use mcpsec_model::{
    config::Config,
    lock::Lock,
    team::{Mirror, Team},
    text::escape,
};
use mcpsec_verify::approval::log::check_head;

use super::{TOKEN, UPDATE, Unasked, age, client, expected_key, log_key, verified};
use crate::{
    commands::{
        doctor::{Finding, State},
        mirror::credentials,
        sources::http_options,
    },
    settings::Settings,
};

const AREA: &str = "team";
const OFFLINE: &str = "leave out --offline to ask it";

/// All of it; nothing without `[team]`.
pub(in crate::commands) async fn examine(settings: &Settings, config: &Config, lock: &Lock) -> Vec<Finding> {
    let Some(team) = &config.team else { return Vec::new() };
    let copies = Copies::new(&settings.store);
    let mut findings = vec![token(settings, team)];
    findings.push(registry(settings, team, lock, &copies).await);
    findings.push(seen(settings, team, lock, &copies));
    findings.push(mirror(settings, team, lock).await);
    findings
}

/// Whose token would be sent; of the token itself only the half that its registry lists as well.
fn token(settings: &Settings, team: &Team) -> Finding {
    let Some(token) = settings.team_token(&team.registry) else {
        if settings.has_team_token() {
            let (why, remedy) = settings.no_team_token(&team.registry);
            return Finding::not(State::Weak, AREA, "token", why, &remedy);
        }
        let detail = format!("{TOKEN} is not set: nothing can be sent, and only what everybody may read can be had");
        return Finding::good(AREA, "token", detail);
    };
    let id = token.strip_prefix("mcpsec_").and_then(|rest| rest.split_once('_')).map(|(id, _)| id);
    let detail = match id.filter(|id| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        Some(id) => format!("{TOKEN} holds the token {id} (`mcpsec-registry token list` says whose it is)"),
        None => format!("{TOKEN} holds no token that a registry made; perhaps the identity of a CI job"),
    };
    Finding::good(AREA, "token", detail)
}

/// Whether it answers, and whether what it says is signed by the log that is meant.
async fn registry(settings: &Settings, team: &Team, lock: &Lock, copies: &Copies) -> Finding {
    let subject = team.registry.to_string();
    let client = match client(settings, team) {
        Ok(Some(client)) => client,
        Ok(None) => return Finding::not(State::Unchecked, AREA, subject, "it was not asked", OFFLINE),
        Err(error) => return Finding::not(State::Missing, AREA, subject, error.to_string(), ""),
    };
    let note = match client.head().await {
        Ok(note) => note,
        Err(error) => return unanswered(settings, team, subject, &error),
    };
    let Some((key, _)) = expected_key(team, lock, copies) else {
        let detail = "it answers; nobody has said which log is meant, so what it says was not verified";
        return Finding::not(State::Unchecked, AREA, subject, detail, &format!("{UPDATE} shows its key, and pins it"));
    };
    let judged = log_key(&key).map_err(|error| error.to_string());
    match judged.and_then(|key| check_head(&note, &key, settings.now).map_err(|error| error.to_string())) {
        Ok(head) => {
            let (size, expires) = (head.size, head.expires);
            Finding::good(
                AREA,
                subject,
                format!("answers; the head of its log is signed: {size} entries, good until {expires}"),
            )
        }
        Err(why) => Finding::not(State::Weak, AREA, subject, why, "mcpsec verify says more"),
    }
}

fn unanswered(settings: &Settings, team: &Team, subject: String, error: &TeamError) -> Finding {
    let Unasked { why, hint } = Unasked::by(error);
    let remedy = match hint {
        Some(_) if settings.has_team_token() && settings.team_token(&team.registry).is_none() => {
            settings.no_team_token(&team.registry).1
        }
        Some(hint) => hint,
        None => "look at the address in [team], and ask who runs it".to_owned(),
    };
    Finding::not(State::Missing, AREA, subject, escape(&why), &remedy)
}

/// What holds when it does not answer: the last head that this machine verified.
fn seen(settings: &Settings, team: &Team, lock: &Lock, copies: &Copies) -> Finding {
    let known = expected_key(team, lock, copies).and_then(|(key, _)| verified(copies, &key));
    let Some((copy, head)) = known else {
        let detail = "this machine has no verified copy of it";
        return Finding::not(State::Unchecked, AREA, "log", detail, "mcpsec approvals fetches and verifies it");
    };
    let kept = copy.kept();
    let (size, ago) = (kept.size, age(&kept, settings.now));
    let detail = format!("{size} entries verified here, {ago} ago; this holds until {}", head.expires);
    if settings.now < head.expires {
        Finding::good(AREA, "log", detail)
    } else {
        Finding::not(
            State::Weak,
            AREA,
            "log",
            format!("{detail}: it expired"),
            "mcpsec approvals asks for a newer head",
        )
    }
}

/// Whether it hands out what is locked here: one package tells of its closure.
async fn mirror(settings: &Settings, team: &Team, lock: &Lock) -> Finding {
    let subject = format!("mirror = \"{}\"", team.mirror.as_str());
    if team.mirror == Mirror::Off {
        return Finding::good(AREA, subject, "files come from the upstream alone");
    }
    if settings.offline {
        return Finding::not(State::Unchecked, AREA, subject, "it was not asked", OFFLINE);
    }
    let roots: Vec<_> = lock
        .servers
        .values()
        .filter_map(|server| Some((&server.name, lock.packages.get(server.closure.root().package())?)))
        .filter(|(_, package)| !package.artifacts.is_empty())
        .collect();
    if roots.is_empty() {
        let detail = "no file is locked that it could be asked for";
        return Finding::not(State::Unchecked, AREA, subject, detail, "mcpsec add locks servers");
    }
    let network = match Network::new(http_options(settings.retries)) {
        Ok(network) => network,
        Err(error) => return Finding::not(State::Missing, AREA, subject, error.to_string(), ""),
    };
    let mirror = TeamMirror::new(network, team.registry.clone(), credentials(settings, &team.registry));
    let (mut lacking, all) = (Vec::new(), roots.len());
    for (name, package) in roots {
        match mirror.has_package(package).await {
            Ok(true) => {}
            Ok(false) => lacking.push(name.as_str()),
            Err(error) => return Finding::not(State::Missing, AREA, subject, escape(&error.to_string()), ""),
        }
    }
    if lacking.is_empty() {
        return Finding::good(AREA, subject, format!("it has {all} of {all} locked servers"));
    }
    let detail = format!("it has {} of {all} locked servers; it lacks {}", all - lacking.len(), lacking.join(", "));
    Finding::not(State::Weak, AREA, subject, detail, "mcpsec push sends them, once they are approved")
}
