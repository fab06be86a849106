//! What the right-hand side of a dependency may be: a range or tag of a registry package, or something that cannot be locked.
//!
//! npm accepts many forms (npm-package-arg); a lock can hold only those that a registry answers for. All others are named as
//! unsupported, by kind, before resolution starts.
use mcpsec_model::name::PackageName;

/// Longest dependency requirement that is looked at, in bytes.
const MAX_REQUIREMENT: usize = 1024;

/// Why a dependency cannot be locked, in words that fit "… is {reason}".
pub(crate) fn unsupported(key: &str, requirement: &str) -> Option<&'static str> {
    if PackageName::npm(key).is_err() {
        return Some("not a valid package name");
    }
    if requirement.len() > MAX_REQUIREMENT {
        return Some("too long to be a version requirement");
    }
    let mut requirement = requirement.trim();
    if let Some(alias) = requirement.strip_prefix("npm:") {
        let at = alias.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
        let (name, rest) = at.map_or((alias, ""), |at| (&alias[..at], &alias[at + 1..]));
        if PackageName::npm(name).is_err() {
            return Some("an alias of an invalid package name");
        }
        requirement = rest;
    }
    let scheme = requirement.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| !scheme.contains(['/', '#']));
    match scheme {
        Some("git" | "git+https" | "git+ssh" | "git+http" | "git+file" | "git+rsync" | "git+ftp") => {
            return Some("a git repository");
        }
        Some("github" | "gitlab" | "bitbucket" | "gist") => return Some("a git repository"),
        Some("http" | "https") => return Some("a URL"),
        Some("file" | "link" | "portal") => return Some("a local path"),
        Some("workspace" | "catalog") => return Some("a workspace reference, which a published package may not have"),
        Some("npm") => return Some("an alias of an alias"),
        Some(_) if requirement.contains('@') => return Some("a git repository"),
        Some(_) => return Some("of a kind that no registry answers for"),
        None => {}
    }
    if requirement.starts_with(['.', '/']) || requirement.starts_with("~/") || requirement.contains('\\') {
        return Some("a local path");
    }
    if requirement.contains('/') {
        return Some("a git repository");
    }
    if requirement.ends_with(".tgz") || requirement.ends_with(".tar.gz") {
        return Some("a local path");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::unsupported;

    #[test]
    fn registry_forms_pass() {
        for requirement in [
            "",
            "*",
            "^1.2",
            "1.x || >=2.0.0 <3",
            "~1.2.3",
            "latest",
            "next-13",
            "npm:other@^1",
            "npm:@s/other",
            "1.0.0 - 2",
        ] {
            assert_eq!(unsupported("a", requirement), None, "{requirement}");
        }
    }

    #[test]
    fn everything_else_is_named() {
        for (requirement, word) in [
            ("git+https://h.invalid/o/r#v1", "git"),
            ("git@h.invalid:o/r.git", "git"),
            ("github:o/r", "git"),
            ("o/r#semver:^1", "git"),
            ("https://h.invalid/x.tgz", "URL"),
            ("file:../x", "path"),
            ("../x", "path"),
            ("x.tgz", "path"),
            ("link:x", "path"),
            ("workspace:*", "workspace"),
            ("npm:../../x@1", "alias"),
            ("npm:npm:x@1", "alias"),
            ("jsr:@a/b@1", "git"),
        ] {
            let reason = unsupported("a", requirement).expect(requirement);
            assert!(reason.contains(word), "{requirement}: {reason}");
        }
        assert!(unsupported("../../etc", "1").is_some());
        assert!(unsupported("a", &"1".repeat(2000)).is_some());
    }
}
