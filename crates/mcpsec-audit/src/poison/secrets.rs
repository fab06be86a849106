//! Secret access: a text sends the model to key files, stores of secrets or its own instructions.
use mcpsec_model::{
    finding::{Confidence, Rule, Severity},
    manifest::Role,
};

use super::{
    Alarm,
    context::Context,
    exfiltration::names_parameter,
    reading::{Reading, Sentence},
    sense::Sense,
};

/// Entries that have to do with secrets by their name.
pub(super) const TOPICS: &[&str] = &[
    "ssh",
    "key",
    "secret",
    "vault",
    "credential",
    "password",
    "env",
    "config",
    "wallet",
    "token",
    "auth",
    "cookie",
    "kube",
    "docker",
    "keychain",
    "dotenv",
    "passwd",
    "login",
    "account",
    "setup",
    "connect",
    "sign",
    "cert",
    "gpg",
    "audit",
    "scan",
    "leak",
    "sftp",
    "scp",
    "rsync",
    "encrypt",
    "decrypt",
    "vpn",
    "gpg",
    "cluster",
    "s3",
    "gcloud",
    "azure",
    "terraform",
    "postgres",
    "mysql",
    "dotfile",
    "rotate",
    "identity",
    "publish",
];

/// Words for places of secrets that are spoken of innocently.
const SOFT: &[&str] = &[
    "environment variables",
    "env variables",
    "env vars",
    "shell environment",
    "process environment",
    ".env",
    "dotenv",
    ".npmrc",
    "kubeconfig",
    ".kube/config",
    ".gitconfig",
    "known_hosts",
    ".profile",
    ".bashrc",
    ".zshrc",
    "mcp configuration",
    "mcp config",
    "mcp settings",
    "client configuration",
    "1password",
    "bitwarden",
    "lastpass",
    "secrets manager",
    "password manager",
    "aws credentials",
    "cloud credentials",
    "deploy key",
    "deploy keys",
    "ssh key",
    "ssh keys",
];

/// Files that hold nothing but keys and passwords.
const KEY_FILES: &[&str] = &[
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
    "secring",
    "wallet.dat",
    "logins.json",
    "key4.db",
    "/etc/shadow",
    "login.keychain",
    "keychain-db",
    "cookies.sqlite",
    ".git-credentials",
    ".vault-token",
    ".kdbx",
];

/// Looks for it, sentence by sentence.
pub(super) fn check(reading: &Reading, role: Role, context: &Context, alarms: &mut Vec<Alarm>) {
    for (index, sentence) in reading.sentences.iter().enumerate() {
        let found = file(reading, index, sentence, role, context).or_else(|| asked(reading, index, sentence, context));
        if let Some((severity, confidence, message)) = found {
            alarms.push(Alarm::new(Rule::SecretAccess, severity, confidence, (sentence.start, sentence.end), message));
        }
    }
}

/// A key file or store of secrets.
fn file(
    reading: &Reading,
    index: usize,
    sentence: &Sentence,
    role: Role,
    context: &Context,
) -> Option<(Severity, Confidence, &'static str)> {
    reading.affirmed(sentence, Sense::Secret)?;
    let around = reading.around(index, 1, 1);
    let senses = sentence.senses;
    let words = reading.words(sentence);
    if reading.protects(sentence)
        && !senses.any(&[Sense::Hush, Sense::Covert])
        && !reading.around(index, 1, 1).any(&[Sense::Hush, Sense::Covert, Sense::Authority, Sense::Threat])
    {
        return None;
    }
    if matches!(role, Role::Default | Role::Enum | Role::Example) {
        let words_too = words.split(' ').count() >= 4;
        if context.strange(Sense::Secret)
            && senses.any(&[Sense::Acquire, Sense::Transfer, Sense::Run])
            && (words_too || words.contains("$("))
        {
            return Some((Severity::High, Confidence::Medium, "a value tells the model to use a place of secrets"));
        }
        let severity = if context.is_about(TOPICS) { Severity::Low } else { Severity::Medium };
        return Some((severity, Confidence::Low, "a value names a place of secrets"));
    }
    let taken = reading.affirmed(sentence, Sense::Acquire);
    let given = reading.affirmed(sentence, Sense::Transfer);
    let acts = taken.is_some() || given.is_some() || senses.has(Sense::Run);
    let addressed = reading.orders(sentence) || reading.orders_before(index);
    let hidden =
        around.any(&[Sense::Hush, Sense::Covert, Sense::Feign, Sense::Authority, Sense::Override, Sense::Takeover]);
    let setup = configures(words) || senses.has(Sense::Defence) && !hidden;
    let contents = [
        "content",
        "inhalt",
        "contenu",
        "contenido",
        "conteudo",
        "contenut",
        "inhoud",
        "zawartos",
        "содержим",
        "内容",
        "中身",
        "내용",
        "text of",
        "value of",
        "values of",
        "output of",
        "base64 of",
        "dump of",
        "copy of",
    ]
    .iter()
    .any(|word| words.contains(&super::fold::folded(word)));
    // `Place it in ~/.aws/credentials`: something goes there, nothing comes from there.
    let written = taken.is_none()
        && !hidden
        && !contents
        && given.is_some_and(|given| {
            reading.affirmed(sentence, Sense::Secret).is_some_and(|place| {
                reading.text().get(given.end..place.start).is_some_and(|between| {
                    [" in ", " into ", " to "].iter().any(|word| between.trim_end_matches(['~', '/']).ends_with(word))
                })
            })
        });
    if written && !senses.any(&[Sense::Slot, Sense::Trigger, Sense::Danger]) && sentence.address.is_none() {
        return Some((Severity::Medium, Confidence::Medium, "it tells the model to write to a place of secrets"));
    }
    if acts && addressed && (contents || !setup) {
        let strong =
            senses.any(&[Sense::Trigger, Sense::Model]) || contents || taken.is_some() && given.is_some() || hidden;
        let severity = if strong || !context.is_about(TOPICS) { Severity::High } else { Severity::Medium };
        let severity = if context.is_about(TOPICS) && !hidden && given.is_none() {
            severity.min(Severity::Medium)
        } else {
            severity
        };
        return Some((severity, Confidence::High, "it tells the model to use a place of secrets"));
    }
    if contents && !setup && !matches!(role, Role::Other) {
        let severity = if context.is_about(TOPICS) { Severity::Medium } else { Severity::High };
        return Some((severity, Confidence::Medium, "it asks for the contents of a place of secrets"));
    }
    if acts && hidden {
        return Some((
            Severity::High,
            Confidence::Medium,
            "it names a place of secrets beside words that hide something",
        ));
    }
    if context.strange(Sense::Secret)
        && !setup
        && (!sentence.first || role != Role::Description || senses.any(&[Sense::Order, Sense::Trigger]))
    {
        let named = reading
            .of(sentence, Sense::Secret)
            .any(|hit| hit.language != "en" || !SOFT.contains(&&reading.text()[hit.start..hit.end]));
        let carried = acts
            || senses.any(&[Sense::Slot, Sense::Data, Sense::Trigger, Sense::Order, Sense::Every])
            || names_parameter(words, context).is_some();
        let firm = hidden
            || reading.foreign(sentence) && (acts || senses.any(&[Sense::Slot, Sense::Data]))
            || KEY_FILES.iter().any(|file| words.contains(file))
            || acts && reading.affirmed(sentence, Sense::Secret).is_some() && !words.is_ascii()
            || acts && senses.any(&[Sense::Trigger, Sense::Order, Sense::Every, Sense::Slot])
            || context.parameter && (acts || senses.any(&[Sense::Every, Sense::Data]))
            || names_parameter(words, context).is_some();
        let severity =
            if named && carried && firm && !context.is_about(TOPICS) { Severity::High } else { Severity::Medium };
        return Some((severity, Confidence::Medium, "it speaks of a place of secrets that is none of its business"));
    }
    None
}

/// Passwords and the like are to be looked for and passed on.
fn asked(
    reading: &Reading,
    index: usize,
    sentence: &Sentence,
    context: &Context,
) -> Option<(Severity, Confidence, &'static str)> {
    reading.affirmed(sentence, Sense::Credential)?;
    let senses = sentence.senses;
    reading.affirmed(sentence, Sense::Acquire)?;
    if !reading.orders(sentence) || configures(reading.words(sentence)) && !senses.has(Sense::Secret) {
        return None;
    }
    let around = reading.around(index, 1, 1);
    let hidden = around.any(&[Sense::Hush, Sense::Covert, Sense::Authority, Sense::Override]);
    let passed = reading.affirmed(sentence, Sense::Transfer).is_some()
        && senses.any(&[Sense::Reply, Sense::Slot, Sense::Channel]);
    let severity = match (hidden, passed && (senses.has(Sense::Every) || sentence.address.is_some())) {
        (true, _) => Severity::High,
        (_, true) if !context.is_about(TOPICS) => Severity::High,
        _ if passed => Severity::Medium,
        _ => Severity::Low,
    };
    Some((severity, Confidence::Medium, "it tells the model to look for passwords or keys"))
}

/// How a person sets a server up: not for the model to act on.
pub(super) fn configures(words: &str) -> bool {
    [
        "set the ",
        "set via",
        "is set",
        "are set",
        "must be set",
        "configure",
        "authenticat",
        "is read from",
        "are read from",
        "requires the",
        "must contain",
        "starting with",
        "must start",
        "in pem format",
        "required to authenticate",
        "api key for",
        "environment variable",
        "defaults to",
        "default:",
        "path to",
        "e.g.",
        "such as",
        "for example",
    ]
    .iter()
    .any(|phrase| words.contains(phrase))
        && ![
            "all environment",
            "send",
            "pass ",
            "include",
            "contents",
            "attach",
            "upload",
            "forward",
            "append",
            "printenv",
            "dump",
        ]
        .iter()
        .any(|phrase| words.contains(phrase))
}
