//! Tests of mcp.toml: every key, every problem, edits.
use super::*;
use crate::team::Mirror;

const FULL: &str = r#"
[servers.files]
source = "npm:@modelcontextprotocol/server-filesystem@^2026"
args = ["."]
env = ["FILES_TOKEN"]
tools = { allow = ["read_*"], confirm = ["write_file"] }
command = "mcp-server-filesystem"
as-of = 2025-08-01
overrides = { zod = "^4", "@scope/x@1" = "1.0.0", "a>b" = "npm:c@2" }
sandbox = { hosts = ["api.invalid"], read = ["."], write = ["~/notes"], env = ["NOTES_TOKEN"] }

[policy]
min-release-age = { default = "3d", "npm:@mine/*" = "0d", "server:files" = "12h" }
provenance = { npm = "if-published", pypi = "required", git = "signed" }
advisories = { malware = "deny", high = "deny", database = "required", max-age = "2w" }
clients = "warn"
rules = { new-host = "deny", vulnerable = { level = "warn", "npm:@scope/*" = "deny", "server:files" = "allow" } }
install-scripts = ["npm:esbuild@0.25.0"]
isolation = "namespace"
capture = "required"
drift = { wording = "allow" }
approvals = { required = 2, signers = "mcp-signers" }
upstream = "required"

[[policy.exempt]]
rule = "manifest-confusion"
subject = "npm:left-pad@1.3.0"
reason = "known difference"
until = 2027-01-31

[registries]
npm = "https://npm.example.invalid/"

[targets]
platforms = ["linux-x86_64-gnu"]
python = ["3.11"]

[team]
registry = "https://mcp.example.test/"
key = "mcp.example.test+550f7ac0+AQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH"
mirror = "first"
"#;

fn problems(text: &str) -> String {
    match Config::parse(text, "mcp.toml") {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_key_is_read() {
    let config = Config::parse(FULL, "mcp.toml").expect("valid");
    let server = &config.servers[&"files".parse::<ServerName>().expect("name")];
    assert_eq!(server.args, ["."]);
    assert_eq!(server.overrides["zod"], "^4");
    assert_eq!(server.overrides["@scope/x@1"], "1.0.0");
    assert_eq!(server.overrides["a>b"], "npm:c@2");
    assert_eq!(server.as_of.expect("date").to_string(), "2025-08-01");
    assert_eq!(config.policy.upstream, UpstreamPolicy::Required);
    assert_eq!(config.policy.capture, CapturePolicy::Required);
    assert_eq!(server.sandbox.as_ref().expect("sandbox").env, ["NOTES_TOKEN"]);
    assert_eq!(config.policy.drift.wording, Level::Allow);
    assert_eq!(config.policy.drift.breaking, Level::Deny);
    assert_eq!(config.policy.exempt[0].until.to_string(), "2027-01-31");
    assert_eq!(config.targets.platforms.len(), 1);
    let team = config.team.as_ref().expect("team");
    assert_eq!((team.registry.to_string().as_str(), team.mirror), ("https://mcp.example.test", Mirror::First));
    assert_eq!(team.key.as_ref().expect("key").origin(), "mcp.example.test");
    let policy = &config.policy;
    let age = |id: &str, root_of: Option<&str>| {
        let root_of = root_of.map(|name| name.parse::<ServerName>().expect("name"));
        policy.min_release_age_for(&id.parse().expect("id"), root_of.as_ref()).as_secs() / 3600
    };
    assert_eq!(age("npm:zod@1.0.0", None), 72);
    assert_eq!(age("npm:@mine/zod@1.0.0", None), 0);
    assert_eq!(age("npm:@mine/zod@1.0.0", Some("files")), 12);
    assert_eq!((policy.advisories.high, policy.advisories.medium), (Level::Deny, Level::Warn));
    assert_eq!(policy.advisories.database, DatabasePolicy::Required);
    assert_eq!(policy.advisories.max_age.as_secs(), 14 * 24 * 3600);
    assert_eq!(policy.clients, ClientsPolicy::Warn);
    let vulnerable = &policy.rules[&crate::finding::Rule::Vulnerable];
    assert_eq!((vulnerable.level, vulnerable.exceptions.len()), (Some(Level::Warn), 2));
    assert_eq!(config.sources.origin("clients").expect("a place").line, 16);
}

#[test]
fn all_problems_come_at_once_with_their_places() {
    let text = "[servers.files]\nsource = \"zod\"\nargz = []\n[policy]\nupstreem = \"warn\"\nisolation = \"landlok\"\n[servers.\"a b\"]\nsource = \"npm:x\"\n";
    insta::assert_snapshot!(problems(text));
}

#[test]
fn hostile_values_are_refused() {
    for text in [
        "[registries]\nnpm = \"https://u:secret@h.invalid/\"",
        "[registries]\npypi = \"file:///etc\"",
        "[servers.x]\nsource = \"npm:a\"\nenv = [\"A=secret\"]",
        "[servers.x]\nsource = \"npm:a\"\ncommand = \"../sh\"",
        "[servers.x]\nsource = \"npm:a\"\nargs = [1]",
        "[servers.x]",
        "servers = 3",
        "[policy]\nmin-release-age = \"99999999999999999d\"",
        "[policy]\nmin-release-age = \"\u{202e}d\"",
        "[[policy.exempt]]\nrule = \"yanked\"\nsubject = \"x\"\nreason = \" \"\nuntil = 2027-01-01",
        "[[policy.exempt]]\nrule = \"yanked\"",
        "[targets]\nplatforms = []",
        "[targets]\npython = [\"2.7\"]",
        "x = [",
        "\u{feff}\u{feff}",
        "[servers.x]\nsource = \"git+https://u:secret@h.invalid/o/r\"",
        "[servers.x]\nsource = \"git+https://h.invalid/o/r?key=secret\"",
        "[servers.x]\nsource = \"https://u:secret@h.invalid/o/r\"",
        "[servers.x]\nsource = \"pypi:a\"\noverrides = { z = \"1\" }",
        "[servers.x]\nsource = \"npm:a\"\noverrides = { z = \"git+https://u:secret@h.invalid/x\" }",
        "[servers.x]\nsource = \"npm:a\"\noverrides = { \"../z\" = \"1\" }",
        "[servers.x]\nsource = \"npm:a\"\nenv = [\"1A\"]",
        "[servers.x]\nsource = \"npm:a\"\ntools = { allow = [\"\"] }",
        "[servers.x]\nsource = \"npm:a\"\ntools = { confirm = [\"a\\u202eb\"] }",
        "[servers.x]\nsource = \"npm:a\"\nsandbox = { hosts = [\"*\"] }",
        "[servers.x]\nsource = \"npm:a\"\nsandbox = { hosts = [\"https://u:secret@h.invalid\"] }",
        "[servers.x]\nsource = \"npm:a\"\nsandbox = { hosts = [\"h.invalid:0\"] }",
        "[servers.x]\nsource = \"npm:a\"\nsandbox = { write = [\"a\\u0007\"] }",
        "[servers.x]\nsource = \"npm:a\"\nsandbox = { read = [\"~bob/x\"] }",
        "[servers.x]\nsource = \"npm:a\"\nsandbox = { read = [\"\"] }",
        "[servers.x]\nsource = \"npm:a\"\nsandbox = { env = [\"A=secret\"] }",
        "[policy]\ncapture = \"maybe\"",
        "[policy]\nmin-release-age = { \"npm:x\" = \"soon\" }",
        "[policy]\nmin-release-age = { x = \"1d\" }",
        "[policy]\nprovenance = { \"pypi:Some_Name\" = \"off\", \"pypi:some-name\" = \"required\" }",
        "[policy]\nrules = { new-hosts = \"deny\" }",
        "[policy]\nrules = { new-host = \"never\" }",
        "[policy]\nrules = { new-host = { secret = \"deny\" } }",
        "[policy]\nrules = { \"a\u{202e}b\" = \"deny\" }",
        "[policy]\nrules = \"deny\"",
        "[policy]\nadvisories = { hihg = \"deny\" }",
        "[policy]\nadvisories = { max-age = \"always\" }",
        "[policy]\nclients = \"no\"",
        "[policy]\nextends = \"org.toml\"",
        "[policy]\nextends = \"/etc/passwd\"",
        "[policy]\nlocked = [\"isolation\"]",
        "[policy]\nallow-isolation-none = true",
        "[policy]\nprovenance = \"signed\"",
        "[policy]\nprovenance = { npm = \"signed\" }",
        "[policy]\napprovals = { required = 1 }",
        "[policy]\napprovals = { required = 1, signers = \"../x\" }",
        "[[policy.exempt]]\nrule = \"yanked\"\nsubject = \"\"\nreason = \"x\"\nuntil = 2027-01-01",
        "[registries]\nnpm = \"https://h.invalid/#secret\"",
        "[team]",
        "team = \"https://h.invalid\"",
        "[team]\nregistry = \"http://h.invalid\"",
        "[team]\nregistry = \"https://u:secret@h.invalid\"",
        "[team]\nregistry = \"https://h.invalid?token=secret\"",
        "[team]\nregistry = \"https://h.invalid\"\ntoken = \"secret\"",
        "[team]\nregistry = \"https://h.invalid\"\nmirror = \"always\"",
        "[team]\nregistry = \"https://h.invalid\"\nkey = \"secret\"",
        "[team]\nregistry = \"https://h.invalid\"\nkey = \"h.invalid+00000000+AQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\"",
        "[team]\nregistry = \"https://\u{202e}h.invalid\u{202e}\"\nmirror = \"\u{202e}\"",
    ] {
        let shown = problems(text);
        assert_ne!(shown, "accepted", "{text}");
        assert!(shown.starts_with("mcp.toml"), "{shown}");
        assert!(!shown.contains("secret") || text.contains("{ secret"), "{shown}");
        assert!(!shown.contains('\u{202e}'), "{shown}");
    }
}

#[test]
fn a_team_is_a_registry_first_of_all() {
    let text = "[team]\nregistry = \"https://mcp.example.test\"\n";
    let config = Config::parse(text, "mcp.toml").expect("valid");
    let registry = "https://mcp.example.test".parse().expect("address");
    assert_eq!(config.team, Some(Team { registry, key: None, mirror: Mirror::Fallback }));
    assert_eq!(Config::parse("", "mcp.toml").expect("valid").team, None);
    let text = "[team]\nkey = \"x\"\nregister = 3\nmirror = \"ofF\"\n[servers]\n";
    let needs = "mcp.toml has 4 problems\n  mcp.toml:1:1: team: needs `registry`: the address of the team's registry \
                 (registry = \"https://mcp.example.test\")\n  mcp.toml:2:7: team.key: must be the key of a log as the registry \
                 prints it: NAME+HINT+BASE64\n  mcp.toml:3:1: team.register: unknown key; known here: registry, key, mirror \
                 (did you mean `registry`?)\n  mcp.toml:4:10: team.mirror: `ofF` is none of: off, fallback, first, only \
                 (did you mean `off`?)";
    assert_eq!(problems(text), needs);
    let text = "[team]\nregistry = \"http://mcp.example.test\"\n";
    let plain = "mcp.toml:2:12: team.registry: must be an https address; plain http is for this machine only (localhost, \
                 127.0.0.1, [::1])";
    assert_eq!(problems(text), plain);
}

#[test]
fn edits_keep_comments_and_are_idempotent() {
    let text = "# mine\n[servers.a]  # keep\nsource = 'npm:a@1' # why\n\n[policy] # p\nupstream = \"warn\"\n";
    let mut editor = ConfigEditor::parse(text, "mcp.toml").expect("toml");
    let old = Config::parse(text, "mcp.toml").expect("valid");
    let (name, server) = old.servers.iter().next().expect("server");
    editor.insert_server(name, server).expect("insert");
    assert_eq!(editor.to_string(), text, "nothing changes when nothing differs");
    let added = ServerConfig { args: vec![".".to_owned()], ..ServerConfig::new("pypi:b>=1".parse().expect("spec")) };
    editor.insert_server(&"b".parse().expect("name"), &added).expect("insert");
    insta::assert_snapshot!(editor.to_string());
    let again = Config::parse(&editor.to_string(), "mcp.toml").expect("valid");
    assert_eq!(again.servers.len(), 2);
    assert!(editor.remove_server(&"b".parse().expect("name")));
    assert_eq!(editor.to_string(), text);
    assert!(!editor.remove_server(&"b".parse().expect("name")));
}

#[test]
fn a_changed_value_keeps_its_comment_and_its_table() {
    let text = "[servers.a]\nsource = 'npm:a@1' # why\nenv = []\n\n# mine\n[servers.a.tools]\nallow = ['x'] # t\n";
    let config = Config::parse(text, "mcp.toml").expect("valid");
    let (name, server) = config.servers.iter().next().expect("server");
    let changed = ServerConfig { source: "npm:a@2".parse().expect("spec"), ..server.clone() };
    let mut editor = ConfigEditor::parse(text, "mcp.toml").expect("toml");
    editor.insert_server(name, &changed).expect("insert");
    assert_eq!(editor.to_string(), text.replace("'npm:a@1'", "\"npm:a@2\"").replace("env = []\n", ""));
}

#[test]
fn servers_can_be_added_to_tables_of_every_form() {
    for text in [
        "",
        "# only a comment",
        "servers.a.source = \"npm:a\"\n",
        "servers = { a = { source = \"npm:a\" } }\n",
        "[servers]\na.source = 'npm:a'\n",
        "[servers]\na = { source = 'npm:a' }\n[targets]\npython = ['3.12']\n",
        "[servers.a]\nsource = 'npm:a'\n[servers.a.sandbox]\nhosts = []\n[policy]\nupstream = 'warn'",
    ] {
        let before = Config::parse(text, "mcp.toml").expect("valid").servers.len();
        let mut editor = ConfigEditor::parse(text, "mcp.toml").expect("toml");
        for name in ["b", "c"] {
            let server = ServerConfig::new(format!("npm:{name}").parse().expect("spec"));
            editor.insert_server(&name.parse().expect("name"), &server).expect("insert");
        }
        let after = Config::parse(&editor.to_string(), "mcp.toml").expect("still valid");
        assert_eq!(after.servers.len(), before + 2, "{editor}");
    }
}

#[test]
fn a_file_of_mistakes_is_cut_short() {
    let text: String = (0..20_000).map(|i| format!("k{i} = 1\n")).collect();
    let error = Config::parse(&text, "mcp.toml").expect_err("unknown keys");
    assert_eq!(error.problems.len(), 101);
    assert_eq!(error.problems[100].message, "19900 more problems are not listed");
}

#[test]
fn the_named_files_spell_out_their_policies() {
    for (name, policy) in [(NamedPolicy::Starter, Policy::starter()), (NamedPolicy::Strict, Policy::strict())] {
        let text = ConfigEditor::with_policy(name).to_string();
        let config = Config::parse(&text, "mcp.toml").expect("valid");
        assert_eq!(config.policy, policy);
        // What names packages, files or other policies has no value until somebody gives one.
        let given = ["exempt", "signers", "git-signers", "git-keys", "extends", "locked", "allow-isolation-none"];
        for key in policy::KEYS.iter().filter(|key| !given.contains(key)) {
            assert!(text.contains(key), "{key} must be spelled out");
        }
        for key in policy::ADVISORY_KEYS {
            assert!(config.sources.origin(&format!("advisories.{key}")).is_some(), "{key} must be spelled out");
        }
    }
    assert_eq!(ConfigEditor::starter().to_string(), ConfigEditor::with_policy(NamedPolicy::Starter).to_string());
}

#[test]
fn line_ends_survive() {
    let text = "[servers.a]\r\nsource = \"npm:a\"\r\n";
    let mut editor = ConfigEditor::parse(text, "mcp.toml").expect("toml");
    editor
        .insert_server(&"b".parse().expect("name"), &ServerConfig::new("npm:b".parse().expect("spec")))
        .expect("insert");
    let out = editor.to_string();
    assert_eq!(out.matches('\n').count(), out.matches("\r\n").count());
}

#[test]
fn every_known_key_is_documented() {
    let docs = include_str!("../../../../docs/config.md");
    for key in known_keys() {
        assert!(docs.contains(&format!("`{key}`")), "docs/config.md must explain `{key}`");
    }
    for (parent, keys) in [
        ("servers.NAME.tools", server::TOOL_KEYS),
        ("servers.NAME.sandbox", server::SANDBOX_KEYS),
        ("policy.provenance", policy::PROVENANCE_KEYS),
        ("policy.signers", super::trust::SIGNER_KEYS),
        ("policy.drift", policy::DRIFT_KEYS),
        ("policy.approvals", policy::APPROVAL_KEYS),
        ("policy.advisories", policy::ADVISORY_KEYS),
        ("policy.exempt", policy::EXEMPT_KEYS),
    ] {
        let row = docs.lines().find(|line| line.starts_with(&format!("| `{parent}`"))).expect("a row");
        for key in keys {
            assert!(row.contains(key), "docs/config.md must name `{key}` in the row of `{parent}`");
        }
    }
}

/// docs/policy.md has every key that `mcpsec explain policy` shows, with its starter and strict values.
#[test]
fn every_value_is_documented() {
    let docs = include_str!("../../../../docs/policy.md").replace("\r\n", "\n");
    let (starter, strict) = (Policy::starter(), Policy::strict());
    let rows = PolicyKeys::ALL.iter().map(|key| {
        format!("| `{}` | {} | `{}` | `{}` |\n", key.path, key.meaning, key.value(&starter), key.value(&strict))
    });
    let table = format!("| key | meaning | starter | strict |\n|---|---|---|---|\n{}", rows.collect::<String>());
    assert!(docs.contains(&table), "docs/policy.md must contain:\n{table}");
    for key in known_keys().iter().filter_map(|key| key.strip_prefix("policy.")) {
        assert!(docs.contains(&format!("`{key}")), "docs/policy.md must explain `{key}`");
    }
}
