//! The three sources behind one face: made when first needed, asked by ecosystem.
use std::{cell::OnceCell, time::Duration};

use mcpsec_fetch::{
    ResolveOptions, Resolved,
    download::Download,
    git::{GitOptions, GitProject, GitSource, GitTree},
    host::Host,
    http::{HttpOptions, Metadata, Network},
    npm::{NpmConfig, NpmSource},
    progress::Progress,
    pypi::{PypiConfig, PypiSource},
};
use mcpsec_model::{
    config::Config,
    name::Ecosystem,
    package::{Package, PackageId},
    spec::Spec,
    upstream::UpstreamState,
};

use super::wish::Wish;
use crate::{error::CommandError, settings::Settings};

/// Everything that can be asked about packages.
pub(crate) struct Sources<'a> {
    settings: &'a Settings,
    config: &'a Config,
    metadata: Metadata,
    npm: OnceCell<NpmSource>,
    pypi: OnceCell<PypiSource>,
    git: OnceCell<GitSource>,
    host: OnceCell<Host>,
}
