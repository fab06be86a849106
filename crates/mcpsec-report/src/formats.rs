//! What holds for all formats of a report: they agree, and nothing in them does anything.
use std::collections::BTreeSet;

use mcpsec_model::{
    config::ConfigPlaces,
    finding::{Finding, Rule},
    lock::Places,
    report::Report,
    text::escape,
    verdict::{Decision, Source, Verdict},
};
use serde_json::Value;

use crate::{
    Help, Style, Surroundings, human, json, markdown,
    rich::{HOSTILE, hostile, reason, rich, server},
    sarif,
};

const LOCK: &str = "\
# Written by mcpsec
version = 1

[[server]]
name = \"files\"

[[server.manifest.tool]]
name = \"send\"
description = \"Sends a mail\"

[[package]]
id = \"npm:zod@3.25.76\"

[[package]]
id = \"npm:mailer@1.0.16\"
";
const CONFIG: &str = "[servers.files]\nsource = \"npm:@scope/files@^1\"\n\n[policy]\n";

fn log(report: &Report) -> Value {
    let (lock, config) = (Places::of(LOCK), ConfigPlaces::of(CONFIG));
    let help = |source: Source| {
        matches!(source, Source::Rule(_)).then_some(Help {
            means: "It means.",
            why: "It matters.",
            resolve: "Do this.",
        })
    };
    let around =
        Surroundings { version: "0.1.0", folder: "sub dir", lock: Some(&lock), config: Some(&config), help: &help };
    serde_json::from_str(&sarif(report, &around)).expect("JSON")
}

fn results(log: &Value) -> Vec<&Value> {
    log["runs"][0]["results"].as_array().expect("results").iter().collect()
}

/// Server, kind, id and subject of everything that a JSON report denies.
fn denied(report: &Report) -> BTreeSet<(String, String, String)> {
    let all: Value = serde_json::from_str(&json(report)).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let of = |name: &str, decision: &Value| {
        let denied = decision["denied"].as_array().expect("denied").clone();
        denied
            .into_iter()
            .map(|reason| (name.to_owned(), text(&reason["id"]), escape(&text(&reason["subject"]))))
            .collect::<Vec<_>>()
    };
    let servers = all["servers"].as_array().expect("servers").iter();
    let mut out: BTreeSet<_> = servers.flat_map(|server| of(&text(&server["name"]), &server["decision"])).collect();
    out.extend(of("project", &all["project"]["decision"]));
    out
}

fn denied_in_log(log: &Value) -> BTreeSet<(String, String, String)> {
    let denied = results(log).into_iter().filter(|result| result["properties"]["standing"] == "denied");
    let of = |result: &Value| {
        let properties = &result["properties"];
        let server = properties["server"].as_str().unwrap_or("project").to_owned();
        let subject = properties["subjects"][0].as_str().expect("a subject").to_owned();
        (server, properties["id"].as_str().expect("an id").to_owned(), subject)
    };
    denied.map(of).collect()
}

#[test]
fn every_format_looks_as_it_should() {
    insta::assert_snapshot!("rich_human", human(&rich(), Style::plain()));
    insta::assert_snapshot!("rich_markdown", markdown(&rich()));
    insta::assert_snapshot!("rich_json", json(&rich()));
    let mut log = log(&rich());
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array_mut().expect("rules");
    rules.retain(|rule| ["malware", "upstream", "drift-dangerous"].contains(&rule["id"].as_str().expect("id")));
    insta::assert_snapshot!("rich_sarif", serde_json::to_string_pretty(&log).expect("JSON"));
}

#[test]
fn all_formats_deny_the_same() {
    for report in [rich(), hostile("x"), hostile("`a` | b"), hostile("")] {
        let denied = denied(&report);
        assert!(denied.len() >= 6, "{denied:?}");
        assert_eq!(denied_in_log(&log(&report)), denied);
        let (page, text) = (markdown(&report), human(&report, Style::plain().with_width(10_000)));
        for (_, id, subject) in &denied {
            assert!(page.contains(id.as_str()) && page.contains(subject.as_str()), "{id} {subject}\n{page}");
            assert!(text.contains(id.as_str()) && text.contains(subject.as_str()), "{id} {subject}\n{text}");
        }
    }
}

#[test]
fn what_the_decision_forgot_is_on_the_strict_side() {
    let mut report = rich();
    for server in &mut report.servers {
        server.decision = Decision::default();
    }
    // The failed check and the verdict are enough to deny; a finding is at least shown.
    let all = denied(&report);
    assert!(all.iter().any(|(_, id, _)| id == "artifact-hash"), "{all:?}");
    assert_eq!(log(&report)["runs"][0]["invocations"][0]["exitCode"], 1);
    // A verdict without any reason is still a result.
    let report = Report::new("verify", vec![server("empty", Verdict::Incomplete)]);
    let log = log(&report);
    assert_eq!(results(&log).len(), 1);
    assert_eq!(results(&log)[0]["level"], "error");
    assert!(
        markdown(&report).contains("nothing was checked")
            && human(&report, Style::plain()).contains("nothing was checked")
    );
}

#[test]
fn findings_of_one_rule_and_subject_keep_their_own_standing() {
    let mut one = server("files", Verdict::Deny);
    let subject = "tool:send/description";
    let accepted =
        Finding { accepted: Some("read".to_owned()), ..Finding::new(Rule::Secrecy, subject, "accepted one") };
    one.findings = vec![Finding::new(Rule::Secrecy, subject, "denied one"), accepted];
    one.decision.denied = vec![reason(Source::Rule(Rule::Secrecy), subject, None)];
    one.decision.allowed_by = vec![mcpsec_model::verdict::Allowed {
        what: reason(Source::Rule(Rule::Secrecy), subject, None),
        by: mcpsec_model::verdict::AllowedBy::Consent { reason: "read".to_owned() },
    }];
    for _order in 0..2 {
        let all: Value = serde_json::from_str(&json(&Report::new("verify", vec![one.clone()]))).expect("JSON");
        for finding in all["servers"][0]["findings"].as_array().expect("findings") {
            let want = if finding["accepted"].is_null() { "denied" } else { "allowed" };
            assert_eq!(finding["level"], want, "{finding}");
        }
        one.findings.reverse();
    }
}

#[test]
fn a_log_is_what_code_scanning_takes() {
    let log = log(&rich());
    let run = &log["runs"][0];
    assert_eq!((&log["version"], &run["invocations"][0]["exitCode"]), (&"2.1.0".into(), &1.into()));
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().expect("id")).collect();
    assert_eq!(ids.len(), rules.len(), "ids of rules are unique");
    for rule in rules {
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(!rule[text]["text"].as_str().expect("text").is_empty(), "{rule}");
        }
    }
    let mut fingerprints = BTreeSet::new();
    for result in results(&log) {
        let at = usize::try_from(result["ruleIndex"].as_u64().expect("index")).expect("small");
        assert_eq!(rules[at]["id"], result["ruleId"]);
        assert!(!result["message"]["text"].as_str().expect("text").is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64().expect("line") >= 1);
        let uri = place["artifactLocation"]["uri"].as_str().expect("uri");
        assert!(uri.starts_with("sub%20dir/") && !uri.contains(".."), "{uri}");
        assert!(fingerprints.insert(result["partialFingerprints"]["primaryLocationLineHash"].to_string()), "{result}");
        let allowed = result["properties"]["standing"] == "allowed";
        assert_eq!(result["suppressions"].as_array().expect("suppressions").len(), usize::from(allowed));
        assert!(!allowed || result["level"] == "note");
    }
    let at = |id: &str| {
        let of_id = results(&log).into_iter().find(|result| result["ruleId"] == id).expect("a result");
        let place = &of_id["locations"][0]["physicalLocation"];
        (place["artifactLocation"]["uri"].to_string(), place["region"]["startLine"].as_u64().expect("line"))
    };
    assert_eq!(at("artifact-hash"), ("\"sub%20dir/mcp.lock\"".to_owned(), 11));
    assert_eq!(at("new-recipient"), ("\"sub%20dir/mcp.lock\"".to_owned(), 14), "not a file of the repository");
    assert_eq!(at("hidden-instruction"), ("\"sub%20dir/mcp.lock\"".to_owned(), 9));
    assert_eq!(at("unpinned-launch"), ("\"sub%20dir/.mcp.json\"".to_owned(), 4));
    assert_eq!(at("malware"), ("\"sub%20dir/mcp.lock\"".to_owned(), 4), "an unknown package is at its server");
}

#[test]
fn fingerprints_do_not_move_with_lines() {
    let report = rich();
    let prints = |lock: &str| {
        let lock = Places::of(lock);
        let around = Surroundings { version: "1", folder: "", lock: Some(&lock), config: None, help: &|_| None };
        let log: Value = serde_json::from_str(&sarif(&report, &around)).expect("JSON");
        let of = |result: &&Value| result["partialFingerprints"].to_string();
        results(&log).iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(prints(LOCK), prints(&LOCK.replace("version = 1\n", "version = 1\n\n\n\n")));
}

#[test]
fn long_logs_keep_what_is_denied_and_say_what_they_left_out() {
    let mut one = server("files", Verdict::Deny);
    for i in 0..6_000 {
        let subject = format!("npm:p{i}@1.0.0");
        one.findings.push(Finding::new(Rule::Vulnerable, &subject, "x".repeat(5_000)));
        one.decision.warned.push(reason(Source::Rule(Rule::Vulnerable), &subject, None));
    }
    one.findings.push(Finding::new(Rule::Malware, "npm:evil@1.0.0", "malicious"));
    one.decision.denied.push(reason(Source::Rule(Rule::Malware), "npm:evil@1.0.0", None));
    let report = Report::new("verify", vec![one]);
    let log = log(&report);
    assert!(results(&log).len() <= 5_000 && results(&log)[0]["ruleId"] == "malware");
    let said = log["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].to_string();
    let missing = 6_001 - results(&log).len();
    assert!(said.contains(&format!("{missing} results are left out")), "{said}");
    assert!(log.to_string().len() < 10 << 20);
    let page = markdown(&report);
    assert!(page.len() <= 60_000 && page.contains("malware"), "{}", page.len());
}

#[test]
fn a_long_page_says_what_it_left_out() {
    let servers = (0..300)
        .map(|i| {
            let mut one = server(&format!("s{i}"), Verdict::Deny);
            one.findings = vec![Finding::new(Rule::Malware, format!("npm:p{i}@1.0.0"), "##[x]".repeat(200))];
            one.decision.denied = vec![reason(Source::Rule(Rule::Malware), &format!("npm:p{i}@1.0.0"), None)];
            one
        })
        .collect();
    let page = markdown(&Report::new("verify", servers));
    assert!(page.len() <= 60_000, "{}", page.len());
    assert!(
        page.contains("parts of this report left out for length; `mcpsec verify --format json` has everything"),
        "{page}"
    );
    assert!(page.contains("and 200 more, none of them worse"));
}

/// Every line outside fenced blocks with its code spans taken out: what Markdown would act upon.
fn active(page: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<String> = None;
    for line in page.lines() {
        let start = line.trim_start();
        let run: String = start.chars().take_while(|c| *c == '~').collect();
        match &fence {
            Some(open) if start.trim_end() == open => fence = None,
            Some(_) => {}
            None if run.len() >= 3 => fence = Some(run),
            None => {
                out.push_str(&without_spans(line));
                out.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "a fence is left open:\n{page}");
    out
}

fn without_spans(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        out.push_str(&rest[..at]);
        let run = rest[at..].chars().take_while(|c| *c == '`').count();
        let inside = &rest[at + run..];
        // A span ends at the next run of exactly as many.
        let mut from = 0;
        let end = loop {
            let next = inside[from..].find('`').map(|next| from + next).unwrap_or_else(|| panic!("no end: {line}"));
            let length = inside[next..].chars().take_while(|c| *c == '`').count();
            if length == run {
                break next;
            }
            from = next + length;
        };
        rest = &inside[end + run..];
    }
    out.push_str(rest);
    out
}

#[test]
fn nothing_in_a_page_is_a_strangers() {
    let plain = active(&markdown(&hostile("x")));
    for text in HOSTILE {
        let page = markdown(&hostile(text));
        let active = active(&page);
        for word in [
            "<script",
            "<img",
            "javascript",
            "tracker",
            "phish",
            "@everyone",
            "heading",
            "</summary><",
            "[click",
            "#1",
            "a|b",
        ] {
            assert!(!active.contains(word), "{text:?}: {word}\n{active}");
        }
        // The same elements as with a harmless text: no more rows, no more blocks.
        for element in ["<details>", "</details>", "<br>", "\n| ", "\n#", "\n- "] {
            assert_eq!(
                active.matches(element).count(),
                plain.matches(element).count(),
                "{text:?}: {element}\n{active}"
            );
        }
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        assert!(page.lines().filter(|line| line.starts_with("| ")).all(|line| cells(line) == 9), "{page}");
    }
}

#[test]
fn no_text_is_a_command_of_a_terminal_or_of_a_job() {
    for text in HOSTILE {
        let report = hostile(text);
        let (page, sarif) = (markdown(&report), serde_json::to_string(&log(&report)).expect("JSON"));
        let lines =
            [human(&report, Style::plain().with_width(40)), human(&report, Style::plain()), json(&report), page];
        for text in &lines {
            for line in text.lines() {
                assert!(!line.trim_start().starts_with("::"), "{line}");
                assert!(!line.contains("##[") && !line.contains("##vso["), "{line}");
            }
        }
        for text in lines.iter().chain([&sarif]) {
            let hidden = text.chars().find(|c| *c != '\n' && mcpsec_model::text::is_hidden(*c));
            assert_eq!(hidden, None, "{text}");
        }
        let log = log(&report);
        for result in results(&log) {
            let message = result["message"]["text"].as_str().expect("text");
            assert!(!message.contains("](") && !message.is_empty(), "{message}");
            let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().expect("uri");
            assert!(uri.bytes().all(|b| b.is_ascii_graphic()) && !uri.contains("..") && !uri.contains(':'), "{uri}");
        }
    }
}
