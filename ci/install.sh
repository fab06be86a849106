#!/usr/bin/env bash
# Puts mcpsec on the path of a CI job: the one that is there, else one built from this checkout.
#
# Reads:
#   MCPSEC_SOURCE  a checkout of mcpsec [the folder above this script]
#   MCPSEC_BIN     folder for the program [$HOME/.local/bin]
# Writes the folder to GITHUB_PATH where the runner has that file.
set -euo pipefail

source=${MCPSEC_SOURCE:-$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)}
bin=${MCPSEC_BIN:-$HOME/.local/bin}

wanted=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source/Cargo.toml" | head -n 1)
if [ -x "$bin/mcpsec" ] && [ "$("$bin/mcpsec" --version)" = "mcpsec $wanted" ]; then
  printf 'mcpsec %s is in %s\n' "$wanted" "$bin"
else
  if ! command -v cargo >/dev/null; then
    printf 'install: no cargo on PATH; a Rust toolchain builds mcpsec (docs/ci.md)\n' >&2
    exit 2
  fi
  cargo build --release --locked --manifest-path "$source/Cargo.toml" --bin mcpsec
  target=$(cargo metadata --format-version 1 --no-deps --offline --manifest-path "$source/Cargo.toml" |
    sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
  mkdir -p -- "$bin"
  install -m 755 -- "$target/release/mcpsec" "$bin/mcpsec"
  printf 'mcpsec %s built into %s\n' "$wanted" "$bin"
fi
[ -z "${GITHUB_PATH:-}" ] || printf '%s\n' "$bin" >>"$GITHUB_PATH"
