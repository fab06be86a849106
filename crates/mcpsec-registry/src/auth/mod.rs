//! Who may do what. A token lets somebody speak; what they say counts by the signature inside it.
use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::{app::App, error::ApiError};

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// Reading, where the server is private.
    Read,
    /// Uploading locks, files and evidence.
    Push,
    /// Appending signed approvals and revocations.
    ApproveSubmit,
    /// Tokens, and everything else.
    Admin,
}

impl Scope {
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

/// Checks tokens.
#[derive(Debug, Default)]
pub struct Auth {}

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
    async fn from_request_parts(_parts: &mut Parts, _app: &App) -> Result<Self, ApiError> {
        Ok(Self { actor: "anonymous".to_owned(), scopes: Vec::new(), request: String::new() })
    }
}
