//! What rules about packages and their evidence mean.
use super::Explanation;

pub(super) const MANIFEST_CONFUSION: Explanation = Explanation {
    means: "The metadata inside the artifact differs from what the registry's record says about it.",
    why: "Tools that look at the record see other dependencies or scripts than what is installed; this is how malware hides from review.",
    resolve: "Compare the record with the file inside the artifact. Do not use the version unless its author explains the difference.",
    example: "The record lists no install script, and package.json in the tarball has one.",
};

pub(super) const INSTALL_SCRIPT: Explanation = Explanation {
    means: "The package wants to run a program of its own when it is installed.",
    why: "Install scripts run with all rights of the user before anybody has called the server. Most attacks on package registries used them.",
    resolve: "Leave it off: mcpsec never runs it. If the server needs it, name package and version in the policy; it then runs in the sandbox only.",
    example: "\"postinstall\": \"node setup.js\"",
};

pub(super) const CLOSURE_INCOMPLETE: Explanation = Explanation {
    means: "Some dependencies could not be known without running code of the package.",
    why: "What is not in the lock is not pinned and not checked.",
    resolve: "Prefer a version with wheels or static metadata, or have the build observed in the sandbox.",
    example: "A source distribution whose setup.py computes its requirements.",
};

pub(super) const UNSUPPORTED_DEPENDENCY: Explanation = Explanation {
    means: "A package depends on a git repository, a URL or a local file.",
    why: "Such sources can hand out other bytes tomorrow, and no registry vouches for them.",
    resolve: "Ask the author for a registry release, or use another server.",
    example: "\"left\": \"git+https://host.invalid/left.git\"",
};

pub(super) const YANKED: Explanation = Explanation {
    means: "The publisher withdrew this version.",
    why: "Versions are yanked when they are broken or harmful; others no longer get them.",
    resolve: "Read why it was yanked and move to another version with `mcpsec update`.",
    example: "The index marks 2.1.0 as yanked: wrong files uploaded.",
};

pub(super) const UNPUBLISHED: Explanation = Explanation {
    means: "The registry no longer has this version.",
    why: "It may have been removed for malware, and it cannot be compared with its source any more. The locked copy still runs.",
    resolve: "Find out why it is gone, then move to a version that exists.",
    example: "The record of 1.4.2 ends with 404.",
};

pub(super) const DEPRECATED: Explanation = Explanation {
    means: "The publisher advises against this version.",
    why: "Nobody will mend it when a weakness is found.",
    resolve: "Read the note and plan to move to what it recommends.",
    example: "deprecated: use the successor package",
};

pub(super) const UNRESOLVABLE_TARGET: Explanation = Explanation {
    means: "No set of versions satisfies one of the targets in mcp.toml.",
    why: "On that operating system or runtime the server cannot be installed from this lock.",
    resolve: "Remove the target, or choose a version that supports it.",
    example: "A dependency excludes the Python version of target linux-aarch64.",
};

pub(super) const NO_ARTIFACT_FOR_TARGET: Explanation = Explanation {
    means: "A package has no file that one of the targets can use.",
    why: "On that target the package would have to be built, or is missing.",
    resolve: "Remove the target or use a version with a fitting file.",
    example: "Wheels exist for x86_64 only.",
};

pub(super) const NO_PROVENANCE: Explanation = Explanation {
    means: "The policy requires to know who built it, and nothing says so.",
    why: "Without an attestation a stolen token is enough to publish anything in the project's name.",
    resolve: "Ask the author to publish with provenance, or except this package in the policy with a reason and an end.",
    example: "A package without attestations under `provenance = \"required\"`.",
};

pub(super) const TRUST_DOWNGRADE: Explanation = Explanation {
    means: "Earlier versions were attested or signed, and this one is not.",
    why: "This is what a release with a stolen token looks like: it does not come from the project's build.",
    resolve: "Do not update until the author confirms the release through another channel.",
    example: "1.0 to 1.6 have provenance of the project's workflow; 1.7 has none.",
};

pub(super) const SIGNER_CHANGED: Explanation = Explanation {
    means: "Somebody else built or signed this version than earlier ones.",
    why: "A new owner or another repository may be behind the same name.",
    resolve: "Check that the project announced the move, then name the new signer under `policy.signers`, or exempt the finding with a reason and an end date.",
    example: "Built from org-a/server until 2.3, from user-b/server since 2.4.",
};

pub(super) const EVIDENCE_WITHDRAWN: Explanation = Explanation {
    means: "The registry no longer hands out evidence that it once did.",
    why: "Evidence does not expire. Its absence means a fault, a move, or somebody who prefers that it is not seen.",
    resolve: "Keep the locked copy, and ask registry or author what happened.",
    example: "The attestations of 3.2.1 were there on Monday and are 404 now.",
};
