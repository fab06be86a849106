//! Which arguments of an entry may stand in mcp.toml, which is committed and means the same on every machine.

/// Why arguments stay in the client's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unportable {
    /// One looks like a secret.
    Secret,
    /// One holds a variable that only the client replaces, such as `${workspaceFolder}`.
    Variable,
}

impl Unportable {
    /// In words; fits after "its arguments stay in the configuration: ".
    pub fn why(self) -> &'static str {
        match self {
            Self::Secret => "one looks like a secret",
            Self::Variable => "one holds a variable that the client replaces",
        }
    }
}

/// Names of options whose value is a secret, as a part of the option's name.
const SECRET_NAMES: &[&str] =
    &["key", "token", "secret", "password", "passwd", "auth", "credential", "bearer", "cookie", "header", "dsn"];

/// Why these arguments may not stand in mcp.toml; `None` if they may. Too careful is right here: what stays in the client's
/// configuration still reaches the server.
pub fn unportable(args: &[String]) -> Option<Unportable> {
    let mut secret_follows = false;
    for arg in args {
        if secret_follows || looks_secret(arg) {
            return Some(Unportable::Secret);
        }
        secret_follows = arg.starts_with('-') && !arg.contains('=') && names_secret(arg)
            // `-H 'Authorization: …'` of programs that take headers.
            || arg == "-H";
    }
    let replaced = |arg: &String| arg.contains("${") || arg.contains("{env:") || arg.contains("{file:");
    args.iter().any(replaced).then_some(Unportable::Variable)
}

fn names_secret(option: &str) -> bool {
    let option = option.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|name| option.contains(name))
}

fn looks_secret(arg: &str) -> bool {
    if let Some((name, value)) = arg.split_once('=')
        && names_secret(name)
        && !value.is_empty()
    {
        return true;
    }
    if let Some((_, rest)) = arg.split_once("://") {
        // Credentials, and queries, which are where tokens go.
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') || rest.contains('?') {
            return true;
        }
    }
    if ["sk-", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xox", "AKIA", "AIza", "eyJ", "npm_", "pypi-"]
        .iter()
        .any(|prefix| arg.contains(prefix) && arg.len() > prefix.len() + 8)
        || arg.to_ascii_lowercase().contains("authorization:")
    {
        return true;
    }
    arg.split(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c))).any(is_random)
}

/// Long, with digits and letters mixed as no word mixes them.
fn is_random(word: &str) -> bool {
    let switch = |pair: &&[u8]| {
        pair.iter().all(u8::is_ascii_alphanumeric) && pair[0].is_ascii_digit() != pair[1].is_ascii_digit()
    };
    let switches = word.as_bytes().windows(2).filter(switch).count();
    let cases = word.bytes().any(|b| b.is_ascii_uppercase()) && word.bytes().any(|b| b.is_ascii_lowercase());
    word.len() >= 20 && (switches >= 5 || switches >= 3 && cases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_seen() {
        for args in [
            &["--api-key", "abc"][..],
            &["--token=abc"],
            &["-x", "--password", "abc"],
            &["postgresql://bob:s3cret@h.invalid/db"],
            &["https://h.invalid/mcp?key=abc"],
            &["https://h.invalid/s/N2E4ZjM1ODktM2Y4Mi00Y2Zk/mcp"],
            &["sk-abcdefghijklmnop"],
            &["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"],
            &["--header", "Authorization: Bearer x"],
            &["-H", "X-Key: v"],
            &["a", "OPENAI_API_KEY=abc"],
        ] {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            assert_eq!(unportable(&args), Some(Unportable::Secret), "{args:?}");
        }
    }

    #[test]
    fn ordinary_arguments_are_not() {
        for args in [
            &["."][..],
            &["/srv/data", "/home/me/My Documents"],
            &["--root", "/srv", "--read-only", "--port=8080"],
            &["https://docs.example.test/guide"],
            &["--allow", "mcp-server-2026-11-23"],
            &["C:\\Users\\me\\Documents\\a-very-long-folder-name"],
            &["--stdio", "--log-level", "debug"],
        ] {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            assert_eq!(unportable(&args), None, "{args:?}");
        }
        let args = ["${workspaceFolder}/x".to_owned()];
        assert_eq!(unportable(&args), Some(Unportable::Variable));
    }
}
