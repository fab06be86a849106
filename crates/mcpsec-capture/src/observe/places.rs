//! Which paths are worth telling: not those of the program and its runtime, but other homes, keys, and what it would change.
use std::{os::unix::ffi::OsStrExt, path::PathBuf};

/// What any program opens: libraries, certificates, the clock's zone, names of services, the kernel's figures about itself.
const ORDINARY: &[&str] = &[
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/bin",
    "/sbin",
    "/opt",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/crypto-policies",
    "/etc/gnutls",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/passwd",
    "/etc/group",
    "/etc/protocols",
    "/etc/services",
    "/etc/locale.alias",
    "/etc/locale.conf",
    "/etc/mime.types",
    "/etc/apache2/mime.types",
    "/etc/os-release",
    "/etc/lsb-release",
    "/etc/debian_version",
    "/etc/alternatives",
    "/etc/inputrc",
    "/etc/terminfo",
    "/etc/python3",
    "/etc/python3.11",
    "/etc/python3.12",
    "/etc/python3.13",
    "/proc/self",
    "/proc/thread-self",
    "/proc/meminfo",
    "/proc/cpuinfo",
    "/proc/stat",
    "/proc/loadavg",
    "/proc/uptime",
    "/proc/version",
    "/proc/version_signature",
    "/proc/filesystems",
    "/proc/mounts",
    "/proc/cgroups",
    "/proc/sys",
    "/proc/net",
    "/sys/fs/cgroup",
    "/sys/devices/system",
    "/sys/kernel/mm/transparent_hugepage",
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/run/nscd",
    "/run/systemd/resolve",
    "/run/systemd/userdb",
    "/var/lib/sss/pipes",
    "/var/run/nscd",
    "/dev/shm",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/stderr",
    "/dev/fd",
];

/// Within a home: what holds keys, tokens, passwords and the settings of agents.
const SENSITIVE: &[&str] = &[
    ".ssh",
    ".aws",
    ".azure",
    ".gnupg",
    ".kube",
    ".docker",
    ".netrc",
    "_netrc",
    ".git-credentials",
    ".gitconfig",
    ".pgpass",
    ".my.cnf",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pypirc",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".m2/settings.xml",
    ".env",
    ".envrc",
    ".vault-token",
    ".terraform.d",
    ".terraformrc",
    ".config/gh",
    ".config/gcloud",
    ".config/hub",
    ".config/op",
    ".config/git/credentials",
    ".config/rclone",
    ".config/sops",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    ".config/Code",
    ".config/Cursor",
    ".config/Claude",
    ".config/claude",
    ".config/solana",
    ".config/discord",
    ".config/Slack",
    ".mozilla",
    ".thunderbird",
    ".local/share/keyrings",
    ".password-store",
    ".bitcoin",
    ".ethereum",
    ".electrum",
    ".monero",
    ".cursor",
    ".claude",
    ".claude.json",
    ".codeium",
    ".continue",
    ".gemini",
    ".codex",
    ".vscode",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".node_repl_history",
    ".bashrc",
    ".bash_profile",
    ".profile",
    ".zshrc",
    ".config/autostart",
    ".config/systemd",
];

/// Decides what is told of a path.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    home: Vec<u8>,
    own: Vec<Vec<u8>>,
}

impl Places {
    /// `home` is the scratch home, `own` what the program was given.
    pub(super) fn new(home: &std::path::Path, own: &[PathBuf]) -> Self {
        let bytes = |path: &std::path::Path| {
            let raw = path.as_os_str().as_bytes();
            raw.strip_suffix(b"/").unwrap_or(raw).to_vec()
        };
        Self { home: bytes(home), own: own.iter().map(|path| bytes(path)).filter(|path| !path.is_empty()).collect() }
    }

    /// How a path is told; `None` when it is nobody's business. `changes`: the call would change the file.
    pub(super) fn told(&self, path: &[u8], changes: bool) -> Option<Vec<u8>> {
        if let Some(inner) = below(path, &self.home).filter(|_| !self.home.is_empty()) {
            let inner = inner.strip_prefix(b"/").unwrap_or(inner);
            let sensitive = SENSITIVE.iter().any(|name| below(inner, name.as_bytes()).is_some());
            return sensitive.then(|| [b"~/", inner].concat());
        }
        let ordinary = path == b"/" || (!changes && ORDINARY.iter().any(|name| below(path, name.as_bytes()).is_some()));
        let harmless = changes && (path.starts_with(b"/dev/") || path.starts_with(b"/proc/self/"));
        let scratch = [&b"/tmp"[..], b"/var/tmp", b"/dev/shm"].iter().any(|folder| below(path, folder).is_some());
        let own = self.own.iter().any(|folder| below(path, folder).is_some());
        (!(ordinary || harmless || scratch || own)).then(|| path.to_vec())
    }
}

/// What follows `folder` in `path`, if it lies there (or is it).
fn below<'a>(path: &'a [u8], folder: &[u8]) -> Option<&'a [u8]> {
    path.strip_prefix(folder).filter(|rest| rest.is_empty() || rest.first() == Some(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_matters_is_told() {
        let places = Places::new("/home/user/".as_ref(), &["/srv/server".into(), "/".into()]);
        let told =
            |path: &str, changes| places.told(path.as_bytes(), changes).map(|told| String::from_utf8(told).unwrap());
        for quiet in [
            "/usr/lib/x.so",
            "/proc/self/environ",
            "/tmp/x",
            "/srv/server/a.js",
            "/home/user/.cache/x",
            "/",
            "/dev/null",
        ] {
            assert_eq!(told(quiet, false), None, "{quiet}");
        }
        assert_eq!(told("/home/user/.ssh/id_ed25519", false).as_deref(), Some("~/.ssh/id_ed25519"));
        assert_eq!(told("/home/user/.sshx", false), None);
        for loud in [
            "/etc/shadow",
            "/root/.ssh/id_rsa",
            "/home/other/.env",
            "/home/user2/x",
            "/proc/1/environ",
            "/usrx",
            "/srv/server2",
        ] {
            assert_eq!(told(loud, false).as_deref(), Some(loud));
        }
        assert_eq!(told("/usr/bin/node", true).as_deref(), Some("/usr/bin/node"));
        assert_eq!(told("/tmp/x", true), None);
        assert_eq!(told("/dev/null", true), None);
    }
}
