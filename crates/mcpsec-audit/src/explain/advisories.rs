//! Texts of the rules about what is known of packages: advisories, ages, names, publishers.
use super::Explanation;

pub(super) const MALWARE: Explanation = Explanation {
    means: "An advisory says that this version is malicious.",
    why: "An advisory says that this version is malicious.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const VULNERABLE: Explanation = Explanation {
    means: "An advisory says that this version is vulnerable.",
    why: "An advisory says that this version is vulnerable.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
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
