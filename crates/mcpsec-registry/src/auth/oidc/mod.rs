//! Identities of CI jobs: JWTs (RFC 7519) of issuers that the operator named, as OpenID Connect Core §3.1.3.7 has them checked.
//!
//! The algorithm is that of the issuer's key, never that of the token: a token that names another one is refused, `none` and
//! shared secrets (`HS…`) are not even words here. Times are held against the server's clock; nothing counts that was not signed.
mod keys;

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, dangerous::insecure_decode_claims, decode, decode_header};
use mcpsec_model::{text::Untrusted, time::Timestamp};
use serde_json::{Map, Value};

use self::keys::Keys;
use super::{Caller, Scope};
use crate::{config::Oidc, error::ApiError};

/// How far clocks may be apart, in seconds.
const LEEWAY: i64 = 30;
/// The longest name of a key, in bytes.
const LONGEST_KID: usize = 200;

type Claims = Map<String, Value>;

/// Everybody whose identities are believed.
#[derive(Debug)]
pub struct Issuers(Vec<Entry>);

/// One `[[oidc]]`.
#[derive(Debug)]
struct Entry {
    config: Oidc,
    keys: Arc<Keys>,
}

/// A key and the one algorithm that it signs with.
#[derive(Clone, Debug)]
struct IssuerKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Issuers {
    /// For these.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(configs: &[Oidc]) -> Result<Self, reqwest::Error> {
        if configs.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let client = keys::client()?;
        let mut entries: Vec<Entry> = Vec::new();
        for config in configs {
            // Several entries may be about one issuer: its keys are fetched once.
            let same = entries
                .iter()
                .find(|other| other.config.issuer == config.issuer && other.config.jwks_uri == config.jwks_uri)
                .map(|other| Arc::clone(&other.keys));
            let keys = same.unwrap_or_else(|| Arc::new(Keys::new(client.clone(), config)));
            entries.push(Entry { config: config.clone(), keys });
        }
        Ok(Self(entries))
    }

    /// Who a token is of.
    ///
    /// # Errors
    /// 401: it is of nobody, or over. 403: it is good, and no entry lets it in. 503: the issuer's keys cannot be had.
    pub async fn check(&self, token: &str, now: Timestamp) -> Result<Caller, ApiError> {
        if self.0.is_empty() {
            return Err(wrong("it is none of this server's, and the server knows no issuer of identities"));
        }
        let header =
            decode_header(token).map_err(|_| wrong("it is neither a token of this server nor a signed identity"))?;
        if header.crit.is_some() {
            return Err(wrong("its header has `crit`, and nothing is understood that it could name"));
        }
        let kid = header.kid.filter(|kid| kid.len() <= LONGEST_KID).ok_or_else(|| wrong("its header names no key"))?;
        // Not believed yet: it only says whose keys to ask.
        let stated: Claims = insecure_decode_claims(token).map_err(|_| wrong("its claims cannot be read"))?;
        let of =
            |entry: &&Entry| stated.get("iss").and_then(Value::as_str).is_some_and(|iss| is_issuer(&entry.config, iss));
        let entries: Vec<&Entry> = self.0.iter().filter(of).collect();
        let first = entries.first().ok_or_else(|| wrong("its issuer is none that this server knows"))?;
        let key = first.keys.get(&kid, now).await?;
        let claims = signed(token, header.alg, &key)?;
        timely(&claims, now)?;
        let addressed: Vec<&&Entry> = entries.iter().filter(|entry| is_for(&claims, &entry.config.audience)).collect();
        if addressed.is_empty() {
            return Err(wrong("it is for another audience"));
        }
        let mut scopes: Vec<Scope> = Vec::new();
        for entry in addressed.iter().filter(|entry| entry.lets_in(&claims)) {
            scopes.extend(
                entry.config.scopes.iter().filter(|scope| !scopes.contains(scope)).copied().collect::<Vec<_>>(),
            );
        }
        let subject = Untrusted::new(claims.get("sub").and_then(Value::as_str).unwrap_or_default()).excerpt(150);
        if scopes.is_empty() {
            return Err(ApiError::forbidden(format!(
                "the identity `{subject}` is good, and its claims are not those that this server asks for"
            ))
            .hint("`claims` of `[[oidc]]` in the server's configuration says who is let in"));
        }
        Ok(Caller { actor: format!("oidc:{} {subject}", first.config.issuer), scopes, request: String::new() })
    }
}

fn wrong(why: &str) -> ApiError {
    ApiError::unauthorized(format!("the token does not count: {why}"))
}

/// As addresses are written, with or without the slash that an address of a host alone may have.
fn is_issuer(config: &Oidc, iss: &str) -> bool {
    let known = config.issuer.expose().as_str();
    iss == known || known.strip_suffix('/').is_some_and(|known| iss == known)
}

/// The claims, if this key made the signature.
fn signed(token: &str, stated: Algorithm, key: &IssuerKey) -> Result<Claims, ApiError> {
    if stated != key.algorithm {
        return Err(wrong("its algorithm is not the one of the issuer's key"));
    }
    let mut validation = Validation::new(key.algorithm);
    // Times and audience are checked here, against the server's own clock.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    decode::<Claims>(token, &key.key, &validation)
        .map(|data| data.claims)
        .map_err(|_| wrong("its signature does not hold"))
}

/// Seconds since 1970; whole or with a fraction, as the standard allows.
fn instant(claims: &Claims, name: &str) -> Option<Option<i64>> {
    let value = claims.get(name)?;
    #[expect(clippy::cast_possible_truncation, reason = "out of range saturates, and is far in the past or the future")]
    let whole = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds.floor() as i64));
    Some(whole)
}

fn timely(claims: &Claims, now: Timestamp) -> Result<(), ApiError> {
    let now = now.as_second();
    let Some(Some(expires)) = instant(claims, "exp") else { return Err(wrong("it never expires")) };
    if now >= expires.saturating_add(LEEWAY) {
        return Err(wrong("it expired"));
    }
    for name in ["nbf", "iat"] {
        match instant(claims, name) {
            Some(None) => return Err(wrong("its times cannot be read")),
            Some(Some(start)) if start > now.saturating_add(LEEWAY) => return Err(wrong("it is from the future")),
            _ => {}
        }
    }
    Ok(())
}

fn is_for(claims: &Claims, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(many)) => many.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

impl Entry {
    /// Whether every claim that is asked for is there as a text, and fits. No claims let nobody in.
    fn lets_in(&self, claims: &Claims) -> bool {
        let fits = |(name, pattern): &(String, String)| {
            claims.get(name).and_then(Value::as_str).is_some_and(|value| matches(pattern, value))
        };
        !self.config.claims.is_empty() && self.config.claims.iter().all(fits)
    }
}

/// Whether a text fits a pattern in which `*` stands for anything. Linear: each `*` takes as little as it can.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_nothing_else_does() {
        for (pattern, text) in [
            ("a", "a"),
            ("*", ""),
            ("org/*", "org/app"),
            ("repo:org/app:*", "repo:org/app:ref:refs/heads/main"),
            ("a*b*c", "a-b-b-c"),
            ("*x", "xx"),
            ("a*a", "aa"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("a", "b"),
            ("a", "A"),
            ("org/*", "organisation/app"),
            ("org/*", "evil-org/app"),
            ("org/*", "xorg/app"),
            ("*main", "main2"),
            ("a*a", "a"),
            ("a*b*c", "a-c-b"),
            ("a?", "ab"),
            ("", "x"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
