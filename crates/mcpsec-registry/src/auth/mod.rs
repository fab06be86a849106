//! Who may do what. A token lets somebody speak; what they say counts by the signature inside it.
//!
//! ```text
//! Authorization: Bearer mcpsec_…   -> token::Token -> its row, by hash    -> Caller
//!                Bearer eyJ…       -> oidc::Issuers (identities of CI)    -> Caller
//!                Basic user:SECRET -> as Bearer SECRET (pip and uv know nothing else)
//! none                             -> Caller::anonymous()
//! ```
//!
//! [`gate`] asks once per request, before every address: what is wrong is refused everywhere, also where nobody needs a token.
mod gate;
pub mod oidc;
pub mod token;

use axum::extract::FromRequestParts;
use http::{HeaderMap, header::AUTHORIZATION, request::Parts};

pub use gate::gate;

use self::{oidc::Issuers, token::Token};
use crate::{app::App, clock::Clock, config::Oidc, db::Db, error::ApiError};

/// The longest value of `Authorization`, in bytes: identities of CI jobs are some 2 kB.
const LONGEST: usize = 8 << 10;

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// Reading, where the server is private.
    Read,
    /// Uploading locks, files and evidence.
    Push,
    /// Appending signed approvals and revocations.
    ApproveSubmit,
    /// Everything.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Push, Self::ApproveSubmit, Self::Admin];

    /// The word in tokens and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Push => "push",
            Self::ApproveSubmit => "approve-submit",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == word)
            .ok_or_else(|| "there are `read`, `push`, `approve-submit` and `admin`".to_owned())
    }
}

/// Checks tokens and identities.
#[derive(Debug)]
pub struct Auth {
    issuers: Issuers,
}

impl Auth {
    /// For these issuers of identities.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(issuers: &[Oidc]) -> Result<Self, reqwest::Error> {
        Ok(Self { issuers: Issuers::new(issuers)? })
    }

    /// Who sent these headers.
    ///
    /// # Errors
    /// 401: what they hold is wrong. 503: it cannot be told now.
    pub async fn caller(&self, headers: &HeaderMap, db: &Db, clock: &Clock) -> Result<Caller, ApiError> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Ok(Caller::anonymous()) };
        if values.next().is_some() {
            return Err(ApiError::unauthorized("the request has more than one `Authorization`"));
        }
        let secret = secret(value.as_bytes())?;
        let now = clock.now();
        if secret.starts_with(token::PREFIX) {
            token::check(&secret.parse::<Token>()?, db, now).await
        } else {
            self.issuers.check(&secret, now).await
        }
    }
}

/// The secret in a value of `Authorization` (RFC 9110 §11.6.2; RFC 6750 §2.1; RFC 7617).
fn secret(value: &[u8]) -> Result<String, ApiError> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let wrong =
        || ApiError::unauthorized("`Authorization` is neither `Bearer TOKEN` nor `Basic …` with the token as password");
    let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= LONGEST).ok_or_else(wrong)?;
    let (scheme, rest) = text.split_once(' ').ok_or_else(wrong)?;
    let secret = if scheme.eq_ignore_ascii_case("bearer") {
        rest.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let bytes = STANDARD.decode(rest.trim()).map_err(|_| wrong())?;
        let pair = String::from_utf8(bytes).map_err(|_| wrong())?;
        pair.split_once(':').ok_or_else(wrong)?.1.to_owned()
    } else {
        return Err(wrong());
    };
    let secret = secret.trim();
    if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong());
    }
    Ok(secret.to_owned())
}

/// Who sent a request: an extractor that never fails for want of a token, only for one that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// As the audit table has it: `token:ID (NAME)`, `oidc:ISSUER SUBJECT`, or `anonymous`.
    pub actor: String,
    /// What they may do.
    pub scopes: Vec<Scope>,
    /// The id of the request, as in logs and answers; may be empty.
    pub request: String,
}

impl Caller {
    /// Somebody without a token.
    pub fn anonymous() -> Self {
        Self { actor: "anonymous".to_owned(), scopes: Vec::new(), request: String::new() }
    }

    /// Whoever runs commands on the server itself, and so may do everything anyway.
    pub fn operator() -> Self {
        Self { actor: "operator".to_owned(), scopes: vec![Scope::Admin], request: String::new() }
    }

    /// Refuses whoever lacks a scope; `admin` has all.
    ///
    /// # Errors
    /// 401 for nobody, 403 for somebody else.
    pub fn require(&self, scope: Scope) -> Result<(), ApiError> {
        if self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin) {
            return Ok(());
        }
        let scope = scope.as_str();
        if self.scopes.is_empty() {
            return Err(ApiError::unauthorized(format!("this needs a token with the scope `{scope}`"))
                .hint("send it as `Authorization: Bearer …`; whoever runs the server makes one with `mcpsec-registry token create`"));
        }
        Err(ApiError::forbidden(format!("this token lacks the scope `{scope}`")))
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match parts.extensions.get::<Self>() {
            Some(caller) => Ok(caller.clone()),
            // Not behind the gate: ask here, so that a forgotten layer opens nothing.
            None => app.auth.caller(&parts.headers, &app.db, &app.clock).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_in_both_forms_and_in_no_other() {
        let read = |value: &str| secret(value.as_bytes()).map_err(|error| error.status.as_u16());
        assert_eq!(read("Bearer abc"), Ok("abc".to_owned()));
        assert_eq!(read("bearer  abc "), Ok("abc".to_owned()));
        assert_eq!(read("Basic X190b2tlbl9fOmE6Yg=="), Ok("a:b".to_owned()), "the password may hold colons");
        for bad in [
            "abc",
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Basic abc",
            "Basic YWJj",
            "Digest abc",
            "Bearer \u{e9}",
            "Basic OmE\u{0}",
        ] {
            assert_eq!(read(bad), Err(401), "{bad}");
        }
        assert_eq!(read(&format!("Bearer {}", "a".repeat(LONGEST))), Err(401));
    }
}
