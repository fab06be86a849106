//! Credential requests: a parameter asks the model for a password, a key or a code.
use mcpsec_model::{
    finding::{Confidence, Rule, Severity},
    manifest::Role,
};

use super::{
    Alarm,
    context::{self, Context},
    reading::Reading,
};

/// Names of secrets, as words.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "api key",
    "apikey",
    "secret key",
    "client secret",
    "access token",
    "auth token",
    "bearer token",
    "refresh token",
    "private key",
    "ssh key",
    "seed phrase",
    "mnemonic",
    "recovery phrase",
    "credit card",
    "card number",
    "cvv",
    "ssn",
    "social security",
    "otp",
    "pin code",
    "session cookie",
    "credentials",
    "access key",
    "secret access key",
    "github token",
    "aws secret",
];
/// Names of secrets that nobody types into a tool.
const GRAVE: &[&str] = &["seed phrase", "mnemonic", "recovery phrase", "cvv", "social security", "ssn"];

/// Judges the name of a parameter.
pub(super) fn check(reading: &Reading, role: Role, topic: &Context) -> Option<Alarm> {
    if role != Role::Parameter || reading.text().len() > 200 {
        return None;
    }
    let words = format!(" {} ", context::spaced(reading.text()));
    let asks = |names: &[&str]| names.iter().any(|name| words.contains(&format!(" {name} ")));
    if !asks(NAMES) {
        return None;
    }
    let confidence = if asks(GRAVE) { Confidence::High } else { Confidence::Low };
    // Whoever imports a wallet needs its words; nobody else does.
    let unfit = asks(&GRAVE[..3])
        && !topic.is_about(&[
            "import", "restore", "recover", "create", "wallet", "verif", "ssn", "tax", "pay", "card", "identity",
            "kyc", "mnemonic",
        ]);
    let severity = if unfit { Severity::High } else { Severity::Medium };
    Some(Alarm::new(
        Rule::CredentialRequest,
        severity,
        confidence,
        (0, reading.text().len()),
        "a parameter asks for credentials",
    ))
}
