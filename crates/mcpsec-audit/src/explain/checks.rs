//! What checks mean.
use super::Explanation;

pub(super) const CONFIG: Explanation = Explanation {
    means: "mcp.toml asks for exactly what mcp.lock holds.",
    why: "A lock that answers an older question protects something else than what is used.",
    resolve: "Run `mcpsec add NAME`, and review how mcp.lock changes.",
    example: "A server was added to mcp.toml and not locked.",
};

pub(super) const LOCK: Explanation = Explanation {
    means: "mcp.lock is whole, canonical, and as mcpsec wrote it.",
    why: "An edit by hand can put one digest in the place of another.",
    resolve: "Restore mcp.lock from version control, or write it anew and review the change.",
    example: "One digit of a digest was changed.",
};

pub(super) const ARTIFACT_HASH: Explanation = Explanation {
    means: "Every artifact in the store has the digest and size of the lock.",
    why: "This is what makes the bytes that run the bytes that were reviewed.",
    resolve: "Remove the artifact from the store and fetch it again; if it differs again, do not use it.",
    example: "A tarball with another SHA-512 than locked.",
};

pub(super) const UPSTREAM: Explanation = Explanation {
    means: "The registry's record still names the locked digests.",
    why: "If the registry changed its mind about a released version, somebody changed the release.",
    resolve: "Compare both artifacts before you believe either.",
    example: "The record of 1.2.0 has another integrity than at locking.",
};

pub(super) const REGISTRY_SIGNATURE: Explanation = Explanation {
    means: "The registry signed name, version and digest with a key that is known.",
    why: "It shows that a mirror or a proxy did not change what the registry says.",
    resolve: "Check the mirror. Accept new keys only from the registry's own key document.",
    example: "The signature does not verify with any known key.",
};

pub(super) const PROVENANCE: Explanation = Explanation {
    means: "Attestations verify and are about exactly the locked bytes.",
    why: "They tie an artifact to the repository, commit and workflow that built it.",
    resolve: "Do not use an artifact whose attestation fails; ask the author about one that has none.",
    example: "The attestation is about another digest.",
};

pub(super) const SIGNER: Explanation = Explanation {
    means: "Who built or signed it is who is expected.",
    why: "A valid attestation of a stranger is valid, and a stranger's.",
    resolve: "Confirm the new signer with the project before you accept it.",
    example: "The workflow belongs to another organisation.",
};

pub(super) const GIT_SIGNATURE: Explanation = Explanation {
    means: "The signature of the tag or commit verifies and is about what is locked.",
    why: "It shows that the maintainer meant this commit.",
    resolve: "Get the maintainer's key from a second source, or lock a signed commit.",
    example: "The tag is signed by an unknown key.",
};

pub(super) const INSTALL_SCRIPTS: Explanation = Explanation {
    means: "No install script runs that the policy does not name.",
    why: "They would run before anything else is checked.",
    resolve: "Name package and version in the policy if the script is needed, after reading it.",
    example: "A new dependency brings a postinstall script.",
};

pub(super) const CAPTURE: Explanation = Explanation {
    means: "What the server tells the model was captured in a sandbox that the policy accepts.",
    why: "A capture without isolation lets the server see who is looking, and do what it likes.",
    resolve: "Run `mcpsec doctor` to see which sandbox this machine has, or capture on another machine.",
    example: "The policy asks for namespaces and only landlock is there.",
};

pub(super) const MANIFEST: Explanation = Explanation {
    means: "What the server tells the model is word for word what mcp.lock holds.",
    why: "Descriptions are orders to the model; a change of one is a change of behaviour.",
    resolve: "Look at the difference with `mcpsec diff`, and accept it with `mcpsec update` if it is benign.",
    example: "The description of one tool has a new sentence.",
};

pub(super) const POISON: Explanation = Explanation {
    means: "No text that the model reads breaks a rule that the policy denies.",
    why: "The texts of a server act on the agent before any tool is called.",
    resolve: "Read the findings. Do not use the server, or except a finding in the policy with a reason and an end.",
    example: "A finding `secrecy` of severity high.",
};

pub(super) const ADVISORIES: Explanation = Explanation {
    means: "No advisory about a locked version is known that the policy denies.",
    why: "What was harmless when it was locked can be known to be malicious or vulnerable today.",
    resolve: "Move to the fixed version with `mcpsec update`. Where there is none, remove the server, or except the one advisory in the policy with a reason and an end. If it was not checked: `mcpsec db update`.",
    example: "An advisory about a dependency three steps below the server.",
};

pub(super) const COOLDOWN: Explanation = Explanation {
    means: "Every version has been out for as long as `min-release-age` asks for.",
    why: "Most hijacked releases are noticed and taken down within hours or days. Who waits never sees them.",
    resolve: "Wait, or take the version before it. An urgent fix can be excepted for its one version, with a reason and an end.",
    example: "A version that was published three hours ago, where the policy asks for a day.",
};

pub(super) const CONTENT: Explanation = Explanation {
    means: "What the code of a new version does, and the old one did not, is what the policy allows.",
    why: "A backdoor need not change a single word of what a server says about itself.",
    resolve: "Read the lines that are named with `mcpsec diff NAME --content`. Stay with the locked version until you know why they are there.",
    example: "One more recipient in the code that sends mail.",
};

pub(super) const APPROVAL: Explanation = Explanation {
    means: "As many people as the policy and mcp-signers ask for signed that they reviewed exactly this: these artifacts, this \
            closure, these words for the model, this entry point. What mcp.toml lets it do when it runs is not part of it.",
    why: "Whoever can change mcp.lock could otherwise change what the team runs. A signature is a person's own, and it is about \
          digests: any change asks again.",
    resolve: "Run `mcpsec approvals NAME` to see what is missing and what changed since the last approval, review that, and \
              sign it with `mcpsec approve NAME`. Commit mcp-approvals.jsonl.",
    example: "mcp.lock was updated to 1.0.1, and the only approval is for 1.0.0.",
};
