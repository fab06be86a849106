//! Layers, checks and what is shown.
use std::{path::PathBuf, time::Duration};

use clap::Args as _;

use super::{Config, ConfigError, From, Network, Secret, Settings, Size, Span, show};

fn file(text: &str) -> Settings {
    Settings::parse(text, "registry.toml").expect("settings")
}

fn finished(text: &str) -> Result<Config, ConfigError> {
    file(&format!("data = \"/srv\"\n{text}")).finish()
}

#[test]
fn the_upper_layer_wins_value_by_value() {
    let upper = file("listen = \"127.0.0.1:1\"\n[limits]\nrate = 7");
    let lower = file("data = \"/srv\"\nlisten = \"127.0.0.1:2\"\nrequired = 2\n[limits]\nrate = 8\nburst = 9");
    let config = upper.over(lower).finish().expect("complete");
    assert_eq!(config.listen.port(), 1);
    assert_eq!((config.required, config.limits.rate, config.limits.burst), (2, 7, 9));
    assert_eq!(config.limits.concurrency, Config::in_folder(PathBuf::new()).limits.concurrency);
}

#[test]
fn every_setting_of_the_upper_layer_wins() {
    // Whatever `over` forgets would show here: two layers that say everything, and differently.
    let everything = |n: u32| {
        format!(
            "data = \"/{n}\"\nlisten = \"127.0.0.1:{n}\"\ndatabase = \"sqlite://{n}\"\nblobs = \"s3://b{n}\"\nsigners = \"{n}\"\nlog-key = \"{n}\"\n\
             origin = \"o{n}\"\npublic-url = \"https://h{n}.invalid\"\nrequired = {n}\nprivate = {}\nhead-validity = \"{n}d\"\npolicy = \"{n}\"\n\
             trusted-proxies = [\"10.0.0.{n}\"]\nlog = \"l{n}\"\nlog-format = \"{}\"\n\
             [tls]\ncert = \"{n}\"\nkey = \"{n}\"\n[limits]\nconnections = {n}\nconcurrency = {n}\nrate = {n}\nburst = {n}\nheader-timeout = \"{n}s\"\n\
             timeout = \"{n}s\"\nidle = \"{n}s\"\nshutdown = \"{n}s\"\nartifact = \"{n}\"\n\
             [pull-through]\nnpm = \"https://n{n}.invalid\"\npypi = \"https://p{n}.invalid\"\nhosts = [\"h{n}\"]\nprivate-hosts = [\"i{n}\"]\n\
             [[oidc]]\nissuer = \"https://i{n}.invalid\"\naudience = \"a{n}\"\njwks-uri = \"https://j{n}.invalid\"\nclaims = {{ repository = \"r{n}\" }}\nscopes = [\"push\"]\n",
            n == 1,
            if n == 1 { "json" } else { "text" },
        )
    };
    let (upper, lower) = (file(&everything(1)), file(&everything(2)));
    let shown = |settings: Settings| show(&settings.finish().expect("complete"), |_| From::File);
    assert_eq!(shown(upper.clone().over(lower.clone())), shown(upper.clone()));
    assert_ne!(shown(upper.clone()), shown(lower.clone()));
    assert_eq!(shown(Settings::default().over(upper.clone())), shown(upper.clone()));
    // Both layers say every key there is.
    let table = toml::Table::try_from(upper).expect("a table");
    let command = Settings::augment_args(clap::Command::new("x"));
    for arg in command.get_arguments().filter_map(clap::Arg::get_long) {
        let known = table.iter().any(|(key, value)| match value.as_table() {
            Some(inner) => inner.keys().any(|inner| format!("{key}-{inner}") == arg),
            None => key == arg,
        });
        assert!(known, "--{arg} has no key in the file, or this test does not set it");
    }
}

#[test]
fn what_is_shown_can_be_read_again() {
    let config = finished(
        "trusted-proxies = [\"10.0.0.0/8\"]\n[pull-through]\nnpm = \"https://npm.invalid/\"\n[[oidc]]\nissuer = \"https://ci.invalid\"\n\
         audience = \"mcp\"\nclaims = { repository = \"team/*\", ref = \"main\" }\nscopes = [\"push\"]",
    )
    .expect("complete");
    let text = show(&config, |key| if key == "limits.rate" { From::Flag } else { From::Default });
    assert!(text.contains("rate = 500                                               # flag"), "{text}");
    let again = file(&text).finish().expect("complete");
    assert_eq!(show(&again, |_| From::Default), show(&config, |_| From::Default));
    assert_eq!(again.oidc[0].claims.len(), 2);
}

#[test]
fn secrets_are_not_shown() {
    let config = finished(
        "database = \"postgres://team:hunter2@db.invalid/registry?sslpassword=hunter2\"\n[pull-through]\nnpm = \"https://u:hunter2@npm.invalid/?hunter2\"",
    )
    .expect("complete");
    let shown = show(&config, |_| From::File);
    assert!(shown.contains("postgres://db.invalid/registry"), "{shown}");
    for text in
        [shown, format!("{config:?}"), format!("{:?}", Secret::new("hunter2")), Secret::new("hunter2").to_string()]
    {
        assert!(!text.contains("hunter2"), "{text}");
    }
    // The line of a mistake is named, and not shown.
    let error =
        Settings::parse("data = \"/srv\"\ndatabase = \"postgres://a:hunter2@b\" x", "f").expect_err("a mistake");
    assert!(error.to_string().starts_with("f:2: ") && !error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn a_key_that_is_not_known_is_refused_with_its_line() {
    for (text, line) in [
        ("data = \"/x\"\nbogus = 1\n", 2),
        ("[limits]\n\nburts = 1\n", 3),
        ("[[oidc]]\nissuer = \"https://x.invalid\"\naudience = \"a\"\nscopes = []\nfoo = 1", 5),
    ] {
        match Settings::parse(text, "registry.toml") {
            Err(ConfigError::File { line: found, message, .. }) => {
                assert_eq!(found, line, "{text}");
                assert!(message.contains("unknown field"), "{message}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_cannot_be_is_refused() {
    for (text, key) in [
        ("required = 0", "required"),
        ("head-validity = \"5s\"", "head-validity"),
        ("head-validity = \"32d\"", "head-validity"),
        ("origin = \"a b\"", "origin"),
        ("origin = \"\"", "origin"),
        ("origin = \"a\\nb\"", "origin"),
        ("public-url = \"file:///x\"", "public-url"),
        ("[tls]\ncert = \"c\"", "tls.key"),
        ("[tls]\nkey = \"c\"", "tls.cert"),
        ("[limits]\nconcurrency = 0", "limits.concurrency"),
        ("[limits]\ntimeout = \"0s\"", "limits.timeout"),
        ("[pull-through]\nhosts = [\"x\"]", "pull-through"),
        ("[pull-through]\nnpm = \"file:///etc\"", "pull-through.npm"),
        ("[[oidc]]\nissuer = \"https://x.invalid\"\naudience = \"a\"\nscopes = [\"push\"]", "oidc.claims"),
        (
            "[[oidc]]\nissuer = \"http://x.invalid\"\naudience = \"a\"\nscopes = [\"push\"]\nclaims = { a = \"b\" }",
            "oidc.issuer",
        ),
        (
            "[[oidc]]\nissuer = \"https://x.invalid\"\naudience = \"a\"\nscopes = [\"admin\"]\nclaims = { a = \"b\" }",
            "oidc.scopes",
        ),
    ] {
        match finished(text) {
            Err(ConfigError::Setting { key: found, .. }) => assert_eq!(found, key, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(
        Settings::default().finish().expect_err("no folder").to_string(),
        "`data`: is missing; give a folder with `--data DIR`"
    );
}

#[test]
fn durations_and_sizes() {
    for (text, seconds) in [("0s", 0), ("90s", 90), ("5m", 300), ("2h", 7200), ("7d", 604_800)] {
        let span: Span = text.parse().expect(text);
        assert_eq!(span.0, Duration::from_secs(seconds));
        assert_eq!(span.to_string().parse::<Span>().expect("again"), span);
    }
    for text in ["", "s", "5", "5 s", "-5s", "+5s", "5w", "99999999999d", "99999999999999999999s", "５s", "5é"] {
        text.parse::<Span>().expect_err(text);
    }
    for (text, bytes) in [("1", 1), ("64MiB", 64 << 20), ("2 GiB", 2 << 30), ("1KiB", 1024)] {
        let size: Size = text.parse().expect(text);
        assert_eq!(size.0, bytes);
        assert_eq!(size.to_string().parse::<Size>().expect("again"), size);
    }
    for text in ["", "MiB", "1MB", "-1", "99999999999GiB"] {
        text.parse::<Size>().expect_err(text);
    }
}

#[test]
fn networks_hold_addresses() {
    let holds = |network: &str, address: &str| {
        network.parse::<Network>().expect(network).holds(address.parse().expect(address))
    };
    assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
    assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert!(holds("192.0.2.7", "192.0.2.7") && !holds("192.0.2.7", "192.0.2.6"));
    assert!(holds("0.0.0.0/0", "198.51.100.1") && !holds("0.0.0.0/0", "2001:db8::1"));
    assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("2001:db8::/32", "2001:db9::1"));
    for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "x", "10.0.0.0/", "10.0.0.0/-1"] {
        text.parse::<Network>().expect_err(text);
    }
}
