//! macOS: the profile for `sandbox-exec`, in the language that Apple's own profiles are written in. Best effort: files and the
//! network are held, memory and processes are not, and nothing is observed.
use std::path::{Path, PathBuf};

/// What programs need to start: libraries, frameworks, the clock's zone, certificates.
const SYSTEM: &[&str] = &[
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/libexec",
    "/usr/share",
    "/System/Library",
    "/System/Volumes/Preboot/Cryptexes",
    "/Library/Apple/System/Library",
    "/Library/Frameworks",
    "/private/etc/ssl",
    "/private/var/db/timezone",
    "/private/var/db/dyld",
    "/dev/random",
    "/dev/urandom",
    "/dev/null",
    "/dev/zero",
];

/// System services without which the C library and the runtimes do not start. None of them reaches the network or a
/// keychain.
const SERVICES: &[&str] = &[
    "com.apple.system.notification_center",
    "com.apple.system.opendirectoryd.libinfo",
    "com.apple.system.logger",
    "com.apple.logd",
];

/// The profile: everything is denied but what is said here. `None` if a path is no text, or relative.
#[cfg_attr(
    not(any(target_os = "macos", test)),
    expect(dead_code, reason = "used on macOS; its text is tested everywhere")
)]
pub(super) fn profile(read: &[PathBuf], write: &[PathBuf]) -> Option<String> {
    let mut text = String::from("(version 1)\n(deny default)\n");
    text.push_str("(allow process-fork)\n(allow signal (target same-sandbox))\n(allow sysctl-read)\n");
    text.push_str("(allow file-read-metadata)\n(allow file-read* (literal \"/\"))\n");
    for service in SERVICES {
        text += &format!("(allow mach-lookup (global-name {}))\n", quoted(service)?);
    }
    for path in SYSTEM.iter().map(Path::new).chain(read.iter().map(PathBuf::as_path)) {
        text += &format!("(allow file-read* file-map-executable process-exec (subpath {}))\n", path_text(path)?);
    }
    for path in write {
        let path = path_text(path)?;
        text += &format!("(allow file-read* file-write* file-map-executable process-exec (subpath {path}))\n");
    }
    text.push_str("(allow file-write-data (literal \"/dev/null\") (literal \"/dev/zero\"))\n");
    // Said again although it is the default: whatever a later line of a system profile allows, this is denied.
    text.push_str("(deny network*)\n(deny file-write-setugid)\n");
    Some(text)
}

fn path_text(path: &Path) -> Option<String> {
    path.is_absolute().then(|| quoted(path.to_str()?)).flatten()
}

/// A string of the profile's language. Characters that would need other escapes than these are refused.
fn quoted(text: &str) -> Option<String> {
    if text.chars().any(char::is_control) {
        return None;
    }
    Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_allowed() {
        let profile = profile(&["/opt/tool".into()], &["/private/tmp/home".into()]).expect("a profile");
        assert!(profile.starts_with("(version 1)\n(deny default)\n"));
        let allowing: Vec<&str> = profile.lines().filter(|line| line.contains("file-write*")).collect();
        assert_eq!(allowing.len(), 1);
        assert!(allowing[0].ends_with("(subpath \"/private/tmp/home\"))"));
        assert!(profile.contains("(subpath \"/opt/tool\"))"));
        assert!(profile.ends_with("(deny network*)\n(deny file-write-setugid)\n"));
        assert!(!profile.contains("allow network") && !profile.contains("allow default"));
    }

    #[test]
    fn paths_cannot_break_out_of_their_string() {
        let hostile = profile(&["/a\") (allow default) (\"".into()], &[]).expect("a profile");
        assert!(hostile.contains("(subpath \"/a\\\") (allow default) (\\\"\")"), "{hostile}");
        assert!(profile(&["/a\\".into()], &[]).expect("a profile").contains("\"/a\\\\\""));
        assert!(profile(&["/a\nb".into()], &[]).is_none());
        assert!(profile(&["relative".into()], &[]).is_none());
    }
}
