//! Texts of the rules about the policy itself.
use super::Explanation;

pub(super) const EXPIRED_EXEMPTION: Explanation = Explanation {
    means: "An exemption's last day is over.",
    why: "An exemption's last day is over.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const UNMATCHED_EXEMPTION: Explanation = Explanation {
    means: "An exemption lifts nothing.",
    why: "An exemption lifts nothing.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const POLICY_CONTRADICTION: Explanation = Explanation {
    means: "Two keys of the policy say the opposite.",
    why: "Two keys of the policy say the opposite.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};

pub(super) const POLICY_NO_OP: Explanation = Explanation {
    means: "A key of the policy changes nothing.",
    why: "A key of the policy changes nothing.",
    resolve: "Look at what is shown, and choose another version if it is not expected.",
    example: "",
};
