//! Environment variables: which of them are secrets, and whose.
use super::super::facts::{Name, NameKind};

/// The name of an environment variable as a [`Name`].
pub fn variable(name: &str) -> Name {
    let kind = if is_secret_variable(name) { NameKind::SecretVariable } else { NameKind::Variable };
    Name { kind, text: name.chars().take(128).collect() }
}

/// Whether a variable with this name holds a secret: a token, key, password or the like.
pub fn is_secret_variable(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let words: Vec<&str> = upper.split(['_', '-', '.']).filter(|word| !word.is_empty()).collect();
    let has = |word: &str| words.contains(&word);
    let last = words.last().copied().unwrap_or_default();
    let counted = has("MAX") || has("LIMIT") || has("COUNT") || has("BUDGET");
    let public = has("PUBLIC") && !has("SECRET");
    let single = [
        "SECRET",
        "SECRETS",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "PWD",
        "APIKEY",
        "CREDENTIAL",
        "CREDENTIALS",
        "PAT",
        "MNEMONIC",
        "SECRETKEY",
        "ACCESSKEY",
        "PRIVATEKEY",
        "AUTHTOKEN",
        "BEARER",
    ];
    if counted || public || matches!(upper.as_str(), "PWD" | "OLDPWD" | "INIT_CWD") {
        return false;
    }
    single.iter().any(|word| has(word))
        || matches!(last, "TOKEN" | "TOKENS" | "KEY" | "KEYS" | "DSN" | "COOKIE")
        || has("TOKEN") && !has("URL") && !has("TOKENIZER")
        || has("KEY") && (has("API") || has("ACCESS") || has("PRIVATE") || has("SIGNING") || has("ENCRYPTION"))
        || has("CONNECTION") && has("STRING")
}

/// Whose secret a variable is, if it is one that thieves collect: the service's name.
pub fn family(name: &str) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    let families: &[(&str, &str)] = &[
        ("AWS_SECRET_ACCESS_KEY", "aws"),
        ("AWS_SESSION_TOKEN", "aws"),
        ("AWS_ACCESS_KEY_ID", "aws"),
        ("NPM_TOKEN", "npm"),
        ("NODE_AUTH_TOKEN", "npm"),
        ("NPM_CONFIG_TOKEN", "npm"),
        ("GITHUB_TOKEN", "github"),
        ("GH_TOKEN", "github"),
        ("GITHUB_PAT", "github"),
        ("GITLAB_TOKEN", "gitlab"),
        ("CI_JOB_TOKEN", "gitlab"),
        ("PYPI_TOKEN", "pypi"),
        ("TWINE_PASSWORD", "pypi"),
        ("AZURE_CLIENT_SECRET", "azure"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "google"),
        ("GCP_CREDENTIALS", "google"),
        ("OPENAI_API_KEY", "openai"),
        ("ANTHROPIC_API_KEY", "anthropic"),
        ("SLACK_TOKEN", "slack"),
        ("SLACK_BOT_TOKEN", "slack"),
        ("STRIPE_SECRET_KEY", "stripe"),
        ("DATABASE_URL", "database"),
        ("VAULT_TOKEN", "vault"),
        ("KUBECONFIG", "kubernetes"),
        ("DOCKER_PASSWORD", "docker"),
    ];
    families.iter().find(|(variable, _)| upper == *variable).map(|(_, family)| *family)
}
