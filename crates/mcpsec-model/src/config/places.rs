//! Where things stand in the text of mcp.toml: the lines that reports point to.
use std::collections::BTreeMap;

use toml_edit::{Document, Item, Key, TableLike};

/// The lines of the servers and of the policy. Lines count from 1.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConfigPlaces {
    servers: BTreeMap<String, u32>,
    policy: Option<u32>,
}

impl ConfigPlaces {
    /// Reads a text; nothing is found in one that is not TOML.
    pub fn of(text: &str) -> Self {
        let Ok(document) = Document::parse(text) else { return Self::default() };
        let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        let line = |at: usize| u32::try_from(1 + ends.partition_point(|end| *end < at)).unwrap_or(u32::MAX);
        let of_key = |table: &dyn TableLike, key: &str| {
            let item = table.get(key).and_then(Item::span);
            table.key(key).and_then(Key::span).or(item).map(|span| line(span.start))
        };
        let root = document.as_table();
        let servers = root.get("servers").and_then(Item::as_table_like);
        let servers = servers
            .into_iter()
            .flat_map(|table| table.iter().filter_map(move |(name, _)| Some((name.to_owned(), of_key(table, name)?))));
        Self { servers: servers.collect(), policy: of_key(root, "policy") }
    }

    /// The line of `[servers.NAME]`.
    pub fn server(&self, name: &str) -> Option<u32> {
        self.servers.get(name).copied()
    }

    /// The line of `[policy]`, or of the first of its parts.
    pub fn policy(&self) -> Option<u32> {
        self.policy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_however_they_are_written() {
        let text =
            "# first\n[servers.a]\nsource = \"npm:a\"\n\n[servers]\n\"b\" = { source = \"npm:b\" }\n\n[policy.drift]\n";
        let places = ConfigPlaces::of(text);
        assert_eq!((places.server("a"), places.server("b"), places.policy()), (Some(2), Some(6), Some(8)));
        assert_eq!(ConfigPlaces::of("[servers"), ConfigPlaces::default());
        let text =
            "# first\n[servers]\n\"b\" = { source = \"npm:b\" }\n\n[servers.a]\nsource = \"npm:a\"\n\n[policy.drift]\n";
        let places = ConfigPlaces::of(text);
        assert_eq!((places.server("a"), places.server("b"), places.server("c")), (Some(5), Some(3), None));
        assert_eq!(places.policy(), Some(8));
    }
}
