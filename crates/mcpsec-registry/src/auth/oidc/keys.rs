//! An issuer's public keys: fetched when one is asked for, kept, and never asked for more often than once a minute.
//!
//! Whoever sends tokens with invented key names makes no traffic to the issuer: a name that is not there is looked for once in
//! [`PAUSE`], whatever comes. Requests for keys go to the addresses that the operator named, follow no redirects, and are bounded
//! in time and size.
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use mcpsec_model::{time::Timestamp, url::SafeUrl};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::Mutex;

use super::{IssuerKey, is_issuer, wrong};
use crate::{config::Oidc, error::ApiError};

/// Seconds between two requests for keys.
const PAUSE: i64 = 60;
/// Seconds after which keys are fetched anew.
const FRESH: i64 = 3600;
/// Seconds after which keys that could not be renewed no longer count.
const OLD: i64 = 24 * 3600;
/// The longest document, in bytes.
const LARGEST: usize = 256 << 10;
/// The most keys of one issuer.
const MOST: usize = 100;

/// The client for documents of issuers.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(10))
        .build()
}

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct Keys {
    client: reqwest::Client,
    config: Oidc,
    known: RwLock<Known>,
    /// When they were last asked for, successfully or not. Held while asking, so that one asks for all.
    asked: Mutex<Option<i64>>,
}

#[derive(Debug, Default)]
struct Known {
    fetched: Option<i64>,
    keys: HashMap<String, IssuerKey>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Keys {
    pub(super) fn new(client: reqwest::Client, config: &Oidc) -> Self {
        Self { client, config: config.clone(), known: RwLock::default(), asked: Mutex::new(None) }
    }

    /// The key of this name.
    pub(super) async fn get(&self, kid: &str, now: Timestamp) -> Result<IssuerKey, ApiError> {
        let now = now.as_second();
        if let Some(key) = self.lookup(kid, now, FRESH) {
            return Ok(key);
        }
        let mut asked = match self.asked.try_lock() {
            Ok(asked) => asked,
            Err(_somebody_asks) => {
                // A key that is due to be renewed, and is known, waits for nobody: the issuer may take its time.
                if let Some(key) = self.lookup(kid, now, OLD) {
                    return Ok(key);
                }
                self.asked.lock().await
            }
        };
        // Somebody else may have fetched them meanwhile.
        if let Some(key) = self.lookup(kid, now, FRESH) {
            return Ok(key);
        }
        if asked.is_none_or(|asked| now.saturating_sub(asked) >= PAUSE) {
            *asked = Some(now);
            match self.fetch().await {
                Ok(keys) => {
                    *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known { fetched: Some(now), keys }
                }
                Err(why) => {
                    tracing::error!(issuer = %self.config.issuer, why, "the issuer's keys could not be fetched")
                }
            }
        }
        drop(asked);
        if let Some(key) = self.lookup(kid, now, OLD) {
            return Ok(key);
        }
        if self.known.read().unwrap_or_else(PoisonError::into_inner).fetched.is_none() {
            return Err(ApiError::unavailable("the issuer of this identity", &"no keys of it are known"));
        }
        Err(wrong("its issuer has no key of this name"))
    }

    fn lookup(&self, kid: &str, now: i64, age: i64) -> Option<IssuerKey> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.fetched.filter(|fetched| now.saturating_sub(*fetched) < age)?;
        known.keys.get(kid).cloned()
    }

    async fn fetch(&self) -> Result<HashMap<String, IssuerKey>, String> {
        let address = match &self.config.jwks_uri {
            Some(address) => address.clone(),
            None => self.discover().await?,
        };
        let set: KeySet = self.document(&address).await?;
        if set.keys.len() > MOST {
            return Err(format!("{} keys, more than {MOST}", set.keys.len()));
        }
        // Kinds of keys that are not known are nobody's mistake.
        Ok(set.keys.into_iter().filter_map(usable).collect())
    }

    /// OpenID Connect Discovery 1.0 §4. The address of the keys must be on the issuer's own host: where it is not, the operator
    /// names it.
    async fn discover(&self) -> Result<SafeUrl, String> {
        let base = self.config.issuer.expose().as_str().trim_end_matches('/');
        let address: SafeUrl =
            format!("{base}/.well-known/openid-configuration").parse().map_err(|error| format!("{error}"))?;
        let document: Discovery = self.document(&address).await?;
        if !is_issuer(&self.config, &document.issuer) {
            return Err("the discovery document is of another issuer".to_owned());
        }
        let keys: SafeUrl = document.jwks_uri.parse().map_err(|error| format!("the address of the keys: {error}"))?;
        if !keys.same_origin(&self.config.issuer) {
            return Err("the keys are on another host than the issuer; name it as `jwks-uri`".to_owned());
        }
        Ok(keys)
    }

    async fn document<T: DeserializeOwned>(&self, address: &SafeUrl) -> Result<T, String> {
        let said = |error: reqwest::Error| error.without_url().to_string();
        let mut response = self.client.get(address.expose().clone()).send().await.map_err(said)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("{address} answered {}", response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(said)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(format!("{address} answered more than {LARGEST} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|error| format!("{address}: {error}"))
    }
}

/// A key that signs, of a kind whose one algorithm is known, with a name.
fn usable(value: Value) -> Option<(String, IssuerKey)> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let kid = jwk.common.key_id.clone()?;
    if jwk.common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|stated| stated != KeyAlgorithm::from(algorithm)) {
        return None;
    }
    Some((kid, IssuerKey { algorithm, key: DecodingKey::from_jwk(&jwk).ok()? }))
}
