#!/usr/bin/env bash
# Takes mcp.lock as the target branch of a pull request has it, for the comparison in the summary.
#
# Usage: base.sh BRANCH PROJECT OUT
# Writes OUT (empty when the branch has no lock yet) and `base=OUT` to GITHUB_OUTPUT where the runner has that file.
set -euo pipefail

if [ $# -ne 3 ]; then
  printf 'usage: base.sh BRANCH PROJECT OUT\n' >&2
  exit 2
fi
branch=$1 project=$2 out=$3
case $branch in
  '' | -* | *..* | *[!A-Za-z0-9._/@+-]*)
    printf 'base: %q is not a name of a branch\n' "$branch" >&2
    exit 2
    ;;
esac
git fetch --quiet --no-tags --depth=1 origin "refs/heads/$branch"
prefix=$(git -C "$project" rev-parse --show-prefix)
rm -f -- "$out"
if git cat-file -e "FETCH_HEAD:${prefix}mcp.lock" 2>/dev/null; then
  git show "FETCH_HEAD:${prefix}mcp.lock" >"$out"
  printf 'the base is %smcp.lock of %s\n' "$prefix" "$branch"
else
  : >"$out"
  printf '%s has no %smcp.lock: every server is new\n' "$branch" "$prefix"
fi
[ -z "${GITHUB_OUTPUT:-}" ] || printf 'base=%s\n' "$out" >>"$GITHUB_OUTPUT"
