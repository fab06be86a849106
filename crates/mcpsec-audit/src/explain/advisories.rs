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
    means: "The version has been out for less time than the policy asks for.",
    why: "The version has been out for less time than the policy asks for.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const PUBLISHER_CHANGED: Explanation = Explanation {
    means: "Somebody else published this version than earlier ones.",
    why: "Somebody else published this version than earlier ones.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const LOOKALIKE_PACKAGE: Explanation = Explanation {
    means: "The package's name looks like that of a well-known one, and is not the same.",
    why: "The package's name looks like that of a well-known one, and is not the same.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const DEPENDENCY_CONFUSION: Explanation = Explanation {
    means: "A name of a private registry or scope is answered by another registry.",
    why: "A name of a private registry or scope is answered by another registry.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const NEWER_VERSION: Explanation = Explanation {
    means: "A newer version is out.",
    why: "A newer version is out.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};
