#!/bin/sh
# The mirror beside verdaccio (npm), pypiserver (PyPI) and nginx with sendfile (files): the same bytes, the same client (wrk), one
# server asked at a time, three rounds, the middle one printed.
#
# The packages are made, not fetched, so that both sides have the same: one with 1,050 versions and a packument of about 4.4 MB (as
# zod's), one of about 26 kB, tarballs of 584 kB and 20 MB of noise, a project of 60 wheels. Ours are pushed and approved through the
# API; verdaccio's are put into its storage as it keeps them after `npm publish`. Asked for is the full packument without compression.
# Requests, bytes a second, p99 and resident memory are printed; bytes tell whether the answers were of one size. Beside them: the
# kernel's own copying of the tarball from one file into another.
#
# Needs cargo, node, npm, python3 and wrk, and nginx for its column; the network once, to install verdaccio and pypiserver into a
# scratch folder.
# Usage: benches/compare/registry.sh [SECONDS PER MEASUREMENT]
set -eu
cd "$(dirname "$0")/../.."
for program in cargo node npm python3 wrk; do
    command -v "$program" >/dev/null || { echo "registry.sh needs $program" >&2; exit 2; }
done
# Debian puts it where only root looks.
nginx_program=$(PATH="$PATH:/usr/sbin" command -v nginx || true)
work=$(mktemp -d)
verdaccio=
pypiserver=
nginx=
finish() {
    for id in $verdaccio $pypiserver $nginx; do kill "$id" || true; done
    rm -rf "$work"
}
trap finish EXIT INT TERM
mkdir "$work/node" "$work/storage" "$work/wheels" "$work/nginx"
# One of its dependencies asks for `node-fetch@cjs`, a tag that registries which mirror only versions do not have; it names 2.6.7.
echo '{ "dependencies": { "verdaccio": "6.8.0" }, "overrides": { "node-fetch": "2.6.7" } }' > "$work/node/package.json"
npm install --silent --no-fund --no-audit --prefix "$work/node"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pypiserver==2.4.2
cargo test --offline --release --workspace --test registry --no-run
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
if [ -n "$nginx_program" ]; then
    cat > "$work/nginx.conf" <<END
daemon off;
master_process off;
pid $work/nginx/pid;
error_log stderr crit;
events { }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    client_body_temp_path $work/nginx/1; proxy_temp_path $work/nginx/2; fastcgi_temp_path $work/nginx/3;
    uwsgi_temp_path $work/nginx/4; scgi_temp_path $work/nginx/5;
    server { listen 127.0.0.1:7434; root $work/storage; }
}
END
    "$nginx_program" -p "$work/nginx" -c "$work/nginx.conf" &
    nginx=$!
    export MCPSEC_BENCH_NGINX="$nginx@http://127.0.0.1:7434"
fi
MCPSEC_BENCH_OTHERS=$work MCPSEC_BENCH_SECONDS=${1:-10} \
MCPSEC_BENCH_VERDACCIO=$verdaccio@http://127.0.0.1:7432 MCPSEC_BENCH_PYPISERVER=$pypiserver@http://127.0.0.1:7433 \
    cargo test --offline --release --workspace --test registry -- --ignored --nocapture bench_beside
