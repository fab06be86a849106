//! What a capture itself says about a server: that it reached for what is not its own, or does not keep its word.
use std::collections::BTreeMap;

use mcpsec_model::{
    capture::{Between, Captured, Unstable},
    finding::{Confidence, Finding, Rule, Severity},
    manifest::{Kind, Subject},
    text::{Untrusted, escape},
};
use serde_json::Value;

use super::{compare::refused_list, error::is_name_server, process::TOLD};

/// The most findings about instability; what is beyond is counted in one more.
const MAX_UNSTABLE: usize = 50;
/// The most names in one message.
const MAX_NAMES: usize = 8;
/// How much of the other words is shown, in characters.
const MAX_WORDS: usize = 2_000;

/// Calls that no server needs: they look into other programs, or into the system below.
const ESCAPES: [&str; 22] = [
    "add_key",
    "bpf",
    "delete_module",
    "finit_module",
    "init_module",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "mount",
    "move_mount",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "reboot",
    "setns",
    "swapon",
    "umount2",
    "userfaultfd",
];

/// Ends or parts of paths where secrets lie. Reading them can have a reason (a client of a cloud looks for its
/// credentials), so that this alone is weaker than a canary whose bytes were read.
const SECRETS: [&str; 16] = [
    "/.ssh/",
    "/.aws/credentials",
    "/.gnupg/",
    "/.netrc",
    "/.git-credentials",
    "/.kube/config",
    "/.docker/config.json",
    "/.config/gcloud/",
    "/.config/gh/hosts",
    "/.azure/",
    "/.bash_history",
    "/.zsh_history",
    "/etc/shadow",
    "/Login Data",
    "/Cookies",
    "wallet.dat",
];

/// How bad it is that a server read one of the files in its home that look like secrets. Libraries read settings of their own
/// accord when they start (`.env`, `.netrc`), and a client of a cloud or a cluster looks for its credentials; nobody's library
/// opens private keys, wallets or the passwords of a browser.
fn of_reading(file: &str) -> Severity {
    const SETTINGS: [&str; 4] = ["~/.env", "~/.netrc", "~/.npmrc", "~/.pypirc"];
    const CLIENTS: [&str; 6] = ["~/.aws/", "~/.kube/", "~/.docker/", "~/.azure/", "~/.config/gcloud/", "~/.config/gh/"];
    if SETTINGS.contains(&file) {
        Severity::Low
    } else if CLIENTS.iter().any(|folder| file.starts_with(folder)) {
        Severity::Medium
    } else {
        Severity::High
    }
}

/// Findings from what was observed and from what was unstable, sorted.
pub fn findings(captured: &Captured) -> Vec<Finding> {
    let mut all = Vec::new();
    alarms(captured, &mut all);
    network(captured, &mut all);
    unstable(&captured.unstable, &mut all);
    all.sort();
    all
}

fn alarms(captured: &Captured, out: &mut Vec<Finding>) {
    let observed = &captured.observed;
    let alarm = |message: String| Finding::new(Rule::SandboxAlarm, "server", message);
    for file in &observed.canaries {
        let (what, severity) = match file.raw().strip_suffix(TOLD) {
            Some(name) => (format!("told what is in {}", Untrusted::new(name).excerpt(80)), Severity::High),
            None => (format!("read {}", file.excerpt(80)), of_reading(file.raw())),
        };
        let message = format!("while it was only asked for its lists it {what}, which looks like a secret");
        out.push(alarm(message).evidence(file.raw()).severe(severity));
    }
    let secret = |file: &&Untrusted| SECRETS.iter().any(|part| file.raw().contains(part));
    for file in observed.files.iter().filter(secret).filter(|file| !observed.canaries.contains(file)) {
        let message = "while it was only asked for its lists it tried to open a file where secrets lie".to_owned();
        out.push(alarm(message).evidence(file.raw()).severe(Severity::Medium).confidence(Confidence::Medium));
    }
    for (call, times) in &observed.refused {
        let message = format!("it called `{}`, which the sandbox refuses ({times} times)", escape(call));
        // How often differs from run to run; consent is about the call.
        let alarm = alarm(message).evidence(call.as_str());
        out.push(match ESCAPES.contains(&call.as_str()) {
            true => alarm,
            // Runtimes probe what the system offers.
            false => alarm.severe(Severity::Info).confidence(Confidence::Low),
        });
    }
    if observed.incomplete {
        out.push(alarm("it tried more than could be recorded".to_owned()).severe(Severity::Medium));
    }
}

fn network(captured: &Captured, out: &mut Vec<Finding>) {
    let allowed = |host: &Untrusted| captured.context.network.contains(host.raw());
    let hosts: Vec<&Untrusted> = captured.observed.hosts.iter().filter(|host| !allowed(host)).collect();
    if hosts.is_empty() {
        return;
    }
    let shown = |host: &&Untrusted| match is_name_server(host) {
        true => format!("a name server ({})", host.excerpt(80)),
        false => host.excerpt(80),
    };
    let mut names: Vec<String> = hosts.iter().take(MAX_NAMES).map(shown).collect();
    if hosts.len() > MAX_NAMES {
        names.push(format!("{} more", hosts.len() - MAX_NAMES));
    }
    let evidence: Vec<&str> = hosts.iter().map(|host| host.raw()).collect();
    let message = format!("while it was only asked for its lists it tried to reach {}", names.join(", "));
    out.push(Finding::new(Rule::NetworkAttempt, "server", message).evidence(evidence.join("\n")));
}

fn unstable(unstable: &[Unstable], out: &mut Vec<Finding>) {
    // One finding an entry and comparison: a server that changes every member of a tool is one problem.
    let mut groups: BTreeMap<(Between, Subject), Vec<&Unstable>> = BTreeMap::new();
    for one in unstable {
        let at = match one.subject.as_str().starts_with("server/") {
            true => one.subject.clone(),
            false => one.subject.entry_of(),
        };
        groups.entry((one.between, at)).or_default().push(one);
    }
    let count = groups.len();
    for ((between, subject), members) in groups.into_iter().take(MAX_UNSTABLE) {
        out.push(difference(between, &subject, &members));
    }
    if count > MAX_UNSTABLE {
        let message = format!("{} more entries were not the same twice", count - MAX_UNSTABLE);
        out.push(Finding::new(Rule::UnstableManifest, "server", message));
    }
}

fn difference(between: Between, subject: &Subject, members: &[&Unstable]) -> Finding {
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| *subject == refused_list(*kind)) {
        let code = members.iter().find_map(|one| one.other.get("error")?.as_i64()).unwrap_or_default();
        let message =
            format!("it answered for its list `{}` with the error {code}: what stands there is not known", kind.list());
        return Finding::new(Rule::UnstableManifest, subject.clone(), message).severe(Severity::Low);
    }
    let whole = members.iter().any(|one| one.subject == *subject);
    let entry = Kind::ALL.iter().any(|kind| subject.as_str().starts_with(&format!("{}:", kind.as_str())));
    let who = match between {
        Between::Calls => "when asked again",
        Between::Processes => "by another process",
        Between::Clients => "to another client",
    };
    let message = match members {
        [one] if whole && entry && one.other.is_null() => format!("it is not told {who}"),
        [_] if whole && entry => format!("it is told only {who}, or otherwise"),
        _ if whole => format!("other words are told {who}"),
        _ => {
            let prefix = format!("{subject}/");
            let mut names: Vec<&str> =
                members.iter().map(|one| one.subject.as_str().strip_prefix(&prefix).unwrap_or_default()).collect();
            names.dedup();
            let more = names.len().saturating_sub(MAX_NAMES);
            names.truncate(MAX_NAMES);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("other words are told {who} in {}{more}", names.join(", "))
        }
    };
    let mut words = String::new();
    for one in members {
        let other = match &one.other {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        words.extend(other.chars().take(MAX_WORDS.saturating_sub(words.len())));
        words.push('\n');
    }
    let finding = Finding::new(Rule::UnstableManifest, subject.clone(), message).evidence(words.trim_end());
    // More tools for clients that can do more are how the protocol is meant; other words for some clients are not.
    if between == Between::Clients && whole && entry { finding.severe(Severity::Low) } else { finding }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use mcpsec_model::{
        capture::{Context, Observed},
        config::Isolation,
        manifest::{Manifest, ManifestParts},
    };
    use serde_json::json;

    use super::*;

    fn captured(observed: Observed, unstable: Vec<Unstable>) -> Captured {
        let context = Context {
            isolation: Isolation::Namespace,
            runtime: None,
            protocol: "2025-11-25".into(),
            placeholders: BTreeSet::new(),
            real_env: BTreeSet::new(),
            network: BTreeSet::from(["allowed.example.invalid".to_owned()]),
        };
        let manifest = Manifest::new(ManifestParts::default()).expect("an empty one");
        Captured { manifest, context, unstable, observed }
    }

    fn told(captured: &Captured) -> Vec<(Rule, Severity, String, String)> {
        let all = findings(captured).into_iter();
        all.map(|one| (one.rule, one.severity(), one.subject.clone(), one.message.clone())).collect()
    }

    #[test]
    fn what_was_tried_is_told_by_its_weight() {
        let mut observed = Observed::default();
        observed.canaries.insert("~/.ssh/id_ed25519".into());
        observed.files.extend(["~/.ssh/id_ed25519".into(), "~/.aws/credentials".into(), "~/.npmrc".into()]);
        observed.hosts.extend([
            "allowed.example.invalid".into(),
            "127.0.0.1:53".into(),
            "c2.example.invalid\u{202e}".into(),
        ]);
        observed.refused.extend([("ptrace".into(), 2), ("io_uring_setup".into(), 1)]);
        observed.incomplete = true;
        let found = findings(&captured(observed, Vec::new()));
        let line = |one: &Finding| {
            let evidence = one.evidence.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {} {} [{evidence}]", one.rule.id(), one.severity(), one.message)
        };
        let lines: Vec<String> = found.iter().map(line).collect();
        let asked = "while it was only asked for its lists it";
        assert_eq!(
            lines,
            [
                "sandbox-alarm info it called `io_uring_setup`, which the sandbox refuses (1 times) [io_uring_setup]"
                    .to_owned(),
                "sandbox-alarm high it called `ptrace`, which the sandbox refuses (2 times) [ptrace]".to_owned(),
                "sandbox-alarm medium it tried more than could be recorded []".to_owned(),
                format!(
                    "sandbox-alarm high {asked} read ~/.ssh/id_ed25519, which looks like a secret [~/.ssh/id_ed25519]"
                ),
                format!("sandbox-alarm medium {asked} tried to open a file where secrets lie [~/.aws/credentials]"),
                format!(
                    "network-attempt low {asked} tried to reach a name server (127.0.0.1:53), \
                     c2.example.invalid\\u{{202e}} [127.0.0.1:53\\nc2.example.invalid\\u{{202e}}]"
                ),
            ]
        );
        assert_eq!(findings(&captured(Observed::default(), Vec::new())), []);
    }

    #[test]
    fn instability_is_one_finding_an_entry() {
        let tool = Subject::entry(Kind::Tool, "add");
        let one = |subject: Subject, between, other| Unstable { subject, between, other };
        let unstable = vec![
            one(Subject::server().at("instructions"), Between::Processes, json!("other")),
            one(tool.at("description"), Between::Calls, json!("x")),
            one(tool.at("inputSchema").at("properties"), Between::Calls, json!({})),
            one(Subject::entry(Kind::Tool, "gone"), Between::Processes, Value::Null),
            one(Subject::entry(Kind::Tool, "more"), Between::Clients, json!({"name": "more"})),
        ];
        let said: Vec<_> = told(&captured(Observed::default(), unstable))
            .into_iter()
            .map(|(_, severity, subject, message)| format!("{severity} {subject}: {message}"))
            .collect();
        assert_eq!(
            said,
            [
                "medium server/instructions: other words are told by another process",
                "medium tool:add: other words are told when asked again in description, inputSchema/properties",
                "medium tool:gone: it is not told by another process",
                "low tool:more: it is told only to another client, or otherwise",
            ]
        );
    }

    #[test]
    fn a_server_cannot_drown_the_report() {
        let many = (0..10_000).map(|index| Unstable {
            subject: Subject::entry(Kind::Tool, &format!("t{index:05}")).at("description"),
            between: Between::Calls,
            other: json!("x".repeat(10_000)),
        });
        let found = findings(&captured(Observed::default(), many.collect()));
        assert_eq!(found.len(), MAX_UNSTABLE + 1);
        assert!(found.iter().any(|one| one.message == "9950 more entries were not the same twice"));
        assert!(found.iter().all(|one| one.evidence.as_ref().is_none_or(|text| text.raw().len() <= MAX_WORDS + 1)));
    }
}
