//! Texts of the rules about the policy itself.
use super::Explanation;

pub(super) const EXPIRED_EXEMPTION: Explanation = Explanation {
    means: "The last day of an exemption is over, so it lifts nothing any more.",
    why: "What it lifted denies again. Somebody set the day because the reason was not meant to last.",
    resolve: "Solve what it was for, or look at the reason anew and write another day. Remove it if nothing needs it.",
    example: "[[policy.exempt]] with until = 2026-11-01, in December 2026.",
};

pub(super) const UNMATCHED_EXEMPTION: Explanation = Explanation {
    means: "An exemption that still counts lifts nothing: no finding has its rule and its subject.",
    why: "It may be mistyped, so that what it was for is still denied; or left over, and then it waits for a finding that nobody has read.",
    resolve: "Compare rule and subject with what `mcpsec verify` prints, letter by letter, or remove it.",
    example: "subject = \"npm:left-pad@1.3.0\" after an update to 1.3.1.",
};

pub(super) const LONG_EXEMPTION: Explanation = Explanation {
    means: "An exemption ends more than a year from today.",
    why: "An end so far away is none: whoever wrote it will not be there to remember why.",
    resolve: "Choose a day within a year. It can be renewed by somebody who looks at it again.",
    example: "[[policy.exempt]] with until = 2099-12-31.",
};

pub(super) const POLICY_CONTRADICTION: Explanation = Explanation {
    means: "Two keys say the opposite of each other, or a file loosens a key that a policy it extends has locked.",
    why: "Only one of them can count, and a reader may believe the other. The message says which one does: of a locked key always the locked value.",
    resolve: "Remove the one that does not count. To loosen a locked key, change the file that locks it.",
    example: "isolation = \"none\" in mcp.toml, and locked = [\"isolation\"] in the policy of the organisation.",
};

pub(super) const POLICY_NO_OP: Explanation = Explanation {
    means: "A key changes nothing: what it names is not locked, it is there twice, or the machine asks for more.",
    why: "It may be mistyped, so that something else than intended holds.",
    resolve: "Compare the name with `mcpsec tree`, or remove the key.",
    example: "install-scripts = [\"npm:esbuild@0.25.0\"], where 0.25.1 is locked.",
};
