//! What a capture itself says about a server: that it reached for what is not its own, or does not keep its word.
use std::collections::BTreeMap;

use mcpsec_model::{
    capture::{Between, Captured, Unstable},
    finding::{Confidence, Finding, Rule, Severity},
    manifest::{Kind, Subject},
    text::{Untrusted, escape},
};
use serde_json::Value;

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
        out.push(
            alarm("while it was only asked for its lists it read a file that looks like a secret".to_owned())
                .evidence(file.raw()),
        );
    }
    let secret = |file: &&Untrusted| SECRETS.iter().any(|part| file.raw().contains(part));
    for file in observed.files.iter().filter(secret).filter(|file| !observed.canaries.contains(file)) {
        let message = "while it was only asked for its lists it tried to open a file where secrets lie".to_owned();
        out.push(alarm(message).evidence(file.raw()).severe(Severity::Medium).confidence(Confidence::Medium));
    }
    for (call, times) in &observed.refused {
        let message = format!("it called `{}`, which the sandbox refuses ({times} times)", escape(call));
        out.push(match ESCAPES.contains(&call.as_str()) {
            true => alarm(message),
            // Runtimes probe what the system offers.
            false => alarm(message).severe(Severity::Info).confidence(Confidence::Low),
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
    let mut names: Vec<String> = hosts.iter().take(MAX_NAMES).map(|host| host.excerpt(80)).collect();
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
