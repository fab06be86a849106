//! Properties of every parser of this crate: no input panics, and what is accepted reads back from its own text.
//!
//! Inputs are mixed from the pieces that the grammars know and from characters that cause trouble, which reaches far deeper
//! than random bytes do.
use std::fmt::Display;

use proptest::prelude::*;

use crate::{
    closure::NodeId,
    config::{Config, ConfigEditor, ServerConfig, Tools},
    digest::{Digest, Integrity},
    launch::{LaunchLine, Request},
    name::{PackageName, ServerName},
    package::PackageId,
    spec::Spec,
    target::Target,
    text::is_hidden,
    time::AsOf,
    url::SafeUrl,
};

/// Pieces of specs, ids, launch lines and files.
const PIECES: &[&str] = &[
    "npm:",
    "pypi:",
    "git+https://h.invalid/o/r",
    "git+ssh://git@h.invalid/r",
    "git+file:///r",
    "pkg:npm/",
    "pkg:pypi/",
    "@scope/",
    "name",
    "Name_X",
    "@",
    "@1.2.3",
    "@^1",
    "@latest",
    "==1.0",
    ">=1,<2",
    "~=1.0",
    "[a,b]",
    "[",
    "]",
    "#",
    "?",
    "#subdirectory=a/b",
    "%40",
    "%2e%2e",
    "..",
    "/",
    "\\",
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "'",
    "\"",
    "`",
    "$(",
    "${A}",
    ";",
    "&&",
    "|",
    ">",
    "<",
    "npx",
    "uvx",
    "-y",
    "--from",
    "--package=",
    "--",
    "cmd /c ",
    "A=b ",
    "env ",
    "pipx run",
    "(",
    ")",
    "= ",
    " ? ; ",
    "sha256:",
    "sha512-",
    "AAAA",
    "0123456789abcdef0123456789abcdef01234567",
    "linux-x86_64-gnu",
    "/3.12",
    "2025-08-01",
    "T12:00:00Z",
    "9999-12-31",
    "-9999-01-01",
    "\u{202e}",
    "\u{200b}",
    "\u{e0041}",
    "\u{0}",
    "\u{1b}[2J",
    "é",
    "日",
    "\u{1f600}",
    "1",
    "999999999999999999999999",
    "-",
    "_",
    ".",
    "*",
    "[servers.a]\n",
    "source = ",
    "\"npm:a\"\n",
    "[policy]\n",
    "min-release-age = ",
    "\"3d\"\n",
    "[[policy.exempt]]\n",
    "until = 2027-01-31\n",
    "{ ",
    " }",
    "overrides = { a = \"1\" }\n",
    "[targets]\n",
    "python = [\"3.12\"]\n",
    "''' ",
    "\"\"\" ",
];

fn mixed() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[ -~]{1,6}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// What is accepted must be written as something that is accepted, means the same and hides nothing.
fn settles<T: Display + PartialEq>(value: &T, parse: impl Fn(&str) -> Option<T>) -> Result<(), TestCaseError> {
    let text = value.to_string();
    prop_assert!(!text.chars().any(is_hidden), "{text:?} hides a character");
    let again = parse(&text);
    prop_assert!(again.is_some(), "{text:?} does not read back");
    prop_assert_eq!(again.map(|again| again.to_string()), Some(text));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsers_do_not_panic_and_settle(text in mixed()) {
        if let Ok(spec) = text.parse::<Spec>() {
            settles(&spec, |text| text.parse().ok())?;
        }
        if let Ok(id) = text.parse::<PackageId>() {
            settles(&id, |text| text.parse().ok())?;
            prop_assert!(id.purl().is_ascii());
        }
        if let Ok(node) = NodeId::parse(&text) {
            settles(&node, |text| NodeId::parse(text).ok())?;
        }
        if let Ok(target) = text.parse::<Target>() {
            settles(&target, |text| text.parse().ok())?;
        }
        if let Ok(as_of) = text.parse::<AsOf>() {
            settles(&as_of, |text| text.parse().ok())?;
        }
        if let Ok(name) = text.parse::<ServerName>() {
            settles(&name, |text| text.parse().ok())?;
        }
        if let Ok(digest) = text.parse::<Digest>() {
            settles(&digest, |text| text.parse().ok())?;
        }
        if let Ok(name) = PackageName::npm(&text) {
            settles(&name, |text| PackageName::npm(text).ok())?;
        }
        if let Ok(name) = PackageName::pypi(&text) {
            settles(&name, |text| PackageName::pypi(text).ok())?;
        }
        let _read = Integrity::parse(&text);
        let _suggested = ServerName::suggest(&text);
        if let Ok(url) = text.parse::<SafeUrl>() {
            let shown = format!("{url}{url:?}");
            prop_assert!(!shown.chars().any(is_hidden), "{shown:?}");
        }
    }

    #[test]
    fn launch_lines_do_not_panic(text in mixed()) {
        for shown in [
            LaunchLine::parse(&text).map(|_| ()).map_err(|error| error.to_string()),
            Request::parse(&text).map(|_| ()).map_err(|error| error.to_string()),
            LaunchLine::from_words(&text.split(' ').map(str::to_owned).collect::<Vec<_>>()).map(|_| ()).map_err(|error| error.to_string()),
        ] {
            if let Err(shown) = shown {
                prop_assert!(!shown.chars().any(is_hidden), "{shown:?}");
            }
        }
    }

    #[test]
    fn files_do_not_panic_and_their_problems_print(text in mixed()) {
        if let Err(error) = Config::parse(&text, "mcp.toml") {
            prop_assert!(!error.problems.is_empty());
            for problem in &error.problems {
                prop_assert!(problem.line >= 1 && problem.column >= 1);
                prop_assert!(!format!("{}{}", problem.path, problem.message).chars().any(is_hidden), "{problem:?}");
            }
        }
        // What can be edited stays readable: an edit never turns a valid file into an invalid one.
        if let (Ok(before), Ok(mut editor)) = (Config::parse(&text, "x"), ConfigEditor::parse(&text, "x")) {
            let name: ServerName = "new.server".parse().expect("name");
            let server = ServerConfig::new("npm:zod@^4".parse().expect("spec"));
            editor.insert_server(&name, &server).expect("insert");
            let after = Config::parse(&editor.to_string(), "x");
            prop_assert_eq!(after.map(|after| after.servers.len()), Ok(before.servers.len() + 1));
        }
    }

    #[test]
    fn servers_are_written_as_they_are_read(
        name in "[a-zA-Z0-9][a-zA-Z0-9._-]{0,20}",
        args in prop::collection::vec("[^\\x00]{0,12}", 0..4),
        env in prop::collection::vec("[A-Z_][A-Z0-9_]{0,8}", 0..3),
        allow in prop::option::of(prop::collection::vec("[a-z_*]{1,8}", 0..3)),
        confirm in prop::collection::vec("[a-z_*]{1,8}", 0..3),
        command in prop::option::of("[a-z][a-z0-9._-]{0,10}"),
        as_of in prop::option::of(Just("2025-08-01")),
    ) {
        let name: ServerName = name.parse().expect("name");
        let server = ServerConfig {
            command: command.map(Into::into),
            args,
            env,
            tools: Some(Tools { allow, confirm }),
            as_of: as_of.map(|text| text.parse().expect("date")),
            ..ServerConfig::new("npm:@scope/name@^1.2".parse().expect("spec"))
        };
        let mut editor = ConfigEditor::starter();
        editor.insert_server(&name, &server).expect("insert");
        let text = editor.to_string();
        let config = Config::parse(&text, "mcp.toml");
        prop_assert_eq!(config.as_ref().ok().and_then(|config| config.servers.get(&name)), Some(&server), "{}", text);
        editor.insert_server(&name, &server).expect("insert again");
        prop_assert_eq!(editor.to_string(), text);
    }
}
