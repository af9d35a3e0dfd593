#!/usr/bin/env bash
# The quickstart fails where DiST does not do what it is there to show.
set -euo pipefail
check="$(cd "$(dirname "$0")/../../launch" && pwd)/check_claims.sh"
summary=$(mktemp)
trap 'rm -f "$summary"' EXIT
verdict() {  # verdict PROBE SHUFFLED DIST: what check_claims.sh says of such a summary, and its exit code
  printf 'Top-1 on the validation clips, at step 9\n  %-52s %6.2f %%\n  %-52s %6.2f %%\n  %-52s %6.2f %%\n  %-52s %6.2f %%\n' \
    chance 10 'linear probe on mean-pooled frozen features' "$1" 'DiST on shuffled frames' "$2" DiST "$3" >"$summary"
  "$check" "$summary" 2>&1 && echo fine
}
expect() {  # expect PATTERN PROBE SHUFFLED DIST
  local said
  said=$(verdict "$2" "$3" "$4") || true
  [[ "$said" == *"$1"* ]] || { echo "FAILED: probe $2, shuffled $3, DiST $4: expected '$1', found '$said'" >&2; exit 1; }
}
expect fine 20 35 100
expect fine 9 9.5 39
expect 'expected 30 points more than the probe' 20.5 35 50
expect 'expected 30 points more than the probe' 100 35 100
expect 'expected it to drop' 9 100 100
echo 'Top-1 on the validation clips' >"$summary"
if "$check" "$summary" 2>/dev/null; then echo "FAILED: a summary without rows passed" >&2; exit 1; fi
