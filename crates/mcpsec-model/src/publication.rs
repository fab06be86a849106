//! Who published which version of a package and when, as a registry tells it. Unsigned: a hint, never a proof.
use smol_str::SmolStr;

use crate::time::Timestamp;

/// One published version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Publication {
    /// The version.
    pub version: SmolStr,
    /// When, where the registry tells.
    pub published: Option<Timestamp>,
    /// By which account, where the registry tells.
    pub publisher: Option<Publisher>,
    /// The accounts that could publish the package then, sorted; empty where the registry does not tell.
    pub maintainers: Vec<SmolStr>,
}

/// The account that published a version.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Publisher {
    /// A person's, or a robot's with a token.
    Account(SmolStr),
    /// The registry's own, on behalf of a workflow that the maintainers registered (trusted publishing). The text is the kind.
    Workflow(SmolStr),
}
