#!/bin/sh
# A team after years: 500 servers, 100,000 entries in the log of approvals, and a push of 480 files. Times what people wait for: the
# server's start, its pages and answers, the first sync of a laptop, one with nothing new, one with one entry more, `mcpsec verify
# --offline` with and without the log; and says how much memory the server and the client need.
# Everything is made by the test itself on loopback; it needs cargo, node, npm and ssh-keygen.
set -eu
cd "$(dirname "$0")/../.."
cargo test --release --offline --workspace --test registry --no-run
cargo build --release --offline --workspace --bins
for bench in bench_500_servers bench_push; do
    cargo test --release --offline --workspace --test registry -- --ignored --nocapture "$bench"
done
