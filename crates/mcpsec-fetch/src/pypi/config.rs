//! Which Python indexes to ask, in which order, with which credentials.
//!
//! Nothing is read from the machine here: the environment and the texts of the files are handed in. The default index is
//! the first of: `[registries] pypi` of mcp.toml, `UV_DEFAULT_INDEX`, `UV_INDEX_URL`, uv.toml, `PIP_INDEX_URL`, pip.conf,
//! and the default handed in (what the user's own uv or pip declares, see [`default_index_from_help`]). Further indexes
//! come before the default one and the first index that knows a name is the only one asked about it, so that a public
//! index cannot inject a newer version of a private name (what uv calls `first-index`; pip would merge them).
//!
//! When mcp.toml names the index, further indexes of the machine are not used: a project's own choice must give the same
//! lock for everyone.
use std::{collections::BTreeMap, fmt};

use mcpsec_model::{text::Untrusted, url::SafeUrl};
use serde::Deserialize;

use super::{ini::Ini, netrc::Netrc};
use crate::http::Credentials;

/// What [`PypiConfig::load`] is told. All texts are untrusted only in form: they are the user's own.
#[derive(Clone, Default)]
pub struct PypiConfigInput {
    /// `[registries] pypi` of mcp.toml.
    pub configured: Option<SafeUrl>,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// uv.toml files as (name for messages, text), strongest first: project, user, system.
    pub uv_toml: Vec<(String, String)>,
    /// pip.conf files as (name for messages, text), strongest first: `PIP_CONFIG_FILE`, site, user, global.
    pub pip_conf: Vec<(String, String)>,
    /// The text of `.netrc`.
    pub netrc: Option<String>,
    /// What the user's uv or pip declares as its default.
    pub default_index: Option<SafeUrl>,
}

/// The indexes to ask.
#[derive(Clone, Debug)]
pub struct PypiConfig {
    indexes: Vec<Index>,
}

/// One index: its address without credentials, ending in `/`, and its credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Index {
    url: SafeUrl,
    credentials: Option<Credentials>,
}

/// Why there is no usable index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PypiConfigError {
    /// Nothing says where packages are.
    #[error(
        "no Python package index is known: set `[registries] pypi = \"https://…/simple/\"` in mcp.toml or UV_DEFAULT_INDEX, or install uv or pip, whose default is then used"
    )]
    NoIndex,
    /// A file is not TOML.
    #[error("{file} is not valid: {reason}")]
    File {
        /// Which file.
        file: String,
        /// What the parser said, without the text of the file.
        reason: String,
    },
    /// An address that cannot be an index.
    #[error("the index address from {origin} is not usable: {reason}; an index looks like https://host/simple/")]
    Address {
        /// Which setting it came from.
        origin: String,
        /// What is wrong, without the address (it may hold a password).
        reason: String,
    },
}

impl Index {
    /// An index from an address, whose user part becomes credentials.
    pub fn new(address: &SafeUrl) -> Result<Self, &'static str> {
        Self::named(address, None)
    }

    fn named(address: &SafeUrl, fallback: Option<Credentials>) -> Result<Self, &'static str> {
        let url = address.expose();
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
            return Err("only http and https addresses with a host are supported");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("it may not have a query or a fragment");
        }
        let (user, password) = (percent_decode(url.username()), url.password().map(percent_decode));
        let own = (!user.is_empty() || password.is_some())
            .then(|| Credentials::basic(&user, password.as_deref().unwrap_or_default()));
        let mut plain = address.without_secrets();
        if !plain.path().ends_with('/') {
            let path = format!("{}/", plain.path());
            plain.set_path(&path);
        }
        Ok(Self { url: plain.into(), credentials: own.or(fallback) })
    }

    /// The address without credentials, ending in `/`.
    pub fn url(&self) -> &SafeUrl {
        &self.url
    }

    /// Credentials for a file or page, if it lives on the same origin as the index; never for another one.
    pub fn credentials_for(&self, url: &SafeUrl) -> Option<Credentials> {
        self.credentials.clone().filter(|_| self.url.same_origin(url))
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Index({}, credentials: {})", self.url, self.credentials.is_some())
    }
}

/// A setting that names an index: where it came from, the address, and for uv its name (for `UV_INDEX_<NAME>_PASSWORD`).
struct Named {
    origin: String,
    name: Option<String>,
    address: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
struct UvToml {
    index_url: Option<String>,
    #[serde(default)]
    extra_index_url: Vec<String>,
    #[serde(default)]
    index: Vec<UvIndex>,
    pip: Option<UvPip>,
}

#[derive(Deserialize)]
struct UvIndex {
    name: Option<String>,
    url: String,
    #[serde(default)]
    default: bool,
    #[serde(default)]
    explicit: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
struct UvPip {
    index_url: Option<String>,
    #[serde(default)]
    extra_index_url: Vec<String>,
}

impl PypiConfig {
    /// Decides which indexes to ask. See the module for the order.
    pub fn load(input: PypiConfigInput) -> Result<Self, PypiConfigError> {
        let netrc = input.netrc.as_deref().map(Netrc::parse).unwrap_or_default();
        let env = |key: &str| input.env.get(key).map(|value| value.trim()).filter(|value| !value.is_empty());

        let (uv_default, uv_further) = from_uv(&input)?;
        let (pip_default, pip_further) = from_pip(&input);
        let (default, further) = if let Some(url) = &input.configured {
            let address = url.expose().to_string();
            (Some(Named { origin: "[registries] pypi of mcp.toml".to_owned(), name: None, address }), Vec::new())
        } else if uv_default.is_some() || !uv_further.is_empty() {
            (uv_default.or(pip_default), uv_further)
        } else {
            (pip_default, pip_further)
        };
        let default = default.or_else(|| {
            let address = input.default_index.as_ref()?.expose().to_string();
            Some(Named { origin: "the default of uv or pip".to_owned(), name: None, address })
        });

        let mut indexes: Vec<Index> = Vec::new();
        for named in further.into_iter().chain([default.ok_or(PypiConfigError::NoIndex)?]) {
            let refuse = |reason: String| PypiConfigError::Address { origin: named.origin.clone(), reason };
            let url: SafeUrl = named.address.trim().parse().map_err(|e| refuse(format!("{e}")))?;
            let from_env = named.name.as_deref().and_then(|name| {
                let key: String = name
                    .chars()
                    .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
                    .collect();
                let user = env(&format!("UV_INDEX_{key}_USERNAME"));
                let password = env(&format!("UV_INDEX_{key}_PASSWORD"));
                (user.is_some() || password.is_some())
                    .then(|| Credentials::basic(user.unwrap_or_default(), password.unwrap_or_default()))
            });
            let from_netrc = || {
                let (user, password) = netrc.find(url.expose().host_str()?)?;
                Some(Credentials::basic(user, password))
            };
            let index = Index::named(&url, from_env.or_else(from_netrc)).map_err(|e| refuse(e.to_owned()))?;
            if !indexes.iter().any(|known| known.url == index.url) {
                indexes.push(index);
            }
        }
        Ok(Self { indexes })
    }

    /// The indexes in the order in which they are asked; never empty.
    pub fn indexes(&self) -> &[Index] {
        &self.indexes
    }
}

fn from_uv(input: &PypiConfigInput) -> Result<(Option<Named>, Vec<Named>), PypiConfigError> {
    let env = |key: &str| input.env.get(key).map(|value| value.trim()).filter(|value| !value.is_empty());
    let mut default = None;
    let mut further = Vec::new();
    for key in ["UV_DEFAULT_INDEX", "UV_INDEX_URL"] {
        if default.is_none()
            && let Some(value) = env(key)
        {
            default = Some(split_name(key, value));
        }
    }
    for key in ["UV_INDEX", "UV_EXTRA_INDEX_URL"] {
        further.extend(env(key).unwrap_or_default().split_ascii_whitespace().map(|value| split_name(key, value)));
    }
    for (file, text) in &input.uv_toml {
        let parsed: UvToml = toml::from_str(text).map_err(|e| PypiConfigError::File {
            file: Untrusted::new(file.clone()).excerpt(200),
            // The message of the parser without its excerpt: the file may hold passwords.
            reason: Untrusted::new(e.message()).excerpt(200),
        })?;
        let origin = format!("uv settings in {}", Untrusted::new(file.clone()).excerpt(200));
        let pip = parsed.pip.unwrap_or_default();
        for index in parsed.index.into_iter().filter(|index| !index.explicit) {
            let named = Named { origin: origin.clone(), name: index.name, address: index.url };
            match (index.default, &default) {
                (true, None) => default = Some(named),
                (true, Some(_)) => {}
                (false, _) => further.push(named),
            }
        }
        let plain = |address| Named { origin: origin.clone(), name: None, address };
        default = default.or_else(|| parsed.index_url.or(pip.index_url).map(plain));
        further.extend(parsed.extra_index_url.into_iter().chain(pip.extra_index_url).map(plain));
    }
    Ok((default, further))
}

fn from_pip(input: &PypiConfigInput) -> (Option<Named>, Vec<Named>) {
    let env = |key: &str| input.env.get(key).map(|value| value.trim()).filter(|value| !value.is_empty());
    let named =
        |origin: &str, address: &str| Named { origin: origin.to_owned(), name: None, address: address.to_owned() };
    let mut default = env("PIP_INDEX_URL").map(|value| named("PIP_INDEX_URL", value));
    let mut further: Option<Vec<Named>> = env("PIP_EXTRA_INDEX_URL")
        .map(|value| value.split_ascii_whitespace().map(|url| named("PIP_EXTRA_INDEX_URL", url)).collect());
    for (file, text) in &input.pip_conf {
        let ini = Ini::parse(text);
        let origin = format!("pip settings in {}", Untrusted::new(file.clone()).excerpt(200));
        // The command's own section is stronger than `global`, as in pip.
        for section in ["install", "global"] {
            if default.is_none()
                && let Some(value) = ini.get(section, "index-url")
            {
                default = Some(named(&origin, value));
            }
            if further.is_none()
                && let Some(value) = ini.get(section, "extra-index-url")
            {
                further = Some(value.split_ascii_whitespace().map(|url| named(&origin, url)).collect());
            }
        }
    }
    (default, further.unwrap_or_default())
}

/// uv lets an index be written `name=https://…`.
fn split_name(origin: &str, value: &str) -> Named {
    let (name, address) = match value.split_once('=') {
        Some((name, address)) if !name.is_empty() && !name.contains([':', '/']) => (Some(name.to_owned()), address),
        _ => (None, value),
    };
    Named { origin: origin.to_owned(), name, address: address.to_owned() }
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let decoded = (bytes[i] == b'%').then(|| bytes.get(i + 1..i + 3)).flatten().and_then(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        });
        match decoded {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The default index that an installed uv or pip declares in its help: the output of `uv pip compile --help` or
/// `pip download --help`, in which one option says `(by default: <https://…>)` or `(default https://…)`.
///
/// The root runs the program once and remembers the answer; no address is written in our source. Only https addresses
/// whose path has `simple` are taken, so that a link in a help text is not mistaken for an index.
pub fn default_index_from_help(text: &str) -> Option<SafeUrl> {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    flat.match_indices("default").find_map(|(at, word)| {
        let rest = flat[at + word.len()..].trim_start_matches([':', '=', ' ', '<', '\'', '"', '`']);
        let end = rest.find([' ', '>', ')', ']', '\'', '"', '`', ';', ',']).unwrap_or(rest.len());
        let address = rest[..end].strip_prefix("https://").map(|_| &rest[..end])?;
        let url: SafeUrl = address.trim_end_matches('.').parse().ok()?;
        url.expose().path().contains("simple").then_some(url)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn urls(input: PypiConfigInput) -> Vec<String> {
        PypiConfig::load(input).expect("config").indexes().iter().map(|index| index.url().to_string()).collect()
    }

    #[test]
    fn the_order_is_the_documented_one() {
        let mut input = PypiConfigInput {
            configured: Some("https://toml.invalid/simple".parse().expect("url")),
            env: env(&[
                ("UV_DEFAULT_INDEX", "https://uvd.invalid/simple"),
                ("UV_INDEX_URL", "https://uvi.invalid/simple"),
                ("UV_INDEX", "corp=https://extra.invalid/simple/"),
                ("PIP_INDEX_URL", "https://pipenv.invalid/simple"),
            ]),
            uv_toml: vec![("uv.toml".into(), "[[index]]\nurl='https://uvt.invalid/simple'\ndefault=true\n".into())],
            pip_conf: vec![("pip.conf".into(), "[global]\nindex-url=https://pipconf.invalid/simple\n".into())],
            netrc: None,
            default_index: Some("https://default.invalid/simple".parse().expect("url")),
        };
        assert_eq!(urls(input.clone()), ["https://toml.invalid/simple/"]);
        input.configured = None;
        assert_eq!(urls(input.clone()), ["https://extra.invalid/simple/", "https://uvd.invalid/simple/"]);
        input.env.remove("UV_INDEX");
        input.env.remove("UV_DEFAULT_INDEX");
        assert_eq!(urls(input.clone()), ["https://uvi.invalid/simple/"]);
        input.env.remove("UV_INDEX_URL");
        assert_eq!(urls(input.clone()), ["https://uvt.invalid/simple/"]);
        input.uv_toml.clear();
        assert_eq!(urls(input.clone()), ["https://pipenv.invalid/simple/"]);
        input.env.clear();
        assert_eq!(urls(input.clone()), ["https://pipconf.invalid/simple/"]);
        input.pip_conf.clear();
        assert_eq!(urls(input.clone()), ["https://default.invalid/simple/"]);
        input.default_index = None;
        assert_eq!(PypiConfig::load(input).expect_err("none"), PypiConfigError::NoIndex);
    }

    #[test]
    fn credentials_come_from_the_address_the_environment_or_netrc_and_stay_at_home() {
        let config = PypiConfig::load(PypiConfigInput {
            env: env(&[
                ("UV_DEFAULT_INDEX", "https://bob:hunt%40er@a.invalid/simple"),
                ("UV_INDEX", "my-corp=https://b.invalid/simple https://c.invalid/simple"),
                ("UV_INDEX_MY_CORP_PASSWORD", "p2"),
            ]),
            netrc: Some("machine c.invalid login eve password p3".into()),
            ..PypiConfigInput::default()
        })
        .expect("config");
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunt") && !shown.contains("bob"), "{shown}");
        let [b, c, a] = config.indexes() else { panic!("three indexes") };
        for (index, want) in [(a, ("bob", "hunt@er")), (b, ("", "p2")), (c, ("eve", "p3"))] {
            let file = index.url().join("x.whl").expect("url");
            assert_eq!(index.credentials_for(&file), Some(Credentials::basic(want.0, want.1)));
        }
        let elsewhere: SafeUrl = "https://files.invalid/x.whl".parse().expect("url");
        assert_eq!(a.credentials_for(&elsewhere), None);
        let downgraded: SafeUrl = "http://a.invalid/x.whl".parse().expect("url");
        assert_eq!(a.credentials_for(&downgraded), None);
    }

    #[test]
    fn unusable_addresses_are_refused_without_showing_them() {
        for address in
            ["ftp://u:secret@h.invalid/", "https://u:secret@h.invalid/simple?x=1", "not a url secret", "file:///secret"]
        {
            let error = PypiConfig::load(PypiConfigInput {
                env: env(&[("PIP_INDEX_URL", address)]),
                ..PypiConfigInput::default()
            })
            .expect_err("refused");
            assert!(matches!(error, PypiConfigError::Address { .. }));
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let error = PypiConfig::load(PypiConfigInput {
            uv_toml: vec![("uv.toml".into(), "index-url = 'https://u:secret@h.invalid\n".into())],
            ..PypiConfigInput::default()
        })
        .expect_err("refused");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn the_default_is_read_from_help_texts() {
        let uv = "--default-index <DEFAULT_INDEX>\n   The default package index (by\n    default: <https://index.invalid/simple>) [env: X]";
        let pip =
            "-i, --index-url <url>  Base URL of the Python Package Index (default https://index.invalid/simple). This";
        for text in [uv, pip] {
            assert_eq!(default_index_from_help(text).expect("found").to_string(), "https://index.invalid/simple");
        }
        for text in ["", "default: http://index.invalid/simple", "default: <https://docs.invalid/page>", "default"] {
            assert_eq!(default_index_from_help(text), None, "{text}");
        }
    }
}
