//! Answers that a client may ask about again: an entity tag over the bytes, and 304 where nothing changed (RFC 9110, section 13).
use axum::response::{IntoResponse, Response};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};
use mcpsec_model::digest::Digest;

/// The whole body with its type and tag, or 304 when the client has it. Caches ask each time; where reading needs a token, only
/// the client's own cache keeps it.
pub fn whole(request: &HeaderMap, content_type: &'static str, private: bool, body: impl Into<Vec<u8>>) -> Response {
    let body = body.into();
    let tag = format!("\"{}\"", Digest::sha256_of(&body).to_hex());
    let same = request.get_all(IF_NONE_MATCH).iter().any(|value| names(value, &tag));
    let mut response = if same { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
    let headers = response.headers_mut();
    if !same {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    let caching = if private { "private, no-cache" } else { "no-cache" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

/// Whether a list of tags has this one, compared weakly; `*` is any.
fn names(value: &HeaderValue, tag: &str) -> bool {
    let Ok(list) = value.to_str() else { return false };
    list.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(tag: Option<&str>) -> (StatusCode, HeaderMap) {
        let mut request = HeaderMap::new();
        if let Some(tag) = tag {
            request.insert(IF_NONE_MATCH, tag.parse().expect("a header"));
        }
        let response = whole(&request, "text/plain; charset=utf-8", false, "body");
        (response.status(), response.headers().clone())
    }

    #[test]
    fn the_same_bytes_are_sent_once() {
        let (first, headers) = status(None);
        assert_eq!(first, StatusCode::OK);
        let tag = headers[ETAG].to_str().expect("text").to_owned();
        for list in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let (again, headers) = status(Some(&list));
            assert_eq!(
                (again, headers[ETAG].to_str().expect("text")),
                (StatusCode::NOT_MODIFIED, tag.as_str()),
                "{list}"
            );
        }
        for list in ["\"x\"", "", tag.trim_matches('"')] {
            assert_eq!(status(Some(list)).0, StatusCode::OK, "{list}");
        }
    }
}
