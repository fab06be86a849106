//! What signatures are verified with: npm's keys, the trust roots of Sigstore instances, files of signers.
use std::{collections::BTreeSet, path::Path};

use mcpsec_fetch::trust::{self, TrustOptions};
use mcpsec_model::config::Config;
use mcpsec_verify::{
    git::Signers,
    npm::KeySet,
    sigstore::{Rules, TrustRoot},
};

use super::super::sources::Sources;
use crate::{error::CommandError, files, settings::Settings};

/// Files of signers are written by people.
const SIGNERS_LIMIT: u64 = 4 << 20;

/// Keys, roots and signers of one run.
pub(in super::super) struct Tools {
    pub(super) keys: KeySet,
    /// The text is why there is none.
    pub(super) public_good: Result<TrustRoot, String>,
    pub(super) git_host: Result<TrustRoot, String>,
    pub(super) signers: Signers,
}

impl Tools {
    /// Prepares them. With `refresh`, trust roots are renewed if they are due and there is a network; what cannot be renewed is as
    /// built in or as kept, with a warning where that is old.
    pub(in super::super) async fn new(
        settings: &Settings,
        config: &Config,
        sources: &Sources<'_>,
        refresh: bool,
    ) -> Result<Self, CommandError> {
        let signers = signers(settings, config)?;
        let mut tools = Self {
            keys: KeySet::built_in(),
            public_good: TrustRoot::public_good().map_err(|error| error.to_string()),
            git_host: TrustRoot::git_host().map_err(|error| error.to_string()),
            signers,
        };
        if !refresh {
            return Ok(tools);
        }
        let options = TrustOptions::built_in();
        let network = if settings.trust_refresh { sources.network()? } else { None };
        let renewed = trust::refresh(&settings.cache.join("trust"), network, settings.now, &options).await;
        // Both instances age alike; what is true of both is said once.
        let warnings = renewed.public_good.warnings.iter().chain(&renewed.git_host.warnings);
        let words: BTreeSet<String> = warnings.map(ToString::to_string).collect();
        for warning in words {
            sources.ui().note(&warning);
        }
        if let Some(keys) = renewed.npm_keys.as_deref().and_then(|json| KeySet::from_tuf(json).ok()) {
            tools.keys = keys;
        }
        // A signed root that this version cannot read is newer than it: what is built in still verifies what it always did.
        let root = |json: Option<&str>, rules| match TrustRoot::from_json(json?, rules) {
            Ok(root) => Some(Ok(root)),
            Err(error) => {
                sources.ui().note(&format!("the renewed trust root is not used: {error}; a newer mcpsec may read it"));
                None
            }
        };
        if let Some(root) = root(renewed.public_good.json.as_deref(), Rules::Logged) {
            tools.public_good = root;
        }
        if let Some(root) = root(renewed.git_host.json.as_deref(), Rules::Timestamped) {
            tools.git_host = root;
        }
        Ok(tools)
    }
}

fn signers(settings: &Settings, config: &Config) -> Result<Signers, CommandError> {
    let mut signers = Signers::none();
    if let Some(name) = &config.policy.git_signers {
        let text = beside(&settings.project, name, "git-signers")?;
        signers = signers.with_allowed_signers(&text, name).map_err(CommandError::usage)?;
    }
    if let Some(name) = &config.policy.git_keys {
        let text = beside(&settings.project, name, "git-keys")?;
        signers = signers.with_pgp_keys(&text, name).map_err(CommandError::usage)?;
    }
    Ok(signers)
}

fn beside(project: &Path, name: &str, key: &str) -> Result<String, CommandError> {
    let path = project.join(name);
    let text = files::read_text(&path, SIGNERS_LIMIT)
        .map_err(|error| CommandError::usage(format!("failed to read {}: {error}", path.display())))?;
    text.ok_or_else(|| {
        CommandError::usage(format!("mcp.toml names {name} as `{key}`, and {} is not there", path.display()))
    })
}
