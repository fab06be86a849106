#!/usr/bin/env bash
# Times mcpsec beside npm, pnpm and uv: installs the peers into a scratch folder, then runs speed.py.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
peers="${MCPSEC_PEERS:-$here/../../target/peers}"
mkdir -p "$peers"
[ -x "$peers/node_modules/.bin/pnpm" ] || npm install --prefix "$peers" --no-audit --no-fund --silent pnpm
[ -x "$peers/uv/bin/uv" ] || { python3 -m venv "$peers/uv" && "$peers/uv/bin/pip" install --quiet uv; }
exec python3 "$here/speed.py" --mcpsec "$here/../../target/release/mcpsec" --peers "$peers" "$@"
