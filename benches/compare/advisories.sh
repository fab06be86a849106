#!/bin/sh
# 30,000 advisories against a closure of 500 packages: time and memory of opening the database, finding and judging.
# Aim: under 300 ms warm and under 100 MiB. Usage: benches/compare/advisories.sh [CARGO PROFILE]
set -eu
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cargo build --offline --example advisories --profile "${1:-release}"
target="${CARGO_TARGET_DIR:-target}/$( [ "${1:-release}" = dev ] && echo debug || echo "${1:-release}" )/examples/advisories"
"$target" make "$folder"
"$target" ask "$folder"
