//! Texts of the rules about client configurations.
use super::Explanation;

pub(super) const UNLOCKED_LAUNCH: Explanation = Explanation {
    means: "A client configuration starts a server that mcp.lock does not hold.",
    why: "A client configuration starts a server that mcp.lock does not hold.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const UNPINNED_LAUNCH: Explanation = Explanation {
    means: "A client configuration starts whatever version is newest.",
    why: "A client configuration starts whatever version is newest.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const OTHER_VERSION: Explanation = Explanation {
    means: "A client configuration starts another version than mcp.lock holds.",
    why: "A client configuration starts another version than mcp.lock holds.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const SHELL_LAUNCH: Explanation = Explanation {
    means: "A client configuration starts a shell or a program of this machine in place of a locked server.",
    why: "A client configuration starts a shell or a program of this machine in place of a locked server.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const REMOTE_SERVER: Explanation = Explanation {
    means: "A client configuration names a server that runs elsewhere, which cannot be locked.",
    why: "A client configuration names a server that runs elsewhere, which cannot be locked.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const CONTAINER_SERVER: Explanation = Explanation {
    means: "A client configuration starts a container, which cannot be locked yet.",
    why: "A client configuration starts a container, which cannot be locked yet.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};
