//! Version 1 as it stands in the file: texts and where they are, not yet what they mean.
use std::borrow::Cow;

use super::told::wire::Told;

/// A text with the byte offset it stands at.
#[derive(Debug)]
pub(super) struct Text<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) at: usize,
}

/// A table from text to texts.
pub(super) type Lists<'t> = Vec<(Text<'t>, Vec<Text<'t>>)>;

/// The whole file. The version was checked before, the seals are checked apart.
#[derive(Debug)]
pub(super) struct Document<'t> {
    pub(super) listed: Vec<Text<'t>>,
    pub(super) imports: Vec<Text<'t>>,
    pub(super) team: Option<Team<'t>>,
    pub(super) servers: Vec<Server<'t>>,
    pub(super) packages: Vec<Package<'t>>,
}

/// The `[team]` entry.
#[derive(Debug)]
pub(super) struct Team<'t> {
    pub(super) registry: Text<'t>,
    pub(super) key: Text<'t>,
    pub(super) size: (u64, usize),
    pub(super) root: Text<'t>,
}

/// A `[[server]]` entry.
#[derive(Debug)]
pub(super) struct Server<'t> {
    pub(super) at: usize,
    pub(super) name: Text<'t>,
    pub(super) spec: Text<'t>,
    pub(super) version: Text<'t>,
    pub(super) command: Option<Text<'t>>,
    pub(super) entry: Text<'t>,
    pub(super) as_of: Option<Text<'t>>,
    pub(super) targets: Vec<Text<'t>>,
    pub(super) root: Text<'t>,
    pub(super) closure_id: Text<'t>,
    pub(super) overrides: Vec<(Text<'t>, Text<'t>)>,
    pub(super) findings: Vec<Finding<'t>>,
    pub(super) told: Told<'t>,
    pub(super) only_on: Lists<'t>,
    pub(super) closure: Lists<'t>,
}

/// A `[[server.finding]]` table.
#[derive(Debug)]
pub(super) struct Finding<'t> {
    pub(super) rule: Text<'t>,
    pub(super) subject: Text<'t>,
    pub(super) message: Text<'t>,
    pub(super) evidence: Option<Text<'t>>,
}

/// A `[[package]]` entry.
#[derive(Debug)]
pub(super) struct Package<'t> {
    pub(super) at: usize,
    pub(super) id: Text<'t>,
    pub(super) os: Vec<Text<'t>>,
    pub(super) cpu: Vec<Text<'t>>,
    pub(super) libc: Vec<Text<'t>>,
    pub(super) requires_python: Option<Text<'t>>,
    pub(super) install_scripts: bool,
    pub(super) bundled_in: Option<Text<'t>>,
    pub(super) git_reference: Option<Text<'t>>,
    pub(super) git_tree: Option<Text<'t>>,
    pub(super) artifacts: Vec<Artifact<'t>>,
    pub(super) evidence: Option<Text<'t>>,
    pub(super) signed_by: Vec<SignedBy<'t>>,
}

/// One line of `signed-by`: texts only.
#[derive(Debug)]
pub(super) struct SignedBy<'t> {
    pub(super) at: usize,
    pub(super) fields: Vec<(Text<'t>, Text<'t>)>,
}

/// One line of `artifacts`.
#[derive(Debug)]
pub(super) struct Artifact<'t> {
    pub(super) file: Text<'t>,
    pub(super) kind: Option<Text<'t>>,
    pub(super) size: Option<u64>,
    pub(super) sha512: Option<Text<'t>>,
    pub(super) sha256: Option<Text<'t>>,
}
