//! Where an upstream has a file: npm by convention, PyPI by its index (PEP 691).
use futures::TryStreamExt as _;
use mcpsec_model::{name::Ecosystem, package::PackageId, text::Untrusted, url::SafeUrl};
use serde::Deserialize;
use url::Url;

use super::{PullError, client::Client, hosts::shown};
use crate::config::PullThrough;

/// The longest page of an index, in bytes.
const LONGEST: u64 = 16 << 20;

/// Finds files. Keeps the last page of the index: the files of one package come together.
#[derive(Debug)]
pub(super) struct Finder<'a> {
    client: &'a Client,
    config: &'a PullThrough,
    page: Option<(String, Url, Vec<Link>)>,
}

#[derive(Debug, Deserialize)]
struct Page {
    files: Vec<Link>,
}

#[derive(Debug, Deserialize)]
struct Link {
    filename: String,
    url: String,
}

impl<'a> Finder<'a> {
    pub(super) fn new(client: &'a Client, config: &'a PullThrough) -> Self {
        Self { client, config, page: None }
    }

    /// The address of a file of a package (purl).
    pub(super) async fn find(&mut self, package: &str, file: &str) -> Result<Url, PullError> {
        let name = || Untrusted::new(format!("{package} {file}")).excerpt(200);
        let no_upstream = || PullError::Absent(format!("{}: no upstream is configured that has it", name()));
        if !is_plain(file) {
            return Err(PullError::Absent(format!("{}: no name of a file", name())));
        }
        let package = PackageId::from_purl(package).map_err(|_| no_upstream())?;
        match (package.ecosystem(), &self.config.npm, &self.config.pypi) {
            (Ecosystem::Npm, Some(base), _) => tarball(base, package.name().as_str(), file).ok_or_else(no_upstream),
            (Ecosystem::Pypi, _, Some(base)) => {
                let project = package.name().as_str();
                if self.page.as_ref().is_none_or(|(of, ..)| of != project) {
                    self.page = Some(self.index(base, project).await?);
                }
                let link = self.page.iter().flat_map(|(_, url, links)| links.iter().map(move |link| (url, link)));
                let (base, link) = link
                    .into_iter()
                    .find(|(_, link)| link.filename == file)
                    .ok_or_else(|| PullError::Absent(format!("{}: the index has no such file", name())))?;
                base.join(&link.url).map_err(|_| PullError::Absent(format!("{}: its address is no URL", name())))
            }
            _ => Err(no_upstream()),
        }
    }

    async fn index(&self, base: &SafeUrl, project: &str) -> Result<(String, Url, Vec<Link>), PullError> {
        let url = below(base, &[project, ""])
            .ok_or_else(|| PullError::Absent(format!("{base} cannot be the base of an address")))?;
        let body = self.client.get(&url, "application/vnd.pypi.simple.v1+json", LONGEST).await?;
        let refuse = |why: String| PullError::Answer(shown(&url), why);
        let mut body = std::pin::pin!(body);
        let mut bytes = Vec::new();
        while let Some(chunk) = body.try_next().await.map_err(|_| refuse("the answer broke off".to_owned()))? {
            if (bytes.len() + chunk.len()) as u64 > LONGEST {
                return Err(refuse(format!("it has more than {LONGEST} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        let page: Page = serde_json::from_slice(&bytes).map_err(|error| {
            refuse(format!("it is no index in JSON (PEP 691): {}", Untrusted::new(error.to_string()).excerpt(120)))
        })?;
        Ok((project.to_owned(), url, page.files))
    }
}

/// `<base>/<name>/-/<file>`, as npm's clients rewrite foreign lock files.
fn tarball(base: &SafeUrl, name: &str, file: &str) -> Option<Url> {
    let parts: Vec<&str> = name.split('/').chain(["-", file]).collect();
    below(base, &parts)
}

fn below(base: &SafeUrl, parts: &[&str]) -> Option<Url> {
    let mut url = base.without_secrets();
    url.path_segments_mut().ok()?.pop_if_empty().extend(parts);
    Some(url)
}

/// Letters, digits and what else stands in names of files; never one that means a folder.
fn is_plain(file: &str) -> bool {
    !file.is_empty()
        && !file.starts_with('.')
        && file.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+' | b'!'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stay_below_the_upstream() {
        let base: SafeUrl = "https://npm.example.test/mirror/".parse().expect("a URL");
        let of = |name: &str, file: &str| tarball(&base, name, file).expect("a URL").to_string();
        assert_eq!(of("zod", "zod-1.0.0.tgz"), "https://npm.example.test/mirror/zod/-/zod-1.0.0.tgz");
        assert_eq!(of("@s/n", "n-1.0.0.tgz"), "https://npm.example.test/mirror/@s/n/-/n-1.0.0.tgz");
        let query = of("zod", "x?host=evil#y");
        assert!(query.ends_with("/zod/-/x%3Fhost=evil%23y"), "{query}");
    }

    #[test]
    fn what_is_secret_in_the_upstreams_address_goes_nowhere() {
        let base: SafeUrl = "https://user:word@npm.example.test/".parse().expect("a URL");
        let url = tarball(&base, "zod", "zod-1.0.0.tgz").expect("a URL");
        assert_eq!(url.as_str(), "https://npm.example.test/zod/-/zod-1.0.0.tgz");
    }

    #[tokio::test]
    async fn strange_names_and_endless_pages_are_not_read() {
        let site = mcpsec_testkit::PypiServer::start();
        let url: SafeUrl = site.url().parse().expect("a URL");
        let config = PullThrough {
            npm: Some("https://npm.example.test/".parse().expect("a URL")),
            pypi: Some(url.clone()),
            hosts: Vec::new(),
            private_hosts: vec![url.expose().host_str().expect("a host").to_owned()],
        };
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::new(&config).expect("a client");
        let mut finder = Finder::new(&client, &config);
        for bad in ["../x", "a/b", "a?b", "a\r\nb", ".npmrc"] {
            let refused = finder.find("pkg:npm/zod@1.0.0", bad).await.expect_err(bad).to_string();
            assert!(refused.contains("no name of a file"), "{refused}");
        }
        site.inject(mcpsec_testkit::Fault::Enormous { bytes: LONGEST + 1, declared: false });
        let refused = finder.find("pkg:pypi/a@1.0", "a-1.0-py3-none-any.whl").await.expect_err("endless").to_string();
        assert!(refused.contains("it has more than 16777216 bytes"), "{refused}");
    }

    #[test]
    fn names_that_are_no_files_are_not_asked_for() {
        for bad in ["", ".", "..", "../x", "a/b", "a\\b", "a%2fb", "a\r\nHost: x", "a\0", "a b", ".npmrc", "a?b", "a#b"]
        {
            assert!(!is_plain(bad), "{bad:?}");
        }
        assert!(is_plain("zod-1.0.0.tgz") && is_plain("a_b-1!2.0+local.1-py3-none-any.whl"));
    }
}
