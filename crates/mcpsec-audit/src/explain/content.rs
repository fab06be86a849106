//! Texts of the rules about what code does.
use super::Explanation;

pub(super) const NEW_HOST: Explanation = Explanation {
    means: "The code names a host or address that the earlier version did not.",
    why: "The code names a host or address that the earlier version did not.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const NEW_RECIPIENT: Explanation = Explanation {
    means: "The code names an e-mail address, webhook or account that the earlier version did not.",
    why: "The code names an e-mail address, webhook or account that the earlier version did not.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const NEW_NETWORK: Explanation = Explanation {
    means: "The code reaches the network, and the earlier version did not.",
    why: "The code reaches the network, and the earlier version did not.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const NEW_PROCESS: Explanation = Explanation {
    means: "The code starts programs, and the earlier version did not.",
    why: "The code starts programs, and the earlier version did not.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const NEW_DYNAMIC_CODE: Explanation = Explanation {
    means: "The code runs text as code, and the earlier version did not.",
    why: "The code runs text as code, and the earlier version did not.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const NEW_FILE_ACCESS: Explanation = Explanation {
    means: "The code reads or writes files, and the earlier version did not.",
    why: "The code reads or writes files, and the earlier version did not.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const NEW_ENVIRONMENT: Explanation = Explanation {
    means: "The code reads environment variables that the earlier version did not.",
    why: "The code reads environment variables that the earlier version did not.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const NEW_SECRET_ACCESS: Explanation = Explanation {
    means: "The code names secrets or key files, and the earlier version did not.",
    why: "The code names secrets or key files, and the earlier version did not.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const NEW_NATIVE_CODE: Explanation = Explanation {
    means: "The package holds native code or programs that the earlier version did not.",
    why: "The package holds native code or programs that the earlier version did not.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const NEW_INSTALL_SCRIPT: Explanation = Explanation {
    means: "The package wants to run a script when it is installed, and the earlier version did not.",
    why: "The package wants to run a script when it is installed, and the earlier version did not.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const STARTUP_HOOK: Explanation = Explanation {
    means: "The package runs code whenever an interpreter starts, or while it is built.",
    why: "The package runs code whenever an interpreter starts, or while it is built.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const OBFUSCATED_CODE: Explanation = Explanation {
    means: "The code hides what it does.",
    why: "The code hides what it does.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const PACKED_CODE: Explanation = Explanation {
    means: "The code is minified or packed, and the earlier version was not.",
    why: "The code is minified or packed, and the earlier version was not.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const ENTRY_CHANGED: Explanation = Explanation {
    means: "Other files start the package than in the earlier version.",
    why: "Other files start the package than in the earlier version.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const NEW_DEPENDENCY: Explanation = Explanation {
    means: "The package needs another one that the earlier version did not.",
    why: "The package needs another one that the earlier version did not.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const REPOSITORY_MISMATCH: Explanation = Explanation {
    means: "The package names another repository than before, or than its provenance.",
    why: "The package names another repository than before, or than its provenance.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const CREDENTIAL_THEFT: Explanation = Explanation {
    means: "The code reads secrets and sends data away.",
    why: "The code reads secrets and sends data away.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const SELF_SPREADING: Explanation = Explanation {
    means: "The code publishes packages or changes other people's repositories.",
    why: "The code publishes packages or changes other people's repositories.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const UNREADABLE_CODE: Explanation = Explanation {
    means: "Code could not be read, so nobody knows what it does.",
    why: "Code could not be read, so nobody knows what it does.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};
