#!/usr/bin/env bash
# The gate as a CI step: runs mcpsec once per command, writes what people and code scanning read, and ends with the worst code.
#
# Reads (all optional):
#   MCPSEC            the program [mcpsec]
#   MCPSEC_PROJECT    folder of mcp.toml and mcp.lock [.]
#   MCPSEC_RUNS       commands, separated by spaces: verify, audit [verify audit]
#   MCPSEC_ARGS       more arguments for each, separated by white space [none]
#   MCPSEC_BASE       a mcp.lock to compare with, shown in the summary [none]
#   MCPSEC_REPORTS    folder for COMMAND.sarif, COMMAND.json and COMMAND.md [mcpsec-reports]
#   MCPSEC_INCOMPLETE fail or pass: what exit code 3 does to the job [fail]
# Writes job summaries and outputs where the runner has files for them (GITHUB_STEP_SUMMARY, GITHUB_OUTPUT).
set -uo pipefail

program=${MCPSEC:-mcpsec}
project=${MCPSEC_PROJECT:-.}
reports=${MCPSEC_REPORTS:-mcpsec-reports}
# Over several lines too: without -d, read stops at the first. It ends without a delimiter, which it calls a failure.
read -r -d '' -a runs <<<"${MCPSEC_RUNS:-verify audit}" || true
read -r -d '' -a extra <<<"${MCPSEC_ARGS:-}" || true
incomplete=${MCPSEC_INCOMPLETE:-fail}

usage() {
  printf 'gate: %s\n' "$1" >&2
  exit 2
}

[ "${#runs[@]}" -gt 0 ] || usage 'MCPSEC_RUNS names no command: a gate that runs nothing is none'
for run in "${runs[@]}"; do
  case $run in
    verify | audit) ;;
    *) usage "MCPSEC_RUNS may hold verify and audit only, not $(printf '%q' "$run")" ;;
  esac
done
case $incomplete in
  fail | pass) ;;
  *) usage 'MCPSEC_INCOMPLETE must be fail or pass' ;;
esac
command -v -- "$program" >/dev/null || usage "$(printf '%q' "$program") is not on PATH; install it first (docs/ci.md)"
mkdir -p -- "$reports" || exit 2

# Output of strangers must not be taken for commands of the runner: between these two lines it takes none.
token=
quiet() {
  [ -n "${GITHUB_ACTIONS:-}" ] || return 0
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '::stop-commands::%s\n' "$token"
}
loud() {
  [ -z "$token" ] || printf '::%s::\n' "$token"
}

# 1 (denied) is worse than 2 and 4 (broken) only in name: whatever is not 0 fails the job, and the worst is what it ends with.
worst=0
worse() {
  local order='0 3 1 2 4'
  local code=$1 rank=9 best=0 i=0 each
  for each in $order; do
    [ "$each" = "$code" ] && rank=$i
    [ "$each" = "$worst" ] && best=$i
    i=$((i + 1))
  done
  [ "$rank" -gt "$best" ] && worst=$code
  return 0
}

summary=${GITHUB_STEP_SUMMARY:-}
summarise() {
  [ -z "$summary" ] || cat -- "$1" >>"$summary"
}

quiet
if [ -n "${MCPSEC_BASE:-}" ]; then
  # What changed is for the reviewer. Whether it may is what verify says, so only a run that broke counts.
  "$program" diff --project "$project" --base "$MCPSEC_BASE" --report "markdown=$reports/diff.md"
  code=$?
  case $code in
    0 | 1 | 3) [ ! -f "$reports/diff.md" ] || summarise "$reports/diff.md" ;;
    *) worse "$code" ;;
  esac
fi
for run in "${runs[@]}"; do
  "$program" "$run" --project "$project" --report "sarif=$reports/$run.sarif" --report "json=$reports/$run.json" \
    --report "markdown=$reports/$run.md" ${extra[@]+"${extra[@]}"}
  code=$?
  [ -f "$reports/$run.md" ] && summarise "$reports/$run.md"
  if [ "$code" = 3 ] && [ "$incomplete" = pass ]; then
    code=0
  fi
  worse "$code"
done
loud

if [ -n "${GITHUB_OUTPUT:-}" ]; then
  printf 'exit-code=%s\nreports=%s\n' "$worst" "$reports" >>"$GITHUB_OUTPUT"
fi
exit "$worst"
