//! What a command line or script orders when it is run.
use super::super::facts::SignKind;

/// Something that a command line does and that is seldom innocent when a program runs it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Order {
    /// What it is a sign of.
    pub kind: SignKind,
    /// The words that show it.
    pub shown: &'static str,
    /// Whether it may well be innocent even when it is run.
    pub weak: bool,
}

/// What a text orders, if a shell or interpreter were to run it. Text that is only printed orders nothing: the caller knows.
pub fn orders(text: &str) -> Vec<Order> {
    let text = super::head(text);
    let plain = text.to_ascii_lowercase();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let has = |words: &str| plain.contains(words);
    let mut found = Vec::new();
    let mut add = |kind, shown, weak| found.push(Order { kind, shown, weak });

    let fetches = command(&plain, "curl")
        || command(&plain, "wget")
        || has("invoke-webrequest")
        || has("iwr ")
        || has("downloadstring");
    if fetches && SHELLS.iter().any(|shell| pipes_into(&plain, shell)) {
        add(SignKind::RemoteCode, "a download is piped into a shell", false);
    } else if (has("downloadstring") || has("invoke-webrequest") || has("iwr "))
        && (has("iex") || has("invoke-expression"))
    {
        add(SignKind::RemoteCode, "a download is run by the shell", false);
    } else if fetches && (has("chmod +x") || has("chmod 755") || has("chmod 777")) {
        add(SignKind::RemoteCode, "a download is made executable", false);
    } else if fetches && (has("$(curl") || has("`curl") || has("<(curl") || has("$(wget")) {
        add(SignKind::RemoteCode, "a download is run by the shell", false);
    }
    if has("base64 -d") && SHELLS.iter().any(|shell| pipes_into(&plain, shell)) || has("powershell") && has(" -enc") {
        add(SignKind::Obfuscated, "encoded text is run by a shell", false);
    }
    if has("/dev/tcp/") || command(&plain, "nc") && has(" -e ") || has("bash -i >&") {
        add(SignKind::RemoteCode, "a shell is handed to the network", false);
    }
    if [
        "npm publish",
        "yarn publish",
        "pnpm publish",
        "yarn npm publish",
        "twine upload",
        "bun publish",
        "cargo publish",
    ]
    .iter()
    .any(|words| command(&plain, words))
    {
        add(SignKind::Spreading, "publishes packages", false);
    }
    if command(&plain, "npm token") || command(&plain, "npm config get //") {
        add(SignKind::Spreading, "asks for the tokens of the registry", false);
    }
    if command(&plain, "trufflehog") || command(&plain, "gitleaks") {
        add(SignKind::Spreading, "looks for secrets with a scanner", false);
    }
    if command(&plain, "git push") {
        add(SignKind::Spreading, "pushes to repositories", true);
    }
    if command(&plain, "crontab") && !has("crontab -l") || has("crontab -") && has("| crontab") {
        add(SignKind::Persistence, "writes the crontab", false);
    }
    if command(&plain, "systemctl enable")
        || command(&plain, "systemctl --user enable")
        || command(&plain, "launchctl load")
    {
        add(SignKind::Persistence, "starts a service", false);
    }
    if command(&plain, "schtasks") && has("/create") || has("currentversion\\run") && has("reg add") {
        add(SignKind::Persistence, "starts with the system", false);
    }
    if has(">>") && ["/.bashrc", "/.zshrc", "/.profile", "/.bash_profile"].iter().any(|file| has(file)) {
        add(SignKind::Persistence, "writes to a shell profile", false);
    }
    if has("core.hookspath") {
        add(SignKind::Persistence, "sets hooks of git", true);
    }
    if has("gh auth token")
        || has("security find-generic-password")
        || has("secret-tool lookup")
        || has("gcloud auth print-access-token")
    {
        add(SignKind::Theft, "asks other programs for secrets", true);
    }
    found.sort_unstable();
    found.dedup();
    found
}

const SHELLS: &[&str] = &["sh", "bash", "zsh", "node", "python", "python3", "perl", "ruby", "iex", "sudo", "dash"];

/// Whether a text pipes into a program.
fn pipes_into(plain: &str, program: &str) -> bool {
    plain.match_indices('|').any(|(at, _)| {
        let rest = plain[at + 1..].trim_start().trim_start_matches("/bin/").trim_start_matches("/usr/bin/");
        rest.strip_prefix(program).is_some_and(|rest| {
            rest.chars().next().is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.' | '='))
        })
    })
}

/// Whether a text calls a program: the words stand where a command stands.
fn command(plain: &str, words: &str) -> bool {
    plain.match_indices(words).any(|(at, _)| {
        let before = plain[..at].trim_end();
        let starts = before.is_empty()
            || before.ends_with([';', '|', '&', '(', '`', '\n', '"', '\'', '{'])
            || ["sudo", "npx", "exec", "then", "do", "env", "-c", "nohup", "bash", "sh"]
                .iter()
                .any(|word| before.strip_suffix(word).is_some_and(|front| front.is_empty() || front.ends_with(' ')));
        let ends = plain[at + words.len()..]
            .chars()
            .next()
            .is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.'));
        starts && ends
    })
}
