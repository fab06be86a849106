//! Files that hold secrets, and files that make a program start again.

/// Parts of paths that hold secrets, and whether next to nobody but their owner reads them.
///
/// Paths are compared in lower case with `/` between parts. A part that starts with `=` must be a whole component.
const SECRETS: &[(&str, bool)] = &[
    (".ssh/id_", true),
    ("=.ssh", true),
    ("=id_rsa", true),
    ("=id_ed25519", true),
    ("=id_ecdsa", true),
    (".aws/credentials", true),
    ("=.aws", false),
    ("=.npmrc", false),
    ("=.pypirc", true),
    ("=.netrc", false),
    ("=_netrc", false),
    ("=.git-credentials", true),
    (".docker/config.json", false),
    (".kube/config", false),
    ("gcloud/application_default_credentials.json", false),
    ("gcloud/credentials.db", true),
    ("gcloud/access_tokens.db", true),
    (".azure/accesstokens.json", true),
    (".azure/msal_token_cache", true),
    ("=.gnupg", true),
    ("=.env", false),
    ("=.env.local", false),
    ("=.env.production", false),
    ("=.bash_history", true),
    ("=.zsh_history", true),
    ("etc/shadow", true),
    ("etc/passwd", false),
    ("proc/self/environ", true),
    ("var/run/secrets", false),
    ("=.vault-token", true),
    (".config/gh/hosts.yml", true),
    (".terraform.d/credentials", true),
    (".cargo/credentials", true),
    (".config/hub", true),
    (".gem/credentials", true),
    (".composer/auth.json", true),
    (".m2/settings.xml", false),
    ("=wallet.dat", true),
    ("ethereum/keystore", true),
    (".electrum/wallets", true),
    ("exodus.wallet", true),
    (".config/solana/id.json", true),
    ("atomic/local storage", true),
    ("nkbihfbeogaeaoehlefnkodbefgpgknn", true),
    ("local extension settings", true),
    ("=login data", true),
    ("user data/default", false),
    ("user data/local state", true),
    ("=logins.json", true),
    ("=key4.db", true),
    ("=cookies.sqlite", true),
    ("library/keychains", true),
    ("login.keychain", true),
    ("=.claude.json", false),
    (".claude/.credentials.json", true),
    ("claude_desktop_config.json", false),
    (".cursor/mcp.json", false),
    ("=.mcp.json", false),
    ("windsurf/mcp_config.json", false),
    (".gemini/oauth_creds.json", true),
    (".codex/auth.json", true),
    ("discord/local storage/leveldb", true),
    ("telegram desktop/tdata", true),
];

/// Places from which programs are started without being asked.
const STARTUPS: &[(&str, StartupPlace)] = &[
    ("etc/cron", StartupPlace::System),
    ("var/spool/cron", StartupPlace::System),
    ("etc/systemd/system", StartupPlace::System),
    (".config/systemd/user", StartupPlace::System),
    ("etc/init.d", StartupPlace::System),
    ("etc/rc.local", StartupPlace::System),
    ("etc/profile.d", StartupPlace::System),
    ("etc/ld.so.preload", StartupPlace::System),
    ("library/launchagents", StartupPlace::System),
    ("library/launchdaemons", StartupPlace::System),
    (".config/autostart", StartupPlace::System),
    ("start menu/programs/startup", StartupPlace::System),
    ("currentversion/run", StartupPlace::System),
    ("=.ssh/authorized_keys", StartupPlace::System),
    ("=authorized_keys", StartupPlace::System),
    ("=.bashrc", StartupPlace::Shell),
    ("=.bash_profile", StartupPlace::Shell),
    ("=.zshrc", StartupPlace::Shell),
    ("=.zprofile", StartupPlace::Shell),
    ("=.zshenv", StartupPlace::Shell),
    ("=.profile", StartupPlace::Shell),
    ("config.fish", StartupPlace::Shell),
    (".git/hooks", StartupPlace::Hook),
    (".claude/settings.json", StartupPlace::Agent),
    (".claude/settings.local.json", StartupPlace::Agent),
    (".claude/hooks", StartupPlace::Agent),
    (".cursor/mcp.json", StartupPlace::Agent),
    (".cursor/hooks.json", StartupPlace::Agent),
    (".cursorrules", StartupPlace::Agent),
    ("claude_desktop_config.json", StartupPlace::Agent),
    (".claude.json", StartupPlace::Agent),
    ("windsurf/mcp_config.json", StartupPlace::Agent),
    (".vscode/mcp.json", StartupPlace::Agent),
    (".vscode/tasks.json", StartupPlace::Agent),
    (".gemini/settings.json", StartupPlace::Agent),
    (".codex/config.toml", StartupPlace::Agent),
    (".github/workflows", StartupPlace::Workflow),
    (".gitlab-ci.yml", StartupPlace::Workflow),
    (".circleci/config", StartupPlace::Workflow),
];

/// What starts a program again after it was written to a certain file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum StartupPlace {
    /// The operating system: timers, services, autostart, keys that may log in.
    System,
    /// A shell.
    Shell,
    /// A hook of git.
    Hook,
    /// An agent or editor. Servers that install themselves write here as well.
    Agent,
    /// Continuous integration: the file spreads with its repository.
    Workflow,
}

/// The places of secrets that a string names, as they are called in the table, sorted.
pub fn secret_places(text: &str) -> Vec<&'static str> {
    if text.len() > 4096 || text.len() < 4 {
        return Vec::new();
    }
    let path = plain(text);
    let mut found: Vec<&'static str> = SECRETS
        .iter()
        .filter(|(place, _)| holds(&path, place))
        .map(|(place, _)| place.trim_start_matches('='))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether next to nobody but its owner has reason to read this place, as [`secret_places`] calls it.
pub fn is_grave(place: &str) -> bool {
    SECRETS.iter().any(|(known, grave)| *grave && known.trim_start_matches('=') == place)
}

/// The place from which programs are started, if a string names one.
pub fn startup_place(text: &str) -> Option<StartupPlace> {
    if text.len() > 4096 || text.len() < 4 {
        return None;
    }
    let path = plain(text);
    STARTUPS.iter().find(|(place, _)| holds(&path, place)).map(|(_, kind)| *kind)
}

fn plain(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => {
                if !path.ends_with('/') {
                    path.push('/');
                }
            }
            '/' if path.ends_with('/') => {}
            c => path.extend(c.to_lowercase()),
        }
    }
    path
}

/// Whether a path has a place as whole components, or (without `=`) from the start of a component on.
fn holds(path: &str, place: &str) -> bool {
    let (place, whole) = match place.strip_prefix('=') {
        Some(place) => (place, true),
        None => (place, false),
    };
    let cut = |c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    path.match_indices(place).any(|(at, _)| {
        let starts = path[..at].chars().next_back().is_none_or(cut);
        let ends = !whole || path[at + place.len()..].chars().next().is_none_or(cut);
        starts && ends
    })
}
