//! Settings: where they come from, what is printed of them, and that docs/registry.md knows all of them.
use std::path::Path;

use mcpsec_testkit::program::{self, Finished};

use crate::world::REGISTRY;

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Finished {
    program::run(Path::new(REGISTRY), arguments, variables)
}

fn out(finished: &Finished) -> String {
    assert_eq!(finished.code, Some(0), "{}", String::from_utf8_lossy(&finished.stderr));
    String::from_utf8(finished.stdout.clone()).expect("UTF-8")
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("registry.toml");
    let text = "data = \"state\"\norigin = \"mcp.example.test\"\n[limits]\nrate = 1\nburst = 2\nconcurrency = 3\n";
    crate::world::put(&file, text);
    let file = file.to_str().expect("UTF-8");
    let shown = out(&run(
        &["config", "--config", file, "--limits-rate", "30"],
        &[("MCPSEC_REGISTRY_LIMITS_RATE", "20"), ("MCPSEC_REGISTRY_LIMITS_BURST", "20")],
    ));
    let line = |start: &str| {
        shown
            .lines()
            .find(|line| line.starts_with(start))
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(line("rate "), "rate = 30 # flag");
    assert_eq!(line("burst "), "burst = 20 # environment");
    assert_eq!(line("concurrency "), "concurrency = 3 # file");
    assert_eq!(line("timeout "), "timeout = \"30s\" # default");
    // A path of the file stands beside the file.
    assert_eq!(line("data "), format!("data = \"{}\" # file", folder.path().join("state").display()));
}

#[test]
fn nothing_that_is_printed_holds_a_password() {
    let secret = ("MCPSEC_REGISTRY_DATABASE", "postgres://team:hunter2@127.0.0.1:1/none?password=hunter2");
    let shown = run(&["config", "--data", "/nonexistent"], &[secret]);
    let help = run(&["serve", "--help"], &[secret]);
    let folder = tempfile::tempdir().expect("a folder");
    let failed = run(&["serve", "--data", folder.path().to_str().expect("UTF-8")], &[secret]);
    assert_eq!((shown.code, help.code, failed.code), (Some(0), Some(0), Some(2)));
    for finished in [shown, help, failed] {
        for text in [finished.stdout, finished.stderr] {
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}

#[test]
fn a_file_with_an_unknown_key_is_refused_by_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("registry.toml");
    crate::world::put(&file, "data = \"state\"\n\nlimit = 1\n");
    let finished = run(&["serve", "--config", file.to_str().expect("UTF-8")], &[]);
    let said = String::from_utf8_lossy(&finished.stderr).into_owned();
    assert_eq!(finished.code, Some(2));
    assert!(said.starts_with(&format!("error: {}:3: unknown field `limit`", file.display())), "{said}");
    assert!(!folder.path().join("state").exists(), "nothing was made");
}

#[test]
fn the_guide_has_every_setting() {
    let definition = mcpsec_registry::cli::definition();
    let serve = definition.find_subcommand("serve").expect("a verb");
    let defaults = out(&run(&["config", "--data", "DIR"], &[]));
    let mut table = "| key | flag | environment | default | |\n|---|---|---|---|---|\n".to_owned();
    let mut group = String::new();
    let mut default_of = std::collections::BTreeMap::new();
    for line in defaults.lines() {
        if let Some(name) = line.strip_prefix('[') {
            group = format!("{}.", name.trim_end_matches(']'));
        } else if let Some((key, value)) = line.split_once(" = ") {
            let value = value.rsplit_once(" # ").map_or(value, |(value, _)| value).trim();
            default_of.insert(format!("{group}{key}"), value.to_owned());
        }
    }
    for arg in serve.get_arguments() {
        let (Some(flag), Some(env)) = (arg.get_long(), arg.get_env()) else { continue };
        let key = ["tls", "limits", "pull-through"]
            .iter()
            .find_map(|table| Some(format!("{table}.{}", flag.strip_prefix(table)?.strip_prefix('-')?)))
            .unwrap_or_else(|| flag.to_owned());
        let default = default_of.get(&key).filter(|value| !matches!(value.as_str(), "\"DIR\"" | "[]"));
        let default = default.map_or(String::new(), |value| format!("`{}`", value.trim_matches('"')));
        let key = if flag == "config" { String::new() } else { format!("`{key}`") };
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        table.push_str(&format!("| {key} | `--{flag}` | `{}` | {default} | {help} |\n", env.to_string_lossy()));
    }
    let guide = include_str!("../../docs/registry.md");
    assert!(guide.contains(&table), "docs/registry.md is not current; its table of settings should be:\n{table}");
}

#[test]
fn the_example_is_a_file_that_is_understood() {
    let text = include_str!("../../examples/registry/registry.toml");
    let config =
        mcpsec_registry::config::Settings::parse(text, "registry.toml").expect("settings").finish().expect("complete");
    assert_eq!(config.origin, "mcp.example.test");
}
