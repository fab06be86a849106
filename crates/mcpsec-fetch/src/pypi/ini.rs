//! pip's configuration files, as far as index addresses need them: `[section]`, `key = value`, indented continuations.
//!
//! Follows Python's `configparser` without interpolation, which is what pip uses: `#` and `;` start comment lines, a value
//! may continue on indented lines, and pip treats `_` and `-` in keys alike.
use std::collections::BTreeMap;

/// Keys and values of one file: (section, key) in lower case, keys with `-`.
#[derive(Debug, Default)]
pub(super) struct Ini(BTreeMap<(String, String), String>);

impl Ini {
    /// Reads a file. Lines that are neither section, key nor continuation are ignored, as far as indexes are concerned.
    pub(super) fn parse(text: &str) -> Self {
        let mut values = BTreeMap::new();
        let mut section = String::new();
        let mut open: Option<(String, String)> = None;
        for line in text.trim_start_matches('\u{feff}').lines() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with([' ', '\t'])
                && let Some(key) = &open
            {
                let value: &mut String = values.entry(key.clone()).or_default();
                value.push('\n');
                value.push_str(trimmed);
                continue;
            }
            if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name.trim().to_ascii_lowercase();
                open = None;
            } else if let Some(at) = trimmed.find(['=', ':']) {
                let key = trimmed[..at].trim().to_ascii_lowercase().replace('_', "-");
                let key = (section.clone(), key);
                values.insert(key.clone(), trimmed[at + 1..].trim().to_owned());
                open = Some(key);
            } else {
                open = None;
            }
        }
        Self(values)
    }

    /// One value. Empty values count as absent.
    pub(super) fn get(&self, section: &str, key: &str) -> Option<&str> {
        let value = self.0.get(&(section.to_owned(), key.to_owned()))?.trim();
        (!value.is_empty()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_continuations_and_both_spellings_are_read() {
        let ini = Ini::parse(
            "# note\n[global]\nindex_url = https://a.invalid/simple\nextra-index-url =\n  https://b.invalid/\n  https://c.invalid/\n[install]\nindex-url: https://d.invalid/\nempty =\n",
        );
        assert_eq!(ini.get("global", "index-url"), Some("https://a.invalid/simple"));
        assert_eq!(ini.get("global", "extra-index-url"), Some("https://b.invalid/\nhttps://c.invalid/"));
        assert_eq!(ini.get("install", "index-url"), Some("https://d.invalid/"));
        assert_eq!(ini.get("install", "empty"), None);
    }
}
