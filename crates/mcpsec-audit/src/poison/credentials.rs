//! Credential requests: a parameter asks the model for a password, a key or a code.
use mcpsec_model::{
    finding::{Confidence, Rule, Severity},
    manifest::Role,
};

use super::{
    Alarm,
    context::{self, Context},
    reading::Reading,
    sense::Sense,
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

/// Names of what a person has to prove who they are or to pay with.
const PERSONAL: &[&str] = &[
    "card number",
    "cvv",
    "cvc",
    "pin",
    "otp",
    "ssn",
    "password",
    "one time code",
    "tan",
    "credit card",
    "mail login",
    "bank login",
    "security answer",
    "passport number",
    "seed phrase",
    "recovery code",
];
/// Tools that log in, pay or fill in forms by their name.
const HANDLERS: &[&str] = &[
    "login",
    "log in",
    "sign",
    "auth",
    "pay",
    "card",
    "bank",
    "account",
    "connect",
    "user",
    "register",
    "checkout",
    "purchase",
    "order",
    "book",
    "form",
    "fill",
    "vault",
    "password",
    "otp",
    "verif",
    "configure",
    "setup",
    "wallet",
    "session",
    "credential",
    "customer",
    "charge",
    "billing",
    "subscri",
    "unlock",
    "token",
];

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
    // Several secrets at once, in a tool that logs nobody in and charges nobody.
    let several = topic
        .parameters
        .iter()
        .filter(|name| {
            let words = format!(" {} ", context::spaced(name));
            PERSONAL.iter().any(|name| words.contains(&format!(" {name} ")))
        })
        .count()
        >= 2
        && !topic.is_about(HANDLERS)
        && topic.strange(Sense::Money)
        && topic.strange(Sense::Credential);
    let severity = if unfit || several { Severity::High } else { Severity::Medium };
    Some(Alarm::new(
        Rule::CredentialRequest,
        severity,
        confidence,
        (0, reading.text().len()),
        "a parameter asks for credentials",
    ))
}
