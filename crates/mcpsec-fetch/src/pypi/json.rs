//! A project page in JSON (PEP 691, with the fields of PEP 592, 658, 700, 714 and 740).
use std::collections::BTreeMap;

use mcpsec_model::text::Untrusted;
use serde::Deserialize;

use super::page::{Listing, PageError, RawFile, format_version};

#[derive(Deserialize)]
struct Document {
    meta: Option<Meta>,
    files: Vec<File>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "api-version")]
    api_version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    filename: String,
    url: String,
    hashes: Option<BTreeMap<String, Option<String>>>,
    requires_python: Option<String>,
    #[serde(default)]
    yanked: Flag,
    core_metadata: Option<Flag>,
    dist_info_metadata: Option<Flag>,
    upload_time: Option<String>,
    size: Option<u64>,
    provenance: Option<String>,
}

/// `false`, `true`, a reason, or hashes: what `yanked` and `core-metadata` can be.
#[derive(Default)]
enum Flag {
    #[default]
    No,
    Yes,
    Text(String),
    Hashes(BTreeMap<String, String>),
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Flag;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a boolean, a text, or hashes")
            }
            fn visit_bool<E>(self, value: bool) -> Result<Flag, E> {
                Ok(if value { Flag::Yes } else { Flag::No })
            }
            fn visit_str<E>(self, value: &str) -> Result<Flag, E> {
                Ok(Flag::Text(value.to_owned()))
            }
            fn visit_unit<E>(self) -> Result<Flag, E> {
                Ok(Flag::No)
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Flag, A::Error> {
                BTreeMap::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Flag::Hashes)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Reads the page. A wrong type anywhere refuses the page: half a page would mean resolving against a part of the truth.
pub(super) fn parse(bytes: &[u8]) -> Result<Listing, PageError> {
    let document: Document =
        serde_json::from_slice(bytes).map_err(|e| PageError::Json(Untrusted::new(e.to_string()).excerpt(160)))?;
    let said = document.meta.and_then(|meta| meta.api_version);
    let version = said.as_deref().and_then(format_version);
    if let Some(version) = said
        && version.split('.').next() != Some("1")
    {
        return Err(PageError::ApiVersion(Untrusted::new(version).excerpt(20)));
    }
    Ok(Listing { files: document.files.into_iter().map(RawFile::from).collect(), base: None, version })
}

impl From<File> for RawFile {
    fn from(file: File) -> Self {
        let core_metadata = match file.core_metadata.or(file.dist_info_metadata).unwrap_or_default() {
            Flag::No => None,
            Flag::Yes | Flag::Text(_) => Some(None),
            Flag::Hashes(mut hashes) => Some(hashes.remove("sha256")),
        };
        let yanked = match file.yanked {
            Flag::No => None,
            Flag::Yes | Flag::Hashes(_) => Some(String::new()),
            Flag::Text(reason) => Some(reason),
        };
        Self {
            filename: file.filename,
            url: file.url,
            sha256: file.hashes.and_then(|mut hashes| hashes.remove("sha256")).flatten(),
            size: file.size,
            requires_python: file.requires_python,
            yanked,
            upload_time: file.upload_time,
            core_metadata,
            provenance: file.provenance.filter(|url| !url.is_empty()).map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_read_in_each_of_its_forms() {
        let Listing { files, version, .. } = parse(
            br#"{"meta":{"api-version":"1.4","x":1},"name":"a","versions":["1"],"files":[
            {"filename":"a-1-py3-none-any.whl","url":"../a.whl","hashes":{"sha256":"aa","md5":"b"},"requires-python":">=3.8","yanked":"broken","core-metadata":{"sha256":"cc"},"upload-time":"2025-01-01T00:00:00Z","size":3,"provenance":"../p"},
            {"filename":"a-1.tar.gz","url":"a","hashes":{},"requires-python":null,"yanked":false,"dist-info-metadata":true,"core-metadata":null,"size":null,"provenance":null},
            {"filename":"a-2.tar.gz","url":"a","yanked":true}]}"#,
        )
        .expect("page");
        assert_eq!((files.len(), version), (3, Some((1, 4))));
        assert_eq!((files[0].provenance.as_deref(), files[1].provenance.as_deref()), (Some("../p"), None));
        assert_eq!(files[0].yanked.as_deref(), Some("broken"));
        assert_eq!(files[0].core_metadata, Some(Some("cc".to_owned())));
        assert_eq!(files[0].sha256.as_deref(), Some("aa"));
        assert_eq!((files[1].yanked.as_deref(), files[1].core_metadata.clone()), (None, Some(None)));
        assert_eq!((files[2].yanked.as_deref(), files[2].sha256.as_deref()), (Some(""), None));
    }

    #[test]
    fn pages_of_another_shape_are_refused() {
        for page in [
            "",
            "[]",
            "{}",
            "{\"files\":{}}",
            "{\"files\":[1]}",
            "{\"files\":[{\"filename\":1,\"url\":\"x\"}]}",
            "{\"files\":[{\"filename\":\"a\",\"url\":\"x\",\"size\":-1}]}",
            "{\"files\":[{\"filename\":\"a\",\"url\":\"x\",\"yanked\":[]}]}",
            "{\"files\":[{\"filename\":\"a\",\"url\":\"x\",\"provenance\":{}}]}",
            "{\"meta\":{\"api-version\":\"2.0\"},\"files\":[]}",
        ] {
            assert!(parse(page.as_bytes()).is_err(), "{page}");
        }
        let deep = format!("{{\"files\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse(deep.as_bytes()).is_err());
    }
}
