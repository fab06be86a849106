#!/usr/bin/env bash
# A team registry from nothing, and a second machine that lives from it alone: every command is printed before it runs.
#
#   examples/team/transcript.sh [NPM_SPEC] [PYPI_SPEC]
#
# `mcpsec`, `mcpsec-registry`, `ssh-keygen`, `node` and `python3` must be on PATH. The first part asks the public registries (or those that
# npm and pip are configured with); in the second part every address but this machine's leads to a closed port. npm, npx, pip, uv and uvx
# are shown where they are installed, and said where they are not. Everything happens below one temporary folder.
set -euo pipefail

npm_spec=${1:-npm:@modelcontextprotocol/server-filesystem}
pypi_spec=${2:-pypi:mcp-server-time}
platform=linux-$(uname -m | sed 's/^arm64$/aarch64/')-gnu
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
work=$(mktemp -d)
registry_pid=
trap '[ -z "$registry_pid" ] || kill "$registry_pid" 2>/dev/null || true; rm -rf "$work"' EXIT

title() { printf '\n== %s\n' "$1"; }
# Prints a command as a person types it, then runs it.
step() { printf '\n$ %s\n' "${*//$work/\~work}"; "$@" 2>&1 | sed "s|$work|~work|g"; return "${PIPESTATUS[0]}"; }
have() { command -v "$1" >/dev/null || { printf '\n(%s is not installed: skipped)\n' "$1"; return 1; }; }
# What the registry API's document of a server says about its package.
package() { mcpsec export registry "$1" | python3 -c "import json, sys; print(json.load(sys.stdin)['servers'][0]['server']['packages'][0]['$2'])"; }

title "1. One command starts the registry"
mkdir -p "$work/data" "$work/ada/project" "$work/bob/project"
ssh-keygen -q -t ed25519 -N '' -f "$work/ada/key" -C ada
printf '[[signer]]\nname = "ada"\nkey = "%s"\n' "$(cut -d' ' -f1,2 "$work/ada/key.pub")" >"$work/data/mcp-signers"
printf '\n$ mcpsec-registry serve --data ~work/data\n'
mcpsec-registry serve --data "$work/data" --listen 127.0.0.1:0 >"$work/registry.out" 2>"$work/registry.err" &
registry_pid=$!
until grep -q 'http://' "$work/registry.out"; do
    kill -0 "$registry_pid" 2>/dev/null || { cat "$work/registry.err"; exit 1; }
    sleep 0.1
done
registry=$(grep -o 'http://[^ ]*' "$work/registry.out" | head -n 1)
cat "$work/registry.out"
token=$(mcpsec-registry token create --data "$work/data" --name ada --scope push --scope approve-submit --expires 1d |
    grep -o 'mcpsec_[A-Za-z0-9_-]*' | head -n 1)
echo "(a token with the scopes push and approve-submit, valid for a day)"

title "2. Ada vets two servers and pushes them"
cd "$work/ada/project"
export MCPSEC_STORE=$work/ada/store MCPSEC_CACHE=$work/ada/cache
# One platform, so that little is locked here. The push takes every file of a release along that the lock names.
printf '[targets]\nplatforms = ["%s"]\npython = ["%s"]\n' "$platform" "$python" >mcp.toml
step mcpsec add "$npm_spec" --name files --yes
step mcpsec add "$pypi_spec" --name clock --yes
# Whose approvals count is said in the repository, and so is how many it takes; where they are kept is the registry's part.
printf '\n[policy]\napprovals = { required = 1, signers = "mcp-signers" }\n\n[team]\nregistry = "%s"\n' "$registry" >>mcp.toml
cp "$work/data/mcp-signers" .
export MCPSEC_TEAM_TOKEN=$token
step mcpsec approve files --key "$work/ada/key" --reason 'read it' --yes
step mcpsec approve clock --key "$work/ada/key" --reason 'read it' --yes
step mcpsec push
unset MCPSEC_TEAM_TOKEN
npm_name=$(package files identifier) npm_version=$(package files version)
pypi_name=$(package clock identifier) pypi_version=$(package clock version)
# A requirements file with every hash that mcp.lock has for this platform.
mcpsec tree clock --format json | python3 -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    name, _, version = package["purl"].removeprefix("pkg:pypi/").rpartition("@")
    here = [target for target in package["targets"] if target.startswith("linux")]
    if here or not package["targets"]:
        print(f"{name}=={version}", *(f"--hash={digest}" for digest in package["digests"]))
' >"$work/bob/requirements.txt"

title "3. Bob has a new machine, the project's files, and nothing but the team's registry"
cp mcp.toml mcp.lock mcp-signers "$work/bob/project/"
cd "$work/bob/project"
export MCPSEC_STORE=$work/bob/store MCPSEC_CACHE=$work/bob/cache
# Every address but this machine's leads to a closed port.
export HOME=$work/bob XDG_DATA_HOME=$work/bob/data XDG_CACHE_HOME=$work/bob/cache XDG_CONFIG_HOME=$work/bob/config
export http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 HTTP_PROXY=http://127.0.0.1:9 HTTPS_PROXY=http://127.0.0.1:9
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1 MCPSEC_TRUST_REFRESH=off
step mcpsec verify
printf '\n$ mcpsec run clock   # and a client that asks for its tools\n'
{
    echo '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"transcript","version":"1"}}}'
    echo '{"jsonrpc":"2.0","method":"notifications/initialized"}'
    echo '{"jsonrpc":"2.0","id":2,"method":"tools/list"}'
    sleep 2
} | mcpsec run clock 2>/dev/null | python3 -c '
import json, sys
for line in sys.stdin:
    tools = json.loads(line).get("result", {}).get("tools")
    if tools:
        print(len(tools), "tools:", ", ".join(tool["name"] for tool in tools))
        break
else:
    sys.exit("it told no tools")
'

title "4. Other clients on the same machine"
if have npm; then
    export npm_config_registry=$registry/npm/ npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false
    mkdir -p "$work/bob/npm" && cd "$work/bob/npm"
    echo '{"name":"bob","version":"1.0.0","private":true}' >package.json
    step npm install --ignore-scripts "$npm_name@$npm_version"
    rm -rf node_modules "$HOME/.npm"
    step npm ci --ignore-scripts
    if have npx; then
        printf '\n$ npx --yes %s@%s ~work/bob/npm   # and a client that says hello\n' "$npm_name" "$npm_version"
        # Not every server ends with its input: it gets half a minute, and what it answered decides.
        {
            echo '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"transcript","version":"1"}}}'
            sleep 10
        } | { timeout 30 npx --yes "$npm_name@$npm_version" "$work/bob/npm" 2>/dev/null || true; } | python3 -c '
import json, sys
for line in sys.stdin:
    print(json.loads(line)["result"]["serverInfo"])
    break
else:
    sys.exit("it did not answer")
'
    fi
fi
cd "$work/bob"
export PIP_INDEX_URL=$registry/pypi/simple/ PIP_DISABLE_PIP_VERSION_CHECK=1 UV_DEFAULT_INDEX=$registry/pypi/simple/
if have pip; then
    step pip install --quiet --require-hashes --only-binary :all: --target "$work/bob/python" -r "$work/bob/requirements.txt"
    PYTHONPATH=$work/bob/python python3 -c "import importlib.metadata as m; print('$pypi_name', m.version('$pypi_name'))"
fi
if have uv; then step uv pip install --quiet --target "$work/bob/uv" --require-hashes -r "$work/bob/requirements.txt"; fi
if have uvx; then step uvx --from "$pypi_name==$pypi_version" "$pypi_name" --help; fi

title "Done: everything above came from $registry"
