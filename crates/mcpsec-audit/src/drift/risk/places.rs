//! Places that a text names: hosts, mail addresses, telephone numbers, and files that hold secrets.
use std::sync::LazyLock;

use regex::Regex;

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

static URL: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?i)\b(?:https?|wss?|ftp|s3|gs|ssh|git)://(?:[^\s/@<>()]*@)?([^\s/:?#'`)\]>}<,;]+)"));
static BARE_HOST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:^|[\s(@'`])((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:com|net|org|io|dev|app|ai|co|me|info|biz|xyz|site|online|top|ru|cn|de|uk|eu|example|invalid|test|onion|sh|cloud|link|click|tk|pw|cc|to|in|us|fr|nl|pl|br|jp|kr))(?:$|[\s/:?#,;.)'`])",
    )
});
static MAIL: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?i)[a-z0-9][a-z0-9._%+-]*@([a-z0-9-]+(?:\.[a-z0-9-]+)+)"));
static PHONE: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"\+\d[\d ()-]{7,18}\d"));
static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"\b(?:0x[0-9a-f]{40}|bc1[a-z0-9]{25,60}|[13][a-km-zA-HJ-NP-Z1-9]{25,34}|[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){3,7})\b",
    )
});
static IP: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"));
/// Files and folders that nobody names without wanting what is in them.
static SECRET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?ix) \.ssh\b | \bid_(?:rsa|dsa|ecdsa|ed25519)\b | \bauthorized_keys\b | \.aws/ | \.kube/ | \bkubeconfig\b | \.netrc\b | \.pgpass\b
        | \.npmrc\b | \.pypirc\b | \.git-credentials\b | \.gnupg\b | \.docker/config | \.config/(?:gcloud|gh|op)\b | /etc/(?:passwd|shadow|sudoers)\b
        | /proc/(?:self|\d+|\$?\w*)/environ | \.(?:bash|zsh)_history\b | \.(?:cursor|codeium|claude|vscode|gemini|continue)/ | \bclaude_desktop_config | \bmcp\.json\b
        | \bwallet\.dat\b | \bkeychain(?:-db)?\b | \bcookies\.sqlite\b | \blogin\ data\b | \bkey[34]\.db\b | \bcredentials\.(?:json|ya?ml|toml|db|csv|txt)\b
        | \bsecrets?\.(?:json|ya?ml|toml|env|txt|db)\b | (?:^|[\s/'(])\.env(?:\.\w+)?\b | %appdata% | %userprofile% | \bntuser\.dat\b | \bconfig/sam\b
        | \w+\.(?:pem|pfx|p12|jks|kdbx|keystore|ovpn)\b | /var/run/(?:secrets|docker\.sock) | 169\.254\.169\.254 | \bmetadata\.google\.internal\b",
    )
});

fn matched<'a>(pattern: &LazyLock<Option<Regex>>, text: &'a str) -> Vec<&'a str> {
    let Some(pattern) = pattern.as_ref() else { return Vec::new() };
    let found = pattern.captures_iter(text).take(1_000);
    found.filter_map(|found| found.get(1).or_else(|| found.get(0))).map(|found| found.as_str()).collect()
}

/// Hosts in a text, in lower case: of URLs, of mail addresses, and bare ones.
pub(super) fn hosts(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for pattern in [&URL, &MAIL, &BARE_HOST, &IP] {
        all.extend(matched(pattern, text).into_iter().map(|host| host.trim_end_matches('.').to_lowercase()));
    }
    all.sort();
    all.dedup();
    all
}

/// Where something can be sent to: hosts, mail addresses, telephone numbers, accounts.
pub(super) fn destinations(text: &str) -> Vec<String> {
    let mut all = hosts(text);
    for pattern in [&PHONE, &ADDRESS] {
        all.extend(matched(pattern, text).into_iter().map(str::to_owned));
    }
    all
}

/// Mail addresses, telephone numbers and accounts: a person or a purse.
pub(super) fn people(text: &str) -> bool {
    [&MAIL, &PHONE, &ADDRESS].iter().any(|pattern| !matched(pattern, text).is_empty())
}

/// The first file named in the text that holds secrets.
pub(super) fn secret(text: &str) -> Option<&str> {
    SECRET.as_ref()?.find(text).map(|found| found.as_str().trim())
}

/// The part of a host that has one owner, near enough: the last two labels.
pub(super) fn owner(host: &str) -> &str {
    if host.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return host;
    }
    let mut dots = host.rmatch_indices('.');
    match (dots.next(), dots.next()) {
        (Some(_), Some((at, _))) => &host[at + 1..],
        _ => host,
    }
}

/// The machine itself.
pub(super) fn local(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "::1" | "host.docker.internal")
}

/// Names that documentation uses for anybody.
pub(super) fn sample(host: &str) -> bool {
    matches!(owner(host), "example.com" | "example.org" | "example.net")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_valid_and_find_places() {
        for pattern in [&URL, &BARE_HOST, &MAIL, &PHONE, &ADDRESS, &IP, &SECRET] {
            assert!(pattern.is_some());
        }
        assert_eq!(hosts("POST https://u@a.b.invalid:80/x and x@c.example"), ["a.b.invalid", "c.example"]);
        assert_eq!(hosts("to collect.invalid."), ["collect.invalid"]);
        assert_eq!(hosts("foo.bar(), e.g. config.toml"), Vec::<String>::new());
        assert_eq!(owner("a.b.invalid"), "b.invalid");
        assert_eq!(secret("cat ~/.ssh/id_rsa"), Some(".ssh"));
        assert_eq!(secret("the environment, import.meta.env.X"), None);
        assert!(people("+1 324 123 4123") && !people("2026-07-28"));
    }
}
