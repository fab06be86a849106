//! Who may speak: tokens of the server, identities of CI jobs, and everything that poses as one.
use std::sync::{Arc, Mutex};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use mcpsec_testkit::{
    Loopback, Request,
    loopback::{Reply, Routes},
};
use serde_json::{Value, json};

use crate::{
    allowlist::{Team, token},
    http::{Answer, ask, client, eventually, get},
    people::lines,
    world::World,
};

fn post(team: &Team, authorization: &str) -> Answer {
    let body = lines([&team.bob.approves("files", 0)]);
    ask(client().post(team.world.url("/api/v1/approvals")).header("authorization", authorization).body(body))
}

fn says(answer: &Answer, status: u16, words: &str) {
    assert!(answer.status == status && answer.text().contains(words), "{}: {}", answer.status, answer.text());
}

#[test]
fn a_token_opens_what_it_is_for_and_only_while_it_counts() {
    let team = Team::new();
    let new = |flags: &[&str]| token(&team.world, flags);
    let bearer = |token: &str| format!("Bearer {token}");
    let anonymous = ask(client().post(team.world.url("/api/v1/approvals")).body("x\n"));
    says(&anonymous, 401, "this needs a token with the scope `approve-submit`");
    assert_eq!(anonymous.header("www-authenticate"), "Bearer");
    for scopes in [&["--scope", "push"][..], &["--scope", "read"], &["--scope", "read", "--scope", "push"]] {
        says(&post(&team, &bearer(&new(scopes))), 403, "this token lacks the scope `approve-submit`");
    }
    let good = new(&["--scope", "approve-submit"]);
    let unknown = {
        // Whole, and made elsewhere.
        let elsewhere = World::new();
        token(&elsewhere, &["--scope", "admin"])
    };
    let cut = &good[..good.len() - 1];
    let other_id = good.replacen(&good[7..23], &unknown[7..23], 1);
    for (wrong, words) in [
        (bearer(cut), "cut or mistyped"),
        (bearer(&other_id), "cut or mistyped"),
        (bearer(&format!("{good}0")), "cut or mistyped"),
        (bearer(&good.to_uppercase()), "knows no issuer"),
        (bearer(&unknown), "nobody made this token here"),
        (bearer("x"), "knows no issuer"),
        (good.clone(), "neither `Bearer TOKEN`"),
        ("Bearer ".to_owned(), "neither `Bearer TOKEN`"),
        (format!("Digest {good}"), "neither `Bearer TOKEN`"),
    ] {
        says(&post(&team, &wrong), 401, words);
        // Also where nobody needs a token: whoever sends a wrong one should know.
        says(&get(&team.world.url("/api/v1/approvals/head"), &[("authorization", &wrong)]), 401, words);
    }
    let two = client().get(team.world.url("/api/v1/log-key")).header("authorization", bearer(&good));
    says(&ask(two.header("authorization", bearer(&good))), 401, "more than one");
    says(&post(&team, &bearer(&good)), 200, "\"added\":1");
    says(&post(&team, &format!("Basic {}", STANDARD.encode(format!("token:{good}")))), 200, "\"known\":1");
    says(&post(&team, &bearer(&new(&["--scope", "admin"]))), 200, "\"known\":1");
    let id = &good[7..23];
    let list = team.world.command(&["token", "list"]);
    let list = String::from_utf8(list.stdout).expect("text");
    assert!(list.contains(id) && !list.contains(&good[24..40]), "{list}");
    assert_eq!(team.world.command(&["token", "revoke", id]).code, Some(0));
    says(&post(&team, &bearer(&good)), 401, "was revoked");
    assert_eq!(team.world.command(&["token", "revoke", id]).code, Some(2), "once");
    let brief = new(&["--scope", "admin", "--expires", "1s"]);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let answer = post(&team, &bearer(&brief));
        if answer.status == 401 {
            says(&answer, 401, "the token expired at");
            break;
        }
        assert!(std::time::Instant::now() < end, "it never expires");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    for wrong in [
        &["--scope", "all"][..],
        &[],
        &["--scope", "push", "--expires", "0s"],
        &["--scope", "push", "--expires", "9999d"],
    ] {
        let made = team.world.command(&[&["token", "create", "--name", "x"], wrong].concat());
        assert_eq!((made.code, made.stdout.as_slice()), (Some(2), &b""[..]), "{wrong:?}");
    }
    let named = team.world.command(&["token", "create", "--name", "a\u{202e}b", "--scope", "push"]);
    assert_eq!(named.code, Some(2));
}

#[test]
fn a_stolen_database_holds_no_token() {
    let team = Team::new();
    if !team.world.backend.is_sqlite() {
        println!("skipped: reads the file of SQLite");
        return;
    }
    let secret = &team.token[24..88];
    let mut found = 0;
    for file in std::fs::read_dir(team.world.data.path()).expect("a folder") {
        let path = file.expect("an entry").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("a file");
            let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!holds(secret), "{}", path.display());
            found += usize::from(holds(&team.token[7..23]));
        }
    }
    assert!(found > 0, "the id is there, so the search can find things");
}

#[test]
fn a_private_server_answers_nobody_without_the_scope_read() {
    let team = Team::with(&["--private"]);
    let reader = token(&team.world, &["--scope", "read"]);
    let pusher = token(&team.world, &["--scope", "push"]);
    for path in ["/", "/api/v1/approvals", "/api/v1/approvals/head", "/api/v1/log-key", "/npm/x", "/nothing"] {
        let url = team.world.url(path);
        assert_eq!(get(&url, &[]).status, 401, "{path}");
        assert_eq!(get(&url, &[("authorization", &format!("Bearer {pusher}"))]).status, 403, "{path}");
        let status = get(&url, &[("authorization", &format!("Bearer {reader}"))]).status;
        assert!(![401, 403].contains(&status), "{path}: {status}");
    }
    assert!(![401, 403].contains(&get(&team.world.url("/healthz"), &[]).status));
    says(&post(&team, &format!("Bearer {reader}")), 403, "approve-submit");
    assert_eq!(post(&team, &format!("Bearer {}", team.token)).status, 200, "writing needs its own scope only");
}

/// A fake issuer of identities, with a key of each kind.
struct Issuer {
    server: Loopback,
    documents: Arc<Documents>,
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
}

#[derive(Default)]
struct Documents {
    keys: Mutex<Value>,
    elsewhere: Mutex<Option<String>>,
}

impl Routes for Documents {
    fn answer(&self, request: &Request, base: &str) -> Reply {
        match request.path.as_str() {
            "/.well-known/openid-configuration" => {
                let keys = self.elsewhere.lock().expect("no panic").clone().unwrap_or_else(|| format!("{base}/keys"));
                Reply::new(200, "application/json", json!({ "issuer": base, "jwks_uri": keys }).to_string())
            }
            "/keys" => Reply::new(200, "application/json", self.keys.lock().expect("no panic").to_string()),
            "/moved" => Reply::redirect(302, "/keys"),
            _ => Reply::not_found(),
        }
    }
}

fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).expect("a key");
        let ed = Ed25519KeyPair::generate().expect("a key");
        let documents = Arc::new(Documents::default());
        let public = rsa.public_key();
        let point = ec.public_key().as_ref();
        *documents.keys.lock().expect("no panic") = json!({ "keys": [
            { "kty": "RSA", "kid": "rsa", "use": "sig", "alg": "RS256",
              "n": part(public.modulus().big_endian_without_leading_zero()),
              "e": part(public.exponent().big_endian_without_leading_zero()) },
            { "kty": "EC", "crv": "P-256", "kid": "ec", "x": part(&point[1..33]), "y": part(&point[33..]) },
            { "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": part(ed.public_key().as_ref()) },
            { "kty": "oct", "kid": "oct", "k": part("shared") },
            { "kty": "RSA", "kid": "enc", "use": "enc", "n": part(public.modulus().big_endian_without_leading_zero()), "e": "AQAB" },
            { "kty": "new", "kid": "new" },
        ]});
        let server = Loopback::start(Arc::<Documents>::clone(&documents));
        Self { server, documents, rsa, ec, ed }
    }

    /// The flags of a server that believes this issuer: a file beside nothing.
    fn config(&self, folder: &std::path::Path, more: &str) -> String {
        let base = self.server.base();
        let text = format!(
            "[[oidc]]\nissuer = \"{base}\"\naudience = \"https://mcp.example.test\"\n\
             claims = {{ repository = \"org/*\", ref = \"refs/heads/main\" }}\nscopes = [\"approve-submit\"]\n{more}"
        );
        let path = folder.join("registry.toml");
        let mut file = std::fs::File::create(&path).expect("a file");
        std::io::Write::write_all(&mut file, text.as_bytes()).expect("a file");
        path.display().to_string()
    }

    fn claims(&self) -> Value {
        json!({ "iss": self.server.base(), "aud": "https://mcp.example.test", "sub": "repo:org/app:ref:refs/heads/main",
                "exp": 4_000_000_000_u64, "nbf": 1_000_000, "iat": 1_000_000, "repository": "org/app", "ref": "refs/heads/main" })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", part(header.to_string()), part(claims.to_string()));
        let random = SystemRandom::new();
        let signature = match header["alg"].as_str().unwrap_or_default() {
            "RS256" => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).expect("a signature");
                signature
            }
            "ES256" => self.ec.sign(&random, text.as_bytes()).expect("a signature").as_ref().to_vec(),
            "EdDSA" => self.ed.sign(text.as_bytes()).as_ref().to_vec(),
            "HS256" => {
                let modulus = self.rsa.public_key().modulus().big_endian_without_leading_zero().to_vec();
                let key = if header["kid"] == "oct" { b"shared".to_vec() } else { modulus };
                let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
                aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
            }
            _ => Vec::new(),
        };
        format!("{text}.{}", part(signature))
    }
}

fn team_of(issuer: &Issuer, more: &str) -> (Team, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = issuer.config(folder.path(), more);
    (Team::with(&["--config", &config]), folder)
}

#[test]
fn identities_of_ci_count_by_key_audience_time_and_claims() {
    let issuer = Issuer::new();
    let (team, _folder) = team_of(&issuer, "");
    let bearer = |header: Value, claims: &Value| format!("Bearer {}", issuer.sign(&header, claims));
    let claims = issuer.claims();
    for (alg, kid) in [("RS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")] {
        says(&post(&team, &bearer(json!({ "alg": alg, "kid": kid, "typ": "JWT" }), &claims)), 200, "\"size\":1");
    }
    let unsigned = |alg: &str| {
        let text = format!("{}.{}.", part(json!({ "alg": alg, "kid": "rsa" }).to_string()), part(claims.to_string()));
        format!("Bearer {text}")
    };
    for (wrong, words) in [
        (unsigned("none"), "neither a token of this server nor a signed identity"),
        (unsigned("RS256"), "its signature does not hold"),
        (bearer(json!({ "alg": "HS256", "kid": "rsa" }), &claims), "its algorithm is not the one of the issuer's key"),
        (bearer(json!({ "alg": "HS256", "kid": "oct" }), &claims), "its issuer has no key of this name"),
        (bearer(json!({ "alg": "RS256", "kid": "ec" }), &claims), "its algorithm is not the one"),
        (bearer(json!({ "alg": "ES256", "kid": "rsa" }), &claims), "its algorithm is not the one"),
        (bearer(json!({ "alg": "RS256", "kid": "enc" }), &claims), "its issuer has no key of this name"),
        (bearer(json!({ "alg": "RS256" }), &claims), "its header names no key"),
        (bearer(json!({ "alg": "RS256", "kid": "x".repeat(201) }), &claims), "its header names no key"),
        (bearer(json!({ "alg": "RS256", "kid": "rsa", "crit": ["b64"] }), &claims), "`crit`"),
    ] {
        says(&post(&team, &wrong), 401, words);
    }
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        post(&team, &bearer(json!({ "alg": "ES256", "kid": "ec" }), &claims))
    };
    says(&with("aud", json!(["x", "https://mcp.example.test"])), 200, "\"known\":1");
    for (name, value, words) in [
        ("aud", json!("https://other.example.test"), "another audience"),
        ("aud", json!(["x"]), "another audience"),
        ("aud", Value::Null, "another audience"),
        ("iss", json!("https://evil.invalid"), "its issuer is none that this server knows"),
        ("iss", json!(format!("{}/x", issuer.server.base())), "its issuer is none"),
        ("iss", Value::Null, "its issuer is none"),
        ("exp", json!(1_000_000), "it expired"),
        ("exp", json!(-1), "it expired"),
        ("exp", Value::Null, "it never expires"),
        ("exp", json!("4000000000"), "it never expires"),
        ("nbf", json!(3_900_000_000_u64), "from the future"),
        ("nbf", json!("x"), "its times cannot be read"),
        ("iat", json!(3_900_000_000_u64), "from the future"),
    ] {
        says(&with(name, value), 401, words);
    }
    for (name, value) in [
        ("repository", json!("evil/app")),
        ("repository", json!("organisation/app")),
        ("repository", json!(["org/app"])),
        ("repository", Value::Null),
        ("ref", json!("refs/heads/main2")),
        ("ref", json!("refs/pull/1/merge")),
    ] {
        says(&with(name, value), 403, "its claims are not those that this server asks for");
    }
    // A good signature over other words, and words without their signature.
    let good = issuer.sign(&json!({ "alg": "EdDSA", "kid": "ed" }), &claims);
    let other = issuer.sign(&json!({ "alg": "EdDSA", "kid": "ed" }), &json!({ "iss": issuer.server.base() }));
    let mixed = format!("{}.{}", other.rsplit_once('.').expect("parts").0, good.rsplit_once('.').expect("parts").1);
    says(&post(&team, &format!("Bearer {mixed}")), 401, "its signature does not hold");
    says(&post(&team, &format!("Bearer {good}.x")), 401, "the token does not count");
    // It may do what its entry says and no more.
    let put = client().put(team.world.url(&format!("/api/v1/locks/sha256:{}", "0".repeat(64)))).bearer_auth(&good);
    says(&ask(put.body("x")), 403, "this token lacks the scope `push`");
}

#[test]
fn invented_key_names_make_no_traffic() {
    let issuer = Issuer::new();
    let (team, _folder) = team_of(&issuer, "");
    let claims = issuer.claims();
    for number in 0..50 {
        let token = issuer.sign(&json!({ "alg": "EdDSA", "kid": format!("invented-{number}") }), &claims);
        says(&post(&team, &format!("Bearer {token}")), 401, "its issuer has no key of this name");
    }
    assert_eq!(issuer.server.requests().len(), 2, "the discovery document and the keys, once");
    let good = issuer.sign(&json!({ "alg": "EdDSA", "kid": "ed" }), &claims);
    assert_eq!(post(&team, &format!("Bearer {good}")).status, 200);
    assert_eq!(issuer.server.requests().len(), 2);
    // Somebody who is not this issuer makes no request at all.
    let mut foreign = claims;
    foreign["iss"] = json!("http://127.0.0.1:1");
    let token = issuer.sign(&json!({ "alg": "EdDSA", "kid": "invented" }), &foreign);
    assert_eq!(post(&team, &format!("Bearer {token}")).status, 401);
    assert_eq!(issuer.server.requests().len(), 2);
}

#[test]
fn keys_come_from_where_the_operator_said() {
    // The discovery document sends the server to another host, a redirect to another address, and a flood.
    let other = Issuer::new();
    let issuer = Issuer::new();
    *issuer.documents.elsewhere.lock().expect("no panic") = Some(format!("{}/keys", other.server.base()));
    let (team, _folder) = team_of(&issuer, "");
    let token = |issuer: &Issuer| issuer.sign(&json!({ "alg": "EdDSA", "kid": "ed" }), &issuer.claims());
    says(&post(&team, &format!("Bearer {}", token(&issuer))), 503, "the issuer of this identity does not answer");
    assert_eq!(other.server.requests().len(), 0);
    eventually("it says what to do", || team.world.server.errors().contains("name it as `jwks-uri`"));

    let moved = Issuer::new();
    *moved.documents.elsewhere.lock().expect("no panic") = Some(format!("{}/moved", moved.server.base()));
    let (team, _folder) = team_of(&moved, "");
    assert_eq!(post(&team, &format!("Bearer {}", token(&moved))).status, 503);
    assert_eq!(moved.server.count("/keys"), 0, "no redirect is followed");

    let flood = Issuer::new();
    flood.documents.keys.lock().expect("no panic")["more"] = json!("x".repeat(300 << 10));
    let (team, _folder) = team_of(&flood, "");
    assert_eq!(post(&team, &format!("Bearer {}", token(&flood))).status, 503);
    eventually("it says why", || team.world.server.errors().contains("more than 262144 bytes"));
}
