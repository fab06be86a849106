//! What a request asks of the list: each parameter at most once, each read strictly; what is not known is ignored, as the API's
//! own versions add some.
use mcpsec_model::time::Timestamp;

use super::cursor::Cursor;
use crate::error::ApiError;

/// Servers on a page when nobody asks for another number.
const USUAL: usize = 30;
/// The most on a page.
const MOST: usize = 100;

/// The parameters of `GET /v0.1/servers`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Query {
    /// After which place.
    pub(super) after: Option<Cursor>,
    /// 1 to [`MOST`].
    pub(super) limit: usize,
    /// Part of a name, title or description, in lower case.
    pub(super) search: Option<String>,
    /// Changed at or after.
    pub(super) since: Option<Timestamp>,
    /// Of these versions only.
    pub(super) version: Option<Wanted>,
    /// Also what was withdrawn.
    pub(super) deleted: bool,
}

/// Which version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    /// The one that is the latest.
    Latest,
    /// This one.
    Exactly(String),
}

impl Wanted {
    /// `latest`, or a version.
    pub(super) fn parse(text: &str) -> Self {
        if text == "latest" { Self::Latest } else { Self::Exactly(text.to_owned()) }
    }
}

impl Query {
    /// Reads the part of an address after `?`.
    ///
    /// # Errors
    /// 400: a parameter twice, or one that does not mean anything.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let parameters = Parameters::parse(text)?;
        let after = parameters.cursor.map(|text| {
            Cursor::parse(&text).ok_or_else(|| {
                ApiError::bad_request("`cursor` is not one that this server gave out")
                    .hint("send `metadata.nextCursor` of the page before as it came, or leave it out to start anew")
            })
        });
        let since = parameters.updated_since.map(|text| {
            time(&text).ok_or_else(|| {
                ApiError::bad_request("`updated_since` is not a time")
                    .hint("write it as 2026-01-31T00:00:00Z (RFC 3339)")
            })
        });
        Ok(Self {
            after: after.transpose()?,
            limit: parameters.limit.as_deref().map_or(Ok(USUAL), limit)?,
            search: parameters.search.filter(|text| !text.is_empty()).map(|text| text.to_lowercase()),
            // Whoever asks what changed must hear what was withdrawn, else their copy keeps it.
            deleted: parameters.include_deleted.as_deref().map_or(Ok(false), flag)? || since.is_some(),
            since: since.transpose()?,
            version: parameters.version.filter(|text| !text.is_empty()).map(|text| Wanted::parse(&text)),
        })
    }

    /// The one parameter that addresses of versions have.
    ///
    /// # Errors
    /// 400, as [`Query::parse`].
    pub(super) fn include_deleted(text: &str) -> Result<bool, ApiError> {
        Parameters::parse(text)?.include_deleted.as_deref().map_or(Ok(false), flag)
    }
}

#[derive(Default)]
struct Parameters {
    cursor: Option<String>,
    limit: Option<String>,
    search: Option<String>,
    updated_since: Option<String>,
    version: Option<String>,
    include_deleted: Option<String>,
}

impl Parameters {
    fn parse(text: &str) -> Result<Self, ApiError> {
        let mut all = Self::default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let place = match name.as_ref() {
                "cursor" => &mut all.cursor,
                "limit" => &mut all.limit,
                "search" => &mut all.search,
                "updated_since" => &mut all.updated_since,
                "version" => &mut all.version,
                "include_deleted" => &mut all.include_deleted,
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return Err(ApiError::bad_request(format!("`{name}` is there twice")));
            }
        }
        all.cursor = all.cursor.filter(|text| !text.is_empty());
        Ok(all)
    }
}

/// A whole number; what lies outside is the nearest that is possible, since the API's document sets no bounds.
fn limit(text: &str) -> Result<usize, ApiError> {
    let (below, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ApiError::bad_request("`limit` is not a whole number"));
    }
    // Digits that do not fit are a number beyond every bound.
    let number = digits.parse::<usize>().unwrap_or(usize::MAX);
    Ok(if below { 1 } else { number.clamp(1, MOST) })
}

fn flag(text: &str) -> Result<bool, ApiError> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ApiError::bad_request("`include_deleted` is neither `true` nor `false`")),
    }
}

/// A time of RFC 3339. A `+` that nobody encoded arrives as a space.
fn time(text: &str) -> Option<Timestamp> {
    let looks = text.len() <= 64 && text.as_bytes().get(4) == Some(&b'-');
    looks.then(|| text.parse().ok().or_else(|| text.replace(' ', "+").parse().ok()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let error = Query::parse(text).expect_err(text);
        assert_eq!(error.status, http::StatusCode::BAD_REQUEST, "{text}");
        error.message
    }

    #[test]
    fn nothing_asked_is_the_first_page_of_what_is_vetted() {
        let want = Query { after: None, limit: 30, search: None, since: None, version: None, deleted: false };
        for text in ["", "&", "unknown=1&unknown=2", "cursor=&search=&version="] {
            assert_eq!(Query::parse(text).expect("query"), want, "{text}");
        }
    }

    #[test]
    fn limits_are_numbers_and_nothing_else() {
        for (text, want) in [
            ("1", 1),
            ("100", 100),
            ("101", 100),
            ("0", 1),
            ("-7", 1),
            ("99999999999999999999999", 100),
            ("-99999999999999999999999", 1),
        ] {
            assert_eq!(Query::parse(&format!("limit={text}")).expect(text).limit, want, "{text}");
        }
        for text in
            ["limit=", "limit=x", "limit=1.0", "limit=1e2", "limit=-", "limit=%2B1", "limit=1&limit=2", "limit=1%00"]
        {
            assert!(refused(text).starts_with("`limit` is"), "{text}");
        }
    }

    #[test]
    fn times_are_read_with_and_without_an_encoded_plus() {
        let want: Timestamp = "2025-08-07T11:15:04.28Z".parse().expect("time");
        for text in ["2025-08-07T13:15:04.280%2B02:00", "2025-08-07T13:15:04.280+02:00", "2025-08-07T11:15:04.280Z"] {
            let query = Query::parse(&format!("updated_since={text}")).expect(text);
            assert_eq!((query.since, query.deleted), (Some(want), true), "{text}");
        }
        for text in ["updated_since=", "updated_since=yesterday", "updated_since=5", "updated_since=2025-08-07"] {
            assert_eq!(refused(text), "`updated_since` is not a time", "{text}");
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for text in
            ["cursor=x", "cursor=MQ", "cursor=%00", "include_deleted=1", "include_deleted=", "search=a&search=b"]
        {
            assert!(!refused(text).is_empty());
        }
        assert!(!refused("updated_since=2026-01-01T00:00:00Z&include_deleted=null").is_empty());
        assert!(Query::include_deleted("include_deleted=true").expect("flag"));
        assert!(Query::include_deleted("include_deleted=TRUE").is_err());
    }
}
