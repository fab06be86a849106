//! Texts of the rules about client configurations.
use super::Explanation;

pub(super) const UNLOCKED_LAUNCH: Explanation = Explanation {
    means: "A client configuration starts a server that mcp.lock does not hold, or the locked version in a way that resolves its dependencies anew.",
    why: "Nobody vetted what runs then. Even npx with an exact version pins one package only: its dependencies are whatever they are that day, and that is where most attacks come in.",
    resolve: "Lock it with `mcpsec add`, then let `mcpsec wrap` point the configuration at what is locked. If the server is to stay as it is, exempt it in [policy] with a reason and an end date.",
    example: ".mcp.json has `npx -y weather-mcp`, and mcp.lock has no weather-mcp.",
};

pub(super) const UNPINNED_LAUNCH: Explanation = Explanation {
    means: "A client configuration starts whatever version of a package is newest, although a version of it is locked.",
    why: "The next start may run what was published a minute ago, by the maintainer or by whoever took the account over. The lock stands beside it and is not asked.",
    resolve: "Run `mcpsec wrap`: it puts `mcpsec run NAME` in place of the launcher and keeps everything else of the file.",
    example: ".cursor/mcp.json has `npx -y weather-mcp@latest`, and 1.4.2 is locked.",
};

pub(super) const OTHER_VERSION: Explanation = Explanation {
    means: "A client configuration asks for another version of a package than mcp.lock holds.",
    why: "One of the two was changed without the other: what was reviewed is not what starts.",
    resolve: "Decide which version is meant. `mcpsec wrap NAME` takes what is locked; `mcpsec add NAME` after an edit of mcp.toml locks the other one, with its review.",
    example: ".vscode/mcp.json has `uvx weather-mcp==1.5.0`, and 1.4.2 is locked.",
};

pub(super) const SHELL_LAUNCH: Explanation = Explanation {
    means: "A client configuration goes through a shell, starts a program or script of this machine, or decides by other means which program `mcpsec` is.",
    why: "A shell line can do anything before, after or in place of the server that it shows. A script is whatever the last commit made of it. An entry that sets PATH or LD_PRELOAD can make any name mean any program.",
    resolve: "Start the package itself, so that it can be locked; take variables such as PATH out of the entry. A server of your own repository can be locked by its git address.",
    example: ".mcp.json has `bash -c \"npx -y weather-mcp; …\"`.",
};

pub(super) const REMOTE_SERVER: Explanation = Explanation {
    means: "A client configuration names a server that runs elsewhere.",
    why: "There is no artifact: what it does and what it tells the model can change between two requests, and nothing on this machine would show it.",
    resolve: "Prefer a server that runs here and can be locked. If it must be remote, keep it to clients and projects that may share what they send to it.",
    example: ".mcp.json has a server with the address https://mcp.example.test/mcp.",
};

pub(super) const CONTAINER_SERVER: Explanation = Explanation {
    means: "A client configuration starts a container.",
    why: "A tag such as `latest` can be moved like a version, and an image brings a whole system with it. mcpsec does not lock images yet.",
    resolve: "If the same server is published as a package, lock that. Else pin the image by its sha256 digest and review it by hand.",
    example: ".mcp.json has `docker run -i --rm example/weather-mcp`.",
};
