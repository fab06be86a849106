#!/bin/sh
# Times `mcpsec approvals` against a log of 100,000 entries on loopback: the first sync, one with nothing new, one with one entry more.
# The log is made and served by the test itself; nothing else is needed.
set -eu
cd "$(dirname "$0")/../.."
exec cargo test --release --offline --test cli -- --ignored --nocapture --exact team_load::an_allowlist_of_100_000
