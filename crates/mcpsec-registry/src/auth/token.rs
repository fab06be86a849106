//! Tokens that this server makes: `mcpsec_<16 hex: id>_<64 hex: secret><8 hex: checksum>`.
//!
//! The id is public and names the row; of the secret (256 random bits) the database has only the SHA-256, which is enough for bits
//! that nobody can guess. The prefix lets scanners for leaked secrets find tokens, the checksum tells one that was cut or mistyped
//! from one that is unknown.
use std::{fmt, str::FromStr};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    rand::{SecureRandom as _, SystemRandom},
};
use mcpsec_model::{digest::Digest, text::escape, time::Timestamp};

use super::{Caller, Scope};
use crate::{
    db::{Db, tokens, tokens::TokenRow},
    error::ApiError,
};

/// How every token begins.
pub const PREFIX: &str = "mcpsec_";
const ID: usize = 16;
const SECRET: usize = 64;
const CHECKSUM: usize = 8;

/// A whole token. It is printed by [`Token::expose`] alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    id: String,
    secret: String,
}

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The machine has no random numbers.
    pub fn generate() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let (mut id, mut secret) = ([0; ID / 2], [0; SECRET / 2]);
        let random = SystemRandom::new();
        random.fill(&mut id)?;
        random.fill(&mut secret)?;
        Ok(Self { id: hex::encode(id), secret: hex::encode(secret) })
    }

    /// The public half.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The token itself: shown once, to whoever made it.
    pub fn expose(&self) -> String {
        let body = format!("{PREFIX}{}_{}", self.id, self.secret);
        let checksum = checksum(&body);
        body + &checksum
    }

    /// What the database keeps.
    pub fn hash(&self) -> String {
        Digest::sha256_of(self.secret.as_bytes()).to_hex()
    }
}

fn checksum(body: &str) -> String {
    let mut hex = Digest::sha256_of(body.as_bytes()).to_hex();
    hex.truncate(CHECKSUM);
    hex
}

impl FromStr for Token {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, ApiError> {
        let cut = || ApiError::unauthorized("the token is not whole: it was cut or mistyped");
        let lower = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let (id, rest) = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or_else(cut)?;
        if id.len() != ID || rest.len() != SECRET + CHECKSUM || !lower(id) || !lower(rest) {
            return Err(cut());
        }
        let (secret, sum) = rest.split_at(SECRET);
        let token = Self { id: id.to_owned(), secret: secret.to_owned() };
        if checksum(&text[..text.len() - CHECKSUM]) == sum { Ok(token) } else { Err(cut()) }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.id)
    }
}

/// Who a token speaks for.
///
/// # Errors
/// 401: nobody made it, it expired, it was revoked. 503: the database does not answer.
pub async fn check(token: &Token, db: &Db, now: Timestamp) -> Result<Caller, ApiError> {
    let Some(row) = tokens::one(db, token.id()).await? else {
        return Err(ApiError::unauthorized("nobody made this token here"));
    };
    judge(token, &row, now)
}

fn judge(token: &Token, row: &TokenRow, now: Timestamp) -> Result<Caller, ApiError> {
    // The secret first: whoever does not have it learns nothing about the token.
    if verify_slices_are_equal(token.hash().as_bytes(), row.hash.as_bytes()).is_err() {
        return Err(ApiError::unauthorized("nobody made this token here"));
    }
    if row.revoked_at != 0 {
        return Err(ApiError::unauthorized(format!("the token was revoked at {}", shown(row.revoked_at))));
    }
    if now.as_second() >= row.expires_at {
        return Err(ApiError::unauthorized(format!("the token expired at {}", shown(row.expires_at)))
            .hint("whoever runs the server makes a new one with `mcpsec-registry token create`"));
    }
    let scopes: Vec<Scope> = row.scopes.split(' ').filter_map(|word| word.parse().ok()).collect();
    let actor = format!("token:{} ({})", row.id, escape(&row.name));
    Ok(Caller { actor, scopes, request: String::new() })
}

/// Seconds since 1970 as people read them.
pub fn shown(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| second.to_string(), |instant| instant.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(token: &Token) -> TokenRow {
        TokenRow {
            id: token.id().to_owned(),
            hash: token.hash(),
            name: "ci".to_owned(),
            scopes: "push approve-submit".to_owned(),
            created_at: 0,
            expires_at: 1000,
            revoked_at: 0,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("instant")
    }

    #[test]
    fn a_token_is_whole_or_refused() {
        let token = Token::generate().expect("random numbers");
        let text = token.expose();
        assert_eq!(text.len(), PREFIX.len() + ID + 1 + SECRET + CHECKSUM);
        assert_eq!(text.parse::<Token>().expect("whole"), token);
        assert!(!format!("{token:?}").contains(&token.secret));
        assert_ne!(Token::generate().expect("random numbers"), token);
        for end in 0..text.len() {
            assert!(text[..end].parse::<Token>().is_err(), "{end}");
        }
        for index in PREFIX.len()..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[index] = if bytes[index] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(bytes).expect("text");
            assert!(changed.parse::<Token>().is_err(), "{changed}");
        }
        assert!(text.to_uppercase().parse::<Token>().is_err());
    }

    #[test]
    fn a_token_counts_with_its_secret_until_it_ends() {
        let token = Token::generate().expect("random numbers");
        let row = row(&token);
        let caller = judge(&token, &row, at(999)).expect("good");
        assert_eq!(
            (caller.actor, caller.scopes),
            (format!("token:{} (ci)", token.id()), vec![Scope::Push, Scope::ApproveSubmit])
        );
        let refused =
            |token: &Token, row: &TokenRow, second| judge(token, row, at(second)).expect_err("refused").to_string();
        assert!(refused(&token, &row, 1000).contains("expired at 1970-01-01T00:16:40Z"));
        assert!(refused(&token, &TokenRow { revoked_at: 5, ..row.clone() }, 999).contains("revoked"));
        let guess = Token { secret: "0".repeat(SECRET), ..token };
        assert!(refused(&guess, &TokenRow { revoked_at: 5, ..row }, 2000).contains("nobody made this token"));
    }
}
