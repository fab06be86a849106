//! Configurations of MCP clients: read, pointed at `mcpsec run`, and put back, as text.
//!
//! Text in, types out; type in, text out. A file is read into a `tree` whose values know their bytes, whatever its format.
//! [`read`] understands each entry ([`Launch`]). [`wrap`] replaces the bytes of a command and its arguments and nothing else,
//! so comments, order, indentation, quotes, byte order marks and line ends stay; [`unwrap`] puts the very bytes of an earlier
//! text back in their place. Both read what they wrote before they give it away, and refuse when it says anything else than
//! it should.
//!
//! Every file is hostile: size and depth are bounded, and a name that stands twice where servers are is refused, because
//! clients differ in which of the two they take.
mod entry;
mod error;
mod json;
mod launch;
mod list;
mod portable;
mod rewrite;
mod table;
mod toml;
mod tree;
mod yaml;

pub use entry::{ClientServer, is_steering};
pub use error::{ClientError, RewriteError};
pub use launch::{Launch, LockedLaunch};
pub use portable::{Unportable, unportable};
pub use rewrite::{Left, Unwrapped, Wrapped, Wrapping, unwrap, wrap};
pub use table::{Base, Client, Format, LOCATIONS, Level, Location, Os, UnknownClient};

use tree::{Kind, Lines, Member, Node, position, refuse_twice, refuse_twice_below};

/// Longer files are refused, in bytes.
pub const MAX_BYTES: usize = 8 << 20;
/// More entries of one file are refused.
const MAX_ENTRIES: usize = 1_000;

/// The servers of one location of a file, in its order.
///
/// # Errors
/// Longer than [`MAX_BYTES`], nested deeper than 64 levels, not the location's format, a name twice in one object on the way to
/// the servers or below, or no map of servers where one should be.
pub fn read(location: &'static Location, text: &str) -> Result<Vec<ClientServer>, ClientError> {
    let root = parse(location.format, text)?;
    let entries = entries(location, text, &root)?;
    let lines = Lines::new(text);
    Ok(entries.into_iter().map(|(path, member)| entry::read(location, &lines, &path, member)).collect())
}

/// The whole text as a tree, a byte order mark left out.
fn parse(format: Format, text: &str) -> Result<Node, ClientError> {
    if text.len() > MAX_BYTES {
        return Err(ClientError::Large { limit: MAX_BYTES });
    }
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut root = match format {
        Format::Json => json::parse(body),
        Format::Toml => toml::parse(body),
        Format::Yaml => yaml::parse(body),
    }?;
    root.shift(text.len() - body.len());
    Ok(root)
}

/// Every entry of a location with the names that lead to it.
fn entries<'n>(location: &Location, text: &str, root: &'n Node) -> Result<Vec<(Vec<String>, &'n Member)>, ClientError> {
    let mut found: Vec<(Vec<String>, &Node)> = vec![(Vec::new(), root)];
    for key in location.keys {
        let mut next = Vec::new();
        for (path, node) in found {
            let Some(map) = node.map() else {
                if node.is_nothing() {
                    continue;
                }
                let (line, column) = position(text, node.span.start);
                let name = path.last().map_or_else(|| "the file".to_owned(), |name| format!("`{name}`"));
                return Err(ClientError::form(line, column, format!("{name} must be an object")));
            };
            refuse_twice(text, map, (*key != "*").then_some(*key))?;
            for member in &map.members {
                // Below a `*` anything may stand that is no business of ours.
                let fits = *key == "*" && member.value.map().is_some() || *key == member.key;
                if fits {
                    let path = path.iter().cloned().chain([member.key.clone()]).collect();
                    next.push((path, &member.value));
                }
            }
        }
        found = next;
    }
    let mut entries = Vec::new();
    for (path, node) in found {
        refuse_twice_below(text, node)?;
        match &node.kind {
            Kind::Map(map) => entries.extend(
                map.members.iter().map(|member| (path.iter().cloned().chain([member.key.clone()]).collect(), member)),
            ),
            _ if node.is_nothing() => {}
            _ => {
                let (line, column) = position(text, node.span.start);
                let name = path.last().map_or("", String::as_str);
                return Err(ClientError::form(line, column, format!("`{name}` must be an object")));
            }
        }
    }
    if entries.len() > MAX_ENTRIES {
        return Err(ClientError::form(1, 1, format!("it has more than {MAX_ENTRIES} servers")));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests;
