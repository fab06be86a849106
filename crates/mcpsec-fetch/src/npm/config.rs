//! Which registry answers for a package, and what it may be told: `.npmrc` files, `NPM_CONFIG_*` and mcp.toml in one answer.
//!
//! Texts and environment values come in as an [`NpmrcInput`]; nothing here reads a file or the environment. Precedence is
//! npm's: mcp.toml's own `[registries]`, then the environment, then the project's, the user's and the global `.npmrc`, key by
//! key. Unlike npm, the project's file gets no variables of the environment. Credentials are bound to a host and path ("nerf dart") and go nowhere else.
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fmt,
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use deno_npmrc::{NpmRc, NpmRegistryUrl, RegistryConfig, ResolvedNpmRc};
use mcpsec_model::{name::PackageName, text::Untrusted, url::SafeUrl};
use url::Url;

use crate::http::Credentials;

/// Longest `.npmrc` that is read, in bytes.
const MAX_NPMRC: usize = 1 << 20;

/// Everything that decides registries and credentials, already read by the caller.
#[derive(Clone, Default)]
pub struct NpmrcInput {
    /// The project's `.npmrc` as (name to show in errors, text). It wins over `files`, and may not read the environment: the
    /// project may be a stranger's, and npm would send any variable that it names to any host that it names.
    pub project: Option<(String, String)>,
    /// The user's own `.npmrc` files as (name to show in errors, text): user, global; the first wins.
    pub files: Vec<(String, String)>,
    /// Environment: `NPM_CONFIG_*` in any case, and the variables that `${VAR}` in one of `files` may name.
    pub env: BTreeMap<String, String>,
    /// The npm registry of mcp.toml's `[registries]`; it replaces the default registry, not the ones of scopes.
    pub configured: Option<SafeUrl>,
}

impl fmt::Debug for NpmrcInput {
    /// Names only: texts and environment hold tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<&str> = self.project.iter().chain(&self.files).map(|(name, _)| name.as_str()).collect();
        let env: Vec<&str> = self.env.keys().map(String::as_str).collect();
        f.debug_struct("NpmrcInput")
            .field("files", &files)
            .field("env", &env)
            .field("configured", &self.configured)
            .finish()
    }
}

/// Why the configuration cannot be used. Values are never repeated: they may be tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NpmConfigError {
    /// The file is not in npm's ini form.
    #[error("{file} is not a valid .npmrc")]
    Syntax {
        /// The name to show.
        file: String,
    },
    /// The file is too long to be a configuration.
    #[error("{file} is longer than {MAX_NPMRC} bytes")]
    TooLong {
        /// The name to show.
        file: String,
    },
    /// The project's file wants a variable of the user's environment inside an address.
    #[error(
        "{file} puts an environment variable into `{key}`; a project may not read your environment: write the address out, or move the line to your own .npmrc"
    )]
    Variable {
        /// The name to show.
        file: String,
        /// The key that it would set.
        key: String,
    },
    /// A registry address is not an http or https URL.
    #[error("the npm registry {of} is not an http or https URL; correct `{key}` in .npmrc or the environment")]
    Registry {
        /// `of scope @name`, or `configured as default`.
        of: String,
        /// The key that sets it.
        key: String,
    },
}

/// Registries by scope, with their credentials.
#[derive(Clone)]
pub struct NpmConfig {
    resolved: Arc<ResolvedNpmRc>,
}

impl fmt::Debug for NpmConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = SafeUrl::from(self.resolved.default_config.registry_url.clone());
        let mut scopes: Vec<&String> = self.resolved.scopes.keys().collect();
        scopes.sort();
        f.debug_struct("NpmConfig").field("default", &default).field("scopes", &scopes).finish()
    }
}

/// The caller's environment, as `deno_npmrc` asks for it.
struct Env<'a>(&'a BTreeMap<String, String>);

impl sys_traits::BaseEnvVar for Env<'_> {
    fn base_env_var_os(&self, key: &OsStr) -> Option<OsString> {
        key.to_str().and_then(|key| self.0.get(key)).map(OsString::from)
    }
}

impl NpmConfig {
    /// Merges all levels.
    ///
    /// # Errors
    /// Malformed files, and registry addresses that are not http or https.
    pub fn load(input: NpmrcInput) -> Result<Self, NpmConfigError> {
        let env = Env(&input.env);
        let mut merged = from_environment(&input.env);
        if let Some((file, text)) = &input.project {
            add_lower_layer(&mut merged, without_variables(parse(file, text, &Env(&BTreeMap::new()))?, file)?);
        }
        for (file, text) in &input.files {
            add_lower_layer(&mut merged, parse(file, text, &env)?);
        }
        if let Some(configured) = &input.configured {
            merged.registry = Some(configured.expose().to_string());
        }
        move_user_info(&mut merged);
        let default = Url::parse(deno_npmrc::NPM_DEFAULT_REGISTRY).map_err(|_| NpmConfigError::Registry {
            of: "built in as default".to_owned(),
            key: "registry".to_owned(),
        })?;
        let resolved =
            merged.as_resolved(&NpmRegistryUrl { url: default, from_env: false }).map_err(|error| match error {
                deno_npmrc::ResolveError::UrlScope { scope, .. } => registry_error(Some(&scope)),
                deno_npmrc::ResolveError::Url(_) => registry_error(None),
            })?;
        if !is_web(&resolved.default_config.registry_url) {
            return Err(registry_error(None));
        }
        for (scope, config) in &resolved.scopes {
            if !is_web(&config.registry_url) {
                return Err(registry_error(Some(scope)));
            }
        }
        Ok(Self { resolved: Arc::new(resolved) })
    }

    /// The registry that answers for this package, with a trailing slash, and what to send it.
    pub fn registry_for(&self, name: &PackageName) -> (SafeUrl, Option<Credentials>) {
        let url = self.resolved.get_registry_url(name.as_str()).clone();
        let credentials = credentials(self.resolved.get_registry_config(name.as_str()));
        (SafeUrl::from(url), credentials)
    }

    /// Whether npm's own default registry answers for this package.
    pub fn is_public(&self, name: &PackageName) -> bool {
        let public = Url::parse(deno_npmrc::NPM_DEFAULT_REGISTRY);
        public.is_ok_and(|public| public.origin() == self.resolved.get_registry_url(name.as_str()).origin())
    }

    /// The scopes (with `@`) that have a registry of their own, another one than the default; sorted.
    pub fn private_scopes(&self) -> BTreeSet<String> {
        let default = &self.resolved.default_config.registry_url;
        let own = self.resolved.scopes.iter().filter(|(_, config)| config.registry_url != *default);
        own.map(|(scope, _)| format!("@{}", scope.trim_start_matches('@'))).collect()
    }

    /// The address to download a tarball from, given what the record of `name` says, and the credentials it may be sent.
    ///
    /// The record is untrusted: only http and https addresses pass (`None` otherwise), user information in it is dropped, an
    /// address on the default public registry is moved to the configured one (npm's `replace-registry-host`), and
    /// credentials are sent only under the host and path they were configured for or to the registry's own origin, and never
    /// over plain http when the registry itself is reached over https.
    pub fn tarball(&self, name: &PackageName, tarball: &Url) -> Option<(SafeUrl, Option<Credentials>)> {
        if !is_web(tarball) {
            return None;
        }
        let mut url = self.resolved.replace_tarball_url(tarball.clone(), name.as_str());
        let (_no_user, _no_password) = (url.set_username(""), url.set_password(None));
        let registry = self.resolved.get_registry_url(name.as_str());
        let downgraded = url.scheme() == "http" && registry.scheme() != "http";
        let credentials = match self.resolved.tarball_config_for_package(&url, name.as_str()) {
            Some(config) if !downgraded => credentials(config),
            _ => None,
        };
        Some((SafeUrl::from(url), credentials))
    }
}

fn parse(file: &str, text: &str, env: &Env<'_>) -> Result<NpmRc, NpmConfigError> {
    let shown = || Untrusted::new(file).excerpt(200);
    if text.len() > MAX_NPMRC {
        return Err(NpmConfigError::TooLong { file: shown() });
    }
    NpmRc::parse(env, text).map_err(|_| NpmConfigError::Syntax { file: shown() })
}

/// Takes out of the project's file what asks for variables: credentials are dropped, since most runs do not need them and the
/// user can give them in an own `.npmrc`; an address is refused, since another registry than the one meant would answer.
fn without_variables(mut rc: NpmRc, file: &str) -> Result<NpmRc, NpmConfigError> {
    let asks = |text: &str| text.contains("${");
    let refuse = |key: String| NpmConfigError::Variable { file: Untrusted::new(file).excerpt(200), key };
    if rc.registry.as_deref().is_some_and(asks) {
        return Err(refuse("registry".to_owned()));
    }
    if let Some((scope, _)) = rc.scope_registries.iter().find(|(_, url)| asks(url)) {
        return Err(refuse(format!("@{}:registry", Untrusted::new(scope.as_str()).excerpt(60))));
    }
    for (host, config) in &mut rc.registry_configs {
        let config = Arc::make_mut(config);
        for field in [&mut config.auth_token, &mut config.auth, &mut config.username, &mut config.password] {
            if field.as_deref().is_some_and(asks) {
                *field = None;
                tracing::warn!(
                    host = %Untrusted::new(host.as_str()),
                    "the project's .npmrc may not read the environment; its credentials are not used"
                );
            }
        }
    }
    Ok(rc)
}

fn registry_error(scope: Option<&str>) -> NpmConfigError {
    match scope {
        Some(scope) => {
            let scope = Untrusted::new(scope).excerpt(60);
            NpmConfigError::Registry { of: format!("of scope @{scope}"), key: format!("@{scope}:registry") }
        }
        None => NpmConfigError::Registry { of: "configured as default".to_owned(), key: "registry".to_owned() },
    }
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

/// The `Authorization` value, by npm's order: token, `_auth`, user and password.
fn credentials(config: &RegistryConfig) -> Option<Credentials> {
    if let Some(token) = &config.auth_token {
        return Some(Credentials::bearer(token));
    }
    if let Some(auth) = &config.auth {
        return Some(Credentials::header(format!("Basic {auth}")));
    }
    let (user, password) = (config.username.as_ref()?, config.password.as_ref()?);
    // npm stores the password in base64; an undecodable one is used as it stands.
    let decoded = STANDARD.decode(password).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    Some(Credentials::basic(user, decoded.as_deref().unwrap_or(password)))
}

/// `NPM_CONFIG_REGISTRY`, `npm_config_@scope:registry` and `npm_config_//host/:_authToken`, as npm reads them.
fn from_environment(env: &BTreeMap<String, String>) -> NpmRc {
    let mut rc = NpmRc::default();
    let mut hosts: BTreeMap<String, RegistryConfig> = BTreeMap::new();
    for (name, value) in env {
        let Some((prefix, key)) = name.split_at_checked("npm_config_".len()) else { continue };
        if !prefix.eq_ignore_ascii_case("npm_config_") || value.is_empty() {
            continue;
        }
        if let Some(rest) = key.strip_prefix("//") {
            if let Some((host, field)) = rest.rsplit_once(':') {
                let config = hosts.entry(host.to_owned()).or_default();
                match field {
                    "_authToken" => config.auth_token = Some(value.clone()),
                    "_auth" => config.auth = Some(value.clone()),
                    "username" => config.username = Some(value.clone()),
                    "_password" => config.password = Some(value.clone()),
                    _ => {}
                }
            }
            continue;
        }
        let key = key.to_ascii_lowercase();
        if key == "registry" {
            rc.registry = Some(value.clone());
        } else if let Some(scope) = key.strip_prefix('@').and_then(|key| key.strip_suffix(":registry")) {
            rc.scope_registries.insert(scope.to_owned(), value.clone());
        }
    }
    rc.registry_configs = hosts.into_iter().map(|(host, config)| (host, Arc::new(config))).collect();
    rc
}

/// Fills in what the stronger layers left open.
fn add_lower_layer(merged: &mut NpmRc, lower: NpmRc) {
    merged.registry = merged.registry.take().or(lower.registry);
    merged.replace_registry_host = merged.replace_registry_host.take().or(lower.replace_registry_host);
    for (scope, url) in lower.scope_registries {
        merged.scope_registries.entry(scope).or_insert(url);
    }
    for (host, lower) in lower.registry_configs {
        match merged.registry_configs.get_mut(&host) {
            Some(config) => {
                let config = Arc::make_mut(config);
                let lower = lower.as_ref().clone();
                config.auth_token = config.auth_token.take().or(lower.auth_token);
                config.auth = config.auth.take().or(lower.auth);
                config.username = config.username.take().or(lower.username);
                config.password = config.password.take().or(lower.password);
            }
            None => {
                merged.registry_configs.insert(host, lower);
            }
        }
    }
}

/// Turns `https://user:password@host/` into a clean address plus credentials bound to it, so that no URL holds a secret.
fn move_user_info(rc: &mut NpmRc) {
    let mut found = Vec::new();
    for text in rc.registry.iter_mut().chain(rc.scope_registries.values_mut()) {
        let Ok(mut url) = Url::parse(text) else { continue };
        if url.username().is_empty() && url.password().is_none() {
            continue;
        }
        let decode = |text: &str| {
            url::form_urlencoded::parse(format!("v={}", text.replace('+', "%2B")).as_bytes())
                .next()
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        let user = decode(url.username());
        let password = decode(url.password().unwrap_or_default());
        let (_no_user, _no_password) = (url.set_username(""), url.set_password(None));
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        *text = url.to_string();
        if let Some((_, place)) = url.as_str().split_once("//") {
            found.push((place.to_owned(), user, password));
        }
    }
    for (place, user, password) in found {
        let config = RegistryConfig {
            username: Some(user),
            password: Some(STANDARD.encode(password)),
            ..RegistryConfig::default()
        };
        rc.registry_configs.entry(place).or_insert_with(|| Arc::new(config));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(files: &[&str], env: &[(&str, &str)]) -> NpmConfig {
        NpmConfig::load(NpmrcInput {
            project: None,
            files: files.iter().map(|text| (".npmrc".to_owned(), (*text).to_owned())).collect(),
            env: env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            configured: None,
        })
        .expect("configuration")
    }

    fn name(text: &str) -> PackageName {
        PackageName::npm(text).expect("name")
    }

    fn registry(config: &NpmConfig, package: &str) -> (String, Option<String>) {
        let (url, credentials) = config.registry_for(&name(package));
        (url.expose().to_string(), credentials.map(|c| c.expose().to_owned()))
    }

    fn tarball(config: &NpmConfig, package: &str, url: &str) -> Option<(String, Option<String>)> {
        let url = Url::parse(url).expect("url");
        let (url, credentials) = config.tarball(&name(package), &url)?;
        Some((url.expose().to_string(), credentials.map(|c| c.expose().to_owned())))
    }

    #[test]
    fn levels_are_merged_key_by_key_and_the_environment_wins() {
        let files = [
            "registry=https://project.invalid/npm\n@acme:registry=https://acme.invalid/\n",
            "registry=https://user.invalid/\n//acme.invalid/:_authToken=${TOKEN}\n",
        ];
        let config = load(&files, &[("TOKEN", "s3cret")]);
        assert_eq!(registry(&config, "zod"), ("https://project.invalid/npm/".to_owned(), None));
        assert_eq!(
            registry(&config, "@acme/x"),
            ("https://acme.invalid/".to_owned(), Some("Bearer s3cret".to_owned()))
        );
        for key in ["NPM_CONFIG_REGISTRY", "npm_config_registry"] {
            let config = load(&files, &[(key, "https://env.invalid")]);
            assert_eq!(registry(&config, "zod").0, "https://env.invalid/");
        }
    }

    #[test]
    fn a_project_may_name_registries_and_not_read_the_environment() {
        let load = |project: &str| {
            NpmConfig::load(NpmrcInput {
                project: Some(("project/.npmrc".to_owned(), project.to_owned())),
                files: vec![(".npmrc".to_owned(), "//own.invalid/:_authToken=${TOKEN}".to_owned())],
                env: BTreeMap::from([("TOKEN".to_owned(), "s3cret".to_owned())]),
                configured: None,
            })
        };
        // The user's own file may read it, for the host that it names.
        let config = load("registry=https://own.invalid/").expect("configuration");
        assert_eq!(registry(&config, "x").1, Some("Bearer s3cret".to_owned()));
        // The project's may not, in any field; what it writes out is its own to give away.
        for text in [
            "//evil.invalid/:_authToken=${TOKEN}",
            "//evil.invalid/:_auth=a${TOKEN}",
            "//evil.invalid/:username=u\n//evil.invalid/:_password=${TOKEN}",
            "//evil.invalid/:username=${TOKEN}\n//evil.invalid/:_password=cA==",
        ] {
            let config = load(&format!("registry=https://evil.invalid/\n{text}")).expect("configuration");
            assert_eq!(registry(&config, "x"), ("https://evil.invalid/".to_owned(), None), "{text}");
        }
        let config = load("registry=https://evil.invalid/\n//evil.invalid/:_authToken=own").expect("configuration");
        assert_eq!(registry(&config, "x").1, Some("Bearer own".to_owned()));
        for (text, key) in [
            ("registry=https://evil.invalid/${TOKEN}/", "`registry`"),
            ("@s:registry=https://${TOKEN}.evil.invalid/", "`@s:registry`"),
            ("registry=https://u:${TOKEN}@evil.invalid/", "`registry`"),
        ] {
            let error = load(text).expect_err(text).to_string();
            assert!(error.contains(key) && error.contains("project/.npmrc") && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn every_way_to_authenticate() {
        let basic = STANDARD.encode("bob:pw");
        let password = STANDARD.encode("pw");
        for text in [
            format!("//r.invalid/:_auth={basic}"),
            format!("//r.invalid/:username=bob\n//r.invalid/:_password={password}"),
        ] {
            let config = load(&[&format!("registry=https://r.invalid/\n{text}")], &[]);
            assert_eq!(registry(&config, "x").1, Some(format!("Basic {basic}")));
        }
        let config = load(&["registry=https://bob:pw@r.invalid/npm"], &[]);
        assert_eq!(registry(&config, "x"), ("https://r.invalid/npm/".to_owned(), Some(format!("Basic {basic}"))));
        assert!(!format!("{config:?}").contains("pw"));
    }

    #[test]
    fn credentials_stay_with_their_host_and_path() {
        let config = load(&["registry=https://r.invalid/team/\n//r.invalid/team/:_authToken=s3cret"], &[]);
        let sent = |url: &str| tarball(&config, "x", url).expect("web address").1;
        assert_eq!(sent("https://r.invalid/team/x/-/x-1.0.0.tgz").as_deref(), Some("Bearer s3cret"));
        assert_eq!(sent("https://evil.invalid/team/x/-/x-1.0.0.tgz"), None);
        assert_eq!(sent("https://r.invalid.evil.invalid/team/x.tgz"), None);
        assert_eq!(sent("https://r.invalid:8443/team/x.tgz"), None);
        assert_eq!(sent("http://r.invalid/team/x.tgz"), None, "no downgrade to plain http");
        assert_eq!(tarball(&config, "x", "file:///etc/passwd"), None);
        assert_eq!(tarball(&config, "x", "ftp://r.invalid/x.tgz"), None);
        let (url, _) = tarball(&config, "x", "https://a:b@evil.invalid/x.tgz").expect("web address");
        assert_eq!(url, "https://evil.invalid/x.tgz");
    }

    #[test]
    fn bad_registries_and_files_are_named_without_their_values() {
        let load = |text: &str| {
            NpmConfig::load(NpmrcInput {
                files: vec![("/p/.npmrc".to_owned(), text.to_owned())],
                ..NpmrcInput::default()
            })
        };
        assert!(matches!(load("registry=file:///srv/hunter2"), Err(NpmConfigError::Registry { .. })));
        let error = load("@a:registry=hunter2").expect_err("not a URL").to_string();
        assert!(error.contains("@a:registry") && !error.contains("hunter2"), "{error}");
        assert!(matches!(load(&"#".repeat(MAX_NPMRC + 1)), Err(NpmConfigError::TooLong { .. })));
    }

    #[test]
    fn the_public_default_moves_to_the_configured_registry() {
        let config = load(&["registry=https://mirror.invalid/npm/"], &[]);
        let public = format!("{}/x/-/x-1.0.0.tgz", deno_npmrc::NPM_DEFAULT_REGISTRY);
        let (url, _) = tarball(&config, "x", &public).expect("web address");
        assert_eq!(url, "https://mirror.invalid/npm/x/-/x-1.0.0.tgz");
    }

    #[test]
    fn mcp_toml_replaces_the_default_registry_only() {
        let config = NpmConfig::load(NpmrcInput {
            project: None,
            files: vec![("f".to_owned(), "registry=https://a.invalid/\n@s:registry=https://s.invalid/".to_owned())],
            env: [("NPM_CONFIG_REGISTRY".to_owned(), "https://b.invalid/".to_owned())].into_iter().collect(),
            configured: Some("https://c.invalid/".parse().expect("url")),
        })
        .expect("configuration");
        assert_eq!(registry(&config, "x").0, "https://c.invalid/");
        assert_eq!(registry(&config, "@s/x").0, "https://s.invalid/");
    }
}
