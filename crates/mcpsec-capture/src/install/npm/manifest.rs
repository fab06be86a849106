//! What installing needs of a `package.json`: name, programs, engines, install scripts.
use std::collections::BTreeMap;

use mcpsec_model::package::PackageId;
use serde_json::Value;

use crate::install::{error::InstallError, source::Files};

const LONGEST: u64 = 4 << 20;

/// A `package.json`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::install) struct Manifest {
    pub(in crate::install) name: Option<String>,
    /// Programs with their files as written, which may lead anywhere.
    pub(in crate::install) bins: BTreeMap<String, String>,
    /// `engines.node`.
    pub(in crate::install) node: Option<String>,
    /// `preinstall`, `install` and `postinstall`, in this order.
    pub(in crate::install) install_scripts: Vec<(&'static str, String)>,
}

impl Manifest {
    pub(in crate::install) fn of(files: &Files<'_>) -> Result<Self, InstallError> {
        let text = files.read_text("package.json", LONGEST)?;
        let Some(text) = text else { return Err(InstallError::metadata(files.package, "package.json", "missing")) };
        let gyp = files.has_file("binding.gyp");
        Self::parse(files.package, &text, gyp)
    }

    /// `gyp` says whether there is a `binding.gyp`, which is an install script of its own.
    fn parse(package: &PackageId, text: &str, gyp: bool) -> Result<Self, InstallError> {
        let bad = |reason: String| InstallError::metadata(package, "package.json", reason);
        let json: Value = serde_json::from_str(text).map_err(|error| bad(error.to_string()))?;
        let Value::Object(json) = json else { return Err(bad("not an object".to_owned())) };
        let word = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let name = word(json.get("name")).filter(|name| !name.is_empty());
        let mut bins = BTreeMap::new();
        match json.get("bin") {
            Some(Value::String(path)) => {
                let own = match package.ecosystem() {
                    mcpsec_model::name::Ecosystem::Npm => package.name().base().to_owned(),
                    _ => name.as_deref().and_then(|name| name.rsplit('/').next()).unwrap_or("server").to_owned(),
                };
                bins.insert(own, path.clone());
            }
            Some(Value::Object(all)) => {
                for (bin, path) in all {
                    let Value::String(path) = path else { continue };
                    // As npm does, only the last part of a name counts.
                    let bin = bin.rsplit(['/', '\\', ':']).next().unwrap_or_default();
                    bins.insert(bin.to_owned(), path.clone());
                }
            }
            _ => {}
        }
        if let Some(bin) = bins.keys().find(|bin| !is_program_name(bin)) {
            return Err(InstallError::entry(package, bin, "it is not a file name"));
        }
        let scripts = json.get("scripts").and_then(Value::as_object);
        let script = |event: &'static str| Some((event, word(scripts?.get(event))?));
        let mut install_scripts: Vec<_> =
            ["preinstall", "install", "postinstall"].into_iter().filter_map(script).collect();
        if gyp && !install_scripts.iter().any(|(event, _)| matches!(*event, "install" | "preinstall")) {
            install_scripts.insert(0, ("install", "node-gyp rebuild".to_owned()));
        }
        let node = word(json.get("engines").and_then(|engines| engines.get("node")));
        Ok(Self { name, bins, node, install_scripts })
    }
}

/// Whether a text can be a file in `.bin`.
pub(in crate::install) fn is_program_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 214
        && !matches!(name, "." | "..")
        && !name.contains(['/', '\\', ':'])
        && !name.chars().any(|c| c.is_control() || mcpsec_model::text::is_hidden(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Manifest, InstallError> {
        Manifest::parse(&"npm:@s/srv@1.0.0".parse().expect("id"), text, false)
    }

    #[test]
    fn programs_in_every_form() {
        let one = parse(r#"{"name":"@s/srv","bin":"./cli.js","engines":{"node":">=18"}}"#).expect("manifest");
        assert_eq!(one.bins, BTreeMap::from([("srv".to_owned(), "./cli.js".to_owned())]));
        assert_eq!(one.node.as_deref(), Some(">=18"));
        let two = parse(r#"{"bin":{"../../evil/x":"a.js","b":"b.js","c":1}}"#).expect("manifest");
        assert_eq!(two.bins.keys().collect::<Vec<_>>(), ["b", "x"]);
        for bin in ["..", "a/..", "", "a\u{202e}b"] {
            let error = parse(&serde_json::json!({ "bin": { bin: "a.js" } }).to_string()).expect_err(bin);
            assert!(matches!(error, InstallError::EntryPoint { .. }), "{bin}");
        }
        assert!(matches!(parse("[]"), Err(InstallError::Metadata { .. })));
    }

    #[test]
    fn install_scripts_come_in_their_order() {
        let text = r#"{"scripts":{"postinstall":"b","preinstall":"a","test":"t"}}"#;
        assert_eq!(
            parse(text).expect("manifest").install_scripts,
            [("preinstall", "a".to_owned()), ("postinstall", "b".to_owned())]
        );
        let gyp = Manifest::parse(&"npm:a@1.0.0".parse().expect("id"), "{}", true).expect("manifest");
        assert_eq!(gyp.install_scripts, [("install", "node-gyp rebuild".to_owned())]);
    }
}
