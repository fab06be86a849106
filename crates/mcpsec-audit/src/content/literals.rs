//! What a string in code names: hosts, addresses, e-mail addresses, webhooks, secret files; and what it orders when it is run.
//!
//! Both languages use it. Strings come as they are when the program runs: escapes resolved, concatenations folded. A part that
//! is not known stands as [`HOLE`]. Every function is linear in the text, and reads no more of it than [`MOST`] bytes.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::facts::{Name, NameKind};

mod commands;
mod places;
mod services;
mod variables;

pub use commands::{Order, orders};
pub use places::{StartupPlace, is_grave, secret_places, startup_place};
pub use variables::{family, is_secret_variable, variable};

/// Stands for a part of a string that is only known when the program runs.
pub const HOLE: char = '\u{fffc}';
/// How many bytes of one string are read; what is longer is data.
pub const MOST: usize = 64 << 10;
/// How many characters of a string are shown.
const SHOWN: usize = 80;

/// Everything that a string names: hosts, addresses, e-mail addresses, webhooks and secret files, sorted, each once.
///
/// A host counts when it is part of a URL, or when the whole string is nothing but one and ends in a well-known way;
/// [`host`] reads strings that stand where a host is expected. A URL inside of prose is a [`NameKind::Link`].
pub fn names(text: &str) -> Vec<Name> {
    let text = head(text);
    let mut found = Vec::new();
    let prose = is_prose(text);
    for (start, _) in text.match_indices("://") {
        url(text, start, prose, &mut found);
    }
    if text.len() <= 64 {
        found.extend(address(text));
    }
    if text.contains('@') {
        found.extend(emails(text).into_iter().map(|text| Name { kind: NameKind::Email, text }));
    }
    found.extend(bare(text));
    found.extend(
        secret_places(text).into_iter().map(|place| Name { kind: NameKind::SecretPath, text: place.to_owned() }),
    );
    found.sort();
    found.dedup();
    found
}

/// A string that stands where a host is expected, such as the option `hostname` of a request: a host, address or webhook.
pub fn host(text: &str) -> Vec<Name> {
    let text = head(text).trim();
    if text.contains("://") {
        return names(text);
    }
    let end = text.find(['/', '?', '#']).unwrap_or(text.len());
    let mut found = Vec::new();
    authority(&text[..end], &text[end..], false, &mut found);
    found
}

/// The e-mail addresses in a string, in lower case, in order. Not the user part of a URL, `git@host:path` or a file name.
pub fn emails(text: &str) -> Vec<String> {
    let text = head(text);
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        let before = &text[..at];
        let local_length =
            before.bytes().rev().take_while(|b| b.is_ascii_alphanumeric() || b"._%+-".contains(b)).take(65).count();
        let local = &before[at - local_length..];
        let after = &text[at + 1..];
        let domain_length =
            after.bytes().take_while(|b| b.is_ascii_alphanumeric() || b".-".contains(b)).take(254).count();
        let domain = after[..domain_length].trim_end_matches(['.', '-']);
        let follows = after[domain.len()..].chars().next();
        let led = before[..at - local_length].chars().next_back();
        let tail = domain.rsplit('.').next().unwrap_or_default();
        let good = (1..=64).contains(&local.len())
            && !local.starts_with(['.', '-', '%'])
            && !local.eq_ignore_ascii_case("git")
            && domain.contains('.')
            && !domain.starts_with(['.', '-'])
            && (2..=24).contains(&tail.len())
            && tail.bytes().all(|b| b.is_ascii_alphabetic())
            && !FILE_ENDINGS.contains(&tail.to_ascii_lowercase().as_str())
            && !matches!(led, Some('/' | '@' | ':') if !before[..at - local_length].ends_with("mailto:") && !before[..at - local_length].ends_with(": "))
            && !matches!(follows, Some(':' | '/' | '@'));
        if good {
            let email = format!("{local}@{domain}").to_ascii_lowercase();
            if !found.contains(&email) {
                found.push(email);
            }
        }
    }
    found
}

/// Whether a name of a property or header says who gets a message.
pub fn recipient(key: &str) -> Option<Recipient> {
    let plain: String =
        key.trim().chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_ascii_lowercase();
    Some(match plain.as_str() {
        "bcc" | "bccaddress" | "bccaddresses" | "bccrecipients" | "addbcc" | "setbcc" | "bccs" | "bccemail"
        | "bccemails" | "blindcopy" => Recipient::Hidden,
        "cc" | "ccaddress" | "ccaddresses" | "ccrecipients" | "addcc" | "setcc" | "ccs" | "ccemail" | "ccemails" => {
            Recipient::Copy
        }
        "to" | "toaddress" | "toaddresses" | "torecipients" | "addto" | "setto" | "recipients" | "recipient"
        | "toemail" | "toemails" | "rcptto" => Recipient::Open,
        "replyto" | "replytoaddresses" | "returnpath" => Recipient::Reply,
        _ => return None,
    })
}

/// How somebody gets a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Recipient {
    /// `bcc`: the others do not see it.
    Hidden,
    /// `cc`.
    Copy,
    /// `to`.
    Open,
    /// `Reply-To`: gets the answers.
    Reply,
}

/// Whether an e-mail address is one of documentation, so that nobody reads it: `example.com` and its like (RFC 2606).
///
/// `.invalid` and `.test` count as addresses: they are not used as samples, and tests need some.
pub fn is_sample(email: &str) -> bool {
    let domain = email.rsplit('@').next().unwrap_or_default();
    let sample = |name: &str| domain == name || domain.ends_with(&format!(".{name}"));
    ["example.com", "example.org", "example.net", "domain.com", "email.com", "company.com", "test.com", "localhost"]
        .iter()
        .any(|name| sample(name))
        || domain.ends_with(".example")
}

/// How many characters in a row are invisible and carry data: variation selectors, tags, zero-width and private use characters.
/// Text in any language has one or two of them in a row.
pub fn hidden_run(text: &str) -> usize {
    let carries = |c: char| matches!(u32::from(c), 0xfe00..=0xfe0f | 0xe0000..=0xe0fff | 0x200b..=0x200f | 0x2060..=0x2064 | 0xfeff | 0x3164 | 0xffa0);
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if carries(c) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// The first characters of a string, on one line, for [`super::facts::Sign::shown`].
pub fn shown(text: &str) -> String {
    let mut short = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == SHOWN {
            short.push('…');
            break;
        }
        short.push(match c {
            HOLE => '…',
            c if c.is_whitespace() => ' ',
            c => c,
        });
    }
    short
}

/// Endings of files that look like the end of a domain in `name@2x.png`.
const FILE_ENDINGS: &[&str] = &[
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "webp",
    "js",
    "mjs",
    "cjs",
    "ts",
    "json",
    "css",
    "html",
    "md",
    "txt",
    "map",
    "xml",
    "yml",
    "yaml",
    "tgz",
    "gz",
    "zip",
    "py",
    "whl",
    "so",
    "dll",
    "exe",
    "node",
    "wasm",
    "prototype",
    "length",
];

fn head(text: &str) -> &str {
    let mut end = text.len().min(MOST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Whether a string is a sentence that people read: several words, and nothing of a command line.
fn is_prose(text: &str) -> bool {
    let words = text.split_whitespace().filter(|word| {
        let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
        word.len() >= 2 && word.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '-')
    });
    let commands =
        ["curl ", "wget ", "fetch(", "require(", "http.", "Invoke-", "iwr ", " | ", "&&", "=>", "://\u{fffc}"];
    words.take(4).count() >= 4 && !commands.iter().any(|command| text.contains(command))
}

/// Reads the URL whose `://` is at `start`.
fn url(text: &str, start: usize, prose: bool, found: &mut Vec<Name>) {
    let scheme_length =
        text[..start].bytes().rev().take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
    let scheme = text[start - scheme_length..start].to_ascii_lowercase();
    let known = matches!(
        scheme.as_str(),
        "http"
            | "https"
            | "ws"
            | "wss"
            | "ftp"
            | "ftps"
            | "tcp"
            | "udp"
            | "tls"
            | "ssl"
            | "smtp"
            | "smtps"
            | "socks"
            | "socks5"
            | "socks4"
            | "redis"
            | "rediss"
            | "mongodb"
            | "mongodb+srv"
            | "postgres"
            | "postgresql"
            | "mysql"
            | "amqp"
            | "amqps"
            | "mqtt"
            | "mqtts"
            | "ssh"
            | "git"
            | "git+https"
            | "git+ssh"
            | "sftp"
            | "grpc"
            | "ldap"
            | "ldaps"
            | "irc"
            | "stratum+tcp"
            | "stun"
            | "turn"
    );
    // The scheme may be the unknown part: `${protocol}://host`.
    let held = scheme.is_empty() && text[..start].ends_with(HOLE);
    if !known && !held {
        return;
    }
    let rest = &text[start + 3..];
    let end = rest
        .find(|c: char| {
            c.is_whitespace()
                || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>' | '\\' | '`' | ')' | ',' | ';' | '|' | '^')
        })
        .unwrap_or(rest.len());
    let path_end =
        rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')).unwrap_or(rest.len());
    authority(&rest[..end], &rest[end..path_end.max(end)], prose, found);
}

/// Reads `user:password@host:port`, and the path after it, which tells what a service is used for.
fn authority(authority: &str, path: &str, prose: bool, found: &mut Vec<Name>) {
    let place = authority.rsplit('@').next().unwrap_or_default();
    let place = match place.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or_default(),
        None if place.matches(':').count() > 1 => place,
        None => place.split(':').next().unwrap_or_default(),
    };
    if place.is_empty() || place.len() > 253 {
        return;
    }
    if let Ok(ip) = place.parse::<IpAddr>() {
        found.extend(public(ip));
        return;
    }
    // What follows the host may be unknown as well: `https://host${path}`.
    let before = place.trim_end_matches(HOLE);
    let place =
        if before.contains('.') && before.ends_with(|c: char| c.is_ascii_alphanumeric()) { before } else { place };
    // A part that is only known at run time: what stands after it is the domain.
    let (place, wild) = match place.rfind([HOLE, '*', '}', '>']) {
        Some(at) => {
            let width = place[at..].chars().next().map_or(1, char::len_utf8);
            match place[at + width..].find('.') {
                Some(dot) => (&place[at + width + dot + 1..], true),
                None => return,
            }
        }
        None => (place, false),
    };
    // Numbers in other bases are addresses as well, as browsers read them.
    let host = match url::Host::parse(place.trim_end_matches('.')) {
        Ok(url::Host::Domain(domain)) => domain,
        Ok(url::Host::Ipv4(ip)) => return found.extend(public(IpAddr::V4(ip))),
        Ok(url::Host::Ipv6(ip)) => return found.extend(public(IpAddr::V6(ip))),
        Err(_) => return,
    };
    let tail = host.rsplit('.').next().unwrap_or_default();
    if !host.contains('.')
        || tail.len() < 2
        || !tail.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        || host.bytes().any(|b| !(b.is_ascii_alphanumeric() || b".-_".contains(&b)))
        || services::is_not_a_place(&host)
    {
        return;
    }
    let shown = if wild { format!("*.{host}") } else { host.clone() };
    if services::is_webhook(&host, path) {
        found.push(Name { kind: NameKind::Webhook, text: shown.clone() });
    }
    found.push(Name { kind: if prose { NameKind::Link } else { NameKind::Host }, text: shown });
}

/// A string that is nothing but a host: only with an ending that nothing else has, for `a.b` is also a member of an object.
fn bare(text: &str) -> Option<Name> {
    let place = text.split(':').next().unwrap_or_default();
    if place.len() > 100 || place.starts_with(['.', '-']) || text.contains(['/', '@', ' ', '(']) {
        return None;
    }
    let (front, tail) = place.rsplit_once('.')?;
    let ends = matches!(
        tail,
        "com"
            | "org"
            | "net"
            | "dev"
            | "cloud"
            | "xyz"
            | "top"
            | "club"
            | "ru"
            | "cn"
            | "site"
            | "online"
            | "live"
            | "pro"
            | "ovh"
            | "onion"
            | "invalid"
            | "fun"
            | "icu"
            | "info"
            | "me"
            | "su"
            | "pw"
    );
    let good = front.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b))
        && front.bytes().any(|b| b.is_ascii_alphabetic())
        && front.len() >= 3
        && front.split('.').all(|label| !label.is_empty() && !label.starts_with('-'));
    if !ends || !good || services::is_not_a_place(place) {
        return None;
    }
    let kind = if services::is_webhook(place, "") { NameKind::Webhook } else { NameKind::Host };
    Some(Name { kind, text: place.to_owned() })
}

/// A string that is nothing but an address, with or without a port.
fn address(text: &str) -> Option<Name> {
    let text = text.trim();
    let place = match text.split_once(':') {
        Some((place, port)) if port.parse::<u16>().is_ok() && place.contains('.') => place,
        _ => text,
    };
    match place.parse::<IpAddr>().ok()? {
        // Versions of four numbers look like addresses of networks that nobody calls.
        IpAddr::V4(ip) if ip.octets()[0] < 5 && ip.octets()[1..].iter().filter(|part| **part == 0).count() >= 2 => None,
        ip => public(ip),
    }
}

/// An address that leads somewhere else than this machine.
fn public(ip: IpAddr) -> Option<Name> {
    let here = match ip {
        IpAddr::V4(ip) => v4_is_here(ip),
        IpAddr::V6(ip) => {
            ip.is_loopback()
                || ip.is_unspecified()
                || ip == Ipv6Addr::LOCALHOST
                || ip.to_ipv4_mapped().is_some_and(v4_is_here)
        }
    };
    (!here).then(|| Name { kind: NameKind::Address, text: ip.to_string() })
}

fn v4_is_here(ip: Ipv4Addr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || ip.is_broadcast() || ip.octets()[0] == 255
}

#[cfg(test)]
mod tests;
