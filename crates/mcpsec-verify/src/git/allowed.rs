//! OpenSSH's allowed-signers files, as ssh-keygen(1) describes them: one key a line, who holds it, what for and from when to when.
use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use smol_str::SmolStr;
use ssh_key::{PublicKey, public::KeyData};

/// One line of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Allowed {
    /// Its line, from 1.
    pub(super) line: usize,
    /// Who: a list of patterns, as written.
    pub(super) principals: SmolStr,
    /// What for: a list of patterns. Nothing means everything.
    pub(super) namespaces: Option<String>,
    /// The first second at which it is valid.
    pub(super) valid_after: Option<Timestamp>,
    /// The last second at which it is valid.
    pub(super) valid_before: Option<Timestamp>,
    /// The key.
    pub(super) key: KeyData,
}

/// What a line breaks.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LineError {
    /// Longer than any key.
    #[error("longer than {MAX_LINE} bytes")]
    TooLong,
    /// Nothing after the principals.
    #[error("no key after the principals")]
    NoKey,
    /// A quotation mark that is never closed.
    #[error("a quotation mark that is never closed")]
    Quotes,
    /// The principals are an empty list.
    #[error("no principal")]
    NoPrincipal,
    /// Not a public key of a supported kind.
    #[error("not a public key: {0}")]
    Key(String),
    /// An option that ssh-keygen does not have.
    #[error("unknown option `{0}`")]
    Option(String),
    /// An option that is there twice.
    #[error("option `{0}` is there twice")]
    Twice(&'static str),
    /// Certificates of SSH authorities are not supported, and a line that is passed over would be a signer who is not known.
    #[error("`cert-authority` is not supported; list the signers' own keys")]
    CertAuthority,
    /// Not a date as ssh-keygen writes it.
    #[error("`{0}` is not a time such as 20250801, 20250801Z or 20250801120000Z")]
    Time(String),
    /// The window ends before it starts.
    #[error("valid-after is not before valid-before")]
    Window,
}

/// The longest line: the base64 of a 16,384-bit RSA key has some 2,800 bytes.
const MAX_LINE: usize = 16 * 1024;

/// Reads one line; `None` for comments and blank lines.
pub(super) fn line(number: usize, text: &str) -> Result<Option<Allowed>, LineError> {
    let text = text.trim_matches([' ', '\t', '\r']);
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    if text.len() > MAX_LINE {
        return Err(LineError::TooLong);
    }
    let (principals, rest) = word(text)?;
    if principals.is_empty() {
        return Err(LineError::NoPrincipal);
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    let mut allowed = Options::default();
    let key = match key(rest) {
        Ok(key) => key,
        Err(error @ LineError::Key(_)) if ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| rest.starts_with(kind)) => {
            return Err(error);
        }
        Err(error) => {
            // No key here: these must be options, and the key comes after them. ssh-keygen reads it in the same order.
            let (options, rest) = unquoted_word(rest)?;
            let rest = rest.trim_start_matches([' ', '\t']);
            if rest.is_empty() {
                return Err(error);
            }
            allowed = Options::read(options)?;
            key(rest)?
        }
    };
    if let (Some(after), Some(before)) = (allowed.valid_after, allowed.valid_before)
        && after >= before
    {
        return Err(LineError::Window);
    }
    Ok(Some(Allowed {
        line: number,
        principals: SmolStr::new(principals),
        namespaces: allowed.namespaces,
        valid_after: allowed.valid_after,
        valid_before: allowed.valid_before,
        key,
    }))
}

fn key(text: &str) -> Result<KeyData, LineError> {
    if text.is_empty() {
        return Err(LineError::NoKey);
    }
    // Comments of keys may be anything; only the first two words are the key.
    let mut words = text.split([' ', '\t']).filter(|word| !word.is_empty());
    let two = [words.next().unwrap_or_default(), words.next().unwrap_or_default()].join(" ");
    let key = PublicKey::from_openssh(&two).map_err(|error| LineError::Key(error.to_string()))?;
    Ok(key.key_data().clone())
}

/// The first word, which may be in double quotes, and what follows it.
fn word(text: &str) -> Result<(&str, &str), LineError> {
    match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or(LineError::Quotes),
        None => Ok(text.split_once([' ', '\t']).unwrap_or((text, ""))),
    }
}

/// Everything up to the first blank outside quotes.
fn unquoted_word(text: &str) -> Result<(&str, &str), LineError> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => quoted = !quoted,
            ' ' | '\t' if !quoted => return Ok((&text[..at], &text[at..])),
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
    }
    if quoted { Err(LineError::Quotes) } else { Ok((text, "")) }
}

#[derive(Default)]
struct Options {
    namespaces: Option<String>,
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

impl Options {
    /// `name[="value"]`, separated by commas.
    fn read(mut text: &str) -> Result<Self, LineError> {
        let mut out = Self::default();
        loop {
            let end = text.find(['=', ',']).unwrap_or(text.len());
            let name = &text[..end];
            let value = match text[end..].strip_prefix('=') {
                None => {
                    text = &text[end..];
                    None
                }
                Some(rest) => {
                    let (value, rest) = value(rest)?;
                    text = rest;
                    Some(value)
                }
            };
            out.set(name, value)?;
            match text.strip_prefix(',') {
                Some(rest) => text = rest,
                None if text.is_empty() => return Ok(out),
                None => return Err(LineError::Option(shown(text))),
            }
        }
    }

    fn set(&mut self, name: &str, value: Option<String>) -> Result<(), LineError> {
        fn once<T>(place: &mut Option<T>, name: &'static str, value: T) -> Result<(), LineError> {
            if place.replace(value).is_some() { Err(LineError::Twice(name)) } else { Ok(()) }
        }
        match (name.to_ascii_lowercase().as_str(), value) {
            ("cert-authority", _) => Err(LineError::CertAuthority),
            ("namespaces", Some(value)) => once(&mut self.namespaces, "namespaces", value),
            ("valid-after", Some(value)) => once(&mut self.valid_after, "valid-after", time(&value)?),
            ("valid-before", Some(value)) => once(&mut self.valid_before, "valid-before", time(&value)?),
            _ => Err(LineError::Option(shown(name))),
        }
    }
}

/// A value in double quotes, in which `\"` is a quotation mark; ssh-keygen asks for the quotes.
fn value(text: &str) -> Result<(String, &str), LineError> {
    let inner = text.strip_prefix('"').ok_or(LineError::Quotes)?;
    let mut out = String::new();
    let mut chars = inner.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if chars.peek().is_some_and(|&(_, next)| next == '"') => {
                out.push('"');
                chars.next();
            }
            '"' => return Ok((out, &inner[at + 1..])),
            _ => out.push(c),
        }
    }
    Err(LineError::Quotes)
}

/// `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, with or without a `Z`. ssh-keygen reads one without it in the machine's own
/// zone; here it is UTC always, because a verdict must not depend on where it is reached.
fn time(text: &str) -> Result<Timestamp, LineError> {
    let wrong = || LineError::Time(shown(text));
    let digits = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    if !matches!(digits.len(), 8 | 12 | 14) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let two = |at: usize| digits.get(at..at + 2).map_or(Ok(0), str::parse::<i8>).map_err(|_| wrong());
    let year = digits[..4].parse().map_err(|_| wrong())?;
    let date = Date::new(year, two(4)?, two(6)?).map_err(|_| wrong())?;
    let time = Time::new(two(8)?, two(10)?, two(12)?, 0).map_err(|_| wrong())?;
    let zoned = date.to_datetime(time).to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
    Ok(zoned.timestamp())
}

fn shown(text: &str) -> String {
    mcpsec_model::text::Untrusted::new(text).excerpt(60)
}

/// Whether a comma-separated list of patterns names `text`: `*` and `?` as in file names; a pattern after `!` that matches rules it
/// out, wherever it stands.
pub(super) fn list_matches(list: &str, text: &str) -> bool {
    let mut found = false;
    for pattern in list.split(',').map(|pattern| pattern.trim_matches([' ', '\t'])) {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern.as_bytes(), text.as_bytes()) => return false,
            Some(_) => {}
            None => found |= matches(pattern.as_bytes(), text.as_bytes()),
        }
    }
    found
}

/// Greedy with one place to go back to: linear in practice, never exponential.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}
