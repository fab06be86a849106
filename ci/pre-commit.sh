#!/usr/bin/env bash
# A git hook: nothing is committed that the gate would refuse. Link it as .git/hooks/pre-commit, or use .pre-commit-hooks.yaml.
#
# Runs only when something is staged that mcpsec judges. Offline, so a commit waits for nobody; CI asks the registries.
set -uo pipefail

program=${MCPSEC:-mcpsec}
judged='(^|/)(mcp\.toml|mcp\.lock|mcp-signers|mcp-approvals\.jsonl|\.?mcp\.json|mcp_config\.json|mcp-config\.json|settings\.json|opencode\.jsonc?|config\.toml)$'
git diff --cached --name-only --diff-filter=ACMRD | grep -Eq "$judged" || exit 0
"$program" verify --offline --quiet
code=$?
if [ "$code" = 3 ]; then
  printf 'mcpsec: something could not be checked offline; CI will check it\n' >&2
  exit 0
fi
exit "$code"
