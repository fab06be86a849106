//! Texts of the rules about what code does.
use super::Explanation;

pub(super) const NEW_HOST: Explanation = Explanation {
    means: "The code of a new version names a host or an IP address that no file of the earlier one did, and that no other package of the earlier closure did.",
    why: "A backdoor has to send what it takes somewhere, and that place is new. Ordinary releases add hosts as well: another region, a new service, a link. It is severe only where the package used no network before and the same file reads what is private.",
    resolve: "Look at the line that is named. If the host belongs to the service that the server is for, take the update. If not, stay with the locked version and ask the maintainers.",
    example: "npm:mailer@1.0.16/dist/send.js:41 names `collect.example.test`, and mailer 1.0.15 named only `api.mailer.test`",
};

pub(super) const NEW_RECIPIENT: Explanation = Explanation {
    means: "The code of a new version writes an e-mail address, a webhook or another place for messages into what it sends, and the earlier version did not.",
    why: "One added `Bcc` is all that it took to read the mail of everybody who used a popular server; nothing that the model is told changed. A recipient that stands in the code was chosen by whoever wrote the code, not by you.",
    resolve: "Read the line. If the address is yours or your provider's and you want it, accept it with --accept and --reason. Else do not update, and report the package.",
    example: "npm:mailer@1.0.16/index.js:231 has `Bcc: copy@example.test` where 1.0.15 had nothing",
};

pub(super) const NEW_NETWORK: Explanation = Explanation {
    means: "A package uses the network that did not use it in the earlier version, in any of its files.",
    why: "Most packages have no reason to talk to anybody. One that starts to is worth a look, the more the further down in the closure it is.",
    resolve: "Look at what it sends and to whom. `mcpsec diff NAME --content` lists hosts, variables and files that are new.",
    example: "npm:left-pad@1.3.1/index.js:12 calls `https.request`",
};

pub(super) const NEW_PROCESS: Explanation = Explanation {
    means: "A package starts programs that started none in the earlier version.",
    why: "What is started runs with the rights of the server, and may be anything that is installed on the machine.",
    resolve: "Look at which program is started, and with which arguments. The sandbox of `mcpsec run` keeps it inside in any case.",
    example: "pypi:fetcher@2.1/fetcher/util.py:8 calls `subprocess.run`",
};

pub(super) const NEW_DYNAMIC_CODE: Explanation = Explanation {
    means: "A package runs text as code, or what it fetches, and the earlier version did not.",
    why: "Code that is made or fetched while the program runs was in no artifact, so nobody could read it before. Template engines and schema compilers do this for speed; hardly anybody else has to. Running what comes over the network is severe.",
    resolve: "Look at where the text comes from. Do not accept code that is fetched: it may be another one tomorrow.",
    example: "pypi:fetcher@2.1/fetcher/boot.py:3 has `exec(requests.get(url).text)`",
};

pub(super) const NEW_FILE_ACCESS: Explanation = Explanation {
    means: "A package reads or writes files, and the earlier version did not.",
    why: "It is usual for servers and unusual for small libraries.",
    resolve: "Look at which files. The sandbox of `mcpsec run` shows the server only the folders that mcp.toml names.",
    example: "npm:colors-of@2.0.1/index.js:5 calls `fs.readFileSync`",
};

pub(super) const NEW_ENVIRONMENT: Explanation = Explanation {
    means: "A package reads environment variables that the earlier version did not read, or the environment as a whole.",
    why: "Tokens and passwords stand in the environment. A server that asks for one more variable is ordinary; a library that takes all of them at once is not.",
    resolve: "Look at which variables. `mcpsec run` hands on only those that mcp.toml names.",
    example: "npm:mailer@1.1.0/index.js:3 reads `MAILER_REGION`",
};

pub(super) const NEW_SECRET_ACCESS: Explanation = Explanation {
    means: "The code of a new version names files or folders that hold secrets, such as SSH keys, cloud credentials, tokens of registries or profiles of browsers, and the earlier version did not.",
    why: "Thieves go through a well-known list of such places. Tools that log in to a service name the one place of that service; few have reason to name several.",
    resolve: "Look at what is done with the contents. If the server has no business there, do not update.",
    example: "npm:mailer@1.0.16/lib/x.js:9 names `~/.ssh/id_rsa`",
};

pub(super) const NEW_NATIVE_CODE: Explanation = Explanation {
    means: "A package holds native code or a program, or loads some, and the earlier version did not.",
    why: "Machine code cannot be read here, so nothing else that is said about the package covers it.",
    resolve: "Ask why it is needed and where it is built. Packages that ship one file for each platform say so in their notes.",
    example: "npm:mailer@1.1.0/build/x.node is an ELF program or library",
};

pub(super) const NEW_INSTALL_SCRIPT: Explanation = Explanation {
    means: "The new version wants to run a script when it is installed, or another one than before.",
    why: "Install scripts are how most worms in package registries spread: they run on the machine of everybody who installs, before anybody called anything. mcpsec runs none unless the policy names the package.",
    resolve: "Read the script and what it starts. If the package works without it, leave it forbidden.",
    example: "npm:mailer@1.0.16/package.json:7 has `postinstall: node bundle.js`",
};

pub(super) const STARTUP_HOOK: Explanation = Explanation {
    means: "The package arranges for code to run by itself: whenever Python starts (`.pth`, `sitecustomize.py`), while it is built (`setup.py`), at login, from a timer or from a hook.",
    why: "Such code runs whether or not anybody uses the package, and may stay after it is removed.",
    resolve: "Read the line. Few packages need it: some that patch how modules are found, and namespace packages of old.",
    example: "pypi:fetcher@2.1/fetcher_init.pth:1 starts a program whenever Python starts",
};

pub(super) const OBFUSCATED_CODE: Explanation = Explanation {
    means: "The code hides what it does: texts that are decoded and run, tables of strings, names put together from letters, invisible characters, code behind white space.",
    why: "Minified code is merely short. Code that hides its names does so from people who would object to them.",
    resolve: "Do not run it. Ask the maintainers for the source; compare it with the repository.",
    example: "npm:quiet@1.0.1/index.js:1 has a rotated table of encoded strings",
};

pub(super) const PACKED_CODE: Explanation = Explanation {
    means: "The code is minified or packed, and the earlier version was not.",
    why: "It hides nothing on purpose, but a reader sees less of it, and so does this tool.",
    resolve: "Nothing, if the project began to bundle its releases. The repository has the source.",
    example: "npm:mailer@2.0.0/dist/index.js is one line of 400,000 characters",
};

pub(super) const ENTRY_CHANGED: Explanation = Explanation {
    means: "Other files start the package than in the earlier version.",
    why: "A new entry may load something before it loads what was there.",
    resolve: "Look at the new entry, and at what it loads first.",
    example: "npm:mailer@1.1.0: `main` is `dist/index.js`, and was `index.js`",
};

pub(super) const NEW_DEPENDENCY: Explanation = Explanation {
    means: "The package needs another one that it did not need before, or a package is new in the closure.",
    why: "Each package is one more stranger. Attackers have put their code into a dependency that looks harmless in a release.",
    resolve: "Look at what the new package is and who publishes it. What it does is in the finding.",
    example: "npm:mailer@1.1.0 needs `left-pad`; npm:left-pad@1.3.0 is new in the closure",
};

pub(super) const REPOSITORY_MISMATCH: Explanation = Explanation {
    means: "The package names another repository than the earlier version did.",
    why: "Projects move. A package that changed hands also names another repository, and the code there may be nobody's.",
    resolve: "Look whether the old repository leads to the new one.",
    example: "npm:mailer@1.1.0: `github.com/one/mailer` became `github.com/two/mailer`",
};

pub(super) const CREDENTIAL_THEFT: Explanation = Explanation {
    means: "The code reads what holds secrets, whole files of keys or the whole environment, and sends it away.",
    why: "A token that is sent to its own service is how programs log in, and is not meant here. Nobody has to send all variables, or a private key.",
    resolve: "Do not run it. If it ran, change every secret that it could reach. Report the package to its registry.",
    example: "pypi:fetcher@2.1/setup.py:14 posts `dict(os.environ)` to `collect.example.test`",
};

pub(super) const SELF_SPREADING: Explanation = Explanation {
    means: "The code publishes packages, pushes to repositories or writes workflows of CI.",
    why: "A worm does this with the tokens that it finds, in the name of whoever installed it. Tools for releases do it as well, and are seldom part of a server.",
    resolve: "Do not run it where tokens of a registry or of a code host can be reached.",
    example: "npm:mailer@1.0.16/bundle.js:27 calls `npm publish`",
};

pub(super) const UNREADABLE_CODE: Explanation = Explanation {
    means: "Code could not be read in full: it is too long, nested too deeply, or not in the language that its name promises.",
    why: "What cannot be read is not known to be harmless. What could be read of it was still looked at.",
    resolve: "If it is a file of data or an old dialect, nothing. If it is what starts the server, ask for a release that can be read.",
    example: "pypi:fetcher@2.1/fetcher/old.py: line 12 is not Python 3",
};
