//! A TUF repository made in the test: keys, signed metadata, consistent snapshots, a delegation, served on loopback.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcpsec_testkit::loopback::{Loopback, Reply, Request, Routes};
use serde_json::{Value, json};
use sigstore_tuf::canonical_json::to_canonical_bytes;

/// Where the keys of an npm registry lie in it.
pub(super) const KEYS: &str = "registry.invalid/keys.json";
const DELEGATE: &str = "registry.invalid";

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

/// A signing key and what metadata calls it.
pub(super) struct Key {
    id: String,
    pair: Pair,
}

impl Key {
    fn ed25519(id: &str) -> Self {
        Self { id: id.to_owned(), pair: Pair::Ed25519(Ed25519KeyPair::generate().expect("key")) }
    }

    fn p256(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("key");
        Self { id: id.to_owned(), pair: Pair::P256(pair) }
    }

    fn declared(&self) -> Value {
        match &self.pair {
            Pair::Ed25519(pair) => {
                let public = hex::encode(pair.public_key().as_ref());
                json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public}})
            }
            Pair::P256(pair) => {
                let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("public key");
                let text = STANDARD.encode(der.as_ref());
                let public = format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n");
                json!({"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": {"public": public}})
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Value {
        let sig = match &self.pair {
            Pair::Ed25519(pair) => hex::encode(pair.sign(message)),
            Pair::P256(pair) => hex::encode(pair.sign(&SystemRandom::new(), message).expect("signature")),
        };
        json!({"keyid": self.id, "sig": sig})
    }
}

fn envelope(signed: &Value, keys: &[&Key]) -> Vec<u8> {
    let message = to_canonical_bytes(signed).expect("canonical");
    let signatures: Vec<Value> = keys.iter().map(|key| key.sign(&message)).collect();
    serde_json::to_vec(&json!({"signed": signed, "signatures": signatures})).expect("JSON")
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

fn pin(bytes: &[u8], version: u64) -> Value {
    json!({"version": version, "length": bytes.len(), "hashes": {"sha256": sha256(bytes)}})
}

/// What a repository says at one time.
pub(super) struct Edition<'a> {
    /// Version of timestamp, snapshot, targets and the delegated role.
    pub(super) version: u64,
    /// When the timestamp expires; everything else lives until 2030.
    pub(super) expires: &'a str,
    /// `trusted_root.json`.
    pub(super) root: &'a str,
}

impl Default for Edition<'_> {
    fn default() -> Self {
        Self { version: 1, expires: "2026-11-08T00:00:00Z", root: r#"{"edition":1}"# }
    }
}

type Shared = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

struct Served(Shared);

impl Routes for Served {
    fn answer(&self, request: &Request, _base: &str) -> Reply {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match files.get(request.path.trim_start_matches("/tuf/")) {
            Some(bytes) => Reply::new(200, "application/json", bytes.clone()),
            None => Reply::not_found(),
        }
    }
}

/// The repository.
pub(super) struct TufRepository {
    roots: Vec<Key>,
    online: Key,
    targets: Key,
    delegate: Key,
    root_version: u64,
    files: Shared,
    pub(super) server: Loopback,
}

impl TufRepository {
    /// With its first root and no edition yet.
    pub(super) fn new() -> Self {
        let files = Shared::default();
        let mut repository = Self {
            roots: vec![Key::ed25519("root-1-a"), Key::p256("root-1-b")],
            online: Key::p256("online-1"),
            targets: Key::ed25519("targets"),
            delegate: Key::p256("delegate"),
            root_version: 0,
            server: Loopback::start(Arc::new(Served(Arc::clone(&files)))),
            files,
        };
        repository.put_root(&[]);
        repository
    }

    pub(super) fn get(&self, name: &str) -> Vec<u8> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(name).unwrap_or_else(|| panic!("there is a {name}")).clone()
    }

    pub(super) fn put(&self, name: &str, bytes: Vec<u8>) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), bytes);
    }

    /// Puts other text into a served file without signing it again.
    pub(super) fn tamper(&self, name: &str, from: &str, to: &str) {
        let text = String::from_utf8(self.get(name)).expect("UTF-8");
        assert!(text.contains(from), "{name} contains {from}");
        self.put(name, text.replace(from, to).into_bytes());
    }

    pub(super) fn root(&self) -> String {
        String::from_utf8(self.get(&format!("{}.root.json", self.root_version))).expect("UTF-8")
    }

    /// The next root, signed by its own keys and by `former` ones.
    fn put_root(&mut self, former: &[Key]) {
        self.root_version += 1;
        let keys: BTreeMap<&str, Value> = self
            .roots
            .iter()
            .chain([&self.online, &self.targets])
            .map(|key| (key.id.as_str(), key.declared()))
            .collect();
        let role = |keys: &[&Key], threshold: usize| json!({"keyids": keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), "threshold": threshold});
        let own: Vec<&Key> = self.roots.iter().collect();
        let signed = json!({
            "_type": "root", "spec_version": "1.0.31", "version": self.root_version, "consistent_snapshot": true,
            "expires": "2030-01-01T00:00:00Z", "keys": keys,
            "roles": {
                "root": role(&own, own.len()), "timestamp": role(&[&self.online], 1),
                "snapshot": role(&[&self.online], 1), "targets": role(&[&self.targets], 1),
            },
        });
        let signers: Vec<&Key> = own.into_iter().chain(former).collect();
        self.put(&format!("{}.root.json", self.root_version), envelope(&signed, &signers));
    }

    /// New root keys and a new online key, as after a lost key.
    pub(super) fn rotate(&mut self) {
        let next = self.root_version + 1;
        let fresh = vec![Key::p256(&format!("root-{next}-a")), Key::ed25519(&format!("root-{next}-b"))];
        self.online = Key::p256(&format!("online-{next}"));
        let former = std::mem::replace(&mut self.roots, fresh);
        self.put_root(&former);
    }

    /// New root keys that the former ones know nothing of.
    pub(super) fn usurp(&mut self) {
        let fresh = vec![Key::p256("usurper-a"), Key::p256("usurper-b")];
        self.roots = fresh;
        self.online = Key::p256("usurper-online");
        self.put_root(&[]);
    }

    /// Signs with another online key than the root names.
    pub(super) fn forget_online_key(&mut self) {
        self.online = Key::p256(&self.online.id);
    }

    pub(super) fn publish(&self, edition: &Edition<'_>) {
        let Edition { version, expires, root } = *edition;
        let later = "2030-01-01T00:00:00Z";
        let keys = format!(r#"{{"keys":[],"edition":{version}}}"#);
        let target = |text: &str| json!({"length": text.len(), "hashes": {"sha256": sha256(text.as_bytes())}});
        self.put(&format!("targets/{}.trusted_root.json", sha256(root.as_bytes())), root.into());
        let (folder, file) = KEYS.split_once('/').expect("a path");
        self.put(&format!("targets/{folder}/{}.{file}", sha256(keys.as_bytes())), keys.clone().into());

        let signed = json!({"_type": "targets", "spec_version": "1.0.31", "version": version, "expires": later,
            "targets": {KEYS: target(&keys)}});
        let delegated = envelope(&signed, &[&self.delegate]);
        let signed = json!({"_type": "targets", "spec_version": "1.0.31", "version": version, "expires": later,
            "targets": {"trusted_root.json": target(root)},
            "delegations": {"keys": {"delegate": self.delegate.declared()}, "roles": [{"name": DELEGATE,
                "keyids": ["delegate"], "threshold": 1, "terminating": true, "paths": ["registry.invalid/*"]}]}});
        let targets = envelope(&signed, &[&self.targets]);
        let signed = json!({"_type": "snapshot", "spec_version": "1.0.31", "version": version, "expires": later,
            "meta": {"targets.json": pin(&targets, version), "registry.invalid.json": pin(&delegated, version)}});
        let snapshot = envelope(&signed, &[&self.online]);
        let signed = json!({"_type": "timestamp", "spec_version": "1.0.31", "version": version, "expires": expires,
            "meta": {"snapshot.json": pin(&snapshot, version)}});
        self.put("timestamp.json", envelope(&signed, &[&self.online]));
        self.put(&format!("{version}.snapshot.json"), snapshot);
        self.put(&format!("{version}.targets.json"), targets);
        self.put(&format!("{version}.{DELEGATE}.json"), delegated);
    }
}
