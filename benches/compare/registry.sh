#!/bin/sh
# The mirror beside verdaccio (npm) and pypiserver (PyPI): the same packages, the same client (wrk), one server asked at a time.
#
# The packages are made, not fetched, so that both sides have the same: one with 1,050 versions and a packument of about 4.4 MB (as
# zod's), one of about 26 kB, a tarball of 584 kB of noise, a project of 60 wheels. Ours are pushed and approved through the API;
# verdaccio's are put into its storage as it keeps them after `npm publish`. Asked for is the full packument without compression.
# Requests, bytes a second, p99 and resident memory are printed; bytes tell whether the answers were of one size.
#
# Needs cargo, node, npm, python3 and wrk; the network once, to install verdaccio and pypiserver into a scratch folder.
# Usage: benches/compare/registry.sh [SECONDS PER MEASUREMENT]
set -eu
cd "$(dirname "$0")/../.."
for program in cargo node npm python3 wrk; do
    command -v "$program" >/dev/null || { echo "registry.sh needs $program" >&2; exit 2; }
done
work=$(mktemp -d)
verdaccio=
pypiserver=
finish() {
    [ -z "$verdaccio" ] || kill "$verdaccio" || true
    [ -z "$pypiserver" ] || kill "$pypiserver" || true
    rm -rf "$work"
}
trap finish EXIT INT TERM
npm install --silent --no-fund --no-audit --prefix "$work/node" verdaccio@6
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pypiserver
cargo test --offline --release -p mcpsec-registry --test registry --no-run
mkdir "$work/storage" "$work/wheels"
cat > "$work/verdaccio.yaml" <<END
storage: $work/storage
auth: { htpasswd: { file: $work/htpasswd } }
uplinks: {}
packages: { '**': { access: \$all } }
log: { type: stdout, format: pretty, level: fatal }
END
node "$work/node/node_modules/verdaccio/bin/verdaccio" --config "$work/verdaccio.yaml" --listen 127.0.0.1:7432 >/dev/null &
verdaccio=$!
"$work/venv/bin/pypi-server" run --interface 127.0.0.1 --port 7433 --disable-fallback "$work/wheels" >/dev/null 2>&1 &
pypiserver=$!
MCPSEC_BENCH_OTHERS=$work MCPSEC_BENCH_SECONDS=${1:-10} \
MCPSEC_BENCH_VERDACCIO=$verdaccio@http://127.0.0.1:7432 MCPSEC_BENCH_PYPISERVER=$pypiserver@http://127.0.0.1:7433 \
    cargo test --offline --release -p mcpsec-registry --test registry -- --ignored --nocapture bench_beside
