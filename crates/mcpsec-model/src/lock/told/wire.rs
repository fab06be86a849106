//! The tables of what a server tells the model, as they stand in the file: texts and where they are.
use crate::{lock::wire::Text, manifest::Kind};

/// All of them.
#[derive(Debug, Default)]
pub(in crate::lock) struct Told<'t> {
    pub(in crate::lock) accepted: Vec<Accepted<'t>>,
    pub(in crate::lock) capture: Option<Capture<'t>>,
    pub(in crate::lock) unstable: Vec<Unstable<'t>>,
    pub(in crate::lock) manifest: Option<Manifest<'t>>,
}

/// A `[[server.accepted]]` table.
#[derive(Debug)]
pub(in crate::lock) struct Accepted<'t> {
    pub(in crate::lock) subject: Text<'t>,
    pub(in crate::lock) rule: Option<Text<'t>>,
    pub(in crate::lock) entry: Text<'t>,
    pub(in crate::lock) reason: Text<'t>,
}

/// `[server.capture]`.
#[derive(Debug)]
pub(in crate::lock) struct Capture<'t> {
    pub(in crate::lock) at: usize,
    pub(in crate::lock) unchecked: Option<Text<'t>>,
    pub(in crate::lock) isolation: Option<Text<'t>>,
    pub(in crate::lock) runtime: Option<Text<'t>>,
    pub(in crate::lock) protocol: Option<Text<'t>>,
    pub(in crate::lock) placeholders: Vec<Text<'t>>,
    pub(in crate::lock) real_env: Vec<Text<'t>>,
    pub(in crate::lock) network: Vec<Text<'t>>,
    pub(in crate::lock) tried_hosts: Vec<Text<'t>>,
    pub(in crate::lock) tried_files: Vec<Text<'t>>,
    pub(in crate::lock) tried_canaries: Vec<Text<'t>>,
    pub(in crate::lock) tried_programs: Vec<Text<'t>>,
    pub(in crate::lock) tried_calls: Vec<Text<'t>>,
    pub(in crate::lock) tried_more: bool,
}

/// A `[[server.unstable]]` table.
#[derive(Debug)]
pub(in crate::lock) struct Unstable<'t> {
    pub(in crate::lock) subject: Text<'t>,
    pub(in crate::lock) between: Text<'t>,
    pub(in crate::lock) other: Text<'t>,
}

/// `[server.manifest]` with its lists.
#[derive(Debug)]
pub(in crate::lock) struct Manifest<'t> {
    pub(in crate::lock) at: usize,
    pub(in crate::lock) id: Text<'t>,
    pub(in crate::lock) instructions: Option<Text<'t>>,
    pub(in crate::lock) server_info: Option<Text<'t>>,
    pub(in crate::lock) capabilities: Option<Text<'t>>,
    pub(in crate::lock) entries: Vec<Entry<'t>>,
}

/// A tool, prompt, resource or template.
#[derive(Debug)]
pub(in crate::lock) struct Entry<'t> {
    pub(in crate::lock) at: usize,
    pub(in crate::lock) kind: Kind,
    /// Members that are texts, under the names they have in the protocol.
    pub(in crate::lock) texts: Vec<(&'static str, Text<'t>)>,
    /// Members that are JSON, likewise.
    pub(in crate::lock) values: Vec<(&'static str, Text<'t>)>,
    pub(in crate::lock) rest: Option<Text<'t>>,
}
