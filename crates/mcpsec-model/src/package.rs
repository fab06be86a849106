//! Packages and their artifacts, as a closure and the lock hold them.
use std::{fmt, str::FromStr};

use smol_str::SmolStr;

use crate::{
    digest::Digests,
    evidence::Pinned,
    name::{Ecosystem, NameError, PackageName},
    spec::GitSpec,
    text::Untrusted,
};

/// One exact version of one package. Written `npm:zod@3.25.76`, `pypi:anyio@4.16.0`, or for git
/// `git+https://host/repo@<commit>#subdirectory=…`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageId {
    ecosystem: Ecosystem,
    name: PackageName,
    version: SmolStr,
}

/// Why a text is not a package id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageIdError {
    /// The shape is wrong.
    #[error("`{0}` is not a package id such as npm:zod@3.25.76")]
    Form(String),
    /// The name is wrong.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl PackageId {
    /// An id from parts that were checked. The version must be printable and short, else it is refused.
    pub fn new(ecosystem: Ecosystem, name: PackageName, version: &str) -> Result<Self, PackageIdError> {
        let ok = !version.is_empty()
            && version.len() <= 256
            && version.bytes().all(|b| b.is_ascii_graphic() && !b"@/\\\"'#?%()".contains(&b));
        if !ok {
            return Err(PackageIdError::Form(Untrusted::new(format!("{ecosystem}:{name}@{version}")).excerpt(120)));
        }
        Ok(Self { ecosystem, name, version: version.into() })
    }

    /// Where it comes from.
    pub fn ecosystem(&self) -> Ecosystem {
        self.ecosystem
    }

    /// Its name. For git, the repository's URL without credentials, with `git+` and the subdirectory.
    pub fn name(&self) -> &PackageName {
        &self.name
    }

    /// Its exact version. For git, the full commit id.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The package URL (purl specification, types `npm`, `pypi`, `generic` with `vcs_url` for git).
    pub fn purl(&self) -> String {
        let encode = |text: &str| text.replace('%', "%25").replace('@', "%40").replace('+', "%2B");
        match self.ecosystem {
            Ecosystem::Npm => format!("pkg:npm/{}@{}", encode(self.name.as_str()), encode(&self.version)),
            Ecosystem::Pypi => format!("pkg:pypi/{}@{}", self.name, encode(&self.version)),
            Ecosystem::Git => {
                let vcs: String = ::url::form_urlencoded::byte_serialize(self.to_string().as_bytes()).collect();
                let base = self.name.as_str().split('#').next().unwrap_or_default();
                let base = base.rsplit('/').find(|part| !part.is_empty()).unwrap_or("repository");
                format!("pkg:generic/{}@{}?vcs_url={vcs}", encode(base), self.version)
            }
        }
    }
}

impl PackageId {
    /// The package of a purl that names an exact version: `pkg:npm/%40scope/name@1.0.0`, `pkg:pypi/name@1.0`.
    ///
    /// # Errors
    /// Not a purl of these types, without a version, or with qualifiers or a subpath, which would name something else.
    pub fn from_purl(text: &str) -> Result<Self, PackageIdError> {
        let form = || PackageIdError::Form(Untrusted::new(text).excerpt(120));
        if text.contains(['?', '#']) {
            return Err(form());
        }
        let purl: purl::Purl = text.parse().map_err(|_| form())?;
        let version = purl.version().ok_or_else(form)?;
        let name = match purl.namespace() {
            Some(namespace) => format!("{namespace}/{}", purl.name()),
            None => purl.name().to_owned(),
        };
        match purl.package_type() {
            purl::PackageType::Npm => Self::new(Ecosystem::Npm, PackageName::npm(&name)?, version),
            purl::PackageType::PyPI => Self::new(Ecosystem::Pypi, PackageName::pypi(&name)?, version),
            _ => Err(form()),
        }
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ecosystem {
            Ecosystem::Git => match self.name.as_str().split_once('#') {
                Some((url, fragment)) => write!(f, "{url}@{}#{fragment}", self.version),
                None => write!(f, "{}@{}", self.name, self.version),
            },
            ecosystem => write!(f, "{ecosystem}:{}@{}", self.name, self.version),
        }
    }
}

impl fmt::Debug for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PackageId {
    type Err = PackageIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || PackageIdError::Form(Untrusted::new(text).excerpt(120));
        if text.starts_with("git+") {
            let spec: GitSpec = text.parse().map_err(|_| form())?;
            let commit = spec.reference.clone().ok_or_else(form)?;
            let is_commit =
                matches!(commit.len(), 40 | 64) && commit.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            if !is_commit {
                return Err(form());
            }
            return Self::new(Ecosystem::Git, spec.package_name(), &commit);
        }
        let (ecosystem, rest) = text.split_once(':').ok_or_else(form)?;
        let at = rest.rfind('@').filter(|at| *at > 0).ok_or_else(form)?;
        let (name, version) = (&rest[..at], &rest[at + 1..]);
        match ecosystem {
            "npm" => Self::new(Ecosystem::Npm, PackageName::npm(name)?, version),
            "pypi" => Self::new(Ecosystem::Pypi, PackageName::pypi(name)?, version),
            _ => Err(form()),
        }
    }
}

/// What kind of file an artifact is; decides how it is opened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ArtifactKind {
    /// A gzipped tar from the npm registry.
    NpmTarball,
    /// A Python wheel (zip).
    Wheel,
    /// A Python source distribution (tar.gz or zip).
    Sdist,
    /// The canonical archive of a git tree, made by mcpsec.
    GitArchive,
}

/// One file that is pinned.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Artifact {
    /// What it is.
    pub kind: ArtifactKind,
    /// File name without a path. For npm the canonical `<base>-<version>.tgz`.
    pub file: SmolStr,
    /// Length in bytes, where the registry says it or the file was fetched by every platform.
    pub size: Option<u64>,
    /// What is pinned. Empty only between resolution and download, for old npm records without a strong digest.
    pub digests: Digests,
}

/// One package of a closure with everything that is pinned of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Package {
    /// Name and exact version.
    pub id: PackageId,
    /// Its files, sorted by file name. Empty for a bundled package, which lives inside its parent's artifact.
    pub artifacts: Vec<Artifact>,
    /// npm `os`, as written (`linux`, `!win32`), sorted.
    pub os: Vec<SmolStr>,
    /// npm `cpu`, as written, sorted.
    pub cpu: Vec<SmolStr>,
    /// npm `libc`, as written, sorted.
    pub libc: Vec<SmolStr>,
    /// Python's `Requires-Python`, normalised, if any.
    pub requires_python: Option<SmolStr>,
    /// npm: the package declares `preinstall`, `install` or `postinstall`, or has a `binding.gyp`.
    pub install_scripts: bool,
    /// The package inside whose artifact this one lives.
    pub bundled_in: Option<PackageId>,
    /// For git: what the reference pointed to.
    pub git: Option<GitPin>,
    /// Who vouches for it. Not part of the closure id: it says who signed the bytes, not which bytes.
    pub evidence: Pinned,
}

impl Package {
    /// A package with nothing but an id; the sources fill in the rest.
    pub fn bare(id: PackageId) -> Self {
        Self {
            id,
            artifacts: Vec::new(),
            os: Vec::new(),
            cpu: Vec::new(),
            libc: Vec::new(),
            requires_python: None,
            install_scripts: false,
            bundled_in: None,
            git: None,
            evidence: Pinned::NotLooked,
        }
    }

    /// Whether every platform needs this package's artifact (npm without `os`, `cpu`, `libc`).
    pub fn is_portable(&self) -> bool {
        self.os.is_empty() && self.cpu.is_empty() && self.libc.is_empty()
    }
}

/// What a git reference was when it was locked. The commit is the package's version.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct GitPin {
    /// Full name of the reference as the remote listed it (`refs/tags/v1.0`, `refs/heads/main`); `None` for a bare commit.
    pub reference: Option<SmolStr>,
    /// Object id of the commit's tree, lower-case hexadecimal.
    pub tree: SmolStr,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        for text in [
            "npm:@modelcontextprotocol/sdk@1.20.0".to_owned(),
            "pypi:anyio@4.16.0".to_owned(),
            "pypi:x@1.0+local.1".to_owned(),
            format!("git+https://h.invalid/o/r@{commit}#subdirectory=src/a"),
            format!("git+file:///srv/r@{commit}"),
        ] {
            assert_eq!(text.parse::<PackageId>().expect("id").to_string(), text);
        }
        for text in ["zod@1", "npm:zod", "npm:zod@", "npm:zod@1/2", "npm:zod@1\u{1b}", "git+https://h.invalid/o/r@main"]
        {
            assert!(text.parse::<PackageId>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_exact_purl_is_read_back() {
        for purl in ["pkg:npm/%40scope/name@1.0.0", "pkg:npm/zod@3.25.76", "pkg:pypi/typing-extensions@4.0"] {
            assert_eq!(PackageId::from_purl(purl).expect(purl).purl(), purl);
        }
        assert_eq!(
            PackageId::from_purl("pkg:pypi/Typing_Extensions@4.0").expect("purl").purl(),
            "pkg:pypi/typing-extensions@4.0"
        );
        for purl in
            ["pkg:npm/zod", "pkg:npm/zod@1?x=1", "pkg:npm/zod@1#sub", "pkg:cargo/serde@1", "npm:zod@1", "pkg:npm/zod@"]
        {
            assert!(PackageId::from_purl(purl).is_err(), "{purl}");
        }
    }

    #[test]
    fn purls_follow_the_specification() {
        let id: PackageId = "npm:@scope/name@1.0.0".parse().expect("id");
        assert_eq!(id.purl(), "pkg:npm/%40scope/name@1.0.0");
        let id: PackageId = "pypi:Typing_Extensions@4.0".parse().expect("id");
        assert_eq!(id.purl(), "pkg:pypi/typing-extensions@4.0");
    }
}
