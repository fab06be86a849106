//! What stands in addresses: digests in their one form, and parameters, each refused in our own words.
use axum::extract::{FromRequestParts, RawPathParams};
use http::{HeaderMap, header, request::Parts};
use mcpsec_model::{digest::Digest, text::Untrusted};
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// The `{digest}` of an address: `sha256:<hex>` or `sha512:<hex>`, lower case.
#[derive(Clone, Copy, Debug)]
pub(super) struct At(pub(super) Digest);

impl<S: Send + Sync> FromRequestParts<S> for At {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let text = parameter(parts, state, "digest").await?;
        // Each thing has one address: caches and logs would otherwise see several.
        match text.parse::<Digest>() {
            Ok(digest) if digest.to_string() == text => Ok(Self(digest)),
            _ => Err(ApiError::bad_request(format!(
                "`{}` is no digest such as sha256:<64 hexadecimal digits, lower case>",
                Untrusted::new(text).excerpt(40)
            ))),
        }
    }
}

/// The `{index}` of an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Index(pub(super) u32);

impl<S: Send + Sync> FromRequestParts<S> for Index {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let text = parameter(parts, state, "index").await?;
        let number = text.parse::<u32>().ok().filter(|number| number.to_string() == text);
        number.map(Self).ok_or_else(|| {
            ApiError::bad_request(format!("`{}` is no index of a part", Untrusted::new(text).excerpt(40)))
        })
    }
}

async fn parameter<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Result<String, ApiError> {
    let all = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| ApiError::bad_request("the address is not UTF-8"))?;
    let found = all.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    found.ok_or_else(|| ApiError::bug(&format!("the address has no `{name}`")))
}

/// The parameters behind `?`; unknown and repeated ones are refused.
#[derive(Clone, Debug)]
pub(super) struct Parameters<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(found) => Ok(Self(found.0)),
            Err(error) => {
                let why = Untrusted::new(error.body_text()).excerpt(200);
                Err(ApiError::bad_request(why))
            }
        }
    }
}

/// The length that a body is announced with; `None`: it comes in chunks. Bodies that are encoded are refused: digests are about the
/// bytes as they are.
pub(super) fn announced(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    if headers.get_all(header::CONTENT_ENCODING).iter().any(|value| value != "identity") {
        return Err(ApiError::new(
            http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body must not have a `Content-Encoding`",
        ));
    }
    let wrong = || ApiError::bad_request("`Content-Length` is not a number");
    match headers.get(header::CONTENT_LENGTH) {
        None => Ok(None),
        Some(value) => value.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(wrong).map(Some),
    }
}
