//! `.netrc`: user and password by host, as pip, curl and uv read it.
//!
//! Only `machine`, `default`, `login`, `password` and `account` matter; macro definitions are skipped up to their blank line.
use std::fmt;

/// The entries of one file, in order.
#[derive(Clone, Default)]
pub(super) struct Netrc(Vec<Entry>);

#[derive(Clone, Default)]
struct Entry {
    /// `None` is the `default` entry.
    host: Option<String>,
    login: String,
    password: String,
}

impl Netrc {
    /// Reads a file; malformed parts are skipped, since a stray word must not stop a resolution that needs no password.
    pub(super) fn parse(text: &str) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        let mut in_macro = false;
        let mut wanted: Option<&str> = None;
        for line in text.lines() {
            if in_macro {
                in_macro = !line.trim().is_empty();
                continue;
            }
            for word in line.split_ascii_whitespace() {
                match (wanted.take(), word) {
                    (Some("machine"), host) => {
                        entries.push(Entry { host: Some(host.to_ascii_lowercase()), ..Entry::default() });
                    }
                    (Some("login"), login) => {
                        if let Some(entry) = entries.last_mut() {
                            login.clone_into(&mut entry.login);
                        }
                    }
                    (Some("password"), password) => {
                        if let Some(entry) = entries.last_mut() {
                            password.clone_into(&mut entry.password);
                        }
                    }
                    (Some(_), _) => {}
                    (None, word) if word.starts_with('#') => break,
                    (None, "default") => entries.push(Entry::default()),
                    (None, "macdef") => {
                        in_macro = true;
                        break;
                    }
                    (None, word @ ("machine" | "login" | "password" | "account")) => wanted = Some(word),
                    (None, _) => {}
                }
            }
        }
        Self(entries)
    }

    /// User and password for a host: its own entry, else the `default` one.
    pub(super) fn find(&self, host: &str) -> Option<(&str, &str)> {
        let host = host.to_ascii_lowercase();
        let own = self.0.iter().find(|entry| entry.host.as_deref() == Some(&host));
        let entry = own.or_else(|| self.0.iter().find(|entry| entry.host.is_none()))?;
        Some((&entry.login, &entry.password))
    }
}

impl fmt::Debug for Netrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Netrc({} entries)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_defaults_macros_and_comments() {
        let netrc = Netrc::parse(
            "# comment\nmachine a.invalid login bob password p1\nmacdef init\n machine evil login x password y\n\nmachine\n b.invalid\n login eve account z password p2\ndefault login any password p3\n",
        );
        assert_eq!(netrc.find("A.invalid"), Some(("bob", "p1")));
        assert_eq!(netrc.find("b.invalid"), Some(("eve", "p2")));
        assert_eq!(netrc.find("other.invalid"), Some(("any", "p3")));
        assert_eq!(netrc.find("evil"), Some(("any", "p3")));
        assert!(!format!("{netrc:?}").contains("p1"));
    }
}
