//! Texts of the rules about what is known of packages: advisories, ages, names, publishers.
use super::Explanation;

pub(super) const MALWARE: Explanation = Explanation {
    means: "A public advisory says that this version of a package is malicious: it was written, or taken over, to do harm.",
    why: "Unlike a vulnerability it needs nobody to attack: the code acts when it is installed or run. A server with it reads what the server \
          may read, and what it holds already may have been read.",
    resolve: "Stop the server. Update it to a version whose closure does not hold the package (mcpsec update NAME), or drop it (mcpsec remove \
              NAME). Treat every secret that the machine or the server had as known to others. If the advisory is wrong, exempt exactly this \
              advisory for exactly this version with a reason and an end date; the subject is the package with the advisory's id after `#`.",
    example: "npm:left@1.0.3#MAL-2026-1: malicious, says MAL-2026-1; files@1.2.0 > left@1.0.3",
};

pub(super) const VULNERABLE: Explanation = Explanation {
    means: "A public advisory says that this version of a package has a weakness that others may use. Its grade is the worst that any of its \
            databases gives: low, medium, high or critical, from a CVSS score where there is one.",
    why: "A server handles what strangers wrote: pages, files, issues. A weakness in a package of its closure may let such a text do more than \
          be read. Whether the server can be reached by it, only a person can tell.",
    resolve: "Update the server: the message names the smallest version in which it is fixed, and the next command. Where there is no fix, read \
              the advisory (mcpsec db query shows its addresses), and decide by policy or by an exemption with an end date.",
    example: "npm:left@1.0.3#GHSA-xxxx-yyyy-zzzz: medium (6.1), says GHSA-xxxx-yyyy-zzzz (also CVE-2026-1); fixed in 1.0.4: mcpsec update files",
};

pub(super) const TOO_NEW: Explanation = Explanation {
    means: "The version has been out for less time than `min-release-age` asks for. A version is as old as the younger of two \
            clocks: the registry's word for when it was published, and the verified time at which a log saw its attestation.",
    why: "Most hijacked versions are noticed and withdrawn within hours or days. Who waits does not meet them.",
    resolve: "`add` and `update` choose the newest version that is old enough by themselves, so this is shown where the spec \
              allows only a younger one: widen the spec, or wait. For an urgent fix exempt exactly this version with a reason.",
    example: "npm:files@1.4.2: it is out since 3 hours, and the policy asks for 24 hours",
};

pub(super) const PUBLISHER_CHANGED: Explanation = Explanation {
    means: "The registry says that an account published this version which published none of those before it. It weighs more \
            when nobody is left who could publish then, or when a workflow published before. Registries do not sign this.",
    why: "A stolen or handed-over account is how malicious versions of known packages come about. So are new colleagues.",
    resolve: "Look at the project's news for a change of hands. Provenance by the same workflow as before is a better sign \
              than account names; `signers` in mcp.toml can require it.",
    example: "npm:files@2.0.1: `newcomer` published it and none of the 14 versions before; the last one was by `ann`",
};

pub(super) const LOOKALIKE_PACKAGE: Explanation = Explanation {
    means: "The package's name can be taken for that of a well-known MCP server, of a package that very many depend on, or of \
            this project's own servers and scopes: a slip of the finger, characters that look alike, other separators, another \
            scope, or a word such as `official`.",
    why: "Such names wait for typing errors and for models that write a launch line from memory.",
    resolve: "Compare the name with the one in the project's own documentation. If it is meant, exempt this package with a \
              reason. Names that are well known themselves are never accused.",
    example: "npm:mcp-rem0te@1.0.0: the name has characters that look like those of `mcp-remote`, a well-known MCP server",
};

pub(super) const DEPENDENCY_CONFUSION: Explanation = Explanation {
    means: "A package that by its name belongs to a private registry came from another one: its scope is nearly the private one, \
            the private scope is written as a prefix, it is a sibling of packages of a private Python index, or a file of a \
            private scope lies on another host.",
    why: "Whoever registers a private name on a public registry has the code run wherever the private one is not asked first.",
    resolve: "Correct the name, or the registry of its scope in .npmrc. Register the name on the public registry, so that \
              nobody else can. If it really is a public package, exempt it with a reason.",
    example: "npm:acme-utils@9.9.9: it is @acme/utils with the scope written as a prefix, but https://registry.example/ answered \
              for it",
};

pub(super) const NEWER_VERSION: Explanation = Explanation {
    means: "A version is out that is newer than the locked one, or newer than the one that was just chosen because it is too \
            young.",
    why: "It may mend what is broken, and may change what the server tells the model. Nothing changes until somebody updates.",
    resolve: "`mcpsec update NAME --dry-run` shows what it would change. Where the spec does not allow it, widen the spec first.",
    example: "npm:files@1.4.1: 1.4.2 is out since 3 hours, less than the 24 hours that the policy asks for; took 1.4.1",
};
