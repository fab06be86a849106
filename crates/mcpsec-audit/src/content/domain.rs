//! Which hosts belong together: the part of a host name that somebody registered.
//!
//! A short table stands in for the public suffix list: being wrong about a rare suffix moves a finding between two grades, and
//! never makes one vanish.

/// Suffixes below which anybody gets a name.
const SHARED: &[&str] = &[
    "github.io",
    "githubusercontent.com",
    "gitlab.io",
    "pages.dev",
    "workers.dev",
    "vercel.app",
    "netlify.app",
    "herokuapp.com",
    "web.app",
    "firebaseapp.com",
    "azurewebsites.net",
    "cloudfront.net",
    "amazonaws.com",
    "appspot.com",
    "run.app",
    "onrender.com",
    "fly.dev",
    "ngrok.io",
    "ngrok.app",
    "ngrok-free.app",
    "trycloudflare.com",
    "deno.dev",
    "repl.co",
    "glitch.me",
    "blogspot.com",
    "wordpress.com",
    "r2.dev",
    "blob.core.windows.net",
    "storage.googleapis.com",
    "surge.sh",
    "railway.app",
    "supabase.co",
    "loca.lt",
];

/// The registered part of a host: `example.co.uk` of `a.b.example.co.uk`.
pub(super) fn registrable(host: &str) -> &str {
    let labels = |count: usize| {
        let mut at = host.len();
        for _ in 0..count {
            match host[..at].rfind('.') {
                Some(dot) => at = dot,
                None => return host,
            }
        }
        host.get(at + 1..).unwrap_or(host)
    };
    if let Some(shared) =
        SHARED.iter().find(|shared| host.strip_suffix(**shared).is_some_and(|rest| rest.ends_with('.')))
    {
        return labels(shared.matches('.').count() + 2);
    }
    let mut last = host.rsplit('.');
    let (top, second) = (last.next().unwrap_or_default(), last.next().unwrap_or_default());
    let national =
        top.len() == 2 && matches!(second, "co" | "com" | "org" | "net" | "ac" | "gov" | "edu" | "or" | "ne" | "go");
    labels(if national { 3 } else { 2 })
}

/// Whether a host is named like a package: `api.firecrawl.example` and `firecrawl-mcp`.
pub(super) fn is_named_like(host: &str, package: &str) -> bool {
    let name = registrable(host).split('.').next().unwrap_or_default();
    name.len() >= 4 && package.to_ascii_lowercase().split(['-', '_', '.', '/']).any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_somebody_registered() {
        for (host, part) in [
            ("a.b.example.test", "example.test"),
            ("example.test", "example.test"),
            ("localhost", "localhost"),
            ("", ""),
            ("a.example.co.uk", "example.co.uk"),
            ("evil.github.io", "evil.github.io"),
            ("x.evil.github.io", "evil.github.io"),
            ("github.io", "github.io"),
            ("..", "."),
        ] {
            assert_eq!(registrable(host), part, "{host}");
        }
        assert!(is_named_like("api.firecrawl.test", "firecrawl-mcp"));
        assert!(!is_named_like("api.mcp.test", "firecrawl-mcp"));
        assert!(!is_named_like("firecrawl.evil.test", "firecrawl-mcp"));
    }
}
